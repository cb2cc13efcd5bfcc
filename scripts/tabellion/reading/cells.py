"""The cells of one column read as its field wants; what cannot be read is said once, at its cell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isclose
from types import MappingProxyType

from tabellion.findings import CATALOGUE, Finding, Place, finding
from tabellion.reading.arithmetic import computed
from tabellion.reading.raw import RawValue
from tabellion.reading.tables import FoundTable
from tabellion.schema import Field
from tabellion.schema.cast import Problem, cast_column
from tabellion.schema.shown import joined, names_in
from tabellion.schema.tables import Column
from tabellion.wording import fold, french_value, plural, shortened

_SHOWN_LENGTH = 200
#: What was understood of a habit is shown at the first of its cells, and at so many others.
_UNDERSTOOD, _EXAMPLES = "valeur-comprise", 3
_NUMBERS = ("money", "integer", "percent")


@dataclass
class CellReader:
    """Reads columns and adds what is wrong to ``findings``.

    ``tolerant`` reads values as people type them. ``counted`` says that formulas of the workbook add the cells up: a
    number that was typed as a text is understood, and missing in them, which is said. ``manual``: the workbook computes
    on demand only.
    """

    findings: list[Finding]
    tolerant: bool = False
    counted: bool = False
    date1904: bool = False
    manual: bool = False

    def column(
        self,
        area: FoundTable,
        rows: list[int],
        label: str,
        field: Field,
        choices: Mapping[str, object],
        near: Mapping[str, str] = MappingProxyType({}),
    ) -> tuple[Column, set[int]]:
        """The typed values of a column on ``rows``, and the positions of the cells that hold something unreadable.

        ``choices`` maps what a cell may show to the value it stands for; without any, the cell speaks for itself.
        ``near`` maps what is another way of writing one of them to it. All
        positions are unreadable when the column is missing, which was said when it was looked for.
        """
        if label not in area.columns:
            return [None] * len(rows), set(range(len(rows)))
        values_there = area.values(rows, label)
        unread = self.errors(area, rows, label, field, values_there)
        chosen = self.meant(area, rows, label, field, values_there, choices, near)
        column = area.columns[label]
        percents = {position for position, row in enumerate(rows) if (row, column) in area.sheet.percents}
        cast = cast_column(field, chosen, tolerant=self.tolerant, percents=percents, date1904=self.date1904)
        habits: dict[tuple[str, str], list[Problem]] = defaultdict(list)
        for problem in (*cast.problems, *cast.notices):
            value = chosen[problem.position]
            uncounted = self.counted and problem.understood is not None and _is_uncounted(field, value)
            code = "nombre-en-texte" if uncounted and cast.values[problem.position] else problem.code
            habit = problem.habit or (str(problem.position) if CATALOGUE[code].bloquant else "")
            habits[code, habit].append(problem)
        for (code, _), problems in habits.items():
            first, others = problems[0], [area.place(rows[problem.position], label) for problem in problems[1:]]
            values = [shortened(french_value(chosen[problem.position]), _SHOWN_LENGTH) for problem in problems]
            reste = others_alike(len(others))
            attendu = first.understood or field.expected
            if code == _UNDERSTOOD:
                attendu = first.shown(chosen[first.position]) or attendu
                reste = _others_understood(others, values[1:], [problem.understood for problem in problems[1:]])
            self.findings.append(
                finding(
                    code,
                    area.place(rows[first.position], label),
                    champ=field.name,
                    valeur=values[0],
                    attendu=attendu,
                    suggestion=first.suggestion,
                    liees=others,
                    reste=reste,
                    titre=label,
                )
            )
        return cast.values, unread | cast.unknown

    def errors(
        self, area: FoundTable, rows: list[int], label: str, field: Field, values: list[RawValue]
    ) -> set[int]:  # fmt: skip
        """Say the cells that show an error, or hold a formula that nothing has computed, or not since its cells were
        typed; its value is put among the ``values`` where it is plain arithmetic."""
        column, unread = area.columns[label], set[int]()
        if not (area.sheet.errors or area.sheet.uncached or self.manual):
            return unread
        for position, row in enumerate(rows):
            error = area.sheet.errors.get((row, column))
            if error is not None:
                place = area.place(row, label)
                self.findings.append(finding("cellule-en-erreur", place, champ=field.name, valeur=error))
                unread.add(position)
                continue
            is_uncached = (row, column) in area.sheet.uncached
            if not is_uncached and not (self.manual and (row, column) in area.sheet.formulas):
                continue
            is_tried = self.tolerant and field.kind in _NUMBERS
            value = computed(area.sheet, (row, column), anew=self.manual) if is_tried else None
            shown = values[position]
            if value is not None and not (isinstance(shown, float) and isclose(shown, value)):
                values[position] = value
                self.say_computed(area, row, label, field, value)
            elif value is None and is_uncached:
                self.findings.append(finding("formule-sans-valeur", area.place(row, label), champ=field.name))
                unread.add(position)
        return unread

    def say_computed(self, area: FoundTable, row: int, label: str, field: Field, value: float) -> None:
        """Say what a formula was taken for that no program has computed."""
        formula = "=" + area.sheet.formulas[row, area.columns[label]].replace(".", ",")
        self.findings.append(
            finding(
                _UNDERSTOOD, area.place(row, label), champ=field.name, valeur=shortened(formula, _SHOWN_LENGTH),
                attendu=french_value(round(value, 2)), reste="", titre=label,
            )
        )  # fmt: skip

    def meant(
        self,
        area: FoundTable,
        rows: list[int],
        label: str,
        field: Field,
        values: list[RawValue],
        choices: Mapping[str, object],
        near: Mapping[str, str],
    ) -> Column:
        """The values that people chose, in place of the words they see; a difference of case or accents is forgiven."""
        if not choices:
            return values
        folded: dict[str, str] = {}  # made where a cell shows none of the choices as it is: there may be thousands
        column: Column = []
        nuances: list[tuple[Place, str, str]] = []
        for position, value in enumerate(values):
            is_list = field.names_of is not None
            if not isinstance(value, str) or (value in choices and not is_list):
                column.append(choices[value] if isinstance(value, str) else value)
                continue
            folded = folded or {fold(shown): shown for shown in reversed(list(choices))}
            shown = _listed(value, choices, folded) if is_list else near.get(value) or folded.get(fold(value))
            key = shown if shown is None or is_list else choices[shown]
            if shown is None or shown == value:
                column.append(value)
                continue
            place = area.place(rows[position], label)
            nuances.append((place, value, shown))
            column.append(key)
        if nuances:
            (place, value, shown), *others = nuances
            self.findings.append(
                finding(
                    "valeur-rapprochee", place, champ=field.name, valeur=value, attendu=shown,
                    liees=[other for other, *_ in others], reste=others_alike(len(others)),
                )
            )  # fmt: skip
        return column


def _listed(text: str, choices: Mapping[str, object], folded: Mapping[str, str]) -> str | None:
    """The list of names that a text means, each as its table has it; a name that it has not stays."""
    names = names_in(text)
    return joined([str(choices.get(folded.get(fold(name), name), name)) for name in names])


def others_alike(count: int) -> str:
    """How many other cells of the column are in the case of the one that a finding names, in words."""
    return f" (et {plural(count, 'autre cellule', 'autres cellules')} de la colonne, de même)" if count else ""


def _others_understood(places: Sequence[Place], values: Sequence[str], understood: Sequence[str | None]) -> str:
    """What the first of the other cells of one habit were taken for, and how many more there are."""
    pairs = list(zip(places, values, understood, strict=True))
    shown = [f"{place.cellule} : « {value} » comme {taken}" for place, value, taken in pairs[:_EXAMPLES]]
    unlisted = len(pairs) - len(shown)
    shown += [plural(unlisted, "autre cellule de la colonne", "autres cellules de la colonne")] if unlisted else []
    return f" (de même {' ; '.join(shown)})" if shown else ""


def _is_uncounted(field: Field, value: RawValue) -> bool:
    """Whether a formula that adds up this column passes a value by."""
    return field.kind in ("money", "integer") and isinstance(value, str)
