"""The tables of a sheet: where each header stands, on one level or two, and what each of its columns is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from tabellion.addresses import cell_name
from tabellion.importing.correspondence_book import SET_ASIDE, SHEET_GROUP, Correspondence, Topic
from tabellion.importing.grids import CellGrid, cents_of
from tabellion.importing.lines import key
from tabellion.importing.words import (
    Certainty,
    ImportWords,
    NameMatch,
    TableWords,
    looks_like_funder,
    plain_title,
    year_of,
)

FUNDER_COLUMN = "financeur_colonne"
"""The field of a column that is one funder's own, in a list of fiches: ticked, or with an amount."""
_SEVERAL = (FUNDER_COLUMN, "quartiers")
_TICKS = frozenset({"x", "oui", "non", "1", "☑", "☒", "☐", "✓"})
#: A cell of digits: told without the rules of what people type, since each row of a long list is looked at.
_FIGURE = re.compile(r"[-+(−]?\s*\d[\d .,'\u00a0\u202f]*\s*(?:[kM]?\s?€.*|[kM]?\s?eur.*)?\)?", re.IGNORECASE)
_HEADER_ROWS = 60
"""A header stands among the first rows of its sheet: covers take a page, no more."""
_FEWEST_NAMES = 3
"""The names, known exactly, of the header of a further table on a sheet."""
_LONGEST_TITLE = 120
_AMOUNTS = ("montant", "montant_prevu", "montant_vote", "montant_realise", "montant_demande", "montant_verse")
_WEIGHTS = {Certainty.SURE: 2, Certainty.LIKELY: 1, Certainty.UNKNOWN: 0}


@dataclass(frozen=True, slots=True)
class BlockColumn:
    """One column of a table: its zero-based place, its title, the field that it fills (``None``: unknown, or set
    aside), the year that its title names."""

    index: int
    title: str
    champ: str | None
    year: int | None = None

    @property
    def is_amount(self) -> bool:
        """Whether its cells are amounts of euros."""
        return self.champ in _AMOUNTS


@dataclass
class ForeignTable:
    """One table: its kind, its columns, and its zero-based rows (``header`` the first one of its header, ``first`` and
    ``last`` those of its data, ``last`` excluded)."""

    grid: CellGrid
    words: TableWords
    columns: list[BlockColumn]
    header: int
    first: int
    last: int = 0
    year: int | None = None
    unknown: list[BlockColumn] = field(default_factory=list)

    def column(self, champ: str) -> BlockColumn | None:
        """The first column of a field."""
        return next((column for column in self.columns if column.champ == champ), None)

    def fields(self) -> set[str]:
        """The fields that its columns fill."""
        return {column.champ for column in self.columns if column.champ}


@dataclass(frozen=True)
class _Header:
    """A row that may be a header: ``titles`` have (text above, own text) by column."""

    row: int
    words: TableWords
    titles: list[tuple[str, str]]
    matches: list[NameMatch]

    @property
    def fields(self) -> set[str]:
        return {match.champ for match in self.matches if match.champ}

    @property
    def score(self) -> int:
        """How much of it is known; a field named twice counts once."""
        best = dict[tuple[str, int | None], int]()
        for match in self.matches:
            if match.champ:
                place = match.champ, match.year
                best[place] = max(best.get(place, 0), _WEIGHTS[match.certainty])
        return sum(best.values())


class BlockFinder:
    """Finds the tables of the sheets of one import; what their columns are is entered in the correspondence."""

    def __init__(self, words: ImportWords, correspondence: Correspondence) -> None:
        self.words, self.correspondence = words, correspondence
        self._fields = {title: champ for champ, title in words.titles.items()}
        self._names = {name for table in words.tables for name in table.names}
        self._natures = {table.title: table for table in words.tables}

    def blocks(self, grid: CellGrid) -> list[ForeignTable]:
        """The tables of a sheet, from the top; none where no header is known, or staff set the sheet aside."""
        kinds, header = self._first(grid)
        tables = list[ForeignTable]()
        while header is not None:
            block = self._block(grid, header)
            following = next(self._headers(grid, block.first + 1, len(grid.rows), kinds, strict=True), None)
            block.last = following.row if following else len(grid.rows)
            tables.append(block)
            header = following
        return tables

    def has_table(self, grid: CellGrid) -> bool:
        """Whether a sheet has a table."""
        return self._first(grid)[1] is not None

    def _first(self, grid: CellGrid) -> tuple[list[TableWords], _Header | None]:
        """The kinds that the tables of a sheet may be, and the best header among its first rows."""
        name = grid.feuille or grid.fichier
        chosen = self.correspondence.choices.get((Topic.COLUMNS, SHEET_GROUP, key(name)))
        kinds = [self._natures[chosen]] if chosen in self._natures else list(self.words.tables)
        if chosen == SET_ASIDE:
            return kinds, None
        header = max(self._headers(grid, 0, _HEADER_ROWS, kinds), key=lambda candidate: candidate.score, default=None)
        return kinds, header or (self._widest(grid, kinds[0]) if chosen in self._natures else None)

    def _widest(self, grid: CellGrid, words: TableWords) -> _Header | None:
        """The header of a sheet whose kind staff chose: the first of its rows with the most titles and no amount."""
        best: tuple[int, int] | None = None
        for row in range(min(_HEADER_ROWS, len(grid.rows))):
            filled = [text for text in grid.texts(row) if text]
            if len(filled) > 1 and not _has_amounts(filled) and (best is None or len(filled) > best[0]):
                best = len(filled), row
        if best is None:
            return None
        titles = list(zip(self._above(grid, best[1]), grid.texts(best[1]), strict=True))
        return _Header(best[1], words, titles, [self._match(words, *title) for title in titles])

    def _headers(
        self, grid: CellGrid, first: int, last: int, kinds: list[TableWords], *, strict: bool = False
    ) -> Iterator[_Header]:
        """The rows that a kind of table recognises, the best kind for each.

        With ``strict``, for a further table below: most of the cells are names that are known exactly.
        """
        for row in range(first, min(last, len(grid.rows))):
            own = grid.texts(row)
            filled = [text for text in own if text]
            if len(filled) < 2 or any(len(text) > _LONGEST_TITLE for text in filled) or _has_amounts(filled):
                continue
            if strict and sum(plain_title(text) in self._names for text in filled) < _FEWEST_NAMES:
                continue
            titles = list(zip(self._above(grid, row), own, strict=True))
            candidates = list[_Header]()
            for words in kinds:
                header = _Header(row, words, titles, [self._match(words, *title) for title in titles])
                if strict:
                    sure = sum(match.certainty is Certainty.SURE for match in header.matches)
                    if sure < _FEWEST_NAMES or sure * 3 < len(filled) * 2:
                        continue
                if words.fits(header.fields):
                    candidates.append(header)
            if candidates:
                yield max(candidates, key=lambda candidate: candidate.score)

    def _above(self, grid: CellGrid, row: int) -> list[str]:
        """The text above each cell of a header: that of a first level runs to the right until the next one."""
        width = len(grid.rows[row])
        if row == 0:
            return [""] * width
        texts, last = list[str](), ""
        above = grid.texts(row - 1)
        is_merged = any((row, column + 1) in grid.merged for column in range(width))
        several = len({text for text in above if text}) > 1
        if any(len(text) > _LONGEST_TITLE for text in above) or _has_amounts([text for text in above if text]):
            return [""] * width
        for text in above[:width]:
            last = text if text or is_merged else last
            texts.append(last if several or year_of(last) else "")
        return texts

    def _match(self, words: TableWords, above: str, own: str, *, near: bool = False) -> NameMatch:
        """What a column is: by its own title, else with the one above it; as staff decided, where they did."""
        title = own or above
        decided = self.correspondence.choices.get((Topic.COLUMNS, words.title, key(title)))
        match = words.match(own, near=near) if own else words.match(above, near=near)
        joined = words.match(f"{above} {own}", near=near) if own and above else match
        year = match.year or (year_of(above) if own else None)
        if decided is not None:
            return NameMatch(self._fields.get(decided), Certainty.SURE, year)
        if match.certainty is not Certainty.SURE and joined.champ and joined.certainty is Certainty.SURE:
            match = joined
        return NameMatch(match.champ, match.certainty, year)

    def _block(self, grid: CellGrid, header: _Header) -> ForeignTable:
        """The table under a header, each column entered in the correspondence."""
        words, first = header.words, header.row + 1
        block = ForeignTable(grid, words, [], header.row, first)
        taken = dict[tuple[str, int | None], Certainty]()
        order = sorted(range(len(header.titles)), key=lambda index: (-_WEIGHTS[header.matches[index].certainty], index))
        columns = dict[int, BlockColumn]()
        for index in order:
            above, own = header.titles[index]
            title = own or above
            samples = tuple(
                text for row in range(first, min(first + 40, len(grid.rows))) if (text := grid.text(row, index))
            )
            if not title and not samples:
                continue
            match = self._match(words, above, own, near=True)
            place = match.champ or "", match.year
            if match.champ and place in taken and match.champ not in _SEVERAL:
                match = NameMatch(None, Certainty.UNKNOWN, match.year)
            if words.nature == "fiches" and match.champ is None and title:
                match = _funder_column(above, title, samples)
            champ = self._entered(block, index, title, match, samples)
            if champ:
                taken[champ, match.year] = match.certainty
            columns[index] = BlockColumn(index, title, champ, match.year)
        block.columns = [columns[index] for index in sorted(columns)]
        self._leave_out_totals(block)
        block.unknown = [column for column in block.columns if column.champ is None and self._is_unknown(block, column)]
        block.year = self._year_of(grid, header)
        self._enter_sheet(block)
        return block

    def _entered(
        self, block: ForeignTable, index: int, title: str, match: NameMatch, samples: tuple[str, ...]
    ) -> str | None:
        grid = block.grid
        where = f"{grid.fichier}, {grid.feuille}, {cell_name(block.header + 1, index + 1)}"
        if grid.feuille is None:
            where = f"{grid.fichier}, colonne {index + 1}"
        meaning = self.words.titles[match.champ] if match.champ else None
        shown = title or f"(colonne {index + 1} sans titre)"
        is_amount = any(cents_of(text)[0] is not None for text in samples)
        blocks = match.champ in _AMOUNTS or (match.champ is None and is_amount)
        champ = self.correspondence.ask(
            Topic.COLUMNS, shown, meaning, match.certainty, group=block.words.title, where=where, samples=samples,
            blocks=blocks and match.certainty is not Certainty.UNKNOWN,
        )  # fmt: skip
        return self._fields.get(champ)

    def _is_unknown(self, block: ForeignTable, column: BlockColumn) -> bool:
        return not self.correspondence.is_set_aside(Topic.COLUMNS, column.title, block.words.title)

    @staticmethod
    def _leave_out_totals(block: ForeignTable) -> None:
        """A column « Total » beside several years is their sum, which the program computes."""
        if sum(column.is_amount and column.year is not None for column in block.columns) > 1:
            block.columns = [
                BlockColumn(column.index, column.title, None)
                if column.is_amount and column.year is None and "total" in plain_title(column.title).split()
                else column
                for column in block.columns
            ]

    @staticmethod
    def _year_of(grid: CellGrid, header: _Header) -> int | None:
        """The year of a table whose columns name none: that of its sheet's name, of the lines above it, of its file."""
        covers = (text for row in range(header.row - 1, -1, -1) for text in grid.texts(row))
        for text in (grid.feuille or "", *covers, grid.fichier):
            if (year := year_of(text)) is not None:
                return year
        return None

    def _enter_sheet(self, block: ForeignTable) -> None:
        grid = block.grid
        self.correspondence.ask(
            Topic.COLUMNS, grid.feuille or grid.fichier, block.words.title, Certainty.SURE, group=SHEET_GROUP,
            where=f"{grid.fichier}, ligne {block.header + 1}",
        )  # fmt: skip


def _funder_column(above: str, title: str, samples: tuple[str, ...]) -> NameMatch:
    """Whether a column of a list of fiches is a funder's own: by its name, by the title above it, or by its ticks."""
    ticked = bool(samples) and all(text.lower() in _TICKS for text in samples)
    if looks_like_funder(title) or "financeur" in plain_title(above):
        return NameMatch(FUNDER_COLUMN, Certainty.SURE if ticked or not samples else Certainty.LIKELY)
    return NameMatch(FUNDER_COLUMN if ticked else None, Certainty.LIKELY if ticked else Certainty.UNKNOWN)


def _has_amounts(texts: list[str]) -> bool:
    """Whether a row holds an amount: no header does, but years."""
    return any(_FIGURE.fullmatch(text) and year_of(text) is None for text in texts)
