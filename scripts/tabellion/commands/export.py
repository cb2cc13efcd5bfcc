"""``tabellion export``: what is public leaves as open data, the register and the granted subsidies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tabellion.commands.source import Depuis, load_contract, source_day, source_words
from tabellion.contract.register import register_files
from tabellion.contract.workspace import Workspace
from tabellion.findings import Finding
from tabellion.layout.theme import load_theme
from tabellion.outputs.opendata import (
    README_FILE,
    REGISTER,
    SUBSIDIES,
    WORKBOOK_FILE,
    described,
    edited_files,
    load_standard,
    public_tables,
    readme,
    rows_workbook,
    subsidies_files,
)
from tabellion.outputs.subsidies import subsidies
from tabellion.transaction.files import replace_or_refuse

#: What people can do about a file of theirs at the place of an output.
_REMEDY = (
    "Rangez-le ailleurs, ou exportez dans un autre dossier avec --vers ; "
    "avec --forcer, il est remplacé après une copie datée."
)
#: The format of the subsidies, in the folder of templates.
STANDARD = "export/scdl-subventions.json"


@dataclass(frozen=True)
class Export:
    """What was exported: where, from what, rows by table, subsidies written out of those granted, findings, copies."""

    folder: Path
    source: str
    tables: int
    rows: int
    published: int
    granted: int
    standard: str
    findings: tuple[Finding, ...]
    kept: tuple[Path, ...]


def export(workspace: Workspace, folder: Path | None, depuis: Depuis, *, force: bool, now: datetime) -> Export:
    """Write both packages into ``folder`` (``workbooks/export/`` by default), all files or none.

    Raises :class:`TabellionError` when the contract cannot be read, when the format's template is wrong, and when a
    file there was edited by hand (unless ``force``, which keeps a dated copy first). Nothing is then written.
    """
    target = workspace.workbooks / "export" if folder is None else folder
    standard = load_standard(workspace.templates / STANDARD)
    contract = load_contract(workspace, depuis)
    settings = contract.settings
    names = {"identifiant": settings.identifiant, "titre": settings.titre}
    made = subsidies(contract.tables, standard, contract.locate, settings)
    tables, schemas, changes = public_tables(contract.tables, contract.schemas, contract.locate)
    day = source_day(workspace, contract)
    theme = load_theme(workspace.layout, workspace.schemas)
    beside = {
        WORKBOOK_FILE: rows_workbook(made.rows, standard, theme, settings),
        README_FILE: readme(settings, standard, day, rows=len(made.rows)),
    }
    packages = {
        target / REGISTER: described(register_files(tables, schemas, **names), settings, day),
        target / SUBSIDIES: described(subsidies_files(made.rows, standard, **names), settings, day, beside),
    }
    edited = [path for where, files in packages.items() for path in edited_files(where, list(files))]
    contents = {where / name: content for where, files in packages.items() for name, content in files.items()}
    copies = replace_or_refuse(contents, edited, _REMEDY, force=force, now=now)
    return Export(
        folder=target,
        source=source_words(workspace, contract),
        tables=len(tables),
        rows=sum(map(len, tables.values())),
        published=len(made.rows),
        granted=made.granted,
        standard=f"{standard.title} {standard.version}",
        findings=(*contract.findings, *made.findings, *changes),
        kept=tuple(copies.values()),
    )
