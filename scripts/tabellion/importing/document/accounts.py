"""The money as rows: collectivités, budget lines and published totals."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from tabellion.importing.document.budget import Group
from tabellion.importing.document.names import Collectivites
from tabellion.importing.document.recap import RecapRow
from tabellion.importing.document.text import key

_KINDS = (
    ("EPCI", r"\b(?:metropole|agglomeration|communaute|intercommunalite|epci|agglo|cc|ca|cu)\b"),
    ("département", r"\b(?:departement|conseil (?:departemental|general))\b"),
    ("région", r"\b(?:region|conseil regional)\b"),
    ("autre", r"\b(?:etat|syndicat|ccas|caf|pays|office|association)\b"),
)


def collectivite_rows(collectivites: Collectivites) -> list[dict[str, Any]]:
    """The rows of ``collectivites``; the category is read in the name, a plain name being a commune's."""
    return [
        {
            "collectivite_id": collectivites.ids[known],
            "nom": nom,
            "categorie": next((kind for kind, words in _KINDS if re.search(words, key(nom))), "commune"),
            "siret": None,
        }
        for known, nom in collectivites.by_key.items()
    ]


def line_rows(
    budgets: list[tuple[int, Group]], collectivites: Collectivites, exercice: int | None
) -> list[dict[str, Any]]:
    """The rows of ``lignes_budgetaires``: the census is of what was spent, so its amounts are ``montant_realise``."""
    ranks: Counter[tuple[int, str]] = Counter()
    rows: list[dict[str, Any]] = []
    for convention, group in budgets:
        identifier = collectivites.ids[group.collectivite]
        for line in group.rows:
            ranks[convention, identifier] += 1
            rows.append(
                {
                    "ligne_id": f"B{convention:02d}-{identifier}-{ranks[convention, identifier]:03d}",
                    "convention_id": convention,
                    "collectivite_id": identifier,
                    "libelle": line.libelle,
                    "exercice": exercice,
                    "montant_prevu": None,
                    "montant_vote": None,
                    "montant_realise": line.montant,
                    "commentaire": None,
                    "ligne_source": line.ligne,
                    "reparation": line.repair,
                    "texte_source": line.source,
                }
            )
    return rows


def total_rows(
    recap: list[RecapRow], budgets: list[tuple[int, Group]], collectivites: Collectivites, exercice: int | None
) -> list[dict[str, Any]]:
    """The rows of ``totaux_publies``: the recap's, then each section's subtotals."""
    rows: list[dict[str, Any]] = []
    taken: Counter[str] = Counter()

    def add(base: str, **values: Any) -> None:
        taken[base] += 1
        total_id = base if taken[base] == 1 else f"{base}-{taken[base]}"
        rows.append({"total_id": total_id, **values})

    for total in recap:
        known = collectivites.find(total.libelle) if total.portee == "collectivité" else None
        identifier = collectivites.ids[known] if known is not None else None
        parts = ["recapitulatif"]
        parts.append(f"{total.convention:02d}" if total.convention is not None else "general")
        if identifier is not None:
            parts.append(identifier)
        add(
            "-".join(parts),
            source="récapitulatif",
            portee=total.portee,
            convention_id=total.convention,
            collectivite_id=identifier,
            libelle=total.libelle,
            exercice=exercice,
            montant=total.montant,
            ligne_source=total.ligne,
            reparation=None,
            texte_source=total.texte_source,
        )
    for convention, group in budgets:
        if not group.ligne:
            continue
        identifier = collectivites.ids[group.collectivite]
        add(
            f"convention-{convention:02d}-{identifier}",
            source="convention",
            portee="collectivité",
            convention_id=convention,
            collectivite_id=identifier,
            libelle=group.libelle,
            exercice=exercice,
            montant=group.montant,
            ligne_source=group.ligne,
            reparation=group.repair,
            texte_source=group.source,
        )
    return rows
