"""The text of a Word document: a line for each paragraph and each row of a table, a tabulation between cells.

The parts are read from the guard's bytes by one walk: content controls, symbols, nested tables, revisions and crossed
out words have no place in python-docx's cells (DESIGN.md §10).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from tabellion.reading.archive import PackageParts
from tabellion.xlsx.trees import Element

_ROMAN = (("m", 1000), ("cm", 900), ("d", 500), ("cd", 400), ("c", 100), ("xc", 90), ("l", 50), ("xl", 40), ("x", 10),
          ("ix", 9), ("v", 5), ("iv", 4), ("i", 1))  # fmt: skip


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
                start, form, text = (_attribute(level, name) for name in ("start", "numFmt", "lvlText"))
                levels[_count(level.get(f"{_W}ilvl"))] = _Level(_count(start, 1), form or "decimal", text or "")
        for number in root.iter(f"{_W}num"):
            self._lists[number.get(f"{_W}numId") or ""] = _attribute(number, "abstractNumId") or ""

    @staticmethod
    def _own(element: Element) -> tuple[str, int] | None:
        properties = element.find(f"{_W}pPr/{_W}numPr")
        if properties is None:
            return None
        return _attribute(properties, "numId") or "", _count(_attribute(properties, "ilvl"))

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
        letters, remaining = "", min(number, 3999)
        for sign, value in _ROMAN:
            letters, remaining = letters + sign * (remaining // value), remaining % value
        return letters.upper() if form == "upperRoman" else letters
    return f"{number:02d}" if form == "decimalZero" else str(number)


def _attribute(element: Element, name: str) -> str | None:
    child = element.find(f"{_W}{name}")
    return None if child is None else child.get(f"{_W}val")


def _count(text: str | None, default: int = 0) -> int:
    """A count of a part, bounded: a document holds no list of a million."""
    return int(text) if text is not None and re.fullmatch(r"\d{1,6}", text) else default


DOCUMENT = "word/document.xml"
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_BOX_CHECKED = "{http://schemas.microsoft.com/office/word/2010/wordml}checked"
_BOX = "{http://schemas.microsoft.com/office/word/2010/wordml}checkbox"
#: What a box is drawn with, in the fonts of symbols that Word offers: the last two digits of the sign.
_SYMBOLS = {
    "wingdings": {"6f": "☐", "71": "☐", "72": "☐", "a8": "☐", "78": "☒", "fb": "☒", "fd": "☒", "fc": "✓", "fe": "☑"},
    "wingdings 2": {"2a": "☐", "35": "☐", "a3": "☐", "51": "☒", "53": "☒", "54": "☒", "50": "✓", "52": "☑"},
}
#: Elements whose text is not the document's: what a revision removed, a note's mark, a field's code, a shape's second
#: drawing.
_LEFT_OUT = frozenset(f"{_W}{name}" for name in ("del", "moveFrom", "instrText", "footnoteReference", "pPr", "rPr")) | {
    "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
}
_PAGE = "PAGEREF"
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)


def main_part(parts: PackageParts) -> str | None:
    """The part that holds a Word document's text; None for another package."""
    root = "_rels/.rels"
    relations = etree.fromstring(parts.xml[root], _PARSER) if root in parts.names else ()
    for relation in relations:
        target = (relation.get("Target") or "").lstrip("/")
        if (relation.get("Type") or "").endswith("/officeDocument") and target.startswith("word/"):
            return target if target.lower() in parts.names else None
    return DOCUMENT if DOCUMENT in parts.names else None


def word_text(parts: PackageParts, main: str) -> str:
    """The text of a document's body, in its order; what is crossed out stands between ``~~``.

    ``main`` is the part that holds it (:func:`main_part`).

    Raises ``TabellionError`` where a part is not what a document's would be.
    """
    body = etree.fromstring(parts.xml[main.lower()], _PARSER).find(f"{_W}body")
    numbers = ListNumbers(parts)
    if body is not None:
        _leave_out_pages(body)
    return "" if body is None else "\n".join(_blocks(body, numbers)) + "\n"


def _leave_out_pages(body: Element) -> None:
    """Take the numbers of pages out: what a reference to a page shows is no text of the document."""
    codes = list[str]()  # of the fields that are open, each in the one before
    for run in [*body.iter(f"{_W}r")]:
        for child in [*run]:
            kind = child.get(f"{_W}fldCharType") if child.tag == f"{_W}fldChar" else None
            if kind == "begin":
                codes.append("")
            elif kind == "end" and codes:
                codes.pop()
            elif child.tag == f"{_W}instrText" and codes:
                codes[-1] += child.text or ""
            elif child.tag == f"{_W}t" and codes and codes[-1].split()[:1] == [_PAGE]:
                run.remove(child)


def _blocks(container: Element, numbers: ListNumbers) -> Iterator[str]:
    """The lines of a body, a cell or a content control: tables are set off by a blank line."""
    for child in container:
        if child.tag == f"{_W}p":
            yield _paragraph(child, numbers)
        elif child.tag == f"{_W}tbl":
            yield from ("", *_rows(child, numbers), "")
        elif child.tag in (f"{_W}sdt", f"{_W}sdtContent", f"{_W}customXml", f"{_W}ins", f"{_W}moveTo"):
            yield from _blocks(child, numbers)


def _rows(table: Element, numbers: ListNumbers) -> Iterator[str]:
    """A line for each row; the rows of a table inside a cell follow the row that holds it."""
    for row in table.iter(f"{_W}tr"):
        if next(row.iterancestors(f"{_W}tbl")) is not table or row.find(f"{_W}trPr/{_W}del") is not None:
            continue
        cells, nested = list[str](), list[Element]()
        for cell in row.iter(f"{_W}tc"):
            if next(cell.iterancestors(f"{_W}tr")) is not row:
                continue
            inner = [table for table in cell.iter(f"{_W}tbl") if next(table.iterancestors(f"{_W}tc")) is cell]
            nested += inner
            lines = [
                _paragraph(paragraph, numbers)
                for paragraph in cell.iter(f"{_W}p")
                if next(paragraph.iterancestors(f"{_W}tc")) is cell
            ]
            merged = cell.find(f"{_W}tcPr/{_W}vMerge")
            cells.append(
                "" if merged is not None and merged.get(f"{_W}val") != "restart" else " ".join(filter(None, lines))
            )
        if any(cells):
            yield "\t".join(cell.replace("\t", " ") for cell in cells) + ("\t" if len(cells) == 1 else "")
        for inner_table in nested:
            yield from _rows(inner_table, numbers)


def _paragraph(paragraph: Element, numbers: ListNumbers) -> str:
    text = "".join(_pieces(paragraph)).replace("~~~~", "")
    return f"{numbers.of(paragraph)}{text}".strip(" ")


def _pieces(element: Element) -> Iterator[str]:
    """The texts of a paragraph's runs, its boxes as signs."""
    for child in element:
        tag = child.tag
        if tag in _LEFT_OUT or not isinstance(tag, str):
            continue
        if tag == f"{_W}sdt":
            box = child.find(f"{_W}sdtPr/{_BOX}")
            if box is not None:
                checked = box.find(_BOX_CHECKED)
                yield (
                    "☑" if checked is not None and _is_on(checked.get(_BOX_CHECKED.replace("checked", "val"))) else "☐"
                )
                continue
        if tag == f"{_W}r":
            yield from _run(child)
        else:
            yield from _pieces(child)


def _run(run: Element) -> Iterator[str]:
    properties = run.find(f"{_W}rPr")
    struck = properties is not None and any(
        (mark := properties.find(f"{_W}{name}")) is not None and _is_on(mark.get(f"{_W}val", "1"))
        for name in ("strike", "dstrike")
    )
    text = "".join(_texts(run))
    yield f"~~{text}~~" if struck and text.strip() else text


def _texts(run: Element) -> Iterator[str]:
    for child in run:
        if child.tag == f"{_W}t":
            yield child.text or ""
        elif child.tag == f"{_W}tab":
            yield "\t"
        elif child.tag in (f"{_W}br", f"{_W}cr"):
            yield " "
        elif child.tag == f"{_W}noBreakHyphen":
            yield "-"
        elif child.tag == f"{_W}sym":
            font = _SYMBOLS.get((child.get(f"{_W}font") or "").lower(), {})
            yield font.get((child.get(f"{_W}char") or "")[-2:].lower(), "")
        elif child.tag == f"{_W}fldChar" and (box := child.find(f"{_W}ffData/{_W}checkBox")) is not None:
            default, checked = box.find(f"{_W}default"), box.find(f"{_W}checked")
            mark = checked if checked is not None else default
            yield "☑" if mark is not None and _is_on(mark.get(f"{_W}val", "1")) else "☐"
        elif child.tag not in _LEFT_OUT:
            yield from _pieces(child)


def _is_on(value: str | None) -> bool:
    return value not in (None, "0", "false", "off")
