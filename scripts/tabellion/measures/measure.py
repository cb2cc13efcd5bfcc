"""One declaration of a figure gives its value in Python and the Excel formula that computes the same.

Amounts are cents in Python and euros in Excel. A blank is ``""`` on both sides.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tabellion.layout.names import column_ref, quoted_text
from tabellion.schema import Key
from tabellion.schema.tables import Row
from tabellion.wording import plural

#: The words of a state, the best first; the last one where there is nothing to compare with.
EXACT, ROUNDED, WRONG, UNCOMPARED = "juste", "arrondi", "à vérifier", "–"
#: A literal in a formula, longer than this, would make Excel repair the file.
_LONGEST_LITERAL = 240
#: A field's column as a formula names it.
Columns = Callable[[str], str]


@dataclass(frozen=True)
class Measure:
    """What a cell shows: a value, and the formula that computes it (``None`` where there is none).

    ``kind`` is ``"text"``, ``"state"``, ``"count"``, ``"euros"``, ``"signed"`` (both of these in cents), ``"share"``
    (of growth, signed) or ``"rate"`` (both as fractions).
    """

    kind: str
    value: Any
    formula: str | None = None

    def at(self, cell: str) -> Measure:
        """The same value, that a formula takes from its cell."""
        return Measure(self.kind, self.value, cell)

    def as_value(self) -> Measure:
        """The same value, without the formula."""
        return Measure(self.kind, self.value)


@dataclass(frozen=True)
class Criterion:
    """What a field must be: ``value`` in Python, ``formula`` in Excel (``None`` where the table itself says it)."""

    field: str
    value: Any
    formula: str | None = None

    def holds(self, value: object) -> bool:
        """Whether a value meets it."""
        return bool(value == self.value)

    def select(self, column: Sequence[object], positions: Iterable[int]) -> list[int]:
        """Those of the positions where a column's value meets it."""
        return [position for position in positions if self.holds(column[position])]


def criterion(text: str) -> str | None:
    """A text as the criterion of ``SUMIFS``: just this text, whatever signs it holds; ``None`` when it is too long."""
    escaped = "=" + "".join(f"~{sign}" if sign in "*?~" else sign for sign in text)
    return quoted_text(escaped) if len(escaped) <= _LONGEST_LITERAL else None


class Filled(Criterion):
    """A field that is not blank."""

    def __init__(self, field: str, formula: str = '"<>"') -> None:
        super().__init__(field, None, formula)

    def holds(self, value: object) -> bool:
        """Whether a value is there."""
        return value is not None

    def select(self, column: Sequence[object], positions: Iterable[int]) -> list[int]:
        """Those of the positions where a value is there: of a whole table, often."""
        return [position for position in positions if column[position] is not None]


class Known(Filled):
    """A field that holds a number: neither a blank nor a text, which Excel adds up as nothing."""

    def __init__(self, field: str) -> None:
        super().__init__(field, '">-1E+99"')


class Begins(Criterion):
    """A text that begins with ``value``, or (``but``) that does not; a blank does not."""

    def __init__(self, field: str, value: str, *, but: bool = False) -> None:
        super().__init__(field, value, f'"{"<>" if but else ""}{value}*"')

    def holds(self, value: object) -> bool:
        """Whether a text begins so, or does not."""
        begins = str(value or "").startswith(self.value)
        return begins != (self.formula or "").startswith('"<>')


class OneOf(Criterion):
    """A field that is one of several values, which ``formula`` names at once."""

    def holds(self, value: object) -> bool:
        """Whether a value is one of them."""
        return value in self.value


def one_of(field: str, values: Sequence[object], formula: str | None) -> Criterion:
    """A field that is one of some values, which ``formula`` names at once."""
    return OneOf(field, tuple(values), formula) if len(values) > 1 else Criterion(field, values[0], formula)


@dataclass
class Rows:
    """The rows of a table, as columns of plain values by field; each set of fields is grouped once."""

    columns: Mapping[str, Sequence[Any]]
    _groups: dict[tuple[str, ...], dict[Key, list[int]]] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Iterable[Row], *fields: str) -> Rows:
        """These fields of some rows."""
        rows = list(rows)
        return cls({name: [row[name] for row in rows] for name in fields})

    def groups(self, *fields: str) -> dict[Key, list[int]]:
        """The positions of the rows by their values of ``fields``, in the order of the rows."""
        groups = self._groups.get(fields)
        if groups is None:
            made: defaultdict[Key, list[int]] = defaultdict(list)
            for position, key in enumerate(zip(*(self.columns[name] for name in fields), strict=True)):
                made[key].append(position)
            groups = self._groups[fields] = dict(made)
        return groups

    def matching(self, where: Sequence[Criterion]) -> Sequence[int]:
        """The positions of the rows that meet every criterion."""
        equal = {criterion.field: criterion.value for criterion in where if type(criterion) is Criterion}
        positions: Sequence[int] = range(len(next(iter(self.columns.values()), ())))
        if equal:
            positions = self.groups(*equal).get(tuple(equal.values()), ())
        for criterion in where:
            if type(criterion) is not Criterion:
                positions = criterion.select(self.columns[criterion.field], positions)
        return positions


@dataclass(frozen=True)
class Count:
    """How many rows meet every criterion."""

    where: tuple[Criterion, ...]

    def also(self, *where: Criterion) -> Count:
        """The same under more criteria."""
        return Count((*self.where, *where))

    def value(self, rows: Rows) -> int:
        """The number of rows."""
        return len(rows.matching(self.where))

    def formula(self, columns: Columns) -> str:
        """The formula over the table that ``columns`` names."""
        return f"COUNTIFS({_conditions(self.where, columns)})"

    def measure(self, rows: Rows, columns: Columns | None) -> Measure:
        """Both sides; the value alone without ``columns``."""
        return Measure("count", self.value(rows), None if columns is None else self.formula(columns))


@dataclass(frozen=True)
class Total:
    """The sum of an amount over the rows that meet every criterion; a blank counts for nothing.

    Where none of the rows has the amount, the sum is not known: a blank, which is not zero.
    """

    amount: str
    where: tuple[Criterion, ...]

    def also(self, *where: Criterion) -> Total:
        """The same under more criteria."""
        return Total(self.amount, (*self.where, *where))

    def value(self, rows: Rows) -> int | None:
        """The sum in cents; ``None`` where no row has the amount."""
        column = rows.columns[self.amount]
        known = [cents for position in rows.matching(self.where) if (cents := column[position]) is not None]
        return sum(known) if known else None

    def sum_formula(self, columns: Columns) -> str:
        """The sum over the table that ``columns`` names, 0 where nothing is known: to be added to other sums."""
        return f"SUMIFS({columns(self.amount)},{_conditions(self.where, columns)})"

    def formula(self, columns: Columns) -> str:
        """The formula over the table that ``columns`` names."""
        count = Count((*self.where, Known(self.amount))).formula(columns)
        return f'IF({count}=0,"",{self.sum_formula(columns)})'

    def measure(self, rows: Rows, columns: Columns | None) -> Measure:
        """Both sides; the value alone without ``columns``."""
        return Measure("euros", cell_value(self.value(rows)), None if columns is None else self.formula(columns))


def cell_value(cents: int | None) -> int | str:
    """An amount as a cell shows it: a blank where it is not known."""
    return "" if cents is None else cents


def _conditions(where: Iterable[Criterion], columns: Columns) -> str:
    return ",".join(
        f"{columns(criterion.field)},{criterion.formula}" for criterion in where if criterion.formula is not None
    )


def column_sum(
    kind: str, table: str, label: str, values: Iterable[float | str], *, past_errors: bool = False
) -> Measure:
    """The sum of a whole column of an Excel table; blanks count for nothing, and make a blank where all is blank.

    A count is a number in any case. ``past_errors``: a cell in error, which is said in its row, spoils no total.
    """
    known, column = [value for value in values if not isinstance(value, str)], column_ref(table, label)
    if kind == "count":
        return Measure(kind, sum(known), f"SUM({column})")
    total = f'SUMIF({column},">-1E+99")' if past_errors else f"SUM({column})"
    return Measure(kind, sum(known) if known else "", f'IF(COUNT({column})=0,"",{total})')


def counted_lines(every: Measure, known: Measure) -> Measure:
    """How many lines there are, in words, and how many of them have no amount that is known."""
    unknown = every.value - known.value
    value = plural(every.value, "ligne") + (f", dont {unknown} sans montant réalisé" if unknown else "")
    more = f'IF({every.formula}={known.formula},"",", dont "&{every.formula}-{known.formula}&" sans montant réalisé")'
    return Measure("text", value, f'{every.formula}&IF({every.formula}<2," ligne"," lignes")&{more}')


def gap(left: Measure, right: Measure) -> Measure:
    """What ``left`` has more than ``right``; a blank counts for nothing.

    It is rounded: floating-point numbers would leave something of a gap that is none.
    """
    formula = f"ROUND(N({left.formula})-N({right.formula}),2)"
    return Measure("signed", (left.value or 0) - (right.value or 0), formula)


def change(left: Measure, right: Measure) -> Measure:
    """What ``left`` has more than ``right``, both known: blank where one of them is."""
    return unless_blank(left, unless_blank(right, gap(left, right)))


def unless_blank(cell: Measure, then: Measure) -> Measure:
    """``then``, or a blank where ``cell`` is one."""
    value = "" if cell.value == "" else then.value
    return replace(then, value=value, formula=f'IF({cell.formula}="","",{then.formula})')


def unless_all_blank(cells: Sequence[Measure], then: Measure) -> Measure:
    """``then``, or a blank where all ``cells`` are."""
    value = "" if all(cell.value == "" for cell in cells) else then.value
    blank = ",".join(f'{cell.formula}=""' for cell in cells)
    return replace(then, value=value, formula=f'IF(AND({blank}),"",{then.formula})')


def or_words(measure: Measure, words: str) -> Measure:
    """A measure, or words where it is blank."""
    value = words if measure.value == "" else measure.value
    return replace(measure, value=value, formula=f'IF({measure.formula}="",{quoted_text(words)},{measure.formula})')


def fraction(kind: str, part: Measure, whole: Measure) -> Measure:
    """A part of a whole, as a fraction; blank where the whole is nothing, or one of them is not known."""
    value = part.value / whole.value if whole.value and part.value != "" else ""
    formula = f'IF(OR({part.formula}="",N({whole.formula})=0),"",{part.formula}/{whole.formula})'
    return Measure(kind, value, formula)


def percentages(counts: Sequence[int]) -> list[int]:
    """The parts of a whole in hundredths that add up to 100: the largest remainders get what rounding leaves."""
    whole = sum(counts)
    if not whole:
        return [0] * len(counts)
    parts = [count * 100 // whole for count in counts]
    order = sorted(range(len(counts)), key=lambda place: -(counts[place] * 100 % whole))
    for place in order[: 100 - sum(parts)]:
        parts[place] += 1
    return parts


def state(rounding: str, rounding_euros: int, *gaps: Measure) -> Measure:
    """The word that says what gaps mean, so that a colour is never the only sign.

    A blank gap is not one; where all are blank, nothing was compared: « – ». ``rounding`` is the
    formula of the largest gap that is only a rounding, ``rounding_euros`` its value.
    """
    worst = f"MAX({','.join(f'ABS(N({gap.formula}))' for gap in gaps)})"
    compared = f"COUNT({','.join(str(gap.formula) for gap in gaps)})"
    word = f'IF({worst}=0,"{EXACT}",IF({worst}<={rounding},"{ROUNDED}","{WRONG}"))'
    formula = f'IF({compared}=0,"{UNCOMPARED}",{word})'
    return Measure("state", state_word(rounding_euros, *(gap.value for gap in gaps)), formula)


def state_word(rounding_euros: int, *gaps: int | str) -> str:
    """The word of gaps in cents (``""`` for a blank one)."""
    known = [abs(int(gap)) for gap in gaps if gap != ""]
    if not known:
        return UNCOMPARED
    return EXACT if max(known) == 0 else ROUNDED if max(known) <= rounding_euros * 100 else WRONG
