"""The document cut into its parts: head, recap, contents, then one section per convention with its fiches."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from tabellion.importing.document.headings import Heading, Headings, find_headings, is_fiche_start
from tabellion.importing.document.layout import opens_row
from tabellion.importing.document.lines import MAX_LINE, DocumentLine, LineAccount, clean, fold, key

_PAGE = re.compile(
    r"(?:[-–—\s]*\d{1,4}[-–—\s]*|page\s*:?\s*\d{1,4}(?:\s*(?:/|sur|de)\s*\d{1,4})?|\d{1,4}\s*/\s*\d{1,4})"
)
_PERIOD = re.compile(r"(?<!\d)(20\d\d)\s*(?:-|/|a|au)\s*(20\d\d)(?!\d)")
_CENSUS = re.compile(r"\bexercices?\s+(?:budgetaires?\s+|comptables?\s+)?(20\d\d)(?!\d)")
_REPEATS = 3
_SHORTEST = 10
_FIRST_ROWS = ("axe", "objectif", "priorite", "proposition")


@dataclass
class Section:
    """A convention's part of the body: its headings, the lines before its first fiche, and its fiches' lines."""

    heading: Heading | None
    pilier: Heading | None
    subheading: Heading | None = None
    lines: list[DocumentLine] = field(default_factory=list)
    fiches: list[list[DocumentLine]] = field(default_factory=list)


@dataclass
class Outline:
    """The parts of the document. ``front`` are the lines before the body, without the contents."""

    headings: Headings
    front: list[DocumentLine]
    sections: list[Section]
    first_body: int
    titre: str | None
    debut: int | None
    fin: int | None


def read_outline(lines: list[DocumentLine], account: LineAccount) -> Outline:
    """Cut the document. Blank lines, page numbers and repeated headers are entered in the ledger on the way."""
    _set_aside(lines, account)
    content = [line for line in lines if line.numero not in account.uses]
    headings = find_headings(content)
    for number, what in headings.contents_lines.items():
        account.use(number, "utilisée : sommaire", "titre du sommaire" if what == "titre" else f"entrée {what}")
    starts = [line.numero for line in content if line.numero in headings.marks or is_fiche_start(line)]
    first_body = min(starts, default=len(lines) + 1)
    front = [line for line in content if line.numero < first_body and line.numero not in headings.contents_lines]
    titre, debut, fin = _title(front, account)
    sections = _sections([line for line in content if line.numero >= first_body], headings, front, account)
    return Outline(headings, front, sections, first_body, titre, debut, fin)


def _set_aside(lines: list[DocumentLine], account: LineAccount) -> None:
    """Enter what is neither data nor text: overlong lines, page numbers."""
    for line in lines:
        if len(line.texte) > MAX_LINE:
            account.use(line.numero, "non placée", "ligne trop longue")
            account.say("ligne-trop-longue", line.numero, valeur=len(line.texte), attendu=MAX_LINE)
        elif not line.tabbed and _PAGE.fullmatch(fold(line.texte).strip()) and any(c.isdigit() for c in line.texte):
            account.use(line.numero, "ignorée : numéro de page")


def _title(front: list[DocumentLine], account: LineAccount) -> tuple[str | None, int | None, int | None]:
    """The contract's title and period, from the lines before the first table or paragraph of the document."""
    titre: str | None = None
    debut = fin = None
    for line in front:
        if line.tabbed:
            break
        text = clean(line.texte)
        if not text:
            continue
        if len(text) <= 200 and "contrat de ville" in fold(text):
            titre = text
            account.use(line.numero, "utilisée : titre du contrat")
        period = _PERIOD.search(fold(text))
        if period and debut is None:
            debut, fin = int(period[1]), int(period[2])
        if titre:
            break
    if titre is None:
        first = next((line for line in front if not line.blank), None)
        if first is not None and not first.tabbed and len(first.texte) <= 200:
            titre = clean(first.texte)
            account.use(first.numero, "utilisée : titre du contrat")
    if debut is None:
        account.say("periode-introuvable", front[0].numero if front else None)
    return titre, debut, fin


def census_year(lines: list[DocumentLine], outline: Outline, account: LineAccount) -> int | None:
    """The exercice of the census, as the text names it (« l'exercice 2013 »).

    Several years: the most frequent, and a finding. None named: the year before the contract begins, the last one that
    its authors could count, and a finding; None when even that is unknown.
    """
    years: Counter[int] = Counter()
    first: dict[int, int] = {}
    for line in lines:
        if line.tabbed:
            continue
        for match in _CENSUS.finditer(fold(line.texte)):
            years[int(match[1])] += 1
            first.setdefault(int(match[1]), line.numero)
    if years:
        year = max(years, key=lambda y: (years[y], -first[y]))
        if len(years) > 1:
            named = ", ".join(str(y) for y in sorted(years))
            account.say("exercice-double", first[year], champ="exercice", valeur=named, attendu=year)
        return year
    year_before = outline.debut - 1 if outline.debut else None
    account.say("exercice-introuvable", None, champ="exercice", attendu=year_before, retenu=year_before or "aucun")
    return year_before


def _repeated_headers(lines: list[DocumentLine], headings: Headings, front: list[DocumentLine]) -> set[int]:
    """The page headers: short lines without cells that print a line of the title page again, or that come back alone.

    Alone means between blank lines or page numbers; a finished sentence is text, not a header.
    """
    title_page = {key(line.texte) for line in front[:40] if _may_be_header(line)}
    counts = Counter(key(line.texte) for line in lines if _may_be_header(line))
    filled = {line.numero for line in lines if not line.blank}
    repeated: set[int] = set()
    for line in lines:
        if not _may_be_header(line) or line.numero in headings.marks or is_fiche_start(line):
            continue
        if opens_row(line, "sous_thematique"):
            continue
        alone = line.numero - 1 not in filled and line.numero + 1 not in filled
        if key(line.texte) in title_page or (alone and counts[key(line.texte)] >= _REPEATS):
            repeated.add(line.numero)
    return repeated


def _may_be_header(line: DocumentLine) -> bool:
    text = line.texte.strip()
    return not line.tabbed and _SHORTEST <= len(text) <= 120 and not text.endswith((".", ":", ";"))


def _sections(
    lines: list[DocumentLine], headings: Headings, front: list[DocumentLine], account: LineAccount
) -> list[Section]:
    """The body: each line goes to the fiche or to the section that is open when it comes."""
    sections: list[Section] = []
    pilier: Heading | None = None
    section: Section | None = None
    in_fiche = False
    piliers = {heading.ligne for heading in headings.piliers}
    subs = {heading.ligne for heading in headings.subheadings}
    repeated = _repeated_headers(lines, headings, front)
    for line in lines:
        mark = headings.marks.get(line.numero)
        if line.numero in repeated:
            account.use(line.numero, "ignorée : en-tête répété")
        elif mark is not None and mark.ligne in piliers:
            if pilier is not None and pilier.numero == mark.numero:
                account.use(line.numero, "ignorée : en-tête répété", f"pilier {mark.numero}")
                continue
            pilier, section, in_fiche = mark, None, False
            account.use(line.numero, "utilisée : titre de pilier", mark.numero)
        elif mark is not None and mark.ligne in subs:
            if section is not None and section.subheading is None:
                section.subheading = mark
            account.use(line.numero, "utilisée : titre de convention", f"sous-titre de la convention {mark.numero}")
        elif mark is not None:
            if section is not None and section.heading is not None and section.heading.numero == mark.numero:
                account.use(line.numero, "ignorée : en-tête répété", f"convention {mark.numero}")
                continue
            section, in_fiche = Section(mark, pilier), False
            sections.append(section)
            account.use(line.numero, "utilisée : titre de convention", mark.numero)
        else:
            if section is None:
                section = Section(None, pilier)
                sections.append(section)
            in_fiche = _add(section, line, in_fiche)
    return sections


def _add(section: Section, line: DocumentLine, in_fiche: bool) -> bool:
    """Add a line to the section; True when it belongs to a fiche, opening one where the rows begin again."""
    current = section.fiches[-1] if in_fiche else []
    if is_fiche_start(line):
        opening = True
    elif opens_row(line, "sous_thematique"):
        opening = not in_fiche or any(opens_row(before, name) for before in current for name in _FIRST_ROWS)
    else:
        axe = opens_row(line, "axe")
        opening = axe and (not in_fiche or any(opens_row(before, "axe") for before in current))
    if opening:
        section.fiches.append([line])
        return True
    if in_fiche:
        current.append(line)
        return True
    section.lines.append(line)
    return False
