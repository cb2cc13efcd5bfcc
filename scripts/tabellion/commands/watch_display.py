"""How the watcher speaks: a quiet board on a terminal, dated lines elsewhere and in the text log."""

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

from tabellion.campaign.model import Consolidation, ReceivedFile, Verdict
from tabellion.commands.board import subject
from tabellion.commands.console import printable
from tabellion.commands.consolidate import ConsolidationRun
from tabellion.commands.run_log import RunLog, local_now
from tabellion.contract.workspace import Workspace
from tabellion.findings import Finding, Severity
from tabellion.watching.debounce import Batch
from tabellion.wording import plural

#: Lines that the board keeps in sight, and findings that a file's line names.
_LINES, _FINDINGS = 12, 2
#: Lines that one run makes of its files at most: an unzip brings hundreds.
_FILES = 10
#: Where the files come from that people move and remove.
_RETURNS = "retours"
_SHOWN = 160


@dataclass(frozen=True)
class Line:
    """One thing that happened: when, to which file (or nothing), what, how grave (``None``: all is well)."""

    moment: datetime
    what: str
    text: str
    gravity: Severity | None = None


@dataclass
class Speaker:
    """Makes lines of what happens and hands them to ``show``; ``log`` gets them too."""

    log: RunLog
    show: Callable[[Line], None]
    heading: Callable[[str], None] | None = None
    """Shows the state above the lines; without it, the state of each run is a line of its own."""
    clock: Callable[[], datetime] = local_now
    before: dict[str, str] = field(default_factory=dict)
    """The verdict of each file at the last run."""
    told: frozenset[Finding] = frozenset()
    """What the last run said of itself: what stays so is not said again at each run."""
    is_waiting: bool = False
    """Whether the last run could not be made."""

    def started(self, workspace: Workspace, *, polling: bool) -> None:
        """The watch begins."""
        how = "en relisant les dossiers (partage réseau)" if polling else "par les avis du système"
        self.say("surveillance", f"{workspace.settings.titre} : {workspace.workbooks}, {how}")

    def working(self, batch: Batch) -> None:
        """A settled change is about to be answered."""
        count = len(batch.changed) + len(batch.gone)
        what = plural(count, "fichier changé", "fichiers changés") if count else "mise à jour"
        self._head(f"{what}…")

    def answered(self, batch: Batch, night: ConsolidationRun, seconds: float) -> None:
        """It is: each file whose verdict is new, then what is left to do."""
        self.log.findings(night.notices)
        self.noticed([each for each in night.notices if each not in self.told])
        self.told = frozenset(night.notices)
        verdicts = {each.fichier: each for each in _files(night.consolidation)}
        now = {name: f"{each.verdict.value} {each.sha256}" for name, each in verdicts.items()}
        names = sorted(name for name in {*now, *self.before} if now.get(name) != self.before.get(name))
        # Of a kept copy that is needed no more nothing is to be said: the return that takes its place is.
        kept = {name for name in names if name not in now and not name.startswith(f"{_RETURNS}/")}
        self._say_files([(name, verdicts.get(name)) for name in names if name not in kept])
        # The log says what blocks in the files that changed, not again in all the others.
        self.log.findings(each for name in names if name in verdicts for each in verdicts[name].findings)
        self.before = now
        self._master(batch, night)
        state = "à jour" if night.written else "rien de nouveau"
        took = f"{seconds:.1f}".replace(".", ",")
        text = f"{subject(night.consolidation)} · {state} en {took} s"
        self._head(text)
        if night.written or self.is_waiting:
            self._say_state(text.removeprefix("tabellion "))
        self.is_waiting = False

    def _say_files(self, files: list[tuple[str, ReceivedFile | None]]) -> None:
        """Each file on its line; of very many, the gravest, then how many more there are of each kind."""
        if len(files) > _FILES:
            files.sort(key=lambda each: _rank(each[1]))
        for name, received in files[:_FILES]:
            self.say(name, _became(received), _gravity(received))
        rest = files[_FILES:]
        if rest:
            kinds = Counter("retiré" if each is None else each.verdict.value for _, each in rest)
            counts = ", ".join(f"{kind} ({count})" for kind, count in kinds.most_common())
            gravest = next((_gravity(each) for _, each in rest), None)
            self.say(plural(len(rest), "autre fichier", "autres fichiers"), counts, gravest)

    def _master(self, batch: Batch, night: ConsolidationRun) -> None:
        """What the workbook of the contract says, when it is what changed."""
        for path in sorted(batch.changed):
            found = [each for each in night.consolidation.findings if each.place.fichier == path.name]
            if path.parent.name == "workbooks" and path.suffix == ".xlsx":
                self.say(path.name, _counts(found), min((each.gravite for each in found), default=None))

    def noticed(self, findings: list[Finding]) -> None:
        """Something to say that is no run's."""
        for each in findings:
            self.say(str(each.place), f"{each.message} → {each.suggestion}", each.gravite)

    def refused(self, findings: Sequence[Finding]) -> None:
        """A run could not be made."""
        self.is_waiting = True
        self.log.findings(findings)
        for each in findings[:_FINDINGS]:
            self.say(str(each.place), f"{each.message} → {each.suggestion}", each.gravite)
        self._head("en attente : " + plural(len(findings), "point à régler", "points à régler"))

    def crashed(self, error: Exception, kept: Path | None) -> None:
        """A mistake of the program: said, and the watch goes on."""
        self.is_waiting = True
        where = f" ; le détail est dans {kept}" if kept is not None else ""
        self.say("erreur interne", f"{type(error).__name__}{where}", Severity.ERREUR)

    def stopped(self) -> None:
        """The watch ends."""
        self.say("surveillance", "arrêtée")

    def _head(self, text: str) -> None:
        if self.heading is not None:
            self.heading(printable(text))

    def _say_state(self, text: str) -> None:
        if self.heading is None:
            self.say("consolidation", text)
        else:
            self.log.say("veille", f"consolidation : {text}")

    def say(self, what: str, text: str, gravity: Severity | None = None) -> None:
        """Say one line."""
        line = Line(self.clock(), printable(what), printable(text)[: 4 * _SHOWN], gravity)
        self.show(line)
        self.log.say("veille", f"{line.what} : {line.text}")


def _files(consolidation: Consolidation) -> Iterator[ReceivedFile]:
    for line in consolidation.board:
        yield from line.received
    yield from consolidation.strays


def _said_of(received: ReceivedFile) -> str:
    first = sorted((each for each in received.findings), key=lambda each: (not each.bloquant, each.gravite))
    grave = [each for each in first if each.gravite is not Severity.INFORMATION]
    # What is said of the whole file says why it is refused, where no cell does.
    told = [f"{each.place.feuille} {each.place.cellule or ''} : {each.message}" for each in grave if each.place.feuille]
    words = told or [each.message for each in grave]
    text = " · ".join(each[:_SHOWN] for each in words[:_FINDINGS])
    return f"{received.verdict.value}, {_counts(received.findings)}" + (f" — {text}" if text else "")


def _counts(findings: Sequence[Finding]) -> str:
    parts = []
    for severity in (Severity.ERREUR, Severity.AVERTISSEMENT):
        count = sum(each.gravite is severity for each in findings)
        if count:
            parts.append(plural(count, severity.label))
    return ", ".join(parts) or "rien à corriger"


def _became(received: ReceivedFile | None) -> str:
    if received is None:
        return "retiré"
    return f"{received.verdict.value} (copie gardée)" if received.is_kept_copy else _said_of(received)


def _rank(received: ReceivedFile | None) -> tuple[bool, Severity]:
    """The gravest first, those with nothing to say last."""
    gravity = _gravity(received)
    return gravity is None, Severity.INFORMATION if gravity is None else gravity


def _gravity(received: ReceivedFile | None) -> Severity | None:
    if received is None:
        return None
    if received.verdict in (Verdict.REJECTED, Verdict.UNREADABLE, Verdict.UNDECIDED, Verdict.FOREIGN):
        return Severity.ERREUR
    return min((each.gravite for each in received.findings), default=None)


_MARKS = {Severity.ERREUR: "✗", Severity.AVERTISSEMENT: "!", Severity.INFORMATION: "i", None: "✓"}
_STYLES = {Severity.ERREUR: "bold red", Severity.AVERTISSEMENT: "yellow", Severity.INFORMATION: "cyan", None: "green"}


@contextmanager
def speaking(log: RunLog) -> Iterator[Speaker]:
    """The speaker for where the program runs: a live board on a terminal, else one line an event."""
    if not sys.stdout.isatty():
        yield Speaker(log, _print)
        return
    board = _Board()
    with Live(board.shown(), console=Console(), auto_refresh=False, transient=False) as live:

        def show(line: Line) -> None:
            board.lines.append(line)
            live.update(board.shown(), refresh=True)

        def head(text: str) -> None:
            board.heading = text
            live.update(board.shown(), refresh=True)

        yield Speaker(log, show, head)


def _print(line: Line) -> None:
    try:
        typer.echo(f"{line.moment.isoformat(timespec='seconds')} {_MARKS[line.gravity]} {line.what} : {line.text}")
        sys.stdout.flush()
    except OSError:  # whoever read it has left, or its disk is full: nothing to stop the watch for
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Board:
    """The last lines under a heading."""

    def __init__(self) -> None:
        self.heading = "…"
        self.lines: deque[Line] = deque(maxlen=_LINES)

    def shown(self) -> Group:
        """What the terminal shows."""
        table = Table.grid(padding=(0, 1), expand=True)
        for ratio in (None, None, 2, 5):
            table.add_column(ratio=ratio, no_wrap=ratio is None, overflow="fold")
        for each in self.lines:
            style = _STYLES[each.gravity]
            table.add_row(
                Text(f"{each.moment:%H:%M:%S}", style="dim"), Text(_MARKS[each.gravity], style=style),
                Text(each.what), Text(each.text, style=style if each.gravity is Severity.ERREUR else ""),
            )  # fmt: skip
        foot = Text("Ctrl+C pour arrêter", style="dim")
        return Group(Text(self.heading, style="bold"), table, foot)
