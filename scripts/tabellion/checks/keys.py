"""Keys: what must come once, and what must lead to a row of another table."""

from __future__ import annotations

from typing import Any

import numpy as np

from tabellion.checks.inspection import Inspection
from tabellion.schema import ForeignKey, TableSchema
from tabellion.wording import nearest

_SHOWN = 200


def check_unicity(inspection: Inspection) -> None:
    """Say each row that repeats the primary key, or a unique field, of a row before it. A blank key repeats nothing."""
    for table, schema in inspection.schemas.items():
        keys: list[tuple[str, ...]] = [(field.name,) for field in schema.fields if field.unique]
        if schema.primary_key not in keys:
            keys.append(schema.primary_key)
        for key in keys:
            _check_key(inspection, table, schema, key)


def _check_key(inspection: Inspection, table: str, schema: TableSchema, key: tuple[str, ...]) -> None:
    frame = inspection.tables[table].frame[list(key)]
    involved = frame.notna().all(axis=1) & frame.duplicated(keep=False)
    firsts: dict[tuple[Any, ...], int] = {}
    positions = np.flatnonzero(involved.to_numpy()).tolist()
    for position, values in zip(positions, frame[involved].itertuples(index=False, name=None), strict=True):
        first = firsts.setdefault(values, position)
        if first != position:
            shown = " · ".join(str(value) for value in values)[:_SHOWN]
            linked = [(table, first, key[0])]
            inspection.say("cle-en-double", table, position, key[0], valeur=shown, liees=linked, table=schema.title)


def check_references(inspection: Inspection) -> None:
    """Say each cell whose value is no row of the table that it refers to."""
    for table, schema in inspection.schemas.items():
        for reference in schema.foreign_keys:
            _check_reference(inspection, table, reference)


def _check_reference(inspection: Inspection, table: str, reference: ForeignKey) -> None:
    values = inspection.column(table, reference.field)
    known = inspection.column(reference.table, reference.reference).dropna()
    lost = inspection.rows(table, values.notna() & ~values.isin(known), reference.field)
    if not len(lost):
        return
    distinct = {inspection.value(table, position, reference.field) for position in lost.tolist()}
    if len(distinct) <= len(inspection.unread(reference.table, reference.reference)):
        return  # they lead to the rows whose key could not be read, and that is said already
    target = inspection.schemas[reference.table]
    shown = _shown(inspection, target, reference)
    remedies = {value: _remedy(str(value), shown, target) for value in distinct}
    for position in lost.tolist():
        value = inspection.value(table, position, reference.field)
        inspection.distrust(table, position, reference.field)
        inspection.say(
            "reference-inconnue",
            table,
            position,
            reference.field,
            valeur=value[:_SHOWN] if isinstance(value, str) else value,
            suggestion=remedies[value],
            table=target.title,
        )


def _shown(inspection: Inspection, target: TableSchema, reference: ForeignKey) -> dict[str, str]:
    """What a person may have typed for a row of the target (its key, its label), with the words that show this row."""
    keys = [str(each) for each in inspection.column(target.name, reference.reference).dropna().tolist()]
    if target.label is None:
        return {key: f"« {key} »" for key in keys}
    every = range(len(inspection.tables[target.name]))
    keys = inspection.texts(target.name, reference.reference, every)
    labels = inspection.texts(target.name, target.label, every)
    rows = [(key, label) for key, label in zip(keys, labels, strict=True) if key]
    words = {key: f"« {label} » ({key})" if label else f"« {key} »" for key, label in rows}
    return words | {label: words[key] for key, label in rows if label}


def _remedy(value: str, shown: dict[str, str], target: TableSchema) -> str | None:
    near = nearest(value, shown)
    if near is None:
        return None
    return f"Choisissez {shown[near]}, ou ajoutez « {value[:_SHOWN]} » à la table « {target.title} »."
