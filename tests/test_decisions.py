"""Decisions taken in Excel: chosen in « À décider », read back by the next run, applied, remembered, undone."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl  # type: ignore[import-untyped]
import pytest

from support.campaign import date_financement, fill, retouch, table_cell
from support.masters import Package, position
from support.office_files import Editor
from support.opened_books import Book, Row
from support.program import Office, Outcome
from support.watching import Watching
from tabellion.campaign.decisions import Choice, Decision, Decisions, TypedDecision, choice_of, load_decisions
from tabellion.commands import consolidate as consolidate_module
from tabellion.commands.consolidate import consolidate
from tabellion.contract.workspace import find_workspace
from tabellion.findings import Place, TabellionError
from tabellion.layout.names import DECISION, DECISIONS, DECISIONS_TABLE

LINES, FUNDING, GRANTED = "lignes_budgetaires", "financements", "I-1.1./1:etat:2016"


class Staff(Office):
    """The coordinator in front of the consolidated workbook."""

    def reply(self, partner: str, answers: Mapping[str, Any], day: int = 20, **more: Any) -> Path:
        """The return of a partner for 2016, saved in November."""
        target = self.books / "retours" / f"{partner} {day}.xlsx"
        fill(self.form(partner, 2016), target, answers, saved=datetime(2016, 11, day, 9), **more)
        return target

    def disagree(self) -> None:
        """Staff and town say otherwise what the line C was planned to cost in 2016: 8 € and 9 €."""
        self.reply("luce", {"Budget": {"C": {"montant_prevu": 9}}})
        sheet, cell = table_cell(self.contrat, "Lignes_03", "Montant prévu (€)", Identifiant="C", Exercice=2016)
        retouch(self.contrat, self.contrat, {sheet: {cell: 8}}, saved=datetime(2016, 11, 15), author="Luc")

    def asked(self) -> list[Row]:
        """The questions of the sheet, as they stand."""
        return [row for row in Book(self.workbook).rows(DECISIONS_TABLE) if row["Question"]]

    def cell(self, number: int = 1) -> str:
        """The cell that decides a question."""
        return table_cell(self.workbook, DECISIONS_TABLE, DECISION, **{"N°": number})[1]

    def choose(self, label: str | None, number: int = 1, *, who: str = "Anne", day: int = 1, month: int = 12) -> None:
        """Choose in the consolidated workbook, and save it as Excel does."""
        saved = datetime(2016, month, day, 10)
        retouch(self.workbook, self.workbook, {DECISIONS: {self.cell(number): label}}, saved=saved, author=who)

    def consolidate(self) -> Outcome:
        return self.run("consolidate")

    def planned(self, folder: Path | None = None) -> str:
        """What the line C is planned to cost in 2016, as the consolidated register (or another) says."""
        (row,) = [row for row in rows(folder or self.folder / "registre", LINES) if is_line(row, "C", 2016)]
        return row["montant_prevu"]

    def of(self, line: str) -> str:
        """What a line is planned to cost in 2016; empty where nothing says it."""
        lines = [row for row in rows(self.folder / "registre", LINES) if is_line(row, line, 2016)]
        return lines[0]["montant_prevu"] if lines else ""

    def of_convention(self, number: int) -> list[tuple[str, str, str]]:
        """The lines of a convention for 2016: identifier, planned, voted."""
        lines = [row for row in rows(self.folder / "registre", LINES) if row["convention_id"] == str(number)]
        lines = [row for row in lines if row["exercice"] == "2016"]
        return [(row["ligne_id"], row["montant_prevu"], row["montant_vote"]) for row in lines]

    def convention(self, number: int) -> str:
        """A convention as the forms' drop-down has it."""
        (row,) = [row for row in rows(self.books / "registre", "conventions") if row["convention_id"] == str(number)]
        return f"{number} – {row['titre_court'] or row['titre']}"

    def copies(self) -> list[Path]:
        """The dated copies that were put aside of the consolidated workbook."""
        return sorted(self.folder.glob("consolidation *.xlsx"))


def rows(folder: Path, table: str) -> list[dict[str, str]]:
    with (folder / f"{table}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def is_line(row: Mapping[str, str], line: str, year: int) -> bool:
    return row["ligne_id"] == line and row["exercice"] == str(year)


@pytest.fixture
def staff(sent_copy: Path) -> Staff:
    """A small contract whose forms of 2016 were sent."""
    return Staff(sent_copy)


@pytest.fixture(scope="module")
def in_dispute(sent: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, where one cell is in conflict and a consolidation was made: to copy, not to change."""
    staff = Staff(shutil.copytree(sent, tmp_path_factory.mktemp("conflit") / "contrat"))
    staff.disagree()
    assert "[conflit]" in staff.consolidate().out
    return staff.root


@pytest.fixture
def disputed(in_dispute: Path, tmp_path: Path) -> Staff:
    """A copy of that contract."""
    return Staff(shutil.copytree(in_dispute, tmp_path / "contrat"))


@pytest.fixture(scope="module")
def granted(sent: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A contract in which a financement is of 2016: to copy, not to change."""
    root = shutil.copytree(sent, tmp_path_factory.mktemp("date") / "contrat")
    assert date_financement(root, "I-1.1./1:etat", 2016) == GRANTED
    return root


@pytest.fixture
def giving_up(granted: Path, tmp_path: Path) -> Staff:
    """A copy of it, whose State has emptied the row of that financement."""
    staff = Staff(shutil.copytree(granted, tmp_path / "contrat"))
    staff.reply("etat", {}, removed={"Financements": [GRANTED]})
    return staff


# Conflicts


def test_a_conflict_is_asked_with_what_each_says_and_what_may_be_chosen(disputed: Staff) -> None:
    (row,) = disputed.asked()
    assert (row["Sujet"], row["Champ"], row[DECISION]) == ("Conflit", "Montant prévu (€)", None)
    words = row["Ce que chacun dit"].replace("\u202f", " ").replace("\xa0", " ")
    assert words == "Contrat : 8 €\nLucé & « Cie » : 9 € (+1 €)"
    assert row.links["Au contrat"][0] == "contrat.xlsx"
    assert row.links["Au retour"][0] == "retours/luce 20.xlsx"
    assert disputed.planned() == "8"
    assert Package(disputed.workbook.read_bytes()).cells["Synthèse"]  # it opens


def test_an_accepted_value_counts_and_is_not_asked_again(disputed: Staff) -> None:
    disputed.choose("accepter Lucé & « Cie »")
    outcome = disputed.consolidate()
    assert "[conflit]" not in outcome.out
    assert disputed.planned() == "9"
    (row,) = disputed.asked()
    assert (row[DECISION], row["Décidé par"], row["État"]) == ("accepter Lucé & « Cie »", "Anne", "✓ décidé")
    before = disputed.workbook.read_bytes()
    disputed.consolidate()
    assert disputed.workbook.read_bytes() == before, "a second run changes nothing"
    assert disputed.copies() == [], "a workbook in which only decisions were typed is replaced"


def test_a_kept_value_stays_and_is_not_asked_again(disputed: Staff) -> None:
    disputed.choose("garder")
    assert "[conflit]" not in disputed.consolidate().out
    assert disputed.planned() == "8"
    (row,) = disputed.asked()
    assert (row[DECISION], row["État"]) == ("garder", "✓ décidé")


def test_choosing_again_changes_and_emptying_undoes(disputed: Staff) -> None:
    for label, planned in (("accepter Lucé & « Cie »", "9"), ("garder", "8"), (None, "8"),
                           ("accepter Lucé & « Cie »", "9"), (None, "8")):  # fmt: skip
        disputed.choose(label)  # all at the same moment: what was typed in the newer workbook comes later
        outcome = disputed.consolidate()
        assert disputed.planned() == planned, label
        assert ("[conflit]" in outcome.out) == (label is None)
        (row,) = disputed.asked()
        assert row[DECISION] == label
    assert disputed.copies() == []


def test_another_contradiction_is_another_question(disputed: Staff) -> None:
    disputed.choose("garder")
    disputed.consolidate()
    (before,) = disputed.asked()
    disputed.reply("luce", {"Budget": {"C": {"montant_prevu": 10}}}, day=25)
    assert "[conflit]" in disputed.consolidate().out
    (row,) = disputed.asked()
    assert row[DECISION] is None
    assert row["Question"] != before["Question"]
    (disputed.books / "retours" / "luce 25.xlsx").unlink()
    shutil.rmtree(disputed.folder / "acceptes")
    disputed.consolidate()
    (row,) = disputed.asked()
    assert (row["Question"], row[DECISION]) == (before["Question"], "garder"), "remembered by what it says"


def test_a_decision_survives_the_memory_of_the_workspace(disputed: Staff) -> None:
    disputed.choose("accepter Lucé & « Cie »")
    disputed.consolidate()
    shutil.rmtree(disputed.books / ".tabellion")
    shutil.rmtree(disputed.folder)
    assert "[conflit]" not in disputed.consolidate().out
    assert disputed.planned() == "9"
    assert disputed.asked()[0]["Décidé par"] == "Anne"


def test_who_decided_is_in_the_history(disputed: Staff) -> None:
    disputed.choose("accepter Lucé & « Cie »", who="Anne Martin")
    disputed.consolidate()
    told = disputed.run("historique", "C 2016").out.replace("\u202f", " ").replace("\xa0", " ")
    planned = told.partition("Montant prévu")[2].partition("Montant voté")[0]
    assert "9 €" in planned
    assert "par Anne Martin" in planned
    assert "À décider" in planned


def test_a_kept_value_is_in_the_history_too(disputed: Staff) -> None:
    disputed.choose("garder", who="Anne Martin")
    disputed.consolidate()
    assert "par Anne Martin" in disputed.run("historique", "C 2016").out


def test_what_was_decided_is_adopted(disputed: Staff) -> None:
    disputed.choose("accepter Lucé & « Cie »")
    assert "9 €" in disputed.run("adopt", "--oui").out.replace("\u202f", " ").replace("\xa0", " ")
    assert disputed.planned(disputed.books / "registre") == "9"
    assert load_decisions(disputed.books / "registre").by_question, "kept by the adoption itself"
    assert "[conflit]" not in disputed.consolidate().out
    assert disputed.planned() == "9"
    assert disputed.asked() == []
    assert "Rien à adopter" in disputed.run("adopt", "--oui").out


# Rows that partners remove


def test_a_proposed_removal_is_accepted_then_adopted(giving_up: Staff) -> None:
    staff, key = giving_up, GRANTED
    assert {"suppression-proposee", "ligne-supprimee"} <= {*staff.consolidate().codes}
    (row,) = staff.asked()
    assert (row["Sujet"], row[DECISION]) == ("Suppression proposée", None)
    assert row.links["Au contrat"][0] == "contrat.xlsx"
    staff.choose("supprimer")
    assert not {"suppression-proposee", "ligne-supprimee"} & {*staff.consolidate().codes}
    assert key not in [row["financement_id"] for row in rows(staff.folder / "registre", FUNDING)]
    assert key in [row["financement_id"] for row in rows(staff.books / "registre", FUNDING)]
    assert "1 ligne supprimée" in staff.run("adopt", "--oui").out
    assert key not in [row["financement_id"] for row in rows(staff.books / "registre", FUNDING)]
    staff.consolidate()
    assert staff.asked() == []
    assert "Rien à adopter" in staff.run("adopt", "--oui").out


def test_the_removal_of_a_row_that_has_nothing_for_the_year_is_decided_and_remembered(staff: Staff) -> None:
    assert [row["exercice"] for row in rows(staff.books / "registre", LINES) if row["ligne_id"] == "E"] == ["2014"]
    staff.reply("luce", {}, removed={"Budget": ["E"]})
    staff.consolidate()
    (row,) = staff.asked()
    assert row["Sujet"] == "Suppression proposée"
    staff.choose("supprimer")
    done = staff.consolidate()
    assert not {"decision-sans-objet", "suppression-proposee"} & {*done.codes}
    (row,) = staff.asked()
    assert row[DECISION] == "supprimer"
    assert len(load_decisions(staff.books / "registre").by_question) == 1
    assert "decision-sans-objet" not in staff.consolidate().codes


def test_a_row_that_was_only_proposed_goes_without_a_word(staff: Staff) -> None:
    """The form of 2016 proposes a row of 2016 for a financement as published, which the contract has not yet."""
    assert GRANTED not in [row["financement_id"] for row in rows(staff.books / "registre", FUNDING)]
    staff.reply("etat", {}, removed={"Financements": [GRANTED]})
    assert not {"suppression-proposee", "ligne-supprimee"} & {*staff.consolidate().codes}
    assert staff.asked() == []


def test_a_row_may_be_kept_and_its_removal_is_not_proposed_again(giving_up: Staff) -> None:
    staff, key = giving_up, GRANTED
    staff.consolidate()
    staff.choose("garder la ligne")
    assert "suppression-proposee" not in staff.consolidate().codes
    assert key in [row["financement_id"] for row in rows(staff.folder / "registre", FUNDING)]
    staff.choose("supprimer", day=2)
    staff.consolidate()
    assert key not in [row["financement_id"] for row in rows(staff.folder / "registre", FUNDING)]


# A partner's files


def test_of_two_files_that_nothing_tells_apart_the_chosen_one_counts(staff: Staff) -> None:
    one = staff.reply("luce", {"Budget": {"C": {"montant_prevu": 9}}})
    form = staff.books / "envois" / "2016" / "luce-2016.xlsx"
    fill(form, one.with_name("autre.xlsx"), {"Budget": {"C": {"montant_prevu": 10}}}, saved=datetime(2016, 11, 20, 9))
    assert "versions-a-departager" in staff.run("consolidate", code=1).codes
    assert staff.planned() == "7"
    (row,) = staff.asked()
    assert row["Sujet"] == "Fichiers à départager"
    staff.choose("accepter autre.xlsx")
    assert "versions-a-departager" not in staff.consolidate().codes
    assert staff.planned() == "10"
    staff.choose("accepter luce 20.xlsx", day=2)
    staff.consolidate()
    assert staff.planned() == "9"
    one.rename(one.with_name("renommé.xlsx"))
    staff.consolidate()
    assert staff.planned() == "9", "remembered by what the file says, not by its name"
    assert staff.asked()[0][DECISION] == "accepter renommé.xlsx"


def test_what_was_decided_of_files_stays_decided_when_the_exercice_moves_on(staff: Staff) -> None:
    one = staff.reply("luce", {"Budget": {"C": {"montant_prevu": 9}}})
    form = staff.books / "envois" / "2016" / "luce-2016.xlsx"
    fill(form, one.with_name("autre.xlsx"), {"Budget": {"C": {"montant_prevu": 10}}}, saved=datetime(2016, 11, 20, 9))
    staff.run("consolidate", code=1)
    staff.choose("accepter autre.xlsx")
    staff.consolidate()
    staff.run("forms", "--exercice", "2017")
    assert "versions-a-departager" not in staff.consolidate().codes
    assert staff.planned() == "10"
    staff.run("adopt", "--oui")
    assert "Rien à adopter" in staff.run("adopt", "--oui").out


def test_what_the_last_file_leaves_empty_is_joined_and_what_two_say_otherwise_is_asked(staff: Staff) -> None:
    first = staff.reply("luce", {"Budget": {"A": {"montant_prevu": 5}, "C": {"montant_prevu": 9}}})
    staff.reply("luce", {"Budget": {"C": {"montant_prevu": 10}}}, day=25)
    assert {"version-jointe", "reponses-differentes"} <= set(staff.consolidate().codes)
    assert (staff.planned(), staff.of("A")) == ("7", "5"), "the contract keeps what nobody has settled"
    (row,) = staff.asked()
    assert row["Sujet"] == "Réponse partielle"
    staff.choose("joindre, le précédent l'emporte")
    staff.consolidate()
    assert (staff.planned(), staff.of("A")) == ("9", "5")
    staff.choose("joindre, le dernier l'emporte", day=2)
    assert "reponses-differentes" not in staff.consolidate().codes
    assert (staff.planned(), staff.of("A")) == ("10", "5")
    told = staff.run("historique", "A 2016").out
    assert "luce 20.xlsx" in told
    first.unlink()
    staff.consolidate()
    assert (staff.planned(), staff.of("A")) == ("10", "5"), (
        "what is in force never depends on a file that people delete"
    )
    staff.run("adopt", "--oui")
    staff.consolidate()
    assert (staff.planned(), staff.of("A")) == ("10", "5")
    assert "Rien à adopter" in staff.run("adopt", "--oui").out


def test_a_last_file_may_be_kept_as_it_is(staff: Staff) -> None:
    staff.reply("luce", {"Budget": {"A": {"montant_prevu": 5}, "C": {"montant_prevu": 9}}})
    staff.reply("luce", {"Budget": {"C": {"montant_prevu": 10}}}, day=25)
    staff.consolidate()
    staff.choose("garder le dernier")
    assert "reponses-differentes" not in staff.consolidate().codes
    assert (staff.planned(), staff.of("A")) == ("10", "")


# Lines that may be the same


def test_a_line_under_two_identifiers_is_one_or_two_as_people_say(staff: Staff) -> None:
    new = {"convention_id": staff.convention(3), "libelle": "  DÉJA  dit", "montant_vote": 45.67}
    staff.reply("luce", {}, new_rows={"Budget": [new]})
    assert "ligne-en-double" in staff.run("consolidate", code=1).codes
    (row,) = staff.asked()
    assert row["Sujet"] == "Lignes semblables"
    assert len(staff.of_convention(3)) == 2
    staff.choose("même ligne")
    assert "ligne-en-double" not in staff.consolidate().codes
    assert staff.of_convention(3) == [("C", "7", "45.67")], "its own amounts stay, what it has blank is taken"
    staff.choose("deux lignes", day=2)
    assert "ligne-en-double" not in staff.consolidate().codes
    assert len(staff.of_convention(3)) == 2
    staff.choose("même ligne", day=3)
    staff.run("adopt", "--oui")
    staff.consolidate()
    assert staff.of_convention(3) == [("C", "7", "45.67")]
    assert staff.asked() == []
    assert "Rien à adopter" in staff.run("adopt", "--oui").out


# What was typed


def test_a_choice_off_the_list_is_said_at_its_cell_until_one_of_the_list_is_made(disputed: Staff) -> None:
    disputed.choose("on verra")
    for _ in range(2):
        outcome = disputed.consolidate()
        assert "decision-hors-liste" in outcome.codes
        assert "sortie-modifiee" not in outcome.codes, "one remark is enough: people type there"
    report = json.loads((disputed.folder / "constats.json").read_text(encoding="utf-8"))
    (constat,) = [constat for constat in report["constats"] if constat["code"] == "decision-hors-liste"]
    assert (constat["feuille"], constat["cellule"], constat["valeur"]) == (DECISIONS, disputed.cell(), "on verra")
    assert "garder · accepter Lucé & « Cie »" in constat["suggestion"]
    (row,) = disputed.asked()
    assert row[DECISION] is None
    assert "on verra" in row["État"]
    assert disputed.copies() == []
    disputed.choose("on verra bien " * 20, day=2)
    disputed.consolidate()
    assert disputed.copies(), "what is too long to be said is kept as it was typed"
    disputed.choose("  GARDER ", day=3)
    assert "decision-hors-liste" not in disputed.consolidate().codes
    assert disputed.asked()[0][DECISION] == "garder"


def test_the_beginning_of_a_label_is_enough_where_it_tells_one() -> None:
    choices = (Choice("garder", "garder", ""), Choice("a:1", "accepter Lucé", ""), Choice("a:2", "accepter Bû", ""))
    assert choice_of("Accepter luce", choices) == choices[1]
    assert choice_of("accepter b", choices) == choices[2]
    assert choice_of("accepter", choices) is None
    assert choice_of("", choices) is None


def test_decisions_typed_with_openpyxl_count(disputed: Staff) -> None:
    book = openpyxl.load_workbook(disputed.workbook)
    book[DECISIONS][disputed.cell()] = "accepter Lucé & « Cie »"
    book.properties.lastModifiedBy = "Script"
    book.save(disputed.workbook)
    disputed.consolidate()
    assert disputed.planned() == "9"
    assert disputed.asked()[0]["Décidé par"] == "Script"


def test_decisions_typed_with_libreoffice_count(staff: Staff, editor: Editor, tmp_path: Path) -> None:
    staff.disagree()
    consolidate(find_workspace(staff.root), datetime(2016, 12, 1, 2))
    editor.open(Path(shutil.copy(staff.workbook, tmp_path / "là.xlsx")))
    editor.type(DECISIONS, *position(staff.cell()), "accepter Lucé & « Cie »")
    shutil.copy(editor.save(tmp_path / "consolidation.xlsx"), staff.workbook)
    staff.consolidate()
    assert staff.planned() == "9"
    if editor.is_live:
        assert staff.copies() == [], "LibreOffice writes everything anew, and says nothing new"


def test_another_edit_is_kept_under_a_dated_name_and_its_decisions_count(disputed: Staff) -> None:
    cell = disputed.cell()
    cells = {DECISIONS: {cell: "accepter Lucé & « Cie »"}, "Contrôles": {"A3": "à revoir avec Paul"}}
    retouch(disputed.workbook, disputed.workbook, cells, saved=datetime(2016, 12, 1), author="Anne")
    typed = disputed.workbook.read_bytes()
    disputed.consolidate()
    assert [path.read_bytes() for path in disputed.copies()] == [typed]
    assert disputed.planned() == "9"
    disputed.choose("garder", day=2)
    disputed.consolidate()
    disputed.consolidate()
    assert disputed.planned() == "8", "the copy put aside says nothing more"


def test_decisions_in_a_copy_put_aside_that_was_never_read_count(disputed: Staff) -> None:
    """Saved between the reading and the publication: the run keeps it under a dated name, the next one reads it."""
    disputed.choose("accepter Lucé & « Cie »")
    aside = disputed.folder / "consolidation 2016-12-02 02h15.xlsx"
    disputed.workbook.rename(aside)
    shutil.copy(disputed.books / ".tabellion" / "consolidation.xlsx", disputed.workbook)
    disputed.consolidate()
    assert disputed.planned() == "9"
    disputed.choose(None, day=3)
    disputed.consolidate()
    assert disputed.planned() == "8"
    disputed.consolidate()
    assert disputed.planned() == "8", "undone since: the older copy does not decide again"


def test_a_file_of_decisions_that_cannot_be_read_is_said_with_a_remedy(disputed: Staff) -> None:
    path = disputed.books / "registre" / "decisions.json"
    path.write_text("{", encoding="utf-8")
    refused = disputed.run("consolidate", code=2)
    assert "registre-illisible" in refused.codes
    assert "supprimez-le" in refused.out + refused.err
    path.unlink()
    disputed.consolidate()


# Beside a watcher


def test_a_watcher_answers_saved_decisions_and_no_other_edit_of_that_workbook(disputed: Staff) -> None:
    with Watching(disputed.root) as watching:
        watching.ready()
        with watching.run():
            disputed.choose("accepter Lucé & « Cie »")
        assert disputed.planned() == "9"
        with watching.run():  # neither what the run wrote, nor a note elsewhere, was a cause
            retouch(disputed.workbook, disputed.workbook, {"Contrôles": {"A3": "à revoir"}},
                    saved=datetime(2016, 12, 2), author="Anne")  # fmt: skip
            disputed.reply("etat", {}, day=21)
        with watching.run():
            disputed.choose(None, day=3)
        assert disputed.planned() == "8"


def test_decisions_saved_while_a_run_is_made_are_not_lost(disputed: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    """Saved after the run read the workbook and before it puts the new one in place: the next run takes them."""
    workspace, write = find_workspace(disputed.root), consolidate_module.write_consolidation

    def saved_meanwhile(*arguments: Any) -> bytes:
        if not disputed.copies():
            disputed.choose("accepter Lucé & « Cie »")
        return write(*arguments)

    disputed.reply("etat", {}, day=21)
    monkeypatch.setattr(consolidate_module, "write_consolidation", saved_meanwhile)
    run = consolidate(workspace, datetime.now())
    assert "sortie-modifiee" in [notice.code for notice in run.notices]
    assert disputed.planned() == "8"
    assert len(disputed.copies()) == 1
    consolidate(workspace, datetime.now())
    assert disputed.planned() == "9"
    assert len(disputed.copies()) == 1


# Which one counts


def typed(label: str, *, day: int = 1, written: str = "", edition: str = "1") -> TypedDecision:
    decision = Decision("q", label, label, "Anne", datetime(2016, 12, day), edition)
    return TypedDecision(decision, written, Place("consolidation/consolidation.xlsx"))


def after(*steps: tuple[TypedDecision, bool]) -> str:
    """The label in force once each workbook was read, in their order; whether it was the one in place."""
    decisions = Decisions()
    for one, in_place in steps:
        decisions, _ = decisions.with_typed([one], in_place=in_place)
    decision = decisions.by_question.get("q")
    return decision.label if decision is not None else ""


def test_the_workbook_in_place_comes_after_what_it_was_made_with_whatever_the_clocks_say() -> None:
    assert after((typed("a", day=9), True), (typed("b", day=1, written="a", edition="2"), True)) == "b"
    assert after((typed("a", day=9), True), (typed("", day=1, written="a", edition="2"), True)) == ""


def test_a_workbook_that_stays_open_may_be_saved_again() -> None:
    """It was read once already, and is not replaced while somebody has it open."""
    assert after((typed("a"), True), (typed("b", day=2), True)) == "b"
    assert after((typed("a"), True), (typed("", day=2), True)) == ""


def test_an_older_copy_does_not_decide_again() -> None:
    assert after((typed("a"), False), (typed("b", day=2, written="a", edition="2"), True), (typed("a"), False)) == "b"
    assert after((typed("a"), False), (typed("", day=2, written="a", edition="2"), True), (typed("a"), False)) == ""


def test_a_cell_as_it_was_written_says_nothing() -> None:
    assert after((typed("a"), True), (typed("", day=5, written="", edition="0"), False)) == "a"


def test_the_file_of_decisions_is_the_same_for_the_same_decisions(tmp_path: Path) -> None:
    one, two = (Decision(name, "garder", "garder", "É", datetime(2016, 12, 1, 9), "e", "s") for name in ("a", "b"))
    content = Decisions({"b": two, "a": one}).content()
    assert content == Decisions({"a": one, "b": two}).content()
    (tmp_path / "decisions.json").write_bytes(content)
    assert load_decisions(tmp_path) == Decisions({"a": one, "b": two})


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"decisions": [1]}', b"\xff", b"[" * 100_000], ids=range(6))
def test_a_file_that_nobody_can_read_is_refused_in_words(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "decisions.json").write_bytes(content)
    with pytest.raises(TabellionError) as refused:
        load_decisions(tmp_path)
    assert [finding.code for finding in refused.value.findings] == ["registre-illisible"]


def test_a_file_in_the_name_of_another_partner_counts_once_people_say_whose_it_is(staff: Staff) -> None:
    one = staff.reply("luce", {"Budget": {"C": {"montant_prevu": 9}}})
    one.rename(one.with_name("etat-2016.xlsx"))
    assert "nom-d-un-autre" in staff.run("consolidate", code=1).codes
    assert staff.planned() == "7"
    (row,) = staff.asked()
    assert row["Sujet"] == "Partenaire à confirmer"
    staff.choose("c'est le bon partenaire")
    assert "nom-d-un-autre" not in staff.consolidate().codes
    assert staff.planned() == "9"
    staff.choose("écarter ce fichier", day=2)
    assert "fichier-ecarte" in staff.consolidate().codes
    assert staff.planned() == "7", "what was accepted of it before goes too"
