"""What is published, as values: the contract's tables put in the order of the document. Pure; amounts in cents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tabellion.contract.model import Contract
from tabellion.findings import Finding
from tabellion.layout.names import sheet_key
from tabellion.measures import (
    AMOUNTS,
    DETAIL,
    RECAP,
    SCOPE_ALL,
    SCOPE_CONVENTION,
    SCOPE_TOWN,
    Overview,
    Published,
    Step,
    Sums,
    Walk,
)
from tabellion.outputs.document.texts import Paragraph
from tabellion.schema import Field
from tabellion.schema.names import FUNDING_TABLES

Row = Mapping[str, Any]

#: Fields of a fiche that the document shows in their own way, or not at all: where a row comes from is no content.
_PLACED = (
    "fiche_id", "convention_id", "axe_id", "objectif", "ref_interministerielle", "priorite", "annee_priorite",
    "proposition", "echeance", "cpo", "porteurs", "partenaires_operationnels",
)  # fmt: skip
_ORIGIN = ("ligne_source", "reparation", "texte_source")


@dataclass(frozen=True)
class Town:
    """The lines of one collectivité (``None``: of none) in one convention."""

    town: str | None
    name: str
    sums: Sums
    published: Published | None
    lines: tuple[Row, ...]


@dataclass(frozen=True)
class Convention:
    """One convention: its number, its titles, and its fiches in the register's order."""

    number: int
    title: str
    short: str
    fiches: tuple[Row, ...]


@dataclass(frozen=True)
class Pilier:
    """One pilier and those of its conventions that are published."""

    key: str
    title: str
    conventions: tuple[Convention, ...]


@dataclass(frozen=True)
class Edition:
    """A contract to publish. The exercice is that of its settings.

    ``only`` are the numbers of the conventions to print (all when empty), ``texts`` the workspace's own paragraphs by
    name of file, ``findings`` the open ones, and ``origin`` says in words what the document was made from.
    """

    contract: Contract
    only: frozenset[int]
    texts: Mapping[str, Sequence[Paragraph]]
    findings: tuple[Finding, ...]
    origin: str

    @property
    def exercice(self) -> int:
        """The budget year."""
        return self.contract.settings.exercice

    @cached_property
    def overview(self) -> Overview:
        """The sums of the lines."""
        return self.contract.overview

    @cached_property
    def amounts(self) -> tuple[str, ...]:
        """The amounts that the lines of the exercice have; the last one is what the document adds up."""
        known = self.overview.known.get(self.exercice, {})
        return tuple(each for each in AMOUNTS if known.get(each)) or AMOUNTS[-1:]

    @cached_property
    def is_census(self) -> bool:
        """Whether published totals speak of this exercice and of what the document adds up."""
        return self.amounts[-1] == AMOUNTS[-1] and bool(
            self.contract.accounts.every_published(DETAIL, SCOPE_TOWN)
            or self.contract.accounts.every_published(RECAP, SCOPE_CONVENTION)
        )

    @cached_property
    def piliers(self) -> tuple[Pilier, ...]:
        """The piliers that have a convention to print; a convention of an unknown pilier comes last, under its key."""
        fiches: dict[int, list[Row]] = {}
        for row in self.contract.tables["fiches"].rows:
            fiches.setdefault(row["convention_id"], []).append(row)
        titles = {row["pilier_id"]: row["titre"] or "" for row in self.contract.tables["piliers"].rows}
        found: dict[str, list[Convention]] = {key: [] for key in titles}
        for row in self.contract.tables["conventions"].rows:
            number = row["convention_id"]
            if number is not None and (not self.only or number in self.only):
                title = row["titre"] or ""
                convention = Convention(number, title, row["titre_court"] or title, tuple(fiches.get(number, ())))
                found.setdefault(row["pilier_id"] or "", []).append(convention)
        return tuple(Pilier(key, titles.get(key, ""), tuple(each)) for key, each in found.items() if each)

    @property
    def conventions(self) -> Iterator[Convention]:
        """The conventions to print, in the document's order."""
        return (convention for pilier in self.piliers for convention in pilier.conventions)

    @cached_property
    def _lines(self) -> dict[int, dict[str | None, list[Row]]]:
        found: dict[int, dict[str | None, list[Row]]] = {}
        for row in self.contract.tables["lignes_budgetaires"].rows:
            if row["exercice"] == self.exercice:
                found.setdefault(row["convention_id"], {}).setdefault(row["collectivite_id"], []).append(row)
        return found

    def towns(self, convention: int) -> list[Town]:
        """The collectivités that have lines or a published subtotal in a convention, in the order of its lines."""
        accounts, lines = self.contract.accounts, self._lines.get(convention, {})
        printed = [each for each in accounts.towns if each not in lines and self.published_town(convention, each)]
        return [
            Town(
                town,
                self.town_name(town),
                self.overview.of(self.exercice, convention, town) if town is not None else _sums(lines[None]),
                self.published_town(convention, town),
                tuple(lines.get(town, ())),
            )
            for town in [*lines, *printed]
        ]

    def town_name(self, town: str | None) -> str:
        """What a collectivité is called."""
        return "Sans collectivité" if town is None else self.overview.towns.get(town, town)

    def published_town(self, convention: int, town: str | None) -> Published | None:
        """The subtotal printed in the convention itself, where the document has one."""
        return self.contract.accounts.published(DETAIL, SCOPE_TOWN, convention, town) if self.is_census else None

    def recap_town(self, convention: int, town: str | None) -> Published | None:
        """The subtotal printed in the recap."""
        return self.contract.accounts.published(RECAP, SCOPE_TOWN, convention, town) if self.is_census else None

    def recap_convention(self, convention: int | None) -> Published | None:
        """The total printed in the recap, of a convention or (``None``) of all."""
        if not self.is_census:
            return None
        scope = SCOPE_ALL if convention is None else SCOPE_CONVENTION
        return self.contract.accounts.published(RECAP, scope, convention)

    def total(self, convention: int | None = None) -> Sums:
        """The sums of a convention, or of all those printed."""
        if convention is None and self.only:
            return sum((self.overview.of(self.exercice, each.number) for each in self.conventions), Sums())
        return self.overview.of(self.exercice, convention)

    def shown_sum(self, sums: Sums) -> int:
        """Of sums, the amount that the document adds up."""
        return amount_of(sums, self.amounts[-1])

    @cached_property
    def axes(self) -> dict[str, str]:
        """The title of each axe."""
        return {row["axe_id"]: row["titre"] or "" for row in self.contract.tables["axes"].rows}

    @cached_property
    def transverse(self) -> tuple[Field, ...]:
        """The axes transversaux of a fiche: its yes-or-no fields but that of the CPO."""
        return tuple(each for each in self._fiche_fields if each.kind == "boolean" and each.name not in _PLACED)

    @cached_property
    def other_fields(self) -> tuple[Field, ...]:
        """The fields that a workspace added to its fiches."""
        known = {*_PLACED, *_ORIGIN, *(each.name for each in self.transverse)}
        return tuple(each for each in self._fiche_fields if each.name not in known)

    @property
    def _fiche_fields(self) -> Sequence[Field]:
        return self.contract.schemas["fiches"].fields

    def title_of(self, field: str) -> str:
        """What people read for a field of the fiches."""
        known = self.contract.schemas["fiches"].by_name.get(field)
        return field if known is None else known.title

    @cached_property
    def funders(self) -> dict[str, list[tuple[str, str]]]:
        """The financeurs (key, name) by category, in the register's order."""
        found: dict[str, list[tuple[str, str]]] = {}
        for row in self.contract.tables["financeurs"].rows:
            key = row["financeur_id"]
            found.setdefault(row["categorie"] or "autres", []).append((key, row["nom"] or key))
        return found

    @cached_property
    def financements(self) -> dict[str, list[Row]]:
        """The financements of each fiche."""
        return self._by_fiche("financements")

    @cached_property
    def funder_names(self) -> dict[str, str]:
        """The name of each financeur."""
        return {key: name for each in self.funders.values() for key, name in each}

    @cached_property
    def _plan_rows(self) -> tuple[dict[str, list[Row]], ...]:
        tables = self.contract.tables
        return tuple(self._by_fiche(name) if name in tables else {} for name in FUNDING_TABLES)

    def plan_rows(self, fiche: str) -> tuple[list[Row], list[Row]]:
        """The charges and the produits of a fiche in the exercice."""
        charges, produits = (
            [each for each in rows.get(fiche, ()) if each["exercice"] == self.exercice] for rows in self._plan_rows
        )
        return charges, produits

    @cached_property
    def suivis(self) -> dict[str, list[Row]]:
        """What partners said of each fiche's progress."""
        return self._by_fiche("suivis")

    def _by_fiche(self, table: str) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = {}
        for row in self.contract.tables[table].rows:
            found.setdefault(row["fiche_id"], []).append(row)
        return found

    @cached_property
    def partners(self) -> dict[str, str]:
        """The name of each partner."""
        rows = self.contract.tables["partenaires"].rows
        return {row["partenaire_id"]: row["nom"] or row["partenaire_id"] for row in rows}

    @cached_property
    def _participations(self) -> dict[str, list[Row]]:
        return self._by_fiche("participations")

    def participants(self, fiche: str, role: str) -> str:
        """The partners that have a role in a fiche, for one whose own text does not name them."""
        rows = [each for each in self._participations.get(fiche, ()) if each["role"] == role]
        return ", ".join(self.partners.get(each["partenaire_id"], each["partenaire_id"] or "") for each in rows)

    @property
    def walk(self) -> Walk:
        """From the published total to the recomputed one; the steps of every convention."""
        return self.contract.walk

    def is_told(self, step: Step) -> bool:
        """Whether a step speaks of what is printed."""
        return not self.only or step.convention in self.only

    @cached_property
    def told(self) -> tuple[Finding, ...]:
        """The open findings that speak of what is printed, the gravest first."""
        found = self.findings
        if self.only:
            keys = {sheet_key(letter, number) for letter in "CB" for number in self.only}
            found = tuple(each for each in found if (each.place.feuille or "").partition(" ")[0] in keys)
        return tuple(sorted(found, key=lambda each: (not each.bloquant, each.gravite)))

    @property
    def fiche_count(self) -> int:
        """How many fiches are printed."""
        return sum(len(each.fiches) for each in self.conventions)


def amount_of(sums: Sums, amount: str) -> int:
    """One of the three amounts of sums."""
    return {"montant_prevu": sums.prevu, "montant_vote": sums.vote, "montant_realise": sums.realise}[amount]


def _sums(rows: Sequence[Row]) -> Sums:
    prevu, vote, realise = (sum(row[each] or 0 for row in rows) for each in AMOUNTS)
    return Sums(prevu, vote, realise, len(rows))
