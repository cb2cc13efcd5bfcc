"""Changes made in a contract's own workbook: cells, lines added and removed, and nothing else."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import replace
from datetime import date, datetime
from functools import cache
from pathlib import Path

import openpyxl
import pytest

from support.libreoffice import LibreOffice
from support.masters import Package, master, written
from support.recalculated import differences
from tabellion.checks.formulas import check_formulas
from tabellion.layout.names import KnownFormula, quoted_sheet, table_name
from tabellion.outputs.master.layout import DataTable
from tabellion.reading import parse_bytes
from tabellion.reading.master import ParsedMaster, read_master
from tabellion.schema.tables import Tables, make_table
from tabellion.xlsx import signature
from tabellion.xlsx.inplace.grid import Formula, TypedContent
from tabellion.xlsx.inplace.patch import AddedRows, CellEdit, Changes, Patched, RowToRemove, patch_tables, with_computed
from tabellion.xlsx.signature import with_parts

PLAN, MASTER = master("Chartres")
LINES = PLAN.data[table_name("lignes_budgetaires", 1)]
PARTNERS = PLAN.data[table_name("partenaires")]
LINES_SHEET = PLAN.sheets[LINES.sheet]
#: A line that is added, as the register has it.
NEW = {
    "ligne_id": "B01-x", "convention_id": 1, "collectivite_id": "luce", "libelle": "De plus", "exercice": 2013,
    "montant_realise": 50_00,
}  # fmt: skip


def column(table: DataTable, field: str) -> int:
    """The one-based column of a field."""
    return table.column_of(field) + 1


def line(table: DataTable, **values: TypedContent) -> dict[int, TypedContent]:
    """A line's values by column."""
    return {column(table, field): value for field, value in values.items()}


def header(table: DataTable) -> int:
    """The one-based row of a table's header."""
    return table.row + 1


def added(count: int) -> list[dict[int, TypedContent]]:
    """Lines of the first convention."""
    return [
        line(LINES, collectivite_id="Lucé", libelle=f"Ligne {rank}", exercice=2013, montant_realise=100.25 + rank)
        for rank in range(count)
    ]


def read(workbook: bytes) -> ParsedMaster:
    contract = PLAN.contract
    reading = read_master(parse_bytes(workbook, "contrat.xlsx"), contract.schemas, contract.settings.identifiant)
    assert reading.findings == []
    return reading


def changed_parts(before: bytes, after: bytes) -> set[str]:
    old, new = Package(before).parts, Package(after).parts
    assert list(old) == list(new)
    return {name for name, content in new.items() if content != old[name]}


@pytest.mark.parametrize("name", ["Chartres", "noms difficiles", "vide"])
def test_no_change_gives_the_same_bytes(name: str) -> None:
    _, content = master(name)
    assert patch_tables(content, Changes()).data == content


def test_a_value_that_is_there_already_changes_nothing() -> None:
    value = Package(MASTER).cells[LINES_SHEET][LINES.row + 1, LINES.column_of("montant_realise")][0]
    edit = CellEdit(LINES_SHEET, LINES.row + 2, column(LINES, "montant_realise"), value)
    assert patch_tables(MASTER, Changes([edit])).data == MASTER


def test_an_edited_cell_keeps_its_style_and_only_its_sheet_changes() -> None:
    place = LINES_SHEET, LINES.row + 2, column(LINES, "libelle")
    patched = patch_tables(MASTER, Changes([CellEdit(*place, "Une _x000D_ ligne\n < nouvelle >")]))
    part = Package(MASTER).sheet_parts[LINES_SHEET]
    # The label is read by no formula: no computed value is touched.
    assert changed_parts(MASTER, patched.data) == {part, "docProps/custom.xml"}
    assert patched.uncomputed == frozenset()
    before, after = (
        openpyxl.load_workbook(io.BytesIO(content))[place[0]].cell(*place[1:]) for content in (MASTER, patched.data)
    )
    assert before._style == after._style
    assert read(patched.data).tables["lignes_budgetaires"].column("libelle")[0] == "Une _x000D_ ligne\n < nouvelle >"


def test_a_changed_amount_drops_exactly_the_sums_that_hold_it() -> None:
    edit = CellEdit(LINES_SHEET, LINES.row + 2, column(LINES, "montant_realise"), 97_600)
    patched = patch_tables(MASTER, Changes([edit]))
    package = Package(patched.data)
    empty = {
        (sheet, row + 1, column + 1)
        for sheet, cells in package.cells.items()
        for (row, column), (value, formula) in cells.items()
        if formula is not None and value is None
    }
    assert empty == patched.uncomputed
    total = package.names["Total_recalcule"]
    assert total.startswith(quoted_sheet(PLAN.sheets["Rapprochement"]))
    row, col = (int(part) for part in (total.rpartition("$")[2], 5))
    assert (PLAN.sheets["Rapprochement"], row, col) in patched.uncomputed
    # What another convention's lines say alone stays.
    other = PLAN.sheets[PLAN.data[table_name("lignes_budgetaires", 4)].sheet]
    assert not any(sheet == other for sheet, _, _ in patched.uncomputed)


def test_lines_are_added_at_the_end_of_their_table_and_others_removed() -> None:
    changes = Changes(
        added=[AddedRows(LINES_SHEET, header(LINES), added(3))],
        removed=[RowToRemove(LINES_SHEET, LINES.row + 4, 1), RowToRemove(LINES_SHEET, LINES.last_row + 1, 1)],
    )
    patched = patch_tables(MASTER, changes)
    assert patched.added == (tuple(range(LINES.last_row, LINES.last_row + 3)),)
    table = Package(patched.data).tables[LINES.name]
    assert table.area == (LINES.row, 0, LINES.last_row + 1, len(LINES.columns) - 1)
    assert table.filters == f"A{header(LINES)}:K{LINES.last_row + 2}"
    before = PLAN.contract.tables["lignes_budgetaires"].rows
    kept = [row for place, row in enumerate(before) if place not in (2, len(LINES.indexes) - 1)]
    after = read(patched.data).tables["lignes_budgetaires"].rows
    new = after[len(LINES.indexes) - 2 : len(LINES.indexes) + 1]
    assert after[: len(LINES.indexes) - 2] + after[len(LINES.indexes) + 1 :] == kept
    assert [(row["libelle"], row["montant_realise"]) for row in new] == [
        ("Ligne 0", 10_025), ("Ligne 1", 10_125), ("Ligne 2", 10_225),
    ]  # fmt: skip
    assert patched.row(LINES_SHEET, LINES.row + 4, 1) is None
    assert patched.row(LINES_SHEET, LINES.row + 5, 1) == LINES.row + 4


def test_a_list_beside_others_grows_alone() -> None:
    sheet = PLAN.sheets[PARTNERS.sheet]
    values = line(PARTNERS, partenaire_id="nouveau", nom="Un partenaire de plus")
    patched = patch_tables(MASTER, Changes(added=[AddedRows(sheet, header(PARTNERS), [values])]))
    before, after = Package(MASTER), Package(patched.data)
    assert patched.added == ((PARTNERS.last_row + 2,),)
    for name, table in before.tables.items():
        grown = table.area if name != PARTNERS.name else (*table.area[:2], table.area[2] + 1, table.area[3])
        assert after.tables[name].area == grown
    new = {place for place, cell in after.cells[sheet].items() if before.cells[sheet].get(place) != cell}
    assert new == {(PARTNERS.last_row + 1, PARTNERS.column + place) for place in range(len(PARTNERS.columns))}
    assert read(patched.data).tables["partenaires"].column("partenaire_id")[-1] == "nouveau"


def test_a_line_removed_from_a_list_beside_others_leaves_the_others() -> None:
    sheet = PLAN.sheets[PARTNERS.sheet]
    patched = patch_tables(MASTER, Changes(removed=[RowToRemove(sheet, PARTNERS.row + 2, column(PARTNERS, "nom"))]))
    before, after = (Package(content).cells[sheet] for content in (MASTER, patched.data))
    columns = range(PARTNERS.column, PARTNERS.column + len(PARTNERS.columns))
    assert {place: cell for place, cell in after.items() if place[1] not in columns} == {
        place: cell for place, cell in before.items() if place[1] not in columns
    }
    rows = [[before[row, column][0] for column in columns] for row in range(PARTNERS.row, PARTNERS.last_row + 1)]
    left = [[after[row, column][0] for column in columns] for row in range(PARTNERS.row, PARTNERS.last_row)]
    assert left == rows[:1] + rows[2:]
    assert not any((PARTNERS.last_row, column) in after for column in columns)


def test_the_first_line_of_an_empty_table_takes_its_blank_row() -> None:
    plan, content = master("vide")
    table = plan.data[table_name("financements")]
    sheet = plan.sheets[table.sheet]
    values = {table.column_of("financement_id") + 1: "F-1", table.column_of("fiche_id") + 1: "X"}
    patched = patch_tables(content, Changes(added=[AddedRows(sheet, table.row + 1, [values, values])]))
    assert patched.added == ((table.row + 2, table.row + 3),)
    assert Package(patched.data).tables[table.name].area[2] == table.row + 2


def test_a_table_whose_lines_are_all_removed_keeps_one_blank_row() -> None:
    rows = [RowToRemove(LINES_SHEET, LINES.row + 2 + place, 1) for place in range(len(LINES.indexes))]
    patched = patch_tables(MASTER, Changes(removed=rows))
    assert Package(patched.data).tables[LINES.name].area[2] == LINES.row + 1
    left = read(patched.data).tables["lignes_budgetaires"].rows
    assert left == PLAN.contract.tables["lignes_budgetaires"].rows[len(LINES.indexes) :]
    amounts = [value for (_, _, col), value in patched.lost.items() if col == column(LINES, "montant_realise")]
    known = [PLAN.contract.tables["lignes_budgetaires"].rows[index]["montant_realise"] for index in LINES.indexes]
    assert sorted(amounts) == sorted(value / 100 for value in known if value is not None)


def test_a_formula_is_overwritten_only_when_told() -> None:
    totals = Package(MASTER).tables["Totaux_01"].area
    edit = CellEdit(LINES_SHEET, totals[0] + 2, 6, 5)
    assert patch_tables(MASTER, Changes([edit])).data == MASTER
    told = CellEdit(LINES_SHEET, totals[0] + 2, 6, 5, over_formula=True)
    assert Package(patch_tables(MASTER, Changes([told])).data).cells[LINES_SHEET][totals[0] + 1, 5] == (5.0, None)


def test_dates_and_ticks_are_what_excel_has_for_them() -> None:
    row = LINES.last_row + 30
    edits = [
        CellEdit(LINES_SHEET, row, 20, date(2016, 3, 31), number_format="dd/mm/yyyy"),
        CellEdit(LINES_SHEET, row, 21, datetime(2016, 3, 31, 12), number_format="dd/mm/yyyy hh:mm"),
        CellEdit(LINES_SHEET, row, 22, True),
        CellEdit(LINES_SHEET, row, 23, 12.5, number_format="0.00"),
    ]
    sheet = openpyxl.load_workbook(io.BytesIO(patch_tables(MASTER, Changes(edits)).data))[LINES_SHEET]
    values = [sheet.cell(row, place).value for place in range(20, 24)]
    assert values == [datetime(2016, 3, 31), datetime(2016, 3, 31, 12), True, 12.5]
    assert [sheet.cell(row, place).number_format for place in (20, 23)] == ["dd/mm/yyyy", "0.00"]


def test_the_hidden_identity_changes_and_the_rest_of_its_sheet_stays() -> None:
    patched = patch_tables(MASTER, Changes(identity={"adoption": "2016-04-01", "contrat": "autre"}))
    before, after = (Package(content).cells["_tabellion"] for content in (MASTER, patched.data))
    assert {cell[0] for place, cell in after.items() if before.get(place) != cell} == {
        "adoption", "2016-04-01", "autre",
    }  # fmt: skip
    assert changed_parts(MASTER, patched.data) == {
        Package(MASTER).sheet_parts["_tabellion"],
        "docProps/custom.xml",
    }


def test_a_workbook_as_written_is_signed_again_and_an_edited_one_is_not() -> None:
    changes = Changes(added=[AddedRows(LINES_SHEET, header(LINES), added(1))])
    patched = patch_tables(MASTER, changes)
    assert signature.is_intact(patched.data)
    edited = _edited(MASTER)
    assert not signature.is_intact(edited)
    assert not signature.is_intact(patch_tables(edited, changes).data)


def _edited(content: bytes) -> bytes:
    """The workbook with another title in its properties, as a save by a person leaves it: the signature is broken."""
    return with_parts(content, lambda _, part: part.replace(b"<dc:creator>tabellion", b"<dc:creator>Agent", 1))


def test_values_that_the_caller_computed_stand_beside_their_formulas() -> None:
    edit = CellEdit(LINES_SHEET, LINES.row + 2, column(LINES, "montant_realise"), 97_600)
    patched = patch_tables(MASTER, Changes([edit]))
    values = {place: f"{place[1]} & {place[2]}" for place in patched.uncomputed}
    completed = Package(with_computed(patched.data, values))
    for (sheet, row, col), value in values.items():
        assert completed.cells[sheet][row - 1, col - 1][0] == value
    assert signature.is_intact(completed.content)


def test_the_same_changes_give_the_same_bytes() -> None:
    changes = Changes(
        added=[AddedRows(LINES_SHEET, header(LINES), added(2))], removed=[RowToRemove(LINES_SHEET, 20, 1)]
    )
    assert patch_tables(MASTER, changes).data == patch_tables(MASTER, changes).data


def fresh_changes() -> Changes:
    """An amount changed, a line added, the values of a fresh master of the contract so changed."""
    contract = PLAN.contract
    columns = {name: list(values) for name, values in contract.tables["lignes_budgetaires"].columns.items()}
    columns["montant_realise"][LINES.indexes[0]] = 97_600_00
    for name, values in columns.items():
        values.insert(LINES.indexes[-1] + 1, NEW.get(name))
    tables = Tables(contract.tables) | {
        "lignes_budgetaires": make_table(contract.schemas["lignes_budgetaires"], columns)
    }
    fresh = written(replace(contract, tables=tables))[1]
    values = line(LINES, ligne_id="B01-x", collectivite_id="Lucé", libelle="De plus", exercice=2013, montant_realise=50)
    return Changes(
        cells=[CellEdit(LINES_SHEET, LINES.row + 2, column(LINES, "montant_realise"), 97_600)],
        added=[AddedRows(LINES_SHEET, header(LINES), [values])],
        fresh=fresh,
    )


@cache
def with_fresh_values() -> tuple[Patched, bytes]:
    """What these changes make of the master, and the fresh one."""
    changes = fresh_changes()
    assert patch_tables(MASTER, replace(changes, fresh=b"")).uncomputed
    return patch_tables(MASTER, changes), changes.fresh


def test_a_fresh_master_of_the_changed_contract_gives_every_value() -> None:
    """What the program computes of the contract as changed stands beside the formulas of the staff's workbook."""
    patched, fresh = with_fresh_values()
    # The gaps that the program lists are one more in the fresh master: what adds them up is left to be computed.
    sheet, names = PLAN.sheets["Rapprochement"], Package(MASTER).names
    rows = {int(names[name].rpartition("$")[2]) for name in ("Ecarts_nommes", "Ecarts_depuis")}
    assert patched.uncomputed == {(sheet, row, 5) for row in rows}
    before, after, wanted = Package(MASTER).cells, Package(patched.data).cells, Package(fresh).cells
    compared = 0
    for sheet in (LINES_SHEET, PLAN.sheets["Synthèse"]):
        for place, (value, formula) in wanted[sheet].items():
            if formula is not None:
                assert after[sheet][place] == (value, formula)
                compared += value != before[sheet][place][0]
    assert compared > 10


def test_formulas_that_another_client_spells_otherwise_get_their_values_too() -> None:
    """LibreOffice writes the truths as calls of functions; others put spaces."""

    def spelt(name: str, part: bytes) -> bytes:
        formulas = re.compile(rb"<f>[^<]*</f>") if name.startswith("xl/worksheets/") else re.compile(b"(?!)")
        return formulas.sub(lambda match: match[0].replace(b",FALSE,", b", FALSE(),").replace(b"SUM(", b"sum( "), part)

    otherwise = with_parts(MASTER, spelt)
    assert otherwise != MASTER
    assert patch_tables(otherwise, fresh_changes()).uncomputed == with_fresh_values()[0].uncomputed


@pytest.mark.libreoffice
def test_libreoffice_agrees_with_every_value(office: LibreOffice, tmp_path: Path) -> None:
    path = tmp_path / "contrat.xlsx"
    path.write_bytes(with_fresh_values()[0].data)
    office.open(path)
    office.recalculate()
    package, computed = Package(path.read_bytes()), office.read()
    wrong = [difference for difference in differences(package, computed) if "cached None" not in difference]
    assert wrong == []


def listed_formulas_stand(workbook: bytes) -> ParsedMaster:
    """Every formula of the hidden list is where it says, though some have no value yet."""
    contract = PLAN.contract
    reading = read_master(parse_bytes(workbook, "contrat.xlsx"), contract.schemas, contract.settings.identifiant)
    assert {finding.code for finding in [*reading.findings, *check_formulas(reading)]} <= {"formules-non-calculees"}
    return reading


def test_added_lines_have_the_formulas_of_their_table() -> None:
    fiches = PLAN.data[table_name("fiches", 1)]
    sheet = PLAN.sheets[fiches.sheet]
    new = [line(fiches, fiche_id=f"I-1.1./{rank}", axe_id="I-1.1") for rank in (98, 99)]
    patched = patch_tables(MASTER, Changes(added=[AddedRows(sheet, header(fiches), new)]))
    cells = Package(patched.data).cells[sheet]
    for place in (fiches.column_of("axe"), fiches.column_of("financements")):
        wanted = cells[fiches.row + 1, place][1]
        assert wanted
        assert [cells[row - 1, place][1] for row in patched.added[0]] == [wanted, wanted]
    listed_formulas_stand(patched.data)


def test_a_line_with_a_formula_of_its_own_is_listed_and_unlisted() -> None:
    totals = PLAN.data[table_name("totaux_publies")]
    sheet = PLAN.sheets[totals.sheet]
    first = Package(MASTER).cells[sheet]
    place = totals.column_of("calcule")
    text, label = first[totals.row + 1, place][1], totals.label("calcule")
    assert text is not None
    key = str(first[totals.row + 1, totals.column_of("total_id")][0])
    values = {column: first[totals.row + 1, column - 1][0] for column in range(1, len(totals.columns) + 1)}
    values = {column: value for column, value in values.items() if first[totals.row + 1, column - 1][1] is None}
    changes = Changes(
        added=[
            AddedRows(
                sheet,
                header(totals),
                [values | line(totals, total_id="nouveau") | {place + 1: Formula(text, 12.5)}],
            )
        ],
        removed=[RowToRemove(sheet, totals.row + 2, 1)],
        listed=[KnownFormula(totals.name, "nouveau", label, text)],
        unlisted=[(totals.name, key)],
    )
    patched = patch_tables(MASTER, changes)
    reading = listed_formulas_stand(patched.data)
    own = {
        (formula.key, formula.formula)
        for formula in reading.formulas
        if formula.table == totals.name and formula.column == label
    }
    assert ("nouveau", text) in own
    assert key not in {key for key, _ in own}
    assert reading.tables["totaux_publies"].column("total_id")[-1] == "nouveau"
    assert Package(patched.data).cells[sheet][patched.added[0][0] - 1, place] == (12.5, text)


@pytest.fixture(scope="module")
def undone() -> bytes:
    """The master whose Excel tables a client has undone: their cells are all there is."""
    package = Package(MASTER)
    tables = [name for name in package.parts if name.startswith("xl/tables/")]
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as target:
        for name, part in package.parts.items():
            if name not in tables:
                kept = re.sub(rb'<tableParts.*?</tableParts>|<Relationship [^>]*/table"[^>]*/>', b"", part)
                target.writestr(name, re.sub(rb'<Override PartName="/xl/tables/[^>]*/>', b"", kept))
    return stream.getvalue()


def test_lines_of_an_undone_table_are_added_and_removed(undone: bytes) -> None:
    changes = Changes(
        added=[AddedRows(LINES_SHEET, header(LINES), added(2))],
        removed=[RowToRemove(LINES_SHEET, LINES.row + 3, 1, header(LINES))],
    )
    before, after = (Package(content).cells[LINES_SHEET] for content in (undone, patch_tables(undone, changes).data))
    place = LINES.column_of("libelle")
    labels = [before[row, place][0] for row in range(LINES.row + 1, LINES.last_row + 1)]
    row_labels = [after[row, place][0] for row in range(LINES.row + 1, LINES.last_row + 2)]
    assert row_labels == [labels[0], *labels[2:], "Ligne 0", "Ligne 1"]


def test_lines_of_an_undone_list_leave_those_beside(undone: bytes) -> None:
    sheet, place = PLAN.sheets[PARTNERS.sheet], PARTNERS.column + 1
    changes = Changes(
        added=[AddedRows(sheet, header(PARTNERS), [{place: "un", place + 1: "Un"}])],
        removed=[RowToRemove(sheet, PARTNERS.row + row, place, header(PARTNERS)) for row in (2, 4)],
    )
    before, after = (Package(content).cells[sheet] for content in (undone, patch_tables(undone, changes).data))
    columns = range(PARTNERS.column, PARTNERS.column + len(PARTNERS.columns))
    assert {place: cell for place, cell in after.items() if place[1] not in columns} == {
        place: cell for place, cell in before.items() if place[1] not in columns
    }
    rows = [before[row, PARTNERS.column][0] for row in range(PARTNERS.row + 1, PARTNERS.last_row + 1)]
    row_labels = [after[row, PARTNERS.column][0] for row in range(PARTNERS.row + 1, PARTNERS.last_row)]
    assert row_labels == [rows[1], *rows[3:], "un"]


@pytest.mark.libreoffice
@pytest.mark.parametrize("name", ["noms difficiles", "publié en partie", "vide"])
def test_libreoffice_agrees_with_the_values_that_stay(name: str, office: LibreOffice, tmp_path: Path) -> None:
    """Amounts changed, a line removed and one added in every table: what is still beside a formula is right."""
    plan, content = master(name)
    cells, added, removed = list[CellEdit](), list[AddedRows](), list[RowToRemove]()
    for table in plan.data.values():
        sheet = plan.sheets[table.sheet]
        fields = [column for column in table.columns if column.field is not None]
        money = [column for column in fields if column.field is not None and column.field.kind == "money"]
        values: dict[int, TypedContent] = {table.column_of(fields[0].name) + 1: "De plus"}
        values |= {table.column_of(amount.name) + 1: 1234.5 for amount in money}
        added.append(AddedRows(sheet, table.row + 1, [values]))
        if len(table.indexes) > 1:
            removed.append(RowToRemove(sheet, table.row + 2, table.column + 1))
        cells += [CellEdit(sheet, table.last_row + 1, table.column_of(amount.name) + 1, 77) for amount in money]
    patched = patch_tables(content, Changes(cells, added, removed))
    path = tmp_path / "contrat.xlsx"
    path.write_bytes(patched.data)
    office.open(path)
    office.recalculate()
    package, computed = Package(patched.data), office.read()
    assert [difference for difference in differences(package, computed) if "cached None" not in difference] == []
    kept = [value for cell in package.cells.values() for value, formula in cell.values() if formula is not None]
    assert kept.count(None) < len(kept)
