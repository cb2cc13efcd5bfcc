"""What a message shows of a value is what a French spreadsheet program shows: no word and no sign of Python."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabellion.findings import CATALOGUE, Place, finding
from tabellion.wording import french_value

#: What gives Python away: its booleans and blanks, ISO days, points between digits, a small e of powers, durations.
PYTHON = re.compile(r"True|False|None|\d{4}-\d\d-\d\d|\d\.\d|\de[+-]|\.0\b|days?,|\bnan\b|\binf\b|datetime|Decimal")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (True, "VRAI"), (False, "FAUX"), (None, "(vide)"),
        (1200.0, "1200"), (1200, "1200"), (0.1 + 0.2, "0,3"), (100 / 3, "33,3333333333333"), (-0.0, "0"),
        (1e16, "10000000000000000"), (1.5e300, "1,5E+300"), (-2e-30, "-2E-30"), (0.00001, "0,00001"), (10**30, "1E+30"),
        (Decimal("12.50"), "12,5"), (float("inf"), "un nombre impossible"), (float("nan"), "un nombre impossible"),
        (date(2016, 3, 1), "01/03/2016"), (datetime(2016, 3, 1), "01/03/2016"),
        (datetime(2016, 12, 31, 12), "31/12/2016 12:00"), (datetime(1, 1, 1, 0, 0, 5), "01/01/0001 00:00:05"),
        (time(9, 5), "09:05"), (time(9, 5, 7), "09:05:07"),
        (timedelta(days=1200), "28800:00"), (timedelta(minutes=-90), "-1:30"), (timedelta(seconds=61), "0:01:01"),
        (["a", 1.0], "a, 1"), ("déjà un texte : True", "déjà un texte : True"),
    ],
    ids=repr,
)  # fmt: skip
def test_each_kind_of_value_is_shown_as_in_a_cell(value: object, shown: str) -> None:
    assert french_value(value) == shown


@given(
    st.one_of(
        st.floats(), st.integers(), st.booleans(), st.dates(), st.datetimes(), st.times(), st.timedeltas(), st.none()
    )
)
def test_no_value_shows_python(value: object) -> None:
    assert PYTHON.search(french_value(value)) is None


@pytest.mark.parametrize("value", [True, 1200.0, 1e-16, 5e20, 100 / 3, None], ids=repr)
@pytest.mark.parametrize(
    "code", ["hors-bornes", "texte-au-lieu-de-nombre", "montant-demesure", "conflit", "siret-faux"]
)
def test_no_message_shows_python_whatever_its_words_are(code: str, value: Any) -> None:
    """Also where a rule hands a value over as it is, in any of the words that a template names."""
    entry = CATALOGUE[code]
    words = set(re.findall(r"\{(\w+)\}", entry.message + entry.remede)) - {"valeur", "attendu", "champ"}
    said = finding(code, Place(), champ="x", valeur=value, attendu=value, **dict.fromkeys(words, value))
    assert PYTHON.search(said.message + said.suggestion) is None
