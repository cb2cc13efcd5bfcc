"""What of a workbook looks like an accident, and waits until somebody confirms it: rows and columns gone at once, a
column sorted without the others, and changes that an older copy undoes. A row that others still name stays in any case.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from itertools import filterfalse

from tabellion.campaign.decisions import Decisions, QuestionKind, question_id
from tabellion.campaign.draft import Draft, key_of
from tabellion.campaign.model import MergeOutcome, Modification
from tabellion.campaign.saves import ROW, SavedCell, Saves
from tabellion.campaign.unread_keys import suspend_removals
from tabellion.findings import Finding, Place, Severity, finding
from tabellion.layout.names import document_date
from tabellion.schema import Key
from tabellion.schema.money import format_euros
from tabellion.wording import plural

#: Rows removed at once beyond which it looks like an accident: so many, and this share of the table (or of its part).
_MANY_ROWS, _MANY_SHARE = 5, 0.2
#: Why rows that are gone wait.
_ACCIDENT, _ANSWERED = "Cela ressemble à un accident", "Un retour ou une décision en parle"
#: Filled cells of one column, all emptied at once, or cells that only trade their values, that look like an accident.
_MANY_CELLS = 3
#: Of one's own saves, those that a workbook has nothing left of and that make it an older copy: so many saves, or rows.
_MANY_SAVES, _MANY_UNDONE = 2, 3
#: The code of the choice that takes the workbook at its word.
CONFIRM = "confirmer"
#: Cells that a finding about many leads to.
_LINKED = 20


class Caution(Enum):
    """Why something that the workbook says is not taken before somebody confirms it: the kind of the question."""

    REMOVAL = QuestionKind.MANY_REMOVED
    COLUMN = QuestionKind.EMPTIED
    SORTED = QuestionKind.SORTED
    UNDOING = QuestionKind.UNDONE


@dataclass(frozen=True)
class Withheld:
    """Something that waits: ``keys`` are the rows of ``table`` that it is about, ``champ`` its column (or all).

    ``libelle`` says it to people, ``cents`` is the money that would go or move, ``place`` where the workbook says it.
    """

    caution: Caution
    table: str
    keys: tuple[Key, ...]
    champ: str | None
    libelle: str
    cents: int
    place: Place
    undone: tuple[Modification, ...] = ()
    """The changes that the workbook undoes."""
    values: tuple[object, ...] = ()
    """What the workbook says of the rows of a column sorted alone."""

    @property
    def question(self) -> str:
        """The id of the question about it."""
        values: list[object] = [*self.values]
        values += [[[change.table, list(change.key), change.champ], change.after] for change in self.undone]
        keys = [list(key) for key in self.keys]
        return question_id(self.caution.value, self.table, keys, self.champ, *([values] if values else []))

    @property
    def cells(self) -> frozenset[SavedCell]:
        """The cells of the changes that the workbook undoes."""
        return frozenset((change.table, change.key, change.champ) for change in self.undone)


class Cautions:
    """Looks through a draft and puts back what looks like an accident, unless it was decided that it is none."""

    def __init__(self, draft: Draft, saves: Saves, decisions: Decisions) -> None:
        self.draft, self.saves, self.decisions = draft, saves, decisions
        self.withheld: list[Withheld] = []

    def look_through(self) -> None:
        """Every rule, in the order in which they depend on each other."""
        self._keep_undone()
        self._keep_removed()
        self._keep_named()
        self._keep_emptied_columns()
        self._keep_sorted_columns()

    def _holds(self, held: Withheld, item: Finding) -> bool:
        """Whether something stays as it was last accepted; it is said, and asked, unless somebody has decided."""
        code = self.decisions.code(held.question)
        if code == CONFIRM:
            return False
        self.withheld.append(held)
        self.draft.findings.append(
            item if code is None else replace(item, bloquant=False, gravite=Severity.INFORMATION)
        )
        return True

    def _keep_removed(self) -> None:
        """Rows removed by what looks like an accident, or that others still name, stay until somebody confirms it."""
        for table in filterfalse(self.draft.is_same, self.draft.schemas):
            present = set(self.draft.keys(table))
            removed = [
                key
                for key in self.draft.known[table]
                if key not in present and self._renumbered(table, key) not in present
            ]
            if not removed:
                continue
            removed = suspend_removals(self.draft, table, removed)
            for part in self.draft.parts(table, removed):
                answered = {key for key in part if (table, key) in self.saves.answered}
                waited = [key for key in part if key in answered or (table, key, ROW) in self.saves.held]
                if self._is_accident(table, part):
                    self._hold_back(table, part, _ACCIDENT)
                elif waited:
                    self._hold_back(table, waited, _ANSWERED if answered else _ACCIDENT)

    def _renumbered(self, table: str, key: Key) -> Key:
        """The key of a row once what has no other name than its key is called by its new one."""
        schemas, schema, renames = self.draft.schemas, self.draft.schemas[table], self.draft.read.renames
        parts = list(key)
        for place, name in enumerate(schema.primary_key):
            reference = schema.foreign.get(name)
            target = schemas[reference.table] if reference is not None else schema
            if target.label is None and (reference is not None or len(parts) == 1):
                parts[place] = renames.get(target.name, {}).get(parts[place], parts[place])
        return tuple(parts)

    def _is_accident(self, table: str, removed: Sequence[Key]) -> bool:
        """Whether so many rows of a table (of one part of it) went at once that it may be a slip: of those that were
        there at the last adoption, whatever was added since.
        """
        of_part = next(part for part in self.draft.parts(table, list(self.draft.known[table])) if removed[0] in part)
        settled = [key for key in of_part if (table, key) not in self.saves.added] or of_part
        is_many = len(removed) >= _MANY_ROWS and len(removed) >= _MANY_SHARE * len(settled)
        return is_many or (len(settled) > 1 and set(settled) <= set(removed))

    def _hold_back(self, table: str, keys: Sequence[Key], reason: str) -> None:
        words = self.draft.labels.row(table, keys[0])
        if len(keys) > 1:
            words = f"{plural(len(keys), 'ligne')} de « {self.draft.labels.table(table)} » (la première : {words})"
        known, money = self.draft.known[table], self.draft.money_fields(table)
        cents = sum(known[key][name] or 0 for key in keys for name in money)
        place = self.draft.sheet_of(table, keys[0])
        held = Withheld(Caution.REMOVAL, table, tuple(keys), None, words, cents, place)
        item = finding("suppression-a-confirmer", place, valeur=words, euros=format_euros(cents), raison=reason)
        if self._holds(held, item):
            for key in keys:
                self.draft.restore(table, key)

    def _keep_named(self) -> None:
        """A row removed that others still name stays: they would name nothing."""
        while True:
            lost: dict[tuple[str, Key], Counter[str]] = {}
            for table, schema in self.draft.schemas.items():
                for reference in schema.foreign_keys:
                    target = self.draft.schemas[reference.table]
                    if target.primary_key != (reference.reference,) or self.draft.is_same(reference.table):
                        continue
                    present = set(self.draft.column(reference.table, reference.reference))
                    known = self.draft.known[reference.table]
                    for value in self.draft.column(table, reference.field):
                        if value is not None and value not in present and (value,) in known:
                            lost.setdefault((reference.table, (value,)), Counter())[table] += 1
            if not lost:
                return
            for (table, key), counts in lost.items():
                self.draft.restore(table, key)
                place = self.draft.sheet_of(table, key)
                where = ", ".join(f"{self.draft.labels.table(name)} : {count}" for name, count in counts.items())
                citee = plural(counts.total(), "ligne la nomme encore", "lignes la nomment encore") + f" ({where})"
                self.draft.findings.append(
                    finding("ligne-encore-citee", place, valeur=self.draft.labels.row(table, key), citee=citee)
                )

    def _keep_emptied_columns(self) -> None:
        """A column whose every filled cell was emptied at once keeps what it said, until somebody confirms it."""
        for table in filterfalse(self.draft.is_same, self.draft.schemas):
            schema, money = self.draft.schemas[table], self.draft.money_fields(table)
            pairs = [
                (key, row, known)
                for row in self.draft.rows[table]
                if (known := self.draft.known[table].get(key := key_of(schema, row))) is not None
            ]
            for name in schema.names:
                filled = [(key, row, known[name]) for key, row, known in pairs if known[name] is not None]
                if len(filled) < _MANY_CELLS or any(row[name] is not None for _, row, _ in filled):
                    filled = [cell for cell in filled if cell[1][name] is None
                              and (table, cell[0], name) in self.saves.held]  # fmt: skip
                if not filled:
                    continue
                keys = tuple(key for key, _, _ in filled)
                words = f"la colonne « {schema.by_name[name].title} » de « {schema.title} »"
                cents = sum(value for _, _, value in filled) if name in money else 0
                place = self.draft.sheet_of(table, keys[0])
                held = Withheld(Caution.COLUMN, table, keys, name, words, cents, place)
                euros = format_euros(cents)
                if self._holds(held, finding("colonne-videe", place, valeur=words, cellules=len(filled), euros=euros)):
                    for _, row, value in filled:
                        row[name] = value

    def _keep_sorted_columns(self) -> None:
        """A column whose values only went to other rows of its sheet keeps what it said, until somebody confirms it."""
        for table in filterfalse(self.draft.is_same, self.draft.schemas):
            schema, known, by_area = self.draft.schemas[table], self.draft.known[table], dict[int, dict[Key, int]]()
            for position, row in enumerate(self.draft.rows[table]):
                key = key_of(schema, row)
                if known.get(key, row) != row:
                    by_area.setdefault(self.draft.places[table][position][0], {})[key] = position
            for positions in by_area.values():
                for name in schema.names:
                    moved = self._moved(table, name, positions)
                    if moved:
                        self._hold_sorted(table, name, {key: positions[key] for key in moved})

    def _moved(self, table: str, name: str, positions: Mapping[Key, int]) -> list[Key]:
        """Of rows that changed, those whose values of a column were traded, with nothing else changed in many of them;
        or those that wait already and still say the same, whatever was typed beside them since.
        """
        rows, known = self.draft.rows[table], self.draft.known[table]
        now = {key: rows[at][name] for key, at in positions.items() if rows[at][name] != known[key][name]}
        alone = [key for key in now if {**rows[positions[key]], name: known[key][name]} == known[key]]
        if len(alone) >= _MANY_CELLS and Counter(now.values()) == Counter(known[key][name] for key in now):
            return list(now)
        waited = self.saves.moved
        return [key for key in now if (cell := (table, key, name)) in waited and waited[cell] == now[key]]

    def _hold_sorted(self, table: str, name: str, positions: Mapping[Key, int]) -> None:
        rows, known, field = self.draft.rows[table], self.draft.known[table], self.draft.schemas[table].by_name[name]
        values = tuple(rows[at][name] for at in positions.values())
        is_money = name in self.draft.money_fields(table)
        rises = (max((now or 0) - (known[key][name] or 0), 0) for key, now in zip(positions, values, strict=True))
        cents = sum(rises) if is_money else 0
        place, *others = [self.draft.place(table, at, name) for at in positions.values()]
        words = f"la colonne « {field.title} » de la feuille « {place.feuille} » ({plural(len(positions), 'ligne')})"
        held = Withheld(Caution.SORTED, table, tuple(positions), name, words, cents, place, values=values)
        euros, linked = format_euros(cents), others[: _LINKED - 1]
        if self._holds(held, finding("colonne-deplacee", place, valeur=words, euros=euros, liees=linked)):
            for key, at in positions.items():
                rows[at][name] = known[key][name]

    def _keep_undone(self) -> None:
        """Changes accepted before, that this workbook undoes because it was made from an older copy, stay."""
        changes = (*self.saves.modifications, *self.saves.taken_back)
        is_known = self.draft.read.sha256 == self.saves.sha256 and not self.saves.waiting
        if is_known or not changes:
            return
        positions = self.draft.positions()
        undone = [change for change in changes if self._is_undone(change, positions)]
        if not undone or not self._is_older_copy(undone, positions):
            return
        keys = tuple(dict.fromkeys(change.key for change in undone))
        authors = ", ".join(dict.fromkeys(change.author for change in undone if change.author)) or "l'équipe"
        amounts = [change for change in undone if change.champ in self.draft.money_fields(change.table)]
        cents = sum(abs((change.after or 0) - (change.before or 0)) for change in amounts)
        words = f"{plural(len(undone), 'saisie')} de {authors}"
        place = Place(self.draft.read.fichier)
        held = Withheld(Caution.UNDOING, undone[0].table, keys, None, words, cents, place, tuple(undone))
        linked = [change.place for change in undone[:_LINKED]]
        euros = format_euros(cents)
        if self._holds(held, finding("saisies-defaites", held.place, valeur=words, euros=euros, liees=linked)):
            self._redo(undone, positions)

    def _is_undone(self, change: Modification, positions: Mapping[str, Mapping[Key, int]]) -> bool:
        if change.table not in self.draft.schemas or change.champ not in self.draft.schemas[change.table].by_name:
            return False
        at, known = positions[change.table].get(change.key), self.draft.known[change.table].get(change.key)
        if at is None:
            return known is not None and (change.is_new_row or change.outcome is MergeOutcome.REMOVED)
        if change.outcome is MergeOutcome.REMOVED:
            return known is None
        value = self.draft.value(change.table, at, change.champ)
        if known is None or value == known[change.champ]:
            return False
        return value in (change.before, *self.saves.passed.get((change.table, change.key, change.champ), ()))

    def _is_older_copy(self, undone: Sequence[Modification], positions: Mapping[str, Mapping[Key, int]]) -> bool:
        """Whether this save comes from a copy that lacks the changes that it undoes, rather than from second thoughts.

        It was saved before them, or it has nothing left of somebody else's save, nor of the last ones of one's own that
        said several things; what waited once goes on waiting. One value that one takes back oneself is second thoughts:
        nothing in a workbook tells it from a copy made just before.
        """
        read = self.draft.read
        if read.saved == document_date(read.settings.debut):
            return True  # as the program wrote it, with all that it knew by then
        if any((change.table, change.key, change.champ) in self.saves.waiting for change in undone):
            return True
        if read.saved is not None and any(change.saved is not None and read.saved < change.saved for change in undone):
            return True
        left = [change for change in self.saves.modifications if self._is_left(change, positions)]
        whole = {_save(change) for change in undone} - {_save(change) for change in left}
        if any(author != read.author for author, _ in whole):
            return True
        # of one's own saves, so much that it is no second thoughts, and nothing of what was saved after them
        mine = [change for change in undone if _save(change) in whole]
        first = min((change.saved for change in mine if change.saved is not None), default=None)
        is_end = first is not None and all(change.saved is None or change.saved < first for change in left)
        rows = {(change.table, change.key) for change in mine}
        return is_end and (len(whole) >= _MANY_SAVES or len(rows) >= _MANY_UNDONE)

    def _is_left(self, change: Modification, positions: Mapping[str, Mapping[Key, int]]) -> bool:
        """Whether the workbook still says what a change said."""
        at = positions[change.table].get(change.key) if change.table in self.draft.schemas else None
        if change.outcome is MergeOutcome.REMOVED:
            return at is None
        return at is not None and bool(self.draft.value(change.table, at, change.champ) == change.after)

    def _redo(self, undone: Sequence[Modification], positions: Mapping[str, Mapping[Key, int]]) -> None:
        """Make again the changes that a workbook undoes."""
        removed: dict[str, set[int]] = {}
        restored: set[tuple[str, Key]] = set()
        for change in undone:
            at = positions[change.table].get(change.key)
            if at is None:
                if (change.table, change.key) not in restored:
                    restored.add((change.table, change.key))
                    self.draft.restore(change.table, change.key)
            elif change.outcome is MergeOutcome.REMOVED:
                removed.setdefault(change.table, set()).add(at)
            else:
                accepted = self.draft.known[change.table][change.key]
                self.draft.rows[change.table][at][change.champ] = accepted[change.champ]
        for table, dropped in removed.items():
            self.draft.drop(table, dropped)


def _save(change: Modification) -> tuple[str, datetime | None]:
    """The save that a change came with: by whom, when."""
    return change.author, change.saved
