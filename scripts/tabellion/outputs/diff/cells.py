"""The cells of an area as values to compare: typed where they can be, as found where they cannot."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from tabellion.addresses import cell_name
from tabellion.checks.formulas import FormulaReading, StandingFormula, compact, standing_formulas
from tabellion.findings import Place
from tabellion.layout.names import IDENTITY, is_annotations, sheet_marker
from tabellion.outputs.diff.model import FormulaAt, FormulaKey, Piece, PiecePart, Side, Unread
from tabellion.reading.raw import RawSheet
from tabellion.reading.tables import FoundTable
from tabellion.schema import FALSE_WORD, TRUE_WORD
from tabellion.schema.shown import BLANK
from tabellion.wording import fold, french_date

#: A cell's address in a formula that people typed: it moves by itself when rows do.
_ADDRESS = re.compile(r"\$?\b[A-Z]{1,3}\$?\d{1,7}\b")
NEVER_COMPUTED = "formule jamais calculée"
ABSENT = "(absente)"
_SHOWN = 500


def clean(value: Any) -> Any:
    """A value as it is compared: ends of lines are of one kind, an empty text is a blank."""
    if isinstance(value, str):
        return value.replace("\r\n", "\n").replace("\r", "\n") or None
    return value


def as_found(sheet: RawSheet, row: int, column: int) -> str | None:
    """What a cell shows, in words."""
    if (row, column) in sheet.errors:
        return sheet.errors[row, column]
    if (row, column) in sheet.uncached:
        return NEVER_COMPUTED
    return plain_words(sheet.value(row, column))


def plain_words(value: Any) -> str | None:
    """A value of a cell in words; ``None`` for a blank."""
    if isinstance(value, bool):
        return TRUE_WORD if value else FALSE_WORD
    if isinstance(value, float) and value == value and abs(value) < 1e15 and value == int(value):
        return str(int(value))
    if isinstance(value, datetime):
        return french_date(value) if not (value.hour or value.minute) else f"{value:%d/%m/%Y %H:%M}"
    if isinstance(value, date):
        return french_date(value)
    plain = clean(value)
    return None if plain is None else str(plain)


def extra_columns(area: FoundTable, computed: Collection[str]) -> dict[str, int]:
    """The columns that people added inside an Excel table, by header; those that the workbook computes are not."""
    table = next((table for table in area.sheet.tables if table.name == area.found_name), None)
    if table is None:
        return {}
    expected, made = set(area.columns.values()), set(map(fold, computed))
    added: dict[str, int] = {}
    for column in range(table.first_column, table.last_column + 1):
        label = area.sheet.value(area.header_row, column)
        if column not in expected and isinstance(label, str) and label.strip() and fold(label) not in made:
            added.setdefault(label.strip(), column)
    return added


def column_values(
    spots: Sequence[tuple[FoundTable, int]], label: str, values: Sequence[Any], unknown: Collection[int]
) -> tuple[list[Any], list[Place]]:
    """A column's values, the unreadable ones as found, and the places of those; ``spots`` are the rows' places."""
    compared, places = [clean(value) for value in values], []
    for position in sorted(unknown):
        area, row = spots[position]
        column = area.columns.get(label)
        shown = as_found(area.sheet, row, column) if column is not None else None
        if shown is not None:
            compared[position] = Unread(shown)
            places.append(area.place(row, label))
    return compared, places


def sheet_pieces(reading: FormulaReading) -> Iterator[Piece]:
    """The sheets of a workbook, each by the first of its own Excel tables, or else its marker, or else its name.

    A script that renames a sheet leaves its marker behind, which spreadsheet programs do not.
    """
    workbook = reading.workbook
    marked: dict[str, str] = {}
    prefix = sheet_marker("")
    for name, refers_to in workbook.names.items():
        if name.startswith(prefix):
            marked.setdefault(refers_to.lstrip("=").rpartition("!")[0].strip("'").replace("''", "'"), name)
    for sheet in workbook.sheets:
        if sheet.name == IDENTITY or sheet.name.startswith("_") or is_annotations(sheet.name):
            continue
        tables = sorted(table.name for table in sheet.tables if table.name in reading.known_tables)
        key = f"{tables[0]} !" if tables else marked.get(sheet.name, sheet.name)
        yield Piece(PiecePart.SHEET, (key,), sheet.name, Place(feuille=sheet.name, cellule="A1"))


def area_pieces(
    sheet: Piece | None, area: FoundTable, title: str, extras: Mapping[str, int], labels: Collection[str]
) -> Iterator[Piece]:
    """A table and its columns, as they are called there. ``labels`` are the headers that it has by its making."""
    table = Piece(PiecePart.TABLE, (area.name,), title, area.place(area.header_row), sheet.identity if sheet else None)
    yield table
    names = {label: name for name, label in area.renamed.items()}
    columns = [(label, names.get(label, label), column) for label, column in area.columns.items() if label in labels]
    columns += [(f"+ {label}", label, column) for label, column in extras.items()]
    for key, name, column in columns:
        place = Place(feuille=area.sheet.name, cellule=cell_name(area.header_row, column))
        yield Piece(PiecePart.COLUMN, (area.name, key), name, place, table.identity)


def masked(formula: str) -> str:
    """A formula that people typed, without the addresses that move by themselves."""
    return _ADDRESS.sub("·", re.sub(r"\s+", "", formula).upper())


def add_formulas(
    side: Side, reading: FormulaReading, rows: Mapping[tuple[str, int], str], *, with_texts: bool = True
) -> None:
    """Note the formulas that a workbook lists, and what stands otherwise in their cells.

    ``rows`` has the key, in words, of each row of its data tables, by sheet and one-based row. ``with_texts`` tells
    whether a text in the place of a formula counts: not where the program itself writes some in the same column.
    """
    standing = standing_formulas(reading)
    unchanged = {formula.cell for formula in standing if formula.found == formula.listed and formula.cell.key != "*"}
    tables = {""}
    for formula in standing:
        cell, sheet = formula.cell, formula.sheet
        place = Place(feuille=sheet.name, cellule=cell_name(formula.row, formula.column))
        key = FormulaKey(cell.table, cell.key, cell.column)
        side.listed.setdefault(key, FormulaAt(formula.listed, f"={cell.formula}", place))
        tables.add(cell.table)
        # Several rows may show the same key: one of them has its formula.
        if formula.found == formula.listed or cell in unchanged:
            continue
        if formula.found is None and not with_texts and isinstance(sheet.value(formula.row, formula.column), str):
            continue
        if cell.key == "*":
            row = rows.get((sheet.name, formula.row)) or _first_word(sheet, formula.row) or ""
            key = FormulaKey(cell.table, row, cell.column)
        side.found[key] = _standing(formula, place)
    for cell in reading.formulas:
        key = FormulaKey(cell.table, cell.key, cell.column)
        if key not in side.listed and cell.key != "*" and cell.table in tables:
            side.listed[key] = FormulaAt(compact(cell.formula), f"={cell.formula}")
            side.found[key] = FormulaAt("", ABSENT)


def _standing(formula: StandingFormula, place: Place) -> FormulaAt:
    """What stands in the place of a formula: another one, or a value."""
    if formula.found is not None:
        typed = formula.sheet.formulas[formula.row, formula.column]
        return FormulaAt(f"={formula.found}", f"={typed}"[:_SHOWN], place)
    shown = as_found(formula.sheet, formula.row, formula.column) or BLANK
    return FormulaAt(f"valeur {shown}", shown[:_SHOWN], place)


def _first_word(sheet: RawSheet, row: int) -> str | None:
    """What names a row of a computed table: the first cell that holds a word or a number."""
    line = sheet.rows[row - 1] if row <= len(sheet.rows) else []
    return next((words for value in line if (words := plain_words(value)) is not None), None)
