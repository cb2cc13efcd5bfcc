"""The contracts put together: what came of each tonight, and which of them count."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from tabellion.findings import Finding, Place, finding
from tabellion.portfolio.listing import FoundContract
from tabellion.portfolio.memory import ContractRecord
from tabellion.portfolio.rows import ContractName
from tabellion.wording import fold, plural


class Freshness(Enum):
    """Where the figures of a contract are from."""

    CURRENT = "à jour"
    CARRIED = "repris d'avant"
    ABSENT = "pas lu"
    DOUBLE = "en double"


@dataclass(frozen=True)
class BoardContract:
    """One contract of the board: where it was found, what is known of it (``None``: nothing), what went wrong tonight.

    Where something went wrong, its record is the one of an earlier night.
    """

    source: FoundContract
    record: ContractRecord | None
    freshness: Freshness
    failures: tuple[Finding, ...] = ()

    @property
    def counts(self) -> bool:
        """Whether its figures are in the totals."""
        return self.record is not None and self.freshness is not Freshness.DOUBLE

    @property
    def name(self) -> ContractName:
        """Who it is, as the list and the contract itself say it; of one that was never read, its folder."""
        source, record = self.source, self.record
        if record is None:
            return ContractName("", source.nom or source.root.name, source.region, source.departement)
        return replace(
            record.name, nom=source.nom or record.state.titre, region=source.region, departement=source.departement
        )


@dataclass(frozen=True)
class Portfolio:
    """All contracts, in the order in which they were found or listed; ``titre`` is what the list calls them.

    ``findings`` are what is to be said of them together, ``comparisons`` what is seen only with them side by side.
    """

    titre: str
    contracts: tuple[BoardContract, ...]
    findings: tuple[Finding, ...] = ()
    comparisons: tuple[Finding, ...] = ()

    @property
    def counted(self) -> list[BoardContract]:
        """The contracts whose figures count."""
        return [contract for contract in self.contracts if contract.counts]


def without_doubles(contracts: Sequence[BoardContract]) -> tuple[list[BoardContract], list[Finding]]:
    """The contracts, of those with one identifiant only the first counting; and what is said of the others."""
    first: dict[str, BoardContract] = {}
    kept, findings = list[BoardContract](), list[Finding]()
    for contract in contracts:
        if contract.record is not None:
            identifiant = contract.record.state.identifiant
            other = first.setdefault(fold(identifiant), contract)
            if other is not contract:
                shown = contract.source.shown
                findings.append(
                    finding(
                        "contrat-en-double", Place(shown), valeur=shown, attendu=other.source.shown,
                        identifiant=identifiant,
                    )
                )  # fmt: skip
                contract = replace(contract, freshness=Freshness.DOUBLE)
        kept.append(contract)
    return kept, findings


def findings_of(contracts: Iterable[BoardContract]) -> Iterator[Finding]:
    """What is said of each contract: that it could not be taken, or only be read, or that something in it blocks."""
    for contract in contracts:
        place, record = Place(contract.source.shown), contract.record
        if contract.freshness is Freshness.CURRENT:
            yield from contract.failures
        elif contract.failures:
            first = contract.failures[0]
            reprise = "Ses chiffres ne sont pas comptés."
            if contract.counts and record is not None:
                reprise = f"Ses chiffres sont ceux du {record.read:%d/%m/%Y à %Hh%M}."
            yield finding(
                "contrat-non-pris", place, valeur=contract.name.nom, detail=first.message, reprise=reprise,
                remede=first.suggestion,
            )  # fmt: skip
        if record is not None and contract.freshness is Freshness.CURRENT and record.state.bloquants:
            state = record.state
            count = plural(state.bloquants, "constat bloquant", "constats bloquants")
            detail = state.blockers[0].message if state.blockers else ""
            yield finding("contrat-a-corriger", place, valeur=contract.name.nom, compte=count, detail=detail)


def vanished(before: Mapping[str, ContractRecord], contracts: Iterable[BoardContract]) -> Iterator[Finding]:
    """What is said of contracts that were there the last time and are not any more; one that was moved is there."""
    contracts_now = list(contracts)
    roots = {str(contract.source.root.resolve()) for contract in contracts_now}
    identifiants = {contract.name.identifiant for contract in contracts_now}
    for root, record in before.items():
        if (
            root not in roots
            and record.name.identifiant not in identifiants
            and not Path(root, "tabellion.toml").is_file()
        ):
            yield finding("contrat-disparu", Place(root), valeur=record.name.nom, attendu=root)
