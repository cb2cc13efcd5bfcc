"""The accounts of a contract: sums of lines, published totals, double counts, and the walk between the totals."""

from __future__ import annotations

from tabellion.accounts.doubles import Double, double_counts
from tabellion.accounts.totals import (
    AMOUNTS,
    DETAIL,
    MEASURE,
    RECAP,
    SCOPE_ALL,
    SCOPE_CONVENTION,
    SCOPE_TOWN,
    Accounts,
    Published,
)
from tabellion.accounts.walk import Step, StepKind, Walk, walk

__all__ = [
    "AMOUNTS",
    "DETAIL",
    "MEASURE",
    "RECAP",
    "SCOPE_ALL",
    "SCOPE_CONVENTION",
    "SCOPE_TOWN",
    "Accounts",
    "Double",
    "Published",
    "Step",
    "StepKind",
    "Walk",
    "double_counts",
    "walk",
]
