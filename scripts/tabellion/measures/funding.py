"""The plans de financement: what a fiche costs in an exercice, who pays for it, and where each sum stands.

A plan is the rows of one fiche and one exercice. Contributions volontaires en nature (heading 86 of the charges,
account 87 of the produits of the French chart of accounts) are balanced apart: no money moves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tabellion.wording import slug

Row = Mapping[str, Any]

#: The numbers of the contributions volontaires: as charges, as produits.
VOLUNTARY = ("86", "87")
#: The account of what a funder gives: each line of it names one.
SUBSIDY = "74"
#: What a lead pays out of its own budget; it is no account.
OWN_FUNDS = "Autofinancement"


@dataclass
class FundingPlan:
    """The sums of one fiche in one exercice, in cents.

    ``produits`` and ``received`` add up what is :func:`retained` of each row; ``funders`` is the part of ``produits``
    that names a funder. ``given`` and ``received`` are the contributions volontaires, as charges and as produits; the
    other sums are without them. ``asked``, ``granted`` and ``paid`` are what was demandé, accordé and versé.
    """

    charges: int = 0
    produits: int = 0
    funders: int = 0
    asked: int = 0
    granted: int = 0
    paid: int = 0
    given: int = 0
    received: int = 0

    @property
    def gap(self) -> int:
        """What the produits have more than the charges."""
        return self.produits - self.charges

    @property
    def voluntary_gap(self) -> int:
        """What the contributions volontaires have more as produits than as charges."""
        return self.received - self.given

    @property
    def rate(self) -> float | None:
        """The share of the charges that funders pay, in hundredths with one decimal; ``None`` without charges."""
        return None if not self.charges else (2000 * self.funders + self.charges) // (2 * self.charges) / 10


def is_voluntary(heading: str | None) -> bool:
    """Whether a heading or an account is that of the contributions volontaires."""
    return (heading or "").startswith(VOLUNTARY)


def retained(produit: Row) -> int | None:
    """What a produit counts for in its plan: what was accordé once it is known (0 for a refusal), else demandé."""
    granted: int | None = produit["montant_accorde"]
    asked: int | None = produit["montant_demande"]
    return asked if granted is None else granted


def progress(produit: Row) -> str:
    """Where a produit stands, in a word; empty where nothing is known of it."""
    asked, granted, paid = (produit[name] for name in ("montant_demande", "montant_accorde", "montant_verse"))
    if paid:
        return "versé" if paid >= (granted or 0) else "versé en partie"
    if granted is None:
        return "" if asked is None else "demandé"
    return "accordé" if granted else "refusé"


def funding_plans(charges: Iterable[Row], produits: Iterable[Row]) -> dict[tuple[str, int], FundingPlan]:
    """The plan of each fiche and exercice that has a row, in that order; a row without one of them is in no plan."""
    found: dict[tuple[str, int], FundingPlan] = {}
    for row in charges:
        if (plan := _plan_of(found, row)) is not None:
            if is_voluntary(row["poste"]):
                plan.given += row["montant"] or 0
            else:
                plan.charges += row["montant"] or 0
    for row in produits:
        if (plan := _plan_of(found, row)) is not None:
            cents = retained(row) or 0
            if is_voluntary(row["compte"]):
                plan.received += cents
                continue
            plan.produits += cents
            plan.funders += cents if row["financeur_id"] is not None else 0
            plan.asked += row["montant_demande"] or 0
            plan.granted += row["montant_accorde"] or 0
            plan.paid += row["montant_verse"] or 0
    return dict(sorted(found.items()))


def _plan_of(found: dict[tuple[str, int], FundingPlan], row: Row) -> FundingPlan | None:
    if row["fiche_id"] is None or row["exercice"] is None:
        return None
    return found.setdefault((row["fiche_id"], row["exercice"]), FundingPlan())


def charge_identifier(row: Row) -> str:
    """The stable identifier of a charge: ``II-5.1./1:2016:60``."""
    return f"{_plan_words(row)}:{_account(row['poste'])}"


def produit_identifier(row: Row) -> str:
    """The stable identifier of a produit: ``II-5.1./1:2016:74:etat``; without its last part when nobody is named."""
    return ":".join(part for part in (_plan_words(row), _account(row["compte"]), row["financeur_id"]) if part)


def _plan_words(row: Row) -> str:
    return f"{row['fiche_id'] or 'sans-fiche'}:{row['exercice'] or 'sans-exercice'}"


def _account(words: str | None) -> str:
    """The number that a heading begins with; its words where it has none."""
    number = (words or "").partition(" ")[0]
    return number if number.isdecimal() else slug(words or "") or "sans-compte"
