"""What contracts put together give: the files of the dataset, the table of contracts, the workbook, the page.

All files of one table have the same columns. Those that are there already as they are to be are named, not made again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tabellion.campaign.parsed_return import digest_of
from tabellion.findings import Place, finding
from tabellion.layout.theme import Theme
from tabellion.portfolio.board import BoardContract, Portfolio
from tabellion.portfolio.common_names import CommonNames
from tabellion.portfolio.comparison import compare
from tabellion.portfolio.dataset import Dataset, comparisons_file, contracts_file
from tabellion.portfolio.figures import PortfolioFigures
from tabellion.portfolio.memory import FOLDER, MEMORY_FILE, PortfolioMemory, memory_json, sha256
from tabellion.portfolio.page import render_portfolio
from tabellion.portfolio.parquet import Kinds, common_kinds, dataset_kinds, fitted
from tabellion.portfolio.rows import DATASET_TABLES
from tabellion.portfolio.workbook import write_ensemble

WORKBOOK, PAGE, DATASET = "ensemble.xlsx", "ensemble.html", "jeu"

NewParts = Mapping[str, bytes]
"""The files of the dataset that a contract has given anew, by path in it; none where it is as it was."""


@dataclass(frozen=True)
class PortfolioOutputs:
    """What there is to put in place, by path from the folder of the outputs: ``new`` is what is not there already.

    ``kept`` are the paths that stay as they are; ``is_new`` is false where only the memory of the run is to be written.
    """

    portfolio: Portfolio
    new: Mapping[str, bytes]
    kept: frozenset[str]
    is_new: bool


def make_outputs(
    portfolio: Portfolio,
    parts: Sequence[NewParts],
    memory: PortfolioMemory,
    target: Path,
    *,
    theme: Theme,
    template: Path,
    names: CommonNames,
    program: str,
) -> PortfolioOutputs:
    """Make the outputs of a portfolio, the ``parts`` of each of its contracts beside it, in the folder ``target``.

    ``program`` stands for the program, the theme, the template and the ``names`` that are one: where it is another
    one, all is made again.
    Raises :class:`TabellionError` where the template is wrong.
    """
    portfolio, columns = _with_misfits(portfolio)
    prints = {folder: digest_of([*kinds.items()]) for folder, kinds in columns.items()}
    fitting = {folder: kinds for folder, kinds in columns.items() if memory.columns.get(folder) != prints[folder]}
    contracts, files = list[BoardContract](), dict[str, bytes | Path]()
    for contract, new_parts in zip(portfolio.contracts, parts, strict=True):
        own = dict(_fitted(contract, new_parts, columns, fitting, target / DATASET)) if contract.counts else {}
        if contract.record is not None:
            known = {path: _print(content, contract.record.parts.get(path)) for path, content in own.items()}
            contract = replace(contract, record=replace(contract.record, parts=known))
        files |= own
        contracts.append(contract)
    portfolio = replace(portfolio, contracts=tuple(contracts))
    remembered = PortfolioMemory(
        {str(contract.source.root.resolve()): contract.record for contract in contracts if contract.record is not None},
        columns=prints,
    )
    digest = digest_of([program, memory_json(remembered).decode(), _named(portfolio)])
    path, content = contracts_file(contracts)
    new = {f"{DATASET}/{path}": content for path, content in files.items() if isinstance(content, bytes)}
    others = {f"{DATASET}/{path}": content}
    if digest == memory.digest and not new and all((target / name).exists() for name in memory.outputs):
        kept = frozenset((*memory.outputs, *(f"{DATASET}/{path}" for path in files)))
        return PortfolioOutputs(replace(portfolio, comparisons=memory.comparisons), {}, kept, is_new=False)
    states = [contract.record.state for contract in portfolio.counted if contract.record is not None]
    dataset = Dataset(
        {contract.name.identifiant: contract.name for contract in portfolio.counted},
        {path: content if isinstance(content, bytes) else target / DATASET / path for path, content in files.items()},
        {state.identifiant: state.keys for state in states},
    )
    across = compare(dataset, names)
    portfolio = replace(portfolio, comparisons=across.findings)
    figures = PortfolioFigures(
        portfolio, {table: _by_title(dataset, table, common) for table, common in across.common.items()}
    )
    others |= {f"{DATASET}/{path}": content for path, content in [comparisons_file(across.findings)]}
    others[WORKBOOK] = write_ensemble(figures, theme, target)
    others[PAGE] = render_portfolio(figures, theme, template, target)
    outputs = {name: sha256(made) for name, made in others.items()}
    is_new = bool(new) or outputs != memory.outputs
    remembered = replace(remembered, outputs=outputs, comparisons=across.findings, digest=digest)
    new |= others | {f"{FOLDER}/{MEMORY_FILE}": memory_json(remembered)}
    kept = frozenset(f"{DATASET}/{path}" for path, content in files.items() if isinstance(content, Path))
    return PortfolioOutputs(portfolio, new, kept, is_new)


def _by_title(dataset: Dataset, table: str, common: Mapping[tuple[str, object], str]) -> dict[tuple[str, str], str]:
    """The common name of each pilier, or convention, by its contract and the title that it has there."""
    return {
        (row.contrat, title): common[row.contrat, row.key[0]]
        for row in dataset.rows(table, ("titre",))
        if (title := row.values.get("titre")) is not None
    }


def _with_misfits(portfolio: Portfolio) -> tuple[Portfolio, dict[str, Kinds]]:
    """The kinds of the columns of each folder of the dataset, and what is said of fields of several kinds."""
    kinds = [contract.record.state.kinds for contract in portfolio.counted if contract.record is not None]
    common, misfits = common_kinds(kinds)
    mixed = [
        finding("champ-de-plusieurs-types", Place(), champ=name, valeur=table, attendu=", ".join(sorted(kinds_found)))
        for (table, name), kinds_found in sorted(misfits.items())
    ]
    columns = {DATASET_TABLES[table]: dataset_kinds(table, fields) for table, fields in common.items()}
    return replace(portfolio, findings=(*portfolio.findings, *mixed)), columns


def _fitted(
    contract: BoardContract,
    new_parts: NewParts,
    columns: Mapping[str, Kinds],
    fitting: Mapping[str, Kinds],
    folder: Path,
) -> Iterator[tuple[str, bytes | Path]]:
    """The files of one contract with the columns of all: its new ones, or those in place that stay as they are."""
    for path, content in new_parts.items():
        kinds = columns.get(path.partition("/")[0])
        yield path, content if kinds is None else fitted(content, kinds)
    known = {} if new_parts or contract.record is None else contract.record.parts
    for path in (path for path in known if (folder / path).is_file()):
        kinds = fitting.get(path.partition("/")[0])
        yield path, folder / path if kinds is None else fitted((folder / path).read_bytes(), kinds)


def _print(content: bytes | Path, known: str | None) -> str:
    return sha256(content) if isinstance(content, bytes) else known or ""


def _named(portfolio: Portfolio) -> list[object]:
    """What the outputs say besides what is remembered of contracts."""
    return [
        portfolio.titre,
        [
            [repr(contract.name), contract.source.shown, contract.freshness.value, repr(contract.failures)]
            for contract in portfolio.contracts
        ],
        [repr(item) for item in portfolio.findings],
    ]
