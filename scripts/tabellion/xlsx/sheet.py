"""One worksheet, edited in place: its rows and cells by address, its merges, its sizes, its dimension."""

from __future__ import annotations

from bisect import bisect, insort
from collections.abc import Iterable

from lxml import etree

from tabellion.addresses import cell_name, parse_cell, parse_range
from tabellion.xlsx.trees import (
    Element,
    add,
    add_text,
    child,
    drop,
    insert_after,
    qualified,
    relationship_id,
    whole_number,
)

_TRUE = ("1", "true", "on")
#: What may stand after ``legacyDrawing`` in a worksheet, by the order of the standard.
_AFTER_DRAWING = (
    "legacyDrawingHF", "drawingHF", "picture", "oleObjects", "controls", "webPublishItems", "tableParts", "extLst",
    "AlternateContent",
)  # fmt: skip
#: What may stand before ``hyperlinks``.
_BEFORE_LINKS = (
    "sheetData", "sheetCalcPr", "sheetProtection", "protectedRanges", "scenarios", "autoFilter", "sortState",
    "dataConsolidate", "customSheetViews", "mergeCells", "phoneticPr", "conditionalFormatting", "dataValidations",
)  # fmt: skip
#: Pixels of a character of column width, of a column's margin, and of a point; default sizes in pixels.
_CHARACTER, _COLUMN_MARGIN, _POINT, _COLUMN, _ROW = 7.0, 5.0, 96 / 72, 64, 20


class SheetEditor:
    """The tree of one worksheet, whose ``root`` changes in place. Rows and columns are one-based.

    A row or a cell without an address follows the one before it; of two at one place, the first is used.
    Raises ``TabellionError`` (``classeur-abime``) for a sheet that has no place for cells.
    """

    def __init__(self, root: Element) -> None:
        self.root, self._data = root, child(root, "sheetData")
        merges = root.iterfind("{*}mergeCells/{*}mergeCell")
        self._merges = [_area(merge.get("ref", "")) for merge in merges]
        self._columns = [
            (whole_number(column.get("min")), whole_number(column.get("max")), column)
            for column in root.iterfind("{*}cols/{*}col")
        ]
        self._dimension = root.find("{*}dimension")
        self._extent = _area(self._dimension.get("ref", "")) if self._dimension is not None else None
        self._rows: dict[int, Element] = {}
        number = 0
        for row in self._data.iterfind("{*}row"):
            declared = row.get("r", "")
            number = int(declared) if declared.isdecimal() else number + 1
            self._rows.setdefault(number, row)
        self._numbers = sorted(self._rows)
        self._cells: dict[int, dict[int, Element]] = {}

    def anchor(self, row: int, column: int) -> tuple[int, int]:
        """The cell that shows at a place: the first one of a merged area, or the place itself."""
        for top, left, bottom, right in self._merges:
            if top <= row <= bottom and left <= column <= right:
                return top, left
        return row, column

    def row(self, number: int) -> Element:
        """The row of a number; one that is not there is made, empty, in its place."""
        if number not in self._rows:
            row = etree.Element(qualified(self._data, "row"), r=str(number))
            rank = bisect(self._numbers, number)
            if rank < len(self._numbers):
                self._rows[self._numbers[rank]].addprevious(row)
            else:
                self._data.append(row)
            self._rows[number] = row
            insort(self._numbers, number)
        return self._rows[number]

    def cell(self, row: int, column: int) -> Element:
        """The cell at a place; one that is not there is made, blank, in its place, with its row's or column's style."""
        cells = self._cells_of(row)
        if column not in cells:
            element = self.row(row)
            style = element.get("s") or self._column_style(column)
            self.insert(row, column, etree.Element(qualified(element, "c"), r=cell_name(row, column), s=style))
        return cells[column]

    def insert(self, row: int, column: int, cell: Element) -> None:
        """Put a cell that is in no row at a place that has none."""
        cells, element = self._cells_of(row), self.row(row)
        following = min((other for other in cells if other > column), default=None)
        if following is None:
            element.append(cell)
        else:
            cells[following].addprevious(cell)
        element.attrib.pop("spans", "")  # a hint for readers, which the new cell may make false
        cells[column] = cell
        self._widen(row, column)

    def set_value(self, cell: Element, value: str | float | None) -> None:
        """Put a number, a text or nothing in a cell, in place of its value and of its own formula."""
        for old in cell.findall("{*}f") + cell.findall("{*}v") + cell.findall("{*}is"):
            drop(old)
        for name in ("t", "cm", "vm"):
            cell.attrib.pop(name, "")
        if isinstance(value, str):
            cell.set("t", "inlineStr")
            add_text(add(cell, "is"), value)
        elif value is not None:
            add(cell, "v").text = repr(value)

    def _cells_of(self, row: int) -> dict[int, Element]:
        """The cells of a row by column."""
        if row not in self._cells:
            cells = self._cells[row] = dict[int, Element]()
            column = 0
            for cell in self.row(row).iterfind("{*}c"):
                try:
                    column = parse_cell(cell.get("r", ""))[1]
                except ValueError:
                    column += 1
                cells.setdefault(column, cell)
        return self._cells[row]

    def _column(self, number: int) -> Element | None:
        return next((column for first, last, column in self._columns if first <= number <= last), None)

    def _column_style(self, number: int) -> str:
        column = self._column(number)
        return column.get("style", "0") if column is not None else "0"

    def _widen(self, row: int, column: int) -> None:
        """Let the stated dimension hold a new cell."""
        if self._dimension is None or self._extent is None:
            return
        top, left, bottom, right = self._extent
        wider = (min(top, row), min(left, column), max(bottom, row), max(right, column))
        if wider != self._extent:
            self._extent = wider
            self._dimension.set("ref", f"{cell_name(*wider[:2])}:{cell_name(*wider[2:])}")

    @property
    def legacy_drawing(self) -> str:
        """The id of the relationship to the boxes of the sheet's comments; empty when it has none."""
        element = self.root.find("{*}legacyDrawing")
        return relationship_id(element) if element is not None else ""

    def set_legacy_drawing(self, office: str, link: str) -> None:
        """Point at the boxes of the sheet's comments, in the place that the standard gives."""
        element = self.root.find("{*}legacyDrawing")
        if element is None:
            element = etree.Element(qualified(self.root, "legacyDrawing"), nsmap={"r": office})
            later = (other for other in self._data.itersiblings(etree.Element))
            following = next((other for other in later if etree.QName(other).localname in _AFTER_DRAWING), None)
            if following is None:
                self.root.append(element)
            else:
                following.addprevious(element)
        element.set(f"{{{office}}}id", link)

    def filled(self, rows: Iterable[int]) -> list[tuple[int, int]]:
        """The cells of some rows that hold something."""
        present = (row for row in rows if row in self._rows)
        return [(row, column) for row in present for column, cell in self._cells_of(row).items() if len(cell)]

    def link(self, ref: str, location: str, display: str) -> None:
        """Make of a cell a link to a place of the workbook."""
        links = self.root.find("{*}hyperlinks")
        if links is None:
            links = etree.Element(qualified(self.root, "hyperlinks"))
            insert_after(self.root, links, *_BEFORE_LINKS)
        add(links, "hyperlink", ref=ref, location=location, display=display)

    def width(self, column: int) -> int:
        """The width of a column in pixels, 0 when it is hidden."""
        element = self._column(column)
        if element is None:
            return _COLUMN
        if element.get("hidden") in _TRUE:
            return 0
        return round(_number(element.get("width"), 8.43) * _CHARACTER + _COLUMN_MARGIN)

    def height(self, row: int) -> int:
        """The height of a row in pixels, 0 when it is hidden."""
        element = self._rows.get(row)
        if element is None:
            return _ROW
        if element.get("hidden") in _TRUE:
            return 0
        return round(_number(element.get("ht"), _ROW / _POINT) * _POINT)


def unselect(root: Element) -> bool:
    """Take a worksheet out of the selected ones; returns whether it was one of them.

    Of sheets selected together, what is typed into one goes into all.
    """
    views = [view for view in root.iterfind("{*}sheetViews/{*}sheetView") if view.get("tabSelected") in _TRUE]
    for view in views:
        del view.attrib["tabSelected"]
    return bool(views)


def _area(ref: str) -> tuple[int, int, int, int]:
    try:
        return parse_range(ref)
    except ValueError:
        return 1, 1, 1, 1


def _number(text: str | None, default: float) -> float:
    try:
        return float(text) if text is not None else default
    except ValueError:
        return default
