"""The decisions typed in a consolidated workbook, read from its cells. Pure.

The workbook itself says what may be chosen (a hidden sheet): a choice is understood whatever became of the question.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from tabellion.addresses import cell_name
from tabellion.campaign.decisions import Choice, Decision, TypedDecision, choice_of
from tabellion.findings import Place
from tabellion.layout.names import CHOICES, DECISION, EDITION, IDENTITY, QUESTION, WRITTEN
from tabellion.reading.hidden import read_identity, word
from tabellion.reading.raw import RawSheet, RawWorkbook

#: Characters kept of what was typed and of the question's words.
LONGEST = 200
_KIND, _SUBJECT = "consolidation", "Ligne"


@dataclass(frozen=True, slots=True)
class DecisionSheet:
    """The sheet of decisions in a workbook: the one-based row of its header, and its columns by header."""

    sheet: RawSheet
    header_row: int
    columns: dict[str, int]

    def text(self, row: int, label: str) -> str:
        """The text of a cell of a one-based row; empty where there is no such column."""
        column = self.columns.get(label)
        return "" if column is None else word(self.sheet.value(row, column)).strip()


def is_ours(workbook: RawWorkbook, contrat: str) -> bool:
    """Whether a workbook says that it is a consolidation of this contract."""
    identity, _ = read_identity(workbook.sheet(IDENTITY))
    return identity.get("genre") == _KIND and identity.get("contrat") == contrat


def find_decisions(workbook: RawWorkbook) -> DecisionSheet | None:
    """The sheet of decisions, whatever it is called now; ``None`` where there is none."""
    return find_table(workbook, (DECISION, QUESTION, WRITTEN))


def find_table(workbook: RawWorkbook, headers: Sequence[str]) -> DecisionSheet | None:
    """The list that has these headers, on whatever sheet it stands; ``None`` where there is none."""
    for sheet in workbook.sheets:
        for number, line in enumerate(sheet.rows, 1):
            columns = {value: column for column, value in enumerate(line, 1) if isinstance(value, str)}
            if all(header in columns for header in headers):
                return DecisionSheet(sheet, number, columns)
    return None


def read_choices(workbook: RawWorkbook) -> dict[str, list[Choice]]:
    """What may be chosen for each question, by its id."""
    choices: dict[str, list[Choice]] = {}
    sheet = workbook.sheet(CHOICES)
    for line in sheet.rows[1:] if sheet is not None else []:
        question, code, label, *_ = [word(value) for value in line] + ["", "", ""]
        if question and code:
            choices.setdefault(question, []).append(Choice(code, label, ""))
    return choices


def read_typed(workbook: RawWorkbook, fichier: str, saved: datetime) -> Iterator[TypedDecision]:
    """Every « Décision » cell of a consolidated workbook, changed or not; nothing where it has no such sheet.

    ``fichier`` is its name from ``workbooks/``, ``saved`` when it was saved.
    """
    table, choices = find_decisions(workbook), read_choices(workbook)
    if table is None:
        return
    edition = read_identity(workbook.sheet(IDENTITY))[0].get(EDITION, "")
    author = workbook.properties.get("lastModifiedBy", "").strip()
    for row in range(table.header_row + 1, len(table.sheet.rows) + 1):
        question = table.text(row, QUESTION)
        if question not in choices:
            continue
        typed = table.text(row, DECISION)[:LONGEST]
        choice = choice_of(typed, choices[question])
        yield TypedDecision(
            Decision(
                question, choice.code if choice else "", choice.label if choice else typed, author, saved, edition,
                table.text(row, _SUBJECT)[:LONGEST],
            ),
            table.text(row, WRITTEN),
            Place(fichier, table.sheet.name, cell_name(row, table.columns[DECISION])),
        )  # fmt: skip
