"""What people type, decided once: one table of rules, from which values are read and the guide of the forms is made.

The first rule of a kind whose own matcher accepts a value decides what becomes of it; the last takes all that is left.
Ambiguity is refused, never guessed.
"""

from __future__ import annotations

from tabellion.schema.typed.amounts import MONEY_RULES
from tabellion.schema.typed.choices import BOOLEAN_RULES, CODE_RULES, LIST_RULES, TEXT_RULES
from tabellion.schema.typed.dates import DATE_RULES
from tabellion.schema.typed.guide import TypedEntry, guide
from tabellion.schema.typed.model import Example, Outcome, Reading, Typed, TypedKind, TypedRule, kind_of, make_typed
from tabellion.schema.typed.numbers import INTEGER_RULES
from tabellion.schema.typed.percents import PERCENT_RULES

__all__ = [
    "TYPED_RULES",
    "Example",
    "Outcome",
    "Reading",
    "Typed",
    "TypedEntry",
    "TypedKind",
    "TypedRule",
    "kind_of",
    "make_typed",
    "read_typed",
    "typed_dictionary",
]

TYPED_RULES: tuple[TypedRule, ...] = (
    *MONEY_RULES,
    *PERCENT_RULES,
    *DATE_RULES,
    *INTEGER_RULES,
    *BOOLEAN_RULES,
    *LIST_RULES,
    *CODE_RULES,
    *TEXT_RULES,
)

_BY_KIND: dict[TypedKind, tuple[TypedRule, ...]] = {
    rule.kind: tuple(each for each in TYPED_RULES if each.kind == rule.kind) for rule in TYPED_RULES
}


def read_typed(typed: Typed) -> tuple[TypedRule, Reading]:
    """The first rule that recognises a value, and its reading. A blank cell is not for the rules."""
    for rule in _BY_KIND[kind_of(typed.field)]:
        reading = rule.match(typed)
        if reading is not None:
            return rule, reading
    raise AssertionError(f"no rule for {typed.value!r} in {typed.field.name}")  # the last rule of a kind takes all


def typed_dictionary() -> list[TypedEntry]:
    """What may be typed, kind by kind, in the words that people read: one row per rule, from its first example."""
    return guide(TYPED_RULES, read_typed)
