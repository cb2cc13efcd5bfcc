"""Values as found (CSV text, cells) to values as declared; what cannot be read becomes a problem, said once per cell.

Plain Python and no frame here, so that a worker process can cast without importing pandas.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

from tabellion.schema.amounts import parse_amount
from tabellion.schema.days import parse_day, serial_date
from tabellion.schema.money import LARGEST_EUROS, nearest_cents, typed_euros
from tabellion.schema.table import FALSE_WORD, TRUE_WORD, Field, Kind
from tabellion.schema.typed import Outcome, kind_of, make_typed, read_typed
from tabellion.schema.typed.choices import FALSE_WORDS, TRUE_WORDS, refused_text, text_of
from tabellion.schema.typed.numbers import LARGEST
from tabellion.schema.typed.percents import hundredfold
from tabellion.wording import french_date, without_invisible

_ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True, slots=True)
class Problem:
    """What there is to say about one value: its position in the column, the finding's code, a remedy.

    ``understood`` shows what a value taken with a notice was taken for; it is ``None`` for one that could not be read.
    """

    position: int
    code: str
    suggestion: str | None = None
    understood: str | None = None


@dataclass(slots=True)
class CastColumn:
    """A column after casting: ``values`` (``None`` for blank or unknown), the ``problems`` of the unknown ones, and the
    ``notices`` about those that were typed otherwise and understood.

    Amounts are integer cents, percentages whole numbers, days dates.
    """

    values: list[Any]
    problems: list[Problem] = field(default_factory=list)
    notices: list[Problem] = field(default_factory=list)

    @property
    def unknown(self) -> set[int]:
        """Positions whose value was there but could not be read: the third state, neither good nor blank."""
        return {problem.position for problem in self.problems}


class _UnreadableError(ValueError):
    def __init__(self, code: str, suggestion: str | None = None) -> None:
        super().__init__(code)
        self.code, self.suggestion = code, suggestion


def cast_column(
    field_: Field,
    values: Sequence[Any],
    *,
    tolerant: bool = False,
    percents: Collection[int] = (),
    date1904: bool = False,
) -> CastColumn:
    """Cast one column of values as found to the kind of ``field_``; never raises for bad data.

    Strict as it is, a register and a master hold numbers and dates, since no formula counts a text. With ``tolerant``,
    values are read as people type them (:data:`tabellion.schema.typed.TYPED_RULES`). ``percents`` are the positions of
    cells that show a percentage, where 1 is 100 %; ``date1904`` says that serial numbers count from 1904.
    """
    if tolerant:
        return _cast_typed(field_, values, percents, date1904)
    read = _STRICT[field_.kind]
    column = CastColumn([None] * len(values))
    for position, value in enumerate(values):
        if value is None or (isinstance(value, str) and not value.strip()):
            continue
        try:
            if position in percents and field_.kind == "percent":
                value = _shown_percent(value)
            column.values[position] = read(value)
        except _UnreadableError as reason:
            column.problems.append(Problem(position, reason.code, reason.suggestion))
    return column


def _cast_typed(field_: Field, values: Sequence[Any], percents: Collection[int], date1904: bool) -> CastColumn:
    column = CastColumn([None] * len(values))
    clean, plain = _clean_path(field_)
    taken = column.values
    for position, value in enumerate(values):
        if value is None:
            continue
        if type(value) is clean and position not in percents and (known := plain(value)) is not None:
            taken[position] = known
            continue
        if isinstance(value, str) and not without_invisible(value).strip():
            continue
        typed = make_typed(value, field_, percent=position in percents, date1904=date1904)
        rule, reading = read_typed(typed)
        if rule.outcome is Outcome.REFUSE:
            column.problems.append(Problem(position, reading.code, reading.suggestion))
            continue
        taken[position] = reading.value
        if rule.outcome is Outcome.COMPRIS:
            column.notices.append(Problem(position, "valeur-comprise", None, reading.understood))
    return column


def _clean_path(field_: Field) -> tuple[type, Callable[[Any], Any]]:
    """The one type that a client gives for what a field wants, and its reading, or ``None`` for the rules.

    The rules say the same, only slower. The reader gives every number as a float.
    """
    kind = kind_of(field_)
    if kind == "list":
        return str, {word: word for word in field_.enum}.get
    if kind == "code" and field_.anchored_pattern is not None:
        match = re.compile(field_.anchored_pattern).match
        return str, lambda text: text if match(text) else None
    return _CLEAN[kind]


def _plain_money(value: float) -> int | None:
    if not -LARGEST_EUROS < value < LARGEST_EUROS:
        return None
    cents, exact = nearest_cents(value)
    return cents if exact else None


def _plain_integer(value: float) -> int | None:
    return int(value) if -LARGEST < value < LARGEST and value.is_integer() else None


def _plain_percent(value: float) -> int | None:
    return int(value) if 0 <= value <= 100 and value.is_integer() else None


def _plain_text(value: str) -> str | None:
    return text_of(value) if value[:1].isalnum() else None  # another one may show nothing


def _plain_day(value: date) -> date:
    return value


_CLEAN: Mapping[str, tuple[type, Callable[[Any], Any]]] = {
    "money": (float, _plain_money),
    "integer": (float, _plain_integer),
    "percent": (float, _plain_percent),
    "date": (date, _plain_day),
    "boolean": (str, {TRUE_WORD: True, FALSE_WORD: False}.get),
    "text": (str, _plain_text),
}


def _money(value: Any) -> int | None:
    if isinstance(value, bool):
        raise _UnreadableError("booleen-au-lieu-de-nombre")
    if isinstance(value, int):
        return value * 100
    if isinstance(value, float):
        if not abs(value) < LARGEST_EUROS:  # NaN and infinities too
            raise _UnreadableError("montant-demesure")
        cents, exact = nearest_cents(value)
        if not exact:
            raise _UnreadableError("montant-plus-fin-que-le-centime", f"Arrondissez à {typed_euros(cents)}.")
        return cents
    if isinstance(value, str):
        amount = parse_amount(value)
        if amount.cents is not None:
            raise _UnreadableError("texte-au-lieu-de-nombre", f"Tapez {typed_euros(amount.cents)} comme un nombre.")
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
        if not abs(value) < LARGEST:  # NaN and infinities too
            raise _UnreadableError("nombre-demesure")
        if value != int(value):
            raise _UnreadableError("nombre-non-entier")
        return int(value)
    if isinstance(value, str):
        if re.fullmatch(r"\s*[+-]?\d{1,15}\s*", value):
            raise _UnreadableError("texte-au-lieu-de-nombre", f"Tapez {int(value)} comme un nombre.")
        raise _UnreadableError("texte-au-lieu-de-nombre")
    raise _UnreadableError("date-au-lieu-de-nombre")


def _shown_percent(value: Any) -> Any:
    """What a cell that shows a percentage shows, when that is whole: 0.05 there is 5."""
    if isinstance(value, int | float) and not isinstance(value, bool) and (whole := hundredfold(value)) is not None:
        return whole
    return value


def _date(value: Any) -> date | None:
    if isinstance(value, datetime):
        if value.time() != time():
            raise _UnreadableError("date-avec-heure", f"Tapez {french_date(value)}.")
        return value.date()
    if isinstance(value, date):
        return value
    if isinstance(value, str):
        day = parse_day(value.strip())
        if day is not None:
            raise _UnreadableError("date-en-texte", f"Tapez {french_date(day)} comme une date.")
    elif isinstance(value, float) and (day := serial_date(value)) is not None:
        raise _UnreadableError(
            "pas-une-date", f"Donnez à la cellule le format « Date » : ce serait {french_date(day)}."
        )
    raise _UnreadableError("pas-une-date")


def _boolean(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    word = value.strip().casefold() if isinstance(value, str) else value
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise _UnreadableError("ni-oui-ni-non")


def _string(value: Any) -> str | None:
    text = text_of(value)
    if text is None:
        reading = refused_text(value)
        raise _UnreadableError(reading.code, reading.suggestion)
    return text


_STRICT: Mapping[Kind, Callable[[Any], Any]] = {
    "money": _money,
    "integer": _integer,
    "percent": _integer,
    "date": _date,
    "boolean": _boolean,
    "string": _string,
}


def parse_csv_text(field_: Field, text: str) -> Any:
    """One text of a register's CSV as the plain value a cell would hold: numbers as numbers, the rest as it is.

    A register writes amounts with a point and without separators (``1234.56``), days as ISO 8601 does; anything else
    stays text, and :func:`cast_column` says what is wrong with it.
    """
    if field_.kind in ("integer", "percent") and re.fullmatch(r"-?\d{1,15}", text):
        return int(text)
    if field_.kind == "money" and re.fullmatch(r"-?\d{1,13}(\.\d{1,2})?", text):
        return float(text)
    if field_.kind == "date" and _ISO_DAY.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            return text
    return text
