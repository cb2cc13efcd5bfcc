"""The page of a form that adds up its amounts by convention, beside what was last known."""

from __future__ import annotations

from tabellion.contract.book import Book
from tabellion.layout.forms import TOTALS, Form
from tabellion.measures.form_totals import CONVENTION, DIFFERENCE, LAST, by_convention, typed_amounts, whole
from tabellion.measures.measure import criterion
from tabellion.outputs.forms.lists import labels_of
from tabellion.outputs.master.layout import FIRST_TABLE_ROW
from tabellion.schema.forms import TableSpec
from tabellion.xlsx.blocks import Block, write_block
from tabellion.xlsx.writer import Sheet

_WIDTHS = (8, 60, 18, 18, 18, 18, 18)


def summed_table(form: Form) -> TableSpec | None:
    """The table of a form whose amounts are added up by convention."""
    wanted = {CONVENTION, DIFFERENCE}
    return next((table for table in form.tables if wanted <= {column.name for column in table.columns}), None)


def write_totals(sheet: Sheet, contract: Book, form: Form, table: TableSpec) -> None:
    """Write it: one row a convention, and all of them."""
    schemas, exercice = contract.schemas, form.identity.exercice
    titles = {number: title for number, (title, _) in contract.convention_titles.items()}
    labels = labels_of(contract, "conventions")
    words = {number: text for number in titles if (text := criterion(labels[number])) is not None}
    rows = list(by_convention(table, form, schemas, words))
    totals = whole(table, form, schemas)
    names = (LAST, *typed_amounts(table, schemas), DIFFERENCE)
    shown = [table.label(table.column(name), schemas) for name in names]
    sheet.title(f"{form.partner} – {TOTALS} {exercice}", f"Vos montants de {exercice} par convention", len(_WIDTHS))
    block = Block(
        "Par convention", "Totaux_formulaire", ("N°", "Convention", *shown),
        [(number, titles[number]) for number, _ in rows], [measures for _, measures in rows], totals,
    )  # fmt: skip
    write_block(sheet, block, FIRST_TABLE_ROW - 1)
    sheet.set_widths(enumerate(_WIDTHS))
    sheet.raw.freeze_panes(FIRST_TABLE_ROW + 1, 0)
    sheet.print_setup((FIRST_TABLE_ROW, FIRST_TABLE_ROW), contract.settings.titre)
    sheet.protect()
