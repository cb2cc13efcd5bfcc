"""The places that a workspace keeps for itself: no option of a command writes there."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tabellion.contract.folders import SETTINGS_FILE

#: What a workspace keeps at its own places, from its root: what an option names must stand elsewhere.
_PLACES: Mapping[str, str] = {
    "workbooks/contrat.xlsx": "le contrat",
    "workbooks/registre": "le registre du contrat",
    "workbooks/envois": "les formulaires envoyés",
    "workbooks/retours": "les retours des partenaires",
    "workbooks/constats": "les copies annotées",
    "workbooks/consolidation": "la consolidation",
    "workbooks/guides": "les guides du contrat",
    "workbooks/essais": "les courriels à regarder avant l'envoi",
    "workbooks/archives": "les copies datées",
    "workbooks/.tabellion": "la mémoire du programme",
    "workbooks": "les classeurs du contrat",
    "schemas": "les schémas du contrat",
    "templates": "les modèles du contrat",
    SETTINGS_FILE: "les réglages du contrat",
}
#: Where files of people's choice may stand.
_OPEN = "workbooks"


def reserved_place(path: Path) -> tuple[str, str] | None:
    """Whether an output at ``path`` would be one of the places that a workspace (any one) keeps, or lie in one.

    Gives that place from the workspace's root, and what it holds in words; ``None`` where the path is free. A link
    counts for what it leads to.
    """
    whole = path.resolve()
    for root in whole.parents:
        if not (root / SETTINGS_FILE).is_file():
            continue
        for place, words in _PLACES.items():
            reserved = (root / place).resolve()
            above = (whole,) if place == _OPEN else (whole, *whole.parents)
            if any(folder == reserved or _is_one(folder, reserved) for folder in above):
                return place, words
    return None


def _is_one(path: Path, other: Path) -> bool:
    """Whether two names are one file: under two spellings, on a disk that takes them for the same."""
    with suppress(OSError):
        return path.name.casefold() == other.name.casefold() and path.samefile(other)
    return False
