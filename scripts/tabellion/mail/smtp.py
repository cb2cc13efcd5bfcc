"""The conversation with the SMTP server of the settings: each failure in French, and what it lets hope for.

Nothing here is tried twice: the caller decides what comes next from the kind of :class:`MailError`.
"""

from __future__ import annotations

import re
import selectors
import smtplib
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from types import TracebackType

from tabellion.contract.workspace import MailSettings
from tabellion.mail.connection import bounded, connection_reason
from tabellion.mail.messages import one_line
from tabellion.wording import plural

_LONGEST_REPLY = 200
#: What an SMTP server answers when the message, or the mailbox, is too full, when it ends the session, when it waits
#: for the message.
_TOO_LARGE, _CLOSING, _GO_ON = 552, 421, 354
#: The mailbox is full, and not the message too large (RFC 3463, 3.3); both are 552.
_FULL_MAILBOX = re.compile(rb"[45]\.2\.2\b")
_LINE_WITH_DOT = re.compile(rb"^\.", re.MULTILINE)
_BLOCK_BYTES = 1 << 16
_MEGABYTE = 1_000_000


@dataclass(frozen=True)
class SmtpTimeouts:
    """How long the server may take, in seconds: the least that RFC 5321, 4.5.3.2 asks of a client.

    ``answer`` is for its greeting and each command, ``data`` for its leave to send the message, ``block`` for each
    piece of it, ``end`` for the answer to the whole message, which filters may read first. ``listen`` is how long we
    wait, before the last line, for the sign that it is gone.
    """

    answer: float = 300.0
    data: float = 120.0
    block: float = 180.0
    end: float = 600.0
    listen: float = 0.1


class MailError(Exception):
    """A mail that was not delivered. ``detail`` says why, in French, as the end of a sentence.

    ``is_for_later`` where the server itself asks to try again: then there is nothing that people can do.
    """

    is_for_later = False

    def __init__(self, detail: str, *, is_for_later: bool = False) -> None:
        super().__init__(detail)
        self.detail = detail
        self.is_for_later = is_for_later


class UnreachableError(MailError):
    """There is no server, or none that can be spoken to safely: nothing can be sent now."""


class RefusedError(MailError):
    """The server does not know us, or does not take our mail: nothing can be sent now."""


class LostError(MailError):
    """The conversation ended before this message was handed over; another one may take it, or the next."""


class PostponedError(MailError):
    """The server does not take this message now (4xx); it may take others."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail, is_for_later=True)


class MessageError(MailError):
    """This message, or its recipient (``is_address``), is refused for good (5xx); others may be taken."""

    def __init__(self, detail: str, *, is_address: bool = False) -> None:
        super().__init__(detail)
        self.is_address = is_address


class TooLargeError(MailError):
    """This message is larger than the server takes; others may be taken."""


class DoubtfulError(MailError):
    """The message was handed over whole, and then the server was lost: it may have been delivered."""


class _SmtpClient(smtplib.SMTP):
    """A client whom no answer holds for ever, be it said a byte at a time."""

    def getreply(self) -> tuple[int, bytes]:
        """The next answer, in the time that silence may take."""
        seconds = self.sock.gettimeout() if self.sock is not None else None
        try:
            with bounded(self.sock, seconds or self.timeout):
                return super().getreply()
        except TimeoutError:
            self.close()
            raise


class _TlsSmtpClient(_SmtpClient, smtplib.SMTP_SSL):
    pass


class Session:
    """One conversation with the server, as a context; raises :class:`UnreachableError` or :class:`RefusedError`.

    ``environment`` has the password. The server's certificate is verified, with the authorities that the system
    trusts, or those of ``SSL_CERT_FILE``.
    """

    def __init__(
        self, mail: MailSettings, environment: Mapping[str, str], timeouts: SmtpTimeouts | None = None
    ) -> None:
        self.mail, self.timeouts = mail, timeouts or SmtpTimeouts()
        self.password = password_of(environment, mail.utilisateur, mail.mot_de_passe_variable)

    def __enter__(self) -> Session:
        with _failing(UnreachableError):
            self.client = self._reach()
            try:
                self._introduce()
            except BaseException:
                self.client.close()
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and self.client.sock is not None:
            with suppress(OSError):  # what smtplib raises is one too
                self.client.quit()
        self.client.close()

    def _reach(self) -> _SmtpClient:
        host, port, seconds = self.mail.serveur, self.mail.port, self.timeouts.answer
        try:
            if self.mail.chiffrement == "ssl":
                context = ssl.create_default_context()
                return _TlsSmtpClient(host, port, timeout=seconds, context=context)
            return _SmtpClient(host, port, timeout=seconds)
        except UnicodeError as error:
            raise UnreachableError(_why(error)) from error

    def _introduce(self) -> None:
        try:
            self.client.ehlo_or_helo_if_needed()
            if self.mail.chiffrement == "starttls":
                self.client.starttls(context=ssl.create_default_context())
                self.client.ehlo()
        except smtplib.SMTPNotSupportedError as error:
            raise UnreachableError('il ne sait pas chiffrer par "starttls"') from error
        if self.mail.utilisateur is None:
            return
        try:
            self.client.login(self.mail.utilisateur, self.password)
        except smtplib.SMTPAuthenticationError as error:
            if error.smtp_code < 500:
                raise UnreachableError(_reply(error), is_for_later=True) from error
            raise RefusedError(f"utilisateur ou mot de passe refusé ({_reply(error)})") from error
        except smtplib.SMTPNotSupportedError as error:
            raise RefusedError("il ne connaît pas d'utilisateurs, ou pas par ce chiffrement et ce port") from error
        except UnicodeError as error:
            detail = "l'utilisateur ou le mot de passe a une lettre accentuée, que SMTP n'admet pas"
            raise RefusedError(detail) from error

    def send(self, message: EmailMessage, recipient: str, handing_over: Callable[[], None]) -> None:
        """Hand a message over; ``handing_over`` is called before the first of its bytes leaves.

        Raises :class:`MessageError`, :class:`PostponedError` or :class:`TooLargeError`, after which others may be sent;
        :class:`LostError` or :class:`DoubtfulError`, after which another session may be tried; :class:`RefusedError`,
        after which nothing can be sent.
        """
        content = message.as_bytes()
        limit = self.client.esmtp_features.get("size", "")
        if limit.isdecimal() and 0 < int(limit) < len(content):
            raise TooLargeError(_too_large(len(content), int(limit)))
        options = [f"size={len(content)}"] if self.client.has_extn("size") else []
        with self._phase(self.timeouts.answer, LostError):
            refusal = _refusal(self.client.mail(self.mail.expediteur, options))
            if refusal is not None:
                self._start_over()
                if refusal[0] == _TOO_LARGE:
                    raise TooLargeError(_too_large(len(content)))
                if refusal[0] < 500:  # it has enough of us for now
                    raise LostError(_answer(*refusal), is_for_later=True)
                raise RefusedError(f"l'adresse « {self.mail.expediteur} » n'est pas admise ({_answer(*refusal)})")
            refusal = _refusal(self.client.rcpt(recipient))
            if refusal is not None:
                self._start_over()
                raise _not_taken(refusal, len(content), "cette adresse est refusée", is_address=True)
        self._hand_over(content, handing_over)

    def _hand_over(self, content: bytes, handing_over: Callable[[], None]) -> None:
        # Not smtplib's own way, which does not tell a server lost before the last line from one lost after it.
        with self._phase(self.timeouts.data, LostError):
            answer = self.client.docmd("data")
        if answer[0] == _GO_ON:
            handing_over()
            escaped = _LINE_WITH_DOT.sub(b"..", content)
            with self._phase(self.timeouts.block, LostError):
                for start in range(0, len(escaped), _BLOCK_BYTES):
                    self.client.send(escaped[start : start + _BLOCK_BYTES])
                self._listen()
            with self._phase(self.timeouts.end, DoubtfulError):
                answer = self.client.docmd(".")
            if answer[0] < 0:
                raise DoubtfulError("ce qu'il répond n'est pas du SMTP")
        refusal = _refusal(answer)
        if refusal is not None:
            with suppress(OSError):
                self._start_over()
            raise _not_taken(refusal, len(content), "le message est refusé", is_address=False)

    def _listen(self) -> None:
        """Wait a moment before the line that hands the message over: a server that ended in the middle of it, or that
        speaks unasked, has not taken it, and is known as such."""
        if self.client.sock is None:
            raise LostError("il a coupé la connexion")
        with selectors.DefaultSelector() as waiting:
            waiting.register(self.client.sock, selectors.EVENT_READ)
            if not waiting.select(self.timeouts.listen):
                return
        code, reply = self.client.getreply()
        raise LostError(_answer(code, reply), is_for_later=400 <= code < 500)

    def _start_over(self) -> None:
        with self._phase(self.timeouts.answer, LostError):
            self.client.rset()

    @contextmanager
    def _phase(self, seconds: float, kind: type[MailError]) -> Iterator[None]:
        """One phase of the conversation, each answer of which may take so long; a loss is of this ``kind``."""
        with _failing(kind, seconds):
            if self.client.sock is not None:
                self.client.sock.settimeout(seconds)
            yield


def password_of(environment: Mapping[str, str], user: str | None, variable: str | None) -> str:
    """The password of ``user``, from its environment variable (empty without a user); raises :class:`RefusedError`."""
    if user is None:
        return ""
    if variable not in environment:
        raise RefusedError(f"la variable d'environnement « {variable} », où est le mot de passe, n'existe pas")
    return environment[variable or ""]


def _refusal(answer: tuple[int, bytes]) -> tuple[int, bytes] | None:
    """What the server answered, where it is a refusal; raises :class:`LostError` where it ends the session."""
    if answer[0] == _CLOSING:
        raise LostError(_answer(*answer), is_for_later=True)
    if not 200 <= answer[0] < 600:
        raise LostError("ce qu'il répond n'est pas du SMTP")
    return None if answer[0] < 300 else answer


def _not_taken(refusal: tuple[int, bytes], size: int, words: str, *, is_address: bool) -> MailError:
    """What a refusal of an address or of a message means."""
    code, text = refusal
    if _FULL_MAILBOX.match(text):
        return PostponedError(f"la boîte du destinataire est pleine ({_answer(*refusal)})")
    if code == _TOO_LARGE:
        return TooLargeError(_too_large(size))
    if code < 500:
        return PostponedError(_answer(*refusal))
    return MessageError(f"{words} ({_answer(*refusal)})", is_address=is_address)


@contextmanager
def _failing(kind: type[MailError], seconds: float | None = None) -> Iterator[None]:
    """Turn what the connection raises into a ``kind`` of error; what smtplib raises is an ``OSError`` too."""
    try:
        yield
    except OSError as error:
        is_for_later = isinstance(error, smtplib.SMTPResponseException) and 400 <= error.smtp_code < 500
        raise kind(_why(error, seconds), is_for_later=is_for_later) from error


def _why(error: Exception, seconds: float | None = None) -> str:
    # smtplib says that a server it no longer waits for hung up.
    cause = error.__context__ if isinstance(error, smtplib.SMTPServerDisconnected) else error
    if isinstance(cause, TimeoutError):
        if cause.errno is not None or seconds is None:
            return "il ne répond pas"
        return f"sa réponse n'est pas venue en {_duration(seconds)}, et nous avons cessé d'attendre"
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return "il a coupé la connexion"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"il ne veut pas parler avec nous ({_reply(error)})"
    return connection_reason(error)


def _duration(seconds: float) -> str:
    return plural(round(seconds / 60), "minute") if seconds >= 60 else f"{seconds:.0f} s"


def _reply(error: smtplib.SMTPResponseException) -> str:
    reply = error.smtp_error
    return _answer(error.smtp_code, reply if isinstance(reply, bytes) else reply.encode("utf-8", "replace"))


def _answer(code: int, reply: bytes) -> str:
    """What the server answered, in its own words: the person who looks after it knows them."""
    return f"sa réponse : « {code} {one_line(reply.decode('utf-8', 'replace'), _LONGEST_REPLY)} »"


def _too_large(size: int, limit: int | None = None) -> str:
    least = f", il n'en accepte que {_megabytes(limit)}" if limit is not None else ""
    return f"le message est trop gros pour ce serveur ({_megabytes(size)}{least})"


def _megabytes(size: int) -> str:
    return f"{size / _MEGABYTE:.1f} Mo".replace(".", ",")
