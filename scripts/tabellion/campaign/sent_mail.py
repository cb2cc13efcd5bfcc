"""What people are shown of a mail of the campaign."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class SentMail:
    """A mail that was sent, waits or was refused: what it is, to whom, about which file, what became of it, since when,
    after how many ``attempts``, and what the server said."""

    subject: str
    recipient: str
    fichier: str
    state: str
    since: datetime | None
    attempts: int = 1
    detail: str = ""
