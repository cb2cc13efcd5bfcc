"""The program's child processes, in tests: forks of one process that has imported already what they read files with.

Started anew, each would spend a third of a second on imports, which is more than it takes to read ten forms; the suite
starts thousands. All else is as the program does it: the pools, the pipes, the limits, what comes of a child that dies.
How children start by themselves is proved by the tests that run ``python -m tabellion`` (the README, the benchmarks,
``test_reading_attacks.py``).
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import sys
from functools import cache
from multiprocessing import forkserver
from multiprocessing.connection import Connection

from support.contracts import ROOT
from tabellion import processes
from tabellion.transaction.bounded import PATIENCE, Patience

#: What the children import to read a workbook, a form or a master.
_PRELOADED = ["tabellion.reading.reader", "tabellion.commands.validate", "support.children"]


@cache
def start_server() -> None:
    """Start the process that children are forks of, where there is none yet: forks of this process ask it too."""
    server, path = forkserver._forkserver, os.environ.get("PYTHONPATH")
    server.set_forkserver_preload(_PRELOADED)
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT / "scripts"), str(ROOT / "tests")])
    try:
        server.ensure_running()
    finally:
        os.environ.pop("PYTHONPATH")
        if path is not None:
            os.environ["PYTHONPATH"] = path
    # It is a child of this process alone: a fork that looked after it would take it for dead, and start its own.
    server.ensure_running = lambda: None  # type: ignore[method-assign]


class _Forked:
    """A child, as the program asks for it, that is a fork of the server."""

    def __init__(self) -> None:
        start_server()
        tasks, stdin = multiprocessing.Pipe(duplex=False)
        stdout, answers = multiprocessing.Pipe(duplex=False)
        context = multiprocessing.get_context("forkserver")
        self._process = context.Process(target=_serve, args=(tasks, answers), daemon=True)
        self._process.start()
        tasks.close()
        answers.close()
        self.stdin, self.stdout = (
            os.fdopen(os.dup(end.fileno()), mode) for end, mode in ((stdin, "wb"), (stdout, "rb"))
        )
        stdin.close()
        stdout.close()
        self.kill = self._process.kill

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self) -> int:
        self._process.join()
        return self._process.exitcode or 0


def _serve(tasks: Connection, answers: Connection) -> None:
    """What the fork does."""
    with os.fdopen(os.dup(tasks.fileno()), "rb") as stream:
        tasks.close()
        sys.path[:] = pickle.load(stream)
        processes.serve(stream, answers.fileno())


def install() -> None:
    """Let the program's pools of this process, and of its forks, start their children so, where there are forks."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return
    # The threads that look at files for this process are none of its forks'.
    os.register_at_fork(after_in_child=lambda: vars(PATIENCE).update(vars(Patience())))
    processes.start_process = _Forked
