"""The funders: the lists that all fiches share, each box's place in them, and the rows where the boxes stand."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from tabellion.importing.cells import (
    TYPED_CROSS,
    TickBox,
    after_cross,
    find_amounts,
    has_box,
    normalise_boxes,
    parse_amount,
    read_boxes,
)
from tabellion.importing.fiche_layout import FUNDERS, FicheLayout
from tabellion.importing.lines import clean, fold_chars, key, short_slug, similarity, unique
from tabellion.importing.words import LOCAL, NATIONAL, PRIVATE, category_of

_NEAR = 0.75
SHORT_ID = 26
_DISPOSITIF = re.compile(
    r"\s*dispositifs?\s*/\s*(?P<bop>bop\b)?\s*:?\s*|\s*dispositifs?\s+(?P<bop2>bop\b)\s*:?\s*|\s*dispositifs?\s*$"
)
_BOP = re.compile(r"\s*bop\b\s*:?\s*")
_MONTANT = re.compile(
    r"montants?\s*\(\s*€\s*\)(?P<fin>\s*a titre indicatif)?\s*:?\s*|montants? a titre indicatif\s*:?\s*"
)
_INDICATIF = re.compile(r"\s*a titre indicatif\s*:?\s*")

STATUSES = (
    ("à négocier", re.compile(r"\b(?:a negocier|en negociation|negociation)\b")),
    ("à calculer", re.compile(r"\ba calculer\b")),
    ("non déterminé", re.compile(r"\b(?:non determinee?s?|indeterminee?s?|a determiner|a definir)\b")),
)
"""The states of an amount, by the (folded) words that say them."""


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
            identifier = unique(funder_identifier(nom), taken)
            funders.append(DocumentFunder(len(funders), identifier, nom, libelle, categorie))
    return funders


def funder_identifier(nom: str) -> str:
    """A short stable slug; the name of a region or département is left out, so that contracts share it."""
    known = re.match(r"conseil (?:regional|departemental|general)\b", key(nom))
    return short_slug(known[0]) if known else short_slug(nom, SHORT_ID)


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
        return [LOCAL, NATIONAL, PRIVATE]
    return [category_of(" ".join(group)) for group in groups]


#: What a box stands for: its funder (None when unknown), and how it was known: exact, near, or by its rank.
BoxMatch = tuple[DocumentFunder | None, str]


def match_boxes(boxes: list[TickBox], funders: list[DocumentFunder]) -> list[BoxMatch]:
    """The funder of each box of one fiche, by its label wherever it stands; « Autres » goes with its neighbours.

    Cuts the text glued after a label into the box's ``extra``.
    """
    if [key(box.libelle) for box in boxes] == [key(funder.libelle) for funder in funders]:
        return [(funder, "exact") for funder in funders]
    by_key: dict[str, list[DocumentFunder]] = {}
    for funder in funders:
        by_key.setdefault(key(funder.libelle), []).append(funder)
    named = [_nearest(box, by_key) for box in boxes]
    matches: list[BoxMatch] = [
        (by_key[name][0], how) if name is not None and len(by_key[name]) == 1 else (None, "inconnu")
        for name, how in named
    ]
    for index, (name, _) in enumerate(named):
        if name is not None and matches[index][0] is None:
            matches[index] = _among(by_key[name], index, matches), "exact"
    used = {funder.rang for funder, _ in matches if funder}
    for index, (known, _) in enumerate(matches):
        if known is None:
            before = matches[index - 1][0] if index else None
            after = matches[index + 1][0] if index + 1 < len(matches) else None
            rang = before.rang + 1 if before else 0
            fits = (before or not index) and (after is None or after.rang == rang + 1)
            if fits and rang < len(funders) and rang not in used:
                used.add(rang)
                matches[index] = funders[rang], "rang"
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
    for match in re.finditer(r"(?=\s|$)", fold_chars(text)):
        if key(text[: match.start()]) == known:
            return match.start()
    return len(" ".join(text.split()[:words]))


def _among(candidates: list[DocumentFunder], index: int, matches: list[BoxMatch]) -> DocumentFunder:
    """The one of several funders of one label, in order of rank, that goes with the boxes around it."""
    before = [funder.rang for funder, _ in matches[:index] if funder]
    after = [funder.rang for funder, _ in matches[index:] if funder]
    if before:
        return ([funder for funder in candidates if funder.rang > before[-1]] or candidates)[0]
    if after:
        return ([funder for funder in candidates if funder.rang < after[0]] or candidates)[-1]
    return candidates[0]


@dataclass(frozen=True, slots=True)
class BoxText:
    """A text beside the boxes: its line, its column, the ``role`` its header gives it if one was glued to it."""

    ligne: int
    colonne: int
    texte: str
    role: str | None = None
    glued: bool = False


@dataclass
class FunderRow:
    """One line of the funders' part: its boxes, its texts, and the texts found before a first box."""

    ligne: int
    boxes: list[TickBox] = field(default_factory=list)
    values: list[BoxText] = field(default_factory=list)
    leading: list[tuple[int, BoxText]] = field(default_factory=list)
    box_column: int | None = None


def read_rows(layout: FicheLayout) -> list[FunderRow]:
    """The funders' rows of a fiche, line by line, before anything is known of the funders' labels."""
    rows: dict[int, FunderRow] = {}
    awaited: set[str] = set()
    for fragment in layout.texts(FUNDERS):
        ligne, colonne = fragment.ligne, fragment.colonne
        row = rows.setdefault(ligne, FunderRow(ligne))
        text = normalise_boxes(fragment.texte)
        if has_box(text) or after_cross(text) is not None:
            leading, boxes = read_boxes(ligne, colonne, text)
            if leading:
                row.leading.append((len(row.boxes), BoxText(ligne, colonne, clean(leading))))
            row.boxes.extend(boxes)
            if row.box_column is None:
                row.box_column = colonne
        else:
            row.values.extend(_values(ligne, colonne, text, awaited))
    return list(rows.values())


def _values(ligne: int, colonne: int, text: str, awaited: set[str]) -> list[BoxText]:
    """A cell without box, its header words taken off; ``awaited`` are the header's last words, still to come."""
    folded, values = fold_chars(text), []
    montant = _MONTANT.search(folded)
    left = text if montant is None else text[: montant.start()]
    left_folded = folded[: len(left)]
    dispositif = _DISPOSITIF.match(left_folded)
    bop = _BOP.match(left_folded) if "bop" in awaited else None
    indicatif = _INDICATIF.match(left_folded) if "indicatif" in awaited else None
    opened = dispositif or bop or indicatif
    value = clean(left[opened.end() :] if opened else left)
    if value:
        role = "montant" if indicatif else "dispositif" if opened or montant else None
        values.append(BoxText(ligne, colonne, value, role, glued=bool(opened or montant)))
    if bop or (dispositif and (dispositif["bop"] or dispositif["bop2"])):
        awaited.discard("bop")
    elif dispositif:
        awaited.add("bop")
    if indicatif:
        awaited.discard("indicatif")
    if montant is not None:
        value = clean(text[montant.end() :])
        if value:
            values.append(BoxText(ligne, colonne, value, "montant", glued=True))
        if "indicatif" in montant[0]:
            awaited.discard("indicatif")
        else:
            awaited.add("indicatif")
    return values


def resolve(rows: list[FunderRow], funders: list[DocumentFunder]) -> list[FunderRow]:
    """The rows once the funders' labels are known: labels cut over two lines rejoined, crosses inside a label read,
    labels that lost their box found again, and the other texts put with the values.
    """
    labels = {key(funder.libelle) for funder in funders}
    resolved: list[FunderRow] = []
    for row in rows:
        last = resolved[-1].boxes[-1] if resolved and resolved[-1].boxes else None
        continues = False
        for position, value in reversed(row.leading):
            before = row.boxes[position - 1] if position else last
            if _completes(before, value.texte, labels):
                continues = continues or position == 0
            elif key(value.texte) in labels:
                row.boxes.insert(position, TickBox(row.ligne, value.colonne, value.texte, False, doubtful=True))
            else:
                row.values.insert(0, BoxText(value.ligne, value.colonne, value.texte, "dispositif", glued=True))
        row.leading = []
        row.values = [value for value in row.values if value.role or not _completes(last, value.texte, labels)]
        row.boxes = [piece for box in row.boxes for piece in _crosses(box, labels)]
        if continues:
            # The line break fell inside a label: the two lines are one row of the table.
            resolved[-1].boxes.extend(row.boxes)
            resolved[-1].values.extend(row.values)
        else:
            resolved.append(row)
    return resolved


def _completes(box: TickBox | None, text: str, labels: set[str]) -> bool:
    """Join ``text`` to the label of ``box`` when the two make a known label that the box alone is not."""
    if box is None or key(box.libelle) in labels:
        return False
    joined = f"{box.libelle} {text}"
    if key(joined) not in labels:
        return False
    box.source = f"{box.libelle} / {text}"
    box.libelle, box.rejoined = joined, True
    return True


def _crosses(box: TickBox, labels: set[str]) -> list[TickBox]:
    """A box whose label holds a typed X: the X ticks the label after it, when both are known; alone, it is doubtful."""
    cross = TYPED_CROSS.search(box.libelle)
    if cross is None or key(box.libelle) in labels:
        return [box]
    left, right = box.libelle[: cross.start()].strip(), box.libelle[cross.end() :].strip()
    if key(left) not in labels:
        return [box]
    if key(right) in labels:
        return [
            TickBox(box.ligne, box.colonne, left, box.ticked, box.typed),
            TickBox(box.ligne, box.colonne, right, True, typed=True, source=box.source),
        ]
    return [TickBox(box.ligne, box.colonne, left, box.ticked, box.typed, extra=right, doubtful=not right)]


def _looks_like_amount(text: str) -> bool:
    """True for a text that is an amount, or opens with an amount or with one of its states."""
    amounts, folded = find_amounts(text[:60]), fold_chars(text)
    if parse_amount(text) is not None or (amounts and amounts[0].start == 0):
        return True
    return any((match := pattern.search(folded)) and match.start() == 0 for _, pattern in STATUSES)


def roles(row: FunderRow) -> tuple[str | None, str | None]:
    """The row's dispositif and amount texts.

    A header glued to a text decides; then the place: the first text after the boxes is the dispositif, the last the
    amount.
    """
    dispositif = [value.texte for value in row.values if value.role == "dispositif"]
    montant = [value.texte for value in row.values if value.role == "montant"]
    free = [value for value in row.values if value.role is None]
    base = row.box_column if row.box_column is not None else 1
    if len(free) == 1 and not dispositif:
        amount = _looks_like_amount(free[0].texte) or free[0].colonne - base > 1
        (montant if amount and not montant else dispositif).append(free[0].texte)
    elif free:
        dispositif.extend(value.texte for value in free[:-1])
        montant.append(free[-1].texte)
    return " ".join(dispositif) or None, " ".join(montant) or None
