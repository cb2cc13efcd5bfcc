"""What the lines of an exercice add up to, what the document published in front of it, and the walk between the two.

With G the published grand total, R(c) the recap's total of a convention, R(c,t) its subtotals, D(c,t) the subtotals
printed in the convention itself and L(c,t) the sums of the lines:

    G + (ΣR(c) − G) + Σ(ΣR(c,t) − R(c)) + Σ(D(c,t) − R(c,t)) + Σ(L(c,t) − D(c,t)) = ΣL

All amounts in cents.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any

from tabellion.layout.names import quoted_text
from tabellion.measures.measure import Criterion, Rows, Total
from tabellion.measures.overview import LINE_KEY, MEASURE, Overview, Sums
from tabellion.schema.tables import Tables

RECAP, DETAIL = "récapitulatif", "convention"
SCOPE_TOWN, SCOPE_CONVENTION, SCOPE_ALL = "collectivité", "convention", "général"

Pair = tuple[int, str]
#: Where a published total stands: its source, its scope, its convention and its collectivité.
PublishedKey = tuple[str, str, int | None, str | None]
_PUBLISHED_FIELDS = ("source", "portee", "convention_id", "collectivite_id", "exercice", "montant")


@dataclass(frozen=True)
class Published:
    """One published total: the position of its row in ``totaux_publies`` and its cents (``None``: printed blank)."""

    index: int
    cents: int | None


@dataclass(frozen=True)
class Accounts:
    """The sums of one exercice between the conventions and the collectivités that the contract declares.

    A line that names none of them is in no sum here, as it is in no row of the workbook: it has a finding of its own.
    ``shared`` is the overview of the same tables where it is there already.
    """

    tables: Tables
    exercice: int
    shared: Overview | None = None

    @cached_property
    def overview(self) -> Overview:
        """The sums of every line."""
        return self.shared or Overview(self.tables)

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
    def counts(self) -> dict[Pair, int]:
        """How many lines each convention × collectivité has."""
        keys = self.overview.lines.groups(*LINE_KEY)
        return {
            (convention, town): len(positions)
            for (year, convention, town), positions in keys.items()
            if year == self.exercice and convention is not None and town is not None
        }

    @cached_property
    def _sums(self) -> dict[tuple[int | None, str | None], Sums]:
        """The sums by convention and collectivité, ``None`` standing for all of them."""
        sums: dict[tuple[int | None, str | None], Sums] = {}
        for convention, town in self.pairs:
            lines = self.overview.of(self.exercice, convention, town)
            if lines.lines:
                for key in ((convention, town), (convention, None), (None, town), (None, None)):
                    sums[key] = sums.get(key, Sums()) + lines
        return sums

    def sums(self, convention: int | None = None, town: str | None = None) -> Sums:
        """The sums of the lines, of one convention or all, of one collectivité or all."""
        return self._sums.get((convention, town), Sums())

    def of(self, convention: int | None = None, town: str | None = None, amount: str = MEASURE) -> int:
        """The sum of the lines, of one convention or all, of one collectivité or all; blanks count for nothing."""
        return self.sums(convention, town).of(amount)

    @cached_property
    def _published(self) -> dict[PublishedKey, Published]:
        published: dict[PublishedKey, Published] = {}
        for index, row in enumerate(self.tables["totaux_publies"].rows):
            if row["exercice"] == self.exercice:
                key = (row["source"], row["portee"], row["convention_id"], row["collectivite_id"])
                published.setdefault(key, Published(index, row["montant"]))
        return published

    @cached_property
    def published_rows(self) -> Rows:
        """The published totals of the exercice; of one printed twice, the first."""
        rows = [(*key, self.exercice, total.cents) for key, total in self._published.items()]
        return Rows({name: [row[index] for row in rows] for index, name in enumerate(_PUBLISHED_FIELDS)})

    def every_published(self, source: str, scope: str) -> dict[PublishedKey, Published]:
        """The published totals of a source and a scope, in the register's order; of one printed twice, the first."""
        return {key: total for key, total in self._published.items() if key[:2] == (source, scope)}

    def published(
        self, source: str, scope: str, convention: int | None = None, town: str | None = None
    ) -> Published | None:
        """The published total of that place and scope, or ``None`` when the document prints none."""
        return self._published.get((source, scope, convention, town))

    def printed(self, source: str, scope: str, convention: int | None = None, town: str | None = None) -> int:
        """The cents of the published totals of a scope: of one convention or all, of one collectivité or all."""
        return published_total(source, scope, convention, town).value(self.published_rows) or 0

    @property
    def has_recap(self) -> bool:
        """Whether the document has a recap for this exercice: totals of conventions, or a grand total."""
        return any(self.every_published(RECAP, scope) for scope in (SCOPE_CONVENTION, SCOPE_ALL))

    def in_recap(self, convention: int) -> bool:
        """Whether the recap speaks of this convention."""
        return (RECAP, convention) in self.published_rows.groups("source", "convention_id")


def published_total(
    source: str,
    scope: str,
    convention: int | None = None,
    town: str | None = None,
    *,
    convention_cell: str | None = None,
    town_cell: str | None = None,
) -> Total:
    """The published totals of a source and a scope, of one convention or all, of one collectivité or all.

    ``convention_cell`` and ``town_cell`` are what formulas name them by; a convention is named by its number otherwise.
    """
    where = [Criterion("source", source, quoted_text(source)), Criterion("portee", scope, quoted_text(scope))]
    if convention is not None:
        where.append(Criterion("convention_id", convention, convention_cell or str(convention)))
    if town is not None:
        where.append(Criterion("collectivite_id", town, town_cell))
    return Total("montant", tuple(where))


class StepKind(Enum):
    """Which two figures a step compares."""

    GENERAL = "total général et totaux des conventions"
    CONVENTION = "total d'une convention et ses sous-totaux au récapitulatif"
    ABSENT = "convention absente du récapitulatif"
    TOWN = "sous-total du récapitulatif et sous-total de la convention"
    LINES = "sous-total de la convention et somme des lignes"
    DOUBLE = "ligne comptée dans deux conventions"


@dataclass(frozen=True)
class WalkStep:
    """One difference: ``cents`` is what it adds (signed) on the way from the published total to the recomputed one.

    ``index`` and ``kept`` are the lines of a double count.
    """

    kind: StepKind
    cents: int
    convention: int | None = None
    town: str | None = None
    index: Any = None
    kept: Any = None
    kept_convention: int | None = None


@dataclass(frozen=True)
class Double:
    """A line (``index``) whose money another convention's line (``kept``) already counts."""

    index: int
    convention: int
    town: str
    libelle: str
    cents: int
    kept: int
    kept_convention: int


@dataclass(frozen=True)
class Walk:
    """From ``published`` through ``steps`` to ``recomputed`` (all lines), then through ``doubles`` to ``net``.

    ``published`` is ``None`` where no grand total was published for the exercice, ``recomputed`` where no line of it
    has an amount: neither is zero.
    """

    exercice: int
    published: int | None
    steps: tuple[WalkStep, ...]
    recomputed: int | None
    doubles: tuple[WalkStep, ...]

    @property
    def net(self) -> int | None:
        """The recomputed total without what is counted twice."""
        return None if self.recomputed is None else self.recomputed + sum(step.cents for step in self.doubles)


def walk(accounts: Accounts) -> Walk:
    """Every difference that is not zero, in the order of the document's own totals, from the grand one to the lines.

    Without a grand total there is nothing to start from: only what was published is compared, figure by figure.
    """
    grand = accounts.published(RECAP, SCOPE_ALL)
    published = grand.cents if grand is not None else None
    steps = [step for step in _steps(accounts) if published is not None or _is_compared(accounts, step)]
    doubles = [
        WalkStep(StepKind.DOUBLE, -line.cents, line.convention, line.town, line.index, line.kept, line.kept_convention)
        for line in double_counts(accounts)
    ]
    return Walk(
        exercice=accounts.exercice,
        published=published,
        steps=tuple(step for step in steps if step.cents),
        recomputed=accounts.sums().total(MEASURE),
        doubles=tuple(doubles),
    )


def _steps(accounts: Accounts) -> Iterator[WalkStep]:
    """Every step between two levels, also those of nothing."""
    general = accounts.printed(RECAP, SCOPE_CONVENTION) - accounts.printed(RECAP, SCOPE_ALL)
    yield WalkStep(StepKind.GENERAL, general)
    for convention in accounts.conventions:
        if not accounts.in_recap(convention):
            yield WalkStep(StepKind.ABSENT, accounts.printed(DETAIL, SCOPE_TOWN, convention), convention)
            continue
        gap = accounts.printed(RECAP, SCOPE_TOWN, convention) - accounts.printed(RECAP, SCOPE_CONVENTION, convention)
        yield WalkStep(StepKind.CONVENTION, gap, convention)
        for town in accounts.towns:
            printed = accounts.printed(DETAIL, SCOPE_TOWN, convention, town)
            gap = printed - accounts.printed(RECAP, SCOPE_TOWN, convention, town)
            yield WalkStep(StepKind.TOWN, gap, convention, town)
    for convention, town in accounts.pairs:
        gap = accounts.of(convention, town) - accounts.printed(DETAIL, SCOPE_TOWN, convention, town)
        yield WalkStep(StepKind.LINES, gap, convention, town)


def _is_compared(accounts: Accounts, step: WalkStep) -> bool:
    """Whether both figures of a step are there: two published totals, or one and the lines."""
    place = (step.convention, step.town)
    if step.kind is StepKind.CONVENTION:
        is_detailed = any(key[2] == step.convention for key in accounts.every_published(RECAP, SCOPE_TOWN))
        return is_detailed and _is_known(accounts, (RECAP, SCOPE_CONVENTION, step.convention, None))
    if step.kind is StepKind.TOWN:
        return _is_known(accounts, (DETAIL, SCOPE_TOWN, *place), (RECAP, SCOPE_TOWN, *place))
    return step.kind is StepKind.LINES and _is_known(accounts, (DETAIL, SCOPE_TOWN, *place))


def _is_known(accounts: Accounts, *keys: PublishedKey) -> bool:
    totals = [accounts.published(*key) for key in keys]
    return all(total is not None and total.cents is not None for total in totals)


def double_counts(accounts: Accounts, amount: str = MEASURE) -> list[Double]:
    """Lines that repeat another convention's line: same collectivité, same wording, same non-zero amount.

    Of such lines, the one kept is in a convention that the published recap counts, else in the first convention: the
    others are what the recomputed total counts twice. Repetitions inside one convention are another matter.
    They are in the order of their conventions, of the lines that first have their amount in the exercice, of the lines.
    """
    columns = accounts.overview.lines.columns
    conventions, labels, amounts = columns["convention_id"], columns["libelle"], columns[amount]
    groups: list[tuple[int, list[int], str]] = []
    for by_town in accounts.overview.by_words.get(accounts.exercice, {}).values():
        for town, positions in by_town.items():
            known = [cents for position in positions if (cents := amounts[position])]
            if len(set(known)) < len(known):
                by_cents: dict[int, list[int]] = {}
                for position in positions:
                    if (cents := amounts[position]) and conventions[position] is not None:
                        by_cents.setdefault(cents, []).append(position)
                groups += [(cents, members, town) for cents, members in by_cents.items() if len(members) > 1]
    firsts = accounts.overview.lines.groups("exercice", amount) if groups else {}
    groups.sort(key=lambda group: (firsts[accounts.exercice, group[0]][0], group[1][0]))
    doubles = []
    for cents, members, town in groups:
        kept = min(members, key=lambda line: (not accounts.in_recap(conventions[line]), conventions[line]))
        seen = {conventions[kept]}
        for line in members:
            if (convention := conventions[line]) not in seen:
                seen.add(convention)
                doubles.append(Double(line, convention, town, labels[line], cents, kept, conventions[kept]))
    return sorted(doubles, key=lambda double: double.convention)
