"""What the lines of a contract add up to, and what the document published in front of it. All amounts in cents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from tabellion.schema.tables import Tables

if TYPE_CHECKING:
    import pandas as pd

#: The amounts of a budget line, in the order of a budget year; the census of a contract is of what was spent.
AMOUNTS = ("montant_prevu", "montant_vote", "montant_realise")
MEASURE = "montant_realise"
#: What each of them is called.
AMOUNT_WORDS = dict(zip(AMOUNTS, ("prévu", "voté", "réalisé"), strict=True))

RECAP, DETAIL = "récapitulatif", "convention"
SCOPE_TOWN, SCOPE_CONVENTION, SCOPE_ALL = "collectivité", "convention", "général"

Pair = tuple[int, str]
#: Where a published total stands: its source, its scope, its convention and its collectivité.
PublishedKey = tuple[str, str, int | None, str | None]


@dataclass(frozen=True)
class Published:
    """One published total: the row it stands on in ``totaux_publies`` and its cents (``None``: printed blank)."""

    index: int
    cents: int | None


@dataclass(frozen=True)
class Accounts:
    """The sums of one exercice, read from the tables of a contract."""

    tables: Tables
    exercice: int

    @cached_property
    def lines(self) -> pd.DataFrame:
        """The budget lines of the exercice."""
        lines = self.tables["lignes_budgetaires"].frame
        return lines[(lines["exercice"] == self.exercice).fillna(False).astype(bool)]

    @cached_property
    def conventions(self) -> list[int]:
        """The numbers of the conventions, in the register's order."""
        return [number for number in self.tables["conventions"].column("convention_id") if number is not None]

    @cached_property
    def towns(self) -> list[str]:
        """The identifiers of the collectivités, in the register's order."""
        return [town for town in self.tables["collectivites"].column("collectivite_id") if town is not None]

    @property
    def pairs(self) -> Iterator[Pair]:
        """Every convention with every collectivité."""
        return ((convention, town) for convention in self.conventions for town in self.towns)

    @cached_property
    def _sums(self) -> dict[str, dict[Pair, int]]:
        known = self.lines.dropna(subset=["convention_id", "collectivite_id"])
        grouped = known.groupby(["convention_id", "collectivite_id"], sort=False)[list(AMOUNTS)].sum()
        keys = [(int(convention), str(town)) for convention, town in grouped.index]
        return {name: dict(zip(keys, (int(each) for each in grouped[name]), strict=True)) for name in AMOUNTS}

    @cached_property
    def counts(self) -> dict[Pair, int]:
        """How many lines each convention × collectivité has."""
        known = self.lines.dropna(subset=["convention_id", "collectivite_id"])
        sizes = known.groupby(["convention_id", "collectivite_id"], sort=False).size()
        return {(int(key[0]), str(key[1])): int(count) for key, count in sizes.items()}  # type: ignore[index]

    def of(self, convention: int | None = None, town: str | None = None, amount: str = MEASURE) -> int:
        """The sum of the lines, of one convention or all, of one collectivité or all; blanks count for nothing."""
        if convention is not None and town is not None:
            return self._sums[amount].get((convention, town), 0)
        return sum(
            cents
            for (each, other), cents in self._sums[amount].items()
            if (convention is None or each == convention) and (town is None or other == town)
        )

    @cached_property
    def _published(self) -> dict[PublishedKey, Published]:
        found: dict[PublishedKey, Published] = {}
        for index, row in enumerate(self.tables["totaux_publies"].rows):
            if row["exercice"] == self.exercice:
                key = (row["source"], row["portee"], row["convention_id"], row["collectivite_id"])
                found.setdefault(key, Published(index, row["montant"]))
        return found

    def every_published(self, source: str, scope: str) -> dict[PublishedKey, Published]:
        """The published totals of a source and a scope, in the register's order; of one printed twice, the first."""
        return {key: each for key, each in self._published.items() if key[:2] == (source, scope)}

    def published(
        self, source: str, scope: str, convention: int | None = None, town: str | None = None
    ) -> Published | None:
        """The published total of that place and scope, or ``None`` when the document prints none."""
        return self._published.get((source, scope, convention, town))

    def printed(self, source: str, scope: str, convention: int | None = None, town: str | None = None) -> int:
        """The cents of a published total; 0 when nothing is printed."""
        found = self.published(source, scope, convention, town)
        return (found.cents or 0) if found is not None else 0

    def printed_towns(self, source: str, convention: int) -> int:
        """The sum of the published subtotals of a convention."""
        return self._towns_printed.get((source, convention), 0)

    @cached_property
    def _towns_printed(self) -> dict[tuple[str, int | None], int]:
        sums: dict[tuple[str, int | None], int] = {}
        for (source, scope, convention, _), each in self._published.items():
            if scope == SCOPE_TOWN:
                sums[source, convention] = sums.get((source, convention), 0) + (each.cents or 0)
        return sums

    @property
    def has_recap(self) -> bool:
        """Whether the document has a recap for this exercice: totals of conventions, or a grand total."""
        return any(source == RECAP and scope in (SCOPE_CONVENTION, SCOPE_ALL) for source, scope, *_ in self._published)

    def in_recap(self, convention: int) -> bool:
        """Whether the recap speaks of this convention."""
        return convention in self._recap_conventions

    @cached_property
    def _recap_conventions(self) -> set[int | None]:
        return {number for source, _, number, _ in self._published if source == RECAP}
