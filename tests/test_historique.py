"""``tabellion historique``: who said what of a cell, a fiche or a line, in the words of the people who ask."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from support.contracts import schemas
from tabellion.campaign.cell_history import CellEntry
from tabellion.campaign.journal import open_journal
from tabellion.commands.generate import generate
from tabellion.commands.historique import historique, history_lines
from tabellion.contract.workspace import Workspace, find_workspace
from tabellion.findings import TabellionError
from tabellion.reading import read_workbook
from tabellion.reading.master import read_master

SENT, CORRECTED = datetime(2016, 11, 20, 2, 0), datetime(2016, 11, 27, 2, 0)
LINE, FICHE = ("B01-chartres-001", 2016), ("I-1.1./1",)
SUIVI = ("I-1.1./1", "luce", 2016)
MONEY = "montant_prevu"


def of_staff(
    table: str, key: tuple[Any, ...], champ: str, value: Any, cellule: str, feuille: str = "B01 Éducation"
) -> CellEntry:
    return CellEntry(table, key, champ, value, fichier="contrat.xlsx", feuille=feuille, cellule=cellule)


def of_luce(
    table: str, key: tuple[Any, ...], champ: str, value: Any, cellule: str, feuille: str = "Budget"
) -> CellEntry:
    saved = datetime(2016, 11, 18, 13, 5)
    return CellEntry(table, key, champ, value, "luce", 2016, "retours/Lucé.xlsx", feuille, cellule, saved, "Zoé")


FIRST = [
    of_staff("partenaires", ("luce",), "nom", "Ville de Lucé", "B6", "Nomenclatures"),
    of_staff("fiches", FICHE, "objectif", "Apprendre le français.", "C6", "C01 Éducation"),
    of_staff("fiches", FICHE, "cpo", False, "H6", "C01 Éducation"),
    of_staff("fiches", FICHE, "reparation", None, "K6", "C01 Éducation"),
    of_staff("fiches", ("I-1.1./2",), "objectif", "Autre chose.", "C7", "C01 Éducation"),
    of_staff("lignes_budgetaires", LINE, "libelle", "Accompagnement éducatif", "C7"),
    of_staff("lignes_budgetaires", LINE, MONEY, 12_000_00, "E7"),
    of_staff("financements", ("I-1.1./1:etat",), "fiche_id", "I-1.1./1", "B6", "Financements"),
    of_luce("suivis", SUIVI, "date_bilan", date(2016, 12, 31), "D6", "Actions"),
    of_luce("suivis", SUIVI, "pourcentage", 40, "E6", "Actions"),
]
SECOND = [
    of_luce("lignes_budgetaires", LINE, MONEY, 13_500_50, "F6"),
    of_staff(
        "fiches", FICHE, "objectif", "Apprendre le français, la lecture et l'écriture, " * 2, "C6", "C01 Éducation"
    ),
    of_staff("fiches", FICHE, "cpo", True, "H6", "C01 Éducation"),
]


@pytest.fixture
def told(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """A workspace where two consolidations have been, on a machine that lives in Paris."""
    monkeypatch.setitem(os.environ, "TZ", "Europe/Paris")
    time.tzset()
    found_workspace = find_workspace(workspace)
    run(found_workspace, SENT, FIRST)
    run(found_workspace, CORRECTED, SECOND)
    yield found_workspace
    monkeypatch.undo()
    time.tzset()


def run(workspace: Workspace, now: datetime, entries: list[CellEntry]) -> None:
    with open_journal(workspace.memory / "journal.sqlite", now) as journal:
        number = journal.start_run(now, "1.0")
        journal.add_entries(number, entries)
        journal.end_run(number, now, "", {})


def rows(workspace: Workspace, question: str) -> list[tuple[str, tuple[Any, ...], list[str]]]:
    return [(row.table, row.key, list(row.fields)) for row in historique(workspace, question).rows]


def refused(workspace: Workspace, question: str) -> tuple[str, str]:
    """The code of the refusal, and what it suggests."""
    with pytest.raises(TabellionError) as refusal:
        historique(workspace, question)
    (finding,) = refusal.value.findings
    assert finding.bloquant
    return finding.code, finding.suggestion


def test_a_line_tells_each_value_before_and_after_with_who_said_it(told: Workspace) -> None:
    assert "\n".join(history_lines(historique(told, "B01-chartres-001"))).splitlines() == [
        "",
        "Lignes budgétaires · B01-chartres-001 2016 : Accompagnement éducatif",
        "",
        "  Libellé",
        "    20/11/2016 à 02h00 : « Accompagnement éducatif »",
        "        l'équipe du contrat, dans contrat.xlsx, feuille « B01 Éducation », cellule C7",
        "",
        "  Montant prévu (€)",
        "    20/11/2016 à 02h00 : 12\u202f000\u00a0€",
        "        l'équipe du contrat, dans contrat.xlsx, feuille « B01 Éducation », cellule E7",
        "    27/11/2016 à 02h00 : 12\u202f000\u00a0€ → 13\u202f500,50\u00a0€",
        "        Ville de Lucé, dans retours/Lucé.xlsx, feuille « Budget », cellule F6,"
        " enregistré le 18/11/2016 à 14h05 par Zoé",
        "",
        "3 valeurs notées pour « B01-chartres-001 ».",
    ]


def test_a_fiche_comes_with_all_that_belongs_to_it(told: Workspace) -> None:
    assert rows(told, "I-1.1./1") == [
        ("fiches", FICHE, ["objectif", "cpo"]),
        ("suivis", SUIVI, ["pourcentage", "date_bilan"]),
        ("financements", ("I-1.1./1:etat",), ["fiche_id"]),
    ]
    text = "\n".join(history_lines(historique(told, "I-1.1./1")))
    for words in (
        "non → oui",
        "31/12/2016\n",
        "40\u00a0%",
        "avant : « Apprendre le français. »",
        "après : « Apprendre",
    ):
        assert words in text


@pytest.mark.parametrize("question", ["I-1.1./1", "I-1.1/1", "i-1.1/1", " I-1.1./1 ", "« I-1.1./1 »", "I-1.1./1."])
def test_a_fiche_is_found_as_people_write_it(told: Workspace, question: str) -> None:
    assert rows(told, question)[0][:2] == ("fiches", FICHE)


@pytest.mark.parametrize(
    ("question", "row"),
    [
        ("b01-CHARTRES-001", ("lignes_budgetaires", LINE)),
        ("B01-chartres-001 2016", ("lignes_budgetaires", LINE)),
        ("I-1.1./1:etat", ("financements", ("I-1.1./1:etat",))),
        ("luce", ("partenaires", ("luce",))),
        ("I-1.1./1 luce 2016", ("suivis", SUIVI)),
    ],
)
def test_any_row_is_found_by_its_key(told: Workspace, question: str, row: tuple[str, Any]) -> None:
    assert [row[:2] for row in rows(told, question)] == [row]


@pytest.mark.parametrize(
    "question",
    [
        "contrat.xlsx!B01 Éducation!E7",
        "'B01 Éducation'!E7",
        "B01 Éducation!E7",
        "b01 education!$e$7",
        "B01!E7",
        "contrat.xlsx 'B01 Éducation'!E7",
        "'[contrat.xlsx]B01 Éducation'!E7",
        "workbooks/contrat.xlsx!B01 Éducation!E7",
        "retours/Lucé.xlsx Budget!F6",
        "luce.xlsx!budget!F6",
        "C:\\contrat\\workbooks\\retours\\Lucé.xlsx!Budget!F6",
        "Budget!F6",
    ],
)
def test_a_cell_is_found_as_people_write_it(told: Workspace, question: str) -> None:
    (row,) = historique(told, question).rows
    assert (row.table, row.key, list(row.fields)) == ("lignes_budgetaires", LINE, [MONEY])
    assert [step.entry.value for step in row.fields[MONEY]] == [12_000_00, 13_500_50]


def test_a_blank_cell_that_is_asked_for_is_told(told: Workspace) -> None:
    assert rows(told, "C01 Éducation!K6") == [("fiches", FICHE, ["reparation"])]


@pytest.mark.parametrize(
    ("question", "near"),
    [
        ("B01-chartre-001", "« B01-chartres-001 »"),
        ("I-1.1./3", "« I-1.1./1 »"),
        ("B01 Educatoin!E7", "« contrat.xlsx!B01 Éducation!E7 »"),
        ("B01 Éducation!E8", "« contrat.xlsx!B01 Éducation!E7 »"),
        ("retours/Luce2.xlsx!Budget!F6", "« retours/Lucé.xlsx!Budget!A1 »"),
        ("n'importe quoi", "une cellule comme"),
        ("", "une cellule comme"),
        ("!E7", "une cellule comme"),
        ("E7", "une cellule comme"),
        ("\x1b[31mrouge", "une cellule comme"),
    ],
)
def test_what_is_unknown_is_refused_with_the_nearest_known(told: Workspace, question: str, near: str) -> None:
    code, suggestion = refused(told, question)
    assert code == "historique-inconnu"
    assert near in suggestion


def test_a_row_is_found_by_what_people_call_it(told: Workspace) -> None:
    run(told, CORRECTED, [of_staff("lignes_budgetaires", LINE, "libelle", "Accueil d'été & goûter", "C7")])
    rows_told = rows(told, "accueil d’ete  & Goûter")
    assert [(table, key) for table, key, _ in rows_told] == [("lignes_budgetaires", LINE)]
    code, suggestion = refused(told, "Acueil d'été & goûter")
    assert code == "historique-inconnu"
    assert "« Accueil d'été & goûter »" in suggestion


def test_a_sheet_that_several_files_have_must_be_said_with_its_file(told: Workspace) -> None:
    run(told, CORRECTED, [SECOND[0]._replace(fichier="retours/autre.xlsx", key=("B02-x-001", 2016))])
    code, suggestion = refused(told, "Budget!F6")
    assert code == "historique-inconnu"
    assert "« retours/Lucé.xlsx!Budget!F6 » ou « retours/autre.xlsx!Budget!F6 »" in suggestion
    assert rows(told, "autre.xlsx!Budget!F6") == [("lignes_budgetaires", ("B02-x-001", 2016), [MONEY])]


def test_a_cell_of_the_master_is_what_stands_there_now(workspace: Path) -> None:
    found_workspace = find_workspace(workspace)
    generate(found_workspace, None, force=False, now=SENT)
    reading = read_master(read_workbook(found_workspace.contrat), schemas(), found_workspace.settings.identifiant)
    row = reading.tables["lignes_budgetaires"].rows[1]
    key = (row["ligne_id"], row["exercice"])
    place = reading.locate("lignes_budgetaires", 1, "montant_realise")
    assert place.feuille is not None
    # The journal saw the line one row higher: since then somebody inserted a row above it.
    stale = of_staff("lignes_budgetaires", key, "montant_realise", 5_00, "A1", place.feuille)
    run(found_workspace, SENT, [stale])
    question = f"contrat.xlsx!{place.feuille}!{place.cellule}"
    assert rows(found_workspace, question) == [("lignes_budgetaires", key, ["montant_realise"])]
    found_workspace.contrat.write_bytes(b"abime")
    assert refused(found_workspace, question)[0] == "historique-inconnu"
    assert rows(found_workspace, f"contrat.xlsx!{place.feuille}!A1") == [
        ("lignes_budgetaires", key, ["montant_realise"])
    ]


def test_without_a_journal_people_are_told_to_consolidate(workspace: Path) -> None:
    code, suggestion = refused(find_workspace(workspace), "I-1.1./1")
    assert code == "journal-absent"
    assert "tabellion consolidate" in suggestion
    assert not (workspace / "workbooks" / ".tabellion").exists()


def test_a_value_that_commands_a_terminal_is_shown_harmless(told: Workspace) -> None:
    run(
        told,
        CORRECTED,
        [SECOND[0]._replace(champ="commentaire", value="a\x1b[2Jb\nc", author="\x07", fichier="retours/\x1b.xlsx")],
    )
    text = "".join(history_lines(historique(told, "B01-chartres-001")))
    assert "a�[2Jb c" in text
    assert not any(sign in text for sign in "\x1b\x07\n")


def test_a_value_said_again_from_another_file_says_so(told: Workspace) -> None:
    run(told, CORRECTED, [SECOND[0]._replace(fichier="retours/Lucé (1).xlsx")])
    assert "    27/11/2016 à 02h00 : 13\u202f500,50\u00a0€, redit" in history_lines(historique(told, "B01!E7"))
