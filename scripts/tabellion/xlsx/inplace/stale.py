"""Which computed values a change makes stale: the formulas that depend, directly or through others, on changed cells.

It says too much rather than too little: a formula whose cells only a calculation tells is always said.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tabellion.reading.xml_parts import unescaped
from tabellion.xlsx.inplace.moves import Area, parse_areas
from tabellion.xlsx.inplace.parts import ExcelTable, Parts
from tabellion.xlsx.inplace.references import mentions
from tabellion.xlsx.trees import Element, whole_number

#: A sheet (folded name), a row, a column.
Spot = tuple[str, int, int]
#: Functions that name cells by a calculation, and those that tell where a cell stands.
_CALCULATED = frozenset({"INDIRECT", "OFFSET", "CELL", "FORMULATEXT", "GETPIVOTDATA"})
_POSITION = frozenset({"ROW", "ROWS", "SHEET", "SHEETS"})
_LABEL = re.compile(r"\[((?:[^\[\]']|'.)*)\]")
#: Functions whose value is not told by the cells that their formula names.
UNSURE = _CALCULATED | _POSITION
#: Names lead to names, this deep at most.
_DEEPEST = 20


@dataclass(frozen=True, slots=True)
class Dependency:
    """Cells that a formula reads; ``span`` when it reads them as a range, whose number counts too."""

    sheet: str
    area: Area
    span: bool


@dataclass(frozen=True)
class Seeds:
    """What changed, in addresses of after.

    ``areas`` hold the cells that changed or came; ``gaps`` are bands of columns and the row that follows rows that are
    gone; ``cells`` are formulas that a move has rewritten because rows that they name came or went. ``moved`` when rows
    moved at all.
    """

    areas: tuple[tuple[str, Area], ...] = ()
    gaps: tuple[tuple[str, int, int, int], ...] = ()
    cells: frozenset[Spot] = frozenset()
    moved: bool = False


def stale_formulas(parts: Parts, seeds: Seeds) -> set[Spot]:
    """The formula cells whose computed value may not be right any more."""
    graph = _Graph(parts)
    stale = {place for place in graph.unsure if seeds.areas or seeds.moved or seeds.cells}
    stale |= {place for place in graph.positions if seeds.moved} | set(seeds.cells)
    stale |= graph.readers((sheet, area[0], area[1]) for sheet, area in seeds.areas if area[:2] == area[2:])
    for sheet, area in (seed for seed in seeds.areas if seed[1][:2] != seed[1][2:]):
        stale |= graph.reading(sheet, area)
        stale |= {place for place in graph.places if place[0] == sheet and _holds(area, place[1], place[2])}
    for sheet, left, right, row in seeds.gaps:
        stale |= graph.reading(sheet, (max(1, row - 1), left, row, right), spans=True)
    fresh = stale
    while fresh:
        fresh = graph.readers(fresh) - stale
        stale |= fresh
    return stale & graph.places


def _holds(area: Area, row: int, column: int) -> bool:
    return area[0] <= row <= area[2] and area[1] <= column <= area[3]


class _Graph:
    """Who reads what: by sheet and area, the formulas that read it."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.tables = {table.name.casefold(): table for table in parts.tables}
        self.names = _defined_names(parts)
        self.readers_of: dict[str, dict[tuple[Area, bool], list[Spot]]] = defaultdict(lambda: defaultdict(list))
        self.places = set[Spot]()
        self.unsure = set[Spot]()
        self.positions = set[Spot]()
        self.arrays = dict[Spot, Area]()
        self.known_columns: dict[tuple[str, str], tuple[int, int, bool]] = {}
        for sheet in parts.worksheets:
            key = sheet.name.casefold()
            for formula in parts.formulas(sheet.name):
                place = key, formula.row, formula.column
                self.places.add(place)
                if formula.element.get("t") in ("array", "dataTable") and (
                    areas := parse_areas(formula.element.get("ref", ""))
                ):
                    self.arrays[place] = areas[0]
                for dependency in self.dependencies(formula.text, place):
                    self.readers_of[dependency.sheet][dependency.area, dependency.span].append(place)

    def dependencies(self, text: str, place: Spot, depth: int = 0) -> Iterator[Dependency]:
        """The cells that a formula reads."""
        named = mentions(text)
        if named.open or named.functions & _CALCULATED or depth > _DEEPEST:
            self.unsure.add(place)
        if named.functions & _POSITION:
            self.positions.add(place)
        for reference in named.references:
            sheet = place[0] if reference.sheet is None else reference.sheet.casefold()
            (top, bottom), (left, right) = reference.rows, reference.columns
            single = len(reference.corners) == 1
            yield Dependency(sheet, (top, left, bottom, right), not single)
        for table, inside in named.tables:
            yield from self.columns(table, inside, place[1])
        for sheet_name, name in named.names:
            table_too = self.tables.get(name.casefold())
            if table_too is not None:
                yield Dependency(table_too.sheet.casefold(), table_too.area, span=True)
            scopes = (place[0] if sheet_name is None else sheet_name.casefold(), "")
            definition = next(
                (self.names[key] for scope in scopes if (key := (scope, name.casefold())) in self.names), ""
            )
            if definition:
                yield from self.dependencies(definition, place, depth + 1)

    def columns(self, name: str, inside: str, row: int) -> Iterator[Dependency]:
        """The cells of a structured reference."""
        table = self.tables.get(name.casefold())
        if table is None:
            return
        left, right, this_row = self.columns_of(table, inside)
        top, bottom = (row, row) if this_row else (table.area[0], table.area[2])
        yield Dependency(table.sheet.casefold(), (top, left, bottom, right), span=not this_row)

    def columns_of(self, table: ExcelTable, inside: str) -> tuple[int, int, bool]:
        """First and last column of a structured reference, and whether it reads only its own row."""
        known = self.known_columns.get((table.name, inside))
        if known is not None:
            return known
        _, left, _, right = table.area
        labels = [re.sub("'(.)", r"\1", label) for label in _LABEL.findall(inside[1:-1] if "[[" in inside else inside)]
        this_row = any(label.casefold() == "#this row" for label in labels) or inside.startswith(("[@", "[[@"))
        places = {label.casefold(): left + place for place, label in enumerate(table.labels)}
        wanted = [places.get(label.lstrip("@").casefold()) for label in labels if not label.startswith("#")]
        columns = [column for column in wanted if column is not None]
        if columns and len(columns) == len(wanted):
            left, right = min(columns), max(columns)
        return self.known_columns.setdefault((table.name, inside), (left, right, this_row))

    def reading(self, sheet: str, area: Area, *, spans: bool = False) -> set[Spot]:
        """The formulas that read cells of an area; only those that read them as a range with ``spans``."""
        top, left, bottom, right = area
        return {
            place
            for (other, span), places in self.readers_of[sheet].items()
            if (span or not spans) and other[0] <= bottom and top <= other[2] and other[1] <= right and left <= other[3]
            for place in places
        }

    def readers(self, places: Iterable[Spot]) -> set[Spot]:
        """The formulas that read some cells. What has been found once is not looked at again."""
        rows: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
        spots = set[Spot]()
        for sheet, row, column in places:
            rows[sheet][column].append(row)
            if (sheet, row, column) in self.arrays:
                spots |= self.reading(sheet, self.arrays[sheet, row, column])
        for sheet, columns in rows.items():
            for numbers in columns.values():
                numbers.sort()
            read = [key for key in self.readers_of[sheet] if _any_in(key[0], columns)]
            for key in read:
                spots.update(self.readers_of[sheet].pop(key))
        return spots


def _any_in(area: Area, columns: dict[int, list[int]]) -> bool:
    top, left, bottom, right = area
    among = range(left, right + 1) if right - left < len(columns) else [c for c in columns if left <= c <= right]
    for column in among:
        rows = columns.get(column)
        if rows and (place := bisect_left(rows, top)) < len(rows) and rows[place] <= bottom:
            return True
    return False


def _defined_names(parts: Parts) -> dict[tuple[str, str], str]:
    """The workbook's names, folded, with the sheet that each belongs to (none for the workbook's own)."""
    sheets = [sheet.name.casefold() for sheet in parts.package.sheets()]
    names = dict[tuple[str, str], str]()
    for element in defined_names(parts):
        local = element.get("localSheetId")
        number = whole_number(local)
        scope = "" if local is None else sheets[number] if number < len(sheets) else "?"
        names[scope, unescaped(element.get("name", "")).casefold()] = element.text or ""
    return names


def defined_names(parts: Parts) -> list[Element]:
    """The elements of the defined names."""
    return list(parts.tree(parts.package.workbook).iterfind("{*}definedNames/{*}definedName"))
