"""What a form adds up of its amounts, each with its formula and its value: totals, by convention too, and differences.

A text in the place of an amount counts for nothing, as in Excel.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from tabellion.layout.forms import Form
from tabellion.layout.names import column_ref, this_row
from tabellion.measures.measure import Criterion, Measure, Rows, Total, column_sum
from tabellion.schema import Schemas
from tabellion.schema.forms import ColumnSpec, TableSpec
from tabellion.schema.table import Value
from tabellion.schema.tables import Row

#: What a row was last known to be, in cents, and what is typed against it: in a form, and in a line's own columns.
LAST, DIFFERENCE = "last_amount", "difference"
#: What the lines of a partner are added up by.
CONVENTION = "convention_id"


def last_known(row: Row, amounts: Sequence[str]) -> int | None:
    """The amount that says most of an exercice: the last one known of ``amounts``, which go from planned to spent."""
    return next((row[name] for name in reversed(amounts) if row.get(name) is not None), None)


def typed_amounts(table: TableSpec, schemas: Schemas) -> tuple[str, ...]:
    """The amounts that a partner types, from left to right."""
    fields = ((column, table.field(column, schemas)) for column in table.typed)
    return tuple(column.name for column, field in fields if field is not None and field.kind == "money")


def difference(table: TableSpec, form: Form, schemas: Schemas) -> tuple[str, list[int | str]]:
    """The formula of the column, and what it computes for each row as sent: what is typed, less what was last known.

    Cents, or a blank text where one of them is not known.
    """
    amounts = typed_amounts(table, schemas)
    cell = {name: this_row(table.name, _label(table, name, schemas)) for name in (*amounts, LAST)}
    amount = cell[amounts[0]]
    for name in amounts[1:]:
        amount = f"IF(ISNUMBER({cell[name]}),{cell[name]},{amount})"
    known = f"AND(COUNT({','.join(cell[name] for name in amounts)})>0,ISNUMBER({cell[LAST]}))"
    values: list[int | str] = []
    for row in form.rows[table.name]:
        now, last = last_known(row.values, amounts), row.values.get(LAST)
        values.append("" if now is None or last is None else now - last)
    return f'IF({known},ROUND({amount}-{cell[LAST]},2),"")', values


def totals(table: TableSpec, form: Form, schemas: Schemas) -> Iterator[tuple[int, ColumnSpec, Measure]]:
    """The total of each column of amounts of a sheet: its place, the column, the sum over its rows."""
    for place, column in enumerate(table.columns):
        name, label = column.name, table.label(column, schemas)
        if name == LAST or name in typed_amounts(table, schemas):
            values: list[float | str] = [_or_blank(row.values.get(name)) for row in form.rows[table.name]]
            yield place, column, column_sum("euros", table.name, label, values, past_errors=True)


def by_convention(
    table: TableSpec, form: Form, schemas: Schemas, criteria: Mapping[int, str]
) -> Iterator[tuple[int, list[Measure]]]:
    """For each convention, what its rows add up to: the last amounts, those typed, and the difference.

    ``criteria`` are the conventions and what tells each of them in a formula.
    """
    names = (LAST, *typed_amounts(table, schemas))
    rows = Rows.of([row.values for row in form.rows[table.name]], CONVENTION, *names)
    gaps = [None if gap == "" else gap for gap in difference(table, form, schemas)[1]]
    rows = Rows({**rows.columns, DIFFERENCE: gaps})

    def column(name: str) -> str:
        return column_ref(table.name, _label(table, name, schemas))

    for number, criterion in criteria.items():
        where = (Criterion(CONVENTION, number, criterion),)
        sums = [Total(name, where).measure(rows, column) for name in (*names, DIFFERENCE)]
        yield number, [*sums[:-1], replace(sums[-1], kind="signed")]


def whole(table: TableSpec, form: Form, schemas: Schemas) -> list[Measure]:
    """The same over all rows, whatever their convention."""
    label, (_, gaps) = _label(table, DIFFERENCE, schemas), difference(table, form, schemas)
    sums = [measure for _, _, measure in totals(table, form, schemas)]
    return [*sums, column_sum("signed", table.name, label, gaps, past_errors=True)]


def _or_blank(value: Value) -> int | str:
    return value if isinstance(value, int) else ""


def _label(table: TableSpec, name: str, schemas: Schemas) -> str:
    return table.label(table.column(name), schemas)
