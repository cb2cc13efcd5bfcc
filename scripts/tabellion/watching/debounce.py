"""When a change is over: snapshots become one batch of changed files, once all is quiet and every file is complete.

No thread, and no clock of its own. The quiet is that of the whole tree, between two snapshots: a batch does not close
while files still arrive, however slowly the machine writes, tells or looks; but for a return that goes on and on, which
holds up no other. Moments are seconds of a clock that never
goes back (``time.monotonic``). Times of files are only hints: of two equal ones, or of one that goes back, the
fingerprint decides.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import ceil, inf
from pathlib import Path

from tabellion.contract.workspace import Workspace
from tabellion.layout.names import WORKBOOK
from tabellion.watching.snapshot import (
    Fingerprint,
    FolderId,
    MissingFolder,
    Snapshot,
    differences,
    fingerprint,
    is_complete,
    missing_folder,
    take_snapshot,
)

#: A save, an unzip or a copy is over when nothing has changed for this long.
QUIET_SECONDS = 1.0
#: A return that is not quiet or complete after this long is waited for alone: the others are answered.
ARRIVING_SECONDS = 3.0
#: What is still not quiet or complete after this long is handed over as it is: its reading will say what is wrong.
LONGEST_SECONDS = 60.0
#: A file that changed is read again for this long: the clock of its disk may not tell two writes apart.
_RECENT_SECONDS = 3.0
#: Whatever its times say, every file is read once in this time, a few at each look.
_ROUND_SECONDS = 600.0
#: Where folders have no inode, one that is emptied at once is believed after this time.
_DOUBT_SECONDS = 60.0


@dataclass(frozen=True)
class Batch:
    """What one run has to answer: files that are new or have other content, and files that are gone. ``unfinished`` are
    those of the changed files that patience ran out on."""

    changed: frozenset[Path] = frozenset()
    removed: frozenset[Path] = frozenset()
    unfinished: frozenset[Path] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.changed or self.removed)


@dataclass(frozen=True)
class Arriving:
    """A file that is not complete: what it held when it was first seen so, and when that was."""

    content: Fingerprint | None
    since: float


@dataclass
class _Pending:
    """A change that is not over: when it was first and last seen; whether its file is quiet and complete."""

    first: float
    last: float
    is_settled: bool = False


class Debounce:
    """Follows the files of a workspace from look to look, and says which changes are over.

    One thread looks, another one may take the batches. ``missing`` is the folder that was away at the last look,
    ``folders`` those that were there, ``moves`` how many looks found that something happened. Tests give their own
    ``clock``, and their own way to look and to read.
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        quiet_seconds: float = QUIET_SECONDS,
        arriving_seconds: float = ARRIVING_SECONDS,
        longest_seconds: float = LONGEST_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        take_snapshot: Callable[[Workspace], Snapshot] = take_snapshot,
        fingerprint: Callable[[Path], Fingerprint | None] = fingerprint,
        is_complete: Callable[[Path], bool] = is_complete,
    ) -> None:
        self.quiet_seconds, self.arriving_seconds = quiet_seconds, arriving_seconds
        self.longest_seconds = longest_seconds
        self.missing: MissingFolder | None = None
        self.folders: Mapping[str, FolderId] = {}
        self.moves = 0
        self._workspace, self._clock, self._take_snapshot = workspace, clock, take_snapshot
        self._fingerprint, self._is_complete = fingerprint, is_complete
        self._lock = threading.Lock()
        self._snapshot = Snapshot()
        self._seen: dict[str, Fingerprint] = {}
        self._answered: dict[str, Fingerprint] = {}
        self._pending: dict[str, _Pending] = {}
        self._arriving: set[str] = set()
        self._unfinished: set[str] = set()
        self._recent: dict[str, float] = {}
        self._round: Iterator[str] = iter(())
        self._looked, self._changed = -inf, -inf
        self._is_still = True
        self._doubted: float | None = None

    def is_present(self) -> bool:
        """Whether the folders are there now, and the same ones: only then is a missing file one that people removed."""
        return missing_folder(self._snapshot, self._take_snapshot(self._workspace), self._workspace) is None

    def look(self, events: Mapping[str, float] | None = None) -> set[str]:
        """Look at everything; the paths of the files whose content is not what it was at the last look.

        At the first look that is all files, and they count as answered. ``events`` are the moments of the last events
        since the last look, by path: something happened to these files, even where nothing of it is seen.
        """
        events = events or {}
        now, snapshot = self._clock(), self._take_snapshot(self._workspace)
        self.folders = snapshot.folders
        self.missing = self._confirmed(missing_folder(self._snapshot, snapshot, self._workspace), now)
        if self.missing is not None:
            with self._lock:
                self._changed, self.moves = now, self.moves + 1
                for path in self._pending:  # patience is with files, not with a share that is away
                    self._pending[path] = _Pending(now, now)
            return set()
        touched = set(differences(self._snapshot, snapshot))
        with self._lock:
            touched.update(path for path in events if path in snapshot.files or path in self._pending)
            unsettled = {path: pending for path, pending in self._pending.items() if not pending.is_settled}
        changed: dict[str, Fingerprint | None] = {}
        for path in touched.union(unsettled, self._recent, self._next_of_round(now)):
            content = self._fingerprint(Path(path)) if path in snapshot.files else None
            if content != self._seen.get(path):
                changed[path] = content
        moving = touched | changed.keys()
        settled = [
            path
            for path, pending in unsettled.items()
            if path not in moving
            and now >= pending.last + self.quiet_seconds
            and self._is_whole(path)
            # what made it whole may have been written since it was read above
            and (self._fingerprint(Path(path)) if path in snapshot.files else None) == self._seen.get(path)
        ]
        with self._lock:
            self._arriving = {
                path
                for path, pending in unsettled.items()
                if path not in settled and path in snapshot.files and self._is_slow(path, now - pending.first)
            }
            self._apply(now, touched, changed, events)
            for path in settled:
                if path in self._pending:
                    self._pending[path].is_settled = True
            self._snapshot, self._looked = snapshot, now
        return set(changed)

    def _is_slow(self, path: str, seconds: float) -> bool:
        """Whether a file that has been pending so long is waited for alone."""
        is_slow = seconds >= self.arriving_seconds or path in self._unfinished
        return is_slow and self._workspace.retours in Path(path).parents

    def _confirmed(self, missing: MissingFolder | None, now: float) -> MissingFolder | None:
        """The missing folder, unless it is only a doubt that has lasted."""
        if missing is None or missing.is_certain:
            self._doubted = None
            return missing
        self._doubted = now if self._doubted is None else self._doubted
        return missing if now - self._doubted < _DOUBT_SECONDS else None

    def _next_of_round(self, now: float) -> Iterator[str]:
        for _ in range(ceil(len(self._seen) * min(1.0, (now - self._looked) / _ROUND_SECONDS))):
            path = next(self._round, None)
            if path is None:
                self._round = iter(list(self._seen))
                path = next(self._round)
            yield path

    def _is_whole(self, path: str) -> bool:
        """Whether a file is as it was answered, gone, or complete.

        Of the consolidated workbook only decisions are news, and one that is cut short has none to read yet: it does
        not hold up what else there is to do.
        """
        now = self._seen.get(path)
        is_own = Path(path) == self._workspace.workbooks / WORKBOOK
        return now is None or now == self._answered.get(path) or is_own or self._is_complete(Path(path))

    def _apply(
        self, now: float, touched: set[str], changed: Mapping[str, Fingerprint | None], events: Mapping[str, float]
    ) -> None:
        for path, content in changed.items():
            if content is None:
                del self._seen[path]
            else:
                self._seen[path] = content
        moving = (touched | changed.keys()) - self._arriving
        self._is_still = not moving
        if moving:
            moment = max(events.get(path, now) for path in moving)
            self._changed, self.moves = max(moment, self._changed, now - self.quiet_seconds / 2), self.moves + 1
        if self._looked == -inf:
            self._answered = dict(self._seen)
            return
        self._recent = {path: until for path, until in self._recent.items() if until > now}
        self._recent |= dict.fromkeys(touched, now + _RECENT_SECONDS)
        for path in changed.keys() | (touched & self._pending.keys()):
            first = self._pending[path].first if path in self._pending else self._changed
            self._pending[path] = _Pending(first, now if path in self._arriving else self._changed)

    @property
    def is_pending(self) -> bool:
        """Whether a change is not over, or not taken."""
        return bool(self._pending)

    @property
    def is_waiting(self) -> bool:
        """Whether one of them holds up the others."""
        return not self._pending.keys() <= self._arriving

    def pause(self) -> float:
        """Seconds from the last look to the next one while a change is not over."""
        pause, left = self.quiet_seconds / 2, self._changed + self.quiet_seconds - self._looked
        return left if 0 < left < pause else pause

    def take_batch(self) -> Batch:
        """What is over as of the last look; an empty batch while something still changes, or a folder is away."""
        with self._lock:
            if self.missing is not None:
                return Batch()
            late = self._looked - self.longest_seconds
            is_late = any(pending.first <= late for pending in self._pending.values())
            ready = [path for path, pending in self._pending.items() if pending.is_settled or pending.first <= late]
            is_quiet = self._is_still and self._looked >= self._changed + self.quiet_seconds
            is_over = is_quiet and self._pending.keys() <= self._arriving.union(ready)
            return self._hand_over(ready) if is_over or is_late else Batch()

    def likely_batch(self, quiet_seconds: float) -> Batch:
        """What will be over if nothing else happens; an empty batch where a file is not complete, or there has not been
        so long a quiet yet.
        """
        with self._lock:
            pending = {path: self._seen.get(path) for path in self._pending.keys() - self._arriving}
            is_calm = self.missing is None and self._clock() >= self._changed + quiet_seconds
        if not is_calm or not all(self._is_whole(path) for path in pending):
            return Batch()
        changed = {path: content for path, content in pending.items() if content != self._answered.get(path)}
        removed = {path for path, content in changed.items() if content is None}
        return Batch(frozenset(map(Path, changed.keys() - removed)), frozenset(map(Path, removed)))

    def _hand_over(self, paths: list[str]) -> Batch:
        """The batch of these changes, which are waited for no more."""
        changed, removed, unfinished = set(), set(), set()
        for path in paths:
            pending, now = self._pending.pop(path), self._seen.get(path)
            (self._unfinished.discard if pending.is_settled else self._unfinished.add)(path)
            if now == self._answered.get(path):
                continue
            if now is None:
                del self._answered[path]
                removed.add(Path(path))
                continue
            self._answered[path] = now
            changed.add(Path(path))
            if not pending.is_settled:
                unfinished.add(Path(path))
        return Batch(frozenset(changed), frozenset(removed), frozenset(unfinished))
