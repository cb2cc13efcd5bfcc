"""A form refilled by the libraries of web tools, and by Gnumeric: stored under ``tests/data/web_tools``."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import date
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from openpyxl.workbook import Workbook

from support.contracts import ROOT
from support.forms import ACTIONS, ACTIONS_TABLE, BUDGET, BUDGET_TABLE, FINANCEMENTS, FINANCEMENTS_TABLE
from support.mutations import edited
from support.office_files import Archive, Saved
from support.returned import at, form

FOLDER = ROOT / "tests" / "data" / "web_tools"
STORE = "TABELLION_STORE_WEB_FILES"
TOOLS = ("exceljs", "sheetjs", "gnumeric")
FIRST = 6
#: What is typed, by the sheet, the table and the column, on the first row of each.
ANSWERS: dict[tuple[str, str], Any] = {
    (BUDGET, "montant_prevu"): 1500,
    (BUDGET, "montant_vote"): 1400.55,
    (BUDGET, "commentaire"): "Payé « à Noël » – 50 %",
    (ACTIONS, "avancement"): "en cours",
    (ACTIONS, "pourcentage"): 40,
    (ACTIONS, "date_bilan"): date(2016, 11, 30),
    (ACTIONS, "montant_engage"): 2500.5,
    (FINANCEMENTS, "statut_montant"): "chiffré",
    (FINANCEMENTS, "montant"): 12000,
}
_TABLES = {BUDGET: BUDGET_TABLE, ACTIONS: ACTIONS_TABLE, FINANCEMENTS: FINANCEMENTS_TABLE}


@cache
def refilled(tool: str) -> bytes:
    """The form with the answers, as a tool saved it."""
    cells = [(sheet, at(_TABLES[sheet], field, FIRST), value) for (sheet, field), value in ANSWERS.items()]
    typed = json.dumps([[sheet, cell, _plain(value)] for sheet, cell, value in cells], ensure_ascii=False)
    archive = Archive.load(FOLDER / "returns.tar.xz")
    if STORE in os.environ:
        archive.store(tool, Saved(typed, _made(tool, typed, cells)))
        archive.write()
    assert tool in archive.saved, f"{FOLDER}/README.md says how to store its files"
    assert archive.saved[tool].commands == typed, f"the files of {FOLDER} are of other answers: see its README"
    return archive.saved[tool].content


def _plain(value: Any) -> Any:
    return {"day": value.isoformat()} if isinstance(value, date) else value


def _made(tool: str, typed: str, cells: list[tuple[str, str, Any]]) -> bytes:
    def type_all(book: Workbook) -> None:
        for sheet, cell, value in cells:
            book[sheet][cell] = value

    with TemporaryDirectory() as folder:
        source, target = Path(folder, "form.xlsx"), Path(folder, "return.xlsx")
        is_gnumeric = tool == "gnumeric"
        source.write_bytes(edited(form(), type_all) if is_gnumeric else form())
        command = ["ssconvert"] if is_gnumeric else ["node", str(FOLDER / "refill.cjs"), tool]
        subprocess.run([*command, str(source), str(target)], input=typed, text=True, check=True, capture_output=True)
        return target.read_bytes()
