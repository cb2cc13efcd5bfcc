"""What a screen and a printer show of each sheet of a workbook: frozen panes, rows and columns in view, printed sizes.

Run as a module (``python -m support.sheet_sizes [KIND …]``) it prints the figures of every kind of workbook.
"""

from __future__ import annotations

import io
import re
import sys
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import openpyxl
from openpyxl.utils import range_boundaries

#: The cells that Excel shows of a screen of 1366 × 768 pixels at 100 %, under its ribbon: in pixels.
SCREEN_WIDTH, SCREEN_HEIGHT = 1316, 460
#: Inches of paper by Excel's code: A4 and A3, upright.
_PAPERS = {9: (8.27, 11.69), 8: (11.69, 16.54)}
_DOTS = 96
_DEFAULT_WIDTH, _DEFAULT_HEIGHT = 64, 15.0


@dataclass(frozen=True)
class SheetSizes:
    """One sheet. Sizes on the screen are in pixels at 100 %, printed ones in points."""

    name: str
    frozen: tuple[int, int]
    """Width and height of the frozen panes."""
    seen: tuple[int, int]
    """Rows and columns that are whole on the first screen."""
    paper: int
    scale: float
    smallest: float
    """The smallest printed letters."""
    across: int
    pages: int
    cut: tuple[str, ...]
    """Columns that are wider than a page."""


def sizes_of(content: bytes) -> Iterator[SheetSizes]:
    """The sizes of each visible sheet."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        book = openpyxl.load_workbook(io.BytesIO(content))
    charts = _chart_letters(content)
    for sheet in book:
        if sheet.sheet_state == "visible":
            yield _sizes(sheet, charts)


def _chart_letters(content: bytes) -> float:
    """The smallest letters of the workbook's charts, in points."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        charts = [archive.read(name).decode() for name in archive.namelist() if "charts/chart" in name]
    return min((int(size) / 100 for chart in charts for size in re.findall(r' sz="(\d+)"', chart)), default=99.0)


def _sizes(sheet: Any, charts: float) -> SheetSizes:
    right, bottom = sheet.max_column, sheet.max_row
    left, top = 1, 1
    if sheet.print_area:
        left, top, right, bottom = range_boundaries(sheet.print_area.split("!")[-1].split(",")[0].replace("$", ""))
    places = [anchor._from for drawing in sheet._charts if (anchor := drawing.anchor)]
    ends = [drawing.anchor.to for drawing in sheet._charts if hasattr(drawing.anchor, "to")]
    if not sheet.print_area:
        right = max([right, *(end.col + 1 for end in ends)])
        bottom = max([bottom, *(end.row + 1 for end in ends)])
    columns = [_width(sheet, column) for column in range(1, right + 1)]
    rows = [_height(sheet, row) for row in range(1, bottom + 1)]
    setup = sheet.page_setup
    paper = int(setup.paperSize or 9)
    short, long = _PAPERS[paper]
    wide, high = (long, short) if setup.orientation == "landscape" else (short, long)
    margins = sheet.page_margins
    page_width, page_height = (wide - margins.left - margins.right) * _DOTS, (high - margins.top - margins.bottom) * 72
    printed = columns[left - 1 :]
    repeated = sum(columns[: _count(sheet.print_title_cols)])
    scale = (setup.scale or 100) / 100
    if sheet.sheet_properties.pageSetUpPr is not None and sheet.sheet_properties.pageSetUpPr.fitToPage:
        scale = 1.0
        wanted = [1 if pages is None else int(pages) for pages in (setup.fitToWidth, setup.fitToHeight)]
        sizes = ((page_width, sum(printed)), (page_height, sum(rows[top - 1 :])))
        scale = min([1.0, *(pages * room / size for pages, (room, size) in zip(wanted, sizes, strict=True) if pages)])
        scale = int(scale * 100) / 100
    letters = [
        cell.font.sz
        for row in sheet.iter_rows(min_row=top, max_row=bottom, min_col=left, max_col=right)
        for cell in row
        if cell.value is not None and cell.font.sz and columns[cell.column - 1]
    ]
    smallest = min([*letters, charts if places else 99.0]) * scale if letters else 0.0
    header = re.search(r"\d+", sheet.print_title_rows or "")
    heads = sum(rows[: _last_row(sheet.print_title_rows)][int(header[0]) - 1 :]) if header else 0.0
    breaks = {int(page_break.id) for page_break in sheet.col_breaks.brk}
    across = _pages(printed, page_width / scale, {column - left + 1 for column in breaks}, repeated)
    row_breaks = {int(page_break.id) for page_break in sheet.row_breaks.brk} if setup.fitToHeight != 1 else set()
    down = _pages(rows[top - 1 :], page_height / scale, row_breaks, heads)
    too_wide = tuple(str(place) for place, width in enumerate(columns, 1) if width * scale > page_width)
    return SheetSizes(
        sheet.title, _frozen(sheet, columns, rows), _seen(columns, rows), paper, scale, round(smallest, 1),
        across, across * down, too_wide,
    )  # fmt: skip


def _width(sheet: Any, column: int) -> int:
    for dimension in sheet.column_dimensions.values():
        if dimension.min and dimension.min <= column <= dimension.max:
            if dimension.hidden:
                return 0
            return int((256 * dimension.width + 18) / 256 * 7)
    return _DEFAULT_WIDTH


def _height(sheet: Any, row: int) -> float:
    dimension = sheet.row_dimensions.get(row)
    if dimension is None:
        return _DEFAULT_HEIGHT
    return 0.0 if dimension.hidden else float(dimension.ht or _DEFAULT_HEIGHT)


def _count(titles: str | None) -> int:
    """How many columns are repeated on each page."""
    return (
        0
        if not titles
        else range_boundaries(f"{titles.split(':')[0].strip('$')}1:{titles.split(':')[1].strip('$')}1")[2]
    )


def _last_row(titles: str | None) -> int:
    return int(re.findall(r"\d+", titles or "0")[-1])


def _pages(sizes: list[float] | list[int], room: float, breaks: set[int], repeated: float) -> int:
    """How many pages some columns (or rows) take, some of them repeated on each page after the first."""
    pages, used = 1, 0.0
    for place, size in enumerate(sizes):
        if place and (place in breaks or used + size > room * 1.001):
            pages, used = pages + 1, repeated
        used += size
    return pages


def _frozen(sheet: Any, columns: list[int], rows: list[float]) -> tuple[int, int]:
    pane = sheet.sheet_view.pane
    if pane is None:
        return 0, 0
    width, height = sum(columns[: int(pane.xSplit or 0)]), sum(rows[: int(pane.ySplit or 0)]) * _DOTS / 72
    return width, round(height)


def _seen(columns: list[int], rows: list[float]) -> tuple[int, int]:
    seen_rows = sum(1 for total in accumulate(height * _DOTS / 72 for height in rows) if total <= SCREEN_HEIGHT)
    seen_columns = sum(
        1 for width, total in zip(columns, accumulate(columns), strict=True) if width and total <= SCREEN_WIDTH
    )
    return seen_rows, seen_columns


def main() -> None:
    """Print the figures of each kind."""
    from support.every_kind import MAKERS, content_of

    for kind in sys.argv[1:] or [kind for kind in MAKERS if kind != "document"]:
        print(kind)
        for size in sizes_of(content_of(kind)):
            paper = "A3" if size.paper == 8 else "A4"
            print(
                f"  {size.name:32} frozen {size.frozen[0]:5} x {size.frozen[1]:4} px, seen {size.seen[0]:3} rows"
                f" {size.seen[1]:3} columns; {paper} {size.scale:4.0%}, {size.smallest:4.1f} pt,"
                f" {size.pages:3} pages ({size.across} across) {' '.join(size.cut)}"
            )


if __name__ == "__main__":
    main()
