"""What a form says live, each with its formula and its value: what is missing, and the balance of its plans.

What is missing is said by row, by sheet and for the whole; the balance beside every amount of a plan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from tabellion.layout.forms import COMPLETE, Form
from tabellion.layout.names import column_ref, quoted_text, this_row
from tabellion.measures.funding import VOLUNTARY
from tabellion.measures.measure import Begins, Criterion, Measure, Rows, Total
from tabellion.schema import FUNDING_TABLES, Schemas
from tabellion.schema.forms import STATE_TITLE, Requirement, TableSpec
from tabellion.schema.tables import Row

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

_CHARGES, _PRODUITS = FUNDING_TABLES
#: The heading column of each table of a plan, and the sign of its contributions volontaires.
_HEADINGS = {_CHARGES: ("poste", VOLUNTARY[0]), _PRODUITS: ("compte", VOLUNTARY[1])}
_FIELDS = {_CHARGES: ("montant",), _PRODUITS: ("montant_demande", "montant_accorde")}
#: A produit whose answer is not known counts for what was demandé.
_WAITING = Criterion("montant_accorde", None, '"="')


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

    def of(self, values: Row, *, is_new: bool = False) -> str:
        """What the formula computes for a row as sent (plain values by column), or ``is_new``, for an added one."""
        blank = all(values.get(column.name) in (None, "") for column in self.table.answers)
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
            typed = self._cells(column.name for column in table.answers)
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
