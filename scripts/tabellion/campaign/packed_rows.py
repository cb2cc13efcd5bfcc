"""The rows of a return packed, as text: thousands of returns are held so from their reading to the end of a run."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, repeat
from typing import Any

from tabellion.campaign.model import ReturnedRow
from tabellion.campaign.plain_values import plain_json, value_of
from tabellion.schema import Key


@dataclass(frozen=True, eq=False)
class PackedRows:
    """Rows in their order, made anew each time they are gone through: a tenth of the memory that they take then.

    ``parts`` are the rows of one table after the other, as JSON by column, in which names are written once.
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
    return json.dumps([[*like, *_columns(list(group))] for like, group in groups], separators=(",", ":"))


def _columns(rows: Sequence[ReturnedRow]) -> list[object]:
    """Rows by column: their places, which are new, their keys, their values, what was before."""
    befores = [{name: plain_json(value) for name, value in row.before.items()} for row in rows]
    keys = map(_column, zip(*(row.key for row in rows), strict=True))
    values = map(_column, zip(*(row.values.values() for row in rows), strict=True))
    return [[row.row for row in rows], [row.is_new for row in rows], [*keys], [*values], befores]


def _column(values: Sequence[object]) -> list[object]:
    """A column, and whether JSON has its values as they are, and it is none of texts."""
    plain = [plain_json(value) for value in values]
    return [not any(isinstance(value, str | dict) for value in plain), plain]


def _unpacked(table: str, text: str) -> Iterator[ReturnedRow]:
    for sheet, fichier, columns, names, rows, new, keys, values, befores in json.loads(text):
        of_rows = zip(rows, new, _tuples(keys), _tuples(values), befores, strict=False)
        for row, is_new, key, own, before in of_rows:
            yield ReturnedRow(
                table, key, dict(zip(names, own, strict=True)), {name: value_of(before[name]) for name in before},
                is_new, sheet, row, columns, fichier,
            )  # fmt: skip


def _tuples(columns: list[tuple[bool, list[Any]]]) -> Iterator[Key]:
    """What each row has in some columns; equal texts, of which there are many, are one object."""
    whole = [
        values if is_whole else [
            sys.intern(value) if value.__class__ is str else value_of(value) if value.__class__ is dict else value
            for value in values
        ]
        for is_whole, values in columns
    ]  # fmt: skip
    return zip(*whole, strict=True) if whole else repeat(())
