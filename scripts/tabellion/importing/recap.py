"""The recap at the head of the document, and the names of the collectivités: its own, or those that sections show."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tabellion.importing.cells import BudgetRow, only_amounts
from tabellion.importing.headings import numbered
from tabellion.importing.lines import (
    DocumentLine,
    LineAccount,
    Record,
    clean,
    fold_chars,
    key,
    short_slug,
    shown,
    unique,
)

ROUNDING = 200
"""Two euros, in cents: a published subtotal may be rounded."""

_LONGEST_NAME = 60
_MANY_ROWS = 600
_TOWN = re.compile(r"^(?:(?:la\s+)?(?:ville|commune|mairie)\s+(?:de\s+l[' ]|de\s+la\s+|de\s+|d[' ]|du\s+))")


@dataclass
class Collectivites:
    """The collectivités known, in the order in which the document gives them: names and identifiers by their key."""

    names: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    """The key of the collectivité that other keys stand for, as staff decided."""
    _taken: set[str] = field(default_factory=set)

    def add(self, nom: str) -> None:
        """Learn a name; its identifier is its slug, made unique."""
        known = key(nom)
        if known not in self.names:
            self.names[known] = nom
            self.ids[known] = unique(short_slug(nom), self._taken)

    def rename(self, known: str, nom: str) -> None:
        """Hold a collectivité for the one that is called ``nom``; for none at all where it is empty."""
        del self.names[known], self.ids[known]
        if nom:
            self.add(nom)
            self.aliases[known] = key(nom)

    def find(self, label: str) -> str | None:
        """The key of the collectivité that ``label`` names, a single typing slip tolerated; else None.

        « Ville de X » and « X » are one.
        """
        known = self.aliases.get(key(label), key(label))
        if known in self.names:
            return known
        bare = [name for name in self.names if bare_town(name) == bare_town(known)]
        if len(bare) == 1:
            return bare[0]
        near = [name for name in self.names if _one_slip(known, name)]
        return near[0] if len(near) == 1 else None


def bare_town(name: str) -> str:
    """A key without what says that it is a town."""
    return _TOWN.sub("", name)


def _one_slip(first: str, second: str) -> bool:
    """True when one letter was added, lost or changed inside a name of six letters or more."""
    if min(len(first), len(second)) < 6 or abs(len(first) - len(second)) > 1 or first[:1] != second[:1]:
        return False
    start = 0
    while start < min(len(first), len(second)) and first[start] == second[start]:
        start += 1
    left, right = first[start:], second[start:]
    while left and right and left[-1] == right[-1]:
        left, right = left[:-1], right[:-1]
    # A slip at the very end is how two real names differ (« Commune A », « Commune B »).
    inside = start < min(len(first), len(second)) - 1
    return inside and len(left) <= 1 and len(right) <= 1 and all(c.isalpha() for c in left + right)


def certain_headers(rows: list[BudgetRow]) -> set[int]:
    """The rows that are subtotals in every way of cutting ``rows`` into a subtotal followed by the lines it adds up.

    Empty when no cutting adds up. Amounts may be two euros off (rounding).
    """
    count = len(rows)
    if count > _MANY_ROWS:
        return set()
    ends: list[list[int]] = []
    for start, row in enumerate(rows):
        total, running, possible = row.montant, 0, []
        for end in range(start + 2, count + 1):
            running += rows[end - 1].montant or 0
            if abs(running - (total or 0)) <= ROUNDING and (total is not None or running == 0):
                possible.append(end)
        ends.append(possible)
    ways_after = [0] * count + [1]
    for start in reversed(range(count)):
        ways_after[start] = sum(ways_after[end] for end in ends[start])
    ways_before = [1] + [0] * count
    for start in range(count):
        for end in ends[start]:
            ways_before[end] += ways_before[start]
    ways = ways_after[0]
    return {i for i in range(count) if ways and ways_before[i] * ways_after[i] == ways and rows[i].montant}


def learn_collectivites(
    recap: list[RecapRow], sections: Iterable[list[BudgetRow]], presentation: str, account: LineAccount
) -> Collectivites:
    """The collectivités: those of the recap, then those that the sections' rows show, each of these said.

    Without a recap, the first row of a section is a subtotal. Otherwise, and for the rows further down, a label needs
    two signs: it is a subtotal in every reading of the amounts, it comes back in another section, the presentation
    names it within a sentence, best of all in a list of towns.
    """
    collectivites = Collectivites()
    for total in recap:
        if total.portee == "collectivité" and collectivites.find(total.libelle) is None:
            collectivites.add(total.libelle)
    has_recap = bool(collectivites.names)
    first: Counter[str] = Counter()
    certain: Counter[str] = Counter()
    present: Counter[str] = Counter()
    spelled: dict[str, str] = {}
    for rows in sections:
        keys = [key(row.libelle) for row in rows]
        for name, row in zip(keys, rows, strict=True):
            spelled.setdefault(name, row.libelle)
        first.update(keys[:1])
        certain.update({keys[i] for i in certain_headers(rows)})
        present.update(set(keys))
    prose = fold_chars(presentation)
    for name, label in spelled.items():
        if name in collectivites.names or not name or len(label) > _LONGEST_NAME or "(" in label:
            continue
        named, listed = _signs(prose, presentation, label)
        strong = named and (certain[name] or present[name] > 1 or first[name])
        if not has_recap:
            strong = strong or (certain[name] and (first[name] or present[name] > 1))
            strong = strong or (named and listed)
        if strong or (first[name] and not has_recap):
            collectivites.add(label)
        if not strong and first[name] and not has_recap:
            account.say("collectivite-devinee", None, champ="nom", valeur=label)
        elif strong and has_recap:
            account.say("collectivite-hors-recapitulatif", None, champ="nom", valeur=label)
    return collectivites


def _signs(prose: str, presentation: str, label: str) -> tuple[bool, bool]:
    """Whether the presentation names ``label`` in a sentence, with its capital, and whether in a list of towns.

    ``prose`` is the presentation folded; the list follows « villes », « communes » or « collectivités ».
    """
    name = " ".join(fold_chars(label).split())
    if not label[:1].isupper() or name not in prose:
        return False, False
    wanted = rf"{re.escape(name)}(?![\w'-])"
    places = re.finditer(rf"(?<=[a-z,/] ){wanted}", prose)
    listed = re.search(rf"\b(?:villes?|communes?|collectivites?)\b[^.;\n]{{0,300}}[ ,]{wanted}", prose)
    return any(presentation[match.start()].isupper() for match in places), listed is not None


@dataclass(frozen=True, slots=True)
class RecapRow:
    """One line of the recap: ``convention`` is its number (None for the grand total); ``portee`` as in the schema.

    ``montant`` is in cents, None when nothing readable is printed; ``source`` keeps what could not be read.
    """

    ligne: int
    portee: str
    convention: int | None
    libelle: str
    montant: int | None
    source: str | None = None
    repair: None = None


def read_recap(lines: list[DocumentLine], account: LineAccount) -> list[RecapRow]:
    """The rows of the recap, among the lines before the body.

    It starts at the first numbered title that has an amount cell, and ends at the grand total or the first
    paragraph.
    """
    rows: list[RecapRow] = []
    convention: int | None = None
    for line in lines:
        if line.blank or line.numero in account.uses:
            continue
        title = numbered(line, dashed=True) if line.tabbed else None
        if not rows and title is None:
            continue
        if not line.tabbed:
            break
        libelle = clean(line.cells[0])
        if not libelle:
            account.unplaced(line, "une ligne du récapitulatif n'a pas de libellé")
            continue
        if key(libelle).startswith("total"):
            portee, convention, usage = "général", None, "total général"
        elif title is not None:
            portee, convention = "convention", int(title.numero)
            usage = f"convention {convention}"
        else:
            portee, usage = "collectivité", f"collectivité, convention {convention}"
        account.use(line.numero, "utilisée : total publié", f"{usage} du récapitulatif")
        rows.append(RecapRow(line.numero, portee, convention, libelle, *_amount(line, account)))
        if portee == "général":
            break
    return rows


def _amount(line: DocumentLine, account: LineAccount) -> tuple[int | None, str | None]:
    """The one amount (cents) of a row's further cells; else None, with the original text and a finding."""
    text = clean(" ".join(cell for cell in line.cells[1:] if cell))
    amounts = only_amounts(text)
    if amounts is not None and len(amounts) <= 1:
        return (amounts[0] if amounts else None), None
    account.say("montant-illisible", line.numero, champ="montant", valeur=text[:200], attendu="un montant en euros")
    return None, shown(line.texte)


_KINDS = (
    ("EPCI", r"\b(?:metropole|agglomeration|communaute|intercommunalite|epci|agglo|cc|ca|cu)\b"),
    ("département", r"\b(?:departement|conseil (?:departemental|general))\b"),
    ("région", r"\b(?:region|conseil regional)\b"),
    ("autre", r"\b(?:etat|syndicat|ccas|caf|pays|office|association)\b"),
)


def collectivite_rows(collectivites: Collectivites) -> list[Record]:
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
