"""One declaration of a figure gives its value in Python and the Excel formula that computes the same.

Amounts are cents in Python and euros in Excel. A blank is ``""`` on both sides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tabellion.layout.names import column_ref

#: The words of a state, the best first.
EXACT, ROUNDED, WRONG = "juste", "arrondi", "à vérifier"
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


@dataclass(frozen=True)
class Criterion:
    """What a field must be: ``value`` in Python, ``formula`` in Excel (``None`` where the table itself says it)."""

    field: str
    value: Any
    formula: str | None = None

    def holds(self, value: Any) -> bool:
        """Whether a value meets it."""
        return bool(value == self.value)


class Filled(Criterion):
    """A field that is not blank."""

    def __init__(self, field: str, formula: str = '"<>"') -> None:
        super().__init__(field, None, formula)

    def holds(self, value: Any) -> bool:
        """Whether a value is there."""
        return value is not None


class Begins(Criterion):
    """A text that begins with ``value``, or (``but``) that does not; a blank does not."""

    def __init__(self, field: str, value: str, *, but: bool = False) -> None:
        super().__init__(field, value, f'"{"<>" if but else ""}{value}*"')

    def holds(self, value: Any) -> bool:
        """Whether a text begins so, or does not."""
        begins = str(value or "").startswith(self.value)
        return begins != (self.formula or "").startswith('"<>')


class OneOf(Criterion):
    """A field that is one of several values, which ``formula`` names at once."""

    def holds(self, value: Any) -> bool:
        """Whether a value is one of them."""
        return value in self.value


@dataclass
class Rows:
    """The rows of a table, as columns of plain values by field; each set of fields is grouped once."""

    columns: Mapping[str, Sequence[Any]]
    _groups: dict[tuple[str, ...], dict[tuple[Any, ...], list[int]]] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]], *fields: str) -> Rows:
        """These fields of some rows."""
        rows = list(rows)
        return cls({name: [row[name] for row in rows] for name in fields})

    def groups(self, *fields: str) -> dict[tuple[Any, ...], list[int]]:
        """The positions of the rows by their values of ``fields``, in the order of the rows."""
        groups = self._groups.get(fields)
        if groups is None:
            groups = self._groups[fields] = {}
            for position, key in enumerate(zip(*(self.columns[name] for name in fields), strict=True)):
                groups.setdefault(key, []).append(position)
        return groups

    def matching(self, where: Sequence[Criterion]) -> Sequence[int]:
        """The positions of the rows that meet every criterion."""
        equal = {criterion.field: criterion.value for criterion in where if type(criterion) is Criterion}
        positions: Sequence[int] = range(len(next(iter(self.columns.values()), ())))
        if equal:
            positions = self.groups(*equal).get(tuple(equal.values()), ())
        for criterion in where:
            if type(criterion) is not Criterion:
                column = self.columns[criterion.field]
                positions = [position for position in positions if criterion.holds(column[position])]
        return positions


@dataclass(frozen=True)
class Count:
    """How many rows meet every criterion."""

    where: tuple[Criterion, ...]

    def value(self, rows: Rows) -> int:
        """The number of rows."""
        return len(rows.matching(self.where))

    def formula(self, columns: Columns) -> str:
        """The formula over the table that ``columns`` names."""
        return f"COUNTIFS({_conditions(self.where, columns)})"

    def measure(self, rows: Rows, columns: Columns) -> Measure:
        """Both sides."""
        return Measure("count", self.value(rows), self.formula(columns))


@dataclass(frozen=True)
class Total:
    """The sum of an amount over the rows that meet every criterion; a blank counts for nothing."""

    amount: str
    where: tuple[Criterion, ...]

    def also(self, *where: Criterion) -> Total:
        """The same under more criteria."""
        return Total(self.amount, (*self.where, *where))

    def value(self, rows: Rows) -> int:
        """The sum in cents."""
        column = rows.columns[self.amount]
        return sum(column[position] or 0 for position in rows.matching(self.where))

    def formula(self, columns: Columns) -> str:
        """The formula over the table that ``columns`` names."""
        return f"SUMIFS({columns(self.amount)},{_conditions(self.where, columns)})"

    def measure(self, rows: Rows, columns: Columns) -> Measure:
        """Both sides."""
        return Measure("euros", self.value(rows), self.formula(columns))


def _conditions(where: Iterable[Criterion], columns: Columns) -> str:
    return ",".join(
        f"{columns(criterion.field)},{criterion.formula}" for criterion in where if criterion.formula is not None
    )


def column_sum(kind: str, table: str, label: str, values: Iterable[Any]) -> Measure:
    """The sum of a whole column of an Excel table; blanks count for nothing."""
    return Measure(kind, sum(value for value in values if value != ""), f"SUM({column_ref(table, label)})")


def gap(left: Measure, right: Measure) -> Measure:
    """What ``left`` has more than ``right``."""
    return Measure("signed", (left.value or 0) - (right.value or 0), f"{left.formula}-{right.formula}")


def rounded(measure: Measure) -> Measure:
    """A gap of euros without what floating-point numbers leave of it."""
    return replace(measure, formula=f"ROUND({measure.formula},2)")


def unless_blank(cell: Measure, then: Measure) -> Measure:
    """``then``, or a blank where ``cell`` is one."""
    return replace(
        then, value="" if cell.value == "" else then.value, formula=f'IF({cell.formula}="","",{then.formula})'
    )


def unless_none(count: Measure, then: Measure, otherwise: str = '""') -> Measure:
    """``then``, or a blank (or ``otherwise``, a formula that counts as one) where ``count`` is 0."""
    value = then.value if count.value else ""
    return replace(then, value=value, formula=f"IF({count.formula}=0,{otherwise},{then.formula})")


def fraction(kind: str, part: Measure, whole: Measure) -> Measure:
    """A part of a whole, as a fraction; blank where the whole is nothing."""
    value = part.value / whole.value if whole.value else ""
    return Measure(kind, value, f'IF({whole.formula}=0,"",{part.formula}/{whole.formula})')


def growth(part: Measure, whole: Measure) -> Measure:
    """How much a whole grew by a part; without a formula where the whole is nothing now."""
    share = fraction("share", part, whole)
    return replace(share, formula=f"{part.formula}/{whole.formula}" if whole.value else None)


def state(rounding: str, rounding_euros: int, *gaps: Measure) -> Measure:
    """The word that says what gaps mean, so that a colour is never the only sign; a blank gap is not one.

    ``rounding`` is the formula of the largest gap that is only a rounding, ``rounding_euros`` its value.
    """
    worst = f"MAX({','.join(f'ABS(N({gap.formula}))' for gap in gaps)})"
    formula = f'IF({worst}=0,"{EXACT}",IF({worst}<={rounding},"{ROUNDED}","{WRONG}"))'
    return Measure("state", state_word(rounding_euros, *(gap.value for gap in gaps)), formula)


def state_word(rounding_euros: int, *gaps: int | str) -> str:
    """The word of gaps in cents (``""`` for a blank one)."""
    worst = max(abs(int(gap or 0)) for gap in gaps)
    return EXACT if worst == 0 else ROUNDED if worst <= rounding_euros * 100 else WRONG
