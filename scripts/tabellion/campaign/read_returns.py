"""Reading many returns: those that the journal remembers are not read again, the others are read on all cores."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from tabellion import __version__
from tabellion.campaign.examination import Examination, Examiner
from tabellion.campaign.folder import FoundFile, look_at
from tabellion.campaign.journal import Journal
from tabellion.campaign.parsed_return import Reading, digest_of, from_json, reading_of, refused, to_json
from tabellion.campaign.rows import check_rows
from tabellion.contract.workspace import Workspace
from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.layout.identity import FORMAT_VERSION, KIND_MASTER
from tabellion.layout.names import IDENTITY
from tabellion.reading import RawWorkbook, read_workbooks
from tabellion.reading.hidden import read_identity
from tabellion.reading.references import References
from tabellion.reading.source import read_source
from tabellion.schema.frames import Tables

#: Returns whose rows are validated, and remembered, together: enough to cost little, few enough to hold in memory.
BATCH = 200
#: Refusals that are not the file's own: another day, or another machine, may read it.
_PASSING = ("fichier-", "lecture-")

Progress = Callable[[int, int], None]
"""Told how many files are read, and how many there are."""


@dataclass(frozen=True)
class ReadFile:
    """A file and what was read of it; ``stamp`` is its size and the digest of its end (``None``: not to be seen)."""

    found: FoundFile
    reading: Reading
    stamp: tuple[int, str] | None


def fingerprint(workspace: Workspace, known: References) -> str:
    """What a reading depends on besides the file: the program, the schemas, the layout, the settings, the references.

    A change of any of them reads all files again.
    """
    parts = [__version__, str(FORMAT_VERSION), digest_of_folder(Path(__file__).parent.parent, "*.py")]
    parts += [digest_of_folder(workspace.root / name, "*") for name in ("schemas", "templates")]
    return digest_of([*parts, repr(workspace.settings), repr(known)])


def digest_of_folder(folder: Path, pattern: str) -> str:
    """The SHA-256 of the names and contents of the files of a folder that ``pattern`` names."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob(pattern)):
        with suppress(OSError):
            digest.update(path.name.encode("utf-8", "surrogateescape") + path.read_bytes())
    return digest.hexdigest()


def read_files(
    files: Sequence[FoundFile],
    examiner: Examiner,
    register: Tables,
    journal: Journal,
    print_: str,
    progress: Progress | None = None,
) -> list[ReadFile]:
    """What each file says, in their order. ``register`` are the tables that returns refer to."""
    stamps = [_stamp(each.path) for each in files]
    remembered = _remembered(journal, print_, [each for each in stamps if each is not None])
    found: dict[int, Reading] = {
        place: remembered[stamp] for place, stamp in enumerate(stamps) if stamp is not None and stamp in remembered
    }
    unread = [place for place in range(len(files)) if place not in found]
    outcomes = read_workbooks((files[place].path for place in unread), then=examiner)
    if progress is not None:
        outcomes = _told(outcomes, progress, len(found), len(files))
    for batch in _batches(zip(unread, outcomes, strict=True)):
        readings = _readings(batch, register, examiner)
        readings |= {place: _identified(each, files[place].path) for place, each in readings.items() if not each.sha256}
        found |= readings
        kept = {}
        for place, reading in readings.items():
            stamp = stamps[place]
            if stamp is not None and _is_lasting(reading) and _stamp(files[place].path) == stamp:
                kept[_name(stamp)] = to_json(reading)
        journal.keep_readings(print_, kept)
    return [ReadFile(each, found[place], stamps[place]) for place, each in enumerate(files)]


def _told(outcomes: Iterator[Any], progress: Progress, done: int, total: int) -> Iterator[Any]:
    """The same outcomes; ``progress`` is told of each, since a batch of them takes seconds."""
    for number, each in enumerate(outcomes, done + 1):
        progress(number, total)
        yield each


def _stamp(path: Path) -> tuple[int, str] | None:
    try:
        return look_at(path) if path.is_file() else None
    except OSError:
        return None  # reading it says why


def _name(stamp: tuple[int, str]) -> str:
    size, tail = stamp
    return f"{tail}-{size}"


def _remembered(journal: Journal, print_: str, stamps: Sequence[tuple[int, str]]) -> dict[tuple[int, str], Reading]:
    names = {_name(stamp): stamp for stamp in stamps}
    found = {}
    for name, content in journal.readings(print_, list(names)).items():
        with suppress(KeyError, TypeError, ValueError):  # what the journal garbled is read again
            found[names[name]] = from_json(content)
    return found


def _batches(outcomes: Iterator[tuple[int, Any]]) -> Iterator[list[tuple[int, Any]]]:
    while batch := list(islice(outcomes, BATCH)):
        yield batch


_FOREIGN = "c'est un classeur que tabellion n'a pas écrit"
#: What people send back instead of a form, by the kind that a workbook says it is.
_KINDS = {
    KIND_MASTER: "c'est le classeur du contrat",
    "consolidation": "c'est une consolidation",
    "annexe": "c'est une annexe budgétaire",
}


def _readings(batch: Sequence[tuple[int, Any]], register: Tables, examiner: Examiner) -> dict[int, Reading]:
    examined = {str(place): outcome for place, outcome in batch if isinstance(outcome, Examination)}
    said = check_rows(examined, register, examiner.schemas, examiner.settings) if examined else {}
    return {place: _reading(place, outcome, said) for place, outcome in batch}


def _reading(place: int, outcome: Any, said: dict[str, list[Finding]]) -> Reading:
    if isinstance(outcome, Examination):
        return reading_of(outcome, said.get(str(place), ()))
    if isinstance(outcome, RawWorkbook):
        kind = read_identity(outcome.sheet(IDENTITY))[0].get("genre", "")
        return refused(
            outcome.sha256, [finding("pas-un-formulaire", Place(), valeur=_KINDS.get(kind, _FOREIGN))], is_readable=True
        )
    return refused("", outcome, is_readable=False)


def _identified(reading: Reading, path: Path) -> Reading:
    """The reading of a file that could not be read as a workbook, with the digest of its content where it has one."""
    with suppress(OSError, TabellionError):
        return replace(reading, sha256=hashlib.sha256(read_source(path)).hexdigest())
    return reading


def _is_lasting(reading: Reading) -> bool:
    return reading.is_readable or not any(each.code.startswith(_PASSING) for each in reading.findings)
