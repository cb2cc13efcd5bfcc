"""A sheet that is a list: its title, an Excel table with filters, rows as high as their texts, ready to print."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tabellion.xlsx.cells import CellMaker
from tabellion.xlsx.sheets import MOST_LINKS, Cell, FileUrl, LongColumn, itself
from tabellion.xlsx.writer import Sheet, Writer

#: Above this many rows, each takes one line: measuring texts would cost more than all the rest, and a list of
#: thousands is read by its filters.
WRAPPED_ROWS = 3_000
#: The zero-based row of the first table's header: a title, a subtitle, a line of notes, a blank line.
FIRST_ROW = 4


@dataclass(frozen=True)
class Column:
    """One column of a list: its header, its width in characters, how its header stands, and its cells.

    ``key`` takes from a row what its cell depends on, and ``cell`` makes the cell of that.
    """

    label: str
    width: float
    align: str = "left"
    key: Callable[[Any], Any] = itself
    cell: Callable[[Any], Cell] = itself


def maker_for(writer: Writer, rows: int) -> CellMaker:
    """The maker of a list of so many rows."""
    return CellMaker(writer, wrapped=rows <= WRAPPED_ROWS)


def write_list(
    sheet: Sheet,
    name: str,
    row: int,
    columns: Sequence[Column],
    rows: Iterable[Sequence[Cell]],
    *,
    empty: str,
    count: int | None = None,
) -> int:
    """Write an Excel table named ``name`` with its header at the zero-based ``row``; ``empty`` is what it says when it
    has no row. Returns the last row of the table.

    ``count`` is the number of ``rows`` where these are made one by one, as those of long lists are.
    """
    if count is None:
        rows = list(rows)
        count = len(rows)
    last = _write_header(sheet, name, row, columns, count, empty)
    if count > WRAPPED_ROWS:
        sheet.raw.write_long_rows(row + 1, count, rows)
    else:
        shown = list(rows)
        write_cells(sheet, row + 1, shown)
        fit_cells(sheet, row + 1, shown)
    return last


def write_columns(
    sheet: Sheet, name: str, row: int, columns: Sequence[Column], rows: Sequence[Any], *, empty: str
) -> int:
    """The same, of rows whose cells the columns make."""
    cells = [
        LongColumn(map(column.cell, rows), itself)  # rows may have no hash, their cells have one
        if column.key is itself
        else LongColumn(map(column.key, rows), column.cell)
        for column in columns
    ]
    return write_long_list(sheet, name, row, columns, cells, len(rows), empty=empty)


def write_long_list(
    sheet: Sheet,
    name: str,
    row: int,
    columns: Sequence[Column],
    cells: Sequence[LongColumn],
    count: int,
    *,
    empty: str = "",
) -> int:
    """The same, of ``count`` rows given column by column: what a list of 100,000 is best made of."""
    if count <= WRAPPED_ROWS:
        rows = zip(*(map(column.cell, column.keys) for column in cells), strict=True)
        return write_list(sheet, name, row, columns, rows, empty=empty, count=count)
    sheet.raw.write_long_columns(row + 1, count, cells)
    return _write_header(sheet, name, row, columns, count, empty)


def _write_header(sheet: Sheet, name: str, row: int, columns: Sequence[Column], count: int, empty: str) -> int:
    """Write the table's header and the row that says that it has none; returns its last row."""
    labels = [column.label for column in columns]
    aligned = {column.label: column.align for column in columns if column.align != "left"}
    last = row + max(1, count)
    sheet.table(name, row, 0, last - row, labels, aligned=aligned)
    if not count:
        blank = CellMaker(sheet.writer)
        for column in range(len(columns)):
            sheet.write(last, column, empty if column == 0 else None, blank.line(None).style)
    sheet.set_widths((place, column.width) for place, column in enumerate(columns))
    return last


def write_cells(sheet: Sheet, first_row: int, rows: Sequence[Sequence[Cell]]) -> None:
    """Write rows of cells. Beyond the number of links that a sheet may have, the words stay and lead nowhere."""
    raw, write = sheet.raw, sheet.write
    for row, cells in enumerate(rows, first_row):
        for column, (content, style, link) in enumerate(cells):
            if link is not None and raw.hlink_count < MOST_LINKS:
                sheet.open_link(row, column, FileUrl(link), str(content), style)
            else:
                write(row, column, content, style)


def fit_cells(sheet: Sheet, first_row: int, rows: Sequence[Sequence[Cell]]) -> None:
    """Make rows as high as their wrapped texts."""
    for row, cells in enumerate(rows, first_row):
        texts = [(cell.content, column) for column, cell in enumerate(cells) if cell.style.text_wrap]
        sheet.fit(row, texts)


def finish(sheet: Sheet, footer: str, columns: int = 0, header: int = FIRST_ROW) -> None:
    """Freeze the header (and the first ``columns``) and set the sheet up for print."""
    sheet.raw.freeze_panes(header + 1, columns)
    sheet.print_setup((header, header), footer)


def note(sheet: Sheet, row: int, text: str) -> None:
    """A line of explanation above a table."""
    sheet.write(row, 0, text, sheet.writer.format(italic=True, valign="vcenter"))
