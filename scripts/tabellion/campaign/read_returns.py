"""Reading many returns: those that the journal remembers are not read again, the others are read on all cores.

Their rows are validated together against the schemas, in one pass however many files there are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from tabellion import __version__
from tabellion.addresses import cell_name
from tabellion.campaign.folder import FoundFile, look_at, size_and_end
from tabellion.campaign.journal import Journal
from tabellion.campaign.model import ReturnedRow
from tabellion.campaign.parsed_return import Examiner, ParsedReturn, digest_of, from_json, refused, to_json
from tabellion.checks.contract import check_returned_rows
from tabellion.contract.book import Book
from tabellion.contract.workspace import Settings, Workspace
from tabellion.findings import Finding, Json, Place, TabellionError, finding
from tabellion.layout.forms import SealKey
from tabellion.layout.names import FORMAT_VERSION, IDENTITY, KIND_MASTER
from tabellion.program import program_digest
from tabellion.reading import RawWorkbook, read_workbooks
from tabellion.reading.hidden import read_identity
from tabellion.reading.reader import ReadOutcome, unforeseen
from tabellion.reading.references import References
from tabellion.reading.source import read_source
from tabellion.schema.tables import table_of
from tabellion.transaction.bounded import PATIENCE, look_at_each

#: Returns whose rows are validated, and remembered, together: enough to cost little, few enough to hold in memory.
BATCH = 200
#: Refusals that are not the file's own: another day may read it. What asked too much time or memory asks it again.
_PASSING = ("fichier-",)
#: So many files that came late are read again alone: beside others, a busy machine may have been the cause.
_READ_AGAIN = 3
_LATE = "lecture-delai"
#: Remembered of a return beside what it says: the digest of that.
_ANSWERS = "answers"
#: What a partner may do about a reference that leads nowhere.
_CHOOSE = "Choisissez une valeur de la liste de la cellule."
_FOREIGN = "c'est un classeur que tabellion n'a pas écrit"
#: What people send back instead of a form, by the kind that a workbook says it is.
_KINDS = {
    KIND_MASTER: "c'est le classeur du contrat",
    "consolidation": "c'est une consolidation",
    "detail": "c'est un classeur de détail de la consolidation",
    "annexe": "c'est une annexe budgétaire",
}

ReadProgress = Callable[[int, int], None]
"""Called with how many files are read, and how many there are."""


@dataclass
class KnownReturns:
    """What a process that stays on keeps of the returns that it read last, by size and end, under the fingerprint
    ``print_``: what the journal remembers of them, without making it again.
    """

    print_: str = ""
    returns: dict[str, ParsedReturn] = field(default_factory=dict)

    def of(self, print_: str, names: Collection[str], journal: Journal) -> dict[str, ParsedReturn]:
        """Those of these names that were read under this fingerprint; a journal that lost them remembers them again."""
        if print_ != self.print_:
            return {}
        known = {name: self.returns[name] for name in names if name in self.returns}
        lost = {name for _, name in journal.need([(print_, name) for name in known])}
        if lost:
            journal.keep_readings(print_, {name: _content(known[name]) for name in sorted(lost)})
        return known


@dataclass(frozen=True)
class ReadFile:
    """A file and what was read of it; ``stamp`` is its size and the digest of its end (``None``: not to be seen)."""

    source: FoundFile
    parsed: ParsedReturn
    stamp: tuple[int, str] | None


def fingerprint(workspace: Workspace, settings: Settings, known: References, key: SealKey | None = None) -> str:
    """What a reading depends on besides the file: the program, the schemas, the layout, the settings, the references.

    A change of any of them reads all files again.
    """
    parts = [__version__, str(FORMAT_VERSION), program_digest()]
    parts += [digest_of_folder(workspace.root / name, "*") for name in ("schemas", "templates")]
    return digest_of([*parts, repr(settings), repr(known), key.name if key is not None else ""])


def digest_of_folder(folder: Path, pattern: str) -> str:
    """The SHA-256 of the names and contents of the files of a folder that ``pattern`` names."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob(pattern)):
        with suppress(OSError):
            digest.update(path.name.encode("utf-8", "surrogateescape") + path.read_bytes())
    return digest.hexdigest()


def read_files(
    files: Sequence[FoundFile],
    examiner: Examiner,
    book: Book,
    journal: Journal,
    print_: str,
    progress: ReadProgress | None = None,
    kept: KnownReturns | None = None,
) -> list[ReadFile]:
    """What each file says, in their order. ``book`` is the contract that returns refer to. What is ``kept`` is not made
    again, and is then these files.
    """
    stamps = list(look_at_each((file.path for file in files), _stamp_at_once, _stamp, PATIENCE.seconds))
    names = [None if stamp is None else f"{stamp[1]}-{stamp[0]}" for stamp in stamps]
    parsed: dict[int, ParsedReturn] = {}
    wanted = dict.fromkeys(name for name in names if name is not None)  # a file and the copy kept of it are one
    kept = kept or KnownReturns()
    known = kept.of(print_, wanted, journal)
    remembered = journal.readings(print_, [name for name in wanted if name not in known])
    for stamp in [*remembered]:
        with suppress(KeyError, TypeError, ValueError):  # what the journal garbled is read again
            content = remembered.pop(stamp)
            known[stamp] = from_json(content)
            known[stamp].__dict__[_ANSWERS] = content[_ANSWERS]  # what it would work out of all rows
    parsed |= {number: known[name] for number, name in enumerate(names) if name in known}
    unread = [number for number in range(len(files)) if number not in parsed]
    first = {names[number] or f"{number}": number for number in reversed(unread)}
    unread = sorted(first.values())
    outcomes = read_workbooks((files[number].path for number in unread), then=examiner)
    if progress is not None:
        outcomes = _reported(outcomes, progress, len(parsed), len(parsed) + len(unread))
    numbered = zip(unread, outcomes, strict=True)
    while batch := dict(islice(numbered, BATCH)):
        late = [number for number, outcome in batch.items() if len(unread) > 1 and _is_late(outcome)]
        for number in late[:_READ_AGAIN]:
            batch[number] = next(read_workbooks([files[number].path], then=examiner))
        new = {number: _parsed(outcome, files[number].path) for number, outcome in batch.items()}
        for number, findings in check_rows_apart(new, book).items():
            new[number] = new[number].with_findings(findings)
        new = {number: parsed_return.packed() for number, parsed_return in new.items()}
        parsed |= new
        lasting = {
            name: parsed_return
            for number, parsed_return in new.items()
            if (name := names[number]) and _is_lasting(parsed_return) and _stamp(files[number].path) == stamps[number]
        }
        known |= lasting
        journal.keep_readings(print_, {name: _content(parsed) for name, parsed in lasting.items()})
    kept.print_, kept.returns = print_, known
    parsed |= {number: parsed[first[name]] for number, name in enumerate(names) if number not in parsed and name}
    return [ReadFile(file, parsed[number], stamps[number]) for number, file in enumerate(files)]


def _content(parsed: ParsedReturn) -> Json:
    """What the journal keeps of a return."""
    return to_json(parsed) | {_ANSWERS: parsed.answers}


def check_rows_apart(returns: Mapping[int, ParsedReturn], book: Book) -> dict[int, list[Finding]]:
    """What :func:`check_rows` says; a file that makes it fail is refused for that alone, and the others are checked."""
    try:
        return check_rows(returns, book)
    except TabellionError:
        raise
    except Exception as error:  # what nobody foresaw in one file must not stop the others
        if len(returns) == 1:
            return {number: list(unforeseen(error).findings) for number in returns}
    numbers = list(returns)
    halves = numbers[: len(numbers) // 2], numbers[len(numbers) // 2 :]
    return {
        number: findings
        for half in halves
        for number, findings in check_rows_apart({number: returns[number] for number in half}, book).items()
    }


def check_rows(returns: Mapping[int, ParsedReturn], book: Book) -> dict[int, list[Finding]]:
    """What the schemas say of the rows of returns, by their number in ``returns``.

    ``book`` is the contract that the rows refer to.
    """
    schemas, tables = book.schemas, dict(book.tables)
    rows: dict[str, list[tuple[int, ReturnedRow]]] = {spec.resource: [] for spec in schemas.forms}
    for number, parsed in returns.items():
        for row in parsed.rows:
            rows[row.table].append((number, row))
    if not any(rows.values()):
        return {}
    settled: dict[str, dict[str, set[int]]] = {}
    for resource, of_table in rows.items():
        tables[resource] = table_of(schemas[resource], [row.values for _, row in of_table])
        # what a row was sent with is no mistake of the partner's: the contract says it, or has given it up since
        answered: dict[str, list[int]] = {name: [] for name in schemas[resource].names}
        for position, (_, row) in enumerate(of_table):
            for name in row.values if row.is_new else row.before:
                answered[name].append(position)
        every = range(len(of_table))
        settled[resource] = {name: set(every).difference(positions) for name, positions in answered.items()}

    def locate(table: str, index: Any, field: str | None = None) -> Place:
        if table not in rows:
            return Place()
        number, row = rows[table][index]
        column = row.columns.get(field or "", 1)  # what the form itself implies has no cell: the first of the row
        return Place(str(number), row.sheet, cell_name(row.row, column))

    findings: dict[int, list[Finding]] = {}
    for item in check_returned_rows(replace(book, tables=tables, unknown=frozenset()), locate, settled):
        if item.place.fichier is not None:
            # the tables are the contract's, which a partner has not
            remedy = _CHOOSE if item.code == "reference-inconnue" else item.suggestion
            of_file = findings.setdefault(int(item.place.fichier), [])
            of_file.append(replace(item, suggestion=remedy))
    return findings


def _reported(outcomes: Iterator[object], progress: ReadProgress, done: int, total: int) -> Iterator[object]:
    """The same outcomes; ``progress`` is called for each, since a batch of them takes seconds."""
    for number, outcome in enumerate(outcomes, done + 1):
        progress(number, total)
        yield outcome


def _stamp(path: Path) -> tuple[int, str] | None:
    with suppress(OSError):  # reading it says why
        return look_at(path)
    return None


def _stamp_at_once(path: Path) -> tuple[int, str] | None:
    with suppress(OSError):
        return size_and_end(path)
    return None


def _parsed(outcome: Any, path: Path) -> ParsedReturn:
    """What reading a file came to; of what is no workbook, the digest of its content where it has one."""
    if isinstance(outcome, ParsedReturn):
        return outcome
    if isinstance(outcome, RawWorkbook):
        kind = read_identity(outcome.sheet(IDENTITY))[0].get("genre", "")
        foreign = finding("pas-un-formulaire", Place(), valeur=_KINDS.get(kind, _FOREIGN))
        return refused(outcome.sha256, [foreign], is_readable=True)
    unreadable = refused("", outcome, is_readable=False)
    with suppress(OSError, TabellionError):
        content = PATIENCE.wait(path, lambda: read_source(path))
        return replace(unreadable, sha256=hashlib.sha256(content).hexdigest())
    return unreadable


def _is_late(outcome: ReadOutcome) -> bool:
    return isinstance(outcome, tuple) and any(finding.code == _LATE for finding in outcome)


def _is_lasting(parsed: ParsedReturn) -> bool:
    return parsed.is_readable or not any(finding.code.startswith(_PASSING) for finding in parsed.findings)
