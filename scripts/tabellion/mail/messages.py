"""A message as bytes that every server and mailbox takes: its headers, its words, its attachments."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from pathlib import PurePosixPath
from typing import Any

from tabellion.contract.workspace import MailSettings, is_mail_address
from tabellion.outputs.reminders import plain

_LONGEST_SUBJECT, _LONGEST_STEM = 200, 80
_OFFICE = "application/vnd.openxmlformats-officedocument."
_TYPES = {".xlsx": f"{_OFFICE}spreadsheetml.sheet", ".docx": f"{_OFFICE}wordprocessingml.document"}
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,250}>")
_ANY_TYPE = "application/octet-stream"
_FORBIDDEN_IN_NAMES = str.maketrans(dict.fromkeys('\\/:*?"<>|', "_"))


class AddressError(ValueError):
    """What was to be written to is no address."""


class _Policy(EmailPolicy):
    """The standard one, but for the words of the subject and of the sender: it loses spaces where it folds those with
    accents (gh-92081, in the Pythons of before 3.13)."""

    def fold(self, name: str, value: Any) -> str:
        """A header as its lines."""
        if name == "Subject":
            return f"{name}: {_folded(name, str(value))}\r\n"
        if name == "From":
            (sender,) = value.addresses
            return f"{name}: {_folded(name, sender.display_name)}\r\n <{sender.addr_spec}>\r\n"
        return str(super().fold(name, value))

    def fold_binary(self, name: str, value: object) -> bytes:
        """The same, as bytes."""
        return self.fold(name, value).encode("ascii", "surrogateescape")


def _folded(name: str, words: str) -> str:
    return Header(words, "utf-8", header_name=name).encode(linesep="\r\n")


@dataclass(frozen=True)
class Attachment:
    """A file that goes with a message: its name and its bytes."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Thread:
    """The message that is answered: its Message-ID, and those that it names before it, the first one first."""

    message_id: str
    references: tuple[str, ...] = ()

    @classmethod
    def of(cls, message_id: str, references: Sequence[str]) -> Thread | None:
        """The thread of a message from outside; ``None`` where its identity is none that a header may have."""
        if _MESSAGE_ID.fullmatch(message_id) is None:
            return None
        return cls(message_id, tuple(reference for reference in references if _MESSAGE_ID.fullmatch(reference)))


def make_message(
    mail: MailSettings,
    recipient: str,
    subject: str,
    text: str,
    *,
    sender: str,
    now: datetime,
    identity: str,
    attachments: Sequence[Attachment] = (),
    thread: Thread | None = None,
    reply_to: Sequence[str] | None = None,
) -> EmailMessage:
    """A message to one ``recipient`` (an address) from ``sender`` (a name), dated ``now`` (local where it has no zone).

    ``identity`` is the same for the same message, however often it is sent. ``thread`` is what it answers;
    ``reply_to`` are the addresses that get the answers (by default the team's).
    Subject and names may hold what a partner typed: they are put on one line, and nothing of them can add a header.
    Raises :class:`AddressError` when the recipient is no address.
    """
    if not is_mail_address(recipient):
        raise AddressError(recipient)
    message = EmailMessage(_Policy(linesep="\r\n"))
    message["From"] = Address(one_line(sender, _LONGEST_SUBJECT), addr_spec=mail.expediteur)
    message["To"] = Address(addr_spec=recipient)
    answered = mail.equipe if reply_to is None else tuple(reply_to)
    if answered and recipient not in answered:
        message["Reply-To"] = [Address(addr_spec=address) for address in answered]
    message["Subject"] = one_line(subject, _LONGEST_SUBJECT)
    message["Date"] = format_datetime(now.astimezone())
    # The same message has the same identity: a mailbox that gets it twice all the same shows it once.
    number = hashlib.sha256(identity.encode()).hexdigest()[:32]
    message["Message-ID"] = f"<{number}@{mail.expediteur.rpartition('@')[2]}>"
    if thread is not None:
        message["In-Reply-To"] = thread.message_id
        message["References"] = " ".join((*thread.references, thread.message_id))
    message["Auto-Submitted"] = "auto-generated" if thread is None else "auto-replied"  # RFC 3834
    message["X-Auto-Response-Suppress"] = "All"  # the same, for Exchange
    message["Content-Language"] = "fr"
    message.set_content(text.encode("utf-8", "replace").decode(), cte="quoted-printable")
    for attachment in attachments:
        main, _, sub = _TYPES.get(PurePosixPath(attachment.name).suffix, _ANY_TYPE).partition("/")
        message.add_attachment(attachment.content, main, sub, filename=attachment.name)
    return message


def attachment_name(fichier: str) -> str:
    """``Ville (annoté).xlsx``: a name that every system takes, for the annotated copy of ``fichier``."""
    stem = PurePosixPath(fichier).stem.translate(_FORBIDDEN_IN_NAMES)
    return f"{one_line(stem, _LONGEST_STEM) or 'retour'} (annoté).xlsx"


def one_line(text: str, longest: int) -> str:
    """``text`` on one line, cut where it is longer than ``longest`` signs."""
    line = plain(text)
    return line if len(line) <= longest else line[: longest - 1] + "…"
