"""The bare writer and the bare reader: the least that any program would do with the same cells.

``dump WORKBOOK CELLS`` keeps a workbook's cells, ``write CELLS WORKBOOK …`` writes them with xlsxwriter (values,
formulas with their computed values, no format), of one workbook or of several, ``read WORKBOOK…`` reads every sheet
with calamine, and ``share WORKBOOK…`` does so in two processes.
"""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path


def dump(workbook: Path, cells: Path) -> None:
    """Keep, by sheet, each cell as (row, column, value, formula or ``None``), zero-based; say how many there are."""
    import openpyxl
    from openpyxl.utils.datetime import to_excel

    formulas, values = (openpyxl.load_workbook(workbook, data_only=computed) for computed in (False, True))
    sheets, count, formula_count = [], 0, 0
    for sheet, computed in zip(formulas.worksheets, values.worksheets, strict=True):
        sheet_cells = []
        for row in sheet.iter_rows():
            for cell in row:
                if cell.value is not None:
                    value, formula = cell.value, None
                    if cell.data_type == "f":
                        formula, value = getattr(value, "text", value), computed[cell.coordinate].value
                    if isinstance(value, date):
                        value = to_excel(value)
                    sheet_cells.append((cell.row - 1, cell.column - 1, value, formula))
        sheets.append((sheet.title, sheet_cells))
        count += len(sheet_cells)
        formula_count += sum(cell_entry[3] is not None for cell_entry in sheet_cells)
    cells.write_text(json.dumps(sheets), encoding="utf-8")
    print(f"{len(sheets)} sheets, {count} cells, {formula_count} of them formulas, {workbook.stat().st_size:,} bytes")


def write(*pairs: Path) -> None:
    """Write the cells kept by :func:`dump`: a file of them and the workbook to make, as often as wanted."""
    for cells, workbook in zip(pairs[::2], pairs[1::2], strict=True):
        _write(cells, workbook)


def _write(cells: Path, workbook: Path) -> None:
    import xlsxwriter

    with xlsxwriter.Workbook(workbook, {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        for title, sheet_cells in json.loads(cells.read_text(encoding="utf-8")):
            sheet = book.add_worksheet(title)
            for row, column, value, formula in sheet_cells:
                if formula is not None:
                    sheet.write_formula(row, column, formula, None, "" if value is None else value)
                elif isinstance(value, str):
                    sheet.write_string(row, column, value)
                else:
                    sheet.write_number(row, column, value)


def read(*workbooks: Path) -> None:
    """Read every sheet of each workbook into Python lists."""
    from python_calamine import CalamineWorkbook

    for workbook in workbooks:
        book = CalamineWorkbook.from_path(workbook)
        for name in book.sheet_names:
            book.get_sheet_by_name(name).to_python(skip_empty_area=False)


def share(*workbooks: Path) -> None:
    """The same in two processes."""
    import multiprocessing

    with multiprocessing.get_context("spawn").Pool(2) as pool:
        pool.map(read, workbooks)


if __name__ == "__main__":
    {"dump": dump, "write": write, "read": read, "share": share}[sys.argv[1]](*map(Path, sys.argv[2:]))
