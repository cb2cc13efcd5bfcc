"""Granted financements as the State's format of subsidies asks for them, and why some cannot be published yet.

A financement is granted when its amount is known: its state is « chiffré » and its amount above zero. What the deed
says of it (date, nature, payment) is in the table ``subventions``, one row a beneficiary. The funder is the only
partner that represents it, the beneficiary the one that the deed names or the only lead of the fiche; their SIRET are
those of the register. Format: https://schema.data.gouv.fr/scdl/subventions/
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from tabellion.checks.texts import looks_cut
from tabellion.contract.book import Locate
from tabellion.contract.workspace import Settings
from tabellion.findings import Finding, Place, finding
from tabellion.measures.financements import lineage
from tabellion.outputs.opendata import Standard
from tabellion.schema import FALSE_WORD, TRUE_WORD
from tabellion.schema.csv_text import shielded
from tabellion.schema.money import format_euros, plain_euros
from tabellion.schema.numbers import siret_fault
from tabellion.schema.tables import Row, Tables
from tabellion.wording import french_date, french_value

_PRICED, _LEAD = "chiffré", "porteur"
#: The format's own limit of the object; a longer proposition is cut at a word.
_LONGEST_OBJECT = 256
_CUT = " …"
#: A deed may come a little before the contract, and its money a while after.
_YEARS_BEFORE, _YEARS_AFTER = 1, 3
#: A finding shows this many of the last characters of a text.
_SHOWN_END = 30
_WHOLE = 100
#: What a whole number of per cent may have been rounded by.
_HALF = Fraction(1, 2)


@dataclass(frozen=True)
class Subsidies:
    """The rows that can be published, by field name; what was found; how many financements are granted."""

    rows: tuple[Mapping[str, str], ...]
    findings: tuple[Finding, ...]
    granted: int


@dataclass
class _Party:
    """A funder or a beneficiary: its name, its numbers, and what is missing of it."""

    name: str = ""
    siret: str = ""
    rna: str = ""
    faults: list[str] = field(default_factory=list)


def subsidies(tables: Tables, standard: Standard, locate: Locate, settings: Settings) -> Subsidies:
    """Make the rows of the format, and a finding for each that cannot be made yet, all its reasons at once.

    What is published and looks wrong is said too: a date far from the contract, an object that a mail merge has cut.
    """
    builder = _SubsidyBuilder(tables, standard, locate)
    made = [(grant, *builder.row(grant)) for grant in builder.grants()]
    unpublished = [builder.unpublished(grant, faults) for grant, _, faults in made if faults]
    granted = len({grant.financement["financement_id"] for grant, *_ in made if _is_granted(grant.financement)})
    rows = tuple(values for _, values, faults in made if not faults)
    doubts = [doubt for grant, _, faults in made if not faults for doubt in builder.doubts(grant, settings)]
    return Subsidies(rows, (*builder.siret_findings(), *unpublished, *dict.fromkeys(doubts)), granted)


@dataclass(frozen=True)
class _Grant:
    """One row to publish: the financement, its deed (empty, where there is none), where this stands, all shares."""

    financement: Row
    deed: Row
    place: Place
    shares: tuple[str | None, ...]


class _SubsidyBuilder:
    def __init__(self, tables: Tables, standard: Standard, locate: Locate) -> None:
        self.standard, self.locate = standard, locate
        rows = {name: tables[name].rows for name in (
            "collectivites", "financeurs", "partenaires", "fiches", "participations", "financements", "subventions",
        )}  # fmt: skip
        self.rows: Mapping[str, Sequence[Row]] = rows
        self.towns = {row["collectivite_id"]: row for row in rows["collectivites"]}
        self.funders = {row["financeur_id"]: row for row in rows["financeurs"]}
        self.partners = {row["partenaire_id"]: row for row in rows["partenaires"]}
        self.fiches: dict[str, Row] = {row["fiche_id"]: row for row in rows["fiches"]}
        #: The leads of each fiche, each once.
        self.leads: dict[str, dict[str, None]] = defaultdict(dict)
        for row in rows["participations"]:
            if row["role"] == _LEAD:
                self.leads[row["fiche_id"]][row["partenaire_id"]] = None

    def grants(self) -> Iterator[_Grant]:
        """What is to be published, in the order of the financements; a granted one without a deed is there too."""
        deeds: dict[str, list[tuple[int, Row]]] = defaultdict(list)
        for position, row in enumerate(self.rows["subventions"]):
            deeds[row["financement_id"]].append((position, row))
        dated = {lineage(row["financement_id"]) for row in self.rows["financements"] if row.get("exercice") is not None}
        for position, financement in enumerate(self.rows["financements"]):
            own = deeds.get(financement["financement_id"], [])
            shares = tuple(deed["part"] for _, deed in own)
            for rank, deed in own:
                yield _Grant(financement, deed, self.locate("subventions", rank, None), shares)
            # What was published for the whole contract is no grant any more once its exercices are known.
            is_outdone = financement.get("exercice") is None and lineage(financement["financement_id"]) in dated
            if not own and _is_granted(financement) and not is_outdone:
                yield _Grant(financement, {}, self.locate("financements", position, None), ())

    def row(self, grant: _Grant) -> tuple[dict[str, str], list[str]]:
        """The values of a row by field name, and what keeps it from being published."""
        financement, deed = grant.financement, grant.deed
        funder, beneficiary = self.funder(financement["financeur_id"]), self.beneficiary(grant)
        fiche: Row = self.fiches.get(financement["fiche_id"]) or {}
        share, share_fault = _share(grant)
        period, period_fault = _period(deed)
        notified = deed.get("notification_ue")
        values = {
            "nomAttribuant": funder.name,
            "idAttribuant": funder.siret,
            "dateConvention": _day(deed.get("date_convention")),
            "referenceDecision": deed.get("reference_decision") or "",
            "nomBeneficiaire": beneficiary.name,
            "idBeneficiaire": beneficiary.siret,
            "rnaBeneficiaire": beneficiary.rna,
            "objet": _object(fiche),
            "montant": plain_euros(financement["montant"]) if _is_granted(financement) else "",
            "nature": deed.get("nature") or "",
            "conditionsVersement": deed.get("conditions_versement") or "",
            "datesPeriodeVersement": period,
            "idRAE": deed.get("id_rae") or "",
            "notificationUE": "" if notified is None else TRUE_WORD if notified else FALSE_WORD,
            "pourcentageSubvention": share,
            "dispositifAide": deed.get("dispositif_aide") or "",
        }
        faults = [*funder.faults, *beneficiary.faults, *share_fault, *period_fault]
        explained = {
            "nomAttribuant": funder.faults, "idAttribuant": funder.faults, "nomBeneficiaire": beneficiary.faults,
            "pourcentageSubvention": share_fault, "datesPeriodeVersement": period_fault,
        }  # fmt: skip
        published = {column.name: values.get(column.name, "") for column in self.standard.fields}
        unexplained = (column for column in self.standard.fields if not explained.get(column.name))
        faults += [fault for column in unexplained if (fault := column.fault(published[column.name])) is not None]
        return published, faults

    def funder(self, key: str | None) -> _Party:
        if key is None:
            return _Party(faults=["financeur"])
        name = (self.funders.get(key) or {}).get("nom") or key
        partners = [row for row in self.rows["partenaires"] if row["financeur_id"] == key]
        if len(partners) != 1:
            why = "plusieurs partenaires le représentent" if partners else "aucun partenaire ne le représente"
            return _Party(name, faults=[f"SIRET du financeur {name} ({why})"])
        party = self.party(partners[0])
        if not party.siret:
            party.faults.append(f"SIRET du financeur {party.name}")
        return party

    def beneficiary(self, grant: _Grant) -> _Party:
        key = grant.deed.get("beneficiaire_id")
        if key is None:
            leads = list(self.leads.get(grant.financement["fiche_id"], ()))
            if len(leads) != 1:
                why = f"la fiche a {len(leads)} porteurs" if leads else "la fiche n'a pas de porteur"
                return _Party(faults=[f"bénéficiaire ({why})"])
            key = leads[0]
        if key not in self.partners:
            return _Party(faults=[f"bénéficiaire (« {key} » n'est pas un partenaire)"])
        party = self.party(self.partners[key])
        if not party.siret and not party.rna:
            party.faults.append(f"SIRET ou RNA du bénéficiaire {party.name}")
        return party

    def party(self, partner: Row) -> _Party:
        """A partner with its numbers; the SIRET of the collectivité that it represents comes first."""
        name = partner["nom"] or partner["partenaire_id"]
        town = self.towns.get(partner["collectivite_id"]) or {}
        siret = town.get("siret") or partner["siret"] or ""
        if siret and siret_fault(siret) is not None:
            return _Party(name, siret, faults=[f"SIRET de {name} (« {siret} » est faux)"])
        return _Party(name, siret, partner["rna"] or "")

    def siret_findings(self) -> Iterator[Finding]:
        """Every SIRET of the register that cannot be right, used or not, and those that contradict each other."""
        for table, key in (("collectivites", "collectivite_id"), ("partenaires", "partenaire_id")):
            for position, row in enumerate(self.rows[table]):
                siret = row["siret"]
                fault = siret_fault(siret) if siret else None
                if fault is not None:
                    place = self.locate(table, position, "siret")
                    nom = row["nom"] or row[key]
                    yield finding("siret-faux", place, champ="siret", valeur=siret, nom=nom, detail=fault)
        for position, row in enumerate(self.rows["partenaires"]):
            town = self.towns.get(row["collectivite_id"]) or {}
            if row["siret"] and town.get("siret") and row["siret"] != town["siret"]:
                place = self.locate("partenaires", position, "siret")
                yield finding(
                    "deux-siret", place, champ="siret", valeur=row["siret"], attendu=town["siret"], nom=row["nom"]
                )

    def doubts(self, grant: _Grant, settings: Settings) -> Iterator[Finding]:
        """What of a published row nobody may have meant."""
        first, last = settings.debut - _YEARS_BEFORE, settings.fin + _YEARS_AFTER
        for name in ("date_convention", "debut_versement", "fin_versement"):
            day = grant.deed.get(name)
            if day is not None and not first <= day.year <= last:
                yield finding(
                    "annee-hors-contrat", grant.place, champ=name, valeur=french_date(day), debut=settings.debut,
                    fin=settings.fin,
                )  # fmt: skip
        text = " ".join((self.fiches.get(grant.financement["fiche_id"], {}).get("proposition") or "").split())
        if looks_cut(text, settings.longueurs_publipostage):
            ending = text[-_SHOWN_END:]
            yield finding("texte-coupe", grant.place, champ="objet", valeur=ending, longueur=len(text))

    def unpublished(self, grant: _Grant, faults: list[str]) -> Finding:
        financement = grant.financement
        funder = (self.funders.get(financement["financeur_id"]) or {}).get("nom") or "sans financeur"
        cents = financement["montant"]
        return finding(
            "subvention-non-exportable",
            grant.place,
            valeur=financement["financement_id"],
            montant="sans montant" if cents is None else format_euros(cents),
            financeur=funder,
            manques=" ; ".join(dict.fromkeys(faults)),
        )


def _is_granted(financement: Row) -> bool:
    return financement["statut_montant"] == _PRICED and (financement["montant"] or 0) > 0


def _day(day: date | None) -> str:
    return "" if day is None else day.isoformat()


def _period(deed: Row) -> tuple[str, list[str]]:
    first, last = deed.get("debut_versement"), deed.get("fin_versement")
    if first is None and last is not None:
        return "", ["premier jour de la période de versement"]
    if first is not None and last is not None and last < first:
        return "", ["période de versement (elle finit avant de commencer)"]
    return (_day(first) if last is None or last == first else f"{_day(first)}/{_day(last)}"), []


def _share(grant: _Grant) -> tuple[str, list[str]]:
    """The beneficiary's share as a number from 0.01 to 1, as exact as it is said."""
    if not grant.deed or grant.shares == (None,):
        return "1.00", []
    if None in grant.shares:
        return "", ["part de chaque bénéficiaire"]
    parts = [_percents(share) for share in grant.shares if share is not None]
    total, rounding = (sum(numbers, Fraction(0)) for numbers in zip(*parts, strict=True))
    if abs(total - _WHOLE) > rounding:
        return "", [f"parts des bénéficiaires (elles font {french_value(round(float(total), 4))} % en tout)"]
    share, step = _percents(grant.deed["part"])
    return f"{float(share / _WHOLE):.{2 if step == _HALF else 6}f}".rstrip("0").ljust(4, "0"), []


def _percents(text: str) -> tuple[Fraction, Fraction]:
    """A share in per cent, and by how much at most it was rounded: « 33,33 » is a third as well as it can be said.

    A number under 1 is a part of 1: so a cell that shows a percentage holds it.
    """
    plain = text.replace(",", ".").rstrip("% \u00a0\u202f")
    if "/" in plain:
        part, _, whole = plain.partition("/")
        return Fraction(_WHOLE * int(part), int(whole) or 1), Fraction(0)
    share, step = Fraction(plain), _HALF / 10 ** len(plain.partition(".")[2])
    scale = _WHOLE if 0 < share < 1 else 1
    return share * scale, step * scale


def _object(fiche: Row) -> str:
    """What the fiche proposes to do, on one line and within the format's limit."""
    text = " ".join((fiche.get("proposition") or fiche.get("objectif") or "").split())
    longest = _LONGEST_OBJECT - (len(shielded(text)) - len(text))
    if len(text) <= longest:
        return text
    room = text[: longest - len(_CUT)]
    return (room.rpartition(" ")[0] or room).rstrip(" ,;:-–") + _CUT
