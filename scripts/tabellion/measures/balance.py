"""The balance of each plan in a form, said live beside every amount: produits less charges, of the row's own kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tabellion.layout.forms import Form
from tabellion.layout.names import column_ref, quoted_text, this_row
from tabellion.measures.funding import funding_plans, is_voluntary
from tabellion.schema import FUNDING_TABLES, Schemas
from tabellion.schema.forms import TableSpec

#: The heading column of each table of a plan, and the sign of its contributions volontaires.
_CHARGES, _PRODUITS = FUNDING_TABLES
_HEADINGS = {_CHARGES: ("poste", "86"), _PRODUITS: ("compte", "87")}


def gap_formula(table: TableSpec, schemas: Schemas) -> str:
    """The formula of the column: blank without a fiche, and as long as its plan holds no amount at all.

    On a row of contributions volontaires it compares these alone, elsewhere all the rest.
    """
    heading, sign = _HEADINGS[table.resource]
    fiche = this_row(table.name, _label(table, "fiche_id", schemas))
    voluntary = f"LEFT({this_row(table.name, _label(table, heading, schemas))},2)={quoted_text(sign)}"
    sides = [(_produits(prefix, fiche, schemas), _charges(prefix, fiche, schemas)) for prefix in ("", "<>")]
    shown = [f'IF(AND({produits}=0,{charges}=0),"",ROUND({produits}-({charges}),2))' for produits, charges in sides]
    return f'IF({fiche}="","",IF({voluntary},{shown[0]},{shown[1]}))'


def _charges(prefix: str, fiche: str, schemas: Schemas) -> str:
    return _sum(_table(_CHARGES, schemas), "montant", fiche, prefix, schemas)


def _produits(prefix: str, fiche: str, schemas: Schemas) -> str:
    """What was accordé, and what was demandé where the answer is not known."""
    table = _table(_PRODUITS, schemas)
    waiting = f',{_column(table, "montant_accorde", schemas)},"="'
    granted = _sum(table, "montant_accorde", fiche, prefix, schemas)
    return f"{granted}+{_sum(table, 'montant_demande', fiche, prefix, schemas, waiting)}"


def _table(resource: str, schemas: Schemas) -> TableSpec:
    return next(table for table in schemas.forms if table.resource == resource)


def _sum(table: TableSpec, amount: str, fiche: str, prefix: str, schemas: Schemas, more: str = "") -> str:
    heading, sign = _HEADINGS[table.resource]
    conditions = f'{_column(table, "fiche_id", schemas)},{fiche},{_column(table, heading, schemas)},"{prefix}{sign}*"'
    return f"SUMIFS({_column(table, amount, schemas)},{conditions}{more})"


def _column(table: TableSpec, name: str, schemas: Schemas) -> str:
    return column_ref(table.name, _label(table, name, schemas))


def _label(table: TableSpec, name: str, schemas: Schemas) -> str:
    return table.label(table.column(name), schemas)


def gaps_of(table: TableSpec, form: Form) -> list[int | str]:
    """What :func:`gap_formula` computes for each row as sent: cents, or a blank text."""
    year = form.identity.exercice
    sides = {side.resource: form.rows[side.name] for side in form.tables}
    charges, produits = (
        [{**row.values, "exercice": year} for row in sides.get(resource, ())] for resource in FUNDING_TABLES
    )
    plans = funding_plans(charges, produits)
    heading, _ = _HEADINGS[table.resource]
    found: list[int | str] = []
    for values in _values(form, table):
        plan = plans[values["fiche_id"], year]
        if is_voluntary(values[heading]):
            found.append(plan.voluntary_gap if plan.given or plan.received else "")
        else:
            found.append(plan.gap if plan.charges or plan.produits else "")
    return found


def _values(form: Form, table: TableSpec) -> Iterable[Mapping[str, Any]]:
    return (row.values for row in form.rows[table.name])
