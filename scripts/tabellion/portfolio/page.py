"""``ensemble.html``: the board of all contracts on one page that opens anywhere, without network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from tabellion.findings import Finding
from tabellion.layout.theme import Theme
from tabellion.measures.measure import Criterion, Measure
from tabellion.outputs import Values
from tabellion.outputs.report import render_page
from tabellion.outputs.report.words import percent
from tabellion.portfolio.board import BoardContract
from tabellion.portfolio.figures import (
    CONVENTION,
    EXERCICE,
    FUNDER,
    MONEY,
    PILIER,
    REGION,
    WHO,
    PortfolioFigures,
    distinct,
)
from tabellion.portfolio.state import UNTOLD
from tabellion.portfolio.workbook import TITLE, last_state_moment, report_path, state_words
from tabellion.schema.money import format_euros
from tabellion.schema.tables import Row
from tabellion.wording import plural

_AMOUNTS = tuple(label.removesuffix(" (€)") for label in MONEY)
#: Findings of one kind that the page names; the workbook beside it has all.
_LISTED = 60


def render_portfolio(figures: PortfolioFigures, theme: Theme, template: Path, target: Path) -> bytes:
    """The page as UTF-8, whose links suppose that it stands in ``target``; the same contracts give the same bytes.

    Raises as :func:`tabellion.outputs.report.render_page`.
    """
    return render_page(_page(figures, theme, target), template)


def _page(figures: PortfolioFigures, theme: Theme, target: Path) -> Values:
    """Everything that the template may show."""
    portfolio = figures.portfolio
    year = figures.exercice
    states = [contract.record.state for contract in portfolio.counted if contract.record is not None]
    blocked = sum(bool(state.bloquants) for state in states)
    late = len(portfolio.contracts) - sum(state_words(contract)[1] == "juste" for contract in portfolio.contracts)
    return {
        "title": portfolio.titre or TITLE,
        "count": plural(len(portfolio.contracts), "contrat"),
        "made": last_state_moment(portfolio),
        "exercice": year,
        "is_blocked": bool(blocked or late),
        "verdict": _verdict(blocked, late),
        "colours": dict(theme.colours),
        "series": theme.series,
        "facts": [
            {"label": "Retours reçus", "value": sum(state.recus for state in states),
             "note": f"sur {plural(sum(state.attendus for state in states), 'attendu')}"},
            {"label": "En retard", "value": sum(state.en_retard for state in states), "note": "partenaires"},
            {"label": "À décider", "value": sum(state.a_decider for state in states), "note": "questions ouvertes"},
            {"label": "Constats bloquants", "value": sum(state.bloquants for state in states),
             "note": f"dans {plural(blocked, 'contrat')}"},
        ],
        "contracts": [_contract(contract, target) for contract in portfolio.contracts],
        "has_regions": figures.has_regions,
        "tables": _tables(figures, year) if year is not None else [],
        "said": [_finding(item) for item in portfolio.findings if item.code != "contrat-a-corriger"][:_LISTED],
        "compared": [_finding(item) for item in portfolio.comparisons[:_LISTED]],
        "compared_rest": max(0, len(portfolio.comparisons) - _LISTED),
        "workbook": "ensemble.xlsx",
    }  # fmt: skip


def _verdict(blocked: int, late: int) -> str:
    if not blocked and not late:
        return "Tous les contrats sont à jour, rien ne bloque."
    parts = [f"{plural(blocked, 'contrat')} où quelque chose bloque"] if blocked else []
    parts += [f"{plural(late, 'contrat')} pas à jour"] if late else []
    return ", ".join(parts) + "."


def _contract(contract: BoardContract, target: Path) -> Values:
    name, record = contract.name, contract.record
    words, tone = state_words(contract)
    state = record.state if record is not None and contract.counts else None
    report = report_path(contract, target)
    return {
        "name": name.nom,
        "region": " · ".join(filter(None, (name.region, name.departement))),
        "sign": words.partition(" ")[0],
        "word": words.partition(" ")[2],
        "tone": tone,
        "exercice": state.exercice if state is not None else None,
        "returns": f"{state.recus} / {state.attendus}" if state is not None else "",
        "late": state.en_retard if state is not None else 0,
        "blocking": state.bloquants if state is not None else 0,
        "blockers": [blocker.message for blocker in state.blockers[:3]] if state is not None else [],
        "failures": [failure.message for failure in contract.failures],
        "made": f"{state.made:%d/%m/%Y %H:%M}" if state is not None and state.made is not None else "",
        "href": quote(report, safe="/") if report else "",
        "folder": contract.source.shown,
    }


def _tables(figures: PortfolioFigures, year: int) -> list[Values]:
    """The money: by exercice; of the exercice shown, by region, pilier, convention, kind of who spends and funds."""
    years = [str(exercice) for exercice in figures.exercices]
    by_year = [figures.credit_sums(_is(EXERCICE, exercice)) for exercice in figures.exercices]
    of_year = _is(EXERCICE, year)
    tables = [_table("Crédits par exercice", "Les exercices ne s'additionnent pas.", "Exercice", years, by_year)]
    for heading, label in (
        ("par région", REGION), ("par pilier ou enjeu", PILIER), ("par convention", CONVENTION),
        ("par type de collectivité ou de structure", WHO),
    ):  # fmt: skip
        names = distinct(_shown(figures.credits, year), label)
        if names and not (label == REGION and names == [UNTOLD]):
            sums = [figures.credit_sums(of_year, _is(label, value)) for value in names]
            tables.append(_table(f"Crédits {year}, {heading}", "", label, names, sums, figures.credit_sums(of_year)))
    funders = distinct(_shown(figures.fundings, year), FUNDER)
    if funders:
        sums = [figures.funding_sums(of_year, _is(FUNDER, funder))[-1:] for funder in funders]
        words = "Chacun avec son dernier montant connu."
        heading = f"Financements {year}, par type de financeur"
        tables.append(
            _table(heading, words, FUNDER, funders, sums, figures.funding_sums(of_year)[-1:], ("Montant",), first=0)
        )
    return tables


def _is(label: str, value: object) -> Criterion:
    return Criterion(label, value, "")


def _shown(rows: Sequence[Row], year: int) -> list[Row]:
    return [row for row in rows if row[EXERCICE] == year]


def _table(
    heading: str,
    note: str,
    column: str,
    names: Sequence[str],
    sums: Sequence[Sequence[Measure]],
    total: Sequence[Measure] | None = None,
    labels: Sequence[str] = _AMOUNTS,
    *,
    first: int = 1,
) -> Values:
    """A table of amounts with their bars; ``first`` is the place of the first amount among the measures of a row."""
    amounts = [[measure.value for measure in row[first : first + len(labels)]] for row in sums]
    largest = max((cents for row in amounts for cents in row if cents != ""), default=0)

    def bars(row: Sequence[int | str]) -> list[Values]:
        return [
            {
                "label": label, "series": series, "is_told": cents != "",
                "amount": format_euros(int(cents)) if cents != "" else "",
                "width": percent(int(cents), largest) if cents != "" else "0.00",
            }
            for series, (label, cents) in enumerate(zip(labels, row, strict=True), 1)
        ]  # fmt: skip

    rows = [{"name": name, "bars": bars(row)} for name, row in zip(names, amounts, strict=True)]
    whole = None if total is None else bars([measure.value for measure in total[first : first + len(labels)]])
    return {"heading": heading, "note": note, "column": column, "labels": labels, "rows": rows, "total": whole}


def _finding(item: Finding) -> Values:
    return {
        "message": item.message, "remedy": item.suggestion, "where": str(item.place), "grade": item.grade,
        "tone": item.gravite.label, "others": [str(place) for place in item.liees[:8]],
    }  # fmt: skip
