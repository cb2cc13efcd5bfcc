"""The engine: cells set, rows put in and taken out, computed values given or dropped, in the parts of one workbook.

Moves are made one after the other; each lets everything in the workbook that names the moved rows follow.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lxml import etree

from tabellion.addresses import shifted
from tabellion.xlsx.inplace.grid import StoredValue
from tabellion.xlsx.inplace.moves import RowMove, parse_areas
from tabellion.xlsx.inplace.objects import follow_objects, refresh_pivots
from tabellion.xlsx.inplace.parts import ExcelTable, Parts
from tabellion.xlsx.inplace.references import Anchor, moved
from tabellion.xlsx.inplace.rules import follow_formulas, follow_rules
from tabellion.xlsx.inplace.stale import Seeds, Spot, defined_names, stale_formulas
from tabellion.xlsx.trees import Element, add, escaped, insert_after, qualified


@dataclass(frozen=True)
class TemplateCell:
    """What a new row's cell takes from the rows of its table: a style, and a formula written for the row ``row``."""

    style: str
    formula: str | None
    row: int


class WorkbookEditor:
    """One workbook being changed. Sheets are named as people see them; rows and columns are one-based, as they are now.

    Raises ``TabellionError`` for bytes that are not a workbook, or whose parts do not hold together, and ``KeyError``
    for a sheet without cells.
    """

    def __init__(self, data: bytes) -> None:
        self.parts = Parts(data)
        self._areas: list[tuple[str, tuple[int, int, int, int]]] = []
        self._gaps: list[tuple[str, int, int, int]] = []
        self._resized = set[Element]()
        self._own: dict[Element, StoredValue] = {}
        self._moved = False
        self._formulas_changed = False

    @property
    def touched(self) -> bool:
        """Whether something changed."""
        return bool(self.parts.changed)

    def set_value(self, sheet: str, row: int, column: int, value: StoredValue, *, over_formula: bool = False) -> bool:
        """Put a value in a cell, whose style stays; returns whether it is there now.

        It is not put over a formula unless told.
        """
        grid = self.parts.grid(sheet)
        row, column = grid.anchor(row, column)
        cell = grid.find(row, column)
        formula = cell is not None and cell.find("{*}f") is not None
        if formula and not over_formula:
            return False
        before = self.parts.value(sheet, row, column)
        if not formula and same_value(before, value):
            return True
        cell = grid.cell(row, column)
        if isinstance(value, str) and len(value) > len(str(before or "")):
            grid.refit(row)
        grid.write_value(cell, value)
        self._formulas_changed |= formula
        self._areas.append((sheet.casefold(), (row, column, row, column)))
        self.parts.change_sheet(sheet)
        return True

    def set_formula(self, sheet: str, row: int, column: int, formula: str, value: StoredValue) -> None:
        """Put a formula (without ``=``) and its computed value in a cell."""
        grid = self.parts.grid(sheet)
        cell = grid.cell(row, column)
        grid.write_value(cell, None)
        add(cell, "f").text = escaped(formula)
        self._own[cell] = value
        self._formulas_changed = True
        self._areas.append((sheet.casefold(), (row, column, row, column)))
        self.parts.change_sheet(sheet)

    def set_style(self, sheet: str, row: int, column: int, style: int) -> None:
        """Give a cell another style."""
        self.parts.grid(sheet).cell(row, column).set("s", str(style))
        self.parts.change_sheet(sheet)

    def template(self, table: ExcelTable, removed: Iterable[int], *, beside: bool) -> dict[int, TemplateCell]:
        """What the cells of a row added to a table take from its last row that stays, by column.

        The style is the one that most rows of the column have: what a person coloured is not spread. A formula is a
        calculated column's, or the one of the last two rows where they have the same.
        """
        grid = self.parts.grid(table.sheet)
        removed_rows = set(removed)
        rows = [row for row in range(table.first_row, table.last_row + 1) if row not in removed_rows] or [
            table.last_row
        ]
        formulas = {(formula.row, formula.column): formula.text for formula in self.parts.formulas(table.sheet)}
        calculated = table.calculated()
        _, left, _, right = table.area
        last = rows[-1]
        columns = set(range(left, right + 1))
        if beside:
            columns |= set(grid.cells_of(last))
        cells = {}
        for column in sorted(columns):
            formula = formulas.get((last, column))
            others = [(formulas.get((row, column)), last - row) for row in rows[-2:-1]]
            same = all(other is not None and shifted(other, by, 0) == formula for other, by in others)
            if column not in calculated and not (same and (others or left <= column <= right)):
                formula = None
            row = last
            if formula is None and column in calculated:
                formula, row = calculated[column], table.first_row
            column_cells = [grid.find(number, column) for number in rows]
            style = _usual([cell.get("s", "0") if cell is not None else "" for cell in column_cells])
            cells[column] = TemplateCell(style, formula, row)
        return cells

    def move(self, moves: Sequence[RowMove]) -> None:
        """Take rows out and put blank ones in, one move a sheet at most; all that names the rows follows."""
        by_sheet = {move.sheet.casefold(): move for move in moves}
        for move in by_sheet.values():
            self.parts.grid(move.sheet).expand_shared()
            self.parts.change_sheet(move.sheet)
        self._follow_formulas(by_sheet)
        for sheet in self.parts.worksheets:
            if follow_rules(self.parts.tree(sheet.part), sheet.name, by_sheet):
                self.parts.change(sheet.part)
        follow_objects(self.parts, by_sheet)
        self._follow_tables(by_sheet)
        self._follow_names(by_sheet)
        self._follow_seeds(by_sheet)
        for key, move in by_sheet.items():
            self.parts.grid(move.sheet).move(move)
            self.parts.reload(move.sheet)
            left, right = move.left, move.right
            if move.count:
                self._areas.append((key, (move.inserted[0], left, move.inserted[-1], right)))
            self._gaps += [(key, left, right, row) for row in move.gaps]
        self._moved = self._formulas_changed = True

    def fill_row(self, table: ExcelTable, row: int, cells: Mapping[int, TemplateCell], like: Element | None) -> None:
        """Give a blank row that was put into a table its look and its formulas."""
        grid = self.parts.grid(table.sheet)
        grid.new_row(row, like)
        for column, template in cells.items():
            if not template.style and template.formula is None:
                continue
            cell = grid.cell(row, column)
            if template.style:
                cell.set("s", template.style)
            if template.formula is not None:
                add(cell, "f").text = shifted(template.formula, row - template.row, 0)
        self.parts.change_sheet(table.sheet)

    def _follow_formulas(self, moves: Mapping[str, RowMove]) -> None:
        for sheet in self.parts.worksheets:
            grid = self.parts.grid(sheet.name)
            moved_formulas = [
                (formula, moved(formula.text, sheet.name, moves, row=formula.row)) for formula in grid.formulas()
            ]
            if not any(text != formula.text for formula, (text, _) in moved_formulas):
                continue
            grid.expand_shared()
            for formula, (text, resized) in moved_formulas:
                if text != formula.text:
                    formula.element.text = text
                    for name in ("r1", "r2"):  # the input cells of a table of values
                        if (ref := formula.element.get(name)) is not None:
                            formula.element.set(name, moved(ref, sheet.name, moves)[0])
                if resized:
                    self._resized.add(formula.cell)
            self.parts.change(sheet.part)

    def _follow_tables(self, moves: Mapping[str, RowMove]) -> None:
        for table in self.parts.tables:
            anchor = Anchor(table.first_row, table.first_row)
            formulas = table.root.iter("{*}calculatedColumnFormula", "{*}totalsRowFormula")
            changed = follow_formulas(formulas, table.sheet, moves, anchor)
            move = moves.get(table.sheet.casefold())
            if move is not None:
                changed |= table.follow(move)
            if changed:
                self.parts.change(table.part)

    def _follow_names(self, moves: Mapping[str, RowMove]) -> None:
        if follow_formulas(defined_names(self.parts), "", moves):
            self.parts.change(self.parts.package.workbook)

    def _follow_seeds(self, moves: Mapping[str, RowMove]) -> None:
        """What changed before goes with its rows."""
        areas = []
        for sheet, area in self._areas:
            move = moves.get(sheet)
            target = area if move is None else move.area(area)
            if target is not None:
                areas.append((sheet, target))
        self._areas = areas
        self._gaps = [
            (sheet, left, right, moves[sheet].next_row(row) if sheet in moves else row)
            for sheet, left, right, row in self._gaps
        ]

    def stale(self) -> set[Spot]:
        """The formulas whose computed values may not be right after the changes."""
        return stale_formulas(self.parts, self._seeds()) if self._areas or self._moved else set()

    def finish(self, stale: set[Spot], computed: Mapping[tuple[str, int, int], StoredValue]) -> set[Spot]:
        """Give formulas the values that the caller ``computed``, and drop the ``stale`` ones that are left; returns
        these. Addresses are those of now.
        """
        values = {(sheet.casefold(), row, column): value for (sheet, row, column), value in computed.items()}
        for sheet in self.parts.worksheets if self._own else ():
            for row, column, cell in self.parts.grid(sheet.name).cells():
                if self._own.get(cell) is not None:
                    values.setdefault((sheet.name.casefold(), row, column), self._own[cell])
        for place in sorted(stale | values.keys()):
            name, row, column = place
            if name in self.parts.sheets:
                self._compute(name, row, column, values.get(place))
        sheets = {place[0] for place in stale} | {area[0] for area in self._areas} | {gap[0] for gap in self._gaps}
        refresh_pivots(self.parts, sheets)
        dropped = stale - values.keys()
        if dropped:
            self._recalculate_on_load()
        if self._formulas_changed:
            chain = self.parts.package.related(self.parts.package.workbook, "calcChain")
            if chain is not None:
                self.parts.package.remove(chain)
        return dropped

    def _seeds(self) -> Seeds:
        resized = set[Spot]()
        if self._resized:
            for sheet in self.parts.worksheets:
                cells = self.parts.grid(sheet.name).cells()
                resized |= {
                    (sheet.name.casefold(), row, column) for row, column, cell in cells if cell in self._resized
                }
        return Seeds(tuple(self._areas), tuple(self._gaps), frozenset(resized), self._moved)

    def _compute(self, sheet: str, row: int, column: int, value: StoredValue) -> None:
        """Give a formula's cell its value, or none; the other cells of an array have none either."""
        grid = self.parts.grid(sheet)
        cell = grid.find(row, column)
        formula = cell.find("{*}f") if cell is not None else None
        if cell is None or formula is None:
            return
        areas = parse_areas(formula.get("ref", "")) if formula.get("t") != "shared" else []
        before = etree.tostring(cell)
        grid.write_computed(cell, value)
        changed = etree.tostring(cell) != before
        for top, left, bottom, right in areas:
            for number in range(top, bottom + 1):
                for place, other in grid.cells_of(number).items():
                    if left <= place <= right and other is not cell:
                        grid.write_computed(other, None)
                        changed = True
        if changed:
            self.parts.change_sheet(sheet)

    def _recalculate_on_load(self) -> None:
        workbook = self.parts.package.workbook
        root = self.parts.tree(workbook)
        properties = root.find("{*}calcPr")
        if properties is None:
            properties = etree.Element(qualified(root, "calcPr"))
            insert_after(root, properties, "sheets", "functionGroups", "externalReferences", "definedNames")
        if properties.get("fullCalcOnLoad") not in ("1", "true"):
            properties.set("fullCalcOnLoad", "1")
            self.parts.change(workbook)

    def to_bytes(self) -> bytes:
        """The workbook as it is now."""
        self.parts.write()
        return self.parts.package.to_bytes()


def same_value(before: StoredValue, after: StoredValue) -> bool:
    """Whether a cell would hold the same: an empty text is a blank."""
    if isinstance(before, bool) or isinstance(after, bool):
        return before is after
    return (before or None if isinstance(before, str) else before) == (
        after or None if isinstance(after, str) else after
    )


def _usual(styles: Sequence[str]) -> str:
    """The style that most have; of those that as many have, the last one."""
    counts = Counter(reversed(styles))
    return counts.most_common(1)[0][0]
