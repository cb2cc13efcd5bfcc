"""The funders' boxes: the lists that all fiches share, and each box's place in them."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from tabellion.importing.document.boxes import TickBox
from tabellion.importing.document.lines import fold, key, similarity, slug, unique

_NEAR = 0.75
SHORT_ID = 26
_LOCAL, _NATIONAL, _PRIVATE = "public local", "public national", "privé"
_WORDS = {
    _LOCAL: r"conseil|region|departement|epci|ville|commune|metropole|agglomeration",
    _NATIONAL: r"etat|union europeenne|caisse des depots|prefecture|ministere|europe\b|feder|fse",
    _PRIVATE: r"prive|cci|cma|fondation|entreprise|adherents|usagers|mecen|bailleur|chambre",
}


@dataclass(frozen=True, slots=True)
class DocumentFunder:
    """A funder of the document's lists. ``rang`` is its place over all groups (0-based), ``categorie`` its group."""

    rang: int
    financeur_id: str
    nom: str
    libelle: str
    categorie: str


def learn_funders(fiches: list[list[TickBox]]) -> list[DocumentFunder]:
    """The funders offered by the fiches' boxes, in order: the sequence of labels that most fiches have.

    A group ends at the label that comes back in several groups (« Autres »). Each label is spelled as most often.
    """
    sequences = [tuple(key(box.libelle) for box in boxes) for boxes in fiches if boxes]
    if not sequences:
        return []
    best, times = max(Counter(sequences).items(), key=lambda item: (item[1], len(item[0])))
    if times == 1 and len(sequences) > 1:
        # No two fiches agree: the usual label at each place of the usual length.
        length = Counter(map(len, sequences)).most_common(1)[0][0]
        usual = [sequence for sequence in sequences if len(sequence) == length]
        best = tuple(Counter(column).most_common(1)[0][0] for column in zip(*usual, strict=True))
    spelled: dict[str, Counter[str]] = {}
    for boxes in fiches:
        for box in boxes:
            spelled.setdefault(key(box.libelle), Counter())[box.libelle] += 1
    groups = _groups(best)
    funders: list[DocumentFunder] = []
    taken: set[str] = set()
    names: set[str] = set()
    for labels, categorie in zip(groups, _categories(groups), strict=True):
        for name in filter(None, labels):
            libelle = spelled[name].most_common(1)[0][0]
            nom = unique(f"{libelle} ({categorie})" if best.count(name) > 1 else libelle, names, " ")
            identifier = unique(_identifier(nom), taken)
            funders.append(DocumentFunder(len(funders), identifier, nom, libelle, categorie))
    return funders


def _identifier(nom: str) -> str:
    """A short stable slug; the name of a region or département is left out, so that contracts share it."""
    known = re.match(r"conseil (?:regional|departemental|general)\b", key(nom))
    return slug(known[0]) if known else slug(nom, SHORT_ID)


def _groups(labels: tuple[str, ...]) -> list[list[str]]:
    """The labels group by group: a group is closed by the label that is there several times."""
    common = Counter(labels).most_common(1)
    closing = common[0][0] if common and common[0][1] > 1 else "autres"
    groups: list[list[str]] = [[]]
    for label in labels:
        groups[-1].append(label)
        if label == closing:
            groups.append([])
    return [group for group in groups if group]


def _categories(groups: list[list[str]]) -> list[str]:
    """The category of each group: their order when there are three, else the words of their labels."""
    if len(groups) == 3:
        return [_LOCAL, _NATIONAL, _PRIVATE]
    texts = map(" ".join, groups)
    return [max(_WORDS, key=lambda name: len(re.findall(_WORDS[name], text))) for text in texts]


@dataclass(frozen=True, slots=True)
class BoxMatch:
    """What a box stands for: its funder (None when unknown), and how it was known: exact, near, or by its rank."""

    funder: DocumentFunder | None
    how: str


def match_boxes(boxes: list[TickBox], funders: list[DocumentFunder]) -> list[BoxMatch]:
    """The funder of each box of one fiche, by its label wherever it stands; « Autres » goes with its neighbours.

    Cuts the text glued after a label into the box's ``extra``.
    """
    if [key(box.libelle) for box in boxes] == [key(funder.libelle) for funder in funders]:
        return [BoxMatch(funder, "exact") for funder in funders]
    by_key: dict[str, list[DocumentFunder]] = {}
    for funder in funders:
        by_key.setdefault(key(funder.libelle), []).append(funder)
    named = [_nearest(box, by_key) for box in boxes]
    matches = [
        BoxMatch(by_key[name][0], how) if name is not None and len(by_key[name]) == 1 else BoxMatch(None, "inconnu")
        for name, how in named
    ]
    for index, (name, _) in enumerate(named):
        if name is not None and matches[index].funder is None:
            matches[index] = BoxMatch(_among(by_key[name], index, matches), "exact")
    used = {match.funder.rang for match in matches if match.funder}
    for index, match in enumerate(matches):
        if match.funder is None:
            before = matches[index - 1].funder if index else None
            after = matches[index + 1].funder if index + 1 < len(matches) else None
            rang = before.rang + 1 if before else 0
            fits = (before or not index) and (after is None or after.rang == rang + 1)
            if fits and rang < len(funders) and rang not in used:
                used.add(rang)
                matches[index] = BoxMatch(funders[rang], "rang")
    return matches


def _nearest(box: TickBox, by_key: dict[str, list[DocumentFunder]]) -> tuple[str | None, str]:
    """The canonical label of a box, and how it was known. Text after the label goes to ``extra``."""
    name = key(box.libelle)
    if name in by_key:
        return name, "exact"
    inside = [known for known in by_key if known and name.startswith(known + " ")]
    best = max(by_key, key=lambda known: similarity(name, known), default=None)
    near = similarity(name, best) if best else 0.0
    if best and near >= _NEAR and (not inside or near >= 0.9):
        return best, "near"
    if inside:
        known = max(inside, key=len)
        end = _end_of(box.libelle, known)
        box.extra = box.libelle[end:].strip(" :–—-")
        box.libelle = box.libelle[:end].strip()
        return known, "exact"
    return None, "inconnu"


def _end_of(text: str, known: str) -> int:
    """Where in ``text`` the label whose key is ``known`` ends."""
    words = len(known.split())
    for match in re.finditer(r"(?=\s|$)", fold(text)):
        if key(text[: match.start()]) == known:
            return match.start()
    return len(" ".join(text.split()[:words]))


def _among(candidates: list[DocumentFunder], index: int, matches: list[BoxMatch]) -> DocumentFunder:
    """The one of several funders of one label, in order of rank, that goes with the boxes around it."""
    before = [match.funder.rang for match in matches[:index] if match.funder]
    after = [match.funder.rang for match in matches[index:] if match.funder]
    if before:
        return ([funder for funder in candidates if funder.rang > before[-1]] or candidates)[0]
    if after:
        return ([funder for funder in candidates if funder.rang < after[0]] or candidates)[-1]
    return candidates[0]
