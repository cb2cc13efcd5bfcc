"""What the published document's text says badly."""

from __future__ import annotations

from tabellion.findings.model import Code, Severity

E, A, I = Severity.ERREUR, Severity.AVERTISSEMENT, Severity.INFORMATION

CODES: tuple[Code, ...] = ()
