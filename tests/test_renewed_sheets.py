"""What the program computes in the staff's workbook is true after an adoption: new columns, new rows, its controls."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.styles import PatternFill

from support.campaign import fill
from support.contracts import small_rows
from support.excel import Excel, edited
from support.libreoffice import LibreOffice
from support.masters import MAIN, Package, contract_of, position, written
from support.own_sheets import faults
from support.program import Outcome, tabellion
from support.recalculated import differences
from tabellion.commands.adopt import adopt
from tabellion.contract.workspace import find_workspace
from tabellion.outputs.master.changes import renewal_of
from tabellion.xlsx.inplace.renewal import renew

SAVED, NIGHT = datetime(2016, 11, 15, 9), datetime(2016, 12, 1, 2)
AMOUNT = "Montant réalisé (€)"
COMPUTED = ("Accueil", "Synthèse", "Années")


def contrat(root: Path) -> Path:
    return root / "workbooks" / "contrat.xlsx"


def adopted(root: Path, edit: Any) -> list[str]:
    """A town that is new has two lines, another one answers, and it is adopted; the codes of what the run says."""

    def typing(book: Excel) -> None:
        book.add("Collectivites", Collectivité="Mainvilliers", Catégorie="commune")
        book.add("Lignes_02", **{"Collectivité": "Mainvilliers", "Libellé": "Neuf", "Exercice": 2013, AMOUNT: 777})
        book.add("Lignes_03", **{"Collectivité": "Mainvilliers", "Libellé": "Bis", "Exercice": 2016, AMOUNT: 888.25})
        edit(book.book)

    edited(contrat(root), typing, saved=SAVED)
    books = root / "workbooks"
    fill(books / "envois" / "2016" / "luce-2016.xlsx", books / "retours" / "luce.xlsx",
         {"Budget": {"C": {"montant_prevu": 9}}}, saved=datetime(2016, 11, 20, 9))  # fmt: skip
    done = adopt(find_workspace(root), NIGHT, lambda _: True)
    assert done is not None
    assert faults(contrat(root).read_bytes()) == []
    return [finding.code for finding in done.notices]


def values(path: Path, sheet: str) -> dict[tuple[int, int], Any]:
    """What the cells of a sheet show."""
    cells = Package(path.read_bytes()).cells[sheet]
    return {place: value for place, (value, _) in cells.items() if value not in (None, "")}


def footers(data: bytes) -> dict[str, str]:
    """The feet of the pages of each sheet."""
    path = f"{MAIN}headerFooter/{MAIN}oddFooter"
    return {name: root.findtext(path, "") for name, root in Package(data).sheets.items()}


def test_the_feet_of_the_pages_say_the_title_of_now_but_where_staff_wrote_their_own() -> None:
    contract = contract_of(small_rows())
    layout, fresh = written(replace(contract, settings=replace(contract.settings, titre="Contrat renommé")))
    book = openpyxl.load_workbook(BytesIO(written(contract)[1]))
    book["Nomenclatures"].oddFooter.center.text = "à nous"
    stream = BytesIO()
    book.save(stream)
    renewed, _ = renew(stream.getvalue(), fresh, renewal_of(layout))
    feet = footers(renewed)
    assert "à nous" in feet.pop("Nomenclatures")
    assert {name for name, words in feet.items() if contract.settings.titre in words} == set()
    assert all("Contrat renommé" in feet[name] for name in ("Réglages", "Rapprochement"))


def nothing(_: Any) -> None:
    """Nothing more is typed."""


def test_the_computed_sheets_say_what_a_workbook_written_anew_would(sent_copy: Path, tmp_path: Path) -> None:
    assert adopted(sent_copy, nothing) == []
    anew = tmp_path / "neuf.xlsx"
    done: Outcome = tabellion("generate", "--sortie", anew, cwd=sent_copy)
    assert done.code == 0, done
    for sheet in COMPUTED:
        assert values(contrat(sent_copy), sheet) == values(anew, sheet), sheet
    package = Package(contrat(sent_copy).read_bytes())
    assert "Mainvilliers" in package.tables["Synthese_credits"].columns
    book = Excel(openpyxl.load_workbook(contrat(sent_copy), data_only=True))
    row = book.find("Totaux_02", Collectivité="Mainvilliers")
    assert (book.get("Totaux_02", row, AMOUNT), book.get("Totaux_02", row, "Lignes")) == (777, "1 ligne")
    steps = [book.get("Ecarts_expliques", row, "Collectivité") for row in book.rows("Ecarts_expliques")]
    assert "Mainvilliers" in steps


def test_each_control_names_the_cell_where_it_stands(sent_copy: Path) -> None:
    adopted(sent_copy, nothing)
    book = Excel(openpyxl.load_workbook(contrat(sent_copy)))
    values = {}
    for row in book.rows("Constats"):
        code = book.get("Constats", row, "Code")
        values[code] = book.book[book.get("Constats", row, "Feuille")][book.get("Constats", row, "Cellule")].value
    assert values["annee-hors-contrat"] == 2014
    assert values["detail-sans-sous-total"] == 777


def test_an_own_formula_follows_and_the_exercice_chosen_stays(sent_copy: Path) -> None:
    place = position("F10")  # the total of « Total », before a town comes to stand before it
    assert values(contrat(sent_copy), "Synthèse")[position("F6")] == "Total"

    def own(book: Any) -> None:
        sheet = book.create_sheet("Nos calculs")
        sheet["A1"] = "=Synthèse!F10"
        book["Accueil"]["C4"] = 2016
        for cell in ("F6", "F10"):
            book["Synthèse"][cell].fill = PatternFill("solid", fgColor="FFFFCC00")
        book["Synthèse"].sheet_view.zoomScale = 85

    assert adopted(sent_copy, own) == []
    book = openpyxl.load_workbook(contrat(sent_copy))
    looks = {cell: book["Synthèse"][cell].fill.fgColor.rgb == "FFFFCC00" for cell in ("F6", "F10", "G6", "G10")}
    assert looks == {"F6": False, "F10": False, "G6": True, "G10": True}
    assert book["Synthèse"].sheet_view.zoomScale == 85
    assert book["Nos calculs"]["A1"].value == "=Synthèse!G10"
    assert book["Synthèse"]["G6"].value == "Total"
    assert book["Accueil"]["C4"].value == 2016
    assert place != position("G10")


@pytest.mark.parametrize("own", ["note", "commentaire"])
def test_a_sheet_that_holds_something_of_the_staff_stays_and_is_said(sent_copy: Path, own: str) -> None:
    def typing(book: Any) -> None:
        if own == "note":
            book["Synthèse"]["L20"] = "à montrer au comité"
        else:
            book["Synthèse"]["A7"].comment = openpyxl.comments.Comment("vu", "Anne")

    assert adopted(sent_copy, typing) == ["feuille-non-refaite"]
    book = openpyxl.load_workbook(contrat(sent_copy))
    sheet = book["Synthèse"]
    assert (sheet["L20"].value, sheet["A7"].comment is not None) == (
        ("à montrer au comité", False) if own == "note" else (None, True)
    )
    assert "Mainvilliers" not in [cell.value for cell in sheet[6]]


@pytest.mark.libreoffice
def test_libreoffice_computes_what_the_adopted_workbook_shows(sent_copy: Path, office: LibreOffice) -> None:
    adopted(sent_copy, nothing)
    office.open(contrat(sent_copy))
    office.recalculate()
    package = Package(contrat(sent_copy).read_bytes())
    blank = [
        place
        for sheet in package.cells.values()
        for place, (value, formula) in sheet.items()
        if formula is not None and value is None
    ]
    assert blank == []
    assert differences(package, office.read()) == []
