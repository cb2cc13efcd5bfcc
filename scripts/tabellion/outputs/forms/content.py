"""What a partner's form holds: its lines with the last known amounts, its fiches, its financements. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tabellion.contract.model import Contract
from tabellion.layout.forms import (
    ACTIONS_TABLE,
    BUDGET_TABLE,
    CHARGES_TABLE,
    FINANCEMENTS_TABLE,
    PRODUITS_TABLE,
    Form,
    FormIdentity,
    FormRow,
    TableSpec,
    form_id,
    values_sent,
)
from tabellion.measures.funding import OWN_FUNDS, SUBSIDY, charge_identifier, produit_identifier
from tabellion.schema import FUNDING_TABLES

Row = Mapping[str, Any]


def make_forms(contract: Contract, exercice: int, partners: Iterable[str] | None = None) -> list[Form]:
    """The forms of an exercice, one per partner of the register in its order (or only those in ``partners``)."""
    content = _Content(contract, exercice)
    wanted = None if partners is None else set(partners)
    return [content.form(row) for row in content.partners if wanted is None or row["partenaire_id"] in wanted]


class _Content:
    """The register's rows, sorted once for all partners."""

    def __init__(self, contract: Contract, exercice: int) -> None:
        self.contract, self.exercice = contract, exercice
        tables = contract.tables
        self.partners = tables["partenaires"].rows
        self.fiches = {row["fiche_id"]: row for row in tables["fiches"].rows}
        self.participations = _by(tables["participations"].rows, "partenaire_id")
        self.financements = tables["financements"].rows
        self.suivis = {
            (row["fiche_id"], row["partenaire_id"]): row for row in tables["suivis"].rows if row["exercice"] == exercice
        }
        self.plans = {
            name: _by([row for row in tables[name].rows if row["exercice"] == exercice], "fiche_id")
            for name in FUNDING_TABLES
            if name in tables
        }
        self.lines = _by(tables["lignes_budgetaires"].rows, "collectivite_id")

    def form(self, partner: Row) -> Form:
        identifier = partner["partenaire_id"]
        rows: dict[str, tuple[FormRow, ...]] = {}
        if partner["collectivite_id"] is not None:
            rows[BUDGET_TABLE.name] = self.budget(partner["collectivite_id"])
        taken = self.participations.get(identifier, [])
        if taken:
            rows[ACTIONS_TABLE.name] = self.actions(identifier, taken)
        leads = {row["fiche_id"] for row in taken if row["role"] == "porteur"}
        funded = self.funded(partner["financeur_id"], leads)
        if funded:
            rows[FINANCEMENTS_TABLE.name] = funded
        if leads and self.contract.settings.plan_de_financement:
            ordered = [fiche for fiche in dict.fromkeys(row["fiche_id"] for row in taken) if fiche in leads]
            rows[CHARGES_TABLE.name], rows[PRODUITS_TABLE.name] = self.charges(ordered), self.produits(ordered)
        contract = self.contract.settings.identifiant
        # A form written again from another state is another form: a return is compared with the one that was sent.
        state = repr([self.contract.adoption, *values_sent(rows)])
        name = form_id(contract, identifier, self.exercice, state)
        return Form(FormIdentity(contract, identifier, self.exercice, name), partner["nom"], rows)

    def charges(self, leads: Iterable[str]) -> tuple[FormRow, ...]:
        """Every heading of each fiche's charges, ready to fill; what the register holds of them is filled already."""
        headings = self.contract.schemas["plan_charges"].by_name["poste"].enum
        found = []
        for fiche in leads:
            known = self.plans["plan_charges"].get(fiche, [])
            ready = [
                {"fiche_id": fiche, "exercice": self.exercice, "poste": each}
                for each in headings
                if all(row["poste"] != each for row in known)
            ]
            rows = [*known, *(row | {"charge_id": charge_identifier(row)} for row in ready)]
            found += _sorted_rows(CHARGES_TABLE, rows, "poste", headings)
        return tuple(found)

    def produits(self, leads: Iterable[str]) -> tuple[FormRow, ...]:
        """A row for each funder of each fiche, one for the lead's own funds and one for contributions volontaires."""
        accounts = self.contract.schemas["plan_produits"].by_name["compte"].enum
        subsidy, own, voluntary = (
            next((each for each in accounts if each.startswith(sign)), None) for sign in (SUBSIDY, OWN_FUNDS, "87")
        )
        found = []
        for fiche in leads:
            known = self.plans["plan_produits"].get(fiche, [])
            funders = [row["financeur_id"] for row in self.financements if row["fiche_id"] == fiche]
            wanted = [(subsidy, each) for each in dict.fromkeys(funders) if each is not None]
            ready = [
                {"fiche_id": fiche, "exercice": self.exercice, "compte": account, "financeur_id": funder}
                for account, funder in (*wanted, (own, None), (voluntary, None))
                if account is not None
                and all((row["compte"], row["financeur_id"]) != (account, funder) for row in known)
            ]
            rows = [*known, *(row | {"produit_id": produit_identifier(row)} for row in ready)]
            found += _sorted_rows(PRODUITS_TABLE, rows, "compte", accounts)
        return tuple(found)

    def budget(self, town: str) -> tuple[FormRow, ...]:
        """One row per line: the last amount known before this exercice, and what is already known of this one."""
        by_line = _by(self.lines.get(town, []), "ligne_id")
        found = []
        for key, years in by_line.items():
            ordered = sorted(years, key=lambda row: row["exercice"])
            now = next((row for row in ordered if row["exercice"] == self.exercice), None)
            past = [row for row in ordered if row["exercice"] < self.exercice]
            known = now or (past[-1] if past else None)
            if known is None:  # a line that only began later
                continue
            priced = [row for row in past if _last_amount(row) is not None] or past
            values: dict[str, Any] = {
                "convention_id": known["convention_id"],
                "libelle": known["libelle"],
                "last_year": priced[-1]["exercice"] if priced else None,
                "last_amount": _last_amount(priced[-1]) if priced else None,
                "ligne_id": key,
            }
            for name in ("montant_prevu", "montant_vote", "montant_realise", "commentaire"):
                values[name] = now[name] if now is not None else None
            found.append(FormRow(key, values))
        return tuple(found)

    def actions(self, partner: str, taken: list[Row]) -> tuple[FormRow, ...]:
        """One row per fiche that the partner leads or takes part in; leading wins when it does both."""
        roles: dict[str, str] = {}
        for row in taken:
            if roles.get(row["fiche_id"]) != "porteur":
                roles[row["fiche_id"]] = row["role"]
        found = []
        for fiche, role in roles.items():
            known, said = self.fiches.get(fiche, {}), self.suivis.get((fiche, partner), {})
            values: dict[str, Any] = {
                "fiche_id": fiche,
                "role": role,
                "objectif": known.get("objectif"),
                "proposition": known.get("proposition"),
                "key": fiche,
            }
            for name in ("avancement", "pourcentage", "date_bilan", "montant_engage", "commentaire"):
                values[name] = said.get(name)
            found.append(FormRow(fiche, values))
        return tuple(found)

    def funded(self, funder: str | None, leads: set[str]) -> tuple[FormRow, ...]:
        """The financements where the partner is the funder, or whose fiche it leads."""
        names = (
            "fiche_id",
            "financeur_id",
            "dispositif",
            "statut_montant",
            "montant",
            "montant_texte",
            "financement_id",
        )
        return tuple(
            FormRow(row["financement_id"], {name: row[name] for name in names})
            for row in self.financements
            if (funder is not None and row["financeur_id"] == funder) or row["fiche_id"] in leads
        )


def _sorted_rows(table: TableSpec, rows: list[Row], heading: str, headings: Sequence[str]) -> list[FormRow]:
    """The rows of one fiche in the order of the headings, as a form shows them; no two with one identifier."""
    names = [each.name for each in table.columns if each.field is not None]
    rank = {each: place for place, each in enumerate(headings)}
    ordered = sorted(rows, key=lambda row: rank.get(row[heading], len(rank)))
    unique = {row[table.key.name]: row for row in reversed(ordered)}
    return [FormRow(key, {name: row.get(name) for name in names}) for key, row in reversed(unique.items())]


def _by(rows: Iterable[Row], name: str) -> dict[Any, list[Row]]:
    found: dict[Any, list[Row]] = {}
    for row in rows:
        found.setdefault(row[name], []).append(row)
    return found


def _last_amount(row: Row) -> int | None:
    """The amount that says most of a past exercice: spent, else voted, else planned."""
    return next(
        (row[name] for name in ("montant_realise", "montant_vote", "montant_prevu") if row[name] is not None), None
    )
