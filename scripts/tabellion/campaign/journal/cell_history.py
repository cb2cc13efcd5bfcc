"""What was said of the cells of the tables, as the journal keeps it: an append-only list, its words written once."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from tabellion.campaign.journal.entries import (
    Said,
    key_text,
    restored,
    restored_day,
    restored_text,
    stored,
    stored_text,
)
from tabellion.schema import Key

Cell = tuple[str, str, str]
"""A cell of the tables: the table, the row's key as :func:`key_text` writes it, the field."""


def load_cells(connection: sqlite3.Connection, lines: Iterable[str] | None = None) -> dict[Cell, Said]:
    """The last word on every cell (of the rows whose keys' texts are ``lines``), where it was last seen."""
    texts: dict[Key, str] = {}
    said = load_said(
        connection,
        "SELECT c.tab, c.line, c.champ, s.value, s.source, c.feuille, c.cellule, s.run FROM cells AS c"
        " JOIN said AS s ON s.id = (SELECT max(id) FROM said WHERE cell = c.id)"
        " WHERE ?1 IS NULL OR c.line IN (SELECT id FROM words WHERE word IN (SELECT value FROM json_each(?1)))"
        " ORDER BY c.id",
        None if lines is None else json.dumps(list(lines)),
    )
    return {(each.table, _text_of(each.key, texts), each.champ): each for each in said}


def _text_of(key: Key, texts: dict[Key, str]) -> str:
    """:func:`key_text`, made once for the many cells of a row."""
    text = texts.get(key)
    if text is None:
        text = texts[key] = key_text(key)
    return text


def load_said(connection: sqlite3.Connection, query: str, *values: Any) -> list[Said]:
    """The entries that ``query`` gives: table, row, field, value, source, sheet, cell, run."""
    words = {number: restored_text(word) for number, word in connection.execute("SELECT id, word FROM words")}
    days = {
        number: datetime.fromisoformat(day) for number, day in connection.execute("SELECT number, started FROM runs")
    }
    sources = {
        number: (partenaire, exercice, restored_text(fichier), restored_day(saved), restored_text(author))
        for number, partenaire, exercice, fichier, saved, author in connection.execute(
            "SELECT id, partenaire, exercice, fichier, saved, author FROM sources"
        )
    }
    keys: dict[int, Key] = {}
    found = []
    for tab, line, champ, value, source, feuille, cellule, run in connection.execute(query, values):
        key = keys.get(line)
        if key is None:
            key = keys[line] = tuple(json.loads(words[line]))
        partenaire, exercice, fichier, saved, author = sources[source]
        found.append(
            Said(
                words[tab], key, words[champ], restored(value) if isinstance(value, bytes) else value, partenaire,
                exercice, fichier, words.get(feuille), cellule, saved, author, run, days.get(run),
            )
        )  # fmt: skip
    return found


def tell_said(connection: sqlite3.Connection, run: int, entries: Iterable[Said]) -> int:
    """Write what is new among ``entries``, in the transaction under way.

    Returns how many were added to the history; a cell that only moved is only told its new place.
    """
    texts: dict[Key, str] = {}
    told = [((each.table, _text_of(each.key, texts), each.champ), each) for each in entries]
    known = load_cells(connection, texts.values())
    added: list[tuple[Cell, Said]] = []
    moved: list[tuple[Cell, Said]] = []
    for cell, each in told:
        last = known.get(cell)
        if last is None or _word(last) != _word(each):
            added.append((cell, each))
        elif (last.feuille, last.cellule) != (each.feuille, each.cellule):
            moved.append((cell, each))
        known[cell] = each
    if added or moved:
        _write(connection, run, added, moved)
    return len(added)


def _write(
    connection: sqlite3.Connection, run: int, added: list[tuple[Cell, Said]], moved: list[tuple[Cell, Said]]
) -> None:
    write = connection.executemany
    texts = {word for cell, each in (*added, *moved) for word in (*cell, each.feuille) if word is not None}
    write("INSERT OR IGNORE INTO words (word) VALUES (?)", [(stored_text(each),) for each in sorted(texts)])
    words = {restored_text(word): each for each, word in connection.execute("SELECT id, word FROM words")}
    write(
        "INSERT OR IGNORE INTO cells (tab, line, champ) VALUES (?, ?, ?)",
        ([words[part] for part in cell] for cell, _ in added),
    )
    sources = _sources(connection, (each for _, each in added))
    of_cell = "tab = ? AND line = ? AND champ = ?"
    write(
        "INSERT INTO said (run, value, source, feuille, cellule, cell)"  # noqa: S608 - a constant
        f" VALUES (?, ?, ?, ?, ?, (SELECT id FROM cells WHERE {of_cell}))",
        (
            (run, stored(each.value), sources[_source(each)], words.get(each.feuille or ""), each.cellule,
             *(words[part] for part in cell))
            for cell, each in added
        ),
    )  # fmt: skip
    write(
        f"UPDATE cells SET feuille = ?, cellule = ? WHERE {of_cell}",  # noqa: S608 - a constant
        (
            (words.get(each.feuille or ""), each.cellule, *(words[part] for part in cell))
            for cell, each in (*added, *moved)
        ),
    )


def _sources(connection: sqlite3.Connection, said: Iterable[Said]) -> dict[tuple[Any, ...], int]:
    """The number of each source: who, for which exercice, in which file, saved when and by whom."""
    known = {
        tuple(row[1:]): row[0]
        for row in connection.execute("SELECT id, partenaire, exercice, fichier, saved, author FROM sources")
    }
    for source in dict.fromkeys(map(_source, said)):
        if source not in known:
            added = connection.execute(
                "INSERT INTO sources (partenaire, exercice, fichier, saved, author) VALUES (?, ?, ?, ?, ?)", source
            )
            known[source] = int(added.lastrowid or 0)
    return known


def _word(each: Said) -> tuple[Any, ...]:
    """What makes what was said: 1, 1.0 and true are not the same."""
    return (type(each.value), each.value if each.value == each.value else None, each.partenaire, each.fichier)


def _source(each: Said) -> tuple[Any, ...]:
    saved = None if each.saved is None else each.saved.isoformat()
    return (each.partenaire, each.exercice, stored_text(each.fichier), saved, stored_text(each.author))
