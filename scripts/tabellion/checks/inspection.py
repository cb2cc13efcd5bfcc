"""One inspection of a contract: its tables, what to say nothing more about, and the findings put in order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Set
from dataclasses import replace
from datetime import date
from enum import Enum
from functools import cached_property
from types import MappingProxyType
from typing import Any

from tabellion.contract.book import Book, Locate
from tabellion.findings import CellValue, Finding, Severity, finding
from tabellion.schema.money import euros
from tabellion.schema.tables import Column
from tabellion.wording import fold, french_date

_PLACEHOLDER = re.compile(r"[\W_xX]+")


class _Own(Enum):
    """Stands for the value of the very cell that a finding is about."""

    VALUE = "value"


OWN = _Own.VALUE


Settled = Mapping[str, Mapping[str, set[int]]]
"""Cells of which nothing is to be said: by table and field, the positions of their rows."""


class Inspection:
    """What every rule reads, and where it says what it found.

    ``locate`` gives the places where the book's own are not meant. Of the book's unknown cells nothing more is said,
    nor of those that are ``settled``: positions by field, by table.
    """

    def __init__(self, book: Book, locate: Locate | None = None, settled: Settled = MappingProxyType({})) -> None:
        self.tables, self.schemas, self.settings, self.apart = book.tables, book.schemas, book.settings, book.apart
        self.overview = book.overview
        self.locate: Locate = book.locate if locate is None else locate
        self._findings: list[tuple[tuple[int, int, int, str], Finding]] = []
        self._spoken: set[tuple[str, int, str | None]] = set()
        self._order = {name: rank for rank, name in enumerate(self.schemas)}
        self._unknown = {table: dict(by_field) for table, by_field in settled.items()}
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

    def column(self, table: str, name: str) -> Column:
        """One column of a table: plain values, ``None`` for blank."""
        return self.tables[table].columns[name]

    def known(self, table: str, name: str) -> set[Any]:
        """The values of a column, blanks aside."""
        return {*self.column(table, name)} - {None}

    def rows(self, table: str, mask: Iterable[bool], *fields: str) -> list[int]:
        """Positions where ``mask`` is true, without the rows where one of ``fields`` is unreadable."""
        unread = self.unread(table, *fields)
        return [position for position, holds in enumerate(mask) if holds and position not in unread]

    def holding(self, table: str, name: str, values: Set[object], *fields: str) -> list[int]:
        """Positions of the rows with one of ``values`` in a column, that and ``fields`` being readable."""
        if not values:
            return []
        return self.rows(table, (value in values for value in self.column(table, name)), name, *fields)

    def value(self, table: str, position: int, name: str) -> Any:
        """One value as plain Python: ``None`` for blank, integer cents for an amount, a date for a day."""
        return self.tables[table].columns[name][position]

    def texts(self, table: str, name: str, positions: Iterable[int]) -> list[str]:
        """The texts of one column at ``positions``; blank ones as ``""``."""
        values = self.tables[table].columns[name]
        return [values[position] or "" for position in positions]

    def placeholders(self, texts: Iterable[str | None]) -> set[str]:
        """The texts that stand for a missing one: those of the settings, and those made only of signs and of x."""
        distinct = {text for text in texts if text is not None}
        return {text for text in distinct if _PLACEHOLDER.fullmatch(text) or fold(text) in self._empty_words}

    @cached_property
    def _empty_words(self) -> set[str]:
        return {fold(word) for word in self.settings.libelles_vides}

    @cached_property
    def towns(self) -> dict[str, str]:
        """The names of the collectivités by their identifier; the identifier where the name is blank."""
        towns = ((town["collectivite_id"], town["nom"]) for town in self.tables["collectivites"].rows)
        return {key: name or key for key, name in towns if key}

    def say(
        self, code: str, table: str, position: int, name: str | None, /, *, valeur: CellValue | _Own = None,
        attendu: CellValue = None, gravite: Severity | None = None, suggestion: str | None = None,
        liees: Iterable[tuple[str, int, str | None]] = (), blocks: bool = True, **details: object,
    ) -> None:  # fmt: skip
        """Report a finding at one cell (or one row); ``liees`` are the other cells, as table, position and field.

        Not ``blocks``, it is said of what can be worked with as it is.

        ``valeur`` may be :data:`OWN`: the cell's value, an amount in euros and a day as people write it.
        """
        if valeur is OWN:
            valeur = None if name is None else self._shown(table, position, name)
        made = finding(
            code, self.locate(table, position, name), champ=name, valeur=valeur, attendu=attendu, gravite=gravite,
            suggestion=suggestion, liees=[self.locate(*cell) for cell in liees], **details,
        )  # fmt: skip
        if not blocks:
            made = replace(made, bloquant=False)
        rank = -1 if name is None else self.schemas[table].names.index(name)
        self._spoken.add((table, position, name))
        self._findings.append(((self._order[table], position, rank, code), made))

    def _shown(self, table: str, position: int, name: str) -> CellValue:
        value: CellValue | date = self.value(table, position, name)
        if isinstance(value, date):
            return french_date(value)
        is_money = self.schemas[table].by_name[name].kind == "money"
        return euros(value) if is_money and isinstance(value, int) else value

    def spoken(self, table: str, position: int, name: str) -> bool:
        """Whether something has been said at this cell: a second rule about the same mistake keeps quiet."""
        return (table, position, name) in self._spoken

    @property
    def cells(self) -> list[tuple[str, int, str | None, Finding]]:
        """Everything said so far, each with its table, position and field, in the order of :attr:`findings`."""
        cells, tables = [], list(self.schemas.values())
        for (order, position, rank, _), made in sorted(self._findings, key=lambda ranked: ranked[0]):
            schema = tables[order]
            cells.append((schema.name, position, None if rank < 0 else schema.names[rank], made))
        return cells

    @property
    def findings(self) -> list[Finding]:
        """Everything said so far, by table, row and field."""
        return [finding for *_, finding in self.cells]
