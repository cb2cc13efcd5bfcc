"""Rows of two tables found again: by their keys; where a key was lost, doubled or renamed, by what the rows say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from tabellion.outputs.diff.model import ComparedTable
from tabellion.schema import Key

Pairs = list[tuple[int, int]]
"""Positions of one row on both sides."""
RowValues = tuple[object, ...]

#: A text that is shorter may be that of several rows: alone, it names none.
_SHORTEST_NAME = 20


def pair_rows(
    before: ComparedTable,
    after: ComparedTable,
    fields: Sequence[str],
    left: Sequence[RowValues],
    right: Sequence[RowValues],
) -> tuple[Pairs, list[int], list[int]]:
    """The rows of both sides, in the order of the second; those only of the first; those only of the second.

    ``left`` and ``right`` are what the rows say in ``fields``. Of rows with the same key, those that say the same are
    one row, and the others are taken in the order of what they say, never of their places. The comparison the other
    way round is the inverse of this one.
    """
    pairing = _Pairing(left, right)
    old_rows, new_rows = _positions(before), _positions(after)
    several = []
    removed, new = old_rows.pop(None, []), new_rows.pop(None, [])
    for key in old_rows | new_rows:
        old, young = old_rows.get(key, []), new_rows.get(key, [])
        if len(old) > 1 or len(young) > 1:
            several.append((old, young))
        else:
            old, young = pairing.take(old, young)
            removed, new = removed + old, new + young
    says = [lambda row: row, *_levels(before, after, fields)]
    rests = [pairing.match(old, young, says) for old, young in several]
    if len(says) > 1:
        # A row of another key says the same: it is taken before two rows that only share theirs.
        old, young = pairing.match(
            removed + [row for old, _ in rests for row in old],
            new + [row for _, young in rests for row in young],
            says[1:],
        )
        left_over = set(old), set(young)
        removed, new = [row for row in removed if row in left_over[0]], [row for row in new if row in left_over[1]]
        rests = [
            ([row for row in a if row in left_over[0]], [row for row in b if row in left_over[1]]) for a, b in rests
        ]
    for old, young in rests:
        old, young = pairing.take(pairing.in_order(old, left), pairing.in_order(young, right))
        removed, new = removed + old, new + young
    return sorted(pairing.pairs, key=lambda pair: pair[1]), sorted(removed), sorted(new)


Says = Callable[[RowValues], RowValues | None]
"""What a row is known by, beside its key; ``None`` for one that says too little."""


class _Pairing:
    """The pairs made so far, of rows that say this and that."""

    def __init__(self, left: Sequence[RowValues], right: Sequence[RowValues]) -> None:
        self.left, self.right = left, right
        self.pairs: Pairs = []

    def take(self, old: list[int], young: list[int]) -> tuple[list[int], list[int]]:
        """Pair the rows one by one; returns those that are left."""
        common = min(len(old), len(young))
        self.pairs += zip(old[:common], young[:common], strict=True)
        return old[common:], young[common:]

    def match(self, old: list[int], young: list[int], says: Iterable[Says]) -> tuple[list[int], list[int]]:
        """Pair the rows that say the same, by one way of saying after the other; returns those that are left."""
        for say in says:
            if not (old and young):
                break
            olds, youngs = _by_words(old, self.left, say), _by_words(young, self.right, say)
            taken = set[int](), set[int]()
            for words in olds.keys() & youngs.keys():
                rows = self.in_order(olds[words], self.left), self.in_order(youngs[words], self.right)
                self.take(*rows)
                common = min(map(len, rows))
                for side, positions in zip(taken, rows, strict=True):
                    side.update(positions[:common])
            old, young = [row for row in old if row not in taken[0]], [row for row in young if row not in taken[1]]
        return old, young

    @staticmethod
    def in_order(rows: list[int], values: Sequence[RowValues]) -> list[int]:
        """The rows in the order of what they say."""
        return sorted(rows, key=lambda row: [f"{type(value).__name__} {value!r}" for value in values[row]])


def _by_words(rows: list[int], values: Sequence[RowValues], say: Says) -> dict[RowValues, list[int]]:
    words: dict[RowValues, list[int]] = defaultdict(list)
    for row in rows:
        if (known_by := say(values[row])) is not None:
            words[known_by].append(row)
    return words


def _positions(table: ComparedTable) -> dict[Key | None, list[int]]:
    """The rows by key, under ``None`` those that lost it."""
    positions: dict[Key | None, list[int]] = defaultdict(list)
    for position, key in enumerate(table.keys):
        positions[None if table.identifiers and key[0] is None else key].append(position)
    return positions


def _levels(before: ComparedTable, after: ComparedTable, fields: Sequence[str]) -> list[Says]:
    """How rows are found again without their identifiers: by all else, by what names them, by a long enough name."""
    identifiers = before.identifiers & after.identifiers
    if not identifiers:
        return []
    others = [place for place, name in enumerate(fields) if name not in identifiers]
    naming = [place for place in others if fields[place] in before.naming & after.naming]

    def all_else(row: RowValues) -> RowValues | None:
        return _telling_values([row[place] for place in others])

    def names(row: RowValues) -> RowValues | None:
        return _telling_values([row[place] for place in naming])

    def long_names(row: RowValues) -> RowValues | None:
        texts = [row[place] for place in naming]
        long = [text for text in texts if isinstance(text, str) and len(text) >= _SHORTEST_NAME]
        return _telling_values([*long, *(value for value in texts if not isinstance(value, str))]) if long else None

    return [all_else, names, long_names]


def _telling_values(values: list[object]) -> RowValues | None:
    return tuple(values) if any(isinstance(value, str) for value in values) else None
