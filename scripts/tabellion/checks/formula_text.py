"""Formulas as they can be compared, whatever client wrote them: structured references in place of addresses."""

from __future__ import annotations

import re

from tabellion.addresses import LITERAL, column_index, compact
from tabellion.layout.names import column_ref, escape_label, this_row
from tabellion.reading.form import ParsedForm
from tabellion.reading.master import ParsedMaster
from tabellion.reading.raw import RawSheet, RawWorkbook
from tabellion.reading.tables import FoundTable

#: A reference to cells by address, with or without its sheet.
_ADDRESS = re.compile(
    r"(?:(?P<sheet>'(?:[^']|'')+'|[A-Za-zÀ-ÿ_][\wÀ-ÿ.]*)!)?"
    r"\$?(?P<left>[A-Z]{1,3})\$?(?P<top>\d{1,7})(?::\$?(?P<right>[A-Z]{1,3})\$?(?P<bottom>\d{1,7}))?(?![\w(\[!])"
)


#: What was read of a workbook of ours: a master, a consolidation (which is read as one), a form.
ParsedWorkbook = ParsedMaster | ParsedForm


def canonical(
    reading: ParsedWorkbook, formula: str, sheet: RawSheet, row: int, area: FoundTable | None
) -> tuple[str, bool]:
    """``formula`` with its names as generated; whether a range in it covers only a part of a table's column.

    Addresses that are exactly a table's column, or its cell on the same row, become structured references: some
    clients write them so.
    """
    partial = False

    def structured(match: re.Match[str]) -> str:
        nonlocal partial
        where = (match["sheet"] or "").strip("'").replace("''", "'") or sheet.name
        text, cut = _as_reference(reading.workbook, match, where, row, sheet.name)
        partial = partial or cut
        return text

    pieces = LITERAL.split(formula)
    for place in range(0, len(pieces), 2):
        follows_sheet = place > 0 and pieces[place - 1].endswith("!")
        prefix = pieces[place - 1] if follows_sheet else ""
        if follows_sheet:
            pieces[place - 1] = ""
        pieces[place] = _ADDRESS.sub(structured, prefix + pieces[place])
    text = "".join(pieces)
    for known in [*reading.areas.values(), *([area] if area is not None else [])]:
        if known.found_name and known.found_name != known.name:
            text = re.sub(rf"\b{re.escape(known.found_name)}\[", f"{known.name}[", text)
        for old, label in known.renamed.items():
            text = text.replace(column_ref(known.name, old), column_ref(known.name, label))
            text = text.replace(this_row(known.name, old), this_row(known.name, label))
    return compact(text), partial


def _as_reference(
    workbook: RawWorkbook, match: re.Match[str], where: str, row: int, sheet_name: str
) -> tuple[str, bool]:
    left, top = column_index(match["left"]), int(match["top"])
    right = column_index(match["right"]) if match["right"] else left
    bottom = int(match["bottom"]) if match["bottom"] else top
    sheet = workbook.sheet(where)
    if sheet is None or left != right:
        return match[0], False
    for table in sheet.tables:
        if not table.first_column <= left <= table.last_column or table.header_row is None:
            continue
        label = sheet.value(table.header_row, left)
        if not isinstance(label, str) or not table.first_row <= top <= bottom <= table.last_row:
            continue
        if (top, bottom) == (table.first_row, table.last_row) and match["bottom"]:
            return column_ref(table.name, label), False
        if not match["bottom"] and top == row and where == sheet_name:
            return this_row(table.name, label), False
        if match["bottom"]:
            return f"{table.name}[{escape_label(label)}]", True
    return match[0], False
