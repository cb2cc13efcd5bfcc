"""What the report says, as values for its template: what changed, what waits for a decision, figures, findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from tabellion.campaign.model import (
    CellChange,
    ChangesSince,
    Conflict,
    Consolidation,
    MergeOutcome,
    Modification,
    Removal,
)
from tabellion.contract.book import Book
from tabellion.contract.labels import Labels
from tabellion.findings import Finding
from tabellion.measures.board import ReturnStatus
from tabellion.measures.compared import same_lines_change, yearly
from tabellion.measures.measure import Criterion
from tabellion.measures.overview import AMOUNTS, NOTHING_SAID, Funding, Overview, Sums
from tabellion.measures.splits import Split, splits_of
from tabellion.outputs import Values
from tabellion.outputs.report.campaign import Anchors, Blocker, Owners, blockers_of, campaigns_of
from tabellion.outputs.report.findings import FindingsSection, OwnedFindings, sections_of
from tabellion.outputs.report.words import (
    LISTED_AT_MOST,
    Link,
    grouped,
    href,
    link_to,
    moment,
    percent,
    signed,
    stacked,
)
from tabellion.schema.money import format_euros, grown, known_euros
from tabellion.wording import plural

#: The workbook beside the page, which has all that the page only counts.
WORKBOOK = "consolidation.xlsx"
_LABELS = ("Prévu", "Voté", "Réalisé")


def page_of(consolidation: Consolidation) -> Values:
    """Everything that the template may show of a consolidation."""
    contract, settings = consolidation.contract, consolidation.contract.settings
    words = _ChangeWords(consolidation)
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
        "typed": [words.typed(change) for change in consolidation.staff[:LISTED_AT_MOST]],
        "typed_count": len(consolidation.staff),
        "disputes": [words.conflict(conflict) for conflict in consolidation.conflicts[:LISTED_AT_MOST]],
        "dispute_count": len(consolidation.conflicts),
        "withdrawals": [words.removal(removal) for removal in consolidation.removals[:LISTED_AT_MOST]],
        "withdrawal_count": len(consolidation.removals),
        "asked_count": len(consolidation.questions),
        "open_count": len(consolidation.open_questions),
        "sheaves": sections,
        "finding_count": len(consolidation.findings),
        "untold_count": sum(section.untold for section in sections),
        "workbook": WORKBOOK,
    }


def _total_words(before: int | None, after: int | None) -> tuple[str, str, str]:
    """What a total was and is, and what it grew by."""
    difference = grown(before, after)
    return known_euros(before), known_euros(after), known_euros(after) if difference is None else signed(difference)


class _ChangeWords:
    """Changes, conflicts and removals in the words of people."""

    def __init__(self, consolidation: Consolidation) -> None:
        self.names, self.labels = consolidation.partner_names, Labels(consolidation.contract)

    def changes(self, since: ChangesSince) -> Values:
        """What changed since the last time: ``previous`` is that time in words, ``None`` when this is the first."""
        names, totals = self.names, since.totals
        return {
            "previous": moment(since.previous) if since.previous is not None else None,
            "nothing": since.is_empty,
            "totals": _total_words(*totals) if totals else None,
            "total_of": since.total_of,
            "new_findings": since.new_findings,
            "gone_findings": since.gone_findings,
            "moves": [
                {"partner": names.get(partner, partner), "exercice": year, "before": before, "after": after}
                for partner, year, before, after in since.status_changes
            ],
            "cells": [self.change(cell) for cell in since.cells[:LISTED_AT_MOST]],
            "cell_count": len(since.cells),
        }

    def cell(self, cell: CellChange | Conflict | Modification) -> Values:
        return {
            "row": self.labels.row(cell.table, cell.key),
            "table": self.labels.table(cell.table),
            "champ": self.labels.title(cell.table, cell.champ),
        }

    def change(self, cell: CellChange | Modification) -> Values:
        return self.cell(cell) | {
            "before": self.labels.value(cell.table, cell.champ, cell.before),
            "after": self.labels.value(cell.table, cell.champ, cell.after),
            "place": link_to(cell.place) if cell.place is not None else Link("", ""),
        }

    def typed(self, change: Modification) -> Values:
        """One cell that the staff changed, or a row that they removed: who saved it, when."""
        return self.change(change) | {
            "is_removed": change.outcome is MergeOutcome.REMOVED,
            "who": change.author or "l'équipe",
            "when": moment(change.saved) if change.saved is not None else "",
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
                    "partner": self.labels.partner(claim.partenaire),
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
        name = f"Le classeur du contrat ({other})" if other == consolidation.master.fichier else str(other)
        all_owned[other] = OwnedFindings(name or "L'ensemble du contrat", findings, href(copy) if copy else None)
    filled = {key: owned for key, owned in all_owned.items() if owned.findings}
    sections = sections_of(filled.values())
    by_order = {section.order: section for section in sections}
    return sections, {key: by_order[place] for place, key in enumerate(filled) if isinstance(key, tuple)}


def _verdict(consolidation: Consolidation, exercice: int, blockers: Sequence[Blocker]) -> str:
    """The state in one line: its figures are those of the lists below, and of the consolidated workbook's cards."""
    status_counts = consolidation.status_counts(exercice)
    returns = "aucun formulaire envoyé"
    if status_counts.asked:
        accepted = plural(status_counts[ReturnStatus.ACCEPTED], "retour accepté", "retours acceptés")
        returns = f"{grouped(accepted)} sur {grouped(str(status_counts.asked))}"
    blocking = sum(finding.bloquant for finding in consolidation.findings)
    others = sum(blocker.count for blocker in blockers if not blocker.blocks)
    is_blocked = any(blocker.blocks for blocker in blockers)
    blocks = grouped(plural(blocking, "constat bloquant", "constats bloquants")) if blocking else "rien ne bloque"
    if is_blocked and not blocking:
        blocks = "des fichiers à vérifier"
    to_decide = f" · {grouped(plural(others, 'conflit'))} à trancher" if others else ""
    return f"{returns} · {blocks}{to_decide}"


def figures_of(contract: Book, exercice: int) -> Values:
    """The figures of a contract's tables, ``exercice`` being the one that people are asked about now.

    Years and their tables have the latest first; ``progress`` is that of all fiches, then by convention.
    """
    overview = contract.overview
    years = overview.exercices[::-1]
    largest = _largest(overview.of(year) for year in years)
    funders = overview.funders(exercice)
    richest = max((funding.montant for funding in funders.values()), default=0)
    by_convention = [
        _progress(contract, exercice, number, f"{number}. {title}") for number, title in overview.conventions.items()
    ]
    return {
        "exercice": exercice,
        "has_lines": exercice in overview.exercices,
        "years": [_row(overview, str(year), year, None, largest) for year in years],
        "tables": [_year_table(overview, year) for year in years],
        "splits": [_split_table(overview, split, year) for year in years for split in splits_of(contract.tables)],
        "funders": [
            {
                "name": overview.funder_names[key],
                "count": funding.financements,
                "priced": funding.priced,
                "amount": known_euros(funding.total),
                "width": percent(funding.montant, richest),
            }
            for key, funding in funders.items()
        ],
        "funded": known_euros(sum(funders.values(), Funding()).total),
        "progress": _progress(contract, exercice, None, "Toutes les fiches"),
        "progress_by_convention": [progress for progress in by_convention if progress["parts"]],
    }


def _year_table(overview: Overview, year: int) -> Values:
    """The conventions of one exercice; ``before`` is the exercice that the differences are with."""
    before = overview.before(year)
    shown = [
        number
        for number in overview.conventions
        if overview.of(year, number).lines or (before is not None and overview.of(before, number).lines)
    ]
    most = _largest(overview.of(year, number) for number in shown)
    whole = sum(overview.of(year).of(amount) for amount in AMOUNTS)
    return {
        "exercice": year,
        "heading": f"Par convention, exercice {year}",
        "column": "Convention",
        "note": "",
        "before": before,
        "rows": [_row(overview, f"{number}. {overview.conventions[number]}", year, number, most) for number in shown],
        "total": _row(overview, "Ensemble", year, None, max(whole, 1)),
    }


def _split_table(overview: Overview, split: Split, year: int) -> Values:
    """The values of a field of the lines in one exercice; those that no line has are left out."""
    parts = {label: sums for label, sums in split.sums(overview, year).items() if sums.lines}
    most, whole = _largest(parts.values()), overview.of(year)
    return {
        "exercice": year,
        "heading": f"Par {split.words}, exercice {year}",
        "column": split.field.title,
        "note": split.note.capitalize() + "." if split.note else "",
        "before": None,
        "rows": [{"name": name, "lines": "", "bars": _bars(sums, most)} for name, sums in parts.items()],
        "total": {"name": "Ensemble", "lines": "", "bars": _bars(whole, max(_largest([whole]), 1))},
    }


def _row(overview: Overview, name: str, year: int, convention: int | None, largest: int) -> Values:
    """The three amounts of an exercice or of a convention, each with its difference with the exercice before, over the
    lines that have it in both.

    An amount that no line has is not told: blank, which is not zero.
    """
    sums, before = overview.of(year, convention), overview.before(year)
    where = () if convention is None else (Criterion("convention_id", convention),)
    gaps: dict[str, int | None] = {}
    for amount in AMOUNTS if before is not None else ():
        gaps[amount] = same_lines_change(overview.by_year, yearly(amount, year), yearly(amount, before or year), where)
    lines = [plural(sums.lines, "ligne"), overview.answers(year) if convention is None else ""]
    return {"name": name, "lines": ", ".join(filter(None, lines)), "bars": _bars(sums, largest, gaps)}


def _bars(sums: Sums, largest: int, gaps: Mapping[str, int | None] = MappingProxyType({})) -> list[Values]:
    """The three amounts, each with its share of the largest one and, where it is known, its gap."""
    return [
        {
            "label": label,
            "series": series,
            "amount": format_euros(sums.of(amount)),
            "width": percent(sums.of(amount), largest),
            "is_told": sums.knows(amount),
            "gap": None if (gap := gaps.get(amount)) is None else signed(gap),
        }
        for series, (label, amount) in enumerate(zip(_LABELS, AMOUNTS, strict=True), 1)
    ]


def _largest(sums: Iterable[Sums]) -> int:
    return max((year.of(amount) for year in sums for amount in AMOUNTS), default=0)


def _progress(contract: Book, exercice: int, convention: int | None, name: str) -> Values:
    """How many fiches are at each stage, of the whole contract or of a convention."""
    counts = contract.overview.progress(exercice, convention)
    stages = contract.schemas["suivis"].by_name["avancement"].enum
    known = [*stages, *sorted(stage for stage in counts if stage not in stages and stage != NOTHING_SAID)]
    shares = [(stage, counts[stage], place) for place, stage in enumerate(known, 1)]
    parts = stacked([*shares, (NOTHING_SAID, counts[NOTHING_SAID], 0)])
    return {"name": name, "total": plural(sum(counts.values()), "fiche"), "parts": parts}
