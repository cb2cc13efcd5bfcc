"""The watcher's loop: what fails is tried again and said, what crashes is kept, what comes during a run is answered
once more, and months of events leave nothing behind.

The loop is the program's own, on a real folder with the real watcher; the run alone is scripted where its failure is
what a test is about.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from support.consolidations import finding_at, received, rich, small
from support.program import environment
from tabellion.campaign.model import Verdict
from tabellion.commands import watch as watching
from tabellion.commands import watch_display
from tabellion.commands.consolidate import ConsolidationRun
from tabellion.commands.run_log import RunLog
from tabellion.commands.stopping import Stopped, stoppable
from tabellion.commands.watch import watch
from tabellion.commands.watch_display import DisplayLine, WatchDisplay
from tabellion.contract.workspace import Workspace, find_workspace
from tabellion.findings import Finding, Place, Severity, TabellionError, finding
from tabellion.mail.delivery import Notifier
from tabellion.transaction.manifest import BESIDES, Beside, write_besides
from tabellion.watching.debounce import Batch, Debounce
from tabellion.watching.observer import Watcher

RUN = ConsolidationRun(small(), written=False, notices=())
QUIET_SECONDS = 0.1


@dataclass
class Recorder:
    """A display that remembers; ``then`` is called at each thing that it is told."""

    told: list[tuple[str, Any]] = field(default_factory=list)
    moments: list[float] = field(default_factory=list)
    then: Callable[[str], None] = lambda _: None

    def _hear(self, kind: str, value: Any = None) -> None:
        self.told.append((kind, value))
        self.moments.append(time.monotonic())
        self.then(kind)

    def started(self, workspace: Workspace, *, polling: bool) -> None:
        self._hear("started", (workspace, polling))

    def working(self, batch: Batch) -> None:
        self._hear("working", batch)

    def answered(self, batch: Batch, run: ConsolidationRun, seconds: float) -> None:  # noqa: ARG002 - the display's names
        self._hear("answered", batch)

    def noticed(self, findings: Sequence[Finding]) -> None:
        self._hear("noticed", [finding.code for finding in findings])

    def refused(self, findings: Sequence[Finding]) -> None:
        self._hear("refused", [finding.code for finding in findings])

    def crashed(self, error: Exception, report: Path | None) -> None:  # noqa: ARG002
        self._hear("crashed", report)

    @property
    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.told]


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds where the program has minutes."""
    monkeypatch.setattr(watching, "Watcher", partial(Watcher, quiet_seconds=QUIET_SECONDS))
    monkeypatch.setattr(watching, "_ROUND_SECONDS", 0.2)
    monkeypatch.setattr(watching, "_RETRY_SECONDS", 0.2)
    monkeypatch.setattr(watching, "_LONGEST_RETRY_SECONDS", 0.5)


@pytest.fixture
def opened(workspace: Path) -> Workspace:
    found_workspace = find_workspace(workspace)
    found_workspace.retours.mkdir()
    return found_workspace


def scripted(monkeypatch: pytest.MonkeyPatch, *acts: Callable[[], object]) -> None:
    """Have the runs do these in turn; the last one from then on."""
    left = list(acts)

    def consolidate(*_: object, **__: object) -> ConsolidationRun:
        act = left.pop(0) if len(left) > 1 else left[0]
        act()
        return RUN

    monkeypatch.setattr(watching, "consolidate", consolidate)


def fail(error: Exception) -> Callable[[], object]:
    def act() -> None:
        raise error

    return act


def nothing() -> None:
    """A run that finds nothing new."""


OCCUPIED = TabellionError(
    [finding("espace-occupe", Place("workbooks"), detail="Un autre passage travaille", remede="-")]
)


def follow(opened: Workspace, display: Recorder, *, poll: bool = False) -> None:
    """Watch in this process until the display says that it was told enough (it sends the signal that people send)."""
    alarm = threading.Timer(60, os.kill, (os.getpid(), signal.SIGTERM))
    alarm.daemon = True
    alarm.start()
    try:
        watch(opened.root, display, poll=poll)
        assert alarm.is_alive(), "only the alarm ended it"
    finally:
        alarm.cancel()


def stop() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def test_what_cannot_be_done_is_tried_again_later_and_later(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    display, waits = Recorder(), list[float]()
    try_again = watching.WatchLoop.try_again

    def noted(loop: Any) -> None:
        waits.append(loop.retry_seconds)
        try_again(loop)

    monkeypatch.setattr(watching.WatchLoop, "try_again", noted)
    scripted(monkeypatch, *[fail(OCCUPIED)] * 4, nothing)
    display.then = lambda kind: stop() if kind == "answered" else None
    follow(opened, display)
    assert display.kinds == ["started", *["working", "refused"] * 4, "working", "answered"]
    tries = [moment for moment, kind in zip(display.moments, display.kinds, strict=True) if kind == "working"]
    pauses = [later - earlier for earlier, later in pairwise(tries)]
    assert waits == [0.2, 0.4, 0.5, 0.5]
    assert all(wait <= pause < wait + 5 for wait, pause in zip(waits, pauses, strict=True)), pauses


@pytest.mark.parametrize("error", [ZeroDivisionError("0"), MemoryError(), OSError(5, "I/O"), RecursionError("x")])
def test_a_mistake_of_the_program_is_kept_and_the_loop_goes_on(
    opened: Workspace, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    display = Recorder()
    scripted(monkeypatch, fail(error), nothing)
    display.then = lambda kind: stop() if kind == "answered" else None
    follow(opened, display)
    assert display.kinds == ["started", "working", "crashed", "working", "answered"]
    kept = display.told[2][1]
    assert kept.parent == opened.memory / "erreurs"
    assert type(error).__name__ in kept.read_text(encoding="utf-8")


def test_a_mistake_outside_the_runs_does_not_end_the_loop(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    display, times = Recorder(), iter(range(1, 100))
    scripted(monkeypatch, nothing)

    def is_place_free(*_: object, **__: object) -> bool:
        if next(times) == 1:
            raise ValueError("what nobody foresaw")
        return False

    monkeypatch.setattr(watching, "is_place_free", is_place_free)
    display.then = lambda _: stop() if display.kinds.count("answered") == 2 else None
    follow(opened, display)
    assert display.kinds == ["started", "working", "answered", "crashed", "working", "answered"]


def test_what_ends_a_thread_is_kept_like_any_other_mistake(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    display = Recorder()
    scripted(monkeypatch, nothing)

    def then(kind: str) -> None:
        if kind == "answered":
            threading.Thread(target=fail(ValueError("what nobody foresaw"))).start()
        elif kind == "crashed":
            stop()

    display.then = then
    follow(opened, display)
    assert display.kinds == ["started", "working", "answered", "crashed"]
    assert "what nobody foresaw" in display.told[-1][1].read_text(encoding="utf-8")


def test_crash_files_do_not_pile_up(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    display = Recorder()
    monkeypatch.setattr(watching, "_LONGEST_RETRY_SECONDS", 0.01)
    scripted(monkeypatch, *[fail(ValueError("again"))] * 30, nothing)
    display.then = lambda kind: stop() if kind == "answered" else None
    follow(opened, display)
    assert display.kinds.count("crashed") == 30
    assert len(list((opened.memory / "erreurs").iterdir())) == 20


def test_changes_during_a_run_make_exactly_one_more(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    display = Recorder()
    paths = {opened.retours / f"{rank}.csv" for rank in range(20)}

    def changes() -> None:
        for path in paths:
            path.write_text("pendant", encoding="utf-8")
        time.sleep(2 * QUIET_SECONDS)

    scripted(monkeypatch, changes, nothing)

    def later() -> None:
        (opened.retours / "dernier.csv").write_text("après", encoding="utf-8")

    def then(kind: str) -> None:
        if kind == "answered" and display.kinds.count("answered") == 2:
            threading.Timer(1.0, later).start()
        if display.kinds.count("answered") == 3:
            stop()

    display.then = then
    follow(opened, display)
    batches = [answer for kind, answer in display.told if kind == "answered"]
    assert [set(batch.changed) for batch in batches] == [set(), paths, {opened.retours / "dernier.csv"}]


def test_nothing_that_settles_while_a_folder_is_away_is_lost(
    opened: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another folder goes on changing meanwhile: its change is answered when all is back."""
    display, away = Recorder(), opened.retours.with_name("parti")
    (opened.retours / "ville.csv").write_text("ville", encoding="utf-8")
    opened.contrat.write_text("avant", encoding="utf-8")
    scripted(monkeypatch, nothing)

    def then(kind: str) -> None:
        if kind == "answered" and display.kinds.count("answered") == 1:
            opened.retours.rename(away)
        if kind == "noticed" and display.told[-1][1] == ["dossier-disparu"]:
            opened.contrat.write_text("changé", encoding="utf-8")
            threading.Timer(1.5, away.rename, (opened.retours,)).start()
        if kind == "answered" and opened.contrat in display.told[-1][1].changed:
            stop()

    display.then = then
    follow(opened, display)
    assert display.kinds[:3] == ["started", "working", "answered"]
    assert opened.contrat in display.told[-1][1].changed
    assert ("noticed", ["dossier-revenu"]) in display.told
    assert not any(answer.removed for kind, answer in display.told if kind == "answered")


def test_while_a_folder_is_away_the_loop_rests(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when something was to be tried again: it waits without turning."""
    display = Recorder()
    (opened.retours / "ville.csv").write_text("ville", encoding="utf-8")
    turns = 0
    wait = watching.WatchLoop.wait

    def counted(loop: Any, watcher: Watcher) -> None:
        nonlocal turns
        turns += 1
        wait(loop, watcher)

    def vanish() -> None:
        opened.retours.rename(opened.retours.with_name("parti"))
        raise OCCUPIED

    monkeypatch.setattr(watching.WatchLoop, "wait", counted)
    scripted(monkeypatch, vanish, nothing)

    def then(kind: str) -> None:
        if kind == "noticed":
            nonlocal turns
            turns = 0
            if display.kinds.count(kind) == 1:
                threading.Timer(1.5, stop).start()

    display.then = then
    follow(opened, display)
    assert display.kinds == ["started", "working", "refused", "noticed"]
    assert turns < 20


def test_a_run_that_meets_a_folder_gone_makes_nothing_in_its_place(
    opened: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    display, workbooks = Recorder(), opened.workbooks
    away = workbooks.with_name("parti")

    def then(kind: str) -> None:
        if kind == "started":
            workbooks.rename(away)  # nobody has noticed yet when the first run begins
            threading.Timer(1.0, away.rename, (workbooks,)).start()
        if kind == "answered":
            stop()

    display.then = then
    scripted(monkeypatch, nothing)
    follow(opened, display)
    assert not away.exists()
    assert "refused" not in display.kinds
    assert "crashed" not in display.kinds


# Signals


def test_a_stop_that_python_swallowed_is_seen_by_the_loop(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception raised by a handler in a destructor goes nowhere."""

    class Closing:
        def __del__(self) -> None:
            stop()
            time.sleep(0.01)

    def swallowed() -> None:
        Closing()

    unraised: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", unraised.append)
    display = Recorder()
    scripted(monkeypatch, swallowed)
    follow(opened, display)
    assert len(unraised) == 1
    assert display.kinds == ["started", "working", "answered"]


def test_the_way_out_is_not_interrupted_and_all_is_put_back() -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    way_out = []
    with stoppable() as asked:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(5)
        finally:
            stop()
            os.kill(os.getpid(), signal.SIGINT)
            way_out.append(asked.is_set())
    assert way_out == [True]
    assert {number: signal.getsignal(number) for number in before} == before


def test_what_nohup_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stoppable() as asked:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not asked.is_set()
            with pytest.raises(Stopped):  # noqa: PT012 - the signal comes at once, or a moment later
                stop()
                time.sleep(5)
    finally:
        signal.signal(signal.SIGHUP, before)


# Months


RSS = """
import os, sys, threading, time
from functools import partial
from pathlib import Path
from tabellion.commands import watch as watching
from tabellion.watching.observer import Watcher
sys.path.insert(0, sys.argv[2])
from test_watch_loop import RUN, Recorder, stop
from tabellion.contract.workspace import find_workspace

workspace = find_workspace(Path(sys.argv[1]))
runs = 0
def consolidate(*_, **__):
    global runs
    runs += 1
    return RUN
watching.consolidate = consolidate

def rss():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

events, sizes, total = 0, [], int(sys.argv[3])
class Counting(Watcher):
    def dispatch(self, event):
        global events
        events += 1
        super().dispatch(event)
watching.Watcher = partial(Counting, quiet_seconds=0.02, check_seconds=0.5)

def work():
    rank = 0
    while events < total:
        rank += 1
        path = workspace.retours / f"{rank % 50}.csv"
        path.write_text(str(rank))
        if rank % 7 == 0:
            path.rename(workspace.retours / f"n{rank}.csv")
            (workspace.retours / f"n{rank}.csv").unlink()
        if rank % 40 == 0:
            time.sleep(0.05)
        if len(sizes) == 0 and events >= total / 4:
            sizes.append(rss())
    sizes.append(rss())
    stop()

class Quiet(Recorder):
    def _hear(self, kind, what=None):
        if kind in ("refused", "crashed"):
            print(kind, what)
        if kind == "started":
            threading.Thread(target=work, daemon=True).start()
watching.watch(workspace.root, Quiet(), poll=False)
print(events, runs, *sizes)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="this system does not tell a process's memory so")
def test_memory_is_flat_over_thousands_of_events(opened: Workspace) -> None:
    (opened.retours / "0.csv").write_text("0", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", RSS, opened.root, Path(__file__).parent, "10000"],
        env=environment(PYTHONPATH=os.pathsep.join(sys.path)), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    events, runs, quarter, end = map(int, done.stdout.split())
    assert events >= 10_000
    assert runs > 20
    assert end - quarter < 6_000_000, "one step of the allocator, 4 MB, may fall between the two"


# What it says


@dataclass
class Told:
    """A display's lines."""

    lines: list[DisplayLine] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        return [f"{line.subject} : {line.text}" for line in self.lines]


@contextmanager
def recorded(tmp_path: Path) -> Iterator[tuple[WatchDisplay, Told]]:
    told = Told()
    with RunLog(None, "watch", tmp_path) as log:
        yield WatchDisplay(log, told.lines.append), told


def test_what_is_cut_says_so(tmp_path: Path) -> None:
    """A message with a long text in it, and a line of several."""
    places = [Place(None, "Budget", f"F{row}") for row in (6, 7)]
    findings = [
        finding_at("hors-bornes", place, text, Severity.ERREUR)
        for place, text in zip(places, ("x" * 500, "y"), strict=True)
    ]
    strays = (received("retours/a.xlsx", Verdict.REJECTED, findings),)
    with recorded(tmp_path) as (display, told):
        display.answered(Batch(), ConsolidationRun(replace(small(), strays=strays), True, ()), 1.0)
        (text,) = [line.text for line in told.lines if "xxx" in line.text]
        assert "x… · " in text
        assert text.endswith("y")
        display.say("tout", "z" * 2000)
        assert told.lines[-1].text.endswith("zz…")


def test_only_what_is_new_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_display, "_FILES", 5)
    consolidation = rich()
    notice = finding_at("proprietaire-perime", Place("constats/~$a.xlsx"), "Une marque oubliée.", Severity.INFORMATION)
    with recorded(tmp_path) as (display, told):
        display.answered(Batch(), ConsolidationRun(consolidation, True, (notice,)), 1.23)
        files = len([file for line in consolidation.board for file in line.received]) + len(consolidation.strays)
        assert files > 5  # the gravest by name, the rest in one line; the notice, the state
        assert len(told.lines) == 5 + 1 + 2
        assert told.texts[-2].startswith(f"{files - 5} autres fichiers : ")
        ranks = [line.severity is not Severity.ERREUR for line in told.lines[1:6]]
        assert ranks == sorted(ranks)
        assert told.texts[-1].startswith("consolidation : 2016 : ")
        assert told.texts[-1].endswith(" · à jour en 1,2 s")
        told.lines.clear()
        display.answered(Batch(), ConsolidationRun(consolidation, False, (notice,)), 0.5)
        assert told.texts == []
        display.answered(Batch(), ConsolidationRun(consolidation, True, ()), 0.5)
        display.answered(Batch(), ConsolidationRun(consolidation, True, (notice,)), 0.5)
        assert [line.subject for line in told.lines] == ["consolidation", "constats/~$a.xlsx", "consolidation"]


def test_a_file_refused_as_a_whole_says_why(tmp_path: Path) -> None:
    """Not only that there is one error: no cell says more."""
    cut = finding_at("fichier-illisible", Place("retours/coupé.xlsx"), "La fin du fichier manque.")
    files = (received("retours/coupé.xlsx", Verdict.UNREADABLE, [cut]),)
    with recorded(tmp_path) as (display, told):
        display.answered(Batch(), ConsolidationRun(replace(small(), board=(), strays=files), True, ()), 0.1)
    assert told.texts[0] == "retours/coupé.xlsx : illisible, 1 erreur — La fin du fichier manque."


def test_that_it_works_again_is_said(tmp_path: Path) -> None:
    with recorded(tmp_path) as (display, told):
        display.refused(OCCUPIED.findings)
        display.answered(Batch(), RUN, 0.1)
        display.crashed(ValueError("x"), Path("erreur.txt"))
        display.answered(Batch(), RUN, 0.1)
        assert [line.subject for line in told.lines] == [
            "workbooks", "consolidation", "erreur interne", "consolidation"
        ]  # fmt: skip


def test_a_name_cannot_forge_a_line(tmp_path: Path) -> None:
    hostile = received("retours/a\n2026 ✓ b\x1b[2J.xlsx", Verdict.FOREIGN)
    consolidation = replace(small(), strays=(hostile,))
    with recorded(tmp_path) as (display, told):
        display.answered(Batch(), ConsolidationRun(consolidation, False, ()), 0.1)
        (line,) = told.lines
        assert line.subject.isprintable()
        assert line.severity is Severity.ERREUR


def test_a_place_that_is_free_for_an_instant_is_not_taken(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """LibreOffice begins each save by taking its owner file away, and lays another one at once."""
    monkeypatch.setattr(watching, "QUIET_SECONDS", 1.0)
    opened.consolidation.mkdir(parents=True)
    opened.memory.mkdir()
    lock = opened.consolidation / ".~lock.sortie.xlsx#"
    waits = Beside("consolidation/sortie.xlsx", "consolidation/sortie (nouveau).xlsx", "0" * 64, None)
    write_besides(opened.memory / BESIDES, {waits.target: waits})
    loop = watching.WatchLoop(opened, Recorder())

    def free_at(now: float, *, locked: bool) -> bool:
        if locked:
            lock.write_text(",marie,poste,23.11.2026 09:00,file:///profil;", encoding="utf-8")
        else:
            lock.unlink(missing_ok=True)
        return loop.is_output_free(now)

    assert not free_at(0.0, locked=True)
    assert not free_at(10.0, locked=False)
    assert not free_at(10.1, locked=True)
    assert not free_at(20.0, locked=False)
    assert not free_at(20.9, locked=False)
    assert free_at(21.0, locked=False)


def test_a_place_that_the_system_alone_refuses_is_tried_later_and_later(
    opened: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Open where nothing tells it, for a whole day: no run every other second."""
    display = Recorder()
    monkeypatch.setattr(watching, "_LONGEST_PLACE_SECONDS", 1.0)
    monkeypatch.setattr(watching, "QUIET_SECONDS", 0.0)
    opened.memory.mkdir()
    waits = Beside("consolidation/sortie.xlsx", "consolidation/sortie (nouveau).xlsx", "0" * 64, None)

    def refused() -> None:
        write_besides(opened.memory / BESIDES, {waits.target: waits})

    scripted(monkeypatch, refused)
    display.then = lambda _: stop() if display.kinds.count("answered") == 5 else None
    follow(opened, display)
    runs = [moment for moment, kind in zip(display.moments, display.kinds, strict=True) if kind == "working"]
    pauses = [later - earlier for earlier, later in pairwise(runs)]
    assert pauses == pytest.approx([0.2, 0.4, 0.8, 1.0], abs=0.15)


def test_what_is_due_waits_for_what_settles(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run in the middle of Excel's save would find the workbook of the contract gone."""
    display = Recorder()
    # Gone for much less than what settles it, on a machine that does other work too.
    monkeypatch.setattr(watching, "Watcher", partial(Watcher, quiet_seconds=10 * QUIET_SECONDS))
    opened.contrat.write_bytes(b"old")

    def saves() -> None:
        for turn in range(8):  # for longer than it takes until the next try
            opened.contrat.unlink()
            time.sleep(QUIET_SECONDS / 2)
            opened.contrat.write_bytes(b"new %d" % turn)

    def refuse() -> None:
        threading.Thread(target=saves).start()
        raise OCCUPIED

    scripted(monkeypatch, refuse, nothing)
    display.then = lambda kind: stop() if kind == "answered" else None
    follow(opened, display)
    assert display.told[-1] == ("answered", Batch(changed=frozenset({opened.contrat})))
    assert display.kinds == ["started", "working", "refused", "working", "answered"]


def test_a_file_that_is_never_finished_is_told_of_all_the_same(
    opened: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it may still be copied nobody is written to; when it has been left as it is, they are."""
    display, told = Recorder(), list[str]()
    monkeypatch.setattr("tabellion.watching.observer.Debounce", partial(Debounce, longest_seconds=1.0))
    monkeypatch.setattr(watching, "LONGEST_SECONDS", 1.0)
    scripted(monkeypatch, nothing)
    monkeypatch.setattr(Notifier, "tell", lambda *_: told.append(display.told[-1][1]))

    def then(kind: str) -> None:
        if kind == "answered" and display.kinds.count(kind) == 1:
            (opened.retours / "ville.xlsx").write_bytes(b"PK\3\4, and no end")
        elif kind == "answered" and display.kinds.count(kind) == 3:  # once: a second signal would find no watch
            threading.Timer(1.5, stop).start()

    display.then = then
    follow(opened, display)
    cut = frozenset({opened.retours / "ville.xlsx"})
    batches = [batch for kind, batch in display.told if kind == "answered"]
    assert batches == [Batch(), Batch(changed=cut, unfinished=cut), Batch()]
    assert told == [Batch(), Batch()]


def test_a_new_day_is_a_change(opened: Workspace) -> None:
    """Nobody does anything, and returns are late."""
    loop = watching.WatchLoop(opened, Recorder())
    assert not loop.is_due(0.0)
    loop.day -= timedelta(days=1)
    assert loop.is_due(0.0)
    loop.plan(Batch(), date.today())
    assert not loop.is_due(0.0)
