"""The headers of a table as they stand in a sheet: their row, how alike they are, what a client makes of a copy."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping

from tabellion.layout.names import COMPUTED, column_mark
from tabellion.reading.raw import RawSheet, RawTable, RawValue
from tabellion.schema import TableSchema
from tabellion.wording import fold

#: What most blank cells hold, told without looking at the letters of any.
NOTHING = frozenset((None, ""))


def is_blank(value: RawValue) -> bool:
    """Whether a cell shows nothing."""
    return value is None or (isinstance(value, str) and not value.strip())


def is_copy(name: str, original: str) -> bool:
    """Whether a table has the name that a client gives to the copy of one: ``Lignes_014``, ``Lignes_01_1``."""
    return re.fullmatch(rf"{re.escape(original)}_?\d+", name) is not None


def runs(line: list[RawValue]) -> Iterator[list[tuple[int, str]]]:
    """The cells of a row that hold something, by their one-based columns: those side by side, then all together."""
    run: list[tuple[int, str]] = []
    for column, value in enumerate(line, 1):
        if not is_blank(value):
            run.append((column, str(value)))
        elif run:
            yield run
            run = []
    if run:
        yield run
    yield [(column, str(value)) for column, value in enumerate(line, 1) if not is_blank(value)] or [(1, "")]


def likeness(label: str, text: str) -> float:
    """How alike a label and a header are for a person, from 0 to 1."""
    return difflib.SequenceMatcher(None, fold(label), fold(text)).ratio()


def header_row(sheet: RawSheet, table: RawTable, labels: tuple[str, ...]) -> int:
    """The header row of an Excel table, looked for around the place that the table declares."""
    declared = table.header_row or max(1, table.first_row - 1)
    wanted = {fold(label) for label in labels}

    def score(row: int) -> int:
        line = sheet.rows[row - 1] if 1 <= row <= len(sheet.rows) else []
        return sum(
            isinstance(value, str) and fold(value) in wanted
            for value in line[table.first_column - 1 : table.last_column]
        )

    return max((declared, declared - 1, declared + 1), key=lambda row: (score(row), row == declared))


def computed_labels(schema: TableSchema) -> set[str]:
    """The labels of the columns that a master computes beside those of a table."""
    return {label for _, _, label, _ in COMPUTED.get(schema.name, ())}


def later_labels(schema: TableSchema, identity: Mapping[str, str]) -> set[str]:
    """The labels of the columns that a workbook of this identity was made without, before they were declared."""
    recent = [field for field in schema.fields if field.is_recent]
    return {field.title for field in recent if column_mark(schema.name, field.name) not in identity}
