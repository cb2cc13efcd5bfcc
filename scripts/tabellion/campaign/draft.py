"""The tables of a workbook on their way to the contract: rows that may change, beside those that were last accepted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from tabellion.contract.book import UNREAD_ROW, Book
from tabellion.contract.labels import Labels
from tabellion.contract.settings import settings_of
from tabellion.findings import Finding, Place
from tabellion.layout.names import PER_CONVENTION
from tabellion.schema import Key, TableSchema
from tabellion.schema.tables import Column, Row, Table, Tables, table_of

_Made = TypeVar("_Made")


def key_of(schema: TableSchema, row: Row) -> Key:
    """The primary key of a row."""
    return tuple([row[name] for name in schema.primary_key])


def rows_by_key(book: Book, schema: TableSchema) -> dict[Key, Row]:
    """The rows of a table of a book; none where it has no such table."""
    table = book.tables.get(schema.name)
    return {} if table is None else {key_of(schema, row): row for row in table}


class ByTable(dict[str, _Made]):
    """What is made of each table once it is asked for."""

    def __init__(self, make: Callable[[str], _Made]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, table: str) -> _Made:
        made = self[table] = self._make(table)
        return made


class Draft:
    """The rows that the workbook ``read`` gives, by table (``rows``), with their areas and lines (``places``).

    ``known`` are the rows of ``base`` by table and key. ``findings`` grow as the draft is looked through. Rows are made
    where something asks for them: of most tables the workbook says what was last accepted (:meth:`is_same`), and then
    there is nothing to look for in them.
    """

    def __init__(self, read: Book, base: Book) -> None:
        self.read, self.base, self.schemas = read, base, read.schemas
        self.labels = Labels(base)
        self.known = ByTable(lambda table: rows_by_key(base, self.schemas[table]))
        self.rows = ByTable(lambda table: [dict(row) for row in read.tables.get(table, ())])
        self._same = frozenset(name for name in self.schemas if _is_same(read.tables.get(name), base.tables.get(name)))
        self.places = {name: list(read.rows.get(name, ())) for name in self.schemas}
        self._restored: set[str] = set()
        self.findings: list[Finding] = list(read.findings)
        self._tables: Tables = dict(read.tables)
        self.created: dict[tuple[str, Key], Place] = {}
        """The rows that decisions added and that the workbook lacks, and the cells that asked for them."""

    def book(self) -> Book:
        """The draft as a book, whose every cell is known."""
        tables = {
            name: self.table(name) for name in self.schemas if name in self.read.tables or name in self.base.tables
        }
        self._tables = tables
        self._place_restored()
        settings, findings = settings_of(tables, self.base.settings), tuple(self.findings)
        return replace(
            self.read, settings=settings, tables=tables, rows=self.places, unknown=frozenset(), findings=findings
        )

    def table(self, table: str) -> Table:
        """One table of the draft."""
        if table in self._tables and table not in self.rows:
            return self._tables[table]
        return table_of(self.schemas[table], self.rows[table], self._tables.get(table))

    def is_same(self, table: str) -> bool:
        """Whether each row of a table is equal to the one that was last accepted under its key, and none is missing;
        once something has asked for its rows, which it may change, nobody knows.
        """
        return table in self._same and table not in self.rows

    def keys(self, table: str) -> list[Key]:
        """The primary keys of the rows of a table."""
        return list(zip(*(self.column(table, name) for name in self.schemas[table].primary_key), strict=True))

    def column(self, table: str, name: str) -> Column:
        """The values of one field, a row after the other."""
        if table in self.rows:
            return [row[name] for row in self.rows[table]]
        return self.read.tables[table].columns[name] if table in self.read.tables else []

    def value(self, table: str, position: int, name: str) -> Any:
        """One value; ``None`` for a field that the table has not."""
        if table in self.rows:
            return self.rows[table][position].get(name)
        columns = self.read.tables[table].columns
        return columns[name][position] if name in columns else None

    def _place_restored(self) -> None:
        """Give the rows that were put back the lines that they have once the register is written."""
        for table in self._restored:
            places, line = self.places[table], 2
            for position, row in enumerate(self.rows[table]):
                if places[position][0] < 0 and places[position] != UNREAD_ROW:
                    places[position] = (-1, line)
                line += 1 + sum(value.count("\n") for value in row.values() if isinstance(value, str))

    def positions(self) -> ByTable[Mapping[Key, int]]:
        """The position of each row by table and key."""
        return ByTable(lambda table: self.table(table).positions)

    def place(self, table: str, position: int, field: str | None = None) -> Place:
        """The cell of a row's field in the workbook; of a row that it lacks, the one that asked for it."""
        if self.created and self.places[table][position] == UNREAD_ROW:
            asked = self.created.get((table, key_of(self.schemas[table], self.rows[table][position])))
            if asked is not None:
                return asked
        self._place_restored()
        return replace(self.read, rows=self.places).locate(table, position, field)

    def sheet_of(self, table: str, key: Key) -> Place:
        """The sheet where a row that is gone stood."""
        convention = self.known[table][key].get("convention_id") if table in PER_CONVENTION else None
        sheets = (area.sheet for area in self.read.areas if (area.table, area.convention) == (table, convention))
        return Place(self.read.fichier, next(sheets, None))

    def restore(self, table: str, key: Key) -> None:
        """Put back a row that was last accepted, at the end of its table; its place is its line of the register."""
        self.rows[table].append(dict(self.known[table][key]))
        self.places[table].append((-1, 1))
        self._restored.add(table)

    def drop(self, table: str, positions: Collection[int]) -> None:
        """Leave rows of a table out."""
        kept = [at for at in range(len(self.rows[table])) if at not in positions]
        self.rows[table] = [self.rows[table][at] for at in kept]
        self.places[table] = [self.places[table][at] for at in kept]

    def parts(self, table: str, keys: Sequence[Key]) -> Iterator[list[Key]]:
        """Rows that were last accepted, by convention where their table has one part a convention."""
        groups: dict[object, list[Key]] = {}
        for key in keys:
            part = self.known[table][key]["convention_id"] if table in PER_CONVENTION else None
            groups.setdefault(part, []).append(key)
        yield from groups.values()

    def money_fields(self, table: str) -> list[str]:
        """The amounts of a table."""
        return [field.name for field in self.schemas[table].fields if field.kind == "money"]


def _is_same(read: Table | None, accepted: Table | None) -> bool:
    """Whether two tables say the same, each row under a key of its own."""
    if read is None or accepted is None or read.columns != accepted.columns:
        return False
    return len(read.positions) == len(read)
