"""``tabellion watch``: stays on, and answers every settled change with a consolidation.

One loop: wait until something is heard or due, let it settle, run, say. Whatever happens in a run, the loop goes on.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

from watchdog.utils import BaseThread

from tabellion.campaign.model import Consolidation, Verdict
from tabellion.commands.consolidate import ConsolidationRun, consolidate
from tabellion.commands.decided import has_news
from tabellion.commands.relever import CampaignPost
from tabellion.commands.requests import carry_out
from tabellion.commands.run_cache import RunCache
from tabellion.commands.run_log import keep_crash
from tabellion.commands.stopping import stoppable
from tabellion.contract.folders import STAGING
from tabellion.contract.workspace import Workspace, find_workspace
from tabellion.findings import TabellionError
from tabellion.layout.names import WORKBOOK
from tabellion.mail.delivery import Notifier
from tabellion.processes import collect_run, uncollected
from tabellion.transaction import is_place_free
from tabellion.transaction.lock import WATCHER, hold
from tabellion.transaction.manifest import digest as file_digest
from tabellion.watching.debounce import LONGEST_SECONDS, QUIET_SECONDS, Arriving, Batch
from tabellion.watching.early import QUIET_SHARE, EarlyBatch, UnsettledError, is_only_read
from tabellion.watching.observer import Watcher
from tabellion.watching.placed import PlacedOutputs
from tabellion.watching.snapshot import fingerprint, is_complete, network_folder

if TYPE_CHECKING:
    from tabellion.commands.watch_display import WatchDisplay

#: How often the loop looks after its threads, the outputs that wait and the notices, in seconds. On Windows nothing
#: wakes it before, not even the order to stop.
_ROUND_SECONDS = 1.0
#: After a run that could not be made, how long until the next try, in seconds; it doubles, up to the second one.
_RETRY_SECONDS, _LONGEST_RETRY_SECONDS = 15.0, 900.0
#: The same second one where all is done but an output that the system alone keeps from its place.
_LONGEST_PLACE_SECONDS = 60.0
#: A mistake that comes so many times its own pause after the last one is a new one.
_CALM = 10.0
#: The folder of the crash files, in the workspace's memory.
ERRORS = "erreurs"


def watch(folder: Path, display: WatchDisplay, *, poll: bool) -> None:
    """Watch the workspace of ``folder`` until a signal says to stop.

    Raises :class:`TabellionError` when the workspace cannot be opened, or another watcher is on it.
    """
    workspace = find_workspace(folder)
    with stoppable() as stop, hold(workspace.memory, "tabellion watch", datetime.now(), name=WATCHER):
        loop = WatchLoop(workspace, display, stop)
        polling = poll or network_folder(workspace) is not None
        with loop.threads_watched(), Watcher(workspace, loop.wake.set, polling=polling) as watcher:
            display.started(workspace, polling=watcher.is_polling)
            try:
                loop.run(watcher)
            finally:
                loop.notifier.stop()


@dataclass
class WatchLoop:
    """The state of the loop: when to try again what failed, what ended a thread. ``wake`` is set by all that happens;
    ``day`` is that of the last run that was made, ``own`` the SHA-256 of what runs wrote among their inputs.
    ``is_early_spent`` says that a run was begun on the change that settles, which had ``considered`` so many moves when
    it was last looked at for that."""

    workspace: Workspace
    display: WatchDisplay
    stop: threading.Event = field(default_factory=threading.Event)
    clock: Callable[[], float] = time.monotonic
    wake: threading.Event = field(default_factory=threading.Event)
    errors: queue.SimpleQueue[Exception] = field(default_factory=queue.SimpleQueue)
    retry_at: float | None = None
    retry_seconds: float = field(default_factory=lambda: _RETRY_SECONDS)
    rest_until: float = -inf
    rest_seconds: float = field(default_factory=lambda: _ROUND_SECONDS)
    free_since: float | None = None
    arriving: dict[Path, Arriving] = field(default_factory=dict)
    day: date = field(default_factory=date.today)
    own: dict[Path, str] = field(default_factory=dict)
    outputs: PlacedOutputs = field(default_factory=PlacedOutputs)
    is_early_spent: bool = False
    considered: int = -1
    cache: RunCache = field(default_factory=RunCache)

    def __post_init__(self) -> None:
        self.notifier = Notifier(self.workspace.memory, on_findings=self.wake.set, also=CampaignPost())

    @contextmanager
    def threads_watched(self) -> Iterator[None]:
        """What ends a thread is a mistake of the program like any other, and not a traceback on the terminal."""

        def failed(about: threading.ExceptHookArgs) -> None:
            if isinstance(about.exc_value, RecursionError) and isinstance(about.thread, BaseThread):
                return  # watchdog goes down into folders in calls: the watcher says that they are too deep
            if isinstance(about.exc_value, Exception):
                self.errors.put(about.exc_value)
                self.wake.set()

        before, threading.excepthook = threading.excepthook, failed
        try:
            yield
        finally:
            threading.excepthook = before

    def run(self, watcher: Watcher) -> None:
        """Catch up with what changed while nobody watched, then follow."""
        self.answer(watcher, Batch())
        while not self.stop.is_set():
            try:
                self.follow(watcher)
            except Exception as error:
                self.crash(error)
                self.try_again()
                self.rest()

    def rest(self) -> None:
        """Wait after a mistake, since it may be made at once again; twice as long where one follows another soon."""
        now = self.clock()
        is_calm = now > self.rest_until + _CALM * self.rest_seconds
        self.rest_seconds = _ROUND_SECONDS if is_calm else min(2 * self.rest_seconds, _LONGEST_RETRY_SECONDS)
        self.rest_until = now + self.rest_seconds
        time.sleep(self.rest_seconds)

    def follow(self, watcher: Watcher) -> None:
        """Wait for what comes next, and answer it."""
        self.wait(watcher)
        self.tend(watcher)
        if watcher.is_away:
            return  # what is over meanwhile is answered when the folders are back: the watcher keeps it
        if not watcher.is_pending:
            self.is_early_spent = False
        self.answer_early(watcher)
        batch = self.causes(watcher.take_batch())
        # What is only due waits for what is settling: a run in the middle of a save would find a file gone.
        if batch or (not watcher.is_pending and self.is_due(self.clock())):
            self.answer(watcher, batch)

    def answer_early(self, watcher: Watcher) -> None:
        """Begin to answer returns, or the workbook of the contract, while their save settles: once for each change."""
        if self.is_early_spent or watcher.debounce.moves == self.considered:
            return
        if (early := EarlyBatch.of(watcher, self.causes, self.display.working)) is not None:
            self.considered = early.moves
            if early.batch and all(is_only_read(path, self.workspace) for path in early.batch.changed):
                self.is_early_spent = True
                self.answer(watcher, early.batch, early)

    def causes(self, batch: Batch) -> Batch:
        """What of a batch a run has to answer: not what the runs themselves wrote, nor the consolidated workbook where
        nothing was decided in it.
        """
        workbook = self.workspace.workbooks / WORKBOOK
        changed = {path for path in batch.changed if self.own.get(path, "") != (file_digest(path) or "gone")}
        if workbook in changed and not has_news(self.workspace):
            changed.discard(workbook)
        return replace(batch, changed=frozenset(changed), removed=batch.removed - {workbook})

    def wait(self, watcher: Watcher) -> None:
        """Wait until something happens, but no longer than until a run is due."""
        now = self.clock()
        moments = [now + _ROUND_SECONDS]
        if watcher.is_pending and not self.is_early_spent:
            moments.append(now + QUIET_SHARE * QUIET_SECONDS / 2)
        if not (watcher.is_away or watcher.is_pending):  # nothing is due then
            if self.retry_at is not None:
                moments.append(self.retry_at)
            elif self.free_since is not None:
                moments.append(self.free_since + QUIET_SECONDS)
        self.wake.wait(max(0.0, min(moments) - now))
        self.wake.clear()

    def tend(self, watcher: Watcher) -> None:
        """Look after the threads, and say what they have to say."""
        watcher.tend()
        findings, errors = self.notifier.take()
        if self.notifier.has_sent():  # the board shows it
            self.retry_at = self.clock()
        findings = [*watcher.take_notices(), *findings]
        if findings:
            self.display.noticed(findings)
        with suppress(queue.Empty):
            while True:
                errors.append(self.errors.get_nowait())
        for error in errors:
            self.crash(error)

    def is_due(self, now: float) -> bool:
        """Whether a run is to be made although nothing changed."""
        if self.retry_at is not None:
            return now >= self.retry_at
        # A new day makes returns late without anybody's doing.
        return date.today() != self.day or self.is_output_free(now) or self.outputs.is_lost(now)

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

    @uncollected()
    def answer(self, watcher: Watcher, batch: Batch, early: EarlyBatch | None = None) -> None:
        """Run once; what goes wrong is said, and tried again later, of what is ``early`` only once it is over."""
        if not watcher.is_present():  # a run would make its folders anew, in the way of the share that comes back
            self.wait_for_folders(watcher)
            return
        started, today = self.clock(), date.today()
        is_present, settle = watcher.is_present, None
        if early is not None:
            is_present, settle = early.is_present, early.wait
        else:
            self.display.working(batch)
        try:
            # What people change in the settings, the schemas and the templates counts from the next run on.
            workspace = find_workspace(self.workspace.root)
            if early is None:
                self.bring(workspace)
            run = consolidate(
                workspace, datetime.now(), purpose="tabellion watch", is_present=is_present, serves=True, settle=settle,
                cache=self.cache,
            )  # fmt: skip
            if early is not None:
                early.wait()
                batch = early.batch
            self.is_early_spent = False
            self.own |= run.own
            self.outputs.remember(run.outputs)
            arriving = self.still_arriving(run.consolidation)
            self.display.arriving = frozenset(path.relative_to(workspace.workbooks).as_posix() for path in arriving)
            self.display.answered(batch, run, self.clock() - started)
            if not batch.unfinished or batch.changed - batch.unfinished:
                self.notifier.tell(workspace, run.consolidation, arriving | batch.unfinished)
            self.plan(batch, today)
            if arriving:  # what is never finished is to be told all the same
                until = min(self.arriving[path].since for path in arriving) + LONGEST_SECONDS
                self.retry_at = until if self.retry_at is None else min(until, self.retry_at)
            self.serve(workspace, run)
            if run.written:  # what workbooks leave is seldom looked for, and would pile up
                collect_run()
        except Exception as error:
            if early is not None and (not early.is_over or isinstance(error, UnsettledError)):
                if early.is_over:
                    self.answer(watcher, early.batch)
                return
            self.failed(watcher, error)

    def failed(self, watcher: Watcher, error: Exception) -> None:
        """Say why a run could not be made, and have it tried again."""
        if not isinstance(error, TabellionError):
            self.crash(error)
        elif all(finding.code == "dossier-disparu" for finding in error.findings):
            self.wait_for_folders(watcher)
            return
        else:
            self.display.refused(error.findings)
        self.try_again()

    def bring(self, workspace: Workspace) -> None:
        """Make an import again that waited for what staff decided in its workbook, and say what came of it."""
        from tabellion.commands.import_document import import_again

        try:
            findings = import_again(workspace, datetime.now())
        except TabellionError as error:
            findings = error.findings
        if findings:
            self.display.noticed(findings)

    def still_arriving(self, consolidation: Consolidation) -> frozenset[Path]:
        """The files that cannot be read because they are not yet what they will be: nothing is said of them by mail.

        One that stays as it is for long will be no other.
        """
        now, arriving = self.clock(), dict[Path, Arriving]()
        received = [*consolidation.strays, *(file for line in consolidation.board for file in line.received)]
        for path in {
            self.workspace.workbooks / file.fichier for file in received if file.verdict is Verdict.UNREADABLE
        }:
            if is_complete(path):
                continue
            content, before = fingerprint(path), self.arriving.get(path)
            is_same = before is not None and before.content == content
            arriving[path] = before if before is not None and is_same else Arriving(content, now)
        self.arriving = arriving
        return frozenset(path for path, arrival in arriving.items() if now < arrival.since + LONGEST_SECONDS)

    def serve(self, workspace: Workspace, run: ConsolidationRun) -> None:
        """Carry out what staff asked for in Excel, then have a run made that says there what came of it."""
        for entry in run.requests:
            self.retry_at = self.clock()
            ended = carry_out(workspace, entry, datetime.now())
            self.display.carried_out(ended)

    def plan(self, batch: Batch, day: date) -> None:
        """Say when, after a run that was made on this ``day``, another one is due of itself."""
        self.retry_at, self.free_since, self.day = None, None, day
        if self.is_place_free():  # it was not taken: the system refuses, and nothing but trying tells how long
            self.try_again(_LONGEST_PLACE_SECONDS)
        else:
            self.retry_seconds = _RETRY_SECONDS
        if batch.unfinished:  # what is never finished is to be told all the same
            until = self.clock() + LONGEST_SECONDS
            self.retry_at = until if self.retry_at is None else min(until, self.retry_at)

    def wait_for_folders(self, watcher: Watcher) -> None:
        """Run as soon as the folders are back; the watcher says that they are away, once it is sure."""
        watcher.look_soon()
        self.retry_at = self.clock() + _ROUND_SECONDS

    def try_again(self, longest_seconds: float | None = None) -> None:
        """Have a run made later, and after the next failure twice as late."""
        longest = _LONGEST_RETRY_SECONDS if longest_seconds is None else longest_seconds
        self.retry_at = self.clock() + min(self.retry_seconds, longest)
        self.retry_seconds = min(2 * self.retry_seconds, longest)

    def crash(self, error: Exception) -> None:
        """Keep the details of a mistake of the program, and say so."""
        memory = self.workspace.memory
        # Where the workspace is away nothing is made in its place: the machine's temporary folder will do.
        self.display.crashed(error, keep_crash(error, memory / ERRORS if memory.is_dir() else None))
