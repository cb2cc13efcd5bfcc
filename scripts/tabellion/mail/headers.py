"""What the headers of a message from outside say: who sent it, whether a server vouches for that, whether a person
wrote it, which message of ours it says was not delivered. Pure.

Encoded words are never decoded before an address is looked for: what is only shown must not be taken for one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage, Message

from tabellion.contract.workspace import LONGEST_ADDRESS
from tabellion.mail.messages import one_line

_LONGEST, _MOST_REFERENCES = 120, 20
_IN_BRACKETS = re.compile(r"<([^<>]*)>")
#: A result of RFC 8601, 2.2: ``dmarc=pass header.from=ville.fr``.
_RESULT = re.compile(r"\s*([a-z-]+)\s*=\s*([a-z]+)\b(.*)", re.IGNORECASE | re.DOTALL)
_HEADER_FROM = re.compile(r"\bheader\.from\s*=\s*(\S+)", re.IGNORECASE)
#: Headers that only lists and programs write.
_OF_PROGRAMS = ("List-Id", "List-Unsubscribe", "List-Post", "X-Autoreply", "X-Autorespond")
#: Who writes that a message could not be delivered, where it is no report (RFC 3464).
_POSTMASTERS = ("mailer-daemon@", "postmaster@")


@dataclass(frozen=True)
class Sender:
    """Who says to have sent a message: ``address`` in small letters (empty where there is none, or several), ``checks``
    what a server found of it (``spf=pass dkim=pass dmarc=pass (mx.agglo.fr)``), ``is_automatic`` where no person wrote
    it, ``is_bounce`` where it says that another message was not delivered, or was read; ``is_authentic`` where the
    server that is trusted found that the sender is who it says. ``undelivered`` are the addresses that a bounce names,
    each with the reason."""

    address: str
    message_id: str
    references: tuple[str, ...]
    checks: str
    is_automatic: bool
    is_authentic: bool = False
    is_bounce: bool = False
    undelivered: tuple[tuple[str, str], ...] = ()


NOBODY = Sender("", "", (), "", is_automatic=False)


def sender_of(message: EmailMessage, authority: str = "") -> Sender:
    """Who sent a message; of its ``Authentication-Results`` only those count that ``authority`` signs (RFC 8601).

    Without one they prove nothing, since anybody can write them: they are shown with the server that they name.
    """
    headers = _Headers(message)
    address = _address(headers.all("From"))
    signed, results = _results(next(iter(headers.all("Authentication-Results")), ""))
    is_own = bool(authority) and signed.casefold() == authority.casefold()
    shown = " ".join(f"{method}={result}" for method, result, _ in results) if is_own or not authority else ""
    dmarc = [(result, of.rpartition("@")[2]) for method, result, of in results if method == "dmarc"]
    domain = address.rpartition("@")[2]
    is_automatic, is_bounce = _is_automatic(headers, message), _is_bounce(headers, message, address)
    return Sender(
        address,
        "".join(headers.all("Message-ID")[:1]),
        tuple(" ".join(headers.all("References")).split())[-_MOST_REFERENCES:],
        one_line(f"{shown} ({signed})", _LONGEST) if shown else "",
        is_automatic or is_bounce,
        is_own and bool(dmarc) and all(result == "pass" and of in ("", domain) for result, of in dmarc),
        is_bounce,
        tuple(_undelivered(message)) if is_bounce else (),
    )


class _Headers:
    """The headers of a message as they came, each on one line."""

    def __init__(self, message: EmailMessage) -> None:
        self._lines = [(name.lower(), " ".join(str(value).split())) for name, value in message.raw_items()]

    def all(self, name: str) -> list[str]:
        """The values of a header, the topmost first."""
        return [value for known, value in self._lines if known == name.lower()]


def _address(fields: list[str]) -> str:
    """The one address of ``From`` in small letters; empty where there is none, or more than one (RFC 5322, 3.6.2)."""
    bare = _bare(fields[0]) if len(fields) == 1 else ""
    addresses = _IN_BRACKETS.findall(bare) if "<" in bare else [bare]
    address = "".join(addresses).strip().lower()
    is_one = len(addresses) == 1 and address.count("@") == 1 and re.search(r"[\s,;:<>]", address) is None
    return one_line(address, LONGEST_ADDRESS) if is_one else ""


def _bare(text: str) -> str:
    """``text`` without its comments and quoted strings (RFC 5322, 3.2); one that does not end takes all the rest."""
    kept, depth, is_quoted, is_escaped = list[str](), 0, False, False
    for sign in text:
        if is_escaped:
            is_escaped = False
        elif sign == "\\":
            is_escaped = True
        elif is_quoted:
            is_quoted = sign != '"'
        elif sign == '"':
            is_quoted = depth == 0
        elif sign in "()":
            depth = max(0, depth + (1 if sign == "(" else -1))
        elif depth == 0:
            kept.append(sign)
    return "".join(kept)


def _results(field: str) -> tuple[str, list[tuple[str, str, str]]]:
    """The server that signs a header of results, and each result: its method, what it is, the domain that it is of."""
    signed, *parts = _bare(field).split(";")
    matches = [match for part in parts if (match := _RESULT.match(part)) is not None]
    results = [
        (result[1].lower(), result[2].lower(), of[1].lower() if (of := _HEADER_FROM.search(result[3])) else "")
        for result in matches
    ]  # fmt: skip
    return "".join(signed.split()[:1]), results


def _is_automatic(headers: _Headers, message: EmailMessage) -> bool:
    """Whether a program wrote it: an answer of its own (RFC 3834), a list, a mailing."""
    submitted = [value.partition(";")[0].strip().lower() for value in headers.all("Auto-Submitted")]
    return (
        any(value != "no" for value in submitted)
        or any(value.lower() in ("bulk", "junk", "list", "auto_reply") for value in headers.all("Precedence"))
        or any(headers.all(name) for name in _OF_PROGRAMS)
        or message.get_content_type() == "multipart/report"
    )  # fmt: skip


def _is_bounce(headers: _Headers, message: EmailMessage, address: str) -> bool:
    is_from_nobody = headers.all("Return-Path")[:1] == ["<>"]
    return message.get_content_type() == "multipart/report" or is_from_nobody or address.startswith(_POSTMASTERS)


def _undelivered(message: Message) -> Iterator[tuple[str, str]]:
    """The addresses that a report of RFC 3464 names as failed, with what the server said."""
    for part in message.walk():
        if part.get_content_type() != "message/delivery-status" or not isinstance(part.get_payload(), list):
            continue
        for block in part.get_payload():
            if isinstance(block, Message) and str(block.get("Action", "")).strip().lower() == "failed":
                address = str(block.get("Final-Recipient", "")).rpartition(";")[2].strip().lower()
                reason = str(block.get("Diagnostic-Code") or block.get("Status") or "")
                yield one_line(address, _LONGEST), one_line(reason.partition(";")[2] or reason, _LONGEST)
