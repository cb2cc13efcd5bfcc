"""What is published: a contract, the part of it that is printed, and its tables in the order of the document.

The workspace's own texts (``templates/textes/``) are a part of it: paragraphs, with titles and lists as in Markdown.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from tabellion.contract.book import Book
from tabellion.findings import Finding, Place, finding
from tabellion.layout.names import document_date, sheet_key
from tabellion.measures import AMOUNTS, DETAIL, RECAP, SCOPE_CONVENTION, SCOPE_TOWN, Published, Sums, WalkStep
from tabellion.measures.financements import retained_rows
from tabellion.outputs.document.markdown import left_out
from tabellion.schema import Field
from tabellion.schema.money import format_euros
from tabellion.schema.tables import Row, grouped
from tabellion.wording import system_reason

NO_BREAK = "\u00a0"
#: Word takes no longer names of bookmarks.
_LONGEST_BOOKMARK = 40
#: The annexes, by the names that ``--annexes`` takes.
ANNEXES = ("rapprochement", "constats", "budget")
#: The workspace's own notice, in place of the program's.
NOTICE = "avertissement"
#: Who signs, one a line, for the cover; without it, the collectivités of the contract.
SIGNATORIES = "signataires"
_LOGOS = ("logo.png", "logo.jpg", "logo.jpeg")
_ENDINGS = (".md", ".txt")
#: A text of the workspace is a few paragraphs.
_LONGEST_BYTES = 1_000_000
_OF_CONVENTION = re.compile(r"convention[-_ ]?0*(\d{1,3})")
#: What starts a paragraph of its own, and the marks that Markdown puts around words in bold.
_TITLE, _BULLET = re.compile(r"#{1,6}\s+(.*)"), re.compile(r"[-*+•]\s+(.*)")
_NUMBERED = re.compile(r"\d{1,3}[.)]\s+.*")
_BOLD = re.compile(r"(\*\*|__)(?=\S)(.{1,500}?)(?<=\S)\1")
#: Files that people put in any folder.
_ELSEWHERE = ("lisezmoi", "readme")


class Paragraph(NamedTuple):
    """One paragraph of a text."""

    words: str
    is_title: bool = False


@dataclass
class Texts:
    """What was read: paragraphs, and Markdown, by name, what cannot be read, what is not printed."""

    paragraphs: dict[str, tuple[Paragraph, ...]] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    mistakes: list[Finding] = field(default_factory=list)
    unused: list[Finding] = field(default_factory=list)


@dataclass(frozen=True)
class Convention:
    """One convention: its number, its titles, and its fiches in the register's order."""

    number: int
    title: str
    short: str
    fiches: tuple[Row, ...]


class Pilier(NamedTuple):
    """One pilier and those of its conventions that are published."""

    key: str
    title: str
    conventions: tuple[Convention, ...]


@dataclass(frozen=True)
class DocumentModel:
    """A contract to publish. The exercice is that of its settings; amounts are cents.

    ``only`` are the numbers of the conventions to print (all when empty), ``texts`` the workspace's own paragraphs by
    name of file, ``findings`` the open ones, and ``made_from`` says in words what the document was made from, last
    saved on ``day``, ``None`` where nobody knows. ``annexes`` are those to print, of :data:`ANNEXES`; ``logo`` is a
    picture of the workspace, and ``sources`` are its texts as they were written, in Markdown.
    """

    contract: Book
    only: frozenset[int]
    texts: Mapping[str, Sequence[Paragraph]]
    findings: tuple[Finding, ...]
    made_from: str
    day: date | None = None
    annexes: frozenset[str] = frozenset(ANNEXES)
    logo: bytes | None = None
    sources: Mapping[str, str] = field(default_factory=dict)

    @property
    def stamp(self) -> datetime:
        """The date that the files of the document carry, so that the same contract gives the same bytes."""
        return document_date(self.contract.settings.debut) if self.day is None else datetime.combine(self.day, time())

    @property
    def exercice(self) -> int:
        """The budget year."""
        return self.contract.settings.exercice

    @cached_property
    def amounts(self) -> tuple[str, ...]:
        """The amounts that the lines of the exercice have; the last one is what the document adds up."""
        sums = self.contract.overview.of(self.exercice)
        return tuple(name for name in AMOUNTS if sums.knows(name)) or AMOUNTS[-1:]

    @cached_property
    def is_census(self) -> bool:
        """Whether published totals speak of this exercice and of what the document adds up."""
        return self.amounts[-1] == AMOUNTS[-1] and bool(
            self.contract.accounts.every_published(DETAIL, SCOPE_TOWN)
            or self.contract.accounts.every_published(RECAP, SCOPE_CONVENTION)
        )

    @cached_property
    def piliers(self) -> tuple[Pilier, ...]:
        """The piliers that have a convention to print; a convention of an unknown pilier comes last, under its key.

        Those of no pilier are under one without key nor title: a contract may have no piliers.
        """
        fiches = grouped(self.contract.tables["fiches"].rows, "convention_id")
        titles = {row["pilier_id"]: row["titre"] or "" for row in self.contract.tables["piliers"].rows}
        conventions: dict[str, list[Convention]] = {key: [] for key in titles}
        for row in self.contract.tables["conventions"].rows:
            number = row["convention_id"]
            if number is not None and (not self.only or number in self.only):
                title = row["titre"] or ""
                convention = Convention(number, title, row["titre_court"] or title, tuple(fiches.get(number, ())))
                conventions.setdefault(row["pilier_id"] or "", []).append(convention)
        return tuple(Pilier(key, titles.get(key, ""), tuple(group)) for key, group in conventions.items() if group)

    @property
    def conventions(self) -> Iterator[Convention]:
        """The conventions to print, in the document's order."""
        return (convention for pilier in self.piliers for convention in pilier.conventions)

    @property
    def fiche_count(self) -> int:
        """How many fiches are printed."""
        return sum(len(convention.fiches) for convention in self.conventions)

    # Budgets

    @cached_property
    def _lines(self) -> dict[object, list[Row]]:
        rows = self.contract.tables["lignes_budgetaires"].rows
        return grouped((row for row in rows if row["exercice"] == self.exercice), "convention_id")

    def towns(self, convention: int) -> dict[str | None, tuple[Sums, list[Row]]]:
        """The sums and lines of each collectivité that has lines or a published subtotal in a convention.

        They are in the order of the lines; those of no collectivité are under ``None``.
        """
        lines: dict[str | None, list[Row]] = {}
        for row in self._lines.get(convention, ()):
            lines.setdefault(row["collectivite_id"], []).append(row)
        for town in self.contract.accounts.towns:
            if self.published(DETAIL, SCOPE_TOWN, convention, town):
                lines.setdefault(town, [])
        where = {"exercice": self.exercice, "convention_id": convention}
        sums = self.contract.overview.sums
        return {town: (sums(**where, collectivite_id=town), rows) for town, rows in lines.items()}

    def town_name(self, town: str | None) -> str:
        """What a collectivité is called."""
        overview = self.contract.overview
        return f"Sans {overview.town.lower()}" if town is None else overview.towns.get(town, town)

    def published(
        self, source: str, scope: str, convention: int | None = None, town: str | None = None
    ) -> Published | None:
        """A total that the original document printed, in a convention (``DETAIL``) or in its recap (``RECAP``)."""
        return self.contract.accounts.published(source, scope, convention, town) if self.is_census else None

    def total(self, convention: int | None = None) -> Sums:
        """The sums of a convention, or of all those printed."""
        overview = self.contract.overview
        if convention is None and self.only:
            return sum((overview.of(self.exercice, convention.number) for convention in self.conventions), Sums())
        return overview.of(self.exercice, convention)

    # Fiches

    @cached_property
    def axes(self) -> dict[str, str]:
        """The title of each axe."""
        return {row["axe_id"]: row["titre"] or "" for row in self.contract.tables["axes"].rows}

    @cached_property
    def funders(self) -> dict[str, list[tuple[str, str]]]:
        """The financeurs (key, name) by category, in the register's order."""
        funders: dict[str, list[tuple[str, str]]] = {}
        for row in self.contract.tables["financeurs"].rows:
            key = row["financeur_id"]
            funders.setdefault(row["categorie"] or "autres", []).append((key, row["nom"] or key))
        return funders

    @cached_property
    def partners(self) -> dict[str, str]:
        """The name of each partner."""
        return self.contract.labels("partenaires")

    @cached_property
    def _of_fiches(self) -> dict[str, dict[object, list[Row]]]:
        tables = self.contract.tables.items()
        return {name: grouped(table.rows, "fiche_id") for name, table in tables if "fiche_id" in table.columns}

    def of_fiche(self, table: str, fiche: str) -> list[Row]:
        """The rows of a table that speak of a fiche; none for a table that the contract does not have."""
        return self._of_fiches.get(table, {}).get(fiche, [])

    @cached_property
    def financements(self) -> dict[object, list[Row]]:
        """The financements of each fiche that count in the exercice."""
        rows = self.contract.tables["financements"].rows
        return grouped(retained_rows(rows, self.contract.settings.exercice_finance), "fiche_id")

    def fields(self, table: str) -> list[Field]:
        """The fields of a table, in the order of the layout where it gives one."""
        schema = self.contract.schemas[table]
        return [schema.by_name[name] for name in self.contract.theme.ordered(schema)]

    # Annexes

    def is_printed(self, step: WalkStep) -> bool:
        """Whether a step from the published total to the recomputed one speaks of what is printed."""
        return not self.only or step.convention in self.only

    @cached_property
    def printed_findings(self) -> tuple[Finding, ...]:
        """The open findings that speak of what is printed, the gravest first."""
        findings = self.findings
        if self.only:
            keys = {sheet_key(letter, number) for letter in "CB" for number in self.only}
            findings = tuple(finding for finding in findings if (finding.place.feuille or "").partition(" ")[0] in keys)
        return tuple(sorted(findings, key=lambda finding: (not finding.bloquant, finding.gravite)))


def money(cents: int | None) -> str:
    """An amount as it is printed; nothing for a blank one."""
    return "" if cents is None else format_euros(cents)


def box(ticked: bool) -> str:
    """A box, and the space that holds it to its words."""
    return ("☒" if ticked else "☐") + NO_BREAK


def bookmark_name(kind: str, key: str | int) -> str:
    """A bookmark's name, made of the signs that Word allows there: letters, digits and underscores.

    Other signs become their code, so that two keys never have one name; a very long key is cut to a digest.
    """
    name = f"{kind}_" + "".join(sign if sign.isascii() and sign.isalnum() else f"_{ord(sign):x}_" for sign in str(key))
    if len(name) <= _LONGEST_BOOKMARK:
        return name
    return f"{kind}_{hashlib.sha256(str(key).encode('utf-8', 'replace')).hexdigest()[:24]}"


def text_name(number: int) -> str:
    """The name, without its ending, of the workspace's text before a convention: ``convention-03``."""
    return f"convention-{number:02d}"


def read_texts(folder: Path, conventions: Collection[int]) -> Texts:
    """Read the texts of a contract with these conventions; a file that is none of them is said, never just left."""
    texts = Texts()
    taken: dict[str, Path] = {}
    for path in sorted(folder.glob("*")):
        stem = path.stem.casefold()
        if path.name.startswith((".", "~")) or stem in _ELSEWHERE or not path.is_file():
            continue
        of_convention = _OF_CONVENTION.fullmatch(stem)
        key = text_name(int(of_convention[1])) if of_convention is not None else stem
        if path.suffix.lower() not in _ENDINGS:
            detail = "seuls les textes .md et .txt le sont"
        elif of_convention is None and stem not in (NOTICE, SIGNATORIES):
            detail = "son nom n'est celui d'aucun texte"
        elif of_convention is not None and int(of_convention[1]) not in conventions:
            detail = f"le contrat n'a pas de convention {int(of_convention[1])}"
        elif key in taken:
            detail = f"« {taken[key].name} » l'est déjà à cette place"
        else:
            taken[key] = path
            continue
        texts.unused.append(finding("texte-inutilise", Place(str(path)), valeur=path.name, detail=detail))
    for key, path in taken.items():
        try:
            if path.stat().st_size > _LONGEST_BYTES:
                raise ValueError("il est trop long")
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, ValueError) as error:
            detail = "il n'est pas en UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
            detail = system_reason(error) if isinstance(error, OSError) else detail
            texts.mistakes.append(finding("texte-illisible", Place(str(path)), valeur=path.name, detail=detail))
            continue
        texts.paragraphs[key], texts.sources[key] = tuple(paragraphs(text)), text
        texts.unused += [
            finding("texte-non-repris", Place(str(path)), valeur=path.name, detail=words) for words in left_out(text)
        ]
    return texts


def read_logo(folder: Path) -> bytes | None:
    """The picture of the cover, ``templates/logo.png`` or ``.jpg``, where the workspace has one."""
    for name in _LOGOS:
        path = folder / name
        if path.is_file() and path.stat().st_size <= _LONGEST_BYTES:
            return path.read_bytes()
    return None


def paragraphs(text: str) -> Iterator[Paragraph]:
    """The paragraphs of a text: a blank line ends one, and so does a title or an item of a list."""
    held: list[str] = []

    def flush() -> Iterator[Paragraph]:
        if held:
            yield Paragraph(_plain(" ".join(held)))
        held.clear()

    for line in map(str.strip, text.splitlines()):
        title, bullet = _TITLE.fullmatch(line), _BULLET.fullmatch(line)
        if title is not None or bullet is not None or _NUMBERED.fullmatch(line) is not None or not line:
            yield from flush()
        if title is not None:
            yield Paragraph(_plain(title[1].rstrip("# \t")), is_title=True)
        elif line:
            held.append(line if bullet is None else f"•\u00a0{bullet[1]}")
    yield from flush()


def _plain(words: str) -> str:
    return _BOLD.sub(r"\2", words)
