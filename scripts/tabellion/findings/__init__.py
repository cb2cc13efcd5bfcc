"""Findings: the model, and the catalogue where every code is declared once with its severity, message and remedy."""

from __future__ import annotations

from tabellion.findings.codes import CATALOGUE, finding
from tabellion.findings.model import (
    MOST_ASKED,
    MOST_OF_A_KIND,
    CellValue,
    Code,
    Finding,
    Json,
    Place,
    Severity,
    TabellionError,
    counted,
)

__all__ = [
    "CATALOGUE",
    "MOST_ASKED",
    "MOST_OF_A_KIND",
    "CellValue",
    "Code",
    "Finding",
    "Json",
    "Place",
    "Severity",
    "TabellionError",
    "counted",
    "finding",
]
