"""The tables of a contract in memory: columns of plain Python values, importable without pandas."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tabellion.schema.table import Key, Schemas, TableSchema

if TYPE_CHECKING:
    import pandas as pd

    from tabellion.schema.constraints import Violation

#: One row of a table: plain values by field name, read and never changed. Each is what its field's schema says.
Row = Mapping[str, Any]
#: The values of one field, a row after the other.
Column = list[Any]


@dataclass(frozen=True)
class Table:
    """One table: a list of values for each field of its schema, in the schema's order.

    Amounts are integer cents, days are dates, ``None`` is blank. A row is known by its position: 0, 1, 2, …
    All who hold a table share its columns, rows, positions and violations: they are read, never changed.
    """

    schema: TableSchema
    columns: Mapping[str, Column]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __getstate__(self) -> dict[str, object]:
        return {"schema": self.schema, "columns": self.columns}

    @cached_property
    def positions(self) -> Mapping[Key, int]:
        """The position of each row by its primary key; the last one's, of several of one key."""
        return {key: position for position, key in enumerate(self.values_of(*self.schema.primary_key))}

    def values_of(self, *names: str) -> Iterator[Key]:
        """The values of some fields, together, a row after the other."""
        return zip(*(self.columns[name] for name in names), strict=True)

    def column(self, name: str) -> Column:
        """The values of one field, a row after the other."""
        return self.columns[name]

    def __iter__(self) -> Iterator[Row]:
        """The rows as values by field name, none of them kept: those of a large table take five times its columns."""
        return (dict(zip(self.columns, values, strict=True)) for values in zip(*self.columns.values(), strict=True))

    def row(self, position: int) -> Row:
        """One row as values by field name."""
        return {name: values[position] for name, values in self.columns.items()}

    @cached_property
    def rows(self) -> Sequence[Row]:
        """The rows as values by field name, kept."""
        return list(self)

    @property
    def frame(self) -> pd.DataFrame:
        """The table as a pandas frame, made anew, for what is columnar: nullable dtypes, index 0, 1, 2, …"""
        from tabellion.schema.frames import make_frame

        return make_frame(self)

    @cached_property
    def violations(self) -> Sequence[Violation]:
        """Every constraint that the rows break, in their order; unicity and keys are not looked at here."""
        from tabellion.schema.constraints import violations

        return violations(self)

    def select(self, positions: Sequence[int]) -> Table:
        """The table of the rows at these positions, in this order."""
        return Table(
            self.schema, {name: [values[position] for position in positions] for name, values in self.columns.items()}
        )

    def with_columns(self, columns: Mapping[str, Column]) -> Table:
        """The same table with some columns replaced."""
        return Table(self.schema, {**self.columns, **columns})


#: The tables of a contract by name.
Tables = dict[str, Table]


def make_table(schema: TableSchema, columns: Mapping[str, Column]) -> Table:
    """Make a table of plain columns; those that are not given are blank."""
    length = len(next(iter(columns.values()))) if columns else 0
    return Table(schema, {name: columns[name] if name in columns else [None] * length for name in schema.names})


def table_of(schema: TableSchema, rows: Sequence[Row], like: Table | None = None) -> Table:
    """Make a table of rows (values by field name); what a row lacks is blank.

    ``like`` itself where nothing differs from it: what is known of it already (its violations) stays known.
    """
    made = Table(schema, {name: [row.get(name) for row in rows] for name in schema.names})
    return like if like is not None and like == made else made


def make_tables(schemas: Schemas, rows: Mapping[str, Sequence[Row]]) -> Tables:
    """Make every table of rows (values by field name); what is not given is blank."""
    return {name: table_of(schema, rows.get(name, ())) for name, schema in schemas.items()}


def grouped(rows: Iterable[Row], field: str) -> dict[object, list[Row]]:
    """Rows by the value of one of their fields, in their order."""
    groups: dict[object, list[Row]] = {}
    for row in rows:
        groups.setdefault(row[field], []).append(row)
    return groups
