"""What the report says, as data: what changed, what waits for a decision, figures, findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tabellion.campaign.model import Conflict, Consolidation, Modification, Removal
from tabellion.contract.labels import Labels
from tabellion.findings import Finding
from tabellion.outputs.report.campaign import Anchors, Blocker, Campaign, Owners, blockers_of, campaigns_of
from tabellion.outputs.report.figures import Figures, figures_of
from tabellion.outputs.report.findings import FindingsSection, OwnedFindings, sections_of
from tabellion.outputs.report.words import LISTED_AT_MOST, Link, grouped, href, link_to, moment, signed
from tabellion.schema.money import format_euros
from tabellion.wording import plural


@dataclass(frozen=True)
class ShownChange:
    """One cell that changed."""

    row: str
    table: str
    champ: str
    before: str
    after: str
    place: Link


@dataclass(frozen=True)
class StatusMove:
    """One partner who stands elsewhere than before."""

    partner: str
    exercice: int
    before: str
    after: str


@dataclass(frozen=True)
class Changes:
    """What changed since the last time: ``previous`` is that time in words, ``None`` when this is the first."""

    previous: str | None
    nothing: bool
    totals: tuple[str, str, str] | None
    total_of: str
    new_findings: int
    gone_findings: int
    moves: tuple[StatusMove, ...]
    cells: tuple[ShownChange, ...]
    cell_count: int


@dataclass(frozen=True)
class ShownClaim:
    """What one partner says of a cell in conflict."""

    partner: str
    exercice: int
    value: str
    place: Link


@dataclass(frozen=True)
class ShownConflict:
    """One cell in conflict: the value kept, the one that was sent, and what each partner says."""

    row: str
    table: str
    champ: str
    kept: str
    sent: str
    place: Link | None
    claims: tuple[ShownClaim, ...]


@dataclass(frozen=True)
class ShownRemoval:
    """One row that a partner proposes to remove."""

    row: str
    table: str
    partner: str
    exercice: int
    place: Link


def changes_of(consolidation: Consolidation, labels: Labels) -> Changes:
    """What this run changed."""
    since, names = consolidation.since, consolidation.partner_names
    totals = since.totals
    return Changes(
        previous=moment(since.previous) if since.previous is not None else None,
        nothing=since.is_empty,
        totals=(format_euros(totals[0]), format_euros(totals[1]), signed(totals[1] - totals[0])) if totals else None,
        total_of=since.total_of,
        new_findings=since.new_findings,
        gone_findings=since.gone_findings,
        moves=tuple(
            StatusMove(names.get(partner, partner), year, before, after)
            for partner, year, before, after in since.standings
        ),
        cells=tuple(
            ShownChange(
                labels.row(cell.table, cell.key),
                labels.table(cell.table),
                labels.title(cell.table, cell.champ),
                labels.value(cell.table, cell.champ, cell.before),
                labels.value(cell.table, cell.champ, cell.after),
                link_to(cell.place) if cell.place is not None else Link("", ""),
            )
            for cell in since.cells[:LISTED_AT_MOST]
        ),
        cell_count=len(since.cells),
    )


def conflict_of(conflict: Conflict, consolidation: Consolidation, labels: Labels) -> ShownConflict:
    """A conflict in words."""

    def value(said: object) -> str:
        return labels.value(conflict.table, conflict.champ, said)

    def shown_claim(claim: Modification) -> ShownClaim:
        name = consolidation.partner_names.get(claim.partenaire, claim.partenaire)
        return ShownClaim(name, claim.exercice, value(claim.after), link_to(claim.place))

    return ShownConflict(
        row=labels.row(conflict.table, conflict.key),
        table=labels.table(conflict.table),
        champ=labels.title(conflict.table, conflict.champ),
        kept=value(conflict.kept),
        sent=value(conflict.sent),
        place=link_to(conflict.place) if conflict.place is not None else None,
        claims=tuple(shown_claim(claim) for claim in conflict.claims),
    )


def removal_of(removal: Removal, consolidation: Consolidation, labels: Labels) -> ShownRemoval:
    """A removal in words."""
    return ShownRemoval(
        removal.libelle or labels.row(removal.table, removal.key),
        labels.table(removal.table),
        consolidation.partner_names.get(removal.partenaire, removal.partenaire),
        removal.exercice,
        link_to(removal.place),
    )


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
    disputes: tuple[ShownConflict, ...]
    dispute_count: int
    withdrawals: tuple[ShownRemoval, ...]
    withdrawal_count: int
    sheaves: tuple[FindingsSection, ...]
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
    sections, anchors = _sections(consolidation, owners)
    campaigns = campaigns_of(consolidation, lambda line: anchors.get((line.partenaire, line.exercice)))
    known = consolidation.exercices
    current = settings.exercice_courant
    exercice = current if current in known or not known else known[0]
    campaigns = tuple(sorted(campaigns, key=lambda campaign: campaign.exercice != exercice))
    blockers = tuple(blockers_of(consolidation, owners, anchors))
    return Page(
        title=settings.titre,
        source=settings.source,
        period=f"{settings.debut}–{settings.fin}",
        exercice=exercice,
        made=moment(consolidation.made),
        made_iso=consolidation.made.isoformat(timespec="seconds"),
        verdict=_verdict(campaigns, blockers),
        is_blocked=any(blocker.blocks for blocker in blockers),
        colours=dict(contract.theme.colours),
        series=contract.theme.series,
        changes=changes_of(consolidation, labels),
        blockers=blockers,
        campaigns=campaigns,
        figures=figures_of(contract, exercice),
        disputes=tuple(
            conflict_of(conflict, consolidation, labels) for conflict in consolidation.conflicts[:LISTED_AT_MOST]
        ),
        dispute_count=len(consolidation.conflicts),
        withdrawals=tuple(
            removal_of(removal, consolidation, labels) for removal in consolidation.removals[:LISTED_AT_MOST]
        ),
        withdrawal_count=len(consolidation.removals),
        sheaves=sections,
        finding_count=len(consolidation.findings),
        untold_count=sum(group.rest for section in sections for group in section.groups),
    )


def _sections(consolidation: Consolidation, owners: Owners) -> tuple[tuple[FindingsSection, ...], Anchors]:
    """All findings in sheaves: by partner and exercice, then the master's, those of files of nobody's, the others."""
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


def _verdict(campaigns: Sequence[Campaign], blockers: Sequence[Blocker]) -> str:
    """The state in one line."""
    returns = "aucun formulaire envoyé"
    if campaigns:
        accepted = grouped(plural(campaigns[0].accepted, "retour accepté", "retours acceptés"))
        returns = f"{accepted} sur {grouped(str(campaigns[0].total))}"
    blocking, others = (
        sum(blocker.count for blocker in blockers if blocker.blocks is is_so) for is_so in (True, False)
    )
    blocks = grouped(plural(blocking, "point bloque", "points bloquent")) if blocking else "rien ne bloque"
    to_decide = f" · {grouped(plural(others, 'conflit'))} à trancher" if others else ""
    return f"{returns} · {blocks}{to_decide}"
