"""What a rule about typing is: whose cells, which spelling, the decided outcome; and the rules that kinds share."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
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

    PRIS = "accepté tel quel"
    COMPRIS = "accepté, un message indique la valeur retenue"
    VIDE = "lu comme vide, un message le signale"
    REFUSE = "refusé : la cellule est à ressaisir"


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
    finding and the corrected value proposed in ``suggestion``. ``notice`` is the code of what is said of a value that
    was understood.
    """

    value: Value = None
    understood: str = ""
    code: str = ""
    notice: str = "valeur-comprise"
    suggestion: str | None = None


@dataclass(frozen=True, slots=True)
class TypedRule:
    """One decided spelling. ``match`` gives the reading of a value that is spelt so, ``None`` for any other.

    ``spelling`` is in French, for the people who type; ``example`` is a value spelt so, in a cell whose number format
    is a percentage where ``in_percents``.
    """

    kind: TypedKind
    spelling: str
    outcome: Outcome
    example: object
    match: Callable[[Typed], Reading | None] = field(repr=False, compare=False)
    in_percents: bool = False


T = TypeVar("T", bound=str | int | date)
#: Gives the value of what is spelt as a rule says, ``None`` for anything else.
Take = Callable[[Typed], T | None]
#: Says whether a value is spelt as a refusal says, or gives the correction to propose for it.
Refuse = Callable[[Typed], str | bool | None]


class Rules(list[TypedRule], Generic[T]):
    """The rules of one kind, in order: each method adds one, for the values that ``when`` recognises.

    ``shown`` gives a value as people read it.
    """

    def __init__(self, kind: TypedKind, shown: Callable[[T], str]) -> None:
        super().__init__()
        self.kind, self.shown = kind, shown

    def takes(self, spelling: str, example: object, when: Take[T], *, in_percents: bool = False) -> None:
        """A value that is taken as it is."""
        self.append(TypedRule(self.kind, spelling, Outcome.PRIS, example, self._reader(when), in_percents))

    def understands(self, spelling: str, example: object, when: Take[T], notice: str = "valeur-comprise") -> None:
        """A value that is taken, with a notice that says how: that of the code ``notice``."""
        self.append(TypedRule(self.kind, spelling, Outcome.COMPRIS, example, self._reader(when, notice)))

    def _reader(self, take: Take[T], notice: str = "valeur-comprise") -> Callable[[Typed], Reading | None]:
        def match(typed: Typed) -> Reading | None:
            value = take(typed)
            return None if value is None else Reading(value, self.shown(value), notice=notice)

        return match

    def leaves_blank(self, spelling: str, example: object, *words: str) -> None:
        """Words that say that nobody knows, and ``words`` too: the cell is read as blank, which is said."""

        def match(typed: Typed) -> Reading | None:
            is_blank = is_unknown(typed.text) or fold(typed.text) in words
            return Reading(code="valeur-inconnue", suggestion=LEAVE_BLANK) if is_blank else None

        self.append(TypedRule(self.kind, spelling, Outcome.VIDE, example, match))

    def refuses(self, code: str, spelling: str, example: object, when: Refuse, *, in_percents: bool = False) -> None:
        """A value that is to be typed again; ``code`` is the finding that says so."""

        def match(typed: Typed) -> Reading | None:
            remedy = when(typed)
            return Reading(code=code, suggestion=remedy if isinstance(remedy, str) else None) if remedy else None

        self.append(TypedRule(self.kind, spelling, Outcome.REFUSE, example, match, in_percents))


#: No rule looks into a longer text: it is no number, no date and no word of a list with a slip in it.
_LONGEST = 120
_SPACES = re.compile(r"[^\S\t\n\r\v\f]+")
#: How far the full-width forms of ASCII characters stand from them.
_FULL_WIDTH = 0xFEE0


def make_typed(value: object, field_: Field, *, percent: bool = False, date1904: bool = False) -> Typed:
    """The value of a cell made ready for the rules."""
    text = ""
    if isinstance(value, str) and len(value) <= _LONGEST:
        text = _SPACES.sub(" ", _plain_characters(without_invisible(value))).strip()
        text = text.removeprefix("'").lstrip()  # what makes a text of a number in Excel, typed by a script as it is
    return Typed(value, field_, text, percent, date1904)


def _plain_characters(text: str) -> str:
    """A text with the digits and signs of a French keyboard, composed as it types them."""
    if text.isascii():
        return text
    plain = (
        str(digit) if (digit := unicodedata.decimal(char, None)) is not None
        else chr(ord(char) - _FULL_WIDTH) if "\uff01" <= char <= "\uff5e"
        else char
        for char in text
    )  # fmt: skip
    return unicodedata.normalize("NFC", "".join(plain))


def kind_of(field_: Field) -> TypedKind:
    """Whose rules a field follows."""
    if field_.kind != "string":
        return field_.kind
    if field_.enum:
        return "list"
    return "text" if field_.pattern is None else "code"


#: Words, and the signs of accounting formats, that say zero; the letter O is a zero missed by one key.
ZERO_SPELT = ("néant", "-", "0", "o", "zéro", "aucun", "aucune", "rien", "nul", "nulle")
ZERO_WORDS = frozenset(map(fold, ZERO_SPELT))
#: Words that say that nobody knows, or not yet: no number stands for them.
UNKNOWN_SPELT = (
    "nc", "n.c", "n.c.", "n c", "nd", "n.d", "n.d.", "na", "n.a", "n.a.", "n/a", "so", "s.o", "s.o.", "sans objet",
    "à voir", "à définir", "à préciser", "à compléter", "à confirmer", "à venir", "à négocier", "à calculer",
    "en attente", "en cours", "inconnu", "inconnue", "non connu", "non connue", "non communiqué", "non renseigné",
    "non déterminé", "non chiffré", "pas connu", "ne sait pas", "nsp", "idem", "xxx", "xx", "tbd",
)  # fmt: skip
UNKNOWN_WORDS = frozenset(map(fold, UNKNOWN_SPELT))
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


def only_number(text: str, before: re.Pattern[str] | None = None, after: re.Pattern[str] | None = None) -> str | None:
    """The one number written among words; ``None`` when there is none, or several.

    ``before`` and ``after`` find what stands beside it and belongs to it: a sign, a unit.
    """
    numbers = list(_ONE_NUMBER.finditer(text))
    if len(numbers) != 1:
        return None
    number = numbers[0]
    sign = before.search(text[: number.start()]) if before is not None else None
    unit = after.match(text, number.end()) if after is not None else None
    return (sign[0] if sign else "") + number[0] + (unit[0] if unit else "")


def refuse_percent_cells(rules: Rules[int]) -> None:
    """A number in a cell whose format is a percentage may be two numbers."""
    rules.refuses(
        "pourcentage-au-lieu-de-nombre", "un nombre dans une cellule au format %", 0.05,
        lambda typed: typed.number is not None and typed.percent, in_percents=True,
    )  # fmt: skip


def add_common_rules(rules: Rules[int], day: date = date(2016, 1, 1)) -> None:
    """What every number shares: no booleans, no dates (``day`` is the example), words for zero and for the unknown."""

    def refuse_date(typed: Typed) -> str | bool:
        if not isinstance(typed.value, date) or rules.kind == "money":
            return isinstance(typed.value, date | time | timedelta)
        low, high, year = typed.field.minimum, typed.field.maximum, typed.value.year
        likely = low is not None and high is not None and low <= year <= high
        return f"Donnez à la cellule le format « Nombre », puis saisissez {year}." if likely else True

    rules.refuses("booleen-au-lieu-de-nombre", "VRAI ou FAUX", True, lambda typed: isinstance(typed.value, bool))
    rules.refuses("date-au-lieu-de-nombre", "une date", day, refuse_date)
    rules.understands(
        "« néant », « aucun », un tiret, 0 ou la lettre O", "néant",
        lambda typed: 0 if fold(typed.text.removesuffix("€").rstrip()) in ZERO_WORDS else None,
    )  # fmt: skip
    rules.leaves_blank("« n.c. », « ? », « à voir »", "n.c.")
