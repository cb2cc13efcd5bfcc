"""Reading files from outside: guard, child processes, values as typed, sheets and headers, identity.

The lower half, from a path to raw values: :func:`read_workbook`, :func:`read_workbooks`, :func:`parse_bytes`. Names are
loaded when first used, so that a child process imports what it needs and no more.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tabellion.reading.limits import LIMITS, Limits
    from tabellion.reading.raw import RawSheet, RawTable, RawValue, RawWorkbook
    from tabellion.reading.reader import read_through, read_workbook, read_workbooks
    from tabellion.reading.workbook import parse_bytes

_HOMES = {
    "LIMITS": "limits",
    "Limits": "limits",
    "RawSheet": "raw",
    "RawTable": "raw",
    "RawValue": "raw",
    "RawWorkbook": "raw",
    "parse_bytes": "workbook",
    "read_through": "reader",
    "read_workbook": "reader",
    "read_workbooks": "reader",
}

__all__ = [
    "LIMITS",
    "Limits",
    "RawSheet",
    "RawTable",
    "RawValue",
    "RawWorkbook",
    "parse_bytes",
    "read_through",
    "read_workbook",
    "read_workbooks",
]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(f"tabellion.reading.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
