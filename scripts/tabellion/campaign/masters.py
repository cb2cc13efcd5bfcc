"""The master that a consolidation starts from: the workbook of the contract, the last one accepted, or the register."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tabellion.addresses import cell_name
from tabellion.campaign.parsed_return import finding_json, finding_of, plain_json, saved_time, value_of, without_file
from tabellion.checks.contract import check_integrity
from tabellion.checks.formulas import check_formulas
from tabellion.checks.staleness import check_stale_totals
from tabellion.contract.register import Register
from tabellion.contract.workspace import Settings
from tabellion.findings import Finding, Place
from tabellion.reading.master import MasterReading, read_master
from tabellion.reading.raw import RawWorkbook
from tabellion.reading.tables import FoundTable
from tabellion.schema import Schemas
from tabellion.schema.tables import Tables, make_table


@dataclass(frozen=True)
class Spot:
    """An area of a sheet where rows were read: the sheet, the one-based column of each field, the first column."""

    sheet: str
    columns: Mapping[str, int]
    first_column: int


@dataclass(frozen=True)
class Master:
    """A master as read: its tables, and where each row and cell stands in it.

    ``rows[table][position]`` is (number of the spot, one-based row); for a register, (-1, line of its CSV).
    ``findings`` are what reading it said, without what its tables say; ``adoption`` names the adoption it comes from,
    ``by_hand`` the state of a register edited by hand that it was made from.
    """

    fichier: str
    sha256: str
    tables: Tables
    rows: Mapping[str, list[tuple[int, int]]]
    spots: tuple[Spot, ...] = ()
    findings: tuple[Finding, ...] = ()
    adoption: str = ""
    saved: datetime | None = None
    author: str = ""
    unknown: frozenset[tuple[str, int, str]] = field(default=frozenset())
    by_hand: str = ""

    def place(self, table: str, position: int, champ: str | None = None) -> Place:
        """The cell of a row's field (of its first cell, for a field that the sheet itself says), or its line."""
        number, row = self.rows[table][position]
        if number < 0:
            return Place(f"{self.fichier}/{table}.csv", ligne=row)
        spot = self.spots[number]
        return Place(self.fichier, spot.sheet, cell_name(row, spot.columns.get(champ or "", spot.first_column)))

    def origins(self) -> dict[str, list[Place]]:
        """The place of every row of every table."""
        return {
            table: [self.place(table, position) for position in range(len(rows))] for table, rows in self.rows.items()
        }

    @property
    def is_sound(self) -> bool:
        """Whether it can be consolidated: it was read whole, and nothing in it blocks."""
        return bool(self.tables) and not self.unknown and not any(each.bloquant for each in self.findings)


def master_of(workbook: RawWorkbook, fichier: str, schemas: Schemas, settings: Settings) -> Master:
    """Make a master of a workbook that was read; what is wrong becomes findings (in a file without a name)."""
    reading = read_master(workbook, schemas, settings.identifiant)
    said = list(reading.findings)
    if reading.tables:
        formulas = check_formulas(reading)
        altered = {(each.place.feuille, each.place.cellule) for each in formulas}
        stale = [
            each for each in check_stale_totals(reading) if (each.place.feuille, each.place.cellule) not in altered
        ]
        said += [*formulas, *stale]
        wrong = check_integrity(reading.tables, schemas, settings, reading.locate)
        unread = {(place.feuille, place.cellule) for place in _unread_places(reading)}
        said += [
            each for each in wrong if each.bloquant and (each.place.feuille, each.place.cellule) not in unread
        ]  # fmt: skip
    return _master(reading, fichier, schemas, without_file(said))


def _unread_places(reading: MasterReading) -> Iterable[Place]:
    return (reading.locate(table, index, name) for table, index, name in reading.unknown)


def _master(reading: MasterReading, fichier: str, schemas: Schemas, said: Iterable[Finding]) -> Master:
    numbers: dict[int, int] = {}
    spots: list[Spot] = []
    rows: dict[str, list[tuple[int, int]]] = {}
    for table, origins in reading.origins.items():
        found = rows.setdefault(table, [])
        for origin in origins:
            number = numbers.get(id(origin.area))
            if number is None:
                number = numbers[id(origin.area)] = len(spots)
                spots.append(_spot(origin.area, table, schemas))
            found.append((number, origin.row))
    return Master(
        fichier,
        reading.workbook.sha256,
        reading.tables,
        rows,
        tuple(spots),
        tuple(said),
        reading.identity.get("adoption", ""),
        saved_time(reading.workbook.properties),
        reading.workbook.properties.get("lastModifiedBy", ""),
        frozenset(reading.unknown),
        reading.identity.get("registre", ""),
    )


def _spot(area: FoundTable, table: str, schemas: Schemas) -> Spot:
    labels = {each.title: each.name for each in schemas[table].fields}
    columns = {labels[label]: column for label, column in area.columns.items() if label in labels}
    return Spot(area.sheet.name, columns, min(area.columns.values(), default=1))


def master_of_register(register: Register, fichier: str, adoption: str) -> Master:
    """The register in the place of a master workbook."""
    rows = {table: [(-1, line) for line in lines] for table, lines in register.lines.items()}
    digest = hashlib.sha256()
    for table, frame in register.tables.items():
        digest.update(f"{table} {frame.columns!r}".encode())
    return Master(fichier, digest.hexdigest(), register.tables, rows, adoption=adoption)


def to_json(master: Master) -> dict[str, Any]:
    """The master as JSON has it, without its file's name."""
    return {
        "sha256": master.sha256,
        "tables": {
            table: {name: [plain_json(value) for value in values] for name, values in frame.columns.items()}
            for table, frame in master.tables.items()
        },
        "rows": master.rows,
        "spots": [[each.sheet, each.columns, each.first_column] for each in master.spots],
        "findings": [finding_json(each) for each in master.findings],
        "adoption": master.adoption,
        "saved": None if master.saved is None else master.saved.isoformat(),
        "author": master.author,
        "unknown": sorted(master.unknown),
        "by_hand": master.by_hand,
    }


def from_json(content: Mapping[str, Any], fichier: str, schemas: Schemas) -> Master:
    """The master that :func:`to_json` wrote. Raises ``KeyError``, ``TypeError`` or ``ValueError`` for another."""
    tables: Tables = {
        table: make_table(
            schemas[table], {name: [value_of(value) for value in values] for name, values in columns.items()}
        )
        for table, columns in content["tables"].items()
    }
    return Master(
        fichier,
        content["sha256"],
        tables,
        {table: [(number, row) for number, row in rows] for table, rows in content["rows"].items()},
        tuple(Spot(*each) for each in content["spots"]),
        tuple(finding_of(each) for each in content["findings"]),
        content["adoption"],
        None if content["saved"] is None else datetime.fromisoformat(content["saved"]),
        content["author"],
        frozenset((table, position, name) for table, position, name in content["unknown"]),
        content["by_hand"],
    )
