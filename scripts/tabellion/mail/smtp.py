"""A message, and its delivery to the SMTP server of the settings, each failure in French.

Nothing here is tried twice: the caller decides what comes next from the kind of :class:`MailError`.
"""

from __future__ import annotations

import hashlib
import re
import smtplib
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from pathlib import PurePosixPath
from types import TracebackType
from typing import Any

from tabellion.contract.workspace import MailSettings, is_mail_address
from tabellion.outputs.reminders import plain
from tabellion.wording import system_reason

#: How long the server may take for each answer.
TIMEOUT_SECONDS = 20.0
_XLSX = ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet")
_LONGEST_SUBJECT, _LONGEST_STEM, _LONGEST_REPLY = 200, 80, 200
_FORBIDDEN_IN_NAMES = str.maketrans(dict.fromkeys('\\/:*?"<>|', "_"))
#: What an SMTP server answers when the message is too large, and when it ends the session by itself.
_TOO_LARGE, _CLOSING, _GO_ON = 552, 421, 354
_LINE_WITH_DOT = re.compile(rb"^\.", re.MULTILINE)
_MEGABYTE = 1_000_000


class MailError(Exception):
    """A mail that was not delivered. ``detail`` says why, in French, as the end of a sentence."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class UnreachableError(MailError):
    """There is no server, or none that can be spoken to safely: nothing can be sent now."""


class RefusedError(MailError):
    """The server does not know us, or does not take our mail: nothing can be sent now."""


class MessageError(MailError):
    """This message, or its recipient, is refused; others may be taken."""


class DoubtfulError(MailError):
    """The message was handed over whole, and then the server was lost: it may have been delivered."""


class _Policy(EmailPolicy):
    """The standard one, but for the words of the subject and of the sender: it loses spaces where it folds those with
    accents (gh-92081, in the Pythons of before 3.13)."""

    def fold(self, name: str, value: Any) -> str:
        """A header as its lines."""
        if name == "Subject":
            return f"{name}: {_folded(name, str(value))}\r\n"
        if name == "From":
            (sender,) = value.addresses
            return f"{name}: {_folded(name, sender.display_name)}\r\n <{sender.addr_spec}>\r\n"
        return str(super().fold(name, value))

    def fold_binary(self, name: str, value: object) -> bytes:
        """The same, as bytes."""
        return self.fold(name, value).encode("ascii", "surrogateescape")


def _folded(name: str, words: str) -> str:
    return Header(words, "utf-8", header_name=name).encode(linesep="\r\n")


def make_message(
    mail: MailSettings,
    recipient: str,
    subject: str,
    text: str,
    *,
    sender: str,
    now: datetime,
    identity: str,
    attachment: tuple[str, bytes] | None = None,
) -> EmailMessage:
    """A message to one ``recipient`` (an address) from ``sender`` (a name), dated ``now`` (local where it has no zone).

    ``identity`` is the same for the same message, however often it is sent. ``attachment`` is a workbook: its name and
    its bytes.
    Subject and names may hold what a partner typed: they are put on one line, and nothing of them can add a header.
    Raises :class:`MessageError` when the recipient is no address.
    """
    if not is_mail_address(recipient):
        raise MessageError("ce n'est pas une adresse de courriel")
    message = EmailMessage(_Policy(linesep="\r\n"))
    message["From"] = Address(_one_line(sender, _LONGEST_SUBJECT), addr_spec=mail.expediteur)
    message["To"] = Address(addr_spec=recipient)
    if mail.equipe and recipient not in mail.equipe:
        message["Reply-To"] = [Address(addr_spec=address) for address in mail.equipe]
    message["Subject"] = _one_line(subject, _LONGEST_SUBJECT)
    message["Date"] = format_datetime(now.astimezone())
    # The same message has the same identity: a mailbox that gets it twice all the same shows it once.
    number = hashlib.sha256(identity.encode()).hexdigest()[:32]
    message["Message-ID"] = f"<{number}@{mail.expediteur.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday message is to answer
    message["X-Auto-Response-Suppress"] = "All"  # the same, for Exchange
    message["Content-Language"] = "fr"
    message.set_content(text.encode("utf-8", "replace").decode(), cte="quoted-printable")
    if attachment is not None:
        name, content = attachment
        message.add_attachment(content, *_XLSX, filename=attachment_name(name))
    return message


def attachment_name(fichier: str) -> str:
    """``Ville (annoté).xlsx``: a name that every system takes, for the annotated copy of ``fichier``."""
    stem = PurePosixPath(fichier).stem.translate(_FORBIDDEN_IN_NAMES)
    return f"{_one_line(stem, _LONGEST_STEM) or 'retour'} (annoté).xlsx"


class Session:
    """One conversation with the server, as a context; raises :class:`UnreachableError` or :class:`RefusedError`.

    ``environment`` has the password. The server's certificate is verified, with the authorities that the system
    trusts, or those of ``SSL_CERT_FILE``.
    """

    def __init__(
        self, mail: MailSettings, environment: Mapping[str, str], timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        self.mail, self.timeout = mail, timeout_seconds
        self.password = ""
        if mail.utilisateur is not None:
            variable = mail.mot_de_passe_variable or ""
            if variable not in environment:
                raise RefusedError(f"la variable d'environnement « {variable} », où est le mot de passe, n'existe pas")
            self.password = environment[variable]

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
        with suppress(OSError):  # what smtplib raises is one too
            self.client.quit()
        self.client.close()

    def _reach(self) -> smtplib.SMTP:
        host, port = self.mail.serveur, self.mail.port
        try:
            if self.mail.chiffrement == "ssl":
                context = ssl.create_default_context()
                return smtplib.SMTP_SSL(host, port, timeout=self.timeout, context=context)
            return smtplib.SMTP(host, port, timeout=self.timeout)
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
            raise RefusedError(f"utilisateur ou mot de passe refusé ({_reply(error)})") from error
        except smtplib.SMTPNotSupportedError as error:
            raise RefusedError("il ne connaît pas d'utilisateurs, ou pas par ce chiffrement et ce port") from error
        except UnicodeError as error:
            detail = "l'utilisateur ou le mot de passe a une lettre accentuée, que SMTP n'admet pas"
            raise RefusedError(detail) from error

    def send(self, message: EmailMessage, recipient: str) -> None:
        """Hand a message over. Raises :class:`MessageError`, after which others may be sent, or another
        :class:`MailError`, after which nothing can be."""
        content = message.as_bytes()
        limit = self.client.esmtp_features.get("size", "")
        if limit.isdecimal() and 0 < int(limit) < len(content):
            raise MessageError(_too_large(len(content), int(limit)))
        options = [f"size={len(content)}"] if self.client.has_extn("size") else []
        with _failing(UnreachableError):
            refusal = self._refusal(self.client.mail(self.mail.expediteur, options))
            if refusal is not None:
                if refusal[0] == _TOO_LARGE:
                    self.client.rset()
                    raise MessageError(_too_large(len(content)))
                raise RefusedError(f"l'adresse « {self.mail.expediteur} » n'est pas admise ({_answer(*refusal)})")
            refusal = self._refusal(self.client.rcpt(recipient))
            if refusal is not None:
                self.client.rset()
                raise MessageError(f"cette adresse est refusée ({_answer(*refusal)})")
        self._hand_over(content)

    def _hand_over(self, content: bytes) -> None:
        # Not smtplib's own way, which does not tell a server lost before the last line from one lost after it.
        with _failing(UnreachableError):
            answer = self.client.docmd("data")
            if answer[0] == _GO_ON:
                self.client.send(_LINE_WITH_DOT.sub(b"..", content) + b".\r\n")
        if answer[0] == _GO_ON:
            with _failing(DoubtfulError):
                answer = self.client.getreply()
        refusal = self._refusal(answer)
        if refusal is None:
            return
        with suppress(OSError):
            self.client.rset()
        if refusal[0] == _TOO_LARGE:
            raise MessageError(_too_large(len(content)))
        raise MessageError(f"le message est refusé ({_answer(*refusal)})")

    def _refusal(self, answer: tuple[int, bytes]) -> tuple[int, bytes] | None:
        """What the server answered, where it is a refusal."""
        if answer[0] == _CLOSING:
            raise UnreachableError(f"il met fin à la conversation ({_answer(*answer)})")
        return None if 200 <= answer[0] < 300 else answer


@contextmanager
def _failing(kind: type[MailError]) -> Iterator[None]:
    """Turn what the connection raises into a ``kind`` of error; what smtplib raises is an ``OSError`` too."""
    try:
        yield
    except OSError as error:
        raise kind(_why(error)) from error


def _why(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return "la connexion a été coupée"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"il ne veut pas parler avec nous ({_reply(error)})"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"son certificat n'est pas reconnu ({plain(error.verify_message)})"
    if isinstance(error, ssl.SSLError):
        return "le chiffrement ne s'établit pas : « chiffrement » et « port » vont-ils ensemble ?"
    if isinstance(error, socket.gaierror | UnicodeError):
        return "aucune machine de ce nom n'est connue"
    if isinstance(error, TimeoutError):
        return "il ne répond pas"
    if isinstance(error, ConnectionError):
        return "la connexion est refusée ou coupée"
    return system_reason(error) if isinstance(error, OSError) else str(error)


def _reply(error: smtplib.SMTPResponseException) -> str:
    reply = error.smtp_error
    return _answer(error.smtp_code, reply if isinstance(reply, bytes) else reply.encode("utf-8", "replace"))


def _answer(code: int, reply: bytes) -> str:
    """What the server answered, in its own words: the person who looks after it knows them."""
    return f"sa réponse : « {code} {_one_line(reply.decode('utf-8', 'replace'), _LONGEST_REPLY)} »"


def _too_large(size: int, limit: int | None = None) -> str:
    least = f", il n'en accepte que {_megabytes(limit)}" if limit is not None else ""
    return f"le message est trop gros pour ce serveur ({_megabytes(size)}{least})"


def _megabytes(size: int) -> str:
    return f"{size / _MEGABYTE:.1f} Mo".replace(".", ",")


def _one_line(text: str, longest: int) -> str:
    line = plain(text)
    return line if len(line) <= longest else line[: longest - 1] + "…"
