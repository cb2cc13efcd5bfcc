"""The folder of the returns: which files count, and whether one changed, seen without reading it whole."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tabellion.transaction.files import EXCEL_OWNER
from tabellion.wording import fold

#: The folder, inside that of the returns, of the files that people do not want to count.
SET_ASIDE = "ecartes"
#: How Excel and LibreOffice mark an open file, and systems their own files.
_NOT_OURS = (EXCEL_OWNER, ".", "thumbs.db", "desktop.ini", "icon\r")
_UNFINISHED = (".tmp", ".part", ".partial", ".crdownload", ".download", "#")
#: Bytes at a file's end that tell whether it changed: a zip lists there the checksum of each of its parts.
_TAIL_BYTES = 65_536
#: The longest list of parts that is looked at: several times that of a file of as many parts as are read.
_DIRECTORY_BYTES = 4 << 20


@dataclass(frozen=True)
class FoundFile:
    """A file found: its path, its name from ``workbooks/`` (``retours/ville.xlsx``), whether it is set aside."""

    path: Path
    fichier: str
    is_set_aside: bool


def counts(name: str) -> bool:
    """Whether a file or a folder of that name may be a return: not an owner's mark, a hidden file, a half download."""
    low = name.casefold()
    return not low.startswith(_NOT_OURS) and not low.endswith(_UNFINISHED)


def list_returns(folder: Path, workbooks: Path) -> list[FoundFile]:
    """Every file of the folder of returns and of its own folders, in the order of their names.

    Links to folders are not followed. Raises ``OSError`` when a folder cannot be listed.
    """
    return sorted(_walk(folder, workbooks, is_set_aside=False), key=lambda each: each.fichier)


def _walk(folder: Path, workbooks: Path, *, is_set_aside: bool) -> Iterator[FoundFile]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if not counts(entry.name):
                continue
            path = folder / entry.name
            if entry.is_dir(follow_symlinks=False):
                aside = is_set_aside or fold(entry.name) == SET_ASIDE
                yield from _walk(path, workbooks, is_set_aside=aside)
            else:
                yield FoundFile(path, path.relative_to(workbooks).as_posix(), is_set_aside)


def look_at(path: Path) -> tuple[int, str]:
    """The size of a file in bytes and a digest of its end: both are the same as long as its content is.

    Dates are not looked at: copies, clocks and clouds change them. Raises ``OSError``.
    """
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        start = max(0, size - _TAIL_BYTES)
        file.seek(start)
        tail = file.read(_TAIL_BYTES)
        directory = _directory(tail)
        if directory is not None and max(0, size - _DIRECTORY_BYTES) <= directory < start:
            file.seek(directory)
            tail = file.read(start - directory) + tail
        return size, hashlib.sha256(tail).hexdigest()


def _directory(tail: bytes) -> int | None:
    """Where a zip's list of its parts begins, as its last record says; ``None`` for what does not end as a zip."""
    record = tail.rfind(b"PK\x05\x06")
    return int.from_bytes(tail[record + 16 : record + 20], "little") if 0 <= record <= len(tail) - 22 else None
