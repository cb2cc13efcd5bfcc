"""The consolidated workbook: synthesis, campaign board, what to decide, changes, findings, and the tables together."""

from __future__ import annotations

from tabellion.outputs.consolidation.workbook import KIND_CONSOLIDATION, write_consolidation

__all__ = ["KIND_CONSOLIDATION", "write_consolidation"]
