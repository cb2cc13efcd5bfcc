"""A committed publication put in place, step by step: every step may be done again, so that another run can finish it.

What stands in the way is never lost: an output that another program holds open stays, and the new one waits beside it;
one that somebody wrote into meanwhile is kept under a dated name.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from tabellion.files import copy_whole, dated, folder_to_disk, free_name, temporary_beside
from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.outputs.manifest import (
    MANIFEST,
    Beside,
    Keeping,
    Manifest,
    Step,
    digest,
    read_besides,
    trace,
    write_besides,
)
from tabellion.wording import system_reason

#: How long one publication waits, in all, for files that other programs hold.
PATIENCE_SECONDS = 5.0
#: The mark, in its name, of an output whose place was taken.
NEW = "(nouveau)"
#: In the staging folder: the previous outputs on their way into the history, and old ones on their way out of it.
HISTORY, DROPPED = "historique", "retires"
_DATED = re.compile(r"(\d{4}-\d\d-\d\d \d\dh\d\d)(?: \((\d{1,9})\))?")
_HELD = {errno.EACCES, errno.EPERM, errno.EBUSY, errno.ETXTBSY, errno.EISDIR}
_FIRST_WAIT_SECONDS = 0.05


class Placing:
    """One run's work at putting outputs in place: those that wait beside theirs, the patience left, what was said."""

    def __init__(self, workbooks: Path, staging: Path, now: datetime) -> None:
        self.workbooks, self.staging, self.now = workbooks, staging, now
        self.besides_file = staging.with_name("a-cote.json")
        self.besides = read_besides(self.besides_file)
        self.patience = PATIENCE_SECONDS
        self.said: list[Finding] = []

    def path(self, name: str) -> Path:
        """Where the output ``name`` (from ``workbooks/``) is."""
        return self.workbooks / name

    def current(self, name: str) -> Path:
        """Where the last version of an output is: in its place, or waiting beside it."""
        beside = self.besides.get(name)
        return self.path(name if beside is None else beside.path)

    def complete(self, manifest: Manifest, *, resumed: bool) -> None:
        """Do every step of a committed publication that is not done, then forget it.

        When ``resumed``, an earlier run may have done some. Raises :class:`TabellionError` when the system refuses one;
        the publication then stays committed.
        """
        doing = self.staging.name
        try:
            if manifest.keeping is not None:
                doing = manifest.keeping.folder
                self._place_history(manifest.keeping)
            for step in manifest.steps:
                doing = step.target
                if step.staged is None:
                    self._remove(step)
                elif not resumed or (self.staging / step.staged).exists():
                    self._put(step, self.staging / step.staged, step.sha256 or "")
            for folder in {self.path(step.target).parent for step in manifest.steps}:
                folder_to_disk(folder)
            shutil.rmtree(self.staging / DROPPED, ignore_errors=True)
            (self.staging / MANIFEST).unlink()
            shutil.rmtree(self.staging, ignore_errors=True)
        except OSError as error:
            detail = system_reason(error)
            raise TabellionError(
                [finding("publication-inachevee", Place(doing), valeur=doing, detail=detail)]
            ) from error

    def place_waiting(self) -> None:
        """Put in place the outputs that wait beside theirs, where that is possible now, or say that they still wait."""
        patience, self.patience = self.patience, 0.0
        for beside in list(self.besides.values()):
            waiting, target = self.path(beside.path), self.path(beside.target)
            with suppress(OSError):
                if digest(waiting) == beside.sha256:
                    self._give_way(beside.target, beside.before)
                    waiting.replace(target)
                    folder_to_disk(target.parent)
                if digest(waiting) != beside.sha256:  # moved just now, or somebody's own file since they wrote into it
                    del self.besides[beside.target]
                    write_besides(self.besides_file, self.besides)
            if beside.target in self.besides:
                self._say_open(beside)
        self.patience = patience

    def _say_open(self, beside: Beside) -> None:
        """Say that an output waits beside its place."""
        there, here = Path(beside.target).name, Path(beside.path).name
        self.said.append(finding("sortie-ouverte", Place(beside.target), valeur=there, attendu=here))

    def _put(self, step: Step, staged: Path, sha256: str) -> None:
        target = self.path(step.target)
        target.parent.mkdir(parents=True, exist_ok=True)
        if trace(target) != step.before and digest(target) == sha256:  # copied to another disk, then stopped
            staged.unlink()
            return
        try:
            self._give_way(step.target, step.before)
            self._patiently(lambda: _move(staged, target))
        except OSError as error:
            if error.errno not in _HELD:
                raise
            self._put_beside(step, staged, sha256)
        else:
            self._forget_beside(step.target)

    def _give_way(self, name: str, before: tuple[int, int] | None) -> None:
        """Keep under a dated name what somebody wrote at an output's place since the publication was prepared."""
        target = self.path(name)
        found = trace(target)
        if found is None or found == before:
            return
        kept = free_name(target.with_name(f"{target.stem} {dated(self.now)}{target.suffix}"))
        self._patiently(lambda: target.rename(kept))
        self.said.append(finding("sortie-modifiee", Place(name), valeur=target.name, attendu=kept.name))

    def _put_beside(self, step: Step, staged: Path, sha256: str) -> None:
        target = self.path(step.target)
        self._forget_beside(step.target)
        path = free_name(target.with_name(f"{target.stem} {NEW}{target.suffix}"))
        name = path.relative_to(self.workbooks).as_posix()
        beside = Beside(step.target, name, sha256, trace(target))
        self.besides[step.target] = beside
        write_besides(self.besides_file, self.besides)  # before the file is there: it is nobody else's
        _move(staged, path)
        self._say_open(beside)

    def _forget_beside(self, name: str) -> None:
        """Take away the version of an output that waited, unless somebody wrote into it."""
        beside = self.besides.get(name)
        if beside is None:
            return
        if digest(self.path(beside.path)) == beside.sha256:
            self._patiently(self.path(beside.path).unlink)
        del self.besides[name]
        write_besides(self.besides_file, self.besides)

    def _remove(self, step: Step) -> None:
        target = self.path(step.target)
        try:
            if trace(target) is not None and trace(target) == step.before:  # another one is somebody's
                self._patiently(target.unlink)
            self._forget_beside(step.target)
        except OSError as error:
            if error.errno not in _HELD:
                raise
            self._say_stays(step.target, error)

    def _place_history(self, keeping: Keeping) -> None:
        kept, folder = self.staging / HISTORY, self.path(keeping.folder)
        if not kept.exists():
            return
        folder.mkdir(parents=True, exist_ok=True)
        latest = free_name(folder / keeping.name)
        self._patiently(lambda: _move(kept, latest))
        folder_to_disk(folder)
        old = [path for path in dated_folders(folder) if path != latest][: -(keeping.keep - 1) or None]
        (self.staging / DROPPED).mkdir(exist_ok=True)
        for rank, path in enumerate(old):
            try:
                path.rename(free_name(self.staging / DROPPED / f"{rank}"))  # away at once, whatever its size
            except OSError as error:
                self._say_stays(path.relative_to(self.workbooks).as_posix(), error)

    def _say_stays(self, name: str, error: OSError) -> None:
        place, detail = Place(name), system_reason(error)
        self.said.append(finding("retrait-impossible", place, valeur=Path(name).name, detail=detail))

    def _patiently(self, act: Callable[[], object]) -> None:
        """Do it, again and again while another program holds the file and patience lasts."""
        wait = _FIRST_WAIT_SECONDS
        while True:
            try:
                act()
            except OSError as error:
                if error.errno not in _HELD - {errno.EISDIR} or self.patience < wait:
                    raise
                time.sleep(wait)
                self.patience -= wait
                wait *= 2
            else:
                return


def dated_folders(folder: Path) -> list[Path]:
    """The folders of the history, the oldest first: those whose name is a date as the program writes it."""
    dates = [(match, path) for path in folder.iterdir() if (match := _DATED.fullmatch(path.name)) and path.is_dir()]
    return [path for _, path in sorted(dates, key=lambda each: (each[0][1], int(each[0][2] or 1)))]


def _move(source: Path, target: Path) -> None:
    """Rename, over a file if there is one; to another disk, copy whole and then remove."""
    try:
        os.replace(source, target)  # noqa: PTH105 - a file or a folder
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        if source.is_dir():
            temporary = temporary_beside(target)
            shutil.copytree(source, temporary)
            temporary.rename(target)
            shutil.rmtree(source)
        else:
            copy_whole(source, target)
            source.unlink()
