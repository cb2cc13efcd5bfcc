"""A change that is answered while it settles: the work is done during the quiet, and counts once that is over.

Waiting until a save is over takes longer than reading it. So a run may begin as soon as all that changed looks whole,
and is asked to wait before anything of it is put in place: what changes meanwhile makes it begin again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tabellion.contract.workspace import Workspace
from tabellion.findings import TabellionError
from tabellion.watching.debounce import Batch
from tabellion.watching.observer import Watcher

#: A change has been quiet for so much of the time that it takes to be over, when a run may begin.
QUIET_SHARE = 0.25
#: How long the end of a change is waited for at most, in times that it takes, and seconds between two looks at it.
_LONGEST, _LOOK_SECONDS = 3.0, 0.01


def is_only_read(path: Path, workspace: Workspace) -> bool:
    """Whether a file is one that all runs only read: no setting, schema, template or decision."""
    return path == workspace.contrat or workspace.retours in path.parents


class UnsettledError(TabellionError):
    """Something else changed: what was made of the change before is for nothing."""

    def __init__(self) -> None:
        super().__init__([])


@dataclass
class EarlyBatch:
    """A change that looks whole, and may not be over: ``batch`` is what it is so far, after so many ``moves`` of the
    debounce, but for what is no cause of a run (``causes`` leaves it out). ``is_over`` says that it was taken from the
    watcher; ``then`` is called with it.
    """

    watcher: Watcher
    moves: int
    batch: Batch
    causes: Callable[[Batch], Batch]
    then: Callable[[Batch], object]
    is_over: bool = False

    @classmethod
    def of(
        cls, watcher: Watcher, causes: Callable[[Batch], Batch], then: Callable[[Batch], object]
    ) -> EarlyBatch | None:
        """What the watcher waits for the end of, where it looks whole, and nothing is gone."""
        debounce, moves = watcher.debounce, watcher.debounce.moves
        if watcher.is_away or watcher.is_looking:
            return None
        if not (batch := debounce.likely_batch(QUIET_SHARE * debounce.quiet_seconds)):
            return None
        batch = causes(batch)
        return None if batch.removed else cls(watcher, moves, batch, causes, then)

    def check(self) -> None:
        """Raise :class:`UnsettledError` where anything has changed since, or may have."""
        if self.watcher.debounce.moves != self.moves:
            raise UnsettledError

    def is_present(self) -> bool:
        """Whether nothing has changed since, and the folders are there."""
        self.check()
        return self.watcher.is_present()

    def wait(self) -> None:
        """Wait until the change is over, and take it; raises as :meth:`check`."""
        until = time.monotonic() + _LONGEST * self.watcher.debounce.quiet_seconds
        while not self.is_over:
            self.check()
            if batch := self.watcher.take_batch():
                self.batch, self.is_over = self.causes(batch), True
                self.check()
                self.then(self.batch)
            elif time.monotonic() > until or not self.watcher.debounce.is_waiting:
                raise UnsettledError
            else:
                time.sleep(_LOOK_SECONDS)
