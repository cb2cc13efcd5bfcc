"""The journal: what the program remembers of a workspace from one run to the next, in one SQLite file."""

from __future__ import annotations

from tabellion.campaign.journal.entries import Run, Said, SeenFile, Stamp, key_text
from tabellion.campaign.journal.memory import Journal, glance_at_journal, open_journal, read_journal

__all__ = [
    "Journal",
    "Run",
    "Said",
    "SeenFile",
    "Stamp",
    "glance_at_journal",
    "key_text",
    "open_journal",
    "read_journal",
]
