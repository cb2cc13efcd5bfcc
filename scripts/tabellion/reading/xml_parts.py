"""XML parts of a package: one encoding, no DOCTYPE, bounded depth; then the few elements that are asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple
from xml.parsers import expat

from tabellion.findings import TabellionError
from tabellion.reading.limits import LIMITS, refusal

MAIN = ("http://schemas.openxmlformats.org/spreadsheetml/2006/main", "http://purl.oclc.org/ooxml/spreadsheetml/main")
"""SpreadsheetML's namespace, transitional and strict: both are read."""
RELATIONSHIP_ID = "/relationships id"
"""How the name of the attribute that holds a relationship's id ends: its namespace changed from edition to edition."""

_DECLARATION = re.compile(rb"<\?xml[^>]*\?>")
_ENCODING = re.compile(rb"""encoding\s*=\s*["']([^"']*)""")
#: The root of a part that is read, with its prefix and attributes; and a namespace that it declares.
_ROOT = re.compile(
    rb"<(?:([\w.-]+):)?(?:workbook|worksheet|sst|styleSheet|table|comments|(Relationships))(?=[\s/>])([^>]*)>"
)
_NAMESPACE = re.compile(rb"""\bxmlns(?::([\w.-]+))?\s*=\s*["']([^"']*)["']""")
_ROOT_WITHIN_BYTES = 4096
_RELATIONSHIPS = "http://schemas.openxmlformats.org/package/2006/relationships"
_ENCODINGS = (b"utf-8", b"utf8", b"us-ascii", b"ascii")
_BOM = b"\xef\xbb\xbf"
#: What was read last of so many parts, of so many bytes at most, is kept: the returns of a campaign have all parts in
#: common but sheets and texts.
_KEPT_PARTS, _KEPT_BYTES = 64, 16_384
#: A character written by its number, as ``_x000A_``; half of a surrogate pair is no character.
_ESCAPE = re.compile(r"_x(?![Dd][89A-Fa-f])([0-9A-Fa-f]{4})_")


class ParsedElement(NamedTuple):
    """One element that was asked for: its local name, its attributes and its own text (children's text included)."""

    name: str
    attributes: Mapping[str, str]
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
            if encoding is not None and encoding[1].lower() not in _ENCODINGS:
                raise refusal("xml-encodage", partie=part, valeur=encoding[1][:40].decode("ascii", "replace"))
            content = content[declaration.end() :]
        if not content.isascii():
            try:
                content.decode("utf-8")
            except UnicodeDecodeError:
                raise refusal("xml-encodage", partie=part, valeur="UTF-8 illisible") from None
    mark = content.find(b"!")  # found at once, and often only at the end of a sheet
    if mark >= 0 and content.find(b"<!DOCTYPE", max(0, mark - 1)) >= 0:  # an ENTITY can only be declared inside one
        raise refusal("xml-doctype", partie=part)
    return _in_known_namespace(content)


def has_doctype(head: bytes) -> bool:
    """Whether a part that begins so is XML with a DOCTYPE, in one of the encodings that may be read."""
    head = head.replace(b"\x00", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    encoding = _ENCODING.search(declaration[0]) if (declaration := _DECLARATION.match(head)) is not None else None
    is_readable = encoding is None or encoding[1].lower().startswith(
        (b"utf-8", b"utf8", b"utf-16", b"us-ascii", b"ascii")
    )
    return head.startswith(b"<") and is_readable and b"<!DOCTYPE" in head


def _in_known_namespace(content: bytes) -> bytes:
    """``content`` with the namespace of its root replaced by the standard's, where it is another edition's.

    The versions of 2006, before the standard, named the same elements otherwise.
    """
    root = _ROOT.search(content, 0, _ROOT_WITHIN_BYTES)
    if root is None:
        return content
    prefix, is_relationships, attributes = root.groups()
    for declared in _NAMESPACE.finditer(attributes):
        if (declared[1] or b"") == (prefix or b""):
            if declared[2].decode("ascii", "replace") in (*MAIN, _RELATIONSHIPS):
                return content
            start, end = root.start(3) + declared.start(2), root.start(3) + declared.end(2)
            return content[:start] + (_RELATIONSHIPS if is_relationships else MAIN[0]).encode() + content[end:]
    return content


def parse(
    pieces: Iterable[bytes | str],
    part: str,
    start: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None],
    text: Callable[[str], object],
) -> None:
    """Run the handlers over a part given by :func:`normalised_xml`, whole or piece by piece, each of which ends with
    an element's mark; names come as ``namespace local``.

    ``start`` counts the depth and raises :func:`too_deep`: one call less for each element, which is what the time of a
    reading is made of. Raises ``TabellionError`` (``xml-mal-forme``, ``xml-doctype``).
    """

    def doctype(*_: object) -> None:
        raise refusal("xml-doctype", partie=part)

    parser = expat.ParserCreate("utf-8", namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = doctype
    try:
        for piece in pieces:
            parser.Parse(piece, False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise malformed(part, error.lineno) from None


def malformed(part: str, line: int = 1) -> TabellionError:
    """The refusal of a part that is not well-formed XML, at a one-based line of it."""
    return refusal("xml-mal-forme", partie=part, ligne=line)


def too_deep(part: str) -> TabellionError:
    """The refusal of a part with more than ``LIMITS.xml_depth`` elements one inside the other."""
    return refusal("xml-trop-profond", partie=part, attendu=LIMITS.xml_depth)


def elements(content: bytes, part: str, *wanted: str) -> tuple[ParsedElement, ...]:
    """The elements whose local name is ``wanted``, whatever their namespace but Excel's extensions, in document order.

    An element comes after those it contains. Raises ``TabellionError`` (``xml-trop-profond``, and as :func:`parse`).
    """
    return (_kept_elements if len(content) <= _KEPT_BYTES else _elements)(content, part, wanted)


def _elements(content: bytes, part: str, wanted: Collection[str]) -> tuple[ParsedElement, ...]:
    closed: list[ParsedElement] = []
    open_elements: list[tuple[str, dict[str, str], list[str]] | None] = []
    texts: list[list[str]] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition(" ")
        if len(open_elements) == LIMITS.xml_depth:
            raise too_deep(part)
        if local in wanted and not namespace.startswith("http://schemas.microsoft.com/"):
            texts.append([])
            open_elements.append((local, attributes, texts[-1]))
        else:
            open_elements.append(None)

    def end(_: str) -> None:
        element = open_elements.pop()
        if element is not None:
            local, attributes, pieces = element
            closed.append(ParsedElement(local, attributes, "".join(pieces)))
            texts.pop()

    def text(data: str) -> None:
        if texts:
            texts[-1].append(data)

    parse((content,), part, start, end, text)
    return tuple(closed)


_kept_elements = lru_cache(_KEPT_PARTS)(_elements)


def unescaped(text: str) -> str:
    """``text`` with the ``_x000A_`` escapes of SpreadsheetML undone, once: ``_x005F_x000A_`` is literal."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text
