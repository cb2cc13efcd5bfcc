"""``tabellion new``: a new workspace from the starter kit, never over an existing file."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

from tabellion.contract.workspace import SETTINGS_FILE, starter_kit
from tabellion.findings import TabellionError
from tabellion.transaction.files import already_there, write_all_whole

#: What the starter kit holds, as it lies at the root of a workspace.
KIT = (SETTINGS_FILE, "schemas", "templates", "workbooks/registre")


def as_typed(path: Path) -> str:
    """A path as it is typed after a command: in quotes where it has spaces or signs that the shell would take."""
    return subprocess.list2cmdline([str(path)]) if os.name == "nt" else shlex.quote(str(path))


def create_workspace(folder: Path) -> list[Path]:
    """Copy the starter kit into ``folder`` and return the files written, relative to it.

    Raises :class:`TabellionError` with every file that is already there; nothing is then written.
    """
    kit = starter_kit()
    sources = [
        path for name in KIT for path in ([kit / name] if (kit / name).is_file() else sorted((kit / name).rglob("*")))
    ]
    contents = {folder / path.relative_to(kit): path.read_bytes() for path in sources if path.is_file()}
    taken = [path for path in contents if path.exists()]
    if folder.exists() and not folder.is_dir():
        taken = [folder]
    if taken:
        remede = "Choisissez un autre dossier, ou déplacez ce fichier."
        raise TabellionError([already_there(path, remede) for path in taken])
    write_all_whole(contents)
    return [path.relative_to(folder) for path in contents]
