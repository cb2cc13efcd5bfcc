"""What all comparisons across contracts share: a cell of one of them, their names in words, how much is said."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Protocol, TypeVar

from tabellion.findings import Finding, Place
from tabellion.portfolio.rows import ContractName, PortfolioRow
from tabellion.wording import plural

#: Of one code, so many findings are said: the gravest, then the first; the last of them counts the others.
MOST_OF_A_CODE = 200
#: Cells that a finding links to, and contracts that it names.
_LINKED, _NAMED = 20, 3


@dataclass(frozen=True, slots=True)
class ContractCell:
    """A row of one of the contracts, seen at one of its fields (empty: at its first cell)."""

    contract: ContractName
    row: PortfolioRow
    champ: str = ""

    @property
    def place(self) -> Place:
        """Where it stands."""
        return self.row.where(self.champ)


class Placed(Protocol):
    """What stands in a cell."""

    @property
    def spot(self) -> ContractCell:
        """The cell."""


PlacedItem = TypeVar("PlacedItem", bound=Placed)


def contracts_of(placed: Iterable[Placed]) -> list[ContractName]:
    """The contracts where these stand, each once, in their order."""
    return list({item.spot.contract.identifiant: item.spot.contract for item in placed}.values())


def links(placed: Iterable[Placed]) -> tuple[Place, ...]:
    """Where these stand, the first ones."""
    return tuple(item.spot.place for item in islice(placed, _LINKED))


def names_of(contracts: Sequence[ContractName]) -> str:
    """The contracts in words: ``« Nîmes », « Alès » et 12 autres contrats``."""
    *first, last = [f"« {contract.nom} »" for contract in contracts[:_NAMED]]
    others = len(contracts) - _NAMED
    if others > 0:
        first, last = [*first, last], plural(others, "autre contrat", "autres contrats")
    return f"{', '.join(first)} et {last}" if first else last


def by_region(placed: Sequence[PlacedItem]) -> Iterator[list[PlacedItem]]:
    """These by the region of their contracts; all together where the region of one of them is not said."""
    groups: defaultdict[str, list[PlacedItem]] = defaultdict(list)
    for item in placed:
        groups[item.spot.contract.region].append(item)
    yield from ([list(placed)] if "" in groups else groups.values())


def most_common(names: Iterable[str]) -> str:
    """The name that most bear, the first of those."""
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return max(counts, key=lambda name: counts[name])


def bounded(findings: Iterable[Finding], most: int = MOST_OF_A_CODE) -> list[Finding]:
    """The findings, at most ``most`` of one code: the gravest, then the first; the last one counts those left out."""
    by_code: defaultdict[str, list[Finding]] = defaultdict(list)
    for item in findings:
        by_code[item.code].append(item)
    shown: list[Finding] = []
    for group in by_code.values():
        kept = sorted(group, key=lambda item: item.gravite)[:most]
        if left := len(group) - len(kept):
            others = plural(left, "autre de cette sorte n'est pas dit", "autres de cette sorte ne sont pas dits")
            kept[-1] = replace(kept[-1], message=f"{kept[-1].message} {others} ici.")
        shown += kept
    return shown


def counts_of(findings: Iterable[Finding]) -> Mapping[str, int]:
    """How many findings each code has."""
    counts: dict[str, int] = {}
    for item in findings:
        counts[item.code] = counts.get(item.code, 0) + 1
    return counts
