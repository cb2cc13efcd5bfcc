"""The rows and cells of one worksheet, with their formulas and values, moved as a :class:`RowMove` says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

from lxml import etree

from tabellion.addresses import cell_name, shifted
from tabellion.reading.xml_parts import unescaped
from tabellion.xlsx.inplace.moves import RowMove, area_name, parse_areas
from tabellion.xlsx.sheet import SheetEditor
from tabellion.xlsx.trees import Element, add, drop, escaped, whole_number

#: What a cell may hold.
StoredValue: TypeAlias = str | float | bool | None


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula (without ``=``) and its computed value, for a cell of an added row that is computed on its own."""

    text: str
    value: StoredValue = None


#: What a change puts in a cell: numbers as Excel has them (euros, not cents), texts as they are, dates.
TypedContent: TypeAlias = StoredValue | date | Formula


@dataclass(frozen=True, slots=True)
class FormulaCell:
    """A cell with a formula: where it stands, its element, its ``<f>``, and its text as this cell reads it."""

    row: int
    column: int
    cell: Element
    element: Element
    text: str


class Grid(SheetEditor):
    """A sheet's cells by one-based row and column."""

    def row_numbers(self) -> list[int]:
        """The rows that are written, in order."""
        return list(self._numbers)

    def cells_of(self, row: int) -> dict[int, Element]:
        """The cells of a row by column; none for a row that is not written."""
        return self._cells_of(row) if row in self._rows else {}

    def cells(self) -> Iterator[tuple[int, int, Element]]:
        """Every written cell with its row and column."""
        for row in self._numbers:
            for column, cell in self._cells_of(row).items():
                yield row, column, cell

    def find(self, row: int, column: int) -> Element | None:
        """The cell at a place, if it is written."""
        return self.cells_of(row).get(column)

    def formulas(self) -> list[FormulaCell]:
        """The formulas of the sheet."""
        cells, shared = [], dict[str, tuple[int, int, str]]()
        for row, column, cell in self.cells():
            element = cell.find("{*}f")
            if element is None:
                continue
            text, group = element.text or "", element.get("si", "")
            if element.get("t") == "shared":
                if text:
                    shared[group] = row, column, text
                elif group in shared:
                    first_row, first_column, first = shared[group]
                    text = shifted(first, row - first_row, column - first_column)
            cells.append(FormulaCell(row, column, cell, element, text))
        return cells

    def expand_shared(self) -> None:
        """Give every cell of a shared formula its own text: cells that share one may move apart."""
        for formula in self.formulas():
            if formula.element.get("t") == "shared":
                formula.element.text = formula.text
                for name in ("t", "si", "ref"):
                    formula.element.attrib.pop(name, "")

    def value(self, row: int, column: int, shared_strings: Sequence[str]) -> StoredValue:
        """What a cell holds; ``None`` when it is blank. A number that cannot be read is its text."""
        cell = self.find(row, column)
        if cell is None:
            return None
        kind, text = cell.get("t", "n"), cell.findtext("{*}v")
        if kind == "inlineStr":
            words = [*cell.iterfind("{*}is/{*}t"), *cell.iterfind("{*}is/{*}r/{*}t")]
            return unescaped("".join(word.text or "" for word in words))
        if text is None:
            return None
        if kind == "s":
            number = whole_number(text)
            return shared_strings[number] if number < len(shared_strings) else None
        if kind == "b":
            return text in ("1", "true")
        if kind == "n":
            try:
                return float(text)
            except ValueError:
                return text
        return unescaped(text)

    def write_value(self, cell: Element, value: StoredValue) -> None:
        """Put a value in a cell, in place of its value and of its own formula."""
        if isinstance(value, bool):
            self.set_value(cell, int(value))
            cell.set("t", "b")
        elif isinstance(value, float) and value.is_integer():
            self.set_value(cell, int(value))
        else:
            self.set_value(cell, value)

    def write_computed(self, cell: Element, value: StoredValue) -> None:
        """Put the computed value of a cell's formula beside it; ``None`` takes away the one that is there."""
        for old in cell.findall("{*}v") + cell.findall("{*}is"):
            drop(old)
        cell.attrib.pop("t", "")
        if isinstance(value, str):
            cell.set("t", "str")
            add(cell, "v").text = escaped(value)
        elif isinstance(value, bool):
            cell.set("t", "b")
            add(cell, "v").text = str(int(value))
        elif value is not None:
            whole = isinstance(value, float) and value.is_integer()
            add(cell, "v").text = repr(int(value) if whole else value)

    def move(self, move: RowMove) -> None:
        """Let the rows, or the band's cells, go where they go."""
        if move.whole:
            self._move_rows(move)
        else:
            self._move_cells(move)
        self._move_dimension(move)

    def _move_rows(self, move: RowMove) -> None:
        rows, cells = dict[int, Element](), dict[int, dict[int, Element]]()
        for number in self._numbers:
            row, target = self._rows[number], move.row(number)
            if target is None:
                drop(row)
                continue
            if target != number:
                row.set("r", str(target))
                for column, cell in self._cells_of(number).items():
                    _place(cell, target, column, move)
            rows[target] = row
            if number in self._cells:
                cells[target] = self._cells[number]
        self._rows, self._cells, self._numbers = rows, cells, sorted(rows)

    def _move_cells(self, move: RowMove) -> None:
        moving = list[tuple[int, int, Element]]()
        for number in self._numbers:
            if number < move.first:
                continue
            cells = self._cells_of(number)
            for column in [column for column in cells if move.left <= column <= move.right]:
                target = move.row(number)
                if target == number:
                    continue
                cell = cells.pop(column)
                drop(cell)
                if target is not None:
                    moving.append((target, column, cell))
        for row, column, cell in moving:
            _place(cell, row, column, move)
            blank = self.cells_of(row).pop(column, None)
            if blank is not None:
                drop(blank)
            self.insert(row, column, cell)

    def _move_dimension(self, move: RowMove) -> None:
        if self._dimension is None or self._extent is None:
            return
        extent = move.area(self._extent)
        if extent is not None and extent != self._extent:
            self._extent = extent
            self._dimension.set("ref", area_name(extent))

    def refit(self, number: int) -> None:
        """Let the program that opens the workbook fit a row's height to its text, unless a person has set it."""
        row = self.row(number)
        if not _has_own_height(row):
            row.attrib.pop("ht", "")

    def new_row(self, number: int, like: Element | None) -> None:
        """Make a row look as another one does: its style, its level, and its height where a person gave it one.

        A height that only fits the text of the other row is left to the program that opens the workbook.
        """
        if like is None:
            return
        row = self.row(number)
        left_out = {"r", "spans", "hidden", "collapsed", *(() if _has_own_height(like) else ("ht", "customHeight"))}
        for name, value in like.attrib.items():
            if name not in left_out:
                row.set(name, value)


def _has_own_height(row: Element) -> bool:
    """Whether a person has set the height of a row."""
    return row.get("customHeight") in ("1", "true")


def _place(cell: Element, row: int, column: int, move: RowMove) -> None:
    """Write a cell's new address, in what its own array or table of values covers too."""
    cell.set("r", cell_name(row, column))
    formula = cell.find("{*}f")
    if formula is not None and (areas := parse_areas(formula.get("ref", ""))):
        area = move.area(areas[0])
        if area is not None:
            formula.set("ref", area_name(area))


def elements(root: Element) -> Iterator[Element]:
    """Every element of a worksheet outside its cells."""
    for child in root.iterchildren(etree.Element):
        if etree.QName(child).localname != "sheetData":
            yield from child.iter(etree.Element)
