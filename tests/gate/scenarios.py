"""What is played: each scenario is a function of a site, in the order in which the longest begin first."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from gate import campaigns, contracts
from gate.site import Site

Scenario = Callable[[Site], None]

#: The longest first: a long one begun last would keep one process busy alone.
SCENARIOS: dict[str, Scenario] = {
    "campaign": campaigns.campaign,
    "chartres": contracts.chartres,
    "plans": campaigns.plans,
    "returns": campaigns.returns,
    "edits": contracts.edits,
    "small-campaign": campaigns.small_campaign,
    "medium": partial(contracts.generated, "medium"),
    "awkward": partial(contracts.generated, "awkward"),
    "cases-plans": partial(contracts.generated, "cases", with_plans_on=True),
    "partial": partial(contracts.generated, "partial"),
    "empty": partial(contracts.generated, "empty"),
    "bare": contracts.bare,
    "wrong": contracts.wrong_settings,
    "import": contracts.imported,
}
