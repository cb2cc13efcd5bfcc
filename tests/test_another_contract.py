"""Another contract: ``tabellion new``, then edits of its CSV, TOML and JSON by hand, and no code."""

from __future__ import annotations

import csv
import json
from datetime import datetime
from pathlib import Path

from tabellion.commands.generate import generate
from tabellion.commands.new import create_workspace
from tabellion.commands.validate import validate
from tabellion.contract.workspace import find_workspace
from tabellion.reading import read_workbook
from tabellion.reading.master import read_master

NOW = datetime(2026, 1, 2)


def rewrite(folder: Path, table: str, rows: list[dict[str, object]]) -> None:
    """Replace the rows of a table's CSV; columns that a row does not give are blank."""
    path = folder / "workbooks" / "registre" / f"{table}.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        names = next(csv.reader(stream))
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(
            stream, sorted({*names, *(key for row in rows for key in row)}, key=[*names, "quartier"].index)
        )
        writer.writeheader()
        writer.writerows(rows)


def test_a_contract_made_by_hand_with_a_column_of_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "ailleurs"
    create_workspace(folder)
    settings = (folder / "tabellion.toml").read_text(encoding="utf-8")
    settings = settings.replace("debut = 2015", "debut = 2024").replace("fin = 2020", "fin = 2030")
    settings = settings.replace("exercice = 2013", "exercice = 2023").replace("1 = 2016", "1 = 2025")
    (folder / "tabellion.toml").write_text(settings, encoding="utf-8")
    # A field of their own, declared once: the sheet, its reader and the checks must all know it.
    schema_path = folder / "schemas" / "fiches.json"
    schema = json.loads(schema_path.read_text(encoding="utf-8"))
    limits = {"enum": ["Nord", "Sud"]}
    schema["fields"].append({"name": "quartier", "type": "string", "title": "Quartier", "constraints": limits})
    schema_path.write_text(json.dumps(schema, ensure_ascii=False), encoding="utf-8")
    rewrite(folder, "piliers", [{"pilier_id": "I", "titre": "vivre ensemble"}])
    rewrite(folder, "conventions", [
        {"convention_id": 1, "pilier_id": "I", "titre": "L'école / la famille : « réussir »", "titre_court": "Réussir"},
        {"convention_id": 2, "pilier_id": "I", "titre": "Réussir autrement", "titre_court": "Réussir"},
    ])  # fmt: skip
    rewrite(folder, "axes", [{"axe_id": "I-1.1", "convention_id": 1, "titre": "Lire"}])
    rewrite(folder, "collectivites", [{"collectivite_id": "bourg", "nom": "Bourg-l'Évêque"}])
    rewrite(folder, "financeurs", [])
    rewrite(folder, "partenaires", [])
    rewrite(folder, "participations", [])
    rewrite(folder, "financements", [])
    rewrite(folder, "fiches", [
        {"fiche_id": "I-1.1./1", "convention_id": 1, "axe_id": "I-1.1", "objectif": "Lire chaque jour.", "priorite": 1,
         "annee_priorite": 2025, "proposition": "Ouvrir la bibliothèque.", "echeance": "1 (2025)", "quartier": "Nord"},
    ])  # fmt: skip
    rewrite(folder, "lignes_budgetaires", [
        {"ligne_id": "B01-bourg-001", "convention_id": 1, "collectivite_id": "bourg", "libelle": "Bibliothèque",
         "exercice": 2023, "montant_realise": "1234.56"},
    ])  # fmt: skip
    rewrite(folder, "totaux_publies", [
        {"total_id": "convention-01-bourg", "source": "convention", "portee": "collectivité", "convention_id": 1,
         "collectivite_id": "bourg", "exercice": 2023, "montant": "1234.56"},
    ])  # fmt: skip
    workspace = find_workspace(folder)
    done = generate(workspace, None, force=False, now=NOW)
    assert done.findings == ()
    assert validate(workspace, [done.path]) == []
    workbook = read_workbook(done.path)
    names = [sheet.name for sheet in workbook.sheets]
    assert [name for name in names if name[0] in "CB" and name[1:3].isdecimal()] == [
        "C01 Réussir", "C02 Réussir", "B01 Réussir", "B02 Réussir",
    ]  # fmt: skip
    reading = read_master(workbook, workspace.schemas, "ailleurs")
    assert reading.tables["fiches"].column("quartier") == ["Nord"]
    assert reading.tables["lignes_budgetaires"].column("montant_realise") == [123_456]
    # Off its list, the new column is said like any other, at its cell.
    rewrite(folder, "fiches", [
        {"fiche_id": "I-1.1./1", "convention_id": 1, "axe_id": "I-1.1", "objectif": "Lire.",
         "proposition": "Ouvrir la bibliothèque.", "quartier": "Est"},
    ])  # fmt: skip
    done.path.unlink()  # without a workbook, the register is the contract
    done = generate(workspace, None, force=False, now=NOW)
    assert [(finding.code, finding.place.feuille) for finding in done.findings] == [
        ("valeur-hors-liste", "C01 Réussir")
    ]
    assert [finding.code for finding in validate(workspace, [done.path])] == ["valeur-hors-liste"]
