"""The hidden sheet: what the workbook is, and the list of its formulas, so that a change can be told from an edit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tabellion.layout.identity import FORMULA_HEADERS, FORMULAS_COLUMN, KEY_HEADER, VALUE_HEADER, FormulaCell
from tabellion.layout.names import IDENTITY
from tabellion.xlsx.writer import Writer


def write_identity(writer: Writer, identity: Mapping[str, str | int]) -> None:
    """Write the identity's keys and values, and beside them every formula that the pen has written."""
    sheet = writer.sheet(IDENTITY)
    style, header = writer.format(), writer.format(bold=True)
    for row, (key, value) in enumerate([(KEY_HEADER, VALUE_HEADER), *identity.items()]):
        sheet.write(row, 0, key, style)
        sheet.write(row, 1, value, style)
    for offset, words in enumerate(FORMULA_HEADERS):
        sheet.write(0, FORMULAS_COLUMN + offset, words, header)
    for row, formula in enumerate(unique_formulas(writer.formulas), 1):
        for offset, text in enumerate((formula.table, formula.key, formula.column, formula.formula)):
            sheet.write(row, FORMULAS_COLUMN + offset, text, style)
    sheet.raw.very_hidden()


def unique_formulas(formulas: Sequence[FormulaCell]) -> list[FormulaCell]:
    """Each formula once: a column that has the same on every row is one entry."""
    return list(dict.fromkeys(formulas))
