"""The models of contracts: each is data, and a contract made of it goes through every command."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest
from docx import Document

from support.contracts import ROOT, Rows, fiche, line, small_rows
from support.program import tabellion
from tabellion.checks.contract import check_contract
from tabellion.commands.models import changed_schema
from tabellion.commands.new import create_empty_workspace
from tabellion.commands.source import load_contract
from tabellion.contract.register import save_register
from tabellion.contract.workspace import Workspace, find_workspace
from tabellion.findings import TabellionError
from tabellion.schema.tables import make_tables

NOW = datetime(2026, 1, 5)
YEAR = NOW.year


def rows_of_2030() -> Rows:
    """Two enjeux and a convention of none, lines of this year: what the small contract says, in the words of 2030."""
    rows = small_rows()
    rows["piliers"] = [{"pilier_id": "A", "titre": "Le plein emploi"}]
    rows["conventions"] = [
        {"convention_id": 1, "pilier_id": "A", "titre": "Insertion"},
        {"convention_id": 2, "titre": "Santé"},
    ]
    rows["axes"] = [
        {"axe_id": "1.1", "convention_id": 1, "titre": "Se former"},
        {"axe_id": "2.1", "convention_id": 2, "titre": "Se soigner"},
    ]
    rows["fiches"] = [fiche("1.1/1", "1.1", 1), fiche("2.1/1", "2.1", 2)]
    rows["participations"] = [{"fiche_id": "1.1/1", "partenaire_id": "bailleur", "role": "porteur"}]
    rows["financements"] = []
    rows["lignes_budgetaires"] = [
        line("B01-luce-001", 1, "luce", "Chantiers", 1_000_00, exercice=YEAR),
        line("B02-luce-001", 2, "luce", "Médiation", 500_00, exercice=YEAR),
    ]
    rows["totaux_publies"] = []
    return rows


def make_contract(folder: Path, rows: Rows) -> Workspace:
    """A contract of the model of 2030 whose register holds these rows, and no workbook yet."""
    create_empty_workspace(folder, NOW, "quartiers-2030")
    workspace = find_workspace(folder)
    workspace.contrat.unlink()
    tables = make_tables(workspace.schemas, rows)
    save_register(workspace.registre, tables, workspace.schemas, identifiant=folder.name, titre="Essai")
    return workspace


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A contract of 2030 whose workbook is made."""
    workspace = make_contract(tmp_path_factory.mktemp("modele") / "q", rows_of_2030())
    run(workspace.root, "generate")
    return workspace.root


def run(root: Path, *arguments: str) -> str:
    outcome = tabellion(*arguments, cwd=root)
    assert outcome.code == 0, outcome.out + outcome.err
    return outcome.out


def cells(path: Path) -> list[str]:
    """Every text of the sheets of a workbook that people see."""
    book = openpyxl.load_workbook(path, read_only=True)
    shown = [sheet for sheet in book if sheet.sheet_state == "visible"]
    return [str(cell) for sheet in shown for row in sheet.iter_rows(values_only=True) for cell in row if cell]


def test_an_unknown_model_is_refused_and_the_known_ones_are_named(tmp_path: Path) -> None:
    with pytest.raises(TabellionError) as refused:
        create_empty_workspace(tmp_path / "q", NOW, "quartiers")
    (found,) = refused.value.findings
    assert found.code == "option-fausse"
    assert found.attendu == "l'un de ces modèles : neutre, quartiers-2030"
    assert not (tmp_path / "q").exists()


@pytest.mark.parametrize("model", sorted(path.name for path in (ROOT / "templates" / "modeles").iterdir()))
def test_a_model_makes_an_empty_contract_in_which_nothing_is_wrong(tmp_path: Path, model: str) -> None:
    create_empty_workspace(tmp_path / "q", NOW, model)
    book = load_contract(find_workspace(tmp_path / "q"))
    assert [name for name, table in book.tables.items() if len(table) and name not in ("reglages", "exercices")] == []
    assert check_contract(book) == []
    assert book.settings.exercice_courant == YEAR


def test_the_level_above_conventions_has_one_name_everywhere(root: Path) -> None:
    run(root, "forms")
    run(root, "consolidate")
    run(root, "publish")
    run(root, "annexe")
    run(root, "export")
    run(root, "diff", "workbooks/contrat.xlsx", "workbooks/registre")
    workbooks = root / "workbooks"
    (document,) = (workbooks / "publication").glob("*.docx")
    texts = [paragraph.text for paragraph in Document(str(document)).paragraphs]
    assert any("Le plein emploi" in text for text in texts)
    master = cells(workbooks / "contrat.xlsx")
    assert {"Enjeu", "Enjeux", "Intitulé de l'enjeu", "A – Le plein emploi", "Sans enjeu"} <= set(master)
    books = list(workbooks.rglob("*.xlsx"))
    everything = [*texts, *(text for path in books for text in cells(path))]
    assert len(books) >= 5
    fields = {"piliers.pilier_id", "piliers.titre", "piliers.ligne_source", "conventions.pilier_id"}
    assert [text for text in everything if "pilier" in text.lower() and text not in fields] == []


def test_a_change_of_a_schema_merges_fields_by_their_names_and_places_new_ones() -> None:
    base = {"title": "T", "fields": [{"name": "a", "excel": {"largeur": 1, "une_ligne": True}}, {"name": "b"}]}
    change = {
        "fields": [{"name": "c", "apres": "a"}, {"name": "d"}, {"name": "a", "title": "A", "excel": {"largeur": 2}}],
        "foreignKeys": [{"fields": "c"}],
    }
    made = changed_schema(base, change)
    assert [field["name"] for field in made["fields"]] == ["a", "c", "b", "d"]
    assert made["fields"][0] == {"name": "a", "title": "A", "excel": {"largeur": 2, "une_ligne": True}}
    assert made["foreignKeys"] == [{"fields": "c"}]
    assert json.dumps(base).count("apres") == 0


def test_the_axes_of_a_contract_say_their_level_by_its_name(tmp_path: Path) -> None:
    rows = rows_of_2030()
    rows["axes"] = [{"axe_id": "A-2", "convention_id": 1, "titre": "Ailleurs"}] + [
        {"axe_id": f"A-1.{rank}", "convention_id": 1, "titre": f"Axe {rank}"} for rank in (1, 2)
    ]
    rows["fiches"], rows["participations"] = [], []
    workspace = make_contract(tmp_path / "q", rows)
    found = [each for each in check_contract(load_contract(workspace)) if each.code == "axe-et-convention"]
    assert [(each.champ, each.attendu) for each in found] == [("axe_id", "la convention 2, enjeu A")]
