"""Whom and what the tables of other people name: conventions, towns, quartiers, partners; each is asked once."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tabellion.importing.correspondence_book import SET_ASIDE, Correspondence, Topic
from tabellion.importing.fiche import Fiche
from tabellion.importing.headings import ROMAN, Heading
from tabellion.importing.lines import LineAccount, Record, key, similarity
from tabellion.importing.recap import Collectivites
from tabellion.importing.words import Certainty, ImportWords, plain_title

_NEAR_PARTNER = 0.88
_BEFORE = re.compile(r"^(?:(?:les?|la|l'|des|du|d'|ensemble|\d+|tous|toutes)\b'?\s*)+")


@dataclass
class PartnerNames:
    """Answers for each partner's name of one import; each is asked once of the correspondence, at its first fiche."""

    correspondence: Correspondence
    words: ImportWords
    _reported: set[str] = field(default_factory=set)

    def __call__(self, name: str, known: list[str], fiche: Fiche, champ: str) -> list[str]:
        """Those whom a name stands for: as decided, else the name as it is published."""
        numero = fiche.row["fiche_id"]
        meaning, certainty = name, Certainty.SURE
        exact = next((known_name for known_name in known if key(known_name) == key(name)), None)
        near = max(known, key=lambda known_name: similarity(known_name, name), default="")
        if self._is_vague(name):
            certainty = Certainty.UNKNOWN
        elif exact is None and near and similarity(near, name) >= _NEAR_PARTNER:
            meaning, certainty = near, Certainty.LIKELY
        choice = self.correspondence.choices.get((Topic.PARTNERS, "", key(name)))
        self.correspondence.ask(Topic.PARTNERS, name, meaning, certainty, where=f"fiche {numero}")
        if choice is not None:
            return [] if choice == SET_ASIDE else [part.strip() for part in choice.split(";") if part.strip()]
        if key(name) not in self._reported:
            self._reported.add(key(name))
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


_SEPARATORS = re.compile(r"\s*[;/,\n]\s*")
_QUARTER_CODE = re.compile(r"QP(?:\d{3}|02[AB])\d{3}|QN(?:\d{3}|02[AB])\d{2}[A-Z]")
_WITH_CODE = re.compile(rf"(?P<nom>.*?)\s*[-–(]?\s*(?P<code>{_QUARTER_CODE.pattern})\)?")


@dataclass
class Quarters:
    """The quartiers of one import. ``known`` are those of the contract."""

    known: list[Record] = field(default_factory=list)
    rows: list[Record] = field(default_factory=list)

    def named(self, text: str) -> str:
        """The quartiers of a cell by their names, as the contract writes them; new ones are learnt."""
        return " ; ".join(dict.fromkeys(self._name(piece) for piece in _SEPARATORS.split(text) if piece.strip()))

    def _name(self, piece: str) -> str:
        match = _WITH_CODE.fullmatch(piece.strip())
        code, nom = (match["code"], match["nom"]) if match else (None, piece.strip())
        for row in (*self.known, *self.rows):
            if (code and row["code_qpv"] == code) or (nom and key(row["nom"]) == key(nom)):
                row["code_qpv"] = row["code_qpv"] or code
                return str(row["nom"])
        self.rows.append({"nom": nom or code, "code_qpv": code, "commune": None})
        return nom or str(code)


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
        typed = f"{number} - {name}" if match and name else text.strip() or name
        proposed = f"{number} - {self.titles.get(number or 0) or name}"
        answer = self.correspondence.ask(Topic.CONVENTIONS, typed, proposed, certainty, where=where)
        decided = _NUMBERED.fullmatch(answer)
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
        self._reported = set[str]()

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
        answer = self.correspondence.ask(Topic.COLLECTIVITES, text, proposed, certainty, where=where)
        if not answer:
            return None
        town = self.collectivites.find(answer)
        if town is None:
            self.collectivites.add(answer)
            town = key(answer)
        nom = self.collectivites.names[town]
        if is_near and answer == text and (Topic.COLLECTIVITES, "", key(text)) not in self.correspondence.choices:
            self.account.say("collectivite-ressemblante", ligne, champ="collectivite_id", valeur=text, attendu=near)
        elif key(text) != key(nom) and text not in self._reported:
            self._reported.add(text)
            self.account.say("collectivite-variante", ligne, champ="collectivite_id", valeur=text, attendu=nom)
        return town
