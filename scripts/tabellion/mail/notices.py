"""Notices: which recipient is to be told of which return, and in which words.

No recipient is told twice of the same content: a notice is known by its recipient, the content of the file and its
findings.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from tabellion.campaign.model import BoardLine, Consolidation, ReceivedFile, Verdict
from tabellion.campaign.parsed_return import digest_of
from tabellion.contract.folders import COLLECTED
from tabellion.contract.workspace import MailSettings, Workspace, is_mail_address
from tabellion.findings import Severity
from tabellion.findings.codes.returns import CAMPAIGN
from tabellion.mail.collected import CollectedMail, answered_mails
from tabellion.measures.board import ReturnStatus
from tabellion.schema.shown import joined
from tabellion.transaction.manifest import BESIDES, Trace, read_besides, trace

if TYPE_CHECKING:
    from jinja2 import Template

#: A return with one of these verdicts is to be corrected, or looked at; two that cannot be told apart are the staff's.
_TO_CORRECT = (Verdict.REJECTED, Verdict.UNREADABLE, Verdict.UNDECIDED)
_FOR_STAFF_ONLY = (Verdict.UNDECIDED,)
#: A return with one of these is nobody's mistake, unless somebody sent it by mail, who is answered.
_FOR_SENDER_ONLY = (Verdict.EMPTY,)
#: A return with one of these counts; what tells its receipt from a notice.
_COUNTING = (Verdict.IN_FORCE, Verdict.ALREADY_ADOPTED, Verdict.JOINED)
_RECEIPT = "accusé"
#: The findings of the campaign speak of other files too: of these only the kind makes another notice.
_OF_CAMPAIGN = {declared.code for declared in CAMPAIGN}
_SUBJECT = re.compile(r"\s*Objet\s*:\s*(.*)")


@dataclass(frozen=True)
class Notice:
    """One ``recipient`` (an address) to tell of one return. ``contact`` has the partner's addresses, where it is told
    too. ``copy`` is the annotated copy to attach, ``copy_trace`` what it was when the notice was decided; ``answered``
    is the mail that brought the return, where its sender is the recipient."""

    recipient: str
    file: ReceivedFile
    line: BoardLine
    contact: str | None
    copy: Path | None = None
    copy_trace: Trace | None = None
    answered: CollectedMail | None = None

    @property
    def is_receipt(self) -> bool:
        """Whether it says that the return counts, and not what is to be corrected."""
        return self.file.verdict in _COUNTING

    @property
    def fichier(self) -> str:
        """The return that it is about."""
        return self.file.fichier

    @property
    def subject(self) -> str:
        """What it is, in words."""
        kind = "accusé de réception" if self.is_receipt else "retour à corriger"
        return f"{kind} : {PurePosixPath(self.fichier).name}"

    @property
    def key(self) -> str:
        """The same for the same recipient, content and findings, wherever the file is and whatever its name."""
        if self.is_receipt:
            return digest_of([self.recipient.casefold(), self.file.sha256, _RECEIPT])
        findings = sorted(
            [finding.code] if finding.code in _OF_CAMPAIGN else
            [finding.code, *map(repr, (place.feuille, place.cellule, place.ligne, finding.champ, finding.valeur))]
            for finding in self.file.findings
            for place in [finding.place]
            if finding.gravite is not Severity.INFORMATION
        )  # fmt: skip
        return digest_of([self.recipient.casefold(), self.file.sha256 or self.file.fichier, findings])

    def without_copy(self) -> Notice:
        """The same notice, whose words name no annotated copy."""
        received = tuple(replace(file, annotated=None) for file in self.line.received)
        return replace(self, line=replace(self.line, received=received))

    def attachment(self) -> bytes | None:
        """The annotated copy; ``None`` when there is none, or it is not what it was when the notice was decided."""
        if self.copy is None or self.copy_trace is None or trace(self.copy) != self.copy_trace:
            return None
        try:
            content = self.copy.read_bytes()
        except OSError:
            return None
        return content if trace(self.copy) == self.copy_trace else None


def due_notices(
    consolidation: Consolidation, mail: MailSettings, brought: Mapping[str, CollectedMail] | None = None
) -> list[Notice]:  # fmt: skip
    """Every notice that this state calls for, sent already or not, each once, in the order of the board.

    A return to correct is told to its partner's contact (where ``partenaires`` is set) and to the staff; a file that is
    no partner's form, or two that cannot be told apart, to the staff. ``brought`` are the mails by the SHA-256 of the
    return that each brought: a contact who sent one gets its notice as an answer, also of what is nobody's form or is
    empty, and one that counts is answered too.
    """
    mails = brought or {}
    known = {contact.casefold() for line in consolidation.board for contact in line.contacts}
    notices: dict[str, Notice] = {}
    for line, file in _files_to_correct(consolidation, mails):
        is_told = mail.partenaires and file.verdict not in _FOR_STAFF_ONLY
        contacts = [
            contact for contact in _recipients(line, file, mails, known) if is_told and is_mail_address(contact)
        ]
        staff = () if file.verdict in _FOR_SENDER_ONLY else mail.equipe
        for recipient in dict.fromkeys((*contacts, *staff)):
            notice = Notice(recipient, file, line, joined(contacts), answered=_answered(recipient, file, mails))
            notices.setdefault(notice.key, notice)
    for line in consolidation.board if mail.partenaires else ():
        for file in line.received:
            contacts = _recipients(line, file, mails, known)
            senders = [contact for contact in contacts if _answered(contact, file, mails) is not None]
            for sender in senders if file.verdict in _COUNTING and not file.is_kept_copy else ():
                answered = _answered(sender, file, mails)
                notice = Notice(sender, file, replace(line, received=(file,)), joined(senders), answered=answered)
                notices.setdefault(notice.key, notice)
    return list(notices.values())


def _recipients(
    line: BoardLine, file: ReceivedFile, mails: Mapping[str, CollectedMail], known: Collection[str]
) -> list[str]:  # fmt: skip
    """The contacts of a partner; who sent this file without being one, where it was decided that it counts; of what is
    nobody's form, or is empty, the contact (in ``known``) who sent it."""
    mail = mails.get(file.sha256)
    if mail is not None and (not line.partenaire or file.verdict in _FOR_SENDER_ONLY):
        return [mail.sender] if mail.sender.casefold() in known else []
    is_taken = mail is not None and any(
        received.sha256 == file.sha256 and received.partner == line.partenaire for received in mail.files
    )
    return list(dict.fromkeys((*line.contacts, *([mail.sender] if mail is not None and is_taken else ()))))


def _answered(recipient: str, file: ReceivedFile, mails: Mapping[str, CollectedMail]) -> CollectedMail | None:
    """The mail that brought a return, where the recipient sent it."""
    mail = mails.get(file.sha256)
    return mail if mail is not None and mail.sender.casefold() == recipient.casefold() else None


def _files_to_correct(
    consolidation: Consolidation, mails: Collection[str]
) -> Iterator[tuple[BoardLine, ReceivedFile]]:  # fmt: skip
    for line in consolidation.board:
        for file in line.received:
            is_asked_for = file.verdict in _FOR_SENDER_ONLY and file.sha256 in mails
            if (file.verdict in _TO_CORRECT or is_asked_for) and not file.is_kept_copy:
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

    @property
    def addresses(self) -> set[str]:
        """Every address that the contract and its settings name, or that is answered."""
        contacts = (contact for line in self.consolidation.board for contact in line.contacts)
        return {*self.mail.equipe, *contacts, *(notice.recipient for notice in self.notices)}


def mailing_of(workspace: Workspace, consolidation: Consolidation, unfinished: Collection[Path] = ()) -> Mailing | None:
    """The notices of a consolidation that has just been put in place, but those of the ``unfinished`` files; ``None``
    where no mail is set."""
    mail = consolidation.contract.settings.courriel
    if mail is None:
        return None
    besides = read_besides(workspace.memory / BESIDES)
    notices = []
    for notice in due_notices(consolidation, mail, answered_mails(workspace.memory / COLLECTED)):
        if workspace.workbooks / notice.file.fichier in unfinished:
            continue
        if (annotated := notice.file.annotated) is not None and not notice.is_receipt:
            beside = besides.get(annotated)  # the copy is open: the new one is beside
            copy = workspace.workbooks / (annotated if beside is None or beside.path is None else beside.path)
            notice = replace(notice, copy=copy, copy_trace=trace(copy))
        notices.append(notice)
    return Mailing(workspace, mail, consolidation, tuple(notices))


def subject_and_text(template: Template, path: Path, consolidation: Consolidation, notice: Notice) -> tuple[str, str]:
    """The words of a notice; the template at ``path`` may be wrong (:class:`tabellion.findings.TabellionError`)."""
    from tabellion.outputs.reminders import reminder

    text = reminder(template, path, consolidation, replace(notice.line, courriel=notice.contact))
    first, _, body = text.partition("\n")
    subject = _SUBJECT.fullmatch(first)
    if notice.answered is not None:  # the thread keeps its subject
        title = re.sub(r"(?i)^(re\s*:\s*)+", "", notice.answered.subject)
        return f"Re: {title}", text if subject is None else body.lstrip("\n")
    if subject is None:
        return f"{PurePosixPath(notice.file.fichier).name} : à corriger", text
    return subject[1].replace("\u00a0", " "), body.lstrip("\n")
