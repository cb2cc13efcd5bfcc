"""What is seen of a file without reading it whole: its size and its end, and whether it is all there."""

from __future__ import annotations

from pathlib import Path

from tabellion.campaign.folder import look_at

Look = tuple[int, str]
"""A file's size in bytes and a digest of its end, as :func:`tabellion.campaign.folder.look_at` says them."""

#: The look of a file that is there and cannot be opened: held by the program that writes it, forbidden, on a bad disk.
UNREADABLE: Look = (-1, "")
_ZIPPED = {".xlsx", ".xlsm", ".xltx", ".xltm", ".ods"}
_ZIP_START, _ZIP_END = b"PK\x03\x04", b"PK\x05\x06"
_NOTHING_YET = b"\0\0\0\0"
#: The record at the end of a zip: its fixed part, and the longest comment that may follow.
_END_BYTES, _LONGEST_COMMENT_BYTES = 22, 65_535


def glimpse(path: Path) -> Look | None:
    """The look of the file at ``path``, :data:`UNREADABLE` when it cannot be opened, ``None`` when there is none."""
    try:
        return look_at(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        return UNREADABLE


def is_whole(path: Path) -> bool:
    """Whether nothing shows that the file at ``path`` is still being written.

    A workbook is a zip, whose last record is written last: without it, or while the file is empty or begins with the
    zeros of a reserved space, more is to come. What is not a zip is whole as it is, and so is what is gone.
    """
    try:
        with path.open("rb", buffering=0) as file:
            size = file.seek(0, 2)
            file.seek(0)
            start = file.read(len(_ZIP_START))
            file.seek(max(0, size - _END_BYTES - _LONGEST_COMMENT_BYTES))
            end = file.read(_END_BYTES + _LONGEST_COMMENT_BYTES) if start == _ZIP_START else b""
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    if start == _ZIP_START:
        return _ends(end)
    is_begun = _ZIP_START.startswith(start) or start == _NOTHING_YET
    return not (is_begun and path.suffix.casefold() in _ZIPPED)


def _ends(end: bytes) -> bool:
    """Whether the last bytes of a zip hold its last record, with all of its comment after it."""
    at = end.rfind(_ZIP_END)
    while at >= 0:
        if at + _END_BYTES + int.from_bytes(end[at + 20 : at + 22], "little") == len(end):
            return True
        at = end.rfind(_ZIP_END, 0, at)
    return False
