"""The walk from the published grand total to the recomputed one: every difference is a named step, and they add up.

With G the published grand total, R(c) the recap's total of a convention, R(c,t) its subtotals, D(c,t) the subtotals
printed in the convention itself and L(c,t) the sums of the lines:

    G + (ΣR(c) − G) + Σ(ΣR(c,t) − R(c)) + Σ(D(c,t) − R(c,t)) + Σ(L(c,t) − D(c,t)) = ΣL
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from tabellion.measures.accounts import DETAIL, RECAP, SCOPE_ALL, SCOPE_CONVENTION, SCOPE_TOWN, Accounts
from tabellion.measures.overview import MEASURE
from tabellion.wording import fold


class StepKind(Enum):
    """Which two figures a step compares."""

    GENERAL = "total général et totaux des conventions"
    CONVENTION = "total d'une convention et ses sous-totaux au récapitulatif"
    ABSENT = "convention absente du récapitulatif"
    TOWN = "sous-total du récapitulatif et sous-total de la convention"
    LINES = "sous-total de la convention et somme des lignes"
    DOUBLE = "ligne comptée dans deux conventions"


@dataclass(frozen=True)
class Step:
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

    index: Any
    convention: int
    town: str
    libelle: str
    cents: int
    kept: Any
    kept_convention: int


@dataclass(frozen=True)
class Walk:
    """From ``published`` through ``steps`` to ``recomputed`` (all lines), then through ``doubles`` to ``net``."""

    published: int
    steps: tuple[Step, ...]
    recomputed: int
    doubles: tuple[Step, ...]

    @property
    def net(self) -> int:
        """The recomputed total without what is counted twice."""
        return self.recomputed + sum(step.cents for step in self.doubles)


def walk(accounts: Accounts) -> Walk:
    """Every difference that is not zero, in the order of the document's own totals, from the grand one to the lines."""
    steps = [Step(StepKind.GENERAL, accounts.printed(RECAP, SCOPE_CONVENTION) - accounts.printed(RECAP, SCOPE_ALL))]
    for convention in accounts.conventions:
        if not accounts.in_recap(convention):
            steps.append(Step(StepKind.ABSENT, accounts.printed(DETAIL, SCOPE_TOWN, convention), convention))
            continue
        gap = accounts.printed(RECAP, SCOPE_TOWN, convention) - accounts.printed(RECAP, SCOPE_CONVENTION, convention)
        steps.append(Step(StepKind.CONVENTION, gap, convention))
        for town in accounts.towns:
            printed = accounts.printed(DETAIL, SCOPE_TOWN, convention, town)
            gap = printed - accounts.printed(RECAP, SCOPE_TOWN, convention, town)
            steps.append(Step(StepKind.TOWN, gap, convention, town))
    for convention, town in accounts.pairs:
        gap = accounts.of(convention, town) - accounts.printed(DETAIL, SCOPE_TOWN, convention, town)
        steps.append(Step(StepKind.LINES, gap, convention, town))
    doubles = [
        Step(
            StepKind.DOUBLE,
            -double_count.cents,
            double_count.convention,
            double_count.town,
            double_count.index,
            double_count.kept,
            double_count.kept_convention,
        )
        for double_count in double_counts(accounts)
    ]
    return Walk(
        published=accounts.printed(RECAP, SCOPE_ALL),
        steps=tuple(step for step in steps if step.cents),
        recomputed=accounts.of(),
        doubles=tuple(doubles),
    )


def double_counts(accounts: Accounts) -> list[Double]:
    """Lines that repeat another convention's line: same collectivité, same wording, same non-zero amount.

    Of such lines, the one kept is in a convention that the published recap counts, else in the first convention: the
    others are what the recomputed total counts twice. Repetitions inside one convention are another matter.
    """
    lines = accounts.overview.lines
    labels, conventions = lines.columns["libelle"], lines.columns["convention_id"]
    groups: dict[tuple[str, str, int], list[tuple[int, int, str]]] = {}
    for (year, town, cents), positions in lines.groups("exercice", "collectivite_id", MEASURE).items():
        if year != accounts.exercice or town is None or not cents or len(positions) < 2:
            continue
        for position in positions:
            if conventions[position] is not None and labels[position] is not None:
                line = (position, conventions[position], labels[position])
                groups.setdefault((town, fold(labels[position]), cents), []).append(line)
    doubles = []
    for (town, _, cents), members in groups.items():
        counted = min(members, key=lambda line: (not accounts.in_recap(line[1]), line[1]))
        seen = {counted[1]}
        for index, convention, libelle in members:
            if convention not in seen:
                seen.add(convention)
                doubles.append(Double(index, convention, town, libelle, cents, counted[0], counted[1]))
    return sorted(doubles, key=lambda double: double.convention)
