"""What is kept of one file once it is read and checked: enough to merge it, or refuse it, without reading it again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any

from tabellion.campaign.examination import Examination, ExaminedTable
from tabellion.campaign.model import ReturnedRow
from tabellion.findings import Finding, Place, Severity
from tabellion.layout.forms import FormIdentity

#: The key of a day in the JSON of a reading.
_DAY = "jour"


@dataclass(frozen=True)
class RemovedRow:
    """A row of the form as sent that the return has no more: its stable id, its words, where it is missing."""

    table: str
    row_id: str
    libelle: str
    feuille: str | None
    cellule: str | None


@dataclass(frozen=True)
class Reading:
    """One file read and checked, whatever its name. Places of its findings name no file.

    ``identity`` is ``None`` for what is no form of this contract; ``is_readable`` is false for what is no workbook.
    """

    sha256: str
    identity: FormIdentity | None
    saved: datetime | None
    author: str
    findings: tuple[Finding, ...]
    rows: tuple[ReturnedRow, ...] = ()
    removed: tuple[RemovedRow, ...] = ()
    is_readable: bool = True

    @property
    def is_accepted(self) -> bool:
        """Whether its answers may count: a form of this contract, and nothing in it blocks."""
        return self.identity is not None and not any(each.bloquant for each in self.findings)

    @cached_property
    def answers(self) -> str:
        """A digest of what it answers: two files that say the same are one, whatever their bytes."""
        said = sorted(
            [row.table, repr(row.key), sorted((name, repr(value)) for name, value in row.values.items())]
            for row in self.rows
        )
        wrong = sorted((each.code, each.place.cellule or "", repr(each.valeur)) for each in self.findings)
        gone = sorted((each.table, each.row_id) for each in self.removed)
        return hashlib.sha256(repr((self.identity, said, wrong, gone)).encode()).hexdigest()


def refused(sha256: str, findings: Iterable[Finding], *, is_readable: bool) -> Reading:
    """The reading of a file that is no form: unreadable, or another workbook."""
    return Reading(sha256, None, None, "", tuple(homeless(findings)), is_readable=is_readable)


def reading_of(examination: Examination, findings: Iterable[Finding] = ()) -> Reading:
    """The reading of an examined return; ``findings`` are what the validation of its rows said."""
    rows = [row for table, examined in examination.tables.items() for row in _rows(table, examined)]
    removed = [
        RemovedRow(table, key, words[:120], place.feuille, place.cellule)
        for table, key, words, place in examination.removed
    ]
    return Reading(
        examination.sha256,
        examination.identity,
        examination.saved,
        examination.author,
        tuple(homeless([*examination.findings, *findings])),
        tuple(rows),
        tuple(removed),
    )


def _rows(table: str, examined: ExaminedTable) -> Iterable[ReturnedRow]:
    unknown: dict[int, set[str]] = {}
    for position, name in examined.unknown:
        unknown.setdefault(position, set()).add(name)
    names = list(examined.values)
    for position, values in enumerate(zip(*examined.values.values(), strict=True)):
        lost = unknown.get(position, ())
        known = {name: value for name, value in zip(names, values, strict=True) if name not in lost}
        yield ReturnedRow(
            table,
            examined.keys[position],
            known,
            examined.changed[position],
            examined.is_new[position],
            examined.sheet,
            examined.rows[position],
            examined.columns,
        )


def homeless(findings: Iterable[Finding]) -> Iterable[Finding]:
    """The same findings in a file without a name: the same bytes may stand under several."""
    for each in findings:
        place = replace(each.place, fichier=None)
        linked = tuple(replace(other, fichier=None) for other in each.liees)
        yield replace(each, place=place, liees=linked)


def to_json(reading: Reading) -> dict[str, Any]:
    """The reading as JSON has it."""
    identity = reading.identity
    return {
        "sha256": reading.sha256,
        "identity": None if identity is None else [*_identity(identity)],
        "saved": None if reading.saved is None else reading.saved.isoformat(),
        "author": reading.author,
        "is_readable": reading.is_readable,
        "findings": [finding_json(each) for each in reading.findings],
        "rows": _rows_json(reading.rows),
        "removed": [[each.table, each.row_id, each.libelle, each.feuille, each.cellule] for each in reading.removed],
    }


def from_json(content: Mapping[str, Any]) -> Reading:
    """The reading that :func:`to_json` wrote. Raises ``KeyError``, ``TypeError`` or ``ValueError`` for another."""
    identity = content["identity"]
    return Reading(
        content["sha256"],
        None if identity is None else FormIdentity(*identity),
        None if content["saved"] is None else datetime.fromisoformat(content["saved"]),
        content["author"],
        tuple(finding_of(each) for each in content["findings"]),
        tuple(_rows_of(content["rows"])),
        tuple(RemovedRow(*each) for each in content["removed"]),
        content["is_readable"],
    )


def _identity(identity: FormIdentity) -> tuple[Any, ...]:
    return identity.contrat, identity.partenaire, identity.exercice, identity.formulaire


def plain_json(value: Any) -> Any:
    """One value of a table as JSON has it: a day is marked, the rest is as it is."""
    return {_DAY: value.isoformat()} if isinstance(value, date) else value


def value_of(content: Any) -> Any:
    """The value that :func:`plain_json` wrote."""
    return date.fromisoformat(content[_DAY]) if isinstance(content, dict) else content


def _rows_json(rows: Iterable[ReturnedRow]) -> list[Any]:
    """Rows by table and sheet, so that names of fields and columns are written once."""
    groups: dict[tuple[Any, ...], list[Any]] = {}
    for row in rows:
        group = groups.setdefault((row.table, row.sheet, tuple(row.columns.items()), tuple(row.values)), [])
        group.append([
            row.row,
            row.is_new,
            [plain_json(each) for each in row.key],
            [plain_json(each) for each in row.values.values()],
            {name: plain_json(each) for name, each in row.before.items()},
        ])  # fmt: skip
    return [[table, sheet, dict(columns), names, found] for (table, sheet, columns, names), found in groups.items()]


def _rows_of(content: Iterable[Any]) -> Iterable[ReturnedRow]:
    for table, sheet, columns, names, rows in content:
        for row, is_new, key, values, before in rows:
            yield ReturnedRow(
                table,
                tuple(map(value_of, key)),
                dict(zip(names, map(value_of, values), strict=True)),
                {name: value_of(each) for name, each in before.items()},
                is_new,
                sheet,
                row,
                columns,
            )


def finding_json(each: Finding) -> list[Any]:
    """A finding as JSON keeps it, its file aside."""
    places = [[place.feuille, place.cellule, place.ligne] for place in (each.place, *each.liees)]
    valeur, attendu = (str(value) if isinstance(value, float) else value for value in (each.valeur, each.attendu))
    numbers = [isinstance(value, float) for value in (each.valeur, each.attendu)]
    return [
        each.code, int(each.gravite), each.bloquant, each.message, each.suggestion, each.champ, valeur, attendu,
        numbers, places,
    ]  # fmt: skip


def finding_of(content: list[Any]) -> Finding:
    """The finding that :func:`finding_json` wrote."""
    code, gravite, bloquant, message, suggestion, champ, valeur, attendu, numbers, places = content
    found, wanted = (
        float(value) if is_number else value for value, is_number in zip((valeur, attendu), numbers, strict=True)
    )
    place, *linked = (Place(None, feuille, cellule, ligne) for feuille, cellule, ligne in places)
    return Finding(
        code, Severity(gravite), bloquant, place, message, suggestion, champ, found, wanted, tuple(linked)
    )  # fmt: skip


def digest_of(content: Any) -> str:
    """The SHA-256 of something that JSON can write."""
    return hashlib.sha256(
        json.dumps(content, ensure_ascii=False, sort_keys=True).encode("utf-8", "replace")
    ).hexdigest()
