"""Budget lines that are compared: from year to year, like with like, and those that say the same.

Two exercices are compared over the lines that have an amount in both: while a campaign goes on, few have answered, and
what the others spent the year before would make a fall of 99 %.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from math import inf

from tabellion.measures.measure import Columns, Count, Criterion, Known, Measure, Rows, Total
from tabellion.schema import Key
from tabellion.schema.tables import Column
from tabellion.wording import fold, plural

#: What tells a line from year to year, and where it belongs.
YEARLY_KEY = ("convention_id", "ligne_id", "collectivite_id")


def yearly(amount: str, exercice: int) -> str:
    """The column of :func:`lines_by_year` that has an amount of an exercice."""
    return f"{amount} {exercice}"


def lines_by_year(lines: Mapping[str, Column], exercices: Sequence[int], amounts: Sequence[str]) -> Rows:
    """One row a budget line, with the amounts of all exercices side by side; its collectivité is the latest.

    ``lines`` are the columns of the budget lines; those of an exercice that is not asked for are left out.
    """
    years = lines["exercice"]
    keys = zip(lines["convention_id"], lines["ligne_id"], strict=True)
    ranks: defaultdict[Key, int] = defaultdict(count().__next__)
    rows = [None if year is None or None in key else ranks[key] for key, year in zip(keys, years, strict=True)]
    towns: list[object] = [None] * len(ranks)
    latest = [-inf] * len(ranks)
    for row, town, year in zip(rows, lines["collectivite_id"], years, strict=True):
        if row is not None and year >= latest[row]:
            towns[row], latest[row] = town, year
    sums: dict[str, list[int | None]] = {
        yearly(amount, year): [None] * len(ranks) for year in exercices for amount in amounts
    }
    for amount in amounts:
        of_year = {year: sums[yearly(amount, year)] for year in exercices}
        for row, year, cents in zip(rows, years, lines[amount], strict=True):
            if cents is not None and row is not None and (column := of_year.get(year)) is not None:
                column[row] = (column[row] or 0) + cents
    identity = zip(YEARLY_KEY, ([key[0] for key in ranks], [key[1] for key in ranks], towns), strict=True)
    return Rows({**dict(identity), **sums})


def lines_by_words(lines: Rows) -> dict[int, dict[str, dict[str, list[int]]]]:
    """The positions of the budget lines by exercice, by their words, folded, and by collectivité; those that lack one
    are left out. Only among lines of the same words can money be counted more than once.
    """
    years, labels, towns = (lines.columns[name] for name in ("exercice", "libelle", "collectivite_id"))
    folded = {label: label if label is None else fold(label) for label in dict.fromkeys(labels)}
    words = Rows({"exercice": years, "libelle": [folded[label] for label in labels], "collectivite_id": towns})
    by_words: dict[int, dict[str, dict[str, list[int]]]] = {}
    for key, positions in words.groups(*words.columns).items():
        if None not in key:
            year, label, town = key
            by_words.setdefault(year, {}).setdefault(label, {})[town] = positions
    return by_words


@dataclass(frozen=True)
class SameLines:
    """An amount of an exercice (``now``, a column of :func:`lines_by_year`) against ``then``, another one.

    ``columns`` names the columns in formulas (``None``: there are none); ``where`` are the lines compared.
    """

    rows: Rows
    columns: Columns | None
    now: str
    then: str
    where: tuple[Criterion, ...] = ()

    @property
    def lines(self) -> Measure:
        """How many lines have both."""
        return Count((*self.where, Known(self.now), Known(self.then))).measure(self.rows, self.columns)

    @property
    def before(self) -> Measure:
        """What these lines had then; blank where there is none."""
        return self._total(self.then, self.now)

    @property
    def after(self) -> Measure:
        """What they have now; blank where there is none."""
        return self._total(self.now, self.then)

    def change(self, before: Measure) -> Measure:
        """What they grew by; ``before`` is :attr:`before`, or the cell that shows it. Blank where it is."""
        after = Total(self.now, (*self.where, Known(self.then)))
        value = "" if before.value == "" else (after.value(self.rows) or 0) - (before.value or 0)
        if self.columns is None:
            return Measure("signed", value)
        added = after.sum_formula(self.columns)
        return Measure("signed", value, f'IF({before.formula}="","",ROUND({added}-{before.formula},2))')

    def _total(self, amount: str, other: str) -> Measure:
        return Total(amount, (*self.where, Known(other))).measure(self.rows, self.columns)


def same_lines_change(rows: Rows, now: str, then: str, where: tuple[Criterion, ...]) -> int | None:
    """What the lines that have both amounts grew by, in cents; ``None`` where there is none."""
    positions = rows.matching((*where, Known(now), Known(then)))
    after, before = rows.columns[now], rows.columns[then]
    return sum(after[position] - before[position] for position in positions) if positions else None


def count_answers(lines: Rows, amounts: Sequence[str]) -> tuple[int, Counter[int]]:
    """How many collectivités have lines in some exercice, and in each one how many have an amount, zero included."""
    columns = [lines.columns[name] for name in amounts]
    groups = lines.groups("exercice", "collectivite_id")
    places = {key: positions for key, positions in groups.items() if None not in key}
    return len({town for _, town in places}), Counter(
        year
        for (year, _), positions in places.items()
        if any(column[position] is not None for column in columns for position in positions)
    )


def answer_words(answered: int, asked: int, town: str) -> str:
    """``1 collectivité sur 4 a répondu``, where ``town`` is what they are called; nothing where all have."""
    if answered >= asked:
        return ""
    answerers = plural(answered, town) if answered else f"aucune {town}"
    return f"{answerers} sur {asked} {'ont' if answered > 1 else 'a'} répondu"
