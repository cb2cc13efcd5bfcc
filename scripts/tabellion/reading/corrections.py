"""What is said where a master is put right: identifiers, names that are no more, rows that repeat another."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from tabellion.findings import Finding, Place, Severity, finding
from tabellion.reading.headers import is_copy
from tabellion.reading.raw import RawSheet
from tabellion.reading.row_identity import Correction, Reason
from tabellion.reading.tables import FoundTable
from tabellion.schema import TableSchema
from tabellion.schema.table import Key
from tabellion.schema.tables import Column, Table
from tabellion.wording import plural

#: Of more corrections of a kind in one table, one finding says how many.
_ONE_BY_ONE = 5
_SHOWN_NAMES = 3

Added = Collection[tuple[str, Key]]
"""The rows (table, key) that people added and that the program named."""


@dataclass(frozen=True)
class RowSource:
    """Where a row was read: its area and its one-based row."""

    area: FoundTable
    row: int

    def place(self, label: str | None = None) -> Place:
        """The cell of the row under a label; the row's first cell without one."""
        return self.area.place(self.row, label)


def without_added(
    schema: TableSchema, corrections: Iterable[Correction], columns: Mapping[str, Column], added: Added
) -> list[Correction]:
    """The corrections without those of empty identifiers in rows (table, key) that people added: the program named
    them, and writes their names only with the next workbook.
    """
    keys = list(zip(*(columns[name] for name in schema.primary_key), strict=True))
    return [
        correction
        for correction in corrections
        if correction.reason is not Reason.BLANK or (schema.name, keys[correction.position]) not in added
    ]


def correct_identifiers(
    schema: TableSchema, corrections: Sequence[Correction], row_sources: Sequence[RowSource]
) -> list[Finding]:
    """What was put right in the identifiers of a table, each at its cell; many of a kind are one finding."""
    label = schema.by_name[schema.primary_key[0]].title
    kinds: dict[tuple[str, str], list[tuple[Correction, Place]]] = defaultdict(list)
    for correction in corrections:
        row_source = row_sources[correction.position]
        kinds[row_source.area.name, _code(correction)].append((correction, row_source.place(label)))
    findings: list[Finding] = []
    for (_, code), members in kinds.items():
        if len(members) > _ONE_BY_ONE and code != "identifiant-manquant":
            places = [place for _, place in members]
            compte = plural(len(members), "identifiant")
            grade = Severity.AVERTISSEMENT if code == "identifiant-attribue" else None
            findings.append(
                finding(
                    "identifiants-corriges", places[0], champ=schema.primary_key[0], valeur=len(members), compte=compte,
                    table=schema.title, gravite=grade, liees=places[1:],
                )
            )  # fmt: skip
            continue
        for member, place in members:
            typed = None if member.as_read is None else str(member.as_read)
            findings.append(
                finding(
                    code, place, champ=schema.primary_key[0], valeur=typed,
                    attendu=member.value, titre=label, raison=member.reason.value.format(typed),
                )
            )  # fmt: skip
    return findings


def _code(correction: Correction) -> str:
    if correction.value is None:
        return "identifiant-repete" if correction.reason is Reason.COPIED else "identifiant-manquant"
    return "identifiant-retabli" if correction.recognised else "identifiant-attribue"


def say_former_names(schema: TableSchema, cells: Sequence[tuple[Place, tuple[str, str]]]) -> list[Finding]:
    """Cells of a table that still show a name that is no more: one finding for them all."""
    if not cells:
        return []
    pairs = list(dict.fromkeys(pair for _, pair in cells))
    names = ", ".join(f"« {old} » est devenu « {new} »" for old, new in pairs[:_SHOWN_NAMES])
    names += f", et {plural(len(pairs) - _SHOWN_NAMES, 'autre')}" if len(pairs) > _SHOWN_NAMES else ""
    compte = plural(len(cells), "cellule montre encore un ancien nom", "cellules montrent encore un ancien nom")
    places = [place for place, _ in cells]
    return [
        finding("ancien-nom", places[0], valeur=len(cells), table=schema.title, compte=compte, noms=names,
                liees=places[1:])
    ]  # fmt: skip


def say_copied_sheet(sheet: RawSheet, areas: Iterable[FoundTable]) -> Finding | None:
    """Whether a sheet is the copy of one that was read, and what it says that the other does not."""
    for area in areas:
        table = next((table for table in sheet.tables if is_copy(table.name, area.found_name or area.name)), None)
        if table is None:
            continue
        columns = [
            (column, table.first_column + offset)
            for offset, label in enumerate(table.columns)
            if (column := area.columns.get(label)) is not None
        ]
        own = Counter(tuple(area.sheet.value(row, column) for column, _ in columns) for row in area.rows())
        copied = Counter(
            tuple(sheet.value(row, column) for _, column in columns)
            for row in range(table.first_row, table.last_row + 1)
        )
        place = sheet.place(table.first_row, table.first_column)
        count = (copied - own).total()
        return finding(
            "feuille-copiee", place, valeur=sheet.name, attendu=area.sheet.name,
            compte=plural(count, "ligne y diffère", "lignes y diffèrent") if count else "elle dit la même chose",
            gravite=None if count else Severity.INFORMATION,
        )  # fmt: skip
    return None


def repeated_rows(schema: TableSchema, columns: Mapping[str, Column], base: Table | None) -> list[tuple[int, int]]:
    """The rows that repeat the key of another, where a row is what it refers to; each with the one that is kept.

    The one that says what the base says is the one that was there; of two others, the first.
    """
    holders: dict[Key, list[int]] = defaultdict(list)
    for position, key in enumerate(zip(*(columns[name] for name in schema.primary_key), strict=True)):
        if None not in key:
            holders[key].append(position)
    known = set(zip(*(base.columns[name] for name in schema.names), strict=True)) if base is not None else set()
    repeated = []
    for positions in holders.values():
        if len(positions) > 1:
            was = (
                position for position in positions if tuple(columns[name][position] for name in schema.names) in known
            )
            kept = next(was, positions[0])
            repeated += [(position, kept) for position in positions if position != kept]
    return repeated


def say_repeated_row(
    schema: TableSchema, columns: Mapping[str, Column], position: int, kept: int, row_sources: Sequence[RowSource]
) -> Finding:
    """A row that was set aside because another has its key; graver where it says something else."""
    place, other = (row_sources[index].place() for index in (position, kept))
    same = all(values[position] == values[kept] for values in columns.values())
    return finding(
        "ligne-repetee", place, valeur=schema.title, autre=other.cellule, liees=[other],
        gravite=Severity.INFORMATION if same else Severity.ERREUR,
        dit="la même chose" if same else "autre chose",
    )  # fmt: skip
