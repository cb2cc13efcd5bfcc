"""What is missing in a form, said live: by row, by sheet and for the whole, each with its formula and its value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tabellion.layout.forms import COMPLETE, Form
from tabellion.layout.names import column_ref, quoted_text, this_row
from tabellion.measures.measure import Measure
from tabellion.schema import Schemas
from tabellion.schema.forms import STATE_TITLE, Requirement, TableSpec

#: How the words of an incomplete row begin; the counters look for it.
MISSING = "manque : "
_IN_ERROR = MISSING + "une valeur à la place d'une erreur"
#: What the guide says of a sheet or of the form.
_TO_DO = "à compléter"
_ROW, _ROWS = f" ligne {_TO_DO}", f" lignes {_TO_DO}"
_EMPTY = "rien de rempli"
READY = "Ce formulaire est complet : vous pouvez l'envoyer."
_BEFORE = " avant l'envoi."
_NOTHING_YET = "Rien n'est encore rempli dans ce formulaire."
_COUNTER_PREFIX = "Reste_"


@dataclass(frozen=True)
class RowState:
    """What a row of a form's table still misses, from the table's requirements: the live column."""

    table: TableSpec
    schemas: Schemas

    @cached_property
    def requirements(self) -> tuple[Requirement, ...]:
        """The columns that a row begun needs, then the table's own rules."""
        asked = [column for column in self.table.columns if column.asked]
        words = [(column.name, self.table.label(column, self.schemas).lower()) for column in asked]
        return (*(Requirement((name,), (name,), word) for name, word in words), *self.table.requirements)

    def of(self, values: Mapping[str, Any], *, is_new: bool = False) -> str:
        """What the formula computes for a row as sent (plain values by column), or ``is_new``, for an added one."""
        blank = all(values.get(column.name) in (None, "") for column in self.table.typed)
        if self.table.may_stay_blank and not is_new and blank:
            return ""
        missing = [required.missing for required in self.requirements if required.is_missing(values)]
        return MISSING + ", ".join(missing) if missing else COMPLETE

    @cached_property
    def formula(self) -> str:
        """The same on every row: blank on a spare row not begun, then what is missing."""
        table = self.table
        missing = "&".join(map(self._part, self.requirements))
        key, fillable = (
            self._cell(table.key.name),
            [column for column in table.columns if table.editable(column, spare=True)],
        )
        blank = f'AND({key}="",COUNTA({self._cells(column.name for column in fillable)})=0)'
        if table.may_stay_blank:
            typed = self._cells(column.name for column in table.typed)
            blank = f'OR({blank},AND({key}<>"",COUNTA({typed})=0))'
        return (
            f'IFERROR(IF({blank},"",'
            f"IF(LEN({missing})=0,{quoted_text(COMPLETE)},{quoted_text(MISSING)}&MID({missing},3,200))),"
            f"{quoted_text(_IN_ERROR)})"
        )

    def _part(self, required: Requirement) -> str:
        """The formula of one requirement: a comma and its words where it is not met, else nothing."""
        words, cells, tests = quoted_text(f", {required.missing}"), self._cells(required.fields), list[str]()
        if required.condition is not None:
            field, text = required.condition
            cell = self._cell(field)
            tests.append(f"{f'LEFT({cell},{len(text)})' if required.is_prefix else cell}={quoted_text(text)}")
        if required.not_numbers is None:
            tests += [f'{self._cell(name)}=""' for name in required.enough]
        else:
            tests.append(f"COUNT({self._cells(required.enough)})=0")
        if required.unless is not None:
            tests.append(f'{self._cell(required.unless)}=""')
        test = tests[0] if len(tests) == 1 else f"AND({','.join(tests)})"
        if required.not_numbers is None:
            return f'IF({test},{words},"")'
        in_numbers = quoted_text(f", {required.not_numbers}")
        if len(required.fields) == len(tests) == 1:
            return f'IF(COUNT({cells})=1,"",IF({cells}="",{words},{in_numbers}))'
        return f'IF(COUNTA({cells})>COUNT({cells}),{in_numbers},IF({test},{words},""))'

    def _cell(self, name: str) -> str:
        return this_row(self.table.name, self.table.label(self.table.column(name), self.schemas))

    def _cells(self, names: Iterable[str]) -> str:
        return ",".join(map(self._cell, names))


def counter_name(table: TableSpec) -> str:
    """The defined name of a sheet's counter of incomplete rows."""
    return f"{_COUNTER_PREFIX}{table.name.removeprefix('Formulaire_')}"


@dataclass(frozen=True)
class FormState:
    """How many rows of a form are incomplete and complete, and what the guide says of it."""

    form: Form
    schemas: Schemas

    def missing(self, table: TableSpec) -> Measure:
        """How many rows of a sheet are begun, or asked about, and still miss something."""
        return self._count(table, MISSING.strip() + "*")

    def complete(self, table: TableSpec) -> Measure:
        """How many rows of a sheet are complete."""
        return self._count(table, COMPLETE)

    def of_sheet(self, table: TableSpec) -> Measure:
        """What the guide says of a sheet, whose counter has its name."""
        return _words(self.missing(table).at(counter_name(table)), self.complete(table), "", _EMPTY, COMPLETE)

    def of_form(self) -> Measure:
        """What the guide says of the whole form."""
        tables = self.form.tables
        missing = _sum([self.missing(table).at(counter_name(table)) for table in tables])
        complete = _sum([self.complete(table) for table in tables])
        return _words(missing.at(f"({missing.formula})"), complete, _BEFORE, _NOTHING_YET, READY)

    def _count(self, table: TableSpec, pattern: str) -> Measure:
        """The rows of a sheet whose state is ``pattern``, or begins with it before a star."""
        start, star, _ = pattern.partition("*")
        state = RowState(table, self.schemas)
        words = [state.of(row.values) for row in self.form.rows[table.name]]
        count = sum(word.startswith(start) if star else word == pattern for word in words)
        return Measure("count", count, f'COUNTIFS({column_ref(table.name, STATE_TITLE)},"{pattern}")')


def _sum(counts: Sequence[Measure]) -> Measure:
    return Measure("count", sum(count.value for count in counts), "+".join(str(count.formula) for count in counts))


def _words(missing: Measure, complete: Measure, ending: str, nothing: str, done: str) -> Measure:
    """How many rows are incomplete, or else ``nothing`` where none is complete, or ``done``."""
    count = missing.value
    value = f"{count}{_ROW if count == 1 else _ROWS}{ending}" if count else done if complete.value else nothing
    rows = f"{missing.formula}&IF({missing.formula}=1,{quoted_text(_ROW)},{quoted_text(_ROWS)})"
    rows += f"&{quoted_text(ending)}" if ending else ""
    none = f"IF({complete.formula}=0,{quoted_text(nothing)},{quoted_text(done)})"
    return Measure("text", value, f"IF({missing.formula}>0,{rows},{none})")
