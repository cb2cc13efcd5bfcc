"""What changed since the last consolidation, and what waits for a decision: conflicts, rows to remove."""

from __future__ import annotations

from dataclasses import dataclass

from tabellion.campaign.model import Claim, Conflict, Consolidation, Removal
from tabellion.contract.labels import Labels
from tabellion.outputs.report.words import LISTED_AT_MOST, Link, link_to, moment, signed
from tabellion.schema.money import format_euros


@dataclass(frozen=True)
class Change:
    """One cell that changed."""

    row: str
    table: str
    champ: str
    before: str
    after: str
    place: Link


@dataclass(frozen=True)
class Move:
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
    moves: tuple[Move, ...]
    cells: tuple[Change, ...]
    cell_count: int


@dataclass(frozen=True)
class Said:
    """What one partner says of a cell in conflict."""

    partner: str
    exercice: int
    value: str
    place: Link


@dataclass(frozen=True)
class Dispute:
    """One cell in conflict: the value kept, the one that was sent, and what each partner says."""

    row: str
    table: str
    champ: str
    kept: str
    sent: str
    place: Link | None
    claims: tuple[Said, ...]


@dataclass(frozen=True)
class Withdrawal:
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
            Move(names.get(partner, partner), year, before, after) for partner, year, before, after in since.standings
        ),
        cells=tuple(
            Change(
                labels.row(each.table, each.key),
                labels.table(each.table),
                labels.title(each.table, each.champ),
                labels.value(each.table, each.champ, each.before),
                labels.value(each.table, each.champ, each.after),
                link_to(each.place) if each.place is not None else Link("", ""),
            )
            for each in since.cells[:LISTED_AT_MOST]
        ),
        cell_count=len(since.cells),
    )


def dispute_of(conflict: Conflict, consolidation: Consolidation, labels: Labels) -> Dispute:
    """A conflict in words."""

    def value(said: object) -> str:
        return labels.value(conflict.table, conflict.champ, said)

    def claim(each: Claim) -> Said:
        name = consolidation.partner_names.get(each.partenaire, each.partenaire)
        return Said(name, each.exercice, value(each.value), link_to(each.place))

    return Dispute(
        row=labels.row(conflict.table, conflict.key),
        table=labels.table(conflict.table),
        champ=labels.title(conflict.table, conflict.champ),
        kept=value(conflict.kept),
        sent=value(conflict.sent),
        place=link_to(conflict.place) if conflict.place is not None else None,
        claims=tuple(claim(each) for each in conflict.claims),
    )


def withdrawal_of(removal: Removal, consolidation: Consolidation, labels: Labels) -> Withdrawal:
    """A removal in words."""
    return Withdrawal(
        removal.libelle or labels.row(removal.table, removal.key),
        labels.table(removal.table),
        consolidation.partner_names.get(removal.partenaire, removal.partenaire),
        removal.exercice,
        link_to(removal.place),
    )
