"""What a table is: its fields with their kinds and constraints, its keys, as a Table Schema declares them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from tabellion.wording import french_date

if TYPE_CHECKING:
    from tabellion.schema.forms import TableSpec

#: One value of a table: amounts are integer cents, ``None`` is blank.
Value = str | int | bool | date | None
Key = tuple[Any, ...]
"""The values of a row's primary key, in the schema's order."""

Kind = Literal["string", "integer", "money", "percent", "date", "boolean"]

#: Words that stand for true and for false in a register and in a workbook, the first of each being the one written.
TRUE_WORD, FALSE_WORD = "oui", "non"

#: The tables of a contract, parents before children: the order of loading, saving and reporting.
TABLES = (
    "piliers", "conventions", "axes", "collectivites", "quartiers", "financeurs", "partenaires", "fiches",
    "participations", "suivis", "financements", "subventions", "plan_charges", "plan_produits", "lignes_budgetaires",
    "totaux_publies", "reglages", "exercices",
)  # fmt: skip
#: Tables that only a contract with plans de financement needs: an older workspace may have neither their schemas nor
#: their CSV.
FUNDING_TABLES = ("plan_charges", "plan_produits")
#: What staff set in Excel: the settings one by one, and the last day of each exercice's campaign.
SETTING_TABLES = ("reglages", "exercices")
#: Tables that a contract has where its schemas declare them.
OPTIONAL_TABLES = ("quartiers",)
#: Tables that came later: a register written before them has no CSV of theirs.
LATER_TABLES = (*OPTIONAL_TABLES, *FUNDING_TABLES, *SETTING_TABLES)

#: The longest text that a cell of Excel holds, in characters.
CELL_LENGTH = 32_767
#: The width of a column whose schema says none, in characters.
DEFAULT_WIDTH = 14


_WHOLE: Mapping[str, str] = {"integer": "un nombre entier", "percent": "un pourcentage entier"}


@dataclass(frozen=True, slots=True)
class Field:
    """One column of a table: its name, its kind, what people read of it, and its constraints.

    ``minimum`` and ``maximum`` are in the unit of the declaration (euros for amounts); ``earliest`` and ``latest`` are
    those of a date. ``width`` is in characters, as Excel counts them; a ``one_line`` text is not wrapped in its cell.
    ``choices`` names a list of the workbook that the field offers (``exercices``), where neither an ``enum`` nor a
    foreign key does. A field that ``is_recent`` has no column in the workbooks from before it: they are read without.
    ``names_of`` is the table whose rows a text names, one or several; a field of the budget lines that ``is_split``
    gives totals by its values.
    """

    name: str
    kind: Kind
    title: str
    description: str
    example: str | None = None
    prompt: str | None = None
    width: float = DEFAULT_WIDTH
    required: bool = False
    unique: bool = False
    pattern: str | None = None
    enum: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    earliest: date | None = None
    latest: date | None = None
    min_length: int | None = None
    max_length: int | None = None
    email: bool = False
    one_line: bool = False
    choices: str | None = None
    is_recent: bool = False
    names_of: str | None = None
    is_split: bool = False
    is_technical: bool = False

    @property
    def anchored_pattern(self) -> str | None:
        """The pattern as a whole-value regular expression: the standard means it so, ``re`` does not by itself.

        It ends in ``\\Z``, because ``$`` would let a final newline through.
        """
        return None if self.pattern is None else rf"^(?:{self.pattern})\Z"

    @property
    def expected(self) -> str:
        """What a value of this field must be, in French, for messages and prompts."""
        if self.enum:
            return "une valeur de la liste : " + ", ".join(self.enum)
        if self.kind == "date":
            first, last = (None if day is None else french_date(day) for day in (self.earliest, self.latest))
            bounds = _bounds(first, last, ", entre le {} et le {}", ", à partir du {}", ", jusqu'au {}")
            return f"une date, comme 31/12/2016{bounds}"
        low, high = (None if bound is None else f"{bound:g}" for bound in (self.minimum, self.maximum))
        bounds = _bounds(low, high, " entre {} et {}", " d'au moins {}", " d'au plus {}")
        if self.kind == "money":
            return f"un montant en euros{bounds}, en chiffres"
        if self.kind in _WHOLE:
            return _WHOLE[self.kind] + bounds
        if self.kind == "boolean":
            return f"{TRUE_WORD} ou {FALSE_WORD}"
        if self.names_of is not None:
            return "un ou plusieurs noms de la liste, séparés par « ; »"
        parts = ["une adresse de courriel" if self.email else "un texte"]
        if self.pattern is not None:
            parts.append(f"de la forme « {self.example} »" if self.example else f"de la forme {self.pattern}")
        if self.min_length is not None:
            parts.append(f"d'au moins {self.min_length} caractères")
        if self.max_length is not None:
            parts.append(f"de {self.max_length} caractères au plus")
        return " ".join(parts)


def _bounds(low: str | None, high: str | None, between: str, least: str, most: str) -> str:
    """Bounds in words: ``between`` where there are two, else ``least`` or ``most``; nothing without any."""
    if low is not None and high is not None:
        return between.format(low, high)
    return least.format(low) if low is not None else most.format(high) if high is not None else ""


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A field whose values are the primary key of another table."""

    field: str
    table: str
    reference: str


@dataclass(frozen=True)
class TableSchema:
    """A table: its fields in order, its keys, and the field people read in place of the key (``label``)."""

    name: str
    title: str
    description: str
    fields: tuple[Field, ...]
    primary_key: tuple[str, ...]
    foreign_keys: tuple[ForeignKey, ...] = ()
    label: str | None = None

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        """The fields by name."""
        return {field.name: field for field in self.fields}

    @cached_property
    def foreign(self) -> Mapping[str, ForeignKey]:
        """The foreign keys by the name of their field."""
        return {key.field: key for key in self.foreign_keys}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the fields, in order."""
        return tuple(field.name for field in self.fields)

    def refers_to(self, name: str) -> str | None:
        """The table whose rows the values of a field are: by a foreign key, or by the names that a text lists."""
        key = self.foreign.get(name)
        return self.by_name[name].names_of if key is None else key.table

    def is_optional(self, name: str) -> bool:
        """Whether a table can do without a field: it may be blank, and no row is found by it."""
        field = self.by_name[name]
        return not (field.required or field.unique or name in self.primary_key)

    @property
    def shown_key(self) -> str:
        """The field that a drop-down of this table lists: its label, or else its primary key."""
        return self.label or self.primary_key[0]


class Schemas(dict[str, TableSchema]):
    """Every table's schema by name, in the order of :data:`TABLES`, and the forms made of their fields."""

    forms: tuple[TableSpec, ...] = ()
