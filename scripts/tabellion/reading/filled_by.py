"""Who filled a form, as its guide says: a form of before has no place for it."""

from __future__ import annotations

from datetime import date

from tabellion.layout.forms import FINAL, FINAL_WORDS, FUNCTION, SIGNED_BY, SIGNED_ON, FilledBy
from tabellion.reading.raw import RawWorkbook
from tabellion.reading.tables import named_cell
from tabellion.schema import Field
from tabellion.schema.cast import cast_column
from tabellion.wording import fold, french_date, french_value

#: Characters kept of a text.
_LONGEST = 120


def read_filled_by(workbook: RawWorkbook) -> FilledBy | None:
    """What the guide's cells say; ``None`` where the form has none of them."""
    said = {name: _text(workbook, name) for name in (SIGNED_BY, FUNCTION, SIGNED_ON, FINAL)}
    if said[FINAL] is None:
        return None
    texts = {name: text or "" for name, text in said.items()}
    is_final = fold(texts[FINAL]) in (fold(FINAL_WORDS[0]), "definitive", "oui", "x")
    return FilledBy(texts[SIGNED_BY], texts[FUNCTION], texts[SIGNED_ON], is_final)


def _text(workbook: RawWorkbook, name: str) -> str | None:
    """What a named cell says, a day as people write it; ``None`` where the workbook has no such cell."""
    if (cell := named_cell(workbook, name)) is None:
        return None
    sheet, row, column = cell
    value = sheet.value(row, column)
    if name == SIGNED_ON and value is not None:
        day = Field(name, "date", "", "")
        read = cast_column(day, [value], tolerant=True, date1904=workbook.date1904).values[0]
        value = french_date(read) if isinstance(read, date) else value
    return "" if value is None else " ".join(french_value(value).split())[:_LONGEST]
