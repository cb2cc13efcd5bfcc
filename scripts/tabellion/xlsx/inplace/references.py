"""What a formula refers to, and formulas whose rows moved.

The tokens are the house's own (:data:`tabellion.addresses.TOKEN`): openpyxl's tokenizer refuses the apostrophes that
escape brackets in structured references, which our own labels may have, and spilled ranges, ``A1#``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from tabellion.addresses import MAX_COLUMNS, MAX_ROWS, TOKEN, column_index, column_letters
from tabellion.xlsx.inplace.moves import RowMove

#: A reference to what is not there any more.
LOST = "#REF!"
_QUOTED = re.compile(r"'((?:[^']|'')*)'")
_SIDE = re.compile(r"(\$?)([A-Za-z]*)(\$?)([0-9]*)")


@dataclass(frozen=True, slots=True)
class Corner:
    """One end of a reference: its column (0 for whole rows), its row (0 for whole columns), whether each is fixed."""

    column: int
    row: int
    fixed_column: bool
    fixed_row: bool

    def text(self, row: int) -> str:
        """Its text with another row."""
        column = f"{'$' * self.fixed_column}{column_letters(self.column)}" if self.column else ""
        return column + (f"{'$' * self.fixed_row}{row}" if self.row else "")


@dataclass(frozen=True, slots=True)
class Reference:
    """Cells that a formula names: where the text stands, its sheet (``None``: the formula's own), one corner or two.

    ``between`` is the text from one corner to the other.
    """

    start: int
    end: int
    sheet: str | None
    corners: tuple[Corner, ...]
    between: str = ""

    @property
    def rows(self) -> tuple[int, int]:
        """First and last row; all of them for whole columns."""
        rows = [corner.row for corner in self.corners]
        return (min(rows), max(rows)) if all(rows) else (1, MAX_ROWS)

    @property
    def columns(self) -> tuple[int, int]:
        """First and last column; all of them for whole rows."""
        columns = [corner.column for corner in self.corners]
        return (min(columns), max(columns)) if all(columns) else (1, MAX_COLUMNS)


@dataclass(frozen=True, slots=True)
class Mentions:
    """All that a formula names: cells, defined names (with their sheet), tables (with what is in brackets), functions.

    ``open`` when it names cells in a way that only a calculation tells: a range to the result of a function, cells of
    several sheets at once.
    """

    references: tuple[Reference, ...]
    names: tuple[tuple[str | None, str], ...]
    tables: tuple[tuple[str, str], ...]
    functions: frozenset[str]
    open: bool


@lru_cache(maxsize=100_000)
def mentions(formula: str) -> Mentions:
    """What a formula (without ``=``) names."""
    return _Scan(formula).run()


class _Scan:
    """One walk through the tokens of a formula."""

    def __init__(self, formula: str) -> None:
        self.formula = formula
        self.tokens = list(TOKEN.finditer(formula))
        self.references: list[Reference] = []
        self.names: list[tuple[str | None, str]] = []
        self.tables: list[tuple[str, str]] = []
        self.functions: set[str] = set()
        self.open = False

    def text(self, place: int) -> str:
        return self.tokens[place][0] if 0 <= place < len(self.tokens) else ""

    def run(self) -> Mentions:
        place = 0
        while place < len(self.tokens):
            place = self.step(place)
        parts = (tuple(self.references), tuple(self.names), tuple(self.tables))
        return Mentions(*parts, frozenset(self.functions), self.open)

    def step(self, place: int) -> int:
        """Note what stands at a token; returns the place of the next one to look at."""
        sheet, known = None, True
        if self.text(place + 1) == "!":  # of a lost reference too, whose sheet is nowhere: #REF!A1
            sheet, known = self.sheet(place)
            place += 2
        piece = self.text(place)
        match = self.tokens[place] if place < len(self.tokens) else None
        if match is None:
            return place
        if match["cell"] is not None:
            return self.cells(place, sheet, known=known)
        if match["columns"] is not None or match["rows"] is not None:
            self.keep(match.start(), match.end(), sheet, tuple(_corner(side) for side in piece.split(":")), known=known)
        elif match["word"] is not None and (piece[0].isalpha() or piece[0] in "_\\"):
            following = self.text(place + 1)
            if following == "(":
                self.functions.add(piece.upper().removeprefix("_XLFN.").removeprefix("_XLWS."))
            elif following.startswith("["):
                self.tables.append((piece, following))
                return place + 2
            elif known:
                self.names.append((sheet, piece))
        else:
            self.open |= piece == ":"
        return place + 1

    def sheet(self, place: int) -> tuple[str, bool]:
        """The sheet that a token names, and whether it is one sheet of this workbook."""
        before, token = self.text(place - 1), self.text(place)
        quoted = _QUOTED.fullmatch(token)
        name = quoted[1].replace("''", "'") if quoted else token
        several = before == ":" and not (self.references and self.references[-1].end == self.tokens[place - 1].start())
        self.open |= several or (":" in name and "[" not in name)
        return name, not (several or before.endswith("]") or "[" in name)

    def cells(self, place: int, sheet: str | None, *, known: bool) -> int:
        """A cell, or a range of cells."""
        first = self.tokens[place]
        corners: tuple[Corner, ...] = (_corner(first[0]),)
        between, last = "", place
        if self.text(place + 1) == ":":
            other = place + 4 if self.text(place + 3) == "!" else place + 2
            end = self.tokens[other] if other < len(self.tokens) else None
            if end is not None and end["cell"] is not None:
                between = self.formula[first.end() : end.start()]
                corners, last = (*corners, _corner(end[0])), other
        if all(corner.column <= MAX_COLUMNS and corner.row <= MAX_ROWS for corner in corners):
            self.keep(first.start(), self.tokens[last].end(), sheet, corners, between, known=known)
        return last + 1

    def keep(
        self, start: int, end: int, sheet: str | None, corners: tuple[Corner, ...], between: str = ":", *, known: bool
    ) -> None:
        if known:
            self.references.append(Reference(start, end, sheet, corners, between))


def _corner(text: str) -> Corner:
    match = _SIDE.fullmatch(text)
    if match is None:
        raise ValueError(f"not a reference: {text[:40]!r}")
    fix_first, letters, fix_row, row = match.groups()
    if not letters:
        return Corner(0, int(row), False, bool(fix_first or fix_row))
    return Corner(column_index(letters), int(row or 0), bool(fix_first), bool(fix_row))


@dataclass(frozen=True, slots=True)
class Anchor:
    """The cell that a rule's formula is written for: its row before and after the move."""

    before: int
    after: int


def moved(
    formula: str, home: str, moves: Mapping[str, RowMove], *, anchor: Anchor | None = None, row: int = 0
) -> tuple[str, bool]:
    """A formula of the sheet ``home`` after moves (by folded name of sheet), and whether cells that it names came or
    went.

    References to rows taken out become ``#REF!``; but those of a rule stay as far from its ``anchor`` as they were,
    since they name a row by its distance. ``row`` is the row of a cell's own formula: a range that ends there because
    the formula does (a running total) does not grow.
    """
    pieces, place, resized = list[str](), 0, False
    for reference in mentions(formula).references:
        move = moves.get((home if reference.sheet is None else reference.sheet).casefold())
        if move is None or not all(corner.row for corner in reference.corners):
            continue
        follows = reference.rows[1] >= move.first or move.grows(*reference.rows)
        if not follows or not move.covers(*reference.columns):
            continue
        text, changed = _moved(reference, move, anchor, row if home.casefold() == move.sheet.casefold() else 0)
        pieces += [formula[place : reference.start], text]
        place, resized = reference.end, resized or changed
    return "".join([*pieces, formula[place:]]), resized


def _moved(reference: Reference, move: RowMove, anchor: Anchor | None, row: int) -> tuple[str, bool]:
    corners = reference.corners
    if len(corners) == 1:
        target = move.row(corners[0].row)
        if target is None and anchor is not None and not corners[0].fixed_row:
            target = corners[0].row - anchor.before + anchor.after
        if target is None or not 1 <= target <= MAX_ROWS:
            return LOST, True
        return corners[0].text(target), False
    first, last = reference.rows
    lowest = max(corners, key=lambda corner: corner.row)
    running = move.top <= row <= move.after and not lowest.fixed_row
    grow = move.grows(first, last) and not running
    rows = move.rows(first, last, grow=grow)
    if rows is None:
        if anchor is None or any(corner.fixed_row for corner in corners):
            return LOST, True
        by = anchor.after - anchor.before
        rows = first + by, last + by
    in_order = corners[0].row <= corners[1].row
    ends = rows if in_order else rows[::-1]
    text = corners[0].text(ends[0]) + reference.between + corners[1].text(ends[1])
    return text, grow or move.touches(first, last)
