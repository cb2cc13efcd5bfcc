"""Totals that people type among the lines of a table: known by their words, or by the sum that they compute."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tabellion.reading.tables import FoundTable
from tabellion.wording import fold

#: « Total », « Sous-total », « S/Total » … as words of their own: « Sommeil des enfants » is no sum.
_TOTAL_WORD = re.compile(r"(?:(?:sous|ss?)[ /.-]{1,2})?(?:total|totaux)\b|somme\b")
#: Where people explain an amount: « total de l'année » there makes no total of the row.
REMARK = "commentaire"
#: What adds up a part of a column, as files write it whatever the language: over addresses, or over a table's column.
_SUM = r"\b(?:SUM|SUBTOTAL|AGGREGATE)\((?:\d+,)*"
_ADDRESSES = re.compile(_SUM + r"\$?([A-Z]{1,3})\$?\d+:\$?([A-Z]{1,3})\$?\d+", re.IGNORECASE)
_COLUMN = re.compile(_SUM + r"[\w.]*\[([^\[\]#@]+)\]", re.IGNORECASE)


def is_total(text: str) -> bool:
    """Whether a text says that its row is a total."""
    return _TOTAL_WORD.match(fold(text)) is not None


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
