"""``tabellion generate``: the contract becomes a new master workbook, with its findings inside."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from tabellion.campaign.journal import glance_at_journal
from tabellion.campaign.saves import SAVES_FILE, Saves, saves_json
from tabellion.checks.contract import check_meaning
from tabellion.commands.source import Source, alone_on, load_source
from tabellion.contract.first_settings import first_settings
from tabellion.contract.folders import JOURNAL
from tabellion.contract.workspace import Workspace
from tabellion.findings import Finding, Place, finding
from tabellion.outputs.master.layout import MasterLayout, lay_out_master
from tabellion.outputs.master.workbook import write_master
from tabellion.transaction.files import edited_among, replace_or_refuse
from tabellion.wording import plural
from tabellion.xlsx.signature import replaceable

#: What is said of a workbook of an older layout, and no more of the one that takes its place.
_SETTLED = ("annees-additionnees", "colonne-recente")


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
        with glance_at_journal(workspace.memory / JOURNAL) as journal:
            source = load_source(workspace, journal)
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
            contents |= source.register_files or _first_saves(workspace, source)
        archives = workspace.archives if is_own else None
        copies = replace_or_refuse(
            contents, edited, partial(_refusal, is_own=is_own), force=force, now=now, archives=archives
        )
    of_source = [item for item in source.findings if not (is_own and item.code in _SETTLED)]
    return Generation(target, (*of_source, *findings), copies.get(target))


def _first_saves(workspace: Workspace, source: Source) -> dict[Path, bytes]:
    """What is remembered of the settings that a first workbook is made with; nothing where something is already."""
    path = workspace.registre / SAVES_FILE
    if source.is_workbook or path.exists():
        return {}
    return {path: saves_json(Saves(settings=first_settings(workspace.settings)))}


def _with_own_work(fresh: bytes, data: bytes, layout: MasterLayout) -> tuple[bytes, list[Finding]]:
    """The new workbook with the staff's own columns, cells and sheets of the old one, and what stays in its copy."""
    from tabellion.outputs.master.changes import renewal_of
    from tabellion.xlsx.inplace.own_columns import carry_own_columns
    from tabellion.xlsx.inplace.own_notes import carry_own_notes
    from tabellion.xlsx.inplace.sheets import carry_own

    schemas = layout.contract.schemas
    keys = {
        table.name: [schemas[table.resource].by_name[name].title for name in schemas[table.resource].primary_key]
        for table in layout.data.values()
    }
    columns = carry_own_columns(fresh, data, keys)
    left = [
        finding(
            "colonne-non-reportee", Place(feuille=column.sheet), valeur=column.label,
            compte=plural(column.count, "cellule"), titre=column.sheet,
        )
        for column in columns.left
    ]  # fmt: skip
    notes = carry_own_notes(columns.data, data, renewal_of(layout).words)
    for sheet, cells in notes.left.items():
        place, *others = _places(sheet, cells)
        words, compte = ", ".join(cells), plural(len(cells), "cellule")
        left.append(finding("cellules-non-reportees", place, valeur=words, compte=compte, liees=others))
    for sheet, cells in notes.comments.items():
        place, *others = _places(sheet, cells)
        words, compte = ", ".join(cells), plural(len(cells), "cellule")
        left.append(finding("commentaires-non-reportes", place, valeur=words, compte=compte, liees=others))
    return carry_own(notes.data, data), left


def _places(sheet: str, cells: Sequence[str]) -> list[Place]:
    return [Place(feuille=sheet, cellule=cell) for cell in cells]


def _refusal(path: Path, *, is_own: bool) -> Finding:
    detail, kept = "il n'est plus tel que tabellion l'a écrit", "l'ancien va dans workbooks/archives/"
    remede = f"lancez « tabellion generate --forcer » : vos feuilles et vos colonnes y sont reportées, {kept}"
    if not is_own:
        remede = "ajoutez --forcer : il est remplacé après une copie datée"
    return finding("classeur-modifie", Place(str(path)), valeur=path.name, detail=detail, remede=remede)
