"""Every formula of the workbook computes, in LibreOffice, the value that was written beside it."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
from pathlib import Path

import pytest

from support.contracts import SETTINGS
from support.large_contracts import YEARS
from support.libreoffice import LibreOffice, OfficeCells
from support.masters import NAMES, Package, contract, in_year, master, position, written
from support.recalculated import differences, errors
from tabellion.layout.names import EXERCICE, table_name, totals_name
from tabellion.measures import AMOUNTS, MEASURE, Accounts
from tabellion.outputs.master.summary import CREDITS

pytestmark = pytest.mark.libreoffice


def recalculated(office: LibreOffice, content: bytes, folder: Path, exercice: int | None = None) -> OfficeCells:
    """The cells after a hard recalculation, showing another exercice if one is given."""
    path = folder / "contrat.xlsx"
    path.write_bytes(content)
    office.open(path)
    if exercice is not None:
        sheet, row, column = named_cell(Package(content), EXERCICE)
        office.set(sheet, row, column, exercice)
    office.recalculate()
    return office.read()


def named_cell(package: Package, name: str) -> tuple[str, int, int]:
    sheet, _, reference = package.names[name].rpartition("!")
    return sheet.strip("'").replace("''", "'"), *position(reference)


@pytest.mark.parametrize("name", NAMES)
def test_computed_values_are_those_in_the_file(name: str, office: LibreOffice, tmp_path: Path) -> None:
    _, content = master(name)
    package = Package(content)
    cells = recalculated(office, content, tmp_path)
    assert sum(formula is not None for cell in package.cells.values() for _, formula in cell.values()) > 20
    assert differences(package, cells) == []
    assert errors(cells) == []


@pytest.mark.parametrize("year", YEARS[1:])
@pytest.mark.parametrize("name", NAMES)
def test_another_exercice_shows_that_years_sums(name: str, year: int, office: LibreOffice, tmp_path: Path) -> None:
    plan, content = master(name)
    package = Package(content)
    cells = recalculated(office, content, tmp_path, year)
    assert errors(cells) == []
    accounts = Accounts(plan.contract.tables, year)
    for convention in accounts.conventions:
        table = package.tables[totals_name(convention)]
        labels = {name: place for place, name in enumerate(table.columns)}
        fields = plan.contract.schemas["lignes_budgetaires"].by_name
        for offset, town in enumerate(accounts.towns):
            for amount in AMOUNTS:
                cell = cells[table.sheet][table.area[0] + 1 + offset, labels[fields[amount].title]]
                known = accounts.sums(convention, town).total(amount)
                assert cell.value == "" if known is None else cents_of(cell.value) == known
    sheet, row, column = named_cell(package, "Total_recalcule")
    total, known = cells[sheet][row, column].value, accounts.sums().total(MEASURE)
    assert total == "inconnu" if known is None else cents_of(total) == known


def cents_of(euros: float | str) -> int:
    assert isinstance(euros, float)
    return round(euros * 100)


@pytest.mark.parametrize("name", ["Chartres", "vaste"])
def test_a_workbook_made_for_another_exercice_agrees_too(name: str, office: LibreOffice, tmp_path: Path) -> None:
    _, content = written(in_year(contract(name), 2014))
    cells = recalculated(office, content, tmp_path)
    assert differences(Package(content), cells) == []


def test_rounding_apart_every_state_follows_the_setting(office: LibreOffice, tmp_path: Path) -> None:
    strict = dataclasses.replace(contract("vaste"), settings=dataclasses.replace(SETTINGS, arrondi_euros=0))
    _, content = written(strict)
    assert differences(Package(content), recalculated(office, content, tmp_path)) == []


def test_a_row_added_at_the_bottom_is_counted(office: LibreOffice, tmp_path: Path) -> None:
    plan, content = master("noms difficiles")
    package = Package(content)
    lines = plan.data[table_name("lignes_budgetaires", 3)]
    sheet = plan.sheets[lines.sheet]
    assert lines.indexes == ()
    path = tmp_path / "contrat.xlsx"
    path.write_bytes(content)
    office.open(path)
    row = lines.row + 1
    office.type(sheet, row, lines.column_of("collectivite_id"), "Y")
    office.type(sheet, row, lines.column_of("libelle"), "Une ligne de plus")
    office.type(sheet, row, lines.column_of("exercice"), str(SETTINGS.exercice))
    office.type(sheet, row, lines.column_of("montant_realise"), "1 234,56 €")
    office.recalculate()
    cells = office.read()
    table = package.tables[CREDITS]
    column = list(table.columns).index("Y")
    assert cells[table.sheet][table.area[0] + 3, column].value == pytest.approx(1234.56)


def test_an_amount_typed_with_cents_shows_them(office: LibreOffice, tmp_path: Path) -> None:
    plan, content = master("Chartres")
    lines = plan.data[table_name("lignes_budgetaires", 1)]
    sheet, row, column = plan.sheets[lines.sheet], lines.row + 1, lines.column_of("montant_realise")
    (tmp_path / "contrat.xlsx").write_bytes(content)
    office.open(tmp_path / "contrat.xlsx")
    assert ",56" not in printed(office, tmp_path)
    office.type(sheet, row, column, "1 234,56")
    office.recalculate()
    text = printed(office, tmp_path)
    accounts = plan.contract.accounts
    changed = 1_234_56 - 97_591_00
    for cents in (1_234_56, accounts.of(1, "chartres") + changed, accounts.of(1) + changed, accounts.of() + changed):
        assert f"{cents // 100:,}".replace(",", " ") + ",56 €" in text


def printed(office: LibreOffice, folder: Path) -> str:
    """What the pages of the open workbook say; a conditional format is seen nowhere else."""
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed")
    pdf = office.pdf(folder / "contrat.pdf")
    return plain(subprocess.run(["pdftotext", "-layout", pdf, "-"], capture_output=True, check=True).stdout.decode())


def plain(shown: str) -> str:
    return shown.replace("\u202f", " ").replace("\u00a0", " ").strip()


def test_drop_downs_offer_the_rows_of_their_tables(office: LibreOffice, tmp_path: Path) -> None:
    plan, content = master("Chartres")
    (tmp_path / "contrat.xlsx").write_bytes(content)
    office.open(tmp_path / "contrat.xlsx")
    package = Package(content)
    choices = {name: text for name, text in package.names.items() if name.startswith("choix_")}
    assert {"choix_axes", "choix_exercices", "choix_financeurs"} <= choices.keys()
    for name, text in choices.items():
        table = package.tables[text.partition("[")[0]]
        assert office.evaluate(f"=ROWS({name})") == table.area[2] - table.area[0], name
    axes = plan.contract.tables["axes"]
    assert office.evaluate("=INDEX(choix_axes;1)") == axes.column("axe_id")[0]


def test_amounts_show_as_french_people_write_them(office: LibreOffice, tmp_path: Path) -> None:
    plan, content = master("Chartres")
    (tmp_path / "contrat.xlsx").write_bytes(content)
    office.open(tmp_path / "contrat.xlsx")
    package = Package(content)
    table = package.tables[CREDITS]
    shown = office.call("shown", sheet=plan.sheets["Synthèse"], row=table.area[0] + 1, column=2)
    assert plain(shown) == "1 041 751 €"
