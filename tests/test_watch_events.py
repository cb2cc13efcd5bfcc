"""Every way in which a file arrives, on a real disk, from real processes, told by the system and by polling alike."""

from __future__ import annotations

import errno
import io
import os
import shutil
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from watchdog.observers.api import BaseObserver, EventEmitter

from support.libreoffice import LibreOffice
from support.program import environment
from tabellion.contract.workspace import Workspace, find_workspace
from tabellion.findings import Finding
from tabellion.watching.debounce import Batch
from tabellion.watching.folder_observer import FolderObserver
from tabellion.watching.observer import Watcher
from tabellion.watching.snapshot import Snapshot, fingerprint, take_snapshot

DEADLINE_SECONDS = 60.0
QUIET, POLL = 0.4, 0.1


def book(text: str) -> bytes:
    """A small file that is a zip, as workbooks are: the same bytes for the same text, whatever the time is."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(zipfile.ZipInfo("xl/workbook.xml"), text * 200)
    return stream.getvalue()


@pytest.fixture
def opened(workspace: Path) -> Workspace:
    found_workspace = find_workspace(workspace)
    for folder in (found_workspace.retours, found_workspace.constats, found_workspace.consolidation):
        folder.mkdir()
    (found_workspace.retours / "ville.xlsx").write_bytes(book("ville"))
    found_workspace.contrat.write_bytes(book("contrat"))
    (found_workspace.root / "ailleurs").mkdir()
    return found_workspace


@dataclass
class Loop:
    """The loop of the program without its runs: what there is to say, and the batches."""

    workspace: Workspace
    polling: bool
    wake: threading.Event = field(default_factory=threading.Event)
    notices: list[Finding] = field(default_factory=list)

    def start(self, **options: float) -> Watcher:
        paces = {"quiet_seconds": QUIET, "poll_seconds": POLL, "check_seconds": 0.8} | options
        self.watcher = Watcher(self.workspace, self.wake.set, polling=self.polling, **paces)  # type: ignore[arg-type]
        self.watcher.start()
        return self.watcher

    def turn(self, seconds: float) -> Batch:
        """Wait until something happens, or for a while."""
        self.wake.wait(seconds)
        self.wake.clear()
        self.watcher.tend()
        self.notices += self.watcher.take_notices()
        return self.watcher.take_batch()

    @property
    def codes(self) -> list[str]:
        return [notice.code for notice in self.notices]

    def batch(self) -> Batch:
        """The next batch, before the deadline."""
        end = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < end:
            if batch := self.turn(0.1):
                return batch
        raise AssertionError("nothing settled in time")

    def until(self, condition: Callable[[], object]) -> None:
        """Let the loop turn until something is so."""
        end = time.monotonic() + DEADLINE_SECONDS
        while not condition():
            assert time.monotonic() < end, "it never came to be so"
            assert not self.turn(0.05)

    def quiet(self, seconds: float = 2.5 * QUIET) -> list[Batch]:
        """Whatever batches come in a while."""
        end = time.monotonic() + seconds
        return [batch for _ in iter(lambda: time.monotonic() < end, False) if (batch := self.turn(0.05))]

    def one(self) -> Batch:
        """The next batch, after which nothing comes."""
        batch = self.batch()
        assert self.quiet() == []
        return batch


@pytest.fixture(params=[False, True], ids=["native", "polling"])
def loop(request: pytest.FixtureRequest, opened: Workspace) -> Iterator[Loop]:
    loop = Loop(opened, polling=request.param)
    with running(loop):
        yield loop


@pytest.fixture
def loops(opened: Workspace, tmp_path: Path) -> Iterator[list[Loop]]:
    """The same in two workspaces: one is told by the system, one polls."""
    other = find_workspace(Path(shutil.copytree(opened.root, tmp_path / "autre" / opened.root.name)))
    pair = [Loop(opened, polling=False), Loop(other, polling=True)]
    with running(pair[0]), running(pair[1]):
        yield pair


@contextmanager
def running(loop: Loop, **options: float) -> Iterator[None]:
    loop.start(**options)
    try:
        yield
    finally:
        loop.watcher.stop()


def both(test: Callable[[Loop], None]) -> Callable[[list[Loop]], None]:
    """A test that happens in both workspaces at once: most of it is waiting."""

    def test_both(loops: list[Loop]) -> None:
        with ThreadPoolExecutor() as pool:
            outcomes = [pool.submit(test, loop) for loop in loops]
        for outcome in outcomes:
            outcome.result()

    test_both.__doc__ = test.__doc__
    return test_both


def process(code: str, *arguments: Path | str) -> None:
    """Run Python code in a process of its own."""
    done = subprocess.run([sys.executable, "-c", code, *arguments], env=environment(), timeout=60, check=False)
    assert done.returncode == 0


@both
def test_excel_save(loop: Loop) -> None:
    retours = loop.workspace.retours
    new = loop.workspace.root / "ailleurs" / "new.xlsx"
    new.write_bytes(book("saved"))
    process(
        "import os, shutil, sys, time; folder, new = sys.argv[1:]\n"
        "os.chdir(folder)\n"
        "open('~$ville.xlsx', 'wb').write(b'x' * 165)\n"
        "shutil.copyfile(new, '8F3B2A10')\n"
        "os.rename('ville.xlsx', '5C1D2E3F.tmp'); time.sleep(0.15); os.rename('8F3B2A10', 'ville.xlsx')\n"
        "os.remove('5C1D2E3F.tmp'); os.remove('~$ville.xlsx')",
        str(retours),
        str(new),
    )
    assert loop.one() == Batch(changed=frozenset({retours / "ville.xlsx"}))


@pytest.mark.libreoffice
def test_libreoffice_save(loop: Loop, office: LibreOffice) -> None:
    path = loop.workspace.retours / "neuf.xlsx"
    office.open(loop.workspace.registre / "axes.csv")
    office.save(path)
    assert loop.one() == Batch(changed=frozenset({path}))
    office.open(path)
    office.set("axes", 0, 0, "Un autre titre")
    office.save(path)
    assert loop.one().changed == {path}


@both
def test_slow_copy(loop: Loop) -> None:
    source, path = loop.workspace.root / "ailleurs" / "gros.xlsx", loop.workspace.retours / "gros.xlsx"
    source.write_bytes(book(os.urandom(2_000).hex()))
    process(
        "import sys, time; content = open(sys.argv[1], 'rb').read(); file = open(sys.argv[2], 'wb', 0)\n"
        "for at in range(0, len(content), len(content) // 6):\n"
        "    file.write(content[at:at + len(content) // 6]); time.sleep(0.15)",
        str(source),
        str(path),
    )
    assert loop.one() == Batch(changed=frozenset({path}))


@both
def test_a_copy_that_stalls_is_waited_for(loop: Loop) -> None:
    path, content = loop.workspace.retours / "gros.xlsx", book("gros")
    with path.open("wb", 0) as file:
        file.write(content[:-30])
        assert loop.quiet(3 * QUIET) == []
        file.write(content[-30:])
    assert loop.one() == Batch(changed=frozenset({path}))


@both
def test_sync_client_chunks(loop: Loop) -> None:
    path, content = loop.workspace.retours / "nuage.xlsx", book("nuage")
    part = path.with_name(".nuage.xlsx.part")
    for at in range(0, len(content), 100):
        with part.open("ab") as file:
            file.write(content[at : at + 100])
        time.sleep(0.01)
    part.rename(path)
    assert loop.one() == Batch(changed=frozenset({path}))


@both
def test_three_hundred_files_unzipped(loop: Loop) -> None:
    archive = loop.workspace.root / "ailleurs" / "lot.zip"
    with zipfile.ZipFile(archive, "w") as stream:
        for at in range(300):
            stream.writestr(f"lot{at % 7}/retour {at}.xlsx", book(str(at)))
    process(
        "import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extractall(sys.argv[2])", archive, loop.workspace.retours
    )
    batch = loop.one()
    assert batch == Batch(changed=frozenset(loop.workspace.retours.glob("lot?/*.xlsx")))
    assert len(batch.changed) == 300


@both
def test_rename_and_set_aside(loop: Loop) -> None:
    old, new = loop.workspace.retours / "ville.xlsx", loop.workspace.retours / "chartres.xlsx"
    process("import os, sys; os.rename(sys.argv[1], sys.argv[2])", old, new)
    assert loop.one() == Batch(changed=frozenset({new}), removed=frozenset({old}))
    aside = loop.workspace.retours / "écartés" / "chartres.xlsx"
    process("import os, sys; os.renames(sys.argv[1], sys.argv[2])", new, aside)
    assert loop.one() == Batch(changed=frozenset({aside}), removed=frozenset({new}))


@both
def test_deletion(loop: Loop) -> None:
    path = loop.workspace.retours / "ville.xlsx"
    process("import os, sys; os.remove(sys.argv[1])", path)
    assert loop.one() == Batch(removed=frozenset({path}))


@both
def test_a_folder_moved_in_and_out(loop: Loop) -> None:
    outside, inside = loop.workspace.root / "ailleurs" / "lot", loop.workspace.retours / "lot"
    outside.mkdir()
    for at in range(3):
        (outside / f"{at}.xlsx").write_bytes(book(str(at)))
    outside.rename(inside)
    files = frozenset(inside.iterdir())
    assert loop.one() == Batch(changed=files)
    inside.rename(outside)
    assert loop.one() == Batch(removed=files)


@both
def test_what_never_counts(loop: Loop) -> None:
    workbooks = loop.workspace.workbooks
    for name in ("~$a.xlsx", ".~lock.a.xlsx#", "a.tmp", "a.xlsx.part", ".a.xlsx", "lu1234.tmp", ".dossier/a.xlsx"):
        path = loop.workspace.retours / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(book(name))
    for folder in ("constats", "consolidation", "consolidation/acceptes/2016", ".tabellion", "relances"):
        (workbooks / folder).mkdir(parents=True, exist_ok=True)
        (workbooks / folder / "a.xlsx").write_bytes(book(folder))
    loop.workspace.contrat.touch()
    (loop.workspace.retours / "ville.xlsx").write_bytes(book("ville"))
    assert loop.quiet() == []


@both
def test_settings_and_register(loop: Loop) -> None:
    paths = [
        loop.workspace.root / "tabellion.toml",
        loop.workspace.root / "schemas" / "axes.schema.json",
        loop.workspace.templates / "rapport.html",
        loop.workspace.registre / "axes.csv",
        loop.workspace.contrat,
    ]
    for path in paths:
        temporary = path.with_name(".nouveau.tmp")
        temporary.write_bytes(book(path.name))
        temporary.replace(path)
    assert loop.one().changed == set(paths)


@pytest.mark.parametrize("polling", [False, True])
def test_a_folder_that_does_not_exist_yet_is_watched_once_made(opened: Workspace, polling: bool) -> None:
    shutil.rmtree(opened.retours)
    loop = Loop(opened, polling=polling)
    with running(loop):
        opened.retours.mkdir()
        (opened.retours / "a.xlsx").write_bytes(book("a"))
        assert loop.one().changed == {opened.retours / "a.xlsx"}
        (opened.retours / "b.xlsx").write_bytes(book("b"))
        assert loop.one().changed == {opened.retours / "b.xlsx"}


@both
def test_a_folder_removed_and_made_again_is_watched_again(loop: Loop) -> None:
    path = loop.workspace.retours / "ville.xlsx"
    shutil.rmtree(loop.workspace.retours)
    loop.until(lambda: loop.codes == ["dossier-disparu"])
    assert loop.watcher.is_away
    loop.workspace.retours.mkdir()
    assert loop.batch() == Batch(removed=frozenset({path}))
    path.write_bytes(book("again"))
    assert loop.one().changed == {path}
    (loop.workspace.retours / "b.xlsx").write_bytes(book("b"))
    assert loop.one().changed == {loop.workspace.retours / "b.xlsx"}
    assert loop.codes == ["dossier-disparu", "dossier-revenu"]


@both
def test_a_share_that_goes_and_comes_back(loop: Loop) -> None:
    """Away, nothing is told; back, what changed meanwhile."""
    root, away = loop.workspace.root, loop.workspace.root.with_name("loin")
    root.rename(away)
    loop.until(lambda: loop.notices)
    assert loop.quiet() == []
    (away / "workbooks" / "retours" / "neuf.xlsx").write_bytes(book("neuf"))
    away.rename(root)
    assert loop.one() == Batch(changed=frozenset({loop.workspace.retours / "neuf.xlsx"}))
    assert loop.codes == ["dossier-disparu", "dossier-revenu"]
    (loop.workspace.retours / "ville.xlsx").write_bytes(book("b"))
    assert loop.one().changed == {loop.workspace.retours / "ville.xlsx"}


def refused(code: int) -> Callable[..., int]:
    def refuse(*_: object) -> int:
        raise OSError(code, os.strerror(code))

    return refuse


@pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")
@pytest.mark.parametrize("limit", ["max_inotify_instances", "max_inotify_watches"])
def test_the_limits_of_inotify_are_said_and_polling_takes_over(opened: Workspace, limit: str) -> None:
    """The limits of the system really reached, in a user namespace whose own they are: no other process feels it."""
    code = f"""
import sys, time
from pathlib import Path
Path("/proc/sys/user/{limit}").write_text("0")
from tabellion.watching.observer import Watcher
from tabellion.contract.workspace import find_workspace
workspace = find_workspace(Path(sys.argv[1]))
batch = None
with Watcher(workspace, lambda: None, poll_seconds=0.1) as watcher:
    (workspace.retours / "a.xlsx").write_bytes(b"x")
    end = time.monotonic() + 15
    while not batch and time.monotonic() < end:
        time.sleep(0.05)
        batch = watcher.take_batch()
print([each.code for each in watcher.take_notices()], {{path.name for path in batch.changed}}, watcher.is_polling)
"""
    unshare = ["unshare", "--user", "--map-root-user", sys.executable, "-c", code, str(opened.root)]
    done = subprocess.run(unshare, env=environment(), capture_output=True, text=True, timeout=60, check=False)
    if "unshare" in done.stderr:
        pytest.skip(f"no user namespace here: {done.stderr.strip()}")
    assert done.stdout == "['surveillance-limitee'] {'a.xlsx'} True\n", done.stderr


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EMFILE])
def test_a_refusal_of_the_system_turns_to_polling(
    opened: Workspace, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    monkeypatch.setattr(FolderObserver, "refresh", refused(code))
    loop = Loop(opened, polling=False)
    with running(loop):
        loop.until(lambda: loop.codes == ["surveillance-limitee"])
        assert "limite" in loop.notices[0].message
        (opened.retours / "a.xlsx").write_bytes(book("a"))
        assert loop.one().changed == {opened.retours / "a.xlsx"}


def test_a_system_that_tells_nothing_is_found_out(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some file systems (FUSE, shared folders of virtual machines) accept to be watched and stay silent."""
    monkeypatch.setattr(FolderObserver, "refresh", lambda *_: False)
    loop = Loop(opened, polling=False)
    with running(loop, check_seconds=0.3):
        changes = 0
        while not loop.watcher.is_polling:
            changes += 1
            assert changes < 10
            path = opened.retours / f"{changes}.xlsx"
            path.write_bytes(book(str(changes)))
            assert loop.batch().changed == {path}
            loop.quiet(2.5)
        assert changes == 2
        assert loop.codes == ["surveillance-sourde"]


def test_a_native_watch_is_not_called_deaf(opened: Workspace) -> None:
    """Whatever happens in the folders, the sweeps that check on the system find that it told."""
    loop = Loop(opened, polling=False)
    with running(loop, check_seconds=0.1):
        for at in range(20):
            folder = opened.retours / f"lot{at % 3}"
            folder.mkdir(exist_ok=True)
            (folder / f"{at}.xlsx").write_bytes(book(str(at)))
            loop.quiet(0.07)
        (opened.retours / "lot1").rename(opened.root / "ailleurs" / "lot1")
        shutil.rmtree(opened.retours / "lot2")
        loop.quiet(2.0)
        assert (loop.notices, loop.watcher.is_polling) == ([], False)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("kind", ["looks", "system", "dispatcher", "reader"])
def test_a_thread_that_dies_is_started_again(loop: Loop, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception that nobody foresaw, in the thread of the looks and in each of watchdog's."""
    if loop.polling and kind != "looks":
        pytest.skip("polling has no thread of the system")
    if kind == "reader" and not sys.platform.startswith("linux"):
        pytest.skip("a thread of Linux")

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("nobody foresaw this")

    with monkeypatch.context() as patch:
        if kind == "looks":
            patch.setattr(loop.watcher.debounce, "look", fail)
            loop.watcher.look_soon()
        elif kind == "system":
            patch.setattr(EventEmitter, "queue_event", fail)
        elif kind == "reader":
            patch.setattr("watchdog.observers.inotify_c.InotifyFD.handle_event", fail)
        else:
            patch.setattr(BaseObserver, "dispatch_events", fail)
        (loop.workspace.retours / "ville.xlsx").write_bytes(book("one"))
        while not loop.notices:
            loop.turn(0.05)
    assert set(loop.codes) == {"surveillance-relancee"}
    (loop.workspace.retours / "neuf.xlsx").write_bytes(book("neuf"))
    seen: set[Path] = set()
    while loop.workspace.retours / "neuf.xlsx" not in seen:
        seen |= loop.batch().changed


def test_stopping_is_quick_and_leaves_no_thread(opened: Workspace) -> None:
    """Of the two seconds in which the program ends, its threads take no more than one; the machine may take its own."""
    before, took = set(threading.enumerate()), list[float]()
    while not took or (took[-1] > 1.5 and len(took) < 5):
        loop = Loop(opened, polling=False)
        loop.start()
        start = time.monotonic()
        loop.watcher.stop()
        took.append(time.monotonic() - start)
    assert min(took) < 1.5
    end = time.monotonic() + DEADLINE_SECONDS
    while set(threading.enumerate()) - before and time.monotonic() < end:
        time.sleep(0.05)
    assert set(threading.enumerate()) - before == set()


def test_stopping_does_not_wait_for_a_share_that_hangs(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    loop, hangs, answer = Loop(opened, polling=True), threading.Event(), threading.Event()

    def hang(workspace: Workspace) -> Snapshot:
        hangs.set()
        answer.wait(DEADLINE_SECONDS)
        return take_snapshot(workspace)

    loop.start()
    monkeypatch.setattr(loop.watcher.debounce, "_take_snapshot", hang)
    assert hangs.wait(DEADLINE_SECONDS)
    start = time.monotonic()
    loop.watcher.stop()
    assert time.monotonic() - start < DEADLINE_SECONDS / 2
    answer.set()


@both
def test_an_hour_of_work_ends_in_what_is_there(loop: Loop) -> None:
    """Saves, renames and deletions as fast as they go: the last looks are those of the disk."""
    retours = loop.workspace.retours
    answered = {path: fingerprint(path) for path in retours.iterdir()}

    def answer(batch: Batch) -> None:
        for path in batch.removed:
            answered.pop(path)
        answered.update((path, fingerprint(path)) for path in batch.changed)

    for at in range(150):
        (retours / f"{at % 11}.xlsx").write_bytes(book(str(at)))
        if at % 5 == 0:
            (retours / f"{at % 11}.xlsx").rename(retours / f"r{at % 3}.xlsx")
        if at % 7 == 0:
            (retours / f"{at % 11}.xlsx").unlink(missing_ok=True)
        answer(loop.turn(0.0))
    while answered != {path: fingerprint(path) for path in retours.iterdir()}:
        answer(loop.batch())
    assert loop.quiet() == []
