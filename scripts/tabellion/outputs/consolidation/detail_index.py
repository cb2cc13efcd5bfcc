"""The sheet « Détails » of a light ``consolidation.xlsx``: its detail workbooks, whose rows they hold, and how many."""

from __future__ import annotations

from functools import partial

from tabellion.contract.labels import Labels
from tabellion.findings import Place
from tabellion.outputs.consolidation.details import INDEX_TITLE, PARTNERS_EACH, Details, DetailWorkbook, holder_name
from tabellion.wording import plural
from tabellion.xlsx.lists import FIRST_ROW, ListColumn, finish, maker_for, note, write_columns
from tabellion.xlsx.writer import Sheet

_TABLE = "Classeurs_de_detail"


def write_index(sheet: Sheet, details: Details, labels: Labels, footer: str) -> None:
    """Write the sheet: one row a detail workbook, which opens it."""
    maker = maker_for(sheet.writer, len(details.workbooks))

    def ends(workbook: DetailWorkbook, place: int) -> str:
        return holder_name(labels, workbook.partners[place]) if workbook.partners else "sans partenaire"

    columns = [
        ListColumn("Classeur", 44, cell=lambda book: maker.link(book.name, Place(book.fichier))),
        ListColumn("Du partenaire", 30, cell=lambda book: maker.text(ends(book, 0))),
        ListColumn("Au partenaire", 30, cell=lambda book: maker.text(ends(book, -1))),
        *(
            ListColumn(labels.table(name), 16, "center", partial(_count, name), maker.centred)
            for name in details.tables
        ),
        ListColumn("Modifications", 16, "center", lambda book: len(book.changes), maker.centred),
    ]
    subtitle = f"Les longues tables de ce contrat, {plural(PARTNERS_EACH, 'partenaire')} par classeur au plus"
    sheet.title(INDEX_TITLE, subtitle, len(columns))
    note(sheet, 2, "Chaque classeur n'est réécrit que si ce qu'il dit a changé. Dans « Suivi des retours », la colonne "
         "« Détail » ouvre celui d'un partenaire.")  # fmt: skip
    write_columns(sheet, _TABLE, FIRST_ROW, columns, details.workbooks, empty="")
    finish(sheet, footer, columns=1)


def _count(table: str, workbook: DetailWorkbook) -> int:
    return len(workbook.rows.get(table, ()))
