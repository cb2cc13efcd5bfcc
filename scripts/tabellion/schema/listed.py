"""Texts that name rows of another table, one or several: « Bel-Air ; Les Clos »."""

from __future__ import annotations

import re

#: What parts the names in a cell, and what people may type instead.
SEPARATOR = " ; "
_BETWEEN = re.compile(r"\s*[;\n]\s*")


def names_in(text: str | None) -> list[str]:
    """The names that a text lists, each once, in their order."""
    return list(dict.fromkeys(filter(None, _BETWEEN.split((text or "").strip()))))


def joined(names: list[str]) -> str | None:
    """The text that lists names; ``None`` for none."""
    return SEPARATOR.join(names) or None
