"""The budget sheets B01, B02, …: each collectivité's subtotal, the total, what was published, and the lines below."""

from __future__ import annotations

from collections.abc import Sequence

from tabellion.layout.names import EXERCICE, ROUNDING, sheet_title, this_row, totals_name
from tabellion.measures import AMOUNTS, DETAIL, MEASURE, RECAP, SCOPE_CONVENTION, SCOPE_TOWN
from tabellion.measures.accounts import published_total
from tabellion.measures.measure import (
    EXACT,
    ROUNDED,
    WRONG,
    Count,
    Criterion,
    Known,
    Measure,
    Total,
    column_sum,
    counted_lines,
    gap,
    state,
    unless_blank,
)
from tabellion.outputs.master.layout import FIRST_TABLE_ROW, DataTable, MasterLayout
from tabellion.outputs.master.tables import fit_data_table, widths, write_data_table
from tabellion.xlsx.blocks import TOTAL, TOTAL_STYLE, header_alignment, show_cents, write_measure
from tabellion.xlsx.writer import Sheet, Writer

STATE, COUNT = "État", "Lignes"
PRINTED, GAP = "Publié ici (€)", "Écart (€)"
RECAP_PRINTED, RECAP_GAP = "Publié au récapitulatif (€)", "Écart au récapitulatif (€)"
#: The row of the links under the title, the last one that stays in sight.
_WAYS_ROW = 2
_FIGURE_WIDTH = 16.0

MeasureRow = dict[str, Measure]
"""The measures of a row of subtotals by the labels of their columns, in the columns' order."""


def measured_labels(layout: MasterLayout) -> dict[str, str]:
    """The labels of the amounts of a budget line."""
    fields = layout.contract.schemas["lignes_budgetaires"].by_name
    return {name: fields[name].title for name in AMOUNTS}


def in_exercice(layout: MasterLayout) -> Criterion:
    """The exercice that the workbook shows."""
    return Criterion("exercice", layout.contract.settings.exercice, EXERCICE)


def published(
    layout: MasterLayout,
    source: str,
    scope: str,
    convention: int | None = None,
    town: str | None = None,
    *,
    convention_cell: str | None = None,
    town_cell: str | None = None,
) -> Measure:
    """What the document printed, as :func:`published_total` adds it up; blank where it printed nothing."""
    cells = {"convention_cell": convention_cell, "town_cell": town_cell}
    total = published_total(source, scope, convention, town, **cells).also(in_exercice(layout))
    return total.measure(layout.contract.accounts.published_rows, layout.columns("totaux_publies"))


def state_of(layout: MasterLayout, *gaps: Measure) -> Measure:
    """The state of gaps, by the rounding of the settings."""
    return state(ROUNDING, layout.contract.settings.arrondi_euros, *gaps)


def lines_total(layout: MasterLayout, convention: int, *where: Criterion, amount: str = MEASURE) -> Measure:
    """The sum of the lines of a convention under more criteria."""
    total = Total(amount, (Criterion("convention_id", convention), *where))
    return total.measure(layout.contract.overview.lines, layout.columns("lignes_budgetaires", convention))


def subtotal(layout: MasterLayout, convention: int, town: str) -> MeasureRow:
    """The measures of one collectivité in a convention; their formulas are the same on every row."""
    name, labels = totals_name(convention), measured_labels(layout)

    def cell(label: str) -> str:
        return this_row(name, label)

    named = cell(layout.contract.overview.town)
    where = (Criterion("collectivite_id", town, named), in_exercice(layout))
    amounts = {labels[amount]: lines_total(layout, convention, *where, amount=amount) for amount in AMOUNTS}
    town_key = (convention, town)
    printed = published(layout, DETAIL, SCOPE_TOWN, *town_key, town_cell=named)
    recap = published(layout, RECAP, SCOPE_TOWN, *town_key, town_cell=named)
    realised = amounts[labels[MEASURE]].at(cell(labels[MEASURE]))
    gaps = [
        unless_blank(total, gap(realised, total))
        for total in (printed.at(cell(PRINTED)), recap.at(cell(RECAP_PRINTED)))
    ]
    words = state_of(layout, gaps[0].at(cell(GAP)), gaps[1].at(cell(RECAP_GAP)))
    return _ordered(amounts, printed, recap, gaps, words, line_count(layout, convention, *where))


def line_count(layout: MasterLayout, convention: int, *where: Criterion) -> Measure:
    """How many lines a convention has under more criteria, and of how many nobody knows what was spent."""
    lines, columns = layout.contract.overview.lines, layout.columns("lignes_budgetaires", convention)
    every = Count((Criterion("convention_id", convention), *where))
    known = every.also(Known(MEASURE))
    return counted_lines(every.measure(lines, columns), known.measure(lines, columns))


def total(layout: MasterLayout, convention: int, rows: Sequence[MeasureRow]) -> MeasureRow:
    """The measures of the total under the subtotals, and the recap's own total of the convention."""
    name, labels = totals_name(convention), measured_labels(layout)

    def added(kind: str, label: str) -> Measure:
        return column_sum(kind, name, label, (row[label].value for row in rows))

    amounts = {label: added("euros", label) for label in labels.values()}
    realised, printed = amounts[labels[MEASURE]], added("euros", PRINTED)
    recap = published(layout, RECAP, SCOPE_CONVENTION, convention)
    gaps = [unless_blank(total, gap(realised, total)) for total in (printed, recap)]
    return _ordered(
        amounts, printed, recap, gaps, state_of(layout, *gaps), line_count(layout, convention, in_exercice(layout))
    )


def _ordered(
    amounts: MeasureRow, printed: Measure, recap: Measure, gaps: Sequence[Measure], words: Measure, count: Measure
) -> MeasureRow:
    """The measures in the order of their columns: above the lines' own, what was published beside the amounts, then,
    above those that people rarely need, the rest.
    """
    return {
        STATE: words,
        **amounts,
        PRINTED: printed,
        GAP: gaps[0],
        COUNT: count,
        RECAP_PRINTED: recap,
        RECAP_GAP: gaps[1],
    }


def write_budget(sheet: Sheet, layout: MasterLayout, lines: DataTable, convention: int) -> None:
    """Write one budget sheet."""
    contract = layout.contract
    title, _ = contract.convention_titles[convention]
    town = contract.overview.town.lower()
    sheet.title(sheet_title(convention, title), f"Crédits de droit commun, {town} par {town}", len(lines.columns))
    _write_totals(sheet, layout, convention)
    write_data_table(sheet, layout, lines)
    fit_data_table(sheet, layout, lines)
    first = len(AMOUNTS) + 2
    figures = range(first, first + len((PRINTED, GAP, COUNT, RECAP_PRINTED, RECAP_GAP)))
    sheet.set_widths(widths(lines), [(column, _FIGURE_WIDTH) for column in figures])
    sheet.hide(lines.technical)
    # Frozen down to the header of the lines, the subtotals would take most of the screen.
    sheet.raw.freeze_panes(_WAYS_ROW + 1, 0)
    area = (lines.last_row, max(lines.last_plain, first + 1))
    sheet.print_setup((lines.row, lines.row), contract.settings.titre, area=area)
    add_state_colours(sheet, FIRST_TABLE_ROW + 1, 1, lines.row - 2, 1)


def _write_totals(sheet: Sheet, layout: MasterLayout, convention: int) -> None:
    contract, name = layout.contract, totals_name(convention)
    towns = contract.accounts.towns
    rows = [subtotal(layout, convention, town) for town in towns]
    row = FIRST_TABLE_ROW + 1
    every = total(layout, convention, rows)
    labels, kinds = (contract.overview.town, *every), [measure.kind for measure in every.values()]
    aligned = header_alignment(labels, kinds) | {STATE: "left"}
    calculated = {label: str(measure.formula) for label, measure in rows[0].items()} if rows else None
    height = max(1, len(rows))
    sheet.table(name, row - 1, 0, height, labels, calculated=calculated, filters=False, aligned=aligned)
    show_cents(sheet, kinds, row, 1, row + height)
    if not rows:
        for column in range(len(labels)):
            sheet.write(row, column, None, sheet.writer.cell(computed=True))
        return
    for place, (town, measures) in enumerate(zip(towns, rows, strict=True), row):
        label = contract.town_labels[town]
        sheet.write(place, 0, label, sheet.writer.cell(computed=True, bold=True, text_wrap=True))
        sheet.fit(place, [(label, 0)], bold=True)
        _write_row(sheet, place, measures, (name, "*"))
    last = row + len(rows)
    sheet.write(last, 0, TOTAL, sheet.writer.cell(computed=True, **TOTAL_STYLE))
    _write_row(sheet, last, every, (name, TOTAL), **TOTAL_STYLE)


def _write_row(sheet: Sheet, row: int, measures: MeasureRow, source: tuple[str, str], **properties: object) -> None:
    for column, (label, measure) in enumerate(measures.items(), 1):
        write_measure(sheet, row, column, measure, (*source, label), **properties)


def add_state_colours(sheet: Sheet, first_row: int, first_column: int, last_row: int, last_column: int) -> None:
    """Colour the words of states on an area."""
    colours = {WRONG: "erreur", ROUNDED: "avertissement", EXACT: "juste"}
    for word, colour in colours.items():
        sheet.colour_word((first_row, first_column, last_row, last_column), word, colour)


def define_constants(writer: Writer, layout: MasterLayout) -> None:
    """The defined names that formulas use and that no sheet shows."""
    writer.name(ROUNDING, f"={layout.contract.settings.arrondi_euros}")
