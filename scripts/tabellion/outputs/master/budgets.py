"""The budget sheets B01, B02, …: each collectivité's subtotal, the total, what was published, and the lines below."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tabellion.layout.names import EXERCICE, ROUNDING, TOWN, column_ref, quoted_text, table_name, this_row, totals_name
from tabellion.measures import AMOUNTS, DETAIL, MEASURE, RECAP, SCOPE_ALL, SCOPE_CONVENTION, SCOPE_TOWN, Accounts
from tabellion.outputs.master.layout import FIRST_TABLE_ROW, DataTable, MasterLayout
from tabellion.outputs.master.tables import computed_cell, fit_data_table, widths, write_data_table
from tabellion.xlsx.writer import Sheet, Writer

STATE, COUNT = "État", "Lignes"
PRINTED, GAP = "Publié ici (€)", "Écart (€)"
RECAP_PRINTED, RECAP_GAP = "Publié au récapitulatif (€)", "Écart au récapitulatif (€)"
TOTAL = "Total"
#: How many lines a collectivité has: in words, since the count stands in the wide column of the wordings.
_COUNT_FORMAT = '[<2]0" ligne";0" lignes"'
#: Rows above which freezing the panes would leave too little room to scroll.
_FROZEN_AT_MOST = 16
_FIGURE_WIDTH, _STATE_WIDTH = 16.0, 12.0
_TOTAL_STYLE = {"bold": True, "top": 2}


def measured_labels(layout: MasterLayout) -> dict[str, str]:
    """The labels of the amounts of a budget line."""
    fields = layout.contract.schemas["lignes_budgetaires"].by_name
    return {name: fields[name].title for name in AMOUNTS}


def published_sum(
    layout: MasterLayout, source: str, scope: str, convention: str | None = None, town: str | None = None
) -> str:
    """The formula of a published total: ``convention`` and ``town`` are formulas themselves."""
    table = layout.data[table_name("totaux_publies")]

    def column(name: str) -> str:
        return column_ref(table.name, table.label(name))

    conditions = [(column("source"), quoted_text(source)), (column("portee"), quoted_text(scope))]
    if convention is not None:
        conditions.append((column("convention_id"), convention))
    if town is not None:
        conditions.append((column("collectivite_id"), town))
    conditions.append((column("exercice"), EXERCICE))
    return f"SUMIFS({column('montant')},{','.join(f'{where},{what}' for where, what in conditions)})"


def published_count(
    layout: MasterLayout, source: str, scope: str, convention: str | None = None, town: str | None = None
) -> str:
    """The formula that counts the published totals of a place: 0 says that nothing is published there."""
    return "COUNTIFS" + published_sum(layout, source, scope, convention, town).removeprefix("SUMIFS").replace(
        column_ref(table_name("totaux_publies"), layout.data[table_name("totaux_publies")].label("montant")) + ",",
        "",
        1,
    )


def state_formula(*gaps: str) -> str:
    """The words that say what gaps mean, so that a colour is never the only sign; a blank gap is not one."""
    worst = f"MAX({','.join(f'ABS(N({gap}))' for gap in gaps)})"
    return f'IF({worst}=0,"juste",IF({worst}<={ROUNDING},"arrondi","à vérifier"))'


def state_of(rounding_euros: int, *gaps: int | None) -> str:
    """What :func:`state_formula` computes, from cents."""
    worst = max(abs(gap or 0) for gap in gaps)
    return "juste" if worst == 0 else "arrondi" if worst <= rounding_euros * 100 else "à vérifier"


@dataclass(frozen=True)
class Figures:
    """What a line of subtotals shows, in cents: of one collectivité, or of a whole convention. ``None`` is a blank."""

    count: int
    amounts: Mapping[str, int]
    printed: int | None
    recap: int | None

    @property
    def gap(self) -> int | None:
        """The lines less the subtotal printed in the convention."""
        return None if self.printed is None else self.amounts[MEASURE] - self.printed

    @property
    def recap_gap(self) -> int | None:
        """The lines less the recap's figure."""
        return None if self.recap is None else self.amounts[MEASURE] - self.recap


def town_figures(accounts: Accounts, convention: int, town: str) -> Figures:
    """The figures of one collectivité in a convention."""
    printed = accounts.published(DETAIL, SCOPE_TOWN, convention, town)
    return Figures(
        accounts.counts.get((convention, town), 0),
        {amount: accounts.of(convention, town, amount) for amount in AMOUNTS},
        None if printed is None else printed.cents or 0,
        accounts.printed(RECAP, SCOPE_TOWN, convention, town) if accounts.has_recap else None,
    )


def convention_figures(accounts: Accounts, convention: int) -> Figures:
    """The figures of a whole convention: its collectivités together, and the recap's own total."""
    towns = [town_figures(accounts, convention, town) for town in accounts.towns]
    printed = [each.printed for each in towns if each.printed is not None]
    return Figures(
        sum(each.count for each in towns),
        {amount: sum(each.amounts[amount] for each in towns) for amount in AMOUNTS},
        sum(printed) if printed else None,
        accounts.printed(RECAP, SCOPE_CONVENTION, convention) if accounts.has_recap else None,
    )


def write_budget(sheet: Sheet, layout: MasterLayout, lines: DataTable, convention: int) -> None:
    """Write one budget sheet."""
    contract = layout.contract
    title, _ = contract.convention_titles[convention]
    sheet.title(f"{convention} – {title}", "Crédits de droit commun, collectivité par collectivité", len(lines.columns))
    _write_totals(sheet, layout, lines, convention)
    write_data_table(sheet, layout, lines)
    fit_data_table(sheet, layout, lines)
    first = len(AMOUNTS) + 3
    figures = range(first, first + len((PRINTED, GAP, RECAP_PRINTED, RECAP_GAP)))
    sheet.set_widths(widths(lines), [(2, _STATE_WIDTH)], [(column, _FIGURE_WIDTH) for column in figures])
    sheet.raw.freeze_panes(lines.row + 1 if lines.row <= _FROZEN_AT_MOST else 3, 0)
    sheet.print_setup((lines.row, lines.row), contract.settings.titre)
    sheet.raw.print_area(0, 0, lines.last_row, figures[-1])
    add_state_colours(sheet, FIRST_TABLE_ROW + 1, 2, lines.row - 2, 2)


def _write_totals(sheet: Sheet, layout: MasterLayout, lines: DataTable, convention: int) -> None:
    contract, name = layout.contract, totals_name(convention)
    accounts, labels = contract.accounts, measured_labels(layout)
    columns = (TOWN, COUNT, STATE, *labels.values(), PRINTED, GAP, RECAP_PRINTED, RECAP_GAP)
    formulas = _town_formulas(layout, lines, convention)
    aligned = {STATE: "center"} | dict.fromkeys(columns[3:], "right")
    height = max(1, len(accounts.towns))
    calculated = formulas if accounts.towns else None
    sheet.table(name, FIRST_TABLE_ROW, 0, height, columns, calculated=calculated, filters=False, aligned=aligned)
    row = FIRST_TABLE_ROW + 1
    for column, label in enumerate(columns[3:], 3):
        sheet.show_cents((row, column, row + height, column), signed=label in (GAP, RECAP_GAP))
    if not accounts.towns:
        for column in range(len(columns)):
            sheet.write(row, column, None, sheet.writer.cell(computed=True))
    for town in accounts.towns:
        figures = town_figures(accounts, convention, town)
        sheet.write(row, 0, contract.town_labels[town], sheet.writer.cell(computed=True, bold=True))
        _write_figures(sheet, layout, row, columns, formulas, figures, (name, "*"))
        row += 1
    if accounts.towns:
        sheet.write(row, 0, TOTAL, sheet.writer.cell(computed=True, **_TOTAL_STYLE))
        figures = convention_figures(accounts, convention)
        _write_figures(
            sheet, layout, row, columns, _total_formulas(layout, convention), figures, (name, TOTAL), **_TOTAL_STYLE
        )


def _write_figures(
    sheet: Sheet,
    layout: MasterLayout,
    row: int,
    columns: tuple[str, ...],
    formulas: Mapping[str, str],
    figures: Figures,
    source: tuple[str, str],
    **properties: Any,
) -> None:
    values = {
        STATE: state_of(layout.contract.settings.arrondi_euros, figures.gap, figures.recap_gap),
        COUNT: figures.count,
        **{label: figures.amounts[amount] for amount, label in measured_labels(layout).items()},
        PRINTED: figures.printed,
        GAP: figures.gap,
        RECAP_PRINTED: figures.recap,
        RECAP_GAP: figures.recap_gap,
    }
    kinds = {STATE: "state", COUNT: "count", GAP: "signed", RECAP_GAP: "signed"}
    for column, label in enumerate(columns[1:], 1):
        more = {"num_format": _COUNT_FORMAT, "align": "left"} if label == COUNT else {}
        style, content = computed_cell(sheet.writer, kinds.get(label, "euros"), values[label], **properties, **more)
        sheet.formula(row, column, formulas[label], style, content, (*source, label))


def _town_formulas(layout: MasterLayout, lines: DataTable, convention: int) -> dict[str, str]:
    """The calculated columns of the subtotals: the same on every row."""
    name, labels, number = totals_name(convention), measured_labels(layout), str(convention)
    town, realised = this_row(name, TOWN), this_row(name, labels[MEASURE])
    conditions = (
        f"{column_ref(lines.name, lines.label('collectivite_id'))},{town},"
        f"{column_ref(lines.name, lines.label('exercice'))},{EXERCICE}"
    )
    return {
        STATE: state_formula(this_row(name, GAP), this_row(name, RECAP_GAP)),
        COUNT: f"COUNTIFS({conditions})",
        **{label: f"SUMIFS({column_ref(lines.name, label)},{conditions})" for label in labels.values()},
        PRINTED: _unless_none(
            published_count(layout, DETAIL, SCOPE_TOWN, number, town),
            published_sum(layout, DETAIL, SCOPE_TOWN, number, town),
        ),
        GAP: _unless_blank(this_row(name, PRINTED), f"{realised}-{this_row(name, PRINTED)}"),
        RECAP_PRINTED: recap_or_blank(layout, published_sum(layout, RECAP, SCOPE_TOWN, number, town)),
        RECAP_GAP: _unless_blank(this_row(name, RECAP_PRINTED), f"{realised}-{this_row(name, RECAP_PRINTED)}"),
    }


def _total_formulas(layout: MasterLayout, convention: int) -> dict[str, str]:
    """The formulas of the total under the subtotals."""
    name, labels = totals_name(convention), measured_labels(layout)
    realised, printed = f"SUM({column_ref(name, labels[MEASURE])})", column_ref(name, PRINTED)
    recap = published_sum(layout, RECAP, SCOPE_CONVENTION, str(convention))
    gap, recap_gap = f"{realised}-SUM({printed})", f"{realised}-{recap}"
    return {
        STATE: state_formula(f"IF(COUNT({printed})=0,0,{gap})", f"IF({_no_recap(layout)},0,{recap_gap})"),
        COUNT: f"SUM({column_ref(name, COUNT)})",
        **{label: f"SUM({column_ref(name, label)})" for label in labels.values()},
        PRINTED: _unless_none(f"COUNT({printed})", f"SUM({printed})"),
        GAP: _unless_none(f"COUNT({printed})", gap),
        RECAP_PRINTED: recap_or_blank(layout, recap),
        RECAP_GAP: recap_or_blank(layout, recap_gap),
    }


def _unless_none(count: str, formula: str) -> str:
    return f'IF({count}=0,"",{formula})'


def _unless_blank(cell: str, formula: str) -> str:
    return f'IF({cell}="","",{formula})'


def _no_recap(layout: MasterLayout) -> str:
    return f"{published_count(layout, RECAP, SCOPE_CONVENTION)}+{published_count(layout, RECAP, SCOPE_ALL)}=0"


def recap_or_blank(layout: MasterLayout, formula: str) -> str:
    """``formula``, or a blank for an exercice that has no recap."""
    return f'IF({_no_recap(layout)},"",{formula})'


def add_state_colours(sheet: Sheet, first_row: int, first_column: int, last_row: int, last_column: int) -> None:
    """Colour the words of :func:`state_formula` on an area."""
    for word, colour in (("à vérifier", "erreur"), ("arrondi", "avertissement"), ("juste", "juste")):
        sheet.raw.conditional_format(
            first_row, first_column, last_row, last_column,
            {"type": "cell", "criteria": "==", "value": f'"{word}"', "format": conditional(sheet.writer, colour)},
        )  # fmt: skip


def conditional(writer: Writer, colour: str):  # type: ignore[no-untyped-def]
    """The format of a conditional rule in one of the layout's colours."""
    return writer.book.add_format(
        {"bg_color": writer.theme.colours[colour], "font_color": writer.theme.colours[f"{colour}_texte"]}
    )


def define_constants(writer: Writer, layout: MasterLayout) -> None:
    """The defined names that formulas use and that no sheet shows."""
    writer.name(ROUNDING, f"={layout.contract.settings.arrondi_euros}")
