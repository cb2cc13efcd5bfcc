"""The three-way merge: the form as sent, the partner's return, the master as it is now. Pure.

A change is what differs from the form as sent. Where the master still says what was sent, the change is applied; where
staff and a partner, or two partners, changed one cell differently, the master's value stays and the conflict is said,
until people decide.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tabellion.campaign.merged import (
    AdoptedValues,
    CellClaim,
    CellKey,
    ClaimingRow,
    InForce,
    Merged,
    fill_tables,
    positions_by,
)
from tabellion.campaign.model import Conflict, MergeOutcome, Modification, Removal, ReturnedRow
from tabellion.findings import Place
from tabellion.schema import Key, Schemas
from tabellion.schema.tables import Tables

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
    for cell, claim in merger.claims.items():
        merger.settle(cell, merger.several.get(cell) or [claim])
    if rule is not None and merger.merged.conflicts:
        merger.apply_decisions(rule(merger.merged.conflicts))
    fill_tables(merger.merged, merger.applied, merger.new_rows)
    merger.merged.modifications.sort(key=lambda change: (change.exercice, change.partenaire))
    return merger.merged


class _Merger:
    def __init__(
        self,
        tables: Tables,
        row_places: Mapping[str, list[Place]],
        schemas: Schemas,
        locate: Callable[[str, int, str], Place],
    ) -> None:
        self.schemas, self.tables, self.locate = schemas, tables, locate
        self.typed = {spec.resource: spec.typed_fields for spec in schemas.forms}
        """Of each table that forms fill, the fields that a partner types on a row it was sent."""
        self.carried = {spec.resource: frozenset(spec.carried_fields) for spec in schemas.forms}
        """Of these, those that a row which the register had not yet was sent with."""
        self.answers = {
            table: [name for name in typed if name not in self.carried[table]] for table, typed in self.typed.items()
        }
        """Of these, those that it was not."""
        self.made_by_forms = {spec.resource for spec in schemas.forms if spec.makes_rows}
        self.merged = Merged({**tables}, {table: list(places) for table, places in row_places.items()})
        self.positions: dict[str, dict[Key, int]] = {}
        self.known_ids: dict[str, set[object]] = {}
        for table in self.typed:
            names = schemas[table].primary_key
            self.positions[table] = positions_by(tables[table].columns, names)
            self.known_ids[table] = set(tables[table].column(names[0]))
        self.referred: dict[tuple[str, str], set[object]] = {}
        """The values of the columns that returned rows refer to."""
        self.claims: dict[CellKey, CellClaim] = {}
        """The first claim on each cell."""
        self.several: dict[CellKey, list[CellClaim]] = {}
        """All claims on each cell that has more than one."""
        self.removed_rows: set[tuple[str, Key]] = set()
        """Rows that the forms, or an adoption, had, and that staff removed since."""
        self.applied: dict[str, list[tuple[int, CellClaim]]] = {}
        """The claims that count on cells of the master, by table, each with the position of its row."""
        self.new_rows: dict[str, dict[Key, list[CellClaim]]] = {}
        """The claims on each row that the master lacks, by table."""
        self.disputed: dict[CellKey, tuple[list[CellClaim], int]] = {}
        """The claims on each cell in conflict, and the number of the first of their modifications."""

    def claim(self, source: InForce) -> None:
        """Take note of everything that one return says otherwise than it was sent, or than was adopted from it."""
        claimed = set[CellKey]()  # a row of which an older file fills a part is there twice
        for row in source.parsed.rows:
            is_lacking, carried = row.key not in self.positions[row.table], self.carried[row.table]
            if is_lacking and _was_there(row, source.adopted, self.answers[row.table]):
                self.removed_rows.add((row.table, row.key))
            claiming: ClaimingRow | None = None
            names = row.values if row.is_new else dict.fromkeys((*self.typed[row.table], *row.before))
            for name in names:
                if name not in row.values:
                    continue
                cell = (row.table, row.key, name)
                if cell in claimed:
                    continue
                claimed.add(cell)
                after = row.values[name]
                sent = row.before.get(name, None if row.is_new else after)
                if is_lacking and name in carried and name in row.before:
                    sent = None  # it was another row's
                base = source.adopted.get(cell, sent)
                if base != after:
                    claiming = claiming or self.claiming(source, row, is_lacking=is_lacking)
                    claim = CellClaim(cell, claiming, base, after, row.place(source.fichier, name))
                    first = self.claims.setdefault(cell, claim)
                    if first is not claim:
                        self.several.setdefault(cell, [first]).append(claim)
        implied = {"exercice": source.exercice, "partenaire_id": source.partenaire}
        for removed in source.parsed.removed:
            key = (removed.row_id, *(implied.get(name) for name in self.schemas[removed.table].primary_key[1:]))
            if key not in self.positions[removed.table] and removed.row_id not in self.known_ids[removed.table]:
                continue  # it was proposed, or is gone: there is nothing to remove
            place = Place(source.fichier, removed.feuille, removed.cellule)
            removal = Removal(removed.table, key, removed.libelle, source.partenaire, source.exercice, place)
            self.merged.removals.append(removal)

    def claiming(self, source: InForce, row: ReturnedRow, *, is_lacking: bool) -> ClaimingRow:
        """What is kept of a returned row; of one of the partner's own, every value is a claim."""
        known = ClaimingRow(source, source.file_of(row), row.place(source.fichier), row.is_new)
        if not is_lacking:
            return known
        names, typed, carried = self.schemas[row.table].names, self.typed[row.table], self.carried[row.table]
        sent = () if row.is_new else tuple([
            row.values.get(name) if name not in typed or (name in carried and name not in row.before) else None
            for name in names
        ])  # fmt: skip
        return known._replace(is_pointless=self.names_nothing(row), sent=sent)

    def settle(self, cell: CellKey, claims: list[CellClaim]) -> None:
        """Decide of one cell."""
        table, key, name = cell
        position = self.positions[table].get(key)
        master = self.tables[table].columns[name][position] if position is not None else None
        latest, outdone = (claims, ()) if len(claims) == 1 else _latest_of_each(claims)
        first = latest[0]
        is_one_value = len(latest) == 1 or len({repr(claim.after) for claim in latest}) == 1
        if is_one_value and first.after == master:
            outcome = MergeOutcome.PRESENT
        elif (
            is_one_value
            and (first.base == master or any(claim.base == master for claim in latest))
            and self.may_write(table, key, position, latest)
        ):
            outcome = MergeOutcome.APPLIED
            self.write(first)
        else:
            outcome = MergeOutcome.CONFLICT
            place = self.locate(table, position, name) if position is not None else None
            changes = tuple(_modification(claim, outcome) for claim in latest)
            self.merged.conflicts.append(Conflict(table, key, name, first.base, master, place, changes))
            self.disputed[cell] = latest, len(self.merged.modifications)
        self.merged.modifications += [_modification(claim, outcome) for claim in latest]
        self.merged.modifications += [_modification(claim, MergeOutcome.OUTDONE) for claim in outdone]

    def write(self, claim: CellClaim) -> None:
        """Give a cell the value of a claim, on a row of its own where the master lacks it."""
        table, key, _ = claim.cell
        position = self.positions[table].get(key)
        if position is None:
            self.new_rows.setdefault(table, {}).setdefault(key, []).append(claim)
        else:
            self.applied.setdefault(table, []).append((position, claim))

    def apply_decisions(self, accepted: Mapping[CellKey, str]) -> None:
        """Settle the conflicts that people decided: by cell, the partner whose value counts, or nobody."""
        merged = self.merged
        for conflict in merged.conflicts:
            cell = (conflict.table, conflict.key, conflict.champ)
            if cell not in accepted:
                continue
            merged.ruled.append(conflict)
            claims, start = self.disputed[cell]
            for number, claim in enumerate(claims, start):
                is_accepted = claim.row.source.partenaire == accepted[cell]
                outcome = MergeOutcome.APPLIED if is_accepted else MergeOutcome.DECLINED
                merged.modifications[number] = merged.modifications[number]._replace(outcome=outcome)
                if is_accepted:
                    self.write(claim)
        merged.conflicts = [
            conflict for conflict in merged.conflicts if (conflict.table, conflict.key, conflict.champ) not in accepted
        ]

    def may_write(self, table: str, key: Key, position: int | None, claims: Sequence[CellClaim]) -> bool:
        """Whether a row that the master lacks may be created: not one that staff removed, which would come back in
        part, nor one of a line, or that names a row, that the contract has no more."""
        if position is not None:
            return True
        if (table, key) in self.removed_rows or any(claim.row.is_pointless for claim in claims):
            return False
        known = table in self.made_by_forms or key[0] in self.known_ids[table]
        return known or all(claim.row.is_new for claim in claims)

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
            self.referred[table, name] = set(self.tables[table].column(name)) if table in self.tables else set()
        return self.referred[table, name]


def _was_there(row: ReturnedRow, adopted: AdoptedValues, typed: Sequence[str]) -> bool:
    """Whether the form was sent with something on this row, or an adoption took something of it over."""
    sent = () if row.is_new else (row.before.get(name, row.values.get(name)) for name in typed)
    names = row.values if row.is_new else typed
    taken_over = (adopted.get((row.table, row.key, name)) for name in names) if adopted else ()
    return any(value is not None for value in (*sent, *taken_over))


def _latest_of_each(claims: Sequence[CellClaim]) -> tuple[list[CellClaim], list[CellClaim]]:
    """What each partner says last, and what it said for an earlier exercice."""
    last: dict[str, CellClaim] = {}
    for claim in claims:
        source = claim.row.source
        before = last.get(source.partenaire)
        if before is None or before.row.source.exercice <= source.exercice:
            last[source.partenaire] = claim
    latest = list(last.values())
    return latest, [claim for claim in claims if not any(claim is other for other in latest)]


def _modification(claim: CellClaim, outcome: MergeOutcome) -> Modification:
    source, file = claim.row.source, claim.row.file
    return Modification(
        *claim.cell, claim.base, claim.after, source.partenaire, source.exercice, claim.place,
        file.saved, file.author, outcome, claim.row.is_new,
    )  # fmt: skip
