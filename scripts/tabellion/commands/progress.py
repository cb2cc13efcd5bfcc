"""The progress of long work: a bar on a terminal, nothing in a log."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tabellion.campaign.read_returns import ReadProgress

#: Below this many files the reading ends before a bar is of use.
_FEW = 20


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
        TextColumn("Lecture des retours"), BarColumn(), MofNCompleteColumn(), TextColumn("reste"), TimeRemainingColumn()
    )  # fmt: skip
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, visible=False)
        yield lambda done, total: bar.update(task, completed=done, total=total, visible=total >= _FEW)


@contextmanager
def writing_progress() -> Iterator[Callable[[int, int, str], None] | None]:
    """What to tell how far a long writing is: (done, total, what is being done); ``None`` without a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)

        def tell(done: int, total: int, doing: str) -> None:
            # A step without an end (a reading, another program's work) has a bar that comes and goes.
            bar.update(task, completed=done, total=total if 0 < done < total else None, description=doing)

        yield tell
