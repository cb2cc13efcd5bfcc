"""The outputs of one program: every scenario played, in two processes, into a folder of records."""

from __future__ import annotations

import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROCESSES = 2
#: Folders of as many characters on every run: where a text is cut may depend on the length of a path.
_PREFIX = "gate-"


class BuildError(Exception):
    """A scenario that the gate itself could not play to its end."""


def build(
    names: Sequence[str],
    take_program: Callable[[Path], None],
    target: Path,
    *,
    seed: str,
    tell: Callable[[str], None],
    must_end: bool,
) -> None:
    """Play the scenarios with the program that ``take_program`` writes into a folder; their records go to ``target``.

    Each record is complete or not there at all: they are made elsewhere and renamed, whoever else does the same. With
    ``must_end``, a scenario that cannot be played to its end is an error; without, that is in its record.
    """
    private = Path(tempfile.mkdtemp(prefix=_PREFIX, dir="/tmp" if Path("/tmp").is_dir() else None))  # noqa: S108
    try:
        take_program(private / "program")
        (private / "records").mkdir()
        _play(names, private, seed, tell, must_end)
        target.mkdir(parents=True, exist_ok=True)
        for name in names:
            _put_in_place(private / "records" / name, target / name)
    finally:
        shutil.rmtree(private, ignore_errors=True)


def _put_in_place(record: Path, target: Path) -> None:
    near = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    shutil.copytree(record, near / "record")
    try:
        (near / "record").rename(target)
    except OSError:
        if not (target / "steps.json").exists():
            raise
    finally:
        shutil.rmtree(near, ignore_errors=True)


def _play(names: Sequence[str], private: Path, seed: str, tell: Callable[[str], None], must_end: bool) -> None:
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    for name in names:
        waiting.put(name)
    wrong: list[str] = []
    threads = [
        threading.Thread(target=_serve, args=(waiting, private, seed, tell, must_end, wrong))
        for _ in range(min(PROCESSES, len(names)))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise BuildError("\n".join(wrong))


def _serve(
    waiting: queue.SimpleQueue[str],
    private: Path,
    seed: str,
    tell: Callable[[str], None],
    must_end: bool,
    wrong: list[str],
) -> None:
    command = [sys.executable, "-c", "from gate.worker import main; main()", private / "program", private / "records"]
    with subprocess.Popen(
        command, env=_environment(private / "program", seed), cwd=private, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True, encoding="utf-8",
    ) as worker:  # fmt: skip
        assert worker.stdin is not None
        assert worker.stdout is not None
        while True:
            try:
                name = waiting.get_nowait()
            except queue.Empty:
                break
            try:
                worker.stdin.write(f"{name}\n")
                worker.stdin.flush()
                answer = worker.stdout.readline().strip()
            except OSError as error:
                answer = str(error)
            if answer.startswith("stopped:") and not must_end:
                tell(f"{name} (stopped)")
            elif answer != "ok":
                wrong.append(f"{name}: " + (answer or "the process ended").replace("\\n", "\n"))
                if not answer:
                    break
            else:
                tell(name)
        worker.stdin.close()


def _environment(program: Path, seed: str) -> dict[str, str]:
    """The same for both sides and on every machine; the program's source comes first, the stopped clock before it."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH") if name in os.environ}
    places = (HERE / "clock", program / "scripts", HERE.parent)
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join(map(str, places)),
        "PYTHONHASHSEED": seed,
        "TZ": "Europe/Paris",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "OPENPYXL_LXML": "False",  # the bytes that it writes depend on whether lxml is installed
        "USER": "personne",
        "LOGNAME": "personne",
    }
