"""The rows of a long list, given to a sheet as they are made: a fifth of the time of writing cell by cell, no memory.

xlsxwriter keeps an object for each cell and writes its attributes one by one. In a list of 100,000 rows nearly every
cell looks like another one: here what follows a cell's address is made once, a row is the sum of such ends, and rows
are only made when the sheet is written. Their texts stand in the cells, since the shared ones are counted before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from xml.sax.saxutils import escape, quoteattr

from xlsxwriter.format import Format
from xlsxwriter.url import Url
from xlsxwriter.worksheet import Worksheet

from tabellion.outputs.consolidated.links import MOST_LINKS, FileLink, FileUrl
from tabellion.outputs.consolidated.palette import Cell
from tabellion.workbook.names import column_letters
from tabellion.workbook.pen import CellContent, Pen, Sheet

#: Ends that are remembered: most come back, those of amounts and comments do not.
_MOST_ENDS = 20_000


class LongSheet(Worksheet):  # type: ignore[misc]
    """A sheet of xlsxwriter that can also be given many rows at once."""

    dim_rowmin: int
    dim_rowmax: int

    def __init__(self) -> None:
        super().__init__()
        self._blocks: dict[int, tuple[int, Iterable[Sequence[Cell]]]] = {}
        self._ends: dict[tuple[CellContent, Format], str] = {}
        self._long_links: list[tuple[str, FileLink]] = []

    def write_long_rows(self, first_row: int, count: int, rows: Iterable[Sequence[Cell]]) -> None:
        """Write ``count`` rows from the zero-based ``first_row`` on, when the sheet is; nothing else may stand there.

        Beyond the number of links that a sheet may have, the words stay and lead nowhere.
        """
        self._blocks[first_row] = (count, rows)

    def _write_block(self, first_row: int, rows: Iterable[Sequence[Cell]]) -> None:
        letters: list[str] = []
        for number, cells in enumerate(rows, first_row + 1):
            if len(letters) < len(cells):
                letters = [column_letters(column) for column in range(len(cells))]
            if len(self._ends) > _MOST_ENDS:
                self._ends.clear()
            ends = [self._ends.get(each[:2]) or self._end(each.content, each.style) for each in cells]
            line = "".join([f'<c r="{letter}{number}{end}' for letter, end in zip(letters, ends, strict=False)])
            self.fh.write(f'<row r="{number}">{line}</row>')
            for letter, each in zip(letters, cells, strict=False):
                if each.link is not None and self.hlink_count < MOST_LINKS:
                    self.hlink_count += 1
                    self._long_links.append((f"{letter}{number}", each.link))

    def _end(self, content: CellContent, style: Format) -> str:
        """What follows the address of a cell: its format and its content."""
        head = f'" s="{style._get_xf_index()}"'
        if content is None or content == "":
            end = f"{head}/>"
        elif isinstance(content, str):
            text = escape(self._escape_control_characters(content))
            space = ' xml:space="preserve"' if text != text.strip() else ""
            end = f'{head} t="inlineStr"><is><t{space}>{text}</t></is></c>'
        else:
            number = self._convert_date_time(content) if isinstance(content, date) else content
            end = f"{head}><v>{number:.16G}</v></c>"
        self._ends[content, style] = end
        return end

    def _write_rows(self) -> None:
        """All rows in their order: xlsxwriter's own before, between and after the blocks."""
        first, last = self.dim_rowmin, self.dim_rowmax
        for start, (count, rows) in sorted(self._blocks.items()):
            self.dim_rowmax = start - 1
            super()._write_rows()
            self._write_block(start, rows)
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


class ListPen(Pen):
    """A pen whose sheets take long rows."""

    def sheet(self, name: str) -> Sheet:
        """A new sheet."""
        self.sheets.append(Sheet(self, self.book.add_worksheet(name, LongSheet)))
        return self.sheets[-1]
