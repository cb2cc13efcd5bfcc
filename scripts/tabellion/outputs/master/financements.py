"""The sheet Financements: which rows count in the exercice, and which exercice that is."""

from __future__ import annotations

from collections.abc import Mapping

from tabellion.layout.names import EXERCICE, FUNDED, REGLAGES, column_ref, quoted_text, table_name, this_row
from tabellion.measures.financements import COUNTED, RETAINED, retained_formula
from tabellion.measures.measure import Criterion, Rows
from tabellion.outputs.master.layout import MasterLayout
from tabellion.outputs.master.tables import Computed
from tabellion.xlsx.writer import Sheet

_FINANCEMENTS, _SETTINGS = "financements", "reglages"
_WAYS_ROW = 2


def financements_of(layout: MasterLayout) -> Rows:
    """The financements, each with whether it counts in the exercice that the workbook opens with."""
    return layout.contract.overview.financements(layout.contract.settings.exercice_finance)


def counted(layout: MasterLayout) -> tuple[Criterion, ...]:
    """What a row of the sheet must be to be counted; anything, where the schema knows no exercice."""
    return (COUNTED,) if _has_column(layout) else ()


def retained_column(layout: MasterLayout) -> Mapping[str, Computed]:
    """The computed column that says whether a row counts; none where the schema knows no exercice."""
    if not _has_column(layout):
        return {}
    table = layout.data[table_name(_FINANCEMENTS)]
    formula = retained_formula(
        layout.columns(_FINANCEMENTS), lambda name: this_row(table.name, table.label(name)), FUNDED
    )
    return {RETAINED: Computed("text", formula, list(financements_of(layout).columns[RETAINED]))}


def write_funded(sheet: Sheet, layout: MasterLayout) -> None:
    """Above the table: the exercice whose financements count, that of the workbook or, before the contract, the
    current one."""
    settings = layout.contract.settings
    asked = str(settings.exercice_courant)
    if REGLAGES in layout.sheets:
        table = layout.data[table_name(_SETTINGS)]
        values, names = (column_ref(table.name, table.label(name)) for name in ("valeur", "reglage_id"))
        asked = f"INDEX({values},MATCH({quoted_text('exercice_courant')},{names},0))"
    bold = sheet.writer.format(bold=True, align="right", valign="vcenter")
    sheet.write(_WAYS_ROW, 1, "Exercice retenu :", bold)
    style = sheet.writer.format(bold=True, align="center", valign="vcenter")
    formula = f"IF({EXERCICE}<{settings.debut},{asked},{EXERCICE})"
    sheet.named_formula(_WAYS_ROW, 2, FUNDED, formula, style, settings.exercice_finance)


def _has_column(layout: MasterLayout) -> bool:
    return any(column.name == RETAINED for column in layout.data[table_name(_FINANCEMENTS)].columns)
