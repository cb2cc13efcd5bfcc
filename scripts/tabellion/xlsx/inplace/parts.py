"""The open parts of a workbook that changes in place, and its tables: parsed once, written only when changed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from tabellion.reading.xml_parts import unescaped
from tabellion.xlsx.inplace.grid import FormulaCell, Grid
from tabellion.xlsx.inplace.moves import Area, RowMove, area_name, parse_areas
from tabellion.xlsx.notes import parse_drawing
from tabellion.xlsx.package import PackageEditor, PartRelationship, SheetEntry
from tabellion.xlsx.trees import Element


class Parts:
    """One workbook's parts, its sheets by folded name, and which parts changed."""

    def __init__(self, data: bytes) -> None:
        self.package = PackageEditor(data)
        self.sheets: dict[str, SheetEntry] = {}
        for sheet in self.package.sheets():
            self.sheets.setdefault(sheet.name.casefold(), sheet)
        self._trees: dict[str, Element] = {}
        self._grids: dict[str, Grid] = {}
        self._relations: dict[str, list[PartRelationship]] = {}
        self.changed = set[str]()

    def tree(self, part: str) -> Element:
        """The root of a part."""
        if part not in self._trees:
            self._trees[part] = self.package.parse(part)
        return self._trees[part]

    def drawing(self, part: str) -> Element:
        """The root of a legacy drawing, which is not always well formed."""
        if part not in self._trees:
            self._trees[part] = parse_drawing(self.package, part)
        return self._trees[part]

    def change(self, part: str) -> None:
        """Note that the tree of a part changed."""
        self.changed.add(part)

    def related(self, part: str, *kinds: str) -> list[str]:
        """The parts of some kinds that a part leads to."""
        if part not in self._relations:
            self._relations[part] = self.package.relations(part)
        relations = self._relations[part]
        return [
            relation.target
            for relation in relations
            if relation.kind in kinds and relation.target in self.package.parts
        ]

    @property
    def worksheets(self) -> list[SheetEntry]:
        """The sheets that have cells."""
        return [sheet for sheet in self.sheets.values() if sheet.worksheet]

    def grid(self, sheet: str) -> Grid:
        """The cells of a sheet. Raises ``KeyError`` for a sheet that has none or is not there."""
        key = sheet.casefold()
        if key not in self._grids:
            entry = self.sheets[key]
            if not entry.worksheet:
                raise KeyError(sheet)
            self._grids[key] = Grid(self.tree(entry.part))
        return self._grids[key]

    def reload(self, sheet: str) -> None:
        """Read a sheet's cells anew after a move."""
        self._grids.pop(sheet.casefold(), None)

    def change_sheet(self, sheet: str) -> None:
        """Note that a sheet changed."""
        self.change(self.sheets[sheet.casefold()].part)

    def formulas(self, sheet: str) -> list[FormulaCell]:
        """The formulas of a sheet's cells, shared ones as each cell reads them."""
        return self.grid(sheet).formulas()

    @cached_property
    def tables(self) -> list[ExcelTable]:
        """The Excel tables of all sheets."""
        tables = []
        for sheet in self.worksheets:
            tables += [ExcelTable(part, sheet.name, self.tree(part)) for part in self.related(sheet.part, "table")]
        return [table for table in tables if table.is_sound]

    def tables_of(self, sheet: str) -> list[ExcelTable]:
        """The Excel tables of one sheet."""
        return [table for table in self.tables if table.sheet.casefold() == sheet.casefold()]

    @cached_property
    def shared_strings(self) -> list[str]:
        """The texts that cells share."""
        part = self.package.related(self.package.workbook, "sharedStrings")
        if part is None:
            return []
        texts = []
        for entry in self.package.parse(part).iterfind("{*}si"):
            words = [*entry.iterfind("{*}t"), *entry.iterfind("{*}r/{*}t")]
            texts.append(unescaped("".join(word.text or "" for word in words)))
        return texts

    def value(self, sheet: str, row: int, column: int) -> str | float | bool | None:
        """What a cell holds (a formula's cached value); ``None`` when it is blank."""
        return self.grid(sheet).value(row, column, self.shared_strings)

    def write(self) -> None:
        """Put the changed parts back into the package."""
        for part in sorted(self.changed):
            self.package.put(part, self._trees[part])
        self.changed.clear()


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
