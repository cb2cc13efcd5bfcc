"""A line that somebody typed under its table: what it holds, to be put into the table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tabellion.addresses import cell_name
from tabellion.xlsx.inplace.grid import StoredValue
from tabellion.xlsx.inplace.parts import Parts
from tabellion.xlsx.trees import whole_number


@dataclass(frozen=True)
class LineBelow:
    """The values of a line by column, and the styles that somebody gave its cells."""

    values: Mapping[int, StoredValue]
    styles: Mapping[int, int]


def below_table(parts: Parts, sheet: str, header_row: int, row: int, column: int) -> LineBelow | None:
    """The line in a row under the table that has its header there, and this column.

    ``None`` where it could not be moved whole: what stands beside the table's columns, or a comment, would not come
    along. The table computes its own columns.
    """
    tables = [
        table
        for table in parts.tables_of(sheet)
        if table.area[0] == header_row and table.area[1] <= column <= table.area[3] and table.last_row < row
    ]
    cells = {
        column: cell
        for column, cell in parts.grid(sheet).cells_of(row).items()
        if cell.find("{*}f") is not None or parts.value(sheet, row, column) not in (None, "")
    }
    if len(tables) != 1 or tables[0].totals_rows:
        return None
    (table,) = tables
    top, left, _, right = table.area
    others = [other for other in parts.tables_of(sheet) if other.part != table.part and other.area[0] <= row]
    if any(top <= other.area[2] for other in others):  # rows move in the table's columns alone
        cells = {column: cell for column, cell in cells.items() if left <= column <= right}
    names = {cell_name(row, column) for column in cells}
    part = parts.sheets[sheet.casefold()].part
    comments = [
        comment.get("ref")
        for note in parts.related(part, "comments")
        for comment in parts.tree(note).iterfind("{*}commentList/{*}comment")
    ]
    if names & set(comments) or not all(left <= column <= right for column in cells):
        return None
    own = {column for column, cell in cells.items() if cell.find("{*}f") is None or column not in table.calculated()}
    plain = {cell.get("s", "0") for cell in parts.grid(sheet).cells_of(table.last_row).values()} | {"0"}
    styles = {column: whole_number(cell.get("s")) for column, cell in cells.items() if cell.get("s", "0") not in plain}
    return LineBelow({column: parts.value(sheet, row, column) for column in sorted(own)}, styles)
