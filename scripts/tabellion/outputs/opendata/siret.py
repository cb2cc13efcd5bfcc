"""SIRET numbers: 14 digits whose checksum is Luhn's, but for the establishments of La Poste."""

from __future__ import annotations

#: Digits of a SIRET, and of the SIREN that it begins with.
SIRET_LENGTH, SIREN_LENGTH = 14, 9
#: La Poste has more establishments than Luhn's sum leaves room for: the plain sum of their digits is a multiple of 5.
_LA_POSTE, _LA_POSTE_DIVISOR = "356000000", 5


def siret_fault(siret: str) -> str | None:
    """What is wrong with a SIRET, in French; ``None`` for a right one. Spaces are faults: a SIRET is kept bare."""
    if not (siret.isascii() and siret.isdecimal()):
        return "il ne doit avoir que des chiffres"
    if len(siret) != SIRET_LENGTH:
        return f"il a {len(siret)} chiffres au lieu de {SIRET_LENGTH}"
    if not is_luhn(siret[:SIREN_LENGTH]):
        return f"la clé de son SIREN ({siret[:SIREN_LENGTH]}) est fausse"
    if is_luhn(siret):
        return None
    if siret.startswith(_LA_POSTE) and sum(map(int, siret)) % _LA_POSTE_DIVISOR == 0:
        return None
    return "sa clé est fausse"


def is_luhn(digits: str) -> bool:
    """Whether Luhn's sum is a multiple of 10: from the right, every second digit counts twice, digit by digit."""
    total = 0
    for rank, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + rank % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0
