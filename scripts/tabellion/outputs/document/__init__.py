"""The whole document as bytes: the template filled, then what Word needs and a template cannot say by itself.

Word and LibreOffice lay the pages out: page numbers are fields, blank in the file until they are updated. Word offers
to do so when it opens the document; LibreOffice does so when it makes the PDF.
"""

from __future__ import annotations

import base64
import io
import re
import zipfile
from collections.abc import Mapping
from xml.sax.saxutils import quoteattr

from docx.document import Document
from docx.opc.constants import CONTENT_TYPE, RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml.ns import nsdecls, qn
from docx.oxml.parser import parse_xml
from lxml import etree

from tabellion.contract.carried import ELEMENT, carried_archive
from tabellion.importing import word_document_text
from tabellion.measures import AMOUNT_WORDS
from tabellion.outputs.document.annexes import budget_bars
from tabellion.outputs.document.boxes import make_boxes
from tabellion.outputs.document.chart import draw_chart
from tabellion.outputs.document.markdown import NUMBERS, OWN_NUMBERS
from tabellion.outputs.document.model import NO_BREAK, DocumentModel
from tabellion.outputs.document.template import Template, bookmark_xml, field_xml, fill_template, link_xml, run_xml
from tabellion.outputs.document.values import document_values
from tabellion.outputs.document.words import clean_text, printed
from tabellion.xlsx.signature import BLANK, PROPERTY, sign

#: A row with more characters than this may break over two pages; a shorter one stays whole.
_LONG_ROW = 1200
#: Word reads no more of a table's alternative text, python-docx writes no longer property.
_LONGEST_TEXT = 255
_PARAGRAPH, _TABLE, _ROW, _CELL, _WORDS, _VALUE = map(qn, ("w:p", "w:tbl", "w:tr", "w:tc", "w:t", "w:val"))
_RULES = qn("w:cantSplit"), qn("w:keepNext")
_CUSTOM = "/docProps/custom.xml"
_CUSTOM_TYPE = "application/vnd.openxmlformats-officedocument.custom-properties+xml"
#: What follows ``w:updateFields`` in the settings of a document (ISO/IEC 29500-1, CT_Settings).
_AFTER_UPDATE = (
    "hdrShapeDefaults", "footnotePr", "endnotePr", "compat", "docVars", "rsids", "attachedSchema", "themeFontLang",
    "clrSchemeMapping", "doNotIncludeSubdocsInStats", "shapeDefaults", "doNotEmbedSmartTags", "decimalSymbol",
    "listSeparator",
)  # fmt: skip
#: The properties of the part that carries the register.
_PART_PROPERTIES = """<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<ds:datastoreItem ds:itemID="{6E1F3B52-5A0C-4C0B-9D0C-7A1B6F2C9E01}"
 xmlns:ds="http://schemas.openxmlformats.org/officeDocument/2006/customXml"><ds:schemaRefs/></ds:datastoreItem>"""


def make_document(model: DocumentModel, template: Template, *, live: bool = True) -> bytes:
    """The document, signed. The same model and template give the same bytes.

    Not ``live``, the contents are a list and no field: LibreOffice then computes its page numbers when it prints;
    boxes are plain signs.
    Raises :class:`TabellionError` when the template has a mistake.
    """
    filled = fill_template(template, document_values(model))
    document: Document = filled.docx  # get_docx() would read the template again
    body = document.element.body
    amount = AMOUNT_WORDS[model.amounts[-1]]
    draw_chart(document, f"Crédits de droit commun {model.exercice} par convention ({amount})", budget_bars(model))
    number_lists(document)
    finish_tables(body, text_width_of(document))
    _fill_contents(body, template.styles, live=live)
    _number_bookmarks(body)
    if live:
        make_boxes(body)
    for picture in body.iter(qn("wp:docPr")):
        picture.set("descr", picture.get("descr") or "Logo")
    set_language(document)
    _ask_for_update(document)
    _set_properties(document, model)
    if live:
        _carry(document, carried_archive(model.contract, word_document_text(_saved(document))))
    return sign(with_fixed_dates(_saved(document)))


def _saved(document: Document) -> bytes:
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def number_lists(document: Document) -> None:
    """Let each numbered list begin at 1; without numbering in the template, each item has a mark in its text."""
    numbers = [mark for mark in document.element.body.iter(qn("w:numId")) if mark.getparent().tag == qn("w:numPr")]
    parts = [
        relation.target_part
        for relation in document.part.rels.values()
        if relation.reltype == RELATIONSHIP_TYPE.NUMBERING
    ]
    if not parts:
        for mark in numbers:
            paragraph = next(mark.iterancestors(_PARAGRAPH))
            _remove(mark.getparent())
            paragraph[0].addnext(parse_xml(f"<w:p {nsdecls('w')}>{run_xml(chr(8226) + NO_BREAK)}</w:p>")[0])
        return
    own = dict.fromkeys(int(mark.get(_VALUE, "0")) for mark in numbers)
    for number in sorted(number for number in own if number > OWN_NUMBERS):
        parts[0].element.append(parse_xml(
            f'<w:num {nsdecls("w")} w:numId="{number}"><w:abstractNumId w:val="{NUMBERS}"/>'
            '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="1"/></w:lvlOverride></w:num>'
        ))  # fmt: skip


def text_width_of(document: Document) -> int:
    """The width of the text on a page, in twentieths of a point; that of an A4 page where it is not said."""
    for section in document.sections:
        width, left, right = section.page_width, section.left_margin, section.right_margin
        if width is not None and left is not None and right is not None:
            return max(3000, round((width - left - right) / 635))
    return 9638


def finish_tables(body: etree._Element, text_width: int) -> None:
    """Set the columns of each table, keep its rows whole, and give it the alternative text that it lacks."""
    words = ""
    for block in [*body.iter(_PARAGRAPH, _TABLE)]:
        if block.tag == _PARAGRAPH:
            words = _text(block) or words
            continue
        rows = [row.findall(_CELL) for row in block.findall(_ROW)]
        if not rows:
            _remove(block)
            continue
        _set_widths(block, rows, text_width)
        for row in rows:
            _keep_whole(row)
        # LibreOffice 7 saves no alternative text of tables: the words before it and its header then stand for it.
        texts = {qn("w:tblCaption"): words, qn("w:tblDescription"): " ; ".join(map(_text, rows[0]))}
        for tag, instead in texts.items():
            (text,) = block[0].findall(tag) or [etree.SubElement(block[0], tag)]
            text.set(_VALUE, (text.get(_VALUE) or instead)[:_LONGEST_TEXT])


def _text(element: etree._Element) -> str:
    return "".join([text.text or "" for text in element.iter(_WORDS)])


def _set_widths(table: etree._Element, rows: list[list[etree._Element]], text_width: int) -> None:
    """Share the table's width as the cells of its first row do: a loop may have repeated some of them.

    A table with merged cells keeps the widths that Word gave it.
    """
    path, width = f"{qn('w:tcPr')}/{qn('w:tcW')}", qn("w:w")
    shares = [sum(int(place.get(width, "0")) for place in cell.iterfind(path)) for cell in rows[0]]
    grid, wanted = table.find(qn("w:tblGrid")), table.find(f"{qn('w:tblPr')}/{qn('w:tblW')}")
    is_merged = next(table.iter(qn("w:gridSpan"), qn("w:vMerge")), None) is not None
    if grid is None or not all(shares) or is_merged:
        return
    total, size = text_width, 0 if wanted is None else int(wanted.get(width, "0").rstrip("%") or 0)
    if wanted is not None and size:
        total = round(text_width * size / 5000) if wanted.get(qn("w:type")) == "pct" else size
    widths = [str(round(total * share / sum(shares))) for share in shares]
    grid[:] = [etree.Element(qn("w:gridCol"), {width: column}) for column in widths]
    for row in rows:
        for cell, column in zip(row, widths, strict=False):
            for place in cell.iterfind(path):
                place.set(width, column)
                place.set(qn("w:type"), "dxa")


def _keep_whole(row: list[etree._Element]) -> None:
    """Let a long row break over two pages; give each cell the paragraph that Word needs, where a tag took it away."""
    if any(len(_text(cell)) > _LONG_ROW for cell in row):
        for rule in [rule for whole in row[0].iterancestors(_ROW) for rule in whole.iter(*_RULES)]:
            _remove(rule)
    for cell in row:
        if cell[-1].tag != _PARAGRAPH:
            properties = row[0].find(f"{_PARAGRAPH}/{qn('w:pPr')}")
            paragraph = etree.SubElement(cell, _PARAGRAPH)
            if properties is not None:
                paragraph.append(parse_xml(etree.tostring(properties)))


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
            properties = f"<w:pPr><w:pStyle w:val={quoteattr(style)}/></w:pPr>"
            first.addprevious(parse_xml(f"<w:p {nsdecls('w')}>{properties}{content}</w:p>"))
        for paragraph in old:
            _remove(paragraph)


def _entries(body: etree._Element, styles: Mapping[str, str], levels: int) -> list[tuple[str, str]]:
    """The entries of a table of contents: their style and their content, one a heading.

    A heading without a bookmark gets one; those that begin with « _ » are Word's own, and come and go.
    """
    level_of = {styles.get(f"heading {level}", ""): level for level in range(1, levels + 1)}
    entries = []
    for rank, style in enumerate([*body.iter(qn("w:pStyle"))]):
        level = level_of.get(style.get(_VALUE, ""))
        heading = next(style.iterancestors(_PARAGRAPH)) if level else None
        if heading is None or not (text := _text(heading)):
            continue
        names = [mark.get(qn("w:name"), "_") for mark in heading.findall(qn("w:bookmarkStart"))]
        name = next((name for name in names if not name.startswith("_")), f"titre_{rank}")
        if name not in names:
            heading.extend(parse_xml(f"<w:p {nsdecls('w')}>{bookmark_xml(name)}</w:p>"))
        content = f"{run_xml(text)}<w:r><w:tab/></w:r>{field_xml(f'PAGEREF {name} {chr(92)}h')}"
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


def set_language(document: Document) -> None:
    """Set French as the language of what says no other: readers and screen readers go by it."""
    path = f"{qn('w:docDefaults')}/{qn('w:rPrDefault')}/{qn('w:rPr')}"
    for defaults in document.styles.element.iterfind(path):
        language = defaults.find(qn("w:lang"))
        if language is None:
            language = etree.SubElement(defaults, qn("w:lang"))
        language.set(qn("w:val"), "fr-FR")


def _ask_for_update(document: Document) -> None:
    settings = document.settings.element
    for old in settings.findall(qn("w:updateFields")):
        settings.remove(old)
    following = {qn(f"w:{name}") for name in _AFTER_UPDATE}
    place = next((rank for rank, setting in enumerate(settings) if setting.tag in following), len(settings))
    settings.insert(place, etree.Element(qn("w:updateFields"), {qn("w:val"): "true"}))


def _set_properties(document: Document, model: DocumentModel) -> None:
    """Set what the file says of itself: title, subject, fixed dates, and the property that the signature fills."""
    settings, core = model.contract.settings, document.core_properties
    title = clean_text(settings.titre)[:_LONGEST_TEXT]
    core.title = core.author = core.last_modified_by = title
    core.subject = f"Conventions thématiques, exercice {model.exercice}"
    core.keywords = "contrat de ville, conventions thématiques, fiches action"
    core.comments = clean_text(settings.source or "")[:_LONGEST_TEXT]
    core.created = core.modified = model.stamp
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


def with_fixed_dates(document: bytes) -> bytes:
    """A document whose parts are dated and ordered always the same."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(document)) as source, zipfile.ZipFile(stream, "w") as target:
        for name in sorted(source.namelist(), key=lambda name: (name != "[Content_Types].xml", name)):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            target.writestr(entry, source.read(name), zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def _carry(document: Document, archive: bytes) -> None:
    """Put an archive into a document, once, in an XML part of its own, which Word and LibreOffice keep when they save.

    See ISO/IEC 29500-1, 15.2.5 and 22.5: such a part has its properties, by which programs know it again.
    """
    package = document.part.package
    root = etree.Element(ELEMENT)
    root.text = base64.b64encode(archive).decode()
    blob = etree.tostring(root, encoding="UTF-8", xml_declaration=True, standalone=True)
    item = Part(package.next_partname("/customXml/item%d.xml"), CONTENT_TYPE.XML, blob, package)
    name = PackURI(item.partname.replace("/item", "/itemProps"))
    properties = Part(name, CONTENT_TYPE.OFC_CUSTOM_XML_PROPERTIES, _PART_PROPERTIES.encode(), package)
    item.relate_to(properties, RELATIONSHIP_TYPE.CUSTOM_XML_PROPS)
    document.part.relate_to(item, RELATIONSHIP_TYPE.CUSTOM_XML)
