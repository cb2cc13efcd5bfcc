"""The consolidated workbook: its figures are those of the tables, its links open cells, hostile texts stay texts."""

from __future__ import annotations

import hashlib
import io
import re
import subprocess
import sys
from collections import defaultdict
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import openpyxl  # type: ignore[import-untyped]
import pytest

from support.consolidations import HOSTILE_FILE, HOSTILE_SHEET, HOSTILE_TEXTS, finding_at, large, rich, small
from support.contracts import ROOT, small_rows
from support.libreoffice import LibreOffice
from support.masters import MAIN, OFFICE, RELATIONS, Package, contract_of, position
from support.recalculated import differences, errors
from tabellion.campaign.model import Consolidation, MergeOutcome
from tabellion.findings import Place
from tabellion.layout.names import CHOICES, IDENTITY, decision_cell, escape_label
from tabellion.measures.board import UNASKED, ReturnStatus
from tabellion.measures.overview import Overview
from tabellion.outputs.consolidation import KIND_CONSOLIDATION, write_consolidation
from tabellion.schema import SETTING_TABLES
from tabellion.xlsx import lists as lists_module
from tabellion.xlsx.lists import file_link

BUILDERS = {"riche": rich, "petite": small}
every = pytest.mark.parametrize("name", BUILDERS)
FIRST = ["Synthèse", "Suivi des retours", "À décider", "Modifications", "Contrôles", "Crédits"]


@cache
def written(name: str) -> bytes:
    return write_consolidation(BUILDERS[name]())


def package(name: str) -> Package:
    return Package(written(name))


def rows_of(book: Package, table: str) -> list[dict[str, Any]]:
    """The rows of an Excel table, by its headers."""
    part = book.tables[table]
    top, left, bottom, _ = part.area
    cells = book.cells[part.sheet]
    return [
        {label: cells.get((row, left + place), (None, None))[0] for place, label in enumerate(part.columns)}
        for row in range(top + 1, bottom + 1)
    ]


def links_of(book: Package, sheet: str) -> dict[tuple[int, int], tuple[str, str]]:
    """The links that leave the file, by cell: the path as a client reads it, and the cell in it."""
    part = book.sheet_parts[sheet]
    folder, _, name = part.rpartition("/")
    relations = f"{folder}/_rels/{name}.rels"
    targets = {}
    if relations in book.parts:
        for element in book.xml(relations).iter(f"{RELATIONS}Relationship"):
            if element.attrib.get("TargetMode") == "External":
                targets[element.attrib["Id"]] = element.attrib["Target"]
    return {
        position(element.attrib["ref"]): (
            unquote(targets[element.attrib[f"{OFFICE}id"]]),
            element.attrib.get("location", ""),
        )
        for element in book.sheets[sheet].iter(f"{MAIN}hyperlink")
        if f"{OFFICE}id" in element.attrib
    }


# What it is


@every
def test_the_same_consolidation_gives_the_same_bytes(name: str) -> None:
    assert write_consolidation(BUILDERS[name]()) == written(name)


def test_another_process_with_another_hash_seed_gives_the_same_bytes() -> None:
    program = (
        "import hashlib, sys; from support.consolidations import rich;"
        "from tabellion.outputs.consolidation import write_consolidation;"
        "sys.stdout.write(hashlib.sha256(write_consolidation(rich())).hexdigest())"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONHASHSEED": "7", "PYTHONPATH": f"{ROOT / 'scripts'}:{ROOT / 'tests'}", "TZ": "Pacific/Auckland"},
        capture_output=True, text=True, check=True, timeout=120,
    ).stdout  # fmt: skip
    assert answer == hashlib.sha256(written("riche")).hexdigest()


@every
def test_sheets_come_in_order_and_only_tables_with_rows_have_one(name: str) -> None:
    contract = BUILDERS[name]().contract
    shown = [key for key in contract.schemas if key not in SETTING_TABLES and len(contract.tables[key])]
    titles = [contract.schemas[key].title for key in shown]
    years = [sheet for sheet in package(name).sheets if sheet == "Années"]
    assert list(package(name).sheets) == [*FIRST, *years, *titles, CHOICES, IDENTITY]


@every
def test_it_says_what_it_is_in_a_very_hidden_sheet(name: str) -> None:
    book = package(name)
    states = {element.attrib["name"]: element.attrib.get("state") for element in book.workbook.iter(f"{MAIN}sheet")}
    assert states[IDENTITY] == "veryHidden"
    cells = book.cells[IDENTITY]
    assert (cells[1, 0][0], cells[1, 1][0]) == ("genre", KIND_CONSOLIDATION)


@every
def test_every_visible_sheet_has_headers_that_stay_and_prints_across(name: str) -> None:
    book = package(name)
    for sheet, root in book.sheets.items():
        if sheet in (CHOICES, IDENTITY):
            continue
        setup, pane = root.find(f"{MAIN}pageSetup"), root.find(f"{MAIN}sheetViews/{MAIN}sheetView/{MAIN}pane")
        assert setup is not None
        assert setup.attrib["orientation"] == "landscape", sheet
        assert pane is not None
        assert pane.attrib["state"] == "frozen", sheet
    assert not any(b"mergeCell" in part for part in book.parts.values())


@every
def test_excel_tables_are_sound(name: str) -> None:
    book = package(name)
    names = [*book.tables, *book.names]
    assert len({name.casefold() for name in names}) == len(names)
    for table in book.tables.values():
        top, left, bottom, right = table.area
        headers = [book.cells[table.sheet][top, column][0] for column in range(left, right + 1)]
        assert headers == list(table.columns), table.name
        assert len({column.casefold() for column in table.columns}) == len(headers), table.name
        assert bottom > top


@every
def test_formulas_name_tables_and_columns_that_exist_and_carry_their_value(name: str) -> None:
    book = package(name)
    columns = {table.name: {escape_label(label) for label in table.columns} for table in book.tables.values()}
    seen = 0
    for sheet, cells in book.cells.items():
        for place, (value, formula) in cells.items():
            if formula is None:
                continue
            seen += 1
            assert value is not None, (sheet, place, formula)
            assert len(formula) <= 8192
            for table, inside in re.findall(r"([A-Za-z_]\w*)(\[(?:[^\[\]']|'.|\[(?:[^\[\]']|'.)*\])*\])", formula):
                label = inside[1:-1].removeprefix("[#This Row],")
                label = label[1:-1] if label.startswith("[") else label
                assert label in columns[table], formula
    assert seen > 20


@pytest.mark.libreoffice
@every
def test_computed_values_are_those_in_the_file(name: str, office: LibreOffice, tmp_path: Path) -> None:
    path = tmp_path / "consolidation.xlsx"
    path.write_bytes(written(name))
    office.open(path)
    office.recalculate()
    cells = office.read()
    assert differences(package(name), cells) == []
    assert errors(cells) == []


@pytest.mark.libreoffice
def test_choosing_another_exercice_and_amount_shows_their_sums(office: LibreOffice, tmp_path: Path) -> None:
    path = tmp_path / "consolidation.xlsx"
    path.write_bytes(written("riche"))
    book = package("riche")
    office.open(path)
    for name, value in (("Exercice_montre", 2013.0), ("Exercice_compare", 2016.0), ("Montant_compare", "prévu")):
        sheet, _, cell = book.names[name].rpartition("!")
        office.set(sheet.strip("'"), *position(cell), value)
    office.recalculate()
    cells = office.read()["Synthèse"]
    overview = Overview(rich().contract.tables)
    table = book.tables["Synthese_conventions"]
    labels = list(table.columns)
    rows = rich().contract.tables["lignes_budgetaires"].rows
    planned = {row["ligne_id"]: row["montant_prevu"] for row in rows if row["exercice"] == 2016}
    left_out = 0
    for rank, number in enumerate(overview.conventions, table.area[0] + 1):
        own = [row for row in rows if (row["exercice"], row["convention_id"]) == (2013, number)]
        spent = {row["ligne_id"]: row["montant_realise"] for row in own}
        both = [line for line in spent if None not in (spent[line], planned.get(line))]
        left_out += len(own) - len(both)
        now, other = (sum(known[line] for line in both) / 100 for known in (spent, planned))
        assert cells[rank, labels.index("Réalisé (€)")].value == pytest.approx(overview.of(2013, number).realise / 100)
        assert cells[rank, labels.index("Lignes comparées")].value == len(both)
        assert cells[rank, labels.index("Référence, mêmes lignes (€)")].value == pytest.approx(other)
        assert cells[rank, labels.index("Écart (€)")].value == pytest.approx(now - other, abs=0.001)
    assert left_out, "some lines of 2013 are not in 2016"


# Figures


def test_credits_are_those_added_up_from_the_lines() -> None:
    lines = rich().contract.tables["lignes_budgetaires"].rows
    names = rich().contract.town_labels
    sums: dict[Any, int] = {}
    for row in lines:
        cents = row["montant_realise"]
        year, convention, town = row["exercice"], row["convention_id"], names[row["collectivite_id"]]
        for key in ((year,), (year, convention), (year, convention, town), (year, town)):
            if cents is not None:
                sums[key] = sums.get(key, 0) + cents

    def euros(*key: Any) -> float | str:
        """The sum of a key, blank where nobody knows an amount of it."""
        return sums[key] / 100 if key in sums else ""

    answered = {row["ligne_id"] for row in lines if row["exercice"] == 2016 and row["montant_realise"] is not None}
    reference: dict[int, float] = {}
    for row in lines:
        if row["exercice"] == 2013 and row["ligne_id"] in answered and row["montant_realise"] is not None:
            reference[row["convention_id"]] = reference.get(row["convention_id"], 0) + row["montant_realise"] / 100
    book = package("riche")
    for row in rows_of(book, "Synthese_exercices"):
        assert row["Réalisé (€)"] == euros(row["Exercice"])
    for row in rows_of(book, "Synthese_conventions"):
        assert row["Réalisé (€)"] == euros(2016, row["N°"])
        assert row["Référence, mêmes lignes (€)"] == reference.get(row["N°"], "")
    for row in rows_of(book, "Synthese_croisee"):
        assert {town: row[town] for town in names.values()} == {
            town: euros(2016, row["N°"], town) for town in names.values()
        }
    detail = rows_of(book, "Detail_credits")
    for row in detail:
        assert row["Réalisé (€)"] == euros(row["Exercice"], row["N°"], row["Collectivité"])
    assert sum(round((row["Réalisé (€)"] or 0) * 100) for row in detail) == sums[(2013,)] + sums[(2016,)]


def test_funders_and_fiches_are_all_counted() -> None:
    tables = rich().contract.tables
    funders = rows_of(package("riche"), "Synthese_financeurs")
    assert sum(row["Financements"] for row in funders) == len(tables["financements"])
    amounts = [cents for cents in tables["financements"].column("montant") if cents is not None]
    assert sum(row["Dont chiffrés"] for row in funders) == len(amounts)
    assert sum(round((row["Montants (€)"] or 0) * 100) for row in funders) == sum(amounts)
    progress = rows_of(package("riche"), "Synthese_avancement")
    assert sum(row["Fiches"] for row in progress) == len(tables["fiches"])
    said_of = len(set(tables["suivis"].column("fiche_id")))
    assert sum(row["Sans bilan"] for row in progress) == len(tables["fiches"]) - said_of


def test_the_board_has_every_partner_with_its_state_in_words() -> None:
    board = rows_of(package("riche"), "Suivi_retours")
    assert len(board) == len(rich().board)
    by_name = {(row["Partenaire"], row["Exercice"]): row for row in board}
    assert by_name["Lucé", 2016]["État"] == "✓ accepté"
    assert by_name["Lucé", 2016]["Délai"] == "reçu après"  # saved on 1 December, for 30 November
    assert by_name["Mainvilliers", 2016]["En vigueur"] == "mainvilliers 2016.xlsx"
    assert by_name["Mainvilliers", 2016]["Erreurs"] == 1
    assert len({row["État"] for row in board}) == len(ReturnStatus)
    losing = rows_of(package("riche"), "Fichiers_ecartes")
    assert {"luce.xlsx", "Copie de luce (1).xlsx", "notes.docx", "vide.xlsx"} <= {row["Fichier"] for row in losing}
    campaign = {row["Exercice"]: row for row in rows_of(package("riche"), "Synthese_campagne")}
    assert campaign[2016]["Sollicités"] == sum(
        line.exercice == 2016 and line.status not in UNASKED for line in rich().board
    )


def test_each_modification_says_before_after_and_difference() -> None:
    changes, rows = rich().modifications, rows_of(package("riche"), "Modifications")
    assert len(rows) == len(changes)
    assert {row["Suite donnée"] for row in rows} == {
        outcome.value for outcome in {*MergeOutcome} - {MergeOutcome.REMOVED}
    }
    for change, row in zip(changes, rows, strict=True):
        if change.champ.startswith("montant_"):
            assert row["Après"] == (None if change.after is None else change.after / 100)
            if change.before is not None and change.after is not None:
                assert round(row["Différence (€)"] * 100) == change.after - change.before
        if change.champ == "date_bilan":
            assert row["Avant"] == (change.before - date(1899, 12, 30)).days


def test_each_question_has_a_row_with_what_each_says_and_what_may_be_chosen() -> None:
    consolidation, rows = rich(), rows_of(package("riche"), "Decisions")
    assert [row["N°"] for row in rows] == [1, 2, 3, 4, 5]
    assert [row["Décision"] for row in rows] == [None, None, None, None, "accepter Lucé"], "open ones first"
    words = rows[-1]["Ce que chacun dit"].replace("\u202f", " ").replace("\xa0", " ")
    assert words == "Contrat : 1 200,50 €\nLucé : 1 300 € (+99,50 €)"
    assert rows[-1]["Décidé par"] == "Anne Martin"
    assert rows[0]["État"] == f"✗ « {HOSTILE_TEXTS[1]} » : à choisir dans la liste"
    assert [row["Ligne"] for row in rows[2:4]] == ["Prévention <b>", "=1+1"]
    for question, row in zip(consolidation.questions, rows, strict=True):
        assert row["Question"] == question.id
        assert row["Ce que fait chaque choix"].count("\n") + 1 == row["Nombre de choix"] == len(question.choices)


def test_each_decision_has_the_choices_of_its_own_row_however_the_table_is_sorted() -> None:
    """The drop-down finds its list by hidden columns of its row."""
    consolidation, book = rich(), package("riche")
    (rule,) = book.sheets["À décider"].iter(f"{MAIN}dataValidation")
    table = book.tables["Decisions"]
    assert rule.attrib["sqref"] == f"I{table.area[0] + 2}:I{table.area[2] + 1}" == "I6:I10"
    assert decision_cell(0) == "I6"
    assert rule.findtext(f"{MAIN}formula1") == f"OFFSET('{CHOICES}'!$C$2,$O6,0,$P6,1)"
    listed = [book.cells[CHOICES][row, 2][0] for row in range(1, len(book.cells[CHOICES]) // 3)]
    for question, row in zip(consolidation.questions, rows_of(book, "Decisions"), strict=True):
        first = int(row["Premier choix"])
        assert listed[first : first + int(row["Nombre de choix"])] == [choice.label for choice in question.choices]
    hidden = [element for element in book.sheets["À décider"].iter(f"{MAIN}col") if element.attrib.get("hidden")]
    assert [(column.attrib["min"], column.attrib["max"]) for column in hidden] == [("13", "16")]


def test_findings_come_gravest_first() -> None:
    rows = rows_of(package("riche"), "Constats")
    assert len(rows) == len(rich().findings)
    blocking = [row["Bloquant"] == "bloquant" for row in rows]
    assert blocking == sorted(blocking, reverse=True)


def test_rows_of_the_tables_say_where_they_come_from() -> None:
    consolidation, book = rich(), package("riche")
    table = book.tables["Donnees_lignes_budgetaires"]
    rows = rows_of(book, table.name)
    assert len(rows) == len(consolidation.contract.tables["lignes_budgetaires"])
    targets = links_of(book, table.sheet)
    column = list(table.columns).index("Cellule")
    for rank, (row, place) in enumerate(zip(rows, consolidation.row_places["lignes_budgetaires"], strict=True)):
        assert (row["Feuille"], row["Cellule"]) == (place.feuille, place.cellule)
        path, cell = targets[table.area[0] + 1 + rank, column]
        assert path == f"../{place.fichier}"
        assert cell == f"'{(place.feuille or '').replace(chr(39), chr(39) * 2)}'!{place.cellule}"
    told = sum(map(len, consolidation.cells["lignes_budgetaires"]))
    assert sum(row["Cellules venues des retours"] or 0 for row in rows) == told > 0


def test_values_of_returns_look_different_without_their_colour(tmp_path: Path) -> None:
    path = tmp_path / "consolidation.xlsx"
    path.write_bytes(written("riche"))
    consolidation = rich()
    sheet = openpyxl.load_workbook(path)["Lignes budgétaires"]
    columns = {cell.value: cell.column for cell in sheet[5]}
    titles = {field_.name: field_.title for field_ in consolidation.contract.schemas["lignes_budgetaires"].fields}
    for rank in range(len(consolidation.contract.tables["lignes_budgetaires"])):
        for name, title in titles.items():
            bold = sheet.cell(6 + rank, columns[title]).font.bold
            assert bold == (name in consolidation.cells["lignes_budgetaires"][rank])


# Links, hostile texts, limits


def test_links_open_the_cell_whatever_the_names_hold() -> None:
    targets = links_of(package("riche"), "Contrôles").values()
    quoted = HOSTILE_SHEET.replace("'", "''")
    assert (f"../{HOSTILE_FILE}", f"'{quoted}'!D12") in targets
    link = file_link(Place("retours/100%25 #1?.xlsx", "A", "B2"))
    assert link is not None
    assert link.target == "../retours/100%2525%20%231%3F.xlsx"
    latin = file_link(Place("retours/\udce9\ud800.xlsx"))
    assert latin is not None
    assert latin.target == "../retours/%E9%3F.xlsx"


@pytest.mark.parametrize("fichier", [None, "", "/etc/passwd", "C:/a.xlsx", "../a.xlsx", "a/../../b.xlsx", "x" * 2100])
def test_what_is_not_a_file_of_the_workspace_has_no_link(fichier: str | None) -> None:
    assert file_link(Place(fichier, "A", "B2")) is None


def test_every_link_leads_into_the_folder_of_the_workbooks() -> None:
    book = package("riche")
    for sheet in book.sheets:
        for path, _ in links_of(book, sheet).values():
            assert path.startswith(
                ("../retours/", "../envois/", "../constats/", "../contrat.xlsx", "../consolidation/")
            )
        for element in book.sheets[sheet].iter(f"{MAIN}hyperlink"):
            if f"{OFFICE}id" not in element.attrib:
                target, _, cell = element.attrib["location"].rpartition("!")
                assert target.strip("'") in book.sheets
                position(cell)


@pytest.mark.libreoffice
def test_libreoffice_reads_the_links(office: LibreOffice, tmp_path: Path) -> None:
    """Saved again by LibreOffice, the links still lead to the same files and cells."""
    folder = tmp_path / "workbooks" / "consolidation"
    folder.mkdir(parents=True)
    path = folder / "consolidation.xlsx"
    path.write_bytes(written("riche"))
    office.open(path)
    again = Package(office.save(folder / "autre.xlsx").read_bytes())
    paths = {path.removeprefix("file://") for path, _ in links_of(again, "Contrôles").values()}
    assert any(path.endswith(HOSTILE_FILE) for path in paths), paths


def test_hostile_texts_stay_texts() -> None:
    book = package("riche")
    texts = {value for cells in book.cells.values() for value, formula in cells.values() if formula is None}
    assert {*HOSTILE_TEXTS[:3]} <= texts
    formulas = [formula for cells in book.cells.values() for _, formula in cells.values() if formula]
    assert not any("HYPERLINK" in formula or formula == "1+1" for formula in formulas)


def test_a_text_too_long_for_a_cell_is_cut_and_says_so() -> None:
    one = finding_at("valeur-comprise", Place("retours/a.xlsx"), "é" * 40_000 + "😀\ud800")
    book = Package(write_consolidation(replace(small(), findings=(one,))))
    text = rows_of(book, "Constats")[0]["Ce qui a été trouvé"]
    assert len(text) <= 32_767
    assert "texte coupé" in text


def test_beyond_the_limit_of_links_the_words_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tabellion.xlsx.lists.MOST_LINKS", 10)
    book = Package(write_consolidation(rich()))
    assert len(links_of(book, "Modifications")) <= 10
    assert all(row["Cellule"] for row in rows_of(book, "Modifications"))
    assert lists_module.MOST_LINKS < 65_530


@pytest.mark.parametrize("label", ["a*b?c~d", "=1+1", ">0", '"', "x" * 300])
def test_names_of_towns_that_formulas_would_misread(label: str, office: LibreOffice, tmp_path: Path) -> None:
    rows = small_rows()
    rows["collectivites"][0]["nom"] = label
    contract = contract_of(rows)
    made: Consolidation = replace(small(), contract=contract, master=contract)
    path = tmp_path / "consolidation.xlsx"
    path.write_bytes(write_consolidation(made))
    office.open(path)
    office.recalculate()
    assert differences(Package(path.read_bytes()), office.read()) == []


@cache
def long() -> tuple[Consolidation, Package]:
    """A consolidation whose lists are long: 8,000 lines, as many sums of credits, 4,000 changes."""
    consolidation = large(20, 8000, 4000)
    return consolidation, Package(write_consolidation(consolidation))


def test_a_contract_of_two_hundred_towns_has_a_matrix_that_can_be_read() -> None:
    _, book = long()
    row = rows_of(book, "Synthese_croisee")[0]
    assert len(row) <= 14
    assert "Autres (191)" in row
    assert len(rows_of(book, "Detail_credits")) == 8000


def test_a_long_list_of_credits_has_the_sums_of_the_lines() -> None:
    consolidation, book = long()
    sums: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    towns = {row["collectivite_id"]: row["nom"] for row in consolidation.contract.tables["collectivites"].rows}
    for row in consolidation.contract.tables["lignes_budgetaires"].rows:
        total = sums[row["exercice"], row["convention_id"], towns[row["collectivite_id"]]]
        for place, field in enumerate(("montant_prevu", "montant_vote", "montant_realise")):
            total[place] += row[field] or 0
        total[3] += 1
    shown = rows_of(book, "Detail_credits")
    assert len(shown) == len(sums)
    for row in shown:
        cents = [round((row[label] or 0) * 100) for label in ("Prévu (€)", "Voté (€)", "Réalisé (€)")]
        assert [*cents, row["Lignes"]] == sums[row["Exercice"], row["N°"], row["Collectivité"]]


def test_long_lists_of_changes_and_of_lines_say_each_one_and_open_its_cell() -> None:
    consolidation, book = long()
    changes = rows_of(book, "Modifications")
    links = links_of(book, "Modifications")
    assert len(changes) == len(consolidation.modifications) == 4000
    top, _, _, _ = book.tables["Modifications"].area
    column = list(changes[0]).index("Cellule")
    (first,) = openpyxl.load_workbook(io.BytesIO(book.content), read_only=True)["Modifications"].iter_rows(
        min_row=top + 2, max_row=top + 2
    )
    assert not first[1].alignment.wrap_text  # rows of thousands take one line each
    for number, (row, change) in enumerate(zip(changes, consolidation.modifications, strict=True), top + 1):
        assert (round(row["Avant"] * 100), round(row["Après"] * 100)) == (change.before, change.after)
        assert round(row["Différence (€)"] * 100) == change.after - change.before
        assert f"../{change.place.fichier}".endswith(f"/{row['Fichier']}")
        assert row["Cellule"] == change.place.cellule
        assert links[number, column] == (
            f"../{change.place.fichier}",
            f"'{change.place.feuille}'!{change.place.cellule}",
        )
    told = consolidation.cells["lignes_budgetaires"]
    lines = consolidation.contract.tables["lignes_budgetaires"].rows
    shown = rows_of(book, "Donnees_lignes_budgetaires")
    assert len(shown) == len(lines)
    for rank, (row, line) in enumerate(zip(shown, lines, strict=True)):
        assert (row["Libellé"], row["Exercice"]) == (line["libelle"], line["exercice"])
        assert round((row["Montant réalisé (€)"] or 0) * 100) == (line["montant_realise"] or 0)
        assert (row["Cellules venues des retours"] or 0) == len(told[rank])
