"""Whole numbers and years as people type them, and what every number shares with them."""

from __future__ import annotations

import re
from datetime import date, time, timedelta
from decimal import Decimal

from tabellion.schema.money import half_up
from tabellion.schema.typed.model import Example, Outcome, Reading, Rules, Typed, TypedKind, TypedRule, refused
from tabellion.schema.typed.words import boolean_rule, only_number, parts_of, unknown_rule, zero_rule

_REFUSE = Outcome.REFUSE
_LONGEST_DIGITS = 15
#: Excel keeps 15 significant digits: a whole number is exact below this one.
LARGEST = 10**_LONGEST_DIGITS
_SEPARATOR = r"[ '’]"
_WHOLE = re.compile(
    rf"(?P<sign>[-+−]?)\s*(?P<digits>\d{{1,3}}(?:{_SEPARATOR}\d{{3}})+|\d{{1,{_LONGEST_DIGITS}}})(?:[.,]0*)?"
)
_TWO_WAYS = re.compile(r"[-+−]?[1-9]\d{0,2}[.,]\d{3}")
_DECIMAL = re.compile(r"[-+−]?\d{0,15}[.,]\d+")


def _date(typed: Typed) -> Reading | None:
    if isinstance(typed.value, date):
        low, high = typed.field.minimum, typed.field.maximum
        year = typed.value.year
        likely = low is not None and high is not None and low <= year <= high
        return refused(
            "date-au-lieu-de-nombre",
            f"Donnez à la cellule le format « Nombre », puis tapez {year}." if likely else None,
        )
    return refused("date-au-lieu-de-nombre") if isinstance(typed.value, time | timedelta) else None


def number_of(text: str) -> Decimal:
    """The number that plain digits write, with a comma or a point."""
    return Decimal(text.replace(",", ".").replace("−", "-").replace(" ", ""))


def common_rules(kind: TypedKind, shown: str) -> tuple[TypedRule, ...]:
    """What every number shares: no booleans, no dates, words for zero and for the unknown."""
    return (
        boolean_rule(kind),
        TypedRule(
            kind,
            "une date",
            _REFUSE,
            "ce n'est pas un nombre",
            (Example(date(2016, 1, 1), code="date-au-lieu-de-nombre"),),
            _date,
        ),
        zero_rule(kind, shown),
        unknown_rule(kind),
    )


INTEGER_RULES = Rules("integer")


@INTEGER_RULES.takes("un nombre entier, une année", "ce nombre", Example(2016, 2016), Example(3.0, 3))
def _whole(typed: Typed) -> Reading | None:
    number = typed.number
    if number is None or typed.percent or not abs(number) < LARGEST or number != int(number):
        return None
    return Reading(int(number), str(int(number)))


@INTEGER_RULES.refuses(
    "un nombre qui n'est pas entier",
    "il faut un nombre entier",
    Example(2016.5, code="nombre-non-entier", proposal="2017"),
)
def _not_whole(typed: Typed) -> Reading | None:
    number = typed.number
    if number is None or typed.percent or not abs(number) < LARGEST:
        return None
    return refused("nombre-non-entier", f"Arrondissez à {half_up(number)}.")


@INTEGER_RULES.refuses(
    "un nombre dans une cellule au format %",
    "on ne sait pas si c'est 0,05 ou 5",
    Example(0.05, code="pourcentage-au-lieu-de-nombre", percent=True),
)
def _percentage(typed: Typed) -> Reading | None:
    return refused("pourcentage-au-lieu-de-nombre") if typed.number is not None and typed.percent else None


@INTEGER_RULES.refuses("un nombre démesuré", "ce n'est pas un nombre plausible", Example(1e300, code="nombre-demesure"))
def _huge(typed: Typed) -> Reading | None:
    return refused("nombre-demesure") if typed.number is not None and not typed.percent else None


INTEGER_RULES += common_rules("integer", "0")


@INTEGER_RULES.understands(
    "un nombre tapé comme un texte",
    "le même nombre",
    Example("2016", 2016),
    Example("2 016", 2016),
    Example("2016,0", 2016),
    Example("2016\u00a0", 2016),
    Example("-3", -3),
)
def _digits(typed: Typed) -> Reading | None:
    match = _WHOLE.fullmatch(typed.text)
    if match is None or _TWO_WAYS.fullmatch(typed.text):
        return None
    number = int(re.sub(r"\D", "", match["digits"])) * (-1 if match["sign"] in ("-", "−") else 1)
    return Reading(number, str(number)) if abs(number) < LARGEST else None


@INTEGER_RULES.refuses(
    "un texte démesuré", "ce n'est pas un nombre plausible", Example("999 999 999 999 999 999", code="nombre-demesure")
)
def _huge_text(typed: Typed) -> Reading | None:
    return refused("nombre-demesure") if _WHOLE.fullmatch(typed.text) and not _TWO_WAYS.fullmatch(typed.text) else None


@INTEGER_RULES.refuses(
    "un point ou une virgule devant trois chiffres",
    "des milliers ou des décimales ?",
    Example("2.016", code="nombre-ambigu", proposal="2016"),
)
def _two_ways(typed: Typed) -> Reading | None:
    if not _TWO_WAYS.fullmatch(typed.text):
        return None
    return refused("nombre-ambigu", f"Tapez {re.sub(r'[.,]', '', typed.text)} si ce sont des milliers.")


@INTEGER_RULES.refuses(
    "un texte qui n'est pas un nombre entier",
    "il faut un nombre entier",
    Example("2016,5", code="nombre-non-entier", proposal="2017"),
)
def _decimal(typed: Typed) -> Reading | None:
    if not _DECIMAL.fullmatch(typed.text):
        return None
    return refused("nombre-non-entier", f"Arrondissez à {half_up(number_of(typed.text))}.")


@INTEGER_RULES.refuses(
    "deux nombres dans une cellule",
    "on ne sait pas lequel garder",
    Example("2016/2017", code="deux-valeurs", proposal="2016 ou 2017"),
    Example("2016-2017", code="deux-valeurs", proposal="2016 ou 2017"),
    Example("12 et 13", code="deux-valeurs", proposal="12 ou 13"),
)
def two_numbers(typed: Typed) -> Reading | None:
    """Two numbers in one cell are refused, and both shown."""
    parts = parts_of(typed.text)
    return refused("deux-valeurs", f"Tapez {' ou '.join(parts)}, pas les deux."[:200]) if len(parts) > 1 else None


@INTEGER_RULES.refuses(
    "un nombre parmi des mots",
    "le nombre est proposé",
    Example("année 2016", code="texte-au-lieu-de-nombre", proposal="2016"),
    Example("12 fiches", code="texte-au-lieu-de-nombre", proposal="12"),
)
def _among_words(typed: Typed) -> Reading | None:
    number = only_number(typed.text)
    match = _WHOLE.fullmatch(number) if number is not None and not _TWO_WAYS.fullmatch(number) else None
    if match is None:
        return None
    whole = int(re.sub(r"\D", "", match["digits"]))
    return refused("texte-au-lieu-de-nombre", f"Tapez {whole}, et mettez les mots dans le commentaire.")


@INTEGER_RULES.refuses(
    "tout autre texte", "ce n'est pas un nombre", Example("beaucoup", code="texte-au-lieu-de-nombre")
)
def _other(_: Typed) -> Reading | None:
    return refused("texte-au-lieu-de-nombre", "Tapez un nombre en chiffres, ou laissez la cellule vide.")
