"""The pages of a PDF put together: rows that a page's end cut, words that a line's end cut, running headers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from tabellion.importing.cells import has_box
from tabellion.importing.fiche_layout import label_in

CUT = "\ue000"
"""Stands at the end of a line where a word may go on, though no hyphen says so."""
_REPEATS = 3
"""On how many pages, at least, a running header stands."""
_LONGEST_WORD = 19
"""The letters of the longest word that a line without a hyphen is taken to cut in two."""
AMOUNT = re.compile(r"[-−–(]?\d[\d \u00a0\u202f.,]*(?:k?€)?\)?")
"""A cell that is a number: an amount, or a page of the contents."""
_CLOSING = (")", "]", ",", ".", "%")


@dataclass
class PageRow:
    """A row of the document: the lines of each of its cells, by their columns' left ends."""

    cells: list[list[str]]
    tabbed: bool


def leave_out_headers(pages: list[list[PageRow | str]]) -> None:
    """Take out what stands again at the head or the foot of pages, its numbers aside."""

    def ends(page: list[PageRow | str]) -> list[tuple[int, str]]:
        filled = [(place, row) for place, row in enumerate(page) if isinstance(row, PageRow) and any(row.cells)]
        return [(place, re.sub(r"\d+", "#", _plain(row))) for place, row in (*filled[:2], *filled[-2:])]

    counts = Counter(text for page in pages for text in {text for _, text in ends(page)})
    least = max(_REPEATS, len(pages) // 3)
    for page in pages:
        for place, text in ends(page):
            row = page[place]
            if counts[text] >= least and isinstance(row, PageRow) and not row.tabbed:
                page[place] = ""


def _plain(row: PageRow) -> str:
    return " ".join(" ".join(cell) for cell in row.cells)


def joined_pages(pages: list[list[PageRow | str]]) -> list[PageRow | str]:
    """The pages one after the other; a row that a page's end cut in two is one again."""
    whole: list[PageRow | str] = []
    for page in pages:
        first = next((place for place, row in enumerate(page) if row != ""), None)
        last = next((place for place in range(len(whole) - 1, -1, -1) if whole[place] != ""), None)
        if first is not None and last is not None:
            above, below = whole[last], page[first]
            if isinstance(above, PageRow) and isinstance(below, PageRow) and _goes_on(above, below):
                above.cells = [[*upper, *lower] for upper, lower in zip_longest(above.cells, below.cells, fillvalue=())]
                page = page[first + 1 :]
                del whole[last + 1 :]
            elif isinstance(above, PageRow) and isinstance(below, PageRow) and above.tabbed and below.tabbed:
                page = page[first:]
                del whole[last + 1 :]
        whole += page
    return whole


def _goes_on(above: PageRow, below: PageRow) -> bool:
    """Whether the first row of a page is the rest of the last one of the page before.

    It has no label of its own, fills no other column, and begins neither a row of boxes nor one of an amount; or its
    label is the rest of the one above.
    """
    if not (above.tabbed and below.tabbed and any(below.cells)):
        return False
    label, continuation = (" ".join(row.cells[0]).replace(f"{CUT} ", "") for row in (above, below))
    if continuation and label:
        is_word_cut = label.endswith(CUT) and not any(above.cells[1:])
        if (label.endswith(":") or is_word_cut) and label_in(continuation) is None and not any(below.cells[1:]):
            return True
        is_cut = label_in(label) is None and label_in(_glued(label, continuation)) is not None
        return continuation[:1].islower() or (is_cut and label_in(continuation) is None)
    if continuation or any(has_box(cell[0][:1]) or AMOUNT.fullmatch(" ".join(cell)) for cell in below.cells if cell):
        return False
    return all(upper for upper, lower in zip_longest(above.cells, below.cells, fillvalue=()) if lower)


def _glued(above: str, below: str) -> str:
    """Two lines as one; no space is put after a hyphen, nor where a word is cut."""
    return f"{above.removesuffix(CUT)}{'' if above.endswith(('-', CUT)) else ' '}{below}"


def text_lines(rows: Sequence[PageRow | str]) -> list[str]:
    """The lines of the text; what a line's end cut is one word again, where the document writes it so elsewhere."""
    lines = [
        line
        for row in rows
        if isinstance(row, PageRow)
        for cell in row.cells
        for part in cell
        for line in part.split("\n")
    ]
    words = Counter(word for line in lines for word in re.findall(r"(?<=\s)\w+(?=\s)", line.lower()))
    last = {word for line in lines for word in re.findall(r"\w+$", line.lower())}

    def unwrapped(lines: Sequence[str]) -> str:
        text = ""
        for line in "\n".join(lines).split("\n"):
            cut = re.search(r"(\w+)[-‐\u00ad]$", text)
            head = re.match(r"\w+", line)
            if line[:1] in _CLOSING and text:
                text = text.removesuffix(CUT) + line
            elif text.endswith(CUT):
                start = re.search(r"\w+$", text[:-1])
                is_cut = (
                    head is not None
                    and start is not None
                    and len(start[0] + head[0]) <= _LONGEST_WORD
                    and (
                        words[(start[0] + head[0]).lower()] > 0
                        or not (words[head[0].lower()] or start[0].lower() in last)
                    )
                )
                text = text[:-1] + ("" if is_cut else " ") + line
            elif cut and head:
                whole = words[(cut[1] + head[0]).lower()] > 0
                text = (text[:-1] if whole or text[-1] == "\u00ad" else text) + line
            else:
                text = f"{text} {line}".strip()
        return text.removesuffix(CUT)

    texts = list[str]()
    for row in rows:
        if isinstance(row, str):
            if texts and texts[-1] != "":
                texts.append("")
            continue
        cells = [unwrapped(cell) if cell else "" for cell in row.cells]
        if any(cells):
            texts.append("\t".join(cells) + ("\t" if row.tabbed and len(cells) == 1 else ""))
    return texts
