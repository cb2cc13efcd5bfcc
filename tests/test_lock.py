"""One run at a time: who comes second is told who is there; a holder that died, however it died, holds nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from support import faults
from support.program import contents, environment
from tabellion.commands.source import alone_on
from tabellion.contract.workspace import Workspace
from tabellion.findings import Finding, TabellionError
from tabellion.transaction.lock import LOCK, NOTE, WATCHER, hold

needs_strace = pytest.mark.skipif(faults.strace_missing() is not None, reason=str(faults.strace_missing()))
needs_mount = pytest.mark.skipif(faults.mount_missing() is not None, reason=str(faults.mount_missing()))

NOW = datetime(2016, 12, 1, 2, 15)
#: A process that takes the workspace, says so, and keeps it until it is told to leave; or says that it may not.
HOLDER = """
import signal
import sys
from datetime import datetime
from pathlib import Path
from tabellion.transaction.lock import hold
from tabellion.findings import TabellionError
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores it in what it starts behind
try:
    since = datetime(2016, 12, 1, 2, 15)
    with hold(Path(sys.argv[1]), "tabellion consolidate", since, wait_seconds=float(sys.argv[2])):
        print("held", flush=True)
        sys.stdin.readline()
except TabellionError as error:
    print(*(each.code for each in error.findings), flush=True)
    sys.exit(2)
"""
#: A share without locks: filelock makes do with the presence of a file.
NO_LOCKS = ("strace", "-f", "-qq", "-o", os.devnull, "-e", "trace=flock", "-e", "inject=flock:error=ENOSYS")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "workbooks" / ".tabellion"


@contextmanager
def holder(folder: Path, *before: str, wait_seconds: float = 0) -> Iterator[subprocess.Popen[str]]:
    """A process that has said its first word."""
    with subprocess.Popen(
        [*before, sys.executable, "-c", HOLDER, folder, str(wait_seconds)],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def first_word(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def refusal(folder: Path) -> Finding:
    """What somebody who comes second is told."""
    with pytest.raises(TabellionError) as caught, hold(folder, "tabellion watch", NOW):
        pytest.fail("two at once")
    (finding,) = caught.value.findings
    return finding


def test_the_second_is_told_who_holds_since_when_and_what_to_do(folder: Path) -> None:
    with holder(folder) as first:
        assert first_word(first) == "held"
        finding = refusal(folder)
        assert (finding.code, finding.bloquant) == ("espace-occupe", True)
        for word in ("tabellion consolidate", f"processus {first.pid}", "01/12/2016 à 02h15"):
            assert word in finding.message
        assert "Attendez" in finding.suggestion
        assert "arrêtez le processus" not in finding.suggestion, "a run always ends: nobody is to kill it"


def test_of_many_at_once_one_passes(folder: Path) -> None:
    starts = [holder(folder) for _ in range(5)]
    running = [process.__enter__() for process in starts]
    words = [first_word(process) for process in running]
    assert sorted(words) == ["espace-occupe"] * 4 + ["held"]
    for process, word in zip(running, words, strict=True):
        if word != "held":
            assert process.wait() == 2
    for start in starts:
        start.__exit__(None, None, None)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_dead_holder_holds_nothing(folder: Path, how: signal.Signals) -> None:
    with holder(folder) as first:
        assert first_word(first) == "held"
        first.send_signal(how)
        first.wait()
    with hold(folder, "tabellion consolidate", NOW):
        assert json.loads((folder / NOTE).read_text(encoding="utf-8"))["pid"] == os.getpid()


def test_children_that_outlive_a_killed_holder_hold_nothing(folder: Path) -> None:
    script = HOLDER.replace(
        'print("held"', 'import subprocess; child = subprocess.Popen(["sleep", "60"], close_fds=False); print(child.pid'
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, folder, "0"], env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True,
    ) as first:  # fmt: skip
        child = int(first_word(first))
        try:
            first.kill()
            first.wait()
            with hold(folder, "tabellion consolidate", NOW):
                os.kill(child, 0)  # it lives
        finally:
            os.kill(child, signal.SIGKILL)


def test_who_waits_takes_over(folder: Path) -> None:
    with holder(folder) as first:
        assert first_word(first) == "held"
        with holder(folder, wait_seconds=60) as second:
            assert first.stdin is not None
            first.stdin.close()
            assert first.wait() == 0
            assert first_word(second) == "held"


def test_a_command_beside_a_watcher_waits_for_its_run_and_any_other_is_refused(empty: Workspace) -> None:
    with holder(empty.memory) as run:
        assert first_word(run) == "held"
        with pytest.raises(TabellionError), alone_on(empty, "tabellion adopt", NOW):
            pytest.fail("two at once")
        assert run.stdin is not None
        with hold(empty.memory, "tabellion watch", NOW, name=WATCHER):
            threading.Timer(1, run.stdin.close).start()
            with alone_on(empty, "tabellion adopt", NOW):
                assert run.wait() == 0, "only after the run of the watcher"


def test_waiting_ends(folder: Path) -> None:
    with holder(folder) as first:
        assert first_word(first) == "held"
        begun = time.monotonic()
        with pytest.raises(TabellionError), hold(folder, "tabellion watch", NOW, wait_seconds=1):
            pytest.fail("two at once")
        assert 1 <= time.monotonic() - begun < 10


def test_a_run_leaves_only_the_lock_itself(folder: Path) -> None:
    with hold(folder, "tabellion consolidate", NOW):
        pass
    with pytest.raises(RuntimeError, match="ours"), hold(folder, "tabellion consolidate", NOW):
        raise RuntimeError("ours")
    assert set(contents(folder)) <= {LOCK}


@pytest.mark.parametrize(
    "note",
    [b"", b"{", b"[]", b"\xff\xfe", b'{"pid": "x"}', b"[" * 100_000, b'{"pid": 1, "depuis": 3}', b"9" * 9_000, None],
    ids=["empty", "cut", "list", "bytes", "pid", "deep", "half", "number", "missing"],
)
def test_a_note_that_cannot_be_read_still_gives_a_message(folder: Path, note: bytes | None) -> None:
    with hold(folder, "tabellion consolidate", NOW):
        (folder / NOTE).unlink()
        if note is not None:
            (folder / NOTE).write_bytes(note)
        finding = refusal(folder)
        assert finding.code == "espace-occupe"
        assert finding.message.startswith("Un autre passage de tabellion travaille dans ce dossier.")


def test_a_note_with_a_date_that_cannot_be(folder: Path) -> None:
    with hold(folder, "tabellion consolidate", NOW):
        note = json.loads((folder / NOTE).read_text(encoding="utf-8")) | {"depuis": "hier"}
        (folder / NOTE).write_text(json.dumps(note), encoding="utf-8")
        assert "une date inconnue" in refusal(folder).message


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "workbooks").write_text("a file where a folder should be", encoding="utf-8")
    assert refusal(tmp_path / "workbooks" / ".tabellion").code == "place-prise"


def test_a_lock_that_is_a_folder(folder: Path) -> None:
    (folder / LOCK).mkdir(parents=True)
    assert refusal(folder).code == "place-prise"


@needs_mount
def test_a_disk_that_can_only_be_read(folder: Path) -> None:
    with faults.small_disk(folder, size="64k"):
        subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
        finding = refusal(folder)
        assert finding.code == "verrou-impossible"
        assert "lecture seule" in finding.message


@needs_mount
def test_a_full_disk_where_the_lock_already_is(folder: Path) -> None:
    with faults.small_disk(folder, size="16k"):
        (folder / LOCK).touch()
        (folder / "full").write_bytes(b"")
        with pytest.raises(OSError, match="space"):
            (folder / "full").write_bytes(bytes(1 << 20))
        with hold(folder, "tabellion consolidate", NOW):
            assert refusal(folder).code == "espace-occupe"


# A share that has no locks


@needs_strace
def test_without_locks_of_the_system_there_is_still_one_at_a_time(folder: Path) -> None:
    with holder(folder, *NO_LOCKS) as first:
        assert first_word(first) == "held"
        with holder(folder, *NO_LOCKS) as second:
            assert first_word(second) == "espace-occupe"


@needs_strace
def test_without_locks_of_the_system_a_dead_holder_holds_nothing(folder: Path) -> None:
    with holder(folder, *NO_LOCKS) as first:
        assert first_word(first) == "held"
        os.kill(json.loads((folder / NOTE).read_text(encoding="utf-8"))["pid"], signal.SIGKILL)
        first.wait()
    assert (folder / LOCK).exists()
    with holder(folder, *NO_LOCKS) as second:
        assert first_word(second) == "held"
