"""Requests made in Excel: the watcher does each once, through the same functions as the commands, and says so there."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from support.campaign import fill, retouch, table_cell
from support.opened_books import Book, Row
from support.program import tabellion
from support.watching import Watching
from tabellion.campaign.model import RequestEntry, RequestStatus
from tabellion.campaign.requests import ADOPT, EXPORT, RequestLog, load_requests
from tabellion.commands import requests as requests_module
from tabellion.commands.consolidate import consolidate
from tabellion.commands.requests import carry_out
from tabellion.contract.workspace import find_workspace
from tabellion.layout.names import CONFIRMATION, DO_IT, REQUEST, REQUEST_CODE, REQUESTS, REQUESTS_TABLE

NOW = datetime(2026, 1, 5, 9)


@pytest.fixture(scope="module")
def consolidated(sent: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small contract whose forms of 2016 were sent, with a return that changes one cell; it is consolidated."""
    root = Path(shutil.copytree(sent, tmp_path_factory.mktemp("demandes") / "contrat"))
    books = root / "workbooks"
    answers = {"Budget": {"C": {"montant_prevu": 9}}}
    fill(books / "envois" / "2016" / "luce-2016.xlsx", books / "retours" / "luce.xlsx", answers,
         saved=datetime(2016, 11, 20, 9))  # fmt: skip
    assert tabellion("consolidate", cwd=root).code == 0
    return root


@pytest.fixture
def root(consolidated: Path, tmp_path: Path) -> Path:
    """A copy of that contract."""
    return Path(shutil.copytree(consolidated, tmp_path / "contrat"))


def workbook(root: Path) -> Path:
    return root / "workbooks" / "consolidation" / "consolidation.xlsx"


def asked(root: Path) -> Mapping[str, Row]:
    """The requests of the sheet by code."""
    return {row[REQUEST_CODE]: row for row in Book(workbook(root)).rows(REQUESTS_TABLE)}


def ask(root: Path, *codes: str, confirm: str | None = None, typed: str = DO_IT) -> None:
    """Ask in the sheet, and save it now."""
    path, cells = workbook(root), dict[str, Any]()
    for code in codes:
        cells[table_cell(path, REQUESTS_TABLE, REQUEST, **{REQUEST_CODE: code})[1]] = typed
        if confirm is not None:
            cells[table_cell(path, REQUESTS_TABLE, CONFIRMATION, **{REQUEST_CODE: code})[1]] = confirm
    saved = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    retouch(path, path, {REQUESTS: cells}, saved=saved, author="Anne")


def result(root: Path, code: str) -> str:
    return str(asked(root)[code]["Résultat"] or "")


def test_the_sheet_offers_what_may_be_asked_of_this_state(root: Path) -> None:
    rows = asked(root)
    assert list(rows) == ["formulaires:2016", "formulaires:2017", "relances", ADOPT, "publier", EXPORT]
    assert rows[ADOPT]["À confirmer"] == "oui, adopter 1 cellule"
    assert all(row[REQUEST] is None and row["Résultat"] is None for row in rows.values())


def test_a_watcher_does_what_is_asked_once_and_says_where_it_went(root: Path) -> None:
    with Watching(root) as watching:
        watching.ready()
        ask(root, EXPORT, "relances")
        watching.wait(lambda: "export/" in result(root, EXPORT), "the export's result in the sheet")
        assert "relances/2016/" in result(root, "relances")
        assert (root / "workbooks" / "export").is_dir()
        row = asked(root)[EXPORT]
        assert row[REQUEST] is None
        assert row["Fait le"] is not None
        assert list(workbook(root).parent.glob("consolidation 20*.xlsx")) == []
    log = load_requests(root / "workbooks" / ".tabellion")
    assert [(entry.code, entry.status) for entry in log.entries] == [
        ("relances", RequestStatus.DONE), (EXPORT, RequestStatus.DONE),
    ]  # fmt: skip


def test_adopting_asks_for_a_confirmation_that_names_what_changes(root: Path) -> None:
    registre = root / "workbooks" / "registre" / "lignes_budgetaires.csv"
    before = registre.read_bytes()
    with Watching(root) as watching:
        watching.ready()
        ask(root, ADOPT)
        watching.wait(lambda: "oui, adopter 1 cellule" in result(root, ADOPT), "that a confirmation is missing")
        assert registre.read_bytes() == before
        ask(root, ADOPT, confirm="oui, adopter 1 cellule")
        watching.wait(lambda: "archives/" in result(root, ADOPT), "what was adopted")
        assert registre.read_bytes() != before
        assert asked(root)[ADOPT]["À confirmer"] is None, "nothing more to adopt"


def test_what_had_nothing_to_confirm_when_it_was_asked_names_the_phrase_to_choose(root: Path) -> None:
    result = carry_out(find_workspace(root), RequestEntry(ADOPT, "1"), NOW).result
    assert (
        result
        == "pas fait : choisissez la phrase proposée, « oui, adopter 1 cellule », dans la colonne « Confirmation »"
    )


def test_without_a_watcher_nothing_is_done_and_the_sheet_says_so(root: Path) -> None:
    ask(root, EXPORT)
    assert tabellion("consolidate", cwd=root).code == 0
    assert "aucune surveillance ne tourne" in result(root, EXPORT)
    assert not (root / "workbooks" / "export").exists()
    with Watching(root) as watching:
        watching.ready()
    assert not (root / "workbooks" / "export").exists(), "asked when nobody listened: it is to be asked again"


def test_what_is_not_in_the_list_is_said(root: Path) -> None:
    ask(root, EXPORT, typed="demain")
    run = consolidate(find_workspace(root), datetime.now(), serves=True)
    assert run.requests == ()
    assert "« demain » n'est pas dans la liste" in result(root, EXPORT)


def test_a_request_that_a_stop_cut_short_is_not_done_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace, done = find_workspace(root), list[str]()
    ask(root, EXPORT)
    (entry,) = consolidate(workspace, datetime.now(), serves=True).requests

    def stopped(*_: Any) -> str:
        done.append("once")
        raise KeyboardInterrupt

    monkeypatch.setattr(requests_module, "_do", stopped)
    with pytest.raises(KeyboardInterrupt):
        carry_out(workspace, entry, NOW)
    assert consolidate(workspace, datetime.now(), serves=True).requests == ()
    assert "interrompu" in result(root, EXPORT)
    assert done == ["once"]


def test_what_was_begun_when_the_machine_stopped_is_not_done_again() -> None:
    begun = RequestEntry(EXPORT, "1", status=RequestStatus.BEGUN)
    log = RequestLog((begun,)).interrupted(NOW)
    assert log.pending == ()
    assert log.last(EXPORT) == RequestEntry(
        EXPORT, "1", "", "", RequestStatus.REFUSED, NOW,
        "interrompu avant la fin : vérifiez ce qui a été fait, puis redemandez",
    )  # fmt: skip


def test_the_same_saving_asks_once_and_a_later_edition_again() -> None:
    entry = RequestEntry(EXPORT, "1")
    log = RequestLog().with_typed([entry], NOW, is_served=True).with_typed([entry], NOW, is_served=True)
    assert log.entries == (entry,)
    again = RequestEntry(EXPORT, "2")
    assert log.with_typed([entry, again], NOW, is_served=True).entries == (entry, again)


def test_the_log_is_read_back(tmp_path: Path) -> None:
    log = RequestLog((RequestEntry(ADOPT, "1", "oui", "É", RequestStatus.DONE, NOW, "fait"), RequestEntry(EXPORT, "2")))
    (tmp_path / "demandes.json").write_bytes(log.content())
    assert load_requests(tmp_path) == log
    (tmp_path / "demandes.json").write_bytes(b"[")
    assert load_requests(tmp_path) == RequestLog()


def test_a_contract_that_does_not_want_requests_has_no_such_sheet(sent_copy: Path) -> None:
    """It is a setting of the contract: here of its register, where it has no workbook."""
    path = sent_copy / "workbooks" / "registre" / "reglages.csv"
    text = path.read_text(encoding="utf-8")
    (line,) = [line for line in text.splitlines() if line.endswith(",demandes")]
    path.write_text(text.replace(line, line.replace(",oui,", ",non,")), encoding="utf-8")
    (sent_copy / "workbooks" / "contrat.xlsx").unlink()
    assert tabellion("consolidate", cwd=sent_copy).code == 0
    assert REQUESTS not in Book(workbook(sent_copy)).package.sheets
