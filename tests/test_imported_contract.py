"""A document of another town makes another contract: its own name, and a register that every command takes."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from support.contracts import ROOT, SETTINGS, Rows, book_of, locate, save_register, schemas, small_rows, tables_of
from support.documents import document, small_contract
from tabellion.checks.contract import check_integrity, check_meaning
from tabellion.commands.consolidate import consolidate
from tabellion.commands.forms import forms
from tabellion.commands.generate import generate
from tabellion.commands.import_document import Import, import_document
from tabellion.commands.publish import PublishOptions, publish
from tabellion.commands.validate import validate, validate_files
from tabellion.contract.register import register_settings
from tabellion.contract.workspace import Settings, Workspace, find_workspace
from tabellion.importing import fitted, read_document
from tabellion.schema import SETTING_TABLES

NOW = datetime(2026, 3, 2)
TEXT = document(small_contract()).decode()


def imported(workspace: Workspace, text: str) -> tuple[Settings, Import]:
    """Import a text over the contract; the settings that it has then."""
    path = workspace.root / "document.txt"
    path.write_text(text, encoding="utf-8")
    done = import_document(workspace, [path], None, force=True, now=NOW)
    return register_settings(workspace), done


def test_the_document_names_its_contract_and_its_years(empty: Workspace) -> None:
    part = "Partie II - Conventions thématiques\n"
    settings, done = imported(empty, TEXT.replace(part, f"{part}4 mai 2016\n"))
    assert settings.titre == "Contrat de ville de l'agglomération brestoise"
    assert settings.source == "Partie II, Conventions thématiques, 4 mai 2016"
    assert (settings.debut, settings.fin, settings.exercice, settings.exercice_courant) == (2015, 2020, 2013, 2020)
    assert settings.priorites == {1: 2016}
    assert [finding.code for finding in done.findings] == ["reglages-du-document"]


@pytest.mark.parametrize("under", ["2024-2030", "Période 2024 – 2030", "du 12 mars 2024 – avenant n° 1\n2024 à 2030"])
def test_the_years_may_stand_under_the_title(empty: Workspace, under: str) -> None:
    settings, _ = imported(empty, TEXT.replace("brestoise 2015 – 2020", f"brestoise\n{under}"))
    assert (settings.debut, settings.fin, settings.exercice_courant) == (2024, 2030, 2026)
    assert settings.titre == "Contrat de ville de l'agglomération brestoise"


def test_what_staff_set_stays_and_what_the_document_says_instead_is_said(empty: Workspace) -> None:
    imported(empty, TEXT)
    path = empty.registre / f"{SETTING_TABLES[0]}.csv"
    text = path.read_text(encoding="utf-8").replace("l'agglomération brestoise", "Brest métropole")
    path.write_text(text, encoding="utf-8")
    settings, done = imported(empty, TEXT)
    assert settings.titre == "Contrat de ville de Brest métropole"
    (finding,) = [finding for finding in done.findings if finding.code == "reglage-dit-autrement"]
    assert (finding.champ, finding.attendu) == ("titre", settings.titre)


def test_the_contract_of_the_repository_needs_no_more_than_its_file_of_settings(tmp_path: Path) -> None:
    """What ``tabellion.toml`` says already is no table of the register."""
    source = ROOT.parent / "shared" / "source" / "conventions-thematiques-2015-2020.txt"
    if not source.exists():
        pytest.skip("sans le document publié")
    done = import_document(find_workspace(ROOT), [source], tmp_path / "registre", force=False, now=NOW)
    assert "reglages-du-document" not in [finding.code for finding in done.findings]
    names = {path.name for path in done.folder.iterdir()} - {"correspondance.xlsx"}
    assert not names & {f"{name}.csv" for name in SETTING_TABLES}
    kept = ROOT / "workbooks" / "registre"
    assert all((done.folder / name).read_bytes() == (kept / name).read_bytes() for name in names)


# What import writes, every command takes

#: Values that break what the schemas ask, by the kind of a field; a field of another kind stays as it is.
WAYS: dict[str, dict[str, Any]] = {
    "blank": dict.fromkeys(["string", "integer", "money", "percent", "boolean", "date"]),
    "long": {"string": "x" * 33_000, "money": 10**15, "integer": 10**12},
    "odd": {"string": 'I *?~<>="/ é', "integer": 0, "money": -5},
    "off": {"string": "hors liste", "integer": -5, "percent": 300},
}


@cache
def read() -> Rows:
    return read_document(TEXT.encode(), "document.txt").tables


def broken(*ways: str) -> Rows:
    """The tables that were read, in which each field of a row after the other is broken, one way after the other."""
    rows = {name: [dict(row) for row in table] for name, table in read().items()}
    for name, table in rows.items():
        for rank, field in enumerate(schemas()[name].fields):
            way = WAYS[ways[rank % len(ways)]]
            if table and field.kind in way:
                table[rank % len(table)][field.name] = way[field.kind]
        table += [dict(row) for row in table[: name != "lignes_budgetaires"]]  # a number twice
    return rows


@pytest.mark.parametrize("way", WAYS)
def test_whatever_was_read_is_found_by_a_key_and_the_rest_is_said(way: str) -> None:
    kept, changed = fitted(broken(way), schemas(), SETTINGS, "document.txt")
    book = book_of(tables_of(kept))
    assert changed
    assert check_integrity(book) == []
    findings = check_meaning(book, locate)
    assert not [finding for finding in findings if finding.bloquant]
    codes = {finding.code for finding in findings}
    assert {"blank": "cellule-obligatoire-vide", "long": "texte-trop-long"}.get(way, "forme-inattendue") in codes
    assert way != "off" or {"hors-bornes", "valeur-hors-liste"} <= codes


def test_every_command_goes_on_from_it(empty: Workspace) -> None:
    kept, _ = fitted(broken(*WAYS), schemas(), SETTINGS, "document.txt")
    empty.contrat.unlink()
    save_register(empty.registre, tables_of(kept), schemas(), identifiant="brest", titre="Contrat")
    done = generate(empty, None, force=False, now=NOW)
    # The workbook says the same, each cell once.
    findings = validate(empty, [done.path])
    assert {finding.code for finding in findings} - {"partenaire-en-texte"} == {
        finding.code for finding in done.findings
    }
    places = [
        (finding.code, finding.place.feuille, finding.place.cellule)
        for finding in findings
        if "xx" not in finding.message
    ]
    assert len(set(places)) == len(places)
    assert forms(empty, 2026, [], force=False, now=NOW)
    run = consolidate(empty, NOW)
    assert run.written
    assert not [finding.code for finding in run.findings if finding.bloquant]
    assert publish(empty, PublishOptions(), NOW).paths


def test_what_is_changed_or_left_out_is_said_with_what_was_found() -> None:
    rows = {name: [dict(row) for row in table] for name, table in read().items()}
    same, nothing = fitted(rows, schemas(), SETTINGS, "document.txt")
    assert (tables_of(same), nothing) == (tables_of(rows), [])
    partial, nothing = fitted({"piliers": [{"pilier_id": "I", "titre": "Un"}]}, schemas(), SETTINGS, "document.txt")
    assert (partial["piliers"][0]["ligne_source"], nothing) == (None, [])
    rows["fiches"][0]["fiche_id"] = "I-1.1*1"
    rows["financements"][0]["fiche_id"] = "I-1.1*1"
    rows["fiches"][1]["convention_id"] = None
    rows["lignes_budgetaires"][0]["exercice"] = None
    rows["participations"].append(dict(rows["participations"][0]))
    kept, findings = fitted(rows, schemas(), SETTINGS, "document.txt")
    assert kept["fiches"][0]["fiche_id"] == kept["financements"][0]["fiche_id"] == "I-1.1-1"
    added = kept["conventions"][-1]
    assert (added["titre"], kept["fiches"][1]["convention_id"]) == ("Sans convention", added["convention_id"])
    assert kept["lignes_budgetaires"][0]["exercice"] == SETTINGS.exercice
    assert kept["participations"] == rows["participations"][:-1]
    places = {(finding.code, finding.champ, finding.place.ligne) for finding in findings}
    fiches = [row["ligne_source"] for row in rows["fiches"]]
    assert places == {
        ("valeur-mise-a-sa-place", "fiche_id", fiches[0]),
        ("valeur-mise-a-sa-place", "convention_id", fiches[1]),
        ("valeur-mise-a-sa-place", "exercice", rows["lignes_budgetaires"][0]["ligne_source"]),
        ("ligne-sans-place", "fiche_id", None),
    }  # fmt: skip
    assert any("I-1.1*1" in finding.message and "I-1.1-1" in finding.message for finding in findings)


def test_a_form_does_not_refuse_what_it_was_sent_with(empty: Workspace) -> None:
    """What the contract says itself is no mistake of the partner who sends it back."""
    rows = small_rows()
    rows["partenaires"].append({"partenaire_id": "luce", "nom": "Lucé", "collectivite_id": "luce"})
    line, texts = rows["lignes_budgetaires"][0], {"libelle": "x" * 1200, "commentaire": "y" * 2500}
    rows["lignes_budgetaires"][0] |= texts
    rows["lignes_budgetaires"].append(
        {**line, **texts, "exercice": 2026, "montant_prevu": -700, "montant_realise": None}
    )
    rows["financements"][0] |= {"dispositif": "d" * 2500, "statut_montant": "hors liste"}
    empty.contrat.unlink()
    save_register(empty.registre, tables_of(rows), schemas(), identifiant="brest", titre="Contrat")
    made = forms(empty, 2026, [], force=False, now=NOW)
    assert [form.path.name for form in made] == ["bailleur-2026.xlsx", "luce-2026.xlsx"]
    findings_by_form = validate_files(empty, [form.path for form in made])
    assert [[finding.code for finding in of_form] for of_form in findings_by_form] == [["formulaire-vide"]] * 2
