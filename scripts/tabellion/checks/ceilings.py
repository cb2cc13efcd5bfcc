"""What is paid for an action over its years: the ceilings of financeurs (« au plus 80 % »), the years of a CPO."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from tabellion.checks.inspection import OWN, Inspection
from tabellion.measures.financements import COUNTED, retained_of
from tabellion.measures.funding import CHARGE_FIELDS, PRODUIT_FIELDS, is_voluntary, retained
from tabellion.schema import FUNDING_TABLES
from tabellion.schema.money import format_euros
from tabellion.wording import french_value

_FIRST, _LAST = "cpo_debut", "cpo_fin"


def check_cpo_years(inspection: Inspection) -> None:
    """The years of a CPO follow each other, belong to a fiche that has one, and each has its financements."""
    if not inspection.has("fiches", "cpo", _FIRST, _LAST):
        return
    unread = inspection.unread("fiches", "cpo", _FIRST, _LAST)
    for position, row in enumerate(inspection.tables["fiches"].rows):
        first, last = row[_FIRST], row[_LAST]
        if position in unread or (first is None and last is None):
            continue
        cell = ("fiches", position, _FIRST if first is not None else _LAST)
        if row["cpo"] is not True:
            inspection.say("cpo-non-cochee", *cell, valeur=OWN, liees=[("fiches", position, "cpo")])
        if first is None or last is None:
            inspection.say("cpo-sans-duree", *cell, valeur=OWN)
        elif last < first:
            inspection.say("cpo-a-l-envers", "fiches", position, _LAST, valeur=OWN, attendu=first)
        else:
            _check_financements(inspection, position, range(first, last + 1))


def _check_financements(inspection: Inspection, position: int, years: range) -> None:
    """Of the years that have come, each has a financement once the fiche has one that says its exercice."""
    if not inspection.has("financements", "exercice"):
        return
    funded = _funded_years(inspection).get(inspection.value("fiches", position, "fiche_id"), set())
    due = [year for year in years if year <= inspection.settings.exercice_courant]
    lacking = [str(year) for year in due if year not in funded]
    if funded and lacking:
        inspection.say("cpo-annee-sans-financement", "fiches", position, _FIRST, valeur=", ".join(lacking))


def _funded_years(inspection: Inspection) -> dict[str, set[int]]:
    """The exercices of the financements of each fiche."""
    years: defaultdict[str, set[int]] = defaultdict(set)
    for row in inspection.tables["financements"].rows:
        if row["fiche_id"] is not None and row["exercice"] is not None:
            years[row["fiche_id"]].add(row["exercice"])
    return years


_CHARGES, _PRODUITS = FUNDING_TABLES
_FINANCEMENTS = "financements"


class _PaidCell(NamedTuple):
    """Where a financeur pays (table, position, field), and how many cents."""

    place: tuple[str, int, str]
    cents: int


class _PaidFor(NamedTuple):
    """What is paid: of which fiche, in words, the whole in cents, and the cells of each financeur."""

    fiche: str
    words: str
    whole: int
    shares: Mapping[str, Sequence[_PaidCell]]


def check_ceilings(inspection: Inspection) -> None:
    """A financeur pays no more than its share of what an action costs in its plan; where a fiche has none, of its
    financements, once all of them have an amount.
    """
    if not inspection.has("financeurs", "plafond"):
        return
    rows = inspection.tables["financeurs"].rows
    ceilings = {row["financeur_id"]: row["plafond"] for row in rows if row["plafond"] is not None}
    if not ceilings:
        return
    names = {row["financeur_id"]: row["nom"] or row["financeur_id"] for row in rows}
    plans = list(_plans(inspection))
    planned = {plan.fiche for plan in plans}
    alone = (funded for funded in _financements(inspection) if funded.fiche not in planned)
    for paid_for in (*plans, *alone):
        for funder, cells in paid_for.shares.items():
            ceiling, paid = ceilings.get(funder), sum(cell.cents for cell in cells)
            if ceiling is None or 100 * paid <= ceiling * paid_for.whole:
                continue
            share = round(100 * paid / paid_for.whole, 1)
            first, *others = cells
            inspection.say(
                "plafond-depasse", *first.place, valeur=share, attendu=ceiling, liees=[cell.place for cell in others],
                fiche=paid_for.fiche, financeur=names[funder], part=french_value(share), paye=format_euros(paid),
                cout=format_euros(paid_for.whole), quoi=paid_for.words,
            )  # fmt: skip


def _plans(inspection: Inspection) -> Iterator[_PaidFor]:
    """The plans that have charges: what they cost, and who pays; none of which a row could not be read."""
    if not all(name in inspection.tables for name in FUNDING_TABLES):
        return
    spoilt = {
        (row["fiche_id"], row["exercice"])
        for table, names in ((_CHARGES, CHARGE_FIELDS), (_PRODUITS, PRODUIT_FIELDS))
        for position in inspection.unread(table, *names)
        for row in [inspection.tables[table].rows[position]]
    }
    costs: defaultdict[tuple[str, int], int] = defaultdict(int)
    for row in inspection.tables[_CHARGES].rows:
        if row["montant"] is not None and not is_voluntary(row["poste"]):
            costs[row["fiche_id"], row["exercice"]] += row["montant"]
    paid: defaultdict[tuple[str, int], dict[str, list[_PaidCell]]] = defaultdict(dict)
    for position, row in enumerate(inspection.tables[_PRODUITS].rows):
        cents, funder = retained(row), row["financeur_id"]
        if cents and funder is not None and not is_voluntary(row["compte"]):
            name = "montant_demande" if row["montant_accorde"] is None else "montant_accorde"
            shares = paid[row["fiche_id"], row["exercice"]]
            shares.setdefault(funder, []).append(_PaidCell((_PRODUITS, position, name), cents))
    for key, whole in costs.items():
        if whole and None not in key and key not in spoilt:
            yield _PaidFor(key[0], f"du coût de l'action en {key[1]}", whole, paid.get(key, {}))


def _financements(inspection: Inspection) -> Iterator[_PaidFor]:
    """The fiches all of whose financements that count have an amount."""
    rows = inspection.tables[_FINANCEMENTS].rows
    exercice = inspection.settings.exercice_finance
    by_fiche: defaultdict[str, list[int]] = defaultdict(list)
    for position, word in enumerate(retained_of(rows, exercice)):
        if COUNTED.holds(word) and rows[position]["fiche_id"] is not None:
            by_fiche[rows[position]["fiche_id"]].append(position)
    for fiche, positions in by_fiche.items():
        amounts = {position: rows[position]["montant"] for position in positions}
        if None in amounts.values() or not (whole := sum(amounts.values())):
            continue
        shares: dict[str, list[_PaidCell]] = {}
        for position, cents in amounts.items():
            if cents and (funder := rows[position]["financeur_id"]) is not None:
                shares.setdefault(funder, []).append(_PaidCell((_FINANCEMENTS, position, "montant"), cents))
        yield _PaidFor(fiche, f"des financements qui comptent en {exercice}", whole, shares)
