"""What a run notes in the history: each cell of the consolidated tables, who gave it, where, when. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tabellion.campaign.cell_history import CellEntry
from tabellion.campaign.decisions import Decision
from tabellion.campaign.model import Consolidation
from tabellion.contract.book import Book
from tabellion.findings import Place
from tabellion.layout.names import DECISIONS, WORKBOOK, decision_cell, document_date
from tabellion.schema import Key

LastEntry = Callable[[str, Key, str], CellEntry | None]
"""Gives the last entry of a cell: table, key, field."""
_NamedCell = tuple[str, Key, str, object, Place]
_Decided = dict[tuple[str, Key, str | None], tuple[Decision, Place]]
"""What was decided of a cell, or of a whole row (without a field), and the cell where."""


@dataclass(frozen=True)
class CellEntries:
    """Every cell of the consolidated tables that holds something; what people decided is said by them.

    ``only_changes``: those that changed since the previous state, also those that hold nothing any more. ``last`` gives
    what was noted of a cell before: where a partner had said it, and its return in force does not any more, the value
    of the contract comes back by that partner's doing. They are made as they are gone through, as often as they are.
    """

    consolidation: Consolidation
    master: Book
    last: LastEntry
    only_changes: bool

    def __iter__(self) -> Iterator[CellEntry]:
        return _entries(self.consolidation, self.master, self.last, only_changes=self.only_changes)


def _entries(consolidation: Consolidation, master: Book, last: LastEntry, *, only_changes: bool) -> Iterator[CellEntry]:
    typed = {(change.table, change.key, change.champ) for change in consolidation.staff}
    in_force = {(line.partenaire, line.exercice): line.in_force for line in consolidation.board if line.in_force}
    returns = {file.fichier: file for line in consolidation.board for file in line.received}
    untouched = document_date(consolidation.contract.settings.debut)  # of files that nobody saved since their making
    decided = _decided(consolidation)
    for table, key, champ, value, place in _changes(consolidation, master) if only_changes else _cells(consolidation):
        decision = decided.get((table, key, champ)) or decided.get((table, key, None))
        if decision is not None:
            yield _entry(table, key, champ, value, *decision)
            continue
        source = returns.get(place.fichier or "")
        if source is None and only_changes and (table, key, champ) not in typed:
            before = last(table, key, champ)
            if before is not None and before.partenaire is not None and before.exercice is not None:
                source = in_force.get((before.partenaire, before.exercice))
                place = place if source is None else Place(source.fichier)
        partner_year = (source.partenaire, source.exercice) if source else (None, None)
        saved, author = (source.saved, source.author) if source else (master.saved, master.author)
        if saved == untouched:
            saved, author = None, ""
        yield CellEntry(
            table, key, champ, value, *partner_year, place.fichier or "", place.feuille, place.cellule, saved, author
        )  # fmt: skip
    if only_changes:
        yield from _kept(consolidation, decided)


def _decided(consolidation: Consolidation) -> _Decided:
    """What was decided, of questions about a cell or a row."""
    decided: _Decided = {}
    for rank, question in enumerate(consolidation.questions):
        decision = consolidation.decisions.of(question.id)
        if decision is not None and question.key:
            place = Place(WORKBOOK, DECISIONS, decision_cell(rank))
            decided[question.table, question.key, question.champ] = decision, place
    return decided


def _kept(consolidation: Consolidation, decided: _Decided) -> Iterator[CellEntry]:
    """The cells whose value was decided, also where it is what it was."""
    tables = {table for table, _, champ in decided if champ is not None}
    positions = {
        table: {
            tuple(row[name] for name in consolidation.contract.schemas[table].primary_key): row
            for row in consolidation.contract.tables[table]
        }
        for table in sorted(tables)
    }
    for (table, key, champ), decision in decided.items():
        row = positions.get(table, {}).get(key)
        if champ is not None and row is not None:
            yield _entry(table, key, champ, row[champ], *decision)


def _entry(table: str, key: Key, champ: str, value: object, decision: Decision, place: Place) -> CellEntry:
    return CellEntry(
        table, key, champ, value, None, None, place.fichier or "", place.feuille, place.cellule, decision.when,
        decision.who,
    )  # fmt: skip


def _cells(consolidation: Consolidation) -> Iterator[_NamedCell]:
    for table, schema in consolidation.contract.schemas.items():
        for position, row in enumerate(consolidation.contract.tables[table]):
            key = tuple(row[name] for name in schema.primary_key)
            for name, value in row.items():
                if value is not None:
                    yield table, key, name, value, consolidation.place(table, position, name)


def _changes(consolidation: Consolidation, master: Book) -> Iterator[_NamedCell]:
    for cell in consolidation.since.cells:
        yield cell.table, cell.key, cell.champ, cell.after, cell.place or Place(master.fichier)
