"""Amounts as people type them, in euros: each spelling, and what becomes of it. Values are integer cents."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tabellion.schema.money import (
    LARGEST_EUROS,
    NEGATIVE_SIGNS,
    REMNANT_EUROS,
    format_euros,
    nearest_cents,
    parse_amount,
    plain_euros,
    typed_euros,
)
from tabellion.schema.numbers import spoilt_number
from tabellion.schema.typed.rules import Rules, Typed, add_common_rules, only_number, parts_of, refuse_percent_cells

_SEPARATED = re.compile(r"\d[ '’.,]\d{3}(?!\d)")
_CURRENCY = re.compile(r"€|eur", re.IGNORECASE)
_SCALED = re.compile(r"[kKM]\s*(?:€|eur|$)|[kKM]€", re.IGNORECASE)
_THOUSANDS = re.compile(r"\s*\b(?:mille|milliers)(?:\s+d['’ ]?\s*euros?|\s*€)?$", re.IGNORECASE)
_MILLIONS = re.compile(r"\s*\bmillions?(?:\s+d['’ ]?\s*euros?|\s*€)?$", re.IGNORECASE)
_NEGATIVE = re.compile(rf"^\W*[{NEGATIVE_SIGNS}(]|[{NEGATIVE_SIGNS})]\W*$")
#: How Swiss people, and old invoices, write that there are no cents: 1200,-
_DASHED = re.compile(rf"\d[.,] ?[{NEGATIVE_SIGNS}]\W*$")
_SMALL_M = re.compile(r"^(?P<number>\d[\d .,'’]*?)\s*m\s*(?:€|eur|euros)?$")
#: The digits of a number with all that separates them; such digits up to its last point or comma, and after it.
_DIGITS = re.compile(r"\d(?:[\d .,'’]*\d)?")
_PARTS = re.compile(r"(?P<whole>\d{1,3}(?:[ '’.,]\d{3})+|\d+)[.,](?P<last_digits>\d+)")
_THOUSANDS_WHOLE = re.compile(r"[1-9]\d{0,2}(?:[ '’.,]\d{3})*")
#: What stands beside a number among words and belongs to it: its sign, its unit.
_BEFORE = re.compile(rf"(?:^|(?<=[\s:=(]))[{NEGATIVE_SIGNS}]\s?$")
_AFTER = re.compile(
    r"\s?(?:[kKM]\s?)?(?:€|eur(?:os?)?\b)|[kKM]\b|\s(?:[kKM]\b|mille\b|milliers\b|millions?\b)", re.IGNORECASE
)
_LETTER_O = re.compile(r"(?<=[\d,. oO])[oO](?=[oO\d,. €]|$)|[oO](?=\d)")


def _worded(text: str) -> str:
    """The text with « mille » and « millions » as their units."""
    return _MILLIONS.sub(" M€", _THOUSANDS.sub(" k€", text))


def _read(typed: Typed) -> int | None:
    return parse_amount(_worded(typed.text)).cents if typed.text else None


def _rounded(cents: int) -> str:
    return f"Arrondissez à {typed_euros(cents)}."


def _either(first: str, second: str) -> str:
    return f"Saisissez {first} ou {second}, selon ce que vous vouliez dire."


def _exact(typed: Typed) -> int | None:
    if typed.plain_number is None or not abs(typed.plain_number) < LARGEST_EUROS:
        return None
    cents, exact = nearest_cents(typed.plain_number)
    return cents if exact and (cents or typed.plain_number == 0) else None


def _remnant(typed: Typed) -> int | None:
    """Zero, for the noise of the last digits."""
    return 0 if typed.plain_number is not None and abs(typed.plain_number) <= REMNANT_EUROS else None


def _finer(typed: Typed) -> str | None:
    number = typed.plain_number
    return _rounded(nearest_cents(number)[0]) if number is not None and abs(number) < LARGEST_EUROS else None


def _small_m(typed: Typed) -> str | None:
    match = _SMALL_M.match(typed.text)
    cents = parse_amount(match["number"]).cents if match is not None else None
    if cents is None:
        return None
    return _either(f"{plain_euros(cents * 1_000)} (milliers)", f"{plain_euros(cents * 1_000_000)} (millions)")


@dataclass(frozen=True)
class _Parts:
    """A number before and after its last point or comma, and how many euros one is, as the rest of the text says."""

    whole: str
    last_digits: str
    scale: Decimal

    @classmethod
    def of(cls, text: str) -> _Parts | None:
        """Those of the only number of a text that may be read in several ways."""
        digits = _DIGITS.findall(text)
        parts = _PARTS.fullmatch(digits[0]) if len(digits) == 1 else None
        if parts is None or not parse_amount(_worded(text)).ambiguous:
            return None
        unit = parse_amount(_worded(text.replace(digits[0], "1", 1))).cents
        return cls(parts["whole"], parts["last_digits"], Decimal(unit or 100) / 100)

    def cents(self, *, has_decimals: bool) -> int:
        """The amount, where the last point or comma is before decimals, or before thousands."""
        whole = "".join(filter(str.isdecimal, self.whole))
        return nearest_cents(Decimal(f"{whole}{'.' if has_decimals else ''}{self.last_digits}") * self.scale)[0]


def _ambiguous(typed: Typed) -> str | None:
    parts = _Parts.of(typed.text)
    if parts is None or len(parts.last_digits) != 3 or _THOUSANDS_WHOLE.fullmatch(parts.whole) is None:
        return None
    return _either(*(typed_euros(parts.cents(has_decimals=has_decimals)) for has_decimals in (False, True)))


def _dashed(typed: Typed) -> str | None:
    cents = parse_amount(typed.text).cents if _DASHED.search(typed.text) else None
    return None if cents is None else _either(typed_euros(-cents), typed_euros(cents))


def _plausible(typed: Typed) -> int | None:
    cents = _read(typed)
    return None if cents is None or abs(cents) >= LARGEST_EUROS * 100 else cents


def _two(typed: Typed) -> str | None:
    parts = parts_of(typed.text)
    if len(parts) < 2 or spoilt_number(typed.text):
        return None
    known = [cents for part in parts if (cents := parse_amount(part).cents) is not None]
    if "+" in typed.text and len(known) == len(parts):
        return f"Saisissez {typed_euros(sum(known))} s'il faut leur somme, ou un seul des montants."
    is_choice = len(known) == len(parts) == 2  # of more, as in a date, none is meant
    words = " ou ".join(map(typed_euros, known)) if is_choice else "un seul montant"
    return f"Saisissez {words}, et mettez le reste dans le commentaire."


def _letter(typed: Typed) -> str | None:
    mended = _LETTER_O.sub("0", typed.text)
    cents = parse_amount(mended).cents if mended != typed.text else None
    return None if cents is None else f"Saisissez {typed_euros(cents)} : la lettre O y tenait la place d'un zéro."


def _fine(typed: Typed) -> str | None:
    parts = _Parts.of(typed.text)
    return None if parts is None or len(parts.last_digits) < 3 else _rounded(parts.cents(has_decimals=True))


def _among_words(typed: Typed) -> str | None:
    is_readable = "%" not in typed.text and not spoilt_number(typed.text)
    number = only_number(typed.text, _BEFORE, _AFTER) if is_readable else None
    cents = parse_amount(_worded(number)).cents if number is not None else None
    if cents is None:
        return None
    return f"Saisissez {typed_euros(cents)} si c'est le montant, et mettez les mots dans le commentaire."


# fmt: off
MONEY_RULES = Rules[int]("money", format_euros)
MONEY_RULES.takes("un nombre", 1234, _exact)
MONEY_RULES.understands("un reste de calcul, trop petit pour être montré", 1e-7, _remnant)
MONEY_RULES.refuses("montant-plus-fin-que-le-centime", "un nombre de plus de deux décimales", 12.345, _finer)
MONEY_RULES.refuses("montant-demesure", "un nombre invraisemblable", 1e15, lambda typed: typed.plain_number is not None)
refuse_percent_cells(MONEY_RULES)
add_common_rules(MONEY_RULES, date(2016, 12, 31))
MONEY_RULES.refuses("montant-ambigu", "un m minuscule : 12 m€", "12 m€", _small_m)
MONEY_RULES.refuses("montant-ambigu", "un point ou une virgule devant trois chiffres", "1.234", _ambiguous)
MONEY_RULES.refuses("montant-ambigu", "un tiret à la place des centimes : 1200,-", "1200,-", _dashed)
MONEY_RULES.understands("un montant négatif : parenthèses, moins devant ou derrière", "(1 234)",
    lambda typed: _plausible(typed) if _NEGATIVE.search(typed.text) else None)
MONEY_RULES.understands("k€, M€, milliers ou millions", "12 k€",
    lambda typed: _plausible(typed) if _SCALED.search(_worded(typed.text)) else None)
MONEY_RULES.understands("un montant suivi de €, EUR ou euros", "1 234,56 €",
    lambda typed: _plausible(typed) if _CURRENCY.search(typed.text) else None)
MONEY_RULES.understands("des milliers séparés par une espace, une apostrophe, un point ou une virgule", "1 234,56",
    lambda typed: _plausible(typed) if _SEPARATED.search(typed.text) else None)
MONEY_RULES.understands("un nombre saisi comme un texte", "1234", _plausible)
MONEY_RULES.refuses("montant-demesure", "un texte invraisemblable", "99 999 999 999 999 €",
    lambda typed: _read(typed) is not None)
MONEY_RULES.refuses("deux-valeurs", "deux montants dans une cellule", "1 200 / 1 300", _two)
MONEY_RULES.refuses("texte-au-lieu-de-nombre", "la lettre O parmi les chiffres", "12OO", _letter)
MONEY_RULES.refuses("montant-plus-fin-que-le-centime", "plus de deux décimales", "0,1234", _fine)
MONEY_RULES.refuses("texte-au-lieu-de-nombre", "un montant parmi des mots : « environ 1200 », « 1200 HT »",
    "environ 1200", _among_words)
MONEY_RULES.refuses("texte-au-lieu-de-nombre", "tout autre texte", "voir convention",
    lambda typed: spoilt_number(typed.text) or "Saisissez le montant en chiffres, ou laissez la cellule vide.")
