"""Amounts as people type them, in euros: each spelling, and what becomes of it. Values are integer cents."""

from __future__ import annotations

import re
from datetime import date, time, timedelta
from decimal import Decimal

from tabellion.schema.amounts import parse_amount
from tabellion.schema.money import LARGEST_EUROS, format_euros, nearest_cents, plain_euros, typed_euros
from tabellion.schema.typed.model import Example, Reading, Rules, Typed, refused
from tabellion.schema.typed.words import boolean_rule, only_number, parts_of, unknown_rule, zero_rule

_SEPARATED = re.compile(r"\d[ '’.,]\d{3}(?!\d)")
_CURRENCY = re.compile(r"€|eur", re.IGNORECASE)
_SCALED = re.compile(r"[kKM]\s*(?:€|eur|$)|[kKM]€", re.IGNORECASE)
_THOUSANDS = re.compile(r"\s*\b(?:mille|milliers)(?:\s+d['’ ]?\s*euros?|\s*€)?$", re.IGNORECASE)
_MILLIONS = re.compile(r"\s*\bmillions?(?:\s+d['’ ]?\s*euros?|\s*€)?$", re.IGNORECASE)
_NEGATIVE = re.compile(r"^\W*[-–−(]|[-–−)]\W*$")
#: How Swiss people, and old invoices, write that there are no cents: 1200,-
_DASHED = re.compile(r"\d[.,] ?[-–−]\W*$")
_SMALL_M = re.compile(r"^(?P<number>\d[\d .,'’]*?)\s*m\s*(?:€|eur|euros)?$")
_TWO_WAYS = re.compile(r"(?P<whole>[1-9]\d{0,2})[.,](?P<rest>\d{3})(?!\d)")
_FINE = re.compile(r"\d+[.,]\d{3,}")
_LETTER_O = re.compile(r"(?<=[\d,. oO])[oO](?=[oO\d,. €]|$)|[oO](?=\d)")


def _rounded(cents: int) -> Reading:
    return refused("montant-plus-fin-que-le-centime", f"Arrondissez à {typed_euros(cents)}.")


def _worded(text: str) -> str:
    """The text with « mille » and « millions » as their units."""
    return _MILLIONS.sub(" M€", _THOUSANDS.sub(" k€", text))


MONEY_RULES = Rules("money")


@MONEY_RULES.takes(
    "un nombre", "des euros", Example(1234, 123_400), Example(1234.5, 123_450), Example(0, 0), Example(-12.5, -1_250)
)
def _exact(typed: Typed) -> Reading | None:
    if typed.number is None or typed.percent or not abs(typed.number) < LARGEST_EUROS:
        return None
    cents, exact = nearest_cents(typed.number)
    return Reading(cents, format_euros(cents)) if exact else None


@MONEY_RULES.refuses(
    "un nombre de plus de deux décimales",
    "un montant s'arrête au centime",
    Example(12.345, code="montant-plus-fin-que-le-centime", proposal="12,35"),
)
def _finer(typed: Typed) -> Reading | None:
    if typed.number is None or typed.percent or not abs(typed.number) < LARGEST_EUROS:
        return None
    return _rounded(nearest_cents(typed.number)[0])


@MONEY_RULES.refuses("un nombre démesuré", "ce n'est pas un montant", Example(1e15, code="montant-demesure"))
def _huge(typed: Typed) -> Reading | None:
    return None if typed.number is None or typed.percent else refused("montant-demesure")


@MONEY_RULES.refuses(
    "un nombre dans une cellule au format %",
    "on ne sait pas si c'est 0,05 ou 5",
    Example(0.05, code="pourcentage-au-lieu-de-nombre", percent=True),
)
def _percentage(typed: Typed) -> Reading | None:
    if typed.number is None or not typed.percent:
        return None
    return refused("pourcentage-au-lieu-de-nombre")


MONEY_RULES.append(boolean_rule("money"))


@MONEY_RULES.refuses("une date", "ce n'est pas un montant", Example(date(2016, 12, 31), code="date-au-lieu-de-nombre"))
def _date(typed: Typed) -> Reading | None:
    return refused("date-au-lieu-de-nombre") if isinstance(typed.value, date | time | timedelta) else None


MONEY_RULES.append(zero_rule("money", format_euros(0)))


MONEY_RULES.append(unknown_rule("money"))


@MONEY_RULES.refuses(
    "un m minuscule : 12 m€",
    "des milliers ou des millions ?",
    Example("12 m€", code="montant-ambigu", proposal="12000 (milliers) ou 12000000 (millions)"),
)
def _small_m(typed: Typed) -> Reading | None:
    match = _SMALL_M.match(typed.text)
    cents = parse_amount(match["number"]).cents if match is not None else None
    if cents is None:
        return None
    choices = f"{plain_euros(cents * 1_000)} (milliers) ou {plain_euros(cents * 1_000_000)} (millions)"
    return refused("montant-ambigu", f"Tapez {choices}, selon ce que vous vouliez dire.")


@MONEY_RULES.refuses(
    "un point ou une virgule devant trois chiffres",
    "des milliers ou des décimales ?",
    Example("1.234", code="montant-ambigu", proposal="1234 ou 1,23"),
    Example("1,234", code="montant-ambigu", proposal="1234 ou 1,23"),
    Example("12.345 €", code="montant-ambigu", proposal="12345 ou 12,35"),
    Example("1,234 k€", code="montant-ambigu", proposal="1234000 ou 1234"),
)
def _ambiguous(typed: Typed) -> Reading | None:
    match = _TWO_WAYS.search(typed.text)
    if match is None or not parse_amount(_worded(typed.text)).ambiguous:
        return None
    unit = typed.text.replace(match[0], "1", 1)
    scale = (parse_amount(unit).cents or 100) // 100
    thousands = int(match["whole"] + match["rest"]) * scale * 100
    decimals, _ = nearest_cents(Decimal(f"{match['whole']}.{match['rest']}") * scale)
    ways = f"{typed_euros(thousands)} ou {typed_euros(decimals)}"
    return refused("montant-ambigu", f"Tapez {ways}, selon ce que vous vouliez dire.")


@MONEY_RULES.refuses(
    "un tiret à la place des centimes : 1200,-",
    "sans centimes, ou négatif ?",
    Example("1200,-", code="montant-ambigu", proposal="1200 ou -1200"),
)
def _dashed(typed: Typed) -> Reading | None:
    cents = parse_amount(typed.text).cents if _DASHED.search(typed.text) else None
    if cents is None:
        return None
    return refused(
        "montant-ambigu", f"Tapez {typed_euros(-cents)} ou {typed_euros(cents)}, selon ce que vous vouliez dire."
    )


@MONEY_RULES.understands(
    "un montant négatif : parenthèses, moins devant ou derrière",
    "un montant négatif",
    Example("(1 234)", -123_400),
    Example("-12", -1_200),
    Example("12,50-", -1_250),
    Example("−12 €", -1_200),
    Example("(120 €)", -12_000),
)
def _negative(typed: Typed) -> Reading | None:
    return _read(typed) if _NEGATIVE.search(typed.text) else None


@MONEY_RULES.understands(
    "k€, M€, milliers ou millions",
    "mille ou un million d'euros",
    Example("12 k€", 1_200_000),
    Example("12,5K€", 1_250_000),
    Example("1,5 M€", 150_000_000),
    Example("12k", 1_200_000),
    Example("2 millions d'euros", 200_000_000),
)
def _scaled(typed: Typed) -> Reading | None:
    return _read(typed) if _SCALED.search(_worded(typed.text)) else None


@MONEY_RULES.understands(
    "un montant suivi de €, EUR ou euros",
    "des euros",
    Example("1 234,56 €", 123_456),
    Example("1234 EUR", 123_400),
    Example("€ 12", 1_200),
    Example("1\u202f234,56\u00a0€", 123_456),
    Example("1.234,56 €", 123_456),
)
def _currency(typed: Typed) -> Reading | None:
    return _read(typed) if _CURRENCY.search(typed.text) else None


@MONEY_RULES.understands(
    "des milliers séparés par une espace, une apostrophe, un point ou une virgule",
    "un seul montant",
    Example("1 234,56", 123_456),
    Example("1\u00a0234", 123_400),
    Example("1\u2009234", 123_400),
    Example("1'234.50", 123_450),
    Example("1.234,56", 123_456),
    Example("1,234.56", 123_456),
    Example("1.234.567", 123_456_700),
)
def _separated(typed: Typed) -> Reading | None:
    return _read(typed) if _SEPARATED.search(typed.text) else None


@MONEY_RULES.understands(
    "un nombre tapé comme un texte",
    "le même nombre",
    Example("1234", 123_400),
    Example("12,5", 1_250),
    Example("12.50", 1_250),
    Example("1234\u200b", 123_400),
)
def _read(typed: Typed) -> Reading | None:
    cents = parse_amount(_worded(typed.text)).cents if typed.text else None
    if cents is None or abs(cents) >= LARGEST_EUROS * 100:
        return None
    return Reading(cents, format_euros(cents))


@MONEY_RULES.refuses(
    "un texte démesuré", "ce n'est pas un montant", Example("99 999 999 999 999 €", code="montant-demesure")
)
def _huge_text(typed: Typed) -> Reading | None:
    cents = parse_amount(_worded(typed.text)).cents if typed.text else None
    return None if cents is None else refused("montant-demesure")


@MONEY_RULES.refuses(
    "deux montants dans une cellule",
    "on ne sait pas lequel compter",
    Example("1 200 / 1 300", code="deux-valeurs", proposal="1200 ou 1300"),
    Example("100 + 200", code="deux-valeurs", proposal="300"),
    Example("1200 ou 1300", code="deux-valeurs", proposal="1200 ou 1300"),
    Example("1200-1300", code="deux-valeurs", proposal="1200 ou 1300"),
    Example("100\n200", code="deux-valeurs", proposal="100 ou 200"),
)
def _two(typed: Typed) -> Reading | None:
    parts = parts_of(typed.text)
    if len(parts) < 2:
        return None
    cents = [parse_amount(part).cents for part in parts]
    known = [cent for cent in cents if cent is not None]
    if "+" in typed.text and len(known) == len(cents):
        return refused(
            "deux-valeurs", f"Tapez {typed_euros(sum(known))} s'il faut leur somme, ou un seul des montants."
        )
    words = " ou ".join(typed_euros(each) for each in known) if len(known) == len(cents) else "un seul montant"
    return refused("deux-valeurs", f"Tapez {words}, et mettez le reste dans le commentaire.")


@MONEY_RULES.refuses(
    "la lettre O parmi les chiffres",
    "sans doute un zéro",
    Example("12OO", code="texte-au-lieu-de-nombre", proposal="1200"),
    Example("1 O00 €", code="texte-au-lieu-de-nombre", proposal="1000"),
)
def _letter(typed: Typed) -> Reading | None:
    mended = _LETTER_O.sub("0", typed.text)
    cents = parse_amount(mended).cents if mended != typed.text else None
    if cents is None:
        return None
    return refused("texte-au-lieu-de-nombre", f"Tapez {typed_euros(cents)} : la lettre O y tenait la place d'un zéro.")


@MONEY_RULES.refuses(
    "plus de deux décimales",
    "un montant s'arrête au centime",
    Example("0,1234", code="montant-plus-fin-que-le-centime", proposal="0,12"),
)
def _fine(typed: Typed) -> Reading | None:
    match = _FINE.search(typed.text)
    if match is None or not parse_amount(typed.text).ambiguous:
        return None
    return _rounded(nearest_cents(Decimal(match[0].replace(",", ".")))[0])


@MONEY_RULES.refuses(
    "un montant parmi des mots : « environ 1200 », « 1200 HT »",
    "le montant est proposé, les mots vont dans le commentaire",
    Example("environ 1200", code="texte-au-lieu-de-nombre", proposal="1200"),
    Example("1 200 HT", code="texte-au-lieu-de-nombre", proposal="1200"),
    Example("~1200", code="texte-au-lieu-de-nombre", proposal="1200"),
    Example("=1200", code="texte-au-lieu-de-nombre", proposal="1200"),
)
def _among_words(typed: Typed) -> Reading | None:
    number = only_number(typed.text) if "%" not in typed.text else None
    cents = parse_amount(number).cents if number is not None else None
    if cents is None:
        return None
    proposal = f"Tapez {typed_euros(cents)} si c'est le montant, et mettez les mots dans le commentaire."
    return refused("texte-au-lieu-de-nombre", proposal)


@MONEY_RULES.refuses(
    "tout autre texte",
    "ce n'est pas un montant",
    Example("voir convention", code="texte-au-lieu-de-nombre"),
    Example("12 %", code="texte-au-lieu-de-nombre"),
    Example("1 23 456 78 9", code="texte-au-lieu-de-nombre"),
)
def _other(_: Typed) -> Reading | None:
    return refused("texte-au-lieu-de-nombre", "Tapez le montant en chiffres, ou laissez la cellule vide.")
