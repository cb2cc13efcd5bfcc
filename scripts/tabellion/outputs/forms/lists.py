"""The hidden sheet of a form: the lists behind its drop-downs, the words its formulas know, its counters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tabellion.contract.book import Book
from tabellion.layout.forms import LISTS, Form, fiche_words, short_convention
from tabellion.layout.names import column_letters, column_ref, key_source, quoted_sheet
from tabellion.measures.cell_formulas import ALSO_READ, CHARACTERS, FICHES, KEY_MARKS, KEYS_READ, WORDS_READ, words_read
from tabellion.measures.forms import FormState, cell_rule, sent_name, verdict_name
from tabellion.outputs.master.tables import shown
from tabellion.schema import Schemas
from tabellion.schema.forms import ColumnSpec, Role, TableSpec
from tabellion.schema.money import euros
from tabellion.schema.table import Value
from tabellion.wording import fold
from tabellion.xlsx.sheets import CellContent, raise_if_dropped
from tabellion.xlsx.writer import Sheet, Writer


def write_lists(writer: Writer, contract: Book, form: Form, spare_rows: int) -> None:
    """Write it: each list in a column under its defined name, then the values as sent, then the counters."""
    lists: dict[str, Sequence[CellContent]] = {
        WORDS_READ: words_read(),
        **{name: [text] for name, text in CHARACTERS.items()},
    }
    for table, column in typed_columns(form):
        field = table.field(column, contract.schemas)
        rule = cell_rule(table, column, contract.schemas)
        if field is not None and field.names_of is not None:
            lists[key_source(field.names_of)] = list(labels_of(contract, field.names_of).values())
        if field is None or rule is None or rule.choices is None:
            continue
        key = contract.schemas[table.resource].foreign.get(field.name)
        if key is None:
            lists[rule.choices], lists[rule.choices + ALSO_READ] = field.enum, rule.also_read()
        else:
            labels = labels_of(contract, key.table)
            keys = sorted(map(str, labels))
            also = {fold(label) for label in labels.values()} - {*labels.values(), *keys}
            if key.table == FICHES:
                also |= {key.translate(dict.fromkeys(map(ord, KEY_MARKS))) for key in keys}
            lists[rule.choices], lists[rule.choices + ALSO_READ] = list(labels.values()), sorted(also)
            lists[rule.choices + KEYS_READ] = keys
    state, blank = FormState(form, contract.schemas), [None] * spare_rows
    for table in form.tables:
        for column in state.sent_columns(table):
            labels = column_labels(contract, table, column)
            sent = [row.values.get(column.name) for row in form.rows[table.name]]
            contents = (content_of(contract.schemas, table, column, labels, value) for value in sent)
            lists[sent_name(table, column)] = [*contents, *blank]
    sheet = writer.sheet(LISTS)
    for name, values in lists.items():
        _write_column(sheet, name, values)
    for number, (table, column) in enumerate(typed_columns(form), 1):
        _write_verdicts(sheet, contract, form, table, column, f"{_COLUMN_PREFIX}{number}", spare_rows)
    _write_counters(sheet, form, state)
    sheet.raw.hide()
    sheet.protect()


#: How the formulas of the verdicts name the columns that they look at: shortly.
_COLUMN_PREFIX = "saisie_"


def _next_column(sheet: Sheet) -> int:
    return 0 if sheet.raw.dim_colmax is None else int(sheet.raw.dim_colmax) + 1


def _write_column(sheet: Sheet, name: str, values: Sequence[CellContent]) -> None:
    """A list under its defined name."""
    column, style = _next_column(sheet), sheet.writer.format()
    sheet.write(0, column, name, style)
    for row, value in enumerate(values, 1):
        sheet.write(row, column, value, style)
    _name_column(sheet, name, column, max(1, len(values)))


def _name_column(sheet: Sheet, name: str, column: int, height: int) -> None:
    letters = column_letters(column)
    sheet.writer.name(name, f"={quoted_sheet(LISTS)}!${letters}$2:${letters}${height + 1}")


def _write_verdicts(
    sheet: Sheet, contract: Book, form: Form, table: TableSpec, column: ColumnSpec, name: str, spare_rows: int
) -> None:
    """The verdict on each cell of a column, row by row; none where the cell is locked."""
    rule, rows = cell_rule(table, column, contract.schemas), form.rows[table.name]
    if rule is None:
        return
    sheet.writer.name(name, "=" + column_ref(table.name, table.label(column, contract.schemas)))
    place, style = _next_column(sheet), sheet.writer.format()
    sheet.write(0, place, verdict_name(table, column), style)
    for position in range(0 if column.role is Role.TYPED else len(rows), len(rows) + spare_rows):
        value = rows[position].values.get(column.name) if position < len(rows) else None
        formula = "=" + rule.code(f"INDEX({name},{position + 1})")
        raise_if_dropped(
            sheet.raw.write_formula(position + 1, place, formula, style, rule.code_of(value)), (position, place)
        )
    _name_column(sheet, verdict_name(table, column), place, len(rows) + spare_rows)


def _write_counters(sheet: Sheet, form: Form, state: FormState) -> None:
    """The counters of each sheet, from which the guide and the sheets take theirs."""
    column, style = _next_column(sheet), sheet.writer.format()
    counts = [count for table in form.tables for count in state.counts(table).items()]
    for row, (name, count) in enumerate(counts):
        raise_if_dropped(sheet.raw.write_formula(row, column, f"={count.formula}", style, count.value), name)
        sheet.writer.name(name, f"={quoted_sheet(LISTS)}!${column_letters(column)}${row + 1}")


def typed_columns(form: Form) -> Iterator[tuple[TableSpec, ColumnSpec]]:
    """The columns that a form asks for, each with its table."""
    for table in form.tables:
        for column in table.columns:
            if column.field is not None and table.editable(column, spare=True):
                yield table, column


def labels_of(contract: Book, resource: str) -> Mapping[object, str]:
    """What a form shows in place of the keys of a table; a convention or a fiche shows its number and a title."""
    if resource == "conventions":
        titles = contract.convention_titles.items()
        return {number: short_convention(number, title) for number, (_, title) in titles}
    if resource == "fiches":
        rows = contract.tables["fiches"].rows
        return {row["fiche_id"]: fiche_words(row["fiche_id"], row["objectif"]) for row in rows}
    return contract.labels(resource)


def content_of(
    schemas: Schemas, table: TableSpec, column: ColumnSpec, labels: Mapping[object, str], value: Value
) -> CellContent:
    """What the cell of a column holds for a value of the register; ``labels`` are those of the keys that it shows."""
    if value is None:
        return None
    field = table.field(column, schemas)
    if field is None:
        if column.kind == "money" and isinstance(value, int):
            return euros(value)
        return value if isinstance(value, str | int) else str(value)
    return labels.get(value, str(value)) if field.name in schemas[table.resource].foreign else shown(field, value, {})


def column_labels(contract: Book, table: TableSpec, column: ColumnSpec) -> Mapping[object, str]:
    """What a column shows in place of keys; nothing where it shows none."""
    key = contract.schemas[table.resource].foreign.get(column.field or "")
    return {} if key is None else labels_of(contract, key.table)
