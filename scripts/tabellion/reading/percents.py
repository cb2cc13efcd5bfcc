"""Cells that show a percentage: 0.05 in such a cell is 5 % for the person who reads it, and 1 is 100 %."""

from __future__ import annotations

import re
from collections.abc import Collection

from tabellion.addresses import column_index
from tabellion.reading.raw import Cell
from tabellion.reading.xml_parts import elements

#: The number formats 0% and 0.00%, which Excel knows by number alone (ECMA-376, part 1, 18.8.30).
_BUILT_IN = frozenset(("9", "10"))
#: What a number format shows as it is: quoted text, a character after \, _ or *, a colour or a condition in brackets.
_LITERAL = re.compile(r'"[^"]*"?|[\\_*].?|\[[^\]]*\]?', re.DOTALL)
_WANTED = frozenset(("numFmt", "xf", "cellStyleXfs", "cellXfs"))


#: Up to this many styles, a search for them by name is the faster one.
_MOST_NAMED = 40


def _cell(style: bytes) -> bytes:
    """A filled cell of the style, in a sheet's plain text."""
    return rb'<c r="([A-Z]+)(\d+)"(?: t="\w++")?+ s="' + style + rb'"[^>]*+(?<!/)>'


_STYLED = re.compile(_cell(rb"(\d++)"))


def is_percentage(number_format: str) -> bool:
    """Whether a number format multiplies by a hundred what it shows: ``0%`` does, ``0" %"`` does not."""
    return "%" in _LITERAL.sub("", number_format)


def percent_styles(styles: bytes, part: str) -> frozenset[str]:
    """The styles of a part of styles (as :func:`normalised_xml` gives it) that show a percentage, as cells name them.

    Raises ``TabellionError`` when the part is not well-formed.
    """
    formats, rows, found = set(_BUILT_IN), list[str](), frozenset[str]()
    seen = False
    for element in elements(styles, part, _WANTED):
        if element.name == "xf":
            rows.append(element.attributes.get("numFmtId", "0").strip())
        elif element.name == "cellStyleXfs":
            rows.clear()
        elif element.name == "cellXfs":
            found = frozenset(str(index) for index, used in enumerate(rows) if used in formats)
            seen = True
        elif not seen:  # later ones are those of conditional formats
            number, code = element.attributes.get("numFmtId", "").strip(), element.attributes.get("formatCode", "")
            (formats.add if is_percentage(code) else formats.discard)(number)
    return found


def percent_cells(cells: bytes, styles: Collection[str]) -> frozenset[Cell]:
    """The filled cells (one-based) of a sheet's plain text that have one of ``styles``."""
    if not styles:
        return frozenset()
    names = {name.encode() for name in styles}
    if len(names) > _MOST_NAMED:
        found = [(letters, row) for letters, row, style in _STYLED.findall(cells) if style in names]
    else:
        found = re.findall(_cell(b"(?:" + b"|".join(sorted(names)) + b")"), cells)
    return frozenset((int(row), column_index(letters.decode())) for letters, row in found)
