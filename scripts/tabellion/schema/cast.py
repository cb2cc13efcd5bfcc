"""Values as found (CSV text, cells) to values as declared; what cannot be read becomes a problem, said once per cell.

Plain Python and no frame here, so that a worker process can cast without importing pandas.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time

from tabellion.schema.days import parse_day, serial_date
from tabellion.schema.money import LARGEST_EUROS, nearest_cents, parse_amount, typed_euros
from tabellion.schema.numbers import spoilt_number
from tabellion.schema.table import FALSE_WORD, TRUE_WORD, Field, Kind, Value
from tabellion.schema.typed import Outcome, kind_of, make_typed, read_typed
from tabellion.schema.typed.choices import FALSE_WORDS, TRUE_WORDS, refused_text, text_of
from tabellion.schema.typed.numbers import LARGEST, hundredfold, whole_number
from tabellion.schema.typed.rules import Reading
from tabellion.wording import as_seen, french_date, without_invisible


@dataclass(frozen=True, slots=True)
class Problem:
    """What there is to say about one value: its position in the column, the finding's code, a remedy.

    ``understood`` shows what a value taken with a notice was taken for; it is ``None`` for one that could not be read.
    ``habit`` is how it is spelt: of one habit in a column, one notice is enough.
    """

    position: int
    code: str
    suggestion: str | None = None
    understood: str | None = None
    habit: str = ""

    def shown(self, typed: object) -> str | None:
        """What ``typed`` was taken for, in words; where it reads the same, that it is a text."""
        is_same = isinstance(typed, str) and self.understood is not None and as_seen(typed) == as_seen(self.understood)
        return f"{self.understood} (la cellule contient du texte)" if is_same else self.understood


@dataclass(slots=True)
class CastColumn:
    """A column after casting: ``values`` (``None`` for blank or unknown), the ``problems`` of the unknown ones, and the
    ``notices`` about those that were typed otherwise and understood.

    Amounts are integer cents, percentages whole numbers, days dates.
    """

    values: list[Value]
    problems: list[Problem] = field(default_factory=list)
    notices: list[Problem] = field(default_factory=list)

    @property
    def unknown(self) -> set[int]:
        """Positions whose value was there but could not be read: the third state, neither good nor blank."""
        return {problem.position for problem in self.problems}


def cast_column(
    field_: Field,
    values: Sequence[object],
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
    column = CastColumn([None] * len(values))
    clean, plain = _clean_path(field_) if tolerant else _CLEAN["text" if field_.kind == "string" else field_.kind]
    for position, value in enumerate(values):
        if value is None:
            continue
        is_percent, outcome, habit = position in percents, Outcome.PRIS, ""
        if type(value) is clean and not is_percent and (known := plain(value)) is not None:
            column.values[position] = known
            continue
        if isinstance(value, str) and not without_invisible(value).strip():
            continue
        if tolerant:
            rule, reading = read_typed(make_typed(value, field_, percent=is_percent, date1904=date1904))
            outcome, habit = rule.outcome, rule.spelling
        else:
            is_share = is_percent and field_.kind == "percent"
            reading = _STRICT[field_.kind](_shown_percent(value) if is_share else value)
        if reading.code:
            column.problems.append(Problem(position, reading.code, reading.suggestion))
        column.values[position] = reading.value
        if outcome is Outcome.COMPRIS:
            column.notices.append(Problem(position, reading.notice, None, reading.understood, habit))
    return column


#: The one type that a client gives for what a field wants, and its reading, or ``None`` where the rules are needed.
_CleanPath = tuple[type, Callable[..., Value]]


def _clean_path(field_: Field) -> _CleanPath:
    """How the values of a field are read at once. The rules say the same, only slower.

    The reader gives every number as a float.
    """
    kind = kind_of(field_)
    if kind == "list":
        return str, {word: word for word in field_.enum}.get
    if kind == "code" and field_.anchored_pattern is not None:
        match = re.compile(field_.anchored_pattern).match
        return str, lambda text: text if match(text) else None
    return _CLEAN[kind]


def _plain_money(value: float) -> int | None:
    cents, exact = nearest_cents(value) if -LARGEST_EUROS < value < LARGEST_EUROS else (0, False)
    return cents if exact and (cents or value == 0) else None


_CLEAN: Mapping[str, _CleanPath] = {
    "money": (float, _plain_money),
    "integer": (float, lambda value: int(value) if -LARGEST < value < LARGEST and value.is_integer() else None),
    "percent": (float, lambda value: int(value) if 0 <= value <= 100 and value.is_integer() else None),
    "date": (date, lambda day: day),
    "boolean": (str, {TRUE_WORD: True, FALSE_WORD: False}.get),
    "text": (str, lambda text: text_of(text) if text[:1].isalnum() else None),  # another one may show nothing
}


def _money(value: object) -> Reading:
    if isinstance(value, bool):
        return Reading(code="booleen-au-lieu-de-nombre")
    if isinstance(value, int):
        return Reading(value * 100)
    if isinstance(value, float):
        if not abs(value) < LARGEST_EUROS:  # NaN and infinities too
            return Reading(code="montant-demesure")
        cents, exact = nearest_cents(value)
        remedy = f"Arrondissez à {typed_euros(cents)}."
        return Reading(cents) if exact else Reading(code="montant-plus-fin-que-le-centime", suggestion=remedy)
    if not isinstance(value, str):
        return Reading(code="date-au-lieu-de-nombre")
    amount = parse_amount(value)
    if amount.ambiguous:
        return Reading(code="montant-ambigu")
    if amount.cents is not None:
        return _text(f"Saisissez {typed_euros(amount.cents)} comme un nombre.")
    return _text("Laissez la cellule vide." if amount.nothing else spoilt_number(value))


def _text(remedy: str | None) -> Reading:
    return Reading(code="texte-au-lieu-de-nombre", suggestion=remedy)


def _integer(value: object) -> Reading:
    if isinstance(value, bool):
        return Reading(code="booleen-au-lieu-de-nombre")
    if isinstance(value, int):
        return Reading(value)
    if isinstance(value, float):
        if not abs(value) < LARGEST:  # NaN and infinities too
            return Reading(code="nombre-demesure")
        whole = whole_number(value)
        return Reading(code="nombre-non-entier") if whole is None else Reading(whole)
    if isinstance(value, str):
        is_whole = re.fullmatch(r"\s*[+-]?\d{1,15}\s*", value)
        return _text(f"Saisissez {int(value)} comme un nombre." if is_whole else spoilt_number(value))
    return Reading(code="date-au-lieu-de-nombre")


def _shown_percent(value: object) -> object:
    """What a cell that shows a percentage shows, when that is whole: 0.05 there is 5."""
    if isinstance(value, int | float) and not isinstance(value, bool) and (whole := hundredfold(value)) is not None:
        return whole
    return value


def _date(value: object) -> Reading:
    if isinstance(value, datetime):
        if value.time() == time():
            return Reading(value.date())
        return Reading(code="date-avec-heure", suggestion=f"Saisissez {french_date(value)}.")
    if isinstance(value, date):
        return Reading(value)
    day = parse_day(value.strip()) if isinstance(value, str) else None
    if day is not None:
        return Reading(code="date-en-texte", suggestion=f"Saisissez {french_date(day)} comme une date.")
    day = serial_date(value) if isinstance(value, float) else None
    remedy = None if day is None else f"Donnez à la cellule le format « Date » : ce serait {french_date(day)}."
    return Reading(code="pas-une-date", suggestion=remedy)


def _boolean(value: object) -> Reading:
    if isinstance(value, bool):
        return Reading(value)
    word = value.strip().casefold() if isinstance(value, str) else ""
    if word in TRUE_WORDS or word in FALSE_WORDS:
        return Reading(word in TRUE_WORDS)
    return Reading(code="ni-oui-ni-non")


_STRICT: Mapping[Kind, Callable[[object], Reading]] = {
    "money": _money,
    "integer": _integer,
    "percent": _integer,
    "date": _date,
    "boolean": _boolean,
    "string": lambda value: refused_text(value) if (text := text_of(value)) is None else Reading(text),
}
