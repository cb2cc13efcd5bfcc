"""The command that imports: what is doubtful is asked in a workbook, nothing is replaced unseen, decisions are kept."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest

from support import legacy_workbooks
from support.documents import document, small_contract
from support.program import tabellion
from tabellion.commands.import_document import Import, import_again, import_document
from tabellion.commands.new import create_empty_workspace
from tabellion.contract.register import load_register
from tabellion.contract.workspace import Workspace, find_workspace
from tabellion.findings import TabellionError
from tabellion.importing import read_document

NOW = datetime(2026, 3, 2)
HEADER = ["Convention", "Collectivité", "Libellé", "Montant"]


def csv(workspace: Workspace, name: str, *rows: list[str]) -> Path:
    path = workspace.root / name
    path.write_text("\n".join(";".join(row) for row in (HEADER, *rows)), encoding="utf-8")
    return path


def run(workspace: Workspace, *paths: Path, accept: bool = False, force: bool = False) -> Import:
    return import_document(workspace, paths, None, force=force, now=NOW, accept=accept)


def choose(path: Path, sheet: str, text: str, meaning: str | None, decision: str | None = None) -> None:
    """Correct the row of ``text`` as a person does in Excel."""
    book = openpyxl.load_workbook(path)
    page = book[sheet]
    labels = {cell.value: cell.column for cell in page[5]}
    row = next(cells[0].row for cells in page.iter_rows(min_row=6) if cells[labels["Trouvé"] - 1].value == text)
    if meaning is not None:
        page.cell(row, labels["C'est"], meaning)
    if decision is not None:
        page.cell(row, labels["Décision"], decision)
    book.save(path)


def amounts(workspace: Workspace) -> list[tuple[str, int | None, int | None]]:
    table = load_register(workspace.registre, workspace.schemas, workspace.settings).tables["lignes_budgetaires"]
    return [(row["libelle"], row["montant_vote"], row["montant_realise"]) for row in table.rows]


def test_what_is_asked_is_decided_in_excel_and_kept_for_the_next_file(empty: Workspace) -> None:
    first = run(empty, csv(empty, "credits 2013.csv", ["1 - Santé", "Brest", "Soins", "5"]))
    assert (first.written, first.present) == (False, "")
    assert first.preview == "0 fiche, 1 ligne, 5 €, 1 à voir"
    (finding,) = [finding for finding in first.findings if finding.bloquant]
    assert finding.code == "correspondance-a-confirmer"
    assert amounts(empty) == []
    choose(first.asked, "Correspondance", "Montant", "Montant voté")
    second = run(empty, empty.root / "credits 2013.csv")
    assert (second.written, amounts(empty)) == (True, [("Soins", 500, None)])
    assert len([path for path in second.kept if path.name.startswith("correspondance ")]) == 1
    third = run(empty, csv(empty, "credits 2014.csv", ["1 - Santé", "Brest", "Soins", "6"]), force=True)
    assert (third.written, third.present) == (True, "0 fiche, 1 ligne, 5 €")
    assert amounts(empty) == [("Soins", 600, None)]


def test_a_proposal_is_accepted_by_its_decision_or_by_the_option(empty: Workspace) -> None:
    path = csv(empty, "credits 2013.csv", ["1 - Santé", "Brest", "Soins", "5"])
    asked = run(empty, path).asked
    choose(asked, "Correspondance", "Montant", None, "accepté")
    assert run(empty, path).written
    assert amounts(empty) == [("Soins", None, 500)]
    asked.unlink()
    assert run(empty, path, accept=True).written


def test_the_watcher_makes_the_import_again_once_staff_have_chosen(empty: Workspace) -> None:
    first = run(empty, csv(empty, "credits 2013.csv", ["1 - Santé", "Brest", "Soins", "5"]))
    assert import_again(empty, NOW) == []
    choose(first.asked, "Correspondance", "Montant", "Argent")
    assert [finding.code for finding in import_again(empty, NOW)] == ["correspondance-a-confirmer"]
    choose(first.asked, "Correspondance", "Montant", "Montant voté")
    assert [finding.code for finding in import_again(empty, NOW)] == ["import-refait"]
    assert amounts(empty) == [("Soins", 500, None)]
    choose(first.asked, "Correspondance", "Montant", "Montant prévu")
    assert import_again(empty, NOW) == []  # nothing waits any more: the next import reads it


def test_a_choice_off_the_list_is_said_at_its_cell_and_decides_nothing(empty: Workspace) -> None:
    path = csv(empty, "credits 2013.csv", ["1 - Santé", "Brest", "Soins", "5"])
    choose(run(empty, path).asked, "Correspondance", "Montant", "Argent")
    done = run(empty, path)
    assert [
        (finding.place.feuille, finding.valeur) for finding in done.findings if finding.code == "choix-hors-liste"
    ] == [("Correspondance", "Argent")]
    assert not done.written


def test_a_year_or_a_convention_that_is_none_is_said_too(empty: Workspace) -> None:
    path = csv(empty, "credits.csv", ["Santé", "Brest", "Soins", "5"])
    asked = run(empty, path).asked
    choose(asked, "Années", "credits.csv", "l'an passé")
    choose(asked, "Conventions", "Santé", "la santé")
    places = [finding.place.feuille for finding in run(empty, path).findings if finding.code == "choix-hors-liste"]
    assert sorted(filter(None, places)) == ["Années", "Conventions"]
    choose(asked, "Années", "credits.csv", "2014")
    choose(asked, "Conventions", "Santé", "3 - Santé")
    assert run(empty, path, accept=True).written
    (line,) = load_register(empty.registre, empty.schemas, empty.settings).tables["lignes_budgetaires"].rows
    assert (line["convention_id"], line["exercice"]) == (3, 2014)


def test_a_correspondence_that_somebody_has_open_is_not_replaced_under_their_hands(empty: Workspace) -> None:
    path = csv(empty, "credits 2013.csv", ["1 - Santé", "Brest", "Soins", "5"])
    asked = run(empty, path).asked
    choose(asked, "Correspondance", "Montant", "Montant voté")
    held = asked.read_bytes()
    lock = asked.parent / f".~lock.{asked.name}#"
    lock.write_text(",Anne,poste,02.03.2026 09:00,file:///x;", encoding="utf-8")
    os.utime(lock, (NOW.timestamp(), NOW.timestamp()))
    done = run(empty, path)
    assert "correspondance-ouverte" in [finding.code for finding in done.findings]
    assert (done.written, asked.read_bytes()) == (True, held)


def test_a_damaged_correspondence_is_said_and_does_not_count(empty: Workspace) -> None:
    path = csv(empty, "credits 2013.csv", ["1 - Santé", "Brest", "Soins", "5"])
    asked = run(empty, path).asked
    asked.write_bytes(b"rien")
    assert "correspondance-illisible" in [finding.code for finding in run(empty, path).findings]


def test_the_same_import_writes_the_same_bytes(empty: Workspace) -> None:
    path = empty.root / "ancien.xlsx"
    path.write_bytes(legacy_workbooks.flat_list(read_document(document(small_contract()), "contrat.txt")))
    first = run(empty, path)
    before = first.asked.read_bytes()
    assert run(empty, path).asked.read_bytes() == before


def test_a_register_that_says_more_is_refused_with_both_counts(empty: Workspace) -> None:
    run(empty, csv(empty, "a 2013.csv", ["1 - Santé", "Brest", "Soins", "5"]), accept=True)
    with pytest.raises(TabellionError) as caught:
        run(empty, csv(empty, "b 2013.csv", ["1 - Santé", "Brest", "Bus", "7"]), accept=True)
    (finding,) = caught.value.findings
    assert "Import : 0 fiche, 1 ligne, 7 €" in finding.suggestion
    assert "Contrat actuel : 0 fiche, 1 ligne, 5 €" in finding.suggestion
    assert amounts(empty) == [("Soins", None, 500)]


def test_an_export_adds_to_the_contract_and_a_second_time_changes_nothing(empty: Workspace) -> None:
    text = empty.root / "contrat.txt"
    text.write_bytes(document(small_contract()))
    before = run(empty, text, force=True)
    export = empty.root / "scdl.csv"
    header = "nomAttribuant;dateConvention;referenceDecision;nomBeneficiaire;objet;montant"
    export.write_text(f"{header}\nVille;2016-06-27;D1;Judo;Fiche I-2./1;900,50\n", encoding="utf-8")
    done = run(empty, export)
    assert done.preview == f"{before.preview.rpartition(',')[0]}, 1 subvention, 0 à voir"
    files = {path.name: path.read_bytes() for path in empty.registre.iterdir()}
    table = load_register(empty.registre, empty.schemas, empty.settings).tables
    assert [(row["fiche_id"], row["montant"]) for row in table["financements"].rows][-1] == ("I-2./1", 90_050)
    assert len(table["fiches"]) == 4
    assert run(empty, export).written
    assert {path.name: path.read_bytes() for path in empty.registre.iterdir()} == files


QPV = ["Convention", "Collectivité", "Libellé", "Réalisé 2025", "Nature", "QPV"]


def test_a_contract_with_quartiers_keeps_them_and_another_says_that_it_has_no_place(
    empty: Workspace, tmp_path: Path
) -> None:
    create_empty_workspace(tmp_path / "neuf", NOW, model="quartiers-2030")
    with_quartiers = find_workspace(tmp_path / "neuf")
    rows = [QPV, ["1 - Santé", "Brest", "Soins", "5", "Fonctionnement", "Kerourien (QN02901M), Bellevue"]]
    for workspace in (with_quartiers, empty):
        path = workspace.root / "credits.csv"
        path.write_text("\n".join(";".join(row) for row in rows), encoding="utf-8")
        done = run(workspace, path, force=True)
        assert done.written
        fields = [finding.champ for finding in done.findings if finding.code == "champ-sans-place"]
        assert fields == ([] if workspace is with_quartiers else ["quartiers", "nature", "quartiers"])
    tables = load_register(with_quartiers.registre, with_quartiers.schemas, with_quartiers.settings).tables
    (line,) = tables["lignes_budgetaires"].rows
    assert (line["quartiers"], line["nature"]) == ("Kerourien ; Bellevue", "fonctionnement")
    assert [(row["nom"], row["code_qpv"]) for row in tables["quartiers"].rows] == [
        ("Kerourien", "QN02901M"), ("Bellevue", None),
    ]  # fmt: skip


def test_an_import_that_leaves_an_amount_out_says_so_by_its_exit_code_too(empty: Workspace) -> None:
    path = empty.root / "document.txt"
    lines = document(small_contract()).decode().split("\n")
    path.write_text("\n".join([*lines[:3], "Une subvention perdue\t1 234,00 €", "", *lines[3:]]), encoding="utf-8")
    done = tabellion("import", path, cwd=empty.root)
    assert (done.code, "ligne-non-placee" in done.codes) == (1, True)
    assert "1 erreur dit ce qui n'est pas entré" in done.out
    assert "Registre écrit" in done.out
