"""What changed since the last look, told by sizes, times and ends of files; and whether the folders are there at all.

Times are only hints: of two equal ones, or of one that goes back, the size and the end of the file decide.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from tabellion.contract.workspace import Workspace
from tabellion.watching.fingerprint import Look, glimpse
from tabellion.watching.snapshot import Absence, Survey, differences, survey, vanished

#: A file that changed is looked at again for this long: the clock of its disk may not tell two writes apart.
_SUSPECT_SECONDS = 3.0
#: Whatever its times say, every file is looked at once in this time, a few at each sweep.
_ROUND_SECONDS = 600.0
#: Where folders have no identity, one that is emptied at once is believed after this time.
_DOUBT_SECONDS = 60.0


@dataclass(frozen=True)
class Sweep:
    """What a look at everything brought: ``changed`` files (new, gone, other content), the ``absence`` that makes it
    worthless, whether what was absent ``is_back``."""

    changed: frozenset[Path] = frozenset()
    absence: Absence | None = None
    is_back: bool = False


class Scanner:
    """Remembers how everything was, and says what is not so any more. ``clock`` gives seconds that never go back."""

    def __init__(self, workspace: Workspace, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.workspace, self._clock = workspace, clock
        self.absence: Absence | None = None
        self._survey, self._looks = Survey(), dict[str, Look]()
        self._suspects: dict[str, float] = {}
        self._round: Iterator[str] = iter(())
        self._swept: float | None = None
        self._doubted: float | None = None

    @property
    def known(self) -> Mapping[Path, Look]:
        """The looks of all files as of the last sweep."""
        return {Path(path): look for path, look in self._looks.copy().items()}

    def is_present(self) -> bool:
        """Whether the folders are there now, and the same ones: only then is a missing file one that people removed."""
        return vanished(self._survey, survey(self.workspace), self.workspace) is None

    def sweep(self) -> Sweep:
        """Look at everything; the first time, all that is there has changed."""
        now, after = self._clock(), survey(self.workspace)
        absence = self._believed(vanished(self._survey, after, self.workspace), now)
        if absence is not None:
            self.absence = absence
            return Sweep(absence=absence)
        is_back, self.absence = self.absence is not None, None
        touched = set(differences(self._survey, after))
        self._suspects = {path: until for path, until in self._suspects.items() if until > now}
        again = {path for path in (*self._suspects, *self._next_of_round(now)) if path in after.files}
        if self._swept is not None:
            self._suspects |= dict.fromkeys(touched, now + _SUSPECT_SECONDS)
        self._survey, self._swept = after, now
        changed = frozenset(
            Path(path) for path in touched | again if self._is_other(path, is_there=path in after.files)
        )
        return Sweep(changed, is_back=is_back)

    def _believed(self, absence: Absence | None, now: float) -> Absence | None:
        """The absence, unless it is only a doubt that has lasted."""
        if absence is None or absence.is_certain:
            self._doubted = None
            return absence
        self._doubted = now if self._doubted is None else self._doubted
        return absence if now - self._doubted < _DOUBT_SECONDS else None

    def _next_of_round(self, now: float) -> Iterator[str]:
        """The files whose turn it is to be looked at."""
        if self._swept is None:
            return
        count = ceil(len(self._looks) * min(1.0, (now - self._swept) / _ROUND_SECONDS))
        for _ in range(count):
            path = next(self._round, None)
            if path is None:
                self._round = iter(list(self._looks))
                path = next(self._round, None)
            if path is not None:
                yield path

    def _is_other(self, path: str, *, is_there: bool) -> bool:
        """Whether a file's content is not what it was; what it is now is remembered."""
        look = glimpse(Path(path)) if is_there else None
        before = self._looks.get(path)
        if look is None:
            self._looks.pop(path, None)
        else:
            self._looks[path] = look
        return look != before
