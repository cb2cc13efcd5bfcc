"""Exports of administrations (SCDL, Dauphin, GISPRO, Osiris, Chorus, Subventia …) as financements and subventions.

They are known by their columns, not by their names. A dossier is of the fiche that it names, else of the one that staff
choose.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from tabellion.importing.blocks import ForeignTable
from tabellion.importing.correspondence_book import Correspondence, Topic
from tabellion.importing.foreign_fiches import yes_or_no
from tabellion.importing.funders import funder_identifier
from tabellion.importing.lines import LineAccount, Record, key, short_slug, similarity, unique
from tabellion.importing.names import Quarters
from tabellion.importing.records import SheetRecord, TotalRecord
from tabellion.importing.tables import ImportedTables
from tabellion.importing.words import Certainty, category_of
from tabellion.measures.financements import of_exercice
from tabellion.measures.funding import produit_identifier
from tabellion.reading.raw import RawValue
from tabellion.schema import Field
from tabellion.schema.money import euros, format_euros
from tabellion.schema.numbers import siret_fault
from tabellion.schema.typed import Outcome, make_typed, read_typed
from tabellion.wording import plural

_DAY = Field("jour", "date", "Jour", "")
_NEAR = 0.8
_LISTED = 5
_STATE = "Etat"
"""Who pays, where an export of the State's software names nobody."""
_NATURES = ("aide en numéraire", "aide en nature", "aide en numéraire;aide en nature")
_REFERENCES = ("reference_decision", "dossier", "ej")
_CODES = ("dossier", "ej", "beneficiaire_siret", "attribuant_siret")
_SIRET_LENGTH = 14
_ACCOUNT = "74 Subventions"
"""The account of the plan de financement that grants are of."""
_STEPS = ("montant_demande", "montant_accorde", "montant_verse")
_USED = "utilisée : subvention"


@dataclass
class _Dossier:
    """One decision under construction: its rows, and what is paid or granted in cents."""

    records: list[SheetRecord]
    reference: str
    exercice: int | None
    cents: int

    @property
    def first(self) -> SheetRecord:
        return self.records[0]

    def text(self, champ: str) -> str:
        return next((text for record in self.records if (text := record.get(champ))), "")


@dataclass
class GrantReader:
    """The financements and subventions of one import, under construction; ``known`` is what the contract says."""

    account: LineAccount
    correspondence: Correspondence
    quarters: Quarters
    known: ImportedTables
    tables: ImportedTables = field(default_factory=lambda: defaultdict(list))
    _ids: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._ids |= {row["financement_id"] for row in self.known.get("financements", [])}
        money = {row["financement_id"]: row for row in self.known.get("financements", [])}
        self._same = {
            (row["reference_decision"], paid["fiche_id"], paid["exercice"]): row["financement_id"]
            for row in self.known.get("subventions", [])
            if row["reference_decision"] and (paid := money.get(row["financement_id"])) is not None
        }

    def learn(self, tables: ImportedTables) -> None:
        """Learn the fiches and partners that the same import read elsewhere."""
        for name in ("fiches", "partenaires", "financeurs"):
            self.known[name] = [*self.known.get(name, []), *tables.get(name, [])]
        fiches = self.known["fiches"]
        self._numbers = {key(row["fiche_id"]): str(row["fiche_id"]) for row in fiches}
        named = "|".join(map(re.escape, sorted(self._numbers, key=len, reverse=True)))
        self._inside = re.compile(rf"(?<![\w./])(?:{named})(?![\w/])" if named else r"(?!)")
        self._titles = [
            (str(row["fiche_id"]), set(key(text).split()), text)
            for row in fiches
            for champ in ("proposition", "objectif")
            if (text := row[champ])
        ]
        self._partners = _index(self.known["partenaires"])
        self._partner_ids = {row["partenaire_id"] for row in self.known["partenaires"]}

    def add(self, table: ForeignTable, records: Sequence[SheetRecord]) -> None:
        """Add the rows of one export; rows of one dossier are one subvention, payments are added up."""
        self._complete_codes(table, records)
        left = list[_Dossier]()
        for grant in self._grants(records):
            fiche = self._fiche(grant, table)
            if fiche is None:
                left.append(grant)
            else:
                self._write(grant, fiche)
            for record in grant.records:
                self.account.use(record.ligne, _USED if fiche else "non placée", fiche or grant.reference)
        if left:
            listed = [f"« {_label(grant)} »" for grant in left[:_LISTED]]
            self.account.say(
                "subvention-sans-fiche", left[0].first.ligne, valeur=plural(len(left), "dossier"),
                somme=format_euros(sum(grant.cents for grant in left)),
                liste=", ".join(listed) + (" …" if len(left) > _LISTED else ""),
                liees=[grant.first.ligne for grant in left[1:]],
            )  # fmt: skip

    def _grants(self, records: Iterable[SheetRecord]) -> Iterator[_Dossier]:
        """The decisions of the rows, in order. Rows without an amount, and refused ones, are entered and left out."""
        grants = dict[tuple[str, ...], _Dossier]()
        for record in records:
            if isinstance(record, TotalRecord):
                self.account.use(record.ligne, "ignorée : total", record.label)
                continue
            paid = _amount(record, "montant_verse")
            granted = _amount(record, "montant")
            cents = paid if granted is None else granted
            if cents is None:
                self.account.use(record.ligne, "ignorée : aucune somme accordée ni versée")
                continue
            reference = next((text for champ in _REFERENCES if (text := record.get(champ))), "")
            year = self._exercice(record)
            beneficiary = record.get("beneficiaire_siret") or record.get("beneficiaire")
            place = (key(reference), str(year), key(beneficiary), "" if reference else f"{cents}{record.ligne}")
            same = grants.get(place)
            if same is None:
                grants[place] = _Dossier([record], reference, year, cents)
            else:
                same.records.append(record)
                if granted is None:  # a payment in several rows; what is granted is repeated, not added
                    same.cents += cents
                elif cents != same.cents:
                    self.account.say(
                        "dossier-deux-montants", record.ligne, champ="montant", valeur=euros(cents),
                        attendu=euros(same.cents), dossier=reference, liees=[same.first.ligne],
                    )  # fmt: skip
        yield from grants.values()

    @staticmethod
    def _exercice(record: SheetRecord) -> int | None:
        own = record.get("exercice")[:4]
        day = day_of(_raw(record, "date_convention"))
        return int(own) if own.isdigit() else day.year if day else record.year

    def _complete_codes(self, table: ForeignTable, records: Sequence[SheetRecord]) -> None:
        """Give back the zeros that a spreadsheet took from the head of codes: a SIRET has 14 digits, others as most."""
        for champ in _CODES:
            texts = [value for record in records if isinstance(value := _raw(record, champ), str)]
            lengths = Counter(len(text.strip()) for text in texts if text.strip().isdigit())
            usual = _SIRET_LENGTH if champ.endswith("siret") else lengths.most_common(1)[0][0] if lengths else 0
            done = list[SheetRecord]()
            for record in records:
                code = record.get(champ).replace(" ", "")
                if code.isdigit():
                    whole = code.zfill(usual) if isinstance(_raw(record, champ), int | float) else code
                    if champ.endswith("siret") and siret_fault(whole) is not None:
                        whole = code
                    if whole != code:
                        done.append(record)
                    record.texts[champ] = whole
            if done:
                title = table.column(champ)
                self.account.say(
                    "zeros-rendus", done[0].ligne, champ=champ, valeur=plural(len(done), "code"),
                    titre=title.title if title else champ, exemple=done[0].get(champ),
                    liees=[record.ligne for record in done[1:]],
                )  # fmt: skip

    # Whose it is

    def _fiche(self, grant: _Dossier, table: ForeignTable) -> str | None:
        """The fiche of a dossier: that which it names, that which its title resembles, that which staff say."""
        named = self._numbers.get(key(grant.text("fiche_id")))
        text = key(" ".join(grant.text(champ) for champ in (*_REFERENCES, "objet")))
        if named is None:
            inside = {self._numbers[match[0]] for match in self._inside.finditer(text)}
            named = inside.pop() if len(inside) == 1 else None
        if named is not None:
            return str(named)
        best, near = self._nearest(grant.text("objet"))
        certainty = Certainty.LIKELY if near >= _NEAR else Certainty.UNKNOWN
        where = ", ".join(filter(None, (table.grid.fichier, table.grid.feuille)))
        samples = (grant.text("beneficiaire"), format_euros(grant.cents), str(grant.exercice or ""))
        fiche = self.correspondence.ask(
            Topic.DOSSIERS, _label(grant), best if near >= _NEAR else None, certainty, where=where,
            samples=tuple(filter(None, samples)),
        )  # fmt: skip
        return self._numbers.get(key(fiche))

    def _nearest(self, objet: str) -> tuple[str, float]:
        """The fiche whose action or objectif a title resembles most, and how much: of those that share its words."""
        words = set(key(objet).split())
        best, near = "", 0.0
        for numero, own, text in self._titles:
            if len(words & own) * 2 >= max(len(words), len(own)) and (score := similarity(objet, text)) > near:
                best, near = numero, score
        return best, near

    def _funder(self, grant: _Dossier) -> str:
        """The financeur of a dossier, learnt where it is new: the State where its software names nobody."""
        nom = grant.text("attribuant") or _STATE
        rows = [*self.known.get("financeurs", []), *self.tables["financeurs"]]
        wanted = key(nom)
        partner = next((row for row in rows if key(row["nom"]) == wanted), None)
        partner = partner or next((row for row in rows if wanted.startswith(key(row["nom"]) + " ")), None)
        partner = partner or next((row for row in rows if similarity(row["nom"], nom) >= _NEAR), None)
        if partner is None:
            taken = {row["financeur_id"] for row in rows}
            partner = {"financeur_id": unique(funder_identifier(nom), taken), "nom": nom, "categorie": category_of(nom)}
            self.tables["financeurs"].append(partner)
        return str(partner["financeur_id"])

    def _beneficiary(self, grant: _Dossier) -> str | None:
        """The partner who gets a subvention, by its SIRET, else by its name; learnt where it is new."""
        nom, siret, rna = (grant.text(champ) for champ in ("beneficiaire", "beneficiaire_siret", "beneficiaire_rna"))
        partner = self._partners.get(siret) or self._partners.get(key(nom))
        valid = siret if siret and siret_fault(siret) is None else None
        if partner is None:
            if not nom:
                return None
            identifier = unique(short_slug(nom), self._partner_ids)
            partner = {
                "partenaire_id": identifier,
                "nom": nom,
                **dict.fromkeys(("collectivite_id", "financeur_id", "courriel")),
            }
            partner |= {"siret": valid, "rna": rna if re.fullmatch(r"W\d{9}", rna) else None}
            self.tables["partenaires"].append(partner)
            self._partners |= _index([partner])
        elif valid and not partner["siret"]:
            self.tables["partenaires"].append(dict(partner) | {"siret": valid})
        return str(partner["partenaire_id"])

    def _write(self, grant: _Dossier, fiche: str) -> None:
        """The financement and the subvention of a dossier; one that is known already keeps its identifier."""
        funder = self._funder(grant)
        name = self._same.get((grant.reference, fiche, grant.exercice), "")
        if not name:
            base, rank = f"{fiche}:{funder}", 1
            while (name := of_exercice(base, grant.exercice)) in self._ids:
                rank += 1
                base = f"{fiche}:{funder}-{rank}"
            self._ids.add(name)
        period = re.split(r"[/_]| - ", grant.text("periode_versement"))
        days = [day_of(text.strip()) for text in (*period, "")[:2]]
        nature = next(
            (nature for nature in _NATURES if key(nature) == key(grant.text("nature").replace(" ;", ";"))), None
        )
        self.tables["financements"].append({
            "financement_id": name, "fiche_id": fiche, "financeur_id": funder, "exercice": grant.exercice,
            "dispositif": grant.text("dispositif") or None, "montant": grant.cents, "statut_montant": "chiffré",
            "montant_texte": None, "ligne_source": grant.first.ligne, "reparation": None, "texte_source": None,
            **({"quartiers": self.quarters.named(text)} if (text := grant.text("quartiers")) else {}),
        })  # fmt: skip
        self._plan(grant, fiche, funder)
        self.tables["subventions"].append({
            "subvention_id": name, "financement_id": name, "beneficiaire_id": self._beneficiary(grant),
            "part": grant.text("part") or None, "date_convention": day_of(_raw(grant.first, "date_convention")),
            "reference_decision": grant.reference or None, "nature": nature,
            "conditions_versement": grant.text("conditions_versement")[:256] or None, "debut_versement": days[0],
            "fin_versement": days[1], "notification_ue": yes_or_no(grant.text("notification_ue")),
            "id_rae": grant.text("id_rae")[:5] or None, "dispositif_aide": None,
        })  # fmt: skip

    def _plan(self, grant: _Dossier, fiche: str, funder: str) -> None:
        """What is asked and paid goes to the fiche's plan de financement, with what is granted: one row a funder."""
        asked, paid = _sum(grant, "montant_demande"), _sum(grant, "montant_verse")
        if asked is None and paid is None:
            return
        granted = _amount(grant.first, "montant")
        row: Record = {"fiche_id": fiche, "exercice": grant.exercice, "compte": _ACCOUNT, "financeur_id": funder}
        name = produit_identifier(row)
        same = next((table for table in self.tables["plan_produits"] if table["produit_id"] == name), None)
        if same is None:
            amounts = dict.fromkeys(_STEPS, None)
            same = {**row, **amounts, "commentaire": None, "produit_id": name}
            self.tables["plan_produits"].append(same)
        for champ, cents in zip(_STEPS, (asked, granted, paid), strict=True):
            if cents is not None:
                same[champ] = (same[champ] or 0) + cents


def _index(rows: Iterable[Record]) -> dict[str, Record]:
    """Partners by their names and by their SIRET."""
    partners = dict[str, Record]()
    for row in rows:
        partners.setdefault(key(row["nom"]), row)
        if row["siret"]:
            partners.setdefault(row["siret"], row)
    return partners


def _sum(grant: _Dossier, champ: str) -> int | None:
    """What the rows of a dossier add up to; ``None`` where none has an amount."""
    known = [cents for record in grant.records if (cents := _amount(record, champ)) is not None]
    return sum(known) if known else None


def day_of(value: RawValue) -> date | None:
    """The day that a cell says, as forms understand days; ``None`` where it says none."""
    if value is None or value == "":
        return None
    rule, reading = read_typed(make_typed(value, _DAY))
    understood = rule.outcome in (Outcome.PRIS, Outcome.COMPRIS)
    return reading.value if understood and isinstance(reading.value, date) else None


def _raw(record: SheetRecord, champ: str) -> RawValue:
    if champ not in record.places:
        return None
    row, column = record.places[champ]
    return record.grid.rows[row][column]


def _amount(record: SheetRecord, champ: str) -> int | None:
    return next((cents for (name, _), cents in record.amounts.items() if name == champ and cents is not None), None)


def _label(grant: _Dossier) -> str:
    """What a dossier is called in the sheet: its reference, else its beneficiary, and its title."""
    return " – ".join(filter(None, (grant.reference or grant.text("beneficiaire"), grant.text("objet"))))[:200]
