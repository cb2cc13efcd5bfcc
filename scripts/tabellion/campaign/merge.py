"""The three-way merge: the form as sent, the partner's return, the master as it is now. Pure.

A change is what differs from the form as sent. Where the master still says what was sent, the change is applied; where
staff and a partner, or two partners, changed one cell differently, the master's value stays and the conflict is said,
until people decide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter

from tabellion.campaign.merged import (
    AdoptedValues,
    CellClaim,
    CellKey,
    ClaimingRow,
    InForce,
    Merged,
    RowId,
    fill_tables,
)
from tabellion.campaign.model import Conflict, MergeOutcome, Modification, Removal, ReturnedRow
from tabellion.findings import Place
from tabellion.schema import Key, Schemas
from tabellion.schema.forms import TableSpec
from tabellion.schema.tables import Table, Tables

MergeRule = Callable[[Sequence[Conflict]], Mapping[CellKey, str]]
"""What was decided of conflicts, by cell: the partner whose value is accepted, empty where the master's is kept."""


def merge(
    tables: Tables,
    row_places: Mapping[str, list[Place]],
    returns: Sequence[InForce],
    schemas: Schemas,
    locate: Callable[[str, int, str], Place] | None = None,
    rule: MergeRule | None = None,
) -> Merged:
    """Merge ``returns`` into the tables of the master; the same input gives the same result.

    ``row_places[table][position]`` is where a row of the master stands, ``locate(table, position, field)`` where each
    of its cells (its row, by default). ``rule`` tells what was decided of conflicts. Nothing given is changed.
    """
    merger = _Merger(tables, row_places, schemas, locate or (lambda table, position, _: row_places[table][position]))
    for source in sorted(returns, key=lambda source: (source.exercice, source.partenaire)):
        merger.claim(source)
    for table, key, row in merger.rows:
        merger.settle(table, key, row)
    if rule is not None and merger.merged.conflicts:
        merger.apply_decisions(rule(merger.merged.conflicts))
    fill_tables(merger.merged, merger.applied, merger.new_rows)
    merger.merged.modifications.sort(key=attrgetter("exercice", "partenaire"))
    return merger.merged


class _FormTable:
    """A table of the master that forms fill, as a merge looks at it.

    ``typed`` are the fields that a partner types on a row it was sent; ``carried`` those of them that a row which the
    register had not yet was sent with, ``answers`` the others. ``shown`` are all fields of the table, each with whether
    the form shows it as it was sent: always, where it is carried (``None``), or never.
    """

    def __init__(self, table: Table, spec: TableSpec) -> None:
        self.columns, self.makes_rows = table.columns, spec.makes_rows
        self.typed, self.carried = spec.typed_fields, frozenset(spec.carried_fields)
        self.answers = [name for name in self.typed if name not in self.carried]
        self.shown = [(name, None if name in self.carried else name not in self.typed) for name in table.schema.names]
        self.positions = table.positions
        self.known_ids = set(table.column(table.schema.primary_key[0]))


class _Merger:
    def __init__(
        self,
        tables: Tables,
        row_places: Mapping[str, list[Place]],
        schemas: Schemas,
        locate: Callable[[str, int, str], Place],
    ) -> None:
        self.schemas, self.master, self.locate = schemas, tables, locate
        self.merged = Merged({**tables}, {table: list(places) for table, places in row_places.items()})
        self.tables = {spec.resource: _FormTable(tables[spec.resource], spec) for spec in schemas.forms}
        self.referred: dict[tuple[str, str], set[object]] = {}
        """The values of the columns that returned rows refer to."""
        self.claims: dict[RowId, list[CellClaim]] = {}
        """All claims on the cells of each row, those of one return together."""
        self.by_cell: dict[RowId, dict[str, list[CellClaim]]] = {}
        """The same by field, of the rows that several returned rows speak of."""
        self.rows: list[tuple[str, Key, ClaimingRow]] = []
        """The returned rows that claim cells, in their order, which is that of what is told of them."""
        self.removed_rows: set[RowId] = set()
        """Rows that the forms, or an adoption, had, and that staff removed since."""
        self.applied: dict[str, list[tuple[int, CellClaim]]] = {}
        """The claims that count on cells of the master, by table, each with the position of its row."""
        self.new_rows: dict[str, dict[Key, list[CellClaim]]] = {}
        """The claims on each row that the master lacks, by table."""
        self.disputed: dict[CellKey, tuple[list[CellClaim], int]] = {}
        """The claims on each cell in conflict, and the number of the first of their modifications."""

    def claim(self, source: InForce) -> None:
        """Take note of everything that one return says otherwise than it was sent, or than was adopted from it."""
        adopted, rows = source.adopted, dict[RowId, list[ReturnedRow]]()
        for row in source.parsed.rows:
            table, row_id, values, before = self.tables[row.table], (row.table, row.key), row.values, row.before
            is_lacking = row.key not in table.positions
            if is_lacking and _was_there(row, adopted, table):
                self.removed_rows.add(row_id)
            earlier = rows.setdefault(row_id, [])  # a row of which an older file fills a part is there twice
            taken = {name for other in earlier for name in _names(other, table) if name in other.values}
            earlier.append(row)
            claiming: ClaimingRow | None = None
            for name in _names(row, table) if adopted else values if row.is_new else before:
                if name not in values or name in taken:
                    continue
                after = values[name]
                base = before.get(name, None if row.is_new else after)
                if is_lacking and name in table.carried and name in before:
                    base = None  # it was another row's
                if adopted:
                    base = adopted.get((*row_id, name), base)
                if base != after:
                    if claiming is None:
                        claiming = self.claiming(source, row, is_lacking=is_lacking)
                        of_row = self.claims.setdefault(row_id, [])
                        self.rows.append((*row_id, claiming))
                    of_row.append(CellClaim(name, claiming, base, after, row.place(source.fichier, name)))
        implied = {"exercice": source.exercice, "partenaire_id": source.partenaire}
        for removed in source.parsed.removed:
            key = (removed.row_id, *(implied.get(name) for name in self.schemas[removed.table].primary_key[1:]))
            table = self.tables[removed.table]
            if key not in table.positions and removed.row_id not in table.known_ids:
                continue  # it was proposed, or is gone: there is nothing to remove
            place = Place(source.fichier, removed.feuille, removed.cellule)
            removal = Removal(removed.table, key, removed.libelle, source.partenaire, source.exercice, place)
            self.merged.removals.append(removal)

    def claiming(self, source: InForce, row: ReturnedRow, *, is_lacking: bool) -> ClaimingRow:
        """What is kept of a returned row; of one of the partner's own, every value is a claim."""
        place, sent = row.place(source.fichier), list[object]()
        if is_lacking and not row.is_new:
            values, before = row.values, row.before
            sent = [
                values.get(name) if is_shown or (is_shown is None and name not in before) else None
                for name, is_shown in self.tables[row.table].shown
            ]
        is_pointless = is_lacking and self.names_nothing(row)
        return ClaimingRow(source, source.file_of(row), place, row.is_new, is_pointless, sent)

    def settle(self, table: str, key: Key, row: ClaimingRow) -> None:
        """Decide of the cells that a returned row claims first: of all at once where no other one speaks of its row."""
        position, columns = self.tables[table].positions.get(key), self.tables[table].columns
        modifications, claims = self.merged.modifications, self.claims[table, key]
        if claims[0].row is not claims[-1].row:
            by_cell = self.by_cell.setdefault((table, key), {})
            for claim in () if by_cell else claims:
                by_cell.setdefault(claim.champ, []).append(claim)
            for of_cell in by_cell.values():
                if of_cell[0].row is row:
                    self.settle_cell(table, key, position, *_latest_of_each(of_cell))
            return
        may_write, written = self.may_write(table, key, position, [row]), list[CellClaim]()
        for claim in claims:
            master = columns[claim.champ][position] if position is not None else None
            if claim.after == master:
                outcome = MergeOutcome.PRESENT
            elif claim.base == master and may_write:
                outcome = MergeOutcome.APPLIED
                written.append(claim)
            else:
                self.settle_cell(table, key, position, [claim], ())
                continue
            modifications.append(_modification(table, key, claim, outcome))
        if written:
            self.write(table, key, position, written)

    def settle_cell(
        self, table: str, key: Key, position: int | None, latest: list[CellClaim], outdone: Sequence[CellClaim]
    ) -> None:
        """Decide of one cell, of which each partner says last what is ``latest``."""
        modifications, first = self.merged.modifications, latest[0]
        master = self.tables[table].columns[first.champ][position] if position is not None else None
        is_one_value = len(latest) == 1 or len({repr(claim.after) for claim in latest}) == 1
        if is_one_value and first.after == master:
            outcome = MergeOutcome.PRESENT
        elif (
            is_one_value
            and any(claim.base == master for claim in latest)
            and self.may_write(table, key, position, [claim.row for claim in latest])
        ):
            outcome = MergeOutcome.APPLIED
            self.write(table, key, position, [first])
        else:
            outcome = MergeOutcome.CONFLICT
            place = self.locate(table, position, first.champ) if position is not None else None
            changes = tuple(_modification(table, key, claim, outcome) for claim in latest)
            self.merged.conflicts.append(Conflict(table, key, first.champ, first.base, master, place, changes))
            self.disputed[table, key, first.champ] = latest, len(modifications)
        modifications += [_modification(table, key, claim, outcome) for claim in latest]
        modifications += [_modification(table, key, claim, MergeOutcome.OUTDONE) for claim in outdone]

    def write(self, table: str, key: Key, position: int | None, claims: Sequence[CellClaim]) -> None:
        """Give cells of a row the values of claims, on a row of its own where the master lacks it."""
        if position is not None:
            self.applied.setdefault(table, []).extend([(position, claim) for claim in claims])
        else:
            self.new_rows.setdefault(table, {}).setdefault(key, []).extend(claims)

    def apply_decisions(self, accepted: Mapping[CellKey, str]) -> None:
        """Settle the conflicts that people decided: by cell, the partner whose value counts, or nobody."""
        merged = self.merged
        for conflict in merged.conflicts:
            table, key, _ = cell = (conflict.table, conflict.key, conflict.champ)
            if cell not in accepted:
                continue
            merged.ruled.append(conflict)
            claims, start = self.disputed[cell]
            for number, claim in enumerate(claims, start):
                is_accepted = claim.row.source.partenaire == accepted[cell]
                outcome = MergeOutcome.APPLIED if is_accepted else MergeOutcome.DECLINED
                merged.modifications[number] = merged.modifications[number]._replace(outcome=outcome)
                if is_accepted:
                    self.write(table, key, self.tables[table].positions.get(key), [claim])
        merged.conflicts = [
            conflict for conflict in merged.conflicts if (conflict.table, conflict.key, conflict.champ) not in accepted
        ]

    def may_write(self, table: str, key: Key, position: int | None, rows: Sequence[ClaimingRow]) -> bool:
        """Whether a row that the master lacks may be created: not one that staff removed, which would come back in
        part, nor one of a line, or that names a row, that the contract has no more."""
        if position is not None:
            return True
        if (table, key) in self.removed_rows or any(row.is_pointless for row in rows):
            return False
        of_table = self.tables[table]
        return of_table.makes_rows or key[0] in of_table.known_ids or all(row.is_new for row in rows)

    def names_nothing(self, row: ReturnedRow) -> bool:
        """Whether a returned row refers to one that the contract has no more."""
        for key in self.schemas[row.table].foreign_keys:
            value = row.values.get(key.field)
            if value is not None and value not in self.values(key.table, key.reference):
                return True
        return False

    def values(self, table: str, name: str) -> set[object]:
        """The values of a column of the master that others refer to."""
        if (table, name) not in self.referred:
            self.referred[table, name] = set(self.master[table].column(name)) if table in self.master else set()
        return self.referred[table, name]


def _names(row: ReturnedRow, table: _FormTable) -> Iterable[str]:
    """The fields of which a returned row says something, be it what it was sent with."""
    return row.values if row.is_new else dict.fromkeys((*table.typed, *row.before))


def _was_there(row: ReturnedRow, adopted: AdoptedValues, table: _FormTable) -> bool:
    """Whether the form was sent with something on this row, or an adoption took something of it over."""
    values, before = row.values, row.before
    if not row.is_new:
        for name in table.answers:
            if (before[name] if name in before else values.get(name)) is not None:
                return True
    return bool(adopted) and any(
        adopted.get((row.table, row.key, name)) is not None for name in (values if row.is_new else table.answers)
    )


def _latest_of_each(claims: Sequence[CellClaim]) -> tuple[list[CellClaim], list[CellClaim]]:
    """What each partner says last, and what it said for an earlier exercice."""
    last: dict[str, CellClaim] = {}
    for claim in claims:
        source = claim.row.source
        before = last.get(source.partenaire)
        if before is None or before.row.source.exercice <= source.exercice:
            last[source.partenaire] = claim
    latest = list(last.values())
    counted = set(map(id, latest))
    return latest, [claim for claim in claims if id(claim) not in counted]


def _modification(table: str, key: Key, claim: CellClaim, outcome: MergeOutcome) -> Modification:
    champ, (source, file, _, is_new, _, _), base, after, place = claim
    return Modification(
        table, key, champ, base, after, source.partenaire, source.exercice, place, file.saved, file.author, outcome,
        is_new,
    )  # fmt: skip
