"""What a message brings: its workbooks, wherever they are in it. Done in a child process, under the reader's limits.

Everything here comes from outside: parts, depth and bytes are bounded and counted while inflating, names are only ever
names, and HTML is not looked at.
"""

from __future__ import annotations

import hashlib
import io
import struct
import zipfile
import zlib
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage, Message
from email.parser import BytesFeedParser, BytesHeaderParser
from pathlib import Path, PurePosixPath, PureWindowsPath

from tabellion.mail.headers import Sender, sender_of
from tabellion.mail.messages import one_line
from tabellion.reading.limits import Limits
from tabellion.wording import file_stem

#: What is looked at of one message: parts, messages and archives inside each other, bytes of each file and of all.
_MOST_PARTS, _DEEPEST = 200, 4
_MOST_BYTES, _MOST_BYTES_IN_ALL = 50_000_000, 100_000_000
_PIECE_BYTES, _MOST_HEADER_BYTES = 1 << 16, 1 << 20
#: Files that the reader knows, or refuses with the remedy that its sender needs.
_WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods", ".xltx", ".xltm")
_LONGEST_NAME, _LONGEST_SUBJECT = 120, 80
#: What zipfile and olefile raise for a file that they cannot make sense of.
_DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, OSError, ValueError, NotImplementedError, EOFError, KeyError,
           IndexError, TypeError, AttributeError, OverflowError, RecursionError)  # fmt: skip
#: Outlook's own form of a message ([MS-OXMSG], 2.2.2): the storage of an attachment, its content, its name, long or
#: short, in Unicode or in the sender's code page.
_OUTLOOK_ATTACHMENT, _OUTLOOK_CONTENT = "__attach_version1.0_#", "__substg1.0_37010102"
_OUTLOOK_NAMES = {"__substg1.0_3707001F": "utf-16-le", "__substg1.0_3704001F": "utf-16-le",
                  "__substg1.0_3707001E": "cp1252", "__substg1.0_3704001E": "cp1252"}  # fmt: skip
#: Its rich text begins so; each attribute is a level, an identifier, a length, its bytes, a checksum, and a file is
#: several of them, of which one begins it.
_RICH_TEXT, _RICH_TEXT_HEAD_BYTES, _CHECKSUM_BYTES = b"\x78\x9f\x3e\x22", 6, 2
_ATTRIBUTE = struct.Struct("<xLL")
_ATTACHMENT_BEGINS, _ATTACHMENT_NAME, _ATTACHMENT_CONTENT = 0x00069002, 0x00018010, 0x0006800F


@dataclass
class MessageFiles:
    """What a message brings: ``workbooks`` by name and bytes, ``remarks`` on what could not be opened, in French."""

    workbooks: list[tuple[str, bytes]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    parts: int = 0
    size: int = 0


@dataclass(frozen=True)
class Incoming:
    """A message that came: ``key`` is the same for the same message, wherever and whenever it is found."""

    key: str
    sender: Sender
    subject: str
    brought: MessageFiles


def examine(path: str, _limits: Limits, *, authority: str, has_body: bool = True) -> Incoming:
    """What the message in a file says and brings (nothing, where only its header is looked at)."""
    with Path(path).open("rb") as file:
        content = file.read() if has_body else file.read(_MOST_HEADER_BYTES)
    parser = BytesHeaderParser(EmailMessage, policy=policy.default)
    message = read_message(content) if has_body else parser.parsebytes(content)
    sender = sender_of(message, authority)
    named = f"{sender.message_id} {sender.address}".encode("utf-8", "replace") if sender.message_id else content
    key = hashlib.sha256(named).hexdigest()
    del content
    try:
        subject = one_line(str(message.get("Subject", "")), _LONGEST_SUBJECT)
    except (ValueError, LookupError, TypeError, AttributeError):  # a header that no rule foresees
        subject = ""
    return Incoming(key, sender, subject, workbooks_of(message) if has_body else MessageFiles())


def read_message(content: bytes) -> EmailMessage:
    """A message from its bytes, whatever is wrong with them."""
    parser = BytesFeedParser(EmailMessage, policy=policy.default)
    for start in range(0, len(content), _PIECE_BYTES):  # whole, they would be there four times over
        parser.feed(content[start : start + _PIECE_BYTES])
    return parser.close()


def workbooks_of(message: Message) -> MessageFiles:
    """The workbooks that a message brings: attached to it, or to a message or in an archive that it brings."""
    brought = MessageFiles()
    _look_into(message, brought, 0)
    return brought


def _look_into(message: Message, brought: MessageFiles, depth: int) -> None:
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


def _look_at(name: str, content: bytes, brought: MessageFiles, depth: int) -> None:
    """Look at one file: a workbook is taken, a message or an archive is looked into."""
    suffix = PurePosixPath(name.strip()).suffix.lower()
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
    elif content.startswith(_RICH_TEXT) and depth < _DEEPEST:
        _look_into_rich_text(name, content, brought, depth + 1)
    elif suffix == ".msg" and depth < _DEEPEST:
        _look_into_outlook(name, content, brought, depth + 1)
    elif suffix in (".msg", ".rar", ".7z", ".dat"):
        words = f"« {one_line(name, _LONGEST_NAME)} » ne s'ouvre pas ici : enregistrez la pièce jointe qui y est"
        brought.remarks.append(words)


_TOO_MUCH = "ses pièces jointes sont trop grosses une fois ouvertes"


def _look_into_archive(name: str, content: bytes, brought: MessageFiles, depth: int) -> None:
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
    except _DAMAGE:
        brought.remarks.append(f"l'archive « {shown} » est abîmée")
    except RuntimeError:
        brought.remarks.append(f"l'archive « {shown} » demande un mot de passe")


def _look_into_outlook(name: str, content: bytes, brought: MessageFiles, depth: int) -> None:
    """Look at the files attached to a message of Outlook, and to the messages that are attached to it."""
    from olefile import OleFileIO

    try:
        with OleFileIO(io.BytesIO(content)) as outlook:
            for path in outlook.listdir():
                if len(path) < 2 or path[-1] != _OUTLOOK_CONTENT or not path[-2].startswith(_OUTLOOK_ATTACHMENT):
                    continue
                brought.parts += 1
                if brought.parts > _MOST_PARTS or outlook.get_size(path) > _MOST_BYTES:
                    brought.remarks.append(_TOO_MUCH)
                    return
                names = (
                    outlook.openstream([*path[:-1], stream]).read().decode(encoding, "replace").rstrip("\0")
                    for stream, encoding in _OUTLOOK_NAMES.items()
                    if outlook.exists([*path[:-1], stream])
                )
                _look_at(next(names, ""), outlook.openstream(path).read(), brought, depth)
    except _DAMAGE:
        brought.remarks.append(f"le message « {one_line(name, _LONGEST_NAME)} » est abîmé")


def _look_into_rich_text(name: str, content: bytes, brought: MessageFiles, depth: int) -> None:
    """Look at the files in what Outlook sends as ``winmail.dat`` ([MS-OXTNEF], 2.1.3)."""
    files, at = list[list[bytes]](), _RICH_TEXT_HEAD_BYTES
    while at < len(content):
        if at + _ATTRIBUTE.size > len(content):
            break
        attribute, length = _ATTRIBUTE.unpack_from(content, at)
        start, at = at + _ATTRIBUTE.size, at + _ATTRIBUTE.size + length + _CHECKSUM_BYTES
        if attribute == _ATTACHMENT_BEGINS:
            files.append([b"", b""])
        elif files and attribute in (_ATTACHMENT_NAME, _ATTACHMENT_CONTENT):
            files[-1][attribute == _ATTACHMENT_CONTENT] = content[start : start + length]
    if at != len(content):
        brought.remarks.append(f"le message « {one_line(name, _LONGEST_NAME)} » est abîmé")
    for title, payload in files[:_MOST_PARTS]:
        brought.parts += 1
        _look_at(title.rstrip(b"\0").decode("cp1252", "replace"), payload, brought, depth)


def _is_workbook(content: bytes) -> bool:
    """Whether a file without a workbook's name is one all the same: its parts say so."""
    if not content.startswith(b"PK\3\4"):
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return any(name.replace("\\", "/").lower() == "xl/workbook.xml" for name in archive.namelist())
    except _DAMAGE:
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
