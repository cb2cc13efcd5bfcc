"""What the import recognises by its name: our fields and the names that other files give them (``import.toml``)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from tabellion.findings import TabellionError
from tabellion.importing.lines import key, similarity
from tabellion.layout.mistakes import layout_mistake, read_model
from tabellion.wording import fold

LOCAL, NATIONAL, PRIVATE = "public local", "public national", "privé"
_WORDS = {
    LOCAL: r"conseil|region|departement|epci|ville|commune|metropole|agglomeration",
    NATIONAL: r"etat|union europeenne|caisse des depots|prefecture|ministere|europe\b|feder|fse",
    PRIVATE: r"prive|cci|cma|fondation|entreprise|adherents|usagers|mecen|bailleur|chambre",
}


def category_of(names: str) -> str:
    """The category that funders' names tell best by their words; private where none tells."""
    counts = {name: len(re.findall(words, key(names))) for name, words in _WORDS.items()}
    return max(counts, key=lambda name: counts[name]) if any(counts.values()) else PRIVATE


def looks_like_funder(name: str) -> bool:
    """Whether a name has a word of funders."""
    return any(re.search(rf"\b(?:{words})", key(name)) for words in _WORDS.values())


IMPORT_FILE = "import.toml"
_YEAR = re.compile(r"(?<!\d)(20\d\d)(?!\d)")
#: What a title says of its unit, and marks of notes: no part of the name of a field.
_UNITS = re.compile(r"\([^)]*(?:€|eur|ttc|ht)[^)]*\)|€|\b(?:en euros?|euros?)\b|\*+|\(\d\)")
_TAX = re.compile(r"\b(?:ttc|ht)\b ?| (?:ttc|ht)$")
_NEAR = 0.86
_SHORTEST = 4
"""The letters of the shortest name that may be a part of a longer title."""
_LONGEST = 80
"""The characters of the longest title that is compared letter by letter."""
_AMOUNT = "montant"
_NamesByField = Annotated[
    dict[str, list[str]], Field(min_length=1, description="des champs et les noms qu'on leur donne")
]


class Certainty(Enum):
    """How sure a match is, in the words that people read."""

    SURE = "certain"
    LIKELY = "probable"
    UNKNOWN = "inconnu"


class _StrictWords(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _TableSection(_StrictWords):
    nature: str
    titre: str
    exige: list[list[str]]
    groupes: list[str] = []
    a_confirmer: list[str] = []
    colonnes: _NamesByField


class _PartnerWords(_StrictWords):
    vagues: list[str]


class _WordsFile(_StrictWords):
    tableau: list[_TableSection]
    titres: dict[str, str]
    partenaires: _PartnerWords


@dataclass(frozen=True, slots=True)
class NameMatch:
    """The field that a title stands for, how sure that is, and the year that the title names."""

    champ: str | None
    certainty: Certainty
    year: int | None = None


@dataclass(frozen=True)
class TableWords:
    """The names of the columns of one kind of table.

    ``required`` has lists of fields, one of each of which the table must have. A blank cell of a field of ``groups``
    repeats the cell above it where the table is a pivot's. ``doubtful`` are fields that a name alone does not settle.
    """

    nature: str
    title: str
    required: tuple[tuple[str, ...], ...]
    groups: frozenset[str]
    doubtful: frozenset[str]
    names: dict[str, str]
    """The field of each plain name."""

    def match(self, title: str, *, near: bool = True) -> NameMatch:
        """What a title stands for: certain when it is one of the names, likely when it holds one.

        With ``near``, also where it only resembles one.
        """
        plain, year = plain_title(title), year_of(title)
        if not plain:
            is_amount = year is not None and _AMOUNT in self.names.values()
            return NameMatch(_AMOUNT if is_amount else None, Certainty.LIKELY if is_amount else Certainty.UNKNOWN, year)
        champ = self.names.get(plain) or self.names.get(_TAX.sub("", plain))
        if champ is not None:
            return NameMatch(champ, Certainty.LIKELY if champ in self.doubtful else Certainty.SURE, year)
        held = [name for name in self.names if len(name) >= _SHORTEST and f" {name} " in f" {plain} "]
        best = max(held, key=len, default=None)
        if best is None and near and len(plain) <= _LONGEST:
            close = max(self.names, key=lambda name: similarity(plain, name))
            best = close if similarity(plain, close) >= _NEAR else None
        if best is None:
            return NameMatch(None, Certainty.UNKNOWN, year)
        return NameMatch(self.names[best], Certainty.LIKELY, year)

    def fits(self, fields: set[str]) -> bool:
        """Whether a table with these fields is one of this kind."""
        return all(fields & set(names) for names in self.required)


@dataclass(frozen=True)
class ImportWords:
    """All that ``import.toml`` says."""

    tables: tuple[TableWords, ...]
    titles: dict[str, str]
    vague: frozenset[str]

    def table(self, nature: str) -> TableWords:
        """The words of one kind of table."""
        return next(table for table in self.tables if table.nature == nature)


@lru_cache(maxsize=50_000)
def plain_title(title: str) -> str:
    """A title without case, accents, years, units, marks of notes and signs: what two titles of one field share."""
    text = _UNITS.sub(" ", _YEAR.sub(" ", fold(title)))
    return " ".join(re.findall(r"[a-z0-9']+", text.replace("°", " ").replace("º", " ")))


def year_of(text: str) -> int | None:
    """The one year that a text names; none where it names none or several."""
    years = set(_YEAR.findall(text))
    return int(years.pop()) if len(years) == 1 else None


def load_import_words(path: Path) -> ImportWords:
    """Read the words of the import. Raises :class:`TabellionError` with every mistake of the file."""
    file = read_model(path, _WordsFile, layout_mistake)
    untitled = [
        layout_mistake(path, f"titres.{champ}", "il faut un titre")
        for table in file.tableau
        for champ in table.colonnes
        if champ not in file.titres
    ]
    if untitled:
        raise TabellionError(untitled)
    tables = tuple(
        TableWords(
            table.nature,
            table.titre,
            tuple(map(tuple, table.exige)),
            frozenset(table.groupes),
            frozenset(table.a_confirmer),
            {plain_title(name): champ for champ, names in table.colonnes.items() for name in names},
        )
        for table in file.tableau
    )
    return ImportWords(tables, file.titres, frozenset(map(plain_title, file.partenaires.vagues)))
