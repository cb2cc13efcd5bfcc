"""A contract of two exercices: each one's totals, double counts and states are its own, in value and in formula.

The figures below were added up by hand.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from support.contracts import Rows, line, published, small_rows
from support.libreoffice import LibreOffice, OfficeCells
from support.masters import Package, contract_of, in_year, position, written
from support.recalculated import differences, errors
from tabellion.contract.book import Book
from tabellion.layout.names import EXERCICE, totals_name

#: The balance of each exercice, in euros. 2013 was published; of 2014 nothing was; of 2015 no amount is known yet.
BALANCES: dict[int, dict[str, float | str]] = {
    2013: {
        "Total_publie": 1_650, "Ecarts_nommes": 0, "Ecarts_depuis": 0, "Total_recalcule": 1_650,
        "Compte_deux_fois": -500, "Total_sans_double": 1_150,
    },
    2014: {
        "Total_publie": "rien de publié", "Ecarts_nommes": "", "Ecarts_depuis": "", "Total_recalcule": 1_900,
        "Compte_deux_fois": -300, "Total_sans_double": 1_600,
    },
    2015: {
        "Total_publie": "rien de publié", "Ecarts_nommes": "", "Ecarts_depuis": "", "Total_recalcule": "inconnu",
        "Compte_deux_fois": 0, "Total_sans_double": "inconnu",
    },
}  # fmt: skip


def rows_of_three_years() -> Rows:
    """« Aide » is the same 500 € in two conventions in 2013, but not in 2014; « Marchés », 300 €, only in 2014."""
    rows = small_rows()
    rows["lignes_budgetaires"] = [
        line("B01-luce-001", 1, "luce", "Aide à la qualification", 500_00),
        line("B02-luce-001", 2, "luce", "aide  À la qualification", 500_00),
        line("B01-luce-002", 1, "luce", "Marchés", 400_00),
        line("B02-luce-002", 2, "luce", "Marchés", 250_00),
        line("B01-metropole-001", 1, "metropole", "Bibliothèque", None),
    ]
    rows["totaux_publies"] = published(rows)
    rows["lignes_budgetaires"] += [
        line("B01-luce-001", 1, "luce", "Aide à la qualification", 500_00, exercice=2014),
        line("B02-luce-001", 2, "luce", "aide  À la qualification", 700_00, exercice=2014),
        line("B01-luce-002", 1, "luce", "Marchés", 300_00, exercice=2014),
        line("B02-luce-002", 2, "luce", "Marchés", 300_00, exercice=2014),
        line("B01-metropole-001", 1, "metropole", "Bibliothèque", 100_00, exercice=2014),
        line("B01-luce-001", 1, "luce", "Aide à la qualification", None, exercice=2015, montant_prevu=500_00),
    ]
    return rows


@cache
def three_years() -> Book:
    return contract_of(rows_of_three_years())


def named(package: Package, cells: OfficeCells, name: str) -> float | str:
    sheet, _, reference = package.names[name].rpartition("!")
    cell = cells[sheet.strip("'")].get(position(reference))
    return "" if cell is None else cell.value


def column(package: Package, cells: OfficeCells, table: str, label: str) -> list[float | str]:
    """A column of an Excel table, with the row under it: its total."""
    excel_table = package.tables[table]
    place = excel_table.area[1] + list(excel_table.columns).index(label)
    shown = (
        cells[excel_table.sheet].get((row, place)) for row in range(excel_table.area[0] + 1, excel_table.area[2] + 2)
    )
    return ["" if cell is None else cell.value for cell in shown]


@pytest.mark.libreoffice
@pytest.mark.parametrize("generated", BALANCES)
def test_each_exercice_has_its_own_balance(generated: int, office: LibreOffice, tmp_path: Path) -> None:
    """Whatever exercice the workbook was made for, choosing another one on the front page shows the other's."""
    plan, content = written(in_year(three_years(), generated))
    package, path = Package(content), tmp_path / "contrat.xlsx"
    path.write_bytes(content)
    office.open(path)
    office.recalculate()
    cells = office.read()
    assert differences(package, cells) == []
    sheet, _, reference = package.names[EXERCICE].rpartition("!")
    for year, balance in BALANCES.items():
        office.set(sheet.strip("'"), *position(reference), year)
        office.recalculate()
        cells = office.read()
        assert errors(cells) == []
        assert {name: named(package, cells, name) for name in balance} == pytest.approx(balance), year
    assert {step.cents for _, step in plan.doubles} == {-500_00, -300_00}


@pytest.mark.libreoffice
def test_a_sum_of_nothing_known_is_blank_and_what_is_not_published_is_said(office: LibreOffice, tmp_path: Path) -> None:
    _, content = written(three_years())
    package, path = Package(content), tmp_path / "contrat.xlsx"
    path.write_bytes(content)
    office.open(path)
    office.recalculate()
    cells = office.read()
    first, second = totals_name(1), totals_name(2)
    assert column(package, cells, first, "Montant réalisé (€)") == [900, "", 900]
    assert column(package, cells, first, "Montant prévu (€)") == ["", "", ""]
    assert column(package, cells, first, "État") == ["juste", "juste", "juste"]
    assert column(package, cells, first, "Lignes") == [
        "2 lignes", "1 ligne, dont 1 sans montant réalisé", "3 lignes, dont 1 sans montant réalisé",
    ]  # fmt: skip
    assert column(package, cells, "Synthese_credits", "Métropole") == ["", "", "", ""]
    sheet, _, reference = package.names[EXERCICE].rpartition("!")
    office.set(sheet.strip("'"), *position(reference), 2014)
    office.recalculate()
    cells = office.read()
    assert column(package, cells, first, "Montant réalisé (€)") == [800, 100, 900]
    assert column(package, cells, second, "Montant réalisé (€)") == [1000, "", 1000]
    for table in (first, second, "Synthese_credits"):
        assert set(column(package, cells, table, "État")) == {"–"}, table
        assert set(column(package, cells, table, "Écart (€)")) == {""}, table


#: Each line by its identifier: prévu, voté, réalisé of 2013, then of 2014, then of 2015; the last row is the total.
YEARS_SIDE_BY_SIDE = {
    "B01-luce-001": ["", "", 500, "", "", 500, 500, "", ""],
    "B01-luce-002": ["", "", 400, "", "", 300, "", "", ""],
    "B01-metropole-001": ["", "", "", "", "", 100, "", "", ""],
    "B02-luce-001": ["", "", 500, "", "", 700, "", "", ""],
    "B02-luce-002": ["", "", 250, "", "", 300, "", "", ""],
    "": ["", "", 1_650, "", "", 1_900, 500, "", ""],
}


@pytest.mark.libreoffice
def test_each_line_has_its_exercices_side_by_side(office: LibreOffice, tmp_path: Path) -> None:
    _, content = written(three_years())
    package, path = Package(content), tmp_path / "contrat.xlsx"
    path.write_bytes(content)
    office.open(path)
    office.recalculate()
    cells = office.read()
    labels = [f"{word} {year} (€)" for year in BALANCES for word in ("Prévu", "Voté", "Réalisé")]
    columns = [column(package, cells, "Annees_lignes", label) for label in labels]
    names = column(package, cells, "Annees_lignes", "Identifiant")
    assert dict(zip(names, map(list, zip(*columns, strict=True)), strict=True)) == YEARS_SIDE_BY_SIDE


def test_a_contract_of_one_exercice_has_no_sheet_of_years() -> None:
    plan, _ = written(contract_of(small_rows()))
    assert "Années" not in plan.sheets
