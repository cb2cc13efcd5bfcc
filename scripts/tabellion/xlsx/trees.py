"""Parts of a workbook as trees that change in place: parsed by lxml under the guard's rules, and a few edits of them.

lxml keeps prefixes, comments, character data and the order of attributes, so that what is not edited stays as it was.
"""

from __future__ import annotations

import re
from typing import TypeAlias

from lxml import etree

from tabellion.findings import TabellionError
from tabellion.reading.limits import MIB, refusal
from tabellion.reading.xml_parts import RELATIONSHIP_ID, malformed, normalised_xml

#: The class of every element; lxml exports it under this name only.
Element: TypeAlias = etree._Element

#: A tree takes twenty times the memory of its text: a larger part is not parsed.
LARGEST_TREE_BYTES = 32 * MIB
_SPACE = "{http://www.w3.org/XML/1998/namespace}space"
#: What XML 1.0 cannot hold, and what SpreadsheetML reads as an escaped character.
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPED = re.compile("_x[0-9A-Fa-f]{4}_")


def parse_xml(content: bytes, part: str, *, recover: bool = False) -> Element:
    """The root of a part; ``recover`` keeps what it can of XML that is not well formed.

    Raises ``TabellionError``: ``xml-doctype``, ``xml-encodage``, ``xml-mal-forme``, ``archive-partie-trop-grande``.
    """
    if len(content) > LARGEST_TREE_BYTES:
        raise refusal("archive-partie-trop-grande", partie=part[:80], attendu=LARGEST_TREE_BYTES // MIB)
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_blank_text=False,
        strip_cdata=False, recover=recover,
    )  # fmt: skip
    try:
        root = etree.fromstring(normalised_xml(content, part).lstrip(), parser)
    except etree.XMLSyntaxError as error:
        raise malformed(part, error.lineno or 1) from None
    if root is None:  # nothing could be recovered
        raise malformed(part)
    return root


def qualified(like: Element, name: str) -> str:
    """The name of an element in the namespace of another one."""
    namespace = etree.QName(like).namespace
    return f"{{{namespace}}}{name}" if namespace else name


def child(parent: Element, name: str) -> Element:
    """The first child of a name. Raises ``TabellionError`` (``classeur-abime``) when there is none."""
    element = parent.find(f"{{*}}{name}")
    if element is None:
        raise damaged(f"son contenu n’a pas d’élément « {name} »")
    return element


def add(parent: Element, name: str, /, **attributes: str) -> Element:
    """Append a child to an element, in the element's namespace; returns it."""
    return etree.SubElement(parent, qualified(parent, name), {key: legal(text) for key, text in attributes.items()})


def add_text(parent: Element, text: str) -> None:
    """Append a ``<t>`` whose spaces count, as SpreadsheetML gives it back."""
    words = add(parent, "t")
    words.set(_SPACE, "preserve")
    words.text = escaped(text)


def escaped(text: str) -> str:
    """``text`` as SpreadsheetML writes it in a cell."""
    return _ESCAPED.sub(r"_x005F\g<0>", legal(text.replace("\r\n", "\n").replace("\r", "\n")))


def legal(text: str) -> str:
    """``text`` without the characters that XML cannot hold."""
    return _ILLEGAL.sub("�", text)


def drop(element: Element) -> None:
    """Remove an element from its parent; the white space after it stays."""
    parent, previous = element.getparent(), element.getprevious()
    if parent is None:
        raise ValueError("the root of a part is not dropped")
    if element.tail and previous is not None:
        previous.tail = (previous.tail or "") + element.tail
    elif element.tail:
        parent.text = (parent.text or "") + element.tail
    parent.remove(element)


def whole_number(text: str | None) -> int:
    """The number that an attribute says, 0 when it says none."""
    return int(text) if text is not None and text.isdecimal() else 0


def insert_after(parent: Element, element: Element, *names: str) -> None:
    """Put an element after the last child of these names; first, when there is none."""
    before = [child for child in parent.iterfind("{*}*") if etree.QName(child).localname in names]
    parent.insert(parent.index(before[-1]) + 1 if before else 0, element)


def relationship_id(element: Element) -> str:
    """The id of the relationship that an element names, in any edition of the format; empty when it names none."""
    ending = RELATIONSHIP_ID.replace(" ", "}")
    return next((str(link) for name, link in element.items() if str(name).endswith(ending) and link), "")


def damaged(raison: str) -> TabellionError:
    """The refusal of a workbook whose parts do not hold together."""
    return refusal("classeur-abime", raison=raison)
