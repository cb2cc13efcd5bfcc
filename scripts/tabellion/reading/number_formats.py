"""What number formats make of a number: a percentage, a date, a duration.

0.05 in a cell that shows a percentage is 5 % for the person who reads it, and 1 is 100 %.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from functools import lru_cache
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

#: The pieces of a number format (ECMA-376, part 1, 18.8.31): what it writes as it is, a currency, where digits go;
#: a power of ten says no unit.
_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"?|\[\$(?P<currency>[^\]-]*)[^\]]*\]?|\[[^\]]*\]?|\\(?P<escaped>.?)|[_*].?'
    r"|E[+-]0+|(?P<general>General)|(?P<section>;)|(?P<place>[0#?.,@%])|(?P<bare>.)",
    re.DOTALL | re.IGNORECASE,
)
#: Commas after the last digit of the whole part: each divides by a thousand.
_SCALE = re.compile(r"(?<=[0#?]),+(?=\.|$)")

#: The last styles that were read, of so many bytes at most, are kept: all returns that one program saved have the same.
_KEPT_STYLES, _KEPT_BYTES = 8, 131_072
_EPOCH = datetime(1899, 12, 30)
_DAYS_FROM_1900_TO_1904 = 1462
#: From this day on, 1 March 1900, Excel's calendar is the real one: it has a 29 February 1900.
_FIRST_TRUE_DAY = 60
_DAY_MILLISECONDS = 86_400_000


@dataclass(frozen=True, slots=True)
class CellFormat:
    """What the style of a cell makes of a number beyond its kind: nothing of it is in the value.

    ``words`` are what the format writes around it (``k€``, ``$``, ``HT``); ``scale`` is what it divides it by;
    ``digits`` is false where it shows none of the number's. ``marked`` is a text of which a part is struck out, with
    ``~~`` around that.
    """

    struck: bool = False
    words: str = ""
    scale: int = 1
    digits: bool = True
    marked: str = ""


PLAIN, STRUCK = CellFormat(), CellFormat(struck=True)


@dataclass(frozen=True, slots=True)
class NumberFormats:
    """What the styles of a workbook show, by their index as cells write it; other styles show plain values."""

    shown: Mapping[str | None, Shown]
    date1904: bool = False
    cell_formats: Mapping[str | None, CellFormat] = field(default_factory=dict)

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
    return (_kept_styles if len(content) <= _KEPT_BYTES else _read_styles)(content, part, date1904)


def _read_styles(content: bytes, part: str, date1904: bool) -> NumberFormats:
    codes: dict[str, Shown | None] = dict(_BUILT_IN)
    written: dict[str, CellFormat] = {}
    fonts_read = 0
    cell_styles: list[str] = []
    fonts: list[str] = []
    shown: dict[str | None, Shown] = {}
    struck, struck_fonts = False, set[str]()
    cell_formats: dict[str | None, CellFormat] = {}
    for element in elements(content, part, "numFmt", "xf", "cellStyleXfs", "cellXfs", "strike", "font", "fonts"):
        if element.name == "xf":
            cell_styles.append(element.attributes.get("numFmtId", "0").strip())
            fonts.append(element.attributes.get("fontId", "").strip())
        elif element.name == "strike":
            struck = element.attributes.get("val", "1") not in ("0", "false")
        elif element.name == "font":
            if struck:
                struck_fonts.add(str(fonts_read))
            fonts_read, struck = fonts_read + 1, False
        elif element.name == "fonts":
            continue
        elif element.name == "cellStyleXfs":
            cell_styles.clear()
            fonts.clear()
        elif element.name == "numFmt":
            number = element.attributes.get("numFmtId", "").strip()
            code = element.attributes.get("formatCode", "")
            codes[number] = what_shows(code)
            if codes[number] is None:
                written[number] = written_format(code)
        else:  # what follows the styles of cells are those of conditional formats
            shown = {str(index): kind for index, number in enumerate(cell_styles) if (kind := codes.get(number))}
            for index, (number, font) in enumerate(zip(cell_styles, fonts, strict=True)):
                cell_format = replace(written.get(number, PLAIN), struck=font in struck_fonts)
                if cell_format != PLAIN:
                    cell_formats[str(index)] = cell_format
            break
    return NumberFormats(shown, date1904, cell_formats)


_kept_styles = lru_cache(_KEPT_STYLES)(_read_styles)


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


def written_format(number_format: str) -> CellFormat:
    """What a number format writes around a positive number, and what it divides it by."""
    words, places, is_general = "", "", False
    for token in _TOKEN.finditer(number_format):
        if token["section"]:
            break
        words += token["quoted"] or token["currency"] or token["escaped"] or token["bare"] or ""
        places += token["place"] or ""
        is_general = is_general or token["general"] is not None
    commas = _SCALE.search(places)
    digits = is_general or any(char in places for char in "0#?@")
    return CellFormat(words=" ".join(words.split()), scale=1000 ** len(commas[0]) if commas else 1, digits=digits)


def iso_moment(text: str) -> datetime | date | time | str:
    """The moment that a cell of type ``d`` writes, or its text."""
    try:
        if "T" in text:
            moment = datetime.fromisoformat(text)
            return text if moment.tzinfo is not None else moment
        return time.fromisoformat(text) if ":" in text else date.fromisoformat(text)
    except ValueError:
        return text
