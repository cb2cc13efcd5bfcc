"""The rows of all returns validated together against the schemas, in one pass however many files there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tabellion.addresses import cell_name
from tabellion.campaign.examination import Examination, ExaminedTable
from tabellion.checks.contract import check_returned_rows
from tabellion.contract.workspace import Settings
from tabellion.findings import Finding, Place
from tabellion.layout.forms import FORM_TABLES
from tabellion.schema import Schemas
from tabellion.schema.frames import Tables, make_frame


def check_rows(
    examined: Mapping[str, Examination], register: Tables, schemas: Schemas, settings: Settings
) -> dict[str, list[Finding]]:
    """What the schemas say of the rows of returns, by the name that each has in ``examined``.

    ``register`` are the tables that the rows refer to.
    """
    tables: Tables = dict(register)
    origins: dict[str, list[tuple[str, ExaminedTable, int]]] = {}
    unknown: set[tuple[str, Any, str]] = set()
    for resource in (spec.resource for spec in FORM_TABLES if spec.resource in schemas):
        found = origins.setdefault(resource, [])
        columns: dict[str, list[Any]] = {name: [] for name in schemas[resource].names}
        for name, examination in examined.items():
            table = examination.tables.get(resource)
            if table is None:
                continue
            unknown |= {(resource, len(found) + position, champ) for position, champ in table.unknown}
            found += [(name, table, position) for position in range(len(table.rows))]
            for champ, values in table.values.items():
                columns[champ] += values
        tables[resource] = make_frame(schemas[resource], columns)

    def locate(table: str, index: Any, field: str | None = None) -> Place:
        if table not in origins:
            return Place()
        name, examined_table, position = origins[table][index]
        column = examined_table.columns.get(field or "", examined_table.first_column)
        return Place(name, examined_table.sheet, cell_name(examined_table.rows[position], column))

    said: dict[str, list[Finding]] = {}
    for each in check_returned_rows(tables, schemas, settings, locate, unknown=unknown):
        said.setdefault(each.place.fichier or "", []).append(each)
    return said
