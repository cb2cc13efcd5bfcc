"""Two workbooks compared by meaning: two sides in, differences out; what stands where counts for nothing. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.outputs.diff.model import (
    CellDifference,
    ComparedTable,
    Comparison,
    FormulaAt,
    FormulaDifference,
    FormulaKey,
    Piece,
    PieceDifference,
    RowDifference,
    Side,
    SideKind,
    TableDifference,
)
from tabellion.schema import SETTING_TABLES, Key, Schemas

#: The kinds that hold the tables of the register, and that a register's folder can be compared with.
_WHOLE = {SideKind.MASTER, SideKind.CONSOLIDATION, SideKind.REGISTER}
_EXERCICE = "exercice"

Pairs = list[tuple[int, int]]
"""Positions of one row on both sides."""
RowValues = tuple[object, ...]


def compare(before: Side, after: Side, schemas: Schemas) -> Comparison:
    """All that ``after`` says otherwise than ``before``.

    Raises :class:`TabellionError` when they are of two kinds or of two partners. Forms of two exercices are compared
    line by line, by the identifiers that both have, and that is said.
    """
    _refuse(before, after)
    notices = [notice.in_file(side.name) for side in (before, after) for notice in [*side.notices, *_as_found(side)]]
    if before.exercice != after.exercice:
        before, after = _without_year(before, schemas), _without_year(after, schemas)
        place = Place(after.name)
        notices.append(finding("exercices-differents", place, valeur=before.exercice, attendu=after.exercice))
    names = [name for name in schemas if name in before.tables or name in after.tables]
    # a workbook or a consolidation without the settings says nothing of them
    silent = {name for name in SETTING_TABLES for side in (before, after) if not _has_rows(side, name)}
    names = [name for name in names if name not in silent]
    tables = [compare_tables(_table(before, after, name), _table(after, before, name)) for name in names]
    is_register = SideKind.REGISTER in (before.kind, after.kind)
    return Comparison(
        before,
        after,
        tuple(tables),
        () if is_register else tuple(compare_formulas(before, after)),
        () if is_register else tuple(compare_pieces(before.pieces, after.pieces)),
        tuple(notices),
    )


def _has_rows(side: Side, name: str) -> bool:
    return name in side.tables and bool(side.tables[name].keys)


def _refuse(before: Side, after: Side) -> None:
    kinds, partners = {before.kind, after.kind}, before.labels.get("partenaires", {})
    if len(kinds) > 1 and not (SideKind.REGISTER in kinds and kinds <= _WHOLE):
        code, words = "genres-differents", [before.kind.value, after.kind.value]
    elif before.partner != after.partner:
        code, words = "partenaires-differents", [partners.get(side.partner, side.partner) for side in (before, after)]
    else:
        return
    place = Place(after.name)
    mistake = finding(code, place, valeur=before.name, attendu=after.name, genre=words[0], autre=words[1])
    raise TabellionError([mistake])


def _as_found(side: Side) -> list[Finding]:
    if not side.unread:
        return []
    count = len(side.unread)
    words = "Une cellule ne contient" if count == 1 else f"{count} cellules ne contiennent"
    return [finding("comparaison-telle-quelle", side.unread[0], compte=words, liees=side.unread[1:])]


def _without_year(side: Side, schemas: Schemas) -> Side:
    """A form whose rows are known by their identifiers alone, and without what it shows of the years before."""
    tables = {}
    for name, table in side.tables.items():
        schema = schemas[name]
        places = [place for place, field in enumerate(schema.primary_key) if field != _EXERCICE]
        keys = [tuple(key[place] for place in places) for key in table.keys]
        fields = [field for field in table.columns if field in schema.by_name and field != _EXERCICE]
        tables[name] = ComparedTable(name, keys, {field: table.columns[field] for field in fields})
    return replace(side, tables=tables, typed={})


def _table(side: Side, other: Side, name: str) -> ComparedTable:
    """The table of a side; an empty one, of the same columns, where it has none."""
    return side.tables.get(name) or ComparedTable(name, [], dict.fromkeys(other.tables[name].columns, ()))


def compare_tables(before: ComparedTable, after: ComparedTable) -> TableDifference:
    """What ``after`` says otherwise than ``before``, in the fields that both have; rows are found again by their keys.

    Of rows with the same key, those that say the same are one row, and the others are taken in the order of what they
    say, never of their places. The comparison the other way round is the inverse of this one.
    """
    fields = tuple(name for name in before.columns if name in after.columns)
    left, right = _rows(before, fields), _rows(after, fields)
    pairs, gone, new = _paired(before.keys, after.keys, left, right)
    changed = [
        RowDifference(after.keys[there], here, there, _changes(fields, left[here], right[there]))
        for here, there in pairs
        if left[here] != right[there]
    ]
    moved = _out_of_order(pairs)
    return TableDifference(after.name, fields, tuple(new), tuple(gone), tuple(changed), tuple(moved))


def _rows(table: ComparedTable, fields: Sequence[str]) -> list[RowValues]:
    if not fields:
        return [()] * len(table.keys)
    return list(zip(*(table.columns[name] for name in fields), strict=True))


def _changes(fields: Sequence[str], before: RowValues, after: RowValues) -> tuple[CellDifference, ...]:
    values = zip(fields, before, after, strict=True)
    return tuple(CellDifference(name, old, new) for name, old, new in values if old != new)


def _paired(
    before: Sequence[Key], after: Sequence[Key], left: list[RowValues], right: list[RowValues]
) -> tuple[Pairs, list[int], list[int]]:
    """The rows of both sides, in the order of the second; those only of the first; those only of the second."""
    here, there = _positions(before), _positions(after)
    pairs: Pairs = []
    gone: list[int] = []
    new: list[int] = []
    for key in here | there:
        old, young = here.get(key, []), there.get(key, [])
        if len(old) > 1 or len(young) > 1:
            same, old, young = _same(old, young, left, right)
            pairs += same
        common = min(len(old), len(young))
        pairs += zip(old[:common], young[:common], strict=True)
        gone += old[common:]
        new += young[common:]
    return sorted(pairs, key=lambda pair: pair[1]), sorted(gone), sorted(new)


def _positions(keys: Sequence[Key]) -> dict[Key, list[int]]:
    positions: dict[Key, list[int]] = defaultdict(list)
    for position, key in enumerate(keys):
        positions[key].append(position)
    return positions


def _same(
    old: list[int], young: list[int], left: list[RowValues], right: list[RowValues]
) -> tuple[Pairs, list[int], list[int]]:
    """Rows of one key that say the same; the others of each side, in the order of what they say."""
    waiting: dict[RowValues, list[int]] = defaultdict(list)
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
    return same, sorted(rest, key=lambda row: _order(left[row])), sorted(others, key=lambda row: _order(right[row]))


def _order(row: RowValues) -> tuple[str, ...]:
    return tuple(f"{type(value).__name__} {value!r}" for value in row)


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
    tables = {formula.table for formula in before.listed} & {formula.table for formula in after.listed}
    keys = [{name: set(table.keys) for name, table in side.tables.items()} for side in (before, after)]
    differences = []
    for key in dict.fromkeys([*before.listed, *after.listed]):
        old, new = before.listed.get(key), after.listed.get(key)
        if key.table in tables and (key.row == "*" or (old and new)) and _text(old) != _text(new):
            differences.append(FormulaDifference(key, old, new))
    for key in dict.fromkeys([*before.found, *after.found]):
        old, new = _stands(before, key), _stands(after, key)
        if old and new and old.text != new.text:
            differences.append(FormulaDifference(key, old, new))
    for cell in dict.fromkeys([*before.typed, *after.typed]):
        table, row, name = cell
        old, new = before.typed.get(cell), after.typed.get(cell)
        if all(row in rows.get(table, ()) for rows in keys) and _text(old) != _text(new):
            differences.append(FormulaDifference(FormulaKey(table, " · ".join(map(str, row)), name), old, new))
    return differences


def _text(formula: FormulaAt | None) -> str:
    return formula.text if formula is not None else ""


def _stands(side: Side, key: FormulaKey) -> FormulaAt | None:
    every = FormulaKey(key.table, "*", key.column)
    return side.found.get(key) or side.listed.get(key) or side.listed.get(every)


def compare_pieces(before: Sequence[Piece], after: Sequence[Piece]) -> list[PieceDifference]:
    """The sheets, tables and columns that one side lacks or calls otherwise; what a lone one holds goes with it."""
    old, new = {piece.identity: piece for piece in before}, {piece.identity: piece for piece in after}
    lone = old.keys() ^ new.keys()
    differences = []
    for identity in dict.fromkeys([*old, *new]):
        difference = PieceDifference(old.get(identity), new.get(identity))
        if difference.piece.parent not in lone if identity in lone else old[identity].name != new[identity].name:
            differences.append(difference)
    return differences
