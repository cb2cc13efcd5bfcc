"""What an older file of a partner fills and the one in force does not: two colleagues each filled a half. Pure.

Cells that the one in force leaves as they were sent are taken from the older one; those that both filled differently
count from neither until people decide. A file that says all that the older one does, some of it otherwise, is no half.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePosixPath

from tabellion.campaign.merged import CellKey
from tabellion.campaign.model import ReturnedRow
from tabellion.campaign.parsed_return import ParsedReturn
from tabellion.schema.table import Key
from tabellion.wording import fold, plural

#: What is decided of the halves: both, the last one's cells or the older one's where they differ; or the last one only.
JOIN, JOIN_OLDER, KEEP = "joindre", "joindre-ancien", "garder"
_NEVER = datetime.min
#: Rows that a sentence names.
_NAMED = 4
#: How programs call the copy of a file that two people changed at once; the last is the program's own kept one.
_CONFLICT_COPY = re.compile(
    r"conflicted copy|sync-conflict|copie en conflit|sfconflict|\bconflit\b|\bconflict\b|\(joint \d+\)$"
    r"|-(desktop|laptop|macbook|imac)(-[a-z0-9-]+)?$|-(pc|poste|portable|win)-[a-z0-9-]+$"
)
#: How they call a second copy of one name, which may also be a correction.
_SECOND_COPY = re.compile(r"\(\d+\)$|^copie (\(\d+\) )?de |- copie( \(\d+\))?$|^copy of | - copy( \(\d+\))?$")

_JOINED = re.compile(r" \(joint \d+\)$")


@dataclass(frozen=True)
class Candidate:
    """A file that is a form of one partner and one exercice; ``is_kept_copy`` for the accepted return kept before."""

    fichier: str
    parsed: ParsedReturn
    is_kept_copy: bool = False

    @property
    def moment(self) -> datetime:
        """When it was saved; before all others where the file does not say."""
        return self.parsed.saved or _NEVER

    @property
    def is_dated_by_archive(self) -> bool:
        """Whether its moment is that of its archive, told in a time zone that nobody knows."""
        return self.parsed.saved is not None and any(
            finding.code == "enregistrement-sans-date" for finding in self.parsed.findings
        )

    @property
    def saved_words(self) -> str:
        """When it was saved, in words."""
        return f"{self.parsed.saved:%d/%m/%Y à %H:%M:%S}" if self.parsed.saved else "une date inconnue"

    def as_joined(self, rank: int) -> Candidate:
        """The file under the name that it has once the run is over: a copy kept makes room for the one in force."""
        if not self.is_kept_copy:
            return self
        path = PurePosixPath(self.fichier)
        return replace(self, fichier=str(path.with_name(joined_name(_JOINED.sub("", path.stem), rank))))


@dataclass(frozen=True)
class Disputed:
    """A cell that two files of one partner filled differently: its row in each."""

    older: ReturnedRow
    newer: ReturnedRow
    champ: str

    @property
    def cell(self) -> CellKey:
        """The cell of the register's table."""
        return self.older.table, self.older.key, self.champ


@dataclass(frozen=True)
class LeftEmpty:
    """What an older file fills and the one in force leaves empty: ``rows``, each with those cells only.

    Of ``rows``, the ``sure`` ones count unless people decide otherwise: a row that the partner added, and that a file
    made from this one has no more, may have been renamed or taken out. ``disputed`` are the cells filled differently.
    """

    candidate: Candidate
    rows: tuple[ReturnedRow, ...]
    sure: tuple[ReturnedRow, ...] = ()
    disputed: tuple[Disputed, ...] = ()

    @property
    def words(self) -> str:
        """The rows as people know them: their first ones by identifier, and how many."""
        return _words([row.key for row in self.rows])

    @property
    def disputed_words(self) -> str:
        """The rows of the disputed cells."""
        return _words([pair.older.key for pair in self.disputed])

    def taken(self, decision: str | None) -> tuple[ReturnedRow, ...]:
        """The rows of the older file that count."""
        if decision == KEEP:
            return ()
        rows = self.sure if decision is None else self.rows
        if decision == JOIN_OLDER:
            rows += tuple(_only(pair.older, pair.newer, {pair.champ}) for pair in self.disputed)
        return rows

    def waits(self, decision: str | None) -> bool:
        """Whether something of it is still to be decided, and counts from neither file."""
        return decision is None and (len(self.sure) < len(self.rows) or bool(self.disputed))


def joined_name(partner: str, rank: int) -> str:
    """How the copy kept of the older file of this rank is called beside that of the one in force."""
    return f"{partner} (joint {rank}).xlsx"


def left_empty(in_force: Candidate, others: Iterable[Candidate]) -> tuple[LeftEmpty, ...]:
    """What each of the older files, the latest first, fills and ``in_force`` and those before it do not.

    Only files made from the same form are compared. A row that was taken out of the one in force is another question.
    """
    older = list(others)
    if not older:
        return ()
    removed = {(row.table, row.row_id) for row in in_force.parsed.removed}
    newer = {(row.table, row.key): row for row in in_force.parsed.rows}
    claimed: set[CellKey] = set()
    halves: list[LeftEmpty] = []
    for candidate in older:
        rows, disputed, shares = list[ReturnedRow](), list[Disputed](), False
        for row in candidate.parsed.rows:
            same_row, names = newer.get((row.table, row.key)), set[str]()
            for name in row.before:
                value = row.values.get(name)
                if value is None or (row.table, row.key, name) in claimed or (row.table, row.key[0]) in removed:
                    continue
                if same_row is None or (name in same_row.values and name not in same_row.before):
                    names.add(name)
                elif name in same_row.values and same_row.values[name] == value:
                    shares = True
                elif same_row.values.get(name) is not None:
                    disputed.append(Disputed(row, same_row, name))
            if names:
                rows.append(_only(row, same_row, names))
                claimed |= {(row.table, row.key, name) for name in names}
        sure = tuple(row for row in rows if not (row.is_new and shares))
        if sure or _are_rivals(in_force, candidate):
            halves.append(LeftEmpty(candidate, tuple(rows), sure, tuple(disputed)))
        elif rows:
            halves.append(LeftEmpty(candidate, tuple(rows)))
    return tuple(half for half in halves if half.rows or half.disputed)


def joined(parsed: ParsedReturn, left: Sequence[LeftEmpty], decision: str | None) -> ParsedReturn:
    """The return in force with what counts of the older ones, each row in its own file; without what is disputed."""
    taken = [(half.candidate.fichier, row) for half in left for row in half.taken(decision)]
    given_up = {(row.table, row.key, name) for _, row in taken for name in row.before}
    if decision is None:
        given_up |= {cell.cell for half in left for cell in half.disputed}
    if not given_up:
        return parsed
    replaced = {(row.table, row.key) for _, row in taken}
    rows = list[ReturnedRow]()
    for row in parsed.rows:
        names = {name for name in row.values if (row.table, row.key, name) in given_up}
        left_over = {name: value for name, value in row.before.items() if name not in names}
        if not left_over and (row.table, row.key) in replaced:
            continue  # it says nothing itself
        values = {name: value for name, value in row.values.items() if name not in names}
        rows.append(row._replace(values=values, before=left_over) if names else row)
    return replace(parsed, rows=(*rows, *(row._replace(fichier=fichier) for fichier, row in taken)))


def _only(row: ReturnedRow, newer: ReturnedRow | None, names: set[str]) -> ReturnedRow:
    """A row with some of its answers only, and what both files show of it."""
    before = {name: value for name, value in row.before.items() if name in names}
    if newer is None:
        return row._replace(before=before)
    answered = row.values.keys() - names if row.is_new else newer.before
    values = {name: value for name, value in row.values.items() if name in names or name not in answered}
    return row._replace(values=values, before=before)


def _are_rivals(first: Candidate, second: Candidate) -> bool:
    """Whether, by its name, either file is the copy that a program made when two people changed one file."""
    stems = [fold(PurePosixPath(file.fichier).stem) for file in (first, second)]
    if any(map(_CONFLICT_COPY.search, stems)):
        return True
    is_second = any(map(_SECOND_COPY.search, stems))
    return is_second and fold(first.parsed.author) != fold(second.parsed.author)


def _words(keys: Sequence[Key]) -> str:
    names = [" · ".join(map(str, key)) for key in dict.fromkeys(keys)]
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" et {plural(more, 'autre')}" if more > 0 else "")
