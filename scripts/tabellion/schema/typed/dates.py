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
    day_meant,
    make_day,
    month_number,
    parse_day,
    parse_moment,
    serial_date,
    written_date,
)
from tabellion.schema.typed.rules import ZERO_WORDS, Rules, Typed
from tabellion.wording import fold, french_date

_RUN_TOGETHER = re.compile(r"\d{8}")
_SERIAL = re.compile(r"\d{5}(?:[.,]\d+)?")
_INCOMPLETE = re.compile(
    r"(?:(?:debut|fin|courant|mi|milieu|ete|automne|hiver|printemps|annee|[tq][1-4]|[1-4](?:er|e|eme)? ?trimestre"
    r"|[a-z]{3,}\.?|\d{1,2})"
    r"[ /.-]*){0,3}(?:19|20)\d{2}|[a-z]+ ?\d{0,2}|\d{1,2}[/.-]\d{1,2}|\d{1,2}(?:er)? [a-z]{3,}"
)
_ANY_DATE = re.compile(r"\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}|\d{4}-\d{2}-\d{2}|\d{1,2}(?:er)? [^\W\d]{3,}\.? \d{4}")


def _proposed(day: date | None) -> str | None:
    return None if day is None else f"Saisissez {french_date(day)}."


def _lacking(year: int) -> str:
    return f"Saisissez le jour, le mois et l'année, par exemple 31/12/{year}."


def _names_a_month(folded: str) -> bool:
    words = re.findall(r"[a-z]{3,}", folded)
    return any(month_number(word) for word in words) or re.fullmatch(r"\d{1,2}[/.-]\d{1,2}", folded) is not None


def _year_digits(typed: Typed) -> int:
    """How many digits the year of a date written in numbers has; 0 for anything else."""
    match = NUMERIC.fullmatch(typed.text)
    return len(match["year"]) if match is not None else 0


_LAST_DAY = date(2016, 12, 31)


def _real(typed: Typed) -> date | None:
    value = typed.value
    if isinstance(value, datetime):
        return value.date() if value.time() == time() else None
    return value if isinstance(value, date) else None


def _moment(typed: Typed) -> tuple[date, bool] | None:
    """The day meant by a date with a time, whether Excel's or written, and whether that is a doubt."""
    if isinstance(typed.value, datetime):
        return day_meant(typed.value)
    return parse_moment(typed.text) if typed.text else None


def _doubtful(typed: Typed) -> date | None:
    day, is_doubtful = _moment(typed) or (None, False)
    return day if is_doubtful else None


def _serial(typed: Typed) -> date | None:
    number = typed.plain_number
    if number is None or not 0 <= number < 100_000 or number != int(number):
        return None
    return serial_date(number, date1904=typed.date1904)


def _run_together(typed: Typed) -> str | None:
    digits = typed.text if typed.number is None else f"{typed.number:.0f}"
    if not _RUN_TOGETHER.fullmatch(digits):
        return None
    days = {make_day(digits[4:], digits[2:4], digits[:2]), make_day(digits[:4], digits[4:6], digits[6:])} - {None}
    return _proposed(days.pop()) if len(days) == 1 else None


def _old_short_year(typed: Typed) -> str | None:
    match = NUMERIC.fullmatch(typed.text) or WORDED.fullmatch(fold(typed.text))
    if match is None or len(match["year"]) != 2 or int(match["year"]) <= LAST_SHORT_YEAR:
        return None
    return "Saisissez l'année à quatre chiffres."


def _impossible(typed: Typed) -> str | bool | None:
    match = ISO.fullmatch(typed.text) or NUMERIC.fullmatch(typed.text) or WORDED.fullmatch(fold(typed.text))
    if match is None:
        return None
    year, day = int(match["year"]), int(match["day"])
    month = int(match["month"]) if match["month"].isdigit() else month_number(match["month"])
    if month is None:
        return None
    year += 2000 if year < 100 else 0
    swapped = make_day(year, day, month) if month > 12 else None
    if swapped is not None:
        return _proposed(swapped)
    if year not in YEARS or not 1 <= month <= 12:
        return True
    last = calendar.monthrange(year, month)[1]
    if 1 <= day <= last:  # the day of the week is another one
        return _proposed(date(year, month, day))
    return f"{MONTHS[month - 1].capitalize()} {year} a {last} jours : saisissez la date exacte."


def _serial_text(typed: Typed) -> str | None:
    if not _SERIAL.fullmatch(typed.text):
        return None
    return _proposed(serial_date(float(typed.text.replace(",", ".")), date1904=typed.date1904))


def _incomplete(typed: Typed) -> str | None:
    folded = fold(typed.text)
    year = re.search(r"(?:19|20)\d\d", folded)
    if not _INCOMPLETE.fullmatch(folded) or (year is None and not _names_a_month(folded)):
        return None
    return _lacking(int(year[0])) if year else "Saisissez le jour, le mois et l'année."


def _two(typed: Typed) -> str | None:
    dates = _ANY_DATE.findall(typed.text)
    return f"Saisissez {dates[0]} ou {dates[1]}, pas les deux." if len(dates) > 1 else None


def _among_words(typed: Typed) -> str | None:
    dates = _ANY_DATE.findall(typed.text)
    return _proposed(parse_day(dates[0])) if len(dates) == 1 else None


# fmt: off
DATE_RULES = Rules[date]("date", written_date)
DATE_RULES.takes("une date", _LAST_DAY, _real)
DATE_RULES.understands("une date avec une heure proche de minuit, ou d'un autre fuseau", datetime(2016, 12, 30, 23, 0),
    _doubtful, "date-au-jour-pres")
DATE_RULES.understands("une date avec une heure", datetime(2016, 12, 31, 14, 30),
    lambda typed: typed.value.date() if isinstance(typed.value, datetime) else None)
DATE_RULES.understands("le numéro qu'Excel donne à un jour", 42735, _serial)
DATE_RULES.refuses("pas-une-date", "une date sans séparateur", 20161231, _run_together)
DATE_RULES.refuses("date-incomplete", "une année seule", 2016,
    lambda typed: _lacking(int(typed.number)) if typed.number is not None and typed.number in YEARS else None)
DATE_RULES.refuses("pas-une-date", "un autre nombre, une heure, VRAI ou FAUX", 12,
    lambda typed: not isinstance(typed.value, str))
DATE_RULES.leaves_blank("« n.c. », « ? », « néant », un tiret", "?", *ZERO_WORDS)
DATE_RULES.understands("année, mois, jour", "2016-12-31",
    lambda typed: parse_day(typed.text) if ISO.fullmatch(typed.text) else None)
DATE_RULES.understands("jour, mois, année", "03/04/2016",
    lambda typed: parse_day(typed.text) if _year_digits(typed) == 4 else None)
DATE_RULES.understands("jour, mois, année à deux chiffres (00 à 49)", "31-12-16",
    lambda typed: parse_day(typed.text) if _year_digits(typed) == 2 else None)
DATE_RULES.understands("le mois en lettres", "31 décembre 2016", lambda typed: parse_day(typed.text))
DATE_RULES.refuses("date-incomplete", "une année à deux chiffres (50 à 99)", "31/12/85", _old_short_year)
DATE_RULES.refuses("date-impossible", "une date qui n'existe pas", "31/02/2016", _impossible)
DATE_RULES.refuses("pas-une-date", "le numéro d'un jour saisi comme un texte", "42735", _serial_text)
DATE_RULES.refuses("date-incomplete", "une date à laquelle il manque le jour, le mois ou l'année", "fin 2016",
    _incomplete)
DATE_RULES.refuses("deux-valeurs", "deux dates dans une cellule", "01/01/2016 - 31/12/2016", _two)
DATE_RULES.refuses("pas-une-date", "une date parmi des mots", "avant le 31/12/2016", _among_words)
DATE_RULES.refuses("pas-une-date", "tout autre texte", "bientôt",
    lambda _: "Saisissez le jour, le mois et l'année, comme 31/12/2016, ou laissez la cellule vide.")
