"""The conversation with the IMAP server of the settings: one folder is read, each failure in French.

Whatever the server answers, it holds nobody for ever and fills no memory: each answer has its time and its size.
"""

from __future__ import annotations

import base64
import imaplib
import re
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from types import TracebackType
from typing import BinaryIO

from tabellion.contract.workspace import MailSettings
from tabellion.mail.connection import bounded, connection_reason
from tabellion.mail.messages import one_line
from tabellion.mail.smtp import RefusedError, password_of

#: How long the server may be silent, and take for a whole answer, in seconds: a slow one searches a large folder.
_TIMEOUT_SECONDS, _ANSWER_SECONDS = 120.0, 300.0
#: How much it may say in one answer, in bytes, and how much of a message is asked for at a time.
_MOST_BYTES, _PIECE_BYTES = 1 << 24, 1 << 20
_SIZES_AT_A_TIME = 500
_LONGEST_REPLY = 200
_NUMBER = re.compile(rb"(\d+)")
_NUMBER_OF, _SIZE_OF = re.compile(rb"\bUID (\d+)"), re.compile(rb"\bRFC822\.SIZE (\d+)")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class MailboxError(Exception):
    """The mailbox cannot be read now. ``detail`` says why, in French, as the end of a sentence."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class KeptBackError(MailboxError):
    """The server does not give this one message; it may give others."""


class _ImapClient(imaplib.IMAP4):
    """A client that a server's answer neither holds for ever nor fills the memory of."""

    def open(self, host: str = "", port: int = 143, timeout: float | None = None) -> None:
        """Connect: the greeting is the first answer."""
        self.expect_answer()
        super().open(host, port, timeout)

    def expect_answer(self) -> None:
        """From now on there are so many bytes and so much time for the next answer."""
        self._left, self._until = _MOST_BYTES, time.monotonic() + _ANSWER_SECONDS

    def read(self, size: int) -> bytes:
        """The next bytes."""
        self._count(size)
        with bounded(self.socket(), self._until - time.monotonic()):
            return super().read(size)

    def readline(self) -> bytes:
        """The next line."""
        with bounded(self.socket(), self._until - time.monotonic()):
            line = super().readline()
        self._count(len(line))
        return line

    def _count(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise self.abort("answer too long")


class _TlsImapClient(_ImapClient, imaplib.IMAP4_SSL):  # type: ignore[misc]  # their usual ports differ, and none is left out
    pass


class Mailbox:
    """One folder of the mailbox of the settings, as a context; raises :class:`MailboxError`, also while it is read.

    ``environment`` has the password, or the OAuth2 token. The server's certificate is verified. ``validity`` is the
    folder's UIDVALIDITY: where it changes, the numbers of messages mean others. ``keyword`` marks the messages that
    were taken (RFC 3501, 2.3.2), on a server that keeps such marks.
    """

    def __init__(self, mail: MailSettings, environment: Mapping[str, str], keyword: str = "") -> None:
        self.mail, self.keyword = mail, keyword
        self.user = mail.boite_utilisateur or mail.utilisateur or mail.expediteur
        self.has_token = mail.boite_jeton_variable is not None
        variable = mail.boite_jeton_variable or mail.boite_mot_de_passe_variable or mail.mot_de_passe_variable
        try:
            self.secret = password_of(environment, self.user, variable)
        except RefusedError as error:
            raise MailboxError(error.detail) from error
        self.validity = 0

    def __enter__(self) -> Mailbox:
        with _failing():
            context = ssl.create_default_context()
            host, port = self.mail.boite or "", self.mail.boite_port
            if self.mail.boite_chiffrement == "ssl":
                self.client: _ImapClient = _TlsImapClient(host, port, ssl_context=context, timeout=_TIMEOUT_SECONDS)
            else:
                self.client = _ImapClient(host, port, timeout=_TIMEOUT_SECONDS)
        try:
            if self.mail.boite_chiffrement == "starttls":
                with self._answering():
                    self.client.starttls(context)
            with self._answering():
                self._log_in()
            with self._answering():
                _, answer = self.client.capability()  # a server says more to those it knows
                self.capabilities = b" ".join(line for line in answer if line).decode("ascii", "replace").split()
            with self._answering():
                self._select()
        except BaseException:
            self._hang_up()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            with suppress(MailboxError), self._answering():
                self.client.logout()
        self._hang_up()

    def _hang_up(self) -> None:
        with suppress(imaplib.IMAP4.error, OSError):
            self.client.shutdown()

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """One answer of the server, of bounded size, in bounded time."""
        self.client.expect_answer()
        with _failing():
            yield

    def _log_in(self) -> None:
        try:
            if self.has_token:
                self.client.authenticate("XOAUTH2", self._token)
            elif self.user.isascii() and self.secret.isascii():
                self.client.login(_quoted(self.user), self.secret)
            else:
                self.client.authenticate("PLAIN", lambda _: f"\0{self.user}\0{self.secret}".encode())
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            reason = "jeton refusé ou périmé" if self.has_token else "utilisateur ou mot de passe refusé"
            raise MailboxError(f"{reason} ({_error_text(error)})") from error

    def _token(self, challenge: bytes) -> bytes:
        """What XOAUTH2 is answered: the token; then, where that is refused with a reason, nothing more."""
        return b"" if challenge else f"user={self.user}\1auth=Bearer {self.secret}\1\1".encode()

    def _select(self) -> None:
        kind, answer = self.client.select(_folder(self.mail.boite_dossier))
        if kind != "OK":
            raise MailboxError(f"le dossier « {self.mail.boite_dossier} » ne s'ouvre pas ({_answered(answer)})")
        _, validity = self.client.response("UIDVALIDITY")
        number = _NUMBER.search(validity[0]) if validity and isinstance(validity[0], bytes) else None
        self.validity = int(number[1]) if number is not None else 0
        _, kept = self.client.response("PERMANENTFLAGS")
        if not any(rb"\*" in line for line in kept if isinstance(line, bytes)):
            self.keyword = ""

    def messages(
        self, first: int, again: Sequence[int] = (), since: datetime | None = None
    ) -> list[tuple[int, int]]:  # fmt: skip
        """The number (UID) and the size, in bytes, of each message that bears no mark and came on the day ``since`` or
        later: from the number ``first`` on, in their order, then those of ``again``."""
        asked = [
            f"UID {','.join([*map(str, again), f'{first}:*'])}",
            *(("UNKEYWORD", self.keyword) if self.keyword else ()),
        ]
        if since is not None:
            asked += ["SINCE", f"{since.day}-{_MONTHS[since.month - 1]}-{since.year}"]
        with self._answering():
            kind, answer = self.client.uid("SEARCH", *asked)
            if kind != "OK":
                raise MailboxError(f"il ne sait pas chercher ({_answered(answer)})")
            matching = {int(number) for line in answer if line for number in line.split()}
        # « * » is the last one, even where it is before the first.
        numbers = [*sorted(number for number in matching if number >= first), *again]
        sizes = dict[int, int]()
        for start in range(0, len(numbers), _SIZES_AT_A_TIME):
            of = ",".join(map(str, numbers[start : start + _SIZES_AT_A_TIME]))
            with self._answering():
                _, lines = self.client.uid("FETCH", of, "(UID RFC822.SIZE)")
                sizes |= dict(_sizes(lines))
        return [(number, sizes[number]) for number in numbers if number in sizes]  # others were taken away meanwhile

    def copy(self, number: int, file: BinaryIO, most_bytes: int) -> int:
        """Write a message into a file, or its header where ``most_bytes`` is 0; it stays unread. How many bytes it has:
        none where it was taken away meanwhile, more than ``most_bytes`` where it has more than the server said.

        Raises :class:`KeptBackError` where the server does not give it.
        """
        part, written = "" if most_bytes else "HEADER", 0
        while True:
            with self._answering():
                kind, answer = self.client.uid("FETCH", str(number), f"(BODY.PEEK[{part}]<{written}.{_PIECE_BYTES}>)")
            if kind != "OK":
                raise KeptBackError(f"le serveur ne le donne pas ({_answered(answer)})")
            piece = next((bytes(response[1]) for response in answer if isinstance(response, tuple)), b"")
            file.write(piece)
            written += len(piece)
            if len(piece) != _PIECE_BYTES or written > (most_bytes or _PIECE_BYTES):
                return written

    def put_away(self, number: int) -> str:
        """Mark a message as taken and read, and move it to the folder of the settings, where there is one (it is made
        where it is missing); why the server would not, in French (empty: it did)."""
        flags = rf"(\Seen {self.keyword})".replace(" )", ")")
        refusal = self._do("STORE", str(number), "+FLAGS.SILENT", flags)
        if refusal or not self.mail.boite_rangement:
            return refusal and f"la marque « lu » n'y est pas mise ({refusal})"
        target = _folder(self.mail.boite_rangement)
        is_moved = "MOVE" in self.capabilities
        verb = "MOVE" if is_moved else "COPY"
        refusal = self._do(verb, str(number), target)
        if "TRYCREATE" in refusal:
            with self._answering():
                self.client.create(target)
            refusal = self._do(verb, str(number), target)
        if refusal:
            return f"le dossier « {self.mail.boite_rangement} » ne le prend pas ({refusal})"
        if not is_moved and "UIDPLUS" in self.capabilities:
            self._do("STORE", str(number), "+FLAGS.SILENT", r"(\Deleted)")
            self._do("EXPUNGE", str(number))
        return ""

    def _do(self, verb: str, *arguments: str) -> str:
        """Have a command done; what the server said, where it refuses."""
        with self._answering():
            kind, answer = self.client.uid(verb, *arguments)
            return "" if kind == "OK" else _answered(answer) or kind


def _sizes(lines: list[bytes | tuple[bytes, bytes]] | list[bytes | None]) -> Iterator[tuple[int, int]]:
    for line in lines:
        words = line if isinstance(line, bytes) else line[0] if line else b""
        number, size = _NUMBER_OF.search(words), _SIZE_OF.search(words)
        if number is not None and size is not None:
            yield int(number[1]), int(size[1])


def modified_utf7(name: str) -> str:
    """The name of a folder as IMAP has it (RFC 3501, 5.1.3): ``Reçus`` is ``Re&AOc-us``."""

    def encoded(run: re.Match[str]) -> str:
        if run[0] == "&":
            return "&-"
        text = base64.b64encode(run[0].encode("utf-16-be")).decode().rstrip("=").replace("/", ",")
        return f"&{text}-"

    return re.sub(r"&|[^\x20-\x7e]+", encoded, name)


def _folder(name: str) -> str:
    return _quoted(modified_utf7(name))


def _quoted(text: str) -> str:
    escaped = text.replace("\\", r"\\").replace('"', r"\"")
    return f'"{escaped}"'


@contextmanager
def _failing() -> Iterator[None]:
    """Turn what imaplib and the connection raise into :class:`MailboxError`."""
    try:
        yield
    except imaplib.IMAP4.error as error:
        raise MailboxError(f"il ne répond pas comme attendu ({_error_text(error)})") from error
    except TimeoutError as error:
        raise MailboxError("sa réponse n'est pas venue à temps") from error
    except (OSError, UnicodeError) as error:
        raise MailboxError(connection_reason(error)) from error


def _error_text(error: Exception) -> str:
    words = error.args[0] if error.args else ""
    return one_line(words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words), _LONGEST_REPLY)


def _answered(answer: list[bytes | None] | list[bytes | tuple[bytes, bytes]]) -> str:
    return one_line(
        " ".join(part.decode("utf-8", "replace") for part in answer if isinstance(part, bytes)), _LONGEST_REPLY
    )
