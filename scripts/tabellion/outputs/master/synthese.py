"""The sheet Synthèse: conventions × collectivités, fiches by priority, financeurs, each a live table with its chart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tabellion.layout.names import (
    EXERCICE,
    TOWN,
    cell_name,
    column_ref,
    quoted_sheet,
    quoted_text,
    table_name,
    this_row,
    totals_name,
)
from tabellion.measures import MEASURE, RECAP, SCOPE_ALL, SCOPE_CONVENTION
from tabellion.outputs.master.budgets import (
    GAP,
    STATE,
    TOTAL,
    add_state_colours,
    convention_figures,
    measured_labels,
    published_sum,
    recap_or_blank,
    state_formula,
    state_of,
)
from tabellion.outputs.master.layout import FIRST_TABLE_ROW, MasterLayout
from tabellion.outputs.master.tables import computed_cell
from tabellion.xlsx.writer import CellContent, Sheet

CREDITS, PRIORITES, FINANCEURS = "Synthese_credits", "Synthese_priorites", "Synthese_financeurs"
NUMBER, CONVENTION = "N°", "Convention"
RECAP_PRINTED = "Récapitulatif publié (€)"
#: Rows (of 20 pixels) that a chart takes, with a blank line under it.
_CHART_ROWS = 20
_ROW_PIXELS, _CHART_PIXELS = 20, 1200
#: The width of a column of figures, in characters.
_WIDTH, _TITLE_WIDTH = 17.0, 54.0
#: With more series than this, a stacked bar cannot be read.
_MOST_SERIES = 12


@dataclass(frozen=True)
class _Cell:
    """One computed cell of a summary."""

    kind: str
    formula: str
    value: str | int | float | None


@dataclass(frozen=True)
class _Summary:
    """A summary table: its key columns, then computed columns, then a total row."""

    name: str
    labels: tuple[str, ...]
    keys: tuple[tuple[CellContent, ...], ...]
    cells: tuple[tuple[_Cell, ...], ...]
    totals: tuple[_Cell, ...]


def unique_labels(labels: Sequence[str]) -> tuple[str, ...]:
    """The labels of a table's columns, told apart where two are the same: Excel refuses repeated headers."""
    seen: dict[str, int] = {}
    found = []
    for label in labels:
        rank = seen[label.casefold()] = seen.get(label.casefold(), 0) + 1
        found.append(label if rank == 1 else f"{label} ({rank})")
    return tuple(found)


def write_synthese(sheet: Sheet, layout: MasterLayout) -> None:
    """Write the whole sheet."""
    contract = layout.contract
    towns = [contract.town_labels[each] for each in contract.accounts.towns]
    width = len(towns) + 6
    sheet.title("Synthèse", "Tout est calculé : rien ne se tape sur cette feuille", width)
    sheet.raw.set_row(2, 20)
    sheet.write(2, 0, "Exercice affiché :", sheet.writer.format(bold=True, valign="vcenter"))
    style = sheet.writer.format(bold=True, align="left", valign="vcenter")
    sheet.named_formula(2, 2, "Exercice_affiche", EXERCICE, style, contract.settings.exercice)
    row = _write(sheet, "Crédits de droit commun par convention et par collectivité (€)", _credits(layout, towns), 4)
    add_state_colours(sheet, FIRST_TABLE_ROW + 1, width - 1, row, width - 1)
    row = _credits_chart(sheet, layout, towns, row)
    breaks, start = [row], row
    row = _write(sheet, "Fiches action par convention et par priorité", _priorities(layout), row)
    row = _bar_chart(sheet, layout, "Fiches action par priorité", _priorities(layout), start, row, stacked=True)
    breaks.append(row)
    start = row
    row = _write(sheet, "Fiches et montants par financeur", _funders(layout), row)
    _bar_chart(sheet, layout, "Financements par financeur", _funders(layout), start, row, stacked=False)
    sheet.set_widths([(0, 8), (1, _TITLE_WIDTH)], [(column, _WIDTH) for column in range(2, width)])
    sheet.raw.freeze_panes(3, 2)
    sheet.print_setup((0, 1), contract.settings.titre)
    sheet.raw.set_h_pagebreaks(breaks)


def _write(sheet: Sheet, heading: str, summary: _Summary, row: int) -> int:
    """Write a summary with its heading at ``row``; returns the first free row after its total."""
    sheet.section(row, 0, heading)
    header = row + 1
    name, width = summary.name, len(summary.labels)
    kinds = {
        label: cell.kind for label, cell in zip(summary.labels[-len(summary.totals) :], summary.totals, strict=True)
    }
    aligned = {label: "right" if kind in ("euros", "signed") else "center" for label, kind in kinds.items()}
    aligned[summary.labels[0]] = "center"
    sheet.table(name, header, 0, max(1, len(summary.keys)), summary.labels, filters=False, aligned=aligned)
    for position, (key, cells) in enumerate(zip(summary.keys, summary.cells, strict=True)):
        place = header + 1 + position
        for column, value in enumerate(key):
            align = {"align": "center"} if column == 0 and not isinstance(value, str) else {"text_wrap": True}
            sheet.write(place, column, value, sheet.writer.cell(computed=True, **align))
        sheet.fit(place, [(value, column) for column, value in enumerate(key)])
        for column, cell in enumerate(cells, len(key)):
            style, content = computed_cell(sheet.writer, cell.kind, cell.value)
            sheet.formula(place, column, cell.formula, style, content, (name, str(key[0]), summary.labels[column]))
    total = header + 1 + max(1, len(summary.keys))
    for column, cell in enumerate(summary.totals, width - len(summary.totals)):
        if cell.kind in ("euros", "signed"):
            sheet.show_cents((header + 1, column, total, column), signed=cell.kind == "signed")
    bold = {"bold": True, "top": 2}
    first = width - len(summary.totals)
    for column in range(first):
        sheet.write(total, column, TOTAL if column == 0 else None, sheet.writer.cell(computed=True, **bold))
    for column, cell in enumerate(summary.totals, first):
        style, content = computed_cell(sheet.writer, cell.kind, cell.value, **bold)
        sheet.formula(total, column, cell.formula, style, content, (name, TOTAL, summary.labels[column]))
    return total + 2


def _credits(layout: MasterLayout, towns: list[str]) -> _Summary:
    contract, accounts = layout.contract, layout.contract.accounts
    measure = measured_labels(layout)[MEASURE]
    before, after = (NUMBER, CONVENTION), (TOTAL, RECAP_PRINTED, GAP, STATE)
    named = unique_labels([*before, *after, *towns])
    labels = (*before, *named[len(before) + len(after) :], *after)
    town_labels, (total, printed_label, gap_label) = labels[2 : 2 + len(towns)], labels[-4:-1]
    rounding = contract.settings.arrondi_euros
    printed_cell = this_row(CREDITS, printed_label)
    gap_formula = f'IF({printed_cell}="","",{this_row(CREDITS, total)}-{printed_cell})'
    keys, rows = [], []
    for convention in accounts.conventions:
        table = totals_name(convention)
        keys.append((convention, contract.convention_titles[convention][0]))
        cells = [
            _Cell(
                "euros",
                f"SUMIFS({column_ref(table, measure)},{column_ref(table, TOWN)},{quoted_text(shown)})",
                accounts.of(convention, town),
            )
            for town, shown in zip(accounts.towns, towns, strict=True)
        ]
        value, figures = accounts.of(convention), convention_figures(accounts, convention)
        recap = published_sum(layout, RECAP, SCOPE_CONVENTION, this_row(CREDITS, labels[0]))
        cells += [
            _Cell("euros", f"SUM({column_ref(table, measure)})", value),
            _Cell("euros", recap_or_blank(layout, recap), figures.recap),
            _Cell("signed", gap_formula, figures.recap_gap),
            _Cell("state", state_formula(this_row(CREDITS, gap_label)), state_of(rounding, figures.recap_gap)),
        ]
        rows.append(tuple(cells))
    value = accounts.of()
    printed = accounts.printed(RECAP, SCOPE_ALL) if accounts.has_recap else None
    gap = None if printed is None else value - printed
    totals = [
        _Cell("euros", f"SUM({column_ref(CREDITS, label)})", accounts.of(town=town))
        for town, label in zip(accounts.towns, town_labels, strict=True)
    ]
    all_gap = f"SUM({column_ref(CREDITS, total)})-{published_sum(layout, RECAP, SCOPE_ALL)}"
    totals += [
        _Cell("euros", f"SUM({column_ref(CREDITS, total)})", value),
        _Cell("euros", recap_or_blank(layout, published_sum(layout, RECAP, SCOPE_ALL)), printed),
        _Cell("signed", recap_or_blank(layout, all_gap), gap),
        _Cell("state", state_formula(recap_or_blank(layout, all_gap).replace('""', "0")), state_of(rounding, gap)),
    ]
    return _Summary(CREDITS, labels, tuple(keys), tuple(rows), tuple(totals))


def _priorities(layout: MasterLayout) -> _Summary:
    contract = layout.contract
    fiches = contract.tables["fiches"]
    found = sorted({*contract.settings.priorites, *fiches.column("priorite")} - {None})
    counts = Counter(zip(fiches.column("convention_id"), fiches.column("priorite"), strict=True))
    years = contract.settings.priorites
    ranks = [f"Priorité {rank} ({years[rank]})" if rank in years else f"Priorité {rank}" for rank in found]
    labels = unique_labels([NUMBER, CONVENTION, *ranks, "Sans priorité", TOTAL])
    sizes = Counter(fiches.column("convention_id"))
    keys, rows, sums = [], [], [0] * (len(found) + 2)
    for convention, (title, _) in contract.convention_titles.items():
        table = layout.data[table_name("fiches", convention)]
        priority, identifier = (
            column_ref(table.name, table.label("priorite")),
            column_ref(table.name, table.label("fiche_id")),
        )
        values = [counts[convention, rank] for rank in found]
        all_of = sizes[convention]
        values += [all_of - sum(values), all_of]
        formulas = [f"COUNTIFS({priority},{rank})" for rank in found]
        formulas += [f'COUNTIFS({identifier},"?*")-COUNT({priority})', f'COUNTIFS({identifier},"?*")']
        keys.append((convention, title))
        rows.append(tuple(_Cell("count", formula, value) for formula, value in zip(formulas, values, strict=True)))
        sums = [total + value for total, value in zip(sums, values, strict=True)]
    totals = [
        _Cell("count", f"SUM({column_ref(PRIORITES, label)})", value)
        for label, value in zip(labels[2:], sums, strict=True)
    ]
    return _Summary(PRIORITES, labels, tuple(keys), tuple(rows), tuple(totals))


def _funders(layout: MasterLayout) -> _Summary:
    contract = layout.contract
    financements, funders = contract.tables["financements"], contract.tables["financeurs"].columns
    table = layout.data[table_name("financements")]
    funder, amount = (column_ref(table.name, table.label(name)) for name in ("financeur_id", "montant"))
    counts = Counter(financements.column("financeur_id"))
    amounts: Counter[str] = Counter()
    for row in financements.rows:
        amounts[row["financeur_id"]] += row["montant"] or 0
    labels = ("Rang", "Financeur", "Financements", "Montants chiffrés (€)")
    named = this_row(FINANCEURS, labels[1])
    keys, rows = [], []
    for rank, (identifier, shown) in enumerate(zip(funders["financeur_id"], funders["nom"], strict=True), 1):
        keys.append((rank, shown))
        rows.append((
            _Cell("count", f"COUNTIFS({funder},{named})", counts[identifier]),
            _Cell("euros", f"SUMIFS({amount},{funder},{named})", amounts[identifier]),
        ))  # fmt: skip
    totals: tuple[_Cell, ...] = (
        _Cell("count", f"SUM({column_ref(FINANCEURS, labels[2])})", sum(int(row[0].value or 0) for row in rows)),
        _Cell("euros", f"SUM({column_ref(FINANCEURS, labels[3])})", sum(int(row[1].value or 0) for row in rows)),
    )
    return _Summary(FINANCEURS, labels, tuple(keys), tuple(rows), totals)


def _credits_chart(sheet: Sheet, layout: MasterLayout, towns: list[str], row: int) -> int:
    contract = layout.contract
    count, header = len(contract.accounts.conventions), FIRST_TABLE_ROW + 1
    if not count or not towns:
        return row
    series = range(2, 2 + len(towns)) if len(towns) <= _MOST_SERIES else range(2 + len(towns), 3 + len(towns))
    parts = [(column, header, count) for column in series]
    words = f"{count} conventions, {len(towns)} collectivités : total {contract.accounts.of() // 100} euros."
    return _chart(
        sheet,
        layout,
        "Crédits de droit commun par convention",
        parts,
        row,
        words,
        legend=len(series) > 1,
        number="#,##0",
    )


def _bar_chart(
    sheet: Sheet, layout: MasterLayout, title: str, summary: _Summary, start: int, row: int, *, stacked: bool
) -> int:
    if not summary.keys:
        return row
    last = len(summary.labels) - 1 if stacked else 3
    parts = [(column, start + 1, len(summary.keys)) for column in range(2, last)]
    words = f"{len(summary.keys)} lignes, colonnes : {', '.join(summary.labels[2:last])}."
    return _chart(sheet, layout, title, parts, row, words, legend=stacked, number="0")


def _chart(
    sheet: Sheet,
    layout: MasterLayout,
    title: str,
    series: list[tuple[int, int, int]],
    row: int,
    words: str,
    *,
    legend: bool,
    number: str,
) -> int:
    """A stacked bar chart under a table; ``series`` are (column, header row, count). Returns the first free row."""
    theme = layout.contract.theme
    chart: Any = sheet.writer.book.add_chart({"type": "bar", "subtype": "stacked"})
    quoted = quoted_sheet(sheet.name)
    font = {"name": theme.font, "size": 9, "color": theme.colours["encre"]}
    rows = 0
    for rank, (column, header, count) in enumerate(series):
        first, last = header + 1, header + count
        rows = count
        chart.add_series({
            "name": f"={quoted}!{_absolute(header, column)}",
            "categories": f"={quoted}!{_absolute(first, 1)}:{_absolute(last, 1)}",
            "values": f"={quoted}!{_absolute(first, column)}:{_absolute(last, column)}",
            "fill": {"color": theme.series[rank % len(theme.series)]},
            "gap": 40,
        })  # fmt: skip
    chart.set_title({"name": title, "name_font": {**font, "size": 12, "bold": True}, "overlay": False})
    bare = {"num_font": font, "line": {"none": True}, "major_tick_mark": "none", "minor_tick_mark": "none"}
    chart.set_y_axis({**bare, "reverse": True})
    grid = {"visible": True, "line": {"color": theme.colours["filet"]}}
    chart.set_x_axis({**bare, "num_format": number, "major_gridlines": grid, "label_position": "high"})
    chart.set_chartarea({"border": {"color": theme.colours["filet"]}})
    chart.set_legend({"position": "bottom", "font": font} if legend else {"none": True})
    height = max(_CHART_ROWS, rows + 6)
    chart.set_size({"width": _CHART_PIXELS, "height": (height - 1) * _ROW_PIXELS})
    sheet.raw.insert_chart(row, 1, chart, {"description": f"{title}. {words}", "object_position": 2})
    return row + height + 1


def _absolute(row: int, column: int) -> str:
    letters = cell_name(row, column).rstrip("0123456789")
    return f"${letters}${row + 1}"
