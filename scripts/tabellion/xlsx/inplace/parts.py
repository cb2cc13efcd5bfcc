"""The open parts of a workbook that changes in place: parsed once, written only when something in them changed."""

from __future__ import annotations

from functools import cached_property

from tabellion.reading.xml_parts import unescaped
from tabellion.xlsx.inplace.grid import FormulaCell, Grid
from tabellion.xlsx.inplace.tables import ExcelTable
from tabellion.xlsx.notes import parse_drawing
from tabellion.xlsx.package import PackageEditor, Relation, SheetEntry
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
        self._relations: dict[str, list[Relation]] = {}
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
