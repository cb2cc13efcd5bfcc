"""A column named in a schema and in the forms' layout goes everywhere, without a line of Python."""

from __future__ import annotations

import csv
import json
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from support.campaign import campaign_workspace, fill
from support.program import tabellion
from tabellion.contract.workspace import find_workspace

FIELD = {
    "name": "direction",
    "type": "string",
    "title": "Direction",
    "description": "La direction de la collectivité qui suit la ligne.",
    "example": "Direction de la culture",
    "constraints": {"maxLength": 40},
    "excel": {"largeur": 24},
}
SAID, KEY = "Direction des sports", "A"


def add_column(root: Path) -> None:
    """Declare the field and name it in the layout of the forms; the register's CSV has no such column yet."""
    path = root / "schemas" / "lignes_budgetaires.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    place = next(place for place, field in enumerate(schema["fields"]) if field["name"] == "commentaire")
    schema["fields"].insert(place, FIELD)
    path.write_text(json.dumps(schema, ensure_ascii=False, indent=2), encoding="utf-8")
    path = root / "templates" / "formulaires.toml"
    comment = '  { role = "à remplir", champ = "commentaire", largeur = 20 },\n'
    column = '  { role = "à remplir", champ = "direction", largeur = 24 },\n'
    path.write_text(path.read_text(encoding="utf-8").replace(comment, column + comment, 1), encoding="utf-8")


def run(root: Path, *arguments: str, code: int = 0) -> str:
    outcome = tabellion(*arguments, cwd=root)
    assert outcome.code == code, outcome.out + outcome.err
    return outcome.out


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A contract with the column, whose forms of 2016 are sent."""
    root = campaign_workspace(tmp_path_factory.mktemp("colonne") / "contrat", contract="cas")
    add_column(root)
    run(root, "generate")
    run(root, "forms", "--exercice", "2016")
    return root


def sheets(path: Path) -> dict[str, list[list[Any]]]:
    book = openpyxl.load_workbook(path)
    return {sheet.title: [list(row) for row in sheet.iter_rows(values_only=True)] for sheet in book}


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def answer(root: Path, monkeypatch: pytest.MonkeyPatch, text: str, day: int) -> None:
    """The town's return, which says a direction for one line."""
    schemas = find_workspace(root).schemas
    monkeypatch.setattr("support.campaign.FORM_TABLES", schemas.forms)
    monkeypatch.setattr("support.campaign.schemas", lambda: schemas)
    form = root / "workbooks" / "envois" / "2016" / "luce-2016.xlsx"
    answers = {"Budget": {KEY: {"montant_prevu": 12, "direction": text}}}
    fill(form, root / "workbooks" / "retours" / "luce.xlsx", answers, saved=datetime(2016, 11, day, 9))


def test_it_is_in_the_master_and_in_the_dictionary(root: Path) -> None:
    book = sheets(root / "workbooks" / "contrat.xlsx")
    lines = next(rows for title, rows in book.items() if title.startswith("B01"))
    assert any("Direction" in row for row in lines)
    (entry,) = [row for row in book["Dictionnaire"] if "lignes_budgetaires.direction" in row]
    assert FIELD["description"] in entry


def test_it_is_asked_in_the_forms(root: Path) -> None:
    rows = sheets(root / "workbooks" / "envois" / "2016" / "luce-2016.xlsx")["Budget"]
    headers = next(row for row in rows if "Commentaire" in row)
    assert headers[headers.index("Direction") + 1] == "Commentaire"


def test_it_is_read_and_checked(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(root, monkeypatch, "x" * 41, 10)
    path = root / "workbooks" / "retours" / "luce.xlsx"
    run(root, "validate", str(path), "--json", str(root / "lu.json"), code=1)
    constats = json.loads((root / "lu.json").read_text(encoding="utf-8"))["constats"]
    (finding,) = [constat for constat in constats if constat["champ"] == "direction"]
    assert (finding["code"], finding["feuille"]) == ("texte-trop-long", "Budget")


def test_it_is_merged_consolidated_adopted_exported_and_published(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(root, monkeypatch, SAID, 20)
    run(root, "consolidate")
    consolidation = root / "workbooks" / "consolidation"
    data = sheets(consolidation / "consolidation.xlsx")
    assert any(SAID in row for rows in data.values() for row in rows)
    assert any("Direction" in row for row in data["Modifications"] for row in [list(map(str, row))])
    run(root, "adopt", "--oui")
    lines = rows_of(root / "workbooks" / "registre" / "lignes_budgetaires.csv")
    assert [row["exercice"] for row in lines if row["direction"] == SAID and row["ligne_id"] == KEY] == ["2016"]
    run(root, "export", "--vers", str(root / "donnees"))
    (exported,) = (root / "donnees").rglob("lignes_budgetaires.csv")
    assert any(row["direction"] == SAID for row in rows_of(exported))
    run(root, "publish", "--exercice", "2016", "--sortie", str(root / "texte.docx"))
    with zipfile.ZipFile(root / "texte.docx") as document:
        assert SAID in document.read("word/document.xml").decode()
