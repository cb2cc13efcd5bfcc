"""Reading workbooks from outside: one at a time, or many by a pool of child processes."""

from __future__ import annotations

import pickle
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

from tabellion.findings import TabellionError
from tabellion.processes import worker_count
from tabellion.reading.limits import LIMITS, Limits
from tabellion.reading.raw import RawWorkbook
from tabellion.reading.worker import Outcome, Readers, Then, shared_readers

_AHEAD = 3
"""Files in hand per child: enough to keep it busy, few enough to hold few results in memory."""
_FEW = 6
"""Up to so many files, the one child that is there already is faster than new ones: starting them takes as long as
reading thirty returns."""


def read_workbook(path: Path, *, only: Callable[[str], bool] | None = None) -> RawWorkbook:
    """Read the workbook at ``path`` in a child process.

    ``only`` says by name which sheets are wanted (all by default); where it can be pickled, the others are not parsed.
    Raises ``TabellionError`` with the finding that refuses the file, whatever the file is or does.
    """
    in_child = only if _picklable(only) else None
    readers = shared_readers()
    outcome = readers.outcome(readers.start(path, in_child), path)
    if not isinstance(outcome, RawWorkbook):
        raise TabellionError(outcome)
    if only is not None and in_child is None:
        outcome.sheets = [sheet for sheet in outcome.sheets if only(sheet.name)]
    return outcome


def read_workbooks(
    paths: Iterable[Path], *, jobs: int | None = None, limits: Limits = LIMITS, then: Then | None = None
) -> Iterator[Outcome]:
    """Read many workbooks, ``jobs`` at a time (by default one per processor, eight at most), and give them in order.

    ``then`` is done to each in its child, and its result given in the workbook's place. A refused file gives the
    findings that refuse it (a tuple), in its turn; it costs the others nothing.
    """
    if jobs is None:
        jobs = worker_count()
    rest = iter(paths)
    first = list(islice(rest, max(jobs * _AHEAD, _FEW + 1)))
    if not first:
        return
    if len(first) <= _FEW and limits is LIMITS:
        readers = shared_readers()
        started = [(path, readers.start(path, then=then)) for path in first]
        yield from (readers.outcome(future, path) for path, future in started)
        return
    with Readers(min(jobs, len(first)), limits, then) as readers:
        waiting = deque((path, readers.start(path)) for path in first)
        while waiting:
            path, future = waiting.popleft()
            outcome = readers.outcome(future, path)
            waiting.extend((following, readers.start(following)) for following in islice(rest, 1))
            yield outcome


def _picklable(only: Callable[[str], bool] | None) -> bool:
    """Whether a child can find ``only`` by its name: not so for a lambda, nor for a function of the main script."""
    if getattr(only, "__module__", None) == "__main__":
        return False
    try:
        pickle.dumps(only)
    except (pickle.PicklingError, AttributeError, TypeError):
        return False
    return True
