"""The data dictionary: every field of every table in the words that people read, made from the schemas alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tabellion.schema.table import Field, Schemas, TableSchema

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
class Entry:
    """One field as the dictionary describes it; texts are in French."""

    table: str
    field: str
    title: str
    kind: str
    required: str
    expected: str
    example: str
    description: str


#: The headers of the dictionary, in the order of :class:`Entry`.
HEADERS = ("Table", "Champ", "Intitulé", "Type", "Obligatoire", "Attendu", "Exemple", "Description")


def dictionary(schemas: Schemas) -> Iterator[Entry]:
    """Every field, table by table, in the order of the schemas."""
    for schema in schemas.values():
        for field in schema.fields:
            yield Entry(
                schema.title,
                f"{schema.name}.{field.name}",
                field.title,
                KINDS[field.kind],
                "oui" if field.required else "non",
                _expected(schemas, schema, field),
                field.example or "",
                field.description,
            )


def _expected(schemas: Schemas, schema: TableSchema, field: Field) -> str:
    """What a value must be, its keys in words."""
    key = schema.foreign.get(field.name)
    if key is not None:
        return f"une valeur de « {schemas[key.table].title} »"
    unique = " ; identifie la ligne" if field.name in schema.primary_key else ""
    return field.expected + unique
