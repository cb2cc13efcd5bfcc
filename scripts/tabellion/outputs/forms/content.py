"""What a partner's form holds: the rows of each table that concern it, with what is known of them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tabellion.contract.book import Book
from tabellion.layout.forms import Form, FormIdentity, FormRow, form_id, values_sent
from tabellion.measures import AMOUNTS
from tabellion.measures.funding import OWN_FUNDS, SUBSIDY, VOLUNTARY, charge_identifier, produit_identifier
from tabellion.schema import FUNDING_TABLES
from tabellion.schema.forms import Role, TableSpec
from tabellion.schema.tables import Row


def make_forms(contract: Book, exercice: int, partners: Iterable[str] | None = None) -> list[Form]:
    """The forms of an exercice, one per partner of the register in its order (or only those in ``partners``)."""
    content = _Content(contract, exercice)
    wanted = None if partners is None else set(partners)
    return [content.form(row) for row in content.partners if wanted is None or row["partenaire_id"] in wanted]


@dataclass(frozen=True)
class _Partner:
    """A partner, the participations that it has, and the fiches that it leads, in their order."""

    identifier: str
    town: str | None
    funder: str | None
    participations: Sequence[Row]

    @property
    def leads(self) -> list[str]:
        return list(dict.fromkeys(row["fiche_id"] for row in self.participations if row["role"] == "porteur"))


class _Content:
    """The register's rows, sorted once for all partners."""

    def __init__(self, contract: Book, exercice: int) -> None:
        self.contract, self.exercice, self.schemas = contract, exercice, contract.schemas
        tables = contract.tables
        self.partners = tables["partenaires"].rows
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
        self.linked: dict[str, dict[Any, Row]] = {}

    def form(self, partner: Row) -> Form:
        identifier = partner["partenaire_id"]
        who = _Partner(
            identifier, partner["collectivite_id"], partner["financeur_id"], self.participations.get(identifier, [])
        )
        found = [(table, _SOURCES[table.source](self, table, who)) for table in self.schemas.forms]
        rows = {table.name: tuple(made) for table, made in found if made is not None}
        contract = self.contract.settings.identifiant
        # A form written again from another state is another form: a return is compared with the one that was sent.
        state = repr([self.contract.adoption, *values_sent(rows)])
        name = form_id(contract, identifier, self.exercice, state)
        identity = FormIdentity(contract, identifier, self.exercice, name)
        return Form(identity, partner["nom"], tuple(table for table, made in found if made is not None), rows)

    def charges(self, table: TableSpec, partner: _Partner) -> list[FormRow] | None:
        """Every heading of each fiche's charges, ready to fill; what the register holds of them is filled already."""
        headings = self.schemas["plan_charges"].by_name["poste"].enum
        wanted = [(heading, None) for heading in headings]
        return self.plan(table, partner, "poste", headings, charge_identifier, lambda _: wanted)

    def produits(self, table: TableSpec, partner: _Partner) -> list[FormRow] | None:
        """A row for each funder of each fiche, one for the lead's own funds and one for contributions volontaires."""
        accounts = self.schemas["plan_produits"].by_name["compte"].enum
        signs = (SUBSIDY, OWN_FUNDS, VOLUNTARY[1])
        subsidy, own, voluntary = (
            next((account for account in accounts if account.startswith(sign)), None) for sign in signs
        )

        def wanted(fiche: str) -> Iterable[tuple[str | None, str | None]]:
            funders = [row["financeur_id"] for row in self.financements if row["fiche_id"] == fiche]
            named = [(subsidy, fromkey) for fromkey in dict.fromkeys(funders) if fromkey is not None]
            return (*named, (own, None), (voluntary, None))

        return self.plan(table, partner, "compte", accounts, produit_identifier, wanted)

    def plan(
        self,
        table: TableSpec,
        partner: _Partner,
        heading: str,
        headings: Sequence[str],
        identifier: Callable[[Row], str],
        wanted: Callable[[str], Iterable[tuple[str | None, str | None]]],
    ) -> list[FormRow] | None:
        """One side of the plans of the fiches that the partner leads: known rows, and one for each other (heading,
        funder) ``wanted``, in the order of the headings; no two with one identifier."""
        if not partner.leads or not self.contract.settings.plan_de_financement:
            return None
        rank = {each: place for place, each in enumerate(headings)}
        made = []
        for fiche in partner.leads:
            known = self.plans[table.resource].get(fiche, [])
            there = {(row[heading], row.get("financeur_id")) for row in known}
            ready = [
                {"fiche_id": fiche, "exercice": self.exercice, heading: account, "financeur_id": funder}
                for account, funder in wanted(fiche)
                if account is not None and (account, funder) not in there
            ]
            rows = [*known, *(row | {table.key.name: identifier(row)} for row in ready)]
            ordered = sorted(rows, key=lambda row: rank.get(row[heading], len(rank)))
            unique = {row[table.key.name]: row for row in reversed(ordered)}
            made += [FormRow(key, self.values(table, row)) for key, row in reversed(unique.items())]
        return made

    def budget(self, table: TableSpec, partner: _Partner) -> list[FormRow] | None:
        """One row per line: the last amount known before this exercice, and what is already known of this one."""
        if partner.town is None:
            return None
        made = []
        for key, years in _by(self.lines.get(partner.town, []), "ligne_id").items():
            ordered = sorted(years, key=lambda row: row["exercice"])
            now = next((row for row in ordered if row["exercice"] == self.exercice), None)
            past = [row for row in ordered if row["exercice"] < self.exercice]
            known = now or (past[-1] if past else None)
            if known is None:  # a line that only began later
                continue
            last = next((row for row in reversed(past) if _last_amount(row) is not None), past[-1] if past else None)
            more = {"last_year": last and last["exercice"], "last_amount": last and _last_amount(last)}
            made.append(FormRow(key, self.values(table, known, now or {}, **more)))
        return made

    def actions(self, table: TableSpec, partner: _Partner) -> list[FormRow] | None:
        """One row per fiche that the partner leads or takes part in; leading wins when it does both."""
        leads = set(partner.leads)
        made = []
        for fiche, role in {row["fiche_id"]: row["role"] for row in partner.participations}.items():
            known = {"fiche_id": fiche, "partenaire_id": partner.identifier, "exercice": self.exercice}
            said = self.suivis.get((fiche, partner.identifier), {})
            more = {"role": "porteur" if fiche in leads else role, table.key.name: fiche}
            made.append(FormRow(fiche, self.values(table, {**said, **known}, said, **more)))
        return made or None

    def funded(self, table: TableSpec, partner: _Partner) -> list[FormRow] | None:
        """The financements where the partner is the funder, or whose fiche it leads."""
        leads = set(partner.leads)
        return [
            FormRow(row["financement_id"], self.values(table, row))
            for row in self.financements
            if (partner.funder is not None and row["financeur_id"] == partner.funder) or row["fiche_id"] in leads
        ] or None

    def values(
        self, table: TableSpec, known: Mapping[str, Any], said: Row | None = None, **more: Any
    ) -> dict[str, Any]:
        """What a row shows and has been answered, by column: of the ``known`` row, of linked rows, and ``more``.

        Where the answers are those of another row, ``said``, they come after all the rest.
        """
        columns = sorted(table.columns, key=lambda column: said is not None and column.role is Role.TYPED)
        values: dict[str, Any] = {}
        for column in columns:
            if column.linked is not None:
                key, name = column.linked
                values[column.name] = self.linked_row(table.resource, key, known.get(key)).get(name)
            elif column.name in more:
                values[column.name] = more[column.name]
            elif column.field is not None:
                row = said if said is not None and column.role is Role.TYPED else known
                values[column.name] = row.get(column.field)
        return values

    def linked_row(self, resource: str, key: str, value: Any) -> Row:
        """The row of another table that a foreign key leads to; empty where there is none."""
        foreign = self.schemas[resource].foreign[key]
        if foreign.table not in self.linked:
            rows = self.contract.tables[foreign.table].rows
            self.linked[foreign.table] = {row[foreign.reference]: row for row in rows}
        return self.linked[foreign.table].get(value, {})


#: The rows of each :data:`tabellion.layout.form_tables.SOURCES`, ``None`` where they do not concern the partner.
_SOURCES: Mapping[str, Callable[[_Content, TableSpec, _Partner], list[FormRow] | None]] = {
    "celles de la collectivité": _Content.budget,
    "une par fiche portée ou suivie": _Content.actions,
    "celles du financeur et des fiches portées": _Content.funded,
    "une par poste des fiches portées": _Content.charges,
    "une par financeur des fiches portées": _Content.produits,
}


def _by(rows: Iterable[Row], name: str) -> dict[Any, list[Row]]:
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        groups.setdefault(row[name], []).append(row)
    return groups


def _last_amount(row: Row) -> int | None:
    """The amount that says most of a past exercice: spent, else voted, else planned."""
    return next((row[name] for name in reversed(AMOUNTS) if row[name] is not None), None)
