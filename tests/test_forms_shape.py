"""What a form is made of: sheets, protection, drop-downs, baseline, print setup, seal; all read from its parts."""

from __future__ import annotations

import hashlib
import io
import re
import subprocess
import sys
from typing import Any

import openpyxl  # type: ignore[import-untyped]
import pytest

from support.contracts import ROOT
from support.forms import (
    ACTIONS_TABLE,
    BUDGET_TABLE,
    CASES,
    FORM_TABLES,
    FORMS,
    YEAR,
    column_of,
    form_contract,
    form_of,
    form_package,
    shown_rows,
    written_form,
)
from support.masters import MAIN, Package, area
from tabellion.layout.forms import (
    BASELINE,
    BASELINE_HEADERS,
    GUIDE,
    LISTS,
    SIGNATURE_CELLS,
    SPARE_ROWS,
    SPELLINGS,
    TOTALS,
    baseline_text,
)
from tabellion.layout.names import IDENTITY
from tabellion.layout.theme import MINIMUM_EDGE_CONTRAST, contrast
from tabellion.outputs.forms import make_forms
from tabellion.outputs.forms.workbook import write_form
from tabellion.outputs.master.layout import FIRST_TABLE_ROW
from tabellion.schema.forms import Role, TableSpec
from tabellion.xlsx import signature
from tabellion.xlsx.writer import PROMPT_LENGTH, PROMPT_TITLE_LENGTH

TOP = FIRST_TABLE_ROW + 1

#: Towns whose lines have long labels.
LONG_LABELS = (("Chartres", "mainvilliers"), ("Chartres", "chartres-metropole"))
every_form = pytest.mark.parametrize(("name", "partner"), FORMS)


def unlocked(name: str, partner: str) -> dict[str, set[tuple[int, int]]]:
    """The unlocked cells of each sheet, zero-based."""
    book = openpyxl.load_workbook(io.BytesIO(written_form(name, partner)))
    return {
        sheet.title: {
            (cell.row - 1, cell.column - 1) for row in sheet.iter_rows() for cell in row if not cell.protection.locked
        }
        for sheet in book.worksheets
    }


def to_fill(name: str, partner: str, table: TableSpec) -> set[tuple[int, int]]:
    """The cells that a partner types in, from the declaration."""
    sent = len(form_of(name, partner).rows[table.name])
    return {
        (TOP + row, place)
        for place, column in enumerate(table.columns)
        for row in range(sent + SPARE_ROWS)
        if table.editable(column, spare=row >= sent)
    }


def rules(package: Package, table: TableSpec) -> dict[int, Any]:
    """The validation of each column of a form's sheet."""
    return {
        area(element.attrib["sqref"])[1]: element
        for element in package.sheets[table.sheet].iter(f"{MAIN}dataValidation")
    }


@every_form
def test_the_same_form_gives_the_same_bytes(name: str, partner: str) -> None:
    content = written_form(name, partner)
    assert write_form(form_contract(name), form_of(name, partner)) == content
    assert signature.is_intact(content)


def test_another_process_with_another_hash_seed_gives_the_same_bytes() -> None:
    program = (
        "import hashlib, sys; from support.forms import written_form;"
        "sys.stdout.write(hashlib.sha256(written_form('cas', 'luce')).hexdigest())"
    )
    path = f"{ROOT / 'scripts'}:{ROOT / 'tests'}"
    hashes = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": path, "TZ": zone},
            capture_output=True, text=True, check=True, timeout=120,
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Pacific/Auckland"))
    }  # fmt: skip
    assert hashes == {hashlib.sha256(written_form("cas", "luce")).hexdigest()}


# Only what concerns the partner


@pytest.mark.parametrize(
    ("partner", "sheets"),
    [
        ("luce", ["Budget"]),
        ("vide", ["Budget"]),
        ("etat", ["Financements"]),
        ("bailleur", ["Actions", "Financements"]),
        ("personne", []),
    ],
)
def test_a_form_has_only_the_sheets_that_concern_its_partner(partner: str, sheets: list[str]) -> None:
    package = form_package("cas", partner)
    states = {element.attrib["name"]: element.attrib.get("state") for element in package.workbook.iter(f"{MAIN}sheet")}
    visible = [sheet for sheet, state in states.items() if state is None]
    totals = [TOTALS] if "Budget" in sheets else []
    assert visible == [GUIDE, *sheets, *totals, *([SPELLINGS] if sheets else [])]
    assert states[LISTS] == "hidden"
    assert states[IDENTITY] == states[BASELINE] == "veryHidden"


def test_one_form_a_partner_in_the_order_of_the_register() -> None:
    contract = form_contract("cas")
    assert [form.identity.partenaire for form in make_forms(contract, YEAR)] == [
        "bailleur",
        "luce",
        "vide",
        *CASES[2:4],
    ]
    assert len({form.identity.formulaire for year in (2016, 2017) for form in make_forms(contract, year)}) == 10


def test_the_last_known_amounts_roll_forward() -> None:
    def known(year: int) -> dict[str, tuple[Any, ...]]:
        names = ("libelle", "last_year", "last_amount", "montant_prevu", "montant_realise")
        rows = shown_rows(form_of("cas", "luce", year), BUDGET_TABLE)
        return {row["ligne_id"]: tuple(row[name] for name in names) for row in rows}

    assert known(2016) == {
        "A": ("Cantine scolaire", 2015, 2_000_00, None, None),
        "B": ("=1+1", 2013, 5_00, None, None),
        "C": ("Déjà dit", None, None, 7_00, 7_00),
        "E": ("Sans montant", 2014, None, None, None),
    }
    later = known(2018)
    assert later["C"] == ("Déjà dit", 2016, 7_00, None, None)
    assert later["D"] == ("Plus tard", 2017, 9_00, None, None)


def test_a_partner_that_leads_and_takes_part_has_one_row_with_what_it_said_this_year() -> None:
    (row,) = shown_rows(form_of("cas", "bailleur"), ACTIONS_TABLE)
    assert (row["role"], row["avancement"], row["pourcentage"]) == ("porteur", "en cours", 40)
    (row,) = shown_rows(form_of("cas", "bailleur", 2017), ACTIONS_TABLE)
    assert row["avancement"] is None


# Protection


@every_form
def test_only_the_cells_to_fill_are_unlocked(name: str, partner: str) -> None:
    cells, form = unlocked(name, partner), form_of(name, partner)
    for table in form.tables:
        assert cells.pop(table.sheet) == to_fill(name, partner, table), table.sheet
    signature = cells.pop(GUIDE)
    names = form_package(name, partner).names
    assert {f"B{row + 1}" for row, _ in signature} == {
        names[name].rpartition("!")[2].replace("$", "") for name, _, _ in SIGNATURE_CELLS if name in names
    }
    assert bool(signature) is bool(form_of(name, partner).tables)
    assert not any(cells.pop(sheet, ()) for sheet in (SPELLINGS, LISTS))


@every_form
def test_visible_sheets_are_protected_without_a_password(name: str, partner: str) -> None:
    package = form_package(name, partner)
    for sheet in [GUIDE, *(table.sheet for table in form_of(name, partner).tables), LISTS]:
        protection = package.sheets[sheet].find(f"{MAIN}sheetProtection")
        assert protection is not None, sheet
        assert protection.attrib["sheet"] == "1"
        assert not {"password", "hashValue"} & protection.attrib.keys()
        for free in ("formatColumns", "formatRows", "autoFilter", "sort"):
            assert protection.attrib[free] == "0", (sheet, free)
        assert "objects" not in protection.attrib  # comments may be written
        assert protection.attrib.get("selectUnlockedCells", "0") == "0"


@every_form
def test_cells_to_fill_have_an_edge_that_is_seen_and_the_others_are_quiet(name: str, partner: str) -> None:
    book, quiet = (
        openpyxl.load_workbook(io.BytesIO(written_form(name, partner))),
        form_contract(name).theme.colours["calcul"],
    )
    looks = set()
    for table in form_of(name, partner).tables:
        editable = to_fill(name, partner, table)
        height = len(form_of(name, partner).rows[table.name]) + SPARE_ROWS
        for row in range(TOP, TOP + height):
            for place in range(len(table.columns)):
                cell = book[table.sheet].cell(row + 1, place + 1)
                edge, ground = (
                    f"#{colour.rgb[2:]}" for colour in (cell.border.left.color, cell.fill.fgColor)
                )  # fmt: skip
                looks.add(((row, place) in editable, edge, ground))
    for is_typed, edge, ground in looks:
        assert (ground == quiet) is not is_typed
        assert (min(contrast(edge, ground), contrast(edge, quiet)) >= MINIMUM_EDGE_CONTRAST) is is_typed


@pytest.mark.parametrize(("name", "partner"), [*FORMS, *LONG_LABELS])
def test_the_first_screen_shows_fifteen_rows_and_every_column(name: str, partner: str) -> None:
    """At 1366 × 768 and 100 %, Excel leaves some 1,316 × 520 pixels to the cells."""
    book = openpyxl.load_workbook(io.BytesIO(written_form(name, partner)))
    for table in form_of(name, partner).tables:
        sheet = book[table.sheet]
        heights = [(sheet.row_dimensions[row].height or 15.0) * 96 / 72 for row in range(1, TOP + 16)]
        assert sum(heights) <= 520, table.sheet
        shown = [
            dimension
            for dimension in sheet.column_dimensions.values()
            if not dimension.hidden and dimension.min <= len(table.columns)
        ]
        assert sum(round((column.width or 0) * 7) * (column.max - column.min + 1) for column in shown) <= 1316
        assert [
            table.columns[dimension.min - 1].role for dimension in sheet.column_dimensions.values() if dimension.hidden
        ] == [Role.KEY]


@every_form
def test_the_cursor_waits_in_a_cell_to_fill(name: str, partner: str) -> None:
    for table in form_of(name, partner).tables:
        root = form_package(name, partner).sheets[table.sheet]
        chosen = [
            element.attrib["activeCell"] for element in root.iter(f"{MAIN}selection") if "activeCell" in element.attrib
        ]
        assert area(chosen[-1])[:2] in to_fill(name, partner, table), table.sheet


# Tables, names and rules


@every_form
def test_tables_have_spare_rows_and_the_headers_of_the_schema(name: str, partner: str) -> None:
    form, package = form_of(name, partner), form_package(name, partner)
    summed = ["Totaux_formulaire"] if BUDGET_TABLE in form.tables else []
    assert list(package.tables) == [*(table.name for table in form.tables), *summed]
    for table in form.tables:
        part = package.tables[table.name]
        rows = len(form.rows[table.name]) + SPARE_ROWS
        assert SPARE_ROWS >= 50
        assert part.area == (FIRST_TABLE_ROW, 0, FIRST_TABLE_ROW + rows, len(table.columns) - 1)
        assert tuple(part.columns) == table.labels(form_contract(name).schemas)
        assert part.filters


@every_form
def test_names_are_legal_and_none_is_a_tables(name: str, partner: str) -> None:
    package = form_package(name, partner)
    names = [*package.tables, *package.names]
    assert len({name.casefold() for name in names}) == len(names)
    assert all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.]{0,254}", name) for name in names)
    for refers_to in package.names.values():
        sheet, _, area = refers_to.rpartition("!")
        assert sheet.strip("'").replace("''", "'") in package.sheets or area.partition("[")[0] in package.tables


@every_form
def test_rules_come_from_the_schemas_and_cover_the_spare_rows(name: str, partner: str) -> None:
    form, package, schemas = form_of(name, partner), form_package(name, partner), form_contract(name).schemas
    for table in form.tables:
        rules_by_column, schema = rules(package, table), schemas[table.resource]
        last = TOP + len(form.rows[table.name]) + SPARE_ROWS - 1
        for place, column in enumerate(table.columns):
            assert (place in rules_by_column) is table.editable(column, spare=True), column.name
            if place not in rules_by_column:
                continue
            rule, field = rules_by_column[place], table.field(column, schemas)
            assert field is not None
            first = TOP if table.editable(column, spare=False) else TOP + len(form.rows[table.name])
            assert area(rule.attrib["sqref"]) == (first, place, last, place)
            assert rule.attrib["prompt"] == (field.prompt or field.description)[:PROMPT_LENGTH]
            assert len(rule.attrib["error"]) <= PROMPT_LENGTH
            assert len(rule.attrib["promptTitle"]) <= PROMPT_TITLE_LENGTH
            listed = bool(field.enum) or field.name in schema.foreign
            assert (rule.attrib.get("type") == "list") is listed, column.name
            if listed:
                assert rule.findtext(f"{MAIN}formula1") in package.names, column.name


@every_form
def test_drop_downs_offer_every_value(name: str, partner: str) -> None:
    package, contract = form_package(name, partner), form_contract(name)
    cells = package.cells[LISTS]
    for table in form_of(name, partner).tables:
        for place, rule in rules(package, table).items():
            field = table.field(table.columns[place], contract.schemas)
            assert field is not None
            if rule.attrib.get("type") != "list":
                continue
            top, left, bottom, _ = area(package.names[rule.findtext(f"{MAIN}formula1", "")].rpartition("!")[2])
            offered = [cells[row, left][0] for row in range(top, bottom + 1)]
            key = contract.schemas[table.resource].foreign.get(field.name)
            assert len(offered) == (len(field.enum) if key is None else len(contract.tables[key.table]))
            shown = {package.cells[table.sheet].get((TOP + row, place), (None, None))[0] for row in range(200)}
            assert shown - {None} <= {*offered}, field.name


@every_form
def test_every_formula_carries_its_value_and_is_listed(name: str, partner: str) -> None:
    package = form_package(name, partner)
    listed = {value for (_, column), (value, _) in package.cells[IDENTITY].items() if column == 6}
    count = 0
    for sheet, cells in package.cells.items():
        for place, (value, formula) in cells.items():
            if formula is not None:
                count += 1
                assert value is not None, (sheet, place)
                assert formula in listed or sheet == LISTS  # which nothing reads
    assert count >= (SPARE_ROWS if form_of(name, partner).tables else 0)


# What is hidden


@every_form
def test_the_baseline_has_every_value_as_sent_with_its_stable_id(name: str, partner: str) -> None:
    form, cells = form_of(name, partner), form_package(name, partner).cells[BASELINE]
    rows = max(row for row, _ in cells)
    lines = [tuple(cells[row, column][0] for column in range(len(BASELINE_HEADERS))) for row in range(rows + 1)]
    assert lines[0] == BASELINE_HEADERS
    expected = {
        (table, row.key, field, baseline_text(value))
        for table, rows in form.rows.items()
        for row in rows
        for field, value in row.values.items()
        if value is not None
    }
    assert set(lines[1:]) == expected
    assert len(lines) == len(expected) + 1
    for table in form.tables:
        assert all(row.key == row.values[table.key.name] for row in form.rows[table.name])
        assert len({row.key for row in form.rows[table.name]}) == len(form.rows[table.name])


@every_form
def test_the_identity_says_whose_form_it_is(name: str, partner: str) -> None:
    cells = form_package(name, partner).cells[IDENTITY]
    identity_cells = {cells[row, 0][0]: cells[row, 1][0] for row, column in cells if column == 0}
    identity = form_of(name, partner).identity
    assert identity_cells["genre"] == "formulaire"
    assert (identity_cells["contrat"], identity_cells["partenaire"]) == (identity.contrat, partner)
    assert (identity_cells["exercice"], identity_cells["formulaire"], identity_cells["format"]) == (
        YEAR,
        identity.formulaire,
        1,
    )


# Look


@every_form
def test_visible_sheets_print_on_wide_pages_with_their_headers(name: str, partner: str) -> None:
    package = form_package(name, partner)
    sheets = [element.attrib["name"] for element in package.workbook.iter(f"{MAIN}sheet")]
    local = {
        (sheets[int(element.attrib["localSheetId"])], element.attrib["name"]): element.text or ""
        for element in package.workbook.iter(f"{MAIN}definedName")
        if "localSheetId" in element.attrib
    }
    tables = {table.sheet: table for table in form_of(name, partner).tables}
    for sheet in [GUIDE, *tables]:
        root = package.sheets[sheet]
        setup = root.find(f"{MAIN}pageSetup")
        assert setup is not None
        assert setup.attrib["orientation"] == "landscape"
        assert "&P / &N" in root.findtext(f"{MAIN}headerFooter/{MAIN}oddFooter", "")
        assert (sheet, "_xlnm.Print_Titles") in local
        pane = root.find(f"{MAIN}sheetViews/{MAIN}sheetView/{MAIN}pane")
        assert pane is not None
        if sheet in tables:
            assert int(pane.attrib["ySplit"]) == TOP
            printed = area(local[sheet, "_xlnm.Print_Area"].rpartition("!")[2])
            sent = len(form_of(name, partner).rows[tables[sheet].name])
            assert TOP + sent <= printed[2] < TOP + sent + SPARE_ROWS


@every_form
def test_properties_are_filled_and_nothing_is_merged(name: str, partner: str) -> None:
    package = form_package(name, partner)
    core = package.parts["docProps/core.xml"].decode()
    for tag in ("dc:title", "dc:subject", "dc:creator", "cp:keywords", "cp:category"):
        assert re.search(rf"<{tag}>[^<]+</{tag}>", core), tag
    assert f"{form_contract(name).settings.debut}-01-01T00:00:00Z" in core
    assert not any(b"mergeCell" in part for part in package.parts.values())


def test_two_hundred_lines() -> None:
    package = form_package("200 lignes", "luce")
    assert package.tables[BUDGET_TABLE.name].area[2] == FIRST_TABLE_ROW + 200 + SPARE_ROWS
    cells, place = package.cells[BUDGET_TABLE.sheet], column_of(BUDGET_TABLE, "last_amount")
    assert cells[TOP + 199, place][0] == 200.99


def test_every_column_of_a_form_is_a_field_of_its_table() -> None:
    schemas = form_contract("cas").schemas
    for table in FORM_TABLES:
        assert all(column.field is None or column.field in schemas[table.resource].by_name for column in table.columns)
        assert len({label.casefold() for label in table.labels(schemas)}) == len(table.columns)
