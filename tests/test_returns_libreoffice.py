"""A form filled in LibreOffice as a person would comes back the same, whatever the person did around it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from support.contracts import ROOT
from support.forms import written_form
from support.libreoffice import LibreOffice, OfficeCell
from support.office_files import Editor
from tabellion.commands.source import load_contract
from tabellion.commands.validate import validate
from tabellion.contract.workspace import find_workspace
from tabellion.findings import Finding
from tabellion.reading import parse_bytes
from tabellion.reading.form import ParsedForm, read_form
from tabellion.reading.references import references

PARTNER = "mainvilliers"
BUDGET, ACTIONS, FUNDING, GUIDE = "Budget", "Actions", "Financements", "Mode d'emploi"
#: Zero-based: the header of every table, its first row; the lines of Budget as sent, and the first spare row.
HEADER, FIRST, LINES = 4, 5, 30
SPARE = FIRST + LINES
STATE, CONVENTION, LABEL, PLANNED, VOTED, SPENT, REMARK, KEY = 0, 1, 2, 5, 6, 7, 8, 9
NOT_THE_PARTNER = {"formules-non-calculees"}


@pytest.fixture(scope="module")
def form(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The form of a town with budget lines, fiches and a financement, as sent."""
    path = tmp_path_factory.mktemp("envois") / "mainvilliers-2016.xlsx"
    path.write_bytes(written_form("Chartres", "mainvilliers"))
    return path


def fill(editor: Editor | LibreOffice) -> None:
    """Every cell that the form asks for, typed as on a French keyboard, the sheets still protected."""
    for rank in range(LINES):
        editor.type(BUDGET, FIRST + rank, PLANNED, str(1000 + rank))
        editor.type(BUDGET, FIRST + rank, VOTED, f"{900 + rank},56")
    editor.type(BUDGET, FIRST, SPENT, "1234,56")
    editor.type(BUDGET, FIRST, REMARK, "Payé en deux fois : 50 % – l'été, puis « à Noël »")
    for column, text in ((5, "en cours"), (6, "40"), (7, "30/11/2016"), (8, "2500,5"), (9, "Tout va bien")):
        editor.type(ACTIONS, FIRST, column, text)
    editor.type(FUNDING, FIRST, 4, "chiffré")
    editor.type(FUNDING, FIRST, 5, "12000")


def fill_by_openpyxl(form: Path, path: Path) -> Path:
    """The same answers, written by a script."""
    book = openpyxl.load_workbook(form)
    budget, actions, funding = book[BUDGET], book[ACTIONS], book[FUNDING]
    for rank in range(LINES):
        budget.cell(FIRST + rank + 1, PLANNED + 1).value = 1000 + rank
        budget.cell(FIRST + rank + 1, VOTED + 1).value = 900 + rank + 0.56
    budget.cell(FIRST + 1, SPENT + 1).value = 1234.56
    budget.cell(FIRST + 1, REMARK + 1).value = "Payé en deux fois : 50 % – l'été, puis « à Noël »"
    answers = ("en cours", 40, date(2016, 11, 30), 2500.5, "Tout va bien")
    for column, value in enumerate(answers, 6):
        actions.cell(FIRST + 1, column).value = value
    funding.cell(FIRST + 1, 5).value, funding.cell(FIRST + 1, 6).value = "chiffré", 12000
    book.save(path)
    return path


def findings_of(path: Path) -> list[Finding]:
    return [finding for finding in validate(find_workspace(ROOT), [path]) if finding.code not in NOT_THE_PARTNER]


def places(path: Path) -> list[tuple[str, str | None]]:
    return [(finding.code, finding.place.cellule) for finding in findings_of(path)]


def read(path: Path) -> ParsedForm:
    workspace = find_workspace(ROOT)
    tables = load_contract(workspace).tables
    raw = parse_bytes(path.read_bytes(), path.name)
    return read_form(raw, workspace.schemas, references(tables, workspace.schemas), workspace.settings.identifiant)


def rows(path: Path) -> dict[str, dict[str | None, dict[str, Any]]]:
    """Every row of every table, by its stable id."""
    reading = read(path)
    return {
        name: {
            row_id: {champ: values[position] for champ, values in table.columns.items()}
            for position, row_id in enumerate(table.row_ids)
        }
        for name, table in reading.tables.items()
    }


@pytest.fixture(scope="module")
def by_script(form: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str | None, dict[str, Any]]]:
    """What the same answers written by a script are read as."""
    return rows(fill_by_openpyxl(form, tmp_path_factory.mktemp("script") / "retour.xlsx"))


@pytest.fixture
def filled(editor: Editor, form: Path) -> Editor:
    editor.open(form)
    fill(editor)
    return editor


def back(editor: Editor, tmp_path: Path) -> Path:
    return editor.save(tmp_path / "retour.xlsx")


def text(cell: OfficeCell | None) -> float | str | None:
    return None if cell is None else cell.value


def test_a_form_filled_by_hand_says_nothing_and_every_value_is_exact(
    filled: Editor, by_script: Any, tmp_path: Path
) -> None:
    path = back(filled, tmp_path)
    assert findings_of(path) == []
    values_by_table = rows(path)
    assert values_by_table == by_script
    lines = list(values_by_table["lignes_budgetaires"].values())
    assert [row["montant_prevu"] for row in lines] == [(1000 + rank) * 100 for rank in range(LINES)]
    assert [row["montant_vote"] for row in lines] == [(900 + rank) * 100 + 56 for rank in range(LINES)]
    assert [row["montant_realise"] for row in lines] == [123_456] + [None] * (LINES - 1)
    assert lines[0]["commentaire"] == "Payé en deux fois : 50 % – l'été, puis « à Noël »"
    assert {(row["collectivite_id"], row["exercice"]) for row in lines} == {(PARTNER, 2016)}
    (fiche,) = values_by_table["suivis"].values()
    answers = [fiche[name] for name in ("avancement", "pourcentage", "date_bilan", "montant_engage", "commentaire")]
    assert answers == ["en cours", 40, date(2016, 11, 30), 250_050, "Tout va bien"]
    (funding,) = values_by_table["financements"].values()
    assert (funding["statut_montant"], funding["montant"]) == ("chiffré", 1_200_000)


@pytest.mark.libreoffice
def test_the_live_column_the_counters_and_the_guide_follow_what_is_typed(office: LibreOffice, form: Path) -> None:
    office.open(form)
    cells = office.read()
    assert text(cells[BUDGET][2, 0]) == LINES
    assert text(cells[BUDGET][FIRST, STATE]) == "à compléter : un montant"
    assert any(cell.value == "Rien de saisi dans ce formulaire." for cell in cells[GUIDE].values())
    office.type(BUDGET, FIRST, PLANNED, "100")
    office.type(BUDGET, SPARE, LABEL, "Une ligne de plus")
    cells = office.read()
    assert text(cells[BUDGET][FIRST, STATE]) == "complet"
    assert text(cells[BUDGET][SPARE, STATE]) == "à compléter : convention, un montant"
    assert text(cells[BUDGET][2, 0]) == LINES
    fill(office)
    office.type(BUDGET, SPARE, CONVENTION, "9 – Emploi")
    office.type(BUDGET, SPARE, PLANNED, "12")
    cells = office.read()
    assert {text(cells[BUDGET][row, STATE]) for row in range(FIRST, SPARE + 1)} == {"complet"}
    assert [text(cells[sheet][2, 0]) for sheet in (BUDGET, ACTIONS, FUNDING)] == [0, 0, 0]
    assert "Ce formulaire est complet : vous pouvez l'envoyer." in {cell.value for cell in cells[GUIDE].values()}


def test_a_locked_cell_stays_as_it_was(filled: Editor, by_script: Any, tmp_path: Path) -> None:
    filled.type(BUDGET, FIRST, LABEL, "Autre chose")
    path = back(filled, tmp_path)
    assert findings_of(path) == []
    assert rows(path) == by_script


def test_a_spare_row_is_read(filled: Editor, by_script: Any, tmp_path: Path) -> None:
    words = next(word for word in load_words() if word.startswith("9 – "))
    for column, typed in ((CONVENTION, words), (LABEL, "Chantier jeunes"), (PLANNED, "1500,25")):
        filled.type(BUDGET, SPARE, column, typed)
    path = back(filled, tmp_path)
    assert findings_of(path) == []
    values_by_table = rows(path)
    added = values_by_table["lignes_budgetaires"].pop(None)
    assert (added["convention_id"], added["libelle"], added["montant_prevu"]) == (9, "Chantier jeunes", 150_025)
    assert values_by_table == by_script


def load_words() -> list[str]:
    workspace = find_workspace(ROOT)
    return list(references(load_contract(workspace).tables, workspace.schemas).conventions)


@pytest.mark.parametrize(
    ("typed", "cents", "codes"),
    [
        ("1 234,56", 123_456, set()),
        ("1\u202f234,56", 123_456, {"valeur-comprise"}),
        ("1234,56 €", 123_456, set()),
        ("12 k€", 1_200_000, {"valeur-comprise"}),
        ("=100+20", 12_000, set()),
        ("0", 0, set()),
    ],
)
def test_amounts_as_a_person_types_them(
    typed: str, cents: int, codes: set[str], filled: Editor, tmp_path: Path
) -> None:
    filled.type(BUDGET, FIRST, PLANNED, typed)
    path = back(filled, tmp_path)
    assert places(path) == [(code, "F6") for code in codes]
    assert rows(path)["lignes_budgetaires"]["B01-mainvilliers-001"]["montant_prevu"] == cents


def test_an_error_typed_is_named_at_its_cell(filled: Editor, tmp_path: Path) -> None:
    filled.type(BUDGET, FIRST, PLANNED, "=1/0")
    assert places(back(filled, tmp_path)) == [("cellule-en-erreur", "F6")]
    assert text(filled.read()[BUDGET][FIRST, STATE]) == "à corriger : une valeur à la place d'une erreur"


def test_what_a_filter_hides_is_read_and_said(filled: Editor, by_script: Any, tmp_path: Path) -> None:
    label = str(filled.read()[BUDGET][FIRST, LABEL].value)
    filled.call("filter", sheet=BUDGET, area=[HEADER, 0, SPARE - 1, KEY], column=LABEL, text=label)
    path = back(filled, tmp_path)
    assert [finding.code for finding in findings_of(path)] == ["reponses-masquees"]
    assert rows(path) == by_script


def test_sorting_whole_rows_says_nothing(filled: Editor, by_script: Any, tmp_path: Path) -> None:
    filled.call("unprotect", sheet=BUDGET)
    filled.call("sort", sheet=BUDGET, area=[FIRST, 0, SPARE - 1, KEY], column=LABEL, descending=True)
    path = back(filled, tmp_path)
    assert findings_of(path) == []
    assert rows(path) == by_script
    assert list(rows(path)["lignes_budgetaires"]) != list(by_script["lignes_budgetaires"])


def test_an_inserted_row_is_a_new_line(filled: Editor, by_script: Any, tmp_path: Path) -> None:
    filled.call("unprotect", sheet=BUDGET)
    filled.call("insert_rows", sheet=BUDGET, row=FIRST + 3, count=1)
    for column, typed in ((CONVENTION, "9"), (LABEL, "Chantier jeunes"), (PLANNED, "1500")):
        filled.type(BUDGET, FIRST + 3, column, typed)
    path = back(filled, tmp_path)
    values_by_table = rows(path)
    added = values_by_table["lignes_budgetaires"].pop(None)
    assert (added["convention_id"], added["libelle"], added["montant_prevu"]) == (9, "Chantier jeunes", 150_000)
    assert values_by_table == by_script
    # Unlike Excel, LibreOffice leaves the live column of the new row blank: the row is read, and nothing is said of it.
    assert set(places(path)) == set()


def test_a_renamed_sheet_says_nothing(filled: Editor, by_script: Any, tmp_path: Path) -> None:
    filled.call("rename_sheet", sheet=BUDGET, name="Nos crédits d'ici")
    path = back(filled, tmp_path)
    assert findings_of(path) == []
    assert rows(path) == by_script


def test_an_inserted_column_is_said_and_nothing_is_lost(filled: Editor, by_script: Any, tmp_path: Path) -> None:
    filled.call("unprotect", sheet=BUDGET)
    filled.call("insert_columns", sheet=BUDGET, column=PLANNED, count=1)
    filled.set(BUDGET, HEADER, PLANNED, "Notre remarque")
    filled.set(BUDGET, FIRST, PLANNED, "à revoir")
    path = back(filled, tmp_path)
    assert places(path) == [("colonne-en-trop", "F5")]
    assert rows(path) == by_script
