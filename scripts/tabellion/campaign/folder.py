"""The folder of the returns: which files count, and whether one changed, seen without reading it whole."""

from __future__ import annotations

import errno
import hashlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from tabellion.campaign.leftovers import Leftover, LeftoverKind, leftover_kind
from tabellion.transaction.bounded import PATIENCE, open_descriptor
from tabellion.wording import fold

#: The folder, inside that of the returns, of the files that people do not want to count.
SET_ASIDE = "ecartes"
#: Bytes at a file's end that tell whether it changed: a zip lists there the checksum of each of its parts. More are
#: looked at where the first ones do not end as a zip.
_TAILS_BYTES = (4_096, 65_536)
#: The longest list of parts that is looked at: several times that of a file of as many parts as are read.
_DIRECTORY_BYTES = 4 << 20


@dataclass(frozen=True)
class FoundFile:
    """A file found: its path, its name from ``workbooks/`` (``retours/ville.xlsx``), whether it is set aside."""

    path: Path
    fichier: str
    is_set_aside: bool


@dataclass(frozen=True)
class Listing:
    """What a folder of returns holds: the files that may be returns by name, and what never is one."""

    files: list[FoundFile]
    leftovers: list[Leftover]


def counts(name: str, *, is_folder: bool) -> bool:
    """Whether a file of that name may be a return, or a folder hold some (:mod:`tabellion.campaign.leftovers`)."""
    return leftover_kind(name, is_folder=is_folder) is None


def list_returns(folder: Path, workbooks: Path) -> Listing:
    """Every file of the folder of returns and of its own folders, in the order of their names from ``workbooks``.

    Links to folders are not followed. Raises ``OSError`` when a folder cannot be listed.
    """
    files, leftovers = list[FoundFile](), list[Leftover]()
    waiting = [(folder, False)]
    while waiting:
        inside, is_set_aside = waiting.pop()
        try:
            scan = os.scandir(inside)
        except OSError as error:
            if inside == folder or error.errno != errno.ENAMETOOLONG:
                raise
            leftovers.append(Leftover(inside.relative_to(folder).as_posix(), LeftoverKind.TOO_DEEP))
            continue
        with scan as entries:
            for entry in entries:
                path, is_folder = inside / entry.name, entry.is_dir(follow_symlinks=False)
                kind = leftover_kind(entry.name, is_folder=is_folder)
                if kind is not None:
                    leftovers.append(Leftover(path.relative_to(folder).as_posix(), kind))
                elif is_folder:
                    waiting.append((path, is_set_aside or fold(entry.name) == SET_ASIDE))
                else:
                    files.append(FoundFile(path, path.relative_to(workbooks).as_posix(), is_set_aside))
    return Listing(sorted(files, key=lambda file: file.fichier), leftovers)


def look_at(path: Path) -> tuple[int, str]:
    """:func:`size_and_end` of a file that may not answer: raises ``OSError`` then, too."""
    return PATIENCE.wait(path, lambda: size_and_end(path))


def size_and_end(path: str | Path, *, is_regular: bool = False) -> tuple[int, str]:
    """The size of a file in bytes and a digest of its end: both are the same as long as its content is.

    Dates are not looked at: copies, clocks and clouds change them. ``is_regular`` where its folder has just said that
    it is a regular file. Raises ``OSError``, or never answers.
    """
    descriptor, size = open_descriptor(path, is_regular=is_regular)
    try:
        tail = b""
        for length in _TAILS_BYTES:
            start = max(0, size - length)
            tail = _between(descriptor, start, size)
            directory = _directory(tail)
            if directory is not None and max(0, size - _DIRECTORY_BYTES) <= directory < size:
                tail = tail if directory >= start else _between(descriptor, directory, size)
                break
    finally:
        os.close(descriptor)
    return size, hashlib.sha256(tail).hexdigest()


def _between(descriptor: int, start: int, stop: int) -> bytes:
    if sys.platform == "win32":
        os.lseek(descriptor, start, os.SEEK_SET)
        return os.read(descriptor, stop - start)
    return os.pread(descriptor, stop - start, start)


def _directory(tail: bytes) -> int | None:
    """Where a zip's list of its parts begins, as its last record says; ``None`` for what does not end as a zip."""
    record = tail.rfind(b"PK\x05\x06")
    return int.from_bytes(tail[record + 16 : record + 20], "little") if 0 <= record <= len(tail) - 22 else None
