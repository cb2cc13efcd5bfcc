"""The rules in the words that people read: every example is read again by the rules, so that the guide cannot drift."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from tabellion.findings import CATALOGUE
from tabellion.schema.dictionary import KINDS
from tabellion.schema.table import Field
from tabellion.schema.typed.model import Example, Outcome, Reading, Typed, TypedKind, TypedRule, make_typed
from tabellion.wording import french_date

#: What people call each kind of cell.
WORDS: Mapping[TypedKind, str] = {
    "money": KINDS["money"],
    "percent": KINDS["percent"],
    "integer": KINDS["integer"],
    "date": KINDS["date"],
    "boolean": KINDS["boolean"],
    "code": "code",
    "list": "liste",
    "text": KINDS["string"],
}
#: The fields that the examples are typed in.
SAMPLES: Mapping[TypedKind, Field] = {
    "money": Field("montant", "money", "Montant (€)", ""),
    "percent": Field("part", "percent", "Part (%)", "", minimum=0, maximum=100),
    "integer": Field("exercice", "integer", "Exercice", "", minimum=2000, maximum=2100),
    "date": Field("jour", "date", "Jour", ""),
    "boolean": Field("cpo", "boolean", "CPO", ""),
    "code": Field("fiche_id", "string", "Fiche", "", pattern=r"[IV]+-\d(\.\d)*\./\d|\d{2}"),
    "list": Field("etat", "string", "État", "", enum=("non démarrée", "en cours", "terminée", "abandonnée")),
    "text": Field("commentaire", "string", "Commentaire", ""),
}


@dataclass(frozen=True, slots=True)
class TypedEntry:
    """One row of the guide, in French: for which cells, what is typed, its outcome, an example, what it gives."""

    kind: str
    spelling: str
    outcome: str
    example: str
    understood: str


def guide(rules: Iterable[TypedRule], read: Callable[[Typed], tuple[TypedRule, Reading]]) -> list[TypedEntry]:
    """One row per rule, its first example read by ``read``."""
    entries = []
    for rule in rules:
        example = rule.examples[0]
        _, reading = read(make_typed(example.typed, SAMPLES[rule.kind], percent=example.percent))
        entries.append(
            TypedEntry(WORDS[rule.kind], rule.spelling, rule.outcome.value, shown(example), _understood(rule, reading))
        )
    return entries


def _understood(rule: TypedRule, reading: Reading) -> str:
    if rule.outcome is Outcome.REFUSE:
        return reading.suggestion or CATALOGUE[reading.code].remede
    return reading.understood


def shown(example: Example) -> str:
    """The value of an example as its cell shows it."""
    if example.percent:
        return f"{_plain(example.typed * 100)}\u00a0%, dans une cellule au format %"
    return _plain(example.typed)


def _plain(value: Any) -> str:
    """A value as people see it; control characters as their pictures, since no cell can hold them."""
    if isinstance(value, bool):
        return "VRAI" if value else "FAUX"
    if isinstance(value, datetime):
        return french_date(value) + (f" {value:%H:%M}" if value.time() != time() else "")
    if isinstance(value, date):
        return french_date(value)
    if isinstance(value, int | float):
        return f"{value:.10G}".replace(".", ",")
    return "".join(chr(0x2400 + ord(each)) if each < " " and each != "\n" else each for each in str(value))
