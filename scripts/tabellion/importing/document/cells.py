"""The funders' rows of a fiche: boxes, header words, and the texts that stand beside them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tabellion.importing.document.amounts import find_amounts, parse_amount
from tabellion.importing.document.funders import (
    DocumentFunder,
    TickBox,
    has_box,
    normalise_boxes,
    read_boxes,
    typed_cross,
)
from tabellion.importing.document.layout import FUNDERS, FicheLayout
from tabellion.importing.document.lines import clean, fold, key

_DISPOSITIF = re.compile(
    r"\s*dispositifs?\s*/\s*(?P<bop>bop\b)?\s*:?\s*|\s*dispositifs?\s+(?P<bop2>bop\b)\s*:?\s*|\s*dispositifs?\s*$"
)
_BOP = re.compile(r"\s*bop\b\s*:?\s*")
_MONTANT = re.compile(
    r"montants?\s*\(\s*€\s*\)(?P<fin>\s*a titre indicatif)?\s*:?\s*|montants? a titre indicatif\s*:?\s*"
)
_INDICATIF = re.compile(r"\s*a titre indicatif\s*:?\s*")

STATUSES = (
    ("à négocier", re.compile(r"\b(?:a negocier|en negociation|negociation)\b")),
    ("à calculer", re.compile(r"\ba calculer\b")),
    ("non déterminé", re.compile(r"\b(?:non determinee?s?|indeterminee?s?|a determiner|a definir)\b")),
)
"""The states of an amount, by the (folded) words that say them."""


@dataclass(frozen=True, slots=True)
class BoxText:
    """A text beside the boxes: its line, its column, the ``role`` its header gives it if one was glued to it."""

    ligne: int
    colonne: int
    texte: str
    role: str | None = None
    glued: bool = False


@dataclass
class FunderRow:
    """One line of the funders' part: its boxes, its texts, and the texts found before a first box."""

    ligne: int
    boxes: list[TickBox] = field(default_factory=list)
    values: list[BoxText] = field(default_factory=list)
    leading: list[tuple[int, BoxText]] = field(default_factory=list)
    box_column: int | None = None


def read_rows(block: FicheLayout) -> list[FunderRow]:
    """The funders' rows of a fiche, line by line, before anything is known of the funders' labels."""
    rows: dict[int, FunderRow] = {}
    bop = indicatif = False
    for fragment in block.texts(FUNDERS):
        row = rows.setdefault(fragment.ligne, FunderRow(fragment.ligne))
        text = normalise_boxes(fragment.texte)
        cross = typed_cross(text)
        if has_box(text) or (cross and cross.start() == 0):
            leading, boxes = read_boxes(fragment.ligne, fragment.colonne, text)
            if leading:
                row.leading.append((len(row.boxes), BoxText(fragment.ligne, fragment.colonne, clean(leading))))
            row.boxes.extend(boxes)
            if row.box_column is None:
                row.box_column = fragment.colonne
            continue
        values, bop, indicatif = _values(fragment.ligne, fragment.colonne, text, bop, indicatif)
        row.values.extend(values)
    return list(rows.values())


def _values(ligne: int, colonne: int, text: str, bop: bool, indicatif: bool) -> tuple[list[BoxText], bool, bool]:
    """A cell without box, its header words taken off; whether « BOP » and « à titre indicatif » are still awaited."""
    folded, values = fold(text), []
    montant = _MONTANT.search(folded)
    left, left_folded = (text, folded) if montant is None else (text[: montant.start()], folded[: montant.start()])
    dispositif = _DISPOSITIF.match(left_folded)
    tail = _BOP.match(left_folded) if bop else None
    rest = _INDICATIF.match(left_folded) if indicatif else None
    opened = dispositif or tail or rest
    value = clean(left[opened.end() :] if opened else left)
    if value:
        role = "montant" if rest else "dispositif" if opened or montant else None
        values.append(BoxText(ligne, colonne, value, role, glued=bool(opened or montant)))
    if dispositif:
        bop = not (dispositif["bop"] or dispositif["bop2"])
    elif tail:
        bop = False
    if rest:
        indicatif = False
    if montant is not None:
        indicatif = "indicatif" not in montant[0]
        value = clean(text[montant.end() :])
        if value:
            values.append(BoxText(ligne, colonne, value, "montant", glued=True))
    return values, bop, indicatif


def resolve(rows: list[FunderRow], funders: list[DocumentFunder]) -> list[FunderRow]:
    """The rows once the funders' labels are known: labels cut over two lines rejoined, crosses inside a label read,
    labels that lost their box found again, and the other texts put with the values.
    """
    labels = {key(funder.libelle) for funder in funders}
    resolved: list[FunderRow] = []
    for row in rows:
        last = resolved[-1].boxes[-1] if resolved and resolved[-1].boxes else None
        continues = False
        for position, value in reversed(row.leading):
            before = row.boxes[position - 1] if position else last
            if _completes(before, value.texte, labels):
                continues = continues or position == 0
            elif key(value.texte) in labels:
                row.boxes.insert(position, TickBox(row.ligne, value.colonne, value.texte, False, doubtful=True))
            else:
                row.values.insert(0, BoxText(value.ligne, value.colonne, value.texte, "dispositif", glued=True))
        row.leading = []
        row.values = [value for value in row.values if value.role or not _completes(last, value.texte, labels)]
        row.boxes = [piece for box in row.boxes for piece in _crosses(box, labels)]
        if continues:
            # The line break fell inside a label: the two lines are one row of the table.
            resolved[-1].boxes.extend(row.boxes)
            resolved[-1].values.extend(row.values)
        else:
            resolved.append(row)
    return resolved


def _completes(box: TickBox | None, text: str, labels: set[str]) -> bool:
    """Join ``text`` to the label of ``box`` when the two make a known label that the box alone is not."""
    if box is None or key(box.libelle) in labels:
        return False
    joined = f"{box.libelle} {text}"
    if key(joined) not in labels:
        return False
    box.source = f"{box.libelle} / {text}"
    box.libelle, box.rejoined = joined, True
    return True


def _crosses(box: TickBox, labels: set[str]) -> list[TickBox]:
    """A box whose label holds a typed X: the X ticks the label after it, when both are known; alone, it is doubtful."""
    cross = typed_cross(box.libelle)
    if cross is None or key(box.libelle) in labels:
        return [box]
    left, right = box.libelle[: cross.start()].strip(), box.libelle[cross.end() :].strip()
    if key(left) not in labels:
        return [box]
    if key(right) in labels:
        return [
            TickBox(box.ligne, box.colonne, left, box.ticked, box.typed),
            TickBox(box.ligne, box.colonne, right, True, typed=True, source=box.source),
        ]
    return [TickBox(box.ligne, box.colonne, left, box.ticked, box.typed, extra=right, doubtful=not right)]


def looks_like_amount(text: str) -> bool:
    """True for a text that is an amount, or opens with an amount or with one of its states."""
    if parse_amount(text) is not None:
        return True
    amounts = find_amounts(text[:60])
    folded = fold(text)
    return (bool(amounts) and amounts[0].start == 0) or any(
        (match := pattern.search(folded)) and match.start() == 0 for _, pattern in STATUSES
    )


def roles(row: FunderRow) -> tuple[str | None, str | None, bool]:
    """The row's dispositif and amount texts, and whether a header was glued to one of them.

    A glued header decides; then the place: the first text after the boxes is the dispositif, the last the amount.
    """
    dispositif = [value.texte for value in row.values if value.role == "dispositif"]
    montant = [value.texte for value in row.values if value.role == "montant"]
    free = [value for value in row.values if value.role is None]
    base = row.box_column if row.box_column is not None else 1
    if len(free) == 1:
        amount = looks_like_amount(free[0].texte) or free[0].colonne - base > 1 or bool(dispositif)
        if (amount and not montant) or dispositif:
            montant.append(free[0].texte)
        else:
            dispositif.append(free[0].texte)
    elif free:
        dispositif.extend(value.texte for value in free[:-1])
        montant.append(free[-1].texte)
    glued = any(value.glued for value in row.values)
    return " ".join(dispositif) or None, " ".join(montant) or None, glued
