"""The figures of all contracts as flat rows, each euro once: what the sheets list, and what all sums are made of.

Columns are named by the labels that people read, so that one declaration of a sum gives its value and its formula.
Amounts are in cents; ``None`` where no line has them, which is not zero.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from tabellion.layout.names import column_ref
from tabellion.measures.measure import Criterion, Measure, Rows, Total, fraction
from tabellion.measures.overview import AMOUNTS
from tabellion.portfolio.board import BoardContract, Portfolio
from tabellion.portfolio.state import UNTOLD
from tabellion.schema.tables import Row
from tabellion.wording import fold

REGION, DEPARTMENT, CONTRACT, IDENTIFIER = "Région", "Département", "Contrat", "Identifiant"
PILIER, CONVENTION, EXERCICE, WHO, FUNDER = (
    "Pilier ou enjeu", "Convention", "Exercice", "Qui dépense", "Type de financeur",
)  # fmt: skip
LINES, UNKNOWN_LINES = "Lignes", "Sans réalisé"
#: The labels of the three amounts, in the order of a budget year, and of two of them over the lines that have both.
MONEY = ("Prévu (€)", "Voté (€)", "Réalisé (€)")
COMPARED = ("Prévu comparable (€)", "Réalisé comparable (€)")
RATE = "Réalisé / prévu"
COUNT, PRICED, AMOUNT = "Financements", "Dont chiffrés", "Montants (€)"
CODE, QUARTIER, FICHES = "Code QPV", "Quartier", "Fiches"
PRINTED, RECOMPUTED = "Tel que publié (€)", "Somme des lignes (€)"
#: The Excel tables of rows.
CREDITS, FUNDINGS, QUARTIERS, PUBLISHED = "Credits", "Financements", "Quartiers", "Publies"

_WHOSE = (REGION, DEPARTMENT, CONTRACT, IDENTIFIER)
_CREDIT_LABELS = (*_WHOSE, PILIER, CONVENTION, EXERCICE, WHO, LINES, *MONEY, UNKNOWN_LINES, *COMPARED)
_FUNDING_LABELS = (*_WHOSE, PILIER, EXERCICE, FUNDER, COUNT, PRICED, AMOUNT)
#: Common names that are shown one by one, at most; beyond, those of one contract alone are put together under this.
_MOST_NAMES, ALONE = 40, "Propres à un seul contrat"


@dataclass(frozen=True)
class PortfolioFigures:
    """The rows of the contracts that count, and their sums.

    ``common`` are the names under which titles are put together with those of other contracts, by table (``piliers``,
    ``conventions``), then by contract and title.
    """

    portfolio: Portfolio
    common: Mapping[str, Mapping[tuple[str, str], str]] = field(default_factory=dict)

    @cached_property
    def credits(self) -> list[Row]:
        """Budget lines by contract, pilier, exercice and kind of who spends."""
        rows, spelling = list[Row](), _Spelling()
        for contract in self.portfolio.counted:
            for total in contract.record.state.credits if contract.record else ():
                planned, spent = total.compares if total.comparables else (None, None)
                rows.append({
                    **_whose(contract), PILIER: spelling.of(PILIER, self._common("piliers", contract, total.pilier)),
                    CONVENTION: spelling.of(CONVENTION, self._common("conventions", contract, total.convention)),
                    EXERCICE: total.exercice,
                    WHO: spelling.of(WHO, total.categorie), LINES: total.lignes,
                    **{label: total.amount(place) for place, label in enumerate(MONEY)},
                    UNKNOWN_LINES: total.lignes - total.connus[2],
                    COMPARED[0]: planned, COMPARED[1]: spent,
                })  # fmt: skip
        return rows

    def _common(self, table: str, contract: BoardContract, title: str) -> str:
        """The name under which a title is put together with those of the other contracts."""
        key = contract.name.identifiant, title
        name = self.common.get(table, {}).get(key, title)
        return name if name in self._shown_names.get(table, {name}) else ALONE

    @cached_property
    def _shown_names(self) -> dict[str, frozenset[str]]:
        """The names that have a row of their own, of the tables where there are too many for all to have one."""
        shown: dict[str, frozenset[str]] = {}
        for table, names in self.common.items():
            holders = Counter(name for _, name in {(contract, name) for (contract, _), name in names.items()})
            if len(holders) > _MOST_NAMES:
                shown[table] = frozenset({name for name, count in holders.items() if count > 1} | {UNTOLD})
        return shown

    @cached_property
    def fundings(self) -> list[Row]:
        """Financements by contract, pilier, exercice and kind of funder."""
        rows, spelling = list[Row](), _Spelling()
        for contract in self.portfolio.counted:
            for total in contract.record.state.fundings if contract.record else ():
                rows.append({
                    **_whose(contract), PILIER: spelling.of(PILIER, self._common("piliers", contract, total.pilier)),
                    EXERCICE: total.exercice,
                    FUNDER: spelling.of(FUNDER, total.categorie), COUNT: total.financements, PRICED: total.chiffres,
                    AMOUNT: total.montant if total.chiffres else None,
                })  # fmt: skip
        return rows

    @cached_property
    def quartiers(self) -> list[Row]:
        """Budget lines by quartier: those with an official code by it, then the others by contract."""
        rows = list[Row]()
        for contract in self.portfolio.counted:
            for total in contract.record.state.quartiers if contract.record else ():
                rows.append({
                    **_whose(contract), CODE: total.code or None, QUARTIER: total.nom, EXERCICE: total.exercice,
                    LINES: total.lignes, FICHES: total.fiches,
                    **{
                        label: total.montants[place] if total.connus[place] else None
                        for place, label in enumerate(MONEY)
                    },
                })  # fmt: skip
        return sorted(rows, key=lambda row: (row[CODE] is None, row[CODE] or ""))

    @cached_property
    def published(self) -> list[Row]:
        """The grand totals that documents print, beside what their lines add up to."""
        return [
            {**_whose(contract), EXERCICE: total.exercice, PRINTED: total.publie, RECOMPUTED: total.recompte}
            for contract in self.portfolio.counted
            for total in (contract.record.state.published if contract.record else ())
        ]

    @cached_property
    def credit_rows(self) -> Rows:
        """The columns of :attr:`credits`."""
        return Rows.of(self.credits, *_CREDIT_LABELS)

    @cached_property
    def funding_rows(self) -> Rows:
        """The columns of :attr:`fundings`."""
        return Rows.of(self.fundings, *_FUNDING_LABELS)

    @property
    def has_regions(self) -> bool:
        """Whether something says in which region or department a contract is."""
        return any(contract.name.region or contract.name.departement for contract in self.portfolio.contracts)

    @property
    def exercices(self) -> list[int]:
        """The exercices that have lines or financements, the earliest first."""
        return sorted({row[EXERCICE] for row in (*self.credits, *self.fundings)})

    @cached_property
    def exercice(self) -> int | None:
        """The exercice to show: the last one of which half as many contracts say an amount as of any."""
        rows = self.credits or self.fundings
        known = Counter(row[EXERCICE] for row in {(row[EXERCICE], row[IDENTIFIER]): row for row in rows}.values())
        return max((year for year, count in known.items() if count * 2 >= max(known.values())), default=None)

    def amount(self, exercice: int | None) -> int:
        """Which of the three amounts says most of an exercice: the last one that half as many lines have as have any.

        Gives its place in :data:`MONEY`.
        """
        known = [0] * len(AMOUNTS)
        for contract in self.portfolio.counted:
            for total in contract.record.state.credits if contract.record else ():
                if total.exercice == exercice:
                    known = [sum(pair) for pair in zip(known, total.connus, strict=True)]
        enough = max(known) / 2
        return next((place for place in (2, 1, 0) if known[place] and known[place] >= enough), 2)

    def credit_sums(self, *where: Criterion) -> list[Measure]:
        """How many lines, the three amounts, and what was spent of what was planned over the lines that have both."""
        lines = Total(LINES, where)
        value = lines.value(self.credit_rows) or 0
        counts = Measure("count", value, lines.sum_formula(credit_column))
        planned, spent = (self.credit_sum(label, *where) for label in COMPARED)
        return [counts, *(self.credit_sum(label, *where) for label in MONEY), fraction("rate", spent, planned)]

    def credit_sum(self, label: str, *where: Criterion) -> Measure:
        """One amount of the lines that meet criteria; blank where none has it."""
        return Total(label, where).measure(self.credit_rows, credit_column)

    def funding_sums(self, *where: Criterion) -> list[Measure]:
        """How many financements, how many with an amount, and their sum."""
        counts = [
            Measure("count", total.value(self.funding_rows) or 0, total.sum_formula(funding_column))
            for total in (Total(label, where) for label in (COUNT, PRICED))
        ]
        return [*counts, Total(AMOUNT, where).measure(self.funding_rows, funding_column)]


def credit_column(label: str) -> str:
    """A column of the table of credits, as formulas name it."""
    return column_ref(CREDITS, label)


def funding_column(label: str) -> str:
    """A column of the table of financements, as formulas name it."""
    return column_ref(FUNDINGS, label)


def distinct(rows: Iterable[Row], label: str) -> list[str]:
    """The values of a column, each once, by name; what is not said comes last."""
    return sorted({row[label] for row in rows}, key=lambda name: (name in (ALONE, UNTOLD), fold(name), name))


class _Spelling:
    """One spelling for the names that Excel takes for one: those that differ by their capitals."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], str] = {}

    def of(self, label: str, name: str) -> str:
        return self._known.setdefault((label, name.casefold()), name)


def _whose(contract: BoardContract) -> Row:
    name = contract.name
    return {
        REGION: name.region or UNTOLD, DEPARTMENT: name.departement or UNTOLD, CONTRACT: name.nom,
        IDENTIFIER: name.identifiant,
    }  # fmt: skip
