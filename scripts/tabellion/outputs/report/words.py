"""How the report writes what it is given: amounts, days, values of the tables, links, and texts that nobody vetted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from tabellion.campaign.model import Key
from tabellion.findings import Place
from tabellion.schema.amounts import format_euros
from tabellion.schema.days import written_date
from tabellion.schema.frames import plain_rows
from tabellion.schema.shown import shown_value
from tabellion.workbook.plan import Contract

NO_BREAK, NARROW = "\u00a0", "\u202f"
#: Controls show nothing, lone surrogates cannot be written, and an embedding or override of direction turns around
#: what follows it: each shows as the sign of a character that cannot be shown. Tabs and ends of lines stay.
_UNSEEN = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
_BEFORE_MARK = re.compile(r" (?=[;?!](?:\s|$))")
_DIGIT_GROUPS = re.compile(r"(?<=\d) (?=\d{3}(?!\d))")
#: Fields that name a row for a person, where its schema does not say which one does.
_NAMING = ("libelle", "nom", "titre", "objectif", "dispositif")
_LONGEST_LABEL = 120
#: Of the changes, conflicts and removals the page lists this many at most; the rest is counted.
LISTED_AT_MOST = 200


def visible(text: str) -> str:
    """``text`` with a visible sign in place of each character that is none, or that could turn the others around."""
    return _UNSEEN.sub("\ufffd", text) if _UNSEEN.search(text) else text


def typeset(text: str) -> str:
    """A French sentence with its no-break spaces: in guillemets and amounts, before double marks and units."""
    text = text.replace("« ", "«" + NO_BREAK).replace(" »", NO_BREAK + "»").replace(" : ", NO_BREAK + ": ")
    text = _DIGIT_GROUPS.sub(NARROW, _BEFORE_MARK.sub(NARROW, text))
    return text.replace(" €", NO_BREAK + "€").replace(" %", NO_BREAK + "%")


def grouped(text: str) -> str:
    """A count with its digits in threes, and a no-break space before its noun: ``1 234 lignes``."""
    number, space, noun = text.partition(" ")
    return f"{int(number):,}".replace(",", NARROW) + (NO_BREAK if space else "") + noun


def href(fichier: str) -> str:
    """The relative address, from ``consolidation/``, of a file named from ``workbooks/``: all but slashes encoded."""
    try:
        data = fichier.encode("utf-8", "surrogateescape")  # the bytes of a name that is not UTF-8, as the disk has them
    except UnicodeEncodeError:
        data = fichier.encode("utf-8", "replace")
    return "../" + quote(data, safe="/")


def signed(cents: int) -> str:
    """A difference: ``+1 200 €``, ``−350,50 €``, ``0 €``."""
    return f"{'+' if cents > 0 else '−' if cents < 0 else ''}{format_euros(abs(cents))}"


def moment(when: datetime) -> str:
    """``23 novembre 2016 à 3 h 05``, the time as it is given."""
    return f"{written_date(when.date())} à {when.hour}{NO_BREAK}h{NO_BREAK}{when.minute:02d}".replace(" ", NO_BREAK, 2)


def where(place: Place) -> str:
    """Where a value stands, without its file: ``Budget, B7``; ``ligne 12`` of a text; empty for a whole file."""
    parts = [place.feuille, place.cellule, f"ligne {place.ligne}" if place.ligne is not None else None]
    return ", ".join(part for part in parts if part)


@dataclass(frozen=True)
class Link:
    """A place that people can open: what is shown, and the file's address (empty: no file)."""

    text: str
    href: str


def link_to(place: Place) -> Link:
    """A place as its file's name and the cell, with the file's address."""
    name = (place.fichier or "").rpartition("/")[2]
    said = where(place)
    return Link(f"{name}, {said}" if name and said else name or said, href(place.fichier) if place.fichier else "")


class Naming:
    """What people call the rows, fields and values of a contract's tables."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self._rows: dict[str, dict[Key, str]] = {}
        self._labels: dict[str, dict[Any, str]] = {}

    def row(self, table: str, key: Key) -> str:
        """A row by its label and its key: ``Cantine (B01-ville-001, 2016)``."""
        shown = ", ".join(self._key_parts(table, key))
        label = self._row_labels(table).get(key, "")
        return f"{label} ({shown})" if label and label != shown else shown

    def table(self, table: str) -> str:
        """The title of a table."""
        return self.contract.schemas[table].title

    def field(self, table: str, champ: str) -> str:
        """The title of a field, as the columns say it."""
        known = self.contract.schemas[table].by_name.get(champ)
        return known.title if known is not None else champ

    def value(self, table: str, champ: str, value: Any) -> str:
        """A value as people read it: euros, days, oui and non, the name behind a key."""
        schema = self.contract.schemas[table]
        foreign = schema.foreign.get(champ)
        if foreign is not None and value is not None:
            return self._label(foreign.table, value)
        return shown_value(schema.by_name.get(champ), value)

    def _label(self, table: str, value: Any) -> str:
        if table not in self._labels:
            self._labels[table] = self.contract.labels(table)
        return self._labels[table].get(value, str(value))

    def _key_parts(self, table: str, key: Key) -> list[str]:
        schema = self.contract.schemas[table]
        parts = []
        for name, value in zip(schema.primary_key, key, strict=False):
            foreign = schema.foreign.get(name)
            named = foreign is not None and self.contract.schemas[foreign.table].label is not None
            parts.append(self._label(foreign.table, value) if named and foreign is not None else str(value))
        return parts

    def _row_labels(self, table: str) -> Mapping[Key, str]:
        if table not in self._rows:
            schema = self.contract.schemas[table]
            naming = schema.label or next((name for name in _NAMING if name in schema.names), None)
            self._rows[table] = {
                tuple(row[name] for name in schema.primary_key): _short(str(row[naming]))
                for row in plain_rows(self.contract.tables[table])
                if naming is not None and row[naming] is not None
            }
        return self._rows[table]


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_LABEL else text[: _LONGEST_LABEL - 1].rstrip() + "…"
