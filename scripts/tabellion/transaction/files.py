"""Files written whole or not at all: a temporary file in the same folder, flushed, synced, then put in place.

A process killed on the way leaves at most temporary files behind; :func:`remove_leftovers` takes them away later.

Who has a workbook open is told by the small file that Excel or LibreOffice puts beside it for as long. Where the system
itself refuses to replace an open file (Windows), nobody needs this; elsewhere, and on a share, the file could be
replaced under the hands of that person, and these owner files are the only sign.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.wording import system_reason

#: How Excel and LibreOffice call the file that they lay beside the one they have open: ``~$a.xlsx``,
#: ``.~lock.a.xlsx#``.
EXCEL_OWNER, LIBREOFFICE_OWNER, LIBREOFFICE_OWNER_END = "~$", ".~lock.", "#"
_PREFIX, _SUFFIX = ".tabellion-", ".tmp"
#: A temporary file this far from the present, before or after (clocks move), belongs to nobody who is still writing.
_LEFTOVER_AGE_SECONDS = 3600
BLOCK_BYTES = 1 << 20
#: Bytes of a file's beginning that tell what it is.
_HEAD_BYTES = 8192
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


def write_whole(path: Path, content: bytes) -> None:
    """Put ``content`` at ``path`` atomically; a reader sees the old file or the new one, never a part.

    Raises :class:`TabellionError` when the place cannot be written (open in Excel on Windows, no right, disk full).
    """
    write_all_whole({path: content})


def begins_otherwise(path: Path, start: re.Pattern[bytes]) -> bool:
    """Whether a file with something in it stands at ``path`` and does not begin as ``start`` says: it is another's.

    An option that names a file to write may name, by a slip, one that people fill.
    """
    try:
        if not path.is_file():  # a pipe or a terminal holds nothing to lose
            return False
        with path.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
    except OSError:  # writing it says why
        return False
    return bool(head) and start.match(head) is None


def write_all_whole(contents: Mapping[Path, bytes]) -> None:
    """Put several files in place: all are first written beside their targets, and only then renamed over them.

    Raises :class:`TabellionError` as :func:`write_whole`; until the last write has succeeded nothing is replaced.
    """
    pending: list[tuple[Path, Path]] = []
    target = next(iter(contents), Path())
    try:
        for target, content in contents.items():
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary = temporary_beside(target)
            pending.append((temporary, target))
            with temporary.open("xb") as stream:
                stream.write(content)
                to_disk(stream)
            keep_mode(temporary, target)
        while pending:
            temporary, target = pending[0]
            temporary.replace(target)
            del pending[0]
        for folder in {target.parent for target in contents}:
            folder_to_disk(folder)
    except OSError as error:
        raise cannot_write(target, error) from error
    finally:
        for temporary, _ in pending:
            _discard(temporary)


def copy_whole(source: Path, target: Path) -> None:
    """Put a copy of a file at ``target``, or of a folder where there is nothing, whole or not at all.

    Raises ``OSError`` when one cannot be read or the other written.
    """
    temporary = temporary_beside(target)
    try:
        if source.is_dir():
            shutil.copytree(source, temporary)
            temporary.rename(target)
            return
        with source.open("rb") as reading, temporary.open("xb") as writing:
            shutil.copyfileobj(reading, writing, BLOCK_BYTES)
            to_disk(writing)
        keep_mode(temporary, target)
        temporary.replace(target)
        folder_to_disk(target.parent)
    finally:
        _discard(temporary)


def _discard(path: Path) -> None:
    """Remove a file, a link, or a folder with all that is in it, as far as the system allows."""
    with suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def keep_dated_copy(path: Path, now: datetime, folder: Path | None = None) -> Path:
    """Copy the file or folder at ``path`` into ``folder`` (beside itself by default) under a dated name that is free,
    and return that name.

    Raises :class:`TabellionError` when the copy cannot be written; there is then none.
    """
    copy = free_name((folder or path.parent) / f"{path.stem} {dated(now)}{path.suffix}")
    try:
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy_whole(path, copy)
    except OSError as error:
        raise cannot_write(copy, error) from error
    return copy


def dated(moment: datetime) -> str:
    """``2016-11-30 02h15``: a moment as names of files and folders have it; such names sort by date."""
    return moment.strftime("%Y-%m-%d %Hh%M")


def free_name(path: Path) -> Path:
    """``path``, or the first of ``name (2)``, ``name (3)`` … at which there is nothing."""
    rank, free = 1, path
    while os.path.lexists(free):
        rank += 1
        free = path.with_name(f"{path.stem} ({rank}){path.suffix}")
    return free


def temporary_beside(target: Path) -> Path:
    """A new name in the folder of ``target`` for what will become it; :func:`remove_leftovers` knows such names."""
    return target.with_name(f"{_PREFIX}{secrets.token_hex(8)}{_SUFFIX}")


def is_temporary(path: Path) -> bool:
    """Whether a file or folder has a name of :func:`temporary_beside`."""
    return path.name.startswith(_PREFIX) and path.name.endswith(_SUFFIX)


def left_beside(path: Path) -> list[bytes]:
    """What a killed run had still to put in place in the folder of ``path``, as far as it can be read."""
    found = []
    with suppress(OSError):
        for temporary in filter(is_temporary, sorted(path.parent.iterdir())):
            with suppress(OSError):
                found.append(temporary.read_bytes())
    return found


def remove_leftovers(folders: Iterable[Path], now: datetime) -> None:
    """Remove from these folders (not from those in them) what killed processes were still writing an hour ago.

    What cannot be removed stays: it is no reason to stop.
    """
    for folder in folders:
        with suppress(OSError):
            for path in filter(is_temporary, list(folder.iterdir())):
                if abs(now.timestamp() - path.lstat().st_mtime) >= _LEFTOVER_AGE_SECONDS:
                    _discard(path)


def check_writable(folder: Path) -> None:
    """Make a folder, and find out whether outputs can be put there."""
    folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))


def keep_mode(new: Path, old: Path) -> None:
    """Give the file ``new``, which is to take the place of ``old``, the rights that people gave to the old one."""
    with suppress(FileNotFoundError):
        new.chmod(old.stat().st_mode & 0o777)


def to_disk(stream: BinaryIO) -> None:
    """Wait until what was written to ``stream`` would survive a power cut."""
    stream.flush()
    os.fsync(stream.fileno())


def folder_to_disk(folder: Path) -> None:
    """Wait until the names in ``folder`` would survive a power cut, on the systems that can say so."""
    with suppress(OSError):  # Windows opens no folder, and some shares sync none
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def edited_among(contents: Mapping[Path, bytes], is_ours: Callable[[bytes, bytes], bool]) -> list[Path]:
    """The paths where something else stands than what is to be written there and than what the program wrote.

    ``is_ours`` says of what is there, and of what would replace it, whether the first is an intact output of the
    second's kind. Raises :class:`TabellionError` when what is
    there cannot be read.
    """
    edited = []
    for path, content in contents.items():
        if not os.path.lexists(path):
            continue
        try:
            present = path.read_bytes()
        except OSError as error:
            raise cannot_write(path, error) from error
        if present != content and not is_ours(present, content):
            edited.append(path)
    return edited


def replace_or_refuse(
    contents: Mapping[Path, bytes],
    edited: Collection[Path],
    refuse: Callable[[Path], Finding],
    *,
    force: bool,
    now: datetime,
    archives: Path | None = None,
) -> dict[Path, Path]:
    """Put outputs in place, all or none. Files and folders that people ``edited`` are replaced only on demand
    (``force``), after dated copies, which are returned by what they are copies of; they go into ``archives``, or stay
    beside the originals.

    Without ``force``, raises :class:`TabellionError` with what ``refuse`` says of each, as when none can be written;
    nothing is then replaced.
    """
    if edited and not force:
        raise TabellionError([refuse(path) for path in edited])
    copies = {path: keep_dated_copy(path, now, archives) for path in edited}
    if contents:
        write_all_whole(contents)
    return copies


def already_there(path: Path, remede: str) -> Finding:
    """What to say of a file or folder that is in the way of an output; ``remede`` is what people can do."""
    return finding("fichier-deja-la", Place(str(path)), valeur=path.name, remede=remede)


def cannot_write(path: Path, error: OSError) -> TabellionError:
    """What to raise when the system refuses to write ``path``."""
    detail = system_reason(error)
    return TabellionError([finding("ecriture-impossible", Place(str(path)), valeur=path.name, detail=detail)])


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
    owners = [owner for owner in (_libreoffice(path, now), _excel(path, now)) if owner is not None]
    return min(owners, key=lambda owner: (owner.is_stale, not owner.nom), default=None)


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
        there = path.stat()
        for descriptor in _PROCESSES.glob("[0-9]*/fd/*"):
            with suppress(OSError):
                if os.path.samestat(there, descriptor.stat()):
                    return True
    return False
