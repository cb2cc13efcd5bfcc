"""A cheap look at everything: what changed whatever the times say, folders that are away, network file systems."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from support import faults
from tabellion.contract.workspace import Workspace, find_workspace
from tabellion.watching.debounce import Debounce
from tabellion.watching.snapshot import (
    MissingFolder,
    Snapshot,
    is_network,
    is_network_kind,
    is_windows_network,
    kind_of,
    linux_mounts,
    mac_mounts,
    missing_folder,
    network_folder,
    take_snapshot,
)

needs_mount = pytest.mark.skipif(faults.mount_missing() is not None, reason=str(faults.mount_missing()))
CONTENT = b"PK\x03\x04" + b"x" * 5_000


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def opened(workspace: Path) -> Workspace:
    found_workspace = find_workspace(workspace)
    for folder in (found_workspace.retours, found_workspace.constats, found_workspace.consolidation):
        folder.mkdir()
    for at in range(5):
        (found_workspace.retours / f"{at}.xlsx").write_bytes(CONTENT + bytes([at]))
    found_workspace.contrat.write_bytes(CONTENT)
    return found_workspace


@pytest.fixture
def clock() -> Clock:
    return Clock()


class Snapshots:
    """Looks at a workspace, one after the other: what changed since the last one, whether a folder is missing."""

    def __init__(self, workspace: Workspace, clock: Clock | None = None) -> None:
        self.workspace = workspace
        self.snapshot = take_snapshot
        self.debounce = Debounce(workspace, clock=clock or Clock(), take_snapshot=lambda limits: self.snapshot(limits))

    def look(self) -> set[Path]:
        return {Path(path) for path in self.debounce.look()}

    @property
    def missing(self) -> MissingFolder | None:
        return self.debounce.missing


@pytest.fixture
def snapshots(opened: Workspace, clock: Clock) -> Snapshots:
    snapshots = Snapshots(opened, clock)
    snapshots.look()
    return snapshots


def test_the_first_look_finds_all_inputs_and_settings(opened: Workspace) -> None:
    (opened.retours / "~$1.xlsx").write_bytes(b"x")
    (opened.retours / ".caché").mkdir()
    (opened.retours / ".caché" / "a.xlsx").write_bytes(b"x")
    (opened.consolidation / "consolidation.xlsx").write_bytes(b"x")
    (opened.constats / "1.xlsx").write_bytes(b"x")
    (opened.constats / "~$1.xlsx").write_bytes(b"x")
    snapshot = Snapshots(opened).look()
    expected = {
        opened.root / "tabellion.toml", opened.contrat, opened.consolidation / "consolidation.xlsx",
        *opened.retours.glob("[0-9].xlsx"), *opened.registre.iterdir(), *(opened.root / "schemas").iterdir(),
        *(path for path in opened.templates.rglob("*") if path.is_file()),
    }  # fmt: skip
    assert snapshot == expected


INPUTS = ["workbooks/contrat.xlsx", "workbooks/retours/a.xlsx", "workbooks/retours/lot/écartés/a b.xlsx",
          "workbooks/registre/axes.csv", "workbooks/registre/datapackage.json", "workbooks/retours/a.pdf",
          "workbooks/envois/2016/ville-2016.xlsx", "tabellion.toml", "schemas/axes.schema.json",
          "templates/contrat.toml", "templates/planification/x.cron",
          "workbooks/consolidation/consolidation.xlsx"]  # fmt: skip
NOTHING = ["README.md", "workbooks/contrat 2016-11-30 02h15.xlsx", "workbooks/~$contrat.xlsx",
           "workbooks/retours/~$a.xlsx", "workbooks/retours/.~lock.a.xlsx#", "workbooks/retours/lu12345.tmp",
           "workbooks/retours/a.xlsx.part", "workbooks/retours/.caché/a.xlsx",
           "workbooks/consolidation/rapport.html", "workbooks/constats/a.xlsx",
           "workbooks/consolidation/acceptes/2016/ville.xlsx", "workbooks/consolidation/registre/axes.csv",
           "workbooks/.tabellion/journal.sqlite", "workbooks/relances/a.txt", "templates/contrat.toml~",
           "schemas/.axes.schema.json.swp", "../tabellion.toml", "workbooks/retours2/a.xlsx",
           "workbooks/consolidation/~$consolidation.xlsx", "workbooks/constats/lot/~$ville.xlsx",
           "workbooks/consolidation/historique/2016-11-30 02h15/~$consolidation.xlsx"]  # fmt: skip


def test_what_is_watched(opened: Workspace) -> None:
    shutil.rmtree(opened.retours)
    before = {path.relative_to(opened.root).as_posix() for path in Snapshots(opened).look()}
    for name in (*INPUTS, *NOTHING):
        path = opened.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x", encoding="utf-8")
    after = {path.relative_to(opened.root).as_posix() for path in Snapshots(opened).look()}
    assert after == before | set(INPUTS)


def test_nothing_changed(snapshots: Snapshots) -> None:
    assert snapshots.look() == set()


def test_new_changed_and_gone_files_are_told(snapshots: Snapshots, opened: Workspace) -> None:
    inside = opened.retours / "lot" / "neuf.xlsx"
    inside.parent.mkdir()
    inside.write_bytes(b"x")
    (opened.retours / "1.xlsx").write_bytes(b"y")
    (opened.retours / "2.xlsx").unlink()
    assert snapshots.look() == {inside, opened.retours / "1.xlsx", opened.retours / "2.xlsx"}
    assert snapshots.look() == set()


def test_a_renamed_folder_is_all_its_files(snapshots: Snapshots, opened: Workspace) -> None:
    opened.retours.rename(opened.workbooks / "ailleurs")
    opened.retours.mkdir()
    (opened.workbooks / "ailleurs").rename(opened.retours / "lot")
    assert {path.name for path in snapshots.look()} == {f"{at}.xlsx" for at in range(5)}


@pytest.mark.parametrize("shift", [0, -10_000, 10_000_000])
def test_times_do_not_decide(snapshots: Snapshots, opened: Workspace, shift: int) -> None:
    """The same size, at the same time, before or after: the end of the file tells."""
    path, same = opened.retours / "1.xlsx", opened.retours / "2.xlsx"
    times = path.stat().st_mtime_ns
    path.write_bytes(CONTENT + b"\xff")
    same.write_bytes(same.read_bytes())
    for path_of_pair in (path, same):
        os.utime(path_of_pair, ns=(times, times + shift * 1_000_000_000))
    assert snapshots.look() == {path}


def test_a_file_that_just_changed_is_looked_at_again(snapshots: Snapshots, opened: Workspace, clock: Clock) -> None:
    """A disk whose clock is coarse shows the same time for two writes."""
    path = opened.retours / "1.xlsx"
    path.write_bytes(CONTENT + b"a")
    frozen = take_snapshot(opened)
    snapshots.snapshot = lambda _: frozen
    assert snapshots.look() == {path}
    path.write_bytes(CONTENT + b"b")
    clock.now += 2
    assert snapshots.look() == {path}


def test_whatever_the_disk_says_every_file_has_its_turn(snapshots: Snapshots, opened: Workspace, clock: Clock) -> None:
    path = opened.retours / "3.xlsx"
    frozen = take_snapshot(opened)
    snapshots.snapshot = lambda _: frozen
    path.write_bytes(CONTENT + b"z")
    told: set[Path] = set()
    for _ in range(13):
        clock.now += 60
        told |= snapshots.look()
    assert told == {path}


def test_a_removed_last_file_is_a_deletion(snapshots: Snapshots, opened: Workspace) -> None:
    for path in opened.retours.iterdir():
        path.unlink()
    assert (len(snapshots.look()), snapshots.missing) == (5, None)


def test_a_folder_that_is_gone_is_away_until_it_is_made_again(snapshots: Snapshots, opened: Workspace) -> None:
    aside = opened.root / "ailleurs"
    opened.retours.rename(aside)
    assert snapshots.look() == set()
    assert snapshots.missing == MissingFolder(str(opened.retours), "il n'est plus là")
    assert not snapshots.debounce.is_present()
    assert not snapshots.look()
    (aside / "neuf.xlsx").write_bytes(b"x")
    aside.rename(opened.retours)
    assert snapshots.debounce.is_present()
    assert snapshots.look() == {opened.retours / "neuf.xlsx"}
    assert snapshots.missing is None


def test_an_empty_folder_made_in_its_place_says_that_it_was_meant(snapshots: Snapshots, opened: Workspace) -> None:
    shutil.rmtree(opened.retours)
    assert snapshots.look() == set()
    assert snapshots.missing is not None
    opened.retours.mkdir()
    assert (len(snapshots.look()), snapshots.missing) == (5, None)


@pytest.mark.parametrize("name", ["tabellion.toml", "workbooks", "workbooks/registre", "schemas"])
def test_without_what_makes_a_workspace_nothing_is_believed(snapshots: Snapshots, opened: Workspace, name: str) -> None:
    (opened.root / name).rename(opened.root / "ailleurs")
    assert snapshots.look() == set()
    assert snapshots.missing is not None
    (opened.root / "ailleurs").rename(opened.root / name)
    assert (snapshots.look(), snapshots.missing) == (set(), None)


def test_a_missing_master_is_a_deletion(snapshots: Snapshots, opened: Workspace) -> None:
    opened.contrat.unlink()
    assert snapshots.look() == {opened.contrat}


@contextmanager
def mounted(folder: Path) -> Iterator[None]:
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@needs_mount
@pytest.mark.parametrize("name", ["retours", "."])
def test_an_unmounted_share_is_away_and_what_changed_is_told_when_it_is_back(opened: Workspace, name: str) -> None:
    """The share is another file system; mounted again it has another device number."""
    folder, inputs = opened.workbooks / name, opened.root / "stock"
    shutil.copytree(folder, inputs)
    kept = opened.retours.relative_to(folder)
    snapshots = Snapshots(opened)
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    with mounted(folder):
        shutil.copytree(inputs, folder, dirs_exist_ok=True)
        snapshots.look()
    assert snapshots.look() == set()
    assert snapshots.missing is not None
    (folder / "note.txt").write_text("un fichier égaré sous le point de montage")
    assert snapshots.look() == set()
    assert snapshots.missing is not None
    with mounted(opened.root / "schemas"), mounted(folder):
        pass
    with mounted(folder):
        shutil.copytree(inputs, folder, dirs_exist_ok=True)
        (folder / kept / "1.xlsx").unlink()
        (folder / kept / "neuf.xlsx").write_bytes(b"x")
        assert snapshots.look() == {folder / kept / "1.xlsx", folder / kept / "neuf.xlsx"}
        assert snapshots.missing is None


def without_identities(snapshot: Snapshot) -> Snapshot:
    return replace(snapshot, folders=dict.fromkeys(snapshot.folders, (7, 0)))


def test_without_identities_an_emptied_folder_is_doubtful_and_believed_later(opened: Workspace, clock: Clock) -> None:
    """Some Windows shares give folders no number."""
    snapshots = Snapshots(opened, clock)
    snapshots.snapshot = lambda workspace: without_identities(take_snapshot(workspace))
    snapshots.look()
    for path in opened.retours.iterdir():
        path.unlink()
    assert not snapshots.debounce.is_present()
    for _ in range(3):
        assert snapshots.look() == set()
        assert snapshots.missing is not None
        assert not snapshots.missing.is_certain
        clock.now += 25
    assert (len(snapshots.look()), snapshots.missing) == (5, None)


def test_a_folder_that_does_not_answer_is_away(opened: Workspace) -> None:
    before = take_snapshot(opened)
    inside = str(opened.retours) + os.sep
    files = {path: trace for path, trace in before.files.items() if not path.startswith(inside)}
    after = replace(before, files=files, refused={str(opened.retours): OSError(5, "EIO")})
    assert missing_folder(before, after, opened) == MissingFolder(str(opened.retours), "il ne répond plus")


def test_five_thousand_files_are_looked_at_in_well_under_a_second(opened: Workspace) -> None:
    for at in range(5_000):
        (opened.retours / f"lot{at}.xlsx").write_bytes(b"%d" % at)
    snapshots = Snapshots(opened)
    snapshots.look()
    start = time.process_time()
    assert snapshots.look() == set()
    assert time.process_time() - start < 0.5


MOUNTINFO = r"""22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
40 27 0:44 / /srv/partage\040commun rw,relatime shared:12 - cifs //serveur/commun rw,vers=3.1.1
41 27 0:45 / /srv/nfs rw,relatime shared:13 master:2 - nfs4 serveur:/export rw
42 41 8:1 / /srv/nfs/local rw - xfs /dev/sda1 rw
43 27 0:46 / /home/agent/nuage rw - fuse.rclone nuage: rw
44 27 0:47 / /media/usb rw - fuseblk /dev/sdb1 rw
45 27 0:48 / /srv/auto rw - autofs systemd-1 rw
46 45 0:49 / /srv/auto rw - nfs serveur:/auto rw
47 27 0:50 / /srv/dessus rw - cifs //serveur/x rw
48 27 8:2 / /srv/dessus rw - ext4 /dev/sdc1 rw
49 27 0:51 / /srv/seul rw - autofs systemd-1 rw
illisible
"""


@pytest.mark.parametrize(
    ("path", "kind", "network"),
    [
        ("/srv/partage commun/contrat", "cifs", True),
        ("/srv/partage", "ext4", False),
        ("/srv/nfs/contrat", "nfs4", True),
        ("/srv/nfs/local/contrat", "xfs", False),
        ("/srv/nfs2", "ext4", False),
        ("/home/agent/nuage", "fuse.rclone", True),
        ("/media/usb/contrat", "fuseblk", False),
        ("/srv/auto/contrat", "nfs", True),
        ("/srv/dessus/contrat", "ext4", False),
        ("/srv/seul/contrat", "ext4", False),
        ("/", "ext4", False),
    ],
)
def test_the_deepest_mount_decides(path: str, kind: str, network: bool) -> None:
    filesystem = kind_of(Path(path), linux_mounts(MOUNTINFO))
    assert (filesystem, is_network_kind(filesystem)) == (kind, network)


def test_without_mounts_nothing_is_known() -> None:
    assert kind_of(Path("/a"), linux_mounts("")) == ""
    assert not is_network_kind("")


@pytest.mark.parametrize(
    ("kind", "network"),
    [
        ("fuse.sshfs", True),
        ("fuse.inconnu", True),
        ("fuse.mergerfs", False),
        ("9p", True),
        ("vboxsf", True),
        ("NFS", True),
        ("btrfs", False),
    ],
)
def test_kinds(kind: str, network: bool) -> None:
    assert is_network_kind(kind) is network


def test_macos_mounts() -> None:
    text = (
        "/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)\n"
        "//agent@serveur/commun on /Volumes/Commun (agents) (smbfs, nodev, nosuid, mounted by agent)\n"
        "map auto_home on /System/Volumes/Data/home (autofs, automounted, nobrowse)\n"
    )
    assert kind_of(Path("/Users/agent"), mac_mounts(text)) == "apfs"
    assert kind_of(Path("/Volumes/Commun (agents)/contrat"), mac_mounts(text)) == "smbfs"


@pytest.mark.parametrize(
    ("path", "network"),
    [
        (r"\\serveur\partage\contrat", True),
        ("//serveur/partage", True),
        (r"\\?\UNC\serveur\partage", True),
        (r"\\?\C:\contrat", False),
        (r"\\.\pipe\x", False),
        (r"C:\contrat", False),
    ],
)
def test_windows_paths(path: str, network: bool) -> None:
    assert is_windows_network(path) is network


def test_this_machine(opened: Workspace) -> None:
    assert not is_network(opened.root / "pas" / "encore")
    assert network_folder(opened) is None
