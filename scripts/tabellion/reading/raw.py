"""What a workbook holds before anyone interprets it: sheets of plain values, and what the values cannot show."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from tabellion.addresses import cell_name
from tabellion.findings import Finding, Place
from tabellion.reading.number_formats import CellFormat

RawValue = str | int | float | bool | datetime | date | time | timedelta | None
CellAddress = tuple[int, int]
"""A cell's one-based row and one-based column."""


@dataclass(frozen=True, slots=True)
class RawTable:
    """One Excel table: its name, its place and its header labels. Rows and columns are one-based.

    ``ref`` is the whole range, headers and totals included (``A5:H20``). ``first_row`` to ``last_row`` are its data
    rows; ``last_row`` is below ``first_row`` when it has none. ``header_row`` is ``None`` when there are no headers.
    """

    name: str
    ref: str
    sheet: str
    columns: tuple[str, ...]
    header_row: int | None
    first_row: int
    last_row: int
    first_column: int
    last_column: int
    totals_row: bool


@dataclass(slots=True)
class RawSheet:
    """One worksheet, cell for cell, at absolute addresses.

    ``rows[0]`` is Excel's row 1 and ``rows[0][0]`` its cell A1; rows are of one length and end with the last cell
    that holds something. A blank cell, an error cell and a formula with no computed value are all ``None`` in
    ``rows``; ``errors``, ``uncached`` and ``formulas`` tell them apart. ``''`` is only the empty text that a formula
    returned. Cells stored as text are ``str``, whatever they look like; numbers are ``float``.
    """

    name: str
    state: str
    """``visible``, ``hidden`` or ``veryHidden``."""
    rows: list[list[RawValue]]
    formulas: dict[CellAddress, str] = field(default_factory=dict)
    """Formula text as stored, without its ``=``; shared ones expanded, an array formula at its first cell."""
    errors: dict[CellAddress, str] = field(default_factory=dict)
    """Error values (``#REF!``), typed or computed."""
    uncached: set[CellAddress] = field(default_factory=set)
    """Formula cells that carry no computed value."""
    percents: frozenset[CellAddress] = frozenset()
    """Filled cells whose number format is a percentage: they show a hundred times their value."""
    cell_formats: dict[CellAddress, CellFormat] = field(default_factory=dict)
    """Filled cells whose style says what their value does not: struck out, a unit, a scale."""
    comments: dict[CellAddress, str] = field(default_factory=dict)
    """The notes of cells, those of a program of ours left out."""
    merged: tuple[str, ...] = ()
    hidden_rows: frozenset[int] = frozenset()
    hidden_columns: frozenset[int] = frozenset()
    tables: tuple[RawTable, ...] = ()

    def value(self, row: int, column: int) -> RawValue:
        """The value at a one-based row and column; ``None`` outside what the sheet holds."""
        if not (1 <= row <= len(self.rows)) or column < 1:
            return None
        line = self.rows[row - 1]
        return line[column - 1] if column <= len(line) else None

    def place(self, row: int, column: int) -> Place:
        """The place of the cell at a one-based row and column."""
        return Place(feuille=self.name, cellule=cell_name(row, column))


@dataclass(slots=True)
class RawWorkbook:
    """One workbook as read: its worksheets in tab order, its names and properties, and what is worth a notice."""

    fichier: str
    sha256: str
    sheets: list[RawSheet]
    names: dict[str, str] = field(default_factory=dict)
    """Defined names and what they refer to; a sheet's own names are keyed ``sheet!name``."""
    date1904: bool = False
    properties: dict[str, str] = field(default_factory=dict)
    """Of ``docProps``, where present: creator, lastModifiedBy, created, modified, title, application, appVersion."""
    archived: datetime | None = None
    """The latest date of the archive's entries, in the time of whoever wrote it; many programs write none."""
    notices: tuple[Finding, ...] = ()
    manual: bool = False
    """Whether the workbook only calculates on demand: what its formulas show may be old."""

    def sheet(self, name: str) -> RawSheet | None:
        """The worksheet of that exact name, or ``None``."""
        return next((sheet for sheet in self.sheets if sheet.name == name), None)
