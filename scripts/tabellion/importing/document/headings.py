"""The headings: piliers and conventions in the table of contents and in the body."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tabellion.importing.document.lines import DocumentLine, clean, fold, key, similarity

_NUMBERED = re.compile(r"(?P<n>\d{1,3})\s*[-–—.]\s*(?P<titre>\S.*)", re.DOTALL)
_DASHED = re.compile(r"(?P<n>\d{1,3})\s*[-–—]\s*(?P<titre>\S.*)", re.DOTALL)
_PILIER = re.compile(r"(?P<n>[IVXLC]{1,7})\s*[-–—.:]\s*(?P<titre>\S.*)", re.DOTALL)
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


@dataclass
class Headings:
    """All headings found: in the contents and in the body, and the sub-headings that repeat a convention's number.

    ``marks`` says of each body line whether it is a pilier, a convention or a sub-heading.
    """

    contents: list[Heading] = field(default_factory=list)
    piliers: list[Heading] = field(default_factory=list)
    conventions: list[Heading] = field(default_factory=list)
    subheadings: list[Heading] = field(default_factory=list)
    contents_lines: dict[int, str] = field(default_factory=dict)
    marks: dict[int, Heading] = field(default_factory=dict)


def is_fiche_start(line: DocumentLine) -> bool:
    """True for the line that opens a fiche: « CONVENTION THEMATIQUE : … »."""
    return _FICHE.match(fold(line.texte[:200])) is not None


def pilier_heading(line: DocumentLine) -> Heading | None:
    """The pilier that a line announces (« I - Conventions thématiques « … » »), in the contents or in the body."""
    text = clean(line.cells[0])
    match = _PILIER.fullmatch(text) if len(text) <= _LONGEST_HEADING else None
    if not match:
        return None
    quoted = _QUOTED.search(match["titre"])
    opening = re.match(r"conventions? thematiques?\b", fold(match["titre"]))
    if not opening:
        return None
    titre = quoted[1] if quoted else match["titre"][opening.end() :].strip(" :-–—")
    titre = _PAGE_END.sub("", titre).strip()
    return Heading(line.numero, match["n"], titre) if titre else None


def numbered(line: DocumentLine, *, dashed: bool = False) -> Heading | None:
    """The number and title of a line that begins like a convention's heading, whatever follows its first cell."""
    text = clean(line.cells[0])
    match = (_DASHED if dashed else _NUMBERED).fullmatch(text) if len(text) <= _LONGEST_HEADING else None
    if not match:
        return None
    return Heading(line.numero, str(int(match["n"])), _PAGE_END.sub("", match["titre"]).strip())


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
        pilier = pilier_heading(line)
        entry = pilier or numbered(line, dashed=True)
        if entry is None or entry.numero in seen or not all(re.fullmatch(r"\d{0,4}", c) for c in line.cells[1:]):
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
        match = _SUBTHEME.search(fold(line.texte[:1000]))
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
    last: Heading | None = None
    for index, line in enumerate(body):
        if not line.bare:
            last = None
            continue
        pilier = pilier_heading(line)
        if pilier:
            headings.piliers.append(pilier)
            headings.marks[line.numero] = pilier
            last = None
            continue
        heading = numbered(line)
        if heading is None:
            last = None
            continue
        if last is not None and last.numero == heading.numero:
            headings.subheadings.append(heading)
            headings.marks[line.numero] = heading
            last = None
            continue
        following = numbered(body[index + 1]) if index + 1 < len(body) and body[index + 1].bare else None
        paired = following is not None and following.numero == heading.numero
        # Two numbered paragraphs in a row are told from a heading and its sub-heading by the titles of that number.
        near = any(similarity(heading.titre, title) >= _NEAR for title in titles.get(heading.numero, ()))
        if near or (paired and heading.numero not in {h.numero for h in headings.conventions}):
            headings.conventions.append(heading)
            headings.marks[line.numero] = heading
            last = heading
        else:
            last = None
    return headings
