"""Open data: packages that frictionless accepts, subsidies whole or explained, nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from frictionless import Package

from support.contracts import ROOT, SETTINGS, Rows, locate, save_register, schemas, small_rows, tables_of
from support.program import contents, tabellion
from tabellion.commands.export import STANDARD
from tabellion.contract.register import load_register
from tabellion.contract.workspace import find_workspace
from tabellion.findings import TabellionError
from tabellion.outputs.opendata import load_standard, public_tables, subsidies_csv
from tabellion.outputs.subsidies import Subsidies, subsidies
from tabellion.schema.csv_text import shielded

#: Right numbers: those of the examples of the format, and the head office of La Poste.
REGION, ASSOCIATION, POST = "23350001600040", "38047555800058", "35600000000048"
GRANTED = "I-1.1./1:etat"


def granted_rows(**deed: Any) -> Rows:
    """The small contract whose one priced financement has all that the format asks for."""
    rows = small_rows()
    rows["partenaires"][0]["siret"] = ASSOCIATION
    rows["partenaires"].append(
        {"partenaire_id": "prefecture", "nom": "Préfecture", "financeur_id": "etat", "siret": REGION}
    )
    rows["subventions"] = [
        {
            "subvention_id": GRANTED,
            "financement_id": GRANTED,
            "date_convention": date(2016, 6, 27),
            "reference_decision": "2016-03-103",
            "nature": "aide en numéraire",
            "conditions_versement": "échelonné",
            "debut_versement": date(2016, 7, 1),
            "fin_versement": date(2016, 12, 31),
            "notification_ue": False,
            **deed,
        }
    ]
    return rows


def made(rows: Rows) -> Subsidies:
    return subsidies(tables_of(rows), load_standard(ROOT / "templates" / STANDARD), locate, SETTINGS)


def reasons(subsidies: Subsidies) -> list[str]:
    return [finding.message.partition("Il manque : ")[2] for finding in subsidies.findings]


def workspace(folder: Path, rows: Rows | None = None) -> Path:
    """A workspace on disk: the repository's own, or one of these rows."""
    for name in ("schemas", "templates"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "tabellion.toml", folder)
    if rows is None:
        shutil.copytree(ROOT / "workbooks" / "registre", folder / "workbooks" / "registre")
    else:
        save_register(folder / "workbooks" / "registre", tables_of(rows), schemas(), identifiant="essai", titre="Essai")
    return folder


def problems(package: Path) -> list[str]:
    report = Package(str(package)).validate()
    return [str(error.message) for task in report.tasks for error in task.errors] + list(map(str, report.errors))


def published(folder: Path) -> list[dict[str, str]]:
    text = (folder / "subventions" / "subventions.csv").read_bytes().decode("utf-8-sig")
    assert "\r" not in text
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_the_format_is_the_state_s() -> None:
    names = (
        "nomAttribuant, idAttribuant, dateConvention, referenceDecision, nomBeneficiaire, idBeneficiaire, "
        "rnaBeneficiaire, objet, montant, nature, conditionsVersement, datesPeriodeVersement, idRAE, notificationUE, "
        "pourcentageSubvention, dispositifAide"
    )
    standard = load_standard(ROOT / "templates" / STANDARD)
    assert [field_.name for field_ in standard.fields] == names.split(", ")
    optional = {"referenceDecision", "idBeneficiaire", "rnaBeneficiaire", "idRAE", "dispositifAide"}
    assert {field_.name for field_ in standard.fields if not field_.required} == optional


def test_a_granted_financement_is_published_whole() -> None:
    subsidies = made(granted_rows())
    assert subsidies.findings == ()
    assert list(subsidies.rows) == [
        {
            "nomAttribuant": "Préfecture", "idAttribuant": REGION, "dateConvention": "2016-06-27",
            "referenceDecision": "2016-03-103", "nomBeneficiaire": "Bailleur", "idBeneficiaire": ASSOCIATION,
            "rnaBeneficiaire": "", "objet": "Proposition de I-1.1./1.", "montant": "890000",
            "nature": "aide en numéraire", "conditionsVersement": "échelonné",
            "datesPeriodeVersement": "2016-07-01/2016-12-31", "idRAE": "", "notificationUE": "non",
            "pourcentageSubvention": "1.00", "dispositifAide": "",
        }
    ]  # fmt: skip


def test_all_that_is_missing_of_a_row_is_said_at_once() -> None:
    subsidies = made(small_rows())
    assert (subsidies.rows, subsidies.granted) == ((), 1)
    assert [finding.code for finding in subsidies.findings] == ["subvention-non-exportable"]
    assert subsidies.findings[0].place == locate("financements", 0)
    reason = reasons(subsidies)[0]
    for words in ("SIRET du financeur État", "SIRET ou RNA du bénéficiaire Bailleur", "date de la convention",
                  "nature", "conditions de versement", "période de versement", "UE"):  # fmt: skip
        assert words in reason


@pytest.mark.parametrize(
    ("table", "place", "change", "words"),
    [
        ("partenaires", 1, {"siret": None}, "SIRET du financeur Préfecture"),
        ("partenaires", 1, {"financeur_id": None}, "aucun partenaire"),
        ("partenaires", 0, {"financeur_id": "etat"}, "plusieurs partenaires"),
        ("partenaires", 0, {"siret": None}, "SIRET ou RNA"),
        ("participations", 0, {"role": "opérationnel"}, "pas de porteur"),
        ("subventions", 0, {"date_convention": None}, "date de la convention"),
        ("subventions", 0, {"nature": None}, "nature"),
        ("subventions", 0, {"conditions_versement": None}, "conditions"),
        ("subventions", 0, {"debut_versement": None}, "premier jour"),
        ("subventions", 0, {"fin_versement": date(2016, 6, 1)}, "finit avant"),
        ("subventions", 0, {"notification_ue": None}, "UE"),
        ("subventions", 0, {"part": "45"}, "45 %"),
        ("financements", 0, {"statut_montant": "à négocier"}, "montant de la subvention"),
        ("financements", 0, {"montant": 0}, "montant de la subvention"),
        ("financements", 0, {"financeur_id": None}, "financeur"),
    ],
)
def test_each_thing_that_is_missing_keeps_its_row_out(
    table: str, place: int, change: dict[str, Any], words: str
) -> None:
    rows = granted_rows()
    rows[table][place] |= change
    subsidies = made(rows)
    assert subsidies.rows == ()
    assert [finding.code for finding in subsidies.findings] == ["subvention-non-exportable"]
    assert reasons(subsidies)[0].count(" ; ") == 0, "one reason"
    assert words in reasons(subsidies)[0]


def test_the_reference_and_the_end_of_the_payment_are_optional() -> None:
    subsidies = made(granted_rows(reference_decision=None, fin_versement=None))
    assert [(row["referenceDecision"], row["datesPeriodeVersement"]) for row in subsidies.rows] == [("", "2016-07-01")]


def test_a_wrong_siret_is_named_at_its_cell_and_keeps_rows_out() -> None:
    rows = granted_rows()
    rows["partenaires"][1]["siret"] = "23350001600041"
    rows["collectivites"][0]["siret"] = "11111111111111"
    subsidies = made(rows)
    assert [(finding.code, finding.place.cellule) for finding in subsidies.findings] == [
        ("siret-faux", "siret@0"), ("siret-faux", "siret@1"), ("subvention-non-exportable", "None@0"),
    ]  # fmt: skip
    assert subsidies.rows == ()


def test_a_partner_has_the_siret_of_its_collectivite() -> None:
    rows = granted_rows()
    rows["collectivites"][0]["siret"] = POST
    rows["partenaires"][0] |= {"collectivite_id": "luce", "siret": None}
    assert [row["idBeneficiaire"] for row in made(rows).rows] == [POST]
    rows["partenaires"][0]["siret"] = ASSOCIATION
    subsidies = made(rows)
    assert [row["idBeneficiaire"] for row in subsidies.rows] == [POST]
    assert [finding.code for finding in subsidies.findings] == ["deux-siret"]


def test_a_date_far_from_the_contract_and_an_object_cut_in_the_source_are_said() -> None:
    rows = granted_rows(date_convention=date(2099, 1, 1))
    rows["fiches"][0]["proposition"] = ("Accompagner les familles " * 20)[:254] + "x"
    subsidies = made(rows)
    assert [(finding.code, finding.champ) for finding in subsidies.findings] == [
        ("annee-hors-contrat", "date_convention"), ("texte-coupe", "objet"),
    ]  # fmt: skip
    assert len(subsidies.rows) == 1


def test_an_association_without_a_siret_is_known_by_its_rna() -> None:
    rows = granted_rows()
    rows["partenaires"][0] |= {"siret": None, "rna": "W380475558"}
    assert [(row["idBeneficiaire"], row["rnaBeneficiaire"]) for row in made(rows).rows] == [("", "W380475558")]


def test_several_beneficiaries_share_one_subsidy() -> None:
    rows = granted_rows(part="45")
    second = {**rows["subventions"][0], "subvention_id": f"{GRANTED}:2", "beneficiaire_id": "poste", "part": "55"}
    rows["subventions"].append(second)
    rows["partenaires"].append({"partenaire_id": "poste", "nom": "La Poste", "siret": POST})
    subsidies = made(rows)
    assert [(row["idBeneficiaire"], row["montant"], row["pourcentageSubvention"]) for row in subsidies.rows] == [
        (ASSOCIATION, "890000", "0.45"), (POST, "890000", "0.55"),
    ]  # fmt: skip
    for parts, published in (
        (("33,33", "66.67 %"), ["0.3333", "0.6667"]),
        (("12,5", "87,5"), ["0.125", "0.875"]),
        (("1/3", "2/3"), ["0.333333", "0.666667"]),
        (("0.3333", "0.6667"), ["0.3333", "0.6667"]),  # cells that show a percentage
        (("33,33", "66,6"), []),
    ):
        for deed, part in zip(rows["subventions"], parts, strict=True):
            deed["part"] = part
        assert [row["pourcentageSubvention"] for row in made(rows).rows] == published, parts
    rows["subventions"][1]["part"] = None
    assert made(rows).rows == ()
    assert ["part de chaque" in reason for reason in reasons(made(rows))] == [True, True]


def test_a_long_object_is_cut_at_a_word_within_the_format_s_limit() -> None:
    rows = granted_rows()
    rows["fiches"][0]["proposition"] = "Accompagner\nles familles " * 20
    (row,) = made(rows).rows
    assert len(row["objet"]) <= 256
    assert row["objet"].endswith(("familles …", "les …", "Accompagner …"))
    assert "\n" not in row["objet"]


@pytest.mark.parametrize(("first", "longest"), [("a", 256), ("-", 255)])
def test_a_text_and_its_apostrophe_keep_within_the_format_s_limit(first: str, longest: int, tmp_path: Path) -> None:
    rows = granted_rows(conditions_versement=first.ljust(longest, "c"))
    rows["fiches"][0]["proposition"] = first + "Accompagner les familles " * 20
    folder = workspace(tmp_path / "contrat", rows)
    assert tabellion("export", "--vers", "ouvert", cwd=folder).code == 0
    assert problems(folder / "ouvert" / "subventions" / "datapackage.json") == []
    (row,) = published(folder / "ouvert")
    assert (len(row["conditionsVersement"]), row["objet"][-1]) == (256, "…")
    rows["subventions"][0]["conditions_versement"] = first.ljust(longest + 1, "c")
    assert made(rows).rows == ()
    assert ["conditions de versement (plus de 256 caractères" in reason for reason in reasons(made(rows))] == [True]


@pytest.mark.parametrize("text", ["=1+1", "+33 2", "-5 actions", "@import", "\t=1", "\r=1", "\n=1", "＝1"])
def test_a_text_that_a_spreadsheet_would_run_is_shielded(text: str) -> None:
    assert shielded(text) == "'" + text


@pytest.mark.parametrize("text", ["", "a=b", " x", "'a", "1-2", "« - »"])
def test_other_texts_are_left_as_they_are(text: str) -> None:
    assert shielded(text) == text


def test_numbers_are_never_shielded_and_fields_still_hold_their_texts() -> None:
    rows = small_rows()
    longest = schemas()["lignes_budgetaires"].by_name["libelle"].max_length
    assert longest is not None
    rows["lignes_budgetaires"][0]["libelle"] = "=" * longest
    rows["lignes_budgetaires"][1]["montant_realise"] = -5_00
    tables, kept, findings = public_tables(tables_of(rows), schemas(), locate)
    assert [(finding.code, finding.place) for finding in findings if finding.code == "texte-neutralise"] == [
        ("texte-neutralise", locate("lignes_budgetaires", 0, "libelle"))
    ]
    assert tables["lignes_budgetaires"].column("montant_realise")[1] == -5_00
    assert kept["lignes_budgetaires"].by_name["libelle"].max_length == longest + 1
    standard = load_standard(ROOT / "templates" / STANDARD)
    line = subsidies_csv([{"objet": "=1+1", "montant": "-5"}], standard).decode("utf-8-sig").splitlines()[1]
    assert line == ",,,,,,,'=1+1,-5,,,,,,,"


def test_what_is_exported_is_valid_and_is_the_register(tmp_path: Path) -> None:
    rows = granted_rows()
    rows["lignes_budgetaires"][0]["libelle"] = '=HYPERLINK("x")'
    rows["fiches"][0]["proposition"] = "-Ouvrir, « tous » les jours\nde la semaine"
    folder = workspace(tmp_path / "w", rows)
    done = tabellion("export", cwd=folder)
    assert (done.code, done.err) == (0, "")
    export = folder / "workbooks" / "export"
    assert problems(export / "registre" / "datapackage.json") == []
    assert problems(export / "subventions" / "datapackage.json") == []
    assert [row["objet"] for row in published(export)] == ["'-Ouvrir, « tous » les jours de la semaine"]
    back = load_register(export / "registre", schemas(), SETTINGS).tables
    kept = tables_of(rows)
    assert back["lignes_budgetaires"].column("libelle")[0] == '=HYPERLINK("x")'
    lines = (export / "registre" / "lignes_budgetaires.csv").read_text(encoding="utf-8")
    assert ',"\'=HYPERLINK(""x"")",' in lines, "an apostrophe keeps spreadsheets from running it"
    for name in ("montant_prevu", "montant_vote", "montant_realise", "ligne_id"):
        assert back["lignes_budgetaires"].column(name) == kept["lignes_budgetaires"].column(name)
    assert (export / "subventions" / "subventions.csv").read_bytes().startswith(b"\xef\xbb\xbf"), (
        "Excel reads its accents"
    )
    sheet = openpyxl.load_workbook(export / "subventions" / "subventions.xlsx")["Subventions"]
    header, row = ([cell.value for cell in line] for line in sheet.iter_rows(min_row=1, max_row=2))
    told = dict(zip(header, row, strict=True))
    assert (told["idAttribuant"], told["montant"]) == (REGION, 890_000)
    for package in ("registre", "subventions"):
        descriptor = json.loads((export / package / "datapackage.json").read_text(encoding="utf-8"))
        assert [licence["name"] for licence in descriptor["licenses"]] == ["etalab-2.0"]
        assert descriptor["contributors"][0]["role"] == "publisher"
        for resource in descriptor["resources"]:
            content = (export / package / resource["path"]).read_bytes()
            digest = "sha256:" + hashlib.sha256(content).hexdigest()
            assert (resource["bytes"], resource["hash"]) == (len(content), digest)
    assert "Licence Ouverte" in (export / "subventions" / "LISEZMOI.txt").read_text(encoding="utf-8-sig")
    before = contents(export)
    assert tabellion("export", cwd=folder).code == 0
    assert contents(export) == before, "the same input, the same bytes"


def test_email_addresses_are_no_open_data(tmp_path: Path) -> None:
    rows = granted_rows()
    rows["partenaires"][0]["courriel"] = "prenom.nom@ville.fr"
    folder = workspace(tmp_path / "w", rows)
    done = tabellion("export", "--vers", "ouvert", "--json", "constats.json", cwd=folder)
    assert done.code == 0
    assert problems(folder / "ouvert" / "registre" / "datapackage.json") == []
    assert not any(b"@ville.fr" in content for content in contents(folder / "ouvert").values())
    constats = json.loads((folder / "constats.json").read_text(encoding="utf-8"))["constats"]
    assert [
        (constat["champ"], constat["valeur"]) for constat in constats if constat["code"] == "courriel-non-publie"
    ] == [("courriel", 1)]
    register = (folder / "workbooks" / "registre" / "partenaires.csv").read_text(encoding="utf-8")
    assert "prenom.nom@ville.fr" in register


def test_a_broken_subsidy_is_what_frictionless_refuses(tmp_path: Path) -> None:
    folder = workspace(tmp_path / "w", granted_rows())
    assert tabellion("export", cwd=folder).code == 0
    path = folder / "workbooks" / "export" / "subventions" / "subventions.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(REGION, "2335"), encoding="utf-8")
    assert problems(path.with_name("datapackage.json")) != []


def test_the_repository_s_own_contract_is_exported(tmp_path: Path) -> None:
    folder = workspace(tmp_path / "w")
    done = tabellion("export", "--vers", "ouvert", "--json", "constats.json", cwd=folder)
    assert done.code == 0
    assert problems(folder / "ouvert" / "registre" / "datapackage.json") == []
    constats = json.loads((folder / "constats.json").read_text(encoding="utf-8"))["constats"]
    left = [constat for constat in constats if constat["code"] == "subvention-non-exportable"]
    tables = load_register(folder / "workbooks" / "registre", schemas(), SETTINGS).tables
    assert len(left) == tables["financements"].column("statut_montant").count("chiffré")
    assert published(folder / "ouvert") == []


def test_the_workbook_is_what_is_exported_once_there_is_one(tmp_path: Path) -> None:
    folder = workspace(tmp_path / "w", granted_rows())
    assert tabellion("generate", cwd=folder).code in (0, 1)
    done = tabellion("export", cwd=folder)
    assert done.code == 0
    assert "contrat.xlsx" in done.out
    assert [row["idAttribuant"] for row in published(folder / "workbooks" / "export")] == [REGION]


def test_nothing_edited_is_lost_and_nothing_is_written_on_a_mistake(tmp_path: Path) -> None:
    folder = workspace(tmp_path / "w", granted_rows())
    assert tabellion("export", cwd=folder).code == 0
    path = folder / "workbooks" / "export" / "subventions" / "subventions.csv"
    path.write_text("à moi\n", encoding="utf-8")
    refused = tabellion("export", cwd=folder)
    assert (refused.code, refused.codes) == (2, ["fichier-deja-la"])
    assert path.read_text(encoding="utf-8") == "à moi\n"
    forced = tabellion("export", "--forcer", cwd=folder)
    assert forced.code == 0
    assert [path.read_text(encoding="utf-8") for path in path.parent.glob("subventions 20*.csv")] == ["à moi\n"]
    before = contents(folder)
    absent = tabellion("export", "--depuis", "consolidation", cwd=folder)
    assert (absent.code, absent.codes) == (2, ["consolidation-absente"])
    (folder / "templates" / STANDARD).write_text('{"fields": [{}]}', encoding="utf-8")
    wrong = tabellion("export", cwd=folder)
    assert (wrong.code, wrong.codes) == (2, ["gabarit-faux"])
    del before[f"templates/{STANDARD}"]
    after = contents(folder)
    assert {name: after[name] for name in before} == before


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"fields": 3}', '{"fields": [3]}', "\udcff", '{"fields": []}'])
def test_a_template_that_is_none_is_a_finding(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(TabellionError) as caught:
        load_standard(path)
    assert [finding.code for finding in caught.value.findings] == ["gabarit-faux"]


def test_the_consolidated_state_is_exported_when_it_is_asked_for(tmp_path: Path) -> None:
    folder = workspace(tmp_path / "w", granted_rows())
    assert tabellion("consolidate", cwd=folder).code in (0, 1)
    done = tabellion("export", "--depuis", "consolidation", cwd=folder)
    assert done.code == 0
    assert "l'état consolidé" in done.out
    assert len(published(find_workspace(folder).workbooks / "export")) == 1
