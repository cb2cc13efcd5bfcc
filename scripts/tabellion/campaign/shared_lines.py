"""Budget lines counted more than once: by two collectivités, in two conventions, or as the sum of other lines."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass

from tabellion.checks.inspection import Inspection
from tabellion.findings import Severity
from tabellion.measures import AMOUNTS, MEASURE, Accounts, Overview, double_counts
from tabellion.reading.lines import is_total
from tabellion.schema.money import euros, format_euros
from tabellion.schema.table import Key
from tabellion.schema.tables import Column
from tabellion.wording import fold

_LINES, _TOTALS = "lignes_budgetaires", "totaux_publies"
_GROUP = ("convention_id", "collectivite_id", "exercice")
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
    labels = inspection.column(_LINES, "libelle")
    left_out = {None, *inspection.placeholders(labels)}
    lines = [
        (position, *place)
        for position, (label, *place) in enumerate(
            zip(labels, *(inspection.column(_LINES, name) for name in _GROUP), strict=True)
        )
        if label not in left_out and None not in place
    ]
    folded = {label: fold(label) for label in dict.fromkeys(labels) if label is not None}
    subjects: set[Key] = set()
    for name in _COLUMNS:
        amounts = inspection.column(_LINES, name)
        counts = Counter(amounts)  # most amounts are there once: they are shared with nobody
        firsts: defaultdict[Key, dict[str, int]] = defaultdict(dict)
        for position, convention, town, exercice in lines:
            if counts[cents := amounts[position]] > 1 and (cents or 0) > 0:
                firsts[convention, exercice, cents, folded[labels[position]]].setdefault(town, position)
        for (convention, exercice, cents, label), towns in firsts.items():
            if len(towns) > 1 and sum(map(str.isalpha, label)) >= _FEWEST_LETTERS:
                positions = sorted(towns.values())
                subject = (convention, exercice, label, *positions)
                if subject not in subjects:
                    subjects.add(subject)
                    _say_shared(inspection, name, positions, cents)


def _say_shared(inspection: Inspection, name: str, positions: Sequence[int], cents: int) -> None:
    towns = [inspection.towns.get(town, town) for town in inspection.texts(_LINES, "collectivite_id", positions)]
    first, *others = positions
    line = inspection.tables[_LINES].row(first)
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
    exercices, published = (inspection.known(table, "exercice") for table in (_LINES, _TOTALS))
    checked = published | {inspection.settings.exercice}
    lines = inspection.tables[_LINES]
    # The accounts know one measure, what was spent: another amount takes its place to be looked at alike.
    alike = {
        name: Overview({**inspection.tables, _LINES: lines.with_columns({MEASURE: lines.column(name)})})
        for name in _COLUMNS
    }
    for exercice in sorted(exercices):
        pairs: set[tuple[object, object]] = set()
        for name, overview in alike.items():
            for double in double_counts(Accounts(overview.tables, exercice, overview)):
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
    totals = {text for text in inspection.known(_LINES, "libelle") if is_total(text)}
    called = {position for position, text in enumerate(inspection.column(_LINES, "libelle")) if text in totals}
    groups: defaultdict[Key, list[int]] = defaultdict(list)
    for position, place in enumerate(zip(*(inspection.column(_LINES, name) for name in _GROUP), strict=True)):
        if None not in place:
            groups[place].append(position)
    by_line: defaultdict[int, list[_Sum]] = defaultdict(list)
    for name in _COLUMNS:
        cents = inspection.column(_LINES, name)
        for members in groups.values():
            for line in _sums(members, called, cents, name):
                by_line[line.position].append(line)
    for sums in by_line.values():
        best = max(sums, key=lambda line: bool(line.parts))
        _say_sum(inspection, best, columns=len([line for line in sums if line.parts]))


def _sums(members: Sequence[int], called: Set[int], cents: Column, name: str) -> Iterator[_Sum]:
    """The lines of one group that are a sum of others: those called a total, and those worth all the ordinary ones."""
    ordinary = [position for position in members if cents[position] and position not in called]
    total = sum(cents[position] for position in ordinary)
    for position in members:
        if not (wanted := cents[position]):
            continue
        if position in called:
            whole = total == wanted
            parts = ordinary if whole else _run_above(position, members, called, cents)
            yield _Sum(position, name, wanted, tuple(parts), is_named=True, whole=whole)
        elif 2 * wanted == total and len(ordinary) > _FEW:
            others = tuple(other for other in ordinary if other != position)
            if all(cents[other] > 0 for other in others):
                yield _Sum(position, name, wanted, others, is_named=False, whole=True)


def _run_above(position: int, members: Sequence[int], called: Set[int], cents: Column) -> list[int]:
    """The shortest run of lines just above a total, up to the previous total, that adds up to it; else nothing."""
    run: list[int] = []
    left = cents[position]
    for above in reversed(members[: members.index(position)]):
        if above in called:
            break
        left -= cents[above] or 0
        run += [above] if cents[above] else []
        if left == 0:
            return run[::-1]
    return []


def _say_sum(inspection: Inspection, line: _Sum, *, columns: int) -> None:
    row, count = inspection.tables[_LINES].row(line.position), len(line.parts)
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
