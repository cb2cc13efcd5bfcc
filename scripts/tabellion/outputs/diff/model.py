"""What is compared and what is found: the tables of a side, the rows, cells, formulas and parts that differ."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from pathlib import Path

from tabellion.addresses import compact
from tabellion.checks.formula_text import ParsedWorkbook
from tabellion.checks.formulas import FormulaInPlace, formulas_in_place
from tabellion.findings import Finding, Place
from tabellion.reading.raw import RawSheet
from tabellion.reading.tables import FoundTable
from tabellion.schema import FALSE_WORD, TRUE_WORD, Key
from tabellion.schema.shown import BLANK
from tabellion.wording import fold, french_date

_ADDRESS = re.compile(r"\$?\b[A-Z]{1,3}\$?\d{1,7}\b")
_ABSENT, NEVER_COMPUTED = "(absente)", "formule jamais calculée"
_SHOWN = 500


@dataclass(frozen=True, slots=True)
class Unread:
    """What a cell shows where its field cannot be read of it: compared, and shown, as it was found."""

    text: str


@dataclass(frozen=True)
class ComparedTable:
    """One table of one side: a key and a value of each field for each row, in the order of the rows.

    Values are plain (amounts in integer cents, days as dates, ``None`` for blank), or :class:`Unread`.
    ``identifiers`` are the fields that only tell rows apart, ``naming`` those that say what a row is of.
    """

    name: str
    keys: Sequence[Key]
    columns: Mapping[str, Sequence[object]]
    identifiers: frozenset[str] = frozenset()
    naming: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class CellDifference:
    """One field of one row that has another value."""

    field: str
    before: object
    after: object


@dataclass(frozen=True, slots=True)
class RowDifference:
    """One row that is on both sides, at these zero-based positions, and says something else."""

    key: Key
    before: int
    after: int
    cells: tuple[CellDifference, ...]


@dataclass(frozen=True)
class TableDifference:
    """What differs between two tables; ``fields`` are those compared.

    Rows are known by their zero-based positions: those added on the second side, in its order, those removed on the
    first, in its order; ``moved`` are (before, after) of rows that only stand elsewhere, which is no difference.
    ``unseen`` are the texts that differ by what nobody sees, which is none either.
    """

    name: str
    fields: tuple[str, ...]
    added: tuple[int, ...] = ()
    removed: tuple[int, ...] = ()
    changed: tuple[RowDifference, ...] = ()
    moved: tuple[tuple[int, int], ...] = ()
    unseen: int = 0

    @property
    def changed_cells(self) -> int:
        """How many cells changed, in the rows that both sides have."""
        return sum(len(row.cells) for row in self.changed)

    @property
    def count(self) -> int:
        """How many differences: rows added, rows removed, cells changed."""
        return len(self.added) + len(self.removed) + self.changed_cells


class FileKind(Enum):
    """What a side is, as people call it."""

    MASTER = "classeur du contrat"
    FORM = "formulaire"
    CONSOLIDATION = "consolidation"
    REGISTER = "dossier de registre"


class PiecePart(Enum):
    """A part of a workbook's structure, as people call it."""

    SHEET = "feuille"
    TABLE = "tableau"
    COLUMN = "colonne"


PieceId = tuple[PiecePart, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Piece:
    """One part of a workbook: what it is known by whatever its place (``key``), its name, its place, what holds it."""

    part: PiecePart
    key: tuple[str, ...]
    name: str
    place: Place = field(default_factory=Place)
    parent: PieceId | None = None

    @property
    def identity(self) -> PieceId:
        """What it is found again by."""
        return self.part, self.key


@dataclass(frozen=True, slots=True)
class FormulaAt:
    """What stands where a formula is listed, or a formula typed where none is: in words, and its cell."""

    text: str
    shown: str
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class FormulaKey:
    """Where a formula belongs, whatever moves: its table (empty for a named cell), its row (``*``: all), its column."""

    table: str
    row: str
    column: str


@dataclass
class ComparedFile:
    """One of the two that are compared: what it is, its tables, formulas and parts, and where its rows stand.

    ``listed`` are the formulas that the workbook says it has, ``in_cells`` what stands otherwise in their places, and
    ``typed`` the formulas that people put in the cells of a table (table, key, field). ``unread`` are the cells
    compared as found, ``elsewhere`` the tables that stand in other files.
    """

    name: str
    kind: FileKind
    path: Path = Path()
    partner: str = ""
    exercice: int | None = None
    tables: dict[str, ComparedTable] = field(default_factory=dict)
    labels: dict[str, dict[object, str]] = field(default_factory=dict)
    pieces: list[Piece] = field(default_factory=list)
    listed: dict[FormulaKey, FormulaAt] = field(default_factory=dict)
    in_cells: dict[FormulaKey, FormulaAt] = field(default_factory=dict)
    typed: dict[tuple[str, Key, str], FormulaAt] = field(default_factory=dict)
    notices: list[Finding] = field(default_factory=list)
    unread: list[Place] = field(default_factory=list)
    elsewhere: frozenset[str] = frozenset()
    locate: Callable[[str, int, str | None], Place] = lambda _table, _position, _field: Place()


@dataclass(frozen=True, slots=True)
class FormulaDifference:
    """A formula that is otherwise; ``None`` where a side has none."""

    key: FormulaKey
    before: FormulaAt | None
    after: FormulaAt | None


@dataclass(frozen=True, slots=True)
class PieceDifference:
    """A sheet, a table or a column that one side lacks, or calls otherwise."""

    before: Piece | None
    after: Piece | None

    @property
    def piece(self) -> Piece:
        """The part, as the second side has it if it does."""
        piece = self.after or self.before
        assert piece is not None  # noqa: S101 (one of the two is there)
        return piece


@dataclass(frozen=True)
class Comparison:
    """All that differs between two sides, and what there is to say about the comparison itself."""

    before: ComparedFile
    after: ComparedFile
    tables: tuple[TableDifference, ...]
    formulas: tuple[FormulaDifference, ...] = ()
    structure: tuple[PieceDifference, ...] = ()
    notices: tuple[Finding, ...] = ()

    @property
    def count(self) -> int:
        """How many differences there are; a row that only moved is none."""
        return sum(table.count for table in self.tables) + len(self.formulas) + len(self.structure)

    @property
    def moved(self) -> int:
        """How many rows moved."""
        return sum(len(table.moved) for table in self.tables)

    @property
    def unseen(self) -> int:
        """How many texts differ by what nobody sees."""
        return sum(table.unseen for table in self.tables)


def clean(value: object) -> object:
    """A value as it is compared: ends of lines are of one kind, an empty text is a blank."""
    if isinstance(value, str):
        return value.replace("\r\n", "\n").replace("\r", "\n") or None
    return value


def as_found(sheet: RawSheet, row: int, column: int) -> str | None:
    """What a cell shows, in words."""
    if (row, column) in sheet.errors:
        return sheet.errors[row, column]
    if (row, column) in sheet.uncached:
        return NEVER_COMPUTED
    return plain_words(sheet.value(row, column))


def plain_words(value: object) -> str | None:
    """A value of a cell in words; ``None`` for a blank."""
    if isinstance(value, bool):
        return TRUE_WORD if value else FALSE_WORD
    if isinstance(value, float) and value == value and abs(value) < 1e15 and value == int(value):
        return str(int(value))
    if isinstance(value, datetime):
        return french_date(value) if not (value.hour or value.minute) else f"{value:%d/%m/%Y %H:%M}"
    if isinstance(value, date):
        return french_date(value)
    plain = clean(value)
    return None if plain is None else str(plain)


def extra_columns(area: FoundTable, computed: Collection[str]) -> dict[str, int]:
    """The columns that people added inside an Excel table, by header; those that the workbook computes are not."""
    table = next((table for table in area.sheet.tables if table.name == area.found_name), None)
    if table is None:
        return {}
    expected, made = set(area.columns.values()), set(map(fold, computed))
    added: dict[str, int] = {}
    for column in range(table.first_column, table.last_column + 1):
        label = area.sheet.value(area.header_row, column)
        if column not in expected and isinstance(label, str) and label.strip() and fold(label) not in made:
            added.setdefault(label.strip(), column)
    return added


def column_values(
    spots: Sequence[tuple[FoundTable, int]], label: str, values: Sequence[object], unknown: Collection[int]
) -> tuple[list[object], list[Place]]:
    """A column's values, the unreadable ones as found, and the places of those; ``spots`` are the rows' places."""
    compared, places = [clean(value) for value in values], []
    for position in sorted(unknown):
        area, row = spots[position]
        column = area.columns.get(label)
        shown = as_found(area.sheet, row, column) if column is not None else None
        if shown is not None:
            compared[position] = Unread(shown)
            places.append(area.place(row, label))
    return compared, places


def masked(formula: str) -> str:
    """A formula that people typed, without the addresses of cells, which move by themselves when rows do."""
    return _ADDRESS.sub("·", re.sub(r"\s+", "", formula).upper())


def add_formulas(
    side: ComparedFile, reading: ParsedWorkbook, rows: Mapping[tuple[str, int], str], *, with_texts: bool = True
) -> None:
    """Note the formulas that a workbook lists, and what stands otherwise in their cells.

    ``rows`` has the key, in words, of each row of its data tables, by sheet and one-based row. ``with_texts`` tells
    whether a text in the place of a formula counts: not where the program itself writes some in the same column.
    """
    in_place = formulas_in_place(reading)
    unchanged = {formula.cell for formula in in_place if formula.in_cell == formula.listed and formula.cell.key != "*"}
    met = {formula.cell for formula in in_place}
    tables = {"", *(cell.table for cell in met)}
    words = {(formula.cell.table, formula.cell.key): _row_words(formula) for formula in in_place}
    for formula in in_place:
        cell, sheet = formula.cell, formula.sheet
        place = sheet.place(formula.row, formula.column)
        key = FormulaKey(cell.table, words[cell.table, cell.key], cell.column)
        side.listed.setdefault(key, FormulaAt(formula.listed, f"={cell.formula}", place))
        # Several rows may show the same key: one of them has its formula.
        if formula.in_cell == formula.listed or cell in unchanged:
            continue
        if formula.in_cell is None and not with_texts and isinstance(sheet.value(formula.row, formula.column), str):
            continue
        if cell.key == "*":
            row = rows.get((sheet.name, formula.row)) or _first_word(sheet, formula.row) or ""
            key = FormulaKey(cell.table, row, cell.column)
        side.in_cells[key] = _formula_at(formula, place)
    for cell in reading.formulas:
        key = FormulaKey(cell.table, words.get((cell.table, cell.key), cell.key), cell.column)
        if cell not in met and cell.key != "*" and cell.table in tables:
            side.listed[key] = FormulaAt(compact(cell.formula), f"={cell.formula}")
            side.in_cells[key] = FormulaAt("", _ABSENT)


def _row_words(formula: FormulaInPlace) -> str:
    """What a row of a computed table is of: its number says where it stands in its list, not what it is."""
    cell, sheet = formula.cell, formula.sheet
    table = next((table for table in sheet.tables if table.name == cell.table), None)
    if table is None or not cell.key.isdigit():
        return cell.key
    columns = range(table.first_column, table.last_column + 1)
    words = [sheet.value(formula.row, column) for column in columns if (formula.row, column) not in sheet.formulas]
    return " – ".join(word for word in words if isinstance(word, str) and word.strip()) or cell.key


def _formula_at(formula: FormulaInPlace, place: Place) -> FormulaAt:
    """What stands in the place of a formula: another one, or a value."""
    if formula.in_cell is not None:
        typed = formula.sheet.formulas[formula.row, formula.column]
        return FormulaAt(f"={formula.in_cell}", f"={typed}"[:_SHOWN], place)
    shown = as_found(formula.sheet, formula.row, formula.column) or BLANK
    return FormulaAt(f"valeur {shown}", shown[:_SHOWN], place)


def _first_word(sheet: RawSheet, row: int) -> str | None:
    """What names a row of a computed table: the first cell that holds a word or a number."""
    line = sheet.rows[row - 1] if row <= len(sheet.rows) else []
    return next((words for value in line if (words := plain_words(value)) is not None), None)
