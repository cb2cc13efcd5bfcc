"""Comparing words as people do: without case, accents, kinds of quotes, dashes or spaces."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable

_SAME = str.maketrans(
    {"’": "'", "‘": "'", "«": '"', "»": '"', "“": '"', "”": '"', "–": "-", "—": "-", "‑": "-", "œ": "oe", "æ": "ae"}
)
_INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufeff\u00ad]")


def fold(text: str) -> str:
    """``text`` reduced to what makes it the same for a person: « É’ » and « e' » fold alike, spaces count once."""
    plain = unicodedata.normalize("NFKD", _INVISIBLE.sub("", text).casefold().translate(_SAME))
    return " ".join("".join(each for each in plain if not unicodedata.combining(each)).split())


def slug(text: str) -> str:
    """``text`` as a stable identifier: lowercase ASCII letters and digits joined by hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", fold(text)).strip("-")


def nearest(value: str, choices: Iterable[str]) -> str | None:
    """The choice that ``value`` most likely meant, or ``None`` when none is near."""
    folded = {fold(choice): choice for choice in choices}
    close = difflib.get_close_matches(fold(value), folded, 1, cutoff=0.7)
    return folded[close[0]] if close else None


def plural(count: int, singular: str, many: str | None = None) -> str:
    """``count`` with its French noun: ``0 ligne``, ``1 ligne``, ``2 lignes``."""
    return f"{count} {singular if abs(count) < 2 else many or singular + 's'}"
