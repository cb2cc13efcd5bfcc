"""The partners: the collectivités, the ticked funders, and those whom the fiches name as bearers or operators."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from tabellion.importing.document.fiche import Fiche
from tabellion.importing.document.funders import Funder
from tabellion.importing.document.ledger import Ledger
from tabellion.importing.document.names import Collectivites
from tabellion.importing.document.text import fold, key, slug

_SEPARATORS = re.compile(r"\s*[/;\n]\s*|\s+[-–—]\s+")
_TOWNS = re.compile(r"(?:les?\s+)?(?:\d+\s+)?(?:villes?|communes?|collectivites?)\s+(?:de\s+|d'|du\s+)(?P<liste>.+)")
_LIST = re.compile(r"\s*,\s*|\s+et\s+(?:de\s+|d')?")
_LONGEST_NAME = 60
_LONGEST_PARTNER = 255
_ROLES = (("porteurs", "porteur"), ("partenaires_operationnels", "opérationnel"))


class Partners:
    """The partners met so far, one per name (case and accents apart), and who takes part in which fiche."""

    def __init__(self, collectivites: Collectivites, funders: list[Funder], ledger: Ledger) -> None:
        self.collectivites = collectivites
        self.listed = funders
        self.funders = {key(funder.nom): funder.financeur_id for funder in funders}
        self.ledger = ledger
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
                    self.ledger.say("partenaire-trop-long", ligne, champ=champ, fiche=fiche.row["fiche_id"])
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
            found = [self.collectivites.find(name) for name in _LIST.split(text[start:])]
            if all(found):
                return [self.collectivites.by_key[name] for name in found if name]
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
