"""Drives a running LibreOffice from JSON commands on stdin: run by the system's Python, which has ``uno``.

Usage: ``uno_driver.py PIPE``. One command a line, ``{"do": NAME, ...}``; one answer a line, ``{"ok": VALUE}`` or
``{"error": TEXT}``. Rows and columns are zero-based. This file imports nothing of the project.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import uno  # type: ignore[import-not-found]
from com.sun.star.beans import PropertyValue  # type: ignore[import-not-found]
from com.sun.star.connection import NoConnectException  # type: ignore[import-not-found]
from com.sun.star.sheet.CellDeleteMode import UP  # type: ignore[import-not-found]
from com.sun.star.table import CellRangeAddress, TableSortField  # type: ignore[import-not-found]

#: ``com.sun.star.sheet.CellFlags.FORMULA`` and ``com.sun.star.sheet.FormulaResult.ERROR``.
_FORMULA, _ERROR = 16, 4
_CONNECT_SECONDS = 60
_XLSX, _DOCX, _PDF = "Calc MS Excel 2007 XML", "MS Word 2007 XML", "calc_pdf_Export"


def properties(**values: Any) -> tuple[Any, ...]:
    property_values = []
    for name, value in values.items():
        property_value = PropertyValue()
        property_value.Name, property_value.Value = name, value
        property_values.append(property_value)
    return tuple(property_values)


class Driver:
    """One connection, and at most one document at a time."""

    def __init__(self, pipe: str) -> None:
        local = uno.getComponentContext()
        resolver = local.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", local)
        deadline = time.monotonic() + _CONNECT_SECONDS
        while True:
            try:
                self.context = resolver.resolve(f"uno:pipe,name={pipe};urp;StarOffice.ComponentContext")
                break
            except NoConnectException:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        self.desktop = self.create("com.sun.star.frame.Desktop")
        self.document: Any = None

    def create(self, service: str) -> Any:
        return self.context.ServiceManager.createInstanceWithContext(service, self.context)

    def sheet(self, name: str) -> Any:
        return self.document.Sheets.getByName(name)

    # Commands

    def open(self, path: str) -> list[str]:
        self.close()
        url = Path(path).resolve().as_uri()
        self.document = self.desktop.loadComponentFromURL(url, "_blank", 0, properties(Hidden=True))
        if self.document is None:
            raise RuntimeError(f"LibreOffice does not open {path}")
        return self.sheets()

    def close(self) -> None:
        if self.document is not None:
            self.document.close(True)
            self.document = None

    def recalculate(self) -> None:
        self.document.calculateAll()

    def sheets(self) -> list[str]:
        """The names of its sheets: none where it is a text."""
        is_workbook = self.document.supportsService("com.sun.star.sheet.SpreadsheetDocument")
        return list(self.document.Sheets.ElementNames) if is_workbook else []

    def read(self) -> dict[str, Any]:
        """Every cell that is not empty: value (number or text), its formula if it has one, its error code if any."""
        sheets: dict[str, Any] = {}
        for name in self.document.Sheets.ElementNames:
            sheets[name] = self.read_sheet(name)
        return sheets

    def read_sheet(self, name: str) -> list[dict[str, Any]]:
        sheet = self.sheet(name)
        cursor = sheet.createCursor()
        cursor.gotoEndOfUsedArea(False)
        end = cursor.RangeAddress
        area = sheet.getCellRangeByPosition(0, 0, end.EndColumn, end.EndRow)
        values, formulas = area.getDataArray(), area.getFormulaArray()
        with_formula = self._cells(sheet.queryContentCells(_FORMULA))
        errors = self._cells(sheet.queryFormulaCells(_ERROR))
        cells = []
        for row, line in enumerate(values):
            for column, value in enumerate(line):
                place = (row, column)
                if value == "" and place not in with_formula:
                    continue
                cell: dict[str, Any] = {"row": row, "column": column, "value": value}
                if place in with_formula:
                    cell["formula"] = formulas[row][column]
                if place in errors:
                    cell["error"] = sheet.getCellByPosition(column, row).getError()
                cells.append(cell)
        return cells

    def _cells(self, ranges: Any) -> set[tuple[int, int]]:
        return {
            (row, column)
            for cell_range in ranges.RangeAddresses
            for row in range(cell_range.StartRow, cell_range.EndRow + 1)
            for column in range(cell_range.StartColumn, cell_range.EndColumn + 1)
        }

    def shown(self, sheet: str, row: int, column: int) -> str:
        """The text that a person sees."""
        return str(self.sheet(sheet).getCellByPosition(column, row).getString())

    def set(self, sheet: str, row: int, column: int, value: Any) -> None:
        """A number, a text as it is, or (``None``) nothing."""
        cell = self.sheet(sheet).getCellByPosition(column, row)
        if value is None:
            cell.setFormula("")
        elif isinstance(value, str):
            cell.setString(value)
        else:
            cell.setValue(value)

    def set_formula(self, sheet: str, row: int, column: int, formula: str) -> None:
        self.sheet(sheet).getCellByPosition(column, row).setFormula(formula)

    def type(self, sheet: str, row: int, column: int, text: str) -> None:
        """What the keyboard does: the text is read by the language's rules for numbers, dates and formulas."""
        controller = self.document.CurrentController
        controller.setActiveSheet(self.sheet(sheet))
        controller.select(self.sheet(sheet).getCellByPosition(column, row))
        dispatcher = self.create("com.sun.star.frame.DispatchHelper")
        dispatcher.executeDispatch(controller.Frame, ".uno:EnterString", "", 0, properties(StringName=text))

    def evaluate(self, formula: str) -> Any:
        """The value of a formula in a scratch sheet, which is then removed; an error gives ``{"error": CODE}``."""
        sheets = self.document.Sheets
        sheets.insertNewByName("essai_tabellion", len(sheets.ElementNames))
        try:
            cell = self.sheet("essai_tabellion").getCellByPosition(0, 0)
            cell.setFormula(formula)
            if cell.getError():
                return {"error": cell.getError()}
            return cell.getString() if cell.FormulaResultType2 == 2 else cell.getValue()
        finally:
            sheets.removeByName("essai_tabellion")

    def insert_rows(self, sheet: str, row: int, count: int) -> None:
        self.sheet(sheet).Rows.insertByIndex(row, count)

    def delete_rows(self, sheet: str, row: int, count: int) -> None:
        self.sheet(sheet).Rows.removeByIndex(row, count)

    def insert_columns(self, sheet: str, column: int, count: int) -> None:
        self.sheet(sheet).Columns.insertByIndex(column, count)

    def delete_columns(self, sheet: str, column: int, count: int) -> None:
        self.sheet(sheet).Columns.removeByIndex(column, count)

    def delete_cells(self, sheet: str, area: list[int]) -> None:
        """Delete ``area``: the cells below move up."""
        target = self.sheet(sheet)
        removed_area = CellRangeAddress()
        removed_area.Sheet = target.RangeAddress.Sheet
        removed_area.StartRow, removed_area.StartColumn, removed_area.EndRow, removed_area.EndColumn = area
        target.removeRange(removed_area, UP)

    def sort(self, sheet: str, area: list[int], column: int, descending: bool = False) -> None:
        """Sort ``area`` (first row, first column, last row, last column; no header) by a column of the sheet."""
        first_row, first_column, last_row, last_column = area
        field = TableSortField()
        field.Field, field.IsAscending = column - first_column, not descending
        fields = uno.Any("[]com.sun.star.table.TableSortField", (field,))
        target = self.sheet(sheet).getCellRangeByPosition(first_column, first_row, last_column, last_row)
        target.sort(properties(SortFields=fields, ContainsHeader=False))

    def filter(self, sheet: str, area: list[int], column: int, text: str) -> None:
        """Hide the rows of ``area`` (its first row is the header) whose cell in a column is not ``text``."""
        first_row, first_column, last_row, last_column = area
        target = self.sheet(sheet).getCellRangeByPosition(first_column, first_row, last_column, last_row)
        descriptor = target.createFilterDescriptor(True)
        field = uno.createUnoStruct("com.sun.star.sheet.TableFilterField")
        field.Field, field.IsNumeric, field.StringValue = column - first_column, False, text
        field.Operator = uno.Enum("com.sun.star.sheet.FilterOperator", "EQUAL")
        descriptor.setFilterFields((field,))
        descriptor.ContainsHeader = True
        target.filter(descriptor)

    def unprotect(self, sheet: str) -> None:
        """Lift a protection that has no password, as anyone may."""
        self.sheet(sheet).unprotect("")

    def add_sheet(self, name: str) -> None:
        """A blank sheet after the others."""
        self.document.Sheets.insertNewByName(name, len(self.document.Sheets.ElementNames))

    def annotate(self, sheet: str, row: int, column: int, text: str) -> None:
        """A note on a cell."""
        target = self.sheet(sheet)
        target.Annotations.insertNew(target.getCellByPosition(column, row).CellAddress, text)

    def colour(self, sheet: str, row: int, column: int, colour: int) -> None:
        """Another background, ``0xRRGGBB``, for a cell."""
        self.sheet(sheet).getCellByPosition(column, row).CellBackColor = colour

    def bold(self, sheet: str, row: int, column: int) -> None:
        """A cell in bold letters."""
        self.sheet(sheet).getCellByPosition(column, row).CharWeight = 150.0

    def widen(self, sheet: str, column: int, hundredths: int) -> None:
        """Another width of a column, in hundredths of a millimetre."""
        self.sheet(sheet).Columns.getByIndex(column).Width = hundredths

    def hide_row(self, sheet: str, row: int) -> None:
        self.sheet(sheet).Rows.getByIndex(row).IsVisible = False

    def paste_values(self, sheet: str, area: list[int]) -> None:
        """Copy ``area`` and paste it over itself as values."""
        first_row, first_column, last_row, last_column = area
        target = self.sheet(sheet).getCellRangeByPosition(first_column, first_row, last_column, last_row)
        target.setDataArray(target.getDataArray())

    def undo_table(self, name: str) -> None:
        """A table becomes a plain range."""
        self.document.DatabaseRanges.removeByName(name)

    def remove_name(self, name: str) -> None:
        self.document.NamedRanges.removeByName(name)

    def remove_sheet(self, sheet: str) -> None:
        self.document.Sheets.removeByName(sheet)

    def rename_sheet(self, sheet: str, name: str) -> None:
        self.sheet(sheet).setName(name)

    def copy_sheet(self, sheet: str, name: str) -> None:
        """A copy of a sheet, after the others."""
        self.document.Sheets.copyByName(sheet, name, len(self.document.Sheets.ElementNames))

    def move_range(self, sheet: str, area: list[int], row: int, column: int) -> None:
        """Cut ``area`` and paste it at a cell of the same sheet."""
        target = self.sheet(sheet)
        source = CellRangeAddress()
        source.Sheet = target.RangeAddress.Sheet
        source.StartRow, source.StartColumn, source.EndRow, source.EndColumn = area
        target.moveRange(target.getCellByPosition(column, row).CellAddress, source)

    def save(self, path: str) -> None:
        """Save it, as Ctrl+S does; under another path, a copy as ``.xlsx`` or ``.docx``."""
        url = Path(path).resolve().as_uri()
        if url == self.document.URL:
            self.document.store()
        else:
            self.document.storeToURL(url, properties(FilterName=_DOCX if path.endswith(".docx") else _XLSX))

    def pdf(self, path: str) -> None:
        is_text = self.document.supportsService("com.sun.star.text.TextDocument")
        filter_name = "writer_pdf_Export" if is_text else _PDF
        self.document.storeToURL(Path(path).resolve().as_uri(), properties(FilterName=filter_name))

    def quit(self) -> None:
        self.close()
        self.desktop.terminate()


def main() -> None:
    driver = Driver(sys.argv[1])
    print(json.dumps({"ok": "ready"}), flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        try:
            answer = {"ok": getattr(driver, command.pop("do"))(**command)}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
