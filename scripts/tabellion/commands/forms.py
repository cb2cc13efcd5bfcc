"""``tabellion forms``: one form per partner of the register, for one exercice."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from tabellion.campaign.saves import SAVES_FILE, saves_json
from tabellion.commands.console import Tell
from tabellion.commands.guides import partner_guide
from tabellion.commands.options import unknown_partners, wrong_option
from tabellion.commands.source import Source, alone_on, load_source
from tabellion.contract.book import Book
from tabellion.contract.register import register_files
from tabellion.contract.workspace import Workspace
from tabellion.findings import Finding, TabellionError
from tabellion.layout.forms import KEY_FILE, SealKey, read_key
from tabellion.outputs.forms import make_forms
from tabellion.outputs.forms.workbook import form_row_count, write_form
from tabellion.reading.source import read_source
from tabellion.transaction.files import edited_among, keep_dated_copy, replace_or_refuse
from tabellion.transaction.open_files import owner_of
from tabellion.wording import file_stem, of
from tabellion.xlsx.inplace.patch import CellEdit, Changes, patch_tables
from tabellion.xlsx.signature import replaceable

#: What people can do about a file of theirs at the place of an output.
_REMEDY = "Rangez-le dans retours/ s'il est rempli ; avec --forcer, il est remplacé après une copie datée."
_KEY_BYTES = 32


@dataclass(frozen=True)
class WrittenForm:
    """One form written: for whom, where, how many rows it asks about, the dated copy of a filled one it replaced."""

    partner: str
    path: Path
    rows: int
    kept: Path | None = None


def forms(
    workspace: Workspace,
    exercice: int | None,
    partners: Sequence[str],
    *,
    force: bool,
    now: datetime,
    tell: Callable[[Source], None] = lambda _: None,
    progress: Tell | None = None,
) -> list[WrittenForm]:
    """Write the forms of ``exercice`` (the contract's current one by default) into ``workbooks/envois/EXERCICE/``, and
    the partner's guide beside them.

    ``partners`` are identifiers (all of the contract by default). ``tell`` is called with the contract that they are
    made from before anything is written, ``progress`` with how many forms are made and the next one's partner.
    Raises :class:`TabellionError` when the contract or the options are wrong, and when a form there was filled by hand
    (unless ``force``, which keeps a dated copy of each first). Nothing is then written.
    """
    with alone_on(workspace, "tabellion forms", now):
        source = load_source(workspace)
        contract = source.book
        year = contract.settings.exercice_courant if exercice is None else exercice
        wanted = list(dict.fromkeys(partners))
        mistakes = _wrong_options(contract, year, wanted)
        if mistakes:
            raise TabellionError(mistakes)
        tell(source)
        folder = workspace.envois / str(year)
        contents: dict[Path, bytes] = {}
        sent = []
        key = read_key(workspace.envois)
        if key is None:
            key = SealKey(secrets.token_bytes(_KEY_BYTES))
            contents[workspace.envois / KEY_FILE] = key.secret.hex().encode()
        made = make_forms(contract, year, wanted or None)
        for done, form in enumerate(made):
            if progress is not None:
                progress(done, len(made), f"Formulaire {of(form.partner)}")
            path = folder / f"{file_stem(form.identity.partenaire)}-{year}.xlsx"
            contents[path] = write_form(contract, form, key)
            sent.append(WrittenForm(form.partner, path, form_row_count(form)))
        contents |= partner_guide(workspace, folder) if sent else {}
        filled = edited_among(contents, replaceable(elsewhere=False))
        next_contract = _moved_on(workspace, source, year, now) or source.register_files
        if force or not filled:
            source.keep_hand_edits(now)
            if workspace.contrat in next_contract:
                keep_dated_copy(workspace.contrat, now, workspace.archives)
        copies = replace_or_refuse({**contents, **next_contract}, filled, _REMEDY, force=force, now=now)
    return [replace(sent_form, kept=copies.get(sent_form.path)) for sent_form in sent]


def _moved_on(workspace: Workspace, source: Source, year: int, now: datetime) -> dict[Path, bytes]:
    """What makes ``year`` the contract's current exercice, where it comes after it: its register and its workbook.

    A workbook that somebody has open is left alone, and so is its exercice: the sheet « Réglages » changes it.
    """
    book = source.book
    rows = book.tables["reglages"].rows if "reglages" in book.tables else ()
    at = next((at for at, row in enumerate(rows) if row["reglage_id"] == "exercice_courant"), None)
    if year <= book.settings.exercice_courant or at is None:
        return {}
    files = dict(source.register_files)
    values = [str(year) if position == at else row["valeur"] for position, row in enumerate(rows)]
    tables = {**book.tables, "reglages": book.tables["reglages"].with_columns({"valeur": values})}
    number, line = book.rows["reglages"][at]
    if source.is_workbook and number >= 0:
        content = read_source(workspace.contrat)
        if owner_of(workspace.contrat, now) is not None or hashlib.sha256(content).hexdigest() != book.sha256:
            return {}
        area = book.areas[number]
        edit = CellEdit(area.sheet, line, area.columns["valeur"], year)
        files[workspace.contrat] = patch_tables(content, Changes([edit])).data
        sha256 = hashlib.sha256(files[workspace.contrat]).hexdigest()
        files[workspace.registre / SAVES_FILE] = saves_json(replace(source.state.saves, sha256=sha256))
    settings = book.settings
    register = register_files(tables, book.schemas, identifiant=settings.identifiant, titre=settings.titre)
    return files | {workspace.registre / name: content for name, content in register.items()}


def _wrong_options(contract: Book, year: int, partners: Sequence[str]) -> list[Finding]:
    """Every mistake of the options: a year out of the contract, each unknown partner with the nearest known one."""
    settings = contract.settings
    mistakes: list[Finding] = []
    if not settings.debut <= year <= settings.fin:
        expected = f"une année de {settings.debut} à {settings.fin}"
        mistakes.append(wrong_option("--exercice", year, expected))
    names = {row["partenaire_id"]: row["nom"] or "" for row in contract.tables["partenaires"].rows}
    return [*mistakes, *unknown_partners(partners, names, "de partenaires.csv")]
