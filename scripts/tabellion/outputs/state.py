"""The state of a consolidation as ``constats.json`` has it, and what changed since the one that was there before."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby, islice
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

from tabellion.campaign.model import BoardLine, CellChange, ChangesSince, Consolidation, Modification
from tabellion.campaign.plain_values import plain_json, value_of
from tabellion.findings import Json, Place
from tabellion.schema import Key

STATE_FILE = "constats.json"
_VERSION = 1
_LINES = "lignes_budgetaires"
#: Beyond the cells of any row.
_FAR = 1 << 30
#: Items of a digest in one go.
_AT_ONCE = 1000
PartnerYear = tuple[str | None, int | None]
"""A partner and an exercice."""


class SlotChanges(NamedTuple):
    """What the returns of one partner for one exercice change: its digest, and the rows that it is about, each once."""

    digest: str
    rows: Sequence[tuple[str, Key]]


ChangeDigests = Mapping[PartnerYear, SlotChanges]
"""What stands for the changes of each partner for each exercice."""


@dataclass(frozen=True)
class PreviousOutputs:
    """What the outputs in place say: the digest of their state, when it was made, what had changed, and their tables.

    ``copies`` are the annotated copies made, by name, with the digest of what each was made from; ``outputs`` the
    SHA-256 of the other outputs as they were published, by name; ``details`` the digests of what the detail workbooks
    say, by name; ``tables`` the texts of the CSV files by table; ``findings`` counts of (code, file, sheet, cell,
    value).
    """

    digest: str
    made: datetime
    since: ChangesSince
    statuses: Mapping[tuple[str, int], str]
    findings: Counter[str]
    exercice: int
    copies: Mapping[str, str]
    tables: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, str] = field(default_factory=dict)


def read_previous(folder: Path, registre: Path, names: Iterable[str]) -> PreviousOutputs | None:
    """What the outputs of ``folder`` say; ``None`` where there are none, or they were not written by the program."""
    try:
        content = json.loads((folder / STATE_FILE).read_text(encoding="utf-8"))
        state = content["etat"]
        return PreviousOutputs(
            state["empreinte"],
            datetime.fromisoformat(state["fait_le"]),
            _since(state["depuis"]),
            {(line["partenaire"], line["exercice"]): line["etat"] for line in content["campagne"]},
            Counter(finding_key(finding) for finding in content["constats"]),
            int(state["exercice"]),
            {str(name): str(source) for name, source in state["copies"].items()},
            {name: _text(registre / f"{name}.csv") for name in names},
            {str(name): str(sha256) for name, sha256 in state.get("sorties", {}).items()},
            {str(name): str(digest) for name, digest in state.get("details", {}).items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return None


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def state_digest(consolidation: Consolidation, descriptor: bytes, changes: ChangeDigests, extra: str) -> str:
    """A digest of all that a consolidation says, whatever the moment; ``descriptor`` stands for its tables (it has the
    digest of each), ``changes`` for what returns change, ``extra`` for program and templates.

    Where a value comes from is told by where the contract has its rows, and by what returns change.
    """
    digest = hashlib.sha256(extra.encode())
    digest.update(descriptor)
    contract, master = consolidation.contract, consolidation.master
    groups: tuple[Iterable[object], ...] = (
        (contract.settings, contract.theme, contract.schemas, contract.schemas.forms),
        (master.fichier, master.areas, *master.rows.items()),
        consolidation.board, consolidation.strays, [(slot, told.digest) for slot, told in changes.items()],
        consolidation.staff, consolidation.withheld,
        consolidation.conflicts, consolidation.removals, consolidation.findings, consolidation.dropped,
        (*consolidation.requests, *consolidation.mails, *consolidation.received_mails), consolidation.questions,
        (consolidation.decisions.of(question.id) for question in consolidation.questions),
    )  # fmt: skip
    for group in groups:
        items = iter(group)
        while batch := list(islice(items, _AT_ONCE)):  # not all: a large campaign says tens of millions of characters
            digest.update(repr(batch).encode("utf-8", "surrogatepass"))
        digest.update(b"\n")
    return digest.hexdigest()


def change_digests(changes: Iterable[Modification]) -> ChangeDigests:
    """What the returns of each partner for each exercice change, as digests, in the order of the changes.

    Each partner's changes are told apart, so that what a few files say again and again is said once.
    """
    digests: dict[PartnerYear, SlotChanges] = {}
    for slot, group in groupby(changes, key=attrgetter("partenaire", "exercice")):
        columns = zip(*group, strict=True)
        tables, keys, champs, before, after, _, _, places, saved, authors, outcomes, are_new = columns
        rows, saves = _runs(zip(tables, keys, strict=True)), _runs(zip(saved, authors, strict=True))
        verdicts = [(outcome.value, count) for outcome, count in _runs(outcomes)]
        former, known = digests.get(slot, SlotChanges("", ()))
        told = (former, slot, rows, champs, before, after, told_places(places), saves, _runs(are_new), verdicts)
        digest = hashlib.sha256(repr(told).encode("utf-8", "surrogatepass")).hexdigest()
        digests[slot] = SlotChanges(digest, tuple(dict.fromkeys([*known, *(row for row, _ in rows)])))
    return digests


def told_places(places: Sequence[Place]) -> list[object]:
    """Places as plain values: equal lists, equal places."""
    fichiers, feuilles, cellules, lignes = zip(*places, strict=True) if places else ((),) * 4
    return [_runs(zip(fichiers, feuilles, strict=True)), cellules, _runs(lignes)]


def _runs(values: Iterable[Any]) -> list[tuple[Any, int]]:
    """Values of which many are equal to the one before, each with how often it comes."""
    return [(value, len(list(same))) for value, same in groupby(values)]


def state_json(
    consolidation: Consolidation,
    digest: str,
    copies: Mapping[str, str],
    outputs: Mapping[str, str],
    details: Mapping[str, str],
    findings: Mapping[str, object],
) -> bytes:
    """``constats.json``: the findings as ``--json`` writes them, the campaign, and the state itself.

    ``copies``, ``outputs`` and ``details`` are those of :class:`PreviousOutputs`.
    """
    exercice = consolidation.contract.settings.exercice_courant
    content = {
        **findings,
        "campagne": [_line_json(line) for line in consolidation.board],
        "etat": {
            "version": _VERSION,
            "empreinte": digest,
            "fait_le": consolidation.made.isoformat(timespec="seconds"),
            "exercice": exercice,
            "total_centimes": total_shown(consolidation, exercice)[1],
            "copies": dict(sorted(copies.items())),
            "sorties": dict(sorted(outputs.items())),
            "details": dict(details),
            "depuis": _since_json(consolidation.since),
        },
    }
    text = json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False)
    # A name that is not UTF-8, escaped as JSON does, is read back as it is: its copy is found again.
    return (text + "\n").encode("utf-8", "backslashreplace")


def total_shown(consolidation: Consolidation, exercice: int) -> tuple[str, int | None]:
    """The amount that says most of the exercice, and what its lines add up to, in cents (``None``: not known)."""
    overview = consolidation.contract.overview
    measure = overview.measure(exercice)
    return measure, overview.of(exercice).total(measure)


def _line_json(line: BoardLine) -> dict[str, object]:
    return {
        "partenaire": line.partenaire,
        "exercice": line.exercice,
        "etat": line.status.value,
        "en_retard": line.is_late,
        "envoye": line.sent,
        "en_vigueur": line.in_force.fichier if line.in_force else None,
        "recus": [
            {"fichier": file.fichier, "sha256": file.sha256, "verdict": file.verdict.value, "copie": file.annotated}
            for file in line.received
        ],
    }


def finding_key(content: Mapping[str, object]) -> str:
    """What tells a finding, as ``--json`` writes it, from the others, from one run to the next."""
    return repr([content.get(name) for name in ("code", "fichier", "feuille", "cellule", "ligne", "valeur")])


def _since_json(since: ChangesSince) -> dict[str, object]:
    return {
        "precedente": since.previous and since.previous.isoformat(timespec="seconds"),
        "cellules": [
            [
                cell.table, [plain_json(part) for part in cell.key], cell.champ,
                plain_json(cell.before), plain_json(cell.after),
                cell.place and [cell.place.fichier, cell.place.feuille, cell.place.cellule, cell.place.ligne],
            ]
            for cell in since.cells
        ],
        "etats": [list(change) for change in since.status_changes],
        "constats_nouveaux": since.new_findings,
        "constats_disparus": since.gone_findings,
        "total": since.totals and list(since.totals),
        "total_de": since.total_of,
    }  # fmt: skip


def _cents(value: Any) -> int | None:
    return None if value is None else int(value)


def _since(content: Json) -> ChangesSince:
    cells = tuple(
        CellChange(
            table, tuple(map(value_of, key)), champ, value_of(before), value_of(after),
            None if place is None else Place(*place),
        )
        for table, key, champ, before, after, place in content["cellules"]
    )  # fmt: skip
    before, total = content["precedente"], content["total"]
    return ChangesSince(
        None if before is None else datetime.fromisoformat(before),
        cells,
        tuple((partner, int(year), was, now) for partner, year, was, now in content["etats"]),
        int(content["constats_nouveaux"]),
        int(content["constats_disparus"]),
        None if total is None else (_cents(total[0]), _cents(total[1])),
        str(content.get("total_de", "")),
    )
