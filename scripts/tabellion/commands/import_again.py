"""The import that waits for the staff: made again by the watcher once they settled something in its workbook."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from tabellion.commands.import_document import PENDING, import_document
from tabellion.contract.workspace import Workspace
from tabellion.findings import Finding, Place, finding
from tabellion.importing import CORRESPONDENCE_FILE
from tabellion.reading.source import read_source
from tabellion.xlsx.signature import is_intact


def import_again(workspace: Workspace, now: datetime) -> Sequence[Finding]:
    """Make the waiting import again where its ``correspondance.xlsx`` was edited; what came of it, nothing otherwise.

    Raises :class:`TabellionError` as :func:`import_document` does.
    """
    asked = workspace.workbooks / "import" / CORRESPONDENCE_FILE
    paths = _pending(workspace)
    if not paths or not asked.exists() or is_intact(read_source(asked)):
        return []
    done = import_document(workspace, paths, None, force=False, now=now)
    if not done.written:
        return [blocking for blocking in done.findings if blocking.bloquant]
    names = ", ".join(path.name for path in paths)
    return [finding("import-refait", Place(CORRESPONDENCE_FILE), valeur=done.preview, fichiers=names)]


def _pending(workspace: Workspace) -> list[Path]:
    """The files of the import that waits; none where none does, or they are gone."""
    try:
        names = json.loads((workspace.memory / PENDING).read_text(encoding="utf-8"))["fichiers"]
        paths = [Path(str(name)) for name in names]
        return paths if all(path.is_file() for path in paths) else []
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return []
