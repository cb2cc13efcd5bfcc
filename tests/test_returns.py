"""A return filled as a careful person would says nothing; mutilated in a declared way, it gives the decided outcome."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from openpyxl.workbook import Workbook

from support.contracts import ROOT
from support.forms import written_form
from support.mutations import FIRST, MUTATIONS, fill
from tabellion.commands.console import print_findings
from tabellion.commands.source import load_contract
from tabellion.commands.validate import validate
from tabellion.contract.workspace import find_workspace
from tabellion.findings import Finding
from tabellion.reading import parse_bytes
from tabellion.reading.form import ParsedForm, read_form
from tabellion.reading.references import references

#: openpyxl saves no computed value: said once a sheet, and no matter of the partner's.
NOT_THE_PARTNER = {"formules-non-calculees"}


@pytest.fixture(scope="module")
def form(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The form of a town with budget lines, fiches and a financement, as sent."""
    path = tmp_path_factory.mktemp("envois") / "mainvilliers-2016.xlsx"
    path.write_bytes(written_form("Chartres", "mainvilliers"))
    return path


def saved(book: Workbook, folder: Path) -> Path:
    path = folder / "retour.xlsx"
    book.save(path)
    return path


def findings_of(path: Path) -> list[Finding]:
    return [finding for finding in validate(find_workspace(ROOT), [path]) if finding.code not in NOT_THE_PARTNER]


def read(path: Path) -> ParsedForm:
    workspace = find_workspace(ROOT)
    contract = load_contract(workspace)
    raw = parse_bytes(path.read_bytes(), path.name)
    return read_form(raw, workspace.schemas, references(contract.tables, workspace.schemas), "chartres-2015-2020")


def test_a_form_filled_well_says_nothing_and_every_value_is_exact(form: Path, tmp_path: Path) -> None:
    book = openpyxl.load_workbook(form)
    fill(book)
    path = saved(book, tmp_path)
    assert findings_of(path) == []
    lines = read(path).tables["lignes_budgetaires"].columns
    assert lines["montant_prevu"] == [(1000 + row) * 100 for row in range(FIRST, FIRST + 30)]
    assert lines["montant_vote"] == [(900 + row) * 100 + 50 for row in range(FIRST, FIRST + 30)]
    assert set(lines["montant_realise"]) == {None}
    assert set(lines["collectivite_id"]) == {"mainvilliers"}
    assert set(lines["exercice"]) == {2016}


@pytest.mark.parametrize(
    ("mutate", "outcome"), [mutation[1:] for mutation in MUTATIONS], ids=[mutation[0] for mutation in MUTATIONS]
)
def test_a_mutilated_return_gives_the_decided_outcome(
    mutate: Callable[[Workbook], None], outcome: set[tuple[str, str | None]], form: Path, tmp_path: Path
) -> None:
    book = openpyxl.load_workbook(form)
    fill(book)
    mutate(book)
    findings = findings_of(saved(book, tmp_path))
    assert {(finding.code, finding.place.cellule) for finding in findings} == outcome


def test_both_remedies_of_a_repeated_identifier_keep_what_was_typed(form: Path, tmp_path: Path) -> None:
    book = openpyxl.load_workbook(form)
    fill(book)
    sheet = book["Budget"]
    for column in "BCJ":
        sheet[f"{column}36"] = sheet[f"{column}6"].value
    sheet["F36"] = 3000
    (repeated,) = findings_of(saved(book, tmp_path))
    assert (repeated.code, repeated.place.cellule, repeated.bloquant) == ("cle-en-double", "J36", True)
    assert "videz-le" in repeated.suggestion
    assert "les montants" in repeated.suggestion
    sheet["J36"] = None
    (like,) = findings_of(saved(book, tmp_path))
    assert (like.code, like.place.cellule, like.bloquant) == ("ligne-deja-la", "C36", False)
    planned = read(tmp_path / "retour.xlsx").tables["lignes_budgetaires"].columns["montant_prevu"]
    assert (planned[0], planned[30]) == (100600, 300000)


@pytest.mark.parametrize("count", [7, 25])
def test_a_cell_that_says_many_things_is_named_once(
    form: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], count: int
) -> None:
    """Rows that are gone are all said at the head of their table."""
    book = openpyxl.load_workbook(form)
    fill(book)
    keys = [book["Budget"][f"J{row}"].value for row in range(FIRST, FIRST + count)]
    for row in range(FIRST, FIRST + count):
        for column in "BCDEFGHIJ":
            book["Budget"][f"{column}{row}"] = None
    removals = [finding for finding in findings_of(saved(book, tmp_path)) if finding.code == "ligne-supprimee"]
    print_findings(removals)
    lines = capsys.readouterr().out.splitlines()
    if count == 7:
        assert [finding.valeur for finding in removals] == keys
        assert [line.strip() for line in lines if "A5" not in line and "et 2 de plus" in line] == ["et 2 de plus"]
    else:
        (one,) = removals
        assert (one.place.cellule, one.liees) == ("A5", ())
        named = ", ".join(f"« {key} »" for key in keys[1:6])
        assert one.message.endswith(f"De même pour 24 autres ici ({named}, …).")


def test_a_sheet_to_fill_that_took_the_name_of_the_guide_is_read(form: Path, tmp_path: Path) -> None:
    book = openpyxl.load_workbook(form)
    del book["Saisie"]
    book["Budget"]["F6"] = 4321
    book["Budget"].title = "Saisie"
    book.save(tmp_path / "retour.xlsx")
    sheet = parse_bytes((tmp_path / "retour.xlsx").read_bytes(), "retour.xlsx").sheet("Saisie")
    assert sheet is not None
    assert sheet.value(6, 6) == 4321
    assert [table.name for table in sheet.tables] == ["Formulaire_budget"]
