"""What the watcher shows: a quiet board on a terminal, dated lines elsewhere and in the text log."""

from __future__ import annotations

import os
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tabellion.campaign.model import Consolidation, ReceivedFile, RequestEntry, RequestStatus, Verdict
from tabellion.commands.board import subject
from tabellion.commands.console import MARKS
from tabellion.commands.consolidate import ConsolidationRun
from tabellion.commands.run_log import RunLog, local_now
from tabellion.contract.register import register_settings
from tabellion.contract.workspace import Workspace
from tabellion.findings import Finding, Severity
from tabellion.watching.debounce import Batch
from tabellion.wording import one_line, plural, shortened

#: Lines that the board keeps in sight, and findings that a file's line names.
_LINES, _FINDINGS = 12, 2
#: Lines that one run makes of its files at most: an unzip brings hundreds.
_FILES = 10
#: Where the files come from that people move and remove.
_ARRIVING = "il arrive encore, et sera lu une fois complet"
_RETURNS = "retours"
#: Characters of a finding's message that a file's line shows; four times as many are a line's longest text.
_SHOWN = 160
_STYLES = {Severity.ERREUR: "bold red", Severity.AVERTISSEMENT: "yellow", Severity.INFORMATION: "cyan", None: "green"}


@dataclass(frozen=True)
class DisplayLine:
    """One thing that happened: when, to which file (or nothing), what, how grave (``None``: all is well)."""

    moment: datetime
    subject: str
    text: str
    severity: Severity | None = None


@dataclass
class WatchDisplay:
    """Makes lines of what happens and hands them to ``show``; ``log`` gets them too.

    ``heading`` shows the state above the lines; without it, the state of each run is a line of its own. ``before`` are
    the verdicts of the files at the last run, ``known_notices`` what that run said of itself: it is not said again at
    each run. ``is_waiting`` is true while the last run could not be made.
    """

    log: RunLog
    show: Callable[[DisplayLine], None]
    heading: Callable[[str], None] | None = None
    clock: Callable[[], datetime] = local_now
    before: dict[str, str] = field(default_factory=dict)
    known_notices: frozenset[Finding] = frozenset()
    is_waiting: bool = False
    arriving: frozenset[str] = frozenset()
    """The files that are still being written: that they are is all there is to say of them."""

    def started(self, workspace: Workspace, *, polling: bool) -> None:
        """The watch begins."""
        how = "en relisant les dossiers (partage réseau)" if polling else "par les avis du système"
        self.say("surveillance", f"{register_settings(workspace).titre} : {workspace.workbooks}, {how}")

    def working(self, batch: Batch) -> None:
        """A batch of changes is about to be answered."""
        count = len(batch.changed) + len(batch.removed)
        self._set_heading(f"{plural(count, 'fichier changé', 'fichiers changés') if count else 'mise à jour'}…")

    def answered(self, batch: Batch, run: ConsolidationRun, seconds: float) -> None:
        """The batch is answered: each file whose verdict is new, then what is left to do."""
        self.log.findings(run.notices)
        self.noticed([notice for notice in run.notices if notice not in self.known_notices])
        self.known_notices = frozenset(run.notices)
        files = {file.fichier: file for file in _files(run.consolidation)}
        now = {name: f"{file.verdict.value} {file.sha256}" for name, file in files.items()}
        now |= dict.fromkeys(self.arriving, _ARRIVING)
        # Of a kept copy that is needed no more nothing is to be said: the return that takes its place is.
        names = [
            name
            for name in sorted({*now, *self.before})
            if now.get(name) != self.before.get(name) and (name in now or name.startswith(f"{_RETURNS}/"))
        ]
        for name in [name for name in names if name in self.arriving]:
            self.say(name, _ARRIVING)
        names = [name for name in names if name not in self.arriving]
        self._say_files([(name, files.get(name)) for name in names])
        # The log says what blocks in the files that changed, not again in all the others.
        self.log.findings(finding for name in names if name in files for finding in files[name].findings)
        self.before = now
        self._say_contract(batch, run)
        took = f"{seconds:.1f}".replace(".", ",")
        text = f"{subject(run.consolidation)} · {'à jour' if run.written else 'rien de nouveau'} en {took} s"
        self._set_heading(text)
        if run.written or self.is_waiting:
            state = text.removeprefix("tabellion ")
            if self.heading is None:
                self.say("consolidation", state)
            else:
                self.log.say("veille", f"consolidation : {state}")
        self.is_waiting = False

    def carried_out(self, entry: RequestEntry) -> None:
        """What came of a request made in Excel."""
        gravite = None if entry.status is RequestStatus.DONE else Severity.AVERTISSEMENT
        by = f" (demandé par {entry.who})" if entry.who else ""
        self.say(f"demande « {entry.code} »", f"{entry.result}{by}", gravite)

    def _say_files(self, files: list[tuple[str, ReceivedFile | None]]) -> None:
        """Each file on its line; of very many, the gravest, then how many more there are of each kind."""
        if len(files) > _FILES:  # the gravest first, those with nothing to say last
            order = [*Severity, None]
            files.sort(key=lambda item: order.index(_severity(item[1])))
        for name, file in files[:_FILES]:
            self.say(name, _verdict(file), _severity(file))
        unlisted = [file for _, file in files[_FILES:]]
        if unlisted:
            kinds = Counter("retiré" if file is None else file.verdict.value for file in unlisted)
            counts = ", ".join(f"{kind} ({count})" for kind, count in kinds.most_common())
            self.say(plural(len(unlisted), "autre fichier", "autres fichiers"), counts, _severity(unlisted[0]))

    def _say_contract(self, batch: Batch, run: ConsolidationRun) -> None:
        """What the workbook of the contract says, when it is what changed."""
        for path in sorted(batch.changed):
            if path.parent.name == "workbooks" and path.suffix == ".xlsx":
                findings = [finding for finding in run.consolidation.findings if finding.place.fichier == path.name]
                self.say(path.name, _counts(findings), min((finding.gravite for finding in findings), default=None))

    def noticed(self, findings: Sequence[Finding]) -> None:
        """Something to say that is no run's: a share that went away, a mail that could not be sent."""
        for finding in findings:
            self.say(str(finding.place), f"{finding.message} → {finding.suggestion}", finding.gravite)

    def refused(self, findings: Sequence[Finding]) -> None:
        """A run could not be made."""
        self.is_waiting = True
        self.log.findings(findings)
        self.noticed(findings[:_FINDINGS])
        self._set_heading("en attente : " + plural(len(findings), "point à régler", "points à régler"))

    def crashed(self, error: Exception, report: Path | None) -> None:
        """A run, or a thread, met a mistake of the program; its details are in ``report``. The watch goes on."""
        self.is_waiting = True
        where = f" ; le détail est dans {report}" if report is not None else ""
        self.say("erreur interne", f"{type(error).__name__}{where}", Severity.ERREUR)

    def stopped(self) -> None:
        """The watch ends."""
        self.say("surveillance", "arrêtée")

    def _set_heading(self, text: str) -> None:
        if self.heading is not None:
            self.heading(one_line(text))

    def say(self, kind: str, text: str, severity: Severity | None = None) -> None:
        """Show one line, and write it in the log."""
        line = DisplayLine(self.clock(), one_line(kind), shortened(one_line(text), 4 * _SHOWN), severity)
        self.show(line)
        self.log.say("veille", f"{line.subject} : {line.text}")


def _files(consolidation: Consolidation) -> Iterator[ReceivedFile]:
    for line in consolidation.board:
        yield from line.received
    yield from consolidation.strays


def _verdict(file: ReceivedFile | None) -> str:
    """What became of a file, and its gravest findings; ``None`` is one that is gone."""
    if file is None:
        return "retiré"
    if file.is_kept_copy:
        return f"{file.verdict.value} (copie gardée)"
    ranked = sorted(file.findings, key=lambda finding: (not finding.bloquant, finding.gravite))
    grave = [finding for finding in ranked if finding.gravite is not Severity.INFORMATION]
    in_cells = [
        f"{finding.place.feuille} {finding.place.cellule or ''} : {finding.message}"
        for finding in grave
        if finding.place.feuille
    ]
    # What is said of the whole file says why it is refused, where no cell does.
    messages = in_cells or [finding.message for finding in grave]
    text = " · ".join(shortened(message, _SHOWN) for message in messages[:_FINDINGS])
    return f"{file.verdict.value}, {_counts(file.findings)}" + (f" — {text}" if text else "")


def _counts(findings: Sequence[Finding]) -> str:
    counts = Counter(finding.gravite for finding in findings)
    grades = (Severity.ERREUR, Severity.AVERTISSEMENT)
    return ", ".join(plural(counts[grade], grade.label) for grade in grades if counts[grade]) or "rien à corriger"


def _severity(file: ReceivedFile | None) -> Severity | None:
    if file is None:
        return None
    if file.verdict in (Verdict.REJECTED, Verdict.UNREADABLE, Verdict.UNDECIDED, Verdict.FOREIGN):
        return Severity.ERREUR
    return min((finding.gravite for finding in file.findings), default=None)


@contextmanager
def watch_display(log: RunLog) -> Iterator[WatchDisplay]:
    """The display for where the program runs: a live board on a terminal, else one line an event."""
    if not sys.stdout.isatty():
        yield WatchDisplay(log, _print)
        return
    lines, state = deque[DisplayLine](maxlen=_LINES), "…"
    with Live(_board(state, lines), console=Console(), auto_refresh=False, transient=False) as live:

        def show(line: DisplayLine) -> None:
            lines.append(line)
            live.update(_board(state, lines), refresh=True)

        def set_state(text: str) -> None:
            nonlocal state
            state = text
            live.update(_board(state, lines), refresh=True)

        yield WatchDisplay(log, show, set_state)


def _print(line: DisplayLine) -> None:
    try:
        typer.echo(f"{line.moment.isoformat(timespec='seconds')} {_mark(line)} {line.subject} : {line.text}")
        sys.stdout.flush()
    except OSError:  # its reader has left, or its disk is full: nothing to stop the watch for
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _mark(line: DisplayLine) -> str:
    return "✓" if line.severity is None else MARKS[line.severity]


def _board(state: str, lines: Sequence[DisplayLine]) -> Group:
    """What the terminal shows: the state, the last lines, how to stop."""
    table = Table.grid(padding=(0, 1), expand=True)
    for ratio in (None, None, 2, 5):
        table.add_column(ratio=ratio, no_wrap=ratio is None, overflow="fold")
    for line in lines:
        style = _STYLES[line.severity]
        table.add_row(
            Text(f"{line.moment:%H:%M:%S}", style="dim"), Text(_mark(line), style=style),
            Text(line.subject), Text(line.text, style=style if line.severity is Severity.ERREUR else ""),
        )  # fmt: skip
    return Group(Text(state, style="bold"), table, Text("Ctrl+C pour arrêter", style="dim"))
