"""The staff's own columns, inside our tables or beside them, carried into a workbook of another layout."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lxml import etree

from tabellion.layout.names import IDENTITY
from tabellion.reading.hidden import word
from tabellion.xlsx.inplace.carrying import carried_formula, widen
from tabellion.xlsx.inplace.editor import WorkbookEditor
from tabellion.xlsx.inplace.grid import StoredValue
from tabellion.xlsx.inplace.moves import area_name
from tabellion.xlsx.inplace.parts import ExcelTable, Parts
from tabellion.xlsx.inplace.relisting import known_formulas
from tabellion.xlsx.inplace.relocation import Relocation
from tabellion.xlsx.inplace.restyle import StyleCarrier
from tabellion.xlsx.inplace.sheets import same_sheets
from tabellion.xlsx.inplace.wording import FormulaCarrier
from tabellion.xlsx.trees import child, qualified, whole_number

#: A column beside a table, or beside another one there, is about it up to so many columns away.
_NEAR = 2


@dataclass(frozen=True)
class LeftCells:
    """Cells of an own column whose row is not in the new workbook: the sheet and header of the column, how many."""

    sheet: str
    label: str
    count: int


@dataclass(frozen=True)
class CarriedColumns:
    """A workbook with the own columns that came, and the cells that could not."""

    data: bytes
    left: tuple[LeftCells, ...] = ()


def carry_own_columns(fresh: bytes, data: bytes, keys: Mapping[str, Sequence[str]]) -> CarriedColumns:
    """The freshly written ``fresh`` with the columns that staff have put in our tables of ``data``, and beside them.

    ``keys`` are, by table, the headers whose values tell a row. A column of a table comes at its end, where the sheet
    has room for it; one beside comes beside. A formula that reads something that is no more becomes its value.
    """
    carrier = _ColumnCarrier(Parts(data), WorkbookEditor(fresh), keys)
    columns = list(carrier.own())
    if not columns:
        return CarriedColumns(fresh)
    return CarriedColumns(carrier.carry(columns), tuple(carrier.left))


@dataclass(frozen=True)
class _OwnColumn:
    """An own column: its table, the table's place in the new workbook, its column and header in the old one."""

    table: ExcelTable
    other: ExcelTable
    column: int
    label: str

    @property
    def is_inside(self) -> bool:
        return self.column <= self.table.area[3]


class _ColumnCarrier:
    def __init__(self, source: Parts, editor: WorkbookEditor, keys: Mapping[str, Sequence[str]]) -> None:
        self.source, self.editor, self.target, self.keys = source, editor, editor.parts, keys
        self.sheets = same_sheets(source, self.target)
        self.relocation = Relocation(source, self.target, self.sheets)
        self.styles = StyleCarrier(source.package, self.target.package)
        self.left = list[LeftCells]()

    def own(self) -> Iterator[_OwnColumn]:
        """The columns that are not the program's, table by table, from left to right."""
        tables = {table.name.casefold(): table for table in self.target.tables}
        is_listed = IDENTITY.casefold() in self.source.sheets
        listed = {(line[0].casefold(), line[2].casefold()) for line in known_formulas(self.source)} if is_listed else {}
        for table in self.source.tables:
            other, name = tables.get(table.name.casefold()), table.name.casefold()
            if other is None or self.sheets.get(table.sheet.casefold(), "").casefold() != other.sheet.casefold():
                continue
            known = {label.casefold() for label in other.labels}
            for place, label in enumerate(table.labels, table.area[1]):
                is_own = label.casefold() not in known and (name, label.casefold()) not in listed
                if is_own and self._says_something(table, place):
                    yield _OwnColumn(table, other, place, label)
            yield from self._beside(table, other)

    def _says_something(self, table: ExcelTable, column: int) -> bool:
        """Whether a column of a table holds anything: a client that inserts one in a table inserts it in others too."""
        rows = range(table.area[0], table.area[2] + 1)
        is_filled = any(self.source.value(table.sheet, row, column) not in (None, "") for row in rows)
        return is_filled or any(
            formula.column == column and formula.row in rows for formula in self.source.formulas(table.sheet)
        )

    def _beside(self, table: ExcelTable, other: ExcelTable) -> Iterator[_OwnColumn]:
        header, last = table.area[0], table.area[3]
        tables = self.source.tables_of(table.sheet)
        headings = {
            self.target.value(other.sheet, other.area[0], column)
            for column in self.target.grid(other.sheet).cells_of(other.area[0])
        }
        for column in sorted(self.source.grid(table.sheet).cells_of(header)):
            if column <= last or any(table.holds(header, column) for table in tables):
                continue
            value = self.source.value(table.sheet, header, column)
            if not isinstance(value, str) or not value.strip():
                continue
            if column > last + _NEAR or value in headings:
                return
            last = column
            yield _OwnColumn(table, other, column, value)

    def carry(self, columns: Sequence[_OwnColumn]) -> bytes:
        """Write the columns; the formulas last, since they may name columns that came."""
        places = [(column, self._make_room(column)) for column in columns]
        labels = {table.name.casefold(): {label.casefold() for label in table.labels} for table in self.target.tables}
        formulas = FormulaCarrier(self.sheets, labels, _no_other_workbook, self.relocation.moved)
        rows = dict[str, dict[int, int]]()
        for number, place in places:
            name = number.table.name
            if name not in rows:
                rows[name] = self._rows(number.table, number.other)
            self._fill(number, place, rows[name], formulas)
        self.styles.save()
        self.editor.finish(self.editor.stale(), {})
        return self.editor.to_bytes()

    def _make_room(self, column: _OwnColumn) -> int:
        """The column of the new workbook that a column goes to, with its header there."""
        other, sheet = column.other, column.other.sheet
        top, _, bottom, right = other.area
        grid = self.target.grid(sheet)
        tables = [
            table.area for table in self.target.tables_of(sheet) if table.area[0] <= bottom and top <= table.area[2]
        ]
        filled = [
            place
            for row in range(top, bottom + 2)
            for place in grid.cells_of(row)
            if self.target.value(sheet, row, place) not in (None, "")
        ]
        used = max([right, *filled, *(area[3] for area in tables)])
        is_inside = column.is_inside and used == right
        is_beside_table = used in (right, *(area[3] for area in tables))  # a blank column tells them apart
        place = used + (1 if is_inside or not is_beside_table else _NEAR)
        header = grid.find(top, right)
        style = header.get("s", "0") if header is not None else "0"
        if is_inside:
            self._lengthen(column)
        self.editor.set_value(sheet, top, place, column.label)
        self.editor.set_style(sheet, top, place, int(style))
        old = self.source.grid(column.table.sheet).root
        widen(grid.root, old, column.column, column.column, place - column.column)
        return place

    def _lengthen(self, column: _OwnColumn) -> None:
        """A column more at the end of a table."""
        top, left, bottom, right = column.other.area
        root = column.other.root
        for element in root.iter("{*}table", "{*}autoFilter"):
            if element.get("ref"):
                area = (top, left, bottom - (column.other.totals_rows if element is not root else 0), right + 1)
                element.set("ref", area_name(area))
        columns = child(root, "tableColumns")
        number = max(whole_number(element.get("id")) for element in columns) + 1
        (mine,) = [own for place, own in enumerate(child(column.table.root, "tableColumns"), column.table.area[1])
                   if place == column.column]  # fmt: skip
        etree.SubElement(columns, qualified(columns, "tableColumn"), id=str(number), name=mine.get("name", ""))
        columns.set("count", str(len(columns)))
        self.target.change(column.other.part)

    def _rows(self, table: ExcelTable, other: ExcelTable) -> dict[int, int]:
        """Where the rows of a table are: by their keys, else by what else they say."""
        labels = [label for label in self.keys.get(table.name, ()) if label in table.labels and label in other.labels]
        mine, theirs = self._keys(self.source, table, labels), self._keys(self.target, other, labels)
        common = next((place for place, label in enumerate(table.labels, table.area[1]) if label in other.labels), 0)
        places = dict[int, int]()
        for key, row in mine.items():
            if key in theirs:
                places[row] = theirs[key]
        for row in range(table.first_row, table.last_row + 1):
            if row in places or not common:
                continue
            area = self.relocation.area(table.sheet.casefold(), (row, common, row, common))
            if area is not None and area[0] not in places.values():
                places[row] = area[0]
        return places

    def _keys(self, parts: Parts, table: ExcelTable, labels: Sequence[str]) -> dict[tuple[str, ...], int]:
        """The rows by their keys, without those that several rows have, or that are blank."""
        columns = [table.area[1] + table.labels.index(label) for label in labels]
        rows = dict[tuple[str, ...], list[int]]()
        for row in range(table.first_row, table.last_row + 1):
            rows.setdefault(tuple(word(parts.value(table.sheet, row, column)) for column in columns), []).append(row)
        return {key: numbers[0] for key, numbers in rows.items() if len(numbers) == 1 and any(key)}

    def _fill(self, column: _OwnColumn, place: int, rows: Mapping[int, int], formulas: FormulaCarrier) -> None:
        table, sheet = column.table, column.other.sheet
        texts = {
            formula.row: formula.text
            for formula in self.source.formulas(table.sheet)
            if formula.column == column.column
        }
        left = 0
        for row in range(table.first_row, table.last_row + 1):
            cell = self.source.grid(table.sheet).find(row, column.column)
            value = self.source.value(table.sheet, row, column.column)
            if cell is None or (value in (None, "") and row not in texts and not cell.get("s")):
                continue
            if row not in rows:
                left += value not in (None, "") or row in texts
                continue
            self._write(sheet, rows[row], place, value, carried_formula(formulas, texts.get(row), table.sheet))
            if cell.get("s"):
                self.editor.set_style(sheet, rows[row], place, int(self.styles.cell(cell.get("s"))))
        if left:
            self.left.append(LeftCells(table.sheet, column.label, left))

    def _write(self, sheet: str, row: int, place: int, value: StoredValue, formula: str | None) -> None:
        if formula is not None:
            self.editor.set_formula(sheet, row, place, formula, value)
        elif value not in (None, ""):
            self.editor.set_value(sheet, row, place, value)


def _no_other_workbook(number: int) -> int:
    raise LookupError(number)
