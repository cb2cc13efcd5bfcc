"""Credits by the values of a field of the budget lines: by quartier, by nature … Each euro is counted once.

A line that names several values counts in none of them, but in :data:`SEVERAL`; what names none, or one that the
contract has not, is the rest: :data:`UNTOLD`. The parts of a split therefore add up to its whole.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tabellion.measures.measure import Criterion, Measure, criterion
from tabellion.measures.overview import Overview, Sums
from tabellion.schema import Field
from tabellion.schema.tables import Tables

SEVERAL, UNTOLD = "Plusieurs", "Non précisé"
#: What is said where a line may name several.
COUNTED_ONCE = "une ligne qui en nomme plusieurs compte une seule fois, dans « Plusieurs »"
_LINES = "lignes_budgetaires"


class _Named(Criterion):
    """A text that is one name, whatever its case, as Excel compares."""

    def __init__(self, field: str, name: str) -> None:
        super().__init__(field, name.casefold(), criterion(name))

    def holds(self, value: object) -> bool:
        """Whether a text is the name."""
        return value is not None and str(value).casefold() == self.value


class _ListsSeveral(Criterion):
    """A text that lists several names."""

    def __init__(self, field: str) -> None:
        super().__init__(field, None, '"*;*"')

    def holds(self, value: object) -> bool:
        """Whether a text lists more than one."""
        return ";" in str(value or "")


class _NoneOf(Criterion):
    """What meets none of some criteria of one field; no formula tells it by itself."""

    def __init__(self, field: str, others: Sequence[Criterion]) -> None:
        super().__init__(field, tuple(others))

    def holds(self, value: object) -> bool:
        """Whether no other criterion holds."""
        return not any(other.holds(value) for other in self.value)


@dataclass(frozen=True)
class Split:
    """The parts of the credits by a field: what each is called and which lines it has, what is left the last."""

    field: Field
    parts: tuple[tuple[str, Criterion], ...]

    @property
    def words(self) -> str:
        """What follows « par »: quartier, nature."""
        return self.field.title.lower().removesuffix("s")

    @property
    def note(self) -> str:
        """What is to be known of its totals; empty where each line names one thing."""
        return COUNTED_ONCE if self.field.names_of is not None else ""

    def sums(self, overview: Overview, exercice: int, conventions: Collection[int | None] = ()) -> dict[str, Sums]:
        """The sums of each part in an exercice, by what it is called; of some ``conventions`` only, or of all."""
        sums = dict.fromkeys((label for label, _ in self.parts), Sums())
        names = ("exercice", "convention_id", self.field.name)
        for key in overview.lines.groups(*names):
            if key[0] == exercice and (not conventions or key[1] in conventions):
                label = next(label for label, part in self.parts if part.holds(key[2]))
                sums[label] += overview.sums(**dict(zip(names, key, strict=True)))
        return sums

    def measures(self, parts: Sequence[Measure], cells: Sequence[str], whole: Measure) -> list[Measure]:
        """The measures of the parts in a row: those that a formula tells, and what the whole has beyond them.

        ``cells`` are what formulas name each of the parts by; it is blank where the whole is.
        """
        value = "" if whole.value == "" else whole.value - sum(part.value or 0 for part in parts)
        added = f"SUM({','.join(cells)})" if cells else "0"
        formula = f'IF({whole.formula}="","",ROUND({whole.formula}-{added},2))'
        return [*parts, Measure("euros", value, formula)]


def splits_of(tables: Tables) -> list[Split]:
    """The splits that the schema of the lines declares (``totaux``), in the order of its fields."""
    return [_split(field, tables) for field in tables[_LINES].schema.fields if field.is_split]


def _split(field: Field, tables: Tables) -> Split:
    names: Sequence[str] = field.enum
    if field.names_of is not None:
        table = tables[field.names_of]
        names = [name for name in table.column(table.schema.shown_key) if name is not None]
    parts: list[tuple[str, Criterion]] = [(name, _Named(field.name, name)) for name in names]
    if field.names_of is not None:
        parts.append((SEVERAL, _ListsSeveral(field.name)))
    rest = _NoneOf(field.name, [part for _, part in parts])
    return Split(field, (*parts, (UNTOLD, rest)))
