"""The document cut into its parts: its headings, then one section per convention with its fiches."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from tabellion.importing.cells import only_amounts
from tabellion.importing.cover import TitlePage, read_title_page
from tabellion.importing.fiche_layout import fiche_title, label_of, opens_row
from tabellion.importing.headings import Heading, Headings, find_headings, is_fiche_start, numbered
from tabellion.importing.lines import MAX_LINE, DocumentLine, LineAccount, fold_chars, key

_PAGE = re.compile(
    r"(?:[-–—\s]*\d{1,4}[-–—\s]*|page\s*:?\s*\d{1,4}(?:\s*(?:/|sur|de)\s*\d{1,4})?|\d{1,4}\s*/\s*\d{1,4})"
)
_REPEATS = 3
_SHORTEST = 10
_FIRST_ROWS = ("axe", "objectif", "priorite", "proposition")
#: The labels that make a table without a header a fiche.
_FEWEST_LABELS, _HEADER = 3, "entete"


@dataclass
class Section:
    """A convention's part of the body: its heading, the lines before its first fiche, and its fiches' lines."""

    heading: Heading | None
    pilier: Heading | None
    lines: list[DocumentLine] = field(default_factory=list)
    fiches: list[list[DocumentLine]] = field(default_factory=list)


@dataclass
class Outline:
    """The parts of the document. ``cover`` are the lines before the body, without the contents."""

    headings: Headings
    cover: list[DocumentLine]
    sections: list[Section]
    page: TitlePage
    back: list[DocumentLine] = field(default_factory=list)
    """The lines of a recap that stands at the end, after the last fiche."""


def read_outline(lines: list[DocumentLine], account: LineAccount) -> Outline:
    """Cut the document. Blank lines, page numbers and repeated headers are accounted for on the way."""
    _set_aside(lines, account)
    content = [line for line in lines if line.numero not in account.uses]
    headings = find_headings(content)
    for number, kind in headings.contents_lines.items():
        account.use(number, "utilisée : sommaire", "titre du sommaire" if kind == "titre" else f"entrée {kind}")
    starts = [line.numero for line in content if line.numero in headings.body or is_fiche_start(line)]
    first_body = min(starts, default=len(lines) + 1)
    cover = [line for line in content if line.numero < first_body and line.numero not in headings.contents_lines]
    page = read_title_page(cover, account)
    body = [line for line in content if line.numero >= first_body]
    back = _recap_at_end(body)
    sections = _sections(body[: len(body) - len(back)], headings, cover, account)
    return Outline(headings, cover, sections, page, back)


def _recap_at_end(body: list[DocumentLine]) -> list[DocumentLine]:
    """The lines of a recap after the last fiche: rows that end with an amount, two of them numbered as conventions."""
    start = len(body)
    titles, opened = 0, len(body)
    while start and not is_fiche_start(body[start - 1]):
        line = body[start - 1]
        filled = [cell for cell in line.cells if cell]
        is_paid = len(filled) == 2 and line.tabbed and bool(only_amounts(filled[-1]))
        if line.bare and not line.tabbed and key(line.texte).startswith("recapitulati"):
            opened = start - 1
            break
        if not (line.blank or is_paid or (line.tabbed and len(filled) == 1)):
            break
        start -= 1
        if is_paid and numbered(line, dashed=True) is not None:
            titles, opened = titles + 1, start
    return body[opened:] if titles > 1 else []


def _set_aside(lines: list[DocumentLine], account: LineAccount) -> None:
    """Enter what is neither data nor text: overlong lines, page numbers."""
    for line in lines:
        if len(line.texte) > MAX_LINE:
            account.use(line.numero, "non placée", "ligne trop longue")
            account.say("ligne-trop-longue", line.numero, valeur=len(line.texte), attendu=MAX_LINE)
        elif not line.tabbed and _PAGE.fullmatch(fold_chars(line.texte).strip()):
            account.use(line.numero, "ignorée : numéro de page")


def _repeated_headers(lines: list[DocumentLine], headings: Headings, cover: list[DocumentLine]) -> set[int]:
    """The page headers: short lines without cells that print a line of the title page again, or that come back alone.

    Alone means between blank lines or page numbers; a finished sentence is text, not a header.
    """
    title_page = {key(line.texte) for line in cover[:40] if _may_be_header(line)}
    candidates = {line.numero: key(line.texte) for line in lines if _may_be_header(line)}
    counts = Counter(candidates.values())
    filled = {line.numero for line in lines if not line.blank}
    repeated: set[int] = set()
    for line in lines:
        text, numero = candidates.get(line.numero), line.numero
        if text is None or numero in headings.body or is_fiche_start(line) or opens_row(line, "sous_thematique"):
            continue
        alone = numero - 1 not in filled and numero + 1 not in filled
        if text in title_page or (alone and counts[text] >= _REPEATS):
            repeated.add(numero)
    return repeated


def _may_be_header(line: DocumentLine) -> bool:
    text = line.texte.strip()
    return not line.tabbed and _SHORTEST <= len(text) <= 120 and not text.endswith((".", ":", ";"))


def _sections(
    lines: list[DocumentLine], headings: Headings, cover: list[DocumentLine], account: LineAccount
) -> list[Section]:
    """The body: each line goes to the fiche or to the section that is open when it comes."""
    sections: list[Section] = []
    pilier: Heading | None = None
    section: Section | None = None
    repeated = _repeated_headers(lines, headings, cover)
    openings = _label_tables(lines)
    filled = [line for line in lines if not line.blank]
    titles = {line.numero for line, below in pairwise(filled) if below.numero in openings and fiche_title(line)}
    for line in lines:
        heading = headings.body.get(line.numero)
        if line.numero in repeated:
            account.use(line.numero, "ignorée : en-tête répété")
        elif heading is None:
            if section is None:
                section = Section(None, pilier)
                sections.append(section)
            if line.numero in titles:
                section.fiches.append([line])
            elif not _add(section, line, openings):
                account.unplaced(line, "un texte entre deux fiches")
        elif heading in headings.subheadings:
            detail = f"sous-titre de la convention {heading.numero}"
            account.use(line.numero, "utilisée : titre de convention", detail)
        else:
            kind = "pilier" if heading.is_pilier else "convention"
            above = pilier if heading.is_pilier else section.heading if section else None
            if above is not None and above.numero == heading.numero:
                account.use(line.numero, "ignorée : en-tête répété", f"{kind} {heading.numero}")
                continue
            account.use(line.numero, f"utilisée : titre de {kind}", heading.numero)
            if heading.is_pilier:
                pilier, section = heading, None
            else:
                section = Section(heading, pilier)
                sections.append(section)
    return sections


def _label_tables(lines: list[DocumentLine]) -> dict[int, set[str | None]]:
    """The labels of each table that is a fiche without a header, by the number of its first row, which opens it."""
    tables = dict[int, set[str | None]]()
    first = 0
    for before, line in zip([None, *lines], lines, strict=False):
        if line.tabbed and (before is None or not before.tabbed):
            first = line.numero
        label = _HEADER if is_fiche_start(line) else label_of(line)
        if line.tabbed and label is not None:
            tables.setdefault(first, set()).add(label)
    return {
        numero: labels for numero, labels in tables.items() if len(labels) >= _FEWEST_LABELS and _HEADER not in labels
    }


def _add(section: Section, line: DocumentLine, openings: Mapping[int, set[str | None]]) -> bool:
    """Add a line to the section or to its last fiche, opening one where the rows begin again.

    False for a text that has no place: it stands after the table that is a fiche.
    """
    current = section.fiches[-1] if section.fiches else []
    opening = is_fiche_start(line) or (
        line.numero in openings
        and (not current or any(label_of(before) in openings[line.numero] for before in current))
    )
    for label, rows in (("sous_thematique", _FIRST_ROWS), ("axe", ("axe",))):
        if not opening and opens_row(line, label):
            opening = not current or any(opens_row(before, name) for before in current for name in rows)
            break
    if opening:
        section.fiches.append([line])
    elif current:
        is_table = any(before.numero in openings for before in current)
        if not line.tabbed and not line.blank and is_table and current[-1].blank:
            return False
        current.append(line)
    else:
        section.lines.append(line)
    return True
