"""The one catalogue of codes, one module per part of the house that raises them, and a finding made from a code."""

from __future__ import annotations

from collections.abc import Iterable

from tabellion.findings.codes import ensemble, files, imports, masters, returns, runs, values
from tabellion.findings.model import CellValue, Code, Finding, Place, Severity
from tabellion.wording import french_value, printable

_CODES = (
    *files.CODES, *imports.CODES, *runs.CODES, *masters.CODES, *returns.CODES, *ensemble.CODES,
    *values.CODES,
)  # fmt: skip
CATALOGUE: dict[str, Code] = {code.code: code for code in _CODES}
if len(CATALOGUE) != len(_CODES):
    _names = [code.code for code in _CODES]
    raise RuntimeError(f"finding codes declared twice: {sorted({name for name in _names if _names.count(name) > 1})}")


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
    **details: object,
) -> Finding:
    """Make a finding of the catalogue's ``code`` at ``place``.

    ``details`` fill the other names of the code's message and remedy. ``gravite`` overrides the default severity where
    a rule grades itself (an error that is only a rounding); ``suggestion`` replaces the remedy where a better one is
    known. ``reste`` says in words how many other cells are in the same case, where the finding stands for several.

    Raises ``KeyError`` when the code, or a name its templates need, is missing: both are mistakes of the program.
    """
    entry = CATALOGUE[code]
    fills = {"reste": "", "champ": champ, "valeur": valeur, "attendu": attendu, **details}
    words = {name: value if isinstance(value, str) else french_value(value) for name, value in fills.items()}
    gravite = entry.gravite if gravite is None else gravite
    suggestion = suggestion if suggestion is not None else entry.remede.format(**words)
    message, suggestion = printable(entry.message.format(**words)), printable(suggestion)
    valeur, attendu = (printable(value) if isinstance(value, str) else value for value in (valeur, attendu))
    return Finding(code, gravite, entry.bloquant, place, message, suggestion, champ, valeur, attendu, tuple(liees))
