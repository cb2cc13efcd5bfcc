"""The live column of a form: what is missing on a row, as a formula and as the value that the formula computes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tabellion.schema import Schemas
from tabellion.workbook.forms.spec import (
    BUDGET_TABLE,
    COMPLETE,
    FINANCEMENTS_TABLE,
    ColumnSpec,
    Role,
    TableSpec,
)
from tabellion.workbook.names import quoted_text, this_row

#: How the words of an incomplete row begin; the counters look for it.
MISSING = "manque : "
_AMOUNTS = ("montant_prevu", "montant_vote", "montant_realise")
_PRICED = "chiffré"


def state_formula(table: TableSpec, schemas: Schemas) -> str:
    """The formula of the live column, the same on every row: blank on a spare row not begun, then what is missing."""

    def cell(name: str) -> str:
        return this_row(table.name, table.label(_column(table, name), schemas))

    begun = [cell(each.name) for each in _fillable(table)]
    parts = [f'IF({cell(each.name)}="",{quoted_text(", " + _word(table, each, schemas))},"")' for each in _asked(table)]
    if table is BUDGET_TABLE:
        amounts = ",".join(cell(name) for name in _AMOUNTS)
        text = ",".join(f"ISTEXT({cell(name)})" for name in _AMOUNTS)
        parts.append(f'IF(AND(COUNT({amounts})=0,{cell("commentaire")}=""),", un montant","")')
        parts.append(f'IF(OR({text}),", des chiffres sans texte","")')
    if table is FINANCEMENTS_TABLE:
        parts.append(
            f'IF(AND({cell("statut_montant")}={quoted_text(_PRICED)},COUNT({cell("montant")})=0),", le montant","")'
        )
        parts.append(f'IF(ISTEXT({cell("montant")}),", des chiffres sans texte","")')
    missing = "&".join(parts)
    key = this_row(table.name, table.label(table.key, schemas))
    return (
        f'IF(AND({key}="",COUNTA({",".join(begun)})=0),"",'
        f"IF(LEN({missing})=0,{quoted_text(COMPLETE)},{quoted_text(MISSING)}&MID({missing},3,200)))"
    )


def state_of(table: TableSpec, values: Mapping[str, Any], schemas: Schemas) -> str:
    """What :func:`state_formula` computes for a row as sent."""
    missing = [_word(table, each, schemas) for each in _asked(table) if values.get(each.name) in (None, "")]
    if table is BUDGET_TABLE and all(values.get(name) is None for name in _AMOUNTS) and not values.get("commentaire"):
        missing.append("un montant")
    if table is FINANCEMENTS_TABLE and values.get("statut_montant") == _PRICED and values.get("montant") is None:
        missing.append("le montant")
    return MISSING + ", ".join(missing) if missing else COMPLETE


def _column(table: TableSpec, name: str) -> ColumnSpec:
    return next(each for each in table.columns if each.name == name)


def _fillable(table: TableSpec) -> list[ColumnSpec]:
    return [each for each in table.columns if each.role is Role.TYPED or each.spare]


def _asked(table: TableSpec) -> list[ColumnSpec]:
    return [each for each in table.columns if each.asked]


def _word(table: TableSpec, column: ColumnSpec, schemas: Schemas) -> str:
    return table.label(column, schemas).lower()
