"""The plan de financement of a fiche in the document's exercice: charges, produits and where each sum stands."""

from __future__ import annotations

from collections.abc import Iterator

from tabellion.measures.funding import FundingPlan, is_voluntary, progress, retained
from tabellion.outputs.document.cover import money
from tabellion.outputs.document.model import Edition, Row
from tabellion.outputs.document.styles import (
    AMOUNT,
    CAPTION,
    FICHE,
    HEAD,
    HEAD_AMOUNT,
    SUBTOTAL,
    SUBTOTAL_AMOUNT,
    TEXT,
    TOTAL,
    TOTAL_AMOUNT,
)
from tabellion.outputs.document.writer import Cell, Pen, Table, cell
from tabellion.schema.money import format_rate, signed_euros

_ASKED, _GRANTED, _PAID = "montant_demande", "montant_accorde", "montant_verse"
_SHARES = (42.0, 20.0, 20.0, 20.0, 20.0, 16.0)


def write_plan(pen: Pen, edition: Edition, fiche: str) -> None:
    """Write the plan of a fiche, where it has one in the exercice."""
    plan = edition.contract.plans.get((fiche, edition.exercice))
    if plan is None:
        return
    title = f"Plan de financement de la fiche {fiche}, exercice {edition.exercice}"
    pen.paragraph(CAPTION, f"Plan de financement, exercice {edition.exercice}", keep=True)
    words = ("Retenu", "Demandé", "Accordé", "Versé")
    header = (cell(HEAD, "Charges et produits"), *(cell(HEAD_AMOUNT, each) for each in words), cell(HEAD, "État"))
    description = "Les charges par poste, les produits par financeur, puis l’équilibre et le cofinancement."
    table = Table(FICHE, _SHARES, title, description, header, last_row=True)
    pen.table(table, _rows(edition, plan, *edition.plan_rows(fiche)), keep_rows=True)


def _rows(edition: Edition, plan: FundingPlan, charges: list[Row], produits: list[Row]) -> Iterator[tuple[Cell, ...]]:
    """An amount is « retenu » as it counts in the plan: what was accordé once it is known, else demandé."""
    yield _sums("Charges", plan.charges)
    yield from (_charge(each) for each in charges if not is_voluntary(each["poste"]))
    yield _sums("Produits", plan.produits, plan.asked, plan.granted, plan.paid)
    yield from (_produit(edition, each) for each in produits if not is_voluntary(each["compte"]))
    given = [each for each in charges if is_voluntary(each["poste"])]
    received = [each for each in produits if is_voluntary(each["compte"])]
    if given or received:
        yield (cell(SUBTOTAL, "Contributions volontaires"), *(cell(SUBTOTAL) for _ in _SHARES[1:]))
        yield from map(_charge, given)
        yield from (_produit(edition, each) for each in received)
        if plan.voluntary_gap:
            yield _last("Écart des contributions", signed_euros(plan.voluntary_gap))
    yield _last("Produits moins charges", signed_euros(plan.gap))
    rate = "–" if plan.rate is None else format_rate(plan.rate)
    yield _last("Cofinancement", rate)


def _charge(row: Row) -> tuple[Cell, ...]:
    words = filter(None, [row["poste"], row["commentaire"]])
    return (cell(TEXT, *words), cell(AMOUNT, money(row["montant"])), *(cell(TEXT) for _ in _SHARES[2:]))


def _produit(edition: Edition, row: Row) -> tuple[Cell, ...]:
    funder = row["financeur_id"]
    name = "" if funder is None else edition.funder_names.get(funder, funder)
    words = filter(None, [" – ".join(filter(None, [row["compte"], name])), row["commentaire"]])
    amounts = (retained(row), *(row[each] for each in (_ASKED, _GRANTED, _PAID)))
    return (cell(TEXT, *words), *(cell(AMOUNT, money(each)) for each in amounts), cell(TEXT, progress(row)))


def _sums(words: str, *sums: int) -> tuple[Cell, ...]:
    shown = [*map(money, sums), *("" for _ in _SHARES[1 + len(sums) :])]
    return (cell(SUBTOTAL, words), *(cell(SUBTOTAL_AMOUNT, each) for each in shown))


def _last(words: str, shown: str) -> tuple[Cell, ...]:
    return (cell(TOTAL, words), cell(TOTAL_AMOUNT, shown), *(cell(TOTAL_AMOUNT) for _ in _SHARES[2:]))
