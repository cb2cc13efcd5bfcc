"""Which conventions, piliers and collectivités the tables of other people name, each asked once."""

from __future__ import annotations

import re

from tabellion.importing.correspondence import Correspondence, Topic
from tabellion.importing.headings import ROMAN, Heading
from tabellion.importing.lines import LineAccount, key, similarity
from tabellion.importing.recap import Collectivites
from tabellion.importing.words import Certainty

_NUMBERED = re.compile(
    r"(?:(?:convention|thematique|theme|c)\s*(?:thematique)?\s*(?:n\s*[°º]?)?\s*)?"
    r"(?P<n>\d{1,3})\s*[-–—.:)]?\s*(?P<titre>.*)",
    re.DOTALL | re.IGNORECASE,
)
_PILIER = re.compile(r"(?:pilier\s*(?:n\s*[°º]?)?\s*)?(?P<n>[IVXLC]{1,7})(?:\s*[-–—.:]\s*(?P<titre>.*))?", re.DOTALL)
_NEAR = 0.85


class ConventionNames:
    """The conventions of one import: their numbers by what people call them, their headings, the piliers over them."""

    def __init__(self, correspondence: Correspondence, account: LineAccount, known: dict[int, str]) -> None:
        self.correspondence, self.account = correspondence, account
        self.titles = dict(known)
        self.headings = dict[int, Heading]()
        self.piliers = dict[str, Heading]()
        self.under = dict[int, str]()

    def find(self, text: str, titre: str, ligne: int, where: str) -> int | None:
        """The number of the convention that a text names (« 1 - Santé », « 1 », « Santé »); ``titre`` may stand apart.

        A title without a number gets the first free one, which is asked.
        """
        match = _NUMBERED.fullmatch(text.strip())
        number = int(match["n"]) if match else None
        name = titre or (match["titre"].strip() if match else text.strip())
        if number is None and not name:
            return None
        certainty = Certainty.SURE
        if number is None:
            known = next((numero for numero, title in self.titles.items() if key(title) == key(name)), None)
            near = max(self.titles, key=lambda numero: similarity(self.titles[numero], name), default=None)
            if known is None:
                certainty = Certainty.LIKELY
                is_near = near is not None and similarity(self.titles[near], name) >= _NEAR
                number = near if is_near else max(self.titles, default=0) + 1
            else:
                number = known
        found = f"{number} - {name}" if match and name else text.strip() or name
        proposed = f"{number} - {self.titles.get(number or 0) or name}"
        meant = self.correspondence.ask(Topic.CONVENTIONS, found, proposed, certainty, where=where)
        decided = _NUMBERED.fullmatch(meant)
        if decided is None:
            return None
        number = int(decided["n"])
        self.titles.setdefault(number, name or f"Convention {number}")
        if name and key(self.titles[number]) == key(f"Convention {number}"):
            self.titles[number] = name
        heading = self.headings.get(number)
        if heading is None or (name and key(heading.titre) == key(f"Convention {number}")):
            self.headings[number] = Heading(ligne, str(number), name or self.titles[number])
        return number

    def put_under(self, number: int | None, pilier: str, ligne: int) -> str | None:
        """The pilier that a text names (« I - cohésion sociale », « cohésion sociale »), over a convention."""
        match = _PILIER.fullmatch(pilier.strip())
        titre = (match["titre"] or "" if match else pilier).strip()
        numero = match["n"] if match else None
        if numero is None:
            known = (numero for numero, heading in self.piliers.items() if key(heading.titre) == key(titre))
            numero = next(known, None) or next(numero for numero in ROMAN if numero not in self.piliers)
        if numero not in self.piliers or (titre and self.piliers[numero].titre == numero):
            self.piliers[numero] = Heading(ligne, numero, titre or numero)
        if number is not None:
            self.under.setdefault(number, numero)
        return numero


class CollectiviteNames:
    """The collectivités of one import, each spelling asked once."""

    def __init__(self, correspondence: Correspondence, account: LineAccount, collectivites: Collectivites) -> None:
        self.correspondence, self.account, self.collectivites = correspondence, account, collectivites
        self._said = set[str]()

    def find(self, text: str, ligne: int, where: str) -> str | None:
        """The key of the collectivité that a text names, learnt where it is new; ``None`` where it is set aside."""
        known = self.collectivites.find(text)
        proposed = text if known is None else self.collectivites.names[known]
        alike = known is None or key(proposed) == key(text)
        certainty = Certainty.SURE if alike or key(text).endswith(known or "") else Certainty.LIKELY
        others = self.collectivites.names.values()
        near = max(others, key=lambda nom: similarity(nom, text), default="") if known is None else ""
        is_near = bool(near) and similarity(near, text) >= _NEAR
        if is_near:  # two real names may be as near as a slip: nothing is joined before somebody says so
            certainty = Certainty.UNKNOWN
        meant = self.correspondence.ask(Topic.COLLECTIVITES, text, proposed, certainty, where=where)
        if not meant:
            return None
        town = self.collectivites.find(meant)
        if town is None:
            self.collectivites.add(meant)
            town = key(meant)
        nom = self.collectivites.names[town]
        if is_near and meant == text and (Topic.COLLECTIVITES, "", key(text)) not in self.correspondence.choices:
            self.account.say("collectivite-ressemblante", ligne, champ="collectivite_id", valeur=text, attendu=near)
        elif key(text) != key(nom) and text not in self._said:
            self._said.add(text)
            self.account.say("collectivite-variante", ligne, champ="collectivite_id", valeur=text, attendu=nom)
        return town
