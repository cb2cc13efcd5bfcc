"""The state of the contract put together: a master, the returns in force, what was sent; a Consolidation out. Pure.

Files are read before, outputs written after.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from tabellion.campaign.adoption import Adoption
from tabellion.campaign.masters import Master
from tabellion.campaign.merge import InForce, Merged, merge
from tabellion.campaign.model import (
    BoardLine,
    Conflict,
    Consolidation,
    Declaration,
    ReceivedFile,
    Removal,
    ReturnStatus,
    Verdict,
)
from tabellion.campaign.parsed_return import Reading
from tabellion.campaign.reconciliation import reconcile
from tabellion.campaign.versions import Candidate, Choice, choose
from tabellion.checks.contract import check_contract
from tabellion.contract.labels import Labels
from tabellion.contract.model import Contract
from tabellion.findings import Finding, Place, finding
from tabellion.schema import Schemas
from tabellion.schema.frames import make_frame, plain_rows

Slot = tuple[int, str]
"""An exercice and a partner."""

_FINANCEMENTS = "financements"
#: The two fields of which one tells whether the other is known.
_TOGETHER = ((_FINANCEMENTS, "montant"), (_FINANCEMENTS, "statut_montant"))


@dataclass(frozen=True)
class Materials:
    """All that a consolidation is made of.

    ``contract`` gives the settings, schemas and look; ``master`` the tables to start from, and ``said`` what reading it
    said. ``files`` are the files of ``retours/``, by name; ``kept`` the accepted returns kept before, by name;
    ``withdrawn`` the digests of the files that people set aside. ``sent`` are the forms written: the name by slot.
    """

    contract: Contract
    master: Master
    said: tuple[Finding, ...]
    files: Mapping[str, Reading]
    kept: Mapping[str, Reading]
    withdrawn: frozenset[str]
    sent: Mapping[Slot, str]
    adoption: Adoption
    now: datetime


@dataclass(frozen=True)
class Assembly:
    """A consolidation, and the returns that are in force in it."""

    consolidation: Consolidation
    in_force: tuple[InForce, ...]


def assemble(materials: Materials) -> Assembly:
    """Versions, merge, checks: the same materials give the same state."""
    adopted = materials.adoption if materials.adoption.name == materials.master.adoption else Adoption()
    candidates, strays = _sorted_out(materials)
    choices = {
        slot: choose(found, materials.now, adopted.answers.get((slot[1], slot[0]), ()))
        for slot, found in sorted(candidates.items())
    }
    in_force = tuple(
        InForce(counts.fichier, counts.reading, adopted.cells(counts.reading.identity))
        for counts in (chosen.in_force for chosen in choices.values())
        if counts is not None and counts.reading.identity is not None
    )
    schemas, settings = materials.contract.schemas, materials.contract.settings
    rows = {table: plain_rows(frame) for table, frame in materials.master.tables.items()}
    merged = merge(rows, materials.master.origins(), in_force, schemas, materials.master.place)
    tables = {
        table: make_frame(schemas[table], {name: [row[name] for row in found] for name in schemas[table].names})
        for table, found in merged.rows.items()
    }
    locate = _Locate(materials.master, merged)
    declarations = [
        Declaration(each.partenaire, each.exercice, each.fichier, row) for each in in_force for row in each.reading.rows
    ]
    disputed = _disputed(merged, schemas)
    board = _board(materials, choices)
    contract = replace(materials.contract, tables=tables)
    across = [
        *check_contract(tables, schemas, settings, locate, unknown=disputed),
        *reconcile(tables, schemas, settings, locate, declarations, unknown=disputed),
        *_say_conflicts(merged.conflicts, Labels(contract)),
        *_say_removals(merged.removals),
    ]
    files = [found for line in board for found in line.received] + list(strays)
    findings = tuple(_once([*materials.said, *(each for found in files for each in found.findings), *across]))
    consolidation = Consolidation(
        contract=contract,
        master=materials.master.tables,
        master_file=materials.master.fichier,
        origins=merged.origins,
        cells=merged.cells,
        board=_told(board, findings),
        strays=tuple(strays),
        modifications=tuple(merged.modifications),
        conflicts=tuple(merged.conflicts),
        removals=tuple(merged.removals),
        findings=findings,
        made=materials.now,
        locate=locate,
    )
    return Assembly(consolidation, in_force)


class _Locate:
    """Where the values of the consolidated tables come from."""

    def __init__(self, master: Master, merged: Merged) -> None:
        self.master, self.merged = master, merged
        self.positions = {
            table: {place: position for position, place in enumerate(places)}
            for table, places in master.origins().items()
        }

    def __call__(self, table: str, index: Any, field: str | None = None) -> Place:
        """The cell of a return where it says the value, else the master's."""
        said = self.merged.cells.get((table, int(index), field or ""))
        if said is not None:
            return said
        origin = self.merged.origins[table][int(index)]
        position = self.positions[table].get(origin)
        return origin if position is None else self.master.place(table, position, field)


def _disputed(merged: Merged, schemas: Schemas) -> set[tuple[str, int, str]]:
    """The amounts in conflict of financements, and their statuses: the conflict says that they are not settled.

    The half of them that nobody contests is applied; to say that it contradicts the other would send people to a return
    where both are filled.
    """
    keys = {each.key for each in merged.conflicts if (each.table, each.champ) in _TOGETHER}
    names = schemas[_FINANCEMENTS].primary_key if keys else ()
    rows = merged.rows[_FINANCEMENTS] if keys else []
    at = [position for position, row in enumerate(rows) if tuple(row[name] for name in names) in keys]
    return {(table, position, name) for position in at for table, name in _TOGETHER}


def _sorted_out(materials: Materials) -> tuple[dict[Slot, list[Candidate]], list[ReceivedFile]]:
    """The forms by slot, and the files that are nobody's form."""
    found: dict[Slot, list[Candidate]] = {}
    strays = []
    for fichier, reading in materials.files.items():
        if reading.identity is None:
            verdict = Verdict.FOREIGN if reading.is_readable else Verdict.UNREADABLE
            said = tuple(each.in_file(fichier) for each in reading.findings)
            strays.append(ReceivedFile(fichier, reading.sha256, verdict, said, saved=reading.saved))
            continue
        slot = (reading.identity.exercice, reading.identity.partenaire)
        found.setdefault(slot, []).append(Candidate(fichier, reading))
    for fichier, reading in materials.kept.items():
        if reading.identity is None or not reading.is_accepted or reading.sha256 in materials.withdrawn:
            continue
        slot = (reading.identity.exercice, reading.identity.partenaire)
        found.setdefault(slot, []).append(Candidate(fichier, reading, is_kept_copy=True))
    return found, strays


def _board(materials: Materials, choices: Mapping[Slot, Choice]) -> tuple[BoardLine, ...]:
    """A line per partner for the exercice that is asked now, and for each other one that it was asked, or answers."""
    settings = materials.contract.settings
    partners = plain_rows(materials.master.tables["partenaires"])
    years = {settings.exercice_courant, *(year for year, _ in (*materials.sent, *choices))}
    lines = []
    for year in sorted(years, reverse=True):
        for partner in partners:
            slot = (year, partner["partenaire_id"])
            if year != settings.exercice_courant and slot not in materials.sent and slot not in choices:
                continue
            choice = choices.get(slot, Choice())
            due = settings.dates_limites.get(year)
            sent = materials.sent.get(slot)
            is_overdue = due is not None and materials.now.date() > due
            lines.append(
                BoardLine(
                    partenaire=partner["partenaire_id"],
                    nom=partner["nom"] or partner["partenaire_id"],
                    courriel=partner["courriel"],
                    exercice=year,
                    status=_standing(choice, sent=sent is not None, is_overdue=is_overdue),
                    sent=sent,
                    received=tuple(choice.received),
                    in_force=choice.in_force_file,
                    due=due,
                )
            )
    return tuple(lines)


def _told(board: Iterable[BoardLine], findings: Iterable[Finding]) -> tuple[BoardLine, ...]:
    """The board where each file has all that is said of it: what was found by itself, and across partners."""
    of_file: dict[str | None, list[Finding]] = {}
    for each in findings:
        of_file.setdefault(each.place.fichier, []).append(each)

    def told(file: ReceivedFile) -> ReceivedFile:
        return replace(file, findings=tuple(of_file.get(file.fichier, ())))

    return tuple(
        replace(line, received=tuple(map(told, line.received)), in_force=line.in_force and told(line.in_force))
        for line in board
    )


def _standing(choice: Choice, *, sent: bool, is_overdue: bool) -> ReturnStatus:
    troubled = any(each.verdict in (Verdict.REJECTED, Verdict.UNDECIDED) for each in choice.received)
    if choice.in_force is not None:
        return ReturnStatus.KEPT if troubled else ReturnStatus.ACCEPTED
    if choice.received:
        return ReturnStatus.REJECTED
    if not sent:
        return ReturnStatus.NOT_SENT
    return ReturnStatus.LATE if is_overdue else ReturnStatus.AWAITED


def _say_conflicts(conflicts: Sequence[Conflict], labels: Labels) -> Iterable[Finding]:
    for each in conflicts:

        def value(said: Any, *, quoted: bool = False, of: Conflict = each) -> str:
            return labels.value(of.table, of.champ, said, quoted=quoted)

        words = " ; ".join(
            f"{labels.partner(claim.partenaire)} dit {value(claim.value, quoted=True)}" for claim in each.claims
        )
        places = [claim.place for claim in each.claims]
        first, *others = places if each.place is None else [each.place, *places]
        yield finding(
            "conflit",
            first,
            champ=each.champ,
            valeur=value(each.claims[0].value),
            attendu=value(each.kept),
            liees=others,
            titre=labels.title(each.table, each.champ),
            ligne=labels.row(each.table, each.key),
            dires=words,
            garde=value(each.kept, quoted=True),
        )


def _say_removals(removals: Sequence[Removal]) -> Iterable[Finding]:
    for each in removals:
        yield finding("suppression-proposee", each.place, valeur=each.libelle)


def _once(findings: Iterable[Finding]) -> Iterable[Finding]:
    """Each finding once: a return checked by itself and inside the whole says some things twice."""
    seen = set()
    for each in findings:
        key = (each.code, each.place, repr(each.valeur), each.champ)
        if key not in seen:
            seen.add(key)
            yield each
