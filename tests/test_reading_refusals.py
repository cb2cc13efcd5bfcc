"""What merely differs is read; what is no workbook is refused for what it is, by its content."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable, Mapping

import pytest

from support.attacks import (
    CONTENT_TYPES,
    MAIN,
    OFFICE,
    PACKAGE,
    ROOT_RELS,
    Piece,
    package,
    parts,
    raw_archive,
    raw_parts,
    sheet_xml,
    workbook,
)
from support.contracts import ROOT
from tabellion.findings import TabellionError
from tabellion.layout.names import FORMAT_VERSION
from tabellion.reading import default_password, parse_bytes
from tabellion.reading.form_identity import version_code
from tabellion.xlsx.package import PackageEditor

MIB = 1024 * 1024


def renamed(change: Callable[[str], str]) -> bytes:
    return package({change(name): content for name, content in parts().items()})


def with_parts(more: Mapping[str, str | bytes]) -> bytes:
    return package({**parts(), **more})


def in_edition(main: str, relations: str, package_relations: str = f"{PACKAGE}/relationships") -> bytes:
    """A workbook in the words of another edition of the format."""
    return package(
        {
            name: str(text)
            .replace(f'"{PACKAGE}/relationships"', f'"{package_relations}"')
            .replace(MAIN, main)
            .replace(OFFICE, relations)
            for name, text in parts().items()
        }
    )


def same_entry_listed_twice() -> bytes:
    pieces = raw_parts()
    return raw_archive([*pieces, pieces[-1]._replace(same_place_as=len(pieces) - 1)])


def encrypted_picture() -> bytes:
    return raw_archive([*raw_parts(), Piece(b"xl/media/a.png", b"x" * 100, 0, 1)])


def large(name: str) -> bytes:
    """A part that would be a bomb, were it read: more than a thousand times its stored size."""
    return with_parts({name: b"\x00" * (40 * MIB)})


BETA = "http://schemas.microsoft.com/office"
READ: dict[str, Callable[[], bytes]] = {
    "backslashes": lambda: renamed(lambda name: name.replace("/", "\\")),
    "a slash first": lambda: renamed(lambda name: f"/{name}"),
    "a dot first": lambda: renamed(lambda name: f"./{name}"),
    "folders with backslashes": lambda: with_parts({"xl\\worksheets\\": b"", "docProps\\": b""}),
    "AppleDouble": lambda: with_parts(
        {"__MACOSX/._[Content_Types].xml": b"\x00\x05\x16\x07", "__MACOSX/xl/._a.xml": b"\xff"}
    ),
    "AppleDouble beside": lambda: with_parts({"xl/._workbook.xml": b"\x00\x05\x16\x07\xff"}),
    "noise of systems": lambda: with_parts(
        {".DS_Store": b"\x00\x01", "xl/Thumbs.db": b"\xd0\xcf", "desktop.ini": b"[x]"}
    ),
    "large picture": lambda: large("xl/media/image1.bmp"),
    "large printer settings": lambda: large("xl/printerSettings/printerSettings1.bin"),
    "large drawing": lambda: large("xl/media/image2.emf"),
    "large XML that nothing reads": lambda: large("xl/pivotCache/pivotCacheRecords1.xml"),
    "drawing with a DOCTYPE": lambda: with_parts(
        {"xl/media/image1.svg": '<?xml version="1.0"?><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "x.dtd"><svg/>'}
    ),
    "damaged picture": lambda: raw_archive([*raw_parts(), Piece(b"xl/media/a.png", b"x" * 100, 0, stated_crc=1)]),
    "encrypted picture": encrypted_picture,
    "picture in an unknown compression": lambda: raw_archive([*raw_parts(), Piece(b"xl/media/a.png", b"x", 14)]),
    "same part twice": lambda: raw_archive([*raw_parts(), raw_parts()[-1]]),
    "same entry listed twice": same_entry_listed_twice,
    "picture twice, otherwise": lambda: raw_archive(
        [*raw_parts(), Piece(b"xl/media/a.png", b"a"), Piece(b"xl/media/a.png", b"b")]
    ),
    "beta 2 of 2007": lambda: in_edition(f"{BETA}/excel/2006/2", f"{BETA}/2006/relationships"),
    "beta 1 of 2007": lambda: in_edition(
        "http://schemas.microsoft.com/office/excel/2005/8",
        f"{BETA}/2005/8/relationships",
        "http://schemas.microsoft.com/package/2005/06/relationships",
    ),
    "technical refresh of 2007": lambda: in_edition(MAIN.replace("2006/main", "2006/7/main"), OFFICE),
    "bytes after the end": lambda: workbook() + b"\r\n<!-- page -->\r\n",
    "many zeros after the end": lambda: workbook() + b"\x00" * (3 * 65_536),
    "a page after the end": lambda: workbook() + b"<html>x</html>" * 20_000,
}


@pytest.mark.parametrize("name", READ)
def test_what_merely_differs_is_read(name: str) -> None:
    read = parse_bytes(READ[name](), "retour.xlsx")
    assert [sheet.rows for sheet in read.sheets] == [[[1]]]


@pytest.mark.parametrize("name", ["backslashes", "AppleDouble", "same part twice", "many zeros after the end"])
def test_what_is_read_can_be_annotated(name: str) -> None:
    editor = PackageEditor(READ[name]())
    assert [sheet.part for sheet in editor.sheets()] == ["xl/worksheets/sheet1.xml"]
    with zipfile.ZipFile(io.BytesIO(editor.to_bytes())) as copy:
        assert sorted(copy.namelist()) == sorted(parts())


def compound(*given: tuple[str, bytes] | str, inside: bytes = b"") -> bytes:
    """A compound file of 512-byte sectors whose root has these streams; ``inside`` lies in it, out of the root."""
    streams = [(stream, b"") if isinstance(stream, str) else stream for stream in given]
    names = ["Root Entry", *(name for name, _ in streams)]
    size = 4096  # shorter ones would lie in the mini stream
    directory_sectors, content_sectors = -(-len(names) // 4), size // 512
    fat = [0xFFFFFFFD, *range(2, directory_sectors + 1), 0xFFFFFFFE]
    entries, contents = b"", b""
    for number, name in enumerate(names):
        start = len(fat)
        if number:
            fat += [*range(start + 1, start + content_sectors), 0xFFFFFFFE]
            contents += streams[number - 1][1].ljust(size, b"\x00")
        text = name.encode("utf-16-le")
        right = number + 1 if 0 < number < len(names) - 1 else 0xFFFFFFFF
        child = 1 if number == 0 and streams else 0xFFFFFFFF
        entries += text.ljust(64, b"\x00") + struct.pack("<HBB", len(text) + 2, 2 if number else 5, 1)
        entries += struct.pack("<LLL", 0xFFFFFFFF, right, child) + bytes(36)
        entries += struct.pack("<LLL", start if number else 0xFFFFFFFE, size if number else 0, 0)
    table = struct.pack(f"<{len(fat)}L", *fat).ljust(512, b"\xff")
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(10)
    header += struct.pack("<LLLLLLLLL", 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0, 0)
    header += struct.pack("<108L", *[0xFFFFFFFF] * 108)
    return header[:512] + table + entries.ljust(directory_sectors * 512, b"\x00") + contents + inside


WITHIN = "Workbook".encode("utf-16-le").ljust(128, b"\x00")
BIFF8, BIFF5 = b"\x09\x08\x10\x00\x00\x06\x05\x00", b"\x09\x08\x08\x00\x00\x05\x05\x00"
MAIL = b"Return-Path: <m@luce.fr>\r\nReceived: from a by b;\r\n\tMon, 4 Jan 2016\r\nSubject: budget\r\n\r\nBonjour"
ENCRYPTED = compound("EncryptionInfo", "EncryptedPackage")
ODF = "application/vnd.oasis.opendocument"
REFUSED: dict[str, tuple[str, str, bytes]] = {
    "mail of Outlook that holds a workbook": (
        "format-message",
        ".msg",
        compound("__properties_version1.0", inside=WITHIN),
    ),
    "template of a mail": (
        "format-message",
        ".msg",
        compound("__nameid_version1.0", "__substg1.0_001A001E"),
    ),
    "mail": ("format-message", ".eml", MAIL),
    "mail that was drafted": ("format-message", ".eml", b"X-Unsent: 1\nTo: a@b.fr\nSubject: x\nMIME-Version: 1.0\n\n"),
    "mail with its type first": ("format-message", ".eml", b"MIME-Version: 1.0\r\nFrom: a@b.fr\r\nTo: c@d.fr\r\n\r\nx"),
    "mail of a mailbox": ("format-message", ".eml", b"From - Mon Jan 4 10:00:00 2016\n" + MAIL),
    "mail of Apple Mail": ("format-message", ".eml", b"1234      \n" + MAIL),
    "winmail.dat": ("format-message", "winmail", b"\x78\x9f\x3e\x22" + bytes(100)),
    "page saved by a browser": (
        "format-html",
        "",
        b"From: <Saved by Blink>\r\nSnapshot-Content-Location: https://a.fr\r\nSubject: x\r\nDate: x\r\n\r\n",
    ),
    "table with headers like a mail's": ("format-csv", "", b"Date: 2016\nMontant: 12\n"),
    "table of dates and subjects": ("format-csv", "", b"Subject;Date;From\nx;y;z\n"),
    "Word with a workbook inside": ("format-word", "", compound("WordDocument", "1Table", inside=WITHIN)),
    "Publisher with a workbook inside": (
        "format-autre",
        "Publisher",
        compound("Contents", "Quill", inside=WITHIN),
    ),
    "PowerPoint with a workbook inside": (
        "format-presentation",
        "",
        compound("PowerPoint Document", inside=WITHIN),
    ),
    "Visio": ("format-autre", "Visio", compound("VisioDocument")),
    "Project": ("format-autre", "Project", compound("Props14")),
    "Excel 97": ("format-xls", "97-2003", compound(("Workbook", BIFF8))),
    "Excel 95": ("format-xls", "95", compound(("Book", BIFF5))),
    "Excel 95 under the newer name": ("format-xls", "95", compound(("Workbook", BIFF5))),
    "both": ("format-xls", "97-2003", compound(("Book", BIFF5), ("Workbook", BIFF8))),
    "bare cells of Excel 95": ("format-xls", "95", BIFF5 + bytes(100)),
    "bare cells of Excel 4": ("format-xls", "Excel 4", b"\x09\x04\x06\x00" + bytes(100)),
    "encrypted": (
        "format-chiffre",
        "s’il s’ouvre sans en demander",
        ENCRYPTED,
    ),
    "something else": ("format-non-reconnu", "", compound("Contents", inside=WITHIN)),
    "vsdx": ("format-autre", "Visio", package({"[Content_Types].xml": CONTENT_TYPES, "visio/document.xml": "<a/>"})),
    "xps": ("format-autre", "XPS", package({"[Content_Types].xml": CONTENT_TYPES, "FixedDocSeq.fdseq": "<a/>"})),
    "docx with a workbook": (
        "format-word",
        "",
        package({"_rels/.rels": ROOT_RELS, "word/document.xml": "<a/>", "word/embeddings/a.xlsx": workbook()}),
    ),
    "Numbers or Pages": (
        "format-apple",
        "Numbers ou Pages",
        package({"Index/Document.iwa": b"x", "a.jpg": b""}),
    ),
    "Pages in its folder": ("format-apple", "Pages", package({"bilan.pages/Index.zip": b"x"})),
    "Keynote": ("format-apple", "Keynote", package({"Index/MasterSlide-1.iwa": b"x"})),
    "OpenDocument drawing": ("format-autre", "dessin", package({"mimetype": f"{ODF}.graphics", "content.xml": "<a/>"})),
    "flat ods": ("format-ods", "", f'<?xml version="1.0"?><o:d office:mimetype="{ODF}.spreadsheet"/>'.encode()),
    "flat odt": ("format-word", "", f'<?xml version="1.0"?><o:d office:mimetype="{ODF}.text"/>'.encode()),
    "Word in XML": ("format-word", "", b'<?xml version="1.0"?><?mso-application progid="Word.Document"?><w/>'),
    "zip around the workbook": ("format-archive", "retour.xlsx", package({"envoi/retour.xlsx": workbook()})),
    "SVG": ("format-image", "SVG", b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>'),
    "BM that is a table": ("format-csv", "", b"BM;montant\nx;1\n"),
    "truncated around a workbook": (
        "fichier-tronque",
        "",
        raw_archive([Piece(b"a.xlsx", workbook(), 0), Piece(b"b.bin", bytes(100_000), 0)])[:-200],
    ),
    "two archives end to end": ("archive-abimee", "", workbook() + workbook(sheet_xml(""))),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_workbook_is_called_by_its_name(name: str) -> None:
    code, word, data = REFUSED[name]
    with pytest.raises(TabellionError) as caught:
        parse_bytes(data, "retour.xlsx")
    (only,) = caught.value.findings
    assert only.code == code
    assert word in only.message


@pytest.mark.parametrize("cut", [8, 75, 512, 600, 1024, 1500])
def test_a_cut_compound_file_is_still_refused(cut: int) -> None:
    with pytest.raises(TabellionError):
        parse_bytes(compound(("Workbook", BIFF8))[:cut], "retour.xlsx")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (str(FORMAT_VERSION - 1), "version-ancienne"),
        ("0", "version-ancienne"),
        (str(FORMAT_VERSION + 1), "version-inconnue"),
        ("9" * 5000, "version-inconnue"),
        ("", "version-illisible"),
        ("1.5", "version-illisible"),
        ("²", "version-illisible"),
    ],
)
def test_an_older_format_is_told_from_a_newer_one(text: str, code: str) -> None:
    assert version_code(text) == code


def test_a_workbook_under_the_password_that_excel_knows_is_read() -> None:
    """Excel opens it without asking; one that has a password of its own is refused for that."""
    folder = ROOT / "tests" / "data" / "encrypted"
    workbook = parse_bytes((folder / "default.xlsx").read_bytes(), "retour.xlsx")
    assert workbook.sheets[0].rows == [["Bonjour", None], [None, 1234.56]]
    assert [finding.code for finding in workbook.notices] == ["mot-de-passe-d-excel"]
    with pytest.raises(TabellionError) as refused:
        parse_bytes((folder / "own.xlsx").read_bytes(), "retour.xlsx")
    assert [finding.code for finding in refused.value.findings] == ["format-chiffre"]
    package = PackageEditor((folder / "default.xlsx").read_bytes())  # its annotated copy opens as any other
    assert [sheet.name for sheet in package.sheets()] == ["Feuille"]


@pytest.mark.parametrize(
    ("key", "encrypted"),
    [
        (bytes(range(16)), "69c4e0d86a7b0430d8cdb78070b4c55a"),
        (bytes(range(24)), "dda97ca4864cdfe06eaf70a0ec0d7191"),
        (bytes(range(32)), "8ea2b7ca516745bfeafc49904b496089"),
    ],
)
def test_aes_is_that_of_the_standard(key: bytes, encrypted: str) -> None:
    """The examples of FIPS 197, appendix C."""
    assert default_password._cipher(key)(bytes.fromhex(encrypted)).hex() == "00112233445566778899aabbccddeeff"
