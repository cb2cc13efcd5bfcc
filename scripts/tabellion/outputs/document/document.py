"""The whole document as bytes: the template filled, then what Word needs and a template cannot say by itself.

Word and LibreOffice lay the pages out: page numbers are fields, blank in the file until they are updated. Word offers
to do so when it opens the document; LibreOffice does so when it makes the PDF.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from xml.sax.saxutils import quoteattr

from docx.document import Document
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml.ns import nsdecls, qn
from docx.oxml.parser import parse_xml
from lxml import etree

from tabellion.outputs.document.model import DocumentModel
from tabellion.outputs.document.template import (
    Template,
    bookmark_xml,
    clean_text,
    field_xml,
    fill_template,
    link_xml,
    printed,
    run_xml,
)
from tabellion.outputs.document.values import document_values
from tabellion.xlsx.signature import BLANK, PROPERTY, sign
from tabellion.xlsx.writer import document_date

#: A row with more characters than this may break over two pages; a shorter one stays whole.
_LONG_ROW = 1200
#: Word reads no more of a table's alternative text, python-docx writes no longer property.
_LONGEST_TEXT = 255
_CUSTOM = "/docProps/custom.xml"
_CUSTOM_TYPE = "application/vnd.openxmlformats-officedocument.custom-properties+xml"
#: What follows ``w:updateFields`` in the settings of a document (ISO/IEC 29500-1, CT_Settings).
_AFTER_UPDATE = (
    "hdrShapeDefaults", "footnotePr", "endnotePr", "compat", "docVars", "rsids", "attachedSchema", "themeFontLang",
    "clrSchemeMapping", "doNotIncludeSubdocsInStats", "shapeDefaults", "doNotEmbedSmartTags", "decimalSymbol",
    "listSeparator",
)  # fmt: skip


def make_document(model: DocumentModel, template: Template, *, live: bool = True) -> bytes:
    """The document, signed. The same model and template give the same bytes.

    Not ``live``, the contents are a list and no field: LibreOffice then computes its page numbers when it prints.
    Raises :class:`TabellionError` when the template has a mistake.
    """
    filled = fill_template(template, document_values(model))
    document: Document = filled.docx  # get_docx() would read the template again
    body = document.element.body
    _finish_tables(body, _text_width(document))
    _fill_contents(body, template.styles, live=live)
    _number_bookmarks(body)
    _set_language(document)
    _ask_for_update(document)
    _set_properties(document, model)
    stream = io.BytesIO()
    document.save(stream)
    return sign(_with_fixed_dates(stream.getvalue()))


# The body


def _text_width(document: Document) -> int:
    """The width of the text on a page, in twentieths of a point; that of an A4 page where it is not said."""
    section = document.sections[-1]
    width, left, right = section.page_width, section.left_margin, section.right_margin
    if width is None or left is None or right is None:
        return 9638
    return max(3000, round((width - left - right) / 635))


def _finish_tables(body: etree._Element, text_width: int) -> None:
    """Set the columns of each table, keep its rows whole, and give it the alternative text that it lacks."""
    words = ""
    for block in body.iter(qn("w:p"), qn("w:tbl")):
        if block.tag == qn("w:p"):
            words = _text(block) or words
            continue
        rows = block.findall(qn("w:tr"))
        _set_widths(block, rows, text_width)
        for row in rows:
            _keep_whole(row)
        # LibreOffice 7 saves no alternative text of tables: the words before it and its header then stand for it.
        texts = {"w:tblCaption": words, "w:tblDescription": " ; ".join(map(_text, rows[0].iter(qn("w:tc"))))}
        for name, instead in texts.items():
            (text,) = block.findall(f"{qn('w:tblPr')}/{qn(name)}") or [etree.SubElement(block[0], qn(name))]
            text.set(qn("w:val"), (text.get(qn("w:val")) or instead)[:_LONGEST_TEXT])


def _text(element: etree._Element) -> str:
    return "".join(text.text or "" for text in element.iter(qn("w:t")))


def _set_widths(table: etree._Element, rows: list[etree._Element], text_width: int) -> None:
    """Share the table's width as the cells of its first row do: a loop may have repeated some of them."""
    total, kind = text_width, table.find(f"{qn('w:tblPr')}/{qn('w:tblW')}")
    if kind is not None and kind.get(qn("w:w"), "").isdigit():
        if kind.get(qn("w:type")) == "pct":
            total = round(text_width * int(kind.get(qn("w:w"), "")) / 5000)
        elif kind.get(qn("w:type")) == "dxa" and int(kind.get(qn("w:w"), "")):
            total = int(kind.get(qn("w:w"), ""))
    shares = [_cell_width(cell) for cell in rows[0].findall(qn("w:tc"))] if rows else []
    grid = table.find(qn("w:tblGrid"))
    if grid is None or not shares or not all(shares) or any(_spans(row) for row in rows):
        return  # a table with merged cells has the widths that Word gave it
    widths = [str(round(total * share / sum(shares))) for share in shares]
    grid[:] = [etree.Element(qn("w:gridCol"), {qn("w:w"): width}) for width in widths]
    for row in rows:
        for cell, width in zip(row.findall(qn("w:tc")), widths, strict=False):
            for place in cell.iterfind(f"{qn('w:tcPr')}/{qn('w:tcW')}"):
                place.set(qn("w:w"), width)
                place.set(qn("w:type"), "dxa")


def _cell_width(cell: etree._Element) -> int:
    width = cell.find(f"{qn('w:tcPr')}/{qn('w:tcW')}")
    text = "" if width is None else width.get(qn("w:w"), "")
    return int(text) if text.isdigit() else 0


def _spans(row: etree._Element) -> bool:
    return next(row.iter(qn("w:gridSpan"), qn("w:vMerge")), None) is not None


def _keep_whole(row: etree._Element) -> None:
    """Let a long row break over two pages; give each cell the paragraph that Word needs, where a tag took it away."""
    if max((len(_text(cell)) for cell in row.findall(qn("w:tc"))), default=0) > _LONG_ROW:
        for rule in [*row.iter(qn("w:cantSplit"), qn("w:keepNext"))]:
            _remove(rule)
    for cell in row.findall(qn("w:tc")):
        if cell[-1].tag != qn("w:p"):
            paragraph = etree.SubElement(cell, qn("w:p"))
            model = row.find(f"{qn('w:tc')}/{qn('w:p')}/{qn('w:pPr')}")
            if model is not None:
                paragraph.append(parse_xml(etree.tostring(model)))


def _remove(element: etree._Element) -> None:
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)


def _fill_contents(body: etree._Element, styles: Mapping[str, str], *, live: bool) -> None:
    """Fill each table of contents of the template with the headings of the document and fields for their pages."""
    for instruction in [text for text in body.iter(qn("w:instrText")) if (text.text or "").split()[:1] == ["TOC"]]:
        first = next(instruction.iterancestors(qn("w:p")))
        code = "".join(text.text or "" for text in first.iter(qn("w:instrText")))
        old, depth = list[etree._Element](), 0
        for paragraph in [first, *first.itersiblings(qn("w:p"))]:
            old.append(paragraph)
            kinds = [char.get(qn("w:fldCharType")) for char in paragraph.iter(qn("w:fldChar"))]
            depth += kinds.count("begin") - kinds.count("end")
            if not depth:
                break
        levels = re.search(r'\\o\s+"1-(\d)"', code)
        entries = _entries(body, styles, int(levels[1]) if levels else 3)
        if live and entries:
            begin = '<w:r><w:fldChar w:fldCharType="begin" w:dirty="true"/></w:r>'
            begin += f'<w:r><w:instrText xml:space="preserve">{printed(code)}</w:instrText></w:r>'
            begin += '<w:r><w:fldChar w:fldCharType="separate"/></w:r>'
            entries[0] = (entries[0][0], begin + entries[0][1])
            entries[-1] = (entries[-1][0], entries[-1][1] + '<w:r><w:fldChar w:fldCharType="end"/></w:r>')
        for style, content in entries:
            look = f"<w:pPr><w:pStyle w:val={quoteattr(style)}/></w:pPr>"
            first.addprevious(parse_xml(f"<w:p {nsdecls('w')}>{look}{content}</w:p>"))
        for paragraph in old:
            _remove(paragraph)


def _entries(body: etree._Element, styles: Mapping[str, str], levels: int) -> list[tuple[str, str]]:
    """The entries of a table of contents: their style and their content, one a heading."""
    level_of = {styles[f"heading {level}"]: level for level in range(1, levels + 1) if f"heading {level}" in styles}
    entries = []
    for rank, heading in enumerate(body.iter(qn("w:p"))):
        style = heading.find(f"{qn('w:pPr')}/{qn('w:pStyle')}")
        level = None if style is None else level_of.get(style.get(qn("w:val"), ""))
        if level is None:
            continue
        bookmark = heading.find(qn("w:bookmarkStart"))
        if bookmark is None:
            start, end = parse_xml(f"<w:p {nsdecls('w')}>{bookmark_xml(f'titre_{rank}')}</w:p>")
            heading.extend([start, end])
            bookmark = start
        name = bookmark.get(qn("w:name"), "")
        content = f"{run_xml(_text(heading))}<w:r><w:tab/></w:r>{field_xml(f'PAGEREF {name} {chr(92)}h')}"
        entries.append((styles.get(f"toc {level}", styles["toc 2"]), link_xml(content, name)))
    return entries


def _number_bookmarks(body: etree._Element) -> None:
    """Number the bookmarks anew, and keep the first of each name: a loop of the template repeats those inside it."""
    numbers: dict[str | None, str] = {}
    names = set[str | None]()
    for mark in [*body.iter(qn("w:bookmarkStart"), qn("w:bookmarkEnd"))]:
        key = mark.get(qn("w:id"))
        if mark.tag == qn("w:bookmarkStart"):
            if mark.get(qn("w:name")) in names:
                numbers.pop(key, None)
                _remove(mark)
                continue
            names.add(mark.get(qn("w:name")))
            numbers[key] = str(len(names))
            mark.set(qn("w:id"), numbers[key])
        elif key in numbers:
            mark.set(qn("w:id"), numbers.pop(key))
        else:
            _remove(mark)


# The package


def _set_language(document: Document) -> None:
    """Set French as the language of what says no other: readers and screen readers go by it."""
    path = f"{qn('w:docDefaults')}/{qn('w:rPrDefault')}/{qn('w:rPr')}"
    for defaults in document.styles.element.iterfind(path):
        language = defaults.find(qn("w:lang"))
        if language is None:
            language = etree.SubElement(defaults, qn("w:lang"))
        language.set(qn("w:val"), "fr-FR")


def _ask_for_update(document: Document) -> None:
    """Have Word offer to update the fields when it opens the document."""
    settings = document.settings.element
    for old in settings.findall(qn("w:updateFields")):
        settings.remove(old)
    following = {qn(f"w:{name}") for name in _AFTER_UPDATE}
    place = next((rank for rank, each in enumerate(settings) if each.tag in following), len(settings))
    settings.insert(place, etree.Element(qn("w:updateFields"), {qn("w:val"): "true"}))


def _set_properties(document: Document, model: DocumentModel) -> None:
    """Set what the file says of itself: title, subject, fixed dates, and the property that the signature fills."""
    settings, core = model.contract.settings, document.core_properties
    title = clean_text(settings.titre)[:_LONGEST_TEXT]
    core.title = core.author = core.last_modified_by = title
    core.subject = f"Conventions thématiques, exercice {model.exercice}"
    core.keywords = "contrat de ville, conventions thématiques, fiches action"
    core.comments = clean_text(settings.source or "")[:_LONGEST_TEXT]
    core.created = core.modified = document_date(settings.debut)
    core.language, core.revision = "fr-FR", 1
    blob = (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
        '<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/custom-properties"'
        ' xmlns:vt="http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes">'
        f'<property fmtid="{{D5CDD505-2E9C-101B-9397-08002B2CF9AE}}" pid="2" name="{PROPERTY}">'
        f"<vt:lpwstr>{BLANK}</vt:lpwstr></property></Properties>"
    ).encode()
    package = document.part.package
    custom = Part(PackURI(_CUSTOM), _CUSTOM_TYPE, blob, package)
    for relation in [*package.rels.values()]:
        if relation.reltype == RELATIONSHIP_TYPE.CUSTOM_PROPERTIES:
            del package.rels[relation.rId]
    package.relate_to(custom, RELATIONSHIP_TYPE.CUSTOM_PROPERTIES)


def _with_fixed_dates(document: bytes) -> bytes:
    """The same package in a fixed order, every entry with the same date."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(document)) as source, zipfile.ZipFile(stream, "w") as target:
        for name in sorted(source.namelist(), key=lambda each: (each != "[Content_Types].xml", each)):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            target.writestr(entry, source.read(name), zipfile.ZIP_DEFLATED)
    return stream.getvalue()
