"""Texts that differ from what is known only by what nobody sees keep the spelling that is known."""

from __future__ import annotations

from collections.abc import Sequence

from tabellion.schema import TableSchema
from tabellion.schema.tables import Column, Table
from tabellion.wording import as_seen


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
