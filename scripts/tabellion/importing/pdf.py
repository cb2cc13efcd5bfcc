"""The text of a PDF: what each page holds, tables by their rules or by the places of their words.

Words and rules come from pdfplumber; lengths are in points, from the top of a page.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import Any

from tabellion.importing.pages import AMOUNT, CUT, PageRow, joined_pages, leave_out_headers, text_lines
from tabellion.reading.limits import refusal

#: How far, in heights of a letter, two words of one cell stand apart at most.
_GAP = 0.8
#: How many times the usual distance between two lines begins another row.
_ROW = 1.3
_APART = 2.2
"""How many times the usual distance between two lines stands between two tables, or two paragraphs."""
_NARROW = 3
"""How many lines, each as full as the others, are the cell of a table and no headings."""
_SAME = 6.0
"""How far, in points, the left ends of one column may be from each other."""


@dataclass
class _Line:
    """A line of words: its cells by their left end, where each ends, its top, its bottom."""

    top: float
    bottom: float
    starts: list[float] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)
    cells: list[str] = field(default_factory=list)

    @property
    def letter(self) -> float:
        """The room that any letter needs."""
        return (self.bottom - self.top) * 0.8


def pdf_text(data: bytes) -> str:
    """The text of a PDF, a line for each paragraph line and each row of a table, a tabulation between cells.

    Raises ``TabellionError`` (``document-pdf``) for one that is locked, damaged, or made of pictures.
    """
    import pdfplumber
    from pdfminer.pdfdocument import PDFPasswordIncorrect
    from pdfplumber.utils.exceptions import PdfminerException

    pages: list[list[PageRow | str]] = []
    letters, columns = 0, list[float]()
    try:
        with pdfplumber.open(io.BytesIO(data)) as pdf:
            for page in pdf.pages:
                rows, columns = _page(page, columns)
                pages.append(rows)
                letters += len(page.chars)
                page.close()
    except PdfminerException as error:
        locked = isinstance(error.args[0] if error.args else None, PDFPasswordIncorrect)
        raise refusal("document-pdf", raison="un mot de passe le protège" if locked else "il est abîmé") from None
    if not letters:
        raise refusal("document-pdf", raison="ses pages sont des images, sans texte à lire")
    leave_out_headers(pages)
    return "\n".join(text_lines(joined_pages(pages))) + "\n"


def _page(page: Any, columns: list[float]) -> tuple[list[PageRow | str], list[float]]:
    """What a page holds, from its top: rows of tables, lines of text, blank lines between what stands apart.

    ``columns`` are those at the foot of the page before, if no rule parts them; with the rows come this page's.
    """
    words = page.extract_words(
        extra_attrs=["size"], keep_blank_chars=False, use_text_flow=False, x_tolerance_ratio=0.15
    )
    struck = _rules(page)
    for word in words:
        word["text"] = _SIGNS.get(word["text"], word["text"])
        if any(_crosses(rule, word) for rule in struck):
            word["text"] = f"~~{word['text']}~~"
    blocks: list[tuple[float, list[PageRow | str]]] = []
    inside = set[int]()
    for table in page.find_tables():
        rows = list[PageRow | str]()
        for row in table.rows:
            cells = [_inside(words, box, inside) if box else [] for box in row.cells]
            rows.append(PageRow(cells, tabbed=True))
        if any(isinstance(row, PageRow) and any(row.cells) for row in rows):
            blocks.append((table.bbox[1], ["", *rows, ""]))
    free = _lines([word for number, word in enumerate(words) if number not in inside])
    tops = [top for top, _ in blocks]
    for region in _regions(free, tops):
        rows, columns = _unruled(region, columns, max(word["x1"] for word in words))
        blocks.append((region[0].top, rows))
    return [row for _, rows in sorted(blocks, key=lambda pair: pair[0]) for row in rows], columns


def _inside(words: Sequence[dict[str, Any]], box: tuple[float, float, float, float], taken: set[int]) -> list[str]:
    """The lines of text in a cell."""
    left, top, right, bottom = box
    mine = [
        (number, word)
        for number, word in enumerate(words)
        if left <= (word["x0"] + word["x1"]) / 2 <= right and top <= (word["top"] + word["bottom"]) / 2 <= bottom
    ]
    taken.update(number for number, _ in mine)
    lines = _lines([word for _, word in mine])
    return _mended(lines, left, right)


def _mended(lines: Sequence[_Line], left: float, right: float) -> list[str]:
    """The lines of a cell; ``CUT`` ends one that is a single word as wide as the cell: it may go on below."""
    texts = [" ".join(line.cells) for line in lines]
    padding = min((line.starts[0] - left for line in lines), default=0.0)
    for place, (line, text) in enumerate(zip(lines, texts, strict=True)):
        if text[-1:].isalpha() and " " not in text and right - line.ends[-1] < padding + line.letter:
            texts[place] = text + CUT
    return texts


def _rules(page: Any) -> list[tuple[float, float, float]]:
    """The thin horizontal strokes of a page: left, right, height from the top."""
    drawn = [*page.lines, *page.rects]
    return [(shape["x0"], shape["x1"], (shape["top"] + shape["bottom"]) / 2) for shape in drawn if shape["height"] < 2]


def _crosses(rule: tuple[float, float, float], word: dict[str, Any]) -> bool:
    """Whether a stroke goes through the middle of a word, and over most of it."""
    left, right, height = rule
    tall = word["bottom"] - word["top"]
    over = min(right, word["x1"]) - max(left, word["x0"])
    return bool(0.35 * tall < height - word["top"] < 0.75 * tall and over > 0.6 * (word["x1"] - word["x0"]))


def _lines(words: Iterable[dict[str, Any]]) -> list[_Line]:
    """Words put together in lines, from the top; a wide gap begins another cell."""
    lines: list[list[dict[str, Any]]] = []
    for word in sorted(words, key=lambda word: (word["bottom"], word["x0"])):
        tall = word["bottom"] - word["top"]
        if lines and abs(word["bottom"] - lines[-1][-1]["bottom"]) < tall / 3:
            lines[-1].append(word)
        else:
            lines.append([word])
    made_lines = []
    for line in lines:
        line.sort(key=lambda word: word["x0"])
        made = _Line(min(word["top"] for word in line), max(word["bottom"] for word in line))
        for word in line:
            if made.cells and word["x0"] - made.ends[-1] <= _GAP * word["size"]:
                made.cells[-1] += f" {word['text']}"
                made.ends[-1] = word["x1"]
            else:
                made.starts.append(word["x0"])
                made.ends.append(word["x1"])
                made.cells.append(word["text"])
        made_lines.append(made)
    return made_lines


def _regions(lines: Sequence[_Line], tops: Sequence[float]) -> list[list[_Line]]:
    """The lines outside tables, cut where a table stands between two of them."""
    regions: list[list[_Line]] = []
    for line in lines:
        last = regions[-1][-1] if regions else None
        if last is None or any(last.top < top < line.top for top in tops):
            regions.append([])
        regions[-1].append(line)
    return regions


def _unruled(lines: Sequence[_Line], above: list[float], right: float) -> tuple[list[PageRow | str], list[float]]:
    """The rows and paragraphs of lines that no rule parts: by their distances, their columns and their amounts.

    ``above`` are the columns of what stands before, and ``right`` is where the text of the page ends.
    """
    heights = [line.bottom - line.top for line in lines]
    distances = [after.bottom - before.bottom for before, after in pairwise(lines)]
    pitch = min((distance for distance in distances if distance > median(heights) * 0.8), default=0.0)
    blocks: list[list[_Line]] = []
    for line in lines:
        if not blocks or line.bottom - blocks[-1][-1].bottom > pitch * _ROW:
            blocks.append([])
        blocks[-1].append(line)
    rows = list[PageRow | str]()
    columns = above
    for run in _runs(blocks, pitch):
        inside = [line for block in run for line in block]
        goes_on = not rows and _go_on(inside, columns)
        if not goes_on:
            columns = _columns(inside)
        if rows:
            rows.append("")
        in_table = goes_on
        for block in run:
            in_table = in_table or any(len(line.cells) > 1 for line in block)
            block_rows = _block(block, columns, right, alone=len(run) == 1)
            if not in_table and len(block_rows) == len(block):  # what stands above a table, a line each: its headings
                block_rows = [PageRow([_unwrapped([line])], tabbed=False) for line in _paragraphs(block, right)]
            rows += block_rows
    return rows, columns


def _go_on(lines: Sequence[_Line], columns: Sequence[float]) -> bool:
    """Whether every cell stands in one of the columns."""
    starts = [start for line in lines for start in line.starts]
    placed = all(any(abs(start - column) < _SAME for column in columns) for start in starts)
    return placed and not _cross(lines, columns)


def _runs(blocks: Sequence[list[_Line]], pitch: float) -> list[list[list[_Line]]]:
    """Blocks that may share columns: none stands far below the one before it, none crosses another's columns."""
    runs: list[list[list[_Line]]] = []
    for block in blocks:
        if runs:
            lines = [line for text_line in runs[-1] for line in text_line]
            far = block[0].bottom - lines[-1].bottom > pitch * _APART
            if not far and not _cross([*lines, *block], _columns([*lines, *block])):
                runs[-1].append(block)
                continue
        runs.append([block])
    return runs


def _cross(lines: Sequence[_Line], columns: Sequence[float]) -> bool:
    """Whether a cell goes over the left end of a column."""
    cells = [(start, end) for line in lines for start, end in zip(line.starts, line.ends, strict=True)]
    return any(start < column - _SAME and end > column + _SAME for column in columns for start, end in cells)


def _columns(lines: Sequence[_Line]) -> list[float]:
    """Where the columns of a region begin: the left ends that cells share, beside the first."""
    starts = sorted(start for line in lines if len(line.cells) > 1 for start in line.starts)
    groups: list[list[float]] = []
    for start in starts:
        if groups and start - groups[-1][-1] < _SAME:
            groups[-1].append(start)
        else:
            groups.append([start])
    return [group[0] for group in groups]


def _block(block: Sequence[_Line], columns: Sequence[float], right: float, *, alone: bool) -> list[PageRow]:
    """The rows of a block of lines: one begins at each amount, and where a label would have fitted above.

    A block that does not stand ``alone`` is one row, if it has one amount: wider distances part the rows.
    """
    tabbed = any(len(line.cells) > 1 for line in block)
    if not tabbed and not _in_columns(block, columns):
        return [PageRow([_unwrapped([line])], tabbed=False) for line in _paragraphs(block, right)]
    paid = [len(line.cells) > 1 and AMOUNT.fullmatch(line.cells[-1]) is not None for line in block]
    label_end = min((start for start in columns if start > columns[0] + _SAME), default=right)
    rows: list[list[_Line]] = []
    for number, line in enumerate(block):
        labelled = abs(line.starts[0] - columns[0]) < _SAME
        above = rows[-1][-1] if rows else line
        fits = (
            labelled
            and not line.cells[0][:1].islower()
            and abs(above.starts[0] - columns[0]) < _SAME
            and not _has_no_room(above, line, label_end - 1.3 * line.letter)
        )
        if not rows or (sum(paid) > 1 and paid[number]) or (fits and (alone or sum(paid) > 1)):
            rows.append([])
        rows[-1].append(line)
    return [PageRow(_placed(row, columns), tabbed=True) for row in rows]


def _in_columns(block: Sequence[_Line], columns: Sequence[float]) -> bool:
    """Whether lines of one cell are the cell of a table: shorter than the room before the next column."""
    if len(columns) < 2:
        return False
    first = block[0].starts[0]
    later = [start for start in columns if start > first + _SAME]
    return all(line.ends[-1] < later[0] for line in block) if later else first > columns[0] + _SAME


def _placed(lines: Sequence[_Line], columns: Sequence[float]) -> list[list[str]]:
    """The lines of each column's cell."""
    cells: list[list[str]] = [[] for _ in columns]
    pieces = [
        (
            max((number for number, left in enumerate(columns) if left <= start + _SAME), default=0),
            line.letter,
            end,
            text,
        )
        for line in lines
        for start, end, text in zip(line.starts, line.ends, line.cells, strict=True)
    ]
    for place, letter, end, text in pieces:
        right = max(other for column, _, other, _ in pieces if column == place)
        cut = text[-1:].isalpha() and " " not in text and right - end < letter
        cells[place].append(text + CUT if cut else text)
    return cells


def _paragraphs(block: Sequence[_Line], right: float) -> list[_Line]:
    """The lines of text, those that were wrapped put together: the next word would not have had room."""
    joined: list[_Line] = []
    own = max(line.ends[-1] for line in block)
    if len(block) >= _NARROW and all(_has_no_room(above, below, own) for above, below in pairwise(block)):
        right = own  # the one cell of a table, cut by the end of a page
    for line in block:
        if joined and _has_no_room(joined[-1], line, right):
            joined[-1] = _Line(
                joined[-1].top,
                line.bottom,
                line.starts,
                line.ends,
                [_unwrapped_text([joined[-1].cells[0], line.cells[0]])],
            )
        else:
            joined.append(line)
    return joined


def _has_no_room(above: _Line, below: _Line, right: float) -> bool:
    """Whether the first word of a line would have gone beyond the right end of the line above."""
    first = below.cells[0].partition(" ")[0]
    width = (below.ends[-1] - below.starts[0]) / max(1, len(below.cells[0])) * (len(first) + 1)
    return above.ends[0] + width > right


def _unwrapped(lines: Sequence[_Line]) -> list[str]:
    return [" ".join(line.cells) for line in lines]


def _unwrapped_text(lines: Sequence[str]) -> str:
    return "\n".join(lines)


#: Boxes as the fonts of symbols number them.
_SIGNS = {
    "\uf06f": "☐",
    "\uf071": "☐",
    "\uf0a8": "☐",
    "\uf0a3": "☐",
    "\uf0fe": "☑",
    "\uf0fd": "☒",
    "\uf052": "☑",
    "\uf0fc": "✓",
}
