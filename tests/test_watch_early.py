"""An answer that is made while the save settles: put in place only once that is over, and for nothing where it is not.

The loop, the watcher and the files are real; the run alone is scripted where what it meets is what a test is about.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest

from support.campaign import fill
from support.program import contents
from support.watching import wait
from tabellion.campaign.journal import read_journal
from tabellion.commands import watch as watching
from tabellion.commands.consolidate import ConsolidationRun, consolidate
from tabellion.contract.folders import JOURNAL
from tabellion.contract.workspace import Workspace, find_workspace
from tabellion.findings import TabellionError
from tabellion.watching.debounce import Batch
from tabellion.watching.early import EarlyBatch, UnsettledError
from tabellion.watching.observer import Watcher
from test_watch_loop import OCCUPIED, RUN, Recorder, follow, stop

QUIET_SECONDS = 0.4
NOW = datetime(2016, 12, 1, 2)

Settle = Callable[[], None] | None


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "Watcher", partial(Watcher, quiet_seconds=QUIET_SECONDS))


@pytest.fixture
def opened(workspace: Path) -> Workspace:
    found_workspace = find_workspace(workspace)
    found_workspace.retours.mkdir()
    return found_workspace


def watched(
    opened: Workspace, monkeypatch: pytest.MonkeyPatch, act: Callable[[Settle], None], first: Callable[[], object]
) -> tuple[Recorder, list[bool]]:
    """Watch, do ``first`` once that has begun, and stop at the second answer; ``act`` is what runs do with how they are
    asked to settle. Gives what was shown, and of each run whether it was early.
    """
    display, early = Recorder(), list[bool]()

    def run(*_: object, settle: Settle = None, **__: object) -> ConsolidationRun:
        early.append(settle is not None)
        act(settle)
        return RUN

    def then(kind: str) -> None:
        if kind == "answered" and display.kinds.count(kind) == 1:
            first()
        elif kind == "answered":
            stop()

    monkeypatch.setattr(watching, "consolidate", run)
    display.then = then
    follow(opened, display)
    return display, early


def arrive(path: Path) -> None:
    """A file comes whole, from a folder that is not watched: in one event."""
    whole = path.parents[3] / path.name
    whole.write_text("oui")
    whole.replace(path)


def settled(settle: Settle) -> None:
    if settle is not None:
        settle()


def test_a_return_is_answered_early_and_shown_when_it_is_over(
    opened: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = opened.retours / "ville.csv"
    display, early = watched(opened, monkeypatch, settled, partial(arrive, path))
    assert early == [False, True]
    batch = Batch(changed=frozenset({path}))
    assert display.told[-2:] == [("working", batch), ("answered", batch)]


def test_a_run_that_does_not_ask_is_not_over_before_the_change_is(
    opened: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = opened.retours / "ville.csv"
    display, early = watched(opened, monkeypatch, lambda _: None, partial(arrive, path))
    assert early == [False, True]
    assert display.told[-2:] == [("working", batch := Batch(changed=frozenset({path}))), ("answered", batch)]


def test_what_changes_meanwhile_is_answered_together_once(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = opened.retours / "a.csv", opened.retours / "b.csv"

    def act(settle: Settle) -> None:
        if settle is not None:
            second.write_text("deux")
            settle()

    display, early = watched(opened, monkeypatch, act, partial(arrive, first))
    assert early == [False, True, False]
    assert display.kinds == ["started", "working", "answered", "working", "answered"]
    assert display.told[-1] == ("answered", Batch(changed=frozenset({first, second})))


def test_what_the_run_before_wrote_does_not_hold_up_the_next(
    opened: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The consolidated workbook is watched for its decisions: it settles too, and nothing was decided in it."""
    path, own = opened.retours / "ville.csv", opened.consolidation / "consolidation.xlsx"
    monkeypatch.setattr(watching, "has_news", lambda _: False)
    own.parent.mkdir(parents=True)

    def first() -> None:
        own.write_bytes(b"nothing is decided")
        arrive(path)

    display, early = watched(opened, monkeypatch, settled, first)
    assert early == [False, True]
    assert display.told[-2:] == [("working", batch := Batch(changed=frozenset({path}))), ("answered", batch)]


@pytest.mark.parametrize("error", [OCCUPIED, ValueError("un fichier à moitié écrit")])
def test_an_early_run_that_fails_says_nothing(
    opened: Workspace, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def act(settle: Settle) -> None:
        if settle is not None:
            raise error

    path = opened.retours / "ville.csv"
    display, early = watched(opened, monkeypatch, act, partial(arrive, path))
    assert early == [False, True, False]
    assert display.kinds == ["started", "working", "answered", "working", "answered"]


def test_what_fails_once_the_change_is_over_is_said(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "_RETRY_SECONDS", 0.2)

    def act(settle: Settle) -> None:
        if settle is not None:
            settle()
            raise OCCUPIED

    path = opened.retours / "ville.csv"
    display, _ = watched(opened, monkeypatch, act, partial(arrive, path))
    assert display.kinds == ["started", "working", "answered", "working", "refused", "working", "answered"]


@pytest.mark.parametrize("name", ["tabellion.toml", "templates/rapport.html", "workbooks/registre/conventions.csv"])
def test_what_is_not_only_read_is_waited_for(opened: Workspace, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    path = opened.root / name
    change = partial(path.write_text, path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    display, early = watched(opened, monkeypatch, settled, change)
    assert early == [False, False]
    assert display.told[-1] == ("answered", Batch(changed=frozenset({path})))


def test_a_batch_taken_just_before_something_else_changes_is_not_lost(opened: Workspace) -> None:
    """The change is over, and another begins at that instant: the run is for nothing, what it answered is not."""
    path, told = opened.retours / "ville.csv", list[Batch]()
    with Watcher(opened, lambda: None, quiet_seconds=QUIET_SECONDS) as watcher:
        path.write_text("oui")
        take, over = watcher.take_batch, list[EarlyBatch]()

        def take_and_move() -> Batch:
            batch = take()
            watcher.debounce.moves += bool(batch)
            return batch

        def is_taken() -> bool:
            early = EarlyBatch.of(watcher, lambda batch: batch, told.append)
            if early is not None:  # the events of the save itself may come late
                with pytest.raises(UnsettledError):
                    early.wait()
                over.extend([early] * early.is_over)
            return bool(over)

        watcher.take_batch = take_and_move  # type: ignore[method-assign]
        wait(is_taken, "the end of the change")
    assert (over[0].batch, told) == (Batch(changed=frozenset({path})), [])


def test_a_run_that_is_given_up_leaves_everything_as_it_was(sent_copy: Path) -> None:
    """Also where somebody typed in an output, and in the register: no dated copy of them is made yet."""

    def run(settle: Settle = None) -> ConsolidationRun:
        return consolidate(find_workspace(sent_copy), NOW, settle=settle)

    def give_up() -> None:
        raise UnsettledError

    def without_memory() -> dict[str, bytes]:
        return {name: content for name, content in contents(sent_copy).items() if "/.tabellion/journal" not in name}

    workspace = find_workspace(sent_copy)
    workspace.retours.mkdir()
    form = workspace.envois / "2016" / "luce-2016.xlsx"
    run()
    fill(form, workspace.retours / "luce.xlsx", {"Budget": {"C": {"montant_prevu": 12}}}, saved=datetime(2016, 11, 2))
    report = workspace.consolidation / "rapport.html"
    report.write_text(report.read_text(encoding="utf-8") + "<!-- à moi -->", encoding="utf-8")
    before, runs = without_memory(), len(read_journal(workspace.memory / JOURNAL).runs())
    with pytest.raises(TabellionError):
        run(give_up)
    assert without_memory() == before
    assert len(read_journal(workspace.memory / JOURNAL).runs()) == runs
    done = run(lambda: None)
    assert done.written
    assert len(read_journal(workspace.memory / JOURNAL).runs()) == runs + 1
    assert "à moi" not in report.read_text(encoding="utf-8")
    assert [path for path in workspace.consolidation.glob("rapport*.html") if path != report], "what was typed is kept"
