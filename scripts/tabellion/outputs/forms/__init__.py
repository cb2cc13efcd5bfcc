"""The forms that partners fill: the rows of each table that concern one, with what is known of them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from tabellion.contract.book import Book
from tabellion.layout.forms import Form, FormIdentity, FormRow, form_id, values_sent
from tabellion.measures import AMOUNTS
from tabellion.measures.financements import lineage, of_exercice
from tabellion.measures.form_totals import LAST, last_known
from tabellion.measures.funding import OWN_FUNDS, SUBSIDY, VOLUNTARY, charge_identifier, produit_identifier
from tabellion.schema import FUNDING_TABLES
from tabellion.schema.forms import Role, TableSpec
from tabellion.schema.table import Value
from tabellion.schema.tables import Row, grouped


def make_forms(contract: Book, exercice: int, partners: Iterable[str] | None = None) -> list[Form]:
    """The forms of an exercice, one per partner of the register in its order (or only those in ``partners``)."""
    content = _RegisterRows(contract, exercice)
    wanted = None if partners is None else set(partners)
    return [content.form(row) for row in content.partners if wanted is None or row["partenaire_id"] in wanted]


@dataclass(frozen=True)
class _Partner:
    """A partner, the participations that it has, and the fiches that it leads, in their order."""

    identifier: str
    town: str | None
    funder: str | None
    participations: Sequence[Row]
    leads: Collection[str]


class _RegisterRows:
    """The register's rows, sorted once for all partners."""

    def __init__(self, contract: Book, exercice: int) -> None:
        self.contract, self.exercice, self.schemas = contract, exercice, contract.schemas
        tables = contract.tables
        self.partners = tables["partenaires"].rows
        self.participations = grouped(tables["participations"].rows, "partenaire_id")
        self.financements = tables["financements"].rows
        self.suivis: dict[tuple[Value, Value], list[Row]] = {}
        for row in sorted(tables["suivis"].rows, key=lambda row: row["exercice"] or 0):
            self.suivis.setdefault((row["fiche_id"], row["partenaire_id"]), []).append(row)
        self.plans = {
            name: grouped([row for row in tables[name].rows if row["exercice"] == exercice], "fiche_id")
            for name in FUNDING_TABLES
            if name in tables
        }
        self.lines = grouped(tables["lignes_budgetaires"].rows, "collectivite_id")
        self.linked: dict[str, dict[Value, Row]] = {}

    def form(self, partner: Row) -> Form:
        identifier, contract = partner["partenaire_id"], self.contract.settings.identifiant
        participations = self.participations.get(identifier, [])
        leads = dict.fromkeys(row["fiche_id"] for row in participations if row["role"] == "porteur")
        recipient = _Partner(identifier, partner["collectivite_id"], partner["financeur_id"], participations, leads)
        asked = [(table, _SOURCES[table.source](self, table, recipient)) for table in self.schemas.forms]
        rows = {table.name: tuple(made) for table, made in asked if made is not None}
        # A form written again from another state is another form: a return is compared with the one that was sent.
        state = repr([self.contract.adoption, *values_sent(rows)])
        name = form_id(contract, identifier, self.exercice, state)
        identity = FormIdentity(contract, identifier, self.exercice, name)
        return Form(identity, partner["nom"], tuple(table for table, made in asked if made is not None), rows)

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
        rank = {account: place for place, account in enumerate(headings)}
        made = []
        for fiche in partner.leads:
            known = self.plans[table.resource].get(fiche, [])
            named = {(row[heading], row.get("financeur_id")) for row in known}
            ready = [
                {"fiche_id": fiche, "exercice": self.exercice, heading: account, "financeur_id": funder}
                for account, funder in wanted(fiche)
                if account is not None and (account, funder) not in named
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
        for years in grouped(self.lines.get(partner.town, []), "ligne_id").values():
            ordered = sorted(years, key=lambda row: row["exercice"])
            now = next((row for row in ordered if row["exercice"] == self.exercice), None)
            past = [row for row in ordered if row["exercice"] < self.exercice]
            known = now or (past[-1] if past else None)
            if known is None:  # a line that only began later
                continue
            answered = (row for row in reversed(past) if last_known(row, AMOUNTS) is not None)
            last = next(answered, past[-1] if past else {})
            more = {"last_year": last.get("exercice"), LAST: last_known(last, AMOUNTS)}
            carried = {name: known.get(name) for name in table.carried_fields}
            values = self.values(table, known, now or carried, **more)
            made.append(FormRow(known["ligne_id"], values))
        return made

    def actions(self, table: TableSpec, partner: _Partner) -> list[FormRow] | None:
        """One row per fiche that the partner leads or takes part in; leading wins when it does both."""
        made = []
        for fiche, role in {row["fiche_id"]: row["role"] for row in partner.participations}.items():
            known = {"fiche_id": fiche, "partenaire_id": partner.identifier, "exercice": self.exercice}
            years = self.suivis.get((fiche, partner.identifier), [])
            answered = next((row for row in years if row["exercice"] == self.exercice), {})
            last = [row["avancement"] for row in years if (row["exercice"] or 0) < self.exercice]
            more = {
                "role": "porteur" if fiche in partner.leads else role, table.key.name: fiche,
                "last_progress": last[-1] if last else None,
            }  # fmt: skip
            made.append(FormRow(fiche, self.values(table, {**answered, **known}, answered, **more)))
        return made or None

    def funded(self, table: TableSpec, partner: _Partner) -> list[FormRow] | None:
        """The financements where the partner is the funder, or whose fiche it leads, as they are in the exercice.

        One that the register has for another exercice only is sent as a row of this one, to be answered: with what is
        known of the latest before it. One that only began later is left out.
        """
        own = [
            row
            for row in self.financements
            if (partner.funder and row["financeur_id"] == partner.funder) or row["fiche_id"] in partner.leads
        ]
        made = []
        for years in _by_financement(own):
            ordered = sorted(years, key=lambda row: row.get("exercice") or 0)
            past = [row for row in ordered if (row.get("exercice") or 0) < self.exercice]
            now = next((row for row in ordered if row.get("exercice") == self.exercice), None)
            known = now or (past[-1] if past else None)
            if known is None:
                continue
            last = past[-1] if past else {}
            carried = {name: known.get(name) for name in table.carried_fields}
            key = known["financement_id"] if now else of_exercice(known["financement_id"], self.exercice)
            more = {
                table.key.name: key, "last_year": last.get("exercice"), LAST: last.get("montant"),
                "last_status": last.get("statut_montant"), "last_text": known.get("montant_texte"),
            }  # fmt: skip
            made.append(FormRow(key, self.values(table, known, now or carried, **more)))
        return made or None

    def values(self, table: TableSpec, known: Row, answered: Row | None = None, **more: Value) -> dict[str, Value]:
        """What a row shows and has been answered, by column: of the ``known`` row, of linked rows, and ``more``.

        Where the answers are those of another row, ``answered``, they come after all the rest.
        """
        columns = sorted(table.columns, key=lambda column: answered is not None and column.role is Role.TYPED)
        values: dict[str, Value] = {}
        for column in columns:
            if column.linked is not None:
                key, name = column.linked
                values[column.name] = self.linked_row(table.resource, key, known.get(key)).get(name)
            elif column.name in more:
                values[column.name] = more[column.name]
            elif column.field is not None:
                row = answered if answered is not None and column.role is Role.TYPED else known
                values[column.name] = row.get(column.field)
        return values

    def linked_row(self, resource: str, key: str, value: Value) -> Row:
        """The row of another table that a foreign key leads to; empty where there is none."""
        foreign = self.schemas[resource].foreign[key]
        if foreign.table not in self.linked:
            rows = self.contract.tables[foreign.table].rows
            self.linked[foreign.table] = {row[foreign.reference]: row for row in rows}
        return self.linked[foreign.table].get(value, {})


#: The rows of each :data:`tabellion.schema.forms.SOURCES`, ``None`` where they do not concern the partner.
_SOURCES: Mapping[str, Callable[[_RegisterRows, TableSpec, _Partner], list[FormRow] | None]] = {
    "celles de la collectivité": _RegisterRows.budget,
    "une par fiche portée ou suivie": _RegisterRows.actions,
    "celles du financeur et des fiches portées": _RegisterRows.funded,
    "une par poste des fiches portées": _RegisterRows.charges,
    "une par financeur des fiches portées": _RegisterRows.produits,
}


def _by_financement(rows: Iterable[Row]) -> Iterable[list[Row]]:
    """The rows of each financement, of all exercices."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(lineage(row["financement_id"]), []).append(row)
    return groups.values()
