"""The figures of the budget annex of an exercice: credits and specific funding by convention, collectivité, funder.

Amounts are cents. Financements have no exercice of their own: they are those of the whole contract.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from tabellion.measures.overview import Overview, Sums
from tabellion.schema.tables import Tables

#: What stands for a convention, a collectivité or a funder that a row does not say.
NO_CONVENTION, NO_TOWN, NO_FUNDER = "(sans convention)", "(sans collectivité)", "(sans financeur)"


@dataclass(frozen=True)
class Funding:
    """Financements added up: how many, how many have an amount, and the sum of these."""

    financements: int = 0
    priced: int = 0
    montant: int = 0

    def __add__(self, other: Funding) -> Funding:
        return Funding(self.financements + other.financements, self.priced + other.priced, self.montant + other.montant)


@dataclass(frozen=True)
class AnnexFigures:
    """The figures of one exercice."""

    tables: Tables
    exercice: int

    @cached_property
    def overview(self) -> Overview:
        """The sums that all outputs share."""
        return Overview(self.tables)

    @cached_property
    def conventions(self) -> dict[int | None, str]:
        """The conventions by number, in the register's order; then those that only a row names."""
        found: dict[int | None, str] = dict(self.overview.conventions.items())
        for convention in [key[0] for key in self.credits] + [key[0] for key in self.funding] + list(self.engaged):
            found.setdefault(convention, NO_CONVENTION if convention is None else f"Convention {convention}")
        return found

    @cached_property
    def towns(self) -> dict[str | None, str]:
        """The collectivités by identifier, in the register's order; then those that only a line names."""
        found: dict[str | None, str] = dict(self.overview.towns.items())
        for _, town in self.credits:
            found.setdefault(town, NO_TOWN if town is None else town)
        return found

    @cached_property
    def funders(self) -> dict[str | None, str]:
        """The funders that a financement names, by identifier, in the register's order."""
        rows = self.tables["financeurs"].rows
        names = {row["financeur_id"]: row["nom"] or row["financeur_id"] for row in rows}
        present = dict.fromkeys(funder for _, funder in self.funding)
        ordered = [*(each for each in names if each in present), *(each for each in present if each not in names)]
        return {each: NO_FUNDER if each is None else names.get(each, each) for each in ordered}

    @cached_property
    def credits(self) -> dict[tuple[int | None, str | None], Sums]:
        """The sums of the exercice's lines by convention and collectivité, in the order of the lines."""
        return {key[1:]: sums for key, sums in self.overview.cells.items() if key[0] == self.exercice}

    def of_convention(self, convention: int | None) -> Sums:
        """The credits of one convention (``None``: of the lines that say none)."""
        return sum((sums for key, sums in self.credits.items() if key[0] == convention), Sums())

    def of_town(self, town: str | None) -> Sums:
        """The credits of one collectivité (``None``: of the lines that say none)."""
        return sum((sums for key, sums in self.credits.items() if key[1] == town), Sums())

    @cached_property
    def total(self) -> Sums:
        """The credits of the exercice."""
        return sum(self.credits.values(), Sums())

    def knows(self, amount: str) -> bool:
        """Whether a line of the exercice has this amount (a field of the lines), zero included."""
        return bool(self.overview.known.get(self.exercice, {}).get(amount))

    @cached_property
    def _convention_of(self) -> dict[str, int | None]:
        return {row["fiche_id"]: row["convention_id"] for row in self.tables["fiches"].rows}

    @cached_property
    def funding(self) -> dict[tuple[int | None, str | None], Funding]:
        """The financements by convention (that of their fiche) and funder."""
        found: dict[tuple[int | None, str | None], Funding] = {}
        for row in self.tables["financements"].rows:
            key = (self._convention_of.get(row["fiche_id"]), row["financeur_id"])
            cents = row["montant"]
            found[key] = found.get(key, Funding()) + Funding(1, int(cents is not None), cents or 0)
        return found

    def funding_of(self, convention: int | None) -> Funding:
        """The financements of one convention's fiches."""
        return sum((each for key, each in self.funding.items() if key[0] == convention), Funding())

    def funding_by(self, funder: str | None) -> Funding:
        """The financements of one funder."""
        return sum((each for key, each in self.funding.items() if key[1] == funder), Funding())

    @cached_property
    def engaged(self) -> dict[int | None, int]:
        """What partners say they engaged for their fiches in the exercice, by convention."""
        found: dict[int | None, int] = {}
        for row in self.tables["suivis"].rows:
            if row["exercice"] == self.exercice and row["montant_engage"] is not None:
                convention = self._convention_of.get(row["fiche_id"])
                found[convention] = found.get(convention, 0) + row["montant_engage"]
        return found


def rate(part: int, whole: int) -> float | None:
    """A part of a whole as a fraction; ``None`` where the whole is nothing."""
    return part / whole if whole else None
