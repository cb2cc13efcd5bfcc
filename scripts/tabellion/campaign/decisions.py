"""What staff decide: questions known by their content, and the decisions kept beside the register. Pure but for a read.

A decision is remembered by the content of its question: the same contradiction is never asked again, another one is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from pathlib import Path

from tabellion.findings import Json, Place
from tabellion.schema import Key
from tabellion.transaction.stored import read_needed
from tabellion.wording import fold

#: The file of the decisions, in the register's folder.
DECISIONS_FILE = "decisions.json"
_ID_LENGTH = 16


class QuestionKind(Enum):
    """What a question is about, in the words of the sheet."""

    CONFLICT = "Conflit"
    REMOVAL = "Suppression proposée"
    VERSIONS = "Fichiers à départager"
    PARTIAL = "Réponse partielle"
    WHOSE = "Partenaire à confirmer"
    SAME_LINE = "Lignes semblables"
    MANY_REMOVED = "Suppression à confirmer"
    EMPTIED = "Colonne vidée d'un coup"
    SORTED = "Colonne triée seule"
    UNDONE = "Saisies défaites"
    NEWCOMER = "Nom inconnu"
    SENDER = "Expéditeur inconnu"


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer to a question: ``code`` is what it means to the program, ``label`` what people choose."""

    code: str
    label: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Statement:
    """What somebody says of it, in words, and the cell where."""

    who: str
    words: str
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """Something that only people can decide. ``id`` is :func:`question_id` of its content.

    ``key`` and ``champ`` are the row and the field that it is about (``champ`` is ``None`` for a whole row, ``key``
    empty where it is about no row), ``row`` and ``title`` their words; ``sentence`` says what is the matter. ``place``
    is the cell of the contract, where there is one.
    """

    id: str
    kind: QuestionKind
    table: str
    key: Key
    champ: str | None
    row: str
    title: str
    sentence: str
    statements: tuple[Statement, ...]
    choices: tuple[Choice, ...]
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What was chosen for a question: by whom, when (UTC, without its zone).

    ``choice`` is the code of a choice; it is empty where the decision was taken back (``label`` empty too), or where
    what was typed (``label``) is none of the choices. ``edition`` is the consolidated workbook that it was typed in,
    ``subject`` the question in words, for whoever reads the file.
    """

    question: str
    choice: str
    label: str
    who: str
    when: datetime
    edition: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True)
class TypedDecision:
    """One « Décision » cell of a consolidated workbook: what it said when it was written, what it says now.

    ``choice`` is the code of what was typed, empty where it is none of the choices; ``place`` is the cell.
    """

    decision: Decision
    written: str
    place: Place


@dataclass(frozen=True)
class Decisions:
    """Every decision taken, by the id of its question."""

    by_question: Mapping[str, Decision] = field(default_factory=dict)

    def of(self, question: str) -> Decision | None:
        """What was decided of a question; ``None`` while nothing is in force."""
        decision = self.by_question.get(question)
        return decision if decision is not None and decision.choice else None

    def code(self, question: str) -> str | None:
        """The code of the choice in force, ``None`` while there is none."""
        decision = self.of(question)
        return None if decision is None else decision.choice

    def unlisted(self, question: str) -> Decision | None:
        """What was typed for a question without being one of its choices."""
        decision = self.by_question.get(question)
        return decision if decision is not None and decision.label and not decision.choice else None

    def with_typed(self, typed: Iterable[TypedDecision], *, in_place: bool) -> tuple[Decisions, list[TypedDecision]]:
        """These decisions with what was typed in a workbook since it was written, and what of it is new.

        A cell as it was written says nothing. Of two workbooks the one saved last counts; what was typed in the one
        ``in_place``, made when the known decision was in force, comes after that decision whatever the clocks say.
        """
        known, new = dict(self.by_question), list[TypedDecision]()
        for answer in typed:
            decision, before = answer.decision, known.get(answer.decision.question)
            label_before = "" if before is None else before.label
            shown = label_before if before is not None and before.choice else ""
            is_same_edition = before is not None and before.edition == decision.edition
            is_changed = decision.label != answer.written or (is_same_edition and decision.label != label_before)
            if not is_changed or decision.label == label_before:
                continue
            follows = in_place and (answer.written == shown or is_same_edition)
            if before is None or follows or decision.when > before.when:
                known[decision.question] = decision
                new.append(answer)
        return Decisions(known), new

    def content(self) -> bytes:
        """The file of these decisions: the same decisions give the same bytes."""
        rows = [
            {
                "question": taken.question,
                "sujet": taken.subject,
                "choix": taken.choice,
                "libelle": taken.label,
                "par": taken.who,
                "le": taken.when.isoformat(),
                "edition": taken.edition,
            }
            for taken in sorted(self.by_question.values(), key=lambda decision: decision.question)
        ]
        return (json.dumps({"decisions": rows}, ensure_ascii=False, indent=1) + "\n").encode()


def load_decisions(registre: Path) -> Decisions:
    """The decisions kept beside the register; none where there is no file.

    Raises :class:`TabellionError` when the file is there and cannot be read.
    """
    remedy = "Remettez celui de la dernière sauvegarde, ou supprimez-le : les questions seront alors posées à nouveau."
    written = "le fichier des décisions que la consolidation a écrit"
    return read_needed(registre / DECISIONS_FILE, _decisions_of, written, remedy) or Decisions()


def _decisions_of(content: Json) -> Decisions:
    decisions = [
        Decision(
            str(row["question"]), str(row["choix"]), str(row["libelle"]), str(row["par"]),
            datetime.fromisoformat(row["le"]).replace(tzinfo=None), str(row["edition"]), str(row["sujet"]),
        )
        for row in content["decisions"]
    ]  # fmt: skip
    return Decisions({decision.question: decision for decision in decisions})


def question_id(kind: QuestionKind, *content: object) -> str:
    """What stands for a question: a digest of all that it depends on, and of nothing else."""
    text = json.dumps([kind.name, *content], ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_ID_LENGTH]


def choice_of(typed: str, choices: Sequence[Choice]) -> Choice | None:
    """The choice that people typed, as people compare texts; its beginning is enough where no other begins so."""
    asked = fold(typed)
    same = [choice for choice in choices if fold(choice.label) == asked]
    begun = same or [choice for choice in choices if asked and fold(choice.label).startswith(asked)]
    return begun[0] if len(begun) == 1 else None


def in_order(questions: Iterable[Question], decisions: Decisions) -> tuple[Question, ...]:
    """The questions as people go through them: those that are open first."""
    return tuple(sorted(questions, key=lambda question: decisions.of(question.id) is not None))
