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
B01, B02, B11 = "B01 Education, parentalité", "B02 Lien social, citoyenneté", "B11 Valeurs Républicaines"
#: Zero-based columns of a budget line.
TOWN, LABEL, REALISED, YEAR = 0, 1, 4, 5
#: Zero-based rows of B01: the header of its subtotals, the header of its lines.
TOTALS, LINES = 4, 11
RECAP = "Rapprochement"
#: Zero-based columns of a published total, whose computed amount is its own formula; and its first row.
PRINTED, COMPUTED, PLACE, KEY = 4, 5, 8, 11
FIRST = 35


def counted(findings: list[Finding]) -> Counter[tuple[str, str]]:
    """What findings say, wherever sorting or inserting has moved it."""
    return Counter((finding.code, finding.message) for finding in findings)


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("master") / "contrat.xlsx"
    generate(find_workspace(ROOT), path, force=False, now=NOW)
    return path


@pytest.fixture(scope="module")
def before(master: Path) -> Counter[tuple[str, str]]:
    return counted(validate(find_workspace(ROOT), [master]))


class Edited:
    """The master after an edit and a save: what is said more, and what is said no more."""

    def __init__(self, path: Path, before: Counter[tuple[str, str]]) -> None:
        self.findings = validate(find_workspace(ROOT), [path])
        now = counted(self.findings)
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


def test_what_changes_no_value_says_nothing(edit: Any, editor: Editor) -> None:
    """Saved by LibreOffice; a table sorted, another one filtered; a sheet renamed, which is found by its new name."""
    last = max(row for row, _ in editor.read()[B01])
    editor.call("sort", sheet=B01, area=[LINES + 1, 0, last, 10], column=LABEL, descending=True)
    last = max(row for row, _ in editor.read()[B02])
    editor.call("filter", sheet=B02, area=[LINES, 0, last, 10], column=TOWN, text="Lucé")
    editor.call("rename_sheet", sheet=B11, name="Laïcité 2026")
    edited = edit()
    assert (edited.more, edited.less) == ([], [])
    assert ("Laïcité 2026", "E15") in edited.cells("ligne-hors-total")


def test_the_formula_of_a_total_is_named_at_its_cell_whatever_became_of_it(edit: Any, editor: Editor) -> None:
    """Altered, typed over, emptied; and one that stops short of the last lines."""
    editor.call("set_formula", sheet=B01, row=TOTALS + 1, column=REALISED, formula="=97591+12000")
    editor.set(B01, TOTALS + 2, REALISED, 2_012_467)
    editor.set(B01, TOTALS + 3, REALISED, None)
    where = "$A$13:$A$20;Totaux_02[[#This Row];[Collectivité]];$F$13:$F$20;Exercice"
    formula = f'=IF(COUNTIFS({where};$E$13:$E$20;">-1E+99")=0;"";SUMIFS($E$13:$E$20;{where}))'
    editor.call("set_formula", sheet=B02, row=TOTALS + 1, column=REALISED, formula=formula)
    edited = edit()
    assert edited.more == ["formule-effacee", "formule-modifiee", "formule-remplacee", "plage-incomplete"]
    assert edited.less == []
    assert edited.cells("formule-modifiee") == [(B01, "E6")]
    assert edited.cells("formule-remplacee") == [(B01, "E7")]
    assert edited.cells("formule-effacee") == [(B01, "E8")]
    assert edited.cells("plage-incomplete") == [(B02, "E6")]


def test_a_key_typed_over_another_row_or_blanked_leaves_each_row_its_formula(edit: Any, editor: Editor) -> None:
    editor.set(RECAP, FIRST + 1, KEY, editor.read()[RECAP][FIRST, KEY].value)
    editor.set(RECAP, FIRST + 3, KEY, None)
    edited = edit()
    assert (edited.more, edited.less) == (["identifiant-retabli"] * 2, []), "the rest of each row says which one it is"
    assert edited.cells("identifiant-retabli") == [(RECAP, f"L{FIRST + 2}"), (RECAP, f"L{FIRST + 4}")]


def test_what_is_typed_in_lines_is_said_at_its_cell_and_blocks_nothing(edit: Any, editor: Editor) -> None:
    """An amount as a text, which is understood; words; a town off the list; a formula whose error starts there."""
    editor.set(B01, LINES + 2, REALISED, "12 000 euros")  # what the register has
    editor.set(B01, LINES + 3, REALISED, "à voir avec le service")
    editor.set(B02, LINES + 2, TOWN, "Chartre")
    edited = edit()
    assert edited.more == ["nombre-en-texte", "reference-inconnue", "texte-au-lieu-de-nombre"]
    assert edited.less == []
    assert edited.cells("nombre-en-texte") == [(B01, "E14")]
    assert edited.cells("texte-au-lieu-de-nombre") == [(B01, "E15")]
    assert not [finding for finding in edited.findings if finding.bloquant]
    (finding,) = [finding for finding in edited.findings if finding.code == "reference-inconnue"]
    assert (finding.place.feuille, finding.place.cellule) == (B02, "A14")
    assert "Chartres" in finding.suggestion
    editor.call("set_formula", sheet=B01, row=LINES + 4, column=REALISED, formula="=1/0")
    broken = edit()
    assert set(broken.more) - set(edited.more) == {"cellule-en-erreur"}
    assert (B01, "E16") in broken.cells("cellule-en-erreur")


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


def test_an_inserted_column_is_kept_and_said_once_it_holds_something(edit: Any, editor: Editor) -> None:
    editor.call("insert_columns", sheet=B11, column=2, count=1)
    editor.set(B11, LINES, 2, "Notre remarque")
    editor.set(B11, LINES + 1, 2, "à revoir en septembre")
    edited = edit()
    assert (edited.more, edited.less) == (["colonne-en-trop"], [])
    assert edited.cells("colonne-en-trop") == [(B11, "C12")]


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
    (absent,) = [finding for finding in edited.findings if finding.code == "ligne-calculee-absente"]
    assert absent.valeur == key, "its key and its formula are gone, the other row still has one of the two"


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
