"""Rows that a partner added and whose money would count twice: totals known by their sum, lines already there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from tabellion.findings import Finding, Severity, finding
from tabellion.reading.arrangement import AnswerCell, answer_cells
from tabellion.reading.form import FormTable, ParsedForm
from tabellion.schema.forms import Role
from tabellion.schema.money import format_euros
from tabellion.wording import fold, plural, shortened

#: The sum of two amounts may be a third one by chance; of so many, it is a total.
_SURE = 3
_LINES = "lignes_budgetaires"


def check_added_rows(reading: ParsedForm) -> list[Finding]:
    """What there is to say of the rows that are not those that were sent."""
    findings: list[Finding] = []
    for table in reading.tables.values():
        if None in table.row_ids:
            findings += [*_totals(table, reading), *_repeated(table, reading)]
    return findings


def _totals(table: FormTable, reading: ParsedForm) -> Iterator[Finding]:
    """Added rows whose amounts are all the sum of those before, or of all others, of the table or of a group."""
    amounts: dict[int, dict[str, AnswerCell]] = defaultdict(dict)
    for cell in answer_cells(table, reading):
        if cell.field.kind == "money" and table.columns[cell.field.name][cell.position]:
            amounts[cell.position][cell.field.name] = cell
    group = next((column.field for column in table.spec.columns if column.role is Role.SHOWN and column.field), None)
    groups = table.columns[group] if group is not None else [None] * len(table.lines)
    whole, running = _RunningSums(), _RunningSums()
    for position, cells in amounts.items():
        whole.add(groups[position], {name: table.columns[name][position] for name in cells})
    for position in sorted(amounts):
        cells = amounts[position]
        row = {name: table.columns[name][position] for name in cells}
        sum_row = None
        if table.row_ids[position] is None:
            sum_row = running.equal(groups[position], row) or whole.without(groups[position], row)
        if sum_row is None:
            running.add(groups[position], row)
            continue
        (name, cell), (words, count) = next(iter(cells.items())), sum_row
        made = finding(
            "total-probable", table.area.place(cell.row, cell.label), champ=name, valeur=format_euros(row[name]),
            somme=f"des {plural(count, 'autre montant', 'autres montants')} {words}",
            gravite=None if count >= _SURE else Severity.AVERTISSEMENT,
        )  # fmt: skip
        yield made if count >= _SURE else replace(made, bloquant=False)


class _RunningSums:
    """The sums of amounts, of a table and of each of its groups, by field, with how many they are."""

    def __init__(self) -> None:
        self.sums: dict[tuple[object, str], int] = defaultdict(int)
        self.counts: dict[tuple[object, str], int] = defaultdict(int)

    def add(self, group: object, row: dict[str, int]) -> None:
        for name, cents in row.items():
            for key in ((_WHOLE, name), ((group,), name)):
                self.sums[key] += cents
                self.counts[key] += 1

    def equal(self, group: object, row: dict[str, int]) -> tuple[str, int] | None:
        """In words, whose sums the amounts of a row are, and how many amounts there are in the first."""
        return self._found(group, row, dict.fromkeys(row, 0), 0, "au-dessus")

    def without(self, group: object, row: dict[str, int]) -> tuple[str, int] | None:
        """The same for sums that count the row itself."""
        return self._found(group, row, row, 1, "du tableau")

    def _found(
        self, group: object, row: dict[str, int], own: dict[str, int], one: int, words: str
    ) -> tuple[str, int] | None:
        for key in ((group,), _WHOLE):
            counts = [self.counts[key, name] - one for name in row]
            if min(counts) >= 2 and all(self.sums[key, name] - own[name] == cents for name, cents in row.items()):
                return words, counts[0]
        return None


_WHOLE = "tout"


def _repeated(table: FormTable, reading: ParsedForm) -> Iterator[Finding]:
    """Added rows that are called as a row that is there: by its words, or by what it refers to where it has none."""
    schema = reading.schemas[table.spec.resource]
    columns = [column for column in table.spec.columns if column.role is Role.SHOWN and column.spare and column.field]
    names = [column.field for column in columns if column.field is not None]
    free = [name for name in names if schema.by_name[name].kind == "string" and not schema.by_name[name].enum]
    words = [column for column in columns if column.field in free and column.field not in schema.foreign] or columns
    if not words or words[0].field is None:
        return
    label = table.spec.label(words[0], reading.schemas)
    typed = [column.field for column in table.spec.typed if column.field is not None]
    firsts: dict[tuple[object, ...], int] = {}
    order = sorted(range(len(table.lines)), key=lambda position: (table.row_ids[position] is None, position))
    for position in order:
        described = tuple(
            fold(value) if isinstance(value := table.columns[name][position], str) else value for name in names
        )
        if None in described:
            continue
        first = firsts.setdefault(described, position)
        if first == position or table.row_ids[position] is not None:
            continue
        if not any(isinstance(table.columns[name][position], int) for name in typed):
            continue  # no money counts twice
        same = all(table.columns[name][position] == table.columns[name][first] for name in typed)
        other = table.area.place(table.lines[first], label)
        mistake = finding(
            "ligne-deja-la", table.area.place(table.lines[position], label), champ=words[0].field,
            valeur=shortened(str(table.columns[words[0].field][position]), 200),
            autre=f"{other.feuille} {other.cellule}",
            constat="les mêmes montants" if same else "d'autres montants", liees=[other],
        )  # fmt: skip
        yield replace(mistake, bloquant=mistake.bloquant and table.spec.resource != _LINES)  # of those people decide
