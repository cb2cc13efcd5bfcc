"""What the report says, as values for its template: what changed, what waits for a decision, figures, findings."""

from __future__ import annotations

from collections.abc import Sequence

from tabellion.campaign.model import CellChange, Conflict, Consolidation, Removal, ReturnStatus, Since
from tabellion.contract.labels import Labels
from tabellion.findings import Finding
from tabellion.outputs.report.campaign import Anchors, Blocker, Owners, blockers_of, campaigns_of
from tabellion.outputs.report.figures import figures_of
from tabellion.outputs.report.findings import FindingsSection, OwnedFindings, sections_of
from tabellion.outputs.report.words import LISTED_AT_MOST, Link, grouped, href, link_to, moment, signed
from tabellion.outputs.templates import Values
from tabellion.schema.money import format_euros
from tabellion.wording import plural

#: The workbook beside the page, which has all that the page only counts.
WORKBOOK = "consolidation.xlsx"


def page_of(consolidation: Consolidation) -> Values:
    """Everything that the template may show of a consolidation."""
    contract, settings = consolidation.contract, consolidation.contract.settings
    words = _Words(consolidation)
    owners = {
        received.fichier: (line.partenaire, line.exercice) for line in consolidation.board for received in line.received
    }
    sections, anchors = _sections(consolidation, owners)
    known = consolidation.exercices
    current = settings.exercice_courant
    exercice = current if current in known or not known else known[0]
    blockers = tuple(blockers_of(consolidation, owners, anchors))
    return {
        "title": settings.titre,
        "source": settings.source,
        "period": f"{settings.debut}–{settings.fin}",
        "exercice": exercice,
        "made": moment(consolidation.made),
        "made_iso": consolidation.made.isoformat(timespec="seconds"),
        "verdict": _verdict(consolidation, exercice, blockers),
        "is_blocked": any(blocker.blocks for blocker in blockers),
        "colours": dict(contract.theme.colours),
        "series": contract.theme.series,
        "changes": words.changes(consolidation.since),
        "blockers": blockers,
        "campaigns": campaigns_of(consolidation, exercice, anchors),
        "figures": figures_of(contract, exercice),
        "disputes": [words.conflict(conflict) for conflict in consolidation.conflicts[:LISTED_AT_MOST]],
        "dispute_count": len(consolidation.conflicts),
        "withdrawals": [words.removal(removal) for removal in consolidation.removals[:LISTED_AT_MOST]],
        "withdrawal_count": len(consolidation.removals),
        "sheaves": sections,
        "finding_count": len(consolidation.findings),
        "untold_count": sum(section.untold for section in sections),
        "workbook": WORKBOOK,
    }


class _Words:
    """Changes, conflicts and removals in the words of people."""

    def __init__(self, consolidation: Consolidation) -> None:
        self.names, self.labels = consolidation.partner_names, Labels(consolidation.contract)

    def changes(self, since: Since) -> Values:
        """What changed since the last time: ``previous`` is that time in words, ``None`` when this is the first."""
        names, totals = self.names, since.totals
        return {
            "previous": moment(since.previous) if since.previous is not None else None,
            "nothing": since.is_empty,
            "totals": (*map(format_euros, totals), signed(totals[1] - totals[0])) if totals else None,
            "total_of": since.total_of,
            "new_findings": since.new_findings,
            "gone_findings": since.gone_findings,
            "moves": [
                {"partner": names.get(partner, partner), "exercice": year, "before": before, "after": after}
                for partner, year, before, after in since.standings
            ],
            "cells": [self.change(cell) for cell in since.cells[:LISTED_AT_MOST]],
            "cell_count": len(since.cells),
        }

    def cell(self, cell: CellChange | Conflict) -> Values:
        return {
            "row": self.labels.row(cell.table, cell.key),
            "table": self.labels.table(cell.table),
            "champ": self.labels.title(cell.table, cell.champ),
        }

    def change(self, cell: CellChange) -> Values:
        return self.cell(cell) | {
            "before": self.labels.value(cell.table, cell.champ, cell.before),
            "after": self.labels.value(cell.table, cell.champ, cell.after),
            "place": link_to(cell.place) if cell.place is not None else Link("", ""),
        }

    def conflict(self, conflict: Conflict) -> Values:
        """One cell in conflict: the value kept, the one that was sent, and what each partner says."""
        table, champ = conflict.table, conflict.champ
        return self.cell(conflict) | {
            "kept": self.labels.value(table, champ, conflict.kept),
            "sent": self.labels.value(table, champ, conflict.sent),
            "place": link_to(conflict.place) if conflict.place is not None else None,
            "claims": [
                {
                    "partner": self.names.get(claim.partenaire, claim.partenaire),
                    "exercice": claim.exercice,
                    "value": self.labels.value(table, champ, claim.after),
                    "place": link_to(claim.place),
                }
                for claim in conflict.claims
            ],
        }

    def removal(self, removal: Removal) -> Values:
        return {
            "row": removal.libelle or self.labels.row(removal.table, removal.key),
            "table": self.labels.table(removal.table),
            "partner": self.names.get(removal.partenaire, removal.partenaire),
            "exercice": removal.exercice,
            "place": link_to(removal.place),
        }


def _sections(consolidation: Consolidation, owners: Owners) -> tuple[tuple[FindingsSection, ...], Anchors]:
    """All findings: by partner and exercice, then the master's, those of files of nobody's, the others."""
    by_owner: dict[tuple[str, int] | str, list[Finding]] = {}
    for finding in consolidation.findings:
        by_owner.setdefault(owners.get(finding.place.fichier or "", finding.place.fichier or ""), []).append(finding)
    several = len(consolidation.exercices) > 1
    all_owned: dict[tuple[str, int] | str, OwnedFindings] = {}
    for line in consolidation.board:
        key = (line.partenaire, line.exercice)
        annotated = line.latest.annotated if line.latest is not None else None
        name = f"{line.nom} ({line.exercice})" if several else line.nom
        all_owned[key] = OwnedFindings(name, by_owner.pop(key, []), href(annotated) if annotated else None)
    copies = {stray.fichier: stray.annotated for stray in consolidation.strays}
    for other, findings in by_owner.items():
        copy = copies.get(other) if isinstance(other, str) else None
        name = f"Le classeur du contrat ({other})" if other == consolidation.master_file else str(other)
        all_owned[other] = OwnedFindings(name or "L'ensemble du contrat", findings, href(copy) if copy else None)
    filled = {key: owned for key, owned in all_owned.items() if owned.findings}
    sections = sections_of(filled.values())
    by_order = {section.order: section for section in sections}
    return sections, {key: by_order[place] for place, key in enumerate(filled) if isinstance(key, tuple)}


def _verdict(consolidation: Consolidation, exercice: int, blockers: Sequence[Blocker]) -> str:
    """The state in one line."""
    board = [line for line in consolidation.board if line.exercice == exercice]
    returns = "aucun formulaire envoyé"
    if board:
        accepted = plural(
            sum(line.status is ReturnStatus.ACCEPTED for line in board), "retour accepté", "retours acceptés"
        )
        returns = f"{grouped(accepted)} sur {grouped(str(len(board)))}"
    blocking = sum(blocker.count for blocker in blockers if blocker.blocks)
    others = sum(blocker.count for blocker in blockers if not blocker.blocks)
    blocks = grouped(plural(blocking, "point bloque", "points bloquent")) if blocking else "rien ne bloque"
    to_decide = f" · {grouped(plural(others, 'conflit'))} à trancher" if others else ""
    return f"{returns} · {blocks}{to_decide}"
