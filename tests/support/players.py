"""Two people and a partner who work on one contract in any order, and a plain model of what they typed.

A step is a command, or an edit by a person: on the workbook as it is, or on an older copy that lacks what others typed
since. The model knows only what was typed, and what a copy of the workbook showed when it was put aside; it says of a
state of the contract which typed values are neither in it, nor replaced by a later one, nor spoken of.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from support.campaign import fill
from support.documents import document, small_contract
from support.excel import Excel, edited
from support.program import contents
from tabellion.campaign.model import Consolidation
from tabellion.commands.adopt import adopt
from tabellion.commands.consolidate import consolidate, look_at_campaign
from tabellion.commands.export import export
from tabellion.commands.forms import forms
from tabellion.commands.generate import generate
from tabellion.commands.import_document import import_document
from tabellion.commands.publish import Wanted, publish
from tabellion.commands.source import Depuis, Source, load_source
from tabellion.commands.validate import validate
from tabellion.contract.register import load_register
from tabellion.contract.workspace import find_workspace
from tabellion.findings import TabellionError

TABLE = "lignes_budgetaires"
SHEETS = ("Lignes_01", "Lignes_02", "Lignes_03")
PEOPLE = ("Anne", "Luc")
#: The amount and the text that people type, by field: their headers.
LABELS = {"montant_realise": "Montant réalisé (€)", "commentaire": "Commentaire", "montant_prevu": "Montant prévu (€)"}
START = datetime(2016, 11, 14, 9)

Cell = tuple[str, int, str]
"""A line, its exercice and a field; a line that people added is called by its label."""
GONE = "(ligne supprimée)"
_ROW = "(ligne)"


@dataclass(frozen=True)
class Said:
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
    typed: dict[Cell, Said] = field(default_factory=dict)
    saved: dict[Cell, Said] = field(default_factory=dict)
    answered: dict[Cell, Said] = field(default_factory=dict)
    copies: list[Copy] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)  # noqa: S311 -- a story to play again, no secret
        self.workspace = find_workspace(self.root)
        self.number = 100

    @property
    def contrat(self) -> Path:
        return self.workspace.contrat

    # Steps

    def play(self, steps: int) -> None:
        """Play steps drawn at random, and look at the contract after each."""
        commands = [self.consolidate, self.consolidate, self.consolidate, self.adopt, self.adopt, self.generate,
                    self.forms, self.validate, self.publish, self.export, self.import_document]  # fmt: skip
        edits = [self.change, self.change, self.add, self.remove, self.undo, self.save_stale_copy, self.put_back,
                 self.put_aside, self.answer]  # fmt: skip
        self.put_aside()
        for _ in range(steps):
            self.now += timedelta(hours=self.random.choice((1, 3, 30)))
            step = self.random.choice(self.random.choice((commands, edits)))
            self.log.append(f"{self.now:%d/%m %Hh} {step.__name__}")
            step()
            if step in commands:
                self.look()

    def note(self, text: str) -> None:
        self.log[-1] += f" {text}"

    def edit(self, change: Callable[[Excel], Any], who: str, *, copy: Copy | None = None) -> None:
        """Somebody edits the workbook, or a copy of it, and saves it in its place."""
        if copy is not None:
            self.replace(copy)
        self.note(f"by {who}")
        edited(self.contrat, change, saved=self.now, author=who)

    def cells(self, book: Excel) -> dict[Cell, tuple[str, int]]:
        """The lines that a workbook shows: their table and row."""
        return {
            (str(book.get(table, row, "Identifiant") or book.get(table, row, "Libellé")),
             book.get(table, row, "Exercice"), _ROW): (table, row)
            for table in SHEETS for row in book.rows(table) if book.get(table, row, "Libellé") is not None
        }  # fmt: skip

    def change(self, copy: Copy | None = None) -> None:
        """Somebody types an amount or a text."""
        who, champ = self.random.choice(PEOPLE), self.random.choice(("montant_realise", "commentaire"))
        self.number += 1
        value: Any = self.number if champ == "montant_realise" else f"vu {self.number}"

        def typing(book: Excel) -> None:
            places = self.cells(book)
            if not places:
                return
            (line, exercice, _), (table, row) = self.random.choice(sorted(places.items()))
            book.type(table, row, **{LABELS[champ]: value})
            label = str(book.get(table, row, "Libellé"))
            name = label if label.startswith("Ajout") else line
            self.note(f"{name} {exercice} {champ} = {value}")
            self.say((name, exercice, champ), value, who)

        self.edit(typing, who, copy=copy)

    def say(self, cell: Cell, value: Any, who: str) -> None:
        self.saved[cell] = Said(value, who, self.now)

    def replace(self, copy: Copy) -> None:
        self.contrat.write_bytes(copy.content)
        self.saved.clear()

    def taken_over(self) -> None:
        """A run has read the workbook, and written it to the register."""
        for cell, said in self.saved.items():
            if said.value == GONE:
                for other in [other for other in self.typed if other[:2] == cell[:2]]:
                    del self.typed[other]
            self.typed[cell] = said
        self.saved.clear()

    @property
    def current(self) -> dict[Cell, Said]:
        """What was typed last in each cell."""
        gone = {cell[:2] for cell, said in self.saved.items() if said.value == GONE}
        return {**{cell: said for cell, said in self.typed.items() if cell[:2] not in gone}, **self.saved}

    def add(self) -> None:
        """Somebody types a row under the last one of a table."""
        who, table = self.random.choice(PEOPLE), self.random.choice(SHEETS)
        self.number += 1
        label, amount = f"Ajout {self.number}", self.number

        def adding(book: Excel) -> None:
            values = {"Collectivité": "Lucé", "Libellé": label, "Exercice": 2016}
            book.add(table, **values, **{LABELS["montant_realise"]: amount})
            self.note(f"{table} {label}")
            self.say((label, 2016, _ROW), label, who)
            self.say((label, 2016, "montant_realise"), amount, who)

        self.edit(adding, who)

    def remove(self) -> None:
        """Somebody deletes a row."""
        who = self.random.choice(PEOPLE)

        def removing(book: Excel) -> None:
            places = self.cells(book)
            if not places:
                return
            (line, exercice, _), (table, row) = self.random.choice(sorted(places.items()))
            label = str(book.get(table, row, "Libellé"))
            name = label if label.startswith("Ajout") else line
            book.remove(table, [row])
            self.note(f"{name} {exercice}")
            for cell in [cell for cell in self.saved if cell[:2] == (name, exercice)]:
                del self.saved[cell]
            self.say((name, exercice, _ROW), GONE, who)

        self.edit(removing, who)

    def undo(self) -> None:
        """Who typed a value last types the one of before again: second thoughts."""
        mine = [(cell, said) for cell, said in self.current.items() if cell[2] in LABELS]
        if not mine:
            return
        cell, said = self.random.choice(mine)

        def typing(book: Excel) -> None:
            for (line, exercice, _), (table, row) in self.cells(book).items():
                label = str(book.get(table, row, "Libellé"))
                if (label if label.startswith("Ajout") else line, exercice) == cell[:2]:
                    book.type(table, row, **{LABELS[cell[2]]: None})
                    self.note(f"{cell} emptied")
                    self.say(cell, None, said.who)

        self.edit(typing, said.who)

    def put_aside(self) -> None:
        """Somebody keeps a copy of the workbook as it is."""
        self.copies.append(Copy(self.contrat.read_bytes()))

    def save_stale_copy(self) -> None:
        """Somebody edits a copy made earlier, and saves it over the workbook: they take back what they typed."""
        self.change(self.random.choice(self.copies))
        who = self.log[-1].rpartition("by ")[2].split()[0]
        for cell in [cell for cell, said in self.typed.items() if said.who == who]:
            del self.typed[cell]

    def put_back(self) -> None:
        """Somebody puts an old copy back, as it was."""
        self.replace(self.random.choice(self.copies))

    def answer(self) -> None:
        """The partner fills the form that it was sent, and sends it back."""
        form = self.workspace.envois / "2016" / "luce-2016.xlsx"
        line = self.random.choice(("A", "B", "C", "E"))
        self.number += 1
        try:
            fill(form, self.workspace.retours / f"luce-{self.number}.xlsx",
                 {"Budget": {line: {"montant_prevu": self.number}}}, saved=self.now)  # fmt: skip
        except KeyError:
            return  # the line is on the form no more
        self.note(f"{line} montant_prevu = {self.number}")
        self.answered[line, 2016, "montant_prevu"] = Said(self.number, "luce", self.now)

    # Commands

    def run(self, command: Callable[[], Any], *, writes: bool) -> Any:
        """A command; where it refuses, it has changed nothing of the contract."""
        before = contents(self.workspace.registre), self.contrat.read_bytes()
        try:
            done = command()
        except TabellionError as error:
            self.note(f"refused: {sorted({item.code for item in error.findings})}")
            assert (contents(self.workspace.registre), self.contrat.read_bytes()) == before, self.story()
            return None
        if writes:
            self.check_register()
            if not any(item.code == "classeur-d-avant-adoption" for item in self.source().findings):
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
        said = {cell for state in seen for cell in self.listed(state)}
        for cell in [cell for cell in self.answered if cell in said]:
            del self.answered[cell]  # its value is in the contract, or was told that it is not
        for cell in [cell for cell in self.typed if cell in said]:
            del self.typed[cell]

    def generate(self) -> None:
        self.run(lambda: generate(self.workspace, None, force=True, now=self.now), writes=True)

    def forms(self) -> None:
        self.run(lambda: forms(self.workspace, 2016, [], force=True, now=self.now), writes=True)

    def validate(self) -> None:
        self.run(lambda: validate(self.workspace, [self.contrat]), writes=False)

    def publish(self) -> None:
        self.run(lambda: publish(self.workspace, Wanted(force=True), self.now), writes=False)

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
        """Nothing that was typed is gone without a word."""
        state = look_at_campaign(self.workspace, self.now)
        lost = [f"{cell}: {said}" for cell, said in self.unspoken(state)]
        assert not lost, "\n".join([*lost, *(f"{f.code} {f.message}" for f in state.findings), self.story()])

    def unspoken(self, state: Consolidation) -> Iterator[tuple[Cell, Said]]:
        contract = rows_of(state.contract.tables[TABLE].rows)
        master = rows_of(state.master[TABLE].rows)
        if any(item.code == "classeur-d-avant-adoption" for item in state.findings):
            return  # the whole workbook waits, and it is said with its money
        spoken = set(self.listed(state)) | set(self.waiting(state))
        for cell, said in [*self.current.items(), *self.answered.items()]:
            is_there = any(value_of(rows, cell) == said.value for rows in (contract, master))
            if not is_there and not {cell, (*cell[:2], _ROW)} & spoken:
                yield cell, said

    def listed(self, state: Consolidation) -> Iterator[Cell]:
        """The cells that the consolidation lists as changed by a return, or in conflict."""
        for each in (*state.modifications, *state.conflicts):
            if each.table == TABLE:
                name = name_of(state, each.key)
                yield name, each.key[1], each.champ

    def waiting(self, state: Consolidation) -> Iterator[Cell]:
        """The rows that wait for a decision, and those that a finding speaks of."""
        for held in state.withheld:
            for key in held.keys if held.table == TABLE else ():
                yield name_of(state, key), key[1], _ROW
        for each in state.removals:
            if each.table == TABLE:
                yield name_of(state, each.key), each.key[1], _ROW

    def story(self) -> str:
        return "\n".join([f"seed {self.seed}", *self.log])


def rows_of(rows: Any) -> dict[tuple[str, int], dict[str, Any]]:
    """Lines by what the model calls them."""
    return {(_name(row), row["exercice"]): dict(row) for row in rows}


def _name(row: Any) -> str:
    label = str(row["libelle"])
    return label if label.startswith("Ajout") else str(row["ligne_id"])


def name_of(state: Consolidation, key: tuple[Any, ...]) -> str:
    for rows in (state.contract.tables[TABLE].rows, state.master[TABLE].rows):
        for row in rows:
            if (row["ligne_id"], row["exercice"]) == key:
                return _name(row)
    return str(key[0])


def value_of(rows: dict[tuple[str, int], dict[str, Any]], cell: Cell) -> Any:
    """What lines say in a cell, as people see it."""
    row = rows.get(cell[:2])
    if cell[2] == _ROW:
        return GONE if row is None else cell[0]
    value = None if row is None else row[cell[2]]
    return value / 100 if cell[2].startswith("montant") and value is not None else value
