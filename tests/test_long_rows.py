"""Rows given whole to a sheet are read as those written cell by cell: contents, formats, links."""

from __future__ import annotations

import io
from datetime import date, datetime
from typing import Any

import openpyxl
import pytest

from support.contracts import small_rows
from support.masters import contract_of
from tabellion.findings import Place
from tabellion.xlsx import sheets
from tabellion.xlsx.lists import file_link, write_cells
from tabellion.xlsx.sheets import Cell, DroppedValueError, GrownSheet, LongColumn
from tabellion.xlsx.writer import Writer

CONTENTS = (
    None, "Éducation", " espaces autour ", "=1+1", "<a & b>", "deux\nlignes", "_x000D_", 0, -3, 12_345_678.9, 0.1,
    10**12, date(2016, 11, 30), datetime(2016, 11, 30, 9, 30),
)  # fmt: skip


def written(*, whole: bool) -> bytes:
    """A sheet with a title, 40 rows, and a line below them; the rows are given whole or cell by cell."""
    writer = Writer(contract_of(small_rows()).theme)
    sheet = writer.sheet("Liste")
    plain, bold = writer.cell(num_format="@"), writer.cell(bold=True)
    rows = [
        [*(Cell(content, bold if row % 3 else plain) for content in CONTENTS), Cell(f"A{row}", plain, link(row))]
        for row in range(1, 41)
    ]
    sheet.title("Titre", "Sous-titre", len(CONTENTS))
    if whole:
        assert isinstance(sheet.raw, GrownSheet)
        sheet.raw.write_long_rows(4, len(rows), iter(rows))
    else:
        write_cells(sheet, 4, rows)
    sheet.write(50, 0, "dessous", plain)
    for row in (4, 21, 50):
        sheet.fit(row, [("une ligne\nune autre\nla dernière", 0)])
    return writer.close()


def plain(value: Any) -> Any:
    """A value as Excel shows it: openpyxl leaves the escaping of ``_x000D_`` in texts that stand in their cells."""
    return value.replace("_x005F_", "_") if isinstance(value, str) else value


def link(row: int) -> Any:
    return file_link(Place("retours/été 2016.xlsx", "Budget", f"A{row}")) if row % 2 else None


@pytest.fixture(scope="module")
def both() -> tuple[bytes, bytes]:
    return written(whole=True), written(whole=False)


def test_the_same_cells_formats_and_links_are_read(both: tuple[bytes, bytes]) -> None:
    def read(content: bytes) -> list[Any]:
        sheet = openpyxl.load_workbook(io.BytesIO(content))["Liste"]
        return [
            (cell.coordinate, plain(cell.value), cell.data_type, cell.number_format, cell.font.b,
             cell.hyperlink and (cell.hyperlink.target, cell.hyperlink.location))
            for row in sheet.iter_rows() for cell in row
        ]  # fmt: skip

    whole, by_cell = map(read, both)
    assert len(whole) > 40 * len(CONTENTS)
    assert whole == by_cell


def test_rows_are_as_high_as_their_texts(both: tuple[bytes, bytes]) -> None:
    def heights(content: bytes) -> dict[int, float | None]:
        sheet = openpyxl.load_workbook(io.BytesIO(content))["Liste"]
        return {row: sheet.row_dimensions[row].height for row in range(1, 52)}

    whole, cell_by_cell = map(heights, both)
    assert whole == cell_by_cell
    assert [row for row, height in whole.items() if height is not None and height > 30] == [5, 22, 51]


def test_columns_are_read_as_rows_are_and_the_first_links_in_reading_order_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sheets, "MOST_LINKS", 5)
    writer = Writer(contract_of(small_rows()).theme)
    sheet, style = writer.sheet("Liste"), writer.cell()
    sheet.write(0, 0, "Titre", style)
    columns = [
        LongColumn(range(1, 9), lambda row: Cell(f"A{row}", style, link(2 * row + 1))),
        LongColumn((letter for letter in "aabbccdd"), lambda letter: Cell(letter, style)),
        LongColumn(range(1, 9), lambda row: Cell(row / 4, style, link(2 * row + 1))),
    ]
    assert isinstance(sheet.raw, GrownSheet)
    sheet.raw.write_long_columns(2, 8, columns)
    content = writer.close()
    read = openpyxl.load_workbook(io.BytesIO(content))["Liste"]
    rows = [tuple(cell.value for cell in row) for row in read.iter_rows(min_row=3)]
    assert rows == [(f"A{row}", letter, row / 4) for row, letter in enumerate("aabbccdd", 1)]
    # What the sheet declares, which a program that reads row by row believes.
    assert openpyxl.load_workbook(io.BytesIO(content), read_only=True)["Liste"].max_row == 10
    linked = [cell.coordinate for row in read.iter_rows() for cell in row if cell.hyperlink]
    assert linked == ["A3", "C3", "A4", "C4", "A5"]


def test_a_long_table_covers_all_its_rows_and_one_beyond_the_sheet_is_refused() -> None:
    writer = Writer(contract_of(small_rows()).theme)
    sheet = writer.sheet("Liste")
    sheet.table("Essai", 4, 1, 100_000, ["Un", "Deux"])
    with pytest.raises(DroppedValueError):
        sheet.table("Trop", 4, 5, 2**20, ["Trois"])
    (table,) = openpyxl.load_workbook(io.BytesIO(writer.close()))["Liste"].tables.values()
    assert (table.ref, table.autoFilter.ref) == ("B5:C100005", "B5:C100005")
