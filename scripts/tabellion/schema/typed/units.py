"""The units that people put beside amounts: currencies, thousands and millions."""

from __future__ import annotations

import re

from tabellion.wording import fold

_OWN = re.compile(r"€|\beuros?\b|\beur\b")
_SCALES = {
    "k": 1_000, "mille": 1_000, "milliers": 1_000, "millier": 1_000, "m": 1_000_000, "million": 1_000_000,
    "millions": 1_000_000, "md": 1_000_000_000, "mds": 1_000_000_000, "milliard": 1_000_000_000,
    "milliards": 1_000_000_000,
}  # fmt: skip
_CURRENCIES = re.compile(
    r"[$£¥₣₽₩₹₿¢]|\b(?:usd|gbp|chf|jpy|cad|xpf|xof|xaf|mad|dzd|tnd|fcfa|cfp|us|dollars?|livres?|francs?|frf?|f|ff)\b"
)
#: What says nothing of the unit: signs, brackets, « de », « d' ».
_NEUTRAL = re.compile(r"[-+()/ .:']|\bde?\b")


def unit_of(words: str) -> int | None:
    """By what the words around an amount multiply its number of euros; ``None`` for words that are no such unit."""
    rest = _NEUTRAL.sub("", _OWN.sub(" ", fold(words)))
    return 1 if not rest else _SCALES.get(rest)


def is_other_currency(words: str) -> bool:
    """Whether the words around an amount name another currency than the euro."""
    return _CURRENCIES.search(fold(words)) is not None
