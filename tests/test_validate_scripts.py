"""What a script, or a client that does not compute, leaves in a master: said once, at the right place."""

from __future__ import annotations

import zipfile
from collections import Counter
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest
from openpyxl.utils import get_column_letter, range_boundaries

from support.contracts import ROOT
from tabellion.commands.generate import generate
from tabellion.commands.validate import validate
from tabellion.contract.workspace import find_workspace
from tabellion.findings import Finding

B01 = "B01 Education, parentalité"


def codes(findings: list[Finding]) -> Counter[str]:
    return Counter(finding.code for finding in findings)


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("master") / "contrat.xlsx"
    generate(find_workspace(ROOT), path, force=False, now=datetime(2026, 1, 2))
    return path


@pytest.fixture(scope="module")
def before(master: Path) -> Counter[str]:
    return codes(validate(find_workspace(ROOT), [master]))


def test_a_row_added_with_its_table_is_counted(master: Path, before: Counter[str], tmp_path: Path) -> None:
    """Excel makes the table grow when somebody types under it: a new row without identifier is no mistake."""
    book = openpyxl.load_workbook(master)
    sheet = book[B01]
    table = sheet.tables["Lignes_01"]
    _, top, last_column, last_row = range_boundaries(table.ref)
    typed = {"Collectivité": "Lucé", "Libellé": "Une action de plus", "Exercice": 2013, "Montant réalisé (€)": 1234.5}
    for column in range(1, last_column + 1):
        sheet.cell(last_row + 1, column, typed.get(sheet.cell(top, column).value))
    table.ref = f"A{top}:{get_column_letter(last_column)}{last_row + 1}"
    path = tmp_path / "contrat.xlsx"
    book.save(path)
    findings = validate(find_workspace(ROOT), [path])
    more = codes(findings) - before
    # openpyxl drops every computed value: one finding for each of the sheets that compute (all but the lists,
    # Réglages and Contrôles), and nothing else but a gap of Lucé that was 2 euros and is 1 236,50.
    computing = {name for name in book.sheetnames if any(name.startswith(start) for start in "ASRCBF")} - {
        "Contrôles",
        "Réglages",
    }
    assert set(more) == {"formules-non-calculees"}
    assert {finding.place.feuille for finding in findings if finding.code == "formules-non-calculees"} == computing
    (gap,) = [
        finding for finding in findings if finding.code == "total-collectivite" and finding.gravite.label == "erreur"
    ]
    assert (gap.valeur, gap.attendu) in {(2_012_467, 2_013_703.5), (2_013_703.5, 2_012_467)}


def test_a_total_that_was_not_recalculated_is_said(master: Path, before: Counter[str], tmp_path: Path) -> None:
    """Excel set to manual calculation saves the old total beside the new amount."""
    path = tmp_path / "contrat.xlsx"
    with zipfile.ZipFile(master) as source, zipfile.ZipFile(path, "w") as target:
        for entry in source.infolist():
            target.writestr(entry, source.read(entry).replace(b"<v>97591</v>", b"<v>97600</v>"))
    findings = validate(find_workspace(ROOT), [path])
    (stale,) = [finding for finding in findings if finding.code == "valeur-perimee"]
    assert (stale.place.feuille, stale.place.cellule) == (B01, "E6")
    assert (stale.valeur, stale.attendu) == (1_041_751, 1_041_760)
    assert codes(findings) - before == Counter({"valeur-perimee": 1, "total-collectivite": 1})
