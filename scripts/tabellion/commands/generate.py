"""``tabellion generate``: the contract becomes a new master workbook, with its findings inside."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tabellion.checks.contract import check_meaning
from tabellion.commands.source import alone_on, load_source
from tabellion.contract.workspace import Workspace
from tabellion.findings import Finding, Place, finding
from tabellion.outputs.master.layout import MasterLayout, lay_out_master
from tabellion.outputs.master.workbook import write_master
from tabellion.transaction.files import edited_among, replace_or_refuse
from tabellion.wording import plural
from tabellion.xlsx.inplace.own_columns import carry_own_columns
from tabellion.xlsx.inplace.sheets import carry_own
from tabellion.xlsx.signature import replaceable


@dataclass(frozen=True)
class Generation:
    """What a generation did: the file, its findings, and the dated copy of an edited workbook that it replaced."""

    path: Path
    findings: tuple[Finding, ...]
    kept: Path | None


def generate(workspace: Workspace, path: Path | None, *, force: bool, now: datetime) -> Generation:
    """Write the contract as a new master workbook at ``path`` (the workspace's own by default), whole or not at all.

    What staff typed is in it, and in the register. Raises :class:`TabellionError` when the contract cannot be read, and
    when the file there was edited since it was generated (unless ``force``, which keeps a dated copy first: the new
    layout has everything that the contract says, and the staff's own sheets and columns). Nothing is then written.
    """
    target = workspace.contrat if path is None else path
    is_own = target.resolve() == workspace.contrat.resolve()
    with alone_on(workspace, "tabellion generate", now) if is_own else nullcontext():
        source = load_source(workspace)
        layout = lay_out_master(source.book)
        findings = [item.in_file(target.name) for item in check_meaning(layout.contract, layout.locate)]
        fresh = write_master(layout, findings)
        edited = edited_among({target: fresh}, replaceable(elsewhere=not is_own))
        contents = {target: fresh}
        if edited and is_own and force:
            contents[target], left = _with_own_work(fresh, target.read_bytes(), layout)
            findings += [item.in_file(target.name) for item in left]
        if is_own and not (edited and not force):
            source.keep_hand_edits(now)
            contents |= source.register_files
        archives = workspace.archives if is_own else None
        copies = replace_or_refuse(contents, edited, _refusal, force=force, now=now, archives=archives)
    return Generation(target, (*source.findings, *findings), copies.get(target))


def _with_own_work(fresh: bytes, data: bytes, layout: MasterLayout) -> tuple[bytes, list[Finding]]:
    """The new workbook with the staff's own columns and sheets of the old one, and what of them stays in its copy."""
    schemas = layout.contract.schemas
    keys = {
        table.name: [schemas[table.resource].by_name[name].title for name in schemas[table.resource].primary_key]
        for table in layout.data.values()
    }
    columns = carry_own_columns(fresh, data, keys)
    left = [
        finding(
            "colonne-non-reportee", Place(feuille=each.sheet), valeur=each.label,
            compte=plural(each.count, "cellule"), titre=each.sheet,
        )
        for each in columns.left
    ]  # fmt: skip
    return carry_own(columns.data, data), left


def _refusal(path: Path) -> Finding:
    detail = "il n'est plus tel que tabellion l'a écrit"
    return finding("classeur-modifie", Place(str(path)), valeur=path.name, detail=detail)
