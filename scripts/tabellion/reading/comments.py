"""The notes that people put on cells, threads of newer clients included; not what this program wrote."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tabellion.addresses import parse_cell
from tabellion.layout.names import ANNOTATOR, BEFORE_REMARKS
from tabellion.reading.archive import PackageParts
from tabellion.reading.raw import CellAddress
from tabellion.reading.xml_parts import elements, unescaped

#: What a newer client writes in the note of a thread, before its words, for those who cannot see it.
_THREAD = re.compile(r"\[[^\]\n]*(?:[Tt]hread|[Cc]omment)[^\]\n]*\]\s*\n.*?\n\s*Comment(?:aire)?s?\s*:\s*\n", re.DOTALL)


def read_comments(parts: PackageParts, names: Iterable[str]) -> dict[CellAddress, str]:
    """The notes of a sheet, from those of its parts, by the cell that they are on."""
    comments: dict[CellAddress, str] = {}
    for name in names:
        if name not in parts.xml:
            continue
        authors: list[str] = []
        for element in elements(parts.xml[name], name, "author", "comment"):
            if element.name == "author":
                authors.append(element.text)
                continue
            number = element.attributes.get("authorId", "")
            is_known = number.isdecimal() and len(number) < 6 and int(number) < len(authors)
            text = _THREAD.sub("", unescaped(element.text), count=1).partition(BEFORE_REMARKS)[0].strip()
            if not text or (is_known and authors[int(number)] == ANNOTATOR):
                continue
            try:
                cell = parse_cell(element.attributes.get("ref", "").replace("$", ""))
            except ValueError:
                continue
            comments[cell] = f"{comments[cell]} — {text}" if cell in comments else text
    return comments
