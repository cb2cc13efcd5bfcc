"""On which page each bookmark will probably be: what the contents show until Word updates its fields.

Only Word lays the pages out; the numbers of a table of contents are kept in the file all the same, and a document just
opened shows them. Every fiche starts a page, so that counting the lines of what stands between is enough.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tabellion.outputs.document.writer import Cell, Words


@dataclass(frozen=True, slots=True)
class Measure:
    """What a paragraph of a style takes: the size of its letters, the height of a line and the space around.

    All in twentieths of a point.
    """

    size: int
    line: int
    around: int


#: The mean width of a letter, as a share of its size.
_LETTER = 0.43
#: What a cell takes on both sides of its text, in twentieths of a point.
_CELL_SIDES = 200


@dataclass
class Pages:
    """Counts the pages as they are written. ``height`` and ``width`` are those of the text (twentieths of a point)."""

    height: int
    width: int
    measures: dict[str, Measure]
    page: int = 1
    used: float = 0.0
    found: dict[str, int] = field(default_factory=dict)
    header: float = 0.0

    def turn(self) -> None:
        """What follows starts a page."""
        if self.used:
            self.page += 1
        self.used = 0.0

    def mark(self, bookmark: str) -> None:
        """Remember the page of a bookmark."""
        self.found[bookmark] = self.page

    def paragraph(self, style: str, words: Words, *, keep: bool = False) -> None:
        """Count a paragraph; one kept with the next does not stay alone at the foot of a page."""
        measure = self.measures[style]
        tall = text_lines(words, self.width, measure.size) * measure.line + measure.around
        if self.used + tall + (3 * measure.line if keep else 0) > self.height:
            self.turn()
        self.used += tall
        while self.used > self.height:
            self.used -= self.height
            self.page += 1

    def row(self, cells: Sequence[tuple[Cell, int]], margins: int, *, header: bool) -> None:
        """Count a row of a table; ``margins`` are those of its cells, above and under."""
        tall = 0.0
        for cell, width in cells:
            measure = self.measures[cell.style]
            lines = sum(text_lines(words, width - _CELL_SIDES, measure.size) for words in cell.paragraphs)
            tall = max(tall, lines * measure.line + len(cell.paragraphs) * measure.around)
        tall += margins
        if header:
            self.header = tall
        if self.used + tall > self.height:
            self.turn()
            self.used = 0.0 if header else self.header
        self.used += tall
        while self.used > self.height:
            self.used -= self.height - self.header
            self.page += 1

    def after_table(self) -> None:
        """Count the small paragraph that ends a table."""
        measure = self.measures["Tableau texte"]
        self.used = min(self.height, self.used + measure.line + measure.around)


def text_lines(words: Words, width: int, size: int) -> int:
    """How many lines a text takes, about."""
    text = words if isinstance(words, str) else "".join(run.text for run in words)
    letters = max(1.0, width / (size * _LETTER))
    return sum(max(1, math.ceil(len(line) / letters)) for line in text.split("\n")) if text else 1
