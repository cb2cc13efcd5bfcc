"""The recap at the head of the document, and the names of the collectivités: its own, or those that sections show."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tabellion.importing.document.amounts import only_amounts
from tabellion.importing.document.headings import Headings, is_fiche_start, numbered
from tabellion.importing.document.lines import DocumentLine, LineAccount, clean, fold, key, shown, slug

LabelledAmount = tuple[str, int | None]
"""A budget row as the arithmetic sees it: its label, and its amount in cents (None when blank)."""

_ROUNDING = 200
"""Two euros, in cents: a published subtotal may be rounded."""

_LONGEST_NAME = 60
_MANY_ROWS = 600


@dataclass
class Collectivites:
    """The names known, in the order in which the document gives them."""

    by_key: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    from_recap: set[str] = field(default_factory=set)

    def add(self, nom: str, *, recap: bool = False) -> str:
        """Learn a name; its identifier (a slug, made unique)."""
        known = key(nom)
        if known not in self.by_key:
            self.by_key[known] = nom
            base, rank = slug(nom), 1
            while (identifier := base if rank == 1 else f"{base}-{rank}") in self.ids.values():
                rank += 1
            self.ids[known] = identifier
        if recap:
            self.from_recap.add(known)
        return self.ids[known]

    def find(self, label: str) -> str | None:
        """The key of the collectivité that ``label`` names, a single typing slip tolerated; else None."""
        known = key(label)
        if known in self.by_key:
            return known
        near = [name for name in self.by_key if _one_slip(known, name)]
        return near[0] if len(near) == 1 else None


def _one_slip(one: str, other: str) -> bool:
    """True when one letter was added, lost or changed inside a name of six letters or more."""
    if min(len(one), len(other)) < 6 or abs(len(one) - len(other)) > 1 or one[:1] != other[:1]:
        return False
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    left, right = one[start:], other[start:]
    while left and right and left[-1] == right[-1]:
        left, right = left[:-1], right[:-1]
    # A slip at the very end is how two real names differ (« Commune A », « Commune B »).
    inside = start < min(len(one), len(other)) - 1
    return inside and len(left) <= 1 and len(right) <= 1 and all(c.isalpha() for c in left + right)


def certain_headers(rows: list[LabelledAmount]) -> set[int]:
    """The rows that are subtotals in every way of cutting ``rows`` into a subtotal followed by the lines it adds up.

    Empty when no cutting adds up. Amounts may be two euros off (rounding).
    """
    count = len(rows)
    if not count or count > _MANY_ROWS:
        return set()
    ends: list[list[int]] = []
    for start in range(count):
        total, running, possible = rows[start][1], 0, []
        for end in range(start + 2, count + 1):
            running += rows[end - 1][1] or 0
            if abs(running - (total or 0)) <= _ROUNDING and (total is not None or running == 0):
                possible.append(end)
        ends.append(possible)
    backward = [0] * (count + 1)
    backward[count] = 1
    for start in range(count - 1, -1, -1):
        backward[start] = sum(backward[end] for end in ends[start])
    forward = [0] * (count + 1)
    forward[0] = 1
    for start in range(count):
        if forward[start]:
            for end in ends[start]:
                forward[end] += forward[start]
    if not backward[0]:
        return set()
    return {i for i in range(count) if forward[i] * backward[i] == backward[0] and rows[i][1]}


def learn(
    collectivites: Collectivites, sections: Iterable[list[LabelledAmount]], presentation: str, *, recap: bool
) -> set[str]:
    """Add the names that the sections' rows show; the keys of those that only their first position shows.

    Without a recap, the first row of a section is a subtotal. Otherwise, and for the rows further down, a label needs
    two signs: it is a subtotal in every reading of the amounts, it comes back in another section, the presentation
    names it within a sentence, best of all in a list of towns.
    """
    first: Counter[str] = Counter()
    certain: Counter[str] = Counter()
    present: Counter[str] = Counter()
    spelled: dict[str, str] = {}
    for rows in sections:
        keys = [key(label) for label, _ in rows]
        for name, (label, _) in zip(keys, rows, strict=True):
            spelled.setdefault(name, label)
        if keys:
            first[keys[0]] += 1
        certain.update({keys[i] for i in certain_headers(rows)})
        present.update(set(keys))
    prose = fold(presentation)
    weak: set[str] = set()
    for name, label in spelled.items():
        if name in collectivites.by_key or not name or len(label) > _LONGEST_NAME or "(" in label:
            continue
        named = _named_in(prose, presentation, label)
        strong = (
            (named and (certain[name] or present[name] > 1 or first[name]))
            or (first[name] and certain[name] and not recap)
            or (not recap and certain[name] and present[name] > 1)
            or (not recap and named and _listed_in(prose, label))
        )
        if strong:
            collectivites.add(label)
        elif first[name] and not recap:
            collectivites.add(label)
            weak.add(name)
    return weak


def _named_in(prose: str, presentation: str, label: str) -> bool:
    """True when the presentation names ``label`` inside a sentence, with its capital: a proper name."""
    wanted = " ".join(fold(label).split())
    if not label[:1].isupper() or wanted not in prose:
        return False
    for match in re.finditer(rf"(?<=[a-z,/] ){re.escape(wanted)}(?![\w'-])", prose):
        if presentation[match.start()].isupper():
            return True
    return False


def _listed_in(prose: str, label: str) -> bool:
    """True when ``label`` is listed after « villes », « communes » or « collectivités » in one sentence."""
    wanted = re.escape(" ".join(fold(label).split()))
    return (
        re.search(rf"\b(?:villes?|communes?|collectivites?)\b[^.;\n]{{0,300}}[ ,]{wanted}(?![\w'-])", prose) is not None
    )


@dataclass(frozen=True, slots=True)
class RecapRow:
    """One line of the recap: ``convention`` is its number (None for the grand total); ``portee`` as in the schema.

    ``montant`` is in cents, None when nothing readable is printed; ``texte_source`` keeps what could not be read.
    """

    ligne: int
    portee: str
    convention: int | None
    libelle: str
    montant: int | None
    texte_source: str | None = None


def read_cell_amount(line: DocumentLine, cells: tuple[str, ...], account: LineAccount) -> tuple[int | None, str | None]:
    """The one amount of a row's further cells; else None, with the original text and a finding."""
    text = " ".join(cell for cell in cells if cell)
    amounts = only_amounts(clean(text))
    if amounts is not None and len(amounts) <= 1:
        return (amounts[0] if amounts else None), None
    account.say(
        "montant-illisible", line.numero, champ="montant", valeur=clean(text)[:200], attendu="un montant en euros"
    )
    return None, shown(line.texte)


def read_recap(lines: list[DocumentLine], headings: Headings, first_body: int, account: LineAccount) -> list[RecapRow]:
    """The rows of the recap, between the head of the document and ``first_body`` (a line number).

    It starts at the first numbered title that has an amount cell, and ends at the grand total, the contents, or the
    first paragraph.
    """
    rows: list[RecapRow] = []
    convention: int | None = None
    for line in lines:
        if line.numero >= first_body or is_fiche_start(line):
            break
        if line.blank or line.numero in headings.contents_lines or line.numero in account.uses:
            continue
        title = numbered(line, dashed=True) if line.tabbed else None
        if not rows and title is None:
            continue
        if not line.tabbed:
            break
        libelle = clean(line.cells[0])
        if key(libelle).startswith("total"):
            montant, source = read_cell_amount(line, line.cells[1:], account)
            rows.append(RecapRow(line.numero, "général", None, libelle, montant, source))
            account.use(line.numero, "utilisée : total publié", "total général du récapitulatif")
            break
        if not libelle:
            account.unplaced(line, "une ligne du récapitulatif n'a pas de libellé")
            continue
        montant, source = read_cell_amount(line, line.cells[1:], account)
        if title is not None:
            convention = int(title.numero)
            rows.append(RecapRow(line.numero, "convention", convention, libelle, montant, source))
            account.use(line.numero, "utilisée : total publié", f"convention {convention} du récapitulatif")
        else:
            rows.append(RecapRow(line.numero, "collectivité", convention, libelle, montant, source))
            account.use(
                line.numero, "utilisée : total publié", f"collectivité, convention {convention} du récapitulatif"
            )
    return rows
