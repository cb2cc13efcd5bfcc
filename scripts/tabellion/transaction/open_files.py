"""Who has a workbook open: told by the small file that Excel or LibreOffice puts beside it for as long.

Where the system itself refuses to replace an open file (Windows), nobody needs this; elsewhere, and on a share, the
file could be replaced under the hands of that person, and these owner files are the only sign.
"""

from __future__ import annotations

import os
import re
import unicodedata
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

#: How Excel and LibreOffice call the file that they lay beside the one they have open: ``~$a.xlsx``,
#: ``.~lock.a.xlsx#``.
EXCEL_OWNER, LIBREOFFICE_OWNER, LIBREOFFICE_OWNER_END = "~$", ".~lock.", "#"
#: An owner file that was written this long ago, of a workbook that nobody here has open, was left by a program that
#: died: longer than a day's work, so that a workbook left open for the night is still somebody's.
STALE_SECONDS = 24 * 3600
#: Excel's: the length of the name in bytes, the name in the machine's own encoding in 54 bytes, the length in
#: characters in 2 bytes, the name in UTF-16. LibreOffice's is one line of text, with a path in it.
_NAME_BYTES, _CHARACTERS = 54, 55
_LONGEST_BYTES, _LONGEST_NAME = 4096, 60
_PROCESSES = Path("/proc")


def is_owner_file(name: str) -> bool:
    """Whether a file of that name says that its neighbour is open in Excel or LibreOffice."""
    return name.startswith(EXCEL_OWNER) or (name.startswith(LIBREOFFICE_OWNER) and name.endswith(LIBREOFFICE_OWNER_END))


@dataclass(frozen=True)
class Owner:
    """Who has a workbook open, in which program (« Excel », « LibreOffice »); ``nom`` is empty when nothing tells it.

    ``file`` is the owner file. ``is_stale`` when it was left behind by a program that died.
    """

    nom: str
    programme: str
    file: Path
    is_stale: bool = False

    def __str__(self) -> str:
        return f"{self.nom}, dans {self.programme}" if self.nom else f"quelqu'un, dans {self.programme}"


def owner_of(path: Path, now: datetime) -> Owner | None:
    """Who has the workbook at ``path`` open, ``None`` when nobody, as far as owner files tell.

    Of two, one that is not stale. Never raises: what cannot be read is still somebody's.
    """
    holders = [owner for owner in (_libreoffice(path, now), _excel(path, now)) if owner is not None]
    return min(holders, key=lambda owner: (owner.is_stale, not owner.nom), default=None)


def _libreoffice(path: Path, now: datetime) -> Owner | None:
    file = path.with_name(f"{LIBREOFFICE_OWNER}{path.name}{LIBREOFFICE_OWNER_END}")
    if (content := _content(file)) is None:
        return None
    # The name in its settings, the user of the system, the machine, the time, the profile; a comma inside has a « \ ».
    fields = re.split(r"(?<!\\),", content.decode("utf-8", "replace").strip().rstrip(";"))
    names = [_name(field.replace("\\,", ",").replace("\\\\", "\\")) for field in fields[:2]]
    return Owner(next(filter(None, names), ""), "LibreOffice", file, _is_stale(file, path, now))


def _excel(path: Path, now: datetime) -> Owner | None:
    file = path.with_name(f"{EXCEL_OWNER}{path.name}")
    if (content := _content(file)) is None:
        return None
    # LibreOffice writes one too; Excel's own is not always whole, and may be kept from us while Excel runs.
    characters = int.from_bytes(content[_CHARACTERS : _CHARACTERS + 2], "little")
    wide = content[_CHARACTERS + 2 :][: 2 * characters]
    name = _name(wide.decode("utf-16-le", "replace"))
    if not name and content:
        name = _name(content[1 : 1 + min(content[0], _NAME_BYTES)].decode("cp1252", "replace"))
    return Owner(name, "Excel", file, _is_stale(file, path, now))


def _content(file: Path) -> bytes | None:
    """What an owner file says; nothing when it may not be read (Excel does not share it), ``None`` when not there."""
    if not os.path.lexists(file):
        return None
    with suppress(OSError):
        if file.is_file():
            with file.open("rb") as stream:
                return stream.read(_LONGEST_BYTES)
    return b""


def _name(text: str) -> str:
    """A person's name on one line, without what shows nothing or commands something: anybody may write such a file."""
    plain = "".join(" " if unicodedata.category(character)[0] == "C" else character for character in text)
    return " ".join(plain.split())[:_LONGEST_NAME]


def _is_stale(file: Path, path: Path, now: datetime) -> bool:
    try:
        age = abs(now.timestamp() - file.lstat().st_mtime)  # clocks move, and a share has its own
    except OSError:
        return False
    return age > STALE_SECONDS and not _is_open_here(path)


def _is_open_here(path: Path) -> bool:
    """Whether a process of this machine has the file open, among those that may be looked at (Linux)."""
    with suppress(OSError):
        state = path.stat()
        for descriptor in _PROCESSES.glob("[0-9]*/fd/*"):
            with suppress(OSError):
                if os.path.samestat(state, descriptor.stat()):
                    return True
    return False
