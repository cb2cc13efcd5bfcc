"""An independent reading of a published document: the zip and its XML, nothing of the program.

Also a reading of the original text, line by line, for the same counts.
"""

from __future__ import annotations

import re
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_AMOUNT = re.compile(r"[+-]?\d[\d\s]*(?:,\d\d)?\s*€")


def amount(text: str) -> Decimal | None:
    """``1 234,56 €`` as a number; ``None`` for a blank."""
    if not text.strip():
        return None
    assert _AMOUNT.fullmatch(text.strip()), text
    return Decimal(re.sub(r"[\s€+]", "", text).replace(",", "."))


@dataclass
class Block:
    """A paragraph (``rows`` is ``None``) or a table: the texts of its cells, row by row."""

    style: str
    text: str
    rows: list[list[str]] | None = None
    element: ElementTree.Element = field(default_factory=lambda: ElementTree.Element("none"))


class PublishedDocument:
    """The parts of a .docx and the blocks of its body in order. Styles are called by their names."""

    def __init__(self, path: Path) -> None:
        with zipfile.ZipFile(path) as package:
            assert package.testzip() is None
            self.parts = {name: package.read(name) for name in package.namelist()}
            self.dates = {entry.date_time for entry in package.infolist()}
        for name, content in self.parts.items():
            if name.endswith((".xml", ".rels")):
                ElementTree.fromstring(content)  # noqa: S314
        styles = ElementTree.fromstring(self.parts["word/styles.xml"])  # noqa: S314
        self.styles = {
            # LibreOffice writes « Heading 1 » and « TOC 1 ».
            element.attrib[f"{W}styleId"]: re.sub(
                "^(Heading|TOC)(?= \\d)", lambda name: name[0].lower(), element.find(f"{W}name").attrib[f"{W}val"]
            )  # type: ignore[union-attr]
            for element in styles.iter(f"{W}style")
        }
        self.root = ElementTree.fromstring(self.parts["word/document.xml"])  # noqa: S314
        body = self.root.find(f"{W}body")
        assert body is not None
        blocks = [
            block for element in body for block in (element.find(f"{W}sdtContent") or [element])
        ]  # LibreOffice's contents
        self.blocks = [self._block(block) for block in blocks if block.tag in (f"{W}p", f"{W}tbl")]

    def _block(self, element: ElementTree.Element) -> Block:
        if element.tag == f"{W}p":
            return Block(self.style(element), words(element), element=element)
        rows = [
            ["\n".join(words(element) for element in cell.iter(f"{W}p")) for cell in row.iter(f"{W}tc")]
            for row in element.iter(f"{W}tr")
        ]
        return Block(self.styles[element.find(f".//{W}tblStyle").attrib[f"{W}val"]], "", rows, element)  # type: ignore[union-attr]

    def style(self, paragraph: ElementTree.Element) -> str:
        style = paragraph.find(f"{W}pPr/{W}pStyle")
        return "" if style is None else self.styles[style.attrib[f"{W}val"]]

    @property
    def headings(self) -> list[tuple[int, str]]:
        return [(int(block.style[-1]), block.text) for block in self.blocks if block.style.startswith("heading ")]

    def tables_under(self, heading: str) -> list[Block]:
        """The tables between a heading and the next one."""
        tables, is_inside = [], False
        for block in self.blocks:
            if block.style.startswith("heading "):
                is_inside = block.text == heading
            elif is_inside and block.rows is not None:
                tables.append(block)
        return tables

    @property
    def fiches(self) -> dict[str, tuple[dict[str, str], list[list[str]], str]]:
        """Each fiche: its fields by label, the rows of its financing, and what is crossed out."""
        fiches = {}
        for _, heading in self.headings:
            if heading.startswith("Fiche action "):
                fields, money, *_ = self.tables_under(heading)
                assert fields.rows is not None
                assert money.rows is not None
                crossed = [
                    words(run) for run in fields.element.iter(f"{W}r")
                    if (theme := run.find(f"{W}rPr/{W}rStyle")) is not None
                    and self.styles[theme.attrib[f"{W}val"]] == "Rayé"
                ]  # fmt: skip
                rows = {row[0]: row[1] for row in fields.rows[1:]}
                fiches[heading.removeprefix("Fiche action ")] = (rows, money.rows[1:], ", ".join(crossed))
        return fiches

    def budgets(self) -> dict[int, list[tuple[str, str, list[str]]]]:
        """By convention: (kind, words, other cells), the kind being ``town``, ``line`` or ``total``."""
        kinds = {"Tableau sous-total": "town", "Tableau texte": "line", "Tableau total": "total"}
        budgets: dict[int, list[tuple[str, str, list[str]]]] = {}
        number = 0
        for block in self.blocks:
            if block.style == "heading 2":
                number = int(block.text.split(" ")[0])
            if block.rows is not None and block.rows[0][0] == "Collectivité et action":
                paragraphs = [row.find(f".//{W}p") for row in block.element.iter(f"{W}tr")]
                budgets[number] = [
                    (kinds[self.style(first)], row[0], row[1:])  # type: ignore[arg-type]
                    for row, first in zip(block.rows[1:], paragraphs[1:], strict=True)
                ]
        return budgets

    def counts(self) -> Counter[str]:
        """What the document holds."""
        counted: Counter[str] = Counter()
        for fields, money, _ in self.fiches.values():
            counted["fiches"] += 1
            counted["cases cochées"] += sum(text.count("☒") for row in money for text in row)
            counted["cases cochées"] += fields["CPO envisagée"].count("☒")
        for rows in self.budgets().values():
            counted["lignes budgétaires"] += sum(kind == "line" for kind, _, _ in rows)
            counted["totaux publiés"] += sum(bool(cells[-1]) for kind, _, cells in rows if kind == "town")
        recap = next(
            block.rows for block in self.blocks if block.rows and block.rows[0][0] == "Convention et collectivité"
        )
        counted["totaux publiés"] += sum(bool(row[2]) for row in recap[1:])
        return counted


def words(element: ElementTree.Element) -> str:
    """The text of an element, with its line breaks and tabs."""
    shown = {
        f"{W}t": lambda element: element.text or "",
        f"{W}br": lambda _: "\n",
        f"{W}tab": lambda element: _tab(element),
    }
    return "".join(shown[element.tag](element) for element in element.iter() if element.tag in shown)


def _tab(element: ElementTree.Element) -> str:
    return "" if f"{W}pos" in element.attrib else "\t"


def source_counts(text: str) -> Counter[str]:
    """What the original text holds, read line by line: nothing of the program's import is used.

    The recap is what stands before the contents. In a convention, the budget goes from the paragraph on the census to
    the first fiche: a line there is a subtotal where its words are a collectivité of the recap, else a budget line.
    A box is ticked by its attribute, or by an X typed before its words.
    """
    counted: Counter[str] = Counter()
    recap, _, body = text.partition("\nSommaire\n")
    figures = [line.split("\t") for line in recap.splitlines() if "\t" in line]
    towns = {words for words, _ in figures if not re.match(r"\d|Total", words)}
    counted["totaux publiés"] += sum("€" in shown for _, shown in figures)
    is_budget = False
    for line in body.splitlines():
        if line.startswith("Le recensement des crédits"):
            is_budget = True
        elif line.startswith("CONVENTION THEMATIQUE"):
            is_budget = False
        elif is_budget and line.strip():
            words, _, shown = line.partition("\t")
            if words in towns:
                counted["totaux publiés"] += "€" in shown
            else:
                counted["lignes budgétaires"] += 1
    counted["fiches"] = len(re.findall(r"Action\s+N°", body))
    counted["cases cochées"] = len(re.findall(r'<input checked=""', body)) + len(
        re.findall(r"[\t>] ?X (?=[A-ZÉ][a-zé])", body)
    )
    return counted
