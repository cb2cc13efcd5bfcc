"""The state of a contract in figures: its lines, financements and fiches added up. All amounts in cents.

A line without its convention or its collectivité counts all the same, under ``None``: a finding says what is missing,
and no euro is lost on the way. A line without its exercice counts in none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeVar

from tabellion.measures.compared import answer_words, count_answers, lines_by_words, lines_by_year
from tabellion.measures.financements import COUNTED, RETAINED, retained_of
from tabellion.measures.measure import Columns, Count, Criterion, Known, Measure, Rows, Total, cell_value
from tabellion.schema import Value
from tabellion.schema.tables import Tables

#: The amounts of a budget line, in the order of a budget year; the census of a contract is of what was spent.
AMOUNTS = ("montant_prevu", "montant_vote", "montant_realise")
MEASURE = "montant_realise"
#: What each of them is called.
AMOUNT_WORDS = dict(zip(AMOUNTS, ("prévu", "voté", "réalisé"), strict=True))
#: What each fiche's progress is called where nobody has said anything of it.
NOTHING_SAID = "sans bilan"
#: Where a line belongs.
LINE_KEY = ("exercice", "convention_id", "collectivite_id")
T = TypeVar("T", int, str)


@dataclass(frozen=True)
class Sums:
    """The three amounts of budget lines added up, how many lines there are, and how many have each amount."""

    prevu: int = 0
    vote: int = 0
    realise: int = 0
    lines: int = 0
    known: tuple[int, ...] = (0, 0, 0)

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.prevu + other.prevu, self.vote + other.vote, self.realise + other.realise, self.lines + other.lines,
            tuple(map(sum, zip(self.known, other.known, strict=True))),
        )  # fmt: skip

    def of(self, amount: str) -> int:
        """One of the three amounts (a field of the lines)."""
        return (self.prevu, self.vote, self.realise)[AMOUNTS.index(amount)]

    def knows(self, amount: str) -> bool:
        """Whether a line has this amount, zero included."""
        return self.known[AMOUNTS.index(amount)] > 0

    def total(self, amount: str) -> int | None:
        """One of the three amounts; ``None`` where no line has it, which is not zero."""
        return self.of(amount) if self.knows(amount) else None

    def unknown(self, amount: str) -> int:
        """How many lines do not have this amount."""
        return self.lines - self.known[AMOUNTS.index(amount)]


@dataclass(frozen=True)
class Funding:
    """Financements added up: how many, how many have an amount, and the sum of these."""

    financements: int = 0
    priced: int = 0
    montant: int = 0

    @property
    def total(self) -> int | None:
        """The sum of the amounts; ``None`` where no financement has one, which is not zero."""
        return self.montant if self.priced else None

    def __add__(self, other: Funding) -> Funding:
        return Funding(self.financements + other.financements, self.priced + other.priced, self.montant + other.montant)


@dataclass(frozen=True)
class Overview:
    """The figures of a contract's tables. Each sum of lines is made once."""

    tables: Tables
    _sums: dict[tuple[tuple[str, Value], ...], Sums] = field(default_factory=dict)
    _financements: dict[int, Rows] = field(default_factory=dict)

    @cached_property
    def lines(self) -> Rows:
        """The budget lines."""
        return Rows(self.tables["lignes_budgetaires"].columns)

    @cached_property
    def fiches(self) -> Rows:
        """The fiches."""
        return Rows(self.tables["fiches"].columns)

    def financements(self, exercice: int) -> Rows:
        """The financements, with the convention of their fiche and whether each counts in an exercice."""
        if exercice not in self._financements:
            table = self.tables["financements"]
            conventions = dict(zip(self.fiches.columns["fiche_id"], self.fiches.columns["convention_id"], strict=True))
            self._financements[exercice] = Rows({
                **table.columns,
                "convention_id": [conventions.get(fiche) for fiche in table.columns["fiche_id"]],
                RETAINED: retained_of(table.rows, exercice),
            })  # fmt: skip
        return self._financements[exercice]

    def sums(self, **fields: Value) -> Sums:
        """The sums of the lines whose fields are these; ``None`` is a blank."""
        key = tuple(fields.items())
        sums = self._sums.get(key)
        if sums is None:
            positions = self.lines.matching([Criterion(name, value) for name, value in key])
            sums = self._sums[key] = self._sums_at(positions)
        return sums

    def _sums_at(self, positions: Sequence[int]) -> Sums:
        """The sums of the lines at these positions."""
        columns = [self.lines.columns[name] for name in AMOUNTS]
        amounts = [[cents for position in positions if (cents := column[position]) is not None] for column in columns]
        prevu, vote, realise = map(sum, amounts)
        return Sums(prevu, vote, realise, len(positions), tuple(map(len, amounts)))

    def of(self, exercice: int, convention: int | None = None, town: str | None = None) -> Sums:
        """The sums of an exercice: of one convention or all, of one collectivité or all."""
        fields: dict[str, Value] = {"exercice": exercice}
        fields |= {"convention_id": convention} if convention is not None else {}
        return self.sums(**fields, **({"collectivite_id": town} if town is not None else {}))

    @cached_property
    def cells(self) -> dict[tuple[int, int | None, str | None], Sums]:
        """The sums by exercice, convention and collectivité, in the order of the lines."""
        groups = self.lines.groups(*LINE_KEY).items()
        return {
            (year, convention, town): self._sums_at(positions)
            for (year, convention, town), positions in groups
            if year is not None
        }

    @cached_property
    def by_words(self) -> dict[int, dict[str, dict[str, list[int]]]]:
        """The positions of the lines by exercice, by their folded words, by collectivité."""
        return lines_by_words(self.lines)

    @cached_property
    def known(self) -> dict[int, dict[str, int]]:
        """How many lines of each exercice have each amount, zero included."""
        return {year: dict(zip(AMOUNTS, self.of(year).known, strict=True)) for year in self.exercices}

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
        return sorted({*self.lines.columns["exercice"]} - {None})

    def before(self, exercice: int) -> int | None:
        """The last exercice with lines before this one."""
        return max((year for year in self.exercices if year < exercice), default=None)

    @cached_property
    def by_year(self) -> Rows:
        """The budget lines, with the amounts of all exercices side by side."""
        return lines_by_year(self.tables["lignes_budgetaires"].columns, self.exercices, AMOUNTS)

    def answers(self, exercice: int) -> str:
        """How many of the collectivités that have lines have an amount in an exercice, where not all have: in words."""
        asked, answered = self._answered
        return answer_words(answered[exercice], asked, self.town.lower())

    @cached_property
    def _answered(self) -> tuple[int, Counter[int]]:
        return count_answers(self.lines, AMOUNTS)

    @cached_property
    def conventions(self) -> dict[int, str]:
        """The short title of each convention, in the register's order."""
        rows = self.tables["conventions"].rows
        return {row["convention_id"]: row["titre_court"] or row["titre"] or "" for row in rows}

    @property
    def town(self) -> str:
        """What the contract calls those whose credits it lists, as its schema does: « Collectivité »."""
        return self.tables["collectivites"].schema.by_name["nom"].title

    @cached_property
    def towns(self) -> dict[str, str]:
        """The name of each collectivité, in the register's order."""
        return self._names("collectivites", "collectivite_id")

    @cached_property
    def funder_names(self) -> dict[str, str]:
        """The name of each funder, in the register's order."""
        return self._names("financeurs", "financeur_id")

    def _names(self, table: str, key: str) -> dict[str, str]:
        return {row[key]: row["nom"] or row[key] for row in self.tables[table].rows}

    def funding(self, exercice: int, **fields: Value) -> Funding:
        """The financements that count in an exercice and whose fields are these; ``None`` is a blank."""
        where = (*(Criterion(name, value) for name, value in fields.items()), COUNTED)
        rows = self.financements(exercice)
        count, priced = (len(rows.matching(criteria)) for criteria in (where, (*where, Known("montant"))))
        return Funding(count, priced, Total("montant", where).value(rows) or 0)

    def funders(self, exercice: int) -> dict[str, Funding]:
        """The financements that count in an exercice, of each funder that one names, in the register's order."""
        fundings = {key: self.funding(exercice, financeur_id=key) for key in self.funder_names}
        return {key: funding for key, funding in fundings.items() if funding.financements}

    def progress(self, exercice: int, convention: int | None = None) -> Counter[str]:
        """How many fiches are at each stage in an exercice, by the words of ``suivis.avancement``.

        Of several partners' words on one fiche, its lead's count; else the first. A fiche of which nobody said
        anything is :data:`NOTHING_SAID`.
        """
        fiches, numbers = (self.fiches.columns[name] for name in ("fiche_id", "convention_id"))
        stages = self._stages.get(exercice, {})
        return Counter(
            stages.get(fiche, NOTHING_SAID)
            for fiche, number in zip(fiches, numbers, strict=True)
            if fiche is not None and (convention is None or number == convention)
        )

    @cached_property
    def _stages(self) -> dict[int, dict[str, str]]:
        """The stage of each fiche, by exercice."""
        roles = self.tables["participations"].values_of("fiche_id", "partenaire_id", "role")
        leads = {(fiche, partner) for fiche, partner, role in roles if role == "porteur"}
        stages: dict[int, dict[str, str]] = {}
        by_lead: dict[tuple[int, str], bool] = {}
        followed = self.tables["suivis"].values_of("exercice", "fiche_id", "avancement", "partenaire_id")
        for year, fiche, stage, partner in followed:
            if year is None or fiche is None or stage is None:
                continue
            is_lead = (fiche, partner) in leads
            if (year, fiche) not in by_lead or (is_lead and not by_lead[year, fiche]):
                by_lead[year, fiche] = is_lead
                stages.setdefault(year, {})[fiche] = stage
        return stages


def funding_measures(funding: Funding, columns: Columns, where: tuple[Criterion, ...]) -> list[Measure]:
    """How many financements, how many with an amount, and their sum, over the table that ``columns`` names.

    They have no formula where nothing in Excel tells their rows apart: where a criterion has none.
    """
    measures = [
        Measure("count", funding.financements, Count(where).formula(columns)),
        Measure("count", funding.priced, Count((*where, Known("montant"))).formula(columns)),
        Measure("euros", cell_value(funding.total), Total("montant", where).formula(columns)),
    ]
    is_told = all(criterion.formula is not None for criterion in where)
    return measures if is_told else [replace(measure, formula=None) for measure in measures]


#: What stands for a convention, a collectivité or a funder that a row does not say.
NO_CONVENTION, NO_TOWN, NO_FUNDER = "(sans convention)", "(sans {})", "(sans financeur)"


@dataclass(frozen=True)
class AnnexFigures:
    """The figures of one exercice: those that all outputs share, and what only a row names.

    ``funded`` is the exercice of the financements that count: another one where ``exercice`` is before the contract.
    """

    tables: Tables
    exercice: int
    funded: int

    @cached_property
    def overview(self) -> Overview:
        """The sums that all outputs share."""
        return Overview(self.tables)

    @cached_property
    def conventions(self) -> dict[int | None, str]:
        """The conventions by number, in the register's order; then those that only a row names."""
        named = [*(key[0] for key in self.credits), *(key[0] for key in self.funding), *self.engaged]
        return _with(self.overview.conventions, named, NO_CONVENTION, "Convention {}")

    @cached_property
    def towns(self) -> dict[str | None, str]:
        """The collectivités by identifier, in the register's order; then those that only a line names."""
        return _with(
            self.overview.towns, [town for _, town in self.credits], NO_TOWN.format(self.overview.town.lower())
        )

    @cached_property
    def funders(self) -> dict[str | None, str]:
        """The funders that a financement names, by identifier, in the register's order."""
        present = dict.fromkeys(funder for _, funder in self.funding)
        names = {key: name for key, name in self.overview.funder_names.items() if key in present}
        return _with(names, present, NO_FUNDER)

    @cached_property
    def credits(self) -> dict[tuple[int | None, str | None], Sums]:
        """The sums of the exercice's lines by convention and collectivité, in the order of the lines."""
        return {key[1:]: sums for key, sums in self.overview.cells.items() if key[0] == self.exercice}

    def knows(self, amount: str) -> bool:
        """Whether a line of the exercice has this amount (a field of the lines), zero included."""
        return self.overview.of(self.exercice).knows(amount)

    @cached_property
    def funding(self) -> dict[tuple[int | None, str | None], Funding]:
        """The financements that count, by convention (that of their fiche) and funder."""
        keys = self.overview.financements(self.funded).groups("convention_id", "financeur_id")
        every = {
            (key[0], key[1]): self.overview.funding(self.funded, convention_id=key[0], financeur_id=key[1])
            for key in keys
        }
        return {key: funding for key, funding in every.items() if funding.financements}

    @cached_property
    def engaged(self) -> dict[int | None, int]:
        """What partners say they engaged for their fiches in the exercice, by convention."""
        fiches = self.overview.fiches.columns
        conventions = dict(zip(fiches["fiche_id"], fiches["convention_id"], strict=True))
        engaged: Counter[int | None] = Counter()
        for row in self.tables["suivis"]:
            if row["exercice"] == self.exercice and row["montant_engage"] is not None:
                engaged[conventions.get(row["fiche_id"])] += row["montant_engage"]
        return dict(engaged)


def _with(names: Mapping[T, str], keys: Iterable[T | None], nothing: str, unknown: str = "{}") -> dict[T | None, str]:
    """Names, then those of the keys that have none."""
    named: dict[T | None, str] = dict(names.items())
    return named | {key: nothing if key is None else unknown.format(key) for key in keys if key not in names}


def rate(part: int | None, whole: int | None) -> float | None:
    """A part of a whole as a fraction; ``None`` where the whole is nothing, or one of them is not known."""
    return part / whole if whole and part is not None else None
