"""``tabellion adopt``: the consolidated state becomes the contract, its register and its next master workbook."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from tabellion.campaign.adoption import ADOPTION_FILE, adoption_of
from tabellion.campaign.decisions import DECISIONS_FILE, QuestionKind
from tabellion.campaign.folder import look_at
from tabellion.campaign.journal import open_journal
from tabellion.campaign.model import Consolidation, MergeOutcome
from tabellion.campaign.older_workbooks import FINANCEMENTS, say_summed_years
from tabellion.campaign.saves import SAVES_FILE, Saves, saves_json
from tabellion.checks.contract import check_meaning
from tabellion.commands.inputs import load_inputs
from tabellion.commands.new_sheets import lacking_sheets
from tabellion.commands.source import Source, alone_on
from tabellion.contract.folders import JOURNAL, STAGING
from tabellion.contract.register import register_files
from tabellion.contract.workspace import Workspace
from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.outputs.master.changes import renewal_of, workbook_changes
from tabellion.outputs.master.layout import MasterLayout, lay_out_master
from tabellion.outputs.master.workbook import write_master
from tabellion.reading.source import read_source
from tabellion.transaction import Content, publish
from tabellion.transaction.files import keep_dated_copy
from tabellion.transaction.open_files import owner_of
from tabellion.xlsx.inplace.patch import patch_tables
from tabellion.xlsx.inplace.renewal import renew
from tabellion.xlsx.inplace.sheets import with_sheets


@dataclass(frozen=True)
class Adopted:
    """What was adopted: the state, the findings of the new master, and the dated copies of what it replaced.

    ``notices`` are of the run itself: an output that another program holds open.
    """

    consolidation: Consolidation
    notices: tuple[Finding, ...]
    findings: tuple[Finding, ...]
    kept: tuple[Path, ...]


def adopt(workspace: Workspace, now: datetime, agree: Callable[[Consolidation], bool]) -> Adopted | None:
    """Make the consolidated state the contract: the register and ``contrat.xlsx``, both or neither.

    ``agree`` is shown the state and decides; ``None`` is returned when it declines, or when there is nothing to adopt:
    what staff typed is in the contract already, and is written to the register in any case. What is replaced is kept
    under dated names in ``workbooks/archives/``. Beside a watcher, waits its turn. Raises :class:`TabellionError` when
    the workbook is not taken or something of it waits for a decision, when somebody has it open, when another run holds
    the workspace, or when a file cannot be written. Nothing is then replaced.
    """
    with alone_on(workspace, "tabellion adopt", now) as notices:
        with open_journal(workspace.memory / JOURNAL, now) as journal:
            inputs = load_inputs(workspace, now, journal)
        source, consolidation, settings = inputs.source, inputs.assembly.consolidation, inputs.master.settings
        _refuse(workspace, source, now)
        staging = workspace.memory / STAGING
        if not is_news(consolidation) or not agree(consolidation):
            source.keep_hand_edits(now)
            publish(workspace.workbooks, staging, dict(source.register_files), now=now)
            return None
        before = source.adoption
        name, record = adoption_of(inputs.assembly.in_force, before if before.name == source.book.adoption else None)
        layout = lay_out_master(replace(consolidation.contract, adoption=name))
        findings = check_meaning(layout.contract, layout.locate)
        _refuse_doubt(findings, consolidation)
        _refuse_older(source, consolidation)
        findings = [finding.in_file(workspace.contrat.name) for finding in findings]
        workbook, unlike = _next_workbook(workspace, source, layout, write_master(layout, findings))
        name = workspace.contrat.name
        notices += [finding("feuille-non-refaite", Place(name, sheet), valeur=sheet) for sheet in unlike]
        files = register_files(
            layout.contract.tables, workspace.schemas, identifiant=settings.identifiant, titre=settings.titre
        )
        settled = source.state.saves.settled | {
            (question.id, code)
            for question in consolidation.questions
            if question.kind is QuestionKind.NEWCOMER
            and (code := consolidation.decisions.code(question.id)) is not None
        }
        saves = Saves(
            sha256=hashlib.sha256(workbook).hexdigest(), settled=settled, settings=source.state.saves.settings
        )
        files |= {ADOPTION_FILE: record, SAVES_FILE: saves_json(saves)}
        contents: dict[Path, Content] = {workspace.registre / file: content for file, content in files.items()}
        if inputs.decided.typed:
            contents[workspace.registre / DECISIONS_FILE] = inputs.decided.decisions.content()
        contents[workspace.contrat] = workbook
        replaced = [path for path in (workspace.registre, workspace.contrat) if path.exists()]
        kept = [keep_dated_copy(path, now, workspace.archives) for path in replaced]
        if source.stamp is not None and look_at(workspace.contrat) != source.stamp:
            raise TabellionError([_changed_meanwhile(workspace.contrat)])
        # what is saved there from here on is kept under a dated name, never replaced without a trace
        known = {workspace.contrat: source.book.sha256}
        notices += publish(workspace.workbooks, staging, contents, now=now, known=known)
    return Adopted(consolidation, tuple(notices), tuple(findings), tuple(kept))


def is_news(consolidation: Consolidation) -> bool:
    """Whether a return says something that the contract has not taken over, or has not settled.

    To adopt a state with conflicts settles them: the contract's values stay, and the returns that contradict them are
    answered. They are said again only when such a partner sends something else.
    """
    news = any(change.outcome is not MergeOutcome.OUTDONE for change in consolidation.modifications)
    # a name that is a whole row's by now was added, or linked, by a decision: the workbook lacks that
    is_added = any(
        question.kind is QuestionKind.NEWCOMER and question.champ is None for question in consolidation.questions
    )
    return news or bool(consolidation.dropped) or is_added


def _next_workbook(
    workspace: Workspace, source: Source, layout: MasterLayout, fresh: bytes
) -> tuple[bytes, tuple[str, ...]]:
    """The staff's own workbook with what is adopted and what follows from it, and nothing else changed; ``fresh`` where
    there is none. With the computed sheets that could not follow.

    Raises :class:`TabellionError` when it is not the one that was read any more.
    """
    if not source.is_workbook or source.book.fichier != workspace.contrat.name:
        return fresh, ()
    content = read_source(workspace.contrat)
    if hashlib.sha256(content).hexdigest() != source.book.sha256:
        raise TabellionError([_changed_meanwhile(workspace.contrat)])
    contract = layout.contract
    changes = workbook_changes(source.book, contract, contract.adoption, fresh, source.findings, _former_titles(source))
    patched = patch_tables(content, changes).data
    lacking = lacking_sheets(source.book, layout)
    return renew(with_sheets(patched, fresh, lacking) if lacking else patched, fresh, renewal_of(layout))


def _former_titles(source: Source) -> dict[int, str]:
    """The titles that staff have changed since the last adoption, by convention, as they were."""
    changes = source.state.saves.modifications
    retitled = [
        change
        for change in changes
        if (change.table, change.champ) == ("conventions", "titre") and not change.is_new_row
    ]
    return {change.key[0]: str(change.before) for change in retitled if change.before}


def _refuse(workspace: Workspace, source: Source, now: datetime) -> None:
    mistakes = [item for item in source.findings if item.bloquant]
    owner = owner_of(workspace.contrat, now)
    if owner is not None:
        name = workspace.contrat.name
        mistakes.append(finding("contrat-ouvert", Place(name), valeur=name, detail=f" (ouvert par {owner})"))
    if mistakes:
        raise TabellionError(mistakes)


def _refuse_doubt(findings: Sequence[Finding], consolidation: Consolidation) -> None:
    """Refuse what would block the adopted contract, each at the cell where it stands now."""
    codes = {item.code for item in findings if item.bloquant}
    if codes:
        raise TabellionError([item for item in consolidation.findings if item.bloquant and item.code in codes])


def _refuse_older(source: Source, consolidation: Consolidation) -> None:
    """Refuse to put several years of one financement into a workbook that cannot tell them apart."""
    contract = consolidation.contract
    if FINANCEMENTS in contract.tables:
        summed = list(say_summed_years(source.findings, contract.tables[FINANCEMENTS]))
        if summed:
            raise TabellionError(summed)


def _changed_meanwhile(path: Path) -> Finding:
    return finding("contrat-ouvert", Place(path.name), valeur=path.name, detail=" (il vient d'être enregistré)")
