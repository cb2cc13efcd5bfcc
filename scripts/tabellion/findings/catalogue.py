"""The one catalogue of codes, gathered from the rooms that raise them, and the way to make a finding from a code."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tabellion.findings.codes import ALL_CODES
from tabellion.findings.model import CellValue, Code, Finding, Place, Severity

CATALOGUE: dict[str, Code] = {code.code: code for code in ALL_CODES}
if len(CATALOGUE) != len(ALL_CODES):
    _codes = [code.code for code in ALL_CODES]
    raise RuntimeError(f"finding codes declared twice: {sorted({code for code in _codes if _codes.count(code) > 1})}")


def finding(
    code: str,
    place: Place,
    *,
    champ: str | None = None,
    valeur: CellValue = None,
    attendu: CellValue = None,
    gravite: Severity | None = None,
    suggestion: str | None = None,
    liees: Iterable[Place] = (),
    **details: Any,
) -> Finding:
    """Make a finding of the catalogue's ``code`` at ``place``.

    ``details`` fill the other names of the code's message and remedy. ``gravite`` overrides the default severity where
    a rule grades itself (an error that is only a rounding); ``suggestion`` replaces the remedy where a better one is
    known.

    Raises ``KeyError`` when the code, or a name its templates need, is missing: both are mistakes of the program.
    """
    entry = CATALOGUE[code]
    words = {"champ": champ, "valeur": _shown(valeur), "attendu": _shown(attendu), **details}
    return Finding(
        code=code,
        gravite=entry.gravite if gravite is None else gravite,
        bloquant=entry.bloquant,
        place=place,
        message=entry.message.format(**words),
        suggestion=suggestion if suggestion is not None else entry.remede.format(**words),
        champ=champ,
        valeur=valeur,
        attendu=attendu,
        liees=tuple(liees),
    )


def _shown(value: CellValue) -> CellValue:
    """A cell's value as a French spreadsheet program shows it: ``0,4``, ``VRAI``."""
    if isinstance(value, bool):
        return "VRAI" if value else "FAUX"
    return f"{value:.15g}".replace(".", ",") if isinstance(value, float) else value
