"""Where partners stand in a campaign, and how many of them: who was asked, who answered, who is late.

One definition for cards, tables, the report, the terminal, mails and reminders: they cannot count differently.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from itertools import repeat

from tabellion.schema.forms import SOURCES, TableSpec
from tabellion.schema.tables import Tables
from tabellion.wording import plural


class ReturnStatus(Enum):
    """Where a partner stands in the campaign of one exercice."""

    ACCEPTED = "accepté"
    KEPT = "rejeté, le précédent reste en vigueur"
    REJECTED = "rejeté"
    EMPTY = "vide"
    LATE = "en retard"
    AWAITED = "attendu"
    NOT_SENT = "pas envoyé"
    NOT_ASKED = "sans objet"


#: Nothing is expected of these.
UNASKED = (ReturnStatus.NOT_SENT, ReturnStatus.NOT_ASKED)
REJECTED = (ReturnStatus.REJECTED, ReturnStatus.KEPT)
#: Who was sent a form and has not answered; the statuses that call for a reminder.
UNANSWERED = (ReturnStatus.AWAITED, ReturnStatus.LATE)
REMINDED = (ReturnStatus.LATE, ReturnStatus.REJECTED, ReturnStatus.KEPT, ReturnStatus.EMPTY)
RETURNED = (ReturnStatus.ACCEPTED, ReturnStatus.EMPTY, *REJECTED)


def awaited(due: date | None, today: date, *, is_sent: bool, is_asked: bool) -> ReturnStatus:
    """The status of a partner of whom nothing came: late where it was asked something, and ``due`` is over."""
    if not is_asked:
        return ReturnStatus.NOT_ASKED
    if not is_sent:
        return ReturnStatus.NOT_SENT
    return ReturnStatus.LATE if due is not None and today > due else ReturnStatus.AWAITED


def came_late(due: date | None, saved: datetime | None) -> bool:
    """Whether a return came, but after the campaign's date."""
    return due is not None and saved is not None and saved.date() > due


@dataclass(frozen=True)
class StatusCounts:
    """How many partners have each status, in the campaign of one exercice."""

    counts: Counter[ReturnStatus]

    @classmethod
    def of(cls, statuses: Iterable[ReturnStatus]) -> StatusCounts:
        """The counts of these partners' statuses."""
        return cls(Counter(statuses))

    def __getitem__(self, status: ReturnStatus) -> int:
        return self.counts[status]

    def among(self, statuses: Iterable[ReturnStatus]) -> int:
        """How many have one of these."""
        return sum(self.counts[status] for status in statuses)

    @property
    def asked(self) -> int:
        """How many were asked something."""
        return self.counts.total() - self.among(UNASKED)

    @property
    def asked_words(self) -> str:
        """``20 partenaires sollicités``."""
        return plural(self.asked, "partenaire sollicité", "partenaires sollicités")


def asked_partners(tables: Tables, exercice: int, forms: Iterable[TableSpec]) -> frozenset[str]:
    """The partners whom a form of an exercice, made of these tables, asks something: those that the contract names."""
    kinds = {SOURCES[table.source] for table in forms}
    partners = tables["partenaires"].rows
    asked: set[str] = set()
    if "lignes_budgetaires" in kinds:
        asked |= {row["partenaire_id"] for row in partners if row["collectivite_id"] is not None}
    if kinds - {"lignes_budgetaires"}:
        asked.update(tables["participations"].column("partenaire_id"))
    if "financements" in kinds:
        columns = tables["financements"].columns
        years = columns.get("exercice", repeat(None))
        funders = {
            funder for funder, year in zip(columns["financeur_id"], years, strict=False) if (year or 0) <= exercice
        }
        asked |= {row["partenaire_id"] for row in partners if (row["financeur_id"] or None) in funders - {None}}
    return frozenset(asked)
