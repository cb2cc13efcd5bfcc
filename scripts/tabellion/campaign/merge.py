"""The three-way merge: the form as sent, the partner's return, the master as it is now. Pure.

A change is what differs from the form as sent. Where the master still says what was sent, the change is applied; where
staff and a partner, or two partners, changed one cell differently, the master's value stays and the conflict is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tabellion.campaign.model import Claim, Conflict, MergeOutcome, Modification, Removal, ReturnedRow
from tabellion.campaign.parsed_return import Reading
from tabellion.findings import Place
from tabellion.layout.forms import FORM_TABLES, MADE_BY_FORMS, Role
from tabellion.schema import Key, Schemas, TableSchema

#: Of each table that forms fill, the fields that a partner types on a row it was sent.
TYPED: Mapping[str, tuple[str, ...]] = {
    spec.resource: tuple(each.field for each in spec.columns if each.role is Role.TYPED and each.field is not None)
    for spec in FORM_TABLES
}
Rows = dict[str, list[dict[str, Any]]]
Cell = tuple[str, Key, str]
Adopted = Mapping[Cell, Any]
"""What the contract has already taken over from one partner's return, cell by cell."""


@dataclass(frozen=True)
class InForce:
    """A return that counts: its file's name, what it says, and what the contract has already taken over from it."""

    fichier: str
    reading: Reading
    adopted: Adopted = field(default_factory=dict)

    @property
    def partenaire(self) -> str:
        """Who answers."""
        return self.reading.identity.partenaire if self.reading.identity else ""

    @property
    def exercice(self) -> int:
        """The exercice it answers for."""
        return self.reading.identity.exercice if self.reading.identity else 0


@dataclass(frozen=True, slots=True)
class _Claimed:
    """What one return says of one cell."""

    source: InForce
    row: ReturnedRow
    base: Any
    after: Any

    def place(self, champ: str) -> Place:
        return self.row.place(self.source.fichier, champ)


@dataclass
class Merged:
    """The tables after the merge, as rows; ``origins`` has the place of each row and ``cells`` of each cell applied."""

    rows: Rows
    origins: dict[str, list[Place]]
    cells: dict[tuple[str, int, str], Place] = field(default_factory=dict)
    modifications: list[Modification] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    removals: list[Removal] = field(default_factory=list)


def merge(
    rows: Rows,
    origins: Mapping[str, list[Place]],
    returns: Sequence[InForce],
    schemas: Schemas,
    locate: Callable[[str, int, str], Place] | None = None,
) -> Merged:
    """Merge ``returns`` into the rows of the master (every table's, in order); the same input gives the same result.

    ``origins[table][position]`` is where each row of the master stands, ``locate(table, position, field)`` where each
    of its cells (its row, by default). Nothing given is changed.
    """
    merger = _Merger(rows, origins, schemas, locate or (lambda table, position, _: origins[table][position]))
    for each in sorted(returns, key=lambda each: (each.exercice, each.partenaire)):
        merger.claim(each)
    return merger.merged()


class _Merger:
    def __init__(
        self,
        rows: Rows,
        origins: Mapping[str, list[Place]],
        schemas: Schemas,
        locate: Callable[[str, int, str], Place],
    ) -> None:
        self.schemas, self.locate = schemas, locate
        self.rows: Rows = {
            table: [dict(row) for row in found] if table in TYPED else found for table, found in rows.items()
        }
        self.origins = {table: list(places) for table, places in origins.items()}
        known = [table for table in TYPED if table in schemas]
        self.positions = {
            table: {_key(schemas[table], row): position for position, row in enumerate(self.rows[table])}
            for table in known
        }
        first = {table: schemas[table].primary_key[0] for table in known}
        self.known_ids = {table: {row[first[table]] for row in self.rows[table]} for table in known}
        self.claims: dict[Cell, list[_Claimed]] = {}
        self.removals: list[Removal] = []
        self.gone: set[tuple[str, Key]] = set()
        """Rows that the forms, or an adoption, had, and that staff removed since."""

    def claim(self, source: InForce) -> None:
        """Take note of everything that one return says otherwise than it was sent, or than was adopted from it."""
        for row in source.reading.rows:
            if row.key not in self.positions[row.table] and _was_there(row, source.adopted):
                self.gone.add((row.table, row.key))
            names = row.values if row.is_new else dict.fromkeys((*TYPED[row.table], *row.before))
            for name in names:
                if name not in row.values:
                    continue
                cell = (row.table, row.key, name)
                after = row.values[name]
                base = source.adopted.get(cell, row.before.get(name, None if row.is_new else after))
                if base != after:
                    self.claims.setdefault(cell, []).append(_Claimed(source, row, base, after))
        for gone in source.reading.removed:
            key = self.removed_key(gone.table, gone.row_id, source)
            place = Place(source.fichier, gone.feuille, gone.cellule)
            self.removals.append(Removal(gone.table, key, gone.libelle, source.partenaire, source.exercice, place))

    def removed_key(self, table: str, row_id: str, source: InForce) -> Key:
        values: dict[str, Any] = {"exercice": source.exercice, "partenaire_id": source.partenaire}
        first, *rest = self.schemas[table].primary_key
        return (row_id, *(values.get(name) for name in rest)) if first else (row_id,)

    def merged(self) -> Merged:
        found = Merged(self.rows, self.origins, removals=self.removals)
        created: list[tuple[Cell, _Claimed]] = []
        for cell, claims in self.claims.items():
            self.settle(cell, claims, found, created)
        self.create(created, found)
        found.modifications.sort(key=lambda each: (each.exercice, each.partenaire))
        return found

    def settle(self, cell: Cell, claims: list[_Claimed], found: Merged, created: list[tuple[Cell, _Claimed]]) -> None:
        """Decide of one cell."""
        table, key, name = cell
        position = self.positions[table].get(key)
        master = self.rows[table][position][name] if position is not None else None
        heard, outdone = _latest_of_each(claims)
        said = {repr(each.after) for each in heard}
        if len(said) == 1 and heard[0].after == master:
            outcome = MergeOutcome.PRESENT
        elif (
            len(said) == 1
            and self.may_write(table, key, position, heard)
            and any(each.base == master for each in heard)
        ):
            outcome = MergeOutcome.APPLIED
            if position is None:
                created.append((cell, heard[0]))
            else:
                self.rows[table][position][name] = heard[0].after
                found.cells[table, position, name] = heard[0].place(name)
        else:
            outcome = MergeOutcome.CONFLICT
            place = self.locate(table, position, name) if position is not None else None
            said_by = tuple(
                Claim(
                    each.source.partenaire,
                    each.source.exercice,
                    each.after,
                    each.place(name),
                    each.source.reading.saved,
                )
                for each in heard
            )
            found.conflicts.append(Conflict(table, key, name, heard[0].base, master, place, said_by))
        found.modifications += [_modification(cell, each, outcome) for each in heard]
        found.modifications += [_modification(cell, each, MergeOutcome.OUTDONE) for each in outdone]

    def may_write(self, table: str, key: Key, position: int | None, heard: Sequence[_Claimed]) -> bool:
        """Whether a row that the master lacks may be created: not one that staff removed, which would come back in
        part, nor one of a line that the contract has no more."""
        if position is not None:
            return True
        if (table, key) in self.gone:
            return False
        return table in MADE_BY_FORMS or key[0] in self.known_ids[table] or all(each.row.is_new for each in heard)

    def create(self, created: Iterable[tuple[Cell, _Claimed]], found: Merged) -> None:
        """Add the rows that the master lacks, then put each after the last row of its kind."""
        by_row: dict[tuple[str, Key], list[tuple[str, _Claimed]]] = {}
        for (table, key, name), claim in created:
            by_row.setdefault((table, key), []).append((name, claim))
        for (table, key), cells in by_row.items():
            schema, row = self.schemas[table], cells[0][1].row
            values = dict.fromkeys(schema.names)
            if not row.is_new:  # of a row of the partner's own, every value is a claim that was settled
                values |= {name: value for name, value in row.values.items() if name not in TYPED[table]}
            values |= dict(zip(schema.primary_key, key, strict=True))
            values |= {name: claim.after for name, claim in cells}
            position = len(self.rows[table])
            self.rows[table].append(values)
            self.origins[table].append(row.place(cells[0][1].source.fichier))
            found.cells |= {(table, position, name): claim.place(name) for name, claim in cells}
        for table in {table for table, _ in by_row}:
            self.put_in_order(table, len(self.positions[table]), found)

    def put_in_order(self, table: str, known: int, found: Merged) -> None:
        """Move the rows from ``known`` on behind their kin: the same identifier, else the same references, or one."""
        rows, schema = self.rows[table], self.schemas[table]
        references = [key.field for key in schema.foreign_keys]
        last = [
            (names, {_values(row, names): place for place, row in enumerate(rows[:known])})
            for names in ([schema.primary_key[0]], references, references[:1])
        ]

        def anchor(row: Mapping[str, Any]) -> int:
            kin = (places.get(_values(row, names)) for names, places in last)
            return next((place for place in kin if place is not None), known)

        order = sorted(range(len(rows)), key=lambda place: (place if place < known else anchor(rows[place]), place))
        moved = {before: after for after, before in enumerate(order)}
        self.rows[table] = [rows[place] for place in order]
        self.origins[table] = [self.origins[table][place] for place in order]
        found.rows[table], found.origins[table] = self.rows[table], self.origins[table]
        found.cells = {
            (each, moved[position] if each == table else position, name): place
            for (each, position, name), place in found.cells.items()
        }


def _was_there(row: ReturnedRow, adopted: Adopted) -> bool:
    """Whether the form was sent with something on this row, or an adoption took something of it over."""
    sent = () if row.is_new else ({**row.values, **row.before}.get(name) for name in TYPED[row.table])
    names = row.values if row.is_new else TYPED[row.table]
    taken = (adopted.get((row.table, row.key, name)) for name in names) if adopted else ()
    return any(value is not None for value in (*sent, *taken))


def _latest_of_each(claims: Sequence[_Claimed]) -> tuple[list[_Claimed], list[_Claimed]]:
    """What each partner says last, and what it said for an earlier exercice."""
    if len(claims) == 1:
        return [*claims], []
    last: dict[str, _Claimed] = {}
    for each in claims:
        before = last.get(each.source.partenaire)
        if before is None or before.source.exercice <= each.source.exercice:
            last[each.source.partenaire] = each
    heard = list(last.values())
    return heard, [each for each in claims if not any(each is other for other in heard)]


def _modification(cell: Cell, claim: _Claimed, outcome: MergeOutcome) -> Modification:
    table, key, name = cell
    saved: datetime | None = claim.source.reading.saved
    return Modification(
        table, key, name, claim.base, claim.after, claim.source.partenaire, claim.source.exercice,
        claim.place(name), saved, claim.source.reading.author, outcome, claim.row.is_new,
    )  # fmt: skip


def _key(schema: TableSchema, row: Mapping[str, Any]) -> Key:
    return _values(row, schema.primary_key)


def _values(row: Mapping[str, Any], names: Iterable[str]) -> tuple[Any, ...]:
    return tuple([row[name] for name in names])
