"""The consolidated workbook, whole: a consolidation in, the bytes of ``consolidation.xlsx`` out."""

from __future__ import annotations

from tabellion.campaign.model import Consolidation
from tabellion.contract.labels import Labels
from tabellion.layout.names import ANNEES, CONTROLES, DECISIONS, EDITION, FORMAT_VERSION, REQUESTS, SYNTHESE, sheet_name
from tabellion.outputs.consolidation.campaign import (
    BOARD_TITLE,
    CHANGES_TITLE,
    last_changes,
    write_board,
    write_changes,
    write_controls,
)
from tabellion.outputs.consolidation.credits_sheet import DETAIL_TITLE, write_detail
from tabellion.outputs.consolidation.decisions import write_choices, write_decisions
from tabellion.outputs.consolidation.detail_workbook import write_index
from tabellion.outputs.consolidation.details import INDEX_TITLE, NO_DETAILS, WRAPPED_ROWS, Details
from tabellion.outputs.consolidation.requests import write_requests
from tabellion.outputs.consolidation.synthese import write_synthese
from tabellion.outputs.consolidation.tables import data_sheets, write_data
from tabellion.outputs.years import YearsView, write_years
from tabellion.wording import french_moment
from tabellion.xlsx.signature import write_identity
from tabellion.xlsx.writer import Sheet, Writer

#: What the hidden sheet says the workbook is, so that one put among the returns is known for what it is.
KIND_CONSOLIDATION = "consolidation"
#: What it says of the tables that stand in detail workbooks: their names.
ELSEWHERE = "tables_en_detail"


def write_consolidation(consolidation: Consolidation, details: Details = NO_DETAILS) -> bytes:
    """Write the whole workbook, but for the tables that stand in ``details``; the same consolidation gives the same
    bytes.

    Its links suppose that it stands in ``workbooks/consolidation/``.
    """
    contract = consolidation.contract
    settings = contract.settings
    writer = Writer(contract.theme)
    writer.wrapped_rows = WRAPPED_ROWS if details else writer.wrapped_rows
    labels, overview = Labels(contract), contract.overview
    data = data_sheets(consolidation)
    footer = f"{settings.titre} – état du {french_moment(consolidation.made)}"
    are_here = "lignes_budgetaires" not in details.tables
    money = (DETAIL_TITLE,) if are_here else ()
    years = (ANNEES,) if are_here and overview.exercices and "lignes_budgetaires" in data else ()
    asked = (REQUESTS,) if consolidation.requests else ()
    index = (INDEX_TITLE,) if details else ()
    first = (SYNTHESE, BOARD_TITLE, DECISIONS, *asked, CHANGES_TITLE, CONTROLES, *index, *money, *years)
    sheets = {name: writer.sheet(name) for name in first}
    taken = {name.casefold() for name in first}
    tables = [
        (table, writer.sheet(sheet_name("", table.schema.title, taken)))
        for name, table in data.items()
        if name not in details.tables
    ]
    write_synthese(sheets[SYNTHESE], consolidation, overview, data, labels, footer, details)
    write_board(sheets[BOARD_TITLE], consolidation, labels, footer, details.places)
    write_decisions(sheets[DECISIONS], consolidation, footer)
    _write_changes(sheets[CHANGES_TITLE], consolidation, labels, footer, is_short=not details)
    write_controls(sheets[CONTROLES], consolidation, footer)
    if index:
        write_index(sheets[INDEX_TITLE], details, labels, footer)
    if money:
        write_detail(sheets[DETAIL_TITLE], consolidation, overview, data, footer)
    if years:
        lines = data["lignes_budgetaires"]
        view = YearsView(contract, lambda _: lines.reference, False)
        write_years(sheets[ANNEES], view, footer)
    if asked:
        write_requests(sheets[REQUESTS], consolidation.requests, footer)
    for table, sheet in tables:
        write_data(sheet, consolidation, table, labels, footer)
        sheet.raw.set_tab_color(contract.theme.series[1 % len(contract.theme.series)])
    for sheet in sheets.values():
        sheet.raw.set_tab_color(contract.theme.series[0])
    identity: dict[str, str | int] = {"genre": KIND_CONSOLIDATION, "format": FORMAT_VERSION}
    identity |= {ELSEWHERE: " ".join(details.tables)} if details else {}
    write_choices(writer, consolidation.questions)
    edition = {EDITION: consolidation.made.isoformat()}
    write_identity(writer, identity | {"contrat": settings.identifiant} | edition)
    writer.book.set_properties({
        "title": f"{settings.titre} : consolidation",
        "subject": f"Contrat de ville {settings.debut}–{settings.fin}",
        "author": "tabellion",
        "category": "Contrat de ville",
        "keywords": "contrat de ville, consolidation, retours, constats",
        "comments": footer,
        "created": consolidation.made,
    })  # fmt: skip
    writer.book.set_size(2200, 1400)
    sheets[SYNTHESE].raw.activate()
    return writer.close()


def _write_changes(sheet: Sheet, consolidation: Consolidation, labels: Labels, footer: str, *, is_short: bool) -> None:
    """All changes, or the last ones where detail workbooks have them all."""
    changes = consolidation.changes if is_short else last_changes(consolidation)
    more = (
        f"Les {len(changes)} dernières enregistrées, sur {len(consolidation.changes)} : toutes sont dans les classeurs"
    )
    write_changes(
        sheet, changes, labels, footer,
        "Ce que l'équipe a changé depuis la dernière adoption, et ce que les retours disent",
        "" if len(changes) == len(consolidation.changes) else f"{more} de la feuille « {INDEX_TITLE} ».",
    )  # fmt: skip
