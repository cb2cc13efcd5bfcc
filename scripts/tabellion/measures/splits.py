"""Credits by the values of a field of the budget lines: by quartier, by nature … Each euro is counted once.

A line that names several values counts in none of them, but in :data:`SEVERAL`; what names none, or one that the
contract has not, is the rest: :data:`UNTOLD`. The parts of a split therefore add up to its whole.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tabellion.layout.names import quoted_text
from tabellion.measures.measure import Columns, Count, Criterion, Filled, Measure, Rows, criterion
from tabellion.measures.overview import Overview, Sums
from tabellion.schema import Field
from tabellion.schema.shown import names_in
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
        return _words(self.field)

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


@dataclass(frozen=True)
class Naming:
    """The fiches by what a field of theirs names: one that names several counts in each, so that these add up to more
    than the fiches.
    """

    field: Field
    names: tuple[str, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """The columns of its counts: each name, the fiches that name none, all fiches."""
        return (*self.names, UNTOLD, "Fiches")

    @property
    def heading(self) -> str:
        """What stands above them."""
        return f"Fiches par convention et par {_words(self.field)} (chacune compte dans tous ceux qu'elle nomme)"

    def measures(self, rows: Rows, columns: Columns, *where: Criterion) -> list[Measure]:
        """The counts of the fiches that meet criteria, in the order of :attr:`labels`."""
        counts = [self._count(name, rows, columns, where) for name in self.names]
        every = Count((*where, Filled("fiche_id", '"?*"')))
        return [
            *counts,
            every.also(Criterion(self.field.name, None, '""')).measure(rows, columns),
            every.measure(rows, columns),
        ]

    def _count(self, name: str, rows: Rows, columns: Columns, where: Sequence[Criterion]) -> Measure:
        texts = rows.columns[self.field.name]
        named = [position for position in rows.matching(where) if _is_named(name, texts[position])]
        column = columns(self.field.name)
        plain = f'SUBSTITUTE(SUBSTITUTE({column},"; ",";")," ;",";")'
        tests = [
            f"({columns(condition.field)}={condition.formula})" for condition in where if condition.formula is not None
        ]
        holds = f'ISNUMBER(SEARCH({quoted_text(f";{name};")},";"&{plain}&";"))'
        return Measure("count", len(named), f"SUMPRODUCT({'*'.join([*tests, f'({holds})'])}*1)")


def _is_named(name: str, text: str | None) -> bool:
    return name.casefold() in (name.casefold() for name in names_in(text))


def namings_of(tables: Tables) -> list[Naming]:
    """What the schema of the fiches declares that they name (``noms_de``)."""
    fields = [field for field in tables["fiches"].schema.fields if field.names_of is not None]
    return [Naming(field, tuple(_names(field, tables))) for field in fields]


def _words(field: Field) -> str:
    return field.title.lower().removesuffix("s")


def _names(field: Field, tables: Tables) -> Sequence[str]:
    """The values of a list, or the names of the table that the field names."""
    if field.names_of is None:
        return field.enum
    table = tables[field.names_of]
    return [name for name in table.column(table.schema.shown_key) if name is not None]


def _split(field: Field, tables: Tables) -> Split:
    names = _names(field, tables)
    parts: list[tuple[str, Criterion]] = [(name, _Named(field.name, name)) for name in names]
    if field.names_of is not None:
        parts.append((SEVERAL, _ListsSeveral(field.name)))
    unnamed = _NoneOf(field.name, [part for _, part in parts])
    return Split(field, (*parts, (UNTOLD, unnamed)))
