"""A form written as a workbook: a guide, one protected sheet per table, the lists, and the values as sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tabellion.schema import Field
from tabellion.schema.typed import typed_dictionary
from tabellion.workbook import seal
from tabellion.workbook.budgets import conditional
from tabellion.workbook.forms.spec import (
    BASELINE,
    BASELINE_HEADERS,
    COMPLETE,
    GUIDE,
    KIND_FORM,
    LISTS,
    SPARE_ROWS,
    STATE_TITLE,
    ColumnSpec,
    Form,
    FormRow,
    Role,
    TableSpec,
)
from tabellion.workbook.forms.state import MISSING, state_formula, state_of
from tabellion.workbook.identity import FORMAT_VERSION, write_identity
from tabellion.workbook.names import column_letters, column_ref, quoted_sheet, quoted_text
from tabellion.workbook.pen import CellContent, Pen, Sheet, document_date
from tabellion.workbook.plan import FIRST_TABLE_ROW, Contract
from tabellion.workbook.tables import list_source, shown, validation_rule, value_format

_TEXTS = {
    "Formulaire_budget": "Vos lignes de crédits de droit commun pour {exercice}",
    "Formulaire_actions": "Les fiches action que vous portez ou auxquelles vous prenez part, en {exercice}",
    "Formulaire_financements": "Les financements où vous êtes nommé",
}
_COUNTER_PREFIX = "Reste_"
_READY = "Ce formulaire est complet : vous pouvez l'envoyer."
_NOT_READY = " ligne(s) à compléter avant l'envoi."
_NOTHING_ASKED = "Rien ne vous est demandé pour cet exercice : le registre ne vous nomme nulle part."


@dataclass(frozen=True)
class Labels:
    """What a form shows in place of keys: by table of the register, key to words."""

    contract: Contract

    def of(self, resource: str) -> Mapping[Any, str]:
        """The words of each key of a table; a convention shows its number and its title."""
        if resource == "conventions":
            return {
                number: convention_words(number, title)
                for number, (title, _) in self.contract.convention_titles.items()
            }
        return self.contract.labels(resource)


def convention_words(number: int, title: str) -> str:
    """A convention as a form's drop-down shows it."""
    return f"{number} – {title}"


def write_form(contract: Contract, form: Form) -> bytes:
    """Write one form; the same form gives the same bytes."""
    pen = Pen(contract.look)
    guide = pen.sheet(GUIDE)
    sheets = {table.name: pen.sheet(table.sheet) for table in form.tables}
    _write_lists(pen, contract)
    for table in form.tables:
        _FormSheet(sheets[table.name], contract, form, table).write()
    _write_guide(guide, contract, form)
    _write_baseline(pen, form)
    identity = form.identity
    write_identity(
        pen,
        {
            "genre": KIND_FORM,
            "format": FORMAT_VERSION,
            "contrat": identity.contrat,
            "partenaire": identity.partenaire,
            "exercice": identity.exercice,
            "formulaire": identity.formulaire,
        },
    )
    settings = contract.settings
    pen.book.set_properties({
        "title": f"{settings.titre} – {form.partner} – {identity.exercice}",
        "subject": f"Formulaire {identity.exercice}",
        "author": "tabellion",
        "category": "Contrat de ville",
        "created": document_date(settings.debut),
    })  # fmt: skip
    pen.book.set_custom_property(seal.PROPERTY, seal.BLANK, "text")
    guide.raw.activate()
    return seal.seal(pen.close())


class _FormSheet:
    """One protected sheet of a form."""

    def __init__(self, sheet: Sheet, contract: Contract, form: Form, table: TableSpec) -> None:
        self.sheet, self.contract, self.form, self.table = sheet, contract, form, table
        self.schemas, self.labels = contract.schemas, Labels(contract)
        self.rows = form.rows[table.name]
        self.height = len(self.rows) + SPARE_ROWS
        self.top = FIRST_TABLE_ROW

    def write(self) -> None:
        sheet, table = self.sheet, self.table
        labels = table.labels(self.schemas)
        words = _TEXTS[table.name].format(exercice=self.form.identity.exercice)
        sheet.title(f"{self.form.partner} – {table.sheet} {self.form.identity.exercice}", words, len(labels))
        self.write_counter()
        formula = state_formula(table, self.schemas)
        sheet.table(table.name, self.top, 0, self.height, labels, calculated={STATE_TITLE: formula})
        for place, column in enumerate(table.columns):
            self.write_column(place, column, formula)
        for position, row in enumerate(self.rows):
            texts = [
                (self.content(each, row.values.get(each.name)), place)
                for place, each in enumerate(table.columns)
                if each.role is not Role.KEY
            ]
            sheet.fit(self.top + 1 + position, texts)
        sheet.set_widths([(place, self.width(each)) for place, each in enumerate(table.columns)])
        last = self.top + self.height
        for word, colour in ((MISSING, "avertissement"), (COMPLETE, "juste")):
            sheet.raw.conditional_format(
                self.top + 1, 0, last, 0,
                {"type": "text", "criteria": "begins with", "value": word, "format": conditional(sheet.pen, colour)},
            )  # fmt: skip
        sheet.raw.freeze_panes(self.top + 1, 3)
        sheet.print_setup((self.top, self.top), self.contract.settings.titre)
        sheet.raw.print_area(0, 0, self.top + max(1, len(self.rows)) + 8, len(labels) - 2)
        protect(sheet)

    def write_counter(self) -> None:
        """How many rows still miss something, at the top of the sheet."""
        sheet, table = self.sheet, self.table
        count = sum(state_of(table, row.values, self.schemas) != COMPLETE for row in self.rows)
        sheet.write(2, 1, "lignes à compléter sur cette feuille", sheet.pen.format(bold=True, valign="vcenter"))
        style = sheet.pen.cell(computed=True, bold=True, align="center", font_size=12)
        formula = f'COUNTIFS({column_ref(table.name, STATE_TITLE)},"{MISSING.strip()}*")'
        sheet.named_formula(2, 0, counter_name(table), formula, style, count)

    def write_column(self, place: int, column: ColumnSpec, formula: str) -> None:
        sheet, field = self.sheet, self.table.field(column, self.schemas)
        for position in range(self.height):
            row = self.top + 1 + position
            known = self.rows[position] if position < len(self.rows) else None
            if column.role is Role.STATE:
                words = state_of(self.table, known.values, self.schemas) if known is not None else None
                style = sheet.pen.cell(computed=True, text_wrap=True)
                sheet.formula(row, place, formula, style, words, (self.table.name, "*", STATE_TITLE))
                continue
            editable = column.role is Role.TYPED or (column.spare and known is None)
            value = known.values.get(column.name) if known is not None else None
            sheet.write(row, place, self.content(column, value), self.style(column, field, value, editable=editable))
        self.add_rules(place, column, field)

    def content(self, column: ColumnSpec, value: Any) -> CellContent:
        """What a cell shows for a value of the register."""
        field = self.table.field(column, self.schemas)
        if value is None:
            return None
        if field is None:
            return _plain(value) if column.name != "last_amount" else _euros(value)
        key = self.schemas[self.table.resource].foreign.get(field.name)
        if key is not None:
            return self.labels.of(key.table).get(value, str(value))
        return shown(field, value, {})

    def style(self, column: ColumnSpec, field: Field | None, value: Any, *, editable: bool) -> Any:
        properties = {"locked": not editable}
        if field is None:
            euros = column.name == "last_amount"
            return value_format(self.sheet.pen, "money" if euros else "string", value, computed=True, **properties)
        kind = "string" if field.name in self.schemas[self.table.resource].foreign else field.kind
        return value_format(self.sheet.pen, kind, value, computed=not editable, **properties)

    def add_rules(self, place: int, column: ColumnSpec, field: Field | None) -> None:
        """The drop-down, the prompt and the limits of a column that is typed, from its schema."""
        if field is None or column.role is Role.KEY or not (column.role is Role.TYPED or column.spare):
            return
        first = self.top + 1 + (0 if column.role is Role.TYPED else len(self.rows))
        area = (first, place, self.top + self.height, place)
        rule = validation_rule(self.schemas[self.table.resource], field) or {"validate": "any"}
        prompt = field.prompt or field.description
        title = self.table.label(column, self.schemas)
        self.sheet.validation(area, {**rule, "error_type": "stop"}, prompt, title, f"Attendu : {field.expected}.")

    def width(self, column: ColumnSpec) -> float:
        field = self.table.field(column, self.schemas)
        return column.width or (field.width if field is not None else 14)


def _plain(value: Any) -> CellContent:
    return value if isinstance(value, str | int | float) else str(value)


def _euros(cents: int) -> CellContent:
    return cents / 100 if cents % 100 else cents // 100


def counter_name(table: TableSpec) -> str:
    """The defined name of a sheet's counter of incomplete rows."""
    return f"{_COUNTER_PREFIX}{table.name.removeprefix('Formulaire_')}"


def protect(sheet: Sheet) -> None:
    """A guard rail without a password: what is not to be typed is locked, widths, heights and filters stay free."""
    sheet.raw.protect(
        "",
        {
            "format_columns": True,
            "format_rows": True,
            "autofilter": True,
            "sort": True,
            "select_locked_cells": True,
            "select_unlocked_cells": True,
        },
    )


def _write_guide(sheet: Sheet, contract: Contract, form: Form) -> None:
    """The front page: for whom, the state of the whole form, how to fill it, and what may be typed."""
    pen, settings = sheet.pen, contract.settings
    exercice = form.identity.exercice
    sheet.title(f"{form.partner} – {exercice}", settings.titre, 5)
    sheet.section(3, 0, "Où en est ce formulaire")
    for column, words in enumerate(("Feuille", "Ce qu'elle demande", "Lignes à compléter", "État")):
        sheet.write(4, column, words, pen.header())
    row = 5
    total = 0
    for table in form.tables:
        count = sum(state_of(table, each.values, contract.schemas) != COMPLETE for each in form.rows[table.name])
        total += count
        name = counter_name(table)
        link = pen.cell(font_color=contract.look.colours["lien"], underline=1, bold=True)
        sheet.link(row, 0, f"{quoted_sheet(table.sheet)}!A1", table.sheet, link)
        sheet.write(row, 1, _TEXTS[table.name].format(exercice=exercice), pen.cell(text_wrap=True))
        style = pen.cell(computed=True, align="center")
        sheet.named_formula(row, 2, f"Guide_{name.lower()}", name, style, count)
        state = pen.cell(computed=True, bold=True, align="center")
        words = COMPLETE if count == 0 else "à compléter"
        sheet.named_formula(row, 3, f"Etat_{name.lower()}", f'IF({name}=0,"{COMPLETE}","à compléter")', state, words)
        row += 1
    counters = "+".join(counter_name(table) for table in form.tables)
    if counters:
        formula = f"IF({counters}=0,{quoted_text(_READY)},{counters}&{quoted_text(_NOT_READY)})"
        words = f"{total}{_NOT_READY}" if total else _READY
        style = pen.cell(computed=True, bold=True, text_wrap=True)
        sheet.named_formula(row, 1, "Etat_du_formulaire", formula, style, words)
    else:
        sheet.write(row, 1, _NOTHING_ASKED, pen.cell())
    for colour, word in (("juste", COMPLETE), ("avertissement", "à compléter")):
        rule = {"type": "cell", "criteria": "==", "value": f'"{word}"', "format": conditional(pen, colour)}
        sheet.raw.conditional_format(5, 3, row, 3, rule)
    row += 2
    sheet.section(row, 0, "Comment le remplir")
    for number, sentence in enumerate(contract.look.form_how_to, 1):
        sheet.write(row + number, 0, f"{number}.", pen.format(align="right"))
        sheet.write(row + number, 1, sentence.replace("{exercice}", str(exercice)), pen.format())
    row += len(contract.look.form_how_to) + 2
    sheet.section(row, 0, "Ce qui peut se taper")
    for column, words in enumerate(("Pour", "Ce que vous tapez", "Exemple", "Compris comme", "Ce qui se passe")):
        sheet.write(row + 1, column, words, pen.header())
    for offset, entry in enumerate(typed_dictionary(), 2):
        for column, words in enumerate((entry.kind, entry.spelling, entry.example, entry.understood, entry.outcome)):
            sheet.write(row + offset, column, words, pen.cell(text_wrap=True))
        sheet.fit(row + offset, [(entry.spelling, 1), (entry.understood, 3), (entry.outcome, 4)])
    sheet.set_widths([(0, 18), (1, 58), (2, 20), (3, 24), (4, 44)])
    sheet.print_setup(None, settings.titre)
    protect(sheet)


def _write_lists(pen: Pen, contract: Contract) -> None:
    """The lists behind the drop-downs, on a hidden sheet: keys of reference tables in words, and allowed values."""
    sheet = pen.sheet(LISTS)
    style, labels = pen.format(), Labels(contract)
    lists: dict[str, list[CellContent]] = {}
    for schema in contract.schemas.values():
        for key in schema.foreign_keys:
            lists[f"liste_{key.table}"] = list(labels.of(key.table).values())
        for field in schema.fields:
            if field.enum:
                lists[list_source(schema.name, field.name)] = list(field.enum)
    for column, (name, values) in enumerate(lists.items()):
        sheet.write(0, column, name, style)
        for row, value in enumerate(values, 1):
            sheet.write(row, column, value, style)
        letters = column_letters(column)
        pen.name(name, f"={quoted_sheet(LISTS)}!${letters}$2:${letters}${max(2, len(values) + 1)}")
    sheet.raw.hide()
    protect(sheet)


def _write_baseline(pen: Pen, form: Form) -> None:
    """Every value as sent, so that a return says what changed: amounts in integer cents, keys as they are."""
    sheet, style = pen.sheet(BASELINE), pen.format()
    for column, words in enumerate(BASELINE_HEADERS):
        sheet.write(0, column, words, style)
    row = 1
    for name, rows in form.rows.items():
        for each in rows:
            for field, value in each.values.items():
                if value is not None:
                    for column, content in enumerate((name, each.key, field, baseline_text(value))):
                        sheet.write(row, column, content, style)
                    row += 1
    sheet.raw.very_hidden()


def baseline_text(value: Any) -> str:
    """A value of the register as the baseline keeps it."""
    if isinstance(value, bool):
        return "oui" if value else "non"
    return str(value)


def form_row_count(form: Form) -> int:
    """How many rows a form asks about."""
    return sum(len(rows) for rows in form.rows.values())


__all__ = ["FormRow", "Labels", "baseline_text", "convention_words", "counter_name", "form_row_count", "write_form"]
