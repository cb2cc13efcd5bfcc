"""The mails of a campaign as its board shows them: what was sent, what came."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from tabellion.campaign.model import Consolidation
from tabellion.campaign.sent_mail import ReceivedMail
from tabellion.contract.folders import COLLECTED, OUTBOXES
from tabellion.mail.collected import known_mails
from tabellion.mail.outbox import sent_mails


def with_mails(consolidation: Consolidation, memory: Path) -> Consolidation:
    """A consolidation with the mails that a workspace's ``memory`` knows."""
    sent = sent_mails(memory / name for name in OUTBOXES)
    return replace(consolidation, mails=sent, received_mails=received_mails(memory / COLLECTED))


def received_mails(path: Path) -> tuple[ReceivedMail, ...]:
    """The messages that were taken, and those of people that were left, as staff are shown them, the latest first."""
    mails = [mail for mail in known_mails(path) if mail.files or not mail.is_automatic]
    return tuple(
        ReceivedMail(
            mail.subject, mail.sender, datetime.fromisoformat(mail.taken), len(mail.files), mail.checks, mail.left
        )
        for mail in sorted(mails, key=lambda mail: mail.taken, reverse=True)
    )
