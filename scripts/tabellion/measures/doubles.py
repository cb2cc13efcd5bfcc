"""The same money in two conventions: lines of one collectivité with the same words and the same amount."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tabellion.measures.totals import MEASURE, Accounts
from tabellion.wording import fold


@dataclass(frozen=True)
class Double:
    """A line (``index``) whose money another convention's line (``kept``) already counts."""

    index: Any
    convention: int
    town: str
    libelle: str
    cents: int
    kept: Any
    kept_convention: int


def double_counts(accounts: Accounts) -> list[Double]:
    """Lines that repeat another convention's line: same collectivité, same wording, same non-zero amount.

    Of such lines, the one kept is in a convention that the published recap counts, else in the first convention: the
    others are what the recomputed total counts twice. Repetitions inside one convention are another matter.
    """
    groups: dict[tuple[str, str, int], list[tuple[Any, int, str]]] = {}
    columns = ["collectivite_id", MEASURE, "convention_id", "libelle"]
    lines = accounts.lines[columns].dropna()
    lines = lines[lines[MEASURE] != 0]
    lines = lines[lines.duplicated(["collectivite_id", MEASURE], keep=False)]
    for index, town, cents, convention, libelle in lines.itertuples(name=None):
        groups.setdefault((town, fold(libelle), int(cents)), []).append((index, int(convention), libelle))
    doubles = []
    for (town, _, cents), members in groups.items():
        kept = min(members, key=lambda each: (not accounts.in_recap(each[1]), each[1]))
        seen = {kept[1]}
        for index, convention, libelle in members:
            if convention not in seen:
                seen.add(convention)
                doubles.append(Double(index, convention, town, libelle, cents, kept[0], kept[1]))
    return sorted(doubles, key=lambda each: each.convention)
