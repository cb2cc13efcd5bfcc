"""The sheets that the workbook of the contract lacks: those of a convention that staff have just typed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tabellion.campaign.saves import SAVES_FILE, saves_json
from tabellion.checks.contract import check_meaning
from tabellion.commands.source import Source
from tabellion.contract.book import Book
from tabellion.layout.names import PER_CONVENTION, sheet_key
from tabellion.reading.source import read_source
from tabellion.transaction.open_files import owner_of

if TYPE_CHECKING:
    from tabellion.outputs.master.layout import MasterLayout


def lacking_sheets(book: Book, layout: MasterLayout) -> list[str]:
    """The sheets of a layout that hold a table of which the workbook has no area, in their order."""
    held = {(area.table, area.convention) for area in book.areas}
    lacking = [
        table.sheet
        for table in layout.data.values()
        if (table.resource, table.implied.get("convention_id")) not in held
    ]
    return [key for key in layout.sheets if key in lacking]


def typed_conventions(source: Source) -> Iterator[int]:
    """The conventions of the contract that have no sheet, and no row that stood in one: staff did not delete it."""
    book = source.book
    held = {area.convention for area in book.areas}
    held.update(*(book.tables[table].column("convention_id") for table in PER_CONVENTION))
    yield from (number for number in book.convention_titles if number not in held)


def with_new_sheets(source: Source, now: datetime) -> dict[Path, bytes]:
    """The workbook with the sheets of the conventions that were typed in it, and the register that knows it.

    Nothing where it lacks none, or where somebody has it open: then the next run does it.
    """
    workspace = source.workspace
    numbers = list(typed_conventions(source)) if source.is_workbook else []
    if not numbers or owner_of(workspace.contrat, now) is not None:
        return {}
    # What writes a master is a tenth of the program, and few runs do.
    from tabellion.outputs.master.changes import renewal_of
    from tabellion.outputs.master.layout import lay_out_master
    from tabellion.outputs.master.workbook import write_master
    from tabellion.xlsx.inplace.renewal import renew
    from tabellion.xlsx.inplace.sheets import with_sheets

    content = read_source(workspace.contrat)
    if hashlib.sha256(content).hexdigest() != source.book.sha256:
        return {}
    layout = lay_out_master(source.book)
    fresh = write_master(layout, check_meaning(layout.contract, layout.locate))
    keys = [sheet_key(letter, number) for number in numbers for letter, _ in PER_CONVENTION.values()]
    made, _ = renew(with_sheets(content, fresh, keys), fresh, renewal_of(layout))
    saves = replace(source.state.saves, sha256=hashlib.sha256(made).hexdigest())
    files = dict(source.register_files)
    return files | {workspace.contrat: made, workspace.registre / SAVES_FILE: saves_json(saves)}
