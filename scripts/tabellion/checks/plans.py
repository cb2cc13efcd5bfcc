"""The plans de financement of a contract or of one return, row by row: what does not balance. Plain values only.

The rules run in the process that reads a return, where there is no pandas, as well as on the tables of a contract.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from tabellion.contract.workspace import Settings
from tabellion.findings import CellValue, Finding, Severity, finding
from tabellion.measures.funding import CHARGE_FIELDS, PRODUIT_FIELDS, is_voluntary, retained
from tabellion.schema import FUNDING_TABLES
from tabellion.schema.money import euros, format_euros
from tabellion.schema.tables import Row

if TYPE_CHECKING:
    from tabellion.checks.inspection import Inspection
    from tabellion.reading.form import ParsedForm

CHARGES, PRODUITS = FUNDING_TABLES
#: The fields that the rules read, by table: a row where one of them is unreadable leaves its whole plan aside.
READ: Mapping[str, tuple[str, ...]] = {CHARGES: CHARGE_FIELDS, PRODUITS: PRODUIT_FIELDS}
_ASKED, _GRANTED, _PAID = "montant_demande", "montant_accorde", "montant_verse"
_FINANCEMENTS, _MONEY = "financements", "montant"
PlanCell = tuple[str, int, str | None]
"""A table, the position of a row, a field."""


class Say(Protocol):
    """Reports a finding at the cell of a table's row, with the other cells that it is about."""

    def __call__(
        self, code: str, table: str, position: int, name: str | None, /, *, valeur: CellValue = None,
        attendu: CellValue = None, gravite: Severity | None = None, liees: Iterable[PlanCell] = (), **details: Any,
    ) -> None:  # fmt: skip
        """Report it."""


@dataclass
class _BalanceSide:
    """One side of a balance: its sum in cents, and the cells that make it."""

    cents: int = 0
    cells: list[PlanCell] = field(default_factory=list)

    def add(self, cents: int | None, cell: PlanCell) -> None:
        if cents is not None:
            self.cents += cents
            self.cells.append(cell)


@dataclass
class _Balance:
    """The rows of one fiche and exercice: charges and produits, then the contributions volontaires alone."""

    charges: _BalanceSide = field(default_factory=_BalanceSide)
    produits: _BalanceSide = field(default_factory=_BalanceSide)
    given: _BalanceSide = field(default_factory=_BalanceSide)
    received: _BalanceSide = field(default_factory=_BalanceSide)
    is_readable: bool = True


def check_plans(
    charges: Sequence[Row],
    produits: Sequence[Row],
    names: Mapping[str, str],
    unread: Mapping[str, Collection[int]],
    settings: Settings,
    say: Say,
) -> None:
    """Say what does not balance, and what was granted or paid beyond.

    Rows are plain values by field (cents); ``names`` are the funders' by identifier; ``unread`` the positions, by
    table, of the rows where something of :data:`READ` could not be read.
    """
    for (fiche, exercice), plan in _plans(charges, produits, unread).items():
        if plan.is_readable:
            _check_balance(fiche, exercice, plan, settings, say)
    for position, row in enumerate(produits):
        if position not in unread.get(PRODUITS, ()):
            _check_progress(position, row, names, say)


def _plans(
    charges: Sequence[Row], produits: Sequence[Row], unread: Mapping[str, Collection[int]]
) -> dict[tuple[str, int], _Balance]:
    plans: dict[tuple[str, int], _Balance] = {}
    for table, rows in ((CHARGES, charges), (PRODUITS, produits)):
        for position, row in enumerate(rows):
            if row["fiche_id"] is None or row["exercice"] is None:
                continue
            plan = plans.setdefault((row["fiche_id"], row["exercice"]), _Balance())
            plan.is_readable = plan.is_readable and position not in unread.get(table, ())
            if table == CHARGES:
                side = plan.given if is_voluntary(row["poste"]) else plan.charges
                side.add(row["montant"], (table, position, "montant"))
            else:
                side = plan.received if is_voluntary(row["compte"]) else plan.produits
                name = _ASKED if row[_GRANTED] is None else _GRANTED
                side.add(retained(row), (table, position, name))
    return plans


def _check_balance(fiche: str, exercice: int, plan: _Balance, settings: Settings, say: Say) -> None:
    """Charges against produits, then the contributions volontaires by themselves; up to the rounding, only a notice."""
    charges, produits = plan.charges, plan.produits

    for code, given, received in (
        ("plan-desequilibre" if produits.cells else "plan-sans-produit", charges, produits),
        ("contributions-desequilibrees", plan.given, plan.received),
    ):
        gap = received.cents - given.cents
        if not gap:
            continue
        (table, position, name), *others = [*given.cells, *received.cells]
        is_rounding = abs(gap) <= settings.arrondi_euros * 100 and code != "plan-sans-produit"
        say(
            code, table, position, name, valeur=euros(received.cents), attendu=euros(given.cents),
            gravite=Severity.INFORMATION if is_rounding else None, liees=others, fiche=fiche, exercice=exercice,
            charges=format_euros(given.cents), produits=format_euros(received.cents), ecart=format_euros(abs(gap)),
            manque="les charges" if gap > 0 else "les produits",
        )  # fmt: skip


def _check_progress(position: int, row: Row, names: Mapping[str, str], say: Say) -> None:
    """A sum is first demandée, then accordée, then versée: none is more than the one before it, where both are known.

    What is versé while nothing is accordé yet is more than was accordé.
    """
    asked, granted, paid = row[_ASKED], row[_GRANTED], row[_PAID]
    funder = names.get(row["financeur_id"], row["financeur_id"])
    words: dict[str, Any] = {
        "fiche": row["fiche_id"] or "?",
        "exercice": row["exercice"] or "?",
        "produit": funder or row["compte"] or "un produit",
    }
    if asked is not None and granted is not None and granted > asked:
        say(
            "accorde-superieur-au-demande", PRODUITS, position, _GRANTED, valeur=euros(granted), attendu=euros(asked),
            liees=[(PRODUITS, position, _ASKED)], accorde=format_euros(granted), demande=format_euros(asked), **words,
        )  # fmt: skip
    if paid and paid > (granted or 0):
        accorde = "rien d'accordé" if granted is None else f"{format_euros(granted)} accordés"
        say(
            "verse-superieur-a-l-accorde", PRODUITS, position, _PAID, valeur=euros(paid), attendu=euros(granted or 0),
            liees=[(PRODUITS, position, _GRANTED)], verse=format_euros(paid), accorde=accorde, **words,
        )  # fmt: skip


def check_returned_plans(reading: ParsedForm, settings: Settings) -> list[Finding]:
    """The plans of one return; what a return has no sheet for is not said."""
    if not all(name in reading.tables for name in FUNDING_TABLES):
        return []
    charges, produits = (
        [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
        for columns in (reading.tables[table].columns for table in FUNDING_TABLES)
    )
    unread = {
        table: {position for position, champ in reading.tables[table].unknown if champ in READ[table]}
        for table in FUNDING_TABLES
    }
    findings: list[Finding] = []

    def say(
        code: str, table: str, position: int, name: str | None, /, *, liees: Iterable[PlanCell] = (), **words: Any
    ) -> None:
        place = reading.locate(table, position, name)
        findings.append(finding(code, place, champ=name, liees=[reading.locate(*cell) for cell in liees], **words))

    check_plans(charges, produits, reading.funders, unread, settings, say)
    return findings


def check_funding(inspection: Inspection) -> None:
    """Every rule about plans; a contract that keeps none has nothing said of it."""
    if not all(inspection.has(table, *fields) for table, fields in READ.items()):
        return
    charges, produits = (inspection.tables[table].rows for table in (CHARGES, PRODUITS))
    if not charges and not produits:
        return
    names: dict[str, str] = {}
    if inspection.has("financeurs", "financeur_id", "nom"):
        names = {row["financeur_id"]: row["nom"] for row in inspection.tables["financeurs"].rows if row["nom"]}
    unread = {table: inspection.unread(table, *fields) for table, fields in READ.items()}
    check_plans(charges, produits, names, unread, inspection.settings, inspection.say)
    _check_granted(inspection, produits, names)


def _check_granted(inspection: Inspection, produits: Sequence[Row], names: Mapping[str, str]) -> None:
    """What a funder grants a fiche against the fiche's financements by the same funder.

    A financement of an exercice is compared with what is granted in it. One without exercice may be one year's or the
    whole contract's: the sum of the exercices that have none of their own, nor an earlier one, or one of them alone,
    has to be it; less is only a notice, since other exercices may follow.
    """
    if not inspection.has(_FINANCEMENTS, "fiche_id", "financeur_id", _MONEY):
        return
    granted: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    unread = inspection.unread(PRODUITS, *READ[PRODUITS])
    spoilt = set()
    for position, row in enumerate(produits):
        key = (row["fiche_id"], row["financeur_id"])
        if None in key or is_voluntary(row["compte"]):
            continue
        if position in unread:
            spoilt.add(key)
        elif row[_GRANTED] is not None:
            granted[key].append(position)
    if not granted:
        return
    known: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for position, row in enumerate(inspection.tables[_FINANCEMENTS].rows):
        known[row["fiche_id"], row["financeur_id"]].append(position)
    for key, positions in granted.items():
        if key not in spoilt:
            for of_grants, of_rows in _to_compare(inspection, produits, positions, known.get(key, [])):
                _compare_granted(inspection, produits, of_grants, of_rows, names)


def _to_compare(
    inspection: Inspection, produits: Sequence[Row], positions: Sequence[int], rows: Sequence[int]
) -> Iterator[tuple[list[int], list[int]]]:
    """The positions of produits and of the financements that they are compared with."""
    years: defaultdict[int, list[int]] = defaultdict(list)
    for at in rows:
        years[inspection.tables[_FINANCEMENTS].rows[at].get("exercice") or 0].append(at)
    undated = []
    granted: defaultdict[int, list[int]] = defaultdict(list)
    for at in positions:
        granted[produits[at]["exercice"] or 0].append(at)
    for exercice, of_exercice in granted.items():
        if exercice in years and exercice:
            yield of_exercice, years[exercice]
        elif not any(0 < year < exercice for year in years):
            undated += of_exercice
    if undated and 0 in years:
        yield sorted(undated), years[0]


def _compare_granted(
    inspection: Inspection, produits: Sequence[Row], positions: Sequence[int], rows: Sequence[int],
    names: Mapping[str, str],
) -> None:  # fmt: skip
    """Nothing is said where one of the financements has no amount."""
    financements = inspection.tables[_FINANCEMENTS].rows
    unpriced = inspection.unread(_FINANCEMENTS, "fiche_id", "financeur_id", _MONEY)
    amounts = [None if at in unpriced else financements[at][_MONEY] for at in rows]
    if None in amounts:
        return
    expected = sum(cents or 0 for cents in amounts)
    years: defaultdict[int, int] = defaultdict(int)
    for position in positions:
        years[produits[position]["exercice"] or 0] += produits[position][_GRANTED]
    total = sum(years.values())
    if expected in (total, *years.values()):
        return
    first = produits[positions[0]]
    is_dated = financements[rows[0]].get("exercice") is not None
    inspection.say(
        "accorde-et-financement", PRODUITS, positions[0], _GRANTED, valeur=euros(total), attendu=euros(expected),
        gravite=Severity.INFORMATION if total < expected and not is_dated else None,
        liees=[
            *((PRODUITS, position, _GRANTED) for position in positions[1:]),
            *((_FINANCEMENTS, position, _MONEY) for position in rows),
        ],
        fiche=first["fiche_id"], financeur=names.get(first["financeur_id"], first["financeur_id"]),
        accorde=format_euros(total), exercices=", ".join(map(str, sorted(years))), finance=format_euros(expected),
    )  # fmt: skip
