"""Taking stock: every file that a consolidation is made of is found and read; nothing is written but the journal."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from tabellion.campaign.adoption import load_adoption
from tabellion.campaign.assembly import Assembly, Materials, Slot, assemble
from tabellion.campaign.books import from_json, read_book, to_json
from tabellion.campaign.decisions import Decisions
from tabellion.campaign.folder import FoundFile, list_returns, look_at
from tabellion.campaign.journal import Journal
from tabellion.campaign.parsed_return import Examiner, digest_of
from tabellion.campaign.read_returns import ReadFile, ReadProgress, fingerprint, read_files
from tabellion.commands.decided import ReadBack, read_back
from tabellion.contract.book import Book
from tabellion.contract.register import load_register
from tabellion.contract.workspace import Workspace
from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.layout.theme import Theme, load_theme
from tabellion.reading import read_workbook
from tabellion.reading.references import References, references
from tabellion.reading.source import read_source
from tabellion.wording import plural, slug, system_reason

#: The folder, in that of the consolidation, of the accepted files that are kept: what is in force never depends on a
#: file that people may move, replace or delete.
KEPT = "acceptes"
#: For how long the workbook of the contract is waited for where it is missing.
_ABSENT_SECONDS = 1.0


@dataclass(frozen=True)
class Inputs:
    """What was found: the state it makes, the files read by name, and the master it starts from."""

    assembly: Assembly
    files: Mapping[str, ReadFile]
    master: Book
    master_stamp: tuple[int, str] | None
    findings: tuple[Finding, ...]
    """What was said on the way (a folder that cannot be read); part of the state's findings too."""
    decided: ReadBack = field(default_factory=lambda: ReadBack(Decisions()))
    """The decisions, and what of them was typed since they were kept."""


def load_inputs(workspace: Workspace, now: datetime, journal: Journal, progress: ReadProgress | None = None) -> Inputs:
    """Read the master and all returns, and put them together.

    Raises :class:`TabellionError` when the settings, schemas, layout or register are wrong, or the folder of returns
    cannot be read: nothing can be said of the contract then.
    """
    schemas, settings = workspace.schemas, workspace.settings
    theme = load_theme(workspace.layout, schemas)
    decided = read_back(workspace)
    master, stamp, said = _master(workspace, theme, journal)
    known = references(master.tables, schemas)
    print_ = fingerprint(workspace, known)
    present = list_files(workspace)
    kept = _kept_returns(workspace)
    wanted = [each for each in present if not each.is_set_aside]
    examiner = Examiner(schemas, known, settings)
    read = read_files([*wanted, *kept], examiner, master, journal, print_, progress)
    files = {each.found.fichier: each for each in read[: len(wanted)]}
    materials = Materials(
        master=master,
        said=tuple(said),
        files={name: each.parsed for name, each in files.items()},
        kept={each.found.fichier: each.parsed for each in read[len(wanted) :]},
        withdrawn=frozenset(_digest(each.path) for each in present if each.is_set_aside),
        sent=_sent(workspace, known),
        adoption=load_adoption(workspace.registre),
        now=now,
        decisions=decided.decisions,
    )
    return Inputs(assemble(materials), files, master, stamp, tuple(said), decided)


def list_files(workspace: Workspace) -> list[FoundFile]:
    """The files of ``retours/``; raises :class:`TabellionError` when the folder, or one inside, cannot be read."""
    try:
        return list_returns(workspace.retours, workspace.workbooks)
    except OSError as error:
        # A link that leads nowhere is a share that is not mounted: to take it for an empty folder would hide returns.
        if isinstance(error, FileNotFoundError) and not workspace.retours.is_symlink():
            return []
        name = str(error.filename or workspace.retours)
        detail = system_reason(error)
        raise TabellionError([finding("dossier-illisible", Place(name), valeur=name, detail=detail)]) from error


def _digest(path: Path) -> str:
    with suppress(OSError, TabellionError):
        return hashlib.sha256(read_source(path)).hexdigest()
    return ""


def _kept_returns(workspace: Workspace) -> list[FoundFile]:
    folder = workspace.consolidation / KEPT
    found = [each for each in sorted(folder.glob("*/*.xlsx")) if not each.name.startswith((".", "~"))]
    return [FoundFile(each, each.relative_to(workspace.workbooks).as_posix(), is_set_aside=False) for each in found]


def _sent(workspace: Workspace, known: References) -> dict[Slot, str]:
    """The forms that were written, by exercice and partner."""
    partners = {slug(each): each for each in known.towns}
    found: dict[Slot, str] = {}
    for path in sorted(workspace.envois.glob("*/*.xlsx")):
        year = path.parent.name
        partner = partners.get(path.stem.removesuffix(f"-{year}"))
        if year.isdecimal() and partner is not None:
            found[int(year), partner] = path.relative_to(workspace.workbooks).as_posix()
    return found


def _master(workspace: Workspace, theme: Theme, journal: Journal) -> tuple[Book, tuple[int, str] | None, list[Finding]]:
    """The workbook of the contract; where it is missing or blocked, the last one accepted; at last the register.

    Raises :class:`TabellionError` when there is nothing to start from.
    """
    name = workspace.contrat.name
    said: list[Finding] = []
    kept = workspace.consolidation / KEPT / name
    is_there = _is_there(workspace.contrat) if kept.exists() else workspace.contrat.exists()
    if is_there:
        master, stamp = _read_master(workspace, theme, workspace.contrat, name, journal)
        said = [each.in_file(name) for each in master.findings]
        if master.is_sound:
            return master, stamp, said
    blocking = sum(each.bloquant for each in said)
    if kept.exists():
        master, stamp = _read_master(workspace, theme, kept, kept.relative_to(workspace.workbooks).as_posix(), journal)
        if master.is_sound:
            return master, stamp, [_instead(name, is_there, blocking, "du dernier qui a été accepté"), *said]
    register = load_register(workspace.registre, workspace.schemas, workspace.settings, theme)
    adoption = load_adoption(workspace.registre).name
    master = replace(register, fichier=workspace.registre.name, adoption=adoption)
    return master, None, [_instead(name, is_there, blocking, "du registre"), *said, *register.findings]


def _is_there(path: Path) -> bool:
    """Whether a workbook that was there before still is; one that Excel saves is absent for a moment."""
    until = time.monotonic() + _ABSENT_SECONDS
    while not path.exists():
        if time.monotonic() >= until:
            return False
        time.sleep(_ABSENT_SECONDS / 20)
    return True


def _instead(name: str, is_there: bool, blocking: int, start: str) -> Finding:
    """Why the consolidation does not start from the workbook of the contract, and from what it does."""
    if not is_there:
        return finding("contrat-absent", Place(name), valeur=start)
    compte = f"{plural(blocking, 'constat')} y {'bloquent' if blocking > 1 else 'bloque'}"
    return finding("contrat-bloque", Place(name), valeur=start, compte=compte)


def _read_master(
    workspace: Workspace, theme: Theme, path: Path, name: str, journal: Journal
) -> tuple[Book, tuple[int, str] | None]:
    """One master workbook, from the journal where it remembers it."""
    settings, schemas = workspace.settings, workspace.schemas
    print_ = digest_of([fingerprint(workspace, References({}, {}, {})), "master"])
    stamp = _stamp(path)
    key = "" if stamp is None else f"{stamp[1]}-{stamp[0]}"
    remembered = journal.readings(print_, [key] if key else [])
    if key in remembered:
        with suppress(KeyError, TypeError, ValueError):
            return from_json(remembered[key], name, settings, schemas, theme), stamp
    try:
        workbook = read_workbook(path)
    except TabellionError as error:
        return Book(settings, schemas, theme, {}, fichier=name, findings=tuple(error.findings)), stamp
    master = read_book(workbook, name, settings, schemas, theme)
    if stamp is not None and _stamp(path) == stamp:
        journal.keep_readings(print_, {key: to_json(master)})
    return master, stamp


def _stamp(path: Path) -> tuple[int, str] | None:
    """The look of a workbook, ``None`` while it is not to be seen: an editor that saves takes it away for a moment."""
    with suppress(OSError):
        return look_at(path)
    return None
