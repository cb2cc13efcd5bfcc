"""From a path to bytes that may be a workbook: a regular file of bounded size, judged by its content alone."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from tabellion.findings import TabellionError
from tabellion.reading.formats import other_format
from tabellion.reading.limits import LIMITS, MIB, Limits, refusal
from tabellion.transaction.open_files import EXCEL_OWNER, LIBREOFFICE_OWNER
from tabellion.wording import system_reason

_SPECIAL = (
    (stat.S_ISFIFO, "un tube (FIFO)"),
    (stat.S_ISSOCK, "une prise réseau (socket)"),
    (stat.S_ISCHR, "un périphérique"),
    (stat.S_ISBLK, "un périphérique"),
)
_ZIP_ENTRY = b"PK\x03\x04"
_OWNER_FILE_BYTES = 1024
"""Excel's owner file has 165 bytes, Word's 162, LibreOffice's lock file a line: a kilobyte is more than any."""


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
    if fichier.startswith((EXCEL_OWNER, LIBREOFFICE_OWNER)) and len(data) <= _OWNER_FILE_BYTES:
        raise refusal("fichier-verrou")
    raise other_format(data)
