"""What is wrong, as data: a finding has a code, a severity, a place, what was found, what was expected, a remedy.

Many of one kind in one column are one that counts them: a habit of thousands of cells drowns the rest.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any, NamedTuple

from tabellion.wording import french_value, plural

CellValue = str | int | float | bool | None


class Severity(IntEnum):
    """How grave a finding is; the order is the order of display, gravest first."""

    ERREUR = 0
    AVERTISSEMENT = 1
    INFORMATION = 2

    @property
    def label(self) -> str:
        """The French word that users see and that the JSON carries."""
        return self.name.lower()


#: What JSON holds under names.
Json = dict[str, Any]


class Place(NamedTuple):
    """Where a value stands: a workbook's cell (``feuille``, ``cellule`` as A1), or a text's one-based ``ligne``.

    A named tuple because there are hundreds of thousands.
    """

    fichier: str | None = None
    feuille: str | None = None
    cellule: str | None = None
    ligne: int | None = None

    def __str__(self) -> str:
        parts = [self.fichier or ""]
        if self.feuille:
            parts.append(f"feuille « {self.feuille} »")
        if self.cellule:
            parts.append(f"cellule {self.cellule}")
        if self.ligne is not None:
            parts.append(f"ligne {self.ligne}")
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class Code:
    """One entry of the catalogue: what a kind of finding says, declared once.

    ``message`` and ``remede`` are ``str.format`` templates in French; they may name ``valeur``, ``attendu``,
    ``champ`` and the keyword arguments given to :func:`tabellion.findings.finding`.
    """

    code: str
    titre: str
    gravite: Severity
    message: str
    remede: str
    bloquant: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or worth saying, at one place.

    ``valeur`` is what was found and ``attendu`` what was expected (amounts in euros, as numbers); ``liees`` are the
    other cells that the finding speaks of: of the last ``alike`` of them it says the same.
    """

    code: str
    gravite: Severity
    bloquant: bool
    place: Place
    message: str
    suggestion: str
    champ: str | None = None
    valeur: CellValue = None
    attendu: CellValue = None
    liees: tuple[Place, ...] = field(default=())
    alike: int = 0

    @property
    def grade(self) -> str:
        """How grave it is, in words: ``erreur bloquante``."""
        agreed = "bloquant" if self.gravite is Severity.AVERTISSEMENT else "bloquante"
        return f"{self.gravite.label} {agreed}" if self.bloquant else self.gravite.label

    def as_json(self) -> Json:
        """The finding as the object of the ``constats`` array of ``--json`` (DESIGN.md §6)."""
        liees = [{"fichier": cell.fichier, "feuille": cell.feuille, "cellule": cell.cellule} for cell in self.liees]
        return {
            "code": self.code, "gravite": self.gravite.label, "bloquant": self.bloquant, **self.place._asdict(),
            "champ": self.champ, "valeur": self.valeur, "attendu": self.attendu, "message": self.message,
            "suggestion": self.suggestion, "liees": liees,
        }  # fmt: skip

    @property
    def faulty(self) -> tuple[Place, ...]:
        """The cells of which it says that something is wrong."""
        return (self.place, *self.liees[len(self.liees) - self.alike :])

    def in_file(self, fichier: str) -> Finding:
        """The same finding, with its places (its own and the linked ones) in the file named ``fichier``."""
        return replace(
            self,
            place=self.place._replace(fichier=fichier),
            liees=tuple(place._replace(fichier=fichier) for place in self.liees),
        )


class TabellionError(Exception):
    """Wrong use or unreadable input: the command stops with exit code 2 after saying every finding it carries."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(f"{finding.place} : {finding.message}" for finding in self.findings))

    def __reduce__(self) -> tuple[type[TabellionError], tuple[tuple[Finding, ...]]]:
        """It comes back whole from a child: an exception is made anew of its text otherwise."""
        return type(self), (self.findings,)


#: Up to so many of a kind in a column, each is said at its own cell.
MOST_OF_A_KIND = 20
#: Beyond so many of a kind in a column, one remedy stands for all, whatever each of them asks for.
MOST_ASKED = 500
#: Cells that the one finding of many names, and those that it links to.
_NAMED, _LINKED = 5, 100
_DIGITS = re.compile(r"\d+")

_FindingKind = tuple[str, int, bool, str | None, str | None, str, str | None]


def counted(findings: Iterable[Finding], most: int = MOST_OF_A_KIND) -> list[Finding]:
    """The findings, in their order; of one kind in one column of a sheet, more than ``most`` are one, at the first.

    Its message is that of the first cell, followed by how many others there are and the first of these. Those that ask
    for different things are of different kinds, unless there are more than anybody reads.
    """
    ordered = list(findings)
    kinds = [_kind(finding) for finding in ordered]
    crowded = {kind for kind, count in Counter(kinds).items() if count > MOST_ASKED}
    groups: dict[tuple[_FindingKind, str], list[Finding]] = {}
    keys = [
        (kind, "" if kind in crowded else finding.suggestion or "")
        for kind, finding in zip(kinds, ordered, strict=True)
    ]
    for key, finding in zip(keys, ordered, strict=True):
        groups.setdefault(key, []).append(finding)
    kept: list[Finding] = []
    for key, finding in zip(keys, ordered, strict=True):
        group = groups[key]
        if len(group) <= most:
            kept.append(finding)
        elif group[0] is finding:
            kept.append(_as_one(group))
    return kept


def _kind(finding: Finding) -> _FindingKind:
    place = finding.place
    column = _DIGITS.sub("", place.cellule or "")
    return finding.code, finding.gravite, finding.bloquant, place.fichier, place.feuille, column, finding.champ


def _as_one(group: list[Finding]) -> Finding:
    """One finding for those of a group, at the first of its cells."""
    first, *others = group
    places = [place for place in dict.fromkeys(other.place for other in others) if place != first.place]
    if places:
        words = plural(len(others), "autre cellule de cette colonne", "autres cellules de cette colonne")
        words, names = f"dans {words}", list(filter(None, map(_where, places[:_NAMED])))
    else:
        words = plural(len(others), "autre", "autres")
        values = dict.fromkeys(other.valeur for other in others if other.valeur not in (None, first.valeur))
        words, names = f"pour {words} ici", [f"« {french_value(value)} »" for value in values]
    more = ", …" if len(places or names) > _NAMED else ""
    named = f" ({', '.join(names[:_NAMED])}{more})" if names else ""
    linked = tuple(places[:_LINKED])
    message = f"{first.message} De même {words}{named}."
    return replace(first, message=message, liees=(*first.liees, *linked), alike=len(linked))


def _where(place: Place) -> str:
    return place.cellule or ("" if place.ligne is None else f"ligne {place.ligne}")
