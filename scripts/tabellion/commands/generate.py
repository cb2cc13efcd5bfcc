"""``tabellion generate``: the register becomes the master workbook, with its findings inside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tabellion.campaign.adoption import load_adoption
from tabellion.checks.contract import check_integrity, check_meaning
from tabellion.contract.model import Contract
from tabellion.contract.register import hand_print, load_register
from tabellion.contract.workspace import Workspace
from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.layout.theme import load_theme
from tabellion.outputs.master.layout import lay_out_master
from tabellion.outputs.master.workbook import write_master
from tabellion.transaction.files import is_free, keep_dated_copy, write_whole
from tabellion.xlsx.signature import is_intact

LAYOUT = "contrat.toml"


@dataclass(frozen=True)
class Generation:
    """What a generation did: the file, its findings, and the dated copy of an edited workbook that it replaced."""

    path: Path
    findings: tuple[Finding, ...]
    kept: Path | None


def load_contract(workspace: Workspace) -> Contract:
    """Read everything that a workbook is made from.

    Raises :class:`TabellionError` with every mistake of the schemas, then of the layout and the register together.
    """
    schemas = workspace.schemas
    mistakes: list[Finding] = []
    theme = register = adoption = None
    try:
        theme = load_theme(workspace.templates / LAYOUT, schemas)
    except TabellionError as error:
        mistakes += error.findings
    try:
        register = load_register(workspace.registre, schemas)
        mistakes += check_integrity(register.tables, schemas, workspace.settings, register.locate)
    except TabellionError as error:
        mistakes += error.findings
    try:
        adoption = load_adoption(workspace.registre)
    except TabellionError as error:
        mistakes += error.findings
    if mistakes or theme is None or register is None or adoption is None:
        raise TabellionError(mistakes)
    by_hand = hand_print(workspace.registre, schemas)
    return Contract(workspace.settings, schemas, theme, register.tables, adoption.name, by_hand)


def generate(workspace: Workspace, path: Path | None, *, force: bool, now: datetime) -> Generation:
    """Write the master workbook at ``path`` (the workspace's own by default), whole or not at all.

    Raises :class:`TabellionError` when the register is missing, unreadable or has blocking mistakes, and when the file
    there was edited since it was generated (unless ``force``, which keeps a dated copy first). Nothing is then written.
    """
    target = workspace.contrat if path is None else path
    contract = load_contract(workspace)
    layout = lay_out_master(contract)
    findings = [
        each.in_file(target.name)
        for each in check_meaning(contract.tables, contract.schemas, contract.settings, layout.locate)
    ]
    content = write_master(layout, findings)
    kept = _make_way(target, content, force=force, now=now)
    write_whole(target, content)
    return Generation(target, tuple(findings), kept)


def _make_way(target: Path, content: bytes, *, force: bool, now: datetime) -> Path | None:
    """Let a workbook that people edited be replaced only on demand, after a dated copy."""
    if is_free(target, content, is_intact):
        return None
    if not force:
        detail = "il n'est plus tel que tabellion l'a écrit"
        raise TabellionError([finding("classeur-modifie", Place(str(target)), valeur=target.name, detail=detail)])
    return keep_dated_copy(target, now)
