"""Two people and a partner who work on one contract in any order, and a plain model of what they typed.

A step is a command, or an edit by a person: on the workbook as it is, or on an older copy that lacks what others typed
since; or a choice in « À décider ». The model knows only what was typed and chosen; it says of a state of the contract
which typed values are neither in it, nor replaced by a later one, nor spoken of.
"""

from __future__ import annotations

import random
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl

from support.campaign import fill, retouch, table_cell
from support.documents import document, small_contract
from support.excel import Excel, edited
from support.masters import position
from support.program import contents
from tabellion.campaign.decisions import Question, QuestionKind
from tabellion.campaign.model import Consolidation, MergeOutcome
from tabellion.commands.adopt import adopt
from tabellion.commands.consolidate import consolidate, look_at_campaign
from tabellion.commands.export import export
from tabellion.commands.forms import forms
from tabellion.commands.generate import generate
from tabellion.commands.import_document import import_document
from tabellion.commands.publish import PublishOptions, publish
from tabellion.commands.source import Depuis, Source, load_source
from tabellion.commands.validate import validate
from tabellion.contract.register import load_register
from tabellion.contract.workspace import find_workspace
from tabellion.findings import Finding, TabellionError
from tabellion.layout.names import DECISION, DECISIONS, DECISIONS_TABLE

TABLE, FICHES, PARTNERS, TOWNS = "lignes_budgetaires", "fiches", "partenaires", "collectivites"
SHEETS = ("Lignes_01", "Lignes_02", "Lignes_03")
PEOPLE = ("Anne", "Luc")
#: The amount and the text that people type, by field: their headers.
LABELS = {"montant_realise": "Montant réalisé (€)", "commentaire": "Commentaire", "montant_prevu": "Montant prévu (€)"}
#: What people type in other tables: their Excel tables, the header of the key, the fields with their headers.
OTHERS: dict[str, tuple[tuple[str, ...], str, dict[str, str]]] = {
    FICHES: (("Fiches_01", "Fiches_02"), "Fiche", {"objectif": "Objectif", "proposition": "Proposition d'action"}),
    PARTNERS: (("Partenaires",), "Identifiant", {"nom": "Partenaire"}),
    TOWNS: (("Collectivites",), "Identifiant", {"nom": "Collectivité"}),
}
START = datetime(2016, 11, 14, 9)
#: A sheet of their own, and what it says: no command takes it away.
OWN, OWN_TEXT = "Nos notes", "une note qui reste"

Cell = tuple[str, int, str]
"""A line, its exercice and a field (a line that people added is called by its label); or a row of another table, 0."""
GONE = "(ligne supprimée)"
#: The kinds of questions that the game decides: it knows what each choice does to what was typed.
DECIDED = {
    QuestionKind.CONFLICT, QuestionKind.REMOVAL, QuestionKind.PARTIAL, QuestionKind.UNDONE, QuestionKind.MANY_REMOVED,
    QuestionKind.EMPTIED, QuestionKind.SORTED,
}  # fmt: skip
_ROW = "(ligne)"
#: The line that staff and the partner both speak of, for the year that is asked.
BOTH = ("C", 2016, _ROW)


@dataclass(frozen=True)
class PlayedValue:
    """A value typed: ``value`` as people see it, when and by whom."""

    value: Any
    who: str
    when: datetime


@dataclass
class Copy:
    """A copy of the workbook put aside: its bytes."""

    content: bytes


@dataclass
class Game:
    """One contract and its people. ``typed`` is the last value typed by the staff in each cell that a run took over,
    ``saved`` what is typed in the workbook since; ``answered`` is what the partner typed. ``log`` are the steps.

    What no run has seen before the file was replaced is known to nobody.
    """

    root: Path
    seed: int
    now: datetime = START
    typed: dict[Cell, PlayedValue] = field(default_factory=dict)
    saved: dict[Cell, PlayedValue] = field(default_factory=dict)
    answered: dict[Cell, PlayedValue] = field(default_factory=dict)
    copies: list[Copy] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    saver: str = ""
    """Who saved the workbook that is in place; nobody, of one that was put back."""

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)  # noqa: S311 -- a story to play again, no secret
        self.workspace = find_workspace(self.root)
        self.number = 100
        self.own_sheet()

    @property
    def contrat(self) -> Path:
        return self.workspace.contrat

    # Steps

    def play(self, steps: int) -> None:
        """Play an opening, then steps drawn at random, and look at the contract after each command."""
        commands = [*[self.consolidate] * 5, self.adopt, self.adopt, self.generate, self.forms, self.validate,
                    self.publish, self.export, self.import_document]  # fmt: skip
        edits = [*[self.change] * 3, self.add, self.remove, self.undo, self.sort, self.answer, self.answer,
                 *[self.save_stale_copy] * 2, self.put_back, self.put_aside, self.decide, self.decide]  # fmt: skip
        self.put_aside()
        # what goes against a value that a run has taken over is in every game
        against = (self.put_back, self.save_stale_copy, self.answer, self.remove)[self.seed % 4]
        opening = [self.change, self.change, self.consolidate, against, self.consolidate]
        for rank in range(steps):
            self.now += timedelta(hours=self.random.choice((1, 3, 30)))
            step = self.random.choice(self.random.choice((commands, edits)))
            step = opening[rank] if rank < len(opening) else step
            self.log.append(f"{self.now:%d/%m %Hh} {step.__name__}")
            step()
            if step in commands:
                self.look()
            if step in (self.adopt, self.generate):  # most older copies are thrown away: a later run refuses them whole
                self.copies = [copy for copy in self.copies if self.random.random() < 0.2]
                self.put_aside()

    def note(self, text: str) -> None:
        self.log[-1] += f" {text}"

    def edit(self, change: Callable[[Excel], Any], who: str, *, copy: Copy | None = None) -> None:
        """Somebody edits the workbook, or a copy of it, and saves it in its place."""
        if copy is not None:
            self.replace(copy)
        self.note(f"by {who}")
        self.saver = who
        edited(self.contrat, change, saved=self.now, author=who)

    def own_sheet(self) -> None:
        """They have a sheet of their own from the first day."""

        def adding(book: Excel) -> None:
            book.book.create_sheet(OWN)["A1"] = OWN_TEXT

        edited(self.contrat, adding, saved=self.now, author="Anne")

    def cells(self, book: Excel) -> dict[Cell, tuple[str, str, int]]:
        """The rows that a workbook shows, by what the model calls them: their table here and in Excel, their row."""
        places: dict[Cell, tuple[str, str, int]] = {}
        for table in SHEETS:
            for row in book.rows(table):
                label = str(book.get(table, row, "Libellé") or "")
                if label:
                    name = label if label.startswith("Ajout") else str(book.get(table, row, "Identifiant") or label)
                    places[name, book.get(table, row, "Exercice"), _ROW] = (TABLE, table, row)
        for resource, (tables, key, _) in OTHERS.items():
            for table in tables:
                for row in book.rows(table):
                    if book.get(table, row, key) is not None:
                        places[str(book.get(table, row, key)), 0, _ROW] = (resource, table, row)
        return places

    def pick(
        self, book: Excel, tables: tuple[str, ...] = (TABLE, FICHES, PARTNERS, TOWNS)
    ) -> tuple[str, int, str, str, int]:
        """A row drawn among those of some tables, each table as often: what the model calls it, and where it is."""
        places = self.cells(book)
        wanted = self.random.choice([table for table in tables if any(where[0] == table for where in places.values())])
        rows = sorted((cell, where) for cell, where in places.items() if where[0] == wanted)
        (name, exercice, _), (resource, table, row) = self.random.choice(rows)
        return name, exercice, resource, table, row

    def change(self, copy: Copy | None = None) -> None:
        """Somebody types an amount, as a number or a text, or a text; or renames a partner or a town."""
        who = self.random.choice(PEOPLE)
        self.number += 1

        def typing(book: Excel) -> None:
            name, exercice, resource, table, row = self.pick(book, (TABLE, TABLE, TABLE, FICHES, PARTNERS, TOWNS))
            labels = LABELS if resource == TABLE else OTHERS[resource][2]
            champ = self.random.choice([label for label in labels if label != "montant_prevu"])
            both = self.cells(book).get(BOTH)
            if both is not None and resource == TABLE and self.random.random() < 0.4:
                (name, exercice, _), (_, table, row), champ = BOTH, both, "montant_prevu"
            value: Any = self.number if champ.startswith("montant") else f"vu {self.number}"
            shown = f"{self.number} €" if champ == "montant_realise" and self.number % 3 == 0 else value
            book.type(table, row, **{labels[champ]: shown})
            self.note(f"{name} {exercice} {champ} = {shown}")
            self.say((name, exercice, champ), value, who)

        self.edit(typing, who, copy=copy)

    def sort(self) -> None:
        """Somebody turns the rows of a sheet around."""
        table = self.random.choice(SHEETS)

        def sorting(book: Excel) -> None:
            labels, lines = list(book.labels(table)), list(book.rows(table))
            values = [{label: book.get(table, row, label) for label in labels} for row in lines]
            for row, content in zip(lines, reversed(values), strict=True):
                book.type(table, row, **content)

        self.edit(sorting, self.random.choice(PEOPLE))

    def say(self, cell: Cell, value: Any, who: str) -> None:
        self.saved[cell] = PlayedValue(value, who, self.now)

    def replace(self, copy: Copy) -> None:
        self.contrat.write_bytes(copy.content)
        self.saved.clear()

    def taken_over(self) -> None:
        """A run has read the workbook, and written it to the register: all is of whoever saved it last."""
        for cell, typed_value in self.saved.items():
            if typed_value.value == GONE:
                for other in [other for other in self.typed if other[:2] == cell[:2]]:
                    del self.typed[other]
            self.typed[cell] = replace(typed_value, who=self.saver)
        self.saved.clear()

    @property
    def current(self) -> dict[Cell, PlayedValue]:
        """What was typed last in each cell."""
        removed_rows = {cell[:2] for cell, typed_value in self.saved.items() if typed_value.value == GONE}
        return {
            **{cell: typed_value for cell, typed_value in self.typed.items() if cell[:2] not in removed_rows},
            **self.saved,
        }

    def add(self) -> None:
        """Somebody types a row under the last one of a table."""
        who, table = self.random.choice(PEOPLE), self.random.choice(SHEETS)
        self.number += 1
        label, amount = f"Ajout {self.number}", self.number

        def adding(book: Excel) -> None:
            town = book.get("Collectivites", book.find("Collectivites", Identifiant="luce"), "Collectivité")
            values = {"Collectivité": town, "Libellé": label, "Exercice": 2016}
            book.add(table, **values, **{LABELS["montant_realise"]: amount})
            self.note(f"{table} {label}")
            self.say((label, 2016, _ROW), label, who)
            self.say((label, 2016, "montant_realise"), amount, who)

        self.edit(adding, who)

    def remove(self) -> None:
        """Somebody deletes a row."""
        who = self.random.choice(PEOPLE)

        def removing(book: Excel) -> None:
            name, exercice, _, table, row = self.pick(book, (TABLE, TABLE, TABLE, FICHES, PARTNERS))
            book.remove(table, [row])
            self.note(f"{name} {exercice}")
            for cell in [cell for cell in self.saved if cell[:2] == (name, exercice)]:
                del self.saved[cell]
            self.say((name, exercice, _ROW), GONE, who)

        self.edit(removing, who)

    def undo(self) -> None:
        """Who typed a value last types the one of before again: second thoughts."""
        mine = [(cell, typed_value) for cell, typed_value in self.current.items() if cell[2] in LABELS]
        if not mine:
            return
        cell, typed_value = self.random.choice(mine)

        def typing(book: Excel) -> None:
            place = self.cells(book).get((*cell[:2], _ROW))
            if place is not None:
                book.type(place[1], place[2], **{LABELS[cell[2]]: None})
                self.note(f"{cell} emptied")
                self.say(cell, None, typed_value.who)

        self.edit(typing, typed_value.who)

    def put_aside(self) -> None:
        """Somebody keeps a copy of the workbook as it is."""
        self.copies.append(Copy(self.contrat.read_bytes()))

    def save_stale_copy(self) -> None:
        """Somebody edits a copy made earlier, and saves it over the workbook: of others, or of their own typing."""
        self.change(self.random.choice(self.copies))

    def put_back(self) -> None:
        """Somebody puts an old copy back, as it was."""
        self.saver = ""
        self.replace(self.random.choice(self.copies))

    def answer(self) -> None:
        """The partner fills the form that it was sent, or takes a line out of it, and sends it back."""
        form = self.workspace.envois / "2016" / "luce-2016.xlsx"
        line, other = self.random.sample(("C", "C", "A", "B", "E"), 2)
        removed_keys = {"Budget": [other]} if line != other and self.random.random() < 0.3 else {}
        self.number += 1
        try:
            fill(form, self.workspace.retours / f"luce-{self.number}.xlsx",
                 {"Budget": {line: {"montant_prevu": self.number}}}, removed=removed_keys, saved=self.now)  # fmt: skip
        except KeyError:
            return  # the line is on the form no more
        self.note(f"{line} montant_prevu = {self.number} {removed_keys or ''}")
        self.answered = {cell: typed_value for cell, typed_value in self.answered.items() if typed_value.value != GONE}
        self.answered[line, 2016, "montant_prevu"] = PlayedValue(self.number, "luce", self.now)
        if removed_keys:
            self.answered[other, 2016, _ROW] = PlayedValue(GONE, "luce", self.now)

    def decide(self) -> None:
        """Somebody chooses in « À décider », as it is after a run; what gives way by that choice was spoken of."""
        self.consolidate()
        state = look_at_campaign(self.workspace, self.now)
        asked = [question for question in state.open_questions if question.kind in DECIDED]
        if not asked:
            return
        question = self.random.choice(sorted(asked, key=lambda question: question.sentence))
        choice = self.random.choice(question.choices)
        self.note(f"{question.kind.value}: {question.sentence} -> {choice.label}")
        book = self.workspace.consolidation / "consolidation.xlsx"
        self.now += timedelta(minutes=10)
        _, cell = table_cell(book, DECISIONS_TABLE, DECISION, Question=question.id)
        retouch(book, book, {DECISIONS: {cell: choice.label}}, saved=self.now, author="Anne")
        self.settle(state, question, choice.code)
        self.now += timedelta(minutes=10)
        self.consolidate()
        after = look_at_campaign(self.workspace, self.now)
        assert question.id not in {question.id for question in after.open_questions}, self.story()

    def settle(self, state: Consolidation, question: Question, code: str) -> None:
        """What the model no more expects once a question is decided, and what it does instead."""
        name = name_of(state, question.table, question.key) if question.key else ""
        row = (name, question.key[-1] if question.table == TABLE and question.key else 0)
        if question.kind is QuestionKind.CONFLICT:
            left, right = (self.typed, self.answered) if code != "garder" else (self.answered, self.typed)
            for cell in [cell for cell in left if cell[:2] == row and question.champ in (None, cell[2])]:
                del left[cell]
            if question.champ is None and code == "garder":
                right[*row, _ROW] = PlayedValue(GONE, "décision", self.now)
        elif question.kind is QuestionKind.REMOVAL:
            self.answered.pop((*row, _ROW), None)
            if code == "supprimer":
                for values in (self.typed, self.answered):
                    for cell in [cell for cell in values if cell[:2] == row]:
                        del values[cell]
                self.typed[*row, _ROW] = PlayedValue(GONE, "décision", self.now)
        elif question.kind is QuestionKind.PARTIAL:
            self.answered.clear()  # people chose among its files
        else:
            (held,) = [withheld for withheld in state.withheld if withheld.question == question.id]
            if question.kind is QuestionKind.UNDONE:
                removed_cells = {
                    (name_of(state, *cell[:2]), cell[1][-1] if cell[0] == TABLE else 0, cell[2]) for cell in held.cells
                }
                rows = {cell[:2] for cell in removed_cells}
                is_left = code == "confirmer"
            else:
                rows = {(name_of(state, held.table, key), key[-1] if held.table == TABLE else 0) for key in held.keys}
                is_left = code != "confirmer"
            for cell in [cell for cell in self.typed if cell[:2] in rows and is_left]:
                del self.typed[cell]

    # Commands

    def run(self, command: Callable[[], Any], *, writes: bool) -> Any:
        """A command; where it refuses, it has changed nothing of the contract."""
        before = contents(self.workspace.registre), self.contrat.read_bytes()
        try:
            done = command()
        except TabellionError as error:
            self.note(f"refused: {sorted({finding.code for finding in error.findings})}")
            assert (contents(self.workspace.registre), self.contrat.read_bytes()) == before, self.story()
            return None
        if writes:
            self.check_register()
            if not any(finding.code == "classeur-d-avant-adoption" for finding in self.source().findings):
                self.taken_over()
        else:
            assert (contents(self.workspace.registre), self.contrat.read_bytes()) == before, self.story()
        return done

    def consolidate(self) -> None:
        self.run(lambda: consolidate(self.workspace, self.now), writes=True)
        self.look()
        before = contents(self.workspace.registre)
        # The second run may say that it knows a row of which the first gave the identifier: the third says the same.
        consolidate(self.workspace, self.now + timedelta(minutes=2))
        assert contents(self.workspace.registre) == before, self.story()
        again = consolidate(self.workspace, self.now + timedelta(minutes=5))
        assert not again.written, self.story()
        assert contents(self.workspace.registre) == before, self.story()

    def adopt(self) -> None:
        seen: list[Consolidation] = []
        done = self.run(lambda: adopt(self.workspace, self.now, lambda state: not seen.append(state)), writes=True)
        if done is None:
            return
        self.note("adopted")
        assert self.source().state.saves.modifications == (), self.story()
        spoken = {cell for state in seen for cell in (*self.listed(state), *self.waiting(state))}
        for cell in [cell for cell in self.answered if cell in spoken]:
            del self.answered[cell]  # its value is in the contract, or was told that it is not
        for cell in [cell for cell in self.typed if cell in spoken]:
            del self.typed[cell]

    def generate(self) -> None:
        self.run(lambda: generate(self.workspace, None, force=True, now=self.now), writes=True)

    def forms(self) -> None:
        self.run(lambda: forms(self.workspace, 2016, [], force=True, now=self.now), writes=True)

    def validate(self) -> None:
        self.run(lambda: validate(self.workspace, [self.contrat]), writes=False)

    def publish(self) -> None:
        self.run(lambda: publish(self.workspace, PublishOptions(force=True), self.now), writes=False)

    def export(self) -> None:
        self.run(lambda: export(self.workspace, None, Depuis.CONTRAT, force=True, now=self.now), writes=False)

    def import_document(self) -> None:
        """The published document again: it says less than the contract does, and is refused."""
        path = self.root / "document.txt"
        path.write_bytes(document(small_contract()))
        done = self.run(lambda: import_document(self.workspace, [path], None, force=False, now=self.now), writes=False)
        assert done is None, self.story()

    # What is looked at

    def source(self) -> Source:
        return load_source(self.workspace)

    def check_register(self) -> None:
        """The register says what the contract says."""
        book, workspace = self.source().book, self.workspace
        register = load_register(workspace.registre, workspace.schemas, workspace.settings)
        for name, table in register.tables.items():
            here = sorted(map(repr, (dict(row) for row in table.rows)))
            there = sorted(map(repr, (dict(row) for row in book.tables[name].rows)))
            assert here == there, f"{name}\n{self.story()}"

    def look(self) -> None:
        """Nothing that was typed is gone without a word, and their own sheet is there."""
        with zipfile.ZipFile(self.contrat) as parts:
            texts = b"".join(parts.read(name) for name in parts.namelist() if name.endswith(".xml"))
        assert OWN_TEXT.encode() in texts, self.story()
        state = look_at_campaign(self.workspace, self.now)
        lost = [f"{cell}: {typed_value}" for cell, typed_value in self.unspoken(state)]
        assert not lost, "\n".join([*lost, *(f"{f.code} {f.message}" for f in state.findings), self.story()])

    def unspoken(self, state: Consolidation) -> Iterator[tuple[Cell, PlayedValue]]:
        contract, master = rows_of(state.contract.tables), rows_of(state.master.tables)
        if any(finding.code == "classeur-d-avant-adoption" for finding in state.findings):
            return  # the whole workbook waits, and it is said with its money
        spoken = set(self.listed(state)) | set(self.waiting(state))
        lost = [
            (cell, typed_value)
            for cell, typed_value in [*self.current.items(), *self.answered.items()]
            if not any(value_of(rows, cell) == typed_value.value for rows in (contract, master))
            and not {cell, (*cell[:2], _ROW)} & spoken
        ]
        told = set(self.told(state.findings)) if lost else set()
        for cell, typed_value in lost:
            if cell in told and typed_value.who == self.saver:  # their own doing: it counts, and it was said
                self.typed.pop(cell, None)
            else:
                yield cell, typed_value

    def listed(self, state: Consolidation) -> Iterator[Cell]:
        """The cells that the consolidation lists as changed by a return, or in conflict; rows that staff's own list
        says to be gone, or there again.
        """
        for modification in state.modifications:
            if modification.table == TABLE:
                yield name_of(state, TABLE, modification.key), modification.key[1], modification.champ
        for conflict in state.conflicts:
            if conflict.table == TABLE:
                yield name_of(state, TABLE, conflict.key), conflict.key[1], conflict.champ
        for change in state.staff:
            if change.outcome is MergeOutcome.REMOVED or change.is_new_row:
                words = change.before if change.outcome is MergeOutcome.REMOVED else ""
                name = str(words).partition(" (")[0] if str(words).startswith("Ajout") else ""
                year = change.key[-1] if change.table == TABLE else 0
                yield name or name_of(state, change.table, change.key), year, _ROW

    def waiting(self, state: Consolidation) -> Iterator[Cell]:
        """The rows that wait for a decision, and those that a finding says to be named still."""
        for held in state.withheld:
            keys = [(table, key) for table, key, _ in held.cells] or [(held.table, key) for key in held.keys]
            for table, key in keys:
                yield name_of(state, table, key), key[-1] if table == TABLE else 0, _ROW
        for removal in state.removals:
            if removal.table == TABLE:
                yield name_of(state, TABLE, removal.key), removal.key[1], _ROW
        kept = " ".join(str(finding.valeur) for finding in state.findings if finding.code == "ligne-encore-citee")
        yield from ((*cell[:2], _ROW) for cell in self.current if cell[1] == 0 and cell[0] in kept)

    def told(self, findings: tuple[Finding, ...]) -> Iterator[Cell]:
        """The cells that a finding says to have gone back to what they said before."""
        book = Excel(openpyxl.load_workbook(self.contrat))
        rows = {(book.sheet(table).title, row): (name, year, resource, table)
                for (name, year, _), (resource, table, row) in self.cells(book).items()}  # fmt: skip
        for finding in findings:
            for place in (finding.place, *finding.liees) if finding.code == "saisies-reprises" else ():
                row, column = position(place.cellule or "A1")
                name, year, resource, table = rows[place.feuille or "", row + 1]
                fields = LABELS if resource == TABLE else OTHERS[resource][2]
                columns = book.labels(table)
                yield from ((name, year, champ) for champ, label in fields.items() if columns[label] == column + 1)

    def story(self) -> str:
        return "\n".join([f"seed {self.seed}", *self.log])


def rows_of(tables: Any) -> dict[tuple[str, int], dict[str, Any]]:
    """The rows of tables by what the model calls them."""
    rows_by_key = {(_name(row), row["exercice"]): dict(row) for row in tables[TABLE].rows}
    for table, key in ((FICHES, "fiche_id"), (PARTNERS, "partenaire_id"), (TOWNS, "collectivite_id")):
        rows_by_key |= {(str(row[key]), 0): dict(row) for row in tables[table].rows}
    return rows_by_key


def _name(row: Any) -> str:
    label = str(row["libelle"])
    return label if label.startswith("Ajout") else str(row["ligne_id"])


def name_of(state: Consolidation, table: str, key: tuple[Any, ...]) -> str:
    """What the model calls a row."""
    for rows in (state.contract.tables[TABLE].rows, state.master.tables[TABLE].rows) if table == TABLE else ():
        for row in rows:
            if (row["ligne_id"], row["exercice"]) == key:
                return _name(row)
    return str(key[0])


def value_of(rows: dict[tuple[str, int], dict[str, Any]], cell: Cell) -> Any:
    """What rows say in a cell, as people see it."""
    row = rows.get(cell[:2])
    if cell[2] == _ROW:
        return GONE if row is None else cell[0]
    value = None if row is None else row[cell[2]]
    return value / 100 if cell[2].startswith("montant") and value is not None else value
