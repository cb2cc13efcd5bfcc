"""One round of letters to the server: each is sent, waits alone for its next attempt, or is refused for good.

The server's moods cost their own letter: where a conversation ends, another one takes the next. Only a server that
takes nothing makes all wait.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from typing import Generic, TypeVar

from tabellion.contract.folders import SETTINGS_FILE
from tabellion.contract.workspace import MailSettings
from tabellion.findings import Finding, Place, TabellionError, finding
from tabellion.mail.messages import AddressError
from tabellion.mail.outbox import Letter, LetterState, Outbox
from tabellion.mail.smtp import (
    DoubtfulError,
    LostError,
    MailError,
    MessageError,
    PostponedError,
    RefusedError,
    Session,
    SmtpTimeouts,
    TooLargeError,
    UnreachableError,
)

#: So many conversations that end at their first letter, one after the other, are the server's doing.
_LOST_IN_A_ROW = 3

AnyLetter = TypeVar("AnyLetter", bound=Letter)


@dataclass
class Round(Generic[AnyLetter]):
    """Letters to one server, at one time. ``findings`` gets what goes wrong, ``outbox`` what became of each.

    ``compose`` makes the message of a letter, with its files or without (where they are too large); ``None`` where it
    cannot be made just now. ``stop`` is asked between two letters.
    """

    mail: MailSettings
    outbox: Outbox
    compose: Callable[[AnyLetter, bool], EmailMessage | None]
    findings: list[Finding]
    now: datetime
    environment: Mapping[str, str]
    stop: Callable[[], bool] = lambda: False
    timeouts: SmtpTimeouts | None = None

    def post(self, letters: Iterable[AnyLetter]) -> None:
        """Send the letters, those first at which no conversation was ever cut; raises ``OSError`` where the outbox
        cannot be written (nothing is sent then), and :class:`TabellionError` where ``compose`` does."""
        left = deque(sorted(letters, key=self.outbox.losses))
        self.lost: list[tuple[AnyLetter, LostError]] = []
        self.is_served = self.is_said = False
        in_a_row = 0
        while left and not self.stop():
            try:
                in_a_row = self._converse(left, in_a_row)
            except (UnreachableError, RefusedError) as error:
                self._hold(left, error)
                break
            if in_a_row >= _LOST_IN_A_ROW and left:
                self._hold(left, self.lost[-1][1] if self.lost else LostError("il a coupé la connexion"))
                break
        self._say_lost()

    def _converse(self, left: deque[AnyLetter], in_a_row: int) -> int:
        """Send what one conversation takes; how many in a row, until now, ended at their first letter."""
        with Session(self.mail, self.environment, self.timeouts) as session:
            is_fresh = True
            while left and not self.stop():
                letter = left[0]
                try:
                    self._send(session, letter)
                except (LostError, DoubtfulError) as error:
                    session.client.close()
                    if isinstance(error, LostError):
                        if not is_fresh:  # it takes no more of one conversation: the same letter has the next one
                            return 0
                        self.outbox.postpone(letter, self.now, error.detail, is_lost=True)
                        self.outbox.write()
                        self.lost.append((letter, error))
                    left.popleft()
                    return in_a_row + 1
                left.popleft()
                is_fresh, in_a_row, self.is_served = False, 0, True
        return in_a_row

    def _send(self, session: Session, letter: AnyLetter) -> None:
        """Send one letter and note what became of it; raises :class:`MailError` where no other can be sent now."""
        try:
            self._send_as_it_fits(session, letter)
        except (MessageError, TooLargeError, AddressError) as error:
            detail = error.detail if isinstance(error, MailError) else "ce n'est pas une adresse de courriel"
            is_address = isinstance(error, MessageError) and error.is_address
            self.outbox.note(letter, LetterState.REFUSED, self.now, detail, is_address=is_address)
            self.say("avis-refuse", letter.fichier, letter.recipient, detail=detail)
        except PostponedError as error:
            if self.outbox.attempts(letter) == 0:
                self.say("avis-differe", letter.fichier, letter.recipient, detail=error.detail)
            self.outbox.postpone(letter, self.now, error.detail)
        except DoubtfulError as error:
            self.outbox.note(letter, LetterState.DOUBTFUL, self.now, error.detail)
            self.outbox.write()
            self.say("avis-incertain", letter.fichier, letter.recipient)
            raise
        except (MailError, TabellionError, OSError):
            raise
        except Exception:  # what nobody foresaw in one file costs its own letter
            self.outbox.postpone(letter, self.now)
            self.say("avis-refuse", letter.fichier, letter.recipient, detail="une erreur imprévue du programme")
        self.outbox.write()

    def _send_as_it_fits(self, session: Session, letter: AnyLetter) -> None:
        def handing_over() -> None:
            self.outbox.note(letter, LetterState.UNDER_WAY, self.now)
            self.outbox.write()

        for is_whole in (True, False):
            message = self.compose(letter, is_whole)
            if message is None:  # a file has just been replaced: another round comes
                self.outbox.postpone(letter, self.now)
                return
            has_files = next(message.iter_attachments(), None) is not None
            try:
                session.send(message, letter.recipient, handing_over)
            except TooLargeError as error:
                if not has_files:
                    raise
                detail = error.detail
            else:
                self.outbox.note(
                    letter, LetterState.SENT, self.now, "" if is_whole else f"sans pièce jointe : {detail}"
                )
                if not is_whole:
                    self.say("avis-sans-copie", letter.fichier, letter.recipient, detail=detail)
                return

    def _hold(self, letters: Iterable[AnyLetter], error: MailError) -> None:
        """All letters wait: it is the server's doing."""
        waiting = list(letters)
        for letter in waiting:
            self.outbox.postpone(letter, self.now, error.detail)
        self.outbox.write()
        self._say_server(error, len(waiting))

    def _say_lost(self) -> None:
        """Say at which letters conversations were cut, once each; where the server took none, that it did not."""
        if self.lost and not self.is_served:
            if not self.is_said:
                self._say_server(self.lost[-1][1], len(self.lost))
            return
        for letter, error in self.lost:
            if self.outbox.attempts(letter) == 1:
                self.say("avis-differe", letter.fichier, letter.recipient, detail=error.detail)

    def _say_server(self, error: MailError, waiting: int) -> None:
        code = "courriel-differe" if error.is_for_later else "courriel-injoignable"
        if isinstance(error, RefusedError):
            code = "courriel-refuse"
        server, self.is_said = f"{self.mail.serveur}:{self.mail.port}", True
        self.say(code, SETTINGS_FILE, server, detail=error.detail, attente=waiting)

    def say(self, code: str, fichier: str, valeur: str, *, detail: str = "", attente: int = 0) -> None:
        """Add a finding about a letter, or about the server."""
        self.findings.append(finding(code, Place(fichier), valeur=valeur, detail=detail, attente=attente))
