"""A master workbook as read, made into the tables of a contract: every value typed, every cell with its address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tabellion.addresses import cell_name
from tabellion.findings import Finding, Place, finding
from tabellion.layout.names import (
    COMPUTED,
    CONTROLES,
    FORMAT_VERSION,
    IDENTITY,
    KIND_MASTER,
    OCCASIONAL,
    PER_CONVENTION,
    SHOWN,
    SINGLE,
    FormulaCell,
    is_annotations,
    sheet_key,
    sheet_marker,
    table_name,
    table_resource,
)
from tabellion.reading.cells import CellReader
from tabellion.reading.hidden import read_identity
from tabellion.reading.identifiers import MAKERS, fill_identifiers
from tabellion.reading.raw import RawWorkbook
from tabellion.reading.tables import REMARK, FoundTable, TableFinder, total_label
from tabellion.schema import Field, Schemas, TableSchema
from tabellion.schema.tables import Tables, make_table
from tabellion.wording import fold


@dataclass(frozen=True)
class Origin:
    """Where a row was read: its area and its one-based row."""

    area: FoundTable
    row: int


@dataclass
class MasterReading:
    """What a master workbook says.

    ``tables`` have unique integer indexes, which ``origins`` maps to sheets and rows. ``unknown`` are the cells (table,
    index, field) that held something unreadable. ``formulas`` is the workbook's own list of its formulas.
    """

    workbook: RawWorkbook
    schemas: Schemas
    tables: Tables = field(default_factory=Tables)
    origins: dict[str, list[Origin]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    unknown: set[tuple[str, Any, str]] = field(default_factory=set)
    areas: dict[str, FoundTable] = field(default_factory=dict)
    identity: dict[str, str] = field(default_factory=dict)
    formulas: list[FormulaCell] = field(default_factory=list)

    @property
    def new_rows(self) -> set[tuple[str, int]]:
        """None: a row that people add to a master's table is given its formulas by the table."""
        return set()

    @property
    def known_tables(self) -> frozenset[str]:
        """The names of the Excel tables that the workbook was made with."""
        names = (table.name for sheet in self.workbook.sheets for table in sheet.tables)
        return frozenset(
            {formula.table for formula in self.formulas if formula.table}
            | {name for name in names if table_resource(name)}
        )

    def locate(self, table: str, index: Any, field: str | None = None) -> Place:
        """The cell of a row's field; the row's first cell when the sheet itself says the field."""
        origin: Origin = self.origins[table][index]
        label = self.schemas[table].by_name[field].title if field is not None else None
        return origin.area.place(origin.row, label)


def read_master(workbook: RawWorkbook, schemas: Schemas, contract: str) -> MasterReading:
    """Make tables of a master workbook of the contract ``contract``; what is wrong becomes findings, never an error.

    When the workbook is not a master of this contract and format, the reading has findings and no tables.
    """
    reading = MasterReading(workbook, schemas, findings=list(workbook.notices))
    reading.identity, reading.formulas = read_identity(workbook.sheet(IDENTITY))
    finder = TableFinder(workbook, reading.known_tables)
    if not _is_ours(reading, finder, contract):
        return reading
    _Reader(reading, finder).read()
    reading.findings += finder.findings
    return reading


def _is_ours(reading: MasterReading, finder: TableFinder, contract: str) -> bool:
    """Whether the file is a master of this contract; what it is instead is said."""
    identity, place = reading.identity, Place()
    if "genre" not in identity:
        if not any(table_resource(name) for name in finder.names()):
            reading.findings.append(finding("classeur-inconnu", place, valeur=reading.workbook.fichier))
            return False
        reading.findings.append(finding("identite-perdue", place))
        return True
    wrong = [
        ("genre-inconnu", identity["genre"], KIND_MASTER),
        ("format-non-reconnu", identity.get("format", ""), str(FORMAT_VERSION)),
        ("autre-contrat", identity.get("contrat", ""), contract),
    ]
    said = [finding(code, place, valeur=found, attendu=wanted) for code, found, wanted in wrong if found != wanted]
    reading.findings += said
    return not said


class _Reader:
    """Reads the tables one after the other: references first, since others show their labels."""

    def __init__(self, reading: MasterReading, finder: TableFinder) -> None:
        self.reading, self.finder = reading, finder
        self.cells = CellReader(reading.findings)
        self.columns: dict[str, dict[str, list[Any]]] = {}

    def read(self) -> None:
        reading = self.reading
        conventions: list[int] = []
        for resource, schema in reading.schemas.items():
            if resource in SINGLE:
                parts: list[tuple[FoundTable | None, dict[str, Any]]] = [(self.single(resource, schema), {})]
            else:
                parts = [(self.part(resource, schema, number), {"convention_id": number}) for number in conventions]
            self.table(schema, [(area, implied) for area, implied in parts if area is not None])
            if resource == "conventions":
                found = self.columns[resource]["convention_id"]
                conventions = sorted({number for number in found if number is not None})
        self.say_unread_sheets()

    def single(self, resource: str, schema: TableSchema) -> FoundTable | None:
        name, sheet = SINGLE[resource]
        labels = tuple(field.title for field in schema.fields)
        marker = sheet_marker(fold(sheet).capitalize())
        if resource in OCCASIONAL and not self.was_made(resource, name, marker):
            return None
        return self.keep(
            self.finder.area(name, labels, marker=marker, titre=schema.title, computed=computed_labels(schema))
        )

    def was_made(self, resource: str, name: str, marker: str) -> bool:
        """Whether the workbook was made with an occasional table, by any of the traces that it leaves."""
        reading = self.reading
        return (
            reading.identity.get(resource) == SHOWN or name in self.finder.names() or marker in reading.workbook.names
        )

    def part(self, resource: str, schema: TableSchema, convention: int) -> FoundTable | None:
        name = table_name(resource, convention)
        marker = sheet_marker(sheet_key(PER_CONVENTION[resource][0], convention))
        labels = tuple(field.title for field in schema.fields if field.name != "convention_id")
        made = any(formula.table == name or name in formula.formula for formula in self.reading.formulas)
        if name not in self.finder.names() and self.reading.formulas and not made:
            if resource == next(iter(PER_CONVENTION)):
                self.reading.findings.append(finding("convention-sans-feuille", Place(), valeur=convention))
            return None
        titre = f"{schema.title}, convention {convention}"
        return self.keep(self.finder.area(name, labels, marker=marker, titre=titre, computed=computed_labels(schema)))

    def keep(self, area: FoundTable | None) -> FoundTable | None:
        if area is not None:
            self.reading.areas[area.name] = area
        return area

    def table(self, schema: TableSchema, parts: list[tuple[FoundTable, Mapping[str, Any]]]) -> None:
        """Read one table of the register from its areas, one under the other."""
        found: dict[str, list[Any]] = {name: [] for name in schema.names}
        origins: list[Origin] = []
        unknown: set[tuple[int, str]] = set()
        for area, implied in parts:
            rows = self.rows(schema, area)
            start = len(origins)
            origins += [Origin(area, row) for row in rows]
            for column in schema.fields:
                if column.name in implied:
                    found[column.name] += [implied[column.name]] * len(rows)
                    continue
                choices = shown_choices(self.reading.schemas, schema, column, self.columns)
                values, unread = self.cells.column(area, rows, column.title, column, choices)
                found[column.name] += values
                unknown |= {(start + position, column.name) for position in unread}
        key = MAKERS.get(schema.name, (schema.primary_key[0], None))[0]
        fill_identifiers(schema.name, found, {position for position, name in unknown if name == key})
        self.columns[schema.name] = found
        self.reading.tables[schema.name] = make_table(schema, found)
        self.reading.origins[schema.name] = origins
        self.reading.unknown |= {(schema.name, position, name) for position, name in unknown}

    def rows(self, schema: TableSchema, area: FoundTable) -> list[int]:
        """The rows of an area that are lines of the table; totals added by hand and rows under the table are said."""
        kept = []
        labels = [field.title for field in schema.fields if field.title in area.columns]
        words = {field.title for field in schema.fields if field.kind == "string" and field.name != REMARK}
        texts_of = [label for label in labels if label in words]
        key = MAKERS.get(schema.name, (schema.primary_key[0], None))[0]
        key_label = schema.by_name[key].title
        for row in area.rows():
            has_key = key_label in area.columns and area.value(row, key_label) is not None
            total = None if has_key else total_label(area, row, texts_of)
            if total is not None:
                said = finding("total-ajoute", area.place(row, total), valeur=str(area.value(row, total)))
                self.reading.findings.append(said)
                continue
            if area.repeats_headers(row):
                continue
            if row > area.last_row and area.found_name:
                self.reading.findings.append(finding("ligne-hors-tableau", area.place(row), valeur=area.name))
            kept.append(row)
        return kept

    def repeats_headers(self, area: FoundTable, row: int) -> bool:
        texts = [(label, area.value(row, label)) for label in area.columns]
        written = [(label, value) for label, value in texts if value is not None]
        return len(written) > 1 and all(
            isinstance(value, str) and fold(value) == fold(label) for label, value in written
        )

    def say_unread_sheets(self) -> None:
        """Sheets that are not of the workbook as generated are not read, and that is said."""
        markers = [name for name in self.reading.workbook.names if name.startswith(sheet_marker(""))]
        if not markers:
            return
        known = {self.finder.marked_sheet(marker) for marker in markers} | {IDENTITY, CONTROLES}
        for sheet in self.reading.workbook.sheets:
            if is_annotations(sheet.name):
                continue
            if sheet.name not in known and any(any(value is not None for value in line) for line in sheet.rows):
                place = Place(feuille=sheet.name, cellule=cell_name(1, 1))
                self.reading.findings.append(finding("feuille-ajoutee", place, valeur=sheet.name))


def computed_labels(schema: TableSchema) -> set[str]:
    """The labels of the columns that a master computes beside those of a table."""
    return {label for _, _, label, _ in COMPUTED.get(schema.name, ())}


def shown_choices(
    schemas: Schemas, schema: TableSchema, field_: Field, read: Mapping[str, Mapping[str, list[Any]]]
) -> dict[str, str]:
    """What a cell of a field may show, and the value it stands for, from the columns of the tables ``read`` so far."""
    key = schema.foreign.get(field_.name)
    if key is None:
        return {value: value for value in field_.enum}
    table, columns = schemas[key.table], read.get(key.table)
    if columns is None or table.by_name[key.reference].kind != "string":
        return {}
    keys = [value for value in columns[key.reference] if value is not None]
    labels = zip(columns[table.shown_key], columns[key.reference], strict=True)
    return {value: value for value in keys} | {label: value for label, value in labels if label and value}
