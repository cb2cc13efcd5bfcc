"""Days as people write them in French, day first, and as Excel numbers them. What is no day of the calendar is none."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo

from tabellion.wording import fold

MONTHS = (
    "janvier", "février", "mars", "avril", "mai", "juin",
    "juillet", "août", "septembre", "octobre", "novembre", "décembre",
)  # fmt: skip
_DAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
#: Day 0 of each system of serial numbers; from March 1900 on, both are exact.
_EPOCHS = {False: date(1899, 12, 30), True: date(1904, 1, 1)}
#: Serial numbers are taken for the days of these years only: a smaller number is a year, a larger one an amount.
SERIAL_YEARS = range(1990, 2100)
YEARS = range(1900, 2200)
#: Two digits are a year of this century up to here; above, of either century.
LAST_SHORT_YEAR = 49

#: From this time on, a time that is no whole minute is midnight missed: no zone ever had so few minutes.
_BEFORE_MIDNIGHT = time(23, 45)
#: How far from midnight a universal time may be to be one, in seconds.
_MISSED = 60
#: From this hour on, a time beside a date may be another day's in another zone.
_LATE_HOUR = 20

_TIME = (
    r"(?:[T ]+(?:à )?(?P<hour>\d{1,2})[:hH](?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d+)?)? ?"
    r"(?P<zone>Z|[+-]\d{2}:?\d{2})?)?"
)
_WEEKDAY = r"(?:(?P<weekday>[a-z]{3,})\.?,? )?"
ISO = re.compile(r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})" + _TIME)
NUMERIC = re.compile(
    r"(?:le )?"
    + _WEEKDAY
    + r"(?P<day>\d{1,2})(?P<mark> ?[-/.] ?| )(?P<month>\d{1,2})(?P=mark)(?P<year>\d{4}|\d{2})"
    + _TIME,
    re.I,
)
WORDED = re.compile(
    r"(?:le )?" + _WEEKDAY + r"(?P<day>\d{1,2})(?:er)?[ -](?P<month>[a-z]{3,})\.?[ -](?P<year>\d{4}|\d{2})"
)


def written_date(day: date) -> str:
    """``31 décembre 2016``: the month in words, so that nobody takes it for the day."""
    return f"{day.day if day.day > 1 else '1er'} {MONTHS[day.month - 1]} {day.year}"


def serial_date(serial: float, *, date1904: bool = False) -> date | None:
    """The day that a serial number is, in one of the two systems; ``None`` when it is of no likely year."""
    if not 0 <= serial < 100_000:
        return None
    day = _EPOCHS[date1904] + timedelta(days=int(serial))
    return day if day.year in SERIAL_YEARS else None


def serial_of(day: date) -> int:
    """The serial number of a day, in the system of 1900."""
    return (day - _EPOCHS[False]).days


def day_meant(moment: datetime) -> tuple[date, bool]:
    """The day that somebody meant by a moment of the calendar, and whether that is a doubt to be said.

    Tools write midnight as the universal time of it, an hour or two before, or miss it by some seconds: the day is the
    next one then. A time late in the evening may be a shift too, and is left.
    """
    if moment.tzinfo is not None:
        is_universal = moment.utcoffset() == timedelta(0)
        local = _french_time(moment.replace(tzinfo=None)) if is_universal else moment.replace(tzinfo=None)
        day = _near_midnight(local) or local.date()
        return day, day != moment.date()
    universal = _french_time(moment)
    shifted = _near_midnight(moment) or (universal.date() if _seconds_from_midnight(universal) <= _MISSED else None)
    if shifted is not None and shifted != moment.date():
        return shifted, True
    return moment.date(), moment.hour >= _LATE_HOUR


def _near_midnight(moment: datetime) -> date | None:
    """The day that begins right after a moment that no person types; a whole minute is typed."""
    is_typed = moment.second == moment.microsecond == 0
    return None if is_typed or moment.time() < _BEFORE_MIDNIGHT else moment.date() + timedelta(days=1)


def _seconds_from_midnight(moment: datetime) -> float:
    seconds = (moment - datetime.combine(moment.date(), time())).total_seconds()
    return min(seconds, 86_400 - seconds)


def _french_time(universal: datetime) -> datetime:
    """The time in France of a universal time, by the European rule (directive 2000/84/EC), without a table of zones."""
    first, last = (_last_sunday(universal.year, month) + timedelta(hours=1) for month in (3, 10))
    return universal + timedelta(hours=2 if first <= universal < last else 1)


def _last_sunday(year: int, month: int) -> datetime:
    last = datetime(year, month, 31)
    return last - timedelta(days=(last.weekday() + 1) % 7)


def parse_day(text: str) -> date | None:
    """The day that a text writes, in any of the spellings that are understood."""
    return (parse_moment(text) or (None,))[0]


def parse_moment(text: str) -> tuple[date, bool] | None:
    """The day that a text writes, and whether the time beside it makes a doubt of it (:func:`day_meant`)."""
    match = ISO.fullmatch(text) or NUMERIC.fullmatch(text)
    if match is None:
        match = WORDED.fullmatch(fold(text))
        month = None if match is None else month_number(match["month"])
    else:
        month = int(match["month"])
    day = None if match is None or month is None else make_day(match["year"], month, match["day"])
    if match is None or day is None:
        return None
    parts = match.groupdict()
    if (weekday := parts.get("weekday")) and not _DAYS[day.weekday()].startswith(weekday.casefold()):
        return None
    if parts.get("hour") is None:
        return day, False
    try:
        clock = time(int(parts["hour"]), int(parts["minute"]), int(parts["second"] or 0), tzinfo=_zone(parts["zone"]))
        return day_meant(datetime.combine(day, clock))
    except (ValueError, OverflowError):
        return None


def _zone(text: str | None) -> tzinfo | None:
    if text is None or text == "Z":
        return None if text is None else UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    return timezone((-1 if text[0] == "-" else 1) * timedelta(hours=hours, minutes=minutes))


def month_number(word: str) -> int | None:
    """The number of a month written whole or shortened (``déc``, ``janv``), when no other begins so."""
    numbers = [number for number, name in enumerate(map(fold, MONTHS), 1) if name.startswith(word)]
    return numbers[0] if len(numbers) == 1 else None


def make_day(year: str | int, month: str | int, day: str | int) -> date | None:
    """A day of the calendar and of a likely year; ``None`` when there is none such, or of no sure century."""
    number = int(year)
    if len(str(year)) == 2:
        if number > LAST_SHORT_YEAR:
            return None
        number += 2000
    if number not in YEARS:
        return None
    try:
        return date(number, int(month), int(day))
    except ValueError:
        return None
