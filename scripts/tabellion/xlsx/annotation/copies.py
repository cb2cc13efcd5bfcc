"""Annotated copies of files: put in a folder for people, or made on all cores until the outputs are published."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from pebble import ProcessExpired, ProcessFuture, ProcessPool

from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.layout.theme import Theme
from tabellion.processes import ChildContext, worker_count
from tabellion.reading.source import read_source
from tabellion.transaction.files import cannot_write, keep_dated_copy, write_all_whole
from tabellion.xlsx.annotation.annotate import annotated_copy, is_annotated

#: Below this many, starting processes costs more than they save.
_FEW = 12


def annotate(
    returns: Iterable[tuple[Path, Sequence[Finding]]], folder: Path, theme: Theme, now: datetime
) -> list[Path]:
    """Write into ``folder`` one annotated copy per file that has findings, under the file's own name; return them.

    A file without findings, or that cannot be read, gets none, and an old copy of it there is removed. Someone may
    have typed into an old copy: it is then kept, under a dated name (``now``) when a new one takes its place.
    Raises ``TabellionError`` when ``folder`` holds one of the originals, or cannot be written.
    """
    pairs = list(returns)
    if any(path.parent.resolve() == folder.resolve() for path, _ in pairs):
        words = "un dossier où ne se trouve aucun des fichiers à annoter"
        place = Place("--annoter")
        raise TabellionError([finding("option-fausse", place, champ="--annoter", valeur=str(folder), attendu=words)])
    contents: dict[Path, bytes] = {}
    clean: list[Path] = []
    for path, findings in pairs:
        target = _free(folder / path.name, contents)
        copy = _copy(path, findings, theme) if findings else None
        if copy is None:
            clean.append(target)
        else:
            contents[target] = copy
    before = {target: _content(target) for target in [*contents, *clean]}
    changed = {target: copy for target, copy in contents.items() if before[target] != copy}
    for target in changed:
        old = before[target]
        if old is not None and not is_annotated(old):
            keep_dated_copy(target, now)
    write_all_whole(changed)
    for target in clean:
        old = before[target]
        if target not in contents and old is not None and is_annotated(old):
            _remove(target)
    return list(contents)


def _copy(path: Path, findings: Sequence[Finding], theme: Theme) -> bytes | None:
    """The annotated copy of a file; ``None`` when it cannot be read: what refuses it is among its findings."""
    try:
        return annotated_copy(read_source(path), findings, theme)
    except TabellionError:
        return None


def _free(target: Path, taken: Iterable[Path]) -> Path:
    """``target``, with a number when another return of this run has that name."""
    names = {path.name.casefold() for path in taken}
    rank, path = 1, target
    while path.name.casefold() in names:
        rank += 1
        path = target.with_name(f"{target.stem} ({rank}){target.suffix}")
    return path


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from error


@dataclass(frozen=True)
class CopyJob:
    """One annotated copy: of which file (``path``, named ``fichier``), under which name, with which findings.

    ``target`` is the copy's name from ``workbooks/``; ``digest`` stands for all that it is made from.
    """

    fichier: str
    target: str
    path: Path
    findings: tuple[Finding, ...]
    digest: str


def make_copies(jobs: Sequence[CopyJob], theme: Theme, folder: Path) -> dict[str, Path]:
    """Make each copy in ``folder``; returns where each is, by its target.

    A file that can no longer be read has none. Raises ``OSError`` when ``folder`` cannot be written.
    """
    places = [folder / f"{number:05d}.xlsx" for number in range(len(jobs))]
    make = partial(_make, theme)
    made = list(map(make, jobs, places)) if len(jobs) < _FEW else _made_by_children(make, jobs, places)
    return {job.target: place for job, place, is_made in zip(jobs, places, made, strict=True) if is_made}


def _made_by_children(
    make: Callable[[CopyJob, Path], bool], jobs: Sequence[CopyJob], places: Sequence[Path]
) -> list[bool]:
    with ProcessPool(worker_count(), context=ChildContext()) as pool:
        futures = [pool.schedule(make, args=[job, place]) for job, place in zip(jobs, places, strict=True)]
        return [_result(future) for future in futures]


def _result(future: ProcessFuture[bool]) -> bool:
    """Whether a copy was made: a file whose copying kills its process has none. Raises ``OSError`` as :func:`_make`."""
    try:
        return future.result()
    except ProcessExpired:
        return False


def _make(theme: Theme, job: CopyJob, place: Path) -> bool:
    content = _copy(job.path, job.findings, theme)
    if content is not None:
        place.write_bytes(content)
    return content is not None
