"""The cells of the consolidated workbook: a content, its format (made once) and what it leads to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any, NamedTuple

from xlsxwriter.format import Format

from tabellion.findings import Place, Severity
from tabellion.outputs.consolidation.links import FileLink, file_link, where_in_file
from tabellion.schema import FALSE_WORD, TRUE_WORD, Field
from tabellion.schema.money import euros
from tabellion.wording import french_date
from tabellion.xlsx.writer import (
    DATE,
    EUROS,
    EUROS_AND_CENTS,
    FIRST_DAY,
    PERCENT,
    SIGNED_EUROS,
    SIGNED_EUROS_AND_CENTS,
    TEXT_LENGTH,
    CellContent,
    Writer,
)

MOMENT = "dd/mm/yyyy hh:mm"
#: A change as a share: 0.031 shows as « +3,1 % ».
SHARE = '+0.0"\u00a0"%;-0.0"\u00a0"%;0"\u00a0"%'
#: The format of a kind's blank cells; those of texts depend on the field.
_SHAPES = {"money": "euros", "date": "date", "percent": "percent", "integer": "centred", "boolean": "centred"}
_CUT = " … (texte coupé : Excel n'en garde pas plus)"


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


def held(text: str | None) -> str | None:
    """A text as a cell can hold it: cut, and saying so, beyond Excel's limit; without what no file can write."""
    if text is None or (text.isascii() and len(text) <= TEXT_LENGTH):
        return text or None
    # Lone surrogates cannot be written at all; beyond the first plane, a character counts twice in Excel.
    clean = text.encode("utf-8", "replace").decode("utf-8")
    if len(clean) > TEXT_LENGTH // 2 and len(clean.encode("utf-16-le")) // 2 > TEXT_LENGTH:
        room = (TEXT_LENGTH - len(_CUT)) * 2
        clean = clean.encode("utf-16-le")[:room].decode("utf-16-le", "ignore") + _CUT
    return clean
