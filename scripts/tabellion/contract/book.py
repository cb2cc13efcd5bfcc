"""The Book: a contract in memory, its settings, schemas and theme, its tables, and the address of every cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Protocol

from tabellion.addresses import cell_name
from tabellion.contract.workspace import Settings
from tabellion.findings import Finding, Place
from tabellion.layout.theme import Theme
from tabellion.measures import Accounts, FundingPlan, Overview, Walk, funding_plans, walk
from tabellion.measures.funding import plan_rows
from tabellion.measures.measure import Rows
from tabellion.schema import FUNDING_TABLES, Key, Schemas
from tabellion.schema.tables import Row, Tables

#: A cell of the tables: table, zero-based position of its row, field.
CellPosition = tuple[str, int, str]

#: The folder of the register: where a row stands that its workbook lacks.
REGISTER = "registre"
#: Where a row stands that a table has and that nothing was read for: a setting that the register never said.
UNREAD_ROW = (-1, 0)

#: The theme of a book that is only read: nothing can be written with it.
NO_THEME = Theme({}, (), "", 0, {}, (), ())


class Locate(Protocol):
    """Gives the place of a row of a table (``index`` is its zero-based position), or of one of its cells."""

    def __call__(self, table: str, index: Any, field: str | None = None) -> Place:
        """The place of the cell, or of the row where ``field`` is ``None``."""


@dataclass(frozen=True)
class SheetArea:
    """An area of a sheet where rows were read: the sheet, the one-based column of each field, the first column.

    ``table`` is the table that it holds, of one ``convention`` where it has a part for each; ``header_row`` is
    one-based, and ``last_row`` that of the Excel table (0 where there is none): rows under it are not in the table.
    """

    sheet: str
    columns: Mapping[str, int]
    first_column: int
    table: str = ""
    convention: int | None = None
    header_row: int = 0
    last_row: int = 0


@dataclass(frozen=True)
class Book:
    """The tables of a contract as they were read, from a workbook, from a register, or put together in memory.

    ``fichier`` is the workbook, or the folder of the register. ``rows[table][position]`` is where a row stands: the
    number of its area and its one-based row; (-1, line of its CSV) in a register. ``findings`` are what reading said,
    ``unknown`` the cells that held something unreadable and already reported. ``sha256`` is that of the workbook, or of
    the tables of the register as they are on the disk; ``saved`` and ``author`` are a workbook's own. ``adoption``
    names the adoption that the tables come from: empty where there was none, or where the workbook lost its identity
    (``has_identity``). ``renames`` are, by table, the former names of rows and their keys of now. ``missing`` are the
    parts that a workbook has no place for any more: table, convention of its part, field (``None`` for all). ``apart``
    are the pairs of budget lines, by their keys, that staff said are two although they look the same.
    """

    settings: Settings
    schemas: Schemas
    theme: Theme
    tables: Tables
    adoption: str = ""
    fichier: str = ""
    rows: Mapping[str, list[tuple[int, int]]] = field(default_factory=dict)
    areas: tuple[SheetArea, ...] = ()
    findings: tuple[Finding, ...] = ()
    unknown: frozenset[CellPosition] = frozenset()
    missing: frozenset[tuple[str, int | None, str | None]] = frozenset()
    renames: Mapping[str, Mapping[object, object]] = field(default_factory=dict)
    has_identity: bool = True
    apart: frozenset[frozenset[Key]] = frozenset()
    sha256: str = ""
    saved: datetime | None = None
    author: str = ""

    def locate(self, table: str, index: int, field: str | None = None) -> Place:
        """The cell of a row's field (of its first cell, for a field that the sheet itself says), or its CSV line."""
        number, row = self.rows[table][index]
        if (number, row) == UNREAD_ROW:
            return Place(self.fichier)
        if number < 0:
            folder = self.fichier if not self.areas else REGISTER
            return Place(f"{folder}/{table}.csv", ligne=row)
        area = self.areas[number]
        return Place(self.fichier, area.sheet, cell_name(row, area.columns.get(field or "", area.first_column)))

    def row_places(self) -> dict[str, list[Place]]:
        """The place of every row of every table."""
        return {name: [self.locate(name, index) for index in range(len(rows))] for name, rows in self.rows.items()}

    @property
    def is_sound(self) -> bool:
        """Whether it can be worked from: it was read whole, and nothing in it blocks."""
        return bool(self.tables) and not self.unknown and not any(finding.bloquant for finding in self.findings)

    @cached_property
    def accounts(self) -> Accounts:
        """The sums of the exercice that the workbook shows first."""
        return self.accounts_of[self.settings.exercice]

    @cached_property
    def accounts_of(self) -> Mapping[int, Accounts]:
        """The sums of every exercice that has lines or published totals: the one shown first, then the latest first."""
        shown, names = self.settings.exercice, ("lignes_budgetaires", "totaux_publies")
        years = {year for name in names for year in self.tables[name].column("exercice")} - {None, shown}
        return {year: Accounts(self.tables, year, self.overview) for year in (shown, *sorted(years, reverse=True))}

    @cached_property
    def overview(self) -> Overview:
        """The sums of every exercice, funder and fiche, which all outputs share."""
        return Overview(self.tables)

    @cached_property
    def plans(self) -> dict[tuple[str, int], FundingPlan]:
        """The plan de financement of each fiche and exercice that has one, in their order."""
        return funding_plans(*(self._rows(name) for name in FUNDING_TABLES))

    @cached_property
    def plan_rows(self) -> tuple[Rows, Rows]:
        """The charges and the produits of all plans de financement."""
        return plan_rows(*(self._rows(name) for name in FUNDING_TABLES))

    def _rows(self, name: str) -> Sequence[Row]:
        return self.tables[name].rows if name in self.tables else []

    @cached_property
    def walk(self) -> Walk:
        """The walk from the published to the recomputed total, of the exercice that the workbook shows first."""
        return self.walks[0]

    @cached_property
    def walks(self) -> tuple[Walk, ...]:
        """The walks of every exercice, in the order of :attr:`accounts_of`."""
        return tuple(walk(accounts) for accounts in self.accounts_of.values())

    def labels(self, resource: str) -> dict[Any, str]:
        """What a table shows in place of each of its keys."""
        schema = self.schemas[resource]
        table = self.tables[resource]
        pairs = zip(table.column(schema.primary_key[0]), table.column(schema.shown_key), strict=True)
        return {key: str(key if shown is None else shown) for key, shown in pairs}

    @cached_property
    def town_labels(self) -> dict[Any, str]:
        """The names of the collectivités by identifier."""
        return self.labels("collectivites")

    @cached_property
    def convention_titles(self) -> dict[int, tuple[str, str]]:
        """The full and the short title of each convention."""
        rows = self.tables["conventions"].rows
        return {row["convention_id"]: (row["titre"], row["titre_court"] or row["titre"]) for row in rows}
