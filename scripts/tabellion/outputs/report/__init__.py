"""The report: the state of the contract on one page, for whoever steers it. See :mod:`.rendering`."""

from __future__ import annotations

from tabellion.outputs.report.rendering import render_report

__all__ = ["render_report"]
