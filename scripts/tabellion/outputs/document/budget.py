"""The budget annex of the document: the figures of the annex in Excel, by convention, collectivité and funder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tabellion.measures import Sums
from tabellion.measures.annex import AnnexFigures, Funding, rate
from tabellion.outputs.document.cover import AMOUNT_HEADS, BUDGET_ANNEX, BUDGET_TITLE, money
from tabellion.outputs.document.model import Edition, amount_of
from tabellion.outputs.document.styles import (
    AMOUNT,
    BODY,
    BUDGET,
    CAPTION,
    HEAD,
    HEAD_AMOUNT,
    PILIER,
    TEXT,
    TOTAL,
    TOTAL_AMOUNT,
)
from tabellion.outputs.document.writer import Cell, Pen, Table, cell
from tabellion.schema.money import format_rate

#: The rates that an exercice may show: what is divided, by what, the header.
_RATES = (("montant_vote", "montant_prevu", "Voté / prévu"), ("montant_realise", "montant_vote", "Réalisé / voté"))
#: The shares of a table's width: whole, of an amount (tens of millions and their cents on one line), of a rate.
_WIDTH, _AMOUNT_WIDTH, _RATE_WIDTH = 167.0, 27.0, 13.0


def write_budget_annex(pen: Pen, edition: Edition) -> None:
    """Write the tables of the exercice; an extract has those of its conventions."""
    figures = AnnexFigures(edition.contract.tables, edition.exercice)
    printed = {each.number for each in edition.conventions}
    wanted = [each for each in figures.conventions if not edition.only or each in printed]
    pen.paragraph(PILIER, BUDGET_TITLE, bookmark=BUDGET_ANNEX, new_page=True, keep=True)
    credits_of = {key: sums for key, sums in figures.credits.items() if key[0] in wanted}
    if credits_of:
        _write_credits(pen, edition, figures, wanted, credits_of)
    else:
        pen.paragraph(BODY, f"Aucun crédit de droit commun pour l’exercice {edition.exercice}.")
    funding = {key: each for key, each in figures.funding.items() if key[0] in wanted}
    if funding:
        _write_funding(pen, figures, funding)


def _write_credits(
    pen: Pen,
    edition: Edition,
    figures: AnnexFigures,
    wanted: Sequence[int | None],
    found: dict[tuple[int | None, str | None], Sums],
) -> None:
    amounts = [each for each in AMOUNT_HEADS if figures.knows(each)] or list(AMOUNT_HEADS)[-1:]
    rates = [each for each in _RATES if each[0] in amounts and each[1] in amounts]
    total = sum(found.values(), Sums())

    def line(style: str, amount_style: str, words: Iterable[str], sums: Sums) -> tuple[Cell, ...]:
        parts = [rate(amount_of(sums, part), amount_of(sums, whole)) for part, whole, _ in rates]
        return (
            *(cell(style, each) for each in words),
            *(cell(amount_style, money(amount_of(sums, each))) for each in amounts),
            *(cell(amount_style, _percent(each)) for each in parts),
        )

    def table(title: str, heads: Sequence[str], shares: Sequence[float], lines: Iterable[tuple[Cell, ...]]) -> None:
        pen.paragraph(CAPTION, title, keep=True)
        figures_heads = [*(AMOUNT_HEADS[each] for each in amounts), *(words for *_, words in rates)]
        header = (*(cell(HEAD, each) for each in heads), *(cell(HEAD_AMOUNT, each) for each in figures_heads))
        room = (_WIDTH - _AMOUNT_WIDTH * len(amounts) - _RATE_WIDTH * len(rates)) / sum(shares)
        widths = (*(room * each for each in shares), *([_AMOUNT_WIDTH] * len(amounts)), *([_RATE_WIDTH] * len(rates)))
        description = f"{title} : {', '.join(figures_heads).lower()}."
        last = line(TOTAL, TOTAL_AMOUNT, ["Total", *("" for _ in heads[1:])], total)
        pen.table(Table(BUDGET, widths, title, description, header, last_row=True), [*lines, last])

    def added(place: int, key: int | str | None) -> Sums:
        return sum((sums for each, sums in found.items() if each[place] == key), Sums())

    year = edition.exercice
    names = {each: _convention(each, figures) for each in wanted}
    table(
        f"Crédits de droit commun {year} par convention", ["Convention"], [60.0],
        [line(TEXT, AMOUNT, [names[each]], added(0, each)) for each in wanted if any(key[0] == each for key in found)],
    )  # fmt: skip
    towns = [each for each in figures.towns if any(key[1] == each for key in found)]
    table(
        f"Crédits de droit commun {year} par collectivité", ["Collectivité"], [60.0],
        [line(TEXT, AMOUNT, [figures.towns[each]], added(1, each)) for each in towns],
    )  # fmt: skip
    table(
        f"Crédits de droit commun {year} par convention et collectivité", ["Convention", "Collectivité"], [36.0, 24.0],
        [
            line(TEXT, AMOUNT, [names[number], figures.towns[town]], found[number, town])
            for number in wanted for town in figures.towns if (number, town) in found
        ],
    )  # fmt: skip


def _write_funding(pen: Pen, figures: AnnexFigures, funding: dict[tuple[int | None, str | None], Funding]) -> None:
    title = "Financements des fiches, par convention et financeur"
    pen.paragraph(BODY, "Les financements n’ont pas d’exercice : ce sont ceux de tout le contrat.", keep=True)
    pen.paragraph(CAPTION, title, keep=True)
    heads = (cell(HEAD, "Convention"), cell(HEAD, "Financeur"))
    numbers = tuple(cell(HEAD_AMOUNT, each) for each in ("Financements", "Chiffrés", "Montant"))
    rows = [
        _funding_line(TEXT, AMOUNT, _convention(number, figures), figures.funders.get(funder, funder or ""), each)
        for number in figures.conventions
        for funder in figures.funders
        if (each := funding.get((number, funder))) is not None
    ]
    rows.append(_funding_line(TOTAL, TOTAL_AMOUNT, "Total", "", sum(funding.values(), Funding())))
    description = (
        "Un financeur d’une convention par ligne : combien de financements, combien de chiffrés, leur montant."
    )
    pen.table(
        Table(BUDGET, (42.0, 36.0, 22.0, 16.0, 24.0), title, description, (*heads, *numbers), last_row=True), rows
    )


def _funding_line(style: str, amount_style: str, convention: str, funder: str, each: Funding) -> tuple[Cell, ...]:
    counts = (str(each.financements), str(each.priced), money(each.montant))
    return (cell(style, convention), cell(style, funder), *(cell(amount_style, words) for words in counts))


def _convention(number: int | None, figures: AnnexFigures) -> str:
    title = figures.conventions[number]
    return title if number is None or title == f"Convention {number}" else f"{number} – {title}"


def _percent(share: float | None) -> str:
    """A share as a rate: ``97,3 %``; a dash where there is nothing to divide by."""
    return "–" if share is None else format_rate(100 * share)
