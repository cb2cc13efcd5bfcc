"""Rows of the register in human words: the wording of a line, the number and the aim of a fiche, a funder's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tabellion.campaign.model import Consolidation, Key
from tabellion.schema import Field
from tabellion.schema.frames import plain_columns
from tabellion.workbook.names import shorten

_LONG = 120


@dataclass
class Words:
    """What people read in place of tables, keys, fields and partners. Each table is indexed at its first use."""

    consolidation: Consolidation
    _rows: dict[str, dict[Key, dict[str, Any]]] = field(default_factory=dict)
    _labels: dict[tuple[str, str], dict[Any, str]] = field(default_factory=dict)

    def table(self, table: str) -> str:
        """A table's title."""
        schema = self.consolidation.contract.schemas.get(table)
        return schema.title if schema is not None else table

    def field(self, table: str, name: str) -> Field | None:
        """A field, ``None`` when the schema has it no more."""
        schema = self.consolidation.contract.schemas.get(table)
        return schema.by_name.get(name) if schema is not None else None

    def field_title(self, table: str, name: str) -> str:
        """A field's title."""
        found = self.field(table, name)
        return found.title if found is not None else name

    def labels(self, table: str, name: str) -> dict[Any, str]:
        """What a field shows in place of the keys of another table."""
        if (table, name) not in self._labels:
            contract = self.consolidation.contract
            schema = contract.schemas.get(table)
            foreign = schema.foreign.get(name) if schema is not None else None
            self._labels[table, name] = contract.labels(foreign.table) if foreign is not None else {}
        return self._labels[table, name]

    def partner(self, partenaire: str | None) -> str:
        """A partner's name."""
        return self.consolidation.partner_names.get(partenaire or "", partenaire or "")

    def row(self, table: str, key: Key) -> str:
        """A row in words; its key when the tables hold it no more."""
        found = self._indexed(table).get(key)
        writer = _WRITERS.get(table)
        if found is None:
            return " · ".join(self._key_word(table, place, value) for place, value in enumerate(key))
        if writer is not None:
            return writer(self, found)
        schema = self.consolidation.contract.schemas[table]
        shown = found.get(schema.shown_key)
        return str(shown if shown is not None else " · ".join(str(each) for each in key))

    def _key_word(self, table: str, place: int, value: Any) -> str:
        schema = self.consolidation.contract.schemas.get(table)
        if schema is not None and place < len(schema.primary_key):
            value = self.labels(table, schema.primary_key[place]).get(value, value)
        return "" if value is None else str(value)

    def _indexed(self, table: str) -> Mapping[Key, dict[str, Any]]:
        if table not in self._rows:
            contract = self.consolidation.contract
            schema = contract.schemas.get(table)
            rows: dict[Key, dict[str, Any]] = {}
            if schema is not None:
                columns = plain_columns(contract.tables[table])
                names = list(columns)
                places = [names.index(name) for name in schema.primary_key]
                for values in zip(*columns.values(), strict=True):
                    rows[tuple(values[place] for place in places)] = dict(zip(names, values, strict=True))
            self._rows[table] = rows
        return self._rows[table]


def _line(words: Words, row: Mapping[str, Any]) -> str:
    town = words.labels("lignes_budgetaires", "collectivite_id").get(row["collectivite_id"], row["collectivite_id"])
    return f"{_short(row['libelle'])} ({town}, convention {row['convention_id']})"


def _fiche(_: Words, row: Mapping[str, Any]) -> str:
    aim = _short(row["objectif"])
    return f"Fiche {row['fiche_id']} : {aim}" if aim else f"Fiche {row['fiche_id']}"


def _followed(words: Words, row: Mapping[str, Any]) -> str:
    return f"Fiche {row['fiche_id']}, bilan de {words.partner(row['partenaire_id'])}"


def _funding(words: Words, row: Mapping[str, Any]) -> str:
    funder = words.labels("financements", "financeur_id").get(row["financeur_id"], row["financeur_id"])
    return f"Fiche {row['fiche_id']}, financement de {funder}"


def _charge(_: Words, row: Mapping[str, Any]) -> str:
    return f"Fiche {row['fiche_id']}, plan de {row['exercice']}, {row['poste']}"


def _produit(words: Words, row: Mapping[str, Any]) -> str:
    funder = words.labels("plan_produits", "financeur_id").get(row["financeur_id"], row["financeur_id"])
    return ", ".join(filter(None, (f"Fiche {row['fiche_id']}", f"plan de {row['exercice']}", row["compte"], funder)))


def _takes_part(words: Words, row: Mapping[str, Any]) -> str:
    return f"Fiche {row['fiche_id']}, {words.partner(row['partenaire_id'])}, {row['role']}"


_WRITERS: Mapping[str, Callable[[Words, Mapping[str, Any]], str]] = {
    "lignes_budgetaires": _line,
    "fiches": _fiche,
    "suivis": _followed,
    "financements": _funding,
    "plan_charges": _charge,
    "plan_produits": _produit,
    "participations": _takes_part,
}


def _short(text: str | None) -> str:
    plain = " ".join((text or "").split())
    return plain if len(plain) <= _LONG else shorten(plain, _LONG) + " …"


__all__ = ["Words"]
