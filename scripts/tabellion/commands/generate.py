"""``tabellion generate``: the register becomes the master workbook, with its findings inside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tabellion.checks.contract import check_meaning
from tabellion.commands.source import load_contract
from tabellion.contract.workspace import Workspace
from tabellion.findings import Finding, Place, finding
from tabellion.outputs.master.layout import lay_out_master
from tabellion.outputs.master.workbook import write_master
from tabellion.transaction.files import edited_among, replace_or_refuse
from tabellion.xlsx.signature import is_intact


@dataclass(frozen=True)
class Generation:
    """What a generation did: the file, its findings, and the dated copy of an edited workbook that it replaced."""

    path: Path
    findings: tuple[Finding, ...]
    kept: Path | None


def generate(workspace: Workspace, path: Path | None, *, force: bool, now: datetime) -> Generation:
    """Write the master workbook at ``path`` (the workspace's own by default), whole or not at all.

    Raises :class:`TabellionError` when the register is missing, unreadable or has blocking mistakes, and when the file
    there was edited since it was generated (unless ``force``, which keeps a dated copy first). Nothing is then written.
    """
    target = workspace.contrat if path is None else path
    contract = load_contract(workspace)
    layout = lay_out_master(contract)
    findings = [item.in_file(target.name) for item in check_meaning(contract, layout.locate)]
    contents = {target: write_master(layout, findings)}
    copies = replace_or_refuse(contents, edited_among(contents, is_intact), _refusal, force=force, now=now)
    return Generation(target, (*contract.findings, *findings), copies.get(target))


def _refusal(path: Path) -> Finding:
    detail = "il n'est plus tel que tabellion l'a écrit"
    return finding("classeur-modifie", Place(str(path)), valeur=path.name, detail=detail)
