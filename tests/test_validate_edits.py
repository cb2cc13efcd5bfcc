"""After an edit by a person, ``validate`` says exactly what changed for the worse, and nothing else."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from support.contracts import ROOT
from support.office_files import Editor
from tabellion.commands.generate import generate
from tabellion.commands.validate import validate
from tabellion.contract.workspace import find_workspace
from tabellion.findings import Finding

NOW = datetime(2026, 1, 2, 3, 4)
B01, B11 = "B01 Education, parentalité", "B11 Valeurs Républicaines"
#: Zero-based columns of a budget line.
TOWN, LABEL, REALISED, YEAR = 0, 1, 4, 5
#: Zero-based rows of B01: the header of its subtotals, the header of its lines.
TOTALS, LINES = 4, 11
RECAP = "Rapprochement"
#: Zero-based columns of a published total, whose computed amount is its own formula; and its first row.
PRINTED, COMPUTED, PLACE, KEY = 4, 5, 8, 11
FIRST = 35


def said(findings: list[Finding]) -> Counter[tuple[str, str]]:
    """What findings say, wherever sorting or inserting has moved it."""
    return Counter((finding.code, finding.message) for finding in findings)


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("master") / "contrat.xlsx"
    generate(find_workspace(ROOT), path, force=False, now=NOW)
    return path


@pytest.fixture(scope="module")
def before(master: Path) -> Counter[tuple[str, str]]:
    return said(validate(find_workspace(ROOT), [master]))


class Edited:
    """The master after an edit and a save: what is said more, and what is said no more."""

    def __init__(self, path: Path, before: Counter[tuple[str, str]]) -> None:
        self.findings = validate(find_workspace(ROOT), [path])
        now = said(self.findings)
        self.more = sorted(code for code, _ in (now - before).elements())
        self.less = sorted(code for code, _ in (before - now).elements())

    def cells(self, code: str) -> list[tuple[str | None, str | None]]:
        return [(finding.place.feuille, finding.place.cellule) for finding in self.findings if finding.code == code]


@pytest.fixture
def edit(editor: Editor, master: Path, before: Any, tmp_path: Path) -> Any:
    editor.open(master)

    def save() -> Edited:
        return Edited(editor.save(tmp_path / "contrat.xlsx"), before)

    return save


def test_opening_and_saving_changes_nothing(edit: Any) -> None:
    edited = edit()
    assert (edited.more, edited.less) == ([], [])


def test_a_changed_amount_breaks_its_subtotal(edit: Any, editor: Editor) -> None:
    editor.set(B01, LINES + 1, REALISED, 97_600)  # 97 591 published
    edited = edit()
    assert (edited.more, edited.less) == (["total-collectivite"], [])


def test_a_row_inserted_in_the_table_is_counted(edit: Any, editor: Editor) -> None:
    editor.call("insert_rows", sheet=B01, row=LINES + 2, count=1)
    for column, value in ((TOWN, "Chartres"), (LABEL, "Une ligne de plus"), (YEAR, 2013), (REALISED, 500)):
        editor.set(B01, LINES + 2, column, value)
    edited = edit()
    # The subtotal is wrong by exactly this line: both are said.
    assert (edited.more, edited.less) == (["ligne-hors-total", "total-collectivite"], [])
    editor.recalculate()
    total = editor.read()[B01][TOTALS + 1, REALISED].value
    assert total == 1_041_751 + 500


def test_a_row_typed_below_the_table_is_read_and_said(edit: Any, editor: Editor) -> None:
    last = max(row for row, _ in editor.read()[B01])
    for column, value in ((TOWN, "Lucé"), (LABEL, "Une ligne de plus"), (YEAR, 2013), (REALISED, 500)):
        editor.set(B01, last + 1, column, value)
    edited = edit()
    assert edited.more == ["ligne-hors-tableau", "total-collectivite"]
    assert edited.less == ["total-collectivite"]  # Lucé's two euros too many became 502
    assert edited.cells("ligne-hors-tableau") == [(B01, f"A{last + 2}")]


def test_sorting_a_table_says_nothing(edit: Any, editor: Editor) -> None:
    last = max(row for row, _ in editor.read()[B01])
    editor.call("sort", sheet=B01, area=[LINES + 1, 0, last, 10], column=LABEL, descending=True)
    edited = edit()
    assert (edited.more, edited.less) == ([], [])


def test_filtering_a_table_says_nothing(edit: Any, editor: Editor) -> None:
    last = max(row for row, _ in editor.read()[B01])
    editor.call("filter", sheet=B01, area=[LINES, 0, last, 10], column=TOWN, text="Lucé")
    edited = edit()
    assert (edited.more, edited.less) == ([], [])


def test_an_inserted_column_is_kept_and_said_once_it_holds_something(edit: Any, editor: Editor) -> None:
    editor.call("insert_columns", sheet=B11, column=2, count=1)
    editor.set(B11, LINES, 2, "Notre remarque")
    editor.set(B11, LINES + 1, 2, "à revoir en septembre")
    edited = edit()
    assert (edited.more, edited.less) == (["colonne-en-trop"], [])
    assert edited.cells("colonne-en-trop") == [(B11, "C12")]


def test_a_renamed_sheet_says_nothing_but_its_new_name(edit: Any, editor: Editor) -> None:
    editor.call("rename_sheet", sheet=B11, name="Laïcité 2026")
    edited = edit()
    assert (edited.more, edited.less) == ([], [])
    assert ("Laïcité 2026", "E15") in edited.cells("ligne-hors-total")


def test_a_typed_over_total_is_named_at_its_cell(edit: Any, editor: Editor) -> None:
    editor.set(B01, TOTALS + 2, REALISED, 2_012_467)
    edited = edit()
    assert (edited.more, edited.less) == (["formule-remplacee"], [])
    assert edited.cells("formule-remplacee") == [(B01, "E7")]


def test_an_emptied_total_is_named_at_its_cell(edit: Any, editor: Editor) -> None:
    editor.set(B01, TOTALS + 2, REALISED, None)
    edited = edit()
    assert (edited.more, edited.less) == (["formule-effacee"], [])
    assert edited.cells("formule-effacee") == [(B01, "E7")]


def test_an_altered_formula_is_named_at_its_cell(edit: Any, editor: Editor) -> None:
    editor.call("set_formula", sheet=B01, row=TOTALS + 1, column=REALISED, formula="=97591+12000")
    edited = edit()
    assert (edited.more, edited.less) == (["formule-modifiee"], [])
    assert edited.cells("formule-modifiee") == [(B01, "E6")]


def test_a_formula_that_stops_short_is_named_at_its_cell(edit: Any, editor: Editor) -> None:
    where = "$A$13:$A$20;Totaux_01[[#This Row];[Collectivité]];$F$13:$F$20;Exercice"
    formula = f'=IF(COUNTIFS({where};$E$13:$E$20;">-1E+99")=0;"";SUMIFS($E$13:$E$20;{where}))'
    editor.call("set_formula", sheet=B01, row=TOTALS + 1, column=REALISED, formula=formula)
    edited = edit()
    assert (edited.more, edited.less) == (["plage-incomplete"], [])


def test_a_key_typed_over_another_row_leaves_both_their_formulas(edit: Any, editor: Editor) -> None:
    key = editor.read()[RECAP][FIRST, KEY].value
    editor.set(RECAP, FIRST + 1, KEY, key)
    edited = edit()
    assert (edited.more, edited.less) == (["identifiant-retabli"], []), "the rest of the row says which one it is"
    assert edited.cells("identifiant-retabli") == [(RECAP, f"L{FIRST + 2}")]


def test_a_blanked_key_leaves_its_row_its_formula(edit: Any, editor: Editor) -> None:
    editor.set(RECAP, FIRST + 1, KEY, None)
    edited = edit()
    assert (edited.more, edited.less) == (["identifiant-retabli"], []), "the register has a row that says the same"
    assert edited.cells("identifiant-retabli") == [(RECAP, f"L{FIRST + 2}")]


def test_a_row_added_with_the_key_of_another_is_owed_no_formula(edit: Any, editor: Editor) -> None:
    copied = {column: cell.value for (row, column), cell in editor.read()[RECAP].items() if row == FIRST}
    editor.call("insert_rows", sheet=RECAP, row=FIRST + 1, count=1)
    for column, value in copied.items():
        if column not in (PRINTED, COMPUTED, COMPUTED + 1, COMPUTED + 2):
            editor.set(RECAP, FIRST + 1, column, value)
    edited = edit()
    assert "ligne-calculee-absente" not in edited.more
    assert edited.cells("identifiant-attribue") == [(RECAP, f"L{FIRST + 2}")]
    assert "total-en-double" in edited.more, "it has a name of its own now, and says the same as the one copied"
    # LibreOffice leaves the columns that are the same on every row blank: those two are said, not its own formula.
    assert edited.cells("formule-effacee") == [(RECAP, f"{letter}{FIRST + 2}") for letter in "GH"]


def test_a_formula_typed_over_is_named_on_its_own_row_among_those_of_one_key(edit: Any, editor: Editor) -> None:
    key = editor.read()[RECAP][FIRST, KEY].value
    editor.set(RECAP, FIRST + 1, KEY, key)
    editor.set(RECAP, FIRST, COMPUTED, 12)
    edited = edit()
    assert edited.cells("formule-remplacee") == [(RECAP, f"F{FIRST + 1}")]
    editor.set(RECAP, FIRST, KEY, "autre")
    editor.set(RECAP, FIRST + 1, KEY, "encore-une-autre")
    edited = edit()
    (gone,) = [finding for finding in edited.findings if finding.code == "ligne-calculee-absente"]
    assert gone.valeur == key, "its key and its formula are gone, the other row still has one of the two"


def test_an_amount_typed_as_a_text_is_understood_and_said(edit: Any, editor: Editor) -> None:
    editor.set(B01, LINES + 2, REALISED, "12 000 euros")  # what the register has
    edited = edit()
    assert (edited.more, edited.less) == (["nombre-en-texte"], [])
    assert edited.cells("nombre-en-texte") == [(B01, "E14")]


def test_words_in_an_amount_are_said_and_block_nothing(edit: Any, editor: Editor) -> None:
    editor.set(B01, LINES + 2, REALISED, "à voir avec le service")
    edited = edit()
    assert (edited.more, edited.less) == (["texte-au-lieu-de-nombre"], [])
    assert edited.cells("texte-au-lieu-de-nombre") == [(B01, "E14")]
    assert not [finding for finding in edited.findings if finding.bloquant]


def test_an_error_cell_is_said_where_it_starts(edit: Any, editor: Editor) -> None:
    editor.call("set_formula", sheet=B01, row=LINES + 2, column=REALISED, formula="=1/0")
    edited = edit()
    assert set(edited.more) == {"cellule-en-erreur"}
    assert (B01, "E14") in edited.cells("cellule-en-erreur")


def test_a_town_off_the_list_is_said_with_the_nearest(edit: Any, editor: Editor) -> None:
    editor.set(B01, LINES + 2, TOWN, "Chartre")
    edited = edit()
    assert edited.more == ["reference-inconnue"]
    (found,) = [finding for finding in edited.findings if finding.code == "reference-inconnue"]
    assert "Chartres" in found.suggestion


def test_a_deleted_line_breaks_its_subtotal(edit: Any, editor: Editor) -> None:
    editor.call("delete_rows", sheet=B01, row=LINES + 1, count=1)
    # LibreOffice 7.4 goes on showing the old total after this, until it is told to recalculate: both are said.
    stale = edit()
    assert set(stale.more) - {"valeur-perimee"} == {"total-collectivite"}
    editor.recalculate()
    edited = edit()
    assert (edited.more, edited.less) == (["total-collectivite"], [])


def test_a_deleted_budget_sheet_is_said(edit: Any, editor: Editor) -> None:
    editor.call("remove_sheet", sheet=B11)
    edited = edit()
    assert "tableau-absent" in edited.more
