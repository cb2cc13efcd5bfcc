"""The register put into a Word document: in an XML part of its own, which Word and LibreOffice keep when they save.

See ISO/IEC 29500-1, 15.2.5 and 22.5: each such part has its properties, by which programs know it again.
"""

from __future__ import annotations

import base64

from docx.document import Document
from docx.opc.constants import CONTENT_TYPE, RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from lxml import etree

from tabellion.contract.carried import ELEMENT

_PROPERTIES = """<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<ds:datastoreItem ds:itemID="{6E1F3B52-5A0C-4C0B-9D0C-7A1B6F2C9E01}"
 xmlns:ds="http://schemas.openxmlformats.org/officeDocument/2006/customXml"><ds:schemaRefs/></ds:datastoreItem>"""


def carry(document: Document, archive: bytes) -> None:
    """Put an archive into a document, once; the same archive gives the same part."""
    package = document.part.package
    root = etree.Element(ELEMENT)
    root.text = base64.b64encode(archive).decode()
    blob = etree.tostring(root, encoding="UTF-8", xml_declaration=True, standalone=True)
    item = Part(package.next_partname("/customXml/item%d.xml"), CONTENT_TYPE.XML, blob, package)
    name = PackURI(item.partname.replace("/item", "/itemProps"))
    properties = Part(name, CONTENT_TYPE.OFC_CUSTOM_XML_PROPERTIES, _PROPERTIES.encode(), package)
    item.relate_to(properties, RELATIONSHIP_TYPE.CUSTOM_XML_PROPS)
    document.part.relate_to(item, RELATIONSHIP_TYPE.CUSTOM_XML)
