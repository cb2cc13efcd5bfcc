"""What a rule about typing is: whose cells, which spelling, the decided outcome; and the rules that kinds share."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from enum import Enum
from typing import Generic, Literal, TypeVar

from tabellion.schema.table import Field, Value
from tabellion.wording import fold, without_invisible

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

    value: object
    field: Field
    text: str = ""
    percent: bool = False
    date1904: bool = False

    @property
    def number(self) -> float | None:
        """The value when it is a number, and no boolean."""
        return self.value if isinstance(self.value, int | float) and not isinstance(self.value, bool) else None

    @property
    def plain_number(self) -> float | None:
        """The number of a cell that shows no percentage."""
        return None if self.percent else self.number


@dataclass(frozen=True, slots=True)
class Reading:
    """What was made of a value: the ``value`` (integer cents for an amount) and how to show it; or the ``code`` of the
    finding and the corrected value proposed in ``suggestion``.
    """

    value: Value = None
    understood: str = ""
    code: str = ""
    suggestion: str | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """A spelling and what becomes of it: its value, or the finding's code and words of the correction proposed.

    ``percent`` says that it stands in a cell whose number format is a percentage.
    """

    typed: object
    value: Value = None
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


T = TypeVar("T", bound=str | int | date)
#: Gives the value of what is spelt as a rule says, ``None`` for anything else.
Take = Callable[[Typed], T | None]
#: Says whether a value is spelt as a refusal says, or gives the correction to propose for it.
Refuse = Callable[[Typed], str | bool | None]
_NO_EXAMPLES: Mapping[object, str] = {}


class Rules(list[TypedRule], Generic[T]):
    """The rules of one kind, in order: each method adds the one whose matcher it decorates.

    ``shown`` gives a value as people read it. Examples are spellings with their value, or, for a refusal, with words
    of the correction proposed; those ``in_percents`` stand in a cell whose number format is a percentage.
    """

    def __init__(self, kind: TypedKind, shown: Callable[[T], str]) -> None:
        super().__init__()
        self.kind, self.shown = kind, shown

    def takes(
        self, spelling: str, meaning: str, examples: Mapping[object, T], *, in_percents: bool = False
    ) -> Callable[[Take[T]], Take[T]]:
        """A value that is taken as it is."""
        return self._taking(Outcome.PRIS, spelling, meaning, examples, in_percents)

    def understands(self, spelling: str, meaning: str, examples: Mapping[object, T]) -> Callable[[Take[T]], Take[T]]:
        """A value that is taken, with a notice that says how."""
        return self._taking(Outcome.COMPRIS, spelling, meaning, examples, False)

    def _taking(
        self, outcome: Outcome, spelling: str, meaning: str, examples: Mapping[object, T], in_percents: bool
    ) -> Callable[[Take[T]], Take[T]]:
        samples = tuple(Example(typed, value, percent=in_percents) for typed, value in examples.items())

        def add(take: Take[T]) -> Take[T]:
            def match(typed: Typed) -> Reading | None:
                value = take(typed)
                return None if value is None else Reading(value, self.shown(value))

            self.append(TypedRule(self.kind, spelling, outcome, meaning, samples, match))
            return take

        return add

    def refuses(
        self,
        code: str,
        spelling: str,
        meaning: str,
        examples: Mapping[object, str],
        in_percents: Mapping[object, str] = _NO_EXAMPLES,
    ) -> Callable[[Refuse], Refuse]:
        """A value that is to be typed again; ``code`` is the finding that says so."""
        samples = [Example(typed, code=code, proposal=words) for typed, words in examples.items()]
        samples += [Example(typed, None, code, words, percent=True) for typed, words in in_percents.items()]

        def add(refuse: Refuse) -> Refuse:
            def match(typed: Typed) -> Reading | None:
                remedy = refuse(typed)
                return Reading(code=code, suggestion=remedy if isinstance(remedy, str) else None) if remedy else None

            self.append(TypedRule(self.kind, spelling, Outcome.REFUSE, meaning, tuple(samples), match))
            return refuse

        return add


#: No rule looks into a longer text: it is no number, no date and no word of a list with a slip in it.
_LONGEST = 120
_SPACES = re.compile(r"[^\S\t\n\r\v\f]+")


def make_typed(value: object, field_: Field, *, percent: bool = False, date1904: bool = False) -> Typed:
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


#: Words, and the signs of accounting formats, that say zero; the letter O is a zero missed by one key.
ZERO_WORDS = frozenset(("neant", "-", "0", "o", "zero", "aucun", "aucune", "rien", "nul", "nulle"))
#: Words that say that nobody knows, or not yet: no number stands for them.
UNKNOWN_WORDS = frozenset(
    (
        "nc", "n.c", "n.c.", "n c", "nd", "n.d", "n.d.", "na", "n.a", "n.a.", "n/a", "so", "s.o", "s.o.", "sans objet",
        "a voir", "a definir", "a preciser", "a completer", "a confirmer", "a venir", "a negocier", "a calculer",
        "en attente", "en cours", "inconnu", "inconnue", "non connu", "non connue", "non communique", "non renseigne",
        "non determine", "non chiffre", "pas connu", "ne sait pas", "nsp", "idem", "xxx", "xx", "tbd",
    )
)  # fmt: skip
LEAVE_BLANK = "Laissez la cellule vide et dites pourquoi dans le commentaire."
#: What joins two values: a slash, a plus, « ou », « à », a new line, a dash between two numbers.
_JOINED = re.compile(
    r"(?<=[\w€%)])\s*(?:\s(?:ou|et|à|a|puis|voire|contre)\s|[/+;|&\n\r\t]|\s[-–—]\s|(?<=\d)[-–—](?=\d)|->|→|=>)\s*(?=[\w(€-])",
    re.IGNORECASE,
)
_ONE_NUMBER = re.compile(r"\d(?:[\d .,'’]*\d)?")


def is_unknown(text: str) -> bool:
    """Whether a text says that the value is not known (``n.c.``, ``?``, ``à voir``)."""
    return bool(text) and (
        fold(text) in UNKNOWN_WORDS or not text.strip("?…. _*") or ("?" in text and not re.search(r"\d", text))
    )


def parts_of(text: str) -> list[str]:
    """The values joined in one cell, each holding a digit; fewer than two when there is only one."""
    parts = [part.strip() for part in _JOINED.split(text)]
    return [part for part in parts if re.search(r"\d", part)]


def only_number(text: str) -> str | None:
    """The one number written among words; ``None`` when there is none, or several."""
    numbers = _ONE_NUMBER.findall(text)
    return numbers[0] if len(numbers) == 1 else None


def refuse_percent_cells(rules: Rules[int]) -> None:
    """A number in a cell whose format is a percentage may be two numbers."""
    words = "un nombre dans une cellule au format %", "on ne sait pas si c'est 0,05 ou 5"
    rules.refuses("pourcentage-au-lieu-de-nombre", *words, {}, {0.05: ""})(
        lambda typed: typed.number is not None and typed.percent
    )


def add_common_rules(rules: Rules[int], what: str = "nombre", day: date = date(2016, 1, 1)) -> None:
    """What every number shares: no booleans, no dates (``day`` is the example), words for zero and for the unknown."""

    @rules.refuses("booleen-au-lieu-de-nombre", "VRAI ou FAUX", "ni un nombre ni une date", {True: ""})
    def _boolean(typed: Typed) -> bool:
        return isinstance(typed.value, bool)

    @rules.refuses("date-au-lieu-de-nombre", "une date", f"ce n'est pas un {what}", {day: ""})
    def _date(typed: Typed) -> str | bool:
        if not isinstance(typed.value, date) or rules.kind == "money":
            return isinstance(typed.value, date | time | timedelta)
        low, high, year = typed.field.minimum, typed.field.maximum, typed.value.year
        likely = low is not None and high is not None and low <= year <= high
        return f"Donnez à la cellule le format « Nombre », puis tapez {year}." if likely else True

    zeros: dict[object, int] = dict.fromkeys(("néant", "-", "O", "0", "Aucun", "–", "zéro"), 0)

    @rules.understands("« néant », « aucun », un tiret, 0 ou la lettre O", "zéro", zeros)
    def _zero(typed: Typed) -> int | None:
        return 0 if fold(typed.text.removesuffix("€").rstrip()) in ZERO_WORDS else None

    unknown: dict[object, str] = dict.fromkeys(("n.c.", "?", "à voir", "NC", "sans objet"), "vide")
    meaning = "on ne sait pas : une cellule vide et un commentaire le disent mieux"

    @rules.refuses("valeur-inconnue", "« n.c. », « ? », « à voir »", meaning, unknown)
    def _unknown(typed: Typed) -> str | None:
        return LEAVE_BLANK if is_unknown(typed.text) else None
