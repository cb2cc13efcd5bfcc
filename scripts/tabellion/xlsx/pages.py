"""How a sheet is printed: no letter under 8 points.

A sheet as wide as an A4 page (upright where it asks for that) is fitted to it; a wider one to an A3 page, across; one
that is wider still takes several A4 pages side by side, cut between columns, with its first columns on each. A sheet of
several blocks fills its pages: another one begins at a block that does not fit under those before.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from xlsxwriter.worksheet import Worksheet

from tabellion.layout.theme import SMALLEST_LETTERS

#: The margins at the sides and those above and below, in inches.
SIDE_MARGIN, TOP_MARGIN, BOTTOM_MARGIN = 0.4, 0.5, 0.6
#: The width of a column that was given none, in characters.
DEFAULT_WIDTH = 8.43
#: Pixels of an inch, of a unit of a column's width, of a column's padding, and of a row that was given no height.
_DOTS, _UNIT, _PADDING, _ROW = 96, 7, 5, 20
#: Of a page's width, what is counted on where it is cut: LibreOffice's columns are wider than Excel's by a sixteenth.
_SHARE = 0.93


@dataclass(frozen=True)
class Paper:
    """A size of paper: Excel's code, its sides in inches."""

    code: int
    short: float
    long: float


A4, A3 = Paper(9, 8.27, 11.69), Paper(8, 11.69, 16.54)


@dataclass(frozen=True)
class Pages:
    """The pages of a sheet: paper, direction, the columns at which another page begins, and the scale in percent of a
    sheet that is not fitted to its page.
    """

    paper: Paper
    is_landscape: bool
    scale: int
    breaks: tuple[int, ...] = ()


@dataclass(frozen=True)
class PrintSetup:
    """What a sheet asks of its print: see ``Sheet.print_setup``."""

    area: tuple[int, int] | None = None
    keys: int = 0
    starts: Sequence[int] | None = None
    blocks: tuple[int, ...] = ()
    upright: bool = False
    one_page: bool = False
    repeated: tuple[int, int] | None = None


def set_up_pages(
    sheet: Worksheet, asked: PrintSetup, widths: Mapping[int, float], objects: Sequence[tuple[int, int]], letters: float
) -> None:
    """Set a sheet up as it asks, now that the ``widths`` of its columns are known (in characters, 0 for hidden ones).

    ``objects`` are its charts: their first column and their width in pixels.
    """
    if asked.area is not None:
        sheet.print_area(0, 0, *asked.area)
    last = asked.area[1] if asked.area is not None else sheet.dim_colmax or 0
    pixels = [column_pixels(widths.get(column, DEFAULT_WIDTH)) for column in range(last + 1)]
    beyond = max((sum(pixels[:column]) + width for column, width in objects), default=0) - sum(pixels)
    if beyond > 0:
        pixels.append(beyond)
    pages = lay_out_pages(pixels, letters, keys=asked.keys, starts=asked.starts, upright=asked.upright)
    sheet.set_margins(left=SIDE_MARGIN, right=SIDE_MARGIN, top=TOP_MARGIN, bottom=BOTTOM_MARGIN)
    sheet.set_paper(pages.paper.code)
    if pages.is_landscape:
        sheet.set_landscape()
    if pages.breaks:
        sheet.set_v_pagebreaks(list(pages.breaks))
        if asked.keys:
            sheet.repeat_columns(0, asked.keys - 1)
    if asked.blocks or pages.breaks:  # clients leave breaks out where they fit a sheet to pages
        whole = int(100 * _SHARE * _room(pages.paper, pages.is_landscape) / sum(pixels))
        tallest = max((_height(sheet, *block) for block in pairwise(asked.blocks)), default=1)
        readable = max(smallest_scale(letters), int(100 * _page_height(pages) / tallest))
        scale = pages.scale if pages.breaks else min(pages.scale, whole, readable)
        sheet.set_h_pagebreaks(list(_filled_pages(sheet, asked, pages, scale)))
        sheet.set_print_scale(scale)
    else:
        sheet.fit_to_pages(1, int(asked.one_page))


def _height(sheet: Worksheet, first: int, following: int) -> int:
    """The pixels of the rows from ``first`` to the one before ``following``."""
    return sum(sheet.row_sizes[row][0] if row in sheet.row_sizes else _ROW for row in range(first, following))


def _page_height(pages: Pages) -> float:
    """The pixels that are counted on between the margins above and below, at 100 %."""
    side = pages.paper.short if pages.is_landscape else pages.paper.long
    return (side - TOP_MARGIN - BOTTOM_MARGIN) * _DOTS * _SHARE


def _filled_pages(sheet: Worksheet, asked: PrintSetup, pages: Pages, scale: int) -> Iterator[int]:
    """The blocks at which another page begins, at a scale in percent."""
    room = _page_height(pages) * 100 / scale
    heads = 0 if asked.repeated is None else _height(sheet, asked.repeated[0], asked.repeated[1] + 1)
    first, above = 0, 0
    for start, following in pairwise(asked.blocks):
        if start > first and above + _height(sheet, first, following) > room:
            yield start
            first, above = start, heads


def column_pixels(width: float) -> int:
    """The pixels of a column of a width in characters, 0 for a hidden one."""
    return int(width * _UNIT + _PADDING) if width else 0


def smallest_scale(letters: float) -> int:
    """The smallest scale, in percent, at which letters of so many points are still read; at most 100."""
    return min(100, math.ceil(100 * SMALLEST_LETTERS / letters))


def lay_out_pages(
    widths: Sequence[int],
    letters: float,
    *,
    keys: int = 0,
    starts: Collection[int] | None = None,
    upright: bool = False,
) -> Pages:
    """The pages of columns of these ``widths`` in pixels, 0 for a hidden one; ``letters`` are the smallest, in points.

    ``keys`` is how many of the first columns stand on each page; pages are cut at the columns ``starts`` only, where
    these are given.
    """
    smallest, total = smallest_scale(letters), sum(widths)
    tried = [(A4, False)] if upright else []
    for paper, is_landscape in (*tried, (A4, True), (A3, True)):
        if total * smallest <= _room(paper, is_landscape) * 100:
            return Pages(paper, is_landscape, 100)
    room = int(_room(A4, is_landscape=True) * _SHARE * 100 / smallest)
    return Pages(A4, True, smallest, tuple(_breaks(widths, room, keys, starts)))


def _room(paper: Paper, is_landscape: bool) -> float:
    """The pixels between the side margins at 100 %."""
    return ((paper.long if is_landscape else paper.short) - 2 * SIDE_MARGIN) * _DOTS


def _breaks(widths: Sequence[int], room: int, keys: int, starts: Collection[int] | None) -> Iterator[int]:
    allowed = sorted(starts) if starts is not None else range(keys, len(widths))
    first, repeated = 0, 0
    for start, following in zip(allowed, [*allowed[1:], len(widths)], strict=True):
        if start > max(first, keys) and repeated + sum(widths[first:following]) > room:
            yield start
            first, repeated = start, sum(widths[:keys])
