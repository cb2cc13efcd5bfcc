"""The conversation with the IMAP server of the settings: one folder is read, each failure in French."""

from __future__ import annotations

import base64
import imaplib
import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from types import TracebackType

from tabellion.contract.workspace import MailSettings
from tabellion.mail.messages import one_line
from tabellion.mail.smtp import RefusedError, password_of
from tabellion.outputs.reminders import plain
from tabellion.wording import system_reason

#: How long the server may take for each answer, in seconds: a slow one searches a large folder.
_TIMEOUT_SECONDS = 120.0
_LONGEST_REPLY = 200
_NUMBER = re.compile(rb"(\d+)")
_SIZE = re.compile(rb"UID (\d+)\b.*RFC822\.SIZE (\d+)|RFC822\.SIZE (\d+)\b.*UID (\d+)")


class MailboxError(Exception):
    """The mailbox cannot be read now. ``detail`` says why, in French, as the end of a sentence."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


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
                self.client: imaplib.IMAP4 = imaplib.IMAP4_SSL(
                    host, port, ssl_context=context, timeout=_TIMEOUT_SECONDS
                )
            else:
                self.client = imaplib.IMAP4(host, port, timeout=_TIMEOUT_SECONDS)
        try:
            with _failing():
                if self.mail.boite_chiffrement == "starttls":
                    self.client.starttls(context)
                self._log_in()
                _, answer = self.client.capability()  # a server says more to those it knows
                self.capabilities = b" ".join(line for line in answer if line).decode("ascii", "replace").split()
                self._select()
        except BaseException:
            self._hang_up()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            with suppress(imaplib.IMAP4.error, OSError):
                self.client.logout()
        self._hang_up()

    def _hang_up(self) -> None:
        with suppress(imaplib.IMAP4.error, OSError):
            self.client.shutdown()

    def _log_in(self) -> None:
        try:
            if self.has_token:
                answer = f"user={self.user}\1auth=Bearer {self.secret}\1\1".encode()
                self.client.authenticate("XOAUTH2", lambda _: answer)
            elif self.user.isascii() and self.secret.isascii():
                self.client.login(self.user, self.secret)
            else:
                self.client.authenticate("PLAIN", lambda _: f"\0{self.user}\0{self.secret}".encode())
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            raise MailboxError(f"utilisateur ou mot de passe refusé ({_said(error)})") from error

    def _select(self) -> None:
        kind, answer = self.client.select(_quoted(self.mail.boite_dossier))
        if kind != "OK":
            raise MailboxError(f"le dossier « {self.mail.boite_dossier} » ne s'ouvre pas ({_answered(answer)})")
        _, validity = self.client.response("UIDVALIDITY")
        number = _NUMBER.search(validity[0]) if validity and isinstance(validity[0], bytes) else None
        self.validity = int(number[1]) if number is not None else 0
        _, kept = self.client.response("PERMANENTFLAGS")
        if not any(rb"\*" in line for line in kept if isinstance(line, bytes)):
            self.keyword = ""

    def messages(self, first: int) -> list[tuple[int, int]]:
        """The number (UID) and the size, in bytes, of each message from the number ``first`` on, in their order.

        From the very first one on, nothing is known of them: those that are marked are left out.
        """
        unmarked = ("UNKEYWORD", self.keyword) if self.keyword and first == 1 else ()
        with _failing():
            kind, answer = self.client.uid("SEARCH", f"UID {first}:*", *unmarked)
            numbers = [int(number) for line in answer if line for number in line.split()] if kind == "OK" else []
            sizes = []
            for number in sorted(
                number for number in numbers if number >= first
            ):  # « * » is the last one, even before it
                kind, answer = self.client.uid("FETCH", str(number), "(UID RFC822.SIZE)")
                line = b" ".join(part if isinstance(part, bytes) else part[0] for part in answer if part)
                size = _SIZE.search(line)
                if size is not None:  # else it was taken away meanwhile
                    sizes.append((number, int(size[2] or size[3])))
            return sizes

    def content(self, number: int, *, header_only: bool = False) -> bytes:
        """The bytes of a message, or of its header; it stays unread."""
        with _failing():
            part = "BODY.PEEK[HEADER]" if header_only else "BODY.PEEK[]"
            _, answer = self.client.uid("FETCH", str(number), f"({part})")
            return next((bytes(part[1]) for part in answer if isinstance(part, tuple)), b"")

    def put_away(self, number: int) -> None:
        """Mark a message as taken and read, and move it to the folder of the settings, where there is one."""
        with _failing():
            self.client.uid("STORE", str(number), "+FLAGS.SILENT", rf"(\Seen {self.keyword})".replace(" )", ")"))
            if not self.mail.boite_rangement:
                return
            target = _quoted(self.mail.boite_rangement)
            if "MOVE" in self.capabilities:
                kind, answer = self.client.uid("MOVE", str(number), target)
            else:
                kind, answer = self.client.uid("COPY", str(number), target)
                if kind == "OK" and "UIDPLUS" in self.capabilities:
                    self.client.uid("STORE", str(number), "+FLAGS.SILENT", r"(\Deleted)")
                    self.client.uid("EXPUNGE", str(number))
            if kind != "OK":
                raise MailboxError(f"le dossier « {self.mail.boite_rangement} » ne prend rien ({_answered(answer)})")


def modified_utf7(name: str) -> str:
    """The name of a folder as IMAP has it (RFC 3501, 5.1.3): ``Reçus`` is ``Re&AOc-us``."""

    def encoded(run: re.Match[str]) -> str:
        if run[0] == "&":
            return "&-"
        text = base64.b64encode(run[0].encode("utf-16-be")).decode().rstrip("=").replace("/", ",")
        return f"&{text}-"

    return re.sub(r"&|[^\x20-\x7e]+", encoded, name)


def _quoted(folder: str) -> str:
    name = modified_utf7(folder).replace("\\", r"\\").replace('"', r"\"")
    return f'"{name}"'


@contextmanager
def _failing() -> Iterator[None]:
    """Turn what imaplib and the connection raise into :class:`MailboxError`."""
    try:
        yield
    except imaplib.IMAP4.error as error:
        raise MailboxError(f"il ne répond pas comme attendu ({_said(error)})") from error
    except ssl.SSLCertVerificationError as error:
        raise MailboxError(f"son certificat n'est pas reconnu ({plain(error.verify_message)})") from error
    except TimeoutError as error:
        raise MailboxError("sa réponse n'est pas venue à temps") from error
    except (OSError, UnicodeError) as error:
        raise MailboxError(system_reason(error) if isinstance(error, OSError) else str(error)) from error


def _said(error: Exception) -> str:
    words = error.args[0] if error.args else ""
    return one_line(words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words), _LONGEST_REPLY)


def _answered(answer: list[bytes | None] | list[bytes | tuple[bytes, bytes]]) -> str:
    return one_line(
        " ".join(part.decode("utf-8", "replace") for part in answer if isinstance(part, bytes)), _LONGEST_REPLY
    )
