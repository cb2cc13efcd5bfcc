"""The values of a sheet while it is read, in lines that end with the last cell that each holds; they are counted."""

from __future__ import annotations

from collections.abc import Collection

from tabellion.addresses import cell_name
from tabellion.findings import TabellionError
from tabellion.reading.limits import refusal
from tabellion.reading.raw import CellAddress, RawValue
from tabellion.wording import french_count


class SheetCells:
    """The cells of the sheet ``name``: ``most`` of them, what the lines leave blank before others included.

    Rows and columns are one-based.
    """

    def __init__(self, name: str, most: int) -> None:
        self._name, self._most = name, most
        self._lines: dict[int, list[RawValue]] = {}
        self._held = 0

    def begin_line(self, row: int) -> tuple[list[RawValue], int]:
        """The line of a row, to be appended to, and how long it may grow, until :meth:`end_line`."""
        line = self._lines.setdefault(row, [])
        self._held -= len(line)
        return line, self._most - self._held

    def end_line(self, row: int, line: list[RawValue]) -> None:
        """Count a line that was appended to; one without any cell is none."""
        self._held += len(line)
        if not line:
            self._lines.pop(row, None)

    def put(self, row: int, column: int, value: RawValue) -> None:
        """Write a value at its place; the lines end with the last one that they hold."""
        line = self._lines.get(row)
        if line is None:
            line = self._lines[row] = []
        missing = column - len(line)
        if missing <= 0:
            line[column - 1] = value
            return
        self._held += missing
        if self._held > self._most:
            raise self._too_wide(max(self._lines), max(column, *map(len, self._lines.values())))
        if missing > 1:
            line.extend([None] * (missing - 1))
        line.append(value)

    def rows(self, formulas: Collection[CellAddress]) -> list[list[RawValue]]:
        """The values of the sheet from A1, in rows of one length. The declared dimension of a sheet is not believed.

        Cells that have ``formulas`` count, with a value or none.
        """
        last_row, last_column = max(self._lines, default=0), max(map(len, self._lines.values()), default=0)
        corner_row = max((row for row, _ in formulas), default=0)
        corner_column = max((column for _, column in formulas), default=0)
        corner_row, corner_column = max(corner_row, last_row), max(corner_column, last_column)
        if corner_row * corner_column > self._most:
            raise self._too_wide(corner_row, corner_column)
        for line in self._lines.values():
            line.extend([None] * (last_column - len(line)))
        return [self._lines.get(row) or [None] * last_column for row in range(1, last_row + 1)]

    def _too_wide(self, row: int, column: int) -> TabellionError:
        corner, limit = cell_name(row, column), french_count(self._most)
        return refusal("feuille-trop-etendue", feuille=self._name, cellule=corner, valeur=corner, attendu=limit)
