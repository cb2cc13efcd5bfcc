"""``tabellion import``: published documents, workbooks and CSV become the register, or add to it."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from tabellion.campaign.adoption import ADOPTION_FILE
from tabellion.campaign.saves import SAVES_FILE
from tabellion.commands.import_questions import CorrespondenceFile, counted_contract
from tabellion.commands.source import alone_on, load_contract
from tabellion.contract.book import NO_THEME, Book
from tabellion.contract.register import DESCRIPTOR, load_register, register_files, register_settings, was_edited
from tabellion.contract.settings import settle
from tabellion.contract.workspace import Settings, Workspace
from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.importing import (
    CORRESPONDENCE_FILE,
    ImportedFiles,
    ImportedTables,
    LineUse,
    add_rows,
    fitted,
    read_files,
    setting_rows,
    settings_findings,
)
from tabellion.reading.source import read_source
from tabellion.schema import SETTING_TABLES
from tabellion.schema.csv_text import shielded
from tabellion.schema.tables import Tables, make_tables
from tabellion.transaction.files import already_there, keep_dated_copy, replace_or_refuse, write_whole
from tabellion.transaction.stored import read_stored
from tabellion.wording import system_reason
from tabellion.xlsx.signature import is_intact

#: The file that accounts for every line of the document, beside the register.
ACCOUNT = "lignes_source.csv"
#: In the workspace's memory: the files of an import that waits for what staff decide in its correspondence.
PENDING = "import.json"
#: The text that was taken out of a Word document, a PDF or a workbook: the lines that findings and the account name.
TEXT = "texte_source.txt"


@dataclass(frozen=True)
class Import:
    """What an import did: where, how many rows by table, how each line was used, what to say, what was kept.

    ``preview`` counts what the files say, ``present`` what the contract said before (empty without one). ``asked`` is
    the workbook where staff settle what is doubtful; nothing was written but it where ``written`` is false.
    """

    folder: Path
    rows: dict[str, int]
    uses: Counter[str]
    findings: tuple[Finding, ...]
    kept: tuple[Path, ...]
    preview: str
    present: str
    asked: Path | None
    written: bool


def import_document(
    workspace: Workspace,
    documents: Sequence[Path],
    folder: Path | None,
    *,
    force: bool,
    now: datetime,
    accept: bool = False,
) -> Import:
    """Read ``documents`` and write the register into ``folder`` (the workspace's own register by default).

    What is doubtful is asked in ``correspondance.xlsx``; while it is open, nothing else is written, unless ``accept``
    takes what is proposed. A workbook of the contract that stands beside that register would count instead of it: it
    goes into ``workbooks/archives/``. Raises :class:`TabellionError` when a document cannot be read or is not one, when
    the register or that workbook was edited, and when the register says what the documents do not (unless ``force``,
    which keeps dated copies first). Nothing is then written.
    """
    target = workspace.registre if folder is None else folder
    asked = CorrespondenceFile(
        workspace, (workspace.workbooks / "import" if folder is None else folder) / CORRESPONDENCE_FILE
    )
    current = _current(workspace)
    read = read_files(present_files(documents), asked.words, asked.choices, current)
    contract = read.contract
    tables, settings, to_confirm = _settled(workspace, target, read, current, documents)
    rows = {name: table.rows for name, table in tables.items()}
    preview, present = counted_contract(rows), counted_contract(current)
    preview += f", {asked.left(read.correspondence)} à voir"
    opened = [] if accept else asked.blocking(read.correspondence)
    opened += [finding for finding in contract.findings if finding.bloquant]
    files = {} if opened else _files(workspace, tables, settings, read)
    contents = {target / name: content for name, content in files.items()}
    contents |= asked.contents(read.correspondence, rows, now)
    refuse = partial(_refusal, words=f"Import : {preview}. Contrat actuel : {present or 'aucun'}. ")
    with alone_on(workspace, "tabellion import", now):
        kept = asked.keep_edited(now, workspace.archives if folder is None else None)
        if files:
            copies = put_in_place(workspace, folder, contents, tables, refuse, force=force, now=now)
        else:
            copies = replace_or_refuse(contents, [], refuse, force=force, now=now)
        if folder is None:
            _note_pending(workspace, documents if opened else [])
    counts = {name: len(frame) for name, frame in tables.items() if name not in SETTING_TABLES}
    uses = Counter(use.usage for use in contract.lines)
    all_findings = dict.fromkeys((*asked.findings, *opened, *to_confirm, *contract.findings))
    findings = tuple(sorted(all_findings, key=lambda entry: (entry.gravite, entry.place.ligne or 0)))
    return Import(target, counts, uses, findings, (*copies.values(), *kept), preview, present, asked.path, not opened)


def put_in_place(
    workspace: Workspace,
    folder: Path | None,
    contents: Mapping[Path, bytes],
    tables: Tables,
    refuse: Callable[[Path], Finding],
    *,
    force: bool,
    now: datetime,
) -> dict[Path, Path]:
    """Write the files of an imported register, and what goes with them, in place of what ``folder`` has.

    Gives the copies that were kept. Raises ``TabellionError`` as :func:`import_document`, by ``refuse``.
    """
    target = workspace.registre if folder is None else folder
    edited = [target] if was_edited(target, workspace.schemas) or _lost(target, workspace, tables) else []
    workbook = workspace.contrat if folder is None and workspace.contrat.exists() else None
    if workbook is not None and not is_intact(read_source(workbook)):
        edited.append(workbook)
    archives = workspace.archives if folder is None else None
    copies = replace_or_refuse(contents, edited, refuse, force=force, now=now, archives=archives)
    if target in copies:  # what had been taken over from returns is not in the document: it will be merged again
        (target / ADOPTION_FILE).unlink(missing_ok=True)
    if workbook is not None:
        if workbook not in copies:
            copies[workbook] = keep_dated_copy(workbook, now, archives)
        workbook.unlink()
        (target / SAVES_FILE).unlink(missing_ok=True)
    return copies


def _note_pending(workspace: Workspace, documents: Sequence[Path]) -> None:
    """Note the files of an import that waits for its staff: the watcher makes it again; forget those of one made."""
    path = workspace.memory / PENDING
    if documents:
        names = {"fichiers": [str(document.resolve()) for document in documents]}
        write_whole(path, json.dumps(names, ensure_ascii=False, indent=2).encode())
    else:
        path.unlink(missing_ok=True)


def _settled(
    workspace: Workspace, target: Path, read: ImportedFiles, current: ImportedTables, documents: Sequence[Path]
) -> tuple[Tables, Settings, list[Finding]]:
    """The tables to write and the settings of the contract, with what is to be said of them."""
    contract, schemas, first = read.contract, workspace.schemas, workspace.settings
    present = register_settings(workspace)
    fichier, findings = documents[0].name, list[Finding]()
    if read.adds:
        joined = {name: list(map(dict, own)) for name, own in current.items()}
        findings += add_rows(joined, contract.tables, fichier)
        rows, changed = fitted(joined, schemas, present, fichier)
        return make_tables(schemas, rows), present, [*findings, *changed]
    page_settings = contract.page.setting_values(contract.exercice, contract.tables["fiches"])
    setting = {SETTING_TABLES[0]: setting_rows(page_settings, first, present)}
    settings = settle(Book(present, schemas, NO_THEME, make_tables(schemas, setting))).settings
    rows, changed = fitted(contract.tables, schemas, settings, fichier)
    tables = make_tables(schemas, rows)
    if settings != first or any((target / f"{name}.csv").exists() for name in SETTING_TABLES):
        tables = settle(Book(settings, schemas, NO_THEME, tables)).tables  # else tabellion.toml says them all
    return tables, settings, [*settings_findings(page_settings, settings, first, Place(fichier)), *changed]


def _files(workspace: Workspace, tables: Tables, settings: Settings, read: ImportedFiles) -> dict[str, bytes]:
    """The files of the register, by name; those that account for the lines are of what made it, not of what adds."""
    files = register_files(tables, workspace.schemas, identifiant=settings.identifiant, titre=settings.titre)
    if not read.adds:
        files[ACCOUNT] = _account(read.contract.lines)
        if read.text is not None:
            files[TEXT] = read.text
    return files


def _current(workspace: Workspace) -> ImportedTables:
    """The rows of the contract that there is; none where there is none, or it cannot be read."""
    try:
        return {name: list(map(dict, table.rows)) for name, table in load_contract(workspace).tables.items()}
    except TabellionError:
        return {}


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


def _refusal(path: Path, words: str) -> Finding:
    remede = (
        f"{words}Il dit des choses que ce document ne dit pas : importez ailleurs avec --vers DOSSIER, ou remplacez-le "
        "avec --forcer : une copie datée est gardée."
    )
    return already_there(path, remede)


def present_files(documents: Sequence[Path]) -> Sequence[Path]:
    """The documents, all of them files; raises ``TabellionError`` with those that are none."""
    missing = list[Finding]()
    for document in documents:
        try:
            detail = "" if document.is_file() else "ce n'est pas un fichier" if document.exists() else "il n'existe pas"
        except OSError as error:
            detail = system_reason(error)
        if detail:
            missing.append(finding("document-illisible", Place(str(document)), detail=detail))
    if missing:
        raise TabellionError(missing)
    return documents


def _account(lines: tuple[LineUse, ...]) -> bytes:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(("ligne", "usage", "detail"))
    writer.writerows((line.ligne, shielded(line.usage), shielded(line.detail)) for line in lines)
    return stream.getvalue().encode("utf-8")


def import_again(workspace: Workspace, now: datetime) -> Sequence[Finding]:
    """Make the waiting import again where its ``correspondance.xlsx`` was edited; what came of it, nothing otherwise.

    Raises :class:`TabellionError` as :func:`import_document` does.
    """
    asked = workspace.workbooks / "import" / CORRESPONDENCE_FILE
    paths = _pending(workspace)
    if not paths or not asked.exists() or is_intact(read_source(asked)):
        return []
    done = import_document(workspace, paths, None, force=False, now=now)
    if not done.written:
        return [blocking for blocking in done.findings if blocking.bloquant]
    names = ", ".join(path.name for path in paths)
    return [finding("import-refait", Place(CORRESPONDENCE_FILE), valeur=done.preview, fichiers=names)]


def _pending(workspace: Workspace) -> list[Path]:
    """The files of the import that waits; none where none does, or they are gone."""
    paths = read_stored(workspace.memory / PENDING, lambda content: [Path(str(name)) for name in content["fichiers"]])
    return paths if paths is not None and all(path.is_file() for path in paths) else []
