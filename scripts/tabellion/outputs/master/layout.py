"""Where everything stands in the master workbook, decided before anything is written: pure geometry, no file.

The layout serves three times: the sheets are written from it, the findings of a register take their cells from it, and
links lead where it says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from functools import cached_property

from tabellion.contract.book import Book
from tabellion.contract.settings import settle
from tabellion.findings import Place, TabellionError, finding
from tabellion.layout.names import (
    ACCUEIL,
    ANNEES,
    CHARGES,
    COMPUTED,
    CONTROLES,
    DICTIONNAIRE,
    FINANCEMENTS,
    NOMENCLATURES,
    OCCASIONAL,
    PARTENAIRES,
    PARTICIPATIONS,
    PER_CONVENTION,
    PLANS,
    RAPPROCHEMENT,
    REGLAGES,
    SHEETS_AT_MOST,
    SINGLE,
    SUBVENTIONS,
    SUIVI,
    SYNTHESE,
    cell_name,
    column_ref,
    list_name,
    sheet_key,
    sheet_name,
    table_name,
)
from tabellion.layout.theme import Theme
from tabellion.measures import WalkStep
from tabellion.measures.measure import Columns
from tabellion.schema import FUNDING_TABLES, OPTIONAL_TABLES, SETTING_TABLES, Field, TableSchema
from tabellion.schema.tables import Row

#: Zero-based row of a sheet's first table header: a title, a subtitle, a line of links, a blank line.
FIRST_TABLE_ROW = 4
#: Rows of the balance on the sheet Rapprochement.
BALANCE_ROWS = 6


@dataclass(frozen=True)
class TableColumn:
    """One column of a sheet's table: a field of the register, or (``field`` is ``None``) something computed."""

    name: str
    label: str
    width: float
    field: Field | None = None


@dataclass(frozen=True)
class DataTable:
    """A table of the register (or one convention's part of it) as an Excel table: its place and its rows in order.

    ``row`` and ``column`` are the zero-based header cell; ``implied`` are the fields that the sheet itself says;
    ``indexes`` are the positions of its rows in the register's table.
    """

    name: str
    resource: str
    sheet: str
    columns: tuple[TableColumn, ...]
    row: int
    column: int
    indexes: tuple[int, ...]
    implied: Row = dataclass_field(default_factory=dict)

    @property
    def height(self) -> int:
        """Rows under the header; an Excel table has at least one."""
        return max(1, len(self.indexes))

    @property
    def last_row(self) -> int:
        """The zero-based last row."""
        return self.row + self.height

    def column_of(self, name: str) -> int:
        """The zero-based column of a field or of a computed column."""
        return self.column + next(place for place, column in enumerate(self.columns) if column.name == name)

    @property
    def technical(self) -> list[int]:
        """The zero-based columns that people rarely need."""
        return [
            place
            for place, column in enumerate(self.columns, self.column)
            if column.field is not None and column.field.is_technical
        ]

    @property
    def last_plain(self) -> int:
        """The zero-based last column that is not technical."""
        return max(set(range(self.column, self.column + len(self.columns))) - {*self.technical})

    def label(self, name: str) -> str:
        """The header of a field or of a computed column."""
        return next(column.label for column in self.columns if column.name == name)

    @cached_property
    def references(self) -> Mapping[str, str]:
        """How formulas name each column, by its field."""
        return {column.name: column_ref(self.name, column.label) for column in self.columns}


@dataclass(frozen=True)
class ListTable:
    """A short list behind a drop-down: one column of an Excel table on the sheet Nomenclatures."""

    name: str
    title: str
    values: tuple[str | int, ...]
    column: int


@dataclass(frozen=True)
class MasterLayout:
    """The whole geometry. ``sheets`` maps keys to names in the workbook's order (``C01`` → ``C01 Santé``).

    ``steps`` and ``doubles`` are those of the walks of every exercice, each with its own.
    """

    contract: Book
    sheets: Mapping[str, str]
    data: Mapping[str, DataTable]
    lists: Mapping[str, ListTable]
    balance_row: int
    steps_row: int
    doubles_row: int
    steps: tuple[tuple[int, WalkStep], ...]
    doubles: tuple[tuple[int, WalkStep], ...]

    @cached_property
    def _positions(self) -> dict[str, dict[object, tuple[DataTable, int]]]:
        positions: dict[str, dict[object, tuple[DataTable, int]]] = {}
        for table in self.data.values():
            rows = positions.setdefault(table.resource, {})
            rows.update({index: (table, position) for position, index in enumerate(table.indexes)})
        return positions

    def columns(self, resource: str, convention: int | None = None) -> Columns:
        """Gives a field's column of a table (of one convention's part of it) as formulas name it."""
        return self.data[table_name(resource, convention)].references.__getitem__

    def find(self, resource: str, index: object) -> tuple[DataTable, int]:
        """The Excel table and the zero-based sheet row of a row of the register."""
        table, position = self._positions[resource][index]
        return table, table.row + 1 + position

    def locate(self, table: str, index: object, field: str | None = None) -> Place:
        """The cell of a row's field; of its first shown field when the sheet itself says the field."""
        where, row = self.find(table, index)
        names = [shown.name for shown in where.columns]
        column = where.column + (names.index(field) if field in names else 0)
        return Place(feuille=self.sheets[where.sheet], cellule=cell_name(row, column))


def shown_columns(schema: TableSchema, theme: Theme, implied: Row | None = None) -> tuple[TableColumn, ...]:
    """The columns of a table's sheet: its fields in the layout's order (the technical ones last), and the computed
    ones, each after the field it explains.
    """
    fields = [schema.by_name[name] for name in theme.ordered(schema) if name not in (implied or {})]
    fields.sort(key=lambda field: field.is_technical)
    columns = []
    for field in fields:
        columns.append(TableColumn(field.name, field.title, field.width, field))
        columns += [
            TableColumn(name, label, width)
            for after, name, label, width in COMPUTED.get(schema.name, ())
            if after == field.name
        ]
    return tuple(columns)


def lay_out_master(contract: Book) -> MasterLayout:
    """Decide the place of every sheet, table and row.

    Raises :class:`TabellionError` when the contract needs more sheets than a workbook may have.
    """
    contract = settle(contract)
    sheets = _sheets(contract)
    if len(sheets) + 1 > SHEETS_AT_MOST:
        raise TabellionError([finding("trop-de-feuilles", Place(), valeur=len(sheets) + 1, attendu=SHEETS_AT_MOST)])
    steps, doubles = (
        tuple((walk.exercice, step) for walk in contract.walks for step in getattr(walk, part))
        for part in ("steps", "doubles")
    )
    steps_row = FIRST_TABLE_ROW + BALANCE_ROWS + 3
    doubles_row = steps_row + max(1, len(steps)) + 3
    published_row = doubles_row + max(1, len(doubles)) + 3
    data = {table.name: table for table in _data(contract, published_row)}
    used = max(table.column + len(table.columns) for table in data.values() if table.sheet == NOMENCLATURES)
    lists = {_list.name: _list for _list in _lists(contract, used + 1)}
    return MasterLayout(contract, sheets, data, lists, FIRST_TABLE_ROW, steps_row, doubles_row, steps, doubles)


def _sheets(contract: Book) -> dict[str, str]:
    shown = [
        SINGLE[resource][1]
        for resource in OCCASIONAL
        if SINGLE[resource][1] not in (REGLAGES, NOMENCLATURES) and is_shown(contract, resource)
    ]
    if CHARGES in shown:
        shown.insert(shown.index(CHARGES), PLANS)
    last = [FINANCEMENTS, *shown, NOMENCLATURES, PARTENAIRES, PARTICIPATIONS, DICTIONNAIRE, CONTROLES]
    taken: set[str] = {name.casefold() for name in (*last, SUBVENTIONS, SUIVI)}
    first = [ACCUEIL, *([REGLAGES] if is_shown(contract, "reglages") else []), SYNTHESE, RAPPROCHEMENT]
    first += [ANNEES] if len(contract.overview.exercices) > 1 else []
    names = {name: sheet_name(name, "", taken) for name in first}
    for letter, _ in PER_CONVENTION.values():
        for convention, (_, short) in contract.convention_titles.items():
            key = sheet_key(letter, convention)
            names[key] = sheet_name(key, short.partition(" (")[0], taken)
    return names | {name: name for name in last}


def is_shown(contract: Book, resource: str) -> bool:
    """Whether the master has the table: an occasional one without a row has no sheet.

    The settings have theirs wherever the contract has their tables. The tables of the plans de financement come
    together: when the settings ask for them, and whatever the settings say as long as the register holds rows of one,
    since a workbook that left them out would lose them.
    """
    if resource in FUNDING_TABLES:
        present = [name for name in FUNDING_TABLES if name in contract.tables]
        asked = contract.settings.plan_de_financement or any(len(contract.tables[key]) for key in present)
        return asked and resource in present
    if resource in (*SETTING_TABLES, *OPTIONAL_TABLES):
        return resource in contract.tables
    return resource not in OCCASIONAL or len(contract.tables[resource]) > 0


def _data(contract: Book, published_row: int) -> list[DataTable]:
    tops = {"fiches": FIRST_TABLE_ROW, "lignes_budgetaires": lines_row(contract)}
    tables = []
    for resource, (letter, _) in PER_CONVENTION.items():
        schema = contract.schemas[resource]
        rows: dict[int, list[int]] = {}
        for index, convention in enumerate(contract.tables[resource].column("convention_id")):
            rows.setdefault(convention, []).append(index)
        if "exercice" in schema.by_name:  # an exercice is a block, as where adoptions add them one by one
            years = contract.tables[resource].column("exercice")
            for indexes_of in rows.values():
                indexes_of.sort(key=lambda index: years[index] or 0)
        for convention in contract.convention_titles:
            implied = {"convention_id": convention}
            columns = shown_columns(schema, contract.theme, implied)
            indexes = tuple(rows.get(convention, ()))
            name, key = table_name(resource, convention), sheet_key(letter, convention)
            tables.append(DataTable(name, resource, key, columns, tops[resource], 0, indexes, implied))
    column = 0
    for resource, (name, sheet) in SINGLE.items():
        if not is_shown(contract, resource):
            continue
        columns = shown_columns(contract.schemas[resource], contract.theme)
        row = published_row if sheet == RAPPROCHEMENT else FIRST_TABLE_ROW
        left = column if sheet == NOMENCLATURES else 0
        if resource == "exercices":  # beside the settings, where it may grow
            left = len(shown_columns(contract.schemas["reglages"], contract.theme)) + 1
        tables.append(
            DataTable(name, resource, sheet, columns, row, left, tuple(range(len(contract.tables[resource]))))
        )
        if sheet == NOMENCLATURES:
            column += len(columns) + 1
    return tables


def lines_row(contract: Book) -> int:
    """The zero-based header row of the lines of a budget sheet: under the subtotals, their total and a blank line."""
    return FIRST_TABLE_ROW + max(1, len(contract.accounts.towns)) + 3


EXERCICES = "Liste_exercices"


def _lists(contract: Book, column: int) -> list[ListTable]:
    """One list per field with allowed values, per spread table that others refer to, and the exercices."""
    lists = []
    for resource, schema in contract.schemas.items():
        for field in schema.fields:
            if field.enum and is_shown(contract, resource):
                name = list_name(resource, field.name)
                lists.append(ListTable(name, f"{schema.title} : {field.title}", field.enum, column))
                column += 2
    for resource in PER_CONVENTION:
        if any(key.table == resource for schema in contract.schemas.values() for key in schema.foreign_keys):
            schema = contract.schemas[resource]
            keys = tuple(key for key in contract.tables[resource].column(schema.primary_key[0]) if key is not None)
            lists.append(ListTable(f"Liste_{resource}", schema.title, keys, column))
            column += 2
    settings = contract.settings
    years = {*range(settings.debut, settings.fin + 1), settings.exercice}
    years |= set(contract.tables["lignes_budgetaires"].column("exercice")) - {None}
    lists.append(ListTable(EXERCICES, "Exercices", tuple(sorted(years)), column))
    return lists
