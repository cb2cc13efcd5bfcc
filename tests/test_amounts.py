"""Amounts as people type them (DESIGN.md §3), and as the program writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabellion.schema.money import Amount, format_euros, parse_amount, plain_euros

CENTS = st.integers(-(10**14), 10**14)


@pytest.mark.parametrize(
    ("typed", "cents"),
    [
        ("1234", 123400),
        ("1 234,56 €", 123456),
        ("1\u00a0234,56\u00a0€", 123456),
        ("1\u202f234,56\u202f€", 123456),
        ("1\u2009234,56", 123456),
        ("12  000", 1200000),
        ("1.234,56", 123456),
        ("1,234.56", 123456),
        ("1'234.50", 123450),
        ("1’234", 123400),
        ("1.234.567", 123456700),
        ("1,234,567", 123456700),
        ("1.234.567,8", 123456780),
        ("12 k€", 1200000),
        ("12k", 1200000),
        ("12,5 K€", 1250000),
        ("1,5 M€", 150000000),
        ("0,123 M€", 12300000),
        ("12 euros", 1200),
        ("1 euro", 100),
        ("12 EUR", 1200),
        ("€ 12", 1200),
        ("-12", -1200),
        ("\u221212,50", -1250),
        ("12-", -1200),
        ("(1 234)", -123400),
        ("(1 234 €)", -123400),
        ("+12", 1200),
        ("0", 0),
        ("0,00 €", 0),
        (",5", 50),
        ("12,", 1200),
        ("'1234", 123400),
        ("  1234\n", 123400),
        ("1 234,567 k€", 123456700),
    ],
)
def test_a_spelling_is_read(typed: str, cents: int) -> None:
    assert parse_amount(typed) == Amount(cents=cents)


@pytest.mark.parametrize(
    "typed", ["néant", "Néant", "NEANT", "-", "–", "—", "- €", "-   €", "sans objet", "s.o.", "NC", " - "]
)
def test_a_word_for_nothing_is_nothing(typed: str) -> None:
    assert parse_amount(typed) == Amount(nothing=True)


@pytest.mark.parametrize("typed", ["1.234", "1,234", "12.345", "123,456", "1,234 k€", "1,234567", "0,123", "12,345 €"])
def test_what_reads_two_ways_is_ambiguous(typed: str) -> None:
    assert parse_amount(typed) == Amount(ambiguous=True)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        " ",
        "€",
        "k€",
        "abc",
        "12 abc",
        "12 13",
        "1 23 456",
        "1.23.456",
        "12/13",
        "1e5",
        "=1+1",
        "--5",
        "12 %",
        "()",
        "+",
        "9" * 61,
    ],
)
def test_what_is_no_amount_is_refused(typed: str) -> None:
    assert parse_amount(typed) == Amount()


@given(CENTS)
def test_what_is_shown_is_read_back(cents: int) -> None:
    assert parse_amount(format_euros(cents)).cents == cents
    assert parse_amount(plain_euros(cents)).cents == cents


@given(
    CENTS,
    st.sampled_from(["", " ", "\u00a0", "\u202f", "\u2009", "'", "’"]),
    st.sampled_from(["", "€", " €", "\u00a0€", "\u202feuros", " EUR"]),
    st.sampled_from([("", ""), (" ", " "), ("\t", "\n"), ("\u00a0", "\u202f")]),
)
def test_every_separator_and_unit_says_the_same(cents: int, separator: str, unit: str, around: tuple[str, str]) -> None:
    whole, centimes = divmod(abs(cents), 100)
    typed = f"{'-' if cents < 0 else ''}{whole:,}".replace(",", separator) + f",{centimes:02d}{unit}"
    assert parse_amount(around[0] + typed + around[1]).cents == cents


@given(CENTS, st.sampled_from([(".", ","), (",", ".")]))
def test_both_marks_say_which_is_which(cents: int, marks: tuple[str, str]) -> None:
    thousands, decimal = marks
    sign, (whole, centimes) = ("-" if cents < 0 else ""), divmod(abs(cents), 100)
    grouped = f"{whole:,}".replace(",", thousands)
    assert parse_amount(f"{sign}{grouped}{decimal}{centimes:02d}").cents == cents


@given(st.text(max_size=80))
def test_no_text_breaks_the_reader(text: str) -> None:
    amount = parse_amount(text)
    assert sum([amount.cents is not None, amount.nothing, amount.ambiguous]) <= 1


@pytest.mark.parametrize(
    ("cents", "shown"),
    [
        (0, "0\u00a0€"),
        (5, "0,05\u00a0€"),
        (-5, "-0,05\u00a0€"),
        (123456789, "1\u202f234\u202f567,89\u00a0€"),
        (100, "1\u00a0€"),
    ],
)
def test_amounts_are_shown_as_french_people_write_them(cents: int, shown: str) -> None:
    assert format_euros(cents) == shown
