"""``tabellion import`` of our own documents: the register that one carries, and what was edited in its text since."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from tabellion.campaign.books import read_book
from tabellion.campaign.saves import Saves
from tabellion.campaign.staff import accept as accept_read
from tabellion.commands.import_document import Import, import_document, present_files, put_in_place
from tabellion.commands.import_questions import counted_contract
from tabellion.commands.source import alone_on, load_contract
from tabellion.contract.book import NO_THEME, Book
from tabellion.contract.labels import Labels
from tabellion.contract.register import DESCRIPTOR, load_register, register_files
from tabellion.contract.workspace import Settings, Workspace
from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.importing import Edit, Home, carried_register, edits_of
from tabellion.layout.names import IDENTITY
from tabellion.reading import RawWorkbook, read_through
from tabellion.reading.hidden import read_identity
from tabellion.schema import SETTING_TABLES, Schemas
from tabellion.schema.tables import Tables, table_of
from tabellion.transaction.files import already_there
from tabellion.wording import plural

_SHOWN = 160


def import_files(
    workspace: Workspace, documents: Sequence[Path], folder: Path | None, *, force: bool, now: datetime, accept: bool
) -> Import:
    """Import documents: one that carries a register gives it back; any others are read (:func:`import_document`).

    Raises ``TabellionError`` as :func:`import_document`.
    """
    is_one = len(present_files(documents)) == 1
    if is_one and (home := carried_register(documents[0])) is not None:
        return _bring_home(
            workspace, documents[0], *_loaded(workspace, documents[0], home), folder, force=force, now=now
        )
    try:
        return import_document(workspace, documents, folder, force=force, now=now, accept=accept)
    except TabellionError as refused:
        if not is_one or [finding.code for finding in refused.findings] != ["document-de-tabellion"]:
            raise
        if (book := _of_master(workspace, documents[0])) is None:
            raise
        return _bring_home(workspace, documents[0], book, [], [], folder, force=force, now=now)


def _bring_home(
    workspace: Workspace,
    document: Path,
    carried: Book,
    edits: Sequence[Edit],
    others: Sequence[tuple[str, str]],
    folder: Path | None,
    *,
    force: bool,
    now: datetime,
) -> Import:
    """Write the register that a document carries: whole, or, where it was edited and is of the contract that there is,
    this contract with the edits.

    They are a proposal: over a contract that says otherwise, they are taken with ``force`` only.
    """
    current = _current(workspace)
    is_same = (
        current is not None
        and bool(len(current.tables["fiches"]))
        and carried.fichier == workspace.settings.identifiant
    )
    base = current if current is not None and is_same and edits else carried
    tables, findings = _with_edits(base, edits, Place(document.name))
    findings += carried.findings
    findings += [
        finding("document-retouche", Place(document.name), valeur=_short(old), attendu=_short(new))
        for old, new in others
    ]
    settings = base.settings
    files = register_files(tables, workspace.schemas, identifiant=workspace.settings.identifiant, titre=settings.titre)
    target = workspace.registre if folder is None else folder
    preview = counted_contract({name: table.rows for name, table in tables.items()})
    present = "" if current is None else counted_contract({name: table.rows for name, table in current.tables.items()})

    def refuse(path: Path) -> Finding:
        words = (
            f"Le document porte : {preview}, {plural(len(edits), 'retouche')}. Contrat actuel : {present or 'aucun'}. "
        )
        return already_there(path, f"{words}Prenez-les avec --forcer : une copie datée est gardée.")

    contents = {target / name: content for name, content in files.items()}
    try:
        with alone_on(workspace, "tabellion import", now):
            copies = put_in_place(workspace, folder, contents, tables, refuse, force=force, now=now)
    except TabellionError as refused:
        raise TabellionError([*refused.findings, *findings]) from None
    counts = {name: len(table) for name, table in tables.items() if name not in SETTING_TABLES}
    return Import(
        target, counts, Counter(), tuple(findings), tuple(copies.values()), preview, present, None, written=True
    )


def _loaded(workspace: Workspace, document: Path, home: Home) -> tuple[Book, Sequence[Edit], Sequence[tuple[str, str]]]:
    """The register that a document carries, under the identifier of its contract, and what was edited since."""
    name = ""
    with suppress(ValueError, KeyError, TypeError):
        name = str(json.loads(home.files[DESCRIPTOR])["name"])
    with TemporaryDirectory() as place:
        for file in (DESCRIPTOR, *(f"{table}.csv" for table in workspace.schemas)):
            if file in home.files:
                (Path(place) / file).write_bytes(home.files[file])
        try:
            carried = load_register(Path(place), workspace.schemas, workspace.settings)
        except TabellionError as refused:
            raise TabellionError([_in_document(mistake, document) for mistake in refused.findings]) from None
    unknown = sorted(set(home.files) - {DESCRIPTOR, *(f"{table}.csv" for table in workspace.schemas)})
    findings = [_in_document(mistake, document) for mistake in carried.findings] + [
        finding("table-inconnue", Place(document.name), valeur=Path(file).stem)
        for file in unknown
        if home.files[file].count(b"\n") > 1
    ]
    return replace(carried, fichier=name, findings=tuple(findings)), *edits_of(home, carried.tables)


def _in_document(item: Finding, document: Path) -> Finding:
    return replace(item, place=Place(document.name, ligne=item.place.ligne))


@dataclass(frozen=True)
class _MasterReader:
    """Makes the book of a master of any contract, in the child that reads it."""

    settings: Settings
    schemas: Schemas

    def __call__(self, workbook: RawWorkbook) -> Book:
        own = read_identity(workbook.sheet(IDENTITY))[0].get("contrat", self.settings.identifiant)
        return read_book(workbook, own, replace(self.settings, identifiant=own), self.schemas, NO_THEME)


def _of_master(workspace: Workspace, document: Path) -> Book | None:
    """The contract that a workbook of ours says, under its identifier; ``None`` for a form or another of our files."""
    read = read_through(document, _MasterReader(workspace.settings, workspace.schemas))
    if not read.tables:
        return None
    state = accept_read(read, None, Saves())
    return replace(state.book, findings=tuple(finding.in_file(document.name) for finding in state.findings))


def _current(workspace: Workspace) -> Book | None:
    with suppress(TabellionError):
        return load_contract(workspace)
    return None


def _with_edits(book: Book, edits: Sequence[Edit], place: Place) -> tuple[Tables, list[Finding]]:
    """The tables with what was edited, and what there is to say of each: a value that is another by now stays."""
    tables, findings, labels = dict(book.tables), list[Finding](), Labels(book)
    for edit in edits:
        schema = book.schemas[edit.table]
        rows = [dict(row) for row in tables[edit.table].rows]
        row = next((row for row in rows if tuple(row[part] for part in schema.primary_key) == edit.key), None)
        titre, ligne = schema.by_name[edit.field].title, labels.row(edit.table, edit.key)
        avant, apres = (_short(labels.value(edit.table, edit.field, value)) for value in (edit.before, edit.after))
        if row is None or row[edit.field] not in (edit.before, edit.after):
            findings.append(
                finding(
                    "retouche-depassee", place, champ=edit.field, titre=titre, ligne=ligne, avant=avant, apres=apres
                )
            )
            continue
        row[edit.field] = edit.after
        tables[edit.table] = table_of(schema, rows)
        findings.append(
            finding("retouche-proposee", place, champ=edit.field, titre=titre, ligne=ligne, avant=avant, apres=apres)
        )
    return tables, findings


def _short(text: str) -> str:
    words = " | ".join(filter(None, (cell.strip() for cell in text.split("\t"))))
    return words if len(words) <= _SHOWN else words[:_SHOWN].rstrip() + " …"
