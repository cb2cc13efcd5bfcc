"""What staff ask for in Excel instead of a terminal: the requests there may be, and what became of each. Pure.

Each saving of a consolidated workbook asks once: a request is known by its code and by the edition it was typed in, and
is noted as begun before anything is done, so that no stop makes the program do it twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from tabellion.campaign.decisions import QuestionKind
from tabellion.campaign.model import Consolidation, MergeOutcome, Modification, Request, RequestEntry, RequestStatus
from tabellion.campaign.typed_decisions import find_table
from tabellion.contract.folders import REQUESTS_FILE
from tabellion.findings import Json
from tabellion.layout.names import CONFIRMATION, DO_IT, EDITION, IDENTITY, REQUEST, REQUEST_CODE, TO_CONFIRM
from tabellion.measures.board import REMINDED, UNANSWERED
from tabellion.reading.hidden import read_identity
from tabellion.reading.raw import RawWorkbook
from tabellion.transaction.stored import read_stored
from tabellion.wording import fold, plural, shortened

FORMS, REMIND, ADOPT, PUBLISH, EXPORT = "formulaires:", "relances", "adopter", "publier", "exporter"
SEND, SEND_REMINDERS = "envoyer", "envoyer-relances"
#: Entries that are kept, the latest ones.
_KEPT = 200


@dataclass(frozen=True)
class RequestLog:
    """The requests of a workspace, oldest first."""

    entries: tuple[RequestEntry, ...] = ()

    @property
    def pending(self) -> tuple[RequestEntry, ...]:
        """The requests that nobody has begun."""
        return tuple(entry for entry in self.entries if entry.status is RequestStatus.ASKED)

    def last(self, code: str) -> RequestEntry | None:
        """The last request of a code."""
        return next((entry for entry in reversed(self.entries) if entry.code == code), None)

    def new(self, typed: Iterable[RequestEntry]) -> list[RequestEntry]:
        """Of what is typed in a workbook, what was not known."""
        known = {(entry.code, entry.edition) for entry in self.entries}
        return [entry for entry in typed if (entry.code, entry.edition) not in known]

    def with_typed(self, typed: Iterable[RequestEntry], now: datetime, *, is_served: bool) -> RequestLog:
        """The log with what is newly asked; without a watcher (``is_served``) nothing will be done of it."""
        entries = list(self.entries)
        for entry in self.new(typed):
            if entry.status is RequestStatus.ASKED and not is_served:
                words = (
                    "pas fait : aucune surveillance ne tourne ; la personne qui a installé tabellion la remet en marche"
                )
                entry = replace(entry, status=RequestStatus.REFUSED, ended=now, result=words)
            entries.append(replace(entry, ended=now) if entry.status is RequestStatus.REFUSED else entry)
        return RequestLog(tuple(entries[-_KEPT:]))

    def interrupted(self, now: datetime) -> RequestLog:
        """The log where what was begun and never ended is said: it is not done again."""
        words = "interrompu avant la fin : vérifiez ce qui a été fait, puis redemandez"
        return RequestLog(
            tuple(
                replace(entry, status=RequestStatus.REFUSED, ended=now, result=words)
                if entry.status is RequestStatus.BEGUN
                else entry
                for entry in self.entries
            )
        )

    def noting(self, entry: RequestEntry) -> RequestLog:
        """The log with another state of one of its requests."""
        same = (entry.code, entry.edition)
        return RequestLog(
            tuple(entry if (request.code, request.edition) == same else request for request in self.entries)
        )

    def content(self) -> bytes:
        """The file of this log."""
        rows = [
            {
                "code": entry.code,
                "edition": entry.edition,
                "confirmation": entry.confirmation,
                "par": entry.who,
                "etat": entry.status.name,
                "fini": entry.ended and entry.ended.isoformat(),
                "resultat": entry.result,
            }
            for entry in self.entries
        ]
        return (json.dumps({"demandes": rows}, ensure_ascii=False, indent=1) + "\n").encode()


def load_requests(memory: Path) -> RequestLog:
    """The requests that the workspace remembers; none where there is no file that can be read."""
    entries = read_stored(memory / REQUESTS_FILE, lambda content: tuple(map(_entry, content["demandes"])))
    return RequestLog(entries or ())


def _entry(row: Json) -> RequestEntry:
    ended = None if row["fini"] is None else datetime.fromisoformat(row["fini"])
    return RequestEntry(
        str(row["code"]), str(row["edition"]), str(row["confirmation"]), str(row["par"]),
        RequestStatus[row["etat"]], ended, str(row["resultat"]),
    )  # fmt: skip


def read_requests(workbook: RawWorkbook) -> Iterator[RequestEntry]:
    """What is asked in a consolidated workbook; what cannot be done as it is typed is refused, with the reason."""
    table = find_table(workbook, (REQUEST, REQUEST_CODE, TO_CONFIRM))
    if table is None:
        return
    edition = read_identity(workbook.sheet(IDENTITY))[0].get(EDITION, "")
    author = workbook.properties.get("lastModifiedBy", "").strip()
    for row in range(table.header_row + 1, len(table.sheet.rows) + 1):
        code, typed = table.text(row, REQUEST_CODE), table.text(row, REQUEST)
        if not code or not typed:
            continue
        confirmation, expected = table.text(row, CONFIRMATION), table.text(row, TO_CONFIRM)
        entry = RequestEntry(code, edition, expected, author)
        reason = ""
        if fold(typed) != fold(DO_IT):
            reason = f"« {shortened(typed, 60)} » n'est pas dans la liste : choisissez « {DO_IT} »"
        elif expected and fold(confirmation) != fold(expected):
            reason = f"choisissez aussi « {expected} » dans la colonne « {CONFIRMATION} »"
        if reason:
            entry = replace(entry, status=RequestStatus.REFUSED, result=f"pas fait : {reason}")
        yield entry


def requests_of(consolidation: Consolidation, log: RequestLog) -> tuple[Request, ...]:
    """The requests that may be made of this state, each with what became of the last one."""
    settings = consolidation.contract.settings
    year = settings.exercice_courant
    requests = []
    for exercice in (year, year + 1):
        if settings.debut <= exercice <= settings.fin:
            moves = " ; l'exercice courant avance" if exercice > year else ""
            words = f"Écrit un formulaire par partenaire dans envois/{exercice}/{moves}."
            requests.append(Request(f"{FORMS}{exercice}", f"préparer les formulaires de {exercice}", words))
    words = f"Écrit un message par partenaire en retard, ou à corriger, dans relances/{year}/. Rien n'est envoyé."
    requests.append(Request(REMIND, "préparer les relances", words))
    if settings.courriel is not None:
        words = f"De l'année {year} ; le Suivi dit ce que chacun devient."
        for code, title in (
            (SEND, "envoyer les formulaires par courriel"),
            (SEND_REMINDERS, "envoyer les relances par courriel"),
        ):
            requests.append(Request(code, title, words, sending_words(consolidation, code)))
    confirmation = adoption_words(consolidation)
    words = "Ce que disent les retours entre au contrat ; l'ancien contrat est gardé dans archives/."
    requests.append(
        Request(ADOPT, "adopter", words if confirmation else "Rien à adopter pour l'instant.", confirmation)
    )
    requests.append(Request(PUBLISH, "publier le document", "Écrit le document Word du contrat dans publication/."))
    requests.append(Request(EXPORT, "exporter", "Écrit les données ouvertes du contrat dans export/."))
    return tuple(replace(request, last=log.last(request.code)) for request in requests)


def adoption_words(consolidation: Consolidation) -> str:
    """What adopting changes, as its confirmation names it; empty where it changes nothing."""
    applied = [change for change in consolidation.modifications if change.outcome is MergeOutcome.APPLIED]
    parts = [*change_parts(applied), *decided_parts(consolidation)]
    return f"oui, adopter {' et '.join(filter(None, (', '.join(parts[:-1]), parts[-1])))}" if parts else ""


def sending_words(consolidation: Consolidation, code: str) -> str:
    """To how many partners a request to send writes, as its confirmation names it; empty where it is nobody."""
    year = consolidation.contract.settings.exercice_courant
    statuses = UNANSWERED if code == SEND else REMINDED
    lines = [line for line in consolidation.board if line.exercice == year and line.status in statuses and line.sent]
    written_to = sum(bool(line.contacts) for line in lines)
    return f"oui, envoyer à {plural(written_to, 'partenaire')}" if written_to else ""


def change_parts(changes: Sequence[Modification]) -> list[str]:
    """How many cells changes are about, and how many new rows."""
    rows = {(change.table, change.key) for change in changes if change.is_new_row}
    cells = sum(not change.is_new_row for change in changes)
    return [plural(count, singular, several) for count, singular, several in
            ((cells, "cellule", None), (len(rows), "nouvelle ligne", "nouvelles lignes")) if count]  # fmt: skip


def decided_parts(consolidation: Consolidation) -> list[str]:
    """How many rows decisions take out of the contract, and how many names they add to its workbook or link there."""
    own = consolidation.master.fichier
    removed = {(row.table, row.key) for row in consolidation.dropped if row.place.fichier == own}
    named = [
        question
        for question in consolidation.questions
        if question.kind is QuestionKind.NEWCOMER and question.champ is None
    ]
    return [plural(count, singular, several) for count, singular, several in
            ((len(removed), "ligne supprimée", "lignes supprimées"), (len(named), "nom décidé", "noms décidés"))
            if count]  # fmt: skip
