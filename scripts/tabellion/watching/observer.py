"""The watcher of a workspace: the system's events (watchdog) and the clock say when to look, the debounce what changed.

An event only asks for a look: what it says of a file is not believed. All looks are taken in one thread, since a share
that does not answer may hang it.
"""

from __future__ import annotations

import errno
import os
import queue
import threading
import time
import warnings
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from watchdog import events
from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.utils import BaseThread

from tabellion.campaign.folder import counts
from tabellion.contract.workspace import Workspace
from tabellion.findings import Finding, Place, finding
from tabellion.watching.debounce import QUIET_SECONDS, Batch, Debounce
from tabellion.watching.snapshot import FolderId, take_snapshot, watched_folders
from tabellion.wording import system_reason

if TYPE_CHECKING:
    from watchdog.observers.api import BaseObserver, ObservedWatch

#: Seconds between two looks when nothing happens: where the system tells nothing, and where looks only make sure that
#: it told everything.
POLL_SECONDS, CHECK_SECONDS = 2.0, 30.0
#: Seconds from an event to the look that it asks for: its like come with it.
_EVENT_SECONDS = 0.1
#: A look that takes long, over a slow network, is followed by a rest of so many times its duration.
_REST = 10.0
#: What a look finds, the system may tell a moment later: watchdog itself keeps half of a move back for half a second.
_TELL_SECONDS = 1.5
#: So many times the system may leave a change untold; it is then not relied on any more.
_FORGIVEN = 1
_STOP_SECONDS = 1.0
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


class Watcher(FileSystemEventHandler):
    """Follows a workspace, in threads of its own. ``on_change`` is called from them when there may be
    something to take.

    While a main folder is away (see :func:`tabellion.watching.snapshot.missing_folder`) there are no changes; when it
    is back, those that were made meanwhile.
    """

    def __init__(
        self,
        workspace: Workspace,
        on_change: Callable[[], None],
        *,
        polling: bool = False,
        quiet_seconds: float = QUIET_SECONDS,
        poll_seconds: float = POLL_SECONDS,
        check_seconds: float = CHECK_SECONDS,
    ) -> None:
        self.workspace, self.is_polling = workspace, polling
        self.debounce = Debounce(workspace, quiet_seconds=quiet_seconds)
        self._on_change = on_change
        self._poll_seconds, self._check_seconds = poll_seconds, check_seconds
        self._every = f"{poll_seconds:g}".replace(".", ",")
        self._observer: FolderObserver | None = None
        self._thread: threading.Thread | None = None
        self._wake, self._stopped = threading.Event(), threading.Event()
        self._notices: queue.SimpleQueue[Finding] = queue.SimpleQueue()
        self._events: dict[str, float] = {}
        self._unreported: dict[str, float] = {}
        self._unreported_count = 0
        self._took = 0.0
        self._is_looking = self._is_observer_broken = self._is_absence_said = False

    def start(self) -> None:
        """Begin to watch: the next batches say what is not as it is now."""
        self._observe(take_snapshot(self.workspace).folders)
        self.debounce.look()
        self._start_looking()

    def stop(self) -> None:
        """End all threads; one that hangs on a share that does not answer is left behind after a second (it ends with
        the process)."""
        ending = threading.Thread(target=self._end, daemon=True)
        ending.start()
        ending.join(_STOP_SECONDS)

    def _end(self) -> None:
        self._stopped.set()
        self._wake.set()
        self._stop_observing()
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)

    def __enter__(self) -> Watcher:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def take_batch(self) -> Batch:
        """All changes that are over and were not taken yet."""
        return self.debounce.take_batch()

    def take_notices(self) -> list[Finding]:
        """What there is to say."""
        notices = []
        with suppress(queue.Empty):
            while True:
                notices.append(self._notices.get_nowait())
        return notices

    @property
    def is_away(self) -> bool:
        """Whether, at the last look, a main folder was away: nothing is to be run then."""
        return self.debounce.missing is not None

    @property
    def is_settling(self) -> bool:
        """Whether a change is not over, or may have begun."""
        return self._wake.is_set() or self._is_looking or self.debounce.is_settling

    def is_present(self) -> bool:
        """Whether the folders are there at this moment; looks at the disk."""
        return self.debounce.is_present()

    def look_soon(self) -> None:
        """Ask for a look."""
        self._wake.set()

    def dispatch(self, event: FileSystemEvent) -> None:
        """Called by watchdog, from its threads: something happened to a file or folder."""
        for path in map(os.fsdecode, (event.src_path, event.dest_path)):
            name = os.path.basename(path)  # noqa: PTH119
            if path and counts(name, is_folder=event.is_directory):
                self._events[path] = time.monotonic()
                self.look_soon()

    def tend(self) -> None:
        """Start again what died; to be called now and then. Does not look at the disk."""
        observer, thread = self._observer, self._thread
        if observer is not None and not observer.is_sound() and not self._is_observer_broken:
            self._is_observer_broken = True
            self._say(finding("surveillance-relancee", Place(str(self.workspace.root))))
            self.look_soon()
        if thread is not None and not thread.is_alive() and not self._stopped.is_set():
            self._say(finding("surveillance-relancee", Place(str(self.workspace.root))))
            self._start_looking()
            self.look_soon()

    def _say(self, notice: Finding) -> None:
        self._notices.put(notice)
        self._on_change()

    def _start_looking(self) -> None:
        self._thread = threading.Thread(target=self._look_again, name="surveillance", daemon=True)
        self._thread.start()

    # From here on, in the thread of the looks (and in that of ``start``, before it).

    def _look_again(self) -> None:
        """Look whenever an event, or the time, asks for it."""
        while True:
            self._wake.wait(self._rest())
            if self._wake.is_set():
                self._stopped.wait(min(max(_EVENT_SECONDS, _REST * self._took), self.debounce.quiet_seconds / 2))
            if self._stopped.is_set():
                return
            self._is_looking = True
            self._wake.clear()
            self._look()
            self._is_looking = False

    def _rest(self) -> float:
        """Seconds until the next look, where no event asks for it."""
        if self.debounce.is_settling and not self.is_away:
            return max(self.debounce.pause(), self._took)
        return max(self._poll_seconds if self.is_polling or self.is_away else self._check_seconds, _REST * self._took)

    def _look(self) -> None:
        start, was_away = time.monotonic(), self.is_away
        events, self._events = self._events, {}
        changed = self.debounce.look(events)
        self._say_absence(was_away=was_away)
        if not self.is_polling:
            self._check_observer(changed, events, is_believed=not was_away and not self.is_away)
            self._observe(self.debounce.folders)
        if self.debounce.is_settling:
            self._on_change()
        self._took = time.monotonic() - start

    def _say_absence(self, *, was_away: bool) -> None:
        """Say that a folder is away once it was twice, and that it is back if that was said: an editor that saves
        ``tabellion.toml`` takes it away for a moment."""
        missing = self.debounce.missing
        if missing is not None and was_away and not self._is_absence_said:
            self._is_absence_said = True
            name = Path(missing.path).name
            self._say(finding("dossier-disparu", Place(missing.path), valeur=name, detail=missing.detail))
        elif missing is None and self._is_absence_said:
            self._is_absence_said = False
            self._say(finding("dossier-revenu", Place(str(self.workspace.root))))

    def _check_observer(self, changed: set[str], events: Collection[str], *, is_believed: bool) -> None:
        """Find out whether the system tells nothing of some folders, as of file systems that it does not control."""
        now = time.monotonic()
        if not is_believed:
            self._unreported.clear()
            return
        for path in changed:
            self._unreported.setdefault(path, now)
        for path in list(self._unreported):
            if path in events or any(str(parent) in events for parent in Path(path).parents):
                del self._unreported[path]
        missed = [path for path, since in self._unreported.items() if now - since >= _TELL_SECONDS]
        if missed:
            self._unreported.clear()
            self._unreported_count += 1
            self._is_observer_broken = True
            if self._unreported_count > _FORGIVEN:
                place = Place(missed[0])
                self._poll(finding("surveillance-sourde", place, valeur=Path(missed[0]).name, every=self._every))

    def _observe(self, folders: Mapping[str, FolderId]) -> None:
        """Let the system tell of every folder that is there; where it cannot, poll."""
        if self._is_observer_broken:
            self._stop_observing()
        self._is_observer_broken = False
        if self.is_polling or self._stopped.is_set():
            return
        try:
            if self._observer is None:
                self._observer = FolderObserver(self.workspace, self)
            if self._observer.refresh(folders):
                self._unreported.clear()
                self.look_soon()
        except (OSError, RuntimeError) as error:  # no thread can be started
            place = Place(str(self.workspace.root))
            self._poll(finding("surveillance-limitee", place, detail=_refusal(error), every=self._every))

    def _poll(self, notice: Finding) -> None:
        self.is_polling = True
        self._stop_observing()
        self._say(notice)

    def _stop_observing(self) -> None:
        if self._observer is not None:
            self._observer.stop()
            self._observer = None


class FolderObserver:
    """watchdog's observer on the folders of a workspace, made again as they come, go and come back.

    Raises ``OSError`` where the system has no more to give.
    """

    def __init__(self, workspace: Workspace, handler: FileSystemEventHandler) -> None:
        self._handler = handler
        self._watches: dict[str, tuple[ObservedWatch, FolderId]] = {}
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
                    watch = self._observer.schedule(self._handler, folder, recursive=recursive, event_filter=_EVENTS)
                    self._watches[folder] = watch, identity
        return is_new

    def is_sound(self) -> bool:
        """Whether no thread ended that nothing stopped."""
        threads: list[BaseThread] = [*self._threads, *self._observer.emitters.copy()]
        return all(thread.is_alive() or not thread.should_keep_running() for thread in threads)

    def stop(self) -> None:
        """End all threads; none is waited for longer than a second."""
        with suppress(Exception):  # half dead, it may refuse anything
            self._observer.stop()
            self._observer.join(_STOP_SECONDS)


def _refusal(error: OSError | RuntimeError) -> str:
    if isinstance(error, OSError):
        return _LIMITS.get(error.errno or 0) or system_reason(error)
    return "aucun fil d'exécution de plus ne peut être lancé"
