"""The hidden sheet of a workbook kept true when sheets of ours come: the tables it was made with, its formulas.

What it does not list is the staff's own: cells, tables, notes, pictures, charts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from tabellion.layout.names import FORMULAS_COLUMN, IDENTITY, OCCASIONAL, SHOWN, table_name
from tabellion.reading.hidden import word
from tabellion.xlsx.inplace.editor import WorkbookEditor
from tabellion.xlsx.inplace.grid import StoredValue
from tabellion.xlsx.inplace.parts import Parts

#: The one-based columns of the list of formulas: table, row, column, formula.
_LIST = range(FORMULAS_COLUMN + 1, FORMULAS_COLUMN + 5)


def relist(
    editor: WorkbookEditor,
    fresh: Parts,
    tables: Collection[str],
    names: Collection[str],
    carried: Callable[[str], str],
) -> None:
    """Let the hidden sheet say what the one of ``fresh`` does of these tables and named cells (folded names).

    ``carried`` gives a formula as the workbook has it.
    """
    if not {IDENTITY.casefold()} <= editor.parts.sheets.keys() & fresh.sheets.keys():
        return
    mine, theirs = known_formulas(editor.parts), known_formulas(fresh)

    def about(line: tuple[str, ...]) -> bool:
        return line[0].casefold() in tables if line[0] else line[2].casefold() in names

    new = [(*line[:3], carried(line[3])) for line in theirs if about(line)]
    lines = [line for line in mine if not about(line)] + new
    if set(lines) != set(mine):
        blank = [("",) * len(_LIST)] * (len(mine) - len(lines))
        for row, line in enumerate([*lines, *blank], 2):
            for column, text in zip(_LIST, line, strict=True):
                editor.set_value(IDENTITY, row, column, text or None)
    _say_tables(editor, tables)


def known_formulas(parts: Parts) -> list[tuple[str, ...]]:
    """The lines of the list of formulas."""
    last = max(parts.grid(IDENTITY).row_numbers(), default=1)
    lines = [tuple(word(parts.value(IDENTITY, row, column)) for column in _LIST) for row in range(2, last + 1)]
    return [line for line in lines if line[2]]


def _say_tables(editor: WorkbookEditor, tables: Collection[str]) -> None:
    """Say of each occasional table that came that the workbook has it."""
    rows = editor.parts.grid(IDENTITY).row_numbers()
    keys = {word(editor.parts.value(IDENTITY, row, 1)): row for row in rows}
    end = max((row for key, row in keys.items() if key), default=1)
    for resource in OCCASIONAL:
        if table_name(resource).casefold() in tables and resource not in keys:
            end += 1
            editor.set_value(IDENTITY, end, 1, resource)
            editor.set_value(IDENTITY, end, 2, SHOWN)


#: Relations of a sheet that hold nothing that people see.
_PLAIN = ("hyperlink", "printerSettings", "table")
_ANCHORS = ("twoCellAnchor", "oneCellAnchor", "absoluteAnchor")


def has_own_cells(parts: Parts, mine: str, source: Parts, name: str) -> bool:
    """Whether a sheet holds anything that is not the program's, which now writes it as ``name`` of ``source``.

    What stands in a table of ours, under a header of ours, is ours; so is what the fresh sheet says somewhere, and what
    stood where it says something that the sheet did not say before.
    """
    theirs = {table.name: table for table in source.tables_of(name)}
    tables = parts.tables_of(mine)
    if any(table.name not in theirs for table in tables) or _has_more_objects(parts, mine, source, name):
        return True
    listed = {(line[0].casefold(), line[2].casefold()) for line in known_formulas(parts) if line[0]}
    fresh, old = _contents(source, name), _contents(parts, mine)
    said, before = set(fresh.values()), set(old.values())
    for place, content in old.items():
        row, column = place
        table = next(
            (each for each in tables if each.area[1] <= column <= each.area[3]
             and each.area[0] <= row <= each.area[2] + 1), None,
        )  # fmt: skip
        if table is not None:
            label = table.labels[column - table.area[1]]
            if label in theirs[table.name].labels or (table.name.casefold(), label.casefold()) in listed:
                continue
        if content in said or (place in fresh and fresh[place] not in before):
            continue
        return True
    return False


def _contents(parts: Parts, sheet: str) -> dict[tuple[int, int], tuple[bool, StoredValue]]:
    """What each cell holds: whether it is a formula, and its text or its value."""
    formulas = {(each.row, each.column): each.text for each in parts.formulas(sheet)}
    found = dict[tuple[int, int], tuple[bool, StoredValue]]()
    for row, column, _ in parts.grid(sheet).cells():
        value = parts.value(sheet, row, column)
        if (row, column) in formulas:
            found[row, column] = True, formulas[row, column]
        elif value not in (None, ""):
            found[row, column] = False, value
    return found


def _has_more_objects(parts: Parts, mine: str, source: Parts, name: str) -> bool:
    """Whether notes, pictures or charts stand on a sheet that the fresh one has not."""
    entries = parts.sheets[mine.casefold()], source.sheets[name.casefold()]
    kinds = [
        {relation.kind for relation in each.package.relations(entry.part)} - set(_PLAIN)
        for each, entry in zip((parts, source), entries, strict=True)
    ]
    return bool(kinds[0] - kinds[1]) or _drawn(parts, entries[0].part) > _drawn(source, entries[1].part)


def _drawn(parts: Parts, part: str) -> int:
    """How many things are drawn on a sheet."""
    drawings = parts.related(part, "drawing")
    return sum(len(parts.tree(each).findall(f"{{*}}{kind}")) for each in drawings for kind in _ANCHORS)
