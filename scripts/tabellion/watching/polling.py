"""watchdog's polling with a cheap scan: an emitter that sweeps the workspace, at intervals or when it is nudged.

watchdog's own ``PollingEmitter`` takes other functions to list and to stat, but it stops for good when its folder is
away for a moment, compares times and inodes only, and costs more than twice as much.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from watchdog.events import FileModifiedEvent, FileSystemEventHandler
from watchdog.observers.api import BaseObserver, EventEmitter

#: After a nudge, time for its like to come: an unzip makes hundreds of folders.
_NUDGE_SECONDS = 0.2
#: A sweep that takes long, over a slow network, is followed by a rest of so many times its duration.
_REST = 10.0


class SweepEmitter(EventEmitter):
    """Says of every path that ``sweep()`` gives that it was modified; ``rest()`` is the seconds until the next one."""

    def __init__(
        self, *args: Any, sweep: Callable[[], Iterable[Path]], rest: Callable[[], float], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._sweep, self._rest = sweep, rest
        self._nudged = threading.Event()
        self._took = 0.0

    def nudge(self) -> None:
        """Sweep soon."""
        self._nudged.set()

    def on_thread_stop(self) -> None:
        """End the rest."""
        self._nudged.set()

    def queue_events(self, timeout: float) -> None:  # noqa: ARG002 - watchdog's signature
        """Rest, then sweep once."""
        self._nudged.wait(max(self._rest(), self._took * _REST))
        if self._stopped_event.wait(_NUDGE_SECONDS if self._nudged.is_set() else 0):
            return
        self._nudged.clear()
        start = time.monotonic()
        for path in self._sweep():
            self.queue_event(FileModifiedEvent(str(path)))
        self._took = time.monotonic() - start


class SweepObserver(BaseObserver):
    """A watchdog observer whose events come from sweeps."""

    def __init__(self, sweep: Callable[[], Iterable[Path]], rest: Callable[[], float]) -> None:
        super().__init__(partial(SweepEmitter, sweep=sweep, rest=rest))  # type: ignore[arg-type]

    def follow(self, handler: FileSystemEventHandler, folder: Path) -> None:
        """Start; the handler gets what the sweeps bring. ``folder`` only names the watch."""
        self.schedule(handler, str(folder))
        self.start()

    def nudge(self) -> None:
        """Sweep soon."""
        for each in list(self.emitters):
            if isinstance(each, SweepEmitter):
                each.nudge()
