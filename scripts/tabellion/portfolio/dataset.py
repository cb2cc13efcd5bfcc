"""The dataset of all contracts: its files by path, and their rows as comparisons read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tabellion.findings import Finding
from tabellion.portfolio.board import BoardContract
from tabellion.portfolio.parquet import (
    COMPARISONS,
    CONTRACTS,
    FINDING_KINDS,
    FINDINGS,
    contract_folder,
    dataset_kinds,
    finding_columns,
    read_rows,
    reference_of,
    written,
)  # fmt: skip
from tabellion.portfolio.rows import DATASET_TABLES, ContractName, PortfolioRow

#: The columns of the table of the contracts themselves.
_CONTRACT_KINDS: Mapping[str, str] = {
    "contrat": "string", "nom": "string", "titre": "string", "region": "string", "departement": "string",
    "debut": "integer", "fin": "integer", "exercice_courant": "integer", "dossier": "string", "lecture": "string",
    "derniere_nuit": "string", "attendus": "integer", "recus": "integer", "acceptes": "integer", "rejetes": "integer",
    "en_retard": "integer", "a_decider": "integer", "bloquants": "integer", "erreurs": "integer",
    "avertissements": "integer", "informations": "integer",
}  # fmt: skip


@dataclass(frozen=True)
class Dataset:
    """The files of the dataset, by path in it: their bytes where they are new, else where they are.

    ``keys`` are the fields of each contract's primary keys, by identifiant and table.
    """

    contracts: Mapping[str, ContractName]
    files: Mapping[str, bytes | Path]
    keys: Mapping[str, Mapping[str, tuple[str, ...]]]

    @cached_property
    def _by_folder(self) -> dict[str, list[bytes | Path]]:
        """The files of each contract's folder in a table's, in the order of their paths."""
        folders: dict[str, list[bytes | Path]] = {}
        for path, content in sorted(self.files.items(), key=lambda file: file[0]):
            folders.setdefault("/".join(path.split("/")[:2]), []).append(content)
        return folders

    def rows(self, table: str, fields: Sequence[str]) -> Iterator[PortfolioRow]:
        """The rows of a table, as :meth:`tabellion.portfolio.rows.PortfolioTables.rows` says."""
        for identifiant in self.contracts:
            files = self._by_folder.get(f"{DATASET_TABLES[table]}/{contract_folder(identifiant)}", ())
            contents = (content if isinstance(content, bytes) else content.read_bytes() for content in files)
            yield from read_rows(contents, table, self.keys[identifiant].get(table, ()), fields, identifiant)


def comparisons_file(findings: Sequence[Finding]) -> tuple[str, bytes]:
    """What comparisons across contracts say, as a table: its path in the dataset, its bytes."""
    kinds = {
        name: kind for name, kind in dataset_kinds(FINDINGS, FINDING_KINDS).items() if name not in ("annee", "rang")
    } | {"aussi": "string"}
    columns = finding_columns("", findings) | {
        "contrat_id": [(item.place.fichier or "").partition("/")[0] for item in findings],
        "aussi": ["\n".join(map(reference_of, item.liees)) or None for item in findings],
    }
    return f"{COMPARISONS}/{COMPARISONS}.parquet", written(columns, kinds)


def contracts_file(contracts: Sequence[BoardContract]) -> tuple[str, bytes]:
    """The table of the contracts themselves: its path in the dataset, its bytes."""
    columns: dict[str, list[object]] = {name: [] for name in _CONTRACT_KINDS}
    for contract in contracts:
        if not contract.counts or contract.record is None:
            continue
        name, state = contract.name, contract.record.state
        values = {
            "contrat": name.identifiant, "nom": name.nom, "titre": state.titre, "region": name.region or None,
            "departement": name.departement or None, "debut": state.debut, "fin": state.fin,
            "exercice_courant": state.exercice, "dossier": contract.source.shown, "lecture": contract.freshness.value,
            "derniere_nuit": state.made and state.made.isoformat(timespec="seconds"), "attendus": state.attendus,
            "recus": state.recus, "acceptes": state.acceptes, "rejetes": state.rejetes, "en_retard": state.en_retard,
            "a_decider": state.a_decider, "bloquants": state.bloquants, "erreurs": state.erreurs,
            "avertissements": state.avertissements, "informations": state.informations,
        }  # fmt: skip
        for column, value in values.items():
            columns[column].append(value)
    return f"{CONTRACTS}/{CONTRACTS}.parquet", written(columns, _CONTRACT_KINDS)
