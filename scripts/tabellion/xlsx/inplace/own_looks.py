"""The look that staff gave to cells of a computed sheet, given again where the sheet was written anew."""

from __future__ import annotations

from collections.abc import Iterable

from tabellion.xlsx.inplace.editor import WorkbookEditor
from tabellion.xlsx.inplace.parts import Parts
from tabellion.xlsx.inplace.relocation import Relocation


def with_own_looks(before: Parts, data: bytes, sheets: Iterable[tuple[str, str]]) -> bytes:
    """The workbook ``data``, whose ``sheets`` (their names before and now) were written anew, with the looks of before.

    A cell that still says what it said, or computes at the same place, looks as it did; styles have the same numbers in
    both workbooks, so that only what a person coloured is another one.
    """
    editor = WorkbookEditor(data)
    for mine, name in sheets:
        relocation = Relocation(before, editor.parts, {mine.casefold(): name})
        grid, there = before.grid(mine), editor.parts.grid(name)
        usual = {cell.get("s", "0") for _, _, cell in there.cells()}
        for row, column, cell in list(grid.cells()):
            style = cell.get("s", "0")
            if style in usual:
                continue
            area = relocation.area(mine.casefold(), (row, column, row, column))
            target = None if area is None else there.find(area[0], area[1])
            if area is None or target is None:
                continue
            is_computed = cell.find("{*}f") is not None and target.find("{*}f") is not None
            if is_computed or before.value(mine, row, column) == editor.parts.value(name, area[0], area[1]):
                editor.set_style(name, area[0], area[1], int(style))
    if not editor.touched:
        return data
    editor.finish(set(), {})
    return editor.to_bytes()
