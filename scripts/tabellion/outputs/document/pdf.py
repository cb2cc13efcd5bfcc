"""The PDF of the document, made by LibreOffice where it is installed: its own profile, its own folder, a time limit."""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import zipfile
from contextlib import suppress
from datetime import date
from html import unescape
from pathlib import Path

from tabellion.contract.carried import ARCHIVE
from tabellion.outputs.document.pdf_file import UnknownPdfError, finished_pdf

#: LibreOffice's command, by the names that systems give it.
_COMMANDS = ("soffice", "libreoffice", "soffice.exe")
#: Where it is when its folder is not among those that are searched.
_PLACES = ("/Applications/LibreOffice.app/Contents/MacOS/soffice", "C:/Program Files/LibreOffice/program/soffice.exe")
TIMEOUT_SECONDS = 900.0
#: Headings become bookmarks, the structure is tagged for screen readers as PDF/UA asks, PDF/A-2b is not asked for.
_FILTER = (
    'pdf:writer_pdf_Export:{"UseTaggedPDF":{"type":"boolean","value":"true"},'
    '"ExportBookmarks":{"type":"boolean","value":"true"},"PDFUACompliance":{"type":"boolean","value":"true"}}'
)
_SIGNATURE = re.compile(rb"\n%tabellion_sceau ([0-9a-f]{64})\n\Z")
#: What LibreOffice makes of the hour, and puts where the length is known: the dates, the file's identifiers.
_OF_THE_HOUR = re.compile(
    rb"(?<=/CreationDate\(D:)[0-9]{14}|(?<=/ModDate\(D:)[0-9]{14}|(?<=/DocChecksum /)[0-9A-F]{32}"
    rb"|(?<=<)[0-9A-F]{32}(?=>[ \r\n]*(?:<[0-9A-F]{32}>|\]))"
    rb"|(?<=<xmp:CreateDate>)[0-9T:-]{19}|(?<=<xmp:ModifyDate>)[0-9T:-]{19}"
)
_DATE, _XMP_DATE = b"20000101000000", b"2000-01-01T00:00:00"


class PdfError(Exception):
    """The PDF was not made; the message says why, in French."""


def find_office() -> str | None:
    """LibreOffice's command, or ``None`` where it is not installed."""
    command = next(filter(None, map(shutil.which, _COMMANDS)), None)
    return command or next((place for place in _PLACES if Path(place).exists()), None)


def make_pdf(
    document: bytes, title: str, day: date, attached: bytes = b"", *, timeout_seconds: float = TIMEOUT_SECONDS
) -> bytes:
    """The PDF of a Word document, with its title, the day of what it says and the archive attached to it, signed.

    Raises :class:`PdfError` when LibreOffice is absent, fails or is too slow.
    """
    office = find_office()
    if office is None:
        raise PdfError("LibreOffice n'est pas installé sur cette machine")
    try:
        with tempfile.TemporaryDirectory(prefix="tabellion-pdf-", ignore_cleanup_errors=True) as folder:
            content = _convert(Path(folder), document, office, timeout_seconds)
    except OSError as error:
        raise PdfError("LibreOffice n'a pas pu être lancé") from error
    try:
        return signed(finished_pdf(content, title, day, _picture_words(document), attached, ARCHIVE))
    except UnknownPdfError:  # another version's: bigger, nothing attached, and as good to read
        return signed(without_hour(content))


def _picture_words(document: bytes) -> list[str]:
    """What a Word document says of its pictures to who does not see them, in their order."""
    with zipfile.ZipFile(io.BytesIO(document)) as source:
        text = source.read("word/document.xml").decode("utf-8")
    return [unescape(words) for words in re.findall(r'<wp:docPr\b[^>]*\bdescr="([^"]*)"', text)]


def _convert(folder: Path, document: bytes, office: str, timeout_seconds: float) -> bytes:
    source, target = folder / "document.docx", folder / "pdf" / "document.pdf"
    source.write_bytes(document)
    profile = (folder / "profil").as_uri()
    options = ["--headless", "--norestore", "--nologo", "--nodefault", "--nolockcheck", "--nofirststartwizard"]
    conversion = ["--convert-to", _FILTER, "--outdir", str(target.parent), str(source)]
    command = [office, *options, f"-env:UserInstallation={profile}", *conversion]
    process = subprocess.Popen(  # noqa: S603 - its own options and file, no shell
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder,
        start_new_session=True,
    )  # fmt: skip
    try:
        process.wait(timeout_seconds)
    except subprocess.TimeoutExpired as error:
        raise PdfError(f"LibreOffice n'a pas fini en {timeout_seconds:.0f} secondes") from error
    finally:
        _end(process)
    if not target.exists() or not (content := target.read_bytes()).startswith(b"%PDF-"):
        raise PdfError("LibreOffice n'a pas rendu de PDF")
    return content


def without_hour(content: bytes) -> bytes:
    """The same PDF whatever the hour: what comes of it is replaced by as many signs, so that no offset moves."""
    dates = {len(date): date for date in (_DATE, _XMP_DATE)}
    return _OF_THE_HOUR.sub(lambda moment: dates.get(len(moment[0]), b"0" * len(moment[0])), content)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End LibreOffice and the process that it starts for its work."""
    if process.poll() is not None:
        return
    with suppress(OSError):
        if sys.platform != "win32":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    with suppress(subprocess.TimeoutExpired):
        process.wait(10)


def signed(content: bytes) -> bytes:
    """A PDF with its digest after its end, where readers look at nothing: any later change breaks it."""
    return content + b"\n%tabellion_sceau " + hashlib.sha256(content).hexdigest().encode() + b"\n"


def pdf_is_intact(content: bytes) -> bool:
    """Whether a PDF is exactly as the program wrote it."""
    signature = _SIGNATURE.search(content)
    return signature is not None and hashlib.sha256(content[: signature.start()]).hexdigest().encode() == signature[1]
