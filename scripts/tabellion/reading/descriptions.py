"""What rows say, as it can be compared: what describes one, and the spelling that is known of a text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tabellion.reading.identifiers import identifier_field
from tabellion.schema import TableSchema
from tabellion.schema.table import Key
from tabellion.schema.tables import Column, Table
from tabellion.wording import as_seen, fold


def same_spelling(value: object, known: object) -> bool:
    """Whether two texts are one spelling, whatever their spaces, apostrophes and the composition of their accents."""
    return isinstance(value, str) and isinstance(known, str) and (value == known or as_seen(value) == as_seen(known))


def keep_spellings(values: Column, known: Sequence[object]) -> None:
    """Give ``values``, in place, the spelling of ``known`` at the same position, where a reader sees the same."""
    for position, (value, text) in enumerate(zip(values, known, strict=True)):
        if isinstance(text, str) and value != text and same_spelling(value, text):
            values[position] = text


def keep_table_spellings(schema: TableSchema, columns: dict[str, Column], base: Table) -> None:
    """The same for the rows of a table, each beside the row of ``base`` that has its key."""
    keys = zip(*(base.columns[name] for name in schema.primary_key), strict=True)
    rows = {key: position for position, key in enumerate(keys)}
    own = zip(*(columns[name] for name in schema.primary_key), strict=True)
    places = [rows.get(key) for key in own]
    for field in schema.fields:
        if field.kind == "string":
            known = base.columns[field.name]
            keep_spellings(columns[field.name], [None if place is None else known[place] for place in places])


def describing_fields(schema: TableSchema) -> tuple[str, ...]:
    """The fields that describe a row of a table, without its identifier."""
    identifier = identifier_field(schema)
    if schema.label is not None:
        return (schema.label,)
    return tuple(
        column.name
        for column in schema.fields
        if column.name != identifier and (column.required or column.unique or column.name in schema.foreign)
    )


class DescribedRows:
    """Rows of one table: what they say, as it can be compared."""

    def __init__(
        self, schema: TableSchema, columns: Mapping[str, Column], moved: Mapping[str, Mapping[Any, Any]]
    ) -> None:
        self.columns, self.key, self.others = columns, schema.primary_key[0], schema.primary_key[1:]
        self.described = describing_fields(schema)
        self.required = [name for name in self.described if not schema.is_optional(name)]
        self.contents = [name for name in schema.names if name != self.key]
        self.moved = {name: moved.get(key.table, {}) for name, key in schema.foreign.items()}
        self.moved_any = any(self.moved.values())

    def __len__(self) -> int:
        return len(self.columns[self.key])

    def says(self, position: int, name: str) -> object:
        """What a cell says, whatever its spelling; the key that a row has now, where it had another."""
        value = self.columns[name][position]
        if isinstance(value, str):
            value = self.moved.get(name, {}).get(value, value)
            return fold(value) or None
        return self.moved.get(name, {}).get(value, value)

    def says_all(self, position: int, names: Iterable[str]) -> Key:
        """What several cells of a row say."""
        return tuple(self.says(position, name) for name in names)

    def description(self, position: int) -> Key | None:
        """What describes a row; ``None`` where it does not say all that it must, or nothing but its key tells it."""
        if not self.described or any(self.columns[name][position] is None for name in self.required):
            return None
        return self.says_all(position, self.described)

    def full_key(self, position: int) -> Key:
        """The primary key of a row."""
        return (self.columns[self.key][position], *(self.columns[name][position] for name in self.others))
