"""The Excel tables of a workbook: their rows, their columns, and their size after a move."""

from __future__ import annotations

from dataclasses import dataclass

from tabellion.reading.xml_parts import unescaped
from tabellion.xlsx.inplace.moves import Area, RowMove, area_name, parse_areas
from tabellion.xlsx.trees import Element


@dataclass(frozen=True)
class ExcelTable:
    """One Excel table: its part, its sheet, and its tree, which changes in place. Rows and columns are one-based."""

    part: str
    sheet: str
    root: Element

    @property
    def name(self) -> str:
        """The name that formulas use."""
        return unescaped(self.root.get("displayName", self.root.get("name", "")))

    @property
    def is_sound(self) -> bool:
        """Whether its place can be read."""
        return bool(parse_areas(self.root.get("ref", "")))

    @property
    def area(self) -> Area:
        """All of it, its header and its totals too."""
        return parse_areas(self.root.get("ref", ""))[0]

    @property
    def header_rows(self) -> int:
        """How many rows its header has: 1, or 0 when it is not shown."""
        return int(self.root.get("headerRowCount", "1"))

    @property
    def totals_rows(self) -> int:
        """How many rows of totals it has."""
        return int(self.root.get("totalsRowCount", "0"))

    @property
    def first_row(self) -> int:
        """The first row of data."""
        return self.area[0] + self.header_rows

    @property
    def last_row(self) -> int:
        """The last row of data."""
        return self.area[2] - self.totals_rows

    @property
    def labels(self) -> list[str]:
        """The headers of its columns, in order."""
        return [unescaped(column.get("name", "")) for column in self.root.iterfind("{*}tableColumns/{*}tableColumn")]

    def calculated(self) -> dict[int, str]:
        """The formulas of its calculated columns, by column of the sheet."""
        columns = self.root.iterfind("{*}tableColumns/{*}tableColumn")
        formulas = ((place, column.findtext("{*}calculatedColumnFormula")) for place, column in enumerate(columns))
        return {self.area[1] + place: formula for place, formula in formulas if formula}

    def holds(self, row: int, column: int) -> bool:
        """Whether a cell is in the table, its header and totals included."""
        top, left, bottom, right = self.area
        return top <= row <= bottom and left <= column <= right

    def follow(self, move: RowMove) -> bool:
        """Let all that names its rows follow a move; returns whether something changed."""
        own = move.grows(self.first_row, self.last_row) and move.left <= self.area[1] and self.area[3] <= move.right
        changed = False
        for element in self.root.iter("{*}table", "{*}autoFilter", "{*}sortState", "{*}sortCondition"):
            areas = parse_areas(element.get("ref", ""))
            if not areas:
                continue
            grow = own and areas[0][2] == move.after
            area = move.area(areas[0], grow=grow)
            if area is not None and area != areas[0]:
                element.set("ref", area_name(area))
                changed = True
        return changed
