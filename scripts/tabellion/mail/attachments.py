"""What a message brings: its workbooks, wherever they are in it, and who says to have sent it. Pure.

Everything here comes from outside: parts, depth and bytes are bounded and counted while inflating, names are only ever
names, and HTML is not looked at.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from email.utils import getaddresses
from pathlib import PurePosixPath, PureWindowsPath

from tabellion.mail.messages import one_line
from tabellion.wording import file_stem

#: What is looked at of one message: parts, messages and archives inside each other, bytes of each file and of all.
_MOST_PARTS, _DEEPEST = 200, 4
_MOST_BYTES, _MOST_BYTES_IN_ALL = 50_000_000, 200_000_000
#: Files that the reader knows, or refuses with the remedy that its sender needs.
_WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods", ".xltx", ".xltm")
_LONGEST_NAME = 120


@dataclass
class Brought:
    """What a message brings: ``workbooks`` by name and bytes, ``remarks`` on what could not be opened, in French."""

    workbooks: list[tuple[str, bytes]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    parts: int = 0
    size: int = 0


def read_message(content: bytes) -> EmailMessage:
    """A message from its bytes, whatever is wrong with them."""
    return message_from_bytes(content, EmailMessage, policy=policy.default)


def workbooks_of(message: Message) -> Brought:
    """The workbooks that a message brings: attached to it, or to a message or in an archive that it brings."""
    brought = Brought()
    _look_into(message, brought, 0)
    return brought


def _look_into(message: Message, brought: Brought, depth: int) -> None:
    for part in message.walk():
        if part.is_multipart():  # its parts come next, those of a forwarded message too
            continue
        brought.parts += 1
        if brought.parts > _MOST_PARTS:
            brought.remarks.append("il a trop de pièces jointes")
            return
        name, content = _name_of(part), part.get_payload(decode=True)
        if isinstance(content, bytes) and (name or content.startswith(b"PK\3\4")):
            _look_at(name, content, brought, depth)


def _look_at(name: str, content: bytes, brought: Brought, depth: int) -> None:
    """Look at one file: a workbook is taken, a message or an archive is looked into."""
    suffix = PurePosixPath(name).suffix.lower()
    brought.size += len(content)
    if brought.size > _MOST_BYTES_IN_ALL:
        if not brought.remarks or brought.remarks[-1] != _TOO_MUCH:
            brought.remarks.append(_TOO_MUCH)
    elif suffix in _WORKBOOKS or _is_workbook(content):
        brought.workbooks.append((safe_name(name), content))
    elif suffix == ".eml" and depth < _DEEPEST:
        _look_into(read_message(content), brought, depth + 1)
    elif content.startswith(b"PK\3\4") and suffix in (".zip", "") and depth < _DEEPEST:
        _look_into_archive(name, content, brought, depth + 1)
    elif suffix in (".msg", ".rar", ".7z", ".dat"):
        words = f"« {one_line(name, _LONGEST_NAME)} » ne s'ouvre pas ici : enregistrez la pièce jointe qui y est"
        brought.remarks.append(words)


_TOO_MUCH = "ses pièces jointes sont trop grosses une fois ouvertes"


def _look_into_archive(name: str, content: bytes, brought: Brought, depth: int) -> None:
    shown = one_line(name, _LONGEST_NAME)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for entry in archive.infolist():
                brought.parts += 1
                if brought.parts > _MOST_PARTS:
                    brought.remarks.append("il a trop de pièces jointes")
                    return
                if brought.size > _MOST_BYTES_IN_ALL:
                    brought.remarks.append(_TOO_MUCH)
                    return
                inside = PurePosixPath(entry.filename)
                if entry.is_dir() or "__MACOSX" in inside.parts:
                    continue
                with archive.open(entry) as file:
                    inflated = file.read(_MOST_BYTES + 1)
                if len(inflated) > _MOST_BYTES:
                    brought.remarks.append(f"un fichier de l'archive « {shown} » est trop gros une fois ouvert")
                    return
                _look_at(entry.filename, inflated, brought, depth)
    except RuntimeError:
        brought.remarks.append(f"l'archive « {shown} » demande un mot de passe")
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError, KeyError, zlib.error):
        brought.remarks.append(f"l'archive « {shown} » est abîmée")


def _is_workbook(content: bytes) -> bool:
    """Whether a file without a workbook's name is one all the same: its parts say so."""
    if not content.startswith(b"PK\3\4"):
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return any(name.replace("\\", "/").lower() == "xl/workbook.xml" for name in archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False


def _name_of(part: Message) -> str:
    try:
        return part.get_filename() or ""
    except (ValueError, LookupError, TypeError):  # a header that no rule foresees
        return "sans-nom"


def safe_name(name: str) -> str:
    """The name of a file as every system takes it, without folders, whatever the message says: ``ville-2016.xlsx``."""
    base = PureWindowsPath(PurePosixPath(name).name).name
    suffix = PurePosixPath(base).suffix.lower()
    suffix = suffix if suffix in _WORKBOOKS else ".xlsx"
    return f"{file_stem(base.removesuffix(PurePosixPath(base).suffix)) or 'sans-nom'}{suffix}"


@dataclass(frozen=True)
class Sender:
    """Who says to have sent a message: ``address`` in small letters (empty where there is none), ``checks`` what a
    server found of it (``spf=pass dkim=pass dmarc=pass (mx.agglo.fr)``), ``is_automatic`` where no person wrote it,
    ``is_authentic`` where the server that is trusted found that the sender is who it says."""

    address: str
    message_id: str
    references: tuple[str, ...]
    checks: str
    is_automatic: bool
    is_authentic: bool = False


def sender_of(message: EmailMessage, authority: str = "") -> Sender:
    """Who sent a message; of its ``Authentication-Results`` only those count that ``authority`` signs (RFC 8601).

    Without one they prove nothing, since anybody can write them: they are shown with the server that they name.
    """
    addresses = [address for _, address in getaddresses(_headers(message, "From")) if "@" in address]
    checks = next(iter(_headers(message, "Authentication-Results")), "")
    signed, _, checks_text = checks.partition(";")
    is_own = bool(authority) and signed.split()[:1] == [authority]
    results = (
        [word.split()[0].lower() for word in checks_text.split(";") if "=" in word] if is_own or not authority else []
    )
    shown = f"{' '.join(results)} ({signed.strip()})" if results else ""
    identity = " ".join("".join(_headers(message, "Message-ID")).split())
    references = tuple(" ".join(_headers(message, "References")).split())[-20:]
    automatic = [value.strip().lower() for value in _headers(message, "Auto-Submitted")] not in ([], ["no"])
    automatic |= any(value.strip().lower() in ("bulk", "junk", "list") for value in _headers(message, "Precedence"))
    automatic |= any(_headers(message, name) for name in ("List-Id", "List-Unsubscribe", "X-Autoreply"))
    automatic |= [value.strip() for value in _headers(message, "Return-Path")][:1] == ["<>"]
    automatic |= message.get_content_type() == "multipart/report"
    return Sender(
        addresses[0].lower() if len(addresses) == 1 else "",
        identity,
        references,
        one_line(shown, _LONGEST_NAME),
        automatic,
        is_own and "dmarc=pass" in results,
    )


def _headers(message: EmailMessage, name: str) -> list[str]:
    try:
        return [str(value) for value in message.get_all(name, [])]
    except (ValueError, LookupError, TypeError, AttributeError):  # a header that no rule foresees
        return []
