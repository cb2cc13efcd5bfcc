"""What a merge works on: the returns that count and what they claim; and the tables that it fills. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from tabellion.campaign.model import Conflict, DroppedRow, Modification, Removal, ReturnedRow
from tabellion.campaign.parsed_return import ParsedReturn
from tabellion.findings import Place
from tabellion.schema import Key
from tabellion.schema.tables import Column, Table, Tables

RowId = tuple[str, Key]
"""A row of the contract: its table and its key."""
CellKey = tuple[str, Key, str]
"""A cell of the contract: its table, the key of its row, its field."""
AdoptedValues = Mapping[CellKey, object]
"""What the contract has already taken over from one partner's return, cell by cell."""
Applied = Mapping[str, Sequence[tuple[int, "CellClaim"]]]
"""The claims that count on cells of the master, by table, each with the position of its row."""
NewRows = Mapping[str, Mapping[Key, Sequence["CellClaim"]]]
"""The claims on the rows that the master lacks, by table and key."""
#: The places of the values of a row of which no return says one.
NO_PLACES: dict[str, Place] = {}


@dataclass(frozen=True)
class InForce:
    """A return that counts: its file's name, what it says, and what the contract has already taken over from it.

    ``compared`` are the older files of the partner of which it has rows too, or may have.
    """

    fichier: str
    parsed: ParsedReturn
    adopted: AdoptedValues = field(default_factory=dict)
    compared: tuple[tuple[str, ParsedReturn], ...] = ()

    def file_of(self, row: ReturnedRow) -> ParsedReturn:
        """The file that a row was typed in."""
        if not self.compared:
            return self.parsed
        return next((parsed for fichier, parsed in self.compared if fichier == row.fichier), self.parsed)

    @cached_property
    def partenaire(self) -> str:
        """Who answers."""
        return self.parsed.identity.partenaire if self.parsed.identity else ""

    @cached_property
    def exercice(self) -> int:
        """The exercice it answers for."""
        return self.parsed.identity.exercice if self.parsed.identity else 0


class ClaimingRow(NamedTuple):
    """What is kept of a returned row, of ``source``, that claims cells: the ``file`` that it was typed in, its place.

    Of one that the master lacks: whether it names a row that the master lacks too, and the values that it has beside
    its claims, in the order of its table's fields.
    """

    source: InForce
    file: ParsedReturn
    place: Place
    is_new: bool
    is_pointless: bool = False
    sent: Sequence[object] = ()


class CellClaim(NamedTuple):
    """What one return says of one cell of a row (``after``), and what it, or an adoption, had there before (``base``).

    A named tuple because there are hundreds of thousands.
    """

    champ: str
    row: ClaimingRow
    base: object
    after: object
    place: Place


@dataclass
class Merged:
    """The tables after the merge; ``row_places`` has the place of each row, ``cells`` those of its values applied.

    A table that no return changes is the master's own, and so is each column. ``ruled`` are the conflicts that were
    decided, ``dropped`` the rows that decisions took out.
    """

    tables: Tables
    row_places: dict[str, list[Place]]
    cells: dict[str, list[dict[str, Place]]] = field(default_factory=dict)
    modifications: list[Modification] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    ruled: list[Conflict] = field(default_factory=list)
    removals: list[Removal] = field(default_factory=list)
    dropped: list[DroppedRow] = field(default_factory=list)

    def select(self, table: str, positions: Sequence[int]) -> None:
        """Keep the rows of a table at these positions, in this order, with their places."""
        self.tables[table] = self.tables[table].select(positions)
        self.row_places[table] = [self.row_places[table][position] for position in positions]
        if table in self.cells:
            self.cells[table] = [self.cells[table][position] for position in positions]


def fill_tables(merged: Merged, applied: Applied, new_rows: NewRows) -> None:
    """Write what counts into columns of their own, and add the rows that the master lacks, each after the last row of
    its kind.
    """
    for table in dict.fromkeys((*applied, *new_rows)):
        before, added = merged.tables[table], new_rows.get(table, {})
        columns = _longer_columns(before, added) if added else {}
        places = merged.cells[table] = [NO_PLACES] * len(before)
        for position, claim in applied.get(table, ()):
            if claim.champ not in columns:
                columns[claim.champ] = list(before.columns[claim.champ])
            columns[claim.champ][position] = claim.after
            if places[position] is NO_PLACES:
                places[position] = {}
            places[position][claim.champ] = claim.place
        for position, of_row in enumerate(added.values(), len(before)):
            for claim in of_row:
                columns[claim.champ][position] = claim.after
            places.append({claim.champ: claim.place for claim in of_row})
        merged.tables[table] = before.with_columns(columns)
        if added:
            merged.row_places[table] += [of_row[0].row.place for of_row in added.values()]
            merged.select(table, _in_order(merged.tables[table], len(before)))


def drop_rows(merged: Merged, table: str, positions: Collection[int]) -> None:
    """Take rows out of a merged table, with their places."""
    removed = set(positions)
    merged.select(table, [position for position in range(len(merged.tables[table])) if position not in removed])


def positions_by(columns: Mapping[str, Column], names: Sequence[str]) -> dict[Key, int]:
    """The position of the last row of each group of values."""
    rows = zip(*(columns[name] for name in names), strict=True)
    return {values: position for position, values in enumerate(rows)}


def _longer_columns(table: Table, added: Mapping[Key, Sequence[CellClaim]]) -> dict[str, Column]:
    """The columns of a table with the rows that it lacks, these as they were sent."""
    blank = [None] * len(table.columns)
    sent = zip(*(claims[0].row.sent or blank for claims in added.values()), strict=True)
    longer = {name: [*values, *new] for (name, values), new in zip(table.columns.items(), sent, strict=True)}
    keys = zip(table.schema.primary_key, zip(*added, strict=True), strict=True)
    return longer | {name: [*table.columns[name], *new] for name, new in keys}


def _in_order(table: Table, known: int) -> list[int]:
    """The positions of a table's rows, those from ``known`` on behind their kin: the same identifier, else the same
    references, or one.
    """
    schema, columns = table.schema, table.columns
    references = [key.field for key in schema.foreign_keys]
    anchors = [known] * len(table)
    for names in (references[:1], references, [schema.primary_key[0]]):  # the nearest kin comes last, and counts
        last = positions_by({name: columns[name][:known] for name in names}, names)
        new = zip(*(columns[name][known:] for name in names), strict=True)
        for position, values in enumerate(new, known):
            anchors[position] = last.get(values, anchors[position])
    new_rows = sorted(range(known, len(table)), key=anchors.__getitem__)
    order: list[int] = []
    start = 0
    for position in new_rows:
        stop = min(anchors[position] + 1, known)
        order += range(start, stop)
        order.append(position)
        start = max(start, stop)
    return [*order, *range(start, known)]
