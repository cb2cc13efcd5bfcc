"""A form written as a workbook: a guide, one protected sheet per table, the lists, and the values as sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import groupby

from tabellion.contract.book import Book
from tabellion.layout.forms import (
    BACK,
    BASELINE,
    BASELINE_HEADERS,
    GUIDE,
    KIND_FORM,
    SEAL,
    SPARE_ROWS,
    SPELLINGS,
    TOTAL,
    TOTALS,
    FillState,
    Form,
    SealKey,
    values_sent,
)
from tabellion.layout.names import FORMAT_VERSION, column_letters, quoted_sheet
from tabellion.measures.form_totals import (
    CONVENTION,
    DIFFERENCE,
    LAST,
    by_convention,
    difference,
    totals,
    typed_amounts,
    whole,
)
from tabellion.measures.forms import COUNTED, FormState, RowState, balance, cell_rule, counter_name
from tabellion.measures.measure import criterion
from tabellion.outputs.forms.guide import write_guide, write_spellings
from tabellion.outputs.forms.lists import column_labels, content_of, labels_of, write_lists
from tabellion.outputs.master.layout import FIRST_TABLE_ROW
from tabellion.outputs.master.tables import validation_rule, value_format
from tabellion.schema import Field
from tabellion.schema.forms import STATE_TITLE, ColumnSpec, Role, TableSpec
from tabellion.xlsx.blocks import Block, computed_cell, write_block, write_named
from tabellion.xlsx.signature import close_signed, write_identity
from tabellion.xlsx.writer import Sheet, Writer

#: Spare rows that are printed under the rows as sent, to be filled by hand; the others stay on the screen.
_PRINTED_SPARE_ROWS = 8
#: What stands above the headers of the columns to fill.
_TO_FILL = "▼ à remplir"
#: Rows that the first screen is to show under the headers, at 1366 × 768, the lines of text that it has room for, and
#: the height that Excel leaves to the cells, in points (520 pixels).
_SCREEN_ROWS, _SCREEN_LINES, _SCREEN_POINTS = 15, 18, 390.0
#: What a column that is computed shows: its formula, and what it gives on the rows as sent.
_COMPUTED = {"gap": balance, "difference": difference}
_CENTRED = ("integer", "percent", "date", "boolean")


def write_form(contract: Book, form: Form, key: SealKey | None = None) -> bytes:
    """Write one form, sealed with the workspace's ``key``; the same form and key give the same bytes."""
    writer = Writer(contract.theme)
    guide = writer.sheet(GUIDE)
    sheets = {table.name: writer.sheet(table.sheet) for table in form.tables}
    summed = summed_table(form)
    if summed is not None:
        write_totals(writer.sheet(TOTALS), contract, form, summed)
    if form.tables:
        write_spellings(writer.sheet(SPELLINGS), contract, form)
    write_lists(writer, contract, form, SPARE_ROWS)
    for table in form.tables:
        _FormSheet(sheets[table.name], contract, form, table).write()
    write_guide(guide, contract, form)
    _write_baseline(writer, form)
    identity, settings = form.identity, contract.settings
    sent = {(table, row) for table, row, _, _ in values_sent(form.rows)}
    seal = {} if key is None else {SEAL: key.of(identity, sent)}
    write_identity(writer, {"genre": KIND_FORM, "format": FORMAT_VERSION, **asdict(identity), **seal})
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
        self.rows, self.state = form.rows[table.name], RowState(table, contract.schemas)
        self.height = len(self.rows) + SPARE_ROWS
        self.top = FIRST_TABLE_ROW
        free = _SCREEN_LINES - max(0, _SCREEN_ROWS - len(self.rows))
        self.most_lines = max(table.lines, free // max(1, len(self.rows)))

    def write(self) -> None:
        sheet, table = self.sheet, self.table
        labels = table.labels(self.schemas)
        exercice = self.form.identity.exercice
        sheet.title(
            f"{self.form.partner} – {table.sheet} {exercice}", table.purpose.format(exercice=exercice), len(labels)
        )
        self.write_counter()
        self.write_totals()
        self.write_bands()
        computed = {
            column.name: _COMPUTED[column.name](table, self.form, self.schemas)
            for column in table.columns
            if column.role is Role.COMPUTED
        }
        calculated = {table.label(table.column(name), self.schemas): formula for name, (formula, _) in computed.items()}
        calculated[STATE_TITLE] = self.state.formula
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
                self.write_gap(place, column, *computed[column.name])
            else:
                self.write_column(place, column)
        sheet.set_widths([(place, self.width(column)) for place, column in enumerate(table.columns)])
        self.keep_screen()
        sheet.hide((place for place, column in enumerate(table.columns) if column.role is Role.KEY), button=False)
        sheet.raw.freeze_panes(self.top + 1, table.frozen)
        area = (self.top + len(self.rows) + _PRINTED_SPARE_ROWS, table.last_shown)
        sheet.print_setup((self.top, self.top), self.contract.settings.titre, area=area, keys=table.frozen)
        first = (self.top + 1, self.first_editable())
        sheet.raw.set_selection(*first, *first)
        sheet.protect()

    def keep_screen(self) -> None:
        """Show fewer lines of long texts where the first screen would not hold its rows otherwise."""
        sheet, most = self.sheet, self.sheet.most_lines
        first = range(self.top + 1, self.top + 1 + min(_SCREEN_ROWS, len(self.rows)))
        while sum(sheet.height(row)[0] for row in range(first.stop)) > _SCREEN_POINTS:
            highest = max(first, key=lambda row: (sheet.height(row)[0], row), default=0)
            if most.get(highest, 1) <= 1:
                break
            most[highest] -= 1

    def first_editable(self) -> int:
        spare = not self.rows
        columns = enumerate(self.table.columns)
        return next(place for place, column in columns if self.table.editable(column, spare=spare))

    def write_counter(self) -> None:
        """How many rows still miss something, at the top of the sheet, and the way back to the guide."""
        sheet, table = self.sheet, self.table
        sheet.raw.set_row(2, 18)
        count = FormState(self.form, self.schemas).missing(table)
        write_named(sheet, 2, 0, counter_name(table), count, bold=True, font_size=12, valign="vcenter")
        area, colour = (2, 0, 2, 0), {">": "avertissement", "==": "juste"}
        for criteria, name in colour.items():
            rule = {"type": "cell", "criteria": criteria, "value": 0, "format": sheet.writer.coloured(name)}
            sheet.raw.conditional_format(*area, rule)
        words = "à corriger ou à compléter sur cette feuille (lignes)"
        sheet.write(2, 1, words, sheet.writer.format(bold=True, valign="vcenter"))
        link = sheet.writer.format(
            font_color=self.contract.theme.colours["lien"], underline=1, align="right", valign="vcenter"
        )
        sheet.link(2, table.last_shown, f"{quoted_sheet(GUIDE)}!A1", BACK, link)

    def write_totals(self) -> None:
        """The sum of each column of amounts, above it."""
        sheet, first = self.sheet, None
        for place, column, measure in totals(self.table, self.form, self.schemas):
            first = place if first is None else first
            write_named(sheet, 2, place, total_name(self.table, column), measure, bold=True, valign="vcenter")
            sheet.show_cents((2, place, 2, place))
        if first is not None:
            sheet.write(2, first - 1, TOTAL, sheet.writer.format(bold=True, align="right", valign="vcenter"))

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
        sheet, first = self.sheet, self.top + 1
        words = [self.state.of(row.values) for row in self.rows]
        self.write_formula(place, STATE_TITLE, self.state.formula, "text", words)
        for row, text in enumerate(words, first):
            sheet.fit(row, [(text, place)], most=self.most_lines)
        for state in (*COUNTED, FillState.COMPLETE):
            rule = {"type": "text", "criteria": "containing", "value": state.value, "stop_if_true": True}
            rule["format"] = sheet.writer.coloured(state.colour)
            sheet.raw.conditional_format(first, place, self.top + self.height, place, rule)

    def write_gap(self, place: int, column: ColumnSpec, formula: str, gaps: Sequence[int | str]) -> None:
        """The balance of the row's plan, which is to be nothing; or the difference with what was last known."""
        sheet, first = self.sheet, self.top + 1
        self.write_formula(place, self.table.label(column, self.schemas), formula, "signed", gaps)
        area = (first, place, self.top + self.height, place)
        sheet.show_cents(area, signed=True)
        if column.name != "gap":
            return
        corner = f"{column_letters(place)}{first + 1}"
        for test, colour in (("=0", "juste"), ("<>0", "avertissement")):
            rule = {"type": "formula", "criteria": f"=AND(ISNUMBER({corner}),{corner}{test})"}
            sheet.raw.conditional_format(*area, {**rule, "format": sheet.writer.coloured(colour)})

    def write_formula(self, place: int, label: str, formula: str, kind: str, values: Sequence[int | str]) -> None:
        """The same formula on every row, with what it gives on the rows as sent; blank on the others."""
        for position in range(self.height):
            value = values[position] if position < len(values) else ""
            style, content = computed_cell(self.sheet.writer, kind, value)
            source = (self.table.name, "*", label)
            self.sheet.formula(self.top + 1 + position, place, formula, style, content, source)

    def write_column(self, place: int, column: ColumnSpec) -> None:
        sheet, first, last = self.sheet, self.top + 1, self.top + self.height
        kind, labels = self.kind(column), column_labels(self.contract, self.table, column)
        for position in range(self.height):
            known = self.rows[position] if position < len(self.rows) else None
            value = known.values.get(column.name) if known is not None else None
            editable = self.table.editable(column, spare=known is None)
            # Unlocked and edged where the partner types, quiet and locked elsewhere; a key stays on one line.
            options = {"typed": True} if editable else {"computed": True}
            style = value_format(sheet.writer, kind, value, one_line=column.role is Role.KEY, **options)
            content = content_of(self.schemas, self.table, column, labels, value)
            sheet.write(first + position, place, content, style)
            if column.role is not Role.KEY:
                sheet.fit(first + position, [(content, place)], most=self.most_lines)
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

    def add_rules(self, place: int, column: ColumnSpec, field: Field) -> None:
        first = self.top + 1 + (0 if column.role is Role.TYPED else len(self.rows))
        area = (first, place, self.top + self.height, place)
        prompt = field.prompt or field.description
        title = self.table.label(column, self.schemas)
        corner = f"{column_letters(place)}{first + 1}"
        self.sheet.validation(
            area, self.validation(column, field, corner), prompt, title, f"Attendu : {field.expected}."
        )

    def validation(self, column: ColumnSpec, field: Field, corner: str) -> Mapping[str, object]:
        """What Excel stops; it only warns of what is no word of a list, which the reader may understand."""
        rule = cell_rule(self.table, column, self.schemas)
        formula = None if rule is None else rule.validation(corner)
        if formula is not None:
            return {"validate": "custom", "value": f"={formula}", "error_type": "stop"}
        declared = validation_rule(self.schemas[self.table.resource], field) or {"validate": "any"}
        return {**declared, "error_type": "stop" if declared["validate"] in ("length", "any") else "warning"}

    def width(self, column: ColumnSpec) -> float:
        field = self.table.field(column, self.schemas)
        return column.width or (field.width if field is not None else 14)


def total_name(table: TableSpec, column: ColumnSpec) -> str:
    """The defined name of the total of a column."""
    return f"Total_{table.name.removeprefix('Formulaire_')}_{column.name}"


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


_WIDTHS = (8, 60, 18, 18, 18, 18, 18)


def summed_table(form: Form) -> TableSpec | None:
    """The table of a form whose amounts are added up by convention."""
    wanted = {CONVENTION, DIFFERENCE}
    return next((table for table in form.tables if wanted <= {column.name for column in table.columns}), None)


def write_totals(sheet: Sheet, contract: Book, form: Form, table: TableSpec) -> None:
    """Write it: one row a convention, and all of them."""
    schemas, exercice = contract.schemas, form.identity.exercice
    titles = {number: title for number, (title, _) in contract.convention_titles.items()}
    labels = labels_of(contract, "conventions")
    words = {number: text for number in titles if (text := criterion(labels[number])) is not None}
    rows = list(by_convention(table, form, schemas, words))
    totals = whole(table, form, schemas)
    names = (LAST, *typed_amounts(table, schemas), DIFFERENCE)
    shown = [table.label(table.column(name), schemas) for name in names]
    sheet.title(f"{form.partner} – {TOTALS} {exercice}", f"Vos montants de {exercice} par convention", len(_WIDTHS))
    block = Block(
        "Par convention", "Totaux_formulaire", ("N°", "Convention", *shown),
        [(number, titles[number]) for number, _ in rows], [measures for _, measures in rows], totals,
    )  # fmt: skip
    write_block(sheet, block, FIRST_TABLE_ROW - 1)
    sheet.set_widths(enumerate(_WIDTHS))
    sheet.raw.freeze_panes(FIRST_TABLE_ROW + 1, 0)
    sheet.print_setup((FIRST_TABLE_ROW, FIRST_TABLE_ROW), contract.settings.titre)
    sheet.protect()
