"""The sheet Années: one row a budget line, with what was planned, voted and spent each exercice side by side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import repeat

from tabellion.contract.book import Book
from tabellion.layout.names import ANNEES, IDENTIFIER, cell_link, cell_name, column_ref, this_row
from tabellion.measures import AMOUNT_WORDS
from tabellion.measures.compared import yearly
from tabellion.measures.measure import Columns, Criterion, Measure, Total, cell_value, column_sum
from tabellion.measures.overview import Overview
from tabellion.xlsx.blocks import TOTAL, TOTAL_STYLE, cell_text, measure_columns, show_cents, write_measure
from tabellion.xlsx.lists import note
from tabellion.xlsx.sheets import Cell, LongColumn
from tabellion.xlsx.writer import Sheet

TABLE = "Annees_lignes"
NUMBER, LABEL = "N°", "Libellé"
#: The columns before the amounts.
FIRST_AMOUNT = 4
_WIDTHS = (6, 20, 32, 28)
_AMOUNT_WIDTH = 13.0
_FIRST_ROW = 4
#: Cells that formulas may look at, all together, before the amounts are only written as values.
_MOST_WORK = 40_000_000


@dataclass(frozen=True)
class YearsView:
    """The lines of a contract by exercice; ``columns`` names the columns of a convention's lines in formulas."""

    contract: Book
    columns: Callable[[int], Columns]
    by_convention: bool
    """Whether each convention has a table of its own, so that no criterion names it."""
    with_formulas: bool = True

    @cached_property
    def years(self) -> list[int]:
        """The exercices that have lines, the earliest first."""
        return self.contract.overview.exercices

    @cached_property
    def labels(self) -> list[str]:
        """The headers of the amounts: « Prévu 2013 (€) »."""
        return [amount_label(amount, year) for year in self.years for amount in AMOUNT_WORDS]

    @cached_property
    def lines(self) -> dict[tuple[int, str], tuple[str | None, str | None]]:
        """The collectivité and the latest label of each line, by convention and identifier, in the contract's order."""
        latest: dict[tuple[int, str], tuple[int, str | None, str | None]] = {}
        for row in self.contract.tables["lignes_budgetaires"]:
            key, year = (row["convention_id"], row["ligne_id"]), row["exercice"]
            if None not in (*key, year) and year >= latest.get(key, (year,))[0]:
                latest[key] = (year, row["collectivite_id"], row["libelle"])
        numbers = {number: rank for rank, number in enumerate(self.contract.overview.conventions)}
        towns = {town: rank for rank, town in enumerate(self.contract.overview.towns)}
        ordered = sorted(
            latest.items(),
            key=lambda line: (numbers.get(line[0][0], len(numbers)), towns.get(line[1][1] or "", len(towns))),
        )
        return {key: (town, label) for key, (_, town, label) in ordered}

    @cached_property
    def is_live(self) -> bool:
        """Whether there are formulas: those that a client computes without making people wait."""
        if not self.with_formulas:
            return False
        tables = len(self.contract.overview.conventions) if self.by_convention else 1
        looked_at = len(self.contract.tables["lignes_budgetaires"]) // max(1, tables)
        return len(self.lines) * len(self.labels) * 2 * looked_at <= _MOST_WORK

    def amounts(self, convention: int, identifier: str) -> list[Measure]:
        """The amounts of a line, exercice by exercice; blank where nobody knows one."""
        overview = self.contract.overview
        if not self.is_live:
            [position] = overview.by_year.groups("convention_id", "ligne_id")[convention, identifier]
            columns = [overview.by_year.columns[yearly(amount, year)] for year in self.years for amount in AMOUNT_WORDS]
            return [Measure("euros", cell_value(column[position])) for column in columns]
        own = [Criterion("ligne_id", identifier, this_row(TABLE, IDENTIFIER))]
        named = None if self.by_convention else this_row(TABLE, NUMBER)
        own.append(Criterion("convention_id", convention, named))
        totals = [
            Total(amount, (*own, Criterion("exercice", year, str(year))))
            for year in self.years
            for amount in AMOUNT_WORDS
        ]
        return [total.measure(overview.lines, self.columns(convention)) for total in totals]


def amount_label(amount: str, exercice: int) -> str:
    """The header of an amount of an exercice."""
    return f"{AMOUNT_WORDS[amount].capitalize()} {exercice} (€)"


def year_columns(overview: Overview) -> Columns:
    """The columns of the sheet by those of :attr:`Overview.by_year`."""
    labels = {"convention_id": NUMBER, "collectivite_id": overview.town, "ligne_id": IDENTIFIER}
    labels |= {
        yearly(amount, year): amount_label(amount, year) for year in overview.exercices for amount in AMOUNT_WORDS
    }
    named = {name: column_ref(TABLE, label) for name, label in labels.items()}
    return named.__getitem__


def write_years(sheet: Sheet, view: YearsView, footer: str) -> None:
    """Write the whole sheet."""
    labels = (NUMBER, view.contract.overview.town, LABEL, IDENTIFIER, *view.labels)
    first, last = FIRST_AMOUNT, _FIRST_ROW + max(1, len(view.lines))
    sheet.title(ANNEES, "Chaque ligne, exercice par exercice : ce qui était prévu, voté, réalisé", len(labels))
    centred, text, amounts = (
        {NUMBER: "center"},
        sheet.writer.cell(computed=True, text_wrap=True),
        dict.fromkeys(view.labels, "right"),
    )
    sheet.table(TABLE, _FIRST_ROW, 0, max(1, len(view.lines)), labels, aligned={**centred, **amounts})
    number = sheet.writer.cell(computed=True, align="center")
    rows = [view.amounts(*key) for key in view.lines]
    keys = [
        (convention, view.contract.town_labels.get(town, town), cell_text(label), identifier)
        for (convention, identifier), (town, label) in view.lines.items()
    ]
    for row, key in enumerate(keys, _FIRST_ROW + 1):
        sheet.fit(row, [(key[1], 1), (key[2], 2)])
    if view.with_formulas or not rows:
        for row, (key, measures) in enumerate(zip(keys, rows, strict=True), _FIRST_ROW + 1):
            for column, value in enumerate(key):
                sheet.write(row, column, value, text if column else number)
            for column, measure in enumerate(measures, first):
                write_measure(sheet, row, column, measure, (TABLE, key[3], labels[column]))
    else:
        styles = [number, *repeat(text, first - 1)]
        shown = [
            LongColumn(values, partial(Cell, style=style))
            for values, style in zip(zip(*keys, strict=True), styles, strict=True)
        ]
        sheet.raw.write_long_columns(_FIRST_ROW + 1, len(rows), [*shown, *measure_columns(sheet.writer, rows)])
    style = sheet.writer.cell(computed=True, **TOTAL_STYLE)
    for column in range(first):
        sheet.write(last + 1, column, TOTAL if column == 0 else None, style)
    for column, (label, *values) in enumerate(zip(view.labels, *rows, strict=True), first):
        total = column_sum("euros", TABLE, label, (measure.value for measure in values))
        write_measure(sheet, last + 1, column, total, (TABLE, TOTAL, label), **TOTAL_STYLE)
    show_cents(sheet, ["euros"] * len(view.labels), _FIRST_ROW + 1, first, last + 1)
    _set_up(sheet, view, last + 1, footer)


def _set_up(sheet: Sheet, view: YearsView, last: int, footer: str) -> None:
    """Widths, panes and pages: some exercices a page, with the labels repeated on each."""
    first, width = FIRST_AMOUNT, len(AMOUNT_WORDS)
    columns = range(first, first + len(view.labels))
    sheet.set_widths(enumerate(_WIDTHS), [(column, _AMOUNT_WIDTH) for column in columns])
    sheet.hide([first - 1])
    sheet.raw.freeze_panes(_FIRST_ROW + 1, first)
    years = columns[::width]
    sheet.print_setup((_FIRST_ROW, _FIRST_ROW), footer, area=(last, columns[-1]), keys=3, starts=years)
    if view.with_formulas and not view.is_live:
        note(sheet, 2, "Les montants sont ceux de la génération : trop nombreux pour être des formules.")
    newest = columns[-width]
    sheet.link(2, 2, cell_link(sheet.name, cell_name(_FIRST_ROW, newest)), f"→ {view.years[-1]}")
