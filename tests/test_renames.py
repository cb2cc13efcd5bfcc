"""What is renamed in its table is renamed wherever it is named: at every run, and in the workbook once adopted."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl

from support.campaign import fill
from support.excel import Excel, edited
from tabellion.commands.adopt import adopt
from tabellion.commands.consolidate import ConsolidationRun, consolidate
from tabellion.commands.source import load_source
from tabellion.contract.workspace import Workspace, find_workspace

DAY = datetime(2016, 11, 14, 9)
LINES = "lignes_budgetaires"


def rename(book: Excel, table: str, label: str, before: str, after: str) -> None:
    book.type(table, book.find(table, **{label: before}), **{label: after})


def shown(workspace: Workspace, table: str, label: str) -> set[Any]:
    book = Excel(openpyxl.load_workbook(workspace.contrat))
    return {book.get(table, row, label) for row in book.rows(table)} - {None}


def codes(run: ConsolidationRun) -> set[str]:
    return {finding.code for finding in run.findings} & {"ancien-nom", "reference-inconnue", "valeur-rapprochee"}


def test_names_follow_at_every_run_and_in_the_adopted_workbook(sent_copy: Path) -> None:
    """Two towns and a fiche at once, then one of the towns again, while a return is out with the names of before."""
    workspace = find_workspace(sent_copy)
    towns = [row["collectivite_id"] for row in load_source(workspace).book.tables[LINES].rows]
    fiches = [row["fiche_id"] for row in load_source(workspace).book.tables["financements"].rows]

    def first(book: Excel) -> None:
        rename(book, "Collectivites", "Collectivité", "Lucé", "Ville de Lucé")
        rename(book, "Collectivites", "Collectivité", "Métropole", "Agglo du Sud")
        rename(book, "Conventions", "Intitulé de la convention", "Santé", "Santé pour tous")
        rename(book, "Fiches_01", "Fiche", "I-1.1./1", "I-1.1./9")

    edited(workspace.contrat, first, saved=DAY)
    for night in (1, 2):
        run = consolidate(workspace, DAY + timedelta(days=night))
        assert codes(run) == {"ancien-nom"}
        assert [row["collectivite_id"] for row in run.consolidation.contract.tables[LINES].rows] == towns
        assert [row["fiche_id"] for row in run.consolidation.contract.tables["financements"].rows] == [
            "I-1.1./9" if fiche == "I-1.1./1" else fiche for fiche in fiches
        ]
    answers = {"Budget": {"C": {"montant_prevu": 77}}}
    form = workspace.envois / "2016" / "luce-2016.xlsx"
    fill(form, workspace.retours / "luce.xlsx", answers, saved=DAY)
    assert adopt(workspace, DAY + timedelta(days=3), lambda _: True) is not None
    assert shown(workspace, "Lignes_03", "Collectivité") == {"Ville de Lucé", "Agglo du Sud"}
    assert "I-1.1./9" in shown(workspace, "Financements_fiches", "Fiche")
    sheets = {sheet.title: sheet["A1"].value for sheet in openpyxl.load_workbook(workspace.contrat)}
    assert (sheets["B02 Santé"], sheets["C02 Santé"]) == ("2 – Santé pour tous",) * 2
    assert codes(consolidate(workspace, DAY + timedelta(days=4))) == set()

    again = DAY + timedelta(days=5)
    edited(workspace.contrat, lambda book: rename(book, "Collectivites", "Collectivité", "Agglo du Sud", "Grand Sud"),
           saved=again)  # fmt: skip
    for night in (6, 7):
        run = consolidate(workspace, DAY + timedelta(days=night))
        assert codes(run) == {"ancien-nom"}
        assert [row["collectivite_id"] for row in run.consolidation.contract.tables[LINES].rows] == towns
        assert run.consolidation.questions == ()
    edited(workspace.contrat, lambda book: rename(book, "Collectivites", "Collectivité", "Grand Sud", "Agglo du Sud"),
           saved=DAY + timedelta(days=8))  # fmt: skip
    assert codes(consolidate(workspace, DAY + timedelta(days=9))) == set(), "the former name is the name again"
