"""The register: what is saved comes back, frictionless agrees, and every mistake of a CSV is said at its line."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from frictionless import Package
from hypothesis import HealthCheck, given, settings

from support.contracts import (
    SETTINGS,
    Rows,
    book_of,
    contracts,
    followed,
    save_register,
    schemas,
    small_rows,
    tables_of,
)
from tabellion.contract.register import load_register, table_csv, was_edited
from tabellion.contract.settings import settle
from tabellion.findings import Finding, Severity, TabellionError
from tabellion.schema import SETTING_TABLES
from tabellion.schema.csv_text import DANGEROUS


def save(folder: Path, tables: Any = None) -> Path:
    tables = tables_of(small_rows()) if tables is None else tables
    save_register(folder, tables, schemas(), identifiant="essai", titre="Contrat d'essai")
    return folder


def mistakes(folder: Path) -> list[Finding]:
    with pytest.raises(TabellionError) as caught:
        load_register(folder, schemas(), SETTINGS)
    return list(caught.value.findings)


def where(findings: list[Finding]) -> list[tuple[str, str, int | None]]:
    """Code, file and line of each finding."""
    return [(finding.code, Path(str(finding.place.fichier)).name, finding.place.ligne) for finding in findings]


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


@pytest.mark.parametrize(
    ("courriel", "is_valid"),
    [("accueil@ville.fr ; maire@ville.fr", True), ("maire@ville.fr", True), ("maire ; maire@ville.fr", False)],
)
def test_frictionless_takes_several_addresses_in_a_cell(tmp_path: Path, courriel: str, is_valid: bool) -> None:
    rows = small_rows()
    rows["partenaires"][0]["courriel"] = courriel
    folder = save(tmp_path / "registre", tables_of(rows))
    assert Package(str(folder / "datapackage.json")).validate().valid is is_valid


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
    assert load_register(folder, schemas(), SETTINGS).tables["suivis"] == tables_of(rows)["suivis"]
    rewrite(folder, "suivis", "31/12/2016", "2016-02-30")
    rewrite(folder, "suivis", ",40 %,", ",environ 40,")
    assert [finding.code for finding in mistakes(folder)] == ["texte-au-lieu-de-nombre", "pas-une-date"]


def test_a_register_that_is_not_there_is_one_finding(tmp_path: Path) -> None:
    assert where(mistakes(tmp_path / "registre")) == [("registre-absent", "registre", None)]


def test_all_the_mistakes_of_all_the_files_are_said_at_once(tmp_path: Path) -> None:
    folder = save(tmp_path / "registre")
    (folder / "piliers.csv").unlink()
    (folder / "conventions.csv").write_bytes((folder / "conventions.csv").read_bytes() + b"\xe9\x81")
    (folder / "axes.csv").write_bytes(b"\r\n;;;\r\n")
    rewrite(folder, "collectivites", "categorie", "categories")
    rewrite(folder, "financeurs", "region,Région,public local", "region,Région")
    rewrite(folder, "partenaires", "bailleur,Bailleur", 'bailleur,"Bailleur')
    rewrite(folder, "lignes_budgetaires", ",250.50,", ",250.505,")
    rewrite(folder, "fiches", ",1,2016,oui,", ",un,2016,peut-être,")
    assert where(mistakes(folder)) == [
        ("registre-absent", "piliers.csv", None),
        ("registre-illisible", "conventions.csv", 5),
        ("registre-illisible", "axes.csv", 1),
        ("colonne-absente-du-registre", "collectivites.csv", 1),
        ("colonne-inconnue-du-registre", "collectivites.csv", 1),
        ("ligne-de-travers", "financeurs.csv", 3),
        ("registre-illisible", "partenaires.csv", 2),
        ("texte-au-lieu-de-nombre", "fiches.csv", 2),
        ("ni-oui-ni-non", "fiches.csv", 2),
        ("montant-ambigu", "lignes_budgetaires.csv", 3),
    ]


def test_a_mistake_says_its_remedy(tmp_path: Path) -> None:
    folder = save(tmp_path / "registre")
    rewrite(folder, "collectivites", "categorie", "categories")
    rewrite(folder, "lignes_budgetaires", ",250.50,", ',"250,50 HT",')
    absent, unknown, text = mistakes(folder)
    assert absent.champ == "categorie"
    assert "« categorie »" in unknown.message
    assert text.valeur == "250,50 HT"
    assert "1234.56" in text.suggestion


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
    assert [resource["name"] for resource in descriptor["resources"]] == [
        name for name in schemas() if name not in SETTING_TABLES
    ]
    fields = {
        (resource["name"], field_["name"]): field_
        for resource in descriptor["resources"]
        for field_ in resource["schema"]["fields"]
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
    assert [
        (finding.code, finding.champ, finding.place.ligne, finding.gravite, finding.bloquant)
        for finding in book.findings
    ] == [("colonne-facultative-absente", "commentaire", 1, Severity.INFORMATION, False)]
    rows = small_rows()["lignes_budgetaires"]
    assert book.tables["lignes_budgetaires"].column("commentaire") == [None] * len(rows)
    assert book.tables["lignes_budgetaires"].column("ligne_id") == [row["ligne_id"] for row in rows]


def test_an_optional_column_that_was_there_once_is_more_than_a_notice(tmp_path: Path) -> None:
    folder = save(tmp_path / "registre")
    without_column(folder, "lignes_budgetaires", "commentaire")
    (finding,) = load_register(folder, schemas(), SETTINGS).findings
    assert (finding.code, finding.gravite) == ("colonne-facultative-absente", Severity.AVERTISSEMENT)


@pytest.mark.parametrize("name", ["ligne_id", "exercice", "libelle"])
def test_keys_and_required_columns_cannot_be_missing(tmp_path: Path, name: str) -> None:
    folder = save(tmp_path / "registre")
    without_column(folder, "lignes_budgetaires", name)
    assert [(finding.code, finding.champ) for finding in mistakes(folder)] == [("colonne-absente-du-registre", name)]


def french(text: str) -> bytes:
    """A CSV as a French Excel saves it: semicolons, decimal commas, days first, the characters of Windows."""
    text = text.replace(",", ";")
    text = re.sub(r"(?<=;)(-?\d+)\.(\d+)(?=;)", r"\1,\2", text)
    return re.sub(r"(?<=;)(\d{4})-(\d\d)-(\d\d)(?=;)", r"\3/\2/\1", text).replace("\n", "\r\n").encode("cp1252")


def plain_rows() -> Rows:
    """A small contract whose texts hold no comma, so that its CSV can be rewritten by replacing them."""
    rows = small_rows()
    rows["suivis"] = [followed("I-1.1./1", 2016, pourcentage=40, date_bilan=date(2016, 12, 31), montant_engage=12_50)]
    return rows


@pytest.mark.parametrize(
    "saved",
    [
        french,
        lambda text: b"sep=;\r\n" + french(text),
        lambda text: text.replace(",", ";").encode(),
        lambda text: text.replace(",", "\t").encode("utf-8-sig"),
        lambda text: text.encode("cp1252"),
        lambda text: (text + "," * text.splitlines()[0].count(",") + "\n" + " , \n").encode(),
        lambda text: text.replace("\n", ",,\n").encode(),
        lambda text: text.replace("\n", "\n,,,,\n", 1).encode(),
        lambda text: re.sub("^", ",", text, flags=re.M).removesuffix(",").encode(),
    ],
    ids=["french", "sep=", "semicolons", "tabs", "cp1252", "blank rows", "blank columns", "first row", "first column"],
)
def test_a_table_saved_by_a_spreadsheet_is_read_and_said_once(saved: Callable[[str], bytes], tmp_path: Path) -> None:
    tables = tables_of(plain_rows())
    folder = save(tmp_path / "registre", tables)
    names = ("collectivites", "lignes_budgetaires", "suivis")
    for name in names:
        path = folder / f"{name}.csv"
        path.write_bytes(saved(path.read_text(encoding="utf-8")))
    book = load_register(folder, schemas(), SETTINGS)
    assert {name: book.tables[name] for name in names} == {name: tables[name] for name in names}
    places = [(finding.code, Path(finding.place.fichier or "").stem, finding.bloquant) for finding in book.findings]
    assert set(places) <= {("registre-de-tableur", name, False) for name in names}
    assert len(places) == len(set(places))


@pytest.mark.parametrize(
    ("written", "cents"),
    [
        ('"1234,56"', 123456), ("1234.500", 123450), ('"1 234,56 €"', 123456), ("1234.", 123400), ("+12", 1200),
        ('"(12,50)"', -1250), ("\u22125", -500), ("0.500", 50),
    ],
)  # fmt: skip
def test_an_amount_that_can_be_no_other_is_read(written: str, cents: int, tmp_path: Path) -> None:
    folder = save(tmp_path / "registre")
    rewrite(folder, "lignes_budgetaires", ",250.50,", f",{written},")
    book = load_register(folder, schemas(), SETTINGS)
    assert book.tables["lignes_budgetaires"].column("montant_realise")[1] == cents
    (finding,) = book.findings
    assert finding.code == "registre-de-tableur"
    assert written.strip('"') in finding.message


@pytest.mark.parametrize(("table", "old", "new"), [
    ("lignes_budgetaires", ",250.50,", ",12.345,"), ("lignes_budgetaires", ",250.50,", ",1.2E+03,"),
    ("lignes_budgetaires", ",250.50,", ',"250,505",'), ("lignes_budgetaires", ",250.50,", ",néant,"),
    ("lignes_budgetaires", ",250.50,", ",$250,"), ("lignes_budgetaires", ",2013,", ",2013.5,"),
    ("lignes_budgetaires", ",2013,", ",2.0E3,"), ("fiches", ",oui,", ",peut-être,"),
])  # fmt: skip
def test_what_a_remedy_tells_to_write_in_a_csv_is_read(table: str, old: str, new: str, tmp_path: Path) -> None:
    folder = save(tmp_path / "registre")
    rewrite(folder, table, old, new)
    (finding,) = mistakes(folder)
    assert not re.search("cellule|format|comme un nombre|virgule pour les centimes", finding.suggestion)
    example = re.search(r"comme ([\d.-]+\d)|Écrivez (oui)", finding.suggestion)
    assert example is not None
    rewrite(folder, table, new, f",{example[1] or example[2]},")
    assert load_register(folder, schemas(), SETTINGS).findings == ()


@pytest.mark.parametrize(
    "text",
    [
        *(sign for sign in DANGEROUS if sign != "\r"),
        "=1+1",
        "-5 actions",
        "'=1",
        "''+33",
        "@import",
        "'",
        "l'été",
        "- un\n- deux",
    ],
)
def test_what_looks_like_a_formula_is_harmless_in_the_file_and_comes_back(text: str, tmp_path: Path) -> None:
    rows = small_rows()
    rows["lignes_budgetaires"][0]["libelle"] = text + " x"
    folder = save(tmp_path / "registre", tables_of(rows))
    with (folder / "lignes_budgetaires.csv").open(encoding="utf-8", newline="") as stream:
        written = next(csv.DictReader(stream))["libelle"]
    assert not written.startswith(DANGEROUS)
    book = load_register(folder, schemas(), SETTINGS)
    assert book.tables["lignes_budgetaires"].column("libelle")[0] == text + " x"
    assert book.findings == ()
