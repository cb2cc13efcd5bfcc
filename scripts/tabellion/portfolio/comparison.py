"""Contracts beside one another: what they name otherwise, declare twice, or type far from all others. Pure.

All that is looked up goes by keys: the work grows with the rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tabellion.findings import Finding, finding
from tabellion.portfolio.common_names import NAMED_TABLES, CommonNames, name_key
from tabellion.portfolio.compared import ContractCell, bounded, contracts_of, counts_of, links, most_common
from tabellion.portfolio.distant_amounts import distant_amounts
from tabellion.portfolio.rows import PortfolioTables
from tabellion.portfolio.shared_financing import shared_financing
from tabellion.portfolio.shared_partners import shared_partners
from tabellion.portfolio.shared_quarters import shared_quarters
from tabellion.wording import within_reach

_WORDS = {"conventions": "convention", "piliers": "pilier"}


@dataclass(frozen=True)
class AcrossContracts:
    """What comparing contracts gave.

    ``findings`` are bounded, ``counts`` are how many of each code there were before. ``twice_cents`` is what contracts
    declare of the same financements beyond once. ``common`` gives the name under which each convention, or pilier, is
    put together with those of the other contracts: by table, then by contract and key.
    """

    findings: tuple[Finding, ...]
    counts: Mapping[str, int]
    twice_cents: int
    common: Mapping[str, Mapping[tuple[str, object], str]]


def compare(tables: PortfolioTables, names: CommonNames) -> AcrossContracts:
    """Set all contracts beside one another; one contract alone has nothing to be compared with."""
    titles = {table: list(_titles(tables, table)) for table in NAMED_TABLES}
    common = {table: _common(table, own, names) for table, own in titles.items()}
    if len(tables.contracts) < 2:
        return AcrossContracts((), {}, 0, common)
    shared = shared_financing(tables, names)
    findings = [
        *shared.findings,
        *distant_amounts(tables, names),
        *shared_quarters(tables),
        *shared_partners(tables, names),
        *_alone("conventions", titles["conventions"], names),
    ]
    return AcrossContracts(tuple(bounded(findings)), counts_of(findings), shared.twice_cents, common)


@dataclass(frozen=True, slots=True)
class _Title:
    spot: ContractCell
    text: str


def _titles(tables: PortfolioTables, table: str) -> Iterator[_Title]:
    for row in tables.rows(table, ("titre",)):
        yield _Title(ContractCell(tables.contracts[row.contrat], row), row.values.get("titre") or "")


def _common(table: str, titles: Iterable[_Title], names: CommonNames) -> Mapping[tuple[str, object], str]:
    """The common name of each title: the declared one, else the spelling that most contracts use."""
    listed = list(titles)
    spellings: defaultdict[str, list[str]] = defaultdict(list)
    for title in listed:
        spellings[name_key(title.text)].append(title.text)
    usual = {key: most_common(texts) for key, texts in spellings.items()}
    return {
        (title.spot.row.contrat, title.spot.row.key[0]): names.known(table, title.text) or usual[name_key(title.text)]
        for title in listed
    }


def _alone(table: str, titles: Iterable[_Title], names: CommonNames) -> Iterator[Finding]:
    """The titles that no list of names and no other contract has: each once, with the nearest one."""
    by_key: defaultdict[str, list[_Title]] = defaultdict(list)
    for title in titles:
        by_key[name_key(title.text)].append(title)
    alone = [
        group
        for group in by_key.values()
        if len(contracts_of(group)) == 1 and names.known(table, group[0].text) is None
    ]
    others = [group[0].text for group in by_key.values() if len(contracts_of(group)) > 1]
    reachable = within_reach((group[0].text for group in alone), others)
    for first, *more in alone:
        near = names.near(table, first.text, others) if first.text in reachable else None
        yield finding(
            "titre-sans-correspondance", first.spot.place, champ="titre", valeur=first.text, attendu=near,
            liees=links(more), quoi=_WORDS[table], table=table,
            proche=f" ; « {near} » lui ressemble." if near else ".", nom=near or "Nom commun",
        )  # fmt: skip
