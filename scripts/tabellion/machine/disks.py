"""On what a folder lies: a disk of this machine, a share of the network, a folder that a client synchronises."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePath

#: Kinds of file systems (as Linux and macOS name them) that stand on another machine.
_NETWORK = frozenset({
    "9p", "afpfs", "afs", "ceph", "cifs", "davfs", "fuse.davfs2", "fuse.gvfsd-fuse", "fuse.rclone", "fuse.sshfs",
    "glusterfs", "ncpfs", "nfs", "nfs4", "smb2", "smb3", "smbfs", "vboxsf", "virtiofs", "webdav",
})  # fmt: skip
#: Folders of clients that synchronise, by how their names begin (folded), and the clients.
_CLIENTS = {
    "onedrive": "OneDrive", "dropbox": "Dropbox", "nextcloud": "Nextcloud", "owncloud": "ownCloud",
    "google drive": "Google Drive", "googledrive": "Google Drive", "icloud": "iCloud", "mobile documents": "iCloud",
    "seafile": "Seafile", "sharepoint": "SharePoint",
}  # fmt: skip
#: What ``GetDriveTypeW`` says of a network drive (fileapi.h).
_DRIVE_REMOTE = 4
_ESCAPED = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True)
class Disk:
    """On what a folder lies: the ``kind`` of its file system as the system names it, whether that is on the network,
    and the client that synchronises it (empty where none does)."""

    kind: str
    is_network: bool
    client: str = ""


def disk_of(folder: Path) -> Disk:
    """On what ``folder`` lies, as this system says it; an empty kind where it does not."""
    path, client = folder.resolve(), client_of(folder.absolute())
    kind, is_network = "", False
    with suppress(OSError, subprocess.SubprocessError):
        if sys.platform == "win32":
            import ctypes

            kind, is_network = windows_kind(str(path), ctypes.windll.kernel32.GetDriveTypeW)
        elif sys.platform == "darwin":
            mounts = subprocess.run(["/sbin/mount"], capture_output=True, text=True, check=True, timeout=10).stdout
            kind = macos_kind(path, mounts)
        else:
            kind = linux_kind(path, Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace"))
    return Disk(kind, is_network or kind in _NETWORK, client)


def linux_kind(path: PurePath, mountinfo: str) -> str:
    """The kind of file system of ``path``, from ``/proc/self/mountinfo`` (proc(5))."""
    mounts = {}
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        if len(before.split()) > 4 and after:
            place = _ESCAPED.sub(lambda octal: chr(int(octal[1], 8)), before.split()[4])
            mounts[place] = after.split()[0]
    return _deepest(path, mounts)


def macos_kind(path: PurePath, mounts: str) -> str:
    """The kind of file system of ``path``, from what ``mount`` prints: ``//u@s/p on /Volumes/p (smbfs, nodev)``."""
    return _deepest(path, dict(re.findall(r" on (.+?) \((\w+)", mounts)))


def windows_kind(path: str, drive_type: Callable[[str], int]) -> tuple[str, bool]:
    """What lies under ``path`` and whether it is on the network; ``drive_type`` is the system's ``GetDriveTypeW``."""
    if path.startswith(("\\\\?\\UNC\\", "\\\\")) and not re.match(r"\\\\[?.]\\[A-Za-z]:", path):
        return "UNC", True
    letter = path.removeprefix("\\\\?\\")[:2]
    return letter, drive_type(f"{letter}\\") == _DRIVE_REMOTE


def client_of(path: PurePath) -> str:
    """The client that synchronises one of the folders of ``path``, by its usual name; empty where none does."""
    for part in path.parts:
        for begin, client in _CLIENTS.items():
            if re.match(rf"{begin}\b", part.casefold()):
                return client
    return ""


def _deepest(path: PurePath, mounts: dict[str, str]) -> str:
    above = [str(path), *map(str, path.parents)]
    return next((mounts[place] for place in above if place in mounts), "")
