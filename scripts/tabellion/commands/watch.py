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
from datetime import date, datetime
from pathlib import Path
from types import FrameType
from typing import Protocol

from tabellion.campaign.model import Consolidation
from tabellion.commands.consolidate import STAGING, ConsolidationRun, consolidate
from tabellion.commands.crash import keep_crash
from tabellion.contract.workspace import Workspace, find_workspace
from tabellion.findings import Finding, TabellionError
from tabellion.mail.notices import Notifier
from tabellion.transaction.lock import WATCHER, hold
from tabellion.transaction.transaction import is_place_free
from tabellion.watching.debounce import LONGEST_SECONDS, QUIET_SECONDS, Batch, Settler
from tabellion.watching.events import Event, Watcher
from tabellion.watching.filesystems import network_folder

#: How often the loop looks after its threads, the outputs that wait and the notices, in seconds. On Windows nothing
#: wakes it before, not even the order to stop.
_ROUND_SECONDS = 1.0
#: After a run that could not be made, how long until the next try, in seconds; it doubles, up to the second one.
_RETRY_SECONDS, _LONGEST_RETRY_SECONDS = 15.0, 900.0
#: The same second one where all is done but an output that the system alone keeps from its place.
_LONGEST_PLACE_SECONDS = 60.0
#: The folder of the crash files, in the workspace's memory.
ERRORS = "erreurs"


class Voice(Protocol):
    """How the watcher speaks: a board on a terminal, lines in a log."""

    def started(self, workspace: Workspace, *, polling: bool) -> None:
        """The watch begins."""

    def working(self, batch: Batch) -> None:
        """A settled change is about to be answered."""

    def answered(self, batch: Batch, night: ConsolidationRun, seconds: float) -> None:
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
        with loop.threads_watched(), Watcher(workspace, loop.hear, loop.notice, polling=polling) as watcher:
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
    errors: queue.SimpleQueue[Exception] = field(default_factory=queue.SimpleQueue)
    """What ended a thread."""
    retry_at: float | None = None
    retry_seconds: float = field(default_factory=lambda: _RETRY_SECONDS)
    free_since: float | None = None
    day: date = field(default_factory=date.today)
    """That of the last run that was made."""

    def __post_init__(self) -> None:
        self.notifier = Notifier(self.workspace.memory, on_said=lambda: self.heard.put(None))

    @contextmanager
    def threads_watched(self) -> Iterator[None]:
        """What ends a thread is a mistake of the program like any other, and not a traceback on the terminal."""

        def failed(about: threading.ExceptHookArgs) -> None:
            if isinstance(about.exc_value, Exception):
                self.errors.put(about.exc_value)
                self.heard.put(None)

        before, threading.excepthook = threading.excepthook, failed
        try:
            yield
        finally:
            threading.excepthook = before

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
        # What is only due waits for what is settling: a run in the middle of a save would find a file gone.
        if batch or (settler.when() is None and self.is_due(self.clock())):
            self.answer(watcher, batch)

    def is_due(self, now: float) -> bool:
        """Whether a run is to be made although nothing changed."""
        if self.retry_at is not None:
            return now >= self.retry_at
        # A new day makes returns late without anybody's doing.
        return date.today() != self.day or self.is_output_free(now)

    def listen(self, settler: Settler, *, is_away: bool) -> None:
        """Wait for something to be heard, but no longer than anything is due; take in all of it."""
        now = self.clock()
        until = now + _ROUND_SECONDS
        settles = settler.when()
        due = self.retry_at if settles is None else settles
        if due is not None and not is_away:  # nothing is due then
            until = min(until, due)
        wait = max(0.0, until - now)
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
        with suppress(queue.Empty):
            while True:
                errors.append(self.errors.get_nowait())
        for error in errors:
            self.crash(error)

    def is_output_free(self, now: float) -> bool:
        """Whether an output that waits beside its place, because somebody held it open, can take it now.

        Its place must have been free for a while: LibreOffice takes its owner file away for a moment when it begins to
        save, and what is put there then would be lost under what it saves.
        """
        if not self.is_place_free():
            self.free_since = None
        elif self.free_since is None:
            self.free_since = now
        return self.free_since is not None and now >= self.free_since + QUIET_SECONDS

    def is_place_free(self) -> bool:
        """Whether no owner file keeps an output that waits from its place, at this moment."""
        try:
            return is_place_free(self.workspace.workbooks, self.workspace.memory / STAGING, now=datetime.now())
        except OSError:  # the share went away just now
            return False

    def answer(self, watcher: Watcher, batch: Batch) -> None:
        """Run once; what goes wrong is said, and tried again later."""
        if not watcher.is_present():  # a run would make its folders anew, in the way of the share that comes back
            self.wait_for_folders(watcher)
            return
        started, today = self.clock(), date.today()
        self.voice.working(batch)
        try:
            # What people change in the settings, the schemas and the templates counts from the next run on.
            workspace = find_workspace(self.workspace.root)
            night = consolidate(
                workspace, datetime.now(), purpose="tabellion watch", is_present=watcher.is_present
            )  # fmt: skip
            self.voice.answered(batch, night, self.clock() - started)
            self.tell(workspace, night.consolidation, batch)
            self.plan(batch, today)
        except TabellionError as error:
            if all(each.code == "dossier-disparu" for each in error.findings):
                self.wait_for_folders(watcher)
                return
            self.voice.refused(error.findings)
            self.try_again()
        except Exception as error:
            self.crash(error)
            self.try_again()

    def plan(self, batch: Batch, day: date) -> None:
        """Say when, after a run that was made on this ``day``, another one is due of itself."""
        self.retry_at, self.day = None, day
        if self.is_place_free():  # it was not taken: the system refuses, and nothing but trying tells how long
            self.try_again(_LONGEST_PLACE_SECONDS)
        else:
            self.retry_seconds = _RETRY_SECONDS
        if batch.unfinished:  # what is never finished is to be told all the same
            until = self.clock() + LONGEST_SECONDS
            self.retry_at = until if self.retry_at is None else min(until, self.retry_at)

    def tell(self, workspace: Workspace, consolidation: Consolidation, batch: Batch) -> None:
        """Have the notices sent, except while a file is still being written: it is not yet what it will be."""
        if not batch.unfinished:
            self.notifier.tell(workspace, consolidation)

    def wait_for_folders(self, watcher: Watcher) -> None:
        """Run as soon as the folders are back; the watcher says that they are away, once it is sure."""
        watcher.nudge()
        self.retry_at = self.clock() + _ROUND_SECONDS

    def try_again(self, longest_seconds: float | None = None) -> None:
        longest = _LONGEST_RETRY_SECONDS if longest_seconds is None else longest_seconds
        self.retry_at = self.clock() + min(self.retry_seconds, longest)
        self.retry_seconds = min(2 * self.retry_seconds, longest)

    def crash(self, error: Exception) -> None:
        memory = self.workspace.memory
        # Where the workspace is away nothing is made in its place: the machine's temporary folder will do.
        self.voice.crashed(error, keep_crash(error, memory / ERRORS if memory.is_dir() else None))
