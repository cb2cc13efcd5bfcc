"""Rows typed under their table: they count, and an adoption puts them into it with its formulas and its look."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import openpyxl
from openpyxl.comments import Comment
from openpyxl.styles import PatternFill

from support.campaign import fill
from support.excel import Excel, edited
from support.own_sheets import faults
from tabellion.campaign.model import Consolidation
from tabellion.campaign.requests import adoption_words
from tabellion.commands.adopt import adopt
from tabellion.commands.changes import change_lines
from tabellion.commands.source import load_source
from tabellion.contract.workspace import find_workspace

DAY = datetime(2016, 11, 14, 9)
YELLOW = "FFFFCC00"


def under(book: Excel, table: str, **values: object) -> tuple[int, dict[str, int]]:
    """Type a row under a table that does not grow, as in LibreOffice."""
    labels, (_, _, _, bottom) = book.labels(table), book.area(table)
    for label, value in values.items():
        book.sheet(table).cell(bottom + 1, labels[label]).value = value  # type: ignore[assignment]
    return bottom + 1, labels


def test_an_adoption_takes_the_rows_under_a_table_into_it(sent_copy: Path) -> None:
    workspace = find_workspace(sent_copy)

    def edit(book: Excel) -> None:
        line = {"Collectivité": "Lucé", "Libellé": "Ludothèque", "Exercice": 2016, "Montant prévu (€)": 1500}
        row, labels = under(book, "Lignes_03", **line)
        book.sheet("Lignes_03").cell(row, labels["Libellé"]).fill = PatternFill("solid", fgColor=YELLOW)
        under(book, "Financeurs", Financeur="CAF", Catégorie="privé")
        row, labels = under(book, "Partenaires", Partenaire="Mission locale")
        book.sheet("Partenaires").cell(row, labels["Partenaire"]).comment = Comment("à confirmer", "Anne")

    edited(workspace.contrat, edit, saved=DAY)
    form, target = workspace.envois / "2016" / "luce-2016.xlsx", workspace.retours / "luce.xlsx"
    fill(form, target, {"Budget": {"C": {"montant_prevu": 77}}}, saved=DAY)
    seen: list[Consolidation] = []
    assert adopt(workspace, DAY, lambda state: not seen.append(state)) is not None
    assert adoption_words(seen[0]) == "oui, adopter 1 cellule"
    assert "Lucé & « Cie », 2016 : 1 cellule" in change_lines(seen[0])
    assert faults(workspace.contrat.read_bytes()) == []
    book = Excel(openpyxl.load_workbook(workspace.contrat))
    row = book.find("Lignes_03", Libellé="Ludothèque")
    assert (row, book.get("Lignes_03", row, "Montant prévu (€)")) == (book.rows("Lignes_03")[-1], 1500)
    label = book.sheet("Lignes_03").cell(row, book.labels("Lignes_03")["Libellé"])
    assert label.fill.fgColor.rgb == YELLOW
    assert book.get("Financeurs", book.find("Financeurs", Financeur="CAF"), "Identifiant") == "caf"
    source = load_source(workspace)
    left = [finding for finding in source.findings if finding.code == "ligne-hors-tableau"]
    assert [finding.valeur for finding in left] == ["Partenaires"], "one with a comment stays where it is, and counts"
    assert {row["nom"] for row in source.book.tables["partenaires"].rows} >= {"Mission locale"}
    assert source.state.saves.modifications == ()
