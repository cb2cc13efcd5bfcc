"""The same financement declared to two contracts: the same funder, action, exercice and amount. Pure.

Rows meet by keys, never two by two. What many contracts say (« BOP 147 », 5 000 €) proves nothing: the words of an
action, or of a dispositif, must be of few contracts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tabellion.findings import Finding, Severity, finding
from tabellion.portfolio.common_names import CommonNames, name_key
from tabellion.portfolio.compared import ContractCell, by_region, contracts_of, links, names_of
from tabellion.portfolio.rows import PortfolioTables
from tabellion.schema.money import euros, format_euros
from tabellion.wording import shortened

#: Words that more contracts than this have are everybody's.
_MOST_CONTRACTS = 3
#: Fewer letters name no action in particular.
_FEWEST_LETTERS = 15
#: A multiple of this (cents) is an amount that many things cost.
_ROUND_CENTS = 500_00
_NATIONAL = "public national"


@dataclass(frozen=True, slots=True)
class _Financing:
    """A financement with an amount: who pays (a key, and whether it is a SIRET, or a body of the whole country)."""

    spot: ContractCell
    payer: str
    is_certain: bool
    is_national: bool
    exercice: int
    cents: int
    action: str
    dispositif: str
    words: str


@dataclass(frozen=True)
class SharedFinancing:
    """What was found: the findings, one at each cell, and what is counted beyond once, in cents."""

    findings: list[Finding]
    twice_cents: int


def shared_financing(tables: PortfolioTables, names: CommonNames) -> SharedFinancing:
    """The financements that several contracts declare, said at each of their cells."""
    financings = list(_financings(tables, names))
    common = _common_words(financings)
    buckets: defaultdict[tuple[str, int, int], list[_Financing]] = defaultdict(list)
    for financing in financings:
        buckets[financing.payer, financing.exercice, financing.cents].append(financing)
    findings: list[Finding] = []
    twice = 0
    for bucket in buckets.values():
        for group in _same(bucket, common):
            contracts = contracts_of(group)
            twice += (len(contracts) - 1) * group[0].cents
            findings += _cell_findings(group)
    return SharedFinancing(findings, twice)


def _financings(tables: PortfolioTables, names: CommonNames) -> Iterator[_Financing]:
    sirets = {
        (row.contrat, row.values["financeur_id"]): row.values["siret"]
        for row in tables.rows("partenaires", ("financeur_id", "siret"))
        if row.values.get("financeur_id") and row.values.get("siret")
    }
    funders = {
        (row.contrat, row.values["financeur_id"]): (row.values["nom"] or "", row.values.get("categorie"))
        for row in tables.rows("financeurs", ("financeur_id", "nom", "categorie"))
    }
    actions = {
        (row.contrat, row.values["fiche_id"]): (row.values.get("objectif") or "", row.values.get("proposition") or "")
        for row in tables.rows("fiches", ("fiche_id", "objectif", "proposition"))
    }
    asked = ("fiche_id", "financeur_id", "exercice", "montant", "dispositif")
    for row in tables.rows("financements", asked):
        values = row.values
        payer = (row.contrat, values.get("financeur_id"))
        cents, exercice = values.get("montant"), values.get("exercice")
        if not cents or exercice is None or payer not in funders:
            continue
        name, category = funders[payer]
        siret = sirets.get(payer)
        key = siret or names.partner_key(name)
        if not key:
            continue
        aim, deed = actions.get((row.contrat, values.get("fiche_id")), ("", ""))
        yield _Financing(
            ContractCell(tables.contracts[row.contrat], row, "montant"), key, siret is not None, category == _NATIONAL,
            exercice, cents, _telling(f"{aim} {deed}"), _telling(values.get("dispositif") or ""), deed or aim,
        )  # fmt: skip


def _telling(text: str) -> str:
    """The key of a text that may name an action; empty for one that is too short."""
    key = name_key(text)
    return key if sum(map(str.isalpha, key)) >= _FEWEST_LETTERS else ""


def _common_words(financings: Iterable[_Financing]) -> frozenset[str]:
    """The keys of actions and dispositifs that too many contracts have."""
    contracts: defaultdict[str, set[str]] = defaultdict(set)
    for financing in financings:
        for key in (financing.action, financing.dispositif):
            contracts[key].add(financing.spot.contract.identifiant)
    return frozenset(key for key, holders in contracts.items() if len(holders) > _MOST_CONTRACTS)


def _same(bucket: Sequence[_Financing], common: frozenset[str]) -> Iterator[list[_Financing]]:
    """The groups, of two contracts or more, that are one financement: by the action, else by the dispositif.

    By the dispositif alone, the amount must not be a round one.
    """
    if len(contracts_of(bucket)) < 2:
        return
    taken: set[int] = set()
    for is_action in (True, False):
        groups: defaultdict[str, list[_Financing]] = defaultdict(list)
        for financing in bucket:
            key = financing.action if is_action else financing.dispositif
            if key and key not in common and id(financing) not in taken:
                groups[key].append(financing)
        for group in groups.values():
            if not is_action and group[0].cents % _ROUND_CENTS == 0:
                continue
            for part in _together(group):
                if len(contracts_of(part)) > 1:
                    taken.update(map(id, part))
                    yield part


def _together(group: Sequence[_Financing]) -> Iterator[list[_Financing]]:
    """A funder that only its name tells, and that is not of the whole country, is another one in another region."""
    if group[0].is_certain or all(financing.is_national for financing in group):
        yield list(group)
    else:
        yield from by_region(group)


def _cell_findings(group: Sequence[_Financing]) -> Iterator[Finding]:
    """A finding at each cell; certain where the funder has a SIRET or the amount is no round one."""
    first = group[0]
    is_certain = first.is_certain or first.cents % _ROUND_CENTS != 0
    contracts = contracts_of(group)
    for financing in group:
        others = [other for other in group if other is not financing]
        away = [contract for contract in contracts if contract.identifiant != financing.spot.contract.identifiant]
        yield finding(
            "financement-de-deux-contrats", financing.spot.place, champ="montant", valeur=euros(financing.cents),
            gravite=Severity.AVERTISSEMENT if is_certain else Severity.INFORMATION, liees=links(others),
            contrats=names_of(away), action=shortened(financing.words, 120), exercice=financing.exercice,
            montant=format_euros(financing.cents), compte=format_euros((len(contracts) - 1) * financing.cents),
        )  # fmt: skip
