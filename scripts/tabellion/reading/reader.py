"""Reading workbooks from outside in child processes: what kills or stalls its reader costs one refusal, no more.

A child has a memory limit (:mod:`tabellion.reading.memory_limit`), a time limit per file, and no console: native code
that aborts would write its English last words there (:mod:`tabellion.processes`).
"""

from __future__ import annotations

import atexit
import os
import pickle
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import nullcontext, suppress
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar, cast

from tabellion.findings import Finding, TabellionError
from tabellion.processes import ChildEndedError, Children, worker_count
from tabellion.reading.limits import LIMITS, MIB, Limits, refusal
from tabellion.reading.memory_limit import OUT_OF_MEMORY, limit_memory
from tabellion.reading.raw import RawWorkbook
from tabellion.wording import plural

ReadOutcome = Any
"""What one file gives: the findings that refuse it (a tuple), else the workbook, or what was made of it."""

Then = Callable[[RawWorkbook], object]
"""What a child makes of a workbook before it hands it back: picklable, and its result too."""

Read = Callable[[str, Limits], Any]
"""Another way to read a file: from its path, under limits; picklable, and its result too."""

Made = TypeVar("Made")

_FILES_PER_CHILD = 500
"""A child is renewed after that many files: whatever native code leaked goes with it."""
_AHEAD = 3
"""Files in hand per child: enough to keep it busy, few enough to hold few results in memory."""
_FEW = 25
"""Up to so many files, the one child that is there already is enough: starting another takes as long as it takes to
read ten returns."""


def read_workbook(path: Path) -> RawWorkbook:
    """Read the workbook at ``path`` in a child process.

    Raises ``TabellionError`` with the finding that refuses the file, whatever the file is or does.
    """
    return read_through(path, None)


def read_through(path: Path, then: Callable[[RawWorkbook], Made] | None) -> Made:
    """Read a workbook and do ``then`` to it, which is pickled, in a child process. Raises as :func:`read_workbook`."""
    readers = shared_readers()
    outcome = readers.outcome(readers.start(path, then), path)
    if isinstance(outcome, tuple):
        raise TabellionError(outcome)
    return cast("Made", outcome)


def read_workbooks(
    paths: Iterable[Path], *, jobs: int | None = None, limits: Limits = LIMITS, then: Then | None = None
) -> Iterator[ReadOutcome]:
    """Read many workbooks, ``jobs`` at a time (by default one per processor, eight at most), and give them in order.

    ``then`` is done to each in its child, and its result given in the workbook's place. A refused file gives the
    findings that refuse it (a tuple), in its turn; it costs the others nothing.
    """
    if jobs is None:
        jobs = worker_count()
    remaining = iter(paths)
    first = list(islice(remaining, max(jobs * _AHEAD, _FEW + 1)))
    if not first:
        return
    is_shared = limits is LIMITS and (len(first) <= _FEW or jobs == 1)
    with nullcontext(shared_readers()) if is_shared else ReaderPool(min(jobs, len(first)), limits, then) as readers:
        own = pickle.dumps(then) if is_shared and then is not None else None  # once, however many files
        waiting = deque((path, readers.start(path, own)) for path in first)
        while waiting:
            path, future = waiting.popleft()
            outcome = readers.outcome(future, path)
            waiting.extend((following, readers.start(following, own)) for following in islice(remaining, 1))
            yield outcome


class ReaderPool:
    """A pool of child processes that read files. Use it as a context manager, or :func:`shared_readers`."""

    def __init__(self, jobs: int, limits: Limits = LIMITS, then: Then | None = None) -> None:
        self.limits = limits
        self._children = Children(jobs, partial(_prepare_child, limits.memory_bytes, then), _FILES_PER_CHILD)

    def __enter__(self) -> ReaderPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def usable(self) -> bool:
        """Whether the pool still takes files."""
        return self._children.is_open

    def start(self, path: Path, then: Then | bytes | None = None, *, read: Read | None = None) -> Future[ReadOutcome]:
        """Ask for one file; ``then`` replaces what the children were prepared to do. See :meth:`outcome`.

        It may be pickled already. ``read`` takes the place of all that: what it makes of the path, under the limits, is
        the outcome.
        """
        absolute = os.path.abspath(path)  # noqa: PTH100 - links stay, so that their own name is the one reported
        return self._children.start(self.limits.read_seconds, read_path, absolute, self.limits, then, read)

    def outcome(self, future: Future[ReadOutcome], path: Path) -> ReadOutcome:
        """Wait for one file: at most the time limit once it has started. Never raises for what the file did."""
        try:
            return future.result()
        except TimeoutError:
            error = refusal("lecture-delai", attendu=round(self.limits.read_seconds, 1), ampleur=self.extent(path))
        except ChildEndedError as ended:
            error = self._ended(ended.exit_code, path)
        except Exception as failure:  # what a file made of a child cannot be brought back
            error = unforeseen(failure)
        return _in_file(error, path.name)

    def _ended(self, exit_code: int, path: Path) -> TabellionError:
        """The refusal of a file that ended its reader."""
        if exit_code == OUT_OF_MEMORY:
            return refusal("lecture-memoire", attendu=self.limits.memory_bytes // MIB, ampleur=self.extent(path))
        raison = "mémoire refusée ou incohérence dans le contenu" if exit_code == -6 else "le système l’a arrêté"
        return refusal("lecture-interrompue", raison=raison, ampleur=self.extent(path))

    def extent(self, path: Path) -> str:
        """In words, the sheet of a file that has most rows, once its reading failed; nothing where that fails too."""
        absolute = os.path.abspath(path)  # noqa: PTH100 - as in start
        asked = self._children.start(self.limits.read_seconds, extent_words, absolute, self.limits)
        with suppress(Exception):  # whatever the file does to its second reader, it is refused already
            return str(asked.result())
        return ""

    def close(self) -> None:
        """Stop the children at once."""
        self._children.close()


_shared: ReaderPool | None = None
_shared_by: int | None = None
_shared_lock = threading.Lock()


def shared_readers() -> ReaderPool:
    """One long-lived child for single files, and a few: only the first read pays for its start."""
    global _shared, _shared_by
    with _shared_lock:
        if _shared is None or _shared_by != os.getpid() or not _shared.usable:
            _shared, _shared_by = ReaderPool(1), os.getpid()
        return _shared


@atexit.register
def release_readers() -> None:
    """Stop the long-lived child, where it is there: what it read last may be most of a run's memory.

    The next file asks for a new one, which takes as long to start as it takes to read ten returns.
    """
    global _shared
    with _shared_lock:
        shared, _shared = _shared, None
    if shared is not None and _shared_by == os.getpid():
        shared.close()


# In the child

_then: Then | None = None


def _prepare_child(memory_bytes: int, then: Then | None) -> None:
    """Runs first in each child: its limit, and what is to be made of the workbooks."""
    global _then
    _then = then
    limit_memory(memory_bytes)


@lru_cache(maxsize=1)
def _unpickled(then: bytes) -> Then:
    return cast("Then", pickle.loads(then))  # noqa: S301 - of the process that started this one


def read_path(path: str, limits: Limits, then: Then | bytes | None, read: Read | None = None) -> ReadOutcome:
    """What the child maps: read one file and parse it, then do ``then``, or what the child was prepared to do.

    Where ``read`` is given, it alone is done.

    Every failure comes back as findings, never as an exception.
    """
    from tabellion.reading.source import read_source
    from tabellion.reading.workbook import parse_bytes

    fichier = Path(path).name
    try:
        if read is not None:
            return read(path, limits)
        workbook = parse_bytes(read_source(Path(path), limits), fichier, limits)
        made = _unpickled(then) if isinstance(then, bytes) else then or _then
        return workbook if made is None else made(workbook)
    except TabellionError as error:
        return _in_file(error, fichier)
    except MemoryError:
        words = extent_words(path, limits)
        return _in_file(refusal("lecture-memoire", attendu=limits.memory_bytes // MIB, ampleur=words), fichier)
    except Exception as error:  # a mistake of ours, met on a file that nobody foresaw: it must not stop the others
        return _in_file(unforeseen(error), fichier)


def extent_words(path: str, limits: Limits) -> str:
    """The sheet of a file that has most rows, in words that follow a refusal; nothing where it cannot be told."""
    from tabellion.reading.source import read_source
    from tabellion.reading.workbook import longest_sheet

    with suppress(TabellionError, MemoryError):
        name, rows = longest_sheet(read_source(Path(path), limits), limits)
        return f" ; sa feuille « {name} » a {plural(rows, 'ligne')}" if rows else ""
    return ""


def unforeseen(error: Exception) -> TabellionError:
    """The refusal of a file that met a mistake of the program; what Python says of it is for the JSON alone."""
    detail = f"{type(error).__name__}: {error}"[:200]
    return refusal("lecture-interrompue", valeur=detail, raison="une erreur imprévue du programme", ampleur="")


def _in_file(error: TabellionError, fichier: str) -> tuple[Finding, ...]:
    return tuple(finding.in_file(fichier) for finding in error.findings)
