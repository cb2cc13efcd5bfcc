"""Excel addresses: column letters, cell names and ranges as one-based numbers, and formulas moved with them."""

from __future__ import annotations

import re
from functools import cache, lru_cache

#: The size of a sheet.
MAX_ROWS, MAX_COLUMNS = 1_048_576, 16_384

_CELL = re.compile(r"\$?([A-Za-z]{1,3})\$?([1-9][0-9]{0,6})")
#: The tokens of a formula. What may hold something like a reference and is none comes first: text, quoted sheet names,
#: [structured references] and [1] of another workbook, function names, numbers, words such as a name or TAUX2015X.
TOKEN = re.compile(
    r"""
    (?P<skip> "(?:[^"]|"")*"? | '(?:[^']|'')*'? | \[ (?: [^\[\]'] | '. | \[ (?:[^\[\]']|'.)* \] )* \]? )
  | (?P<cell> (?P<fix_column>\$?) (?P<column>[A-Za-z]{1,3}) (?P<fix_row>\$?) (?P<row>[1-9][0-9]{0,6}) (?![\w.(!\[]) )
  | (?P<columns> (\$?)([A-Za-z]{1,3}) : (\$?)([A-Za-z]{1,3}) (?![\w.(!\[]) )
  | (?P<rows> (\$?)([1-9][0-9]{0,6}) : (\$?)([1-9][0-9]{0,6}) (?![\w.(!\[]) )
  | (?P<word> [\w\\][\w.\\?]* | \$ | . )
    """,
    re.VERBOSE | re.DOTALL,
)


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
        index, letter = divmod(index - 1, 26)
        letters = chr(65 + letter) + letters
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


def shifted(formula: str, rows: int, columns: int) -> str:
    """``formula`` (without ``=``) moved by that many rows and columns: relative references follow, ``$`` ones stay.

    A reference that leaves the sheet becomes ``#REF!``, as Excel shows it.
    """
    return TOKEN.sub(lambda match: _shift_token(match, rows, columns), formula)


def _shift_token(match: re.Match[str], rows: int, columns: int) -> str:
    if match["cell"] is not None:
        if column_index(match["column"]) > MAX_COLUMNS or int(match["row"]) > MAX_ROWS:
            return match[0]  # beyond the sheet: a name
        column = _column(match["fix_column"], match["column"], columns)
        row = _row(match["fix_row"], match["row"], rows)
        return column + row if column and row else "#REF!"
    if match["columns"] is not None:
        first, last = (_split(side) for side in match["columns"].split(":"))
        left, right = _column(*first, columns), _column(*last, columns)
        return f"{left}:{right}" if left and right else "#REF!"
    if match["rows"] is not None:
        first, last = (_split(side) for side in match["rows"].split(":"))
        top, bottom = _row(*first, rows), _row(*last, rows)
        return f"{top}:{bottom}" if top and bottom else "#REF!"
    return match[0]


def _split(side: str) -> tuple[str, str]:
    return ("$", side[1:]) if side.startswith("$") else ("", side)


def _column(fixed: str, letters: str, by: int) -> str:
    if fixed:
        return fixed + letters
    index = column_index(letters) + by
    return column_letters(index) if 1 <= index <= MAX_COLUMNS else ""


def _row(fixed: str, number: str, by: int) -> str:
    if fixed:
        return fixed + number
    index = int(number) + by
    return str(index) if 1 <= index <= MAX_ROWS else ""


#: What no client changes in a formula: texts, labels of columns, names of sheets.
LITERAL = re.compile(r'("(?:[^"]|"")*"|\[(?:[^\[\]]|\[[^\[\]]*\])*\]|\'(?:[^\']|\'\')*\'!)')
#: The two truths, which LibreOffice writes as calls of functions.
_TRUTH = re.compile(r"\b(TRUE|FALSE)\(\)")


@lru_cache(maxsize=256)
def compact(formula: str) -> str:
    """A formula as it can be compared: without the spaces and the case that clients change, texts and labels whole."""
    pieces = LITERAL.split(formula.removeprefix("=").replace("_xlfn.", ""))
    for place in range(0, len(pieces), 2):
        plain = "".join(pieces[place].split()).upper()
        pieces[place] = _TRUTH.sub(r"\1", plain) if "()" in plain else plain
    return "".join(pieces)
