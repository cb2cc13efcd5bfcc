"""The history of the cells of the tables, as the journal keeps it: who gave which value, where, when. Append-only."""

from __future__ import annotations

import json
import math
import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import islice
from typing import NamedTuple

from tabellion.schema import Key

_SMALLEST, _LARGEST = -(2**63), 2**63 - 1
#: Entries that are held in memory, and written, together.
_BATCH = 20_000
#: What makes a value of the bytes that SQLite keeps it as, by their first one.
_KINDS: Mapping[bytes, Callable[[str], object]] = {
    b"b": lambda text: text == "1",
    b"i": int,
    b"f": float,
    b"t": datetime.fromisoformat,
    b"d": date.fromisoformat,
    b"s": str,
}

StoredCell = tuple[str, str, str]
"""A cell of the tables: the table, the row's key as :func:`key_text` writes it, the field."""
_Source = tuple[str | None, int | None, str, datetime | None, str]
"""Who gave a value, for which exercice, in which file, saved when and by whom."""


class CellEntry(NamedTuple):
    """One entry of the history: the value of a cell of the tables, who gave it, where, when.

    A named tuple because there are hundreds of thousands. ``partenaire`` is ``None`` for the staff's own workbook;
    ``saved`` the time written inside the file (UTC, without its zone), ``author`` who saved it last. ``run`` and
    ``noted`` (its local time) are filled by the journal.
    """

    table: str
    key: Key
    champ: str
    value: object
    partenaire: str | None = None
    exercice: int | None = None
    fichier: str = ""
    feuille: str | None = None
    cellule: str | None = None
    saved: datetime | None = None
    author: str = ""
    run: int = 0
    noted: datetime | None = None


def key_text(key: Key) -> str:
    """A row's key as JSON, the same for the same key: ``["B01-ville-001",2016]``; days as ``2016-12-31``."""
    return json.dumps(list(key), separators=(",", ":"), default=str)


def last_entries(
    connection: sqlite3.Connection, rows: Iterable[str] | None = None
) -> dict[StoredCell, tuple[int, CellEntry]]:
    """The number and the last entry of each cell (of the rows of these key texts), at the place where it is now."""
    where, values = "true", list[str]()
    if rows is not None:
        where, values = "e.row_key IN (SELECT value FROM json_each(?))", [json.dumps(list(rows))]
    entries = _entries(connection, where, values)
    last = {(entry.table, row, entry.champ): (number, entry) for number, row, entry in entries}
    moves = connection.execute("SELECT entry, feuille, cellule FROM moves").fetchall()
    places = {number: (None if sheet is None else plain_text(sheet), cellule) for number, sheet, cellule in moves}
    for cell, (number, entry) in last.items() if places else ():
        if number in places:
            feuille, cellule = places[number]
            last[cell] = number, entry._replace(feuille=feuille, cellule=cellule)
    return last


def find_entries(connection: sqlite3.Connection, wanted: Mapping[str, str]) -> list[CellEntry]:
    """The entries whose columns (``e.champ``, ``s.fichier``) have the values ``wanted``, oldest first."""
    where = " AND ".join(["true", *(f"{name} = ?" for name in wanted)])
    return [entry for _, _, entry in _entries(connection, where, [stored_text(value) for value in wanted.values()])]


def add_entries(connection: sqlite3.Connection, run: int, entries: Iterable[CellEntry]) -> int:
    """Write what is new among ``entries``, in the transaction under way; returns how many were added.

    Of a cell that only moved, the new place is noted beside its last entry. They are taken by the thousand: a first run
    makes hundreds of thousands.
    """
    left, added = iter(entries), 0
    while batch := list(islice(left, _BATCH)):
        added += _add_batch(connection, run, batch)
    return added


def _add_batch(connection: sqlite3.Connection, run: int, entries: Sequence[CellEntry]) -> int:
    rows = {key: key_text(key) for key in dict.fromkeys(entry.key for entry in entries)}
    known = last_entries(connection, rows.values())
    cited = [(entry.partenaire, entry.exercice, entry.fichier, entry.saved, entry.author) for entry in entries]
    sources = _add_sources(connection, cited)
    sheets = {name: None if name is None else stored_text(name) for name in {entry.feuille for entry in entries}}
    first = number = connection.execute("SELECT coalesce(max(id), 0) FROM entries").fetchone()[0]
    added: list[Key] = []
    moved: list[Key] = []
    for entry, source in zip(entries, cited, strict=True):
        cell = (entry.table, rows[entry.key], entry.champ)
        last_number, last = known.get(cell, (0, None))
        sheet = sheets[entry.feuille]
        if last is None or _statement(last) != _statement(entry):
            number += 1
            added.append((number, *cell, run, _stored(entry.value), sources[source], sheet, entry.cellule))
            known[cell] = number, entry
        elif (last.feuille, last.cellule) != (entry.feuille, entry.cellule):
            moved.append((last_number, sheet, entry.cellule))
            known[cell] = last_number, entry
    connection.executemany("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", added)
    connection.executemany("INSERT OR REPLACE INTO moves VALUES (?, ?, ?)", moved)
    return int(number - first)


def _entries(
    connection: sqlite3.Connection, where: str, values: Sequence[object]
) -> Iterator[tuple[int, str, CellEntry]]:
    """Entries in their order, each with its number and its row's key text; equal parts are one object."""
    days = {number: as_time(day) for number, day in connection.execute("SELECT number, started FROM runs")}
    sources = {
        number: (partenaire, exercice, plain_text(fichier), as_time(saved), plain_text(author))
        for number, partenaire, exercice, fichier, saved, author in connection.execute("SELECT * FROM sources")
    }
    keys: dict[str, tuple[str, Key]] = {}
    query = f"SELECT e.* FROM entries AS e JOIN sources AS s ON s.id = e.source WHERE {where} ORDER BY e.id"  # noqa: S608 - the program's own words
    for number, table, row, champ, run, value, source, sheet, cellule in connection.execute(query, values):
        if row not in keys:
            keys[row] = row, tuple(json.loads(row))
        row_text, key = keys[row]
        partenaire, exercice, fichier, saved, author = sources[source]
        entry = CellEntry(
            sys.intern(table), key, sys.intern(champ), _restored(value), partenaire, exercice, fichier,
            None if sheet is None else sys.intern(plain_text(sheet)), cellule, saved, author, run, days.get(run),
        )  # fmt: skip
        yield number, row_text, entry


def _add_sources(connection: sqlite3.Connection, cited: Iterable[_Source]) -> dict[_Source, int]:
    """The number of each source: who, for which exercice, in which file, saved when and by whom."""
    known = {tuple(row[1:]): row[0] for row in connection.execute("SELECT * FROM sources")}
    sources: dict[_Source, int] = {}
    for source in dict.fromkeys(cited):
        partenaire, exercice, fichier, saved, author = source
        when = None if saved is None else saved.isoformat()
        stored = (partenaire, exercice, stored_text(fichier), when, stored_text(author))
        if stored not in known:
            known[stored] = len(known) + 1
            connection.execute("INSERT INTO sources VALUES (?, ?, ?, ?, ?, ?)", (known[stored], *stored))
        sources[source] = known[stored]
    return sources


def _statement(entry: CellEntry) -> Key:
    """What makes an entry another one: 1, 1.0 and true are not the same."""
    is_number = entry.value == entry.value
    return (type(entry.value), entry.value if is_number else None, entry.partenaire, entry.fichier)


def _stored(value: object) -> object:
    """``value`` as SQLite keeps it: itself where SQLite has the type, else bytes that begin with a letter for the type.

    Raises ``TypeError`` for what no table holds.
    """
    match value:
        case None:
            return None
        case bool():
            return b"b1" if value else b"b0"
        case int():
            return value if _SMALLEST <= value <= _LARGEST else b"i%d" % value
        case float():
            return b"fnan" if math.isnan(value) else value  # SQLite would make a NULL of it
        case str():
            return stored_text(value, b"s")
        case datetime():
            return b"t" + value.isoformat().encode()
        case date():
            return b"d" + value.isoformat().encode()
    raise TypeError(f"not a value of a table: {type(value).__name__}")


def _restored(value: object) -> object:
    """The value that :func:`_stored` made this of."""
    if not isinstance(value, bytes):
        return value
    return _KINDS[value[:1]](value[1:].decode("utf-8", "surrogatepass"))


def stored_text(text: str, mark: bytes = b"") -> str | bytes:
    """``text``, or its bytes where it is no proper Unicode: a file name in another encoding, half a character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return mark + text.encode("utf-8", "surrogatepass")
    return text


def plain_text(text: str | bytes) -> str:
    """The text that :func:`stored_text` made this of."""
    return text.decode("utf-8", "surrogatepass") if isinstance(text, bytes) else text


def as_time(text: str | None) -> datetime | None:
    """A time that was kept in ISO format."""
    return None if text is None else datetime.fromisoformat(text)
