"""Tables in memory: one pandas frame per table, and the pandera schema that validates it in one lazy pass."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pandas as pd
import pandera.pandas as pa

from tabellion.schema.table import Field, Schemas, TableSchema

#: The contract in memory: table name → frame. Columns are the schema's fields in order; indexes are unique in a table.
Tables = dict[str, pd.DataFrame]

_DTYPES: Mapping[str, Any] = {
    "string": "str",
    "integer": "Int64",
    "money": "Int64",
    "percent": "Int64",
    "date": "datetime64[s]",
    "boolean": "boolean",
}
_EMAIL = r"^[^@\s]+@[^@\s]+\.[^@\s.]+\Z"


@dataclass(frozen=True, slots=True)
class Violation:
    """One value that breaks one constraint of its field: ``rule`` is the constraint's name in the Table Schema."""

    table: str
    index: Any
    field: str
    rule: str
    value: Any


def make_frame(
    schema: TableSchema, columns: Mapping[str, list[Any]], index: Iterable[Any] | None = None
) -> pd.DataFrame:
    """Build the frame of a table from plain columns (amounts in integer cents, days as dates, ``None`` for blank).

    Columns that are not given are blank. ``index`` defaults to 0, 1, 2, …
    """
    length = len(next(iter(columns.values()))) if columns else 0
    blank = [None] * length
    typed = {each.name: pd.array(columns.get(each.name, blank), dtype=_DTYPES[each.kind]) for each in schema.fields}
    return pd.DataFrame(typed, index=pd.RangeIndex(length) if index is None else pd.Index(list(index)))


def make_tables(schemas: Schemas, rows: Mapping[str, list[dict[str, Any]]]) -> Tables:
    """Build every table from lists of rows (dictionaries of plain values by field name)."""
    return {
        name: make_frame(schema, {key: [row.get(key) for row in rows.get(name, [])] for key in schema.names})
        for name, schema in schemas.items()
    }


def plain_columns(frame: pd.DataFrame) -> dict[str, list[Any]]:
    """The columns of a frame as lists of plain Python values, ``None`` for blank."""
    return {str(name): plain_column(frame[name]) for name in frame}


def plain_column(column: pd.Series[Any]) -> list[Any]:
    """The values of a column of a frame as plain Python, ``None`` for blank."""
    return [plain(value) for value in column.tolist()]


def plain(value: Any) -> Any:
    """One value of a frame as plain Python: ``None`` for blank, a date for a day."""
    if value is pd.NA or value != value:
        return None
    return value.date() if isinstance(value, pd.Timestamp) else value


def plain_rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a frame as dictionaries of plain Python values, ``None`` for blank."""
    columns = plain_columns(frame)
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


@lru_cache(maxsize=64)
def pandera_schema(schema: TableSchema) -> pa.DataFrameSchema:
    """The pandera schema of a table: nullable dtypes, whole-value patterns, bounds in the frame's units (cents).

    Built here and not by pandera's own Frictionless import, which turns blank integers into failures and anchors
    ``a|b`` as ``^a|b$``.
    """
    return pa.DataFrameSchema({each.name: _column(each) for each in schema.fields}, name=schema.name)


def _column(field: Field) -> pa.Column:
    checks = []
    scale = 100 if field.kind == "money" else 1
    if field.anchored_pattern is not None:
        checks.append(pa.Check(_matching(field.anchored_pattern), error="pattern"))
    if field.email:
        checks.append(pa.Check(_matching(_EMAIL), error="format"))
    if field.enum:
        checks.append(pa.Check.isin(field.enum, error="enum"))
    if field.minimum is not None:
        checks.append(pa.Check.ge(field.minimum * scale, error="minimum"))
    if field.maximum is not None:
        checks.append(pa.Check.le(field.maximum * scale, error="maximum"))
    if field.earliest is not None:
        checks.append(pa.Check.ge(pd.Timestamp(field.earliest), error="minimum"))
    if field.latest is not None:
        checks.append(pa.Check.le(pd.Timestamp(field.latest), error="maximum"))
    if field.min_length is not None or field.max_length is not None:
        checks.append(pa.Check.str_length(field.min_length, field.max_length, error="maxLength"))
    return pa.Column(_DTYPES[field.kind], checks=checks, nullable=not field.required)


def _matching(pattern: str) -> Callable[[pd.Series[Any]], pd.Series[Any]]:
    """A check of texts by Python's ``re``: where pyarrow is installed, pandas has another engine, of another syntax."""
    match = re.compile(pattern).match
    return lambda texts: texts.map(lambda text: match(text) is not None).astype(bool)


def violations(schema: TableSchema, frame: pd.DataFrame) -> list[Violation]:
    """Every constraint that the rows of ``frame`` break, in row order; unicity and keys are not looked at here.

    The index may be anything: pandera sees positions, and each violation carries the index of its row.
    """
    if frame.empty:
        return []
    try:
        pandera_schema(schema).validate(frame.reset_index(drop=True), lazy=True)
    except pa.errors.SchemaErrors as errors:
        cases = errors.failure_cases
        found = [
            (int(position), schema.names.index(column), "required" if rule == "not_nullable" else str(rule), value)
            for position, column, rule, value in zip(
                cases["index"], cases["column"], cases["check"], cases["failure_case"], strict=True
            )
        ]
        found.sort(key=lambda each: each[:3])
        return [
            Violation(schema.name, frame.index[position], schema.names[column], rule, value)
            for position, column, rule, value in found
        ]
    return []
