"""The number that INSEE gives to an establishment: nine digits of its SIREN, four of its rank, a key."""

from __future__ import annotations

from tabellion.schema.numbers import is_scientific

#: Digits of a SIRET, and of the SIREN that it begins with.
_SIRET_LENGTH, _SIREN_LENGTH = 14, 9
#: Ranks begin at 0001.
_NO_RANK = "0000"
#: La Poste has more establishments than Luhn's sum leaves room for: the plain sum of their digits is a multiple of 5.
_LA_POSTE, _LA_POSTE_DIVISOR = "356000000", 5


def siret_fault(siret: str) -> str | None:
    """What is wrong with a SIRET, in French; ``None`` for a right one. Spaces are faults: a SIRET is kept bare."""
    if is_scientific(siret):
        return "un tableur l'a mis en écriture scientifique, et sa fin est perdue"
    if not (siret.isascii() and siret.isdecimal()):
        return "il ne doit avoir que des chiffres"
    if len(siret) != _SIRET_LENGTH:
        return f"il a {len(siret)} chiffres au lieu de {_SIRET_LENGTH}"
    if not siret.strip("0"):
        return "il n'a que des zéros"
    if siret.startswith(_NO_RANK, _SIREN_LENGTH):
        return f"aucun établissement n'a de numéro en {_NO_RANK} ; un tableur a pu remplacer la fin par des zéros"
    if not _is_luhn(siret[:_SIREN_LENGTH]):
        return f"la clé de son SIREN ({siret[:_SIREN_LENGTH]}) est fausse"
    if _is_luhn(siret):
        return None
    if siret.startswith(_LA_POSTE) and sum(map(int, siret)) % _LA_POSTE_DIVISOR == 0:
        return None
    return "sa clé est fausse"


def _is_luhn(digits: str) -> bool:
    """Whether Luhn's sum is a multiple of 10: from the right, every second digit counts twice, digit by digit."""
    total = 0
    for rank, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + rank % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0
