"""What a return may refer to: the keys of the register, by the words that forms show for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tabellion.layout.forms import convention_words
from tabellion.schema import Schemas

if TYPE_CHECKING:
    from tabellion.schema.tables import Tables


@dataclass(frozen=True)
class References:
    """What a return may refer to, from the register: keys by the words that a form shows for them."""

    conventions: Mapping[str, int]
    keys: Mapping[str, Mapping[str, Any]]
    """By table: what a cell may show, and the key it stands for."""
    towns: Mapping[str, str | None]
    """The collectivité of each partner."""


def references(tables: Tables, schemas: Schemas) -> References:
    """The references of a register's tables."""
    conventions: dict[str, int] = {}
    for row in tables["conventions"].rows:
        number = row["convention_id"]
        conventions |= {convention_words(number, str(row["titre"])): number, str(number): number}
    keys: dict[str, dict[str, Any]] = {}
    for name, schema in schemas.items():
        own = [str(key) for key in tables[name].column(schema.primary_key[0]) if key is not None]
        shown = ["" if label is None else str(label) for label in tables[name].column(schema.shown_key)]
        keys[name] = {key: key for key in own} | {label: key for label, key in zip(shown, own, strict=False) if label}
    towns = {row["partenaire_id"]: row["collectivite_id"] for row in tables["partenaires"].rows}
    return References(conventions, keys, towns)
