"""The rows of a table found in a sheet: their texts by field, their amounts by year; totals told apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tabellion.importing.blocks import FUNDER_COLUMN, BlockColumn, ForeignTable
from tabellion.importing.cells import total_label
from tabellion.importing.grids import CellGrid
from tabellion.importing.lines import LineAccount, key
from tabellion.wording import shortened

TRANSVERSAL = "transversal"
"""The field of a text in which what is not meant is struck out."""
AmountKey = tuple[str, int | None]
"""The field of an amount and the year of its column; ``None`` where the column names none."""


@dataclass
class SheetRecord:
    """One row of a table: its texts and its amounts (cents) by field, and where they stand (zero-based row, column).

    ``row`` is zero-based in the grid, ``ligne`` its line among all the lines of the import. ``notes`` are texts that
    stand where an amount should.
    """

    grid: CellGrid
    row: int
    texts: dict[str, str] = field(default_factory=dict)
    amounts: dict[AmountKey, int | None] = field(default_factory=dict)
    places: dict[str, tuple[int, int]] = field(default_factory=dict)
    notes: dict[AmountKey, str] = field(default_factory=dict)
    year: int | None = None

    @property
    def ligne(self) -> int:
        """Its line among all the lines of the import."""
        return self.grid.line(self.row)

    def line_of(self, champ: str) -> int:
        """The line where a field stands; the record's own where it has none."""
        return self.grid.line(self.places[champ][0]) if champ in self.places else self.ligne

    def get(self, champ: str) -> str:
        """The text of a field; empty when it has none."""
        return self.texts.get(champ, "")


@dataclass
class TotalRecord(SheetRecord):
    """A row that adds up others: ``label`` is what it is the total of, empty for all."""

    label: str = ""


class RecordReader:
    """Reads the rows of one table; what surrounds a row (a pivot's groups) fills its blank cells."""

    def __init__(self, block: ForeignTable, account: LineAccount) -> None:
        self.block, self.account = block, account
        self._above = dict[str, str]()
        self._filled = [
            column.champ
            for column in block.columns
            if column.champ and column.champ in block.words.groups and self._is_group(column)
        ]
        """The fields of the groups, the outer ones first."""

    def _is_group(self, column: BlockColumn) -> bool:
        """Whether blanks under a value repeat it: in a pivot, no value is written again where nothing opens above it.

        What opens above it is a value of a group to its left.
        """
        outer = [column.index for column in self.block.columns if column.champ in self.block.words.groups]
        above, before, repeats, blanks = dict[int, str](), "", False, False
        for row in range(self.block.first, self.block.last):
            text, opens = self._written(row, column.index), False
            for index in (index for index in outer if index < column.index):
                value = self._written(row, index)
                opens = opens or (value not in ("", above.get(index, "")))
                above[index] = value or above.get(index, "")
            repeats = repeats or (bool(text) and text == before and not opens)
            blanks, before = blanks or not text, text
        return blanks and not repeats

    def _written(self, row: int, column: int) -> str:
        """The text of a cell, but not where it only repeats a merged one."""
        return "" if (row + 1, column + 1) in self.block.grid.merged else self.block.grid.text(row, column)

    def read(self) -> Iterator[SheetRecord]:
        """The records and the totals, in order; rows that are none are entered in the account."""
        block, grid, account = self.block, self.block.grid, self.account
        account.use(grid.line(block.header), "utilisée : en-tête de tableau", block.words.title)
        header = [key(text) for text in grid.texts(block.header)]
        for row in range(block.first, block.last):
            ligne, texts = grid.line(row), grid.texts(row)
            if not any(texts):
                account.use(ligne, "ignorée : ligne vide")
            elif [key(text) for text in texts] == header:
                account.use(ligne, "ignorée : en-tête répété")
            elif self._is_struck(row):
                account.use(ligne, "ignorée : ligne barrée")
                account.say("ligne-barree", ligne, valeur=shortened(" | ".join(filter(None, texts)), 200))
            else:
                yield self._record(row)

    def _is_struck(self, row: int) -> bool:
        """Whether all the filled cells of a row that fill a field are struck out."""
        filled = [column.index for column in self.block.columns if self.block.grid.text(row, column.index)]
        return bool(filled) and all(self.block.grid.is_struck(row, index) for index in filled)

    def _record(self, row: int) -> SheetRecord:
        grid = self.block.grid
        label = next(
            (text for column in self.block.columns if not column.is_amount and (text := grid.text(row, column.index))),
            "",
        )
        total = total_label(label)
        record = SheetRecord(grid, row) if total is None else TotalRecord(grid, row, label=total)
        for column in self.block.columns:
            if column.champ is None:
                continue
            text = (grid.mentions if column.champ == TRANSVERSAL else grid.text)(row, column.index)
            if column.is_amount:
                self._amount(record, column)
            elif grid.is_struck(row, column.index) and column.champ != TRANSVERSAL:
                self.account.say("cellule-barree", record.ligne, champ=column.champ, valeur=shortened(text, 200))
            elif column.champ == FUNDER_COLUMN:
                record.texts[f"{FUNDER_COLUMN}{column.title}"] = text
                record.places[f"{FUNDER_COLUMN}{column.title}"] = (row, column.index)
            elif text:
                record.texts.setdefault(column.champ, text)
                record.places.setdefault(column.champ, (row, column.index))
        record.year = self.block.year
        if isinstance(record, TotalRecord):
            # « Total » in the column of a name is no name
            own = {champ: text for champ, text in record.texts.items() if total_label(text) is None}
            record.texts = {**{champ: self._above.get(champ, "") for champ in self._filled}, **own}
            return record
        for champ in self._filled:
            if champ in record.texts:
                self._forget_below(champ)
                self._above[champ] = record.texts[champ]
            elif champ in self._above:
                record.texts[champ] = self._above[champ]
        return record

    def _forget_below(self, champ: str) -> None:
        """A new value of a group opens new values of the groups to its right."""
        for inner in self._filled[self._filled.index(champ) + 1 :]:
            self._above.pop(inner, None)

    def _amount(self, record: SheetRecord, column: BlockColumn) -> None:
        champ, place = column.champ or "", (column.champ or "", column.year)
        cents, left = self.block.grid.amount(record.row, column.index)
        if self.block.grid.is_struck(record.row, column.index):
            text = self.block.grid.text(record.row, column.index)
            self.account.say("cellule-barree", record.ligne, champ=champ, valeur=text)
            cents = None
        elif left:
            record.notes[place] = left
        record.amounts[place] = cents
        record.places.setdefault(champ, (record.row, column.index))
