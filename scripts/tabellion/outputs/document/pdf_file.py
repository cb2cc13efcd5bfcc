"""The PDF that LibreOffice wrote, put in order: small, dated, and saying what it is as PDF/UA asks.

LibreOffice 7 writes each of the ten thousands of objects of a tagged document by itself, and leaves out the title where
it is asked for PDF/UA. The objects are those that it wrote; what is not a stream is packed in object streams
(ISO 32000-1, 7.5.7), which is four fifths of the file.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Iterator, Sequence
from datetime import date
from xml.sax.saxutils import escape

_ELEMENT = re.compile(rb"<</Type/StructElem\s*/S/([^\s/<>]+)")
#: Kids that are all elements: one of the others stands on a page itself.
_KIDS = re.compile(rb"/K\[((?:\s*\d+ 0 R)+)\s*\]")
_PARENT = re.compile(rb"/P \d+ 0 R")
_TABLE, _FIGURE, _CONTENTS = b"Table", b"Figure", b"TOC"
#: The names that LibreOffice gives to the styles of Word, and what they are.
_CAPTION, _KEY = b"caption", re.compile(rb"Contents#20\d+")
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
        elif _KEY.fullmatch(kind) and before == _CONTENTS:
            _adopt(objects, kept[-1], [*_kids(objects, kept[-1]), kid])
            continue
        elif _KEY.fullmatch(kind):
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


_XREF = re.compile(rb"startxref\s+(\d+)\s+%%EOF\s*\Z")
_SECTION = re.compile(rb"(\d+) (\d+)\s*[\r\n]+")
_ENTRY = re.compile(rb"(\d{10}) (\d{5}) ([nf])\s*")
_OBJECT = re.compile(rb"\s*(\d+) 0 obj\s*(.*?)\s*endobj\s*\Z", re.DOTALL)
_STREAM = re.compile(rb"\A(<<.*?>>)\s*stream\r?\n", re.DOTALL)
_LENGTH = re.compile(rb"/Length (\d+) 0 R")
_PAGE = re.compile(rb"/Type\s*/Page(?![A-Za-z])")
#: How many objects stand in one stream: a reader inflates a whole stream for one of them.
_PACKED = 200
_HEADER = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"


class UnknownPdfError(ValueError):
    """The PDF is not written as LibreOffice writes one."""


def finished_pdf(
    content: bytes, title: str, day: date, pictures: Sequence[str] = (), attached: bytes = b"", name: str = ""
) -> bytes:
    """The same pages, packed, with their title, their language, the day of what they say, words for ``pictures``, and a
    file attached.

    Raises :class:`UnknownPdfError` where the file is not one that is known.
    """
    objects, trailer = _objects(content)
    root, info = (_reference(trailer, name) for name in (b"Root", b"Info"))
    moment = f"{day:%Y%m%d}000000Z".encode()
    objects[info] = re.sub(rb"/(CreationDate|ModDate)\(D:[^)]*\)", rb"/\1(D:" + moment + rb")", objects[info])
    for number, body in objects.items():
        if _PAGE.search(body) and b"stream" not in body and b"/Tabs" not in body:
            objects[number] = body.removesuffix(b">>") + b"/Tabs/S>>"
    complete_structure(objects, pictures)
    metadata = max(objects) + 1
    packet = _metadata(title, day)
    objects[metadata] = b"<</Type/Metadata/Subtype/XML/Length %d>>\nstream\n%s\nendstream" % (len(packet), packet)
    if old := re.search(rb"/Metadata (\d+) 0 R", objects[root]):
        del objects[int(old[1])]
    catalog = re.sub(rb"/Metadata \d+ 0 R|/ViewerPreferences\s*<<[^>]*>>", b"", objects[root])
    if attached:
        catalog = catalog.removesuffix(b">>") + _attach(objects, attached, name, moment) + b">>"
    catalogue = b"/Metadata %d 0 R/ViewerPreferences<</DisplayDocTitle true>>>>" % metadata
    objects[root] = catalog.removesuffix(b">>") + catalogue
    return _packed(objects, root, info)


def _attach(objects: dict[int, bytes], attached: bytes, name: str, moment: bytes) -> bytes:
    """Add a file, and return what the catalog says of it: an embedded file (ISO 32000-1, 7.11.4), of which readers show
    the name and the description, associated with the whole document as its data (ISO 32000-2, 14.13)."""
    stream = max(objects) + 1
    about = b"/Params<</Size %d/CheckSum<%s>/ModDate(D:%s)>>" % (
        len(attached), hashlib.md5(attached, usedforsecurity=False).hexdigest().encode(), moment,
    )  # fmt: skip
    kind = b"/Type/EmbeddedFile/Subtype/application#2Fzip" + about
    objects[stream] = b"<<%s/Length %d>>\nstream\n%s\nendstream" % (kind, len(attached), attached)
    words = "Le registre du contrat (Data Package) : tabellion le relit."
    text = b"<%s>" % ("\ufeff" + words).encode("utf-16-be").hex().encode()
    label = b"(%s)" % name.encode("ascii")
    objects[stream + 1] = b"<</Type/Filespec/F%s/UF%s/Desc%s/AFRelationship/Data/EF<</F %d 0 R/UF %d 0 R>>>>" % (
        label, label, text, stream, stream,
    )  # fmt: skip
    return b"/Names<</EmbeddedFiles<</Names[%s %d 0 R]>>>>/AF[%d 0 R]" % (label, stream + 1, stream + 1)


def _reference(trailer: bytes, name: bytes) -> int:
    reference = re.search(rb"/%s (\d+) 0 R" % name, trailer)
    if reference is None:
        raise UnknownPdfError(name.decode())
    return int(reference[1])


def _objects(content: bytes) -> tuple[dict[int, bytes], bytes]:
    """The bodies of the objects by number, and the trailer; lengths of streams stand in them."""
    end = _XREF.search(content)
    if end is None:
        raise UnknownPdfError("startxref")
    table = int(end[1])
    offsets = sorted(_offsets(content, table))
    objects = {}
    for start, stop in zip(offsets, [*offsets[1:], table], strict=True):
        match = _OBJECT.match(content[start:stop])
        if match is None:
            raise UnknownPdfError(f"objet à {start}")
        objects[int(match[1])] = match[2]
    lengths = set[int]()
    for number, body in objects.items():
        stream = _STREAM.match(body)
        length = _LENGTH.search(stream[1]) if stream else None
        if length is not None:
            objects[number] = body.replace(length[0], b"/Length " + objects[int(length[1])], 1)
            lengths.add(int(length[1]))
    return {number: body for number, body in objects.items() if number not in lengths}, content[table : end.start()]


def _offsets(content: bytes, table: int) -> Iterator[int]:
    position = table + len(b"xref\n")
    while section := _SECTION.match(content, position):
        position = section.end()
        for _ in range(int(section[2])):
            entry = _ENTRY.match(content, position)
            if entry is None:
                raise UnknownPdfError("xref")
            position = entry.end()
            if entry[3] == b"n":
                yield int(entry[1])


def _packed(objects: dict[int, bytes], root: int, info: int) -> bytes:
    """The file: streams as they are, all other objects in object streams, and a cross-reference stream."""
    parts, places, position = [_HEADER], dict[int, tuple[int, int, int]](), len(_HEADER)

    def write(number: int, body: bytes) -> None:
        nonlocal position
        text = b"%d 0 obj\n%s\nendobj\n" % (number, body)
        places[number] = (1, position, 0)
        parts.append(text)
        position += len(text)

    plain = [number for number, body in objects.items() if not _STREAM.match(body)]
    for number, body in objects.items():
        if _STREAM.match(body):
            write(number, body)
    following = max(objects) + 1
    for start in range(0, len(plain), _PACKED):
        numbers = plain[start : start + _PACKED]
        heads, bodies = list[bytes](), b""
        for rank, number in enumerate(numbers):
            heads.append(b"%d %d" % (number, len(bodies)))
            bodies += objects[number] + b"\n"
            places[number] = (2, following, rank)
        head = b" ".join(heads) + b"\n"
        write(following, _stream(b"/Type/ObjStm/N %d/First %d" % (len(numbers), len(head)), head + bodies))
        following += 1
    places[following] = (1, position, 0)
    rows = [(0, 0, 65535), *(places.get(number, (0, 0, 65535)) for number in range(1, following + 1))]
    table = b"".join(kind.to_bytes(1) + place.to_bytes(4) + rank.to_bytes(2) for kind, place, rank in rows)
    about = b"/Type/XRef/Size %d/W[1 4 2]/Root %d 0 R/Info %d 0 R/ID[<%032d><%032d>]" % (len(rows), root, info, 0, 0)
    start = position
    write(following, _stream(about, table))
    return b"".join([*parts, b"startxref\n%d\n%%%%EOF\n" % start])


def _stream(about: bytes, data: bytes) -> bytes:
    packed = zlib.compress(data, 9)
    return b"<<%s/Filter/FlateDecode/Length %d>>\nstream\n%s\nendstream" % (about, len(packed), packed)


def _metadata(title: str, day: date) -> bytes:
    """What PDF/UA-1 (ISO 14289-1, 7.1) asks a document to say of itself."""
    moment = f"{day.isoformat()}T00:00:00Z"
    return f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{escape(title)}</rdf:li></rdf:Alt></dc:title>
<dc:language><rdf:Bag><rdf:li>fr-FR</rdf:li></rdf:Bag></dc:language>
<xmp:CreateDate>{moment}</xmp:CreateDate><xmp:ModifyDate>{moment}</xmp:ModifyDate>
<pdfuaid:part>1</pdfuaid:part></rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>""".encode()
