"""``tabellion validate``: workbooks read back, checked, and every anomaly named at its cell."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tabellion.checks import check_contract
from tabellion.checks.formulas import check_formulas
from tabellion.checks.staleness import check_stale_totals
from tabellion.findings import Finding
from tabellion.intake import RawWorkbook, read_workbooks
from tabellion.intake.master import MasterReading, read_master
from tabellion.workspace import Workspace


def validate(workspace: Workspace, paths: Sequence[Path]) -> list[Finding]:
    """Read each workbook, check it, and return all findings, file by file, each with its file, sheet and cell.

    A file that cannot be read gives the findings that refuse it, and does not stop the others.
    """
    findings: list[Finding] = []
    for path, outcome in zip(paths, _read(paths), strict=True):
        if isinstance(outcome, RawWorkbook):
            reading = read_master(outcome, workspace.schemas, workspace.settings.identifiant)
            findings += [each.in_file(path.name) for each in check_master(workspace, reading)]
        else:
            findings += [each.in_file(path.name) for each in outcome]
    return findings


def _read(paths: Sequence[Path]) -> list[RawWorkbook | tuple[Finding, ...]]:
    return list(read_workbooks(paths))


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
