"""Boxes as content controls: people tick them in Word, and other programs count them."""

from __future__ import annotations

import re
from copy import deepcopy

from docx.oxml.ns import nsdecls, qn
from docx.oxml.parser import parse_xml
from lxml import etree

_BOX = re.compile("([☒☐])")
_RUN, _WORDS, _RUN_PROPERTIES = map(qn, ("w:r", "w:t", "w:rPr"))
_SPACE = "{http://www.w3.org/XML/1998/namespace}space"
_W14 = "http://schemas.microsoft.com/office/word/2010/wordml"
_MC = "http://schemas.openxmlformats.org/markup-compatibility/2006"


def make_boxes(body: etree._Element) -> None:
    """Make a control of each box in the text; its words keep their look ([MS-DOCX], 2.6.2.8)."""
    number = 0
    for run in [*body.iter(_RUN)]:
        texts = [child for child in run if child.tag != _RUN_PROPERTIES]
        if not any(text.tag == _WORDS and _BOX.search(text.text or "") for text in texts):
            continue
        for text in texts:
            pieces = _BOX.split(text.text or "") if text.tag == _WORDS else [None]
            for piece in pieces:
                if piece == "":
                    continue
                made = _like(run, text, piece)
                if piece is not None and _BOX.fullmatch(piece):
                    number += 1
                    made = _control(made, number, ticked=piece == "☒")
                run.addprevious(made)
        parent = run.getparent()
        if parent is not None:
            parent.remove(run)


def _like(run: etree._Element, text: etree._Element, piece: str | None) -> etree._Element:
    """A run that looks the same, of one piece of its text, or of what else it holds."""
    made = etree.Element(_RUN)
    made.extend(deepcopy(properties) for properties in run.findall(_RUN_PROPERTIES))
    if piece is None:
        made.append(deepcopy(text))
    else:
        words = etree.SubElement(made, _WORDS)
        words.text = piece
        words.set(_SPACE, "preserve")
    return made


def _control(run: etree._Element, number: int, *, ticked: bool) -> etree._Element:
    control = parse_xml(
        f'<w:sdt {nsdecls("w")} xmlns:w14="{_W14}" xmlns:mc="{_MC}" mc:Ignorable="w14">'
        f'<w:sdtPr><w:id w:val="{number}"/>'
        f'<w14:checkbox><w14:checked w14:val="{int(ticked)}"/><w14:checkedState w14:val="2612" w14:font="MS Gothic"/>'
        '<w14:uncheckedState w14:val="2610" w14:font="MS Gothic"/></w14:checkbox></w:sdtPr><w:sdtContent/></w:sdt>'
    )
    control[1].append(run)
    return control
