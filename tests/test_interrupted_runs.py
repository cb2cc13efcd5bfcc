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

import pytest

from support import faults
from support.campaign import campaign_workspace, fill, form_keys
from support.faults import Call, Program
from support.forms import BUDGET
from support.program import contents, environment, tabellion
from tabellion.commands.consolidate import consolidate
from tabellion.contract.workspace import find_workspace
from tabellion.findings import TabellionError

needs_strace = pytest.mark.skipif(faults.strace_missing() is not None, reason=str(faults.strace_missing()))
needs_mount = pytest.mark.skipif(faults.mount_missing() is not None, reason=str(faults.mount_missing()))

YEAR = 2016
FIRST_NIGHT, SECOND_NIGHT = datetime(2016, 11, 14, 2, 15), datetime(2016, 11, 15, 2, 15)
#: `tabellion consolidate` with a clock that stands still, so that two runs of one night give the same bytes.
NIGHT = """
import sys
import time
from datetime import datetime
from pathlib import Path
from tabellion.commands.consolidate import consolidate
from tabellion.findings import TabellionError
from tabellion.contract.workspace import find_workspace
try:
    consolidate(find_workspace(Path(sys.argv[1])), datetime.fromisoformat(sys.argv[2]))
except TabellionError as error:
    print(*(each.code for each in error.findings))
    sys.exit(2)
"""


def night(workspace: Path, now: datetime = SECOND_NIGHT) -> Program:
    """One night's run, in a fork of this process."""

    def run() -> int:
        try:
            consolidate(find_workspace(workspace), now)
        except TabellionError:
            return 2
        return 0

    return Program(run, workspace.parent, environment())


def run_again(workspace: Path, now: datetime = SECOND_NIGHT) -> list[str]:
    """The next run, in this process: what it says of itself."""
    return [finding.code for finding in consolidate(find_workspace(workspace), now).notices]


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
    return {name: content for name, content in contents(workspace / "workbooks").items() if name.startswith(OUTPUTS)}


def inputs(workspace: Path) -> Mapping[str, bytes]:
    """All that people gave."""
    return {
        name: content
        for name, content in contents(workspace).items()
        if not name.startswith(tuple(f"workbooks/{name_start}" for name_start in (*OUTPUTS, ".tabellion")))
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


def as_found(evening: Path, morning: Path, workspace: Path) -> None:
    """People find, of each output, what was there in the evening or what is there in the morning; all they gave."""
    old, new, now = outputs(evening), outputs(morning), outputs(workspace)
    assert now.keys() <= old.keys() | new.keys()
    assert old.keys() & new.keys() <= now.keys()
    assert [name for name, content in now.items() if content not in (old.get(name), new.get(name))] == []
    assert inputs(workspace) == inputs(evening)


def memory(workspace: Path) -> set[str]:
    """The files in the program's own folder."""
    return set(contents(workspace / "workbooks" / ".tabellion"))


#: Calls that only files and folders get: pipes between processes are written to as often as it happens.
_OF_FILES = ("pwrite64", "fdatasync", "fsync", "mkdir", "unlink", "unlinkat", "rmdir", "utimensat", "chmod")
_SPREAD = 8


@pytest.fixture(scope="module")
def calls(evening: Path, morning: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Call]:
    """The calls of an undisturbed night to stop at: every renaming, and some of the others from start to end."""
    folder = tmp_path_factory.mktemp("undisturbed") / "contrat"
    shutil.copytree(evening, folder)
    calls = night(folder).calls()
    assert outputs(folder) == outputs(morning)
    others = [call for call in calls if call.name in _OF_FILES and "/sem." not in call.words]
    step = max(1, len(others) // _SPREAD)
    chosen = {*others[step // 2 :: step], *(call for call in calls if call.name in faults.RENAMING)}
    return [call for call in calls if call in chosen]


@needs_strace
def test_killed_at_any_instant_the_next_run_gives_the_undisturbed_outputs(
    evening: Path, morning: Path, calls: list[Call], tmp_path: Path
) -> None:
    assert len(calls) > 15
    codes = set[str]()
    for call in calls:
        workspace = tmp_path / str(call) / "contrat"
        shutil.copytree(evening, workspace)
        night(workspace).killed_at(call)
        as_found(evening, morning, workspace)
        codes.update(run_again(workspace))
        assert outputs(workspace) == outputs(morning), call
        assert inputs(workspace) == inputs(evening), call
        assert memory(workspace) == memory(morning), call
    assert codes == {"publication-achevee", "publication-abandonnee"}


@needs_strace
@pytest.mark.parametrize("error", ["ENOSPC", "EIO", "EACCES"])
def test_refused_by_the_system_from_any_instant_on(
    evening: Path, morning: Path, calls: list[Call], error: str, tmp_path: Path
) -> None:
    first = ["ENOSPC", "EIO", "EACCES"].index(error)
    for call in calls[first::6]:
        workspace = tmp_path / str(call) / "contrat"
        shutil.copytree(evening, workspace)
        done = night(workspace).refused_at(call, error, onwards=call.name not in faults.RENAMING)
        assert done.returncode in (0, 2), call
        # What is refused is refused to Python too: multiprocessing says when it cannot take away its semaphores.
        assert b"tabellion" not in done.stderr, (call, done.stderr)
        assert inputs(workspace) == inputs(evening), call
        run_again(workspace)
        assert outputs(workspace) == outputs(morning), call
        assert memory(workspace) == memory(morning), call


@needs_mount
def test_a_disk_that_fills_up(evening: Path, morning: Path, tmp_path: Path) -> None:
    used = sum(-len(content) // 4096 * -4096 + 4096 for content in contents(evening).values())
    for spare in (0, 50_000, 150_000):
        with faults.small_disk(tmp_path / "disk", size=used + spare) as disk:
            workspace = disk / "contrat"
            shutil.copytree(evening, workspace)
            done = tabellion("consolidate", cwd=workspace)
            assert done.code == 2, done
            assert "plus de place" in done.err + done.out
            as_found(evening, evening, workspace)
            subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
            run_again(workspace)
            assert outputs(workspace) == outputs(morning)


@needs_mount
def test_a_disk_without_room_for_another_file(evening: Path, morning: Path, tmp_path: Path) -> None:
    used = len(list(evening.rglob("*")))
    for spare in (2, 6, 12):
        with faults.small_disk(tmp_path / "disk", size="64m", nr_inodes=used + spare) as disk:
            workspace = disk / "contrat"
            shutil.copytree(evening, workspace)
            assert tabellion("consolidate", cwd=workspace).code == 2
            as_found(evening, evening, workspace)
            subprocess.run(["mount", "-o", "remount,nr_inodes=10000", disk], check=True)
            run_again(workspace)
            assert outputs(workspace) == outputs(morning)


def without_privileges(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    """Run ``tabellion`` as somebody whom the rights of files stop: root is not, unless it gives that up."""
    root = ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner"] if os.geteuid() == 0 else []
    command = [*root, sys.executable, "-m", "tabellion", *arguments]
    return subprocess.run(command, cwd=cwd, env=environment(), capture_output=True, check=False)


@pytest.mark.skipif(os.geteuid() == 0 and shutil.which("setpriv") is None, reason="setpriv is not installed")
@pytest.mark.parametrize(
    ("folder", "code"),
    [
        ("workbooks/.tabellion", "verrou-impossible"),
        ("workbooks/consolidation", "publication-impossible"),
        ("workbooks/consolidation/registre", "publication-impossible"),
        ("workbooks/constats", "publication-impossible"),
    ],
)
def test_a_folder_without_the_right_to_write(
    evening: Path, morning: Path, workspace: Path, folder: str, code: str
) -> None:
    for path in (workspace / folder).glob("verrou*"):
        path.unlink()
    (workspace / folder).chmod(0o555)
    try:
        done = without_privileges("consolidate", cwd=workspace)
        assert done.returncode == 2, done
        assert f"[{code}]" in (done.stderr + done.stdout).decode()
        as_found(evening, evening, workspace)
    finally:
        (workspace / folder).chmod(0o755)
    run_again(workspace)
    assert outputs(workspace) == outputs(morning)


def test_no_temporary_folder(workspace: Path) -> None:
    done = tabellion("consolidate", cwd=workspace, TMPDIR="/nowhere", TEMP="/nowhere", TMP="/nowhere")
    assert (done.code in (0, 1), done.err) == (True, "")
    accepted = (workspace / "workbooks" / "consolidation").glob("acceptes/*/*")
    assert [path.name for path in accepted] == ["luce.xlsx"], "the other one says nothing"


@needs_mount
def test_no_place_for_temporary_files_at_all(workspace: Path, morning: Path) -> None:
    """Every folder that Python and SQLite know for such files can only be read."""
    hide = "mount --rbind {0} {0} && mount -o remount,bind,ro {0}"
    script = " && ".join([*map(hide.format, ("/tmp", "/var/tmp")), "cd /proc", 'exec "$@"'])  # noqa: S108
    with faults.small_disk(workspace.parent / "elsewhere", size="64m") as disk:
        shutil.copytree(workspace, disk / "contrat")
        command = [sys.executable, "-c", NIGHT, disk / "contrat", SECOND_NIGHT.isoformat()]
        done = subprocess.run(
            ["unshare", "-m", "sh", "-c", script, "sh", *command], env=environment(), capture_output=True, check=False
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
        assert outputs(disk / "contrat") == outputs(morning)


# Several at once, and those who die


def start(workspace: Path, **more: str) -> subprocess.Popen[bytes]:
    """The command as a scheduler runs it."""
    command = [sys.executable, "-m", "tabellion", "consolidate"]
    return subprocess.Popen(
        command, cwd=workspace, env=environment(**more), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def test_of_two_at_once_one_works_and_the_other_says_who(evening: Path, workspace: Path) -> None:
    with start(workspace) as first, start(workspace) as second:
        outputs_of = {process: b"".join(process.communicate()).decode() for process in (first, second)}
    worked, refused = sorted((first, second), key=lambda process: process.returncode)
    assert worked.returncode in (0, 1), outputs_of[worked]
    if refused.returncode == 2:
        assert "[espace-occupe]" in outputs_of[refused]
        assert f"processus {worked.pid}" in outputs_of[refused]
    else:  # it came when the first had ended
        assert refused.returncode == worked.returncode
    assert inputs(workspace) == inputs(evening)
    assert memory(workspace) == {"journal.sqlite", "consolidation.xlsx", "inchange.json", "repondues.json"}


def test_a_killed_run_frees_the_workspace_and_leaves_no_process(evening: Path, workspace: Path, morning: Path) -> None:
    mark = f"{workspace}-{os.getpid()}"
    with start(workspace, TABELLION_TEST=mark) as process:
        note = workspace / "workbooks" / ".tabellion" / "verrou.json"
        until = time.monotonic() + 60
        while not note.exists() and process.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.2)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert process.returncode == -signal.SIGKILL
    as_found(evening, evening, workspace)
    run_again(workspace)
    assert outputs(workspace) == outputs(morning)
    until = time.monotonic() + 20
    while (left := processes_marked(mark)) and time.monotonic() < until:
        time.sleep(0.1)
    assert left == []


def processes_marked(mark: str) -> list[str]:
    """The processes that have ``mark`` in their environment (none where the system does not show it)."""
    pids = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark.encode() in path.read_bytes():
                pids.append(path.parent.name)
        except OSError:  # ended meanwhile, or another user's
            continue
    return pids


@pytest.mark.parametrize("moved", [datetime(1999, 1, 1), datetime(2016, 11, 14, 2, 15), datetime(2099, 1, 1)])
def test_a_clock_that_is_wrong(evening: Path, workspace: Path, moved: datetime) -> None:
    run_again(workspace, moved)
    assert inputs(workspace) == inputs(evening)
    kept = workspace / "workbooks" / "consolidation" / "historique"
    assert contents(kept / "2016-11-14 02h15").keys() >= {"consolidation.xlsx", "rapport.html", "constats.json"}
    run_again(workspace, SECOND_NIGHT)  # who is late is another matter now
    before = outputs(workspace)
    run_again(workspace, SECOND_NIGHT)
    assert outputs(workspace) == before


def test_files_dated_in_the_future(workspace: Path, morning: Path) -> None:
    for path in workspace.rglob("*"):
        os.utime(path, (4_000_000_000, 4_000_000_000))
    run_again(workspace)
    assert outputs(workspace) == outputs(morning)
