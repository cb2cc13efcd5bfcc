"""A contract in memory: its settings, schemas and theme, the tables of its register, and what they add up to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tabellion.contract.workspace import Settings
from tabellion.layout.theme import Theme
from tabellion.measures import Accounts, FundingPlan, Overview, Walk, funding_plans, walk
from tabellion.measures.funding import plan_rows
from tabellion.measures.measure import Rows
from tabellion.schema import FUNDING_TABLES, Schemas
from tabellion.schema.tables import Tables


@dataclass(frozen=True)
class Contract:
    """What a workbook is made from: the settings, schemas and look of a workspace, and the tables of its register.

    ``adoption`` names the adoption that the register comes from; it is empty where there was none. ``by_hand`` tells
    which state of a register edited by hand it is; it is empty for one as the program wrote it.
    """

    settings: Settings
    schemas: Schemas
    theme: Theme
    tables: Tables
    adoption: str = ""
    by_hand: str = ""

    @cached_property
    def accounts(self) -> Accounts:
        """The sums of the exercice that the workbook shows first."""
        return Accounts(self.tables, self.settings.exercice)

    @cached_property
    def overview(self) -> Overview:
        """The sums of every exercice, funder and fiche, which all outputs share."""
        return Overview(self.tables)

    @cached_property
    def plans(self) -> dict[tuple[str, int], FundingPlan]:
        """The plan de financement of each fiche and exercice that has one, in their order."""
        return funding_plans(*(self._rows(name) for name in FUNDING_TABLES))

    @cached_property
    def plan_rows(self) -> tuple[Rows, Rows]:
        """The charges and the produits of all plans de financement."""
        return plan_rows(*(self._rows(name) for name in FUNDING_TABLES))

    def _rows(self, name: str) -> Sequence[Mapping[str, Any]]:
        return self.tables[name].rows if name in self.tables else []

    @cached_property
    def walk(self) -> Walk:
        """The walk from the published to the recomputed total."""
        return walk(self.accounts)

    def labels(self, resource: str) -> dict[Any, str]:
        """What a table shows in place of each of its keys."""
        schema = self.schemas[resource]
        table = self.tables[resource]
        pairs = zip(table.column(schema.primary_key[0]), table.column(schema.shown_key), strict=True)
        return {key: str(key if shown is None else shown) for key, shown in pairs}

    @cached_property
    def town_labels(self) -> dict[Any, str]:
        """The names of the collectivités by identifier."""
        return self.labels("collectivites")

    @cached_property
    def convention_titles(self) -> dict[int, tuple[str, str]]:
        """The full and the short title of each convention."""
        rows = self.tables["conventions"].rows
        return {row["convention_id"]: (row["titre"], row["titre_court"] or row["titre"]) for row in rows}
