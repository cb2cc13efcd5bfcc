"""The whole consolidation stopped at any instant, refused by the system, run twice at once: no return is ever lost,
every output is the old one or the complete new one, and the next run succeeds.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from support import faults
from support.campaign import campaign_workspace, fill, form_keys
from support.faults import Call, Program
from support.program import Outcome, contents, environment, tabellion
from tabellion.commands.consolidate import consolidate
from tabellion.workbook.forms.spec import BUDGET
from tabellion.workspace import find_workspace

needs_strace = pytest.mark.skipif(faults.strace_missing() is not None, reason=str(faults.strace_missing()))
needs_mount = pytest.mark.skipif(faults.mount_missing() is not None, reason=str(faults.mount_missing()))

YEAR = 2016
FIRST_NIGHT, SECOND_NIGHT = datetime(2016, 11, 14, 2, 15), datetime(2016, 11, 15, 2, 15)
#: `tabellion consolidate` with a clock that stands still, so that two runs of one night give the same bytes.
NIGHT = """
import sys
from datetime import datetime
from pathlib import Path
from tabellion.commands.consolidate import consolidate
from tabellion.findings import TabellionError
from tabellion.workspace import find_workspace
try:
    consolidate(find_workspace(Path(sys.argv[1])), datetime.fromisoformat(sys.argv[2]))
except TabellionError as error:
    print(*(each.code for each in error.findings))
    sys.exit(2)
"""


def night(workspace: Path, now: datetime = SECOND_NIGHT) -> Program:
    return Program([sys.executable, "-c", NIGHT, workspace, now.isoformat()], workspace.parent, environment())


def run_again(workspace: Path, now: datetime = SECOND_NIGHT) -> list[str]:
    """The next run, in this process: what it says of itself."""
    return [each.code for each in consolidate(find_workspace(workspace), now).notices]


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace consolidated once; since then a partner has corrected its return and another has sent one."""
    workspace = campaign_workspace(tmp_path_factory.mktemp("campagne") / "contrat", contract="cas")
    assert tabellion("forms", "--exercice", f"{YEAR}", cwd=workspace).code == 0
    workbooks = workspace / "workbooks"
    forms, returns = workbooks / "envois" / f"{YEAR}", workbooks / "retours"
    luce, bailleur = forms / f"luce-{YEAR}.xlsx", forms / f"bailleur-{YEAR}.xlsx"
    lines = form_keys(luce)[BUDGET]
    fill(luce, returns / "Lucé.xlsx", {BUDGET: {lines[0]: {"montant_prevu": "beaucoup"}}}, saved=datetime(2016, 11, 13))
    run_again(workspace, FIRST_NIGHT)
    answers = {BUDGET: {line: {"montant_prevu": 100 + rank} for rank, line in enumerate(lines)}}
    fill(luce, returns / "Lucé (1).xlsx", answers, saved=datetime(2016, 11, 14))
    fill(bailleur, returns / "bailleur.xlsx", {}, saved=datetime(2016, 11, 14))
    return workspace


OUTPUTS = ("consolidation", "constats")


def outputs(workspace: Path) -> Mapping[str, bytes]:
    """What people find: the outputs, and the history of them."""
    return {name: each for name, each in contents(workspace / "workbooks").items() if name.startswith(OUTPUTS)}


def inputs(workspace: Path) -> Mapping[str, bytes]:
    """All that people gave."""
    return {
        name: each
        for name, each in contents(workspace).items()
        if not name.startswith(tuple(f"workbooks/{each}" for each in (*OUTPUTS, ".tabellion")))
    }


@pytest.fixture(scope="module")
def morning(evening: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same workspace after a night that nothing disturbed."""
    workspace = tmp_path_factory.mktemp("morning") / "contrat"
    shutil.copytree(evening, workspace)
    assert run_again(workspace) == []
    return workspace


@pytest.fixture
def workspace(evening: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "contrat"
    shutil.copytree(evening, folder)
    return folder
