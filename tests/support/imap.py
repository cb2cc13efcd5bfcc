"""A real Dovecot on this machine, for one user, over TLS: what a town hall's mailbox does, without one."""

from __future__ import annotations

import imaplib
import os
import pwd
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

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
            kind, _ = client.select(folder, readonly=True)
            assert kind == "OK", folder
            _, found = client.fetch("1:*", "(FLAGS)")
            return [" ".join(flag.decode() for flag in imaplib.ParseFlags(line)) for line in found if line]

    def empty(self) -> None:
        """Take every message and folder away; the numbers of messages begin anew."""
        shutil.rmtree(self.folder / "mail", ignore_errors=True)


@contextmanager
def running() -> Iterator[MailServer]:
    """Dovecot, answering on a free port of this machine while the ``with`` block runs."""
    folder = Path(tempfile.mkdtemp(prefix="dovecot-"))
    folder.chmod(0o755)
    is_root = os.getuid() == 0
    owner = pwd.getpwnam(_OWNER) if is_root else pwd.getpwuid(os.getuid())
    with socket.socket() as free, socket.socket() as free_too:
        for each in (free, free_too):
            each.bind(("127.0.0.1", 0))
        port, starttls_port = (each.getsockname()[1] for each in (free, free_too))
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
    configuration.write_text(_CONFIGURATION.format(**words))
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
        said = log.read_text(errors="replace") if log.exists() else ""
        assert process.poll() is None, said
        assert time.monotonic() < end, said
        time.sleep(0.05)
