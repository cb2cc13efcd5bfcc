"""Many findings of one kind in one column are one that counts them: a habit of thousands of cells drowns the rest."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from tabellion.findings.model import Finding, Place
from tabellion.wording import plural

#: Up to so many of a kind in a column, each is said at its own cell.
MOST_OF_A_KIND = 20
#: Cells that the one finding of many names, and those that it links to.
_NAMED, _LINKED = 5, 100
_DIGITS = re.compile(r"\d+")

_Kind = tuple[str, int, bool, str | None, str | None, str, str | None]


def counted(findings: Iterable[Finding], most: int = MOST_OF_A_KIND, *, same_remedy: bool = False) -> list[Finding]:
    """The findings, in their order; of one kind in one column of a sheet, more than ``most`` are one, at the first.

    Its message is that of the first cell, followed by how many others there are and the first of these. With
    ``same_remedy``, those that ask for different things are of different kinds.
    """
    found = list(findings)
    groups: dict[tuple[_Kind, str], list[Finding]] = {}
    kinds = [(_kind(each), each.suggestion if same_remedy else "") for each in found]
    for kind, each in zip(kinds, found, strict=True):
        groups.setdefault(kind, []).append(each)
    kept: list[Finding] = []
    for kind, each in zip(kinds, found, strict=True):
        group = groups[kind]
        if len(group) <= most:
            kept.append(each)
        elif group[0] is each:
            kept.append(_as_one(group))
    return kept


def _kind(found: Finding) -> _Kind:
    place = found.place
    column = _DIGITS.sub("", place.cellule or "")
    return found.code, found.gravite, found.bloquant, place.fichier, place.feuille, column, found.champ


def _as_one(group: list[Finding]) -> Finding:
    """One finding for those of a group, at the first of its cells."""
    first, *others = group
    places = [each.place for each in others]
    named = ", ".join(filter(None, map(_where, places[:_NAMED])))
    words = plural(len(others), "autre cellule de cette colonne", "autres cellules de cette colonne")
    named = f" ({named}{', …' if len(others) > _NAMED else ''})" if named else ""
    message = f"{first.message} De même dans {words}{named}."
    return replace(first, message=message, liees=(*first.liees, *places[:_LINKED]))


def _where(place: Place) -> str:
    return place.cellule or ("" if place.ligne is None else f"ligne {place.ligne}")
