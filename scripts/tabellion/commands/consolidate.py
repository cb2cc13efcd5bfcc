"""``tabellion consolidate``: the master and all returns become the state of the contract, published whole."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from tabellion import __version__
from tabellion.campaign.cell_history import CellEntry
from tabellion.campaign.journal import Journal, SeenFile, glance_at_journal, open_journal
from tabellion.campaign.masters import Master
from tabellion.campaign.model import Consolidation, ReceivedFile, Verdict
from tabellion.campaign.parsed_return import digest_of
from tabellion.campaign.read_returns import Progress, digest_of_folder
from tabellion.commands.console import as_json
from tabellion.commands.inputs import KEPT, Inputs, load_inputs
from tabellion.contract.register import register_files
from tabellion.contract.workspace import Workspace
from tabellion.findings import Finding, Place, Severity, TabellionError, finding
from tabellion.findings.codes import campaign
from tabellion.findings.codes.container import UNREADABLE
from tabellion.outputs.consolidation import write_consolidation
from tabellion.outputs.report import render_report
from tabellion.outputs.state import STATE_FILE, Previous, read_previous, since_previous, state_digest, state_json
from tabellion.transaction.files import keep_dated_copy
from tabellion.transaction.lock import hold, is_watched
from tabellion.transaction.transaction import (
    Content,
    Copy,
    History,
    content_digest,
    edited_outputs,
    preparing,
    publish,
    recover,
)
from tabellion.xlsx.annotation.annotate import is_annotated
from tabellion.xlsx.annotation.copies import CopyJob, make_copies
from tabellion.xlsx.writer import document_date

WORKBOOK, REPORT, REGISTER = "consolidation.xlsx", "rapport.html", "registre"
#: In the workspace's memory: the journal, and outputs being put in place.
JOURNAL, STAGING = "journal.sqlite", "publication"
#: How long a run waits for those of the watcher, one after the other.
_PATIENCE_SECONDS = 900.0
#: Verdicts of files that nobody has to correct: no annotated copy is made of them.
_SETTLED = (Verdict.OLDER, Verdict.TWIN, Verdict.UNREADABLE, Verdict.FOREIGN)
#: What is said to the staff about a whole file: its sender has nothing to do with it.
_FOR_STAFF = {each.code for each in campaign.CODES}


@dataclass(frozen=True)
class ConsolidationRun:
    """What a run did: the state it reached, whether anything was written, what was said of the run itself."""

    consolidation: Consolidation
    written: bool
    notices: tuple[Finding, ...]

    @property
    def findings(self) -> list[Finding]:
        """Everything there is to say: of the run, then of the contract."""
        return [*self.notices, *self.consolidation.findings]


def consolidate(
    workspace: Workspace,
    now: datetime,
    progress: Progress | None = None,
    *,
    purpose: str = "tabellion consolidate",
    is_present: Callable[[], bool] = lambda: True,
) -> ConsolidationRun:
    """Consolidate the workspace, alone on it; the outputs are put in place all together, or none.

    Where the state is what the outputs in place already say, nothing is written. Beside a watcher, a run waits its
    turn; otherwise it does not. ``is_present`` says whether the folders are still there once all is read: of a share
    that went away meanwhile nothing is believed. Raises :class:`TabellionError` when another run holds the workspace,
    its settings or register are wrong, or the outputs cannot be written.
    """
    patience = _PATIENCE_SECONDS if is_watched(workspace.memory) else 0
    with hold(workspace.memory, purpose, now, wait_seconds=patience):
        notices = recover(workspace.workbooks, workspace.memory / STAGING, now=now)
        with open_journal(workspace.memory / JOURNAL, now) as journal:
            run = journal.start_run(now, __version__)
            with _uncollected():
                inputs = load_inputs(workspace, now, journal, progress)
                if not is_present():
                    place = Place(str(workspace.root))
                    detail = "il a disparu pendant la lecture"
                    raise TabellionError([finding("dossier-disparu", place, valeur=str(workspace.root), detail=detail)])
                outputs = _Outputs(workspace, inputs, journal, now)
            notices += outputs.publish()
            with _uncollected():
                _remember(journal, run, outputs)
        notices += journal.findings
    return ConsolidationRun(outputs.consolidation, outputs.is_new, tuple(dict.fromkeys(notices)))


def look_at_campaign(workspace: Workspace, now: datetime, progress: Progress | None = None) -> Consolidation:
    """The state as it would be consolidated now; nothing at all is written, and a run that goes on is not disturbed.

    Raises :class:`TabellionError` when the settings, the schemas or the register are wrong.
    """
    with glance_at_journal(workspace.memory / JOURNAL) as journal:
        return load_inputs(workspace, now, journal, progress).assembly.consolidation


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without looking for garbage: of a thousand returns, a million values live until the end, and looking through them
    again and again finds nothing.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class _Outputs:
    """The outputs of one consolidation: decided, then written together."""

    def __init__(self, workspace: Workspace, inputs: Inputs, journal: Journal, now: datetime) -> None:
        self.workspace, self.inputs, self.journal, self.now = workspace, inputs, journal, now
        self.folder = workspace.consolidation
        settings = workspace.settings
        bare = inputs.assembly.consolidation
        self.register = register_files(
            bare.contract.tables, workspace.schemas, identifiant=settings.identifiant, titre=settings.titre
        )
        self.tables = {name: self.register[f"{name}.csv"] for name in workspace.schemas}
        self.previous = read_previous(self.folder, self.folder / REGISTER, workspace.schemas)
        self.jobs = _copy_jobs(workspace, inputs)
        self.consolidation = _with_copies(bare, {job.fichier: job.target for job in self.jobs})
        self.said = as_json(self.consolidation.findings)
        program = digest_of([__version__, digest_of_folder(workspace.templates, "*")])
        self.digest = state_digest(self.consolidation, self.tables, program)
        self.is_same = self.previous is not None and self.previous.digest == self.digest
        self.consolidation = self._dated()
        self.copies = {job.target: job.digest for job in self.jobs}
        self.edited = self._edited_outputs()
        self.is_new = not self.is_same or bool(self.edited) or any(not path.exists() for path in self.targets())

    def _dated(self) -> Consolidation:
        """The state with its date and what changed: those of the outputs in place where they say the same."""
        previous: Previous | None = self.previous
        if previous is not None and self.is_same:
            return replace(self.consolidation, made=previous.made, since=previous.since)
        since = since_previous(self.consolidation, previous, self.tables, self.said["constats"])
        return replace(self.consolidation, since=since)

    def targets(self) -> Iterator[Path]:
        """Every file that the outputs are made of."""
        yield from (self.folder / name for name in (WORKBOOK, REPORT, STATE_FILE))
        yield from (self.folder / REGISTER / name for name in self.register)
        yield from (self.workspace.workbooks / job.target for job in self.jobs)
        yield from (path for path, _ in self.kept())

    def kept(self) -> Iterator[tuple[Path, Copy]]:
        """The accepted files to keep: where, and from what."""
        for each in self.inputs.assembly.in_force:
            target = self.folder / KEPT / str(each.exercice) / f"{each.partenaire}.xlsx"
            source = self.workspace.workbooks / each.fichier
            if source != target:
                yield target, Copy(source, each.parsed.sha256)
        master = self.inputs.master
        if master.fichier == self.workspace.contrat.name:
            yield self.folder / KEPT / master.fichier, Copy(self.workspace.contrat, master.sha256)

    def publish(self) -> list[Finding]:
        """Write everything, where there is something new."""
        if not self.is_new:
            return []
        workbooks, staging = self.workspace.workbooks, self.workspace.memory / STAGING
        with preparing(workbooks, staging) as folder:
            made = make_copies(self._stale_jobs(), self.consolidation.contract.theme, folder)
            contents: dict[Path, Content] = {workbooks / target: path for target, path in made.items()}
            contents |= dict(self.kept())
            own: dict[str, bytes | Path] = {f"{REGISTER}/{name}": content for name, content in self.register.items()}
            own[REPORT] = render_report(self.consolidation, self.workspace.templates / REPORT)
            own[WORKBOOK] = write_consolidation(self.consolidation, folder)
            published = {name: content_digest(content) for name, content in own.items()}
            own[STATE_FILE] = state_json(self.consolidation, self.digest, self.copies, published, self.said)
            contents |= {self.folder / name: content for name, content in own.items()}
            members = tuple(self.folder / name for name in (WORKBOOK, REPORT, STATE_FILE, REGISTER))
            before = None if self.previous is None else self.previous.made
            history = None if self.is_same else History(self.folder / "historique", members, before)
            gone = self._gone()
            for edited in self._edited([*made, *(path.relative_to(workbooks).as_posix() for path in gone)]):
                keep_dated_copy(edited, self.now)
            return publish(workbooks, staging, contents, gone, history, self.edited, now=self.now)

    def _edited_outputs(self) -> list[Path]:
        """The outputs in place, aside from the annotated copies, in which somebody has typed since they were put there.

        It reads them all, which costs next to nothing beside the rest of a run: a time alone would not tell, where a
        folder is copied elsewhere.
        """
        known = {} if self.previous is None else self.previous.outputs
        names = (WORKBOOK, REPORT, *(f"{REGISTER}/{name}" for name in self.register))
        published = {self.folder / name: known[name] for name in names if name in known}
        staging = self.workspace.memory / STAGING
        return edited_outputs(self.workspace.workbooks, staging, published, record=self.folder / STATE_FILE)

    def _edited(self, copies: Iterable[str]) -> Iterator[Path]:
        """The annotated copies, among those to replace or remove, in which somebody has typed."""
        for name in copies:
            path = self.workspace.workbooks / name
            if self.workspace.constats in path.parents and path.is_file() and not is_annotated(path.read_bytes()):
                yield path

    def _stale_jobs(self) -> list[CopyJob]:
        """The annotated copies that are not there, or were made from something else."""
        return [
            job
            for job in self.jobs
            if self.made_before.get(job.target) != job.digest or not (self.workspace.workbooks / job.target).exists()
        ]

    def _gone(self) -> list[Path]:
        """What was put there before and is no more to be: copies of files that are clean now, returns withdrawn."""
        old_copies = (self.workspace.workbooks / each for each in self.made_before if each not in self.copies)
        in_force = {(each.exercice, each.partenaire) for each in self.inputs.assembly.in_force}
        withdrawn = (
            path
            for path in (self.folder / KEPT).glob("*/*.xlsx")
            if path.parent.name.isdecimal() and (int(path.parent.name), path.stem) not in in_force
        )
        return [path for path in (*old_copies, *withdrawn) if path.exists()]

    @property
    def made_before(self) -> Mapping[str, str]:
        """The annotated copies that the outputs in place say were made, and the digest of what each was made from."""
        return self.previous.copies if self.previous is not None else {}


def _copy_jobs(workspace: Workspace, inputs: Inputs) -> list[CopyJob]:
    """The annotated copies to have: of each file where an error or a warning is to be looked at."""
    by_file: dict[str, list[Finding]] = {}
    for each in inputs.assembly.consolidation.findings:
        by_file.setdefault(each.place.fichier or "", []).append(each)
    settled = {
        each.fichier
        for line in inputs.assembly.consolidation.board
        for each in line.received
        if each.verdict in _SETTLED or each.is_kept_copy
    } | {each.fichier for each in inputs.assembly.consolidation.strays}
    sources = {
        name: (each.found.path, each.parsed.sha256) for name, each in inputs.files.items() if name not in settled
    }
    contrat = workspace.contrat
    # Also where it is blocked, so that an older one is the master: its people need its findings all the more.
    if contrat.exists() and not any(each.code in UNREADABLE for each in by_file.get(contrat.name, [])):
        is_master = inputs.master.fichier == contrat.name
        with suppress(OSError):  # an editor that saves it has just taken it away: it is for the next run
            sha256 = inputs.master.sha256 if is_master else hashlib.sha256(contrat.read_bytes()).hexdigest()
            sources[contrat.name] = (contrat, sha256)
    jobs = []
    for name, (path, sha256) in sources.items():
        is_return = name != workspace.contrat.name
        found = [each for each in by_file.get(name, []) if not (is_return and each.code in _FOR_STAFF)]
        if any(each.gravite is not Severity.INFORMATION for each in found):
            copies = workspace.constats.name
            target = f"{copies}/{name.removeprefix(f'{workspace.retours.name}/')}"
            if is_return and target.casefold() == f"{copies}/{workspace.contrat.name}".casefold():
                target = f"{copies}/{Path(target).stem} (retour){Path(target).suffix}"  # that place is the master's own
            digest = digest_of([sha256, digest_of_folder(workspace.templates, "contrat.toml"), repr(found)])
            jobs.append(CopyJob(name, target, path, tuple(found), digest))
    return jobs


def _with_copies(consolidation: Consolidation, copies: Mapping[str, str]) -> Consolidation:
    """The consolidation with the names of the annotated copies."""

    def copied(received: ReceivedFile) -> ReceivedFile:
        return replace(received, annotated=copies.get(received.fichier))

    board = []
    for line in consolidation.board:
        received = tuple(copied(each) for each in line.received)
        in_force = next((each for each in received if line.in_force and each.fichier == line.in_force.fichier), None)
        board.append(replace(line, received=received, in_force=in_force))
    return replace(consolidation, board=tuple(board))


def _remember(journal: Journal, run: int, outputs: _Outputs) -> None:
    """Keep in the journal what this run saw and accepted."""
    consolidation, inputs = outputs.consolidation, outputs.inputs
    last = journal.last_run()
    verdicts = {each.fichier: each for line in consolidation.board for each in line.received}
    verdicts |= {each.fichier: each for each in consolidation.strays}
    journal.see_files(run, list(_seen(inputs, verdicts)))
    if outputs.previous is not None and last is not None and last.state == outputs.previous.digest:
        # The journal stands where the outputs that are replaced stood: what changed since is all that is new to it.
        if not outputs.is_same:
            journal.add_entries(run, list(_said_since(consolidation, inputs.master)))
    else:
        journal.add_entries(run, list(_said(consolidation, inputs.master)))
    journal.end_run(run, outputs.now, outputs.digest, outputs.said["resume"])


def _seen(inputs: Inputs, verdicts: Mapping[str, ReceivedFile]) -> Iterable[SeenFile]:
    for name, each in inputs.files.items():
        verdict = verdicts.get(name)
        if each.stamp is not None and verdict is not None:
            stamp = (*each.stamp, each.parsed.sha256)
            yield SeenFile(name, *stamp, verdict.verdict, verdict.partenaire, verdict.exercice)
    if inputs.master_stamp is not None:
        size, tail = inputs.master_stamp
        yield SeenFile(inputs.master.fichier, size, tail, inputs.master.sha256, Verdict.IN_FORCE)


def _said(consolidation: Consolidation, master: Master) -> Iterator[CellEntry]:
    """Every cell of the consolidated tables that holds something, with who said it and where."""
    teller = _Teller(consolidation, master)
    for table, schema in consolidation.contract.schemas.items():
        for position, row in enumerate(consolidation.contract.tables[table].rows):
            key = tuple(row[name] for name in schema.primary_key)
            for name, value in row.items():
                if value is not None:
                    yield teller.said(table, key, name, value, consolidation.place(table, position, name))


def _said_since(consolidation: Consolidation, master: Master) -> Iterator[CellEntry]:
    """The cells that changed since the previous state, also those that hold nothing any more."""
    teller = _Teller(consolidation, master)
    for each in consolidation.since.cells:
        yield teller.said(each.table, each.key, each.champ, each.after, each.place or Place(master.fichier))


class _Teller:
    """Says of each value who gave it, in which file, saved when."""

    def __init__(self, consolidation: Consolidation, master: Master) -> None:
        self.master = master
        self.untouched = document_date(consolidation.contract.settings.debut)
        """The date that files carry which nobody saved since they were generated: it tells nothing."""
        self.returns = {each.fichier: each for line in consolidation.board for each in line.received}

    def said(self, table: str, key: tuple[Any, ...], champ: str, value: Any, place: Place) -> CellEntry:
        """One entry of the journal."""
        source = self.returns.get(place.fichier or "")
        who = (source.partenaire, source.exercice) if source is not None else (None, None)
        when = (source.saved, source.author) if source is not None else (self.master.saved, self.master.author)
        if when[0] == self.untouched:
            when = (None, "")
        return CellEntry(table, key, champ, value, *who, place.fichier or "", place.feuille, place.cellule, *when)
