"""Files that are no return, whatever their names say."""

from __future__ import annotations

import io
import struct
import zipfile

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_CELL = '<row r="1"><c r="A1"><v>1</v></c></row>'


def hostile_files(form: bytes) -> dict[str, bytes]:
    """Names and contents; ``form`` is a form as it was sent."""
    return {
        "coupé.xlsx": form[: len(form) // 2],
        "fin coupée.xlsx": form[:-400],
        "ancien.xls": ole2("Workbook"),
        "ancien renommé.xlsx": ole2("Workbook"),
        "chiffré.xlsx": ole2("EncryptionInfo", "EncryptedPackage"),
        "vide.xlsx": b"",
        "zéros.xlsx": b"\0" * 5000,
        "doctype.xlsx": book(core='<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'),
        "entités.xlsx": book(sheet='<!DOCTYPE a [<!ENTITY x "ha">]>' + _sheet(_CELL)),
        "mal formé.xlsx": book(sheet=_sheet(_CELL)[:-3]),
        "trop étendu.xlsx": book(sheet=_sheet('<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')),
        "autre classeur.xlsx": book(),
        "tableau.csv": "commune;montant\nLucé;12,5\n".encode(),
        "page.xlsx": b"<!DOCTYPE html><html><table><tr><td>1</td></tr></table></html>",
        "document.pdf": b"%PDF-1.7\n%\xe2\xe3",
        "archive.zip": _zip({"retour.xlsx": book()}),
        "calc.ods": _zip({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet", "content.xml": b"<a/>"}),
        "nom interdit.xlsx": book(more={"xl/../../a.xml": b"x"}),
    }


def ole2(*streams: str) -> bytes:
    """The least compound file that has streams of these names."""
    entries = b"".join(_entry(name, 5 if name == "Root Entry" else 2) for name in ("Root Entry", *streams))
    directory = entries.ljust(512, b"\0")
    header = bytearray(b"\xff" * 512)
    header[:76] = struct.pack(
        "<8s16s5H6x9I", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"\0" * 16, 0x3E, 3, 0xFFFE, 9, 6,
        0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0,
    )  # fmt: skip
    header[76:80] = struct.pack("<I", 0)
    allocation = struct.pack("<2I", 0xFFFFFFFD, 0xFFFFFFFE).ljust(512, b"\xff")
    return bytes(header) + allocation + directory + b"\0" * 4096


def book(*, sheet: str | None = None, core: str | None = None, more: dict[str, bytes] | None = None) -> bytes:
    """A small workbook of one sheet, by hand."""
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"/>',
        "_rels/.rels": _links(f"{_OFFICE}/officeDocument", "xl/workbook.xml"),
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
        '<sheet name="Feuille 1" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": _links(f"{_OFFICE}/worksheet", "worksheets/sheet1.xml"),
        "xl/worksheets/sheet1.xml": sheet or _sheet(_CELL),
    }
    if core is not None:
        parts["docProps/core.xml"] = core
    return _zip({name: text.encode() for name, text in parts.items()} | (more or {}))


def _sheet(cells: str) -> str:
    return f'<worksheet xmlns="{_MAIN}"><sheetData>{cells}</sheetData></worksheet>'


def _links(kind: str, target: str) -> str:
    link = f'<Relationship Id="r1" Type="{kind}" Target="{target}"/>'
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{link}</Relationships>'


def _entry(name: str, kind: int) -> bytes:
    wide = (name + "\0").encode("utf-16-le")
    start = wide.ljust(64, b"\0") + struct.pack("<HBB3I", len(wide), kind, 1, *[0xFFFFFFFF] * 3)
    return start.ljust(116, b"\0") + struct.pack("<IQ", 0xFFFFFFFE, 0)


def _zip(parts: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return stream.getvalue()
