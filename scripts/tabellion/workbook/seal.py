"""A seal on the workbook that the program writes: any later save breaks it, so an edit is known without a side file.

The seal is the SHA-256 of the names and checksums of every part of the zip, kept in a custom document property. Excel
and LibreOffice keep the property but rewrite the parts.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile

PROPERTY = "tabellion_sceau"
_PART = "docProps/custom.xml"
#: What the writer puts first: as long as a seal, so that only one part is rewritten.
BLANK = "0" * 64
_PATTERN = re.compile(rb'name="' + PROPERTY.encode() + rb'".*?<vt:lpwstr>([0-9a-f]{64})</vt:lpwstr>', re.DOTALL)


def seal(workbook: bytes) -> bytes:
    """The same workbook with its blank seal replaced by the true one."""
    source = zipfile.ZipFile(io.BytesIO(workbook))
    digest = _digest(source).encode()
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            content = source.read(entry)
            if entry.filename == _PART:
                content = content.replace(BLANK.encode(), digest)
            target.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def is_intact(workbook: bytes) -> bool:
    """Whether the workbook is exactly as the program wrote it."""
    try:
        source = zipfile.ZipFile(io.BytesIO(workbook))
        found = _PATTERN.search(source.read(_PART))
        return found is not None and found[1].decode() == _digest(source)
    except (KeyError, OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError):
        return False


def _digest(source: zipfile.ZipFile) -> str:
    parts = sorted(f"{each.filename}:{each.CRC:08x}:{each.file_size}" for each in source.infolist() if each.filename != _PART)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
