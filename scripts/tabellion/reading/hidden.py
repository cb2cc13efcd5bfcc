"""What a workbook of ours says of itself, in sheets that people do not see: identity, formulas, values as sent."""

from __future__ import annotations

from tabellion.layout.forms import BASELINE_HEADERS
from tabellion.layout.names import FORMULA_HEADERS, FORMULAS_COLUMN, KnownFormula
from tabellion.reading.raw import RawSheet, RawValue

#: The values of a form as sent: table → row's stable id → field → text.
Baseline = dict[str, dict[str, dict[str, str]]]


def read_identity(sheet: RawSheet | None) -> tuple[dict[str, str], list[KnownFormula]]:
    """What a workbook says it is, by key, and its own list of its formulas; both empty without its hidden sheet."""
    if sheet is None:
        return {}, []
    identity: dict[str, str] = {}
    formulas = []
    for line in sheet.rows[1:]:
        cells = [word(value) for value in line] + [""] * (FORMULAS_COLUMN + len(FORMULA_HEADERS))
        if cells[0]:
            identity[cells[0]] = cells[1]
        table, key, column, formula = cells[FORMULAS_COLUMN : FORMULAS_COLUMN + len(FORMULA_HEADERS)]
        if column and formula:
            formulas.append(KnownFormula(table, key, column, formula))
    return identity, formulas


def word(value: RawValue) -> str:
    """A value of a hidden sheet as the text that was written there: a client may have made numbers of some."""
    if isinstance(value, float) and value == int(value):
        return str(int(value))
    return "" if value is None else str(value)


def read_baseline(sheet: RawSheet | None) -> Baseline:
    """The values of a form as sent; empty without their hidden sheet."""
    baseline: Baseline = {}
    for line in sheet.rows[1:] if sheet is not None else []:
        cells = [word(value) for value in line] + [""] * len(BASELINE_HEADERS)
        table, key, field, value = cells[: len(BASELINE_HEADERS)]
        if table and key:
            baseline.setdefault(table, {}).setdefault(key, {})[field] = value
    return baseline
