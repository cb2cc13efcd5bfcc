"""What people type: every example of every rule gives what the table of rules says, and nothing is guessed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.spellings import REFUSED, TAKEN
from tabellion.findings import CATALOGUE, Place, Severity, finding
from tabellion.schema.cast import CastColumn, cast_column
from tabellion.schema.days import MONTHS, serial_date, written_date
from tabellion.schema.money import format_euros
from tabellion.schema.typed import (
    SAMPLES,
    TYPED_RULES,
    Outcome,
    TypedRule,
    make_typed,
    read_typed,
    typed_dictionary,
)

MONEY, PERCENT, DATE = SAMPLES["money"], SAMPLES["percent"], SAMPLES["date"]
INTEGER, BOOLEAN = SAMPLES["integer"], SAMPLES["boolean"]


def cast(kind: str, value: Any, *, percent: bool = False) -> CastColumn:
    return cast_column(SAMPLES[kind], [value], tolerant=True, percents={0} if percent else ())  # type: ignore[index]


def test_a_number_typed_in_a_text_is_the_digits_that_people_see() -> None:
    """A SIRET is 14 digits, that Excel keeps as a number where the cell is no text."""
    typed = (21280085300017.0, 2016.0, 0.5, 35600000000048.0)
    assert cast_column(SAMPLES["text"], list(typed)).values == ["21280085300017", "2016", "0.5", "35600000000048"]


def verdict(kind: str, value: Any) -> tuple[Any, list[str]]:
    """The value taken, and the codes of what is said."""
    column = cast(kind, value)
    return column.values[0], [item.code for item in (*column.problems, *column.notices)]


Spelt = tuple[str, str, bool, Any]
TAKEN_SPELLINGS = [((*row[:3], typed), value) for row in TAKEN for typed, value in row[3].items()]
REFUSED_SPELLINGS = [((*row[:3], typed), row[3], words) for row in REFUSED for typed, words in row[4].items()]


def rule_and_column(spelt: Spelt) -> tuple[TypedRule, CastColumn]:
    """The rule that recognises a spelling, and what a column of it becomes."""
    kind, _, percent, typed = spelt
    rule, _ = read_typed(make_typed(typed, SAMPLES[kind], percent=percent))  # type: ignore[index]
    return rule, cast(kind, typed, percent=percent)


@pytest.mark.parametrize(("spelt", "value"), TAKEN_SPELLINGS, ids=repr)
def test_what_is_understood_has_its_value(spelt: Spelt, value: Any) -> None:
    rule, column = rule_and_column(spelt)
    reading = read_typed(make_typed(spelt[3], SAMPLES[spelt[0]], percent=spelt[2]))[1]  # type: ignore[index]
    assert (rule.kind, rule.spelling) == spelt[:2]
    assert (column.values, column.problems) == ([value], [])
    assert type(column.values[0]) is type(value)
    assert [item.code for item in column.notices] == ([reading.notice] if rule.outcome is Outcome.COMPRIS else [])
    assert all(notice.understood for notice in column.notices)


@pytest.mark.parametrize(("spelt", "code", "words"), REFUSED_SPELLINGS, ids=repr)
def test_what_is_refused_has_its_code_and_its_remedy(spelt: Spelt, code: str, words: str) -> None:
    rule, column = rule_and_column(spelt)
    assert (rule.kind, rule.spelling) == spelt[:2]
    assert rule.outcome is (Outcome.REFUSE if CATALOGUE[code].bloquant else Outcome.VIDE)
    assert (column.values, column.notices, column.unknown) == ([None], [], {0})
    assert [item.code for item in column.problems] == [code]
    assert words in (column.problems[0].suggestion or "")


def test_every_rule_has_its_spellings_and_an_example_of_its_own() -> None:
    spelt = {row[:2] for row in TAKEN} | {row[:2] for row in REFUSED}
    assert spelt == {(rule.kind, rule.spelling) for rule in TYPED_RULES}
    for rule in TYPED_RULES:
        assert read_typed(make_typed(rule.example, SAMPLES[rule.kind], percent=rule.in_percents))[0] is rule
    assert CATALOGUE["valeur-comprise"].gravite is Severity.INFORMATION


def test_the_guide_has_one_row_per_rule_with_what_it_gives() -> None:
    guide = typed_dictionary()
    assert len(guide) == len(TYPED_RULES)
    assert all(rule.kind and rule.spelling and rule.outcome and rule.example and rule.understood for rule in guide)
    assert not [rule for rule in guide if "{" in rule.understood]
    assert all(char >= " " or char == "\n" for rule in guide for char in rule.example)


@pytest.mark.parametrize("kind", SAMPLES)
@pytest.mark.parametrize("blank", [None, "", " ", "\u00a0", "\u200b", "\n"])
def test_a_blank_is_no_value_and_nothing_is_said(kind: str, blank: Any) -> None:
    assert verdict(kind, blank) == (None, [])


anything = st.one_of(
    st.text(max_size=70),
    st.text("0123456789 .,-+/%€kMoOxnc?()'\u00a0", max_size=14),
    st.floats(),
    st.integers(),
    st.booleans(),
    st.datetimes(),
    st.dates(),
    st.times(),
    st.timedeltas(),
)


@given(st.sampled_from(sorted(SAMPLES)), anything, st.booleans())
def test_whatever_is_typed_has_one_outcome(kind: str, value: Any, percent: bool) -> None:
    column = cast(kind, value, percent=percent)
    assert len(column.problems) + len(column.notices) <= 1
    if column.problems:
        assert column.values == [None]
        assert column.problems[0].code in CATALOGUE
    if column.notices:
        assert column.values[0] is not None
    if isinstance(column.values[0], int):
        assert abs(column.values[0]) < 2**63  # what a column of integers holds


@given(
    st.sampled_from(sorted(SAMPLES)),
    st.one_of(st.floats(), st.dates(), st.text(max_size=9), st.sampled_from(SAMPLES["list"].enum)),
)
def test_the_clean_path_says_what_the_rules_say(kind: str, value: Any) -> None:
    if isinstance(value, str) and not value.strip():
        return
    rule, reading = read_typed(make_typed(value, SAMPLES[kind]))  # type: ignore[index]
    column = cast(kind, value)
    if column.values == [None] and not column.problems:  # only invisible characters
        return
    assert column.values == [reading.value]
    assert bool(column.problems) == (rule.outcome in (Outcome.REFUSE, Outcome.VIDE))
    assert bool(column.notices) == (rule.outcome is Outcome.COMPRIS)


CENTS = st.integers(-(10**13), 10**13)
SPACES = st.sampled_from([" ", "\u00a0", "\u202f", "\u2009", "'", "’"])
UNITS = st.sampled_from(["", "€", " €", "\u00a0€", "\u202f€", " EUR", " euros"])


@given(
    CENTS,
    SPACES,
    UNITS,
    st.sampled_from(["-{}", "({})", "{}-", "−{}", "- {}"]),
    st.sampled_from(["", "\u200b", " ", "\u00a0"]),
)
def test_an_amount_is_understood_however_it_is_written(
    cents: int, space: str, unit: str, minus: str, around: str
) -> None:
    euros, centimes = divmod(abs(cents), 100)
    number = f"{euros:,}".replace(",", space) + f",{centimes:02d}{unit}"
    typed = around + (minus.format(number) if cents < 0 else number) + around
    column = cast("money", typed)
    assert column.values == [cents]
    assert column.notices[0].understood == format_euros(cents)


@given(st.integers(0, 10**12))
def test_an_amount_shown_is_an_amount_understood(cents: int) -> None:
    assert cast("money", format_euros(cents)).values == [cents]


@given(
    st.integers(1, 999),
    st.integers(0, 999),
    st.sampled_from(".,"),
    st.sampled_from(["", " €", "€", " k€"]),
    st.sampled_from(["", "-"]),
)
def test_three_digits_after_a_mark_are_never_guessed(
    whole: int, after_mark: int, mark: str, unit: str, sign: str
) -> None:
    assert verdict("money", f"{sign}{whole}{mark}{after_mark:03d}{unit}") == (None, ["montant-ambigu"])


AMOUNT_TEXTS = st.integers(1, 10**6).map(str) | st.integers(1, 10**6).map(lambda n: f"{n:,} €".replace(",", " "))
JOINTS = st.sampled_from([" / ", "/", " + ", " ou ", " et ", " - ", ";", "\n", " à "])


@pytest.mark.parametrize("mark", [" ", "'", "."])
@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.parametrize(
    ("figures", "thousands", "decimals"), [("567", "1234567", "1234,57"), ("5678", None, "1234,57")]
)
def test_the_remedy_of_an_amount_keeps_all_its_figures(
    sign: str, mark: str, figures: str, thousands: str | None, decimals: str
) -> None:
    """« 1 234,567 » is never said to be 234,57."""
    for unit in ("", " €"):
        _, reading = read_typed(make_typed(f"{sign}1{mark}234,{figures}{unit}", MONEY))
        either = f"Saisissez {sign}{thousands} ou {sign}{decimals}, selon ce que vous vouliez dire."
        wanted = either if thousands is not None else f"Arrondissez à {sign}{decimals}."
        assert reading is not None
        assert reading.suggestion == wanted


def test_the_remedy_of_a_number_without_thousands_keeps_all_its_figures() -> None:
    _, reading = read_typed(make_typed("1234,567", MONEY))
    assert reading is not None
    assert (reading.code, reading.suggestion) == ("montant-plus-fin-que-le-centime", "Arrondissez à 1234,57.")


@given(AMOUNT_TEXTS, JOINTS, AMOUNT_TEXTS)
def test_two_amounts_are_never_one(first: str, joint: str, second: str) -> None:
    assert verdict("money", first + joint + second) == (None, ["deux-valeurs"])


@given(st.integers(0, 100), st.sampled_from(["%", " %", "\u00a0%", "\u202f%"]), st.sampled_from(["", ",0", ".00"]))
def test_a_percentage_is_understood_with_its_sign(number: int, sign: str, decimals: str) -> None:
    assert verdict("percent", f"{number}{decimals}{sign}") == (number, ["valeur-comprise"])


@given(st.integers(0, 100))
def test_a_number_of_percent_is_what_its_cell_shows(number: int) -> None:
    assert verdict("percent", float(number)) == (number, [])
    shown = cast("percent", number / 100, percent=True)
    assert (shown.values, shown.problems, shown.notices) == ([number], [], [])
    if 0 < number < 100:
        assert verdict("percent", number / 100) == (number, ["valeur-comprise"])
        assert verdict("percent", f"{number / 100:.2f}".replace(".", ",")) == (number, ["valeur-comprise"])


@given(st.floats(0, 100).filter(lambda number: abs(number * 100 - round(number * 100)) > 1e-6))
def test_a_part_of_a_percent_is_refused(number: float) -> None:
    if number > 1:
        assert verdict("percent", number) == (None, ["nombre-non-entier"])


DAYS = st.dates(date(2000, 1, 1), date(2049, 12, 31))
SPELLINGS: list[Callable[[date], str]] = [
    lambda day: day.isoformat(),
    lambda day: f"{day:%d/%m/%Y}",
    lambda day: f"{day.day}/{day.month}/{day.year}",
    lambda day: f"{day:%d-%m-%Y}",
    lambda day: f"{day:%d.%m.%Y}",
    lambda day: f"{day:%d/%m/%y}",
    lambda day: f"{day:%d-%m-%y}",
    lambda day: f"{day.day} {MONTHS[day.month - 1]} {day.year}",
    lambda day: f"Le {day.day} {MONTHS[day.month - 1].upper()} {day.year}",
    written_date,
]


@given(DAYS, st.sampled_from(SPELLINGS))
def test_a_date_is_understood_day_first(day: date, spell: Callable[[date], str]) -> None:
    column = cast("date", spell(day))
    assert column.values == [day]
    assert column.notices[0].understood == written_date(day)


@given(DAYS)
def test_a_real_date_is_taken_as_it_is(day: date) -> None:
    assert verdict("date", day) == (day, [])
    assert verdict("date", datetime(day.year, day.month, day.day)) == (day, [])


@given(st.dates(date(1990, 1, 1), date(2099, 12, 31)))
def test_a_serial_number_is_the_day_of_its_system(day: date) -> None:
    serial = (day - date(1899, 12, 30)).days
    assert verdict("date", float(serial)) == (day, ["valeur-comprise"])
    column = cast_column(DATE, [float(serial - 1462)], tolerant=True, date1904=True)
    assert column.values == [day]
    assert serial_date(serial - 1462, date1904=True) == day


@given(st.integers(1, 31), st.integers(1, 12), st.integers(2000, 2049))
def test_a_day_that_does_not_exist_is_refused(day: int, month: int, year: int) -> None:
    try:
        expected: tuple[Any, list[str]] = (date(year, month, day), ["valeur-comprise"])
    except ValueError:
        expected = (None, ["date-impossible"])
    assert verdict("date", f"{day:02d}/{month:02d}/{year}") == expected


@given(st.dates(date(2000, 1, 13), date(2049, 12, 31)).filter(lambda day: day.day > 12))
def test_a_month_first_is_refused_and_the_date_proposed(day: date) -> None:
    column = cast("date", f"{day:%m/%d/%Y}")
    assert column.values == [None]
    assert column.problems[0].code == "date-impossible"
    assert f"{day:%d/%m/%Y}" in (column.problems[0].suggestion or "")


def test_a_register_and_a_master_hold_numbers_and_dates() -> None:
    """The strict reading: no text is taken for a number, since no formula counts it."""
    column = cast_column(MONEY, ["1 234,56 €", 12.5, None])
    assert (column.values, column.notices) == ([None, 1_250, None], [])
    assert [(item.position, item.code) for item in column.problems] == [(0, "texte-au-lieu-de-nombre")]
    column = cast_column(
        DATE, ["31/12/2016", date(2016, 12, 31), datetime(2016, 12, 31, 8), 42735.0, "?", timedelta(1)]
    )
    assert column.values == [None, date(2016, 12, 31), None, None, None, None]
    assert [item.code for item in column.problems] == [
        "date-en-texte", "date-avec-heure", "pas-une-date", "pas-une-date", "pas-une-date",
    ]  # fmt: skip
    assert all("31/12/2016" in (item.suggestion or "") for item in column.problems[:3])
    column = cast_column(PERCENT, [5.0, "5 %", 0.05, 0.05], percents={3})
    assert column.values == [5, None, None, 5]
    assert [item.code for item in column.problems] == ["texte-au-lieu-de-nombre", "nombre-non-entier"]


@pytest.mark.parametrize("kind", SAMPLES)
@pytest.mark.parametrize("piece", ["a", "1", "1 ", "a ", "1/", "o", ".", "-", "1 ou ", "décembre ", " "])
def test_a_very_long_text_takes_no_time(kind: str, piece: str) -> None:
    started = process_time()
    verdict(kind, "x" + piece * 30_000)
    verdict(kind, "1" + piece * 100)
    assert process_time() - started < 0.5  # 0.02 measured


@pytest.mark.parametrize(
    ("value", "shown"), [(0.4, "0,4"), (-5.0, "-5"), (0.1 + 0.2, "0,3"), (1234.5, "1234,5"), (True, "VRAI"), (7, "7")]
)
def test_a_message_shows_a_value_as_a_french_program_does(value: float, shown: str) -> None:
    result = finding("valeur-comprise", Place(), valeur=value, attendu="x")
    assert result.message.startswith(f"« {shown} »")
    assert result.valeur is value
