"""The program's child processes, in tests: forks of one process that has imported already what they read files with.

Started anew, each would spend a third of a second on imports, which is more than it takes to read ten forms; the suite
starts thousands. All else is as the program does it: the pools, the pipes, the limits, what comes of a child that dies.
How children start by themselves is proved by the tests that run ``python -m tabellion`` (the README, the benchmarks,
``test_reading_attacks.py``).
"""

from __future__ import annotations

import multiprocessing
import os
from functools import cache
from multiprocessing import forkserver, process
from typing import Any

from support.contracts import ROOT
from tabellion import processes
from tabellion.transaction.bounded import PATIENCE, Patience

#: What the children import to read a workbook, a form or a master, and to speak with their pool.
_PRELOADED = ["tabellion.reading.reader", "tabellion.campaign.parsed_return", "pebble.pool.process"]


@cache
def start_server() -> None:
    """Start the process that children are forks of, where there is none yet: forks of this process ask it too."""
    server, path = forkserver._forkserver, os.environ.get("PYTHONPATH")
    server.set_forkserver_preload(_PRELOADED)
    os.environ["PYTHONPATH"] = str(ROOT / "scripts")
    try:
        server.ensure_running()
    finally:
        os.environ.pop("PYTHONPATH")
        if path is not None:
            os.environ["PYTHONPATH"] = path
    # It is a child of this process alone: a fork that looked after it would take it for dead, and start its own.
    server.ensure_running = lambda: None  # type: ignore[method-assign]


def install() -> None:
    """Let the program's pools of this process, and of its forks, start their children so, where there are forks."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return
    # The threads that look at files for this process are none of its forks'.
    os.register_at_fork(after_in_child=lambda: vars(PATIENCE).update(vars(Patience())))
    from multiprocessing.context import ForkServerProcess

    class Process(ForkServerProcess):
        @staticmethod
        def _Popen(process_obj: process.BaseProcess) -> Any:  # noqa: N802 - multiprocessing's name
            start_server()
            return ForkServerProcess._Popen(process_obj)

    processes.SpawnProcess = Process  # type: ignore[misc,assignment,attr-defined]
