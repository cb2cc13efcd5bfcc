"""One budget line, or one financement, under two identifiers: its money would be counted twice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tabellion.checks.inspection import Inspection
from tabellion.contract.book import Book
from tabellion.measures.financements import COUNTED, retained_of
from tabellion.schema import Key
from tabellion.wording import fold

_LINES = "lignes_budgetaires"
_PLACE = ("convention_id", "collectivite_id", "exercice")


@dataclass(frozen=True)
class SameLine:
    """Two lines that may be one: the positions of their rows, their keys, and whether their amounts are the same."""

    first: int
    second: int
    keys: tuple[Key, Key]
    same_amounts: bool


def same_lines(book: Book) -> list[SameLine]:
    """Every line that another one, before it, may already be, in the order of the rows.

    The pairs that staff said are two lines (``book.apart``) are left out. So are labels that stand for a missing one,
    as long as no amount is beside them.
    """
    return _same_lines(Inspection(book))


def check_same_lines(inspection: Inspection) -> None:
    """Say each pair at the second line, with the first: their money may be counted twice. It blocks until decided."""
    if not inspection.has(_LINES, "ligne_id", "libelle", *_PLACE):
        return
    unread = inspection.unread(_LINES, "libelle", *_PLACE)
    for pair in _same_lines(inspection):
        if pair.first in unread or pair.second in unread:
            continue
        key = inspection.value(_LINES, pair.first, "ligne_id")
        inspection.say(
            "ligne-en-double", _LINES, pair.second, "libelle",
            valeur=inspection.value(_LINES, pair.second, "libelle"), liees=[(_LINES, pair.first, "libelle")],
            autre=f"« {key} »" if key else "précédente", cellule=_words(inspection, pair.first),
            constat="mêmes montants" if pair.same_amounts else "mais d'autres montants",
        )  # fmt: skip


def _words(inspection: Inspection, position: int) -> str:
    """The cell of a line, in words; nothing where it stands in no cell."""
    place = inspection.locate(_LINES, position, "libelle")
    return f" ({place.feuille} {place.cellule})" if place.feuille and place.cellule else ""


def _same_lines(inspection: Inspection) -> list[SameLine]:
    amounts = [field.name for field in inspection.schemas[_LINES].fields if field.kind == "money"]
    labels, conventions = (inspection.column(_LINES, name) for name in ("libelle", "convention_id"))
    pairs = []
    by_year = inspection.overview.by_words.values()
    for positions in (alike for by_words in by_year for by_town in by_words.values() for alike in by_town.values()):
        if len(positions) < 2 or len({conventions[position] for position in positions}) == len(positions):
            continue
        placeholders = inspection.placeholders(labels[position] for position in positions)
        firsts: dict[int, int] = {}
        for position in positions:
            if conventions[position] is None:
                continue
            if labels[position] in placeholders and set(_values(inspection, position, amounts)) <= {None}:
                continue
            first = firsts.setdefault(conventions[position], position)
            if first == position:
                continue
            keys = (_key(inspection, first), _key(inspection, position))
            if frozenset(keys) not in inspection.apart:
                same = _values(inspection, first, amounts) == _values(inspection, position, amounts)
                pairs.append(SameLine(first, position, keys, same))
    return sorted(pairs, key=lambda pair: pair.second)


def _key(inspection: Inspection, position: int) -> Key:
    return _values(inspection, position, inspection.schemas[_LINES].primary_key)


def _values(inspection: Inspection, position: int, names: Iterable[str]) -> Key:
    return tuple(inspection.value(_LINES, position, name) for name in names)


_FINANCEMENTS = "financements"
_SAME = ("fiche_id", "financeur_id", "dispositif")


def check_financements(inspection: Inspection) -> None:
    """Say each financement that repeats one before it: in one exercice, or both counted in the current one."""
    if not inspection.has(_FINANCEMENTS, "financement_id", *_SAME):
        return
    rows = inspection.tables[_FINANCEMENTS].rows
    counted = [COUNTED.holds(word) for word in retained_of(rows, inspection.settings.exercice_courant)]
    unread = inspection.unread(_FINANCEMENTS, *_SAME)
    before: dict[tuple[object, ...], int] = {}
    for position, row in enumerate(rows):
        if position in unread or row["fiche_id"] is None or row["financeur_id"] is None:
            continue
        alike = (row["fiche_id"], row["financeur_id"], fold(row["dispositif"] or ""))
        keys = [(*alike, "exercice", row.get("exercice")), *([(*alike, "compté")] if counted[position] else ())]
        firsts = [before.setdefault(key, position) for key in keys]
        if min(firsts) != position:
            _say(inspection, min(firsts), position)


def _say(inspection: Inspection, first: int, position: int) -> None:
    rows = inspection.tables[_FINANCEMENTS].rows
    year = rows[position].get("exercice")
    inspection.say(
        "financement-en-double", _FINANCEMENTS, position, "financeur_id",
        valeur=rows[position]["financement_id"], liees=[(_FINANCEMENTS, first, "financeur_id")],
        autre=rows[first]["financement_id"], exercice="sans exercice" if year is None else f"exercice {year}",
    )  # fmt: skip
