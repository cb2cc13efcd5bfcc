"""Files of others, looked at without ever waiting on them: a pipe, a placeholder of a cloud, a share that hangs."""

from __future__ import annotations

import errno
import os
import queue
import stat
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from io import FileIO
from itertools import islice
from pathlib import Path
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

#: A look at a file takes milliseconds, over a slow network a second.
LOOK_SECONDS = 5.0
_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
#: So many files are looked at in one go.
_AT_ONCE = 100
#: So many files that do not answer at once mean that their disk does not: no other one is asked until one does.
_MOST_HUNG = 3


class NotRegularError(OSError):
    """What is at a path is no regular file: nothing more will ever be written to it, and reading it may never end."""


def open_regular(path: Path) -> FileIO:
    """Open the regular file at ``path`` for reading, unbuffered. Raises ``OSError``, :class:`NotRegularError`."""
    return FileIO(open_descriptor(path)[0])


def open_descriptor(path: str | Path, *, is_regular: bool = False) -> tuple[int, int]:
    """A descriptor to read the regular file at ``path`` by, and its size in bytes; ``is_regular`` where its folder has
    just said that it is one. Raises as :func:`open_regular`.
    """
    # Before it is opened: that alone may wake a device.
    if not (is_regular or stat.S_ISREG(Path(path).stat().st_mode)):
        raise NotRegularError(errno.EINVAL, os.strerror(errno.EINVAL), str(path))
    descriptor = os.open(path, _FLAGS)
    state = os.fstat(descriptor)
    if not stat.S_ISREG(state.st_mode):  # it became something else meanwhile
        os.close(descriptor)
        raise NotRegularError(errno.EINVAL, os.strerror(errno.EINVAL), str(path))
    return descriptor, state.st_size


class _Worker:
    """A thread that does one thing after the other, until one of them hangs."""

    def __init__(self) -> None:
        self._tasks: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        threading.Thread(target=self._work, name="lecture", daemon=True).start()

    def _work(self) -> None:
        while True:
            self._tasks.get()()

    def start(self, task: Callable[[], None]) -> None:
        self._tasks.put(task)


class Patience:
    """Does what may hang in a thread that is left behind when it does."""

    def __init__(self, seconds: float = LOOK_SECONDS) -> None:
        self.seconds = seconds
        self._lock = threading.Lock()
        self._idle: list[_Worker] = []
        self._hung: set[Path] = set()

    def wait(self, path: Path, work: Callable[[], Result]) -> Result:
        """What ``work`` returns or raises; ``TimeoutError`` where ``path`` hangs, at once while it still hangs."""
        with self._lock:
            if path in self._hung or len(self._hung) >= _MOST_HUNG:
                raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT), str(path))
            worker = self._idle.pop() if self._idle else _Worker()
        answered = threading.Event()
        results, errors = list[Result](), list[BaseException]()

        def task() -> None:
            try:
                results.append(work())
            except BaseException as error:
                errors.append(error)
            with self._lock:
                self._hung.discard(path)
                self._idle.append(worker)
            answered.set()

        worker.start(task)
        if not answered.wait(self.seconds):
            with self._lock:
                if not answered.is_set():
                    self._hung.add(path)
            raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT), str(path))
        if errors:
            raise errors[0]
        return results[0]


PATIENCE = Patience()


def look_at_each(
    items: Iterable[Item], look: Callable[[Item], Result], alone: Callable[[Item], Result], seconds: float
) -> Iterator[Result]:
    """What ``look`` says of each of many files, a hundred at a time: to hand one to a thread that may hang takes longer
    than to look at it. Where they do not all answer within ``seconds``, ``alone`` is asked of each, and bears with it.

    Neither may raise ``TimeoutError``.
    """
    together, remaining, first = Patience(seconds), iter(items), 0
    while batch := list(islice(remaining, _AT_ONCE)):
        first += len(batch)
        try:
            yield from together.wait(Path(f"{first}"), partial(_each, look, batch))
        except TimeoutError:
            yield from map(alone, batch)


def _each(look: Callable[[Item], Result], batch: list[Item]) -> list[Result]:
    return [look(item) for item in batch]
