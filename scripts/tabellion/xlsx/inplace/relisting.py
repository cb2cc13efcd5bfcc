"""The hidden sheet of a workbook kept true when sheets of ours come: the tables it was made with, its formulas."""

from __future__ import annotations

from collections.abc import Callable, Collection

from tabellion.layout.names import FORMULAS_COLUMN, IDENTITY, OCCASIONAL, SHOWN, table_name
from tabellion.reading.hidden import word
from tabellion.xlsx.inplace.editor import WorkbookEditor
from tabellion.xlsx.inplace.parts import Parts

#: The one-based columns of the list of formulas: table, row, column, formula.
_LIST = range(FORMULAS_COLUMN + 1, FORMULAS_COLUMN + 5)


def relist(
    editor: WorkbookEditor, fresh: Parts, tables: Collection[str], names: Collection[str], carried: Callable[[str], str]
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
