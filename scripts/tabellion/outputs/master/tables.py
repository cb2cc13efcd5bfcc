"""A table of the register written as an Excel table: values, formats, drop-downs and prompts, all from its schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xlsxwriter.format import Format

from tabellion.layout.names import SINGLE, choice_name, column_ref, key_source, list_source, table_name
from tabellion.outputs.master.layout import DataTable, MasterLayout, TableColumn
from tabellion.schema import FALSE_WORD, TRUE_WORD, Field, TableSchema
from tabellion.schema.money import euros
from tabellion.schema.tables import Column
from tabellion.wording import french_date
from tabellion.xlsx.blocks import computed_cell
from tabellion.xlsx.sheets import CellContent
from tabellion.xlsx.writer import DATE, EUROS, EUROS_AND_CENTS, FIRST_DAY, PERCENT, Sheet, Writer

#: Rows below a table that already carry its drop-downs, for clients whose tables do not grow by themselves.
SPARE_ROWS = 200
_LAST_ROW = 1_048_575
_CENTRED = ("integer", "percent", "date", "boolean")
_NUMBER_FORMATS: Mapping[str, dict[str, Any]] = {"percent": {"num_format": PERCENT}, "date": {"num_format": DATE}}


@dataclass(frozen=True)
class Computed:
    """A computed column: its formula (the same on every row, or one a row) and its values, one a row.

    ``kind`` is ``"text"``, ``"state"``, ``"count"``, ``"euros"`` or ``"signed"``; values of the last two are cents.
    ``blank`` is what the formula gives on a blank row.
    """

    kind: str
    formulas: str | list[str]
    values: Column
    blank: CellContent = ""


def write_data_table(
    sheet: Sheet,
    layout: MasterLayout,
    table: DataTable,
    computed: Mapping[str, Computed] | None = None,
    *,
    filters: bool = True,
) -> None:
    """Write the Excel table, its cells and its rules. ``computed`` gives the computed columns by name."""
    computed = computed or {}
    calculated = {
        column.label: made.formulas
        for column in table.columns
        if (made := computed.get(column.name)) is not None and isinstance(made.formulas, str)
    }
    labels = [column.label for column in table.columns]
    aligned = {column.label: _alignment(column, computed) for column in table.columns}
    sheet.table(
        table.name, table.row, table.column, table.height, labels, calculated=calculated, filters=filters,
        aligned=aligned,
    )  # fmt: skip
    schema = layout.contract.schemas[table.resource]
    values = layout.contract.tables[table.resource].select(table.indexes).columns
    keys = [str(value) for value in values[schema.primary_key[0]]]
    for offset, column in enumerate(table.columns):
        place = table.column + offset
        if column.field is None:
            _write_computed(sheet, table, column, place, computed[column.name], keys)
        else:
            _write_field(sheet, layout, schema, table, column.field, place, values[column.name])


def _alignment(column: TableColumn, computed: Mapping[str, Computed]) -> str:
    """How the header of a column stands: as its cells do."""
    kind = column.field.kind if column.field is not None else computed[column.name].kind
    if kind in (*_CENTRED, "count", "state"):
        return "center"
    return "right" if kind in ("money", "euros", "signed") else "left"


def fit_data_table(
    sheet: Sheet, layout: MasterLayout, table: DataTable, computed: Mapping[str, Computed] | None = None
) -> None:
    """Make the rows of a table as high as their longest text."""
    made = {name: column.values for name, column in (computed or {}).items()}
    shown_texts = shown_columns_of(layout, table)
    for offset, column in enumerate(table.columns):
        if column.field is not None and (column.field.one_line or column.field.is_technical):
            continue
        for position, value in enumerate(shown_texts.get(column.name) or made.get(column.name) or ()):
            if isinstance(value, str):
                sheet.fit(table.row + 1 + position, [(value, table.column + offset)])


def shown_columns_of(layout: MasterLayout, table: DataTable) -> dict[str, list[CellContent]]:
    """What the cells of a table's fields show, by field."""
    values = layout.contract.tables[table.resource].select(table.indexes).columns
    schema = layout.contract.schemas[table.resource]
    texts = {}
    for column in table.columns:
        if column.field is not None:
            labels = layout.contract.labels(key.table) if (key := schema.foreign.get(column.name)) is not None else {}
            texts[column.name] = [shown(column.field, value, labels) for value in values[column.name]]
    return texts


def _write_field(
    sheet: Sheet, layout: MasterLayout, schema: TableSchema, table: DataTable, field: Field, place: int, values: Column
) -> None:
    labels = layout.contract.labels(key.table) if (key := schema.foreign.get(field.name)) is not None else {}
    styles: dict[bool, Format] = {}
    for position in range(table.height):
        value = values[position] if position < len(values) else None
        cents = value is not None and field.kind == "money" and value % 100 != 0
        if cents not in styles:
            styles[cents] = value_format(sheet.writer, field.kind, value, one_line=field.one_line)
        sheet.write(table.row + 1 + position, place, shown(field, value, labels), styles[cents])
    if field.kind == "money":
        sheet.show_cents((table.row + 1, place, min(_LAST_ROW, table.last_row + SPARE_ROWS), place))
    rule = validation_rule(schema, field)
    if rule or field.prompt:
        last = min(_LAST_ROW, table.last_row + SPARE_ROWS)
        area = (table.row + 1, place, last, place)
        sheet.validation(area, rule or {"validate": "any"}, field.prompt, field.title, f"Attendu : {field.expected}.")


def shown(field: Field, value: Any, labels: Mapping[Any, str]) -> CellContent:
    """What a cell holds for a value of the register: euros for cents, oui or non, a label in place of a key."""
    if value is None:
        return None
    if field.kind == "money":
        return euros(int(value))
    if field.kind == "boolean":
        return TRUE_WORD if value else FALSE_WORD
    if field.kind == "date":
        return value if value >= FIRST_DAY else french_date(value)
    if value in labels and field.kind == "string":
        return labels[value]
    return int(value) if field.kind in ("integer", "percent") else str(value)


def value_format(
    writer: Writer, kind: str, value: Any, *, one_line: bool = False, typed: bool = False, **properties: Any
) -> Format:
    """The format of a cell that holds ``value`` of a field's ``kind``; an amount shows its cents when it has some.

    One that is ``typed`` in a protected sheet is unlocked, and looks so.
    """
    cell = writer.input if typed else writer.cell
    if kind == "money":
        cents = value is not None and value % 100
        return cell(num_format=EUROS_AND_CENTS if cents else EUROS, **properties)
    if kind in _CENTRED:
        return cell(align="center", **_NUMBER_FORMATS.get(kind, {}), **properties)
    return cell(num_format="@", **({} if one_line else {"text_wrap": True}), **properties)


def validation_rule(schema: TableSchema | None, field: Field) -> dict[str, object] | None:
    """The Excel rule of a field, from its schema: a list of a defined name, bounds; ``None`` where anything goes.

    A field of no table has no list.
    """
    if schema is not None and (key := schema.foreign.get(field.name)) is not None:
        # A table spread over several sheets is listed as it was at generation: a newer key may be typed all the same.
        severity = "stop" if key.table in SINGLE else "warning"
        return {"validate": "list", "source": f"={key_source(key.table)}", "error_type": severity}
    if schema is not None and field.enum:
        return {"validate": "list", "source": f"={list_source(schema.name, field.name)}"}
    if field.names_of is not None:  # several may be typed, which are none of the list
        return {"validate": "list", "source": f"={key_source(field.names_of)}", "show_error": False}
    if field.kind == "boolean":
        return {"validate": "list", "source": [TRUE_WORD, FALSE_WORD]}
    if field.choices is not None:
        return {"validate": "list", "source": f"={choice_name(field.choices)}"}
    if field.kind == "date":
        if field.latest is None:
            return {"validate": "date", "criteria": ">=", "value": field.earliest or FIRST_DAY}
        bounds = {"minimum": field.earliest or FIRST_DAY, "maximum": field.latest}
        return {"validate": "date", "criteria": "between", **bounds}
    if field.kind in ("integer", "percent", "money"):
        kind = "decimal" if field.kind == "money" else "integer"
        if field.minimum is not None and field.maximum is not None:
            return {"validate": kind, "criteria": "between", "minimum": field.minimum, "maximum": field.maximum}
        low = field.minimum if field.minimum is not None else -(10**12)
        return {"validate": kind, "criteria": ">=", "value": low}
    if field.max_length is not None and not field.required:
        return {"validate": "length", "criteria": "<=", "value": field.max_length}
    return None


def _write_computed(
    sheet: Sheet, table: DataTable, column: TableColumn, place: int, made: Computed, keys: list[str]
) -> None:
    if made.kind in ("euros", "signed"):
        sheet.show_cents((table.row + 1, place, table.last_row, place), signed=made.kind == "signed")
    for position in range(table.height):
        row = table.row + 1 + position
        if position >= len(made.values):
            _write_blank_computed(sheet, table, column, row, place, made)
            continue
        style, content = computed_cell(sheet.writer, made.kind, made.values[position])
        uniform = isinstance(made.formulas, str)
        formula = made.formulas if isinstance(made.formulas, str) else made.formulas[position]
        sheet.formula(
            row, place, formula, style, content, (table.name, "*" if uniform else keys[position], column.label)
        )


def _write_blank_computed(
    sheet: Sheet, table: DataTable, column: TableColumn, row: int, place: int, made: Computed
) -> None:
    """The computed cell of an empty table's blank row: a formula already, for the first row that people type."""
    if not isinstance(made.formulas, str):
        sheet.write(row, place, None, computed_cell(sheet.writer, made.kind, None)[0])
        return
    style, content = computed_cell(sheet.writer, made.kind, made.blank)
    sheet.formula(row, place, made.formulas, style, content, (table.name, "*", column.label))


def widths(table: DataTable) -> list[tuple[int, float]]:
    """The columns of a table and their widths."""
    return [(table.column + offset, column.width) for offset, column in enumerate(table.columns)]


def define_lists(writer: Writer, layout: MasterLayout) -> None:
    """The defined names behind the drop-downs: each is a table's column, so a value added there is offered at once."""
    contract = layout.contract
    schemas = contract.schemas.values()
    tables = [key.table for schema in schemas for key in schema.foreign_keys]
    tables += [field.names_of for schema in schemas for field in schema.fields if field.names_of is not None]
    for resource in dict.fromkeys(tables):
        if resource in SINGLE:
            name = table_name(resource)
            label = layout.data[name].label(contract.schemas[resource].shown_key)
            writer.name(key_source(resource), "=" + column_ref(name, label))
    for choices in layout.lists.values():
        writer.name(choice_name(choices.name), "=" + column_ref(choices.name, choices.title))


def write_table_sheet(
    sheet: Sheet,
    layout: MasterLayout,
    resource: str,
    title: str,
    subtitle: str,
    last_printed: str | None = None,
    computed: Mapping[str, Computed] | None = None,
    convention: int | None = None,
) -> None:
    """Write a sheet that is a table, printed up to the column ``last_printed`` (all but technical ones by default)."""
    table = layout.data[table_name(resource, convention)]
    sheet.title(title, subtitle, len(table.columns))
    write_data_table(sheet, layout, table, computed)
    fit_data_table(sheet, layout, table, computed)
    sheet.set_widths(widths(table))
    sheet.hide(table.technical)
    sheet.raw.freeze_panes(table.row + 1, 1)
    area = (table.last_row, table.last_plain if last_printed is None else table.column_of(last_printed))
    sheet.print_setup((table.row, table.row), layout.contract.settings.titre, area=area, keys=1)
