"""Stable identifiers for rows that people add without one: from what the row says, the same at every reading."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from tabellion.measures.financements import lineage, of_exercice
from tabellion.measures.funding import charge_identifier, produit_identifier
from tabellion.schema import TableSchema
from tabellion.schema.tables import Column, Row
from tabellion.wording import slug


def _line(row: Row) -> str:
    label = slug(row["libelle"] or "")[:40] or "ligne"
    # A name that no row has stands here as it was typed: its own cell is what is wrong, not the identifier.
    collectivite = slug(row["collectivite_id"] or "") or "sans"
    return f"B{row['convention_id'] or 0:02d}-{collectivite}-{label}"


def _financement(row: Row) -> str:
    name = f"{row['fiche_id'] or 'sans-fiche'}:{row['financeur_id'] or 'sans-financeur'}"
    return of_exercice(name, row.get("exercice"))


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


def identifier_field(schema: TableSchema) -> str | None:
    """The field that names a row of a table; ``None`` where a row is what it refers to, and has no name of its own."""
    name = schema.primary_key[0]
    return None if name in schema.foreign else name


class NewIdentifiers:
    """Gives identifiers to new rows of one table: none that is ``taken``, and each only once."""

    def __init__(self, table: str, taken: Iterable[object]) -> None:
        self._make, self._is_followed = MAKERS[table][1], table == "financements"
        self._taken = set(taken)
        self._ranks: dict[str, int] = {}

    def give(self, row: Row) -> str:
        """An identifier for a row; rows that say the same get different ones, in their order."""
        base = self._make(row)
        rank = self._ranks.get(base, 1)
        while (identifier := base if rank == 1 else self._ranked(base, rank)) in self._taken:
            rank += 1
        self._ranks[base] = rank
        self._taken.add(identifier)
        return identifier

    def _ranked(self, base: str, rank: int) -> str:
        """The identifier of another row that says the same; the exercice of a financement stays at its end."""
        if not self._is_followed:
            return f"{base}-{rank}"
        name = lineage(base)
        return f"{name}-{rank}{base.removeprefix(name)}"


def fill_identifiers(table: str, columns: dict[str, Column], skip: set[int]) -> None:
    """Give an identifier to each row of ``columns`` that has none, but for the positions in ``skip`` (unreadable)."""
    if table not in MAKERS:
        return
    name = MAKERS[table][0]
    new = NewIdentifiers(table, (value for value in columns[name] if value is not None))
    for position, value in enumerate(columns[name]):
        if value is None and position not in skip:
            columns[name][position] = new.give({key: values[position] for key, values in columns.items()})
