"""Granted financements as the State's format of subsidies asks for them, and why some cannot be published yet.

A financement is granted when its amount is known: its state is « chiffré » and its amount above zero. What the deed
says of it (date, nature, payment) is in the table ``subventions``, one row a beneficiary. The funder is the only
partner that represents it, the beneficiary the one that the deed names or the only lead of the fiche; their SIRET are
those of the register. Format: https://schema.data.gouv.fr/scdl/subventions/
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tabellion.findings import Finding, Place, finding
from tabellion.outputs.opendata.safety import safe_text
from tabellion.outputs.opendata.siret import siret_fault
from tabellion.outputs.opendata.standard import Standard
from tabellion.schema import FALSE_WORD, TRUE_WORD
from tabellion.schema.money import format_euros, plain_euros
from tabellion.schema.tables import Tables

Row = Mapping[str, Any]
#: Where the row at a zero-based position of a table stands, and one of its fields.
Locate = Callable[[str, int, str | None], Place]

_PRICED, _LEAD = "chiffré", "porteur"
#: The format's own limit of the object; a longer proposition is cut at a word.
_LONGEST_OBJECT = 256
_CUT = " …"
_WHOLE = 100


@dataclass(frozen=True)
class Subsidies:
    """The rows that can be published, by field name; what was found; how many financements are granted."""

    rows: tuple[Mapping[str, str], ...]
    findings: tuple[Finding, ...]
    granted: int


@dataclass
class _Side:
    """A funder or a beneficiary: its name, its numbers, and what is missing of it."""

    name: str = ""
    siret: str = ""
    rna: str = ""
    faults: list[str] = field(default_factory=list)


def subsidies(tables: Tables, standard: Standard, locate: Locate) -> Subsidies:
    """Make the rows of the format, and a finding for each that cannot be made yet, all its reasons at once."""
    maker = _Maker(tables, standard, locate)
    rows: list[Mapping[str, str]] = []
    findings = list(maker.wrong_sirets())
    for deed in maker.deeds():
        values, faults = maker.row(deed)
        if faults:
            findings.append(maker.left_out(deed, faults))
        else:
            rows.append(values)
    return Subsidies(tuple(rows), tuple(findings), maker.granted)


@dataclass(frozen=True)
class _Deed:
    """One row to publish: the financement, what its deed says (nothing, where there is none), where this stands."""

    financement: Row
    said: Row
    place: Place
    shares: tuple[int | None, ...]


class _Maker:
    def __init__(self, tables: Tables, standard: Standard, locate: Locate) -> None:
        self.standard, self.locate = standard, locate
        rows = {name: tables[name].rows for name in (
            "collectivites", "financeurs", "partenaires", "fiches", "participations", "financements", "subventions",
        )}  # fmt: skip
        self.rows: Mapping[str, Sequence[Mapping[str, Any]]] = rows
        self.towns = {row["collectivite_id"]: row for row in rows["collectivites"]}
        self.funders = {row["financeur_id"]: row for row in rows["financeurs"]}
        self.partners = {row["partenaire_id"]: row for row in rows["partenaires"]}
        self.fiches: dict[str, Row] = {row["fiche_id"]: row for row in rows["fiches"]}

    @property
    def granted(self) -> int:
        return sum(map(_is_granted, self.rows["financements"]))

    @cached_property
    def leads(self) -> dict[str, list[str]]:
        """The leads of each fiche."""
        found: dict[str, list[str]] = defaultdict(list)
        for row in self.rows["participations"]:
            if row["role"] == _LEAD and row["partenaire_id"] not in found[row["fiche_id"]]:
                found[row["fiche_id"]].append(row["partenaire_id"])
        return found

    def deeds(self) -> Iterator[_Deed]:
        """What is to be published, in the order of the financements; a granted one without a deed is there too."""
        said: dict[str, list[tuple[int, Row]]] = defaultdict(list)
        for position, row in enumerate(self.rows["subventions"]):
            said[row["financement_id"]].append((position, row))
        for position, financement in enumerate(self.rows["financements"]):
            found = said.get(financement["financement_id"], [])
            shares = tuple(deed["part"] for _, deed in found)
            for rank, deed in found:
                yield _Deed(financement, deed, self.locate("subventions", rank, None), shares)
            if not found and _is_granted(financement):
                yield _Deed(financement, {}, self.locate("financements", position, None), ())

    def row(self, deed: _Deed) -> tuple[dict[str, str], list[str]]:
        """The values of a row by field name, and what keeps it from being published."""
        financement, said = deed.financement, deed.said
        funder, beneficiary = self.funder(financement["financeur_id"]), self.beneficiary(deed)
        fiche: Row = self.fiches.get(financement["fiche_id"]) or {}
        share, share_fault = _share(deed)
        period, period_fault = _period(said)
        notified = said.get("notification_ue")
        values = {
            "nomAttribuant": funder.name,
            "idAttribuant": funder.siret,
            "dateConvention": _day(said.get("date_convention")),
            "referenceDecision": said.get("reference_decision") or "",
            "nomBeneficiaire": beneficiary.name,
            "idBeneficiaire": beneficiary.siret,
            "rnaBeneficiaire": beneficiary.rna,
            "objet": _object(fiche),
            "montant": plain_euros(financement["montant"]) if _is_granted(financement) else "",
            "nature": said.get("nature") or "",
            "conditionsVersement": said.get("conditions_versement") or "",
            "datesPeriodeVersement": period,
            "idRAE": said.get("id_rae") or "",
            "notificationUE": "" if notified is None else TRUE_WORD if notified else FALSE_WORD,
            "pourcentageSubvention": share,
            "dispositifAide": said.get("dispositif_aide") or "",
        }
        faults = [*funder.faults, *beneficiary.faults, *share_fault, *period_fault]
        explained = {
            "nomAttribuant": funder.faults, "idAttribuant": funder.faults, "nomBeneficiaire": beneficiary.faults,
            "pourcentageSubvention": share_fault, "datesPeriodeVersement": period_fault,
        }  # fmt: skip
        for each in self.standard.fields:
            fault = each.fault(values.get(each.name, ""))
            if fault is not None and not explained.get(each.name):
                faults.append(fault)
        return {each.name: values.get(each.name, "") for each in self.standard.fields}, faults

    def funder(self, key: str | None) -> _Side:
        """The partner that represents a funder."""
        if key is None:
            return _Side(faults=["financeur"])
        name = (self.funders.get(key) or {}).get("nom") or key
        found = [row for row in self.rows["partenaires"] if row["financeur_id"] == key]
        if len(found) != 1:
            why = "plusieurs partenaires le représentent" if found else "aucun partenaire ne le représente"
            return _Side(name, faults=[f"SIRET du financeur {name} ({why})"])
        side = self.side(found[0])
        if not side.siret:
            side.faults.append(f"SIRET du financeur {side.name}")
        return side

    def beneficiary(self, deed: _Deed) -> _Side:
        """The partner that receives the subsidy."""
        key = deed.said.get("beneficiaire_id")
        if key is None:
            leads = self.leads.get(deed.financement["fiche_id"], [])
            if len(leads) != 1:
                why = f"la fiche a {len(leads)} porteurs" if leads else "la fiche n'a pas de porteur"
                return _Side(faults=[f"bénéficiaire ({why})"])
            key = leads[0]
        if key not in self.partners:
            return _Side(faults=[f"bénéficiaire (« {key} » n'est pas un partenaire)"])
        side = self.side(self.partners[key])
        if not side.siret and not side.rna:
            side.faults.append(f"SIRET ou RNA du bénéficiaire {side.name}")
        return side

    def side(self, partner: Row) -> _Side:
        """A partner with its numbers; the SIRET of the collectivité that it represents comes first."""
        name = partner["nom"] or partner["partenaire_id"]
        town = self.towns.get(partner["collectivite_id"]) or {}
        siret = town.get("siret") or partner["siret"] or ""
        if siret and siret_fault(siret) is not None:
            return _Side(name, siret, faults=[f"SIRET de {name} (« {siret} » est faux)"])
        return _Side(name, siret, partner["rna"] or "")

    def wrong_sirets(self) -> Iterator[Finding]:
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

    def left_out(self, deed: _Deed, faults: list[str]) -> Finding:
        """The finding of a row that is not published yet."""
        financement = deed.financement
        funder = (self.funders.get(financement["financeur_id"]) or {}).get("nom") or "sans financeur"
        cents = financement["montant"]
        return finding(
            "subvention-non-exportable",
            deed.place,
            valeur=financement["financement_id"],
            montant="sans montant" if cents is None else format_euros(cents),
            financeur=funder,
            manques=" ; ".join(dict.fromkeys(faults)),
        )


def _is_granted(financement: Row) -> bool:
    return financement["statut_montant"] == _PRICED and (financement["montant"] or 0) > 0


def _day(day: Any) -> str:
    return "" if day is None else str(day.isoformat())


def _period(said: Row) -> tuple[str, list[str]]:
    """The day, or the two days, of the payment."""
    first, last = said.get("debut_versement"), said.get("fin_versement")
    if first is None and last is not None:
        return "", ["premier jour de la période de versement"]
    if first is not None and last is not None and last < first:
        return "", ["période de versement (elle finit avant de commencer)"]
    return (_day(first) if last is None or last == first else f"{_day(first)}/{_day(last)}"), []


def _share(deed: _Deed) -> tuple[str, list[str]]:
    """The beneficiary's share as a number from 0.01 to 1."""
    if not deed.said or deed.shares == (None,):
        return "1.00", []
    if None in deed.shares:
        return "", ["part de chaque bénéficiaire"]
    total = sum(each or 0 for each in deed.shares)
    if total != _WHOLE:
        return "", [f"parts des bénéficiaires (elles font {total} % en tout)"]
    return f"{deed.said['part'] / _WHOLE:.2f}", []


def _object(fiche: Row) -> str:
    """What the fiche proposes to do, on one line and within the format's limit."""
    text = " ".join((fiche.get("proposition") or fiche.get("objectif") or "").split())
    longest = _LONGEST_OBJECT - (len(safe_text(text)) - len(text))
    if len(text) <= longest:
        return text
    room = text[: longest - len(_CUT)]
    return (room.rpartition(" ")[0] or room).rstrip(" ,;:-–") + _CUT
