"""The financements that count in an exercice: its own, else the latest known of each before it. Never two years of one.

A financement is followed from year to year by its identifier, but for the exercice at its end: ``I-1.1./2:region``,
as the document published it, is ``I-1.1./2:region:2016`` and ``I-1.1./2:region:2017`` afterwards.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from tabellion.measures.measure import Begins, Columns
from tabellion.schema.tables import Row

#: The column that says whether a row counts, in every table that has one, and its header.
RETAINED, RETAINED_LABEL = "retenu", "Retenu"
#: Its words where the row counts begin so.
COUNTED = Begins(RETAINED, "oui")
_OF_THE_YEAR, _UNDATED, _OF = "oui", "oui, sans exercice", "oui, de "
_REPLACED, _LATER = "non, remplacé", "non, à venir"
_YEAR = re.compile(r":[0-9]{4}\Z")


def lineage(identifier: str | None) -> str:
    """What the identifiers of one financement share from year to year."""
    return _YEAR.sub("", identifier or "")


def of_exercice(identifier: str, exercice: int | None) -> str:
    """The identifier of the same financement in an exercice, or in none."""
    return lineage(identifier) if exercice is None else f"{lineage(identifier)}:{exercice}"


def retained(identifiers: Iterable[str | None], years: Iterable[int | None], exercice: int) -> list[str]:
    """Whether each row counts in ``exercice``, in words; a row without an identifier is followed by no other."""
    rows = [(lineage(identifier), year or 0) for identifier, year in zip(identifiers, years, strict=True)]
    latest: defaultdict[str, int] = defaultdict(int)
    for name, year in rows:
        if name and latest[name] < year <= exercice:
            latest[name] = year
    return [_words(year, exercice, latest[name] if name else 0) for name, year in rows]


def retained_rows(rows: Sequence[Row], exercice: int) -> list[Row]:
    """The rows that count in ``exercice``, in their order. A schema from before the exercices gives all of them."""
    words = retained_of(rows, exercice)
    return [row for row, word in zip(rows, words, strict=True) if COUNTED.holds(word)]


def retained_of(rows: Sequence[Row], exercice: int) -> list[str]:
    """Whether each row counts in ``exercice``, in words."""
    years: list[Any] = [row.get("exercice") for row in rows]
    return retained([row["financement_id"] for row in rows], years, exercice)


def retained_formula(columns: Columns, cell: Columns, exercice: str) -> str:
    """The formula of :func:`retained`: ``columns`` names whole columns, ``cell`` those of the row, by field."""
    key, year, keys, years = cell("financement_id"), cell("exercice"), columns("financement_id"), columns("exercice")
    is_dated = f'AND(MID({key},LEN({key})-4,1)=":",ISNUMBER(-RIGHT({key},4)))'
    name = f"IFERROR(IF({is_dated},LEFT({key},LEN({key})-5),{key}),{key})"
    later = f'COUNTIFS({keys},{name}&{{"",":????"}},{years},">"&N({year}),{years},"<="&{exercice})'
    is_replaced = f'IF({key}="",FALSE,SUMPRODUCT({later})>0)'
    known = f'IF({year}="","{_UNDATED}",IF({year}={exercice},"{_OF_THE_YEAR}","{_OF}"&{year}))'
    return (
        f'IF(AND({key}="",{cell("fiche_id")}=""),"",IF(N({year})>{exercice},"{_LATER}",'
        f'IF({is_replaced},"{_REPLACED}",{known})))'
    )


def _words(year: int, exercice: int, latest: int) -> str:
    if year > exercice:
        return _LATER
    if year < latest:
        return _REPLACED
    if not year:
        return _UNDATED
    return _OF_THE_YEAR if year == exercice else f"{_OF}{year}"
