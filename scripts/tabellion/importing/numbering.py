"""The numbers that Word counts by itself before the paragraphs of a list: they stand in no text."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass

from lxml import etree

from tabellion.reading.archive import PackageParts
from tabellion.xlsx.trees import Element

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_ROMAN = (("m", 1000), ("cm", 900), ("d", 500), ("cd", 400), ("c", 100), ("xc", 90), ("l", 50), ("xl", 40), ("x", 10),
          ("ix", 9), ("v", 5), ("iv", 4), ("i", 1))  # fmt: skip
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True)


@dataclass(frozen=True)
class _Level:
    start: int
    form: str
    text: str


class ListNumbers:
    """The running numbers of a document's lists, asked paragraph by paragraph in their order."""

    def __init__(self, parts: PackageParts) -> None:
        self._levels = dict[str, dict[int, _Level]]()
        self._lists = dict[str, str]()
        self._styles = dict[str, tuple[str, int]]()
        self._counts = defaultdict[str, dict[int, int]](dict)
        if "word/numbering.xml" in parts.names:
            self._read(etree.fromstring(parts.xml["word/numbering.xml"], _PARSER))
        if self._lists and "word/styles.xml" in parts.names:
            for style in etree.fromstring(parts.xml["word/styles.xml"], _PARSER).iter(f"{_W}style"):
                number = self._own(style)
                if number is not None:
                    self._styles[style.get(f"{_W}styleId") or ""] = number

    def _read(self, root: Element) -> None:
        for abstract in root.iter(f"{_W}abstractNum"):
            levels = self._levels[abstract.get(f"{_W}abstractNumId") or ""] = {}
            for level in abstract.iter(f"{_W}lvl"):
                start, form, text = (_value(level, name) for name in ("start", "numFmt", "lvlText"))
                levels[_count(level.get(f"{_W}ilvl"))] = _Level(_count(start, 1), form or "decimal", text or "")
        for number in root.iter(f"{_W}num"):
            self._lists[number.get(f"{_W}numId") or ""] = _value(number, "abstractNumId") or ""

    @staticmethod
    def _own(element: Element) -> tuple[str, int] | None:
        properties = element.find(f"{_W}pPr/{_W}numPr")
        if properties is None:
            return None
        return _value(properties, "numId") or "", _count(_value(properties, "ilvl"))

    def of(self, paragraph: Element) -> str:
        """The number before a paragraph, with a space after it; nothing for a bullet or no list."""
        number = self._own(paragraph)
        if number is None:
            style = paragraph.find(f"{_W}pPr/{_W}pStyle")
            number = None if style is None else self._styles.get(style.get(f"{_W}val") or "")
        if number is None or number[0] not in self._lists:
            return ""
        abstract, rank = self._lists[number[0]], number[1]
        levels, counts = self._levels.get(abstract, {}), self._counts[abstract]
        if rank not in levels:
            return ""
        counts[rank] = counts.get(rank, levels[rank].start - 1) + 1
        for deeper in [count for count in counts if count > rank]:
            del counts[deeper]
        if levels[rank].form in ("bullet", "none"):
            return ""

        def shown(match: re.Match[str]) -> str:
            level = int(match[1]) - 1
            known = levels.get(level)
            return "" if known is None else _written(counts.get(level, known.start), known.form)

        text = re.sub(r"%([1-9])", shown, levels[rank].text)
        return f"{text} " if text else ""


def _written(number: int, form: str) -> str:
    """A number in the form of a level: 4, IV, iv, D, d."""
    if form in ("upperLetter", "lowerLetter"):
        letter = chr(ord("a") + (number - 1) % 26) * ((number - 1) // 26 + 1)
        return letter.upper() if form == "upperLetter" else letter
    if form in ("upperRoman", "lowerRoman"):
        letters, rest = "", min(number, 3999)
        for sign, value in _ROMAN:
            letters, rest = letters + sign * (rest // value), rest % value
        return letters.upper() if form == "upperRoman" else letters
    return f"{number:02d}" if form == "decimalZero" else str(number)


def _value(element: Element, name: str) -> str | None:
    child = element.find(f"{_W}{name}")
    return None if child is None else child.get(f"{_W}val")


def _count(text: str | None, default: int = 0) -> int:
    """A count of a part, bounded: a document holds no list of a million."""
    return int(text) if text is not None and re.fullmatch(r"\d{1,6}", text) else default
