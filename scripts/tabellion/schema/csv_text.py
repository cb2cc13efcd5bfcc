"""The values of a register as the texts of its CSV: written plainly, read also as a French spreadsheet saves them.

A text that a spreadsheet would run is written behind an apostrophe, and read without it.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from tabellion.schema.days import parse_day
from tabellion.schema.money import parse_amount, plain_euros
from tabellion.schema.numbers import is_scientific
from tabellion.schema.table import FALSE_WORD, TRUE_WORD, Field, Kind
from tabellion.schema.typed.numbers import whole_of

#: How texts begin that a spreadsheet takes for formulas: their signs, the full-width twins of these, blanks before one.
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_SHIELD = "'"
_PERCENT = re.compile(r"\s?%$")
#: What to write in place of a value that cannot be read. A CSV has no cells to format, and points between digits.
_REMEDIES: dict[Kind, str] = {
    "money": "Écrivez le montant en chiffres, avec un point devant les centimes, comme 1234.56, ou laissez-le vide.",
    "integer": "Écrivez un nombre entier, sans espace ni virgule, comme 2016, ou laissez-le vide.",
    "percent": "Écrivez un nombre entier de 0 à 100, sans signe, comme 40, ou laissez-le vide.",
    "date": "Écrivez l'année, le mois et le jour, comme 2016-12-31, ou laissez la date vide.",
    "boolean": f"Écrivez {TRUE_WORD} ou {FALSE_WORD}, ou laissez la valeur vide.",
}


def shielded(text: str) -> str:
    """The text as a CSV that people may open holds it; :func:`unshielded` gives it back, exactly."""
    return _SHIELD + text if text.lstrip(_SHIELD).startswith(DANGEROUS) else text


def unshielded(text: str) -> str:
    """The text that :func:`shielded` was given."""
    is_shielded = text.startswith(_SHIELD) and text.lstrip(_SHIELD).startswith(DANGEROUS)
    return text[len(_SHIELD) :] if is_shielded else text


def write_csv_text(field: Field, value: Any) -> str:
    """A value as the register writes it: amounts with a point and no separator, days as ISO 8601 does."""
    if value is None:
        return ""
    if field.kind == "money":
        return plain_euros(value)
    if field.kind == "boolean":
        return TRUE_WORD if value else FALSE_WORD
    return shielded(value) if isinstance(value, str) else str(value)


def parse_csv_text(field: Field, text: str) -> str | float | date:
    """One text of a register's CSV as the plain value a cell would hold: numbers as numbers, the rest as it is.

    Where it is not as :func:`write_csv_text` writes it, but can be no other value (``1234,56``, ``2013.0``,
    ``31/12/2016``), it is that one. Anything else stays text, and the casting says what is wrong with it.
    """
    if field.kind == "string":
        return unshielded(text)
    if field.kind in ("integer", "percent"):
        whole = whole_of(_PERCENT.sub("", text.strip()) if field.kind == "percent" else text.strip())
        return text if whole is None else whole
    if field.kind == "money":
        cents = parse_amount(text).cents
        if re.fullmatch(r"-?\d{1,13}(\.\d{1,2})?", text):
            return float(text)
        return text if cents is None or abs(cents) >= _LARGEST_CENTS else cents / 100
    if field.kind == "date":
        day = parse_day(text.strip())
        return text if day is None else day
    return text


_LARGEST_CENTS = 10**15
_AS_WRITTEN: dict[Kind, re.Pattern[str]] = {
    "money": re.compile(r"-?\d+(\.\d{1,2})?"),
    "integer": re.compile(r"-?\d+"),
    "percent": re.compile(r"-?\d+"),
    "date": re.compile(r"\d{4}-\d\d-\d\d"),
}


def is_as_written(field: Field, text: str) -> bool:
    """Whether a text that was read is one that the register itself would write, and not a spreadsheet's."""
    pattern = _AS_WRITTEN.get(field.kind)
    return pattern is None or pattern.fullmatch(text) is not None


def csv_remedy(field: Field, text: str) -> str | None:
    """How to write, in a CSV, a value that could not be read; ``None`` where the general remedy is right."""
    remedy = _REMEDIES.get(field.kind)
    if remedy is not None and is_scientific(text):
        return f"Un tableur l'a mis en écriture scientifique : reprenez le nombre d'origine. {remedy}"
    return remedy
