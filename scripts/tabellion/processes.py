"""Child processes that do tasks for this one: how they start, how many there may be, and what ends them.

A child is a Python of its own, not a fork: forking a process that has threads may copy a lock that nobody will ever
release. It reads tasks from one pipe and answers on another, each pickled; it ends when its pipe does. Nothing here
loads :mod:`multiprocessing` or :mod:`asyncio`: they would cost a small run, and each of its children, more than the
work that they do.
"""

from __future__ import annotations

import gc
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from typing import IO, Any, NoReturn, Protocol, TypeAlias, cast

#: New objects between two searches for cycles. Python's own 700 cost a tenth of a run that makes a million objects, of
#: which nearly all live to its end.
_OBJECTS_BETWEEN_SEARCHES = 100_000


def collect_seldom() -> None:
    """Let Python look for cycles of dead objects seldom, and never again among those that are there already.

    Not for a child that reads files: the workbooks that it is done with are such cycles, of a hundred MiB in all.
    """
    gc.freeze()
    gc.set_threshold(_OBJECTS_BETWEEN_SEARCHES)


@contextmanager
def uncollected() -> Iterator[None]:
    """Without looking for garbage: of a thousand returns, a million values live until the end, and looking through them
    again and again finds nothing, nor does it afterwards: a process that goes on calls :func:`collect_run`.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.freeze()
            gc.enable()


def collect_run() -> None:
    """Let go of what a run has left, in a process that goes on."""
    gc.unfreeze()
    gc.collect()


_MOST = 8
#: Seconds between two looks at whether a parent is still there; the exit code of a child whose parent is not.
_LOOK_SECONDS, _ORPHANED = 0.1, 78
#: What a child runs: it finds its modules where this process does.
_CHILD = (
    "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer)\n"
    "from tabellion.processes import serve; serve(sys.stdin.buffer, 1)"
)
#: No window on Windows, where a program without a console would open one for each child.
_NO_WINDOW: int = getattr(subprocess, "CREATE_NO_WINDOW", 0)


_is_one_of_many = False


def worker_count() -> int:
    """How many children work at once: one per processor, eight at most; one where others like this share them."""
    return 1 if _is_one_of_many else max(1, min(_MOST, os.cpu_count() or 1))


def become_one_of_many() -> None:
    """Say that this process, a child, is one of as many as there are processors, and let it end when its parent does.

    A parent that is killed stops no child: what it goes on writing would meet whoever does its task again. Where the
    system cannot tell (Windows), the lock of the workspace alone keeps them apart.
    """
    global _is_one_of_many
    _is_one_of_many = True
    if sys.platform != "win32":
        threading.Thread(target=_end_with, args=(os.getppid(),), name="parent", daemon=True).start()


def _end_with(parent: int) -> None:
    """End this process once another one has taken the place of its parent."""
    while os.getppid() == parent:
        time.sleep(_LOOK_SECONDS)
    os._exit(_ORPHANED)


class ChildEndedError(Exception):
    """A child ended in the middle of a task: ``exit_code`` is negative for a signal, as :mod:`subprocess` has it."""

    def __init__(self, exit_code: int) -> None:
        super().__init__(f"exit code {exit_code}")
        self.exit_code = exit_code


class Process(Protocol):
    """What is needed of a child: its pipes, and how it ends."""

    stdin: IO[bytes]
    stdout: IO[bytes]

    def kill(self) -> None:
        """End it at once."""

    def poll(self) -> int | None:
        """Its exit code; ``None`` while it runs."""

    def wait(self) -> int:
        """Its exit code, once it has ended."""


def start_process() -> Process:
    """Start a child, which reads where its modules are, then does what :func:`serve` says."""
    command, pipe = [sys.executable, "-c", _CHILD], subprocess.PIPE
    return cast("Process", subprocess.Popen(command, stdin=pipe, stdout=pipe, creationflags=_NO_WINDOW))


_Task: TypeAlias = tuple[Future[Any], float, Callable[..., Any], tuple[object, ...]]
"""What is done with the answer, the longest that it may take in seconds, a function and its arguments."""


class Children:
    """At most ``count`` children, started as tasks come. Each is ``prepare``d first, and renewed after ``most`` tasks.

    What is asked of them, and what they answer, is pickled; a function is known by its name.
    """

    def __init__(self, count: int, prepare: Callable[[], object], most: int) -> None:
        self._count, self._prepare, self._most = count, prepare, most
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._running: set[Process] = set()
        self._lock = threading.Lock()
        self.is_open = True

    def start(self, seconds: float, function: Callable[..., Any], *args: object) -> Future[Any]:
        """Ask for ``function(*args)``. Its future raises what the function did; ``TimeoutError`` where it took longer
        than ``seconds`` once a child began it; :class:`ChildEndedError` where it ended its child.
        """
        future: Future[Any] = Future()
        with self._lock:
            if not self.is_open:
                raise RuntimeError("no task after the end")
            self._tasks.put((future, seconds, function, args))
            if len(self._threads) < self._count:
                thread = threading.Thread(target=self._work, name="enfant", daemon=True)
                self._threads.append(thread)
                thread.start()
        return future

    def close(self) -> None:
        """End all children at once; what they had not done is cancelled."""
        with self._lock:
            self.is_open = False
            for process in self._running:
                process.kill()
        for _ in self._threads:
            self._tasks.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        """Have one child after the other do tasks."""
        process, left = None, 0
        while (task := self._tasks.get()) is not None:
            future, seconds, function, args = task
            if not self.is_open or not future.set_running_or_notify_cancel():
                future.cancel()
                continue
            try:
                if process is None or not left or process.poll() is not None:
                    process, left = self._renewed(process), self._most
                    _exchange(process, sys.path, self._prepare)
                left -= 1
                answer = _ask(process, seconds, pickle.dumps((function, args)))
            except (TimeoutError, ChildEndedError) as error:
                left = 0
                future.set_exception(error)
            except Exception as error:  # the task cannot be pickled
                future.set_exception(error)
            else:
                _settle(future, answer)
        if process is not None:
            self._end(process)

    def _renewed(self, former: Process | None) -> Process:
        """A new child in the place of the former one."""
        if former is not None:
            self._end(former)
        process = start_process()
        with self._lock:
            self._running.add(process)
            if not self.is_open:
                process.kill()
        return process

    def _end(self, process: Process) -> None:
        with self._lock:
            self._running.discard(process)
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            with suppress(OSError):  # what was not sent never will be
                stream.close()


def _ask(process: Process, seconds: float, task: bytes) -> bytes:
    """What a child answers to a task."""
    is_late = False

    def end() -> None:
        nonlocal is_late
        is_late = True
        process.kill()

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        answer = _exchange(process, task)
    except ChildEndedError:
        if not is_late:
            raise
    finally:
        timer.cancel()
        timer.join()
    if is_late:
        raise TimeoutError
    return answer


def _exchange(process: Process, *messages: object) -> bytes:
    """Send messages to a child and wait for its answer; raises :class:`ChildEndedError`."""
    try:
        for message in messages:
            pickle.dump(message, process.stdin)
        process.stdin.flush()
        answer: bytes = pickle.load(process.stdout)
    except (OSError, EOFError, pickle.UnpicklingError):  # the last where it died in the middle of its answer
        process.kill()
        raise ChildEndedError(process.wait()) from None
    return answer


def _settle(future: Future[Any], answer: bytes) -> None:
    try:
        is_done, result = pickle.loads(answer)
    except Exception as error:  # what it answered cannot be brought back
        is_done, result = False, error
    if is_done:
        future.set_result(result)
    else:
        future.set_exception(result)


def serve(tasks: IO[bytes], output: int) -> NoReturn:
    """What a child does: it is prepared, says so, and does one task after the other until its pipe ends.

    ``output`` is the descriptor to answer on.
    """
    answers = os.fdopen(os.dup(output), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):  # what native code prints there, as its last words, is no answer
        os.dup2(nowhere, stream)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal interrupts all its processes; this one's parent decides
    with suppress(EOFError, OSError):
        prepare = pickle.load(tasks)
        prepare()
        answer = b""
        while True:
            pickle.dump(answer, answers)
            answers.flush()
            answer = _answer(pickle.load(tasks))
    os._exit(0)


def _answer(task: bytes) -> bytes:
    """Whether a task was done, and its result or what it raised."""
    try:
        function, args = pickle.loads(task)
        return pickle.dumps((True, function(*args)))
    except Exception as error:
        with suppress(Exception):
            return pickle.dumps((False, error))
        return pickle.dumps((False, RuntimeError(repr(error))))
