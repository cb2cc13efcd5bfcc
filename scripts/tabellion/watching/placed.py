"""The outputs that the last run left in place: whether somebody has taken one away since."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from pathlib import Path

#: Seconds between two looks: by the names in their folders alone, which costs next to nothing.
LOOK_SECONDS = 5.0


@dataclass
class PlacedOutputs:
    """``paths`` were there after the last run; the next look at them is not before the moment ``look_at``, and
    ``is_missed`` says that the last one lacked some."""

    paths: frozenset[Path] = frozenset()
    look_at: float = -inf
    is_missed: bool = False

    def remember(self, paths: Iterable[Path]) -> None:
        """These are what a run left, as far as they are there: one that cannot be made is not asked for again."""
        self.paths, self.is_missed = frozenset(filter(os.path.exists, paths)), False

    def is_lost(self, now: float) -> bool:
        """Whether two looks in a row lack an output: one that somebody saves is away for an instant."""
        if now < self.look_at:
            return False
        was_missed, self.look_at = self.is_missed, now + LOOK_SECONDS
        try:
            self.is_missed = not self.paths <= _files_in({path.parent for path in self.paths})
        except OSError:  # of a folder that cannot be looked into, nobody knows
            self.is_missed = False
        return was_missed and self.is_missed


def _files_in(folders: Iterable[Path]) -> set[Path]:
    files = set[Path]()
    for folder in folders:
        with suppress(FileNotFoundError, NotADirectoryError):
            files.update(map(folder.joinpath, os.listdir(folder)))  # noqa: PTH208 - names alone
    return files
