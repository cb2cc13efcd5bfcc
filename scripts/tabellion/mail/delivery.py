"""The delivery of notices: what is due is sent, noted, or tried again later, in a thread that holds nothing up."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

from tabellion.campaign.model import Consolidation
from tabellion.contract.folders import OUTBOXES, SENT_NOTICES
from tabellion.contract.workspace import MailSettings, Workspace
from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.mail.letters import template_path
from tabellion.mail.messages import Attachment, Thread, attachment_name, make_message
from tabellion.mail.notices import Mailing, Notice, mailing_of, subject_and_text
from tabellion.mail.outbox import Letter, LetterState, Outbox
from tabellion.mail.posting import Round
from tabellion.transaction.manifest import trace
from tabellion.wording import system_reason

#: The words of a notice, and those of a receipt.
TEMPLATE, RECEIPT_TEMPLATE = "avis.txt", "accuse.txt"
#: How many mails somebody who sends returns is answered with in a day, and how soon the rest is looked at again.
_ANSWERS_A_DAY, _LIMIT_WAIT = 10, timedelta(hours=1)
#: Where what was sent cannot be noted, or the program made a mistake.
_WAIT_AFTER_MISTAKE = timedelta(minutes=10)


AlsoDone = tuple[list[Finding], datetime | None]


class Delivery:
    """Delivers mailings, one after the other, and remembers what was delivered in ``memory/avis.json``.

    ``stop`` is asked between two messages; ``environment`` has the password. ``findings`` are what went wrong.
    """

    def __init__(
        self, memory: Path, environment: Mapping[str, str] = os.environ, stop: Callable[[], bool] = lambda: False
    ) -> None:
        self.environment, self.stop = environment, stop
        self.outbox = Outbox(memory / SENT_NOTICES)
        self.findings: list[Finding] = []
        self._mail: MailSettings | None = None

    def deliver(self, mailing: Mailing, now: datetime) -> datetime | None:
        """Send what is due, was not sent and is not to wait; when to come back, ``None`` when nothing is left.

        It never raises because of the mail, its server or its files.
        """
        try:
            return self._deliver(mailing, now)
        except OSError as error:  # of the outbox: everything else is caught where it happens
            self.outbox = Outbox(self.outbox.path)  # what is on the disk is what counts
            shown = self.outbox.path.name
            place = Place(shown)
            self.findings.append(finding("avis-non-notes", place, valeur=shown, detail=system_reason(error)))
            return now + _WAIT_AFTER_MISTAKE

    def _deliver(self, mailing: Mailing, now: datetime) -> datetime | None:
        self.findings += open_outbox(self.outbox, mailing.notices, now)
        self.outbox.forget_old(now, mailing.workspace.workbooks)
        self.outbox.forget_refused(mailing.addresses)
        due = [notice for notice in mailing.notices if not self.outbox.is_done(notice)]
        self.outbox.forget_waiting({notice.key for notice in due})
        # What failed under other settings, which people have corrected since, waits no longer.
        is_mended, self._mail = self._mail not in (None, mailing.mail), mailing.mail
        ready = [notice for notice in due if is_mended or self.outbox.waits_until(notice, now) <= now]
        ready = self._within_limit(ready, now)
        if ready:
            try:
                self._send(mailing, ready, now)
            except TabellionError as error:  # the template
                self.findings += error.findings
                for notice in ready:
                    if not self.outbox.is_done(notice):
                        self.outbox.postpone(notice, now)
                self.outbox.write()
        left = [notice for notice in due if not self.outbox.is_done(notice)]
        if not left or self.stop():
            return None
        moments = [self.outbox.waits_until(notice, now) for notice in left]
        return min(moment if moment > now else now + _LIMIT_WAIT for moment in moments)

    def _within_limit(self, ready: list[Notice], now: datetime) -> list[Notice]:
        """The notices without the answers that would be too many for one sender in a day: they wait. Two programs that
        answer each other stop there, whatever their headers say."""
        kept, since = list[Notice](), (now - timedelta(days=1)).isoformat()
        sent = Counter(
            entry.recipient.casefold() for entry in self.outbox.entries.values()
            if entry.state is not LetterState.WAITING and entry.since > since
        )  # fmt: skip
        for notice in ready:
            recipient = notice.recipient.casefold()
            if notice.answered is None or sent[recipient] < _ANSWERS_A_DAY:
                kept.append(notice)
                sent[recipient] += 1
        return kept

    def _send(self, mailing: Mailing, ready: list[Notice], now: datetime) -> None:
        from tabellion.outputs.reminders import load_template

        workspace = mailing.workspace
        paths = {False: workspace.templates / TEMPLATE, True: template_path(workspace, RECEIPT_TEMPLATE)}
        templates = {
            is_receipt: load_template(paths[is_receipt]) for is_receipt in {notice.is_receipt for notice in ready}
        }

        def compose(notice: Notice, is_whole: bool) -> EmailMessage | None:
            content = notice.attachment()
            if notice.copy is not None and content is None:  # it has just been replaced: another mailing comes
                return None
            left_out = not is_whole and notice.copy is not None
            shown = notice.without_copy() if left_out else notice
            template, path = templates[notice.is_receipt], paths[notice.is_receipt]
            subject, text = subject_and_text(template, path, mailing.consolidation, shown)
            mail = notice.answered
            if left_out:
                text += _left_out(notice)
            files = [Attachment(attachment_name(notice.fichier), content)] if content is not None and is_whole else []
            return make_message(
                mailing.mail, notice.recipient, subject, text, sender=mailing.consolidation.contract.settings.titre,
                now=now, identity=notice.key, attachments=files,
                thread=None if mail is None else Thread.of(mail.message_id, mail.references),
            )  # fmt: skip

        Round(mailing.mail, self.outbox, compose, self.findings, now, self.environment, self.stop).post(ready)


def open_outbox(outbox: Outbox, letters: Collection[Letter], now: datetime) -> list[Finding]:
    """Read what was sent; where that is lost, all ``letters`` count as sent, and where one was cut, it is said.

    Raises ``OSError`` where the outbox cannot be read or written.
    """
    findings = []
    aside, interrupted = outbox.open()
    if aside is not None:
        for letter in letters:
            outbox.note(letter, LetterState.ASSUMED, now)
        outbox.write()
        shown = outbox.path.name
        findings.append(finding("avis-oublies", Place(shown), valeur=shown, attendu=aside.name, nombre=len(letters)))
    findings += [finding("avis-incertain", Place(entry.fichier), valeur=entry.recipient) for entry in interrupted]
    return findings


def _left_out(notice: Notice) -> str:
    """What is said in the place of an annotated copy that is too large for the mail server."""
    where = notice.file.annotated or ""
    return (
        "\nLa copie annotée de ce fichier est trop grosse pour le courriel : l'équipe la trouve dans le dossier "
        f"workbooks, sous le nom « {where} », et peut vous la transmettre autrement.\n"
    )


class Notifier:
    """The thread that delivers: telling it something takes no time, whatever the mail server does.

    ``on_findings`` is called from that thread when there are findings to take. ``also`` is what else that thread does
    with the state it was told last, at a time: what went wrong, and when to come back. The thread dies with the
    program.
    """

    def __init__(
        self,
        memory: Path,
        *,
        environment: Mapping[str, str] = os.environ,
        clock: Callable[[], datetime] = datetime.now,
        on_findings: Callable[[], None] = lambda: None,
        also: Callable[[Mailing, datetime, Callable[[], bool]], AlsoDone] = lambda *_: ([], None),
    ) -> None:
        self._clock, self._on_findings, self._also = clock, on_findings, also
        self._outboxes = [memory / name for name in OUTBOXES]
        self._has_sent = False
        self._delivery = Delivery(memory, environment, self._is_to_stop)
        self._change = threading.Condition()
        self._mailing: Mailing | None = None
        self._is_new = self._is_stopped = False
        self._findings: list[Finding] = []
        self._errors: list[Exception] = []
        self._thread: threading.Thread | None = None

    def tell(self, workspace: Workspace, consolidation: Consolidation, unfinished: Collection[Path] = ()) -> None:
        """Have the notices of a consolidation that has just been put in place sent, in the place of the last one's;
        none of the ``unfinished`` files, which are still arriving."""
        mailing = mailing_of(workspace, consolidation, unfinished)
        with self._change:
            self._mailing, self._is_new = mailing, True
            if mailing is not None and self._thread is None and not self._is_stopped:
                self._thread = threading.Thread(target=self._work, name="avis", daemon=True)
                self._thread.start()
            self._change.notify_all()

    def take(self) -> tuple[list[Finding], list[Exception]]:
        """What went wrong since the last time: findings, and errors of the program itself (for a crash report)."""
        with self._change:
            findings, errors = self._findings, self._errors
            self._findings, self._errors = [], []
        return findings, errors

    def has_sent(self) -> bool:
        """Whether something became of a mail since the last time: what shows it is to be made again."""
        with self._change:
            sent, self._has_sent = self._has_sent, False
        return sent

    def stop(self, wait_seconds: float = 1.0) -> None:
        """Begin no other message, and wait for the one that is being sent, but not longer than this."""
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
                while not self._is_to_stop():
                    left = (next_time - self._clock()).total_seconds() if next_time is not None else None
                    if left is not None and left <= 0:
                        break
                    # The clock may be moved meanwhile: it is looked at again now and then.
                    self._change.wait(None if left is None else min(left, 60.0))
                if self._is_stopped:
                    return
                mailing, self._is_new = self._mailing, False
            errors, before = [], [trace(path) for path in self._outboxes]
            try:
                next_time = self._round(mailing) if mailing is not None else None
            except TabellionError as error:
                self._delivery.findings += error.findings
                next_time = self._clock() + _WAIT_AFTER_MISTAKE
            except Exception as error:  # a mistake of the program is told, and mails are only its smallest service
                errors, next_time = [error], self._clock() + _WAIT_AFTER_MISTAKE
            findings, self._delivery.findings = self._delivery.findings, []
            has_sent = before != [trace(path) for path in self._outboxes]
            if findings or errors or has_sent:
                with self._change:
                    self._findings += findings
                    self._errors += errors
                    self._has_sent |= has_sent
                self._on_findings()

    def _round(self, mailing: Mailing) -> datetime | None:
        """Deliver the notices, then do the rest; when to come back."""
        moments = [self._delivery.deliver(mailing, self._clock())]
        if not self._is_to_stop():
            findings, moment = self._also(mailing, self._clock(), self._is_to_stop)
            self._delivery.findings += findings
            moments.append(moment)
        return min(filter(None, moments), default=None)
