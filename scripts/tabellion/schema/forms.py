"""The tables of a partner's form over the tables of the register: which columns, for what, and what a row must say.

They are read from ``templates/formulaires.toml`` (:mod:`tabellion.layout.form_tables`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from tabellion.schema.table import Field, Kind, Schemas

#: The header of the live column.
STATE_TITLE = "À compléter"
#: Which rows a form is sent with: what the file says, and the table of the register that they are of.
SOURCES = {
    "celles de la collectivité": "lignes_budgetaires",
    "une par fiche portée ou suivie": "suivis",
    "celles du financeur et des fiches portées": "financements",
    "une par poste des fiches portées": "plan_charges",
    "une par financeur des fiches portées": "plan_produits",
}


class Role(Enum):
    """What a column of a form is for."""

    SHOWN = "montré"
    """Known: locked on the rows as sent; typed on the spare rows where ``ColumnSpec.spare`` says so."""
    TYPED = "à remplir"
    """Typed by the partner on every row."""
    COMPUTED = "calculé"
    """Computed beside what is typed: a formula."""
    STATE = "état"
    """The live column: a formula that says what is missing on the row."""
    KEY = "identifiant"
    """The row's stable id: locked, blank on the spare rows."""


#: Roles of the columns that hold formulas: they are not read.
COMPUTED_ROLES = (Role.COMPUTED, Role.STATE)


@dataclass(frozen=True)
class ColumnSpec:
    """One column of a form's table.

    ``field`` is the field of the register's table it reads or shows; ``None`` for what only helps to understand:
    ``linked`` is then the (foreign key, field) of the linked row that it shows, and ``kind`` says how it shows.
    ``spare`` says that a spare row lets the partner type it; ``asked`` that a row begun needs it; ``carried`` that a
    row that the register has not yet is sent with what was known last. ``width`` is in characters.
    """

    name: str
    role: Role
    field: str | None = None
    title: str | None = None
    width: float | None = None
    spare: bool = False
    asked: bool = False
    linked: tuple[str, str] | None = None
    kind: Kind = "string"
    carried: bool = False


@dataclass(frozen=True)
class Requirement:
    """What a row begun must say: one at least of ``enough``, fields among ``fields``; ``missing`` are its French words.

    It holds where ``condition`` (a field, and the text that it equals or, with ``is_prefix``, begins with) does, and
    not where the field ``unless`` is filled.
    """

    fields: tuple[str, ...]
    enough: tuple[str, ...]
    missing: str
    unless: str | None = None
    condition: tuple[str, str] | None = None
    is_prefix: bool = False

    def is_missing(self, values: Mapping[str, object]) -> bool:
        """Whether a row with these plain values, by field, lacks it."""
        if self.condition is not None:
            field, text = self.condition
            value = str(values.get(field) or "")
            if not (value.startswith(text) if self.is_prefix else value == text):
                return False
        if self.unless and values.get(self.unless) not in (None, ""):
            return False
        return all(values.get(name) in (None, "") for name in self.enough)


@dataclass(frozen=True)
class TableSpec:
    """One table of a form: the Excel table's name, its sheet, the register's table, its columns in order.

    ``purpose`` says under the sheet's title what is asked; ``source`` names the rows it holds; ``frozen`` counts the
    columns that stay in sight, ``lines`` those of text that a row shows at most where there are many rows. Where
    ``may_stay_blank``, a row as sent that nobody fills misses nothing. A table that ``makes_rows`` is sent with rows
    that need not be in the register yet.
    """

    name: str
    sheet: str
    resource: str
    purpose: str
    source: str
    columns: tuple[ColumnSpec, ...]
    requirements: tuple[Requirement, ...] = ()
    frozen: int = 2
    lines: int = 1
    may_stay_blank: bool = False
    makes_rows: bool = False

    @property
    def key(self) -> ColumnSpec:
        """The column of the stable ids."""
        return next(column for column in self.columns if column.role is Role.KEY)

    @property
    def last_shown(self) -> int:
        """The place of the last column that people see."""
        return max(place for place, column in enumerate(self.columns) if column.role is not Role.KEY)

    @property
    def typed(self) -> tuple[ColumnSpec, ...]:
        """The columns that the partner types on every row."""
        return tuple(column for column in self.columns if column.role is Role.TYPED)

    @property
    def answers(self) -> tuple[ColumnSpec, ...]:
        """The columns by which a row as sent is begun: those typed, but for what is carried over."""
        return tuple(column for column in self.typed if not column.carried)

    @property
    def typed_fields(self) -> tuple[str, ...]:
        """The fields of the register's table that the partner types on every row."""
        return tuple(column.field for column in self.typed if column.field is not None)

    @property
    def carried_fields(self) -> tuple[str, ...]:
        """The fields that a row which the register has not yet is sent with."""
        return tuple(column.field for column in self.typed if column.carried and column.field is not None)

    def column(self, name: str) -> ColumnSpec:
        """The column of this name."""
        return next(column for column in self.columns if column.name == name)

    def label(self, column: ColumnSpec, schemas: Schemas) -> str:
        """The header of a column: the form's own words, or the field's title."""
        if column.title is not None:
            return column.title
        field = self.field(column, schemas)
        return field.title if field is not None else column.name

    def editable(self, column: ColumnSpec, *, spare: bool) -> bool:
        """Whether the partner types in a column: on a row as sent, or (``spare``) on a row of its own."""
        return column.role is Role.TYPED or (spare and column.spare)

    def field(self, column: ColumnSpec, schemas: Schemas) -> Field | None:
        """The field of the register that a column shows or reads."""
        return None if column.field is None else schemas[self.resource].by_name[column.field]

    def labels(self, schemas: Schemas) -> tuple[str, ...]:
        """All headers, in order."""
        return tuple(self.label(column, schemas) for column in self.columns)
