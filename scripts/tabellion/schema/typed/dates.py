"""Dates as people type them. The day comes first, as French people write it; a date that is none is never mended."""

from __future__ import annotations

import calendar
import re
from datetime import date, datetime, time

from tabellion.schema.days import (
    ISO,
    LAST_SHORT_YEAR,
    MONTHS,
    NUMERIC,
    WORDED,
    YEARS,
    make_day,
    month_number,
    parse_day,
    serial_date,
    written_date,
)
from tabellion.schema.typed.model import Example, Reading, Rules, Typed, refused
from tabellion.schema.typed.words import LEAVE_BLANK, ZERO_WORDS, is_unknown
from tabellion.wording import fold, french_date

_RUN_TOGETHER = re.compile(r"\d{8}")
_SERIAL = re.compile(r"\d{5}(?:[.,]\d+)?")
_INCOMPLETE = re.compile(
    r"(?:(?:debut|fin|courant|mi|milieu|ete|automne|hiver|printemps|annee|[tq][1-4]|[1-4](?:er|e|eme)? ?trimestre"
    r"|[a-z]{3,}\.?|\d{1,2})"
    r"[ /.-]*){0,3}(?:19|20)\d{2}|[a-z]+ ?\d{0,2}|\d{1,2}[/.-]\d{1,2}|\d{1,2}(?:er)? [a-z]{3,}"
)
_ANY_DATE = re.compile(r"\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}|\d{4}-\d{2}-\d{2}|\d{1,2}(?:er)? [^\W\d]{3,}\.? \d{4}")


def _taken(day: date | None) -> Reading | None:
    return None if day is None else Reading(day, written_date(day))


def _proposed(day: date | None, code: str = "pas-une-date") -> Reading | None:
    return None if day is None else refused(code, f"Tapez {french_date(day)}.")


def _lacking(year: int) -> Reading:
    return refused("date-incomplete", f"Tapez le jour, le mois et l'année, par exemple 31/12/{year}.")


def _names_a_month(folded: str) -> bool:
    words = re.findall(r"[a-z]{3,}", folded)
    return any(month_number(word) for word in words) or re.fullmatch(r"\d{1,2}[/.-]\d{1,2}", folded) is not None


_LAST_DAY = date(2016, 12, 31)


DATE_RULES = Rules("date")


@DATE_RULES.takes("une date", "ce jour", Example(_LAST_DAY, _LAST_DAY), Example(datetime(2016, 12, 31), _LAST_DAY))
def _real(typed: Typed) -> Reading | None:
    value = typed.value
    if isinstance(value, datetime):
        return _taken(value.date()) if value.time() == time() else None
    return _taken(value) if isinstance(value, date) else None


@DATE_RULES.understands(
    "une date avec une heure", "ce jour, sans l'heure", Example(datetime(2016, 12, 31, 14, 30), _LAST_DAY)
)
def _with_time(typed: Typed) -> Reading | None:
    return _taken(typed.value.date()) if isinstance(typed.value, datetime) else None


@DATE_RULES.understands(
    "le numéro qu'Excel donne à un jour", "ce jour", Example(42735, _LAST_DAY), Example(42735.0, _LAST_DAY)
)
def _serial(typed: Typed) -> Reading | None:
    number = typed.number
    if number is None or typed.percent or not 0 <= number < 100_000 or number != int(number):
        return None
    return _taken(serial_date(number, date1904=typed.date1904))


@DATE_RULES.refuses(
    "une date sans séparateur",
    "la date est proposée",
    Example(20161231, code="pas-une-date", proposal="31/12/2016"),
    Example("31122016", code="pas-une-date", proposal="31/12/2016"),
)
def _run_together(typed: Typed) -> Reading | None:
    number = typed.number
    digits = typed.text if number is None else f"{number:.0f}"
    if not _RUN_TOGETHER.fullmatch(digits):
        return None
    days = {make_day(digits[4:], digits[2:4], digits[:2]), make_day(digits[:4], digits[4:6], digits[6:])} - {None}
    return _proposed(days.pop()) if len(days) == 1 else None


@DATE_RULES.refuses(
    "une année seule", "il manque le jour et le mois", Example(2016, code="date-incomplete", proposal="31/12/2016")
)
def _year(typed: Typed) -> Reading | None:
    number = typed.number
    if number is None or number not in YEARS:
        return None
    return _lacking(int(number))


@DATE_RULES.refuses(
    "un autre nombre, une heure, VRAI ou FAUX",
    "ce n'est pas une date",
    Example(12, code="pas-une-date"),
    Example(time(14, 30), code="pas-une-date"),
    Example(True, code="pas-une-date"),
)
def _not_a_date(typed: Typed) -> Reading | None:
    return None if isinstance(typed.value, str) else refused("pas-une-date")


@DATE_RULES.refuses(
    "« n.c. », « ? », « néant », un tiret",
    "une cellule vide et un commentaire le disent mieux",
    Example("?", code="valeur-inconnue", proposal="vide"),
    Example("-", code="valeur-inconnue", proposal="vide"),
    Example("à voir", code="valeur-inconnue", proposal="vide"),
)
def _unknown(typed: Typed) -> Reading | None:
    known = not is_unknown(typed.text) and fold(typed.text) not in ZERO_WORDS
    return None if known else refused("valeur-inconnue", LEAVE_BLANK)


@DATE_RULES.understands(
    "année, mois, jour",
    "ce jour",
    Example("2016-12-31", _LAST_DAY),
    Example("2016/12/31", _LAST_DAY),
    Example("2016-12-31T00:00:00", _LAST_DAY),
)
def _iso(typed: Typed) -> Reading | None:
    return _taken(parse_day(typed.text)) if ISO.fullmatch(typed.text) else None


@DATE_RULES.understands(
    "jour, mois, année",
    "le jour vient d'abord",
    Example("03/04/2016", date(2016, 4, 3)),
    Example("31/12/2016", _LAST_DAY),
    Example("31-12-2016", _LAST_DAY),
    Example("31.12.2016", _LAST_DAY),
    Example("31 12 2016", _LAST_DAY),
    Example("1/2/2016", date(2016, 2, 1)),
    Example("31/12/2016 14:30", _LAST_DAY),
)
def _numeric(typed: Typed) -> Reading | None:
    match = NUMERIC.fullmatch(typed.text)
    return _taken(parse_day(typed.text)) if match is not None and len(match["year"]) == 4 else None


@DATE_RULES.understands(
    "jour, mois, année à deux chiffres (00 à 49)",
    "une année de ce siècle",
    Example("31-12-16", _LAST_DAY),
    Example("31/12/16", _LAST_DAY),
)
def _short_year(typed: Typed) -> Reading | None:
    match = NUMERIC.fullmatch(typed.text)
    return _taken(parse_day(typed.text)) if match is not None and len(match["year"]) == 2 else None


@DATE_RULES.understands(
    "le mois en lettres",
    "ce jour",
    Example("31 décembre 2016", _LAST_DAY),
    Example("31 DEC. 2016", _LAST_DAY),
    Example("31-déc-16", _LAST_DAY),
    Example("samedi 31 décembre 2016", _LAST_DAY),
    Example("1er janvier 2016", date(2016, 1, 1)),
)
def _worded(typed: Typed) -> Reading | None:
    return _taken(parse_day(typed.text))


@DATE_RULES.refuses(
    "une année à deux chiffres (50 à 99)",
    "de quel siècle ?",
    Example("31/12/85", code="date-incomplete", proposal="quatre chiffres"),
)
def _old_short_year(typed: Typed) -> Reading | None:
    match = NUMERIC.fullmatch(typed.text) or WORDED.fullmatch(fold(typed.text))
    if match is None or len(match["year"]) != 2 or int(match["year"]) <= LAST_SHORT_YEAR:
        return None
    return refused("date-incomplete", "Tapez l'année à quatre chiffres.")


@DATE_RULES.refuses(
    "une date qui n'existe pas",
    "le mois ou le jour est à corriger",
    Example("31/02/2016", code="date-impossible", proposal="29 jours"),
    Example("12/31/2016", code="date-impossible", proposal="31/12/2016"),
    Example("31/13/2016", code="date-impossible"),
    Example("2016-02-30", code="date-impossible", proposal="29 jours"),
    Example("31 avril 2016", code="date-impossible", proposal="30 jours"),
    Example("lundi 31 décembre 2016", code="date-impossible", proposal="31/12/2016"),
)
def _impossible(typed: Typed) -> Reading | None:
    match = ISO.fullmatch(typed.text) or NUMERIC.fullmatch(typed.text)
    if match is None:
        words = WORDED.fullmatch(fold(typed.text))
        if words is None or (named := month_number(words["month"])) is None:
            return None
        year, month, day = int(words["year"]), named, int(words["day"])
    else:
        year, month, day = int(match["year"]), int(match["month"]), int(match["day"])
    year += 2000 if year < 100 else 0
    swapped = make_day(year, day, month) if month > 12 else None
    if swapped is not None:
        return _proposed(swapped, "date-impossible")
    if year not in YEARS or not 1 <= month <= 12:
        return refused("date-impossible")
    last = calendar.monthrange(year, month)[1]
    if 1 <= day <= last:  # the day of the week is another one
        return _proposed(date(year, month, day), "date-impossible")
    words_of = f"{MONTHS[month - 1]} {year}"
    return refused("date-impossible", f"{words_of.capitalize()} a {last} jours : tapez la date exacte.")


@DATE_RULES.refuses(
    "le numéro d'un jour tapé comme un texte",
    "la date est proposée",
    Example("42735", code="pas-une-date", proposal="31/12/2016"),
)
def _serial_text(typed: Typed) -> Reading | None:
    if not _SERIAL.fullmatch(typed.text):
        return None
    return _proposed(serial_date(float(typed.text.replace(",", ".")), date1904=typed.date1904))


@DATE_RULES.refuses(
    "une date à laquelle il manque le jour, le mois ou l'année",
    "il faut les trois",
    Example("décembre 2016", code="date-incomplete", proposal="31/12/2016"),
    Example("12/2016", code="date-incomplete"),
    Example("fin 2016", code="date-incomplete"),
    Example("2016", code="date-incomplete"),
    Example("31/12", code="date-incomplete"),
    Example("31 décembre", code="date-incomplete"),
)
def _incomplete(typed: Typed) -> Reading | None:
    folded = fold(typed.text)
    year = re.search(r"(?:19|20)\d\d", folded)
    if not _INCOMPLETE.fullmatch(folded) or (year is None and not _names_a_month(folded)):
        return None
    return _lacking(int(year[0])) if year else refused("date-incomplete", "Tapez le jour, le mois et l'année.")


@DATE_RULES.refuses(
    "deux dates dans une cellule",
    "on ne sait pas laquelle garder",
    Example("01/01/2016 - 31/12/2016", code="deux-valeurs", proposal="01/01/2016 ou 31/12/2016"),
)
def _two(typed: Typed) -> Reading | None:
    found = _ANY_DATE.findall(typed.text)
    if len(found) < 2:
        return None
    return refused("deux-valeurs", f"Tapez {found[0]} ou {found[1]}, pas les deux.")


@DATE_RULES.refuses(
    "une date parmi des mots",
    "la date est proposée",
    Example("avant le 31/12/2016", code="pas-une-date", proposal="31/12/2016"),
)
def _among_words(typed: Typed) -> Reading | None:
    found = _ANY_DATE.findall(typed.text)
    return _proposed(parse_day(found[0])) if len(found) == 1 else None


@DATE_RULES.refuses("tout autre texte", "ce n'est pas une date", Example("bientôt", code="pas-une-date"))
def _other(_: Typed) -> Reading | None:
    return refused("pas-une-date", "Tapez le jour, le mois et l'année, comme 31/12/2016, ou laissez la cellule vide.")
