"""Messages of Outlook (``.msg``): compound files written from nothing ([MS-CFB], [MS-OXMSG])."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import TypeAlias

#: A storage of a compound file: its streams (bytes) and storages, by name.
Storage: TypeAlias = Mapping[str, "bytes | Storage"]
_SECTOR, _MINI_SECTOR, _MINI_BELOW, _IN_HEADER = 512, 64, 4096, 109
_END, _FREE, _FAT, _DIFAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD, 0xFFFFFFFC


def outlook_message(
    *files: tuple[str, bytes], subject: str = "Notre retour", messages: Sequence[Storage] = (), short: bool = False
) -> bytes:
    """A message with these files attached, and these messages (see :func:`message_storage`); ``short`` names are those
    of an Outlook that knows no Unicode."""
    return compound_file(message_storage(*files, subject=subject, messages=messages, short=short))


def message_storage(
    *files: tuple[str, bytes], subject: str = "Notre retour", messages: Sequence[Storage] = (), short: bool = False
) -> Storage:
    """What a message is, alone in a file or attached to another one."""
    attachments: list[Storage] = [
        {
            ("__substg1.0_3704001E" if short else "__substg1.0_3707001F"): name.encode(
                "cp1252" if short else "utf-16-le"
            ),
            "__substg1.0_37010102": content,
            "__properties_version1.0": bytes(8),
        }
        for name, content in files
    ]
    attachments += [{"__substg1.0_3701000D": message, "__properties_version1.0": bytes(8)} for message in messages]
    return {
        "__properties_version1.0": bytes(32),
        "__nameid_version1.0": {},
        "__substg1.0_001A001F": "IPM.Note".encode("utf-16-le"),
        "__substg1.0_0037001F": subject.encode("utf-16-le"),
        **{f"__attach_version1.0_#{rank:08X}": attachment for rank, attachment in enumerate(attachments)},
    }


def rich_text(*files: tuple[str, bytes]) -> bytes:
    """What Outlook sends as ``winmail.dat``, with these files ([MS-OXTNEF])."""

    def attribute(level: int, number: int, content: bytes) -> bytes:
        return struct.pack("<BLL", level, number, len(content)) + content + struct.pack("<H", sum(content) & 0xFFFF)

    made = struct.pack("<LH", 0x223E9F78, 1) + attribute(1, 0x00089006, struct.pack("<L", 0x00010000))
    for name, content in files:
        made += attribute(2, 0x00069002, bytes(14)) + attribute(2, 0x0006800F, content)
        made += attribute(2, 0x00018010, name.encode("cp1252") + b"\0")
    return made


def compound_file(root: Storage) -> bytes:
    """A compound file of version 3, whose root holds these."""
    entries: list[list[object]] = []
    sectors: list[bytes] = []
    fat: list[int] = []
    mini, mini_fat = bytearray(), list[int]()

    def chain(content: bytes) -> int:
        """Put bytes into sectors of the file; the first one."""
        pieces = [content[at : at + _SECTOR].ljust(_SECTOR, b"\0") for at in range(0, len(content), _SECTOR)]
        first = len(sectors)
        fat.extend([*range(first + 1, first + len(pieces)), _END] if pieces else [])
        sectors.extend(pieces)
        return first if pieces else _END

    def mini_chain(content: bytes) -> int:
        first, count = len(mini) // _MINI_SECTOR, -(-len(content) // _MINI_SECTOR)
        mini.extend(content.ljust(count * _MINI_SECTOR, b"\0"))
        mini_fat.extend([*range(first + 1, first + count), _END] if count else [])
        return first if count else _END

    def add(name: str, content: bytes | Storage, kind: int) -> int:
        number = len(entries)
        entries.append([name, kind, _FREE, _FREE, _FREE, 0, 0])
        if isinstance(content, bytes):
            entries[number][5] = (mini_chain if len(content) < _MINI_BELOW else chain)(content)
            entries[number][6] = len(content)
            return number
        inside = [
            add(child, of, 2 if isinstance(of, bytes) else 1)
            for child, of in sorted(content.items(), key=lambda item: (len(item[0]), item[0].upper()))
        ]

        def balanced(numbers: list[int]) -> int:
            if not numbers:
                return _FREE
            middle = len(numbers) // 2
            entries[numbers[middle]][2:4] = balanced(numbers[:middle]), balanced(numbers[middle + 1 :])
            return numbers[middle]

        entries[number][4] = balanced(inside)
        return number

    add("Root Entry", root, 5)
    entries[0][5:7] = chain(bytes(mini)), len(mini)
    first_mini_fat = chain(struct.pack(f"<{len(mini_fat)}L", *mini_fat))
    directory = b"".join(_entry(*entry) for entry in entries)  # type: ignore[arg-type]
    first_directory = chain(directory)
    count, extra = 0, 0
    while (
        needed := -(-(len(sectors) + count + extra) // (_SECTOR // 4)),
        more := -(-max(0, needed - _IN_HEADER) // 127),
    ) != (count, extra):
        count, extra = needed, more
    first_difat = len(sectors)
    fat += [_DIFAT] * extra + [_FAT] * count
    of_fat = list(range(first_difat + extra, first_difat + extra + count))
    beyond_header = of_fat[_IN_HEADER:]
    for rank in range(extra):
        numbers = [*beyond_header[rank * 127 : rank * 127 + 127]]
        numbers += [_FREE] * (127 - len(numbers))
        sectors.append(struct.pack("<128L", *numbers, first_difat + rank + 1 if rank + 1 < extra else _END))
    fat += [_FREE] * (count * (_SECTOR // 4) - len(fat))
    sectors.append(struct.pack(f"<{len(fat)}L", *fat))
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    header += struct.pack("<LLLLLL", 0, count, first_directory, 0, _MINI_BELOW, first_mini_fat)
    header += struct.pack("<LLL", -(-len(mini_fat) * 4 // _SECTOR), first_difat if extra else _END, extra)
    in_header = of_fat[:_IN_HEADER]
    header += struct.pack("<109L", *in_header, *[_FREE] * (_IN_HEADER - len(in_header)))
    return header + b"".join(sectors)


def _entry(name: str, kind: int, left: int, right: int, child: int, start: int, size: int) -> bytes:
    encoded = name.encode("utf-16-le") + b"\0\0"
    return (
        encoded.ljust(64, b"\0") + struct.pack("<HBBLLL", len(encoded), kind, 1, left, right, child)
        + bytes(36) + struct.pack("<LQ", start, size)
    )  # fmt: skip
