"""Where the values of the consolidated tables come from: a cell of a return, or of the contract. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tabellion.campaign.merged import Merged
from tabellion.contract.book import Book
from tabellion.findings import Place
from tabellion.schema import Key


class MergedPlaces:
    """Where the values of the consolidated tables come from."""

    def __init__(self, master: Book, merged: Merged) -> None:
        self.master, self.merged = master, merged
        self.positions: dict[str, list[int | None]] = {}
        self.kin: dict[tuple[str, str], Mapping[Key, int]] = {}

    def __call__(self, table: str, index: Any, field: str | None = None) -> Place:
        """The cell of a return where it says the value, else the master's: of a row that a form makes, the cell of the
        same row of another exercice that the form took the value from.
        """
        places = self.merged.cells.get(table)
        if places is not None and (place := places[int(index)].get(field or "")) is not None:
            return place
        row_place = self.merged.row_places[table][int(index)]
        position = self._positions(table)[int(index)]
        if position is None and field is not None:
            columns = self.merged.tables[table].columns
            if (value := columns[field][int(index)]) is not None:
                position = self._kin(table, field).get((columns[self._line(table)][int(index)], value))
        return row_place if position is None else self.master.locate(table, position, field)

    def _positions(self, table: str) -> list[int | None]:
        """The position of the master's row that stands where each row comes from."""
        if table not in self.positions:
            places = (self.master.locate(table, index) for index in range(len(self.master.rows.get(table, ()))))
            positions = {place: position for position, place in enumerate(places)}
            self.positions[table] = [positions.get(row_place) for row_place in self.merged.row_places[table]]
        return self.positions[table]

    def _kin(self, table: str, field: str) -> Mapping[Key, int]:
        """The positions of the master's rows by what tells which line each is, and what it says in a field."""
        if (table, field) not in self.kin:
            columns = self.master.tables[table].columns
            rows = zip(columns[self._line(table)], columns[field], strict=True)
            self.kin[table, field] = {values: position for position, values in enumerate(rows)}
        return self.kin[table, field]

    def _line(self, table: str) -> str:
        return self.master.schemas[table].primary_key[0]
