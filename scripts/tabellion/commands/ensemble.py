"""``tabellion ensemble``: many contracts, each taken in a process of its own, put together in one folder.

What came of a contract is put in its place whatever came first, and what nothing has changed is taken as it was: the
outputs depend on the contracts alone.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tabellion import __version__
from tabellion.campaign.parsed_return import digest_of
from tabellion.campaign.read_returns import digest_of_folder
from tabellion.commands.sent_contracts import SendingMapper
from tabellion.commands.take_contract import PURPOSE, ContractTask, TakenContract, TakeOptions, take_contract
from tabellion.contract.folders import SETTINGS_FILE, STAGING, find_root
from tabellion.contract.workspace import starter_kit
from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.layout.theme import load_theme
from tabellion.portfolio.board import BoardContract, Freshness, Portfolio, findings_of, vanished, without_doubles
from tabellion.portfolio.common_names import NAMES_FILE, CommonNames, load_common_names
from tabellion.portfolio.listing import ContractListing, FoundContract, list_contracts
from tabellion.portfolio.mapper import LocalMapper, Mapper, TaskLimits, TaskOutcome
from tabellion.portfolio.memory import FOLDER, ContractRecord, PortfolioMemory, load_memory
from tabellion.portfolio.rows import ContractName
from tabellion.reading.limits import MIB
from tabellion.schema import FUNDING_TABLES, load_schemas
from tabellion.transaction import publish, recover
from tabellion.transaction.lock import hold
from tabellion.transaction.manifest import content_digest, digest

if TYPE_CHECKING:
    from tabellion.portfolio.outputs import PortfolioOutputs

#: Where outputs go unless told otherwise, from the folder where the command is given.
DEFAULT_FOLDER = Path("ensemble")
#: The template of the page, in the folder of templates.
TEMPLATE = "ensemble.html"

Advance = Callable[[int, int, str], None]
"""Called with how many contracts are done, of how many, and which one was the last."""


@dataclass(frozen=True)
class EnsembleRun:
    """What was done: the contracts put together, where; how many were as before; whether an output is new; what there
    is to say.
    """

    portfolio: Portfolio
    folder: Path
    unchanged: int
    written: bool
    findings: tuple[Finding, ...]


def ensemble(
    folders: Sequence[Path],
    target: Path,
    now: datetime,
    mapper_for: Callable[[ContractListing], AbstractContextManager[Mapper]],
    *,
    reads_only: bool = False,
    advance: Advance | None = None,
) -> EnsembleRun:
    """Put the contracts of these folders together in ``target``; all outputs are put in place together, or none.

    Each contract is consolidated, under its own lock, or only read (``reads_only``: nothing is written in it). One that
    fails is a line of the board, with the figures of the last time where there are some. Raises :class:`TabellionError`
    when there is no contract at all, a list is wrong, a library is missing, ``target`` is inside a contract, or the
    outputs cannot be written.
    """
    _need_parquet()
    _refuse_contract(target)
    listing = list_contracts(folders)
    names = load_common_names(starter_kit() / "templates" / NAMES_FILE, listing.names, listing.listing)
    with hold(target / FOLDER, PURPOSE, now):
        notices = recover(target, target / FOLDER / STAGING, now=now)
        memory = load_memory(target)
        tasks = [_task(contract, memory, target) for contract in listing.contracts]
        with mapper_for(listing) as mapper:
            taken = _take(mapper, listing, tasks, TakeOptions(now, reads_only), advance)
        contracts, doubles = without_doubles([*_board(listing, taken, memory, now)])
        findings = (*listing.findings, *vanished(memory.contracts, contracts), *doubles, *findings_of(contracts))
        portfolio = Portfolio(listing.titre, tuple(contracts), findings)
        outputs = _outputs(portfolio, names, taken, memory, target)
        placed = _place(outputs, memory, target, now)
    unchanged = sum(outcome.is_unchanged for outcome in taken)
    portfolio = outputs.portfolio
    all_findings = (*notices, *portfolio.findings, *portfolio.comparisons, *placed)
    return EnsembleRun(portfolio, target, unchanged, outputs.is_new, all_findings)


def _need_parquet() -> None:
    """Raise where the library of the dataset is missing: comparisons, and all that is reused from night to night, are
    made of the dataset, so that a workbook made without it would say other things.
    """
    if not _is_there("pyarrow"):
        raise TabellionError([finding("pyarrow-absent", Place(), valeur="pyarrow")])


def _refuse_contract(target: Path) -> None:
    """Raise where outputs would stand inside a contract, whose folder is its own people's."""
    root = find_root(target)
    if root is not None:
        place = Place(str(target))
        refusal = finding(
            "place-reservee", place, champ="--vers", valeur=str(target), lieu=str(root), quoi="un contrat"
        )
        raise TabellionError([refusal])


def _is_there(library: str) -> bool:
    """Whether an optional library is installed, and can be loaded."""
    try:
        importlib.import_module(library)
    except ImportError:
        return False
    return True


def _record(contract: FoundContract, memory: PortfolioMemory) -> ContractRecord | None:
    return memory.contracts.get(str(contract.root.resolve()))


def _task(contract: FoundContract, memory: PortfolioMemory, target: Path) -> ContractTask:
    """What to do of a contract: where its files of the dataset are not what was put there, it is taken again."""
    record, root = _record(contract, memory), contract.root.resolve()
    if record is None or not _is_whole(record, target):
        return ContractTask(root)
    return ContractTask(root, record.taken)


def _is_whole(record: ContractRecord, target: Path) -> bool:
    from tabellion.portfolio.outputs import DATASET

    return all(digest(target / DATASET / path) == known for path, known in record.parts.items())


def _take(
    mapper: Mapper,
    listing: ContractListing,
    tasks: Sequence[ContractTask],
    options: TakeOptions,
    advance: Advance | None,
) -> list[TakenContract]:
    """What came of each contract, in their order."""
    taken = [TakenContract()] * len(tasks)
    for done, outcome in enumerate(mapper.map(take_contract, tasks, constant=options), 1):
        contract = listing.contracts[outcome.position]
        taken[outcome.position] = _result(outcome, contract)
        if advance is not None:
            advance(done, len(tasks), contract.shown)
    return taken


def _result(outcome: TaskOutcome[TakenContract], contract: FoundContract) -> TakenContract:
    """What came of one contract, whose process may not have survived it."""
    if outcome.result is not None:
        return outcome.result
    words = outcome.failure.kind.value if outcome.failure is not None else "sans raison connue"
    return TakenContract(findings=(finding("contrat-interrompu", Place(contract.shown), valeur=words),))


def _board(
    listing: ContractListing, taken: Iterable[TakenContract], memory: PortfolioMemory, now: datetime
) -> Iterator[BoardContract]:
    """The contracts with what came of them; of one that failed, what was known before."""
    for contract, outcome in zip(listing.contracts, taken, strict=True):
        record = _record(contract, memory)
        if outcome.state is not None:
            state = outcome.state
            name = ContractName(state.identifiant, state.titre, debut=state.debut, fin=state.fin)
            yield BoardContract(
                contract, ContractRecord(name, now, outcome.taken, state, {}), Freshness.CURRENT, outcome.findings
            )
        elif outcome.is_unchanged:
            yield BoardContract(contract, record, Freshness.CURRENT)
        else:
            freshness = Freshness.ABSENT if record is None else Freshness.CARRIED
            yield BoardContract(contract, record, freshness, outcome.findings)


def _outputs(
    portfolio: Portfolio, names: CommonNames, taken: Sequence[TakenContract], memory: PortfolioMemory, target: Path
) -> PortfolioOutputs:
    import pyarrow as pa

    from tabellion.portfolio.outputs import make_outputs

    kit = starter_kit()
    schemas = load_schemas(kit / "schemas", optional=FUNDING_TABLES)
    program = digest_of([
        __version__, pa.__version__, digest_of_folder(Path(__file__).parents[1], "*.py"),
        digest_of_folder(kit / "templates", "*"), repr((names.titles, names.acronyms, sorted(names.generic))),
    ])  # fmt: skip
    return make_outputs(
        portfolio,
        [{part.path: part.content for part in outcome.parts} for outcome in taken],
        memory,
        target,
        theme=load_theme(kit / "templates" / "contrat.toml", schemas),
        template=kit / "templates" / TEMPLATE,
        names=names,
        program=program,
    )


def _place(outputs: PortfolioOutputs, memory: PortfolioMemory, target: Path, now: datetime) -> list[Finding]:
    """Put the outputs in place; of what somebody wrote since into the workbook or the page, a dated copy is kept.

    Not so of the dataset: nobody types in its files, and who reads it takes every file of its folders.
    """
    from tabellion.portfolio.outputs import DATASET, PAGE, WORKBOOK

    if not outputs.new:
        return []
    known = {name: memory.outputs[name] for name in (WORKBOOK, PAGE) if name in memory.outputs}
    new = {name: content_digest(outputs.new[name]) for name in (WORKBOOK, PAGE) if name in outputs.new}
    edited = [target / name for name in new if digest(target / name) not in (known.get(name), new[name], None)]
    before = {*memory.outputs, *(f"{DATASET}/{path}" for record in memory.contracts.values() for path in record.parts)}
    over = [target / path for path in sorted(before) if path not in outputs.new and path not in outputs.kept]
    return publish(
        target,
        target / FOLDER / STAGING,
        {target / path: content for path, content in outputs.new.items()},
        [path for path in over if path.exists()],
        edited=edited,
        now=now,
        known={target / name: sha256 for name, sha256 in known.items()},
    )


@contextmanager
def mapper_of(listing: ContractListing, dask: str = "", *, reads_only: bool = False) -> Iterator[Mapper]:
    """What takes the contracts, with the limits that the list sets: this machine, or the cluster at the address
    ``dask`` (or that of the list), whose machines see the contracts at the same paths, or are sent those that are only
    read.

    Raises :class:`TabellionError` where the cluster cannot be used.
    """
    limits, address = TaskLimits(listing.memoire_mo * MIB, listing.minutes * 60.0), dask or listing.dask
    if not address:
        yield LocalMapper(limits=limits)
        return
    if not _is_there("distributed"):
        raise TabellionError([finding("cluster-sans-bibliotheque", Place(address), valeur="distributed")])
    from tabellion.portfolio.cluster import ClusterMapper, open_cluster

    with open_cluster(address) as client:
        mapper = ClusterMapper(client, limits)
        settings = (contract.root.resolve() / SETTINGS_FILE for contract in listing.contracts)
        seen = {path: known for path in settings if (known := digest(path)) is not None}
        if mapper.sees(seen):
            yield mapper
        elif reads_only:
            yield SendingMapper(mapper)
        else:
            raise TabellionError([finding("cluster-sans-partage", Place(address), valeur=address)])
