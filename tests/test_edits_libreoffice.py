"""The edits that coordinators make, in LibreOffice: what follows, what is said, what adoption keeps; and a whole
convention taken away.
"""

from __future__ import annotations

import shutil
from collections import Counter
from datetime import datetime
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
    found = [row for row in book.tables[LINES].rows if (row["ligne_id"], row["exercice"]) == (identifier, exercice)]
    return dict(found[0]) if found else None


@pytest.mark.libreoffice
def test_what_is_edited_in_libreoffice_counts_is_said_and_is_kept(office: LibreOffice, workspace: Workspace) -> None:
    book = excel(workspace)
    (_, one, _, _), (_, three, right, last) = book.area("Lignes_01"), book.area("Lignes_03")
    gone = book.find("Lignes_02", Identifiant="B", Exercice=2015)
    before = Counter(item.code for item in load_source(workspace).findings)

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
    office.call("delete_rows", sheet=TWO, row=gone - 1, count=1)
    for row in book.rows("Fiches_01"):
        office.set(FICHES, row - 1, book.labels("Fiches_01")["Intitulé de l'axe"] - 1, "collé")
    office.call("add_sheet", name=OWN_SHEET)
    office.call("set_formula", sheet=OWN_SHEET, row=0, column=0, formula=f"=SUM(Lignes_03[{AMOUNT}])")
    office.recalculate()
    office.save(workspace.contrat)
    office.call("close")

    source = load_source(workspace)
    found = line(source.book, "A", 2013)
    assert found is not None
    assert found["montant_realise"] == 1300000
    assert line(source.book, "B", 2015) is None
    assert [row["montant_prevu"] for row in source.book.tables[LINES].rows if row["libelle"] == "Ludothèque"] == [
        150000
    ]
    said = Counter(item.code for item in source.findings) - before
    expected = ("colonne-en-trop", "nombre-en-texte", "feuille-copiee", "formule-remplacee", "feuille-ajoutee")
    assert said == Counter(expected)
    changes = {(each.table, each.key, each.outcome) for each in source.state.saves.modifications}
    assert {(table, key) for table, key, _ in changes} == {
        (LINES, ("A", 2013)), (LINES, ("B", 2015)), (LINES, ("B03-luce-ludotheque", 2016)),
    }  # fmt: skip
    assert (LINES, ("B", 2015), MergeOutcome.REMOVED) in changes

    assert adopt(workspace, DAY, lambda _: True) is not None
    after = excel(workspace)
    lines = after.sheet("Lignes_01")
    row = after.find("Lignes_01", Identifiant="A", Exercice=2013)
    assert [after.get("Lignes_01", each, OWN) for each in after.rows("Lignes_01")] == ["à revoir", "vu"]
    assert after.get("Lignes_01", row, AMOUNT) == 13000
    label = lines.cell(row, after.labels("Lignes_01")["Libellé"])
    assert label.comment is not None
    assert "vu avec la mairie" in label.comment.text
    assert label.fill.fgColor.rgb == "FFFFCC00"
    assert lines.title == "Éducation 2016"
    assert "B01 Éducation (2)" in after.book.sheetnames
    years = [after.get("Lignes_03", each, "Exercice") for each in after.rows("Lignes_03")]
    assert years == [2017, 2016, 2016, 2014, 2013]
    assert after.get("Lignes_03", after.find("Lignes_03", Identifiant="C"), "Montant prévu (€)") == 77
    hidden = [each for each in after.rows("Lignes_03") if after.sheet("Lignes_03").row_dimensions[each].hidden]
    assert [after.get("Lignes_03", each, "Collectivité") for each in hidden] == ["Métropole"]
    assert "Lignes_03[" in str(after.book[OWN_SHEET]["A1"].value)
    assert load_source(workspace).state.saves.modifications == ()


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
    assert [item.code for item in source.findings if item.bloquant] == ["suppression-a-confirmer"]
    (named,) = [item for item in source.findings if item.code == "ligne-encore-citee"]
    assert "Lignes budgétaires : 4" in named.message
    with pytest.raises(TabellionError):
        adopt(workspace, DAY, lambda _: True)

    decision = Decision(held.question, CONFIRM, CONFIRM, "Anne", DAY)
    (workspace.registre / DECISIONS_FILE).write_bytes(Decisions({held.question: decision}).content())
    source = load_source(workspace)
    assert 3 not in source.book.tables["conventions"].column("convention_id")
    assert 3 not in source.book.tables[LINES].column("convention_id")
    said = {item.code for item in source.findings}
    assert not said & {"suppression-a-confirmer", "ligne-encore-citee", "tableau-absent"}

    # the partner's 77 € for a line of it are not lost, and the rest of the answer is not refused for them
    state = look_at_campaign(workspace, DAY)
    assert not [item for item in state.findings if item.bloquant]
    (conflict,) = state.conflicts
    assert (conflict.key, conflict.champ, conflict.claims[0].after) == (("C", 2016), "montant_prevu", 7700)

    adopted = adopt(workspace, DAY, lambda _: True)
    assert adopted is not None
    assert [item.code for item in adopted.notices] == [], "every computed sheet followed"
    after = load_source(workspace)
    assert 3 not in after.book.tables["conventions"].column("convention_id")
    assert after.state.saves.modifications == ()
    assert not [name for name in excel(workspace).book.sheetnames if name.startswith(("B03", "C03"))]
