"""Types into cells of a workbook as somebody would, with what the program itself installs:

``python tests/support/type_cells.py FROM TO 'Budget!F6=1 234,56 €' 'Budget!G6=1200' …``: digits alone are a number.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from tabellion.addresses import parse_cell
from tabellion.xlsx.inplace.editor import WorkbookEditor

if __name__ == "__main__":
    source, target, *typed = sys.argv[1:]
    editor = WorkbookEditor(Path(source).read_bytes())
    for assignment in typed:
        place, _, text = assignment.partition("=")
        sheet, _, cell = place.rpartition("!")
        assert editor.set_value(sheet, *parse_cell(cell), int(text) if text.isdigit() else text), assignment
    core = editor.parts.tree("docProps/core.xml")
    next(core.iter("{*}modified")).text = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    editor.parts.change("docProps/core.xml")
    Path(target).write_bytes(editor.to_bytes())
