"""The figures of the report: totals by exercice and by convention, funders, progress of the fiches, with their bars.

Widths and positions of bars are percentages of the bar's room, as texts with a point: ready for SVG. ``series`` numbers
a colour.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tabellion.contract.book import Book
from tabellion.measures.overview import AMOUNTS, NOTHING_SAID, Overview, Sums
from tabellion.outputs.report.words import signed
from tabellion.outputs.templates import Values
from tabellion.schema.money import format_euros
from tabellion.wording import plural

_LABELS = ("Prévu", "Voté", "Réalisé")


def figures_of(contract: Book, exercice: int) -> Values:
    """The figures of a contract's tables, ``exercice`` being the one that people are asked about now.

    Years and their tables have the latest first; ``progress`` is that of all fiches, then by convention.
    """
    overview = contract.overview
    years = overview.exercices[::-1]
    largest = _largest(overview.of(year) for year in years)
    funders = overview.funders
    richest = max((funding.montant for funding in funders.values()), default=0)
    by_convention = [
        _progress(contract, exercice, number, f"{number}. {title}") for number, title in overview.conventions.items()
    ]
    return {
        "exercice": exercice,
        "has_lines": exercice in overview.exercices,
        "years": [_row(overview, str(year), year, None, largest) for year in years],
        "tables": [_year_table(overview, year) for year in years],
        "funders": [
            {
                "name": overview.funder_names[key],
                "count": funding.financements,
                "priced": funding.priced,
                "amount": format_euros(funding.montant),
                "width": _percent(funding.montant, richest),
            }
            for key, funding in funders.items()
        ],
        "funded": format_euros(sum(funding.montant for funding in funders.values())),
        "progress": _progress(contract, exercice, None, "Toutes les fiches"),
        "progress_by_convention": [progress for progress in by_convention if progress["parts"]],
    }


def _year_table(overview: Overview, year: int) -> Values:
    """The conventions of one exercice; ``before`` is the exercice that the differences are with."""
    before = overview.before(year)
    shown = [
        number
        for number in overview.conventions
        if overview.of(year, number).lines or (before is not None and overview.of(before, number).lines)
    ]
    most = _largest(overview.of(year, number) for number in shown)
    whole = sum(overview.of(year).of(amount) for amount in AMOUNTS)
    return {
        "exercice": year,
        "before": before,
        "rows": [_row(overview, f"{number}. {overview.conventions[number]}", year, number, most) for number in shown],
        "total": _row(overview, "Ensemble", year, None, max(whole, 1)),
    }


def _row(overview: Overview, name: str, year: int, convention: int | None, largest: int) -> Values:
    """The three amounts of an exercice or of a convention, each with its difference with the last exercice that has it.

    An amount that no line has is not told: blank, which is not zero.
    """
    sums, before = overview.of(year, convention), overview.before(year)
    past = overview.of(before, convention) if before is not None else Sums()
    bars: list[Values] = []
    for series, (label, amount) in enumerate(zip(_LABELS, AMOUNTS, strict=True), 1):
        cents, is_told = sums.of(amount), sums.knows(amount)
        gap = signed(cents - past.of(amount)) if is_told and past.knows(amount) else None
        bar = {"amount": format_euros(cents), "width": _percent(cents, largest), "is_told": is_told, "gap": gap}
        bars.append({"label": label, "series": series, **bar})
    return {"name": name, "lines": plural(sums.lines, "ligne"), "bars": bars}


def _largest(sums: Iterable[Sums]) -> int:
    return max((year.of(amount) for year in sums for amount in AMOUNTS), default=0)


def _progress(contract: Book, exercice: int, convention: int | None, name: str) -> Values:
    """How many fiches are at each stage, of the whole contract or of a convention."""
    counts = contract.overview.progress(exercice, convention)
    stages = contract.schemas["suivis"].by_name["avancement"].enum
    known = [*stages, *sorted(stage for stage in counts if stage not in stages and stage != NOTHING_SAID)]
    shares = [(stage, counts[stage], place) for place, stage in enumerate(known, 1)]
    parts = stacked([*shares, (NOTHING_SAID, counts[NOTHING_SAID], 0)])
    return {"name": name, "total": plural(sum(counts.values()), "fiche"), "parts": parts}


def stacked(counts: Sequence[tuple[str, int, int]]) -> list[Values]:
    """The parts of a stacked bar from (label, number, series, 0 for none); a part of nothing is left out."""
    whole, start = sum(number for _, number, _ in counts), 0
    parts: list[Values] = []
    for label, number, series in counts:
        if number:
            share = f"{(number * 100 + whole // 2) // whole}\u00a0%"
            place = {"start": _percent(start, whole), "width": _percent(number, whole)}
            parts.append({"label": label, "number": number, "share": share, **place, "series": series})
            start += number
    return parts


def _percent(part: int, whole: int) -> str:
    """``part`` of ``whole`` as a percentage with two decimals, between 0 and 100: ``33.33``."""
    hundredths = min(10_000, max(0, part * 10_000 // whole)) if whole > 0 else 0
    return f"{hundredths // 100}.{hundredths % 100:02d}"
