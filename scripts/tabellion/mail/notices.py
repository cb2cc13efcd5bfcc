"""Notices: who is to be told of which return, what was told already, and the thread that tells it.

Nobody is told twice of the same content. What was sent is remembered by recipient, content of the file and findings;
a notice is noted as being sent before it is, so that a stop in the middle is known, said, and not repeated.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from tabellion.campaign.model import BoardLine, Consolidation, ReceivedFile, ReturnStatus, Verdict
from tabellion.campaign.parsed_return import digest_of
from tabellion.contract.workspace import SETTINGS_FILE, MailSettings, Workspace, is_mail_address
from tabellion.findings import Finding, Place, Severity, TabellionError, finding
from tabellion.findings.codes import campaign
from tabellion.mail.sent_notices import Ledger
from tabellion.mail.smtp import (
    DoubtfulError,
    Letter,
    LetterError,
    MailError,
    RefusedError,
    Session,
    message_of,
)
from tabellion.transaction.commit import BESIDES
from tabellion.transaction.manifest import Trace, read_besides, trace
from tabellion.wording import system_reason

if TYPE_CHECKING:
    from jinja2 import Template

TEMPLATE = "avis.txt"
#: In the workspace's memory: what was sent.
LEDGER = "avis.json"
#: A return with one of these verdicts is to be corrected, or looked at; two that cannot be told apart are the staff's.
_TO_CORRECT = (Verdict.REJECTED, Verdict.UNREADABLE, Verdict.UNDECIDED)
_FOR_STAFF_ONLY = (Verdict.UNDECIDED,)
#: The findings of the campaign speak of other files too: of these only the kind makes another notice.
_OF_CAMPAIGN = {each.code for each in campaign.CODES}
_SUBJECT = re.compile(r"\s*Objet\s*:\s*(.*)")
#: After a failure the next attempt waits a minute, then twice as long each time, up to this.
_FIRST_WAIT, _LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=6)
#: Where what was sent cannot be noted, or the program made a mistake.
_WITHOUT_LEDGER = timedelta(minutes=10)


@dataclass(frozen=True)
class Notice:
    """One ``recipient`` (an address) to tell of one return. ``told`` is the partner's address, where it is told too."""

    recipient: str
    file: ReceivedFile
    line: BoardLine
    told: str | None

    @property
    def key(self) -> str:
        """The same for the same recipient, content and findings, wherever the file is and whatever its name."""
        said = sorted(
            [each.code] if each.code in _OF_CAMPAIGN else
            [each.code, *map(repr, (each.place.feuille, each.place.cellule, each.place.ligne, each.champ, each.valeur))]
            for each in self.file.findings
            if each.gravite is not Severity.INFORMATION
        )  # fmt: skip
        return digest_of([self.recipient.casefold(), self.file.sha256 or self.file.fichier, said])


def due_notices(consolidation: Consolidation, mail: MailSettings) -> list[Notice]:
    """Every notice that this state calls for, sent already or not, each once, in the order of the board.

    A return to correct is told to its partner's contact (where ``partenaires`` is set) and to the staff; a file that is
    nobody's form, or two that cannot be told apart, to the staff.
    """
    notices: dict[str, Notice] = {}
    for line, file in _to_correct(consolidation):
        contact = line.courriel if mail.partenaires and file.verdict not in _FOR_STAFF_ONLY else None
        told = contact if contact is not None and is_mail_address(contact) else None
        for recipient in dict.fromkeys(filter(None, (told, *mail.equipe))):
            notice = Notice(recipient, file, line, told)
            notices.setdefault(notice.key, notice)
    return list(notices.values())


def _to_correct(consolidation: Consolidation) -> Iterator[tuple[BoardLine, ReceivedFile]]:
    for line in consolidation.board:
        for file in line.received:
            if file.verdict in _TO_CORRECT and not file.is_kept_copy:
                # What the text says of a line is then this file's.
                kept = line.status is ReturnStatus.KEPT
                yield replace(line, received=(file,), status=ReturnStatus.KEPT if kept else ReturnStatus.REJECTED), file
    for file in consolidation.strays:
        yield BoardLine("", "", None, 0, ReturnStatus.REJECTED, None, (file,)), file


def letter_of(template: Template, path: Path, consolidation: Consolidation, notice: Notice) -> Letter:
    """The letter without its attachment; the template at ``path`` may be wrong (:class:`TabellionError`)."""
    from tabellion.outputs.reminders import reminder

    text = reminder(template, path, consolidation, replace(notice.line, courriel=notice.told))
    first, _, rest = text.partition("\n")
    said = _SUBJECT.fullmatch(first)
    subject = (
        said[1].replace("\u00a0", " ")
        if said is not None
        else f"{PurePosixPath(notice.file.fichier).name} : à corriger"
    )
    body = rest.lstrip("\n") if said is not None else text
    return Letter(notice.recipient, subject, body, notice.key)


@dataclass(frozen=True)
class Round:
    """What there was to tell when a consolidation was put in place: notices, each with its attachment as it was."""

    workspace: Workspace
    mail: MailSettings
    consolidation: Consolidation
    notices: tuple[tuple[Notice, Path | None, Trace | None], ...]


def round_of(workspace: Workspace, consolidation: Consolidation) -> Round | None:
    """What is to be told of a consolidation that has just been put in place; ``None`` where no mail is set."""
    mail = workspace.settings.courriel
    if mail is None:
        return None
    besides = read_besides(workspace.memory / BESIDES)
    notices = []
    for notice in due_notices(consolidation, mail):
        annotated, path = notice.file.annotated, None
        if annotated is not None:
            beside = besides.get(annotated)  # somebody has the copy open: the new one is beside
            path = workspace.workbooks / (annotated if beside is None or beside.path is None else beside.path)
        notices.append((notice, path, trace(path) if path is not None else None))
    return Round(workspace, mail, consolidation, tuple(notices))


class Postman:
    """Delivers rounds, one after the other, and remembers what was delivered in ``memory/avis.json``.

    ``stop`` is asked between two letters; ``environment`` has the password.
    """

    def __init__(
        self, memory: Path, environment: Mapping[str, str] = os.environ, stop: Callable[[], bool] = lambda: False
    ) -> None:
        self.environment, self.stop = environment, stop
        self.ledger = Ledger(memory / LEDGER)
        self.said: list[Finding] = []
        self._mail: MailSettings | None = None

    def deliver(self, round_: Round, now: datetime) -> datetime | None:
        """Send what is due, was not sent and is not to wait; when to come back, ``None`` when nothing is left.

        What went wrong is in ``said``; it never raises because of the mail, its server or its files.
        """
        try:
            return self._deliver(round_, now)
        except OSError as error:  # of the ledger: everything else is caught where it happens
            self.ledger = Ledger(self.ledger.path)  # what is on the disk is what counts
            shown, detail = self.ledger.path.name, system_reason(error)
            self.said.append(finding("avis-non-notes", Place(shown), valeur=shown, detail=detail))
            return now + _WITHOUT_LEDGER

    def _deliver(self, round_: Round, now: datetime) -> datetime | None:
        self._open_ledger({notice.key: notice for notice, _, _ in round_.notices}, now)
        due = [each for each in round_.notices if not self.ledger.is_done(each[0].key)]
        self.ledger.forget_waiting({notice.key for notice, _, _ in due})
        # What failed under other settings, which people have corrected since, waits no longer.
        is_mended, self._mail = self._mail not in (None, round_.mail), round_.mail
        ready = [
            each for each in due if is_mended or self.ledger.waits_until(each[0].key, now, _LONGEST_WAIT) <= now
        ]  # fmt: skip
        if ready:
            try:
                self._send(round_, ready, now)
            except TabellionError as error:  # the template
                self.said += error.findings
                self._postpone(ready, now)
        left = [notice.key for notice, _, _ in due if not self.ledger.is_done(notice.key)]
        if not left or self.stop():
            return None
        return min(self.ledger.waits_until(key, now, _LONGEST_WAIT) for key in left)

    def _open_ledger(self, due: Mapping[str, Notice], now: datetime) -> None:
        """Read what was sent; where that is lost, everything there counts as sent, and where it was cut, it is said."""
        aside = self.ledger.open()
        if aside is not None:
            for key, notice in due.items():
                self.ledger.note(key, "tenu pour envoyé", notice.recipient, notice.file.fichier, now)
            self.ledger.write()
            shown = self.ledger.path.name
            self.said.append(
                finding("avis-oublies", Place(shown), valeur=shown, attendu=aside.name, nombre=len(due))
            )  # fmt: skip
        for recipient, fichier in self.ledger.take_interrupted():
            self.said.append(finding("avis-incertain", Place(fichier), valeur=recipient))

    def _send(self, round_: Round, ready: list[tuple[Notice, Path | None, Trace | None]], now: datetime) -> None:
        from tabellion.outputs.reminders import load_template

        path = round_.workspace.templates / TEMPLATE
        template = load_template(path)
        sender = round_.consolidation.contract.settings.titre
        left = list(ready)
        try:
            with Session(round_.mail, self.environment) as session:
                while left and not self.stop():
                    notice, copy, before = left[0]
                    content = _attachment(copy, before)
                    if copy is None or content is not None:
                        letter = letter_of(template, path, round_.consolidation, notice)
                        if content is not None:
                            letter = replace(letter, attachment=(notice.file.fichier, content))
                        self._hand_over(session, letter, notice, round_.mail, sender, now)
                    else:  # it has just been replaced: another round comes
                        self._postpone([left[0]], now)
                    left.pop(0)
        except MailError as error:
            self._postpone(left, now)
            place, server = Place(SETTINGS_FILE), f"{round_.mail.serveur}:{round_.mail.port}"
            waiting = sum(not self.ledger.is_done(notice.key) for notice, _, _ in left)
            if isinstance(error, RefusedError):
                said = finding("courriel-refuse", place, valeur=server, detail=error.detail, attente=waiting)
                self.said.append(said)
            elif waiting:
                said = finding("courriel-injoignable", place, valeur=server, detail=error.detail, attente=waiting)
                self.said.append(said)

    def _hand_over(
        self, session: Session, letter: Letter, notice: Notice, mail: MailSettings, sender: str, now: datetime
    ) -> None:
        """Send one letter and note it; raises :class:`MailError` where no other can be sent."""
        key, fichier = notice.key, notice.file.fichier
        try:
            message = message_of(letter, mail, sender, now)
            self.ledger.note(key, "en cours", notice.recipient, fichier, now)
            self.ledger.write()
            session.send(message, letter.recipient)
        except LetterError as error:
            self._postpone_one(notice, now)
            self.ledger.write()
            self.said.append(finding("avis-refuse", Place(fichier), valeur=letter.recipient, detail=error.detail))
        except DoubtfulError:
            self.ledger.note(key, "incertain", notice.recipient, fichier, now)
            self.ledger.write()
            self.said.append(finding("avis-incertain", Place(fichier), valeur=letter.recipient))
            raise
        except MailError:
            self.ledger.take_back(key)
            raise
        else:
            self.ledger.note(key, "envoyé", notice.recipient, fichier, now)
            self.ledger.write()

    def _postpone(self, waiting: list[tuple[Notice, Path | None, Trace | None]], now: datetime) -> None:
        for notice, _, _ in waiting:
            if not self.ledger.is_done(notice.key):
                self._postpone_one(notice, now)
        self.ledger.write()

    def _postpone_one(self, notice: Notice, now: datetime) -> None:
        attempts = self.ledger.attempts(notice.key)
        wait = min(_FIRST_WAIT * 2 ** min(attempts, 20), _LONGEST_WAIT)
        self.ledger.postpone(notice.key, notice.recipient, notice.file.fichier, now + wait)


def _attachment(path: Path | None, before: Trace | None) -> bytes | None:
    """The annotated copy, ``None`` when there is none, or it is not what it was when the notice was decided."""
    if path is None or before is None or trace(path) != before:
        return None
    try:
        content = path.read_bytes()
    except OSError:
        return None
    return content if trace(path) == before else None


class Notifier:
    """The thread that delivers: telling it something takes no time, whatever the mail server does.

    ``on_said`` is called from that thread when there are findings to take. The thread dies with the program.
    """

    def __init__(
        self,
        memory: Path,
        *,
        environment: Mapping[str, str] = os.environ,
        clock: Callable[[], datetime] = datetime.now,
        on_said: Callable[[], None] = lambda: None,
    ) -> None:
        self._clock, self._on_said = clock, on_said
        self._postman = Postman(memory, environment, self._is_to_stop)
        self._change = threading.Condition()
        self._round: Round | None = None
        self._is_new = self._is_stopped = False
        self._findings: list[Finding] = []
        self._errors: list[Exception] = []
        self._thread: threading.Thread | None = None

    def tell(self, workspace: Workspace, consolidation: Consolidation) -> None:
        """Have the notices of a consolidation that has just been put in place sent, in the place of the last one's."""
        round_ = round_of(workspace, consolidation)
        with self._change:
            self._round, self._is_new = round_, True
            if round_ is not None and self._thread is None and not self._is_stopped:
                self._thread = threading.Thread(target=self._work, name="avis", daemon=True)
                self._thread.start()
            self._change.notify_all()

    def take(self) -> tuple[list[Finding], list[Exception]]:
        """What went wrong since the last time: findings, and errors of the program itself (for a crash file)."""
        with self._change:
            said, errors = self._findings, self._errors
            self._findings, self._errors = [], []
        return said, errors

    def stop(self, wait_seconds: float = 1.0) -> None:
        """Begin no other letter, and wait for the one that is being sent, but not longer than this."""
        with self._change:
            self._is_stopped = True
            self._change.notify_all()
        if self._thread is not None:
            self._thread.join(wait_seconds)

    def _is_to_stop(self) -> bool:
        return self._is_stopped or self._is_new

    def _work(self) -> None:
        next_time: datetime | None = None
        while True:
            with self._change:
                while not (self._is_stopped or self._is_new):
                    left = (next_time - self._clock()).total_seconds() if next_time is not None else None
                    if left is not None and left <= 0:
                        break
                    # The clock may be moved meanwhile: it is looked at again now and then.
                    self._change.wait(None if left is None else min(left, 60.0))
                if self._is_stopped:
                    return
                round_, self._is_new = self._round, False
            errors = []
            try:
                next_time = self._postman.deliver(round_, self._clock()) if round_ is not None else None
            except Exception as error:  # a mistake of the program is told, and mails are only its smallest service
                errors, next_time = [error], self._clock() + _WITHOUT_LEDGER
            self._hand_in(errors)

    def _hand_in(self, errors: list[Exception]) -> None:
        said, self._postman.said = self._postman.said, []
        if said or errors:
            with self._change:
                self._findings += said
                self._errors += errors
            self._on_said()
