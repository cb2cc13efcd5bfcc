"""What a workbook says it is in its hidden sheet, and how that sheet lists its formulas."""

from __future__ import annotations

from dataclasses import dataclass

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


@dataclass(frozen=True)
class FormulaCell:
    """A formula as the workbook's own list keeps it: found again by table, row key and column, whatever moves.

    ``table`` is empty for a named cell, whose name is ``column``. ``key`` is ``*`` when the column's every row has it.
    """

    table: str
    key: str
    column: str
    formula: str
