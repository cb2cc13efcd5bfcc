"""From a path to its bytes, read once: only a regular file, whole, of bounded size."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from tabellion.reading.limits import LIMITS, MIB, Limits, refusal

_SPECIAL = (
    (stat.S_ISFIFO, "un tube (FIFO)"),
    (stat.S_ISSOCK, "une prise réseau (socket)"),
    (stat.S_ISCHR, "un périphérique"),
    (stat.S_ISBLK, "un périphérique"),
)
_REASONS = {
    errno.EACCES: "accès refusé",
    errno.EPERM: "accès refusé",
    errno.EBUSY: "il est occupé par un autre programme",
    errno.EIO: "erreur du disque ou du réseau",
    errno.ESTALE: "le dossier partagé n’est plus accessible",
    errno.ENAMETOOLONG: "son nom est trop long",
    errno.ENOTCONN: "le dossier partagé n’est plus accessible",
}


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


def _too_heavy(size: int, limits: Limits) -> Exception:
    return refusal("fichier-trop-lourd", valeur=-(-size // MIB), attendu=limits.file_bytes // MIB)


def _unreadable(error: OSError | ValueError) -> Exception:
    code = error.errno if isinstance(error, OSError) else None
    if isinstance(error, ValueError) or code in (errno.ENOENT, errno.ENOTDIR):
        return refusal("fichier-introuvable")
    if code == errno.ELOOP:
        return refusal("fichier-lien-en-boucle")
    if code in (errno.ENXIO, errno.ENODEV):
        return refusal("fichier-special", valeur="une prise réseau (socket) ou un périphérique")
    if code == errno.EISDIR:
        return refusal("fichier-dossier")
    return refusal("fichier-illisible", raison=_REASONS.get(code or 0, f"erreur {code} du système"))
