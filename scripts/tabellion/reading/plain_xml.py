"""What is read of a part from its text alone: what all programs write in one way, where it can be nothing else.

The parser calls Python twice for each element, and a return has thousands of cells. It reads what stands between.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from tabellion.reading.xml_parts import MAIN

#: The root of a part whose elements have no prefix, up to their namespace.
_PLAIN_ROOT = re.compile(rb'\s*<(?:worksheet|sst) (?:[^<>]* )?xmlns="([^"<>]*)"')
#: What may make what follows another thing than it looks: a comment, a raw text, an instruction, another namespace.
_HIDING = re.compile(rb"<[!?]|xmlns\s*=")
#: What the parser does more with than take it, or refuses, in the text of an element: other names of characters; the
#: end of a raw text; two numbers that are no character; what controls. The bytes that are in none of the last three.
_OTHER_NAME, _RAW_END = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos);)"), b"]]>"
_NO_CHARACTER = re.compile(rb"\xef\xbf[\xbe\xbf]")
_CONTROLS = bytes(range(32))
_HARMLESS = bytes({*range(256)} - {*_CONTROLS, *_RAW_END, *b"<\xef"})
_NAMED = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"), ("&amp;", "&"))


def maybe(*patterns: bytes) -> bytes:
    """A pattern of each of ``patterns`` or nothing, in their order; written so, it takes half the time of ``?``."""
    return b"".join(b"(?:%b|)" % pattern for pattern in patterns)


_FORMULA = rb"<f" + maybe(rb' t="shared"' + maybe(rb' ref="[A-Z0-9:]+"') + rb' si="[0-9]{1,9}"', rb' aca="[a-z0-9]+"')
_CELL = rb'<c r="[A-Z]{1,3}\1"' + maybe(rb' s="[0-9]{1,5}"', rb' t="(?:n|s|str|b|e)"')
_CELL += rb"(?:/>|>" + maybe(_FORMULA + rb"(?:/>|>[^<]*</f>)") + rb"<v>[^<]*</v></c>)"
#: A row as Excel, LibreOffice and this program write it, that is not hidden and not among a sheet's last.
_ROW = (
    rb'<row r="([1-9][0-9]{0,5})"'
    + maybe(rb' spans="[0-9: ]+"', rb' s="[0-9]+"', rb' customFormat="[a-z0-9]+"', rb' ht="[0-9.]+"')
    + maybe(rb' hidden="(?:0|false)"', rb' customHeight="[a-z0-9]+"', rb' outlineLevel="[0-9]+"')
    + maybe(rb' collapsed="[a-z0-9]+"', rb' thickTop="[a-z0-9]+"', rb' thickBot="[a-z0-9]+"')
)
_ROWS = rb"(?:%b%%b(?:/>|>(?:%b)*+</row>)){1,50}+" % (_ROW, _CELL)
#: Some such rows, and the number of the last one; and in a sheet that declares the prefix of their extension.
SIMPLE_ROWS, EXTENDED_ROWS = re.compile(_ROWS % b""), re.compile(_ROWS % rb'(?: x14ac:dyDescent="[0-9.]+"|)')
#: Of a cell of such rows that holds something: its column, its row, its style, its type, the group and text of its
#: formula, its value.
FILLED_CELL = re.compile(
    rb'<c r="([A-Z]++)([0-9]++)"' + maybe(rb' s="([0-9]++)"', rb' t="([a-z]++)"') + rb">"
    + maybe(rb"<f" + maybe(rb' t="shared"[^>]*? si="([0-9]++)"') + rb"[^>]*+>" + maybe(rb"([^<]*+)</f>"))
    + rb"<v>([^<]*+)<"
)  # fmt: skip
#: Some shared texts of one run, as all programs write them: how each begins, which says whether its blanks stay. How
#: each ends.
SIMPLE_TEXTS = re.compile(rb'(<si><t(?: xml:space="preserve"|)>)[^<]*</t></si>(?:\1[^<]*</t></si>){0,99}+')
TEXT_END = "</t></si>"


#: Texts and whole tags: what stands before something simple does not end inside a tag.
_WHOLE = re.compile(rb"""(?:[^<]++|<[^<>"']*+(?:"[^"]*+"[^<>"']*+|'[^']*+'[^<>"']*+)*+>)*+""")


def gaps(content: bytes, simple: re.Pattern[bytes], read: Callable[[re.Match[bytes]], bool]) -> Iterator[bytes]:
    """What the parser has to read of a part; what is ``simple`` between is read once it has come to it, as ``read``
    does, which says whether it could.
    """
    root = _PLAIN_ROOT.match(content)
    is_plain_part = root is not None and root[1].decode("ascii", "replace") in MAIN
    last, plain = 0, root.end() if root is not None and is_plain_part else len(content)
    is_plain = _is_plain(content[plain:])
    for match in simple.finditer(content, plain):
        start = match.start()
        if start != last:
            if _HIDING.search(content, max(last, plain), start) or not _WHOLE.fullmatch(content, last, start):
                break
            yield content[last:start]
            last = start
        if (is_plain or _is_plain(match[0])) and read(match):
            last = match.end()
    yield content[last:]


def _is_plain(texts: bytes) -> bool:
    """Whether the parser would take the texts in a piece of a part as they are, once :func:`written_out`."""
    marks = texts.translate(None, _HARMLESS)  # a twentieth is left, in which tags part what they parted
    if len(marks.translate(None, _CONTROLS)) < len(marks) or (_RAW_END in marks and _RAW_END in texts):
        return False
    return _OTHER_NAME.search(texts) is None and (b"\xef" not in marks or _NO_CHARACTER.search(texts) is None)


def written_out(text: str) -> str:
    """``text`` with the characters that XML writes by their names."""
    if "&" in text:
        for name, character in _NAMED:
            text = text.replace(name, character)
    return text
