"""The letters of a campaign: to each contact of a partner its form with the guide, or its reminder.

A letter is known by its recipient and by what it brings: the form that is attached, or the words of the reminder.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path

from tabellion.campaign.model import BoardLine, Consolidation
from tabellion.campaign.parsed_return import digest_of
from tabellion.contract.workspace import MailSettings, Workspace, is_mail_address, starter_kit
from tabellion.mail.messages import Attachment, make_message
from tabellion.outputs.reminders import load_template, reminder

TEMPLATE = "envoi.txt"
FORM, REMINDER = "formulaire", "relance"
#: What stands above the text of a message: to whom, about what, with which file.
_HEAD = re.compile(r"\s*(À|Objet|Pièce à joindre)\s*:\s*(.*)")


@dataclass(frozen=True)
class CampaignLetter:
    """A form or a reminder (``kind``) for one contact of the partner of ``line``: ``title`` is the subject of the mail,
    ``files`` are what goes with it, each as its path and the SHA-256 that it had."""

    kind: str
    line: BoardLine
    recipient: str
    title: str
    text: str
    files: tuple[tuple[Path, str], ...]

    @property
    def key(self) -> str:
        """The same for the same form, or the same words, to the same address."""
        brought = [self.title, self.text] if self.kind == REMINDER else [self.files[0][1]]
        return digest_of(
            [self.recipient.casefold(), self.kind, self.line.partenaire, str(self.line.exercice), *brought]
        )

    @property
    def name(self) -> tuple[str, str]:
        """The same for the same kind of letter to the same address, whatever it brings."""
        return self.subject, self.recipient

    @property
    def fichier(self) -> str:
        """The form that was written for the partner."""
        return self.line.sent or ""

    @property
    def subject(self) -> str:
        """What it is: « formulaire 2016 : Ville »."""
        return f"{self.kind} {self.line.exercice} : {self.line.nom}"


def template_path(workspace: Workspace, name: str) -> Path:
    """The template of a mail: the workspace's; the starter kit's where an older version made it without one."""
    path, kit = workspace.templates / name, starter_kit() / "templates" / name
    return path if path.exists() or not kit.exists() else kit


def form_letters(
    workspace: Workspace, consolidation: Consolidation, lines: Iterable[BoardLine], guide: str
) -> list[CampaignLetter]:
    """The letters that bring the forms of these lines, with the document ``guide`` where it is beside them.

    Raises :class:`tabellion.findings.TabellionError` where the template is wrong.
    """
    path = template_path(workspace, TEMPLATE)
    template = load_template(path)
    letters = []
    for line in lines:
        if line.sent is None:
            continue
        form = workspace.workbooks / line.sent
        title, text = title_and_text(reminder(template, path, consolidation, line))
        letters += _to_contacts(FORM, line, title, text, (form, form.with_name(guide)))
    return letters


def reminder_letters(
    workspace: Workspace, texts: Mapping[Path, BoardLine]
) -> list[CampaignLetter]:  # fmt: skip
    """The letters that bring the reminders in these files, in the words that staff may have changed there, with the
    form that is awaited, or the annotated copy of the return to correct."""
    letters = []
    for path, line in texts.items():
        title, text = title_and_text(path.read_text(encoding="utf-8", errors="replace"))
        brought = line.sent if line.latest is None else line.latest.annotated
        letters += _to_contacts(REMINDER, line, title, text, (workspace.workbooks / brought,) if brought else ())
    return letters


def _to_contacts(
    kind: str, line: BoardLine, title: str, text: str, paths: tuple[Path, ...]
) -> list[CampaignLetter]:  # fmt: skip
    files = tuple((path, hashlib.sha256(path.read_bytes()).hexdigest()) for path in paths if path.is_file())
    if kind == FORM and not files:
        return []
    return [CampaignLetter(kind, line, contact, title, text, files) for contact in line.contacts]


def title_and_text(text: str) -> tuple[str, str]:
    """The subject and the words of a message whose first lines say to whom, about what and with which file."""
    title, lines = "", text.splitlines()
    while lines and (head := _HEAD.fullmatch(lines[0])) is not None:
        if head[1] == "Objet":
            title = head[2].replace("\u00a0", " ")
        lines.pop(0)
    return title, "\n".join(lines).strip("\n") + "\n"


def campaign_message(
    letter: CampaignLetter, mail: MailSettings, consolidation: Consolidation, now: datetime, *, is_whole: bool = True
) -> EmailMessage | None:
    """The message of a letter, with its files or (not ``is_whole``) with words in their place; ``None`` where a file
    is not what it was."""
    settings = consolidation.contract.settings
    files, text = [], letter.text
    if is_whole:
        for path, sha256 in letter.files:
            try:
                content = path.read_bytes()
            except OSError:
                return None
            if hashlib.sha256(content).hexdigest() != sha256:
                return None
            files.append(Attachment(path.name, content))
    else:
        text += "\nLe fichier à joindre est trop gros pour le courriel : il vous sera transmis autrement.\n"
    to = (settings.adresse_retour,) if is_mail_address(settings.adresse_retour) else mail.equipe
    return make_message(
        mail, letter.recipient, letter.title, text, sender=settings.titre, now=now, identity=letter.key,
        attachments=files, reply_to=to,
    )  # fmt: skip
