"""Whether a folder is on a network file system, where the system tells nothing of what others do: it must be polled."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tabellion.contract.workspace import Workspace

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
