"""The accepted files that a run keeps: what is in force never depends on a file that people may move or delete."""

from __future__ import annotations

from pathlib import Path

from tabellion.campaign.cautions import Caution
from tabellion.campaign.halves import joined_name
from tabellion.commands.inputs import Inputs
from tabellion.contract.folders import KEPT
from tabellion.contract.workspace import Workspace
from tabellion.transaction import Copy
from tabellion.wording import file_stem


def kept_files(workspace: Workspace, inputs: Inputs) -> dict[Path, Copy]:
    """The accepted files to keep: where, and from what."""
    folder, master = workspace.consolidation / KEPT, inputs.master
    kept = {
        target: Copy(workspace.workbooks / fichier, sha256)
        for target, (fichier, sha256) in files_in_force(workspace, inputs).items()
    }
    kept = {target: copy for target, copy in kept.items() if target != copy.source}
    is_own = inputs.source.is_workbook and master.fichier == workspace.contrat.name
    if is_own and not any(held.caution is Caution.UNDOING for held in inputs.source.state.withheld):
        kept[folder / master.fichier] = Copy(workspace.contrat, master.sha256)
    return kept


def files_in_force(workspace: Workspace, inputs: Inputs) -> dict[Path, tuple[str, str]]:
    """The files that count, with their SHA-256, by the place of the copy that is kept of each."""
    folder, files = workspace.consolidation / KEPT, dict[Path, tuple[str, str]]()
    for source in inputs.assembly.in_force:
        name = folder / str(source.exercice) / file_stem(source.partenaire)
        files[name.with_name(f"{name.name}.xlsx")] = source.fichier, source.parsed.sha256
        for rank, (fichier, parsed) in enumerate(source.compared, 1):
            is_there = fichier in inputs.files  # else it is a kept copy, named as it will be
            now = fichier if is_there else inputs.kept.get(parsed.sha256, fichier)
            files[name.with_name(joined_name(name.name, rank))] = now, parsed.sha256
    return files
