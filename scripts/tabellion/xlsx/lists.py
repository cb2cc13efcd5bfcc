"""A sheet that is a list: its title, an Excel table with filters, rows as high as their texts, ready to print.

Rows of a long list are made when their sheet is written, column by column: a tenth of the time of writing cells.
xlsxwriter keeps an object for each cell and writes its attributes one by one. In a column of 100,000 rows nearly every
cell looks like another one: what follows a cell's address is made once for all that are alike, and a row is the sum of
such ends. Their texts stand in the cells, since the shared ones are counted before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import islice, repeat
from typing import Any, NamedTuple
from xml.sax.saxutils import escape, quoteattr

from xlsxwriter.format import Format
from xlsxwriter.url import Url

from tabellion.layout.names import cell_name, column_letters
from tabellion.xlsx.cells import MOST_LINKS, Cell, FileLink, FileUrl, Palette
from tabellion.xlsx.writer import CellContent, GrowingSheet, Sheet, Writer, kept

#: Above this many rows, each takes one line: measuring texts would cost more than all the rest, and a list of
#: thousands is read by its filters.
WRAPPED_ROWS = 3_000
#: The zero-based row of the first table's header: a title, a subtitle, a line of notes, a blank line.
FIRST_ROW = 4
#: Ends of cells that are remembered: most come back, those of amounts and comments do not.
_MOST_ENDS = 20_000
#: Rows given one by one are put together by so many.
_CHUNK = 5_000


def _itself(value: Any) -> Any:
    return value


class LongColumn(NamedTuple):
    """One column of many rows: ``keys`` has what each row's cell depends on, and ``cell`` makes the cell of one."""

    keys: Iterable[Any]
    cell: Callable[[Any], Cell]


class LongSheet(GrowingSheet):
    """A sheet of xlsxwriter that can also be given many rows at once."""

    dim_rowmin: int
    dim_rowmax: int

    def __init__(self) -> None:
        super().__init__()
        self._blocks: dict[int, tuple[int, Iterable[Sequence[LongColumn]]]] = {}
        self._long_links: list[tuple[str, FileLink]] = []
        self._end = lru_cache(maxsize=_MOST_ENDS)(self._made_end)

    def add_table(self, row: int, column: int, last_row: int, last_column: int, options: dict[str, Any]) -> int:
        """A table, as xlsxwriter adds it with one row: it would note each cell of the others, against overlaps."""
        code = int(self._check_dimensions(last_row, last_column, ignore_row=True, ignore_col=True))
        code = code or int(super().add_table(row, column, min(row + 1, last_row), last_column, options))
        if not code:
            table = self.tables[-1]
            area = f"{cell_name(row, column)}:{cell_name(last_row, last_column)}"
            table |= {each: area for each in ("range", "a_range", "autofilter") if table.get(each)}
        return code

    def write_long_columns(self, first_row: int, count: int, columns: Sequence[LongColumn]) -> None:
        """Write ``count`` rows from the zero-based ``first_row`` on, when the sheet is; nothing else may stand there.

        Beyond the number of links that a sheet may have, the words stay and lead nowhere.
        """
        self._add_block(first_row, count, [columns])

    def write_long_rows(self, first_row: int, count: int, rows: Iterable[Sequence[Cell]]) -> None:
        """The same, of rows that are made one by one."""
        self._add_block(first_row, count, _in_columns(iter(rows)))

    def _add_block(self, first_row: int, count: int, chunks: Iterable[Sequence[LongColumn]]) -> None:
        self._blocks[first_row] = (count, chunks)
        # What the sheet says of its size: some programs read no further.
        for row in (first_row, first_row + count - 1):
            kept(self._check_dimensions(row, 0), row)

    def _write_columns(self, first_row: int, columns: Sequence[LongColumn]) -> int:
        """Write rows from the zero-based ``first_row`` on; returns the first row after them."""
        # A row is its number between pieces: each is the end of a cell and the opening of the next one.
        pieces: list[Iterable[str]] = [repeat('<row r="'), repeat('"><c r="A')]
        openings = [*(f'<c r="{column_letters(place)}' for place in range(1, len(columns))), "</row>"]
        links: list[tuple[int, int, FileLink]] = []
        count = 0
        for place, (column, opening) in enumerate(zip(columns, openings, strict=True)):
            keys = list(column.keys)
            count = len(keys)
            made = {key: self._made(column.cell(key), opening) for key in dict.fromkeys(keys)}
            found = [made[key] for key in keys]
            pieces.append(end for end, _ in found)
            if any(link is not None for _, link in made.values()):
                links += [(row, place, link) for row, (_, link) in enumerate(found, first_row) if link is not None]
        numbers = map(str, range(first_row + 1, first_row + count + 1))
        self.fh.writelines(map(str.join, numbers, zip(*pieces, strict=False)))
        first = sorted(links)[: max(0, MOST_LINKS - self.hlink_count)]
        self.hlink_count += len(first)
        self._long_links += [(cell_name(row, place), link) for row, place, link in first]
        return first_row + count

    def _made(self, cell: Cell, opening: str) -> tuple[str, FileLink | None]:
        """The end of a cell with the opening of the next one, and what it leads to."""
        return self._end(cell.content, cell.style) + opening, cell.link

    def _made_end(self, content: CellContent, style: Format) -> str:
        """What follows the address of a cell: its format and its content."""
        head = f'" s="{style._get_xf_index()}"'
        if content is None or content == "":
            return f"{head}/>"
        if isinstance(content, str):
            text = escape(self._escape_control_characters(content))
            space = ' xml:space="preserve"' if text != text.strip() else ""
            return f'{head} t="inlineStr"><is><t{space}>{text}</t></is></c>'
        number = self._convert_date_time(content) if isinstance(content, date) else content
        return f"{head}><v>{number:.16G}</v></c>"

    def _write_rows(self) -> None:
        """All rows in their order: xlsxwriter's own before, between and after the blocks."""
        first, last = self.dim_rowmin, self.dim_rowmax
        for start, (count, chunks) in sorted(self._blocks.items()):
            self.dim_rowmax = start - 1
            super()._write_rows()
            row = start
            for columns in chunks:
                row = self._write_columns(row, columns)
            self.dim_rowmin = start + count
        self._blocks.clear()
        self.dim_rowmax = last
        super()._write_rows()
        self.dim_rowmin = first

    def _write_hyperlinks(self) -> None:
        """All links, with one relation for each file: xlsxwriter would make one for each cell that leads there."""
        relations: dict[str, int] = {}
        lines = []
        for row, columns in sorted(self.hyperlinks.items()):
            for column, url in sorted(columns.items()):
                address = f"{column_letters(column)}{row + 1}"
                lines.append(self._link_line(address, url, relations))
        lines += [self._line(each, link.target, link.cell, relations) for each, link in self._long_links]
        if lines:
            self.fh.write(f"<hyperlinks>{''.join(lines)}</hyperlinks>")

    def _link_line(self, address: str, url: Url, relations: dict[str, int]) -> str:
        if isinstance(url, FileUrl):
            return self._line(address, url._relationship_link, url._anchor, relations)
        return f'<hyperlink ref="{address}" location={quoteattr(url._link)} display={quoteattr(url._text)}/>'

    def _line(self, address: str, target: str, cell: str, relations: dict[str, int]) -> str:
        number = relations.get(target)
        if number is None:
            self.rel_count += 1
            number = relations[target] = self.rel_count
            self.external_hyper_links.append(["/hyperlink", target, "External"])
        location = f" location={quoteattr(cell)}" if cell else ""
        return f'<hyperlink ref="{address}" r:id="rId{number}"{location}/>'


def _in_columns(rows: Iterator[Sequence[Cell]]) -> Iterator[list[LongColumn]]:
    """Rows by the thousand, as columns whose keys are the cells themselves."""
    while chunk := list(islice(rows, _CHUNK)):
        yield [LongColumn(cells, _itself) for cells in zip(*chunk, strict=True)]


class ListWriter(Writer):
    """A pen whose sheets take long rows."""

    sheet_class = LongSheet


@dataclass(frozen=True)
class Column:
    """One column of a list: its header, its width in characters, how its header stands, and its cells.

    ``key`` takes from a row what its cell depends on, and ``cell`` makes the cell of that.
    """

    label: str
    width: float
    align: str = "left"
    key: Callable[[Any], Any] = _itself
    cell: Callable[[Any], Cell] = _itself


def palette_for(writer: Writer, rows: int) -> Palette:
    """The palette of a list of so many rows."""
    return Palette(writer, wrapped=rows <= WRAPPED_ROWS)


def write_list(
    sheet: Sheet,
    name: str,
    row: int,
    columns: Sequence[Column],
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
    if count > WRAPPED_ROWS:
        sheet.raw.write_long_rows(row + 1, count, rows)
    else:
        shown = list(rows)
        write_cells(sheet, row + 1, shown)
        fit_cells(sheet, row + 1, shown)
    return last


def write_columns(
    sheet: Sheet, name: str, row: int, columns: Sequence[Column], rows: Sequence[Any], *, empty: str
) -> int:
    """The same, of rows whose cells the columns make."""
    cells = [
        LongColumn(map(column.cell, rows), _itself)  # rows may have no hash, their cells have one
        if column.key is _itself
        else LongColumn(map(column.key, rows), column.cell)
        for column in columns
    ]
    return write_long_list(sheet, name, row, columns, cells, len(rows), empty=empty)


def write_long_list(
    sheet: Sheet,
    name: str,
    row: int,
    columns: Sequence[Column],
    cells: Sequence[LongColumn],
    count: int,
    *,
    empty: str = "",
) -> int:
    """The same, of ``count`` rows given column by column: what a list of 100,000 is best made of."""
    if count <= WRAPPED_ROWS:
        rows = zip(*(map(column.cell, column.keys) for column in cells), strict=True)
        return write_list(sheet, name, row, columns, rows, empty=empty, count=count)
    sheet.raw.write_long_columns(row + 1, count, cells)
    return _write_header(sheet, name, row, columns, count, empty)


def _write_header(sheet: Sheet, name: str, row: int, columns: Sequence[Column], count: int, empty: str) -> int:
    """Write the table's header and the row that says that it has none; returns its last row."""
    labels = [each.label for each in columns]
    aligned = {each.label: each.align for each in columns if each.align != "left"}
    last = row + max(1, count)
    sheet.table(name, row, 0, last - row, labels, aligned=aligned)
    if not count:
        blank = Palette(sheet.writer)
        for column in range(len(columns)):
            sheet.write(last, column, empty if column == 0 else None, blank.line(None).style)
    sheet.set_widths((place, each.width) for place, each in enumerate(columns))
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


def fit_cells(sheet: Sheet, first_row: int, rows: Sequence[Sequence[Cell]]) -> None:
    """Make rows as high as their wrapped texts."""
    for row, cells in enumerate(rows, first_row):
        texts = [(cell.content, column) for column, cell in enumerate(cells) if cell.style.text_wrap]
        sheet.fit(row, texts)


def finish(sheet: Sheet, footer: str, columns: int = 0, header: int = FIRST_ROW) -> None:
    """Freeze the header (and the first ``columns``) and set the sheet up for print."""
    sheet.raw.freeze_panes(header + 1, columns)
    sheet.print_setup((header, header), footer)


def note(sheet: Sheet, row: int, text: str) -> None:
    """A line of explanation above a table."""
    sheet.write(row, 0, text, sheet.writer.format(italic=True, valign="vcenter"))
