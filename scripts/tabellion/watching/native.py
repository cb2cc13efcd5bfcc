"""What the system tells of the workspace's folders (inotify, FSEvents, Windows), through watchdog.

All calls come from one thread, that of the sweeps: folders that are made, or made again, are watched from the next one.
"""

from __future__ import annotations

import os
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.utils import BaseThread

from tabellion.contract.workspace import Workspace
from tabellion.watching.filters import trees
from tabellion.watching.snapshot import Identity

if TYPE_CHECKING:
    from watchdog.observers.api import BaseObserver, ObservedWatch

#: Not what is opened or read: the program itself reads everything at each run.
_EVENTS: list[type[FileSystemEvent]] = [
    FileClosedEvent, FileMovedEvent, FileCreatedEvent, FileDeletedEvent, FileModifiedEvent,
    DirCreatedEvent, DirMovedEvent, DirDeletedEvent,
]  # fmt: skip


@dataclass(frozen=True)
class _Held:
    watch: ObservedWatch
    identity: Identity


class Native:
    """An observer of the system's events for a workspace. Raises ``OSError`` where the system has no more to give."""

    def __init__(self, workspace: Workspace, handler: FileSystemEventHandler) -> None:
        self._handler = handler
        self._held: dict[Path, _Held] = {}
        self._wanted = {
            workspace.root: False,
            workspace.workbooks: False,
            workspace.consolidation: False,
            workspace.constats: True,
            **dict.fromkeys(trees(workspace), True),
        }
        # Of folders that come and go faster than they can be watched watchdog warns, in English; no harm is done.
        warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"watchdog\.")
        self._observer: BaseObserver = Observer()
        self._observer.start()

    def refresh(self) -> bool:
        """Watch the folders that are there now and were not, or are other ones of the same name; whether some were.

        Raises ``OSError`` when the system refuses.
        """
        is_new = False
        alive = {each.watch for each in self._observer.emitters if each.is_alive()}
        for folder, recursive in self._wanted.items():
            identity = _identity(folder)
            held = self._held.get(folder)
            if held is not None and (held.identity != identity or held.watch not in alive):
                del self._held[folder]
                with suppress(KeyError):
                    self._observer.unschedule(held.watch)
                held = None
            if held is None and identity is not None:
                is_new = True
                with suppress(FileNotFoundError, NotADirectoryError):  # gone just now
                    watch = self._observer.schedule(
                        self._handler, str(folder), recursive=recursive, event_filter=_EVENTS
                    )
                    self._held[folder] = _Held(watch, identity)
        return is_new

    def is_sound(self) -> bool:
        """Whether no thread ended that nobody stopped."""
        threads: list[BaseThread] = [self._observer, *self._observer.emitters.copy()]
        # On Linux one more thread reads inotify for all of them; where watchdog has it otherwise, the sweeps tell.
        reader = getattr(self._observer, "_inotify_fd", None)
        threads += [reader] if isinstance(reader, BaseThread) else []
        return all(each.is_alive() or not each.should_keep_running() for each in threads) and self._observer.is_alive()

    def stop(self) -> None:
        """End all threads; none is waited for longer than a second."""
        with suppress(Exception):  # half dead, it may refuse anything
            self._observer.stop()
            self._observer.join(1.0)


def _identity(folder: Path) -> Identity | None:
    try:
        found = os.stat(folder)  # noqa: PTH116
    except OSError:
        return None
    return found.st_dev, found.st_ino
