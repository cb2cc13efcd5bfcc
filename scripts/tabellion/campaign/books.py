"""The workbook of a contract made into a book, and a book as the journal keeps it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from tabellion.campaign.parsed_return import finding_json, finding_of, saved_time, without_file
from tabellion.campaign.plain_values import plain_json, value_of
from tabellion.contract.book import NO_THEME, Book, SheetArea
from tabellion.contract.workspace import Settings
from tabellion.findings import Json
from tabellion.layout.names import table_resource
from tabellion.layout.theme import Theme
from tabellion.reading.raw import RawWorkbook
from tabellion.reading.references import Renames
from tabellion.schema import Key, Schemas, TableSchema
from tabellion.schema.tables import Tables, make_table

if TYPE_CHECKING:
    from tabellion.reading.master import ParsedMaster
    from tabellion.reading.tables import FoundTable


def read_book(
    workbook: RawWorkbook,
    fichier: str,
    settings: Settings,
    schemas: Schemas,
    theme: Theme,
    base: Tables | None = None,
    added: Collection[tuple[str, Key]] = (),
    renames: Renames | None = None,
) -> Book:
    """Make a book of a master workbook, where ``base`` are the tables last accepted, ``added`` its rows that staff
    added since the last adoption and ``renames`` the names that rows had; what is wrong becomes its findings, in a file
    without a name.
    """
    from tabellion.checks.formulas import check_computed_cells
    from tabellion.checks.presentation import check_master_presentation
    from tabellion.reading.master import read_master

    reading = read_master(workbook, schemas, settings.identifiant, base, added, renames)
    computed = [*check_computed_cells(reading), *check_master_presentation(reading, base)] if reading.tables else []
    book = book_of(reading, fichier, settings, theme)
    return replace(book, findings=tuple(without_file([*book.findings, *computed])))


@dataclass(frozen=True)
class BookReader:
    """Makes the book of a master in the child that reads it, under the limits of every file; its theme is not there.

    The fields are the arguments of :func:`read_book`.
    """

    fichier: str
    settings: Settings
    schemas: Schemas
    base: Tables | None = None
    added: Collection[tuple[str, Key]] = ()
    renames: Renames | None = None

    def __call__(self, workbook: RawWorkbook) -> Book:
        """The book of one workbook."""
        known = self.base, self.added, self.renames
        return read_book(workbook, self.fichier, self.settings, self.schemas, NO_THEME, *known)


def book_of(reading: ParsedMaster, fichier: str, settings: Settings, theme: Theme) -> Book:
    """The book of a master workbook that was read, with what the reading said.

    ``settings`` are the contract's before it: those that the workbook's own tables do not say stay.
    """
    from tabellion.contract.settings import settle

    numbers: dict[int, int] = {}
    areas: list[SheetArea] = []
    rows: dict[str, list[tuple[int, int]]] = {}
    for name, area in reading.areas.items():
        held = table_resource(name)
        if held is not None:
            numbers[id(area)] = len(areas)
            areas.append(_sheet_area(area, reading.schemas[held[0]], held[1]))
    for table, row_sources in reading.row_sources.items():
        rows[table] = [(numbers[id(address.area)], address.row) for address in row_sources]
    properties = reading.workbook.properties
    book = Book(
        settings,
        reading.schemas,
        theme,
        reading.tables,
        adoption=reading.identity.get("adoption", ""),
        has_identity="genre" in reading.identity,
        missing=frozenset(reading.missing),
        renames=reading.renames,
        fichier=fichier,
        rows=rows,
        areas=tuple(areas),
        findings=tuple(reading.findings),
        unknown=frozenset(reading.unknown),
        sha256=reading.workbook.sha256,
        saved=saved_time(properties),
        author=properties.get("lastModifiedBy", ""),
    )
    return settle(book)


def _sheet_area(area: FoundTable, schema: TableSchema, convention: int | None) -> SheetArea:
    labels = {field.title: field.name for field in schema.fields}
    columns = {labels[label]: column for label, column in area.columns.items() if label in labels}
    first = min(area.columns.values(), default=1)
    last = area.last_row if area.found_name else 0
    return SheetArea(area.sheet.name, columns, first, schema.name, convention, area.header_row, last)


def to_json(book: Book, accepted: Tables | None = None) -> dict[str, object]:
    """The book as JSON has it, without its file's name, nor what its workspace says (settings, schemas, theme), nor the
    tables that are as ``accepted`` ones, of which it only says that they are.
    """
    known = {name: table.columns for name, table in (accepted or {}).items()}
    return {
        "sha256": book.sha256,
        "tables": {
            name: None
            if known.get(name) == table.columns
            else {field: [plain_json(value) for value in values] for field, values in table.columns.items()}
            for name, table in book.tables.items()
        },
        "rows": book.rows,
        "areas": [
            [area.sheet, area.columns, area.first_column, area.table, area.convention, area.header_row, area.last_row]
            for area in book.areas
        ],
        "findings": [finding_json(finding) for finding in book.findings],
        "adoption": book.adoption,
        "saved": None if book.saved is None else book.saved.isoformat(),
        "author": book.author,
        "unknown": sorted(book.unknown),
        "missing": sorted(book.missing, key=repr),
        "renames": {name: list(map(list, pairs.items())) for name, pairs in book.renames.items() if pairs},
        "has_identity": book.has_identity,
    }


def from_json(
    content: Json, fichier: str, settings: Settings, schemas: Schemas, theme: Theme, accepted: Tables | None = None
) -> Book:
    """The book that :func:`to_json` wrote beside the same ``accepted`` tables. Raises ``KeyError``, ``TypeError`` or
    ``ValueError`` for another.
    """
    from tabellion.contract.settings import settings_of

    tables = {
        name: (accepted or {})[name]
        if columns is None
        else make_table(
            schemas[name], {field: [value_of(value) for value in values] for field, values in columns.items()}
        )
        for name, columns in content["tables"].items()
    }
    return Book(
        settings_of(tables, settings),
        schemas,
        theme,
        tables,
        adoption=content["adoption"],
        missing=frozenset((name, convention, field) for name, convention, field in content["missing"]),
        renames={name: dict(pairs) for name, pairs in content["renames"].items()},
        has_identity=content["has_identity"],
        fichier=fichier,
        rows={name: [(number, row) for number, row in rows] for name, rows in content["rows"].items()},
        areas=tuple(SheetArea(*area) for area in content["areas"]),
        findings=tuple(finding_of(row) for row in content["findings"]),
        unknown=frozenset((name, position, field) for name, position, field in content["unknown"]),
        sha256=content["sha256"],
        saved=None if content["saved"] is None else datetime.fromisoformat(content["saved"]),
        author=content["author"],
    )
