"""A night in which nothing changed, known before anything is read: by a digest of all that a consolidation depends on.

The invariant: as long as the digest is the same, and its :class:`CachedRun` holds at that moment, a run would write
nothing and say what the record says. So the digest covers every file that a run reads or writes, the program itself and
its Python; a record holds until the next due date, after which partners are late, and is made only of a run whose files
stayed as they were from before it read them to after it was done. Whatever is in doubt makes no record: the run is then
made as ever. Deleting the record loses time, never data.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

from tabellion import __version__
from tabellion.campaign.folder import size_and_end
from tabellion.contract.folders import (
    ANSWERED,
    AS_PUBLISHED,
    COLLECTED,
    HISTORY,
    JOURNAL,
    KEPT,
    OUTBOXES,
    REQUESTS_FILE,
    STAGING,
    Folders,
    find_root,
)
from tabellion.findings import Json, TabellionError
from tabellion.program import program_digest
from tabellion.transaction.bounded import PATIENCE, look_at_each, open_regular
from tabellion.transaction.files import write_whole
from tabellion.transaction.lock import hold
from tabellion.transaction.manifest import BESIDES
from tabellion.transaction.stored import read_stored

if TYPE_CHECKING:
    from tabellion.campaign.model import Consolidation
    from tabellion.commands.consolidate import ConsolidationRun
    from tabellion.findings import Finding

#: In the workspace's memory: the record.
CACHE_FILE = "inchange.json"
_VERSION = 1
#: How codes begin of what another try may say otherwise, though no file has changed: what was late, or out of reach.
PASSING = ("fichier-", "lecture-")
#: How names of workbooks end.
_WORKBOOK = ".xlsx"

#: A line of a digest, the file whose stamp follows it, if one does, and whether its folder says that it is regular.
DigestLine = tuple[str, str | None, bool]


@dataclass(frozen=True)
class CachedRun:
    """What a run would say from ``since`` to the end of the day ``until`` (``None``: always), were it made again.

    ``text`` is what it prints where there is no terminal, ``subject`` its summary, ``lines`` those of the text log.
    """

    inputs: str
    outputs: str
    since: datetime
    until: date | None
    code: int
    text: str
    subject: str
    lines: list[tuple[str, str]]

    def holds(self, now: datetime) -> bool:
        """Whether time alone has changed nothing."""
        return self.since <= now and (self.until is None or now.date() <= self.until)


@dataclass(frozen=True)
class FolderDigests:
    """The files of a workspace: those that people change, and those that a run writes. Equal digests, equal files."""

    inputs: str
    outputs: str

    @classmethod
    def of(cls, folders: Folders) -> FolderDigests:
        """Those of the files as they are now."""
        books, memory = folders.workbooks, folders.memory
        people: list[DigestLine] = [
            *_contract_files(folders),
            *(path for place in (folders.envois, folders.retours) for path in _tree(books, place)),
            *_files(books, [folders.memory / name for name in (*OUTBOXES, COLLECTED)]),
        ]
        own: list[DigestLine] = [
            *(path for place in (folders.consolidation, folders.constats) for path in _tree(books, place)),
            *_files(books, [memory / AS_PUBLISHED, memory / REQUESTS_FILE, memory / ANSWERED]),
            *((f"{name} {(memory / name).exists()}", None, False) for name in (JOURNAL, STAGING, BESIDES)),
        ]
        return cls(_digest(people), _digest(own))


@dataclass(frozen=True)
class UnchangedCheck:
    """One run's look at a workspace: the record that holds where nothing changed, else the files as it found them."""

    folders: Folders | None
    before: FolderDigests | None
    record: CachedRun | None

    def lasting(self, run: ConsolidationRun, now: datetime) -> tuple[FolderDigests, date | None] | None:
        """The files as they are after this run, begun at ``now``, and until when it would say the same again (``None``:
        always); nothing where another one might say something else.
        """
        if self.folders is None or self.before is None:
            return None
        after = FolderDigests.of(self.folders)
        published = (self.folders.consolidation / AS_PUBLISHED, self.folders.memory / AS_PUBLISHED)
        waiting = any((self.folders.memory / name).exists() for name in (STAGING, BESIDES))
        is_settled = self.before.inputs == after.inputs and not run.requests and not waiting
        if run.written:  # nobody typed in what it wrote, and it said nothing that it would not say again
            is_settled &= not run.notices and len({_stamp_alone(str(path)) for path in published}) == 1
        else:
            is_settled &= self.before == after
        if not is_settled or not says_the_same(run.consolidation, run.findings, now):
            return None
        return after, next_due(run.consolidation, now)

    def remember(self, run: ConsolidationRun, text: str, subject: str, code: int, now: datetime) -> None:
        """Keep what this run, begun at ``now``, would say again; nothing where another one might say something else."""
        lasting = self.lasting(run, now)
        if lasting is None or self.folders is None:
            return
        from tabellion.commands.run_lines import consolidation_lines, finding_lines

        after, until = lasting
        lines = [*finding_lines(run.notices), *consolidation_lines(run.consolidation, is_new=False)]
        record = CachedRun(after.inputs, after.outputs, now, until, code, text, subject, lines)
        content = {"version": _VERSION, **asdict(record)}
        with suppress(OSError):
            path = self.folders.memory / CACHE_FILE
            write_whole(path, json.dumps(content, ensure_ascii=False, default=str).encode())


def contract_digest(folders: Folders) -> str:
    """The digest of all that the contract is loaded from: equal digests, equal contracts, of the same decisions.

    What else :func:`tabellion.commands.source.load_source` may read, :class:`AnsweredRows`, says that it was asked.
    """
    last_accepted = folders.consolidation / KEPT / folders.contrat.name
    return _digest([*_contract_files(folders), *_files(folders.workbooks, [last_accepted])])


def _contract_files(folders: Folders) -> Iterator[DigestLine]:
    """What the contract is loaded from, and the program; of the registers put aside, that they are there."""
    yield from _files(folders.root, [folders.root / "tabellion.toml", *sorted(folders.workbooks.glob("*.xlsx"))])
    for place in (folders.root / "schemas", folders.templates):
        yield from _tree(folders.root, place)
    yield from _tree(folders.workbooks, folders.registre)
    yield from ((path.name, None, False) for path in sorted(folders.archives.glob(f"{folders.registre.name} *")))
    yield f"{folders.root} {__version__} {sys.version} {program_digest()}", None, False


def says_the_same(consolidation: Consolidation, findings: Iterable[Finding], now: datetime) -> bool:
    """Whether the same files would say the same, made again after ``now``: nothing was late or out of reach, and no
    file says that it was saved later.
    """
    received = [*consolidation.strays, *(file for line in consolidation.board for file in line.received)]
    is_passing = any(item.code.startswith(PASSING) for item in findings)
    return not is_passing and not any(file.saved is not None and file.saved > now for file in received)


def next_due(consolidation: Consolidation, now: datetime) -> date | None:
    """The next day after which partners are late; ``None`` where there is none."""
    dues = {*consolidation.contract.settings.dates_limites.values(), *(line.due for line in consolidation.board)}
    return min((due for due in dues if due is not None and due >= now.date()), default=None)


@contextmanager
def check_unchanged(start: Path, purpose: str, now: datetime, *, is_wanted: bool) -> Iterator[UnchangedCheck]:
    """Look at the workspace of ``start``; where its record holds, nobody else runs on it before the block is left.

    Where ``is_wanted`` is false, a record would not say all that is asked for: none is given.
    """
    root = find_root(start)
    if root is None:
        yield UnchangedCheck(None, None, None)
        return
    folders = Folders(root)
    record = read_stored(folders.memory / CACHE_FILE, _run_of) if is_wanted else None
    with ExitStack() as alone:
        if record is not None and record.holds(now):
            try:
                alone.enter_context(hold(folders.memory, purpose, now))
            except TabellionError:  # whoever holds it may be changing something
                record = None
        else:
            record = None
        before = FolderDigests.of(folders)
        if record is not None and before != FolderDigests(record.inputs, record.outputs):
            record = None
            alone.close()  # the run that is made takes the workspace itself
        yield UnchangedCheck(folders, before, record)


def _run_of(content: Json) -> CachedRun | None:
    if content.pop("version") != _VERSION:
        return None
    content["since"] = datetime.fromisoformat(content["since"])
    content["until"] = content["until"] and date.fromisoformat(content["until"])
    content["lines"] = [(str(kind), str(text)) for kind, text in content["lines"]]
    return CachedRun(**content)


def _digest(entries: Iterable[DigestLine]) -> str:
    """The digest of entries and of the stamps of their files; only of one that hangs, it is that it does."""
    lines = look_at_each(entries, _with_stamp, _with_stamp_alone, PATIENCE.seconds)
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()


def _tree(root: Path, folder: Path) -> Iterator[DigestLine]:
    """Every file and folder inside a folder, by name; links to folders are not followed."""
    try:
        entries = sorted(os.scandir(os.fspath(folder)), key=attrgetter("name"))
    except OSError as error:
        yield f"{folder.relative_to(root).as_posix()} {error.errno}", None, False
        return
    prefix = folder.relative_to(root).as_posix()
    for entry in entries:
        name = f"{prefix}/{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            yield f"{name}/", None, False
            if entry.name != HISTORY:  # earlier consolidations, which no run reads
                yield from _tree(root, folder / entry.name)
        else:
            yield name, entry.path, entry.is_file(follow_symlinks=False)


def _files(root: Path, paths: Iterable[Path]) -> Iterator[DigestLine]:
    return ((path.relative_to(root).as_posix(), str(path), False) for path in paths)


def _with_stamp(entry: DigestLine) -> str:
    name, path, is_regular = entry
    return name if path is None else f"{name} {_stamp(path, is_regular=is_regular)}"


def _with_stamp_alone(entry: DigestLine) -> str:
    name, path, _ = entry
    return name if path is None else f"{name} {_stamp_alone(path)}"


def _stamp_alone(path: str) -> str:
    """The stamp of a file that may not answer."""
    try:
        return PATIENCE.wait(Path(path), partial(_stamp, path))
    except TimeoutError as error:
        return str(error.errno)


def _stamp(path: str, *, is_regular: bool = False) -> str:
    """What tells the content of a file, or how reading it fails: of a workbook its end, which lists its parts."""
    try:
        if path[-len(_WORKBOOK) :].lower() == _WORKBOOK:
            size, end = size_and_end(path, is_regular=is_regular)
            return f"{size}-{end}"
        return hashlib.sha256(_content(Path(path))).hexdigest()
    except OSError as error:
        return str(error.errno)


def _content(path: Path) -> bytes:
    with open_regular(path) as file:
        return file.readall()
