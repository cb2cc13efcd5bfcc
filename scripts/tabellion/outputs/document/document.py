"""The whole document as bytes: its body written twice, first to know the pages, then around the template."""

from __future__ import annotations

from collections.abc import Callable
from xml.sax.saxutils import escape

from tabellion.outputs.document.annex import write_annex
from tabellion.outputs.document.budget import write_budget_annex
from tabellion.outputs.document.chapters import write_chapters
from tabellion.outputs.document.cover import write_front
from tabellion.outputs.document.model import Edition
from tabellion.outputs.document.paging import Pages
from tabellion.outputs.document.template import Template, package
from tabellion.outputs.document.writer import Pen, safe
from tabellion.xlsx.signature import BLANK, PROPERTY, sign
from tabellion.xlsx.writer import document_date

_CORE = "docProps/core.xml"
_CUSTOM = "docProps/custom.xml"
_CORE_TYPE = "application/vnd.openxmlformats-package.core-properties+xml"
_CUSTOM_TYPE = "application/vnd.openxmlformats-officedocument.custom-properties+xml"
_CORE_RELATION = "http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties"
_CUSTOM_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/custom-properties"
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'

Told = Callable[[], None]


def make_document(edition: Edition, template: Template, told: Told = lambda: None, *, live: bool = True) -> bytes:
    """The document, sealed. The same edition and template give the same bytes.

    ``told`` is called after each fiche, twice. Not ``live``, the contents are a list and no field: LibreOffice then
    computes its page numbers when it prints.
    """
    pages = _write(edition, template, lambda _: None, told, {}, live=live)
    body = bytearray(template.head.encode())
    _write(edition, template, lambda xml: body.extend(xml.encode()), told, pages, live=live)
    body += f"{template.section}</w:body></w:document>".encode()
    settings = edition.contract.settings
    words = {"titre": settings.titre, "source": settings.source, "exercice": str(edition.exercice)}
    words = {name: safe_text(each) for name, each in words.items()}
    added = {_CORE: (_core(edition), _CORE_TYPE, _CORE_RELATION), _CUSTOM: (_custom(), _CUSTOM_TYPE, _CUSTOM_RELATION)}
    return sign(package(template, bytes(body), words, added))


def safe_text(text: str) -> str:
    """``text`` without what XML cannot hold (it is escaped where it is put)."""
    from xml.sax.saxutils import unescape

    return unescape(safe(text))


def _write(
    edition: Edition,
    template: Template,
    sink: Callable[[str], object],
    told: Told,
    known: dict[str, int],
    *,
    live: bool,
) -> dict[str, int]:
    """Write the body to ``sink``; give back the page of each bookmark."""
    pages = Pages(template.height, template.width, dict(template.measures))
    pen = Pen(sink, template.ids, template.fills, template.margins, template.width, pages, known)
    write_front(pen, edition, live=live)
    write_chapters(pen, edition, told)
    write_annex(pen, edition)
    write_budget_annex(pen, edition)
    return pages.found


def _core(edition: Edition) -> str:
    settings = edition.contract.settings
    when = f"{document_date(settings.debut):%Y-%m-%dT%H:%M:%SZ}"
    return (
        f'{_XML}<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<dc:title>{safe(settings.titre)}</dc:title>"
        f"<dc:subject>Conventions thématiques, exercice {edition.exercice}</dc:subject>"
        f"<dc:creator>{safe(settings.titre)}</dc:creator>"
        "<cp:keywords>contrat de ville, conventions thématiques, fiches action</cp:keywords>"
        f"<dc:description>{safe(settings.source)}</dc:description>"
        f'<dcterms:created xsi:type="dcterms:W3CDTF">{when}</dcterms:created>'
        f'<dcterms:modified xsi:type="dcterms:W3CDTF">{when}</dcterms:modified>'
        "<dc:language>fr-FR</dc:language></cp:coreProperties>"
    )


def _custom() -> str:
    return (
        f'{_XML}<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/custom-properties"'
        ' xmlns:vt="http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes">'
        f'<property fmtid="{{D5CDD505-2E9C-101B-9397-08002B2CF9AE}}" pid="2" name="{escape(PROPERTY)}">'
        f"<vt:lpwstr>{BLANK}</vt:lpwstr></property></Properties>"
    )
