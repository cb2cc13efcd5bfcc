"""The consolidated tables: the register's, all conventions together, where each row says where it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from tabellion.campaign.model import Consolidation
from tabellion.contract.labels import Labels
from tabellion.findings import Place
from tabellion.layout.names import PER_CONVENTION, column_ref
from tabellion.measures.financements import RETAINED, RETAINED_LABEL
from tabellion.outputs.master.layout import shown_columns
from tabellion.schema import SETTING_TABLES, Field, TableSchema
from tabellion.wording import plural
from tabellion.xlsx.blocks import unique_labels
from tabellion.xlsx.lists import FIRST_ROW, CellMaker, ListColumn, finish, maker_for, write_long_list
from tabellion.xlsx.sheets import Cell, LongColumn
from tabellion.xlsx.writer import Sheet

_ORIGIN = (
    ListColumn("Fichier", 18), ListColumn("Feuille", 18), ListColumn("Cellule", 9, "center"),
    ListColumn("Cellules venues des retours", 12, "center"), ListColumn("Retour", 18),
)  # fmt: skip
#: The headers of the columns that say where a row comes from, before any is told apart from a field's.
ORIGIN_LABELS = tuple(column.label for column in _ORIGIN)
_RIGHT, _CENTRED = ("money",), ("integer", "percent", "date", "boolean")
#: Columns are narrower than on the master's sheets, where each table has fewer; texts of one line are cut by the next
#: cell, and read whole in theirs.
_WIDEST, _WIDEST_LINE, _COMPUTED = 40.0, 18.0, 16.0
_FINANCEMENTS = "financements"
#: Rows of a worksheet.
_LAST_ROW = 1_048_575


@dataclass(frozen=True)
class DataSheet:
    """One table of the register on its sheet: the fields in order, the names of the columns that say more of a row, and
    the labels of all its columns."""

    resource: str
    schema: TableSchema
    fields: tuple[Field, ...]
    labels: tuple[str, ...]
    computed: tuple[str, ...] = ()

    @property
    def table(self) -> str:
        """The name of its Excel table."""
        return data_name(self.resource)

    @cached_property
    def _labels(self) -> Mapping[str, str]:
        return dict(zip([*(field.name for field in self.fields), *self.computed], self.labels, strict=False))

    def label(self, name: str) -> str:
        """The header of a field, or of a column that says more of a row."""
        return self._labels[name]

    def reference(self, name: str) -> str:
        """How formulas name the whole column of a field, or one that says more of a row."""
        return column_ref(self.table, self.label(name))


def data_name(resource: str) -> str:
    """The name of the Excel table that holds a consolidated table."""
    return f"Donnees_{resource}"


def data_sheets(consolidation: Consolidation) -> dict[str, DataSheet]:
    """The tables that have rows, in the schemas' order, but for the settings; the columns are those of the master."""
    sheets = {}
    for resource, schema in consolidation.contract.schemas.items():
        if resource not in SETTING_TABLES and len(consolidation.contract.tables[resource]):
            theme = consolidation.contract.theme
            shown = [
                shown_column.field for shown_column in shown_columns(schema, theme) if shown_column.field is not None
            ]
            # What the master's sheets say by themselves comes first.
            implied = "convention_id" if resource in PER_CONVENTION else ""
            fields = tuple(sorted(shown, key=lambda field: field.name != implied))
            more = (RETAINED_LABEL,) if resource == _FINANCEMENTS else ()
            own = [*(field.title for field in fields), *more]
            labels = unique_labels([*own, *(column.label for column in _ORIGIN)])
            sheets[resource] = DataSheet(resource, schema, fields, labels, (RETAINED,) if more else ())
    return sheets


def write_data(sheet: Sheet, consolidation: Consolidation, data: DataSheet, labels: Labels, footer: str) -> None:
    """Write a table: its fields, then where each row comes from."""
    resource = data.resource
    table = consolidation.contract.tables[resource]
    height = min(len(table), _LAST_ROW - FIRST_ROW)
    cell_places = consolidation.cells.get(resource) or [dict[str, Place]()] * len(table)
    shown = f", les {height} premières sont ici" if height < len(table) else ""
    subtitle = f"{data.schema.description}  {plural(len(table), 'ligne')}{shown}".strip()
    sheet.title(data.schema.title, subtitle, len(data.labels))
    maker = maker_for(sheet.writer, height)
    if any(cell_places):
        sample = maker.value(data.schema.by_name[data.fields[0].name], None, {}, returned=True).style
        sheet.write(2, 0, "Ainsi", sample)
        sheet.write(2, 1, "en gras sur fond coloré : la valeur vient d'un retour", sheet.writer.format(italic=True))
    cells = _cells(consolidation, data, cell_places[:height], maker, labels)
    aligns = [_align(field) for field in data.fields]
    widths = [min(field.width, _WIDEST_LINE if field.one_line else _WIDEST) for field in data.fields]
    columns = [
        *(ListColumn(*column) for column in zip(data.labels, widths, aligns, strict=False)),
        *(ListColumn(data.label(name), _COMPUTED) for name in data.computed),
        *(
            ListColumn(label, column.width, column.align)
            for label, column in zip(data.labels[-len(_ORIGIN) :], _ORIGIN, strict=True)
        ),
    ]
    write_long_list(sheet, data.table, FIRST_ROW, columns, cells, height)
    sheet.hide([place for place, field in enumerate(data.fields) if field.is_technical])
    finish(sheet, footer, columns=1)


def _cells(
    consolidation: Consolidation,
    data: DataSheet,
    cell_places: Sequence[Mapping[str, Place]],
    maker: CellMaker,
    labels: Labels,
) -> list[LongColumn]:
    """The first rows, as many as ``cell_places``: those of the values of returns of each, by field."""
    table, height = consolidation.contract.tables[data.resource], len(cell_places)
    returned = {name for mine in cell_places for name in mine}
    row_places: list[Place | None] = [*consolidation.row_places.get(data.resource, [])[:height]]
    row_places += [None] * (height - len(row_places))

    def field_cells(field: Field) -> LongColumn:
        key_words, values = labels.key_words(data.resource, field.name), table.column(field.name)[:height]
        if field.name not in returned:
            return LongColumn(values, lambda value: maker.value(field, value, key_words))
        keys = ((value, field.name in mine) for value, mine in zip(values, cell_places, strict=True))
        return LongColumn(keys, lambda key: maker.value(field, key[0], key_words, returned=key[1]))

    def source_cell(source: Place | None) -> Cell:
        return maker.link(_file(source), source, shape="line") if source is not None else maker.line(None)

    return [
        *map(field_cells, data.fields),
        *(LongColumn(words, maker.line) for words in _computed(consolidation, data, height)),
        LongColumn(map(_file, row_places), maker.line),
        LongColumn((place.feuille if place is not None else None for place in row_places), maker.line),
        LongColumn(row_places, maker.cell_of),
        LongColumn((len(mine) or None for mine in cell_places), maker.centred),
        LongColumn((next(iter(mine.values()), None) for mine in cell_places), source_cell),
    ]


def _computed(consolidation: Consolidation, data: DataSheet, height: int) -> list[list[str]]:
    """The columns that say more of the rows: whether a financement counts in the current exercice."""
    contract = consolidation.contract
    words = contract.overview.financements(contract.settings.exercice_courant).columns
    return [list(words[name][:height]) for name in data.computed]


def _align(field: Field) -> str:
    return "right" if field.kind in _RIGHT else "center" if field.kind in _CENTRED else "left"


def _file(place: Place | None) -> str:
    return (place.fichier or "").rpartition("/")[2] if place is not None else ""
