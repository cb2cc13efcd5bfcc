"""What a file is that is no .xlsx workbook, told from its content: each kind has its own refusal, which is true."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from tabellion.findings import TabellionError
from tabellion.reading.compound import OLE2, CompoundFile, names_anywhere
from tabellion.reading.limits import refusal
from tabellion.wording import shortened

_HEAD_BYTES = 4096

_SHORTCUTS = (
    (b"\x4c\x00\x00\x00\x01\x14\x02\x00", "raccourci Windows .lnk"),
    (b"book\x00\x00\x00\x00mark", "alias macOS"),
    (b"[internetshortcut]", "raccourci Internet .url"),
    (b"[{000214a0-0000-0000-c000-000000000046}]", "raccourci Internet .url"),
    (b"[desktop entry]", "raccourci .desktop"),
)
_IMAGES = (
    (b"\x89PNG\r\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"8BPS", "Photoshop"),
)
_ARCHIVES = (
    (b"Rar!\x1a\x07", "RAR"),
    (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"MSCF", "CAB"),
)
_TAR_MAGIC_AT = 257
_OTHERS = (
    (b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d", "des notes OneNote"),
    (b"\x00\x01\x00\x00Standard Jet DB", "une base de données Access"),
    (b"\x00\x01\x00\x00Standard ACE DB", "une base de données Access"),
    (b"SQLite format 3\x00", "une base de données SQLite"),
    (b"MZ", "un programme Windows"),
    (b"AC10", "un dessin AutoCAD"),
    (b"\xff\xfb", "un enregistrement sonore"),
    (b"ID3", "un enregistrement sonore"),
)
_MESSAGES = ((b"\x78\x9f\x3e\x22", "winmail.dat, d’Outlook"), (b"!BDN", "boîte aux lettres Outlook .pst"))
#: Records that begin a bare stream of cells, without a container, as some programs still write: BIFF 2 to 8.
_BARE_CELLS = {b"\x09\x00": "Excel 2", b"\x09\x02": "Excel 3", b"\x09\x04": "Excel 4"}
_CELLS_5_OR_8 = b"\x09\x08"
_EXCEL_8, _EXCEL_5 = "Excel 97-2003", "Excel 5.0 ou 95"

#: By the first of these names that a compound file's root has: which refusal, and what the file is.
_COMPOUND: tuple[tuple[str, str, str | None], ...] = (
    ("EncryptedPackage", "format-chiffre", None),
    ("EncryptionInfo", "format-chiffre", None),
    ("__properties_version1.0", "format-message", "message Outlook .msg"),
    ("__nameid_version1.0", "format-message", "message Outlook .msg"),
    ("WordDocument", "format-word", None),
    ("PowerPoint Document", "format-presentation", None),
    ("VisioDocument", "format-autre", "un dessin Visio"),
    ("Quill", "format-autre", "une publication Publisher"),
    ("Escher", "format-autre", "une publication Publisher"),
    ("Props14", "format-autre", "un projet Microsoft Project"),
    ("Props12", "format-autre", "un projet Microsoft Project"),
    ("Props9", "format-autre", "un projet Microsoft Project"),
    ("MatOST", "format-autre", "un document Microsoft Works"),
    ("Workbook", "format-xls", None),
    ("Book", "format-xls", None),
)

_OTHER_OPENDOCUMENT = {
    b"graphics": "un dessin OpenDocument",
    b"formula": "une formule OpenDocument",
    b"chart": "un graphique OpenDocument",
    b"image": "une image OpenDocument",
    b"base": "une base de données OpenDocument",
    b"database": "une base de données OpenDocument",
}

_HEADER_LINE = re.compile(r"([A-Za-z][A-Za-z0-9-]*):[ \t]?.*")
#: Headers of mails: two of them, and one that says whose or when, begin no table.
_MAIL_HEADERS = frozenset((
    "return-path", "received", "delivered-to", "from", "to", "cc", "subject", "date", "message-id", "mime-version",
    "content-type", "reply-to", "sender", "x-mailer", "x-mozilla-status", "authentication-results", "dkim-signature",
    "arc-seal", "x-received", "x-originating-ip", "thread-topic", "thread-index", "x-unsent", "importance",
))  # fmt: skip
_MAIL_PROOF = frozenset(("return-path", "received", "delivered-to", "from", "message-id", "subject", "x-unsent"))
_SAVED_PAGE = ("snapshot-content-location:", "from: <saved by", 'from: "saved by', "x-document-type:")


def other_format(data: bytes) -> TabellionError:
    """The refusal of a file that does not begin as a zip archive."""
    head = data[:_HEAD_BYTES]
    if head.startswith(OLE2):
        return _compound(data)
    lowered = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for magic, kind in _SHORTCUTS:
        if head.startswith(magic) or lowered.startswith(magic):
            return refusal("fichier-raccourci", valeur=kind)
    if (lowered.startswith(b"{") and b"docs.google.com" in lowered) or b'"doc_id"' in lowered[:400]:
        return refusal("fichier-raccourci", valeur="lien vers Google Drive")
    if b"%PDF-" in head[:1024]:
        return refusal("format-pdf")
    for code, kinds in (("format-archive", _ARCHIVES), ("format-message", _MESSAGES), ("format-image", _IMAGES)):
        for magic, kind in kinds:
            if head.startswith(magic):
                return refusal(code, valeur=kind)
    if head[_TAR_MAGIC_AT:].startswith(b"ustar"):
        return refusal("format-archive", valeur="tar")
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return refusal("format-image", valeur="WebP")
    if head.startswith(b"BM") and head[6:10] == b"\x00\x00\x00\x00":
        return refusal("format-image", valeur="BMP")
    if head[4:8] == b"ftyp":
        is_image = head[8:12] in (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif")
        return (
            refusal("format-image", valeur="HEIC ou AVIF") if is_image else refusal("format-autre", valeur="une vidéo")
        )
    for magic, kind in _OTHERS:
        if head.startswith(magic) and _as_text(head) is None:
            return refusal("format-autre", valeur=kind)
    if head[:2] in _BARE_CELLS and head[2:4] in (b"\x04\x00", b"\x06\x00"):
        return refusal("format-xls", valeur=_BARE_CELLS[head[:2]])
    if head[:2] == _CELLS_5_OR_8 and head[2:4] in (b"\x08\x00", b"\x10\x00"):
        return refusal("format-xls", valeur=_excel_of(head))
    return _text_format(head)


def _text_format(head: bytes) -> TabellionError:
    text = _as_text(head)
    if text is None:
        return refusal("format-non-reconnu")
    start = text.lstrip("\ufeff \t\r\n").lower()
    if start.startswith(("<!doctype html", "<html", "<table", "<head", "<body", "<meta")) or (
        start.startswith("<") and "<html" in start
    ):
        return refusal("format-html")
    if start.startswith("<"):
        return _xml_format(start)
    if start.startswith("{\\rtf"):
        return refusal("format-word")
    if start.startswith("mime-version:") and not _is_mail(start, "from", "received", "to", "subject"):
        return refusal("format-html")
    if any(mark in start for mark in _SAVED_PAGE) and _is_mail(start):
        return refusal("format-html")
    if _is_mail(start, *_MAIL_PROOF):
        return refusal("format-message", valeur="message .eml")
    return refusal("format-csv")


def _xml_format(start: str) -> TabellionError:
    """An XML file alone, by what its first lines say."""
    if 'progid="word.' in start:
        return refusal("format-word")
    if re.search(r"<svg[\s>]", start):
        return refusal("format-image", valeur="SVG")
    kind = re.search(r"office:mimetype=[\"']application/vnd\.oasis\.opendocument\.([a-z]+)", start)
    return _opendocument(kind[1].encode()) if kind is not None else refusal("format-xml")


def _is_mail(start: str, *proofs: str) -> bool:
    """Whether a text begins with the headers of a mail, one of ``proofs`` among them where there are some."""
    lines = start.splitlines()
    if lines and (re.match(r"from \S+ ", lines[0]) or lines[0].strip().isdecimal()):
        del lines[0]  # a mailbox's line between two mails, or the size that Apple Mail writes first
    names = set[str]()
    for line in lines:
        if line[:1] in (" ", "\t") and names:
            continue  # the rest of a long header
        if (header := _HEADER_LINE.fullmatch(line)) is None:
            break
        names.add(header[1])
    return len(names & _MAIL_HEADERS) >= 2 and (not proofs or bool(names & set(proofs)))


def _as_text(head: bytes) -> str | None:
    """``head`` as text, or ``None`` when it is binary: a text has no control character and, but for UTF-16, no NUL."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head[: len(head) // 2 * 2].decode("utf-16", "replace")
    text = head.decode("utf-8", "ignore") if _is_utf8(head) else head.decode("cp1252", "replace")
    return None if any(char < " " and char not in "\t\r\n\f\x1a" for char in text) else text


def _is_utf8(head: bytes) -> bool:
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start >= len(head) - 3  # a character cut by the end of the head
    return True


def _compound(data: bytes) -> TabellionError:
    """An OLE2 container says what it is by the names in its root."""
    file = CompoundFile(data)
    is_there: Callable[[str], bool] = lambda name: name.casefold() in file.entries  # noqa: E731
    if not file.entries:
        is_there = lambda name: names_anywhere(data, name)  # noqa: E731
    for name, code, kind in _COMPOUND:
        if not is_there(name):
            continue
        if code != "format-xls":
            return refusal(code, valeur=kind)
        default = _EXCEL_8 if name == "Workbook" else _EXCEL_5
        start = file.start_of(name)
        return refusal(code, valeur=_excel_of(start) if start[:2] == _CELLS_5_OR_8 else default)
    return refusal("format-non-reconnu")


def _excel_of(cells: bytes) -> str:
    """The Excel that wrote a stream of cells, whatever the stream is called."""
    return _EXCEL_5 if cells[4:6] == b"\x00\x05" else _EXCEL_8


def check_package(names: Collection[str], mimetype: bytes) -> None:
    """Refuse an archive that is not an .xlsx package, by the lower-case ``names`` of its parts and its ``mimetype``.

    Raises ``TabellionError`` (codes ``format-…``).
    """
    if mimetype.startswith(b"application/vnd.oasis.opendocument."):
        raise _opendocument(mimetype.removeprefix(b"application/vnd.oasis.opendocument."))
    if mimetype.startswith(b"application/vnd.sun.xml."):
        is_text = mimetype.startswith(b"application/vnd.sun.xml.writer")
        raise refusal("format-word") if is_text else refusal("format-autre", valeur="un document StarOffice")
    if mimetype.startswith(b"application/epub"):
        raise refusal("format-autre", valeur="un livre EPUB")
    if "xl/workbook.bin" in names:
        raise refusal("format-xlsb")
    folders = {name.partition("/")[0] for name in names if "/" in name}
    if "[content_types].xml" in names or "_rels/.rels" in names:
        if "xl" not in folders:
            if "word" in folders:
                raise refusal("format-word")
            if "ppt" in folders:
                raise refusal("format-presentation")
            if "visio" in folders:
                raise refusal("format-autre", valeur="un dessin Visio")
            if "fixeddocseq.fdseq" in names or any(name.endswith((".fdseq", ".fpage")) for name in names):
                raise refusal("format-autre", valeur="un document XPS")
        return
    if "xl/workbook.xml" in names:
        return
    if kind := _apple(names):
        raise refusal("format-apple", valeur=kind)
    if "content.xml" in names and "meta-inf/manifest.xml" in names:
        raise refusal("format-ods")
    inside = sorted(name.rpartition("/")[2] for name in names if name.endswith((".xlsx", ".xlsm")))
    shown = f"ZIP ; elle contient « {shortened(inside[0], 80)} »" if len(inside) == 1 else "ZIP"
    raise refusal("format-archive", valeur=shown)


def _opendocument(kind: bytes) -> TabellionError:
    """The refusal of an OpenDocument, by the last words of its type."""
    if kind.startswith(b"presentation"):
        return refusal("format-presentation")
    if kind.startswith(b"text"):
        return refusal("format-word")
    other = _OTHER_OPENDOCUMENT.get(kind.partition(b"-")[0].strip())
    return refusal("format-autre", valeur=other) if other is not None else refusal("format-ods")


def _apple(names: Collection[str]) -> str:
    """Which program of Apple wrote an archive: the folder it was made from may say it; otherwise its parts."""
    for kind in ("numbers", "pages", "key"):
        if any(f".{kind}/" in f"{name}/" for name in names):
            return {"numbers": "Numbers", "pages": "Pages", "key": "Keynote"}[kind]
    if "index.apxl" in names or any(name.startswith("index/") and "slide" in name for name in names):
        return "Keynote"
    is_apple = "index.zip" in names or any(name.endswith(".iwa") for name in names)
    is_older = "index.xml" in names and any(name.startswith(("quicklook/", "buildversionhistory")) for name in names)
    return "Numbers ou Pages" if is_apple or is_older else ""
