"""The state of the contract put together: a master, the returns in force, what was sent; a Consolidation out. Pure.

Files are read before, outputs written after.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from tabellion.campaign.adoption import Adoption
from tabellion.campaign.cautions import Withheld
from tabellion.campaign.decisions import Decisions, Question, in_order
from tabellion.campaign.doubts import Doubt, doubt_questions, doubts, settle
from tabellion.campaign.file_questions import rule_versions, version_questions
from tabellion.campaign.halves import Candidate
from tabellion.campaign.merge import merge
from tabellion.campaign.merged import InForce, Merged
from tabellion.campaign.model import BoardLine, Conflict, Consolidation, Modification, ReceivedFile, Verdict
from tabellion.campaign.newcomers import Newcomer, newcomer_questions
from tabellion.campaign.parsed_return import ParsedReturn
from tabellion.campaign.places import MergedPlaces
from tabellion.campaign.questions import (
    apply_removals,
    conflict_questions,
    removal_questions,
    rule_conflicts,
    withheld_questions,
    without_settled_removals,
)
from tabellion.campaign.reconciliation import reconcile
from tabellion.campaign.same_lines import apart_lines, merge_same_lines, same_line_questions
from tabellion.campaign.senders import UnknownSender, sender_questions
from tabellion.campaign.versions import VersionChoice, choose
from tabellion.checks.contract import check_contract
from tabellion.contract.book import Book, CellPosition
from tabellion.contract.labels import Labels
from tabellion.findings import Finding, Place, finding
from tabellion.layout.names import DECISIONS, WORKBOOK, decision_cell
from tabellion.measures.board import ReturnStatus, asked_partners, awaited
from tabellion.schema import Schemas
from tabellion.schema.table import Key
from tabellion.wording import plural

Slot = tuple[int, str]
"""An exercice and a partner."""

_FINANCEMENTS = "financements"
#: The two fields of which one tells whether the other is known.
_TOGETHER = ((_FINANCEMENTS, "montant"), (_FINANCEMENTS, "statut_montant"))


@dataclass(frozen=True)
class Materials:
    """All that a consolidation is made of.

    ``master`` is the contract to start from, ``notices`` what reading it said, ``staff`` what the staff changed in it
    since the last adoption, ``withheld`` what of it waits for somebody and ``newcomers`` the names that nobody has.
    ``files`` are the files of ``retours/``, by name; ``kept`` the accepted returns kept before, by name; ``withdrawn``
    the digests of the files that people set aside. ``sent`` are the forms written: the name by slot. ``decisions`` are
    those that staff took. ``senders`` sent files that wait for one.
    """

    master: Book
    notices: tuple[Finding, ...]
    staff: tuple[Modification, ...]
    withheld: tuple[Withheld, ...]
    newcomers: tuple[Newcomer, ...]
    files: Mapping[str, ParsedReturn]
    kept: Mapping[str, ParsedReturn]
    withdrawn: frozenset[str]
    sent: Mapping[Slot, str]
    adoption: Adoption
    now: datetime
    decisions: Decisions = field(default_factory=Decisions)
    senders: tuple[UnknownSender, ...] = ()


@dataclass(frozen=True)
class Assembly:
    """A consolidation, and the returns that are in force in it."""

    consolidation: Consolidation
    in_force: tuple[InForce, ...]


def assemble(materials: Materials) -> Assembly:
    """Versions, merge, checks: the same materials give the same state."""
    master, decisions = materials.master, materials.decisions
    schemas = master.schemas
    names = {row["partenaire_id"]: row["nom"] or row["partenaire_id"] for row in master.tables["partenaires"].rows}
    in_doubt = doubts(materials.files, materials.kept, names)
    choices, strays = _choose_versions(materials, in_doubt, names)
    at_rest = _put_to_rest(choices, master.settings.exercice_courant)
    in_force = _in_force(materials, choices)
    rule = partial(rule_conflicts, decisions=decisions)
    merged = merge(master.tables, master.row_places(), in_force, schemas, master.locate, rule)
    removals = apply_removals(merged, schemas, decisions, _adoption(materials).taken_over(in_force))
    unknown, tables = _unsettled(merged, schemas), dict(merged.tables)
    contract = Book(master.settings, schemas, master.theme, tables, unknown=unknown, apart=master.apart)
    same_lines = merge_same_lines(merged, contract, decisions)
    apart = apart_lines(replace(contract, tables=merged.tables, apart=frozenset()), decisions)
    if merged.tables != tables or apart != contract.apart:  # else what is known of the same lines stays known
        contract = replace(contract, tables=merged.tables, apart=apart)
    locate = MergedPlaces(master, merged)
    board = _board(materials, choices)
    files = [file for line in board for file in line.received] + strays
    labels = Labels(contract)
    questions = in_order(
        [
            *withheld_questions(materials.withheld),
            *newcomer_questions(materials.newcomers, labels),
            *conflict_questions([*merged.conflicts, *merged.ruled], labels),
            *removal_questions(removals, labels),
            *(
                question
                for (year, partner), choice in choices.items()
                for question in version_questions(year, partner, choice, labels)
            ),
            *doubt_questions(in_doubt, labels),
            *sender_questions(materials.senders, labels),
            *same_line_questions(same_lines, labels),
        ],
        decisions,
    )
    findings = _without_repeats([
        *materials.notices,
        *at_rest,
        *without_settled_removals((item for file in files for item in file.findings), in_force, merged.removals),
        *check_contract(contract, locate),
        *reconcile(contract, locate, in_force),
        *_conflict_findings(merged.conflicts, labels),
        *(finding("suppression-proposee", removal.place, valeur=removal.libelle) for removal in merged.removals),
        *_unlisted(questions, decisions),
    ])  # fmt: skip
    consolidation = Consolidation(
        contract=contract,
        master=master,
        row_places=merged.row_places,
        cells=merged.cells,
        board=_with_all_findings(board, findings),
        strays=tuple(strays),
        modifications=tuple(merged.modifications),
        conflicts=tuple(merged.conflicts),
        removals=tuple(merged.removals),
        findings=findings,
        made=materials.now.replace(microsecond=0),  # as the outputs say it, and read it back
        questions=questions,
        decisions=decisions,
        dropped=tuple(merged.dropped),
        staff=materials.staff,
        withheld=materials.withheld,
        locate=locate,
    )
    return Assembly(consolidation, in_force)


def _choose_versions(
    materials: Materials, in_doubt: list[Doubt], names: Mapping[str, str]
) -> tuple[dict[Slot, VersionChoice], list[ReceivedFile]]:
    """What is decided of the forms of each slot, and the files that are nobody's form."""
    candidates: dict[Slot, list[Candidate]] = {}
    files, strays = settle(materials.files, in_doubt, materials.decisions, names)
    withdrawn = materials.withdrawn | {file.sha256 for file in strays}
    for fichier, parsed in files.items():
        if parsed.identity is None:
            verdict = Verdict.FOREIGN if parsed.is_readable else Verdict.UNREADABLE
            findings = tuple(finding.in_file(fichier) for finding in parsed.findings)
            strays.append(ReceivedFile(fichier, parsed.sha256, verdict, findings, saved=parsed.saved))
        else:
            slot = (parsed.identity.exercice, parsed.identity.partenaire)
            candidates.setdefault(slot, []).append(Candidate(fichier, parsed))
    for fichier, parsed in materials.kept.items():
        if parsed.identity is not None and parsed.is_accepted and parsed.sha256 not in withdrawn:
            slot = (parsed.identity.exercice, parsed.identity.partenaire)
            candidates.setdefault(slot, []).append(Candidate(fichier, parsed, is_kept_copy=True))
    answers = _adoption(materials).answers
    choices = {
        (year, partner): choose(
            of_slot, materials.now, answers.get((partner, year), ()), rule_versions(year, partner, materials.decisions)
        )
        for (year, partner), of_slot in sorted(candidates.items())
    }
    return choices, strays


def _put_to_rest(choices: Mapping[Slot, VersionChoice], current: int) -> list[Finding]:
    """Say once of each past exercice how many remarks on its adopted returns are not repeated; those go."""
    remarks: dict[int, int] = {}
    for (year, _), choice in choices.items():
        if year < current and (put_away := choice.put_to_rest()):
            remarks[year] = remarks.get(year, 0) + put_away
    return [
        finding("exercice-au-contrat", Place("retours"), valeur=year, remarques=plural(count, "remarque"))
        for year, count in remarks.items()
    ]


def _adoption(materials: Materials) -> Adoption:
    """What the master has already taken over from returns; nothing where it comes from another adoption."""
    return materials.adoption if materials.adoption.name == materials.master.adoption else Adoption()


def _in_force(materials: Materials, choices: Mapping[Slot, VersionChoice]) -> tuple[InForce, ...]:
    adoption = _adoption(materials)
    return tuple(
        InForce(candidate.fichier, candidate.parsed, adoption.cells(candidate.parsed.identity), choice.compared)
        for choice in choices.values()
        if (candidate := choice.in_force) is not None and candidate.parsed.identity is not None
    )


def _unsettled(merged: Merged, schemas: Schemas) -> frozenset[CellPosition]:
    """The amounts in conflict of financements, and their statuses: the conflict says that they are not settled.

    The half of them that nobody contests is applied; to say that it contradicts the other would send people to a return
    where both are filled.
    """
    keys = {conflict.key for conflict in merged.conflicts if (conflict.table, conflict.champ) in _TOGETHER}
    names = schemas[_FINANCEMENTS].primary_key if keys else ()
    at = [position for position, key in enumerate(merged.tables[_FINANCEMENTS].values_of(*names)) if key in keys]
    return frozenset((table, position, name) for position in at for table, name in _TOGETHER)


def _board(materials: Materials, choices: Mapping[Slot, VersionChoice]) -> tuple[BoardLine, ...]:
    """A line per partner for the exercice that is asked now, and for each other one that it was asked, or answers."""
    settings = materials.master.settings
    partners = materials.master.tables["partenaires"].rows
    years = {settings.exercice_courant, *(year for year, _ in (*materials.sent, *choices))}
    asked = {year: asked_partners(materials.master.tables, year, materials.master.schemas.forms) for year in years}
    lines = []
    for year in sorted(years, reverse=True):
        for partner in partners:
            slot = year, partner["partenaire_id"]
            if year != settings.exercice_courant and slot not in materials.sent and slot not in choices:
                continue
            choice = choices.get(slot, VersionChoice())
            due = settings.dates_limites.get(year)
            sent = materials.sent.get(slot)
            is_asked = partner["partenaire_id"] in asked[year]
            nothing = awaited(due, materials.now.date(), is_sent=sent is not None, is_asked=is_asked)
            lines.append(
                BoardLine(
                    partenaire=partner["partenaire_id"],
                    nom=partner["nom"] or partner["partenaire_id"],
                    courriel=partner["courriel"],
                    exercice=year,
                    status=_status(choice, nothing),
                    sent=sent,
                    received=tuple(choice.received),
                    in_force=choice.in_force_file,
                    due=due,
                )
            )
    return tuple(lines)


def _with_all_findings(board: Iterable[BoardLine], findings: Iterable[Finding]) -> tuple[BoardLine, ...]:
    """The board where each file has all that is said of it: what was found by itself, and across partners."""
    of_file: dict[str | None, list[Finding]] = {}
    for item in findings:
        of_file.setdefault(item.place.fichier, []).append(item)

    def completed(file: ReceivedFile) -> ReceivedFile:
        return replace(file, findings=tuple(of_file.get(file.fichier, ())))

    return tuple(
        replace(
            line, received=tuple(map(completed, line.received)), in_force=line.in_force and completed(line.in_force)
        )
        for line in board
    )


def _status(choice: VersionChoice, nothing: ReturnStatus) -> ReturnStatus:
    """Where a partner stands by its files: ``nothing`` where none came."""
    if choice.in_force is not None:
        troubled = any(file.verdict in (Verdict.REJECTED, Verdict.UNDECIDED) for file in choice.received)
        return ReturnStatus.KEPT if troubled else ReturnStatus.ACCEPTED
    if choice.received:
        is_empty = all(file.verdict is Verdict.EMPTY for file in choice.received)
        return ReturnStatus.EMPTY if is_empty else ReturnStatus.REJECTED
    return nothing


def _conflict_findings(conflicts: Sequence[Conflict], labels: Labels) -> Iterator[Finding]:
    for conflict in conflicts:
        show = partial(labels.value, conflict.table, conflict.champ)
        dires = " ; ".join(
            f"{labels.partner(claim.partenaire)} dit {show(claim.after, quoted=True)}" for claim in conflict.claims
        )
        places = [claim.place for claim in conflict.claims]
        first, *others = places if conflict.place is None else [conflict.place, *places]
        yield finding(
            "conflit",
            first,
            champ=conflict.champ,
            valeur=show(conflict.claims[0].after),
            attendu=show(conflict.kept),
            liees=others,
            titre=labels.title(conflict.table, conflict.champ),
            ligne=labels.row(conflict.table, conflict.key),
            dires=dires,
            garde=show(conflict.kept, quoted=True),
        )


def _unlisted(questions: Sequence[Question], decisions: Decisions) -> Iterator[Finding]:
    """What was typed as a decision without being one of the choices, at the cell where to choose again."""
    for rank, question in enumerate(questions):
        typed = decisions.unlisted(question.id)
        if typed is not None:
            choices = " · ".join(choice.label for choice in question.choices)
            place = Place(WORKBOOK, DECISIONS, decision_cell(rank))
            yield finding("decision-hors-liste", place, valeur=typed.label, attendu=choices, sujet=question.sentence)


def _without_repeats(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Each finding once: a return checked by itself and inside the whole says some things twice."""
    unique: dict[Key, Finding] = {}
    for item in findings:
        unique.setdefault((item.code, item.place, repr(item.valeur), item.champ), item)
    return tuple(unique.values())
