"""The rows of many contracts, as what looks across contracts reads them: each with its contract, its key, its cell.

Comparisons are pure functions from :class:`PortfolioTables` to findings; they neither know nor ask where rows are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from tabellion.findings import Place
from tabellion.schema import Key
from tabellion.schema.tables import Row

#: The tables that are put together, under the names of the register, each with the name of its folder in the dataset.
DATASET_TABLES: Mapping[str, str] = {
    "piliers": "piliers",
    "conventions": "conventions",
    "axes": "axes",
    "collectivites": "collectivites",
    "quartiers": "quartiers",
    "financeurs": "financeurs",
    "partenaires": "partenaires",
    "fiches": "fiches",
    "participations": "participations",
    "suivis": "suivis",
    "financements": "financements",
    "subventions": "subventions",
    "lignes_budgetaires": "lignes",
    "totaux_publies": "totaux_publies",
}
#: Those of which each row is of an exercice, or of none: their files are apart by it.
DATED_TABLES = frozenset(("suivis", "financements", "lignes_budgetaires", "totaux_publies"))


@dataclass(frozen=True, slots=True)
class ContractName:
    """Which contract: ``identifiant`` is its own, unique among those put together; the rest is what people read.

    ``debut`` and ``fin`` are its first and its last year. ``region`` and ``departement`` may be empty.
    """

    identifiant: str
    nom: str
    region: str = ""
    departement: str = ""
    debut: int = 0
    fin: int = 0


@dataclass(frozen=True, slots=True)
class PortfolioRow:
    """One row of one table of one contract.

    ``contrat`` is the identifiant of the contract, ``table`` the register's name of the table, ``key`` the row's
    primary key there. ``values`` are the fields asked for: amounts are integer cents, ``None`` is blank, as in the
    contract's own tables; of a field that the contract's schema has not, there is no value. ``place`` is the row's
    first cell, its file named from the contract's identifiant: ``nimes-2030/contrat.xlsx``. ``places`` are the cells of
    the amounts, by field: they may stand in a partner's return.
    """

    contrat: str
    table: str
    key: Key
    values: Row
    place: Place
    places: Mapping[str, Place]

    def where(self, champ: str) -> Place:
        """The cell of a field; the row's first cell where its own is not kept."""
        return self.places.get(champ, self.place)


class PortfolioTables(Protocol):
    """The tables of all contracts."""

    @property
    def contracts(self) -> Mapping[str, ContractName]:
        """The contracts by identifiant, in the order of the board."""

    def rows(self, table: str, fields: Sequence[str]) -> Iterator[PortfolioRow]:
        """The rows of a table (a key of :data:`DATASET_TABLES`), contract after contract in the order of
        :attr:`contracts`, each contract's in its own order; of contracts that have no such table, none."""
