"""``tabellion watch``: stays on, and answers every settled change with a consolidation.

One loop: wait until something is heard or due, let it settle, run, say. Whatever happens in a run, the loop goes on.
"""

from __future__ import annotations

import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Protocol

from tabellion.campaign.lock import WATCHER, hold
from tabellion.campaign.model import Consolidation
from tabellion.commands.consolidate import STAGING, Night, consolidate
from tabellion.commands.crash import keep_crash
from tabellion.findings import Finding, TabellionError
from tabellion.outputs.publication import is_place_free
from tabellion.watch.events import Event, Watcher
from tabellion.watch.filesystems import network_folder
from tabellion.watch.notices import Notifier
from tabellion.watch.settling import QUIET_SECONDS, Batch, Settler
from tabellion.workspace import Workspace, find_workspace

#: How often the loop looks after its threads, the outputs that wait and the notices, in seconds.
_ROUND_SECONDS = 2.0
#: After a run that could not be made, how long until the next try, in seconds; it doubles, up to the second one.
_RETRY_SECONDS, _LONGEST_RETRY_SECONDS = 15.0, 900.0
#: The folder of the crash files, in the workspace's memory.
ERRORS = "erreurs"


class Voice(Protocol):
    """How the watcher speaks: a board on a terminal, lines in a log."""

    def started(self, workspace: Workspace, *, polling: bool) -> None:
        """The watch begins."""

    def working(self, batch: Batch) -> None:
        """A settled change is about to be answered."""

    def answered(self, batch: Batch, night: Night, seconds: float) -> None:
        """It is."""

    def noticed(self, findings: list[Finding]) -> None:
        """Something to say that is no run's: a share that went away, a mail that could not be sent."""

    def refused(self, findings: tuple[Finding, ...]) -> None:
        """A run could not be made."""

    def crashed(self, error: Exception, kept: Path | None) -> None:
        """A run, or a thread, met a mistake of the program; its details are in ``kept``."""


class Stopped(BaseException):
    """Somebody asked the watcher to end; raised wherever it is, since every write is whole or not at all."""


@contextmanager
def stoppable() -> Iterator[threading.Event]:
    """Turn the signals that end a program into :class:`Stopped`, once: the way out is not interrupted again.

    The event says that one came: raised where Python lets nothing through (a destructor), :class:`Stopped` is lost.
    """
    names = ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        numbers.remove(signal.SIGHUP)  # ``nohup``: it is to outlive its terminal
    asked = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature of a handler
        for each in numbers:
            signal.signal(each, signal.SIG_IGN)
        asked.set()
        raise Stopped

    before = {each: signal.signal(each, stop) for each in numbers}
    try:
        yield asked
    except Stopped:
        pass
    finally:
        for each, handler in before.items():
            signal.signal(each, signal.SIG_DFL if handler is None else handler)


def watch(folder: Path, voice: Voice, *, poll: bool) -> None:
    """Watch the workspace of ``folder`` until a signal says to stop.

    Raises :class:`TabellionError` when the workspace cannot be opened, or another watcher is on it.
    """
    workspace = find_workspace(folder)
    with stoppable() as stop, hold(workspace.memory, "tabellion watch", datetime.now(), name=WATCHER):
        polling = poll or network_folder(workspace) is not None
        loop = _Loop(workspace, voice, stop)
        with Watcher(workspace, loop.hear, loop.notice, polling=polling) as watcher:
            voice.started(workspace, polling=watcher.is_polling)
            try:
                loop.run(watcher)
            finally:
                loop.notifier.stop()


@dataclass
class _Loop:
    """The state of the loop: what was heard and not yet answered, when to try again what failed."""

    workspace: Workspace
    voice: Voice
    stop: threading.Event = field(default_factory=threading.Event)
    clock: Callable[[], float] = time.monotonic
    heard: queue.SimpleQueue[Event | None] = field(default_factory=queue.SimpleQueue)
    notices: queue.SimpleQueue[Finding] = field(default_factory=queue.SimpleQueue)
    retry_at: float | None = None
    retry_seconds: float = field(default_factory=lambda: _RETRY_SECONDS)
    free_since: float | None = None

    def __post_init__(self) -> None:
        self.notifier = Notifier(self.workspace.memory, on_said=lambda: self.heard.put(None))

    def hear(self, event: Event) -> None:
        """Called from the watcher's threads."""
        self.heard.put(event)

    def notice(self, finding: Finding) -> None:
        """Called from the watcher's threads."""
        self.notices.put(finding)
        self.heard.put(None)

    def run(self, watcher: Watcher) -> None:
        """Catch up with what changed while nobody watched, then follow."""
        settler = Settler(watcher.known, is_present=watcher.is_present)
        self.answer(watcher, Batch())
        while not self.stop.is_set():
            try:
                self.follow(watcher, settler)
            except Exception as error:
                self.crash(error)
                self.try_again()
                time.sleep(_ROUND_SECONDS)  # whatever it is, it may be so at once again

    def follow(self, watcher: Watcher, settler: Settler) -> None:
        """Wait for what comes next, and answer it."""
        self.listen(settler, is_away=watcher.is_away)
        self.tend(watcher)
        if watcher.is_away:
            return  # what has settled meanwhile is answered when the folders are back: the settler keeps it
        batch = settler.due(self.clock())
        now = self.clock()
        is_due = self.retry_at is not None and now >= self.retry_at
        if batch or is_due or self.is_output_free(now):
            self.answer(watcher, batch)

    def listen(self, settler: Settler, *, is_away: bool) -> None:
        """Wait for something to be heard, but no longer than anything is due; take in all of it."""
        now = self.clock()
        times = [now + _ROUND_SECONDS]
        if not is_away:  # nothing is due then
            times += [each for each in (settler.when(), self.retry_at) if each is not None]
        wait = max(0.0, min(times) - now)
        with suppress(queue.Empty):
            self.take(self.heard.get(timeout=wait), settler)
            while True:
                self.take(self.heard.get_nowait(), settler)

    def take(self, event: Event | None, settler: Settler) -> None:
        if event is not None:
            settler.heard(event.moment, event.path, event.concern)

    def tend(self, watcher: Watcher) -> None:
        """Look after the threads, and say what they have to say."""
        watcher.tend()
        said = []
        with suppress(queue.Empty):
            while True:
                said.append(self.notices.get_nowait())
        findings, errors = self.notifier.take()
        if said or findings:
            self.voice.noticed([*said, *findings])
        for error in errors:
            self.crash(error)

    def is_output_free(self, now: float) -> bool:
        """Whether an output that waits beside its place, because somebody held it open, can take it now.

        Its place must have been free for a while: LibreOffice takes its owner file away for a moment when it begins to
        save, and what is put there then would be lost under what it saves.
        """
        if self.retry_at is not None and now < self.retry_at:
            return False
        try:
            is_free = is_place_free(self.workspace.workbooks, self.workspace.memory / STAGING, now=datetime.now())
        except OSError:  # the share went away just now
            is_free = False
        if not is_free:
            self.free_since = None
        elif self.free_since is None:
            self.free_since = now
        return self.free_since is not None and now >= self.free_since + QUIET_SECONDS

    def answer(self, watcher: Watcher, batch: Batch) -> None:
        """Run once; what goes wrong is said, and tried again later."""
        if not watcher.is_present():  # a run would make its folders anew, in the way of the share that comes back
            self.wait_for_folders(watcher)
            return
        started = self.clock()
        self.voice.working(batch)
        try:
            # What people change in the settings, the schemas and the templates counts from the next run on.
            workspace = find_workspace(self.workspace.root)
            night = consolidate(
                workspace, datetime.now(), purpose="tabellion watch", is_present=watcher.is_present
            )  # fmt: skip
            self.retry_at, self.retry_seconds = None, _RETRY_SECONDS
            self.voice.answered(batch, night, self.clock() - started)
            self.tell(workspace, night.consolidation, batch)
        except TabellionError as error:
            if all(each.code == "dossier-disparu" for each in error.findings):
                self.wait_for_folders(watcher)
                return
            self.voice.refused(error.findings)
            self.try_again()
        except Exception as error:
            self.crash(error)
            self.try_again()

    def tell(self, workspace: Workspace, consolidation: Consolidation, batch: Batch) -> None:
        """Have the notices sent, except while a file is still being written: it is not yet what it will be."""
        if not batch.unfinished:
            self.notifier.tell(workspace, consolidation)

    def wait_for_folders(self, watcher: Watcher) -> None:
        """Run as soon as the folders are back; the watcher says that they are away, once it is sure."""
        watcher.nudge()
        self.retry_at = self.clock() + _ROUND_SECONDS

    def try_again(self) -> None:
        self.retry_at = self.clock() + self.retry_seconds
        self.retry_seconds = min(2 * self.retry_seconds, _LONGEST_RETRY_SECONDS)

    def crash(self, error: Exception) -> None:
        memory = self.workspace.memory
        # Where the workspace is away nothing is made in its place: the machine's temporary folder will do.
        self.voice.crashed(error, keep_crash(error, memory / ERRORS if memory.is_dir() else None))
