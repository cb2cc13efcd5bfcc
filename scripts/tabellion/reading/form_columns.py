"""The columns of a form: the headers that it was made with, whatever the layout says since, and what cells may show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from tabellion.reading.references import References, former_conventions, worded_keys
from tabellion.schema.forms import ColumnSpec, Role, TableSpec

if TYPE_CHECKING:
    from tabellion.reading.form import ParsedForm

#: The table whose keys forms show with words after them.
_WORDED = "fiches"
#: Rows of a sheet among which its headers are looked for.
_TOP_ROWS = 30


def asked_labels(reading: ParsedForm, spec: TableSpec) -> tuple[str, ...]:
    """The headers of a table, without those of columns that only help and that the form was made before."""
    computed = {formula.column for formula in reading.formulas if formula.table == spec.name}
    sent = _sent(reading, spec)
    labels = []
    for column in spec.columns:
        label = spec.label(column, reading.schemas)
        is_late = column.role is Role.COMPUTED and bool(computed) and label not in computed
        is_late |= column.role is Role.SHOWN and column.field is None and bool(sent) and column.name not in sent
        if not is_late or _stands(reading, label):
            labels.append(label)
    return tuple(labels)


def former_labels(reading: ParsedForm, spec: TableSpec) -> set[str]:
    """The headers of what forms once showed and show no more, by the names of the values as sent."""
    names = _sent(reading, spec) - {column.name for column in spec.columns}
    return {
        schema.by_name[name].title for schema in reading.schemas.values() for name in names if name in schema.by_name
    }


def choices_of(
    reading: ParsedForm, known: References, spec: TableSpec, column: ColumnSpec, texts: Iterable[object]
) -> Mapping[str, object]:
    """What a cell may show, and the value that it stands for; ``texts`` are what the column's cells show."""
    schema = reading.schemas[spec.resource]
    if column.field is None or column.role is Role.KEY:
        return {}
    table = schema.refers_to(column.field)
    if table is None:
        return {choice: choice for choice in schema.by_name[column.field].enum}
    if table == "conventions":
        sent = {row.get(column.name, "") for row in reading.baseline.get(spec.name, {}).values()}
        return {**former_conventions(texts, known.conventions, sent), **known.conventions}
    keys = known.keys[table]
    return {**keys, **worded_keys(texts, keys)[0]} if table == _WORDED else keys


def near_choices(
    reading: ParsedForm, spec: TableSpec, column: ColumnSpec, texts: Iterable[object], choices: Mapping[str, object]
) -> Mapping[str, str]:
    """The choice that each of some texts writes another way, where its number tells which one."""
    key = reading.schemas[spec.resource].foreign.get(column.field or "")
    is_worded = key is not None and key.table == _WORDED and column.role is not Role.KEY
    return worded_keys(texts, choices)[1] if is_worded else {}


def _sent(reading: ParsedForm, spec: TableSpec) -> set[str]:
    """The names of the columns that the form was sent with a value in."""
    return {name for texts in reading.baseline.get(spec.name, {}).values() for name in texts}


def _stands(reading: ParsedForm, label: str) -> bool:
    """Whether a header stands at the top of a sheet, in an Excel table or in none."""
    return any(label in line for sheet in reading.workbook.sheets for line in sheet.rows[:_TOP_ROWS])
