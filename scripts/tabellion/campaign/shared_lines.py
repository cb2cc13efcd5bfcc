"""Budget lines counted more than once: by two collectivités, in two conventions, or as the sum of other lines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tabellion.checks.inspection import Inspection
from tabellion.findings import Severity
from tabellion.measures import AMOUNTS, MEASURE, Accounts, double_counts
from tabellion.reading.typed_totals import is_total
from tabellion.schema.money import euros, format_euros
from tabellion.schema.table import Key
from tabellion.schema.tables import Column
from tabellion.wording import fold

_LINES, _TOTALS = "lignes_budgetaires", "totaux_publies"
_GROUP = ["convention_id", "collectivite_id", "exercice"]
#: What was spent says most, then what was voted, then what was planned.
_COLUMNS = tuple(reversed(AMOUNTS))
#: A label with fewer letters is too generic for two collectivités to mean the same expense.
_FEWEST_LETTERS = 8
#: The sum of this many lines or fewer may be a coincidence.
_FEW = 2


def _is_declared(inspection: Inspection) -> bool:
    has_towns = inspection.has("collectivites", "collectivite_id", "nom")
    return has_towns and inspection.has(_LINES, *_GROUP, "libelle", *AMOUNTS)


def check_shared_lines(inspection: Inspection) -> None:
    """The same words and the same amount, of the same convention and exercice, in two collectivités or more.

    One finding per label, convention and exercice, whatever the number of collectivités and of columns that agree.
    """
    if not _is_declared(inspection):
        return
    frame = inspection.tables[_LINES].frame
    labels = frame["libelle"]
    named = labels.notna() & frame[_GROUP].notna().all(axis=1) & ~inspection.placeholders(labels)
    subjects: set[Key] = set()
    for name in _COLUMNS:
        alike = ["convention_id", "exercice", name]
        near = frame[named & (frame[name] > 0).fillna(False).astype(bool)]
        near = near[near.duplicated(alike, keep=False)]
        if near.empty:
            continue
        words = {text: fold(text) for text in near["libelle"].unique().tolist()}
        folded = near.assign(libelle=near["libelle"].map(words))
        same = [*alike, "libelle"]
        shared = folded[folded.duplicated(same, keep=False) & ~folded.duplicated([*same, "collectivite_id"])]
        shared = shared[shared.duplicated(same, keep=False)]
        groups: defaultdict[Key, Column] = defaultdict(list)
        for index, *key in shared[same].itertuples(name=None):
            groups[tuple(key)].append(index)
        for (convention, exercice, cents, label), indexes in groups.items():
            subject = (convention, exercice, label, *indexes)
            if sum(map(str.isalpha, label)) >= _FEWEST_LETTERS and subject not in subjects:
                subjects.add(subject)
                _say_shared(inspection, name, indexes, int(cents))


def _say_shared(inspection: Inspection, name: str, positions: Sequence[int], cents: int) -> None:
    towns = [inspection.towns.get(town, town) for town in inspection.texts(_LINES, "collectivite_id", positions)]
    first, *others = positions
    line = inspection.tables[_LINES].rows[first]
    inspection.say(
        "ligne-de-deux-collectivites", _LINES, first, name,
        valeur=euros(cents), liees=[(_LINES, position, name) for position in others],
        calcule=format_euros(cents), qui=", ".join(towns[:-1]) + " et " + towns[-1], fois=len(towns),
        libelle=line["libelle"], convention=line["convention_id"], exercice=line["exercice"],
    )  # fmt: skip


def check_two_conventions(inspection: Inspection) -> None:
    """The same money in two conventions, for the exercices and the amounts that the contract's own checks leave out.

    They look at what was spent, in the exercices that have published totals and in the settings'; here is what returns
    add: the other exercices, and what was planned or voted. Two lines are said once, at what was spent first.
    """
    if not _is_declared(inspection) or not inspection.has(_TOTALS, "source", "portee", *_GROUP, "montant"):
        return
    exercices, published = (
        {int(exercice) for exercice in inspection.column(table, "exercice").dropna().unique()}
        for table in (_LINES, _TOTALS)
    )
    checked = published | {inspection.settings.exercice}
    lines = inspection.tables[_LINES]
    for exercice in sorted(exercices):
        pairs: set[tuple[object, object]] = set()
        for name in _COLUMNS:
            # the accounts know one measure, what was spent: another amount takes its place to be looked at alike
            tables = {**inspection.tables, _LINES: lines.with_columns({MEASURE: lines.column(name)})}
            for double in double_counts(Accounts(tables, exercice)):
                pair = (double.index, double.kept)
                if pair not in pairs and not (name == MEASURE and exercice in checked):
                    inspection.say(
                        "compte-deux-fois", _LINES, double.index, name,
                        valeur=euros(double.cents), liees=[(_LINES, double.kept, name)],
                        libelle=double.libelle, calcule=format_euros(double.cents),
                        collectivite=inspection.towns.get(double.town, double.town), autre=double.kept_convention,
                    )  # fmt: skip
                pairs.add(pair)


@dataclass(frozen=True)
class _Sum:
    """A line (``position``) that is the sum of other lines (``parts``, none when only its label says so)."""

    position: int
    name: str
    cents: int
    parts: tuple[int, ...]
    is_named: bool
    whole: bool


def check_subtotals(inspection: Inspection) -> None:
    """A line that is the sum of other lines of its convention, collectivité and exercice: it counts them again.

    Either its label says that it is a total (then it sums all the other lines, or a run of lines just above it, or
    nothing that can be found); or its amount is exactly the sum of all the other lines, two at least having an amount
    that is not zero. One finding per line, at its first amount that shows it. A total that is called one and adds up
    is an error; the sum of only two lines, without the word, may be a coincidence: a notice.
    """
    if not _is_declared(inspection):
        return
    frame = inspection.tables[_LINES].frame
    labels = frame["libelle"]
    totals = [text for text in labels.dropna().unique().tolist() if is_total(text)]
    called = labels.isin(totals).to_numpy(dtype=bool)
    placed = frame[_GROUP].notna().all(axis=1).to_numpy(dtype=bool)
    groups = np.where(placed, frame.groupby(_GROUP, sort=False).ngroup().to_numpy(dtype=np.int64, na_value=-1), -1)
    by_line: dict[int, list[_Sum]] = {}
    for name in _COLUMNS:
        cents = frame[name].fillna(0).to_numpy(dtype=np.int64)
        for line in [*_called(groups, called, cents, name), *_uncalled(groups, called, cents, name)]:
            by_line.setdefault(line.position, []).append(line)
    for sums in by_line.values():
        best = max(sums, key=lambda line: bool(line.parts))
        _say_sum(inspection, best, columns=len([line for line in sums if line.parts]))


def _uncalled(groups: Any, called: Any, cents: Any, name: str) -> list[_Sum]:
    """The lines, of an ordinary label, that are worth all the other ordinary lines of their group."""
    plain = (groups >= 0) & ~called & (cents != 0)
    positions = np.flatnonzero(plain)
    if not len(positions):
        return []
    count = int(groups.max()) + 1
    sums = np.zeros(count, dtype=np.int64)
    np.add.at(sums, groups[positions], cents[positions])
    sizes = np.bincount(groups[positions], minlength=count)
    mine = groups[positions]
    hits = positions[(2 * cents[positions] == sums[mine]) & (sizes[mine] > _FEW)]
    return [
        _Sum(int(hit), name, int(cents[hit]), tuple(map(int, parts)), is_named=False, whole=True)
        for hit in hits
        if np.all(cents[parts := positions[(mine == groups[hit]) & (positions != hit)]] > 0)
    ]


def _called(groups: Any, called: Any, cents: Any, name: str) -> list[_Sum]:
    """The lines whose label says that they are totals, with the lines that they sum where these can be found."""
    sums = []
    for position in np.flatnonzero(called & (groups >= 0) & (cents != 0)).tolist():
        members = np.flatnonzero(groups == groups[position])
        others = members[~called[members] & (cents[members] != 0)]
        wanted, parts, whole = int(cents[position]), others, True
        if int(cents[others].sum()) != wanted:
            parts, whole = _run_above(position, members, called, cents, wanted), False
        sums.append(_Sum(position, name, wanted, tuple(map(int, parts)), is_named=True, whole=whole))
    return sums


def _run_above(position: int, members: Any, called: Any, cents: Any, wanted: int) -> list[int]:
    """The shortest run of lines just above a total, up to the previous total, that adds up to ``wanted`` cents."""
    run: list[int] = []
    left = wanted
    for above in members[members < position][::-1].tolist():
        if called[above]:
            break
        left -= int(cents[above])
        run += [above] if cents[above] else []
        if left == 0:
            return run[::-1]
    return []


def _say_sum(inspection: Inspection, line: _Sum, *, columns: int) -> None:
    row, count = inspection.tables[_LINES].rows[line.position], len(line.parts)
    town = row["collectivite_id"]
    if not count:
        words, gravite = "a le libellé d'un total, mais compte comme une ligne", Severity.AVERTISSEMENT
    else:
        which = f"des {count} autres lignes" if line.whole else f"des {count} lignes juste au-dessus"
        if count == 1:
            which = "de l'autre ligne" if line.whole else "de la ligne juste au-dessus"
        words = f"est la somme {which}" if count > 1 else f"reprend le montant {which}"
        words += " : cet argent est compté deux fois" if line.is_named else " : c'est peut-être un total"
        gravite = Severity.ERREUR if line.is_named else Severity.AVERTISSEMENT
        if not line.is_named and count <= _FEW and columns < len(AMOUNTS) - 1:
            gravite = Severity.INFORMATION
    inspection.say(
        "sous-total-compte-comme-ligne", _LINES, line.position, line.name,
        valeur=euros(line.cents), gravite=gravite, liees=[(_LINES, part, line.name) for part in line.parts],
        libelle=row["libelle"], convention=row["convention_id"], exercice=row["exercice"], constat=words,
        calcule=format_euros(line.cents), collectivite=inspection.towns.get(town, town),
    )  # fmt: skip
