"""Columns that staff have put inside our tables, or beside them, in a workbook that is generated anew."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

import openpyxl
from openpyxl.comments import Comment
from openpyxl.worksheet.table import TableColumn

from support.excel import Excel, edited
from support.own_sheets import faults
from tabellion.commands.generate import generate
from tabellion.commands.source import load_source
from tabellion.contract.workspace import find_workspace

DAY, NOW = datetime(2016, 11, 14, 9), datetime(2016, 11, 15, 9)
INSIDE, TWICE, BESIDE, LOST = "Notre suivi", "Double", "Notre avis", "Perdue"
AMOUNT = "Montant réalisé (€)"


def add_column(book: Excel, table: str, label: str) -> int:
    """A column at the end of a table, as Excel makes one of what is typed right beside it; its place."""
    left, top, right, bottom = book.area(table)
    sheet = book.sheet(table)
    sheet.cell(top, right + 1).value = label
    columns = sheet.tables[table].tableColumns
    columns.append(TableColumn(id=max(column.id for column in columns) + 1, name=label))
    ref = f"{sheet.cell(top, left).coordinate}:{sheet.cell(bottom, right + 1).coordinate}"
    sheet.tables[table].ref = ref
    filters = sheet.tables[table].autoFilter
    assert filters is not None
    filters.ref = ref
    return right + 1


def own_columns(book: Excel) -> None:
    """Columns of theirs, a sheet that reads one, a line typed on top: every line stands a row lower."""
    place = add_column(book, "Lignes_01", INSIDE)
    sheet, rows = book.sheet("Lignes_01"), list(book.rows("Lignes_01"))
    for row, value in zip(rows, (0.5, 0.25), strict=True):
        sheet.cell(row, place).value = value
        sheet.cell(row, place).number_format = "0.0%"
    twice = add_column(book, "Lignes_01", TWICE)
    for row in rows:
        sheet.cell(row, twice).value = f"=Lignes_01[[#This Row],[{AMOUNT}]]*2"
    sheet, (_, top, right, _) = book.sheet("Lignes_03"), book.area("Lignes_03")
    column = sheet.cell(top, right + 2).column
    sheet.cell(top, column).value, sheet.cell(top, column + 1).value = BESIDE, LOST
    amount = book.labels("Lignes_03")[AMOUNT]
    for row in book.rows("Lignes_03"):
        sheet.cell(row, column).value = f"avis {book.get('Lignes_03', row, 'Identifiant')}"
        sheet.cell(row, column + 1).value = f"={sheet.cell(row, amount).coordinate}*2"
    own = book.book.create_sheet("Nos calculs")
    own["A1"] = f"=SUM(Lignes_01[{INSIDE}])"
    lines = book.rows("Lignes_03")
    values = [[sheet.cell(row, number).value for number in range(1, right + 1)] for row in lines]
    marks = [sheet.cell(row, column).value for row in lines]
    for row, content, mark in zip(lines, reversed(values), reversed(marks), strict=True):  # sorted the other way round
        for column_number, value in enumerate(content, 1):
            sheet.cell(row, column_number).value = value
        sheet.cell(row, column).value = mark


def test_own_columns_follow_their_rows_into_a_new_workbook(sent: Path, tmp_path: Path) -> None:
    workspace = find_workspace(Path(shutil.copytree(sent, tmp_path / "contrat")))
    edited(workspace.contrat, own_columns, saved=DAY)
    made = generate(workspace, None, force=True, now=NOW)
    assert made.kept is not None
    assert faults(workspace.contrat.read_bytes()) == []
    assert "colonne-non-reportee" not in {finding.code for finding in made.findings}
    book = Excel(openpyxl.load_workbook(workspace.contrat))

    labels = book.labels("Lignes_01")
    assert list(labels)[-2:] == [INSIDE, TWICE]
    sheet = book.sheet("Lignes_01")
    shares = {book.get("Lignes_01", row, "Exercice"): sheet.cell(row, labels[INSIDE]) for row in book.rows("Lignes_01")}
    assert {year: (cell.value, cell.number_format) for year, cell in shares.items()} == {
        2013: (0.5, "0.0%"), 2015: (0.25, "0.0%"),
    }  # fmt: skip
    formulas = {sheet.cell(row, labels[TWICE]).value for row in book.rows("Lignes_01")}
    assert formulas == {f"=Lignes_01[[#This Row],[{AMOUNT}]]*2"}
    assert book.book["Nos calculs"]["A1"].value == f"=SUM(Lignes_01[{INSIDE}])"

    sheet, (_, top, right, _) = book.sheet("Lignes_03"), book.area("Lignes_03")
    assert [sheet.cell(top, right + offset).value for offset in (2, 3)] == [BESIDE, LOST]
    amount = book.labels("Lignes_03")[AMOUNT]
    for row in book.rows("Lignes_03"):
        assert sheet.cell(row, right + 2).value == f"avis {book.get('Lignes_03', row, 'Identifiant')}"
        assert sheet.cell(row, right + 3).value == f"={sheet.cell(row, amount).coordinate}*2"

    after = load_source(workspace)
    assert after.state.saves.modifications == ()
    assert not [finding for finding in after.findings if finding.bloquant]


def test_what_has_no_row_any_more_is_said_and_stays_in_the_copy(sent: Path, tmp_path: Path) -> None:
    """A row that the contract does not take, since its amount and its name say nothing, has its words in the copy."""
    workspace = find_workspace(Path(shutil.copytree(sent, tmp_path / "contrat")))

    def edit(book: Excel) -> None:
        row = book.add("Lignes_01", Exercice="jamais", **{AMOUNT: "voir Paul"})
        place = add_column(book, "Lignes_01", INSIDE)
        book.sheet("Lignes_01").cell(row, place).value = "à nous"

    edited(workspace.contrat, edit, saved=DAY)
    made = generate(workspace, None, force=True, now=NOW)
    (finding,) = [finding for finding in made.findings if finding.code == "colonne-non-reportee"]
    assert (finding.valeur, finding.place.feuille, finding.bloquant) == (INSIDE, "B01 Éducation", False)
    assert made.kept is not None
    kept = Excel(openpyxl.load_workbook(made.kept))
    assert kept.get("Lignes_01", kept.rows("Lignes_01")[-1], INSIDE) == "à nous"


def test_own_cells_around_our_tables_follow_into_a_new_workbook(sent: Path, tmp_path: Path) -> None:
    """Beside a row, above and under the table; what has no room, and comments, are said with their cells."""
    workspace = find_workspace(Path(shutil.copytree(sent, tmp_path / "contrat")))

    def edit(book: Excel) -> None:
        sheet, (_, top, right, bottom) = book.sheet("Lignes_01"), book.area("Lignes_01")
        sheet.cell(bottom, right + 3).value, sheet.cell(top - 1, right + 2).value = "voir Paul", "avis du comité"
        sheet.cell(bottom + 3, 2).value = "Vérifié en mars"
        sheet.cell(bottom + 3, 3).value = f"=SUM(Lignes_01[{AMOUNT}])"
        sheet.cell(bottom, 3).comment = Comment("Vu", "Anne")
        book.add("Lignes_01", Collectivité="Lucé", Libellé="Ludothèque", Exercice=2016)

    edited(workspace.contrat, edit, saved=DAY)
    made = generate(workspace, None, force=True, now=NOW)
    assert faults(workspace.contrat.read_bytes()) == []
    book = Excel(openpyxl.load_workbook(workspace.contrat))
    sheet, (_, top, right, bottom) = book.sheet("Lignes_01"), book.area("Lignes_01")
    places = {cell.value: (cell.row, cell.column) for line in sheet.iter_rows() for cell in line if cell.value}
    assert places["voir Paul"] == (bottom - 1, right + 3)
    assert places["avis du comité"] == (top - 1, right + 2)
    assert places["Vérifié en mars"] == (bottom + 2, 2)
    assert sheet.cell(bottom + 2, 3).value == f"=SUM(Lignes_01[{AMOUNT}])"
    cells_by_code = {
        finding.code: finding.place.cellule for finding in made.findings if finding.code.endswith("non-reportes")
    }
    assert cells_by_code == {"commentaires-non-reportes": f"C{bottom - 1}"}
