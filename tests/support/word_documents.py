"""A published text as a Word document: its tabbed lines in tables, its boxes as symbols or content controls, what
is crossed out as Word crosses it out."""

from __future__ import annotations

import io
import re
from itertools import groupby

from docx import Document
from docx.document import Document as WordDocument
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from docx.shared import Cm
from docx.table import _Cell
from docx.text.paragraph import Paragraph

_BOX = re.compile(r'(<input (?:checked="" )?type="checkbox"/>|\*\*|</?s>)')
_CONTROL = (
    '<w:sdt {0} xmlns:w14="http://schemas.microsoft.com/office/word/2010/wordml"><w:sdtPr><w14:checkbox>'
    '<w14:checked w14:val="{1}"/></w14:checkbox></w:sdtPr><w:sdtContent><w:r><w:t>{2}</w:t></w:r></w:sdtContent>'
    "</w:sdt>"
)


def word_document(text: str, *, controls: bool = False, borders: bool = True) -> bytes:
    """The document of a text; boxes are symbols, or content controls; tables have rules, or none on a wide page."""
    document = Document()
    if not borders:
        document.sections[0].page_width = Cm(42)
    for tabbed, group in groupby(text.removesuffix("\n").split("\n"), key=lambda line: "\t" in line):
        if tabbed:
            _table(document, [line.split("\t") for line in group], controls, borders)
        else:
            for line in group:
                _fill(document.add_paragraph(), line, controls)
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def _table(document: WordDocument, rows: list[list[str]], controls: bool, borders: bool) -> None:
    table = document.add_table(0, max(map(len, rows)))
    if borders:
        table.style = "Table Grid"
    for row in rows:
        cells: list[_Cell] = list(table.add_row().cells)
        for cell, text in zip(cells, row, strict=False):
            _fill(cell.paragraphs[0], text, controls)


def _fill(paragraph: Paragraph, text: str, controls: bool) -> None:
    bold = struck = False
    for piece in _BOX.split(text):
        if piece == "**":
            bold = not bold
        elif piece in ("<s>", "</s>"):
            struck = piece == "<s>"
        elif not piece.startswith("<input"):
            run = paragraph.add_run(piece)
            run.bold = bold
            run.font.strike = struck or None
        elif controls:
            checked = "checked" in piece
            paragraph._p.append(parse_xml(_CONTROL.format(nsdecls("w"), int(checked), "☒" if checked else "☐")))
        else:
            paragraph.add_run("☒" if "checked" in piece else "☐")
