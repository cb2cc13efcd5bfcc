"""Amounts as people type them: text in, integer cents out, or the reason why not. Nothing is guessed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

#: Separators of thousands that people type or software pastes: space, no-break, thin and narrow spaces, apostrophes.
_SPACES = " \u00a0\u2007\u2009\u202f'\u2019"
_NEGATIVE_SIGNS = "-\u2212\u2013"
#: A small m could be thousands (milliers) as well as millions: it is no unit.
_UNIT = re.compile(r"(?P<scale>[kKM])?\s*(?:€|(?i:euros?|eur))\s*$|(?P<bare>[kKM])\s*$")
_UNIT_BEFORE = re.compile(r"(?:€|(?i:euros?|eur)(?![A-Za-z]))\s*")
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
    """Read an amount in euros typed by a person (DESIGN.md §3): ``1 234,56 €``, ``1.234,56``, ``12 k€``, ``(120)``.

    A single separator and then exactly three digits (``1.234`` or ``1,234``) may be thousands or decimals: ambiguous.
    More than two decimals after scaling are not an amount: money is exact to the cent.
    """
    stripped = text.strip(_SPACES + "\t\r\n")
    if not stripped or len(stripped) > _LONGEST:
        return Amount()
    stripped, signs, scales = _peeled(stripped)
    if stripped.casefold() in _NOTHING and not signs:  # « - € » too: how Excel's accounting format shows zero
        return Amount(nothing=True)
    if len(signs) > 1 or len(scales) > 1:
        return Amount()
    negative, scale = signs not in ([], ["+"]), scales[0] if scales else 1
    number = _number(stripped)
    if not isinstance(number, Decimal):
        return Amount(ambiguous=number)
    cents = number * scale * 100
    if cents != cents.to_integral_value():
        return Amount(ambiguous=True)
    return Amount(cents=-int(cents) if negative else int(cents))


def _peeled(text: str) -> tuple[str, list[str], list[int]]:
    """``text`` without what stands around a number, then the signs (``(`` for parentheses) and the units, as scales."""
    signs, scales = list[str](), list[int]()
    while text and text.casefold() not in _NOTHING:
        if text[0] == "(" and text[-1] == ")":
            signs.append("(")
            text = text[1:-1]
        elif (unit := _UNIT.search(text)) is not None:
            scales.append(_SCALES[(unit["scale"] or unit["bare"] or "").lower()])
            text = text[: unit.start()]
        elif (unit := _UNIT_BEFORE.match(text)) is not None:
            scales.append(1)
            text = text[unit.end() :]
        elif text[0] in _NEGATIVE_SIGNS + "+":
            signs.append(text[0])
            text = text[1:]
        elif text[-1] in _NEGATIVE_SIGNS:
            signs.append(text[-1])
            text = text[:-1]
        else:
            break
        text = text.strip(_SPACES)
    return text, signs, scales


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
