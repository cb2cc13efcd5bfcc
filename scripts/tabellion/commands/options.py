"""Options that say something impossible: each mistake with what was expected, or with what was probably meant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tabellion.findings import Finding, Place, finding
from tabellion.wording import nearest

#: Identifiers that a message names.
_NAMED = 12


def wrong_option(option: str, value: str | int, expected: str) -> Finding:
    """An option whose value cannot be taken."""
    return finding("option-fausse", Place(option), champ=option, valeur=value, attendu=expected)


def unknown_partners(asked: Iterable[str], names: Mapping[str, str], known: str) -> list[Finding]:
    """Each partner asked for that is none of ``names`` (by identifier), with the nearest one by identifier or name.

    ``known`` says where identifiers are listed.
    """
    by_name = {name: partner for partner, name in names.items()}
    mistakes = []
    for partner in dict.fromkeys(asked):
        if partner in names:
            continue
        near = nearest(partner, names)
        if near is None and (name := nearest(partner, by_name)) is not None:
            near = by_name[name]
        expected = f"peut-être « {near} »" if near else f"un identifiant {known} : {', '.join([*names][:_NAMED])}"
        mistakes.append(wrong_option("--partenaire", partner, expected))
    return mistakes
