"""The journal's SQLite file: made, opened, brought up to date, and set aside when nothing can be done with it.

A run is killed, the power goes, a backup restores half a file: the journal opens all the same, or makes room for a new
one. Its rollback mode is ``DELETE``, not WAL, whose shared memory does not work on network shares; ``synchronous`` is
``EXTRA``, so that the old pages are on the disk before the first new one is written, and the folder knows that they are
no longer needed before a commit returns. Killed at any instant, SQLite finds the old pages beside the file and puts
them back. A new journal is made whole under another name and then renamed: there is never half of one.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path

from tabellion.findings import Finding, Place, finding
from tabellion.transaction.files import dated, free_name
from tabellion.wording import system_reason

#: « TABL »: what says that a SQLite file is a journal of this program.
APPLICATION = 0x5441424C

#: What leads from each version of the journal to the next; the first step makes version 1 out of nothing.
STEPS: tuple[str, ...] = (
    """
    CREATE TABLE runs (number INTEGER PRIMARY KEY, started TEXT NOT NULL, ended TEXT, version TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT '', summary TEXT NOT NULL DEFAULT '{}');
    CREATE TABLE sightings (id INTEGER PRIMARY KEY, fichier TEXT NOT NULL, size INTEGER NOT NULL, tail TEXT NOT NULL,
        sha256 TEXT NOT NULL, verdict TEXT NOT NULL, partenaire TEXT, exercice INTEGER, run INTEGER NOT NULL,
        until INTEGER);
    CREATE UNIQUE INDEX sightings_now ON sightings (fichier) WHERE until IS NULL;
    CREATE TABLE readings (print TEXT NOT NULL, sha256 TEXT NOT NULL, content, UNIQUE (print, sha256));
    CREATE TABLE words (id INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE);
    CREATE TABLE sources (id INTEGER PRIMARY KEY, partenaire TEXT, exercice INTEGER, fichier TEXT NOT NULL, saved TEXT,
        author TEXT NOT NULL);
    CREATE TABLE cells (id INTEGER PRIMARY KEY, tab INTEGER NOT NULL, line INTEGER NOT NULL, champ INTEGER NOT NULL,
        feuille INTEGER, cellule TEXT, UNIQUE (tab, line, champ));
    CREATE TABLE said (id INTEGER PRIMARY KEY, cell INTEGER NOT NULL, run INTEGER NOT NULL, value,
        source INTEGER NOT NULL, feuille INTEGER, cellule TEXT);
    """,
    """
    CREATE TABLE entries (id INTEGER PRIMARY KEY, tab TEXT NOT NULL, row_key TEXT NOT NULL, champ TEXT NOT NULL,
        run INTEGER NOT NULL, value, source INTEGER NOT NULL, feuille TEXT, cellule TEXT);
    CREATE TABLE moves (entry INTEGER PRIMARY KEY, feuille TEXT, cellule TEXT);
    INSERT INTO entries SELECT s.id, t.word, r.word, f.word, s.run, s.value, s.source, p.word, s.cellule
        FROM said AS s JOIN cells AS c ON c.id = s.cell JOIN words AS t ON t.id = c.tab JOIN words AS r ON r.id = c.line
        JOIN words AS f ON f.id = c.champ LEFT JOIN words AS p ON p.id = s.feuille;
    INSERT INTO moves SELECT e.id, p.word, c.cellule FROM cells AS c LEFT JOIN words AS p ON p.id = c.feuille
        JOIN (SELECT max(id) AS id, cell FROM said GROUP BY cell) AS s ON s.cell = c.id JOIN entries AS e ON e.id = s.id
        WHERE p.word IS NOT e.feuille OR c.cellule IS NOT e.cellule;
    DROP TABLE said; DROP TABLE cells; DROP TABLE words;
    CREATE INDEX entries_of_row ON entries (row_key);
    """,
)

#: The journal's name from the folder ``workbooks/``, as findings say it.
PLACE = Place(".tabellion/journal.sqlite")
_NEW = "journal neuf.sqlite"
#: What SQLite leaves beside a file that it was writing: never to be found beside another one of the same name.
_COMPANIONS = ("-journal", "-wal", "-shm")
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
#: What is wrong with the disk, the folder or the machine, and not with the file.
_NOT_ITS_FAULT = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOMEM)
_REASONS = {
    sqlite3.SQLITE_BUSY: "un autre programme le tient verrouillé",
    sqlite3.SQLITE_LOCKED: "un autre programme le tient verrouillé",
    sqlite3.SQLITE_READONLY: "il est en lecture seule",
    sqlite3.SQLITE_PERM: "accès refusé",
    sqlite3.SQLITE_AUTH: "accès refusé",
    sqlite3.SQLITE_CANTOPEN: "accès refusé",
    sqlite3.SQLITE_FULL: "il n'y a plus de place sur le disque",
    sqlite3.SQLITE_IOERR: "erreur du disque ou du réseau",
}


class UnusableError(Exception):
    """A file that is no journal that this version of the program can use; its words say why, in French."""


def open_file(path: Path, now: datetime, patience_seconds: float) -> tuple[sqlite3.Connection, list[Finding]]:
    """Open the journal at ``path`` for writing, making it or making room for it; in memory where nothing else goes.

    Returns it with what there is to say of it. A lock is waited for ``patience_seconds``. Never raises for what is on
    the disk.
    """
    try:
        if not _is_there(path):
            return _install(_make_new(path, patience_seconds), path, patience_seconds), []
        return _open_present(path, patience_seconds)
    except (sqlite3.Error, OSError, UnusableError) as error:
        return replace_file(path, now, patience_seconds, error)


def replace_file(
    path: Path, now: datetime, patience_seconds: float, error: Exception
) -> tuple[sqlite3.Connection, list[Finding]]:
    """Set aside the journal at ``path``, which ``error`` stands in the way of, and begin a new one.

    What a journal in lecture seule holds is carried over to the new one.
    """
    detail, is_kept = reason(error), _code(error) == sqlite3.SQLITE_READONLY
    is_of_the_machine = isinstance(error, OSError) and not isinstance(error, PermissionError)
    try:
        if not _is_there(path) or is_of_the_machine or _code(error) in _NOT_ITS_FAULT:
            raise error
        new = _make_new(path, patience_seconds, path if is_kept else None)
        try:
            aside = _set_aside(path, now)
            connection = _install(new, path, patience_seconds)
        finally:
            new.unlink(missing_ok=True)
    except (sqlite3.Error, OSError, UnusableError) as other:
        later = reason(other)
        detail = detail if later == detail else f"{detail} ; {later}"
        return _in_memory(path), [finding("journal-en-memoire", PLACE, valeur=path.name, detail=detail)]
    suite = "l'historique continue dans le nouveau" if is_kept else "l'historique reprend à partir de maintenant"
    return connection, [
        finding("journal-mis-de-cote", PLACE, valeur=path.name, detail=detail, aside=aside.name, suite=suite)
    ]


def snapshot(path: Path, patience_seconds: float = 5) -> sqlite3.Connection:
    """A copy in memory, brought up to date, of the journal at ``path``, which stays as it is.

    Raises ``FileNotFoundError``, :class:`UnusableError`, ``OSError`` or ``sqlite3.Error``.
    """
    if not path.exists():
        raise FileNotFoundError(path)
    return _copy_into(path, sqlite3.connect(":memory:", isolation_level=None), patience_seconds)


def empty_journal() -> sqlite3.Connection:
    """A journal in memory that remembers nothing."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    _apply_steps(connection, 0)
    return connection


def is_damaged(error: Exception) -> bool:
    """Whether an error of SQLite says that the file is not, or no longer, a sound one."""
    return _code(error) in _DAMAGED


def reason(error: Exception) -> str:
    """Why a journal cannot be used, in French."""
    if isinstance(error, UnusableError):
        return str(error)
    if isinstance(error, OSError):
        return system_reason(error)
    return _REASONS.get(_code(error), "il est abîmé" if is_damaged(error) else "SQLite ne peut pas s'en servir")


def _code(error: Exception) -> int:
    """SQLite's primary result code (the low byte: the rest is detail)."""
    return int(getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF


def _is_there(path: Path) -> bool:
    """Whether something has the journal's name, also a link that leads nowhere; so too where nobody may look."""
    try:
        path.lstat()
    except OSError as error:
        return not isinstance(error, FileNotFoundError | NotADirectoryError)
    return True


def _open_present(path: Path, patience_seconds: float) -> tuple[sqlite3.Connection, list[Finding]]:
    """Open what is there, prove that it is sound and can be written, and bring it up to date."""
    _check_file(path)
    connection = _connect(path, patience_seconds)
    try:
        connection.execute("BEGIN IMMEDIATE")
        # Only a first page written tells that the folder takes the file of old pages: nothing is changed by it.
        connection.execute(f"PRAGMA application_id = {_number(connection, 'application_id')}")
        version = _update(connection)
        connection.execute("COMMIT" if version < len(STEPS) else "ROLLBACK")
    except BaseException:
        connection.close()
        raise
    if version == len(STEPS):
        return connection, []
    return connection, [finding("journal-migre", PLACE, valeur=version, attendu=len(STEPS))]


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise UnusableError("un dossier porte son nom")
    if not path.is_file():
        raise UnusableError("ce n'est pas un fichier ordinaire")
    if path.stat().st_size == 0:
        raise UnusableError("il est vide")
    with path.open("rb"):  # SQLite would only say that it cannot open it
        pass


def _connect(path: Path, patience_seconds: float) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=patience_seconds, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA synchronous = EXTRA")
        connection.execute("PRAGMA cache_size = -16384")  # 16 MiB: most runs' changes stay in memory until their commit
    except BaseException:
        connection.close()
        raise
    return connection


def _update(connection: sqlite3.Connection) -> int:
    """Check the journal and take it from its version to the program's; returns the version that it had.

    Raises :class:`UnusableError` for what is no journal, a newer one, or a damaged one.
    """
    if _number(connection, "application_id") != APPLICATION:
        raise UnusableError("ce n'est pas un journal de tabellion")
    version = _number(connection, "user_version")
    if version > len(STEPS):
        raise UnusableError(
            f"il vient d'une version plus récente de tabellion (format {version}, attendu {len(STEPS)})"
        )
    if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
        raise UnusableError("il est abîmé")
    _apply_steps(connection, version)
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
        _apply_steps(fresh, 0)
        if _columns(connection) != _columns(fresh):
            raise UnusableError("ses tables ne sont pas celles d'un journal")
    return version


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])


def _apply_steps(connection: sqlite3.Connection, version: int) -> None:
    """Apply the steps after ``version``, one statement at a time: ``executescript`` would commit between them."""
    for step in STEPS[version:]:
        for statement in filter(str.strip, step.split(";")):
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {len(STEPS)}")
    connection.execute(f"PRAGMA application_id = {APPLICATION}")


def _columns(connection: sqlite3.Connection) -> set[tuple[str, str]]:
    return set(
        connection.execute(
            "SELECT t.name, c.name FROM sqlite_master AS t, pragma_table_info(t.name) AS c"
            " WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        )
    )


def _make_new(path: Path, patience_seconds: float, source: Path | None = None) -> Path:
    """A new journal (with all that ``source`` holds), whole, beside the place ``path`` that it is for."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(_NEW)
    for companion in ("", *_COMPANIONS):
        Path(f"{new}{companion}").unlink(missing_ok=True)
    try:
        with closing(_connect(new, patience_seconds)) as connection:
            if source is not None:
                _copy_into(source, connection, patience_seconds)
            else:
                connection.execute("BEGIN")
                _apply_steps(connection, 0)
                connection.execute("COMMIT")
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    return new


def _install(new: Path, path: Path, patience_seconds: float) -> sqlite3.Connection:
    """Give the new journal its name, and open it. Pages of a journal that is gone would be put back into this one."""
    for companion in _COMPANIONS:
        Path(f"{path}{companion}").unlink(missing_ok=True)
    new.replace(path)
    return _connect(path, patience_seconds)


def _copy_into(source: Path, target: sqlite3.Connection, patience_seconds: float) -> sqlite3.Connection:
    """All of the journal ``source`` in ``target``, brought up to date there; ``target`` is closed when it fails."""
    try:
        _check_file(source)
        with closing(sqlite3.connect(source, timeout=patience_seconds, isolation_level=None)) as connection:
            # Held open for reading: of a locked file, ``backup`` would wait for ever.
            connection.execute("BEGIN")
            _number(connection, "schema_version")
            connection.backup(target)
        target.execute("BEGIN")
        _update(target)
        target.execute("COMMIT")
    except BaseException:
        target.close()
        raise
    return target


def _in_memory(path: Path) -> sqlite3.Connection:
    """A journal that lasts as long as the run, with what can still be read of the one on the disk."""
    with suppress(sqlite3.Error, OSError, UnusableError):
        return snapshot(path)
    return empty_journal()


def _set_aside(path: Path, now: datetime) -> Path:
    """Rename the journal, and what SQLite left beside it, to a dated name that is free; nothing is deleted."""
    aside = free_name(path.with_name(f"{path.stem} illisible {dated(now)}{path.suffix}"))
    path.rename(aside)
    for companion in _COMPANIONS:
        with suppress(FileNotFoundError):
            Path(f"{path}{companion}").rename(f"{aside}{companion}")
    return aside
