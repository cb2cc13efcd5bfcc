"""What the journal can be asked and told. Whatever happens to its file, a run goes on, and ``findings`` says it."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from tabellion.campaign.journal.cell_history import Cell, load_cells, load_said, tell_said
from tabellion.campaign.journal.entries import (
    Run,
    Said,
    SeenFile,
    Stamp,
    key_text,
    restored_day,
    restored_text,
    stored_text,
)
from tabellion.campaign.journal.store import (
    PLACE,
    UnusableError,
    empty_store,
    is_damaged,
    open_store,
    read_store,
    reason,
    replace_store,
)
from tabellion.campaign.model import Verdict
from tabellion.findings import Finding, TabellionError, finding
from tabellion.schema import Key

_Done = TypeVar("_Done")
#: A reading longer than this many characters of JSON is compressed.
_LONG = 400
_SEEN = "fichier, size, tail, sha256, verdict, partenaire, exercice, run, until"
_RUN = "number, started, ended, version, state, summary"

PlaceSaid = tuple[str | None, str | None, str | None]
"""A file (by name from ``workbooks/``), a sheet, a cell as A1."""


def open_journal(path: Path, now: datetime, patience_seconds: float = 5) -> Journal:
    """Open the journal at ``path`` to keep a run in it; it is made, brought up to date or replaced as needed.

    A lock held by another program is waited for ``patience_seconds``. What there is to say is in ``findings``; nothing
    is raised for the state of the file.
    """
    connection, findings = open_store(path, now, patience_seconds)
    return Journal(path, connection, findings, now, patience_seconds)


def read_journal(path: Path) -> Journal:
    """A copy of the journal at ``path``, to be read: the file is left as it is.

    Raises :class:`TabellionError` when there is none, or it cannot be read.
    """
    try:
        return Journal(path, read_store(path), [], datetime.min, 0)
    except FileNotFoundError as error:
        raise TabellionError([finding("journal-absent", PLACE, valeur=path.name)]) from error
    except (sqlite3.Error, OSError, UnusableError) as error:
        raise TabellionError([finding("journal-illisible", PLACE, valeur=path.name, detail=reason(error))]) from error


def glance_at_journal(path: Path) -> Journal:
    """What the journal at ``path`` remembers, or an empty one; the file is left as it is whatever is told.

    For those who only look, while a run may be writing in it.
    """
    try:
        return read_journal(path)
    except TabellionError:
        return Journal(path, empty_store(), [], datetime.min, 0)


class Journal:
    """The memory of a workspace. A context manager: what was told is kept when the block ends, undone when it fails.

    What is told between :meth:`start_run` and :meth:`end_run` is kept by the latter, all or nothing; only readings are
    kept as they come, because they are true whatever becomes of the run.
    """

    def __init__(
        self,
        path: Path,
        connection: sqlite3.Connection,
        findings: list[Finding],
        now: datetime,
        patience_seconds: float,
    ) -> None:
        self.findings: list[Finding] = findings
        """What opening the journal, and then keeping it, had to say; read them when all is done."""
        self._path, self._connection, self._now, self._patience = path, connection, now, patience_seconds
        self._run: tuple[int, str, str] | None = None
        self._asked: set[tuple[str, str]] = set()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            self._attempt(lambda: self._finish(keep=kind is None), None)
        finally:
            self._connection.close()

    # Files and what was read of them.

    def known_files(self) -> dict[str, Stamp]:
        """The files that the last run saw, by name from ``workbooks/``, with their content's stamp."""
        return {each.fichier: each.stamp for each in self.sightings(now_only=True)}

    def sightings(self, fichier: str | None = None, *, now_only: bool = False) -> list[SeenFile]:
        """Each state in which a file (all of them by default) was seen, in order; ``now_only``: at the last run."""

        def ask() -> list[SeenFile]:
            rows = self._connection.execute(
                f"SELECT {_SEEN} FROM sightings"  # noqa: S608 - a constant
                " WHERE (?1 IS NULL OR fichier = ?1) AND (until IS NULL OR NOT ?2) ORDER BY id",
                (None if fichier is None else stored_text(fichier), now_only),
            )
            return [
                SeenFile(restored_text(name), Stamp(size, tail, sha256), Verdict[verdict], *rest)
                for name, size, tail, sha256, verdict, *rest in rows
            ]

        return self._attempt(ask, [])

    def see_files(self, run: int, files: Iterable[SeenFile]) -> None:
        """Tell all the files that a run saw: those known until now and not among them are gone."""
        seen = {each.fichier: each for each in files}

        def tell() -> None:
            known = {each.fichier: each for each in self.sightings(now_only=True)}
            left = [name for name, each in known.items() if _state(each) != _state(seen.get(name))]
            new = [each for name, each in seen.items() if _state(each) != _state(known.get(name))]
            self._begin()
            self._connection.executemany(
                "UPDATE sightings SET until = ? WHERE fichier = ? AND until IS NULL",
                [(run, stored_text(name)) for name in left],
            )
            self._connection.executemany(
                f"INSERT INTO sightings ({_SEEN}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)",  # noqa: S608 - a constant
                [(stored_text(each.fichier), *_state(each), run) for each in new],
            )

        self._attempt(tell, None, again=True)

    def readings(self, print_: str, digests: Collection[str]) -> dict[str, dict[str, Any]]:
        """What was read before, under the fingerprint ``print_``, of the files with these SHA-256, by SHA-256."""
        self._asked |= {(print_, each) for each in digests}

        def ask() -> dict[str, dict[str, Any]]:
            rows = self._connection.execute(
                "SELECT sha256, content FROM readings"
                " WHERE print = ? AND sha256 IN (SELECT value FROM json_each(?)) ORDER BY sha256",
                (print_, json.dumps(list(digests))),
            )
            found = {}
            for sha256, content in rows:
                try:
                    found[sha256] = json.loads(zlib.decompress(content) if isinstance(content, bytes) else content)
                except (zlib.error, ValueError):  # damaged where SQLite cannot see it: the file is read again
                    continue
            return found

        return self._attempt(ask, {})

    def keep_readings(self, print_: str, readings: Mapping[str, dict[str, Any]]) -> None:
        """Keep what was read of files (JSON-able), by SHA-256, at once.

        Those that a run neither asked for nor kept, of files that are gone or under other fingerprints, are dropped
        when it ends.
        """
        self._asked |= {(print_, each) for each in readings}
        rows = [(print_, sha256, _packed(reading)) for sha256, reading in readings.items()]

        def tell() -> None:
            self._begin()
            self._connection.executemany("INSERT OR REPLACE INTO readings VALUES (?, ?, ?)", rows)
            self._finish()

        self._attempt(tell, None, again=True)

    # Runs.

    def start_run(self, now: datetime, version: str) -> int:
        """Open a run, at once visible; returns its number, from 1."""
        started = now.isoformat()

        def tell() -> int:
            self._begin()
            added = self._connection.execute("INSERT INTO runs (started, version) VALUES (?, ?)", (started, version))
            number = int(added.lastrowid or 0)
            self._finish()
            return number

        number = self._attempt(tell, 0, again=True)
        self._run = (number, started, version)
        return number

    def end_run(self, number: int, now: datetime, state: str, summary: Mapping[str, Any]) -> None:
        """Close a run and keep all that was told of it. ``state`` is the digest of what it reached."""
        row = (now.isoformat(), state, json.dumps(dict(summary), default=str), number)

        def tell() -> None:
            self._begin()
            self._connection.execute("UPDATE runs SET ended = ?, state = ?, summary = ? WHERE number = ?", row)
            self._drop_readings()
            self._finish()

        self._attempt(tell, None, again=True)
        self._run = None

    def last_run(self) -> Run | None:
        """The last run that came to its end."""
        found = self._runs("WHERE ended IS NOT NULL ORDER BY number DESC LIMIT 1")
        return found[0] if found else None

    def runs(self, limit: int = 30) -> list[Run]:
        """The last runs, the latest first, those cut short too."""
        return self._runs("ORDER BY number DESC LIMIT ?", limit)

    def _runs(self, where: str, *values: Any) -> list[Run]:
        def ask() -> list[Run]:
            rows = self._connection.execute(f"SELECT {_RUN} FROM runs {where}", values)  # noqa: S608 - a constant
            return [
                Run(number, datetime.fromisoformat(started), restored_day(ended), version, state, json.loads(summary))
                for number, started, ended, version, state, summary in rows
            ]

        return self._attempt(ask, [])

    # Cells and who said them.

    def cells(self) -> dict[Cell, Said]:
        """The last word on every cell known; its sheet and cell are where the last run saw it."""
        nothing: dict[Cell, Said] = {}
        return self._attempt(lambda: load_cells(self._connection), nothing)

    def say_cells(self, run: int, said: Iterable[Said]) -> int:
        """Add what a run found said of cells, one entry a cell; returns how many were added.

        Nothing is ever changed or removed. An entry is added when its value, its partner or its file is not that of the
        last word on the cell: to save a file again says nothing new, nor does a row that only moved.
        """
        entries = list(said)

        def tell() -> int:
            self._begin()
            return tell_said(self._connection, run, entries)

        return self._attempt(tell, 0, again=True)

    def history(
        self,
        table: str | None = None,
        key: Key | None = None,
        champ: str | None = None,
        *,
        place: PlaceSaid | None = None,
    ) -> list[Said]:
        """All that was said, oldest first: of a table, a row, a field, or at a ``place`` (``None`` for any of them)."""
        fichier, feuille, cellule = place or (None, None, None)
        row = None if key is None else key_text(key)
        return self._attempt(
            lambda: load_said(
                self._connection,
                "SELECT c.tab, c.line, c.champ, s.value, s.source, s.feuille, s.cellule, s.run"
                " FROM said AS s JOIN cells AS c ON c.id = s.cell"
                " WHERE (?1 IS NULL OR c.tab = (SELECT id FROM words WHERE word = ?1))"
                " AND (?2 IS NULL OR c.line = (SELECT id FROM words WHERE word = ?2))"
                " AND (?3 IS NULL OR c.champ = (SELECT id FROM words WHERE word = ?3))"
                " AND (?4 IS NULL OR s.source IN (SELECT id FROM sources WHERE fichier = ?4))"
                " AND (?5 IS NULL OR s.feuille = (SELECT id FROM words WHERE word = ?5))"
                " AND (?6 IS NULL OR s.cellule = ?6) ORDER BY s.id",
                *(None if each is None else stored_text(each) for each in (table, row, champ, fichier, feuille)),
                cellule,
            ),
            [],
        )

    def sheets(self) -> set[tuple[str, str]]:
        """Every file and sheet where something was said."""

        def ask() -> set[tuple[str, str]]:
            rows = self._connection.execute(
                "SELECT DISTINCT each.fichier, word FROM said JOIN sources AS each ON each.id = source"
                " JOIN words ON words.id = feuille"
            )
            return {(restored_text(name), restored_text(sheet)) for name, sheet in rows}

        return self._attempt(ask, set())

    # Keeping going.

    def _begin(self) -> None:
        if not self._connection.in_transaction:
            self._connection.execute("BEGIN IMMEDIATE")

    def _finish(self, *, keep: bool = True) -> None:
        if self._connection.in_transaction:
            self._connection.execute("COMMIT" if keep else "ROLLBACK")

    def _drop_readings(self) -> None:
        """Drop the readings that nobody asked for; all are kept when nobody asked for any."""
        if self._asked:
            present = self._connection.execute("SELECT print, sha256 FROM readings").fetchall()
            useless = [each for each in present if each not in self._asked]
            self._connection.executemany("DELETE FROM readings WHERE print = ? AND sha256 = ?", useless)

    def _attempt(self, work: Callable[[], _Done], otherwise: _Done, *, again: bool = False) -> _Done:
        """Do ``work``; where the file fails it, say so and go on with ``otherwise``, or ``again`` in a new journal."""
        try:
            return work()
        except sqlite3.DatabaseError as error:
            if is_damaged(error):
                self._replace(error)
                return self._attempt(work, otherwise) if again else otherwise
            if not isinstance(error, sqlite3.OperationalError):
                raise
            self._undo()
            said = finding("journal-non-tenu", PLACE, valeur=self._path.name, detail=reason(error))
            if said not in self.findings:
                self.findings.append(said)
            return otherwise

    def _undo(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def _replace(self, error: sqlite3.DatabaseError) -> None:
        """Go on with a new journal, where the run that is under way has its number."""
        self._connection.close()
        self._connection, findings = replace_store(self._path, self._now, self._patience, error)
        self.findings += findings
        if self._run is not None:
            self._connection.execute("INSERT INTO runs (number, started, version) VALUES (?, ?, ?)", self._run)


def _packed(reading: Mapping[str, Any]) -> str | bytes:
    text = json.dumps(reading, separators=(",", ":"))
    return zlib.compress(text.encode(), 1) if len(text) > _LONG else text


def _state(each: SeenFile | None) -> tuple[Any, ...]:
    """What makes a file's state, as kept."""
    if each is None:
        return ()
    stamp = each.stamp
    return (stamp.size, stamp.tail, stamp.sha256, each.verdict.name, each.partenaire, each.exercice)
