"""The annexes: from the published total to the recomputed one, each difference named; then the open findings."""

from __future__ import annotations

from collections.abc import Iterator

from tabellion.findings import CATALOGUE
from tabellion.measures import Step
from tabellion.outputs.document.cover import (
    FINDINGS_ANNEX,
    FINDINGS_TITLE,
    WALK_ANNEX,
    WALK_TITLE,
    convention_mark,
    money,
)
from tabellion.outputs.document.model import Edition
from tabellion.outputs.document.styles import (
    AMOUNT,
    BODY,
    BUDGET,
    CAPTION,
    HEAD,
    HEAD_AMOUNT,
    LINK,
    PART,
    PILIER,
    TEXT,
    TOTAL,
    TOTAL_AMOUNT,
)
from tabellion.outputs.document.writer import Cell, Pen, Run, Table, cell
from tabellion.outputs.master.layout import lay_out_master
from tabellion.outputs.master.rapprochement import describe
from tabellion.schema.money import signed_euros
from tabellion.wording import plural


def write_annex(pen: Pen, edition: Edition) -> None:
    """Write both annexes."""
    pen.paragraph(PILIER, WALK_TITLE, bookmark=WALK_ANNEX, new_page=True, keep=True)
    if not edition.is_census:
        pen.paragraph(BODY, f"Le document d’origine ne publie aucun total pour l’exercice {edition.exercice}.")
    elif edition.only:
        pen.paragraph(
            BODY,
            "Le chemin complet, du total général publié au total recalculé, est dans le document entier. "
            "Voici les écarts qui touchent cet extrait.",
        )
        _write_steps(pen, edition, "Écarts", [each for each in edition.walk.steps if edition.is_told(each)])
        _write_steps(
            pen, edition, "Lignes comptées deux fois", [each for each in edition.walk.doubles if edition.is_told(each)]
        )
    else:
        _write_walk(pen, edition)
    pen.paragraph(PILIER, FINDINGS_TITLE, bookmark=FINDINGS_ANNEX, new_page=True, keep=True)
    _write_findings(pen, edition)


def _write_walk(pen: Pen, edition: Edition) -> None:
    walk = edition.walk
    title = "Du total général publié au total recalculé"
    pen.paragraph(
        BODY,
        "Le total général publié et la somme des lignes diffèrent. Chaque écart est nommé ici, et leur "
        "somme fait exactement la différence."
        if walk.steps
        else "Le total général publié est exactement la somme des lignes.",
    )
    pen.paragraph(CAPTION, title, keep=True)
    header = (cell(HEAD, "Étape"), cell(HEAD_AMOUNT, "Montant"))
    lines = [
        ("Total général publié", money(walk.published)),
        (f"Écarts nommés ci-dessous ({len(walk.steps)})", signed_euros(sum(step.cents for step in walk.steps))),
        ("Total recalculé de toutes les lignes", money(walk.recomputed)),
        (
            f"Compté dans deux conventions ({plural(len(walk.doubles), 'ligne')})",
            signed_euros(sum(step.cents for step in walk.doubles)),
        ),
    ]
    rows = [(cell(TEXT, words), cell(AMOUNT, shown)) for words, shown in lines]
    rows.append((cell(TOTAL, "Total recalculé sans double compte"), cell(TOTAL_AMOUNT, money(walk.net))))
    pen.table(Table(BUDGET, (80.0, 26.0), title, "Cinq étapes et leurs montants.", header, last_row=True), rows)
    _write_steps(pen, edition, "Les écarts, un par un", walk.steps)
    _write_steps(pen, edition, "Ce qui est compté dans deux conventions", walk.doubles)


def _write_steps(pen: Pen, edition: Edition, title: str, steps: tuple[Step, ...] | list[Step]) -> None:
    pen.paragraph(PART, title, keep=True)
    if not steps:
        pen.paragraph(BODY, "Aucun.")
        return
    header = (cell(HEAD, "Constat"), cell(HEAD, "Convention"), cell(HEAD, "Collectivité"), cell(HEAD_AMOUNT, "Montant"))
    table = Table(
        BUDGET, (58.0, 18.0, 26.0, 20.0), title, "Un écart par ligne, avec sa convention et son montant.", header
    )
    pen.table(table, _step_rows(edition, steps))


def _step_rows(edition: Edition, steps: tuple[Step, ...] | list[Step]) -> Iterator[tuple[Cell, ...]]:
    layout = lay_out_master(edition.contract)
    printed = {each.number for each in edition.conventions}
    for step in steps:
        number = "" if step.convention is None else str(step.convention)
        is_there = step.convention in printed and step.convention is not None
        where = [Run(number, LINK, convention_mark(int(number)))] if is_there else number
        town = "" if step.town is None else edition.town_name(step.town)
        yield (
            cell(TEXT, describe(layout, step)),
            cell(TEXT, where),
            cell(TEXT, town),
            cell(AMOUNT, signed_euros(step.cents)),
        )


def _write_findings(pen: Pen, edition: Edition) -> None:
    found = edition.told
    if edition.only and len(found) < len(edition.findings):
        pen.paragraph(
            BODY,
            "Seuls sont repris ici les constats des feuilles de cet extrait ; ceux des autres feuilles (financements, "
            "rapprochement …) sont dans le document entier.",
        )
    if not found:
        pen.paragraph(BODY, "Aucun constat n’est ouvert.")
        return
    pen.paragraph(BODY, f"{plural(len(found), 'constat')} à la date de ce document. Aucun n’a été corrigé en silence.")
    header = (cell(HEAD, "Gravité"), cell(HEAD, "Où"), cell(HEAD, "Constat"))
    rows = (
        (
            cell(TEXT, each.gravite.label),
            cell(TEXT, " ".join(filter(None, [each.place.feuille, each.place.cellule]))),
            cell(TEXT, f"{CATALOGUE[each.code].titre}. {each.message}"),
        )
        for each in found
    )
    table = Table(
        BUDGET, (20.0, 28.0, 74.0), FINDINGS_TITLE, "Un constat par ligne : gravité, cellule, ce qui est dit.", header
    )
    pen.table(table, rows)
