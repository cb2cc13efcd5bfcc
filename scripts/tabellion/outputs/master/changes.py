"""What an adoption changes in the staff's own workbook: cells, rows added and removed, by their addresses. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tabellion.addresses import cell_name
from tabellion.contract.book import Book, SheetArea
from tabellion.findings import Finding
from tabellion.layout.names import (
    ACCUEIL,
    ANNEES,
    CONTROLES,
    EXERCICE,
    PER_CONVENTION,
    SYNTHESE,
    sheet_title,
    table_name,
    totals_name,
)
from tabellion.outputs.master.cover import CELL_LABEL, FINDINGS, SHEET_LABEL, level_words
from tabellion.outputs.master.layout import MasterLayout
from tabellion.outputs.master.reconciliation import DOUBLES, STEPS
from tabellion.outputs.master.tables import shown
from tabellion.schema import Field, Key, TableSchema
from tabellion.schema.tables import Row
from tabellion.xlsx.inplace.patch import AddedRows, CellEdit, Changes, RowBelow, RowToRemove
from tabellion.xlsx.inplace.renewal import Renewal
from tabellion.xlsx.writer import DATE, EUROS, EUROS_AND_CENTS

#: What reading says of cells that show something else than what they are read as: an adoption puts that in them.
_UNDERSTOOD = ("nombre-en-texte", "ancien-nom")


def workbook_changes(
    read: Book,
    contract: Book,
    adoption: str,
    fresh: bytes,
    findings: Sequence[Finding] = (),
    titles: Mapping[int, str] | None = None,
) -> Changes:
    """What makes of the workbook ``read`` one that says ``contract``, adopted under the name ``adoption``.

    ``findings`` are what reading said of it; ``fresh`` is the master workbook that the program has written of
    ``contract``; ``titles`` are those that conventions had before, by number.
    Rows are matched by their keys; their order is left to the staff. Rows of a table that the workbook has not are left
    out: its sheet comes whole.
    """
    differences = _Differences(read, contract, findings)
    for schema in contract.schemas.values():
        if schema.name in contract.tables:
            differences.compare(schema)
    added = [
        AddedRows(read.areas[number].sheet, read.areas[number].header_row, rows)
        for number, rows in differences.added.items()
    ]
    return Changes(
        differences.cells, added, differences.removed, {"adoption": adoption}, fresh=fresh,
        unlisted=differences.unlisted, below=differences.below,
        titles={
            sheet_title(number, before): sheet_title(number, contract.convention_titles[number][0])
            for number, before in (titles or {}).items()
            if number in contract.convention_titles
        },
    )  # fmt: skip


def renewal_of(layout: MasterLayout) -> Renewal:
    """What the program computes in a workbook of this contract, to be kept true while the rest is the staff's."""
    totals = [totals_name(number) for number in layout.contract.convention_titles]
    return Renewal(
        sheets=(ACCUEIL, SYNTHESE, ANNEES, CONTROLES),
        new=(ANNEES,),
        tables=(STEPS, DOUBLES),
        sums=totals,
        lists=tuple(layout.lists),
        choices=(EXERCICE,),
        linked=(FINDINGS, SHEET_LABEL, CELL_LABEL),
        words=[level_words(layout.contract, row["pilier_id"]) for row in layout.contract.tables["piliers"].rows],
    )


class _Differences:
    def __init__(self, read: Book, contract: Book, findings: Sequence[Finding]) -> None:
        self.read, self.contract = read, contract
        self.cells: list[CellEdit] = []
        self.removed: list[RowToRemove] = []
        self.unlisted: list[tuple[str, str]] = []
        self.below: list[RowBelow] = []
        self.added: dict[int, list[Mapping[int, Any]]] = {}
        self.areas = {(area.table, area.convention): number for number, area in enumerate(read.areas)}
        self.labels = {name: contract.labels(name) for name in contract.tables}
        places = [place for item in findings if item.code in _UNDERSTOOD for place in (item.place, *item.liees)]
        self.understood = {(place.feuille, place.cellule) for place in places}

    def compare(self, schema: TableSchema) -> None:
        """Note what differs between both books in one table."""
        names, name = schema.primary_key, schema.name
        places: dict[Key, tuple[int, int]] = {}
        known: dict[Key, Row] = {}
        if name in self.read.tables:
            for row, place in zip(self.read.tables[name].rows, self.read.rows.get(name, ()), strict=False):
                key = tuple(row[part] for part in names)
                known[key], places[key] = row, place
        wanted = {tuple(row[part] for part in names): row for row in self.contract.tables[name].rows}
        for key, row in wanted.items():
            area, line = places.get(key, (-1, 0))
            if area >= 0 and self.is_home(schema, row, self.read.areas[area]):
                self.edit(schema, known[key], row, self.read.areas[area], line)
            else:
                self.add(schema, row)
        for key, (number, line) in places.items():
            if number < 0:
                continue
            area_ = self.read.areas[number]
            if key not in wanted or not self.is_home(schema, wanted[key], area_):
                self.removed.append(RowToRemove(area_.sheet, line, area_.first_column))
                self.unlisted.append((table_name(name, area_.convention), str(key[0])))

    def is_home(self, schema: TableSchema, row: Row, area: SheetArea) -> bool:
        return schema.name not in PER_CONVENTION or row["convention_id"] == area.convention

    def edit(self, schema: TableSchema, before: Row, after: Row, area: SheetArea, line: int) -> None:
        """Note the cells of a row that change; one that has no identifier in its cell gets it.

        A number that was typed as a text, and understood, becomes one, and a row under its table goes into it: the
        workbook's own totals count them from then on. A name that is no more becomes the one of now.
        """
        if 0 < area.last_row < line:
            self.below.append(RowBelow(area.sheet, area.header_row, line, area.first_column))
        for name, column in area.columns.items():
            is_understood = (area.sheet, cell_name(line, column)) in self.understood
            if before[name] != after[name] or name == schema.primary_key[0] or is_understood:
                value = self.shown(schema, name, after)
                cell = CellEdit(area.sheet, line, column, value, _number_format(schema.by_name[name], after[name]))
                self.cells.append(cell)

    def add(self, schema: TableSchema, row: Row) -> None:
        """Note a row to add, at the end of its table."""
        convention = row["convention_id"] if schema.name in PER_CONVENTION else None
        number = self.areas.get((schema.name, convention))
        if number is None:
            return  # its whole sheet is still to come
        columns = self.read.areas[number].columns
        values = {column: self.shown(schema, name, row) for name, column in columns.items()}
        self.added.setdefault(number, []).append({at: value for at, value in values.items() if value is not None})

    def shown(self, schema: TableSchema, name: str, row: Row) -> Any:
        key = schema.foreign.get(name)
        return shown(schema.by_name[name], row[name], {} if key is None else self.labels[key.table])


def _number_format(field_: Field, value: Any) -> str:
    if field_.kind == "money":
        return EUROS_AND_CENTS if value is not None and value % 100 else EUROS
    return DATE if field_.kind == "date" else ""
