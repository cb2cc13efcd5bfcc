"""Computed values for a changed workbook, taken from one that the program has just written of the same contract.

A formula is found again wherever it moved, whatever client wrote it: by its text, when that says the same everywhere;
otherwise by its text, its table, its column, and what tells its row apart. A formula that reads, directly or not,
something that is not the same in both workbooks is left alone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tabellion.addresses import compact
from tabellion.reading.xml_parts import unescaped
from tabellion.xlsx.inplace.grid import StoredValue
from tabellion.xlsx.inplace.moves import Area
from tabellion.xlsx.inplace.parts import ExcelTable, Parts
from tabellion.xlsx.inplace.references import mentions
from tabellion.xlsx.inplace.stale import UNSURE, Seeds, Spot, defined_names, stale_formulas

#: A table, a column, what the row is known by (all empty for a formula that says the same everywhere), the formula.
FreshFormula = tuple[str, str, tuple[StoredValue, ...], str]
_OWN_CELL = re.compile(r"\[\[#This Row\],\s*\[((?:[^\[\]']|'.)*)\]\]", re.IGNORECASE)


def fresh_values(parts: Parts, places: Iterable[Spot], fresh: bytes) -> dict[tuple[str, int, int], StoredValue]:
    """The values of the formulas at ``places`` that the workbook ``fresh`` tells."""
    source = Parts(fresh)
    tables = {table.name.casefold(): table for table in source.tables}
    labels = {name: _key_label(source, table) for name, table in tables.items()}
    known: dict[FreshFormula, StoredValue] = {}
    doubtful = set[FreshFormula]()
    for place, key in _Index(source, labels).keys().items():
        cell = source.grid(place[0]).find(place[1], place[2])
        if cell is None or cell.get("t") == "e":
            continue
        value = source.value(*place)
        if known.setdefault(key, value) != value:
            doubtful.add(key)
    keys = _Index(parts, labels).keys()
    unlike = stale_formulas(parts, _unlike(parts, source, labels))
    trusted = {place: keys[place] for place in places if place in keys and place not in unlike}
    return {place: known[key] for place, key in trusted.items() if key not in doubtful and known.get(key) is not None}


def _unlike(parts: Parts, source: Parts, labels: Mapping[str, str]) -> Seeds:
    """What formulas may read that is not the same in both workbooks: columns of tables, named cells, names."""
    tables = {table.name.casefold(): table for table in source.tables}
    areas, gaps = list[tuple[str, Area]](), list[tuple[str, int, int, int]]()
    for table in parts.tables:
        other, (_, left, _, right) = tables.get(table.name.casefold()), table.area
        label = labels.get(table.name.casefold(), "")
        sheet, rows = table.sheet.casefold(), (table.first_row, table.last_row)
        mine = _columns(parts, table, label)
        theirs = _columns(source, other, label) if other is not None else {}
        if other is None or mine.get(label) != theirs.get(label):
            gaps.append((sheet, left, right, rows[1] + 1))  # what reads its columns, not what stands in its rows
            continue
        differing = [name for name in table.labels if name in theirs and mine[name] != theirs[name]]
        for column in [left + table.labels.index(name) for name in differing]:
            areas.append((sheet, (rows[0], column, rows[1], column)))
    mine_named, theirs_named = _named(parts), _named(source)
    changed = {name for name, value in mine_named.items() if theirs_named.get(name, value) != value}
    cells = {
        (sheet.name.casefold(), formula.row, formula.column)
        for sheet in parts.worksheets
        for formula in parts.formulas(sheet.name)
        if any(name.casefold() in changed for _, name in mentions(formula.text).names)
    }
    return Seeds(tuple(areas), tuple(gaps), frozenset(cells))


def _columns(parts: Parts, table: ExcelTable, label: str) -> dict[str, Counter[tuple[StoredValue, StoredValue]]]:
    """What is typed in each column of a table, with what tells its row apart: in any order, without blank rows."""
    grid, left = parts.grid(table.sheet), table.area[1]
    key = left + table.labels.index(label) if label in table.labels else 0
    columns: dict[str, Counter[tuple[StoredValue, StoredValue]]] = {}
    for column, name in enumerate(table.labels, left):
        columns[name] = Counter()
        for row in range(table.first_row, table.last_row + 1):
            cell = grid.find(row, column)
            typed = cell is not None and cell.find("{*}f") is None
            value = parts.value(table.sheet, row, column) if typed else None
            if value not in (None, ""):
                columns[name][parts.value(table.sheet, row, key) if key else None, value] += 1
    return columns


def _named(parts: Parts) -> dict[str, StoredValue]:
    """The values of names: of the typed cell that each names, or its text when it names a constant."""
    values: dict[str, StoredValue] = {}
    for element in defined_names(parts):
        name, text = unescaped(element.get("name", "")).casefold(), element.text or ""
        named = mentions(text)
        if element.get("localSheetId") is not None:
            continue
        if not (named.references or named.tables or named.names or named.open):
            values[name] = text
        for reference in named.references:
            if (
                reference.sheet is not None
                and reference.sheet.casefold() in parts.sheets
                and len(named.references) == 1
            ):
                (row, last), (column, _) = reference.rows, reference.columns
                cell = parts.grid(reference.sheet).find(row, column) if row == last else None
                if cell is not None and cell.find("{*}f") is None:
                    values[name] = parts.value(reference.sheet, row, column)
    return values


def _key_label(parts: Parts, table: ExcelTable) -> str:
    """The first column whose typed values tell the rows of a table apart; empty when none does."""
    for place, label in enumerate(table.labels, table.area[1]):
        cells = [parts.grid(table.sheet).find(row, place) for row in range(table.first_row, table.last_row + 1)]
        if any(cell is None or cell.find("{*}f") is not None for cell in cells):
            continue
        values = [parts.value(table.sheet, row, place) for row in range(table.first_row, table.last_row + 1)]
        if None not in values and len(set(values)) == len(values):
            return label
    return ""


@dataclass
class _Index:
    """The formulas of a workbook by what they are found again by; ``labels`` are the key columns of tables."""

    parts: Parts
    labels: Mapping[str, str]

    def keys(self) -> dict[Spot, FreshFormula]:
        """What each formula is found by; none for one that is about its place outside tables."""
        keys: dict[Spot, FreshFormula] = {}
        for sheet in self.parts.worksheets:
            tables = self.parts.tables_of(sheet.name)
            for formula in self.parts.formulas(sheet.name):
                place = sheet.name.casefold(), formula.row, formula.column
                text = formula.text
                if _stands_alone(text):
                    keys[place] = ("", "", (), compact(text))
                    continue
                for table in tables:
                    key = self.in_table(table, formula.row, formula.column, text)
                    if key is not None:
                        keys[place] = key
        return keys

    def in_table(self, table: ExcelTable, row: int, column: int, text: str) -> FreshFormula | None:
        """What a formula of a table's row is found by: what it reads of its row, or what tells its row apart."""
        if not table.holds(row, column):
            return None
        name, left, grid = table.name.casefold(), table.area[1], self.parts.grid(table.sheet)
        columns = {label.casefold(): number for number, label in enumerate(table.labels, left)}
        read = [columns.get(label) for label in _own_row(text)]
        cells = [None if number is None else grid.find(row, number) for number in read]
        typed = all(cell is not None and cell.find("{*}f") is None for cell in cells)
        if read and typed and not _is_about_its_place(text):
            return (
                name,
                "",
                tuple(self.parts.value(table.sheet, row, number) for number in read if number),
                compact(text),
            )
        key = columns.get(self.labels.get(name, "").casefold())
        if key is None:
            return None
        return name, table.labels[column - left], (self.parts.value(table.sheet, row, key),), compact(text)


def _stands_alone(formula: str) -> bool:
    """Whether a formula says the same wherever it stands: it names columns of tables and defined names only."""
    own_row = any("#this row" in inside.casefold() or "@" in inside for _, inside in mentions(formula).tables)
    return not (own_row or _is_about_its_place(formula))


def _is_about_its_place(formula: str) -> bool:
    """Whether a formula names cells by their addresses, or by a calculation."""
    named = mentions(formula)
    return bool(named.references or named.open or named.functions & UNSURE)


def _own_row(formula: str) -> list[str]:
    """The columns, folded, that a formula reads of its own row; one that cannot be told is an empty label."""
    labels = list[str]()
    for _, inside in mentions(formula).tables:
        if "#this row" in inside.casefold() or "@" in inside:
            match = _OWN_CELL.fullmatch(inside)
            labels.append(re.sub("'(.)", r"\1", match[1]).casefold() if match else "")
    return labels
