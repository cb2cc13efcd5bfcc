"""The contracts to put together: found under folders, or listed in ``ensemble.toml`` with their region and department.

What is odd (a folder inside another contract, one that is a link, that cannot be read, that is listed twice or missing)
is said, and the others count.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from tabellion.campaign.leftovers import leftover_kind
from tabellion.contract.folders import SETTINGS_FILE, Folders
from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.layout.mistakes import read_model
from tabellion.portfolio.common_names import SECTIONS
from tabellion.wording import system_reason

LISTING_FILE = "ensemble.toml"
#: How many folders deep contracts are looked for: a region's share has one for each department, town and year.
_DEPTH = 6
#: What a contract has inside itself, where no other one is looked for.
_INSIDE = frozenset(("workbooks", "schemas", "templates"))
_TEXT = "un texte entre guillemets"


class _ContractKeys(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    dossier: str = Field(pattern=r"\S", description="le dossier d'un contrat, entre guillemets")
    nom: str = Field(default="", description=_TEXT)
    region: str = Field(default="", description=_TEXT)
    departement: str = Field(default="", description=_TEXT)


class _LimitKeys(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    memoire_mo: int = Field(default=4096, ge=512, le=1_048_576, description="un nombre de mégaoctets, au moins 512")
    minutes: int = Field(default=30, ge=1, le=1440, description="un nombre de minutes, de 1 à 1440")


class _ListingKeys(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    titre: str = Field(default="", description=_TEXT)
    dask: str = Field(default="", description="l'adresse d'un cluster, comme \"tcp://machine:8786\"")
    contrat: list[_ContractKeys] = Field(default_factory=list, description="des parties [[contrat]]")
    conventions: dict[str, object] = Field(default_factory=dict, description="une partie [conventions]")
    piliers: dict[str, object] = Field(default_factory=dict, description="une partie [piliers]")
    sigles: dict[str, object] = Field(default_factory=dict, description="une partie [sigles]")
    generiques: dict[str, object] = Field(default_factory=dict, description="une partie [generiques]")
    limites: _LimitKeys = Field(default_factory=_LimitKeys, description="une partie [limites]")


@dataclass(frozen=True, slots=True)
class FoundContract:
    """One contract to take: ``root`` is its folder, ``shown`` that folder as people named it.

    ``nom``, ``region`` and ``departement`` are what the list says (empty where it says nothing, or there is none).
    """

    root: Path
    shown: str
    nom: str = ""
    region: str = ""
    departement: str = ""


@dataclass(frozen=True)
class ContractListing:
    """The contracts to take, in their order, each once; what was odd; what the list sets for all of them.

    ``memoire_mo`` and ``minutes`` are what one contract may use; ``names`` what contracts name otherwise, by the
    sections of :mod:`tabellion.portfolio.common_names`, as the list says it (``listing``, its path);
    ``dask`` the address of a cluster that takes the contracts (empty: this machine does).
    """

    contracts: tuple[FoundContract, ...]
    findings: tuple[Finding, ...]
    titre: str = ""
    memoire_mo: int = 4096
    minutes: int = 30
    names: Mapping[str, object] = field(default_factory=dict)
    listing: str = ""
    dask: str = ""


def list_contracts(folders: Sequence[Path]) -> ContractListing:
    """The contracts of these folders: each is a contract, a list or the folder of one, or has contracts below it.

    Raises :class:`TabellionError` when a list cannot be read, with all its mistakes, and when there is no contract.
    """
    candidates, findings = list[FoundContract](), list[Finding]()
    keys, source = _ListingKeys(), ""
    for folder in folders:
        listing = folder if folder.name == LISTING_FILE else folder / LISTING_FILE
        if listing.is_file():
            keys, source = read_model(listing, _ListingKeys, _mistake), str(listing)
            listed = [_listed(entry, listing) for entry in keys.contrat]
            candidates += listed
            findings += _forgotten(listing.parent, listed)
        else:
            candidates += _below(folder, str(folder), findings)
    contracts = dict[Path, FoundContract]()
    for contract in candidates:
        place = contract.root.resolve()
        if place in contracts:
            findings.append(finding("contrat-deux-fois", Place(contract.shown), valeur=contract.shown))
        else:
            contracts[place] = contract
    if not contracts:
        named = ", ".join(map(str, folders))
        raise TabellionError([*findings, finding("aucun-contrat", Place(named), valeur=named)])
    limits = keys.limites
    return ContractListing(
        tuple(contracts.values()), tuple(findings), keys.titre, limits.memoire_mo, limits.minutes,
        {section: getattr(keys, section) for section in SECTIONS}, source, keys.dask,
    )  # fmt: skip


def _mistake(path: Path, key: str, detail: str) -> Finding:
    return finding("liste-fausse", Place(str(path)), champ=key, detail=detail)


def _listed(keys: _ContractKeys, listing: Path) -> FoundContract:
    shown = Path(keys.dossier)
    root = shown if shown.is_absolute() else listing.parent / shown
    return FoundContract(root, str(root), keys.nom, keys.region, keys.departement)


def _forgotten(folder: Path, listed: Sequence[FoundContract]) -> Iterator[Finding]:
    """Contracts that stand under the folder of a list which does not name them: they are not taken."""
    known = {contract.root.resolve() for contract in listed}
    for contract in _below(folder, str(folder), []):
        if contract.root.resolve() not in known:
            yield finding("contrat-non-liste", Place(contract.shown), valeur=contract.shown)


def _below(folder: Path, shown: str, findings: list[Finding]) -> Iterator[FoundContract]:
    """The contract at ``folder``, or those below it; what is odd goes to ``findings``."""
    if not folder.is_dir():
        findings.append(finding("dossier-de-contrats-absent", Place(shown), valeur=shown))
        return
    yield from _walk(folder, shown, findings, depth=0, outer=None)


def _walk(
    folder: Path, shown: str, findings: list[Finding], *, depth: int, outer: str | None
) -> Iterator[FoundContract]:
    """What is in a folder; ``outer`` is the contract that it is in, whose own folders are left alone."""
    is_contract = (folder / SETTINGS_FILE).is_file()
    if is_contract and outer is not None:
        findings.append(finding("contrat-imbrique", Place(shown), valeur=shown, attendu=outer))
        return
    if is_contract:
        yield FoundContract(folder, shown)
        outer = shown
    elif Folders(folder).contrat.is_file():
        findings.append(finding("contrat-sans-reglages", Place(shown), valeur=shown))
        return
    if depth == _DEPTH:
        return
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        findings.append(
            finding("dossier-de-contrats-illisible", Place(shown), valeur=shown, detail=system_reason(error))
        )
        return
    for entry in entries:
        name = (Path(shown) / entry.name).as_posix()
        if entry.name.startswith(".") or leftover_kind(entry.name, is_folder=True) or (outer and entry.name in _INSIDE):
            continue
        if entry.is_symlink():
            if entry.is_dir() and (Path(entry.path) / SETTINGS_FILE).is_file():
                findings.append(finding("contrat-lie", Place(name), valeur=name))
        elif entry.is_dir():
            yield from _walk(Path(entry.path), name, findings, depth=depth + 1, outer=outer)
