"""Quartiers by their official code: one code under two names, or one name with two codes. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from tabellion.findings import Finding, finding
from tabellion.portfolio.common_names import name_key
from tabellion.portfolio.compared import ContractCell, links, most_common, names_of
from tabellion.portfolio.rows import PortfolioTables

#: A code begins with its generation (QP: of 2014, QN: of 2024) and its département.
_GENERATION, _DEPARTEMENT = 2, 5


@dataclass(frozen=True, slots=True)
class _Quarter:
    spot: ContractCell
    name: str
    code: str
    town: str


def shared_quarters(tables: PortfolioTables) -> Iterator[Finding]:
    """What contracts say differently of the same quartier."""
    quarters = [
        _Quarter(
            ContractCell(tables.contracts[row.contrat], row), row.values["nom"], row.values["code_qpv"],
            name_key(row.values.get("commune") or ""),
        )
        for row in tables.rows("quartiers", ("nom", "code_qpv", "commune"))
        if row.values.get("nom") and row.values.get("code_qpv")
    ]  # fmt: skip
    by_code: defaultdict[str, list[_Quarter]] = defaultdict(list)
    by_name: defaultdict[tuple[str, ...], list[_Quarter]] = defaultdict(list)
    for quarter in quarters:
        by_code[quarter.code].append(quarter)
        if quarter.town:
            by_name[name_key(quarter.name), quarter.code[:_DEPARTEMENT], quarter.town].append(quarter)
    for group in by_code.values():
        yield from _two_names(group)
    for group in by_name.values():
        yield from _two_codes(group)


def _two_names(group: list[_Quarter]) -> Iterator[Finding]:
    usual = most_common(name_key(quarter.name) for quarter in group)
    reference = next(quarter for quarter in group if name_key(quarter.name) == usual)
    others: defaultdict[str, list[_Quarter]] = defaultdict(list)
    for quarter in group:
        if name_key(quarter.name) != usual:
            others[name_key(quarter.name)].append(quarter)
    for first, *more in others.values():
        yield finding(
            "quartier-deux-noms", first.spot.place, champ="nom", valeur=first.name, attendu=reference.name,
            liees=links([reference, *more]),
            quartier=first.code, contrat=names_of([reference.spot.contract]),
        )  # fmt: skip


def _two_codes(group: list[_Quarter]) -> Iterator[Finding]:
    """One name in one town, with two codes of one generation; elsewhere, many quartiers bear the same name."""
    by_generation: defaultdict[str, list[_Quarter]] = defaultdict(list)
    for quarter in group:
        by_generation[quarter.code[:_GENERATION]].append(quarter)
    for quarters in by_generation.values():
        usual = most_common(quarter.code for quarter in quarters)
        reference = next(quarter for quarter in quarters if quarter.code == usual)
        firsts = {quarter.code: quarter for quarter in reversed(quarters) if quarter.code != usual}
        for first in reversed(firsts.values()):
            if first.spot.contract.identifiant != reference.spot.contract.identifiant:
                yield finding(
                    "quartier-deux-codes", first.spot.place, champ="code_qpv", valeur=first.code, attendu=usual,
                    liees=links([reference]), nom=first.name, contrat=names_of([reference.spot.contract]),
                )  # fmt: skip
