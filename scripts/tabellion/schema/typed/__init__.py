"""What people type, decided once: one table of rules, from which values are read and the guide of the forms is made.

The first rule of a kind whose own matcher accepts a value decides what becomes of it; the last takes all that is left.
Ambiguity is refused, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tabellion.findings import CATALOGUE
from tabellion.schema.shown import KINDS
from tabellion.schema.table import Field
from tabellion.schema.typed.amounts import MONEY_RULES
from tabellion.schema.typed.choices import BOOLEAN_RULES, CODE_RULES, LIST_RULES, TEXT_RULES
from tabellion.schema.typed.dates import DATE_RULES
from tabellion.schema.typed.numbers import INTEGER_RULES, PERCENT_RULES
from tabellion.schema.typed.rules import Outcome, Reading, Typed, TypedKind, TypedRule, kind_of, make_typed
from tabellion.wording import french_value

__all__ = [
    "SAMPLES", "TYPED_RULES", "WORDS", "Outcome", "TypedEntry", "TypedRule", "kind_of", "make_typed",
    "read_typed", "shown_example", "typed_dictionary",
]  # fmt: skip

_RULES: Sequence[Sequence[TypedRule]] = (
    MONEY_RULES, PERCENT_RULES, DATE_RULES, INTEGER_RULES, BOOLEAN_RULES, LIST_RULES, CODE_RULES, TEXT_RULES,
)  # fmt: skip
_BY_KIND: Mapping[TypedKind, Sequence[TypedRule]] = {rules[0].kind: rules for rules in _RULES}
TYPED_RULES: tuple[TypedRule, ...] = tuple(rule for rules in _RULES for rule in rules)
#: What people call each kind of cell.
WORDS: Mapping[str, str] = {**KINDS, "code": "code", "list": "liste", "text": KINDS["string"]}
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


def read_typed(typed: Typed) -> tuple[TypedRule, Reading]:
    """The first rule that recognises a value, and its reading. A blank cell is not for the rules."""
    for rule in _BY_KIND[kind_of(typed.field)]:
        reading = rule.match(typed)
        if reading is not None:
            return rule, reading
    raise AssertionError(f"no rule for {typed.value!r} in {typed.field.name}")  # the last rule of a kind takes all


def typed_dictionary() -> list[TypedEntry]:
    """What may be typed, kind by kind, in the words that people read: one row per rule, from its example.

    The example is read again by the rules, so that the guide cannot drift.
    """
    entries = []
    for rule in TYPED_RULES:
        _, reading = read_typed(make_typed(rule.example, SAMPLES[rule.kind], percent=rule.in_percents))
        understood = reading.understood
        if rule.outcome in (Outcome.REFUSE, Outcome.VIDE):
            understood = reading.suggestion or CATALOGUE[reading.code].remede
        entries.append(TypedEntry(WORDS[rule.kind], rule.spelling, rule.outcome.value, shown_example(rule), understood))
    return entries


def shown_example(rule: TypedRule) -> str:
    """The example of a rule as its cell shows it."""
    if rule.in_percents and isinstance(rule.example, int | float):
        return f"{_plain(rule.example * 100)}\u00a0%, dans une cellule au format %"
    return _plain(rule.example)


def _plain(value: object) -> str:
    """A value as people see it; control characters as their pictures, since no cell can hold them."""
    return "".join(chr(0x2400 + ord(char)) if char < " " and char != "\n" else char for char in french_value(value))
