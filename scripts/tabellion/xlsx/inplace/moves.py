"""Where rows go when some are taken out of a sheet and others put in: pure arithmetic on one-based addresses."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import cached_property

from tabellion.addresses import MAX_COLUMNS, MAX_ROWS, cell_name, parse_range

#: First row, first column, last row, last column.
Area = tuple[int, int, int, int]


@dataclass(frozen=True)
class RowMove:
    """Rows ``removed`` from a band of columns of ``sheet``, and ``count`` blank ones put in ``after`` a row.

    All rows are those of before. The band is the whole sheet, or the columns of a table that has others beside it;
    then rows after ``limit`` stay, when there is room for what comes.
    ``top`` is the first row of the data that the new rows lengthen: a range that covers the data from there to
    ``after`` grows over them, though they come after its end (0: none does).
    """

    sheet: str
    removed: frozenset[int] = frozenset()
    after: int = 0
    count: int = 0
    top: int = 0
    left: int = 1
    right: int = MAX_COLUMNS
    limit: int = MAX_ROWS

    @cached_property
    def _removed(self) -> list[int]:
        return sorted(self.removed)

    @property
    def whole(self) -> bool:
        """Whether whole rows move, with all that stands on them."""
        return (self.left, self.right) == (1, MAX_COLUMNS)

    @cached_property
    def first(self) -> int:
        """The first row that is not where it was."""
        return min([*self._removed[:1], *([self.after + 1] if self.count else [])], default=MAX_ROWS + 1)

    @cached_property
    def inserted(self) -> range:
        """The rows put in, as they stand afterwards."""
        start = self.after - bisect_right(self._removed, self.after) + 1
        return range(start, start + self.count)

    @cached_property
    def gaps(self) -> list[int]:
        """The rows, as they stand afterwards, that follow rows taken out."""
        return sorted({self._shifted(row) for row in self.removed})

    def covers(self, left: int, right: int) -> bool:
        """Whether the band holds these columns."""
        return self.left <= left and right <= self.right

    def row(self, number: int) -> int | None:
        """Where a row of the band goes; ``None`` when it is taken out."""
        return None if number in self.removed else self._shifted(number)

    def _shifted(self, number: int) -> int:
        if number > self.limit:
            return number
        return number - bisect_left(self._removed, number) + (self.count if self.count and number > self.after else 0)

    def next_row(self, number: int) -> int:
        """Where a row goes, or what follows it when it is taken out."""
        return self._shifted(number)

    def cell(self, row: int, column: int) -> int | None:
        """The row where a cell goes; ``None`` when it is taken out."""
        return self.row(row) if self.left <= column <= self.right else row

    def touches(self, first: int, last: int) -> bool:
        """Whether rows are taken out of a span of rows, or put inside it."""
        taken = bisect_right(self._removed, last) > bisect_left(self._removed, first)
        return taken or (self.count > 0 and first <= self.after < last)

    def grows(self, first: int, last: int) -> bool:
        """Whether a span is the data that the new rows lengthen."""
        return self.count > 0 and last == self.after and 0 < first <= self.top

    def rows(self, first: int, last: int, *, grow: bool = False) -> tuple[int, int] | None:
        """Where a span of rows goes; it grows with the rows put inside it, and with ``grow`` after it.

        ``None`` when nothing of it is left.
        """
        inside = self.count > 0 and (first <= self.after < last or (grow and last == self.after))
        before, behind = first, last
        while before <= last and before in self.removed:
            before += 1
        while behind >= first and behind in self.removed:
            behind -= 1
        ends = [self._shifted(before), self._shifted(behind)] if before <= behind else []
        ends += [self.inserted[0], self.inserted[-1]] if inside else []
        return (min(ends), min(max(ends), MAX_ROWS)) if ends and min(ends) <= MAX_ROWS else None

    def area(self, area: Area, *, grow: bool = False) -> Area | None:
        """Where an area goes; one that the band does not hold stays. ``None`` when nothing of it is left."""
        top, left, bottom, right = area
        if not self.covers(left, right):
            return area
        rows = self.rows(top, bottom, grow=grow)
        return None if rows is None else (rows[0], left, rows[1], right)

    def format_area(self, area: Area) -> Area | None:
        """Where the area of a rule or of a format goes: the new rows take it from the row before them."""
        top, left, bottom, right = area
        column = (left, right) if self.covers(left, right) else None
        return self.area(area, grow=column is not None and bottom == self.after and (top < bottom or top == self.top))


def parse_areas(refs: str) -> list[Area]:
    """The areas of an ``sqref``: those that can be read."""
    areas = []
    for ref in refs.split():
        try:
            areas.append(parse_range(ref))
        except ValueError:
            continue
    return areas


def area_name(area: Area) -> str:
    """``B7:C9``, or ``B7`` for one cell."""
    first, last = cell_name(area[0], area[1]), cell_name(area[2], area[3])
    return first if first == last else f"{first}:{last}"
