"""Mails as partners send them, a way to a server that is cut, and what came of it."""

from __future__ import annotations

import io
import socket
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from pathlib import Path

from support.imap import listening_on

XLSX = ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet")


def mail(
    sender: str = "mairie@luce.fr", *files: tuple[str, bytes], text: str = "Bonjour", **headers: str
) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = f"Mairie <{sender}>", "retours@agglo.fr", "Notre retour"
    message["Message-ID"] = headers.pop("message_id", f"<{abs(hash((sender, files, text, *headers.items())))}@luce.fr>")
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    for name, content in files:
        message.add_attachment(content, *XLSX, filename=name)
    return message


def zipped(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def returns(root: Path) -> dict[str, bytes]:
    """The files of ``retours/`` by their place in it."""
    folder = root / "workbooks" / "retours"
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@contextmanager
def cutting(port: int, after_bytes: int) -> Iterator[int]:
    """A way to the server that is cut once it has brought so many bytes back; the port to use."""
    listening = socket.create_server(("127.0.0.1", 0))

    def pour(source: socket.socket, target: socket.socket, most: float) -> None:
        with suppress(OSError):
            while most > 0 and (block := source.recv(int(min(most, 4096)))):
                target.sendall(block)
                most -= len(block)
        for sock in (source, target):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def hold(near: socket.socket) -> None:
        with near, socket.create_connection(("127.0.0.1", port)) as far:
            pairs = ((near, far, float("inf")), (far, near, after_bytes))
            threads = [threading.Thread(target=pour, args=pair, daemon=True) for pair in pairs]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    with listening_on(listening, hold):
        yield listening.getsockname()[1]
