"""Notices: which recipient is to be told of which return, and which notices were sent already.

No recipient is told twice of the same content. What was sent is remembered by recipient, content of the file and
findings; a notice is noted as being sent before it is, so that a stop in the middle is known, said, and not repeated.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from tabellion.campaign.model import BoardLine, Consolidation, ReceivedFile, Verdict
from tabellion.campaign.parsed_return import digest_of
from tabellion.contract.workspace import MailSettings, Workspace, is_mail_address
from tabellion.findings import Severity
from tabellion.findings.codes.returns import CAMPAIGN
from tabellion.measures.board import ReturnStatus
from tabellion.transaction.manifest import BESIDES, Trace, read_besides, trace, write_json

if TYPE_CHECKING:
    from jinja2 import Template

#: A return with one of these verdicts is to be corrected, or looked at; two that cannot be told apart are the staff's.
_TO_CORRECT = (Verdict.REJECTED, Verdict.UNREADABLE, Verdict.UNDECIDED)
_FOR_STAFF_ONLY = (Verdict.UNDECIDED,)
#: The findings of the campaign speak of other files too: of these only the kind makes another notice.
_OF_CAMPAIGN = {declared.code for declared in CAMPAIGN}
_SUBJECT = re.compile(r"\s*Objet\s*:\s*(.*)")
_VERSION = 1
WAITING, UNDER_WAY, DOUBTFUL, SENT, ASSUMED = "en attente", "en cours", "incertain", "envoyé", "tenu pour envoyé"
#: After a failure the next attempt waits a minute, then twice as long each time, up to this.
_FIRST_WAIT, _LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=6)
#: What is noted of a notice.
_Entry = dict[str, str | int]


@dataclass(frozen=True)
class Notice:
    """One ``recipient`` (an address) to tell of one return. ``contact`` is the partner's address, where it is told too.
    ``copy`` is the annotated copy to attach, ``copy_trace`` what it was when the notice was decided."""

    recipient: str
    file: ReceivedFile
    line: BoardLine
    contact: str | None
    copy: Path | None = None
    copy_trace: Trace | None = None

    @property
    def key(self) -> str:
        """The same for the same recipient, content and findings, wherever the file is and whatever its name."""
        findings = sorted(
            [finding.code] if finding.code in _OF_CAMPAIGN else
            [finding.code, *map(repr, (place.feuille, place.cellule, place.ligne, finding.champ, finding.valeur))]
            for finding in self.file.findings
            for place in [finding.place]
            if finding.gravite is not Severity.INFORMATION
        )  # fmt: skip
        return digest_of([self.recipient.casefold(), self.file.sha256 or self.file.fichier, findings])

    def attachment(self) -> bytes | None:
        """The annotated copy; ``None`` when there is none, or it is not what it was when the notice was decided."""
        if self.copy is None or self.copy_trace is None or trace(self.copy) != self.copy_trace:
            return None
        try:
            content = self.copy.read_bytes()
        except OSError:
            return None
        return content if trace(self.copy) == self.copy_trace else None


def due_notices(consolidation: Consolidation, mail: MailSettings) -> list[Notice]:
    """Every notice that this state calls for, sent already or not, each once, in the order of the board.

    A return to correct is told to its partner's contact (where ``partenaires`` is set) and to the staff; a file that is
    no partner's form, or two that cannot be told apart, to the staff.
    """
    notices: dict[str, Notice] = {}
    for line, file in _files_to_correct(consolidation):
        contact = line.courriel if mail.partenaires and file.verdict not in _FOR_STAFF_ONLY else None
        contact = contact if contact is not None and is_mail_address(contact) else None
        for recipient in dict.fromkeys(filter(None, (contact, *mail.equipe))):
            notice = Notice(recipient, file, line, contact)
            notices.setdefault(notice.key, notice)
    return list(notices.values())


def _files_to_correct(consolidation: Consolidation) -> Iterator[tuple[BoardLine, ReceivedFile]]:
    for line in consolidation.board:
        for file in line.received:
            if file.verdict in _TO_CORRECT and not file.is_kept_copy:
                # What the text says of a line is then this file's.
                status = ReturnStatus.KEPT if line.status is ReturnStatus.KEPT else ReturnStatus.REJECTED
                yield replace(line, received=(file,), status=status), file
    for file in consolidation.strays:
        yield BoardLine("", "", None, 0, ReturnStatus.REJECTED, None, (file,)), file


@dataclass(frozen=True)
class Mailing:
    """The notices that were due when a consolidation was put in place."""

    workspace: Workspace
    mail: MailSettings
    consolidation: Consolidation
    notices: tuple[Notice, ...]


def mailing_of(workspace: Workspace, consolidation: Consolidation, unfinished: Collection[Path] = ()) -> Mailing | None:
    """The notices of a consolidation that has just been put in place, but those of the ``unfinished`` files; ``None``
    where no mail is set."""
    mail = consolidation.contract.settings.courriel
    if mail is None:
        return None
    besides = read_besides(workspace.memory / BESIDES)
    notices = []
    for notice in due_notices(consolidation, mail):
        if workspace.workbooks / notice.file.fichier in unfinished:
            continue
        if (annotated := notice.file.annotated) is not None:
            beside = besides.get(annotated)  # the copy is open: the new one is beside
            copy = workspace.workbooks / (annotated if beside is None or beside.path is None else beside.path)
            notice = replace(notice, copy=copy, copy_trace=trace(copy))
        notices.append(notice)
    return Mailing(workspace, mail, consolidation, tuple(notices))


def subject_and_text(template: Template, path: Path, consolidation: Consolidation, notice: Notice) -> tuple[str, str]:
    """The words of a notice; the template at ``path`` may be wrong (:class:`tabellion.findings.TabellionError`)."""
    from tabellion.outputs.reminders import reminder

    text = reminder(template, path, consolidation, replace(notice.line, courriel=notice.contact))
    first, _, rest = text.partition("\n")
    subject = _SUBJECT.fullmatch(first)
    if subject is None:
        return f"{PurePosixPath(notice.file.fichier).name} : à corriger", text
    return subject[1].replace("\u00a0", " "), rest.lstrip("\n")


class SentNotices:
    """The notices known to this workspace, in a small file that is written whole; one process at a time uses it.

    The file has, by the key of a notice, its state, its recipient (``a``), the file's name, when, and for those that
    wait how many attempts were made and until when. Only what says so raises ``OSError``.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._notices: dict[str, _Entry] = {}
        self._is_open = False

    def open(self) -> tuple[Path | None, list[tuple[str, str]]]:
        """Read the file, the first time; raises ``OSError``.

        Returns what it was set aside as, where it was damaged, and the recipient and file of each notice that was being
        sent when the program was stopped: it may have been delivered.
        """
        aside, interrupted = None, list[tuple[str, str]]()
        if self._is_open:
            return aside, interrupted
        try:
            self._notices = _read(self.path)
        except FileNotFoundError:
            pass
        except ValueError:
            aside = self.path.with_name(f"{self.path.stem}-abimes{self.path.suffix}")
            self.path.replace(aside)
        self._is_open = True
        for notice in self._notices.values():
            if notice["etat"] == UNDER_WAY:
                notice["etat"] = DOUBTFUL
                interrupted.append((str(notice["a"]), str(notice["fichier"])))
        if interrupted:
            self.write()
        return aside, interrupted

    def is_done(self, notice: Notice) -> bool:
        """Whether a notice is not to be sent any more."""
        return notice.key in self._notices and self._notices[notice.key]["etat"] != WAITING

    def waits_until(self, notice: Notice, now: datetime) -> datetime:
        """When the next attempt may be made: ``now`` when nothing keeps it, or the clock was moved back."""
        text = self._notices.get(notice.key, {}).get("prochain")
        until = datetime.fromisoformat(str(text)) if text else now
        return until if until - now <= _LONGEST_WAIT else now

    def note(self, notice: Notice, state: str, now: datetime) -> None:
        """Note the state of a notice; :meth:`write` then keeps it."""
        attempts: _Entry = {"essais": self._attempts(notice)} if state == UNDER_WAY else {}
        entry: _Entry = {"etat": state, "a": notice.recipient, "fichier": notice.file.fichier, "le": _written(now)}
        self._notices[notice.key] = entry | attempts

    def postpone(self, notice: Notice, now: datetime) -> None:
        """Note an attempt in vain, and when to make the next."""
        attempts = self._attempts(notice)
        until = now + min(_FIRST_WAIT * 2 ** min(attempts, 20), _LONGEST_WAIT)
        entry: _Entry = {"etat": WAITING, "a": notice.recipient, "fichier": notice.file.fichier}
        self._notices[notice.key] = entry | {"prochain": _written(until), "essais": attempts + 1}

    def entry(self, notice: Notice) -> _Entry | None:
        """What is noted of a notice, for :meth:`put_back`."""
        return self._notices.get(notice.key)

    def put_back(self, notice: Notice, entry: _Entry | None) -> None:
        """A notice that was being sent was not: what was noted of it before counts again."""
        if entry is None:
            self._notices.pop(notice.key, None)
        else:
            self._notices[notice.key] = entry

    def _attempts(self, notice: Notice) -> int:
        return int(self._notices.get(notice.key, {}).get("essais", 0))

    def forget_waiting(self, but: Collection[str]) -> None:
        """Forget the notices that wait and that nothing calls for any more."""
        self._notices = {
            key: notice for key, notice in self._notices.items() if notice["etat"] != WAITING or key in but
        }  # fmt: skip

    def write(self) -> None:
        """Keep everything noted; raises ``OSError``."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_json(self.path, {"version": _VERSION, "avis": self._notices})


def _written(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(timespec="seconds")


def _read(path: Path) -> dict[str, _Entry]:
    """The notices in the file; raises ``ValueError`` where it is not what is written here, and ``OSError``."""
    notices: dict[str, _Entry] = {}
    try:
        stored = json.loads(path.read_bytes())
        if stored["version"] != _VERSION:
            raise ValueError
        for key, entry in stored["avis"].items():
            state = entry["etat"]
            if state not in (WAITING, UNDER_WAY, DOUBTFUL, SENT, ASSUMED):
                raise ValueError
            notices[key] = {"etat": state, "a": str(entry["a"]), "fichier": str(entry["fichier"])}
            if state == WAITING:
                until = _written(datetime.fromisoformat(entry["prochain"]))
                notices[key] |= {"prochain": until, "essais": int(entry["essais"])}
            else:
                notices[key] |= {"le": str(entry["le"])}
    except (KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise ValueError from error
    return notices
