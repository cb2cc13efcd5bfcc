"""What the report says, as data: what changed, what blocks, where the campaign stands, figures, conflicts, findings.

The template only lays it out: all that is counted, worded or chosen is here and in the modules beside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tabellion.campaign.model import Consolidation
from tabellion.contract.labels import Labels
from tabellion.findings import Finding
from tabellion.outputs.report.blockers import Anchors, Blocker, Owners, blockers_of
from tabellion.outputs.report.board import Campaign, campaigns_of
from tabellion.outputs.report.changes import Changes, Dispute, Withdrawal, changes_of, dispute_of, withdrawal_of
from tabellion.outputs.report.figures import Figures, figures_of
from tabellion.outputs.report.findings import Heap, Sheaf, sheaves_of
from tabellion.outputs.report.words import LISTED_AT_MOST, grouped, href, moment
from tabellion.wording import plural

#: The workbook beside the page, which has all that the page only counts.
WORKBOOK = "consolidation.xlsx"


@dataclass(frozen=True)
class Page:
    """Everything that the template may show."""

    title: str
    source: str
    period: str
    exercice: int
    made: str
    made_iso: str
    verdict: str
    is_blocked: bool
    colours: dict[str, str]
    series: tuple[str, ...]
    changes: Changes
    blockers: tuple[Blocker, ...]
    campaigns: tuple[Campaign, ...]
    figures: Figures
    disputes: tuple[Dispute, ...]
    dispute_count: int
    withdrawals: tuple[Withdrawal, ...]
    withdrawal_count: int
    sheaves: tuple[Sheaf, ...]
    finding_count: int
    untold_count: int
    workbook: str = WORKBOOK


def page_of(consolidation: Consolidation) -> Page:
    """Gather what the report says of a consolidation."""
    contract, settings = consolidation.contract, consolidation.contract.settings
    labels = Labels(contract)
    owners = {
        received.fichier: (line.partenaire, line.exercice) for line in consolidation.board for received in line.received
    }
    sheaves, anchors = _sheaves(consolidation, owners)
    campaigns = campaigns_of(consolidation, lambda line: anchors.get((line.partenaire, line.exercice)))
    known = consolidation.exercices
    current = settings.exercice_courant
    exercice = current if current in known or not known else known[0]
    campaigns = tuple(sorted(campaigns, key=lambda each: each.exercice != exercice))
    blockers = tuple(blockers_of(consolidation, owners, anchors))
    return Page(
        title=settings.titre,
        source=settings.source,
        period=f"{settings.debut}–{settings.fin}",
        exercice=exercice,
        made=moment(consolidation.made),
        made_iso=consolidation.made.isoformat(timespec="seconds"),
        verdict=_verdict(campaigns, blockers),
        is_blocked=any(each.blocks for each in blockers),
        colours=dict(contract.theme.colours),
        series=contract.theme.series,
        changes=changes_of(consolidation, labels),
        blockers=blockers,
        campaigns=campaigns,
        figures=figures_of(contract, exercice),
        disputes=tuple(dispute_of(each, consolidation, labels) for each in consolidation.conflicts[:LISTED_AT_MOST]),
        dispute_count=len(consolidation.conflicts),
        withdrawals=tuple(
            withdrawal_of(each, consolidation, labels) for each in consolidation.removals[:LISTED_AT_MOST]
        ),
        withdrawal_count=len(consolidation.removals),
        sheaves=sheaves,
        finding_count=len(consolidation.findings),
        untold_count=sum(group.rest for sheaf in sheaves for group in sheaf.groups),
    )


def _sheaves(consolidation: Consolidation, owners: Owners) -> tuple[tuple[Sheaf, ...], Anchors]:
    """All findings in sheaves: by partner and exercice, then the master's, those of files of nobody's, the others."""
    by_owner: dict[tuple[str, int] | str, list[Finding]] = {}
    for each in consolidation.findings:
        by_owner.setdefault(owners.get(each.place.fichier or "", each.place.fichier or ""), []).append(each)
    several = len(consolidation.exercices) > 1
    heaps: dict[tuple[str, int] | str, Heap] = {}
    for line in consolidation.board:
        key = (line.partenaire, line.exercice)
        annotated = line.latest.annotated if line.latest is not None else None
        name = f"{line.nom} ({line.exercice})" if several else line.nom
        heaps[key] = Heap(name, by_owner.pop(key, []), href(annotated) if annotated else None)
    copies = {each.fichier: each.annotated for each in consolidation.strays}
    for other, findings in by_owner.items():
        copy = copies.get(other) if isinstance(other, str) else None
        name = f"Le classeur du contrat ({other})" if other == consolidation.master_file else str(other)
        heaps[other] = Heap(name or "L'ensemble du contrat", findings, href(copy) if copy else None)
    filled = {key: heap for key, heap in heaps.items() if heap.findings}
    sheaves = sheaves_of(filled.values())
    by_order = {each.order: each for each in sheaves}
    return sheaves, {key: by_order[place] for place, key in enumerate(filled) if isinstance(key, tuple)}


def _verdict(campaigns: Sequence[Campaign], blockers: Sequence[Blocker]) -> str:
    """The state in one line."""
    returns = "aucun formulaire envoyé"
    if campaigns:
        accepted = grouped(plural(campaigns[0].accepted, "retour accepté", "retours acceptés"))
        returns = f"{accepted} sur {grouped(str(campaigns[0].total))}"
    blocking, others = (sum(each.count for each in blockers if each.blocks is is_so) for is_so in (True, False))
    blocks = grouped(plural(blocking, "point bloque", "points bloquent")) if blocking else "rien ne bloque"
    to_decide = f" · {grouped(plural(others, 'conflit'))} à trancher" if others else ""
    return f"{returns} · {blocks}{to_decide}"
