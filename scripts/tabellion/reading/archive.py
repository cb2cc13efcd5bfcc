"""The guard of the container: the zip archive is read here, strictly, and its parts are counted while they inflate.

Python's own ``zipfile`` is lenient where a hostile file needs it to be, and believes the sizes that the archive states.
What passes here is handed on as plain bytes: no later reader parses the sender's zip.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from tabellion.findings import TabellionError
from tabellion.reading.content import check_package
from tabellion.reading.limits import LIMITS, MIB, Limits, refusal
from tabellion.reading.xml_parts import normalised_xml

_END = struct.Struct("<4s4H2LH")
_END64_LOCATOR = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_MAX_COMMENT_BYTES = 65_535
_STORED, _DEFLATED = 0, 8
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_UTF8_NAME = 0x800
_SMALL_BYTES = 64 * 1024
_XML_NAMES = (".xml", ".rels", ".vml")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the central directory; sizes and offsets in bytes."""

    name: str
    raw_name: bytes
    flags: int
    method: int
    crc: int
    stored_size: int
    size: int
    offset: int


@dataclass(slots=True)
class Parts:
    """The parts of a package: XML ones with their text in UTF-8, the others by name only."""

    xml: dict[str, bytes]
    """By name in lower case (part names are compared without case); each is UTF-8, free of DOCTYPE, of bounded size."""
    names: frozenset[str]
    """Every part's name, in lower case."""


def open_archive(data: bytes, limits: Limits = LIMITS) -> Parts:
    """Read a zip archive whole, and nothing but what it says twice.

    Raises ``TabellionError`` (codes ``fichier-tronque``, ``archive-…``, ``format-…``, ``xml-doctype``,
    ``xml-encodage``).
    """
    entries, directory_offset = _directory(data, limits)
    _check_names(entries)
    starts = _check_places(data, entries, directory_offset)
    files = [entry for entry in entries if not entry.name.endswith("/")]
    by_name = {entry.name.lower(): entry for entry in files}
    budget = limits.total_bytes
    mimetype = b""
    if "mimetype" in by_name:
        entry = by_name["mimetype"]
        mimetype = _inflate(data, entry, starts[entry.offset], budget, limits)[:100]
    check_package(by_name.keys(), mimetype)
    xml: dict[str, bytes] = {}
    for name, entry in by_name.items():
        content = _inflate(data, entry, starts[entry.offset], budget, limits)
        budget -= len(content)
        if name.endswith(_XML_NAMES) or content[:64].lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\x00").startswith(b"<"):
            xml[name] = normalised_xml(content, entry.name)
    return Parts(xml, frozenset(by_name))


def _directory(data: bytes, limits: Limits) -> tuple[list[Entry], int]:
    """The entries of the central directory, and its offset."""
    end = data.rfind(b"PK\x05\x06", max(0, len(data) - _MAX_COMMENT_BYTES - _END.size))
    if end < 0 or end + _END.size > len(data):
        raise refusal("fichier-tronque")
    _, disk, first_disk, here, count, size, offset, _ = _END.unpack_from(data, end)
    limit = end
    if 0xFFFF in (disk, first_disk, here, count) or 0xFFFFFFFF in (size, offset):
        disk, first_disk, here, count, size, offset, limit = _directory_64(data, end)
    if disk or first_disk or here != count:
        raise _damaged("il est découpé en plusieurs volumes")
    if count > limits.entries:
        raise refusal("archive-trop-de-parties", valeur=count, attendu=limits.entries)
    if offset + size > limit:
        raise refusal("fichier-tronque")
    if offset + size != limit:
        raise _damaged("sa table des matières n’est pas à sa place")
    entries: list[Entry] = []
    position = offset
    while position < limit:
        if len(entries) == limits.entries:
            raise refusal("archive-trop-de-parties", valeur=f"plus de {limits.entries}", attendu=limits.entries)
        entry, position = _entry(data, position, limit)
        entries.append(entry)
    if len(entries) != count:
        raise _damaged("sa table des matières est incomplète")
    return entries, offset


def _directory_64(data: bytes, end: int) -> tuple[int, int, int, int, int, int, int]:
    """The same facts from the Zip64 record, which some Java writers add to small files too."""
    at = end - _END64_LOCATOR.size
    if at < 0 or data[at : at + 4] != b"PK\x06\x07":
        raise _damaged("sa table des matières est illisible")
    record = _END64_LOCATOR.unpack_from(data, at)[2]
    if record + _END64.size > at or data[record : record + 4] != b"PK\x06\x06":
        raise _damaged("sa table des matières est illisible")
    _, _, _, _, disk, first_disk, here, count, size, offset = _END64.unpack_from(data, record)
    return disk, first_disk, here, count, size, offset, record


def _entry(data: bytes, position: int, limit: int) -> tuple[Entry, int]:
    if position + _CENTRAL.size > limit or data[position : position + 4] != b"PK\x01\x02":
        raise _damaged("sa table des matières est illisible")
    fields = _CENTRAL.unpack_from(data, position)
    flags, method, crc, stored, size = fields[3], fields[4], fields[7], fields[8], fields[9]
    name_size, extra_size, comment_size, offset = fields[10], fields[11], fields[12], fields[16]
    start = position + _CENTRAL.size
    after = start + name_size + extra_size + comment_size
    if after > limit:
        raise _damaged("sa table des matières est illisible")
    raw = data[start : start + name_size]
    if 0xFFFFFFFF in (stored, size, offset):
        extra = data[start + name_size : start + name_size + extra_size]
        size, stored, offset = _sizes_64(extra, size, stored, offset)
    try:
        name = raw.decode("utf-8" if flags & _UTF8_NAME else "cp437")
    except UnicodeDecodeError:
        raise refusal("archive-nom-interdit", partie=ascii(raw[:80])) from None
    return Entry(name, raw, flags, method, crc, stored, size, offset), after


def _sizes_64(extra: bytes, *values: int) -> tuple[int, int, int]:
    """Replace each value that is all ones by the next number of the Zip64 extra field."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        if kind == 1:
            numbers = [n for (n,) in struct.iter_unpack("<Q", extra[at + 4 : at + 4 + length // 8 * 8])]
            if len(numbers) >= sum(value == 0xFFFFFFFF for value in values):
                size, stored, offset = (numbers.pop(0) if value == 0xFFFFFFFF else value for value in values)
                return size, stored, offset
        at += 4 + length
    raise _damaged("les tailles de ses parties sont illisibles")


def _check_names(entries: list[Entry]) -> None:
    seen: set[str] = set()
    for entry in entries:
        name = entry.name
        if (
            not name
            or name.startswith("/")
            or "\\" in name
            or ".." in name.split("/")
            or any(char < " " or char == "\x7f" for char in name)
            or name[1:2] == ":"
        ):
            raise refusal("archive-nom-interdit", partie=_printable(name))
        if name.lower() in seen:
            raise refusal("archive-doublon", partie=_printable(name))
        seen.add(name.lower())


def _check_places(data: bytes, entries: list[Entry], directory_offset: int) -> dict[int, int]:
    """Where each entry's content starts, by the offset of its header: no two may share a byte."""
    starts: dict[int, int] = {}
    end_of_last = 0
    for entry in sorted(entries, key=lambda entry: entry.offset):
        partie = _printable(entry.name)
        if entry.flags & _ENCRYPTED:
            raise refusal("archive-chiffree", partie=partie)
        if entry.method not in (_STORED, _DEFLATED):
            raise refusal("archive-compression", partie=partie, valeur=entry.method)
        if entry.offset < end_of_last:
            raise refusal("archive-chevauchement", partie=partie)
        if entry.offset + _LOCAL.size > directory_offset or data[entry.offset : entry.offset + 4] != b"PK\x03\x04":
            raise _damaged(f"la partie « {partie} » n’est pas à sa place")
        local = _LOCAL.unpack_from(data, entry.offset)
        start = entry.offset + _LOCAL.size + local[9] + local[10]
        raw_name = data[entry.offset + _LOCAL.size : entry.offset + _LOCAL.size + local[9]]
        if raw_name != entry.raw_name or local[3] != entry.method:
            raise _damaged(f"la partie « {partie} » est décrite de deux façons différentes")
        end_of_last = start + entry.stored_size
        if end_of_last > directory_offset:
            raise refusal("archive-chevauchement", partie=partie)
        starts[entry.offset] = start
    return starts


def _inflate(data: bytes, entry: Entry, start: int, budget: int, limits: Limits) -> bytes:
    """One part's content, never a byte more than the limits and what is left of the ``budget`` allow."""
    partie = _printable(entry.name)
    stored = memoryview(data)[start : start + entry.stored_size]
    by_ratio = max(limits.ratio_from_bytes, limits.ratio * entry.stored_size)
    allowed = min(limits.part_bytes, budget, by_ratio)
    if entry.method == _STORED:
        content, complete = bytes(stored[: allowed + 1]), True
    else:
        try:
            if entry.stored_size <= _SMALL_BYTES:
                # Deflate gives at most 1,032 bytes for one: here the bound is in the nature of things, and one call,
                # told the size to expect, is twice as fast.
                content, complete = zlib.decompress(stored, -zlib.MAX_WBITS, min(entry.size, allowed) + 1), True
            else:
                inflater = zlib.decompressobj(-zlib.MAX_WBITS)
                content = inflater.decompress(stored, allowed + 1)
                complete = len(content) > allowed or inflater.eof
        except zlib.error:
            raise _damaged(f"la partie « {partie} » ne se décompresse pas") from None
    if len(content) > allowed:
        raise _too_much(partie, allowed, by_ratio, limits)
    if not complete or len(content) != entry.size or zlib.crc32(content) != entry.crc:
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
