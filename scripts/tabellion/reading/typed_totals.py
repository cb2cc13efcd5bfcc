"""Totals that people type among the lines of a table: known by their words, or by the sum that they compute."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tabellion.reading.tables import FoundTable
from tabellion.wording import fold

#: Words that say « total » whatever follows them, and those that may stand before.
_TOTALS = frozenset(("total", "totaux", "totale", "totales", "tot", "soustotal", "sstotal", "stotal"))
_BEFORE = frozenset(
    (
        "sous",
        "ss",
        "s",
        "st",
        "grand",
        "super",
        "montant",
        "general",
        "soit",
        "au",
        "le",
        "les",
        "la",
        "l",
        "de",
        "du",
        "en",
    )
)
#: Words that say it alone, or among the others: « Ensemble », « Cumul général », not « Ensemble des actions ».
_SUMS = _TOTALS | {"somme", "sommes", "cumul", "cumuls", "ensemble", "recapitulatif", "recap", "addition", "st", "σ"}
_OTHERS = _BEFORE | {
    "generale", "generaux", "global", "globale", "annuel", "annuelle", "partiel", "partielle", "des", "lignes", "ligne",
    "convention", "conventions", "tableau", "budget", "montants", "credits", "exercice", "annee", "ci", "dessus",
}  # fmt: skip
#: Where people explain an amount: « total de l'année » there makes no total of the row.
REMARK = "commentaire"
#: What adds up a part of a column, as files write it whatever the language: over addresses, or over a table's column.
_SUM = r"\b(?:SUM|SUBTOTAL|AGGREGATE)\((?:\d+,)*"
_ADDRESSES = re.compile(_SUM + r"\$?([A-Z]{1,3})\$?\d+:\$?([A-Z]{1,3})\$?\d+", re.IGNORECASE)
_COLUMN = re.compile(_SUM + r"[\w.]*\[([^\[\]#@]+)\]", re.IGNORECASE)


def is_total(text: str) -> bool:
    """Whether a text says that its row is a total: « Total », « S/Total », « Grand total », « Cumul », « T O T A L » …

    As words of their own: « Sommeil des enfants » is no sum.
    """
    words = re.findall(r"[a-zσ]+", fold(text))
    if len(words) > 1 and all(len(word) == 1 for word in words):
        words = ["".join(words)]
    if not words:
        return False
    first = next((rank for rank, word in enumerate(words) if word not in _BEFORE), len(words))
    if words[0] == "somme" or (first < len(words) and words[first] in _TOTALS):
        return True
    return any(word in _SUMS for word in words) and all(word in _SUMS | _OTHERS for word in words)


def total_label(area: FoundTable, row: int, labels: Iterable[str]) -> str | None:
    """The column, of ``labels``, whose text says that a row without identifier is a total added by hand."""
    for label in labels:
        value = area.value(row, label)
        if isinstance(value, str) and is_total(value):
            return label
    return None


def adds_up(formula: str, letters: str, label: str) -> bool:
    """Whether a formula is a sum of the column of these letters, which has this header."""
    if (addresses := _ADDRESSES.search(formula)) is not None:
        return {addresses[1].upper(), addresses[2].upper()} == {letters}
    column = _COLUMN.search(formula)
    return column is not None and column[1] == label
