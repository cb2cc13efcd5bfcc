"""What stands in a form around its answers: cells under a merge, hidden ones, notes, what is beside a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tabellion.addresses import parse_range
from tabellion.layout.forms import BASELINE, GUIDE, LISTS, SPELLINGS, TOTALS
from tabellion.layout.names import IDENTITY, is_annotations
from tabellion.reading.form import FormTable, ParsedForm
from tabellion.reading.headers import is_blank
from tabellion.reading.raw import CellAddress, RawSheet, RawValue
from tabellion.reading.tables import named_cell
from tabellion.schema.forms import COMPUTED_ROLES, ColumnSpec, Role
from tabellion.schema.table import Field

#: The sheets of a form that hold no answers.
_OWN = frozenset((GUIDE, SPELLINGS, TOTALS, LISTS, BASELINE, IDENTITY))
#: Of merges that lie over each other, as only a made file has them, so many cells are looked at.
_MOST_MERGED = 200_000
#: How many rows above its headers a table's title, purpose, counter and bands take.
_TOP = 4


class AnswerCell(NamedTuple):
    """A cell that the partner may fill: its column, its position among the lines, its one-based row and column."""

    column: ColumnSpec
    field: Field
    label: str
    position: int
    row: int
    place: int

    @property
    def address(self) -> CellAddress:
        """Its row and column."""
        return self.row, self.place

    @property
    def is_number(self) -> bool:
        """Whether an amount, or another number, is expected."""
        return self.field.kind in ("money", "integer", "percent")


def answer_cells(table: FormTable, reading: ParsedForm) -> Iterator[AnswerCell]:
    """The cells of a table that the partner may fill, column by column, down its lines."""
    for column in table.spec.columns:
        field = table.spec.field(column, reading.schemas)
        label = table.spec.label(column, reading.schemas)
        place = table.area.columns.get(label)
        if field is None or place is None or column.role in (*COMPUTED_ROLES, Role.KEY):
            continue
        for position, row in enumerate(table.lines):
            if table.spec.editable(column, spare=table.row_ids[position] is None):
                yield AnswerCell(column, field, label, position, row, place)


def covered_cells(sheet: RawSheet) -> dict[CellAddress, str]:
    """The cells that a merge covers, all but its first one, each with the range of the merge."""
    covered: dict[CellAddress, str] = {}
    left, last_row = _MOST_MERGED, len(sheet.rows)
    last_column = len(sheet.rows[0]) if sheet.rows else 0
    for ref in sheet.merged:
        try:
            top, first, bottom, last = parse_range(ref.replace("$", ""))
        except ValueError:
            continue
        for row in range(top, min(bottom, last_row) + 1):
            for column in range(first, min(last, last_column) + 1):
                if (row, column) != (top, first):
                    covered[row, column] = ref
                left -= 1
                if left <= 0:
                    return covered
    return covered


def beside(reading: ParsedForm) -> Iterator[tuple[RawSheet, CellAddress, RawValue]]:
    """The cells that are filled on the sheets of tables, and that belong to none of them nor to what is above it."""
    named = [named_cell(reading.workbook, formula.column) for formula in reading.formulas if not formula.table]
    computed = {(cell[0].name, cell[1], cell[2]) for cell in named if cell is not None}
    sheets: dict[str, tuple[RawSheet, list[FormTable]]] = {}
    for table in reading.tables.values():
        sheets.setdefault(table.area.sheet.name, (table.area.sheet, []))[1].append(table)
    for sheet, tables in sheets.values():
        spans = [(table.area.header_row, _span(table), *_corner(table)) for table in tables]
        every = range(1, len(sheet.rows[0]) + 1 if sheet.rows else 1)
        outside = [column for column in every if not any(column in span for _, span, *_ in spans)]
        under = max(header for header, *_ in spans)
        for row, line in enumerate(sheet.rows, 1):
            for column in every if row < under else outside:
                value = line[column - 1]
                if value is None or any(_is_own(row, column, *where) for where in spans) or is_blank(value):
                    continue
                if (sheet.name, row, column) not in computed:
                    yield sheet, (row, column), value


def _span(table: FormTable) -> range:
    """The columns of a table, from its first to its last."""
    area = table.area
    excel = next((table for table in area.sheet.tables if table.name == area.found_name), None)
    places = [*area.columns.values(), *((excel.first_column, excel.last_column) if excel is not None else ())]
    return range(min(places), max(places) + 1)


def _corner(table: FormTable) -> tuple[int, int]:
    """The columns of the title above a table and of the way back to the guide: columns that were inserted move them."""
    row = table.area.header_row - _TOP
    line = table.area.sheet.rows[row - 1] if 0 < row <= len(table.area.sheet.rows) else []
    start = next((column for column, value in enumerate(line, 1) if not is_blank(value)), _span(table).start)
    return start, start + table.spec.last_shown


def _is_own(row: int, column: int, header: int, span: range, start: int, link: int) -> bool:
    """Whether a cell is of a table, or of the title, the purpose and the counter above it."""
    if row >= header - 1:  # above the headers, the words of the columns to fill
        return column in span
    corner = {(-_TOP, 0), (1 - _TOP, 0), (2 - _TOP, 0), (2 - _TOP, 1), (2 - _TOP, link - start)}
    return (row - header, column - start) in corner


def added_sheets(reading: ParsedForm) -> Iterator[RawSheet]:
    """The sheets that are not of the form, and hold something."""
    read = {table.area.sheet.name for table in reading.tables.values()}
    for sheet in reading.workbook.sheets:
        if sheet.name not in read | _OWN and not is_annotations(sheet.name) and sheet.rows:
            yield sheet
