"""Halves round away from zero, as Excel shows them, in every amount that is proposed or shown."""

from __future__ import annotations

from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.contracts import ROOT
from tabellion.commands.generate import generate
from tabellion.commands.validate import validate
from tabellion.contract.workspace import find_workspace
from tabellion.schema.money import euros, format_euros, format_rate, half_up, nearest_cents, plain_euros, signed_euros

#: Numbers that a person may type: up to 15 significant digits, with up to six decimals.
TYPED = st.decimals(-(10**8), 10**8, places=6, allow_nan=False, allow_infinity=False)


@given(TYPED)
def test_cents_are_rounded_half_up_whether_typed_as_a_number_or_as_a_text(number: Decimal) -> None:
    expected = int((number * 100).to_integral_value(ROUND_HALF_UP))
    assert nearest_cents(number)[0] == expected
    assert nearest_cents(float(number))[0] == expected


@given(st.integers(-(10**12), 10**12), st.integers(-9999, 9999))
def test_a_number_is_whole_in_cents_only_up_to_the_noise_of_floats(cents: int, ten_thousandths: int) -> None:
    assert nearest_cents(cents / 100) == (cents, True)
    number = Decimal(cents) / 100 + Decimal(ten_thousandths) / 1_000_000
    assert nearest_cents(number)[1] is (ten_thousandths == 0)


@given(TYPED)
def test_a_whole_number_is_the_nearest_one_halves_away_from_zero(number: Decimal) -> None:
    expected = int(number.to_integral_value(ROUND_HALF_UP))
    assert (half_up(number), half_up(float(number))) == (expected, expected)


@pytest.mark.parametrize(
    ("number", "cents"),
    [
        (12.345, 1235),
        (0.125, 13),
        (1.005, 101),
        (-1.005, -101),
        (2.675, 268),
        (3 * 0.335, 101),
        (1e12 + 0.5, 10**14 + 50),
    ],
)
def test_a_float_counts_as_the_digits_that_excel_shows(number: float, cents: int) -> None:
    assert nearest_cents(number)[0] == cents


@pytest.mark.parametrize(
    ("cents", "number", "read", "written"),
    [
        (123456, 1234.56, "1\u202f234,56\u00a0€", "1234.56"),
        (-5, -0.05, "-0,05\u00a0€", "-0.05"),
        (-1_200_000, -12000, "-12\u202f000\u00a0€", "-12000"),
        (0, 0, "0\u00a0€", "0"),
    ],
)
def test_cents_are_shown(cents: int, number: float, read: str, written: str) -> None:
    assert (euros(cents), format_euros(cents), plain_euros(cents)) == (number, read, written)
    assert signed_euros(cents) == ("+" if cents > 0 else "") + read


@pytest.mark.parametrize(("hundredths", "read"), [(97.25, "97,3"), (97.35, "97,4"), (0.05, "0,1"), (100, "100,0")])
def test_a_rate_has_one_decimal(hundredths: float, read: str) -> None:
    assert format_rate(hundredths) == f"{read}\u00a0%"


@pytest.mark.parametrize(("typed", "proposed"), [(12.345, "12,35"), (0.125, "0,13"), (1.005, "1,01")])
def test_validate_proposes_the_cents_that_excel_shows(tmp_path: Path, typed: float, proposed: str) -> None:
    generate(find_workspace(ROOT), tmp_path / "contrat.xlsx", force=False, now=datetime(2026, 1, 2))
    book = openpyxl.load_workbook(tmp_path / "contrat.xlsx")
    sheet = next(page for page in book if page.title.startswith("B01"))
    area = sheet.tables["Lignes_01"].ref
    row, column = sheet[area][1][0].row, [cell.value for cell in sheet[area][0]].index("Montant réalisé (€)") + 1
    sheet.cell(row, column).value = typed
    book.save(tmp_path / "contrat.xlsx")
    remedies = [
        (finding.place.cellule, finding.suggestion.partition(" En attendant")[0])
        for finding in validate(find_workspace(ROOT), [tmp_path / "contrat.xlsx"])
        if finding.code == "montant-plus-fin-que-le-centime"
    ]
    assert remedies == [(sheet.cell(row, column).coordinate, f"Arrondissez à {proposed}.")]
