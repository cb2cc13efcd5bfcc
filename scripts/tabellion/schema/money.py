"""Money and rounding: integer cents to and from euros, halves away from zero, amounts as people read and type them."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import overload

#: Excel keeps 15 significant digits: a float amount is exact in cents below this many euros.
LARGEST_EUROS = 10**13
#: A float that comes from a whole number of cents is this close to it.
_CENT_TOLERANCE = 1e-4
_NARROW, _NO_BREAK = "\u202f", "\u00a0"


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
    whole, rest = divmod(abs(cents), 100)
    return f"{whole:,}".replace(",", thousands) + (f"{mark}{rest:02d}" if rest else "")
