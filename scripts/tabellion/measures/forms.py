"""What a form says live, each with its formula and its value: the state of its rows, and the balance of its plans.

The state is said by row, by sheet and for the whole; the balance beside every amount of a plan.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from tabellion.layout.forms import FillState, Form
from tabellion.layout.names import column_ref, escape_label, key_source, list_source, quoted_text, this_row
from tabellion.measures.cells import CellRule
from tabellion.measures.funding import VOLUNTARY
from tabellion.measures.measure import Begins, Criterion, Measure, Rows, Total
from tabellion.schema import FUNDING_TABLES, Schemas
from tabellion.schema.forms import STATE_TITLE, ColumnSpec, Requirement, Role, TableSpec
from tabellion.schema.tables import Row

_IN_ERROR = f"{FillState.TO_CORRECT.value} : une valeur à la place d'une erreur"
#: Stands before what a row says, until it is known whether it says anything.
_START, _SEPARATOR = "¤", " ; "
_ROW, _ROWS = " ligne ", " lignes "
READY = "Ce formulaire est complet : vous pouvez l'envoyer."
_BEFORE = " avant l'envoi."
_NOTHING_YET = f"{FillState.EMPTY.value.capitalize()} dans ce formulaire."
#: The states that are counted, the worst first: a row is in the first one that it says.
COUNTED = (FillState.TO_CORRECT, FillState.TO_COMPLETE, FillState.TO_CONFIRM)
_COUNT_NAMES = {
    FillState.TO_CORRECT: "A_corriger_", FillState.TO_COMPLETE: "A_completer_", FillState.TO_CONFIRM: "A_confirmer_",
}  # fmt: skip
_COUNTER_PREFIX, _TYPED_PREFIX, _SENT_PREFIX, _VERDICT_PREFIX = "Reste_", "Saisies_", "Envoi_", "Lu_"
_UNIT = re.compile(r" \([€%]\)$")

_CHARGES, _PRODUITS = FUNDING_TABLES
#: The heading column of each table of a plan, and the sign of its contributions volontaires.
_HEADINGS = {_CHARGES: ("poste", VOLUNTARY[0]), _PRODUITS: ("compte", VOLUNTARY[1])}
_FIELDS = {_CHARGES: ("montant",), _PRODUITS: ("montant_demande", "montant_accorde")}
#: A produit whose answer is not known counts for what was demandé.
_WAITING = Criterion("montant_accorde", None, '"="')


@dataclass(frozen=True)
class RowState:
    """The state of a row of a form's table, from its cells' rules and the table's requirements: the live column."""

    table: TableSpec
    schemas: Schemas

    @cached_property
    def requirements(self) -> tuple[Requirement, ...]:
        """The columns that a row begun needs, then the table's own rules."""
        asked = [column for column in self.table.columns if column.asked]
        words = [(column.name, self.label(column)) for column in asked]
        return (*(Requirement((name,), (name,), word) for name, word in words), *self.table.requirements)

    @cached_property
    def rules(self) -> tuple[tuple[ColumnSpec, CellRule], ...]:
        """The columns that people type in, with the rule of their cells."""
        columns = (column for column in self.table.columns if self.table.editable(column, spare=True))
        return tuple((column, rule) for column in columns if (rule := cell_rule(self.table, column, self.schemas)))

    def label(self, column: ColumnSpec) -> str:
        """How a row names a column."""
        return _UNIT.sub("", self.table.label(column, self.schemas)).lower()

    def missing(self, values: Row, *, is_new: bool = False) -> str:
        """What a row as sent (plain values by column), or ``is_new``, lacks, in words; nothing where nothing does."""
        missing = [] if self._may_stay(values, is_new) else self._missing(values)
        return f"{FillState.TO_COMPLETE.value} : {', '.join(missing)}" if missing else ""

    def of(self, values: Row, *, is_new: bool = False) -> str:
        """What the formula computes for a row with these plain values by column."""
        if self._may_stay(values, is_new):
            return ""
        states = []
        for column, rule in self.rules:
            state = rule.state(values.get(column.name)) if column.role is Role.TYPED or is_new else None
            if state in (FillState.TO_CORRECT, FillState.TO_CONFIRM):
                states.append(f"{state.value} : {self.label(column)}")
        missing = self.missing(values, is_new=is_new)
        return _SEPARATOR.join([*states, *([missing] if missing else [])]) or FillState.COMPLETE.value

    def _may_stay(self, values: Row, is_new: bool) -> bool:
        if is_new or not self.table.may_stay_blank:
            return False
        return all(values.get(column.name) in (None, "") for column in self.table.answers)

    def _missing(self, values: Row) -> list[str]:
        return [required.missing for required in self.requirements if required.is_missing(values)]

    @cached_property
    def formula(self) -> str:
        """The same on every row: blank on a spare row not begun, then what is wrong, what is missing, or complete."""
        table = self.table
        key, fillable = (
            self._cell(table.key.name),
            [column for column in table.columns if table.editable(column, spare=True)],
        )
        blank = f'AND({key}="",COUNTA({self._cells(column.name for column in fillable)})=0)'
        if table.may_stay_blank:
            typed = self._cells(column.name for column in table.answers)
            blank = f'OR({blank},AND({key}<>"",COUNTA({typed})=0))'
        cells = [self._cell_state(column, key) for column, _ in self.rules]
        missing = "&".join(map(self._part, self.requirements)) or '""'
        lacking = f'SUBSTITUTE({missing},",",{quoted_text(f"{_SEPARATOR}{FillState.TO_COMPLETE.value} :")},1)'
        text = f'SUBSTITUTE({"&".join([quoted_text(_START), *cells, lacking])},{quoted_text(_START + _SEPARATOR)},"")'
        state = f"SUBSTITUTE({text},{quoted_text(_START)},{quoted_text(FillState.COMPLETE.value)})"
        return f'IFERROR(IF({blank},"",{state}),{quoted_text(_IN_ERROR)})'

    def _cell_state(self, column: ColumnSpec, key: str) -> str:
        """What the row says of one cell; a cell that is locked on rows as sent is only looked at on the others."""
        cell, label = self._cell(column.name), self.label(column)
        marks = (f"{_SEPARATOR}{state.value} : {label}" for state in (FillState.TO_CONFIRM, FillState.TO_CORRECT))
        line = f"ROW()-ROW({self.table.name}[[#Headers],[{escape_label(STATE_TITLE)}]])"
        code = f"IFERROR(INDEX({verdict_name(self.table, column)},{line}),2)"
        blank = f'{cell}=""' if column.role is Role.TYPED else f'OR({cell}="",{key}<>"")'
        return f'IF({blank},"",CHOOSE({code},"",{",".join(map(quoted_text, marks))}))'

    def _part(self, required: Requirement) -> str:
        """The formula of one requirement: a comma and its words where it is not met, else nothing."""
        tests = [f'{self._cell(name)}=""' for name in required.enough]
        if required.condition is not None:
            field, text = required.condition
            cell = self._cell(field)
            tests.insert(0, f"{f'LEFT({cell},{len(text)})' if required.is_prefix else cell}={quoted_text(text)}")
        if required.unless is not None:
            tests.append(f'{self._cell(required.unless)}=""')
        test = tests[0] if len(tests) == 1 else f"AND({','.join(tests)})"
        return f'IF({test},{quoted_text(f", {required.missing}")},"")'

    def _cell(self, name: str) -> str:
        return this_row(self.table.name, self.table.label(self.table.column(name), self.schemas))

    def _cells(self, names: Iterable[str]) -> str:
        return ",".join(map(self._cell, names))


def cell_rule(table: TableSpec, column: ColumnSpec, schemas: Schemas) -> CellRule | None:
    """The rule of the cells of a column; ``None`` where it has no field."""
    field = table.field(column, schemas)
    if field is None:
        return None
    schema = schemas[table.resource]
    if (key := schema.foreign.get(field.name)) is not None:
        return CellRule(field, key_source(key.table), key.table)
    return CellRule(field, list_source(schema.name, field.name) if field.enum else None)


def counter_name(table: TableSpec) -> str:
    """The defined name of a sheet's counter of the rows that are not ready."""
    return _named(_COUNTER_PREFIX, table)


def verdict_name(table: TableSpec, column: ColumnSpec) -> str:
    """The defined name of the verdicts on the cells of a column, row by row."""
    return f"{_named(_VERDICT_PREFIX, table)}_{column.name}"


def sent_name(table: TableSpec, column: ColumnSpec) -> str:
    """The defined name of the values that a column was sent with, row by row."""
    return f"{_named(_SENT_PREFIX, table)}_{column.name}"


def _named(prefix: str, table: TableSpec) -> str:
    return f"{prefix}{table.name.removeprefix('Formulaire_')}"


@dataclass(frozen=True)
class FormState:
    """How many rows of a form are in each state, whether anything was typed, and what the guide says of it."""

    form: Form
    schemas: Schemas

    def counts(self, table: TableSpec) -> dict[str, Measure]:
        """What is counted on a sheet, by the defined name that the other formulas take it from."""
        counts = {_named(_COUNT_NAMES[state], table): self._count(table, state) for state in COUNTED}
        return {**counts, _named(_TYPED_PREFIX, table): self._typed(table)}

    def missing(self, table: TableSpec) -> Measure:
        """How many rows of a sheet are to be corrected or completed."""
        states = (FillState.TO_CORRECT, FillState.TO_COMPLETE)
        return _sum([self._count(table, state).at(_named(_COUNT_NAMES[state], table)) for state in states])

    def of_sheet(self, table: TableSpec) -> Measure:
        """What the guide says of a sheet."""
        return self._words([table], "", FillState.EMPTY.value, FillState.COMPLETE.value)

    def of_form(self) -> Measure:
        """What the guide says of the whole form."""
        return self._words(self.form.tables, _BEFORE, _NOTHING_YET, READY)

    def sent_columns(self, table: TableSpec) -> Iterator[ColumnSpec]:
        """The columns to fill that some row was sent with a value of."""
        for column in table.typed:
            if any(row.values.get(column.name) not in (None, "") for row in self.form.rows[table.name]):
                yield column

    def _count(self, table: TableSpec, state: FillState) -> Measure:
        """The rows of a sheet in a state: they say it, and none that is worse."""
        worse = COUNTED[: COUNTED.index(state)]
        rule, column = RowState(table, self.schemas), column_ref(table.name, STATE_TITLE)
        words = [rule.of(row.values) for row in self.form.rows[table.name]]
        count = sum(state.value in word and not any(other.value in word for other in worse) for word in words)
        criteria = [f'{column},"*{state.value}*"', *(f'{column},"<>*{other.value}*"' for other in worse)]
        return Measure("count", count, f"COUNTIFS({','.join(criteria)})")

    def _typed(self, table: TableSpec) -> Measure:
        """How many cells say something else than what was sent; rows of the partner's own say something."""
        sent = list(self.sent_columns(table))

        def whole(column: ColumnSpec) -> str:
            return column_ref(table.name, table.label(column, self.schemas))

        parts = [f'SUMPRODUCT(({whole(field)}<>"")*({whole(field)}<>{sent_name(table, field)}))' for field in sent]
        blank = [whole(column) for column in table.typed if column not in sent]
        parts += [f"COUNTA({','.join(blank)})"] if blank else []
        own = [column for column in table.columns if column.spare and column.role is not Role.TYPED]
        parts += [f'COUNTIFS({whole(table.key)},"=",{whole(column)},"<>")' for column in own]
        return Measure("count", 0, f"IFERROR({'+'.join(parts)},1)")

    def _words(self, tables: Sequence[TableSpec], ending: str, nothing: str, done: str) -> Measure:
        """How many rows are in each state; ``nothing`` where nothing was typed, ``done`` where none is left.

        Its value is that of a form as sent: nothing was typed.
        """
        typed = _sum([Measure("count", 0, _named(_TYPED_PREFIX, table)) for table in tables])
        parts = []
        for state in COUNTED:
            count = f"({'+'.join(_named(_COUNT_NAMES[state], table) for table in tables)})"
            rows = f"IF({count}=1,{quoted_text(_ROW)},{quoted_text(_ROWS)})&{quoted_text(state.value)}"
            parts.append(f'IF({count}=0,"",", "&{count}&{rows})')
        text = f'SUBSTITUTE({"&".join([quoted_text(_START), *parts])},"{_START}, ","")'
        words = f"SUBSTITUTE({text}&{quoted_text(ending)},{quoted_text(_START + ending)},{quoted_text(done)})"
        return Measure("text", nothing, f"IF({typed.formula}=0,{quoted_text(nothing)},{words})")


def _sum(counts: Sequence[Measure]) -> Measure:
    return Measure("count", sum(count.value for count in counts), "+".join(str(count.formula) for count in counts))


def balance(table: TableSpec, form: Form, schemas: Schemas) -> tuple[str, list[int | str]]:
    """The formula of the column, and what it computes for each row as sent: cents, or a blank text.

    It is blank without a fiche, and as long as its plan holds no amount at all. On a row of contributions volontaires
    it compares these alone, elsewhere all the rest.
    """
    heading, sign = _HEADINGS[table.resource]
    fiche, own = (this_row(table.name, table.label(table.column(name), schemas)) for name in ("fiche_id", heading))
    shown = [_gap_formula(fiche, schemas, but=but) for but in (False, True)]
    formula = f'IF({fiche}="","",IF(LEFT({own},2)={quoted_text(sign)},{shown[0]},{shown[1]}))'
    rows = {
        side.resource: Rows.of(
            [row.values for row in form.rows[side.name]],
            "fiche_id", _HEADINGS[side.resource][0], *_FIELDS[side.resource],
        )
        for side in form.tables
        if side.resource in FUNDING_TABLES
    }  # fmt: skip
    values = (row.values for row in form.rows[table.name])
    return formula, [_gap(rows, row["fiche_id"], but=not str(row[heading] or "").startswith(sign)) for row in values]


def _totals(fiche: Criterion, *, but: bool) -> dict[str, list[Total]]:
    """What adds up to each side of a fiche's plan: of its contributions volontaires, or of all ``but`` these."""
    where = {side: (fiche, Begins(*_HEADINGS[side], but=but)) for side in FUNDING_TABLES}
    granted, asked = Total("montant_accorde", where[_PRODUITS]), Total("montant_demande", where[_PRODUITS])
    return {_CHARGES: [Total("montant", where[_CHARGES])], _PRODUITS: [granted, asked.also(_WAITING)]}


def _gap_formula(fiche: str, schemas: Schemas, *, but: bool) -> str:
    sums = {
        side: "+".join(total.sum_formula(_columns(side, schemas)) for total in totals)
        for side, totals in _totals(Criterion("fiche_id", None, fiche), but=but).items()
    }
    produits, charges = sums[_PRODUITS], sums[_CHARGES]
    return f'IF(AND({produits}=0,{charges}=0),"",ROUND({produits}-({charges}),2))'


def _gap(rows: dict[str, Rows], fiche: str, *, but: bool) -> int | str:
    sums = {
        side: sum(total.value(rows[side]) or 0 for total in totals) if side in rows else 0
        for side, totals in _totals(Criterion("fiche_id", fiche), but=but).items()
    }
    return sums[_PRODUITS] - sums[_CHARGES] if any(sums.values()) else ""


def _columns(resource: str, schemas: Schemas) -> Callable[[str], str]:
    table = next(spec for spec in schemas.forms if spec.resource == resource)
    return lambda name: column_ref(table.name, table.label(table.column(name), schemas))
