"""``tabellion envoyer``: each partner's form or reminder, by mail to each of its contacts, never the same one twice.

From Excel, letters are only noted: the watcher sends them, and again those that the server put off. One process at a
time sends.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path

import typer

from tabellion.campaign.model import BoardLine, Consolidation
from tabellion.commands.relances import FOLDER as REMINDERS
from tabellion.commands.relances import relances, wrong_options
from tabellion.contract.folders import SENT_LETTERS, SETTINGS_FILE
from tabellion.contract.workspace import MailSettings, Workspace, is_mail_address
from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.mail.delivery import open_outbox
from tabellion.mail.letters import CampaignLetter, campaign_message, form_letters, reminder_letters
from tabellion.mail.outbox import LetterState, Outbox, OutboxEntry, read_outbox
from tabellion.mail.posting import Round
from tabellion.measures.board import UNANSWERED
from tabellion.outputs.guides import PARTNER, guide_name
from tabellion.transaction.files import cannot_write, dated, free_name, write_whole
from tabellion.transaction.lock import hold
from tabellion.wording import file_stem, plural, printable

#: The folder of the mails that would be sent, beside what people open; the lock of whoever sends.
TRIALS, POST = "essais", "courrier"
#: How long a second one waits for the lock, in seconds.
_WAIT_SECONDS = 5.0


@dataclass(frozen=True)
class PreparedLetters:
    """The letters that the state of the campaign calls for, and who has no address."""

    consolidation: Consolidation
    mail: MailSettings
    exercice: int
    letters: tuple[CampaignLetter, ...]
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Sending:
    """What a run did: what became of each letter, in the order of the board; ``before`` are those that were done."""

    entries: tuple[OutboxEntry, ...]
    before: frozenset[OutboxEntry]
    findings: tuple[Finding, ...]

    @property
    def is_complete(self) -> bool:
        """Whether every letter left, or had."""
        return all(entry.state in (LetterState.SENT, LetterState.ASSUMED) for entry in self.entries)


def prepare_letters(
    workspace: Workspace,
    consolidation: Consolidation,
    exercice: int | None,
    partners: Sequence[str],
    now: datetime,
    *,
    reminders: bool,
) -> PreparedLetters:
    """The letters of ``exercice`` (the current one by default): forms for those who have not answered, or reminders.

    ``partners`` are identifiers (all by default; one that is named gets its form whatever it has answered). Reminders
    are prepared first, as ``tabellion relances`` does. Raises :class:`TabellionError` where no mail is set, an option
    or a template is wrong.
    """
    mistakes = wrong_options(consolidation, exercice, partners)
    mail = consolidation.contract.settings.courriel
    if mail is None:
        mistakes.append(finding("courriel-non-regle", Place(SETTINGS_FILE)))
    if mistakes or mail is None:
        raise TabellionError(mistakes)
    year = consolidation.contract.settings.exercice_courant if exercice is None else exercice
    if reminders:
        # A text that staff changed is replaced, after a dated copy, once it was sent.
        sent = _sent_reminders(workspace, consolidation, year)
        made = relances(workspace, consolidation, year, partners, force=False, now=now, sent=sent).reminders
        lines = [reminder.line for reminder in made]
        letters = reminder_letters(workspace, {reminder.path: reminder.line for reminder in made})
    else:
        lines = [
            line for line in consolidation.board
            if line.exercice == year and line.sent is not None
            and (line.partenaire in partners if partners else line.status in UNANSWERED)
        ]  # fmt: skip
        letters = form_letters(workspace, consolidation, lines, guide_name(PARTNER))
    without = [line.nom for line in lines if not any(map(is_mail_address, line.contacts))]
    findings = [finding("partenaire-sans-adresse", Place("contrat.xlsx"), valeur=", ".join(without))] if without else []
    return PreparedLetters(consolidation, mail, year, tuple(letters), tuple(findings))


def send_letters(
    workspace: Workspace, prepared: PreparedLetters, now: datetime, *, again: bool = False,
    environment: Mapping[str, str] = os.environ,
) -> Sending:  # fmt: skip
    """Send the letters that were not sent yet, also those that wait; with ``again``, those refused or doubtful too.

    Raises :class:`TabellionError` where somebody else sends, or what is sent cannot be noted (nothing is sent then).
    """
    with _sending(workspace, now) as outbox:
        findings = open_outbox(outbox, prepared.letters, now)
        outbox.forget_old(now, workspace.workbooks)
        if again:
            outbox.forget({letter.key for letter in prepared.letters}, (LetterState.REFUSED, LetterState.DOUBTFUL))
        else:
            outbox.forget_refused({contact for line in prepared.consolidation.board for contact in line.contacts})
        due = [letter for letter in prepared.letters if not outbox.is_done(letter)]
        before = frozenset(outbox.entry_of(letter) for letter in prepared.letters if letter not in due)

        _post(prepared.consolidation, prepared.mail, outbox, due, findings, now, environment)
    entries = tuple(outbox.entry_of(letter) for letter in prepared.letters)
    return Sending(entries, before, (*prepared.findings, *findings))


def queue_letters(workspace: Workspace, prepared: PreparedLetters, now: datetime) -> tuple[int, list[Finding]]:
    """Note the letters that were not sent yet as waiting, for the watcher to send; how many, and what was wrong with
    what is known of those sent before. Raises as :func:`send_letters`."""
    with _sending(workspace, now) as outbox:
        findings = open_outbox(outbox, prepared.letters, now)
        due = [letter for letter in prepared.letters if not outbox.is_done(letter)]
        for letter in due:
            outbox.queue(letter, now)
        outbox.write()
    return len(due), findings


def send_waiting(
    workspace: Workspace, consolidation: Consolidation, now: datetime, environment: Mapping[str, str] = os.environ,
    stop: Callable[[], bool] = lambda: False,
) -> tuple[list[Finding], datetime | None]:  # fmt: skip
    """Send the letters that wait and whose time has come, as they are now: the form that is there, the reminder in the
    words that are there. What went wrong, and when to come back (``None``: nothing waits).

    Raises :class:`TabellionError` where somebody else sends, or a template is wrong.
    """
    mail, path = consolidation.contract.settings.courriel, workspace.memory / SENT_LETTERS
    if mail is None or not path.exists():
        return [], None
    with _sending(workspace, now) as outbox:
        findings = open_outbox(outbox, (), now)
        outbox.forget_old(now, workspace.workbooks)
        waiting = [entry for entry in outbox.entries.values() if entry.state is LetterState.WAITING]
        asked = {(entry.subject, entry.recipient) for entry in waiting}
        if not asked:
            return findings, None
        letters = [letter for letter in _all_letters(workspace, consolidation) if letter.name in asked]
        outbox.forget_refused({contact for line in consolidation.board for contact in line.contacts})
        due = [letter for letter in letters if not outbox.is_done(letter)]
        outbox.forget_waiting({letter.key for letter in due})
        ready = [letter for letter in due if outbox.waits_until(letter, now) <= now]
        _post(consolidation, mail, outbox, ready, findings, now, environment, stop)
        outbox.write()
        left = [outbox.waits_until(letter, now) for letter in due if not outbox.is_done(letter)]
    return findings, min(left, default=None)


def _all_letters(workspace: Workspace, consolidation: Consolidation) -> list[CampaignLetter]:
    """Every letter that there may be: the forms sent, and the reminders prepared."""
    lines = [line for line in consolidation.board if line.sent is not None]
    letters = form_letters(workspace, consolidation, lines, guide_name(PARTNER))
    return letters + [
        reminder for year in consolidation.exercices for reminder in _reminders(workspace, consolidation, year)
    ]


def _reminders(workspace: Workspace, consolidation: Consolidation, year: int) -> list[CampaignLetter]:
    """The reminders of an exercice as they stand in their files."""
    return reminder_letters(workspace, _reminder_files(workspace, consolidation, year))


def _reminder_files(workspace: Workspace, consolidation: Consolidation, year: int) -> dict[Path, BoardLine]:
    folder = workspace.workbooks / REMINDERS / str(year)
    lines = [line for line in consolidation.board if line.exercice == year]
    texts = {folder / f"{file_stem(line.partenaire)}.txt": line for line in lines}
    return {path: line for path, line in texts.items() if path.is_file()}


def _sent_reminders(workspace: Workspace, consolidation: Consolidation, year: int) -> list[Path]:
    """The files of reminders whose words, as they stand there, were sent to every contact."""
    known = dict[str, OutboxEntry]()
    with suppress(OSError, ValueError):
        known = read_outbox(workspace.memory / SENT_LETTERS)
    sent = {key for key, entry in known.items() if entry.state is LetterState.SENT}
    files = _reminder_files(workspace, consolidation, year).items()
    return [
        path
        for path, line in files
        if {reminder_letter.key for reminder_letter in reminder_letters(workspace, {path: line})} <= sent
    ]


def _post(
    consolidation: Consolidation, mail: MailSettings, outbox: Outbox, letters: Sequence[CampaignLetter],
    findings: list[Finding], now: datetime, environment: Mapping[str, str], stop: Callable[[], bool] = lambda: False,
) -> None:  # fmt: skip
    def compose(letter: CampaignLetter, is_whole: bool) -> EmailMessage | None:
        return campaign_message(letter, mail, consolidation, now, is_whole=is_whole)

    Round(mail, outbox, compose, findings, now, environment, stop).post(letters)


@contextmanager
def _sending(workspace: Workspace, now: datetime) -> Iterator[Outbox]:
    """The outbox of campaigns, alone on it; raises :class:`TabellionError` where it cannot be written."""
    with hold(workspace.memory, "tabellion envoyer", now, wait_seconds=_WAIT_SECONDS, name=POST):
        outbox = Outbox(workspace.memory / SENT_LETTERS)
        try:
            yield outbox
        except OSError as error:
            raise cannot_write(outbox.path, error) from error


def write_trial(workspace: Workspace, prepared: PreparedLetters, now: datetime) -> list[Path]:
    """Write the mails that would be sent, as files to open, into a new folder of ``workbooks/essais/``; nothing leaves.

    Raises :class:`TabellionError` where they cannot be written.
    """
    folder, written = free_name(workspace.workbooks / TRIALS / dated(now)), list[Path]()
    for letter in prepared.letters:
        message = campaign_message(letter, prepared.mail, prepared.consolidation, now)
        if message is None:
            continue
        path = free_name(folder / f"{file_stem(letter.line.partenaire)}-{letter.line.exercice}-{letter.kind}.eml")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, message.as_bytes())
        except OSError as error:
            raise cannot_write(path, error) from error
        written.append(path)
    return written


def print_sending(sending: Sending) -> None:
    """Say what became of each letter."""
    names = [entry.subject for entry in sending.entries]
    room = max(map(len, names), default=0)
    for entry in sending.entries:
        state = "déjà envoyé" if entry in sending.before and entry.state is LetterState.SENT else entry.state.value
        detail = f" ({entry.detail})" if entry.detail else ""
        typer.echo(f"  {printable(entry.subject):<{room}}   {state:<12}   {printable(entry.recipient + detail)}")
    new = [entry for entry in sending.entries if entry not in sending.before and entry.state is LetterState.SENT]
    waiting = [entry for entry in sending.entries if entry.state is LetterState.WAITING]
    typer.echo(f"\n{plural(len(new), 'message envoyé', 'messages envoyés')}, {len(waiting)} en attente.")
