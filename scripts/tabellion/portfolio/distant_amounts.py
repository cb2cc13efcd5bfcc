"""Amounts far from their neighbours: those of the same kind in the other contracts. Pure.

What a town spends per inhabitant is not known here; so an amount is compared with those of the same label and
convention, else of the same label, else of the same convention, in the same exercice, column and nature, by how many
times more or less it is (logarithms). What is usual for the lines of its own collectivité, which may be a large town,
is put aside. Far is then more than :data:`_FAR` robust deviations (the median of the distances to the median, at the
scale of a normal law) and at least :data:`_TIMES` times what is usual, and as many times the median itself. Fewer than
:data:`_FEWEST` amounts of the others, from :data:`_FEWEST_CONTRACTS` contracts, are no neighbourhood: nothing is said.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log10
from statistics import median

from tabellion.findings import Finding, Severity, finding
from tabellion.measures import AMOUNT_WORDS, AMOUNTS
from tabellion.portfolio.common_names import CommonNames, name_key
from tabellion.portfolio.compared import ContractCell, contracts_of, links
from tabellion.portfolio.rows import PortfolioTables
from tabellion.schema.money import euros, format_euros
from tabellion.wording import french_count

_FEWEST, _FEWEST_CONTRACTS = 12, 5
_FAR, _TIMES = 4.5, 50.0
#: Towns are of all sizes: all amounts of one are far from so many times on.
_TIMES_OF_A_TOWN = 200.0
#: Of a normal law, the standard deviation in medians of the distances to the median.
_NORMAL = 1.4826
#: Lines of one collectivité from which it is looked at as a whole.
_FEWEST_LINES = 5
#: How far from a thousand (or a hundred) times it still may be one: as many times more or less.
_NEAR = 8.0
_UNITS = ((1000.0, "des euros et des milliers d'euros ?"), (100.0, "une virgule déplacée ?"))

#: A collectivité of a contract, an exercice, a column.
_TownYear = tuple[tuple[str, object], object, str]


@dataclass(frozen=True, slots=True)
class _LineAmount:
    spot: ContractCell
    town: tuple[str, object]
    exercice: object
    cents: int
    size: float
    """The logarithm (base 10) of the cents."""
    groups: tuple[Hashable, ...]
    """The kinds that it is of, the narrowest first."""

    @property
    def town_year(self) -> _TownYear:
        return self.town, self.exercice, self.spot.champ


@dataclass(frozen=True, slots=True)
class _Neighbourhood:
    middle: float
    deviation: float
    sizes: Sequence[float]

    def is_far(self, distance: float, times: float = _TIMES) -> bool:
        return abs(distance) > max(_FAR * self.deviation, log10(times))


@dataclass(frozen=True, slots=True)
class _Distance:
    """How far an amount is from the middle of those around it."""

    amount: _LineAmount
    near: _Neighbourhood
    distance: float


def distant_amounts(tables: PortfolioTables, names: CommonNames) -> Iterator[Finding]:
    """The collectivités whose amounts are far from those of the others as a whole, then the single amounts that are.

    A line is said once, at its farthest amount; those of a collectivité that was said are not said again.
    """
    distances = _distances(list(_amounts(tables, names)))
    towns = _towns(distances)
    named: set[_TownYear] = set()
    for town, whole in _whole_towns(towns):
        named.add(town)
        yield _town_finding(whole)
    usual = _usual_spreads(distances, towns)
    farthest: dict[tuple[str, object], _Distance] = {}
    for distance in distances:
        town = distance.amount.town_year
        beyond = distance.distance - towns[town].distance
        if town not in named and usual[id(distance.near)].is_far(beyond) and abs(distance.distance) >= log10(_TIMES):
            line = (distance.amount.spot.contract.identifiant, distance.amount.spot.row.key)
            if line not in farthest or abs(distance.distance) > abs(farthest[line].distance):
                farthest[line] = distance
    for distance in sorted(farthest.values(), key=lambda far: -abs(far.distance)):
        yield _amount_finding(distance)


def _distances(amounts: Sequence[_LineAmount]) -> list[_Distance]:
    """Each amount that has neighbours enough, beside the narrowest kind that has them."""
    groups: defaultdict[Hashable, list[_LineAmount]] = defaultdict(list)
    for amount in amounts:
        for group in amount.groups:
            groups[group].append(amount)
    around = {
        group: _neighbourhood(amount.size for amount in members)
        for group, members in groups.items()
        if len(contracts_of(members)) > _FEWEST_CONTRACTS
    }
    own = Counter((group, amount.spot.contract.identifiant) for group in around for amount in groups[group])
    distances: list[_Distance] = []
    for amount in amounts:
        for group in amount.groups:
            others = len(groups[group]) - own[group, amount.spot.contract.identifiant]
            if group in around and others >= _FEWEST:
                distances.append(_Distance(amount, around[group], amount.size - around[group].middle))
                break
    return distances


def _amounts(tables: PortfolioTables, names: CommonNames) -> Iterator[_LineAmount]:
    titles = {
        (row.contrat, row.values["convention_id"]): row.values["titre"] or ""
        for row in tables.rows("conventions", ("convention_id", "titre"))
    }
    themes = {key: names.known("conventions", title) or name_key(title) for key, title in titles.items()}
    asked = ("convention_id", "collectivite_id", "exercice", "nature", "libelle", *AMOUNTS)
    for row in tables.rows("lignes_budgetaires", asked):
        values = row.values
        theme = themes.get((row.contrat, values["convention_id"]))
        if not theme:
            continue
        label, kind = name_key(values["libelle"] or ""), (values["exercice"], values.get("nature"))
        for champ in AMOUNTS:
            cents = values.get(champ)
            if cents is not None and cents > 0:
                yield _LineAmount(
                    ContractCell(tables.contracts[row.contrat], row, champ), (row.contrat, values["collectivite_id"]),
                    values["exercice"], cents, log10(cents),
                    ((theme, label, *kind, champ), ("", label, *kind, champ), (theme, "", *kind, champ)),
                )  # fmt: skip


def _neighbourhood(sizes: Iterable[float]) -> _Neighbourhood:
    """The middle and the robust deviation of sizes."""
    ordered = sorted(sizes)
    middle = median(ordered)
    return _Neighbourhood(middle, _NORMAL * median(abs(size - middle) for size in ordered), ordered)


@dataclass(frozen=True, slots=True)
class _Town:
    """The amounts of a collectivité in an exercice and a column, and the distance of the one in the middle."""

    amounts: Sequence[_LineAmount]
    distance: float


def _towns(distances: Iterable[_Distance]) -> Mapping[_TownYear, _Town]:
    by_town: defaultdict[_TownYear, list[_Distance]] = defaultdict(list)
    for distance in distances:
        by_town[distance.amount.town_year].append(distance)
    return {
        town: _Town(
            [distance.amount for distance in group],
            median(distance.distance for distance in group) if len(group) > 2 else 0.0,
        )
        for town, group in by_town.items()
    }


def _usual_spreads(distances: Iterable[_Distance], towns: Mapping[_TownYear, _Town]) -> Mapping[int, _Neighbourhood]:
    """How far amounts of each neighbourhood (its id) usually are, what is usual for their own town put aside."""
    spreads: defaultdict[int, list[float]] = defaultdict(list)
    for distance in distances:
        spreads[id(distance.near)].append(distance.distance - towns[distance.amount.town_year].distance)
    return {near: _neighbourhood(beyond) for near, beyond in spreads.items()}


def _whole_towns(towns: Mapping[_TownYear, _Town]) -> Iterator[tuple[_TownYear, _Town]]:
    """The collectivités whose amounts of an exercice and a column are far from the others', by the one in the middle.

    Towns are of all sizes: they are compared among themselves, by the same rule.
    """
    years: defaultdict[tuple[object, str], list[tuple[_TownYear, _Town]]] = defaultdict(list)
    for key, town in towns.items():
        if len(town.amounts) >= _FEWEST_LINES:
            years[key[1:]].append((key, town))
    for members in years.values():
        if len(contracts_of(town.amounts[0] for _, town in members)) > _FEWEST_CONTRACTS:
            near = _neighbourhood(town.distance for _, town in members)
            yield from (
                (key, town) for key, town in members if near.is_far(town.distance - near.middle, _TIMES_OF_A_TOWN)
            )


def _unit(distance: float) -> str:
    """The mistake of unit that a distance makes think of; empty where it does not."""
    far = abs(distance)
    return next((words for times, words in _UNITS if abs(far - log10(times)) <= log10(_NEAR)), "")


def _times(distance: float) -> str:
    """``environ 1 000 fois plus``."""
    times = 10 ** abs(distance)
    step = 10 ** max(0, int(log10(times)) - 1)
    return f"environ {french_count(round(times / step) * step)} fois {'plus' if distance > 0 else 'moins'}"


def _amount_finding(far: _Distance) -> Finding:
    amount, near, distance = far.amount, far.near, far.distance
    unit = _unit(distance)
    values = amount.spot.row.values
    low = bisect_left(near.sizes, near.middle - near.deviation)
    high = min(len(near.sizes) - 1, bisect_left(near.sizes, near.middle + near.deviation))
    return finding(
        "montant-loin-des-autres", amount.spot.place, champ=amount.spot.champ, valeur=euros(amount.cents),
        attendu=euros(_cents(near.middle)), gravite=Severity.AVERTISSEMENT if _is_thousand(distance) else None,
        libelle=values["libelle"] or "", colonne=AMOUNT_WORDS[amount.spot.champ], exercice=values["exercice"],
        montant=format_euros(amount.cents), fois=_times(distance), milieu=format_euros(_cents(near.middle)),
        nombre=french_count(len(near.sizes)), bas=format_euros(_cents(near.sizes[low])),
        haut=format_euros(_cents(near.sizes[high])), unite=f" : {unit}" if unit else ".",
    )  # fmt: skip


def _town_finding(whole: _Town) -> Finding:
    first = whole.amounts[0]
    unit = _unit(whole.distance)
    return finding(
        "montants-loin-des-autres", first.spot.place, champ=first.spot.champ, valeur=euros(first.cents),
        liees=links(whole.amounts[1:]), nombre=french_count(len(whole.amounts)), exercice=first.exercice,
        colonne=AMOUNT_WORDS[first.spot.champ], fois=_times(whole.distance), unite=f" : {unit}" if unit else ".",
    )  # fmt: skip


def _is_thousand(distance: float) -> bool:
    return _unit(distance) == _UNITS[0][1]


def _cents(size: float) -> int:
    return round(10**size / 100) * 100
