"""What a run leaves for the person who looks after it: the text log of ``--journal-texte``, and crash reports.

The log has one dated line per fact. A line is written at once and whole: a run that is killed loses at most its last
one. What a file from outside says cannot forge a line. The file only grows: its rotation is the system's (logrotate …),
at any time.
"""

from __future__ import annotations

import errno
import logging
import os
import platform
import re
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime
from logging.handlers import WatchedFileHandler
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import typer

from tabellion import __version__
from tabellion.findings import Finding, TabellionError
from tabellion.transaction.files import already_there, begins_otherwise, cannot_write
from tabellion.wording import one_line, plural, shortened

if TYPE_CHECKING:
    from tabellion.campaign.model import Consolidation

#: A line's longest text, in characters.
_LONGEST = 1_000
#: How a log of ours begins: by a dated line, or by the rest of one where somebody cut the file shorter.
_LINE = re.compile(rb"(?:.*\n)?\d{4}-\d{2}-\d{2}T")
_INTERRUPTED, _REFUSED, _CRASHED = 2, 2, 3
#: Crash reports that a folder keeps: the same mistake may come back for months.
_CRASH_REPORTS = 20
_logger = logging.getLogger(__name__)
_logger.setLevel(logging.INFO)
_logger.propagate = False


def local_now() -> datetime:
    """The time of the machine's own zone, which it carries: a log is read beside those of other programs."""
    return datetime.now().astimezone()


class _LogFile(WatchedFileHandler):
    """Appends to a log of this program's and to no other file, opened anew where the system rotated it away.

    Raises ``OSError`` when the file cannot be written, :class:`TabellionError` when it is another one.
    """

    def __init__(self, path: Path, clock: Callable[[], datetime]) -> None:
        super().__init__(path, encoding="utf-8", delay=True, errors="replace")
        self._path, self._clock = path, clock

    def format(self, record: logging.LogRecord) -> str:
        """A line: the time, the process's number (two runs may write at once), the text."""
        return f"{self._clock().isoformat(timespec='seconds')} [{record.process}] {record.getMessage()}"

    def reopenIfNeeded(self) -> None:  # noqa: N802 - logging's name
        """Called before each line: the file at this path may be another one than a moment ago."""
        if self.stream is None or not self._is_in_place(os.fstat(self.stream.fileno())):
            self._prepare()
        super().reopenIfNeeded()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - logging's signature
        """Called where a line could not be written."""
        error = sys.exc_info()[1]
        if error is not None:
            raise error

    def forget(self) -> None:
        """Let go of the file, with what it could not take: the next line opens it anew."""
        stream, self.stream = self.stream, None
        with suppress(OSError, ValueError):
            if stream is not None:
                stream.close()

    def close(self) -> None:
        """Close the file; what could not be written was said."""
        with suppress(OSError):
            super().close()

    def _is_in_place(self, state: os.stat_result) -> bool:
        try:
            return os.path.samestat(self._path.stat(), state)
        except OSError:
            return False

    def _prepare(self) -> None:
        """Make sure that the file at this path can be appended to, and ends with a whole line."""
        if begins_otherwise(self._path, _LINE):
            remede = "Ce n'est pas un journal de tabellion : donnez à --journal-texte le nom d'un fichier à créer."
            raise TabellionError([already_there(self._path, remede)])
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # A pipe that nobody reads must not hold the night up (Windows has none of these).
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NONBLOCK", 0)
        descriptor = os.open(self._path, flags, 0o666)
        try:
            if self._is_cut():
                os.write(descriptor, b"\n")
        finally:
            os.close(descriptor)

    def _is_cut(self) -> bool:
        """Whether the file ends in the middle of a line: the power went, or the disk was full."""
        if not self._path.is_file():
            return False
        try:
            with self._path.open("rb") as stream:
                stream.seek(-1, os.SEEK_END)
                return stream.read(1) != b"\n"
        except OSError:  # it is empty, or may be written but not read: the line before is then only joined to ours
            return False


class RunLog:
    """The text log of one run; without ``path``, it writes nothing and says nothing.

    Used as a context: it writes the start, then what it is told, then the end with the exit code and the duration,
    also where the run is refused, interrupted or crashes. It never raises because of the file: what went wrong with it
    is ``failure``, and :meth:`end` says it. A line that cannot be written is lost, and counted; the next one is tried
    again, and says first how many were lost: a disk may be full for a moment of a watch that lasts for months.
    """

    def __init__(
        self, path: Path | None, command: str, folder: Path, clock: Callable[[], datetime] = local_now
    ) -> None:
        self.path, self.command, self.folder = path, command, folder
        self.failure: Finding | None = None
        self._file = _LogFile(path, clock) if path is not None else None
        self._is_ended = self._was_written = False
        self._lost = 0
        self._start = 0.0

    def __enter__(self) -> RunLog:
        # Not the clock: it may be moved during the night.
        self._start = time.monotonic()
        if self._file is not None:
            _logger.addHandler(self._file)
        self.say("début", f"tabellion {__version__}, {self.command}, {self.folder.absolute()}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if not self._is_ended:
                self._say_end_of(error)
                self._say_failure()
        finally:
            self._close()

    def consolidation(self, consolidation: Consolidation, *, is_new: bool = True) -> None:
        """Write what this run changed, each file with its verdict, who is late, what blocks, and the summary.

        ``is_new`` is false when the outputs in place already said all of it.
        """
        from tabellion.commands.run_lines import consolidation_lines

        self.lines(consolidation_lines(consolidation, is_new=is_new))

    def findings(self, findings: Iterable[Finding]) -> None:
        """Write each blocking finding on its line: the place, what is wrong, its code, the remedy."""
        from tabellion.commands.run_lines import finding_lines

        self.lines(finding_lines(findings))

    def lines(self, lines: Iterable[tuple[str, str]]) -> None:
        """Write these lines, each of a kind of fact and its text."""
        for kind, text in lines:
            self.say(kind, text)

    def say(self, kind: str, text: str) -> None:
        """Write one line; ``kind`` is the kind of fact."""
        if self._file is None:
            return
        line = shortened(one_line(f"{kind} : {text}"), _LONGEST)
        try:
            if self._lost:
                lost = plural(self._lost, "ligne n'a pas pu être écrite", "lignes n'ont pas pu être écrites")
                _logger.info("%s", f"journal : {lost} ici")
                self._lost, self.failure = 0, None
            _logger.info("%s", line)
            self._was_written = True
        except TabellionError as error:
            self.failure = error.findings[0]
            self._close()
        except (OSError, ValueError) as error:  # ValueError: of a stream that the first failure left closed
            reason = error if isinstance(error, OSError) else OSError(errno.EIO, str(error))
            self.failure = cannot_write(self.path or Path(), reason).findings[0]
            self._lost += 1
            self._file.forget()

    def end(self, code: int) -> int:
        """Write the last line and return the run's exit code: ``code``, or that of wrong use if no line was written.

        What went wrong with the log, and still does, is then printed on the error stream; the rest of the run stands.
        """
        self._say_end(code)
        if self.failure is None:
            return code
        self._say_failure()
        if self._was_written:
            lost = plural(
                self._lost,
                "ligne du journal texte n'a pas pu être écrite",
                "lignes du journal texte n'ont pas pu être écrites",
            )
            typer.echo(f"\nLe reste est fait ; {lost}.", err=True)
            return code
        typer.echo("\nLe reste est fait ; seul le journal texte n'est pas écrit.", err=True)
        return max(code, _REFUSED)

    def _close(self) -> None:
        if self._file is not None:
            _logger.removeHandler(self._file)
            self._file.close()
            self._file = None

    def _say_failure(self) -> None:
        if self.failure is not None:
            from tabellion.commands.console import print_findings

            print_findings([self.failure], to_errors=True)

    def _say_end_of(self, error: BaseException | None) -> None:
        if error is None:
            self._say_end(0)
        elif isinstance(error, typer.Exit):
            self._say_end(error.exit_code)
        elif isinstance(error, TabellionError):
            self.findings(error.findings)
            self._say_end(_REFUSED, "rien n'a été écrit")
        elif isinstance(error, KeyboardInterrupt):
            self._say_end(_INTERRUPTED, "interrompu")
        else:
            self._say_end(_CRASHED, f"erreur interne {type(error).__name__} : {error}")

    def _say_end(self, code: int, detail: str = "") -> None:
        self._is_ended = True
        seconds = f"{time.monotonic() - self._start:.1f}".replace(".", ",")
        self.say("fin", f"code {code}, {seconds} s{f', {detail}' if detail else ''}")


def crash_text(error: BaseException) -> str:
    """What a crash report says: the program, the machine, the error."""
    details = "".join(traceback.format_exception(error))
    return f"tabellion {__version__}, Python {platform.python_version()}, {platform.platform()}\n\n{details}"


def keep_crash(error: BaseException, folder: Path | None = None) -> Path | None:
    """Write a crash report, which people can send, into ``folder`` (the machine's temporary one by default).

    Returns where it is; ``None`` when it cannot be written. A folder keeps the last ones.
    """
    try:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", errors="replace", prefix="tabellion-erreur-", suffix=".txt", delete=False, dir=folder
        ) as report:
            report.write(crash_text(error))
    except OSError:
        return None
    if folder is not None:
        with suppress(OSError):
            reports = sorted(folder.glob("tabellion-erreur-*.txt"), key=lambda path: path.stat().st_mtime_ns)
            for path in reports[:-_CRASH_REPORTS]:
                path.unlink()
    return Path(report.name)
