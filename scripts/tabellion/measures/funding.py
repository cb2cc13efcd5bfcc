"""The plans de financement: what a fiche costs in an exercice, who pays for it, and where each sum stands.

A plan is the rows of one fiche and one exercice. Contributions volontaires en nature (heading 86 of the charges,
account 87 of the produits of the French chart of accounts) are balanced apart: no money moves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tabellion.measures.measure import Begins, Criterion, Filled, Measure, Rows, Total, cell_value
from tabellion.schema.tables import Row
from tabellion.wording import slug

#: The numbers of the contributions volontaires: as charges, as produits.
VOLUNTARY = ("86", "87")
#: The account of what a funder gives: each line of it names one.
SUBSIDY = "74"
#: What a lead pays out of its own budget; it is no account.
OWN_FUNDS = "Autofinancement"
#: What a produit counts for in its plan: a computed column of the workbook.
RETAINED = "retenu"
_KEY = ("fiche_id", "exercice")


_MONEY_CHARGES, _GIVEN = (Begins("poste", VOLUNTARY[0], but=but) for but in (True, False))
_MONEY_PRODUITS, _RECEIVED = (Begins("compte", VOLUNTARY[1], but=but) for but in (True, False))
#: The sums of a plan over the rows of its charges; an amount is a field, or what is :func:`retained` of a produit.
CHARGES_TOTALS: Mapping[str, Total] = {
    "charges": Total("montant", (_MONEY_CHARGES,)),
    "given": Total("montant", (_GIVEN,)),
}
#: The same over the rows of its produits.
PRODUITS_TOTALS: Mapping[str, Total] = {
    "produits": Total(RETAINED, (_MONEY_PRODUITS,)),
    "funders": Total(RETAINED, (_MONEY_PRODUITS, Filled("financeur_id"))),
    "asked": Total("montant_demande", (_MONEY_PRODUITS,)),
    "granted": Total("montant_accorde", (_MONEY_PRODUITS,)),
    "paid": Total("montant_verse", (_MONEY_PRODUITS,)),
    "received": Total(RETAINED, (_RECEIVED,)),
}
#: The fields of each side that the sums read.
CHARGE_FIELDS = ("fiche_id", "exercice", "poste", "montant")
PRODUIT_FIELDS = (
    "fiche_id", "exercice", "compte", "financeur_id", "montant_demande", "montant_accorde", "montant_verse"
)  # fmt: skip


@dataclass(frozen=True)
class FundingPlan:
    """The sums of one fiche in one exercice, or of several plans, in cents; ``None`` where no row has the amount.

    ``produits`` and ``received`` add up what is :func:`retained` of each row; ``funders`` is the part of ``produits``
    that names a funder. ``given`` and ``received`` are the contributions volontaires, as charges and as produits; the
    other sums are without them. ``asked``, ``granted`` and ``paid`` are what was demandé, accordé and versé.
    """

    charges: int | None
    given: int | None
    produits: int | None
    funders: int | None
    asked: int | None
    granted: int | None
    paid: int | None
    received: int | None

    @property
    def gap(self) -> int | None:
        """What the produits have more than the charges."""
        return _gap(self.produits, self.charges)

    @property
    def voluntary_gap(self) -> int | None:
        """What the contributions volontaires have more as produits than as charges."""
        return _gap(self.received, self.given)

    @property
    def rate(self) -> float | None:
        """The share of the charges that funders pay, in hundredths with one decimal; ``None`` without charges."""
        funders, charges = (Measure("euros", cell_value(cents)) for cents in (self.funders, self.charges))
        value = cofinancing(funders, charges).value
        return None if value == "" else float(value)


def _gap(left: int | None, right: int | None) -> int | None:
    return None if left is None and right is None else (left or 0) - (right or 0)


def cofinancing(funders: Measure, charges: Measure) -> Measure:
    """The share of the charges that funders pay, in hundredths with one decimal; blank without charges.

    Funders whose amounts are not known pay nothing that is known.
    """
    value: float | str = ""
    if charges.value:
        value = (2000 * (funders.value or 0) + charges.value) // (2 * charges.value) / 10
    formula = f'IF(N({charges.formula})=0,"",ROUND(100*N({funders.formula})/{charges.formula},1))'
    return Measure("rate", value, formula)


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


def plan_rows(charges: Iterable[Row], produits: Iterable[Row]) -> tuple[Rows, Rows]:
    """The rows of both sides of plans, with what is :func:`retained` of each produit."""
    received = list(produits)
    columns = Rows.of(received, *PRODUIT_FIELDS).columns
    return Rows.of(charges, *CHARGE_FIELDS), Rows({**columns, RETAINED: [retained(row) for row in received]})


def plan_of(charges: Rows, produits: Rows, *where: Criterion) -> FundingPlan:
    """The sums of the rows that meet every criterion."""
    sides = ((charges, CHARGES_TOTALS), (produits, PRODUITS_TOTALS))
    return FundingPlan(
        **{name: total.also(*where).value(rows) for rows, totals in sides for name, total in totals.items()}
    )


def funding_plans(charges: Iterable[Row], produits: Iterable[Row]) -> dict[tuple[str, int], FundingPlan]:
    """The plan of each fiche and exercice that has a row, in that order; a row without one of them is in no plan."""
    sides = plan_rows(charges, produits)
    keys = {key for rows in sides for key in rows.groups(*_KEY) if None not in key}
    return {
        (fiche, exercice): plan_of(*sides, Criterion("fiche_id", fiche), Criterion("exercice", exercice))
        for fiche, exercice in sorted(keys)
    }


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
