"""The accounts of a contract: sums of lines, published totals, double counts, and the walk between the totals."""

from __future__ import annotations

from tabellion.measures.doubles import Double, double_counts
from tabellion.measures.funding import FundingPlan, funding_plans, is_voluntary, retained
from tabellion.measures.overview import NOTHING_SAID, FunderSums, Overview, Sums
from tabellion.measures.totals import (
    AMOUNT_WORDS,
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
from tabellion.measures.walk import Step, StepKind, Walk, walk

__all__ = [
    "AMOUNTS",
    "AMOUNT_WORDS",
    "DETAIL",
    "MEASURE",
    "NOTHING_SAID",
    "RECAP",
    "SCOPE_ALL",
    "SCOPE_CONVENTION",
    "SCOPE_TOWN",
    "Accounts",
    "Double",
    "FunderSums",
    "FundingPlan",
    "Overview",
    "Published",
    "Step",
    "StepKind",
    "Sums",
    "Walk",
    "double_counts",
    "funding_plans",
    "is_voluntary",
    "retained",
    "walk",
]
