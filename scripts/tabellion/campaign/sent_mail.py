"""What people are shown of a mail of the campaign."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ReceivedMail:
    """A mail that brought ``count`` workbooks, or was left in the mailbox (``left`` says why): its subject, who says to
    have sent it, when it was looked at, what the mail server found of its sender."""

    subject: str
    sender: str
    taken: datetime
    count: int
    checks: str
    left: str = ""


@dataclass(frozen=True, slots=True)
class SentMail:
    """A mail that was sent, waits or was refused: what it is, to whom, what became of it, since when, after how many
    ``attempts``, and what the server said."""

    subject: str
    recipient: str
    state: str
    since: datetime | None
    attempts: int = 1
    detail: str = ""

    @property
    def reply(self) -> str:
        """The code of what the server said: « 550 5.1.1 »."""
        code = re.search(r"« (\d{3}(?: \d\.\d+\.\d+)?)\b", self.detail)
        return code[1] if code is not None else ""
