"""The progress of a long reading: a bar on a terminal, nothing in a log."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tabellion.campaign.reading_room import Progress

#: Below this many files nobody waits long enough to look at a bar.
_FEW = 20


@contextmanager
def reading_progress(*, quiet: bool = False) -> Iterator[Progress | None]:
    """What to tell how many files are read; ``None`` where nobody looks: no terminal, or ``quiet``."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("Lecture des retours"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("reste"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, visible=False)

        def tell(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, visible=total >= _FEW)

        yield tell
