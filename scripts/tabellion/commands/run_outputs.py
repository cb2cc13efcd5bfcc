"""What a run is to leave: its state, beside the outputs in place and what people have typed in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tabellion import __version__
from tabellion.campaign.model import Consolidation
from tabellion.campaign.parsed_return import digest_of
from tabellion.campaign.read_returns import digest_of_folder
from tabellion.campaign.requests import RequestLog, load_requests, requests_of
from tabellion.commands.console import as_json
from tabellion.commands.copies import copy_jobs, kept_files, with_copies
from tabellion.commands.inputs import Inputs
from tabellion.contract.folders import DETAILS, STAGING
from tabellion.contract.register import DESCRIPTOR, register_of
from tabellion.contract.workspace import Workspace
from tabellion.findings import Json
from tabellion.mail.outbox import with_mails
from tabellion.outputs.since import since_previous
from tabellion.outputs.state import (
    STATE_FILE,
    ChangeDigests,
    PreviousOutputs,
    change_digests,
    read_previous,
    state_digest,
)
from tabellion.transaction import Copy
from tabellion.transaction.manifest import edited_outputs
from tabellion.xlsx.annotation import CopyJob

WORKBOOK, REPORT, REGISTER = "consolidation.xlsx", "rapport.html", "registre"


@dataclass(frozen=True)
class RunState:
    """What a run has to say, before anything is made of it.

    ``jobs`` are the annotated copies to have, ``register`` the files of the consolidated register by name, ``findings``
    those of the consolidation as ``--json`` writes them. ``changes`` stand for what returns change, ``program`` for the
    program and for what it takes its words and colours from, ``digest`` for the whole state.
    """

    consolidation: Consolidation
    log: RequestLog
    jobs: tuple[CopyJob, ...]
    register: Mapping[str, bytes]
    findings: Json
    changes: ChangeDigests
    program: str
    digest: str


@dataclass(frozen=True)
class OutputsInPlace:
    """The outputs that are there: what the ``previous`` run left, and what became of it since.

    In those that are ``edited`` somebody has typed since they were put there; ``replaceable`` are the SHA-256 of those
    that may be replaced, ``names`` what they are all called.
    """

    previous: PreviousOutputs | None
    names: tuple[str, ...]
    edited: list[Path]
    replaceable: Mapping[Path, str]

    def says(self, state: RunState) -> bool:
        """Whether they say this state already."""
        return self.previous is not None and self.previous.digest == state.digest


@dataclass(frozen=True)
class RunOutputs:
    """What a run is to leave: its state, in place of what is there; ``kept`` are the accepted files to keep (where,
    from what), ``targets`` the paths of all. Only where ``is_new`` is there anything to write.
    """

    state: RunState
    place: OutputsInPlace
    kept: Mapping[Path, Copy]
    targets: tuple[Path, ...]
    is_new: bool


def decide_outputs(workspace: Workspace, inputs: Inputs, log: RequestLog) -> RunOutputs:
    """What the outputs are to be, and whether those in place are so already."""
    state = _state_of(workspace, inputs, log)
    place = _in_place(workspace, inputs, state)
    state = _since(state, place)
    kept, typed = kept_files(workspace, inputs), inputs.decided
    targets = [*(workspace.consolidation / name for name in (STATE_FILE, *place.names)), *kept]
    targets += [workspace.workbooks / job.target for job in state.jobs]
    is_new = not place.says(state) or bool(place.edited) or not all(path.exists() for path in targets)
    is_new |= place.previous is not None and place.previous.copies != {job.target: job.digest for job in state.jobs}
    is_new |= bool(typed.seen or typed.typed)
    is_new |= inputs.master.settings.demandes and log != load_requests(workspace.memory)
    return RunOutputs(state, place, kept, tuple(targets), is_new)


def _state_of(workspace: Workspace, inputs: Inputs, log: RequestLog) -> RunState:
    """The state that the inputs make, with what is known of copies, requests and mails."""
    consolidation = inputs.assembly.consolidation
    register = register_of(consolidation.contract)
    jobs = copy_jobs(workspace, inputs)
    consolidation = with_copies(consolidation, {job.fichier: job.target for job in jobs})
    if consolidation.contract.settings.demandes:
        consolidation = replace(consolidation, requests=requests_of(consolidation, log))
    consolidation = with_mails(consolidation, workspace.memory)
    program = digest_of([__version__, digest_of_folder(workspace.templates, "*")])
    changes = change_digests(consolidation.modifications)
    digest = state_digest(consolidation, register[DESCRIPTOR], changes, program)
    findings = as_json(consolidation.findings)
    return RunState(consolidation, log, tuple(jobs), register, findings, changes, program, digest)


def _tables(register: Mapping[str, bytes], consolidation: Consolidation) -> dict[str, bytes]:
    """The CSV file of each table."""
    return {name: register[f"{name}.csv"] for name in consolidation.contract.schemas}


def _in_place(workspace: Workspace, inputs: Inputs, state: RunState) -> OutputsInPlace:
    """The outputs of the previous run, and those of them that somebody has changed."""
    folder, seen = workspace.consolidation, inputs.decided.seen
    previous = read_previous(folder, folder / REGISTER, workspace.schemas)
    outputs, details = ({}, {}) if previous is None else (previous.outputs, previous.details)
    names = (
        WORKBOOK,
        REPORT,
        *(f"{REGISTER}/{name}" for name in state.register),
        *(f"{DETAILS}/{name}" for name in details),
    )
    # All are read, which costs next to nothing: times alone would not tell, where a folder is copied elsewhere.
    published = {folder / name: outputs[name] for name in names if name in outputs}
    edited = edited_outputs(workspace.workbooks, workspace.memory / STAGING, published, record=folder / STATE_FILE)
    edited = [path for path in edited if path not in seen]  # what was typed there is read: it is no edit to keep
    return OutputsInPlace(previous, names, edited, {**published, **seen})


def _since(state: RunState, place: OutputsInPlace) -> RunState:
    """The state with what changed since the previous one; the same state keeps its moment."""
    consolidation, previous = state.consolidation, place.previous
    if previous is not None and place.says(state):
        return replace(state, consolidation=replace(consolidation, made=previous.made, since=previous.since))
    since = since_previous(consolidation, previous, _tables(state.register, consolidation), state.findings["constats"])
    return replace(state, consolidation=replace(consolidation, since=since))
