"""A partner's return against the form as it was sent: rows gone, locked cells changed, columns sorted alone, units."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tabellion.checks.plans import check_returned_plans
from tabellion.contract.workspace import Settings
from tabellion.findings import CellValue, Finding, Place, finding
from tabellion.layout.forms import ColumnSpec, Role, TableSpec, baseline_text
from tabellion.measures.completeness import MISSING, state_of
from tabellion.reading.form import FormReading, FormRowRead
from tabellion.schema.money import euros, format_euros, nearest_cents
from tabellion.wording import fold

_SHOWN = 120
#: An amount this many times the last known one is in another unit, more likely than true.
_TIMES = 1000


def check_return(reading: FormReading, settings: Settings) -> list[Finding]:
    """What there is to say of a return beyond its schemas: its exercice, and what changed against its baseline."""
    check = _ReturnCheck(reading, settings)
    check.run()
    return check.findings


@dataclass
class _ReturnCheck:
    reading: FormReading
    settings: Settings
    findings: list[Finding] = field(default_factory=list)

    def run(self) -> None:
        identity = self.reading.identity
        if identity is None:
            return
        self.exercice(identity.exercice)
        typed = False
        for spec in self.reading.specs:
            rows, columns = self.reading.rows[spec.resource], self.reading.columns[spec.resource]
            typed = typed or self.something_typed(spec, rows, columns)
            if spec.name in self.reading.baseline or self.reading.baseline:
                self.compare(spec, rows)
            self.amounts(spec, rows, columns)
            self.examples(spec, rows, columns)
        if not typed and self.reading.specs and not self.reading.unknown:
            self.say("formulaire-vide", self.reading.areas[self.reading.specs[0].name].place(1))
            return
        for spec in self.reading.specs:
            self.incomplete(spec, self.reading.columns[spec.resource])
        self.findings += check_returned_plans(self.reading, self.settings)

    def exercice(self, found: int) -> None:
        """A form of another exercice than the contract's current one is said; one out of the contract is refused."""
        first, last, current = (
            min(self.settings.debut, self.settings.exercice), self.settings.fin, self.settings.exercice_courant
        )  # fmt: skip
        place = self.reading.areas[self.reading.specs[0].name].place(1) if self.reading.specs else Place()
        if not first <= found <= last:
            self.say("exercice-hors-contrat", place, valeur=found, debut=first, fin=last)
        elif found != current:
            self.say("formulaire-d-un-autre-exercice", place, valeur=found, attendu=current)

    def say(self, code: str, place: Any, **words: Any) -> None:
        self.findings.append(finding(code, place, **words))

    def label(self, spec: TableSpec, column: ColumnSpec) -> str:
        return spec.label(column, self.reading.schemas)

    def something_typed(self, spec: TableSpec, rows: list[FormRowRead], columns: dict[str, list[Any]]) -> bool:
        """Whether a cell to fill says something else than what was sent."""
        sent = self.reading.baseline.get(spec.name, {})
        for each in spec.columns:
            if each.role is not Role.TYPED or each.field is None:
                continue
            for position, row in enumerate(rows):
                value = columns[each.field][position]
                before = sent.get(row.key or "", {}).get(each.name)
                if value is not None and baseline_text(value) != before:
                    return True
        return any(row.key is None for row in rows)

    def incomplete(self, spec: TableSpec, columns: dict[str, list[Any]]) -> None:
        """Rows that miss something, by the very rule of the form's live column."""
        unread = {index for table, index, _ in self.reading.unknown if table == spec.resource}
        for position, row in enumerate(self.reading.rows[spec.resource]):
            values = {each.name: columns[each.field][position] for each in spec.columns if each.field is not None}
            state = state_of(spec, values, self.reading.schemas, is_new=row.key is None)
            if state.startswith(MISSING) and position not in unread:
                place = self.reading.areas[spec.name].place(row.row, self.label(spec, spec.columns[0]))
                self.say("ligne-incomplete", place, valeur=state)

    def compare(self, spec: TableSpec, rows: list[FormRowRead]) -> None:
        """The rows and the locked cells against the baseline, row by row by stable id."""
        sent = self.reading.baseline.get(spec.name, {})
        area = self.reading.areas[spec.name]
        title = self.label(spec, spec.key)
        seen: Counter[str] = Counter()
        for row in rows:
            if row.key is None:
                continue
            seen[row.key] += 1
            place = area.place(row.row, title)
            if row.key not in sent:
                self.say("ligne-inconnue", place, champ=title, valeur=row.key[:_SHOWN])
            elif seen[row.key] > 1:
                self.say("cle-en-double", place, champ=title, valeur=row.key, table=spec.sheet)
        if title in area.columns:
            for key, values in sent.items():
                if key not in seen:
                    libelle = values.get("libelle") or values.get("objectif") or values.get("dispositif") or key
                    place = area.place(area.header_row)
                    self.say("ligne-supprimee", place, valeur=key, libelle=libelle[:_SHOWN], titre=spec.sheet)
        for each in spec.columns:
            if each.role is Role.SHOWN and each.name in self.reading.shown.get(spec.name, {}):
                self.locked(spec, each, rows, sent)

    def locked(
        self, spec: TableSpec, column: ColumnSpec, rows: list[FormRowRead], sent: dict[str, dict[str, str]]
    ) -> None:
        """A column that only shows what was known: cells changed, or the whole column in another order."""
        reading, label = self.reading, self.label(spec, column)
        area = reading.areas[spec.name]
        if label not in area.columns:
            return
        found = reading.shown[spec.name][column.name]
        unread = {index for table, index, name in reading.unknown if table == spec.resource and name == column.field}
        pairs = []
        first_rows = {row.key: position for position, row in reversed(list(enumerate(rows)))}
        for position, row in enumerate(rows):
            if row.key in sent and position not in unread and first_rows[row.key] == position:
                before, now = sent[row.key or ""].get(column.name, ""), self.text(column, found[position])
                pairs.append((row, before, now))
                if before != now and fold(before) != fold(now) and column.field is not None:
                    reading.unknown.add((spec.resource, position, column.field))  # nothing more is said of this cell
        changed = [each for each in pairs if each[1] != each[2] and fold(each[1]) != fold(each[2])]
        if len(changed) > 1 and Counter(fold(each[1]) for each in changed) == Counter(
            fold(each[2]) for each in changed
        ):
            first = area.place(changed[0][0].row, label)
            others = [area.place(row.row, label) for row, _, _ in changed[1:]]
            self.say("colonne-triee-seule", first, champ=label, titre=label, liees=others)
            return
        for row, before, now in changed:
            place = area.place(row.row, label)
            self.say(
                "cellule-verrouillee-modifiee", place, champ=label, titre=label,
                valeur=_shown(column, now), attendu=_shown(column, before),
            )  # fmt: skip

    def text(self, column: ColumnSpec, value: Any) -> str:
        """A value found, as the baseline writes it."""
        if value is None:
            return ""
        if column.name == "last_amount" and isinstance(value, int | float) and not isinstance(value, bool):
            return str(nearest_cents(value)[0])
        if isinstance(value, float) and value == int(value):
            return str(int(value))
        return baseline_text(value)

    def amounts(self, spec: TableSpec, rows: list[FormRowRead], columns: dict[str, list[Any]]) -> None:
        """Amounts a thousand times the last known one: somebody typed in thousands, or the other way round."""
        sent = self.reading.baseline.get(spec.name, {})
        for each in spec.columns:
            typed = spec.field(each, self.reading.schemas)
            if each.role is not Role.TYPED or typed is None or typed.kind != "money":
                continue
            for position, row in enumerate(rows):
                last, cents = sent.get(row.key or "", {}).get("last_amount"), columns[typed.name][position]
                if (
                    last is None
                    or cents is None
                    or not last.isdecimal()
                    or int(last) == 0
                    or cents < int(last) * _TIMES
                ):
                    continue
                place = self.reading.areas[spec.name].place(row.row, self.label(spec, each))
                self.say(
                    "montant-demultiplie", place, champ=typed.name, valeur=euros(cents), attendu=euros(int(last)),
                    trouve=format_euros(cents), attendu_euros=format_euros(int(last)),
                )  # fmt: skip

    def examples(self, spec: TableSpec, rows: list[FormRowRead], columns: dict[str, list[Any]]) -> None:
        """The schema's own example left where an answer belongs, on a row that the partner added."""
        for each in spec.columns:
            typed = spec.field(each, self.reading.schemas)
            if typed is None or typed.kind != "string" or not typed.example or typed.enum or each.role is Role.KEY:
                continue
            for position, row in enumerate(rows):
                value = columns[typed.name][position]
                if row.key is None and isinstance(value, str) and fold(value) == fold(typed.example):
                    if typed.name in self.reading.schemas[spec.resource].foreign:
                        continue
                    place = self.reading.areas[spec.name].place(row.row, self.label(spec, each))
                    said: CellValue = value[:_SHOWN]
                    self.say("exemple-laisse", place, champ=typed.name, valeur=said)


def _shown(column: ColumnSpec, text: str) -> str:
    """A value of a column as people read it: the baseline keeps amounts in cents."""
    if column.name == "last_amount" and text.isdecimal():
        return format_euros(int(text))
    return text[:_SHOWN] or "(vide)"


__all__ = ["check_return"]
