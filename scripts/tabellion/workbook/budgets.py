"""The budget sheets B01, B02, …: each collectivité's subtotal, the total, what was published, and the lines below."""

from __future__ import annotations

from tabellion.accounts import AMOUNTS, DETAIL, MEASURE, RECAP, SCOPE_CONVENTION, SCOPE_TOWN
from tabellion.workbook.names import column_ref, quoted_text, table_name, this_row
from tabellion.workbook.pen import CellContent, Pen, Sheet
from tabellion.workbook.plan import FIRST_TABLE_ROW, DataTable, MasterPlan
from tabellion.workbook.tables import computed_cell, set_widths, widths, write_data_table

TOWN, STATE, COUNT = "Collectivité", "État", "Lignes"
PRINTED, GAP, RECAP_PRINTED = "Publié (€)", "Écart (€)", "Récapitulatif (€)"
TOTAL = "Total"
#: The defined names that formulas use: the exercice shown, and the largest gap that is only a rounding.
EXERCICE, ROUNDING = "Exercice", "Arrondi"
#: Rows above which freezing the panes would leave too little room to scroll.
_FROZEN_AT_MOST = 16


def totals_name(convention: int) -> str:
    """The Excel table of a convention's subtotals."""
    return f"Totaux_{convention:02d}"


def measured_labels(plan: MasterPlan) -> dict[str, str]:
    """The labels of the amounts of a budget line."""
    fields = plan.contract.schemas["lignes_budgetaires"].by_name
    return {name: fields[name].title for name in AMOUNTS}


def published_sum(plan: MasterPlan, source: str, scope: str, convention: str | None = None, town: str | None = None) -> str:
    """The formula of a published total: ``convention`` and ``town`` are formulas themselves."""
    table = plan.data[table_name("totaux_publies")]

    def column(name: str) -> str:
        return column_ref(table.name, table.label(name))

    conditions = [(column("source"), quoted_text(source)), (column("portee"), quoted_text(scope))]
    if convention is not None:
        conditions.append((column("convention_id"), convention))
    if town is not None:
        conditions.append((column("collectivite_id"), town))
    conditions.append((column("exercice"), EXERCICE))
    return f"SUMIFS({column('montant')},{','.join(f'{where},{what}' for where, what in conditions)})"


def state_formula(gap: str) -> str:
    """The words that say what a gap means, so that a colour is never the only sign."""
    return f'IF({gap}=0,"juste",IF(ABS({gap})<={ROUNDING},"arrondi","à vérifier"))'


def state_of(cents: int, rounding_euros: int) -> str:
    """What :func:`state_formula` computes."""
    return "juste" if cents == 0 else "arrondi" if abs(cents) <= rounding_euros * 100 else "à vérifier"


def write_budget(sheet: Sheet, plan: MasterPlan, lines: DataTable, convention: int) -> None:
    """Write one budget sheet."""
    contract = plan.contract
    title, _ = contract.convention_titles[convention]
    sheet.title(f"{convention} – {title}", "Crédits de droit commun, collectivité par collectivité", len(lines.columns))
    _write_totals(sheet, plan, lines, convention)
    write_data_table(sheet, plan, lines)
    set_widths(sheet, widths(lines))
    sheet.raw.freeze_panes(lines.row + 1 if lines.row <= _FROZEN_AT_MOST else 3, 0)
    sheet.print_setup((lines.row, lines.row), contract.settings.titre)
    sheet.raw.print_area(0, 0, lines.last_row, lines.column_of("ligne_source") + 2)
    add_state_colours(sheet, FIRST_TABLE_ROW + 1, 1, lines.row - 2, 1)


def _write_totals(sheet: Sheet, plan: MasterPlan, lines: DataTable, convention: int) -> None:
    contract, name = plan.contract, totals_name(convention)
    accounts, labels = contract.accounts, measured_labels(plan)
    town_column = column_ref(lines.name, lines.label("collectivite_id"))
    conditions = f"{town_column},{this_row(name, TOWN)},{column_ref(lines.name, lines.label('exercice'))},{EXERCICE}"
    columns = [TOWN, STATE, COUNT, *labels.values(), PRINTED, GAP, RECAP_PRINTED]
    town = this_row(name, TOWN)
    formulas = {
        STATE: state_formula(this_row(name, GAP)),
        COUNT: f"COUNTIFS({conditions})",
        **{label: f"SUMIFS({column_ref(lines.name, label)},{conditions})" for label in labels.values()},
        PRINTED: published_sum(plan, DETAIL, SCOPE_TOWN, str(convention), town),
        GAP: f"{this_row(name, labels[MEASURE])}-{this_row(name, PRINTED)}",
        RECAP_PRINTED: published_sum(plan, RECAP, SCOPE_TOWN, str(convention), town),
    }
    sheet.table(name, FIRST_TABLE_ROW, 0, max(1, len(accounts.towns)), columns, calculated=formulas, filters=False)
    if not accounts.towns:
        return
    for position, identifier in enumerate(accounts.towns):
        row = FIRST_TABLE_ROW + 1 + position
        shown = contract.town_labels[identifier]
        sheet.write(row, 0, shown, sheet.pen.cell(computed=True, bold=True))
        printed = accounts.printed(DETAIL, SCOPE_TOWN, convention, identifier)
        gap = accounts.of(convention, identifier) - printed
        values: dict[str, CellContent] = {
            STATE: state_of(gap, contract.settings.arrondi_euros),
            COUNT: accounts.counts.get((convention, identifier), 0),
            **{labels[amount]: accounts.of(convention, identifier, amount) for amount in AMOUNTS},
            PRINTED: printed,
            GAP: gap,
            RECAP_PRINTED: accounts.printed(RECAP, SCOPE_TOWN, convention, identifier),
        }
        for column, label in enumerate(columns[1:], 1):
            style, content = computed_cell(sheet.pen, _kind(label), values[label])
            sheet.formula(row, column, formulas[label], style, content, (name, "*", label))
    _write_total_row(sheet, plan, convention, columns, labels)


def _write_total_row(sheet: Sheet, plan: MasterPlan, convention: int, columns: list[str], labels: dict[str, str]) -> None:
    accounts, name = plan.contract.accounts, totals_name(convention)
    row = FIRST_TABLE_ROW + 1 + len(accounts.towns)
    printed = accounts.printed_towns(DETAIL, convention)
    gap = accounts.of(convention) - printed
    values: dict[str, CellContent] = {
        STATE: state_of(gap, plan.contract.settings.arrondi_euros),
        COUNT: sum(accounts.counts.get((convention, town), 0) for town in accounts.towns),
        **{labels[amount]: accounts.of(convention, amount=amount) for amount in AMOUNTS},
        PRINTED: printed,
        GAP: gap,
        RECAP_PRINTED: accounts.printed(RECAP, SCOPE_CONVENTION, convention),
    }
    formulas = {label: f"SUM({column_ref(name, label)})" for label in columns[2:]}
    formulas[STATE] = state_formula(f"SUM({column_ref(name, GAP)})")
    formulas[RECAP_PRINTED] = published_sum(plan, RECAP, SCOPE_CONVENTION, str(convention))
    bold = {"bold": True, "top": 2}
    sheet.write(row, 0, TOTAL, sheet.pen.cell(computed=True, **bold))
    for column, label in enumerate(columns[1:], 1):
        style, content = computed_cell(sheet.pen, _kind(label), values[label], **bold)
        sheet.formula(row, column, formulas[label], style, content, (name, TOTAL, label))


def _kind(label: str) -> str:
    return {STATE: "text", COUNT: "count", GAP: "signed"}.get(label, "euros")


def add_state_colours(sheet: Sheet, first_row: int, first_column: int, last_row: int, last_column: int) -> None:
    """Colour the words of :func:`state_formula` on an area."""
    for word, colour in (("à vérifier", "erreur"), ("arrondi", "avertissement"), ("juste", "juste")):
        sheet.raw.conditional_format(
            first_row, first_column, last_row, last_column,
            {"type": "cell", "criteria": "==", "value": f'"{word}"', "format": conditional(sheet.pen, colour)},
        )  # fmt: skip


def conditional(pen: Pen, colour: str):  # type: ignore[no-untyped-def]
    """The format of a conditional rule in one of the layout's colours."""
    return pen.book.add_format({"bg_color": pen.look.colours[colour], "font_color": pen.look.colours[f"{colour}_texte"]})


def define_constants(pen: Pen, plan: MasterPlan) -> None:
    """The defined names that formulas use and that no sheet shows."""
    pen.name(ROUNDING, f"={plan.contract.settings.arrondi_euros}")


