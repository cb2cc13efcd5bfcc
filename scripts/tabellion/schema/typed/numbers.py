"""Whole numbers, years and percentages as people type them.

A percentage is a whole number from 0 to 100: nobody follows a fiche closer.
"""

from __future__ import annotations

import re
from decimal import Decimal
from math import isfinite

from tabellion.schema.money import NEGATIVE_SIGNS, half_up
from tabellion.schema.numbers import spoilt_number
from tabellion.schema.typed.rules import Rules, Typed, add_common_rules, only_number, parts_of, refuse_percent_cells

_LONGEST_DIGITS = 15
#: Excel keeps 15 significant digits: a whole number is exact below this one.
LARGEST = 10**_LONGEST_DIGITS
_SEPARATOR = r"[ '’]"
_WHOLE = re.compile(
    rf"(?P<sign>[{NEGATIVE_SIGNS}+]?)\s*(?P<digits>\d{{1,3}}(?:{_SEPARATOR}\d{{3}})+|\d{{1,{_LONGEST_DIGITS}}})(?:[.,]0*)?"
)
_TWO_WAYS = re.compile(r"[-+−]?[1-9]\d{0,2}[.,]\d{3}")
_DECIMAL = re.compile(r"[-+−]?\d{0,15}[.,]\d+")
#: The sign of a number among words.
_BEFORE = re.compile(rf"(?:^|(?<=[\s:=(]))[{NEGATIVE_SIGNS}]\s?$")
#: How far from a whole number a computed one may be: the noise of its last digits, which no cell shows.
_TOLERANCE = 1e-7
_PERCENT = re.compile(
    r"(?P<number>[-+−]?\s*\d{0,9}(?:[.,]\d{0,9})?)\s*(?P<sign>%|pct|p\.? ?c\.?|p\. ?100|pour ?cents?)?", re.IGNORECASE
)


def _number_of(text: str) -> Decimal:
    """The number that plain digits write, with a comma or a point."""
    return Decimal(text.replace(",", ".").replace("−", "-").replace(" ", ""))


def whole_of(text: str) -> int | None:
    """The whole number that a text writes, when it can be no other."""
    match = _WHOLE.fullmatch(text)
    if match is None or _TWO_WAYS.fullmatch(text):
        return None
    return int(re.sub(r"\D", "", match["digits"])) * (-1 if match["sign"] and match["sign"] in NEGATIVE_SIGNS else 1)


def whole_number(number: float) -> int | None:
    """The whole number that a number is, but for the noise of a computation (``=0,07*100``); ``None`` for no other."""
    if not abs(number) < LARGEST:  # NaN and infinities too
        return None
    nearest = round(number)
    return nearest if abs(number - nearest) <= _TOLERANCE else None


def _whole(typed: Typed) -> int | None:
    return None if typed.plain_number is None else whole_number(typed.plain_number)


def _not_whole(typed: Typed) -> str | None:
    number = typed.plain_number
    return f"Arrondissez à {half_up(number)}." if number is not None and abs(number) < LARGEST else None


def _digits(typed: Typed) -> int | None:
    number = whole_of(typed.text)
    return number if number is not None and abs(number) < LARGEST else None


def _two_ways(typed: Typed) -> str | None:
    is_ambiguous = _TWO_WAYS.fullmatch(typed.text)
    return f"Saisissez {re.sub(r'[.,]', '', typed.text)} si ce sont des milliers." if is_ambiguous else None


def _two(typed: Typed) -> str | None:
    parts = parts_of(typed.text)
    is_two = len(parts) > 1 and not spoilt_number(typed.text)
    return f"Saisissez {' ou '.join(parts)}, pas les deux."[:200] if is_two else None


def _among_words(typed: Typed) -> str | None:
    whole = whole_of(only_number(typed.text, _BEFORE) or "") if not spoilt_number(typed.text) else None
    return None if whole is None else f"Saisissez {whole}, et mettez les mots dans le commentaire."


def hundredfold(number: float) -> int | None:
    """A hundred times ``number`` when that is whole; ``None`` otherwise."""
    return whole_number(number * 100)


def _in_percents(number: float | None) -> int | None:
    """The percentage from 0 to 100 that a number is."""
    whole = None if number is None else whole_number(number)
    return whole if whole in range(101) else None


def _percent_text(typed: Typed) -> tuple[Decimal, bool] | None:
    """The number that a text writes, and whether its percent sign is written too."""
    match = _PERCENT.fullmatch(typed.text)
    if match is None or not re.search(r"\d", match["number"]):
        return None
    return _number_of(match["number"]), match["sign"] is not None


def _whole_percents(typed: Typed, *, signed: bool) -> int | None:
    """The percentage that a text writes, with its sign or without."""
    number, has_sign = _percent_text(typed) or (None, None)
    return int(number) if number is not None and has_sign is signed and number in range(101) else None


def _percent_number(typed: Typed) -> int | None:
    return _in_percents(typed.plain_number)


def _percent_cell(typed: Typed) -> int | None:
    return _in_percents(typed.number * 100) if typed.number is not None and typed.percent else None


def _fraction(typed: Typed) -> int | None:
    number = typed.plain_number
    return _in_percents(number * 100) if number is not None and 0 < number < 1 else None


def _hundred_times_too_much(typed: Typed) -> str | None:
    number = typed.number
    if number is None or not typed.percent or number not in range(2, 101):
        return None
    return f"Saisissez {int(number)} % : la cellule montre {int(number) * 100} %."


def _percent_not_whole(typed: Typed) -> str | None:
    number = typed.number
    shown = None if number is None or not isfinite(number) else number * 100 if typed.percent else number
    return f"Arrondissez à {half_up(shown)} %." if shown is not None and 0 <= shown <= 100 else None


def _one(typed: Typed) -> str | None:
    is_ambiguous = _whole_percents(typed, signed=False) == 1 and re.search("[.,]", typed.text)
    return "Saisissez 1 ou 100, selon ce que vous vouliez dire." if is_ambiguous else None


def _text_fraction(typed: Typed) -> int | None:
    number, has_sign = _percent_text(typed) or (None, None)
    return int(number * 100) if number is not None and not has_sign and number * 100 in range(1, 100) else None


def _text_not_whole(typed: Typed) -> str | None:
    number, has_sign = _percent_text(typed) or (None, None)
    if number is None or not 0 <= number <= 100:
        return None
    return f"Arrondissez à {half_up(number * 100 if number < 1 and not has_sign else number)} %."


def _percent_among_words(typed: Typed) -> str | None:
    number = only_number(typed.text)
    if number is None or not re.fullmatch(r"\d{1,3}", number) or int(number) > 100:
        return None
    return f"Saisissez {int(number)}, et mettez les mots dans le commentaire."


# fmt: off
INTEGER_RULES = Rules[int]("integer", str)
INTEGER_RULES.takes("un nombre entier, une année", 2016, _whole)
INTEGER_RULES.refuses("nombre-non-entier", "un nombre qui n'est pas entier", 2016.5, _not_whole)
refuse_percent_cells(INTEGER_RULES)
INTEGER_RULES.refuses("nombre-demesure", "un nombre invraisemblable", 1e300,
    lambda typed: typed.plain_number is not None)
add_common_rules(INTEGER_RULES)
INTEGER_RULES.understands("un nombre saisi comme un texte", "2016", _digits)
INTEGER_RULES.refuses("nombre-demesure", "un texte invraisemblable", "999 999 999 999 999 999",
    lambda typed: whole_of(typed.text) is not None)
INTEGER_RULES.refuses("nombre-ambigu", "un point ou une virgule devant trois chiffres", "2.016", _two_ways)
INTEGER_RULES.refuses("nombre-non-entier", "un texte qui n'est pas un nombre entier", "2016,5",
    lambda typed: f"Arrondissez à {half_up(_number_of(typed.text))}." if _DECIMAL.fullmatch(typed.text) else None)
INTEGER_RULES.refuses("deux-valeurs", "deux nombres dans une cellule", "2016/2017", _two)
INTEGER_RULES.refuses("texte-au-lieu-de-nombre", "un nombre parmi des mots", "année 2016", _among_words)
INTEGER_RULES.refuses("texte-au-lieu-de-nombre", "tout autre texte", "beaucoup",
    lambda typed: spoilt_number(typed.text) or "Saisissez un nombre en chiffres, ou laissez la cellule vide.")

PERCENT_RULES = Rules[int]("percent", lambda number: f"{number}\u00a0%")
PERCENT_RULES.takes("un nombre entier de 0 à 100", 5, _percent_number)
PERCENT_RULES.takes("une cellule au format %", 0.05, _percent_cell, in_percents=True)
PERCENT_RULES.understands("un nombre entre 0 et 1", 0.05, _fraction)
PERCENT_RULES.refuses("pourcentage-hors-bornes", "un nombre de 2 à 100 dans une cellule au format %", 5,
    _hundred_times_too_much, in_percents=True)
PERCENT_RULES.refuses("nombre-non-entier", "un nombre qui n'est pas entier", 5.4, _percent_not_whole)
PERCENT_RULES.refuses("pourcentage-hors-bornes", "un nombre hors de 0 à 100", 150,
    lambda typed: typed.number is not None)
add_common_rules(PERCENT_RULES)
PERCENT_RULES.understands("un nombre suivi de %", "5 %", lambda typed: _whole_percents(typed, signed=True))
PERCENT_RULES.refuses("nombre-ambigu", "« 1,0 » en texte", "1,0", _one)
PERCENT_RULES.understands("un nombre entier saisi comme un texte", "5",
    lambda typed: _whole_percents(typed, signed=False))
PERCENT_RULES.understands("un nombre entre 0 et 1 saisi comme un texte", "0,05", _text_fraction)
PERCENT_RULES.refuses("nombre-non-entier", "un texte qui n'est pas un nombre entier de pour cent", "5,4 %",
    _text_not_whole)
PERCENT_RULES.refuses("pourcentage-hors-bornes", "un texte hors de 0 à 100", "150 %",
    lambda typed: _percent_text(typed) is not None)
PERCENT_RULES.refuses("deux-valeurs", "deux pourcentages dans une cellule", "5 / 10 %", _two)
PERCENT_RULES.refuses("texte-au-lieu-de-nombre", "un pourcentage parmi des mots", "environ 50 %", _percent_among_words)
PERCENT_RULES.refuses("texte-au-lieu-de-nombre", "tout autre texte", "la moitié",
    lambda _: "Saisissez un nombre entier de 0 à 100, ou laissez la cellule vide.")
