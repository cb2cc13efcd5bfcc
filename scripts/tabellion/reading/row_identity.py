"""Who each row of a table is, where its identifier was cleared, swapped, copied or retyped: from what the row says.

The rows of the last accepted state (the *base*) are recognised by what describes them. What describes a row comes from
its schema: its label, or else all that it must say and all that it refers to. An identifier is only put right where the
rest of the row leaves no doubt; a row that nothing recognises gets an identifier that no other row has, or had.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any

from tabellion.reading.descriptions import DescribedRows
from tabellion.reading.identifiers import MAKERS, NewIdentifiers, identifier_field
from tabellion.schema import TableSchema
from tabellion.schema.table import Key
from tabellion.schema.tables import Column, Row, Table
from tabellion.wording import fold

#: Of rows that are described alike, how many are compared cell by cell; of more, those of the same content, then in
#: their order.
_COMPARED = 20


class Reason(Enum):
    """Why a row has not the identifier that its cell shows."""

    BLANK = "la cellule est vide"
    RETYPED = "« {} » en est une autre écriture"
    OTHER_ROW = "« {} » est une autre ligne"
    COPIED = "« {} » est sur une autre ligne aussi"
    UNREADABLE = "ce qui est dans la cellule ne se lit pas"
    UNKNOWN = "aucune ligne ne s'est jamais appelée « {} »"


@dataclass(frozen=True)
class Correction:
    """What became of the identifier of the row at ``position``: ``as_read`` in its cell, ``value`` from now on.

    ``recognised`` says that the row is one of the base, whose identifier it has again; the others have a new one, or
    none (``value`` is ``None``) where people type them.
    """

    position: int
    as_read: object
    value: Any
    reason: Reason
    recognised: bool


@dataclass
class RowIdentity:
    """What was found out about the rows of one table."""

    corrections: list[Correction] = field(default_factory=list)
    renumbered: dict[object, object] = field(default_factory=dict)
    """Of the tables whose keys people type: the old key of each row of the base that has another now."""


def identify_rows(
    schema: TableSchema,
    columns: dict[str, Column],
    unread: set[int],
    base: Table | None,
    renumbered: Mapping[str, Mapping[object, object]],
) -> RowIdentity:
    """Put the identifiers of ``columns`` right, in place, and tell what changed.

    ``unread`` are the positions whose identifier could not be read. ``renumbered`` are, by table, the keys of the base
    that rows before have left for others. Nothing is said of a plain new row, which has no identifier yet.
    """
    if identifier_field(schema) is None:
        return RowIdentity()
    return _Identification(schema, columns, unread, base, renumbered).run()


class _Identification:
    """One table's rows, step by step."""

    def __init__(
        self,
        schema: TableSchema,
        columns: dict[str, Column],
        unread: set[int],
        base: Table | None,
        renumbered: Mapping[str, Mapping[object, object]],
    ) -> None:
        self.schema, self.unread = schema, unread
        self.rows = DescribedRows(schema, columns, {})
        empty: dict[str, Column] = {name: [] for name in schema.names}
        self.base = DescribedRows(schema, base.columns if base is not None else empty, renumbered)
        self.ids = columns[self.rows.key]
        self.as_read = list(self.ids)
        self.made = schema.name in MAKERS
        self.reasons: dict[int, Reason] = {}
        self.recognised: set[int] = set()
        self.base_keys = {self.base.full_key(position): position for position in range(len(self.base))}
        self.base_ids = {key[0] for key in self.base_keys}
        self.result = RowIdentity()

    @cached_property
    def alike(self) -> Mapping[Key, list[int]]:
        """The rows of the base by what describes them; most workbooks need none of it."""
        alike: dict[Key, list[int]] = defaultdict(list)
        for position in range(len(self.base)):
            if (described := self.base.description(position)) is not None:
                alike[described].append(position)
        return alike

    def is_described_as(self, position: int, other: int) -> bool:
        """Whether a row says of itself what a row of the base says."""
        own, known = self.rows.columns, self.base.columns
        if not self.base.moved_any and all(own[name][position] == known[name][other] for name in self.rows.described):
            return True
        return self.rows.description(position) == self.base.description(other)

    def run(self) -> RowIdentity:
        self.read_spellings()
        if self.made:
            self.find_swapped()
            self.leave_foreign_lines()
        self.part_repeated()
        self.follow_renumbered()
        self.recognise_nameless()
        if self.made:
            self.recognise_made()
        self.name_new_rows()
        self.result.corrections = [
            Correction(position, self.as_read[position], self.ids[position], reason, position in self.recognised)
            for position, reason in sorted(self.reasons.items())
            if self.ids[position] != self.as_read[position] or self.ids[position] is None
        ]
        return self.result

    def score(self, position: int, other: int) -> int:
        """How many cells, that say something, say the same in a row and in a row of the base."""
        pairs = ((self.rows.says(position, name), self.base.says(other, name)) for name in self.rows.contents)
        return sum(own is not None and own == known for own, known in pairs)

    def take(self, position: int, base_position: int, reason: Reason) -> None:
        self.ids[position] = self.base.columns[self.base.key][base_position]
        self.reasons[position] = reason
        self.recognised.add(position)

    def leave(self, position: int, reason: Reason) -> None:
        self.ids[position] = None
        self.reasons[position] = reason
        self.recognised.discard(position)

    def read_spellings(self) -> None:
        """Identifiers typed with other capitals, accents or spaces; those that cannot be one are left."""
        known: dict[str, set[object]] = defaultdict(set)
        for identifier in self.base_ids:
            known[_compact(identifier)].add(identifier)
        shape = self.schema.by_name[self.rows.key].anchored_pattern
        for position, value in enumerate(self.ids):
            if position in self.unread:
                self.leave(position, Reason.UNREADABLE)
            elif value is None or value in self.base_ids:
                continue
            elif len(alike := known.get(_compact(value), set())) == 1:
                self.ids[position] = next(iter(alike))
                self.reasons[position] = Reason.RETYPED
                self.recognised.add(position)
            elif self.made and shape is not None and not re.match(shape, str(value)):
                self.leave(position, Reason.UNKNOWN)

    def find_swapped(self) -> None:
        """Rows that have the identifier of another, and are for all the rest a row that no row of the table is."""
        owners = [self.base_keys.get(self.rows.full_key(position)) for position in range(len(self.ids))]
        strange = [
            (position, own)
            for position, own in enumerate(owners)
            if own is not None and not self.is_described_as(position, own)
        ]
        elsewhere = {position for position, _ in strange}
        at_home = {own for position, own in enumerate(owners) if own is not None and position not in elsewhere}
        for position, own in strange:
            described = self.rows.description(position)
            if described is None:
                continue
            candidates = [other for other in self.alike.get(described, ()) if other not in at_home][:_COMPARED]
            scores = sorted(((self.score(position, other), -other) for other in candidates), reverse=True)
            if scores and scores[0][0] > self.score(position, own):
                self.take(position, -scores[0][1], Reason.OTHER_ROW)

    def leave_foreign_lines(self) -> None:
        """A row of another year copied from a line that refers to something else is not that line."""
        fixed = [name for name in self.schema.foreign if name not in self.schema.primary_key]
        if not self.rows.others or not fixed:
            return
        known: dict[object, set[Key]] = defaultdict(set)
        for position in range(len(self.base)):
            known[self.base.columns[self.base.key][position]].add(self.base.says_all(position, fixed))
        for position, value in enumerate(self.ids):
            if value not in known or self.rows.full_key(position) in self.base_keys:
                continue
            refers = self.rows.says_all(position, fixed)
            if None not in refers and refers not in known[value]:
                self.leave(position, Reason.COPIED)

    def part_repeated(self) -> None:
        """Of rows with the same key, the one that says what the base says keeps it; without base, the first."""
        holders: dict[Key, list[int]] = defaultdict(list)
        for position, value in enumerate(self.ids):
            if value is not None:
                holders[self.rows.full_key(position)].append(position)
        for key, positions in holders.items():
            if len(positions) == 1:
                continue
            known = self.base_keys.get(key)
            keeper = positions[0]
            if known is not None:
                keeper = max(positions, key=lambda position: (self.score(position, known), -position))
            for position in positions:
                if position != keeper:
                    self.leave(position, Reason.COPIED)

    def unclaimed(self) -> dict[Key, list[int]]:
        """The rows of the base whose key no row has, by what describes them."""
        present = {self.rows.full_key(position) for position in range(len(self.ids))}
        free = {
            described: [other for other in others if self.base.full_key(other) not in present]
            for described, others in self.alike.items()
        }
        return {described: others for described, others in free.items() if others}

    def follow_renumbered(self) -> None:
        """Rows under a key that the base does not know, and that are one of its rows for all the rest."""
        known = {None, *self.base_ids}
        strange = [(position, value) for position, value in enumerate(self.ids) if value not in known]
        free = self.unclaimed() if strange else {}
        for position, value in strange:
            others = free.get(self.rows.description(position) or (), [])
            if len(others) != 1:
                continue
            (other,) = others
            if self.made:
                self.take(position, other, Reason.UNKNOWN)
            else:
                self.result.renumbered[self.base.columns[self.base.key][other]] = value
            others.clear()

    def recognise_nameless(self) -> None:
        """Rows without identifier that say what a row of the base says, whose own identifier stands nowhere."""
        if None not in self.ids:
            return
        renumbered = self.result.renumbered
        free = {
            described: [position for position in others if self.base.columns[self.base.key][position] not in renumbered]
            for described, others in self.unclaimed().items()
        }
        groups: dict[Key, list[int]] = defaultdict(list)
        for position, value in enumerate(self.ids):
            described = self.rows.description(position) if value is None else None
            if described is not None and free.get(described):
                groups[described].append(position)
        for described, positions in groups.items():
            for position, other in self.pairs(positions, free[described]):
                self.take(position, other, self.reasons.get(position, Reason.BLANK))

    def recognise_made(self) -> None:
        """Rows that refer to a name that a decision gives a meaning: the base refers by its key, the workbook by what
        was typed, and of that their identifier was made.
        """
        own = [name for name in self.rows.described if name not in self.schema.foreign]
        makers = dict[Key, NewIdentifiers]()
        for position in [position for position, value in enumerate(self.ids) if value is None]:
            others = self.rows.full_key(position)[1:]
            if others not in makers:
                taken = [key[0] for key in map(self.rows.full_key, range(len(self.ids))) if key[1:] == others]
                makers[others] = NewIdentifiers(self.schema.name, taken)
            known = self.base_keys.get((makers[others].give(self.row(position)), *others))
            if known is not None and all(self.rows.says(position, name) == self.base.says(known, name) for name in own):
                self.take(position, known, self.reasons.get(position, Reason.BLANK))

    def pairs(self, positions: list[int], others: list[int]) -> Iterator[tuple[int, int]]:
        """Rows and rows of the base that are described alike, put together: the same content first."""
        same: dict[Key, deque[int]] = defaultdict(deque)
        for other in others:
            same[self.base.says_all(other, self.base.contents)].append(other)
        unmatched, used = [], set[int]()
        for position in positions:
            if waiting := same.get(self.rows.says_all(position, self.rows.contents)):
                used.add(waiting[0])
                yield position, waiting.popleft()
            else:
                unmatched.append(position)
        left = [other for other in others if other not in used]
        if max(len(unmatched), len(left)) > _COMPARED:
            yield from zip(unmatched, left, strict=False)
            return
        ranked = sorted((-self.score(position, other), position, other) for position in unmatched for other in left)
        done = set[int]()
        for _, position, other in ranked:
            if position not in done and other not in used:
                done.add(position)
                used.add(other)
                yield position, other

    def name_new_rows(self) -> None:
        """An identifier for each row that nothing recognised: its line's, in another year; or else a new one."""
        nameless = [position for position, value in enumerate(self.ids) if value is None]
        if not nameless:
            return
        if not self.made:
            self.reasons.update({position: Reason.BLANK for position in nameless if position not in self.reasons})
            return
        lines = self.lines()
        present = {self.rows.full_key(position) for position in range(len(self.ids))} | set(self.base_keys)
        new = NewIdentifiers(self.schema.name, [*self.base_ids, *(value for value in self.ids if value is not None)])
        for position in nameless:
            known = lines.get(self.line_of(self.rows, position), set())
            line = next(iter(known)) if len(known) == 1 else None
            key = (line, *self.rows.full_key(position)[1:])
            self.ids[position] = new.give(self.row(position)) if line is None or key in present else line
            present.add(self.rows.full_key(position))

    def lines(self) -> dict[Key, set[object]]:
        """The identifiers of the lines that say the same whatever the year, where rows of several years share one."""
        known: dict[Key, set[object]] = defaultdict(set)
        if self.rows.others:
            for rows in (self.base, self.rows):
                for position in range(len(rows)):
                    if (value := rows.columns[rows.key][position]) is not None:
                        known[self.line_of(rows, position)].add(value)
            known.pop((), None)
        return known

    def line_of(self, rows: DescribedRows, position: int) -> Key:
        described = rows.description(position)
        if described is None:
            return ()
        parts = zip(rows.described, described, strict=True)
        return tuple(part for name, part in parts if name not in rows.others)

    def row(self, position: int) -> Row:
        return {name: values[position] for name, values in self.rows.columns.items()}


def _compact(value: object) -> str:
    return fold(str(value)).replace(" ", "")
