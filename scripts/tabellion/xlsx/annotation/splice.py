"""XML edited as bytes: where each element stands, and edits that leave every other byte as it was.

A parser that writes its tree back loses prefixes, order of attributes and what it does not know; here only the bytes
that an edit names change.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from xml.parsers import expat
from xml.sax.saxutils import escape

from tabellion.reading.xml_parts import malformed

DECLARATION = b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_TAG = re.compile(rb"""<(?:[^>"']|"[^"]*"|'[^']*')*>""")
_ATTRIBUTE = re.compile(rb"""([^\s=<>/"']+)\s*=\s*("[^"]*"|'[^']*')""")
_PREFIX = re.compile(rb"<([^\s:/>]+):")
#: What XML 1.0 cannot hold, and what SpreadsheetML reads as an escaped character.
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPED = re.compile("_x[0-9A-Fa-f]{4}_")


@dataclass(slots=True)
class Node:
    """One element: its local name, its attributes (namespaced ones as ``uri local``), and its place in bytes.

    ``start`` to ``tag_end`` is its start tag, ``inner_end`` the start of its end tag (``tag_end`` when it closes
    itself), ``end`` the byte after it. ``depth`` is 0 for the root.
    """

    name: str
    attributes: dict[str, str]
    depth: int
    start: int
    tag_end: int
    inner_end: int = 0
    end: int = 0


def find_nodes(content: bytes, part: str, wanted: Callable[[int, str, dict[str, str]], bool]) -> list[Node]:
    """The elements for which ``wanted(depth, name, attributes)`` holds, and the root first, in document order.

    ``content`` is normalised XML (UTF-8, no DOCTYPE). ``wanted`` is asked about every element, in order. Raises
    ``TabellionError`` (``xml-mal-forme``).
    """
    found: list[Node] = []
    open_nodes: list[Node | None] = []
    parser = expat.ParserCreate("utf-8", namespace_separator=" ")

    def on_start(name: str, attributes: dict[str, str]) -> None:
        depth, local, node = len(open_nodes), name.rpartition(" ")[2], None
        if wanted(depth, local, attributes) or depth == 0:
            start = parser.CurrentByteIndex
            node = Node(local, attributes, depth, start, _tag_end(content, start))
            found.append(node)
        open_nodes.append(node)

    def on_end(_: str) -> None:
        node = open_nodes.pop()
        if node is None:
            return
        if content[node.tag_end - 2 : node.tag_end] == b"/>":
            node.inner_end = node.end = node.tag_end
        else:
            node.inner_end = parser.CurrentByteIndex
            node.end = _tag_end(content, node.inner_end)

    parser.StartElementHandler, parser.EndElementHandler = on_start, on_end
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise malformed(part, error.lineno) from None
    return found


def _tag_end(content: bytes, start: int) -> int:
    match = _TAG.match(content, start)
    return match.end() if match else len(content)


def prefix_of(content: bytes, node: Node) -> str:
    """The prefix of an element's name with its colon, or nothing."""
    match = _PREFIX.match(content, node.start)
    return f"{match[1].decode()}:" if match else ""


@dataclass
class Edits:
    """Replacements in one part, applied together; those at one place come out in the order they were asked."""

    content: bytes
    changes: list[tuple[int, int, bytes]] = field(default_factory=list)

    def insert(self, at: int, new: str | bytes) -> None:
        """Put bytes at a place."""
        self.replace(at, at, new)

    def replace(self, start: int, end: int, new: str | bytes) -> None:
        """Put bytes in place of others."""
        self.changes.append((start, end, new.encode("utf-8") if isinstance(new, str) else new))

    def append(self, node: Node, new: str) -> None:
        """Put new children at the end of an element, which is opened if it closes itself."""
        if node.inner_end == node.end:
            tag = self.content[node.start : node.tag_end]
            name = re.split(rb"[\s/>]", tag[1:], maxsplit=1)[0]
            self.replace(node.tag_end - 2, node.tag_end, b">" + new.encode("utf-8") + b"</" + name + b">")
        else:
            self.insert(node.inner_end, new)

    def set(self, node: Node, **attributes: str | None) -> None:
        """Set or (``None``) remove attributes that have no prefix."""
        tag = self.content[node.start : node.tag_end]
        self.replace(node.start, node.tag_end, with_attributes(tag, **attributes))

    def result(self) -> bytes:
        """The content with every change made."""
        pieces, position = [], 0
        for start, end, new in sorted(self.changes, key=lambda change: (change[0], change[1])):
            pieces += [self.content[position:start], new]
            position = end
        return b"".join([*pieces, self.content[position:]])


def with_attributes(tag: bytes, **attributes: str | None) -> bytes:
    """A start tag with attributes set, or (``None``) removed; the others stay as they are written."""
    for name, value in attributes.items():
        match = next((each for each in _ATTRIBUTE.finditer(tag) if each[1] == name.encode()), None)
        new = b"" if value is None else f'{name}="{escape_attribute(value)}"'.encode()
        if match is not None:
            start = match.start() - (1 if value is None else 0)
            tag = tag[:start] + new + tag[match.end() :]
        elif value is not None:
            close = b"/>" if tag.endswith(b"/>") else b">"
            tag = tag[: -len(close)].rstrip() + b" " + new + close
    return tag


def plain(text: str) -> str:
    """``text`` as XML can hold it and SpreadsheetML gives it back."""
    return _ESCAPED.sub(r"_x005F\g<0>", _ILLEGAL.sub("�", text.replace("\r\n", "\n").replace("\r", "\n")))


def escape_text(text: str) -> str:
    """``text`` between tags."""
    return escape(plain(text))


def escape_attribute(text: str) -> str:
    """``text`` between double quotes."""
    return escape(text, {'"': "&quot;", "\n": "&#10;", "\t": "&#9;"})
