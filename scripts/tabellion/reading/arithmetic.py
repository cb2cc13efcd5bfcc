"""Plain arithmetic that people type in a cell (``=100/3``, ``=F6+F7``), where no program has, or not since."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from math import isfinite
from typing import NamedTuple

from tabellion.addresses import parse_cell
from tabellion.reading.raw import CellAddress, RawSheet

_ADDRESS = re.compile(r"\$?([A-Za-z]{1,3})\$?([0-9]{1,7})")
#: Numbers, addresses, four operations and parentheses; nothing else is computed. An address becomes a call of its own.
_ARITHMETIC = re.compile(r"[0-9A-Za-z.$+\-*/() ]{1,200}")
_OPERATIONS: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
}  # fmt: skip
#: Formulas that a formula may go through: people add up a cell that adds up others.
_DEEPEST = 10


def computed(sheet: RawSheet, cell: CellAddress, *, anew: bool = False, depth: int = _DEEPEST) -> float | None:
    """The value of a formula that is only arithmetic on numbers and cells of its sheet; ``None`` for any other.

    ``anew`` believes no value that a program has computed.
    """
    formula = sheet.formulas.get(cell, "")
    if depth <= 0 or not _ARITHMETIC.fullmatch(formula) or "**" in formula or "//" in formula:
        return None
    addresses = {match[0]: f"cell_{number}" for number, match in enumerate(_ADDRESS.finditer(formula))}
    text = _ADDRESS.sub(lambda match: addresses[match[0]], formula)
    places = {name: parse_cell(address.replace("$", "").upper()) for address, name in addresses.items()}
    try:
        value = _value(ast.parse(text.strip(), mode="eval").body, _Cells(sheet, places, depth, anew))
    except (SyntaxError, ValueError, ZeroDivisionError, OverflowError, RecursionError, KeyError):
        return None
    return value if isfinite(value) else None


class _Cells(NamedTuple):
    """The cells that the names of a formula stand for."""

    sheet: RawSheet
    places: Mapping[str, CellAddress]
    depth: int
    anew: bool

    def value(self, name: str) -> float:
        """The number in a cell, 0 where it is blank, as Excel counts it. Raises ``ValueError`` for any other."""
        sheet, cell = self.sheet, self.places[name]
        if cell in sheet.uncached or (self.anew and cell in sheet.formulas):
            result = computed(sheet, cell, anew=self.anew, depth=self.depth - 1)
            if result is None:
                raise ValueError("a formula that is not computed")
            return result
        value = sheet.value(*cell)
        if value is None and cell not in sheet.errors:
            return 0.0
        if isinstance(value, float) and not isinstance(value, bool):
            return value
        raise ValueError("no number")


def _value(node: ast.expr, cells: _Cells) -> float:
    """The value of a part of a formula. Raises ``ValueError`` or ``KeyError`` for what is no arithmetic."""
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return float(number)
        case ast.UnaryOp(op=ast.UAdd() | ast.USub() as sign, operand=operand):
            value = _value(operand, cells)
            return -value if isinstance(sign, ast.USub) else value
        case ast.BinOp(left=left, op=operation, right=right):
            return _OPERATIONS[type(operation)](_value(left, cells), _value(right, cells))
        case ast.Name(id=name):
            return cells.value(name)
    raise ValueError("no arithmetic")
