"""The words by which funders are known, and put into the categories of the register."""

from __future__ import annotations

import re

from tabellion.importing.lines import key

LOCAL, NATIONAL, PRIVATE = "public local", "public national", "privé"
_WORDS = {
    LOCAL: r"conseil|region|departement|epci|ville|commune|metropole|agglomeration",
    NATIONAL: r"etat|union europeenne|caisse des depots|prefecture|ministere|europe\b|feder|fse",
    PRIVATE: r"prive|cci|cma|fondation|entreprise|adherents|usagers|mecen|bailleur|chambre",
}


def category_of(names: str) -> str:
    """The category that funders' names tell best by their words; private where none tells."""
    counts = {name: len(re.findall(words, key(names))) for name, words in _WORDS.items()}
    return max(counts, key=lambda name: counts[name]) if any(counts.values()) else PRIVATE


def looks_like_funder(name: str) -> bool:
    """Whether a name has a word of funders."""
    return any(re.search(rf"\b(?:{words})", key(name)) for words in _WORDS.values())
