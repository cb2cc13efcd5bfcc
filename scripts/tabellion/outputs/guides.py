"""The guides as Word documents: the Markdown of ``templates/guides/``, in the styles of the contract's own document."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime

import docx
from docx.document import Document
from docx.oxml.ns import nsdecls, qn
from docx.oxml.parser import parse_xml
from docx.shared import Emu
from lxml import etree

from tabellion.outputs.document import finish_tables, number_lists, set_language, text_width_of, with_fixed_dates
from tabellion.outputs.document.markdown import MarkdownWriter, parsed
from tabellion.outputs.document.words import printed
from tabellion.wording import bound

#: The guides, by the name of their Markdown file: for the team, for partners, for whoever installs the program.
TEAM, PARTNER, INSTALLER = "coordinateur", "partenaire", "installateur"
GUIDES = (TEAM, PARTNER, INSTALLER)
#: English Metric Units (ISO/IEC 29500-1) in a twentieth of a point.
_EMU_PER_TWENTIETH = 635


def guide_name(guide: str) -> str:
    """The name of a guide's document."""
    return f"guide-{guide}.docx"


def make_guide(text: str, base: bytes, picture: Callable[[str], bytes | None], day: datetime) -> bytes:
    """The Word document of a guide; the same text, pictures and ``day`` give the same bytes.

    ``base`` is a Word document whose styles, page and numbering are taken, and nothing else. ``picture`` gives the
    bytes of a picture by its address in the text; where there is none, what it shows stands in words.
    """
    document: Document = docx.Document(io.BytesIO(base))
    body, title = document.element.body, _title(text)
    body[:] = [element for element in body if element.tag == qn("w:sectPr")]
    width = text_width_of(document)
    numbers = iter(range(1, 1000))

    def show(address: str, shown: str) -> str:
        content = picture(address)
        if content is None:
            return f"<w:r><w:t>{printed(shown)}</w:t></w:r>"
        inline = document.part.new_pic_inline(io.BytesIO(content), Emu(width * _EMU_PER_TWENTIETH), None)
        (about,) = inline.iter(qn("wp:docPr"))
        about.attrib.update({"id": str(next(numbers)), "descr": shown})
        return f"<w:r><w:drawing>{etree.tostring(inline).decode()}</w:drawing></w:r>"

    styles = {style.name.casefold(): style.style_id for style in document.styles if style.name}
    written = MarkdownWriter(styles, 1, show).xml(bound(text))
    for block in [*parse_xml(f"<w:body {nsdecls('w')}>{written}</w:body>")]:
        body.insert(len(body) - 1, block)
    number_lists(document)
    finish_tables(body, width)
    set_language(document)
    _set_margins_texts(document, title)
    core = document.core_properties
    core.title, core.author, core.language = title, "tabellion", "fr-FR"
    core.created = core.modified = day
    stream = io.BytesIO()
    document.save(stream)
    return with_fixed_dates(stream.getvalue())


def _title(text: str) -> str:
    """The first title of a text."""
    tokens = parsed(text)
    return next((tokens[rank + 1].content for rank, token in enumerate(tokens) if token.type == "heading_open"), "")


def _set_margins_texts(document: Document, title: str) -> None:
    """Put the guide's title above every page, and leave the page's number under it."""
    for section in document.sections:
        section.different_first_page_header_footer = False
        for margin, words in ((section.header, title), (section.footer, "")):
            for paragraph in margin.part.element.iter(qn("w:p")):
                texts = [*paragraph.iter(qn("w:t"))]
                for rank, run in enumerate(texts):
                    if "{{" in (run.text or ""):
                        run.text = words if rank == 0 else ""
