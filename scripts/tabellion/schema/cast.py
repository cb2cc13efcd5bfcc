"""Values as found (CSV text, cells) to values as declared; what cannot be read becomes a problem, said once per cell.

Plain Python and no frame here, so that a worker process can cast without importing pandas.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from tabellion.schema.amounts import parse_amount, plain_euros
from tabellion.schema.table import FALSE_WORD, TRUE_WORD, Field

#: What a register or a sheet may write for a boolean, in any case.
_TRUE = {TRUE_WORD, "true", "vrai"}
_FALSE = {FALSE_WORD, "false", "faux"}
#: Excel keeps 15 significant digits: a float amount is exact in cents below this many euros.
_LARGEST_EUROS = 10**13
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
#: A float that comes from a whole number of cents is this close to it.
_CENT_TOLERANCE = 1e-4


@dataclass(frozen=True, slots=True)
class Problem:
    """A value that could not be read as its field wants: the position in the column, the finding's code, a remedy."""

    position: int
    code: str
    suggestion: str | None = None


@dataclass(slots=True)
class CastColumn:
    """A column after casting: ``values`` (``None`` for blank or unknown) and the ``problems`` of the unknown ones.

    Amounts are integer cents.
    """

    values: list[Any]
    problems: list[Problem] = field(default_factory=list)

    @property
    def unknown(self) -> set[int]:
        """Positions whose value was there but could not be read: the third state, neither good nor blank."""
        return {problem.position for problem in self.problems}


class _UnreadableError(ValueError):
    def __init__(self, code: str, suggestion: str | None = None) -> None:
        super().__init__(code)
        self.code, self.suggestion = code, suggestion


def cast_column(field_: Field, values: Sequence[Any]) -> CastColumn:
    """Cast one column of values as found to the kind of ``field_``; never raises for bad data."""
    read = {"money": _money, "integer": _integer, "boolean": _boolean, "string": _string}[field_.kind]
    column = CastColumn([None] * len(values))
    for position, value in enumerate(values):
        if value is None or (isinstance(value, str) and not value.strip()):
            continue
        try:
            column.values[position] = read(value)
        except _UnreadableError as reason:
            column.problems.append(Problem(position, reason.code, reason.suggestion))
    return column


def cast_columns(fields: Iterable[Field], columns: dict[str, list[Any]]) -> dict[str, CastColumn]:
    """Cast every column of ``columns`` that ``fields`` declares."""
    return {each.name: cast_column(each, columns[each.name]) for each in fields if each.name in columns}


def _money(value: Any) -> int | None:
    if isinstance(value, bool):
        raise _UnreadableError("booleen-au-lieu-de-nombre")
    if isinstance(value, int):
        return value * 100
    if isinstance(value, float):
        if not abs(value) < _LARGEST_EUROS:  # NaN and infinities too
            raise _UnreadableError("montant-demesure")
        cents = round(value * 100)
        if abs(value * 100 - cents) > _CENT_TOLERANCE * max(1.0, abs(value) * 1e-6):
            raise _UnreadableError("montant-plus-fin-que-le-centime", f"Arrondissez à {plain_euros(cents)}.")
        return cents
    if isinstance(value, str):
        amount = parse_amount(value)
        if amount.cents is not None:
            raise _UnreadableError(
                "texte-au-lieu-de-nombre", f"Tapez {plain_euros(amount.cents).replace('.', ',')} comme un nombre."
            )
        if amount.ambiguous:
            raise _UnreadableError("montant-ambigu")
        raise _UnreadableError("texte-au-lieu-de-nombre", "Laissez la cellule vide." if amount.nothing else None)
    raise _UnreadableError("date-au-lieu-de-nombre")


def _integer(value: Any) -> int | None:
    if isinstance(value, bool):
        raise _UnreadableError("booleen-au-lieu-de-nombre")
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")) or value != int(value):
            raise _UnreadableError("nombre-non-entier")
        return int(value)
    if isinstance(value, str):
        if re.fullmatch(r"\s*[+-]?\d{1,15}\s*", value):
            raise _UnreadableError("texte-au-lieu-de-nombre", f"Tapez {int(value)} comme un nombre.")
        raise _UnreadableError("texte-au-lieu-de-nombre")
    raise _UnreadableError("date-au-lieu-de-nombre")


def _boolean(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    word = value.strip().casefold() if isinstance(value, str) else value
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise _UnreadableError("ni-oui-ni-non")


def _string(value: Any) -> str | None:
    if isinstance(value, str):
        if _CONTROL.search(value):
            raise _UnreadableError("caracteres-interdits", f"Retapez : {_CONTROL.sub('', value)[:80]}")
        return value.replace("\r\n", "\n").replace("\r", "\n") if "\r" in value else value
    if isinstance(value, bool):
        return TRUE_WORD if value else FALSE_WORD
    if isinstance(value, float) and value == value and abs(value) < _LARGEST_EUROS and value == int(value):
        return str(int(value))
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, datetime | date | time | timedelta):
        raise _UnreadableError("date-au-lieu-de-texte")
    return str(value)


def parse_csv_text(field_: Field, text: str) -> Any:
    """One text of a register's CSV as the plain value a cell would hold: numbers as numbers, the rest as it is.

    A register writes amounts with a point and without separators (``1234.56``); anything else stays text, and
    :func:`cast_column` says what is wrong with it.
    """
    if field_.kind == "integer" and re.fullmatch(r"-?\d{1,15}", text):
        return int(text)
    if field_.kind == "money" and re.fullmatch(r"-?\d{1,13}(\.\d{1,2})?", text):
        return float(text)
    return text
