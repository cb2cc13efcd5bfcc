"""The figures of the budget annex of an exercice: credits and specific funding by convention, collectivité, funder.

Amounts are cents. Financements have no exercice of their own: they are those of the whole contract.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tabellion.measures.overview import Funding, Overview, Sums
from tabellion.schema.tables import Tables

#: What stands for a convention, a collectivité or a funder that a row does not say.
NO_CONVENTION, NO_TOWN, NO_FUNDER = "(sans convention)", "(sans collectivité)", "(sans financeur)"


@dataclass(frozen=True)
class AnnexFigures:
    """The figures of one exercice: those that all outputs share, and what only a row names."""

    tables: Tables
    exercice: int

    @cached_property
    def overview(self) -> Overview:
        """The sums that all outputs share."""
        return Overview(self.tables)

    @cached_property
    def conventions(self) -> dict[Any, str]:
        """The conventions by number, in the register's order; then those that only a row names."""
        named = [*(key[0] for key in self.credits), *(key[0] for key in self.funding), *self.engaged]
        return _with(self.overview.conventions, named, NO_CONVENTION, "Convention {}")

    @cached_property
    def towns(self) -> dict[Any, str]:
        """The collectivités by identifier, in the register's order; then those that only a line names."""
        return _with(self.overview.towns, [town for _, town in self.credits], NO_TOWN)

    @cached_property
    def funders(self) -> dict[Any, str]:
        """The funders that a financement names, by identifier, in the register's order."""
        present = dict.fromkeys(funder for _, funder in self.funding)
        names = {key: name for key, name in self.overview.funder_names.items() if key in present}
        return _with(names, present, NO_FUNDER)

    @cached_property
    def credits(self) -> dict[tuple[int | None, str | None], Sums]:
        """The sums of the exercice's lines by convention and collectivité, in the order of the lines."""
        return {key[1:]: sums for key, sums in self.overview.cells.items() if key[0] == self.exercice}

    def sums(self, **fields: Any) -> Sums:
        """The sums of the exercice's lines whose fields are these; ``None`` is a blank."""
        return self.overview.sums(exercice=self.exercice, **fields)

    def knows(self, amount: str) -> bool:
        """Whether a line of the exercice has this amount (a field of the lines), zero included."""
        return self.overview.of(self.exercice).knows(amount)

    @cached_property
    def funding(self) -> dict[tuple[int | None, str | None], Funding]:
        """The financements by convention (that of their fiche) and funder."""
        keys = self.overview.financements.groups("convention_id", "financeur_id")
        return {(key[0], key[1]): self.overview.funding(convention_id=key[0], financeur_id=key[1]) for key in keys}

    @cached_property
    def engaged(self) -> dict[int | None, int]:
        """What partners say they engaged for their fiches in the exercice, by convention."""
        fiches = self.overview.fiches.columns
        conventions = dict(zip(fiches["fiche_id"], fiches["convention_id"], strict=True))
        engaged: Counter[int | None] = Counter()
        for row in self.tables["suivis"].rows:
            if row["exercice"] == self.exercice and row["montant_engage"] is not None:
                engaged[conventions.get(row["fiche_id"])] += row["montant_engage"]
        return dict(engaged)


def _with(names: dict[Any, str], keys: Iterable[Any], nothing: str, unknown: str = "{}") -> dict[Any, str]:
    """Names, then those of the keys that have none."""
    return {**names, **{key: nothing if key is None else unknown.format(key) for key in keys if key not in names}}


def rate(part: int, whole: int) -> float | None:
    """A part of a whole as a fraction; ``None`` where the whole is nothing."""
    return part / whole if whole else None


__all__ = ["AnnexFigures", "Funding", "rate"]
