"""XML parts of a package: one encoding, no DOCTYPE, bounded depth; then the few elements that someone asks for."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple
from xml.parsers import expat

from tabellion.findings import TabellionError
from tabellion.reading.limits import LIMITS, refusal

MAIN = frozenset(
    (
        "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
        "http://purl.oclc.org/ooxml/spreadsheetml/main",
    )
)
"""SpreadsheetML's namespace, transitional and strict: both are read."""
RELATIONSHIP_ID = (
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships id",
    "http://purl.oclc.org/ooxml/officeDocument/relationships id",
)

_SPACE = "http://www.w3.org/XML/1998/namespace space"

_DECLARATION = re.compile(rb"<\?xml[^>]*\?>")
_ENCODING = re.compile(rb"""encoding\s*=\s*["']([^"']*)""")
_BOM = b"\xef\xbb\xbf"


class Element(NamedTuple):
    """One element that was asked for: its local name, its attributes and its own text (children's text included)."""

    name: str
    attributes: dict[str, str]
    text: str


def normalised_xml(content: bytes, part: str) -> bytes:
    """``content`` in UTF-8 without byte-order mark or declaration; ``part`` names it in refusals.

    Raises ``TabellionError``: ``xml-doctype``, or ``xml-encodage`` for anything but UTF-8 and UTF-16, the two that a
    package may use (another one could spell a DOCTYPE that nobody sees).
    """
    if content[:2] in (b"\xff\xfe", b"\xfe\xff", b"<\x00", b"\x00<"):
        try:
            codec = "utf-16" if content[0] >= 0xFE else ("utf-16-le" if content[:1] == b"<" else "utf-16-be")
            content = content.decode(codec).encode("utf-8")
        except (UnicodeDecodeError, UnicodeEncodeError):
            raise refusal("xml-encodage", partie=part, valeur="UTF-16 illisible") from None
        content = _DECLARATION.sub(b"", content, count=1)
    else:
        content = content.removeprefix(_BOM)
        declaration = _DECLARATION.match(content)
        if declaration is not None:
            encoding = _ENCODING.search(declaration[0])
            if encoding is not None and encoding[1].lower() not in (b"utf-8", b"utf8", b"us-ascii", b"ascii"):
                raise refusal("xml-encodage", partie=part, valeur=encoding[1][:40].decode("ascii", "replace"))
            content = content[declaration.end() :]
        if not content.isascii():
            try:
                content.decode("utf-8")
            except UnicodeDecodeError:
                raise refusal("xml-encodage", partie=part, valeur="UTF-8 illisible") from None
    if b"<!DOCTYPE" in content:  # an ENTITY declaration can only stand inside one
        raise refusal("xml-doctype", partie=part)
    return content


def parse(
    content: bytes,
    part: str,
    *,
    start: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None],
    text: Callable[[str], None],
    max_depth: int = LIMITS.xml_depth,
) -> None:
    """Run the handlers over a part given by :func:`normalised_xml`; names come as ``namespace local``.

    Raises ``TabellionError`` (``xml-mal-forme``, ``xml-trop-profond``, ``xml-doctype``).
    """
    parser = expat.ParserCreate("utf-8", namespace_separator=" ")
    parser.buffer_text = True
    depth = 0

    def on_start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > max_depth:
            raise refusal("xml-trop-profond", partie=part, attendu=max_depth)
        start(name, attributes)

    def on_end(name: str) -> None:
        nonlocal depth
        depth -= 1
        end(name)

    def on_doctype(*_: object) -> None:
        raise refusal("xml-doctype", partie=part)

    parser.StartElementHandler = on_start
    parser.EndElementHandler = on_end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = on_doctype
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise malformed(part, error.lineno) from None


def malformed(part: str, line: int = 1) -> TabellionError:
    """The refusal of a part that is not well-formed XML, at a one-based line of it."""
    return refusal("xml-mal-forme", partie=part, ligne=line)


def elements(content: bytes, part: str, wanted: frozenset[str]) -> list[Element]:
    """The elements whose local name is ``wanted``, whatever their namespace but Excel's extensions, in document order.

    An element comes after those it contains. Raises ``TabellionError`` as :func:`parse` does.
    """
    found: list[Element] = []
    open_elements: list[tuple[str, dict[str, str], list[str]]] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition(" ")
        if local in wanted and not namespace.startswith("http://schemas.microsoft.com/"):
            open_elements.append((name, attributes, []))

    def end(name: str) -> None:
        if open_elements and open_elements[-1][0] == name:
            _, attributes, pieces = open_elements.pop()
            found.append(Element(name.rpartition(" ")[2], attributes, "".join(pieces)))

    def text(data: str) -> None:
        if open_elements:
            open_elements[-1][2].append(data)

    parse(content, part, start=start, end=end, text=text)
    return found


def close_text(pieces: list[str], start: int, preserve: bool) -> None:
    """End a ``<t>`` whose text is ``pieces[start:]``: unless its spaces are to be preserved, those around it go."""
    if not preserve:
        pieces[start:] = ["".join(pieces[start:]).strip(" \t\r\n")]


def preserves_space(attributes: dict[str, str]) -> bool:
    """Whether an element says ``xml:space="preserve"``."""
    return attributes.get(_SPACE) == "preserve"
