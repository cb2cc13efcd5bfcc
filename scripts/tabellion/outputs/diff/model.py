"""What is compared and what is found: the tables of a side, the rows, cells, formulas and parts that differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from tabellion.findings import Finding, Place
from tabellion.schema import Key


@dataclass(frozen=True, slots=True)
class Unread:
    """What a cell shows where its field cannot be read of it: compared, and shown, as it was found."""

    text: str


@dataclass(frozen=True)
class ComparedTable:
    """One table of one side: a key and a value of each field for each row, in the order of the rows.

    Values are plain (amounts in integer cents, days as dates, ``None`` for blank), or :class:`Unread`.
    """

    name: str
    keys: Sequence[Key]
    columns: Mapping[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class CellDifference:
    """One field of one row that has another value."""

    field: str
    before: Any
    after: Any


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
    """

    name: str
    fields: tuple[str, ...]
    added: tuple[int, ...] = ()
    removed: tuple[int, ...] = ()
    changed: tuple[RowDifference, ...] = ()
    moved: tuple[tuple[int, int], ...] = ()

    @property
    def changed_cells(self) -> int:
        """How many cells changed, in the rows that both sides have."""
        return sum(len(row.cells) for row in self.changed)

    @property
    def count(self) -> int:
        """How many differences: rows added, rows removed, cells changed."""
        return len(self.added) + len(self.removed) + self.changed_cells


class SideKind(Enum):
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
class Side:
    """One of the two that are compared: what it is, its tables, formulas and parts, and where its rows stand.

    ``listed`` are the formulas that the workbook says it has, ``found`` what stands otherwise in their places, and
    ``typed`` the formulas that people put in the cells of a table (table, key, field). ``unread`` are the cells
    compared as found.
    """

    name: str
    kind: SideKind
    path: Path = Path()
    partner: str = ""
    exercice: int | None = None
    tables: dict[str, ComparedTable] = field(default_factory=dict)
    labels: dict[str, dict[Any, str]] = field(default_factory=dict)
    pieces: list[Piece] = field(default_factory=list)
    listed: dict[FormulaKey, FormulaAt] = field(default_factory=dict)
    found: dict[FormulaKey, FormulaAt] = field(default_factory=dict)
    typed: dict[tuple[str, Key, str], FormulaAt] = field(default_factory=dict)
    notices: list[Finding] = field(default_factory=list)
    unread: list[Place] = field(default_factory=list)
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

    before: Side
    after: Side
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
