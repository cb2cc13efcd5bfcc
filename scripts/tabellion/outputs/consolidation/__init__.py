"""The consolidated workbook: synthesis, campaign board, what to decide, changes, findings, and the tables together."""

from __future__ import annotations

from tabellion.outputs.consolidation.detail_workbook import write_detail_workbook
from tabellion.outputs.consolidation.details import Details, make_details
from tabellion.outputs.consolidation.workbook import KIND_CONSOLIDATION, write_consolidation

__all__ = ["KIND_CONSOLIDATION", "Details", "make_details", "write_consolidation", "write_detail_workbook"]
