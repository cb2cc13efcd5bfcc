"""The one way to the contract: its workbook set against its register, or the register where there is no workbook.

Every command starts here. What staff typed counts from then on; a command that writes also writes it through to the
register (:meth:`Source.register_files`). ``--depuis consolidation`` starts from the consolidated state instead.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from tabellion.campaign.adoption import Adoption, load_adoption
from tabellion.campaign.books import BookReader, from_json, to_json
from tabellion.campaign.decisions import Decisions, load_decisions
from tabellion.campaign.folder import look_at
from tabellion.campaign.journal import Journal
from tabellion.campaign.parsed_return import digest_of
from tabellion.campaign.read_returns import fingerprint
from tabellion.campaign.same_lines import apart_lines
from tabellion.campaign.saves import SAVES_FILE, Saves, load_saves, saves_json
from tabellion.campaign.staff import StaffState, accept, twin_findings
from tabellion.checks.contract import check_integrity
from tabellion.contract.book import NO_THEME, REGISTER, Book
from tabellion.contract.first_settings import without_effect
from tabellion.contract.folders import KEPT, STAGING
from tabellion.contract.register import load_register, register_of, was_edited
from tabellion.contract.workspace import Workspace
from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.layout.names import is_document_date
from tabellion.layout.theme import Theme, load_theme
from tabellion.outputs.state import read_previous
from tabellion.reading import read_through
from tabellion.reading.references import References
from tabellion.transaction import recover
from tabellion.transaction.files import is_temporary, keep_dated_copy
from tabellion.transaction.lock import hold, is_watched
from tabellion.transaction.open_files import is_owner_file
from tabellion.wording import plural

#: How long a run waits for those of the watcher, one after the other.
_PATIENCE_SECONDS = 900.0
#: For how long the workbook of the contract is waited for where it is missing.
_ABSENT_SECONDS = 1.0
#: Why a workbook that was there before may be read a moment later.
_OF_THE_MOMENT = ("fichier-introuvable", "lecture-delai")

Stamp = tuple[int, str]
"""The size of a file and the digest of its end."""


class Depuis(StrEnum):
    """What ``--depuis`` may say."""

    CONTRAT = "contrat"
    CONSOLIDATION = "consolidation"


@dataclass(frozen=True)
class Source:
    """The contract as a command starts from it.

    ``state`` is what the workbook gave beside ``base``, the register (``None`` where it could not be read);
    ``is_workbook`` is false where there is no workbook, or none of it counts. ``stamp`` tells the workbook's bytes.
    ``findings`` are all that was said on the way, each in its file.
    """

    workspace: Workspace
    state: StaffState
    base: Book | None
    adoption: Adoption
    is_workbook: bool
    stamp: Stamp | None
    findings: tuple[Finding, ...]

    @property
    def book(self) -> Book:
        """The contract."""
        return self.state.book

    @cached_property
    def register_files(self) -> Mapping[Path, bytes]:
        """What the register lacks of the contract: the files to write with those of the command; often none."""
        if not self.is_workbook:
            return {}
        folder, files = self.workspace.registre, register_of(self.book)
        files[SAVES_FILE] = saves_json(self.state.saves)
        return {folder / name: content for name, content in files.items() if _content(folder / name) != content}

    def keep_hand_edits(self, now: datetime) -> Path | None:
        """Keep a dated copy of a register that somebody edited by hand, before it is written; where it went."""
        folder = self.workspace.registre
        if not self.register_files or not was_edited(folder, self.workspace.schemas):
            return None
        return keep_dated_copy(folder, now, self.workspace.archives)


@contextmanager
def alone_on(workspace: Workspace, purpose: str, now: datetime) -> Iterator[list[Finding]]:
    """Be the only run on the workspace; beside a watcher, after its runs. Gives what completing an earlier run said.

    Raises :class:`TabellionError` when another run holds the workspace.
    """
    patience = _PATIENCE_SECONDS if is_watched(workspace.memory) else 0
    with hold(workspace.memory, purpose, now, wait_seconds=patience):
        yield recover(workspace.workbooks, workspace.memory / STAGING, now=now)


def load_contract(workspace: Workspace, depuis: Depuis = Depuis.CONTRAT) -> Book:
    """The contract, or the consolidated state; nothing is written. Raises as :func:`load_source`."""
    return load_source(workspace).book if depuis is Depuis.CONTRAT else _load_consolidation(workspace)


def load_source(workspace: Workspace, journal: Journal | None = None, decisions: Decisions | None = None) -> Source:
    """Load the contract; the ``journal`` remembers a workbook that was read before. Nothing else is written.

    ``decisions`` are those that count (those kept beside the register by default).

    Raises :class:`TabellionError` with every mistake of the settings, the schemas and the layout, and of the register
    where no workbook can stand for it.
    """
    schemas, mistakes, theme = workspace.schemas, list[Finding](), NO_THEME
    with _gathered(mistakes):
        theme = load_theme(workspace.layout, schemas)
    saves = load_saves(workspace)
    with _gathered(mistakes):
        decisions = decisions or load_decisions(workspace.registre)
    is_there = _is_there(workspace.contrat) if saves.sha256 else workspace.contrat.exists()
    base, adoption, notices = None, Adoption(), list[Finding]()
    with _gathered(notices if is_there else mistakes):
        adoption = load_adoption(workspace.registre)
    with _gathered(notices if is_there else mistakes):
        base = load_register(workspace.registre, schemas, workspace.settings, theme, check_integrity)
        broken = [] if is_there else check_integrity(base)
        mistakes += broken
    path = workspace.contrat
    if base is None and not is_there and (workspace.consolidation / KEPT / path.name).exists():
        path = workspace.consolidation / KEPT / path.name  # neither is left: the copy of the one last accepted is
        is_there, notices, mistakes = True, mistakes, []
        notices.append(finding("contrat-absent", Place(path.name), valeur="de la copie du dernier accepté"))
    if mistakes:
        raise TabellionError(mistakes)
    if base is not None:
        apart = apart_lines(base, decisions) if decisions is not None else frozenset()
        base = replace(base, fichier=workspace.registre.name, adoption=adoption.name, apart=apart)
    if not is_there and base is not None:
        if saves.sha256:
            notices.append(finding("contrat-absent", Place(workspace.contrat.name), valeur="du registre"))
        findings = (*notices, *base.findings)
        state = StaffState(base, saves, (), findings)
        return Source(workspace, state, base, adoption, is_workbook=False, stamp=None, findings=findings)
    name = path.relative_to(workspace.workbooks).as_posix()
    read, stamp = _read_workbook(workspace, path, theme, base, journal, saves, None if base is None else base.sha256)
    state = accept(read, base, saves, adoption=adoption.name, decisions=decisions)
    is_workbook = state.book.fichier == name and bool(read.tables)
    all_findings = [item if item.place.fichier else item.in_file(name) for item in state.findings]
    if not is_workbook:
        blocking = [item for item in all_findings if item.bloquant] or all_findings
        if base is None:
            raise TabellionError([*blocking, *notices])
        compte = f"{plural(len(blocking), 'constat')} y {'bloquent' if len(blocking) > 1 else 'bloque'}"
        all_findings.insert(0, finding("contrat-bloque", Place(name), valeur="du registre", compte=compte))
    if is_workbook:
        by_hand = _edited_by_hand(workspace, saves, base, state.book)
        if by_hand:
            place, names = Place(workspace.registre.name), ", ".join(sorted(by_hand))
            all_findings.append(finding("registre-a-la-main", place, valeur=names))
        unheard, known = without_effect(workspace.settings, state.book.settings, state.saves.settings)
        all_findings += unheard
        state = replace(state, saves=replace(state.saves, settings=known, by_hand=by_hand))
    all_findings += _twin_findings(workspace, theme, state.book, journal)
    findings = (*(replace(item, bloquant=False) for item in notices), *all_findings)
    apart = apart_lines(state.book, decisions) if decisions is not None else frozenset()
    state = replace(state, book=replace(state.book, findings=(), apart=apart))
    return Source(workspace, state, base, adoption, is_workbook, stamp, findings)


def _load_consolidation(workspace: Workspace) -> Book:
    """The consolidated state's own register."""
    schemas, mistakes = workspace.schemas, list[Finding]()
    theme, book = NO_THEME, None
    folder = workspace.consolidation / REGISTER
    with _gathered(mistakes):
        theme = load_theme(workspace.layout, schemas)
    with _gathered(mistakes):
        if not folder.is_dir():
            place = Place(str(workspace.consolidation))
            raise TabellionError([finding("consolidation-absente", place, valeur=str(workspace.consolidation))])
        book = load_register(folder, schemas, workspace.settings, theme, check_integrity)
        mistakes += check_integrity(book)
    if mistakes or book is None:
        raise TabellionError(mistakes)
    apart = apart_lines(book, load_decisions(workspace.registre))
    return replace(book, fichier=folder.relative_to(workspace.workbooks).as_posix(), apart=apart)


def _read_workbook(
    workspace: Workspace,
    path: Path,
    theme: Theme,
    base: Book | None,
    journal: Journal | None,
    saves: Saves | None = None,
    accepted: str | None = None,
) -> tuple[Book, Stamp | None]:
    """The workbook of the contract as it is, from the journal where it remembers it.

    ``accepted`` stands for the tables of the ``base``: made of these, where it is not given.
    """
    name, schemas = path.relative_to(workspace.workbooks).as_posix(), workspace.schemas
    settings = workspace.settings if base is None else base.settings
    tables = None if base is None else base.tables
    stamp = _stamp(path)
    saves = saves or Saves()
    key, print_ = "", ""
    if journal is not None and stamp is not None:
        key = f"{stamp[1]}-{stamp[0]}"
        if accepted is None:
            accepted = repr([] if base is None else [[table.columns for table in base.tables.values()]])
        print_ = digest_of(
            [
                fingerprint(workspace, settings, References({}, {}, {})),
                "master",
                accepted,
                repr(sorted(map(repr, saves.added))),
                repr(saves.renames),
            ]
        )
        remembered = journal.readings(print_, [key])
        if key in remembered:
            with suppress(KeyError, TypeError, ValueError):
                return from_json(remembered[key], name, settings, schemas, theme, tables), stamp
    reader = BookReader(name, settings, schemas, tables, saves.added, saves.renames)
    try:
        read = replace(_read_again(path, reader) if saves.sha256 else read_through(path, reader), theme=theme)
    except TabellionError as error:
        return Book(settings, schemas, theme, {}, fichier=name, findings=tuple(error.findings)), stamp
    if journal is not None and key and _stamp(path) == stamp:
        journal.keep_readings(print_, {key: to_json(read, tables)})
    return read, stamp


def _twin_findings(workspace: Workspace, theme: Theme, book: Book, journal: Journal | None) -> Iterator[Finding]:
    """What other copies of the contract say, where they stand beside it: people do not always know which one counts."""
    for path in sorted(workspace.workbooks.glob("*.xlsx")):
        if path.name.casefold() == workspace.contrat.name or is_owner_file(path.name) or is_temporary(path):
            continue
        read, _ = _read_workbook(workspace, path, theme, book, journal)
        if read.tables and read.has_identity:
            yield from twin_findings(read, book)


def _edited_by_hand(workspace: Workspace, saves: Saves, base: Book | None, book: Book) -> frozenset[str]:
    """The files of the register that somebody edited beside the workbook, which is the contract: just now, or since the
    last adoption, as long as the dated copy is there in which what they wrote may be found.
    """
    schemas, names = workspace.schemas, set(saves.by_hand)
    copies = workspace.archives.glob(f"{workspace.registre.name} *") if names else ()
    if not any(was_edited(copy, schemas) for copy in copies):
        names.clear()
    if was_edited(workspace.registre, schemas):
        known = {} if base is None else base.tables
        names |= {f"{name}.csv" for name in book.tables if known.get(name) != book.tables[name]}
    return frozenset(names)


def _is_there(path: Path) -> bool:
    """Whether a workbook that was there before still is; one that Excel saves is absent for a moment."""
    until = time.monotonic() + _ABSENT_SECONDS
    while not path.exists():
        if time.monotonic() >= until:
            return False
        time.sleep(_ABSENT_SECONDS / 20)
    return True


def _read_again(path: Path, reader: BookReader) -> Book:
    """Read a workbook that was there before; again, where it was away just then, or a busy machine may have been late.

    Raises as :func:`read_through`.
    """
    try:
        return read_through(path, reader)
    except TabellionError as error:
        if not all(item.code in _OF_THE_MOMENT for item in error.findings) or not _is_there(path):
            raise
    return read_through(path, reader)


def _stamp(path: Path) -> Stamp | None:
    """The look of a workbook, ``None`` while it is not to be seen: an editor that saves takes it away for a moment."""
    with suppress(OSError):
        return look_at(path)
    return None


def _content(path: Path) -> bytes | None:
    with suppress(OSError):
        return path.read_bytes()
    return None


@contextmanager
def _gathered(mistakes: list[Finding]) -> Iterator[None]:
    """Add what refuses a part to ``mistakes``, and go on to the next part."""
    try:
        yield
    except TabellionError as error:
        mistakes += error.findings


def source_words(workspace: Workspace, book: Book) -> str:
    """What a book was read from, in French."""
    if book.fichier == workspace.registre.name:
        return "le registre"
    return book.fichier if book.fichier == workspace.contrat.name else "l'état consolidé"


def source_day(workspace: Workspace, book: Book) -> date | None:
    """The day when what a loaded ``book`` says was last saved (UTC), as its own content says, wherever it is copied to.

    That is the workbook's date of saving, or the last one that the register keeps; for the consolidated state, when it
    was first reached. ``None`` where nothing says it: nobody has saved the contract since it was made.
    """
    if book.fichier not in (workspace.registre.name, workspace.contrat.name):
        previous = read_previous(workspace.consolidation, workspace.consolidation / REGISTER, ())
        return None if previous is None else previous.made.date()
    moments = (book.saved, load_saves(workspace).saved)
    return max((moment.date() for moment in moments if moment and not is_document_date(moment)), default=None)
