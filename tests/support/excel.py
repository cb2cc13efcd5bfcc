"""A workbook of the contract as a person edits it in Excel, table by table, and saves it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from typing import Any

from openpyxl.utils import range_boundaries
from openpyxl.workbook import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from support.campaign import mutated


class Excel:
    """The tables of an open workbook, by their names, rows (one-based) and headers."""

    def __init__(self, book: Workbook) -> None:
        self.book = book

    def sheet(self, table: str) -> Worksheet:
        return next(sheet for sheet in self.book if table in sheet.tables)

    def area(self, table: str) -> tuple[int, int, int, int]:
        """First column, header row, last column, last row."""
        return range_boundaries(self.sheet(table).tables[table].ref)

    def labels(self, table: str) -> dict[str, int]:
        left, top, right, _ = self.area(table)
        return {str(self.sheet(table).cell(top, column).value): column for column in range(left, right + 1)}

    def rows(self, table: str) -> range:
        _, top, _, bottom = self.area(table)
        return range(top + 1, bottom + 1)

    def get(self, table: str, row: int, label: str) -> Any:
        return self.sheet(table).cell(row, self.labels(table)[label]).value

    def find(self, table: str, **where: Any) -> int:
        (row,) = [
            row for row in self.rows(table) if all(self.get(table, row, key) == value for key, value in where.items())
        ]
        return row

    def type(self, table: str, row: int, **values: Any) -> None:
        for label, value in values.items():
            self.sheet(table).cell(row, self.labels(table)[label]).value = value

    def add(self, table: str, **values: Any) -> int:
        """Type a row under the last one: the table grows, as Excel lets it."""
        left, top, right, bottom = self.area(table)
        self.type(table, bottom + 1, **values)
        self._resize(table, left, top, right, bottom + 1)
        return bottom + 1

    def remove(self, table: str, rows: Collection[int]) -> None:
        """Delete rows of a table: those below move up, and the table shrinks."""
        left, top, right, bottom = self.area(table)
        sheet, columns = self.sheet(table), range(left, right + 1)
        kept = [[sheet.cell(row, column).value for column in columns] for row in self.rows(table) if row not in rows]
        for offset, row in enumerate(self.rows(table)):
            for place, column in enumerate(columns):
                sheet.cell(row, column).value = kept[offset][place] if offset < len(kept) else None
        self._resize(table, left, top, right, max(top + 1, top + len(kept)))
        assert bottom >= top

    def _resize(self, table: str, left: int, top: int, right: int, bottom: int) -> None:
        sheet = self.sheet(table)
        ref = f"{sheet.cell(top, left).coordinate}:{sheet.cell(bottom, right).coordinate}"
        sheet.tables[table].ref = ref
        if sheet.tables[table].autoFilter is not None:
            sheet.tables[table].autoFilter.ref = ref


def edited(path: Path, edit: Any, *, saved: datetime, author: str = "Anne", target: Path | None = None) -> None:
    """Open a workbook, let ``edit`` change it (it is given an :class:`Excel`), and save it as this person, then."""
    mutated(path, target or path, lambda book: edit(Excel(book)), saved=saved, author=author)
