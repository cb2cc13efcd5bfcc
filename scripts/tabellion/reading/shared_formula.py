"""Shared formulas: the text that a cell of the group would have, from the text of the group's first cell."""

from __future__ import annotations

import re

from tabellion.addresses import column_index, column_letters
from tabellion.reading.limits import MAX_COLUMNS, MAX_ROWS

# What may hold something like a reference and is none comes first: text, quoted sheet names, [structured references]
# and [1] of another workbook, function names, numbers, and words such as a defined name or TAUX2015X.
_TOKEN = re.compile(
    r"""
    (?P<skip> "(?:[^"]|"")*"? | '(?:[^']|'')*'? | \[ (?: [^\[\]'] | '. | \[ (?:[^\[\]']|'.)* \] )* \]? )
  | (?P<cell> (?P<fix_column>\$?) (?P<column>[A-Za-z]{1,3}) (?P<fix_row>\$?) (?P<row>[1-9][0-9]{0,6}) (?![\w.(!\[]) )
  | (?P<columns> (\$?)([A-Za-z]{1,3}) : (\$?)([A-Za-z]{1,3}) (?![\w.(!\[]) )
  | (?P<rows> (\$?)([1-9][0-9]{0,6}) : (\$?)([1-9][0-9]{0,6}) (?![\w.(!\[]) )
  | (?P<word> [\w\\][\w.\\?]* | \$ | . )
    """,
    re.VERBOSE | re.DOTALL,
)


def shifted(formula: str, rows: int, columns: int) -> str:
    """``formula`` (without ``=``) moved by that many rows and columns: relative references follow, ``$`` ones stay.

    A reference that leaves the sheet becomes ``#REF!``, as Excel shows it.
    """
    return _TOKEN.sub(lambda match: _shift_token(match, rows, columns), formula)


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
