"""Which files a watcher reacts to, and to what end: decided by the path alone."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

from tabellion.campaign.folder import counts
from tabellion.contract.workspace import SETTINGS_FILE, Workspace
from tabellion.transaction.files import is_owner_file

#: The copies that text editors leave beside what they save.
_BACKUP = ("~", ".bak", ".swp")


class Concern(Enum):
    """Why a path matters: an input of the consolidation, the settings of the contract (``tabellion.toml``, schemas,
    templates), or the owner file of an output that somebody has open: when it goes, the output is free."""

    INPUT = "entrée"
    SETTINGS = "réglages"
    OUTPUT_RELEASED = "sortie libérée"


def counts_here(name: str) -> bool:
    """Whether a file or folder of that name may be an input: no owner file, nothing hidden, temporary or half there."""
    return counts(name) and not name.casefold().endswith(_BACKUP)


def concerns(path: Path, workspace: Workspace) -> Concern | None:
    """What the file or folder at ``path`` is to the watcher of ``workspace``; ``None``: nothing.

    Nothing that a run writes is ever an input: ``constats/``, ``consolidation/``, ``.tabellion/``. The forms of
    ``envois/``, which another command writes, are: the board says which were sent.
    """
    if path == workspace.contrat:
        return Concern.INPUT
    if path == workspace.root / SETTINGS_FILE:
        return Concern.SETTINGS
    for folder, concern in trees(workspace).items():
        if path.is_relative_to(folder):
            return concern if all(map(counts_here, path.relative_to(folder).parts)) else None
    if path.is_relative_to(workspace.constats) or path.parent == workspace.consolidation:
        return Concern.OUTPUT_RELEASED if is_owner_file(path.name) else None
    return None


def trees(workspace: Workspace) -> dict[Path, Concern]:
    """The folders all of whose files matter, those of their own folders too."""
    return {
        workspace.retours: Concern.INPUT,
        workspace.registre: Concern.INPUT,
        workspace.envois: Concern.INPUT,
        workspace.root / "schemas": Concern.SETTINGS,
        workspace.templates: Concern.SETTINGS,
    }
