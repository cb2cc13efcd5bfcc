"""Whose form a workbook says it is: a partner's, of this contract, for an exercice; all that is wrong with that."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tabellion.findings import Finding, Place, finding
from tabellion.layout.forms import KIND_FORM, FormIdentity
from tabellion.layout.names import FORMAT_VERSION
from tabellion.reading.references import References

#: The exercice of a form; anything else in its hidden sheet is no year.
_YEAR = re.compile(r"[12][0-9]{3}")
_SHOWN = 60
#: Digits of a format's number: no version has more.
_LONGEST_VERSION = 6


def version_code(said: str) -> str:
    """The code of a workbook that says it is of another format than this version reads: older, newer, or neither."""
    if not said.isdecimal():
        return "version-illisible"
    return "version-inconnue" if len(said) > _LONGEST_VERSION or int(said) > FORMAT_VERSION else "version-ancienne"


def form_identity(
    said: Mapping[str, str], known: References, contract: str
) -> tuple[FormIdentity | None, list[Finding]]:
    """The identity of a form of ``contract``, from what its hidden sheet says; ``None`` with what is wrong in it."""
    place = Place()
    expected = (
        ("genre-inconnu", said.get("genre", ""), KIND_FORM),
        (version_code(said.get("format", "")), said.get("format", ""), str(FORMAT_VERSION)),
        ("autre-contrat", said.get("contrat", ""), contract),
    )
    mistakes = [
        finding(code, place, valeur=value[:_SHOWN], attendu=right) for code, value, right in expected if value != right
    ]
    partner, exercice = said.get("partenaire", ""), said.get("exercice", "")
    if not mistakes and partner not in known.towns:
        mistakes.append(finding("autre-partenaire", place, valeur=partner[:_SHOWN]))
    if not mistakes and not _YEAR.fullmatch(exercice):
        mistakes.append(finding("exercice-illisible", place, valeur=exercice[:_SHOWN]))
    if mistakes:
        return None, mistakes
    return FormIdentity(contract, partner, int(exercice), said.get("formulaire", "")), []
