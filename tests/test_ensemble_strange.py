"""``tabellion ensemble`` over folders as they are: held, moved, read-only, doubled contracts, and where outputs go."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from support.contract_folders import write_contract
from support.program import contents
from tabellion.commands.ensemble import EnsembleRun, ensemble, mapper_of
from tabellion.contract.folders import Folders
from tabellion.findings import TabellionError
from tabellion.portfolio.board import vanished
from tabellion.transaction.lock import hold

NOW = datetime(2025, 3, 4, 2)


def put_together(contracts: Path) -> EnsembleRun:
    return ensemble([contracts], contracts.parent / "vers", NOW, mapper_of)


def test_a_contract_that_somebody_works_on_is_read_and_counts_and_one_that_was_moved_has_not_gone(
    tmp_path: Path,
) -> None:
    folders = Folders(write_contract(tmp_path / "contrats" / "alpha", 1))
    with hold(folders.memory, "tabellion watch", NOW):
        busy = put_together(tmp_path / "contrats")
    assert [(finding.code, finding.bloquant) for finding in busy.findings] == [("contrat-seulement-lu", False)]
    assert len(busy.portfolio.counted) == 1
    assert not folders.consolidation.exists()
    moved = folders.root.rename(tmp_path / "contrats" / "beta")
    later = put_together(tmp_path / "contrats")
    assert later.findings == ()
    assert Folders(moved).consolidation.exists()
    before = {str(folders.root): later.portfolio.contracts[0].record}
    assert [finding.code for finding in vanished(before, [])] == ["contrat-disparu"]


@pytest.mark.parametrize("place", [".", "ensemble", "workbooks/consolidation/ensemble"])
def test_nothing_is_put_together_inside_a_contract(tmp_path: Path, place: str) -> None:
    root = write_contract(tmp_path / "contrats" / "alpha", 1)
    before = contents(tmp_path)
    with pytest.raises(TabellionError) as refused:
        ensemble([tmp_path / "contrats"], root / place, NOW, mapper_of)
    (refusal,) = refused.value.findings
    assert (refusal.code, str(root) in refusal.message) == ("place-reservee", True)
    assert contents(tmp_path) == before
