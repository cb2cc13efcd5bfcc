"""The models of contracts: each is data, and a contract made of it goes through every command."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest
from docx import Document
from frictionless import Schema
from hypothesis import given
from hypothesis import strategies as st

from support.campaign import fill, form_keys
from support.contracts import ROOT, SETTINGS, Rows, amounts, book_of, fiche, line, locate, save_register, small_rows
from support.excel import Excel, edited
from support.libreoffice import LibreOffice
from support.masters import Package
from support.program import tabellion
from support.recalculated import differences
from tabellion.checks.contract import check_contract
from tabellion.commands.new import changed_schema, create_empty_workspace
from tabellion.commands.source import load_contract
from tabellion.contract.workspace import Workspace, find_workspace
from tabellion.findings import TabellionError
from tabellion.measures import Overview
from tabellion.measures.splits import splits_of
from tabellion.schema import Schemas
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
    soon = {"annee_priorite": YEAR, "echeance": f"1 ({YEAR})"}
    rows["fiches"] = [
        fiche("1.1/1", "1.1", 1, quartiers="Bel-Air ; Les Clos", **soon),
        fiche("2.1/1", "2.1", 2, **soon),
    ]
    rows["collectivites"][1] = {"collectivite_id": "caf", "nom": "CAF", "categorie": "CAF"}
    rows["partenaires"] += [
        {"partenaire_id": town, "nom": name, "collectivite_id": town}
        for town, name in (("luce", "Lucé"), ("caf", "CAF"))
    ]
    rows["participations"] = [{"fiche_id": "1.1/1", "partenaire_id": "bailleur", "role": "porteur"}]
    rows["financements"] = []
    rows["quartiers"] = [
        {"nom": "Bel-Air", "code_qpv": "QN02801M", "commune": "Lucé"},
        {"nom": "Les Clos", "code_qpv": "QP028002", "commune": "Lucé"},
    ]
    rows["lignes_budgetaires"] = [
        line("B01-luce-001", 1, "luce", "Chantiers", 1_000_00, quartiers="Les Clos", nature="investissement"),
        line("B01-luce-002", 1, "luce", "Permanences", 40_00, quartiers="Bel-Air ; Les Clos", nature="fonctionnement"),
        line("B01-luce-003", 1, "luce", "Accueil", 7_50, quartiers="Bel-Air", nature="fonctionnement"),
        line("B02-luce-001", 2, "luce", "Médiation", 500_00, quartiers="Les Clos"),
        line("B02-caf-001", 2, "caf", "Bus santé", 200_00),
        line("B02-luce-003", 2, "luce", "Atelier", None, quartiers="Bel-Air"),
    ]
    for row in rows["lignes_budgetaires"]:
        row["exercice"] = YEAR
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


@pytest.fixture
def of_2030(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, where returns are filled as its own forms are."""
    schemas = find_workspace(root).schemas
    monkeypatch.setattr("support.campaign.FORM_TABLES", schemas.forms)
    monkeypatch.setattr("support.campaign.schemas", lambda: schemas)
    return root


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
    (finding,) = refused.value.findings
    assert (finding.code, finding.place.fichier) == ("option-fausse", "--modele")
    assert finding.attendu == "l'un de ces modèles : neutre, quartiers-2030"
    assert not (tmp_path / "q").exists()


@pytest.mark.parametrize("model", sorted(path.name for path in (ROOT / "templates" / "modeles").iterdir()))
def test_a_model_makes_an_empty_contract_in_which_nothing_is_wrong(tmp_path: Path, model: str) -> None:
    create_empty_workspace(tmp_path / "q", NOW, model)
    book = load_contract(find_workspace(tmp_path / "q"))
    assert [name for name, table in book.tables.items() if len(table) and name not in ("reglages", "exercices")] == []
    assert check_contract(book) == []
    assert book.settings.exercice_courant == YEAR
    for path in (tmp_path / "q" / "schemas").iterdir():
        Schema.from_descriptor(str(path))


def test_levels_and_structures_have_one_name_everywhere(root: Path) -> None:
    run(root, "forms")
    run(root, "consolidate")
    run(root, "publish")
    run(root, "annexe")
    run(root, "export")
    run(root, "diff", "workbooks/contrat.xlsx", "workbooks/registre")
    workbooks = root / "workbooks"
    (document,) = (workbooks / "publication").glob("*.docx")
    word = Document(str(document))
    texts = [paragraph.text for paragraph in word.paragraphs]
    texts += [cell.text for table in word.tables for row in table.rows for cell in row.cells]
    assert any("Le plein emploi" in text for text in texts)
    master = cells(workbooks / "contrat.xlsx")
    assert {"Enjeu", "Enjeux", "Intitulé de l'enjeu", "A – Le plein emploi", "Sans enjeu"} <= set(master)
    books = list(workbooks.rglob("*.xlsx"))
    everything = [*texts, *(text for path in books for text in cells(path))]
    assert len(books) >= 5
    assert [text for text in everything if text.startswith("Collectivité") or "par collectivité" in text] == []
    assert {"Structure", "Structure et action", "Par convention et par structure"} <= set(everything)
    fields = {"piliers.pilier_id", "piliers.titre", "piliers.ligne_source", "conventions.pilier_id"}
    assert [text for text in everything if "pilier" in text.lower() and text not in fields] == []


def block(path: Path, table: str) -> dict[str, dict[str, object]]:
    """The rows of an Excel table, and the one under it, by their second cell (the total by its first)."""
    book = openpyxl.load_workbook(path, data_only=True)
    sheet = next(sheet for sheet in book if table in sheet.tables)
    labels, *rows = sheet[sheet.tables[table].ref]
    under = sheet[rows[-1][0].row + 1]
    columns = [cell.column for cell in labels]
    every = [*rows, [under[column - 1] for column in columns]]
    return {
        str(row[1].value or row[0].value): {
            str(label.value): cell.value for label, cell in zip(labels[2:], row[2:], strict=True)
        }
        for row in every
    }


#: By hand: 1 000 € of « Les Clos », 7,50 € of « Bel-Air » and 40 € of both in convention 1; 500 € and 200 € in 2.
BY_QUARTIER = {
    "Insertion": {"Bel-Air": 7.5, "Les Clos": 1000, "Plusieurs": 40, "Non précisé": 0, "Total": 1047.5},
    "Santé": {"Bel-Air": None, "Les Clos": 500, "Plusieurs": None, "Non précisé": 200, "Total": 700},
    "Total": {"Bel-Air": 7.5, "Les Clos": 1500, "Plusieurs": 40, "Non précisé": 200, "Total": 1747.5},
}
#: The fiche of convention 1 names both quartiers, that of convention 2 none.
FICHES = {
    "Insertion": {"Bel-Air": 1, "Les Clos": 1, "Non précisé": 0, "Fiches": 1},
    "Santé": {"Bel-Air": 0, "Les Clos": 0, "Non précisé": 1, "Fiches": 1},
    "Total": {"Bel-Air": 1, "Les Clos": 1, "Non précisé": 1, "Fiches": 2},
}
BY_NATURE = {"fonctionnement": 47.5, "investissement": 1000, "Non précisé": 700, "Total": 1747.5}


def test_credits_are_added_up_by_quartier_and_by_nature_each_euro_once(root: Path) -> None:
    run(root, "consolidate")
    run(root, "annexe")
    workbooks = root / "workbooks"
    books = (workbooks / "contrat.xlsx", workbooks / "consolidation" / "consolidation.xlsx")
    for book in books:
        assert block(book, "Synthese_quartiers") == BY_QUARTIER
        assert block(book, "Synthese_nature")["Total"] == BY_NATURE
        assert block(book, "Synthese_fiches_quartiers") == FICHES
    (annex,) = (workbooks / "publication").glob("*.xlsx")
    spent = {name: row["Réalisé (€)"] for name, row in block(annex, "Annexe_quartiers").items()}
    assert spent == BY_QUARTIER["Total"]
    page = (workbooks / "consolidation" / "rapport.html").read_text(encoding="utf-8")
    assert f"Par quartier, exercice {YEAR}" in page


@given(
    st.lists(st.tuples(st.sampled_from(["", "Bel-Air", "LES CLOS", "Les Clos;Bel-Air", "Mars", "a ; b"]), amounts()))
)
def test_whatever_lines_name_the_parts_add_up_to_the_whole(
    schemas_2030: Schemas, named: list[tuple[str, int | None]]
) -> None:
    rows = rows_of_2030()
    rows["lignes_budgetaires"] = [
        line(f"B01-luce-{rank}", 1, "luce", "Ligne", cents, quartiers=text or None, exercice=YEAR)
        for rank, (text, cents) in enumerate(named)
    ]
    tables = make_tables(schemas_2030, rows)
    for split in splits_of(tables):
        parts = split.sums(Overview(tables), YEAR).values()
        assert sum(sums.realise for sums in parts) == sum(cents or 0 for _, cents in named)
        assert sum(sums.lines for sums in parts) == len(named)


@pytest.mark.libreoffice
def test_libreoffice_computes_the_same_totals(root: Path, office: LibreOffice) -> None:
    workbooks = root / "workbooks"
    for path in (workbooks / "contrat.xlsx", workbooks / "consolidation" / "consolidation.xlsx"):
        office.open(path)
        office.recalculate()
        assert differences(Package(path.read_bytes()), office.read()) == []


def test_the_document_has_the_totals_and_what_lines_and_fiches_name(root: Path) -> None:
    run(root, "publish")
    (path,) = (root / "workbooks" / "publication").glob("*.docx")
    tables = [[[cell.text for cell in row.cells] for row in table.rows] for table in Document(str(path)).tables]
    totals = next(table for table in tables if table[0][0] == "Quartiers")
    totals_by_name = {row[0]: row[1].replace("\u202f", " ").replace("\xa0", " ") for row in totals[1:]}
    assert totals_by_name == {
        "Bel-Air": "7,50 €", "Les Clos": "1 500 €", "Plusieurs": "40 €", "Non précisé": "200 €", "Total": "1 747,50 €",
    }  # fmt: skip
    assert any(row[:2] == ["Quartiers", "Bel-Air ; Les Clos"] for table in tables for row in table)


def test_a_partner_names_quartiers_by_code_or_name_and_they_are_read(of_2030: Path) -> None:
    root = of_2030
    run(root, "forms", "--partenaire", "luce")
    form = root / "workbooks" / "envois" / str(YEAR) / f"luce-{YEAR}.xlsx"
    answers = {
        "B01-luce-001": {"quartiers": "QN02801M;les clos", "montant_prevu": 5},
        "B01-luce-003": {"quartiers": "Belair", "montant_prevu": 5},
        "B02-luce-001": {"quartiers": "QN02801M", "montant_prevu": 5},
    }
    back = root / "workbooks" / "retours" / "luce.xlsx"
    # « Les Clos » is the example of the schema, and a quartier all the same.
    added = {"convention_id": "1 – Insertion", "libelle": "Chorale", "quartiers": "QP028002", "montant_prevu": 9}
    fill(form, back, {"Budget": answers}, saved=NOW, new_rows={"Budget": [added]})
    run(root, "validate", str(back), "--json", str(root / "lu.json"))
    constats = json.loads((root / "lu.json").read_text(encoding="utf-8"))["constats"]
    by_code = {constat["code"]: constat for constat in constats if constat["champ"] == "quartiers"}
    assert by_code["valeur-rapprochee"]["attendu"] == "Bel-Air ; Les Clos"
    assert by_code.keys() == {"valeur-rapprochee", "nom-inconnu"}
    assert "2 autres cellules" in by_code["valeur-rapprochee"]["message"]
    assert by_code["nom-inconnu"]["suggestion"] == "Écrivez « Bel-Air »."
    assert not by_code["nom-inconnu"]["bloquant"]
    run(root, "consolidate")
    back.unlink()


def test_droit_commun_is_that_of_any_partner(of_2030: Path) -> None:
    run(of_2030, "forms", "--partenaire", "caf")
    form = of_2030 / "workbooks" / "envois" / str(YEAR) / f"caf-{YEAR}.xlsx"
    assert form_keys(form)["Budget"] == ["B02-caf-001"]
    credits_ = block(of_2030 / "workbooks" / "contrat.xlsx", "Synthese_credits")
    assert [credits_[name]["CAF"] for name in ("Insertion", "Santé", "Total")] == [None, 200, 200]


@pytest.fixture(scope="module")
def schemas_2030(root: Path) -> Schemas:
    """The schemas of the model."""
    return find_workspace(root).schemas


def findings_of(schemas: Schemas, code: str, **more: list[dict[str, object]]) -> list[tuple[object, ...]]:
    """Where a code is said of the small contract of 2030 with other rows, and of which value."""
    settings = replace(SETTINGS, debut=2024, fin=2030, exercice=YEAR, exercice_courant=YEAR)
    book = book_of(make_tables(schemas, rows_of_2030() | more), settings=settings, schemas_=schemas)
    findings = [finding for finding in check_contract(book, locate) if finding.code == code]
    return [(finding.place.feuille, finding.place.cellule, finding.valeur) for finding in findings]


def ceilings(plafond: int) -> list[dict[str, object]]:
    return [{**row, "plafond": plafond} for row in small_rows()["financeurs"]]


def test_a_financeur_above_its_ceiling_in_a_plan_is_said(schemas_2030: Schemas) -> None:
    """1 000 € of charges without what is given in nature: 850 € granted are 85 %, and 800 € just the ceiling."""
    key = {"fiche_id": "1.1/1", "exercice": YEAR}
    charges = [
        {"charge_id": "c60", "poste": "60 Achats", "montant": 1_000_00, **key},
        {"charge_id": "c86", "poste": "86 Emplois des contributions volontaires en nature", "montant": 500_00, **key},
    ]
    paid = {"compte": "74 Subventions", "montant_demande": 900_00, **key}
    produits = [
        {"produit_id": "p1", "financeur_id": "region", "montant_accorde": 50_00, **paid},
        {"produit_id": "p2", "financeur_id": "etat", "montant_accorde": 850_00, **paid},
    ]
    more = {"financeurs": ceilings(80), "plan_charges": charges, "plan_produits": produits}
    assert findings_of(schemas_2030, "plafond-depasse", **more) == [("plan_produits", "montant_accorde@1", 85.0)]
    produits[1]["montant_accorde"] = 800_00
    assert findings_of(schemas_2030, "plafond-depasse", **more) == []


def test_without_a_plan_the_ceiling_is_of_the_financements_once_all_are_known(schemas_2030: Schemas) -> None:
    financements: list[dict[str, object]] = [
        {"financement_id": f"2.1/1:{funder}", "fiche_id": "2.1/1", "financeur_id": funder, "montant": cents}
        for funder, cents in (("etat", 900_00), ("region", 100_00))
    ]
    more = {"financeurs": ceilings(80), "financements": financements}
    assert findings_of(schemas_2030, "plafond-depasse", **more) == [("financements", "montant@0", 90.0)]
    financements[1]["montant"] = None
    assert findings_of(schemas_2030, "plafond-depasse", **more) == []


@pytest.mark.parametrize(
    ("values", "code", "expected"),
    [
        ({"cpo": True, "cpo_debut": 2025, "cpo_fin": 2027}, "", []),
        ({"cpo": True, "cpo_debut": 2027, "cpo_fin": 2025}, "cpo-a-l-envers", [("fiches", "cpo_fin@0", 2025)]),
        ({"cpo": False, "cpo_debut": 2025, "cpo_fin": 2027}, "cpo-non-cochee", [("fiches", "cpo_debut@0", 2025)]),
        ({"cpo": True, "cpo_fin": 2027}, "cpo-sans-duree", [("fiches", "cpo_fin@0", 2027)]),
    ],
)
def test_the_years_of_a_cpo(
    schemas_2030: Schemas, values: dict[str, object], code: str, expected: list[tuple[str, str, int]]
) -> None:
    fiches = rows_of_2030()["fiches"]
    fiches[0] |= values
    codes = ("cpo-a-l-envers", "cpo-non-cochee", "cpo-sans-duree", "cpo-annee-sans-financement")
    assert {code: findings_of(schemas_2030, code, fiches=fiches) for code in codes} == {
        kind: expected if kind == code else [] for kind in codes
    }


def test_each_year_of_a_cpo_that_has_come_has_a_financement(schemas_2030: Schemas) -> None:
    fiches = rows_of_2030()["fiches"]
    fiches[0] |= {"cpo": True, "cpo_debut": 2024, "cpo_fin": 2027}
    financements: list[dict[str, object]] = [
        {"financement_id": "1.1/1:etat:2025", "fiche_id": "1.1/1", "financeur_id": "etat", "exercice": 2025}
    ]
    lacking = findings_of(schemas_2030, "cpo-annee-sans-financement", fiches=fiches, financements=financements)
    assert lacking == [("fiches", "cpo_debut@0", f"2024, {YEAR}")]


@pytest.mark.parametrize(
    ("text", "lost", "remedy"),
    [
        ("Bel-Air", [], ""),
        ("QN02801M ; Les Clos", ["QN02801M"], "Écrivez « Bel-Air ; Les Clos »."),
        ("Les Cloz ; Mars", ["Les Cloz ; Mars"], "Écrivez un nom de cette table"),
        ("Bel-Air, Les Cloz", ["Bel-Air, Les Cloz"], "Écrivez « Bel-Air ; Les Clos »."),
        ("Les Clos et Mars", ["Les Clos et Mars"], "Écrivez un nom de cette table"),
    ],
)
def test_a_name_off_the_list_is_said_with_the_whole_cell_to_write(
    schemas_2030: Schemas, text: str, lost: list[str], remedy: str
) -> None:
    fiches = rows_of_2030()["fiches"]
    fiches[1]["quartiers"] = text
    book = book_of(make_tables(schemas_2030, rows_of_2030() | {"fiches": fiches}), schemas_=schemas_2030)
    findings = [finding for finding in check_contract(book, locate) if finding.code == "nom-inconnu"]
    assert [finding.valeur for finding in findings] == lost
    assert all(str(finding.suggestion).startswith(remedy) for finding in findings)


def test_the_code_of_a_quartier_has_an_official_shape() -> None:
    path = ROOT / "templates" / "modeles" / "quartiers-2030" / "schemas" / "quartiers.json"
    field = next(
        field_ for field_ in json.loads(path.read_text(encoding="utf-8"))["fields"] if field_["name"] == "code_qpv"
    )
    shape = re.compile(field["constraints"]["pattern"])
    right = ("QP028001", "QN02801M", "QN02A01N", "QP971001", "QN97401I")
    wrong = ("QP28001", "QN028001", "QN02801", "qn02801m", "QP02C001", "QN02801M ", "02801M")
    assert [code for code in (*right, *wrong) if shape.fullmatch(code)] == [*right]


def test_a_quartier_renamed_is_followed_where_it_is_named(tmp_path: Path) -> None:
    workspace = make_contract(tmp_path / "q", rows_of_2030())
    run(workspace.root, "generate")
    edited(workspace.contrat, rename_quartier, saved=NOW)
    book = load_contract(workspace)
    assert book.tables["fiches"].column("quartiers") == ["Bel-Air ; Clos du Lac", None]
    lines = book.tables["lignes_budgetaires"].column("quartiers")
    assert lines[:3] == ["Clos du Lac", "Bel-Air ; Clos du Lac", "Bel-Air"]
    assert [finding.code for finding in check_contract(book) if finding.code == "nom-inconnu"] == []


def rename_quartier(book: Excel) -> None:
    book.type("Quartiers", book.find("Quartiers", Quartier="Les Clos"), Quartier="Clos du Lac")


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


def test_the_axes_of_a_contract_say_their_level_by_its_name(schemas_2030: Schemas) -> None:
    axes = [{"axe_id": code, "convention_id": 1, "titre": f"Axe {code}"} for code in ("A-2", "A-1.1", "A-1.2")]
    rows = rows_of_2030() | {"axes": axes, "fiches": [], "participations": []}
    book = book_of(make_tables(schemas_2030, rows), schemas_=schemas_2030)
    findings = [finding for finding in check_contract(book, locate) if finding.code == "axe-et-convention"]
    assert [(finding.champ, finding.attendu) for finding in findings] == [("axe_id", "la convention 2, enjeu A")]
