"""What every test runs under, and the workspace that many of them start from."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import settings

from support import children, imap, libreoffice, office_files
from support.campaign import campaign_workspace
from support.contracts import ROOT, SOURCE
from support.program import tabellion
from tabellion.campaign.model import Consolidation
from tabellion.commands.consolidate import look_at_campaign
from tabellion.commands.new import KIT, create_empty_workspace
from tabellion.contract.workspace import Workspace, find_workspace

# Durations depend on the machine, and two cores are shared: a slow example is not a wrong one. In CI the examples are
# the same at every run, so that a red run is about the change; developers' runs go on looking for new ones.
settings.register_profile("tabellion", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("tabellion")

#: A disk in memory, and the bytes that it must have free for a whole run: what a test writes outlives nobody, and each
#: command waits for a real disk some thirty times, to be sure that what it wrote is there.
_MEMORY, _ROOM = Path("/dev/shm"), 1 << 30  # noqa: S108
if (
    "TMPDIR" not in os.environ
    and _MEMORY.is_dir()
    and shutil.disk_usage(_MEMORY).free >= _ROOM
    and not os.statvfs(_MEMORY).f_flag & os.ST_NOEXEC  # some tests put programs there
):
    os.environ["TMPDIR"], tempfile.tempdir = str(_MEMORY), None
children.install()

#: The files that take longest, which begin first: a long one begun last would leave the other workers idle at the end.
#: What they take is mostly waiting (watchers), or processes of their own.
_LONGEST = (
    "test_watch.py", "test_benchmarks.py", "test_decisions.py", "test_readme.py", "test_staff.py",
    "test_inplace_sheets.py", "test_publish.py", "test_hostile_campaign.py", "test_campaign.py",
    "test_watch_events.py", "test_lifecycle.py", "test_interrupted_runs.py", "test_validate_edits.py",
    "test_workbook_shape.py", "test_cli.py", "test_ensemble_cluster.py", "test_mail_campaign.py",
    "test_watch_outputs.py", "test_thirty_edits.py", "test_master_slips.py", "test_reading_attacks.py",
    "test_year_in_excel.py", "test_consolidate.py", "test_returns_libreoffice.py", "test_annotate.py",
    "test_roundtrip.py", "test_validity.py", "test_inplace.py", "test_born_in_excel.py", "test_newcomers.py",
    "test_edits_libreoffice.py", "test_any_order.py", "test_watch_loop.py", "test_forms_shape.py",
    "test_import_doors.py", "test_inplace_libreoffice.py", "test_planification.py", "test_relever.py",
    "test_financements.py", "test_models.py", "test_forms_recalculated.py", "test_requests.py", "test_journal.py",
    "test_details.py", "test_reglages.py", "test_publication.py", "test_right_data.py", "test_plans.py",
    "test_diff.py", "test_workbook_recalculated.py", "test_consolidated_workbook.py", "test_silent_data.py",
    "test_packaging.py", "test_report.py",
)  # fmt: skip

#: What only POSIX has: pseudo-terminals, its shell, limits of processes. Files that need it are left out on Windows.
_POSIX = re.compile(r"^ *import (?:fcntl|pty|resource|termios)$|/bin/sh|\[\"sh\"", re.MULTILINE)
collect_ignore = [
    path.name
    for path in sorted(Path(__file__).parent.glob("test_*.py"))
    if os.name == "nt" and _POSIX.search(path.read_text(encoding="utf-8"))
]

# The session's LibreOffice: see its module.
_office_box, office = libreoffice._office_box, libreoffice.office
# The files that a LibreOffice made: see theirs.
_archive, editor = office_files._archive, office_files.editor
# A mailbox of a real Dovecot: see its module.
mail_server, mailbox = imap.mail_server, imap.mailbox


def pytest_xdist_auto_num_workers() -> int:
    """A worker more than there are cores: many tests wait for a watcher, a browser or another process."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; skip, by name and with the reason, what this machine cannot run."""
    ranks = {name: rank for rank, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: ranks.get(item.path.name, len(ranks)))
    for item in items:
        if item.get_closest_marker("source") and not SOURCE.exists():
            item.add_marker(pytest.mark.skip(reason=f"the published document is not at {SOURCE}"))
        if item.get_closest_marker("libreoffice") and (lack := libreoffice.missing()) is not None:
            item.add_marker(pytest.mark.skip(reason=f"LibreOffice cannot be driven: {lack}"))


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A copy of the repository's own workspace, with no generated file in it."""
    folder = tmp_path / "contrat"
    for name in KIT:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target)
        else:
            shutil.copy(ROOT / name, target)
    return folder


@pytest.fixture(scope="session")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small contract whose workbook is made and whose forms of 2016 are sent: to copy, not to change."""
    folder = campaign_workspace(tmp_path_factory.mktemp("sent") / "contrat", contract="cas")
    for command in (["generate"], ["forms", "--exercice", "2016"]):
        assert tabellion(*command, cwd=folder).code == 0
    return folder


@pytest.fixture(scope="session")
def seen(sent: Path) -> Consolidation:
    """The campaign of that contract as it stands: its forms are sent, and nobody has answered."""
    return look_at_campaign(find_workspace(sent), datetime(2016, 10, 3, 9))


@pytest.fixture
def sent_copy(sent: Path, tmp_path: Path) -> Path:
    """A copy of that contract."""
    return Path(shutil.copytree(sent, tmp_path / "contrat"))


@pytest.fixture
def root(sent: Path, tmp_path: Path) -> Path:
    """The small contract's forms, nothing else: what is collected needs no workbook of the contract."""
    for name in ("tabellion.toml", "workbooks/envois"):
        target = tmp_path / "contrat" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (sent / name).is_dir() else shutil.copyfile)(sent / name, target)
    return tmp_path / "contrat"


#: When the contract that holds nothing yet was made: it is of the six years from then.
EMPTY_SINCE = datetime(2026, 3, 2)


@pytest.fixture(scope="session")
def _starter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vide") / "brest"
    create_empty_workspace(folder, EMPTY_SINCE)
    return folder


@pytest.fixture
def empty(_starter: Path, tmp_path: Path) -> Workspace:
    """A contract of 2026 to 2031 that holds nothing yet."""
    return find_workspace(Path(shutil.copytree(_starter, tmp_path / "brest")))
