"""``tabellion validate``: workbooks and returns read back, checked, and every anomaly named at its cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from tabellion.checks import check_contract, check_returned_rows
from tabellion.checks.formulas import check_formulas
from tabellion.checks.returns import check_return
from tabellion.checks.staleness import check_stale_totals
from tabellion.commands.generate import LAYOUT
from tabellion.findings import Finding, Place
from tabellion.intake import RawWorkbook, read_workbooks
from tabellion.intake.form import FormReading, read_form, references
from tabellion.intake.hidden import read_identity
from tabellion.intake.master import MasterReading, read_master
from tabellion.outputs.annotate import annotate
from tabellion.registre import load_register
from tabellion.schema.frames import Tables, make_frame
from tabellion.workbook.forms.spec import FORM_TABLES, KIND_FORM
from tabellion.workbook.look import load_look
from tabellion.workbook.names import IDENTITY
from tabellion.workspace import Workspace


def validate(workspace: Workspace, paths: Sequence[Path]) -> list[Finding]:
    """All findings of :func:`validate_files`, one file after the other."""
    return [each for findings in validate_files(workspace, paths) for each in findings]


def validate_files(workspace: Workspace, paths: Sequence[Path]) -> list[list[Finding]]:
    """Read each workbook, check it, and return its findings, file by file, each with its file, sheet and cell.

    A file that cannot be read gives the findings that refuse it, and does not stop the others. The rows of all returns
    are validated in one pass. Raises :class:`TabellionError` when a return cannot be compared with the register.
    """
    said: list[list[Finding]] = []
    returns = _Returns(workspace)
    for number, outcome in enumerate(read_workbooks(paths)):
        if not isinstance(outcome, RawWorkbook):
            said.append(list(outcome))
        elif read_identity(outcome.sheet(IDENTITY))[0].get("genre") == KIND_FORM:
            said.append(returns.add(number, outcome))
        else:
            reading = read_master(outcome, workspace.schemas, workspace.settings.identifiant)
            said.append(check_master(workspace, reading))
    for number, findings in returns.check().items():
        said[number] += findings
    return [[each.in_file(path.name) for each in findings] for path, findings in zip(paths, said, strict=True)]


def annotate_files(
    workspace: Workspace, paths: Sequence[Path], findings: Sequence[Sequence[Finding]], folder: Path, now: datetime
) -> list[Path]:
    """Write into ``folder`` the annotated copy of each file that has findings; return what was written.

    Raises :class:`TabellionError` when the layout is wrong, or ``folder`` cannot be written or holds an original.
    """
    look = load_look(workspace.templates / LAYOUT, workspace.schemas)
    return annotate(zip(paths, findings, strict=True), folder, look, now)


def check_master(workspace: Workspace, reading: MasterReading) -> list[Finding]:
    """Everything there is to say about one master workbook that was read."""
    if not reading.tables:
        return reading.findings
    said = check_contract(
        reading.tables, workspace.schemas, workspace.settings, reading.locate, unknown=reading.unknown
    )
    formulas = check_formulas(reading)
    altered = {(each.place.feuille, each.place.cellule) for each in formulas}
    stale = [each for each in check_stale_totals(reading) if (each.place.feuille, each.place.cellule) not in altered]
    return [*reading.findings, *said, *formulas, *stale]


@dataclass
class _Returns:
    """The returns among the files: each read by itself, their rows validated together."""

    workspace: Workspace
    readings: dict[int, FormReading] = field(default_factory=dict)

    def add(self, number: int, workbook: RawWorkbook) -> list[Finding]:
        """Read one return; what is said of it alone."""
        if not self.readings:
            self.register = load_register(self.workspace.registre, self.workspace.schemas).tables
            self.known = references(self.register, self.workspace.schemas)
        settings = self.workspace.settings
        reading = read_form(workbook, self.workspace.schemas, self.known, settings.identifiant)
        self.readings[number] = reading
        said = reading.findings
        if reading.columns:
            said = [*said, *check_return(reading, settings), *check_formulas(reading)]
        reading.forget_cells()
        return said

    def check(self) -> dict[int, list[Finding]]:
        """What the schemas say of all rows, by file."""
        if not self.readings:
            return {}
        tables: Tables = dict(self.register)
        rows: dict[str, list[tuple[int, FormReading, Any]]] = {}
        unknown: set[tuple[str, Any, str]] = set()
        for spec in FORM_TABLES:
            origins = rows.setdefault(spec.resource, [])
            schema = self.workspace.schemas[spec.resource]
            columns: dict[str, list[Any]] = {name: [] for name in schema.names}
            for number, reading in self.readings.items():
                marked = [each for each in reading.unknown if each[0] == spec.resource]
                unknown |= {(table, len(origins) + index, name) for table, index, name in marked}
                origins += [(number, reading, index) for index in range(len(reading.rows.get(spec.resource, [])))]
                for name, values in reading.columns.get(spec.resource, {}).items():
                    columns[name] += values
            tables[spec.resource] = make_frame(schema, columns)

        def locate(table: str, index: Any, field: str | None = None) -> Place:
            if table not in rows:
                return Place()
            number, reading, row = rows[table][index]
            place = reading.locate(table, row, field)
            return Place(str(number), place.feuille, place.cellule)

        found: dict[int, list[Finding]] = {}
        schemas, settings = self.workspace.schemas, self.workspace.settings
        for each in check_returned_rows(tables, schemas, settings, locate, unknown=unknown):
            found.setdefault(int(each.place.fichier or 0), []).append(each)
        return found
