"""What staff set on the sheet « Réglages » counts everywhere; the file has the first values; a slip costs its cell."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from support.campaign import campaign_workspace, fill
from support.excel import Excel, edited
from support.program import tabellion
from tabellion.campaign.journal import open_journal
from tabellion.commands.consolidate import ConsolidationRun, consolidate
from tabellion.commands.export import export
from tabellion.commands.forms import forms
from tabellion.commands.generate import generate
from tabellion.commands.inputs import load_inputs
from tabellion.commands.relances import relances
from tabellion.commands.source import Depuis, Source, load_source
from tabellion.commands.validate import validate
from tabellion.contract.book import NO_THEME, Book
from tabellion.contract.folders import JOURNAL
from tabellion.contract.register import load_register, register_settings
from tabellion.contract.settings import STAFF_SETTINGS, settings_of, settle
from tabellion.contract.settings_file import read_settings
from tabellion.contract.workspace import find_workspace
from tabellion.findings import Severity
from tabellion.schema import SETTING_TABLES
from tabellion.schema.tables import make_tables

SAVED, NIGHT = datetime(2016, 11, 14, 9), datetime(2017, 12, 5, 2)
SETTINGS, DATES = "Reglages", "Dates_limites"
VALUE, NAME, KEY = "Valeur", "Réglage", "Identifiant du réglage"


@pytest.fixture
def root(sent: Path, tmp_path: Path) -> Path:
    """A small contract whose workbook is made and whose forms of 2016 are sent."""
    return Path(shutil.copytree(sent, tmp_path / "contrat"))


@pytest.fixture
def new(tmp_path: Path) -> Path:
    """The same contract, of which only the workbook was made."""
    folder = campaign_workspace(tmp_path / "contrat", contract="cas")
    generate(find_workspace(folder), None, force=False, now=SAVED)
    return folder


def contrat(root: Path) -> Path:
    return root / "workbooks" / "contrat.xlsx"


def edit(root: Path, change: Callable[[Excel], Any]) -> None:
    edited(contrat(root), change, saved=SAVED)


def set_values(root: Path, **values: Any) -> None:
    """Type the values of settings, by their identifiers."""

    def change(book: Excel) -> None:
        for identifier, value in values.items():
            book.type(SETTINGS, book.find(SETTINGS, **{KEY: identifier}), **{VALUE: value})

    edit(root, change)


def loaded(root: Path) -> Source:
    return load_source(find_workspace(root))


def night(root: Path) -> ConsolidationRun:
    return consolidate(find_workspace(root), NIGHT)


def codes_by_cell(source: Source) -> dict[str, str | None]:
    """What was said of the sheet Réglages: the code at each cell."""
    return {
        finding.place.cellule or "": finding.code
        for finding in source.findings
        if finding.place.feuille == "Réglages"
    }  # fmt: skip


def cell(root: Path, identifier: str) -> str:
    book = Excel(openpyxl.load_workbook(contrat(root)))
    return f"B{book.find(SETTINGS, **{KEY: identifier})}"


# What is set in Excel counts everywhere


def test_a_new_contract_has_the_first_values_of_its_file_of_settings(new: Path) -> None:
    settings = read_settings(new / "tabellion.toml")
    assert not any((new / "workbooks" / "registre" / f"{name}.csv").exists() for name in SETTING_TABLES)
    assert loaded(new).book.settings == settings == register_settings(find_workspace(new))
    book = Excel(openpyxl.load_workbook(contrat(new)))
    shown = {book.get(SETTINGS, row, KEY): book.get(SETTINGS, row, VALUE) for row in book.rows(SETTINGS)}
    assert list(shown) == [setting.identifier for setting in STAFF_SETTINGS]
    assert shown["titre"] == "Contrat de ville d'essai"
    assert (shown["debut"], shown["fin"], shown["exercice_courant"], shown["exercice"]) == (2015, 2020, 2016, 2013)
    assert (shown["demandes"], shown["partenaires"], shown["contact_nom"]) == ("oui", "non", None)
    dates = {book.get(DATES, row, "Exercice"): book.get(DATES, row, "Date limite") for row in book.rows(DATES)}
    assert dates == {
        2015: None, 2016: datetime(2016, 11, 30), 2017: None, 2018: None, 2019: None, 2020: None
    }  # fmt: skip


def test_the_sheet_comes_after_the_front_page_and_is_linked_from_it(root: Path) -> None:
    book = openpyxl.load_workbook(contrat(root))
    assert book.sheetnames[:3] == ["Accueil", "Réglages", "Synthèse"]
    assert book["Réglages"].column_dimensions["D"].hidden
    assert "Réglages" in [page_cell.value for row in book["Accueil"].iter_rows() for page_cell in row]


def test_everything_speaks_of_the_exercice_that_staff_chose(root: Path) -> None:
    def change(book: Excel) -> None:
        book.type(SETTINGS, book.find(SETTINGS, **{KEY: "exercice_courant"}), **{VALUE: 2017})
        book.type(DATES, book.find(DATES, Exercice=2017), **{"Date limite": "30/11/2017"})

    edit(root, change)
    source = loaded(root)
    assert source.book.settings.exercice_courant == 2017
    assert source.book.settings.dates_limites == {2016: date(2016, 11, 30), 2017: date(2017, 11, 30)}
    workspace = find_workspace(root)
    made = forms(workspace, None, ["luce"], force=False, now=SAVED, tell=lambda _: None)
    assert [form.path.name for form in made] == ["luce-2017.xlsx"]
    run = night(root)
    (line,) = [line for line in run.consolidation.board if (line.partenaire, line.exercice) == ("luce", 2017)]
    assert (line.due, line.status.name) == (date(2017, 11, 30), "LATE")
    assert run.consolidation.contract.settings.exercice_courant == 2017
    report = (root / "workbooks" / "consolidation" / "rapport.html").read_text(encoding="utf-8")
    assert "2017" in report.partition("</title>")[2].partition("<table")[0]
    assert "tabellion 2017 :" in tabellion("consolidate", cwd=root).out
    reminders = relances(workspace, run.consolidation, None, [], force=False, now=NIGHT)
    assert reminders.exercice == 2017
    text = (reminders.folder / "luce.txt").read_text(encoding="utf-8")
    assert "30 novembre 2017" in text.replace("\u00a0", " ")
    # The register has it from this run on, and with it what needs no whole contract.
    assert register_settings(workspace).exercice_courant == 2017
    old = root / "workbooks" / "envois" / "2016" / "luce-2016.xlsx"
    back = fill(old, root / "workbooks" / "retours" / "luce.xlsx", saved=SAVED)
    assert "formulaire-d-un-autre-exercice" in [finding.code for finding in validate(workspace, [back.path])]


def test_a_setting_changed_is_listed_as_staff_s_own(root: Path) -> None:
    set_values(root, titre="Contrat de ville renommé", fin=2022)
    run = night(root)
    changes = {
        (change.table, change.key, change.champ): (change.before, change.after, change.place and change.place.cellule)
        for change in run.consolidation.staff
    }
    assert changes["reglages", ("titre",), "valeur"] == (
        "Contrat de ville d'essai", "Contrat de ville renommé", cell(root, "titre")
    )  # fmt: skip
    assert changes["reglages", ("fin",), "valeur"] == ("2020", "2022", cell(root, "fin"))
    assert set(changes) == {("reglages", (name,), "valeur") for name in ("titre", "fin")}
    assert {change.author for change in run.consolidation.staff if change.table == "reglages"} == {"Anne"}
    assert '"title": "Contrat de ville renommé"' in (
        root / "workbooks" / "registre" / "datapackage.json"
    ).read_text(encoding="utf-8")  # fmt: skip


def test_what_the_file_of_settings_says_later_is_not_heard_over_the_sheet(new: Path) -> None:
    path = new / "tabellion.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("exercice_courant = 2016", "exercice_courant = 2018"), encoding="utf-8")
    assert register_settings(find_workspace(new)).exercice_courant == 2018  # nothing but the file says it yet
    assert loaded(new).book.settings.exercice_courant == 2016  # the sheet does
    night(new)
    assert register_settings(find_workspace(new)).exercice_courant == 2016


def test_who_is_told_is_set_in_excel_and_the_server_in_the_file(root: Path) -> None:
    with (root / "tabellion.toml").open("a", encoding="utf-8") as file:
        file.write('\n[courriel]\nserveur = "smtp.agglo.fr"\nexpediteur = "t@agglo.fr"\nequipe = ["e@a.fr"]\n')
    set_values(root, equipe="a@agglo.fr; b@agglo.fr, a@agglo.fr", partenaires="x")
    mail = loaded(root).book.settings.courriel
    assert mail is not None
    assert (mail.serveur, mail.equipe, mail.partenaires) == ("smtp.agglo.fr", ("a@agglo.fr", "b@agglo.fr"), True)


def test_partners_see_whom_to_ask_and_where_to_send_their_form_back(root: Path) -> None:
    before = openpyxl.load_workbook(root / "workbooks" / "envois" / "2016" / "luce-2016.xlsx")
    set_values(
        root, contact_nom="Mission ville", contact_courriel="ville@agglo.fr", contact_telephone="02 37 00 00 00",
        adresse_retour="retours@agglo.fr",
    )  # fmt: skip
    (form,) = forms(find_workspace(root), 2016, ["luce"], force=True, now=SAVED, tell=lambda _: None)
    contact = "Mission ville   ·   ville@agglo.fr   ·   02 37 00 00 00"
    first = openpyxl.load_workbook(form.path).worksheets[0]
    guide = {row[0].value: row[1].value for row in first.iter_rows(max_col=2)}
    assert (guide["À renvoyer à"], guide["Contact"]) == ("retours@agglo.fr", contact)
    assert {"À renvoyer à", "Contact"}.isdisjoint({row[0].value for row in before.worksheets[0].iter_rows(max_col=1)})
    run = night(root)
    reminders = relances(find_workspace(root), run.consolidation, None, ["luce"], force=False, now=NIGHT)
    text = (reminders.folder / "luce.txt").read_text(encoding="utf-8").replace("\u00a0", " ")
    assert "nous le renvoyer dès que possible, à retours@agglo.fr ?" in text
    assert "pour toute question : ville@agglo.fr, 02 37 00 00 00." in text
    assert text.endswith("Bien cordialement,\nMission ville\n")


# A slip costs its cell


WRONG = {
    "debut": "deux mille",
    "fin": 2014,
    "exercice_courant": 2031,
    "exercice": None,
    "titre": "   ",
    "demandes": "peut-être",
    "contact_courriel": "ville(at)agglo.fr",
    "adresse_retour": "sur le bureau",
    "equipe": "a@agglo.fr ; Paul",
    "arrondi_euros": -1,
}


def test_each_wrong_value_is_said_at_its_cell_and_keeps_the_one_before(root: Path) -> None:
    before = loaded(root).book.settings
    set_values(root, **WRONG, contact_nom="Mission ville")
    source = loaded(root)
    assert codes_by_cell(source) == {cell(root, identifier): "reglage-mal-rempli" for identifier in WRONG}
    assert not any(finding.bloquant for finding in source.findings)
    assert source.is_workbook
    assert source.book.settings.contact_nom == "Mission ville"
    assert all(getattr(source.book.settings, name) == getattr(before, name) for name in WRONG if name != "equipe")
    by_cell = {finding.place.cellule: finding for finding in source.findings}
    assert by_cell[cell(root, "fin")].attendu == "une année à partir de 2015"
    assert by_cell[cell(root, "exercice_courant")].attendu == "une année de 2015 à 2020"
    # What stays is what the register then says, and what the next workbook shows.
    night(root)
    kept = register_settings(find_workspace(root))
    assert (kept.fin, kept.exercice_courant, kept.contact_nom) == (2020, 2016, "Mission ville")


def test_a_date_in_the_place_of_a_year_is_said_at_its_cell(root: Path) -> None:
    set_values(root, exercice_courant=datetime(2017, 1, 1), titre=datetime(2017, 1, 1))
    source = loaded(root)
    assert codes_by_cell(source) == {
        cell(root, identifier): "date-au-lieu-de-texte" for identifier in ("exercice_courant", "titre")
    }
    assert source.book.settings.exercice_courant == 2016


def test_a_due_day_that_is_no_date_keeps_the_one_before(root: Path) -> None:
    edit(root, lambda book: book.type(DATES, book.find(DATES, Exercice=2016), **{"Date limite": "fin novembre"}))
    source = loaded(root)
    assert source.book.settings.dates_limites == {2016: date(2016, 11, 30)}
    assert list(codes_by_cell(source)) == ["G7"]


def test_a_due_day_cleared_is_no_due_day_and_a_new_exercice_may_have_one(root: Path) -> None:
    def change(book: Excel) -> None:
        book.type(DATES, book.find(DATES, Exercice=2016), **{"Date limite": None})
        book.add(DATES, Exercice=2021, **{"Date limite": datetime(2021, 11, 30)})

    edit(root, change)
    assert loaded(root).book.settings.dates_limites == {2021: date(2021, 11, 30)}
    night(root)
    assert register_settings(find_workspace(root)).dates_limites == {2021: date(2021, 11, 30)}


def test_settings_sorted_removed_and_without_identifiers_are_known_by_their_names(root: Path) -> None:
    def change(book: Excel) -> None:
        book.type(SETTINGS, book.find(SETTINGS, **{KEY: "exercice_courant"}), **{VALUE: 2018})
        rows = [[book.get(SETTINGS, row, label) for label in (NAME, VALUE)] for row in book.rows(SETTINGS)]
        kept = [pair for pair in sorted(rows) if pair[0] != "Titre du contrat"]
        for row in book.rows(SETTINGS):
            name, value = kept[row - 6] if row - 6 < len(kept) else (None, None)
            book.type(SETTINGS, row, **{NAME: name, VALUE: value, KEY: None, "À quoi il sert": None})

    edit(root, change)
    settings = loaded(root).book.settings
    assert (settings.exercice_courant, settings.titre, settings.fin) == (2018, "Contrat de ville d'essai", 2020)


def test_a_line_that_is_no_setting_is_said_and_costs_nothing(root: Path) -> None:
    edit(root, lambda book: book.add(SETTINGS, **{NAME: "Couleur", VALUE: "bleu"}))
    source = loaded(root)
    assert "reglage-non-reconnu" in codes_by_cell(source).values()
    assert source.book.settings == read_settings(root / "tabellion.toml")
    assert len(source.book.tables["reglages"]) == len(STAFF_SETTINGS)


def test_a_workbook_whose_sheet_was_deleted_keeps_the_last_settings(root: Path) -> None:
    set_values(root, exercice_courant=2017)
    night(root)
    edit(root, lambda book: book.book.remove(book.book["Réglages"]))
    source = loaded(root)
    assert source.is_workbook
    assert source.book.settings.exercice_courant == 2017
    assert not any(finding.bloquant for finding in source.findings)


# Contracts of before


def test_a_contract_without_the_tables_works_as_before(root: Path) -> None:
    workspace = find_workspace(root)
    settings = workspace.settings
    schemas = {name: schema for name, schema in workspace.schemas.items() if name not in SETTING_TABLES}
    tables = {name: table for name, table in loaded(root).book.tables.items() if name in schemas}
    assert settings_of(tables, settings) == settings
    book = Book(settings, type(workspace.schemas)(schemas), NO_THEME, tables)
    assert settle(book) is book


def test_a_workspace_without_their_schemas_has_those_of_the_starter(root: Path) -> None:
    for name in SETTING_TABLES:
        (root / "schemas" / f"{name}.json").unlink()
    workspace = find_workspace(root)
    assert list(workspace.schemas)[-2:] == list(SETTING_TABLES)
    assert loaded(root).book.settings.exercice_courant == 2016


def test_a_register_that_never_had_them_gives_the_rows_of_the_file(new: Path) -> None:
    workspace = find_workspace(new)
    register = load_register(workspace.registre, workspace.schemas, workspace.settings)
    assert register.findings == ()
    assert len(register.tables["reglages"]) == len(STAFF_SETTINGS)
    assert register.locate("reglages", 0, "valeur").cellule is None
    tables = make_tables(workspace.schemas, {})
    assert settle(Book(workspace.settings, workspace.schemas, NO_THEME, tables)).tables["reglages"].columns == (
        register.tables["reglages"].columns
    )


def test_a_wrong_value_in_the_register_is_said_at_its_line_and_never_blocks(root: Path) -> None:
    night(root)
    registre = root / "workbooks" / "registre"
    for name, old, new in (
        ("reglages", "Exercice courant,2016", "Exercice courant,zut"), ("exercices", "2016-11-30", "novembre")
    ):  # fmt: skip
        path = registre / f"{name}.csv"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")
    workspace = find_workspace(root)
    register = load_register(workspace.registre, workspace.schemas, workspace.settings)
    lines = {finding.place.ligne: finding for finding in register.findings}
    assert sorted(lines) == [3, 7]
    assert all(finding.gravite is Severity.ERREUR and not finding.bloquant for finding in register.findings)
    assert (register.settings.exercice_courant, register.settings.dates_limites) == (2016, {2016: date(2016, 11, 30)})


def test_settings_stay_in_the_house(root: Path) -> None:
    """Neither the open data, nor the consolidated workbook, nor the dictionary shows who is told of what."""
    set_values(root, contact_courriel="ville@agglo.fr")
    night(root)
    assert tabellion("export", cwd=root).code == 0
    exported = root / "workbooks" / "export" / "registre"
    assert not any((exported / f"{name}.csv").exists() for name in SETTING_TABLES)
    consolidated = openpyxl.load_workbook(root / "workbooks" / "consolidation" / "consolidation.xlsx")
    assert "Réglages" not in consolidated.sheetnames
    book = openpyxl.load_workbook(contrat(root))
    described = {page_cell.value for row in book["Dictionnaire"].iter_rows() for page_cell in row}
    assert "conventions.convention_id" in described
    assert "reglages.valeur" not in described


def test_the_journal_gives_the_settings_back(root: Path) -> None:
    set_values(root, exercice_courant=2017)
    workspace = find_workspace(root)
    with open_journal(workspace.memory / JOURNAL, NIGHT) as journal:
        first = load_inputs(workspace, NIGHT, journal).master
        again = load_inputs(workspace, NIGHT, journal).master
    assert again.settings == first.settings
    assert again.settings.exercice_courant == 2017


def test_a_value_changed_in_the_file_once_the_sheet_has_it_is_said(new: Path) -> None:
    def unheard() -> list[tuple[str, object]]:
        night(new)
        return [
            (finding.champ or "", finding.valeur)
            for finding in loaded(new).findings
            if finding.code == "reglage-sans-effet"
        ]

    file = new / "tabellion.toml"
    first = file.read_text(encoding="utf-8")
    title = read_settings(file).titre
    set_values(new, exercice_courant=2017)
    assert unheard() == [], "the file has the first values: the sheet may say others"
    file.write_text(first.replace(f'"{title}"', '"Un autre titre"'), encoding="utf-8")
    assert unheard() == [("", "Un autre titre")]
    assert loaded(new).book.settings.titre == title
    set_values(new, titre="Un autre titre")
    assert unheard() == []
    set_values(new, titre="Encore un autre")
    assert unheard() == [], "the sheet alone changed"
    file.write_text(first, encoding="utf-8")
    assert unheard() == [("", title)]


def test_open_data_name_the_publisher_and_the_licence_of_the_sheet_and_the_day_of_its_saving(new: Path) -> None:
    set_values(new, producteur="Ville d'essai", licence=" odbl-1.0")
    os.utime(contrat(new), (0, 0))  # a copy, or a clone, has another date
    export(find_workspace(new), None, Depuis.CONTRAT, force=False, now=NIGHT)
    package = json.loads((new / "workbooks/export/registre/datapackage.json").read_text(encoding="utf-8"))
    assert [licence["name"] for licence in package["licenses"]] == ["ODbL-1.0"]
    assert [contributor["title"] for contributor in package["contributors"]] == ["Ville d'essai"]
    assert package["created"] == f"{SAVED.date()}T00:00:00Z"
    set_values(new, licence="libre")
    assert codes_by_cell(loaded(new)) == {cell(new, "licence"): "reglage-mal-rempli"}
    assert loaded(new).book.settings.licence == "etalab-2.0"
