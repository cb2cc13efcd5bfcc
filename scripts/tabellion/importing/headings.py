"""The numbered titles of a document: its contents, its piliers, its conventions, told from numbered paragraphs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from itertools import zip_longest

from tabellion.importing.lines import DocumentLine, clean, fold_chars, key, similarity

_PREFIX = r"(?i:convention(?:\s+th[ée]matique)?)\s*(?:[nN]\s*[°º]\s*)?"
_NUMBERED = re.compile(r"(?P<n>\d{1,3})\s*[-–—.]\s*(?P<titre>\S.*)", re.DOTALL)
_PREFIXED = re.compile(rf"{_PREFIX}(?P<n>\d{{1,3}})\s*[-–—.:]\s*(?P<titre>\S.*)", re.DOTALL)
_DASHED = re.compile(r"(?P<n>\d{1,3})\s*[-–—]\s*(?P<titre>\S.*)", re.DOTALL)
_PILIER = re.compile(r"(?P<n>[A-Z]{1,7})\s*[-–—.:]\s*(?P<titre>\S.*)", re.DOTALL)
#: « Pilier I : Emploi », « Pilier Emploi »; its words are folded.
_NAMED_PILIER = re.compile(
    r"pilier\s+(?:n\s*[°º]\s*)?(?:(?P<n>[ivxlc]{1,7}|\d{1,2})\s*[-:.]\s*|[-:]\s*)?(?P<titre>\S.{2,80})"
)
ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI")
_QUOTED = re.compile(r"[«“\"]\s*(.*?)\s*[»”\"]", re.DOTALL)
_PAGE_END = re.compile(r"(?:\s*[.…·_]){2,}\s*(?:\d{1,4})?\s*$|\s*\t\s*(?:\d{1,4})?\s*$")
_CONTENTS = {"sommaire", "table des matieres"}
_SUBTHEME = re.compile(r"sous\s*-?\s*thematique\s*:\s*(?P<n>\d{1,3})\s*[-.]?\s*(?P<titre>[^\t]*)")
_FICHE = re.compile(r"\s*\**convention thematique\s*:")
_LONGEST_HEADING = 300
_NEAR = 0.6


@dataclass(frozen=True, slots=True)
class Heading:
    """A numbered title and where it stands: ``numero`` is a Roman pilier or an Arabic convention number."""

    ligne: int
    numero: str
    titre: str

    @property
    def is_pilier(self) -> bool:
        """True for a pilier, False for a convention."""
        return not self.numero.isdigit()


@dataclass
class Headings:
    """The entries of the contents, and the headings of the body by their line.

    ``contents_lines`` are the lines of the contents, its title too, with what each holds;
    ``subheadings`` are the headings of the body that repeat the number of the convention above them; ``piliers`` are
    the numbers of the piliers by their title.
    """

    contents: list[Heading] = field(default_factory=list)
    contents_lines: dict[int, str] = field(default_factory=dict)
    body: dict[int, Heading] = field(default_factory=dict)
    subheadings: list[Heading] = field(default_factory=list)
    piliers: dict[str, str] = field(default_factory=dict)

    def pilier(self, line: DocumentLine) -> Heading | None:
        """The pilier that a line announces; one whose number is not told has that of its title, else the first free."""
        heading = pilier_heading(line)
        if heading is None:
            return None
        free = next((roman for roman in ROMAN if roman not in self.piliers.values()), ROMAN[-1])
        numero = heading.numero or self.piliers.get(key(heading.titre), free)
        self.piliers[key(heading.titre)] = numero
        return replace(heading, numero=numero)


def is_fiche_start(line: DocumentLine) -> bool:
    """True for the line that opens a fiche: « CONVENTION THEMATIQUE : … »."""
    return _FICHE.match(fold_chars(line.texte[:200])) is not None


def pilier_heading(line: DocumentLine) -> Heading | None:
    """The pilier that a line announces (« I - Conventions thématiques « … » », « Pilier Emploi »), in the contents or
    in the body; its number is blank where it is not told.
    """
    text = clean(line.cells[0])
    named = _NAMED_PILIER.fullmatch(_PAGE_END.sub("", fold_chars(text)))
    if named is not None and text[0].isupper() and not text.endswith((".", ";", ":", ",")):
        number, titre = named["n"] or "", text[slice(*named.span("titre"))].strip(' «»“”"')
        numero = ROMAN[int(number) - 1] if number.isdigit() and 0 < int(number) <= len(ROMAN) else number.upper()
        return Heading(line.numero, numero, titre) if titre[:1].isupper() else None
    match = _PILIER.fullmatch(text) if len(text) <= _LONGEST_HEADING else None
    opening = re.match(r"conventions? thematiques?\b", fold_chars(match["titre"])) if match else None
    if not match or not opening:
        return None
    quoted = _QUOTED.search(match["titre"])
    titre = quoted[1] if quoted else match["titre"][opening.end() :].strip(" :-–—")
    titre = _PAGE_END.sub("", titre).strip()
    return Heading(line.numero, match["n"], titre) if titre else None


def numbered(line: DocumentLine, *, dashed: bool = False) -> Heading | None:
    """The number and title of a line that begins like a convention's heading, whatever follows its first cell."""
    text = clean(line.cells[0])
    if len(text) > _LONGEST_HEADING:
        return None
    match = (_DASHED if dashed else _NUMBERED).fullmatch(text) or _PREFIXED.fullmatch(text)
    return Heading(line.numero, str(int(match["n"])), _PAGE_END.sub("", match["titre"]).strip()) if match else None


def unnumbered(title: str) -> str:
    """A convention's title without the number before it."""
    match = _NUMBERED.fullmatch(title)
    return match["titre"] if match else title


def _contents(lines: list[DocumentLine], headings: Headings) -> None:
    """Read the table of contents: numbered entries after its title, until one comes back (then the body begins)."""
    start = next((i for i, line in enumerate(lines) if key(line.texte) in _CONTENTS), None)
    if start is None:
        return
    headings.contents_lines[lines[start].numero] = "titre"
    seen: set[str] = set()
    for line in lines[start + 1 :]:
        if line.blank:
            continue
        pilier = headings.pilier(line)
        entry = pilier or numbered(line, dashed=True)
        if entry is None or entry.numero in seen or not all(re.fullmatch(r"\d{0,4}", cell) for cell in line.cells[1:]):
            return
        seen.add(entry.numero)
        if not pilier:
            entry = Heading(entry.ligne, entry.numero, re.sub(r"[\s.…]+\d{0,4}$", "", entry.titre) or entry.titre)
        headings.contents.append(entry)
        headings.contents_lines[line.numero] = entry.numero


def _evidence(lines: list[DocumentLine], headings: Headings) -> dict[str, set[str]]:
    """The titles that the document gives to each convention number elsewhere: contents, recap, fiche headers."""
    titles: dict[str, set[str]] = {}
    for entry in headings.contents:
        titles.setdefault(entry.numero, set()).add(entry.titre)
    in_front = True
    for line in lines:
        if is_fiche_start(line):
            in_front = False
        match = _SUBTHEME.search(fold_chars(line.texte[:1000]))
        if match:
            titles.setdefault(str(int(match["n"])), set()).add(line.texte[match.start("titre") : match.end("titre")])
        elif in_front and len(line.cells) > 1 and line.numero not in headings.contents_lines:
            recap = numbered(line, dashed=True)
            if recap:
                titles.setdefault(recap.numero, set()).add(recap.titre)
    return titles


def find_headings(lines: list[DocumentLine]) -> Headings:
    """Every heading of the document.

    A line without cells that begins with a number is a convention's heading only with evidence: the next line repeats
    its number (the sub-heading), or its title is near the one that the contents, the recap or the fiches give to that
    number. A numbered paragraph is not one.
    """
    headings = Headings()
    _contents(lines, headings)
    titles = _evidence(lines, headings)
    body = [line for line in lines if not line.blank and line.numero not in headings.contents_lines]
    opened: set[str] = set()
    last: Heading | None = None
    for line, following in zip_longest(body, body[1:]):
        above, last = last, None
        heading = (headings.pilier(line) or numbered(line)) if line.bare else None
        if heading is None:
            continue
        if above is not None and above.numero == heading.numero:
            headings.subheadings.append(heading)
        elif not heading.is_pilier:
            # Two numbered paragraphs in a row are told from a heading and its sub-heading by the titles of that number.
            next_heading = numbered(following) if following is not None and following.bare else None
            paired = next_heading is not None and next_heading.numero == heading.numero
            near = _PREFIXED.fullmatch(clean(line.cells[0])) is not None
            near = near or any(similarity(heading.titre, title) >= _NEAR for title in titles.get(heading.numero, ()))
            if not near and (not paired or heading.numero in opened):
                continue
            opened.add(heading.numero)
            last = heading
        headings.body[line.numero] = heading
    return headings
