"""The consolidated workbook, whole: a consolidation in, the bytes of ``consolidation.xlsx`` out."""

from __future__ import annotations

import gc
from pathlib import Path

from tabellion.campaign.model import Consolidation
from tabellion.contract.labels import Labels
from tabellion.layout.names import ANNEES, CONTROLES, DECISIONS, EDITION, FORMAT_VERSION, REQUESTS, SYNTHESE, sheet_name
from tabellion.outputs.consolidation.campaign import (
    BOARD_TITLE,
    CHANGES_TITLE,
    write_board,
    write_changes,
    write_controls,
)
from tabellion.outputs.consolidation.credits import DETAIL_TITLE, write_detail
from tabellion.outputs.consolidation.decisions import write_choices, write_decisions
from tabellion.outputs.consolidation.requests import write_requests
from tabellion.outputs.consolidation.synthese import write_synthese
from tabellion.outputs.consolidation.tables import data_sheets, write_data
from tabellion.outputs.years import YearsView, write_years
from tabellion.wording import french_moment
from tabellion.xlsx.signature import write_identity
from tabellion.xlsx.writer import Writer

#: What the hidden sheet says the workbook is, so that one put among the returns is known for what it is.
KIND_CONSOLIDATION = "consolidation"


def write_consolidation(consolidation: Consolidation, scratch: Path | None = None) -> bytes:
    """Write the whole workbook; the same consolidation gives the same bytes.

    Its links suppose that it stands in ``workbooks/consolidation/``. ``scratch`` is a folder for its parts while they
    are made (in memory by default). Raises ``OSError`` when it cannot be written.
    """
    # A large campaign makes millions of cells that live until the end: looking for garbage among them takes a sixth of
    # the time and finds none.
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        return _written(consolidation, scratch)
    finally:
        if was_enabled:
            gc.enable()


def _written(consolidation: Consolidation, scratch: Path | None) -> bytes:
    contract = consolidation.contract
    settings = contract.settings
    writer = Writer(contract.theme, scratch=scratch)
    labels, overview = Labels(contract), contract.overview
    data = data_sheets(consolidation)
    footer = f"{settings.titre} – état du {french_moment(consolidation.made)}"
    years = (ANNEES,) if overview.exercices and "lignes_budgetaires" in data else ()
    asked = (REQUESTS,) if consolidation.requests else ()
    first = (SYNTHESE, BOARD_TITLE, DECISIONS, *asked, CHANGES_TITLE, CONTROLES, DETAIL_TITLE, *years)
    sheets = {name: writer.sheet(name) for name in first}
    taken = {name.casefold() for name in first}
    tables = [(table, writer.sheet(sheet_name("", table.schema.title, taken))) for table in data.values()]
    write_synthese(sheets[SYNTHESE], consolidation, overview, data, labels, footer)
    write_board(sheets[BOARD_TITLE], consolidation, labels, footer)
    write_decisions(sheets[DECISIONS], consolidation, footer)
    write_changes(sheets[CHANGES_TITLE], consolidation, labels, footer)
    write_controls(sheets[CONTROLES], consolidation, footer)
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
