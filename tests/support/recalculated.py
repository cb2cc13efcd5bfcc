"""What LibreOffice computes against what was written: formulas whose cached value is not the computed one."""

from __future__ import annotations

from support.libreoffice import OfficeCells
from support.masters import Package

#: Half a cent: amounts are compared to the cent.
_CLOSE = 0.005


def differences(package: Package, cells: OfficeCells) -> list[str]:
    """Formulas whose computed value is not the cached one, or is an error."""
    wrong = []
    for sheet, expected in package.cells.items():
        for place, (cached, formula) in expected.items():
            if formula is None:
                continue
            cell = cells[sheet].get(place)
            value = None if cell is None else cell.value
            same = (
                isinstance(value, float) and isinstance(cached, float) and abs(value - cached) < _CLOSE
            ) or value == cached
            if cell is None or cell.error is not None or not same:
                wrong.append(f"{sheet} {place}: cached {cached!r}, computed {cell} of {formula}")
    return wrong


def errors(cells: OfficeCells) -> list[str]:
    """Cells that hold an error."""
    return [
        f"{sheet} {place}: {cell}"
        for sheet, sheet_cells in cells.items()
        for place, cell in sheet_cells.items()
        if cell.error
    ]
