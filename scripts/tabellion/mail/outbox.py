"""The outbox: what was sent to whom, what waits and until when, what was refused, in a small file written whole.

A letter is known by its key: nobody gets the same one twice. It is noted as being sent before the first of its bytes
leaves, so that a stop in the middle is known, said, and not repeated.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Protocol

from tabellion.campaign.model import Consolidation
from tabellion.campaign.sent_mail import SentMail
from tabellion.contract.folders import COLLECTED, OUTBOXES
from tabellion.mail.collected import received_mails
from tabellion.transaction.manifest import write_json
from tabellion.transaction.stored import DAMAGE

_VERSION = 2
#: After a failure the next attempt waits a minute, then twice as long each time, up to this.
_FIRST_WAIT, _LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=6)
#: How long a letter is known whose file is there no more: nothing calls for it then.
_KNOWN_FOR = timedelta(days=400)


class Letter(Protocol):
    """What is sent to one address."""

    @property
    def key(self) -> str:
        """The same for the same words and files to the same address."""

    @property
    def recipient(self) -> str:
        """The address."""

    @property
    def fichier(self) -> str:
        """The file that it is about, as people find it from the folder ``workbooks/``."""

    @property
    def subject(self) -> str:
        """What it is, in words."""


class LetterState(Enum):
    """What became of a letter."""

    WAITING = "en attente"
    UNDER_WAY = "en cours"
    DOUBTFUL = "incertain"
    SENT = "envoyé"
    ASSUMED = "tenu pour envoyé"
    REFUSED = "refusé"


@dataclass(frozen=True)
class OutboxEntry:
    """What is noted of a letter: its state since the time ``since`` (local, ISO 8601), and what the server said.

    ``attempts`` were made in vain, ``losses`` of them ended with a conversation cut at this letter; the next attempt
    is at ``until``. ``is_address`` where the address itself is refused, and not this one letter.
    """

    state: LetterState
    recipient: str
    fichier: str
    subject: str
    since: str = ""
    until: str = ""
    attempts: int = 0
    losses: int = 0
    detail: str = ""
    is_address: bool = False


class Outbox:
    """The letters known to a workspace; one process at a time uses the file. Only what says so raises ``OSError``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.entries: dict[str, OutboxEntry] = {}
        self._is_open = False
        self._on_disk: dict[str, OutboxEntry] = {}

    def open(self) -> tuple[Path | None, list[OutboxEntry]]:
        """Read the file, the first time; raises ``OSError``.

        Returns what it was set aside as, where it was damaged, and each letter that was being sent when the program was
        stopped: it may have been delivered.
        """
        aside = None
        if self._is_open:
            return aside, []
        try:
            self.entries = read_outbox(self.path)
            self._on_disk = dict(self.entries)
        except FileNotFoundError:
            pass
        except ValueError:
            aside = self.path.with_name(f"{self.path.stem}-abimes{self.path.suffix}")
            self.path.replace(aside)
        self._is_open = True
        interrupted = {key: entry for key, entry in self.entries.items() if entry.state is LetterState.UNDER_WAY}
        if interrupted:
            self.entries |= {
                key: replace(entry, state=LetterState.DOUBTFUL) for key, entry in interrupted.items()
            }  # fmt: skip
            self.write()
        return aside, list(interrupted.values())

    def is_done(self, letter: Letter) -> bool:
        """Whether a letter is not to be sent any more, or its address is refused."""
        entry = self.entries.get(letter.key)
        return (entry is not None and entry.state is not LetterState.WAITING) or self._is_refused(letter.recipient)

    def _is_refused(self, recipient: str) -> bool:
        address = recipient.casefold()
        return any(entry.is_address and entry.recipient.casefold() == address for entry in self.entries.values())

    def waits_until(self, letter: Letter, now: datetime) -> datetime:
        """When the next attempt may be made: ``now`` when nothing keeps it, or the clock was moved back."""
        entry = self.entries.get(letter.key)
        until = datetime.fromisoformat(entry.until) if entry is not None and entry.until else now
        return until if until - now <= _LONGEST_WAIT else now

    def losses(self, letter: Letter) -> int:
        """How often the conversation was cut at this letter."""
        return self.entries[letter.key].losses if letter.key in self.entries else 0

    def attempts(self, letter: Letter) -> int:
        """How many attempts were made in vain."""
        return self.entries[letter.key].attempts if letter.key in self.entries else 0

    def note(
        self, letter: Letter, state: LetterState, now: datetime, detail: str = "", *, is_address: bool = False
    ) -> None:
        """Note the state of a letter; :meth:`write` then keeps it."""
        before = self.entries.get(letter.key, _entry_of(letter, state))
        self.entries[letter.key] = replace(
            before, state=state, since=_written(now), until="", detail=detail, is_address=is_address
        )

    def queue(self, letter: Letter, now: datetime) -> None:
        """Note that a letter is to leave as soon as possible."""
        self.entries[letter.key] = replace(_entry_of(letter, LetterState.WAITING), since=_written(now))

    def postpone(self, letter: Letter, now: datetime, detail: str = "", *, is_lost: bool = False) -> None:
        """Note an attempt in vain, and when to make the next; ``is_lost`` where the conversation was cut at it."""
        before = self.entries.get(letter.key, _entry_of(letter, LetterState.WAITING))
        until = now + min(_FIRST_WAIT * 2 ** min(before.attempts, 20), _LONGEST_WAIT)
        self.entries[letter.key] = replace(
            before, state=LetterState.WAITING, since=_written(now), until=_written(until), detail=detail,
            attempts=before.attempts + 1, losses=before.losses + is_lost,
        )  # fmt: skip

    def forget_waiting(self, but: Collection[str]) -> None:
        """Forget the letters that wait and that nothing calls for any more."""
        self.entries = {
            key: entry for key, entry in self.entries.items() if entry.state is not LetterState.WAITING or key in but
        }  # fmt: skip

    def forget_old(self, now: datetime, workbooks: Path) -> None:
        """Forget the letters that nothing can call for any more: old ones about files that are gone."""
        oldest = _written(now - _KNOWN_FOR)
        self.entries = {
            key: entry for key, entry in self.entries.items()
            if entry.state is LetterState.WAITING or entry.is_address or entry.since > oldest
            or (entry.fichier and (workbooks / entry.fichier).exists())
        }  # fmt: skip

    def forget_refused(self, addresses: Collection[str]) -> None:
        """Forget the refusals of addresses that are not, or no longer, among those in use: they were corrected."""
        known = {address.casefold() for address in addresses}
        self.entries = {
            key: entry for key, entry in self.entries.items()
            if not (entry.is_address and entry.recipient.casefold() not in known)
        }  # fmt: skip

    def forget(self, keys: Collection[str], states: Collection[LetterState]) -> None:
        """Forget what became of these letters, and that their addresses are refused, where it is one of ``states``."""
        addresses = {self.entries[key].recipient.casefold() for key in keys if key in self.entries}
        self.entries = {
            key: entry for key, entry in self.entries.items()
            if entry.state not in states
            or not (key in keys or (entry.is_address and entry.recipient.casefold() in addresses))
        }  # fmt: skip

    def entry_of(self, letter: Letter) -> OutboxEntry:
        """What is noted of a letter; that it waits, where nothing is, or that its address was refused before."""
        if letter.key in self.entries:
            return self.entries[letter.key]
        address = letter.recipient.casefold()
        for entry in self.entries.values():
            if entry.is_address and entry.recipient.casefold() == address:
                return replace(entry, fichier=letter.fichier, subject=letter.subject)
        return _entry_of(letter, LetterState.WAITING)

    def write(self) -> None:
        """Keep everything noted, where something is new; raises ``OSError``."""
        if self.entries == self._on_disk:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        entries = {key: asdict(entry) | {"state": entry.state.value} for key, entry in self.entries.items()}
        write_json(self.path, {"version": _VERSION, "courriers": entries})
        self._on_disk = dict(self.entries)


def sent_mails(paths: Iterable[Path]) -> tuple[SentMail, ...]:
    """What these outboxes hold, as people are shown it, the latest first; nothing of one that cannot be read."""
    entries = list[OutboxEntry]()
    for path in paths:
        with suppress(OSError, ValueError):
            entries += read_outbox(path).values()
    return tuple(
        SentMail(
            entry.subject, entry.recipient, entry.state.value,
            datetime.fromisoformat(entry.since) if entry.since else None,
            entry.attempts + (entry.state is not LetterState.WAITING), entry.detail,
        )
        for entry in sorted(entries, key=lambda entry: (entry.since, entry.subject, entry.recipient), reverse=True)
    )  # fmt: skip


def with_mails(consolidation: Consolidation, memory: Path) -> Consolidation:
    """A consolidation with the mails that a workspace's ``memory`` knows."""
    sent = sent_mails(memory / name for name in OUTBOXES)
    return replace(consolidation, mails=sent, received_mails=received_mails(memory / COLLECTED))


def _entry_of(letter: Letter, state: LetterState) -> OutboxEntry:
    return OutboxEntry(state, letter.recipient, letter.fichier, letter.subject)


def _written(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(timespec="seconds")


def read_outbox(path: Path) -> dict[str, OutboxEntry]:
    """The letters in the file; raises ``ValueError`` where it is not what is written here, and ``OSError``."""
    try:
        stored = json.loads(path.read_bytes())
        if stored["version"] == 1:
            return {key: _entry_of_version_1(entry) for key, entry in stored["avis"].items()}
        if stored["version"] != _VERSION:
            raise ValueError
        entries = {
            key: OutboxEntry(**entry | {"state": LetterState(entry["state"])})
            for key, entry in stored["courriers"].items()
        }
        for entry in entries.values():
            for moment in filter(None, (entry.since, entry.until)):
                datetime.fromisoformat(moment)
            if not isinstance(entry.attempts + entry.losses, int) or not isinstance(entry.recipient, str):
                raise ValueError
    except DAMAGE as error:
        raise ValueError from error
    return entries


def _entry_of_version_1(entry: dict[str, str]) -> OutboxEntry:
    """What the program wrote before version 2, of notices alone."""
    until = entry.get("prochain", "")
    for moment in filter(None, (until, entry.get("le"))):
        datetime.fromisoformat(moment)
    return OutboxEntry(
        LetterState(entry["etat"]), str(entry["a"]), str(entry["fichier"]), str(entry["fichier"]),
        str(entry.get("le", "")), until, int(entry.get("essais", 0)),
    )  # fmt: skip
