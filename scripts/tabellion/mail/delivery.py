"""The delivery of notices: what is due is sent, noted, or tried again later, in a thread that holds nothing up."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tabellion.campaign.model import Consolidation
from tabellion.contract.workspace import SETTINGS_FILE, MailSettings, Workspace
from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.mail.notices import (
    ASSUMED,
    DOUBTFUL,
    SENT,
    UNDER_WAY,
    Mailing,
    Notice,
    SentNotices,
    mailing_of,
    subject_and_text,
)
from tabellion.mail.smtp import DoubtfulError, MailError, MessageError, RefusedError, Session, make_message
from tabellion.wording import system_reason

if TYPE_CHECKING:
    from jinja2 import Template

TEMPLATE = "avis.txt"
#: In the workspace's memory: what was sent.
SENT_NOTICES = "avis.json"
#: Where what was sent cannot be noted, or the program made a mistake.
_WAIT_AFTER_MISTAKE = timedelta(minutes=10)


class Delivery:
    """Delivers mailings, one after the other, and remembers what was delivered in ``memory/avis.json``.

    ``stop`` is asked between two messages; ``environment`` has the password. ``findings`` are what went wrong.
    """

    def __init__(
        self, memory: Path, environment: Mapping[str, str] = os.environ, stop: Callable[[], bool] = lambda: False
    ) -> None:
        self.environment, self.stop = environment, stop
        self.sent = SentNotices(memory / SENT_NOTICES)
        self.findings: list[Finding] = []
        self._mail: MailSettings | None = None

    def deliver(self, mailing: Mailing, now: datetime) -> datetime | None:
        """Send what is due, was not sent and is not to wait; when to come back, ``None`` when nothing is left.

        It never raises because of the mail, its server or its files.
        """
        try:
            return self._deliver(mailing, now)
        except OSError as error:  # of what was sent: everything else is caught where it happens
            self.sent = SentNotices(self.sent.path)  # what is on the disk is what counts
            shown = self.sent.path.name
            self._say("avis-non-notes", shown, shown, detail=system_reason(error))
            return now + _WAIT_AFTER_MISTAKE

    def _deliver(self, mailing: Mailing, now: datetime) -> datetime | None:
        self._open_sent(mailing, now)
        due = [notice for notice in mailing.notices if not self.sent.is_done(notice)]
        self.sent.forget_waiting({notice.key for notice in due})
        # What failed under other settings, which people have corrected since, waits no longer.
        is_mended, self._mail = self._mail not in (None, mailing.mail), mailing.mail
        ready = [notice for notice in due if is_mended or self.sent.waits_until(notice, now) <= now]
        if ready:
            try:
                self._send(mailing, ready, now)
            except TabellionError as error:  # the template
                self.findings += error.findings
                self._postpone(ready, now)
        left = [notice for notice in due if not self.sent.is_done(notice)]
        if not left or self.stop():
            return None
        return min(self.sent.waits_until(notice, now) for notice in left)

    def _open_sent(self, mailing: Mailing, now: datetime) -> None:
        """Read what was sent; where that is lost, everything due counts as sent, and where it was cut, it is said."""
        aside, interrupted = self.sent.open()
        if aside is not None:
            for notice in mailing.notices:
                self.sent.note(notice, ASSUMED, now)
            self.sent.write()
            shown = self.sent.path.name
            self._say("avis-oublies", shown, shown, attendu=aside.name, nombre=len(mailing.notices))
        for recipient, fichier in interrupted:
            self._say("avis-incertain", fichier, recipient)

    def _send(self, mailing: Mailing, ready: list[Notice], now: datetime) -> None:
        from tabellion.outputs.reminders import load_template

        template = load_template(mailing.workspace.templates / TEMPLATE)
        left = list(ready)
        try:
            with Session(mailing.mail, self.environment) as session:
                while left and not self.stop():
                    self._send_one(session, mailing, template, left[0], now)
                    left.pop(0)
        except MailError as error:
            waiting = [notice for notice in left if not self.sent.is_done(notice)]
            self._postpone(waiting, now)
            server = f"{mailing.mail.serveur}:{mailing.mail.port}"
            if isinstance(error, RefusedError):
                self._say("courriel-refuse", SETTINGS_FILE, server, detail=error.detail, attente=len(waiting))
            elif waiting:
                self._say("courriel-injoignable", SETTINGS_FILE, server, detail=error.detail, attente=len(waiting))

    def _send_one(
        self, session: Session, mailing: Mailing, template: Template, notice: Notice, now: datetime
    ) -> None:  # fmt: skip
        """Send one notice and note it; raises :class:`MailError` where no other can be sent."""
        content, fichier = notice.attachment(), notice.file.fichier
        if notice.copy is not None and content is None:  # it has just been replaced: another mailing comes
            self._postpone([notice], now)
            return
        path = mailing.workspace.templates / TEMPLATE
        before = self.sent.entry(notice)
        try:
            subject, text = subject_and_text(template, path, mailing.consolidation, notice)
            message = make_message(
                mailing.mail, notice.recipient, subject, text, sender=mailing.consolidation.contract.settings.titre,
                now=now, identity=notice.key, attachment=None if content is None else (fichier, content),
            )  # fmt: skip
            self.sent.note(notice, UNDER_WAY, now)
            self.sent.write()
            session.send(message, notice.recipient)
        except MessageError as error:
            self._postpone([notice], now)
            self._say("avis-refuse", fichier, notice.recipient, detail=error.detail)
        except DoubtfulError:
            self.sent.note(notice, DOUBTFUL, now)
            self.sent.write()
            self._say("avis-incertain", fichier, notice.recipient)
            raise
        except MailError:
            self.sent.put_back(notice, before)
            raise
        except (TabellionError, OSError):
            raise
        except Exception:  # what nobody foresaw in one file costs its own notice
            self.sent.put_back(notice, before)
            self._postpone([notice], now)
            self._say("avis-refuse", fichier, notice.recipient, detail="une erreur imprévue du programme")
        else:
            self.sent.note(notice, SENT, now)
            self.sent.write()

    def _say(self, code: str, fichier: str, valeur: str, **words: Any) -> None:
        self.findings.append(finding(code, Place(fichier), valeur=valeur, **words))

    def _postpone(self, notices: list[Notice], now: datetime) -> None:
        for notice in notices:
            self.sent.postpone(notice, now)
        self.sent.write()


class Notifier:
    """The thread that delivers: telling it something takes no time, whatever the mail server does.

    ``on_findings`` is called from that thread when there are findings to take. The thread dies with the program.
    """

    def __init__(
        self,
        memory: Path,
        *,
        environment: Mapping[str, str] = os.environ,
        clock: Callable[[], datetime] = datetime.now,
        on_findings: Callable[[], None] = lambda: None,
    ) -> None:
        self._clock, self._on_findings = clock, on_findings
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
            errors = []
            try:
                next_time = self._delivery.deliver(mailing, self._clock()) if mailing is not None else None
            except Exception as error:  # a mistake of the program is told, and mails are only its smallest service
                errors, next_time = [error], self._clock() + _WAIT_AFTER_MISTAKE
            findings, self._delivery.findings = self._delivery.findings, []
            if findings or errors:
                with self._change:
                    self._findings += findings
                    self._errors += errors
                self._on_findings()
