"""The pages around a form's tables: Mode d'emploi, with its live state, and Saisie, all that may be typed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tabellion.contract.book import Book
from tabellion.layout.forms import FINAL, FINAL_WORDS, SIGNATURE_CELLS, SIGNED_ON, SPELLINGS, FillState, Form
from tabellion.layout.names import quoted_sheet
from tabellion.measures.cells import CellRule
from tabellion.measures.forms import FormState, cell_rule, counter_name
from tabellion.outputs.forms.lists import typed_columns
from tabellion.outputs.master.layout import FIRST_TABLE_ROW
from tabellion.schema.days import written_date
from tabellion.schema.forms import ColumnSpec, Role, TableSpec
from tabellion.schema.typed import TYPED_RULES, WORDS, Outcome, TypedRule, kind_of, shown_example, typed_dictionary
from tabellion.xlsx.blocks import write_named
from tabellion.xlsx.writer import DATE, Sheet

#: The width of the columns of both pages, in characters.
_GUIDE_WIDTHS, _SPELLINGS_WIDTHS = (18, 70, 70), (18, 48, 28, 48, 36)
_STATE_HEADERS = ("Feuille", "Ce qui est demandé", "Avancement")
#: What is expected of the partner, in three lines.
_EXPECTED = (
    "Sur chaque feuille, remplissez les cellules blanches à bord foncé.",
    "Suivez la colonne « À compléter », ligne par ligne, et l'avancement ci-dessous.",
    "Indiquez qui a rempli le formulaire, enregistrez (.xlsx) et renvoyez-le.",
)
_TYPED_HEADERS = ("Pour", "Exemples acceptés", "Exemples refusés, à ressaisir")
_SPELLINGS_HEADERS = (
    "Pour",
    "Ce que vous saisissez",
    "Exemple",
    "Valeur retenue, ou à ressaisir ainsi",
    "Suite donnée",
)
_BETWEEN = "   ·   "
_STATE_STYLE: dict[str, object] = {"bold": True, "text_wrap": False, "align": "center", "valign": "vcenter"}
_NOTHING_ASKED = "Rien ne vous est demandé pour cet exercice : le contrat ne vous nomme nulle part."
#: The defined name of what the guide says of the whole form.
FORM_STATE = "Etat_du_formulaire"


def write_guide(sheet: Sheet, contract: Book, form: Form) -> None:
    """The front page, on one printed page: who asks what by when, the state of the form, who filled it, how to type."""
    settings, exercice = contract.settings, form.identity.exercice
    sheet.title(f"{form.partner} – {exercice}", f"{settings.titre} : votre formulaire pour l'exercice {exercice}", 3)
    row = _write_request(sheet, contract, form, 2)
    sheet.section(row, 0, "Avancement")
    row = _write_states(sheet, contract, form, row + 1)
    if form.tables:
        row = _write_signature(sheet, row)
        row = _write_examples(sheet, contract, form, row)
    for number, sentence in enumerate(contract.theme.form_how_to, row):
        sheet.write(number, 0, "•", sheet.writer.format(align="right"))
        sheet.write(number, 1, sentence.replace("{exercice}", str(exercice)), sheet.writer.format())
    sheet.set_widths(enumerate(_GUIDE_WIDTHS))
    sheet.raw.freeze_panes(2, 0)
    sheet.print_setup((0, 1), settings.titre, one_page=True)
    sheet.protect()


def _write_request(sheet: Sheet, contract: Book, form: Form, row: int) -> int:
    """Who asks, for which exercice, by when, to send where, whom to call, as the settings say; and what is expected.

    Returns the row where the page goes on.
    """
    settings, exercice = contract.settings, form.identity.exercice
    due = settings.dates_limites.get(exercice)
    contact = _BETWEEN.join(filter(None, (settings.contact_nom, settings.contact_courriel, settings.contact_telephone)))
    facts = (
        ("Demandé par", settings.contact_nom or settings.titre),
        ("Exercice", str(exercice)),
        ("À renvoyer avant", "" if due is None else f"le {written_date(due)} inclus"),
        ("À renvoyer à", settings.adresse_retour),
        ("Contact", contact),
    )
    filled = [(label, words) for label, words in facts if words]
    bold, plain = sheet.writer.format(bold=True), sheet.writer.format(text_wrap=True)
    sheet.section(row, 0, "Cette demande")
    sheet.section(row, 2, "Ce qui est attendu")
    for offset, (label, words) in enumerate(filled, 1):
        sheet.write(row + offset, 0, label, bold)
        sheet.write(row + offset, 1, words, plain)
        sheet.fit(row + offset, [(words, 1)])
    for offset, sentence in enumerate(_EXPECTED if form.tables else (), 1):
        sheet.write(row + offset, 2, f"{offset}. {sentence}", sheet.writer.format())
    return row + max(len(filled), len(_EXPECTED)) + 1


def _write_signature(sheet: Sheet, row: int) -> int:
    """Where the partner says who filled the form, and that it is final; returns the row where the page goes on."""
    writer = sheet.writer
    sheet.section(row, 0, "Qui a rempli ce formulaire")
    for offset, (name, label, prompt) in enumerate(SIGNATURE_CELLS, 1):
        line = row + offset
        options: dict[str, object] = {"num_format": DATE, "align": "left"} if name == SIGNED_ON else {"num_format": "@"}
        sheet.write(line, 0, label, writer.format(bold=True))
        sheet.write(line, 1, None, writer.input(**options))
        writer.name(name, f"={quoted_sheet(sheet.name)}!$B${line + 1}")
        rule: dict[str, object] = {"validate": "any"}
        if name == FINAL:
            rule = {"validate": "list", "source": list(FINAL_WORDS), "error_type": "warning"}
        sheet.validation((line, 1, line, 1), rule, prompt, label, f"Attendu : {' ou '.join(FINAL_WORDS)}.")
        sheet.write(line, 2, prompt, writer.format(indent=1))
    return row + len(SIGNATURE_CELLS) + 2


def _write_states(sheet: Sheet, contract: Book, form: Form, row: int) -> int:
    """The state of each sheet, with a link to it, then of the whole; returns the row where the page goes on."""
    writer, schemas = sheet.writer, contract.schemas
    for column, words in enumerate(_STATE_HEADERS):
        sheet.write(row, column, words, writer.header(**({"align": "center"} if column == 2 else {})))
    sheet.raw.set_row(row, 18)
    first = row + 1
    state = FormState(form, schemas)
    link = writer.cell(font_color=contract.theme.colours["lien"], underline=1, bold=True, valign="vcenter")
    for table in form.tables:
        row += 1
        sheet.raw.set_row(row, 16.5)
        sheet.link(row, 0, f"{quoted_sheet(table.sheet)}!A1", table.sheet, link)
        purpose = table.purpose.format(exercice=form.identity.exercice)
        sheet.write(row, 1, purpose, writer.cell(valign="vcenter", text_wrap=True))
        sheet.fit(row, [(purpose, 1)])
        write_named(sheet, row, 2, f"Etat_{counter_name(table)}", state.of_sheet(table), **_STATE_STYLE)
    row += 1
    sheet.raw.set_row(row, 18)
    if not form.tables:
        sheet.wide(row, 0, 2, _NOTHING_ASKED, computed=True, bold=True, valign="vcenter")
        return row + 2
    sheet.wide(row, 0, 1, "Tout le formulaire", computed=True, bold=True, valign="vcenter")
    write_named(sheet, row, 2, FORM_STATE, state.of_form(), **_STATE_STYLE)
    for filled in FillState:
        rule = {"type": "text", "criteria": "containing", "value": filled.value, "stop_if_true": True}
        sheet.raw.conditional_format(first, 2, row, 2, {**rule, "format": writer.coloured(filled.colour)})
    return row + 2


def typed_kinds(form: Form, contract: Book) -> list[str]:
    """The kinds of cells that a form has to fill, in the words that people read."""
    kinds = []
    for table, column in typed_columns(form):
        rule = cell_rule(table, column, contract.schemas)
        if rule is not None:
            kinds.append(WORDS["list" if rule.keyed else kind_of(rule.field)])
    return list(dict.fromkeys(kinds))


def _write_examples(sheet: Sheet, contract: Book, form: Form, row: int) -> int:
    """One row for each kind of cell: what is accepted, what is not; the page of spellings says all.

    Returns the row where the page goes on.
    """
    writer = sheet.writer
    sheet.section(row, 0, "Comment saisir vos réponses")
    link = writer.format(font_color=contract.theme.colours["lien"], underline=1, align="right")
    sheet.link(row, 2, f"{quoted_sheet(SPELLINGS)}!A1", f"Tout le détail : feuille {SPELLINGS}", link)
    for column, words in enumerate(_TYPED_HEADERS):
        sheet.write(row + 1, column, words, writer.header())
    position = row + 1
    for position, kind in enumerate(examples(form, contract), row + 2):
        sheet.write(position, 0, kind.label, writer.cell(bold=True, text_wrap=True))
        for column, shown in ((1, kind.accepted), (2, kind.refused)):
            words = _BETWEEN.join(example.shown for example in shown)
            sheet.write(position, column, words, writer.cell(text_wrap=True))
            sheet.fit(position, [(words, column)])
    return position + 1


def write_spellings(sheet: Sheet, contract: Book, form: Form) -> None:
    """All that may be typed in the cells of this form, one rule a row: what it gives, or what to type in its place."""
    writer, top = sheet.writer, FIRST_TABLE_ROW - 1
    sheet.title(SPELLINGS, "Toutes les façons de saisir une valeur, et la valeur retenue", len(_SPELLINGS_HEADERS))
    for column, words in enumerate(_SPELLINGS_HEADERS):
        sheet.write(top, column, words, writer.header())
    cell = writer.cell(text_wrap=True)
    kinds = typed_kinds(form, contract)
    for row, entry in enumerate((entry for entry in typed_dictionary() if entry.kind in kinds), top + 1):
        texts = (entry.kind, entry.spelling, " ".join(entry.example.split()), entry.understood, entry.outcome)
        for column, words in enumerate(texts):
            sheet.write(row, column, words, cell)
        sheet.fit(row, [(words, column) for column, words in enumerate(texts)])
    sheet.set_widths(enumerate(_SPELLINGS_WIDTHS))
    sheet.raw.freeze_panes(top + 1, 0)
    sheet.print_setup((top, top), contract.settings.titre)
    sheet.protect()


#: Kinds of which people need no examples.
_PLAIN = ("text", "code", "list")


@dataclass(frozen=True)
class Example:
    """A value as typed, in a cell that shows a percentage or not, and how the guide shows it."""

    value: object
    shown: str
    percent: bool = False


@dataclass(frozen=True)
class Examples:
    """For the cells of some columns, what is accepted there and what is refused."""

    label: str
    columns: tuple[tuple[TableSpec, ColumnSpec], ...]
    accepted: tuple[Example, ...]
    refused: tuple[Example, ...]


def examples(form: Form, contract: Book) -> Iterator[Examples]:
    """One for each kind of cell that a form has to fill, and for each of its lists of words."""
    columns = [(table, column) for table, column in typed_columns(form) if column.role is Role.TYPED]
    rules = [(cell_rule(table, column, contract.schemas), table, column) for table, column in columns]
    ruled = [(rule, (table, column)) for rule, table, column in rules if rule is not None and not rule.keyed]
    kinds = dict.fromkeys(kind_of(rule.field) for rule, _ in ruled)
    for kind in kinds:
        if kind not in _PLAIN:
            own = [(rule, place) for rule, place in ruled if kind_of(rule.field) == kind]
            candidates = [_example(rule) for rule in TYPED_RULES if rule.kind == kind and _is_telling(rule)]
            yield _sorted(WORDS[kind], own, [*candidates, *_BESIDES.get(kind, ())])
    for rule, (table, column) in ruled:
        if rule.field.enum:
            words = (*rule.field.enum[:2], rule.field.enum[0].upper())
            spelt = [_example(typed) for typed in TYPED_RULES if typed.kind == "list" and _is_telling(typed)]
            label = table.label(column, contract.schemas)
            yield _sorted(label, [(rule, (table, column))], [*(Example(word, word) for word in words), *spelt])


#: What no spelling tells: numbers that the bounds of a field refuse.
_BESIDES = {
    "money": (Example(-5, "-5"), Example(33.333, "33,333")),
    "percent": (Example(150, "150"), Example(40.5, "40,5")),
}


def _is_telling(rule: TypedRule) -> bool:
    """Whether an example is a matter of spelling; what is only read as blank is neither accepted nor refused."""
    if rule.outcome is Outcome.VIDE:
        return False
    return rule.outcome is Outcome.PRIS or isinstance(rule.example, str)


def _example(rule: TypedRule) -> Example:
    return Example(rule.example, " ".join(shown_example(rule).split()), rule.in_percents)


def _sorted(
    label: str, ruled: Sequence[tuple[CellRule, tuple[TableSpec, ColumnSpec]]], candidates: Sequence[Example]
) -> Examples:
    """Examples with the verdict of every rule; none where two differ, or where a keyboard types something else."""
    accepted, refused = dict[str, Example](), dict[str, Example]()
    for example in candidates:
        values = {example.value, _keyed(example.value)}
        verdicts = {_is_taken(rule, value, example) for value in values for rule, _ in ruled}
        if len(verdicts) == 1 and (is_taken := verdicts.pop()) is not None:
            (accepted if is_taken else refused).setdefault(example.shown, example)
    return Examples(label, tuple(place for _, place in ruled), tuple(accepted.values()), tuple(refused.values()))


def _is_taken(rule: CellRule, value: object, example: Example) -> bool | None:
    """Whether a value is accepted or refused; ``None`` where it is read as a blank."""
    state = rule.typed_state(value, percent=example.percent)
    return None if state is None or state is FillState.EMPTY else state is not FillState.TO_CORRECT


def _keyed(value: object) -> object:
    """What a keyboard makes of a text: a number, where it writes one."""
    if not isinstance(value, str):
        return value
    try:
        return float(value.replace(",", ".")) if "." not in value else value
    except ValueError:
        return value
