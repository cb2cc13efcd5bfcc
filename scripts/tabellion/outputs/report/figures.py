"""The figures of the report: totals by exercice and by convention, funders, progress of the fiches, with their bars.

Widths and positions of bars are percentages of the bar's room, as texts with a point: ready for SVG.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tabellion.contract.book import Book
from tabellion.measures.overview import AMOUNTS, NOTHING_SAID, Overview, Sums
from tabellion.outputs.report.words import signed
from tabellion.schema.money import format_euros
from tabellion.wording import plural

_LABELS = ("Prévu", "Voté", "Réalisé")


@dataclass(frozen=True)
class Bar:
    """One amount: ``series`` numbers its colour, ``gap`` is its difference with the last exercice that has it.

    ``is_told`` is false where no line has the amount: blank, which is not zero.
    """

    label: str
    series: int
    amount: str
    width: str
    is_told: bool
    gap: str | None = None


@dataclass(frozen=True)
class Row:
    """The three amounts of an exercice or of a convention, under its name."""

    name: str
    lines: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class YearTable:
    """The conventions of one exercice; ``before`` is the exercice that the differences are with."""

    exercice: int
    before: int | None
    rows: tuple[Row, ...]
    total: Row


@dataclass(frozen=True)
class Funder:
    """One funder: how many financements, how many with an amount, and their sum."""

    name: str
    count: int
    priced: int
    amount: str
    width: str


@dataclass(frozen=True)
class BarPart:
    """One part of a stacked bar: ``start`` and ``width`` are percentages, ``series`` numbers its colour (0: none)."""

    label: str
    number: int
    share: str
    start: str
    width: str
    series: int


@dataclass(frozen=True)
class FichesProgress:
    """How many fiches are at each stage, of the whole contract or of a convention."""

    name: str
    total: str
    parts: tuple[BarPart, ...]


@dataclass(frozen=True)
class Figures:
    """All figures: ``years`` the latest first, ``tables`` likewise; ``progress`` by exercice, then by convention."""

    exercice: int
    has_lines: bool
    years: tuple[Row, ...]
    tables: tuple[YearTable, ...]
    funders: tuple[Funder, ...]
    funded: str
    progress: FichesProgress
    progress_by_convention: tuple[FichesProgress, ...]


def percent(part: int, whole: int) -> str:
    """``part`` of ``whole`` as a percentage with two decimals, between 0 and 100: ``33.33``."""
    hundredths = min(10_000, max(0, part * 10_000 // whole)) if whole > 0 else 0
    return f"{hundredths // 100}.{hundredths % 100:02d}"


def stacked(counts: Sequence[tuple[str, int, int]]) -> tuple[BarPart, ...]:
    """The parts of a stacked bar from (label, number, series); a part of nothing is left out."""
    whole, parts, start = sum(number for _, number, _ in counts), list[BarPart](), 0
    for label, number, series in counts:
        if number:
            share = f"{(number * 100 + whole // 2) // whole}\u00a0%"
            parts.append(BarPart(label, number, share, percent(start, whole), percent(number, whole), series))
            start += number
    return tuple(parts)


def _row(overview: Overview, name: str, year: int, convention: int | None, largest: int, before: int | None) -> Row:
    sums = overview.of(year, convention)
    past = overview.of(before, convention) if before is not None else Sums()
    bars = []
    for series, (label, amount) in enumerate(zip(_LABELS, AMOUNTS, strict=True), 1):
        cents, is_told = sums.of(amount), sums.knows(amount)
        gap = signed(cents - past.of(amount)) if is_told and past.knows(amount) else None
        bars.append(Bar(label, series, format_euros(cents), percent(cents, largest), is_told=is_told, gap=gap))
    return Row(name, plural(sums.lines, "ligne"), tuple(bars))


def _largest(sums: Iterable[Sums]) -> int:
    return max((year.of(amount) for year in sums for amount in AMOUNTS), default=0)


def figures_of(contract: Book, exercice: int) -> Figures:
    """The figures of a contract's tables, ``exercice`` being the one that people are asked about now."""
    overview = contract.overview
    years = overview.exercices[::-1]
    largest = _largest(overview.of(year) for year in years)
    tables = []
    for year in years:
        before = overview.before(year)
        shown = [
            number for number in overview.conventions
            if overview.of(year, number).lines or (before is not None and overview.of(before, number).lines)
        ]  # fmt: skip
        most = _largest(overview.of(year, number) for number in shown)
        rows = tuple(
            _row(overview, f"{number}. {overview.conventions[number]}", year, number, most, before) for number in shown
        )
        whole = sum(overview.of(year).of(amount) for amount in AMOUNTS)
        tables.append(YearTable(year, before, rows, _row(overview, "Ensemble", year, None, max(whole, 1), before)))
    funders = overview.funders
    richest = max((funding.montant for funding in funders.values()), default=0)
    return Figures(
        exercice=exercice,
        has_lines=exercice in overview.exercices,
        years=tuple(_row(overview, str(year), year, None, largest, overview.before(year)) for year in years),
        tables=tuple(tables),
        funders=tuple(
            Funder(
                overview.funder_names[key],
                funding.financements,
                funding.priced,
                format_euros(funding.montant),
                percent(funding.montant, richest),
            )
            for key, funding in funders.items()
        ),
        funded=format_euros(sum(funding.montant for funding in funders.values())),
        progress=_progress(contract, overview, exercice, None, "Toutes les fiches"),
        progress_by_convention=tuple(
            progress
            for number, title in overview.conventions.items()
            if (progress := _progress(contract, overview, exercice, number, f"{number}. {title}")).parts
        ),
    )


def _progress(contract: Book, overview: Overview, exercice: int, convention: int | None, name: str) -> FichesProgress:
    counts = overview.progress(exercice, convention)
    stages = contract.schemas["suivis"].by_name["avancement"].enum
    known = [*stages, *sorted(stage for stage in counts if stage not in stages and stage != NOTHING_SAID)]
    shares = [(stage, counts[stage], place) for place, stage in enumerate(known, 1)]
    parts = stacked([*shares, (NOTHING_SAID, counts[NOTHING_SAID], 0)])
    return FichesProgress(name, plural(sum(counts.values()), "fiche"), parts)
