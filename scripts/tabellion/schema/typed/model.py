"""What a rule about typing is: whose cells, which spelling, the decided outcome, and the code that recognises it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal

from tabellion.schema.table import Field
from tabellion.wording import without_invisible

#: What people type into: a field's kind, with its texts told apart by what they are tied to.
TypedKind = Literal["money", "percent", "integer", "date", "boolean", "code", "list", "text"]


class Outcome(Enum):
    """What becomes of a value as typed; the value is what people read of it."""

    PRIS = "pris tel quel"
    COMPRIS = "pris, et un message montre ce qui a été compris"
    REFUSE = "refusé : la cellule est à retaper"


@dataclass(frozen=True, slots=True)
class Typed:
    """One value as found in a cell, with what is known of the cell.

    ``text`` is the value when it is a text, without invisible characters, its spaces made ordinary; ``""`` otherwise,
    and when it is longer than any spelling that a rule knows.
    ``percent`` says that the cell's number format is a percentage; ``date1904`` that serial numbers count from 1904.
    """

    value: Any
    field: Field
    text: str = ""
    percent: bool = False
    date1904: bool = False

    @property
    def number(self) -> float | None:
        """The value when it is a number, and no boolean."""
        return self.value if isinstance(self.value, int | float) and not isinstance(self.value, bool) else None


@dataclass(frozen=True, slots=True)
class Reading:
    """What was made of a value: the ``value`` (integer cents for an amount) and how to show it; or the ``code`` of the
    finding and the corrected value proposed in ``suggestion``.
    """

    value: Any = None
    understood: str = ""
    code: str = ""
    suggestion: str | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """A spelling and what becomes of it: its value, or the finding's code and words of the correction proposed."""

    typed: Any
    value: Any = None
    code: str = ""
    proposal: str = ""
    percent: bool = False


@dataclass(frozen=True, slots=True)
class TypedRule:
    """One decided spelling. ``match`` gives the reading of a value that is spelt so, ``None`` for any other.

    ``spelling`` and ``meaning`` are in French, for the people who type.
    """

    kind: TypedKind
    spelling: str
    outcome: Outcome
    meaning: str
    examples: tuple[Example, ...]
    match: Callable[[Typed], Reading | None] = field(repr=False, compare=False)


Matcher = Callable[[Typed], Reading | None]


class Rules(list[TypedRule]):
    """The rules of one kind, in order: each method adds the one whose matcher it decorates."""

    def __init__(self, kind: TypedKind) -> None:
        super().__init__()
        self.kind = kind

    def takes(self, spelling: str, meaning: str, *examples: Example) -> Callable[[Matcher], Matcher]:
        """A value that is taken as it is."""
        return self._adding(spelling, Outcome.PRIS, meaning, examples)

    def understands(self, spelling: str, meaning: str, *examples: Example) -> Callable[[Matcher], Matcher]:
        """A value that is taken, with a notice that says how."""
        return self._adding(spelling, Outcome.COMPRIS, meaning, examples)

    def refuses(self, spelling: str, meaning: str, *examples: Example) -> Callable[[Matcher], Matcher]:
        """A value that is to be typed again."""
        return self._adding(spelling, Outcome.REFUSE, meaning, examples)

    def _adding(
        self, spelling: str, outcome: Outcome, meaning: str, examples: tuple[Example, ...]
    ) -> Callable[[Matcher], Matcher]:
        def add(match: Matcher) -> Matcher:
            self.append(TypedRule(self.kind, spelling, outcome, meaning, examples, match))
            return match

        return add


#: No rule looks into a longer text: it is no number, no date and no word of a list with a slip in it.
_LONGEST = 120
_SPACES = re.compile(r"[^\S\t\n\r\v\f]+")


def make_typed(value: Any, field_: Field, *, percent: bool = False, date1904: bool = False) -> Typed:
    """The value of a cell made ready for the rules."""
    text = ""
    if isinstance(value, str) and len(value) <= _LONGEST:
        text = _SPACES.sub(" ", without_invisible(value)).strip()
    return Typed(value, field_, text, percent, date1904)


def kind_of(field_: Field) -> TypedKind:
    """Whose rules a field follows."""
    if field_.kind != "string":
        return field_.kind
    if field_.enum:
        return "list"
    return "text" if field_.pattern is None else "code"


def refused(code: str, suggestion: str | None = None) -> Reading:
    """The reading of a value that is not taken."""
    return Reading(code=code, suggestion=suggestion)
