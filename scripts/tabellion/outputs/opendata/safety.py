"""Texts that a spreadsheet would run as formulas, made harmless in what is published.

A spreadsheet that opens a CSV computes a cell that begins with ``=``, ``+``, ``-`` or ``@``, or with a tab or a line
end before one (https://owasp.org/www-community/attacks/CSV_Injection). Such a text gets an apostrophe in front. Only
texts do: a negative amount is a number and stays one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from tabellion.schema import Schemas
from tabellion.schema.tables import Tables, make_table

#: The signs that begin a formula (their full-width twins too), and the blanks that spreadsheets skip before one.
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_SHIELD = "'"


class Shielded(NamedTuple):
    """A text that was made harmless: its table, its zero-based position there, its field, the text as it was."""

    table: str
    position: int
    field: str
    text: str


def safe_text(text: str) -> str:
    """The text as a CSV may hold it."""
    return _SHIELD + text if text.startswith(_DANGEROUS) else text


def safe_tables(tables: Tables, schemas: Schemas) -> tuple[Tables, Schemas, list[Shielded]]:
    """The same tables with harmless texts, the schemas that they keep, and what was changed.

    A field whose longest text an apostrophe lengthened allows one character more.
    """
    found: list[Shielded] = []
    safe, kept = Tables(), Schemas()
    for name, schema in schemas.items():
        columns = {key: list(values) for key, values in tables[name].columns.items()}
        fields = []
        for field in schema.fields:
            longest = 0
            values = columns[field.name]
            for position, text in enumerate(values):
                if isinstance(text, str) and (shielded := safe_text(text)) != text:
                    found.append(Shielded(name, position, field.name, text))
                    values[position] = shielded
                    longest = max(longest, len(shielded))
            grown = field.max_length is not None and longest > field.max_length
            fields.append(replace(field, max_length=longest) if grown else field)
        safe[name] = make_table(schema, columns)
        kept[name] = replace(schema, fields=tuple(fields))
    return safe, kept, found
