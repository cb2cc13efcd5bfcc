"""watchdog on the folders of a workspace: which are watched, what is behind links, and where the system has no more."""

from __future__ import annotations

import errno
import os
import threading
import warnings
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from watchdog import events
from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.utils import BaseThread

from tabellion.contract.workspace import Workspace
from tabellion.watching.snapshot import FolderId, watched_folders
from tabellion.wording import system_reason

if TYPE_CHECKING:
    from watchdog.observers.api import BaseObserver, ObservedWatch

#: All of a stop takes less than two: the program has its own end to come to.
STOP_SECONDS = 0.5
#: Not what is opened or read: the program itself reads everything at each run.
_EVENTS: list[type[FileSystemEvent]] = [
    events.FileClosedEvent, events.FileMovedEvent, events.FileCreatedEvent, events.FileDeletedEvent,
    events.FileModifiedEvent, events.DirCreatedEvent, events.DirMovedEvent, events.DirDeletedEvent,
]  # fmt: skip
_LIMITS = {
    errno.ENOSPC: "la limite de dossiers suivis est atteinte",
    errno.EMFILE: "la limite de programmes qui suivent des dossiers, ou de fichiers ouverts, est atteinte",
    errno.ENFILE: "la limite de fichiers ouverts est atteinte",
    errno.ENOMEM: "la mémoire du système est épuisée",
}


class FolderObserver:
    """watchdog's observer on the folders of a workspace, made again as they come, go and come back.

    Raises ``OSError`` where the system has no more to give.
    """

    def __init__(self, workspace: Workspace, handler: FileSystemEventHandler) -> None:
        self._handler = handler
        self._watches: dict[str, tuple[ObservedWatch, FolderId]] = {}
        self._real: dict[str, str] = {}
        self._above = str(workspace.root.absolute().parent)
        self._inside: set[str] = set()
        self._wanted = {str(folder): False for folder in (workspace.root, workspace.workbooks, workspace.consolidation)}
        self._wanted |= {str(folder): True for folder in watched_folders(workspace)}
        # Of folders that come and go faster than they can be watched watchdog warns, in English; no harm is done.
        warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"watchdog\.")
        others = set(threading.enumerate())
        self._observer: BaseObserver = Observer()
        self._observer.start()
        # On Linux one more thread reads inotify for all folders.
        self._threads = [new for new in set(threading.enumerate()) - others if isinstance(new, BaseThread)]

    def refresh(self, folders: Mapping[str, FolderId]) -> bool:
        """Watch the folders that are there now and were not, or are other ones of the same name; whether some were."""
        is_new = False
        alive = {emitter.watch for emitter in self._observer.emitters if emitter.is_alive()}
        for folder, recursive in self._wanted.items():
            watch, watched = self._watches.get(folder, (None, None))
            identity = folders.get(folder)
            if watch is not None and (watched != identity or watch not in alive):
                del self._watches[folder]
                with suppress(KeyError):
                    self._observer.unschedule(watch)
                watch = None
            if watch is None and identity is not None:
                is_new = True
                with suppress(FileNotFoundError, NotADirectoryError):  # gone just now
                    # The system tells nothing of what is behind a link.
                    real = os.path.realpath(folder) if os.path.islink(folder) else folder  # noqa: PTH114
                    self._real[real] = folder
                    watch = self._observer.schedule(self._handler, real, recursive=recursive, event_filter=_EVENTS)
                    self._watches[folder] = watch, identity
        inside = folders.keys() - self._wanted.keys()
        if inside - self._inside:
            self._check_limit()
        self._inside = inside
        return is_new

    def named(self, path: str) -> str:
        """A path that the system tells of, as it is named in the workspace, where a link leads to it."""
        for real, folder in self._real.items():
            if real != folder and (path == real or path.startswith(real + os.sep)):
                return folder + path[len(real) :]
        return path

    def _check_limit(self) -> None:
        """Find out whether the folders that came since can still be watched: watchdog says nothing where they cannot.

        One that nothing watches, the one above the workspace, is tried for a moment. Raises ``OSError`` at the limit.
        """
        try:
            watch = self._observer.schedule(FileSystemEventHandler(), self._above, event_filter=_EVENTS)
        except OSError as error:
            if error.errno in _LIMITS:
                raise
            return
        self._observer.unschedule(watch)

    def is_sound(self) -> bool:
        """Whether no thread ended that nothing stopped."""
        threads: list[BaseThread] = [*self._threads, *self._observer.emitters.copy()]
        return all(thread.is_alive() or not thread.should_keep_running() for thread in threads)

    def stop(self) -> None:
        """End all threads; none is waited for longer than a second."""
        with suppress(Exception):  # half dead, it may refuse anything
            self._observer.stop()
            self._observer.join(STOP_SECONDS)


def refusal_words(error: OSError | RuntimeError) -> str:
    """Why the system watches no more folders, in words."""
    if isinstance(error, OSError):
        return _LIMITS.get(error.errno or 0) or system_reason(error)
    if isinstance(error, RecursionError):
        return "des dossiers sont les uns dans les autres sur trop de niveaux"
    return "aucun fil d'exécution de plus ne peut être lancé"
