"""Which rows of which sheets have to move so that tables lose some lines and gain others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from lxml import etree

from tabellion.addresses import MAX_ROWS
from tabellion.xlsx.inplace.editor import TemplateCell, WorkbookEditor
from tabellion.xlsx.inplace.grid import Grid, StoredValue, TypedContent
from tabellion.xlsx.inplace.moves import Area, RowMove, area_name, parse_areas
from tabellion.xlsx.inplace.parts import ExcelTable
from tabellion.xlsx.trees import Element

#: A line to add: what the caller counts it under, and its values by column.
PlannedLine = tuple[int, Mapping[int, TypedContent]]


@dataclass(frozen=True)
class TablePlan:
    """What is to be done with one table: rows in addresses of before the move.

    ``blanks`` are blank rows of the table that the first of its ``lines`` fill, ``cleared`` the cells to blank,
    ``template`` and ``like`` what new rows take from the table, ``lost`` what stands in rows that are removed.
    """

    table: ExcelTable
    move: RowMove | None
    lines: tuple[PlannedLine, ...]
    blanks: tuple[int, ...]
    cleared: tuple[tuple[int, int], ...]
    template: Mapping[int, TemplateCell]
    like: Element | None
    lost: Mapping[tuple[str, int, int], StoredValue]

    @property
    def sheet(self) -> str:
        """The sheet of the table."""
        return self.table.sheet

    def blank_rows(self) -> list[int]:
        """The blank rows to fill, where they stand after the move."""
        if self.move is None:
            return list(self.blanks)
        return [target for row in self.blanks if (target := self.move.row(row)) is not None]


@dataclass
class _Work:
    table: ExcelTable
    removed: set[int] = field(default_factory=set)
    lines: list[PlannedLine] = field(default_factory=list)


def plan_moves(
    editor: WorkbookEditor,
    removed: Iterable[tuple[str, int, int, int]],
    added: Sequence[tuple[str, int, Sequence[Mapping[int, TypedContent]]]],
) -> list[list[TablePlan]]:
    """Plans in the order in which they are to be made: of each sheet from its last table to its first, so that the rows
    of a plan are still where they were; those of different sheets together.

    ``removed`` are rows by sheet, row, a column, and the row of their header (0: not known); ``added`` are lines by
    sheet and header row. Raises ``ValueError``
    for a header or a row of totals that is to be removed.
    """
    works: dict[tuple[str, str], _Work] = {}

    def work_of(table: ExcelTable) -> _Work:
        key = table.sheet.casefold(), table.part or area_name((*table.area[:2], *table.area[:2]))
        return works.setdefault(key, _Work(table))

    for sheet, row, column, header_row in removed:
        work_of(_table_of_row(editor, sheet, row, column, header_row)).removed.add(row)
    for number, (sheet, header_row, lines) in enumerate(added):
        columns = sorted({column for line in lines for column in line})
        if columns:
            work_of(_table_under(editor, sheet, header_row, columns)).lines += [(number, line) for line in lines]
    by_sheet: dict[str, list[_Work]] = defaultdict(list)
    for work in sorted(works.values(), key=lambda work: work.table.area, reverse=True):
        by_sheet[work.table.sheet.casefold()].append(work)
    passes = max((len(tables) for tables in by_sheet.values()), default=0)
    return [
        [_plan(editor, tables[rank]) for tables in by_sheet.values() if rank < len(tables)] for rank in range(passes)
    ]


def _table_of_row(editor: WorkbookEditor, sheet: str, row: int, column: int, header_row: int) -> ExcelTable:
    """The table of a row to remove: the one that it is in, or right above it; the row alone when there is none."""
    tables = editor.parts.tables_of(sheet)
    for table in tables:
        if table.holds(row, column):
            if not table.first_row <= row <= table.last_row:
                raise ValueError(f"{sheet}: row {row} is no line of {table.name}")
            return table
    above = [table for table in tables if table.area[1] <= column <= table.area[3] and table.area[2] < row]
    if above:
        return max(above, key=lambda table: table.area[2])
    if header_row:
        return _table_under(editor, sheet, header_row, [column])
    return _area_table(sheet, (row, column, row, column))


def _table_under(editor: WorkbookEditor, sheet: str, header_row: int, columns: Sequence[int]) -> ExcelTable:
    """The Excel table under a header; where somebody undid it, what stands under the header, to the first blank row and
    as wide as the headers go.
    """
    for table in editor.parts.tables_of(sheet):
        top, left, _, right = table.area
        if top == header_row and any(left <= column <= right for column in columns):
            return table
    grid, left, right, last = editor.parts.grid(sheet), columns[0], columns[-1], header_row
    while left > 1 and not _is_blank(editor, grid, sheet, (header_row, left - 1, header_row, left - 1)):
        left -= 1
    while not _is_blank(editor, grid, sheet, (header_row, right + 1, header_row, right + 1)):
        right += 1
    while not _is_blank(editor, grid, sheet, (last + 1, left, last + 1, right)):
        last += 1
    return _area_table(sheet, (header_row, left, max(last, header_row + 1), right))


def _area_table(sheet: str, area: Area) -> ExcelTable:
    """An area that is not an Excel table, treated as one."""
    return ExcelTable("", sheet, etree.Element("table", ref=area_name(area)))


def _plan(editor: WorkbookEditor, work: _Work) -> TablePlan:
    table, removed = work.table, set(work.removed)
    rows = range(table.first_row, table.last_row + 1)
    cleared: list[tuple[int, int]] = []
    if table.part and removed.issuperset(rows):
        removed.discard(rows[0])  # an Excel table has at least one row
        cleared = _constants(editor, table, rows[0])
    blanks = _blank_rows(editor, table, removed, {rows[0]} if cleared else set())[: len(work.lines)]
    count = len(work.lines) - len(blanks)
    move = _move(editor, table, removed, count) if removed or count else None
    grid = editor.parts.grid(table.sheet)
    staying = [row for row in rows if row not in removed]
    whole = move is not None and move.whole
    template = editor.template(table, removed, beside=whole) if count else {}
    like = grid.row(staying[-1]) if whole and count and staying else None
    lost = {}
    for row in removed | ({rows[0]} if cleared else set()):
        for column in grid.cells_of(row):
            value = editor.parts.value(table.sheet, row, column)
            inside = move is None or move.left <= column <= move.right
            if value is not None and inside and (row in removed or (row, column) in cleared):
                lost[table.sheet, row, column] = value
    return TablePlan(table, move, tuple(work.lines), tuple(blanks), tuple(cleared), template, like, lost)


def _constants(editor: WorkbookEditor, table: ExcelTable, row: int) -> list[tuple[int, int]]:
    """The cells of a row of a table that hold something typed."""
    grid, (_, left, _, right) = editor.parts.grid(table.sheet), table.area
    cells = grid.cells_of(row).items()
    return [
        (row, column)
        for column, cell in cells
        if left <= column <= right
        and cell.find("{*}f") is None
        and editor.parts.value(table.sheet, row, column) not in (None, "")
    ]


def _blank_rows(editor: WorkbookEditor, table: ExcelTable, removed: set[int], cleared: set[int]) -> list[int]:
    """The blank rows at the end of a table, in order."""
    blanks: list[int] = []
    for row in range(table.last_row, table.first_row - 1, -1):
        if row in removed:
            continue
        if row not in cleared and _constants(editor, table, row):
            break
        blanks.append(row)
    return blanks[::-1]


def _move(editor: WorkbookEditor, table: ExcelTable, removed: set[int], count: int) -> RowMove:
    """Whole rows where the table has its rows for itself; its columns only where other tables stand beside it."""
    top, left, bottom, right = table.area
    last = max([bottom, *removed])
    beside = [
        other
        for other in editor.parts.tables_of(table.sheet)
        if other.part != table.part and other.area[0] <= last and top <= other.area[2]
    ]
    sheet, after, first = table.sheet, table.last_row, table.first_row
    grid, more = editor.parts.grid(sheet), count - len(removed)
    others = [place for place in grid.cells_of(top) if not left <= place <= right] if not table.part else []
    if not beside and all(_is_blank(editor, grid, sheet, (top, place, top, place)) for place in others):
        return RowMove(sheet, frozenset(removed), after, count, first)
    if more <= 0 or _is_blank(editor, grid, sheet, (last + 1, left, last + more + 1, right)):
        return RowMove(sheet, frozenset(removed), after, count, first, left, right, last)
    if not _tears(editor, grid, table, last):
        return RowMove(sheet, frozenset(removed), after, count, first, left, right, MAX_ROWS)
    return RowMove(sheet, frozenset(removed), after, count, first)


def _is_blank(editor: WorkbookEditor, grid: Grid, sheet: str, area: Area) -> bool:
    """Whether nothing stands in an area."""
    top, left, bottom, right = area
    for row in range(top, bottom + 1):
        for column, cell in grid.cells_of(row).items():
            if left <= column <= right and (
                cell.find("{*}f") is not None or editor.parts.value(sheet, row, column) not in (None, "")
            ):
                return False
    return True


def _tears(editor: WorkbookEditor, grid: Grid, table: ExcelTable, last: int) -> bool:
    """Whether something under a table is partly in its columns, and would be torn if they moved alone."""
    _, left, _, right = table.area
    merges = [parse_areas(merge.get("ref", "")) for merge in grid.root.iterfind("{*}mergeCells/{*}mergeCell")]
    areas = [other.area for other in editor.parts.tables_of(table.sheet)] + [area for areas in merges for area in areas]
    return any(
        area[2] > last and area[1] <= right and left <= area[3] and not (left <= area[1] and area[3] <= right)
        for area in areas
    )
