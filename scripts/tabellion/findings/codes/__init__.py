"""The codes, one module per part of the house that raises them."""

from __future__ import annotations

from tabellion.findings.codes import accounts, container, imports, returns, runs, values, workbooks
from tabellion.findings.model import Code

ALL_CODES: tuple[Code, ...] = (
    *imports.CODES,
    *workbooks.CODES,
    *container.CODES,
    *returns.CODES,
    *values.CODES,
    *accounts.CODES,
    *runs.CODES,
)
