"""A sheet that is a list: its cells, an Excel table with filters, rows as high as their texts, ready to print.

A cell is a content, its format (made once) and what it leads to: links lead from a workbook below ``workbooks/`` to a
cell of another file, wherever ``workbooks/`` is moved.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from xlsxwriter.format import Format

from tabellion.findings import Place
from tabellion.layout.names import quoted_sheet
from tabellion.schema import FALSE_WORD, TRUE_WORD, Field
from tabellion.schema.money import euros
from tabellion.wording import french_date
from tabellion.xlsx.blocks import cell_text
from tabellion.xlsx.sheets import MOST_LINKS, Cell, CellContent, FileLink, FileUrl, LongColumn, itself
from tabellion.xlsx.writer import (
    DATE,
    EUROS,
    EUROS_AND_CENTS,
    FIRST_DAY,
    PERCENT,
    SIGNED_EUROS,
    SIGNED_EUROS_AND_CENTS,
    Sheet,
    Writer,
)

#: The zero-based row of the first table's header: a title, a subtitle, a line of notes, a blank line.
FIRST_ROW = 4
MOMENT = "dd/mm/yyyy hh:mm"
#: The properties of the cells of lists by shape, those that take several lines, and the shape of a field's kind.
SHAPES: Mapping[str, Mapping[str, object]] = {
    "text": {"num_format": "@"},
    "line": {"num_format": "@"},
    "link": {},
    "line link": {},
    "centred": {"align": "center"},
    "state": {"align": "center", "text_wrap": True},
    "moment": {"align": "center", "num_format": MOMENT},
    "euros": {"num_format": EUROS},
    "cents": {"num_format": EUROS_AND_CENTS},
    "signed": {"num_format": SIGNED_EUROS},
    "signed cents": {"num_format": SIGNED_EUROS_AND_CENTS},
    "date": {"align": "center", "num_format": DATE},
    "percent": {"align": "center", "num_format": PERCENT},
}
_WRAPPED, _NUMBERS = ("text", "link"), ("percent", "integer", "boolean")
_LINK_SHAPES = {"text": "link", "line": "line link", "centred": "centred"}
_KIND_SHAPES = {"money": "euros", "date": "date", "percent": "percent", "integer": "centred", "boolean": "centred"}

#: Excel keeps links of this many characters.
_LONGEST = 2_079
#: From a folder to the one that it is in; as often as the workbook stands deep, to the one that places are named from.
_UP = "../"
#: What may not stand as it is in the path of a relation: a client would read it as something else, or not at all.
_SPECIAL = re.compile(r'[\x00-\x20%"#<>\[\]^`{}|\\?\ud800-\udfff]')
#: What is no name of a file from the folder ``workbooks/``: an absolute path, a drive, a way out.
_OUTSIDE = re.compile(r"^(?:/|\\|[A-Za-z]:)|(?:^|/)\.\.(?:/|$)")


def file_link(place: Place | None, depth: int = 1) -> FileLink | None:
    """The link that opens the file of ``place``, at its cell when it has one; ``None`` when there is nothing to open
    or the link would be longer than Excel allows. It leads from a workbook ``depth`` folders below ``workbooks/``.
    """
    if place is None or not place.fichier:
        return None
    target = _target(place.fichier, depth)
    cell = f"{_quoted(place.feuille)}!{place.cellule or 'A1'}" if place.feuille else ""
    return None if target is None or len(cell) > _LONGEST else FileLink(target, cell)


def escaped_path(path: str) -> str:
    """A relative path with ``/`` as a relation names it."""

    def escaped(special: re.Match[str]) -> str:
        try:
            byte = special[0].encode("utf-8", "surrogateescape")[0]  # of a name that is not UTF-8, as the disk has it
        except UnicodeEncodeError:
            byte = ord("?")
        return f"%{byte:02X}"

    return _SPECIAL.sub(escaped, path)


@lru_cache(maxsize=10_000)
def _target(fichier: str, depth: int) -> str | None:
    # Each special character becomes three: what is this short is under the limit whatever it holds.
    path = _UP * depth + fichier
    return None if _OUTSIDE.search(fichier) or 3 * len(path) > _LONGEST else escaped_path(path)


_quoted = lru_cache(maxsize=10_000)(quoted_sheet)


def where_in_file(place: Place) -> str:
    """The cell or the line of a place, as people say it; empty for a whole file."""
    if place.cellule:
        return place.cellule
    return f"ligne {place.ligne}" if place.ligne is not None else ""


@dataclass
class CellMaker:
    """Makes the cells of a list. ``wrapped`` tells whether long texts take several lines: not in thousands of rows."""

    writer: Writer
    wrapped: bool = True
    # Names, titles and files come back on thousands of rows: each cell and each format is made once.
    _texts: dict[tuple[str, str | None], Cell] = field(default_factory=dict)
    _styles: dict[tuple[str, str], Format] = field(default_factory=dict)

    def style(self, shape: str, ink: str = "") -> Format:
        """The format of a shape of :data:`SHAPES` (``wrapped`` ones as this list wraps), in an ink.

        An ink is a colour of the layout, ``"link"``, or ``"returned"`` for the value of a partner's return.
        """
        style = self._styles.get((shape, ink))
        if style is None:
            wrap = {"text_wrap": True} if self.wrapped and shape in _WRAPPED else {}
            properties = {**SHAPES[shape], **wrap, **self._ink(ink)}
            style = self._styles[shape, ink] = self.writer.cell(computed=False, **properties)
        return style

    def _ink(self, ink: str) -> dict[str, object]:
        colours = self.writer.theme.colours
        if ink in ("", "link"):
            return {"font_color": colours["lien"], "underline": 1} if ink else {}
        colour = "information" if ink == "returned" else ink
        return {"bold": True, "bg_color": colours[colour], "font_color": colours[f"{colour}_texte"]}

    def text(self, text: str | None) -> Cell:
        """A text that may be long."""
        return self._made_once("text", text)

    def line(self, text: str | None) -> Cell:
        """A text of one line."""
        return self._made_once("line", text)

    def _made_once(self, shape: str, text: str | None) -> Cell:
        cell = self._texts.get((shape, text))
        if cell is None:
            cell = self._texts[shape, text] = Cell(cell_text(text), self.style(shape))
        return cell

    def centred(self, content: str | float | None) -> Cell:
        """A short word or a number, in the middle."""
        return Cell(cell_text(content) if isinstance(content, str) else content, self.style("centred"))

    def state(self, words: str, colour: str) -> Cell:
        """A word on one of the layout's colours (``erreur``, ``avertissement``, ``information``, ``juste``)."""
        return Cell(words, self.style("state", colour))

    def signed(self, cents: int | None) -> Cell:
        """A difference in cents, with its sign."""
        return Cell(euros(cents), self.style("signed cents" if cents is not None and cents % 100 else "signed"))

    def moment(self, moment: datetime | None) -> Cell:
        """A day and an hour."""
        early = moment is not None and moment.date() < FIRST_DAY
        return Cell(french_date(moment) if moment is not None and early else moment, self.style("moment"))

    def day(self, day: date | None) -> Cell:
        """A day."""
        return Cell(day, self.style("date"))

    def link(self, words: str | None, place: Place | None, *, shape: str = "text") -> Cell:
        """Words that open the file of ``place`` at its cell; plain words when there is nothing to open."""
        target = file_link(place, self.writer.depth) if words else None
        if target is None:
            return Cell(cell_text(words), self.style(shape))
        return Cell(cell_text(words), self.style(_LINK_SHAPES[shape], "link"), target)

    def cell_of(self, place: Place | None) -> Cell:
        """The cell (or the line) of a place, which opens there."""
        return self.link(where_in_file(place) if place is not None else None, place, shape="centred")

    def value(
        self, field: Field | None, value: object, labels: Mapping[object, str], *, returned: bool = False
    ) -> Cell:
        """A value of the tables as its field shows it; ``returned`` when a partner's return said it.

        Without its field (a schema that changed since), the value is shown as text.
        """
        kind = field.kind if field is not None else "string"
        shape = _KIND_SHAPES.get(kind) or ("line" if field is not None and field.one_line else "text")
        if shape == "euros" and isinstance(value, int):
            content: CellContent = euros(value)
            shape = "cents" if value % 100 else "euros"
        elif kind == "date" and isinstance(value, date) and value >= FIRST_DAY:
            content = value
        elif kind in _NUMBERS and isinstance(value, int | float) and not isinstance(value, bool):
            content = int(value)
        elif kind == "string" and value is not None:
            content = cell_text(_plain(labels.get(value, value)))
        else:
            content = cell_text(_plain(value))
        return Cell(content, self.style(shape, "returned" if returned else ""))


def _plain(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return TRUE_WORD if value else FALSE_WORD
    return french_date(value) if isinstance(value, date) else str(value)


@dataclass(frozen=True)
class ListColumn:
    """One column of a list: its header, its width in characters, how its header stands, and its cells.

    ``key`` takes from a row what its cell depends on, and ``cell`` makes the cell of that.
    """

    label: str
    width: float
    align: str = "left"
    key: Callable[[Any], Any] = itself
    cell: Callable[[Any], Cell] = itself


def maker_for(writer: Writer, rows: int) -> CellMaker:
    """The maker of a list of so many rows."""
    return CellMaker(writer, wrapped=rows <= writer.wrapped_rows)


def write_list(
    sheet: Sheet,
    name: str,
    row: int,
    columns: Sequence[ListColumn],
    rows: Iterable[Sequence[Cell]],
    *,
    empty: str,
    count: int | None = None,
) -> int:
    """Write an Excel table named ``name`` with its header at the zero-based ``row``; ``empty`` is what it says when it
    has no row. Returns the last row of the table.

    ``count`` is the number of ``rows`` where these are made one by one, as those of long lists are.
    """
    if count is None:
        rows = list(rows)
        count = len(rows)
    last = _write_header(sheet, name, row, columns, count, empty)
    if count > sheet.writer.wrapped_rows:
        sheet.raw.write_long_rows(row + 1, count, rows)
    else:
        shown = list(rows)
        write_cells(sheet, row + 1, shown)
        for position, cells in enumerate(shown, row + 1):
            sheet.fit(position, [(cell.content, place) for place, cell in enumerate(cells) if cell.style.text_wrap])
    return last


def write_columns(
    sheet: Sheet, name: str, row: int, columns: Sequence[ListColumn], rows: Sequence[object], *, empty: str
) -> int:
    """The same, of rows whose cells the columns make."""
    cells = [
        LongColumn(map(column.cell, rows), itself)  # rows may have no hash, their cells have one
        if column.key is itself
        else LongColumn(map(column.key, rows), column.cell)
        for column in columns
    ]
    return write_long_list(sheet, name, row, columns, cells, len(rows), empty=empty)


def write_long_list(
    sheet: Sheet,
    name: str,
    row: int,
    columns: Sequence[ListColumn],
    cells: Sequence[LongColumn],
    count: int,
    *,
    empty: str = "",
) -> int:
    """The same, of ``count`` rows given column by column: what a list of 100,000 is best made of."""
    if count <= sheet.writer.wrapped_rows:
        rows = zip(*(map(column.cell, column.keys) for column in cells), strict=True)
        return write_list(sheet, name, row, columns, rows, empty=empty, count=count)
    sheet.raw.write_long_columns(row + 1, count, cells)
    return _write_header(sheet, name, row, columns, count, empty)


def _write_header(sheet: Sheet, name: str, row: int, columns: Sequence[ListColumn], count: int, empty: str) -> int:
    """Write the table's header and the row that says that it has none; returns its last row."""
    labels = [column.label for column in columns]
    aligned = {column.label: column.align for column in columns if column.align != "left"}
    last = row + max(1, count)
    sheet.table(name, row, 0, last - row, labels, aligned=aligned)
    if not count:
        blank = CellMaker(sheet.writer)
        for column in range(len(columns)):
            sheet.write(last, column, empty if column == 0 else None, blank.line(None).style)
    sheet.set_widths((place, column.width) for place, column in enumerate(columns))
    return last


def write_cells(sheet: Sheet, first_row: int, rows: Sequence[Sequence[Cell]]) -> None:
    """Write rows of cells. Beyond the number of links that a sheet may have, the words stay and lead nowhere."""
    raw, write = sheet.raw, sheet.write
    for row, cells in enumerate(rows, first_row):
        for column, (content, style, link) in enumerate(cells):
            if link is not None and raw.hlink_count < MOST_LINKS:
                sheet.open_link(row, column, FileUrl(link), str(content), style)
            else:
                write(row, column, content, style)


def finish(
    sheet: Sheet, footer: str, columns: int = 0, header: int = FIRST_ROW, area: tuple[int, int] | None = None
) -> None:
    """Freeze the header (and the first ``columns``) and set the sheet up for print, to a last row and column."""
    sheet.raw.freeze_panes(header + 1, columns)
    sheet.print_setup((header, header), footer, area=area, keys=columns)


def note(sheet: Sheet, row: int, text: str) -> None:
    """A line of explanation above a table."""
    sheet.write(row, 0, text, sheet.writer.format(italic=True, valign="vcenter"))
