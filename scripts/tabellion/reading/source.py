"""From a path to bytes that may be a workbook: a regular file of bounded size, judged by its content alone."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Collection
from pathlib import Path

from tabellion.findings import TabellionError
from tabellion.reading.limits import LIMITS, MIB, Limits, refusal
from tabellion.transaction.owners import EXCEL_OWNER, LIBREOFFICE_OWNER
from tabellion.wording import system_reason

_SPECIAL = (
    (stat.S_ISFIFO, "un tube (FIFO)"),
    (stat.S_ISSOCK, "une prise réseau (socket)"),
    (stat.S_ISCHR, "un périphérique"),
    (stat.S_ISBLK, "un périphérique"),
)
_ZIP_ENTRY = b"PK\x03\x04"
_OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HEAD_BYTES = 4096
_OWNER_FILE_BYTES = 1024
"""Excel's owner file has 165 bytes, Word's 162, LibreOffice's lock file a line: a kilobyte is more than any."""

_SHORTCUTS = (
    (b"\x4c\x00\x00\x00\x01\x14\x02\x00", "raccourci Windows .lnk"),
    (b"book\x00\x00\x00\x00mark", "alias macOS"),
    (b"[internetshortcut]", "raccourci Internet .url"),
    (b"[{000214a0-0000-0000-c000-000000000046}]", "raccourci Internet .url"),
    (b"[desktop entry]", "raccourci .desktop"),
)
_IMAGES = (
    (b"\x89PNG\r\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"BM", "BMP"),
)
_ARCHIVES = (
    (b"Rar!\x1a\x07", "RAR"),
    (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
)


def read_source(path: Path, limits: Limits = LIMITS) -> bytes:
    """The bytes of the regular file at ``path``; a symbolic link to one is followed.

    Never waits on a pipe or a device, and never holds more than ``limits.file_bytes`` bytes.
    Raises ``TabellionError`` (codes ``fichier-…``) when there is no such file, or it is not one, or it is too heavy.
    """
    try:
        _check_kind(path.stat().st_mode)
        # Between the look and the opening, the path may have become a pipe: O_NONBLOCK keeps the opening from waiting.
        flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
        descriptor = os.open(path, flags)
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            before = os.fstat(descriptor)
            _check_kind(before.st_mode)
            if before.st_size > limits.file_bytes:
                raise _too_heavy(before.st_size, limits)
            data = _read_up_to(file.fileno(), limits.file_bytes + 1)
            after = os.fstat(descriptor)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise _unreadable(error) from error
    if len(data) > limits.file_bytes:
        raise _too_heavy(len(data), limits)
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or len(data) != after.st_size:
        raise refusal("fichier-en-ecriture", valeur=len(data), attendu=after.st_size)
    return data


def _check_kind(mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise refusal("fichier-dossier")
    for is_kind, kind in _SPECIAL:
        if is_kind(mode):
            raise refusal("fichier-special", valeur=kind)
    if not stat.S_ISREG(mode):
        raise refusal("fichier-special", valeur="un objet du système")


def _read_up_to(descriptor: int, size: int) -> bytes:
    pieces = []
    while size > 0 and (piece := os.read(descriptor, min(size, 4 * MIB))):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def _too_heavy(size: int, limits: Limits) -> TabellionError:
    return refusal("fichier-trop-lourd", valeur=-(-size // MIB), attendu=limits.file_bytes // MIB)


def _unreadable(error: OSError | ValueError) -> TabellionError:
    if isinstance(error, ValueError) or error.errno in (errno.ENOENT, errno.ENOTDIR):
        return refusal("fichier-introuvable")
    if error.errno == errno.ELOOP:
        return refusal("fichier-lien-en-boucle")
    if error.errno in (errno.ENXIO, errno.ENODEV):
        return refusal("fichier-special", valeur="une prise réseau (socket) ou un périphérique")
    if error.errno == errno.EISDIR:
        return refusal("fichier-dossier")
    return refusal("fichier-illisible", raison=system_reason(error))


def check_content(data: bytes, fichier: str) -> None:
    """Refuse ``data`` unless it starts as a zip archive; ``fichier`` only tells lock files apart.

    Raises ``TabellionError`` (codes ``fichier-vide``, ``fichier-raccourci``, ``fichier-verrou``, ``fichier-tronque``,
    ``format-…``), whatever the file's name claims.
    """
    if data.startswith(_ZIP_ENTRY):
        return
    if not data:
        raise refusal("fichier-vide", valeur="zéro octet")
    if data.startswith(b"PK\x05\x06"):
        raise refusal("fichier-vide", valeur="une archive sans aucune partie")
    if not data.strip(b"\x00"):
        raise refusal("fichier-vide", valeur="des octets nuls, réservés mais jamais écrits")
    if _ZIP_ENTRY.startswith(data):
        raise refusal("fichier-tronque")
    raise _other_format(data, fichier)


def _other_format(data: bytes, fichier: str) -> TabellionError:
    head = data[:_HEAD_BYTES]
    if fichier.startswith((EXCEL_OWNER, LIBREOFFICE_OWNER)) and len(data) <= _OWNER_FILE_BYTES:
        return refusal("fichier-verrou")
    if head.startswith(_OLE2):
        return _ole2(data)
    lowered = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for magic, kind in _SHORTCUTS:
        if head.startswith(magic) or lowered.startswith(magic):
            return refusal("fichier-raccourci", valeur=kind)
    if (lowered.startswith(b"{") and b"docs.google.com" in lowered) or b'"doc_id"' in lowered[:400]:
        return refusal("fichier-raccourci", valeur="lien vers Google Drive")
    if b"%PDF-" in head[:1024]:
        return refusal("format-pdf")
    for magic, kind in _ARCHIVES:
        if head.startswith(magic):
            return refusal("format-archive", valeur=kind)
    if (head.startswith(b"RIFF") and head[8:12] == b"WEBP") or head[4:12] in (b"ftypheic", b"ftypmif1", b"ftypavif"):
        return refusal("format-image", valeur="WebP, HEIC ou AVIF")
    for magic, kind in _IMAGES:
        if head.startswith(magic):
            return refusal("format-image", valeur=kind)
    if head[:2] in (b"\x09\x00", b"\x09\x02", b"\x09\x04") and head[2:4] in (b"\x04\x00", b"\x06\x00"):
        return refusal("format-xls")  # BIFF2 to BIFF4: a bare stream, as some programs still write
    return _text_format(head)


def _text_format(head: bytes) -> TabellionError:
    text = _as_text(head)
    if text is None:
        return refusal("format-non-reconnu")
    start = text.lstrip("\ufeff \t\r\n").lower()
    if start.startswith(("<!doctype html", "<html", "<table", "<head", "<body", "<meta", "mime-version:")) or (
        start.startswith("<") and "<html" in start
    ):
        return refusal("format-html")
    if start.startswith("<"):
        return refusal("format-xml")
    if start.startswith("{\\rtf"):
        return refusal("format-word")
    return refusal("format-csv")


def _as_text(head: bytes) -> str | None:
    """``head`` as text, or ``None`` when it is binary: a text has no control character and, but for UTF-16, no NUL."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head[: len(head) // 2 * 2].decode("utf-16", "replace")
    text = head.decode("utf-8", "ignore") if _is_utf8(head) else head.decode("cp1252", "replace")
    return None if any(char < " " and char not in "\t\r\n\f\x1a" for char in text) else text


def _is_utf8(head: bytes) -> bool:
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start >= len(head) - 3  # a character cut by the end of the head
    return True


def _ole2(data: bytes) -> TabellionError:
    """An OLE2 container says what it is by the names in its directory, written in UTF-16."""

    def has(*names: str) -> bool:
        return any(name.encode("utf-16-le") + b"\x00\x00" in data for name in names)

    if has("EncryptedPackage", "EncryptionInfo"):
        return refusal("format-chiffre")
    if has("Workbook", "Book"):
        return refusal("format-xls")
    if has("WordDocument"):
        return refusal("format-word")
    if has("PowerPoint Document"):
        return refusal("format-presentation")
    return refusal("format-non-reconnu")


def check_package(names: Collection[str], mimetype: bytes) -> None:
    """Refuse an archive that is not an .xlsx package, by the lower-case ``names`` of its parts and its ``mimetype``.

    Raises ``TabellionError`` (codes ``format-…``).
    """
    if mimetype.startswith(b"application/vnd.oasis.opendocument"):
        if b"presentation" in mimetype:
            raise refusal("format-presentation")
        raise refusal("format-word" if b".text" in mimetype else "format-ods")
    if "xl/workbook.bin" in names:
        raise refusal("format-xlsb")
    if "[content_types].xml" in names or "_rels/.rels" in names:
        if any(name.startswith("word/") for name in names) and "xl/workbook.xml" not in names:
            raise refusal("format-word")
        if any(name.startswith("ppt/") for name in names) and "xl/workbook.xml" not in names:
            raise refusal("format-presentation")
        return
    if "xl/workbook.xml" in names:
        return
    if "index.zip" in names or any(name.startswith("index/") and name.endswith(".iwa") for name in names):
        raise refusal("format-archive", valeur="document Apple iWork")
    if "content.xml" in names and "meta-inf/manifest.xml" in names:
        raise refusal("format-ods")
    raise refusal("format-archive", valeur="ZIP")
