"""What commands print: findings by file and sheet, gravest first, and their JSON; a bar while long work goes on."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import sys
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from tabellion.contract.book import REGISTER
from tabellion.findings import CATALOGUE, Finding, Json, Place, Severity, TabellionError, finding
from tabellion.transaction.files import begins_otherwise, write_whole
from tabellion.wording import bound, one_line, plural

if TYPE_CHECKING:
    from tabellion.campaign.read_returns import ReadProgress

JSON_VERSION = 1
#: How every JSON that an option asks for begins.
_RESULT = re.compile(rb'\s*\{\s*"version":\s*\d+,\s*"(?:constats|avant)":')
#: Findings of one code on one sheet beyond this many are counted, with their cells up to the second number.
_SHOWN_EACH, _NAMED_EACH = 5, 17
#: Columns that a line fills on a terminal at most; elsewhere (a log, a pipe) a finding is one line, to be searched.
_WIDEST = 120
MARKS = {Severity.ERREUR: "✗", Severity.AVERTISSEMENT: "!", Severity.INFORMATION: "i"}
_COLOURS = {Severity.ERREUR: "red", Severity.AVERTISSEMENT: "yellow", Severity.INFORMATION: "cyan"}

Write = Callable[..., None]


def summary(findings: Sequence[Finding]) -> str:
    """One sentence that counts the findings, and says whether one blocks."""
    if not findings:
        return "rien à signaler."
    counts = Counter(finding.gravite for finding in findings)
    parts = [plural(counts[severity], severity.label) for severity in Severity if counts[severity]]
    blocking = sum(finding.bloquant for finding in findings)
    end = f"{plural(blocking, 'bloquant')}." if blocking else "rien ne bloque."
    return ", ".join(parts) + " ; " + end


def print_findings(findings: Iterable[Finding], *, to_errors: bool = False) -> None:
    """Print findings by file, then by sheet, what blocks first; on the error stream when ``to_errors``."""
    terminal = (sys.stderr if to_errors else sys.stdout).isatty()
    width = min(shutil.get_terminal_size().columns, _WIDEST) if terminal else None
    colours = None if terminal and not os.environ.get("NO_COLOR") else False

    def write(text: str, indent: int = 0, **style: Any) -> None:
        margin = " " * indent
        lines = [margin + text]
        if width is not None and text:
            lines = textwrap.wrap(
                bound(text), width, initial_indent=margin, subsequent_indent=margin + "  ", break_on_hyphens=False
            )
        for line in lines:
            typer.secho(line, err=to_errors, color=colours, **style)

    for where, group in _by_sheet(findings):
        write("")
        write(one_line(where), bold=True)
        for same in _by_code(group):
            _print_same(write, same)


def _print_same(write: Write, same: list[Finding]) -> None:
    first = same[0]
    count = f", {len(same)} fois" if len(same) > 1 else ""
    grade = f"{MARKS[first.gravite]} {first.grade}"
    write(f"{grade} : {CATALOGUE[first.code].titre}{count} [{first.code}]", 2, fg=_COLOURS[first.gravite])
    shown = same[:_SHOWN_EACH]
    one_remedy = len({item.suggestion for item in shown}) == 1
    for item in shown:
        where = _where(item)
        write(one_line(f"{where} : {item.message}" if where else item.message), 6)
        if item.suggestion and not one_remedy:
            write(one_line(f"→ {item.suggestion}"), 8, dim=True)
    places_shown = {"", *map(_where, shown)}
    named = [where for where in dict.fromkeys(map(_where, same[_SHOWN_EACH:_NAMED_EACH])) if where not in places_shown]
    unnamed = sum(_where(item) not in named for item in same[_SHOWN_EACH:])
    also = [f"aussi : {', '.join(named)}"] if named else []
    more = [f"et {unnamed} de plus"] if unnamed else []
    if also or more:
        write(" ".join(also + more), 6, dim=True)
    if first.suggestion and one_remedy:
        write(one_line(f"→ {first.suggestion}"), 6, dim=True)


def _where(item: Finding) -> str:
    if item.place.cellule:
        return item.place.cellule
    if item.place.ligne is None:
        return ""
    is_register = Path(item.place.fichier or "").parent.name == REGISTER
    column = f", colonne {item.champ}" if item.champ and is_register else ""
    return f"ligne {item.place.ligne}{column}"


def _by_sheet(findings: Iterable[Finding]) -> Iterator[tuple[str, list[Finding]]]:
    """Findings by file in the order given, and in each file by sheet, the sheets where something blocks first."""
    files: dict[str | None, dict[str | None, list[Finding]]] = {}
    for item in findings:
        files.setdefault(item.place.fichier, {}).setdefault(item.place.feuille, []).append(item)
    for file, sheets in files.items():
        ranked = sorted(sheets.items(), key=lambda sheet: min((not item.bloquant, item.gravite) for item in sheet[1]))
        for sheet, group in ranked:
            yield " › ".join(part for part in (file, sheet) if part) or "Constats", group


def _by_code(group: list[Finding]) -> list[list[Finding]]:
    codes: dict[tuple[bool, Severity, str], list[Finding]] = {}
    for item in group:
        codes.setdefault((not item.bloquant, item.gravite, item.code), []).append(item)
    return [codes[key] for key in sorted(codes)]


def as_json(findings: Sequence[Finding]) -> Json:
    """The object that ``--json`` writes (DESIGN.md §6)."""
    counts = Counter(finding.gravite for finding in findings)
    files = Counter(finding.place.fichier or "" for finding in findings)
    return {
        "version": JSON_VERSION,
        "constats": [_finding_json(finding) for finding in findings],
        "resume": {
            **{severity.label: counts[severity] for severity in Severity},
            "bloquants": sum(finding.bloquant for finding in findings),
            "par_code": dict(sorted(Counter(finding.code for finding in findings).items())),
            "par_fichier": dict(sorted(files.items())),
        },
    }


def write_json(path: Path, findings: Sequence[Finding]) -> None:
    """Write :func:`as_json` at ``path``, whole.

    Raises :class:`tabellion.findings.TabellionError` when the place cannot be written, or holds another file.
    """
    if taken := taken_by_another(path):
        raise TabellionError([taken])
    text = json.dumps(as_json(findings), ensure_ascii=False, indent=2, allow_nan=False) + "\n"
    write_whole(path, text.encode("utf-8", "replace"))


def taken_by_another(path: Path) -> Finding | None:
    """What to say when ``--json`` names a file that is no result of this program's: a return, the contract, a list."""
    if not begins_otherwise(path, _RESULT):
        return None
    remede = "Ce n'est pas un résultat de tabellion : donnez à --json le nom d'un fichier à créer."
    return finding("fichier-deja-la", Place(str(path)), champ="--json", valeur=path.name, remede=remede)


def _finding_json(item: Finding) -> Json:
    """One finding, its values as JSON has them: an infinite or impossible number, which it has not, becomes text."""
    fields = item.as_json()
    for name in ("valeur", "attendu"):
        if isinstance(fields[name], float) and not math.isfinite(fields[name]):
            fields[name] = str(fields[name])
    return fields


Tell = Callable[[int, int, str], None]
"""Called with what is done, of how much, and what is being done now."""

#: Below this many files the reading ends before a bar is of use.
_FEW = 20
#: How often the bar of a reading is drawn, however fast it goes.
_DRAWN = 20


@contextmanager
def reading_progress(*, quiet: bool = False) -> Iterator[ReadProgress | None]:
    """What to tell how many files are read; ``None`` where there is no terminal, or ``quiet``."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("reste"), TimeRemainingColumn()
    )  # fmt: skip
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Lecture des retours", total=None, visible=False)
        after = bar.add_task("Mise en commun, contrôles et écriture", total=None, visible=False)

        def tell(done: int, total: int) -> None:
            drawn = done % max(total // _DRAWN, 1) == 0
            bar.update(task, completed=done, total=total, visible=_FEW <= total != done, refresh=drawn)
            bar.update(after, visible=_FEW <= total == done)

        yield tell


@contextmanager
def writing_progress() -> Iterator[Tell | None]:
    """What to tell how far a long writing is: (done, total, what is being done); ``None`` without a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)

        def tell(done: int, total: int, doing: str) -> None:
            # A step without an end (a reading, another program's work) has a bar that comes and goes.
            end = total if 0 < done < total else None
            bar.update(task, completed=done, total=end, description=one_line(doing))

        yield tell
