"""Where what is published comes from: the contract (its workbook, or else its register) or the consolidated state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tabellion.campaign.masters import Master, master_of, master_of_register
from tabellion.checks.contract import check_integrity
from tabellion.commands.consolidate import REGISTER
from tabellion.commands.generate import LAYOUT
from tabellion.contract.model import Contract
from tabellion.contract.register import load_register
from tabellion.contract.workspace import Workspace
from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.layout.theme import load_theme
from tabellion.reading import read_workbook


class Depuis(StrEnum):
    """What ``--depuis`` may say."""

    CONTRAT = "contrat"
    CONSOLIDATION = "consolidation"


@dataclass(frozen=True)
class Source:
    """The contract to publish, as read: ``words`` says in French where from, ``place`` where its rows stand."""

    contract: Contract
    master: Master
    words: str

    def place(self, table: str, position: int, champ: str | None = None) -> Place:
        """Where the row at a zero-based position of a table stands, and one of its fields."""
        return self.master.place(table, position, champ)


def load_source(workspace: Workspace, depuis: Depuis) -> Source:
    """Read the contract, or the consolidated state; nothing is written.

    Raises :class:`TabellionError` when it is not there, cannot be read, or something in it blocks.
    """
    theme = load_theme(workspace.templates / LAYOUT, workspace.schemas)
    if depuis is Depuis.CONSOLIDATION:
        name = consolidated_register(workspace).relative_to(workspace.workbooks).as_posix()
        master, words = _of_register(workspace, name), "l'état consolidé"
    elif workspace.contrat.exists():
        name = workspace.contrat.name
        master = master_of(read_workbook(workspace.contrat), name, workspace.schemas, workspace.settings)
        _refuse([each.in_file(name) for each in master.findings], is_sound=master.is_sound)
        words = name
    else:
        master, words = _of_register(workspace, workspace.registre.name), "le registre"
    contract = Contract(workspace.settings, workspace.schemas, theme, master.tables, master.adoption)
    return Source(contract, master, words)


def consolidated_register(workspace: Workspace) -> Path:
    """The folder of the consolidated register; raises :class:`TabellionError` when nothing was consolidated yet."""
    folder = workspace.consolidation / REGISTER
    if not folder.is_dir():
        place = Place(str(workspace.consolidation))
        raise TabellionError([finding("consolidation-absente", place, valeur=str(workspace.consolidation))])
    return folder


def _of_register(workspace: Workspace, name: str) -> Master:
    register = load_register(workspace.workbooks / name, workspace.schemas)
    _refuse(check_integrity(register.tables, workspace.schemas, workspace.settings, register.locate))
    return master_of_register(register, name, "")


def _refuse(said: Sequence[Finding], *, is_sound: bool = True) -> None:
    blocking = [each for each in said if each.bloquant]
    if blocking or not is_sound:
        raise TabellionError(blocking or said)
