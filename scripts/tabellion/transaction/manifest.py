"""What a publication is about to do, written down so that another process can finish it: its manifest, and the list
of the outputs that had to be written beside their places.

Both are files on a disk that others can reach: what they say is checked before it is done.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path, PureWindowsPath

from tabellion.findings import Json
from tabellion.transaction.bounded import open_regular
from tabellion.transaction.files import folder_to_disk, to_disk
from tabellion.transaction.stored import read_stored

MANIFEST = "manifeste.json"
#: Beside the staging folder: the list of the outputs that wait.
BESIDES = "a-cote.json"
_VERSION = 1


class DamagedError(ValueError):
    """What is on the disk is not what this program writes; the message says it in French."""


Trace = tuple[int, int]
"""A file's size in bytes and its time in nanoseconds: while both stay, nobody has written into it."""


@dataclass(frozen=True)
class Step:
    """One output to put in place (``staged``, its name in the staging folder, and its ``sha256``) or to remove
    (neither). ``target`` is its path from ``workbooks/``, ``before`` the trace of what was there, ``None`` if nothing.
    """

    target: str
    before: Trace | None
    staged: str | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class Beside:
    """An output whose place was taken: it is at ``path`` (from ``workbooks/``) and waits for the place ``target``,
    where there was something of the trace ``before``.

    Without a ``path`` (then without a ``sha256`` too): what is at ``target`` waits for its own removal.
    """

    target: str
    path: str | None
    sha256: str | None
    before: Trace | None


@dataclass(frozen=True)
class Keeping:
    """Where the previous outputs go: ``name`` is their dated folder in ``folder``; ``keep`` of them stay."""

    folder: str
    name: str
    keep: int


@dataclass(frozen=True)
class Manifest:
    """All steps of a publication prepared at ``made``, in their order."""

    made: datetime
    steps: tuple[Step, ...]
    keeping: Keeping | None


def write_manifest(staging: Path, manifest: Manifest) -> None:
    """Commit: from the moment this file has its name, the publication will be completed, whatever happens."""
    write_json(staging / MANIFEST, {"version": _VERSION, **asdict(manifest), "made": manifest.made.isoformat()})


def read_manifest(staging: Path) -> Manifest | None:
    """The manifest of a committed publication, ``None`` when none was committed.

    Raises :class:`DamagedError` when it is not what :func:`write_manifest` writes, and ``OSError``.
    """
    try:
        content = json.loads((staging / MANIFEST).read_bytes())
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError) as error:
        raise DamagedError("son manifeste est illisible") from error
    try:
        if content["version"] != _VERSION:
            raise DamagedError("son manifeste est d'une autre version de tabellion")
        return _manifest(content)
    except DamagedError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise DamagedError("son manifeste est incomplet") from error


def read_besides(path: Path) -> dict[str, Beside]:
    """The outputs that wait beside their places, by target; none when the list is missing or damaged (the files are
    then left where they are: nothing proves any more whose they are)."""
    besides = read_stored(path, lambda content: [_beside(beside) for beside in content["besides"]]) or ()
    return {beside.target: beside for beside in besides}


def write_besides(path: Path, besides: Mapping[str, Beside]) -> None:
    """Write the list of :func:`read_besides`; no file when there is none. Raises ``OSError``."""
    if besides:
        write_json(path, {"version": _VERSION, "besides": [asdict(beside) for beside in besides.values()]})
    else:
        path.unlink(missing_ok=True)


def write_json(path: Path, content: Mapping[str, object]) -> None:
    """Write a JSON file whole, and wait until it is on the disk.

    Its temporary name is always the same: only the holder of the lock writes here, and what a killed one left is
    written over. Raises ``OSError``.
    """
    temporary = path.with_name(path.name + ".tmp")
    with temporary.open("wb") as stream:
        # A name that is not UTF-8 is escaped as JSON does, and read back as it is.
        stream.write(json.dumps(content, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace"))
        to_disk(stream)
    folder_to_disk(path.parent)
    temporary.replace(path)
    folder_to_disk(path.parent)


def trace(path: Path) -> Trace | None:
    """The trace of the file at ``path``, ``None`` when there is no file."""
    with suppress(OSError):
        if path.is_file():
            state = path.stat()
            return state.st_size, state.st_mtime_ns
    return None


def digest(path: Path) -> str | None:
    """The SHA-256 of the file at ``path``, read block by block; ``None`` when there is none that can be read."""
    with suppress(OSError), open_regular(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
    return None


def edited_outputs(
    workbooks: Path, staging: Path, published: Mapping[Path, str], record: Path | None = None
) -> list[Path]:
    """Of the outputs in place, those that have not the SHA-256 any more that they were published with: somebody wrote
    into them. Nothing is known of one whose version waits beside it, nor of any where ``record``, the output that says
    what was published, waits itself.
    """
    waiting = {workbooks / name for name in read_besides(staging.with_name(BESIDES))}
    if record in waiting:
        return []
    known = ((path, sha256) for path, sha256 in published.items() if path not in waiting)
    return [path for path, sha256 in known if digest(path) not in (sha256, None)]


def content_digest(content: bytes | Path) -> str:
    """The SHA-256 of what an output will hold. Raises ``OSError`` when a file cannot be read."""
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    with content.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _manifest(content: Json) -> Manifest:
    keeping = content["keeping"]
    return Manifest(
        datetime.fromisoformat(content["made"]),
        tuple(map(_step, content["steps"])),
        None if keeping is None else Keeping(_inside(keeping["folder"]), _name(keeping["name"]), int(keeping["keep"])),
    )


def _step(entry: Json) -> Step:
    staged, sha256 = entry["staged"], entry["sha256"]
    if (staged is None) != (sha256 is None) or (sha256 is not None and not re.fullmatch("[0-9a-f]{64}", sha256)):
        raise ValueError(sha256)
    return Step(_inside(entry["target"]), _trace(entry["before"]), None if staged is None else _name(staged), sha256)


def _beside(entry: Json) -> Beside:
    target, before = _inside(entry["target"]), _trace(entry["before"])
    if entry["path"] is None:
        return Beside(target, None, None, before)
    return Beside(target, _inside(entry["path"]), str(entry["sha256"]), before)


def _trace(entry: Sequence[float] | None) -> Trace | None:
    if entry is None:
        return None
    size, time = entry
    return int(size), int(time)


def _inside(text: str) -> str:
    """A path from ``workbooks/`` that stays in it, on every system."""
    path = PureWindowsPath(text)  # knows « \\ », « C: » and « // », besides all that POSIX has
    if not path.parts or path.anchor or ".." in path.parts or "\0" in text:
        raise DamagedError("son manifeste nomme un fichier hors du contrat")
    return text


def _name(text: str) -> str:
    if len(PureWindowsPath(_inside(text)).parts) != 1:
        raise DamagedError("son manifeste nomme un fichier hors du contrat")
    return text
