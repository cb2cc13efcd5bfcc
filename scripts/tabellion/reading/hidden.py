"""What a workbook of ours says of itself, in sheets that people do not see: identity, formulas, values as sent."""

from __future__ import annotations

from tabellion.layout.forms import BASELINE_HEADERS
from tabellion.layout.names import FORMULA_HEADERS, FORMULAS_COLUMN, KnownFormula
from tabellion.reading.raw import RawSheet, RawValue

#: The values of a form as sent: table → row's stable id → field → text.
Baseline = dict[str, dict[str, dict[str, str]]]


def read_identity(sheet: RawSheet | None) -> tuple[dict[str, str], list[KnownFormula]]:
    """What a workbook says it is, by key, and its own list of its formulas; both empty without its hidden sheet."""
    width = len(FORMULA_HEADERS)
    listed = (_words(line[FORMULAS_COLUMN:], width) for line in (sheet.rows[1:] if sheet is not None else ()))
    return identity_words(sheet), [KnownFormula(*words) for words in listed if words[-2] and words[-1]]


def identity_words(sheet: RawSheet | None) -> dict[str, str]:
    """What a workbook says it is, by key; nothing without its hidden sheet."""
    words = (_words(line, 2) for line in (sheet.rows[1:] if sheet is not None else ()))
    return {key: value for key, value in words if key}


def _words(line: list[RawValue], count: int) -> list[str]:
    """The first cells of a row, as the texts that were written there."""
    return [value if isinstance(value, str) else word(value) for value in line[:count]] + [""] * (count - len(line))


def word(value: RawValue) -> str:
    """A value of a hidden sheet as the text that was written there: a client may have made numbers of some."""
    if isinstance(value, float) and value == int(value):
        return str(int(value))
    return "" if value is None else str(value)


def read_baseline(sheet: RawSheet | None) -> Baseline:
    """The values of a form as sent; empty without their hidden sheet."""
    baseline: Baseline = {}
    for line in sheet.rows[1:] if sheet is not None else []:
        table, key, field, value = _words(line, len(BASELINE_HEADERS))
        if table and key:
            baseline.setdefault(table, {}).setdefault(key, {})[field] = value
    return baseline
