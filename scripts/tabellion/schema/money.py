"""Money and rounding: integer cents to and from euros, halves away from zero; amounts as people read and type them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import overload

#: Excel keeps 15 significant digits: a float amount is exact in cents below this many euros.
LARGEST_EUROS = 10**13
#: From here on, a float tells no cents apart any more.
_EXACT = 1e16
#: A float that comes from a whole number of cents is this close to it.
_CENT_TOLERANCE = 1e-4
#: What a subtraction leaves of nothing is at most so many euros: no cell shows it.
REMNANT_EUROS = 0.000001
#: What stands for an amount that nobody knows, where a blank would not be understood.
UNKNOWN = "inconnu"
_NARROW, _NO_BREAK = "\u202f", "\u00a0"
#: Separators of thousands that people type or software pastes: space, no-break, thin and narrow spaces, apostrophes.
_SPACES = " \u00a0\u2007\u2009\u202f'\u2019"
#: The hyphen of the keyboard, and the dashes and the minus sign that word processors put in its place.
NEGATIVE_SIGNS = "-\u2010\u2011\u2212\u2013\ufe63\uff0d"
#: A small m could be thousands (milliers) as well as millions: it is no unit.
_UNIT = re.compile(r"(?P<scale>[kKM])?\s*(?:€|(?i:euros?|eur))\s*$|(?P<bare>[kKM])\s*$")
_UNIT_BEFORE = re.compile(r"(?:€|(?i:euros?|eur)(?![A-Za-z]))\s*")
_SCALES = {"": 1, "k": 1_000, "m": 1_000_000}
_GROUPED = re.compile(rf"\d{{1,3}}(?:[{_SPACES}]{{1,2}}\d{{3}})+|\d+")
_NOTHING = {"néant", "neant", "-", "–", "—", "sans objet", "so", "s.o.", "nc", "n.c."}
_LONGEST = 60


def half_up(number: float | Decimal) -> int:
    """The whole number nearest to ``number``, halves away from zero; a float counts as its 15 digits in Excel."""
    exact = number if isinstance(number, Decimal) else Decimal(f"{number:.15g}")
    return int(exact.to_integral_value(ROUND_HALF_UP))


def nearest_cents(euros: float | Decimal) -> tuple[int, bool]:
    """The whole cents nearest to a number of euros below :data:`LARGEST_EUROS`, and whether the number is just that."""
    if isinstance(euros, Decimal):
        cents = half_up(euros * 100)
        return cents, cents == euros * 100
    hundredfold = euros * 100
    if not abs(hundredfold) < _EXACT:
        return half_up(Decimal(f"{euros:.15g}") * 100), False
    cents = round(hundredfold)
    if abs(hundredfold - cents) <= _CENT_TOLERANCE * max(1.0, abs(euros) * 1e-6):
        return cents, True
    return half_up(Decimal(f"{euros:.15g}") * 100), False  # 1.005 is a little less in binary: its digits decide


@overload
def euros(cents: int) -> int | float: ...
@overload
def euros(cents: None) -> None: ...
@overload
def euros(cents: int | None) -> int | float | None: ...
def euros(cents: int | None) -> int | float | None:
    """Cents as the number of euros that a cell or a finding carries: an integer when whole, ``None`` for blank."""
    if cents is None:
        return None
    return cents / 100 if cents % 100 else cents // 100


def format_euros(cents: int) -> str:
    """``123456`` cents as people read it: ``1 234,56 €``; whole euros lose their decimals."""
    return f"{'-' if cents < 0 else ''}{_digits(cents, _NARROW, ',')}{_NO_BREAK}€"


def signed_euros(cents: int) -> str:
    """A difference, with its sign: ``+1 200 €``, ``-350,50 €``, ``0 €``."""
    return f"+{format_euros(cents)}" if cents > 0 else format_euros(cents)


def known_euros(cents: int | None) -> str:
    """An amount as people read it, and a word for one that nobody knows."""
    return UNKNOWN if cents is None else format_euros(cents)


def grown(before: int | None, after: int | None) -> int | None:
    """What an amount grew by, in cents; ``None`` where it was not known, or is not."""
    return None if before is None or after is None else after - before


def change_words(before: int | None, after: int | None) -> str:
    """What an amount was and is, with the difference where both are known: ``1 000 € → 1 200 € (+200 €)``."""
    difference = grown(before, after)
    words = f"{known_euros(before)} → {known_euros(after)}"
    return words if difference is None else f"{words} ({signed_euros(difference)})"


def format_rate(hundredths: float) -> str:
    """A rate given in hundredths, with one decimal: ``97,3 %``."""
    tenths = Decimal(f"{hundredths:.15g}").quantize(Decimal("0.1"), ROUND_HALF_UP)
    return f"{tenths}{_NO_BREAK}%".replace(".", ",")


def typed_euros(cents: int) -> str:
    """``123456`` cents as a French keyboard types it in a cell: ``1234,56``."""
    return plain_euros(cents).replace(".", ",")


def plain_euros(cents: int) -> str:
    """``123456`` cents as a register writes it, with a point and no separator: ``1234.56``; whole euros as ``1234``."""
    return f"{'-' if cents < 0 else ''}{_digits(cents, '', '.')}"


def _digits(cents: int, thousands: str, mark: str) -> str:
    whole, centimes = divmod(abs(cents), 100)
    return f"{whole:,}".replace(",", thousands) + (f"{mark}{centimes:02d}" if centimes else "")


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
        elif text[0] in NEGATIVE_SIGNS + "+":
            signs.append(text[0])
            text = text[1:]
        elif text[-1] in NEGATIVE_SIGNS:
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
        return Decimal(_only_digits(text)) if _GROUPED.fullmatch(text) else False
    mark = marks[0]
    whole, _, after_mark = text.partition(mark)
    if mark in after_mark:
        return re.fullmatch(rf"\d{{1,3}}(?:[{mark}]\d{{3}})+", text) is not None and Decimal(text.replace(mark, ""))
    if not re.fullmatch(r"\d*", after_mark) or not (_GROUPED.fullmatch(whole) or (whole == "" and after_mark)):
        return False
    if len(after_mark) == 3 and 1 <= len(whole) <= 3 and whole != "0":
        return True
    return Decimal((_only_digits(whole) or "0") + "." + (after_mark or "0"))


def _only_digits(text: str) -> str:
    return re.sub(r"\D", "", text)
