"""The tables that all parts give: partners, collectivités, budget lines, published totals."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from tabellion.importing.document.budget import TownBudget
from tabellion.importing.document.fiche import Fiche
from tabellion.importing.document.funders import DocumentFunder
from tabellion.importing.document.lines import LineAccount, fold, key, slug
from tabellion.importing.document.recap import Collectivites, RecapRow

_SEPARATORS = re.compile(r"\s*[/;\n]\s*|\s+[-–—]\s+")
_TOWNS = re.compile(r"(?:les?\s+)?(?:\d+\s+)?(?:villes?|communes?|collectivites?)\s+(?:de\s+|d'|du\s+)(?P<liste>.+)")
_LIST = re.compile(r"\s*,\s*|\s+et\s+(?:de\s+|d')?")
_LONGEST_NAME = 60
_LONGEST_PARTNER = 255
_ROLES = (("porteurs", "porteur"), ("partenaires_operationnels", "opérationnel"))


class Partners:
    """The partners met so far, one per name (case and accents apart), and who takes part in which fiche."""

    def __init__(self, collectivites: Collectivites, funders: list[DocumentFunder], account: LineAccount) -> None:
        self.collectivites = collectivites
        self.listed = funders
        self.funders = {key(funder.nom): funder.financeur_id for funder in funders}
        self.account = account
        self.rows: dict[str, dict[str, Any]] = {}
        self.taken: set[str] = set()
        self.participations: dict[tuple[str, str, str], dict[str, Any]] = {}
        for known, nom in collectivites.by_key.items():
            self._partner(nom, collectivites.ids[known])

    def add_funders(self, ticked: Iterable[str | None]) -> None:
        """Add the funders ticked on a fiche: each answers for its financements. « Autres » is nobody in particular."""
        wanted = set(ticked)
        for funder in self.listed:
            if funder.financeur_id in wanted and not key(funder.nom).startswith(key("Autres")):
                self._partner(funder.nom)

    def read(self, fiche: Fiche) -> None:
        """Add the partners of one fiche."""
        for champ, role in _ROLES:
            text = fiche.row[champ]
            for nom in self._names(text) if text else []:
                if len(nom) > _LONGEST_PARTNER:
                    ligne = fiche.block.labels.get(champ, fiche.ligne)
                    self.account.say("partenaire-trop-long", ligne, champ=champ, fiche=fiche.row["fiche_id"])
                    continue
                identifier = self._partner(nom)["partenaire_id"]
                entry = {"fiche_id": fiche.row["fiche_id"], "partenaire_id": identifier, "role": role}
                self.participations.setdefault((entry["fiche_id"], identifier, role), entry)

    def _names(self, text: str) -> list[str]:
        """The names in a published text.

        « Les 3 villes de A, B et C » is the collectivités A, B and C when all are known. A text is cut at ``/``, ``;``
        and dashes when every piece is known or looks like a name (a capital, and short). Otherwise it is one partner.
        """
        towns = _TOWNS.fullmatch(fold(text))
        if towns:
            start = towns.start("liste")
            names = [self.collectivites.find(name) for name in _LIST.split(text[start:])]
            if all(names):
                return [self.collectivites.by_key[name] for name in names if name]
        pieces = [piece.strip() for piece in _SEPARATORS.split(text) if piece.strip()]
        if len(pieces) > 1 and all(self._is_name(piece) for piece in pieces):
            return pieces
        return [text]

    def _is_name(self, piece: str) -> bool:
        known = key(piece)
        if known in self.collectivites.by_key or known in self.funders or known in self.rows:
            return True
        return piece[:1].isupper() and len(piece) <= _LONGEST_NAME

    def _partner(self, nom: str, collectivite: str | None = None) -> dict[str, Any]:
        known = key(nom)
        if known not in self.rows:
            base, rank = slug(nom), 1
            while (identifier := base if rank == 1 else f"{base}-{rank}") in self.taken:
                rank += 1
            self.taken.add(identifier)
            self.rows[known] = {
                "partenaire_id": identifier,
                "nom": nom,
                "collectivite_id": collectivite,
                "financeur_id": self.funders.get(known),
                "courriel": None,
                "siret": None,
                "rna": None,
            }
        return self.rows[known]


_KINDS = (
    ("EPCI", r"\b(?:metropole|agglomeration|communaute|intercommunalite|epci|agglo|cc|ca|cu)\b"),
    ("département", r"\b(?:departement|conseil (?:departemental|general))\b"),
    ("région", r"\b(?:region|conseil regional)\b"),
    ("autre", r"\b(?:etat|syndicat|ccas|caf|pays|office|association)\b"),
)


def collectivite_rows(collectivites: Collectivites) -> list[dict[str, Any]]:
    """The rows of ``collectivites``; the category is read in the name, a plain name being a commune's."""
    return [
        {
            "collectivite_id": collectivites.ids[known],
            "nom": nom,
            "categorie": next((kind for kind, words in _KINDS if re.search(words, key(nom))), "commune"),
            "siret": None,
        }
        for known, nom in collectivites.by_key.items()
    ]


def line_rows(
    budgets: list[tuple[int, TownBudget]], collectivites: Collectivites, exercice: int | None
) -> list[dict[str, Any]]:
    """The rows of ``lignes_budgetaires``: the census is of what was spent, so its amounts are ``montant_realise``."""
    ranks: Counter[tuple[int, str]] = Counter()
    rows: list[dict[str, Any]] = []
    for convention, group in budgets:
        identifier = collectivites.ids[group.collectivite]
        for line in group.rows:
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
    recap: list[RecapRow], budgets: list[tuple[int, TownBudget]], collectivites: Collectivites, exercice: int | None
) -> list[dict[str, Any]]:
    """The rows of ``totaux_publies``: the recap's, then each section's subtotals."""
    rows: list[dict[str, Any]] = []
    taken: Counter[str] = Counter()

    def add(base: str, **values: Any) -> None:
        taken[base] += 1
        total_id = base if taken[base] == 1 else f"{base}-{taken[base]}"
        rows.append({"total_id": total_id, **values})

    for total in recap:
        known = collectivites.find(total.libelle) if total.portee == "collectivité" else None
        identifier = collectivites.ids[known] if known is not None else None
        parts = ["recapitulatif"]
        parts.append(f"{total.convention:02d}" if total.convention is not None else "general")
        if identifier is not None:
            parts.append(identifier)
        add(
            "-".join(parts),
            source="récapitulatif",
            portee=total.portee,
            convention_id=total.convention,
            collectivite_id=identifier,
            libelle=total.libelle,
            exercice=exercice,
            montant=total.montant,
            ligne_source=total.ligne,
            reparation=None,
            texte_source=total.texte_source,
        )
    for convention, group in budgets:
        if not group.ligne:
            continue
        identifier = collectivites.ids[group.collectivite]
        add(
            f"convention-{convention:02d}-{identifier}",
            source="convention",
            portee="collectivité",
            convention_id=convention,
            collectivite_id=identifier,
            libelle=group.libelle,
            exercice=exercice,
            montant=group.montant,
            ligne_source=group.ligne,
            reparation=group.repair,
            texte_source=group.source,
        )
    return rows
