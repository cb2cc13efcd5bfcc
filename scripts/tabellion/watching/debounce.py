"""When a change is over: many events become one batch of changed files, once all is quiet and every file is whole.

No clock and no thread: the loop says what it heard and what time it is. Moments are seconds of a clock that never goes
back (``time.monotonic``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tabellion.watching.filters import Concern
from tabellion.watching.fingerprint import Look, glimpse, is_whole

#: A save, an unzip or a copy is over when nothing was heard of any file for this long.
QUIET_SECONDS = 1.0
#: What is still not quiet or whole after this long is handed over as it is: its reading will say what is wrong.
LONGEST_SECONDS = 60.0


@dataclass(frozen=True)
class Batch:
    """What one run has to answer: files that are new or have other content, files that are gone, outputs that nobody
    holds any more (their owner files). ``unfinished`` are those of the changed files that patience ran out on."""

    changed: frozenset[Path] = frozenset()
    gone: frozenset[Path] = frozenset()
    released: frozenset[Path] = frozenset()
    unfinished: frozenset[Path] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.changed or self.gone or self.released)


@dataclass
class _Waiting:
    """A path that something was heard of, from ``first`` to ``last``; ``look`` is the last one, where it
    ``was_looked_at``."""

    concern: Concern
    first: float
    last: float
    look: Look | None = None
    was_looked_at: bool = False
    is_settled: bool = False

    def start_again(self) -> None:
        """Forget what was seen: it may be otherwise by now."""
        self.was_looked_at = self.is_settled = False


class Settler:
    """Gathers events and says when they are one settled change.

    ``known`` are the looks of the files as they were last answered: a file whose look ends up the same has not changed,
    whatever was heard of it. ``is_present`` says whether the folders are really there: no file is believed to be gone
    while it says no. ``look`` and ``whole`` look at files; tests give their own.
    """

    def __init__(
        self,
        known: Mapping[Path, Look] | None = None,
        *,
        quiet_seconds: float = QUIET_SECONDS,
        longest_seconds: float = LONGEST_SECONDS,
        is_present: Callable[[], bool] = lambda: True,
        look: Callable[[Path], Look | None] = glimpse,
        whole: Callable[[Path], bool] = is_whole,
    ) -> None:
        self.known: dict[Path, Look] = dict(known or {})
        self.quiet_seconds, self.longest_seconds = quiet_seconds, longest_seconds
        self._is_present, self._look, self._whole = is_present, look, whole
        self._waiting: dict[Path, _Waiting] = {}
        self._last = self._next = 0.0

    def heard(self, now: float, path: Path, concern: Concern = Concern.INPUT) -> None:
        """Take in that something happened to ``path``, also while a run goes on: it is for the next one."""
        waiting = self._waiting.setdefault(path, _Waiting(concern, now, now))
        waiting.last = now
        waiting.start_again()
        self._last = now
        self._next = now + self._pause

    def when(self) -> float | None:
        """The moment to call :meth:`due` at if nothing more is heard; ``None`` when there is nothing to wait for."""
        if not self._waiting:
            return None
        return min(self._next, self._patience_ends())

    def due(self, now: float) -> Batch:
        """What has settled by ``now``: an empty batch when it has not yet, or when nothing came of it after all.

        Every file is looked at twice, half of ``quiet_seconds`` apart.
        """
        moment = self.when()
        if moment is None or now < moment:
            return Batch()
        for path, each in self._waiting.items():
            if not each.is_settled:
                self._look_at(path, each)
        is_quiet = now >= self._last + self.quiet_seconds
        if is_quiet and all(each.is_settled for each in self._waiting.values()):
            ready = list(self._waiting)
        elif now >= self._patience_ends():
            late = now - self.longest_seconds
            ready = [path for path, each in self._waiting.items() if each.is_settled or each.first <= late]
        else:
            ready = []
        self._next = now + self._pause if is_quiet else max(now + self._pause, self._last + self.quiet_seconds)
        return self._hand_over(ready, now)

    @property
    def _pause(self) -> float:
        """Seconds between two looks."""
        return self.quiet_seconds / 2

    def _patience_ends(self) -> float:
        return min(each.first for each in self._waiting.values()) + self.longest_seconds

    def _look_at(self, path: Path, each: _Waiting) -> None:
        look = self._look(path)
        is_same = each.was_looked_at and look == each.look
        each.look, each.was_looked_at = look, True
        # Of an owner file only its being there counts: Excel lets nobody read its own.
        is_enough = look is None or each.concern is Concern.OUTPUT_RELEASED or look == self.known.get(path)
        each.is_settled = is_same and (is_enough or self._whole(path))

    def _hand_over(self, ready: Iterable[Path], now: float) -> Batch:
        """The batch of the paths that are ready, which are waited for no more."""
        ready = {path: self._waiting[path] for path in ready}
        gone = {path for path, each in ready.items() if each.look is None and path in self.known}
        if gone and not self._is_present():
            for each in self._waiting.values():
                each.first = now  # patience is with files, not with a share that is away
                each.start_again()
            return Batch()
        changed, released, unfinished = set(), set(), set()
        for path, each in ready.items():
            del self._waiting[path]
            if each.concern is Concern.OUTPUT_RELEASED:
                if each.look is None:
                    released.add(path)
            elif each.look is None:
                self.known.pop(path, None)
            elif each.look != self.known.get(path):
                self.known[path] = each.look
                changed.add(path)
                if not each.is_settled and (now < each.last + self.quiet_seconds or not self._whole(path)):
                    unfinished.add(path)
        return Batch(frozenset(changed), frozenset(gone), frozenset(released), frozenset(unfinished))
