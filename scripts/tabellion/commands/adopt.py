"""``tabellion adopt``: the consolidated state becomes the contract, its register and its next master workbook."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from pathlib import Path

from tabellion.campaign.adoption import ADOPTION_FILE, adoption_of, load_adoption
from tabellion.campaign.decisions import DECISIONS_FILE
from tabellion.campaign.journal import open_journal
from tabellion.campaign.model import Consolidation, MergeOutcome, ReturnStatus
from tabellion.checks.contract import check_meaning
from tabellion.commands.console import printable
from tabellion.commands.consolidate import JOURNAL, STAGING
from tabellion.commands.inputs import Inputs, load_inputs
from tabellion.contract.register import hand_print, register_files
from tabellion.contract.workspace import Workspace
from tabellion.findings import Finding, TabellionError
from tabellion.outputs.master.layout import lay_out_master
from tabellion.outputs.master.workbook import write_master
from tabellion.schema.shown import shown_value
from tabellion.transaction.files import already_there, keep_dated_copy
from tabellion.transaction.lock import hold
from tabellion.transaction.transaction import Content, publish, recover
from tabellion.wording import plural


@dataclass(frozen=True)
class Adopted:
    """What was adopted: the state, the findings of the new master, and the dated copies of what it replaced.

    ``notices`` are of the run itself: an output that another program holds open.
    """

    consolidation: Consolidation
    notices: tuple[Finding, ...]
    findings: tuple[Finding, ...]
    kept: tuple[Path, ...]


def adopt(
    workspace: Workspace, now: datetime, agree: Callable[[Consolidation], bool], *, force: bool = False
) -> Adopted | None:
    """Make the consolidated state the contract: the register and ``contrat.xlsx``, both or neither.

    ``agree`` is shown the state and decides; ``None`` is returned when it declines, or when there is nothing to adopt.
    The register and the workbook that are replaced are kept under dated names. Raises :class:`TabellionError` when the
    master has blocking findings, when the register was edited by hand since the master was made (unless ``force``),
    when another run holds the workspace, or when a file cannot be written. Nothing is then replaced.
    """
    with hold(workspace.memory, "tabellion adopt", now):
        notices = recover(workspace.workbooks, workspace.memory / STAGING, now=now)
        with open_journal(workspace.memory / JOURNAL, now) as journal:
            inputs = load_inputs(workspace, now, journal)
        consolidation, settings = inputs.assembly.consolidation, workspace.settings
        _refuse(workspace, inputs, force=force)
        if not is_news(consolidation) or not agree(consolidation):
            return None
        before = load_adoption(workspace.registre)
        comes_from_it = before.name == inputs.master.adoption
        name, record = adoption_of(inputs.assembly.in_force, before if comes_from_it else None)
        layout = lay_out_master(replace(consolidation.contract, adoption=name))
        contract = layout.contract
        findings = check_meaning(contract, layout.locate)
        findings = [finding.in_file(workspace.contrat.name) for finding in findings]
        files = register_files(
            contract.tables, workspace.schemas, identifiant=settings.identifiant, titre=settings.titre
        )
        contents: dict[Path, Content] = {workspace.registre / file: content for file, content in files.items()}
        contents[workspace.registre / ADOPTION_FILE] = record
        if inputs.decided.typed:
            contents[workspace.registre / DECISIONS_FILE] = inputs.decided.decisions.content()
        contents[workspace.contrat] = write_master(layout, findings)
        kept = [keep_dated_copy(path, now) for path in (workspace.registre, workspace.contrat) if path.exists()]
        notices += publish(workspace.workbooks, workspace.memory / STAGING, contents, now=now)
    return Adopted(consolidation, tuple(notices), tuple(findings), tuple(kept))


def is_news(consolidation: Consolidation) -> bool:
    """Whether a return says something that the contract has not taken over, or has not settled.

    To adopt a state with conflicts settles them: the contract's values stay, and the returns that contradict them are
    answered. They are said again only when such a partner sends something else.
    """
    news = any(change.outcome is not MergeOutcome.OUTDONE for change in consolidation.modifications)
    return news or bool(consolidation.dropped)


def change_lines(consolidation: Consolidation) -> list[str]:
    """What an adoption changes, as people read it: each cell with its two values, by partner, then what it leaves."""
    names, schemas = consolidation.partner_names, consolidation.contract.schemas
    lines: list[str] = []
    applied = [change for change in consolidation.modifications if change.outcome is MergeOutcome.APPLIED]
    for (partner, year), group in groupby(applied, key=lambda change: (change.partenaire, change.exercice)):
        changes = list(group)
        lines += ["", printable(f"{names.get(partner, partner)}, {year} : {plural(len(changes), 'cellule')}")]
        for change in changes:
            field = schemas[change.table].by_name[change.champ]
            row = " · ".join(str(part) for part in change.key)
            before, after = (shown_value(field, value, quoted=True) for value in (change.before, change.after))
            lines.append(printable(f"  {row} : {field.title} : {before} → {after}"))
    if consolidation.dropped:
        lines += [
            "",
            printable(f"Décidé : {plural(len(consolidation.dropped), 'ligne supprimée', 'lignes supprimées')}"),
        ]
        lines += [printable(f"  {row.libelle} ({' · '.join(map(str, row.key))})") for row in consolidation.dropped]
    rejected = sum(line.status is ReturnStatus.REJECTED for line in consolidation.board)
    left = [
        (len(consolidation.conflicts), plural(len(consolidation.conflicts), "conflit"), "la valeur du contrat reste"),
        (len(consolidation.removals), plural(len(consolidation.removals), "ligne retirée", "lignes retirées"),
         "ce n'est que proposé, rien n'est supprimé"),
        (rejected, plural(rejected, "retour rejeté", "retours rejetés"), "rien n'en est pris"),
    ]  # fmt: skip
    return [*lines, "", *(f"{words} : {what}." for count, words, what in left if count)]


def _refuse(workspace: Workspace, inputs: Inputs, *, force: bool) -> None:
    mistakes = list[Finding]()
    if any(finding.code == "contrat-bloque" for finding in inputs.findings):
        mistakes = [finding for finding in inputs.findings if finding.bloquant]
    folder = workspace.registre
    is_from_workbook = inputs.master.fichier != folder.name
    # a register edited by hand since the master was made from it: those edits would be lost
    if not force and is_from_workbook and hand_print(folder, workspace.schemas) not in ("", inputs.master.by_hand):
        remede = (
            "Il a été modifié à la main depuis que contrat.xlsx en a été fait : reportez-y ces changements, puis "
            "relancez avec --forcer, qui garde d'abord une copie datée du registre."
        )
        mistakes.append(already_there(folder, remede))
    if mistakes:
        raise TabellionError(mistakes)
