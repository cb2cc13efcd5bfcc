"""What staff type in the workbook of the contract counts; a slip costs its cell; what looks like an accident waits."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from support.campaign import fill
from support.contracts import SOURCE
from support.excel import Excel, edited
from support.program import contents, tabellion
from tabellion.campaign.decisions import DECISIONS_FILE, Decision, Decisions, load_decisions
from tabellion.campaign.journal import read_journal
from tabellion.campaign.model import MergeOutcome, Modification
from tabellion.commands.consolidate import ConsolidationRun, consolidate
from tabellion.commands.source import load_contract
from tabellion.contract.register import load_register
from tabellion.contract.workspace import find_workspace
from tabellion.schema.money import format_euros

MONDAY = datetime(2016, 11, 14, 9)
NIGHT = datetime(2016, 12, 1, 2)
LINES, AMOUNT, PLANNED, LABEL = "Lignes_01", "Montant réalisé (€)", "Montant prévu (€)", "Libellé"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, sent: Path) -> Path:
    """A small contract, consolidated once: to copy, not to change."""
    folder = Path(shutil.copytree(sent, tmp_path_factory.mktemp("made") / "contrat"))
    night(folder, NIGHT - timedelta(days=30))
    return folder


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "contrat"))


@pytest.fixture(scope="module")
def chartres_made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from support.campaign import campaign_workspace

    folder = campaign_workspace(tmp_path_factory.mktemp("chartres") / "contrat")
    assert tabellion("generate", cwd=folder).code == 0
    night(folder, NIGHT - timedelta(days=30))
    return folder


@pytest.fixture
def chartres(chartres_made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(chartres_made, tmp_path / "contrat"))


def night(root: Path, now: datetime = NIGHT) -> ConsolidationRun:
    return consolidate(find_workspace(root), now)


def contrat(root: Path) -> Path:
    return root / "workbooks" / "contrat.xlsx"


def edit(root: Path, change: Callable[[Excel], Any], *, day: int = 0, author: str = "Anne") -> None:
    edited(contrat(root), change, saved=MONDAY + timedelta(days=day), author=author)


def accepted(root: Path, table: str, **where: Any) -> list[dict[str, Any]]:
    """The rows of the register in place."""
    workspace = find_workspace(root)
    book = load_register(workspace.registre, workspace.schemas, workspace.settings)
    return [dict(row) for row in book.tables[table].rows if all(row[key] == value for key, value in where.items())]


def cells_of(run: ConsolidationRun, code: str) -> list[str]:
    return [finding.place.cellule or "" for finding in run.findings if finding.code == code]


def listed(changes: tuple[Modification, ...]) -> set[tuple[str, Any, Any]]:
    return {(change.champ, change.before, change.after) for change in changes}


# Changes count, are listed, and are not repeated


def test_a_typed_amount_is_the_contract_from_the_next_run_on(root: Path) -> None:
    edit(root, lambda book: book.type(LINES, book.find(LINES, Identifiant="A", Exercice=2013), **{AMOUNT: 4321.09}))
    assert load_contract(find_workspace(root)).tables["lignes_budgetaires"].rows[0]["montant_realise"] == 432109
    run = night(root)
    (row,) = accepted(root, "lignes_budgetaires", ligne_id="A", exercice=2013)
    assert row["montant_realise"] == 432109
    (change,) = run.consolidation.staff
    assert (change.before, change.after, change.author, change.saved) == (100033, 432109, "Anne", MONDAY)
    assert change.partenaire is None
    assert change.place.fichier == "contrat.xlsx"


def test_a_change_is_listed_until_adoption_and_an_undone_one_is_not(root: Path) -> None:
    def typed(value: float) -> Callable[[Excel], None]:
        return lambda book: book.type(LINES, book.find(LINES, Identifiant="A", Exercice=2013), **{AMOUNT: value})

    edit(root, typed(10))
    night(root)
    before = contents(root / "workbooks" / "registre")
    assert not night(root, NIGHT + timedelta(days=1)).written
    assert contents(root / "workbooks" / "registre") == before
    edit(root, typed(20), day=1, author="Luc")
    (change,) = night(root, NIGHT + timedelta(days=2)).consolidation.staff
    assert (change.before, change.after, change.author) == (100033, 2000, "Luc")
    edit(root, typed(1000.33), day=2, author="Luc")
    assert night(root, NIGHT + timedelta(days=3)).consolidation.staff == ()


@pytest.mark.parametrize("spelling", ["Cantine\u00a0", " Cantine\u200b", "\u202aCantine\u202c"])
def test_a_spelling_that_nobody_sees_is_no_change_of_the_contract(root: Path, spelling: str) -> None:
    edit(root, lambda book: book.type(LINES, book.find(LINES, Identifiant="A", Exercice=2013), **{LABEL: spelling}))
    assert accepted(root, "lignes_budgetaires", ligne_id="A", exercice=2013)[0]["libelle"] == "Cantine"
    assert night(root).consolidation.staff == ()


def test_forms_are_made_from_what_was_typed_and_say_it(root: Path) -> None:
    edit(
        root, lambda book: book.type(LINES, book.find(LINES, Identifiant="A", Exercice=2013), **{LABEL: "Cantine bio"})
    )
    done = tabellion("forms", "--exercice", "2017", cwd=root)
    assert done.code == 0, done.err
    assert "Cantine bio" in done.out
    assert accepted(root, "lignes_budgetaires", ligne_id="A", exercice=2013)[0]["libelle"] == "Cantine bio"


def test_a_row_added_and_a_row_removed_count(root: Path) -> None:
    def change(book: Excel) -> None:
        book.add(LINES, **{"Collectivité": "Métropole", LABEL: "Ludothèque", "Exercice": 2016, PLANNED: 1500})
        book.remove("Lignes_03", [book.find("Lignes_03", Identifiant="F", Exercice=2013)])

    edit(root, change)
    run = night(root)
    (row,) = accepted(root, "lignes_budgetaires", libelle="Ludothèque")
    assert (row["convention_id"], row["collectivite_id"], row["exercice"], row["montant_prevu"]) == (
        1,
        "metropole",
        2016,
        150000,
    )
    assert accepted(root, "lignes_budgetaires", ligne_id="F") == []
    outcomes = {change.key[0]: change.outcome for change in run.consolidation.staff}
    assert outcomes == {row["ligne_id"]: MergeOutcome.APPLIED, "F": MergeOutcome.REMOVED}
    assert not any(finding.bloquant for finding in run.findings)
    # a second run gives the new row the same identifier, and the removed one does not come back
    night(root, NIGHT + timedelta(days=1))
    assert accepted(root, "lignes_budgetaires", libelle="Ludothèque") == [row]
    assert accepted(root, "lignes_budgetaires", ligne_id="F") == []


def test_a_row_moved_to_the_sheet_of_another_convention_is_listed(root: Path) -> None:
    def change(book: Excel) -> None:
        row = book.find("Lignes_03", Identifiant="F", Exercice=2013)
        values = {label: book.get("Lignes_03", row, label) for label in book.labels("Lignes_03")}
        book.remove("Lignes_03", [row])
        book.add(LINES, **values)

    edit(root, change)
    run = night(root)
    (row,) = accepted(root, "lignes_budgetaires", ligne_id="F", exercice=2013)
    assert row["convention_id"] == 1
    assert listed(run.consolidation.staff) == {("convention_id", 3, 1)}
    (moved,) = run.consolidation.staff
    assert (moved.place.feuille or "").startswith("B01")
    assert listed(night(root, NIGHT + timedelta(days=1)).consolidation.staff) == {("convention_id", 3, 1)}


def test_adoption_keeps_what_was_typed_beside_what_returns_say(root: Path) -> None:
    edit(root, lambda book: book.type(LINES, book.find(LINES, Identifiant="A", Exercice=2013), **{AMOUNT: 12}))
    form = root / "workbooks" / "envois" / "2016" / "luce-2016.xlsx"
    fill(form, root / "workbooks" / "retours" / "luce.xlsx", {"Budget": {"A": {"montant_prevu": 77}}}, saved=MONDAY)
    done = tabellion("adopt", "--oui", cwd=root)
    assert done.code == 0, done.err
    assert "L'équipe, dans contrat.xlsx : 1 saisie" in done.out
    assert accepted(root, "lignes_budgetaires", ligne_id="A", exercice=2013)[0]["montant_realise"] == 1200
    assert accepted(root, "lignes_budgetaires", ligne_id="A", exercice=2016)[0]["montant_prevu"] == 7700
    book = load_contract(find_workspace(root))
    typed = {(row["ligne_id"], row["exercice"]): row for row in book.tables["lignes_budgetaires"].rows}
    assert typed["A", 2013]["montant_realise"] == 1200
    assert typed["A", 2016]["montant_prevu"] == 7700
    assert night(root).consolidation.staff == ()


def test_generating_again_keeps_what_was_typed(root: Path) -> None:
    edit(root, lambda book: book.type(LINES, book.find(LINES, Identifiant="A", Exercice=2013), **{AMOUNT: 12}))
    before = contents(root / "workbooks" / "registre")
    assert tabellion("generate", cwd=root).code == 2
    assert contents(root / "workbooks" / "registre") == before
    assert tabellion("generate", "--forcer", cwd=root).code == 0
    assert len(list((root / "workbooks" / "archives").glob("contrat *.xlsx"))) == 1
    assert load_contract(find_workspace(root)).tables["lignes_budgetaires"].rows[0]["montant_realise"] == 1200
    (change,) = night(root).consolidation.staff
    assert (change.after, change.author) == (1200, "Anne")


# What cannot be is not taken, and costs itself alone


def test_a_new_row_that_cannot_be_waits_in_the_workbook(root: Path) -> None:
    def change(book: Excel) -> None:
        book.add(LINES, **{"Collectivité": "Ville inconnue au bataillon", LABEL: "Essai", "Exercice": 2016, PLANNED: 1})
        book.type(LINES, book.find(LINES, Identifiant="A", Exercice=2013), **{AMOUNT: 12})

    edit(root, change)
    run = night(root)
    assert accepted(root, "lignes_budgetaires", libelle="Essai") == []
    assert accepted(root, "lignes_budgetaires", ligne_id="A", exercice=2013)[0]["montant_realise"] == 1200
    assert any(
        "ne compte pas" in finding.suggestion or "compte comme vide" in finding.suggestion for finding in run.findings
    )
    assert not any(finding.bloquant for finding in run.findings)


def test_a_row_that_others_name_stays_and_it_is_said(root: Path) -> None:
    edit(root, lambda book: book.remove("Collectivites", [book.find("Collectivites", Identifiant="luce")]))
    run = night(root)
    assert len(accepted(root, "collectivites", collectivite_id="luce")) == 1
    assert len(cells_of(run, "ligne-encore-citee")) == 1


# What looks like an accident waits


def test_many_rows_removed_at_once_wait(chartres: Path) -> None:
    before = accepted(chartres, "lignes_budgetaires")
    edit(chartres, lambda book: book.remove(LINES, list(book.rows(LINES))[3:20]))
    run = night(chartres)
    assert len(accepted(chartres, "lignes_budgetaires")) == len(before)
    (held,) = run.consolidation.withheld
    removed_rows = [row for row in before if row["convention_id"] == 1][3:20]
    assert set(held.keys) == {(row["ligne_id"], row["exercice"]) for row in removed_rows}
    assert held.cents == sum(row["montant_realise"] or 0 for row in removed_rows)
    (finding,) = [finding for finding in run.findings if finding.code == "suppression-a-confirmer"]
    assert finding.bloquant
    assert tabellion("adopt", "--oui", cwd=chartres).code == 2


def test_lines_of_a_deleted_sheet_are_named_where_the_register_has_them(chartres: Path) -> None:
    """Their place is the register: the run that says so writes it, with these lines at its end."""

    def drop(book: Excel) -> None:
        del book.book[book.sheet("Lignes_07").title]

    edit(chartres, drop)
    for _ in range(2):
        run = night(chartres)
        register = (chartres / "workbooks" / "registre" / "lignes_budgetaires.csv").read_text(encoding="utf-8")
        named = [item for item in run.findings if item.code == "compte-deux-fois" and item.place.ligne is not None]
        assert named, "the lines of convention 7 that convention 8 has too"
        for finding in named:
            row = register.splitlines()[(finding.place.ligne or 0) - 1]
            assert row.startswith("B07-"), row
            assert row.split(",")[3].strip('"')[:20] in finding.message


def test_a_row_that_a_return_speaks_of_waits_when_staff_remove_it(root: Path) -> None:
    form, row = root / "workbooks" / "envois" / "2016" / "luce-2016.xlsx", {"ligne_id": "C", "exercice": 2016}
    fill(form, root / "workbooks" / "retours" / "luce.xlsx", {"Budget": {"C": {"montant_prevu": 77}}}, saved=MONDAY)
    night(root)
    assert not night(root, NIGHT + timedelta(days=1)).written
    edit(root, lambda book: book.remove("Lignes_03", [book.find("Lignes_03", Identifiant="C", Exercice=2016)]), day=1)
    edit(root, lambda book: book.remove("Lignes_03", [book.find("Lignes_03", Identifiant="D", Exercice=2017)]), day=1)
    run = night(root, NIGHT + timedelta(days=2))
    (held,) = run.consolidation.withheld
    assert held.keys == (("C", 2016),), "nobody has said anything of the other line"
    (finding,) = [finding for finding in run.findings if finding.code == "suppression-a-confirmer"]
    assert finding.bloquant
    assert "Un retour ou une décision en parle" in finding.message
    consolidated = {(line["ligne_id"], line["exercice"]): line for line in run.consolidation.contract.tables[
        "lignes_budgetaires"].rows}  # fmt: skip
    assert consolidated["C", 2016]["montant_prevu"] == 7700
    assert ("D", 2017) not in consolidated
    decide(root, held.question, "confirmer")
    run = night(root, NIGHT + timedelta(days=3))
    assert accepted(root, "lignes_budgetaires", **row) == []
    assert [conflict.key for conflict in run.consolidation.conflicts] == [("C", 2016)], "what of the answer, is asked"


def test_a_column_emptied_at_once_waits(chartres: Path) -> None:
    before = accepted(chartres, "fiches")

    def change(book: Excel) -> None:
        for number in range(1, 12):
            for row in book.rows(f"Fiches_{number:02d}"):
                book.type(f"Fiches_{number:02d}", row, Objectif=None)

    edit(chartres, change)
    run = night(chartres)
    assert [row["objectif"] for row in accepted(chartres, "fiches")] == [row["objectif"] for row in before]
    assert len(cells_of(run, "colonne-videe")) == 1


def _sort(book: Excel, labels: Sequence[str], lines: str = "Lignes_03") -> None:
    """Sort some columns of a budget sheet by amount, blanks last, and none of the others."""
    rows = book.rows(lines)
    contents = [{label: book.get(lines, row, label) for label in {AMOUNT, *labels}} for row in rows]
    contents.sort(key=lambda content: (content[AMOUNT] is None, content[AMOUNT] or 0))
    for row, content in zip(rows, contents, strict=True):
        book.type(lines, row, **{label: content[label] for label in labels})


def _amounts(root: Path) -> dict[str, int | None]:
    """The amounts of the lines of the third convention."""
    rows = accepted(root, "lignes_budgetaires", convention_id=3)
    return {row["ligne_id"]: row["montant_realise"] for row in rows}


#: What they are (in the sheet: F, E, C, D), and what their column sorted alone says: 9 € go to E and 4 € to C.
_UNSORTED = {"C": 700, "D": 900, "E": None, "F": 1100}
_SORTED = {"C": 1100, "D": None, "E": 900, "F": 700}


def test_a_column_sorted_alone_waits(root: Path) -> None:
    assert _amounts(root) == _UNSORTED
    edit(root, lambda book: _sort(book, [AMOUNT]))
    run = night(root)
    assert _amounts(root) == _UNSORTED
    (held,) = run.consolidation.withheld
    assert ({key[0] for key in held.keys}, held.champ, held.cents) == (set("CDEF"), "montant_realise", 1300)
    (finding,) = [finding for finding in run.findings if finding.code == "colonne-deplacee"]
    assert finding.bloquant
    sheet = finding.place.feuille or ""
    assert sheet.startswith("B03")
    assert finding.place.cellule
    (question,) = [question for question in run.consolidation.questions if question.id == held.question]
    for words in ("Montant réalisé", sheet, "4 lignes", format_euros(1300)):
        assert words in question.sentence
    assert tabellion("adopt", "--oui", cwd=root).code == 2


def test_a_column_sorted_alone_counts_once_confirmed_and_is_not_asked_again(root: Path) -> None:
    edit(root, lambda book: _sort(book, [AMOUNT]))
    (held,) = night(root).consolidation.withheld
    decide(root, held.question, "confirmer")
    for day in (1, 2):
        run = night(root, NIGHT + timedelta(days=day))
        assert not run.consolidation.withheld
        assert cells_of(run, "colonne-deplacee") == []
        assert _amounts(root) == _SORTED


def test_a_column_sorted_alone_stays_as_it_was_when_that_is_decided(root: Path) -> None:
    edit(root, lambda book: _sort(book, [AMOUNT]))
    (held,) = night(root).consolidation.withheld
    decide(root, held.question, "garder")
    run = night(root, NIGHT + timedelta(days=1))
    assert _amounts(root) == _UNSORTED
    assert not any(finding.bloquant for finding in run.findings if finding.code == "colonne-deplacee")


def test_a_column_sorted_alone_goes_on_waiting_whatever_is_typed_meanwhile(root: Path) -> None:
    edit(root, lambda book: _sort(book, [AMOUNT]))
    night(root)

    def typed(book: Excel) -> None:
        book.type("Lignes_03", book.find("Lignes_03", Identifiant="D"), **{AMOUNT: 12})
        for line in book.rows("Lignes_03"):
            book.type("Lignes_03", line, Commentaire="vu")

    edit(root, typed, day=1)
    for day in (1, 2):
        run = night(root, NIGHT + timedelta(days=day))
        assert _amounts(root) == {**_UNSORTED, "D": 1200}
        assert len(cells_of(run, "colonne-deplacee")) == 1


def test_a_column_emptied_while_its_sort_waits_is_emptied(root: Path) -> None:
    edit(root, lambda book: _sort(book, [AMOUNT]))
    night(root)

    def empty(book: Excel) -> None:
        for lines in (LINES, "Lignes_02", "Lignes_03"):
            for row in book.rows(lines):
                book.type(lines, row, **{AMOUNT: None})

    edit(root, empty, day=1)
    run = night(root, NIGHT + timedelta(days=1))
    assert _amounts(root) == _UNSORTED
    assert [held.champ for held in run.consolidation.withheld] == ["montant_realise"]
    assert len(cells_of(run, "colonne-videe")) == 1


def test_whole_rows_sorted_together_are_no_accident(root: Path) -> None:
    edit(root, lambda book: _sort(book, list(book.labels("Lignes_03"))))
    run = night(root)
    assert not run.consolidation.withheld
    assert not run.consolidation.staff
    assert _amounts(root) == _UNSORTED


def test_two_amounts_that_trade_places_are_no_accident(root: Path) -> None:

    def trade(book: Excel) -> None:
        for line, euros in (("C", 11), ("F", 7)):
            book.type("Lignes_03", book.find("Lignes_03", Identifiant=line), **{AMOUNT: euros})

    edit(root, trade)
    run = night(root)
    assert not run.consolidation.withheld
    assert _amounts(root) == {**_UNSORTED, "C": 1100, "F": 700}


def test_an_older_copy_put_back_does_not_undo_newer_typing(root: Path) -> None:
    old = contrat(root).read_bytes()
    row = {"Identifiant": "A", "Exercice": 2013}
    edit(root, lambda book: book.type(LINES, book.find(LINES, **row), **{AMOUNT: 55}))
    night(root)
    contrat(root).write_bytes(old)
    edited(contrat(root), lambda book: book.type(LINES, book.find(LINES, **row), Commentaire="vu"),
           saved=MONDAY - timedelta(days=1), author="Luc")  # fmt: skip
    run = night(root, NIGHT + timedelta(days=1))
    (kept,) = accepted(root, "lignes_budgetaires", ligne_id="A", exercice=2013)
    assert (kept["montant_realise"], kept["commentaire"]) == (5500, "vu")
    (finding,) = [finding for finding in run.findings if finding.code == "saisies-defaites"]
    assert finding.bloquant
    assert "Anne" in finding.message


def test_somebody_s_save_of_the_same_day_is_not_undone_by_another_s(root: Path) -> None:
    theirs = contrat(root).with_name("ailleurs.xlsx")
    shutil.copy(contrat(root), theirs)
    row = {"Identifiant": "A", "Exercice": 2013}
    edit(root, lambda book: book.type(LINES, book.find(LINES, **row), **{AMOUNT: 55}))
    night(root)
    later = MONDAY + timedelta(hours=2)
    other = {"Identifiant": "B", "Exercice": 2013}
    edited(theirs, lambda book: book.type("Lignes_02", book.find("Lignes_02", **other), **{AMOUNT: 66}),
           saved=later, author="Luc", target=contrat(root))  # fmt: skip
    theirs.unlink()
    run = night(root, NIGHT + timedelta(days=1))
    assert accepted(root, "lignes_budgetaires", ligne_id="A", exercice=2013)[0]["montant_realise"] == 5500
    assert accepted(root, "lignes_budgetaires", ligne_id="B", exercice=2013)[0]["montant_realise"] == 6600
    assert cells_of(run, "saisies-defaites") == [""]


def _amount(value: float) -> Callable[[Excel], None]:
    return lambda book: book.type(LINES, book.find(LINES, Identifiant="A", Exercice=2013), **{AMOUNT: value})


def _comment(text: str) -> Callable[[Excel], None]:
    return lambda book: book.type("Lignes_02", book.find("Lignes_02", Identifiant="B", Exercice=2013), Commentaire=text)


def test_a_copy_with_a_value_from_between_does_not_undo_the_newest(root: Path) -> None:
    edit(root, _amount(10))
    night(root)
    between = contrat(root).read_bytes()
    edit(root, _amount(20), day=1)
    night(root, NIGHT + timedelta(days=1))
    contrat(root).write_bytes(between)
    run = night(root, NIGHT + timedelta(days=2))
    assert accepted(root, "lignes_budgetaires", ligne_id="A", exercice=2013)[0]["montant_realise"] == 2000
    assert cells_of(run, "saisies-defaites") == [""]


def test_the_first_workbook_put_back_over_a_generated_one_is_an_older_copy(root: Path) -> None:
    old = contrat(root).read_bytes()
    edit(root, _amount(55))
    night(root)
    assert tabellion("generate", "--forcer", cwd=root).code == 0
    night(root, NIGHT + timedelta(days=1))
    contrat(root).write_bytes(old)
    run = night(root, NIGHT + timedelta(days=2))
    assert accepted(root, "lignes_budgetaires", ligne_id="A", exercice=2013)[0]["montant_realise"] == 5500
    assert cells_of(run, "saisies-defaites") == [""]


def test_what_waits_goes_on_waiting_whoever_saves_the_older_copy_next(root: Path) -> None:
    old = contrat(root).read_bytes()
    edit(root, _amount(55))
    night(root)
    contrat(root).write_bytes(old)
    edit(root, _comment("de Luc"), day=3, author="Luc")  # days later: of Anne's save nothing is left
    assert cells_of(night(root, NIGHT + timedelta(days=3)), "saisies-defaites") == [""]
    edit(root, _comment("d'Anne"), day=4)
    run = night(root, NIGHT + timedelta(days=4))
    (row,) = accepted(root, "lignes_budgetaires", ligne_id="A", exercice=2013)
    assert row["montant_realise"] == 5500
    assert accepted(root, "lignes_budgetaires", ligne_id="B", exercice=2013)[0]["commentaire"] == "d'Anne"
    (held,) = run.consolidation.withheld
    decide(root, held.question, "confirmer")
    night(root, NIGHT + timedelta(days=5))
    assert accepted(root, "lignes_budgetaires", ligne_id="A", exercice=2013)[0]["montant_realise"] == 100033


def test_second_thoughts_of_the_same_person_are_taken(root: Path) -> None:
    row = {"Identifiant": "A", "Exercice": 2013}
    edit(root, lambda book: book.type(LINES, book.find(LINES, **row), **{AMOUNT: 55}))
    night(root)
    edit(root, lambda book: book.type(LINES, book.find(LINES, **row), **{AMOUNT: 1000.33}), day=1)
    run = night(root, NIGHT + timedelta(days=1))
    assert accepted(root, "lignes_budgetaires", ligne_id="A", exercice=2013)[0]["montant_realise"] == 100033
    assert cells_of(run, "saisies-defaites") == []


def test_an_older_copy_of_one_s_own_that_undoes_one_value_is_said_every_night(root: Path) -> None:
    old = contrat(root).read_bytes()
    edit(root, _amount(55))
    night(root)
    contrat(root).write_bytes(old)
    edit(root, _comment("vu"), day=1)
    for day in (1, 2):
        run = night(root, NIGHT + timedelta(days=day))
        (finding,) = [finding for finding in run.findings if finding.code == "saisies-reprises"]
        assert (finding.place.cellule, finding.bloquant) == ("E12", False)
        assert "55 €, et de nouveau 1 000,33 €" in finding.message.replace("\u202f", " ").replace("\xa0", " ")
        assert listed(run.consolidation.staff) == {("commentaire", None, "vu")}
    edit(root, _amount(55), day=3)  # typed again, it is no more said
    assert cells_of(night(root, NIGHT + timedelta(days=3)), "saisies-reprises") == []


def test_a_workbook_from_before_an_adoption_is_not_taken(root: Path) -> None:
    old = contrat(root).read_bytes()
    form = root / "workbooks" / "envois" / "2016" / "luce-2016.xlsx"
    fill(form, root / "workbooks" / "retours" / "luce.xlsx", {"Budget": {"A": {"montant_prevu": 77}}}, saved=MONDAY)
    for _ in range(2):
        assert tabellion("adopt", "--oui", cwd=root).code == 0
    adopted = accepted(root, "lignes_budgetaires")
    contrat(root).write_bytes(old)
    run = night(root)
    assert accepted(root, "lignes_budgetaires") == adopted
    (finding,) = [finding for finding in run.findings if finding.code == "classeur-d-avant-adoption"]
    assert "77" in finding.message
    assert finding.bloquant


def test_adoption_changes_the_staff_s_own_workbook_and_nothing_else_in_it(root: Path) -> None:
    from openpyxl.comments import Comment
    from openpyxl.styles import PatternFill

    def own(book: Excel) -> None:
        sheet = book.book.create_sheet("Nos calculs")
        sheet["A1"] = "=SUM(Lignes_01[Montant prévu (€)])"
        sheet["B1"] = "à nous"
        mine = book.sheet(LINES)
        mine.cell(book.find(LINES, Identifiant="A", Exercice=2013), book.labels(LINES)[LABEL]).fill = PatternFill(
            "solid", fgColor="FFFFCC00"
        )
        mine.cell(book.find(LINES, Identifiant="A", Exercice=2015), book.labels(LINES)[LABEL]).comment = Comment(
            "Vu", "A"
        )

    edit(root, own)
    before = openpyxl.load_workbook(contrat(root))
    form = root / "workbooks" / "envois" / "2016" / "luce-2016.xlsx"
    new_row = {"convention_id": "1 – Éducation", "libelle": "Ludothèque", "montant_prevu": 45.67}
    fill(form, root / "workbooks" / "retours" / "luce.xlsx", {"Budget": {"C": {"montant_prevu": 77}}},
         new_rows={"Budget": [new_row]}, saved=MONDAY)  # fmt: skip
    done = tabellion("adopt", "--oui", cwd=root)
    assert done.code == 0, done.err
    after = openpyxl.load_workbook(contrat(root))
    assert after.sheetnames == before.sheetnames
    assert after["Nos calculs"]["A1"].value == "=SUM(Lignes_01[Montant prévu (€)])"
    book = Excel(after)
    row, label = book.find(LINES, Identifiant="A", Exercice=2013), book.labels(LINES)[LABEL]
    assert book.sheet(LINES).cell(row, label).fill.fgColor.rgb == "FFFFCC00"
    assert book.sheet(LINES).cell(book.find(LINES, Identifiant="A", Exercice=2015), label).comment.text == "Vu"
    assert book.get("Lignes_03", book.find("Lignes_03", Identifiant="C", Exercice=2016), PLANNED) == 77
    added = book.find(LINES, **{LABEL: "Ludothèque"})
    assert added == max(book.rows(LINES))
    assert (book.get(LINES, added, PLANNED), book.get(LINES, added, "Exercice")) == (45.67, 2016)
    changed = {
        (sheet.title, cell.coordinate)
        for sheet in before if sheet.title not in ("_tabellion",)
        for row_ in sheet.iter_rows() for cell in row_
        if cell.value != after[sheet.title][cell.coordinate].value and sheet.title.startswith(("B", "N", "F"))
    }  # fmt: skip
    wanted = book.sheet("Lignes_03").cell(book.find("Lignes_03", Identifiant="C", Exercice=2016),
                                          book.labels("Lignes_03")[PLANNED]).coordinate  # fmt: skip
    assert ("B03 Habitat", wanted) in changed
    assert {sheet for sheet, _ in changed} <= {"B01 Éducation", "B03 Habitat", "B02 Santé"}
    run = night(root)
    assert not any(finding.bloquant for finding in run.findings)
    assert run.consolidation.staff == ()


def test_another_copy_beside_the_workbook_is_said_only_where_it_says_something_else(root: Path) -> None:
    twin = contrat(root).with_name("contrat (1).xlsx")
    shutil.copy(contrat(root), twin)
    assert cells_of(night(root), "classeur-jumeau") == []
    row = {"Identifiant": "A", "Exercice": 2013}
    edited(
        twin, lambda book: book.type(LINES, book.find(LINES, **row), **{AMOUNT: 3000.33}), saved=MONDAY, author="Luc"
    )
    run = night(root, NIGHT + timedelta(days=1))
    (finding,) = [finding for finding in run.findings if finding.code == "classeur-jumeau"]
    assert finding.place.fichier == "contrat (1).xlsx"
    assert "2\u202f000" in finding.message
    assert "Luc" in finding.message
    assert accepted(root, "lignes_budgetaires", ligne_id="A", exercice=2013)[0]["montant_realise"] == 100033


def test_a_confirmed_accident_is_taken_and_a_declined_one_stays(chartres: Path) -> None:
    before = accepted(chartres, "lignes_budgetaires")
    edit(chartres, lambda book: book.remove(LINES, list(book.rows(LINES))[3:20]))
    (held,) = night(chartres).consolidation.withheld
    decide(chartres, held.question, "garder")
    kept = night(chartres, NIGHT + timedelta(days=1))
    assert not any(finding.bloquant for finding in kept.findings)
    assert len(accepted(chartres, "lignes_budgetaires")) == len(before)
    decide(chartres, held.question, "confirmer")
    night(chartres, NIGHT + timedelta(days=2))
    assert len(accepted(chartres, "lignes_budgetaires")) == len(before) - 17


def decide(root: Path, question: str, choice: str) -> None:
    """Keep a decision beside the register, as choosing it in the workbook does."""
    registre = root / "workbooks" / "registre"
    decision = Decision(question, choice, choice, "Anne", MONDAY)
    decisions = Decisions({**load_decisions(registre).by_question, question: decision})
    (registre / DECISIONS_FILE).write_bytes(decisions.content())


def test_a_partner_that_corrects_its_answer_is_who_did_it(root: Path) -> None:
    """The value changes because the partner's newer file says otherwise: staff did nothing."""
    form, retours = root / "workbooks" / "envois" / "2016" / "luce-2016.xlsx", root / "workbooks" / "retours"
    fill(form, retours / "a.xlsx", {"Budget": {"C": {"montant_prevu": 9}}}, saved=MONDAY, author="Lucie")
    night(root)
    answers = {"C": {"montant_prevu": 8}, "A": {"montant_prevu": 1}}
    fill(form, retours / "b.xlsx", {"Budget": answers}, saved=MONDAY + timedelta(days=1), author="Luc")
    night(root, NIGHT + timedelta(days=1))
    with read_journal(find_workspace(root).memory / "journal.sqlite") as journal:
        entries = journal.history("lignes_budgetaires", ("C", 2016), "montant_prevu")
    assert [(entry.value, entry.partenaire, entry.author) for entry in entries[-2:]] == [
        (900, "luce", "Lucie"),
        (800, "luce", "Luc"),
    ]


@pytest.mark.source
def test_an_import_beside_a_workbook_archives_it_and_refuses_an_edited_one(chartres: Path) -> None:
    assert tabellion("import", SOURCE, cwd=chartres).code in (0, 1)
    assert not contrat(chartres).exists()
    assert len(list((chartres / "workbooks" / "archives").glob("contrat *.xlsx"))) == 1
    assert tabellion("generate", cwd=chartres).code == 0
    edit(chartres, lambda book: book.type(LINES, book.rows(LINES)[0], **{AMOUNT: 5}))
    before = (contrat(chartres).read_bytes(), accepted(chartres, "lignes_budgetaires"))
    assert tabellion("import", SOURCE, cwd=chartres).codes == ["fichier-deja-la"]
    assert (contrat(chartres).read_bytes(), accepted(chartres, "lignes_budgetaires")) == before


def test_forms_of_a_later_exercice_move_the_current_one_on(root: Path) -> None:
    assert load_contract(find_workspace(root)).settings.exercice_courant == 2016
    assert tabellion("forms", "--exercice", "2017", cwd=root).code == 0
    assert load_contract(find_workspace(root)).settings.exercice_courant == 2017
    run = night(root)
    assert run.consolidation.staff == ()
    assert run.consolidation.contract.settings.exercice_courant == 2017
    assert not any(finding.bloquant for finding in run.findings)
    assert tabellion("forms", "--exercice", "2016", "--forcer", cwd=root).code == 0
    assert load_contract(find_workspace(root)).settings.exercice_courant == 2017


def test_what_was_to_be_said_of_a_past_adopted_exercice_is_not_repeated(root: Path) -> None:
    """A habit of typing is remarked while its exercice is current; next year's nights only count such remarks."""
    form = root / "workbooks" / "envois" / "2016" / "luce-2016.xlsx"
    typed = {"Budget": {"A": {"montant_prevu": "77 €"}}}
    fill(form, root / "workbooks" / "retours" / "luce.xlsx", typed, saved=MONDAY)
    assert cells_of(night(root), "valeur-comprise") != []
    assert tabellion("adopt", "--oui", cwd=root).code == 0
    assert cells_of(night(root), "valeur-comprise") != [], "the current exercice, adopted or not"
    assert tabellion("forms", "--exercice", "2017", cwd=root).code == 0
    later = night(root, NIGHT + timedelta(days=1))
    of_file = [finding for finding in later.consolidation.findings if finding.place.fichier == "retours/luce.xlsx"]
    assert of_file == []
    assert [finding.valeur for finding in later.consolidation.findings if finding.code == "exercice-au-contrat"] == [
        2016
    ]
    # a newer file of that year that is refused is said all the same
    wrong = {"Budget": {"A": {"montant_prevu": "beaucoup"}}}
    fill(form, root / "workbooks" / "retours" / "luce (2).xlsx", wrong, saved=MONDAY + timedelta(days=9))
    assert cells_of(night(root, NIGHT + timedelta(days=2)), "retour-rejete") != []


def test_a_return_is_judged_by_what_the_staff_typed_since(root: Path) -> None:
    """The current exercice moved on in the workbook, not yet in the register: a return of 2016 is of another one."""
    key, value = "Identifiant du réglage", "Valeur"
    edit(root, lambda book: book.type("Reglages", book.find("Reglages", **{key: "exercice_courant"}), **{value: 2017}))
    form, sent = root / "workbooks" / "envois" / "2016" / "luce-2016.xlsx", root / "retour.xlsx"
    fill(form, sent, {"Budget": {"A": {"montant_prevu": 77}}}, saved=MONDAY)
    before = contents(root)
    done = tabellion("validate", sent, cwd=root)
    assert "formulaire-d-un-autre-exercice" in done.codes, done.out
    assert contents(root) == before, "validate writes nothing"


def test_an_older_copy_of_one_s_own_does_not_undo_several_saves(root: Path) -> None:
    old = contrat(root).read_bytes()
    edit(root, _amount(55))
    night(root)
    edit(root, _comment("vu"), day=1)
    night(root, NIGHT + timedelta(days=1))
    contrat(root).write_bytes(old)
    other = {"Identifiant": "E", "Exercice": 2014}
    edit(root, lambda book: book.type("Lignes_03", book.find("Lignes_03", **other), Commentaire="à voir"), day=2)
    run = night(root, NIGHT + timedelta(days=2))
    assert accepted(root, "lignes_budgetaires", ligne_id="A", exercice=2013)[0]["montant_realise"] == 5500
    assert accepted(root, "lignes_budgetaires", ligne_id="B", exercice=2013)[0]["commentaire"] == "vu"
    assert cells_of(run, "saisies-defaites") == [""]


def test_what_looks_like_an_accident_goes_on_waiting_whatever_is_typed_meanwhile(root: Path) -> None:
    """Both lines of a convention go and others come; a column is emptied, and then one cell of it is typed."""

    def replaced(book: Excel) -> None:
        book.remove("Lignes_02", list(book.rows("Lignes_02")))
        for label in ("Neuf", "Bis"):
            book.add("Lignes_02", Collectivité="Lucé", Libellé=label, Exercice=2016)
        for row in book.rows("Fiches_01"):
            book.type("Fiches_01", row, **{"Proposition d'action": None})
        for row in book.rows("Fiches_02"):
            book.type("Fiches_02", row, **{"Proposition d'action": None})
        for row in book.rows("Fiches_03"):
            book.type("Fiches_03", row, **{"Proposition d'action": None})

    before = accepted(root, "lignes_budgetaires", ligne_id="B")
    propositions = [row["proposition"] for row in accepted(root, "fiches")]
    edit(root, replaced)
    one = {"Proposition d'action": "Une autre"}
    for day in (0, 1, 2):
        run = night(root, NIGHT + timedelta(days=day))
        assert len(cells_of(run, "suppression-a-confirmer")) == len(cells_of(run, "colonne-videe")) == 1
        assert accepted(root, "lignes_budgetaires", ligne_id="B") == before
        assert [row["proposition"] for row in accepted(root, "fiches")] == propositions
        if not day:
            edit(root, lambda book: book.type("Fiches_01", book.rows("Fiches_01")[0], **one), day=1)
            propositions[0] = "Une autre"
