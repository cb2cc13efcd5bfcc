"""The cells of a workbook's sheets and of a CSV as the import reads them, with what is struck out or hidden."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from tabellion.addresses import parse_range
from tabellion.reading.raw import CellAddress, RawSheet, RawValue
from tabellion.schema import Field
from tabellion.schema.money import format_euros, nearest_cents
from tabellion.schema.typed import Outcome, make_typed, read_typed

_DELIMITERS = ";,\t|"
_SAMPLE_LINES = 60
_LONGEST_FIELD = 1_000_000
_MONEY = Field("montant", "money", "Montant (€)", "")
#: What people add to an amount, and is none of it: marks of notes, the kind of the price.
_NOTES = re.compile(r"\s*(?:\*+|\(\d{1,2}\)|\b(?:ttc|ht)\b|/an\b|\bpar an\b)\s*$", re.IGNORECASE)
_YEAR = re.compile(r"20\d\d")
_SMALL = 10_000
_SEP = re.compile(r"sep=.\r?\n")


@dataclass
class CellGrid:
    """One sheet, or a whole CSV (``feuille`` is then ``None``). ``rows[0]`` is row 1; rows are of one length.

    ``struck`` and ``merged`` are one-based addresses (row, column): cells struck out, and cells that only repeat the
    text of the merged one that covers them. ``first_line`` is the line of row 1 among all the lines of the import.
    """

    fichier: str
    feuille: str | None
    rows: list[list[RawValue]]
    struck: frozenset[CellAddress] = frozenset()
    hidden_rows: frozenset[int] = frozenset()
    merged: frozenset[CellAddress] = frozenset()
    scales: dict[CellAddress, str] = field(default_factory=dict)
    marked: dict[CellAddress, str] = field(default_factory=dict)
    """By one-based addresses, the texts of which a part is struck out, with ``~~`` around it."""
    file_lines: list[int] = field(default_factory=list)
    """Of a CSV: the one-based line where each row begins."""
    first_line: int = 1

    def text(self, row: int, column: int) -> str:
        """The text of a cell at a zero-based row and column, as people read it."""
        line = self.rows[row]
        return shown(line[column]) if column < len(line) else ""

    def texts(self, row: int) -> list[str]:
        """The texts of a zero-based row."""
        return [shown(value) for value in self.rows[row]]

    def line(self, row: int) -> int:
        """The line of a zero-based row among all the lines of the import."""
        return self.first_line + row

    def is_struck(self, row: int, column: int) -> bool:
        """Whether the cell at a zero-based row and column is struck out."""
        return (row + 1, column + 1) in self.struck

    def mentions(self, row: int, column: int) -> str:
        """The text of a cell at a zero-based row and column, with ``~~`` around what is struck out."""
        text = self.text(row, column)
        marked = shown(self.marked.get((row + 1, column + 1)))
        return marked or (f"~~{text}~~" if text and self.is_struck(row, column) else text)

    def amount(self, row: int, column: int) -> tuple[int | None, str]:
        """The cents of a cell, and its text where it holds something that is no amount.

        Amounts are those that forms understand; marks of notes after them are left out.
        """
        value = self.rows[row][column] if column < len(self.rows[row]) else None
        unit = self.scales.get((row + 1, column + 1), "")
        return cents_of(f"{value:g} {unit}" if unit and isinstance(value, int | float) else value)


def cents_of(value: RawValue) -> tuple[int | None, str]:
    """The cents of a value, and its text where it is no amount; (``None``, ``""``) for a blank."""
    text = shown(value)
    if not text or isinstance(value, bool | date):
        return None, text
    for candidate in (value, _NOTES.sub("", text)):
        rule, reading = read_typed(make_typed(candidate, _MONEY))
        if rule.outcome in (Outcome.PRIS, Outcome.COMPRIS) and isinstance(reading.value, int):
            return reading.value, ""
        if rule.outcome is Outcome.VIDE:
            return None, ""
    number = cents_of_negative(text)
    return number, "" if number is not None else text


def cents_of_negative(text: str) -> int | None:
    """The cents of a negative amount, which forms refuse and files of accounts hold: a payment taken back."""
    bare = re.sub(r"^\s*[-−–]\s*|^\s*\((.*)\)\s*$", lambda match: match[1] or "", text)
    if bare == text:
        return None
    cents, left = cents_of(bare)
    return -cents if cents is not None and not left else None


def sheet_grid(sheet: RawSheet, fichier: str) -> CellGrid:
    """The grid of a sheet: texts of merged cells repeated over the cells that they cover, amounts never."""
    rows = [list(row) for row in sheet.rows]
    merged = set[CellAddress]()
    for area in sheet.merged:
        top, left, bottom, right = parse_range(area)
        value = sheet.value(top, left)
        if _YEAR.fullmatch(shown(value)) or (isinstance(value, str) and cents_of(value)[0] is None):
            for row in range(top, min(bottom, len(rows)) + 1):
                for column in range(left, min(right, len(rows[row - 1])) + 1):
                    if (row, column) != (top, left):
                        rows[row - 1][column - 1] = value
                        merged.add((row, column))
    return CellGrid(
        fichier, sheet.name, rows,
        struck=frozenset(place for place, cell in sheet.cell_formats.items() if cell.struck),
        hidden_rows=sheet.hidden_rows,
        merged=frozenset(merged),
        marked={place: cell_format.marked for place, cell_format in sheet.cell_formats.items() if cell_format.marked},
        scales={place: shown.words for place, shown in sheet.cell_formats.items() if shown.words in ("k€", "K€", "M€")},
    )  # fmt: skip


def csv_grid(text: str, fichier: str) -> CellGrid | None:
    """The grid of a CSV, by the separator that cuts its lines alike; ``None`` for a text that is no table."""
    text = _SEP.sub("", text, count=1) if _SEP.match(text) else text
    sample = [line for line in text.split("\n")[:_SAMPLE_LINES] if line.strip()]
    best: tuple[int, str] | None = None
    for delimiter in _DELIMITERS:
        widths = Counter(len(row) for row in _parsed("\n".join(sample), delimiter) if len(row) > 1)
        alike = max(((count, width) for width, count in widths.items()), default=(0, 0))
        if alike[0] * 2 > len(sample) and (best is None or alike[1] > best[0]):
            best = alike[1], delimiter
    if best is None:
        return None
    starts = list[int]()
    rows = [list[RawValue](map(str.strip, row)) for row in _parsed(text, best[1], starts)]
    width = max(map(len, rows), default=0)
    return CellGrid(fichier, None, [row + [None] * (width - len(row)) for row in rows], file_lines=starts)


def _parsed(text: str, delimiter: str, starts: list[int] | None = None) -> list[list[str]]:
    """The rows of a CSV; ``starts`` gets the line where each begins."""
    csv.field_size_limit(_LONGEST_FIELD)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows, line = list[list[str]](), 0
    try:
        for row in reader:
            rows.append(row)
            if starts is not None:
                starts.append(line + 1)
            line = reader.line_num
    except csv.Error:
        return []
    return rows


def shown(value: RawValue) -> str:
    """A value as the import reads it: a code keeps no decimals, a date is the day, spaces count once."""
    if isinstance(value, bool):
        return "OUI" if value else "NON"
    if isinstance(value, int | float):
        return str(int(value)) if float(value).is_integer() else f"{value:.15g}".replace(".", ",")
    if isinstance(value, date | datetime):
        return f"{value:%d/%m/%Y}"
    return "" if value is None else " ".join(str(value).split())


def printed(value: RawValue) -> str:
    """A value as a document would print it: a number is an amount where it is no year nor a rank."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        small = float(value).is_integer() and abs(value) < _SMALL
        return str(int(value)) if small else format_euros(nearest_cents(value)[0])
    return shown(value)


def printed_rows(rows: Sequence[Sequence[RawValue]]) -> Iterator[str]:
    """The rows of a sheet as the lines of a text, tabulations between their cells.

    A row of one cell right under a table's row is one of the table, whose other cells are blank.
    """
    in_table = False
    for row in rows:
        cells = [printed(value) for value in row]
        filled = sum(cell != "" for cell in cells)
        in_table = filled > 1 or (in_table and filled > 0)
        yield "\t".join(cells).rstrip("\t") + ("\t" if in_table else "")
