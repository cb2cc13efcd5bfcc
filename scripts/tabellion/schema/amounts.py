"""Amounts as people type them: text in, integer cents out, or the reason why not. Nothing is guessed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

#: Separators of thousands that people type or software pastes: space, no-break, thin and narrow spaces, apostrophes.
_SPACES = " \u00a0\u2007\u2009\u202f'\u2019"
_NEGATIVE_SIGNS = "-\u2212\u2013"
_UNIT = re.compile(r"(?P<scale>[kKM])?\s*(?:€|euros?|eur)\s*$|(?P<bare>[kKM])\s*$", re.IGNORECASE)
_SCALES = {"": 1, "k": 1_000, "m": 1_000_000}
_GROUPED = re.compile(rf"\d{{1,3}}(?:[{_SPACES}]{{1,2}}\d{{3}})+|\d+")
_NOTHING = {"néant", "neant", "-", "–", "—", "sans objet", "so", "s.o.", "nc", "n.c."}
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Amount:
    """What an amount typed as text means: ``cents``, or ``None`` with ``ambiguous`` telling doubt from nonsense.

    ``nothing`` is true for the words that say there is no amount (``néant``, ``-``).
    """

    cents: int | None = None
    nothing: bool = False
    ambiguous: bool = False


def parse_amount(text: str) -> Amount:
    """Read an amount in euros typed by a person (DESIGN.md §7): ``1 234,56 €``, ``1.234,56``, ``12 k€``, ``(120)``.

    A single separator and then exactly three digits (``1.234`` or ``1,234``) may be thousands or decimals: ambiguous.
    More than two decimals after scaling are not an amount: money is exact to the cent.
    """
    stripped = text.strip(_SPACES + "\t\r\n")
    if stripped.casefold() in _NOTHING:
        return Amount(nothing=True)
    if not stripped or len(stripped) > _LONGEST:
        return Amount()
    negative = False
    if stripped[0] == "(" and stripped[-1] == ")":
        negative, stripped = True, stripped[1:-1].strip(_SPACES)
    unit = _UNIT.search(stripped)
    scale = 1
    if unit is not None:
        scale = _SCALES[(unit["scale"] or unit["bare"] or "").lower()]
        stripped = stripped[: unit.start()].rstrip(_SPACES)
    elif stripped.startswith("€"):
        stripped = stripped[1:].lstrip(_SPACES)
    if stripped.casefold() in _NOTHING:  # « - € »: how Excel's accounting format shows zero
        return Amount(nothing=True)
    if stripped and stripped[0] in _NEGATIVE_SIGNS + "+":
        negative, stripped = negative or stripped[0] != "+", stripped[1:].lstrip(_SPACES)
    elif stripped and stripped[-1] in _NEGATIVE_SIGNS:
        negative, stripped = True, stripped[:-1].rstrip(_SPACES)
    number = _number(stripped)
    if not isinstance(number, Decimal):
        return Amount(ambiguous=number)
    cents = number * scale * 100
    if cents != cents.to_integral_value():
        return Amount(ambiguous=True)
    return Amount(cents=-int(cents) if negative else int(cents))


def _number(text: str) -> Decimal | bool:
    """The unsigned number that ``text`` writes; ``True`` when it could be two numbers, ``False`` when it is none."""
    marks = [mark for mark in ",." if mark in text]
    if len(marks) == 2:  # the last one is the decimal mark, the other separates thousands
        decimal = max(marks, key=text.rindex)
        thousands = "." if decimal == "," else ","
        whole, _, cents = text.rpartition(decimal)
        if (
            decimal in whole
            or not re.fullmatch(rf"\d{{1,3}}(?:[{thousands}]\d{{3}})+", whole)
            or not re.fullmatch(r"\d+", cents)
        ):
            return False
        return Decimal(whole.replace(thousands, "") + "." + cents)
    if not marks:
        return Decimal(_digits(text)) if _GROUPED.fullmatch(text) else False
    mark = marks[0]
    whole, _, rest = text.partition(mark)
    if mark in rest:
        return re.fullmatch(rf"\d{{1,3}}(?:[{mark}]\d{{3}})+", text) is not None and Decimal(text.replace(mark, ""))
    if not re.fullmatch(r"\d*", rest) or not (_GROUPED.fullmatch(whole) or (whole == "" and rest)):
        return False
    if len(rest) == 3 and 1 <= len(whole) <= 3 and whole != "0":
        return True
    return Decimal((_digits(whole) or "0") + "." + (rest or "0"))


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def format_euros(cents: int) -> str:
    """``123456`` cents as people read it: ``1 234,56 €``; whole euros lose their decimals."""
    sign, cents = ("-" if cents < 0 else ""), abs(cents)
    whole = f"{cents // 100:,}".replace(",", "\u202f")
    return f"{sign}{whole}{f',{cents % 100:02d}' if cents % 100 else ''}\u00a0€"


def plain_euros(cents: int) -> str:
    """``123456`` cents as a register writes it, with a point and no separator: ``1234.56``; whole euros as ``1234``."""
    sign, cents = ("-" if cents < 0 else ""), abs(cents)
    return f"{sign}{cents // 100}{f'.{cents % 100:02d}' if cents % 100 else ''}"
