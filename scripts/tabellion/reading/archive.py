"""The guard of the container: ``zipfile`` reads it, nothing that it states is believed, its parts are counted.

What passes here is handed on as plain bytes: no later reader parses the sender's archive.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from dataclasses import dataclass

from tabellion.findings import TabellionError
from tabellion.reading.limits import LIMITS, MIB, Limits, refusal
from tabellion.reading.source import check_package
from tabellion.reading.xml_parts import normalised_xml

#: The record that ends an archive: disks, entries on this disk, entries, size and offset of the directory, comment.
_END = struct.Struct("<4s4H2LH")
_END_SIGNATURE = b"PK\x05\x06"
_ENTRY_SIGNATURE = b"PK\x01\x02"
_LOCAL_HEADER_BYTES = 30
_MAX_COMMENT_BYTES = 65_535
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_XML_NAMES = (".xml", ".rels", ".vml")
#: What ``zipfile`` raises for an archive or a part that it cannot make sense of.
_DAMAGE = (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError, struct.error, zlib.error)


@dataclass(frozen=True, slots=True)
class PackageParts:
    """The parts of a package: XML ones with their text in UTF-8, the others by name only."""

    xml: dict[str, bytes]
    """By name in lower case (part names are compared without case); each is UTF-8, free of DOCTYPE, of bounded size."""
    names: frozenset[str]
    """Every part's name, in lower case."""


def open_archive(data: bytes, limits: Limits = LIMITS) -> PackageParts:
    """Read a zip archive whole.

    Raises ``TabellionError`` (codes ``fichier-tronque``, ``archive-…``, ``format-…``, ``xml-doctype``,
    ``xml-encodage``).
    """
    with _opened(data, limits) as archive:
        _check_entries(archive.infolist(), len(data))
        entries = {entry.orig_filename.lower(): entry for entry in archive.infolist() if not entry.is_dir()}
        budget = limits.total_bytes
        mimetype = b""
        if "mimetype" in entries:
            mimetype = _inflated(archive, entries["mimetype"], budget, limits)[:100]
        check_package(entries.keys(), mimetype)
        xml: dict[str, bytes] = {}
        for name, entry in entries.items():
            content = _inflated(archive, entry, budget, limits)
            budget -= len(content)
            if name.endswith(_XML_NAMES) or content[:64].lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\x00").startswith(b"<"):
                xml[name] = normalised_xml(content, entry.orig_filename)
    return PackageParts(xml, frozenset(entries))


def _opened(data: bytes, limits: Limits) -> zipfile.ZipFile:
    """The archive, once its end says what is there: ``zipfile`` would read a directory of any length, at any place."""
    end = data.rfind(_END_SIGNATURE, max(0, len(data) - _MAX_COMMENT_BYTES - _END.size))
    if end < 0 or end + _END.size > len(data):
        raise refusal("fichier-tronque")
    if (entries := data.count(_ENTRY_SIGNATURE)) > limits.entries:
        raise refusal("archive-trop-de-parties", valeur=entries, attendu=limits.entries)
    _, disk, first_disk, here, count, size, offset, _ = _END.unpack_from(data, end)
    # All ones mean that another record says it (Zip64): some Java writers add one to small files too.
    elsewhere = 0xFFFF in (disk, first_disk, here, count) or 0xFFFFFFFF in (size, offset)
    if not elsewhere:
        if disk or first_disk or here != count:
            raise _damaged("il est découpé en plusieurs volumes")
        if offset + size > end:
            raise refusal("fichier-tronque")
        if offset + size != end:
            raise _damaged("sa table des matières n’est pas à sa place")
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except UnicodeDecodeError as error:
        raise refusal("archive-nom-interdit", partie=ascii(error.object[:80])) from None
    except _DAMAGE:
        raise _damaged("sa table des matières est illisible") from None
    if not elsewhere and len(archive.infolist()) != count:
        raise _damaged("sa table des matières est incomplète")
    return archive


def _check_entries(entries: list[zipfile.ZipInfo], end: int) -> None:
    """Refuse names that lead elsewhere or stand twice, encryption, other compressions, parts that share bytes."""
    seen: set[str] = set()
    for entry in entries:
        name, partie = entry.orig_filename, _printable(entry.orig_filename)
        if (
            not name
            or name.startswith("/")
            or "\\" in name
            or ".." in name.split("/")
            or any(char < " " or char == "\x7f" for char in name)
            or name[1:2] == ":"
        ):
            raise refusal("archive-nom-interdit", partie=partie)
        if name.lower() in seen:
            raise refusal("archive-doublon", partie=partie)
        seen.add(name.lower())
        if entry.flag_bits & _ENCRYPTED:
            raise refusal("archive-chiffree", partie=partie)
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise refusal("archive-compression", partie=partie, valeur=entry.compress_type)
    for entry in sorted(entries, key=lambda entry: entry.header_offset, reverse=True):
        if entry.header_offset + _LOCAL_HEADER_BYTES + entry.compress_size > end:
            raise refusal("archive-chevauchement", partie=_printable(entry.orig_filename))
        end = entry.header_offset


def _inflated(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, budget: int, limits: Limits) -> bytes:
    """One part's content, never a byte more than the limits and what is left of the ``budget`` allow."""
    partie = _printable(entry.orig_filename)
    by_ratio = max(limits.ratio_from_bytes, limits.ratio * entry.compress_size)
    allowed = min(limits.part_bytes, budget, by_ratio)
    stated_size = entry.file_size
    # zipfile stops at the stated size, and would take a bomb for a damaged part; it inflates a block more than asked.
    entry.file_size = allowed + MIB
    try:
        with archive.open(entry) as part:
            content = part.read(allowed + 1)
    except _DAMAGE:
        raise _damaged(f"la partie « {partie} » est incomplète ou altérée") from None
    finally:
        entry.file_size = stated_size
    if len(content) > allowed:
        raise _too_much(partie, allowed, by_ratio, limits)
    if len(content) != stated_size:
        raise _damaged(f"la partie « {partie} » est incomplète ou altérée")
    return content


def _too_much(partie: str, allowed: int, by_ratio: int, limits: Limits) -> TabellionError:
    if allowed == by_ratio:
        return refusal("archive-bombe", partie=partie, attendu=limits.ratio)
    if allowed == limits.part_bytes:
        return refusal("archive-partie-trop-grande", partie=partie, attendu=limits.part_bytes // MIB)
    return refusal("archive-trop-grande", attendu=limits.total_bytes // MIB)


def _printable(name: str) -> str:
    """A part's name fit for a message: short, and with its control characters spelled out."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in name[:80])


def _damaged(raison: str) -> TabellionError:
    return refusal("archive-abimee", raison=raison)
