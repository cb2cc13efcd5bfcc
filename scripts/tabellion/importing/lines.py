"""Bytes to lines, the ways in which two texts are held to be the same, and the account of what each line became."""

from __future__ import annotations

import difflib
import html
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple, NoReturn

from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.wording import without_invisible

MAX_BYTES = 50_000_000
"""Largest document read, in bytes (the limit of a file from outside, DESIGN.md §8)."""

MAX_LINE = 20_000
"""Longest line read, in characters; a longer one is reported and left aside."""

_MAGIC = {
    b"PK\x03\x04": "un classeur ou un document Office (zip)",
    b"%PDF": "un PDF",
    b"\xd0\xcf\x11\xe0": "un ancien document Office",
    b"{\\rtf": "un document RTF",
    b"\x89PNG": "une image",
    b"\xff\xd8\xff": "une image",
    b"\x1f\x8b": "une archive",
}
#: Letters that a PDF joins in one sign, and the letters that people read there.
_LIGATURES = {point: unicodedata.normalize("NFKC", chr(point)) for point in range(0xFB00, 0xFB07)}
_PAID = re.compile(r"(?<![\d,.])\d[\d \u00a0\u202f.,]*€[ |;]*$")
#: What stands between the cells of a table where its tabulations were lost.
_EDGES = re.compile(r"^\s*\|(.*)\|\s*$")
_SEPARATORS = (r"[ ]*\|[ ]*", r"[ ]*;[ ]*", r"[ ]{3,}")
_TAG = re.compile(r"</?[A-Za-z][A-Za-z0-9]{0,10}(?:\s[^<>]{0,200})?/?>")
_ENTITY = re.compile(r"&(?:[a-zA-Z]{2,8}|#\d{1,6}|#x[0-9a-fA-F]{1,6});")
_DIACRITIC_SAME = {0x2019: "'", 0x2018: "'", 0x02BC: "'", 0x2013: "-", 0x2014: "-", 0x2212: "-", 0x2011: "-"}


class _FoldTable(dict[int, str]):
    """Translation table, filled on demand: one folded character for each character, so that positions stay."""

    def __missing__(self, point: int) -> str:
        char = chr(point)
        folded = " " if char.isspace() and char != "\t" else unicodedata.normalize("NFD", char)[0].lower()[0]
        self[point] = folded
        return folded


_FOLD = _FoldTable(_DIACRITIC_SAME)


Record = dict[str, Any]
"""A row of a table under construction: values by the fields of its schema, in their order."""


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """One line of the document: its one-based number, its text, and its cells (split at tabs, outer spaces off)."""

    numero: int
    texte: str
    cells: tuple[str, ...]

    @property
    def blank(self) -> bool:
        """True when no cell holds anything."""
        return not any(self.cells)

    @property
    def bare(self) -> bool:
        """True when nothing stands after the first cell: a heading or a paragraph, not a table row."""
        return not any(self.cells[1:])

    @property
    def tabbed(self) -> bool:
        """True when the line holds a tab, even a trailing one."""
        return len(self.cells) > 1


def decode(data: bytes, fichier: str) -> tuple[str, list[Finding]]:
    """The document's text, and the notices about its encoding.

    UTF-8 (with or without a byte order mark) is expected; Windows-1252 is accepted and said. Line ends become
    ``\\n``. What is spelt in ways that look alike is one text: accents composed (NFC), the ligatures of a PDF as their
    letters, nothing that shows nothing. Raises :class:`TabellionError` for what is empty, too large, binary, or in
    another encoding.
    """
    place = Place(fichier=fichier)

    def refuse(code: str, **words: Any) -> NoReturn:
        raise TabellionError([finding(code, place, **words)])

    if len(data) > MAX_BYTES:
        refuse("document-trop-gros", valeur=len(data), attendu=MAX_BYTES, mo=MAX_BYTES // 1_000_000)
    for magic, nature in _MAGIC.items():
        if data.startswith(magic):
            refuse("document-binaire", nature=nature)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        refuse("document-encodage", valeur="UTF-16")
    if b"\x00" in data:
        refuse("document-binaire", nature="un fichier binaire (octets nuls)")
    notices: list[Finding] = []
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = data.decode("cp1252")
        except UnicodeDecodeError:
            refuse("document-encodage", valeur="encodage inconnu")
        notices.append(finding("document-windows-1252", place, valeur="Windows-1252", attendu="UTF-8"))
    text = without_invisible(text.replace("\r\n", "\n").replace("\r", "\n"))
    text = _tabbed(unicodedata.normalize("NFC", text.translate(_LIGATURES)))
    if not text.strip():
        refuse("document-vide")
    if sum(1 for char in text[:20_000] if ord(char) < 32 and char not in "\n\t\f\v") > 20:
        refuse("document-binaire", nature="un fichier binaire")
    return text, notices


def _tabbed(text: str) -> str:
    """``text`` with tabulations between its cells, where bars, semicolons or many spaces stand for them.

    They do where no line has a tabulation, and most of the amounts at the end of a line follow one.
    """
    if "\t" in text:
        return text
    paid = [line for line in text.split("\n") if _PAID.search(line)]
    for separator in _SEPARATORS:
        if paid and sum(re.search(rf"\S{separator}{_PAID.pattern}", line) is not None for line in paid) * 2 > len(paid):
            return "\n".join(re.sub(separator, "\t", _EDGES.sub(r"\1", line)) for line in text.split("\n"))
    return text


def split_lines(text: str) -> list[DocumentLine]:
    """The lines of ``text`` in order, numbered from 1. A final line end does not open a further line."""
    return [
        DocumentLine(number, line, tuple(cell.strip() for cell in line.split("\t")) if len(line) <= MAX_LINE else ("",))
        for number, line in enumerate(text.removesuffix("\n").split("\n"), start=1)
    ]


def clean(text: str) -> str:
    """``text`` as a value: html leftovers, ``**`` and outer spaces off, inner text untouched."""
    if "<" in text:
        text = _TAG.sub("", text)
    if "&" in text:
        text = _ENTITY.sub(lambda match: html.unescape(match.group()), text)
    return text.replace("**", "").strip()


def fold_chars(text: str) -> str:
    """``text`` without case or accents, quotes and dashes made plain, character by character.

    Unlike :func:`tabellion.wording.fold`, as long as ``text``: a place found in one is the same place in the other.
    """
    return text.translate(_FOLD)


@lru_cache(maxsize=20_000)
def key(text: str) -> str:
    """What two texts share when they differ only in case, accents, quotes, spaces, dashes or a final dot."""
    folded = fold_chars(clean(text)).replace("œ", "oe").replace("æ", "ae")
    return " ".join(re.sub(r"['\"«»“”\-\t]", " ", folded).split()).strip(" .…:")


def short_slug(text: str, limit: int = 60) -> str:
    """``text`` as a stable identifier: lower case letters and digits joined by dashes, at most ``limit`` characters.

    Cut at a word; ``x`` when nothing is left.
    """
    words = re.findall(r"[a-z0-9]+", key(text))
    while len(words) > 1 and len("-".join(words)) > limit:
        words.pop()
    while len(words) > 1 and words[-1] in {"de", "des", "du", "la", "le", "les", "l", "d", "et", "a", "en"}:
        words.pop()
    return "-".join(words)[: max(limit, 1)].strip("-") or "x"


def unique(text: str, taken: set[str], dash: str = "-") -> str:
    """``text``, else the first of ``text-2``, ``text-3``… that is not ``taken``; it is then."""
    candidate, rank = text, 1
    while candidate in taken:
        rank += 1
        candidate = f"{text}{dash}{rank}"
    taken.add(candidate)
    return candidate


@lru_cache(maxsize=20_000)
def similarity(first: str, second: str) -> float:
    """How near two texts are, from 0 to 1, on their keys (first 300 characters)."""
    left, right = key(first)[:300], key(second)[:300]
    if left == right:
        return 1.0
    return difflib.SequenceMatcher(None, left, right, autojunk=False).ratio()


def shown(text: str) -> str:
    """A line's text for a finding or a ``texte_source``: tabs made visible as ``|``, repeated ones made one."""
    return re.sub(r"[ ]*(?:\t[ ]*)+", " | ", text.strip()).strip()


UNPLACED = "non placée"
FEW = 3
"""So many signs may be unread in any document: its tables have accidents of their own, each with its finding."""
FAR = 7
"""Where one sign in so many found no place, nothing is written."""


class LineUse(NamedTuple):
    """What one line of the document became.

    ``ligne`` is one-based; ``usage`` a short French category ("utilisée : …", "ignorée : …", "non placée"); ``detail``
    names the row it became (a fiche, a budget line, a total), never the text itself.
    """

    ligne: int
    usage: str
    detail: str


@dataclass
class LineAccount:
    """Findings and line uses of one reading; every line is entered once, the first entry stands."""

    fichier: str
    findings: list[Finding] = field(default_factory=list)
    uses: dict[int, LineUse] = field(default_factory=dict)

    def say(self, code: str, ligne: int | None, *, liees: Iterable[int] = (), **words: Any) -> None:
        """Add a finding at ``ligne`` (one-based); ``liees`` are other lines, ``words`` what :func:`finding` takes."""
        place = Place(fichier=self.fichier, ligne=ligne)
        others = [Place(fichier=self.fichier, ligne=other) for other in liees]
        self.findings.append(finding(code, place, liees=others, **words))

    def use(self, ligne: int, usage: str, detail: str = "") -> None:
        """Enter what line ``ligne`` became, unless it is entered already."""
        self.uses.setdefault(ligne, LineUse(ligne, usage, detail))

    def unplaced(self, line: DocumentLine, raison: str) -> None:
        """Enter a line that has no place, with the finding that shows it."""
        if line.numero not in self.uses:
            self.use(line.numero, UNPLACED, raison)
            self.say("ligne-non-placee", line.numero, valeur=shown(line.texte)[:500], raison=raison)

    def complete(self, lines: list[DocumentLine]) -> tuple[LineUse, ...]:
        """One entry per line, in order; a line that nothing took is unplaced, with its finding."""
        for line in lines:
            if line.numero not in self.uses:
                self.unplaced(line, "aucune partie du document ne l'a reconnue")
        return tuple(self.uses[line.numero] for line in lines)
