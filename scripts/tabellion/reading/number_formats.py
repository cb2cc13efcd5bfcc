"""What number formats make of a number: a percentage, a date, a duration.

0.05 in a cell that shows a percentage is 5 % for the person who reads it, and 1 is 100 %.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal

from tabellion.reading.xml_parts import elements

Shown = Literal["percentage", "date", "duration"]

#: The formats that Excel knows by number alone (ECMA-376, part 1, 18.8.30).
_BUILT_IN: Mapping[str, Shown] = {
    **dict.fromkeys(("9", "10"), "percentage"),
    **dict.fromkeys((*map(str, range(14, 23)), "45", "47"), "date"),
    "46": "duration",
}
#: What a number format shows as it is: quoted text, a character after \, _ or *.
_LITERAL = re.compile(r'"[^"]*"?|[\\_*].?', re.DOTALL)
_BRACKETS = re.compile(r"\[[^\]]*\]?")
#: The first that a format says of days and hours: ``[h]`` counts them, ``[Red]`` and ``[$-40C]`` are no such thing.
_TIME = re.compile(r"\[(?P<duration>h+|m+|s+)\]|\[[^\]]*\]?|(?P<date>[dmhys])", re.IGNORECASE)

_EPOCH = datetime(1899, 12, 30)
_DAYS_FROM_1900_TO_1904 = 1462
#: From this day on, 1 March 1900, Excel's calendar is the real one: it has a 29 February 1900.
_FIRST_TRUE_DAY = 60
_DAY_MILLISECONDS = 86_400_000


@dataclass(frozen=True, slots=True)
class NumberFormats:
    """What the styles of a workbook show, by their index as cells write it; other styles show plain values."""

    shown: Mapping[str | None, Shown]
    date1904: bool = False

    def read(self, number: float, shown: Shown) -> float | date | time | timedelta:
        """The date, the time of the day or the duration that a cell shows; a percentage is the number that it is.

        A date beyond the calendar stays the number that it is.
        """
        if shown == "percentage":
            return number
        try:
            if shown == "duration":
                return timedelta(milliseconds=round(number * _DAY_MILLISECONDS))
            day = number + _DAYS_FROM_1900_TO_1904 if self.date1904 else number
            day = day if day >= _FIRST_TRUE_DAY else day + 1
            moment = _EPOCH + timedelta(milliseconds=round(day * _DAY_MILLISECONDS))
        except OverflowError:
            return number
        if number < 1:
            return moment.time()
        return moment.date() if number.is_integer() else moment


def read_styles(content: bytes, part: str, *, date1904: bool) -> NumberFormats:
    """The number formats of a part of styles, as :func:`normalised_xml` gives it.

    Raises ``TabellionError`` when the part is not well-formed.
    """
    codes: dict[str, Shown | None] = dict(_BUILT_IN)
    cell_styles: list[str] = []
    shown: dict[str | None, Shown] = {}
    for element in elements(content, part, "numFmt", "xf", "cellStyleXfs", "cellXfs"):
        if element.name == "xf":
            cell_styles.append(element.attributes.get("numFmtId", "0").strip())
        elif element.name == "cellStyleXfs":
            cell_styles.clear()
        elif element.name == "numFmt":
            number = element.attributes.get("numFmtId", "").strip()
            codes[number] = what_shows(element.attributes.get("formatCode", ""))
        else:  # what follows the styles of cells are those of conditional formats
            shown = {str(index): kind for index, number in enumerate(cell_styles) if (kind := codes.get(number))}
            break
    return NumberFormats(shown, date1904)


def what_shows(number_format: str) -> Shown | None:
    """What a number format makes of a number: ``0%`` multiplies it by a hundred, ``0" %"`` does not."""
    code = _LITERAL.sub("", number_format)
    if "%" in _BRACKETS.sub("", code):
        return "percentage"
    for match in _TIME.finditer(code.partition(";")[0]):
        if match["duration"]:
            return "duration"
        if match["date"]:
            return "date"
    return None


def iso_moment(text: str) -> datetime | date | time | str:
    """The moment that a cell of type ``d`` writes, or its text."""
    try:
        if "T" in text:
            moment = datetime.fromisoformat(text)
            return text if moment.tzinfo is not None else moment
        return time.fromisoformat(text) if ":" in text else date.fromisoformat(text)
    except ValueError:
        return text
