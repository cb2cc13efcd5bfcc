"""The register: what is saved comes back, frictionless agrees, and every mistake of a CSV is said at its line."""

from __future__ import annotations

import csv
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from frictionless import Package
from hypothesis import HealthCheck, given, settings

from support.contracts import SETTINGS, book_of, contracts, followed, schemas, small_rows, tables_of
from tabellion.contract.register import load_register, save_register, table_csv, was_edited
from tabellion.contract.settings import settle
from tabellion.findings import Finding, Severity, TabellionError
from tabellion.schema import SETTING_TABLES


def save(folder: Path, tables: Any = None) -> Path:
    tables = tables_of(small_rows()) if tables is None else tables
    save_register(folder, tables, schemas(), identifiant="essai", titre="Contrat d'essai")
    return folder


def mistakes(folder: Path) -> list[Finding]:
    with pytest.raises(TabellionError) as caught:
        load_register(folder, schemas(), SETTINGS)
    return list(caught.value.findings)


def where(found: list[Finding]) -> list[tuple[str, str, int | None]]:
    """Code, file and line of each finding."""
    return [(each.code, Path(str(each.place.fichier)).name, each.place.ligne) for each in found]


def rewrite(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / f"{name}.csv"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8", newline="")


@given(contracts(adds_up=False))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_saved_comes_back_cell_for_cell(tmp_path: Path, tables: Any) -> None:
    register = load_register(save(tmp_path / "registre", tables), schemas(), SETTINGS)
    settled = settle(book_of(tables)).tables  # what the register does not say of the settings, tabellion.toml does
    for name, table in tables.items():
        assert register.tables[name].columns == settled[name].columns
        assert name in SETTING_TABLES or table.columns == settled[name].columns


@given(contracts(adds_up=False))
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_frictionless_finds_the_package_valid(tmp_path: Path, tables: Any) -> None:
    folder = save(tmp_path / "registre", tables)
    report = Package(str(folder / "datapackage.json")).validate()
    assert report.valid, report.flatten(["resourceName", "rowNumber", "fieldName", "note"])


def test_frictionless_sees_what_is_wrong_with_the_package(tmp_path: Path) -> None:
    rows = small_rows()
    rows["fiches"][0]["axe_id"] = "I-9.9"
    folder = save(tmp_path / "registre", tables_of(rows))
    assert not Package(str(folder / "datapackage.json")).validate().valid


def test_the_same_tables_give_the_same_bytes(tmp_path: Path) -> None:
    first, second = save(tmp_path / "un"), save(tmp_path / "deux")
    names = sorted(path.name for path in first.iterdir())
    tables = [name for name in schemas() if name not in SETTING_TABLES]
    assert names == sorted([*(f"{name}.csv" for name in tables), "datapackage.json"])
    assert all((first / name).read_bytes() == (second / name).read_bytes() for name in names)


def test_a_row_knows_its_line_even_after_texts_of_several_lines(tmp_path: Path) -> None:
    rows = small_rows()
    rows["fiches"][0]["objectif"] = 'Une ligne,\ndeux lignes, « trois »\net "quatre"'
    register = load_register(save(tmp_path / "registre", tables_of(rows)), schemas(), SETTINGS)
    assert [place.ligne for place in register.row_places()["fiches"]] == [2, 5, 6, 7]
    assert register.tables["fiches"].column("objectif")[0] == rows["fiches"][0]["objectif"]


def test_amounts_are_written_in_euros_with_a_point() -> None:
    text = table_csv(schemas()["lignes_budgetaires"], tables_of(small_rows())["lignes_budgetaires"]).decode()
    assert "B01-luce-001,1,luce,Cantine,2013,,,1000,,,,\n" in text
    assert "B01-luce-002,1,luce,Accueil périscolaire,2013,,,250.50,,,,\n" in text
    assert "B01-metropole-001,1,metropole,Bibliothèque,2013,,,,,,,\n" in text
    assert "B03-metropole-001,3,metropole,Entretien,2013,,,0,,,,\n" in text


def test_percentages_and_days_are_written_plainly_and_come_back(tmp_path: Path) -> None:
    rows = small_rows()
    rows["suivis"] = [followed("I-1.1./1", 2016, pourcentage=40, date_bilan=date(2016, 12, 31), montant_engage=12_50)]
    folder = save(tmp_path / "registre", tables_of(rows))
    text = (folder / "suivis.csv").read_text(encoding="utf-8")
    assert text.splitlines()[1] == "I-1.1./1,bailleur,2016,en cours,40,2016-12-31,12.50,"
    assert load_register(folder, schemas(), SETTINGS).tables["suivis"] == tables_of(rows)["suivis"]
    rewrite(folder, "suivis", "2016-12-31", "31/12/2016")
    rewrite(folder, "suivis", ",40,", ",40 %,")
    found = mistakes(folder)
    assert [each.code for each in found] == ["texte-au-lieu-de-nombre", "date-en-texte"]
    rewrite(folder, "suivis", "31/12/2016", "2016-02-30")
    assert [each.code for each in mistakes(folder)] == ["texte-au-lieu-de-nombre", "pas-une-date"]


def test_a_register_that_is_not_there_is_one_finding(tmp_path: Path) -> None:
    assert where(mistakes(tmp_path / "registre")) == [("registre-absent", "registre", None)]


def test_all_the_mistakes_of_all_the_files_are_said_at_once(tmp_path: Path) -> None:
    folder = save(tmp_path / "registre")
    (folder / "piliers.csv").unlink()
    latin = (folder / "conventions.csv").read_text(encoding="utf-8").encode("latin-1")
    (folder / "conventions.csv").write_bytes(latin)
    semicolons = (folder / "axes.csv").read_text(encoding="utf-8").replace(",", ";")
    (folder / "axes.csv").write_text(semicolons, encoding="utf-8")
    rewrite(folder, "collectivites", "categorie", "categories")
    rewrite(folder, "financeurs", "region,Région,public local", "region,Région")
    rewrite(folder, "partenaires", "bailleur,Bailleur", 'bailleur,"Bailleur')
    rewrite(folder, "lignes_budgetaires", ",250.50,", ',"250,50 €",')
    rewrite(folder, "fiches", ",1,2016,oui,", ",un,2016,peut-être,")
    assert where(mistakes(folder)) == [
        ("registre-absent", "piliers.csv", None),
        ("registre-illisible", "conventions.csv", 2),
        ("registre-illisible", "axes.csv", 1),
        ("colonne-absente-du-registre", "collectivites.csv", 1),
        ("colonne-inconnue-du-registre", "collectivites.csv", 1),
        ("ligne-de-travers", "financeurs.csv", 3),
        ("registre-illisible", "partenaires.csv", 2),
        ("texte-au-lieu-de-nombre", "fiches.csv", 2),
        ("ni-oui-ni-non", "fiches.csv", 2),
        ("texte-au-lieu-de-nombre", "lignes_budgetaires.csv", 3),
    ]


def test_a_mistake_says_its_remedy(tmp_path: Path) -> None:
    folder = save(tmp_path / "registre")
    rewrite(folder, "collectivites", "categorie", "categories")
    rewrite(folder, "lignes_budgetaires", ",250.50,", ',"250,50 €",')
    absent, unknown, text = mistakes(folder)
    assert absent.champ == "categorie"
    assert "« categorie »" in unknown.message
    assert text.valeur == "250,50 €"
    assert "250,50" in text.suggestion


def test_an_empty_file_is_said(tmp_path: Path) -> None:
    folder = save(tmp_path / "registre")
    (folder / "piliers.csv").write_bytes(b"")
    assert where(mistakes(folder)) == [("registre-illisible", "piliers.csv", 1)]


def test_a_byte_order_mark_windows_line_ends_and_reordered_columns_are_read(tmp_path: Path) -> None:
    folder = save(tmp_path / "registre")
    path = folder / "piliers.csv"
    path.write_bytes("\ufefftitre,pilier_id,ligne_source\r\nCohésion sociale,I,\r\n\r\nCadre de vie,II,\r\n".encode())
    register = load_register(folder, schemas(), SETTINGS)
    assert register.tables["piliers"].column("pilier_id") == ["I", "II"]
    assert [place.ligne for place in register.row_places()["piliers"]] == [2, 4]


def test_an_edit_by_hand_is_told(tmp_path: Path) -> None:
    folder = save(tmp_path / "registre")
    assert not was_edited(folder, schemas())
    rewrite(folder, "fiches", "Objectif de", "Objet de")
    assert was_edited(folder, schemas())
    save(folder)
    assert not was_edited(folder, schemas())
    (folder / "datapackage.json").unlink()
    assert was_edited(folder, schemas())
    assert not was_edited(tmp_path / "rien", schemas())


def test_the_descriptor_is_the_standard_s(tmp_path: Path) -> None:
    descriptor = json.loads((save(tmp_path / "registre") / "datapackage.json").read_text(encoding="utf-8"))
    assert [each["name"] for each in descriptor["resources"]] == [
        name for name in schemas() if name not in SETTING_TABLES
    ]
    fields = {
        (resource["name"], each["name"]): each
        for resource in descriptor["resources"]
        for each in resource["schema"]["fields"]
    }
    money = fields["lignes_budgetaires", "montant_realise"]
    assert money["type"] == "number"
    assert "unite" not in money
    percent, day = fields["suivis", "pourcentage"], fields["suivis", "date_bilan"]
    assert (percent["type"], percent["constraints"]) == ("integer", {"minimum": 0, "maximum": 100})
    assert (day["type"], day["constraints"]) == ("date", {"minimum": "2000-01-01", "maximum": "2100-12-31"})


def without_column(folder: Path, table: str, name: str) -> None:
    """Take a column away from a table's CSV, as a spreadsheet does."""
    path = folder / f"{table}.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        header, *rows = csv.reader(stream)
    at = header.index(name)
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows([*row[:at], *row[at + 1 :]] for row in (header, *rows))


def test_a_column_that_a_table_can_do_without_reads_as_blank_with_a_notice(tmp_path: Path) -> None:
    folder = save(tmp_path / "registre")
    descriptor = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    for resource in descriptor["resources"]:
        fields = resource["schema"]["fields"]
        resource["schema"]["fields"] = [field for field in fields if field["name"] != "commentaire"]
    (folder / "datapackage.json").write_text(json.dumps(descriptor), encoding="utf-8")
    without_column(folder, "lignes_budgetaires", "commentaire")
    book = load_register(folder, schemas(), SETTINGS)
    assert [(each.code, each.champ, each.place.ligne, each.gravite, each.bloquant) for each in book.findings] == [
        ("colonne-facultative-absente", "commentaire", 1, Severity.INFORMATION, False)
    ]
    rows = small_rows()["lignes_budgetaires"]
    assert book.tables["lignes_budgetaires"].column("commentaire") == [None] * len(rows)
    assert book.tables["lignes_budgetaires"].column("ligne_id") == [row["ligne_id"] for row in rows]


def test_an_optional_column_that_was_there_once_is_more_than_a_notice(tmp_path: Path) -> None:
    folder = save(tmp_path / "registre")
    without_column(folder, "lignes_budgetaires", "commentaire")
    (said,) = load_register(folder, schemas(), SETTINGS).findings
    assert (said.code, said.gravite) == ("colonne-facultative-absente", Severity.AVERTISSEMENT)


@pytest.mark.parametrize("name", ["ligne_id", "exercice", "libelle"])
def test_keys_and_required_columns_cannot_be_missing(tmp_path: Path, name: str) -> None:
    folder = save(tmp_path / "registre")
    without_column(folder, "lignes_budgetaires", name)
    assert [(each.code, each.champ) for each in mistakes(folder)] == [("colonne-absente-du-registre", name)]
