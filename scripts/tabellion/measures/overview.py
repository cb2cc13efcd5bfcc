"""The state of a contract in figures: sums by exercice, funders, progress of the fiches. All amounts in cents."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from tabellion.measures.totals import AMOUNTS, MEASURE
from tabellion.schema.tables import Tables

#: What each fiche's progress is called where nobody has said anything of it.
NOTHING_SAID = "sans bilan"


@dataclass(frozen=True)
class Sums:
    """The three amounts of budget lines added up, and how many lines there are."""

    prevu: int = 0
    vote: int = 0
    realise: int = 0
    lines: int = 0

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.prevu + other.prevu,
            self.vote + other.vote,
            self.realise + other.realise,
            self.lines + other.lines,
        )


@dataclass(frozen=True)
class FunderSums:
    """One funder: how many financements name it, how many have an amount, and the sum of these amounts."""

    financeur: str
    nom: str
    financements: int
    priced: int
    montant: int


@dataclass(frozen=True)
class Overview:
    """The figures of a contract's tables."""

    tables: Tables

    @cached_property
    def cells(self) -> dict[tuple[int, int | None, str | None], Sums]:
        """The sums by exercice, convention and collectivité, in the order of the lines.

        A line without its convention or its collectivité counts all the same, under ``None``: a finding says what is
        missing, and no euro is lost on the way. A line without its exercice counts in none.
        """
        found: dict[tuple[int, int | None, str | None], list[int]] = {}
        names = ("exercice", "convention_id", "collectivite_id", *AMOUNTS)
        columns = [self.tables["lignes_budgetaires"].column(name) for name in names]
        for year, convention, town, *amounts in zip(*columns, strict=True):
            if year is not None:
                sums = found.setdefault((year, convention, town), [0] * (len(AMOUNTS) + 1))
                for place, cents in enumerate(amounts):
                    sums[place] += cents or 0
                sums[-1] += 1
        return {key: Sums(*sums) for key, sums in found.items()}

    @cached_property
    def _parts(self) -> dict[tuple[int, int | None, str | None], Sums]:
        """The sums of an exercice by convention and collectivité, ``None`` standing for all of them."""
        found: dict[tuple[int, int | None, str | None], list[int]] = {}
        for (year, convention, town), sums in self.cells.items():
            for key in {(year, convention, town), (year, convention, None), (year, None, town), (year, None, None)}:
                total = found.setdefault(key, [0, 0, 0, 0])
                total[0] += sums.prevu
                total[1] += sums.vote
                total[2] += sums.realise
                total[3] += sums.lines
        return {key: Sums(*total) for key, total in found.items()}

    @cached_property
    def known(self) -> dict[int, dict[str, int]]:
        """How many lines of each exercice have each amount, zero included."""
        lines = self.tables["lignes_budgetaires"].frame
        counts = lines.groupby("exercice")[list(AMOUNTS)].count()
        return {
            int(year): dict(zip(AMOUNTS, map(int, values), strict=True))
            for year, values in zip(counts.index, counts.itertuples(index=False, name=None), strict=True)
        }

    def measure(self, exercice: int) -> str:
        """The amount that says most of an exercice: what was spent, else voted, else planned.

        Half as many lines as have any amount must have it: while a year goes on, a few have been spent already, and to
        show these would hide the others.
        """
        known = self.known.get(exercice, {})
        enough = max(known.values(), default=0) / 2
        return next((name for name in reversed(AMOUNTS) if known.get(name) and known[name] >= enough), MEASURE)

    @cached_property
    def exercices(self) -> list[int]:
        """The exercices that have lines, the earliest first."""
        return sorted({year for year, _, _ in self.cells})

    @cached_property
    def conventions(self) -> dict[int, str]:
        """The short title of each convention, in the register's order."""
        rows = self.tables["conventions"].rows
        return {row["convention_id"]: row["titre_court"] or row["titre"] or "" for row in rows}

    @cached_property
    def towns(self) -> dict[str, str]:
        """The name of each collectivité, in the register's order."""
        rows = self.tables["collectivites"].rows
        return {row["collectivite_id"]: row["nom"] or row["collectivite_id"] for row in rows}

    def of(self, exercice: int, convention: int | None = None, town: str | None = None) -> Sums:
        """The sums of an exercice: of one convention or all, of one collectivité or all."""
        return self._parts.get((exercice, convention, town), Sums())

    def before(self, exercice: int) -> int | None:
        """The last exercice with lines before this one."""
        return max((year for year in self.exercices if year < exercice), default=None)

    @cached_property
    def funders(self) -> list[FunderSums]:
        """Each funder that a financement names, in the register's order."""
        frame = self.tables["financements"].frame
        grouped = frame.groupby("financeur_id", sort=False)["montant"]
        counts, priced, sums = (each.to_dict() for each in (grouped.size(), grouped.count(), grouped.sum()))
        return [
            FunderSums(key, row["nom"] or key, int(counts[key]), int(priced[key]), int(sums[key]))
            for row in self.tables["financeurs"].rows
            if (key := row["financeur_id"]) in counts
        ]

    def progress(self, exercice: int, convention: int | None = None) -> Counter[str]:
        """How many fiches are at each stage in an exercice, by the words of ``suivis.avancement``.

        Of several partners' words on one fiche, its lead's count; else the first. A fiche of which nobody said
        anything is :data:`NOTHING_SAID`.
        """
        said = self._said.get(exercice, {})
        return Counter(
            said.get(row["fiche_id"], NOTHING_SAID)
            for row in self.tables["fiches"].rows
            if row["fiche_id"] is not None and convention in (None, row["convention_id"])
        )

    @cached_property
    def _said(self) -> dict[int, dict[str, str]]:
        takes = self.tables["participations"].rows
        leading = {(row["fiche_id"], row["partenaire_id"]) for row in takes if row["role"] == "porteur"}
        found: dict[int, dict[str, str]] = {}
        ranks: dict[tuple[int, str], bool] = {}
        for row in self.tables["suivis"].rows:
            year, fiche, stage = row["exercice"], row["fiche_id"], row["avancement"]
            if year is None or fiche is None or stage is None:
                continue
            is_lead = (fiche, row["partenaire_id"]) in leading
            if (year, fiche) not in ranks or (is_lead and not ranks[year, fiche]):
                ranks[year, fiche] = is_lead
                found.setdefault(year, {})[fiche] = stage
        return found


__all__ = ["NOTHING_SAID", "FunderSums", "Overview", "Sums"]
