"""The private parts of xlsxwriter that this program changes, all of them, and what its sheets take.

``tests/test_xlsxwriter_parts.py`` watches each one and names the versions that it was checked with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from functools import lru_cache
from html import escape
from itertools import count as count_from
from itertools import islice, repeat
from typing import Any, NamedTuple, TypeVar

from xlsxwriter.format import Format
from xlsxwriter.sharedstrings import SharedStringTable
from xlsxwriter.url import Url, UrlTypes
from xlsxwriter.worksheet import Worksheet

from tabellion.layout.names import cell_name, column_letters

#: Excel keeps 65,530 links on a sheet.
MOST_LINKS = 65_000
#: Ends of cells that are remembered: most come back, those of amounts and comments do not.
_MOST_ENDS = 20_000
#: Rows given one by one are put together by so many.
_CHUNK = 5_000
_letters = lru_cache(maxsize=None)(column_letters)

CellContent = str | int | float | date | None
_Value = TypeVar("_Value")


class FileLink(NamedTuple):
    """What a cell opens: a file, as a relation names it (escaped), and a cell in it; empty for the file alone."""

    target: str
    cell: str


class Cell(NamedTuple):
    """One cell to write."""

    content: CellContent
    style: Format
    link: FileLink | None = None


class LongColumn(NamedTuple):
    """One column of many rows: ``keys`` has what each row's cell depends on, and ``cell`` makes the cell of one."""

    keys: Iterable[object]
    cell: Callable[[Any], Cell]


class DroppedValueError(RuntimeError):
    """xlsxwriter refused a value: a mistake of the program, since the checks come before."""


def raise_if_dropped(code: object, value: object) -> None:
    """Raise :class:`DroppedValueError` where ``code`` is that of a value that xlsxwriter dropped."""
    if isinstance(code, int) and code < 0:
        raise DroppedValueError(f"xlsxwriter dropped {value!r} (code {code})")


class ComputedText(str):
    """A formula's text result as it is.

    xlsxwriter compares results with ``""``, which it writes as no value at all, and with error names such as ``#REF!``,
    which it writes as errors: this text is equal to none of them.
    """

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return False

    __hash__ = str.__hash__


class PlainStrings(SharedStringTable):  # type: ignore[misc]  # xlsxwriter has no types
    """Texts as they are: xlsxwriter takes one between ``<r>`` and ``</r>`` for marks of its own, and writes it raw."""

    def _get_shared_string_index(self, string: str) -> int:
        if string.startswith("<r>") and string.endswith("</r>"):
            string = f'<r><t xml:space="preserve">{escape(string, quote=False)}</t></r>'
        index: int = super()._get_shared_string_index(string)
        return index


class FileUrl(Url):  # type: ignore[misc]  # xlsxwriter has no types
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


def itself(value: _Value) -> _Value:
    """The key of a cell that depends on all of its row, or the cell that is its own key."""
    return value


class GrownSheet(Worksheet):  # type: ignore[misc]  # xlsxwriter has no types
    """A sheet whose rows grow with their text, and that can be given many rows at once.

    Rows of a long list are made when their sheet is written, column by column: a tenth of the time of writing cells.
    xlsxwriter keeps an object for each cell and writes its attributes one by one. In a column of 100,000 rows nearly
    every cell looks like another one: what follows a cell's address is made once for all that are alike, and a row is
    the sum of such ends. Their texts stand in the cells, since the shared ones are counted before.
    """

    dim_rowmin: int
    dim_rowmax: int

    def __init__(self) -> None:
        super().__init__()
        self._blocks: dict[int, tuple[int, Iterable[Sequence[LongColumn]]]] = {}
        self._long_links: list[tuple[str, FileLink]] = []
        self.kept_heights: set[int] = set()
        """The one-based rows that keep their height, whatever their text."""
        self._heights: dict[int, float | None] = {}
        """The heights in points of zero-based rows that are written column by column."""
        self._end = lru_cache(maxsize=_MOST_ENDS)(self._made_end)

    def _prepare_formula(self, formula: str, expand_future_functions: bool = False) -> str:
        """A formula as it is: none of ours has a function younger than Excel 2010, and xlsxwriter looks for each."""
        del expand_future_functions
        return formula.removeprefix("=")

    def put(self, row: int, column: int, value: CellContent, style: Format) -> int:
        """Keep a text, a number, a date or a blank to be written; gives xlsxwriter's code where it drops it.

        Its own methods first look whether the row is not an address in letters, for each cell.
        """
        if value is None:
            return int(self._write_blank(row, column, None, style))
        if isinstance(value, str):
            return int(self._write_string(row, column, value, style))
        if isinstance(value, date):
            return int(self._write_datetime(row, column, value, style))
        return int(self._write_number(row, column, value, style))

    def _write_cell(self, row: int, col: int, cell: Any) -> None:
        """A cell as xlsxwriter writes it, in one piece: it puts each together from its attributes."""
        kind, end = type(cell).__name__, ""
        if cell.format:
            if kind == "String":
                end = f' t="s"><v>{cell.string}</v></c>'
            elif kind == "Blank":
                end = "/>"
            elif kind in ("Number", "Datetime"):
                end = f"><v>{cell.number:.16G}</v></c>"
            elif kind == "Formula" and isinstance(cell.value, ComputedText):
                end = f' t="str"><f>{self._escape_data(cell.formula)}</f><v>{self._escape_data(cell.value)}</v></c>'
            elif kind == "Formula" and type(cell.value) in (int, float):
                end = f"><f>{self._escape_data(cell.formula)}</f><v>{cell.value}</v></c>"
        if end:
            self.fh.write(f'<c r="{_letters(col)}{row + 1}" s="{cell.format._get_xf_index()}"{end}')
        else:
            super()._write_cell(row, col, cell)

    # ``customHeight`` would keep the heights of rows when their texts change.

    def _xml_start_tag_unencoded(self, tag: str, attributes: Sequence[tuple[str, object]] = ()) -> None:
        super()._xml_start_tag_unencoded(tag, self._growing(attributes))

    def _xml_empty_tag_unencoded(self, tag: str, attributes: Sequence[tuple[str, object]] = ()) -> None:
        super()._xml_empty_tag_unencoded(tag, self._growing(attributes))

    def _growing(self, attributes: Sequence[tuple[str, object]]) -> list[tuple[str, object]]:
        is_kept = ("customHeight", 1) in attributes and dict(attributes).get("r") in self.kept_heights
        return [attribute for attribute in attributes if is_kept or attribute[0] != "customHeight"]

    def add_table(self, row: int, column: int, last_row: int, last_column: int, options: dict[str, object]) -> int:
        """A table, as xlsxwriter adds it with one row: it would note each cell of the others, against overlaps."""
        code = int(self._check_dimensions(last_row, last_column, ignore_row=True, ignore_col=True))
        code = code or int(super().add_table(row, column, min(row + 1, last_row), last_column, options))
        if not code:
            table = self.tables[-1]
            area = f"{cell_name(row, column)}:{cell_name(last_row, last_column)}"
            table |= {name: area for name in ("range", "a_range", "autofilter") if table.get(name)}
        return code

    def write_long_columns(self, first_row: int, count: int, columns: Sequence[LongColumn]) -> None:
        """Write ``count`` rows from the zero-based ``first_row`` on, when the sheet is; nothing else may stand there.

        Beyond the number of links that a sheet may have, the words stay and lead nowhere.
        """
        self._add_block(first_row, count, [columns])

    def write_long_rows(self, first_row: int, count: int, rows: Iterable[Sequence[Cell]]) -> None:
        """The same, of rows that are made one by one."""
        self._add_block(first_row, count, _in_columns(iter(rows)))

    def set_row(self, row: int, height: float | None = None, *more: object) -> int:
        """Give a row a height in points, as xlsxwriter does; also one that is written column by column."""
        if any(first <= row < first + count for first, (count, _) in self._blocks.items()):
            self._heights[row] = height
            return 0
        return int(super().set_row(row, height, *more))

    def _add_block(self, first_row: int, count: int, chunks: Iterable[Sequence[LongColumn]]) -> None:
        self._blocks[first_row] = (count, chunks)
        # What the sheet says of its size: some programs read no further.
        for row in (first_row, first_row + count - 1):
            raise_if_dropped(self._check_dimensions(row, 0), row)

    def _write_columns(self, first_row: int, columns: Sequence[LongColumn]) -> int:
        """Write rows from the zero-based ``first_row`` on; returns the first row after them."""
        # A row is its number between pieces: each is the end of a cell and the opening of the next one.
        pieces: list[Iterable[str]] = [repeat('<row r="'), map(self._row_end, count_from(first_row))]
        openings = [*(f'<c r="{column_letters(place)}' for place in range(1, len(columns))), "</row>"]
        links: list[tuple[int, int, FileLink]] = []
        count = 0
        for place, (column, opening) in enumerate(zip(columns, openings, strict=True)):
            keys = list(column.keys)
            count = len(keys)
            made = {key: self._made(column.cell(key), opening) for key in dict.fromkeys(keys)}
            ends = [made[key] for key in keys]
            pieces.append(end for end, _ in ends)
            if any(link is not None for _, link in made.values()):
                links += [(row, place, link) for row, (_, link) in enumerate(ends, first_row) if link is not None]
        numbers = map(str, range(first_row + 1, first_row + count + 1))
        self.fh.writelines(map(str.join, numbers, zip(*pieces, strict=False)))
        first = sorted(links)[: max(0, MOST_LINKS - self.hlink_count)]
        self.hlink_count += len(first)
        self._long_links += [(cell_name(row, place), link) for row, place, link in first]
        return first_row + count

    def _row_end(self, row: int) -> str:
        """What follows the number of a row in its opening, and the opening of its first cell."""
        height = self._heights.get(row)
        return '"><c r="A' if height is None else f'" ht="{height:.16G}"><c r="A'

    def _made(self, cell: Cell, opening: str) -> tuple[str, FileLink | None]:
        """The end of a cell with the opening of the next one, and what it leads to."""
        return self._end(cell.content, cell.style) + opening, cell.link

    def _made_end(self, content: CellContent, style: Format) -> str:
        """What follows the address of a cell: its format and its content."""
        head = f'" s="{style._get_xf_index()}"'
        if content is None or content == "":
            return f"{head}/>"
        if isinstance(content, str):
            text = escape(self._escape_control_characters(content), quote=False)
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
                if isinstance(url, FileUrl):
                    lines.append(self._line(address, url._relationship_link, url._anchor, relations))
                else:
                    inside, text = _in_quotes(url._link), _in_quotes(url._text)
                    lines.append(f'<hyperlink ref="{address}" location={inside} display={text}/>')
        lines += [self._line(address, link.target, link.cell, relations) for address, link in self._long_links]
        if lines:
            self.fh.write(f"<hyperlinks>{''.join(lines)}</hyperlinks>")

    def _line(self, address: str, target: str, cell: str, relations: dict[str, int]) -> str:
        number = relations.get(target)
        if number is None:
            self.rel_count += 1
            number = relations[target] = self.rel_count
            self.external_hyper_links.append(["/hyperlink", target, "External"])
        location = f" location={_in_quotes(cell)}" if cell else ""
        return f'<hyperlink ref="{address}" r:id="rId{number}"{location}/>'


def _in_quotes(text: str) -> str:
    """An attribute's value as ``xml.sax.saxutils.quoteattr`` writes it: loading that loads all that speaks HTTPS."""
    text = escape(text, quote=False).replace("\n", "&#10;").replace("\r", "&#13;").replace("\t", "&#9;")
    if '"' not in text:
        return f'"{text}"'
    return f'"{text.replace(chr(34), "&quot;")}"' if "'" in text else f"'{text}'"


def _in_columns(rows: Iterator[Sequence[Cell]]) -> Iterator[list[LongColumn]]:
    """Rows by the thousand, as columns whose keys are the cells themselves."""
    while chunk := list(islice(rows, _CHUNK)):
        yield [LongColumn(cells, itself) for cells in zip(*chunk, strict=True)]
