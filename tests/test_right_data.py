"""A return whose values are right is accepted, whatever a client or a habit made of their look: said once, no more."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Callable
from copy import copy
from datetime import date, datetime
from typing import Any

import pandas as pd
import pytest
from openpyxl.workbook import Workbook
from openpyxl.worksheet.table import Table
from openpyxl.worksheet.worksheet import Worksheet

from support.forms import ACTIONS_TABLE, BUDGET_TABLE, FINANCEMENTS_TABLE, form_of
from support.mutations import edited
from support.returned import PARTNER, at, codes, examined, findings_at, form, returned, values

#: Cells of the one financement that the form asks about.
DISPOSITIF, PUBLISHED = (at(FINANCEMENTS_TABLE, name, 6) for name in ("dispositif", "last_text"))


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
    assert [(finding.code, finding.place.cellule, len(finding.liees)) for finding in findings_at(parsed)] == [
        ("valeur-inconnue", "F27", 1),
        ("valeur-comprise", "F6", 19),
        ("valeur-comprise", "F26", 0),
    ]
    habit = findings_at(parsed, "F6")[0].message
    assert "(de même F7 : « 7 947,83 € » comme 7 947,83 € ; F8 : " in habit.replace("\u202f", " ").replace("\xa0", " ")
    assert "16 autres cellules" in habit
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


def test_a_text_that_reads_as_it_was_taken_is_said_to_be_a_text() -> None:
    def edit(book: Workbook) -> None:
        book["Actions"]["G6"], book["Actions"]["G7"] = "80 %", 0.8
        book["Actions"]["G7"].number_format = "0%"

    parsed = returned(edit)
    assert values(parsed, "pourcentage", 6, 7, sheet="Actions") == [80, 80]
    (notice,) = findings_at(parsed, "G6")
    assert "« 80 % » a été compris comme 80 % (la cellule contient du texte)" in notice.message.replace("\xa0", " ")


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
        before["funding"] = funding[DISPOSITIF].value
        text = unicodedata.normalize("NFD", before["funding"])
        funding[DISPOSITIF] = text.replace("-", "\u2011").replace("'", "’")
        key = at(FINANCEMENTS_TABLE, "financement_id", 6)
        funding[key] = f" {funding[key].value}\u200b"

    parsed = returned(edit)
    assert (parsed.is_accepted, codes(parsed)) == (True, [])
    assert values(parsed, "libelle", 6, 7, 8, 9) == [before[f"C{row}"] for row in (6, 7, 8, 9)]
    assert values(parsed, "dispositif", 6, sheet="Financements") == [before["funding"]]
    assert not any(row.before for row in parsed.rows)


@pytest.mark.parametrize("change", [str.upper, lambda text: f"{text} bis", lambda text: text.replace("é", "e")])
def test_what_people_see_is_a_change(change: Callable[[str], str]) -> None:
    def edit(book: Workbook) -> None:
        cell = book["Financements"][DISPOSITIF]
        cell.value = change(f"é{cell.value}")

    changed = [row.before.keys() for row in returned(edit).rows if row.sheet == "Financements" and row.before]
    assert changed == [{"dispositif"}]


@pytest.mark.parametrize(
    "value", ["67029", "67 029", "67\u202f029\u00a0€", "67029,00", "67.029,00 €", "'67029", 67029.0, 67029.00000000001]
)
def test_a_known_amount_turned_into_text_is_the_same_amount(value: object) -> None:
    parsed = returned(typed("Budget", E6=value))
    assert (codes(parsed), parsed.is_accepted) == ([], True)


@pytest.mark.parametrize("value", ["2013", "2 013", "2013,0", "２０１３"])
def test_a_known_year_turned_into_text_is_the_same_year(value: str) -> None:
    assert codes(returned(typed("Budget", D6=value))) == []


@pytest.mark.parametrize(
    ("sheet", "cells"),
    [
        ("Budget", {"E6": 1, "E7": "autre"}),  # what was known is only shown
        ("Budget", {"C6": None, "C7": ""}),  # emptied by a tool: the form knows it
        ("Budget", {"B6": None}),
        ("Actions", {"B6": None, "C6": "x"}),
        ("Financements", {"C6": None, PUBLISHED: "autre chose"}),
    ],
)
def test_what_is_only_shown_never_blocks(sheet: str, cells: dict[str, Any]) -> None:
    before = examined(form())
    parsed = returned(typed(sheet, **cells))
    assert parsed.is_accepted
    assert set(codes(parsed)) == {"valeur-montree-modifiee"}
    assert [row.values for row in parsed.rows] == [row.values for row in before.rows]
    assert [row.key for row in parsed.rows] == [row.key for row in before.rows]


def test_amounts_that_stay_in_front_of_other_lines_block() -> None:
    def edit(book: Workbook) -> None:
        sheet = book["Budget"]
        labels = [sheet[f"C{row}"].value for row in range(6, 16)]
        for row, label in enumerate(sorted(labels, key=len), 6):
            sheet[f"C{row}"] = label

    assert "colonne-triee-seule" in codes(returned(edit))
    assert "cellule-verrouillee-modifiee" in codes(returned(typed("Budget", C6="Une tout autre ligne")))


def copied(book: Workbook, name: str, title: str, table: str) -> None:
    """The sheet copied as Excel does, its table under the name of a copy, and the original deleted."""
    sheet = book[name]
    (old,) = sheet.tables.values()
    new = book.copy_worksheet(sheet)
    new.title = title
    made = Table(displayName=table, name=table, ref=old.ref)
    made.tableColumns, made.autoFilter = [copy(column) for column in old.tableColumns], copy(old.autoFilter)
    new.add_table(made)
    for row in new.iter_rows():
        for cell in row:
            if isinstance(cell.value, str) and cell.value.startswith("="):
                cell.value = cell.value.replace(f"{old.name}[", f"{table}[")
    del book[name]


@pytest.mark.parametrize(
    ("name", "title", "table", "cell"),
    [
        ("Budget", "Budget (2)", "Formulaire_budget3", "F6"),
        ("Budget", "Notre réponse", "Tableau1", "F6"),
        ("Actions", "Actions (2)", "Formulaire_actions_1", "I6"),
        ("Financements", "Copie", "Formulaire_financements26", at(FINANCEMENTS_TABLE, "montant", 6)),
    ],
)
def test_a_copy_whose_original_is_gone_is_read(name: str, title: str, table: str, cell: str) -> None:
    def edit(book: Workbook) -> None:
        book[name][cell] = 1200
        copied(book, name, title, table)

    parsed = returned(edit)
    assert parsed.is_accepted
    assert not [finding for finding in parsed.findings if (finding.place.feuille or "").startswith("_")]
    assert not {"tableau-defait", "formule-modifiee", "feuille-ajoutee"} & set(codes(parsed))
    field = {"Budget": "montant_prevu", "Actions": "montant_engage", "Financements": "montant"}[name]
    assert values(parsed, field, 6, sheet=title) == [120000]


def without_column(sheet: Worksheet, column: int) -> None:
    """A column deleted as a person does: the table and its references follow."""
    (table,) = sheet.tables.values()
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=5, max_col=12)]
    for number, row in enumerate(rows, 5):
        del row[column - 1]
        for place, value in enumerate(row, 1):
            sheet.cell(number, place).value = value if not str(value).startswith("=") else None
    del table.tableColumns[column - 1]
    left, right = table.ref.split(":")
    table.ref = f"{left}:{chr(ord(right[0]) - 1)}{right[1:]}"
    table.autoFilter.ref = table.ref
    sheet.cell(5, len(rows[0]) + 1).value = None


@pytest.mark.parametrize(
    ("spec", "column"),
    [(BUDGET_TABLE, 1), (BUDGET_TABLE, 3), (BUDGET_TABLE, 4), (BUDGET_TABLE, 5), (BUDGET_TABLE, 7), (BUDGET_TABLE, 9),
     (ACTIONS_TABLE, 4), (ACTIONS_TABLE, 7), (FINANCEMENTS_TABLE, 7)],
)  # fmt: skip
def test_a_column_that_may_be_missing_blocks_nothing(spec: Any, column: int) -> None:
    filled = edited(
        form(),
        lambda book: (
            typed(spec.sheet, F6="en cours" if spec is ACTIONS_TABLE else 1200)(book)
            if spec is not FINANCEMENTS_TABLE
            else None
        ),
    )
    parsed = examined(edited(filled, lambda book: without_column(book[spec.sheet], column)))
    assert parsed.is_accepted, [finding.message for finding in parsed.findings if finding.bloquant]
    assert "colonne-retiree" in codes(parsed)
    if spec is BUDGET_TABLE and column != 6:
        assert values(parsed, "montant_prevu", 6) == [120000]


@pytest.mark.parametrize("header", ["Notre budget", None])
def test_a_column_whose_header_is_lost_with_amounts_under_it_still_blocks(header: str | None) -> None:
    assert not returned(typed("Budget", F5=header, F6=1200)).is_accepted


def as_values(book: Workbook) -> None:
    """Formulas pasted as values, as a gateway or « valeurs seules » leaves them."""
    for sheet in book.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                if isinstance(cell.value, str) and cell.value.startswith("="):
                    cell.value = "complet" if cell.column == 1 else 0


def without_formulas(book: Workbook) -> None:
    """Formulas dropped, as a tool that only knows values does."""
    for sheet in book.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                if isinstance(cell.value, str) and cell.value.startswith("="):
                    cell.value = None


def in_error(book: Workbook) -> None:
    """Formulas that an old format does not know, as a file saved as .xls and back has them."""
    for sheet in book.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                if isinstance(cell.value, str) and cell.value.startswith("="):
                    cell.value = "#N/A"


def without_tables(book: Workbook) -> None:
    """Tables undone, names and formats gone, everything in sight."""
    without_formulas(book)
    for sheet in book.worksheets:
        sheet.tables.clear()
        sheet.sheet_state = "visible"
        sheet.data_validations.dataValidation = []
        sheet.protection.sheet = False
        for row in sheet.iter_rows():
            for cell in row:
                cell.number_format = "General"
    book.defined_names.clear()


@pytest.mark.parametrize("tool", [as_values, without_formulas, in_error, without_tables])
def test_helper_cells_and_presentation_never_block(tool: Callable[[Workbook], None]) -> None:
    def edit(book: Workbook) -> None:
        typed("Budget", F6=1200, G7=300.5, I8="une remarque", B58="1", C58="Une ligne neuve", F58=12)(book)
        typed("Actions", F6="en cours", G6=40, H6=datetime(2016, 12, 31))(book)
        tool(book)

    parsed = returned(edit)
    assert parsed.is_accepted, [
        (finding.code, finding.place.cellule, finding.message) for finding in parsed.findings if finding.bloquant
    ]
    assert values(parsed, "montant_prevu", 6, 58) == [120000, 1200]
    assert values(parsed, "date_bilan", 6, sheet="Actions") == [date(2016, 12, 31)]


@pytest.mark.parametrize("header", [None, 0])
def test_a_form_written_back_by_pandas_is_read(header: int | None) -> None:
    frames = pd.read_excel(io.BytesIO(form()), sheet_name=None, header=header, dtype=object, engine="openpyxl")
    budget = frames["Budget"]
    row = 5 if header is None else 4
    budget.iloc[row, 5], budget.iloc[row + 1, 6], budget.iloc[row + 2, 8] = 1200, "300,5", "une remarque"
    stream = io.BytesIO()
    with pd.ExcelWriter(stream, engine="openpyxl") as writer:
        for name, frame in frames.items():
            frame.to_excel(writer, sheet_name=name, header=header is not None, index=False)
    parsed = examined(stream.getvalue())
    assert parsed.is_accepted
    assert values(parsed, "montant_prevu", 6) + values(parsed, "montant_vote", 7) == [120000, 30050]
    assert values(parsed, "commentaire", 8) == ["une remarque"]
    before = {row.key: row.values for row in examined(form()).rows}
    assert {row.key for row in parsed.rows} == before.keys()


def test_what_is_said_of_a_return_can_be_followed_in_it() -> None:
    """A partner has neither the contract's tables nor, on every sheet, a column for comments."""
    fiche, amount = at(ACTIONS_TABLE, "fiche_id", 30), at(BUDGET_TABLE, "montant_prevu", 6)
    status = at(FINANCEMENTS_TABLE, "statut_montant", 6)

    def edit(book: Workbook) -> None:
        book["Actions"][fiche] = "IX-9.9./9"
        book["Actions"][at(ACTIONS_TABLE, "avancement", 30)] = "en cours"
        book["Budget"][amount] = "1/5/2016"
        book["Financements"][status] = "à voir"

    parsed = returned(edit)
    remedies = {
        finding.place.cellule: finding.suggestion for finding in parsed.findings if not finding.code.startswith("ligne")
    }
    assert remedies[fiche] == "Choisissez une valeur de la liste de la cellule."
    assert " ou 5" not in remedies[amount]
    assert not any(
        "commentaire" in finding.suggestion for finding in parsed.findings if finding.place.feuille == "Financements"
    )


@pytest.mark.parametrize(
    ("formula", "cents"),
    [
        ("=1200+34.5", 1234_50), ("=(10-4)*2/3", 4_00), ("=-F7+500", 400_00), ("=$F$7*2+F9", 200_00), ("=F8", 150_00),
        ("=1/0", None), ("=SUM(F7:F8)", None), ("=F6+1", None), ("=2**9", None), ("=Autre!F6", None), ("=G6", 0),
    ],
)  # fmt: skip
def test_arithmetic_that_no_program_computed_is_understood(formula: str, cents: int | None) -> None:
    """As openpyxl and web tools leave it; what is more than that is asked, as before."""
    parsed = returned(typed("Budget", F6=formula, F7=100, F8="=F7*1.5"))
    assert values(parsed, "montant_prevu", 6) == [cents]
    codes_of_cell = [finding.code for finding in findings_at(parsed, "F6")]
    assert codes_of_cell == (["formule-sans-valeur"] if cents is None else ["valeur-comprise"])


def test_a_row_that_lost_its_identifier_is_the_one_that_it_shows() -> None:
    """Not where two rows show the same: a second one was added in the spare rows."""
    first, spare = at(BUDGET_TABLE, "ligne_id", 6), 6 + len(form_of("Chartres", PARTNER).rows[BUDGET_TABLE.name])

    def lose(book: Workbook) -> None:
        book["Budget"][first] = None
        book["Budget"]["F6"] = 9

    def double(book: Workbook) -> None:
        lose(book)
        for column in "BCF":
            book["Budget"][f"{column}{spare}"] = book["Budget"][f"{column}6"].value

    key = form_of("Chartres", PARTNER).rows[BUDGET_TABLE.name][0].key
    parsed = returned(lose)
    assert [row.key[0] for row in parsed.rows if row.row == 6 and row.sheet == "Budget"] == [key]
    assert codes(parsed) == []
    assert "ligne-supprimee" in codes(returned(double))


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("Montant prévu (k€)", "unite-d-entete"), ("Montant prévu (M€)", "unite-d-entete"),
        ("Montant prévu ($)", "unite-d-entete"), ("Montant prévu 2016 (€)", "entete-modifie"),
    ],
)  # fmt: skip
def test_a_header_that_says_another_unit_blocks(header: str, code: str) -> None:
    def edit(book: Workbook) -> None:
        book["Budget"]["F5"], book["Budget"]["F6"] = header, 12

    parsed = returned(edit)
    assert codes(parsed, "F5") == [code]
    assert parsed.is_accepted == (code == "entete-modifie")
