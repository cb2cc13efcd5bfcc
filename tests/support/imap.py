"""A real Dovecot on this machine, for one user, over TLS: what a town hall's mailbox does, without one."""

from __future__ import annotations

import base64
import imaplib
import os
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.smtp import HOST, make_certificate

USER, PASSWORD = "retours", "s3cret"
_START_SECONDS = 20.0
#: Who owns the mails where this process is root, whom Dovecot gives none.
_OWNER = "nobody"
_CONFIGURATION = """
protocols = imap
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
ssl = required
ssl_cert = <{certificate}
ssl_key = <{key}
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
auth_failure_delay = 0
mail_location = maildir:{folder}/mail
first_valid_uid = 1
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/home
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    address = 127.0.0.1
    port = {starttls_port}
  }}
  inet_listener imaps {{
    address = 127.0.0.1
    port = {port}
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
"""


def missing() -> str | None:
    """What this machine lacks to run one."""
    lacking = [name for name in ("dovecot", "openssl") if _program(name) is None]
    return f"{lacking[0]} is not installed (dovecot-imapd)" if lacking else None


def _program(name: str) -> str | None:
    return shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin")))


@dataclass
class MailServer:
    """The server: its port, that where TLS begins by STARTTLS, the certificate to trust, its folder."""

    port: int
    starttls_port: int
    certificate: Path
    folder: Path

    @contextmanager
    def client(self) -> Iterator[imaplib.IMAP4]:
        """A conversation of somebody else with it: the partner's mails come, staff look."""
        context = ssl.create_default_context(cafile=self.certificate)
        client = imaplib.IMAP4_SSL(HOST, self.port, ssl_context=context, timeout=20)
        client.login(USER, PASSWORD)
        try:
            yield client
        finally:
            with suppress(imaplib.IMAP4.error, OSError):
                client.logout()

    def deliver(self, *messages: bytes, folder: str = "INBOX") -> None:
        """Put messages into a folder."""
        with self.client() as client:
            client.create(folder)
            for message in messages:
                kind, answer = client.append(folder, "", "", message)  # type: ignore[arg-type]
                assert kind == "OK", answer

    def flags(self, folder: str = "INBOX") -> list[str]:
        """The flags of each message of a folder, in their order."""
        with self.client() as client:
            kind, (count,) = client.select(folder, readonly=True)
            assert kind == "OK", folder
            if count == b"0":
                return []
            _, lines = client.fetch("1:*", "(FLAGS)")
            return [" ".join(flag.decode() for flag in imaplib.ParseFlags(line)) for line in lines if line]

    def empty(self) -> None:
        """Take every message and folder away; the numbers of messages begin anew."""
        shutil.rmtree(self.folder / "mail", ignore_errors=True)


#: What a faulty way to the server does with a command: ``None`` brings it there; ``before`` cuts the connection in its
#: place, ``after`` in that of its answer; anything else is what is answered in its place (``NO [OVERQUOTA] full``).
Decide = Callable[[str, str], str | None]


class _Side:
    """One side of a conversation."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection, self.file = connection, connection.makefile("rb")

    def line(self) -> bytes:
        line = self.file.readline()
        if not line:
            raise ConnectionError
        return line

    def encrypt(self, context: ssl.SSLContext, *, is_server: bool) -> None:
        name = None if is_server else HOST
        self.connection = context.wrap_socket(self.connection, server_side=is_server, server_hostname=name)
        self.file = self.connection.makefile("rb")

    def answer(self, tag: bytes) -> bytes:
        """All that a server answers to the command ``tag``, or until it asks for more."""
        lines = list[bytes]()
        while not lines or not lines[-1].startswith((tag + b" ", b"+")):
            lines.append(self.line())
            while (literal := re.search(rb"\{(\d+)\}\r\n$", lines[-1])) is not None:
                lines += self.file.read(int(literal[1])), self.line()
        return b"".join(lines)

    def close(self) -> None:
        self.file.close()
        self.connection.close()


@contextmanager
def faulty(server: MailServer, decide: Decide, *, starttls: bool = False, hides: bytes = b"") -> Iterator[int]:
    """A way to the server on which ``decide`` is asked at each command, from its verb (``UID FETCH`` is ``FETCH``) and
    its whole line. A word of what the server can do is hidden. The port to use."""
    as_server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    as_server.load_cert_chain(server.certificate, server.folder / "cle.pem")
    as_client = ssl.create_default_context(cafile=server.certificate)

    def converse(near: _Side, far: _Side) -> None:
        near.connection.sendall(far.line())
        while True:
            line = near.line()
            tag, verb, *arguments = line.split()
            shown = (arguments[0] if verb == b"UID" else verb).decode().upper()
            fault = decide(shown, line.decode("latin-1"))
            if fault == "before":
                return
            if fault not in (None, "after"):
                near.connection.sendall(tag + f" {fault}\r\n".encode())
                continue
            far.connection.sendall(line)
            reply = far.answer(tag)
            if fault == "after":
                return
            near.connection.sendall(reply.replace(b" " + hides, b"") if hides else reply)
            if shown == "STARTTLS":
                near.encrypt(as_server, is_server=True)
                far.encrypt(as_client, is_server=False)
            while reply.startswith(b"+"):
                far.connection.sendall(near.line())
                reply = far.answer(tag)
                near.connection.sendall(reply)

    def hold(connection: socket.socket) -> None:
        port = server.starttls_port if starttls else server.port
        near, far = _Side(connection), _Side(socket.create_connection((HOST, port), 20))
        with suppress(OSError, ValueError):
            if not starttls:
                near.encrypt(as_server, is_server=True)
                far.encrypt(as_client, is_server=False)
            converse(near, far)
        near.close()
        far.close()

    listening = socket.create_server(("127.0.0.1", 0))
    with listening_on(listening, hold):
        yield listening.getsockname()[1]


@contextmanager
def listening_on(listening: socket.socket, hold: Callable[[socket.socket], None]) -> Iterator[None]:
    """Each connection is held in a thread of its own, while the ``with`` block runs."""

    def serve() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=hold, args=(listening.accept()[0],), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield
    finally:
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(5)


#: How Dovecot checks JSON web tokens itself, with a key of its own.
_TOKENS = """
auth_mechanisms = plain xoauth2
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {folder}/jetons.conf
}}
"""


@contextmanager
def running(token_key: bytes | None = None) -> Iterator[MailServer]:
    """Dovecot, answering on a free port of this machine while the ``with`` block runs; with ``token_key`` it takes
    tokens that are signed with it, by XOAUTH2."""
    import pwd  # no Windows has it

    folder = Path(tempfile.mkdtemp(prefix="dovecot-"))
    folder.chmod(0o755)
    is_root = os.getuid() == 0
    owner = pwd.getpwnam(_OWNER) if is_root else pwd.getpwuid(os.getuid())
    with socket.socket() as free, socket.socket() as free_too:
        for sock in (free, free_too):
            sock.bind(("127.0.0.1", 0))
        port, starttls_port = (sock.getsockname()[1] for sock in (free, free_too))
    certificate, key = make_certificate(folder)
    for name in ("run", "state", "home"):
        (folder / name).mkdir()
    if is_root:
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        os.chown(folder / "home", owner.pw_uid, owner.pw_gid)
    group = subprocess.run(["id", "-gn", owner.pw_name], check=True, capture_output=True, text=True).stdout.strip()
    words = {"folder": folder, "certificate": certificate, "key": key, "user": owner.pw_name, "group": group,
             "uid": owner.pw_uid, "gid": owner.pw_gid, "password": PASSWORD, "port": port,
             "starttls_port": starttls_port}  # fmt: skip
    configuration = folder / "dovecot.conf"
    configuration.write_text((_CONFIGURATION + (_TOKENS if token_key else "")).format(**words))
    if token_key is not None:
        key = folder / "jetons" / "default" / "HS256" / "default"
        key.parent.mkdir(parents=True)
        key.write_bytes(base64.b64encode(token_key))
        local = f"introspection_mode = local\nlocal_validation_key_dict = fs:posix:prefix={folder}/jetons/\n"
        (folder / "jetons.conf").write_text(f"{local}username_attribute = sub\n")
    program = _program("dovecot")
    assert program is not None
    process = subprocess.Popen([program, "-F", "-c", str(configuration)], stderr=subprocess.DEVNULL)
    try:
        _wait_until_it_answers(process, port, folder)
        yield MailServer(port, starttls_port, certificate, folder)
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


def _wait_until_it_answers(process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while True:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        log = folder / "log"
        log_text = log.read_text(errors="replace") if log.exists() else ""
        assert process.poll() is None, log_text
        assert time.monotonic() < end, log_text
        time.sleep(0.05)


@pytest.fixture(scope="module")
def mail_server() -> Iterator[MailServer]:
    """A Dovecot, where it is installed."""
    with running() as server:
        yield server


@pytest.fixture
def mailbox(mail_server: MailServer, monkeypatch: pytest.MonkeyPatch) -> MailServer:
    """The server with an empty mailbox, whose certificate is trusted."""
    mail_server.empty()
    monkeypatch.setenv("SSL_CERT_FILE", str(mail_server.certificate))
    return mail_server
