"""A process that stays on keeps what it read: whatever happens meanwhile, a run says and writes what it would without.

Each run is made twice from the same bytes: in a copy of the folder by a process that keeps nothing, and in the folder
with what the runs before it kept.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from support import players
from support.campaign import truncated
from support.excel import Excel, edited
from support.players import Game
from support.program import contents
from tabellion.campaign import read_returns
from tabellion.commands import run_cache
from tabellion.commands.consolidate import ConsolidationRun, consolidate
from tabellion.commands.run_cache import RunCache
from tabellion.contract.folders import ANSWERED, JOURNAL, Folders
from tabellion.contract.workspace import Workspace, find_workspace
from tabellion.reading.limits import refusal
from test_unchanged import HAPPENINGS, put, replace_in

NIGHT = datetime(2016, 12, 1, 2)
LINES = "Lignes_03"


class Twins:
    """Runs made with a cache, each beside one without: it fails where they differ."""

    def __init__(self, elsewhere: Path) -> None:
        self.elsewhere, self.cache = elsewhere, RunCache()

    def run(self, workspace: Workspace, now: datetime) -> ConsolidationRun:
        twin = Path(shutil.copytree(workspace.root, self.elsewhere / workspace.root.name))
        cold = outcome(lambda: consolidate(find_workspace(twin), now))
        warm = outcome(lambda: consolidate(workspace, now, cache=self.cache))
        assert result_of(warm) == result_of(cold)
        assert written(workspace.root) == written(twin)
        shutil.rmtree(twin)
        if isinstance(warm, Exception):
            raise warm
        return warm


def outcome(run: Callable[[], ConsolidationRun]) -> ConsolidationRun | Exception:
    try:
        return run()
    except Exception as error:
        return error


def result_of(run: ConsolidationRun | Exception) -> object:
    if isinstance(run, Exception):
        return type(run), getattr(run, "findings", str(run))
    return run.findings, run.written, run.requests, run.consolidation.questions, run.consolidation.modifications


def written(root: Path) -> tuple[dict[str, bytes], set[tuple[str, str]]]:
    """All files, and what the journal remembers of returns: its own bytes are as SQLite left them."""
    path = Folders(root).memory / JOURNAL
    files = {name: content for name, content in contents(root).items() if path.name not in name}
    with closing(sqlite3.connect(path)) as journal:
        return files, set(journal.execute("SELECT print, sha256 FROM readings"))


def staff_type(root: Path, amount: int | None, line: str = "C") -> None:
    """Staff plan another amount for 2016, or take the row out (no amount)."""

    def change(book: Excel) -> None:
        row = book.find(LINES, Identifiant=line, Exercice=2016)
        if amount is None:
            book.remove(LINES, [row])
        else:
            book.type(LINES, row, **{"Montant prévu (€)": amount})

    edited(root / "workbooks" / "contrat.xlsx", change, saved=NIGHT - timedelta(days=2), author="Anne")


def cut(root: Path) -> None:
    form = root / "workbooks" / "envois" / "2016" / "luce-2016.xlsx"
    truncated(form, root / "workbooks" / "retours" / "coupé.xlsx")


#: What may happen between two runs, beside what a night has to see.
MORE: dict[str, Callable[[Path], None]] = {
    "a return": lambda root: put(root, 999),
    "nothing": lambda _: None,
    "staff type": lambda root: staff_type(root, 41),
    "staff type something else": lambda root: staff_type(root, 42),
    "staff take out a row that a return speaks of": lambda root: staff_type(root, None),
    "a file that is cut short": cut,
    "it is whole": lambda root: put(root, 1003, "coupé.xlsx", day=4),
    "the layout": replace_in("templates/formulaires.toml", "\n", "\n\n"),
    "the rows that returns spoke of are lost": lambda root: (Folders(root).memory / ANSWERED).unlink(),
    "the workbook is away": lambda root: (root / "workbooks" / "contrat.xlsx").rename(root / "contrat.xlsx"),
    "it is back": lambda root: (root / "contrat.xlsx").rename(root / "workbooks" / "contrat.xlsx"),
}


def test_whatever_happens_a_run_with_a_cache_is_one_without(sent_copy: Path, tmp_path: Path) -> None:
    twins, now = Twins(tmp_path / "seul"), NIGHT
    twins.run(find_workspace(sent_copy), now)
    for happens in (*MORE.values(), *HAPPENINGS.values(), MORE["nothing"]):
        happens(sent_copy)
        now += timedelta(minutes=1)
        twins.run(find_workspace(sent_copy), now)
    twins.run(find_workspace(sent_copy), now + timedelta(days=30))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_in_any_order_too(sent: Path, tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Staff, a partner and commands, as players of a game: edits, decisions, older workbooks, adoptions."""
    twins = Twins(tmp_path / "seul")
    monkeypatch.setattr(players, "consolidate", twins.run)
    root = Path(shutil.copytree(sent, tmp_path / "contrat"))
    Game(root, 100 + seed).play(8)


def test_what_did_not_change_is_not_read_again(sent_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the contract, nor a return that the journal remembers; and both where what they depend on changed."""
    loaded, made, cache = list[Workspace](), list[str](), RunCache()
    load, from_json = run_cache.load_source, read_returns.from_json

    def counted_load(workspace: Workspace, *more: object) -> object:
        loaded.append(workspace)
        return load(workspace, *more)  # type: ignore[arg-type]

    def counted_json(content: dict[str, object]) -> object:
        made.append(str(content["sha256"]))
        return from_json(content)

    monkeypatch.setattr(run_cache, "load_source", counted_load)
    monkeypatch.setattr(read_returns, "from_json", counted_json)

    def run() -> tuple[int, int]:
        before = len(loaded), len(made)
        consolidate(find_workspace(sent_copy), NIGHT, cache=cache)
        return len(loaded) - before[0], len(made) - before[1]

    put(sent_copy, 1000)
    run()
    run()  # the register was written by the first
    assert run() == (0, 0)
    put(sent_copy, 1001, "luce (1).xlsx", day=2)
    assert run() == (0, 0)
    staff_type(sent_copy, 41)
    assert run() == (1, 0)
    cache.returns.returns.clear()
    assert run()[1] > 0, "the journal remembers them"


def test_a_contract_that_was_read_late_is_read_again(sent_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache, load = RunCache(), run_cache.load_source

    def late(*args: object) -> object:
        source = load(*args)  # type: ignore[arg-type]
        (item,) = refusal("lecture-delai", attendu=30, ampleur="").findings
        return replace(source, findings=(*source.findings, item))

    workspace = find_workspace(sent_copy)
    consolidate(workspace, NIGHT)
    monkeypatch.setattr(run_cache, "load_source", late)
    assert "lecture-delai" in {finding.code for finding in consolidate(workspace, NIGHT, cache=cache).findings}
    monkeypatch.setattr(run_cache, "load_source", load)
    assert "lecture-delai" not in {finding.code for finding in consolidate(workspace, NIGHT, cache=cache).findings}
