"""What the template can name of the annexes: the walk between the two totals, the open findings, the budget."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tabellion.contract.workspace import ADDRESS
from tabellion.findings import CATALOGUE, Finding
from tabellion.measures import AMOUNT_WORDS, AMOUNTS, Sums, WalkStep
from tabellion.measures.overview import AnnexFigures, Funding, rate
from tabellion.measures.splits import splits_of
from tabellion.outputs import Values
from tabellion.outputs.document.chart import CHART
from tabellion.outputs.document.model import ANNEXES, DocumentModel, bookmark_name, money
from tabellion.outputs.master.layout import MasterLayout, lay_out_master
from tabellion.outputs.master.reconciliation import NOTHING_PUBLISHED, describe
from tabellion.schema.money import UNKNOWN

#: The rates that an exercice may show: what is divided, by what, the header.
_RATES = (("montant_vote", "montant_prevu", "Voté / prévu"), ("montant_realise", "montant_vote", "Réalisé / voté"))


def amount_heads(amounts: Sequence[str]) -> list[str]:
    """The headers of amounts of budget lines: « Prévu »."""
    return [AMOUNT_WORDS[name].capitalize() for name in amounts]


def annex_values(model: DocumentModel) -> Values:
    """The three annexes; an extract has what speaks of its conventions."""
    findings = model.printed_findings
    return {
        "annexes": {name: name in model.annexes for name in ANNEXES},
        "rapprochement": _reconciliation(model),
        "constats": [_finding(finding) for finding in findings],
        "constats_ailleurs": bool(model.only) and len(findings) < len(model.findings),
        "budget": _budget(model),
    }


def _reconciliation(model: DocumentModel) -> Values:
    walk, layout = model.contract.walk, lay_out_master(model.contract)
    printed = {convention.number for convention in model.conventions}
    return {
        "publie": NOTHING_PUBLISHED if walk.published is None else walk.published,
        "recalcule": UNKNOWN if walk.recomputed is None else walk.recomputed,
        "net": UNKNOWN if walk.net is None else walk.net,
        "total_ecarts": sum(step.cents for step in walk.steps),
        "total_doubles": sum(step.cents for step in walk.doubles),
        "ecarts": [_step(model, layout, step, printed) for step in walk.steps if model.is_printed(step)],
        "doubles": [_step(model, layout, step, printed) for step in walk.doubles if model.is_printed(step)],
    }


def _step(model: DocumentModel, layout: MasterLayout, step: WalkStep, printed: set[int]) -> Values:
    number = step.convention
    return {
        "mots": describe(layout, step),
        "convention": "" if number is None else str(number),
        "signet": "" if number not in printed or number is None else bookmark_name("convention", number),
        "collectivite": "" if step.town is None else model.town_name(step.town),
        "montant": step.cents,
    }


def _finding(finding: Finding) -> Values:
    return {
        "gravite": finding.gravite.label,
        "lieu": finding.place.feuille or "",
        "titre": CATALOGUE[finding.code].titre,
        "message": ADDRESS.sub("(adresse de courriel)", finding.message),  # in what is published there is none
    }


def _budget(model: DocumentModel) -> Values:
    """The figures of the exercice, as in the annex in Excel, by convention, collectivité and funder."""
    figures = AnnexFigures(model.contract.tables, model.exercice, model.contract.settings.exercice_finance)
    printed = {convention.number for convention in model.conventions}
    wanted = [number for number in figures.conventions if not model.only or number in printed]
    funding = {key: sums for key, sums in figures.funding.items() if key[0] in wanted}
    return {
        "graphique": CHART if budget_bars(model) else "",
        "tableaux": _credits(model.exercice, figures, wanted),
        "financements": [
            {"convention": _convention(number, figures), "financeur": name, **_funding(funding[number, funder])}
            for number in figures.conventions
            for funder, name in figures.funders.items()
            if (number, funder) in funding
        ],
        "total_financements": _funding(sum(funding.values(), Funding())),
        "exercice_finance": figures.funded,
    }


def budget_bars(model: DocumentModel) -> list[tuple[str, int]]:
    """The name and the cents of each convention printed, of the amount that the document adds up; unknown is none."""
    totals = [(convention, model.total(convention.number).total(model.amounts[-1])) for convention in model.conventions]
    return [(f"{convention.number} – {convention.short}", cents) for convention, cents in totals if cents is not None]


def _credits(exercice: int, figures: AnnexFigures, wanted: list[int | None]) -> list[Values]:
    """The three tables of crédits de droit commun; none where the exercice has no line."""
    credits_of = {key: sums for key, sums in figures.credits.items() if key[0] in wanted}
    if not credits_of:
        return []
    amounts = [name for name in AMOUNTS if figures.knows(name)] or list(AMOUNTS[-1:])
    rates = [rate for rate in _RATES if rate[0] in amounts and rate[1] in amounts]
    names = {number: _convention(number, figures) for number in wanted}

    def row(sums: Iterable[Sums], *words: str) -> Values:
        added = sum(sums, Sums())
        return {
            "noms": words,
            "montants": [money(added.total(name)) for name in amounts],
            "taux": [_hundredths(rate(added.total(part), added.total(whole))) for part, whole, _ in rates],
        }

    def table(by: str, heads: list[str], rows: list[Values]) -> Values:
        return {
            "titre": f"Crédits de droit commun {exercice} par {by}",
            "entetes": heads,
            "colonnes": amount_heads(amounts),
            "taux": [words for *_, words in rates],
            "lignes": rows,
            "total": row(credits_of.values(), "Total", *("" for _ in heads[1:])),
        }

    def rows(part: int, names: Mapping[int | None, str] | Mapping[str | None, str]) -> list[Values]:
        """A row for each name of one part of the keys that has credits."""
        of_names = [
            (name, [sums for where, sums in credits_of.items() if where[part] == key]) for key, name in names.items()
        ]
        return [row(all_sums, name) for name, all_sums in of_names if all_sums]

    by_both = [
        row([credits_of[number, town]], names[number], name)
        for number in wanted
        for town, name in figures.towns.items()
        if (number, town) in credits_of
    ]
    town = figures.overview.town
    tables = [
        table("convention", ["Convention"], rows(0, names)),
        table(town.lower(), [town], rows(1, figures.towns)),
        table(f"convention et {town.lower()}", ["Convention", town], by_both),
    ]
    for split in splits_of(figures.tables):
        parts = split.sums(figures.overview, exercice, wanted)
        words = f"{split.words} ({split.note})" if split.note else split.words
        tables.append(table(words, [split.field.title], [row([sums], label) for label, sums in parts.items()]))
    return tables


def _funding(funding: Funding) -> Values:
    return {"nombre": funding.financements, "chiffres": funding.priced, "montant": funding.total}


def _convention(number: int | None, figures: AnnexFigures) -> str:
    title = figures.conventions[number]
    return title if number is None or title == f"Convention {number}" else f"{number} – {title}"


def _hundredths(share: float | None) -> float | None:
    return None if share is None else 100 * share
