"""One inspection of a contract: its tables, what to say nothing more about, and the findings put in order."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from tabellion.contract.book import Book
from tabellion.findings import CellValue, Finding, Place, Severity, finding
from tabellion.measures import RECAP
from tabellion.wording import fold

if TYPE_CHECKING:
    import pandas as pd

#: Positions of rows in a table: zero-based.
Positions = np.ndarray[tuple[int], np.dtype[np.intp]]

_PLACEHOLDER = r"[\W_xX]+"


class Locate(Protocol):
    """Gives the place of a row of a table (``index`` is its zero-based position), or of one of its cells."""

    def __call__(self, table: str, index: Any, field: str | None = None) -> Place:
        """The place of the cell, or of the row where ``field`` is ``None``."""


class Inspection:
    """What every rule reads, and where it says what it found.

    ``locate`` gives the places where the book's own are not meant. Of the book's unknown cells nothing more is said.
    """

    def __init__(self, book: Book, locate: Locate | None = None) -> None:
        self.tables, self.schemas, self.settings = book.tables, book.schemas, book.settings
        self.locate: Locate = book.locate if locate is None else locate
        self._said: list[tuple[tuple[int, int, int, str], Finding]] = []
        self._spoken: set[tuple[str, int, str | None]] = set()
        self._order = {name: rank for rank, name in enumerate(self.schemas)}
        self._unknown: dict[str, dict[str, set[int]]] = {}
        for table, position, name in book.unknown:
            self.distrust(table, position, name)

    def has(self, table: str, *fields: str) -> bool:
        """Whether the schemas still declare ``fields``: a rule about a column that was removed has nothing to say."""
        return table in self.tables and all(name in self.tables[table].columns for name in fields)

    def distrust(self, table: str, position: int, name: str) -> None:
        """Count a cell as unreadable from now on: what is wrong with it has been said, and no rule should add to it."""
        self._unknown.setdefault(table, {}).setdefault(name, set()).add(position)

    def unread(self, table: str, *fields: str) -> set[int]:
        """Positions of the rows where one of ``fields`` holds something unreadable, or found wrong by itself."""
        by_field = self._unknown.get(table, {})
        return set().union(*(by_field.get(name, set()) for name in fields))

    def column(self, table: str, name: str) -> pd.Series[Any]:
        """One column of a table."""
        return self.tables[table].frame[name]

    def rows(self, table: str, mask: pd.Series[Any], *fields: str) -> Positions:
        """Positions where ``mask`` is true (blank is false), without the rows where one of ``fields`` is unreadable."""
        found = np.flatnonzero(mask.fillna(False).to_numpy(dtype=bool))
        unread = self.unread(table, *fields)
        return found[~np.isin(found, list(unread))] if unread else found

    def value(self, table: str, position: int, name: str) -> Any:
        """One value as plain Python: ``None`` for blank, integer cents for an amount, a date for a day."""
        return self.tables[table].columns[name][position]

    def texts(self, table: str, name: str, positions: Iterable[int]) -> list[str]:
        """The texts of one column at ``positions``; blank ones as ``""``."""
        values = self.tables[table].columns[name]
        return [values[position] or "" for position in positions]

    def placeholders(self, texts: pd.Series[Any]) -> pd.Series[Any]:
        """Which texts stand for a missing one: those of the settings, and those made only of signs and of x."""
        known = {fold(word) for word in self.settings.libelles_vides}
        distinct = texts.dropna().unique().tolist()
        return texts.isin([text for text in distinct if re.fullmatch(_PLACEHOLDER, text) or fold(text) in known])

    @cached_property
    def towns(self) -> dict[str, str]:
        """The names of the collectivités by their identifier; the identifier where the name is blank."""
        every = range(len(self.tables["collectivites"]))
        identifiers = self.texts("collectivites", "collectivite_id", every)
        names = self.texts("collectivites", "nom", every)
        return {key: name or key for key, name in zip(identifiers, names, strict=True) if key}

    def place(self, table: str, position: int, name: str | None = None) -> Place:
        """Where a row, or one of its cells, stands."""
        return self.locate(table, position, name)

    def say(
        self,
        code: str,
        table: str,
        position: int,
        name: str | None,
        /,
        *,
        valeur: CellValue = None,
        attendu: CellValue = None,
        gravite: Severity | None = None,
        suggestion: str | None = None,
        liees: Iterable[tuple[str, int, str | None]] = (),
        **details: Any,
    ) -> None:
        """Report a finding at one cell (or one row); ``liees`` are the other cells, as table, position and field."""
        made = finding(
            code,
            self.place(table, position, name),
            champ=name,
            valeur=valeur,
            attendu=attendu,
            gravite=gravite,
            suggestion=suggestion,
            liees=[self.place(*liee) for liee in liees],
            **details,
        )
        rank = -1 if name is None else self.schemas[table].names.index(name)
        self._spoken.add((table, position, name))
        self._said.append(((self._order[table], position, rank, code), made))

    def spoken(self, table: str, position: int, name: str) -> bool:
        """Whether something has been said at this cell: a second rule about the same mistake keeps quiet."""
        return (table, position, name) in self._spoken

    @property
    def cells(self) -> list[tuple[str, int, str | None, Finding]]:
        """Everything said so far, each with its table, position and field, in the order of :attr:`findings`."""
        tables = list(self.schemas.items())
        cells = []
        for (order, position, rank, _), item in sorted(self._said, key=lambda said: said[0]):
            name, schema = tables[order]
            cells.append((name, position, None if rank < 0 else schema.names[rank], item))
        return cells

    @property
    def findings(self) -> list[Finding]:
        """Everything said so far, by table, row and field."""
        return [each for _, each in sorted(self._said, key=lambda said: said[0])]


def place_words(inspection: Inspection, source: str | None, convention: int | None, town: str | None) -> str:
    """What a total covers, in words: ``récapitulatif, convention 2, Villeneuve``."""
    parts = [RECAP] if source == RECAP else []
    parts += [f"convention {convention}"] if convention is not None else []
    parts += [inspection.towns.get(town, town)] if town is not None else []
    return ", ".join(parts or ["ensemble"])
