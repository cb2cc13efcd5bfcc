"""What the journal remembers, as data, and how a value becomes a value of SQLite and comes back the same."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

from tabellion.campaign.model import Verdict
from tabellion.schema import Key


@dataclass(frozen=True, slots=True)
class Stamp:
    """A file's content: its size in bytes, the digest of its last bytes (quick to look at), and of all (SHA-256)."""

    size: int
    tail: str
    sha256: str


@dataclass(frozen=True, slots=True)
class SeenFile:
    """One file that a run saw, by its name from the folder ``workbooks/``, and what became of it.

    ``run`` is the first run that saw it so and ``until`` the first that did not any more (``None``: it is still so);
    both are filled by the journal.
    """

    fichier: str
    stamp: Stamp
    verdict: Verdict
    partenaire: str | None = None
    exercice: int | None = None
    run: int = 0
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One run: when (local time), by which version of the program, the digest of the state it reached, its figures.

    ``ended`` is ``None`` for a run that was cut short.
    """

    number: int
    started: datetime
    ended: datetime | None
    version: str
    state: str
    summary: Mapping[str, Any] = field(default_factory=dict)


class Said(NamedTuple):
    """What somebody said of one cell of the tables: the value, who, where, when.

    A named tuple because there are hundreds of thousands. ``partenaire`` is ``None`` for the staff's own workbook;
    ``saved`` the time written inside the file (UTC, without its zone), ``author`` who saved it last. ``run`` and
    ``said`` (its local time) are filled by the journal.
    """

    table: str
    key: Key
    champ: str
    value: Any
    partenaire: str | None = None
    exercice: int | None = None
    fichier: str = ""
    feuille: str | None = None
    cellule: str | None = None
    saved: datetime | None = None
    author: str = ""
    run: int = 0
    said: datetime | None = None


def key_text(key: Key) -> str:
    """A row's key as JSON, the same for the same key: ``["B01-ville-001",2016]``; days as ``2016-12-31``."""
    return json.dumps(list(key), separators=(",", ":"), default=str)


_SMALLEST, _LARGEST = -(2**63), 2**63 - 1


def stored(value: Any) -> Any:
    """``value`` as SQLite keeps it: itself where SQLite has the type, else bytes that begin with a letter for the type.

    Raises ``TypeError`` for what no table holds.
    """
    match value:
        case None:
            return None
        case bool():
            return b"b1" if value else b"b0"
        case int():
            return value if _SMALLEST <= value <= _LARGEST else b"i%d" % value
        case float():
            return b"fnan" if math.isnan(value) else value  # SQLite would make a NULL of it
        case str():
            return stored_text(value, b"s")
        case datetime():
            return b"t" + value.isoformat().encode()
        case date():
            return b"d" + value.isoformat().encode()
    raise TypeError(f"not a value of a table: {type(value).__name__}")


def restored(value: Any) -> Any:
    """The value that :func:`stored` made this of."""
    if not isinstance(value, bytes):
        return value
    text = value[1:].decode("utf-8", "surrogatepass")
    match value[:1]:
        case b"b":
            return text == "1"
        case b"i":
            return int(text)
        case b"f":
            return float(text)
        case b"t":
            return datetime.fromisoformat(text)
        case b"d":
            return date.fromisoformat(text)
    return text


def stored_text(text: str, mark: bytes = b"") -> str | bytes:
    """``text``, or its bytes where it is no proper Unicode: a file name in another encoding, half a character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return mark + text.encode("utf-8", "surrogatepass")
    return text


def restored_text(text: str | bytes) -> str:
    """The text that :func:`stored_text` made this of."""
    return text.decode("utf-8", "surrogatepass") if isinstance(text, bytes) else text


def restored_day(text: str | None) -> datetime | None:
    """A time that was kept in ISO format."""
    return None if text is None else datetime.fromisoformat(text)
