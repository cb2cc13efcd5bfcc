"""The edits that coordinators make, in LibreOffice: what follows, what is said, what adoption keeps; and a whole
convention taken away.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from support.campaign import fill
from support.excel import Excel, edited
from support.libreoffice import LibreOffice
from tabellion.campaign.cautions import CONFIRM
from tabellion.campaign.decisions import DECISIONS_FILE, Decision, Decisions
from tabellion.campaign.model import MergeOutcome
from tabellion.commands.adopt import adopt
from tabellion.commands.consolidate import look_at_campaign
from tabellion.commands.source import load_source
from tabellion.contract.book import Book
from tabellion.contract.workspace import Workspace, find_workspace
from tabellion.findings import TabellionError

DAY = datetime(2016, 11, 14, 9)
AMOUNT, OWN, OWN_SHEET = "Montant réalisé (€)", "Notre suivi", "Nos calculs"
#: The zero-based column of the exercice on a budget sheet.
YEAR = 5
ONE, TWO, THREE, FICHES = "B01 Éducation", "B02 Santé", "B03 Habitat", "C01 Éducation"
LINES = "lignes_budgetaires"


@pytest.fixture
def workspace(sent: Path, tmp_path: Path) -> Workspace:
    """A small contract to which a partner has answered."""
    folder = Path(shutil.copytree(sent, tmp_path / "contrat"))
    workbooks = folder / "workbooks"
    answers = {"Budget": {"C": {"montant_prevu": 77}}}
    fill(workbooks / "envois" / "2016" / "luce-2016.xlsx", workbooks / "retours" / "luce.xlsx", answers, saved=DAY)
    return find_workspace(folder)


def excel(workspace: Workspace) -> Excel:
    return Excel(openpyxl.load_workbook(workspace.contrat))


def line(book: Book, identifier: str, exercice: int) -> dict[str, Any] | None:
    lines = [row for row in book.tables[LINES].rows if (row["ligne_id"], row["exercice"]) == (identifier, exercice)]
    return dict(lines[0]) if lines else None


@pytest.mark.libreoffice
def test_what_is_edited_in_libreoffice_counts_is_said_and_is_kept(office: LibreOffice, workspace: Workspace) -> None:
    book = excel(workspace)
    (_, one, _, _), (_, three, right, last) = book.area("Lignes_01"), book.area("Lignes_03")
    removed_row = book.find("Lignes_02", Identifiant="B", Exercice=2015)
    before = Counter(finding.code for finding in load_source(workspace).findings)

    assert book.labels("Lignes_03")["Exercice"] == YEAR + 1
    office.open(workspace.contrat)
    office.call("copy_sheet", sheet=ONE, name="B01 Éducation (2)")
    office.call("insert_columns", sheet=ONE, column=2, count=1)  # inside the table
    for row, text in ((one, OWN), (one + 1, "à revoir"), (one + 2, "vu")):
        office.set(ONE, row - 1, 2, text)
    office.set(ONE, one, book.labels("Lignes_01")[AMOUNT], "13 000,00 €")  # a column further than it was
    office.call("annotate", sheet=ONE, row=one, column=1, text="vu avec la mairie")
    office.call("colour", sheet=ONE, row=one, column=1, colour=0xFFCC00)
    office.call("rename_sheet", sheet=ONE, name="Éducation 2016")
    office.call("sort", sheet=THREE, area=[three, 0, last - 1, right - 1], column=YEAR, descending=True)
    office.call("insert_rows", sheet=THREE, row=three + 1, count=1)
    for column, value in ((0, "Lucé"), (1, "Ludothèque"), (2, 1500), (YEAR, 2016)):
        office.set(THREE, three + 1, column, value)
    office.call("filter", sheet=THREE, area=[three - 1, 0, last, right - 1], column=0, text="Lucé")
    office.call("delete_rows", sheet=TWO, row=removed_row - 1, count=1)
    for row in book.rows("Fiches_01"):
        office.set(FICHES, row - 1, book.labels("Fiches_01")["Intitulé de l'axe"] - 1, "collé")
    office.call("add_sheet", name=OWN_SHEET)
    office.call("set_formula", sheet=OWN_SHEET, row=0, column=0, formula=f"=SUM(Lignes_03[{AMOUNT}])")
    office.recalculate()
    office.save(workspace.contrat)
    office.call("close")

    source = load_source(workspace)
    known_line = line(source.book, "A", 2013)
    assert known_line is not None
    assert known_line["montant_realise"] == 1300000
    assert line(source.book, "B", 2015) is None
    assert [row["montant_prevu"] for row in source.book.tables[LINES].rows if row["libelle"] == "Ludothèque"] == [
        150000
    ]
    codes = Counter(finding.code for finding in source.findings) - before
    expected = ("colonne-en-trop", "nombre-en-texte", "feuille-copiee", "formule-remplacee", "feuille-ajoutee")
    assert codes == Counter(expected)
    changes = {(change.table, change.key, change.outcome) for change in source.state.saves.modifications}
    assert {(table, key) for table, key, _ in changes} == {
        (LINES, ("A", 2013)), (LINES, ("B", 2015)), (LINES, ("B03-luce-ludotheque", 2016)),
    }  # fmt: skip
    assert (LINES, ("B", 2015), MergeOutcome.REMOVED) in changes

    assert adopt(workspace, DAY, lambda _: True) is not None
    after = excel(workspace)
    lines = after.sheet("Lignes_01")
    row = after.find("Lignes_01", Identifiant="A", Exercice=2013)
    assert [after.get("Lignes_01", row, OWN) for row in after.rows("Lignes_01")] == ["à revoir", "vu"]
    assert after.get("Lignes_01", row, AMOUNT) == 13000
    label = lines.cell(row, after.labels("Lignes_01")["Libellé"])
    assert label.comment is not None
    assert "vu avec la mairie" in label.comment.text
    assert label.fill.fgColor.rgb == "FFFFCC00"
    assert lines.title == "Éducation 2016"
    assert "B01 Éducation (2)" in after.book.sheetnames
    years = [after.get("Lignes_03", row, "Exercice") for row in after.rows("Lignes_03")]
    assert years == [2017, 2016, 2016, 2014, 2013]
    assert after.get("Lignes_03", after.find("Lignes_03", Identifiant="C"), "Montant prévu (€)") == 77
    hidden = [row for row in after.rows("Lignes_03") if after.sheet("Lignes_03").row_dimensions[row].hidden]
    assert [after.get("Lignes_03", row, "Collectivité") for row in hidden] == ["Métropole"]
    assert "Lignes_03[" in str(after.book[OWN_SHEET]["A1"].value)
    assert load_source(workspace).state.saves.modifications == ()


@dataclass(frozen=True)
class OfficeEdit:
    """An edit made in LibreOffice: whether the contract says it from the next run on, what is said of it (code and
    cell), and whether the workbook still has it once an answer was adopted.
    """

    make: Callable[[Editing], Any]
    counts: Callable[[Book], bool] = lambda book: line(book, "A", 2013) is not None
    findings: frozenset[tuple[str, str | None]] = frozenset()
    kept: Callable[[Excel], bool] = lambda book: bool(book.rows("Lignes_01"))


class Editing:
    """A workbook open in LibreOffice, by the tables, the headers and the rows that it was opened with."""

    def __init__(self, office: LibreOffice, path: Path) -> None:
        self.office, self.book = office, Excel(openpyxl.load_workbook(path))
        office.open(path)

    def sheet(self, table: str) -> str:
        return str(self.book.sheet(table).title)

    def at(self, table: str, label: str, **where: Any) -> dict[str, Any]:
        """The sheet, row and column (zero-based) of a cell."""
        row = self.book.find(table, **where)
        return {"sheet": self.sheet(table), "row": row - 1, "column": self.book.labels(table)[label] - 1}

    def put(self, value: Any, table: str, label: str, **where: Any) -> None:
        self.office.call("set", value=value, **self.at(table, label, **where))

    def under(self, table: str, **values: Any) -> None:
        """Type a row right under the last one of a table."""
        for label, value in values.items():
            column = self.book.labels(table)[label] - 1
            self.office.set(self.sheet(table), self.book.area(table)[3], column, value)

    def fill_down(self, table: str, label: str) -> None:
        """The first cell of a column, drawn down to the last row."""
        first, *others = self.book.rows(table)
        for row in others:
            column = self.book.labels(table)[label] - 1
            self.office.set(self.sheet(table), row - 1, column, self.book.get(table, first, label))

    def done(self, path: Path) -> None:
        self.office.recalculate()
        self.office.save(path)
        self.office.call("close")


def has(table: str, count: int = 1, **where: Any) -> Callable[[Book], bool]:
    """Whether the contract has so many rows that say this."""
    return lambda book: sum(all(row[name] == value for name, value in where.items())
                            for row in book.tables[table].rows) == count  # fmt: skip


def shows(table: str, label: str, value: Any, **where: Any) -> Callable[[Excel], bool]:
    return lambda book: bool(book.get(table, book.find(table, **where), label) == value)


def cell_of(book: Excel, table: str, label: str, **where: Any) -> Any:
    return book.sheet(table).cell(book.find(table, **where), book.labels(table)[label])


A13, A15 = {"Identifiant": "A", "Exercice": 2013}, {"Identifiant": "A", "Exercice": 2015}
B13, B15 = {"Identifiant": "B", "Exercice": 2013}, {"Identifiant": "B", "Exercice": 2015}
PLANNED, LABEL = "Montant prévu (€)", "Libellé"
FUNDING = {"Identifiant": "I-1.1./1-f1"}
TYPED = {
    "montant": OfficeEdit(
        lambda on: on.put(4321.09, "Lignes_01", AMOUNT, **A13), has(LINES, ligne_id="A", montant_realise=432109),
        kept=shows("Lignes_01", AMOUNT, 4321.09, **A13)),
    "montant saisi en texte": OfficeEdit(
        lambda on: on.put("13 000,00 €", "Lignes_02", AMOUNT, **B13), has(LINES, ligne_id="B", montant_realise=1300000),
        frozenset({("nombre-en-texte", "E12")}), shows("Lignes_02", AMOUNT, 13000, **B13)),
    "montant effacé": OfficeEdit(
        lambda on: on.put(None, "Lignes_01", AMOUNT, **A15),
        has(LINES, ligne_id="A", exercice=2015, montant_realise=None), kept=shows("Lignes_01", AMOUNT, None, **A15)),
    "« voir Paul » dans un montant": OfficeEdit(
        lambda on: on.put("voir Paul", "Lignes_02", AMOUNT, **B15),
        has(LINES, ligne_id="B", exercice=2015, montant_realise=None),
        frozenset({("texte-au-lieu-de-nombre", "E13")}), shows("Lignes_02", AMOUNT, "voir Paul", **B15)),
    "libellé": OfficeEdit(
        lambda on: on.put("Cantine bio", "Lignes_01", LABEL, **A13), has(LINES, ligne_id="A", libelle="Cantine bio"),
        kept=shows("Lignes_01", LABEL, "Cantine bio", **A13)),
    "exercice saisi en texte": OfficeEdit(
        lambda on: on.put("2013", "Lignes_03", "Exercice", Identifiant="F"), has(LINES, ligne_id="F", exercice=2013),
        frozenset({("nombre-en-texte", "F12")})),
    "exercice changé": OfficeEdit(
        lambda on: on.put(2018, "Lignes_03", "Exercice", Identifiant="D"), has(LINES, ligne_id="D", exercice=2018),
        kept=shows("Lignes_03", "Exercice", 2018, Identifiant="D")),
    "ligne ajoutée sous le tableau": OfficeEdit(
        lambda on: on.under("Lignes_03", Collectivité="Lucé", Exercice=2016, **{LABEL: "Ludothèque", PLANNED: 1500}),
        has(LINES, libelle="Ludothèque", collectivite_id="luce", montant_prevu=150000),
        frozenset({("ligne-hors-tableau", "A16")}), shows("Lignes_03", PLANNED, 1500, **{LABEL: "Ludothèque"})),
    "fiche": OfficeEdit(
        lambda on: on.put("Un autre but", "Fiches_01", "Objectif", Fiche="I-1.1./1"),
        has("fiches", fiche_id="I-1.1./1", objectif="Un autre but"),
        kept=shows("Fiches_01", "Objectif", "Un autre but", Fiche="I-1.1./1")),
    "porteur saisi sur une fiche": OfficeEdit(
        lambda on: on.put("Mission locale", "Fiches_02", "Porteur(s)", Fiche="I-2./1"),
        has("fiches", fiche_id="I-2./1", porteurs="Mission locale"), frozenset({("partenaire-en-texte", "L6")}),
        shows("Fiches_02", "Porteur(s)", "Mission locale", Fiche="I-2./1")),
    "montant d'un financement": OfficeEdit(
        lambda on: on.put(12, "Financements_fiches", "Montant (€)", Fiche="I-1.1./1"),
        has("financements", fiche_id="I-1.1./1", montant=1200),
        kept=shows("Financements_fiches", "Montant (€)", 12, Fiche="I-1.1./1")),
    "financeur ajouté": OfficeEdit(
        lambda on: on.under("Financeurs", Financeur="CAF", Catégorie="privé"), has("financeurs", nom="CAF"),
        frozenset({("ligne-hors-tableau", "U8")}), shows("Financeurs", "Catégorie", "privé", Financeur="CAF")),
    "partenaire ajouté": OfficeEdit(
        lambda on: on.under("Partenaires", Partenaire="Foyer rural"), has("partenaires", nom="Foyer rural"),
        frozenset({("ligne-hors-tableau", "A11")}), shows("Partenaires", "Partenaire", "Foyer rural",
                                                          Partenaire="Foyer rural")),
    "partenaire renommé": OfficeEdit(
        lambda on: on.put("Habitat Eurélien", "Partenaires", "Partenaire", Identifiant="bailleur"),
        has("partenaires", partenaire_id="bailleur", nom="Habitat Eurélien"),
        kept=lambda book: "Bailleur" not in {book.get("Participations", row, "Partenaire")
                                             for row in book.rows("Participations")}),
    "convention renommée": OfficeEdit(
        lambda on: on.put("Santé pour tous", "Conventions", "Intitulé de la convention", **{"N°": 2}),
        has("conventions", convention_id=2, titre="Santé pour tous"),
        kept=shows("Conventions", "Intitulé de la convention", "Santé pour tous", **{"N°": 2})),
    "collectivité renommée": OfficeEdit(
        lambda on: on.put("Chartres métropole", "Collectivites", "Collectivité", Identifiant="metropole"),
        has("collectivites", collectivite_id="metropole", nom="Chartres métropole"),
        kept=shows("Lignes_03", "Collectivité", "Chartres métropole", Identifiant="F")),
    "date limite": OfficeEdit(
        lambda on: on.put("20/12/2016", "Dates_limites", "Date limite", Exercice=2016),
        lambda book: book.settings.dates_limites[2016] == date(2016, 12, 20)),
    "gras": OfficeEdit(
        lambda on: on.office.call("bold", **on.at("Lignes_03", LABEL, Identifiant="E")),
        kept=lambda book: bool(cell_of(book, "Lignes_03", LABEL, Identifiant="E").font.bold)),
    "ligne masquée": OfficeEdit(
        lambda on: on.office.call("hide_row", sheet=THREE, row=on.at("Lignes_03", LABEL, Identifiant="E")["row"]),
        kept=lambda book: bool(
            book.sheet("Lignes_03").row_dimensions[book.find("Lignes_03", Identifiant="E")].hidden)),
    "colonne élargie": OfficeEdit(
        lambda on: on.office.call("widen", sheet=ONE, column=1, hundredths=9_000),
        kept=lambda book: book.sheet("Lignes_01").column_dimensions["B"].width > 40),
}  # fmt: skip
DONE_TO_TABLES = {
    "colonnes calculées collées en valeurs": OfficeEdit(
        lambda on: on.office.call("paste_values", sheet=ONE, area=[5, 1, 7, 9])),
    "identifiants recopiés vers le bas": OfficeEdit(
        lambda on: on.fill_down("Lignes_03", "Identifiant"),
        lambda book: [line(book, *key) is not None for key in (("E", 2014), ("C", 2016), ("D", 2017))] == [True] * 3,
        frozenset({("identifiant-retabli", cell) for cell in ("J13", "J14", "J15")})),
    "identifiant effacé": OfficeEdit(
        lambda on: on.put(None, "Lignes_02", "Identifiant", **B15), has(LINES, ligne_id="B", exercice=2015),
        frozenset({("identifiant-retabli", "J13")})),
    "tableau défait": OfficeEdit(
        lambda on: on.office.call("undo_table", name="Fiches_02"), has("fiches", fiche_id="I-2./1")),
    "noms du classeur supprimés": OfficeEdit(lambda on: on.office.call("remove_name", name="Accueil_net")),
    "collectivité supprimée": OfficeEdit(
        lambda on: on.office.call("delete_cells", sheet="Nomenclatures", area=[5, 15, 5, 18]),
        has("collectivites", collectivite_id="luce"), frozenset({("ligne-encore-citee", None)})),
    "ligne vide insérée": OfficeEdit(
        lambda on: on.office.call("insert_rows", sheet=ONE, row=12, count=1), has(LINES, 2, ligne_id="A")),
}  # fmt: skip


@pytest.mark.libreoffice
@pytest.mark.parametrize("edits", [TYPED, DONE_TO_TABLES], ids=["typed", "tables"])
def test_each_edit_made_in_libreoffice_counts_is_said_at_its_cell_and_is_kept(
    office: LibreOffice, workspace: Workspace, edits: Mapping[str, OfficeEdit],
    record_property: Callable[[str, object], None],
) -> None:  # fmt: skip
    before = {
        (finding.code, finding.place.feuille, finding.place.cellule) for finding in load_source(workspace).findings
    }
    editing = Editing(office, workspace.contrat)
    for edit in edits.values():
        edit.make(editing)
    editing.done(workspace.contrat)

    source = load_source(workspace)
    places = {
        (finding.code, finding.place.cellule)
        for finding in source.findings
        if (finding.code, finding.place.feuille, finding.place.cellule) not in before
    }
    assert not any(finding.bloquant for finding in source.findings)
    assert [name for name, edit in edits.items() if not edit.counts(source.book)] == []
    assert [name for name, edit in edits.items() if not edit.findings <= places] == [], places
    more = places - {item for edit in edits.values() for item in edit.findings}
    assert adopt(workspace, DAY, lambda _: True) is not None
    after, again = excel(workspace), load_source(workspace)
    assert [name for name, edit in edits.items() if not edit.counts(again.book)] == []
    assert [name for name, edit in edits.items() if not edit.kept(after)] == []
    assert again.state.saves.modifications == ()
    assert after.get("Lignes_03", after.find("Lignes_03", Identifiant="C"), PLANNED) == 77
    record_property("also said", sorted(more, key=str))


def remove_convention(book: Excel) -> None:
    """The convention 3, its axes, its published totals, and both its sheets."""
    for table in ("Fiches_03", "Lignes_03"):
        del book.book[book.sheet(table).title]
    book.remove("Conventions", [book.find("Conventions", **{"N°": 3})])
    book.remove("Axes", [book.find("Axes", Axe="II-3.1")])
    totals = [row for row in book.rows("Totaux_publies") if str(book.get("Totaux_publies", row, "Convention")) == "3"]
    book.remove("Totaux_publies", totals)


def test_a_whole_convention_goes_when_its_money_is_confirmed_and_no_answer_is_refused(workspace: Workspace) -> None:
    edited(workspace.contrat, remove_convention, saved=DAY)
    source = load_source(workspace)
    (held,) = source.state.withheld
    assert (held.table, len(held.keys), held.cents) == (LINES, 4, 3400)  # 11 + 7 + 7 + 9
    assert [finding.code for finding in source.findings if finding.bloquant] == ["suppression-a-confirmer"]
    (named,) = [finding for finding in source.findings if finding.code == "ligne-encore-citee"]
    assert "Lignes budgétaires : 4" in named.message
    with pytest.raises(TabellionError):
        adopt(workspace, DAY, lambda _: True)

    decision = Decision(held.question, CONFIRM, CONFIRM, "Anne", DAY)
    (workspace.registre / DECISIONS_FILE).write_bytes(Decisions({held.question: decision}).content())
    source = load_source(workspace)
    assert 3 not in source.book.tables["conventions"].column("convention_id")
    assert 3 not in source.book.tables[LINES].column("convention_id")
    codes = {finding.code for finding in source.findings}
    assert not codes & {"suppression-a-confirmer", "ligne-encore-citee", "tableau-absent"}

    # the partner's 77 € for a line of it are not lost, and the rest of the answer is not refused for them
    state = look_at_campaign(workspace, DAY)
    assert not [finding for finding in state.findings if finding.bloquant]
    (conflict,) = state.conflicts
    assert (conflict.key, conflict.champ, conflict.claims[0].after) == (("C", 2016), "montant_prevu", 7700)

    adopted = adopt(workspace, DAY, lambda _: True)
    assert adopted is not None
    assert [finding.code for finding in adopted.notices] == [], "every computed sheet followed"
    after = load_source(workspace)
    assert 3 not in after.book.tables["conventions"].column("convention_id")
    assert after.state.saves.modifications == ()
    assert not [name for name in excel(workspace).book.sheetnames if name.startswith(("B03", "C03"))]
