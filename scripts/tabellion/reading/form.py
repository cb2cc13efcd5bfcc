"""A partner's return as read: its identity, its rows typed as people type them, each cell with its address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tabellion.findings import Finding, Place, finding
from tabellion.layout.forms import (
    BASELINE,
    COMPUTED_ROLES,
    FORM_TABLES,
    KIND_FORM,
    ColumnSpec,
    FormIdentity,
    Role,
    TableSpec,
)
from tabellion.layout.identity import FORMAT_VERSION, FormulaCell
from tabellion.layout.names import IDENTITY
from tabellion.reading.cells import CellReader
from tabellion.reading.hidden import Baseline, read_baseline, read_identity
from tabellion.reading.identifiers import fill_identifiers
from tabellion.reading.raw import RawSheet, RawWorkbook
from tabellion.reading.references import References
from tabellion.reading.tables import REMARK, FoundTable, TableFinder, total_label
from tabellion.schema import Schemas


@dataclass(frozen=True)
class FormRowRead:
    """Where a row was read, and its stable id (``None`` on a spare row)."""

    area: FoundTable
    row: int
    key: str | None


@dataclass
class FormReading:
    """What a return says.

    ``columns`` has the plain values of each table of the form, by the name of the register's table and by field; their
    positions are those in ``rows``. ``unknown`` are the cells (table, index, field) that held something unreadable.
    """

    workbook: RawWorkbook
    schemas: Schemas
    identity: FormIdentity | None = None
    columns: dict[str, dict[str, list[Any]]] = field(default_factory=dict)
    rows: dict[str, list[FormRowRead]] = field(default_factory=dict)
    shown: dict[str, dict[str, list[Any]]] = field(default_factory=dict)
    """By Excel table and column name: the values found in the columns that only show what was known."""
    findings: list[Finding] = field(default_factory=list)
    unknown: set[tuple[str, Any, str]] = field(default_factory=set)
    areas: dict[str, FoundTable] = field(default_factory=dict)
    baseline: Baseline = field(default_factory=dict)
    formulas: list[FormulaCell] = field(default_factory=list)

    funders: dict[str, str] = field(default_factory=dict)
    """The names of the register's funders, by identifier."""

    def forget_cells(self) -> None:
        """Keep the rows and their places only: many returns are read before their rows are validated together."""
        self.workbook = RawWorkbook(self.workbook.fichier, self.workbook.sha256, [])
        for area in self.areas.values():
            area.sheet = RawSheet(area.sheet.name, area.sheet.state, [])
        for each in (self.shown, self.baseline, self.formulas):
            each.clear()

    @property
    def known_tables(self) -> frozenset[str]:
        """The names of the Excel tables that the form was made with."""
        return frozenset({each.table for each in self.formulas if each.table} | {each.name for each in FORM_TABLES})

    @property
    def new_rows(self) -> set[tuple[str, int]]:
        """The rows that the partner added, by sheet and one-based row."""
        return {(each.area.sheet.name, each.row) for rows in self.rows.values() for each in rows if each.key is None}

    @property
    def specs(self) -> list[TableSpec]:
        """The tables of the form that were found."""
        return [each for each in FORM_TABLES if each.name in self.areas]

    def locate(self, table: str, index: Any, field: str | None = None) -> Place:
        """The cell of a row's field; the row's first cell when the form does not show the field."""
        spec = next(each for each in FORM_TABLES if each.resource == table)
        origin: FormRowRead = self.rows[table][index]
        column = next((each for each in spec.columns if each.field == field), None) if field is not None else None
        return origin.area.place(origin.row, spec.label(column, self.schemas) if column is not None else None)


def read_form(workbook: RawWorkbook, schemas: Schemas, known: References, contract: str) -> FormReading:
    """Make tables of a return to the contract ``contract``; what is wrong becomes findings, never an error.

    When the workbook is not a form of this contract, partners and format, the reading has findings and no tables.
    """
    reading = FormReading(workbook, schemas, findings=list(workbook.notices))
    identity, reading.formulas = read_identity(workbook.sheet(IDENTITY))
    if not _is_ours(reading, identity, known, contract):
        return reading
    reading.funders = {key: shown for shown, key in known.keys.get("financeurs", {}).items()}
    reading.baseline = read_baseline(workbook.sheet(BASELINE))
    if not reading.baseline:
        reading.findings.append(finding("reference-perdue", Place()))
    _FormReader(reading, known).read()
    return reading


def _is_ours(reading: FormReading, identity: Mapping[str, str], known: References, contract: str) -> bool:
    place = Place()
    wanted = (
        ("genre-inconnu", identity.get("genre", ""), KIND_FORM),
        ("version-inconnue", identity.get("format", ""), str(FORMAT_VERSION)),
        ("autre-contrat", identity.get("contrat", ""), contract),
    )
    said = [finding(code, place, valeur=found, attendu=right) for code, found, right in wanted if found != right]
    partner, exercice = identity.get("partenaire", ""), identity.get("exercice", "")
    if not said and partner not in known.towns:
        said.append(finding("autre-partenaire", place, valeur=partner))
    reading.findings += said
    if said or not exercice.isdecimal():
        return False
    reading.identity = FormIdentity(contract, partner, int(exercice), identity.get("formulaire", ""))
    return True


class _FormReader:
    """Reads the tables of one return."""

    def __init__(self, reading: FormReading, known: References) -> None:
        assert reading.identity is not None  # noqa: S101 (the caller has checked it)
        self.reading, self.known, self.identity = reading, known, reading.identity
        self.finder = TableFinder(reading.workbook, reading.known_tables)
        self.cells = CellReader(reading.findings, tolerant=True, date1904=reading.workbook.date1904)

    def read(self) -> None:
        expected = {each.table for each in self.reading.formulas} | set(self.reading.baseline)
        for spec in FORM_TABLES:
            if spec.name not in expected and spec.name not in self.finder.names():
                continue
            if spec.resource not in self.reading.schemas:  # a contract may have given up its plans de financement
                continue
            self.say_copies(spec)
            labels = spec.labels(self.reading.schemas)
            area = self.finder.area(spec.name, labels, titre=spec.sheet, sheet_hint=spec.sheet)
            if area is not None:
                self.reading.areas[spec.name] = area
                self.table(spec, area)
        self.reading.findings += self.finder.findings

    def say_copies(self, spec: TableSpec) -> None:
        """Two copies of a sheet: nobody can tell which one is the answer."""
        sheets = [
            sheet.name
            for sheet in self.reading.workbook.sheets
            for table in sheet.tables
            if set(spec.labels(self.reading.schemas)) <= set(table.columns)
        ]
        if len(sheets) > 1:
            place = Place(feuille=sheets[1], cellule="A1")
            words = ", ".join(f"« {name} »" for name in sheets)
            self.reading.findings.append(finding("deux-reponses", place, valeur=spec.sheet, feuilles=words))

    def table(self, spec: TableSpec, area: FoundTable) -> None:
        reading, schema = self.reading, self.reading.schemas[spec.resource]
        rows = self.rows(spec, area)
        columns: dict[str, list[Any]] = {name: [None] * len(rows) for name in schema.names}
        unread: dict[str, set[int]] = {}
        shown: dict[str, list[Any]] = {}
        for each in spec.columns:
            label, field_ = spec.label(each, reading.schemas), spec.field(each, reading.schemas)
            if each.role in COMPUTED_ROLES:
                continue
            if field_ is None:
                shown[each.name] = [area.value(row, label) if label in area.columns else None for row in rows]
                continue
            values, bad = self.cells.column(area, rows, label, field_, self.choices(spec, each))
            columns[field_.name], unread[field_.name] = values, bad
            if each.role is Role.SHOWN:
                shown[each.name] = values
        self.imply(spec, columns, len(rows))
        unreadable_keys = unread.get(spec.key.field or "", set())
        fill_identifiers(spec.resource, columns, unreadable_keys)
        keys = self.keys(spec, area, rows)
        reading.shown[spec.name] = shown
        reading.rows[spec.resource] = [FormRowRead(area, row, key) for row, key in zip(rows, keys, strict=True)]
        reading.columns[spec.resource] = columns
        reading.unknown |= {(spec.resource, place, name) for name, places in unread.items() for place in places}

    def rows(self, spec: TableSpec, area: FoundTable) -> list[int]:
        """The rows that say something: known ones, and spare ones where something was typed."""
        reading, kept = self.reading, []
        computed = {
            area.columns.get(spec.label(each, reading.schemas)) for each in spec.columns if each.role in COMPUTED_ROLES
        }
        labels = [
            spec.label(each, reading.schemas)
            for each in spec.columns
            if each.role not in COMPUTED_ROLES and spec.label(each, reading.schemas) in area.columns
        ]
        words = [spec.label(each, reading.schemas) for each in spec.columns if each.field != REMARK]
        words = [label for label in labels if label in words]
        key_label = spec.label(spec.key, reading.schemas)
        special = {row for row, column in (*area.sheet.errors, *area.sheet.uncached) if column not in computed}
        for row in area.rows():
            values = [area.value(row, label) for label in labels]
            written = [value for value in values if value is not None and value != ""]
            if not written and row not in special:
                continue
            has_key = key_label in area.columns and area.value(row, key_label) not in (None, "")
            total = None if has_key else total_label(area, row, words)
            if total is not None:
                said = finding("total-ajoute", area.place(row, total), valeur=str(area.value(row, total)))
                reading.findings.append(said)
            elif area.repeats_headers(row):
                continue
            else:
                if row > area.last_row and area.found_name:
                    reading.findings.append(finding("ligne-sous-le-formulaire", area.place(row), valeur=spec.sheet))
                kept.append(row)
        return kept

    def keys(self, spec: TableSpec, area: FoundTable, rows: list[int]) -> list[str | None]:
        label = spec.label(spec.key, self.reading.schemas)
        found = [area.value(row, label) if label in area.columns else None for row in rows]
        return [str(value).strip() or None if value is not None else None for value in found]

    def imply(self, spec: TableSpec, columns: dict[str, list[Any]], count: int) -> None:
        """What the form itself says of every row: its partner's collectivité, the partner, the exercice."""
        said: dict[str, Any] = {"exercice": self.identity.exercice, "partenaire_id": self.identity.partenaire}
        if spec.resource == "lignes_budgetaires":
            said["collectivite_id"] = self.known.towns.get(self.identity.partenaire)
        for name, value in said.items():
            if name in columns:
                columns[name] = [value] * count

    def choices(self, spec: TableSpec, column: ColumnSpec) -> Mapping[str, Any]:
        """What a cell may show, and the value that it stands for."""
        schema = self.reading.schemas[spec.resource]
        if column.field is None or column.role is Role.KEY:
            return {}
        key = schema.foreign.get(column.field)
        if key is None:
            return {each: each for each in schema.by_name[column.field].enum}
        if key.table == "conventions":
            return self.known.conventions
        return self.known.keys[key.table]
