"""The tables that all parts give: partners, collectivités, budget lines, published totals."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from tabellion.importing.document.budget import TownBudget
from tabellion.importing.document.fiche import Fiche
from tabellion.importing.document.funders import DocumentFunder
from tabellion.importing.document.lines import fold_chars, key, short_slug, unique
from tabellion.importing.document.recap import Collectivites, RecapRow

Rows = list[dict[str, Any]]
"""The rows of a table: values by the fields of its schema, in their order."""

_SEPARATORS = re.compile(r"\s*[/;\n]\s*|\s+[-–—]\s+")
_TOWNS = re.compile(r"(?:les?\s+)?(?:\d+\s+)?(?:villes?|communes?|collectivites?)\s+(?:de\s+|d'|du\s+)(?P<liste>.+)")
_LIST = re.compile(r"\s*,\s*|\s+et\s+(?:de\s+|d')?")
_LONGEST_NAME = 60
_LONGEST_PARTNER = 255
_ROLES = (("porteurs", "porteur"), ("partenaires_operationnels", "opérationnel"))


class Partners:
    """The partners of a document, one per name (case and accents apart), and who takes part in which fiche.

    The collectivités come first, then the funders ticked on a fiche, each of which answers for its ``financements``.
    """

    def __init__(self, collectivites: Collectivites, funders: list[DocumentFunder], financements: Rows) -> None:
        self.collectivites = collectivites
        self.funders = {key(funder.nom): funder.financeur_id for funder in funders}
        self.rows: dict[str, dict[str, Any]] = {}
        self.participations: dict[tuple[str, str, str], dict[str, Any]] = {}
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
            for nom in self._names(text) if text else []:
                if len(nom) > _LONGEST_PARTNER:
                    fiche.say("partenaire-trop-long", champ, champ=champ, fiche=fiche.row["fiche_id"])
                    continue
                ids = fiche.row["fiche_id"], self._partner(nom)["partenaire_id"], role
                self.participations[ids] = dict(zip(("fiche_id", "partenaire_id", "role"), ids, strict=True))

    def _names(self, text: str) -> list[str]:
        """The names in a published text.

        « Les 3 villes de A, B et C » is the collectivités A, B and C when all are known. A text is cut at ``/``, ``;``
        and dashes when every piece is known or looks like a name (a capital, and short). Otherwise it is one partner.
        """
        towns = _TOWNS.fullmatch(fold_chars(text))
        if towns:
            names = [self.collectivites.find(name) for name in _LIST.split(text[towns.start("liste") :])]
            if all(names):
                return [self.collectivites.names[name] for name in names if name]
        pieces = [piece.strip() for piece in _SEPARATORS.split(text) if piece.strip()]
        return pieces if len(pieces) > 1 and all(map(self._is_name, pieces)) else [text]

    def _is_name(self, piece: str) -> bool:
        if any(key(piece) in known for known in (self.collectivites.names, self.funders, self.rows)):
            return True
        return piece[:1].isupper() and len(piece) <= _LONGEST_NAME

    def _partner(self, nom: str, collectivite: str | None = None) -> dict[str, Any]:
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


_KINDS = (
    ("EPCI", r"\b(?:metropole|agglomeration|communaute|intercommunalite|epci|agglo|cc|ca|cu)\b"),
    ("département", r"\b(?:departement|conseil (?:departemental|general))\b"),
    ("région", r"\b(?:region|conseil regional)\b"),
    ("autre", r"\b(?:etat|syndicat|ccas|caf|pays|office|association)\b"),
)


def collectivite_rows(collectivites: Collectivites) -> Rows:
    """The rows of ``collectivites``; the category is read in the name, a plain name being a commune's."""
    return [
        {
            "collectivite_id": collectivites.ids[known],
            "nom": nom,
            "categorie": next((kind for kind, words in _KINDS if re.search(words, key(nom))), "commune"),
            "siret": None,
        }
        for known, nom in collectivites.names.items()
    ]


def line_rows(budgets: list[TownBudget], collectivites: Collectivites, exercice: int | None) -> Rows:
    """The rows of ``lignes_budgetaires``: the census is of what was spent, so its amounts are ``montant_realise``."""
    ranks: Counter[tuple[int, str]] = Counter()
    rows: Rows = []
    for town in budgets:
        convention, identifier = town.convention, collectivites.ids[town.collectivite]
        for line in town.rows:
            ranks[convention, identifier] += 1
            rows.append(
                {
                    "ligne_id": f"B{convention:02d}-{identifier}-{ranks[convention, identifier]:03d}",
                    "convention_id": convention,
                    "collectivite_id": identifier,
                    "libelle": line.libelle,
                    "exercice": exercice,
                    "montant_prevu": None,
                    "montant_vote": None,
                    "montant_realise": line.montant,
                    "commentaire": None,
                    "ligne_source": line.ligne,
                    "reparation": line.repair,
                    "texte_source": line.source,
                }
            )
    return rows


def total_rows(
    recap: list[RecapRow], budgets: list[TownBudget], collectivites: Collectivites, exercice: int | None
) -> Rows:
    """The rows of ``totaux_publies``: the recap's, then each section's subtotals."""
    rows: Rows = []
    taken: set[str] = set()
    totals: list[RecapRow | TownBudget] = [*recap, *(town for town in budgets if town.ligne)]
    for total in totals:
        known: str | None
        if isinstance(total, TownBudget):
            source, portee, known = "convention", "collectivité", total.collectivite
        else:
            source, portee = "récapitulatif", total.portee
            known = collectivites.find(total.libelle) if portee == "collectivité" else None
        identifier = None if known is None else collectivites.ids[known]
        number = "general" if total.convention is None else f"{total.convention:02d}"
        rows.append(
            {
                "total_id": unique("-".join(filter(None, (short_slug(source), number, identifier))), taken),
                "source": source,
                "portee": portee,
                "convention_id": total.convention,
                "collectivite_id": identifier,
                "libelle": total.libelle,
                "exercice": exercice,
                "montant": total.montant,
                "ligne_source": total.ligne,
                "reparation": total.repair,
                "texte_source": total.source,
            }
        )
    return rows
