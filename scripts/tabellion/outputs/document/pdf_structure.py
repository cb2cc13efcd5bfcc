"""What LibreOffice leaves out of the structure of a tagged PDF: captions of tables, the contents, words for pictures.

It writes the styles of captions and of contents as plain paragraphs, and no alternative text for charts
(ISO 32000-1, 14.8.4: Caption, TOC, TOCI, Figure; ISO 14289-1, 7.3 for the last).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_ELEMENT = re.compile(rb"<</Type/StructElem\s*/S/([^\s/<>]+)")
#: Kids that are all elements: one of the others stands on a page itself.
_KIDS = re.compile(rb"/K\[((?:\s*\d+ 0 R)+)\s*\]")
_PARENT = re.compile(rb"/P \d+ 0 R")
_TABLE, _FIGURE, _CONTENTS = b"Table", b"Figure", b"TOC"
#: The names that LibreOffice gives to the styles of Word, and what they are.
_CAPTION, _ENTRY = b"caption", re.compile(rb"Contents#20\d+")
_ROLES = (
    (re.compile(rb"(/caption)/P(?=[/\s>])"), rb"\1/Caption"),
    (re.compile(rb"(/Contents#20\d+)/P(?=[/\s>])"), rb"\1/TOCI"),
)


def complete_structure(objects: dict[int, bytes], pictures: Sequence[str]) -> None:
    """Put right, in place, the structure of the ``objects`` of a PDF, by number.

    Each caption is the first element of its table, and entries that follow each other are one table of contents.
    ``pictures`` are the words for its figures, in their order.
    """
    kinds = {number: match[1] for number, body in objects.items() if (match := _ELEMENT.match(body))}
    for parent in list(kinds):
        _arrange(objects, kinds, parent, _kids(objects, parent))
    figures = [number for number, kind in kinds.items() if kind == _FIGURE]
    for number, words in zip(figures, pictures, strict=True) if len(figures) == len(pictures) else ():
        if words and b"/Alt" not in objects[number]:
            text = f"\ufeff{words}".encode("utf-16-be").hex().encode()
            objects[number] = objects[number].removesuffix(b">>") + b"/Alt<%s>>>" % text
    for number, body in objects.items():
        if body.startswith(b"<</Type/StructTreeRoot"):
            for named, role in _ROLES:
                objects[number] = named.sub(role, objects[number])


def _arrange(objects: dict[int, bytes], kinds: dict[int, bytes], parent: int, kids: Sequence[int]) -> None:
    """Move the captions of tables and the entries of contents among the kids of an element."""
    kept = list[int]()
    for kid in kids:
        kind, before = kinds.get(kid, b""), kinds.get(kept[-1], b"") if kept else b""
        if kind == _TABLE and before == _CAPTION:
            _adopt(objects, kid, [kept.pop(), *_kids(objects, kid)])
        elif _ENTRY.fullmatch(kind) and before == _CONTENTS:
            _adopt(objects, kept[-1], [*_kids(objects, kept[-1]), kid])
            continue
        elif _ENTRY.fullmatch(kind):
            contents = max(objects) + 1
            objects[contents] = b"<</Type/StructElem\n/S/TOC\n/P %d 0 R\n/K[%d 0 R ]\n>>" % (parent, kid)
            kinds[contents] = _CONTENTS
            _adopt(objects, contents, [kid])
            kid = contents
        kept.append(kid)
    if kept != list(kids):
        _adopt(objects, parent, kept)


def _kids(objects: dict[int, bytes], element: int) -> list[int]:
    kids = _KIDS.search(objects[element])
    return [] if kids is None else [int(kid) for kid in re.findall(rb"(\d+) 0 R", kids[1])]


def _adopt(objects: dict[int, bytes], element: int, kids: Sequence[int]) -> None:
    """Give an element these kids, and them this parent."""
    listed = b"/K[%s ]" % b" ".join(b"%d 0 R" % kid for kid in kids)
    objects[element] = _KIDS.sub(listed, objects[element], count=1)
    for kid in kids:
        objects[kid] = _PARENT.sub(b"/P %d 0 R" % element, objects[kid], count=1)
