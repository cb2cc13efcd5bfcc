"""A small SMTP server on this machine, in a thread: what it was given can be looked at, and it misbehaves as told.

It speaks enough of RFC 5321 for one client at a time or several: EHLO with SIZE, STARTTLS, AUTH PLAIN and LOGIN, or TLS
from the start. The certificate is made by openssl for the day.
"""

from __future__ import annotations

import asyncio
import base64
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cache
from pathlib import Path

HOST = "localhost"
_LIMIT_BYTES = 1 << 26


@dataclass(frozen=True)
class Delivered:
    """A message as it came: the envelope, the bytes, and how the conversation was."""

    sender: str
    recipient: str
    content: bytes
    is_encrypted: bool
    user: str | None

    @property
    def message(self) -> EmailMessage:
        """The message, read by the standard library."""
        return message_from_bytes(self.content, policy=policy.default)  # type: ignore[return-value]

    @property
    def text(self) -> str:
        """Its words, its no-break spaces as spaces."""
        body = self.message.get_body()
        assert body is not None
        return str(body.get_content()).replace("\r\n", "\n").replace("\u00a0", " ")


@dataclass
class Server:
    """The server's manners, which a test may change while it runs, and what it received.

    ``refused`` are recipients with the answer they get (nothing: it hangs up; 421: then too); ``on_data`` the answer to
    a message instead of taking it, ``on_large`` to one of more than ``largest`` bytes; ``session_limit`` is how
    many messages a conversation may hand in; ``dies`` when it hangs up, always, and ``deaths`` when it does, once
    each: at the ``greeting``, in place of the answer to a command (``ehlo``, ``starttls``, ``auth``, ``mail``,
    ``rcpt``, ``data``, ``quit``), in the middle of the message (``body``), once it has it all (``dot``),
    once it took it (``end``); ``slow`` are the seconds before it greets, ``slow_end`` those before it takes a message.
    """

    port: int = 0
    users: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    refused_senders: dict[str, str] = field(default_factory=dict)
    on_data: str | None = None
    on_large: str = "552 5.3.4 too big"
    largest: int | None = None
    session_limit: int | None = None
    dies: str | None = None
    deaths: list[str] = field(default_factory=list)
    slow: float = 0.0
    slow_end: float = 0.0
    size: int | None = None
    certificate: tuple[Path, Path] | None = None
    is_tls_only: bool = False
    received: list[Delivered] = field(default_factory=list)
    conversations: int = 0
    tried: list[str] = field(default_factory=list)

    @property
    def context(self) -> ssl.SSLContext | None:
        """The TLS of the server, where it has a certificate."""
        if self.certificate is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.certificate)
        return context


@cache
def missing() -> str | None:
    """What this machine lacks to make a certificate."""
    return None if shutil.which("openssl") else "openssl is not installed"


def make_certificate(folder: Path, host: str = HOST) -> tuple[Path, Path]:
    """A certificate that ``host`` signs itself, and its key."""
    certificate, key = folder / "certificat.pem", folder / "cle.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={host}", "-addext",
         f"subjectAltName=DNS:{host}", "-keyout", key, "-out", certificate], check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key


@contextmanager
def running(server: Server | None = None) -> Iterator[Server]:
    """The server, listening on a free port of this machine (or again on its own) while the ``with`` block runs."""
    server = server or Server()
    loop = asyncio.new_event_loop()
    ready, ended = threading.Event(), asyncio.Event()

    async def serve() -> None:
        context = server.context if server.is_tls_only else None
        listening = await asyncio.start_server(
            lambda reader, writer: _Conversation(server, reader, writer).hold(), "127.0.0.1", server.port, ssl=context,
            limit=_LIMIT_BYTES,
        )  # fmt: skip
        server.port = listening.sockets[0].getsockname()[1]
        ready.set()
        await ended.wait()
        listening.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert ready.wait(10), "the SMTP server does not start"
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(10)
        loop.close()


class _HangUp(Exception):  # noqa: N818  (no error: the end of a conversation)
    pass


class _Conversation:
    def __init__(self, server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server, self.reader, self.writer = server, reader, writer
        self.is_encrypted = server.is_tls_only
        self.user: str | None = None
        self.sender = self.recipient = ""
        self.handed_in = 0

    async def hold(self) -> None:
        self.server.conversations += 1
        with suppress(_HangUp, ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, asyncio.CancelledError):
            await asyncio.sleep(self.server.slow)
            self.die_at("greeting")
            await self.say("220 localhost ESMTP")
            while True:
                line = (await self.reader.readuntil(b"\r\n")).decode().strip()
                verb, _, arguments = line.partition(" ")
                self.die_at(verb.lower())
                await getattr(self, f"do_{verb.lower()}", self.unknown)(arguments)
        self.writer.close()
        with suppress(OSError, asyncio.CancelledError):
            await self.writer.wait_closed()

    def die_at(self, moment: str) -> None:
        """Hang up, where it is to die now: what was not read is lost."""
        if moment == self.server.dies:
            raise _HangUp
        if moment in self.server.deaths:
            self.server.deaths.remove(moment)
            raise _HangUp

    async def say(self, *lines: str) -> None:
        self.writer.write("".join(f"{line}\r\n" for line in lines).encode())
        await self.writer.drain()

    async def unknown(self, _: str) -> None:
        await self.say("500 5.5.2 what?")

    async def do_ehlo(self, _: str) -> None:
        words = ["localhost"]
        if self.server.size is not None:
            words.append(f"SIZE {self.server.size}")
        if self.server.certificate is not None and not self.is_encrypted:
            words.append("STARTTLS")
        if self.server.users and self.is_encrypted:
            words.append("AUTH PLAIN LOGIN")
        await self.say(*(f"250-{word}" for word in words[:-1]), f"250 {words[-1]}")

    async def do_starttls(self, _: str) -> None:
        context = self.server.context
        assert context is not None
        await self.say("220 go ahead")
        await self.writer.start_tls(context)
        self.is_encrypted = True

    async def do_auth(self, arguments: str) -> None:
        mechanism, _, encoded = arguments.partition(" ")
        words = base64.b64decode(encoded).decode().split("\0")
        if mechanism == "LOGIN":
            await self.say("334 UGFzc3dvcmQ6")
            words.append(base64.b64decode(await self.reader.readuntil(b"\r\n")).decode())
        user, password = words[-2:]
        if self.server.users.get(user) == password:
            self.user = user
            await self.say("235 2.7.0 welcome")
        else:
            await self.say("535 5.7.8 bad credentials")

    async def do_mail(self, arguments: str) -> None:
        if self.server.session_limit is not None and self.handed_in >= self.server.session_limit:
            await self.say("421 4.7.0 too many messages in this session")
            raise _HangUp
        self.sender = arguments.partition("<")[2].partition(">")[0]
        needed = bool(self.server.users) and self.user is None
        refusal = "530 5.7.0 who are you?" if needed else self.server.refused_senders.get(self.sender)
        await self.say(refusal or "250 ok")

    async def do_rcpt(self, arguments: str) -> None:
        self.recipient = arguments.partition("<")[2].partition(">")[0]
        self.server.tried.append(self.recipient)
        answer = self.server.refused.get(self.recipient, "250 ok")
        if answer:
            await self.say(answer)
        if not answer or answer.startswith("421"):
            raise _HangUp

    async def do_data(self, _: str) -> None:
        await self.say("354 go on")
        begun = await self.reader.readexactly(1)
        self.die_at("body")
        content = (begun + await self.reader.readuntil(b"\r\n.\r\n"))[:-3].replace(b"\r\n..", b"\r\n.")
        self.die_at("dot")
        await asyncio.sleep(self.server.slow_end)
        if self.server.largest is not None and len(content) > self.server.largest:
            await self.say(self.server.on_large)
            return
        if self.server.on_data is not None:
            await self.say(self.server.on_data)
            return
        self.handed_in += 1
        self.server.received.append(Delivered(self.sender, self.recipient, content, self.is_encrypted, self.user))
        self.die_at("end")
        await self.say("250 2.0.0 taken")

    async def do_rset(self, _: str) -> None:
        await self.say("250 ok")

    async def do_quit(self, _: str) -> None:
        await self.say("221 bye")
        raise _HangUp
