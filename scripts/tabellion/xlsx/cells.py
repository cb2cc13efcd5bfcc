"""The cells of a list: a content, its format (made once) and what it leads to.

Links lead from a workbook of ``workbooks/consolidation/`` to a cell of another file, wherever ``workbooks/`` is moved.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from xlsxwriter.format import Format
from xlsxwriter.url import Url, UrlTypes

from tabellion.findings import Place, Severity
from tabellion.layout.names import quoted_sheet
from tabellion.schema import FALSE_WORD, TRUE_WORD, Field
from tabellion.schema.money import euros
from tabellion.wording import french_date
from tabellion.xlsx.blocks import held
from tabellion.xlsx.writer import (
    DATE,
    EUROS,
    EUROS_AND_CENTS,
    FIRST_DAY,
    PERCENT,
    SIGNED_EUROS,
    SIGNED_EUROS_AND_CENTS,
    CellContent,
    Writer,
)

MOMENT = "dd/mm/yyyy hh:mm"
#: The format of a kind's blank cells; those of texts depend on the field.
_SHAPES = {"money": "euros", "date": "date", "percent": "percent", "integer": "centred", "boolean": "centred"}
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


class Cell(NamedTuple):
    """One cell to write."""

    content: CellContent
    style: Format
    link: FileLink | None = None


@dataclass
class Palette:
    """Makes cells. ``wrapped`` tells whether long texts take several lines: not in lists of thousands of rows."""

    writer: Writer
    wrapped: bool = True
    # Names, titles and files come back on thousands of rows: each cell is made once.
    _texts: dict[str | None, Cell] = field(default_factory=dict)
    _lines: dict[str | None, Cell] = field(default_factory=dict)

    def _format(self, **properties: Any) -> Format:
        return self.writer.cell(**properties)

    @cached_property
    def _text(self) -> Format:
        return self._format(num_format="@", text_wrap=True) if self.wrapped else self._format(num_format="@")

    @cached_property
    def _line(self) -> Format:
        return self._format(num_format="@")

    @cached_property
    def _centred(self) -> Format:
        return self._format(align="center")

    @cached_property
    def _moment(self) -> Format:
        return self._format(align="center", num_format=MOMENT)

    @cached_property
    def _links(self) -> tuple[Format, Format, Format]:
        ink = {"font_color": self.writer.theme.colours["lien"], "underline": 1}
        wrap = {"text_wrap": True} if self.wrapped else {}
        return self._format(**ink, **wrap), self._format(align="center", **ink), self._format(**ink)

    @cached_property
    def _by_kind(self) -> dict[tuple[str, bool], Format]:
        """The format of a value by its field's kind and whether a return said it."""
        found = {}
        colours = self.writer.theme.colours
        told: dict[str, Any] = {
            "bold": True, "bg_color": colours["information"], "font_color": colours["information_texte"],
        }  # fmt: skip
        wrap = {"text_wrap": True} if self.wrapped else {}
        for returned, more in ((False, {}), (True, told)):
            found["text", returned] = self._format(num_format="@", **wrap, **more)
            found["line", returned] = self._format(num_format="@", **more)
            found["euros", returned] = self._format(num_format=EUROS, **more)
            found["cents", returned] = self._format(num_format=EUROS_AND_CENTS, **more)
            found["date", returned] = self._format(align="center", num_format=DATE, **more)
            found["percent", returned] = self._format(align="center", num_format=PERCENT, **more)
            found["centred", returned] = self._format(align="center", **more)
        return found

    @cached_property
    def _signed(self) -> tuple[Format, Format]:
        return self._format(num_format=SIGNED_EUROS), self._format(num_format=SIGNED_EUROS_AND_CENTS)

    @cached_property
    def _coloured(self) -> dict[str, Format]:
        colours = self.writer.theme.colours
        names = [*(each.label for each in Severity), "juste"]
        return {
            name: self._format(
                align="center", bold=True, text_wrap=True, bg_color=colours[name], font_color=colours[f"{name}_texte"]
            )
            for name in names
        }

    def text(self, text: str | None) -> Cell:
        """A text that may be long."""
        made = self._texts.get(text)
        if made is None:
            made = self._texts[text] = Cell(held(text), self._text)
        return made

    def line(self, text: str | None) -> Cell:
        """A text of one line."""
        made = self._lines.get(text)
        if made is None:
            made = self._lines[text] = Cell(held(text), self._line)
        return made

    def centred(self, content: str | float | None) -> Cell:
        """A short word or a number, in the middle."""
        return Cell(held(content) if isinstance(content, str) else content, self._centred)

    def state(self, words: str, colour: str) -> Cell:
        """A word on one of the layout's colours (``erreur``, ``avertissement``, ``information``, ``juste``)."""
        return Cell(words, self._coloured[colour])

    def signed(self, cents: int | None) -> Cell:
        """A difference in cents, with its sign."""
        return Cell(euros(cents), self._signed[1 if cents is not None and cents % 100 else 0])

    def moment(self, moment: datetime | None) -> Cell:
        """A day and an hour."""
        if moment is not None and moment.date() < FIRST_DAY:
            return Cell(french_date(moment), self._moment)
        return Cell(moment, self._moment)

    def day(self, day: date | None) -> Cell:
        """A day."""
        return Cell(day, self._by_kind["date", False])

    def link(self, words: str | None, place: Place | None, *, centred: bool = False, one_line: bool = False) -> Cell:
        """Words that open the file of ``place`` at its cell; plain words when there is nothing to open."""
        target = file_link(place) if words else None
        if target is None:
            return Cell(held(words), self._centred if centred else self._line if one_line else self._text)
        return Cell(held(words), self._links[1 if centred else 2 if one_line else 0], target)

    def cell_of(self, place: Place | None) -> Cell:
        """The cell (or the line) of a place, which opens there."""
        return self.link(where_in_file(place) if place is not None else None, place, centred=True)

    def value(self, field: Field | None, value: Any, labels: Mapping[Any, str], *, returned: bool = False) -> Cell:
        """A value of the tables as its field shows it; ``returned`` when a partner's return said it.

        Without its field (a schema that changed since), the value is shown as text.
        """
        kind = field.kind if field is not None else "string"
        styles = self._by_kind
        if value is None:
            shape = _SHAPES.get(kind) or ("line" if field is not None and field.one_line else "text")
            return Cell(None, styles[shape, returned])
        if kind == "money" and isinstance(value, int):
            return Cell(euros(value), styles["cents" if value % 100 else "euros", returned])
        if kind == "money":
            return Cell(held(_plain(value)), styles["euros", returned])
        if kind == "string":
            style = styles["line" if field is not None and field.one_line else "text", returned]
            return Cell(held(_plain(labels.get(value, value))), style)
        if kind == "date":
            late = isinstance(value, date) and value >= FIRST_DAY
            return Cell(value if late else held(_plain(value)), styles["date", returned])
        style = styles["percent" if kind == "percent" else "centred", returned]
        return Cell(int(value) if _is_number(value) else held(_plain(value)), style)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _plain(value: Any) -> str | None:
    """Any value in words."""
    if value is None:
        return None
    if isinstance(value, bool):
        return TRUE_WORD if value else FALSE_WORD
    return french_date(value) if isinstance(value, date) else str(value)
