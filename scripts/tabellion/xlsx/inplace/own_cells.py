"""Whether a computed sheet holds something of the staff's: cells, tables, notes, pictures, charts."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from tabellion.layout.names import is_of_convention
from tabellion.xlsx.inplace.grid import StoredValue
from tabellion.xlsx.inplace.parts import Parts
from tabellion.xlsx.inplace.relisting import known_formulas

HeldContent = tuple[bool, StoredValue]
"""Whether a cell holds a formula, and its text or its value."""

#: Relations of a sheet that hold nothing that people see.
_PLAIN = ("hyperlink", "printerSettings", "table")
#: The name of a table in a formula.
_TABLE = re.compile(r"(\w+)\[")
_ANCHORS = ("twoCellAnchor", "oneCellAnchor", "absoluteAnchor")


def has_own_cells(parts: Parts, mine: str, source: Parts, name: str, words: Collection[str] = ()) -> bool:
    """Whether a sheet holds anything that is not the program's, which now writes it as ``name`` of ``source``."""
    theirs = {table.name: table for table in source.tables_of(name)}
    tables = parts.tables_of(mine)
    if any(table.name not in theirs for table in tables) or _has_more_objects(parts, mine, source, name):
        return True
    listed = {(line[0].casefold(), line[2].casefold()) for line in known_formulas(parts) if line[0]}
    for (row, column), _ in own_cells(parts, mine, source, name, words):
        table = next(
            (table for table in tables if table.area[1] <= column <= table.area[3]
             and table.area[0] <= row <= table.area[2] + 1), None,
        )  # fmt: skip
        label = None if table is None else table.labels[column - table.area[1]]
        if table is None or label is None:
            return True
        if label not in theirs[table.name].labels and (table.name.casefold(), label.casefold()) not in listed:
            return True
    return False


def own_cells(
    parts: Parts, mine: str, source: Parts, name: str, words: Collection[str] = ()
) -> Iterator[tuple[tuple[int, int], HeldContent]]:
    """The cells of a sheet, with what they hold, that the program did not write: in its tables, all that differs.

    What the fresh sheet says somewhere is the program's, and what stood where it says something that the sheet did not
    say before; so are ``words``, and the row of a convention that is gone, as wide as the fresh sheet is: it computes
    from a table that the fresh workbook has not.
    """
    fresh, old = contents_of(source, name), contents_of(parts, mine)
    said, before = {*fresh.values(), *((False, text) for text in words)}, set(old.values())
    gone, width = _gone_rows(old, source), max((column for _, column in fresh), default=0)
    for place, content in old.items():
        is_gone, is_renewed = place[0] in gone and place[1] <= width, place in fresh and fresh[place] not in before
        if not is_gone and not is_renewed and content not in said:
            yield place, content


def _gone_rows(cells: Mapping[tuple[int, int], HeldContent], source: Parts) -> set[int]:
    """The rows whose formulas name a table of a convention that the fresh workbook has no more."""
    there = {table.name for table in source.tables}
    return {
        row
        for (row, _), (is_formula, text) in cells.items()
        if is_formula and any(is_of_convention(name) and name not in there for name in _TABLE.findall(str(text)))
    }


def contents_of(parts: Parts, sheet: str) -> dict[tuple[int, int], HeldContent]:
    """What each cell holds: whether it is a formula, and its text or its value."""
    formulas = {(formula.row, formula.column): formula.text for formula in parts.formulas(sheet)}
    contents = dict[tuple[int, int], HeldContent]()
    for row, column, _ in parts.grid(sheet).cells():
        value = parts.value(sheet, row, column)
        if (row, column) in formulas:
            contents[row, column] = True, formulas[row, column]
        elif value not in (None, ""):
            contents[row, column] = False, value
    return contents


def _has_more_objects(parts: Parts, mine: str, source: Parts, name: str) -> bool:
    """Whether notes, pictures or charts stand on a sheet that the fresh one has not."""
    entries = parts.sheets[mine.casefold()], source.sheets[name.casefold()]
    kinds = [
        {relation.kind for relation in part.package.relations(entry.part)} - set(_PLAIN)
        for part, entry in zip((parts, source), entries, strict=True)
    ]
    return bool(kinds[0] - kinds[1]) or _drawn(parts, entries[0].part) > _drawn(source, entries[1].part)


def _drawn(parts: Parts, part: str) -> int:
    """How many things are drawn on a sheet."""
    drawings = parts.related(part, "drawing")
    return sum(len(parts.tree(drawing).findall(f"{{*}}{kind}")) for drawing in drawings for kind in _ANCHORS)
