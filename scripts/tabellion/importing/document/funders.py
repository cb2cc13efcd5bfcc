"""Boxes, ticks and crossed-out words; the funders' boxes: the lists that all fiches share, each box's place in them."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from tabellion.importing.document.lines import clean, fold, key, similarity, slug

EMPTY, TICKED = "☐", "☑"

_INPUT = re.compile(r"<input\b([^<>]{0,300})>", re.IGNORECASE)
_CHECKED = re.compile(r"(?:^|[\s\"'])checked(?=[\s=/\"']|$)", re.IGNORECASE)
_EMPTY = re.compile(r"[□◻▢❏❑⬜]|\[[\s_]{0,3}\](?!\()")
_TICKED = re.compile(r"[☒✓✔✗✘🗹🗷■]|\[\s?[xX✓✔]\s?\]|\(\s?[xX]\s?\)")
_TYPED_CROSS = re.compile(r"(?<![\w'’.-])[xX](?![\w'’.-])")
_STRUCK = re.compile(r"<(s|del|strike)\b[^<>]{0,100}>(.*?)</\1\s*>|~~(.+?)~~", re.IGNORECASE | re.DOTALL)
_OVERLAY = "\u0335\u0336"


def normalise_boxes(text: str) -> str:
    """``text`` with every box as ``☐`` or ``☑``: html inputs (attributes in any order and quoting), signs, brackets."""

    def box(match: re.Match[str]) -> str:
        attributes = match[1]
        kind = re.search(r"type\s*=\s*[\"']?\s*(\w+)", attributes, re.IGNORECASE)
        if kind and kind[1].lower() not in {"checkbox", "radio"}:
            return match[0]
        return TICKED if _CHECKED.search(attributes) else EMPTY

    if "<" in text:
        text = re.sub(r"</input\s*>", "", _INPUT.sub(box, text), flags=re.IGNORECASE)
    return _EMPTY.sub(EMPTY, _TICKED.sub(TICKED, text))


def has_box(text: str) -> bool:
    """True when a normalised text holds a box."""
    return EMPTY in text or TICKED in text


def typed_cross(text: str) -> re.Match[str] | None:
    """The first X typed as a word of its own (a tick made with the keyboard)."""
    return _TYPED_CROSS.search(text)


def struck_out(text: str) -> tuple[str, list[bool]]:
    """``text`` without its marks of crossing out, and for each character left whether it was crossed out.

    Read are ``<s>``, ``<del>``, ``<strike>``, ``~~…~~`` and the combining overlays U+0335 and U+0336.
    """
    chars: list[str] = []
    flags: list[bool] = []

    def take(piece: str, struck: bool) -> None:
        for char in piece:
            if char in _OVERLAY:
                if flags:
                    flags[-1] = True
                continue
            chars.append(char)
            flags.append(struck)

    position = 0
    for match in _STRUCK.finditer(text):
        take(text[position : match.start()], False)
        take(match[2] if match[2] is not None else match[3], True)
        position = match.end()
    take(text[position:], False)
    return "".join(chars), flags


def yes_no(text: str) -> tuple[bool | None, bool | None, bool]:
    """Whether OUI and NON are ticked in a normalised text, and whether a cross was typed for one of them.

    A box follows its word (« OUI ☐ NON ☐ »), or precedes it when the text begins with a box. None when the word is
    not there.
    """
    words = list(re.finditer(r"(?<!\w)(oui|non)(?!\w)", text, re.IGNORECASE))
    if not words:
        return None, None, False
    before = re.search(rf"[{EMPTY}{TICKED}]|(?<!\w)[xX](?!\w)", text[: words[0].start()]) is not None
    answers: dict[str, bool] = {}
    typed = False
    for index, word in enumerate(words):
        if before:
            start = words[index - 1].end() if index else 0
            zone = text[start : word.start()]
        else:
            end = words[index + 1].start() if index + 1 < len(words) else len(text)
            zone = text[word.end() : end]
        cross = typed_cross(zone) is not None
        typed = typed or cross
        answers[word[1].lower()] = answers.get(word[1].lower(), False) or cross or TICKED in zone
    return answers.get("oui"), answers.get("non"), typed


_BOX = re.compile(f"([{EMPTY}{TICKED}])")
_NEAR = 0.75
_SHORT_ID = 26
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


@dataclass(slots=True)
class TickBox:
    """One box and its label; ``typed`` when the tick is a typed X; ``extra`` is text glued after the label.

    ``source`` is the box and label as found; ``doubtful`` when its tick is unsure, ``rejoined`` when the label was cut.
    """

    ligne: int
    colonne: int
    libelle: str
    ticked: bool
    typed: bool = False
    extra: str = ""
    source: str = ""
    doubtful: bool = False
    rejoined: bool = False


def read_boxes(ligne: int, colonne: int, text: str) -> tuple[str, list[TickBox]]:
    """The boxes of a normalised cell, and the text before the first one.

    A typed X right after a box ticks it; so does one that stands where a box should (at the head of the cell).
    """
    pieces = _BOX.split(text)
    leading, boxes = pieces[0].strip(), []
    cross = typed_cross(leading)
    if cross and cross.start() == 0:
        label = leading[cross.end() :].strip()
        boxes.append(TickBox(ligne, colonne, clean(label), True, typed=True, source=leading))
        leading = ""
    for mark, label in zip(pieces[1::2], pieces[2::2], strict=True):
        source = f"{mark} {label.strip()}"
        label, ticked, typed = label.strip(), mark == TICKED, False
        cross = typed_cross(label)
        if cross and cross.start() == 0:
            label, typed, ticked = label[cross.end() :].strip(), not ticked, True
        boxes.append(TickBox(ligne, colonne, clean(label), ticked, typed, source=source))
    return leading, boxes


def learn_funders(fiches: list[list[TickBox]]) -> list[DocumentFunder]:
    """The funders offered by the fiches' boxes, in order: the sequence of labels that most fiches have.

    A group ends at the label that comes back in several groups (« Autres »). Each label is spelled as most often.
    """
    sequences = [tuple(key(box.libelle) for box in boxes) for boxes in fiches if boxes]
    if not sequences:
        return []
    counts = Counter(sequences)
    best, times = max(counts.items(), key=lambda item: (item[1], len(item[0])))
    if times == 1 and len(sequences) > 1:
        best = _position_modes(sequences)
    spelled: dict[str, Counter[str]] = {}
    for boxes in fiches:
        for box in boxes:
            spelled.setdefault(key(box.libelle), Counter())[box.libelle] += 1
    groups = _groups(best)
    categories = _categories([[best[i] for i in range(len(best)) if groups[i] == g] for g in range(max(groups) + 1)])
    repeated = {name for name, count in Counter(best).items() if count > 1}
    funders: list[DocumentFunder] = []
    taken: set[str] = set()
    names: set[str] = set()
    for rang, name in enumerate(best):
        if not name:
            continue
        libelle = spelled[name].most_common(1)[0][0]
        categorie = categories[groups[rang]]
        nom = f"{libelle} ({categorie})" if name in repeated else libelle
        nom, identifier = _unique(nom, names), _unique(_identifier(nom), taken, "-")
        funders.append(DocumentFunder(len(funders), identifier, nom, libelle, categorie))
    return funders


def _unique(text: str, taken: set[str], dash: str = " ") -> str:
    rank = 1
    while (candidate := text if rank == 1 else f"{text}{dash}{rank}") in taken:
        rank += 1
    taken.add(candidate)
    return candidate


def _identifier(nom: str) -> str:
    """A short stable slug; the name of a region or département is left out, so that contracts share it."""
    known = re.match(r"conseil (?:regional|departemental|general)\b", key(nom))
    return slug(known[0]) if known else slug(nom, _SHORT_ID)


def _position_modes(sequences: list[tuple[str, ...]]) -> tuple[str, ...]:
    length = Counter(map(len, sequences)).most_common(1)[0][0]
    usual = [sequence for sequence in sequences if len(sequence) == length]
    return tuple(Counter(column).most_common(1)[0][0] for column in zip(*usual, strict=True))


def _groups(labels: tuple[str, ...]) -> list[int]:
    """The group of each label: a group is closed by the label that is there several times."""
    common = Counter(labels).most_common(1)
    closing = common[0][0] if common and common[0][1] > 1 else "autres"
    groups, current = [], 0
    for index, label in enumerate(labels):
        groups.append(current)
        if label == closing and index + 1 < len(labels):
            current += 1
    return groups


def _categories(groups: list[list[str]]) -> list[str]:
    """The category of each group: their order when there are three, else the words of their labels."""
    if len(groups) == 3:
        return [_LOCAL, _NATIONAL, _PRIVATE]
    categories: list[str] = []
    for labels in groups:
        text = " ".join(labels)
        score = {name: len(re.findall(words, text)) for name, words in _WORDS.items()}
        categories.append(max(score, key=lambda name: score[name]))
    return categories


@dataclass(frozen=True, slots=True)
class BoxMatch:
    """What a box stands for: its funder (None when unknown), and how it was known: exact, near, or by its rank."""

    funder: DocumentFunder | None
    how: str


def match_boxes(boxes: list[TickBox], funders: list[DocumentFunder]) -> list[BoxMatch]:
    """The funder of each box of one fiche, by its label wherever it stands; « Autres » goes with its neighbours.

    Cuts the text glued after a label into the box's ``extra``.
    """
    by_key: dict[str, list[DocumentFunder]] = {}
    for funder in funders:
        by_key.setdefault(key(funder.libelle), []).append(funder)
    if [key(box.libelle) for box in boxes] == [key(funder.libelle) for funder in funders]:
        return [BoxMatch(funder, "exact") for funder in funders]
    matches: list[BoxMatch | None] = []
    names: list[str | None] = []
    for box in boxes:
        name, how = _nearest(box, by_key)
        names.append(name)
        alone = by_key[name] if name is not None else []
        matches.append(BoxMatch(alone[0], how) if len(alone) == 1 else None)
    for index, name in enumerate(names):
        if name is not None and matches[index] is None:
            matches[index] = BoxMatch(_among(by_key[name], index, matches), "exact")
    used = {match.funder.rang for match in matches if match and match.funder}
    for index, match in enumerate(matches):
        if match is None:
            before = matches[index - 1] if index else None
            rang = before.funder.rang + 1 if before and before.funder else 0
            after = matches[index + 1] if index + 1 < len(matches) else None
            fits = after is None or after.funder is None or after.funder.rang == rang + 1
            if rang < len(funders) and rang not in used and fits and (before is None or before.funder):
                used.add(rang)
                matches[index] = BoxMatch(funders[rang], "rang")
            else:
                matches[index] = BoxMatch(None, "inconnu")
    return [match or BoxMatch(None, "inconnu") for match in matches]


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


def _among(candidates: list[DocumentFunder], index: int, matches: list[BoxMatch | None]) -> DocumentFunder:
    """The one of several funders of one label that goes with the boxes around it."""
    for back in range(index - 1, -1, -1):
        match = matches[back]
        if match and match.funder:
            following = [funder for funder in candidates if funder.rang > match.funder.rang]
            return min(following or candidates, key=lambda funder: funder.rang)
    for ahead in range(index + 1, len(matches)):
        match = matches[ahead]
        if match and match.funder:
            preceding = [funder for funder in candidates if funder.rang < match.funder.rang]
            return max(preceding or candidates, key=lambda funder: funder.rang)
    return candidates[0]
