"""The plans de financement of a contract's tables: their balance, and what they say against the financements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from tabellion.checks.inspection import Inspection
from tabellion.checks.plans import CHARGES, PRODUITS, READ, check_plans
from tabellion.findings import Severity
from tabellion.measures.funding import is_voluntary
from tabellion.schema.money import euros, format_euros

_FINANCEMENTS, _MONEY, _GRANTED = "financements", "montant", "montant_accorde"


def check_funding(inspection: Inspection) -> None:
    """Every rule about plans; a contract that keeps none has nothing said of it."""
    if not all(inspection.has(table, *fields) for table, fields in READ.items()):
        return
    charges, produits = (inspection.tables[table].rows for table in (CHARGES, PRODUITS))
    if not charges and not produits:
        return
    names: dict[Any, str] = {}
    if inspection.has("financeurs", "financeur_id", "nom"):
        names = {row["financeur_id"]: row["nom"] for row in inspection.tables["financeurs"].rows if row["nom"]}
    unread = {table: inspection.unread(table, *fields) for table, fields in READ.items()}
    check_plans(charges, produits, names, unread, inspection.settings, inspection.say)
    _check_granted(inspection, produits, names)


def _check_granted(inspection: Inspection, produits: Sequence[Mapping[str, Any]], names: dict[Any, str]) -> None:
    """What a funder grants a fiche against the fiche's financement by the same funder.

    A financement has no exercice: it may be one year's or the whole contract's. So the sum of all exercices, or one of
    them alone, has to be it. Less is only a notice, since other exercices may follow. Nothing is said where one of the
    financements of this funder on this fiche has no amount.
    """
    if not inspection.has(_FINANCEMENTS, "fiche_id", "financeur_id", _MONEY):
        return
    granted: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    unread = inspection.unread(PRODUITS, *READ[PRODUITS])
    spoilt = set()
    for position, row in enumerate(produits):
        key = (row["fiche_id"], row["financeur_id"])
        if None in key or is_voluntary(row["compte"]):
            continue
        if position in unread:
            spoilt.add(key)
        elif row[_GRANTED] is not None:
            granted[key].append(position)
    if not granted:
        return
    known: defaultdict[tuple[str, str], list[tuple[int, int | None]]] = defaultdict(list)
    unpriced = inspection.unread(_FINANCEMENTS, "fiche_id", "financeur_id", _MONEY)
    for position, row in enumerate(inspection.tables[_FINANCEMENTS].rows):
        known[row["fiche_id"], row["financeur_id"]].append((position, None if position in unpriced else row[_MONEY]))
    for key, positions in granted.items():
        amounts = [cents for _, cents in known.get(key, ())]
        if key in spoilt or not amounts or None in amounts:
            continue
        expected = sum(cents or 0 for cents in amounts)
        years: defaultdict[int, int] = defaultdict(int)
        for position in positions:
            years[produits[position]["exercice"] or 0] += produits[position][_GRANTED]
        total = sum(years.values())
        if expected in (total, *years.values()):
            continue
        inspection.say(
            "accorde-et-financement",
            PRODUITS,
            positions[0],
            _GRANTED,
            valeur=euros(total),
            attendu=euros(expected),
            gravite=Severity.INFORMATION if total < expected else None,
            liees=[
                *((PRODUITS, position, _GRANTED) for position in positions[1:]),
                *((_FINANCEMENTS, position, _MONEY) for position, _ in known[key]),
            ],
            fiche=key[0],
            financeur=names.get(key[1], key[1]),
            accorde=format_euros(total),
            exercices=", ".join(str(year) for year in sorted(years)),
            finance=format_euros(expected),
        )
