"""``tabellion import``: the published document becomes the register."""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tabellion.campaign.adoption import ADOPTION_FILE
from tabellion.campaign.saves import SAVES_FILE
from tabellion.commands.source import alone_on
from tabellion.contract.book import NO_THEME, Book
from tabellion.contract.register import DESCRIPTOR, load_register, register_files, register_settings, was_edited
from tabellion.contract.settings import settle
from tabellion.contract.workspace import Workspace
from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.importing import (
    DocumentText,
    LineUse,
    document_text,
    read_document,
    said_settings,
    setting_rows,
)
from tabellion.reading.source import read_source
from tabellion.schema import SETTING_TABLES
from tabellion.schema.csv_text import shielded
from tabellion.schema.tables import Tables, make_tables
from tabellion.transaction.files import already_there, keep_dated_copy, replace_or_refuse
from tabellion.wording import system_reason
from tabellion.xlsx.signature import is_intact

#: The file that accounts for every line of the document, beside the register.
ACCOUNT = "lignes_source.csv"
#: The text that was taken out of a Word document, a PDF or a workbook: the lines that findings and the account name.
TEXT = "texte_source.txt"


@dataclass(frozen=True)
class Import:
    """What an import did: where, how many rows by table, how each line of the document was used, what to say."""

    folder: Path
    rows: dict[str, int]
    uses: Counter[str]
    findings: tuple[Finding, ...]
    kept: tuple[Path, ...]


def import_document(workspace: Workspace, document: Path, folder: Path | None, *, force: bool, now: datetime) -> Import:
    """Read ``document`` and write the register into ``folder`` (the workspace's own register by default).

    A workbook of the contract that stands beside that register would count instead of it: it goes into
    ``workbooks/archives/``. Raises :class:`TabellionError` when the document cannot be read or is not one, when the
    register or that workbook was edited, and when the register says what the document does not (unless ``force``, which
    keeps dated copies first). Nothing is then written.
    """
    target = workspace.registre if folder is None else folder
    schemas = workspace.schemas
    text = _read(document)
    try:
        contract = read_document(text.data, document.name)
    except TabellionError as refused:
        raise TabellionError([*text.notices, *refused.findings]) from None
    first, said = workspace.settings, contract.page.said(contract.exercice, contract.tables["fiches"])
    present = register_settings(workspace)
    rows = contract.tables | {SETTING_TABLES[0]: setting_rows(said, first, present)}
    book = settle(Book(present, schemas, NO_THEME, make_tables(schemas, rows)))
    tables, settings = book.tables, book.settings
    if settings == first and not any((target / f"{name}.csv").exists() for name in SETTING_TABLES):
        tables = make_tables(schemas, contract.tables)  # tabellion.toml says them all
    files = register_files(tables, schemas, identifiant=settings.identifiant, titre=settings.titre)
    files[ACCOUNT] = _account(contract.lines)
    if text.extracted:
        files[TEXT] = text.data
    contents = {target / name: content for name, content in files.items()}
    edited = [target] if was_edited(target, schemas) or _lost(target, workspace, tables) else []
    workbook = workspace.contrat if folder is None and workspace.contrat.exists() else None
    if workbook is not None and not is_intact(read_source(workbook)):
        edited.append(workbook)
    with alone_on(workspace, "tabellion import", now):
        archives = workspace.archives if folder is None else None
        copies = replace_or_refuse(contents, edited, _refusal, force=force, now=now, archives=archives)
        if target in copies:  # what had been taken over from returns is not in the document: it will be merged again
            (target / ADOPTION_FILE).unlink(missing_ok=True)
        if workbook is not None:
            if workbook not in copies:
                copies[workbook] = keep_dated_copy(workbook, now, archives)
            workbook.unlink()
            (target / SAVES_FILE).unlink(missing_ok=True)
    to_confirm = said_settings(said, settings, first, Place(document.name))
    counts = {name: len(frame) for name, frame in tables.items() if name not in SETTING_TABLES}
    uses = Counter(use.usage for use in contract.lines)
    told = (*text.notices, *to_confirm, *contract.findings)
    findings = tuple(sorted(told, key=lambda entry: (entry.gravite, entry.place.ligne or 0)))
    return Import(target, counts, uses, findings, tuple(copies.values()))


def _lost(folder: Path, workspace: Workspace, tables: Tables) -> int:
    """How many rows of the register in a folder say something that the document does not: adopted, typed, or newer."""
    if not (folder / DESCRIPTOR).exists():
        return 0
    try:
        present = load_register(folder, workspace.schemas, workspace.settings).tables
    except TabellionError:
        return 1
    lost = 0
    for name, table in present.items():
        if name in SETTING_TABLES:
            continue
        keys = table.schema.primary_key
        read = {tuple(row[key] for key in keys): row for row in tables[name].rows}
        for row in table.rows:
            same = read.get(tuple(row[key] for key in keys), {})
            lost += any(value is not None and same.get(field) != value for field, value in row.items())
    return lost


def _refusal(path: Path) -> Finding:
    remede = (
        "Il dit des choses que ce document ne dit pas : importez ailleurs avec --vers DOSSIER, ou remplacez-le avec "
        "--forcer : une copie datée est gardée."
    )
    return already_there(path, remede)


def _read(document: Path) -> DocumentText:
    try:
        if document.is_file():
            return document_text(document)
        detail = "ce n'est pas un fichier" if document.exists() else "il n'existe pas"
    except OSError as error:
        detail = system_reason(error)
    raise TabellionError([finding("document-illisible", Place(str(document)), detail=detail)])


def _account(lines: tuple[LineUse, ...]) -> bytes:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(("ligne", "usage", "detail"))
    writer.writerows((line.ligne, shielded(line.usage), shielded(line.detail)) for line in lines)
    return stream.getvalue().encode("utf-8")
