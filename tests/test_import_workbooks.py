"""Workbooks and CSV of other people: read by the names of their columns, asked where doubtful, never swallowed."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from support import legacy_workbooks
from support.contracts import ROOT, SOURCE
from support.documents import document, small_contract
from tabellion.findings import TabellionError
from tabellion.importing import (
    IMPORT_FILE,
    Choices,
    DocumentText,
    ImportedContract,
    ImportedFiles,
    Topic,
    document_text,
    files,
    load_import_words,
    read_document,
    read_files,
)
from tabellion.importing.doors import DOCUMENT_LIMITS, read_office

TEXT = document(small_contract())


@pytest.fixture(autouse=True)
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are read here and not in a child, which takes a second to start; the command's tests start one."""

    def door(path: Path) -> DocumentText:
        is_office = path.read_bytes().startswith(b"PK")
        return read_office(str(path), DOCUMENT_LIMITS) if is_office else document_text(path)

    monkeypatch.setattr(files, "document_text", door)


WORDS = load_import_words(ROOT / "templates" / IMPORT_FILE)
SOURCE_FIELDS = {"ligne_source", "reparation", "texte_source"}
LAYOUTS = ["flat_list", "pivot", "tabs"]
BUDGET = ["Convention", "Collectivité", "Libellé", "Réalisé 2013"]


@cache
def truth(data: bytes) -> ImportedContract:
    return read_document(data, "contrat.txt")


def written(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def sheet(folder: Path, name: str, *sheets: tuple[str, Sequence[Sequence[object]]]) -> Path:
    """A workbook of some sheets, each a list of rows."""

    def make(book: xlsxwriter.Workbook) -> None:
        for title, table in sheets:
            legacy_workbooks.rows(book.add_worksheet(title), 0, table)

    return written(folder, name, legacy_workbooks.workbook(make))


def read(*paths: Path, choices: Choices | None = None) -> ImportedFiles:
    return read_files(paths, WORDS, choices or {})


def table(contract: ImportedContract, name: str) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if k not in SOURCE_FIELDS} for row in contract.tables[name]]


def lines(imported: ImportedFiles) -> list[tuple[Any, ...]]:
    names = ("convention_id", "collectivite_id", "libelle", "exercice", "montant_realise")
    return [tuple(row[name] for name in names) for row in imported.contract.tables["lignes_budgetaires"]]


def places_of(imported: ImportedFiles, code: str) -> list[tuple[str | None, str | None]]:
    findings = [finding for finding in imported.contract.findings if finding.code == code]
    assert all(finding.message and finding.suggestion for finding in findings)
    return [(finding.place.feuille, finding.place.cellule) for finding in findings]


def recovered(got: ImportedContract, expected: ImportedContract) -> dict[str, tuple[int, int]]:
    """Of each kind: how many come back as they were, of how many."""
    pairs = {name: (table(got, name), table(expected, name)) for name in expected.tables}
    counts = {name: (sum(row in own for row in wanted), len(wanted)) for name, (own, wanted) in pairs.items()}
    numbers = [{row["fiche_id"] for row in contract.tables["fiches"]} for contract in (got, expected)]
    counts["numbers"] = len(numbers[0] & numbers[1]), len(numbers[1])
    ticks = [
        {(row["fiche_id"], row["financeur_id"]) for row in contract.tables["financements"]}
        for contract in (got, expected)
    ]
    counts["ticks"] = len(ticks[0] & ticks[1]), len(ticks[1])
    return counts


def all_of(counts: dict[str, tuple[int, int]], *names: str) -> bool:
    return all(counts[name][0] == counts[name][1] > 0 for name in names)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_legacy_workbook_gives_what_the_document_gives(tmp_path: Path, layout: str) -> None:
    expected = truth(TEXT)
    imported = read(written(tmp_path, "ancien.xlsx", getattr(legacy_workbooks, layout)(expected)))
    counts = recovered(imported.contract, expected)
    assert all_of(counts, "lignes_budgetaires", "collectivites", "numbers", "ticks")
    assert all_of(counts, "fiches", "axes", "financements") or layout == "pivot"
    assert len(imported.contract.tables["lignes_budgetaires"]) == counts["lignes_budgetaires"][1]
    assert "ligne-non-placee" not in [finding.code for finding in imported.contract.findings]


@pytest.mark.source
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_published_contract_comes_back_from_each_legacy_layout(tmp_path: Path, layout: str) -> None:
    expected = truth(SOURCE.read_bytes())
    imported = read(written(tmp_path, "ancien.xlsx", getattr(legacy_workbooks, layout)(expected)))
    counts = recovered(imported.contract, expected)
    assert counts["lignes_budgetaires"] == (160, 160)
    assert counts["numbers"] == (69, 69)
    assert counts["ticks"] == (23, 23)
    lines = imported.contract.tables["lignes_budgetaires"]
    assert (len(lines), sum(row["montant_realise"] or 0 for row in lines)) == (160, 1_266_039_700)
    assert layout == "pivot" or counts["fiches"] == (69, 69)


# What the headers of other people look like


def test_a_header_in_the_third_row_on_two_levels_with_years_under_merged_titles(tmp_path: Path) -> None:
    def make(book: xlsxwriter.Workbook) -> None:
        page = book.add_worksheet("Suivi")
        page.write(0, 0, "Suivi financier")
        page.merge_range(2, 3, 2, 4, "2014")
        page.merge_range(2, 5, 2, 6, "2015")
        legacy_workbooks.rows(page, 3, [
            ["Thématique", "Commune", "Intitulé", "Prévu", "Réalisé", "Prévu", "Réalisé", "Total"],
            ["1 - Santé", "Brest", "Soins", 10, 9, 12, None, 22],
        ])  # fmt: skip

    imported = read(written(tmp_path, "suivi.xlsx", legacy_workbooks.workbook(make)))
    rows = table(imported.contract, "lignes_budgetaires")
    lines = [(row["ligne_id"], row["exercice"], row["montant_prevu"], row["montant_realise"]) for row in rows]
    assert lines == [("B01-brest-001", 2014, 1000, 900), ("B01-brest-001", 2015, 1200, None)]


def test_one_sheet_a_year_whose_header_changes_is_one_line_of_two_exercices(tmp_path: Path) -> None:
    path = sheet(
        tmp_path, "annees.xlsx",
        ("2013", [["Convention", "Commune", "Libellé", "Réalisé"], ["1 - Santé", "Brest", "Soins", 5]]),
        ("2014", [["Thème", "Collectivité", "Désignation", "Mandaté"], ["1 - Santé", "Ville de Brest", "SOINS", 6]]),
    )  # fmt: skip
    imported = read(path)
    assert lines(imported) == [(1, "brest", "Soins", 2013, 500), (1, "brest", "Soins", 2014, 600)]
    assert places_of(imported, "collectivite-variante") == [("2014", "B2")]


def test_totals_are_published_totals_and_no_lines(tmp_path: Path) -> None:
    rows = [
        BUDGET,
        ["1 - Santé", "Brest", "Soins", 5],
        [None, None, "Prévention", 6],
        [None, "Total Brest", None, 12],
        [None, "Guipavas", "Bus", 7],
        ["Total 1 - Santé", None, None, 18],
        ["Total général", None, None, 18],
    ]
    imported = read(sheet(tmp_path, "tcd.xlsx", ("TCD", rows)))
    assert [row[2] for row in lines(imported)] == ["Soins", "Prévention", "Bus"]
    totals = [(row["total_id"], row["montant"]) for row in table(imported.contract, "totaux_publies")]
    assert totals == [("convention-01-brest", 1200), ("recapitulatif-01", 1800), ("recapitulatif-general", 1800)]


def test_the_total_under_a_list_is_no_convention(tmp_path: Path) -> None:
    rows = [BUDGET, ["Santé", "Brest", "Cantine", 12], ["Emploi", "Brest", "Forum", 6], ["Total", None, None, 18]]
    imported = read(sheet(tmp_path, "budget.xlsx", ("Budget", rows)))
    assert [row["titre"] for row in table(imported.contract, "conventions")] == ["Santé", "Emploi"]
    assert [match.text for match in imported.correspondence.matches.values() if match.topic is Topic.CONVENTIONS] == [
        "Santé", "Emploi",
    ]  # fmt: skip
    totals = [(row["portee"], row["montant"]) for row in table(imported.contract, "totaux_publies")]
    assert totals == [("général", 1_800)]


def test_a_blank_town_in_a_list_is_an_anomaly_and_never_the_one_above(tmp_path: Path) -> None:
    rows = [BUDGET, ["1 - Santé", "Brest", "Soins", 5], ["1 - Santé", "Brest", "Bus", 6], ["1 - Santé", None, "Eau", 7]]
    imported = read(sheet(tmp_path, "liste.xlsx", ("Liste", rows)))
    assert [row[2] for row in lines(imported)] == ["Soins", "Bus"]
    assert places_of(imported, "ligne-non-placee") == [("Liste", "A4")]


@pytest.mark.parametrize(
    ("typed", "cents"), [("12 k€", 1_200_000), ("1 234,50 €*", 123_450), ("300 € TTC", 30_000), ("1 200 (1)", 120_000)]
)
def test_amounts_are_read_as_forms_understand_them(tmp_path: Path, typed: str, cents: int) -> None:
    imported = read(sheet(tmp_path, "a.xlsx", ("L", [BUDGET, ["1 - Santé", "Brest", "Soins", typed]])))
    assert [row[-1] for row in lines(imported)] == [cents]


def test_what_is_hidden_struck_out_or_unknown_is_told(tmp_path: Path) -> None:
    def make(book: xlsxwriter.Workbook) -> None:
        page = book.add_worksheet("Liste")
        legacy_workbooks.rows(page, 0, [
            [*BUDGET, "Code analytique"],
            ["1 - Santé", "Brest", "Soins", 5, "A1"],
            ["1 - Santé", "Brest", "Eau", 6, "A2"],
        ])  # fmt: skip
        struck = book.add_format({"font_strikeout": True})
        for column, value in enumerate(["1 - Santé", "Brest", "Bus", 7, "A3"]):
            page.write(3, column, value, struck)
        page.set_row(2, None, None, {"hidden": True})

    imported = read(written(tmp_path, "l.xlsx", legacy_workbooks.workbook(make)))
    assert [row[2] for row in lines(imported)] == ["Soins", "Eau"]
    assert places_of(imported, "ligne-barree") == [("Liste", "A4")]
    assert places_of(imported, "lignes-masquees") == [("Liste", "A3")]
    assert places_of(imported, "colonne-non-comprise") == [("Liste", "E1")]


@pytest.mark.parametrize("layout", ["list", "tab"])
def test_a_mention_struck_out_inside_a_cell_is_that_mention_alone(tmp_path: Path, layout: str) -> None:
    fields = {"Fiche N°": "I-1./1", "Objectif": "Lire", "Porteur": "CAF", "Echéance": "2026", "Convention": "1 - Ecole"}

    def make(book: xlsxwriter.Workbook) -> None:
        page, struck = book.add_worksheet("Fiche"), book.add_format({"font_strikeout": True})
        labels = [*fields, "Axe transversal"]
        legacy_workbooks.rows(page, 0, [labels, list(fields.values())] if layout == "list" else list(fields.items()))
        place = (1, len(fields)) if layout == "list" else (len(fields), 1)
        page.write(place[0] * (layout == "tab"), place[1] * (layout == "list"), "Axe transversal")
        page.write_rich_string(*place, "Jeunes, ", struck, "Egalité", ", Discriminations")

    imported = read(written(tmp_path, "f.xlsx", legacy_workbooks.workbook(make)))
    (row,) = imported.contract.tables["fiches"]
    assert [row[name] for name in ("jeunes", "egalite_femmes_hommes", "lutte_discriminations")] == [True, False, True]
    assert places_of(imported, "cellule-barree") == []


@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_a_csv_is_read_by_its_separator_and_encoding(tmp_path: Path, separator: str, encoding: str) -> None:
    rows = [BUDGET, ["1 - Santé", "Brest", '"Soins, et bus ; 1|2"', '"1 234,50"'], ["1 - Santé", "Brest", "Eau", ""]]
    text = "\r\n".join(separator.join(row) for row in rows)
    imported = read(written(tmp_path, "export.csv", text.encode(encoding)))
    assert lines(imported) == [
        (1, "brest", "Soins, et bus ; 1|2", 2013, 123_450),
        (1, "brest", "Eau", 2013, None),
    ]


def test_a_used_range_of_a_million_rows_costs_nothing(tmp_path: Path) -> None:
    def make(book: xlsxwriter.Workbook) -> None:
        page = book.add_worksheet("Liste")
        legacy_workbooks.rows(page, 0, [BUDGET, ["1 - Santé", "Brest", "Soins", 5]])
        page.write_blank(1_048_575, 0, None, book.add_format({"bold": True}))

    assert len(lines(read(written(tmp_path, "l.xlsx", legacy_workbooks.workbook(make))))) == 1


# What is doubtful is asked


def test_a_column_named_montant_is_asked_before_anything_is_written(tmp_path: Path) -> None:
    path = sheet(tmp_path, "l.xlsx", ("L 2013", [[*BUDGET[:3], "Montant"], ["1 - Santé", "Brest", "Soins", 5]]))
    imported = read(path)
    (match,) = imported.correspondence.open
    assert (match.text, match.meaning, match.blocks) == ("Montant", "Montant", True)
    decided = read(path, choices={match.choice_key: "Montant voté"})
    assert decided.correspondence.open == []
    assert [row["montant_vote"] for row in table(decided.contract, "lignes_budgetaires")] == [500]


def test_a_table_of_no_known_year_asks_its_year(tmp_path: Path) -> None:
    path = sheet(tmp_path, "l.xlsx", ("Liste", [[*BUDGET[:3], "Réalisé"], ["1 - Santé", "Brest", "Soins", 5]]))
    imported = read(path)
    assert [(match.topic, match.text) for match in imported.correspondence.open] == [(Topic.YEARS, "Liste")]
    assert places_of(imported, "ligne-non-placee") == [("Liste", "A2")]
    assert lines(read(path, choices={(Topic.YEARS, "", "liste"): "2014"})) == [(1, "brest", "Soins", 2014, 500)]
    for aside in ((Topic.YEARS, "", "liste"), (Topic.COLLECTIVITES, "", "brest"), (Topic.CONVENTIONS, "", "1 sante")):
        left = read(path, choices={(Topic.YEARS, "", "liste"): "2014", aside: "(mettre de côté)"})
        assert (lines(left), left.contract.findings) == ([], ())
        assert [use.usage for use in left.contract.lines if use.usage.endswith("mise de côté")] == [
            "ignorée : mise de côté"
        ]


def test_partners_are_split_matched_or_set_aside_as_decided(tmp_path: Path) -> None:
    rows = [
        ["Convention", "Fiche n°", "Objectif", "Action", "Porteur", "Partenaires"],
        ["1 - Santé", "I-1.1./1", "Soigner", "Ouvrir", "Pôle Emploi", "Villes"],
        ["1 - Santé", "I-1.1./2", "Guérir", "Fermer", "Pole Emplois", "Divers"],
    ]
    path = sheet(tmp_path, "f.xlsx", ("Actions", rows))
    imported = read(path)
    assert places_of(imported, "partenaire-vague") == [("Actions", "F2"), ("Actions", "F3")]
    assert places_of(imported, "partenaire-ressemblant") == [("Actions", "E3")]
    choices = {
        (Topic.PARTNERS, "", "villes"): "Brest ; Guipavas", (Topic.PARTNERS, "", "divers"): "(mettre de côté)",
        (Topic.PARTNERS, "", "pole emplois"): "Pôle Emploi",
    }  # fmt: skip
    names = [row["nom"] for row in table(read(path, choices=choices).contract, "partenaires")]
    assert names == ["Pôle Emploi", "Brest", "Guipavas"]


# Several files are one contract


def test_a_document_and_a_workbook_are_one_contract_and_conflicts_are_said(tmp_path: Path) -> None:
    first = written(tmp_path, "contrat.txt", TEXT)
    known = truth(TEXT).tables["lignes_budgetaires"]
    rows = [
        BUDGET,
        ["Santé", "Ville de Brest", "Soins", 999],
        ["Santé", "Guipavas", "Bus", 5],
    ]
    imported = read(first, sheet(tmp_path, "budget.xlsx", ("Budget", rows)))
    both = imported.contract.tables["lignes_budgetaires"]
    assert [row["ligne_id"] for row in both] == [*(row["ligne_id"] for row in known), "B02-guipavas-001"]
    (conflict,) = [finding for finding in imported.contract.findings if finding.code == "fichiers-discordants"]
    assert (conflict.place.fichier, conflict.champ) == ("budget.xlsx", "montant_realise")
    assert "999 " in conflict.message
    assert len(imported.contract.tables["fiches"]) == 4


def test_a_sheet_of_amounts_that_nothing_explains_is_asked_said_once_and_can_be_set_aside(tmp_path: Path) -> None:
    strange = [["Zone", "Bidule"], *([f"Z{number}", 1000 + number] for number in range(9))]
    budget = [BUDGET, *(["1 - Santé", "Brest", f"Soins {number}", 500 + number] for number in range(9))]
    path = sheet(tmp_path, "deux.xlsx", ("Budget", budget), ("Divers", strange))
    imported = read(path)
    assert places_of(imported, "feuille-non-comprise") == [("Divers", "A2")]
    assert "document-peu-compris" in [finding.code for finding in imported.contract.findings if finding.bloquant]
    (match,) = imported.correspondence.open
    assert (match.group, match.text, match.blocks) == ("Feuille", "Divers", True)
    left = read(path, choices={match.choice_key: "(mettre de côté)"})
    assert [finding.code for finding in left.contract.findings] == []
    chosen = read(path, choices={match.choice_key: "Crédits de droit commun"})
    titles = [question.text for question in chosen.correspondence.open if question.group == "Crédits de droit commun"]
    assert titles == ["Zone", "Bidule"]


def test_a_row_with_an_amount_under_a_table_of_another_kind_is_never_lost(tmp_path: Path) -> None:
    rows = [
        BUDGET,
        ["1 - Santé", "Brest", "Soins", 500],
        [None, None, None, None],
        ["Reste à répartir", None, None, 800],
    ]
    imported = read(sheet(tmp_path, "l.xlsx", ("L", rows)))
    assert places_of(imported, "ligne-non-placee") == [("L", "A4")]
    assert len(imported.contract.lines) == 4


def test_funders_listed_in_one_cell_with_boxes_or_without(tmp_path: Path) -> None:
    rows = [
        ["Convention", "Fiche n°", "Objectif", "Action", "Partenaires financiers"],
        ["1 - Santé", "I-1.1./1", "Soigner", "Ouvrir", "☑ Etat ☐ Conseil Régional ☒ CCI"],
        ["1 - Santé", "I-1.1./2", "Guérir", "Fermer", "Conseil Régional ; Etat"],
    ]
    contract = read(sheet(tmp_path, "f.xlsx", ("Actions", rows))).contract
    assert [row["nom"] for row in table(contract, "financeurs")] == ["Etat", "Conseil Régional", "CCI"]
    assert [row["financement_id"] for row in table(contract, "financements")] == [
        "I-1.1./1:etat", "I-1.1./1:cci", "I-1.1./2:conseil-regional", "I-1.1./2:etat",
    ]  # fmt: skip


def test_a_workbook_with_macros_is_read_like_another(tmp_path: Path) -> None:
    path = sheet(tmp_path, "l.xlsx", ("L", [BUDGET, ["1 - Santé", "Brest", "Soins", 5]]))
    macro = path.rename(tmp_path / "l.xlsm")
    kind = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
    with_macros = b"application/vnd.ms-excel.sheet.macroEnabled.main+xml"
    stream = io.BytesIO()
    with zipfile.ZipFile(macro) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(kind, with_macros))
    macro.write_bytes(stream.getvalue())
    assert lines(read(macro)) == [(1, "brest", "Soins", 2013, 500)]


def test_the_towns_of_a_document_are_those_that_staff_say(tmp_path: Path) -> None:
    path = written(tmp_path, "contrat.txt", TEXT)
    asked = [match.text for match in read(path).correspondence.matches.values() if match.topic is Topic.COLLECTIVITES]
    assert asked == ["Brest", "Guipavas", "Brest métropole"]
    choices = {
        (Topic.COLLECTIVITES, "", "guipavas"): "Brest",
        (Topic.COLLECTIVITES, "", "brest metropole"): "Métropole",
    }
    contract = read(path, choices=choices).contract
    assert [row["nom"] for row in table(contract, "collectivites")] == ["Brest", "Métropole"]
    assert len(contract.tables["lignes_budgetaires"]) == len(truth(TEXT).tables["lignes_budgetaires"])


def test_a_name_is_added_in_the_template_and_its_mistakes_are_all_said(tmp_path: Path) -> None:
    text = (ROOT / "templates" / IMPORT_FILE).read_text(encoding="utf-8")
    own = written(
        tmp_path, IMPORT_FILE, text.replace('libelle = ["libelle"', 'libelle = ["bidule", "libelle"').encode()
    )
    rows = [["Convention", "Commune", "Bidule", "Réalisé 2013"], ["1", "Brest", "Soins", 500]]
    path = sheet(tmp_path, "l.xlsx", ("L", rows))
    unknown = read(path)
    assert unknown.contract.tables["lignes_budgetaires"] == []
    assert [(question.group, question.text, question.blocks) for question in unknown.correspondence.open] == [
        ("Feuille", "L", True)
    ]
    named = read_files([path], load_import_words(own), {})
    assert lines(named) == [(1, "brest", "Soins", 2013, 50_000)]
    own.write_text(text.replace("[titres]", "[titre]").replace("exige =", "demande ="), encoding="utf-8")
    with pytest.raises(TabellionError) as caught:
        load_import_words(own)
    assert {finding.code for finding in caught.value.findings} == {"mise-en-page-fausse"}
    assert len(caught.value.findings) > 1
