"""Values of the tables as a sentence says them."""

from __future__ import annotations

from datetime import date
from typing import Any

from tabellion.schema.money import format_euros
from tabellion.schema.table import FALSE_WORD, TRUE_WORD, Field
from tabellion.wording import french_date

#: What stands for a value that is not there.
BLANK = "(vide)"


def shown_value(field: Field | None, value: Any, *, quoted: bool = False) -> str:
    """``value`` as people read it: ``1 234,56 €``, ``40 %``, ``31/12/2016``, ``oui``; texts in « » where ``quoted``.

    ``field`` is ``None`` for a field that the schema has no more.
    """
    if value is None:
        return BLANK
    if isinstance(value, bool):
        return TRUE_WORD if value else FALSE_WORD
    if isinstance(value, date):
        return french_date(value)
    if isinstance(value, int) and field is not None and field.kind == "money":
        return format_euros(value)
    if isinstance(value, int) and field is not None and field.kind == "percent":
        return f"{value}\u00a0%"
    return f"« {value} »" if quoted and isinstance(value, str) else str(value)
