"""The writer of workbooks: xlsxwriter, with every refusal raised, formats made once, and formulas kept in a list.

xlsxwriter returns a negative code instead of raising when it drops a value; a dropped value is lost data.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.url import Url
from xlsxwriter.worksheet import Worksheet

from tabellion.layout.names import KnownFormula, column_letters, quoted_sheet
from tabellion.layout.theme import Theme
from tabellion.schema import CELL_LENGTH
from tabellion.xlsx.formats import Formats
from tabellion.xlsx.pages import DEFAULT_WIDTH, PrintSetup, set_up_pages
from tabellion.xlsx.sheets import (
    CellContent,
    ComputedText,
    DroppedValueError,
    GrownSheet,
    PlainStrings,
    raise_if_dropped,
)
from tabellion.xlsx.text_metrics import text_lines

#: Number formats of amounts. ``_-`` leaves the room of a hyphen, so that an amount does not touch its neighbour.
EUROS, EUROS_AND_CENTS = ('#,##0"\u00a0€"_-', '#,##0.00"\u00a0€"_-')
SIGNED_EUROS, SIGNED_EUROS_AND_CENTS = (
    f'+{digits}"\u00a0€"_-;-{digits}"\u00a0€"_-;{zero}"\u00a0€"_-'
    for digits, zero in (("#,##0", "0"), ("#,##0.00", "0.00"))
)

#: Stands for ``@`` in the formulas of tables while they are added: xlsxwriter reads it there as "this row".
_AT = "\ue0f8"
#: Percentages are typed as people say them, 5 for 5 %, so their sign is only shown. Excel's first day without a doubt.
PERCENT, DATE = '0"\u00a0%"', "dd/mm/yyyy"
FIRST_DAY = date(1900, 3, 1)

#: Above this many rows of a list, each takes one line: it is read by its filters, and measuring texts costs the most.
WRAPPED_ROWS = 3_000
#: What is printed of the title of a workbook at the foot of a page.
_LONGEST_FOOTER = 90
#: Excel's limits of a cell's text, of a prompt's title and of its text.
TEXT_LENGTH, PROMPT_TITLE_LENGTH, PROMPT_LENGTH = CELL_LENGTH, 32, 255

#: A row's height in points: Excel's highest, that of a row which is given none, and one line's as a share of the font
#: size, as Excel fits rows: 12.75 for one line of 10 points, 25.5 for two.
_HIGHEST_ROW, _ROW_HEIGHT, _LINE_HEIGHT = 409.0, 15.0, 1.275

_ESCAPE = re.compile("_x[0-9A-Fa-f]{4}_")


@dataclass
class Writer(Formats):
    """One workbook being written."""

    theme: Theme
    stream: io.BytesIO = field(default_factory=io.BytesIO)
    formulas: list[KnownFormula] = field(default_factory=list)
    sheets: list[Sheet] = field(default_factory=list)
    wrapped_rows: int = WRAPPED_ROWS
    depth: int = 1
    """How many folders below ``workbooks/`` it will stand: its links to files lead from there."""

    def __post_init__(self) -> None:
        options = {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        }
        self.book = xlsxwriter.Workbook(self.stream, options)
        self.book.str_table = PlainStrings()

    def sheet(self, name: str) -> Sheet:
        """A new sheet."""
        self.sheets.append(Sheet(self, self.book.add_worksheet(name, GrownSheet)))
        return self.sheets[-1]

    def name(self, name: str, refers_to: str) -> None:
        """A defined name."""
        raise_if_dropped(self.book.define_name(name, refers_to), name)

    def close(self) -> bytes:
        """The workbook's bytes; nothing can be asked of its sheets afterwards.

        Those of xlsxwriter and their workbook know each other: emptied, they go at once, and no cycle is looked for.
        """
        for sheet in self.sheets:
            sheet.fit_rows()
            sheet.fit_pages()
        self.book.close()
        for sheet in self.sheets:
            vars(sheet.raw).clear()
        self.sheets.clear()
        return self.stream.getvalue()


@dataclass
class Sheet:
    """One sheet being written. Rows and columns are zero-based."""

    writer: Writer
    raw: Worksheet
    widths: dict[int, float] = field(default_factory=dict)
    hidden: dict[int, dict[str, object]] = field(default_factory=dict)
    wrapped: dict[int, list[tuple[str, int, bool]]] = field(default_factory=dict)
    most_lines: dict[int, int] = field(default_factory=dict)
    printed: PrintSetup | None = None
    objects: list[tuple[int, int]] = field(default_factory=list)
    """The charts: their first column and their width in pixels."""

    @property
    def name(self) -> str:
        """The sheet's name."""
        return str(self.raw.get_name())

    def write(self, row: int, column: int, value: CellContent, style: Format) -> None:
        """A text, a number or a date as it is; ``None`` leaves a blank cell with its format."""
        if isinstance(value, str) and len(value) > TEXT_LENGTH:
            raise DroppedValueError(f"{self.name}: text of {len(value)} characters at {row}, {column}")
        if code := self.raw.put(row, column, value, style):
            raise_if_dropped(code, (row, column))

    def formula(
        self, row: int, column: int, formula: str, style: Format, value: CellContent, source: tuple[str, str, str]
    ) -> None:
        """A formula with its computed value; ``source`` is its table, row key and column in the workbook's list."""
        # What files read as an escaped character (``_x000D_``): xlsxwriter escapes it in texts but not in results.
        text = _ESCAPE.sub(r"_x005F\g<0>", value or "") if value is None or isinstance(value, str) else None
        result = value if text is None else ComputedText(text)
        raise_if_dropped(self.raw.write_formula(row, column, "=" + formula, style, result), (row, column))
        self.writer.formulas.append(KnownFormula(*source, formula))

    def named_formula(self, row: int, column: int, name: str, formula: str, style: Format, value: CellContent) -> None:
        """A formula in a cell that carries a defined name."""
        self.formula(row, column, formula, style, value, ("", "", name))
        self.writer.name(name, f"={quoted_sheet(self.name)}!${column_letters(column)}${row + 1}")

    def link(self, row: int, column: int, target: str, text: str, style: Format | None = None) -> None:
        """A link inside this workbook: ``target`` is a defined name, or a cell with its sheet."""
        style = style or self.writer.format(font_color=self.writer.theme.colours["lien"], underline=1, valign="vcenter")
        raise_if_dropped(self.raw.write_url(row, column, f"internal:{target}", style, text), (row, column))

    def open_link(self, row: int, column: int, target: Url, text: str, style: Format) -> None:
        """A link to another file, made as xlsxwriter's ``Url`` (or a kind of it)."""
        target.text = text
        raise_if_dropped(self.raw.write_url(row, column, target, style), (row, column))

    def title(self, title: str, subtitle: str, width: int) -> None:
        """The band at the top of a sheet, over ``width`` columns: a title and a subtitle."""
        colours = self.writer.theme.colours
        band = {"bg_color": colours["titre"], "font_color": colours["titre_texte"], "valign": "vcenter"}
        size = 16 if len(title) <= 90 else 12  # the first screen shows it whole
        big, small = self.writer.format(bold=True, **(band | {"font_size": size})), self.writer.format(**band)
        for row, style, text, height in ((0, big, title, 28), (1, small, subtitle, 18)):
            self.raw.set_row(row, height)
            self.write(row, 0, text, style)
            for column in range(1, width):
                self.write(row, column, None, style)

    def set_widths(self, *column_groups: Iterable[tuple[int, float]]) -> None:
        """Give each column the widest of the widths (in characters) that the tables above it ask."""
        for group in column_groups:
            for column, width in group:
                self.widths[column] = max(width, self.widths.get(column, 0))
        for column, width in self.widths.items():
            follows = column - 1 in self.hidden and "level" in self.hidden[column - 1]
            options = self.hidden.get(column, {"collapsed": True} if follows else {})
            raise_if_dropped(self.raw.set_column(column, column, width, None, options), column)

    def hide(self, columns: Iterable[int], *, button: bool = True) -> None:
        """Hide columns that people rarely need; the ``button`` of an outline opens them. They are not printed."""
        options: dict[str, object] = {"hidden": True} | ({"level": 1} if button else {})
        for column in columns:
            self.hidden[column] = options
            for place in (column, column + 1):
                self.widths.setdefault(place, DEFAULT_WIDTH)
        self.set_widths()

    def wide(
        self, row: int, first: int, last: int, text: CellContent, *, computed: bool = False, **properties: object
    ) -> None:
        """A text in the first of several cells that look like one: it runs over the others, which are blank."""
        colours = self.writer.theme.colours
        fill = {"bg_color": colours["calcul"]} if computed else {}
        for column in range(first, last + 1):
            sides = {"top": 1, "bottom": 1, "left": int(column == first), "right": int(column == last)}
            edges = {f"{side}_color": colours["filet"] for side in sides}
            style = self.writer.format(**sides, **edges, **fill, **properties)
            self.write(row, column, text if column == first else None, style)

    def fit(
        self, row: int, texts: Iterable[tuple[CellContent, int]], *, bold: bool = False, most: int | None = None
    ) -> None:
        """Make a row as high as its longest wrapped text, once widths are known; ``texts`` are (content, column).

        Of more lines than ``most``, the others are seen where the row is made higher.
        """
        if most is not None:
            self.most_lines[row] = most
        wrapped = self.wrapped.setdefault(row, [])
        wrapped.extend((text, column, bold) for text, column in texts if isinstance(text, str))

    def height(self, row: int) -> tuple[float, bool]:
        """The height of a row in points, once widths are known; whether :meth:`fit` leaves lines of it unseen."""
        texts, size, widths = self.wrapped.get(row), self.writer.theme.size, self.widths
        if not texts:
            return (self.raw.row_sizes[row][0] * 0.75 if row in self.raw.row_sizes else _ROW_HEIGHT), False
        lines = max(
            text_lines(text, widths.get(column, DEFAULT_WIDTH), size, bold=bold) for text, column, bold in texts
        )
        most = self.most_lines.get(row, lines)
        height = min(_HIGHEST_ROW, min(lines, most) * size * _LINE_HEIGHT)
        return (height if lines > most else max(height, _ROW_HEIGHT)), lines > most

    def fit_rows(self) -> None:
        """Give the rows of :meth:`fit` their heights."""
        for row in [row for row, texts in self.wrapped.items() if texts]:
            height, is_cut = self.height(row)
            if is_cut:  # it keeps its height, and nothing is to be seen of the next line
                self.raw.kept_heights.add(row + 1)
            if height > _ROW_HEIGHT or is_cut:
                raise_if_dropped(self.raw.set_row(row, height), row)

    def section(self, row: int, column: int, text: str) -> None:
        """A small heading above a table."""
        style = self.writer.format(bold=True, font_size=12, font_color=self.writer.theme.colours["titre"])
        self.write(row, column, text, style)

    def table(
        self,
        name: str,
        row: int,
        column: int,
        height: int,
        labels: Sequence[str],
        *,
        calculated: dict[str, str] | None = None,
        filters: bool = True,
        aligned: Mapping[str, str] | None = None,
    ) -> None:
        """An Excel table of ``height`` rows under its header; ``calculated`` columns fill themselves in new rows.

        ``aligned`` says how the headers of some columns stand (``"center"``, ``"right"``), as their cells do.
        """
        columns = []
        for label in labels:
            align = {"align": aligned[label]} if aligned and label in aligned else {}
            options: dict[str, object] = {"header": label, "header_format": self.writer.header(**align)}
            if calculated and label in calculated:
                options["formula"] = "=" + calculated[label].replace("@", _AT)
            columns.append(options)
        self.fit(row, [(label, column + place) for place, label in enumerate(labels)], bold=True)
        area = (row, column, row + height, column + len(labels) - 1)
        raise_if_dropped(
            self.raw.add_table(*area, {"name": name, "columns": columns, "autofilter": filters, "style": None}), name
        )
        for declared in self.raw.tables[-1]["columns"]:
            declared["formula"] = declared["formula"].replace(_AT, "@")

    def show_cents(self, area: tuple[int, int, int, int], *, signed: bool = False) -> None:
        """Let amounts of an area (first row, first column, last row, last column) show their cents when they have some.

        Formats are chosen when the workbook is written; an amount typed or computed later must not look rounded.
        """
        format_ = self.writer.book.add_format({"num_format": SIGNED_EUROS_AND_CENTS if signed else EUROS_AND_CENTS})
        corner = f"{column_letters(area[1])}{area[0] + 1}"
        rule = {"type": "formula", "criteria": f"=MOD(ROUND({corner}*100,0),100)<>0", "format": format_}
        raise_if_dropped(self.raw.conditional_format(*area, rule), area)

    def colour_word(self, area: tuple[int, int, int, int], word: str, colour: str) -> None:
        """Colour the cells of an area (first row, first column, last row, last column) that hold a word."""
        rule = {"type": "cell", "criteria": "==", "value": f'"{word}"', "format": self.writer.coloured(colour)}
        raise_if_dropped(self.raw.conditional_format(*area, rule), area)

    def print_setup(
        self,
        repeat_rows: tuple[int, int] | None,
        footer: str,
        *,
        area: tuple[int, int] | None = None,
        keys: int = 0,
        starts: Sequence[int] | None = None,
        blocks: Iterable[int] = (),
        upright: bool = False,
        one_page: bool = False,
    ) -> None:
        """Set the sheet up for print, its headers repeated and its pages numbered: see :mod:`tabellion.xlsx.pages`.

        ``area`` is the last row and column to print. Where pages stand side by side, each has the first ``keys``
        columns, and they are cut at the columns ``starts`` only. A page begins at the rows of ``blocks`` (the first
        rows of what stays together, then the row after the last) where one does not fit on the page. ``upright`` is for
        a sheet that may be as narrow as an upright page, ``one_page`` for one that is no longer than a page.
        """
        # A footer has 255 characters at most; the name of the sheet counts in them once it is printed.
        short = footer if len(footer) <= _LONGEST_FOOTER else footer[: _LONGEST_FOOTER - 2].rstrip() + " …"
        words = f"&L&10{short.replace('&', '&&')}&C&10&A&R&10Page &P / &N"
        self.raw.set_footer(words, {"scale_with_doc": False})
        if repeat_rows is not None:
            self.raw.repeat_rows(*repeat_rows)
        self.raw.hide_gridlines(2)
        self.printed = PrintSetup(area, keys, starts, tuple(blocks), upright, one_page, repeat_rows)

    def fit_pages(self) -> None:
        """Choose the pages of :meth:`print_setup`, once widths are known."""
        if self.printed is not None:
            widths = {column: 0.0 if column in self.hidden else width for column, width in self.widths.items()}
            set_up_pages(self.raw, self.printed, widths, self.objects, self.writer.theme.size)

    def protect(self) -> None:
        """A guard rail without a password: what is not to be typed is locked; the rest, comments too, stays free."""
        free = ("format_columns", "format_rows", "autofilter", "sort", "objects")  # and cells may be selected
        self.raw.protect("", dict.fromkeys(free, True))

    def validation(
        self, area: tuple[int, int, int, int], options: Mapping[str, object], prompt: str | None, label: str, error: str
    ) -> None:
        """A rule, its prompt and its error message, on an area (first row, first column, last row, last column)."""
        shown = {"error_title": "Valeur inattendue", "error_message": error[:PROMPT_LENGTH]}
        rule = {**shown, "ignore_blank": True, **options}
        if prompt:
            rule |= {"input_title": label[:PROMPT_TITLE_LENGTH], "input_message": prompt[:PROMPT_LENGTH]}
        raise_if_dropped(self.raw.data_validation(*area, rule), area)
