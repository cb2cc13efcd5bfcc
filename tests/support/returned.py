"""One return of a town, edited and examined in this process: what is said of it, and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from openpyxl.workbook import Workbook

from support.forms import YEAR, column_of, form_contract, written_form
from support.mutations import edited
from tabellion.addresses import column_letters
from tabellion.campaign.parsed_return import Examiner, ParsedReturn
from tabellion.campaign.read_returns import check_rows
from tabellion.findings import Finding
from tabellion.reading.references import references
from tabellion.reading.workbook import parse_bytes
from tabellion.schema.forms import TableSpec

PARTNER = "luce"
#: What a form that openpyxl has saved says of itself whatever was typed.
USUAL = frozenset(("ligne-incomplete", "formules-non-calculees", "formulaire-vide"))


@cache
def _examiner() -> Examiner:
    book = form_contract("Chartres")
    return Examiner(book.schemas, references(book.tables, book.schemas), book.settings)


def form() -> bytes:
    """The form of the town as it was sent."""
    return written_form("Chartres", PARTNER, YEAR)


def at(table: TableSpec, name: str, row: int) -> str:
    """The address of a column of a form, by its name, on a one-based row."""
    return f"{column_letters(column_of(table, name) + 1)}{row}"


def examined(content: bytes) -> ParsedReturn:
    """The return that these bytes are, with what the schemas say of its rows."""
    parsed = _examiner()(parse_bytes(content, "retour.xlsx"))
    assert isinstance(parsed, ParsedReturn)
    return parsed.with_findings(check_rows({0: parsed}, form_contract("Chartres")).get(0, []))


def returned(edit: Callable[[Workbook], object]) -> ParsedReturn:
    """The form after an edit by openpyxl."""
    return examined(edited(form(), edit))


def findings_at(parsed: ParsedReturn, *cells: str) -> list[Finding]:
    """What is said of a return, of some of its cells or of all, without what is said of any form."""
    return [
        finding
        for finding in parsed.findings
        if finding.code not in USUAL and (not cells or finding.place.cellule in cells)
    ]


def codes(parsed: ParsedReturn, *cells: str) -> list[str]:
    """The codes of :func:`said`."""
    return sorted(finding.code for finding in findings_at(parsed, *cells))


def values(parsed: ParsedReturn, field: str, *rows: int, sheet: str = "Budget") -> list[Any]:
    """What some rows of a sheet answer in a field; ``None`` where it is blank or was not understood."""
    by_row = {row.row: row.values.get(field) for row in parsed.rows if row.sheet == sheet}
    return [by_row.get(row) for row in rows]
