"""The tables of a contract against all rules: one pure function, whatever file they were read from."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from tabellion.checks.coherence import check_coherence
from tabellion.checks.constraints import check_constraints
from tabellion.checks.funding import check_funding
from tabellion.checks.inspection import Inspection, Locate
from tabellion.checks.keys import check_references, check_unicity
from tabellion.checks.repeats import check_repeated_lines
from tabellion.checks.texts import check_texts
from tabellion.checks.totals import check_totals
from tabellion.contract.workspace import Settings
from tabellion.findings import Finding
from tabellion.schema import Schemas
from tabellion.schema.tables import Tables


def check_contract(
    tables: Tables,
    schemas: Schemas,
    settings: Settings,
    locate: Locate,
    *,
    unknown: Collection[tuple[str, Any, str]] = (),
) -> list[Finding]:
    """Everything that is wrong, or worth saying, in the tables of a contract, by table, row and field.

    Frames have the columns of their schema and a unique index of any kind; amounts are integer cents. ``locate`` gives
    the place of a row or of a cell by its index. ``unknown`` are the cells (table, index, field) that held something
    unreadable and already reported: nothing more is said of them, nor of the totals that miss only them.
    """
    inspection = Inspection(tables, schemas, settings, locate, unknown)
    _check_integrity(inspection)
    _check_meaning(inspection)
    return inspection.findings


def check_integrity(tables: Tables, schemas: Schemas, settings: Settings, locate: Locate) -> list[Finding]:
    """Only what the schemas declare: constraints, unicity, keys; without it there is no workbook."""
    inspection = Inspection(tables, schemas, settings, locate)
    _check_integrity(inspection)
    return inspection.findings


def check_meaning(tables: Tables, schemas: Schemas, settings: Settings, locate: Locate) -> list[Finding]:
    """The rest of :func:`check_contract`, for tables whose integrity is known."""
    inspection = Inspection(tables, schemas, settings, locate)
    _check_meaning(inspection)
    return inspection.findings


def check_returned_rows(
    tables: Tables,
    schemas: Schemas,
    settings: Settings,
    locate: Locate,
    *,
    unknown: Collection[tuple[str, Any, str]] = (),
) -> list[Finding]:
    """The constraints and references of rows returned by partners, all files at once.

    ``tables`` are those of the register, with the returned rows in place of its own: unicity is a matter of each file.
    """
    inspection = Inspection(tables, schemas, settings, locate, unknown)
    check_constraints(inspection)
    check_references(inspection)
    return inspection.findings


def _check_integrity(inspection: Inspection) -> None:
    check_constraints(inspection)
    check_unicity(inspection)
    check_references(inspection)


def _check_meaning(inspection: Inspection) -> None:
    check_coherence(inspection)
    check_texts(inspection)
    check_repeated_lines(inspection)
    check_totals(inspection)
    check_funding(inspection)
