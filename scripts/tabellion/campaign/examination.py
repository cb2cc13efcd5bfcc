"""One return examined by itself, in the child process that read it: plain values out, and nothing of frames here.

This is the per-file step (DESIGN.md §8): bytes in; columns of values, facts and findings out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tabellion.checks.formulas import check_formulas
from tabellion.checks.returns import check_return
from tabellion.contract.workspace import Settings
from tabellion.findings import Finding, Place, finding
from tabellion.layout.forms import (
    COMPUTED_ROLES,
    KIND_FORM,
    FormIdentity,
    Role,
    TableSpec,
    baseline_text,
    baseline_value,
)
from tabellion.layout.names import IDENTITY
from tabellion.reading.form import FormReading, read_form
from tabellion.reading.hidden import read_identity
from tabellion.reading.raw import RawWorkbook
from tabellion.reading.references import References
from tabellion.schema import Schemas, TableSchema

Changed = dict[str, Any]
"""By field, the values as sent of the cells of a row that say something else."""


@dataclass
class ExaminedTable:
    """One table of a return. Rows and columns of the sheet are one-based; the other lists have one entry a row.

    ``values`` are the plain values by field of the register's table; ``columns`` the sheet's column of each field that
    has one; ``unknown`` the cells (position, field) that held something unreadable; ``keys`` the rows' primary keys.
    """

    sheet: str
    first_column: int
    rows: list[int]
    columns: dict[str, int]
    values: dict[str, list[Any]]
    unknown: set[tuple[int, str]]
    keys: list[tuple[Any, ...]]
    is_new: list[bool]
    changed: list[Changed]


@dataclass
class Examination:
    """What one return says: whose it is, when and by whom it was saved, its tables, the rows gone, what is wrong.

    ``identity`` is ``None`` when the file is no form of this contract. ``removed`` are (table, id, label, place).
    """

    sha256: str
    identity: FormIdentity | None
    saved: datetime | None
    author: str
    findings: list[Finding]
    tables: dict[str, ExaminedTable] = field(default_factory=dict)
    removed: list[tuple[str, str, str, Place]] = field(default_factory=list)


@dataclass(frozen=True)
class Examiner:
    """Makes an :class:`Examination` of each form; any other workbook is given back as it was read."""

    schemas: Schemas
    known: References
    settings: Settings

    def __call__(self, workbook: RawWorkbook) -> Examination | RawWorkbook:
        """Examine one workbook."""
        if not is_form(workbook):
            return workbook
        reading = read_form(workbook, self.schemas, self.known, self.settings.identifiant)
        found = Examination(
            workbook.sha256,
            reading.identity,
            saved_time(workbook.properties),
            workbook.properties.get("lastModifiedBy", ""),
            list(reading.findings),
        )
        if reading.columns:
            found.findings += [*check_return(reading, self.settings), *check_formulas(reading)]
            for spec in reading.specs:
                found.tables[spec.resource] = self._table(reading, spec)
                found.findings += _repeated_keys(reading, spec, found.tables[spec.resource])
                found.removed += _removed(reading, spec)
        return found

    def _table(self, reading: FormReading, spec: TableSpec) -> ExaminedTable:
        schema, area = self.schemas[spec.resource], reading.areas[spec.name]
        rows, columns = reading.rows[spec.resource], reading.columns[spec.resource]
        labels = {each.field: spec.label(each, self.schemas) for each in spec.columns if each.field is not None}
        unknown = {(position, name) for table, position, name in reading.unknown if table == spec.resource}
        sent = reading.baseline.get(spec.name, {})
        keys = list(zip(*(columns[name] for name in schema.primary_key), strict=True))
        changed = [
            _changed(spec, schema, columns, position, sent.get(row.key or ""), unknown)
            for position, row in enumerate(rows)
        ]
        return ExaminedTable(
            sheet=area.sheet.name,
            first_column=min(area.columns.values(), default=1),
            rows=[row.row for row in rows],
            columns={name: area.columns[label] for name, label in labels.items() if label in area.columns},
            values=columns,
            unknown=unknown,
            keys=keys,
            is_new=[row.key is None for row in rows],
            changed=changed,
        )


def is_form(workbook: RawWorkbook) -> bool:
    """Whether a workbook says that it is a partner's form."""
    return read_identity(workbook.sheet(IDENTITY))[0].get("genre") == KIND_FORM


def _changed(
    spec: TableSpec,
    schema: TableSchema,
    columns: Mapping[str, list[Any]],
    position: int,
    sent: Mapping[str, str] | None,
    unknown: set[tuple[int, str]],
) -> Changed:
    """The cells of a row that say otherwise than what was sent; on a row of the partner's own, all that it typed."""
    found: Changed = {}
    for each in spec.columns:
        if each.field is None or each.role in COMPUTED_ROLES or (position, each.field) in unknown:
            continue
        value = columns[each.field][position]
        if sent is None:
            if value is not None:
                found[each.field] = None
        elif each.role is Role.TYPED:
            before = sent.get(each.name, "")
            if ("" if value is None else baseline_text(value)) != before:
                found[each.field] = baseline_value(schema.by_name[each.field], before)
    return found


def _repeated_keys(reading: FormReading, spec: TableSpec, table: ExaminedTable) -> list[Finding]:
    """A row of the partner's own that has the key of another one: nobody can tell which of them is the answer."""
    counts = Counter(table.keys)
    area, title = reading.areas[spec.name], spec.label(spec.columns[1], reading.schemas)
    return [
        finding(
            "cle-en-double", area.place(row, title), champ=title, valeur=" · ".join(map(str, key)), table=spec.sheet
        )
        for row, key, is_new in zip(table.rows, table.keys, table.is_new, strict=True)
        if is_new and counts[key] > 1 and None not in key
    ]


def _removed(reading: FormReading, spec: TableSpec) -> list[tuple[str, str, str, Place]]:
    area = reading.areas[spec.name]
    if spec.label(spec.key, reading.schemas) not in area.columns:
        return []
    present = {row.key for row in reading.rows[spec.resource]}
    place = area.place(area.header_row)
    return [
        (spec.resource, key, values.get("libelle") or values.get("objectif") or values.get("dispositif") or key, place)
        for key, values in reading.baseline.get(spec.name, {}).items()
        if key not in present
    ]


def saved_time(properties: Mapping[str, str]) -> datetime | None:
    """When the file was last saved, as the program that saved it wrote inside (UTC); ``None`` where it did not."""
    for name in ("modified", "created"):
        try:
            found = datetime.fromisoformat(properties[name].strip())
        except (KeyError, ValueError):
            continue
        return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo is not None else found
    return None
