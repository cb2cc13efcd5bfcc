"""Changes of a contract made in its own workbook: cells edited, lines added to tables and removed, the hidden identity.

:func:`patch_tables` takes a workbook's bytes and the changes by address, and gives the bytes of the same workbook in
which exactly these changes are made. Everything else stays: byte for byte in the parts that no change concerns.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from tabellion.addresses import cell_name
from tabellion.layout.names import FORMULAS_COLUMN, IDENTITY, KnownFormula
from tabellion.reading.hidden import word
from tabellion.xlsx import signature
from tabellion.xlsx.inplace.editor import WorkbookEditor
from tabellion.xlsx.inplace.fresh import fresh_values
from tabellion.xlsx.inplace.grid import Formula, StoredValue, TypedContent
from tabellion.xlsx.inplace.moves import RowMove
from tabellion.xlsx.inplace.parts import Parts
from tabellion.xlsx.inplace.planning import TablePlan, plan_moves
from tabellion.xlsx.inplace.stale import Spot
from tabellion.xlsx.styles import StyleSheet
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


#: Days from which dates are counted, by whether the workbook counts from 1904.
_FIRST_DAYS = {False: date(1899, 12, 30), True: date(1904, 1, 1)}
#: Number formats that say nothing of a number: general, and text.
_PLAIN_FORMATS = (0, 49)


@dataclass(frozen=True, slots=True)
class CellEdit:
    """A cell's new value. Rows and columns are one-based, as the workbook has them before the changes. A formula stays,
    unless ``over_formula``.

    ``number_format`` is given to a cell whose format is general or text, when the value is a number or a date.
    """

    sheet: str
    row: int
    column: int
    value: TypedContent
    number_format: str = ""
    over_formula: bool = False


@dataclass(frozen=True, slots=True)
class AddedRows:
    """Lines for the end of the table whose header is on ``header_row``: the values of each by column."""

    sheet: str
    header_row: int
    rows: Sequence[Mapping[int, TypedContent]]


@dataclass(frozen=True, slots=True)
class RowToRemove:
    """A line to remove; ``column`` is any column of its table, which may have others beside it.

    ``header_row`` is asked only where the Excel table was undone and others stand beside it.
    """

    sheet: str
    row: int
    column: int
    header_row: int = 0


@dataclass(frozen=True, slots=True)
class RowBelow:
    """A line that stands under its table, whose header is on ``header_row``, and that goes to the end of it.

    ``column`` is any column of the table.
    """

    sheet: str
    header_row: int
    row: int
    column: int


@dataclass(frozen=True)
class Changes:
    """All that is to change. ``identity`` gives keys of the hidden sheet new values, or adds them.

    ``listed`` are formulas to add to its list, and ``unlisted`` the (table, row key) whose formulas leave it: those
    of added and removed rows that are computed each on its own. ``computed`` are the values of formulas that the
    caller knows, by sheet, row and column **after** the changes. ``fresh`` is a workbook that the program has written
    of the contract as changed: it gives the values of the program's own formulas. ``titles`` are those of sheets, in
    their first cell, by the ones that they replace. ``below`` are lines to take into
    their tables; one with a comment, or with cells beside the table's columns, stays where it is.
    """

    cells: Sequence[CellEdit] = ()
    added: Sequence[AddedRows] = ()
    removed: Sequence[RowToRemove] = ()
    identity: Mapping[str, str] = field(default_factory=dict)
    listed: Sequence[KnownFormula] = ()
    unlisted: Sequence[tuple[str, str]] = ()
    computed: Mapping[tuple[str, int, int], StoredValue] = field(default_factory=dict)
    fresh: bytes = b""
    titles: Mapping[str, str] = field(default_factory=dict)
    below: Sequence[RowBelow] = ()


@dataclass(frozen=True)
class Patched:
    """The changed workbook, and what became of the changes.

    ``added`` are the rows of each of ``Changes.added``, in order; ``lost`` what stood in removed rows, by sheet, row
    and column of before; ``uncomputed`` the formulas (by sheet, row and column of after) left without a value until it
    is computed.
    """

    data: bytes
    added: tuple[tuple[int, ...], ...] = ()
    lost: Mapping[tuple[str, int, int], StoredValue] = field(default_factory=dict)
    uncomputed: frozenset[tuple[str, int, int]] = frozenset()
    moves: tuple[RowMove, ...] = ()

    def row(self, sheet: str, row: int, column: int) -> int | None:
        """Where a cell of before stands now; ``None`` when its row was removed."""
        return _followed(self.moves, sheet, row, column)


def patch_tables(data: bytes, changes: Changes) -> Patched:
    """The workbook ``data`` with these changes; the same bytes when they change nothing.

    A workbook that was as the program wrote it is signed again; an edited one stays unsigned. Raises
    ``TabellionError`` for bytes that are not a workbook that can be read; ``KeyError`` for a sheet that is not there;
    ``ValueError`` for rows that are none of a table's.
    """
    patch = _Patch(WorkbookEditor(data), changes)
    names = patch.editor.parts.sheets
    uncomputed = frozenset((names[sheet].name, row, column) for sheet, row, column in patch.run())
    if not patch.editor.touched:
        return Patched(data, patch.added)
    changed = patch.editor.to_bytes()
    if signature.is_intact(data):
        changed = signature.sign_again(changed)
    return Patched(changed, patch.added, patch.lost, uncomputed, tuple(patch.moves))


def with_computed(data: bytes, computed: Mapping[tuple[str, int, int], StoredValue]) -> bytes:
    """The workbook with these values beside its formulas, by sheet, row and column."""
    return patch_tables(data, Changes(computed=computed)).data


class _Patch:
    """One workbook's changes, made in an order in which addresses stay true: cells, then tables from the bottom up."""

    def __init__(self, editor: WorkbookEditor, changes: Changes) -> None:
        self.editor, self.changes = editor, changes
        self.lost: dict[tuple[str, int, int], StoredValue] = {}
        self.moves: list[RowMove] = []
        self.rows: dict[int, list[int]] = defaultdict(list)
        self.lines: list[tuple[str, int, Sequence[Mapping[int, TypedContent]]]] = []
        self.styles: StyleSheet | None = None
        properties = editor.parts.tree(editor.parts.package.workbook).find("{*}workbookPr")
        self.from_1904 = properties is not None and properties.get("date1904") in ("1", "true")

    @property
    def added(self) -> tuple[tuple[int, ...], ...]:
        """The rows of each group of lines, where they stand now."""
        return tuple(tuple(self.rows[number]) for number in range(len(self.changes.added)))

    def run(self) -> set[Spot]:
        """Make every change; returns the formulas that are left without a value."""
        for edit in self.changes.cells:
            self.edit(edit)
        for sheet in self.editor.parts.worksheets if self.changes.titles else ():
            title = self.changes.titles.get(str(self.editor.parts.value(sheet.name, 1, 1)))
            if title is not None:
                self.editor.set_value(sheet.name, 1, 1, title)
        removed = [(line.sheet, line.row, line.column, line.header_row) for line in self.changes.removed]
        added = self.lines = [(lines.sheet, lines.header_row, lines.rows) for lines in self.changes.added]
        styles = list[tuple[int, Mapping[int, int]]]()
        for below in self.changes.below:
            line = below_table(self.editor.parts, below.sheet, below.header_row, below.row, below.column)
            if line is not None:
                removed.append((below.sheet, below.row, below.column, below.header_row))
                styles.append((len(added), line.styles))
                added.append((below.sheet, below.header_row, [line.values]))
        for plans in plan_moves(self.editor, removed, added):
            self.make(plans)
        for number, of_row in styles:
            for row in self.rows[number]:
                for column, style in of_row.items():
                    self.editor.set_style(added[number][0], row, column, style)
        self.identify()
        if self.styles is not None:
            self.styles.save()
        stale, fresh = self.editor.stale(), self.changes.fresh
        computed = fresh_values(self.editor.parts, stale, fresh) if stale and fresh else {}
        return self.editor.finish(stale, computed | dict(self.changes.computed))

    def edit(self, edit: CellEdit) -> None:
        """Put one value in its cell."""
        sheet, row, column = edit.sheet, edit.row, edit.column
        is_put = self.put(sheet, row, column, edit.value, over_formula=edit.over_formula)
        is_number = isinstance(edit.value, date | int | float) and not isinstance(edit.value, bool)
        if is_put and edit.number_format and is_number:
            self.styles = self.styles or StyleSheet(self.editor.parts.package)
            cell = self.editor.parts.grid(sheet).cell(row, column)
            style = whole_number(cell.get("s"))
            if self.styles.number_format(style) in _PLAIN_FORMATS:
                self.editor.set_style(sheet, row, column, self.styles.numbered(style, edit.number_format))

    def put(self, sheet: str, row: int, column: int, content: TypedContent, *, over_formula: bool) -> bool:
        """Put a content in a cell; whether it is there now."""
        if isinstance(content, Formula):
            self.editor.set_formula(sheet, row, column, content.text, content.value)
            return True
        if isinstance(content, date):
            content = self.serial(content)
        return self.editor.set_value(sheet, row, column, content, over_formula=over_formula)

    def serial(self, day: date) -> float:
        """A date, or a moment, as the number that the workbook has for it."""
        whole = day.date() if isinstance(day, datetime) else day
        days = float((whole - _FIRST_DAYS[self.from_1904]).days)
        if isinstance(day, datetime):
            days += (day.hour * 3600 + day.minute * 60 + day.second) / 86_400
        return days

    def make(self, plans: Sequence[TablePlan]) -> None:
        """Carry out plans of different sheets: one table of each."""
        for plan in plans:
            self.lost |= plan.lost
            for row, column in plan.cleared:
                self.editor.set_value(plan.sheet, row, column, None)
        moves = [plan.move for plan in plans if plan.move is not None]
        if moves:
            self.editor.move(moves)
            self.follow(moves)
        for plan in plans:
            new = list(plan.move.inserted) if plan.move is not None else []
            for row in new:
                self.editor.fill_row(plan.table, row, plan.template, plan.like)
            targets = [*plan.blank_rows(), *new]
            for (group, values), row in zip(plan.lines, targets, strict=True):
                for column, content in values.items():
                    self.put(plan.sheet, row, column, content, over_formula=True)
                self.rows[group].append(row)

    def follow(self, moves: Sequence[RowMove]) -> None:
        """Let the rows that were added before follow a move."""
        self.moves += moves
        for number, (sheet, _, lines) in enumerate(self.lines):
            column = min((column for line in lines for column in line), default=1)
            self.rows[number] = [
                target for row in self.rows[number] if (target := _followed(moves, sheet, row, column)) is not None
            ]

    def identify(self) -> None:
        """Write the hidden identity, and its list of formulas."""
        changes, editor = self.changes, self.editor
        if not (changes.identity or changes.listed or changes.unlisted):
            return
        first = FORMULAS_COLUMN + 1
        last = max(editor.parts.grid(IDENTITY).row_numbers(), default=1)
        words = {
            row: [word(editor.parts.value(IDENTITY, row, column)) for column in range(1, first + 4)]
            for row in range(1, last + 1)
        }
        keys = {line[0]: row for row, line in words.items() if line[0]}
        end = max(keys.values(), default=1)
        for key, value in changes.identity.items():
            if key not in keys:
                end += 1
                keys[key] = end
                editor.set_value(IDENTITY, end, 1, key)
            editor.set_value(IDENTITY, keys[key], 2, value)
        unlisted = set(changes.unlisted)
        for row, line in words.items():
            if row > 1 and (line[first - 1], line[first]) in unlisted:
                for column in range(first, first + 4):
                    editor.set_value(IDENTITY, row, column, None)
        used = [row for row, line in words.items() if line[first + 1]]
        for row, listed in enumerate(changes.listed, max(used, default=1) + 1):
            for column, text in enumerate((listed.table, listed.key, listed.column, listed.formula), first):
                editor.set_value(IDENTITY, row, column, text or None)


def _followed(moves: Sequence[RowMove], sheet: str, row: int, column: int) -> int | None:
    """Where a cell goes through moves made one after the other."""
    target: int | None = row
    for move in moves:
        if target is not None and move.sheet.casefold() == sheet.casefold():
            target = move.cell(target, column)
    return target
