"""Where the cells of one workbook of a contract stand in another one of the same contract, whose layout may differ.

A cell of a table is found again by the table, the header of its column and what tells its row apart; a named cell by
its name; any other one where it was, when the same stands there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property

from tabellion.addresses import MAX_COLUMNS, MAX_ROWS, column_letters
from tabellion.reading.xml_parts import unescaped
from tabellion.xlsx.inplace.grid import StoredValue
from tabellion.xlsx.inplace.moves import Area
from tabellion.xlsx.inplace.parts import ExcelTable, Parts
from tabellion.xlsx.inplace.references import Corner, Reference, mentions
from tabellion.xlsx.inplace.stale import defined_names
from tabellion.xlsx.inplace.wording import LOST

#: Larger areas are not compared cell by cell.
_MOST_COMPARED = 20_000


class Relocation:
    """Addresses of ``source`` as they are in ``target``; ``sheets`` are the target's names by the source's folded ones.

    ``unsure`` are the references, as the source has them, that stay what they were though something else stands there.
    """

    def __init__(self, source: Parts, target: Parts, sheets: Mapping[str, str]) -> None:
        self.source, self.target, self.sheets = source, target, sheets
        self.unsure = dict[str, None]()
        self._keys = dict[str, dict[int, int]]()

    def moved(self, formula: str, home: str) -> str:
        """A formula with its addresses on other sheets than ``home`` put where the cells are; its sheets stay."""
        pieces, place = list[str](), 0
        for reference in mentions(formula).references:
            sheet = (reference.sheet or home).casefold()
            if sheet not in self.sheets or not all(corner.row and corner.column for corner in reference.corners):
                continue
            (top, bottom), (left, right) = reference.rows, reference.columns
            area = self.area(sheet, (top, left, bottom, right))
            pieces += [formula[place : reference.start], _written(reference, area) if area is not None else LOST]
            place = reference.end
        return "".join([*pieces, formula[place:]])

    def area(self, sheet: str, area: Area) -> Area | None:
        """Where an area of a sheet (folded name) is; ``None`` when it is nowhere."""
        tables = self.source.tables_of(sheet)
        table = next((table for table in tables if table.holds(area[0], area[1])), None)
        if table is None:  # what stands right under a table, as its total does, stays under it
            table = next((table for table in tables if table.holds(area[0] - 1, area[1]) and area[2] == area[0]), None)
        other = self._tables.get(table.name.casefold()) if table is not None else None
        if table is not None and other is not None and other.sheet.casefold() == self.sheets[sheet].casefold():
            return self._in_table(table, other, area)
        named = self._named.get((sheet, *area[:2])) if area[:2] == area[2:] else None
        if named is not None and named[0] == self.sheets[sheet].casefold():
            return (*named[1:], *named[1:])
        if not self._same(sheet, area):
            name = self.source.sheets[sheet].name
            self.unsure[f"{name}!{column_letters(area[1])}{area[0]}:{column_letters(area[3])}{area[2]}"] = None
        return area

    def _in_table(self, table: ExcelTable, other: ExcelTable, area: Area) -> Area | None:
        columns = [self._column(table, other, column) for column in (area[1], area[3])]
        top = self._row(table, other, area[0], first=True, whole=area[0] != area[2])
        bottom = self._row(table, other, area[2], first=False, whole=area[0] != area[2])
        if columns[0] is None or columns[1] is None or top is None or bottom is None:
            return None
        return min(top, bottom), min(columns[0], columns[1]), max(top, bottom), max(columns[0], columns[1])

    def _column(self, table: ExcelTable, other: ExcelTable, column: int) -> int | None:
        _, left, _, right = table.area
        if column > right:  # what stands beside the table stays as far from it
            return column - right + other.area[3]
        labels = [label.casefold() for label in other.labels]
        label = table.labels[column - left].casefold()
        return other.area[1] + labels.index(label) if label in labels else None

    def _row(self, table: ExcelTable, other: ExcelTable, row: int, *, first: bool, whole: bool) -> int | None:
        """Where a row of a table goes; the ends of its data are its ends, for an area of several rows."""
        if row < table.first_row:
            return row - table.first_row + other.first_row
        if row > table.last_row:
            return row - table.last_row + other.last_row
        if whole and row == (table.first_row if first else table.last_row):
            return other.first_row if first else other.last_row
        name = table.name.casefold()
        if name not in self._keys:
            self._keys[name] = self._rows(table, other)
        return self._keys[name].get(row)

    def _rows(self, table: ExcelTable, other: ExcelTable) -> dict[int, int]:
        """The rows of a table in the other workbook, by what tells them apart; by their place, when nothing does."""
        best = dict[int, int]()
        for label in table.labels:
            mine, theirs = _values(self.source, table, label), _values(self.target, other, label)
            rows = {value: row for row, value in theirs.items()}
            if _tell_apart(mine) and _tell_apart(theirs):
                places = {row: rows[value] for row, value in mine.items() if value in rows}
                best = places if len(places) > len(best) else best
        whole = self._whole_rows(table, other)
        best = whole if len(whole) > len(best) else best
        rows_alike = table.last_row - table.first_row == other.last_row - other.first_row
        if best or not rows_alike:
            return best
        by = other.first_row - table.first_row
        return {row: row + by for row in range(table.first_row, table.last_row + 1)}

    def _whole_rows(self, table: ExcelTable, other: ExcelTable) -> dict[int, int]:
        """The rows that say the same in every column of both, where no other one does."""
        labels = [label for label in table.labels if label in other.labels]
        mine, theirs = (_texts(parts, side, labels) for parts, side in ((self.source, table), (self.target, other)))
        rows, counts = {text: row for row, text in theirs.items()}, Counter((*mine.values(), *theirs.values()))
        return {row: rows[text] for row, text in mine.items() if text in rows and counts[text] == 2}

    def _same(self, sheet: str, area: Area) -> bool:
        """Whether the same stands in an area of both workbooks."""
        top, left, bottom, right = area
        if (bottom - top + 1) * (right - left + 1) > _MOST_COMPARED:
            return False
        sheet_name = self.sheets[sheet]
        return all(
            self.source.value(sheet, row, column) == self.target.value(sheet_name, row, column)
            for row in range(top, bottom + 1)
            for column in range(left, right + 1)
        )

    @cached_property
    def _tables(self) -> dict[str, ExcelTable]:
        return {table.name.casefold(): table for table in self.target.tables}

    @cached_property
    def _named(self) -> dict[tuple[str, int, int], tuple[str, int, int]]:
        """Where named cells of the source are in the target: sheet (folded), row, column."""
        target_cells = _named_cells(self.target)
        return {cell: target_cells[name] for name, cell in _named_cells(self.source).items() if name in target_cells}


def _values(parts: Parts, table: ExcelTable, label: str) -> dict[int, StoredValue]:
    if label not in table.labels:
        return {}
    column = table.area[1] + table.labels.index(label)
    return {row: parts.value(table.sheet, row, column) for row in range(table.first_row, table.last_row + 1)}


def _texts(parts: Parts, table: ExcelTable, labels: Sequence[str]) -> dict[int, tuple[StoredValue, ...]]:
    """What each row of a table says under some headers."""
    columns = [_values(parts, table, label) for label in labels]
    return {row: tuple(column[row] for column in columns) for row in range(table.first_row, table.last_row + 1)}


def _tell_apart(values: Mapping[int, StoredValue]) -> bool:
    """Whether the values of a column tell its rows apart."""
    return len(set(values.values())) == len(values) > 0 and None not in values.values()


def _named_cells(parts: Parts) -> dict[str, tuple[str, int, int]]:
    cells = dict[str, tuple[str, int, int]]()
    for element in defined_names(parts):
        references = mentions(element.text or "").references
        if element.get("localSheetId") is None and len(references) == 1 and len(references[0].corners) == 1:
            (reference,) = references
            cells[unescaped(element.get("name", "")).casefold()] = (
                (reference.sheet or "").casefold(), reference.rows[0], reference.columns[0],
            )  # fmt: skip
    return cells


def _written(reference: Reference, area: Area) -> str:
    """A reference to another area: what was fixed stays fixed, and its corners keep their order."""
    corners = reference.corners
    if len(corners) == 1:
        return _corner(corners[0], area[0], area[1])
    rows = (area[0], area[2]) if corners[0].row <= corners[1].row else (area[2], area[0])
    columns = (area[1], area[3]) if corners[0].column <= corners[1].column else (area[3], area[1])
    ends = [_corner(corner, rows[rank], columns[rank]) for rank, corner in enumerate(corners)]
    return reference.between.join(ends)


def _corner(corner: Corner, row: int, column: int) -> str:
    row, column = min(max(1, row), MAX_ROWS), min(max(1, column), MAX_COLUMNS)
    return f"{'$' * corner.fixed_column}{column_letters(column)}{'$' * corner.fixed_row}{row}"
