"""How much room a text takes, so that rows are as high as their texts: xlsxwriter does not know.

Widths are those of Carlito, which has Calibri's metrics; other fonts of text are near enough.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import lru_cache

#: Texts whose lines are remembered: most come back.
_MOST_TEXTS = 20_000
#: Hundredths of an em by character, for the regular face.
_WIDTHS_BY_SIZE = {
    23: " il\xa0ìíîï\u202f'j",
    26: ",.I·¹:;Î’‘",
    31: "()-[]f{}J!`´",
    34: "t°²³r",
    40: '/\\sz"ªLcç“”',
    46: "xkvyÿ?FSZg",
    49: "aàáâãäåETYÈÉÊË",
    52: "#*+<=>^_eèéêë~–•$0123456789«»€KPX",
    55: "bdhnopquCÇßñòóôõöøùúûüBR",
    59: "VAÀÁÂÃÄÅ",
    64: "DHGUÙÚÛÜN",
    69: "OÒÓÔÖØQ&…",
    73: "%w",
    82: "mæÆ",
    91: "MœŒ@W—→←",
}
_OTHER = 60
_WIDTHS: defaultdict[str, int] = defaultdict(lambda: _OTHER)
_WIDTHS |= {character: size for size, characters in _WIDTHS_BY_SIZE.items() for character in characters}
#: What a bold face adds.
_BOLD = 1.04
#: One unit of a column's width is a digit of the workbook's default font, Calibri 11: 7 pixels at 96 dots an inch.
#: Clients round each character; of the room, this share is counted on, so that rows are rather too high than cut.
_UNIT_PIXELS, _SHARE = 7.0, 0.95
#: A line is broken after these: Excel and LibreOffice also break after a hyphen.
_BREAK = re.compile(r"[^ \t-]*(?:-+|[ \t]+|$)")


def text_width(text: str) -> int:
    """The width of a text in hundredths of an em."""
    return sum(map(_WIDTHS.__getitem__, text))


def _unit(size: float, bold: bool) -> float:
    """The room of one unit of width in hundredths of an em of a font of ``size`` points."""
    return _UNIT_PIXELS * _SHARE * 100 / (size * 96 / 72) / (_BOLD if bold else 1.0)


@lru_cache(maxsize=_MOST_TEXTS)
def text_lines(text: str, width: float, size: float, *, bold: bool = False) -> int:
    """How many lines a wrapped text of ``size`` points takes in a column of ``width`` characters."""
    room = max(1.0, width * _unit(size, bold))
    return sum(_broken(line, room) for line in text.split("\n"))


def column_width(text: str, size: float) -> float:
    """The column width, in characters, that shows the longest line of a text of ``size`` points whole."""
    longest = max((text_width(line) for line in text.split("\n")), default=0)
    return round(longest / _unit(size, bold=False) + 0.5, 1)


def _broken(line: str, room: float) -> int:
    if len(line) * 91 <= room or text_width(line) <= room:
        return 1
    lines, used = 1, 0.0
    for match in _BREAK.finditer(line):
        word = match[0]
        solid_word = word.rstrip(" \t")
        solid = text_width(solid_word)
        if used and used + solid > room:
            lines, used = lines + 1, 0.0
        if solid > room:
            extra = int(solid // room)
            lines, used = lines + extra, used - extra * room
        used += solid + text_width(word[len(solid_word) :])
    return lines
