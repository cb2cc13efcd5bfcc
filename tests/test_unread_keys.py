"""A key that cannot be read costs its row at most: no row counts twice, and a removal that waits is said."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from support.excel import Excel, edited
from tabellion.campaign.model import MergeOutcome
from tabellion.commands.consolidate import ConsolidationRun, consolidate
from tabellion.contract.register import load_register
from tabellion.contract.workspace import find_workspace

MONDAY = datetime(2016, 11, 14, 9)
NIGHT = datetime(2016, 12, 1, 2)
LINES, CONVENTION = "Lignes_03", 3


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, sent: Path) -> Path:
    """A small contract, consolidated once: to copy, not to change."""
    folder = Path(shutil.copytree(sent, tmp_path_factory.mktemp("made") / "contrat"))
    consolidate(find_workspace(folder), NIGHT - timedelta(days=30))
    return folder


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "contrat"))


def saved(root: Path, change: Callable[[Excel], Any]) -> ConsolidationRun:
    edited(root / "workbooks" / "contrat.xlsx", change, saved=MONDAY)
    return consolidate(find_workspace(root), NIGHT)


def years(root: Path, line: str) -> list[int]:
    workspace = find_workspace(root)
    rows = load_register(workspace.registre, workspace.schemas, workspace.settings).tables["lignes_budgetaires"].rows
    return sorted(row["exercice"] for row in rows if row["ligne_id"] == line)


def first_lines(root: Path) -> list[tuple[str, int]]:
    workspace = find_workspace(root)
    rows = load_register(workspace.registre, workspace.schemas, workspace.settings).tables["lignes_budgetaires"].rows
    return [(row["ligne_id"], row["exercice"]) for row in rows if row["convention_id"] == CONVENTION]


def two_lines(root: Path) -> tuple[tuple[str, int], tuple[str, int]]:
    """A row of each of two lines, in years of the contract."""
    one, two, *_ = [row for row in first_lines(root) if row[1] > 2015]
    assert one[0] != two[0]
    return one, two


def at(run: ConsolidationRun, spot: tuple[str, str]) -> list[str]:
    """What is suggested at a cell of the workbook."""
    places = [(finding.place.feuille, finding.place.cellule) for finding in run.findings]
    return [finding.suggestion for finding, place in zip(run.findings, places, strict=True) if place == spot]


def spot(book: Excel, row: int) -> tuple[str, str]:
    sheet = book.sheet(LINES)
    return sheet.title, str(sheet.cell(row, book.labels(LINES)["Exercice"]).coordinate)


@pytest.mark.parametrize("count", [1, 6])
def test_of_rows_added_without_identifier_a_second_run_says_what_the_first_said(root: Path, count: int) -> None:
    def change(book: Excel) -> None:
        for rank in range(count):
            town = {"Collectivité": "Lucé", "Libellé": f"Ludothèque {rank}"}
            book.add(LINES, **town, **{"Exercice": 2016, "Montant prévu (€)": 5 + rank})

    first = saved(root, change)
    second = consolidate(find_workspace(root), NIGHT + timedelta(days=1))
    assert len([key for key in first_lines(root) if "ludotheque" in key[0]]) == count
    assert [(finding.code, finding.place) for finding in second.findings] == [
        (finding.code, finding.place) for finding in first.findings
    ]
    assert not {finding.code for finding in second.findings} & {"identifiant-retabli", "identifiants-corriges"}
    assert not second.written


@pytest.mark.parametrize("typed", ["2O13", None])
def test_a_row_that_moves_beside_an_unread_year_counts_once(root: Path, typed: str | None) -> None:
    (one, year), (two, other) = two_lines(root)
    assert 2018 not in (*years(root, one), *years(root, two))
    before, cells = years(root, two), list[tuple[str, str]]()

    def change(book: Excel) -> None:
        book.type(LINES, book.find(LINES, Identifiant=one, Exercice=year), Exercice=2018)
        row = book.find(LINES, Identifiant=two, Exercice=other)
        book.type(LINES, row, Exercice=typed)
        cells.append(spot(book, row))

    kept = [exercice for exercice in years(root, one) if exercice != year]
    run = saved(root, change)
    assert years(root, one) == sorted([*kept, 2018])
    assert years(root, two) == before
    (stays,) = at(run, cells[0])
    assert f"la dernière valeur acceptée compte : {other}" in stays
    assert not run.consolidation.withheld


def test_rows_removed_beside_an_unread_year_go(root: Path) -> None:
    (one, year), (two, other) = two_lines(root)

    def change(book: Excel) -> None:
        book.type(LINES, book.find(LINES, Identifiant=one, Exercice=year), Exercice="2O13")
        book.remove(LINES, [book.find(LINES, Identifiant=two, Exercice=other)])

    run = saved(root, change)
    assert other not in years(root, two)
    assert year in years(root, one)
    assert [item.key for item in run.consolidation.staff if item.outcome is MergeOutcome.REMOVED] == [(two, other)]


def test_a_new_row_with_an_unread_year_is_said_once_and_suspends_nothing(root: Path) -> None:
    (two, other) = first_lines(root)[1]
    cells = list[tuple[str, str]]()

    def change(book: Excel) -> None:
        book.remove(LINES, [book.find(LINES, Identifiant=two, Exercice=other)])
        row = book.add(LINES, **{"Libellé": "Ludothèque", "Exercice": "2O16", "Montant prévu (€)": 5})
        cells.append(spot(book, row))

    run = saved(root, change)
    assert other not in years(root, two)
    (stays,) = at(run, cells[0])
    assert "ne compte pas" in stays


def test_a_removal_that_an_unread_year_suspends_is_said(root: Path) -> None:
    before = years(root, "A")
    assert before == [2013, 2015]

    def change(book: Excel) -> None:
        row = book.find("Lignes_01", Identifiant="A", Exercice=2013)
        others = [label for label in book.labels("Lignes_01") if label not in ("Identifiant", "Exercice")]
        book.type("Lignes_01", row, Exercice="2O13", **dict.fromkeys(others))
        book.remove("Lignes_01", [book.find("Lignes_01", Identifiant="A", Exercice=2015)])

    run = saved(root, change)
    assert years(root, "A") == before
    (finding,) = [finding for finding in run.findings if finding.code == "suppressions-suspendues"]
    assert "2 lignes supprimées restent au contrat" in finding.message
    assert finding.place.fichier == "contrat.xlsx"


def test_a_known_partner_typed_in_the_text_of_a_fiche_is_said_until_it_takes_part(root: Path) -> None:
    def name(book: Excel) -> None:
        row = next(iter(book.rows("Fiches_01")))
        book.type("Fiches_01", row, **{"Porteur(s)": "PERSONNE, et d'autres"})

    def link(book: Excel) -> None:
        fiche = book.get("Fiches_01", next(iter(book.rows("Fiches_01"))), "Fiche")
        book.add("Participations", Fiche=fiche, Partenaire="Personne", Rôle="porteur")

    assert "partenaire-en-texte" not in {finding.code for finding in consolidate(find_workspace(root), NIGHT).findings}
    for run in (saved(root, name), consolidate(find_workspace(root), NIGHT + timedelta(days=1))):
        (finding,) = [finding for finding in run.findings if finding.code == "partenaire-en-texte"]
        assert "« Personne » (" in finding.message
        assert not finding.bloquant
    assert "partenaire-en-texte" not in {finding.code for finding in saved(root, link).findings}
