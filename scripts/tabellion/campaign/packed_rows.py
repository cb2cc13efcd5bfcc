"""The rows of a return packed, as text: thousands of returns are held so from their reading to the end of a run."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from tabellion.campaign.model import ReturnedRow
from tabellion.campaign.plain_values import plain_json, value_of
from tabellion.schema import Key


@dataclass(frozen=True, eq=False)
class PackedRows:
    """Rows in their order, made anew each time they are gone through: a tenth of the memory that they take then.

    ``parts`` are the rows of one table after the other, as JSON in which names of fields and columns are written once.
    """

    parts: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, rows: Iterable[ReturnedRow]) -> PackedRows:
        """These rows, packed."""
        if isinstance(rows, PackedRows):
            return rows
        return cls(tuple((table, _packed(of_table)) for table, of_table in groupby(rows, key=lambda row: row.table)))

    def __iter__(self) -> Iterator[ReturnedRow]:
        return (row for part in self.parts for row in _unpacked(*part))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PackedRows | tuple) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]  # rows hold dictionaries

    def of_table(self, table: str) -> Iterator[ReturnedRow]:
        """Those of one table."""
        return (row for name, text in self.parts if name == table for row in _unpacked(name, text))


def _packed(rows: Iterable[ReturnedRow]) -> str:
    groups = groupby(rows, key=lambda row: (row.sheet, row.fichier, row.columns, tuple(row.values)))
    content = [[*like, [_plain_row(row) for row in group]] for like, group in groups]
    return json.dumps(content, separators=(",", ":"))


def _plain_row(row: ReturnedRow) -> list[object]:
    before = {name: plain_json(value) for name, value in row.before.items()}
    values = [plain_json(value) for value in row.values.values()]
    return [row.row, row.is_new, [plain_json(part) for part in row.key], values, before]


def _unpacked(table: str, text: str) -> Iterator[ReturnedRow]:
    for sheet, fichier, columns, names, rows in json.loads(text):
        for row, is_new, key, values, before in rows:
            yield ReturnedRow(
                table, _values(key), dict(zip(names, _values(values), strict=True)),
                {name: value_of(value) for name, value in before.items()}, is_new, sheet, row, columns, fichier,
            )  # fmt: skip


def _values(content: list[Any]) -> Key:
    """The values of a row; equal texts, of which there are many, are one object."""
    return tuple([
        sys.intern(part) if part.__class__ is str else value_of(part) if part.__class__ is dict else part
        for part in content
    ])  # fmt: skip
