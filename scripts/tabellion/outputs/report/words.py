"""How the report writes what it is given: amounts, days, links, bars, and texts that nobody vetted.

Widths and positions of bars are percentages of the bar's room, as texts with a point: ready for SVG. ``series`` numbers
a colour.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from urllib.parse import quote

from tabellion.findings import Place
from tabellion.measures.measure import percentages
from tabellion.outputs import Values
from tabellion.schema.days import written_date
from tabellion.schema.money import format_euros
from tabellion.wording import french_count

NO_BREAK, NARROW = "\u00a0", "\u202f"
#: Controls show nothing, lone surrogates cannot be written, and an embedding or override of direction turns around
#: what follows it: each shows as the sign of a character that cannot be shown. Tabs and ends of lines stay.
_UNSEEN = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
_BEFORE_MARK = re.compile(r" (?=[;?!](?:\s|$))")
_DIGIT_GROUPS = re.compile(r"(?<=\d) (?=\d{3}(?!\d))")
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
    return french_count(int(number.replace(NARROW, ""))) + (NO_BREAK if space else "") + noun


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
    line = f"ligne {place.ligne}" if place.ligne is not None else None
    return ", ".join(filter(None, [place.feuille, place.cellule, line]))


class Link(NamedTuple):
    """A place that people can open: what is shown, and the file's address (empty: no file)."""

    text: str
    href: str


def link_to(place: Place) -> Link:
    """A place as its file's name and the cell, with the file's address."""
    name = (place.fichier or "").rpartition("/")[2]
    text = ", ".join(filter(None, [name, where(place)]))
    return Link(text, href(place.fichier) if place.fichier else "")


def stacked(counts: Sequence[tuple[str, int, int]]) -> list[Values]:
    """The parts of a stacked bar from (label, number, series, 0 for none); a part of nothing is left out."""
    whole, start = sum(number for _, number, _ in counts), 0
    parts: list[Values] = []
    for (label, number, series), hundredths in zip(counts, percentages([count for _, count, _ in counts]), strict=True):
        if number:
            share = f"{hundredths}\u00a0%" if hundredths else "moins de 1\u00a0%"
            place = {"start": percent(start, whole), "width": percent(number, whole)}
            parts.append({"label": label, "number": number, "share": share, **place, "series": series})
            start += number
    return parts


def percent(part: int, whole: int) -> str:
    """``part`` of ``whole`` as a percentage with two decimals, between 0 and 100: ``33.33``."""
    hundredths = min(10_000, max(0, part * 10_000 // whole)) if whole > 0 else 0
    return f"{hundredths // 100}.{hundredths % 100:02d}"
