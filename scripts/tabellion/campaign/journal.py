"""The journal: what the program remembers of a workspace from one run to the next, in one SQLite file.

Whatever happens to that file, a run goes on, and ``findings`` says it.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from tabellion.campaign import cell_history, journal_file
from tabellion.campaign.cell_history import CellEntry, StoredCell, as_time, key_text, plain_text, stored_text
from tabellion.campaign.journal_file import PLACE, UnusableError, reason
from tabellion.campaign.model import Verdict
from tabellion.findings import Finding, Json, TabellionError, finding
from tabellion.schema import Key

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")
_Method = Callable[Concatenate["Journal", _Parameters], _Result]

#: A reading longer than this many characters of JSON is compressed.
_LONG = 400
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1

SheetCell = tuple[str | None, str | None, str | None]
"""A file (by name from ``workbooks/``), a sheet, a cell as A1."""


@dataclass(frozen=True, slots=True)
class SeenFile:
    """One file that a run saw, by its name from the folder ``workbooks/``, and what became of it.

    ``size`` is in bytes, ``tail`` the digest of its last bytes (quick to look at), ``sha256`` of all. ``run`` is the
    first run that saw it so and ``until`` the first that did not any more (``None``: it is still so); both are filled
    by the journal.
    """

    fichier: str
    size: int
    tail: str
    sha256: str
    verdict: Verdict
    partenaire: str | None = None
    exercice: int | None = None
    run: int = 0
    until: int | None = None

    @property
    def state(self) -> Key:
        """All that the journal keeps of it; another state is another line."""
        return (self.size, self.tail, self.sha256, self.verdict.name, self.partenaire, self.exercice)


@dataclass(frozen=True, slots=True)
class Run:
    """One run: when (local time), by which version of the program, the digest of the state it reached, its figures.

    ``ended`` is ``None`` for a run that was cut short.
    """

    number: int
    started: datetime
    ended: datetime | None
    version: str
    state: str
    summary: Json = field(default_factory=dict)


def open_journal(path: Path, now: datetime, patience_seconds: float = 5) -> Journal:
    """Open the journal at ``path`` to keep a run in it; it is made, brought up to date or replaced as needed.

    A lock held by another program is waited for ``patience_seconds``. What there is to say is in ``findings``; nothing
    is raised for the state of the file.
    """
    connection, findings = journal_file.open_file(path, now, patience_seconds)
    return Journal(path, connection, findings, now, patience_seconds)


def read_journal(path: Path) -> Journal:
    """A copy of the journal at ``path``, to be read: the file is left as it is.

    Raises :class:`TabellionError` when there is none, or it cannot be read.
    """
    try:
        return Journal(path, journal_file.snapshot(path))
    except FileNotFoundError as error:
        raise TabellionError([finding("journal-absent", PLACE, valeur=path.name)]) from error
    except (sqlite3.Error, OSError, UnusableError) as error:
        raise TabellionError([finding("journal-illisible", PLACE, valeur=path.name, detail=reason(error))]) from error


def glance_at_journal(path: Path) -> Journal:
    """What the journal at ``path`` remembers, or an empty one; the file is left as it is whatever is written.

    For those who only look, while a run may be writing in it.
    """
    try:
        return read_journal(path)
    except TabellionError:
        return Journal(path, journal_file.empty_journal())


def _survives(
    default: Callable[[], Any], *, again: bool = False
) -> Callable[[_Method[_Parameters, _Result]], _Method[_Parameters, _Result]]:
    """A method that gives ``default()`` where the file fails it; with ``again``, it is first tried in a new journal."""

    def decorate(method: _Method[_Parameters, _Result]) -> _Method[_Parameters, _Result]:
        @wraps(method)
        def survive(journal: Journal, /, *args: _Parameters.args, **kwargs: _Parameters.kwargs) -> _Result:
            for _ in range(2):
                try:
                    return method(journal, *args, **kwargs)
                except sqlite3.DatabaseError as error:
                    if not (journal.recover(error) and again):
                        break
            empty: _Result = default()
            return empty

        return survive

    return decorate


class Journal:
    """The memory of a workspace. A context manager: what was written is kept when the block ends, undone when it fails.

    What is written between :meth:`start_run` and :meth:`end_run` is kept by the latter, all or nothing; only readings
    are kept as they come, because they are true whatever becomes of the run.
    """

    def __init__(
        self,
        path: Path,
        connection: sqlite3.Connection,
        findings: list[Finding] | None = None,
        now: datetime = datetime.min,
        patience_seconds: float = 0,
    ) -> None:
        self.findings: list[Finding] = findings or []
        """What opening the journal, and then keeping it, had to say; read them when all is done."""
        self._path, self._connection, self._now, self._patience = path, connection, now, patience_seconds
        self._run: tuple[int, str, str] | None = None
        self.asked: set[tuple[str, str]] = set()
        """The readings (fingerprint, SHA-256) that this run needed so far."""

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            self._finish(keep=kind is None)
        finally:
            self._connection.close()

    def recover(self, error: sqlite3.DatabaseError) -> bool:
        """Say that the file failed; go on with a new one where it is damaged (then true), else without this note."""
        if journal_file.is_damaged(error):
            self._connection.close()
            self._connection, findings = journal_file.replace_file(self._path, self._now, self._patience, error)
            self.findings += findings
            if self._run is not None:
                self._connection.execute("INSERT INTO runs (number, started, version) VALUES (?, ?, ?)", self._run)
            return True
        if not isinstance(error, sqlite3.OperationalError):
            raise error
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        notice = finding("journal-non-tenu", PLACE, valeur=self._path.name, detail=reason(error))
        if notice not in self.findings:
            self.findings.append(notice)
        return False

    def _begin(self) -> None:
        if not self._connection.in_transaction:
            self._connection.execute("BEGIN IMMEDIATE")

    @_survives(lambda: None)
    def _finish(self, *, keep: bool) -> None:
        if self._connection.in_transaction:
            self._connection.execute("COMMIT" if keep else "ROLLBACK")

    # Runs.

    @_survives(int, again=True)
    def start_run(self, now: datetime, version: str) -> int:
        """Open a run, at once visible; returns its number, from 1."""
        self._begin()
        started = now.isoformat()
        added = self._connection.execute("INSERT INTO runs (started, version) VALUES (?, ?)", (started, version))
        self._connection.execute("COMMIT")
        number = int(added.lastrowid or 0)
        self._run = (number, started, version)
        return number

    @_survives(lambda: None, again=True)
    def end_run(self, number: int, now: datetime, state: str, summary: Json) -> None:
        """Close a run and keep all that was written of it. ``state`` is the digest of what it reached."""
        self._begin()
        self._connection.execute(
            "UPDATE runs SET ended = ?, state = ?, summary = ? WHERE number = ?",
            (now.isoformat(), state, json.dumps(dict(summary), default=str), number),
        )
        if self.asked:  # readings that this run did not need are dropped; all are kept when it needed none
            present = self._connection.execute("SELECT print, sha256 FROM readings").fetchall()
            unused = [reading for reading in present if reading not in self.asked]
            self._connection.executemany("DELETE FROM readings WHERE print = ? AND sha256 = ?", unused)
        self._connection.execute("COMMIT")
        self._run = None

    def last_run(self) -> Run | None:
        """The last run that came to its end."""
        return next(iter(self._runs("WHERE ended IS NOT NULL ORDER BY number DESC LIMIT 1")), None)

    def runs(self, limit: int = 30) -> list[Run]:
        """The last runs, the latest first, those cut short too."""
        return self._runs("ORDER BY number DESC LIMIT ?", limit)

    @_survives(list)
    def _runs(self, where: str, *values: Any) -> list[Run]:
        rows = self._connection.execute(
            f"SELECT number, started, ended, version, state, summary FROM runs {where}",  # noqa: S608 - a constant
            values,
        )
        return [
            Run(number, datetime.fromisoformat(started), as_time(ended), version, state, json.loads(summary))
            for number, started, ended, version, state, summary in rows
        ]

    # Files and what was read of them.

    @_survives(list)
    def sightings(self, fichier: str | None = None, *, now_only: bool = False) -> list[SeenFile]:
        """Each state in which a file (all of them by default) was seen, in order; ``now_only``: at the last run."""
        rows = self._connection.execute(
            "SELECT fichier, size, tail, sha256, verdict, partenaire, exercice, run, until FROM sightings"
            " WHERE (?1 IS NULL OR fichier = ?1) AND (until IS NULL OR NOT ?2) ORDER BY id",
            (None if fichier is None else stored_text(fichier), now_only),
        )
        return [
            SeenFile(plain_text(name), size, tail, sha256, Verdict[verdict], *seen)
            for name, size, tail, sha256, verdict, *seen in rows
        ]

    @_survives(lambda: None, again=True)
    def see_files(self, run: int, files: Sequence[SeenFile]) -> None:
        """Note all the files that a run saw: those known until now and not among them are gone."""
        seen = {file.fichier: file.state for file in files}
        known = {file.fichier: file.state for file in self.sightings(now_only=True)}
        self._begin()
        self._connection.executemany(
            "UPDATE sightings SET until = ? WHERE fichier = ? AND until IS NULL",
            [(run, stored_text(name)) for name, state in known.items() if state != seen.get(name)],
        )
        self._connection.executemany(
            "INSERT INTO sightings (fichier, size, tail, sha256, verdict, partenaire, exercice, run)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [(stored_text(name), *state, run) for name, state in seen.items() if state != known.get(name)],
        )

    @_survives(dict)
    def readings(self, print_: str, digests: Collection[str]) -> dict[str, Json]:
        """What was read before, under the fingerprint ``print_``, of the files with these SHA-256, by SHA-256."""
        self.asked |= {(print_, sha256) for sha256 in digests}
        rows = self._connection.execute(
            "SELECT sha256, content FROM readings"
            " WHERE print = ? AND sha256 IN (SELECT value FROM json_each(?)) ORDER BY sha256",
            (print_, json.dumps(list(digests))),
        )
        readings = {}
        for sha256, content in rows:
            with suppress(zlib.error, ValueError):  # damaged where SQLite cannot see it: the file is read again
                readings[sha256] = json.loads(zlib.decompress(content) if isinstance(content, bytes) else content)
        return readings

    @_survives(set)
    def need(self, readings: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
        """Say that this run needs readings that it has itself; returns those of them that are not kept here."""
        self.asked |= set(readings)
        return set(readings) - set(self._connection.execute("SELECT print, sha256 FROM readings"))

    @_survives(lambda: None, again=True)
    def keep_readings(self, print_: str, readings: Mapping[str, Json]) -> None:
        """Keep what was read of files (JSON-able), by SHA-256, at once.

        Those that a run neither asked for nor kept, of files that are gone or under other fingerprints, are dropped
        when it ends.
        """
        self.asked |= {(print_, sha256) for sha256 in readings}
        rows = [(print_, sha256, _packed(reading)) for sha256, reading in readings.items()]
        self._begin()
        self._connection.executemany("INSERT OR REPLACE INTO readings VALUES (?, ?, ?)", rows)
        self._connection.execute("COMMIT")

    # Cells and who gave their values.

    @_survives(dict)
    def cells(self) -> dict[StoredCell, CellEntry]:
        """The last entry of every cell known; its sheet and cell are where the last run saw it."""
        return {cell: entry for cell, (_, entry) in cell_history.last_entries(self._connection).items()}

    @_survives(int, again=True)
    def add_entries(self, run: int, entries: Iterable[CellEntry]) -> int:
        """Add what a run found in cells, one entry a cell; returns how many were added.

        ``entries`` are gone through again from the first where the file fails, and a new one is begun.
        Nothing is ever changed or removed. An entry is added when its value, its partner or its file is not that of the
        last entry of the cell: to save a file again says nothing new, nor does a row that only moved.
        """
        self._begin()
        return cell_history.add_entries(self._connection, run, entries)

    @_survives(list)
    def history(
        self,
        table: str | None = None,
        key: Key | None = None,
        champ: str | None = None,
        *,
        place: SheetCell | None = None,
    ) -> list[CellEntry]:
        """All entries, oldest first: of a table, a row, a field, or at a ``place`` (``None`` for any of them)."""
        asked = (table, None if key is None else key_text(key), champ, *(place or (None, None, None)))
        columns = ("e.tab", "e.row_key", "e.champ", "s.fichier", "e.feuille", "e.cellule")
        wanted = {name: value for name, value in zip(columns, asked, strict=True) if value is not None}
        return cell_history.find_entries(self._connection, wanted)

    @_survives(set)
    def sheets(self) -> set[tuple[str, str]]:
        """Every file and sheet that values came from."""
        rows = self._connection.execute(
            "SELECT DISTINCT s.fichier, e.feuille FROM entries AS e JOIN sources AS s ON s.id = e.source"
            " WHERE e.feuille IS NOT NULL"
        )
        return {(plain_text(name), plain_text(sheet)) for name, sheet in rows}


def _packed(reading: Json) -> str | bytes:
    text = json.dumps(reading, separators=(",", ":"))
    return zlib.compress(text.encode(), 1) if len(text) > _LONG else text
