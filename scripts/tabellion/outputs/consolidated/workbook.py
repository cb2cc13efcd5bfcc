"""The consolidated workbook, whole: a consolidation in, the bytes of ``consolidation.xlsx`` out."""

from __future__ import annotations

import gc
from pathlib import Path

from tabellion.campaign.model import Consolidation
from tabellion.outputs.consolidated import board, changes
from tabellion.outputs.consolidated.board import write_board
from tabellion.outputs.consolidated.changes import write_changes, write_conflicts
from tabellion.outputs.consolidated.controls import write_controls
from tabellion.outputs.consolidated.detail import DETAIL_TITLE, write_detail
from tabellion.outputs.consolidated.long_rows import ListPen
from tabellion.outputs.consolidated.synthese import moment_words, write_synthese
from tabellion.outputs.consolidated.tables import data_sheets, write_data
from tabellion.workbook.identity import FORMAT_VERSION, write_identity
from tabellion.workbook.names import CONTROLES, SYNTHESE, sheet_name
from tabellion.workbook.naming import Naming

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
    pen = ListPen(contract.look, scratch=scratch)
    naming, overview = Naming(contract), contract.overview
    data = data_sheets(consolidation)
    footer = f"{settings.titre} – état du {moment_words(consolidation.made)}"
    first = (SYNTHESE, board.TITLE, changes.CHANGES_TITLE, changes.CONFLICTS_TITLE, CONTROLES, DETAIL_TITLE)
    sheets = [pen.sheet(name) for name in first]
    taken = {name.casefold() for name in first}
    tables = [(each, pen.sheet(sheet_name("", each.schema.title, taken))) for each in data.values()]
    write_synthese(sheets[0], consolidation, overview, data, naming, footer)
    write_board(sheets[1], consolidation, naming, footer)
    write_changes(sheets[2], consolidation, naming, footer)
    write_conflicts(sheets[3], consolidation, naming, footer)
    write_controls(sheets[4], consolidation, footer)
    write_detail(sheets[5], consolidation, overview, data, footer)
    for table, sheet in tables:
        write_data(sheet, consolidation, table, naming, footer)
        sheet.raw.set_tab_color(contract.look.series[1 % len(contract.look.series)])
    for sheet in sheets:
        sheet.raw.set_tab_color(contract.look.series[0])
    identity: dict[str, str | int] = {"genre": KIND_CONSOLIDATION, "format": FORMAT_VERSION}
    write_identity(pen, identity | {"contrat": settings.identifiant})
    pen.book.set_properties({
        "title": f"{settings.titre} : consolidation",
        "subject": f"Contrat de ville {settings.debut}–{settings.fin}",
        "author": "tabellion",
        "category": "Contrat de ville",
        "keywords": "contrat de ville, consolidation, retours, constats",
        "comments": footer,
        "created": consolidation.made,
    })  # fmt: skip
    pen.book.set_size(2200, 1400)
    sheets[0].raw.activate()
    return pen.close()
