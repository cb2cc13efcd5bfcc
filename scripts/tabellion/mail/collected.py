"""What was collected from the mailbox: which files, from whom, of which message, so that each is taken once.

A file is noted before it is put in place and again after: whatever stops the program, the same attachment of the same
message is never taken twice, and none is lost.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from tabellion.campaign.senders import UnknownSender
from tabellion.campaign.sent_mail import ReceivedMail
from tabellion.findings import Json
from tabellion.transaction.files import free_name, write_whole
from tabellion.transaction.manifest import write_json
from tabellion.transaction.stored import DAMAGE, read_stored

if TYPE_CHECKING:
    from tabellion.mail.headers import Sender

_VERSION = 1
#: How long a message is known that was left, or of whose files none is there any more: by then its mark, or the folder
#: where it was moved, says what became of it.
_LEFT_FOR, _TAKEN_FOR = timedelta(days=30), timedelta(days=400)


@dataclass
class CollectedFile:
    """One attachment: its SHA-256, its place from the folder ``workbooks/``, whether it is there for certain.

    ``partner`` is the one whose form it is, where its sender is no contact of it (else empty).
    """

    sha256: str
    fichier: str
    is_placed: bool = False
    partner: str = ""


@dataclass
class CollectedMail:
    """One message: who says to have sent it, when it was taken, what the receiving server found of its sender, what is
    needed to answer it, and its files. ``left`` says why it was left in the mailbox (empty: it was taken)."""

    sender: str
    subject: str
    taken: str
    message_id: str
    references: list[str]
    checks: str
    is_automatic: bool
    left: str = ""
    files: list[CollectedFile] = field(default_factory=list)


def answered_mails(path: Path) -> dict[str, CollectedMail]:
    """The messages that a person sent and that were taken, by the SHA-256 of what each brought; none where the file is
    missing or damaged."""
    return {
        file.sha256: mail for mail in reversed(known_mails(path)) if not mail.is_automatic for file in mail.files
    }  # fmt: skip


def unknown_senders(path: Path, workbooks: Path) -> list[UnknownSender]:
    """Who sent files without being contacts of their partners, where the file is as it came."""
    return [
        UnknownSender(file.fichier, file.partner, mail.sender, mail.checks)
        for mail in known_mails(path) for file in mail.files
        if file.partner and mail.sender and _is_there(file, workbooks)
    ]  # fmt: skip


def known_mails(path: Path) -> list[CollectedMail]:
    """The messages noted in the file, the first one first; none where it is missing or damaged."""
    return list((read_stored(path, _mails_of) or {}).values())


def received_mails(path: Path) -> tuple[ReceivedMail, ...]:
    """The messages that were taken, and those of people that were left, as staff are shown them, the latest first."""
    mails = [mail for mail in known_mails(path) if mail.files or not mail.is_automatic]
    return tuple(
        ReceivedMail(
            mail.subject, mail.sender, datetime.fromisoformat(mail.taken), len(mail.files), mail.checks, mail.left
        )
        for mail in sorted(mails, key=lambda mail: mail.taken, reverse=True)
    )


def _mails_of(stored: Json) -> dict[str, CollectedMail]:
    mails = {
        str(key): CollectedMail(**{**mail, "files": [CollectedFile(**file) for file in mail["files"]]})
        for key, mail in stored["courriels"].items()
    }
    for mail in mails.values():
        datetime.fromisoformat(mail.taken)
    return mails


class CollectedMails:
    """The messages known to a workspace, in a small file written whole; one process at a time uses it.

    ``validity`` and ``next_number`` are those of the folder: where its UIDVALIDITY changed, all is looked at again, and
    messages are known by their Message-ID. ``aside`` is what the file was set aside as, where it was damaged. Reading
    and writing raise ``OSError``.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.mails: dict[str, CollectedMail] = {}
        self.folders: dict[str, list[int]] = {}
        self.aside: Path | None = None
        self._among_returns: dict[str, Path] | None = None
        try:
            stored = json.loads(path.read_bytes())
            self.folders = {
                str(name): [int(number) for number in numbers] for name, numbers in stored["dossiers"].items()
            }
            self.mails = _mails_of(stored)
        except FileNotFoundError:
            pass
        except DAMAGE:
            # Lost: every message is looked at again that bears no mark.
            self.aside = path.replace(path.with_name(f"{path.stem}-abimes{path.suffix}"))
            self.mails, self.folders = {}, {}
        self._is_new = not self.folders
        self._on_disk = dict(self.folders), {key: asdict(mail) for key, mail in self.mails.items()}

    def write(self) -> None:
        """Keep everything noted, where something is new."""
        folders, mails = dict(self.folders), {key: asdict(mail) for key, mail in self.mails.items()}
        if (folders, mails) != self._on_disk:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_json(self.path, {"version": _VERSION, "dossiers": folders, "courriels": mails})
            self._on_disk = folders, mails

    def forget_old(self, now: datetime, workbooks: Path) -> None:
        """Forget the messages that matter no more; :meth:`write` keeps the others."""
        left, taken = ((now - age).isoformat(timespec="seconds") for age in (_LEFT_FOR, _TAKEN_FOR))
        self.mails = {
            key: mail for key, mail in self.mails.items()
            if mail.taken > (left if mail.left else taken)
            or any((workbooks / file.fichier).exists() for file in mail.files)
        }  # fmt: skip

    def knows(self, folder: str) -> bool:
        """Whether a folder was looked at before."""
        return folder in self.folders

    def to_look_at(self, folder: str, validity: int) -> tuple[int, list[int]]:
        """The number of the first message that was not looked at, and those before it at which the connection was
        lost."""
        known, first, *again = self.folders.get(folder, [0, 1])
        return (first, again) if known == validity else (1, [])

    def done(self, folder: str, validity: int, number: int, *, is_lost: bool = False) -> None:
        """Note that a message needs to be looked at no more, or (``is_lost``) again, once all others were: it may be
        one that its server cannot give. :meth:`write` keeps it."""
        first, again = self.to_look_at(folder, validity)
        again = [earlier for earlier in again if earlier != number] + [number] * is_lost
        self.folders[folder] = [validity, max(first, number + 1), *again]

    def note(self, key: str, sender: Sender, subject: str, now: datetime, left: str = "") -> bool:
        """Note a message, and why it is left; whether it is new."""
        if key in self.mails:
            if not left:  # another message of this name brought nothing
                self.mails[key].left = ""
            return False
        self.mails[key] = CollectedMail(
            sender.address, subject, now.isoformat(timespec="seconds"), sender.message_id, list(sender.references),
            sender.checks, sender.is_automatic, left,
        )  # fmt: skip
        return True

    def take(
        self, key: str, brought: Sequence[tuple[str, bytes]], folder: Path, workbooks: Path, partner: str = ""
    ) -> list[str]:  # fmt: skip
        """Put the workbooks that a noted message brought (names and bytes) into ``folder``, each whole, once, under a
        name of its own; those that are new, from the folder ``workbooks``. ``partner`` is that of
        :class:`CollectedFile`."""
        mail, new = self.mails[key], list[str]()
        for name, content in brought:
            sha256 = hashlib.sha256(content).hexdigest()
            noted = next((file for file in mail.files if file.sha256 == sha256), None)
            if noted is None:
                if any(_is_there(file, workbooks) for file in self._files(sha256)):
                    continue  # sent again as it was
                if self._is_new and (returned := self._returned(folder).get(sha256)) is not None:  # taken before a loss
                    mail.files.append(CollectedFile(sha256, returned.relative_to(workbooks).as_posix(), is_placed=True))
                    self.write()
                    continue
                path = free_name(folder / name)
                noted = CollectedFile(sha256, path.relative_to(workbooks).as_posix(), partner=partner)
                mail.files.append(noted)
                self.write()
            if noted.is_placed:
                continue
            path = workbooks / noted.fichier
            if not _is_there(noted, workbooks):
                if path.exists():  # somebody else's file took the name meanwhile
                    path = free_name(path)
                    noted.fichier = path.relative_to(workbooks).as_posix()
                    self.write()
                path.parent.mkdir(parents=True, exist_ok=True)
                write_whole(path, content)
            noted.is_placed = True
            self.write()
            new.append(noted.fichier)
        return new

    def _files(self, sha256: str) -> list[CollectedFile]:
        return [file for mail in self.mails.values() for file in mail.files if file.sha256 == sha256]

    def _returned(self, folder: Path) -> dict[str, Path]:
        """The files that are in a folder, and in its own ones, by their SHA-256; read once."""
        if self._among_returns is None:
            self._among_returns = {}
            for path in sorted(folder.rglob("*")):
                with suppress(OSError):
                    self._among_returns.setdefault(hashlib.sha256(path.read_bytes()).hexdigest(), path)
        return self._among_returns


def _is_there(file: CollectedFile, workbooks: Path) -> bool:
    try:
        return hashlib.sha256((workbooks / file.fichier).read_bytes()).hexdigest() == file.sha256
    except OSError:
        return False
