"""The funding rows of one fiche: each ticked funder with its dispositif and its amount."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tabellion.contract.partner_names import SEPARATORS, listed_towns, looks_like_name
from tabellion.findings import Severity
from tabellion.importing.cells import TickBox, find_amounts, parse_amount
from tabellion.importing.fiche import Fiche
from tabellion.importing.funders import (
    SHORT_ID,
    STATUSES,
    BoxText,
    DocumentFunder,
    FunderRow,
    match_boxes,
    resolve,
    roles,
)
from tabellion.importing.lines import Record, fold_chars, key, short_slug, unique
from tabellion.importing.recap import Collectivites

_UNIT_PRICE = re.compile(r"\s*(?:/|par\b)")


def amount_state(text: str | None) -> tuple[int | None, str]:
    """The cents that an amount text states, and its state among the schema's.

    The amount is given only by exactly one figure in euros; a price per head or per year is not one.
    """
    if not text:
        return None, "non renseigné"
    whole = parse_amount(text)
    if whole is not None:
        return whole, "chiffré"
    amounts, folded = find_amounts(text), fold_chars(text)
    if len(amounts) == 1 and not _UNIT_PRICE.match(folded[amounts[0].end :]):
        return amounts[0].cents, "chiffré"
    states = [name for name, pattern in STATUSES if not amounts and pattern.search(folded)]
    return None, states[0] if states else "autre"


def _say(fiche: Fiche, code: str, ligne: int, champ: str, valeur: str | None, **words: Any) -> None:
    """Add a finding at a line of the fiche, which it names."""
    fiche.account.say(code, ligne, champ=champ, valeur=valeur, fiche=fiche.row["fiche_id"], **words)


class FinancingReader:
    """Reads the funding rows of the fiches, against the funders that all fiches share (``funders``, which may grow)."""

    def __init__(self, funders: list[DocumentFunder]) -> None:
        self.listed = funders
        self.funders = list(funders)
        self.taken: set[str] = set()

    def read(self, fiche: Fiche, rows: list[FunderRow]) -> list[Record]:
        """The rows of ``financements`` of one fiche. Its identifier must be settled."""
        rows = resolve(rows, self.listed)
        boxes = [box for row in rows for box in row.boxes]
        funder_of = dict(zip(map(id, boxes), self._funders(fiche, boxes), strict=True))
        by_row = [
            [self._new(fiche, box.ligne, funder_of[id(box)], box) for box in row.boxes if box.ticked] for row in rows
        ]
        ticked = [entry for entries in by_row for entry in entries]
        loose: list[Record] = []
        for row, entries in zip(rows, by_row, strict=True):
            _cut_extras(fiche, row)
            if not any(roles(row)):
                continue
            source = " | ".join(dict.fromkeys(_cell(fiche, value.ligne, value.colonne) for value in row.values))
            for entry in entries:
                _fill(fiche, entry, row, source)
            if len(entries) > 1:
                for entry in entries:
                    entry["montant"] = None
                    if entry["statut_montant"] == "chiffré":
                        entry["statut_montant"] = "autre"
                _say(fiche, "texte-partage", row.ligne, "montant", source[:500], nombre=len(entries))
            elif not entries and len(ticked) == 1:
                _fill(fiche, ticked[0], row, source)
                _repair(ticked[0], "texte sur une autre ligne", source)
                financeur = ticked[0]["financeur_id"]
                _say(fiche, "texte-deplace", row.ligne, "dispositif", source[:500], financeur=financeur)
            elif not entries:
                loose.append(self._new(fiche, row.ligne))
                _fill(fiche, loose[-1], row, source)
                _say(fiche, "financement-sans-coche", row.ligne, "financeur_id", source[:500], nombre=len(ticked))
        for entry in ticked:
            if not (entry["dispositif"] or entry["montant_texte"]):
                nom = next(funder.nom for funder in self.funders if funder.financeur_id == entry["financeur_id"])
                _say(fiche, "financement-sans-detail", entry["ligne_source"], "dispositif", nom)
        return [*ticked, *loose]

    def _funders(self, fiche: Fiche, boxes: list[TickBox]) -> list[DocumentFunder | None]:
        """The funder of each box, with a finding for each label that is not the usual one."""
        funders: list[DocumentFunder | None] = []
        present: set[int] = set()
        champ = "financeur_id"
        for box, (funder, how) in zip(boxes, match_boxes(boxes, self.listed), strict=True):
            ligne, libelle = box.ligne, box.libelle
            if funder is None:
                gravite: Severity | None = Severity.AVERTISSEMENT if box.ticked else Severity.INFORMATION
                _say(fiche, "financeur-inconnu", ligne, champ, libelle, gravite=gravite)
            elif how in {"near", "rang"}:
                gravite = Severity.AVERTISSEMENT if how == "rang" else None
                _say(fiche, "financeur-variante", ligne, champ, libelle, attendu=funder.libelle, gravite=gravite)
            if box.typed:
                _say(fiche, "coche-tapee", ligne, champ, box.source, obtenu=libelle)
            if box.rejoined:
                _say(fiche, "financeur-recolle", ligne, champ, box.source, obtenu=libelle)
            if box.doubtful:
                _say(fiche, "coche-douteuse", ligne, champ, libelle)
            if funder is not None:
                if funder.rang in present:
                    _say(fiche, "case-repetee", ligne, champ, libelle)
                present.add(funder.rang)
            elif box.ticked and libelle:
                funder = self._unknown(libelle)
            funders.append(funder)
        absent = [funder.nom for funder in self.listed if funder.rang not in present]
        if absent:
            _say(fiche, "case-absente", fiche.ligne, champ, ", ".join(absent), nombre=len(absent))
        return funders

    def _unknown(self, libelle: str) -> DocumentFunder:
        """A funder of its own for a ticked label that the lists do not have."""
        for funder in self.funders[len(self.listed) :]:
            if key(funder.libelle) == key(libelle):
                return funder
        identifier = unique(short_slug(libelle, SHORT_ID), {funder.financeur_id for funder in self.funders})
        categorie = self.listed[-1].categorie if self.listed else "privé"
        self.funders.append(DocumentFunder(len(self.funders), identifier, libelle[:120], libelle, categorie))
        return self.funders[-1]

    def _new(
        self, fiche: Fiche, ligne: int, funder: DocumentFunder | None = None, box: TickBox | None = None
    ) -> Record:
        """A row of ``financements`` without texts yet: of a ticked box, or of none."""
        numero = fiche.row["fiche_id"]
        financeur = funder.financeur_id if funder else None
        entry: Record = {
            "financement_id": unique(f"{numero}:{financeur or 'sans-financeur'}", self.taken), "fiche_id": numero,
            "financeur_id": financeur, "exercice": None, "dispositif": None, "montant": None,
            "statut_montant": "non renseigné", "montant_texte": None, "ligne_source": ligne, "reparation": None,
            "texte_source": None,
        }  # fmt: skip
        if box is not None and box.typed:
            _repair(entry, "coche tapée", _cell(fiche, box.ligne, box.colonne))
        return entry


def _fill(fiche: Fiche, entry: Record, row: FunderRow, source: str) -> None:
    """Add the row's texts to those of a financing; ``source`` is the row's cells as found."""
    dispositif, montant = roles(row)
    entry["dispositif"] = " ".join(filter(None, (entry["dispositif"], dispositif))) or None
    texte = entry["montant_texte"] = " ".join(filter(None, (entry["montant_texte"], montant))) or None
    entry["montant"], entry["statut_montant"] = amount_state(texte)
    if any(value.glued for value in row.values):
        _repair(entry, "en-tête collé", source)
        words = {"dispositif": entry["dispositif"] or "(vide)", "montant": texte or "(vide)"}
        _say(fiche, "en-tete-colle", row.ligne, "dispositif", source[:500], **words)
    if entry["statut_montant"] == "autre":
        _say(fiche, "montant-a-preciser", row.ligne, "montant", texte)


def _cut_extras(fiche: Fiche, row: FunderRow) -> None:
    """Put the texts glued after a label with the row's: each is a precision of its funder."""
    for box in row.boxes:
        if box.extra:
            row.values.insert(0, BoxText(row.ligne, box.colonne, box.extra, "dispositif", glued=True))
            _say(fiche, "texte-colle-au-financeur", row.ligne, "financeur_id", f"{box.libelle} {box.extra}")


def _repair(entry: Record, repair: str, source: str) -> None:
    """Note a repair of a financing, and the text as it was found."""
    done = (entry["reparation"] or "").split(" ; ")
    if repair not in done:
        entry["reparation"] = " ; ".join(filter(None, (*done, repair)))
    before = entry["texte_source"]
    if before is None:
        entry["texte_source"] = source
    elif source not in before:
        entry["texte_source"] = f"{before} / {source}"


def _cell(fiche: Fiche, ligne: int, colonne: int) -> str:
    """A cell of the fiche as found; ``colonne`` is 0-based."""
    cells = next((line.cells for line in fiche.layout.lines if line.numero == ligne), ())
    return cells[colonne] if colonne < len(cells) else ""


Who = Callable[[str, list[str], Fiche, str], list[str]]
"""Whom a partner's name stands for (nobody, one or several): given the names known so far, the fiche and its field."""

_LONGEST_PARTNER = 255
_LISTED = re.compile(rf"{SEPARATORS.pattern}|\s*,\s+")
_ROLES = (("porteurs", "porteur"), ("partenaires_operationnels", "opérationnel"))


class Partners:
    """The partners of a document, one per name (case and accents apart), and who takes part in which fiche.

    The collectivités come first, then the funders ticked on a fiche, each of which answers for its ``financements``.
    """

    def __init__(
        self,
        collectivites: Collectivites,
        funders: list[DocumentFunder],
        financements: list[Record],
        who: Who | None = None,
    ) -> None:
        self.collectivites, self.who = collectivites, who
        self.funders = {key(funder.nom): funder.financeur_id for funder in funders}
        self.rows: dict[str, Record] = {}
        self.participations: dict[tuple[str, str, str], Record] = {}
        self._taken: set[str] = set()
        for known, nom in collectivites.names.items():
            self._partner(nom, collectivites.ids[known])
        ticked = {row["financeur_id"] for row in financements}
        for funder in funders:
            # « Autres » is nobody in particular.
            if funder.financeur_id in ticked and not key(funder.nom).startswith("autres"):
                self._partner(funder.nom)

    def read(self, fiche: Fiche) -> None:
        """Add the partners of one fiche."""
        for champ, role in _ROLES:
            text = fiche.row[champ]
            for nom in self._meant(self._names(text), fiche, champ) if text else []:
                if len(nom) > _LONGEST_PARTNER:
                    fiche.say("partenaire-trop-long", champ, champ=champ, fiche=fiche.row["fiche_id"])
                    continue
                ids = fiche.row["fiche_id"], self._partner(nom)["partenaire_id"], role
                self.participations[ids] = dict(zip(("fiche_id", "partenaire_id", "role"), ids, strict=True))

    def _meant(self, names: list[str], fiche: Fiche, champ: str) -> list[str]:
        """Those whom the names stand for, as staff decided where they did."""
        if self.who is None:
            return names
        known = [*self.collectivites.names.values(), *(row["nom"] for row in self.rows.values())]
        return [person for name in names for person in self.who(name, known, fiche, champ)]

    def _names(self, text: str) -> list[str]:
        """The names in a published text.

        « Les 3 villes de A, B et C » is the collectivités A, B and C when all are known. A text is cut at ``/``, ``;``,
        dashes and commas when every piece is known or looks like a name (a capital, and short); else it is one partner.
        """
        towns = [self.collectivites.find(name) for name in listed_towns(fold_chars(text))]
        if towns and all(towns):
            return [self.collectivites.names[name] for name in towns if name]
        known = (self.collectivites.names, self.funders, self.rows)
        for separators in (_LISTED, SEPARATORS):
            pieces = [piece.strip() for piece in separators.split(text) if piece.strip()]
            are_names = all(any(key(piece) in names for names in known) or looks_like_name(piece) for piece in pieces)
            if len(pieces) > 1 and are_names:
                return pieces
        return [text]

    def _partner(self, nom: str, collectivite: str | None = None) -> Record:
        known = key(nom)
        if known not in self.rows:
            self.rows[known] = {
                "partenaire_id": unique(short_slug(nom), self._taken),
                "nom": nom,
                "collectivite_id": collectivite,
                "financeur_id": self.funders.get(known),
                **dict.fromkeys(("courriel", "siret", "rna")),
            }
        return self.rows[known]
