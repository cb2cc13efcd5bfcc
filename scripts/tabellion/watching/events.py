"""The events of a workspace, from the system where it tells them, from sweeps everywhere: one callback, files only."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from watchdog.events import FileSystemEvent, FileSystemEventHandler

from tabellion.contract.workspace import Workspace
from tabellion.findings import Finding, Place, finding
from tabellion.transaction.files import is_owner_file
from tabellion.watching.filters import Concern, concerns
from tabellion.watching.fingerprint import Look
from tabellion.watching.native import Native
from tabellion.watching.polling import SweepObserver
from tabellion.watching.scanner import Scanner, Sweep
from tabellion.wording import system_reason

#: Seconds between two sweeps: when they are all there is, and when they only make sure that the system told everything.
POLL_SECONDS, SWEEP_SECONDS = 2.0, 30.0
_STOP_SECONDS = 1.0
#: So many times the system may leave a change untold; it is then not relied on any more.
_FORGIVEN = 1
_LIMITS = {
    errno.ENOSPC: "la limite de dossiers suivis est atteinte",
    errno.EMFILE: "la limite de programmes qui suivent des dossiers, ou de fichiers ouverts, est atteinte",
    errno.ENFILE: "la limite de fichiers ouverts est atteinte",
    errno.ENOMEM: "la mémoire du système est épuisée",
}


@dataclass(frozen=True)
class Event:
    """Something happened to the file at ``path``, heard at ``moment`` (``time.monotonic``)."""

    moment: float
    path: Path
    concern: Concern


class Watcher:
    """Follows a workspace, in threads of its own. ``on_event`` and ``on_notice`` are called from them: they hand over
    to the loop's queue and return at once.

    What happens to folders is told as what happened to their files. While a main folder is away (see
    :func:`tabellion.watching.snapshot.vanished`) sweeps tell nothing, and what changed meanwhile when it is back.
    """

    def __init__(
        self,
        workspace: Workspace,
        on_event: Callable[[Event], None],
        on_notice: Callable[[Finding], None],
        *,
        polling: bool = False,
        poll_seconds: float = POLL_SECONDS,
        sweep_seconds: float = SWEEP_SECONDS,
    ) -> None:
        self.workspace, self.is_polling = workspace, polling
        self._on_event, self._on_notice = on_event, on_notice
        self._poll_seconds, self._sweep_seconds = poll_seconds, sweep_seconds
        self.scanner = Scanner(workspace)
        self._native: Native | None = None
        self._sweeper: SweepObserver | None = None
        self._is_native_broken = self._is_absence_said = False
        self._untold = 0
        self._told: set[str] = set()
        self._to_be_told: set[str] = set()

    def start(self) -> None:
        """Begin to watch. What changes from here on is told; :attr:`known` is how everything was."""
        self._refresh()
        self.scanner.sweep()
        self._start_sweeping()

    def stop(self) -> None:
        """End all threads; one that hangs on a share that does not answer is left behind after a second (it ends with
        the process)."""
        ending = threading.Thread(target=self._end, daemon=True)
        ending.start()
        ending.join(_STOP_SECONDS)

    def _end(self) -> None:
        for each in (self._native, self._sweeper):
            if each is not None:
                each.stop()
        if self._sweeper is not None:
            self._sweeper.join(_STOP_SECONDS)

    def __enter__(self) -> Watcher:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def known(self) -> Mapping[Path, Look]:
        """How every file was at the last sweep: what a :class:`~tabellion.watching.debounce.Settler` starts from."""
        return self.scanner.known

    @property
    def is_away(self) -> bool:
        """Whether, at the last sweep, a main folder was away: nothing is to be run then."""
        return self.scanner.absence is not None

    def is_present(self) -> bool:
        """Whether the folders are there at this moment; looks at the disk."""
        return self.scanner.is_present()

    def nudge(self) -> None:
        """Sweep soon."""
        if self._sweeper is not None:
            self._sweeper.nudge()

    def tend(self) -> None:
        """Start again what died; to be called now and then from the loop. Does not look at the disk."""
        native, sweeper = self._native, self._sweeper
        if native is not None and not native.is_sound() and not self._is_native_broken:
            self._is_native_broken = True
            self._say_restarted()
            self.nudge()
        if sweeper is not None and not all(each.is_alive() for each in (sweeper, *sweeper.emitters.copy())):
            sweeper.stop()
            self._say_restarted()
            self._start_sweeping()
            self.nudge()

    # From here on, in the thread of the sweeps (and in that of ``start``, before it).

    def _start_sweeping(self) -> None:
        self._sweeper = SweepObserver(self._sweep, self._rest)
        self._sweeper.follow(_Handler(self._heard_by_sweep, self.nudge), self.workspace.root)

    def _rest(self) -> float:
        """Seconds until the next sweep."""
        return self._poll_seconds if self.is_polling or self.is_away else self._sweep_seconds

    def _sweep(self) -> Iterable[Path]:
        was_away = self.is_away
        self._refresh()
        told, self._told = self._told, set()
        sweep = self.scanner.sweep()
        self._say_presence(sweep, was_away=was_away)
        if not self.is_polling:
            self._check_hearing(sweep, told)
        # What an input is now is remembered; that an owner file went is news once, and the system may have told it.
        return [path for path in sweep.changed if not (is_owner_file(path.name) and str(path) in told)]

    def _refresh(self) -> None:
        """Let the system tell of every folder that is there now; where it cannot, poll."""
        if self._is_native_broken and self._native is not None:
            self._native.stop()
            self._native = None
        self._is_native_broken = False
        if self.is_polling:
            return
        try:
            if self._native is None:
                self._native = Native(self.workspace, _Handler(self._heard, self.nudge))
            if self._native.refresh():
                self._to_be_told.clear()
        except (OSError, RuntimeError) as error:  # no thread can be started
            self._poll("surveillance-limitee", str(self.workspace.root), _detail(error))

    def _poll(self, code: str, where: str, detail: str) -> None:
        self.is_polling = True
        if self._native is not None:
            self._native.stop()
            self._native = None
        place, every = Place(where), f"{self._poll_seconds:g}".replace(".", ",")
        if code == "surveillance-limitee":
            self._on_notice(finding("surveillance-limitee", place, detail=detail, every=every))
        else:
            self._on_notice(finding("surveillance-sourde", place, valeur=Path(where).name, every=every))

    def _check_hearing(self, sweep: Sweep, told: set[str]) -> None:
        """Find out whether the system tells nothing of some folders, as of file systems that it does not control.

        What a sweep finds, the system may still tell a moment later: it has until the next one.
        """
        missed = [path for path in self._to_be_told if not _was_told(path, told)]
        self._to_be_told = set()
        if sweep.absence is not None or sweep.is_back:
            return
        self._to_be_told = {path for path in map(str, sweep.changed) if not _was_told(path, told)}
        if missed:
            self._untold += 1
            self._is_native_broken = True
            if self._untold > _FORGIVEN:
                self._poll("surveillance-sourde", missed[0], "")

    def _say_presence(self, sweep: Sweep, *, was_away: bool) -> None:
        """Say that a folder is away once it was twice, and that it is back if that was said: an editor that saves
        ``tabellion.toml`` takes it away for a moment."""
        if sweep.absence is not None and was_away and not self._is_absence_said:
            self._is_absence_said = True
            place, name = Place(sweep.absence.path), Path(sweep.absence.path).name
            self._on_notice(finding("dossier-disparu", place, valeur=name, detail=sweep.absence.detail))
        elif sweep.absence is None and self._is_absence_said:
            self._is_absence_said = False
            self._on_notice(finding("dossier-revenu", Place(str(self.workspace.root))))

    def _heard(self, path: str, *, is_folder: bool) -> None:
        """The system told something."""
        self._told.add(path)
        if not is_folder:
            self._heard_by_sweep(path, is_folder=False)

    def _heard_by_sweep(self, path: str, *, is_folder: bool) -> None:
        concern = None if is_folder else concerns(Path(path), self.workspace)
        if concern is not None:
            self._on_event(Event(time.monotonic(), Path(path), concern))

    def _say_restarted(self) -> None:
        self._on_notice(finding("surveillance-relancee", Place(str(self.workspace.root))))


class _Handler(FileSystemEventHandler):
    """What watchdog calls: every path of an event is heard; what happens to a folder asks for a sweep."""

    def __init__(self, heard: Callable[..., None], nudge: Callable[[], None]) -> None:
        self._heard, self._nudge = heard, nudge

    def dispatch(self, event: FileSystemEvent) -> None:
        """Take one event in."""
        for path in (event.src_path, event.dest_path):
            if path:
                self._heard(os.fsdecode(path), is_folder=event.is_directory)
        if event.is_directory:
            self._nudge()


def _was_told(path: str, told: set[str]) -> bool:
    """Whether the system told of a file, or of a folder above it."""
    return path in told or any(str(each) in told for each in Path(path).parents)


def _detail(error: OSError | RuntimeError) -> str:
    if isinstance(error, OSError):
        return _LIMITS.get(error.errno or 0) or system_reason(error)
    return "aucun fil d'exécution de plus ne peut être lancé"
