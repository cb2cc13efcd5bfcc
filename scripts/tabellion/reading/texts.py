"""The texts of a workbook: runs joined, phonetic guides left out, what is struck out noted; the notes on cells."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import chain, count

from tabellion.addresses import cell_name, parse_cell
from tabellion.layout.names import ANNOTATOR, BEFORE_REMARKS
from tabellion.reading.archive import PackageParts
from tabellion.reading.limits import LIMITS, Limits, refusal
from tabellion.reading.plain_xml import SIMPLE_TEXTS, TEXT_END, gaps, written_out
from tabellion.reading.raw import CellAddress
from tabellion.reading.xml_parts import MAIN, elements, parse, too_deep, unescaped

_SPACE = "http://www.w3.org/XML/1998/namespace space"
_BLANKS = " \t\r\n"
TRUE = ("1", "true")
#: The numbers of the first shared texts, as cells write them: no workbook has to make them again.
_NUMBERS = tuple(b"%d" % number for number in range(10_000))
#: The elements that are read, by the parser's name of them; a shared text (si) is written as one in a cell (is).
NAMES = {
    f"{namespace} {name}": "is" if name == "si" else name
    for namespace in MAIN
    for name in ("sheetData", "row", "c", "f", "v", "is", "si", "t", "rPh", "strike", "col", "mergeCell")
}


class TextReader:
    """Reads texts: runs are joined, phonetic guides left out, spaces around a run kept where the file says so."""

    def __init__(self, part: str, limits: Limits) -> None:
        self.part, self.limits = part, limits
        self.depth = 0
        self.pieces: list[str] = []
        self.runs: list[str] = []
        self.phonetic = False
        self.preserve = False
        self.is_struck = self.is_run_struck = False
        self.marked: list[str] = []
        self.texts: list[str] = []
        self.struck: dict[bytes, str] = {}

    def read_texts(self, match: re.Match[bytes]) -> bool:
        """Read simple shared texts."""
        self.is_struck = False
        content, start = match[0].decode(), match[1].decode()
        texts = content[len(start) : -len(TEXT_END)].split(TEXT_END + start)
        if "preserve" not in start:
            texts = [text.strip(_BLANKS) for text in texts]
        if "&" in content or "_x" in content:
            texts = [unescaped(written_out(text)) if "&" in text or "_x" in text else text for text in texts]
        self.texts += texts if len(content) <= self.limits.text_characters else map(self.checked, texts)
        return True

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Take the beginning of an element."""
        kind = NAMES.get(name)
        if kind == "t":
            self.pieces.clear()
            self.preserve = attributes.get(_SPACE) == "preserve"
        elif kind == "is":
            self.runs, self.marked = [], []
            self.is_struck = False
        elif kind == "rPh":
            self.phonetic = True
        elif kind == "strike":
            self.is_run_struck = attributes.get("val", "1") in TRUE
            self.is_struck = self.is_struck or self.is_run_struck
        elif kind is None:
            self.go_down()

    def end(self, name: str) -> None:
        """Take the end of an element."""
        kind = NAMES.get(name)
        if kind == "t":
            if not self.phonetic:
                text = "".join(self.pieces)
                self.runs.append(unescaped(text if self.preserve else text.strip(_BLANKS)))
                self.marked.append(f"~~{self.runs[-1]}~~" if self.is_run_struck else self.runs[-1])
            self.is_run_struck = False
        elif kind == "is":
            self.take("".join(self.runs))
        elif kind == "rPh":
            self.phonetic = False
        elif kind is None:
            self.depth -= 1

    def go_down(self) -> None:
        """Count the elements that hold others without end: rows, and those that are not read."""
        self.depth += 1
        if self.depth > LIMITS.xml_depth:
            raise too_deep(self.part)

    def take(self, text: str) -> None:
        """Keep a whole text."""
        if self.is_struck:
            self.struck[b"%d" % len(self.texts)] = "".join(self.marked)
        self.texts.append(self.checked(text))

    def checked(self, text: str, cell: CellAddress | None = None, sheet: str | None = None) -> str:
        """``text``, unless it has more characters than a cell can hold; an escape counts for the one it stands for."""
        limit = self.limits.text_characters
        if len(text) > limit and (length := len(unescaped(text))) > limit:
            place = None if cell is None else cell_name(*cell)
            raise refusal("texte-demesure", feuille=sheet, cellule=place, valeur=length, attendu=limit)
        return text


def read_texts(content: bytes, part: str, limits: Limits = LIMITS) -> tuple[dict[bytes, str | None], dict[bytes, str]]:
    """The shared texts of a workbook, by their number as cells write it; those struck out in part, ``~~`` around it.

    Raises ``TabellionError``: ``texte-demesure``, and the refusals of damaged XML.
    """
    reader = TextReader(part, limits)
    parse(gaps(content, SIMPLE_TEXTS, reader.read_texts), part, reader.start, reader.end, reader.pieces.append)
    numbers = chain(_NUMBERS, (b"%d" % number for number in count(len(_NUMBERS))))
    texts: Iterable[str | None] = [text or None for text in reader.texts] if "" in reader.texts else reader.texts
    return dict(zip(numbers, texts, strict=False)), reader.struck


#: What a newer client writes in the note of a thread, before its words, for those who cannot see it.
_THREAD = re.compile(r"\[[^\]\n]*(?:[Tt]hread|[Cc]omment)[^\]\n]*\]\s*\n.*?\n\s*Comment(?:aire)?s?\s*:\s*\n", re.DOTALL)


def read_comments(parts: PackageParts, names: Iterable[str]) -> dict[CellAddress, str]:
    """The notes of a sheet, from those of its parts, by the cell that they are on."""
    comments: dict[CellAddress, str] = {}
    for name in names:
        if name not in parts.xml:
            continue
        authors: list[str] = []
        for element in elements(parts.xml[name], name, "author", "comment"):
            if element.name == "author":
                authors.append(element.text)
                continue
            number = element.attributes.get("authorId", "")
            is_known = number.isdecimal() and len(number) < 6 and int(number) < len(authors)
            text = _THREAD.sub("", unescaped(element.text), count=1).partition(BEFORE_REMARKS)[0].strip()
            if not text or (is_known and authors[int(number)] == ANNOTATOR):
                continue
            try:
                cell = parse_cell(element.attributes.get("ref", "").replace("$", ""))
            except ValueError:
                continue
            comments[cell] = f"{comments[cell]} — {text}" if cell in comments else text
    return comments
