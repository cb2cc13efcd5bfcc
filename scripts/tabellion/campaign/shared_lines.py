"""Budget lines counted more than once: by two collectivités, in two conventions, or as the sum of other lines."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from tabellion.checks.inspection import Inspection
from tabellion.findings import Severity
from tabellion.measures import AMOUNTS, MEASURE, Accounts, double_counts
from tabellion.measures.overview import LINE_KEY
from tabellion.reading.lines import is_total
from tabellion.schema.money import euros, format_euros
from tabellion.schema.tables import Column

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
    for by_words in inspection.overview.by_words.values():
        for words, by_town in by_words.items():
            if len(by_town) > 1 and sum(map(str.isalpha, words)) >= _FEWEST_LETTERS:
                _check_shared(inspection, by_town)


def _check_shared(inspection: Inspection, by_town: Mapping[str, Sequence[int]]) -> None:
    """The lines of one exercice that say the same in several collectivités."""
    labels, conventions = (inspection.column(_LINES, name) for name in ("libelle", "convention_id"))
    lines = [(position, town) for town, positions in by_town.items() for position in positions]
    subjects: set[tuple[int, ...]] = set()
    for name in _COLUMNS:
        amounts = inspection.column(_LINES, name)
        counts = Counter((conventions[position], amounts[position]) for position, _ in lines if amounts[position])
        if len(counts) == counts.total():
            continue
        placeholders = inspection.placeholders(labels[position] for position, _ in lines)
        firsts: defaultdict[tuple[int, int], dict[str, int]] = defaultdict(dict)
        for position, town in lines:
            convention, cents = conventions[position], amounts[position]
            is_repeated = counts[convention, cents] > 1 and convention is not None and cents > 0
            if is_repeated and labels[position] not in placeholders:
                firsts[convention, cents].setdefault(town, position)
        for (_, cents), towns in firsts.items():
            positions = tuple(sorted(towns.values()))
            if len(positions) > 1 and positions not in subjects:
                subjects.add(positions)
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
    for exercice in sorted(exercices):
        accounts = Accounts(inspection.tables, exercice, inspection.overview)
        pairs: set[tuple[int, int]] = set()
        for name in _COLUMNS:
            for double in double_counts(accounts, name):
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
    labels = inspection.column(_LINES, "libelle")
    called = {position for position, text in enumerate(labels) if text in totals} if totals else set[int]()
    columns = [(name, inspection.column(_LINES, name)) for name in _COLUMNS]
    by_line: defaultdict[int, list[_Sum]] = defaultdict(list)
    for place, members in inspection.overview.lines.groups(*LINE_KEY).items():
        if (len(members) > _FEW or (called and not called.isdisjoint(members))) and None not in place:
            for name, cents in columns:
                for line in _sums(members, called, cents, name):
                    by_line[line.position].append(line)
    for sums in by_line.values():
        best = max(sums, key=lambda line: bool(line.parts))
        _say_sum(inspection, best, columns=len([line for line in sums if line.parts]))


def _sums(members: Sequence[int], called: Set[int], cents: Column, name: str) -> Iterator[_Sum]:
    """The lines of one group that are a sum of others: those called a total, and those worth all the ordinary ones."""
    ordinary = [position for position in members if cents[position] and position not in called]
    amounts = [cents[position] for position in ordinary]
    total = sum(amounts)
    for rank, position in enumerate(members):
        if position in called and (wanted := cents[position]):
            whole = total == wanted
            parts = ordinary if whole else _run_above(rank, members, called, cents)
            yield _Sum(position, name, wanted, tuple(parts), is_named=True, whole=whole)
    if len(ordinary) > _FEW and min(amounts) > 0 and 2 * (wanted := max(amounts)) == total:
        position = ordinary.pop(amounts.index(wanted))
        yield _Sum(position, name, wanted, tuple(ordinary), is_named=False, whole=True)


def _run_above(rank: int, members: Sequence[int], called: Set[int], cents: Column) -> list[int]:
    """The shortest run of lines just above a total, up to the previous total, that adds up to it; else nothing.

    ``rank`` is that of the total among the members.
    """
    run: list[int] = []
    left = cents[members[rank]]
    for above in (members[place] for place in range(rank - 1, -1, -1)):
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
