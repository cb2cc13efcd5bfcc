"""How tests speak of findings: as code and cell, never as prose."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from support.contracts import SETTINGS, Rows, book_of, locate, tables_of
from tabellion.checks.contract import check_contract
from tabellion.contract.workspace import Settings
from tabellion.findings import Finding


def check(
    rows: Rows, *, settings: Settings = SETTINGS, unknown: Collection[tuple[str, Any, str]] = ()
) -> list[Finding]:
    """The findings of a contract given as rows, at the places of :func:`support.contracts.locate`."""
    return check_contract(book_of(tables_of(rows), settings=settings, unknown=unknown), locate)


def cells(findings: Iterable[Finding]) -> list[tuple[str, str]]:
    """Each finding as its code and its cell, ``table.field@index``."""
    return [(finding.code, f"{finding.place.feuille}.{finding.place.cellule}") for finding in findings]


def linked(finding: Finding) -> list[str]:
    """The cells that a finding links to."""
    return [f"{place.feuille}.{place.cellule}" for place in finding.liees]
