"""Decisions read back: what staff chose in the consolidated workbook, and in the dated copies put aside of it.

Nothing is written here: :func:`read_back` says what the decisions are now, and what of them a run has to keep.
"""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tabellion.campaign.decisions import Decisions, TypedDecision, load_decisions
from tabellion.campaign.model import RequestEntry
from tabellion.campaign.parsed_return import saved_time
from tabellion.campaign.requests import load_requests, read_requests
from tabellion.campaign.typed_decisions import LONGEST, find_decisions, find_table, is_ours, read_typed
from tabellion.contract.folders import AS_PUBLISHED
from tabellion.contract.workspace import Workspace
from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.layout.names import CONFIRMATION, DECISION, EDITION, IDENTITY, REQUEST, REQUEST_CODE, WORKBOOK
from tabellion.reading import RawWorkbook, read_workbook
from tabellion.reading.hidden import read_identity
from tabellion.schema.tables import Column
from tabellion.transaction.manifest import BESIDES, read_besides

#: The consolidated workbook and what the program itself makes of it: one that waits beside it, dated copies.
_NAMES = re.compile(
    r"consolidation(?: \(nouveau\))?(?: \d{4}-\d\d-\d\d \d\dh\d\d)?(?: \(\d{1,9}\))?\.xlsx", re.IGNORECASE
)
#: A file that says that it was saved this long after its disk says so has a wrong clock.
_CLOCK = timedelta(days=1)
#: Decimals of the numbers of two workbooks that are compared.
_DIGITS = 6
#: For how long after it was saved a workbook asks for something.
_LATELY = timedelta(days=1)


@dataclass(frozen=True)
class ReadBack:
    """The decisions as they are now, and what was ``typed`` since they were kept.

    ``seen`` is the SHA-256 of each workbook that may be replaced although somebody wrote into it: it holds decisions
    that were read, or are said whole, and nothing else that the published one did not. ``findings`` are of files that
    could not be read, ``requests`` what is asked for in those that were.
    """

    decisions: Decisions
    typed: tuple[TypedDecision, ...] = ()
    seen: Mapping[Path, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    requests: tuple[RequestEntry, ...] = ()


def read_back(workspace: Workspace) -> ReadBack:
    """Read the decisions typed since the last run.

    Raises :class:`TabellionError` when the decisions kept beside the register cannot be read.
    """
    decisions = load_decisions(workspace.registre)
    typed, findings, seen = list[TypedDecision](), list[Finding](), dict[Path, str]()
    requests = list[RequestEntry]()
    published, books = _digest(workspace.memory / AS_PUBLISHED), []
    for path in decision_files(workspace):
        if _digest(path) in ("", published):
            continue
        name = path.relative_to(workspace.workbooks).as_posix()
        try:
            books.append((saved_at(path, book := read_workbook(path)), name == WORKBOOK, path, book))
        except TabellionError as error:
            if name == WORKBOOK:  # of one put aside it was said then
                detail = error.findings[0].message
                findings.append(finding("decisions-illisibles", Place(name), valeur=path.name, detail=detail))
    for saved, in_place, path, book in sorted(books, key=lambda book: (book[1], book[0], book[2])):
        name = path.relative_to(workspace.workbooks).as_posix()
        if not is_ours(book, workspace.settings.identifiant):
            continue
        rows = list(read_typed(book, name, saved))
        decisions, new = decisions.with_typed(rows, in_place=in_place)
        typed += new
        if saved > datetime.now(UTC).replace(tzinfo=None) - _LATELY:  # an old copy asks for nothing any more
            requests += read_requests(book)
        is_said_whole = all(row.decision.choice or len(row.decision.label) < LONGEST for row in new)
        if in_place and is_said_whole and not _says_more(workspace, path, book):
            seen[path] = book.sha256
    return ReadBack(decisions, tuple(typed), seen, tuple(findings), tuple(requests))


def has_news(workspace: Workspace) -> bool:
    """Whether somebody typed decisions, or requests, that no run has read, or asks for what nobody has begun, or put
    another workbook in its place; yes where a run has to say why nobody can tell.
    """
    try:
        read, log = read_back(workspace), load_requests(workspace.memory)
        return bool(read.typed or log.new(read.requests) or log.pending or _is_another(workspace))
    except TabellionError:
        return True


def _is_another(workspace: Workspace) -> bool:
    """Whether the workbook in place is not of the last edition (an older copy put back), which does not wait beside.

    One that cannot be read may be in the middle of a save.
    """
    if WORKBOOK in read_besides(workspace.memory / BESIDES):
        return False
    try:
        books = [read_workbook(path) for path in (workspace.workbooks / WORKBOOK, workspace.memory / AS_PUBLISHED)]
    except TabellionError:
        return False
    in_place, last = (read_identity(book.sheet(IDENTITY))[0].get(EDITION) for book in books)
    return in_place != last


def decision_files(workspace: Workspace) -> list[Path]:
    """The workbooks in which decisions may stand, in the order of their names."""
    with suppress(OSError):
        return sorted(path for path in workspace.consolidation.iterdir() if _NAMES.fullmatch(path.name))
    return []


def saved_at(path: Path, book: RawWorkbook) -> datetime:
    """When a workbook was saved (UTC, without its zone): as it says itself, or else as its disk does.

    Some programs keep the date that the workbook was made with, and some clocks are wrong.
    """
    on_disk = datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(tzinfo=None)
    saved = saved_time(book.properties)
    is_as_made = book.properties.get("modified") == book.properties.get("created")
    return on_disk if saved is None or is_as_made or saved > on_disk + _CLOCK else saved


def _digest(path: Path) -> str:
    with suppress(OSError), path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
    return ""


def _says_more(workspace: Workspace, path: Path, book: RawWorkbook) -> bool:
    """Whether a workbook holds anything that the published one did not, besides decisions; yes where nobody knows."""
    try:
        before = read_workbook(workspace.memory / AS_PUBLISHED)
        with zipfile.ZipFile(path) as parts:
            has_notes = any("comments" in name.casefold() for name in parts.namelist())
    except (TabellionError, OSError, zipfile.BadZipFile):
        return True
    return has_notes or _content(before) != _content(book)


def _content(book: RawWorkbook) -> list[tuple[str, object]]:
    """What a workbook says by sheet, without what it computes; of the decisions the questions, in no order."""
    decisions, requests = find_decisions(book), find_table(book, (REQUEST, CONFIRMATION, REQUEST_CODE))
    content: list[tuple[str, object]] = []
    for sheet in book.sheets:
        skip = {decisions.columns[DECISION]} if decisions is not None and decisions.sheet is sheet else set[int]()
        if requests is not None and requests.sheet is sheet:
            skip = {requests.columns[REQUEST], requests.columns[CONFIRMATION]}
        rows: dict[int, Column] = {}
        for number, line in enumerate(sheet.rows, 1):
            for column, value in enumerate(line, 1):
                if value not in (None, "") and column not in skip and (number, column) not in sheet.formulas:
                    rows.setdefault(number, []).append((column, _rounded(value)))
        is_free = decisions is not None and decisions.sheet is sheet
        content.append((sheet.name, sorted(map(repr, rows.values())) if is_free else rows))
    return content


def _rounded(value: object) -> object:
    """A number as another program may save it: its last digits are not the same."""
    return round(value, _DIGITS) if isinstance(value, float) else value
