"""The watcher of a workspace: the system's events (watchdog) and the clock say when to look, the debounce what changed.

An event only asks for a look: what it says of a file is not believed. All looks are taken in one thread, since a share
that does not answer may hang it.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

from watchdog.events import FileSystemEvent, FileSystemEventHandler

from tabellion.campaign.folder import counts
from tabellion.contract.workspace import Workspace
from tabellion.findings import Finding, Place, finding
from tabellion.watching.debounce import QUIET_SECONDS, Batch, Debounce
from tabellion.watching.folder_observer import STOP_SECONDS, FolderObserver, refusal_words
from tabellion.watching.snapshot import FolderId, take_snapshot

if TYPE_CHECKING:
    pass

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
#: After a restart, the next one is not before so many seconds, and twice as many when it does not last for so many
#: times that long.
_RESTART_SECONDS, _LONGEST_RESTART_SECONDS, _CALM = 0.5, 900.0, 10.0


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
        self._restart_at, self._restart_seconds = -inf, _RESTART_SECONDS
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
        ending.join(STOP_SECONDS)

    def _end(self) -> None:
        self._stopped.set()
        self._wake.set()
        self._stop_observing()
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)

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
    def is_pending(self) -> bool:
        """Whether a change that holds up the others is not over, or may have begun."""
        return self.is_looking or self.debounce.is_waiting

    @property
    def is_looking(self) -> bool:
        """Whether there is a look now, or one is asked for."""
        return self._wake.is_set() or self._is_looking

    def is_present(self) -> bool:
        """Whether the folders are there at this moment; looks at the disk."""
        return self.debounce.is_present()

    def look_soon(self) -> None:
        """Ask for a look."""
        self._wake.set()

    def dispatch(self, event: FileSystemEvent) -> None:
        """Called by watchdog, from its threads: something happened to a file or folder."""
        observer = self._observer
        for path in map(os.fsdecode, (event.src_path, event.dest_path)):
            path = observer.named(path) if observer is not None else path
            name = os.path.basename(path)  # noqa: PTH119
            if path and counts(name, is_folder=event.is_directory):
                self._events[path] = time.monotonic()
                self.look_soon()

    def tend(self) -> None:
        """Start again what died; to be called now and then. Does not look at the disk."""
        observer, thread, now = self._observer, self._thread, time.monotonic()
        if now < self._restart_at:
            return
        if observer is not None and not observer.is_sound() and not self._is_observer_broken:
            self._is_observer_broken = True
            self._say_restart(now)
        if thread is not None and not thread.is_alive() and not self._stopped.is_set():
            self._start_looking()
            self._say_restart(now)

    def _say_restart(self, now: float) -> None:
        """Say that something died and was started again; what dies at once again waits twice as long each time."""
        is_calm = now > self._restart_at + _CALM * self._restart_seconds
        self._restart_seconds = (
            _RESTART_SECONDS if is_calm else min(2 * self._restart_seconds, _LONGEST_RESTART_SECONDS)
        )
        self._restart_at = now + self._restart_seconds
        self._say(finding("surveillance-relancee", Place(str(self.workspace.root))))
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
        if self.debounce.is_pending and not self.is_away:
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
        if self.debounce.is_pending:
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
            if not os.path.islink(path):  # noqa: PTH114 - of what a link leads to the system tells elsewhere
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
        except (OSError, RuntimeError) as error:  # no thread can be started, or folders inside folders without end
            place = Place(str(self.workspace.root))
            self._poll(finding("surveillance-limitee", place, detail=refusal_words(error), every=self._every))

    def _poll(self, notice: Finding) -> None:
        self.is_polling = True
        self._stop_observing()
        self._say(notice)

    def _stop_observing(self) -> None:
        if self._observer is not None:
            self._observer.stop()
            self._observer = None
