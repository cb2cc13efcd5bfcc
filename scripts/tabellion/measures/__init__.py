"""The measures of a contract: each total, gap, state and count once, with its value and its Excel formula."""

from __future__ import annotations

from tabellion.measures.accounts import (
    DETAIL,
    RECAP,
    SCOPE_ALL,
    SCOPE_CONVENTION,
    SCOPE_TOWN,
    Accounts,
    Published,
    StepKind,
    Walk,
    WalkStep,
    double_counts,
    walk,
)
from tabellion.measures.funding import FundingPlan, funding_plans
from tabellion.measures.overview import AMOUNT_WORDS, AMOUNTS, MEASURE, Overview, Sums

__all__ = [
    "AMOUNTS", "AMOUNT_WORDS", "DETAIL", "MEASURE", "RECAP", "SCOPE_ALL", "SCOPE_CONVENTION", "SCOPE_TOWN", "Accounts",
    "FundingPlan", "Overview", "Published", "StepKind", "Sums", "Walk", "WalkStep", "double_counts", "funding_plans",
    "walk",
]  # fmt: skip
