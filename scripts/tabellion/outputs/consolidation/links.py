"""Links from the consolidated workbook to a cell of another file, wherever the folder ``workbooks/`` is moved."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from xlsxwriter.url import Url, UrlTypes

from tabellion.findings import Place
from tabellion.layout.names import quoted_sheet

#: Excel keeps 65,530 links on a sheet, of 2,079 characters each.
MOST_LINKS, _LONGEST = 65_000, 2_079
#: From ``workbooks/consolidation/``, where the workbook stands, to the folder that places are named from.
_UP = "../"
#: What may not stand as it is in the path of a relation: a client would read it as something else, or not at all.
_SPECIAL = re.compile(r'[\x00-\x20%"#<>\[\]^`{}|\\?\ud800-\udfff]')
#: What is no name of a file from the folder ``workbooks/``: an absolute path, a drive, a way out.
_OUTSIDE = re.compile(r"^(?:/|\\|[A-Za-z]:)|(?:^|/)\.\.(?:/|$)")


class FileLink(NamedTuple):
    """What a cell opens: a file, as a relation names it (escaped), and a cell in it; empty for the file alone."""

    target: str
    cell: str


class FileUrl(Url):  # type: ignore[misc]
    """A link as xlsxwriter writes it.

    Left to itself, xlsxwriter would take a ``#`` of the file's name for the start of a cell, and would leave a name
    that holds ``%20`` as if it had been escaped already.
    """

    def __init__(self, link: FileLink) -> None:
        self._file_link = link
        super().__init__(link.target)

    def _parse_url(self) -> None:
        self._link_type = UrlTypes.EXTERNAL
        self._link = self._relationship_link = self._file_link.target
        self._anchor = self._file_link.cell

    def _escape_strings(self) -> None:
        """Nothing: the path is escaped already."""


def file_link(place: Place | None) -> FileLink | None:
    """The link that opens the file of ``place``, at its cell when it has one; ``None`` when there is nothing to open
    or the link would be longer than Excel allows.
    """
    if place is None or not place.fichier:
        return None
    target = _target(place.fichier)
    cell = f"{_quoted(place.feuille)}!{place.cellule or 'A1'}" if place.feuille else ""
    return None if target is None or len(cell) > _LONGEST else FileLink(target, cell)


def escaped_path(path: str) -> str:
    """A relative path with ``/`` as a relation names it."""
    return _SPECIAL.sub(_escaped, path)


def _escaped(special: re.Match[str]) -> str:
    try:
        data = special[0].encode("utf-8", "surrogateescape")  # the byte of a name that is not UTF-8, as the disk has it
    except UnicodeEncodeError:
        data = b"?"
    return f"%{data[0]:02X}"


@lru_cache(maxsize=10_000)
def _target(fichier: str) -> str | None:
    # Each special character becomes three: what is this short is under the limit whatever it holds.
    if _OUTSIDE.search(fichier) or 3 * len(_UP + fichier) > _LONGEST:
        return None
    return escaped_path(_UP + fichier)


_quoted = lru_cache(maxsize=10_000)(quoted_sheet)


def where_in_file(place: Place) -> str:
    """The cell or the line of a place, as people say it; empty for a whole file."""
    if place.cellule:
        return place.cellule
    return f"ligne {place.ligne}" if place.ligne is not None else ""
