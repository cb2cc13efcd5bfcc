"""``--journal-texte``: a plain log for whoever looks after the nightly run, one dated line per fact.

A line is written at once and whole: a run that is killed loses at most its last one. What a file from outside says
cannot forge a line. The file only grows: its rotation is the system's (logrotate …), and may happen at any time without
telling the program, which opens the file anew when another one, or none, has its name.
"""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType

import typer

from tabellion import __version__
from tabellion.campaign.model import BoardLine, Consolidation, ReceivedFile, ReturnStatus
from tabellion.commands.board import change_texts, subject
from tabellion.commands.console import print_findings, printable
from tabellion.findings import Finding, Place, Severity, TabellionError, finding
from tabellion.transaction.files import begins_otherwise
from tabellion.wording import plural, system_reason

#: A line's longest text, in characters, and the changes and blocking findings that one run writes; more are counted.
_LONGEST, _NAMED_AT_MOST = 1_000, 500
#: How a log of ours begins: by a dated line, or by the rest of one where somebody cut the file shorter.
_LINE = re.compile(rb"(?:.*\n)?\d{4}-\d{2}-\d{2}T")
_INTERRUPTED, _REFUSED, _CRASHED = 2, 2, 3


def local_now() -> datetime:
    """The time of the machine's own zone, which it carries: a log is read beside those of other programs."""
    return datetime.now().astimezone()


class RunLog:
    """The text log of one run; without ``path``, it writes nothing and says nothing.

    Used as a context: it writes the start, then what it is told, then the end with the exit code and the duration,
    also where the run is refused, interrupted or crashes. It never raises because of the file: what went wrong with it
    is ``failure``, and :meth:`end` says it.
    """

    def __init__(
        self, path: Path | None, command: str, folder: Path, clock: Callable[[], datetime] = local_now
    ) -> None:
        self.path, self.command, self.folder, self.clock = path, command, folder, clock
        self.failure: Finding | None = None
        self._descriptor: int | None = None
        self._is_ended = False
        self._start = 0.0

    def __enter__(self) -> RunLog:
        # Not the clock: it may be moved during the night.
        self._start = time.monotonic()
        self._open()
        self.say("début", f"tabellion {__version__}, {self.command}, {self.folder.absolute()}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if not self._is_ended:
                self._end_of(error)
                self._say_failure()
        finally:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None

    def consolidation(self, consolidation: Consolidation, *, is_new: bool = True) -> None:
        """Write what this run changed, each file with its verdict, who is late, what blocks, and the summary.

        ``is_new`` is false when the outputs in place already said all of it.
        """
        since = consolidation.since
        if not is_new:
            self.say("changement", f"aucun depuis le {consolidation.made.isoformat(' ', 'minutes')}")
        elif since.previous is None:
            self.say("changement", "première consolidation de ce contrat")
        elif since.is_empty:
            self.say("changement", f"aucun depuis le {since.previous.isoformat(' ', 'minutes')}")
        else:
            for text in change_texts(consolidation, most=_NAMED_AT_MOST):
                self.say("changement", text)
        files: dict[str, tuple[ReceivedFile, BoardLine | None]] = {
            each.fichier: (each, None) for each in consolidation.strays
        }
        files |= {each.fichier: (each, line) for line in consolidation.board for each in line.received}
        for name in sorted(files):
            self.say("fichier", _verdict(*files[name]))
        for line in consolidation.board:
            if line.status is ReturnStatus.LATE:
                due = f", attendu le {line.due.isoformat()}" if line.due is not None else ""
                self.say("retard", f"{line.nom} ({line.exercice}){due} : rien reçu")
        self.findings(consolidation.findings)
        self.say("résumé", subject(consolidation))

    def findings(self, findings: Iterable[Finding]) -> None:
        """Write each blocking finding on its line: the place, what is wrong, its code, the remedy."""
        blocking = [each for each in findings if each.bloquant]
        for each in blocking[:_NAMED_AT_MOST]:
            place = f"{each.place} : " if str(each.place) else ""
            self.say("bloque", f"{place}{each.message} [{each.code}] → {each.suggestion}")
        if len(blocking) > _NAMED_AT_MOST:
            self.say("bloque", f"et {plural(len(blocking) - _NAMED_AT_MOST, 'autre')} : constats.json les a tous")

    def say(self, kind: str, text: str) -> None:
        """Write one line: the time, the process's number (two runs may write at once), the kind of fact, the text."""
        self._follow()
        if self._descriptor is None:
            return
        line = printable(f"{kind} : {text}")
        if len(line) > _LONGEST:
            line = line[: _LONGEST - 1] + "…"
        stamp = self.clock().isoformat(timespec="seconds")
        self._write(f"{stamp} [{os.getpid()}] {line}\n".encode("utf-8", "replace"))

    def end(self, code: int) -> int:
        """Write the last line and return the run's exit code: ``code``, or that of wrong use if the log failed.

        What went wrong with the log is then printed on the error stream; the rest of the run stands.
        """
        self._write_end(code)
        if self.failure is None:
            return code
        self._say_failure()
        typer.echo("\nLe reste est fait ; seul le journal texte n'est pas écrit.", err=True)
        return max(code, _REFUSED)

    def _say_failure(self) -> None:
        if self.failure is not None:
            print_findings([self.failure], to_errors=True)

    def _end_of(self, error: BaseException | None) -> None:
        if error is None:
            self._write_end(0)
        elif isinstance(error, typer.Exit):
            self._write_end(error.exit_code)
        elif isinstance(error, TabellionError):
            self.findings(error.findings)
            self._write_end(_REFUSED, "rien n'a été écrit")
        elif isinstance(error, KeyboardInterrupt):
            self._write_end(_INTERRUPTED, "interrompu")
        else:
            self._write_end(_CRASHED, f"erreur interne {type(error).__name__} : {error}")

    def _write_end(self, code: int, detail: str = "") -> None:
        self._is_ended = True
        seconds = f"{time.monotonic() - self._start:.1f}".replace(".", ",")
        self.say("fin", f"code {code}, {seconds} s{f', {detail}' if detail else ''}")

    def _open(self) -> None:
        if self.path is None:
            return
        if begins_otherwise(self.path, _LINE):
            remede = "Ce n'est pas un journal de tabellion : donnez à --journal-texte le nom d'un fichier à créer."
            self.failure = finding("fichier-deja-la", Place(str(self.path)), valeur=self.path.name, remede=remede)
            return
        # A pipe that nobody reads must not hold the night up (Windows has none of these).
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self.path, flags | getattr(os, "O_CLOEXEC", 0), 0o666)
            if hasattr(os, "O_NONBLOCK"):
                os.set_blocking(self._descriptor, True)
            if self._is_cut():
                self._write(b"\n")
        except OSError as error:
            self._give_up(error)

    def _follow(self) -> None:
        """Open the file anew where the system rotated it away meanwhile: the watcher's run lasts for months."""
        if self.path is None or self._descriptor is None:
            return
        now, mine = None, os.fstat(self._descriptor)
        with suppress(OSError):
            now = self.path.stat()
        if now is None or (now.st_dev, now.st_ino) != (mine.st_dev, mine.st_ino):
            os.close(self._descriptor)
            self._descriptor = None
            self._open()

    def _is_cut(self) -> bool:
        """Whether the file ends in the middle of a line: the power went, or the disk was full."""
        if self.path is None or self._descriptor is None:
            return False
        state = os.fstat(self._descriptor)
        if not stat.S_ISREG(state.st_mode) or not state.st_size:
            return False
        try:
            with self.path.open("rb") as stream:
                stream.seek(-1, os.SEEK_END)
                return stream.read(1) != b"\n"
        except OSError:  # it may be written but not read: the line before is then only joined to ours
            return False

    def _write(self, line: bytes) -> None:
        try:
            while line and self._descriptor is not None:
                line = line[os.write(self._descriptor, line) :]
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        name = self.path.name if self.path is not None else ""
        self.failure = finding("ecriture-impossible", Place(str(self.path)), valeur=name, detail=system_reason(error))


def _verdict(file: ReceivedFile, line: BoardLine | None) -> str:
    """One file and what became of it: whose it is, when it was saved, which file took its place, what is wrong."""
    owner = f"{line.nom}, {line.exercice}" if line is not None else file.partenaire or ""
    saved = f"enregistré le {file.saved.isoformat(' ', 'seconds')} UTC" if file.saved is not None else ""
    other = f"voir {file.other}" if file.other is not None else ""
    known = ", ".join(filter(None, (owner, saved, other)))
    counts = ", ".join(plural(file.counts[grade], grade.label) for grade in Severity if file.counts[grade])
    return f"{file.fichier} : {file.verdict.value}{f' ({known})' if known else ''}{f' – {counts}' if counts else ''}"
