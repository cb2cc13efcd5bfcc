"""What findings say of formulas can be done in an Excel of any language: no English function is ever named."""

from __future__ import annotations

import re
from pathlib import Path

import openpyxl
import pytest

from support.contracts import ROOT
from support.masters import master
from tabellion.commands.validate import validate
from tabellion.contract.workspace import find_workspace
from tabellion.findings import CATALOGUE, Finding

#: A word in capitals before a parenthesis, a structured reference, a formula's sign before a letter.
FORMULA = re.compile(r"\b[A-Z][A-Z0-9.]{1,}\(|\[#|\[\[|(?<![\w«])=\s*[A-Z(]")
B01 = "B01 Education, parentalité"


def texts(finding: Finding) -> list[str]:
    return [str(text) for text in (finding.message, finding.suggestion, finding.valeur, finding.attendu)]


def test_the_pattern_knows_a_formula() -> None:
    shown = ("Remettez : =SUM(A1:A3)", "SUBTOTAL(109;x)", "IFERROR (", "Lignes_01[[#This Row],[Libellé]]", "=A1+B1")
    assert [bool(FORMULA.search(text)) for text in shown] == [True, True, False, True, True]
    assert not FORMULA.search("Rapprochement (E12), QPV (quartier), « =1200 » tapé")


def test_no_text_of_the_catalogue_names_an_english_function() -> None:
    wrong = [code for code, entry in CATALOGUE.items() if FORMULA.search(f"{entry.message}\n{entry.remede}")]
    assert wrong == []


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> list[Finding]:
    """What is said of a master whose formulas were typed over, changed, cut short, erased and broken, by the dozen."""
    path = tmp_path_factory.mktemp("master") / "contrat.xlsx"
    path.write_bytes(master("Chartres")[1])
    book = openpyxl.load_workbook(path)
    spoil = (
        12,
        None,
        "=1+1",
        "=SUM(A1:A3)",
        "=1/0",
        "#REF!",
        "=SUMIFS($F$13:$F$20,$A$13:$A$20,$A6,$C$13:$C$20,Exercice)",
    )
    turn = 0
    for sheet in book.worksheets:
        if sheet.title.startswith("_"):
            continue
        for row in sheet.iter_rows():
            for cell in row:
                if isinstance(cell.value, str) and cell.value.startswith("="):
                    cell.value = spoil[turn % len(spoil)]
                    turn += 1
    book.save(path)
    return validate(find_workspace(ROOT), [path])


def test_no_finding_shows_a_formula(findings: list[Finding]) -> None:
    codes = {finding.code for finding in findings}
    assert codes >= {"formule-remplacee", "formule-effacee", "formule-modifiee"}
    wrong = [(finding.code, text) for finding in findings for text in texts(finding) if FORMULA.search(text)]
    assert wrong == []


def test_formulas_block_nothing(findings: list[Finding]) -> None:
    assert [finding.code for finding in findings if finding.bloquant] == []


def test_a_column_pasted_as_values_is_one_finding_with_its_cells(tmp_path: Path) -> None:
    path = tmp_path / "contrat.xlsx"
    path.write_bytes(master("Chartres")[1])
    values = openpyxl.load_workbook(path, data_only=True)
    book = openpyxl.load_workbook(path)
    sheet = book["Rapprochement"]
    table = sheet.tables["Totaux_publies"]
    first, last = (int(re.sub(r"\D", "", part)) for part in table.ref.split(":"))
    heads = {cell.value: cell.column for cell in sheet[first]}
    pasted = []
    for row in range(first + 1, last + 1):
        cell = sheet.cell(row, heads["État"])
        cell.value = values["Rapprochement"].cell(row, heads["État"]).value
        pasted += [cell.coordinate] if cell.value is not None else []
    book.save(path)
    (finding,) = [finding for finding in validate(find_workspace(ROOT), [path]) if finding.code == "formule-remplacee"]
    assert [finding.place.cellule, *(place.cellule for place in finding.liees)] == pasted
    assert len(pasted) > 30
    assert not finding.bloquant


def test_one_formula_typed_over_is_to_be_copied_from_its_neighbour(tmp_path: Path) -> None:
    path = tmp_path / "contrat.xlsx"
    path.write_bytes(master("Chartres")[1])
    book = openpyxl.load_workbook(path)
    book[B01]["F6"] = 5
    book[B01]["F7"].value, kept = 6, book[B01]["F7"].value
    book.save(path)
    assert isinstance(kept, str)
    (finding,) = [finding for finding in validate(find_workspace(ROOT), [path]) if finding.code == "formule-remplacee"]
    assert finding.place.cellule == "F6"
    assert [place.cellule for place in finding.liees] == ["F7"]
    assert "recopiez la cellule F8 dans toutes ces cellules" in finding.suggestion
