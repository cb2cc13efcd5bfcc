"""Amounts in euros as the document types them, read into integer cents."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tabellion.schema.money import format_euros

_SPACES = " \u00a0\u202f\u2009"
_INTEGER = rf"\d{{1,3}}(?:[{_SPACES}]\d{{3}})+(?!\d)|\d{{1,3}}(?:\.\d{{3}})+(?!\d)|\d{{1,15}}"
_EURO = r"(?:€|(?i:euros?|eur)\b)"
_WHOLE = re.compile(rf"(?P<sign>[-−–][{_SPACES}]?)?(?P<int>{_INTEGER})(?:[.,](?P<dec>\d{{1,2}}))?\s?\s?(?:{_EURO})?")
_INSIDE = re.compile(
    rf"(?P<sign>(?<!\S)[-−])?(?<![\d,.])(?P<int>{_INTEGER})(?:[.,](?P<dec>\d{{1,2}}))?(?!\d)\s?\s?{_EURO}"
)
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount found in a text: where it starts and ends, and its value in cents."""

    start: int
    end: int
    cents: int


def _cents(match: re.Match[str]) -> int:
    units = int(re.sub(r"\D", "", match["int"]))
    decimals = (match["dec"] or "").ljust(2, "0")
    value = units * 100 + int(decimals)
    return -value if match["sign"] else value


def parse_amount(text: str) -> int | None:
    """The cents of a text that is one amount and nothing else, with or without its euro sign; else None.

    Thousands may be spaced (also with no-break spaces) or dotted; cents follow a comma or a dot. What has a wrong
    grouping (``12 34``, ``1,234``) is not read: a guess would invent euros.
    """
    text = text.strip()
    if not text or len(text) > _LONGEST:
        return None
    match = _WHOLE.fullmatch(text)
    return _cents(match) if match else None


def find_amounts(text: str) -> list[Amount]:
    """Every amount with a euro sign that ``text`` states, in order. A dash before a space is a dash, not a minus."""
    return (
        [Amount(m.start(), m.end(), _cents(m)) for m in _INSIDE.finditer(text)]
        if "€" in text or "eur" in text.lower()
        else []
    )


def only_amounts(text: str) -> list[int] | None:
    """The cents of a cell that holds nothing but amounts: none for a blank cell, several when rows ran together.

    None when the cell holds anything else.
    """
    text = text.strip()
    if not text:
        return []
    whole = parse_amount(text)
    if whole is not None:
        return [whole]
    found = find_amounts(text)
    rest = text
    for amount in reversed(found):
        rest = rest[: amount.start] + rest[amount.end :]
    return [amount.cents for amount in found] if found and not rest.strip() else None


def written(cents: int | None) -> str:
    """Cents as French text for a message, with plain spaces: ``1 234,56 €``, or ``(vide)``."""
    return "(vide)" if cents is None else " ".join(format_euros(cents).split())
