"""Child processes that read files: a file that kills its reader, or never ends, costs one refusal and nothing else.

A child has a memory limit where the system offers one, a time limit per file, and no console: native code that aborts
would write its English last words there. Children are started anew (``spawn``): forking a process that has threads, as
the pool does, may copy a lock that nobody will ever release.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress
from pathlib import Path
from typing import Any

from pebble import ProcessExpired, ProcessFuture, ProcessPool

from tabellion.findings import Finding, TabellionError
from tabellion.processes import ChildContext
from tabellion.reading.limits import LIMITS, MIB, Limits, refusal
from tabellion.reading.raw import RawWorkbook

Outcome = Any
"""What one file gives: the findings that refuse it (a tuple), else the workbook, or what was made of it."""

Then = Callable[[RawWorkbook], Any]
"""What a child makes of a workbook before it hands it back: picklable, and its result too."""

_then: Then | None = None

_FILES_PER_CHILD = 500
"""A child is renewed after that many files: whatever native code leaked goes with it."""


def read_path(path: str, only: Callable[[str], bool] | None, limits: Limits, then: Then | None) -> Outcome:
    """What the child maps: read one file and parse it, then do ``then``, or what the child was prepared to do.

    Every failure comes back as findings, never as an exception.
    """
    from tabellion.reading.parser import parse_bytes
    from tabellion.reading.source import read_source

    fichier = Path(path).name
    try:
        workbook = parse_bytes(read_source(Path(path), limits), fichier, only, limits)
        then = then or _then
        return workbook if then is None else then(workbook)
    except TabellionError as error:
        return _in_file(error, fichier)
    except MemoryError:
        return _in_file(refusal("lecture-memoire", attendu=limits.memory_bytes // MIB), fichier)
    except Exception as error:  # a mistake of ours, met on a file that nobody foresaw: it must not stop the others
        raison = f"{type(error).__name__} : {error}"[:200]
        return _in_file(refusal("lecture-interrompue", raison=raison), fichier)


def _in_file(error: TabellionError, fichier: str) -> tuple[Finding, ...]:
    return tuple(finding.in_file(fichier) for finding in error.findings)


def _prepare_child(memory_bytes: int, then: Then | None) -> None:
    """Runs first in each child: limits, silence, and what is to be made of the workbooks."""
    global _then
    _then = then
    with suppress(ImportError, OSError, ValueError):  # no such limits on Windows; a lower one may be in force
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        os.close(nowhere)


class Readers:
    """A pool of child processes that read files. Use it as a context manager, or :func:`shared_readers`."""

    def __init__(self, jobs: int, limits: Limits = LIMITS, then: Then | None = None) -> None:
        self.jobs = jobs
        self.limits = limits
        self._pool = ProcessPool(
            max_workers=jobs,
            max_tasks=_FILES_PER_CHILD,
            initializer=_prepare_child,
            initargs=(limits.memory_bytes, then),
            context=ChildContext(),
        )

    def __enter__(self) -> Readers:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def usable(self) -> bool:
        """Whether the pool still takes files."""
        return bool(self._pool.active)

    def start(
        self, path: Path, only: Callable[[str], bool] | None = None, then: Then | None = None
    ) -> ProcessFuture[Outcome]:
        """Ask for one file; ``only`` must be picklable (a function of a module), and so must ``then``, which is sent
        with the file and replaces what the children were prepared to do. See :meth:`outcome`."""
        absolute = os.path.abspath(path)  # noqa: PTH100 - links stay, so that their own name is the one reported
        arguments = (absolute, only, self.limits, then)
        return self._pool.schedule(read_path, args=arguments, timeout=self.limits.read_seconds)

    def outcome(self, future: ProcessFuture[Outcome], path: Path) -> Outcome:
        """Wait for one file: at most the time limit once it has started. Never raises for what the file did."""
        try:
            return future.result()
        except FutureTimeoutError:
            error = refusal("lecture-delai", attendu=round(self.limits.read_seconds, 1))
        except ProcessExpired as expired:
            error = refusal("lecture-interrompue", raison=_last_words(expired.exitcode))
        return _in_file(error, path.name)

    def close(self) -> None:
        """Stop the children at once."""
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()


def _last_words(exitcode: int | None) -> str:
    if exitcode == -6:
        return "mémoire refusée ou incohérence dans le contenu"
    return f"code {exitcode}"


_shared: Readers | None = None
_shared_by: int | None = None
_shared_lock = threading.Lock()


def shared_readers() -> Readers:
    """One long-lived child for single files, and a few: only the first read pays for its start."""
    global _shared, _shared_by
    with _shared_lock:
        if _shared is None or _shared_by != os.getpid() or not _shared.usable:
            _shared, _shared_by = Readers(1), os.getpid()
        return _shared


@atexit.register
def _close_shared() -> None:
    if _shared is not None and _shared_by == os.getpid():
        _shared.close()
