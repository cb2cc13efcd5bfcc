"""A real ``tabellion watch`` on a real workspace: started, waited for on what it says and writes, counted, stopped.

Nothing sleeps for a fixed time: every wait is for a condition, with a deadline, and says what it waited for.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from support.forks import Fork
from support.program import contents, environment, started, tabellion

DEADLINE_SECONDS = 60.0
_LOOK_SECONDS = 0.03


def wait(
    condition: Callable[[], object], expected: str, seconds: float = DEADLINE_SECONDS, output: Callable[[], str] = str
) -> None:
    """Wait until ``condition()`` is true; ``output()`` is shown where it never is."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"not within {seconds:g} s: {expected}\n{output()}"
        time.sleep(_LOOK_SECONDS)


class Watching:
    """A watcher's process. As a context, it is started, and stopped at the end if it still runs."""

    def __init__(self, workspace: Path, *options: str | Path) -> None:
        self.workspace, self.options = workspace, options
        self.log = workspace.parent / "veille.log"
        self.process: Fork | subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Watching:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process is not None and self.process.poll() is None:
            if kind is None:
                self.stop()
            else:
                self.kill()
                print(self.log.read_text(encoding="utf-8"))

    def start(self) -> None:
        """Start it; its first run may not be over."""
        with self.log.open("ab") as log:
            self.process = started(
                ["watch", *map(str, self.options)], self.workspace, environment(PYTHONIOENCODING="utf-8"),
                log.fileno(), log.fileno(),
            )  # fmt: skip

    def ready(self) -> None:
        """Start it where it is not, and wait until it has caught up."""
        before = self.runs
        if self.process is None or self.process.poll() is not None:
            self.start()
        self.wait(lambda: self.runs > before and not self.is_busy, "the first run")

    def stop(self, sign: signal.Signals = signal.SIGTERM) -> float:
        """End it as a service manager or Ctrl+C does; the seconds that it took. Its exit code must be 0."""
        assert self.process is not None
        start = time.monotonic()
        self.process.send_signal(sign)
        assert self.process.wait(DEADLINE_SECONDS) == 0, self.log.read_text(encoding="utf-8")
        return time.monotonic() - start

    def kill(self) -> None:
        """End it as a power cut does."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(DEADLINE_SECONDS)

    def wait(self, condition: Callable[[], object], expected: str, seconds: float = DEADLINE_SECONDS) -> None:
        """Wait until ``condition()``, which must not need a watcher that has died."""

        def is_so() -> object:
            assert self.process is not None
            assert self.process.poll() is None, f"the watcher ended: {self.log.read_text(encoding='utf-8')}"
            return condition()

        wait(is_so, expected, seconds, lambda: f"it said:\n{self.output}")

    @property
    def output(self) -> str:
        """All that it has printed."""
        return self.log.read_text(encoding="utf-8")

    def says(self, text: str, since: int = 0) -> None:
        """Wait until it says ``text`` after the first ``since`` characters."""
        self.wait(lambda: text in self.output[since:], f"« {text} »")

    @property
    def runs(self) -> int:
        """How many runs were begun, as the journal counts them."""
        return self._count("SELECT count(*) FROM runs")

    @property
    def is_busy(self) -> bool:
        """Whether the last run that was begun has not ended."""
        return self._count("SELECT ended IS NULL FROM runs ORDER BY number DESC LIMIT 1") > 0

    def _count(self, query: str) -> int:
        path = self.workspace / "workbooks" / ".tabellion" / "journal.sqlite"
        try:
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as journal:
                return int(journal.execute(query).fetchone()[0])
        except (sqlite3.OperationalError, TypeError):  # there is none yet
            return 0

    @contextmanager
    def run(self, count: int = 1) -> Iterator[None]:
        """What happens inside is answered by exactly ``count`` runs, which have ended when this ends.

        What they found is written then; what the watcher says of it comes a moment later (:meth:`says`).
        """
        before = self.runs
        yield
        self.wait(lambda: self.runs >= before + count and not self.is_busy, f"run {before + count}")
        assert self.runs == before + count


def state(workspace: Path) -> Mapping[str, Any]:
    """What the outputs say, without dates: the register, the findings, the board, the annotated copies."""
    folder = workspace / "workbooks" / "consolidation"
    state = json.loads((folder / "constats.json").read_text(encoding="utf-8"))
    parts = {name: state[name] for name in ("constats", "resume", "campagne")}
    copies = sorted(contents(workspace / "workbooks" / "constats"))
    register = {name: content for name, content in contents(folder / "registre").items() if name.endswith(".csv")}
    return {**parts, "copies": copies, **register}


def fresh(workspace: Path) -> Mapping[str, Any]:
    """What ``tabellion consolidate`` makes of a copy of the same inputs, without any memory."""
    copy = workspace.parent / "fresh" / workspace.name
    shutil.rmtree(copy.parent, ignore_errors=True)
    shutil.copytree(workspace, copy, ignore=shutil.ignore_patterns("consolidation", "constats", ".tabellion"))
    done = tabellion("consolidate", "--silencieux", cwd=copy)
    assert done.code in (0, 1), done
    return state(copy)


def excel_saves(path: Path, content: bytes) -> None:
    """Save as Excel does: the whole file under a temporary name, the old one out of the way, the new one in."""
    owner = path.with_name(f"~${path.name}")
    owner.write_bytes(b"\x05Marie" + bytes(159))
    new, old = path.with_name("5F3A1000"), path.with_name("8BC41000.tmp")
    new.write_bytes(content)
    if path.exists():
        path.rename(old)
    time.sleep(0.05)  # the path is absent for a moment
    new.rename(path)
    old.unlink(missing_ok=True)
    owner.unlink()


def in_chunks(path: Path, content: bytes, *, count: int = 6, pause_seconds: float = 0.3) -> None:
    """Write a file little by little, as a copy over a slow network does."""
    size = len(content) // count + 1
    with path.open("wb", buffering=0) as file:
        for at in range(0, len(content), size):
            file.write(content[at : at + size])
            os.fsync(file.fileno())
            time.sleep(pause_seconds)
