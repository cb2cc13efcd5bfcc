"""A name typed where a partner is referred to, and that nobody has: said, asked, and one choice settles it."""

from __future__ import annotations

import csv
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from support.campaign import retouch, table_cell
from support.excel import Excel, edited
from support.opened_books import Book, Row
from support.program import Outcome, tabellion
from tabellion.commands.consolidate import consolidate
from tabellion.contract.workspace import find_workspace
from tabellion.layout.names import DECISION, DECISIONS, DECISIONS_TABLE

TYPED = "Association Le Phare"
KEY = "association-le-phare"


class Team:
    """The coordinators of a small contract, in front of its workbooks."""

    def __init__(self, root: Path) -> None:
        self.root, self.books = root, root / "workbooks"
        self.contrat, self.workbook = self.books / "contrat.xlsx", self.books / "consolidation" / "consolidation.xlsx"
        self.day = 1

    def run(self, *arguments: str, code: int = 0) -> Outcome:
        outcome = tabellion(*arguments, cwd=self.root)
        assert outcome.code == code, outcome.out + outcome.err
        return outcome

    def consolidate(self) -> None:
        consolidate(find_workspace(self.root), datetime(2016, 12, self.day, 2))

    def edit(self, change: Any) -> None:
        self.day += 1
        edited(self.contrat, change, saved=datetime(2016, 11, self.day, 9), author="Luc")

    def choose(self, label: str | None, number: int = 1) -> None:
        self.day += 1
        cell = table_cell(self.workbook, DECISIONS_TABLE, DECISION, **{"N°": number})[1]
        saved = datetime(2016, 11, self.day, 10)
        retouch(self.workbook, self.workbook, {DECISIONS: {cell: label}}, saved=saved, author="Anne")

    def asked(self) -> list[Row]:
        return [row for row in Book(self.workbook).rows(DECISIONS_TABLE) if row["Question"]]

    def rows(self, table: str, folder: str = "registre") -> list[dict[str, str]]:
        with (self.books / folder / f"{table}.csv").open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))

    def cell(self, table: str, label: str, **where: Any) -> tuple[str, str]:
        """The sheet and the address of a cell of the contract."""
        book = Excel(load_workbook(self.contrat))
        sheet = book.sheet(table)
        return sheet.title, sheet.cell(book.find(table, **where), book.labels(table)[label]).coordinate

    def names(self) -> dict[str, str]:
        return {row["partenaire_id"]: row["nom"] for row in self.rows("partenaires")}

    def carriers(self) -> list[str]:
        """Who takes part in the fiche that the tests write about."""
        return [row["partenaire_id"] for row in self.rows("participations") if row["fiche_id"] == self.fiche]

    @property
    def fiche(self) -> str:
        return self.rows("fiches")[0]["fiche_id"]

    def findings(self) -> list[dict[str, Any]]:
        text = (self.books / "consolidation" / "constats.json").read_text(encoding="utf-8")
        constats: list[dict[str, Any]] = json.loads(text)["constats"]
        return constats

    def unknown_references(self) -> list[dict[str, Any]]:
        return [constat for constat in self.findings() if constat["code"] == "reference-inconnue"]


@pytest.fixture
def team(sent_copy: Path) -> Team:
    """A fiche has a porteur who is no partner, and a run was made."""
    team = Team(sent_copy)
    fiche = team.fiche
    team.edit(lambda book: book.add("Participations", Fiche=fiche, Partenaire=TYPED, Rôle="porteur"))
    team.consolidate()
    return team


def test_a_porteur_who_is_no_partner_is_said_and_asked(team: Team) -> None:
    (finding,) = team.unknown_references()
    assert (finding["feuille"], finding["valeur"], finding["bloquant"]) == ("Participations", TYPED, False)
    assert (finding["feuille"], finding["cellule"]) == team.cell("Participations", "Partenaire", Partenaire=TYPED)
    (row,) = team.asked()
    assert (row["Sujet"], row[DECISION]) == ("Nom inconnu", None)
    assert KEY not in team.names()
    assert KEY not in team.carriers()


def test_one_choice_makes_it_a_partner(team: Team) -> None:
    team.choose("ajouter aux partenaires")
    team.consolidate()
    assert team.names()[KEY] == TYPED
    assert KEY in team.carriers()
    assert team.unknown_references() == []
    (row,) = team.asked()
    assert (row[DECISION], row["Décidé par"]) == ("ajouter aux partenaires", "Anne")
    assert "par Anne" in team.run("historique", TYPED).out
    before = team.workbook.read_bytes()
    team.consolidate()
    assert team.workbook.read_bytes() == before, "a second run changes nothing"
    team.run("forms", "--exercice", "2016", "--partenaire", KEY)
    assert (team.books / "envois" / "2016" / f"{KEY}-2016.xlsx").exists()
    team.edit(lambda book: book.type("Partenaires", book.rows("Partenaires")[0], Courriel="a@exemple.fr"))
    team.consolidate()
    assert team.names()[KEY] == TYPED, "what the workbook lacks stays, whatever else is typed"
    team.run("adopt", "--oui")
    assert team.cell("Partenaires", "Courriel", Partenaire=TYPED), "the workbook has the row now"
    team.consolidate()
    assert (team.names()[KEY], KEY in team.carriers(), team.asked()) == (TYPED, True, [])


def test_another_choice_takes_the_partner_back(team: Team) -> None:
    team.choose("ajouter aux partenaires")
    team.consolidate()
    team.choose("laisser")
    team.consolidate()
    assert KEY not in team.names()
    assert KEY not in team.carriers()
    (row,) = team.asked()
    assert row[DECISION] == "laisser"
    team.choose(None)
    team.consolidate()
    assert len(team.unknown_references()) == 1
    team.choose("ajouter")
    team.consolidate()
    assert (team.names()[KEY], KEY in team.carriers()) == (TYPED, True)


def test_a_near_name_is_proposed_and_one_choice_says_who_it_is(sent_copy: Path) -> None:
    team = Team(sent_copy)
    fiche, taken = team.fiche, team.carriers()
    known = next(item for item in team.names().items() if item[0] not in taken)
    near = known[1] + "e"
    put = {"Fiche": fiche, "Partenaire": near, "Rôle": "porteur"}
    team.edit(lambda book: book.add("Participations", **put))
    team.consolidate()
    before = team.carriers()
    assert known[1] in str(team.unknown_references()[0]["suggestion"])
    (row,) = team.asked()
    assert row["Ce que chacun dit"] == f"Contrat : {near}"
    team.choose(f"c'est {known[1]}")
    team.consolidate()
    assert team.unknown_references() == []
    assert team.carriers() == [*before, known[0]]
    assert near not in team.names().values()
    team.edit(lambda book: book.type("Partenaires", book.rows("Partenaires")[0], Courriel="a@exemple.fr"))
    team.consolidate()
    assert team.carriers() == [*before, known[0]], "remembered by what was typed"


def test_names_in_the_text_of_a_fiche_are_asked_and_linked(sent_copy: Path) -> None:
    team = Team(sent_copy)
    fiche, taken = team.fiche, team.carriers()
    known = next(item for item in team.names().items() if item[0] not in taken)
    text = f"{TYPED}, {known[1]} et des habitants"
    team.edit(lambda book: book.type("Fiches_01", book.find("Fiches_01", Fiche=fiche), **{"Porteur(s)": text}))
    team.consolidate()
    assert [row["Ce que chacun dit"] for row in team.asked()] == [f"Contrat : {TYPED}", f"Contrat : {known[1]}"]
    (constat,) = [constat for constat in team.findings() if constat["code"] == "partenaire-en-texte"]
    assert (constat["feuille"], constat["cellule"]) == team.cell("Fiches_01", "Porteur(s)", Fiche=fiche)
    team.choose("ajouter aux partenaires")
    team.choose(f"c'est {known[1]}", 2)
    team.consolidate()
    assert team.names()[KEY] == TYPED
    assert team.carriers() == [*taken, KEY, known[0]]
    assert {row["role"] for row in team.rows("participations")[-2:]} == {"porteur"}
    assert "partenaire-en-texte" not in {constat["code"] for constat in team.findings()}
    before = team.workbook.read_bytes()
    team.consolidate()
    assert team.workbook.read_bytes() == before, "a second run changes nothing"
    team.choose("laisser", 2)
    team.consolidate()
    assert team.carriers() == [*taken, KEY]
    assert not [row for row in Book(team.workbook).rows("Modifications") if row["Avant"] == known[1]]
    team.run("adopt", "--oui")
    assert team.cell("Participations", "Rôle", Fiche=fiche, Partenaire=TYPED), "the workbook has the row now"
    team.edit(lambda book: book.remove("Participations", [book.find("Participations", Fiche=fiche, Partenaire=TYPED)]))
    team.consolidate()
    team.consolidate()
    assert team.carriers() == taken, "what staff take away stays away"
    other = team.rows("fiches")[1]["fiche_id"]
    team.edit(lambda book: book.type("Fiches_01", book.find("Fiches_01", Fiche=other), **{"Porteur(s)": TYPED}))
    team.consolidate()
    linked = [row["fiche_id"] for row in team.rows("participations") if row["partenaire_id"] == KEY]
    assert linked == [other], "what was decided of a name holds for the texts typed later"


def test_a_new_partner_needs_one_place(sent_copy: Path) -> None:
    team = Team(sent_copy)
    fiche = team.fiche

    def add(book: Excel) -> None:
        book.add("Partenaires", Partenaire=TYPED)
        book.add("Participations", Fiche=fiche, Partenaire=TYPED, Rôle="porteur")

    team.edit(add)
    team.consolidate()
    assert (team.names()[KEY], KEY in team.carriers(), team.asked()) == (TYPED, True, [])
    team.run("forms", "--exercice", "2016")
    assert (team.books / "envois" / "2016" / f"{KEY}-2016.xlsx").exists()


def test_a_line_of_a_town_that_nobody_has_is_said_at_the_town_alone_and_counts_once_it_is_added(
    sent_copy: Path,
) -> None:
    team, town = Team(sent_copy), "Saint-Élie des Prés"
    put = {"Libellé": "Repas à un euro", "Exercice": 2016, "Montant prévu (€)": 500}
    team.edit(lambda book: book.add("Lignes_01", Collectivité=town, **put))
    team.consolidate()
    sheet, cell = team.cell("Lignes_01", "Collectivité", Collectivité=town)
    errors = [constat for constat in team.findings() if constat["feuille"] == sheet and constat["gravite"] == "erreur"]
    assert [(error["code"], error["cellule"]) for error in errors] == [("reference-inconnue", cell)]
    team.choose("ajouter aux collectivités")
    team.consolidate()
    (line,) = [row for row in team.rows("lignes_budgetaires") if row["libelle"] == "Repas à un euro"]
    assert (line["collectivite_id"], line["montant_prevu"]) == ("saint-elie-des-pres", "500")


def test_lines_of_a_town_that_a_decision_names_stay_the_same_lines_when_they_are_edited(sent_copy: Path) -> None:
    team = Team(sent_copy)
    (known,) = [row["nom"] for row in team.rows("collectivites") if row["collectivite_id"] == "luce"]
    put = {"Collectivité": known + "es", "Libellé": "Repas", "Exercice": 2016, "Montant prévu (€)": 500}
    team.edit(lambda book: [book.add("Lignes_01", **put), book.add("Lignes_01", **put | {"Montant prévu (€)": 600})])
    team.consolidate()
    team.choose(f"c'est {known}")
    team.consolidate()

    def lines() -> list[tuple[str, ...]]:
        rows = [row for row in team.rows("lignes_budgetaires") if row["libelle"] == "Repas"]
        return [(row["ligne_id"], row["collectivite_id"], row["montant_prevu"]) for row in rows]

    first, second = lines()
    assert (first[1:], second[1:]) == (("luce", "500"), ("luce", "600"))
    row = {"Libellé": "Repas", "Montant prévu (€)": 500}
    team.edit(lambda book: book.type("Lignes_01", book.find("Lignes_01", **row), **{"Montant prévu (€)": 550}))
    team.consolidate()
    assert lines() == [(*first[:2], "550"), second]


def test_all_that_a_line_lacks_is_said_in_one_run(sent_copy: Path) -> None:
    team = Team(sent_copy)
    team.edit(lambda book: book.add("Lignes_01", Collectivité="Nulle-Part", Libellé="Atelier"))
    team.consolidate()
    by_code = {constat["code"]: constat for constat in team.findings() if constat["feuille"].startswith("B01")}
    assert by_code["reference-inconnue"]["valeur"] == "Nulle-Part"
    assert by_code["cellule-obligatoire-vide"]["champ"] == "exercice"


def test_a_reference_to_a_row_that_waits_says_its_name_and_where_it_waits(sent_copy: Path) -> None:
    team = Team(sent_copy)

    def edit(book: Any) -> None:
        book.add("Financeurs", Financeur="Fonds Éole")
        book.type("Partenaires", book.rows("Partenaires")[0], Financeur="Fonds Éole")

    team.edit(edit)
    team.consolidate()
    (finding,) = team.unknown_references()
    sheet, cell = team.cell("Financeurs", "Financeur", Financeur="Fonds Éole")
    assert finding["valeur"] == "Fonds Éole"
    assert f"feuille « {sheet} », cellule {cell}" in finding["suggestion"]
