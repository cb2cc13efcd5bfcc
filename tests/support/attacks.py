"""Builders of workbooks by hand and of hostile files: each attack has the one code that must refuse it."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import NamedTuple

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
MIB = 1024 * 1024

CONTENT_TYPES = f'{XML}<Types xmlns="{PACKAGE}/content-types"/>'
ROOT_RELS = (
    f'{XML}<Relationships xmlns="{PACKAGE}/relationships">'
    f'<Relationship Id="r" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
)
CELLS = '<row r="1"><c r="A1"><v>1</v></c></row>'


def sheet_xml(cells: str = CELLS, *, before: str = "", after: str = "") -> str:
    return f'{XML}<worksheet xmlns="{MAIN}">{before}<sheetData>{cells}</sheetData>{after}</worksheet>'


def workbook_xml(names: list[str], *, before: str = "", after: str = "") -> str:
    sheets = "".join(f'<sheet name="{name}" sheetId="{i}" r:id="r{i}"/>' for i, name in enumerate(names, 1))
    return f'{XML}<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">{before}<sheets>{sheets}</sheets>{after}</workbook>'


def workbook_rels(count: int, *, more: str = "") -> str:
    links = "".join(
        f'<Relationship Id="r{i}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{i}.xml"/>'
        for i in range(1, count + 1)
    )
    return f'{XML}<Relationships xmlns="{PACKAGE}/relationships">{links}{more}</Relationships>'


def parts(*sheets: str, **replaced: str | bytes) -> dict[str, str | bytes]:
    """The parts of a small valid workbook of those sheets (one by default)."""
    sheets = sheets or (sheet_xml(),)
    package: dict[str, str | bytes] = {
        "[Content_Types].xml": CONTENT_TYPES,
        "_rels/.rels": ROOT_RELS,
        "xl/workbook.xml": workbook_xml([f"Feuille {i}" for i in range(1, len(sheets) + 1)]),
        "xl/_rels/workbook.xml.rels": workbook_rels(len(sheets)),
    }
    package |= {f"xl/worksheets/sheet{i}.xml": sheet for i, sheet in enumerate(sheets, 1)}
    return package | replaced


def strings_link() -> str:
    return f'<Relationship Id="rs" Type="{OFFICE}/sharedStrings" Target="sharedStrings.xml"/>'


def package(contents: dict[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def workbook(*sheets: str) -> bytes:
    return package(parts(*sheets))


class Piece(NamedTuple):
    """One entry of :func:`raw_archive`; what is ``None`` is computed."""

    name: bytes
    content: bytes
    method: int = 8
    flags: int = 0
    stated_size: int | None = None
    stated_crc: int | None = None
    same_place_as: int | None = None
    local_name: bytes | None = None
    stored: bytes | None = None


def raw_archive(pieces: list[Piece], *, count: int | None = None) -> bytes:
    """A zip archive byte by byte, with whatever lies the pieces state."""
    body, directory, offsets = b"", b"", []
    for piece in pieces:
        compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
        stored = piece.stored
        if stored is None:
            stored = compressor.compress(piece.content) + compressor.flush() if piece.method == 8 else piece.content
        crc = zlib.crc32(piece.content) if piece.stated_crc is None else piece.stated_crc
        size = len(piece.content) if piece.stated_size is None else piece.stated_size
        offset = len(body)
        if piece.same_place_as is not None:
            offset = offsets[piece.same_place_as]
        else:
            name = piece.local_name or piece.name
            header = (20, piece.flags, piece.method, 0, 33, crc, len(stored), size, len(name), 0)
            body += struct.pack("<4s5H3L2H", b"PK\x03\x04", *header) + name + stored
        offsets.append(offset)
        facts = (
            20,
            20,
            piece.flags,
            piece.method,
            0,
            33,
            crc,
            len(stored),
            size,
            len(piece.name),
            0,
            0,
            0,
            0,
            0,
            offset,
        )
        directory += struct.pack("<4s6H3L5H2L", b"PK\x01\x02", *facts) + piece.name
    entries = len(pieces) if count is None else count
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, entries, entries, len(directory), len(body), 0)
    return body + directory + end


def raw_parts(**lies: object) -> list[Piece]:
    """The pieces of a valid workbook; ``lies`` change its sheet's piece."""
    pieces = [Piece(name.encode(), content.encode()) for name, content in parts().items() if isinstance(content, str)]
    return [*pieces[:-1], pieces[-1]._replace(**lies)]


def bomb(*, lying: bool) -> bytes:
    """190 MB of spaces in a sheet; ``lying`` states that they are 900 bytes."""
    head, tail = sheet_xml().split("<sheetData>")
    content = (head + " " * (190 * MIB) + "<sheetData>" + tail).encode()
    return raw_archive(raw_parts(content=content, stated_size=900 if lying else None))


def one_cell(reference: str) -> bytes:
    row = reference.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    cell = f'<row r="{row}"><c r="{reference}"><v>1</v></c></row>'
    return workbook(sheet_xml(CELLS + cell, before='<dimension ref="A1:B2"/>'))


def deep_sheet(depth: int) -> bytes:
    return workbook(sheet_xml(after="<a>" * depth + "</a>" * depth))


LAUGHS = (
    '<!DOCTYPE lolz [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {x} "{f"&{y};" * 10}">' for y, x in zip("abcdefghi", "bcdefghij", strict=True))
    + "]>"
)


def billion_laughs(encoding: str = "utf-8") -> bytes:
    content = f'<?xml version="1.0" encoding="{encoding}"?>{LAUGHS}<worksheet xmlns="{MAIN}">'
    content += '<sheetData><row r="1"><c r="A1" t="str"><v>&j;</v></c></row></sheetData></worksheet>'
    return workbook_with("xl/worksheets/sheet1.xml", content.encode(encoding))


def workbook_with(name: str, content: str | bytes) -> bytes:
    return package({**parts(), name: content})


def workbook_without(name: str) -> bytes:
    return package({key: content for key, content in parts().items() if key != name})


def with_strings(strings: str, cells: str = '<row r="1"><c r="A1" t="s"><v>0</v></c></row>') -> bytes:
    contents = parts(sheet_xml(cells))
    contents["xl/_rels/workbook.xml.rels"] = workbook_rels(1, more=strings_link())
    contents["xl/sharedStrings.xml"] = strings
    return package(contents)


def many_entries(count: int) -> bytes:
    pieces = raw_parts()
    return raw_archive(pieces + [Piece(b"xl/media/i%d.png" % i, b"", 0) for i in range(count - len(pieces))])


def ole2(*streams: str) -> bytes:
    directory = b"".join(name.encode("utf-16-le").ljust(128, b"\0") for name in ("Root Entry", *streams))
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504 + directory


ATTACKS: dict[str, tuple[str, Callable[[], bytes]]] = {
    # not a workbook, whatever its name
    "zero bytes": ("fichier-vide", lambda: b""),
    "NUL bytes": ("fichier-vide", lambda: b"\0" * 5000),
    "archive of nothing": ("fichier-vide", lambda: b"PK\x05\x06" + b"\0" * 18),
    "xls": ("format-xls", lambda: ole2("Workbook")),
    "xls of Excel 5": ("format-xls", lambda: ole2("Book")),
    "xls of Excel 2": ("format-xls", lambda: b"\x09\x00\x04\x00\x02\x00\x10\x00" + b"\0" * 50),
    "encrypted xlsx": ("format-chiffre", lambda: ole2("EncryptionInfo", "EncryptedPackage")),
    "doc": ("format-word", lambda: ole2("WordDocument")),
    "msg": ("format-message", lambda: ole2("__properties_version1.0")),
    "ods": (
        "format-ods",
        lambda: package({"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": "<a/>"}),
    ),
    "odt": (
        "format-word",
        lambda: package({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": "<a/>"}),
    ),
    "xlsb": (
        "format-xlsb",
        lambda: package(
            {"[Content_Types].xml": CONTENT_TYPES, "_rels/.rels": ROOT_RELS, "xl/workbook.bin": b"\x83\x01\x00"}
        ),
    ),
    "docx": (
        "format-word",
        lambda: package({"[Content_Types].xml": CONTENT_TYPES, "_rels/.rels": ROOT_RELS, "word/document.xml": "<a/>"}),
    ),
    "pptx": (
        "format-presentation",
        lambda: package(
            {"[Content_Types].xml": CONTENT_TYPES, "_rels/.rels": ROOT_RELS, "ppt/presentation.xml": "<a/>"}
        ),
    ),
    "zip of a workbook": ("format-archive", lambda: package({"retour.xlsx": workbook()})),
    "rar": ("format-archive", lambda: b"Rar!\x1a\x07\x00" + b"x" * 50),
    "csv": ("format-csv", lambda: "commune;montant\nLucé;12,5\n".encode()),
    "csv in Latin-1": ("format-csv", lambda: "commune;montant\nLucé;12,5\n".encode("cp1252")),
    "csv in UTF-16": ("format-csv", lambda: "commune\tmontant\nLucé\t12,5\n".encode("utf-16")),
    "web page": ("format-html", lambda: b"\n <!DOCTYPE html><html><table><tr><td>1</td></tr></table></html>"),
    "web page without doctype": ("format-html", lambda: b"<HTML><BODY>Session expired</BODY></HTML>"),
    "SpreadsheetML 2003": (
        "format-xml",
        lambda: b'<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?><Workbook/>',
    ),
    "pdf": ("format-pdf", lambda: b"%PDF-1.7\n%\xe2\xe3"),
    "png": ("format-image", lambda: b"\x89PNG\r\n\x1a\n" + b"\0" * 50),
    "jpeg": ("format-image", lambda: b"\xff\xd8\xff\xe0" + b"\0" * 50),
    "noise": ("format-non-reconnu", lambda: bytes(range(256)) * 4),
    "Windows shortcut": ("fichier-raccourci", lambda: b"\x4c\0\0\0\x01\x14\x02\0" + b"\0" * 100),
    "Internet shortcut": ("fichier-raccourci", lambda: b"[InternetShortcut]\r\nURL=https://exemple.fr\r\n"),
    "quoted-printable": ("format-csv", lambda: b"=50=4B=03=04=14=00=06=00\r\n" * 20),
    "mail archive page": ("format-html", lambda: b"MIME-Version: 1.0\r\nContent-Type: multipart/related\r\n\r\n"),
    # the container
    "truncated": ("fichier-tronque", lambda: workbook()[:-400]),
    "four bytes": ("fichier-tronque", lambda: b"PK\x03\x04"),
    "three bytes": ("fichier-tronque", lambda: b"PK\x03"),
    "duplicate part that says otherwise": (
        "archive-doublon",
        lambda: raw_archive([*raw_parts(), raw_parts(content=sheet_xml("").encode())[-1]]),
    ),
    "duplicate but for case": (
        "archive-doublon",
        lambda: raw_archive([*raw_parts(), Piece(b"XL/Workbook.xml", b"<workbook/>")]),
    ),
    "absolute name": ("archive-nom-interdit", lambda: raw_archive([*raw_parts(), Piece(b"/etc/passwd", b"x")])),
    "parent folder": ("archive-nom-interdit", lambda: raw_archive([*raw_parts(), Piece(b"xl/../../a.xml", b"x")])),
    "parent folder with backslashes": (
        "archive-nom-interdit",
        lambda: raw_archive([*raw_parts(), Piece(b"xl\\..\\..\\a.xml", b"x")]),
    ),
    "drive letter": ("archive-nom-interdit", lambda: raw_archive([*raw_parts(), Piece(b"C:a.xml", b"x")])),
    "NUL in a name": ("archive-nom-interdit", lambda: raw_archive([*raw_parts(), Piece(b"xl/a.xml\0.png", b"x")])),
    "bad UTF-8 name": (
        "archive-nom-interdit",
        lambda: raw_archive([*raw_parts(), Piece(b"xl/\xff\xfe", b"x", 8, 0x800)]),
    ),
    "overlap": (
        "archive-chevauchement",
        lambda: raw_archive(
            [*raw_parts(), raw_parts()[-1]._replace(name=b"xl/worksheets/sheet2.xml", same_place_as=4)]
        ),
    ),
    "two names of one place": (
        "archive-abimee",
        lambda: raw_archive(raw_parts(local_name=b"xl/worksheets/sheet9.xml")),
    ),
    "encrypted part": ("archive-chiffree", lambda: raw_archive(raw_parts(flags=1))),
    "unknown compression": ("archive-compression", lambda: raw_archive(raw_parts(method=14))),
    "wrong checksum": ("archive-abimee", lambda: raw_archive(raw_parts(stated_crc=1))),
    "wrong size": ("archive-abimee", lambda: raw_archive(raw_parts(stated_size=12))),
    "not deflate": ("archive-abimee", lambda: raw_archive(raw_parts(stored=b"\xff" * 200))),
    "lying count": ("archive-abimee", lambda: raw_archive(raw_parts(), count=3)),
    "6,000 entries": ("archive-trop-de-parties", lambda: many_entries(6000)),
    "6,000 entries, stated 5": (
        "archive-trop-de-parties",
        lambda: raw_archive(raw_parts() + [Piece(b"i%d" % i, b"", 0) for i in range(6000)], count=5),
    ),
    "zip bomb": ("archive-bombe", lambda: bomb(lying=False)),
    "zip bomb with lying headers": ("archive-bombe", lambda: bomb(lying=True)),
    # the XML
    "billion laughs": ("xml-doctype", billion_laughs),
    "billion laughs in UTF-16": ("xml-doctype", lambda: billion_laughs("utf-16")),
    "billion laughs in UTF-16 without mark": ("xml-doctype", lambda: billion_laughs("utf-16-be")),
    "billion laughs in UTF-7": ("xml-encodage", lambda: billion_laughs("utf-7")),
    "outside entity": (
        "xml-doctype",
        lambda: workbook_with("docProps/core.xml", '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'),
    ),
    "doctype in a part nobody reads": ("xml-doctype", lambda: workbook_with("customXml/item1.xml", "<!DOCTYPE a><a/>")),
    "doctype under another extension": ("xml-doctype", lambda: workbook_with("xl/a.png", "<!DOCTYPE a><a/>")),
    "deep XML": ("xml-trop-profond", lambda: deep_sheet(100_000)),
    "deep cells": ("xml-trop-profond", lambda: workbook(sheet_xml("<row>" * 50_000 + "</row>" * 50_000))),
    "invalid UTF-8": (
        "xml-encodage",
        lambda: workbook_with("xl/worksheets/sheet1.xml", sheet_xml().encode() + b"\xff"),
    ),
    "tag left open": ("xml-mal-forme", lambda: workbook(sheet_xml()[:-3])),
    "cell left open": ("xml-mal-forme", lambda: workbook(sheet_xml('<row r="1"><c r="A1"><v>1</c></row>'))),
    "control character": (
        "xml-mal-forme",
        lambda: workbook(sheet_xml('<row r="1"><c r="A1" t="str"><v>a\x01b</v></c></row>')),
    ),
    "unknown entity": ("xml-mal-forme", lambda: workbook(sheet_xml(before="<a>&zut;</a>"))),
    "not XML": ("xml-mal-forme", lambda: workbook_with("xl/worksheets/sheet1.xml", "bonjour")),
    # the workbook
    "no workbook relationships": ("classeur-abime", lambda: workbook_without("xl/_rels/workbook.xml.rels")),
    "no package relationships": ("classeur-abime", lambda: workbook_without("_rels/.rels")),
    "no workbook part": ("classeur-abime", lambda: workbook_without("xl/workbook.xml")),
    "sheet missing": ("classeur-abime", lambda: workbook_without("xl/worksheets/sheet1.xml")),
    "styles missing": (
        "classeur-abime",
        lambda: workbook_with(
            "xl/_rels/workbook.xml.rels",
            workbook_rels(1, more=f'<Relationship Id="x" Type="{OFFICE}/styles" Target="styles.xml"/>'),
        ),
    ),
    "sheet outside the package": (
        "classeur-abime",
        lambda: workbook_with(
            "xl/_rels/workbook.xml.rels", workbook_rels(1).replace("worksheets/sheet1.xml", "../../../../etc/passwd")
        ),
    ),
    "sheet at an address": (
        "classeur-abime",
        lambda: workbook_with(
            "xl/_rels/workbook.xml.rels",
            workbook_rels(1).replace(
                'Target="worksheets/sheet1.xml"', 'TargetMode="External" Target="http://exemple.fr/a.xml"'
            ),
        ),
    ),
    "two sheets of one name": (
        "classeur-abime",
        lambda: package(parts(sheet_xml(), sheet_xml()) | {"xl/workbook.xml": workbook_xml(["Budget", "BUDGET"])}),
    ),
    "not a workbook part": ("format-non-reconnu", lambda: workbook_with("xl/workbook.xml", "<a/>")),
    "300 sheets": ("classeur-trop-de-feuilles", lambda: workbook(*[sheet_xml()] * 300)),
    "far corner": ("feuille-trop-etendue", lambda: one_cell("XFD1048576")),
    "last row": (
        "feuille-trop-etendue",
        lambda: workbook(
            sheet_xml('<row r="1"><c r="H1"><v>1</v></c></row><row r="1048576"><c r="A1048576"><v>1</v></c></row>')
        ),
    ),
    "far corner in single quotes": (
        "feuille-trop-etendue",
        lambda: workbook(sheet_xml("<row><c r='XFD1048576'><v>1</v></c></row>")),
    ),
    "far corner under a prefix": (
        "feuille-trop-etendue",
        lambda: workbook_with(
            "xl/worksheets/sheet1.xml",
            f'<x:worksheet xmlns:x="{MAIN}"><x:sheetData><x:row><x:c r="XFD1048576"><x:v>1</x:v>'
            "</x:c></x:row></x:sheetData></x:worksheet>",
        ),
    ),
    "far corner in another row's clothes": (
        "feuille-trop-etendue",
        lambda: workbook(sheet_xml('<row r="1"><c r="XFD1048576"><v>1</v></c></row>')),
    ),
    "far corner after counted cells": (
        "feuille-trop-etendue",
        lambda: workbook(sheet_xml('<row r="1048575"/><row><c r="XFC1"/><c><v>1</v></c></row>')),
    ),
    "far corner behind a comment": (
        "feuille-trop-etendue",
        lambda: workbook(
            sheet_xml(
                '<row r="1"><c r="XFD1048576"><v>1</v></c></row>', before=f"<!--<sheetData>{CELLS}</sheetData>-->"
            )
        ),
    ),
    "cell beyond the sheet": (
        "classeur-abime",
        lambda: workbook(sheet_xml('<row r="1"><c r="XFE1"><v>1</v></c></row>')),
    ),
    "row beyond the sheet": (
        "classeur-abime",
        lambda: workbook(sheet_xml('<row r="1048577"><c r="A1048577"><v>1</v></c></row>')),
    ),
    "cell with no address": ("classeur-abime", lambda: workbook(sheet_xml('<row r="1"><c r="1A"><v>1</v></c></row>'))),
    "long text in a cell": (
        "texte-demesure",
        lambda: workbook(sheet_xml(f'<row r="1"><c r="A1" t="inlineStr"><is><t>{"é" * 32_768}</t></is></c></row>')),
    ),
    "long shared text": (
        "texte-demesure",
        lambda: with_strings(f'<sst xmlns="{MAIN}" uniqueCount="1"><si><t>{"a" * 32_768}</t></si></sst>'),
    ),
    "long text in runs": (
        "texte-demesure",
        lambda: with_strings(f'<sst xmlns="{MAIN}"><si>{2 * ("<r><t>" + "a" * 20_000 + "</t></r>")}</si></sst>'),
    ),
    # what only the parser can refuse
    "shared text that is not there": (
        "lecture-impossible",
        lambda: workbook(sheet_xml('<row r="1"><c r="A1" t="s"><v>99999999999</v></c></row>')),
    ),
    "unknown type": (
        "lecture-impossible",
        lambda: workbook(sheet_xml('<row r="1"><c r="A1" t="zut"><v>1</v></c></row>')),
    ),
}
"""Name of the attack → the code that refuses it, and the file."""
