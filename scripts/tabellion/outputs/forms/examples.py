"""The examples of what may be typed in a form, each proven by the rule of the very cells that it is an example for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tabellion.contract.book import Book
from tabellion.layout.forms import FillState, Form
from tabellion.measures.cells import CellRule
from tabellion.measures.forms import cell_rule
from tabellion.outputs.forms.lists import typed_columns
from tabellion.schema.forms import ColumnSpec, Role, TableSpec
from tabellion.schema.typed import TYPED_RULES, WORDS, Outcome, TypedRule, kind_of, shown_example

#: Kinds of which people need no examples.
_PLAIN = ("text", "code", "list")


@dataclass(frozen=True)
class Example:
    """A value as typed, in a cell that shows a percentage or not, and how the guide shows it."""

    value: object
    shown: str
    percent: bool = False


@dataclass(frozen=True)
class Examples:
    """For the cells of some columns, what is accepted there and what is refused."""

    label: str
    columns: tuple[tuple[TableSpec, ColumnSpec], ...]
    accepted: tuple[Example, ...]
    refused: tuple[Example, ...]


def examples(form: Form, contract: Book) -> Iterator[Examples]:
    """One for each kind of cell that a form has to fill, and for each of its lists of words."""
    columns = [(table, column) for table, column in typed_columns(form) if column.role is Role.TYPED]
    rules = [(cell_rule(table, column, contract.schemas), table, column) for table, column in columns]
    ruled = [(rule, (table, column)) for rule, table, column in rules if rule is not None and not rule.keyed]
    kinds = dict.fromkeys(kind_of(rule.field) for rule, _ in ruled)
    for kind in kinds:
        if kind not in _PLAIN:
            own = [(rule, place) for rule, place in ruled if kind_of(rule.field) == kind]
            candidates = [_example(rule) for rule in TYPED_RULES if rule.kind == kind and _is_telling(rule)]
            yield _sorted(WORDS[kind], own, [*candidates, *_BESIDES.get(kind, ())])
    for rule, (table, column) in ruled:
        if rule.field.enum:
            words = (*rule.field.enum[:2], rule.field.enum[0].upper())
            spelt = [_example(typed) for typed in TYPED_RULES if typed.kind == "list" and _is_telling(typed)]
            label = table.label(column, contract.schemas)
            yield _sorted(label, [(rule, (table, column))], [*(Example(word, word) for word in words), *spelt])


#: What no spelling tells: numbers that the bounds of a field refuse.
_BESIDES = {
    "money": (Example(-5, "-5"), Example(33.333, "33,333")),
    "percent": (Example(150, "150"), Example(40.5, "40,5")),
}


def _is_telling(rule: TypedRule) -> bool:
    """Whether an example is a matter of spelling; what is only read as blank is neither accepted nor refused."""
    if rule.outcome is Outcome.VIDE:
        return False
    return rule.outcome is Outcome.PRIS or isinstance(rule.example, str)


def _example(rule: TypedRule) -> Example:
    return Example(rule.example, " ".join(shown_example(rule).split()), rule.in_percents)


def _sorted(
    label: str, ruled: Sequence[tuple[CellRule, tuple[TableSpec, ColumnSpec]]], candidates: Sequence[Example]
) -> Examples:
    """Examples with the verdict of every rule; none where two differ, or where a keyboard types something else."""
    accepted, refused = dict[str, Example](), dict[str, Example]()
    for example in candidates:
        values = {example.value, _keyed(example.value)}
        verdicts = {_is_taken(rule, value, example) for value in values for rule, _ in ruled}
        if len(verdicts) == 1 and (is_taken := verdicts.pop()) is not None:
            (accepted if is_taken else refused).setdefault(example.shown, example)
    return Examples(label, tuple(place for _, place in ruled), tuple(accepted.values()), tuple(refused.values()))


def _is_taken(rule: CellRule, value: object, example: Example) -> bool | None:
    """Whether a value is accepted or refused; ``None`` where it is read as a blank."""
    state = rule.typed_state(value, percent=example.percent)
    return None if state is None or state is FillState.EMPTY else state is not FillState.TO_CORRECT


def _keyed(value: object) -> object:
    """What a keyboard makes of a text: a number, where it writes one."""
    if not isinstance(value, str):
        return value
    try:
        return float(value.replace(",", ".")) if "." not in value else value
    except ValueError:
        return value
