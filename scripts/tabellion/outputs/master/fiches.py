"""The sheets of the fiches action (C01, C02, …), of their financements and of their follow-up."""

from __future__ import annotations

from collections import Counter

from tabellion.layout.names import column_ref, table_name, this_row
from tabellion.outputs.master.layout import DataTable, MasterLayout
from tabellion.outputs.master.tables import Computed, fit_data_table, widths, write_data_table
from tabellion.xlsx.writer import Sheet

UNKNOWN_AXE = "axe inconnu"


def write_fiches(sheet: Sheet, layout: MasterLayout, table: DataTable, convention: int) -> None:
    """Write one convention's sheet: its fiches, each with its axe's title and the number of its financements."""
    contract = layout.contract
    title, _ = contract.convention_titles[convention]
    sheet.title(f"{convention} – {title}", "Fiches action de la convention", len(table.columns))
    computed = _computed(layout, table)
    write_data_table(sheet, layout, table, computed)
    fit_data_table(sheet, layout, table, computed)
    finish(sheet, layout, table, last_printed="partenaires_operationnels")


def _computed(layout: MasterLayout, table: DataTable) -> dict[str, Computed]:
    contract = layout.contract
    columns = contract.tables["fiches"].select(table.indexes).columns
    titles = {row["axe_id"]: row["titre"] for row in reversed(contract.tables["axes"].rows)}
    counts = Counter(contract.tables["financements"].column("fiche_id"))
    axes_table, financements = layout.data[table_name("axes")], layout.data[table_name("financements")]
    axe = this_row(table.name, table.label("axe_id"))
    fiche = this_row(table.name, table.label("fiche_id"))
    title_of = column_ref(axes_table.name, axes_table.label("titre"))
    code_of = column_ref(axes_table.name, axes_table.label("axe_id"))
    return {
        "axe": Computed(
            "text",
            f'IF({axe}="","",IFERROR(INDEX({title_of},MATCH({axe},{code_of},0)),"{UNKNOWN_AXE}"))',
            [titles.get(each) or UNKNOWN_AXE for each in columns["axe_id"]],
        ),
        "financements": Computed(
            "count",
            f'IF({fiche}="","",COUNTIFS({column_ref(financements.name, financements.label("fiche_id"))},{fiche}))',
            [counts[each] if each is not None else 0 for each in columns["fiche_id"]],
        ),
    }


def write_financements(sheet: Sheet, layout: MasterLayout) -> None:
    """Write the sheet of all financements."""
    table = layout.data[table_name("financements")]
    sheet.title("Financements", "Les financeurs retenus, fiche par fiche", len(table.columns))
    write_data_table(sheet, layout, table)
    fit_data_table(sheet, layout, table)
    finish(sheet, layout, table, last_printed="montant_texte")


def write_subventions(sheet: Sheet, layout: MasterLayout) -> None:
    """Write the sheet of what the deeds that grant financements say."""
    table = layout.data[table_name("subventions")]
    title = layout.contract.schemas["subventions"].title
    sheet.title(title, "Ce que disent les décisions qui attribuent un financement chiffré", len(table.columns))
    write_data_table(sheet, layout, table)
    fit_data_table(sheet, layout, table)
    finish(sheet, layout, table, last_printed=table.columns[-1].name)


def write_suivi(sheet: Sheet, layout: MasterLayout) -> None:
    """Write the sheet of what partners said of their fiches."""
    table = layout.data[table_name("suivis")]
    sheet.title("Suivi", "Ce que les partenaires disent de leurs fiches, exercice par exercice", len(table.columns))
    write_data_table(sheet, layout, table)
    fit_data_table(sheet, layout, table)
    finish(sheet, layout, table, last_printed=table.columns[-1].name)


def finish(sheet: Sheet, layout: MasterLayout, table: DataTable, last_printed: str) -> None:
    """Widths, frozen header and print setup of a sheet whose table is printed up to the column ``last_printed``."""
    sheet.set_widths(widths(table))
    sheet.raw.freeze_panes(table.row + 1, 1)
    sheet.print_setup((table.row, table.row), layout.contract.settings.titre)
    sheet.raw.print_area(0, 0, table.last_row, table.column_of(last_printed))
