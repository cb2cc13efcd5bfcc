"""Days as people write them in French, day first, and as Excel numbers them. What is no day of the calendar is none."""

from __future__ import annotations

import re
from datetime import date, timedelta

from tabellion.wording import fold

MONTHS = (
    "janvier", "février", "mars", "avril", "mai", "juin",
    "juillet", "août", "septembre", "octobre", "novembre", "décembre",
)  # fmt: skip
_DAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
#: Day 0 of each system of serial numbers; from March 1900 on, both are exact.
_EPOCHS = {False: date(1899, 12, 30), True: date(1904, 1, 1)}
#: Serial numbers are taken for the days of these years only: a smaller number is a year, a larger one an amount.
_SERIAL_YEARS = range(1990, 2100)
YEARS = range(1900, 2200)
#: Two digits are a year of this century up to here; above, of either century.
LAST_SHORT_YEAR = 49

_TIME = r"(?:[T ]+(?:à )?(?P<time>\d{1,2}[:hH]\d{2}(?::\d{2}(?:\.\d+)?)?Z?))?"
ISO = re.compile(r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})" + _TIME)
NUMERIC = re.compile(
    r"(?:le )?(?P<day>\d{1,2})(?P<mark> ?[-/.] ?| )(?P<month>\d{1,2})(?P=mark)(?P<year>\d{4}|\d{2})" + _TIME, re.I
)
WORDED = re.compile(
    r"(?:le )?(?:(?P<weekday>[a-z]+),? )?(?P<day>\d{1,2})(?:er)?[ -](?P<month>[a-z]{3,})\.?[ -](?P<year>\d{4}|\d{2})"
)


def written_date(day: date) -> str:
    """``31 décembre 2016``: the month in words, so that nobody takes it for the day."""
    return f"{day.day if day.day > 1 else '1er'} {MONTHS[day.month - 1]} {day.year}"


def serial_date(serial: float, *, date1904: bool = False) -> date | None:
    """The day that a serial number is, in one of the two systems; ``None`` when it is of no likely year."""
    if not 0 <= serial < 100_000:
        return None
    day = _EPOCHS[date1904] + timedelta(days=int(serial))
    return day if day.year in _SERIAL_YEARS else None


def parse_day(text: str) -> date | None:
    """The day that a text writes, in any of the spellings that are understood."""
    for pattern in (ISO, NUMERIC):
        match = pattern.fullmatch(text)
        if match is not None:
            return make_day(match["year"], match["month"], match["day"])
    match = WORDED.fullmatch(fold(text))
    if match is None or (month := month_number(match["month"])) is None:
        return None
    day = make_day(match["year"], month, match["day"])
    weekday = match["weekday"]
    if day is None or (weekday is not None and (weekday not in _DAYS or _DAYS.index(weekday) != day.weekday())):
        return None
    return day


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
