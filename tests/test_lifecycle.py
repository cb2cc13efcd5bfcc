"""A whole life, by the command line: census 2013, forms 2016, returns, corrections, adoption, forms 2017, returns 2017.

What people typed is written in a ledger of exact euros by the test itself; the program's outputs must say the same.
"""

from __future__ import annotations

import csv
import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from support.campaign import AMOUNTS, Formula, fill, form_keys, retouch, table_cell
from support.masters import Package, position
from support.office_files import Editor
from support.opened_books import Book as OpenedBook
from support.program import Office, Outcome, contents, environment
from tabellion.layout.names import DECISION, DECISIONS_TABLE, QUESTION

Ledger = dict[tuple[str, int], dict[str, Decimal]]
"""By line and exercice, the amounts in euros."""
BUDGET = "Formulaire_budget"


def ledger(registre: Path) -> Ledger:
    """The amounts of a register in CSV."""
    with (registre / "lignes_budgetaires.csv").open(encoding="utf-8-sig", newline="") as stream:
        return {
            (row["ligne_id"], int(row["exercice"])): {name: Decimal(row[name]) for name in AMOUNTS if row[name]}
            for row in csv.DictReader(stream)
        }


@dataclass
class Life(Office):
    """The workspace, and what its people have typed so far."""

    known: Ledger

    def say(self, line: str, year: int, **amounts: str | None) -> None:
        """Note in the ledger what somebody typed, in euros."""
        row = self.known.setdefault((line, year), {})
        for name, amount in amounts.items():
            row.pop(name, None)
            if amount is not None:
                row[name] = Decimal(amount)

    def reply(
        self, year: int, day: int, answers: Mapping[str, Mapping[str, Any]], form: Path | None = None, **more: Any
    ) -> None:
        """The town's return, saved in November, made from the form in « envois », or from another one."""
        saved = datetime(year, 11, day, 9)
        fill(
            form or self.form("luce", year),
            self.books / "retours" / f"{day}.xlsx",
            {"Budget": answers},
            saved=saved,
            **more,
        )

    def staff(self, line: str, year: int, column: str, value: float, table: str) -> None:
        """The staff types an amount in the contract's workbook."""
        sheet, cell = table_cell(self.contrat, table, column, Identifiant=line, Exercice=year)
        retouch(self.contrat, self.contrat, {sheet: {cell: value}}, saved=datetime(2016, 11, 15), author="Luc")

    def questions(self, subject: str) -> list[str]:
        """The questions of a subject that « À décider » leaves open, by their ids."""
        rows = OpenedBook(self.books / "consolidation" / "consolidation.xlsx").rows(DECISIONS_TABLE)
        return [row[QUESTION] for row in rows if row["Sujet"] == subject and not row[DECISION]]

    def decide(self, subject: str, label: str) -> None:
        """The staff choose in « À décider », for the one question of a subject."""
        path, (question,) = self.books / "consolidation" / "consolidation.xlsx", self.questions(subject)
        sheet, cell = table_cell(path, DECISIONS_TABLE, DECISION, **{QUESTION: question})
        retouch(path, path, {sheet: {cell: label}}, saved=datetime.now(UTC).replace(tzinfo=None), author="Luc")

    def consolidate(self, code: int = 0) -> Outcome:
        """One night: every amount is what people typed, to the cent."""
        outcome = self.run("consolidate", code=code)
        assert self.consolidated() == self.known, outcome.out
        return outcome

    def consolidated(self) -> Ledger:
        return ledger(self.books / "consolidation" / "registre")


@pytest.fixture
def life(sent_copy: Path) -> Life:
    """The census is in the register; the contract is generated and the forms of 2016 are sent."""
    return Life(sent_copy, ledger(sent_copy / "workbooks" / "registre"))


def adopted(life: Life) -> Outcome:
    """Adopt what is consolidated: the register then says what people typed."""
    outcome = life.run("adopt", "--oui")
    assert ledger(life.books / "registre") == life.known
    return outcome


def first_year(life: Life) -> None:
    """The town answers for 2016 and corrects itself; staff and town disagree over one cell."""
    life.reply(2016, 10, {"A": {"montant_prevu": Formula("1/0", "#DIV/0!")}})
    wrong = life.consolidate(code=1)
    assert "retour-rejete" in wrong.codes

    new = {"convention_id": "2 – Santé", "libelle": "Dépistage", "montant_vote": 45.67}
    answers = {"A": {"montant_prevu": 1100.35, "montant_vote": "1 099,99 €"}, "C": {"montant_prevu": 9}}
    life.reply(2016, 20, answers, new_rows={"Budget": [new]})
    life.say("A", 2016, montant_prevu="1100.35", montant_vote="1099.99")
    life.say("C", 2016, montant_prevu="9")
    outcome = life.run("consolidate")
    (own,) = set(life.consolidated()) - set(life.known)
    life.say(own[0], 2016, montant_vote="45.67")
    assert life.consolidated() == life.known, outcome.out

    life.staff("A", 2013, "Montant réalisé (€)", 1000.34, "Lignes_01")
    life.say("A", 2013, montant_realise="1000.34")
    life.consolidate()

    life.staff("C", 2016, "Montant prévu (€)", 8, "Lignes_03")
    life.say("C", 2016, montant_prevu="8")
    conflict = life.consolidate()
    assert "[conflit]" in conflict.out
    assert (own[0], 2016) in life.consolidated(), "the same identifier every night"


def test_a_whole_life(life: Life) -> None:
    life.consolidate()  # before any return: the census
    first_year(life)

    # Adoption: nothing without an agreement, and what changes is shown
    before = contents(life.books)
    refused = life.run("adopt", code=2)
    assert "--oui" in refused.err
    for words in ("1 100,35 €", "1 099,99 €", "45,67 €", "1 conflit"):
        assert words in refused.out.replace("\u202f", " ").replace("\xa0", " "), refused.out
    unchanged = {name: content for name, content in contents(life.books).items() if not name.startswith(".tabellion/")}
    assert unchanged == {name: content for name, content in before.items() if not name.startswith(".tabellion/")}
    old = life.contrat.read_bytes()
    old_register = contents(life.books / "registre")
    adopted(life)
    dated = list((life.books / "archives").glob("contrat 20*.xlsx"))
    assert [path.read_bytes() for path in dated] == [old]
    (kept,) = [path for path in (life.books / "archives").glob("registre 20*") if path.is_dir()]
    assert contents(kept) == old_register
    assert (life.books / "registre" / "adoption.json").exists()

    # The workbook is the register's own, and the same returns change nothing more
    new = life.contrat.read_bytes()
    assert new != old
    life.run("generate", code=2)  # staff had worked in it: it is theirs, changed in place
    assert life.contrat.read_bytes() == new
    after = life.consolidate()
    assert "[conflit]" not in after.out
    assert "Rien à adopter" in life.run("adopt", "--oui").out
    assert life.contrat.read_bytes() == new

    # A correction after the adoption is applied; what staff change is theirs
    life.staff("A", 2016, "Montant prévu (€)", 1100.36, "Lignes_01")
    life.say("A", 2016, montant_prevu="1100.36")
    assert "[conflit]" not in life.consolidate().out
    answers = {"A": {"montant_prevu": 1100.35, "montant_vote": 1050.01}, "C": {"montant_prevu": 9}}
    new_row = {"convention_id": "2 – Santé", "libelle": "Dépistage", "montant_vote": 45.67}
    life.reply(2016, 25, answers, new_rows={"Budget": [new_row]})
    life.say("A", 2016, montant_vote="1050.01")
    assert "[conflit]" not in life.consolidate().out
    adopted(life)

    # An older workbook put back is not taken: the contract stays as it was adopted
    newest = life.contrat.read_bytes()
    life.contrat.write_bytes(old)
    assert "[classeur-d-avant-adoption]" in life.consolidate(code=1).out
    life.contrat.write_bytes(newest)
    life.consolidate()

    # 2017: every line is rolled forward, last year's amount beside the empty cells
    life.run("forms", "--exercice", "2017")
    assert rolled(life.form("luce", 2017)) == expected_roll(life.known, 2017)
    answers = {key: {"montant_prevu": 10 + rank, "montant_realise": f"{rank},05"}
               for rank, key in enumerate(form_keys(life.form("luce", 2017))["Budget"])}  # fmt: skip
    life.reply(2017, 12, answers)
    for rank, key in enumerate(answers):
        life.say(key, 2017, montant_prevu=str(10 + rank), montant_realise=f"{rank}.05")
    life.consolidate()
    adopted(life)
    life.consolidate()
    total = sum(sum(row.values()) for row in ledger(life.books / "registre").values())
    assert total == sum(sum(row.values()) for row in life.known.values())

    # The staff and the town say otherwise of one amount: it is asked, and the choice in the workbook counts
    life.staff("A", 2017, "Montant prévu (€)", 99, "Lignes_01")
    life.say("A", 2017, montant_prevu="99")
    life.reply(2017, 20, {**answers, "A": {**answers["A"], "montant_prevu": 55}})
    assert "[conflit]" in life.consolidate().out
    life.decide("Conflit", "accepter")
    life.say("A", 2017, montant_prevu="55")
    life.consolidate()
    assert life.questions("Conflit") == []
    adopted(life)

    # What is published and exported says it, and the next forms show it
    life.run("export")
    assert ledger(life.books / "export" / "registre") == life.known
    life.run("publish", "--exercice", "2017")
    life.run("annexe", "--exercice", "2017")
    life.run("forms", "--exercice", "2018")
    assert rolled(life.form("luce", 2018)) == expected_roll(life.known, 2018)


def rolled(form: Path) -> dict[str, tuple[Any, ...]]:
    """Of each line of a written form: the last exercice known, its amount, and the cells to fill."""
    package = Package(form.read_bytes())
    table = package.tables[BUDGET]
    labels, cells = list(table.columns), package.cells["Budget"]
    wanted = ("Dernier exercice connu", "Dernier montant connu (€)", "Montant prévu (€)", "Montant voté (€)",
              "Montant réalisé (€)")  # fmt: skip
    by_line = {}
    for row in range(table.area[0] + 1, table.area[2] + 1):
        values = {label: cells.get((row, at), (None, None))[0] for at, label in enumerate(labels)}
        if values["Identifiant"]:
            by_line[str(values["Identifiant"])] = tuple(
                Decimal(str(values[name])) if values[name] not in (None, "") else None for name in wanted
            )
    return by_line


def expected_roll(known: Ledger, year: int) -> dict[str, tuple[Any, ...]]:
    """The same from the ledger: of the town's lines, the last exercice that has an amount (else the last)."""
    by_line = {}
    for line in {line for line, _ in known} - {"F"}:  # the other town's
        past = sorted(exercice for key, exercice in known if key == line and exercice < year)
        if not past and (line, year) not in known:
            continue
        priced = [exercice for exercice in past if known[line, exercice]] or past
        last = priced[-1] if priced else None
        amounts = known[line, last] if last is not None else {}
        shown = next((amounts[name] for name in reversed(AMOUNTS) if name in amounts), None)
        now = known.get((line, year), {})
        by_line[line] = (None if last is None else Decimal(last), shown, *(now.get(name) for name in AMOUNTS))
    return by_line


def test_a_second_file_made_from_the_same_form_is_joined_and_asked_about(life: Life) -> None:
    life.reply(2016, 20, {"A": {"montant_prevu": 1}, "C": {"montant_prevu": 9}})
    life.say("A", 2016, montant_prevu="1")
    life.say("C", 2016, montant_prevu="9")
    life.consolidate()
    adopted(life)
    life.reply(2016, 21, {"A": {"montant_prevu": 2}})  # and C is as it was sent: a colleague's half, maybe
    assert "[reponses-differentes]" in life.consolidate().out, "the contract keeps its values until somebody decides"
    life.reply(2016, 22, {"A": {"montant_prevu": 3}, "C": {"montant_prevu": 4}})  # it covers all that was said
    life.say("A", 2016, montant_prevu="3")
    life.say("C", 2016, montant_prevu="4")
    assert "[reponses-differentes]" not in life.consolidate().out


def test_a_return_is_compared_with_the_form_that_it_was_made_from(life: Life, tmp_path: Path) -> None:
    first = Path(shutil.copy(life.form("luce", 2016), tmp_path / "first.xlsx"))
    life.reply(2016, 20, {"A": {"montant_prevu": 1}})
    life.say("A", 2016, montant_prevu="1")
    life.consolidate()
    adopted(life)
    life.staff("A", 2016, "Montant prévu (€)", 3, "Lignes_01")
    life.reply(2016, 21, {"A": {"montant_prevu": 1, "montant_vote": 5}})
    life.say("A", 2016, montant_prevu="3", montant_vote="5")
    life.consolidate()
    adopted(life)

    # The form is written again, with what the staff decided: the town starts from that.
    life.run("forms", "--exercice", "2016")
    assert life.form("luce", 2016).read_bytes() != first.read_bytes()
    life.reply(2016, 22, {"A": {"montant_prevu": 4}})
    life.say("A", 2016, montant_prevu="4")
    assert "[conflit]" not in life.consolidate().out
    adopted(life)

    # It then corrects its old file: what was taken over from it is no news, although another form was adopted since.
    life.staff("A", 2016, "Montant prévu (€)", 6, "Lignes_01")
    life.say("A", 2016, montant_prevu="6")
    life.reply(2016, 23, {"A": {"montant_prevu": 1, "montant_vote": 5, "montant_realise": 2}}, form=first)
    life.say("A", 2016, montant_realise="2")
    assert "[conflit]" not in life.consolidate().out
    adopted(life)
    assert "Rien à adopter" in life.run("adopt", "--oui").out
    life.consolidate()


def test_a_form_written_again_from_the_same_state_is_the_same(life: Life) -> None:
    before = life.form("luce", 2016).read_bytes()
    life.run("forms", "--exercice", "2016")
    assert life.form("luce", 2016).read_bytes() == before


def test_a_person_at_a_terminal_is_asked(life: Life) -> None:
    life.reply(2016, 20, {"A": {"montant_prevu": 1}})
    before = life.contrat.read_bytes()
    for answer, changes in (("n", False), ("", False), ("oui", True)):
        leader, follower = pty.openpty()
        os.write(leader, answer.encode() + b"\n")
        done = subprocess.run(
            [sys.executable, "-m", "tabellion", "adopt"],
            cwd=life.root, env=environment(), stdin=follower, capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        os.close(leader)
        os.close(follower)
        assert done.returncode == 0, done.stderr.decode()
        assert (life.contrat.read_bytes() != before) is changes


def test_a_register_changed_by_hand_beside_the_workbook_is_kept_and_said(life: Life) -> None:
    """The workbook is the contract: an edit of the register is no change of it, and is not lost either."""
    path = life.books / "registre" / "piliers.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("Cadre de vie", "Cadre"), encoding="utf-8")
    outcome = life.run("consolidate", code=0)
    assert "registre-a-la-main" in outcome.codes
    assert "piliers.csv" in outcome.out
    assert "Cadre de vie" in path.read_text(encoding="utf-8")
    (kept,) = (life.books / "archives").glob("registre 20*/piliers.csv")
    assert "Cadre de vie" not in kept.read_text(encoding="utf-8")
    before = contents(life.books / "consolidation")
    assert "registre-a-la-main" in life.run("consolidate", code=0).codes, "whoever looks tomorrow is to know"
    assert contents(life.books / "consolidation") == before
    shutil.rmtree(kept.parent)
    assert "registre-a-la-main" not in life.run("consolidate", code=0).codes


def test_a_register_changed_by_hand_is_the_contract_where_there_is_no_workbook(life: Life) -> None:
    path = life.books / "registre" / "piliers.csv"
    life.contrat.unlink()
    path.write_text(path.read_text(encoding="utf-8").replace("Cadre de vie", "Cadre"), encoding="utf-8")
    life.run("generate", code=0)
    life.reply(2016, 20, {"A": {"montant_prevu": 1}})
    life.run("consolidate", code=0)
    life.run("adopt", "--oui")
    assert "Cadre," in path.read_text(encoding="utf-8")


def test_a_cell_that_cannot_be_read_costs_its_cell(life: Life) -> None:
    life.consolidate()
    life.reply(2016, 20, {"A": {"montant_prevu": 1}})
    life.say("A", 2016, montant_prevu="1")
    cells: dict[str, dict[str, Any]] = {}
    for year, column, value in ((2013, "Montant réalisé (€)", "environ mille"), (2013, "Commentaire", "à revoir")):
        sheet, cell = table_cell(life.contrat, "Lignes_01", column, Identifiant="A", Exercice=year)
        cells.setdefault(sheet, {})[cell] = value
    retouch(life.contrat, life.contrat, cells, saved=datetime(2016, 11, 15), author="Luc")
    outcome = life.consolidate()
    assert "dernière valeur acceptée" in outcome.out
    adopted(life)
    with (life.books / "registre" / "lignes_budgetaires.csv").open(encoding="utf-8", newline="") as stream:
        assert "à revoir" in {row["commentaire"] for row in csv.DictReader(stream)}


def test_a_script_s_edit_of_the_contract_is_taken(life: Life) -> None:
    book = openpyxl.load_workbook(life.contrat)
    sheet, cell = table_cell(life.contrat, "Lignes_01", "Montant réalisé (€)", Identifiant="A", Exercice=2013)
    book[sheet][cell] = 1234.56
    book.save(life.contrat)
    life.say("A", 2013, montant_realise="1234.56")
    life.reply(2016, 20, {"A": {"montant_prevu": 1}})
    life.say("A", 2016, montant_prevu="1")
    outcome = life.run("consolidate", code=0)
    assert life.consolidated() == life.known, outcome.out


def test_the_contract_edited_and_saved_by_libreoffice_is_taken(life: Life, editor: Editor, tmp_path: Path) -> None:
    sheet, cell = table_cell(life.contrat, "Lignes_01", "Montant réalisé (€)", Identifiant="A", Exercice=2013)
    editor.open(Path(shutil.copy(life.contrat, tmp_path / "ouvert.xlsx")))
    editor.set(sheet, *position(cell), 1234.56)
    shutil.copy(editor.save(tmp_path / "contrat.xlsx"), life.contrat)
    life.say("A", 2013, montant_realise="1234.56")
    life.reply(2016, 20, {"A": {"montant_prevu": 1}})
    life.say("A", 2016, montant_prevu="1")
    life.consolidate()
    adopted(life)
    life.consolidate()
