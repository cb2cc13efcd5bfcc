"""A partner's return against the form as it was sent, and what it shows otherwise than it says."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tabellion.checks.plans import check_returned_plans
from tabellion.checks.presentation import TypedCell, check_presentation
from tabellion.contract.workspace import Settings
from tabellion.findings import Finding, Place, finding
from tabellion.layout.forms import BACK, TOTAL, baseline_text, baseline_value
from tabellion.layout.names import TO_ANNOTATIONS
from tabellion.measures.forms import RowState
from tabellion.reading.arrangement import added_sheets, answer_cells, beside
from tabellion.reading.cells import others_alike
from tabellion.reading.form import FormTable, ParsedForm
from tabellion.reading.raw import RawValue
from tabellion.schema import Field, Value
from tabellion.schema.cast import cast_column
from tabellion.schema.forms import ColumnSpec, Role
from tabellion.schema.money import euros, format_euros, nearest_cents
from tabellion.schema.shown import shown_value
from tabellion.wording import fold, french_value, plural, shortened

_SHOWN = 120
#: Partners whom a finding names.
_NAMED = 3
#: From this length on, a text that stops early was cut by a program.
_CUT = 250
#: An amount in cents, as the baseline writes it.
_CENTS = re.compile(r"[0-9]{1,15}")
#: An amount this many times the last known one is in another unit, more likely than true.
_TIMES = 1000


def check_return(reading: ParsedForm, settings: Settings) -> list[Finding]:
    """What there is to say of a return beyond its schemas: its exercice, and what changed against its baseline.

    Locked cells that were changed join the ``unknown`` ones of their table: nothing more is said of them.
    """
    check = _ReturnCheck(reading, settings)
    check.run()
    return check.findings


@dataclass
class _ReturnCheck:
    reading: ParsedForm
    settings: Settings
    findings: list[Finding] = field(default_factory=list)

    def run(self) -> None:
        identity, tables = self.reading.identity, list(self.reading.tables.values())
        if identity is None:
            return
        first = tables[0].area.place(1) if tables else Place()
        self.check_exercice(identity.exercice, first)
        is_empty = not any(map(_says_something, tables))
        for table in tables:
            self.check_owners(table)
            if self.reading.baseline:
                self.check_rows(table)
                for column in table.spec.columns:
                    if column.role is Role.SHOWN and column.name in table.shown:
                        self.check_locked(table, column)
            self.check_amounts(table)
            self.check_examples(table)
        if is_empty and tables and not any(table.unknown for table in tables):
            self.say("formulaire-vide", first)
            return
        for table in tables:
            self.check_complete(table)
        self.findings += check_returned_plans(self.reading, self.settings)

    def say(self, code: str, place: Place, **details: Any) -> None:
        self.findings.append(finding(code, place, **details))

    def label(self, table: FormTable, column: ColumnSpec) -> str:
        return table.spec.label(column, self.reading.schemas)

    def check_exercice(self, exercice: int, place: Place) -> None:
        """A form of another exercice than the contract's current one is said; one out of the contract is refused."""
        settings = self.settings
        first, last = min(settings.debut, settings.exercice), settings.fin
        if not first <= exercice <= last:
            self.say("exercice-hors-contrat", place, valeur=exercice, debut=first, fin=last)
        elif exercice != settings.exercice_courant:
            self.say("formulaire-d-un-autre-exercice", place, valeur=exercice, attendu=settings.exercice_courant)

    def check_complete(self, table: FormTable) -> None:
        """Rows that miss something, by the very rule of the form's live column."""
        unread = {position for position, _ in table.unknown}
        rule, first = RowState(table.spec, self.reading.schemas), self.label(table, table.spec.columns[0])
        fields = {column.name: column.field for column in table.spec.columns if column.field is not None}
        for position, row_id in enumerate(table.row_ids):
            values = {name: table.columns[champ][position] for name, champ in fields.items()}
            missing = rule.missing(values, is_new=row_id is None)
            if missing and position not in unread:
                self.say("ligne-incomplete", table.place(position, first), valeur=missing)

    def check_rows(self, table: FormTable) -> None:
        """The rows against those that were sent, by stable id."""
        title = self.label(table, table.spec.key)
        seen = Counter[str]()
        for position, row_id in enumerate(table.row_ids):
            if row_id is None:
                continue
            seen[row_id] += 1
            place = table.place(position, title)
            if row_id not in table.sent and not self.is_another_s(table, row_id):
                self.say("ligne-inconnue", place, champ=title, valeur=shortened(row_id, _SHOWN))
            elif seen[row_id] > 1:
                self.say("cle-en-double", place, champ=title, valeur=row_id, table=table.spec.sheet)
        place = table.area.place(table.area.header_row)
        for row_id, libelle in table.removed(self.reading.schemas):
            self.say(
                "ligne-supprimee", place, valeur=row_id, libelle=shortened(libelle, _SHOWN), titre=table.spec.sheet
            )

    def check_owners(self, table: FormTable) -> None:
        """Rows of another partner that the form was not sent with: what is said of them would count as its own."""
        title = self.label(table, table.spec.key)
        for position, row_id in enumerate(table.row_ids):
            if row_id is not None and row_id not in table.sent and self.is_another_s(table, row_id):
                place, owner = table.place(position, title), ", ".join(self.owners(table, row_id)[:_NAMED])
                self.say("ligne-d-un-autre", place, champ=title, valeur=shortened(row_id, _SHOWN), autre=owner)

    def is_another_s(self, table: FormTable, row_id: str) -> bool:
        """Whether a row is, in the contract, another partner's than the one that answers."""
        owners, identity = self.owners(table, row_id), self.reading.identity
        return bool(owners) and identity is not None and identity.partenaire not in owners

    def owners(self, table: FormTable, row_id: str) -> tuple[str, ...]:
        """Who may answer for a row, nobody where the contract does not say: who answers for what it is a part of, as
        its identifier begins (a financement of an exercice, a heading of a fiche's plan).
        """
        known = self.reading.owners.get(table.spec.resource, {})
        while row_id and row_id not in known:
            row_id = row_id.rpartition(":")[0]
        return known.get(row_id, ())

    def check_locked(self, table: FormTable, column: ColumnSpec) -> None:
        """A column that only shows what was known: cells changed, or the whole column in another order."""
        label, shown = self.label(table, column), table.shown[column.name]
        typed = table.spec.field(column, self.reading.schemas)
        if label not in table.area.columns:
            return
        first_positions = table.first_positions
        changed: list[tuple[Place, str, str]] = []
        lost: list[tuple[Place, str, str]] = []
        for position, row_id in enumerate(table.row_ids):
            is_unread = (position, column.field) in table.unknown
            if row_id not in table.sent or is_unread or first_positions[row_id] != position:
                continue
            before, now = table.sent[row_id or ""].get(column.name, ""), _text(column, shown[position])
            if before == now or fold(before) == fold(now) or _is_cut(before, now):
                continue
            if not now or column.field is None:  # it is not read: what was sent is known
                lost.append((table.place(position, label), before, now))
                continue
            changed.append((table.place(position, label), before, now))
            table.unknown.add((position, column.field))  # nothing more is said of this cell
        if lost:
            place, before, now = lost[0]
            self.say(
                "valeur-montree-modifiee", place, champ=label, titre=label, valeur=_shown(column, typed, now),
                attendu=_shown(column, typed, before), liees=[other for other, *_ in lost[1:]],
                reste=others_alike(len(lost) - 1),
            )  # fmt: skip
        texts_before = Counter(fold(before) for _, before, _ in changed)
        if len(changed) > 1 and texts_before == Counter(fold(now) for _, _, now in changed):
            first, *others = [place for place, _, _ in changed]
            self.say("colonne-triee-seule", first, champ=label, titre=label, liees=others)
            return
        for place, before, now in changed:
            self.say(
                "cellule-verrouillee-modifiee", place, champ=label, titre=label,
                valeur=_shown(column, typed, now), attendu=_shown(column, typed, before),
            )  # fmt: skip

    def check_amounts(self, table: FormTable) -> None:
        """Amounts a thousand times the last known one: somebody typed in thousands, or the other way round."""
        for column, typed in self.fields(table):
            if column.role is not Role.TYPED or typed.kind != "money":
                continue
            for position, row_id in enumerate(table.row_ids):
                last, cents = (
                    table.sent.get(row_id or "", {}).get("last_amount", ""),
                    table.columns[typed.name][position],
                )
                before = int(last) if _CENTS.fullmatch(last) else 0
                if cents is None or before == 0 or cents < before * _TIMES:
                    continue
                self.say(
                    "montant-demultiplie", table.place(position, self.label(table, column)), champ=typed.name,
                    valeur=euros(cents), attendu=euros(before),
                    trouve=format_euros(cents), attendu_euros=format_euros(before),
                )  # fmt: skip

    def check_examples(self, table: FormTable) -> None:
        """The schema's own example left where an answer belongs, on a row that the partner added."""
        refers_to = self.reading.schemas[table.spec.resource].refers_to
        for column, typed in self.fields(table):
            is_free = typed.kind == "string" and not typed.enum and refers_to(typed.name) is None
            if column.role is Role.KEY or not is_free or not typed.example:
                continue
            for position, value in enumerate(table.columns[typed.name]):
                if table.row_ids[position] is None and isinstance(value, str) and fold(value) == fold(typed.example):
                    place = table.place(position, self.label(table, column))
                    self.say("exemple-laisse", place, champ=typed.name, valeur=shortened(value, _SHOWN))

    def fields(self, table: FormTable) -> Iterator[tuple[ColumnSpec, Field]]:
        """The columns of a table that show or read a field of the register."""
        for column in table.spec.columns:
            field_ = table.spec.field(column, self.reading.schemas)
            if field_ is not None:
                yield column, field_


def _says_something(table: FormTable) -> bool:
    """Whether a cell to fill says something else than what was sent, or the partner added a row."""
    return None in table.row_ids or any(
        value is not None and baseline_text(value) != table.sent_text(position, column)
        for column in table.spec.columns
        if column.role is Role.TYPED and column.field is not None
        for position, value in enumerate(table.columns[column.field])
    )


def _text(column: ColumnSpec, value: Value | float) -> str:
    """A value found, as the baseline writes it; what a client has made a text of is read as what it shows."""
    if value is None:
        return ""
    if column.field is None and isinstance(value, str) and column.kind != "string":
        read = cast_column(Field(column.name, column.kind, "", ""), [value], tolerant=True).values[0]
        return value if read is None else baseline_text(read)
    if column.kind == "money" and isinstance(value, int | float) and not isinstance(value, bool):
        return str(nearest_cents(value)[0])
    return french_value(value) if column.field is None or isinstance(value, float) else baseline_text(value)


def _is_cut(before: str, now: str) -> bool:
    """Whether a text is the beginning of the one that was sent, as programs that know 255 characters leave it."""
    return len(now) >= _CUT and fold(before).startswith(fold(now))


def _shown(column: ColumnSpec, typed: Field | None, text: str) -> str:
    """A value of a column as people read it, from what the baseline writes of it (an amount in cents, a day)."""
    if column.kind == "money" and _CENTS.fullmatch(text.removeprefix("-")):
        return format_euros(int(text))
    value = text or None if typed is None else baseline_value(typed, text)
    return shortened(shown_value(typed, value), _SHOWN)


_SHOWN_LETTERS = 500
#: Of more notes on one sheet, these are kept one by one; the last says how many there are.
_NOTES = 40


def check_unanswered(reading: ParsedForm) -> list[Finding]:
    """What there is to say of the looks and the surroundings of a return's answers."""
    findings: list[Finding] = []
    for table in reading.tables.values():
        findings += check_presentation(table.area, list(_cells(table, reading)), manual=reading.workbook.manual)
    return [*findings, *_notes(reading), *_beside(reading), *_sheets(reading)]


def _cells(table: FormTable, reading: ParsedForm) -> Iterator[TypedCell]:
    """The answers of a table; what says no more than it was sent with is not new."""
    for cell in answer_cells(table, reading):
        row_id = table.row_ids[cell.position]
        is_new = row_id is None or cell.column.name not in table.sent.get(row_id, {})
        yield TypedCell(table.area, cell.field, cell.label, cell.row, cell.place, is_new)


def _notes(reading: ParsedForm) -> Iterator[Finding]:
    """The notes of cells: what a partner explains there is kept."""
    for sheet in reading.workbook.sheets:
        for row, column in sorted(sheet.comments)[:_NOTES]:
            place = sheet.place(row, column)
            yield _note(place, sheet.comments[row, column], "dans une note de la cellule", len(sheet.comments))


def _note(place: Place, text: str, where: str, count: int) -> Finding:
    more = f" ; la feuille en a {count} en tout" if count > _NOTES else ""
    return finding("note-du-partenaire", place, valeur=shortened(text, _SHOWN_LETTERS), ou=where, reste=more)


def _beside(reading: ParsedForm) -> Iterator[Finding]:
    """What was typed beside the tables: amounts, which nothing counts, and remarks, which are kept."""
    numbers: dict[tuple[str, bool], list[tuple[Place, RawValue]]] = defaultdict(list)
    texts: dict[str, dict[int, list[tuple[Place, str]]]] = defaultdict(lambda: defaultdict(list))
    for sheet, address, value in beside(reading):
        if value in (BACK, TO_ANNOTATIONS, TOTAL):  # our own: columns may have been put in before it
            continue
        place = sheet.place(*address)
        if isinstance(value, float):
            numbers[sheet.name, address in sheet.formulas].append((place, value))
        else:
            texts[sheet.name][address[0]].append((place, french_value(value)))
    for (_, computed), members in numbers.items():
        (place, value), others = members[0], [other for other, _ in members[1:]]
        reste = f" (et {plural(len(others), 'autre nombre', 'autres nombres')} de la feuille)" if others else ""
        if computed:
            yield finding("calcul-a-cote", place, valeur=_plain(value), reste=reste, liees=others)
        else:
            yield finding("montants-a-cote", place, valeur=_plain(value), reste=reste, liees=others)
    for rows in texts.values():
        for remarks in list(rows.values())[:_NOTES]:
            yield _note(remarks[0][0], " · ".join(text for _, text in remarks), "hors du tableau", len(rows))


def _sheets(reading: ParsedForm) -> Iterator[Finding]:
    copies = {doubt.place.feuille for doubt in reading.findings if doubt.code == "deux-reponses"}
    for sheet in added_sheets(reading):
        if sheet.name in copies:
            continue
        yield finding("feuille-ajoutee", Place(feuille=sheet.name, cellule="A1"), valeur=sheet.name)


def _plain(value: RawValue) -> str | float:
    return value if isinstance(value, float) else french_value(value)
