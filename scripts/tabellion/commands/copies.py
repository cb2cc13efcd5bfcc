"""The copies that a run makes: the accepted files that it keeps, and the annotated ones."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from tabellion.campaign.cautions import Caution
from tabellion.campaign.halves import joined_name
from tabellion.campaign.model import Consolidation, Verdict
from tabellion.campaign.parsed_return import digest_of
from tabellion.campaign.read_returns import digest_of_folder
from tabellion.commands.inputs import Inputs
from tabellion.contract.folders import KEPT
from tabellion.contract.workspace import Workspace
from tabellion.findings import Finding, Severity
from tabellion.findings.codes.files import UNREADABLE
from tabellion.findings.codes.returns import CAMPAIGN
from tabellion.transaction import Copy
from tabellion.wording import file_stem
from tabellion.xlsx.annotation import CopyJob

#: Verdicts of files that nobody has to correct: no annotated copy is made of them.
_SETTLED = (Verdict.OLDER, Verdict.TWIN, Verdict.PASSED_OVER, Verdict.JOINED, Verdict.UNREADABLE, Verdict.FOREIGN)
#: What is said to the staff about a whole file: its sender has nothing to do with it.
_FOR_STAFF = {code.code for code in CAMPAIGN}


def copy_jobs(workspace: Workspace, inputs: Inputs) -> list[CopyJob]:
    """The annotated copies to have: of each file where an error or a warning is to be looked at."""
    consolidation, contrat = inputs.assembly.consolidation, workspace.contrat
    by_file: dict[str, list[Finding]] = {}
    for item in consolidation.findings:
        by_file.setdefault(item.place.fichier or "", []).append(item)
    received = [file for line in consolidation.board for file in line.received]
    settled = {file.fichier for file in received if file.verdict in _SETTLED or file.is_kept_copy}
    settled |= {file.fichier for file in consolidation.strays}
    sources = {
        name: (file.source.path, file.parsed.sha256) for name, file in inputs.files.items() if name not in settled
    }
    # Also where it is blocked, so that an older one is the master: its people need its findings all the more.
    is_master = inputs.master.fichier == contrat.name
    if (is_master or contrat.exists()) and not any(item.code in UNREADABLE for item in by_file.get(contrat.name, [])):
        sha256 = inputs.master.sha256 if is_master else ""
        if not is_master:
            with suppress(OSError):  # an editor that saves it has just taken it away
                sha256 = hashlib.sha256(contrat.read_bytes()).hexdigest()
        sources[contrat.name] = (contrat, sha256)
    layout = digest_of_folder(workspace.templates, "contrat.toml")
    jobs = []
    for name, (path, sha256) in sources.items():
        is_return = name != contrat.name
        findings = [finding for finding in by_file.get(name, []) if not (is_return and finding.code in _FOR_STAFF)]
        if all(finding.gravite is Severity.INFORMATION for finding in findings):
            continue
        copies = workspace.constats.name
        target = f"{copies}/{name.removeprefix(f'{workspace.retours.name}/')}"
        if is_return and target.casefold() == f"{copies}/{contrat.name}".casefold():
            target = f"{copies}/{Path(target).stem} (retour){Path(target).suffix}"  # that place is the master's own
        jobs.append(CopyJob(name, target, path, tuple(findings), digest_of([sha256, layout, repr(findings)])))
    return jobs


def with_copies(consolidation: Consolidation, copies: Mapping[str, str]) -> Consolidation:
    """The consolidation with the names of the annotated copies."""
    board = []
    for line in consolidation.board:
        received = tuple(replace(file, annotated=copies.get(file.fichier)) for file in line.received)
        in_force = next((file for file in received if line.in_force and file.fichier == line.in_force.fichier), None)
        board.append(replace(line, received=received, in_force=in_force))
    return replace(consolidation, board=tuple(board))


def kept_files(workspace: Workspace, inputs: Inputs) -> dict[Path, Copy]:
    """The accepted files to keep, but for those that are kept already: where, and from what."""
    folder, master = workspace.consolidation / KEPT, inputs.master
    kept = {
        target: Copy(workspace.workbooks / fichier, sha256)
        for target, (fichier, sha256) in files_in_force(workspace, inputs).items()
    }
    in_place = {workspace.workbooks / name: sha256 for sha256, name in inputs.kept.items()}
    kept = {
        target: copy for target, copy in kept.items() if target != copy.source and in_place.get(target) != copy.sha256
    }
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
