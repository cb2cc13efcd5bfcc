"""``tabellion consolidate``: the master and all returns become the state of the contract, published whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache, partial
from itertools import chain
from pathlib import Path

from tabellion import __version__
from tabellion.campaign.assembly import Assembly, Materials, assemble
from tabellion.campaign.cell_entries import CellEntries
from tabellion.campaign.cell_history import CellEntry
from tabellion.campaign.decisions import DECISIONS_FILE
from tabellion.campaign.journal import Journal, SeenFile, glance_at_journal, open_journal
from tabellion.campaign.model import Consolidation, RequestEntry, Verdict
from tabellion.campaign.read_returns import ReadProgress
from tabellion.campaign.requests import RequestLog, load_requests
from tabellion.campaign.saves import keep_answered
from tabellion.commands.copies import files_in_force
from tabellion.commands.detail_files import make_detail_files
from tabellion.commands.inputs import Inputs, answered_rows, load_inputs
from tabellion.commands.new_sheets import with_new_sheets
from tabellion.commands.run_cache import RunCache
from tabellion.commands.run_outputs import REGISTER, REPORT, WORKBOOK, RunOutputs, decide_outputs
from tabellion.commands.source import alone_on
from tabellion.contract.folders import AS_PUBLISHED, HISTORY, JOURNAL, KEPT, REQUESTS_FILE, STAGING
from tabellion.contract.labels import Labels
from tabellion.contract.register import register_of
from tabellion.contract.workspace import Workspace
from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.outputs.consolidation import make_details, write_consolidation, write_detail_workbook
from tabellion.outputs.report import render_report
from tabellion.outputs.state import STATE_FILE, change_digests, state_json
from tabellion.processes import uncollected
from tabellion.schema import Key
from tabellion.transaction import Content, History, preparing, publish
from tabellion.transaction.files import keep_dated_copy
from tabellion.transaction.lock import is_watched
from tabellion.transaction.manifest import content_digest
from tabellion.xlsx.annotation import is_annotated, make_copies


@dataclass(frozen=True)
class ConsolidationRun:
    """What a run did: the state it reached, whether anything was written, what was said of the run itself.

    ``own`` is the SHA-256 of what it wrote where people write too, beside the register: no news to a watcher;
    ``outputs`` are the others that it is to leave.
    ``requests`` are what staff asked for in Excel, and nobody has begun.
    """

    consolidation: Consolidation
    written: bool
    notices: tuple[Finding, ...]
    own: Mapping[Path, str] = field(default_factory=dict)
    requests: tuple[RequestEntry, ...] = ()
    outputs: tuple[Path, ...] = ()

    @property
    def findings(self) -> list[Finding]:
        """Everything there is to say: of the run, then of the contract."""
        return [*self.notices, *self.consolidation.findings]


def consolidate(
    workspace: Workspace,
    now: datetime,
    progress: ReadProgress | None = None,
    *,
    purpose: str = "tabellion consolidate",
    is_present: Callable[[], bool] = lambda: True,
    serves: bool = False,
    settle: Callable[[], None] | None = None,
    cache: RunCache | None = None,
) -> ConsolidationRun:
    """Consolidate the workspace, alone on it; the outputs are put in place all together, or none.

    Where the state is what the outputs in place already say, nothing is written. Beside a watcher, a run waits its
    turn; otherwise it does not. ``is_present`` says whether the folders are still there once all is read: of a share
    that went away meanwhile nothing is believed. ``serves`` says that the caller carries out the requests made in
    Excel. ``settle`` is called once, before the run counts and anything is put in place: it may wait, or raise. What
    the ``cache`` keeps of earlier runs of this process is not read again. Raises :class:`TabellionError` when another
    run holds the workspace, its settings or register are wrong, or the outputs cannot be written.
    """
    with alone_on(workspace, purpose, now) as notices:
        with open_journal(workspace.memory / JOURNAL, now) as journal:
            begin = lru_cache(partial(_begin, journal, now, settle))
            if settle is None:
                begin()
            with uncollected():
                inputs = load_inputs(workspace, now, journal, progress, cache=cache)
                if not is_present():
                    place = Place(str(workspace.root))
                    detail = "il a disparu pendant la lecture"
                    raise TabellionError([finding("dossier-disparu", place, valeur=str(workspace.root), detail=detail)])
                outputs = decide_outputs(workspace, inputs, _requests(workspace, inputs, now, serves=serves))
            notices += [*inputs.leftovers, *inputs.decided.findings, *_pointless(inputs)]
            own = dict[Path, str]()
            if outputs.is_new:
                try:
                    notices += _publish(workspace, inputs, outputs, now, own, begin)
                except (TabellionError, OSError):
                    raise
                except Exception:  # one file that no output can show costs that file, and not the night
                    inputs = load_inputs(workspace, now, journal, assemble=partial(_assemble_shown, workspace))
                    outputs = decide_outputs(workspace, inputs, outputs.state.log)
                    notices += _publish(workspace, inputs, outputs, now, own, begin)
            elif inputs.source.register_files:  # a workbook that was saved again, and says what it said
                own |= {path: content_digest(content) for path, content in inputs.source.register_files.items()}
                contents: dict[Path, Content] = {**outputs.kept, **inputs.source.register_files}
                begin()
                notices += publish(workspace.workbooks, workspace.memory / STAGING, contents, now=now)
            run = begin()
            if new_sheets := with_new_sheets(inputs.source, now):
                keep_dated_copy(workspace.contrat, now, workspace.archives)
                own |= {path: content_digest(content) for path, content in new_sheets.items()}
                read = {workspace.contrat: inputs.source.book.sha256}
                notices += publish(workspace.workbooks, workspace.memory / STAGING, {**new_sheets}, now=now, known=read)
            with uncollected():
                _remember(journal, run, inputs, outputs, now)
            changed = chain.from_iterable(told.rows for told in outputs.state.changes.values())
            with suppress(TabellionError):  # as the journal, it costs no run
                keep_answered(workspace.memory, answered_rows(outputs.state.consolidation, changed))
        notices += journal.findings
    state = outputs.state
    return ConsolidationRun(
        state.consolidation, outputs.is_new, tuple(dict.fromkeys(notices)), own, state.log.pending, outputs.targets
    )


def _begin(journal: Journal, now: datetime, settle: Callable[[], None] | None) -> int:
    """Begin the run in the journal, once what it answers has settled; its number."""
    if settle is not None:
        settle()
    return journal.start_run(now, __version__)


def look_at_campaign(workspace: Workspace, now: datetime, progress: ReadProgress | None = None) -> Consolidation:
    """The state as it would be consolidated now; nothing at all is written, and a run that goes on is not disturbed.

    Raises :class:`TabellionError` when the settings, the schemas or the register are wrong.
    """
    with glance_at_journal(workspace.memory / JOURNAL) as journal:
        return load_inputs(workspace, now, journal, progress).assembly.consolidation


def _assemble_shown(workspace: Workspace, materials: Materials) -> Assembly:
    """Put a state together and show it, in outputs that go nowhere: what fails there is refused with its name."""
    assembly = assemble(materials)
    consolidation = assembly.consolidation
    render_report(consolidation, workspace.templates / REPORT)
    contract, changes = consolidation.contract, change_digests(consolidation.modifications)
    details = make_details(consolidation, register_of(contract), changes, "")
    labels = Labels(consolidation.contract)
    write_consolidation(consolidation, details)
    for workbook in details.workbooks:
        write_detail_workbook(consolidation, details, workbook, labels)
    return assembly


def _requests(workspace: Workspace, inputs: Inputs, now: datetime, *, serves: bool) -> RequestLog:
    """What staff asked for in Excel until now; nothing where the settings do not want it."""
    if not inputs.master.settings.demandes:
        return RequestLog()
    log = load_requests(workspace.memory)
    log = log.interrupted(now) if serves else log  # whoever serves is not in the middle of one
    return log.with_typed(inputs.decided.requests, now, is_served=serves or is_watched(workspace.memory))


def _publish(
    workspace: Workspace, inputs: Inputs, outputs: RunOutputs, now: datetime, own_inputs: dict[Path, str],
    begin: Callable[[], object],
) -> list[Finding]:  # fmt: skip
    """Make everything and put it in place, all together or nothing; what is replaced, and was edited, is kept.

    ``own_inputs`` gets the SHA-256 of what is written among the inputs; ``begin`` is called before.
    """
    workbooks, staging, folder = workspace.workbooks, workspace.memory / STAGING, workspace.consolidation
    state, previous, edited = outputs.state, outputs.place.previous, outputs.place.edited
    consolidation = state.consolidation
    made_before = {} if previous is None else previous.copies
    copies = {job.target: job.digest for job in state.jobs}
    stale = [
        job for job in state.jobs if made_before.get(job.target) != job.digest or not (workbooks / job.target).exists()
    ]
    in_force = files_in_force(workspace, inputs)
    removed = [workbooks / name for name in made_before if name not in copies]
    kept = [path for path in (folder / KEPT).glob("*/*.xlsx") if path.parent.name.isdecimal()]
    removed += [path for path in kept if path not in in_force]
    with preparing(workbooks, staging) as prepared:
        made = make_copies(stale, consolidation.contract.theme, prepared)
        copies |= dict.fromkeys(made.away, "")
        own: dict[str, bytes | Path] = {f"{REGISTER}/{name}": content for name, content in state.register.items()}
        own[REPORT] = render_report(consolidation, workspace.templates / REPORT)
        details = make_details(consolidation, state.register, state.changes, state.program)
        own[WORKBOOK] = write_consolidation(consolidation, details)
        files = make_detail_files(consolidation, details, previous, folder, edited, prepared)
        removed += [folder / name for name in files.removed]
        removed = [path for path in removed if path.exists()]
        published = {name: content_digest(content) for name, content in own.items()} | files.published
        digests = {workbook.name: workbook.digest for workbook in details.workbooks}
        own[STATE_FILE] = state_json(consolidation, state.digest, copies, published, digests, state.findings)
        own |= files.made
        contents: dict[Path, Content] = {workbooks / target: path for target, path in made.paths.items()}
        contents |= outputs.kept
        contents |= {folder / name: content for name, content in own.items()}
        contents[workspace.memory / AS_PUBLISHED] = own[WORKBOOK]
        if state.log.entries:
            contents[workspace.memory / REQUESTS_FILE] = state.log.content()
        if inputs.decided.typed:
            contents[workspace.registre / DECISIONS_FILE] = inputs.decided.decisions.content()
        contents |= inputs.source.register_files
        own_inputs |= {
            path: content_digest(content)
            for path, content in contents.items()
            if isinstance(content, bytes) and workspace.registre in path.parents
        }
        members = tuple(folder / name for name in (WORKBOOK, REPORT, STATE_FILE, REGISTER))
        begin()
        inputs.source.keep_hand_edits(now)
        before = None if previous is None else previous.made
        history = None if outputs.place.says(state) else History(folder / HISTORY, members, before)
        for path in [*(workbooks / name for name in made.paths), *removed]:
            is_copy = workspace.constats in path.parents and path.is_file()
            is_ours = path not in edited and not (is_copy and not is_annotated(path.read_bytes()))
            if not is_ours:  # somebody has typed in it
                keep_dated_copy(path, now)
        known = outputs.place.replaceable
        placed = publish(workbooks, staging, contents, removed, history, edited, now=now, known=known)
        return [*made.findings, *placed]


def _pointless(inputs: Inputs) -> list[Finding]:
    """The decisions typed since the last run on questions that are not asked any more: others are, or none."""
    asked = {question.id for question in inputs.assembly.consolidation.questions}
    return [
        finding("decision-sans-objet", answer.place, valeur=answer.decision.label, sujet=answer.decision.subject)
        for answer in inputs.decided.typed
        if answer.decision.choice and answer.decision.question not in asked
    ]


def _remember(journal: Journal, run: int, inputs: Inputs, outputs: RunOutputs, now: datetime) -> None:
    """Keep in the journal what this run saw and accepted."""
    state, previous, last = outputs.state, outputs.place.previous, journal.last_run()
    journal.see_files(run, list(_seen_files(inputs, state.consolidation)))
    # Where the journal stands where the outputs that are replaced stood, what changed since is all that is new to it.
    is_abreast = previous is not None and last is not None and last.state == previous.digest
    if not (is_abreast and outputs.place.says(state)):

        def last_entry(table: str, key: Key, champ: str) -> CellEntry | None:
            return next(reversed(journal.history(table, key, champ)), None)

        entries = CellEntries(state.consolidation, inputs.master, last_entry, only_changes=is_abreast)
        journal.add_entries(run, entries)
    journal.end_run(run, now, state.digest, state.findings["resume"])


def _seen_files(inputs: Inputs, consolidation: Consolidation) -> Iterator[SeenFile]:
    received = {file.fichier: file for line in consolidation.board for file in line.received}
    received |= {file.fichier: file for file in consolidation.strays}
    for name, read in inputs.files.items():
        file = received.get(name)
        if read.stamp is not None and file is not None:
            yield SeenFile(name, *read.stamp, read.parsed.sha256, file.verdict, file.partenaire, file.exercice)
    if inputs.source.stamp is not None:
        yield SeenFile(inputs.master.fichier, *inputs.source.stamp, inputs.master.sha256, Verdict.IN_FORCE)
