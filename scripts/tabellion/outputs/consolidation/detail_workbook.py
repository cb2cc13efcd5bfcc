"""One detail workbook: the rows of some partners, where each comes from, what they changed; and the sheet « Détails »,
which lists all of them in a light ``consolidation.xlsx``.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from tabellion.campaign.model import Consolidation
from tabellion.contract.labels import Labels
from tabellion.findings import Place
from tabellion.layout.names import ANNEES, FORMAT_VERSION, WORKBOOK, cell_link, cell_name, document_date, sheet_name
from tabellion.outputs.consolidation.campaign import CHANGES_TITLE, write_changes
from tabellion.outputs.consolidation.credits_sheet import DETAIL_TITLE, write_detail
from tabellion.outputs.consolidation.details import (
    CONTENTS_TITLE,
    INDEX_TITLE,
    PARTNERS_EACH,
    WRAPPED_ROWS,
    Details,
    DetailWorkbook,
    holder_name,
    part_of,
)
from tabellion.outputs.consolidation.tables import DataSheet, data_sheets, write_data
from tabellion.outputs.years import YearsView, write_years
from tabellion.wording import plural
from tabellion.xlsx.lists import FIRST_ROW, ListColumn, finish, maker_for, note, write_cells, write_columns, write_list
from tabellion.xlsx.signature import write_identity
from tabellion.xlsx.writer import Sheet, Writer

#: What the hidden sheet says the workbook is, so that one put among the returns is known for what it is.
KIND_DETAIL = "detail"
_LINES = "lignes_budgetaires"
_CHANGES_LABEL = "Modifications"
_INDEX_TABLE = "Classeurs_de_detail"
#: Folders between such a workbook and ``workbooks/``.
_DEPTH = 2


def write_detail_workbook(
    consolidation: Consolidation, details: Details, workbook: DetailWorkbook, labels: Labels
) -> bytes:
    """Write one detail workbook, whole; it depends on nothing that its digest does not cover, not even on the moment.

    Its links suppose that it stands in ``workbooks/consolidation/details/``. ``labels`` are those of the contract.
    """
    part = part_of(consolidation, details, workbook)
    contract, settings = part.contract, part.contract.settings
    writer = Writer(contract.theme, wrapped_rows=WRAPPED_ROWS, depth=_DEPTH)
    data = {name: data for name, data in data_sheets(part).items() if name in details.tables}
    title = title_of(workbook, labels)
    footer = f"{settings.titre} – {title}"
    money = _LINES in data and bool(contract.overview.exercices)
    first = (
        CONTENTS_TITLE,
        *((CHANGES_TITLE,) if workbook.changes else ()),
        *((DETAIL_TITLE, ANNEES) if money else ()),
    )
    sheets = {name: writer.sheet(name) for name in first}
    taken = {name.casefold() for name in first}
    tables = {name: (table, writer.sheet(sheet_name("", table.schema.title, taken))) for name, table in data.items()}
    _write_contents(sheets[CONTENTS_TITLE], workbook, title, tables, labels, footer)
    if workbook.changes:
        write_changes(sheets[CHANGES_TITLE], workbook.changes, labels, footer, "Ce que les retours disent autrement")
    if money:
        write_detail(sheets[DETAIL_TITLE], part, contract.overview, data, footer, with_formulas=False)
        view = YearsView(contract, lambda _: data[_LINES].reference, by_convention=False, with_formulas=False)
        write_years(sheets[ANNEES], view, footer)
    for table, sheet in tables.values():
        write_data(sheet, part, table, labels, footer)
        sheet.raw.set_tab_color(contract.theme.series[1 % len(contract.theme.series)])
    for sheet in sheets.values():
        sheet.raw.set_tab_color(contract.theme.series[0])
    write_identity(writer, {"genre": KIND_DETAIL, "format": FORMAT_VERSION, "contrat": settings.identifiant})
    writer.book.set_properties({
        "title": f"{settings.titre} : {title}",
        "subject": f"Contrat de ville {settings.debut}–{settings.fin}",
        "author": "tabellion",
        "category": "Contrat de ville",
        "created": document_date(settings.debut),
    })  # fmt: skip
    writer.book.set_size(2200, 1400)
    sheets[CONTENTS_TITLE].raw.activate()
    return writer.close()


def title_of(workbook: DetailWorkbook, labels: Labels) -> str:
    """What a detail workbook is, in a few words."""
    if not workbook.partners:
        return "détail, ce qui est commun"
    first, last = (holder_name(labels, partner) for partner in (workbook.partners[0], workbook.partners[-1]))
    return f"détail, {first}" if first == last else f"détail, de {first} à {last}"


def _write_contents(
    sheet: Sheet,
    workbook: DetailWorkbook,
    title: str,
    tables: dict[str, tuple[DataSheet, Sheet]],
    labels: Labels,
    footer: str,
) -> None:
    """The first sheet: each partner with how many rows it has in each table, which open there."""
    maker = maker_for(sheet.writer, len(workbook.partners))
    columns = [
        ListColumn("Partenaire", 34),
        *(ListColumn(data.schema.title, 20, "center") for data, _ in tables.values()),
        ListColumn(_CHANGES_LABEL, 16, "center"),
    ]
    sheet.title(
        title[0].upper() + title[1:], "Les lignes de chaque partenaire, et d'où vient chaque valeur", len(columns)
    )
    back = maker.link(f"← {Path(WORKBOOK).name}", Place(WORKBOOK))
    write_cells(sheet, 2, [[back]])
    partners = workbook.partners or ("",)
    changed = [sum(change.partenaire == partner for change in workbook.changes) or None for partner in partners]
    rows = [
        [maker.text(holder_name(labels, partner) if partner else "sans partenaire"),
         *(maker.centred(None) for _ in tables), maker.centred(count)]
        for partner, count in zip(partners, changed, strict=True)
    ]  # fmt: skip
    write_list(sheet, "Sommaire_detail", FIRST_ROW, columns, rows, empty="")
    for column, (name, (_, target)) in enumerate(tables.items(), 1):
        first = FIRST_ROW + 1
        for row, count in enumerate(workbook.counts[name], FIRST_ROW + 1):
            if count:
                where = cell_link(target.name, cell_name(first, 0))
                sheet.link(row, column, where, plural(count, "ligne"), maker.style("centred", "link"))
            first += count
    finish(sheet, footer, columns=1)


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
    write_columns(sheet, _INDEX_TABLE, FIRST_ROW, columns, details.workbooks, empty="")
    finish(sheet, footer, columns=1)


def _count(table: str, workbook: DetailWorkbook) -> int:
    return len(workbook.rows.get(table, ()))
