"""Sheets that are one fiche each: a label, its value beside or under it; a small table of its funders below."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tabellion.addresses import cell_name
from tabellion.importing.blocks import ForeignTable
from tabellion.importing.correspondence_book import Correspondence, Topic
from tabellion.importing.grids import CellGrid
from tabellion.importing.lines import LineAccount, key
from tabellion.importing.records import TRANSVERSAL, SheetRecord
from tabellion.importing.words import Certainty, ImportWords, NameMatch

_FEWEST = 4
"""The labels, known for sure, that make a sheet a fiche."""
_LONGEST_LABEL = 60


def asked_field(
    words: ImportWords,
    correspondence: Correspondence,
    label: str,
    match: NameMatch,
    where: str,
    samples: tuple[str, ...],
) -> str:
    """The field of a fiche that a label is, as staff decided or as it matches; empty where it is none of ours."""
    meaning, group = words.titles[match.champ] if match.champ else None, words.table("fiches").title
    title = correspondence.ask(
        Topic.COLUMNS, label, meaning, match.certainty, group=group, where=where, samples=samples
    )
    return next((champ for champ, name in words.titles.items() if name == title), "")


@dataclass
class LabelSheet:
    """One sheet of labels and values. ``below`` is the zero-based row of the table under them, where there is one."""

    grid: CellGrid
    labels: dict[tuple[int, int], NameMatch]
    below: int


@dataclass
class LabelReader:
    """Reads the sheets of one import that are a fiche each."""

    words: ImportWords
    correspondence: Correspondence
    account: LineAccount
    unknown: Counter[str] = field(default_factory=Counter)

    def find(self, grid: CellGrid, blocks: list[ForeignTable]) -> LabelSheet | None:
        """The labels of a sheet, where there are enough of them before its first table."""
        below = min((block.header for block in blocks), default=len(grid.rows))
        labels = dict[tuple[int, int], NameMatch]()
        sure = set[str]()
        for row in range(below):
            for column in self._heads(grid, row):
                match = self._match(grid.text(row, column))
                if match.certainty is Certainty.SURE and match.champ:
                    sure.add(match.champ)
                if match.champ:
                    labels[row, column] = match
        return LabelSheet(grid, labels, below) if len(sure) >= _FEWEST else None

    @staticmethod
    def _heads(grid: CellGrid, row: int) -> list[int]:
        """The columns of a row where a label may stand: its first cell, and those that end with a colon."""
        filled = [column for column, text in enumerate(grid.texts(row)) if text]
        return [
            column
            for column in filled
            if (column == filled[0] or grid.text(row, column).rstrip().endswith(":"))
            and len(grid.text(row, column).partition(":")[0]) <= _LONGEST_LABEL
        ]

    def _match(self, text: str) -> NameMatch:
        """What a label stands for; its value may follow a colon in the same cell."""
        title = text.partition(":")[0].strip()
        table = self.words.table("fiches")
        decided = self.correspondence.choices.get((Topic.COLUMNS, table.title, key(title)))
        if decided is not None:
            champ = next((champ for champ, name in self.words.titles.items() if name == decided), None)
            return NameMatch(champ, Certainty.SURE)
        return table.match(title, near=False)

    def read(self, sheet: LabelSheet) -> SheetRecord:
        """The fiche of a sheet; a label that is not known opens a field of its own, which is asked and said."""
        grid = sheet.grid
        record = SheetRecord(grid, min((row for row, _ in sheet.labels), default=0))
        current, row = "", 0
        while row < sheet.below:
            heads = self._heads(grid, row)
            filled = [column for column, text in enumerate(grid.texts(row)) if text]
            for place, column in enumerate(heads):
                label, _, content = grid.text(row, column).partition(":")
                end = next((other for other in heads[place + 1 :]), len(grid.rows[row]))
                values = [(row, column, content.strip())] if content.strip() else []
                values += [(row, other, grid.text(row, other)) for other in filled if column < other < end]
                is_label = (row, column) in sheet.labels or bool(values)
                if is_label and (column == filled[0] or place):
                    current = self._opened(sheet, row, column, label.strip(), values)
                    self._put(record, current, values)
                elif current:  # a text under a value goes on
                    self._put(record, current, [(row, column, grid.text(row, column))])
            if heads and not filled[: filled.index(heads[0])]:
                self.account.use(grid.line(row), "utilisée : fiche", record.get("fiche_id"))
            elif filled and current:
                self._put(record, current, [(row, other, grid.text(row, other)) for other in filled])
            row += 1
        return record

    def _opened(self, sheet: LabelSheet, row: int, column: int, label: str, values: list[tuple[int, int, str]]) -> str:
        """The field of a label, entered in the correspondence; empty where it is none of ours."""
        grid = sheet.grid
        match = sheet.labels.get((row, column)) or self._match(label)
        samples = tuple(text[:80] for _, _, text in values)
        where = f"{grid.fichier}, {grid.feuille}, {cell_name(row + 1, column + 1)}"
        group = self.words.table("fiches").title
        champ = asked_field(self.words, self.correspondence, label, match, where, samples)
        if not champ and not self.correspondence.is_set_aside(Topic.COLUMNS, label, group) and values:
            if not self.unknown[key(label)]:
                self.account.say("rubrique-non-comprise", grid.line(row), valeur=label, exemple=samples[0])
            self.unknown[key(label)] += 1
        return champ

    @staticmethod
    def _put(record: SheetRecord, champ: str, values: list[tuple[int, int, str]]) -> None:
        """Add texts to a field; what belongs to no field of ours stays out of the one above."""
        if champ:
            for row, column, text in values:
                if champ == TRANSVERSAL:
                    text = record.grid.mentions(row, column)
                record.texts[champ] = " ".join(filter(None, (record.texts.get(champ), text)))
                record.places.setdefault(champ, (row, column))
