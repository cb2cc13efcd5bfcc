"""Annotated copies of many files, made on all cores and put in a folder of their own until they are published."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pebble import ProcessExpired, ProcessFuture, ProcessPool

from tabellion.findings import Finding, TabellionError
from tabellion.layout.theme import Theme
from tabellion.processes import ChildContext, worker_count
from tabellion.reading.source import read_source
from tabellion.xlsx.annotation.annotate import annotated_copy

#: Below this many, starting processes costs more than they save.
_FEW = 12


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
    done = list(map(make, jobs, places)) if len(jobs) < _FEW else _made_by_children(make, jobs, places)
    return {job.target: place for job, place, is_made in zip(jobs, places, done, strict=True) if is_made}


def _made_by_children(
    make: Callable[[CopyJob, Path], bool], jobs: Sequence[CopyJob], places: Sequence[Path]
) -> list[bool]:
    with ProcessPool(worker_count(), context=ChildContext()) as pool:
        waiting = [pool.schedule(make, args=each) for each in zip(jobs, places, strict=True)]
        return [_result(each) for each in waiting]


def _result(future: ProcessFuture[bool]) -> bool:
    """Whether a copy was made: a file whose copying kills its process has none. Raises ``OSError`` as :func:`_make`."""
    try:
        return future.result()
    except ProcessExpired:
        return False


def _make(theme: Theme, job: CopyJob, place: Path) -> bool:
    try:
        content = annotated_copy(read_source(job.path), job.findings, theme)
    except TabellionError:  # what refuses the file is among its findings already
        return False
    place.write_bytes(content)
    return True
