"""Whole numbers, years and percentages as people type them.

A percentage is a whole number from 0 to 100: nobody follows a fiche closer.
"""

from __future__ import annotations

import re
from decimal import Decimal
from math import isfinite

from tabellion.schema.money import half_up
from tabellion.schema.typed.rules import Rules, Typed, add_common_rules, only_number, parts_of, refuse_percent_cells

_LONGEST_DIGITS = 15
#: Excel keeps 15 significant digits: a whole number is exact below this one.
LARGEST = 10**_LONGEST_DIGITS
_SEPARATOR = r"[ '’]"
_WHOLE = re.compile(
    rf"(?P<sign>[-+−]?)\s*(?P<digits>\d{{1,3}}(?:{_SEPARATOR}\d{{3}})+|\d{{1,{_LONGEST_DIGITS}}})(?:[.,]0*)?"
)
_TWO_WAYS = re.compile(r"[-+−]?[1-9]\d{0,2}[.,]\d{3}")
_DECIMAL = re.compile(r"[-+−]?\d{0,15}[.,]\d+")
#: How far from a whole number a computed hundredfold may be.
_TOLERANCE = 1e-9
_PERCENT = re.compile(
    r"(?P<number>[-+−]?\s*\d{0,9}(?:[.,]\d{0,9})?)\s*(?P<sign>%|pct|p\.? ?c\.?|p\. ?100|pour ?cents?)?", re.IGNORECASE
)


def _number_of(text: str) -> Decimal:
    """The number that plain digits write, with a comma or a point."""
    return Decimal(text.replace(",", ".").replace("−", "-").replace(" ", ""))


def _whole_of(text: str) -> int | None:
    """The whole number that a text writes, when it can be no other."""
    match = _WHOLE.fullmatch(text)
    if match is None or _TWO_WAYS.fullmatch(text):
        return None
    return int(re.sub(r"\D", "", match["digits"])) * (-1 if match["sign"] in ("-", "−") else 1)


INTEGER_RULES = Rules[int]("integer", str)


@INTEGER_RULES.takes("un nombre entier, une année", "ce nombre", {2016: 2016, 3.0: 3})
def _whole(typed: Typed) -> int | None:
    number = typed.plain_number
    return int(number) if number is not None and abs(number) < LARGEST and number == int(number) else None


@INTEGER_RULES.refuses(
    "nombre-non-entier", "un nombre qui n'est pas entier", "il faut un nombre entier", {2016.5: "2017"}
)  # fmt: skip
def _not_whole(typed: Typed) -> str | None:
    number = typed.plain_number
    return f"Arrondissez à {half_up(number)}." if number is not None and abs(number) < LARGEST else None


refuse_percent_cells(INTEGER_RULES)


@INTEGER_RULES.refuses("nombre-demesure", "un nombre démesuré", "ce n'est pas un nombre plausible", {1e300: ""})
def _huge(typed: Typed) -> bool:
    return typed.plain_number is not None


add_common_rules(INTEGER_RULES)


@INTEGER_RULES.understands(
    "un nombre tapé comme un texte",
    "le même nombre",
    {"2016": 2016, "2 016": 2016, "2016,0": 2016, "2016\u00a0": 2016, "-3": -3},
)
def _digits(typed: Typed) -> int | None:
    number = _whole_of(typed.text)
    return number if number is not None and abs(number) < LARGEST else None


@INTEGER_RULES.refuses(
    "nombre-demesure", "un texte démesuré", "ce n'est pas un nombre plausible", {"999 999 999 999 999 999": ""}
)
def _huge_text(typed: Typed) -> bool:
    return _whole_of(typed.text) is not None


@INTEGER_RULES.refuses(
    "nombre-ambigu",
    "un point ou une virgule devant trois chiffres",
    "des milliers ou des décimales ?",
    {"2.016": "2016"},
)
def _two_ways(typed: Typed) -> str | None:
    is_ambiguous = _TWO_WAYS.fullmatch(typed.text)
    return f"Tapez {re.sub(r'[.,]', '', typed.text)} si ce sont des milliers." if is_ambiguous else None


@INTEGER_RULES.refuses(
    "nombre-non-entier", "un texte qui n'est pas un nombre entier", "il faut un nombre entier", {"2016,5": "2017"}
)
def _decimal(typed: Typed) -> str | None:
    return f"Arrondissez à {half_up(_number_of(typed.text))}." if _DECIMAL.fullmatch(typed.text) else None


@INTEGER_RULES.refuses(
    "deux-valeurs",
    "deux nombres dans une cellule",
    "on ne sait pas lequel garder",
    {"2016/2017": "2016 ou 2017", "2016-2017": "2016 ou 2017", "12 et 13": "12 ou 13"},
)
def _two(typed: Typed) -> str | None:
    parts = parts_of(typed.text)
    return f"Tapez {' ou '.join(parts)}, pas les deux."[:200] if len(parts) > 1 else None


@INTEGER_RULES.refuses(
    "texte-au-lieu-de-nombre",
    "un nombre parmi des mots",
    "le nombre est proposé",
    {"année 2016": "2016", "12 fiches": "12"},
)
def _among_words(typed: Typed) -> str | None:
    whole = _whole_of(only_number(typed.text) or "")
    return None if whole is None else f"Tapez {whole}, et mettez les mots dans le commentaire."


@INTEGER_RULES.refuses("texte-au-lieu-de-nombre", "tout autre texte", "ce n'est pas un nombre", {"beaucoup": ""})
def _other(_: Typed) -> str:
    return "Tapez un nombre en chiffres, ou laissez la cellule vide."


def hundredfold(number: float) -> int | None:
    """A hundred times ``number`` when that is whole; ``None`` otherwise."""
    times = number * 100
    return round(times) if isfinite(times) and abs(times - round(times)) <= _TOLERANCE * max(1, abs(times)) else None


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


PERCENT_RULES = Rules[int]("percent", lambda number: f"{number}\u00a0%")


@PERCENT_RULES.takes(
    "un nombre entier de 0 à 100", "des pour cent : 5 est 5 %, 1 est 1 %", {5: 5, 0: 0, 1: 1, 100.0: 100}
)
def _percent_number(typed: Typed) -> int | None:
    number = typed.plain_number
    return int(number) if number is not None and number in range(101) else None


@PERCENT_RULES.takes(
    "une cellule au format %", "ce que la cellule montre", {0.05: 5, 1: 100, 0.29: 29}, in_percents=True
)
def _percent_cell(typed: Typed) -> int | None:
    number = typed.number
    return hundredfold(number) if number is not None and typed.percent and 0 <= number <= 1 else None


@PERCENT_RULES.understands("un nombre entre 0 et 1", "une part de 1", {0.05: 5, 0.5: 50, 0.29: 29})
def _fraction(typed: Typed) -> int | None:
    number = typed.plain_number
    return hundredfold(number) if number is not None and 0 < number < 1 else None


@PERCENT_RULES.refuses(
    "pourcentage-hors-bornes",
    "un nombre de 2 à 100 dans une cellule au format %",
    "la cellule montre cent fois trop",
    {},
    {5: "5 %"},
)
def _hundred_times_too_much(typed: Typed) -> str | None:
    number = typed.number
    if number is None or not typed.percent or number not in range(2, 101):
        return None
    return f"Tapez {int(number)} % : la cellule montre {int(number) * 100} %."


@PERCENT_RULES.refuses(
    "nombre-non-entier",
    "un nombre qui n'est pas entier",
    "il faut un nombre entier de pour cent",
    {5.4: "5 %"},
    {0.054: "5 %"},
)
def _percent_not_whole(typed: Typed) -> str | None:
    number = typed.number
    shown = None if number is None or not isfinite(number) else number * 100 if typed.percent else number
    return f"Arrondissez à {half_up(shown)} %." if shown is not None and 0 <= shown <= 100 else None


@PERCENT_RULES.refuses(
    "pourcentage-hors-bornes", "un nombre hors de 0 à 100", "ce n'est pas une part", {150: "", -5: ""}
)  # fmt: skip
def _percent_outside(typed: Typed) -> bool:
    return typed.number is not None


add_common_rules(PERCENT_RULES)


@PERCENT_RULES.understands(
    "un nombre suivi de %",
    "des pour cent",
    {"5 %": 5, "5%": 5, "5\u202f%": 5, "100,0 %": 100, "1 %": 1, "40 pour cent": 40},
)
def _signed(typed: Typed) -> int | None:
    return _whole_percents(typed, signed=True)


@PERCENT_RULES.refuses("nombre-ambigu", "« 1,0 » en texte", "1 % ou 100 % ?", {"1,0": "1 ou 100"})
def _one(typed: Typed) -> str | None:
    is_ambiguous = _whole_percents(typed, signed=False) == 1 and re.search("[.,]", typed.text)
    return "Tapez 1 ou 100, selon ce que vous vouliez dire." if is_ambiguous else None


@PERCENT_RULES.understands("un nombre entier tapé comme un texte", "des pour cent", {"5": 5, "1": 1, "50,0": 50})
def _bare(typed: Typed) -> int | None:
    return _whole_percents(typed, signed=False)


@PERCENT_RULES.understands(
    "un nombre entre 0 et 1 tapé comme un texte", "une part de 1", {"0,05": 5, "0.5": 50, ",25": 25}
)
def _text_fraction(typed: Typed) -> int | None:
    number, has_sign = _percent_text(typed) or (None, None)
    return int(number * 100) if number is not None and not has_sign and number * 100 in range(1, 100) else None


@PERCENT_RULES.refuses(
    "nombre-non-entier",
    "un texte qui n'est pas un nombre entier de pour cent",
    "il faut un nombre entier",
    {"5,4 %": "5 %", "0,05 %": "0 %"},
)
def _text_not_whole(typed: Typed) -> str | None:
    number, has_sign = _percent_text(typed) or (None, None)
    if number is None or not 0 <= number <= 100:
        return None
    return f"Arrondissez à {half_up(number * 100 if number < 1 and not has_sign else number)} %."


@PERCENT_RULES.refuses(
    "pourcentage-hors-bornes", "un texte hors de 0 à 100", "ce n'est pas une part", {"150 %": ""}
)  # fmt: skip
def _text_outside(typed: Typed) -> bool:
    return _percent_text(typed) is not None


PERCENT_RULES.refuses(
    "deux-valeurs",
    "deux pourcentages dans une cellule",
    "on ne sait pas lequel garder",
    {"5 / 10 %": "5 ou 10 %", "50 à 60 %": "50 ou 60 %"},
)(_two)


@PERCENT_RULES.refuses(
    "texte-au-lieu-de-nombre",
    "un pourcentage parmi des mots",
    "le nombre est proposé",
    {"environ 50 %": "50"},
)
def _percent_among_words(typed: Typed) -> str | None:
    number = only_number(typed.text)
    if number is None or not re.fullmatch(r"\d{1,3}", number) or int(number) > 100:
        return None
    return f"Tapez {int(number)}, et mettez les mots dans le commentaire."


@PERCENT_RULES.refuses("texte-au-lieu-de-nombre", "tout autre texte", "ce n'est pas un pourcentage", {"la moitié": ""})
def _percent_other(_: Typed) -> str:
    return "Tapez un nombre entier de 0 à 100, ou laissez la cellule vide."
