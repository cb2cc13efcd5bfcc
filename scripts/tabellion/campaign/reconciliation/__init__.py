"""Reconciliation: what partners say against each other, and what adds up in no single return. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from tabellion.campaign.merge import InForce
from tabellion.campaign.reconciliation.claims import contradictions
from tabellion.campaign.reconciliation.lines import check_shared_lines, check_subtotals, check_two_conventions
from tabellion.campaign.reconciliation.plans import check_plans
from tabellion.checks.inspection import Inspection, Locate
from tabellion.contract.workspace import Settings
from tabellion.findings import Finding
from tabellion.schema import Schemas
from tabellion.schema.tables import Tables

__all__ = ["reconcile"]


def reconcile(
    tables: Tables,
    schemas: Schemas,
    settings: Settings,
    locate: Locate,
    returns: Sequence[InForce],
    *,
    unknown: Collection[tuple[str, Any, str]] = (),
) -> list[Finding]:
    """What does not agree across partners: first between their returns, then by table, row and field.

    ``tables`` are the consolidated ones (amounts in integer cents, unique indexes); ``locate`` gives the place where a
    value comes from, in the master or in a return. ``returns`` are those in force, ``unknown`` the cells (table, index,
    field) of which enough was said already: nothing more is said of them. What
    :func:`tabellion.checks.contract.check_contract` says of the same tables is not said again.
    Nothing raises: a rule whose columns the schemas no longer declare has nothing to say.
    """
    inspection = Inspection(tables, schemas, settings, locate, unknown)
    check_plans(inspection)
    check_shared_lines(inspection)
    check_two_conventions(inspection)
    check_subtotals(inspection)
    return [*contradictions(tables, schemas, settings, returns), *inspection.findings]
