"""What is known of the staff's saves of the workbook since the last adoption: kept beside the register.

The register says the last values; this file says what they were before, who saved them, when and in which cell.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from tabellion.campaign.model import MergeOutcome, Modification
from tabellion.campaign.plain_values import plain_json, value_of
from tabellion.contract.first_settings import FirstSettings
from tabellion.contract.folders import ANSWERED, Folders
from tabellion.findings import Json, Place
from tabellion.schema import Key
from tabellion.transaction.files import write_whole
from tabellion.transaction.stored import read_stored

#: The file of the staff's changes, in the register's folder.
SAVES_FILE = "saisies.json"


SavedCell = tuple[str, Key, str]
"""A cell of the contract: its table, the key of its row, its field."""


#: The field of a cell that stands for its whole row.
ROW = ""


@dataclass
class AnsweredRows:
    """The rows of the contract that returns or decisions spoke of at the last run, as ``memory`` has them (``None``:
    none). Read when they are first asked for, which is seldom; ``was_asked`` says so.
    """

    memory: Path | None
    was_asked: bool = False

    def __contains__(self, row: object) -> bool:
        self.was_asked = True
        return row in self.rows

    @cached_property
    def rows(self) -> frozenset[tuple[str, Key]]:
        """All of them: each its table and its key."""
        return frozenset() if self.memory is None else _load_answered(self.memory)


@dataclass(frozen=True)
class Saves:
    """The staff's changes since the last adoption, and the workbook last accepted: its digest, when saved, by whom.

    ``taken_back`` are changes that say nothing any more, ``passed`` the values that a cell had on the way: an older
    copy says them again. ``waiting`` are the cells that a workbook in place undoes, until somebody decides.
    ``settled`` are the decisions about names (question, choice) that adoptions have written into the workbook, and
    ``settings`` what the file of settings said when it and the sheet last agreed. ``held`` are the rows and cells whose
    removal waits for somebody, ``moved`` the cells of columns sorted alone that wait, with what the workbook says in
    them, ``answered`` the rows that returns or decisions spoke of at the last run (kept in the workspace's memory).
    ``renames`` are, by table, the names that rows had and that cells of the workbook may still show, with the keys of
    now. ``by_hand`` are the files of the register that somebody edited beside the workbook.
    """

    modifications: tuple[Modification, ...] = ()
    sha256: str = ""
    saved: datetime | None = None
    author: str = ""
    taken_back: tuple[Modification, ...] = ()
    passed: Mapping[SavedCell, Key] = field(default_factory=dict)
    waiting: frozenset[SavedCell] = frozenset()
    settled: frozenset[tuple[str, str]] = frozenset()
    settings: FirstSettings = field(default_factory=dict)
    held: frozenset[SavedCell] = frozenset()
    moved: Mapping[SavedCell, object] = field(default_factory=dict)
    renames: Mapping[str, Mapping[object, object]] = field(default_factory=dict)
    by_hand: frozenset[str] = frozenset()
    answered: AnsweredRows = field(default_factory=lambda: AnsweredRows(None))

    @property
    def added(self) -> frozenset[tuple[str, Key]]:
        """The rows (table, key) that staff added."""
        return frozenset((change.table, change.key) for change in self.modifications if change.is_new_row)


def load_saves(folders: Folders) -> Saves:
    """The changes that were written; none where the file is not there, or is not what the program wrote.

    Without it nothing of the contract is lost: only who said what, and the means to tell an older copy.
    """
    changes = read_stored(folders.registre / SAVES_FILE, _saves_of) or Saves()
    return replace(changes, answered=AnsweredRows(folders.memory))


def keep_answered(memory: Path, answered: Iterable[tuple[str, Key]]) -> None:
    """Remember the rows that returns or decisions speak of, in their order: their removal will wait.

    Raises :class:`TabellionError` where the memory cannot be written.
    """
    content = json.dumps(list(answered), ensure_ascii=False, default=plain_json).encode("utf-8", "backslashreplace")
    with suppress(OSError):
        if (memory / ANSWERED).read_bytes() == content:
            return
    write_whole(memory / ANSWERED, content)


def _load_answered(memory: Path) -> frozenset[tuple[str, Key]]:
    def rows(content: Sequence[tuple[str, list[object]]]) -> frozenset[tuple[str, Key]]:
        return frozenset((str(table), tuple(map(value_of, key))) for table, key in content)

    return read_stored(memory / ANSWERED, rows) or frozenset()


def _saves_of(content: Json) -> Saves:
    workbook = content["classeur"]
    return Saves(
        _changes_of(content["saisies"]),
        workbook["sha256"],
        None if workbook["enregistre"] is None else datetime.fromisoformat(workbook["enregistre"]),
        workbook["auteur"],
        _changes_of(content.get("reprises", ())),
        {_cell_of(cell): tuple(map(value_of, values)) for cell, values in content.get("passees", ())},
        frozenset(map(_cell_of, content.get("en_attente", ()))),
        frozenset((question, choice) for question, choice in content.get("noms_regles", ())),
        {str(title): str(value) for title, value in content.get("reglages", {}).items()},
        frozenset(map(_cell_of, content.get("suspendues", ()))),
        {_cell_of(cell): value_of(value) for cell, value in content.get("deplacees", ())},
        {str(table): dict(pairs) for table, pairs in content.get("anciens_noms", {}).items()},
        frozenset(map(str, content.get("registre_a_la_main", ()))),
    )


def saves_json(saves: Saves) -> bytes:
    """The file that :func:`load_saves` reads; the same changes give the same bytes."""
    workbook = {
        "sha256": saves.sha256,
        "enregistre": None if saves.saved is None else saves.saved.isoformat(),
        "auteur": saves.author,
    }
    content: Json = {"version": 1, "classeur": workbook, "saisies": _plain_changes(saves.modifications)}
    more: Json = {
        "reprises": _plain_changes(saves.taken_back),
        "passees": [[_plain_cell(cell), list(map(plain_json, values))] for cell, values in saves.passed.items()],
        "en_attente": sorted(map(_plain_cell, saves.waiting), key=repr),
        "suspendues": sorted(map(_plain_cell, saves.held), key=repr),
        "deplacees": [[_plain_cell(cell), plain_json(value)] for cell, value in saves.moved.items()],
        "noms_regles": sorted(map(list, saves.settled)),
        "reglages": dict(saves.settings),
        "anciens_noms": {table: list(map(list, pairs.items())) for table, pairs in saves.renames.items() if pairs},
        "registre_a_la_main": sorted(saves.by_hand),
    }
    content |= {name: rows for name, rows in more.items() if rows}
    text = json.dumps(content, ensure_ascii=False, indent=1)
    return (text + "\n").encode("utf-8", "backslashreplace")


def _plain_changes(changes: Sequence[Modification]) -> list[list[object]]:
    return [
        [
            *_plain_cell((change.table, change.key, change.champ)), plain_json(change.before), plain_json(change.after),
            [change.place.fichier, change.place.feuille, change.place.cellule, change.place.ligne],
            None if change.saved is None else change.saved.isoformat(), change.author, change.outcome.value,
            change.is_new_row,
        ]
        for change in changes
    ]  # fmt: skip


def _changes_of(rows: Sequence[Sequence[Any]]) -> tuple[Modification, ...]:
    return tuple(
        Modification(
            *_cell_of((table, key, champ)), value_of(before), value_of(after), None, None, Place(*place),
            None if saved is None else datetime.fromisoformat(saved), author, MergeOutcome(outcome), is_new_row,
        )
        for table, key, champ, before, after, place, saved, author, outcome, is_new_row in rows
    )  # fmt: skip


def _plain_cell(cell: SavedCell) -> list[object]:
    table, key, champ = cell
    return [table, [plain_json(part) for part in key], champ]


def _cell_of(content: Sequence[Any]) -> SavedCell:
    table, key, champ = content
    return table, tuple(map(value_of, key)), champ
