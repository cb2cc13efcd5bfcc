"""Excel addresses: column letters, cell names and ranges, as one-based numbers."""

from __future__ import annotations

import re
from functools import cache

_CELL = re.compile(r"\$?([A-Za-z]{1,3})\$?([1-9]\d{0,6})")


@cache
def column_index(letters: str) -> int:
    """The one-based column of ``letters``: A is 1, Z is 26, AA is 27, XFD is 16,384."""
    index = 0
    for letter in letters.upper():
        index = index * 26 + ord(letter) - 64
    return index


@cache
def column_letters(index: int) -> str:
    """The letters of a one-based column: 1 is A, 27 is AA."""
    letters = ""
    while index > 0:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def cell_name(row: int, column: int) -> str:
    """``B7`` for row 7, column 2 (both one-based)."""
    return f"{column_letters(column)}{row}"


def parse_cell(name: str) -> tuple[int, int]:
    """The one-based (row, column) of ``B7`` or ``$B$7``. Raises ``ValueError`` for anything else."""
    match = _CELL.fullmatch(name)
    if match is None:
        raise ValueError(f"not a cell: {name[:40]!r}")
    return int(match[2]), column_index(match[1])


def parse_range(ref: str) -> tuple[int, int, int, int]:
    """First row, first column, last row, last column of ``A5:H20`` or of one cell. Raises ``ValueError``."""
    first, _, last = ref.partition(":")
    top, left = parse_cell(first)
    bottom, right = parse_cell(last or first)
    return top, left, bottom, right
