"""Percentages as people type them. A percentage is a whole number from 0 to 100: nobody follows a fiche closer."""

from __future__ import annotations

import re
from decimal import Decimal
from math import isfinite

from tabellion.schema.money import half_up
from tabellion.schema.typed.model import Example, Reading, Rules, Typed, refused
from tabellion.schema.typed.numbers import common_rules, number_of, two_numbers
from tabellion.schema.typed.words import only_number

#: How far from a whole number a computed hundredfold may be.
_TOLERANCE = 1e-9
_PERCENT = re.compile(
    r"(?P<number>[-+−]?\s*\d{0,9}(?:[.,]\d{0,9})?)\s*(?P<sign>%|pct|p\.? ?c\.?|p\. ?100|pour ?cents?)?", re.IGNORECASE
)


def _shown(number: int) -> Reading:
    return Reading(number, f"{number}\u00a0%")


def hundredfold(number: float) -> int | None:
    """A hundred times ``number`` when that is whole; ``None`` otherwise."""
    times = number * 100
    return round(times) if isfinite(times) and abs(times - round(times)) <= _TOLERANCE * max(1, abs(times)) else None


def _percent_text(typed: Typed) -> tuple[Decimal, bool] | None:
    """The number that a text writes, and whether its percent sign is written too."""
    match = _PERCENT.fullmatch(typed.text)
    if match is None or not re.search(r"\d", match["number"]):
        return None
    return number_of(match["number"]), match["sign"] is not None


PERCENT_RULES = Rules("percent")


@PERCENT_RULES.takes(
    "un nombre entier de 0 à 100",
    "des pour cent : 5 est 5 %, 1 est 1 %",
    Example(5, 5),
    Example(0, 0),
    Example(1, 1),
    Example(100.0, 100),
)
def _percent_number(typed: Typed) -> Reading | None:
    number = typed.number
    if number is None or typed.percent or not 0 <= number <= 100 or number != int(number):
        return None
    return _shown(int(number))


@PERCENT_RULES.takes(
    "une cellule au format %",
    "ce que la cellule montre",
    Example(0.05, 5, percent=True),
    Example(1, 100, percent=True),
    Example(0.29, 29, percent=True),
)
def _percent_cell(typed: Typed) -> Reading | None:
    number = typed.number
    if number is None or not typed.percent or not 0 <= number <= 1:
        return None
    whole = hundredfold(number)
    return None if whole is None else _shown(whole)


@PERCENT_RULES.understands(
    "un nombre entre 0 et 1", "une part de 1", Example(0.05, 5), Example(0.5, 50), Example(0.29, 29)
)
def _fraction(typed: Typed) -> Reading | None:
    number = typed.number
    if number is None or typed.percent or not 0 < number < 1:
        return None
    whole = hundredfold(number)
    return None if whole is None else _shown(whole)


@PERCENT_RULES.refuses(
    "un nombre de 2 à 100 dans une cellule au format %",
    "la cellule montre cent fois trop",
    Example(5, code="pourcentage-hors-bornes", proposal="5 %", percent=True),
)
def _hundred_times_too_much(typed: Typed) -> Reading | None:
    number = typed.number
    if number is None or not typed.percent or not 1 < number <= 100 or number != int(number):
        return None
    return refused("pourcentage-hors-bornes", f"Tapez {int(number)} % : la cellule montre {int(number) * 100} %.")


@PERCENT_RULES.refuses(
    "un nombre qui n'est pas entier",
    "il faut un nombre entier de pour cent",
    Example(5.4, code="nombre-non-entier", proposal="5 %"),
    Example(0.054, code="nombre-non-entier", proposal="5 %", percent=True),
)
def _percent_not_whole(typed: Typed) -> Reading | None:
    number = typed.number
    shown = None if number is None or not isfinite(number) else number * 100 if typed.percent else number
    if shown is None or not 0 <= shown <= 100:
        return None
    return refused("nombre-non-entier", f"Arrondissez à {half_up(shown)} %.")


@PERCENT_RULES.refuses(
    "un nombre hors de 0 à 100",
    "ce n'est pas une part",
    Example(150, code="pourcentage-hors-bornes"),
    Example(-5, code="pourcentage-hors-bornes"),
)
def _percent_outside(typed: Typed) -> Reading | None:
    return refused("pourcentage-hors-bornes") if typed.number is not None else None


PERCENT_RULES += common_rules("percent", "0\u00a0%")


@PERCENT_RULES.understands(
    "un nombre suivi de %",
    "des pour cent",
    Example("5 %", 5),
    Example("5%", 5),
    Example("5\u202f%", 5),
    Example("100,0 %", 100),
    Example("1 %", 1),
    Example("40 pour cent", 40),
)
def _signed(typed: Typed) -> Reading | None:
    found = _percent_text(typed)
    if found is None or not found[1] or found[0] != int(found[0]) or not 0 <= found[0] <= 100:
        return None
    return _shown(int(found[0]))


@PERCENT_RULES.refuses("« 1,0 » en texte", "1 % ou 100 % ?", Example("1,0", code="nombre-ambigu", proposal="1 ou 100"))
def _one(typed: Typed) -> Reading | None:
    found = _percent_text(typed)
    if found is None or found[1] or found[0] != 1 or not re.search("[.,]", typed.text):
        return None
    return refused("nombre-ambigu", "Tapez 1 ou 100, selon ce que vous vouliez dire.")


@PERCENT_RULES.understands(
    "un nombre entier tapé comme un texte", "des pour cent", Example("5", 5), Example("1", 1), Example("50,0", 50)
)
def _bare(typed: Typed) -> Reading | None:
    found = _percent_text(typed)
    if found is None or found[1] or found[0] != int(found[0]) or not 0 <= found[0] <= 100:
        return None
    return _shown(int(found[0]))


@PERCENT_RULES.understands(
    "un nombre entre 0 et 1 tapé comme un texte",
    "une part de 1",
    Example("0,05", 5),
    Example("0.5", 50),
    Example(",25", 25),
)
def _text_fraction(typed: Typed) -> Reading | None:
    found = _percent_text(typed)
    if found is None or found[1] or not 0 < found[0] < 1 or found[0] * 100 != int(found[0] * 100):
        return None
    return _shown(int(found[0] * 100))


@PERCENT_RULES.refuses(
    "un texte qui n'est pas un nombre entier de pour cent",
    "il faut un nombre entier",
    Example("5,4 %", code="nombre-non-entier", proposal="5 %"),
    Example("0,05 %", code="nombre-non-entier", proposal="0 %"),
)
def _text_not_whole(typed: Typed) -> Reading | None:
    found = _percent_text(typed)
    if found is None or not 0 <= found[0] <= 100:
        return None
    number = found[0] * 100 if found[0] < 1 and not found[1] else found[0]
    return refused("nombre-non-entier", f"Arrondissez à {half_up(number)} %.")


@PERCENT_RULES.refuses(
    "un texte hors de 0 à 100", "ce n'est pas une part", Example("150 %", code="pourcentage-hors-bornes")
)
def _text_outside(typed: Typed) -> Reading | None:
    return None if _percent_text(typed) is None else refused("pourcentage-hors-bornes")


PERCENT_RULES.refuses(
    "deux pourcentages dans une cellule",
    "on ne sait pas lequel garder",
    Example("5 / 10 %", code="deux-valeurs", proposal="5 ou 10 %"),
    Example("50 à 60 %", code="deux-valeurs", proposal="50 ou 60 %"),
)(two_numbers)


@PERCENT_RULES.refuses(
    "un pourcentage parmi des mots",
    "le nombre est proposé",
    Example("environ 50 %", code="texte-au-lieu-de-nombre", proposal="50"),
)
def _percent_among_words(typed: Typed) -> Reading | None:
    number = only_number(typed.text)
    if number is None or not re.fullmatch(r"\d{1,3}", number) or int(number) > 100:
        return None
    return refused("texte-au-lieu-de-nombre", f"Tapez {int(number)}, et mettez les mots dans le commentaire.")


@PERCENT_RULES.refuses(
    "tout autre texte", "ce n'est pas un pourcentage", Example("la moitié", code="texte-au-lieu-de-nombre")
)
def _other(_: Typed) -> Reading | None:
    return refused("texte-au-lieu-de-nombre", "Tapez un nombre entier de 0 à 100, ou laissez la cellule vide.")
