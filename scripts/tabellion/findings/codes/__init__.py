"""The codes, one module per room of the house that raises them."""

from __future__ import annotations

from tabellion.findings.codes import (
    campaign,
    container,
    differences,
    document,
    document_fiches,
    export,
    formulas,
    funding,
    publishing,
    reconciliation,
    register,
    returns,
    runs,
    sheets,
    totals,
    values,
    watching,
)
from tabellion.findings.model import Code

ALL_CODES: tuple[Code, ...] = (
    *document.CODES,
    *document_fiches.CODES,
    *register.CODES,
    *container.CODES,
    *sheets.CODES,
    *returns.CODES,
    *values.CODES,
    *totals.CODES,
    *formulas.CODES,
    *funding.CODES,
    *campaign.CODES,
    *reconciliation.CODES,
    *runs.CODES,
    *watching.CODES,
    *publishing.CODES,
    *differences.CODES,
    *export.CODES,
)
