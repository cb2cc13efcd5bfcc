"""A watch that lasts for months: files that block, files that arrive, links, limits that are reached later, folders
inside folders. No test waits for a machine: where time counts, it is a clock of its own."""

from __future__ import annotations

import errno
import itertools
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from support.attacks import workbook
from support.consolidations import rich, small
from support.program import environment
from tabellion.campaign.folder import list_returns, look_at
from tabellion.campaign.leftovers import LeftoverKind, leftover_findings
from tabellion.campaign.model import Consolidation, ReceivedFile, Verdict
from tabellion.commands.consolidate import ConsolidationRun
from tabellion.commands.run_log import RunLog
from tabellion.commands.watch import LONGEST_SECONDS, WatchLoop
from tabellion.commands.watch_display import DisplayLine, WatchDisplay
from tabellion.contract.workspace import Workspace, find_workspace
from tabellion.mail.notices import due_notices
from tabellion.transaction.bounded import NotRegularError, Patience
from tabellion.transaction.manifest import digest
from tabellion.watching.debounce import Batch
from tabellion.watching.folder_observer import FolderObserver, refusal_words
from tabellion.watching.observer import Watcher
from tabellion.watching.snapshot import UNREADABLE, fingerprint, is_complete, take_snapshot

linux = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")


@pytest.fixture
def opened(workspace: Path) -> Workspace:
    found_workspace = find_workspace(workspace)
    found_workspace.retours.mkdir()
    return found_workspace


# What blocks


@pytest.fixture(params=["pipe", "pipe with a writer", "link to a pipe", "device"])
def endless(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """Something whose reading never ends, under the name of a workbook."""
    path, pipe = tmp_path / "retour.xlsx", tmp_path / "tube"
    if request.param == "device":
        path.symlink_to("/dev/zero")
        yield path
        return
    os.mkfifo(pipe if request.param == "link to a pipe" else path)
    if request.param == "link to a pipe":
        path.symlink_to(pipe)
    writer = os.open(path, os.O_RDWR) if request.param == "pipe with a writer" else None
    yield path
    if writer is not None:
        os.close(writer)


def test_what_is_no_regular_file_never_blocks(endless: Path) -> None:
    with pytest.raises(NotRegularError):
        look_at(endless)
    assert fingerprint(endless) == UNREADABLE
    assert is_complete(endless)  # nothing more comes: its reading says what it is
    assert digest(endless) is None


def test_what_does_not_answer_is_left_and_not_asked_again_until_it_does() -> None:
    patience, release = Patience(seconds=0.05), threading.Event()
    path, asked = Path("nuage.xlsx"), list[int]()

    def hang() -> int:
        asked.append(1)
        release.wait(60)
        return 7

    for _ in range(3):
        with pytest.raises(TimeoutError):
            patience.wait(path, hang)
    assert asked == [1]
    assert patience.wait(Path("autre.xlsx"), lambda: 8) == 8
    release.set()
    patience = Patience(seconds=60)
    assert patience.wait(path, hang) == 7


def test_a_disk_that_does_not_answer_is_not_asked_file_by_file() -> None:
    patience, release = Patience(seconds=0.05), threading.Event()
    asked = list[Path]()

    def hang(path: Path) -> Callable[[], object]:
        return lambda: (asked.append(path), release.wait(60))

    paths = [Path(f"{number}.xlsx") for number in range(50)]
    for path in paths:
        with pytest.raises(TimeoutError):
            patience.wait(path, hang(path))
    assert asked == paths[:3]
    release.set()


def test_an_error_is_that_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        look_at(tmp_path / "absent.xlsx")
    with pytest.raises(ZeroDivisionError):
        Patience().wait(tmp_path, lambda: 1 // 0)


# What is still arriving


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def unreadable(*names: str) -> Consolidation:
    """A state in which these files could not be read, and nobody knows whose they are."""
    strays = tuple(ReceivedFile(f"retours/{name}", "", Verdict.UNREADABLE) for name in names)
    return replace(small(), strays=strays)


ARRIVING = {"empty": b"", "half": workbook()[:-30], "reserved": bytes(5000), "two bytes": b"PK"}


@pytest.mark.parametrize("kind", ARRIVING)
def test_a_file_that_still_arrives_is_told_of_when_it_stays_so(opened: Workspace, kind: str) -> None:
    clock = Clock()
    loop = WatchLoop(opened, cast("Any", None), clock=clock)
    path, other = opened.retours / "ville.xlsx", opened.retours / "lettre.pdf"
    path.write_bytes(ARRIVING[kind])
    other.write_bytes(b"%PDF-1.7")
    state = unreadable("ville.xlsx", "lettre.pdf")
    assert loop.still_arriving(state) == {path}
    clock.now += LONGEST_SECONDS - 1
    assert loop.still_arriving(state) == {path}
    path.write_bytes(workbook()[:200])  # more came: it is given its time again
    clock.now += LONGEST_SECONDS - 1
    assert loop.still_arriving(state) == {path}
    clock.now += LONGEST_SECONDS
    assert loop.still_arriving(state) == frozenset()
    assert loop.still_arriving(unreadable("lettre.pdf")) == frozenset()
    assert loop.arriving == {}


@pytest.mark.parametrize("batch", ["start", "another return"])
def test_another_reason_to_run_does_not_tell_of_what_still_arrives(
    opened: Workspace, batch: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, told = Clock(), list[frozenset[Path]]()
    display = SimpleNamespace(working=lambda *_: None, answered=lambda *_: None, arriving=frozenset())
    loop = WatchLoop(opened, cast("Any", display), clock=clock)
    path, other = opened.retours / "ville.xlsx", opened.retours / "etat.xlsx"
    path.write_bytes(workbook()[:-30])
    run = ConsolidationRun(unreadable("ville.xlsx"), written=True, notices=())
    monkeypatch.setattr("tabellion.commands.watch.consolidate", lambda *_, **__: run)
    monkeypatch.setattr(loop.notifier, "tell", lambda *given: told.append(frozenset(given[2])))
    watcher = cast("Any", SimpleNamespace(is_present=lambda: True))
    changed = Batch() if batch == "start" else Batch(changed=frozenset({path, other}), unfinished=frozenset({path}))
    loop.answer(watcher, changed)
    assert told == [frozenset({path})]
    assert display.arriving == {"retours/ville.xlsx"}
    assert loop.retry_at == clock.now + LONGEST_SECONDS
    clock.now += LONGEST_SECONDS
    loop.answer(watcher, Batch())
    assert told[-1] == frozenset()
    assert display.arriving == frozenset()


def test_the_notices_of_a_file_that_still_arrives_wait(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from tabellion.contract.workspace import MailSettings
    from tabellion.mail import notices

    state = rich()
    mail = cast("MailSettings", SimpleNamespace(equipe=("a@b.fr",), partenaires=False))
    due = due_notices(state, mail)
    assert len(due) > 1
    held = SimpleNamespace(settings=SimpleNamespace(courriel=mail))
    monkeypatch.setattr(notices, "due_notices", lambda *_: due)
    state = replace(state, contract=cast("Any", held))
    left = notices.mailing_of(opened, state, {opened.workbooks / due[0].file.fichier})
    assert left is not None
    assert {notice.file.fichier for notice in left.notices} == {notice.file.fichier for notice in due} - {
        due[0].file.fichier
    }


def test_of_a_file_that_still_arrives_only_that_is_shown(tmp_path: Path) -> None:
    shown = list[DisplayLine]()
    with RunLog(tmp_path / "veille.log", "watch", tmp_path) as log:
        display = WatchDisplay(log, shown.append)
        run = ConsolidationRun(unreadable("ville.xlsx", "lettre.pdf"), written=False, notices=())
        display.arriving = frozenset({"retours/ville.xlsx"})
        display.answered(Batch(), run, 0.1)
        assert [line.subject for line in shown[:2]] == ["retours/ville.xlsx", "retours/lettre.pdf"]
        assert "illisible" not in shown[0].text
        assert "illisible" in shown[1].text
        display.arriving = frozenset()
        shown.clear()
        display.answered(Batch(), run, 0.1)
        assert [line.subject for line in shown if "retours/" in line.subject] == ["retours/ville.xlsx"]
        assert "illisible" in shown[0].text


# Links


@linux
@pytest.mark.parametrize("name", ["retours", "registre"])
def test_behind_a_link_the_system_tells_at_once(workspace: Path, tmp_path: Path, name: str) -> None:
    found_workspace = find_workspace(workspace)
    real, link = tmp_path / "disque" / name, found_workspace.workbooks / name
    real.parent.mkdir()
    if link.exists():
        link.rename(real)
    else:
        real.mkdir()
    link.symlink_to(real)
    told, heard = list[str](), threading.Event()
    with Watcher(found_workspace, lambda: None, check_seconds=600.0) as watcher:
        watcher.look_soon = heard.set  # type: ignore[method-assign] # an event is all that is waited for
        (link / "lot").mkdir()
        (real / "ville.csv").write_bytes(b"x")
        assert heard.wait(30)
        while str(link / "ville.csv") not in told:
            told += list(watcher._events)
    assert not any(str(real) in path for path in told)


# Limits, depth


@linux
@pytest.mark.parametrize("count", [1, 30])
def test_the_limit_that_later_folders_reach_is_said(opened: Workspace, count: int) -> None:
    """The limit of the system really reached, in a user namespace whose own it is."""
    code = f"""
import sys, time
from pathlib import Path
from tabellion.watching.observer import Watcher
from tabellion.contract.workspace import find_workspace
workspace = find_workspace(Path(sys.argv[1]))
with Watcher(workspace, lambda: None) as watcher:
    Path("/proc/sys/user/max_inotify_watches").write_text("1")
    for number in range({count}):
        (workspace.retours / f"lot {{number}}").mkdir()
    notices, end = [], time.monotonic() + 30
    while not notices and time.monotonic() < end:
        time.sleep(0.02)
        notices = watcher.take_notices()
    print([each.code for each in notices], watcher.is_polling)
"""
    unshare = ["unshare", "--user", "--map-root-user", sys.executable, "-c", code, str(opened.root)]
    done = subprocess.run(unshare, env=environment(), capture_output=True, text=True, timeout=60, check=False)
    if "unshare" in done.stderr:
        pytest.skip(f"no user namespace here: {done.stderr.strip()}")
    assert done.stdout == "['surveillance-limitee'] True\n", done.stderr


def test_a_limit_is_asked_for_only_when_folders_come(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[int]()
    monkeypatch.setattr(FolderObserver, "_check_limit", lambda _: asked.append(1))
    (opened.retours / "lot").mkdir()
    observer = FolderObserver(opened, Watcher(opened, lambda: None))
    try:
        observer.refresh(take_snapshot(opened).folders)
        observer.refresh(take_snapshot(opened).folders)
        assert len(asked) == 1
        (opened.retours / "lot" / "a").mkdir()
        observer.refresh(take_snapshot(opened).folders)
        (opened.retours / "lot" / "a").rmdir()
        observer.refresh(take_snapshot(opened).folders)
        assert len(asked) == 2
    finally:
        observer.stop()


def test_folders_too_deep_for_the_system_cost_themselves(opened: Workspace) -> None:
    (opened.retours / "ville.xlsx").write_bytes(workbook())
    here, name = Path.cwd(), "d" * 200
    try:
        os.chdir(opened.retours)
        for _ in range(30):
            os.mkdir(name)  # noqa: PTH102
            os.chdir(name)
        listing = list_returns(opened.retours, opened.workbooks)
    finally:
        for _ in range(30):
            os.chdir("..")
            os.rmdir(name)  # noqa: PTH106
        os.chdir(here)
    assert [file.fichier for file in listing.files] == ["retours/ville.xlsx"]
    assert [leftover.kind for leftover in listing.leftovers] == [LeftoverKind.TOO_DEEP]
    (finding,) = leftover_findings(listing.leftovers, "retours")
    assert (finding.code, finding.bloquant) == ("restes-ignores", False)
    assert len(finding.message) < 400


@pytest.fixture
def nested(opened: Workspace) -> Iterator[Path]:
    """1,500 folders one inside the other, taken away again one by one: what removes folders goes down in calls."""
    here = Path.cwd()
    try:
        os.chdir(opened.retours)
        for _ in range(1500):
            os.mkdir("d")  # noqa: PTH102
            os.chdir("d")
        os.chdir(here)
        yield opened.retours
        os.chdir(opened.retours)
        for _ in range(1500):
            os.chdir("d")
        for _ in range(1500):
            os.chdir("..")
            os.rmdir("d")  # noqa: PTH106
    finally:
        os.chdir(here)


@pytest.mark.usefixtures("nested")
def test_folders_without_end_are_said_for_what_they_are(opened: Workspace) -> None:
    assert len(take_snapshot(opened).folders) > 1500
    with Watcher(opened, lambda: None) as watcher:
        notices = watcher.take_notices()
    assert [finding.code for finding in notices] in ([], ["surveillance-limitee"])
    assert all("trop de niveaux" in notice.message for notice in notices)
    assert "limite de dossiers" in refusal_words(OSError(errno.ENOSPC, ""))


def test_what_dies_again_is_started_again_later_and_later(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    watcher = Watcher(opened, lambda: None)
    monkeypatch.setattr("tabellion.watching.observer.time.monotonic", clock)
    monkeypatch.setattr(watcher, "_start_looking", lambda: None)
    watcher._thread = cast("threading.Thread", SimpleNamespace(is_alive=lambda: False))
    restarts = list[float]()
    for _ in range(4 * 3600):
        watcher.tend()
        restarts += [clock.now] * len(watcher.take_notices())
        clock.now += 1.0
    pauses = [after - before for before, after in itertools.pairwise(restarts)]
    assert len(restarts) < 30
    assert pauses == sorted(pauses)
    assert pauses[-1] == 900.0


def test_mistakes_of_the_loop_come_later_and_later(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, pauses = Clock(), list[float]()
    loop = WatchLoop(opened, cast("Any", None), clock=clock)

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        clock.now += seconds

    monkeypatch.setattr("tabellion.commands.watch.time.sleep", sleep)
    for _ in range(14):
        loop.rest()
    assert pauses[:4] == [1.0, 2.0, 4.0, 8.0]
    assert pauses[-1] == 900.0
    clock.now += 100_000.0
    loop.rest()
    assert pauses[-1] == 1.0
