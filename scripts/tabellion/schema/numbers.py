"""Numbers that a spreadsheet or a person wrote in a way that loses something: by powers of ten, in another currency."""

from __future__ import annotations

import re

_SCIENTIFIC = re.compile(r"[-+\u2212]?\d(?:[.,]\d*)?\s?[eE]\s?[-+]?\d{1,3}")
_CURRENCY = re.compile(
    r"[$£¥₣₤฿₹]|\b(?:usd|gbp|chf|jpy|cad|frf|xof|dollars?|livres? sterling|yens?|roubles?|(?:k|m)?francs?)\b"
    r"|(?<=\d)\s?FF?$",
    re.IGNORECASE,
)
_SHOWN = 60


def is_scientific(text: str) -> bool:
    """Whether a text is what is left of a number that a spreadsheet showed by powers of ten: ``1,2E+03``."""
    return _SCIENTIFIC.fullmatch(text.strip()) is not None


def spoilt_number(text: str) -> str | None:
    """What to do about a text that no number can be taken from without guessing; ``None`` for any other."""
    if (remedy := spoilt_code(text)) is not None:
        return remedy
    if re.search(r"\d", text) and _CURRENCY.search(text):
        return f"Convertissez « {text.strip()[:_SHOWN]} » en euros, puis saisissez le montant en euros."
    return None


def spoilt_code(text: str) -> str | None:
    """What to do about a code of digits that a spreadsheet showed by powers of ten; ``None`` for any other text."""
    if not is_scientific(text):
        return None
    return (
        f"Excel a remplacé ce nombre par son écriture scientifique ({text.strip()[:_SHOWN]}) et en a perdu des"
        " chiffres : donnez à la cellule le format « Nombre » (« Texte » pour un code), puis retapez-le en entier."
    )
