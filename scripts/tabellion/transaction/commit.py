"""A committed publication put in place, step by step: every step may be done again, so that another run can finish it.

What stands in the way is never lost: an output that somebody has open stays, also where the system would allow to
replace it, and the new one waits beside it; one that somebody wrote into meanwhile is kept under a dated name.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.transaction.files import copy_whole, dated, folder_to_disk, free_name
from tabellion.transaction.manifest import (
    BESIDES,
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
from tabellion.transaction.open_files import Owner, owner_of
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
#: How many of the latest sets of the history stay, also where they are of one day.
_RECENT = 10
_DAY_LENGTH = len("2016-11-30")
#: How long a file, or its owner file, may be away in the middle of a save.
_INSTANT_SECONDS = 0.1


class Transaction:
    """One run's work at putting outputs in place: those that wait beside theirs, the patience left, the findings."""

    def __init__(self, workbooks: Path, staging: Path, now: datetime) -> None:
        self.workbooks, self.staging, self.now = workbooks, staging, now
        self.besides_file = staging.with_name(BESIDES)
        self.besides = read_besides(self.besides_file)
        self.patience = PATIENCE_SECONDS
        self.findings: list[Finding] = []

    def path(self, name: str) -> Path:
        """Where the output ``name`` (from ``workbooks/``) is."""
        return self.workbooks / name

    def current(self, name: str) -> Path:
        """Where the last version of an output is: in its place, or waiting beside it."""
        beside = self.besides.get(name)
        return self.path(name if beside is None or beside.path is None else beside.path)

    def before(self, name: str) -> tuple[int, int] | None:
        """The trace of what the program knows at an output's place; of what is written there later, nothing is lost."""
        beside = self.besides.get(name)
        return trace(self.path(name)) if beside is None or beside.path is None else beside.before

    def keep(self, name: str) -> None:
        """What waited for its removal is wanted again."""
        beside = self.besides.get(name)
        if beside is not None and beside.path is None:
            self._strike(name)

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
            unfinished = finding("publication-inachevee", Place(doing), valeur=doing, detail=system_reason(error))
            raise TabellionError([unfinished]) from error

    def place_waiting(self) -> None:
        """Put in place the outputs that wait beside theirs, where that is possible now, or say that they still wait.

        Those that wait for their removal are removed, unless somebody wrote into them or has them open.
        """
        patience, self.patience = self.patience, 0.0
        besides = list(self.besides.values())
        first = {beside.target: self._owner(beside.target) for beside in besides}
        if None in first.values():
            time.sleep(_INSTANT_SECONDS)  # LibreOffice lets go of its file for an instant at the start of each save
        for beside in besides:
            owner = first[beside.target] or self._owner(beside.target)
            if beside.path is None:
                self._remove_at_last(beside, owner)
                continue
            waiting, target = self.path(beside.path), self.path(beside.target)
            owner = owner or self._owner(beside.path)
            with suppress(OSError):
                if digest(waiting) == beside.sha256 and owner is None:
                    self._give_way(beside.target, beside.before)
                    waiting.replace(target)
                    folder_to_disk(target.parent)
                left = digest(waiting) or (beside.sha256 if waiting.exists() else None)  # there, and held: it waits on
                if left != beside.sha256:  # moved just now, or somebody's own file since they wrote into it
                    self._strike(beside.target)
            if beside.target in self.besides:
                self._say_open(beside.target, beside.path, owner)
        self.patience = patience

    def _remove_at_last(self, beside: Beside, owner: Owner | None) -> None:
        target = self.path(beside.target)
        with suppress(OSError):
            if owner is None and trace(target) == beside.before:
                target.unlink(missing_ok=True)
            left = trace(target)
            if left is None or left != beside.before:  # removed, or somebody's own file since they wrote into it
                self._strike(beside.target)

    def _owner(self, name: str) -> Owner | None:
        """Who has an output open; whoever died with it open is said, and does not count."""
        path = self.path(name)
        owner = owner_of(path, self.now)
        if owner is not None and trace(path) is None:
            time.sleep(_INSTANT_SECONDS)  # Excel takes the file itself away for an instant in the middle of a save
            owner = owner if trace(path) is not None else None
        if owner is not None and owner.is_stale:
            place = Place(owner.file.relative_to(self.workbooks).as_posix())
            stale = finding("proprietaire-perime", place, valeur=path.name, detail=str(owner))
            self.findings += [stale] if stale not in self.findings else []
            return None
        return owner

    def _say_open(self, target: str, waiting: str, owner: Owner | None) -> None:
        """Say that an output waits beside its place, and for whom where that is known."""
        remede = None
        if owner is not None:
            shown = owner.file.parent.name
            remede = (
                f"Ouvert par {owner} : à sa fermeture, la nouvelle version prendra sa place. Si personne ne l'a "
                f"plus ouvert, supprimez le fichier caché « {owner.file.name} » du dossier « {shown} »."
            )
        target_name, waiting_name = Path(target).name, Path(waiting).name
        self.findings.append(
            finding("sortie-ouverte", Place(target), valeur=target_name, attendu=waiting_name, suggestion=remede)
        )

    def _put(self, step: Step, staged: Path, sha256: str) -> None:
        target = self.path(step.target)
        target.parent.mkdir(parents=True, exist_ok=True)
        if trace(target) != step.before and digest(target) == sha256:  # copied to another disk, then stopped
            staged.unlink()
            return
        if (owner := self._owner(step.target)) is not None:
            self._put_beside(step, staged, sha256, owner)
            return
        try:
            self._give_way(step.target, step.before)
            self._patiently(lambda: _move(staged, target))
        except OSError as error:
            if error.errno not in _HELD:
                raise
            self._put_beside(step, staged, sha256, None)
        else:
            self._forget_beside(step.target)

    def _give_way(self, name: str, before: tuple[int, int] | None) -> None:
        """Keep under a dated name what somebody wrote at an output's place since the publication was prepared."""
        target = self.path(name)
        present = trace(target)
        if present is None or present == before:
            return
        copy = free_name(target.with_name(f"{target.stem} {dated(self.now)}{target.suffix}"))
        self._patiently(lambda: _keep_as(target, copy))
        self.findings.append(finding("sortie-modifiee", Place(name), valeur=target.name, attendu=copy.name))

    def _put_beside(self, step: Step, staged: Path, sha256: str, owner: Owner | None) -> None:
        target = self.path(step.target)
        self._forget_beside(step.target)
        path = free_name(target.with_name(f"{target.stem} {NEW}{target.suffix}"))
        name = path.relative_to(self.workbooks).as_posix()
        self.besides[step.target] = Beside(step.target, name, sha256, step.before)
        write_besides(self.besides_file, self.besides)  # before the file is there: it is nobody else's
        _move(staged, path)
        self._say_open(step.target, name, owner)

    def _forget_beside(self, name: str) -> None:
        """Take away the version of an output that waited, unless somebody wrote into it."""
        if (beside := self.besides.get(name)) is None:
            return
        if beside.path is not None and digest(self.path(beside.path)) == beside.sha256:
            self._remove_or_wait(beside.path)
        self._strike(name)

    def _strike(self, name: str) -> None:
        del self.besides[name]
        write_besides(self.besides_file, self.besides)

    def _remove_or_wait(self, name: str) -> None:
        """Remove an output, or note that it is to be removed once nobody has it open any more."""
        if self._owner(name) is None:
            self._patiently(self.path(name).unlink)
        else:
            self.besides[name] = Beside(name, None, None, trace(self.path(name)))
            write_besides(self.besides_file, self.besides)

    def _remove(self, step: Step) -> None:
        try:
            self._forget_beside(step.target)
            present = trace(self.path(step.target))
            if present is not None and present == step.before:  # another one is somebody's
                self._remove_or_wait(step.target)
        except OSError as error:
            if error.errno not in _HELD:
                raise
            self._say_stays(step.target, error)

    def _place_history(self, keeping: Keeping) -> None:
        previous, folder = self.staging / HISTORY, self.path(keeping.folder)
        if not previous.exists():
            return
        folder.mkdir(parents=True, exist_ok=True)
        latest = free_name(folder / keeping.name)
        self._patiently(lambda: _move(previous, latest))
        folder_to_disk(folder)
        (self.staging / DROPPED).mkdir(exist_ok=True)
        for rank, path in enumerate(_surplus(_dated_folders(folder), latest, keeping.keep)):
            try:
                path.rename(free_name(self.staging / DROPPED / f"{rank}"))  # away at once, whatever its size
            except OSError as error:
                self._say_stays(path.relative_to(self.workbooks).as_posix(), error)

    def _say_stays(self, name: str, error: OSError) -> None:
        place, detail = Place(name), system_reason(error)
        self.findings.append(finding("retrait-impossible", place, valeur=Path(name).name, detail=detail))

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


def _dated_folders(folder: Path) -> list[Path]:
    """The folders of the history, the oldest first: those whose name is a date as the program writes it."""
    dates = [(match, path) for path in folder.iterdir() if (match := _DATED.fullmatch(path.name)) and path.is_dir()]
    return [path for _, path in sorted(dates, key=lambda date: (date[0][1], int(date[0][2] or 1)))]


def _surplus(folders: list[Path], latest: Path, keep: int) -> list[Path]:
    """Of the folders of the history, the oldest first, those to remove so that ``keep`` stay; never ``latest``.

    A day of many saves does not push the days before it away: the last of each day stays, and the last ten whatever
    their day. The oldest of the others go first; where there are none any more, the oldest of all.
    """
    last_of_day = {path.name[:_DAY_LENGTH]: path for path in folders}
    spared = {*last_of_day.values(), *folders[-_RECENT:]}
    order = sorted((path for path in folders if path != latest), key=lambda path: path in spared)
    return order[: max(0, len(folders) - keep)]


def _keep_as(path: Path, copy: Path) -> None:
    """Give a file that is about to be replaced another name: beside its own, which nobody then finds empty; in its
    place where the disk has no second names, and on Windows, where what replaces it may be refused afterwards.
    """
    if sys.platform != "win32":
        with suppress(OSError):
            copy.hardlink_to(path)
            return
    path.rename(copy)


def _move(source: Path, target: Path) -> None:
    """Rename, over a file if there is one; to another disk, copy whole and then remove."""
    try:
        os.replace(source, target)  # noqa: PTH105 - a file or a folder
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        copy_whole(source, target)
        if source.is_dir():
            shutil.rmtree(source)
        else:
            source.unlink()
