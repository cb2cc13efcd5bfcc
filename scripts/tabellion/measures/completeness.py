"""What is missing in a form, said live: formulas by row, by sheet and for the whole, and the values they compute."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tabellion.layout.forms import (
    BUDGET_TABLE,
    CHARGES_TABLE,
    COMPLETE,
    FINANCEMENTS_TABLE,
    PRODUITS_TABLE,
    STATE_TITLE,
    ColumnSpec,
    Form,
    Role,
    TableSpec,
)
from tabellion.layout.names import column_ref, quoted_text, this_row
from tabellion.measures.funding import SUBSIDY
from tabellion.schema import Schemas

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
_AMOUNTS = ("montant_prevu", "montant_vote", "montant_realise")
_FUNDING_AMOUNTS = ("montant_demande", "montant_accorde", "montant_verse")
_PRICED = "chiffré"
_COUNTER_PREFIX = "Reste_"


def state_formula(table: TableSpec, schemas: Schemas) -> str:
    """The formula of the live column, the same on every row: blank on a spare row not begun, then what is missing."""

    def cell(name: str) -> str:
        return this_row(table.name, table.label(_column(table, name), schemas))

    begun = [cell(each.name) for each in _fillable(table)]
    parts = [f'IF({cell(each.name)}="",{quoted_text(", " + _word(table, each, schemas))},"")' for each in _asked(table)]
    if table is BUDGET_TABLE:
        amounts = ",".join(cell(name) for name in _AMOUNTS)
        none = f'AND(COUNT({amounts})=0,{cell("commentaire")}="")'
        words = '", un montant en chiffres"'
        parts.append(f'IF(COUNTA({amounts})>COUNT({amounts}),{words},IF({none},", un montant",""))')
    if table is FINANCEMENTS_TABLE:
        none = f"AND({cell('statut_montant')}={quoted_text(_PRICED)},COUNT({cell('montant')})=0)"
        text = f"COUNTA({cell('montant')})>COUNT({cell('montant')})"
        parts.append(f'IF({text},", le montant en chiffres",IF({none},", le montant",""))')
    if table is CHARGES_TABLE:
        amount = cell("montant")
        parts.append(f'IF(COUNT({amount})=1,"",IF({amount}="",", le montant",", le montant en chiffres"))')
    if table is PRODUITS_TABLE:
        funder = f'AND(LEFT({cell("compte")},2)={quoted_text(SUBSIDY)},{cell("financeur_id")}="")'
        parts.append(f'IF({funder},", le financeur","")')
        amounts = ",".join(cell(name) for name in _FUNDING_AMOUNTS)
        none = f"COUNT({cell('montant_demande')},{cell('montant_accorde')})=0"
        words = '", un montant en chiffres"'
        parts.append(f'IF(COUNTA({amounts})>COUNT({amounts}),{words},IF({none},", le montant demandé",""))')
    missing = "&".join(parts)
    key = this_row(table.name, table.label(table.key, schemas))
    blank = f'AND({key}="",COUNTA({",".join(begun)})=0)'
    if table.may_stay_blank:
        typed = ",".join(cell(each.name) for each in table.columns if each.role is Role.TYPED)
        blank = f'OR({blank},AND({key}<>"",COUNTA({typed})=0))'
    return (
        f'IFERROR(IF({blank},"",'
        f"IF(LEN({missing})=0,{quoted_text(COMPLETE)},{quoted_text(MISSING)}&MID({missing},3,200))),"
        f"{quoted_text(_IN_ERROR)})"
    )


def state_of(table: TableSpec, values: Mapping[str, Any], schemas: Schemas, *, is_new: bool = False) -> str:
    """What :func:`state_formula` computes for a row as sent, or (``is_new``) for one that the partner added."""
    typed = [each.name for each in table.columns if each.role is Role.TYPED]
    if table.may_stay_blank and not is_new and all(values.get(name) in (None, "") for name in typed):
        return ""
    missing = [_word(table, each, schemas) for each in _asked(table) if values.get(each.name) in (None, "")]
    if table is BUDGET_TABLE and all(values.get(name) is None for name in _AMOUNTS) and not values.get("commentaire"):
        missing.append("un montant")
    if table is FINANCEMENTS_TABLE and values.get("statut_montant") == _PRICED and values.get("montant") is None:
        missing.append("le montant")
    if table is CHARGES_TABLE and values.get("montant") is None:
        missing.append("le montant")
    if table is PRODUITS_TABLE:
        if str(values.get("compte") or "").startswith(SUBSIDY) and values.get("financeur_id") is None:
            missing.append("le financeur")
        if all(values.get(name) is None for name in ("montant_demande", "montant_accorde")):
            missing.append("le montant demandé")
    return MISSING + ", ".join(missing) if missing else COMPLETE


def counter_name(table: TableSpec) -> str:
    """The defined name of a sheet's counter of incomplete rows."""
    return f"{_COUNTER_PREFIX}{table.name.removeprefix('Formulaire_')}"


def counter_formula(table: TableSpec) -> str:
    """How many rows of a sheet are begun, or asked about, and still miss something."""
    return f'COUNTIFS({column_ref(table.name, STATE_TITLE)},"{MISSING.strip()}*")'


def missing_rows(table: TableSpec, form: Form, schemas: Schemas) -> int:
    """What :func:`counter_formula` computes for a form as sent."""
    return sum(state_of(table, row.values, schemas).startswith(MISSING) for row in form.rows[table.name])


def complete_rows(table: TableSpec, form: Form, schemas: Schemas) -> int:
    """How many rows of a form as sent are complete."""
    return sum(state_of(table, row.values, schemas) == COMPLETE for row in form.rows[table.name])


def sheet_state_formula(table: TableSpec) -> str:
    """What the guide says of a sheet."""
    counter = counter_name(table)
    return f'IF({counter}>0,{_counted(counter)},IF({_complete(table)}=0,{quoted_text(_EMPTY)},"{COMPLETE}"))'


def sheet_state(count: int, complete: int) -> str:
    """What :func:`sheet_state_formula` computes: ``count`` incomplete rows and ``complete`` ones."""
    return _count_words(count) if count else COMPLETE if complete else _EMPTY


def form_state_formula(tables: tuple[TableSpec, ...]) -> str:
    """What the guide says of the whole form."""
    total = "(" + "+".join(counter_name(each) for each in tables) + ")"
    complete = "+".join(_complete(each) for each in tables)
    todo = f"{_counted(total)}&{quoted_text(_BEFORE)}"
    return f"IF({total}>0,{todo},IF({complete}=0,{quoted_text(_NOTHING_YET)},{quoted_text(READY)}))"


def form_state(count: int, complete: int) -> str:
    """What :func:`form_state_formula` computes: ``count`` incomplete rows and ``complete`` ones in the whole form."""
    return _count_words(count) + _BEFORE if count else READY if complete else _NOTHING_YET


def _complete(table: TableSpec) -> str:
    return f'COUNTIFS({column_ref(table.name, STATE_TITLE)},"{COMPLETE}")'


def _counted(number: str) -> str:
    return f"{number}&IF({number}=1,{quoted_text(_ROW)},{quoted_text(_ROWS)})"


def _count_words(count: int) -> str:
    return f"{count}{_ROW if count == 1 else _ROWS}"


def _column(table: TableSpec, name: str) -> ColumnSpec:
    return next(each for each in table.columns if each.name == name)


def _fillable(table: TableSpec) -> list[ColumnSpec]:
    return [each for each in table.columns if each.role is Role.TYPED or each.spare]


def _asked(table: TableSpec) -> list[ColumnSpec]:
    return [each for each in table.columns if each.asked]


def _word(table: TableSpec, column: ColumnSpec, schemas: Schemas) -> str:
    return table.label(column, schemas).lower()
