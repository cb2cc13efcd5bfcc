"""Rows of the workbook whose key lacks a part that could not be read: which accepted row each is, or could be. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from tabellion.campaign.draft import Draft, key_of
from tabellion.checks.contract import integrity_cells
from tabellion.contract.book import CellPosition
from tabellion.findings import Finding, Place, finding
from tabellion.layout.names import PER_CONVENTION
from tabellion.reading.identifiers import identifier_field
from tabellion.schema import Key
from tabellion.schema.tables import Row
from tabellion.wording import plural

#: Rows that a finding about many names.
_SHOWN = 3


def recover_keys(draft: Draft) -> list[tuple[Finding, CellPosition]]:
    """Give the rows that have their identifier what the accepted row that they are says in the rest of their key.

    Returns what there is to say of the cells that were left empty; those that could not be read have their finding.
    """
    for table, position, name in draft.read.unknown:
        if name in draft.schemas[table].primary_key:
            draft.rows[table][position][name] = None
    rows: dict[tuple[str, int], Row] = {}
    for table, schema in draft.schemas.items():
        if identifier_field(schema) is None or len(schema.primary_key) == 1 or draft.is_same(table):
            continue
        keys = draft.keys(table)
        present = set(keys)
        removed: dict[object, list[Key]] = {}
        for key in draft.known[table] if any(None in key for key in keys) else ():
            if key not in present:
                removed.setdefault(key[0], []).append(key)
        for position, own in enumerate(keys):
            if None in own and own[0] is not None:
                others = [key for key in removed.get(own[0], ()) if _may_be(own, key)]
                same = _most_alike(draft, table, position, others)
                if same is not None:
                    rows[table, position] = draft.known[table][same]
                    removed[own[0]].remove(same)
    return _fill(draft, rows) if rows else []


def _fill(draft: Draft, rows: dict[tuple[str, int], Row]) -> list[tuple[Finding, CellPosition]]:
    absent = {(table, name) for table, _, name in draft.read.missing}
    named = [
        (item, (table, position, name))
        for table, position, name, item in integrity_cells(draft.book())
        if (table, position) in rows and name is not None and draft.rows[table][position][name] is None
        and name in draft.schemas[table].primary_key
        and (table, position, name) not in draft.read.unknown and (table, name) not in absent
    ]  # fmt: skip
    for (table, position), accepted in rows.items():
        row = draft.rows[table][position]
        for name in draft.schemas[table].primary_key:
            row[name] = accepted[name]
    return named


def _may_be(own: Key, other: Key) -> bool:
    """Whether a key of which parts are missing may be another."""
    return all(part is None or part == known for part, known in zip(own, other, strict=True))


def _most_alike(draft: Draft, table: str, position: int, others: Sequence[Key]) -> Key | None:
    """The one of some accepted rows that says most of what a row says; ``None`` where two say as much."""
    row = draft.rows[table][position]

    def alike(key: Key) -> int:
        known = draft.known[table][key]
        return sum(row[name] is not None and row[name] == known[name] for name in known)

    ranked = sorted(((alike(key), at) for at, key in enumerate(others)), reverse=True)
    if not ranked or (len(ranked) > 1 and ranked[0][0] == ranked[1][0]):
        return None
    return others[ranked[0][1]]


def suspend_removals(draft: Draft, table: str, removed: Sequence[Key]) -> list[Key]:
    """Put back the removed rows that one whose key cannot be read could be, and say it; returns the others."""
    schema, parts = draft.schemas[table], table in PER_CONVENTION
    nameless = [
        (position, own) for position, row in enumerate(draft.rows[table]) if None in (own := key_of(schema, row))
    ]
    if not nameless:
        return list(removed)
    patterns = {
        (own, draft.rows[table][position]["convention_id"] if parts and own[0] is None else None)
        for position, own in nameless
    }
    masks = {tuple(part is None for part in own) for own, _ in patterns}
    held = {
        key: None
        for key in removed
        for mask in masks
        for part in (None, draft.known[table][key]["convention_id"] if parts else None)
        if (tuple(None if is_lost else part for is_lost, part in zip(mask, key, strict=True)), part) in patterns
    }
    for key in held:
        draft.restore(table, key)
    if held:
        draft.findings.append(
            _finding(draft, table, list(held), [_key_place(draft, table, key) for key, _ in nameless])
        )
    return [key for key in removed if key not in held]


def _key_place(draft: Draft, table: str, position: int) -> Place:
    row = draft.rows[table][position]
    name = next(part for part in draft.schemas[table].primary_key if row[part] is None)
    return draft.place(table, position, name)


def _finding(draft: Draft, table: str, held: Sequence[Key], places: Sequence[Place]) -> Finding:
    names = ", ".join(f"« {draft.labels.row(table, key)} »" for key in held[:_SHOWN])
    if len(held) > _SHOWN:
        names += f", et {plural(len(held) - _SHOWN, 'autre')}"
    compte = plural(len(held), "ligne supprimée reste", "lignes supprimées restent")
    return finding(
        "suppressions-suspendues", places[0], valeur=names, compte=compte, table=draft.labels.table(table),
        liees=places[1:],
    )  # fmt: skip
