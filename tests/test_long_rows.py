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
from tabellion.outputs.consolidated.links import file_link
from tabellion.outputs.consolidated.listing import write_cells
from tabellion.outputs.consolidated.long_rows import ListPen, LongSheet
from tabellion.outputs.consolidated.palette import Cell

CONTENTS = (
    None, "Éducation", " espaces autour ", "=1+1", "<a & b>", "deux\nlignes", "_x000D_", 0, -3, 12_345_678.9, 0.1,
    10**12, date(2016, 11, 30), datetime(2016, 11, 30, 9, 30),
)  # fmt: skip


def written(*, whole: bool) -> bytes:
    """A sheet with a title, 40 rows, and a line below them; the rows are given whole or cell by cell."""
    pen = ListPen(contract_of(small_rows()).look)
    sheet = pen.sheet("Liste")
    plain, bold = pen.cell(num_format="@"), pen.cell(bold=True)
    rows = [
        [*(Cell(each, bold if row % 3 else plain) for each in CONTENTS), Cell(f"A{row}", plain, link(row))]
        for row in range(1, 41)
    ]
    sheet.title("Titre", "Sous-titre", len(CONTENTS))
    if whole:
        assert isinstance(sheet.raw, LongSheet)
        sheet.raw.write_long_rows(4, len(rows), iter(rows))
    else:
        write_cells(sheet, 4, rows)
    sheet.write(50, 0, "dessous", plain)
    return pen.close()


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
