"""The pure comparison: tables and keys in, differences out; what stands where counts for nothing."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence

from tabellion.outputs.diff.model import (
    CellChange,
    FormulaAt,
    FormulaDifference,
    FormulaKey,
    LoneRow,
    MovedRow,
    Piece,
    PieceDifference,
    RowChange,
    Side,
    Table,
    TableDifference,
)
from tabellion.schema import Key

Pairs = list[tuple[int, int]]
"""Positions of one row on both sides."""


def compare_tables(before: Table, after: Table) -> TableDifference:
    """What ``after`` says otherwise than ``before``, in the fields that both have; rows are found again by their keys.

    Of rows with the same key, those that say the same are one row, and the others are taken in the order of what they
    say, never of their places. The comparison the other way round is the inverse of this one.
    """
    fields = tuple(name for name in before.columns if name in after.columns)
    left = _rows(before, fields)
    right = _rows(after, fields)
    pairs, gone, new = _paired(before.keys, after.keys, left, right)
    changed = [
        RowChange(after.keys[there], here, there, tuple(_changes(fields, left[here], right[there])))
        for here, there in pairs
        if left[here] != right[there]
    ]
    return TableDifference(
        after.name,
        fields,
        tuple(LoneRow(after.keys[each], each) for each in new),
        tuple(LoneRow(before.keys[each], each) for each in gone),
        tuple(changed),
        tuple(MovedRow(after.keys[there], here, there) for here, there in _out_of_order(pairs)),
    )


def _rows(table: Table, fields: Sequence[str]) -> list[tuple[object, ...]]:
    if not fields:
        return [()] * len(table.keys)
    return list(zip(*(table.columns[name] for name in fields), strict=True))


def _changes(fields: Sequence[str], before: tuple[object, ...], after: tuple[object, ...]) -> Iterator[CellChange]:
    for name, old, new in zip(fields, before, after, strict=True):
        if old != new:
            yield CellChange(name, old, new)


def _paired(
    before: Sequence[Key], after: Sequence[Key], left: list[tuple[object, ...]], right: list[tuple[object, ...]]
) -> tuple[Pairs, list[int], list[int]]:
    """The rows of both sides, in the order of the second; those only of the first; those only of the second."""
    here: dict[Key, list[int]] = defaultdict(list)
    there: dict[Key, list[int]] = defaultdict(list)
    for position, key in enumerate(before):
        here[key].append(position)
    for position, key in enumerate(after):
        there[key].append(position)
    pairs: Pairs = []
    gone: list[int] = []
    new: list[int] = []
    for key, old in here.items():
        young = there.get(key, [])
        if len(old) > 1 or len(young) > 1:
            same, old, young = _same(old, young, left, right)
            pairs += same
        common = min(len(old), len(young))
        pairs += zip(old[:common], young[:common], strict=True)
        gone += old[common:]
        new += young[common:]
    for key, young in there.items():
        if key not in here:
            new += young
    return sorted(pairs, key=lambda pair: pair[1]), sorted(gone), sorted(new)


def _same(
    old: list[int], young: list[int], left: list[tuple[object, ...]], right: list[tuple[object, ...]]
) -> tuple[Pairs, list[int], list[int]]:
    """Rows of one key that say the same; the others of each side, in the order of what they say."""
    waiting: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for position in reversed(young):
        waiting[right[position]].append(position)
    same: Pairs = []
    rest = []
    for position in old:
        if waiting.get(left[position]):
            same.append((position, waiting[left[position]].pop()))
        else:
            rest.append(position)
    others = [position for positions in waiting.values() for position in positions]
    return same, sorted(rest, key=lambda each: _order(left[each])), sorted(others, key=lambda each: _order(right[each]))


def _order(row: tuple[object, ...]) -> tuple[str, ...]:
    return tuple(f"{type(each).__name__} {each!r}" for each in row)


def _out_of_order(pairs: Pairs) -> Pairs:
    """The fewest rows that have to move for the first side to have the order of the second (``pairs`` are in that)."""
    tails: list[int] = []
    places: list[int] = []
    for here, _ in pairs:
        place = bisect_left(tails, here)
        tails[place : place + 1] = [here]
        places.append(place)
    wanted = len(tails) - 1
    moved: Pairs = []
    for pair, place in zip(reversed(pairs), reversed(places), strict=True):
        if place == wanted:
            wanted -= 1
        else:
            moved.append(pair)
    return moved[::-1]


def compare_formulas(before: Side, after: Side) -> list[FormulaDifference]:
    """The formulas that are otherwise: those listed, what is found in their places, those that people typed.

    A formula of a row or a table that the other side has not is no difference of its own: the row or the table is.
    """
    tables = {each.table for each in before.listed} & {each.table for each in after.listed}
    found = []
    for key in dict.fromkeys([*before.listed, *after.listed]):
        old, new = before.listed.get(key), after.listed.get(key)
        if key.table not in tables or ((old is None or new is None) and key.row != "*"):
            continue
        if (old.text if old else "") != (new.text if new else ""):
            found.append(FormulaDifference(key, old, new))
    for key in dict.fromkeys([*before.found, *after.found]):
        old, new = _stands(before, key), _stands(after, key)
        if old is not None and new is not None and old.text != new.text:
            found.append(FormulaDifference(key, old, new))
    for cell in dict.fromkeys([*before.typed, *after.typed]):
        table, row, name = cell
        if not all(table in side.tables and row in side.rows(table) for side in (before, after)):
            continue
        old, new = before.typed.get(cell), after.typed.get(cell)
        if (old.text if old else "") != (new.text if new else ""):
            found.append(FormulaDifference(FormulaKey(table, " · ".join(map(str, row)), name), old, new))
    return found


def _stands(side: Side, key: FormulaKey) -> FormulaAt | None:
    every = FormulaKey(key.table, "*", key.column)
    return side.found.get(key) or side.listed.get(key) or side.listed.get(every)


def compare_pieces(before: Sequence[Piece], after: Sequence[Piece]) -> list[PieceDifference]:
    """The sheets, tables and columns that one side lacks or calls otherwise; what a lone one holds goes with it."""
    old, new = {each.identity: each for each in before}, {each.identity: each for each in after}
    lone = {each for each in (*old, *new) if (each in old) != (each in new)}
    found = []
    for key in dict.fromkeys([*old, *new]):
        here, there = old.get(key), new.get(key)
        piece = here or there
        is_said = piece is not None and piece.parent not in lone
        is_renamed = here is not None and there is not None and here.name != there.name
        if is_renamed or (key in lone and is_said):
            found.append(PieceDifference(here, there))
    return found


def sums(table: Table | None, fields: Sequence[str]) -> dict[str, int]:
    """The cents that each amount of a table adds up to; what cannot be read counts for nothing."""
    if table is None:
        return dict.fromkeys(fields, 0)
    return {name: sum(value for value in table.columns.get(name, ()) if isinstance(value, int)) for name in fields}
