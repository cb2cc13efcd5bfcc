"""The hidden sheet: what the workbook is, and the list of its formulas, so that a change can be told from an edit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tabellion.workbook.names import IDENTITY
from tabellion.workbook.pen import FormulaCell, Pen

#: The version of the workbook's inner format; a reader refuses the versions it does not know.
FORMAT_VERSION = 1
KIND_MASTER = "contrat"
#: What the identity says, by table, of the occasional tables that the workbook was made with.
SHOWN = "oui"

#: Headers of the two blocks of the hidden sheet.
KEY_HEADER, VALUE_HEADER = "Clé", "Valeur"
FORMULA_HEADERS = ("Tableau", "Ligne", "Colonne", "Formule")
#: The zero-based column where the list of formulas starts.
FORMULAS_COLUMN = 3


def write_identity(pen: Pen, identity: Mapping[str, str | int]) -> None:
    """Write the identity's keys and values, and beside them every formula that the pen has written."""
    sheet = pen.sheet(IDENTITY)
    style, header = pen.format(), pen.format(bold=True)
    for row, (key, value) in enumerate([(KEY_HEADER, VALUE_HEADER), *identity.items()]):
        sheet.write(row, 0, key, style)
        sheet.write(row, 1, value, style)
    for offset, words in enumerate(FORMULA_HEADERS):
        sheet.write(0, FORMULAS_COLUMN + offset, words, header)
    for row, each in enumerate(unique_formulas(pen.formulas), 1):
        for offset, text in enumerate((each.table, each.key, each.column, each.formula)):
            sheet.write(row, FORMULAS_COLUMN + offset, text, style)
    sheet.raw.very_hidden()


def unique_formulas(formulas: Sequence[FormulaCell]) -> list[FormulaCell]:
    """Each formula once: a column that has the same on every row is one entry."""
    return list(dict.fromkeys(formulas))
