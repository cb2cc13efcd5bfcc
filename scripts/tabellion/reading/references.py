"""What a return may refer to: the keys of the register, by the words that forms show for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tabellion.layout.forms import convention_words
from tabellion.schema import Schemas

if TYPE_CHECKING:
    from tabellion.schema.frames import Tables


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
    from tabellion.schema.frames import plain

    conventions: dict[str, int] = {}
    for number, title in zip(tables["conventions"]["convention_id"], tables["conventions"]["titre"], strict=True):
        conventions |= {convention_words(int(number), str(title)): int(number), str(number): int(number)}
    keys: dict[str, dict[str, Any]] = {}
    for name, schema in schemas.items():
        own = [str(key) for key in tables[name][schema.primary_key[0]].dropna()]
        shown = [str(each) for each in tables[name][schema.shown_key].fillna("")]
        keys[name] = {key: key for key in own} | {each: key for each, key in zip(shown, own, strict=False) if each}
    partners = tables["partenaires"]
    towns = {
        str(partner): None if town is None else str(town)
        for partner, town in zip(partners["partenaire_id"], map(plain, partners["collectivite_id"]), strict=True)
    }
    return References(conventions, keys, towns)
