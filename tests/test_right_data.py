"""A return whose values are right is accepted, whatever a client or a habit made of their look: said once, no more."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest
from openpyxl.workbook import Workbook

from support.returned import codes, returned, said, values


def typed(sheet: str, **cells: Any) -> Callable[[Workbook], None]:
    def edit(book: Workbook) -> None:
        for cell, value in cells.items():
            book[sheet][cell] = value

    return edit


def test_one_habit_in_a_column_is_one_notice_with_its_count() -> None:
    def edit(book: Workbook) -> None:
        for row in range(6, 26):
            book["Budget"][f"F{row}"] = f"{row} 947,83 €"
        book["Budget"]["F26"], book["Budget"]["F27"], book["Budget"]["F28"] = "12 k€", "à voir", "n.c."

    parsed = returned(edit)
    assert parsed.is_accepted
    assert [(each.code, each.place.cellule, len(each.liees)) for each in said(parsed)] == [
        ("valeur-inconnue", "F27", 1),
        ("valeur-comprise", "F6", 19),
        ("valeur-comprise", "F26", 0),
    ]
    assert values(parsed, "montant_prevu", 6, 25, 26, 27) == [694783, 2594783, 1200000, None]


@pytest.mark.parametrize("word", ["N/A", "s.o.", "n.c.", "?", "\u2067à voir\u2069"])
def test_a_word_for_the_unknown_is_a_blank_and_blocks_nothing(word: str) -> None:
    edit = typed("Actions", F6=word, G6=word, H6=word, I6=word)
    parsed = returned(edit)
    assert parsed.is_accepted
    assert codes(parsed) == ["valeur-inconnue"] * 4
    fields = ("avancement", "pourcentage", "date_bilan", "montant_engage")
    assert [values(parsed, field, 6, sheet="Actions") for field in fields] == [[None]] * 4


def test_a_new_row_still_says_what_a_row_must() -> None:
    parsed = returned(typed("Budget", B58="N/A", C58="Une ligne", F58=12))
    assert "cellule-obligatoire-vide" in codes(parsed)
    assert not parsed.is_accepted


@pytest.mark.parametrize(
    ("value", "day", "code"),
    [
        (datetime(2016, 12, 30, 23, 0), date(2016, 12, 31), "date-au-jour-pres"),
        (datetime(2016, 7, 13, 22, 0), date(2016, 7, 14), "date-au-jour-pres"),
        (datetime(2016, 12, 30, 23, 59, 45), date(2016, 12, 31), "date-au-jour-pres"),
        ("2016-07-13T22:00:00.000Z", date(2016, 7, 14), "date-au-jour-pres"),
        (datetime(2016, 12, 31, 21, 30), date(2016, 12, 31), "date-au-jour-pres"),
        (datetime(2016, 12, 31, 9, 0), date(2016, 12, 31), "valeur-comprise"),
        ("sam. 31 déc. 2016", date(2016, 12, 31), "valeur-comprise"),
        ("'31/12/2016", date(2016, 12, 31), "valeur-comprise"),
        ("３１/１２/２０１６", date(2016, 12, 31), "valeur-comprise"),
    ],
)
def test_a_day_is_the_one_that_was_meant(value: object, day: date, code: str) -> None:
    parsed = returned(typed("Actions", H6=value))
    assert parsed.is_accepted
    assert (values(parsed, "date_bilan", 6, sheet="Actions"), codes(parsed)) == ([day], [code])


def test_what_nobody_sees_is_no_change() -> None:
    before: dict[str, str] = {}

    def edit(book: Workbook) -> None:
        sheet = book["Budget"]
        for cell, change in (
            ("C6", lambda text: text.replace(" ", "\u202f")),
            ("C7", lambda text: unicodedata.normalize("NFD", text)),
            ("C8", lambda text: "\u202a" + text.replace(" ", " \u200b ") + "\u202c"),
            ("C9", lambda text: text.replace("'", "’") + "\u00a0"),
        ):
            before[cell] = sheet[cell].value
            sheet[cell] = change(before[cell])
        funding = book["Financements"]
        before["D6"] = funding["D6"].value
        funding["D6"] = unicodedata.normalize("NFD", before["D6"]).replace("-", "\u2011").replace("'", "’")
        funding["H6"] = f" {funding['H6'].value}\u200b"

    parsed = returned(edit)
    assert (parsed.is_accepted, codes(parsed)) == (True, [])
    assert values(parsed, "libelle", 6, 7, 8, 9) == [before[f"C{row}"] for row in (6, 7, 8, 9)]
    assert values(parsed, "dispositif", 6, sheet="Financements") == [before["D6"]]
    assert not any(row.before for row in parsed.rows)


@pytest.mark.parametrize("change", [str.upper, lambda text: f"{text} bis", lambda text: text.replace("é", "e")])
def test_what_people_see_is_a_change(change: Callable[[str], str]) -> None:
    def edit(book: Workbook) -> None:
        cell = book["Financements"]["D6"]
        cell.value = change(f"é{cell.value}")

    changed = [row.before.keys() for row in returned(edit).rows if row.sheet == "Financements" and row.before]
    assert changed == [{"dispositif"}]
