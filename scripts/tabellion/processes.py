"""Child processes: how they are started, whichever pool asks for them, and how many there may be.

Children are started anew (``spawn``): forking a process that has threads, as pools do, may copy a lock that nobody will
ever release.
"""

from __future__ import annotations

import os
import sys
import threading
from multiprocessing.context import SpawnContext, SpawnProcess
from types import ModuleType
from typing import Any

_MAIN_LOCK = threading.Lock()
_MOST = 8


def worker_count() -> int:
    """How many children work at once: one per processor, eight at most."""
    return max(1, min(_MOST, os.cpu_count() or 1))


class _Process(SpawnProcess):
    """A child that does not import the caller's main module.

    ``spawn`` imports it in every child, to find functions there; ours are elsewhere. Left alone, a script without
    ``if __name__ == "__main__"`` would start itself again in each child, and the command's own imports would load.
    """

    @staticmethod
    def _Popen(process_obj: Any) -> Any:  # noqa: N802 - multiprocessing's name
        with _MAIN_LOCK:
            main = sys.modules["__main__"]
            sys.modules["__main__"] = ModuleType("__main__")
            try:
                return SpawnProcess._Popen(process_obj)
            finally:
                sys.modules["__main__"] = main


class ChildContext(SpawnContext):
    """The way that all pools of this program start their children."""

    Process = _Process
