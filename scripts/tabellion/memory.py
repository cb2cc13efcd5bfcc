"""How a process of the program looks after its memory."""

from __future__ import annotations

import gc

#: New objects between two searches for cycles. Python's own 700 cost a tenth of a run that makes a million objects, of
#: which nearly all live to its end.
_OBJECTS_BETWEEN_SEARCHES = 100_000


def collect_seldom() -> None:
    """Let Python look for cycles of dead objects seldom, and never again among those that are there already.

    Not for a child that reads files: the workbooks that it is done with are such cycles, of a hundred MiB in all.
    """
    gc.freeze()
    gc.set_threshold(_OBJECTS_BETWEEN_SEARCHES)
