"""Values of the tables as a sentence says them, and the data dictionary: every field in the words that people read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tabellion.schema.money import format_euros
from tabellion.schema.table import FALSE_WORD, TRUE_WORD, Field, Schemas, TableSchema
from tabellion.wording import french_date, french_value

#: What parts the names in a cell, and what people may type instead.
SEPARATOR = " ; "
_BETWEEN = re.compile(r"\s*[;\n]\s*")


def names_in(text: str | None) -> list[str]:
    """The names that a text lists, each once, in their order."""
    return list(dict.fromkeys(filter(None, _BETWEEN.split((text or "").strip()))))


def joined(names: list[str]) -> str | None:
    """The text that lists names; ``None`` for none."""
    return SEPARATOR.join(names) or None


#: What stands for a value that is not there.
BLANK = "(vide)"


def shown_value(field: Field | None, value: object, *, quoted: bool = False) -> str:
    """``value`` as people read it: ``1 234,56 €``, ``40 %``, ``31/12/2016``, ``oui``; texts in « » where ``quoted``.

    ``field`` is ``None`` for a field that the schema has no more.
    """
    if value is None:
        return BLANK
    if isinstance(value, bool):
        return TRUE_WORD if value else FALSE_WORD
    if isinstance(value, date):
        return french_date(value)
    if isinstance(value, int) and field is not None and field.kind == "money":
        return format_euros(value)
    if isinstance(value, int) and field is not None and field.kind == "percent":
        return f"{value}\u00a0%"
    return f"« {value} »" if quoted and isinstance(value, str) else french_value(value)


#: What people call each kind of field.
KINDS = {
    "string": "texte",
    "integer": "nombre entier",
    "money": "montant en euros",
    "percent": "pourcentage",
    "date": "date",
    "boolean": "oui / non",
}


@dataclass(frozen=True)
class DictionaryEntry:
    """One field as the dictionary describes it; texts are in French."""

    table: str
    field: str
    title: str
    kind: str
    required: str
    expected: str
    example: str
    description: str


#: The headers of the dictionary, in the order of :class:`DictionaryEntry`.
HEADERS = ("Table", "Champ", "Intitulé", "Type", "Obligatoire", "Attendu", "Exemple", "Description")


def dictionary(schemas: Schemas) -> Iterator[DictionaryEntry]:
    """Every field, table by table, in the order of the schemas."""
    for schema in schemas.values():
        for field in schema.fields:
            is_required = TRUE_WORD if field.required else FALSE_WORD
            is_own = field.name in schema.primary_key and field.name not in schema.foreign
            unique = " ; identifie la ligne" if is_own else ""
            yield DictionaryEntry(
                schema.title, f"{schema.name}.{field.name}", field.title, KINDS[field.kind], is_required,
                expected(schemas, schema, field) + unique, _example(field), field.description,
            )  # fmt: skip


def _example(field: Field) -> str:
    """The example of a field as people type it; the schema has it as data."""
    text = field.example or ""
    if field.kind == "date" and text:
        return french_date(date.fromisoformat(text))
    return format_euros(int(Decimal(text) * 100)) if field.kind == "money" and text else text


def expected(schemas: Schemas, schema: TableSchema, field: Field) -> str:
    """What a value of a field of a table must be, in French: of one that refers to another table, a value of that."""
    key = schema.foreign.get(field.name)
    return field.expected if key is None else f"une valeur de « {schemas[key.table].title} »"
