"""The rows of a long list, given to a sheet whole: a fifth of the time of writing cell by cell, and of the memory.

xlsxwriter keeps an object for each cell and writes its attributes one by one. In a list of 100,000 rows nearly every
cell looks like another one: here what follows a cell's address is made once, and a row is the sum of such ends.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date

from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from tabellion.outputs.consolidated.links import MOST_LINKS
from tabellion.outputs.consolidated.palette import Cell
from tabellion.workbook.names import column_letters
from tabellion.workbook.pen import CellContent, Pen, Sheet


class LongSheet(Worksheet):  # type: ignore[misc]
    """A sheet of xlsxwriter that can also be given many rows at once."""

    dim_rowmin: int
    dim_rowmax: int

    def __init__(self) -> None:
        super().__init__()
        self._blocks: dict[int, list[list[str]]] = {}
        self._ends: dict[tuple[CellContent, Format], str] = {}

    def write_long_rows(self, first_row: int, rows: Iterable[Sequence[Cell]]) -> None:
        """Write rows from the zero-based ``first_row`` on; nothing else may be written on them.

        Beyond the number of links that a sheet may have, the words stay and lead nowhere.
        """
        ends, block, uses = self._ends, self._blocks.setdefault(first_row, []), Counter[str]()
        for row, cells in enumerate(rows, first_row):
            line = [ends.get(each[:2]) or self._end(each.content, each.style) for each in cells]
            block.append(line)
            uses.update(line)
            for column, each in enumerate(cells):
                if each.link is not None and self.hlink_count < MOST_LINKS:
                    each.link.text = str(each.content)
                    self.hlink_count += 1
                    self.hyperlinks[row][column] = each.link
        # The shared texts say how often they are used; each was counted once when its end was made.
        self.str_table.count += sum(count - 1 for end, count in uses.items() if ' t="s"' in end)

    def _end(self, content: CellContent, style: Format) -> str:
        """What follows the address of a cell: its format and its content."""
        head = f'" s="{style._get_xf_index()}"'
        if content is None or content == "":
            end = f"{head}/>"
        elif isinstance(content, str):
            end = f'{head} t="s"><v>{self.str_table._get_shared_string_index(content)}</v></c>'
        else:
            number = self._convert_date_time(content) if isinstance(content, date) else content
            end = f"{head}><v>{number:.16G}</v></c>"
        self._ends[content, style] = end
        return end

    def _write_rows(self) -> None:
        """All rows in their order: xlsxwriter's own before, between and after the blocks."""
        first, last = self.dim_rowmin, self.dim_rowmax
        for start, block in sorted(self._blocks.items()):
            self.dim_rowmax = start - 1
            super()._write_rows()
            self._write_block(start, block)
            self.dim_rowmin = start + len(block)
        self.dim_rowmax = last
        super()._write_rows()
        self.dim_rowmin = first

    def _write_block(self, start: int, block: list[list[str]]) -> None:
        letters = [column_letters(column) for column in range(max(map(len, block), default=0))]
        for number, line in enumerate(block, start + 1):
            cells = [f'<c r="{letter}{number}{end}' for letter, end in zip(letters, line, strict=False)]
            self.fh.write(f'<row r="{number}">{"".join(cells)}</row>')


class ListPen(Pen):
    """A pen whose sheets take long rows."""

    def sheet(self, name: str) -> Sheet:
        """A new sheet."""
        self.sheets.append(Sheet(self, self.book.add_worksheet(name, LongSheet)))
        return self.sheets[-1]
