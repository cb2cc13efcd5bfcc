"""Files written whole or not at all: a temporary file in the same folder, flushed, synced, then put in place.

A process killed on the way leaves at most temporary files behind; :func:`remove_leftovers` takes them away later.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import stat
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO

from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.wording import system_reason

_PREFIX, _SUFFIX = ".tabellion-", ".tmp"
#: A temporary file this far from the present, before or after (clocks move), belongs to nobody who is still writing.
_LEFTOVER_AGE_SECONDS = 3600
BLOCK_BYTES = 1 << 20
#: Bytes of a file's beginning that tell what it is.
_HEAD_BYTES = 8192


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

    What is no regular file (a terminal, a pipe, ``/dev/null``, ``NUL``) is never replaced: it takes the content.

    Raises :class:`TabellionError` as :func:`write_whole`; until the last write has succeeded nothing is replaced.
    """
    pending: list[tuple[Path, Path]] = []
    target = next(iter(contents), Path())
    try:
        for target, content in contents.items():
            if _is_device(target):
                _pour(target, content)
                continue
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


def _is_device(path: Path) -> bool:
    """Whether something is at ``path`` that takes what is written and holds nothing."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return stat.S_ISCHR(mode) or stat.S_ISFIFO(mode)


def _pour(device: Path, content: bytes) -> None:
    """Write into a device; a pipe that nobody reads is an ``OSError`` and no waiting."""
    descriptor = os.open(device, os.O_WRONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0))
    if sys.platform != "win32":
        os.set_blocking(descriptor, True)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)


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
    paths = []
    with suppress(OSError):
        for temporary in filter(is_temporary, sorted(path.parent.iterdir())):
            with suppress(OSError):
                paths.append(temporary.read_bytes())
    return paths


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
    refuse: str | Callable[[Path], Finding],
    *,
    force: bool,
    now: datetime,
    archives: Path | None = None,
) -> dict[Path, Path]:
    """Put outputs in place, all or none. Files and folders that people ``edited`` are replaced only on demand
    (``force``), after dated copies, which are returned by what they are copies of; they go into ``archives``, or stay
    beside the originals.

    Without ``force``, raises :class:`TabellionError` with what ``refuse`` says of each (a text: what people can do), as
    when none can be written; nothing is then replaced.
    """
    if edited and not force:
        say = partial(already_there, remede=refuse) if isinstance(refuse, str) else refuse
        raise TabellionError([say(path) for path in edited])
    copies = {path: keep_dated_copy(path, now, archives) for path in edited}
    if contents:
        write_all_whole(contents)
    return copies


def already_there(path: Path, remede: str) -> Finding:
    """What to say of a file or folder that is in the way of an output; ``remede`` is what people can do."""
    return finding("fichier-deja-la", Place(str(path)), valeur=path.name, remede=remede)


def cannot_write(path: Path, error: OSError) -> TabellionError:
    """What to raise when the system refuses to write ``path``: what stands in its way, or else why."""
    refusal = finding("ecriture-impossible", Place(str(path)), valeur=path.name, detail=system_reason(error))
    return TabellionError([in_the_way(path) or refusal])


def in_the_way(path: Path) -> Finding | None:
    """What to say where a folder is at the place of the file ``path``, or a file at that of a folder above it."""
    there = next(filter(os.path.exists, (path, *path.parents)), path)
    if there.is_dir() is not (there == path):
        return None
    kind, wanted = ("dossier", "fichier") if there == path else ("fichier", "dossier")
    return finding("place-prise", Place(str(there)), valeur=there.name, genre=kind, attendu=wanted)
