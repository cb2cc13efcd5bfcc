"""What a workbook says it is, in a hidden sheet, and the signature on it, which any later save breaks.

The hidden sheet also lists the workbook's formulas, so that a change can be told from an edit.

The signature is the SHA-256 of the names and checksums of every part of the zip, kept in a custom document property.
Excel and LibreOffice keep the property but rewrite the parts: so an edit is known.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Callable, Mapping

from tabellion.layout.names import FORMULA_HEADERS, FORMULAS_COLUMN, IDENTITY, KEY_HEADER, VALUE_HEADER, document_date
from tabellion.xlsx.writer import Sheet, Writer

PROPERTY = "tabellion_sceau"
_PART = "docProps/custom.xml"
#: What the writer puts first: as long as a signature, so that only one part is rewritten.
BLANK = "0" * 64
_PATTERN = re.compile(rb'name="' + PROPERTY.encode() + rb'".*?<vt:lpwstr>([0-9a-f]{64})</vt:lpwstr>', re.DOTALL)


def write_identity(writer: Writer, identity: Mapping[str, str | int]) -> None:
    """Write the identity's keys and values, and beside them every formula that the writer has written."""
    sheet = writer.sheet(IDENTITY)
    style, header = writer.format(), writer.format(bold=True)
    for row, (key, value) in enumerate([(KEY_HEADER, VALUE_HEADER), *identity.items()]):
        sheet.write(row, 0, key, style)
        sheet.write(row, 1, value, style)
    for offset, words in enumerate(FORMULA_HEADERS):
        sheet.write(0, FORMULAS_COLUMN + offset, words, header)
    # Each formula once: a column that has the same on every row is one entry.
    for row, formula in enumerate(dict.fromkeys(writer.formulas), 1):
        for offset, text in enumerate((formula.table, formula.key, formula.column, formula.formula)):
            sheet.write(row, FORMULAS_COLUMN + offset, text, style)
    sheet.raw.very_hidden()


def close_signed(writer: Writer, first: Sheet, *, year: int, **properties: str) -> bytes:
    """The bytes of a workbook that opens at its sheet ``first``, with what its file says of itself, signed.

    ``properties`` are a title, a subject and maybe keywords and comments; the file is dated from the start of ``year``.
    """
    properties = {"author": "tabellion", "category": "Contrat de ville"} | properties
    writer.book.set_properties({**properties, "created": document_date(year)})
    writer.book.set_custom_property(PROPERTY, BLANK, "text")
    writer.book.set_size(2200, 1400)
    first.raw.activate()
    return sign(writer.close())


def sign(workbook: bytes) -> bytes:
    """The same workbook with its blank signature replaced by the true one."""
    source = zipfile.ZipFile(io.BytesIO(workbook))
    return _with_part(workbook, source, source.read(_PART).replace(BLANK.encode(), _digest(source).encode()))


def _with_part(workbook: bytes, source: zipfile.ZipFile, content: bytes) -> bytes:
    """The workbook with another content of the part of the signature; the others stay as they are packed."""
    entry, entries = source.getinfo(_PART), source.infolist()
    start = entry.header_offset
    end = min((other.header_offset for other in entries if other.header_offset > start), default=source.start_dir)
    alone = io.BytesIO()
    with zipfile.ZipFile(alone, "w") as target:
        target.writestr(entry, content, zipfile.ZIP_DEFLATED)
        record = alone.getvalue()
    entry.header_offset = start
    for other in entries:
        other.header_offset += len(record) - (end - start) if other.header_offset > start else 0
    stream = io.BytesIO()
    stream.write(workbook[:start] + record + workbook[end : source.start_dir])
    with zipfile.ZipFile(stream, "w") as target:  # it writes its table of contents after what is there
        target.filelist.extend(entries)
    return stream.getvalue()


def sign_again(workbook: bytes) -> bytes:
    """A workbook that the program wrote and has changed itself, its signature made anew."""
    digest = _digest(zipfile.ZipFile(io.BytesIO(workbook))).encode()

    def signed(match: re.Match[bytes]) -> bytes:
        return match[0].replace(match[1], digest)

    return with_parts(workbook, lambda name, part: _PATTERN.sub(signed, part) if name == _PART else part)


def is_intact(workbook: bytes) -> bool:
    """Whether the workbook is exactly as the program wrote it."""
    try:
        source = zipfile.ZipFile(io.BytesIO(workbook))
        signature = _PATTERN.search(source.read(_PART))
        return signature is not None and signature[1].decode() == _digest(source)
    except Exception:  # whatever a damaged or foreign file makes zipfile raise, it is not what the program wrote
        return False


def replaceable(*, elsewhere: bool) -> Callable[[bytes, bytes], bool]:
    """Says of a file, and of what would replace it, whether nothing of people's work is lost: it is intact. At a place
    that people chose (``elsewhere``), it must also be the same kind of file about the same.
    """
    if elsewhere:
        return lambda present, content: is_intact(present) and _title(present) == _title(content)
    return lambda present, _: is_intact(present)


def _title(package: bytes) -> tuple[bool, str]:
    """Whether a file is a workbook, and its title."""
    source = zipfile.ZipFile(io.BytesIO(package))
    core = source.read("docProps/core.xml").decode("utf-8", "replace")
    title = re.search(r"<dc:title>([^<]*)", core)
    return "xl/workbook.xml" in source.namelist(), title[1] if title else ""


def _digest(source: zipfile.ZipFile) -> str:
    parts = sorted(
        f"{entry.filename}:{entry.CRC:08x}:{entry.file_size}" for entry in source.infolist() if entry.filename != _PART
    )
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def with_parts(workbook: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    """The same workbook with each part passed through ``change(name, content)``."""
    source = zipfile.ZipFile(io.BytesIO(workbook))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            target.writestr(entry, change(entry.filename, source.read(entry)), zipfile.ZIP_DEFLATED)
    return stream.getvalue()
