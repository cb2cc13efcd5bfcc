"""Exports of administrations, by their columns: SCDL, GISPRO, Osiris, Chorus, Subventia, as subventions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import xlsxwriter

from support import legacy_workbooks
from support.contracts import ROOT
from support.documents import document, small_contract
from tabellion.importing import IMPORT_FILE, Choices, ImportedFiles, Topic, load_import_words, read_document, read_files

WORDS = load_import_words(ROOT / "templates" / IMPORT_FILE)
#: The contract that the exports add to: four fiches, I-1.1./2 « Lire à la maison ».
CURRENT = read_document(document(small_contract()), "contrat.txt").tables
#: A true SIRET that begins with zeros, as the register of establishments has some.
SIRET = "00552013500012"


def read(path: Path, choices: Choices | None = None) -> ImportedFiles:
    return read_files([path], WORDS, choices or {}, CURRENT)


def csv(folder: Path, *rows: str, name: str = "export.csv") -> Path:
    path = folder / name
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


def workbook(folder: Path, *tables: tuple[str, int, Sequence[Sequence[object]]]) -> Path:
    """A workbook: each sheet with its table from a zero-based row on."""

    def make(book: xlsxwriter.Workbook) -> None:
        for title, row, table in tables:
            legacy_workbooks.rows(book.add_worksheet(title), row, table)

    path = folder / "export.xlsx"
    path.write_bytes(legacy_workbooks.workbook(make))
    return path


def grants(imported: ImportedFiles) -> list[tuple[Any, ...]]:
    own = imported.contract.tables
    names = {row["partenaire_id"]: row["nom"] for row in own["partenaires"]}
    money = {row["financement_id"]: row for row in own["financements"]}
    return [
        (money[row["financement_id"]]["fiche_id"], money[row["financement_id"]]["financeur_id"],
         money[row["financement_id"]]["exercice"], money[row["financement_id"]]["montant"],
         names.get(row["beneficiaire_id"]), row["reference_decision"])
        for row in own["subventions"]
    ]  # fmt: skip


def codes(imported: ImportedFiles) -> list[str]:
    return [finding.code for finding in imported.contract.findings]


SCDL = (
    "nomAttribuant,idAttribuant,dateConvention,referenceDecision,nomBeneficiaire,idBeneficiaire,objet,montant,nature,"
    "conditionsVersement,datesPeriodeVersement,idRAE,notificationUE,pourcentageSubvention,QPV"
)


def test_scdl_subventions_become_financements_and_subventions(tmp_path: Path) -> None:
    path = csv(
        tmp_path, SCDL,
        f"Ville,21290019700019,2016-06-27,2016-03-103,Lire ensemble,{SIRET},Fiche I-1.1./2,8500.50,aide en numéraire,"
        "unique,2016-07-01/2016-12-31,,non,100,QN02901M",
    )  # fmt: skip
    imported = read(path)
    assert imported.adds
    assert grants(imported) == [("I-1.1./2", "ville", 2016, 850_050, "Lire ensemble", "2016-03-103")]
    (row,) = imported.contract.tables["subventions"]
    assert (row["date_convention"], row["debut_versement"], row["fin_versement"]) == (
        date(2016, 6, 27), date(2016, 7, 1), date(2016, 12, 31),
    )  # fmt: skip
    assert (row["nature"], row["notification_ue"]) == ("aide en numéraire", False)
    (partner,) = [row for row in imported.contract.tables["partenaires"] if row["nom"] == "Lire ensemble"]
    assert partner["siret"] == SIRET


def test_a_dossier_of_no_fiche_is_asked_and_said_with_its_sum(tmp_path: Path) -> None:
    path = csv(tmp_path, SCDL, f"Ville,,2016-06-27,D1,Judo,{SIRET},Tatamis,900,,,,,,,")
    imported = read(path)
    assert grants(imported) == []
    assert codes(imported) == ["subvention-sans-fiche"]
    assert "900" in imported.contract.findings[0].message
    (match,) = imported.correspondence.open
    assert (match.topic, match.text) == (Topic.DOSSIERS, "D1 – Tatamis")
    decided = read(path, {match.choice_key: "I-2./1"})
    assert grants(decided) == [("I-2./1", "ville", 2016, 90_000, "Judo", "D1")]


def test_an_export_says_nothing_of_the_collectivites_that_the_contract_has(tmp_path: Path) -> None:
    path = csv(tmp_path, SCDL, f"Ville,,2016-06-27,D1,Judo,{SIRET},Fiche I-1.1./2,900,,,,,,,")
    own = [{**row, "categorie": "EPCI", "siret": SIRET} for row in CURRENT["collectivites"]]
    imported = read_files([path], WORDS, {}, CURRENT | {"collectivites": own})
    assert imported.contract.tables["collectivites"] == own


def test_chorus_payments_of_one_engagement_are_added_up(tmp_path: Path) -> None:
    header = ["N° EJ", "N° poste EJ", "Exercice comptable", "Désignation de la structure", "Code taxe 1",
              "Montant payé", "Date de dernière opération sur la DP", "Domaine fonctionnel"]  # fmt: skip
    rows = [
        [2101234567, 1, 2016, "LIRE ENSEMBLE", 552013500012, 1000, 42_550, "0147-01-02"],
        [2101234567, 2, 2016, "LIRE ENSEMBLE", 552013500012, "250,50", 42_551, "0147-01-02"],
        [2101234567, 2, 2016, "LIRE ENSEMBLE", 552013500012, -50, 42_552, "0147-01-02"],
    ]
    path = workbook(tmp_path, ("Accueil", 0, [["Extraction Chorus"]]), ("Paiements", 2, [header, *rows]))
    number = "2101234567"
    imported = read(path, {(Topic.DOSSIERS, "", number): "I-1.1./2"})
    assert grants(imported) == [("I-1.1./2", "etat", 2016, 120_050, "LIRE ENSEMBLE", "2101234567")]
    assert imported.contract.tables["subventions"][0]["date_convention"] == date(2016, 6, 29)
    (partner,) = [row for row in imported.contract.tables["partenaires"] if row["nom"] == "LIRE ENSEMBLE"]
    assert partner["siret"] == SIRET
    assert "zeros-rendus" in codes(imported)


def test_gispro_one_sheet_a_year_whose_header_changes(tmp_path: Path) -> None:
    choices = {(Topic.DOSSIERS, "", "00012345"): "I-1.1./2", (Topic.DOSSIERS, "", "01234567"): "I-2./1"}
    path = workbook(
        tmp_path,
        ("2016", 0, [["CHORUS -EJ", "Action de demande - Code dossier", "Code SIRET", "Montant engagé", "Tiers"],
                     ["2101", "00012345", SIRET, 100, "Lire"], ["2102", "01234567", SIRET, 300, "Lire"]]),
        ("2017", 0, [["N° doc. précédent (EJ)", "Numéro De l'Action Prj", "Code Siret", "Mt engagé", "Tiers"],
                     ["2103", 12345, SIRET, 200, "Lire"], ["2104", "01234567", SIRET, 400, "Lire"]]),
    )  # fmt: skip
    rows = [row[:4] for row in grants(read(path, choices))]
    assert rows == [
        ("I-1.1./2", "etat", 2016, 10_000),
        ("I-2./1", "etat", 2016, 30_000),
        ("I-1.1./2", "etat", 2017, 20_000),
        ("I-2./1", "etat", 2017, 40_000),
    ]


def test_osiris_has_its_header_on_two_levels(tmp_path: Path) -> None:
    above = ["Dossier/action", None, "Bénéficiaire", None, "Caractéristiques actions", "Montants et versements", None]
    header = ["Numero Action Osiris", "Exercice budgetaire", "N° Siret", "Nom", "Intitulé", "Demandé", "Accordé"]
    path = workbook(tmp_path, ("Actions", 0, [
        above, header, ["DD-1", "2016", SIRET, "Lire", "Ouvrir un lieu", 9000, 5000],
    ]))  # fmt: skip
    imported = read(path, {(Topic.DOSSIERS, "", "dd 1 – ouvrir un lieu"): "I-1.1./1"})
    assert [match.text for match in imported.correspondence.matches.values() if match.topic is Topic.DOSSIERS] == [
        "DD-1 – Ouvrir un lieu"
    ]
    assert [row[3] for row in grants(read(path, {(Topic.DOSSIERS, "", "dd 1 ouvrir un lieu"): "I-1.1./1"}))] == [
        500_000
    ]


def test_subventia_repeats_what_is_voted_on_each_line_of_expenses(tmp_path: Path) -> None:
    header = "Financeur Principal;Référence administrative - Demande;annee_demande;SIRET - Demandeur;Date - Décision;"
    header += "Montant voté TTC - Décision;Montant Ttc;Dispositif - Dossier de financement;Demandeur"
    line = f"Conseil Régional Bretagne;R1;2016;{SIRET};12/07/2016;1000;400;FIPDR;Lire"
    path = csv(tmp_path, header, line, line.replace(";400;", ";600;"))
    imported = read(path, {(Topic.DOSSIERS, "", "r1"): "I-1.1./2"})
    assert grants(imported) == [("I-1.1./2", "conseil-regional", 2016, 100_000, "Lire", "R1")]


def test_the_same_export_again_is_the_same_subvention(tmp_path: Path) -> None:
    path = csv(tmp_path, SCDL, f"Ville,,2016-06-27,D1,Judo,{SIRET},Fiche I-2./1,900,,,,,,,")
    first = read(path)
    known = {name: [*rows, *first.contract.tables.get(name, [])] for name, rows in CURRENT.items()}
    known["subventions"] = first.contract.tables["subventions"]
    again = read_files([path], WORDS, {}, known)
    assert [row["financement_id"] for row in again.contract.tables["financements"]] == [
        row["financement_id"] for row in first.contract.tables["financements"]
    ]
