"""The names of partners in a free text: where it is cut, and what looks like a name. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tabellion.wording import fold

#: Characters of a name, at most: what is longer is a sentence.
LONGEST_NAME = 60
#: What separates names in any text.
SEPARATORS = re.compile(r"\s*[/;\n]\s*|\s+[-–—]\s+")
#: And in a text that people type name by name.
_TYPED_SEPARATORS = re.compile(rf"{SEPARATORS.pattern}|\s*[,•]\s*")
_AND = re.compile(r"\s+(?:et|ainsi que|avec)\s+", re.IGNORECASE)
_BEFORE = re.compile(r"(?:(?:et|avec|ainsi que|le|la|les|du|des|de la|de)\s+|l['’]\s*|d['’]\s*|[-•–—*]\s*)+")
_TOWNS = re.compile(r"(?:les?\s+)?(?:\d+\s+)?(?:villes?|communes?|collectivites?)\s+(?:de\s+|d'|du\s+)(?P<liste>.+)")
_LIST = re.compile(r"\s*,\s*|\s+et\s+(?:de\s+|d')?")


def listed_towns(folded: str) -> list[str]:
    """The collectivités that a folded text lists, as « les 3 villes de a, b et c » does; none where it lists none."""
    towns = _TOWNS.fullmatch(folded)
    return _LIST.split(towns["liste"]) if towns else []


def looks_like_name(piece: str) -> bool:
    """Whether a piece of a text looks like somebody's name: a capital, and short."""
    return piece[:1].isupper() and len(piece) <= LONGEST_NAME


def typed_names(text: str, known: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The names that people typed in a text, each with the key of the one that is ``known`` so (empty: nobody is).

    ``known`` has keys by folded name. What is neither known nor looks like a name names only those whom it contains.
    """
    towns = listed_towns(fold(text))
    if fold(text) in known:
        pieces = [text]
    elif towns and all(town in known for town in towns):
        pieces = towns
    else:
        pieces = [name for piece in _TYPED_SEPARATORS.split(text) for name in _apart(piece, known)]
    for piece in pieces:
        name = piece.strip()
        if fold(name) not in known:
            name = name.strip(" \t.:()")
            name = name[_length_before(name) :]
        key = known.get(fold(name))
        if key is not None or looks_like_name(name):
            yield name, key or ""
        else:
            yield from contained_names(name, known)


def contained_names(text: str, known: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The known names that stand in a text as whole words, with their keys: the longest first, none inside another."""
    left = fold(text)
    for name in sorted((name for name in known if name in left), key=len, reverse=True):
        match = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", left)
        if match:
            left = f"{left[: match.start()]} | {left[match.end() :]}"
            yield name, known[name]


def _apart(piece: str, known: Mapping[str, str]) -> list[str]:
    """A piece cut at « et » where that leaves names, one of them known; whole otherwise."""
    parts = _AND.split(piece)
    if fold(piece) in known or not any(fold(part[_length_before(part) :]) in known for part in parts):
        return [piece]
    return parts


def _length_before(piece: str) -> int:
    """How long the articles before a name are."""
    match = _BEFORE.match(piece)
    return match.end() if match else 0
