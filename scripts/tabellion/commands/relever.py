"""``tabellion relever``: the workbooks that partners sent by mail go into ``retours/``, each once; the rest is said.

A message that brings no workbook, or that is too large or doubtful, is left as it is in the mailbox. A message that was
taken is marked as read, and moved where the settings say so.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import typer

from tabellion.campaign.decisions import Decisions
from tabellion.campaign.folder import SET_ASIDE
from tabellion.campaign.model import Consolidation
from tabellion.campaign.senders import is_taken
from tabellion.commands.envoyer import POST, send_waiting
from tabellion.contract.folders import COLLECTED, SETTINGS_FILE
from tabellion.contract.workspace import MailSettings, Workspace
from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.layout.names import IDENTITY
from tabellion.mail.attachments import Incoming, MessageFiles, examine
from tabellion.mail.collected import CollectedMails
from tabellion.mail.delivery import AlsoDone
from tabellion.mail.headers import NOBODY, Sender
from tabellion.mail.mailbox import KeptBackError, Mailbox, MailboxError
from tabellion.mail.messages import one_line
from tabellion.mail.notices import Mailing
from tabellion.reading import RawWorkbook
from tabellion.reading.hidden import read_identity
from tabellion.reading.reader import read_through, shared_readers
from tabellion.transaction.files import cannot_write, write_whole
from tabellion.transaction.lock import hold
from tabellion.wording import plural, printable

_LONGEST_SUBJECT = 80
_MEGABYTE = 1_000_000
_WAIT_SECONDS = 5.0
#: In the workspace's memory: the message, and the workbook, that is being looked at.
_MESSAGE, _PEEKED = "releve.eml", "releve.xlsx"
#: How far back a folder is looked at that never was.
_LOOKED_BACK = timedelta(days=400)
#: What a message is marked with once taken, before a word of the contract's own: two may share a mailbox.
_KEYWORD = "tabellion-"
#: What staff do about a file that is set aside: where its partner and its sender are known, they are asked.
_TO_DECIDE = (
    "Choisissez dans la feuille « À décider » de consolidation.xlsx, où la question est posée au prochain passage : "
    "« prendre » retient l'adresse pour ce partenaire."
)
_TO_MOVE = "S'il doit compter, déplacez-le dans retours/."


@dataclass
class CollectResult:
    """What a run took: files from the folder ``workbooks/`` with their senders, how many automatic messages it left."""

    files: list[tuple[str, str]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    automatic: int = 0


def collect(
    workspace: Workspace, consolidation: Consolidation, now: datetime, environment: Mapping[str, str] = os.environ,
    stop: Callable[[], bool] = lambda: False,
) -> CollectResult:  # fmt: skip
    """Take what came since the last time. Raises :class:`TabellionError` where no mailbox is set, another process
    collects or sends, or a file cannot be written; a server that fails is said, and what was taken counts."""
    mail = consolidation.contract.settings.courriel
    if mail is None or mail.boite is None:
        raise TabellionError([finding("courriel-non-regle", Place(SETTINGS_FILE))])
    contacts: dict[str, set[str]] = {}
    for line in consolidation.board:
        contacts.setdefault(line.partenaire, set()).update(map(str.casefold, line.contacts))
    with hold(workspace.memory, "tabellion relever", now, wait_seconds=_WAIT_SECONDS, name=POST):
        path = workspace.memory / COLLECTED
        try:
            known = CollectedMails(path)
            known.forget_old(now, workspace.workbooks)
            contract = consolidation.contract.settings.identifiant
            collector = _Collector(workspace, mail, contacts, consolidation.decisions, known, now, contract)
            return collector.collect(environment, stop)
        except OSError as error:
            raise cannot_write(path, error) from error


@dataclass
class _Collector:
    workspace: Workspace
    mail: MailSettings
    contacts: Mapping[str, Collection[str]]
    decisions: Decisions
    known: CollectedMails
    now: datetime
    contract: str
    done: CollectResult = field(default_factory=CollectResult)

    def collect(self, environment: Mapping[str, str], stop: Callable[[], bool]) -> CollectResult:
        folder = self.mail.boite_dossier
        keyword = _KEYWORD + hashlib.sha256(self.contract.encode()).hexdigest()[:12]
        if self.known.aside is not None:
            shown, aside = self.known.path.name, self.known.aside.name
            self.done.findings.append(finding("releve-oubliee", Place(shown), valeur=shown, attendu=aside))
        try:
            with Mailbox(self.mail, environment, keyword) as mailbox:
                first, again = self.known.to_look_at(folder, mailbox.validity)
                since = None if self.known.knows(folder) else self._first_day()
                for number, size in mailbox.messages(first, again, since):
                    if stop():
                        break
                    try:
                        if self._look_at(mailbox, number, size):
                            self._put_away(mailbox, number)
                    except MailboxError:
                        self.known.done(folder, mailbox.validity, number, is_lost=True)
                        raise
                    self.known.done(folder, mailbox.validity, number)
        except MailboxError as error:
            self._say_server("boite-injoignable", error.detail)
        self.known.write()
        return self.done

    def _first_day(self) -> datetime:
        """The day from which a folder is looked at that never was: no form comes back before it was written."""
        written = [
            datetime.fromtimestamp(path.stat().st_mtime) for path in self.workspace.envois.glob("*/*.xlsx")
        ]  # fmt: skip
        return max(min(written, default=self.now) - timedelta(days=1), self.now - _LOOKED_BACK)

    def _put_away(self, mailbox: Mailbox, number: int) -> None:
        """Have a message marked and moved; said once in a run where the server would not: it is taken all the same."""
        refusal = mailbox.put_away(number)
        if refusal and all(item.code != "courriel-non-range" for item in self.done.findings):
            self._say_server("courriel-non-range", refusal)

    def _look_at(self, mailbox: Mailbox, number: int, size: int) -> bool:
        """Take the workbooks of one message, or say why it is left; whether it was taken."""
        most = self.mail.boite_mo * _MEGABYTE
        is_large, kept_back = size > most, ""
        path = self.workspace.memory / _MESSAGE
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("wb") as file:
                try:
                    copied = mailbox.copy(number, file, 0 if is_large else _MEGABYTE + 2 * most)
                except KeptBackError as error:
                    copied, kept_back = 0, error.detail
            if not copied and not kept_back:  # taken away meanwhile
                return False
            is_large = is_large or copied > _MEGABYTE + 2 * most
            message = self._examine(path, has_body=not is_large and not kept_back)
        finally:
            path.unlink(missing_ok=True)
        if kept_back:
            message = replace(message, key=hashlib.sha256(f"{mailbox.validity} {number}".encode()).hexdigest())
        sender, subject, brought = message.sender, message.subject, message.brought
        if sender.is_bounce or self._is_own(sender):
            self._leave_automatic(message)
            return False
        reason = kept_back or self._reason_to_leave(sender, brought, size, is_large=is_large)
        own = [] if reason else self._own_workbooks(brought)
        if not own:
            reason = reason or _reasons(brought)
            if self.known.note(message.key, sender, subject, self.now, reason):
                if sender.is_automatic and not brought.workbooks:
                    self.done.automatic += 1
                else:
                    self._say_left(sender, subject, reason)
            return False
        self.known.note(message.key, sender, subject, self.now)
        for workbook, partner in own:
            self._take(message.key, workbook, partner, sender)
        for remark in brought.remarks:
            self._say_left(sender, subject, remark)
        return not brought.remarks

    def _examine(self, path: Path, *, has_body: bool) -> Incoming:
        """What a message says and brings; found out in a child process, which it may stall or exhaust."""
        for whole in (True, False) if has_body else (False,):
            read = partial(examine, authority=self.mail.boite_authentification, has_body=whole)
            readers = shared_readers()
            message = readers.outcome(readers.start(path, read=read), path)
            if isinstance(message, Incoming):
                if whole is not has_body:
                    message.brought.remarks.append("il est illisible, ou demande trop pour être ouvert")
                return message
        key = hashlib.sha256(path.read_bytes()).hexdigest()
        return Incoming(key, NOBODY, "", MessageFiles(remarks=["il est illisible"]))

    def _is_own(self, sender: Sender) -> bool:
        """Whether it is a mail of ours that came back: the staff may read the mailbox from which it leaves."""
        return sender.is_automatic and sender.address == self.mail.expediteur.casefold()

    def _leave_automatic(self, message: Incoming) -> None:
        """Leave what a program sent; what it says of a mail of ours that was not delivered is for the staff, and that
        it brings a workbook which is not one of ours that comes back."""
        reason = "il vient d'un programme"
        if not self.known.note(message.key, message.sender, message.subject, self.now, reason):
            return
        known = {address for addresses in self.contacts.values() for address in addresses}
        known |= set(map(str.casefold, self.mail.equipe))
        undelivered = [(address, why) for address, why in message.sender.undelivered if address in known]
        for address, why in undelivered:  # of another one, which we never wrote to, anybody can send such a report
            detail = why or "aucune raison n'est donnée"
            self.done.findings.append(
                finding("courriel-non-remis", Place(SETTINGS_FILE), valeur=address, detail=detail)
            )
        workbooks = {content for _, content in message.brought.workbooks}
        if undelivered or self._is_own(message.sender) or workbooks <= self._forms(workbooks):
            self.done.automatic += 1
        else:
            self._say_left(message.sender, message.subject, reason)

    def _forms(self, workbooks: Collection[bytes]) -> set[bytes]:
        """Those of these workbooks that are forms as they were sent."""
        sizes = {len(content) for content in workbooks}
        paths = [path for path in self.workspace.envois.glob("*/*.xlsx") if path.stat().st_size in sizes]
        return {path.read_bytes() for path in paths}

    def _own_workbooks(self, brought: MessageFiles) -> list[tuple[tuple[str, bytes], str]]:
        """The workbooks but those that say that they are of another contract, which shares the mailbox: of these the
        message keeps a remark. Each comes with the partner whose form it says it is (empty: it says none)."""
        own = []
        for name, content in brought.workbooks:
            identity = self._identity_of(content)
            contract = identity.get("contrat", "")
            if contract in ("", self.contract):
                own.append(((name, content), identity.get("partenaire", "")))
            else:
                shown = one_line(contract, _LONGEST_SUBJECT)
                brought.remarks.append(f"« {name} » est d'un autre contrat (« {shown} »), qui le relèvera")
        return own

    def _take(self, key: str, workbook: tuple[str, bytes], partner: str, sender: Sender) -> None:
        """Put one workbook among the returns; aside where its sender is no contact of the partner whose form it is, and
        nobody has decided that what it sends counts."""
        address = sender.address.casefold()
        of_partner = self.contacts.get(partner)
        # One that says of no partner that it is its form is for the reader to refuse, if only a contact sent it.
        contacts = (
            of_partner
            if of_partner is not None
            else {address for addresses in self.contacts.values() for address in addresses}
        )
        is_contact = address in contacts
        asked = "" if is_contact or of_partner is None or not address else partner
        is_known = self.mail.boite_inconnus or is_contact or (asked and is_taken(self.decisions, asked, address))
        retours = self.workspace.retours
        place = retours if is_known else retours / SET_ASIDE
        for fichier in self.known.take(key, [workbook], place, self.workspace.workbooks, asked):
            self.done.files.append((fichier, sender.address))
            if not is_known:
                shown, remede = sender.address or "(sans adresse)", _TO_DECIDE if asked else _TO_MOVE
                self.done.findings.append(finding("expediteur-inconnu", Place(fichier), valeur=shown, remede=remede))

    def _identity_of(self, content: bytes) -> dict[str, str]:
        """What a workbook says it is; empty where it says nothing, or cannot be read."""
        path = self.workspace.memory / _PEEKED
        write_whole(path, content)
        try:
            return read_through(path, _identity_of)
        except TabellionError:
            return {}
        finally:
            path.unlink(missing_ok=True)

    def _reason_to_leave(self, sender: Sender, brought: MessageFiles, size: int, *, is_large: bool) -> str:
        if is_large:
            return f"il est trop gros ({size / _MEGABYTE:.0f} Mo, au plus {self.mail.boite_mo})"
        if not brought.workbooks:
            return _reasons(brought) or "il n'apporte aucun classeur"
        if self.mail.boite_authentification and not sender.is_authentic:
            checks = sender.checks or "aucun contrôle"
            return f"rien ne prouve que son expéditeur est celui qu'il dit ({checks})"
        return ""

    def _say_server(self, code: str, detail: str) -> None:
        server = f"{self.mail.boite}:{self.mail.boite_port}"
        self.done.findings.append(finding(code, Place(SETTINGS_FILE), valeur=server, detail=detail))

    def _say_left(self, sender: Sender, subject: str, detail: str) -> None:
        self.done.findings.append(
            finding(
                "courriel-laisse",
                Place(SETTINGS_FILE),
                valeur=sender.address or "(sans adresse)",
                sujet=subject,
                detail=detail,
            )
        )


def _reasons(brought: MessageFiles) -> str:
    return " ; ".join(dict.fromkeys(brought.remarks))


def _identity_of(workbook: RawWorkbook) -> dict[str, str]:
    """What a workbook says it is; done in a child process."""
    return read_identity(workbook.sheet(IDENTITY))[0]


class CampaignPost:
    """What the watcher does about the mails of the campaign, beside its notices: it sends the letters that wait, and
    collects the mailbox every few minutes. A mailbox that cannot be read is said once, until it can."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._environment = environment
        self._next: datetime | None = None
        self._said: list[Finding] = []

    def __call__(self, mailing: Mailing, now: datetime, stop: Callable[[], bool]) -> AlsoDone:
        """Do what is due; what went wrong, and when to come back."""
        workspace, consolidation = mailing.workspace, mailing.consolidation
        findings, moment = send_waiting(workspace, consolidation, now, self._environment, stop)
        if mailing.mail.boite is None:
            return findings, moment
        pause = timedelta(minutes=mailing.mail.boite_minutes)
        if self._next is None or not now < self._next <= now + pause:  # the clock may have been moved
            done = collect(workspace, consolidation, now, self._environment, stop)
            failures = [finding for finding in done.findings if finding.code == "boite-injoignable"]
            findings += [finding for finding in done.findings if finding not in self._said]
            self._said = failures
            self._next = now + pause
        return findings, min(filter(None, (moment, self._next)))


def print_collected(done: CollectResult) -> None:
    """Say which files were taken, and from whom."""
    room = max((len(fichier) for fichier, _ in done.files), default=0)
    for fichier, sender in done.files:
        typer.echo(f"  {printable(fichier):<{room}}   {printable(sender)}")
    left = f", {plural(done.automatic, 'réponse automatique laissée', 'réponses automatiques laissées')}"
    typer.echo(f"\n{plural(len(done.files), 'fichier pris', 'fichiers pris')}{left if done.automatic else ''}.")
