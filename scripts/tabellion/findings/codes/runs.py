"""Runs: who holds the workspace, outputs that cannot be put in place, the journal set aside."""

from __future__ import annotations

from tabellion.findings.model import Code, Severity

_ERREUR, _AVERTISSEMENT, _INFORMATION = Severity.ERREUR, Severity.AVERTISSEMENT, Severity.INFORMATION

CODES: tuple[Code, ...] = (
)  # fmt: skip
