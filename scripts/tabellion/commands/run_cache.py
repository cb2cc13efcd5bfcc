"""What a process that stays on keeps from one run to the next, each under a digest of all that it was made from.

The invariant: a run with a cache reads, says and writes what a run without one does, byte for byte.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tabellion.campaign.decisions import Decisions
from tabellion.campaign.journal import Journal
from tabellion.campaign.read_returns import KnownReturns
from tabellion.commands.source import Source, load_source
from tabellion.commands.unchanged import PASSING, contract_digest
from tabellion.contract.workspace import Workspace


@dataclass(frozen=True)
class _CachedSource:
    """A contract that was loaded: from what, with which decisions, and the readings of the journal that it needs."""

    digest: str
    decisions: Decisions
    readings: frozenset[tuple[str, str]]
    source: Source


@dataclass
class RunCache:
    """The returns and the contract as the last run read them."""

    returns: KnownReturns = field(default_factory=KnownReturns)
    _known: _CachedSource | None = None

    def source(self, workspace: Workspace, journal: Journal, decisions: Decisions) -> Source:
        """What :func:`load_source` gives, from the last run where nothing of it has changed since."""
        before, known = contract_digest(workspace), self._known
        is_known = known is not None and (known.digest, known.decisions) == (before, decisions)
        if known is not None and is_known and not journal.need(known.readings):
            return known.source
        asked = frozenset(journal.asked)
        source = load_source(workspace, journal, decisions)
        is_sure = contract_digest(workspace) == before and not source.state.saves.answered.was_asked
        is_sure &= not any(finding.code.startswith(PASSING) for finding in source.findings)
        self._known = _CachedSource(before, decisions, frozenset(journal.asked - asked), source) if is_sure else None
        return source
