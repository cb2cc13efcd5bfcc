"""Who the partners' names stand for: one organisation, several, nobody in particular; staff decide, doubts are said."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tabellion.importing.correspondence import SET_ASIDE, Correspondence, Topic
from tabellion.importing.fiche import Fiche
from tabellion.importing.lines import key, similarity
from tabellion.importing.words import Certainty, ImportWords, plain_title

_NEAR = 0.88
_BEFORE = re.compile(r"^(?:(?:les?|la|l'|des|du|d'|ensemble|\d+|tous|toutes)\b'?\s*)+")


@dataclass
class PartnerNames:
    """Answers for each partner's name of one import; each is asked once of the correspondence, at its first fiche."""

    correspondence: Correspondence
    words: ImportWords
    _said: set[str] = field(default_factory=set)

    def __call__(self, name: str, known: list[str], fiche: Fiche, champ: str) -> list[str]:
        """Those whom a name stands for: as decided, else the name as it is published."""
        numero = fiche.row["fiche_id"]
        meaning, certainty = name, Certainty.SURE
        exact = next((known_name for known_name in known if key(known_name) == key(name)), None)
        near = max(known, key=lambda known_name: similarity(known_name, name), default="")
        if self._is_vague(name):
            certainty = Certainty.UNKNOWN
        elif exact is None and near and similarity(near, name) >= _NEAR:
            meaning, certainty = near, Certainty.LIKELY
        choice = self.correspondence.choices.get((Topic.PARTNERS, "", key(name)))
        self.correspondence.ask(Topic.PARTNERS, name, meaning, certainty, where=f"fiche {numero}")
        if choice is not None:
            return [] if choice == SET_ASIDE else [part.strip() for part in choice.split(";") if part.strip()]
        if key(name) not in self._said:
            self._said.add(key(name))
            if certainty is Certainty.UNKNOWN:
                fiche.say("partenaire-vague", champ, champ=champ, valeur=name, fiche=numero)
            elif certainty is Certainty.LIKELY:
                fiche.say("partenaire-ressemblant", champ, champ=champ, valeur=name, attendu=meaning, fiche=numero)
        return [name]

    def _is_vague(self, name: str) -> bool:
        """Whether a name is that of nobody in particular, or of several: « Villes », « Les écoles du quartier »."""
        plain = plain_title(name)
        bare = _BEFORE.sub("", plain)
        first = bare.split(" ", 1)[0]
        return (
            plain in self.words.vague or bare in self.words.vague or (first in self.words.vague and first.endswith("s"))
        )
