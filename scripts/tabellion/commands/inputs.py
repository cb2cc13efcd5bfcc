"""Taking stock: every file that a consolidation is made of is found and read; nothing is written but the journal."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from tabellion.campaign.assembly import Assembly, Materials, Slot
from tabellion.campaign.decisions import QuestionKind
from tabellion.campaign.folder import FoundFile, Listing, list_returns
from tabellion.campaign.isolation import Assemble, assemble_apart
from tabellion.campaign.journal import Journal
from tabellion.campaign.leftovers import leftover_findings
from tabellion.campaign.model import Consolidation
from tabellion.campaign.parsed_return import Examiner
from tabellion.campaign.read_returns import ReadFile, ReadProgress, fingerprint, read_files
from tabellion.campaign.senders import held_files, with_taken
from tabellion.commands.decided import ReadBack, read_back
from tabellion.commands.run_cache import RunCache
from tabellion.commands.source import Source, load_source
from tabellion.contract.book import Book
from tabellion.contract.folders import COLLECTED, KEPT
from tabellion.contract.workspace import Workspace
from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.layout.forms import read_key
from tabellion.mail.collected import unknown_senders
from tabellion.reading.reader import release_readers
from tabellion.reading.references import References, references
from tabellion.reading.source import read_source
from tabellion.schema import Key
from tabellion.wording import file_stem, system_reason

#: The child that read a workbook of so many bytes holds a hundred MiB, which nothing needs any more.
_LARGE_BYTES = 1 << 20
#: The questions whose answer is about a row of the contract.
_ABOUT_ROWS = (QuestionKind.CONFLICT, QuestionKind.REMOVAL)


@dataclass(frozen=True)
class Inputs:
    """What was found: the contract that the run starts from, the files read by name, the state that they make."""

    source: Source
    files: Mapping[str, ReadFile]
    assembly: Assembly
    decided: ReadBack
    """The decisions, and what of them was typed since they were kept."""
    kept: Mapping[str, str] = field(default_factory=dict)
    """The names of the accepted files kept before, by SHA-256."""
    leftovers: tuple[Finding, ...] = ()
    """What there is to say of what lies among the returns and is none: of the run, since it comes and goes."""

    @property
    def master(self) -> Book:
        """The contract before the returns."""
        return self.source.book


def load_inputs(
    workspace: Workspace,
    now: datetime,
    journal: Journal,
    progress: ReadProgress | None = None,
    assemble: Assemble | None = None,
    cache: RunCache | None = None,
) -> Inputs:
    """Read the contract and all returns, and put them together by ``assemble``; a file that this fails with is refused.
    What the ``cache`` has is not read again.

    Raises :class:`TabellionError` when the settings, schemas, layout or register are wrong, or the folder of returns
    cannot be read: nothing can be said of the contract then.
    """
    decided = read_back(workspace)
    if cache is None:
        source, known_returns = load_source(workspace, journal, decided.decisions), None
    else:
        source, known_returns = cache.source(workspace, journal, decided.decisions), cache.returns
    if source.stamp is not None and source.stamp[0] > _LARGE_BYTES:
        release_readers()
    schemas, master = workspace.schemas, source.book
    known = references(master.tables, schemas)
    key = read_key(workspace.envois)
    print_ = fingerprint(workspace, master.settings, known, key)
    listing = list_files(workspace)
    held = held_files(listing.files, unknown_senders(workspace.memory / COLLECTED, workspace.workbooks))
    present = with_taken(listing.files, held, decided.decisions)
    kept = _kept_returns(workspace)
    wanted = [file for file in present if not file.is_set_aside]
    examiner = Examiner(schemas, known, master.settings, key)
    read = read_files([*wanted, *kept], examiner, master, journal, print_, progress, known_returns)
    files = {file.source.fichier: file for file in read[: len(wanted)]}
    materials = Materials(
        master=master,
        notices=source.findings,
        staff=source.state.saves.modifications,
        withheld=source.state.withheld,
        newcomers=source.state.newcomers,
        files={name: file.parsed for name, file in files.items()},
        kept={file.source.fichier: file.parsed for file in read[len(wanted) :]},
        withdrawn=frozenset(_digest(file.path) for file in present if file.is_set_aside),
        sent=_sent(workspace, known),
        adoption=source.adoption,
        now=now,
        decisions=decided.decisions,
        senders=tuple(held),
    )
    leftovers = tuple(leftover_findings(listing.leftovers, workspace.retours.name))
    names = {file.parsed.sha256: file.source.fichier for file in read[len(wanted) :]}
    assembly = assemble_apart(materials) if assemble is None else assemble_apart(materials, assemble)
    return Inputs(source, files, assembly, decided, names, leftovers)


def answered_rows(consolidation: Consolidation, changed: Iterable[tuple[str, Key]]) -> list[tuple[str, Key]]:
    """The rows of the contract that returns change (``changed``) or contradict, or that somebody has decided of, each
    once.
    """
    rows = list(changed)
    rows += [(conflict.table, conflict.key) for conflict in consolidation.conflicts]
    decided = [question for question in consolidation.questions if consolidation.decisions.of(question.id) is not None]
    rows += [(question.table, question.key) for question in decided if question.kind in _ABOUT_ROWS]
    return list(dict.fromkeys(rows))


def list_files(workspace: Workspace) -> Listing:
    """The files of ``retours/``; raises :class:`TabellionError` when the folder, or one inside, cannot be read."""
    try:
        return list_returns(workspace.retours, workspace.workbooks)
    except OSError as error:
        # A link that leads nowhere is a share that is not mounted: to take it for an empty folder would hide returns.
        if isinstance(error, FileNotFoundError) and not workspace.retours.is_symlink():
            return Listing([], [])
        name = str(error.filename or workspace.retours)
        detail = system_reason(error)
        raise TabellionError([finding("dossier-illisible", Place(name), valeur=name, detail=detail)]) from error


def _digest(path: Path) -> str:
    with suppress(OSError, TabellionError):
        return hashlib.sha256(read_source(path)).hexdigest()
    return ""


def _kept_returns(workspace: Workspace) -> list[FoundFile]:
    folder = workspace.consolidation / KEPT
    paths = [path for path in sorted(folder.glob("*/*.xlsx")) if not path.name.startswith((".", "~"))]
    return [FoundFile(path, path.relative_to(workspace.workbooks).as_posix(), is_set_aside=False) for path in paths]


def _sent(workspace: Workspace, known: References) -> dict[Slot, str]:
    """The forms that were written, by exercice and partner."""
    partners = {file_stem(town): town for town in known.towns}
    sent: dict[Slot, str] = {}
    for path in sorted(workspace.envois.glob("*/*.xlsx")):
        year = path.parent.name
        partner = partners.get(path.stem.removesuffix(f"-{year}"))
        if year.isdecimal() and partner is not None:
            sent[int(year), partner] = path.relative_to(workspace.workbooks).as_posix()
    return sent
