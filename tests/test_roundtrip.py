"""Register → workbook → register gives the same tables, cell for cell, and the same findings at the same cells."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from support import masters
from support.contracts import ROOT, SETTINGS, book_of, contracts, schemas
from support.libreoffice import LibreOffice
from support.office_files import Editor
from tabellion.checks.contract import check_contract
from tabellion.checks.formulas import check_formulas
from tabellion.contract.book import Book
from tabellion.contract.register import load_register
from tabellion.contract.workspace import find_workspace
from tabellion.layout.theme import load_theme
from tabellion.outputs.master.layout import MasterLayout, lay_out_master
from tabellion.outputs.master.workbook import write_master
from tabellion.reading import parse_bytes
from tabellion.reading.master import ParsedMaster, read_master
from tabellion.schema.tables import Table, Tables

#: The contracts whose masters, as LibreOffice saves them, are stored.
SMALL = ("noms difficiles", "vide")


def planned(tables: Tables) -> MasterLayout:
    theme = load_theme(ROOT / "templates" / "contrat.toml", schemas())
    return lay_out_master(Book(SETTINGS, schemas(), theme, tables))


def read_back(plan: MasterLayout) -> ParsedMaster:
    contract = plan.contract
    workbook = parse_bytes(write_master(plan, []), "contrat.xlsx")
    return read_master(workbook, contract.schemas, contract.settings.identifiant)


def same(before: Table, after: Table) -> None:
    """The same rows; their order may change only from one convention's sheet to another's."""
    assert sorted(map(repr, before.rows)) == sorted(map(repr, after.rows))


def assert_same_tables(before: Tables, reading: ParsedMaster) -> None:
    for name in schemas():
        same(before[name], reading.tables[name])


@given(contracts())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_any_contract_comes_back_as_it_was(tables: Tables) -> None:
    plan = planned(tables)
    reading = read_back(plan)
    assert reading.findings == []
    assert check_formulas(reading) == []
    assert reading.unknown == set()
    assert_same_tables(plan.contract.tables, reading)


@given(contracts(adds_up=False))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_a_workbook_says_what_its_register_says_at_the_same_cells(tables: Tables) -> None:
    plan = planned(tables)
    reading = read_back(plan)
    contract = plan.contract
    of_register = check_contract(contract, plan.locate)
    of_workbook = check_contract(book_of(reading.tables), reading.locate)

    def cells(findings: list) -> list:
        return sorted(
            (finding.code, finding.place.feuille, finding.place.cellule, finding.message) for finding in findings
        )

    assert cells(of_register) == cells(of_workbook)


def test_the_embedded_contract_comes_back_as_it_was() -> None:
    workspace = find_workspace(ROOT)
    register = load_register(workspace.registre, workspace.schemas, workspace.settings)
    theme = load_theme(workspace.templates / "contrat.toml", workspace.schemas)
    plan = lay_out_master(Book(workspace.settings, workspace.schemas, theme, register.tables))
    reading = read_back(plan)
    assert reading.findings == []
    assert check_formulas(reading) == []
    for name in workspace.schemas:
        assert repr(register.tables[name].columns) == repr(reading.tables[name].columns)


@pytest.mark.parametrize("name", SMALL)
def test_a_contract_comes_back_as_it_was_from_libreoffice(name: str, editor: Editor, tmp_path: Path) -> None:
    """Opened, recalculated and saved there: the same tables, and no formula changed."""
    assert_unchanged_by(editor, name, tmp_path)


@pytest.mark.libreoffice
@pytest.mark.parametrize("name", [name for name in masters.NAMES if name not in SMALL])
def test_a_large_contract_comes_back_as_it_was_from_libreoffice(name: str, office: LibreOffice, tmp_path: Path) -> None:
    assert_unchanged_by(office, name, tmp_path)


def assert_unchanged_by(office: Editor | LibreOffice, name: str, folder: Path) -> None:
    plan, content = masters.master(name)
    sent, saved = folder / "envoi.xlsx", folder / "retour.xlsx"
    sent.write_bytes(content)
    office.open(sent)
    office.recalculate()
    workbook = parse_bytes(office.save(saved).read_bytes(), saved.name)
    reading = read_master(workbook, plan.contract.schemas, plan.contract.settings.identifiant)
    assert reading.findings == []
    assert check_formulas(reading) == []
    for table_name, table in plan.contract.tables.items():
        same(table, reading.tables[table_name])


def test_the_embedded_register_is_a_valid_data_package() -> None:
    from frictionless import Package

    report = Package(str(Path(ROOT) / "workbooks" / "registre" / "datapackage.json")).validate()
    assert report.valid, report.flatten(["title", "message"])
