"""What staff type where it shows otherwise than it counts: said, and never in the way of anything."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from tabellion.checks.looks import TypedCell, check_looks
from tabellion.findings import Finding
from tabellion.reading.master import MasterReading
from tabellion.reading.tables import FoundTable
from tabellion.schema.table import Key
from tabellion.schema.tables import Row, Tables


def check_master_looks(reading: MasterReading, base: Tables | None) -> list[Finding]:
    """What there is to say of the looks of a master's cells; ``base`` are the tables last accepted.

    What stands in hidden rows, columns or sheets is said where it is not in ``base``: staff filter their workbook. The
    workbook itself folds technical columns, and those of identifiers.
    """
    findings: list[Finding] = []
    for resource, schema in reading.schemas.items():
        if resource not in reading.tables:
            continue
        cells: dict[int, list[TypedCell]] = defaultdict(list)
        areas: dict[int, FoundTable] = {}
        known: dict[Key, Row] = {}
        if base is not None and resource in base:
            known = {tuple(row[name] for name in schema.primary_key): row for row in base[resource].rows}
        for row, address in zip(reading.tables[resource].rows, reading.origins[resource], strict=True):
            area = address.area
            if not _is_odd(area, manual=reading.workbook.manual):
                continue
            areas[id(area)] = area
            before = known.get(tuple(row[name] for name in schema.primary_key))
            for field in schema.fields:
                if (column := area.columns.get(field.title)) is not None:
                    is_folded = field.is_technical or field.name in schema.primary_key
                    is_shown = not (is_folded and column in area.sheet.hidden_columns)
                    is_new = is_shown and (before is None or before.get(field.name) != row[field.name])
                    cells[id(area)].append(TypedCell(area, field, field.title, address.row, column, is_new))
        for number, area in areas.items():
            findings += check_looks(area, cells[number], manual=reading.workbook.manual)
    return [replace(finding, bloquant=False) for finding in findings]


def _is_odd(area: FoundTable, *, manual: bool) -> bool:
    """Whether anything of a sheet can show otherwise than it holds."""
    sheet = area.sheet
    is_hidden = sheet.state != "visible" or sheet.hidden_rows or sheet.hidden_columns
    return bool(manual or is_hidden or sheet.merged or sheet.looks)
