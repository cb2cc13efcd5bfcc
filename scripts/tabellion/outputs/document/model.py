"""What is published: a contract, the part of it that is printed, and its tables in the order of the document."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tabellion.contract.book import Book
from tabellion.findings import Finding
from tabellion.layout.names import sheet_key
from tabellion.measures import (
    AMOUNTS,
    DETAIL,
    RECAP,
    SCOPE_CONVENTION,
    SCOPE_TOWN,
    Published,
    Sums,
    WalkStep,
)
from tabellion.outputs.document.texts import Paragraph
from tabellion.schema import Field
from tabellion.schema.money import format_euros
from tabellion.schema.names import FUNDING_TABLES
from tabellion.schema.tables import Row

#: What the template names, by its French name there.
Values = dict[str, object]
NO_BREAK = "\u00a0"
#: Word takes no longer names of bookmarks.
_LONGEST_BOOKMARK = 40


@dataclass(frozen=True)
class Convention:
    """One convention: its number, its titles, and its fiches in the register's order."""

    number: int
    title: str
    short: str
    fiches: tuple[Row, ...]

    @property
    def heading(self) -> str:
        """``3 – Santé``."""
        return f"{self.number} – {self.title}"


@dataclass(frozen=True)
class Pilier:
    """One pilier and those of its conventions that are published."""

    key: str
    title: str
    conventions: tuple[Convention, ...]

    @property
    def heading(self) -> str:
        """``I – Conventions thématiques « cohésion sociale »``."""
        return f"{self.key} – Conventions thématiques «\u00a0{self.title}\u00a0»" if self.title else self.key


@dataclass(frozen=True)
class DocumentModel:
    """A contract to publish. The exercice is that of its settings; amounts are cents.

    ``only`` are the numbers of the conventions to print (all when empty), ``texts`` the workspace's own paragraphs by
    name of file, ``findings`` the open ones, and ``origin`` says in words what the document was made from.
    """

    contract: Book
    only: frozenset[int]
    texts: Mapping[str, Sequence[Paragraph]]
    findings: tuple[Finding, ...]
    origin: str

    @property
    def exercice(self) -> int:
        """The budget year."""
        return self.contract.settings.exercice

    @cached_property
    def amounts(self) -> tuple[str, ...]:
        """The amounts that the lines of the exercice have; the last one is what the document adds up."""
        known = self.contract.overview.known.get(self.exercice, {})
        return tuple(name for name in AMOUNTS if known.get(name)) or AMOUNTS[-1:]

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
        fiches = self._grouped("fiches", "convention_id")
        titles = {row["pilier_id"]: row["titre"] or "" for row in self.contract.tables["piliers"].rows}
        conventions: dict[str, list[Convention]] = {key: [] for key in titles}
        for row in self.contract.tables["conventions"].rows:
            number = row["convention_id"]
            if number is not None and (not self.only or number in self.only):
                title = row["titre"] or ""
                convention = Convention(number, title, row["titre_court"] or title, tuple(fiches.get(number, ())))
                conventions.setdefault(row["pilier_id"] or "", []).append(convention)
        return tuple(Pilier(key, titles.get(key, ""), tuple(group)) for key, group in conventions.items() if group)

    @property
    def conventions(self) -> Iterator[Convention]:
        """The conventions to print, in the document's order."""
        return (convention for pilier in self.piliers for convention in pilier.conventions)

    @property
    def fiche_count(self) -> int:
        """How many fiches are printed."""
        return sum(len(convention.fiches) for convention in self.conventions)

    # Budgets

    @cached_property
    def _lines(self) -> dict[int, dict[str | None, list[Row]]]:
        lines: dict[int, dict[str | None, list[Row]]] = {}
        for row in self.contract.tables["lignes_budgetaires"].rows:
            if row["exercice"] == self.exercice:
                lines.setdefault(row["convention_id"], {}).setdefault(row["collectivite_id"], []).append(row)
        return lines

    def towns(self, convention: int) -> dict[str | None, tuple[Sums, list[Row]]]:
        """The sums and lines of each collectivité that has lines or a published subtotal in a convention.

        They are in the order of the lines; those of no collectivité are under ``None``.
        """
        lines = self._lines.get(convention, {})
        towns = [*lines, *(town for town in self.contract.accounts.towns if town not in lines)]
        return {
            town: (self._town_sums(convention, town), lines.get(town, []))
            for town in towns
            if town in lines or self.published(DETAIL, SCOPE_TOWN, convention, town)
        }

    def _town_sums(self, convention: int, town: str | None) -> Sums:
        if town is not None:
            return self.contract.overview.of(self.exercice, convention, town)
        lines = self._lines[convention][None]
        prevu, vote, realise = (sum(row[name] or 0 for row in lines) for name in AMOUNTS)
        return Sums(prevu, vote, realise, len(lines))

    def town_name(self, town: str | None) -> str:
        """What a collectivité is called."""
        return "Sans collectivité" if town is None else self.contract.overview.towns.get(town, town)

    def published(
        self, source: str, scope: str, convention: int | None = None, town: str | None = None
    ) -> Published | None:
        """A total that the original document printed, in a convention (``DETAIL``) or in its recap (``RECAP``)."""
        return self.contract.accounts.published(source, scope, convention, town) if self.is_census else None

    def total(self, convention: int | None = None) -> Sums:
        """The sums of a convention, or of all those printed."""
        overview = self.contract.overview
        if convention is None and self.only:
            return sum((overview.of(self.exercice, convention.number) for convention in self.conventions), Sums())
        return overview.of(self.exercice, convention)

    # Fiches

    @cached_property
    def axes(self) -> dict[str, str]:
        """The title of each axe."""
        return {row["axe_id"]: row["titre"] or "" for row in self.contract.tables["axes"].rows}

    @cached_property
    def funders(self) -> dict[str, list[tuple[str, str]]]:
        """The financeurs (key, name) by category, in the register's order."""
        funders: dict[str, list[tuple[str, str]]] = {}
        for row in self.contract.tables["financeurs"].rows:
            key = row["financeur_id"]
            funders.setdefault(row["categorie"] or "autres", []).append((key, row["nom"] or key))
        return funders

    @cached_property
    def funder_names(self) -> dict[str, str]:
        """The name of each financeur."""
        return {key: name for funders in self.funders.values() for key, name in funders}

    @cached_property
    def partners(self) -> dict[str, str]:
        """The name of each partner."""
        rows = self.contract.tables["partenaires"].rows
        return {row["partenaire_id"]: row["nom"] or row["partenaire_id"] for row in rows}

    @cached_property
    def _of_fiches(self) -> dict[str, dict[Any, list[Row]]]:
        return {
            table: self._grouped(table, "fiche_id")
            for table in ("financements", "suivis", "participations", *FUNDING_TABLES)
            if table in self.contract.tables
        }

    def of_fiche(self, table: str, fiche: str) -> list[Row]:
        """The rows of a table that speak of a fiche; none for a table that the contract does not have."""
        return self._of_fiches.get(table, {}).get(fiche, [])

    def _grouped(self, table: str, key: str) -> dict[Any, list[Row]]:
        groups: dict[Any, list[Row]] = {}
        for row in self.contract.tables[table].rows:
            groups.setdefault(row[key], []).append(row)
        return groups

    def fields(self, table: str) -> list[Field]:
        """The fields of a table, in the order of the layout where it gives one."""
        schema = self.contract.schemas[table]
        order = dict.fromkeys([*self.contract.theme.orders.get(table, ()), *schema.names])
        return [schema.by_name[name] for name in order]

    # Annexes

    def is_printed(self, step: WalkStep) -> bool:
        """Whether a step from the published total to the recomputed one speaks of what is printed."""
        return not self.only or step.convention in self.only

    @cached_property
    def printed_findings(self) -> tuple[Finding, ...]:
        """The open findings that speak of what is printed, the gravest first."""
        findings = self.findings
        if self.only:
            keys = {sheet_key(letter, number) for letter in "CB" for number in self.only}
            findings = tuple(finding for finding in findings if (finding.place.feuille or "").partition(" ")[0] in keys)
        return tuple(sorted(findings, key=lambda finding: (not finding.bloquant, finding.gravite)))


def amount_of(sums: Sums, amount: str) -> int:
    """One of the three amounts of sums."""
    return {"montant_prevu": sums.prevu, "montant_vote": sums.vote, "montant_realise": sums.realise}[amount]


def money(cents: int | None) -> str:
    """An amount as it is printed; nothing for a blank one."""
    return "" if cents is None else format_euros(cents)


def box(ticked: bool) -> str:
    """A box, and the space that holds it to its words."""
    return ("☒" if ticked else "☐") + NO_BREAK


def bookmark_name(kind: str, key: str | int) -> str:
    """A bookmark's name, made of the signs that Word allows there: letters, digits and underscores.

    Other signs become their code, so that two keys never have one name; a very long key is cut to a digest.
    """
    name = f"{kind}_" + "".join(sign if sign.isascii() and sign.isalnum() else f"_{ord(sign):x}_" for sign in str(key))
    if len(name) <= _LONGEST_BOOKMARK:
        return name
    return f"{kind}_{hashlib.sha256(str(key).encode('utf-8', 'replace')).hexdigest()[:24]}"
