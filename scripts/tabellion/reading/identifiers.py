"""Stable identifiers for rows that people add without one: from what the row says, the same at every reading."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tabellion.measures.funding import charge_identifier, produit_identifier
from tabellion.schema.tables import Row
from tabellion.wording import slug


def _line(row: Row) -> str:
    label = slug(row["libelle"] or "")[:40] or "ligne"
    return f"B{row['convention_id'] or 0:02d}-{row['collectivite_id'] or 'sans'}-{label}"


def _financement(row: Row) -> str:
    return f"{row['fiche_id'] or 'sans-fiche'}:{row['financeur_id'] or 'sans-financeur'}"


def _total(row: Row) -> str:
    parts = (row["source"], row["portee"], row["convention_id"], row["collectivite_id"], row["exercice"])
    return slug("-".join(str(part) for part in parts if part is not None)) or "total"


def _named(row: Row) -> str:
    return slug(row["nom"] or "") or "sans-nom"


#: How the identifier of a new row is made, for the tables whose identifier people do not type.
MAKERS: Mapping[str, tuple[str, Callable[[Row], str]]] = {
    "lignes_budgetaires": ("ligne_id", _line),
    "financements": ("financement_id", _financement),
    "plan_charges": ("charge_id", charge_identifier),
    "plan_produits": ("produit_id", produit_identifier),
    "totaux_publies": ("total_id", _total),
    "collectivites": ("collectivite_id", _named),
    "financeurs": ("financeur_id", _named),
    "partenaires": ("partenaire_id", _named),
}


def fill_identifiers(table: str, columns: dict[str, list[Any]], skip: set[int]) -> None:
    """Give an identifier to each row of ``columns`` that has none, but for the positions in ``skip`` (unreadable).

    Two new rows that say the same get different identifiers, in their order.
    """
    if table not in MAKERS:
        return
    name, make = MAKERS[table]
    taken = {value for value in columns[name] if value is not None}
    for position, value in enumerate(columns[name]):
        if value is not None or position in skip:
            continue
        base = make({key: values[position] for key, values in columns.items()})
        identifier, rank = base, 2
        while identifier in taken:
            identifier, rank = f"{base}-{rank}", rank + 1
        taken.add(identifier)
        columns[name][position] = identifier
