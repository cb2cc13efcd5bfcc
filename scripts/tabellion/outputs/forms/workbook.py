"""A form written as a workbook: a guide, one protected sheet per table, the lists, and the values as sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from itertools import groupby

from xlsxwriter.format import Format

from tabellion.contract.book import Book
from tabellion.layout.forms import (
    BASELINE,
    BASELINE_HEADERS,
    COMPLETE,
    GUIDE,
    KIND_FORM,
    LISTS,
    SPARE_ROWS,
    SPELLINGS,
    Form,
    convention_words,
    values_sent,
)
from tabellion.layout.names import FORMAT_VERSION, column_letters, quoted_sheet
from tabellion.measures.balance import balance
from tabellion.measures.completeness import MISSING, FormState, RowState, counter_name
from tabellion.outputs.forms.guide import write_guide, write_spellings
from tabellion.outputs.master.layout import FIRST_TABLE_ROW
from tabellion.outputs.master.tables import key_source, list_source, shown, validation_rule, value_format
from tabellion.schema import Field
from tabellion.schema.forms import STATE_TITLE, ColumnSpec, Role, TableSpec
from tabellion.schema.money import euros
from tabellion.schema.table import Value
from tabellion.xlsx.blocks import computed_cell, write_named
from tabellion.xlsx.sheets import CellContent
from tabellion.xlsx.signature import close_signed, write_identity
from tabellion.xlsx.writer import Sheet, Writer

#: Spare rows that are printed under the rows as sent, to be filled by hand; the others stay on the screen.
_PRINTED_SPARE_ROWS = 8
#: What stands above the headers of the columns to fill.
_TO_FILL = "▼ à remplir"
_CENTRED = ("integer", "percent", "date", "boolean")


def write_form(contract: Book, form: Form) -> bytes:
    """Write one form; the same form gives the same bytes."""
    writer = Writer(contract.theme)
    guide = writer.sheet(GUIDE)
    sheets = {table.name: writer.sheet(table.sheet) for table in form.tables}
    if form.tables:
        write_spellings(writer.sheet(SPELLINGS), contract, form)
    _write_lists(writer, contract, form)
    for table in form.tables:
        _FormSheet(sheets[table.name], contract, form, table).write()
    write_guide(guide, contract, form)
    _write_baseline(writer, form)
    identity, settings = form.identity, contract.settings
    write_identity(writer, {"genre": KIND_FORM, "format": FORMAT_VERSION, **asdict(identity)})
    return close_signed(
        writer,
        guide,
        title=f"{settings.titre} – {form.partner} – {identity.exercice}",
        subject=f"Formulaire {identity.exercice}",
        keywords=f"contrat de ville, formulaire, {identity.partenaire}, {identity.exercice}",
        comments=settings.source,
        year=settings.debut,
    )


class _FormSheet:
    """One protected sheet of a form."""

    def __init__(self, sheet: Sheet, contract: Book, form: Form, table: TableSpec) -> None:
        self.sheet, self.contract, self.form, self.table = sheet, contract, form, table
        self.schemas = contract.schemas
        self.labels = {key.table: _labels(contract, key.table) for key in self.schemas[table.resource].foreign.values()}
        self.rows, self.state = form.rows[table.name], RowState(table, contract.schemas)
        self.height = len(self.rows) + SPARE_ROWS
        self.top = FIRST_TABLE_ROW

    def write(self) -> None:
        sheet, table = self.sheet, self.table
        labels = table.labels(self.schemas)
        exercice = self.form.identity.exercice
        sheet.title(
            f"{self.form.partner} – {table.sheet} {exercice}", table.purpose.format(exercice=exercice), len(labels)
        )
        self.write_counter()
        self.write_bands()
        calculated = {STATE_TITLE: self.state.formula}
        gap = next((column for column in table.columns if column.role is Role.COMPUTED), None)
        if gap is not None:
            calculated[table.label(gap, self.schemas)] = balance(table, self.form, self.schemas)[0]
        aligned = {
            table.label(column, self.schemas): "center"
            for column in table.columns
            if self.kind(column) in _CENTRED or column.role is Role.STATE
        }
        sheet.table(table.name, self.top, 0, self.height, labels, calculated=calculated, aligned=aligned)
        for place, column in enumerate(table.columns):
            if column.role is Role.STATE:
                self.write_state(place)
            elif column.role is Role.COMPUTED:
                self.write_gap(place, column)
            else:
                self.write_column(place, column)
        sheet.set_widths([(place, self.width(column)) for place, column in enumerate(table.columns)])
        sheet.raw.freeze_panes(self.top + 1, table.frozen)
        sheet.print_setup((self.top, self.top), self.contract.settings.titre)
        sheet.raw.print_area(0, 0, self.top + len(self.rows) + _PRINTED_SPARE_ROWS, len(labels) - 2)
        first = (self.top + 1, self.first_editable())
        sheet.raw.set_selection(*first, *first)
        sheet.protect()

    def first_editable(self) -> int:
        """The column where filling starts."""
        spare = not self.rows
        columns = enumerate(self.table.columns)
        return next(place for place, column in columns if self.table.editable(column, spare=spare))

    def write_counter(self) -> None:
        """How many rows still miss something, at the top of the sheet, and the way back to the guide."""
        sheet, table = self.sheet, self.table
        sheet.raw.set_row(2, 20)
        count = FormState(self.form, self.schemas).missing(table)
        write_named(sheet, 2, 0, counter_name(table), count, bold=True, font_size=12, valign="vcenter")
        area, colour = (2, 0, 2, 0), {">": "avertissement", "==": "juste"}
        for criteria, name in colour.items():
            rule = {"type": "cell", "criteria": criteria, "value": 0, "format": sheet.writer.coloured(name)}
            sheet.raw.conditional_format(*area, rule)
        words = "à compléter sur cette feuille (lignes)"
        sheet.write(2, 1, words, sheet.writer.format(bold=True, valign="vcenter"))
        sheet.link(2, len(table.columns) - 2, f"{quoted_sheet(GUIDE)}!A1", f"← {GUIDE}")

    def write_bands(self) -> None:
        """Above the headers: which columns are to be filled, in words and not by their colour alone."""
        sheet, columns = self.sheet, list(enumerate(self.table.columns))
        ground, ink = (self.contract.theme.colours[name] for name in ("information", "information_texte"))
        for typed, group in groupby(columns, lambda placed: placed[1].role is Role.TYPED):
            places = [place for place, _ in group]
            if typed:
                row, first, last = self.top - 1, places[0], places[-1]
                sheet.wide(row, first, last, _TO_FILL, bold=True, bg_color=ground, font_color=ink)

    def write_state(self, place: int) -> None:
        """The live column, with the same formula on every row."""
        sheet, first = self.sheet, self.top + 1
        style = sheet.writer.cell(computed=True, text_wrap=True)
        for position in range(self.height):
            known = position < len(self.rows)
            words = self.state.of(self.rows[position].values) if known else None
            where = (self.table.name, "*", STATE_TITLE)
            sheet.formula(first + position, place, self.state.formula, style, words, where)
            sheet.fit(first + position, [(words, place)])
        for word, colour in ((MISSING, "avertissement"), (COMPLETE, "juste")):
            rule = {"type": "text", "criteria": "begins with", "value": word.strip()}
            rule["format"] = sheet.writer.coloured(colour)
            sheet.raw.conditional_format(first, place, self.top + self.height, place, rule)

    def write_gap(self, place: int, column: ColumnSpec) -> None:
        """The balance of the row's plan, with the same formula on every row."""
        sheet, first, label = self.sheet, self.top + 1, self.table.label(column, self.schemas)
        formula, gaps = balance(self.table, self.form, self.schemas)
        for position in range(self.height):
            style, content = computed_cell(sheet.writer, "signed", gaps[position] if position < len(gaps) else "")
            sheet.formula(first + position, place, formula, style, content, (self.table.name, "*", label))
        area = (first, place, self.top + self.height, place)
        sheet.show_cents(area, signed=True)
        corner = f"{column_letters(place)}{first + 1}"
        for test, colour in (("=0", "juste"), ("<>0", "avertissement")):
            rule = {"type": "formula", "criteria": f"=AND(ISNUMBER({corner}),{corner}{test})"}
            sheet.raw.conditional_format(*area, {**rule, "format": sheet.writer.coloured(colour)})

    def write_column(self, place: int, column: ColumnSpec) -> None:
        """The cells of a column, then what may be typed there."""
        sheet, first, last = self.sheet, self.top + 1, self.top + self.height
        kind = self.kind(column)
        for position in range(self.height):
            known = self.rows[position] if position < len(self.rows) else None
            value = known.values.get(column.name) if known is not None else None
            editable = self.table.editable(column, spare=known is None)
            style = self.style(column, kind, value, editable=editable)
            content = self.content(column, value)
            sheet.write(first + position, place, content, style)
            if column.role is not Role.KEY:
                sheet.fit(first + position, [(content, place)])
        if kind == "money" and column.role is Role.TYPED:
            sheet.show_cents((first, place, last, place))
        field = self.table.field(column, self.schemas)
        if field is not None and self.table.editable(column, spare=True):
            self.add_rules(place, column, field)

    def kind(self, column: ColumnSpec) -> str:
        """How a column shows: as the field's kind; as words where keys have labels."""
        field = self.table.field(column, self.schemas)
        if field is None:
            return column.kind
        return "string" if field.name in self.schemas[self.table.resource].foreign else field.kind

    def content(self, column: ColumnSpec, value: Value) -> CellContent:
        """What a cell shows for a value of the register."""
        field = self.table.field(column, self.schemas)
        if value is None:
            return None
        if field is None:
            return euros(value) if column.kind == "money" and isinstance(value, int) else _plain(value)
        key = self.schemas[self.table.resource].foreign.get(field.name)
        if key is not None:
            return self.labels[key.table].get(value, str(value))
        return shown(field, value, {})

    def style(self, column: ColumnSpec, kind: str, value: Value, *, editable: bool) -> Format:
        """White and unlocked where the partner types, grey and locked elsewhere; a key stays on one line."""
        one_line = column.role is Role.KEY
        return value_format(
            self.sheet.writer, kind, value, one_line=one_line, computed=not editable, locked=not editable
        )

    def add_rules(self, place: int, column: ColumnSpec, field: Field) -> None:
        """The drop-down, the prompt and the limits of a column that is typed, from its schema."""
        first = self.top + 1 + (0 if column.role is Role.TYPED else len(self.rows))
        area = (first, place, self.top + self.height, place)
        rule = validation_rule(self.schemas[self.table.resource], field) or {"validate": "any"}
        prompt = field.prompt or field.description
        title = self.table.label(column, self.schemas)
        self.sheet.validation(area, {**rule, "error_type": "stop"}, prompt, title, f"Attendu : {field.expected}.")

    def width(self, column: ColumnSpec) -> float:
        """A column's width, in characters."""
        field = self.table.field(column, self.schemas)
        return column.width or (field.width if field is not None else 14)


def _plain(value: Value) -> CellContent:
    return value if isinstance(value, str | int) else str(value)


def _labels(contract: Book, resource: str) -> Mapping[object, str]:
    """What a form shows in place of the keys of a table; a convention shows its number and its title."""
    if resource == "conventions":
        titles = contract.convention_titles.items()
        return {number: convention_words(number, title) for number, (title, _) in titles}
    return contract.labels(resource)


def _lists(contract: Book, form: Form) -> Iterator[tuple[str, list[CellContent]]]:
    """The defined names behind the form's drop-downs, and their values: keys in words, and allowed values."""
    for table in form.tables:
        schema = contract.schemas[table.resource]
        for column in table.columns:
            field = table.field(column, contract.schemas)
            if field is None or not table.editable(column, spare=True):
                continue
            if (key := schema.foreign.get(field.name)) is not None:
                yield key_source(key.table), list(_labels(contract, key.table).values())
            elif field.enum:
                yield list_source(schema.name, field.name), list(field.enum)


def _write_lists(writer: Writer, contract: Book, form: Form) -> None:
    """The lists behind the drop-downs, on a hidden sheet."""
    sheet, style = writer.sheet(LISTS), writer.format()
    for column, (name, values) in enumerate(dict(_lists(contract, form)).items()):
        sheet.write(0, column, name, style)
        for row, value in enumerate(values, 1):
            sheet.write(row, column, value, style)
        letters = column_letters(column)
        writer.name(name, f"={quoted_sheet(LISTS)}!${letters}$2:${letters}${max(2, len(values) + 1)}")
    sheet.raw.hide()
    sheet.protect()


def _write_baseline(writer: Writer, form: Form) -> None:
    """Every value as sent, so that a return says what changed: amounts in integer cents, keys as they are."""
    sheet, style = writer.sheet(BASELINE), writer.format()
    for column, words in enumerate(BASELINE_HEADERS):
        sheet.write(0, column, words, style)
    for row, contents in enumerate(values_sent(form.rows), 1):
        for column, content in enumerate(contents):
            sheet.write(row, column, content, style)
    sheet.raw.very_hidden()


def form_row_count(form: Form) -> int:
    """How many rows a form asks about."""
    return sum(len(rows) for rows in form.rows.values())
