"""Tables as pandas frames, and the pandera schema that validates one in one lazy pass."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import pandas as pd
import pandera.pandas as pa

from tabellion.schema.constraints import EMAIL, Violation, bounds
from tabellion.schema.table import CELL_LENGTH, Field, TableSchema
from tabellion.schema.tables import Table

_DTYPES: Mapping[str, Any] = {
    "string": "str",
    "integer": "Int64",
    "money": "Int64",
    "percent": "Int64",
    "date": "datetime64[s]",
    "boolean": "boolean",
}


def make_frame(table: Table) -> pd.DataFrame:
    """The frame of a table: a column of a nullable dtype for each field, index 0, 1, 2, …"""
    typed = {
        field.name: pd.array(table.columns[field.name], dtype=_DTYPES[field.kind]) for field in table.schema.fields
    }
    return pd.DataFrame(typed, index=pd.RangeIndex(len(table)))


@lru_cache(maxsize=256)
def pandera_schema(schema: TableSchema, names: tuple[str, ...]) -> pa.DataFrameSchema:
    """The pandera schema of some columns of a table: whole-value patterns, bounds in the frame's units (cents).

    It asks no dtype: :func:`make_frame` gives them. Built here and not by pandera's own Frictionless import, which
    turns blank integers into failures and anchors ``a|b`` as ``^a|b$``.
    """
    return pa.DataFrameSchema({name: _column(schema.by_name[name]) for name in names}, name=schema.name)


def _column(field: Field) -> pa.Column:
    checks = []
    least, most = bounds(field)
    if field.anchored_pattern is not None:
        checks.append(pa.Check(_matching(field.anchored_pattern), error="pattern"))
    if field.email:
        checks.append(pa.Check(_matching(EMAIL), error="format"))
    if field.enum:
        checks.append(pa.Check.isin(field.enum, error="enum"))
    if least is not None:
        checks.append(pa.Check.ge(least, error="minimum"))
    if most is not None:
        checks.append(pa.Check.le(most, error="maximum"))
    if field.earliest is not None:
        checks.append(pa.Check.ge(pd.Timestamp(field.earliest), error="minimum"))
    if field.latest is not None:
        checks.append(pa.Check.le(pd.Timestamp(field.latest), error="maximum"))
    if field.kind == "string":
        checks.append(pa.Check.str_length(field.min_length, field.max_length or CELL_LENGTH, error="maxLength"))
    return pa.Column(checks=checks, nullable=not field.required)


def _matching(pattern: str) -> Callable[[pd.Series[Any]], pd.Series[Any]]:
    """A check of texts by Python's ``re``: where pyarrow is installed, pandas has another engine, of another syntax."""
    match = re.compile(pattern).match
    return lambda texts: texts.map(lambda text: match(text) is not None).astype(bool)


def _is_known(value: object) -> bool:
    return value is not None


def frame_violations(table: Table) -> list[Violation]:
    """What :func:`~tabellion.schema.constraints.violations` says, in no order, from one lazy pass over all rows."""
    schema = table.schema
    # A column that is blank throughout breaks nothing where it may be.
    names = (field.name for field in schema.fields if field.required or any(map(_is_known, table.columns[field.name])))
    try:
        pandera_schema(schema, tuple(names)).validate(table.frame, lazy=True)
    except pa.errors.SchemaErrors as errors:
        cases = (errors.failure_cases[name].tolist() for name in ("index", "column", "check", "failure_case"))
        return [
            Violation(schema.name, int(position), column, "required" if rule == "not_nullable" else str(rule), value)
            for position, column, rule, value in zip(*cases, strict=True)
        ]
    return []
