"""A side of a comparison, read from what people give: a master, a form, a consolidation, or a register's folder."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tabellion.checks.formula_text import ParsedWorkbook
from tabellion.contract.register import base_tables, load_register
from tabellion.contract.workspace import Workspace
from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.layout.forms import KIND_FORM
from tabellion.layout.names import FORMAT_VERSION, IDENTITY, is_annotations, sheet_marker, table_resource
from tabellion.outputs.consolidation.tables import ORIGIN_LABELS, data_name
from tabellion.outputs.consolidation.workbook import ELSEWHERE, KIND_CONSOLIDATION
from tabellion.outputs.diff.model import (
    ComparedFile,
    ComparedTable,
    FileKind,
    FormulaAt,
    Piece,
    PiecePart,
    add_formulas,
    as_found,
    clean,
    column_values,
    extra_columns,
    masked,
    plain_words,
)
from tabellion.reading import RawWorkbook, read_workbook
from tabellion.reading.cells import CellReader
from tabellion.reading.form import read_form
from tabellion.reading.form_identity import version_code
from tabellion.reading.headers import computed_labels
from tabellion.reading.hidden import read_identity
from tabellion.reading.master import ParsedMaster, read_master
from tabellion.reading.references import references, shown_choices
from tabellion.reading.tables import FoundTable, TableFinder
from tabellion.schema import Schemas, TableSchema
from tabellion.schema.forms import Role

#: What a reading says that matters to a comparison; all the rest is for « validate ».
_WORTH_SAYING = frozenset({"identite-perdue", "tableau-defait", "reference-perdue", "total-ajoute", "deux-reponses"})

Spots = Sequence[tuple[FoundTable, int]]
"""The area and the one-based row of each row of a table."""
FieldValues = Mapping[str, Sequence[object]]


def read_side(workspace: Workspace, path: Path) -> ComparedFile:
    """Read what is at ``path``; nothing is written.

    Raises :class:`TabellionError` with what refuses it: an unreadable file, another contract, no workbook of ours.
    """
    if path.is_dir():
        return _register_side(workspace, path)
    try:
        workbook = read_workbook(path)
        kind = read_identity(workbook.sheet(IDENTITY))[0].get("genre")
        sides = {KIND_FORM: _form_side, KIND_CONSOLIDATION: _consolidation_side}
        return sides.get(kind or "", _master_side)(workspace, workbook, path)
    except TabellionError as error:
        raise TabellionError([mistake.in_file(path.name) for mistake in error.findings]) from error


@dataclass
class _Builder:
    """Puts the tables of one workbook into a side."""

    side: ComparedFile
    spots: dict[str, Spots] = field(default_factory=dict)
    titles: dict[str, Mapping[str, str]] = field(default_factory=dict)
    extras: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)
    """By table and added column: its one-based column in each area."""

    def table(
        self,
        schema: TableSchema,
        columns: FieldValues,
        spots: Spots,
        unknown: Iterable[tuple[int, str]],
        titles: Mapping[str, str],
        implied: Collection[str] = (),
        computed: Collection[str] = (),
    ) -> None:
        """Add one table: ``titles`` has the header of each field that is compared; a field of no column is not."""
        name = schema.name
        self.titles[name], self.spots[name] = titles, spots
        areas = {id(area): area for area, _ in spots}.values()
        unread: dict[str, set[int]] = defaultdict(set)
        for position, champ in unknown:
            unread[champ].add(position)
        compared: dict[str, Sequence[object]] = {}
        for champ, title in titles.items():
            if champ in implied or not areas or any(title in area.columns for area in areas):
                compared[champ], places = column_values(spots, title, columns[champ], unread[champ])
                self.side.unread += places
        self.side.tables[name] = compared_table(schema, columns, compared | self.added(name, spots, areas, computed))

    def added(
        self, name: str, spots: Spots, areas: Iterable[FoundTable], computed: Collection[str]
    ) -> dict[str, Sequence[object]]:
        by_label: dict[str, dict[str, int]] = defaultdict(dict)
        for area in areas:
            for label, column in extra_columns(area, computed).items():
                by_label[label][area.name] = column
        self.extras[name] = by_label
        return {
            label: [as_found(area.sheet, row, where[area.name]) if area.name in where else None for area, row in spots]
            for label, where in by_label.items()
        }

    def finish(self, reading: ParsedWorkbook) -> ComparedFile:
        """The side, once all tables are there, with the places of its cells and every formula."""
        side, rows = self.side, dict[tuple[str, int], str]()
        side.locate = self.place
        for name, spots in self.spots.items():
            for (area, row), key in zip(spots, side.tables[name].keys, strict=True):
                rows[area.sheet.name, row] = " · ".join(plain_words(part) or "" for part in key)
        add_formulas(side, reading, rows, with_texts=side.kind is not FileKind.CONSOLIDATION)
        listed = {(formula.table, formula.column) for formula in side.listed}
        for name, spots in self.spots.items():
            for (area, row), key in zip(spots, side.tables[name].keys, strict=True):
                for champ, title in self.titles[name].items():
                    formula = area.sheet.formulas.get((row, area.columns.get(title, 0)))
                    if formula is not None and (area.name, title) not in listed:
                        place = area.place(row, title)
                        side.typed[name, key, champ] = FormulaAt(masked(formula), f"={formula}", place)
        return side

    def place(self, table: str, position: int, champ: str | None) -> Place:
        area, row = self.spots[table][position]
        column = self.extras[table].get(champ or "", {}).get(area.name)
        if column is not None:
            return area.sheet.place(row, column)
        return area.place(row, self.titles[table].get(champ or ""))


def compared_table(schema: TableSchema, columns: FieldValues, compared: FieldValues) -> ComparedTable:
    """The table of ``columns``, compared by ``compared``: its keys, and what its rows are known by without them."""
    identifiers = frozenset(schema.primary_key[:1]) - frozenset(schema.foreign)
    telling = {*schema.foreign, *(field.name for field in schema.fields if field.required), schema.label or ""}
    return ComparedTable(schema.name, _keys(schema, columns), compared, identifiers, frozenset(telling - identifiers))


def _keys(schema: TableSchema, columns: FieldValues) -> list[tuple[object, ...]]:
    parts = [columns[name] for name in schema.primary_key]
    return [tuple(clean(part) for part in key) for key in zip(*parts, strict=True)]


def _titles(schema: TableSchema) -> dict[str, str]:
    return {column.name: column.title for column in schema.fields}


def _worth_saying(findings: Iterable[Finding]) -> list[Finding]:
    return [notice for notice in findings if notice.code in _WORTH_SAYING]


def _labels(tables: Mapping[str, FieldValues], schemas: Schemas) -> dict[str, dict[object, str]]:
    """What people read in place of the keys of the tables that have a name for them."""
    labels = {}
    for name, schema in schemas.items():
        columns, key, shown = tables.get(name, {}), schema.primary_key[0], schema.label or "titre"
        if shown in columns and key in columns:
            pairs = zip(columns[key], columns[shown], strict=True)
            labels[name] = {identifier: label for identifier, label in pairs if isinstance(label, str)}
    return labels


def _register_side(workspace: Workspace, path: Path) -> ComparedFile:
    register = load_register(path, workspace.schemas, workspace.settings)
    columns = {name: table.columns for name, table in register.tables.items()}
    side = ComparedFile(path.name, FileKind.REGISTER, path, notices=list(register.findings))
    for name, schema in workspace.schemas.items():
        values = {champ: [clean(value) for value in column] for champ, column in columns[name].items()}
        side.tables[name] = compared_table(schema, columns[name], values)
    side.labels = _labels(columns, workspace.schemas)
    side.locate = lambda table, position, _: Place(f"{table}.csv", ligne=register.rows[table][position][1])
    return side


def _master_side(workspace: Workspace, workbook: RawWorkbook, path: Path) -> ComparedFile:
    schemas = workspace.schemas
    base = base_tables(workspace.registre, schemas, workspace.settings)
    reading = read_master(workbook, schemas, workspace.settings.identifiant, base)
    if not reading.tables:
        raise TabellionError(mistake for mistake in reading.findings if mistake.bloquant)
    builder = _Builder(ComparedFile(path.name, FileKind.MASTER, path, notices=_worth_saying(reading.findings)))
    columns = {name: table.columns for name, table in reading.tables.items()}
    for name, schema in schemas.items():
        if name in columns:
            spots = [(address.area, address.row) for address in reading.row_sources[name]]
            unknown = [(position, champ) for table, position, champ in reading.unknown if table == name]
            computed = computed_labels(schema)
            builder.table(schema, columns[name], spots, unknown, _titles(schema), ("convention_id",), computed)
    pieces = list(_sheet_pieces(reading))
    sheets = {piece.name: piece for piece in pieces}
    for area in reading.areas.values():
        resource, _ = table_resource(area.name) or ("", None)
        if resource in builder.titles:
            extras = extra_columns(area, computed_labels(schemas[resource]))
            titles = builder.titles[resource].values()
            pieces += _area_pieces(sheets.get(area.sheet.name), area, area.name, extras, titles)
    builder.side.pieces, builder.side.labels = pieces, _labels(columns, schemas)
    return builder.finish(reading)


def _form_side(workspace: Workspace, workbook: RawWorkbook, path: Path) -> ComparedFile:
    schemas = workspace.schemas
    register = load_register(workspace.registre, schemas, workspace.settings).tables
    reading = read_form(workbook, schemas, references(register, schemas), workspace.settings.identifiant)
    if reading.identity is None:
        raise TabellionError(mistake for mistake in reading.findings if mistake.bloquant)
    side = ComparedFile(path.name, FileKind.FORM, path, reading.identity.partenaire, reading.identity.exercice)
    side.notices = _worth_saying(reading.findings)
    side.labels = _labels({name: table.columns for name, table in register.items()}, schemas)
    builder = _Builder(side)
    side.pieces = list(_sheet_pieces(reading))
    sheets = {piece.name: piece for piece in side.pieces}
    for resource, table in reading.tables.items():
        spec, area = table.spec, table.area
        columns = [(column, spec.label(column, schemas)) for column in spec.columns]
        titles = {
            column.field: label
            for column, label in columns
            if column.field is not None and column.role is not Role.STATE
        }
        spots, labels = [(area, row) for row in table.lines], spec.labels(schemas)
        builder.table(schemas[resource], table.columns, spots, table.unknown, titles, computed=labels)
        # The columns that only show what was known are compared too: a locked cell may have been changed.
        shown = {
            label: [plain_words(value) for value in table.shown[column.name]]
            for column, label in columns
            if column.field is None and column.role is Role.SHOWN and column.name in table.shown
        }
        compared = side.tables[resource]
        side.tables[resource] = replace(compared, columns={**compared.columns, **shown})
        side.pieces += _area_pieces(sheets.get(area.sheet.name), area, spec.sheet, extra_columns(area, ()), labels)
    return builder.finish(reading)


class _ParsedConsolidation(ParsedMaster):
    """What a consolidation says: its tables have other names than a master's, and their rows name their sources."""

    @property
    def known_tables(self) -> frozenset[str]:
        """The names of the Excel tables that it was made with."""
        return frozenset(
            {formula.table for formula in self.formulas if formula.table} | set(map(data_name, self.schemas))
        )


def _consolidation_side(workspace: Workspace, workbook: RawWorkbook, path: Path) -> ComparedFile:
    schemas = workspace.schemas
    reading = _ParsedConsolidation(workbook, schemas)
    reading.identity, reading.formulas = read_identity(workbook.sheet(IDENTITY))
    _refuse_consolidation(reading.identity, workspace)
    finder, cells = TableFinder(workbook, reading.known_tables), CellReader(reading.findings)
    side = ComparedFile(path.name, FileKind.CONSOLIDATION, path)
    builder = _Builder(side)
    read: dict[str, dict[str, list[object]]] = {}
    computed = {*ORIGIN_LABELS, *(f"{label} (2)" for label in ORIGIN_LABELS)}
    present, columns = set(finder.names()), []
    side.elsewhere = frozenset(reading.identity.get(ELSEWHERE, "").split())
    for name, schema in schemas.items():
        titles = _titles(schema)
        read[name] = {champ: [] for champ in titles}
        if data_name(name) not in present:  # a table without a row has no sheet
            side.tables[name] = ComparedTable(name, [], dict(read[name]))
            continue
        area = finder.area(data_name(name), tuple(titles.values()), titre=schema.title, computed=computed)
        if area is None:
            continue
        reading.areas[area.name] = area
        rows = [row for row in area.rows() if not area.repeats_headers(row)]
        unknown: list[tuple[int, str]] = []
        for column in schema.fields:
            choices = shown_choices(schemas, schema, column, read)
            read[name][column.name], unread = cells.column(area, rows, column.title, column, choices)
            unknown += [(position, column.name) for position in unread]
        builder.table(schema, read[name], [(area, row) for row in rows], unknown, titles, computed=computed)
        if rows:
            extras = extra_columns(area, computed)
            columns += list(_area_pieces(None, area, schema.title, extras, titles.values()))[1:]
    side.notices = _worth_saying([*reading.findings, *finder.findings])
    holding = {area.sheet.name for area in reading.areas.values()}
    side.pieces = [piece for piece in _sheet_pieces(reading) if piece.name not in holding] + columns
    side.labels = _labels(read, schemas)
    return builder.finish(reading)


def _refuse_consolidation(identity: Mapping[str, str], workspace: Workspace) -> None:
    facts = [
        (version_code(identity.get("format", "")), identity.get("format", ""), str(FORMAT_VERSION)),
        ("autre-contrat", identity.get("contrat", ""), workspace.settings.identifiant),
    ]
    mistakes = [finding(code, Place(), valeur=value, attendu=own) for code, value, own in facts if value != own]
    if mistakes:
        raise TabellionError(mistakes)


def _sheet_pieces(reading: ParsedWorkbook) -> Iterator[Piece]:
    """The sheets of a workbook, each by the first of its own Excel tables, or else its marker, or else its name.

    A script that renames a sheet leaves its marker behind, which spreadsheet programs do not.
    """
    workbook = reading.workbook
    marked: dict[str, str] = {}
    prefix = sheet_marker("")
    for name, refers_to in workbook.names.items():
        if name.startswith(prefix):
            marked.setdefault(refers_to.lstrip("=").rpartition("!")[0].strip("'").replace("''", "'"), name)
    for sheet in workbook.sheets:
        if sheet.name == IDENTITY or sheet.name.startswith("_") or is_annotations(sheet.name):
            continue
        tables = sorted(table.name for table in sheet.tables if table.name in reading.known_tables)
        key = f"{tables[0]} !" if tables else marked.get(sheet.name, sheet.name)
        yield Piece(PiecePart.SHEET, (key,), sheet.name, Place(feuille=sheet.name, cellule="A1"))


def _area_pieces(
    sheet: Piece | None, area: FoundTable, title: str, extras: Mapping[str, int], labels: Collection[str]
) -> Iterator[Piece]:
    """A table and its columns, as they are called there. ``labels`` are the headers that it has by its making."""
    table = Piece(PiecePart.TABLE, (area.name,), title, area.place(area.header_row), sheet.identity if sheet else None)
    yield table
    names = {label: name for name, label in area.renamed.items()}
    columns = [(label, names.get(label, label), column) for label, column in area.columns.items() if label in labels]
    columns += [(f"+ {label}", label, column) for label, column in extras.items()]
    for key, name, column in columns:
        place = area.sheet.place(area.header_row, column)
        yield Piece(PiecePart.COLUMN, (area.name, key), name, place, table.identity)
