"""The guard of the container: ``zipfile`` reads its directory, nothing that it states is believed, parts are counted.

What passes here is handed on as plain bytes: no later reader parses the sender's archive.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache

from tabellion.findings import TabellionError
from tabellion.reading.formats import check_package
from tabellion.reading.limits import LIMITS, MIB, Limits, refusal
from tabellion.reading.xml_parts import has_doctype, normalised_xml

#: The record that ends an archive: disks, entries on this disk, entries, size and offset of the directory, comment.
_END = struct.Struct("<4s4H2LH")
_END_SIGNATURE = b"PK\x05\x06"
_ENTRY_SIGNATURE = b"PK\x01\x02"
#: What stands before a part's bytes: their own header, of which zipfile's directory says the rest.
_LOCAL = struct.Struct("<4s22xHH")
_LOCAL_SIGNATURE = b"PK\x03\x04"
_MAX_COMMENT_BYTES = 65_535
_ENCRYPTED, _UTF8 = 0x1 | 0x40 | 0x2000, 0x800
_XML_NAMES = (".xml", ".rels", ".vml")
#: What ``zipfile`` raises for an archive or a part that it cannot make sense of.
_DAMAGE = (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError, struct.error, zlib.error)
#: The folders of a package. A part's name may begin with a slash (``/xl/workbook.xml``), as packages name parts.
_OWN_FOLDERS = ("_rels/", "[content_types].xml", "xl/", "docprops/", "customxml/")
#: What systems add to a folder that they zip: it belongs to nobody's workbook, and is passed over.
_NOISE_FOLDER, _NOISE_START, _NOISE = "__macosx", "._", frozenset((".ds_store", "thumbs.db", "desktop.ini"))
#: Documents that have a DOCTYPE by right: Excel keeps the drawings and pages that people insert as they are.
_WITH_DOCTYPE = (".svg", ".htm", ".html", ".xhtml", ".mht")
_HEAD_BYTES = 4096
#: Of so many parts, of so many packed bytes at most, it is kept whether they have one: returns have most in common.
_KEPT_PARTS, _KEPT_BYTES = 256, 2048


class PackageParts:
    """The parts of a package, by name in lower case (part names are compared without case).

    A part is inflated when it is asked for, and only then counts: a picture that nothing reads is nobody's danger.
    """

    def __init__(self, data: bytes, entries: Mapping[str, list[zipfile.ZipInfo]], limits: Limits) -> None:
        self._data, self._limits, self._budget = data, limits, limits.total_bytes
        self._entries = {name.lower(): entry for name, entry in entries.items()}
        self.entries = {name: parts[0] for name, parts in entries.items()}
        """The entry of each part, by its name with slashes, in the case and the order of the archive."""
        self.names = frozenset(self._entries)
        """Every part's name, in lower case."""
        self.xml: Mapping[str, bytes] = _XmlParts(self)
        """The parts as XML: each is UTF-8, free of DOCTYPE, of bounded size."""

    def content(self, name: str) -> bytes:
        """A part as it is. Raises ``TabellionError`` when it is not whole, or more than the limits allow, or when
        another part of the same name says something else."""
        member: bytes | None = None
        for entry in self._entries[name.lower()]:
            if entry.flag_bits & _ENCRYPTED:
                raise refusal("archive-chiffree", partie=_printable(name))
            if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise refusal("archive-compression", partie=_printable(name), valeur=entry.compress_type)
            content = _inflated(self._data, entry, self._budget, self._limits)
            self._budget -= len(content)
            if member is not None and content != member:
                raise refusal("archive-doublon", partie=_printable(name))
            member = content
        assert member is not None  # noqa: S101 (each name has an entry)
        return member

    def has_doctype(self, name: str) -> bool:
        """Whether a part that may never be read begins with a DOCTYPE; one that cannot be inflated does not."""
        entry = self._entries[name.lower()][0]
        if entry.flag_bits & _ENCRYPTED:
            return False
        with suppress(*_DAMAGE):
            packed = _packed(self._data, entry)
            if len(packed) <= _KEPT_BYTES:
                return _small_has_doctype(bytes(packed), entry.compress_type)
            return has_doctype(_inflated_to(packed, entry.compress_type, _HEAD_BYTES))
        return False


class _XmlParts(Mapping[str, bytes]):
    """The parts as XML, each inflated once, when it is asked for."""

    def __init__(self, parts: PackageParts) -> None:
        self._parts, self._read = parts, dict[str, bytes]()

    def __getitem__(self, name: str) -> bytes:
        if name not in self._read:
            if name not in self._parts.names:
                raise KeyError(name)
            self._read[name] = normalised_xml(self._parts.content(name), name)
        return self._read[name]

    def __contains__(self, name: object) -> bool:
        return name in self._parts.names

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts.names)

    def __len__(self) -> int:
        return len(self._parts.names)


def open_archive(
    data: bytes, limits: Limits = LIMITS, *, check: Callable[[Collection[str], bytes], None] = check_package
) -> PackageParts:
    """The parts of a zip archive that is a workbook's, or of the kind that ``check`` lets pass.

    Raises ``TabellionError`` (codes ``fichier-tronque``, ``archive-…``, ``format-…``, ``xml-doctype``), and so do the
    parts when they are read.
    """
    archive, directory = _opened(data, limits)
    parts = PackageParts(archive, _checked_entries(directory, len(data)), limits)
    mimetype = parts.content("mimetype")[:100] if "mimetype" in parts.names else b""
    check(parts.names, mimetype)
    for name in parts.entries:
        # Nothing reads this part, perhaps; no program wrote it either.
        if not name.lower().endswith(_WITH_DOCTYPE) and parts.has_doctype(name):
            raise refusal("xml-doctype", partie=_printable(name))
    return parts


def _opened(data: bytes, limits: Limits) -> tuple[bytes, list[zipfile.ZipInfo]]:
    """The archive and its directory, once its end says what is there: ``zipfile`` would read one of any length, at any
    place.

    What follows its end, from whatever copied it, is left out.
    """
    end = data.rfind(_END_SIGNATURE)
    if end < 0 or end + _END.size > len(data):
        raise refusal("fichier-tronque")
    if (entries := data.count(_ENTRY_SIGNATURE)) > limits.entries:
        raise refusal("archive-trop-de-parties", valeur=entries, attendu=limits.entries)
    _, disk, first_disk, entries_here, count, size, offset, comment = _END.unpack_from(data, end)
    # All ones mean that another record says it (Zip64): some Java writers add one to small files too.
    elsewhere = 0xFFFF in (disk, first_disk, entries_here, count) or 0xFFFFFFFF in (size, offset)
    if len(data) - end - _END.size > _MAX_COMMENT_BYTES and not elsewhere and offset + size != end:
        raise refusal("fichier-tronque")  # the end of an archive inside this one, whose own end is missing
    if not elsewhere:
        if disk or first_disk or entries_here != count:
            raise _damaged("il est découpé en plusieurs volumes")
        if offset + size > end:
            raise refusal("fichier-tronque")
        if offset + size != end:
            raise _damaged("sa table des matières n’est pas à sa place")
    archive = data[: end + _END.size + comment]
    try:
        directory = zipfile.ZipFile(io.BytesIO(archive)).infolist()
    except UnicodeDecodeError as error:
        raise refusal("archive-nom-interdit", partie=ascii(error.object[:80])) from None
    except _DAMAGE:
        raise _damaged("sa table des matières est illisible") from None
    if not elsewhere and len(directory) != count:
        raise _damaged("sa table des matières est incomplète")
    return archive, directory


def _checked_entries(entries: list[zipfile.ZipInfo], end: int) -> dict[str, list[zipfile.ZipInfo]]:
    """The entries of each part, by its name with slashes; several where it stands there more than once.

    Refuses names that lead elsewhere, and parts that share bytes.
    """
    named: dict[str, list[zipfile.ZipInfo]] = {}
    by_lower: dict[str, str] = {}
    places: dict[int, tuple[str, zipfile.ZipInfo]] = {}
    for entry in entries:
        name = _part_name(entry.orig_filename)
        if _is_noise(name):
            continue
        if (
            not name
            or name.startswith("/")
            or ".." in name.split("/")
            or any(char < " " or char == "\x7f" for char in name)
            or name[1:2] == ":"
        ):
            raise refusal("archive-nom-interdit", partie=_printable(entry.orig_filename))
        before = places.get(entry.header_offset)
        if before is not None and before[0] == name and _facts(before[1]) == _facts(entry):
            continue  # the directory names one entry twice
        if before is not None:
            raise refusal("archive-chevauchement", partie=_printable(name))
        places[entry.header_offset] = name, entry
        if not name.endswith("/"):
            named.setdefault(by_lower.setdefault(name.lower(), name), []).append(entry)
    for _, (name, entry) in sorted(places.items(), reverse=True):
        if entry.header_offset + _LOCAL.size + entry.compress_size > end:
            raise refusal("archive-chevauchement", partie=_printable(name))
        end = entry.header_offset
    return named


def _facts(entry: zipfile.ZipInfo) -> tuple[int, int, int]:
    return entry.compress_size, entry.file_size, entry.CRC


def _part_name(name: str) -> str:
    """A part's name with slashes, whatever the archive has between folders, and without a useless start."""
    name = name.replace("\\", "/")
    while name.startswith("./"):
        name = name[2:]
    return name[1:] if name[1:].lower().startswith(_OWN_FOLDERS) and name[0] == "/" else name


def _is_noise(name: str) -> bool:
    folders = name.lower().split("/")
    return folders[0] == _NOISE_FOLDER or folders[-1].startswith(_NOISE_START) or folders[-1] in _NOISE


def _inflated(data: bytes, entry: zipfile.ZipInfo, budget: int, limits: Limits) -> bytes:
    """One part's content, never a byte more than the limits and what is left of the ``budget`` allow."""
    is_xml = entry.orig_filename.lower().endswith(_XML_NAMES)
    # Only XML is expanded further by what reads it; a plain picture may well be stored in a thousandth of its size.
    by_ratio = max(limits.ratio_from_bytes, limits.ratio * entry.compress_size) if is_xml else limits.part_bytes
    allowed = min(limits.part_bytes, budget, by_ratio)
    try:
        content = _inflated_to(_packed(data, entry), entry.compress_type, allowed + 1)
    except _DAMAGE:
        raise _altered(entry) from None
    if len(content) > allowed:
        raise _too_much(entry, allowed, by_ratio, limits)
    if len(content) != entry.file_size or zlib.crc32(content) != entry.CRC:
        raise _altered(entry)
    return content


def _packed(data: bytes, entry: zipfile.ZipInfo) -> memoryview:
    """The bytes of a part as the archive has them. Raises one of ``_DAMAGE``."""
    signature, name_bytes, extra_bytes = _LOCAL.unpack_from(data, entry.header_offset)
    start = entry.header_offset + _LOCAL.size
    name = data[start : start + name_bytes].decode("utf-8" if entry.flag_bits & _UTF8 else "cp437")
    if signature != _LOCAL_SIGNATURE or name != entry.orig_filename:
        raise zipfile.BadZipFile
    start += name_bytes + extra_bytes
    return memoryview(data)[start : start + entry.compress_size]


def _inflated_to(packed: bytes | memoryview, compress_type: int, size: int) -> bytes:
    """The first ``size`` bytes of a part, or all. Raises one of ``_DAMAGE``.

    As :mod:`zipfile` has it, without its streams, which take twice as long as inflating a return.
    """
    if compress_type == zipfile.ZIP_STORED:
        return bytes(packed[:size])
    if compress_type != zipfile.ZIP_DEFLATED:
        raise NotImplementedError
    return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, size)


@lru_cache(_KEPT_PARTS)
def _small_has_doctype(packed: bytes, compress_type: int) -> bool:
    return has_doctype(_inflated_to(packed, compress_type, _HEAD_BYTES))


def _too_much(entry: zipfile.ZipInfo, allowed: int, by_ratio: int, limits: Limits) -> TabellionError:
    partie = _printable(entry.orig_filename)
    if allowed == by_ratio < limits.part_bytes:
        return refusal("archive-bombe", partie=partie, attendu=limits.ratio)
    if allowed == limits.part_bytes:
        return refusal("archive-partie-trop-grande", partie=partie, attendu=limits.part_bytes // MIB)
    return refusal("archive-trop-grande", attendu=limits.total_bytes // MIB)


def _printable(name: str) -> str:
    """A part's name fit for a message: short, and with its control characters spelled out."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in name[:80])


def _altered(entry: zipfile.ZipInfo) -> TabellionError:
    return _damaged(f"la partie « {_printable(entry.orig_filename)} » est incomplète ou altérée")


def _damaged(raison: str) -> TabellionError:
    return refusal("archive-abimee", raison=raison)
