"""The shared texts of a workbook, in one plain way, each of bounded length."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape

from tabellion.findings import TabellionError
from tabellion.reading.limits import LIMITS, Limits, refusal
from tabellion.reading.sheet_exact import text_length
from tabellion.reading.xml_parts import MAIN, close_text, elements, parse, preserves_space

_TEXT = rb'<t(?: xml:space="preserve")?+(?:/>|>(?:[^<]{0,32767}+)</t>)'
_PLAIN = re.compile(rb"(?:<si>(?:" + _TEXT + rb")?+</si>|<si/>)*+")
_CONTROL = bytes(byte for byte in range(32) if byte not in b"\t\n\r")
_OPENING = re.compile(rb"<sst[^<>]*+(?<!/)>")
_CLOSING = b"</sst>"


def plain_shared_strings(content: bytes, part: str, limits: Limits = LIMITS) -> bytes:
    """The items of a shared strings part, without its root: ``<si><t>…</t></si>`` only, in their order.

    The root is left out because calamine reserves memory for as many texts as its ``uniqueCount`` claims.
    Raises ``TabellionError``: ``texte-demesure``, and the refusals of damaged XML.
    """
    opening = _OPENING.search(content)
    if opening is not None:
        closing = content.rfind(_CLOSING)
        items = content[opening.end() : closing]
        if _PLAIN.fullmatch(items) and len(items.translate(None, _CONTROL)) == len(items):
            try:
                frame = elements(content[: opening.end()] + content[closing:], part, frozenset(("sst",)))
            except TabellionError:
                frame = []
            if len(frame) == 1:
                return items
    return _rewritten(content, part, limits)


def _rewritten(content: bytes, part: str, limits: Limits) -> bytes:
    """The same from any well-formed part: the runs of a rich text joined, phonetic guides left out."""
    pieces: list[str] = []
    item: list[str] = []
    in_text = phonetic = preserve = False
    text_start = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal in_text, phonetic, preserve, text_start
        namespace, _, local = name.rpartition(" ")
        if namespace not in MAIN:
            return
        if local == "si":
            item.clear()
        elif local == "rPh":
            phonetic = True
        elif local == "t" and not phonetic:
            in_text, text_start, preserve = True, len(item), preserves_space(attributes)

    def end(name: str) -> None:
        nonlocal in_text, phonetic
        namespace, _, local = name.rpartition(" ")
        if namespace not in MAIN:
            return
        if local == "rPh":
            phonetic = False
        elif local == "t" and in_text:
            in_text = False
            close_text(item, text_start, preserve)
        elif local == "si":
            joined = "".join(item)
            if len(joined) > limits.text_characters and text_length(joined) > limits.text_characters:
                raise refusal("texte-demesure", valeur=text_length(joined), attendu=limits.text_characters)
            pieces.append(f'<si><t xml:space="preserve">{escape(joined)}</t></si>')

    def text(data: str) -> None:
        if in_text:
            item.append(data)

    parse(content, part, start=start, end=end, text=text)
    return "".join(pieces).encode()
