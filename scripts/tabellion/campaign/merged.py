"""What a merge works on: the returns that count and what they claim; and the tables that it fills. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from tabellion.campaign.model import Conflict, DroppedRow, Modification, Removal, ReturnedRow
from tabellion.campaign.parsed_return import ParsedReturn
from tabellion.findings import Place
from tabellion.schema import Key, Schemas
from tabellion.schema.forms import TableSpec
from tabellion.schema.tables import Column, Table, Tables

CellKey = tuple[str, Key, str]
"""A cell of the contract: its table, the key of its row, its field."""
AdoptedValues = Mapping[CellKey, object]
"""What the contract has already taken over from one partner's return, cell by cell."""
NewRows = Mapping[str, Mapping[Key, Sequence[tuple[str, "CellClaim"]]]]
"""The cells of the rows that the master lacks, by table and key."""


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


class CellClaim(NamedTuple):
    """What one return says of one cell (``after``), and what it, or an adoption, had there before (``base``).

    A named tuple because there are hundreds of thousands.
    """

    source: InForce
    row: ReturnedRow
    base: object
    after: object
    place: Place


@dataclass
class Merged:
    """The tables after the merge; ``row_places`` has the place of each row and ``cells`` of each cell applied.

    A table that no return changes is the master's own, and so is each column. ``ruled`` are the conflicts that were
    decided, ``dropped`` the rows that decisions took out.
    """

    tables: Tables
    row_places: dict[str, list[Place]]
    cells: dict[tuple[str, int, str], Place] = field(default_factory=dict)
    modifications: list[Modification] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    ruled: list[Conflict] = field(default_factory=list)
    removals: list[Removal] = field(default_factory=list)
    dropped: list[DroppedRow] = field(default_factory=list)


def fill_tables(
    merged: Merged, applied: Sequence[tuple[str, int, str, CellClaim]], new_rows: NewRows, schemas: Schemas
) -> None:
    """Write what counts into columns of their own, and add the rows that the master lacks.

    ``applied`` are the claims that count on cells of the master, by table, position and field.
    """
    changed = dict[str, dict[str, Column]]()
    for table, position, name, claim in applied:
        columns = changed.setdefault(table, {})
        if name not in columns:
            columns[name] = list(merged.tables[table].columns[name])
        columns[name][position] = claim.after
    merged.tables |= {table: merged.tables[table].with_columns(columns) for table, columns in changed.items()}
    known = {table: len(merged.tables[table]) for table in new_rows}
    specs = {spec.resource: spec for spec in schemas.forms}
    moved = {table: _add_rows(merged, table, cells, specs[table]) for table, cells in new_rows.items()}
    merged.cells = {
        (table, moved[table][position] if table in moved else position, name): claim.place
        for table, position, name, claim in applied
    }
    for table, of_table in new_rows.items():
        for position, cells in enumerate(of_table.values(), known[table]):
            at = moved[table][position]
            for name, claim in cells:
                merged.cells[table, at, name] = claim.place


def drop_rows(merged: Merged, table: str, positions: Collection[int]) -> None:
    """Take rows out of a merged table, with their places."""
    removed = set(positions)
    kept = [position for position in range(len(merged.tables[table])) if position not in removed]
    moved = {before: after for after, before in enumerate(kept)}
    merged.tables[table] = merged.tables[table].select(kept)
    merged.row_places[table] = [merged.row_places[table][position] for position in kept]
    merged.cells = {
        (name, moved[position] if name == table else position, champ): place
        for (name, position, champ), place in merged.cells.items()
        if name != table or position in moved
    }


def positions_by(columns: Mapping[str, Column], names: Sequence[str]) -> dict[Key, int]:
    """The position of the last row of each group of values."""
    rows = zip(*(columns[name] for name in names), strict=True)
    return {values: position for position, values in enumerate(rows)}


def _add_rows(
    merged: Merged, table: str, new_rows: Mapping[Key, Sequence[tuple[str, CellClaim]]], spec: TableSpec
) -> Sequence[int]:
    """Add rows to a table, each after the last row of its kind; returns where each row of the longer table went."""
    before, row_places = merged.tables[table], merged.row_places[table]
    schema, typed, carried = before.schema, spec.typed_fields, frozenset(spec.carried_fields)
    added: dict[str, Column] = {name: [] for name in schema.names}
    for key, cells in new_rows.items():
        source, row = cells[0][1].source, cells[0][1].row
        values = dict(zip(schema.primary_key, key, strict=True))
        values |= {name: claim.after for name, claim in cells}
        row_places.append(row.place(source.fichier))
        sent = () if row.is_new else row.values  # of a row of the partner's own, every value was settled
        for name, column in added.items():
            if name in values:
                column.append(values[name])
            elif name in sent and (name not in typed or (name in carried and name not in row.before)):
                column.append(row.values[name])
            else:
                column.append(None)
    longer = Table(schema, {name: values + added[name] for name, values in before.columns.items()})
    order = _in_order(longer, len(before))
    merged.tables[table] = longer.select(order)
    merged.row_places[table] = [row_places[position] for position in order]
    moved = [0] * len(order)
    for after, position in enumerate(order):
        moved[position] = after
    return moved


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
