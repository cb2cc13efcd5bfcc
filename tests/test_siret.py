"""The checksum of a SIRET, against INSEE's rule written another way and numbers that everybody can look up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabellion.schema.numbers import siret_fault

#: Public numbers: those of a region and of an association in the examples of the SCDL format, and the head office of
#: La Poste.
KNOWN = ("23350001600040", "38047555800058", "35600000000048")


def key_is_right(digits: str) -> bool:
    """Luhn's rule as the table of its doubled digits."""
    doubled = {0: 0, 1: 2, 2: 4, 3: 6, 4: 8, 5: 1, 6: 3, 7: 5, 8: 7, 9: 9}
    numbers = [int(digit) for digit in digits]
    return (sum(numbers[-1::-2]) + sum(doubled[number] for number in numbers[-2::-2])) % 10 == 0


@pytest.mark.parametrize("siret", KNOWN)
def test_known_numbers_are_right(siret: str) -> None:
    assert siret_fault(siret) is None


@given(st.text("0123456789", min_size=14, max_size=14).filter(lambda digits: not digits.startswith("356000000")))
def test_a_number_is_right_when_both_its_keys_are(siret: str) -> None:
    is_possible = siret[9:13] != "0000"
    assert (siret_fault(siret) is None) == (is_possible and key_is_right(siret) and key_is_right(siret[:9]))


@given(st.sampled_from(KNOWN[:2]), st.integers(0, 13), st.integers(1, 9))
def test_one_wrong_digit_is_always_seen(siret: str, place: int, more: int) -> None:
    wrong = siret[:place] + str((int(siret[place]) + more) % 10) + siret[place + 1 :]
    assert siret_fault(wrong) is not None


@given(st.integers(10, 99_999))
def test_an_establishment_of_la_poste_follows_its_own_rule(nic: int) -> None:
    siret = f"356000000{nic:05d}"
    assert (siret_fault(siret) is None) == (key_is_right(siret) or sum(map(int, siret)) % 5 == 0)


@pytest.mark.parametrize(
    ("siret", "fault"),
    [
        ("2335000160004", "13 chiffres"),
        ("233500016000400", "15 chiffres"),
        ("233 500 016 00040", "que des chiffres"),
        ("2335000160004A", "que des chiffres"),
        ("２３３５０００１６０００４０", "que des chiffres"),
        ("", "que des chiffres"),
        ("23350001700040", "SIREN"),
        ("00000000000000", "que des zéros"),
        ("23350000000000", "remplacer la fin"),
        ("23350001600000", "remplacer la fin"),
        ("35600000000000", "remplacer la fin"),
        ("2,335E+13", "écriture scientifique"),
        ("3.80475558E+13", "écriture scientifique"),
        ("23350001600041", "clé est fausse"),
        ("35600000000013", "clé est fausse"),
    ],
)
def test_what_is_wrong_is_said(siret: str, fault: str) -> None:
    assert fault in (siret_fault(siret) or "")
