"""The sheet « À décider »: one row a question, who says what, and the cell where staff choose.

Its reader is :mod:`tabellion.campaign.typed_decisions`; what both agree on is in :mod:`tabellion.layout.names`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tabellion.campaign.decisions import Decision, Question, Statement
from tabellion.campaign.model import Consolidation
from tabellion.findings import Place
from tabellion.layout.names import (
    CHOICE_HEADERS,
    CHOICES,
    DECISION,
    DECISION_COLUMN,
    DECISIONS,
    DECISIONS_TABLE,
    HEADER_ROW,
    QUESTION,
    WRITTEN,
    column_letters,
    quoted_sheet,
)
from tabellion.wording import plural, shortened
from tabellion.xlsx.lists import CellMaker, ListColumn, finish, maker_for, note, write_columns
from tabellion.xlsx.sheets import Cell
from tabellion.xlsx.writer import Sheet, Writer

OPEN, DECIDED, UNLISTED = "à décider", "décidé", "à choisir dans la liste"
STATE, NUMBER = "État", "N°"
_FIRST, _COUNT = "Premier choix", "Nombre de choix"
_PROMPT = (
    "Choisissez dans la liste, puis enregistrez. Choisir autre chose change la décision ; vider la cellule "
    "l'annule. Rien n'est perdu : le prochain passage l'applique."
)


class _Asked:
    """A question on its row: its number, its decision, where its choices begin among all (zero-based)."""

    def __init__(self, number: int, question: Question, consolidation: Consolidation, first: int) -> None:
        self.number, self.question, self.first = number, question, first
        self.decision: Decision | None = consolidation.decisions.of(question.id)
        self.unlisted: Decision | None = consolidation.decisions.unlisted(question.id)

    @property
    def label(self) -> str | None:
        """What was chosen, as its choice is called now."""
        if self.decision is None:
            return None
        code = self.decision.choice
        return next((choice.label for choice in self.question.choices if choice.code == code), self.decision.label)


def write_decisions(sheet: Sheet, consolidation: Consolidation, footer: str) -> None:
    """Write every question, open ones first, with the cell that decides it."""
    rows, first = list[_Asked](), 0
    for number, question in enumerate(consolidation.questions, 1):
        rows.append(_Asked(number, question, consolidation, first))
        first += len(question.choices)
    columns = _columns(maker_for(sheet.writer, len(rows)))
    sheet.title(DECISIONS, "Ce que les retours laissent à l'équipe du contrat, et ce qu'elle a choisi", len(columns))
    left = len(consolidation.open_questions)
    counted = f"{plural(left, 'question ouverte', 'questions ouvertes')} sur {len(rows)}."
    how = f"Choisissez dans la colonne « {DECISION} », puis enregistrez : le prochain passage applique vos choix."
    note(sheet, 2, f"{counted} {how}")
    last = write_columns(sheet, DECISIONS_TABLE, HEADER_ROW, columns, rows, empty="Rien à décider.")
    if rows:
        _add_lists(sheet, last, columns)
    technical = (QUESTION, WRITTEN, _FIRST, _COUNT)
    sheet.hide([place for place, column in enumerate(columns) if column.label in technical], button=False)
    finish(sheet, footer, columns=1, area=(last, DECISION_COLUMN + 3))


def write_choices(writer: Writer, questions: Sequence[Question]) -> None:
    """Write the hidden sheet of what may be chosen, question after question."""
    sheet, style = writer.sheet(CHOICES), writer.format()
    for column, header in enumerate(CHOICE_HEADERS):
        sheet.write(0, column, header, writer.format(bold=True))
    row = 1
    for question in questions:
        for choice in question.choices:
            for column, text in enumerate((question.id, choice.code, choice.label)):
                sheet.write(row, column, text, style)
            row += 1
    sheet.raw.very_hidden()


def _add_lists(sheet: Sheet, last: int, columns: Sequence[ListColumn]) -> None:
    """Give each decision its own drop-down.

    The list is found by two hidden columns of its own row, and not by the row's number: people sort tables.
    """
    labels = [column.label for column in columns]
    start, count = (f"${column_letters(labels.index(label))}{HEADER_ROW + 2}" for label in (_FIRST, _COUNT))
    source = f"=OFFSET({quoted_sheet(CHOICES)}!$C$2,{start},0,{count},1)"
    area = (HEADER_ROW + 1, DECISION_COLUMN, last, DECISION_COLUMN)
    sheet.validation(area, {"validate": "list", "source": source}, _PROMPT, DECISION, "Choisissez dans la liste.")
    filled = {"type": "no_blanks", "format": sheet.writer.coloured("juste")}
    sheet.raw.conditional_format(*area, filled)


def _columns(maker: CellMaker) -> list[ListColumn]:
    writer = maker.writer
    colours = writer.theme.colours
    editable = writer.format(
        bold=True, text_wrap=True, valign="vcenter", align="center", num_format="@",
        border=2, border_color=colours["avertissement_texte"],
        bg_color=colours["avertissement"], font_color=colours["avertissement_texte"],
    )  # fmt: skip

    def state(row: _Asked) -> Cell:
        if row.unlisted is not None:
            return maker.state(f"✗ « {shortened(row.unlisted.label, 40)} » : {UNLISTED}", "erreur")
        return maker.state(f"✓ {DECIDED}", "juste") if row.decision else maker.state(f"? {OPEN}", "avertissement")

    def partner_cell(row: _Asked) -> Cell:
        places = [statement.place for statement in row.question.statements if statement.place != row.question.place]
        place = next(iter(places), None)
        return maker.link(_where(place), place) if place is not None else maker.text(None)

    def contract_cell(row: _Asked) -> Cell:
        place = row.question.place
        return maker.link(_where(place), place) if place is not None else maker.text("pas au contrat")

    def statements(row: _Asked) -> Cell:
        return maker.text("\n".join(map(_statement_line, row.question.statements)))

    def technical(label: str, value: Any) -> ListColumn:
        return ListColumn(label, 10, cell=lambda row: maker.centred(value(row)))

    return [
        ListColumn(NUMBER, 5, "center", cell=lambda row: maker.centred(row.number)),
        ListColumn(STATE, 13, "center", cell=state),
        ListColumn("Sujet", 15, cell=lambda row: maker.text(row.question.kind.value)),
        ListColumn("Ligne", 30, cell=lambda row: maker.text(row.question.row)),
        ListColumn("Champ", 14, cell=lambda row: maker.text(row.question.title or None)),
        ListColumn("Ce que chacun dit", 38, cell=statements),
        ListColumn("Au contrat", 18, cell=contract_cell),
        ListColumn("Au retour", 18, cell=partner_cell),
        ListColumn(DECISION, 22, "center", cell=lambda row: Cell(row.label, editable)),
        ListColumn(
            "Décidé par", 14, cell=lambda row: maker.text(row.decision.who or "sans nom" if row.decision else None)
        ),
        ListColumn("Le", 15, "center", cell=lambda row: maker.moment(row.decision.when if row.decision else None)),
        ListColumn("Ce que fait chaque choix", 52, cell=lambda row: maker.text(_meanings(row.question))),
        technical(QUESTION, lambda row: row.question.id),
        technical(WRITTEN, lambda row: row.label),
        technical(_FIRST, lambda row: row.first),
        technical(_COUNT, lambda row: len(row.question.choices)),
    ]


def _statement_line(statement: Statement) -> str:
    return f"{statement.who} : {statement.words}"


def _meanings(question: Question) -> str:
    return "\n".join(f"{choice.label} : {choice.meaning}" for choice in question.choices)


def _where(place: Place) -> str:
    name = (place.fichier or "").rpartition("/")[2]
    return ", ".join(words for words in (place.feuille, place.cellule) if words) or name
