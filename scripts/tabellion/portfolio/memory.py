"""What is remembered of the last time that contracts were put together: of each, what it was made of and what it said.

A contract whose files are the same, and of which no day has changed anything since, is taken from here. Deleting the
memory loses time, never data; what is in it is checked before it is believed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from tabellion.findings import Finding
from tabellion.portfolio.rows import ContractName
from tabellion.portfolio.state import ContractState

#: The hidden folder of the outputs, and the file in it.
FOLDER, MEMORY_FILE = ".tabellion", "contrats.json"
_VERSION = 1


@dataclass(frozen=True, slots=True)
class TakenFrom:
    """What a contract was taken from: the digests of the files that people change and of those that its runs write.

    It holds from ``since`` to the end of the day ``until`` (``None``: always), after which partners are late.
    """

    inputs: str
    outputs: str
    since: datetime
    until: date | None

    def holds(self, now: datetime) -> bool:
        """Whether time alone has changed nothing."""
        return self.since <= now and (self.until is None or now.date() <= self.until)


@dataclass(frozen=True, slots=True)
class ContractRecord:
    """One contract as it was last taken: ``taken`` is ``None`` where another try may say something else.

    ``read`` is when it was read, ``parts`` the SHA-256 of its files of the dataset, by path there.
    """

    name: ContractName
    read: datetime
    taken: TakenFrom | None
    state: ContractState
    parts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PortfolioMemory:
    """All contracts by the folder that they were found in; the SHA-256 of the other outputs by path; what comparisons
    said; the digest of the columns of each folder of the dataset, and of all that the outputs were made of.
    """

    contracts: Mapping[str, ContractRecord] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    comparisons: tuple[Finding, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    digest: str = ""
    version: int = _VERSION


def load_memory(folder: Path) -> PortfolioMemory:
    """The memory of the outputs in ``folder``; an empty one where there is none, or none that this program wrote."""
    from pydantic import TypeAdapter, ValidationError

    try:
        content = (folder / FOLDER / MEMORY_FILE).read_bytes()
        memory = TypeAdapter(PortfolioMemory).validate_json(content)
    except (OSError, ValidationError):
        return PortfolioMemory()
    return memory if memory.version == _VERSION else PortfolioMemory()


def memory_json(memory: PortfolioMemory) -> bytes:
    """The memory as it is kept."""
    from pydantic import TypeAdapter

    return TypeAdapter(PortfolioMemory).dump_json(memory, indent=1)


def sha256(content: bytes) -> str:
    """What is kept of a content to know it again."""
    return hashlib.sha256(content).hexdigest()
