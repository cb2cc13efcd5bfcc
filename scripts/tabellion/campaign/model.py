"""What a consolidation is, as data: files received, where each partner stands, changes, conflicts, the merged tables.

Every ``Place`` here names its file as people find it from the folder ``workbooks/``: ``contrat.xlsx``,
``retours/ville.xlsx``. Values are those of the tables: integer cents, days as dates, keys, ``None`` for blank.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from functools import cached_property
from sys import intern
from typing import Any, NamedTuple

from tabellion.addresses import cell_name
from tabellion.campaign.decisions import Decisions, Question
from tabellion.campaign.sent_mail import ReceivedMail, SentMail
from tabellion.contract.book import Book
from tabellion.findings import Finding, Place, Severity
from tabellion.layout.forms import FilledBy
from tabellion.measures.board import ReturnStatus, StatusCounts, came_late
from tabellion.schema import Key
from tabellion.schema.tables import Row


class Verdict(Enum):
    """What became of one file received."""

    IN_FORCE = "en vigueur"
    ALREADY_ADOPTED = "déjà adopté"
    REJECTED = "rejeté"
    OLDER = "remplacé par un plus récent"
    TWIN = "identique à un autre"
    UNDECIDED = "à départager"
    PASSED_OVER = "écarté, décidé"
    JOINED = "joint au plus récent"
    EMPTY = "vide"
    FOREIGN = "pas un formulaire de ce contrat"
    UNREADABLE = "illisible"


class ReturnedRow(NamedTuple):
    """One row of one table of the register, as one partner's return has it.

    ``values`` are the fields that the form shows, asks or implies; ``before`` those of them that the partner changed,
    with the value as sent (``None`` for all that it typed on a row of its own, ``is_new``). ``sheet`` and ``row``
    (one-based) are its place in the return, ``columns`` the one-based columns of the fields that have a cell.
    ``fichier`` is another file of the same partner, where the row was taken from it. A named tuple because there are
    tens of thousands.
    """

    table: str
    key: Key
    values: Row
    before: Row
    is_new: bool
    sheet: str
    row: int
    columns: Mapping[str, int]
    fichier: str = ""

    def place(self, fichier: str, champ: str | None = None) -> Place:
        """The cell of a field in the return ``fichier``; the row's first cell for a field without one."""
        cell = cell_name(self.row, self.columns.get(champ or "") or min(self.columns.values(), default=1))
        return Place(self.fichier or fichier, self.sheet, intern(cell))


@dataclass(frozen=True)
class ReceivedFile:
    """One file of ``retours/`` (or, where ``is_kept_copy``, the accepted return that was kept when its file went).

    ``saved`` is the time written inside the file by the program that saved it (UTC, without its zone), ``author`` who
    saved it last. ``other`` is the file that it is older than, or the same as. ``annotated`` is its annotated copy.
    ``findings`` are placed in this file, ``filled_by`` is who says that they filled it.
    """

    fichier: str
    sha256: str
    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    partenaire: str | None = None
    exercice: int | None = None
    saved: datetime | None = None
    author: str = ""
    other: str | None = None
    annotated: str | None = None
    is_kept_copy: bool = False
    filled_by: FilledBy | None = None

    @property
    def counts(self) -> Counter[Severity]:
        """How many findings of each severity."""
        return Counter(finding.gravite for finding in self.findings)


@dataclass(frozen=True)
class BoardLine:
    """One partner in the campaign of one exercice.

    ``sent`` is the form written for it (``envois/2016/ville-2016.xlsx``), ``None`` when there is none; ``received``
    are its files, the latest first; ``in_force`` the one whose answers count; ``due`` the campaign's date.
    """

    partenaire: str
    nom: str
    courriel: str | None
    exercice: int
    status: ReturnStatus
    sent: str | None = None
    received: tuple[ReceivedFile, ...] = ()
    in_force: ReceivedFile | None = None
    due: date | None = None

    @property
    def contacts(self) -> tuple[str, ...]:
        """The addresses of ``courriel``, which may have several."""
        return tuple(dict.fromkeys(filter(None, map(str.strip, (self.courriel or "").split(";")))))

    @property
    def is_late(self) -> bool:
        """Whether it was asked something, and nothing came by the campaign's date."""
        return self.status is ReturnStatus.LATE

    @property
    def came_late(self) -> bool:
        """Whether what counts was saved after the campaign's date."""
        return came_late(self.due, self.in_force.saved if self.in_force is not None else None)

    @property
    def latest(self) -> ReceivedFile | None:
        """The file to talk about with the partner: the last one received."""
        return self.received[0] if self.received else None

    @property
    def counts(self) -> Counter[Severity]:
        """The findings of the latest file, by severity."""
        return self.latest.counts if self.latest is not None else Counter()


class MergeOutcome(Enum):
    """What became of a change."""

    APPLIED = "appliquée"
    PRESENT = "déjà au contrat"
    CONFLICT = "en conflit"
    OUTDONE = "remplacée par un exercice plus récent"
    DECLINED = "écartée, décidé"
    REMOVED = "ligne supprimée"


class Modification(NamedTuple):
    """One cell that a return says otherwise than the form as sent (``before``), or that staff changed in the workbook:
    who (``partenaire`` and ``exercice`` are ``None`` for the staff), where, when.

    ``is_new_row`` when the whole row was added; ``place`` is the cell of the return, or of the workbook. A named tuple
    because there are hundreds of thousands.
    """

    table: str
    key: Key
    champ: str
    before: Any
    after: Any
    partenaire: str | None
    exercice: int | None
    place: Place
    saved: datetime | None
    author: str
    outcome: MergeOutcome
    is_new_row: bool = False


@dataclass(frozen=True, slots=True)
class Conflict:
    """One cell that several people changed differently: ``kept`` is the master's value, which stays.

    ``sent`` is the value that the forms were sent with; ``place`` the master's cell (``None`` when its row is gone, or
    never was there); ``claims`` what each partner says.
    """

    table: str
    key: Key
    champ: str
    sent: object
    kept: object
    place: Place | None
    claims: tuple[Modification, ...]


@dataclass(frozen=True, slots=True)
class Removal:
    """A row that a partner removed from its form: proposed, never applied. ``place`` is where it is missing."""

    table: str
    key: Key
    libelle: str
    partenaire: str
    exercice: int
    place: Place


@dataclass(frozen=True, slots=True)
class DroppedRow:
    """A row that a decision takes out of the contract: ``place`` is where it stood, ``question`` what was asked."""

    table: str
    key: Key
    libelle: str
    place: Place
    question: str


class RequestStatus(Enum):
    """What became of a request that staff made in Excel."""

    ASKED = "demandé, en attente"
    BEGUN = "en cours"
    DONE = "fait"
    REFUSED = "pas fait"


@dataclass(frozen=True, slots=True)
class RequestEntry:
    """One request, known by its code and by the edition of the consolidated workbook in which it was typed.

    ``confirmation`` is what was confirmed, ``ended`` when it was done or refused, ``result`` what came of it.
    """

    code: str
    edition: str
    confirmation: str = ""
    who: str = ""
    status: RequestStatus = RequestStatus.ASKED
    ended: datetime | None = None
    result: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """Something that staff may ask for: ``confirmation`` is what they must confirm first (empty: nothing)."""

    code: str
    label: str
    meaning: str
    confirmation: str = ""
    last: RequestEntry | None = None


@dataclass(frozen=True, slots=True)
class CellChange:
    """One cell of the consolidated tables that is not what it was at the previous run."""

    table: str
    key: Key
    champ: str
    before: object
    after: object
    place: Place | None


@dataclass(frozen=True)
class ChangesSince:
    """What changed since the previous consolidation, made at ``previous`` (``None``: this one is the first).

    ``status_changes`` are (partner, exercice, before, after) in words; ``totals`` the grand total of one amount of the
    exercice, in cents, before and after (``None``: not known); ``total_of`` names it: ``prévu 2016``.
    """

    previous: datetime | None = None
    cells: tuple[CellChange, ...] = ()
    status_changes: tuple[tuple[str, int, str, str], ...] = ()
    new_findings: int = 0
    gone_findings: int = 0
    totals: tuple[int | None, int | None] | None = None
    total_of: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing changed."""
        return not (self.cells or self.status_changes or self.new_findings or self.gone_findings)


@dataclass(frozen=True)
class Consolidation:
    """The state of the contract once the master and all accepted returns are put together.

    ``contract`` has the consolidated tables (indexes 0, 1, 2, …), ``master`` those of the contract alone.
    ``row_places[table][position]`` is the place of a row (its file, sheet and first cell; a line of the register when
    there is no master workbook); ``cells[table][position]`` those of the values that come from returns, by field.
    ``locate`` knows the cell of the master where any other value stands; without it, only its row's first one is known.
    ``strays`` are files that are nobody's form. ``findings`` are all: of the master, of each file, across partners.
    ``questions`` are what people have to decide, or have decided (``decisions``): the open ones first. ``dropped`` are
    the rows that decisions take out. ``made`` is when this state was first reached.
    """

    contract: Book
    master: Book
    row_places: Mapping[str, list[Place]]
    cells: Mapping[str, Sequence[Mapping[str, Place]]]
    board: tuple[BoardLine, ...]
    strays: tuple[ReceivedFile, ...]
    modifications: tuple[Modification, ...]
    """What returns change; ``staff`` is what the staff changed since the last adoption."""
    conflicts: tuple[Conflict, ...]
    removals: tuple[Removal, ...]
    findings: tuple[Finding, ...]
    made: datetime
    staff: tuple[Modification, ...] = ()
    withheld: Key = ()
    since: ChangesSince = field(default_factory=ChangesSince)
    questions: tuple[Question, ...] = ()
    decisions: Decisions = field(default_factory=Decisions)
    dropped: tuple[DroppedRow, ...] = ()
    requests: tuple[Request, ...] = ()
    mails: tuple[SentMail, ...] = ()
    received_mails: tuple[ReceivedMail, ...] = ()
    locate: Callable[[str, int, str], Place] | None = field(default=None, compare=False, repr=False)

    def place(self, table: str, position: int, champ: str) -> Place:
        """The cell that a consolidated value comes from, in a return or in the master."""
        if self.locate is not None:
            return self.locate(table, position, champ)
        return (table in self.cells and self.cells[table][position].get(champ)) or self.row_places[table][position]

    @property
    def changes(self) -> tuple[Modification, ...]:
        """What the staff changed, then what returns change."""
        return (*self.staff, *self.modifications)

    @cached_property
    def partner_names(self) -> dict[str, str]:
        """The partners' names by identifier."""
        return self.contract.labels("partenaires")

    @cached_property
    def open_questions(self) -> tuple[Question, ...]:
        """The questions that nobody has decided yet."""
        return tuple(question for question in self.questions if self.decisions.of(question.id) is None)

    def status_counts(self, exercice: int) -> StatusCounts:
        """How many partners stand where in the campaign of an exercice."""
        return StatusCounts.of(line.status for line in self.board if line.exercice == exercice)

    @property
    def exercices(self) -> list[int]:
        """The exercices that the campaign has forms or returns of, the latest first."""
        return sorted({line.exercice for line in self.board}, reverse=True)
