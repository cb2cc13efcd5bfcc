"""The balance of each plan in a form, said live beside every amount: produits less charges, of the row's own kind."""

from __future__ import annotations

from collections.abc import Callable

from tabellion.layout.forms import Form
from tabellion.layout.names import column_ref, quoted_text, this_row
from tabellion.measures.funding import VOLUNTARY
from tabellion.measures.measure import Begins, Criterion, Rows, Total
from tabellion.schema import FUNDING_TABLES, Schemas
from tabellion.schema.forms import TableSpec

_CHARGES, _PRODUITS = FUNDING_TABLES
#: The heading column of each table of a plan, and the sign of its contributions volontaires.
_HEADINGS = {_CHARGES: ("poste", VOLUNTARY[0]), _PRODUITS: ("compte", VOLUNTARY[1])}
_FIELDS = {_CHARGES: ("montant",), _PRODUITS: ("montant_demande", "montant_accorde")}
#: A produit whose answer is not known counts for what was demandé.
_WAITING = Criterion("montant_accorde", None, '"="')


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
