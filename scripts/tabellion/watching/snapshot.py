"""A snapshot of the watched files: names, sizes and times, no content; which folders are there; fingerprints of files.

Snapshots hold plain texts as paths: objects would double their time. A folder on a network file system is to be polled.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tabellion.campaign.folder import counts, look_at
from tabellion.contract.folders import SETTINGS_FILE
from tabellion.contract.workspace import Workspace
from tabellion.layout.names import WORKBOOK
from tabellion.transaction.bounded import PATIENCE, NotRegularError, open_regular

FileStat = tuple[int, int, int, int]
"""A file's size, modification and change times in nanoseconds, and inode: while all stay, it was most likely left
alone. (On Windows the third is its creation, and the last 0.)"""

FolderId = tuple[int, int]
"""A folder's device and inode; the inode is 0 where the system has none."""

Fingerprint = tuple[int, str]
"""A file's size in bytes and a digest of its end, as :func:`tabellion.campaign.folder.look_at` gives them."""

#: The fingerprint of a file that cannot be opened: held by the program that writes it, forbidden, on a bad disk.
UNREADABLE: Fingerprint = (-1, "")
#: Stands for the sizes and times of a file that does not tell them, and of a link to nothing.
_NO_STAT: FileStat = (0, 0, 0, 0)
_ZIPPED = {".xlsx", ".xlsm", ".xltx", ".xltm", ".ods"}
_ZIP_START, _ZIP_END, _RESERVED = b"PK\x03\x04", b"PK\x05\x06", b"\0\0\0\0"
#: The record at the end of a zip: its fixed part, and the longest comment that may follow.
_END_BYTES, _LONGEST_COMMENT_BYTES = 22, 65_535
#: File systems that other machines write into, as Linux and macOS name them; ``fuse.`` ones by the program behind.
_NETWORK = {
    "cifs", "smb3", "smb2", "smbfs", "nfs", "nfs3", "nfs4", "9p", "afs", "afpfs", "ncp", "ncpfs", "coda", "ceph",
    "webdav", "davfs", "davfs2", "glusterfs", "lustre", "gpfs", "beegfs", "orangefs", "pvfs2", "ocfs2", "gfs2",
    "moosefs", "virtiofs", "vboxsf", "vmhgfs", "prl_fs", "drvfs", "sshfs", "fuse", "macfuse", "osxfuse",
}  # fmt: skip
#: Behind FUSE, what is on this machine's own disks; all the rest may change without the kernel knowing.
_LOCAL_FUSE = {"ntfs-3g", "ntfs", "exfat", "gocryptfs", "encfs", "cryfs", "bindfs", "mergerfs", "unionfs", "lxcfs",
               "fuse-overlayfs", "snapfuse", "squashfuse", "portal"}  # fmt: skip
_ESCAPE = re.compile(r"\\([0-7]{3})")
_MAC_MOUNT = re.compile(r"^(?P<source>.*?) on (?P<point>/.*) \((?P<kind>[^,)]+)")
_MOUNT_SECONDS = 5.0
_DRIVE_REMOTE = 4


def watched_files(workspace: Workspace) -> tuple[Path, ...]:
    """The files that are watched by themselves: the settings, the workbook of the contract, that of the decisions."""
    return workspace.root / SETTINGS_FILE, workspace.contrat, workspace.workbooks / WORKBOOK


def watched_folders(workspace: Workspace) -> tuple[Path, ...]:
    """The folders whose files are watched, those of their own folders too.

    What a run writes in them (the decisions that it read, beside the register) is no cause of another. The forms of
    ``envois/``, which another command writes, are in them: the board says which were sent.
    """
    root = workspace.root
    bringing = workspace.workbooks / "import"
    return workspace.retours, workspace.registre, workspace.envois, bringing, root / "schemas", workspace.templates


@dataclass(frozen=True)
class Snapshot:
    """What was there: ``files`` and ``folders`` by path. ``refused`` are the files and folders that could not be looked
    at, with the error of the system; what does not exist is in none of the three."""

    files: dict[str, FileStat] = field(default_factory=dict)
    folders: dict[str, FolderId] = field(default_factory=dict)
    refused: dict[str, OSError] = field(default_factory=dict)

    def names_in(self, folder: str) -> set[str]:
        """The names of the files and folders seen in a folder."""
        return {os.path.basename(path) for path in (*self.files, *self.folders) if os.path.dirname(path) == folder}  # noqa: PTH119, PTH120


def take_snapshot(workspace: Workspace) -> Snapshot:
    """Look at everything that is watched in a workspace. Raises nothing: what cannot be seen is ``refused``."""
    snapshot = Snapshot()
    for folder in (workspace.root, workspace.workbooks, workspace.consolidation):
        _add_folder(snapshot, str(folder))
    for path in watched_files(workspace):
        try:
            snapshot.files[str(path)] = _file_stat(path.stat())
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            snapshot.refused[str(path)] = error
    for folder in watched_folders(workspace):
        _walk(snapshot, str(folder))
    return snapshot


def _add_folder(snapshot: Snapshot, folder: str) -> bool:
    try:
        state = os.stat(folder)  # noqa: PTH116
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        snapshot.refused[folder] = error
        return False
    snapshot.folders[folder] = (state.st_dev, state.st_ino)
    return True


def _walk(snapshot: Snapshot, top: str) -> None:
    """Add a folder with its files and its own folders; links to folders are not followed inside it."""
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        if not _add_folder(snapshot, folder):
            continue
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    is_folder = entry.is_dir(follow_symlinks=False)
                    if not counts(entry.name, is_folder=is_folder):
                        continue
                    if is_folder:
                        waiting.append(entry.path)
                    else:
                        _add_file(snapshot, entry)
        except (FileNotFoundError, NotADirectoryError):
            del snapshot.folders[folder]
        except OSError as error:
            snapshot.refused[folder] = error


def _add_file(snapshot: Snapshot, entry: os.DirEntry[str]) -> None:
    try:
        snapshot.files[entry.path] = _file_stat(entry.stat())
    except OSError as error:
        if not isinstance(error, FileNotFoundError) or entry.is_symlink():  # a link to nothing cannot be read
            snapshot.files[entry.path] = _NO_STAT


def _file_stat(state: os.stat_result) -> FileStat:
    return (state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino)


def differences(before: Snapshot, after: Snapshot) -> Iterator[str]:
    """The paths of files that came, went or were touched between two snapshots; what could not be seen has not gone."""
    for path, stat in after.files.items():
        if before.files.get(path) != stat:
            yield path
    for path in before.files:
        if path not in after.files and not any(_is_in(path, refused) for refused in after.refused):
            yield path


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + os.sep)


@dataclass(frozen=True)
class MissingFolder:
    """Why a snapshot is not believed: ``path`` is missing or another folder. ``is_certain`` is false where the system
    gives folders no inode, so that a person may also have emptied it."""

    path: str
    detail: str
    is_certain: bool = True


def missing_folder(before: Snapshot, after: Snapshot, workspace: Workspace) -> MissingFolder | None:
    """What makes ``after`` the snapshot of an unplugged share and not of files that people deleted, given the last one
    that was believed; ``None`` when it can be believed.

    A share that is away looks like no folder, like one that cannot be listed, or like the empty folder that it is
    mounted on. So a folder that is the same one (same device, same inode) is believed, however many files are gone:
    people deleted them. One on another device is believed as soon as one name is there that was there before: the share
    is back, on a new mount. One of the main folders that is gone while it held files is not believed: making it again,
    even empty on the same disk, says that this was meant. The folder of the forms may go: people put old ones away;
    that of the consolidation too: a run makes it again.
    """
    root, workbooks = str(workspace.root), str(workspace.workbooks)
    free = (str(workspace.envois), str(workspace.consolidation))
    for path in (root, workbooks, str(workspace.root / SETTINGS_FILE)):
        if path in after.refused:
            return MissingFolder(path, "il ne répond pas")
        if path not in after.folders and path not in after.files and (path in before.folders or path in before.files):
            return MissingFolder(path, "il n'est plus là")
    for folder, identity in before.folders.items():
        now = after.folders.get(folder)
        is_refused, has_inode = folder in after.refused, bool(identity[1])
        if (now == identity and has_inode and not is_refused) or any(_is_in(folder, path) for path in free):
            continue
        names = before.names_in(folder)
        if not names:
            continue
        if is_refused:
            return MissingFolder(folder, "il ne répond plus")
        if now is None:
            if os.path.dirname(folder) in (root, workbooks):  # noqa: PTH120 - deeper, the folder above is believed
                return MissingFolder(folder, "il n'est plus là")
        elif not names & after.names_in(folder):
            if now[0] != identity[0]:
                return MissingFolder(folder, "il est vide, et ce n'est plus le même disque")
            if not has_inode and len(names) > 1:
                return MissingFolder(folder, "il a été vidé d'un coup", is_certain=False)
    return None


def fingerprint(path: Path) -> Fingerprint | None:
    """The fingerprint of a file, :data:`UNREADABLE` when it cannot be opened, ``None`` when there is none."""
    try:
        return look_at(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        return UNREADABLE


def is_complete(path: Path) -> bool:
    """Whether nothing shows that the file at ``path`` is still being written.

    A workbook is a zip, whose last record is written last: without it, or while the file is empty or begins with the
    zeros of a reserved space, more is to come. What is not a zip is complete as it is, and so is what is gone, or no
    file at all. What does not answer is not.
    """
    try:
        return PATIENCE.wait(path, lambda: _is_complete(path))
    except (FileNotFoundError, NotADirectoryError, NotRegularError):
        return True
    except OSError:
        return False


def _is_complete(path: Path) -> bool:
    with open_regular(path) as file:
        size = file.seek(0, 2)
        file.seek(0)
        start = file.read(len(_ZIP_START))
        file.seek(max(0, size - _END_BYTES - _LONGEST_COMMENT_BYTES))
        end = file.read(_END_BYTES + _LONGEST_COMMENT_BYTES) if start == _ZIP_START else b""
    if start == _ZIP_START:
        return _ends_zip(end, size)
    is_begun = _ZIP_START.startswith(start) or start == _RESERVED
    return not (is_begun and path.suffix.casefold() in _ZIPPED)


def _ends_zip(end: bytes, size: int) -> bool:
    """Whether the last bytes of a zip of ``size`` bytes hold its last record, with all of its comment after it.

    Whatever follows is no more of it where the record says that the list of parts ends right before it: gateways and
    copies add bytes of their own, and no part of an archive that is still arriving says so.
    """
    at = end.rfind(_ZIP_END)
    while at >= 0:
        over = at + _END_BYTES + int.from_bytes(end[at + 20 : at + 22], "little")
        directory = int.from_bytes(end[at + 12 : at + 16], "little") + int.from_bytes(end[at + 16 : at + 20], "little")
        if over == len(end) or (over < len(end) and directory == size - len(end) + at):
            return True
        at = end.rfind(_ZIP_END, 0, at)
    return False


def is_network(path: Path) -> bool:
    """Whether ``path`` (which may not exist yet) is on a file system shared by network; ``False`` when unknown."""
    with suppress(OSError, ValueError, subprocess.SubprocessError):
        whole = Path(os.path.realpath(path))
        if sys.platform == "win32":
            return is_windows_network(str(path)) or is_windows_network(str(whole))
        if sys.platform == "darwin":
            command = ["/sbin/mount"]
            listing = subprocess.run(command, capture_output=True, text=True, timeout=_MOUNT_SECONDS, check=True)  # noqa: S603
            kind = kind_of(whole, mac_mounts(listing.stdout))
        else:
            text = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
            kind = kind_of(whole, linux_mounts(text))
        return is_network_kind(kind)
    return False


def network_folder(workspace: Workspace) -> Path | None:
    """The folder of the workspace that is on a network file system, if one is: it has to be polled."""
    folders = (workspace.root, workspace.workbooks, workspace.retours)
    return next((folder for folder in folders if is_network(folder)), None)


def linux_mounts(text: str) -> Iterator[tuple[str, str]]:
    """(mount point, kind) of each line of ``/proc/self/mountinfo``, in its order."""
    for line in text.splitlines():
        left, separator, right = line.partition(" - ")
        fields, kinds = left.split(" "), right.split(" ")
        if separator and len(fields) > 4:
            point = _ESCAPE.sub(lambda digits: chr(int(digits[1], 8)), fields[4])
            # An automatic mount shows its own line too, under or over the real one: it says nothing of what is there.
            if kinds[0] != "autofs":
                yield point, kinds[0]


def mac_mounts(text: str) -> Iterator[tuple[str, str]]:
    """(mount point, kind) of each line that ``mount`` prints on macOS."""
    for line in text.splitlines():
        if mount := _MAC_MOUNT.match(line):
            yield mount["point"], mount["kind"]


def kind_of(path: Path, mounts: Iterator[tuple[str, str]]) -> str:
    """The kind of the file system that ``path`` (absolute, no links) is on: that of the deepest mount point above it,
    the last one where several are mounted over each other. Empty when there is none."""
    deepest, kind = -1, ""
    for point, mounted in mounts:
        parts = Path(point).parts
        if path.parts[: len(parts)] == parts and len(parts) >= deepest:
            deepest, kind = len(parts), mounted
    return kind


def is_network_kind(kind: str) -> bool:
    """Whether a file system of that kind is shared by network; any unknown one behind FUSE counts as one."""
    name = kind.casefold()
    if name.startswith("fuse."):
        return name.removeprefix("fuse.") not in _LOCAL_FUSE
    return name in _NETWORK


def is_windows_network(path: str) -> bool:
    """Whether a Windows path is a share (``\\\\serveur\\partage``) or on a drive letter that stands for one."""
    plain = path.replace("/", "\\")
    if plain.startswith("\\\\?\\UNC\\"):
        return True
    plain = plain.removeprefix("\\\\?\\")
    if plain.startswith("\\\\"):
        return not plain.startswith("\\\\.\\")
    if sys.platform == "win32" and plain[1:2] == ":":
        import ctypes

        return int(ctypes.windll.kernel32.GetDriveTypeW(plain[:2] + "\\")) == _DRIVE_REMOTE
    return False
