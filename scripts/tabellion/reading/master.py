"""A master workbook as read, made into the tables of a contract: every value typed, every cell with its address.

A slip costs its cell: nothing that is wrong in a sheet blocks, it is said where it stands. What cannot be understood is
``unknown``, what is not there is ``missing``: the caller has the last accepted values of both.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from tabellion.findings import Finding, Place, finding
from tabellion.layout.names import (
    CONTROLES,
    FORMAT_VERSION,
    IDENTITY,
    KIND_MASTER,
    OCCASIONAL,
    PER_CONVENTION,
    SHOWN,
    SINGLE,
    KnownFormula,
    is_annotations,
    sheet_key,
    sheet_marker,
    table_name,
    table_resource,
)
from tabellion.reading.cells import CellReader
from tabellion.reading.corrections import (
    Added,
    RowSource,
    correct_identifiers,
    repeated_rows,
    say_copied_sheet,
    say_former_names,
    say_repeated_row,
    without_added,
)
from tabellion.reading.descriptions import keep_table_spellings
from tabellion.reading.form_identity import version_code
from tabellion.reading.headers import computed_labels, later_labels
from tabellion.reading.hidden import read_identity
from tabellion.reading.identifiers import MAKERS, identifier_field
from tabellion.reading.lines import LineFinder
from tabellion.reading.raw import RawWorkbook
from tabellion.reading.references import Renames, former_cells, names_of, renames_of, shown_choices
from tabellion.reading.row_identity import identify_rows
from tabellion.reading.tables import FoundTable, TableFinder
from tabellion.schema import OPTIONAL_TABLES, SETTING_TABLES, Field, Schemas, TableSchema
from tabellion.schema.tables import Column, Row, Table, Tables, make_table
from tabellion.wording import fold

#: What a workbook lacks: a table, of a convention where it has one part for each, or one column (a field) of it.
Missing = tuple[str, int | None, str | None]


@dataclass
class ParsedMaster:
    """What a master workbook says.

    ``tables`` have unique integer indexes, which ``row_sources`` maps to sheets and rows. ``unknown`` are cells (table,
    index, field) that held something unreadable, the key of a row that nothing names among them; ``missing`` is what
    was not found at all, (table, convention or ``None``, field or ``None`` for the whole table): no row and no value
    was taken away there. ``renumbered`` has, by table, the new key of each row that was known under another, and
    ``renames`` that of each row by the names it had. ``formulas`` is the workbook's own list of its formulas.
    """

    workbook: RawWorkbook
    schemas: Schemas
    tables: Tables = field(default_factory=Tables)
    row_sources: dict[str, list[RowSource]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    unknown: set[tuple[str, Any, str]] = field(default_factory=set)
    missing: set[Missing] = field(default_factory=set)
    renumbered: dict[str, dict[Any, Any]] = field(default_factory=dict)
    renames: dict[str, dict[object, object]] = field(default_factory=dict)
    areas: dict[str, FoundTable] = field(default_factory=dict)
    identity: dict[str, str] = field(default_factory=dict)
    formulas: list[KnownFormula] = field(default_factory=list)

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
        label = self.schemas[table].by_name[field].title if field is not None else None
        row_source: RowSource = self.row_sources[table][index]
        return row_source.place(label)


def read_master(
    workbook: RawWorkbook, schemas: Schemas, contract: str, base: Tables | None = None, added: Added = (),
    renames: Renames | None = None,
) -> ParsedMaster:  # fmt: skip
    """Make tables of a master workbook of the contract ``contract``; what is wrong becomes findings, never an error.

    ``base`` are the tables of the last accepted state, by which rows and names are recognised; without it, what the
    workbook says stands alone; of the empty identifiers of rows ``added`` since nothing is said, and ``renames`` are
    former names. When the workbook is not a master of this contract and format, the reading has findings and no tables,
    and they block; what is wrong in a master never does.
    """
    reading = ParsedMaster(workbook, schemas, findings=list(workbook.notices))
    reading.identity, reading.formulas = read_identity(workbook.sheet(IDENTITY))
    finder = TableFinder(workbook, reading.known_tables)
    if not _is_ours(reading, finder, contract):
        return reading
    count_before = len(reading.findings)
    _Reader(reading, finder, base, added, renames or {}).read()
    reading.findings += finder.findings
    reading.findings[count_before:] = [replace(finding, bloquant=False) for finding in reading.findings[count_before:]]
    return reading


def _is_ours(reading: ParsedMaster, finder: TableFinder, contract: str) -> bool:
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
        (version_code(identity.get("format", "")), identity.get("format", ""), str(FORMAT_VERSION)),
        ("autre-contrat", identity.get("contrat", ""), contract),
    ]
    findings = [finding(code, place, valeur=typed, attendu=wanted) for code, typed, wanted in wrong if typed != wanted]
    reading.findings += findings
    return not findings


class _Reader:
    """Reads the tables one after the other: references first, since others show their labels."""

    def __init__(
        self, reading: ParsedMaster, finder: TableFinder, base: Tables | None, added: Added, renames: Renames
    ) -> None:
        self.reading, self.finder, self.base, self.added, self.renames = reading, finder, base, added, renames
        book = reading.workbook
        self.cells = CellReader(
            reading.findings, tolerant=True, counted=True, date1904=book.date1904, manual=book.manual
        )
        self.columns: dict[str, dict[str, Column]] = {}

    def read(self) -> None:
        for resource, schema in self.reading.schemas.items():
            if resource in SINGLE:
                area = self.single(resource, schema)
                self.table(schema, [(area, {})] if area is not None else [])
            else:
                self.table(schema, self.parts(resource, schema))
        self.say_unread_sheets()

    def single(self, resource: str, schema: TableSchema) -> FoundTable | None:
        name, sheet = SINGLE[resource]
        labels = tuple(field.title for field in schema.fields)
        marker = sheet_marker(fold(sheet).capitalize())
        if resource in OCCASIONAL and not self.was_made(resource, name, marker):
            self.reading.missing.add((resource, None, None))
            return None
        area = self.finder.area(
            name, labels, marker=marker, titre=schema.title, computed=computed_labels(schema),
            later=later_labels(schema, self.reading.identity),
        )  # fmt: skip
        return self.keep(area, (resource, None, None))

    def was_made(self, resource: str, name: str, marker: str) -> bool:
        """Whether the workbook was made with an occasional table, by any of the traces that it leaves."""
        reading = self.reading
        return (
            reading.identity.get(resource) == SHOWN
            or name in self.finder.names()
            or (marker in reading.workbook.names and resource not in OPTIONAL_TABLES)
        )

    def parts(self, resource: str, schema: TableSchema) -> list[tuple[FoundTable, Row]]:
        """The areas of a table that has one for each convention, those that are no more in their table too."""
        moved = self.reading.renumbered.get("conventions", {})
        known = {number for number in self.columns["conventions"]["convention_id"] if number is not None}
        if ("conventions", None, None) in self.reading.missing and self.base is not None:
            known |= set(self.base["conventions"].column("convention_id"))
        named = {
            resource_[1]
            for name in self.finder.names()
            if (resource_ := table_resource(name)) and resource_[0] == resource
        }
        numbers = {number for number in (known - set(moved.values())) | named | set(moved) if number is not None}
        areas = [(self.part(resource, schema, number), moved.get(number, number)) for number in sorted(numbers)]
        return [(area, {"convention_id": number}) for area, number in areas if area is not None]

    def part(self, resource: str, schema: TableSchema, convention: int) -> FoundTable | None:
        name = table_name(resource, convention)
        marker = sheet_marker(sheet_key(PER_CONVENTION[resource][0], convention))
        labels = tuple(field.title for field in schema.fields if field.name != "convention_id")
        made = any(formula.table == name or name in formula.formula for formula in self.reading.formulas)
        if name not in self.finder.names() and self.reading.formulas and not made:
            if resource == next(iter(PER_CONVENTION)):
                self.reading.findings.append(finding("convention-sans-feuille", Place(), valeur=convention))
            return self.keep(None, (resource, convention, None))
        area = self.finder.area(
            name, labels, marker=marker, titre=f"{schema.title}, convention {convention}",
            computed=computed_labels(schema), later=later_labels(schema, self.reading.identity),
        )  # fmt: skip
        return self.keep(area, (resource, convention, None))

    def keep(self, area: FoundTable | None, asked: Missing) -> FoundTable | None:
        if area is None:
            self.reading.missing.add(asked)
        else:
            self.reading.areas[area.name] = area
        return area

    def table(self, schema: TableSchema, parts: list[tuple[FoundTable, Row]]) -> None:
        """Read one table of the register from its areas, one under the other."""
        base = self.base.get(schema.name) if self.base is not None else None
        columns, row_sources, unknown = self.rows(schema, parts)
        if identifier_field(schema) is None:
            self.set_aside(schema, columns, row_sources, unknown, base)
        self.columns[schema.name] = columns
        if base is not None:
            keep_table_spellings(schema, columns, base)
            moved, known = self.reading.renumbered.get(schema.name, {}), self.renames.get(schema.name, {})
            self.reading.renames[schema.name] = renames_of(schema, columns, base, moved, known)
        self.reading.tables[schema.name] = make_table(schema, columns)
        self.reading.row_sources[schema.name] = row_sources
        self.reading.unknown |= {(schema.name, position, name) for position, name in unknown}

    def rows(
        self, schema: TableSchema, parts: list[tuple[FoundTable, Row]]
    ) -> tuple[dict[str, Column], list[RowSource], set[tuple[int, str]]]:
        """The columns of a table, where each row stands, and the cells (position, field) that cannot be understood."""
        columns: dict[str, Column] = {name: [] for name in schema.names}
        row_sources: list[RowSource] = []
        unknown: set[tuple[int, str]] = set()
        renamed: list[tuple[Place, tuple[str, str]]] = []
        key = identifier_field(schema)
        of_keys = replace(self.cells, findings=[])
        choices = {
            column.name: shown_choices(
                self.reading.schemas, schema, column, self.columns, self.base, self.reading.renames
            )
            for column in schema.fields
        }
        later = later_labels(schema, self.reading.identity)
        for area, implied in parts:
            rows = LineFinder(schema, area, self.reading.findings).rows()
            start = len(row_sources)
            row_sources += [RowSource(area, row) for row in rows]
            for column in schema.fields:
                if column.name in implied:
                    columns[column.name] += [implied[column.name]] * len(rows)
                    continue
                if column.title not in area.columns:
                    self.reading.missing.add((schema.name, implied.get("convention_id"), column.name))
                    if column.title in later:
                        columns[column.name] += [None] * len(rows)
                        continue
                # Nobody types the identifiers of some tables: what is wrong with them is put right below.
                asked = replace(column, pattern=None) if column.name == key and schema.name in MAKERS else column
                reader = of_keys if column.name == key else self.cells
                if schema.name in SETTING_TABLES and column.name == "valeur":  # a year is a setting's text
                    reader = replace(self.cells, tolerant=False)
                values, unread = reader.column(area, rows, column.title, asked, choices[column.name])
                if (table := schema.refers_to(column.name)) is not None:
                    renamed += self.follow(table, area, rows, column, values)
                columns[column.name] += values
                unknown |= {(start + position, column.name) for position in unread}
        self.reading.findings += say_former_names(schema, renamed)
        if key is not None:
            self.identify(schema, key, columns, row_sources, unknown, of_keys.findings)
        return columns, row_sources, unknown

    def follow(
        self, table: str, area: FoundTable, rows: list[int], field_: Field, values: Column
    ) -> list[tuple[Place, tuple[str, str]]]:
        """The cells that still show the former name of a row that they refer to; ``values`` follow new keys."""
        renames = self.reading.renames.get(table, {})
        if not renames or field_.title not in area.columns:
            return []
        names = names_of(self.reading.schemas[table], self.columns[table])
        return former_cells(area, rows, field_, values, names, renames)

    def identify(
        self, schema: TableSchema, key: str, columns: dict[str, Column], row_sources: list[RowSource],
        unknown: set[tuple[int, str]], findings: list[Finding],
    ) -> None:  # fmt: skip
        """Find out who each row is; ``findings`` are about cells of its identifier, and hold where nothing is found."""
        base = self.base.get(schema.name) if self.base is not None else None
        unread = {position for position, name in unknown if name == key}
        identity = identify_rows(schema, columns, unread, base, self.reading.renumbered)
        self.reading.renumbered[schema.name] = identity.renumbered
        nameless = {position for position, value in enumerate(columns[key]) if value is None}
        unknown -= {(position, key) for position in unread - nameless}
        unknown |= {(position, key) for position in nameless}
        title = schema.by_name[key].title
        mended = {row_sources[fix.position].place(title) for fix in identity.corrections if fix.value is not None}
        held = {finding.place: finding for finding in findings if finding.place not in mended}
        to_say = without_added(schema, identity.corrections, columns, self.added)
        corrections = correct_identifiers(schema, to_say, row_sources)
        self.reading.findings += [*held.values(), *(slip for slip in corrections if slip.place not in held)]

    def set_aside(
        self, schema: TableSchema, columns: dict[str, Column], row_sources: list[RowSource],
        unknown: set[tuple[int, str]], base: Table | None,
    ) -> None:  # fmt: skip
        """Leave out, in place, the rows that repeat another, in a table whose rows have no name of their own."""
        repeated = repeated_rows(schema, columns, base)
        if not repeated:
            return
        self.reading.findings += [say_repeated_row(schema, columns, row, kept, row_sources) for row, kept in repeated]
        repeats = {position for position, _ in repeated}
        kept = [position for position in range(len(row_sources)) if position not in repeats]
        places = {old: new for new, old in enumerate(kept)}
        for name, values in columns.items():
            columns[name] = [values[position] for position in kept]
        row_sources[:] = [row_sources[position] for position in kept]
        moved = {(places[position], name) for position, name in unknown if position in places}
        unknown.clear()
        unknown |= moved

    def say_unread_sheets(self) -> None:
        """Sheets that are not of the workbook as generated are not read, and that is said."""
        markers = [name for name in self.reading.workbook.names if name.startswith(sheet_marker(""))]
        if not markers:
            return
        known = {self.finder.marked_sheet(marker) for marker in markers} | {IDENTITY, CONTROLES}
        known |= {area.sheet.name for area in self.reading.areas.values()}
        for sheet in self.reading.workbook.sheets:
            if is_annotations(sheet.name):
                continue
            if sheet.name not in known and any(any(value is not None for value in line) for line in sheet.rows):
                copied = say_copied_sheet(sheet, self.reading.areas.values())
                place = sheet.place(1, 1)
                self.reading.findings.append(copied or finding("feuille-ajoutee", place, valeur=sheet.name))
