"""What stays in the register: e-mail addresses are personal data (RGPD), and no open data."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tabellion.schema import Schemas
from tabellion.schema.tables import Tables, make_table


@dataclass(frozen=True)
class Withheld:
    """A field that is exported blank: its table, the zero-based position of its first value there, how many."""

    table: str
    position: int
    field: str
    count: int


def without_addresses(tables: Tables, schemas: Schemas) -> tuple[Tables, Schemas, list[Withheld]]:
    """The same tables with blank e-mail addresses, the schemas that they keep, and what was withheld."""
    kept_tables, kept_schemas, found = Tables(), Schemas(), list[Withheld]()
    for name, schema in schemas.items():
        kept_tables[name], kept_schemas[name] = tables[name], schema
        private = [each for each in schema.fields if each.email]
        if not private:
            continue
        columns = dict(tables[name].columns)
        for field in private:
            filled = [place for place, value in enumerate(columns[field.name]) if value is not None]
            if filled:
                found.append(Withheld(name, filled[0], field.name, len(filled)))
                columns[field.name] = [None] * len(columns[field.name])
        kept_tables[name] = make_table(schema, columns)
        fields = tuple(replace(each, required=False, unique=False) if each.email else each for each in schema.fields)
        kept_schemas[name] = replace(schema, fields=fields)
    return kept_tables, kept_schemas, found
