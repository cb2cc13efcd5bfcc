"""Partners that staff name in the free text of a fiche, and who take no part in it by the table of participations."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tabellion.campaign.draft import Draft
from tabellion.campaign.model import Modification
from tabellion.findings import Finding, Place, finding
from tabellion.wording import fold, plural

#: The free texts of a fiche that name partners, each with the role that the participations give them.
_ROLES = {"porteurs": "porteur", "partenaires_operationnels": "opérationnel"}
#: Names that a finding about many shows.
_SHOWN = 3


def say_typed_partners(draft: Draft, changes: Sequence[Modification]) -> Iterator[Finding]:
    """One finding a sheet for the cells that staff changed and that name partners without linking them."""
    texts = [change for change in changes if change.table == "fiches" and change.champ in _ROLES]
    if not texts:
        return
    names = {row["partenaire_id"]: row["nom"] for row in draft.rows["partenaires"] if row["nom"]}
    linked = {(row["fiche_id"], row["partenaire_id"], row["role"]) for row in draft.rows["participations"]}
    positions = draft.positions()["fiches"]
    found: dict[str | None, list[tuple[Place, str]]] = {}
    for change in texts:
        at = positions.get(change.key)
        text = None if at is None else draft.rows["fiches"][at][change.champ]
        if at is None or not text:
            continue
        place, folded = draft.place("fiches", at, change.champ), fold(text)
        for partner, name in names.items():
            is_named = re.search(rf"(?<!\w){re.escape(fold(name))}(?!\w)", folded)
            if is_named and (change.key[0], partner, _ROLES[change.champ]) not in linked:
                found.setdefault(place.feuille, []).append((place, name))
    for cells in found.values():
        places = list(dict.fromkeys(place for place, _ in cells))
        shown = [f"« {name} » ({place.cellule})" for place, name in cells]
        words = ", ".join(shown[:_SHOWN])
        if len(shown) > _SHOWN:
            words += f", et {plural(len(shown) - _SHOWN, 'autre')}"
        yield finding("partenaire-en-texte", places[0], valeur=words, liees=places[1:])
