"""Files written whole or not at all: a temporary file in the same folder, flushed, synced, then put in place."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from tabellion.findings import Place, TabellionError, finding
from tabellion.wording import system_reason


def write_whole(path: Path, content: bytes) -> None:
    """Put ``content`` at ``path`` atomically; a reader sees the old file or the new one, never a part.

    Raises :class:`TabellionError` when the place cannot be written (open in Excel on Windows, no right, disk full).
    """
    write_all_whole({path: content})


def write_all_whole(contents: Mapping[Path, bytes]) -> None:
    """Put several files in place: all are first written beside their targets, and only then renamed over them.

    Raises :class:`TabellionError` as :func:`write_whole`; until the last write has succeeded nothing is replaced.
    """
    pending: list[tuple[Path, Path]] = []
    target = next(iter(contents), Path())
    try:
        for target, content in contents.items():
            target.parent.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(prefix=".tabellion-", suffix=".tmp", dir=target.parent)
            temporary = Path(name)
            pending.append((temporary, target))
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            temporary.chmod(target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask())
        while pending:
            temporary, target = pending[0]
            temporary.replace(target)
            pending.pop(0)
    except OSError as error:
        detail = system_reason(error)
        raise TabellionError(
            [finding("ecriture-impossible", Place(str(target)), valeur=target.name, detail=detail)]
        ) from error
    finally:
        for temporary, _ in pending:
            temporary.unlink(missing_ok=True)


def keep_dated_copy(path: Path, now: datetime) -> Path:
    """Copy the file or folder at ``path`` beside itself under a dated name that is free, and return that name."""
    stamp = now.strftime("%Y-%m-%d %Hh%M")
    for rank in range(1, 10_000):
        number = "" if rank == 1 else f" ({rank})"
        copy = path.with_name(f"{path.stem} {stamp}{number}{path.suffix}")
        if not copy.exists():
            break
    try:
        if path.is_dir():
            shutil.copytree(path, copy)
        else:
            write_whole(copy, path.read_bytes())
    except OSError as error:
        detail = system_reason(error)
        raise TabellionError(
            [finding("ecriture-impossible", Place(str(copy)), valeur=copy.name, detail=detail)]
        ) from error
    return copy


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
