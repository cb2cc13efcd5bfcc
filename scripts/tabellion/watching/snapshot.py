"""A cheap look at everything that is watched: names, sizes and times, no content; and whether the folders are there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tabellion.contract.workspace import SETTINGS_FILE, Workspace
from tabellion.transaction.files import is_owner_file
from tabellion.watching.filters import counts_here, trees

Trace = tuple[int, int, int, int]
"""A file's size, modification and change times in nanoseconds, and inode: while all stay, it was most likely left
alone. (On Windows the third is its creation, and the last 0.)"""

Identity = tuple[int, int]
"""A folder's device and inode; the inode is 0 where the system has none."""

_OWNER: Trace = (0, 0, 0, 0)


@dataclass(frozen=True)
class Survey:
    """What was there: ``files`` by path, ``folders`` by path; ``refused`` are the folders that could not be listed,
    with the reason of the system (one that is not there is in neither)."""

    files: Mapping[str, Trace] = field(default_factory=dict)
    folders: Mapping[str, Identity] = field(default_factory=dict)
    refused: Mapping[str, OSError] = field(default_factory=dict)

    def names_in(self, folder: str) -> set[str]:
        """The names of the files and folders seen in a folder."""
        return {os.path.basename(path) for path in (*self.files, *self.folders) if os.path.dirname(path) == folder}  # noqa: PTH119, PTH120


def survey(workspace: Workspace) -> Survey:
    """Look at everything that is watched in a workspace. Raises nothing: what cannot be seen is ``refused``."""
    surveyor = _Surveyor()
    for folder in (workspace.root, workspace.workbooks):
        surveyor.identify(folder)
    for path in (workspace.root / SETTINGS_FILE, workspace.contrat):
        surveyor.stat(path)
    for folder in trees(workspace):
        surveyor.walk(str(folder))
    surveyor.owners(workspace.consolidation)
    for inside, _, names in os.walk(str(workspace.constats)):
        surveyor.mark(inside, names)
    return Survey(surveyor.files, surveyor.folders, surveyor.refused)


class _Surveyor:
    """Gathers what is seen. Paths are plain texts here: objects would double the time."""

    def __init__(self) -> None:
        self.files: dict[str, Trace] = {}
        self.folders: dict[str, Identity] = {}
        self.refused: dict[str, OSError] = {}

    def identify(self, folder: Path | str) -> bool:
        """Note a folder's identity; whether it is there."""
        try:
            found = os.stat(folder)  # noqa: PTH116
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            self.refused[str(folder)] = error
            return False
        self.folders[str(folder)] = (found.st_dev, found.st_ino)
        return True

    def stat(self, path: Path) -> None:
        """Note one file, if it is there."""
        try:
            self.files[str(path)] = _trace(path.stat())
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            self.refused[str(path)] = error

    def walk(self, folder: str) -> None:
        """Note the files of a folder and of its own folders; links to folders are not followed inside it."""
        if not self.identify(folder):
            return
        inside = []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if not counts_here(entry.name):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        inside.append(entry.path)
                    else:
                        self._note(entry)
        except (FileNotFoundError, NotADirectoryError):
            del self.folders[folder]
        except OSError as error:
            self.refused[folder] = error
        for path in inside:
            self.walk(path)

    def _note(self, entry: os.DirEntry[str]) -> None:
        try:
            self.files[entry.path] = _trace(entry.stat())
        except FileNotFoundError:
            if entry.is_symlink():  # to nothing: it is there, and it says so when it is read
                self.files[entry.path] = _OWNER
        except OSError:
            self.files[entry.path] = _OWNER

    def owners(self, folder: Path) -> None:
        """Note the owner files right in a folder: their names are enough."""
        try:
            self.mark(str(folder), os.listdir(folder))  # noqa: PTH208
        except OSError:
            return

    def mark(self, folder: str, names: list[str]) -> None:
        """Note those of the names that are owner files."""
        self.files.update((os.path.join(folder, name), _OWNER) for name in names if is_owner_file(name))  # noqa: PTH118


def _trace(found: os.stat_result) -> Trace:
    return (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


def differences(before: Survey, after: Survey) -> Iterator[str]:
    """The paths of files that came, went or were touched between two surveys; what could not be seen has not gone."""
    for path, trace in after.files.items():
        if before.files.get(path) != trace:
            yield path
    hidden = tuple(after.refused)
    for path in before.files:
        if path not in after.files and not any(_is_in(path, folder) for folder in hidden):
            yield path


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + os.sep)


@dataclass(frozen=True)
class Absence:
    """Why a survey is not believed: ``path`` is missing or another folder. ``is_certain`` is false where the system
    gives folders no identity, so that a person may also have emptied it."""

    path: str
    detail: str
    is_certain: bool = True


def vanished(before: Survey, after: Survey, workspace: Workspace) -> Absence | None:
    """What makes ``after`` that of an unplugged share and not of files that people deleted, given the last survey that
    was believed; ``None`` when it can be believed.

    A share that is away looks like no folder, like one that cannot be listed, or like the empty folder that it is
    mounted on. So a folder that is the same one (same device, same inode) is believed, however many files are gone:
    people deleted them. One on another device is believed as soon as one name is there that was there before: the share
    is back, on a new mount. One of the main folders that is gone while it held files is not believed: making it again,
    even empty on the same disk, says that this was meant. The folder of the forms may go: people put old ones away.
    """
    root, workbooks, forms = str(workspace.root), str(workspace.workbooks), str(workspace.envois)
    for path in (root, workbooks, str(workspace.root / SETTINGS_FILE)):
        if path in after.refused:
            return Absence(path, "il ne répond pas")
        if path not in after.folders and path not in after.files and (path in before.folders or path in before.files):
            return Absence(path, "il n'est plus là")
    for folder, identity in before.folders.items():
        found = after.folders.get(folder)
        if (found == identity and identity[1] and folder not in after.refused) or _is_in(folder, forms):
            continue
        held = before.names_in(folder)
        if not held:
            continue
        if folder in after.refused:
            return Absence(folder, "il ne répond plus")
        if found is None:
            if os.path.dirname(folder) in (root, workbooks):  # noqa: PTH120 - deeper, the folder above is believed
                return Absence(folder, "il n'est plus là")
        elif not held & after.names_in(folder):
            if found[0] != identity[0]:
                return Absence(folder, "il est vide, et ce n'est plus le même disque")
            if not identity[1] and len(held) > 1:
                return Absence(folder, "il a été vidé d'un coup", is_certain=False)
    return None
