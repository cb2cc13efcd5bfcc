"""One contract of many: consolidated, or only read, and what it gives to all of them put together.

It is what a mapper does to each contract, in a process of its own: from a path and options to plain data. Whatever goes
wrong with one contract is said of it. Heavy imports wait for a contract in which something has changed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tabellion.commands.unchanged import FolderDigests, UnchangedCheck, next_due, says_the_same
from tabellion.contract.folders import SETTINGS_FILE, Folders
from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.outputs.state import STATE_FILE
from tabellion.portfolio.memory import TakenFrom
from tabellion.portfolio.state import ContractState
from tabellion.processes import collect_run
from tabellion.transaction.stored import read_stored
from tabellion.wording import system_reason

if TYPE_CHECKING:
    from tabellion.campaign.model import Consolidation
    from tabellion.portfolio.parquet import DatasetPart

PURPOSE = "tabellion ensemble"
#: What keeps a run from writing in a contract, and nobody from reading it.
_NOT_TO_WRITE = frozenset(("espace-occupe", "place-prise", "verrou-impossible"))


@dataclass(frozen=True, slots=True)
class ContractTask:
    """One contract to take: its folder, and what it was last taken from (``None``: it is taken in any case)."""

    root: Path
    known: TakenFrom | None = None


@dataclass(frozen=True, slots=True)
class TakeOptions:
    """What is the same for all contracts: the moment of the run; whether nothing at all is written into any of them."""

    now: datetime
    reads_only: bool


@dataclass(frozen=True, slots=True)
class TakenContract:
    """What came of one contract: it ``is_unchanged``, or its ``state`` and its files of the dataset.

    ``findings`` say why it has neither, or what else there is to say. ``taken`` is ``None`` where another try may say
    something else.
    """

    is_unchanged: bool = False
    state: ContractState | None = None
    parts: tuple[DatasetPart, ...] = ()
    taken: TakenFrom | None = None
    findings: tuple[Finding, ...] = ()


def take_contract(task: ContractTask, options: TakeOptions) -> TakenContract:
    """Take one contract. Raises nothing that a contract can cause, but for what its process does not survive."""
    folders, now = Folders(task.root), options.now
    try:
        if not (folders.root / SETTINGS_FILE).is_file():
            place = Place(str(folders.root))
            raise TabellionError([finding("dossier-sans-contrat", place, valeur=str(folders.root))])
        before = FolderDigests.of(folders)
        if is_as_known(task, before, options):
            return TakenContract(is_unchanged=True)
        try:
            return _read(folders, before, now) if options.reads_only else _consolidate_or_read(folders, before, now)
        finally:  # many contracts are taken by one process
            collect_run()
    except TabellionError as error:
        return TakenContract(findings=error.findings)
    except OSError as error:
        place, detail = Place(str(folders.root)), system_reason(error)
        return TakenContract(
            findings=(finding("dossier-de-contrats-illisible", place, valeur=str(folders.root), detail=detail),)
        )


def _consolidate_or_read(folders: Folders, before: FolderDigests, now: datetime) -> TakenContract:
    """Consolidate a contract; where it is being worked on, or is not this account's to write in, read it and say so."""
    try:
        return _consolidate(folders, before, now)
    except TabellionError as error:
        if not _NOT_TO_WRITE.issuperset(item.code for item in error.findings):
            raise
        place, why = Place(str(folders.root)), error.findings[0].message
        notice = finding("contrat-seulement-lu", place, detail=why)
        return replace(_read(folders, before, now), taken=None, findings=(notice,))


def is_as_known(task: ContractTask, now_there: FolderDigests, options: TakeOptions) -> bool:
    """Whether a contract, whose files are ``now_there``, would give what it gave the last time."""
    known = task.known
    return known is not None and known.holds(options.now) and now_there == FolderDigests(known.inputs, known.outputs)


def _consolidate(folders: Folders, before: FolderDigests, now: datetime) -> TakenContract:
    from tabellion.commands.consolidate import consolidate
    from tabellion.contract.workspace import find_workspace

    run = consolidate(find_workspace(folders.root), now, purpose=PURPOSE)
    lasting = UnchangedCheck(folders, before, None).lasting(run, now)
    taken = None if lasting is None else TakenFrom(lasting[0].inputs, lasting[0].outputs, now, lasting[1])
    return _taken(run.consolidation, run.notices, taken, run.consolidation.made)


def _read(folders: Folders, before: FolderDigests, now: datetime) -> TakenContract:
    """The contract as it would be consolidated now: it is another's, in which nothing is written."""
    from tabellion.commands.consolidate import look_at_campaign
    from tabellion.contract.workspace import find_workspace

    consolidation = look_at_campaign(find_workspace(folders.root), now)
    is_steady = before == FolderDigests.of(folders) and says_the_same(consolidation, consolidation.findings, now)
    taken = TakenFrom(before.inputs, before.outputs, now, next_due(consolidation, now)) if is_steady else None
    return _taken(consolidation, (), taken, _last_made(folders))


def _taken(
    consolidation: Consolidation, notices: tuple[Finding, ...], taken: TakenFrom | None, made: datetime | None
) -> TakenContract:
    from tabellion.portfolio.parquet import contract_parts
    from tabellion.portfolio.state import state_of

    parts = tuple(contract_parts(consolidation, [*notices, *consolidation.findings]))
    return TakenContract(state=state_of(consolidation, notices, made), parts=parts, taken=taken)


def _last_made(folders: Folders) -> datetime | None:
    """When the outputs in place were first reached; ``None`` where there are none that say it."""
    path = folders.consolidation / STATE_FILE
    return read_stored(path, lambda content: datetime.fromisoformat(content["etat"]["fait_le"]))
