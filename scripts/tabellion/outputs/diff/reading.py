"""A side of a comparison, read from what people give: a master, a form, a consolidation, or a register's folder."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tabellion.addresses import cell_name
from tabellion.checks.formulas import FormulaReading
from tabellion.contract.book import Book
from tabellion.contract.register import load_register
from tabellion.contract.workspace import Workspace
from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.layout.forms import KIND_FORM
from tabellion.layout.identity import FORMAT_VERSION, FormulaCell
from tabellion.layout.names import IDENTITY, table_resource
from tabellion.outputs.consolidation.tables import ORIGIN_LABELS, data_name
from tabellion.outputs.consolidation.workbook import KIND_CONSOLIDATION
from tabellion.outputs.diff.cells import (
    add_formulas,
    area_pieces,
    as_found,
    clean,
    column_values,
    extra_columns,
    masked,
    plain_words,
    sheet_pieces,
)
from tabellion.outputs.diff.model import FormulaAt, Kind, Side, Table
from tabellion.reading import RawWorkbook, read_workbook
from tabellion.reading.cells import CellReader
from tabellion.reading.form import read_form
from tabellion.reading.hidden import read_identity
from tabellion.reading.master import computed_labels, read_master
from tabellion.reading.references import references
from tabellion.reading.tables import FoundTable, TableFinder
from tabellion.schema import Key, Schemas, TableSchema
from tabellion.schema.forms import Role
from tabellion.schema.tables import Tables

#: What a reading says that matters to a comparison; all the rest is for « validate ».
_WORTH_SAYING = frozenset({"identite-perdue", "tableau-defait", "reference-perdue", "total-ajoute", "deux-reponses"})

Spots = Sequence[tuple[FoundTable, int]]


def read_side(workspace: Workspace, path: Path) -> Side:
    """Read what is at ``path``; nothing is written.

    Raises :class:`TabellionError` with what refuses it: an unreadable file, another contract, no workbook of ours.
    """
    if path.is_dir():
        return _register_side(load_register(path, workspace.schemas, workspace.settings), workspace, path)
    try:
        workbook = read_workbook(path)
        kind = read_identity(workbook.sheet(IDENTITY))[0].get("genre")
        if kind == KIND_FORM:
            return _form_side(workspace, workbook, path)
        if kind == KIND_CONSOLIDATION:
            return _consolidation_side(workspace, workbook, path)
        return _master_side(workspace, workbook, path)
    except TabellionError as error:
        raise TabellionError([each.in_file(path.name) for each in error.findings]) from error


@dataclass
class _Builder:
    """Puts the tables of one workbook into a side."""

    side: Side
    schemas: Schemas
    spots: dict[str, Spots] = field(default_factory=dict)
    titles: dict[str, dict[str, str]] = field(default_factory=dict)
    extras: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)
    """By table and added column: its one-based column in each area."""

    def table(
        self,
        schema: TableSchema,
        columns: Mapping[str, Sequence[Any]],
        spots: Spots,
        unknown: Collection[tuple[int, str]],
        titles: Mapping[str, str],
        implied: Collection[str] = (),
        computed: Collection[str] = (),
    ) -> None:
        """Add one table: ``titles`` has the header of each field that is compared; a field of no column is not."""
        name, side = schema.name, self.side
        primary = [columns[each] for each in schema.primary_key]
        keys = [tuple(clean(part) for part in key) for key in zip(*primary, strict=True)]
        areas = {id(area): area for area, _ in spots}.values()
        by_field: dict[str, set[int]] = {}
        for position, champ in unknown:
            by_field.setdefault(champ, set()).add(position)
        kept: dict[str, Sequence[Any]] = {}
        for champ, title in titles.items():
            side.fields[name, champ] = schema.by_name[champ]
            lacking = areas and not any(title in area.columns for area in areas)
            if lacking and champ not in implied:
                continue
            kept[champ], places = column_values(spots, title, columns[champ], by_field.get(champ, ()))
            side.unread += places
        self.titles[name], self.spots[name] = dict(titles), spots
        kept |= self.added(name, spots, computed)
        side.tables[name] = Table(name, keys, kept)

    def finish(self, reading: FormulaReading) -> None:
        """Once all tables are there: the places of their cells, and every formula."""
        self.side.locate = self.place
        add_formulas(self.side, reading, self.row_words, with_texts=self.side.kind is not Kind.CONSOLIDATION)
        for name in self.spots:
            self.typed(name, self.side.tables[name].keys)

    def added(self, name: str, spots: Spots, computed: Collection[str]) -> dict[str, Sequence[Any]]:
        """The columns that people added, as found."""
        places: dict[int, dict[str, int]] = {}
        for area, _ in spots:
            if id(area) not in places:
                places[id(area)] = extra_columns(area, computed)
        by_label: dict[str, dict[str, int]] = {}
        for area, _ in spots:
            for label, column in places[id(area)].items():
                by_label.setdefault(label, {})[area.name] = column
        self.extras[name] = by_label
        return {
            label: [as_found(area.sheet, row, where[area.name]) if area.name in where else None for area, row in spots]
            for label, where in by_label.items()
        }

    def typed(self, name: str, keys: Sequence[Key]) -> None:
        """The formulas that people put in the cells of a table."""
        listed = {(each.table, each.column) for each in self.side.listed}
        for (area, row), key in zip(self.spots[name], keys, strict=True):
            if not area.sheet.formulas:
                continue
            for champ, title in self.titles[name].items():
                column = area.columns.get(title, 0)
                formula = area.sheet.formulas.get((row, column))
                if formula is not None and (area.name, title) not in listed:
                    place = area.place(row, title)
                    self.side.typed[name, key, champ] = FormulaAt(masked(formula), f"={formula}", place)

    def place(self, table: str, position: int, champ: str | None) -> Place:
        """The cell of a field of a row; the row's first cell where the sheet itself says the field."""
        area, row = self.spots[table][position]
        column = self.extras.get(table, {}).get(champ or "", {}).get(area.name)
        if column is not None:
            return Place(feuille=area.sheet.name, cellule=cell_name(row, column))
        return area.place(row, self.titles[table].get(champ or ""))

    @property
    def row_words(self) -> dict[tuple[str, int], str]:
        """The key of each row, in words, by its sheet and row."""
        return {
            (area.sheet.name, row): " · ".join(plain_words(part) or "" for part in key)
            for name, spots in self.spots.items()
            for (area, row), key in zip(spots, self.side.tables[name].keys, strict=True)
        }


def _labels(tables: Mapping[str, Mapping[str, Sequence[Any]]], schemas: Schemas) -> dict[str, dict[Any, str]]:
    """What people read in place of the keys of the tables that have a name for them."""
    found = {}
    for name, schema in schemas.items():
        columns = tables.get(name, {})
        shown = schema.label or "titre"
        if shown in columns and schema.primary_key[0] in columns:
            pairs = zip(columns[schema.primary_key[0]], columns[shown], strict=True)
            found[name] = {key: str(words) for key, words in pairs if isinstance(words, str)}
    return found


def _frames(tables: Tables) -> dict[str, dict[str, list[Any]]]:
    return {name: dict(frame.columns) for name, frame in tables.items()}


def _register_side(register: Book, workspace: Workspace, path: Path) -> Side:
    side = Side(path.name, Kind.REGISTER, path, notices=list(register.findings))
    columns = _frames(register.tables)
    for name, schema in workspace.schemas.items():
        keys = list(zip(*(columns[name][each] for each in schema.primary_key), strict=True))
        kept = {each: [clean(value) for value in values] for each, values in columns[name].items()}
        side.tables[name] = Table(name, keys, kept)
        side.fields |= {(name, each.name): each for each in schema.fields}
    side.labels = _labels(columns, workspace.schemas)
    side.locate = lambda table, position, _: Place(f"{table}.csv", ligne=register.rows[table][position][1])
    return side


def _master_side(workspace: Workspace, workbook: RawWorkbook, path: Path) -> Side:
    schemas = workspace.schemas
    reading = read_master(workbook, schemas, workspace.settings.identifiant)
    if not reading.tables:
        raise TabellionError(each for each in reading.findings if each.bloquant)
    side = Side(path.name, Kind.MASTER, path, notices=_worth(reading.findings))
    builder = _Builder(side, schemas)
    columns = _frames(reading.tables)
    unknown: dict[str, list[tuple[int, str]]] = {}
    for table, index, name in reading.unknown:
        unknown.setdefault(table, []).append((index, name))
    pieces = list(sheet_pieces(reading))
    sheets = {each.name: each for each in pieces}
    for name, schema in schemas.items():
        if name not in reading.tables:
            continue
        spots = [(origin.area, origin.row) for origin in reading.origins[name]]
        titles = {each.name: each.title for each in schema.fields}
        builder.table(
            schema,
            columns[name],
            spots,
            unknown.get(name, ()),
            titles,
            implied=("convention_id",),
            computed=computed_labels(schema),
        )
    for area in reading.areas.values():
        resource = _resource(area, builder)
        if resource is None:
            continue
        labels = [each.title for each in schemas[resource].fields]
        extras = extra_columns(area, computed_labels(schemas[resource]))
        pieces += area_pieces(sheets.get(area.sheet.name), area, area.name, extras, labels)
    side.pieces = pieces
    side.labels = _labels(columns, schemas)
    builder.finish(reading)
    return side


def _resource(area: FoundTable, builder: _Builder) -> str | None:
    found = table_resource(area.name)
    return found[0] if found is not None and found[0] in builder.titles else None


def _form_side(workspace: Workspace, workbook: RawWorkbook, path: Path) -> Side:
    schemas = workspace.schemas
    register = load_register(workspace.registre, schemas, workspace.settings).tables
    reading = read_form(workbook, schemas, references(register, schemas), workspace.settings.identifiant)
    if reading.identity is None:
        raise TabellionError(each for each in reading.findings if each.bloquant)
    side = Side(path.name, Kind.FORM, path, reading.identity.partenaire, reading.identity.exercice)
    side.notices = _worth(reading.findings)
    side.labels = _labels(_frames(register), schemas)
    builder = _Builder(side, schemas)
    pieces = list(sheet_pieces(reading))
    sheets = {each.name: each for each in pieces}
    for resource, table in reading.tables.items():
        spec, area = table.spec, table.area
        spots = [(area, line) for line in table.lines]
        titles = {
            each.field: spec.label(each, schemas)
            for each in spec.columns
            if each.field is not None and each.role is not Role.STATE
        }
        labels = spec.labels(schemas)
        builder.table(schemas[resource], table.columns, spots, list(table.unknown), titles, computed=labels)
        side.tables[resource] = _with_shown(side.tables[resource], {
            spec.label(each, schemas): table.shown[each.name]
            for each in spec.columns
            if each.field is None and each.name in table.shown and each.role is Role.SHOWN
        })  # fmt: skip
        pieces += area_pieces(sheets.get(area.sheet.name), area, spec.sheet, extra_columns(area, ()), labels)
    side.pieces = pieces
    builder.finish(reading)
    return side


def _with_shown(table: Table, shown: Mapping[str, Sequence[Any]]) -> Table:
    """A form's table with the columns that only show what was known: a locked cell may have been changed too."""
    words = {label: [plain_words(value) for value in values] for label, values in shown.items()}
    return Table(table.name, table.keys, {**table.columns, **words})


@dataclass
class _ConsolidationReading:
    """What a consolidation says, as its formulas are looked for."""

    workbook: RawWorkbook
    schemas: Schemas
    formulas: list[FormulaCell]
    areas: dict[str, FoundTable] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @property
    def known_tables(self) -> frozenset[str]:
        """The names of the Excel tables that it was made with."""
        return frozenset(
            {each.table for each in self.formulas if each.table} | {data_name(each) for each in self.schemas}
        )

    @property
    def new_rows(self) -> set[tuple[str, int]]:
        """None: nobody adds rows there."""
        return set()


def _consolidation_side(workspace: Workspace, workbook: RawWorkbook, path: Path) -> Side:
    schemas = workspace.schemas
    identity, formulas = read_identity(workbook.sheet(IDENTITY))
    _refuse_consolidation(identity, workspace)
    reading = _ConsolidationReading(workbook, schemas, formulas)
    finder = TableFinder(workbook, reading.known_tables)
    cells = CellReader(reading.findings)
    side = Side(path.name, Kind.CONSOLIDATION, path)
    builder = _Builder(side, schemas)
    read: dict[str, dict[str, list[Any]]] = {}
    ours = {*ORIGIN_LABELS, *(f"{each} (2)" for each in ORIGIN_LABELS)}
    present = set(finder.names())
    for name, schema in schemas.items():
        titles = {each.name: each.title for each in schema.fields}
        read[name] = {each: [] for each in titles}
        if data_name(name) not in present:  # a table without a row has no sheet
            side.tables[name] = Table(name, [], dict(read[name]))
            side.fields |= {(name, each.name): each for each in schema.fields}
            continue
        area = finder.area(data_name(name), tuple(titles.values()), titre=schema.title, computed=ours)
        if area is None:
            continue
        reading.areas[area.name] = area
        rows = [row for row in area.rows() if not area.repeats_headers(row)]
        unknown: list[tuple[int, str]] = []
        for each in schema.fields:
            values, bad = cells.column(area, rows, each.title, each, _choices(schemas, schema, each.name, read))
            read[name][each.name] = values
            unknown += [(position, each.name) for position in bad]
        builder.table(schema, read[name], [(area, row) for row in rows], unknown, titles, computed=ours)
    reading.findings += finder.findings
    side.notices = _worth(reading.findings)
    data = {data_name(each): each for each in schemas}
    holding = {each.sheet.name for each in reading.areas.values()}
    side.pieces = [each for each in sheet_pieces(reading) if each.name not in holding]
    for area in reading.areas.values():
        schema = schemas[data[area.name]]
        labels = [each.title for each in schema.fields]
        columns = list(area_pieces(None, area, schema.title, extra_columns(area, ours), labels))[1:]
        side.pieces += columns if len(side.tables[schema.name].keys) else []
    side.labels = _labels(read, schemas)
    builder.finish(reading)
    return side


def _refuse_consolidation(identity: Mapping[str, str], workspace: Workspace) -> None:
    wrong = [
        (identity.get("format", ""), str(FORMAT_VERSION), "version-inconnue"),
        (identity.get("contrat", ""), workspace.settings.identifiant, "autre-contrat"),
    ]
    said = [finding(code, Place(), valeur=found, attendu=wanted) for found, wanted, code in wrong if found != wanted]
    if said:
        raise TabellionError(said)


def _choices(
    schemas: Schemas, schema: TableSchema, name: str, read: Mapping[str, Mapping[str, list[Any]]]
) -> dict[str, Any]:
    """What a cell of a consolidated table may show, and the value it stands for."""
    key = schema.foreign.get(name)
    if key is None:
        return {each: each for each in schema.by_name[name].enum}
    table = schemas[key.table]
    if table.by_name[key.reference].kind != "string" or key.table not in read:
        return {}
    columns = read[key.table]
    keys = [each for each in columns[key.reference] if each is not None]
    shown = zip(columns[table.shown_key], columns[key.reference], strict=True)
    return {str(each): each for each in keys} | {str(words): each for words, each in shown if words and each}


def _worth(findings: Sequence[Finding]) -> list[Finding]:
    return [each for each in findings if each.code in _WORTH_SAYING]
