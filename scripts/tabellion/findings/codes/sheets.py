"""What is wrong with a workbook's sheets, tables and columns."""

from __future__ import annotations

from tabellion.findings.model import Code, Severity

E, A, I = Severity.ERREUR, Severity.AVERTISSEMENT, Severity.INFORMATION

CODES: tuple[Code, ...] = ()
