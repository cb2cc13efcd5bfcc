"""OLE2 compound files (old Office, Outlook): the streams of their root folder say what they are.

Only the root counts: a Word document may well hold a workbook inside. Nothing is believed that leads outside the data.
Source: [MS-CFB], Compound File Binary File Format.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HEADER_BYTES, _ENTRY_BYTES, _NAME_BYTES = 512, 128, 64
_FIRST_DIFAT, _DIFAT_IN_HEADER = 76, 109
_LAST_SECTOR = 0xFFFFFFFA
#: Shorter streams lie in a stream of their own, in sectors of 64 bytes.
_MINI_STREAM_BELOW, _MINI_SECTOR_BYTES = 4096, 64
_STORAGE, _STREAM, _ROOT = 1, 2, 5
#: Entries that are looked at: a message with a hundred attachments has some thousands.
_MOST_ENTRIES = 20_000


class StreamEntry(NamedTuple):
    """One stream or storage of the root folder: its first sector and its size in bytes."""

    kind: int
    start: int
    size: int


class CompoundFile:
    """The root folder of a compound file; ``entries`` is empty where its directory makes no sense."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.entries: dict[str, StreamEntry] = {}
        self._root = StreamEntry(_ROOT, _LAST_SECTOR, 0)
        if len(data) < _HEADER_BYTES:
            return
        shift = struct.unpack_from("<H", data, 30)[0]
        self._sector_bytes = 1 << shift if shift in (9, 12) else 512
        first_directory, self._first_mini_fat = (
            struct.unpack_from("<L", data, 48)[0],
            struct.unpack_from("<L", data, 60)[0],
        )
        self._fat = self._sector_table(struct.unpack_from(f"<{_DIFAT_IN_HEADER}L", data, _FIRST_DIFAT))
        self._read_directory(self._chain(first_directory, _MOST_ENTRIES * _ENTRY_BYTES))

    def start_of(self, name: str, size: int = 512) -> bytes:
        """The first bytes of a stream of the root; fewer, or none, where they cannot be found."""
        entry = self.entries.get(name.casefold())
        if entry is None or entry.kind != _STREAM:
            return b""
        size = min(size, entry.size)
        if entry.size >= _MINI_STREAM_BELOW:
            return self._chain(entry.start, size)[:size]
        mini = self._chain(self._root.start, self._root.size)
        table = self._chain(self._first_mini_fat, len(self._data))
        pieces, sector = b"", entry.start
        for _ in range(-(-size // _MINI_SECTOR_BYTES)):
            pieces += mini[sector * _MINI_SECTOR_BYTES : (sector + 1) * _MINI_SECTOR_BYTES]
            following = table[sector * 4 : sector * 4 + 4]
            sector = int.from_bytes(following, "little") if len(following) == 4 else _LAST_SECTOR
            if sector >= _LAST_SECTOR:
                break
        return pieces[:size]

    def _sector(self, number: int) -> bytes:
        start = (number + 1) * self._sector_bytes
        return self._data[start : start + self._sector_bytes] if number < _LAST_SECTOR else b""

    def _sector_table(self, sectors: tuple[int, ...]) -> list[int]:
        """The sector that follows each; those of a file of more than 7 MB are only known for its first part, which
        holds the directory of what Office writes."""
        content = b"".join(self._sector(number) for number in sectors if number < _LAST_SECTOR)
        return list(struct.unpack(f"<{len(content) // 4}L", content[: len(content) // 4 * 4]))

    def _chain(self, sector: int, size: int) -> bytes:
        """Up to ``size`` bytes of the sectors from ``sector`` on; a chain that turns round ends there."""
        pieces, seen = list[bytes](), set[int]()
        while size > 0 and sector < _LAST_SECTOR and sector not in seen:
            seen.add(sector)
            piece = self._sector(sector)
            if not piece:
                break
            pieces.append(piece)
            size -= len(piece)
            sector = self._fat[sector] if sector < len(self._fat) else _LAST_SECTOR
        return b"".join(pieces)

    def _read_directory(self, directory: bytes) -> None:
        """Follow the tree of the root's own entries: each has one on its left, one on its right."""
        if len(directory) < _ENTRY_BYTES or directory[66] != _ROOT:
            return
        self._root = StreamEntry(_ROOT, *struct.unpack_from("<LL", directory, 116))
        waiting, seen = [struct.unpack_from("<L", directory, 76)[0]], set[int]()
        while waiting:
            number = waiting.pop()
            at = number * _ENTRY_BYTES
            if number in seen or at + _ENTRY_BYTES > len(directory):
                continue
            seen.add(number)
            length = min(struct.unpack_from("<H", directory, at + _NAME_BYTES)[0], _NAME_BYTES)
            name = directory[at : at + max(0, length - 2)].decode("utf-16-le", "replace")
            self.entries[name.casefold()] = StreamEntry(
                directory[at + 66], *struct.unpack_from("<LL", directory, at + 116)
            )
            waiting += struct.unpack_from("<LL", directory, at + 68)


def names_anywhere(data: bytes, *names: str) -> bool:
    """Whether one of these names stands in a file whose directory makes no sense."""
    return any(name.encode("utf-16-le") + b"\x00\x00" in data for name in names)
