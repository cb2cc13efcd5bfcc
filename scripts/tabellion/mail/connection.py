"""What a connection to a server of mail is allowed, and why it fails, in French."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tabellion.outputs.reminders import plain
from tabellion.wording import system_reason


@contextmanager
def bounded(connection: socket.socket | None, seconds: float) -> Iterator[None]:
    """Cut a connection that is read for longer than this, however often a byte comes; raises ``TimeoutError`` then."""
    is_late = threading.Event()

    def cut() -> None:
        is_late.set()
        if connection is not None:
            with suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)  # not TLS's own, which the reader has

    timer = threading.Timer(max(0.0, seconds), cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    except Exception as error:
        if is_late.is_set():
            raise TimeoutError from error
        raise
    finally:
        timer.cancel()
    if is_late.is_set():
        raise TimeoutError


def connection_reason(error: Exception) -> str:
    """Why a connection failed, as the end of a sentence."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"son certificat n'est pas reconnu ({plain(error.verify_message)})"
    if isinstance(error, ssl.SSLError):
        return "le chiffrement ne s'établit pas : « chiffrement » et « port » vont-ils ensemble ?"
    if isinstance(error, socket.gaierror | UnicodeError):
        return "aucune machine de ce nom n'est connue"
    if isinstance(error, ConnectionError):
        return "la connexion est refusée ou coupée"
    return system_reason(error) if isinstance(error, OSError) else str(error)
