"""Numbers as people and spreadsheets write them: powers of ten, currencies, units beside them, a SIRET and its key."""

from __future__ import annotations

import re

from tabellion.wording import fold, shortened

_SCIENTIFIC = re.compile(r"[-+\u2212]?\d(?:[.,]\d*)?\s?[eE]\s?[-+]?\d{1,3}")
#: Currencies other than the euro, in folded text; « F » alone is one after a number.
_CURRENCIES = re.compile(
    r"[$£¥₣₤฿₽₩₹₿¢]|\b(?:usd|gbp|chf|jpy|cad|xpf|xof|xaf|mad|dzd|tnd|f?cfa|cfp|frf|dollars?|livres? sterling|yens?"
    r"|roubles?|dirhams?|dinars?|[km]?francs?)\b|(?:^|[^a-z\d])\d[\d .,']*[km]?ff?$"
)
_SHOWN = 60


def is_scientific(text: str) -> bool:
    """Whether a text is what is left of a number that a spreadsheet showed by powers of ten: ``1,2E+03``."""
    return _SCIENTIFIC.fullmatch(text.strip()) is not None


def spoilt_number(text: str) -> str | None:
    """What to do about a text that no number can be taken from without guessing; ``None`` for any other."""
    if (remedy := spoilt_code(text)) is not None:
        return remedy
    if re.search(r"\d", text) and _CURRENCIES.search(fold(text)):
        return f"Convertissez « {shortened(text.strip(), _SHOWN)} » en euros, puis saisissez le montant en euros."
    return None


def spoilt_code(text: str) -> str | None:
    """What to do about a code of digits that a spreadsheet showed by powers of ten; ``None`` for any other text."""
    if not is_scientific(text):
        return None
    return (
        f"Excel a remplacé ce nombre par son écriture scientifique ({shortened(text.strip(), _SHOWN)}) et en a perdu"
        " des chiffres : donnez à la cellule le format « Nombre » (« Texte » pour un code), puis ressaisissez-le en"
        " entier."
    )


_OWN = re.compile(r"€|\beuros?\b|\beur\b")
_SCALES = {
    "k": 1_000, "mille": 1_000, "milliers": 1_000, "millier": 1_000, "m": 1_000_000, "million": 1_000_000,
    "millions": 1_000_000, "md": 1_000_000_000, "mds": 1_000_000_000, "milliard": 1_000_000_000,
    "milliards": 1_000_000_000,
}  # fmt: skip
#: What says nothing of the unit: signs, brackets, « de », « d' ».
_NEUTRAL = re.compile(r"[-+()/ .:']|\bde?\b")


def unit_of(words: str) -> int | None:
    """By what the words around an amount multiply its number of euros; ``None`` for words that are no such unit."""
    unit_words = _NEUTRAL.sub("", _OWN.sub(" ", fold(words)))
    return 1 if not unit_words else _SCALES.get(unit_words)


def is_other_currency(words: str) -> bool:
    """Whether the words around an amount name another currency than the euro."""
    return _CURRENCIES.search(f"0 {fold(words)}") is not None


def says_other_unit(header: str, euros: str) -> bool:
    """Whether a header that stands for one of ``euros`` says another unit: ``Montant (k€)``, ``Montant en dollars``."""
    units, known = (set(re.findall(r"[a-z]+", fold(words))) for words in (header, euros))
    return "€" in euros and (is_other_currency(header) or not (units - known).isdisjoint(_SCALES))


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
